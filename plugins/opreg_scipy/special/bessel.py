"""Bessel functions.

All derivatives by the argument are recurrences (DLMF 10.6, 10.29): neighbouring orders are added or subtracted where
that does not cancel. Near zero this is better than a division by x. The derivative by a real order has no closed form.
"""

from __future__ import annotations

from math import pi

import numpy as np
import scipy

from opreg import Primitive, Sample, elementwise, primitive, stop_gradient
from opreg_numpy._samples import complex_of, nonzero, unary, wide
from opreg_scipy.special.gamma import refuse_traced

ORDER = "the derivative by the order has no closed form (DLMF 10.15, 10.38)"


def arguments(rng, shape):
    """Return numbers between 0.1 and 9."""
    return np.asarray(rng.uniform(0.1, 9.0, shape))


def _of_order(name: str, aliases: tuple[str, ...] = (), doc: str = "") -> Primitive:
    """Return ``scipy.special.name(v, z)``, which has no derivative by its order."""
    function = Primitive(lambda v, z, /: getattr(scipy.special, name)(v, z), f"scipy.special.{name}", aliases)
    function.doc = doc

    @function.called_as
    def _(v, z):
        refuse_traced(f"scipy.special.{name}", "v", v, ORDER)
        return (v, z), {}

    return function.not_differentiable(v=ORDER)


# -------------------------------------------------------------------------------- orders 0 and 1, of real numbers
@primitive("scipy.special.j0")
def j0(x, /):
    """J_0(x), with the derivative -J_1(x) (DLMF 10.6.3)"""
    return scipy.special.j0(x)


@primitive("scipy.special.j1")
def j1(x, /):
    """J_1(x), with the derivative (J_0(x) - J_2(x)) / 2 (DLMF 10.6.1)"""
    return scipy.special.j1(x)


@primitive("scipy.special.y0")
def y0(x, /):
    """Y_0(x), with the derivative -Y_1(x)"""
    return scipy.special.y0(x)


@primitive("scipy.special.y1")
def y1(x, /):
    """Y_1(x), with the derivative (Y_0(x) - Y_2(x)) / 2"""
    return scipy.special.y1(x)


@primitive("scipy.special.i0")
def i0(x, /):
    """I_0(x), with the derivative I_1(x) (DLMF 10.29.3)"""
    return scipy.special.i0(x)


@primitive("scipy.special.i1")
def i1(x, /):
    """I_1(x), with the derivative (I_0(x) + I_2(x)) / 2 (DLMF 10.29.1)"""
    return scipy.special.i1(x)


@primitive("scipy.special.k0")
def k0(x, /):
    """K_0(x), with the derivative -K_1(x)"""
    return scipy.special.k0(x)


@primitive("scipy.special.k1")
def k1(x, /):
    """K_1(x), with the derivative -(K_0(x) + K_2(x)) / 2"""
    return scipy.special.k1(x)


elementwise(j0, x=lambda x: -scipy.special.j1(x))
elementwise(j1, x=lambda x: (scipy.special.j0(x) - scipy.special.jv(2, x)) / 2)
elementwise(y0, x=lambda x: -scipy.special.y1(x))
elementwise(y1, x=lambda x: (scipy.special.y0(x) - scipy.special.yn(2, x)) / 2)
elementwise(i0, x=lambda x: scipy.special.i1(x))
elementwise(i1, x=lambda x: (scipy.special.i0(x) + scipy.special.iv(2, x)) / 2)
elementwise(k0, x=lambda x: -scipy.special.k1(x))
elementwise(k1, x=lambda x: -(scipy.special.k0(x) + scipy.special.kn(2, x)) / 2)
for _function in j0, j1, i0, i1:
    _function.samples(unary(wide, also=(0.0, np.array([1e-8, -1e-3]))))
for _function in y0, y1, k0, k1:
    _function.samples(unary(arguments, also=(1e-3,)))


# ------------------------------------------------------------------------------------------- of real order
jv = _of_order(
    "jv", ("scipy.special.jn",), "J_v(z), with the derivative (J_(v-1) - J_(v+1)) / 2 (DLMF 10.6.1)"
)
yv = _of_order("yv", doc="Y_v(z), with the derivative (Y_(v-1) - Y_(v+1)) / 2")
yn = _of_order("yn", doc="Y_v(z) for integers v, with the derivative (Y_(v-1) - Y_(v+1)) / 2")
iv = _of_order("iv", doc="I_v(z), with the derivative (I_(v-1) + I_(v+1)) / 2 (DLMF 10.29.1)")
kv = _of_order("kv", doc="K_v(z), with the derivative -(K_(v-1) + K_(v+1)) / 2")
kn = _of_order("kn", doc="K_v(z) for integers v, with the derivative -(K_(v-1) + K_(v+1)) / 2")

