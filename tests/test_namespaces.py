"""opreg.numpy and opreg.scipy: a registered primitive where there is one, else the original."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy
import pytest
import traced_numpy

import opreg
import opreg.numpy as np


def run(code: str) -> str:
    """Run Python code in a fresh process and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_array_of_traced_numbers_differentiates() -> None:
    assert opreg.grad(lambda x, y: np.sum(np.array([x, y, x * y])), (0, 1))(2.0, 3.0) == (4.0, 3.0)


def test_repeated_calls_of_one_function_nest_and_are_recorded_each_time() -> None:
    def third(x: float) -> object:
        return opreg.grad(opreg.grad(opreg.grad(lambda x: np.sin(np.sin(x)))))(x)

    def by_protocol(x: float) -> object:
        return opreg.grad(opreg.grad(opreg.grad(lambda x: numpy.sin(numpy.sin(x)))))(x)

    assert [third(0.3), third(0.3)] == [by_protocol(0.3)] * 2
    _, tangent = opreg.jvp(np.sin, (0.3,), (1.0,))
    assert tangent == numpy.cos(0.3)
    forward_over_reverse = opreg.jvp(opreg.grad(np.sin), (0.3,), (1.0,))[1]
    assert forward_over_reverse == -numpy.sin(0.3)


def test_a_value_that_escaped_is_refused_by_a_served_function_too() -> None:
    kept: list[object] = []
    opreg.grad(lambda x: kept.append(np.sin(x)) or np.sin(x))(0.3)  # type: ignore[func-returns-value]
    with pytest.raises(opreg.EscapedTracer):
        np.sin(kept[0])


def test_nested_lists_and_keywords() -> None:
    found = opreg.grad(lambda x: np.sum(np.array([[x, 1], [2, x]], dtype=np.float32, ndmin=3)))(2.0)
    assert found == 2.0


def test_a_list_of_traced_values_is_joined_for_any_function() -> None:
    assert opreg.grad(lambda x: np.sum(np.sin([x, 2 * x])))(0.5) == pytest.approx(
        numpy.cos(0.5) + 2 * numpy.cos(1.0)
    )
    assert opreg.grad(lambda x: np.max([x, 1.0]))(3.0) == 1.0
    assert opreg.grad(lambda x: np.dot([x, x], [1.0, 2.0]))(3.0) == 3.0


