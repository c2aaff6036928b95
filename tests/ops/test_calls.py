"""However a function of NumPy or SciPy may be called, so may its primitive: with lists, by the names of parameters."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import opreg
from opreg import plugins

plugins.load_all()
EXACT = (np.float64, np.complex128, np.int64, np.bool_)  # what np.asarray makes of a list of numbers


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.size > 0 and value.dtype.type in EXACT


def _pulled(primitive: Any, sample: Any, position: int, others: Any) -> Any:
    """Return the cotangent of an argument, the other arrays being given as ``others`` makes them."""

    def function(x: Any) -> Any:
        args = [x if i == position else others(a) for i, a in enumerate(sample.args)]
        return primitive(*args, **{name: others(value) for name, value in sample.kwargs.items()})

    out, pull = opreg.vjp(function, sample.args[position])
    ones = tuple(np.ones_like(part) for part in out) if isinstance(out, tuple) else np.ones_like(out)
    return pull(ones)[0]


def _as_list(value: Any) -> Any:
    return value.tolist() if _is_array(value) else value


def _takes_lists(primitive: Any, sample: Any) -> bool:
    """Tell whether the function itself takes the arrays of the sample as lists."""
    args, kwargs = map(_as_list, sample.args), {k: _as_list(v) for k, v in sample.kwargs.items()}
    try:
        primitive(*args, **kwargs)
    except (TypeError, ValueError, AttributeError, IndexError):
        return False
    return True


SEVERAL = [p for p in plugins.primitives(["numpy.*", "scipy.*"]) if p.variadic or len(p.data) > 1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("primitive", SEVERAL, ids=lambda p: p.name)
def test_a_list_is_an_array(primitive: Any) -> None:
    rng = np.random.default_rng(7)
    tried = 0
    samples = [sample for generator in primitive.sample_generators for sample in generator(rng)][:12]
    for sample in samples:
        arrays = [i for i, a in enumerate(sample.args) if _is_array(a)]
        moving = [i for i in arrays if sample.args[i].dtype.kind in "fc"]
        several = len(arrays) + sum(map(_is_array, sample.kwargs.values())) > 1
        if not several or not _takes_lists(primitive, sample):
            continue
        for position in moving:
            try:
                expected = _pulled(primitive, sample, position, lambda a: a)
            except (opreg.NotDifferentiable, TypeError):  # no derivative by this argument
                continue
            with np.errstate(all="ignore"):
                got = _pulled(primitive, sample, position, _as_list)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)
            tried += 1
    if not tried:
        pytest.skip("no sample of it has another array")


ALL = [
    p for p in plugins.primitives(["numpy.*", "scipy.*"]) if not isinstance(plugins.locate(p.name), np.ufunc)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("primitive", ALL, ids=lambda p: p.name)
def test_every_argument_may_be_given_by_its_name(primitive: Any) -> None:
    function = plugins.locate(primitive.name)
    parameters = list(inspect.signature(function).parameters.values())
    rng = np.random.default_rng(3)
    for sample in [sample for generator in primitive.sample_generators for sample in generator(rng)][:20]:
        first = parameters[: len(sample.args)]
        if len(first) < len(sample.args) or any(p.kind != p.POSITIONAL_OR_KEYWORD for p in first):
            continue
        named = {p.name: value for p, value in zip(first, sample.args, strict=True)}
        np.testing.assert_equal(primitive(**named, **sample.kwargs), primitive(*sample.args, **sample.kwargs))
