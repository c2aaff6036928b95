"""Error functions and the normal distribution's.

A derivative that would be a small difference of large numbers is written as a quotient of the scaled function
erfcx x = e^(x^2) erfc x, or as an asymptotic series where that is exact.
"""

from __future__ import annotations

from functools import reduce
from math import pi, prod, sqrt

import numpy as np
import scipy

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy._samples import complex_normal, normal, unary, unit, wide

ROOT_PI = sqrt(pi)


# ------------------------------------------------------------------------------------------- error functions
@primitive("scipy.special.erf")
def erf(x, /):
    """2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x, an entire function (DLMF 7.2.1)"""
    return scipy.special.erf(x)


@primitive("scipy.special.erfc")
def erfc(x, /):
    """1 - erf x (DLMF 7.2.2)"""
    return scipy.special.erfc(x)


@primitive("scipy.special.erfi")
def erfi(x, /):
    """-i erf(i x)"""
    return scipy.special.erfi(x)


elementwise(erf, x=lambda x: 2 / ROOT_PI * np.exp(-x * x))
elementwise(erfc, x=lambda x: -2 / ROOT_PI * np.exp(-x * x))
elementwise(erfi, x=lambda x: 2 / ROOT_PI * np.exp(x * x))
erf.samples(unary(normal, complex=True, also=(0.0, -5.5)))
erfc.samples(unary(normal, complex=True, also=(0.0, 26.0)))
erfi.samples(unary(normal, complex=True, also=(0.0, -20.0)))


# ---------------------------------------------------------------------- scaled by e^(z^2): erfcx, wofz, dawsn
FAR = 7.0
_ODD_FACTORIALS = [float(prod(range(1, 2 * k + 2, 2))) for k in range(25)]


def _tail(t):
    """Return 1 + 3 t + 3 * 5 t^2 + 3 * 5 * 7 t^3 + ..., an asymptotic series that is exact for |t| <= 1 / (2 FAR^2)."""
    return reduce(lambda total, c: total * t + c, reversed(_ODD_FACTORIALS[:-1]), _ODD_FACTORIALS[-1])


def _near_or_far(z, size, near_slope, far_slope):
    """Return one slope where a size is below FAR, and another, which is computed only if needed, beyond."""
    far = np.greater_equal(stop_gradient(size), FAR)
    near = near_slope(z)
    return np.where(far, far_slope(np.where(far, z, FAR)), near) if np.any(far) else near


@primitive("scipy.special.wofz")
def wofz(z, /):
    """w(z) = e^(-z^2) erfc(-i z), complex, of real numbers too (DLMF 7.2.3)

    Its derivative 2i / sqrt(pi) - 2 z w(z) (DLMF 7.10.2) cancels far from 0: there the asymptotic series of DLMF 7.12.1
    stands for it, in the lower half plane beside that of w(z) + w(-z) = 2 e^(-z^2).
    """
    return scipy.special.wofz(z)


def _wofz_slope(z, out):
    return _near_or_far(z, np.absolute(z), lambda z: 2j / ROOT_PI - 2 * z * out, _wofz_far_slope)


def _wofz_far_slope(z):
    lower = np.less(np.imag(z), 0)
    beyond = np.where(lower, -4 * z * np.exp(-np.where(lower, z * z, 0.0)), 0.0)
    return beyond - 1j / ROOT_PI * _tail(0.5 / (z * z)) / (z * z)


elementwise(wofz, z=_wofz_slope)


@primitive("scipy.special.erfcx")
def erfcx(x, /):
    """e^(x^2) erfc x = w(i x), with the derivative i w'(i x)"""
    return scipy.special.erfcx(x)


def _erfcx_slope(x, out):
    if np.iscomplexobj(x):
        return 1j * _wofz_slope(1j * x, out)
    return _near_or_far(
        x, x, lambda x: 2 * x * out - 2 / ROOT_PI, lambda x: -_tail(-0.5 / (x * x)) / (ROOT_PI * x * x)
    )


