"""Declared constants."""

import subprocess
import sys

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import constants

STEPS = ["floor", "ceil", "trunc", "fix", "rint", "round", "around", "floor_divide"]
TESTS = ["isfinite", "isinf", "isnan", "isreal", "iscomplex", "signbit", "logical_not", "all", "any"]
COMPARISONS = [
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
]
INDICES = ["argmax", "argmin", "nonzero", "flatnonzero", "argwhere", "count_nonzero"]
SHAPES = ["zeros_like", "ones_like", "empty_like"]
EVERY = STEPS + TESTS + COMPARISONS + INDICES + SHAPES

test_rules = conformance(*names_of(constants), samples=1)


@pytest.mark.parametrize("name", EVERY)
def test_a_constant_is_declared_with_a_reason_and_has_samples(name) -> None:
    constant = opreg.plugins.get(f"numpy.{name}")
    assert constant.is_constant
    assert len(constant.reason(0)) > 10
    rng = np.random.default_rng(0)
    calls = [constant.canonical(s.args, s.kwargs) for make in constant.sample_generators for s in make(rng)]
    assert calls
    for data, static in calls:
        constant.forward(*data, **static)


@pytest.mark.parametrize("name", EVERY)
def test_a_constant_of_a_traced_value_is_the_plain_result(name) -> None:
    f, x = getattr(np, name), np.array([1.5, -2.25, 0.75])
    args = (0.5,) if name in [*COMPARISONS, "floor_divide"] else ()
    seen = []

    def loss(x):
        seen.append(f(x, *args))
        return np.sum(x)

    np.testing.assert_array_equal(opreg.grad(loss)(x), np.ones(3))
    assert opreg.is_traced(seen[0]) == name.endswith("_like")  # an array to write traced values into
    seen[0] = np.asarray(seen[0])
    plain = np.trunc if name == "fix" else f  # numpy.fix is deprecated in NumPy 2.5, where it warns
    if name != "empty_like":
        np.testing.assert_array_equal(seen[0], plain(x, *args))


def test_rounding_to_decimals() -> None:
    assert opreg.grad(lambda x: x * np.round(x, 1))(0.25) == 0.2
    assert opreg.grad(lambda x: x * np.around(x, decimals=-1))(12.0) == 10.0


def test_the_sign_of_real_numbers_is_constant_and_that_of_complex_ones_turns() -> None:
    seen: list[object] = []
    x = np.array([1.0, -2.0, 0.0])
    gradient = opreg.grad(lambda x: np.sum(x * (seen.append(np.sign(x)) or np.sign(x))))(x)
    np.testing.assert_array_equal(gradient, [1, -1, 0])
    np.testing.assert_array_equal(seen[0], [1, -1, 0])
    assert type(seen[0]) is np.ndarray
    z, t = np.array([3 + 4j, 0j]), np.array([1 - 2j, 1 + 1j])
    _, turned = opreg.jvp(np.sign, (z,), (t,))
    _, expected = opreg.jvp(lambda z: z / np.abs(z), (z[:1],), (t[:1],))
    np.testing.assert_allclose(turned, [expected[0], 0])
    np.testing.assert_allclose(
        opreg.grad(lambda z: np.real(np.sign(z) * (2 - 1j)))(3 + 4j),
        opreg.grad(lambda z: np.real(z / np.abs(z) * (2 - 1j)))(3 + 4j),
    )


def test_full_is_linear_in_its_fill_value() -> None:
    full, full_like = opreg.plugins.get("full"), opreg.plugins.get("full_like")
    got = opreg.grad(lambda v: np.sum(full((2, 3), v) * np.arange(6.0).reshape(2, 3)))(np.ones(3))
    np.testing.assert_array_equal(got, [3.0, 5.0, 7.0])
    assert opreg.grad(lambda v: np.sum(full_like(np.ones(4, np.float32), v)))(2.0) == 4.0
    assert opreg.grad(lambda v: np.sum(full(4, v, np.float32)))(2.0) == 4.0


def test_no_deprecated_function_is_called_when_the_families_are_loaded() -> None:
    program = "import opreg_numpy; assert list(opreg_numpy.opreg_primitives())"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_only_functions_that_this_numpy_has_are_registered() -> None:
    for primitive in opreg.plugins.primitives(("numpy.*",)):
        assert opreg.plugins.locate(primitive.name) is not None, primitive
