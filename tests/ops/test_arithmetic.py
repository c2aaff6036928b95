"""Arithmetic, powers, magnitudes and the parts of complex numbers."""

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import arithmetic

test_rules = conformance(*names_of(arithmetic), samples=1)


def total(f):
    return lambda *args: np.sum(np.real(f(*args)))


def gradients(f, *args):
    return opreg.grad(total(f), tuple(range(len(args))))(*args)


# ------------------------------------------------------------------------------------------- operators
@pytest.mark.parametrize(
    ("f", "by_x", "by_y"),
    [
        (lambda x, y: x + y, 1.0, 1.0),
        (lambda x, y: x - y, 1.0, -1.0),
        (lambda x, y: x * y, 3.0, 2.0),
        (lambda x, y: x / y, 1 / 3, -2 / 9),
        (lambda x, y: x**y, 12.0, 8 * np.log(2)),
        (lambda x, y: x % y, 1.0, 0.0),
        (lambda x, y: x // y, 0.0, 0.0),
    ],
    ids=["+", "-", "*", "/", "**", "%", "//"],
)
def test_python_operators(f, by_x, by_y) -> None:
    assert opreg.grad(f, (0, 1))(2.0, 3.0) == pytest.approx((by_x, by_y), rel=1e-15)
    x, y = np.full((2, 1), 2.0), np.full(3, 3.0)
    dx, dy = gradients(f, x, y)
    np.testing.assert_allclose(dx, np.full((2, 1), 3 * by_x), rtol=1e-15)
    np.testing.assert_allclose(dy, np.full(3, 2 * by_y), rtol=1e-15)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: 7.0 - x, -1.0),
        (lambda x: 8.0 / x, -2.0),
        (lambda x: 3.0**x, 9 * np.log(3)),
        (lambda x: 5.0 % x, -2.0),
        (lambda x: 5.0 + x * 4, 4.0),
    ],
    ids=["-", "/", "**", "%", "+ *"],
)
def test_reflected_operators(f, expected) -> None:
    assert opreg.grad(f)(2.0) == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(opreg.grad(total(f))(np.array([2.0])), [expected], rtol=1e-15)


def test_an_array_may_stand_on_the_left_of_a_traced_value() -> None:
    a = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(a - x))(np.ones(3)), -np.ones(3))
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(a * x))(1.0), 6.0)


def test_one_value_twice_gets_both_contributions() -> None:
    x = np.array([2.0, -3.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(x * x))(x), 2 * x)
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(x / x))(x), [0.0, 0.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(x - x))(x), [0.0, 0.0])


def test_a_ufunc_keyword_that_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="where"):
        opreg.grad(lambda x: np.sum(np.add(x, 1.0, where=np.array([True, False]))))(np.ones(2))


# ---------------------------------------------------------------------------------------------- powers
def test_an_integer_exponent_is_a_constant_and_keeps_the_dtype() -> None:
    got = opreg.grad(lambda x: np.sum(x**3))(np.array([-2.0, 0.0, 1.0], np.float32))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [12.0, 0.0, 3.0])


@pytest.mark.parametrize("n", [0, 1, 2, -1, np.uint8(2), np.array([2, 2])])
def test_integer_exponents_of_every_kind(n) -> None:
    x = np.array([-2.0, 3.0])
    got = opreg.grad(lambda x: np.sum(np.power(x, n)))(x)
    k = float(np.asarray(n).flat[0])
    np.testing.assert_allclose(got, k * x ** (k - 1), rtol=1e-15)


def test_powers_by_an_exponent_of_zero_are_differentiable_again() -> None:
    # d/dx of x ** 0 is 0 everywhere, and its derivative by the exponent is 1 / x
    by_base = opreg.grad(np.power)
    assert by_base(2.0, 0.0) == 0.0
    assert opreg.grad(by_base, 1)(2.0, 0.0) == 0.5
    assert opreg.grad(opreg.grad(np.power))(0.0, 2.0) == 2.0
    assert opreg.grad(opreg.grad(lambda x: x**2))(0.0) == 2.0


def test_zero_to_a_fractional_power_has_an_infinite_slope_as_its_limit() -> None:
    with np.errstate(divide="ignore"):
        assert opreg.grad(np.power)(0.0, 0.5) == np.inf


@pytest.mark.filterwarnings("error")
def test_a_negative_base_has_a_derivative_by_the_base_alone() -> None:
    by_base, by_exponent = opreg.grad(np.power, (0, 1))(-2.0, 3.0)
    assert by_base == 12.0
    assert np.isnan(by_exponent)


def test_a_power_of_complex_numbers() -> None:
    z, w = 0.5 + 1.0j, -0.25 + 0.75j
    dz, dw = gradients(np.power, z, w)
    np.testing.assert_allclose([dz, dw], [w * z ** (w - 1), z**w * np.log(z)], rtol=1e-14)
    # a negative real base beside a complex exponent has the complex logarithm
    dx, dw = gradients(np.power, np.array(-2.0), np.array(w))
    assert dx.dtype == np.float64
    np.testing.assert_allclose(dw, (-2 + 0j) ** w * np.log(-2 + 0j), rtol=1e-14)


# ------------------------------------------------------------------------------------ magnitudes, remainders
def test_the_magnitude_of_a_complex_number_has_the_conjugate_phase() -> None:
    z = np.array([3 + 4j, -2j, 0])
    np.testing.assert_allclose(opreg.grad(lambda z: np.sum(np.abs(z)))(z), [0.6 - 0.8j, 1j, 0], rtol=1e-15)


