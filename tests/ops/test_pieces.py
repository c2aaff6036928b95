"""Numbers in pieces, steps, and the modified Bessel function."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from families import names_of
from traced_values import check_values

import opreg
from opreg.testing import conformance
from opreg_numpy import pieces

test_rules = conformance(*names_of(pieces), samples=1)


@pytest.mark.parametrize("name", ["divmod", "float_power", "frexp", "real_if_close"])
def test_a_traced_result_is_that_of_numpy(name) -> None:
    assert check_values(f"numpy.{name}") > 10


def test_the_remainder_has_the_derivative_and_the_quotient_none() -> None:
    (quotient, rest), pull = opreg.vjp(np.divmod, 7.5, 2.0)
    assert (quotient, rest) == (3.0, 1.5)
    assert pull((5.0, 1.0)) == (1.0, -3.0)
    assert opreg.grad(lambda x: divmod(x, 2.0)[1])(7.5) == 1.0


def test_numpy_mod_is_numpy_remainder() -> None:
    assert opreg.plugins.get("numpy.mod") is opreg.plugins.get("numpy.remainder")
    assert opreg.grad(np.mod, (0, 1))(7.5, 2.0) == (1.0, -3.0)


def test_a_power_of_single_precision_in_double_precision() -> None:
    out, pull = opreg.vjp(np.float_power, np.float32(2.0), np.float32(3.0))
    assert out.dtype == np.float64
    by_base, by_exponent = pull(np.float64(1.0))
    assert by_base.dtype == np.float32
    assert by_base == 12.0
    assert by_exponent == np.float32(8 * np.log(2))


@pytest.mark.parametrize("x", [0.0, 3.0, -0.75, 1e300, 1e-300, -(2.0**-1020)])
def test_a_mantissa_moves_by_a_power_of_two(x) -> None:
    mantissa, exponent = np.frexp(x)
    (got, power), pull = opreg.vjp(np.frexp, x)
    assert (got, power) == (mantissa, exponent)
    assert pull((1.0, None))[0] == np.ldexp(1.0, -exponent)


def test_a_number_times_a_power_of_two() -> None:
    assert opreg.grad(np.ldexp)(1e-310, 1020) == 2.0**1020
    np.testing.assert_array_equal(
        opreg.grad(lambda x: np.sum(np.ldexp(x, [3, -2])))(np.array([1.0, 2.0])), [8.0, 0.25]
    )
    assert opreg.grad(opreg.grad(lambda x: np.ldexp(x, 2) * x))(3.0) == 8.0


def test_a_fraction_moves_with_its_number() -> None:
    (fraction, whole), pull = opreg.vjp(np.modf, -2.75)
    assert (fraction, whole) == (-0.75, -2.0)
    assert pull((2.0, 5.0))[0] == 2.0
    assert opreg.jvp(np.modf, (-2.75,), (3.0,))[1] == (3.0, 0.0)
    assert opreg.vjp(np.modf, -np.inf)[0] == (0.0, -np.inf)


def test_the_next_number_moves_with_its_number() -> None:
    x = np.array([0.5, -2.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(np.nextafter(x, 1.0)))(x), [1.0, 1.0])
    assert opreg.grad(lambda y: np.nextafter(0.5, y))(1.0) == 0.0
    assert opreg.grad(lambda x: np.spacing(x))(0.5) == 0.0


def test_a_step_depends_on_its_value_at_zero_alone() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    found = opreg.grad(lambda x, y: np.sum(np.heaviside(x, y)), (0, 1))(x, np.full(3, 0.5))
    np.testing.assert_array_equal(found[0], 0.0)
    np.testing.assert_array_equal(found[1], [0.0, 1.0, 0.0])
    infinite = opreg.vjp(np.heaviside, x, np.full(3, 0.5))[1](np.array([np.inf, 1.0, np.nan]))[1]
    np.testing.assert_array_equal(infinite, [0.0, 1.0, 0.0])


def test_what_is_neglected_has_no_derivative() -> None:
    z = np.array([1.0 + 1e-16j, 2.0])
    out, pull = opreg.vjp(np.real_if_close, z)
    np.testing.assert_array_equal(out, [1.0, 2.0])
    np.testing.assert_array_equal(pull(np.array([3.0, 4.0]))[0], [3.0, 4.0])
    out, pull = opreg.vjp(lambda z: np.real_if_close(z, tol=1e-17), z)
    np.testing.assert_array_equal(pull(np.array([3.0 + 1j, 4.0]))[0], [3.0 + 1j, 4.0])


@pytest.mark.parametrize("x", [1e-300, 1e-8, 0.5, 7.0, 29.999, 30.001, 100.0, 700.0, 709.0, -3.0, -600.0])
def test_the_bessel_function_against_mpmath(x) -> None:
    for order in range(5):
        found = opreg.plugins.get("opreg_numpy.pieces.bessel_i")(x, order=order)
        assert found == pytest.approx(float(mpmath.besseli(order, x)), rel=1e-13, abs=0)
    first, third = mpmath.besseli(1, x), (3 * mpmath.besseli(1, x) + mpmath.besseli(3, x)) / 4
    assert opreg.grad(np.i0)(x) == pytest.approx(float(first), rel=1e-12, abs=0)
    found = opreg.grad(opreg.grad(opreg.grad(np.i0)))(x)
    assert found == pytest.approx(float(third), rel=1e-12, abs=0)


def test_the_bessel_function_at_zero() -> None:
    """I_0 = 1 + x^2 / 4 + x^4 / 64 + ..."""
    derivative = np.i0
    for expected in (1.0, 0.0, 0.5, 0.0, 0.375):
        assert derivative(0.0) == pytest.approx(expected, rel=1e-15)
        derivative = opreg.grad(derivative)


def test_what_numpy_refuses_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        opreg.vjp(np.i0, 1j)
    with pytest.raises(TypeError):
        opreg.vjp(lambda x: np.ldexp(x, 0.5), 1.0)
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.vjp(lambda x: np.ldexp(x, 2, out=np.zeros(2)), np.ones(2))
    with pytest.raises(opreg.NotDifferentiable, match="tol"):
        opreg.grad(lambda tol: np.real(np.real_if_close(opreg.stop_gradient(1j) + tol, tol)))(1.0)
