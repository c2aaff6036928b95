"""Powers, exponentials, logarithms and the Box-Cox transformation."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
import opreg.scipy as scipy
from opreg.testing import conformance

family = pytest.importorskip("opreg_scipy.special.powers")

test_rules = pytest.mark.slow(conformance(*names_of(family), samples=1))


def by_both(name, *args):
    return opreg.grad(getattr(scipy.special, name), (0, 1))(*args)


@pytest.mark.parametrize(
    ("name", "slope", "points"),
    [
        ("cbrt", lambda x: 1 / (3 * np.cbrt(x) ** 2), [0.5, -8.0, 1e-200]),
        ("exp2", lambda x: np.log(2) * 2**x, [0.5, -60.0]),
        ("exp10", lambda x: np.log(10) * 10**x, [0.5, -60.0]),
        ("expm1", np.exp, [1e-9, -60.0, 2.0]),
        ("log1p", lambda x: 1 / (1 + x), [1e-20, -0.999, 3.0]),
        ("cosm1", lambda x: -np.sin(x), [1e-9, 0.5, 4.0]),
    ],
)
def test_the_derivatives_of_a_textbook(name, slope, points) -> None:
    for x in points:
        assert opreg.grad(getattr(scipy.special, name))(x) == pytest.approx(slope(x), rel=2e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [-1e5, -30.0, -1.001, -0.999, -1e-9, 0.0, 1e-5, 0.999, 1.0, 30.0, 709.0])
def test_exprel_neither_cancels_nor_overflows(x) -> None:
    with mpmath.workdps(60):
        t = mpmath.mpf(x)
        expected = float((mpmath.exp(t) - (mpmath.exp(t) - 1) / t) / t) if x else 0.5
    assert opreg.grad(scipy.special.exprel)(x) == pytest.approx(expected, rel=1e-12)


def test_the_derivatives_of_exprel_at_zero_are_those_of_its_series() -> None:
    f = scipy.special.exprel
    for order in range(6):
        assert f(0.0) == pytest.approx(1 / (order + 1), rel=1e-15)
        f = opreg.grad(f)


def boxcox(x, power):
    return (x**power - 1) / power if power else mpmath.log(x)


def inverse(y, power):
    return (1 + power * y) ** (1 / power) if power else mpmath.exp(y)


def derivatives(f, x, power):
    """Return the partial derivatives of a function of mpmath's, differences in many more digits than are needed."""
    with mpmath.workdps(400):
        x, power = mpmath.mpf(x), mpmath.mpf(power)
        h = abs(x) * mpmath.mpf(10) ** -100
        by_x = (f(x + h, power) - f(x - h, power)) / (2 * h)
        h = mpmath.mpf(10) ** -100
        return float(by_x), float((f(x, power + h) - f(x, power - h)) / (2 * h))


@pytest.mark.parametrize(
    ("x", "power"),
    [
        (2.5, 0.0),
        (2.5, 1e-9),
        (0.03, -0.5),
        (1.0, 2.0),
        (1 + 1e-9, 0.5),
        (1e-200, 0.5),
        (1e200, -0.25),
        (30.0, 3.0),
    ],
)
def test_boxcox_by_both_arguments(x, power) -> None:
    assert by_both("boxcox", x, power) == pytest.approx(derivatives(boxcox, x, power), rel=1e-12, abs=0)


@pytest.mark.parametrize(("x", "power"), [(1e-9, 0.5), (-0.9, 0.0), (3.0, 2.5), (1e-20, -2.0)])
def test_boxcox1p_by_both_arguments(x, power) -> None:
    expected = derivatives(lambda x, power: boxcox(1 + x, power), x, power)
    assert by_both("boxcox1p", x, power) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", ["inv_boxcox", "inv_boxcox1p"])
@pytest.mark.parametrize(
    ("y", "power"), [(2.5, 0.0), (2.5, 1e-9), (-1.5, 0.5), (-0.9, 0.9), (40.0, 3.0), (0.5, -1.5), (1e-9, 0.5)]
)
def test_the_inverses_by_both_arguments(name, y, power) -> None:
    assert by_both(name, y, power) == pytest.approx(derivatives(inverse, y, power), rel=1e-12, abs=0)


@pytest.mark.filterwarnings("error")
def test_boxcox_at_the_end_of_its_domain() -> None:
    assert by_both("boxcox", 0.0, 2.0) == (0.0, 0.25)
    assert opreg.grad(scipy.special.boxcox1p, 1)(-1.0, 2.0) == 0.25
