"""Elliptic integrals, exponential integrals and others."""

from __future__ import annotations

from math import pi

import numpy as np
import scipy

from opreg import NotDifferentiable, Sample, elementwise, is_traced, jvp, primitive, stop_gradient
from opreg_numpy._rules import is_zero
from opreg_numpy._samples import complex_normal, complex_of, nonzero, normal, pairs, positive, unary
from opreg_scipy.special.gamma import refuse_traced
from opreg_scipy.special.powers import log1p_over


# ------------------------------------------------------------------------------- Carlson's symmetric integrals
def _means(*numbers):
    """Return the sum of products of pairs of square roots, lambda of DLMF 19.26.18."""
    x, y, z = map(np.sqrt, numbers)
    return x * y + y * z + z * x


def _are_apart(x, y, z):
    """Tell whether any numbers, but those of which one is infinite or NaN, deviate from their mean by over 1e-3."""
    x, y, z = map(stop_gradient, (x, y, z))
    with np.errstate(all="ignore"):
        mean = (x + y + 3 * z) / 5
        return any(np.any(np.absolute(mean - part) > 1e-3 * np.absolute(mean)) for part in (x, y, z))


def _rd_by_duplication(x, y, z):
    """Return R_D(x, y, z) by Carlson's duplication (DLMF 19.26.20), and its series (DLMF 19.36.2) at the end.

    Every step is smooth and without cancellation, and so is its derivative, also where arguments are equal, where the
    formulas for the partial derivatives of R_D are 0 / 0. A step divides deviations from the mean by 4, and the mean
    too at first where two numbers are far smaller than the third; so they are measured again after each (B. C. Carlson,
    Numerical computation of real or complex elliptic integrals, 1995). A hundred steps are enough for all numbers but
    two zeros, where R_D is infinite.
    """
    total, factor = 0.0, 1.0
    for _ in range(100):
        if not _are_apart(x, y, z):
            break
        added = _means(x, y, z)
        total = total + 3 * factor / (np.sqrt(z) * (z + added))
        x, y, z = ((part + added) / 4 for part in (x, y, z))
        factor = factor / 4
    mean = (x + y + 3 * z) / 5
    return total + factor * _rd_series((mean - x) / mean, (mean - y) / mean) / (mean * np.sqrt(mean))


def _rd_series(x, y):
    """Return the Taylor series of R_D about equal arguments, whose relative deviations are x, y and -(x + y) / 3.

    To the fifth order: of deviations of 1e-3 what follows is below rounding, and so are its derivatives.
    """
    z = -(x + y) / 3
    xy, zz = x * y, z * z
    e2 = xy - 6 * zz
    e3 = (3 * xy - 8 * zz) * z
    e4 = 3 * (xy - zz) * zz
    e5 = xy * zz * z
    return 1 - 3 * e2 / 14 + e3 / 6 + 9 * e2 * e2 / 88 - 3 * e4 / 22 - 9 * e2 * e3 / 52 + 3 * e5 / 26


@primitive("scipy.special.elliprd")
def elliprd(x, y, z, /):
    """Carlson's R_D(x, y, z) (DLMF 19.16.5); its partial derivatives are those of its algorithm"""
    return scipy.special.elliprd(x, y, z)


def _rd_by_x(x, y, z):
    return jvp(lambda x: _rd_by_duplication(x, y, z), (x,), (np.ones_like(stop_gradient(x)),))[1]


def _rd_by_z(x, y, z):
    return jvp(lambda z: _rd_by_duplication(x, y, z), (z,), (np.ones_like(stop_gradient(z)),))[1]


elementwise(elliprd, x=_rd_by_x, y=lambda x, y, z: _rd_by_x(y, x, z), z=_rd_by_z)


@primitive("scipy.special.elliprf")
def elliprf(x, y, z, /):
    """Carlson's R_F(x, y, z), symmetric, with the partial derivative -R_D(y, z, x) / 6 by x (DLMF 19.18.1)"""
    return scipy.special.elliprf(x, y, z)


elementwise(
    elliprf,
    x=lambda x, y, z: -scipy.special.elliprd(y, z, x) / 6,
    y=lambda x, y, z: -scipy.special.elliprd(x, z, y) / 6,
    z=lambda x, y, z: -scipy.special.elliprd(x, y, z) / 6,
)


