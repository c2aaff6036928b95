"""Exponentials and logarithms, to the bases e, 2 and 10."""

from __future__ import annotations

from functools import reduce
from math import e, factorial, log, pi

import numpy as np

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy._rules import pointwise
from opreg_numpy._samples import (
    beside_integers,
    complex_of,
    nonzero,
    normal,
    pairs,
    positive,
    unary,
    wide,
)

LN2, LN10 = log(2.0), log(10.0)


@primitive("numpy.exp", aliases=("exp",))
def exp(x, /):
    """e ** x"""
    return np.exp(x)


elementwise(exp, x=lambda out: out)
exp.samples(unary(wide, complex=complex_of(normal), also=(-800.0,)))


@primitive("numpy.exp2", aliases=("exp2",))
def exp2(x, /):
    """2 ** x"""
    return np.exp2(x)


elementwise(exp2, x=lambda out: LN2 * out)
exp2.samples(unary(wide, complex=complex_of(normal)))


@primitive("numpy.expm1", aliases=("expm1",))
def expm1(x, /):
    """e ** x - 1, with the derivative e ** x; out + 1 would lose it where x is very negative"""
    return np.expm1(x)


elementwise(expm1, x=lambda x: np.exp(x))
expm1.samples(unary(wide, complex=complex_of(normal), also=(np.array([-60.0, 1e-12]),)))


@primitive("numpy.log", aliases=("log",))
def log_(x, /):
    """log x"""
    return np.log(x)


pointwise(log_, x=lambda g, x: g / x)
log_.samples(unary(positive, complex=True, also=(1e-300, 1e300)))


@primitive("numpy.log2", aliases=("log2",))
def log2(x, /):
    """log x / log 2"""
    return np.log2(x)


elementwise(log2, x=lambda x: 1 / LN2 / x)
log2.samples(unary(positive, complex=True))


@primitive("numpy.log10", aliases=("log10",))
def log10(x, /):
    """log x / log 10"""
    return np.log10(x)


elementwise(log10, x=lambda x: 1 / LN10 / x)
log10.samples(unary(positive, complex=True))


@primitive("numpy.log1p", aliases=("log1p",))
def log1p(x, /):
    """log(1 + x)"""
    return np.log1p(x)


pointwise(log1p, x=lambda g, x: g / (1 + x))
log1p.samples(unary(positive, complex=True, also=(np.array([-0.99, 1e-12, 0.0]),)))


# --------------------------------------------------------------------------------- sums of exponentials
def _power(x, base):
    return np.exp2(x) if base == 2 else np.exp(x)


@primitive("opreg_numpy.exponential.share")
def share(whole, x, /, *, base):
    """whole / (1 + base^x), and by x -log(base) whole / (1 + base^x) / (1 + base^-x), exact where either is small"""
    with np.errstate(over="ignore"):
        power = _power(x, base)
        power += 1
    return whole / power


@primitive("opreg_numpy.exponential.shares")
def shares(whole, x, /, *, base):
    """The shares of x and of -x, which add up to the whole: of one power"""
    with np.errstate(over="ignore", divide="ignore"):
        power = _power(x, base)
        inverse = 1 / power
        power += 1
        inverse += 1
    return whole / power, whole / inverse


pointwise(
    share,
    whole=lambda g, x, base: share(g, x, base=base),
    x=lambda g, x, out, base: share(-log(base) * g * out, -x, base=base),
)
elementwise(shares)
shares.defvjp(
    whole=lambda g, x, base: share(g[0], x, base=base) + share(g[1], -x, base=base),
    x=lambda g, x, out, base: share(log(base) * (g[1] - g[0]) * out[0], -x, base=base),
)


def _shares_by_x(t, x, out, base):
    gain = share(log(base) * t * out[0], -x, base=base)
    return -gain, gain


shares.defjvp(whole=lambda t, x, base: shares(t, x, base=base), x=_shares_by_x)


def _lag(x, y):
    """Return y - x, 0 where both are the same infinity: it says which part of the sum of the powers is whose."""
    lag = y - x
    if np.isnan(np.min(stop_gradient(lag), initial=0.0)):
        same = np.isinf(x) & np.equal(x, y)
        lag = np.where(same, 0.0, y) - np.where(same, 0.0, x)
    return lag


@primitive("numpy.logaddexp", aliases=("logaddexp",))
def logaddexp(x, y, /):
    """log(e^x + e^y): each has its share of the sum as the derivative, the same infinities half each"""
    return np.logaddexp(x, y)


