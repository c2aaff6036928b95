"""Exponentials and logarithms."""

import numpy as np
import pytest
from families import names_of

import opreg
import opreg.scipy
from opreg.testing import conformance
from opreg_numpy import exponential

test_rules = conformance(*names_of(exponential), samples=1)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.exp, np.exp),
        (np.exp2, lambda x: np.log(2) * 2**x),
        (np.expm1, np.exp),
        (np.log, lambda x: 1 / x),
        (np.log2, lambda x: 1 / (x * np.log(2))),
        (np.log10, lambda x: 1 / (x * np.log(10))),
        (np.log1p, lambda x: 1 / (1 + x)),
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("x", [0.25, 3.0, 0.5 + 1.5j])
def test_the_derivatives_of_a_textbook(f, slope, x) -> None:
    np.testing.assert_allclose(opreg.vjp(f, x)[1](1.0 + 0 * x)[0], slope(x), rtol=1e-14)
    np.testing.assert_allclose(opreg.jvp(f, (x,), (1.0 + 0 * x,))[1], slope(x), rtol=1e-14)


def test_expm1_keeps_a_small_derivative() -> None:
    assert opreg.grad(np.expm1)(-60.0) == np.exp(-60.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("f", "base"), [(np.logaddexp, np.e), (np.logaddexp2, 2.0)], ids=["e", "2"])
def test_a_sum_of_exponentials_neither_overflows_nor_loses_digits(f, base) -> None:
    assert opreg.grad(f, (0, 1))(1000.0, 1000.0) == pytest.approx((0.5, 0.5), rel=1e-15)
    assert opreg.grad(f, (0, 1))(-1000.0, 500.0) == (0.0, 1.0)
    by_x, by_y = opreg.grad(f, (0, 1))(0.0, 50.0)
    assert by_x == pytest.approx(base**-50.0, rel=1e-13)
    assert by_y == pytest.approx(1.0, rel=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (-np.inf, 0.0, (0.0, 1.0)),
        (0.0, -np.inf, (1.0, 0.0)),
        (-np.inf, -np.inf, (0.5, 0.5)),
        (np.inf, np.inf, (0.5, 0.5)),
        (np.inf, 1.0, (1.0, 0.0)),
    ],
)
def test_infinite_terms_of_a_sum_of_exponentials(f, x, y, expected) -> None:
    assert opreg.grad(f, (0, 1))(x, y) == expected


def test_a_sum_of_exponentials_has_its_second_derivative_at_a_tie() -> None:
    assert opreg.grad(opreg.grad(np.logaddexp))(0.0, 0.0) == pytest.approx(0.25, rel=1e-15)


def test_the_derivatives_of_sinc_at_zero_are_those_of_its_series() -> None:
    f, expected = np.sinc, [1.0, 0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5]
    for value in expected:
        assert f(0.0) == pytest.approx(value, rel=1e-13, abs=1e-14)
        f = opreg.grad(f)


def test_sinc_does_not_cancel_near_zero() -> None:
    assert opreg.grad(np.sinc)(1e-8) == pytest.approx(-(np.pi**2) / 3 * 1e-8, rel=1e-14)
    below, above = (opreg.grad(np.sinc)(x) for x in (np.nextafter(0.5, 0), 0.5))
    assert below == pytest.approx(above, rel=1e-14)


@pytest.mark.parametrize(("base", "exponential"), [(np.e, np.exp), (2, np.exp2)])
def test_the_logistic_function_is_accurate_where_it_is_small_and_so_are_its_derivatives(
    base, exponential
) -> None:
    share = opreg.plugins.get("opreg_numpy.exponential.share")
    x = -500.0

    def logistic(x, base):
        return share(1.0, -x, base=base)

    np.testing.assert_allclose(logistic(x, base=base), exponential(x), rtol=1e-14)
    first = opreg.grad(lambda x: logistic(x, base=base))
    np.testing.assert_allclose([first(x), first(-x)], np.log(base) * exponential(x), rtol=1e-14)
    np.testing.assert_allclose(opreg.grad(first)(x), np.log(base) ** 2 * exponential(x), rtol=1e-14)
    np.testing.assert_allclose(opreg.grad(first)(-x), -(np.log(base) ** 2) * exponential(x), rtol=1e-14)


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2], ids=["e", "2"])
def test_a_sum_of_exponentials_far_apart_to_second_order(f) -> None:
    hessian = opreg.jacobian(opreg.grad(f, (0, 1)), (0, 1))(1000.0, -1000.0)
    np.testing.assert_array_equal(hessian, np.zeros((2, 2)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_at_a_singular_point_a_python_float_has_the_derivatives_of_a_scalar() -> None:
    special, stats = opreg.scipy.special, opreg.scipy.stats
    for f, point in (
        *((f, 0.0) for f in (np.log, np.log2, np.log10, special.logit)),
        *((f, -1.0) for f in (np.log1p, special.log1p, np.arctanh)),
        *((f, 1.0) for f in (np.arctanh, special.logit)),
        *((lambda s, f=f: f(1.0, 0.0, s), 0.0) for f in (stats.norm.logpdf, stats.norm.pdf)),
        (lambda x: np.divide(2.0, x), 0.0),
        (lambda x: np.log2(x) + np.log1p(x - 1), 0.0),
    ):
        tangent = lambda x, f=f: opreg.jvp(f, (x,), (x * 0 + 1,))[1]  # noqa: E731
        for slope in (opreg.grad(f), opreg.grad(opreg.grad(f)), tangent, opreg.grad(tangent)):
            np.testing.assert_array_equal(slope(point), slope(np.float64(point)))


def test_a_plain_division_by_zero_in_python_remains_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        opreg.grad(lambda x: 1.0 / x)(0.0)