elementwise(erfcx, x=_erfcx_slope)


@primitive("scipy.special.dawsn")
def dawsn(x, /):
    """Dawson's integral D(x) = sqrt(pi) / 2 e^(-x^2) erfi x, with the derivative 1 - 2 x D(x) (DLMF 7.10.3)

    Far from 0 it is what i sqrt(pi) / 2 (e^(-z^2) - w(z)) has, in the upper half plane, for D is odd.
    """
    return scipy.special.dawsn(x)


def _dawsn_slope(x, out):
    return _near_or_far(x, np.absolute(x), lambda x: 1 - 2 * x * out, _dawsn_far_slope)


def _dawsn_far_slope(x):
    square = x * x
    series = -_tail(0.5 / square) / (2 * square)
    if not np.iscomplexobj(x):
        return series
    upper = np.where(np.less(np.imag(x), 0), -x, x)
    return series - 1j * ROOT_PI * upper * np.exp(-square)


elementwise(dawsn, x=_dawsn_slope)


@erfcx.samples
@wofz.samples
@dawsn.samples
def _of_scaled(rng):
    yield from unary(normal, complex=True, also=(0.0, 8.0, 7.0, 1e5))(rng)
    yield Sample((np.array([-3.0, 0.5, 6.5, 7.5, 30.0]),), note="near and far")
    yield Sample((np.array([7.5 - 0.5j, 7.5 + 0.5j, -9.0 + 1j, 1.5 - 1j, 12 - 0.25j]),), note="complex, both")
    diagonal = (5.0 + rng.uniform(0.2, 0.3, (4, 2))) @ np.array([1, 1j])
    yield Sample((diagonal * np.array([1, 1j, -1, -1j]),), note="far along the diagonals")
    yield Sample((np.array([-3.0, 9.0], np.float32),), note="float32, near and far")


for _function in erfcx, wofz, dawsn:
    _z = "x" if _function is dawsn else "z"
    for _change, _reason in (
        ("_near_or_far -> ...", "both slopes are right on both sides of FAR, and differ in rounding alone"),
        (f"np.absolute({_z}) -> {_z}", "as for _near_or_far: it says which slope is taken"),
        ("-1 -> ...", "the last terms of the series are below rounding"),
        (
            f"np.less(np.imag({_z}), 0) -> np.less_equal(np.imag({_z}), 0)",
            "on the real axis e^(-z^2) is below rounding",
        ),
        ("0 -> 1", "close to the real axis e^(-z^2) is below rounding there"),
    ):
        _function.waive_mutant("*", _change, _reason)
erfcx.waive_mutant(
    "x",
    "if np.iscomplexobj(x) -> if not np.iscomplexobj(x)",
    "far off the real axis the other slope is as exact as the function that it cancels: a test has its digits",
)
for _function in erfcx, wofz:
    _function.waive_mutant("*", "np.where(lower, z * z, 0.0) -> z * z", "what is masked out counts not")
    _function.waive_mutant("*", "0.0 -> 1e-06", "what is masked out counts not")


# ---------------------------------------------------------------------------------------- normal distribution
@primitive("scipy.special.ndtr")
def ndtr(x, /):
    """Phi(x), the integral of the normal density phi(t) = e^(-t^2 / 2) / sqrt(2 pi) up to x"""
    return scipy.special.ndtr(x)


elementwise(ndtr, x=lambda x: np.exp(-0.5 * x * x) / sqrt(2 * pi))
ndtr.samples(unary(normal, complex=True, also=(0.0, -30.0)))


@primitive("scipy.special.log_ndtr")
def log_ndtr(x, /):
    """log Phi(x), with the derivative phi / Phi = sqrt(2 / pi) / erfcx(-x / sqrt 2), the inverse Mills ratio

    Where erfcx would overflow, to the right, the ratio is taken as it stands.
    """
    return scipy.special.log_ndtr(x)


