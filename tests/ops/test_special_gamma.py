"""Gamma and beta functions, and what is made of them."""

import mpmath
import numpy as np
import pytest
import scipy.special as special
from families import names_of

import opreg
import opreg.scipy as differentiable
from opreg.testing import conformance
from opreg_scipy.special import gamma

test_rules = pytest.mark.slow(conformance(*names_of(gamma), samples=1))


def slope_of(f, *args, by):
    """Return the derivative in forty digits."""
    with mpmath.workdps(40):
        exact = [mpmath.mpf(x) for x in args]
        return float(mpmath.diff(lambda x: f(*exact[:by], x, *exact[by + 1 :]), exact[by]))


@pytest.mark.parametrize("x", [0.3, 1e-5, 4.0, 33.3, -0.7, -3.6])
def test_functions_of_one_number(x) -> None:
    for f, exact in (
        (special.gamma, mpmath.gamma),
        (special.gammaln, lambda x: mpmath.log(abs(mpmath.gamma(x)))),
        (special.rgamma, mpmath.rgamma),
        (special.psi, lambda x: mpmath.psi(0, x)),
    ):
        assert opreg.grad(f)(x) == pytest.approx(slope_of(exact, x, by=0), rel=1e-12)


def test_complex_arguments_to_second_order() -> None:
    z = -1.5 + 0.75j
    for f, exact in (
        (special.gamma, mpmath.gamma),
        (special.rgamma, mpmath.rgamma),
        (special.loggamma, mpmath.loggamma),
        (special.psi, mpmath.digamma),
    ):
        first = lambda z, f=f: opreg.vjp(f, z)[1](1 + 0j)[0]  # noqa: E731
        assert first(z) == pytest.approx(complex(mpmath.diff(exact, z)), rel=1e-12)
        second = opreg.vjp(first, z)[1](1 + 0j)[0]
        assert second == pytest.approx(complex(mpmath.diff(exact, z, 2)), rel=1e-10)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_one_over_gamma_at_its_zeros(n) -> None:
    assert opreg.grad(special.rgamma)(-float(n)) == pytest.approx((-1) ** n * special.factorial(n), rel=1e-14)
    expected = slope_of(lambda x: mpmath.diff(mpmath.rgamma, x), -n, by=0)
    assert opreg.grad(opreg.grad(special.rgamma))(-float(n)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b"), [(2.5, 0.5), (1e5, 1e-6), (1e-6, 1e5), (1e-3, 2e-3), (40.0, 3.0), (1e10, 2.0)]
)
def test_a_difference_of_digamma_functions_does_not_cancel(a, b) -> None:
    with mpmath.workdps(50):
        expected = float(mpmath.psi(0, mpmath.mpf(a)) - mpmath.psi(0, mpmath.mpf(a) + b))
    assert opreg.grad(special.betaln)(a, b) == pytest.approx(expected, rel=1e-13)
    if np.isfinite(special.poch(a, b)):
        found = opreg.grad(special.poch)(a, b) / special.poch(a, b)
        assert found == pytest.approx(-expected, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "n"),
    [
        (0.5, 0),
        (1.25, 3),
        (172.25, 1),
        (175.5, 0),
        (180.25, 3),
        (0.5, 200),
        (1.75, 201),
        (-0.5, 180),
        (-1.5, 301),
    ],
)
def test_the_beta_function_where_a_and_b_add_up_to_a_pole(a, n) -> None:
    expected = slope_of(mpmath.beta, a, -n - a, by=0)
    assert opreg.grad(special.beta, (0, 1))(a, -n - a) == pytest.approx((expected, expected), rel=1e-11)