def test_the_second_derivatives_of_a_magnitude() -> None:
    # |z|^2 by way of |z|: d/dx of 2x and d/dy of 2y
    z = 0.6 - 0.3j
    got = opreg.hvp(lambda z: np.abs(z) ** 2, (z,), (1.0 + 2.0j,))
    np.testing.assert_allclose(got, 2 - 4j, rtol=1e-14)
    np.testing.assert_array_equal(
        opreg.hvp(lambda x: np.sum(np.abs(x)), (np.array([2.0, 0.0]),), (np.ones(2),)), 0
    )


def test_hypot_neither_overflows_nor_fails_at_the_origin() -> None:
    dx, dy = gradients(np.hypot, np.array([3e200, 0.0]), np.array([4e200, 0.0]))
    np.testing.assert_allclose(dx, [0.6, 0.0], rtol=1e-15)
    np.testing.assert_allclose(dy, [0.8, 0.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("x", "y"), [(1.0, 1e-10), (1e-8, 1.0), (3.0, 4.0), (1e200, 1e190), (1e-200, 1e-205)]
)
def test_the_second_derivatives_of_hypot_are_exact_where_one_side_is_small(x: float, y: float) -> None:
    h = np.hypot(x, y)
    c, s = x / h, y / h
    expected = [[s * (s / h), -c * (s / h)], [-c * (s / h), c * (c / h)]]
    for outer in opreg.jacrev, opreg.jacfwd:
        found = outer(opreg.grad(np.hypot, (0, 1)), (0, 1))(x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_at_the_origin_the_second_derivatives_of_hypot_are_0() -> None:
    zero = np.zeros(2)
    for outer in opreg.jacrev, opreg.jacfwd:
        found = outer(opreg.grad(lambda x, y: np.sum(np.hypot(x, y)), (0, 1)), (0, 1))(zero, zero)
        np.testing.assert_array_equal(found, np.zeros((2, 2, 2, 2)))


def test_copysign_by_its_magnitude() -> None:
    got = opreg.grad(lambda x: np.sum(np.copysign(x, np.array([1.0, -1.0, -1.0, 1.0]))))(
        np.array([2.0, 3.0, -4.0, 0.0])
    )
    np.testing.assert_array_equal(got, [1.0, -1.0, 1.0, 0.0])


@pytest.mark.parametrize("x", [5.5, -5.5])
@pytest.mark.parametrize("y", [2.0, -2.0])
def test_remainders_by_the_divisor(x, y) -> None:
    assert opreg.grad(np.remainder, 1)(x, y) == -np.floor(x / y)
    assert opreg.grad(np.fmod, 1)(x, y) == -np.trunc(x / y)


# ------------------------------------------------------------------------------------------ complex parts
def test_the_parts_of_a_complex_number() -> None:
    z = np.array([1 + 2j, -3 + 0.5j])
    np.testing.assert_array_equal(opreg.grad(lambda z: np.sum(np.real(z)))(z), [1, 1])
    np.testing.assert_array_equal(opreg.grad(lambda z: np.sum(np.imag(z)))(z), [-1j, -1j])
    np.testing.assert_array_equal(opreg.grad(lambda z: np.sum(z.imag * z.real))(z), z.imag - 1j * z.real)
    np.testing.assert_array_equal(opreg.grad(lambda z: np.real(np.sum(np.conj(z) * 1j)))(z), [-1j, -1j])


def test_the_parts_of_a_real_number() -> None:
    x = np.array([1.0, -2.0], np.float32)
    for f, expected in ((np.real, 1.0), (np.imag, 0.0), (np.conj, 1.0), (np.angle, 0.0)):
        got = opreg.grad(lambda x, f=f: np.sum(f(x)))(x)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, [expected, expected])


@pytest.mark.filterwarnings("error")
def test_the_angle_is_that_of_arctan2_and_has_the_derivative_zero_at_zero() -> None:
    z = np.array([1 + 2j, -3 + 0.5j, 0])
    expected = opreg.grad(lambda z: np.sum(np.arctan2(np.imag(z), np.real(z))))(z)
    np.testing.assert_allclose(opreg.grad(lambda z: np.sum(np.angle(z)))(z), expected, rtol=1e-14)
    np.testing.assert_allclose(
        opreg.grad(lambda z: np.sum(np.angle(z, deg=True)))(z), np.rad2deg(1) * expected, rtol=1e-14
    )


def test_float32_stays_float32_beside_float64() -> None:
    x, y = np.ones(2, np.float32), np.full(2, 3.0)
    dx, dy = gradients(np.multiply, x, y)
    assert (dx.dtype, dy.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(dx, [3.0, 3.0])


def test_nan_to_num_passes_what_is_finite_part_by_part() -> None:
    x = np.array([1.0, np.nan, np.inf, -np.inf], np.float32)
    got = opreg.grad(lambda x: np.sum(np.nan_to_num(x, nan=2.0, posinf=1.0, neginf=0.0)))(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [1, 0, 0, 0])
    z = np.array([complex(np.nan, 2.0), complex(1.0, np.inf)])
    weights = np.array([2 + 3j, 5 + 7j])
    np.testing.assert_array_equal(opreg.vjp(np.nan_to_num, z)[1](weights)[0], [3j, 5])
    with pytest.raises(opreg.NotDifferentiable, match="copy=False"):
        opreg.grad(lambda x: np.sum(np.nan_to_num(x, copy=False)))(np.ones(2))


def test_an_infinite_cotangent_does_not_reach_what_was_not_chosen() -> None:
    with np.errstate(divide="ignore"):
        got = opreg.grad(lambda x: np.sum(np.sqrt(np.maximum(x, 0.0))))(np.array([4.0, -1.0]))
    np.testing.assert_array_equal(got, [0.25, 0.0])