elementwise(jv, z=lambda v, z: (scipy.special.jv(v - 1.0, z) - scipy.special.jv(v + 1.0, z)) / 2)
elementwise(yv, z=lambda v, z: (scipy.special.yv(v - 1.0, z) - scipy.special.yv(v + 1.0, z)) / 2)
elementwise(yn, z=lambda v, z: (scipy.special.yn(v - 1.0, z) - scipy.special.yn(v + 1.0, z)) / 2)
elementwise(iv, z=lambda v, z: (scipy.special.iv(v - 1.0, z) + scipy.special.iv(v + 1.0, z)) / 2)
elementwise(kv, z=lambda v, z: -(scipy.special.kv(v - 1.0, z) + scipy.special.kv(v + 1.0, z)) / 2)
elementwise(kn, z=lambda v, z: -(scipy.special.kn(v - 1.0, z) + scipy.special.kn(v + 1.0, z)) / 2)


def _orders(draw, *, complex=False, whole=False, also=()):
    """Return a generator of samples of a function of an order and an argument, both broadcast."""

    def samples(rng):
        def order(shape):
            return rng.integers(0, 5, shape) + (0.0 if whole else rng.choice([0.0, 0.5, 0.3], shape))

        for left, right in (((2, 3), (2, 3)), ((3,), (2, 1)), ((), (2, 3)), ((2, 1), ()), ((0, 2), (2,))):
            yield Sample((order(left), draw(rng, right)), note=f"shapes {left} and {right}")
        yield Sample((0, draw(rng, (3,))), note="a Python int")
        yield Sample((2, float(draw(rng, ()))), note="two Python numbers")
        yield Sample((np.array([0, 1, 3], np.uint8), draw(rng, (3,))), note="uint8")
        yield Sample((np.array([1, 2]), draw(rng, (2,)).astype(np.float32)), note="float32")
        yield Sample((np.arange(2, dtype=np.float32), draw(rng, (2,)).astype(np.float32)), note="float32")
        yield Sample((order((3, 2)).T, draw(rng, (2, 3))[::-1]), note="views")
        for point in also:
            yield Sample(point, note=f"at {point!r}")
        if complex:
            z = complex_of(nonzero)
            yield Sample((order((2, 3)), z(rng, (3,))), note="complex")
            yield Sample((1, z(rng, ())), note="complex, 0-d")
            yield Sample((np.float32(1.5), z(rng, (3,)).astype(np.complex64)), note="complex64")
            yield Sample((order((3,)), draw(rng, (3,)) + 0j), note="complex, on the real axis")

    return samples


jv.samples(_orders(arguments, complex=True, also=((1, 0.0), (3, -2.5), (-0.5, 1.25), (0, 1e-8), (2, 40.0))))
yv.samples(_orders(arguments, complex=True, also=((-0.5, 1.25),)))
yn.samples(_orders(arguments, whole=True, also=((-2, 1.25),)))
iv.samples(_orders(arguments, complex=True, also=((1, 0.0), (3, -2.5), (-0.5, 1.25), (0, 1e-8), (2, 40.0))))
kv.samples(_orders(arguments, complex=True, also=((-0.5, 1.25), (2, 40.0))))
kn.samples(_orders(arguments, whole=True, also=((3, 40.0),)))


# ------------------------------------------------------------------------------------------ scaled exponentially
def _decay(v, z, sign):
    """Return the sum over k of sign^k a_k(v) (k + 1/2) / z^(k+1), and 0 where z is not large

    where sum of sign^k a_k(v) / z^k, with a_0 = 1 and a_k = a_(k-1) (4 v^2 - (2k - 1)^2) / (8 k), is the expansion of
    sqrt(2 pi z) e^-z I_v(z) for sign = -1, of sqrt(2 z / pi) e^z K_v(z) for sign = 1 (DLMF 10.40).
    """
    total, term = 0.5 / z, 1 / z
    for k in range(1, 26):
        term = term * (sign * (4.0 * v * v - (2 * k - 1) ** 2) / (8 * k)) / z
        total = total + (k + 0.5) * term
    return total


