"""Powers, exponentials, logarithms and the Box-Cox transformation."""

from __future__ import annotations

from math import factorial, log

import numpy as np
import scipy

from opreg import Sample, elementwise, primitive
from opreg_numpy._rules import pointwise
from opreg_numpy._samples import beside_integers, complex_of, normal, pairs, positive, unary, wide


def polynomial(coefficients, x):
    """Return the polynomial with these coefficients, that of the constant first."""
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


# ------------------------------------------------------------------------------------- exponentials, logarithms
@primitive("scipy.special.cbrt")
def cbrt(x, /):
    """x^(1/3), also of negative numbers, with the derivative 1 / (3 cbrt(x)^2)"""
    return scipy.special.cbrt(x)


@primitive("scipy.special.exp2")
def exp2(x, /):
    """2^x"""
    return scipy.special.exp2(x)


@primitive("scipy.special.exp10")
def exp10(x, /):
    """10^x"""
    return scipy.special.exp10(x)


@primitive("scipy.special.expm1")
def expm1(x, /):
    """e^x - 1, with the derivative e^x"""
    return scipy.special.expm1(x)


@primitive("scipy.special.log1p")
def log1p(x, /):
    """log(1 + x)"""
    return scipy.special.log1p(x)


@primitive("scipy.special.cosm1")
def cosm1(x, /):
    """cos x - 1"""
    return scipy.special.cosm1(x)


elementwise(cbrt, x=lambda out: 1 / (3 * out * out))
elementwise(exp2, x=lambda out: log(2) * out)
elementwise(exp10, x=lambda out: log(10) * out)
elementwise(expm1, x=lambda x: np.exp(x))
pointwise(log1p, x=lambda g, x: g / (1 + x))
elementwise(cosm1, x=lambda x: -np.sin(x))
cbrt.samples(unary(wide))
exp2.samples(unary(wide))
exp10.samples(unary(wide))
expm1.samples(unary(wide, complex=complex_of(normal), also=(np.array([-60.0, 1e-12]),)))
log1p.samples(unary(positive, complex=True, also=(np.array([-0.99, 1e-12, 0.0]),)))
cosm1.samples(unary(wide, also=(0.0,)))


# ---------------------------------------------------------------------------------------------- (e^x - 1) / x
_EXPREL_SLOPE = [(k + 1) / factorial(k + 2) for k in range(18)]


@primitive("scipy.special.exprel")
def exprel(x, /):
    """(e^x - 1) / x, with the derivative (e^x (1 - 1 / x) + 1 / x) / x

    which cancels near 0: there the power series, the sum over k of (k + 1) x^k / (k + 2)!, stands for it.
    """
    return scipy.special.exprel(x)


def _exprel_slope(x):
    near = np.less(np.absolute(x), 1)
    far = np.where(near, 1.0, x)
    series = polynomial(_EXPREL_SLOPE, np.where(near, x, 0.0))
    return np.where(near, series, (np.exp(far) * (1 - 1 / far) + 1 / far) / far)


elementwise(exprel, x=_exprel_slope)
exprel.samples(unary(wide, also=(0.0, np.array([1e-9, -1e-3, 0.99, 1.01, -0.99, -1.01]), 600.0, -800.0)))


# --------------------------------------------------------------------------------------------- log(1 + x) / x
_ATANH = [1 / (2 * k + 1) for k in range(18)]


def log1p_over(x, one_more):
    """Return log(1 + x) / x, which is 1 at 0, given 1 + x too.

    Near 0 it is 2 atanh(v) / x with v = x / (2 + x), a power series that converges fast (DLMF 4.6.4).
    """
    near = np.less(np.absolute(x), 0.5)
    close = np.where(near, x, 0.0)
    v = close / (2 + close)
    far = np.where(near, 1.0, x)
    return np.where(
        near, 2 / (2 + close) * polynomial(_ATANH, v * v), np.log(np.where(near, 1.0, one_more)) / far
    )


def _log1p_over_slope(x):
    """Return the derivative of log(1 + x) / x, (1 / (1 + x) - log(1 + x) / x) / x."""
    near = np.less(np.absolute(x), 0.5)
    close = np.where(near, x, 0.0)
    v = close / (2 + close)
    series = -0.5 * np.square(1 - v) * (1 / (1 + v) + v * polynomial(_ATANH[1:], v * v))
    far = np.where(near, 1.0, x)
    return np.where(near, series, (1 / (1 + far) - np.log1p(far) / far) / far)


# ----------------------------------------------------------------------------------------------------- Box-Cox
@primitive("scipy.special.boxcox")
def boxcox(x, lmbda, /):
    """(x^l - 1) / l, and log x at l = 0, which is log x exprel(l log x)

    By x it is x^(l - 1), by l it is log^2 x exprel'(l log x).
    """
    return scipy.special.boxcox(x, lmbda)


@primitive("scipy.special.boxcox1p")
def boxcox1p(x, lmbda, /):
    """The Box-Cox transform of 1 + x: by x it is (1 + x)^(l - 1)"""
    return scipy.special.boxcox1p(x, lmbda)


