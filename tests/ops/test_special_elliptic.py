"""Elliptic integrals, exponential integrals and others."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
import opreg.scipy as scipy
from opreg.testing import conformance

family = pytest.importorskip("opreg_scipy.special.elliptic")

test_rules = pytest.mark.slow(conformance(*names_of(family), samples=1))


def exact(f, *args, order=1):
    """Return the derivative by the last argument of a function of mpmath's, in many more digits than are needed."""
    with mpmath.workdps(60):
        *others, x = args
        return complex(
            mpmath.diff(lambda x: f(*others, x), mpmath.mpmathify(x), order, h=mpmath.mpf(10) ** -18)
        )


def derivative(f, x, order=1):
    for _ in range(order - 1):
        f = opreg.elementwise_grad(f)
    return opreg.jvp(f, (x,), (1.0 + 0 * x,))[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("m", [-1e6, -2.0, -1e-9, 0.0, 1e-9, 1e-3, 0.5, 0.999, 1 - 2.0**-40])
def test_complete_elliptic_integrals_from_end_to_end(m) -> None:
    for name, f in (("ellipk", mpmath.ellipk), ("ellipe", mpmath.ellipe)):
        found = derivative(getattr(scipy.special, name), m)
        assert found == pytest.approx(exact(f, m).real, rel=1e-12)


@pytest.mark.parametrize("p", [1e-200, 1e-20, 0.5, 1.0, 1e3])
def test_ellipkm1_keeps_the_digits_of_a_small_argument(p) -> None:
    with mpmath.workdps(500):
        m = 1 - mpmath.mpf(p)
        k, e = mpmath.ellipk(m), mpmath.ellipe(m)
        expected = float(-(e - (1 - m) * k) / (2 * m * (1 - m))) if m else -np.pi / 8
    assert derivative(scipy.special.ellipkm1, p) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("m", [-1e8, -3.0, 0.0, 1e-7, 0.9])
@pytest.mark.parametrize("order", [2, 3])
def test_higher_derivatives_of_complete_integrals_where_their_formulas_are_0_over_0(m, order) -> None:
    assert derivative(scipy.special.ellipk, m, order) == pytest.approx(
        exact(mpmath.ellipk, m, order=order).real, rel=1e-12, abs=0.0
    )
    assert derivative(scipy.special.ellipe, m, order) == pytest.approx(
        exact(mpmath.ellipe, m, order=order).real, rel=1e-12, abs=0.0
    )


@pytest.mark.parametrize("phi", [1e-3, 0.7, 1.5, 1.5707, -2.5, 4.0, -11.0])
@pytest.mark.parametrize("m", [-4.0, 0.0, 1e-9, 0.5, 0.99, 1 - 2.0**-33])
def test_incomplete_elliptic_integrals_within_and_beyond_a_half_turn(phi, m) -> None:
    for name, f in (("ellipkinc", mpmath.ellipf), ("ellipeinc", mpmath.ellipe)):
        by_phi, by_m = opreg.grad(getattr(scipy.special, name), (0, 1))(phi, m)
        assert by_phi == pytest.approx(exact(lambda m, phi, f=f: f(phi, m), m, phi).real, rel=1e-12)
        assert by_m == pytest.approx(exact(f, phi, m).real, rel=1e-12)


@pytest.mark.parametrize(
    "args",
    [
        *((1.0, 1.0, 1.0), (0.5, 2.0, 2.0), (3.0, 0.1, 0.1 + 1e-12), (1e-8, 1.0, 1e5)),
        *((1e-2, 1.0, 1e4), (1.0, 1.0, 1e6), (1e-10, 1e-10, 1e10), (1e10, 1e-10, 1e-10), (0.7, 0.9, 1.3)),
    ],
)
@pytest.mark.parametrize("argument", [0, 1, 2])
def test_carlsons_integrals_also_of_equal_arguments(args, argument) -> None:
    others = [mpmath.mpf(x) for x in args]
    for name, f in (("elliprf", mpmath.elliprf), ("elliprd", mpmath.elliprd)):
        found = opreg.grad(getattr(scipy.special, name), argument)(*args)
        with mpmath.workdps(60):
            expected = mpmath.diff(
                lambda x, f=f: f(*(*others[:argument], x, *others[argument + 1 :])),
                others[argument],
                h=others[argument] * mpmath.mpf(10) ** -18,
            )
        assert found == pytest.approx(float(expected), rel=1e-12, abs=0.0)


@pytest.mark.parametrize("beside", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("f", "order"),
    [
        (lambda x: scipy.special.elliprd(x, 0.9, 1.3), 1),
        (lambda x: scipy.special.elliprf(x, 0.9, 1.3), 2),
        (scipy.special.ellipk, 2),
        (scipy.special.ellipe, 2),
        (scipy.special.ellipkm1, 2),
        (lambda m: scipy.special.ellipkinc(0.5, m), 2),
        (lambda m: scipy.special.ellipeinc(0.5, m), 2),
    ],
)
def test_derivatives_of_elliptic_integrals_beside_numbers_that_are_not_finite(f, order, beside) -> None:
    slope = lambda x: derivative(f, x, order)  # noqa: E731
    with np.errstate(all="ignore"):
        assert slope(np.array([0.4, beside]))[0] == pytest.approx(slope(np.array([0.4]))[0], rel=1e-14)


@pytest.mark.parametrize(
    ("name", "f", "points"),
    [
        ("exp1", mpmath.e1, [1e-10, 0.5, 30.0, 700.0, 1 - 2j]),
        ("expi", mpmath.ei, [1e-10, -0.5, 30.0, -30.0, 1 - 2j]),
        ("spence", lambda z: mpmath.polylog(2, 1 - z), [1e-10, 0.3, 1.0 - 1e-9, 1.3, 50.0, 0.5 - 2j]),
        ("lambertw", mpmath.lambertw, [-0.36, -1e-9, 1e-9, 3.0, 1e100, 1 - 2j]),
    ],
)
def test_derivatives_from_end_to_end(name, f, points) -> None:
    found = [derivative(getattr(scipy.special, name), x) for x in points]
    with mpmath.workdps(60):
        slopes = {
            "exp1": lambda z: -mpmath.exp(-z) / z,
            "expi": lambda z: mpmath.exp(z) / z,
            "spence": lambda z: mpmath.log(z) / (1 - z),
            "lambertw": lambda z: f(z) / z / (1 + f(z)),
        }
        expected = [complex(slopes[name](mpmath.mpmathify(x))) for x in points]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_derivatives_of_spence_at_one() -> None:
    found = [derivative(scipy.special.spence, 1.0, order) for order in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, [-1.0, 1 / 2, -2 / 3, 6 / 4], rtol=1e-14)


def test_lambertw_at_zero_to_the_third_order_and_on_another_branch() -> None:
    found = [derivative(scipy.special.lambertw, 0.0, order) for order in (1, 2, 3)]
    np.testing.assert_allclose(found, [1.0, -2.0, 9.0], rtol=1e-14)
    out, slope = opreg.jvp(lambda x: scipy.special.lambertw(x, -1), (-0.25,), (1.0,))
    assert slope == pytest.approx(out / (-0.25 * (1 + out)), rel=1e-14)


@pytest.mark.parametrize(("n", "x", "expected"), [(0, 0.5, -6.0 * np.exp(-0.5)), (1, 2.0, -np.exp(-2.0) / 2)])
def test_expn_of_the_lowest_orders(n, x, expected) -> None:
    assert opreg.grad(scipy.special.expn, 1)(n, x) == pytest.approx(expected, rel=1e-15)


def test_expn_of_higher_orders() -> None:
    for n, x in ((2, 1e-5), (3, 0.0), (7, 20.0), (2, 0.5)):
        expected = -mpmath.expint(n - 1, x)
        assert opreg.grad(scipy.special.expn, 1)(n, x) == pytest.approx(float(expected), rel=1e-13)


def test_the_parameters_of_hyp2f1_are_refused() -> None:
    for argument in range(3):
        with pytest.raises(opreg.NotDifferentiable, match="no closed form"):
            opreg.grad(scipy.special.hyp2f1, argument)(0.5, 1.5, 2.0, 0.25)


@pytest.mark.parametrize("z", [-3.0, 0.0, 0.5, 0.2 + 0.4j])
def test_hyp2f1(z) -> None:
    found = derivative(lambda z: scipy.special.hyp2f1(0.5, 1.25, 2.5, z), z)
    assert found == pytest.approx(complex(0.25 * mpmath.hyp2f1(1.5, 2.25, 3.5, z)), rel=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [1e-9, 0.99, 1.01, 50.0, 1e6])
def test_the_sine_and_cosine_integrals(x) -> None:
    _, (by_sine, by_cosine) = opreg.jvp(scipy.special.sici, (x,), (1.0,))
    assert by_sine == pytest.approx(np.sin(x) / x, rel=1e-14)
    assert by_cosine == pytest.approx(np.cos(x) / x, rel=1e-14)


def test_the_derivatives_of_the_sine_and_the_hyperbolic_sine_integral_at_zero() -> None:
    for name, sign in (("sici", -1), ("shichi", 1)):
        f = lambda x, name=name: getattr(scipy.special, name)(x)[0]  # noqa: E731
        found = []
        with np.errstate(divide="ignore", invalid="ignore"):
            for _ in range(3):
                f = opreg.elementwise_grad(f)
                found.append(f(1e-3))
        np.testing.assert_allclose(found, [1.0, sign * 1e-3 / 3, sign / 3], rtol=1e-6)


def test_the_order_of_an_exponential_integral_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="'n'"):
        opreg.grad(lambda n: scipy.special.expn(n, 1.0))(2.0)