def _is_large(v, z):
    """Tell where 25 terms of the expansion suffice; elsewhere a difference of two orders cancels little.

    For large orders the terms are about those of e^(v^2 / 2z).
    """
    return np.greater(np.absolute(stop_gradient(z)), np.maximum(25.0, np.square(v) / 4))


def _i_slope(v, x, near):
    """Return the derivative of e^-|x| I_v(x): the difference ``near`` of two orders, for large x the expansion."""
    large = _is_large(v, x)
    if not np.any(large):
        return near
    far = np.where(large, np.absolute(x), 25.0)
    parity = np.where(np.logical_and(np.less(x, 0), np.equal(np.remainder(v, 2), 0)), -1.0, 1.0)
    return np.where(large, -parity * _decay(np.where(large, v, 0.0), far, -1.0) / np.sqrt(2 * pi * far), near)


def _k_slope(v, z, near):
    """Return the derivative of e^z K_v(z): the difference ``near`` of two orders, for large z the expansion."""
    large = _is_large(v, z)
    if not np.any(large):
        return near
    far = np.where(large, z, 25.0)
    return np.where(large, -_decay(np.where(large, v, 0.0), far, 1.0) * np.sqrt(pi / 2 / far), near)


@primitive("scipy.special.i0e")
def i0e(x, /):
    """e^-|x| I_0(x), with the derivative e^-|x| (I_1(x) - sign(x) I_0(x)), at 0 the mean 0 of both sides

    For large x the two terms cancel: there it is that of the asymptotic expansion (DLMF 10.40.1).
    """
    return scipy.special.i0e(x)


@primitive("scipy.special.i1e")
def i1e(x, /):
    """e^-|x| I_1(x), with the derivative e^-|x| ((I_0(x) + I_2(x)) / 2 - sign(x) I_1(x)), as of i0e"""
    return scipy.special.i1e(x)


@primitive("scipy.special.k0e")
def k0e(x, /):
    """e^x K_0(x), with the derivative e^x (K_0(x) - K_1(x)), for large x that of the expansion (DLMF 10.40.2)"""
    return scipy.special.k0e(x)


@primitive("scipy.special.k1e")
def k1e(x, /):
    """e^x K_1(x), with the derivative e^x (K_1(x) - (K_0(x) + K_2(x)) / 2), as of k0e"""
    return scipy.special.k1e(x)


elementwise(i0e, x=lambda x, out: _i_slope(0, x, scipy.special.i1e(x) - np.sign(x) * out))
elementwise(
    i1e,
    x=lambda x, out: _i_slope(1, x, (scipy.special.i0e(x) + scipy.special.ive(2, x)) / 2 - np.sign(x) * out),
)
elementwise(k0e, x=lambda x, out: _k_slope(0, x, out - scipy.special.k1e(x)))
elementwise(k1e, x=lambda x, out: _k_slope(1, x, out - (scipy.special.k0e(x) + scipy.special.kve(2, x)) / 2))
for _function in i0e, i1e:
    _function.samples(unary(wide, also=(np.array([1e-8, -1e-3]), np.array([-300.0, 40.0]))))
for _function in k0e, k1e:
    _function.samples(unary(arguments, also=(1e-3, np.array([30.0, 500.0]))))
i0e.at_kink(0.0, cotangents=[0.0])

jve = _of_order("jve", doc="e^-|Im z| J_v(z): by the recurrence of J_v, and -sign(Im z) times itself by Im z")
yve = _of_order("yve", doc="e^-|Im z| Y_v(z): by the recurrence of Y_v, and -sign(Im z) times itself by Im z")
ive = _of_order("ive", doc="e^-|Re z| I_v(z): by the recurrence of I_v, and -sign(Re z) times itself by Re z")
kve = _of_order("kve", doc="e^z K_v(z), which is holomorphic, as scipy.special.k0e")


def _scaled_by_imaginary_part(function, slope):
    """Declare the rules of e^-|Im z| f(z), f holomorphic: its change is slope(v, z) dz - sign(Im z) out Im dz."""

    def vjp(g, v, z, out):
        if not np.iscomplexobj(z):
            return g * slope(v, z)
        return g * slope(v, z) + 1j * np.sign(np.imag(z)) * np.real(g * out)

    def jvp(t, v, z, out):
        if not np.iscomplexobj(z):
            return t * slope(v, z)
        return t * slope(v, z) - np.sign(np.imag(z)) * out * np.imag(t)

    elementwise(function).defvjp(z=vjp).defjvp(z=jvp)


