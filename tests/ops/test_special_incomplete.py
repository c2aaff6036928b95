"""Incomplete gamma and beta functions, and their inverses."""

import mpmath
import numpy as np
import pytest
import scipy.special as special
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_scipy.special import incomplete

test_rules = pytest.mark.slow(conformance(*names_of(incomplete), samples=1))

GAMMA = [
    *[(0.5, 0.3), (2.0, 8.0), (10.0, 20.0), (100.0, 70.0), (100.0, 130.0), (1e4, 9900.0), (3.0, 40.0)],
    *[(1e-3, 0.3), (0.01, 0.01), (0.05, 1e-9), (20.0, 0.1), (0.3, 0.01)],
]
BETA = [
    *[(0.5, 0.5, 0.3), (2.0, 5.0, 0.7), (30.0, 20.0, 0.8), (300.0, 200.0, 0.55), (0.01, 0.02, 0.3)],
    *[(3.0, 0.01, 0.001), (5.0, 1e-3, 0.9), (1e-3, 50.0, 1e-4), (1e-2, 0.5, 1e-10)],
]


def slope_of(f, *args, by):
    """Return the derivative in forty digits."""
    with mpmath.workdps(40):
        exact = [mpmath.mpf(x) for x in args]
        return float(mpmath.diff(lambda x: f(*exact[:by], x, *exact[by + 1 :]), exact[by]))


