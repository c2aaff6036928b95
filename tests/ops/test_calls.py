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


RESULTS = [
    p
    for p in plugins.primitives(["numpy.*"])
    if not (p.is_constant or p.in_place) and plugins.locate(p.name) not in (None, p)
]
OF_ANOTHER_TYPE = {
    ("numpy.bincount", "empty"): "a count of nothing is not in integers, to which no weight could be added",
    ("numpy.fft.fftn", "negative strides"): "over no axes NumPy returns the array itself",
    ("numpy.fft.ifftn", "negative strides"): "over no axes NumPy returns the array itself",
    **{
        ("numpy.real_if_close", note): "NumPy returns an array of what it is given, which nobody writes into"
        for note in ("0-d", "a Python float", "complex, 0-d")
    },
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("primitive", RESULTS, ids=lambda p: p.name)
def test_a_traced_result_is_a_scalar_or_an_array_where_numpys_is(primitive: Any) -> None:
    """A scalar never changes where a 0-d array does: m = np.median(x); k = m; m -= 1 leaves k as it was."""
    function, rng = plugins.locate(primitive.name), np.random.default_rng(3)
    for sample in [sample for generator in primitive.sample_generators for sample in generator(rng)]:
        if (primitive.name, sample.note) in OF_ANOTHER_TYPE:
            continue
        data, static = primitive.canonical(sample.args, dict(sample.kwargs))
        seen: list[Any] = []

        def run(*moving: Any, data: Any = data, static: Any = static, seen: list[Any] = seen) -> Any:
            given = iter(moving)
            out = primitive.bind(*(next(given) if _moves(value) else value for value in data), **static)
            seen.extend(out if isinstance(out, (tuple, list)) else [out])
            return out

        moving = [value for value in data if _moves(value)]
        if not moving:
            continue
        opreg.vjp(run, *moving)
        expected = function(*sample.args, **sample.kwargs)
        for got, due in zip(
            seen, expected if isinstance(expected, (tuple, list)) else [expected], strict=True
        ):
            plain = opreg.stop_gradient(got)
            assert type(plain) is type(due), sample
            assert np.result_type(plain) == np.result_type(due), sample


def _moves(value: Any) -> bool:
    """Tell whether a derivative can be taken by a value."""
    kind = value.dtype.kind if hasattr(value, "dtype") else type(value).__name__[0]
    return isinstance(value, (np.ndarray, np.generic, float, complex)) and kind in "fc"


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
@pytest.mark.parametrize(
    "function",
    [
        np.median,
        np.nanmedian,
        lambda x: np.quantile(x, 0.5),
        lambda x: np.nanpercentile(x, 50.0),
        lambda x: np.interp(x[0], [0.0, 2.0], [0.0, 4.0]),
        lambda x: np.kron(x[0], x[1]),
        lambda x: np.average(x, weights=x, returned=True)[1],
        lambda x: np.nanstd(np.where(x > 1, np.nan, x), ddof=1),
        lambda x: np.where(x > 1, x, 1.0)[1:2].item(),
    ],
)
def test_a_scalar_that_is_counted_down_leaves_its_other_name_as_it_was(function: Any) -> None:
    def kept(x: Any) -> Any:
        m = function(x)
        k = m
        m -= 1
        return k

    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(opreg.vjp(kept, x)[0], function(x))


# --------------------------------------------------------------------------------------- subclasses of arrays
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix)
MASKED = np.ma.MaskedArray(np.eye(2), [[True, False], [False, False]])


@pytest.mark.parametrize("other", [MATRIX, MASKED], ids=["matrix", "masked"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * y,
        lambda x, y: x @ y,
        lambda x, y: np.add(y, x),
        np.dot,
        np.kron,
        lambda x, y: np.where(x > 0, x, y),
        lambda x, y: np.einsum("ij,ij->", x, y),
        lambda x, y: np.stack([x, y]),
        lambda x, y: np.average(x, weights=y),
    ],
)
def test_a_matrix_and_a_masked_array_beside_a_traced_value_are_refused(function: Any, other: Any) -> None:
    x = np.ones((2, 2))
    with pytest.raises(TypeError, match=r"np\.asarray"):
        opreg.grad(lambda x: np.sum(function(x, other)))(x)
    with pytest.raises(TypeError, match=r"np\.asarray"):
        opreg.jvp(lambda x: function(x, other), (x,), (x,))


@pytest.mark.parametrize("other", [MATRIX, MASKED], ids=["matrix", "masked"])
def test_a_matrix_and_a_masked_array_are_not_differentiated(other: Any) -> None:
    x = np.ones((2, 2))
    with pytest.raises(TypeError, match=r"np\.asarray"):
        opreg.grad(np.sum)(other)
    with pytest.raises(TypeError, match=r"np\.asarray"):
        opreg.vjp(lambda x: x + x, x)[1](other)
    with pytest.raises(TypeError, match=r"np\.asarray"):
        opreg.jvp(np.sum, (x,), (other,))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_on_the_left_is_refused_too() -> None:
    with pytest.raises(TypeError, match=r"@ for the matrix product"):
        opreg.grad(lambda x: np.sum(MATRIX * x))(np.ones((2, 2)))


def test_a_record_array_and_a_mapped_one_are_arrays() -> None:
    assert opreg.grad(lambda x: np.sum(x * np.ones(2).view(np.recarray)))(np.ones(2)).tolist() == [1.0, 1.0]


since_numpy_2_1 = pytest.mark.skipif(
    not hasattr(np, "cumulative_sum"), reason="cumulative_sum is there since NumPy 2.1"
)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.clip(x, 0.0),
        lambda x: np.clip(x, a_max=0.0),
        lambda x: x.reshape(),
        lambda x: np.ravel(x, order=3),
        lambda x: np.einsum(x),
        lambda x: np.block([[x], x]),
        lambda x: np.block([x, [x]]),
        lambda x: np.block([[x], []]),
        lambda x: np.where([[True], [False]], x),
        pytest.param(lambda x: np.cumulative_sum(x, axis=(0, 1)), marks=since_numpy_2_1),
        pytest.param(lambda x: np.cumulative_prod(x, axis=()), marks=since_numpy_2_1),
        pytest.param(lambda x: np.cumulative_sum(x, axis=2), marks=since_numpy_2_1),
    ],
    ids=[
        "clip",
        "clip above",
        "reshape",
        "ravel",
        "einsum",
        "block",
        "deeper block",
        "empty block",
        "where",
        "cumulative_sum",
        "cumulative_prod",
        "axis",
    ],
)
def test_a_wrong_call_is_the_error_that_numpy_makes_of_it(call: Any) -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with pytest.raises(Exception) as plain:
        call(x)
    with pytest.raises(type(plain.value)):
        opreg.grad(lambda x: np.sum(call(x)))(x)
