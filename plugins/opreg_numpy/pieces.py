"""Numbers in pieces: quotient and remainder, mantissa and exponent, fraction and whole part; and some odd functions.

Of two pieces one is a step function, and the other has the derivative.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy import arithmetic
from opreg_numpy._form import form_of, in_dtype
from opreg_numpy._rules import composite, pointwise, weighted
from opreg_numpy._samples import (
    apart,
    beside_integers,
    complex_of,
    nonzero,
    normal,
    pairs,
    positive,
    tied,
    unary,
    wide,
)
from opreg_numpy.constants import STEP
from opreg_numpy.shapes import asarray


# ------------------------------------------------------------------------------------ quotient and remainder
@composite("numpy.divmod", aliases=("divmod",))
def divmod_(x1, x2, /):
    """floor(x1 / x2), which is constant between its jumps, and x1 - floor(x1 / x2) x2"""
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


for _generator in arithmetic.remainder.sample_generators:
    divmod_.samples(_generator)


@composite("numpy.float_power", aliases=("float_power",))
def float_power(x1, x2, /):
    """x1 ** x2, in double precision at least"""
    return np.power(_double(x1), _double(x2))


def _double(x):
    """Return x in double precision at least."""
    return in_dtype(x, np.result_type(form_of(x).dtype, np.float64))


float_power.samples(pairs(positive, normal, complex=True, same=False))
float_power.samples(beside_integers(nonzero, (2, 3, 1, 0)))


# ------------------------------------------------------------------------------------- mantissa and exponent
@primitive("numpy.ldexp", aliases=("ldexp",))
def ldexp(x1, x2, /):
    """x1 2^x2, for integers x2"""
    return np.ldexp(x1, x2)


pointwise(ldexp, x1=lambda g, x2: np.ldexp(g, x2))
ldexp.not_differentiable(x2="it is an integer")


@composite("numpy.frexp", aliases=("frexp",))
def frexp(x, /):
    """m and e with x = m 2^e and 1/2 <= |m| < 1. The exponent e is constant between its jumps, so dm/dx = 2^-e."""
    exponent = np.frexp(stop_gradient(x))[1]
    return np.ldexp(x, -exponent), exponent


frexp.samples(unary(wide, also=(0.0, 1e-310, -1e300)))


@primitive("numpy.modf", aliases=("modf",))
def modf(x, /):
    """The fraction x - trunc x, and trunc x, which is constant between its jumps"""
    return tuple(np.modf(x))


modf.defvjp(x=lambda g: g[0])
modf.defjvp(x=lambda g: (g, np.zeros_like(g)))
modf.samples(unary(apart))


@primitive("numpy.nextafter", aliases=("nextafter",))
def nextafter(x1, x2, /):
    """The number next to x1 in the direction of x2: x1 plus a step that is constant between the powers of 2"""
    return np.nextafter(x1, x2)


elementwise(nextafter, x1=1)
nextafter.not_differentiable(x2="it is only asked whether it is greater or less than x1")


@primitive("numpy.spacing", aliases=("spacing",))
def spacing(x, /):
    """The distance of x to the next number: a power of 2"""
    return np.spacing(x)


spacing.not_differentiable("it is constant between the powers of 2")
spacing.samples(unary(nonzero))


# --------------------------------------------------------------------------------------------------- steps
@primitive("numpy.heaviside", aliases=("heaviside",))
def heaviside(x1, x2, /):
    """0 where x1 < 0, 1 where x1 > 0, and x2 where x1 is 0, which alone depends on x2"""
    return np.heaviside(x1, x2)


pointwise(heaviside, x2=lambda g, x1: weighted(g, np.equal(x1, 0)))
heaviside.not_differentiable(x1=STEP)


@composite("numpy.real_if_close", aliases=("real_if_close",), static=("tol",))
def real_if_close(a, tol=100):
    """The real part of a if all imaginary parts are less than ``tol`` times the rounding unit, or than tol <= 1; else a

    Its derivative is that of the part that is returned: what is neglected has none.
    """
    plain = np.real_if_close(stop_gradient(a), tol)
    return np.real(a) if np.iscomplexobj(a) and not np.iscomplexobj(plain) else asarray.body(a)


real_if_close.samples(unary(normal, complex=True))
real_if_close.leave_unchecked(
    "np.real(a)", "a step along the imaginary axis makes the result complex: it has a test of its own"
)


@real_if_close.samples
def _(rng):
    yield Sample((complex_of(normal)(rng, (3,)), 10), note="another tolerance")


# --------------------------------------------------------------------------------- modified Bessel functions
_FAR = 30.0
"""From here on the terms of the asymptotic series fall below the rounding unit before they grow."""


@primitive("numpy.i0", aliases=("i0",))
def i0(x, /):
    """The modified Bessel function I_0, with the derivative I_1 (DLMF 10.29.3)"""
    return np.i0(x)


@primitive("opreg_numpy.pieces.bessel_i")
def bessel_i(x, /, *, order):
    """The modified Bessel function I_n of integer order n >= 0, with I_n' = (I_(n-1) + I_(n+1)) / 2 (DLMF 10.29.1)

    Up to 30 it is the power series (DLMF 10.25.2), whose terms have one sign; beyond, the asymptotic one (10.40.1).
    """
    x = np.asarray(x)
    size = np.abs(x)
    near, far = np.minimum(size, _FAR), np.maximum(size, _FAR)
    found = np.where(size <= _FAR, _power_series(near, order), _asymptotic_series(far, order))
    return (np.where(x < 0, -found, found) if order % 2 else found).astype(x.dtype)


def _power_series(x, order):
    """(x/2)^n sum over k of (x^2/4)^k / (k! (n + k)!)"""
    square, total = x * x / 4, np.ones_like(x)
    for k in range(60, 0, -1):
        total = 1 + total * square / (k * (order + k))
    return (x / 2) ** order / factorial(order) * total


def _asymptotic_series(x, order):
    """e^x / sqrt(2 pi x) sum over k of (-1)^k (4n^2 - 1)(4n^2 - 9) ... (4n^2 - (2k - 1)^2) / (k! (8x)^k)"""
    total = np.ones_like(x)
    for k in range(30, 0, -1):
        total = 1 - total * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x)
    root = np.exp(x / 2)  # e^x overflows before I_n does
    return root / np.sqrt(2 * np.pi * x) * total * root


elementwise(i0, x=lambda x: bessel_i(x, order=1))
elementwise(
    bessel_i,
    x=lambda x, order: (
        bessel_i(x, order=1)
        if order == 0
        else (bessel_i(x, order=order - 1) + bessel_i(x, order=order + 1)) / 2
    ),
)
i0.samples(unary(wide, also=(0.0, np.array([-29.5, 40.0, 1e-8]))))


@bessel_i.samples
def _(rng):
    for i, sample in enumerate(unary(wide, also=(0.0, np.array([-29.5, 40.0, 1e-8])))(rng)):
        yield Sample(sample.args, {"order": i % 4}, note=sample.note)
    for order in range(4):
        yield Sample((wide(rng, (2,)),), {"order": order}, note=f"order {order}")


# --------------------------------------------------------------------------------------------------- samples
@ldexp.samples
def _(rng):
    for left, right in (
        ((2, 3), (2, 3)),
        ((3,), (2, 3)),
        ((2, 1), (3,)),
        ((), (2,)),
        ((2,), ()),
        ((0,), (1,)),
    ):
        yield Sample((wide(rng, left), rng.integers(-9, 9, right)), note=f"shapes {left} and {right}")
    yield Sample((wide(rng, (3,)).astype(np.float32), 5), note="float32")
    yield Sample((wide(rng, ()).item(), -3), note="a Python float")
    yield Sample((1e-310, 1060), note="from below the smallest normal number")
    yield Sample((wide(rng, (2, 2))[:, ::-1].T, np.array([[3], [-4]], np.int8)), note="a view, int8")


@nextafter.samples
def _(rng):
    yield from pairs(nonzero, same=False)(rng)
    yield Sample((nonzero(rng, (3,)), np.array([np.inf, -np.inf, 5.0])), note="towards infinity")
    yield Sample((nonzero(rng, (3,)), 4), note="beside an integer")


@heaviside.samples
def _(rng):
    yield from pairs(nonzero, same=False)(rng)
    yield Sample((tied(rng, (3, 4)), normal(rng, (4,))), note="zeros")
    yield Sample((tied(rng, (3, 1)), normal(rng, (3, 2))), note="zeros that broadcast")
    yield Sample((0.0, normal(rng, (2,))), note="at zero")
    yield Sample((0, normal(rng).item()), note="at an integer zero")
    yield Sample((np.array([0, 1, -1]), normal(rng, (2, 1)).astype(np.float32)), note="integers, float32")