@primitive("numpy.logaddexp2", aliases=("logaddexp2",))
def logaddexp2(x, y, /):
    """log2(2^x + 2^y): each has its share of the sum as the derivative, the same infinities half each"""
    return np.logaddexp2(x, y)


def _shares_needed(g, lag, needed, base):
    """Return the shares of both arguments, of one power; or that of the one that is needed."""
    if all(needed):
        return shares(g, lag, base=base)
    return (share(g, lag, base=base), None) if needed[0] else (None, share(g, -lag, base=base))


for _sum_of_exponentials, _base in (logaddexp, e), (logaddexp2, 2):
    _sum_of_exponentials.defvjp(
        lambda g, residual, needed, base=_base: _shares_needed(g, residual, needed, base)
    )
    _sum_of_exponentials.defjvp(
        x=lambda t, residual, base=_base: share(t, residual, base=base),
        y=lambda t, residual, base=_base: share(t, -residual, base=base),
    )
    elementwise(_sum_of_exponentials).residual_of(_lag)
    _sum_of_exponentials.samples(pairs(wide))
    _sum_of_exponentials.samples(beside_integers(wide))


@share.samples
@shares.samples
def _of_shares(rng):
    extreme = Sample(
        (normal(rng, (3,)), np.array([0.0, -700.0, 700.0])), note="hardly anything, or nearly all"
    )
    for sample in (*pairs(normal, wide)(rng), extreme):
        for base in e, 2:
            yield Sample(sample.args, {"base": base}, note=f"{sample.note}, base {base:.3g}")


@logaddexp.samples
@logaddexp2.samples
def _far_apart(rng):
    x = wide(rng, (3,))
    yield Sample((x, x.copy()), note="ties")
    yield Sample((1000 + x, 1000 - x), note="the exponentials overflow")
    yield Sample((x - 60, x), note="one exponential is far smaller")
    yield Sample((np.array([-np.inf, 0.5]), np.array([0.25, -np.inf])), note="one is minus infinity")


# --------------------------------------------------------------------------------------------------- sinc
_SINC_SERIES = [(-1) ** k * 2 * k * pi ** (2 * k) / factorial(2 * k + 1) for k in range(1, 15)]


def _sinc_near_zero(x):
    """Return the power series of sinc', sum over k >= 1 of (-1)^k 2k pi^(2k) x^(2k-1) / (2k+1)!."""
    square = x * x
    return x * reduce(lambda total, c: total * square + c, reversed(_SINC_SERIES[:-1]), _SINC_SERIES[-1])


@primitive("numpy.sinc", aliases=("sinc", "scipy.special.sinc"))
def sinc(x, /):
    """sin(pi x) / (pi x), with the derivative (cos(pi x) - sinc x) / x

    which cancels near 0: there the power series stands for it, so that every derivative at 0 is exact.
    """
    return np.sinc(x)


def _sinc_slope(x):
    near = np.less(np.absolute(x), 0.5)
    far = np.where(near, 1.0, x)
    return np.where(near, _sinc_near_zero(np.where(near, x, 0.0)), (np.cos(pi * far) - np.sinc(far)) / far)


elementwise(sinc, x=_sinc_slope)
sinc.samples(unary(normal, complex=True, also=(0.0, np.array([0.0, 1e-9, -1e-3, 0.49, 0.51]))))
sinc.samples(unary(nonzero))


# -------------------------------------------------------------------------------------------- what no sample need show
for _function in logaddexp, logaddexp2:
    _function.waive_mutant("*", "all(needed) -> any(needed)", "it computes what is not needed")
    _function.waive_mutant(
        "*",
        "_lag -> ...",
        "the sum of equal infinities has no difference quotient; it has a test of its own",
    )
sinc.waive_mutant(
    "x", "np.less(np.absolute(x), 0.5) -> ...", "near 0.5 the series and the quotient are both right"
)
sinc.waive_mutant("x", "0.5 -> 0.5000005", "near 0.5 the series and the quotient are both right")
sinc.waive_mutant("x", "1.0 -> 1.000001", "any number but 0 will do in the place of what is masked out")
sinc.waive_mutant("x", "np.where(near, x, 0.0) -> x", "any number will do in the place of what is masked out")
sinc.waive_mutant("x", "0.0 -> 1e-06", "any number will do in the place of what is masked out")
sinc.waive_mutant(
    "x", "-1 -> -2", "the last term of the series is below rounding, and lends its sign to nothing"
)