def _inverse_mills(x):
    t = x * sqrt(0.5)
    right = np.greater(np.real(t), np.absolute(np.imag(t)))
    there, here = np.where(right, t, 0.0), np.where(right, 0.0, t)
    ratio = np.exp(-there * there) / scipy.special.erfc(-there)
    return sqrt(2 / pi) * np.where(right, ratio, 1 / scipy.special.erfcx(-here))


elementwise(log_ndtr, x=_inverse_mills)
log_ndtr.samples(unary(wide, complex=complex_normal, also=(0.0, -1e3, -1e10, 45.0 + 10j, 2.0 - 9j)))


log_ndtr.waive_mutant(
    "x", "np.greater(np.real(t), np.absolute(np.imag(t))) -> ...", "near the border both ways are right"
)
log_ndtr.waive_mutant(
    "x", "np.real(t) -> t", "it says which of two ways is taken, both right but for overflow"
)
log_ndtr.waive_mutant("x", "0.0 -> 1e-06", "any number will do in the place of what is masked out")


# ------------------------------------------------------------------------------------------------ inverses
def _inverse_density(tail, distance):
    """Return sqrt(pi) / 2 e^(t^2) as sqrt(pi) / 2 erfcx(t) / erfc(t), of which an error of t is not magnified."""
    return 0.5 * ROOT_PI * scipy.special.erfcx(distance) / tail


def _smaller_tail(tail, whole, distance):
    """Return the smaller of two tails that sum to a whole, and how far from the middle it begins."""
    low = np.less(2 * tail, whole)
    return np.where(low, tail, whole - tail), np.where(low, distance, -distance)


@primitive("scipy.special.erfinv")
def erfinv(y, /):
    """The inverse of erf, with the derivative sqrt(pi) / 2 e^(out^2) (DLMF 7.17)"""
    return scipy.special.erfinv(y)


elementwise(erfinv, y=lambda out: 0.5 * ROOT_PI * np.exp(out * out))
erfinv.samples(unary(unit, also=(0.0, 1 - 2.0**-40, np.array([1e-200, -0.5, 0.999]))))


@primitive("scipy.special.erfcinv")
def erfcinv(y, /):
    """The inverse of erfc, with the derivative -sqrt(pi) / 2 e^(out^2)"""
    return scipy.special.erfcinv(y)


def _erfcinv_slope(y, out):
    return -_inverse_density(*_smaller_tail(y, 2.0, out))


elementwise(erfcinv, y=_erfcinv_slope)
erfcinv.samples(unary(lambda rng, shape: 1 + unit(rng, shape), also=(1.0, 1e-20, 1e-300, 2 - 2.0**-40)))


@primitive("scipy.special.ndtri")
def ndtri(y, /):
    """The inverse of Phi, with the derivative 1 / phi(out)"""
    return scipy.special.ndtri(y)


def _ndtri_slope(y, out):
    return sqrt(2) * _inverse_density(*_smaller_tail(y, 1.0, -out * sqrt(0.5)))


elementwise(ndtri, y=_ndtri_slope)
ndtri.samples(unary(lambda rng, shape: 0.5 + 0.5 * unit(rng, shape), also=(0.5, 1e-20, 1e-300, 1 - 2.0**-40)))


@primitive("scipy.special.ndtri_exp")
def ndtri_exp(y, /):
    """The inverse of log Phi, with the derivative Phi / phi at the result, Mills's ratio"""
    return scipy.special.ndtri_exp(y)


elementwise(ndtri_exp, y=lambda out: sqrt(pi / 2) * scipy.special.erfcx(-out * sqrt(0.5)))
ndtri_exp.samples(unary(lambda rng, shape: -np.abs(wide(rng, shape)), also=(-1e-9, -1e3, -1e10)))


for _function in erfcinv, ndtri:
    _function.waive_mutant(
        "*", "_smaller_tail -> ...", "either tail gives the same, but for rounding, of which there is a test"
    )
