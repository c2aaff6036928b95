"""Error functions and the normal distribution's."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
import opreg.scipy as scipy
from opreg.testing import conformance

plain = pytest.importorskip("scipy.special")
errors = pytest.importorskip("opreg_scipy.special.errors")

test_rules = pytest.mark.slow(conformance(*names_of(errors), samples=1))


def derivative(f, x, order=1):
    """Return a derivative, a complex one for a complex argument or value."""
    for _ in range(order - 1):
        f = opreg.elementwise_grad(f)
    return opreg.jvp(f, (x,), (1.0 + 0 * x,))[1]


def phi(x):
    return mpmath.exp(-(x**2) / 2) / mpmath.sqrt(2 * mpmath.pi)


def w(z):
    return mpmath.exp(-(z**2)) * mpmath.erfc(-1j * z)


def erfcx(z):
    return mpmath.exp(z**2) * mpmath.erfc(z)


def dawson(z):
    return mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-(z**2)) * mpmath.erfi(z)


def slope_of(f):
    """Return the derivative of a function of mpmath's, in a hundred digits and more."""

    def slope(x):
        with mpmath.workdps(400):
            return mpmath.diff(f, mpmath.mpmathify(x), h=mpmath.mpf(10) ** -150)

    return slope


@pytest.mark.parametrize(
    ("name", "slope", "points"),
    [
        ("erf", lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(x**2)), [0.0, 0.75, -5.0, 20.0, 1 - 2j]),
        ("erfc", lambda x: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(x**2)), [0.0, 0.75, 26.0, 1 - 2j]),
        ("erfi", lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(x**2), [0.0, 0.75, -20.0, 1 - 2j]),
        ("ndtr", phi, [0.0, 0.75, -30.0, 1 - 2j]),
        (
            "erfcx",
            slope_of(erfcx),
            [-5.0, 0.0, 2.0, 6.99, 7.0, 50.0, 1e6, 3 - 2j, 30 + 30j, 7.5j, -8 + 9j, 1 + 1e5j],
        ),
        ("dawsn", slope_of(dawson), [0.0, -2.0, 6.99, 7.0, -50.0, 1e6, 3 - 2j, 7.2 + 0.5j, -5.2 - 5.5j]),
        (
            "wofz",
            slope_of(w),
            [0.0, -2.0, 6.99, 7.0, -50.0, 1e6, 3 - 2j, 7.2 - 0.5j, -5.2 + 5.5j, 5.5 - 5.2j],
        ),
    ],
)
def test_derivatives_from_end_to_end(name, slope, points) -> None:
    f = getattr(scipy.special, name)
    with mpmath.workdps(40):
        expected = [complex(slope(mpmath.mpmathify(x))) for x in points]
    np.testing.assert_allclose([derivative(f, x) for x in points], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["erfcx", "dawsn"])
def test_the_second_derivative_is_as_accurate(name) -> None:
    f = {"erfcx": erfcx, "dawsn": dawson}[name]
    points = [0.5, 3.0, 8.0, 30.0, 1e4]
    with mpmath.workdps(400):
        expected = [float(mpmath.diff(f, mpmath.mpf(x), 2, h=mpmath.mpf(10) ** -100)) for x in points]
    np.testing.assert_allclose(
        [derivative(getattr(scipy.special, name), x, 2) for x in points], expected, rtol=1e-11
    )


@pytest.mark.filterwarnings("error")
def test_log_ndtr_far_from_zero() -> None:
    points = [-1e10, -1e3, -30.0, -1.0, 0.0, 3.0, 37.0, 2 - 3j]
    with mpmath.workdps(60):

        def mills(x):
            x = mpmath.mpmathify(x)
            if abs(x) > 50:  # 1 / x times the asymptotic series of x Mills(x)
                return -x / (1 - x**-2 + 3 * x**-4 - 15 * x**-6)
            return phi(x) / (mpmath.erfc(-x / mpmath.sqrt(2)) / 2)

        expected = [complex(mills(x)) for x in points]
    np.testing.assert_allclose([derivative(scipy.special.log_ndtr, x) for x in points], expected, rtol=1e-12)
    assert derivative(scipy.special.log_ndtr, 1e3) == 0.0
    assert derivative(scipy.special.log_ndtr, -1e6, 2) == pytest.approx(-1.0, rel=1e-11)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 1e-3, 0.25, 0.5, 0.75, 1 - 2.0**-40])
def test_inverses_near_the_ends(p) -> None:
    with mpmath.workdps(60):
        exact = mpmath.mpf(p)
        start = mpmath.mpf(scipy.special.erfcinv(2 * p)) if p != 0.5 else mpmath.mpf(0)
        t = mpmath.findroot(lambda t: mpmath.log(mpmath.erfc(t) / (2 * exact)), start) if p != 0.5 else start
        inverse = mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(t * t)
        expected = float(inverse)
        expected_normal = float(2 * mpmath.sqrt(2) * inverse)
    assert derivative(scipy.special.ndtri, p) == pytest.approx(expected_normal, rel=1e-12)
    assert derivative(scipy.special.erfcinv, 2 * p) == pytest.approx(-expected, rel=1e-12)
    if p > 1e-10:
        assert derivative(scipy.special.erfinv, 1 - 2 * p) == pytest.approx(expected, rel=1e-11)
    if p > 1e-300:
        at = float(np.log(p))
        assert derivative(scipy.special.ndtri_exp, at) == pytest.approx(expected_normal * p, rel=1e-11)


def test_the_inverse_of_the_normal_distribution_at_the_median_to_the_fourth_order() -> None:
    expected = [np.sqrt(2 * np.pi), 0.0, (2 * np.pi) ** 1.5, 0.0]
    found = [derivative(scipy.special.ndtri, 0.5, order) for order in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-10)


def test_ndtri_exp_of_a_number_whose_exponential_is_zero() -> None:
    x = scipy.special.ndtri_exp(-1e10)
    assert derivative(scipy.special.ndtri_exp, -1e10) == pytest.approx(-1 / x, rel=1e-9)


def test_the_derivative_of_a_complex_function_of_a_real_number_is_that_of_its_parts() -> None:
    out, pull = opreg.vjp(scipy.special.wofz, 1.5)
    slope = 2j / np.sqrt(np.pi) - 3.0 * out
    assert pull(1.0 + 0j)[0] == pytest.approx(slope.real, rel=1e-13)
    assert pull(-1j)[0] == pytest.approx(slope.imag, rel=1e-13)


def test_writing_into_an_array_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.grad(lambda x: plain.erf(x, out=np.zeros(())))(0.5)