LISTS: dict[str, tuple[object, ...]] = {
    "append": (1.0,), "array_split": (3,), "atleast_2d": (), "average": (), "broadcast_arrays": ([1.0, 2.0, 3.0],),
    "corrcoef": ([1.0, -1.0, 0.5],), "cov": (), "cumulative_sum": (), "delete": (0,), "diag": (), "diff": (),
    "ediff1d": (), "flipud": (), "float_power": (2.0,), "gradient": (), "histogram": (), "insert": (0, 1.0),
    "kron": ([1.0, 2.0],), "logspace": (1.0, 3), "median": (), "meshgrid": ([1.0, 2.0],), "nanmax": (), "nanmean": (),
    "nanpercentile": (30,), "nansum": (), "ptp": (), "quantile": (0.3,), "resize": ((2, 2),), "sign": (),
    "union1d": ([4.0],), "unwrap": (), "vander": (),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_traced_values_is_an_array_for_functions_made_of_others_too(name: str) -> None:
    def of_list(x: Any) -> Any:
        return getattr(np, name)([x, 2 * x, -x], *LISTS[name])

    def of_array(x: Any) -> Any:
        return getattr(np, name)(np.array([x, 2 * x, -x]), *LISTS[name])

    for found, expected in zip(
        opreg.jvp(of_list, (0.7,), (1.0,)), opreg.jvp(of_array, (0.7,), (1.0,)), strict=True
    ):
        if not isinstance(found, (tuple, list)):
            found, expected = [found], [expected]
        for part, due in zip(found, expected, strict=True):
            assert due is part is None or numpy.array_equal(part, due)


@pytest.mark.parametrize(
    "name", ["vstack", "hstack", "dstack", "column_stack", "concatenate", "stack", "block"]
)
def test_lists_of_traced_values_are_joined_as_the_arrays_of_these(name: str) -> None:
    def joined(x: Any) -> Any:
        return getattr(np, name)([[x, 2 * x], [3.0, x * x]])

    value, tangent = opreg.jvp(joined, (0.7,), (1.0,))
    numpy.testing.assert_array_equal(value, getattr(numpy, name)([[0.7, 1.4], [3.0, 0.7**2]]))
    numpy.testing.assert_allclose(tangent, getattr(numpy, name)([[1.0, 2.0], [0.0, 1.4]]))


def test_asarray_passes_traced_values_on() -> None:
    assert opreg.grad(lambda x: np.asarray(x).sum())(numpy.ones(2)).tolist() == [1.0, 1.0]


def test_plain_arguments_go_to_numpys_function_with_all_its_keywords() -> None:
    target = numpy.zeros(2)
    assert np.add([1, 2], 1, out=target) is target
    assert np.array([1, 2]).dtype == numpy.array([1, 2]).dtype
    assert np.reshape(numpy.arange(4), (2, 2)).tolist() == [[0, 1], [2, 3]]


def test_a_ufunc_takes_the_keywords_that_it_takes_from_numpy() -> None:
    x = numpy.array([0.0, 1.0])
    numpy.testing.assert_array_equal(
        opreg.vjp(lambda x: np.exp(x, out=numpy.zeros(2, like=x)), x)[0], numpy.exp(x)
    )
    numpy.testing.assert_array_equal(
        opreg.grad(lambda x: np.sum(np.add([x[0], x[1]], 1.0, out=numpy.zeros(2, like=x))))(x), [1.0, 1.0]
    )
    with pytest.raises(opreg.NotDifferentiable, match="astype"):
        opreg.vjp(lambda x: np.exp(x, dtype=numpy.float32), x)


def test_names_that_are_no_primitives_are_numpys() -> None:
    assert np.pi is numpy.pi
    assert np.float64 is numpy.float64
    assert np.ndarray is numpy.ndarray
    assert np.random.default_rng is numpy.random.default_rng
    assert np.add.reduce([1, 2]) == 3


def test_submodules() -> None:
    import opreg.numpy.fft
    import opreg.numpy.linalg as linalg
    from opreg.numpy.linalg import det

    assert np.linalg is linalg
    assert opreg.grad(det)(numpy.eye(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert opreg.grad(lambda x: linalg.norm([x, 4.0]))(3.0) == pytest.approx(0.6)
    assert opreg.numpy.fft.fftfreq(2).tolist() == [0.0, -0.5]


def test_from_import() -> None:
    from opreg.numpy import pi, sin

    assert opreg.grad(sin)(0.0) == 1.0
    assert pi == numpy.pi


def test_dir_shows_numpys_names() -> None:
    assert {"sin", "linalg", "pi"} <= set(dir(np))
    assert "solve" in dir(np.linalg)


def test_a_wrong_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match=r"opreg\.numpy.*'nonsense'"):
        _ = np.nonsense
    with pytest.raises(AttributeError, match=r"opreg\.numpy\.linalg.*'nonsense'"):
        _ = np.linalg.nonsense


def test_a_served_function_is_documented_and_pickles() -> None:
    import pickle

    assert np.stack.__doc__ == numpy.stack.__doc__
    assert pickle.loads(pickle.dumps(np.stack))([1, 2]).tolist() == [1, 2]


def test_a_blocked_primitive_is_not_served() -> None:
    code = """
import os
os.environ["OPREG_DISABLE"] = "numpy.sin"
import opreg, opreg.numpy as np
print(np.sin(0.0))
try:
    opreg.grad(np.sin)(0.0)
except opreg.OpregError as error:
    print("numpy.sin" in str(error))
"""
    assert run(code).split() == ["0.0", "True"]


def test_scipy_is_imported_only_when_touched() -> None:
    code = """
import sys, opreg, opreg.scipy, opreg.scipy.special
print("scipy" in sys.modules)
opreg.scipy.special.erf(0.0)
print("scipy" in sys.modules)
"""
    assert run(code).split() == ["False", "True"]


def test_a_family_of_scipy_is_imported_only_when_one_of_its_functions_is_called() -> None:
    pytest.importorskip("scipy")
    code = """
import sys, numpy as np, opreg, opreg.scipy
opreg.plugins.load_all()
opreg.grad(lambda x: np.linalg.norm(np.concatenate([x, x])))(np.ones(2))
print([f for f in ("linalg", "special", "stats", "signal", "integrate") if f"scipy.{f}" in sys.modules])
opreg.scipy.stats.norm.pdf(0.5)
import scipy.stats
print(opreg.plugins.for_function(scipy.signal.convolve) is not None)
"""
    assert run(code) == "[]\nTrue"


def test_numpy_is_imported_only_when_touched() -> None:
    assert (
        run(
            "import sys, opreg.numpy; print('numpy' in sys.modules); opreg.numpy.pi; print('numpy' in sys.modules)"
        )
        == "False\nTrue"
    )


def test_scipys_functions_and_objects() -> None:
    pytest.importorskip("scipy")
    import scipy.stats

    import opreg.scipy

    assert opreg.scipy.stats.norm.logpdf(0.5) == scipy.stats.norm.logpdf(0.5)
    assert opreg.scipy.special.erf(0.5) == scipy.special.erf(0.5)
    assert "special" in dir(opreg.scipy)


def test_a_function_that_nobody_registered_is_refused_by_name() -> None:
    scipy = pytest.importorskip("scipy")
    import opreg.scipy

    with pytest.raises(
        opreg.NotDifferentiable, match=r"^scipy\.linalg\.toeplitz is not registered as a primitive: "
    ):
        opreg.grad(lambda x: np.sum(opreg.scipy.linalg.toeplitz(x)))(numpy.ones(2))
    with pytest.raises(opreg.NotDifferentiable, match=r"^scipy\.stats\.t\.ppf is not registered"):
        opreg.grad(lambda x: opreg.scipy.stats.t.ppf(x, 3))(0.5)
    toeplitz = opreg.scipy.linalg.toeplitz
    numpy.testing.assert_array_equal(toeplitz([1.0, 2.0]), scipy.linalg.toeplitz([1.0, 2.0]))
    assert pickle.loads(pickle.dumps(toeplitz)).__wrapped__ is scipy.linalg.toeplitz
    with pytest.raises(ValueError, match="array must not contain infs or NaNs"):
        opreg.scipy.linalg.pinv([[numpy.inf]])


def test_a_missing_scipy_is_one_clear_sentence() -> None:
    code = """
import sys
from typing import Any
sys.modules["scipy"] = None
import opreg.scipy
for touch in (lambda: opreg.scipy.special.erf, lambda: opreg.scipy.__version__):
    try:
        touch()
    except ModuleNotFoundError as error:
        print(error)
"""
    lines = run(code).splitlines()
    assert (
        lines[0] == "opreg.scipy.special needs scipy, which is not installed. Install it: pip install scipy"
    )
    assert lines[1] == "opreg.scipy needs scipy, which is not installed. Install it: pip install scipy"


def test_methods_of_an_object_below_which_primitives_are_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    from opreg import plugins
    from opreg._namespace import Namespace

    library = types.ModuleType("somelib")

    class Law:
        def density(self, x: float) -> float:
            return float(x) ** 2

        def other(self) -> str:
            return "other"

    library.law = Law()
    monkeypatch.setitem(sys.modules, "somelib", library)

    @opreg.primitive("somelib.law.density")
    def density(x, /):  # type: ignore[no-untyped-def]
        return x * x

    opreg.elementwise(density, x=lambda x: 2 * x)
    plugins.register(density)
    space = Namespace("opreg.somelib", "somelib")
    assert opreg.grad(lambda x: space.law.density(x))(3.0) == 6.0
    assert space.law.density(3.0) == 9.0
    assert space.law.other() == "other"


def test_the_namespace_for_the_suite_of_the_array_api_traces_every_array() -> None:
    xp = traced_numpy
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    results = [
        xp.asarray(a),
        xp.add(a, 1),
        xp.linalg.inv(a),
        *xp.linalg.svd(a),
        xp.concat([a, a]),
        xp.ones(3),
    ]
    assert all(opreg.is_traced(result) for result in results)
    np.testing.assert_array_equal(opreg.stop_gradient(results[2]), np.linalg.inv(a))
    assert not opreg.is_traced(xp.argmax(a))
    with pytest.raises(opreg.NotDifferentiable):  # only the suite itself may look at traced values
        float(xp.sum(a))
