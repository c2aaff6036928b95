"""Entropies, losses and products with logarithms."""

from __future__ import annotations

import numpy as np
import scipy

from opreg import Sample, elementwise, primitive
from opreg_numpy._rules import pointwise
from opreg_numpy._samples import beside_integers, normal, pairs, positive, unary, wide
from opreg_numpy.arithmetic import cosine


# -------------------------------------------------------------------------------------------------- entropies
@primitive("scipy.special.entr")
def entr(x, /):
    """-x log x, with the derivative -1 - log x"""
    return scipy.special.entr(x)


elementwise(entr, x=lambda x: -1 - np.log(x))
entr.samples(unary(positive, also=(1e-300, 1e200)))


def _log_ratio(x, y):
    """Return log(x / y), whose digits are kept where x is near y, and which does not overflow where x / y does."""
    difference = x - y
    near = np.less(2 * np.absolute(difference), y)
    close = np.log1p(np.where(near, difference, 0.0) / np.where(near, y, 1.0))
    return np.where(near, close, np.log(np.where(near, 1.0, x)) - np.log(np.where(near, 1.0, y)))


@primitive("scipy.special.rel_entr")
def rel_entr(x, y, /):
    """x log(x / y): by x it is log(x / y) + 1, by y it is -x / y"""
    return scipy.special.rel_entr(x, y)


@primitive("scipy.special.kl_div")
def kl_div(x, y, /):
    """x log(x / y) - x + y: by x it is log(x / y), by y it is 1 - x / y"""
    return scipy.special.kl_div(x, y)