@pytest.mark.parametrize(("n", "k"), [(5.5, 2.25), (300.0, 2.0), (30.0, 15.001)])
def test_binomial_coefficients(n, k) -> None:
    f = differentiable.special.comb
    for by in (0, 1):
        expected = slope_of(mpmath.binomial, n, k, by=by)
        assert opreg.grad(f, by)(n, k) == pytest.approx(expected, rel=1e-12)
        assert opreg.grad(special.binom, by)(n, k) == pytest.approx(expected, rel=1e-12)
        repeated = opreg.grad(lambda n, k: f(n, k, repetition=True), by)(n, k)
        expected = slope_of(lambda n, k: mpmath.binomial(n + k - 1, k), n, k, by=by)
        assert repeated == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("n", "k"), [(2.25, 5.25), (0.0, 2.0), (5.5, -3.0), (1.25, 2.25)])
@pytest.mark.parametrize("by", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_binomial_coefficients_at_their_zeros_to_second_order(n, k, by) -> None:
    order = [by.count(0), by.count(1)]
    with mpmath.workdps(60):
        expected = float(mpmath.diff(mpmath.binomial, (mpmath.mpf(n), mpmath.mpf(k)), tuple(order)))
    first = opreg.grad(special.binom, by[0])
    assert opreg.grad(first, by[1])(n, k) == pytest.approx(expected, rel=1e-11)


def test_choosing_none() -> None:
    f = differentiable.special.comb
    for n in (0.0, 3.5):
        assert opreg.grad(lambda n: f(n, 0.0, repetition=True))(n) == 0.0
        assert opreg.grad(lambda n: f(n, 0.0))(n) == 0.0


def test_a_coefficient_outside_of_the_triangle_is_constant() -> None:
    assert opreg.grad(lambda n: differentiable.special.comb(n, 4.5))(3.5) == 0.0


def test_the_rising_factorial_is_a_polynomial_also_at_its_zeros() -> None:
    for z in (0.0, -1.0, -2.0, -5.0):
        expected = np.polyval([3, 6, 2], z)  # of z (z + 1) (z + 2)
        assert opreg.grad(lambda z: special.poch(z, 3))(z) == pytest.approx(expected, rel=1e-13)
    assert opreg.grad(lambda z: special.poch(z, 2))(-3.0) == pytest.approx(-5.0, rel=1e-14)
    assert np.isnan(opreg.grad(special.poch, 1)(-3.0, 2.0))
    assert opreg.grad(special.poch, 1)(-3.0, 2.5) == 0.0
    bend = opreg.grad(opreg.grad(lambda z: special.poch(z, 2.5)))(-1.0)
    expected = slope_of(lambda z: mpmath.diff(lambda z: mpmath.rf(z, 2.5), z), -1.0, by=0)
    assert bend == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("x", [1.001, 2.0, 30.0, 0.5, 0.0, -0.4, -2.0, -3.7, -21.5])
def test_riemanns_zeta_function(x) -> None:
    expected = float(mpmath.zeta(x, 1, 1))
    assert opreg.grad(differentiable.special.zeta)(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("x", "q"), [(1.5, 0.3), (4.0, 20.0), (2.0, 1e6), (60.0, 2.0), (1.01, 1.0)])
def test_hurwitzs_zeta_function(x, q) -> None:
    f = differentiable.special.zeta
    by_x, by_q = opreg.grad(f, (0, 1))(x, q)
    assert by_q == pytest.approx(float(-x * mpmath.zeta(x + 1, q)), rel=1e-12)
    with mpmath.workdps(40):
        expected = float(mpmath.diff(lambda x: mpmath.zeta(x, mpmath.mpf(q)), mpmath.mpf(x)))
    assert by_x == pytest.approx(expected, rel=1e-12)


def test_multigammaln() -> None:
    f = differentiable.special.multigammaln
    assert opreg.grad(lambda a: f(a, 3))(2.25) == pytest.approx(
        sum(special.psi([2.25, 1.75, 1.25])), rel=1e-14
    )
    with pytest.raises(ValueError, match="not met"):
        opreg.grad(lambda a: f(a, 3))(0.5)
    with pytest.raises(ValueError, match="positive integer"):
        opreg.grad(lambda a: f(a, 2.5))(7.0)


def test_polygamma_is_the_derivative_of_that_before() -> None:
    f = differentiable.special.polygamma
    x = np.array([0.25, 3.0])
    found = opreg.vjp(lambda x: f(np.array([0, 3]), x), x)[1](np.ones(2))[0]
    np.testing.assert_allclose(found, special.polygamma([1, 4], x), rtol=1e-14)


def test_what_has_no_derivative_is_refused() -> None:
    special_ = differentiable.special
    with pytest.raises(opreg.NotDifferentiable, match="'n'"):
        opreg.grad(lambda n: special_.polygamma(n, 1.5))(1.0)
    with pytest.raises(opreg.NotDifferentiable, match="exact=False"):
        opreg.grad(lambda n: special_.comb(n, 2, exact=True))(5.0)
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.grad(lambda x: special_.zeta(x, 2.0, out=np.zeros(())))(5.0)
    with pytest.raises(TypeError):
        opreg.grad(lambda n: special_.comb(n, 2, legacy=True))(5.0)
    assert opreg.grad(special.gammasgn)(-1.5) == 0.0


@pytest.mark.parametrize("beside", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("f", "order"), [("digamma", 1), ("digamma", 2), ("loggamma", 2), ("gamma", 2), ("rgamma", 2)]
)
def test_a_complex_number_has_its_derivatives_also_beside_one_that_is_not_finite(f, order, beside) -> None:
    z = 0.7 + 0.3j
    slope = getattr(special, f)
    for _ in range(order):
        slope = lambda z, f=slope: opreg.jvp(f, (z,), (np.ones_like(z),))[1]  # noqa: E731
    with np.errstate(all="ignore"):
        found = slope(np.array([z, beside]))[0]
    expected = {
        "digamma": lambda z: mpmath.psi(order, z),
        "loggamma": lambda z: mpmath.psi(1, z),
        "gamma": lambda z: mpmath.diff(mpmath.gamma, z, 2),
        "rgamma": lambda z: mpmath.diff(mpmath.rgamma, z, 2),
    }[f](z)
    assert found == pytest.approx(complex(expected), rel=1e-12)


@pytest.mark.parametrize("beside", [np.nan, np.inf, -np.inf])
def test_the_zeta_function_by_its_exponent_beside_numbers_that_are_not_finite(beside) -> None:
    f = differentiable.special.zeta
    with np.errstate(all="ignore"):
        by_exponent = lambda q: opreg.elementwise_grad(f)(np.array([2.5, 3.0]), q)  # noqa: E731
        first = by_exponent(np.array([1.3, beside]))[0]
        second = opreg.elementwise_grad(f)(np.array([2.5, beside]))[0]
    with mpmath.workdps(30):
        assert first == pytest.approx(float(mpmath.zeta(2.5, mpmath.mpf(1.3), 1)), rel=1e-12)
        assert second == pytest.approx(float(mpmath.zeta(2.5, 1, 1)), rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b"), [(173.25, -174.25), (180.25, -183.25), (175.5, -175.5), (1.5, -171.5), (0.5, -2.5)]
)
def test_the_second_derivatives_of_beta_where_it_is_zero_are_exact_however_far_out(a, b):
    def exact(*orders):
        with mpmath.workdps(50):
            return float(
                mpmath.diff(
                    lambda x, y: mpmath.rgamma(x + y) * mpmath.gamma(x) * mpmath.gamma(y), (a, b), orders
                )
            )

    def beta(z):
        return differentiable.special.beta(z[0], z[1])

    expected = [[exact(2, 0), exact(1, 1)], [exact(1, 1), exact(0, 2)]]
    z = np.array([a, b])
    np.testing.assert_allclose(opreg.hessian(beta)(z), expected, rtol=1e-12)
    np.testing.assert_allclose(opreg.jacrev(opreg.grad(beta))(z), expected, rtol=1e-12)
