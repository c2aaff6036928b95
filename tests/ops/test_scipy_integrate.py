"""Integration of SciPy: rules for samples, and ordinary differential equations."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
from opreg import scipy
from opreg.testing import conformance
from opreg_scipy import integrate

test_rules = pytest.mark.slow(conformance(*names_of(integrate), samples=1))

T = np.array([0.0, 0.5, 2.0])
TIGHT = {"rtol": 1e-12, "atol": 1e-13}


def decay(y, t, rate):
    return -rate * y


def pendulum(y, t, damping, gravity):
    return [y[1], -damping * y[1] - gravity * np.sin(y[0])]


def test_weights_of_the_rules() -> None:
    y = np.ones(5)
    np.testing.assert_allclose(opreg.grad(scipy.integrate.trapezoid)(y), [0.5, 1, 1, 1, 0.5])
    np.testing.assert_allclose(opreg.grad(scipy.integrate.simpson)(y), np.array([1, 4, 2, 4, 1]) / 3)
    of_steps = opreg.grad(lambda dx: scipy.integrate.simpson(y, dx=dx))(0.5)
    assert of_steps == pytest.approx(4.0, rel=1e-14)


def test_simpson_integrates_a_parabola_whatever_its_samples() -> None:
    """So moving a sample along the parabola changes nothing."""
    for n in 3, 4, 5, 6:
        x = np.cumsum(np.linspace(0.5, 1.5, n))
        inside = opreg.grad(lambda x: scipy.integrate.simpson(3 * x**2, x=x))(x)
        np.testing.assert_allclose(inside[1:-1], 0, atol=1e-12)
        np.testing.assert_allclose(inside[[0, -1]], [-3 * x[0] ** 2, 3 * x[-1] ** 2], rtol=1e-12)


def test_the_initial_zero_of_a_cumulative_integral_is_constant() -> None:
    y = np.array([1.0, 2.0, 4.0])
    found = opreg.jvp(lambda y: scipy.integrate.cumulative_trapezoid(y, initial=0), (y,), (y,))[1]
    np.testing.assert_allclose(found, [0.0, 1.5, 4.5])
    for initial in 1, 0.5:
        with pytest.raises(ValueError, match="initial"):
            opreg.vjp(lambda y, i=initial: scipy.integrate.cumulative_trapezoid(y, initial=i), y)


@pytest.mark.parametrize("name", ["simpson", "cumulative_trapezoid"])
def test_samples_that_do_not_match_are_refused(name) -> None:
    function = getattr(scipy.integrate, name)
    for x in np.arange(3.0), np.ones((2, 4, 1)):
        with pytest.raises(ValueError, match="x"):
            opreg.vjp(lambda y, x=x: function(y, x=x), np.ones((2, 4)))
    with pytest.raises(ValueError):
        opreg.vjp(scipy.integrate.cumulative_trapezoid, np.ones((2, 0)))


def test_the_decay() -> None:
    def solution(y0, t, rate):
        return scipy.integrate.odeint(decay, y0, t, (rate,), **TIGHT)

    g = np.array([[1.0], [2.0], [-3.0]])
    y0, rate = np.array([1.5]), 0.7
    pullback = opreg.vjp(solution, y0, T, rate)[1]
    of_y0, of_t, of_rate = pullback(g)
    known, e = g[:, 0], np.exp(-rate * T)
    np.testing.assert_allclose(of_y0, [known @ e], rtol=1e-10)
    np.testing.assert_allclose(of_rate, known @ (-T * 1.5 * e), rtol=1e-10)
    of_time = known * -rate * 1.5 * e
    np.testing.assert_allclose(of_t, [-of_time[1:].sum(), *of_time[1:]], rtol=1e-10)
    moved = opreg.jvp(solution, (y0, T, rate), (y0, T, rate))[1]
    np.testing.assert_allclose(np.sum(g * moved), of_y0 @ y0 + of_t @ T + of_rate * rate, rtol=1e-10)


def test_a_second_derivative() -> None:
    def last(rate):
        return scipy.integrate.odeint(decay, np.array([1.5]), T[::2], (rate,), **TIGHT)[-1, 0]

    for f in opreg.grad(opreg.grad(last)), lambda r: opreg.hvp(last, (r,), (1.0,)):
        assert np.squeeze(f(0.7)) == pytest.approx(4 * 1.5 * np.exp(-1.4), rel=1e-9)


def test_a_pendulum_against_a_taylor_series() -> None:
    def angle(damping, gravity):
        args = (damping, gravity)
        return scipy.integrate.odeint(pendulum, np.array([1.0, 0.0]), T, args, **TIGHT)[-1, 0]

    def exact(damping, gravity):
        def flow(t, y):
            return [y[1], -damping * y[1] - gravity * mpmath.sin(y[0])]

        return mpmath.odefun(flow, 0, [mpmath.mpf(1), mpmath.mpf(0)], tol=mpmath.mpf("1e-28"))(2)[0]

    found = opreg.grad(angle, (0, 1))(0.2, 1.5)
    with mpmath.workdps(30):
        step = mpmath.mpf("1e-7")
        for i, got in enumerate(found):
            d = [step if i == j else 0 for j in range(2)]
            up = exact(mpmath.mpf(0.2) + d[0], mpmath.mpf(1.5) + d[1])
            down = exact(mpmath.mpf(0.2) - d[0], mpmath.mpf(1.5) - d[1])
            assert got == pytest.approx(float((up - down) / (2 * step)), rel=1e-9)


def test_with_default_tolerances_the_derivative_is_no_less_accurate() -> None:
    found = opreg.grad(lambda y: scipy.integrate.odeint(decay, y, T, (0.7,))[-1, 0])(np.array([1.0]))
    np.testing.assert_allclose(found, [np.exp(-1.4)], rtol=1e-7)


def test_times_of_either_order_and_first() -> None:
    def backwards(y0):
        return scipy.integrate.odeint(lambda t, y: t * y, y0, -T, tfirst=True, **TIGHT)[-1, 0]

    np.testing.assert_allclose(opreg.grad(backwards)(np.array([1.0])), [np.exp(2.0)], rtol=1e-10)


def test_what_odeint_cannot_do_is_refused() -> None:
    y0 = np.array([1.0])
    with pytest.raises(opreg.NotDifferentiable, match="a dictionary one by one"):
        opreg.vjp(lambda k: scipy.integrate.odeint(lambda y, t, p: -p["k"] * y, y0, T, ({"k": k},)), 1.0)
    with pytest.raises(opreg.NotDifferentiable, match="full_output"):
        opreg.vjp(lambda y: scipy.integrate.odeint(decay, y, T, (1.0,), full_output=True), y0)
    with pytest.raises(opreg.NotDifferentiable, match="real and imaginary"):
        opreg.vjp(lambda y: scipy.integrate.odeint(decay, y, T, (1.0 + 1j,)), y0)
    with pytest.raises(ValueError, match="monotonically"):
        opreg.vjp(lambda y: scipy.integrate.odeint(decay, y, np.array([0.0, 1.0, 0.5]), (1.0,)), y0)
    with pytest.raises(TypeError, match="hmost"):
        opreg.vjp(lambda y: scipy.integrate.odeint(decay, y, T, hmost=1.0), y0)


def test_a_failed_integration_raises_its_warning() -> None:
    with pytest.raises(scipy.integrate.ODEintWarning):
        opreg.vjp(lambda y: scipy.integrate.odeint(lambda y, t: y**2, y, T, mxstep=50), np.array([1.0]))


def test_arguments_in_single_precision_are_no_noise() -> None:
    def last(rate):
        return scipy.integrate.odeint(decay, np.array([1.5]), T, (rate,), **TIGHT)[-1, 0]

    found = opreg.grad(last)(np.float32(0.75))
    assert found.dtype == np.float32
    assert found == pytest.approx(-2 * 1.5 * np.exp(-1.5), rel=1e-7)


def test_the_sensitivities_may_take_more_steps_than_the_solution() -> None:
    def flow(y, t, k):
        return np.stack([y[0] * (k - y[1]), y[1] * (y[0] - 1)])

    def last(k, **options):
        return scipy.integrate.odeint(flow, [1.0, 0.5], [0.0, 30.0], (k,), **options)[1, 0]

    tight = {"rtol": 1e-12, "atol": 1e-12, "mxstep": 10**5}
    numeric = (last(1.2 + 1e-4, **tight) - last(1.2 - 1e-4, **tight)) / 2e-4
    assert opreg.grad(last)(1.2) == pytest.approx(numeric, rel=1e-5)