@elliprd.samples
@elliprf.samples
def _(rng):
    def draw(shape=()):
        return np.asarray(5.0 ** rng.uniform(-1, 1, shape))

    for shapes in (
        ((2,), (2,), (2,)),
        ((2, 1), (2,), ()),
        ((), (1, 2), (1, 1)),
        ((), (), ()),
        ((0, 2), (2,), (1,)),
    ):
        yield Sample(tuple(map(draw, shapes)), note=f"shapes {shapes}")
    yield Sample((1.5, 0.25, 3.0), note="Python floats")
    yield Sample((2, draw((2,)), 0.5), note="beside a Python int")
    yield Sample(tuple(draw((2,)).astype(np.float32) for _ in range(3)), note="float32")
    x = draw((2,))
    yield Sample((x, x, x), note="one array three times")
    yield Sample((x, x.copy(), draw((2,))), note="two are equal")
    yield Sample((x, draw((2,)), x.copy()), note="two are equal")
    yield Sample((draw() + 0.5j, draw() - 1j, draw() + 1j), note="complex")
    yield Sample((draw() + 0.5j, draw(), 1.5), note="complex and real")
    yield Sample((1e-3, draw(), 1e2), note="far from each other")


# ------------------------------------------------------------------------------- Legendre's integrals, complete
@primitive("scipy.special.ellipk")
def ellipk(m, /):
    """K(m), with the derivative R_D(0, 1, 1 - m) / 6 = (E - (1 - m) K) / (2 m (1 - m)) (DLMF 19.4.1, 19.25.1)"""
    return scipy.special.ellipk(m)


@primitive("scipy.special.ellipkm1")
def ellipkm1(p, /):
    """K(1 - p), with the derivative -R_D(0, 1, p) / 6"""
    return scipy.special.ellipkm1(p)


@primitive("scipy.special.ellipe")
def ellipe(m, /):
    """E(m), with the derivative -R_D(0, 1 - m, 1) / 6, which is (E - K) / (2 m) (DLMF 19.4.2, 19.25.1)"""
    return scipy.special.ellipe(m)


def _k_slope(p):
    return scipy.special.elliprd(0.0, 1.0, p) / 6


def _e_slope(p):
    return -scipy.special.elliprd(0.0, p, 1.0) / 6


elementwise(ellipk, m=lambda m: _k_slope(1 - m))
elementwise(ellipkm1, p=lambda p: -_k_slope(p))
elementwise(ellipe, m=lambda m: _e_slope(1 - m))


def _parameter(rng, shape):
    """Return numbers below one, of which half are negative."""
    return 1 - np.asarray(20.0 ** rng.uniform(-1, 1, shape))


ellipk.samples(unary(_parameter, also=(0.0, 1 - 2.0**-30, -1e3)))
ellipe.samples(unary(_parameter, also=(0.0, -1e3)))
ellipkm1.samples(unary(positive, also=(1.0, 1e-10, 1e3)))


# ----------------------------------------------------------------------------- Legendre's integrals, incomplete
@primitive("scipy.special.ellipkinc")
def ellipkinc(phi, m, /):
    """F(phi, m), the integral of 1 / Delta from 0 to phi, Delta^2 = 1 - m sin^2

    By phi it is 1 / Delta; by m, sin^3(phi) R_D(cos^2 phi, 1, Delta^2) / 6, half the integral of sin^2 / Delta^3, and
    2 n K'(m) for the n half turns by which phi is beyond [-pi / 2, pi / 2] (DLMF 19.2.10, 19.25.9).
    """
    return scipy.special.ellipkinc(phi, m)


@primitive("scipy.special.ellipeinc")
def ellipeinc(phi, m, /):
    """E(phi, m), the integral of Delta from 0 to phi

    By phi it is Delta; by m, -sin^3(phi) R_D(cos^2 phi, Delta^2, 1) / 6, and 2 n E'(m) for n half turns.
    """
    return scipy.special.ellipeinc(phi, m)


def _parts(phi, m):
    """Return sin phi within a half turn, the squares of cos phi and Delta, and the number of half turns."""
    turns = np.rint(stop_gradient(phi) / pi)
    sine = np.sin(phi) * (1 - 2 * (turns % 2))
    square, other = np.square(np.cos(phi)), sine * sine
    delta = np.where(
        np.less(m, 0.5), 1 - m * other, square + (1 - m) * other
    )  # neither cancels, nor its derivative
    return sine, square, delta, turns


def _beyond(turns, slope, m):
    """Return 2 n slope(1 - m), and nothing at n = 0, where the slope may be infinite."""
    none = np.equal(turns, 0)
    return 2 * turns * slope(1 - np.where(none, 0.0, m))


def _kinc_by_m(phi, m):
    sine, square, delta, turns = _parts(phi, m)
    return sine**3 * scipy.special.elliprd(square, 1.0, delta) / 6 + _beyond(turns, _k_slope, m)


