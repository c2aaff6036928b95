"""Entropies, losses and products with logarithms."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
import opreg.scipy as scipy
from opreg.testing import conformance

family = pytest.importorskip("opreg_scipy.special.entropy")

test_rules = pytest.mark.slow(conformance(*names_of(family), samples=1))


def by_both(name, *args):
    return opreg.grad(getattr(scipy.special, name), (0, 1))(*args)


@pytest.mark.parametrize("x", [1e-300, 0.25, 1.0, 1e300])
def test_entr(x) -> None:
    assert opreg.grad(scipy.special.entr)(x) == pytest.approx(-1 - np.log(x), rel=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (1.0, 1.0 + 1e-12),
        (3.0, 2.5),
        (2.0, 2.0),
        (0.3, 5.0),
        (1e-200, 1e200),
        (1e200, 1e-90),
        (1e-300, 2e-300),
    ],
)
def test_relative_entropies_keep_their_digits(x, y) -> None:
    with mpmath.workdps(60):
        ratio = mpmath.log(mpmath.mpf(x) / mpmath.mpf(y))
        by_y = mpmath.mpf(x) / mpmath.mpf(y)
        expected = float(ratio), float(1 - by_y)
        expected_relative = float(ratio + 1), float(-by_y)
    assert by_both("kl_div", x, y) == pytest.approx(expected, rel=1e-12, abs=0)
    assert by_both("rel_entr", x, y) == pytest.approx(expected_relative, rel=1e-12, abs=0)


@pytest.mark.filterwarnings("error")
def test_products_with_logarithms_where_there_is_none_of_it() -> None:
    assert by_both("xlogy", 0.0, 0.5) == (np.log(0.5), 0.0)
    assert by_both("xlog1py", 0.0, 0.5) == (np.log1p(0.5), 0.0)
    assert opreg.grad(scipy.special.xlogy, 1)(0.0, 0.0) == 0.0
    assert opreg.grad(scipy.special.xlog1py, 1)(0.0, -1.0) == 0.0


def test_relative_entropies_of_nothing_with_respect_to_nothing() -> None:
    assert opreg.grad(scipy.special.rel_entr, 1)(0.0, 0.0) == 0.0
    assert opreg.grad(scipy.special.kl_div, 1)(0.0, 0.0) == 1.0


def test_the_mixed_second_derivative_of_xlogy_at_zero() -> None:
    assert opreg.grad(opreg.grad(scipy.special.xlogy, 1), 0)(0.0, 4.0) == 0.25


def test_xlog1py_of_a_small_number() -> None:
    by_x, by_y = by_both("xlog1py", 2.0, 1e-20)
    assert by_x == pytest.approx(1e-20, rel=1e-15)
    assert by_y == 2.0


@pytest.mark.parametrize(
    ("delta", "r", "expected"),
    [
        (1.5, 0.5, (0.0, 0.5)),
        (1.5, -4.0, (2.5, -1.5)),
        (1.5, 1.5, (0.0, 1.5)),
        (0.0, 2.0, (2.0, 0.0)),
    ],
)
def test_huber(delta, r, expected) -> None:
    assert by_both("huber", delta, r) == expected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("delta", "r"), [(1.5, 0.5), (1.5, -4.0), (1.0, 1e-5), (1.0, 1e100), (1e100, 1e95), (1e-100, 1.0)]
)
def test_pseudo_huber(delta, r) -> None:
    with mpmath.workdps(600):
        d, x = mpmath.mpf(delta), mpmath.mpf(r)
        h = mpmath.sqrt(d * d + x * x)
        expected = float((h - d) ** 2 / h), float(d * x / h)
    assert by_both("pseudo_huber", delta, r) == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize(("delta", "r"), [(1.0, 1e-8), (1.0, 1e8), (1e-5, 1.0), (1e8, 3.0), (1.5, -2.0)])
def test_the_second_derivatives_of_pseudo_huber_keep_their_digits(delta, r) -> None:
    with mpmath.workdps(100):
        d, x = mpmath.mpf(delta), mpmath.mpf(r)
        h = mpmath.sqrt(d * d + x * x)
        by_delta = (h - d) ** 2 * (-2 * h - d) / h**3
        expected = [[float(by_delta), float((x / h) ** 3)], [float((x / h) ** 3), float((d / h) ** 3)]]
    for outer in opreg.jacrev, opreg.jacfwd:
        found = outer(opreg.grad(scipy.special.pseudo_huber, (0, 1)), (0, 1))(delta, r)
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_pseudo_huber_at_the_origin() -> None:
    assert by_both("pseudo_huber", 1.0, 0.0) == (0.0, 0.0)
    assert by_both("pseudo_huber", 0.0, 0.0) == (0.0, 0.0)
    assert by_both("pseudo_huber", 0.0, -2.0) == (2.0, 0.0)


@pytest.mark.parametrize("name", ["huber", "pseudo_huber"])
def test_a_loss_of_a_negative_delta_is_infinite_and_has_no_derivative(name) -> None:
    assert getattr(scipy.special, name)(-1.0, 2.0) == np.inf
    np.testing.assert_array_equal(by_both(name, -1.0, 2.0), (np.nan, np.nan))