@pytest.mark.parametrize("m", [1e-17, 1e-12, 1e-5, 0.3, 0.7, 1 - 1e-9, -3.0])
@pytest.mark.parametrize("phi", [0.5, 1.0, 4.0])
def test_the_second_derivatives_of_incomplete_integrals_at_small_moduli(m, phi):
    s, c = mpmath.sin(phi), mpmath.cos(phi)
    delta = mpmath.sqrt(1 - mpmath.mpf(m) * s**2)
    for function, expected in (
        (scipy.special.ellipkinc, m * s * c / delta**3),
        (scipy.special.ellipeinc, -m * s * c / delta),
    ):
        found = opreg.grad(opreg.grad(lambda phi, function=function: function(phi, m)))(phi)
        np.testing.assert_allclose(found, float(expected), rtol=1e-12)


@pytest.mark.parametrize("name", ["sici", "shichi"])
@pytest.mark.parametrize("x", [1e-160, 1e-300])
def test_the_pole_of_one_integral_does_not_spoil_the_other_near_zero(name, x):
    def first(x):
        return getattr(scipy.special, name)(x)[0]

    sign = -1 if name == "sici" else 1
    np.testing.assert_allclose(opreg.grad(opreg.grad(first))(x), sign * x / 3, rtol=1e-12)
    np.testing.assert_allclose(
        opreg.grad(lambda x: opreg.jvp(first, (x,), (1.0,))[1])(x), sign * x / 3, rtol=1e-12
    )