def _einc_by_m(phi, m):
    sine, square, delta, turns = _parts(phi, m)
    return _beyond(turns, _e_slope, m) - sine**3 * scipy.special.elliprd(square, delta, 1.0) / 6


elementwise(ellipkinc, phi=lambda phi, m: 1 / np.sqrt(_parts(phi, m)[2]), m=_kinc_by_m)
elementwise(ellipeinc, phi=lambda phi, m: np.sqrt(_parts(phi, m)[2]), m=_einc_by_m)


@ellipkinc.samples
@ellipeinc.samples
def _(rng):
    yield from pairs(normal, _parameter, same=False)(rng)
    yield Sample((np.array([1, 2, 4]), _parameter(rng, (2, 3))), note="beside integers")
    yield Sample((np.array([-0.5, 2.0, 4.0, -7.0, 11.0]), 0.75), note="half turns")
    yield Sample((normal(rng, (3,)), 0), note="a Python int second")
    yield Sample((np.array([0.3, -1.2]), np.array([0.0, 1.0])), note="the ends")


# ------------------------------------------------------------------------------------- exponential integrals
@primitive("scipy.special.exp1")
def exp1(z, /):
    """E_1(z), the integral of e^-t / t from z (DLMF 6.2.1)"""
    return scipy.special.exp1(z)


@primitive("scipy.special.expi")
def expi(x, /):
    """Ei(x), the integral of e^t / t up to x (DLMF 6.2.5)"""
    return scipy.special.expi(x)


elementwise(exp1, z=lambda z: -np.exp(-z) / z)
elementwise(expi, x=lambda x: np.exp(x) / x)
exp1.samples(unary(positive, complex=complex_of(nonzero), also=(1e-10,)))
expi.samples(unary(nonzero, complex=complex_of(nonzero), also=(-1e-10, -30.0, 30.0)))


@primitive("scipy.special.expn")
def expn(n, x, /):
    """E_n(x), the integral of e^(-x t) / t^n from 1, n an integer: by x it is -E_(n-1) (DLMF 8.19.13)

    That of E_0 = e^-x / x is -e^-x (1 + x) / x^2.
    """
    return scipy.special.expn(n, x)


def _expn_slope(n, x):
    lowest = np.equal(n, 0)
    zeroth = np.exp(-x) * (1 + x) / np.where(lowest, x * x, 1.0)
    return -np.where(lowest, zeroth, scipy.special.expn(np.where(lowest, 0, n - 1), np.where(lowest, 1.0, x)))


@expn.called_as
def _(n, x):
    refuse_traced("scipy.special.expn", "n", n, "the order is an integer")
    return (n, x), {}


expn.not_differentiable(n="the order is an integer")
elementwise(expn, x=_expn_slope)


@expn.samples
def _(rng):
    for n in (0, 1, 2, 5):
        yield Sample((n, positive(rng, (2, 3))), note=f"of order {n}")
    yield Sample((np.array([0, 1, 2, 3, 60]), positive(rng, (2, 5))), note="of several orders")
    yield Sample((np.array([[2], [1]]), positive(rng, (3,))), note="orders broadcast")
    yield Sample((2, 0.5), note="Python numbers")
    yield Sample((3, positive(rng, ())), note="0-d")
    yield Sample((3, np.array([0.0, 1.5])), note="at 0")
    yield Sample((2, positive(rng, (0, 2))), note="empty")
    yield Sample((2.0, positive(rng, (3,)).astype(np.float32)), note="float32")
    yield Sample((np.array([2.0, 4.0]), positive(rng, (2,))), note="orders as floats")


# ------------------------------------------------------------- hypergeometric function, Lambert's W, dilogarithm
@primitive("scipy.special.hyp2f1")
def hyp2f1(a, b, c, z, /):
    """Gauss's F(a, b; c; z), with the derivative a b / c F(a + 1, b + 1; c + 1; z) by z (DLMF 15.5.1)"""
    return scipy.special.hyp2f1(a, b, c, z)


elementwise(hyp2f1, z=lambda a, b, c, z: a * b / c * scipy.special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z))
NO_CLOSED_FORM = "it has no closed form: a hypergeometric function of two variables (Kampe de Feriet)"
hyp2f1.not_differentiable(a=NO_CLOSED_FORM, b=NO_CLOSED_FORM, c=NO_CLOSED_FORM)


@primitive("scipy.special.hyp1f1")
def hyp1f1(a, b, x, /):
    """Kummer's M(a, b, x), with the derivative a / b M(a + 1, b + 1, x) by x (DLMF 13.3.15)"""
    return scipy.special.hyp1f1(a, b, x)


