"""Bessel functions."""

import mpmath
import numpy as np
import pytest
import scipy.special as special
from families import names_of

import opreg
import opreg.scipy as differentiable
from opreg.testing import conformance
from opreg_scipy.special import bessel

test_rules = pytest.mark.slow(conformance(*names_of(bessel), samples=1))

OF_ORDER = {
    "jv": lambda v, x: mpmath.besselj(v, x, 1),
    "yv": lambda v, x: mpmath.bessely(v, x, 1),
    "iv": lambda v, x: mpmath.besseli(v, x, 1),
    "kv": lambda v, x: mpmath.diff(lambda x: mpmath.besselk(v, x), x),
    "ive": lambda v, x: mpmath.diff(lambda x: mpmath.exp(-x) * mpmath.besseli(v, x), x),
    "kve": lambda v, x: mpmath.diff(lambda x: mpmath.exp(x) * mpmath.besselk(v, x), x),
}


@pytest.mark.parametrize("name", OF_ORDER)
@pytest.mark.parametrize(("v", "x"), [(0, 0.5), (1, 1e-6), (2.5, 3.0), (1.0, 30.0), (0.3, 400.0)])
def test_the_derivatives_by_the_argument_are_those_of_mpmath(name, v, x) -> None:
    with mpmath.workdps(40):
        expected = float(OF_ORDER[name](mpmath.mpf(v), mpmath.mpf(x)))
    f = getattr(special, name)
    assert opreg.grad(lambda x: f(v, x))(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["j", "y", "i", "k"])
@pytest.mark.parametrize("order", [0, 1])
def test_the_functions_of_fixed_order_agree_with_those_of_any_order(name, order) -> None:
    x = np.array([1e-5, 0.3, 2.0, 17.5])
    for scaled in ("", "e") if name in "ik" else ("",):
        f = getattr(special, f"{name}{order}{scaled}")
        general = getattr(special, f"{name}v{scaled}")
        found = opreg.vjp(f, x)[1](np.ones(4))[0]
        expected = opreg.vjp(lambda x, general=general: general(order, x), x)[1](np.ones(4))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("f", [special.i0e, special.i1e, special.k0e, special.k1e], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [20.0, 1e3, 1e8, 1e200])
def test_scaled_functions_do_not_cancel_at_large_arguments(f, x) -> None:
    """sqrt(x) times each tends to a constant: x f' / f is -1/2 (1 - c / x)."""
    v = float(f.__name__[1])
    sign = 1 if f.__name__[0] == "k" else -1
    c = sign * (4 * v * v - 1) / 8
    expected = -0.5 * (1 + 3 * c / x) / (1 + c / x)
    assert opreg.grad(f)(x) * x / f(x) == pytest.approx(expected, rel=max(1e-12, 3 / x / x))


def test_the_derivatives_at_zero() -> None:
    assert opreg.grad(special.j0)(0.0) == 0.0
    assert opreg.grad(special.j1)(0.0) == 0.5
    assert opreg.grad(special.i1)(0.0) == 0.5
    assert opreg.grad(special.i0e)(0.0) == 0.0
    assert opreg.grad(opreg.grad(special.j0))(0.0) == -0.5
    assert opreg.grad(opreg.grad(special.i0))(0.0) == 0.5


@pytest.mark.parametrize("x", [0.5, 7.0, 40.0])
def test_they_solve_bessels_equation(x) -> None:
    for f, sign, v in (
        (special.jv, 1, 1.5),
        (special.yv, 1, 0.5),
        (special.iv, -1, 2.5),
        (special.kv, -1, 0.75),
    ):
        value = lambda x, f=f, v=v: f(v, x)  # noqa: E731
        first = opreg.grad(value)
        terms = [x * x * opreg.grad(first)(x), x * first(x), (sign * x * x - v * v) * value(x)]
        assert sum(terms) == pytest.approx(0.0, abs=1e-12 * max(map(abs, terms)))


def test_even_and_odd_scaled_functions_left_of_zero() -> None:
    x = np.array([0.5, 3.0, 60.0, 900.0])
    for f, sign in ((special.i0e, -1), (special.i1e, 1), (lambda x: special.ive(2, x), -1)):
        left, right = (opreg.vjp(f, y)[1](np.ones(4))[0] for y in (-x, x))
        np.testing.assert_allclose(left, sign * right, rtol=1e-14)


def test_a_function_scaled_by_the_imaginary_part_is_not_holomorphic() -> None:
    z = 1.25 + 2.0j
    for f, plain, weight in (
        (special.jve, special.jv, lambda z: np.exp(-np.abs(np.imag(z)))),
        (special.yve, special.yv, lambda z: np.exp(-np.abs(np.imag(z)))),
        (special.ive, special.iv, lambda z: np.exp(-np.abs(np.real(z)))),
        (special.kve, special.kv, np.exp),
    ):
        found = opreg.grad(lambda z, f=f: np.real(f(0.5, z)))(z)
        expected = opreg.grad(lambda z, p=plain, w=weight: np.real(p(0.5, z) * w(z)))(z)
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["jv", "yv", "yn", "iv", "kv", "kn", "jve", "yve", "ive", "kve"])
def test_a_traced_order_is_refused(name) -> None:
    f = getattr(special, name)
    with pytest.raises(opreg.NotDifferentiable, match="by the order"):
        opreg.grad(lambda v: f(v, 1.5))(1.0)
    with pytest.raises(opreg.NotDifferentiable, match="stop_gradient"):
        opreg.grad(lambda v: getattr(differentiable.special, name)(v, 1.5))(1.0)
    assert opreg.grad(lambda x: f(opreg.stop_gradient(x), x))(1.0) == opreg.grad(lambda x: f(1.0, x))(1.0)


def test_an_order_of_small_unsigned_integers_does_not_wrap() -> None:
    v, x = np.array([0, 1], np.uint8), np.array([0.5, 1.5])
    found = opreg.vjp(lambda x: special.jv(v, x), x)[1](np.ones(2))[0]
    np.testing.assert_allclose(found, special.jvp(v.astype(int), x), rtol=1e-14)


def test_jn_is_jv() -> None:
    assert opreg.grad(lambda x: special.jn(2, x))(1.5) == opreg.grad(lambda x: special.jv(2, x))(1.5)


@pytest.mark.parametrize(
    ("v", "z"), [(100.0, 1e4), (100.0, 2600.0), (20.0, 101.0), (11.0, 31.0), (5.0, 26.0)]
)
def test_scaled_functions_of_large_orders_do_not_cancel_where_the_argument_is_larger_yet(v, z) -> None:
    with mpmath.workdps(60):
        for f, exact in (
            (special.kve, lambda z: mpmath.exp(z) * mpmath.besselk(v, z)),
            (special.ive, lambda z: mpmath.exp(-z) * mpmath.besseli(v, z)),
        ):
            slope = opreg.grad(lambda z, f=f: f(v, z))
            first, second = (float(mpmath.diff(exact, z, n, h=mpmath.mpf(10) ** -15 * z)) for n in (1, 2))
            assert slope(z) == pytest.approx(first, rel=1e-11, abs=0.0)  # I has an extremum near v^2 = z
            assert opreg.grad(slope)(z) == pytest.approx(second, rel=1e-12, abs=0.0)