def lower_gamma(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def lower_beta(a, b, x):
    return mpmath.betainc(a, b, 0, x, regularized=True)


@pytest.mark.parametrize(("a", "x"), GAMMA)
def test_incomplete_gamma_functions_by_both_arguments(a, x) -> None:
    by_a, by_x = (slope_of(lower_gamma, a, x, by=by) for by in (0, 1))
    assert opreg.grad(special.gammainc, (0, 1))(a, x) == pytest.approx((by_a, by_x), rel=1e-12)
    assert opreg.grad(special.gammaincc, (0, 1))(a, x) == pytest.approx((-by_a, -by_x), rel=1e-12)


@pytest.mark.parametrize(("a", "b", "x"), BETA)
def test_incomplete_beta_functions_by_all_arguments(a, b, x) -> None:
    expected = tuple(slope_of(lower_beta, a, b, x, by=by) for by in (0, 1, 2))
    assert opreg.grad(special.betainc, (0, 1, 2))(a, b, x) == pytest.approx(expected, rel=1e-12)


def test_the_second_derivatives_by_the_parameters() -> None:
    with mpmath.workdps(40):
        expected = float(mpmath.diff(lower_gamma, (mpmath.mpf("2.5"), mpmath.mpf(2)), (2, 0)))
        mixed = float(mpmath.diff(lambda a, b: lower_beta(a, b, mpmath.mpf("0.25")), (2, 3), (1, 1)))
    assert opreg.grad(opreg.grad(special.gammainc))(2.5, 2.0) == pytest.approx(expected, rel=1e-12)
    by_b = opreg.grad(lambda b: opreg.grad(special.betainc)(2.0, b, 0.25))(3.0)
    assert by_b == pytest.approx(mixed, rel=1e-12)


def test_a_shape_of_zero_has_the_exponential_integral_for_derivative() -> None:
    assert opreg.grad(special.gammainc)(0.0, 1.5) == pytest.approx(-special.exp1(1.5), rel=1e-14)


def test_the_density_at_zero() -> None:
    for a, expected in ((1.0, 1.0), (2.5, 0.0)):
        assert opreg.grad(special.gammainc, 1)(a, 0.0) == expected
    for a, expected in ((1.0, -1.0), (2.0, 1.0), (3.5, 0.0)):
        assert opreg.grad(opreg.grad(special.gammainc, 1), 1)(a, 0.0) == expected
    assert opreg.grad(special.gammainc)(2.5, 0.0) == 0.0


def test_the_density_at_the_ends_of_the_unit_interval() -> None:
    density = opreg.grad(special.betainc, 2)
    slope = opreg.grad(density, 2)
    for f, a, b, x, expected in (
        *((density, 1.0, 2.5, 0.0, 2.5), (density, 2.5, 1.0, 1.0, 2.5), (density, 1.5, 2.0, 0.0, 0.0)),
        *((slope, 2.0, 2.5, 0.0, 8.75), (slope, 3.0, 2.0, 1.0, -12.0), (slope, 1.0, 3.0, 0.0, -6.0)),
    ):
        assert f(a, b, x) == pytest.approx(expected, rel=1e-14)
    assert opreg.grad(special.betainc, (0, 1))(2.0, 2.5, 0.0) == (0.0, 0.0)
    assert opreg.grad(special.betainc, (0, 1))(2.0, 2.5, 1.0) == (0.0, 0.0)
    for end in 0.0, 1.0:
        for by in 0, 1:
            assert opreg.grad(opreg.grad(special.betainc, by), 2)(2.0, 2.5, end) == 0.0


@pytest.mark.parametrize("x", [0.3, 0.8])
def test_a_shape_of_zero_is_a_limit_to_second_order(x) -> None:
    """I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a B(a, b)) (DLMF 8.17.20), and the same mirrored."""

    def near_zero(a, b, x):
        front = x**a * (1 - x) ** b * mpmath.gamma(a + b) / mpmath.gamma(a + 1) / mpmath.gamma(b)
        return lower_beta(a + 1, b, x) + front

    with mpmath.workdps(40):
        point = mpmath.mpf(x)
        first = float(mpmath.diff(lambda a: near_zero(a, mpmath.mpf(2.5), point), 0))
        second = float(mpmath.diff(lambda a: near_zero(a, mpmath.mpf(2.5), point), 0, 2))
        mixed = float(mpmath.diff(lambda a, b: near_zero(a, b, point), (0, 2.5), (1, 1)))
        of_density = float(mpmath.diff(lambda a: mpmath.diff(lambda x: near_zero(a, 2.5, x), point), 0, 2))
    assert opreg.grad(special.betainc)(0.0, 2.5, x) == pytest.approx(first, rel=1e-12)
    assert opreg.grad(special.betainc, 1)(2.5, 0.0, 1 - x) == pytest.approx(-first, rel=1e-12)
    assert opreg.grad(special.betainc, 1)(0.0, 2.5, x) == 0.0
    assert opreg.grad(special.betainc)(2.5, 0.0, 1 - x) == 0.0
    assert opreg.grad(opreg.grad(special.betainc))(0.0, 2.5, x) == pytest.approx(second, rel=1e-11)
    assert opreg.grad(lambda b: opreg.grad(special.betainc)(0.0, b, x))(2.5) == pytest.approx(
        mixed, rel=1e-11
    )
    assert opreg.grad(lambda b: opreg.grad(special.betainc)(2.5, b, 1 - x))(0.0) == pytest.approx(
        -mixed, rel=1e-11
    )
    by_x = opreg.grad(special.betainc, 2)
    assert opreg.grad(opreg.grad(by_x))(0.0, 2.5, x) == pytest.approx(of_density, rel=1e-9)


@pytest.mark.parametrize(
    ("forward", "inverse"),
    [(special.gammainc, special.gammaincinv), (special.gammaincc, special.gammainccinv)],
    ids=["P", "Q"],
)
def test_an_inverse_of_an_incomplete_gamma_function_undoes_it(forward, inverse) -> None:
    there_and_back = opreg.grad(lambda a, x: inverse(a, forward(a, x)), (0, 1))
    for a, x in ((2.5, 1.5), (0.4, 0.7), (60.0, 55.0)):
        by_a, by_x = there_and_back(a, x)
        assert by_a == pytest.approx(0.0, abs=1e-11)
        assert by_x == pytest.approx(1.0, rel=1e-11)
        assert opreg.grad(opreg.grad(lambda x, a=a: inverse(a, forward(a, x))))(x) == pytest.approx(
            0.0, abs=1e-9
        )


@pytest.mark.parametrize(
    "names", [("betainc", "betaincinv"), ("betaincc", "betainccinv")], ids=["I", "1 - I"]
)
def test_an_inverse_of_an_incomplete_beta_function_undoes_it(names) -> None:
    if not hasattr(special, names[0]):
        pytest.skip("this SciPy has none")
    forward, inverse = (getattr(special, name) for name in names)
    there_and_back = opreg.grad(lambda a, b, x: inverse(a, b, forward(a, b, x)), (0, 1, 2))
    for a, b, x in ((2.5, 1.5, 0.3), (0.4, 7.0, 0.2), (60.0, 55.0, 0.5)):
        assert there_and_back(a, b, x) == pytest.approx((0.0, 0.0, 1.0), rel=1e-11, abs=1e-11)


def test_outside_of_the_domain_there_is_no_number() -> None:
    by_a, by_x = opreg.grad(special.gammainc, (0, 1))(1.5, -1.0)
    assert np.isnan(by_a)
    assert np.isnan(by_x)
    assert np.isnan(opreg.grad(special.betainc)(-1.5, 2.0, 0.5))


def test_the_inverses_where_they_begin_and_where_scipy_keeps_them_from_underflow() -> None:
    for inverse, start, sign in (special.betaincinv, 0.0, 1.0), (special.betainccinv, 1.0, -1.0):
        with np.errstate(divide="ignore"):
            found = opreg.grad(inverse, (0, 1, 2))(2.0, 2.0, start)
        assert found == (0.0, 0.0, sign * np.inf)
    assert opreg.grad(special.betaincinv, (0, 1, 2))(0.0025, 0.00125, 0.0004) == (0.0, 0.0, 0.0)
    for inverse, start in (special.gammaincinv, 0.0), (special.gammainccinv, 1.0):
        assert opreg.grad(inverse)(2.5, start) == 0.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [1e30, 1e200, np.inf])
@pytest.mark.parametrize("a", [0.5, 2.0, 3.0, 50.0])
def test_where_nothing_is_left_of_the_tail_nothing_is_left_of_its_derivatives(a, x) -> None:
    for f in special.gammainc, special.gammaincc:
        assert opreg.grad(f, (0, 1))(a, x) == (0.0, 0.0)
        assert not np.any(opreg.hessian(f, (0, 1))(a, x))