elementwise(hyp1f1, x=lambda a, b, x: a / b * scipy.special.hyp1f1(a + 1.0, b + 1.0, x))
hyp1f1.not_differentiable(a=NO_CLOSED_FORM, b=NO_CLOSED_FORM)


def _refuse_parameters(name, argument, *parameters):
    """Raise if a parameter of a hypergeometric function is traced."""
    if any(map(is_traced, parameters)):
        raise NotDifferentiable(
            f"scipy.special.{name} is differentiated by {argument} alone: of the derivative by the others, "
            f"{NO_CLOSED_FORM}. Pass opreg.stop_gradient(a) if it is not wanted"
        )


@hyp2f1.called_as
def _(a, b, c, z, /):
    _refuse_parameters("hyp2f1", "z", a, b, c)
    return (a, b, c, z), {}


@hyp1f1.called_as
def _(a, b, x, /):
    _refuse_parameters("hyp1f1", "x", a, b)
    return (a, b, x), {}


@hyp1f1.samples
def _(rng):
    for a, b in ((0.5, 1.5), (-2, 3), (1, 2), (2.25, 0.75)):
        yield Sample((a, b, 3 * normal(rng, (2, 3))), note=f"{a}; {b}")
    yield Sample((np.array([0.5, 1.25]), np.array([[1.5], [2.25]]), normal(rng, (2,))), note="they broadcast")
    yield Sample((positive(rng, (2, 1)), np.array([1, 2, 3]), 0.25), note="a Python float")
    yield Sample((0.5, 2.0, np.array([-30.0, 0.0, 20.0])), note="wide")
    yield Sample((0.5, 1.5, normal(rng, ())), note="0-d")
    yield Sample((0.5, 1.5, normal(rng, (0, 2))), note="empty")
    yield Sample((0.5, 1.5, normal(rng, (3,)).astype(np.float32)), note="float32")
    if scipy.special.hyp1f1(0.5, 1.5, 1 + 0j) != 1:  # as SciPy 1.13 says of every complex number
        yield Sample((0.5, 1.5, complex_normal(rng, (2, 3))), note="complex")


@hyp2f1.samples
def _(rng):
    def draw(rng, shape):
        return rng.uniform(-0.8, 0.8, shape)

    for a, b, c in ((0.5, 1.5, 2.25), (-2, 3, 1), (1, 1, 2), (0.75, -0.5, 1.5)):
        yield Sample((a, b, c, draw(rng, (2, 3))), note=f"{a}, {b}; {c}")
    yield Sample(
        (np.array([0.5, 1.25]), np.array([[1.5], [0.25]]), 2.5, draw(rng, (2,))), note="they broadcast"
    )
    yield Sample((positive(rng, (2, 1)) / 10, 0.5, np.array([1, 2, 3]), 0.25), note="a Python float")
    yield Sample((0.5, 0.5, 1.0, np.array([-5.0, 0.0, 0.95])), note="wide")
    yield Sample((0.5, 1.5, 2.0, draw(rng, ())), note="0-d")
    yield Sample((0.5, 1.5, 2.0, draw(rng, (0, 2))), note="empty")
    yield Sample((0.5, 1.5, 2.0, draw(rng, (3,)).astype(np.float32)), note="float32")
    yield Sample((0.5, 1.5, 2.25, complex_normal(rng, (2, 3)) / 4), note="complex")


@primitive("scipy.special.lambertw")
def lambertw(z, /, *, k=0, tol=1e-8):
    """The branch k of W, W e^W = z, complex, of real numbers too, with the derivative e^-W / (1 + W) (DLMF 4.13.4)"""
    return scipy.special.lambertw(z, k, tol)


elementwise(lambertw, z=lambda out: np.exp(-out) / (1 + out))
lambertw.samples(unary(positive, complex=complex_of(nonzero), also=(0.0, -0.25, 1e-200, 1e200)))


@lambertw.samples
def _(rng):
    for k in (-1, 1, 3):
        yield Sample((complex_of(nonzero)(rng, (2, 2)), k), note=f"the branch {k}")
    yield Sample((np.array([-0.3, -0.1, -1e-9]),), {"k": -1, "tol": 1e-12}, note="real, the branch -1")


@primitive("scipy.special.spence")
def spence(z, /):
    """The dilogarithm Li_2(1 - z), with the derivative log(z) / (1 - z), which is -1 at 1 (DLMF 25.12.2)"""
    return scipy.special.spence(z)


elementwise(spence, z=lambda z: -log1p_over(z - 1, z))
spence.samples(unary(positive, complex=complex_of(nonzero), also=(1.0, 1 + 1e-9, 1e-10)))
spence.samples(unary(lambda rng, shape: rng.uniform(0.4, 2.0, shape)))