_scaled_by_imaginary_part(
    jve, lambda v, z: (scipy.special.jve(v - 1.0, z) - scipy.special.jve(v + 1.0, z)) / 2
)
_scaled_by_imaginary_part(
    yve, lambda v, z: (scipy.special.yve(v - 1.0, z) - scipy.special.yve(v + 1.0, z)) / 2
)


def _neighbours(v, z):
    return (scipy.special.ive(v - 1.0, z) + scipy.special.ive(v + 1.0, z)) / 2


def _ive_vjp(g, v, z, out):
    if not np.iscomplexobj(z):
        return g * _i_slope(v, z, _neighbours(v, z) - np.sign(z) * out)
    return g * _neighbours(v, z) - np.sign(np.real(z)) * np.real(g * out)


def _ive_jvp(t, v, z, out):
    if not np.iscomplexobj(z):
        return t * _i_slope(v, z, _neighbours(v, z) - np.sign(z) * out)
    return t * _neighbours(v, z) - np.sign(np.real(z)) * out * np.real(t)


elementwise(ive).defvjp(z=_ive_vjp).defjvp(z=_ive_jvp)
elementwise(
    kve,
    z=lambda v, z, out: _k_slope(
        v, z, out - (scipy.special.kve(v - 1.0, z) + scipy.special.kve(v + 1.0, z)) / 2
    ),
)
jve.samples(_orders(arguments, complex=True, also=((1, 0.0), (2, -2.5))))
yve.samples(_orders(arguments, complex=True))
ive.samples(_orders(arguments, complex=True, also=((2, -2.5), (3, -40.0), (2, np.array([-40.0, 40.0])))))
kve.samples(_orders(arguments, complex=True, also=((-0.5, 1.25), (2.3, 40.0), (2.0, 30 + 20j))))


@ive.samples
@kve.samples
def _at_large_arguments(rng):
    orders = np.array([0.0, 0.5, 2.0, 3.5])
    yield Sample((orders, rng.uniform(26.0, 60.0, (2, 4))), note="large arguments")
    yield Sample((orders[:, None], 40.0 * rng.uniform(0.5, 4.0, (3,))), note="large arguments")
    yield Sample((rng.uniform(4.0, 5.0, (3,)), rng.uniform(26.0, 40.0, (3,))), note="large arguments")


# -------------------------------------------------------------------------------------------- what no sample need show
for _function in i0e, i1e:
    _function.waive_mutant("*", "_decay -> ...", "the samples of scipy.special.ive show it")
for _function in k0e, k1e:
    _function.waive_mutant("*", "_decay -> ...", "the samples of scipy.special.kve show it")
_BOTH = "at the arguments of samples the expansion and the difference of two orders agree to the digits of a quotient"
for _function in i0e, i1e, ive, k0e, k1e, kve:
    _slope = "_k_slope" if "k" in _function.__name__ else "_i_slope"
    _function.waive_mutant("*", f"{_slope} -> ...", f"{_BOTH}; larger arguments have a test of their own")
    _function.waive_mutant("*", "_is_large -> ...", f"{_BOTH}, on both sides of the threshold")
_SWAPPED = "_i_slope(v, z, _neighbours(v, z) - np.sign(z) * out) -> ..."
ive.waive_mutant("*", _SWAPPED, f"{_BOTH}: which of them is taken does not show")
for _function in ive, kve:
    _function.waive_mutant("*", "26 -> 27", "one term more is below rounding")
    _function.waive_mutant("*", "2 * k - 1 -> 1 - 2 * k", "it is squared")
for _function in kn, kv, kve:
    _function.waive_mutant("z", "v - 1.0 -> 1.0 - v", "K is even in its order (DLMF 10.27.3)")
kn.waive_mutant("z", "1.0 -> 1.000001", "the order is truncated to an integer")
kve.waive_mutant("z", "sign * (4.0 * v * v - (2 * k - 1) ** 2) -> ...", "of K the sign is 1")
kve.waive_mutant(
    "z",
    "_k_slope(v, z, out - (scipy.special.kve(v - 1.0, z) + scipy.special.kve(v + 1.0, z)) / 2) -> ...",
    f"{_BOTH}: which of them is taken does not show",
)