def _ratio(x, y):
    """Return x / y, and 0 where both are 0."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(y, 0)), 1.0, y)


def _kl_div_by_y(x, y):
    """Return (y - x) / y, and 1 where both are 0: without x the function is y."""
    none = np.logical_and(np.equal(x, 0), np.equal(y, 0))
    return np.where(none, 1.0, y - x) / np.where(none, 1.0, y)


elementwise(rel_entr, x=lambda x, y: _log_ratio(x, y) + 1, y=lambda x, y: -_ratio(x, y))
elementwise(kl_div, x=_log_ratio, y=_kl_div_by_y)


@rel_entr.samples
@kl_div.samples
def _of_near_and_far(rng):
    yield from pairs(positive)(rng)
    yield from beside_integers(positive)(rng)
    y = positive(rng, (4,))
    yield Sample((y * np.array([1.6, 1.4, 0.6, 0.4]), y), note="near each other")
    yield Sample((y * (1 + 1e-6 * normal(rng, (4,))), y), note="all but equal")
    yield Sample((np.array([1e-20, 1e20]), np.array([1.0, 2.0])), note="far from each other")


for _function in rel_entr, kl_div:
    _function.waive_mutant(
        "x",
        "_log_ratio -> ...",
        "which of its two ways is taken matters for rounding alone, of which there is a test",
    )


# ---------------------------------------------------------------------------------- products with logarithms
@primitive("scipy.special.xlogy")
def xlogy(x, y, /):
    """x log y, and 0 where x is 0: by x it is log y, by y it is x / y, and 0 where x is 0, also at y = 0"""
    return scipy.special.xlogy(x, y)


@primitive("scipy.special.xlog1py")
def xlog1py(x, y, /):
    """x log(1 + y), and 0 where x is 0: by x it is log(1 + y), by y it is x / (1 + y), 0 where x is 0"""
    return scipy.special.xlog1py(x, y)


def _one(out):
    """Return 1, complex where the result is: then a real y is taken as complex, and a negative one has a logarithm."""
    return 1 + 0j if np.iscomplexobj(out) else 1.0


pointwise(
    xlogy,
    x=lambda g, y, out: g * scipy.special.xlogy(_one(out), y),
    y=lambda g, x, y: g * _ratio(x, y),
)
pointwise(
    xlog1py,
    x=lambda g, y, out: g * scipy.special.xlog1py(_one(out), y),
    y=lambda g, x, y: g * _ratio(x, 1 + y),
)


@xlogy.samples
@xlog1py.samples
def _of_products(rng):
    yield from pairs(wide, positive, complex=True, same=False)(rng)
    yield from beside_integers(positive)(rng)
    both = positive(rng, (2, 2))
    yield Sample((both, both), note="one array twice")
    yield Sample((np.array([0.0, 2.0, 0.0]), np.array([0.5, 1e-9, 3.0])), note="none of it")
    yield Sample((0.0, 0.5), note="none of it")
    z = np.array([1.5 - 0.5j, -0.25 + 2j])
    yield Sample((z, -1.5 - positive(rng, (2,))), note="complex, and real numbers with a complex logarithm")


# ---------------------------------------------------------------------------------------------------- losses
def _valid(delta, slope):
    """Return the slope, and NaN where delta is negative: there the loss is infinite."""
    return np.where(np.less(delta, 0), np.nan, slope)


@primitive("scipy.special.huber")
def huber(delta, r, /):
    """r^2 / 2 for |r| <= delta, beyond it delta (|r| - delta / 2): by r it is r clipped to [-delta, delta],

    by delta it is what |r| exceeds delta.
    """
    return scipy.special.huber(delta, r)


def _huber_by_r(delta, r):
    inside = np.less_equal(np.absolute(r), delta)
    return _valid(delta, np.where(inside, r, delta * np.sign(r)))


def _huber_by_delta(delta, r):
    size = np.absolute(r)
    return _valid(delta, np.where(np.less_equal(size, delta), 0.0, size - delta))


elementwise(huber, delta=_huber_by_delta, r=_huber_by_r)


@primitive("scipy.special.pseudo_huber")
def pseudo_huber(delta, r, /):
    """delta^2 (sqrt(1 + (r / delta)^2) - 1) = delta (h - delta), where h^2 = delta^2 + r^2

    By r it is delta r / h, by delta it is (h - delta)^2 / h, where h - delta = r^2 / (h + delta).
    """
    return scipy.special.pseudo_huber(delta, r)


def _hypotenuse(delta, r):
    """Return h, and 1 in place of 0, so that it can be divided by."""
    h = np.hypot(delta, r)
    return np.where(np.equal(h, 0), 1.0, h)


@primitive("opreg_scipy.special.entropy.product_over_hypotenuse")
def product_over_hypotenuse(x, y, /):
    """x y / h, where h = hypot(x, y), with the derivatives (y / h)^3 by x and (x / h)^3 by y; 0 at the origin"""
    return x * (y / _hypotenuse(x, y))


elementwise(
    product_over_hypotenuse,
    x=lambda x, y: np.power(cosine(y, x), 3),
    y=lambda x, y: np.power(cosine(x, y), 3),
)
product_over_hypotenuse.samples(pairs(positive, wide))


def _pseudo_huber_by_delta(delta, r):
    h = _hypotenuse(delta, r)
    excess = r * (r / (h + delta))
    return _valid(delta, excess * (excess / h))


elementwise(
    pseudo_huber,
    delta=_pseudo_huber_by_delta,
    r=lambda delta, r: _valid(delta, product_over_hypotenuse(r, delta)),
)
pseudo_huber.at_kink(0.0, 0.0, cotangents=[0.0, 0.0])


@huber.samples
@pseudo_huber.samples
def _of_losses(rng):
    yield from pairs(positive, wide, same=False)(rng)
    yield from beside_integers(lambda rng, shape: 3.7 + 5 * positive(rng, shape))(rng)
    yield Sample((np.array([1.5, 2.5, 1.0]), np.array([0.0, -2.0, 7.0])), note="none, within and beyond")
    yield Sample((1.5, np.array([-0.5, 0.25, -4.0, 4.0])), note="both signs, within and beyond")


# -------------------------------------------------------------------------------------------- what no sample need show
rel_entr.waive_mutant(
    "y", "_ratio -> ...", "where both are 0 there is no derivative by x; it has a test of its own"
)
kl_div.waive_mutant(
    "y", "_kl_div_by_y -> ...", "where both are 0 there is no derivative by x; it has a test of its own"
)
for _function in xlogy, xlog1py:
    _function.waive_mutant(
        "y", "_ratio -> ...", "where both are 0 there is no derivative by x; it has a test of its own"
    )
    _function.waive_mutant("x", "1 + 0j -> 1 - 0j", "the logarithm is that of y")
for _function in huber, pseudo_huber:
    _function.waive_mutant(
        "*", "_valid -> ...", "an infinite loss has no difference quotient; it has a test of its own"
    )
huber.waive_mutant(
    "delta", "np.less_equal(size, delta) -> np.less(size, delta)", "on the border both are the same"
)
huber.waive_mutant(
    "r",
    "np.less_equal(np.absolute(r), delta) -> np.less(np.absolute(r), delta)",
    "on the border both are the same",
)
pseudo_huber.waive_mutant("*", "_hypotenuse(delta, r) -> _hypotenuse(r, delta)", "it is symmetric")
pseudo_huber.waive_mutant(
    "r", "product_over_hypotenuse(r, delta) -> product_over_hypotenuse(delta, r)", "it is symmetric"
)
pseudo_huber.waive_mutant("*", "1.0 -> 1.000001", "any number will do where h is 0")