# ---------------------------------------------------------------------------------- trigonometric integrals
_SINC = [1.0]
for _k in range(1, 10):
    _SINC.append(_SINC[-1] / ((2 * _k) * (2 * _k + 1)))


def _over(function, x, sign):
    """Return sin(x) / x, or sinh(x) / x with the sign +1, near 0 from the power series."""
    near = np.less(np.absolute(x), 1)
    square = sign * np.square(np.where(near, x, 0.0))
    series = 0.0
    for coefficient in reversed(_SINC):
        series = series * square + coefficient
    far = np.where(near, 1.0, x)
    return np.where(near, series, function(far) / far)


@primitive("scipy.special.sici")
def sici(x, /):
    """The sine and the cosine integral Si and Ci, with the derivatives sin(x) / x and cos(x) / x (DLMF 6.2)"""
    return scipy.special.sici(x)


@primitive("scipy.special.shichi")
def shichi(x, /):
    """The hyperbolic sine and cosine integral Shi and Chi, with the derivatives sinh(x) / x and cosh(x) / x"""
    return scipy.special.shichi(x)


def _two(first, second):
    """Return the VJP and the JVP of two functions of x, given their derivatives."""

    def pull(g, x):  # the second has a pole at 0
        return g[0] * first(x) if is_zero(g[1]) else g[0] * first(x) + g[1] * second(x)

    return pull, lambda t, x: (t * first(x), t * second(x))


for _primitive, _rules in (
    (sici, _two(lambda x: _over(np.sin, x, -1), lambda x: np.cos(x) / x)),
    (shichi, _two(lambda x: _over(np.sinh, x, 1), lambda x: np.cosh(x) / x)),
):
    _primitive.defvjp(x=_rules[0]).defjvp(x=_rules[1])
    _primitive.samples(unary(nonzero, complex=complex_of(nonzero), also=(0.01, -20.0)))


# -------------------------------------------------------------------------------------------- what no sample need show
for _change in (
    "1.0 -> 1.000001",
    "0 -> 1",
    "np.where(lowest, x * x, 1.0) -> x * x",
    "np.where(lowest, 1.0, x) -> x",
):
    expn.waive_mutant("x", _change, "any number will do in the place of what is masked out")
expn.waive_mutant("x", "np.where(lowest, 0, n - 1) -> n - 1", "E_n of a negative n is NaN, and masked out")
for _primitive in sici, shichi:
    for _change in (
        "0.0 -> 1e-06",
        "1.0 -> 1.000001",
        "np.where(near, x, 0.0) -> x",
        "np.where(near, 1.0, x) -> x",
    ):
        _primitive.waive_mutant("x", _change, "any number will do in the place of what is masked out")
    for _change in "np.less(np.absolute(x), 1) -> ...", "1 -> 2":
        _primitive.waive_mutant("x", _change, "near 1 the series and the quotient are both right")
shichi.waive_mutant("x", "sign * np.square(np.where(near, x, 0.0)) -> ...", "its sign is 1")
elliprd.waive_mutant(
    "*", "_are_apart -> ...", "one step more or less costs digits, which have a test of their own"
)
elliprd.waive_mutant(
    "*",
    "_rd_series -> ...",
    "the last terms count in the last digits alone, where differences resolve nothing",
)
elliprd.waive_mutant("*", "0.0 -> 1e-06", "a constant that is added has no derivative")
for _change in (
    "_rd_by_duplication(x, y, z) -> _rd_by_duplication(y, x, z)",
    "_means(x, y, z) -> _means(y, x, z)",
    "_rd_series((mean - x) / mean, (mean - y) / mean) -> _rd_series((mean - y) / mean, (mean - x) / mean)",
):
    elliprd.waive_mutant("*", _change, "it is symmetric in x and y")
for _function in ellipkinc, ellipeinc:
    for _change in (
        "np.where(np.less(m, 0.5), 1 - m * other, square + (1 - m) * other)",
        "np.less(m, 0.5)",
        "0.5",
    ):
        _function.waive_mutant(
            "*", f"{_change} -> ...", "the two ways differ in what cancels alone, which has tests"
        )
    _function.waive_mutant("*", "pi -> pi * 1.000001", "the number of half turns is the same")
    _function.waive_mutant(
        "*",
        "np.sin(phi) * (1 - 2 * (turns % 2)) -> np.sin(phi) / (1 - 2 * (turns % 2))",
        "a sign is its own inverse",
    )
    _function.waive_mutant(
        "m", "0.0 -> 1e-06", "any number below 1 will do in the place of what is masked out"
    )