def _boxcox_by_lmbda(x, lmbda, logarithm, end):
    """Return log^2 x exprel'(l log x), and its limit 1 / l^2 at the end of the domain, for l > 0."""
    at_end = np.equal(x, end)
    length = logarithm(np.where(at_end, 1.0, x))
    u = lmbda * length
    slope = length * length * _exprel_slope(u)
    return np.where(at_end, 1 / np.square(np.where(at_end, lmbda, 1.0)), slope)


elementwise(
    boxcox,
    x=lambda x, lmbda: np.power(x, lmbda - 1.0),
    lmbda=lambda x, lmbda: _boxcox_by_lmbda(x, lmbda, np.log, 0),
)
elementwise(
    boxcox1p,
    x=lambda x, lmbda: np.exp((lmbda - 1.0) * np.log1p(x)),
    lmbda=lambda x, lmbda: _boxcox_by_lmbda(x, lmbda, np.log1p, -1),
)


@primitive("scipy.special.inv_boxcox")
def inv_boxcox(y, lmbda, /):
    """(1 + l y)^(1 / l), e^y at l = 0, the inverse of boxcox: by y it is out / (1 + l y)

    By l it is out y^2 times the derivative of log(1 + u) / u at u = l y.
    """
    return scipy.special.inv_boxcox(y, lmbda)


@primitive("scipy.special.inv_boxcox1p")
def inv_boxcox1p(y, lmbda, /):
    """The inverse of boxcox1p, which is inv_boxcox less 1, and has its derivatives"""
    return scipy.special.inv_boxcox1p(y, lmbda)


def _inverse_by_y(out, y, lmbda):
    return out / (1 + lmbda * y)


def _inverse_by_lmbda(out, y, lmbda):
    return out * y * y * _log1p_over_slope(lmbda * y)


elementwise(inv_boxcox, y=_inverse_by_y, lmbda=_inverse_by_lmbda)
elementwise(
    inv_boxcox1p,
    y=lambda y, lmbda: _inverse_by_y(scipy.special.inv_boxcox(y, lmbda), y, lmbda),
    lmbda=lambda y, lmbda: _inverse_by_lmbda(scipy.special.inv_boxcox(y, lmbda), y, lmbda),
)


@boxcox.samples
@boxcox1p.samples
def _of_boxcox(rng):
    yield from pairs(positive, normal, same=False)(rng)
    yield from beside_integers(positive, (2, 0, -1), first=False)(rng)
    yield Sample((np.array([2, 3]), normal(rng, (2,))), note="integers first")
    yield Sample((positive(rng, (4,)), np.array([0.0, 1.0, 1e-9, -1e-3])), note="powers near 0")
    yield Sample((1.0, np.array([0.5, -2.0])), note="at 1")


@inv_boxcox.samples
@inv_boxcox1p.samples
def _of_inverses(rng):
    def power(rng, shape):
        return rng.uniform(0.2, 3.0, shape)

    def small(rng, shape):
        return rng.uniform(-0.3, 5.0, shape)

    yield from pairs(small, power)(rng)
    yield from beside_integers(small, (2, 1, 3), first=False)(rng)
    yield Sample((np.array([2, 3]), power(rng, (2,))), note="integers first")
    yield Sample((normal(rng, (4,)), np.array([0.0, 0.2, 1e-9, -1e-3])), note="powers near 0")
    yield Sample((np.array([-0.5, -0.2, 0.2, 0.5, 1.2]), -0.75), note="a negative power")


@boxcox.samples
def _at_zero(rng):
    yield Sample((0.0, np.array([1.5, 2.5])), note="at 0")


@boxcox1p.samples
def _at_minus_one(rng):
    yield Sample((-1.0, np.array([1.5, 2.5])), note="at -1")


# -------------------------------------------------------------------------------------------- what no sample need show
_ANY = "any number will do in the place of what is masked out"
_EITHER = "near the border the series and the quotient are both right"
for _function, _argument, _border in (
    (exprel, "x", ("np.less(np.absolute(x), 1) -> ...", "1 -> 2")),
    (boxcox, "lmbda", ("np.less(np.absolute(x), 1) -> ...", "1 -> 2")),
    (boxcox1p, "lmbda", ("np.less(np.absolute(x), 1) -> ...", "1 -> 2")),
    (inv_boxcox, "lmbda", ("np.less(np.absolute(x), 0.5) -> ...", "0.5 -> 0.5000005")),
    (inv_boxcox1p, "lmbda", ("np.less(np.absolute(x), 0.5) -> ...", "0.5 -> 0.5000005")),
):
    for _change in _border:
        _function.waive_mutant(_argument, _change, _EITHER)
    for _change in "1.0 -> 1.000001", "np.where(near, x, 0.0) -> x", "0.0 -> 1e-06":
        _function.waive_mutant(_argument, _change, _ANY)
for _function in boxcox, boxcox1p:
    _function.waive_mutant("lmbda", "np.where(at_end, 1.0, x) -> x", _ANY)
for _function in inv_boxcox, inv_boxcox1p:
    _function.waive_mutant("lmbda", "1 - v -> v - 1", "it is squared")
