"""Logistic functions, logsumexp and softmax."""

from __future__ import annotations

import numpy as np
import scipy

from opreg import Sample, elementwise, is_traced, primitive, stop_gradient
from opreg_numpy._axes import Axis, spread
from opreg_numpy._form import form_of
from opreg_numpy._samples import (
    LAYOUTS,
    complex_normal,
    complex_of,
    normal,
    scalar_of,
    unary,
    unit,
    wide,
)


# --------------------------------------------------------------------------------------------------- logistic
@primitive("scipy.special.expit")
def expit(x, /):
    """1 / (1 + e^-x), with the derivative expit(x) expit(-x): 1 - expit(x) would lose it for large x"""
    return scipy.special.expit(x)


@primitive("opreg_scipy.special.softmax.expit_slope")
def expit_slope(x, /):
    """expit(x) expit(-x), the derivative of expit, with the derivative -expit(x) expit(-x) tanh(x / 2)"""
    return scipy.special.expit(x) * scipy.special.expit(-x)


elementwise(expit_slope, x=lambda x, out: -out * np.tanh(x / 2))
elementwise(expit, x=lambda x, out: expit_slope(x) if is_traced(x) else out * scipy.special.expit(-x))
for _function in expit, expit_slope:
    _function.samples(unary(wide, also=(0.0, -700.0, 700.0, np.array([-60.0, 40.0]))))


@primitive("scipy.special.log_expit")
def log_expit(x, /):
    """log expit(x), with the derivative expit(-x)"""
    return scipy.special.log_expit(x)


elementwise(log_expit, x=lambda x: scipy.special.expit(-x))
log_expit.samples(unary(wide, also=(0.0, -1e3, 700.0)))


@primitive("scipy.special.logit")
def logit(x, /):
    """log(x / (1 - x)), the inverse of expit, with the derivative 1 / (x (1 - x))"""
    return scipy.special.logit(x)


elementwise(logit, x=lambda x: 1 / x / (1 - x))
logit.samples(unary(lambda rng, shape: 0.5 + 0.5 * unit(rng, shape), also=(0.5, 1e-30, 1 - 2.0**-40)))


# -------------------------------------------------------------------------------------------------- logsumexp
@primitive("scipy.special.logsumexp")
def logsumexp(a, b, /, *, axis: Axis = None, keepdims=False, return_sign=False):
    """log S, S the sum of b e^a along some axes, b = 1 if it is not given; with ``return_sign`` log |S| and S / |S|

    By a: b e^a / S, by b: e^a / S. The sign of a real sum is constant, the phase of a complex one turns by Im(dS / S).
    The exponentials are taken relative to the largest. Infinite ones share the result equally, as do those of which
    every one is minus infinity.
    """
    return scipy.special.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)


logsumexp.called_like(lambda a, axis=None, b=None, keepdims=False, return_sign=False: ...)


OVERFLOW = 80.0  # the logarithm of a large number in single precision


def _shape(a, b):
    return np.shape(a) if b is None else np.broadcast_shapes(np.shape(a), np.shape(b))


def _parts(a, b, axis, weightless=False):
    """Return e^a / S for every element.

    What has no weight is kept from overflow, for 0 times infinity is NaN, except where the weight is differentiated.
    """
    counted = True if b is None else np.not_equal(b, 0)
    size = np.real(stop_gradient(a))
    largest = np.max(np.where(counted, size, -np.inf), axis=axis, keepdims=True, initial=-np.inf)
    finite = np.isfinite(largest)
    if is_traced(a) and b is None and np.isrealobj(a) and np.all(finite):
        return softmax.bind(a, axis=axis)  # whose derivative is exact where one element is nearly all
    relative = a - np.where(finite, largest, 0.0)
    if not np.all(finite):
        others = np.where(np.equal(size, largest), 0.0, -np.inf).astype(size.dtype)
        relative = np.where(finite, relative, others)
    too_large = np.greater(np.real(stop_gradient(relative)), OVERFLOW)
    each = np.exp(np.where(too_large, OVERFLOW, relative))
    total = np.sum(each if b is None else b * each, axis=axis, keepdims=True)
    return np.where(too_large, np.inf, each / total) if weightless else each / total


def _cotangent_of_sum(g, a, b, out, axis, return_sign):
    """Return what a change of S, relative to S, is worth."""
    if not return_sign:
        return spread(g, _shape(a, b), axis)
    weight, phase = g
    if np.iscomplexobj(out[1]):
        weight = weight + 1j * np.imag(phase * out[1])
    return spread(weight, _shape(a, b), axis)


def _by_a(g, a, b, out, axis, return_sign):
    each = _cotangent_of_sum(g, a, b, out, axis, return_sign) * _parts(a, b, axis)
    return form_of(a).fit(each if b is None else b * each)


def _by_b(g, a, b, out, axis, return_sign):
    return form_of(b).fit(_cotangent_of_sum(g, a, b, out, axis, return_sign) * _parts(a, b, axis, True))


def _change(each, out, axis, keepdims, return_sign):
    """Return the tangent of the result, given what each element adds to the relative change of S."""
    relative = np.sum(each, axis=axis, keepdims=keepdims)
    if not return_sign:
        return relative
    sign = out[1]
    if np.iscomplexobj(sign):
        return np.real(relative), sign * (1j * np.imag(relative))
    return relative, np.zeros_like(stop_gradient(sign))


def _along_a(t, a, b, out, axis, keepdims, return_sign):
    each = t * _parts(a, b, axis)
    return _change(each if b is None else b * each, out, axis, keepdims, return_sign)


def _along_b(t, a, b, out, axis, keepdims, return_sign):
    return _change(t * _parts(a, b, axis, True), out, axis, keepdims, return_sign)


logsumexp.defvjp(a=_by_a, b=_by_b).defjvp(a=_along_a, b=_along_b)


_SUMS_NOTHING = np.lib.NumpyVersion(scipy.__version__) >= "1.14.0"


@logsumexp.samples
def _(rng):
    for axis in (None, 0, -1, (0, 2), (-1, 0)):
        keep = {"keepdims": True} if rng.random() < 0.5 else {}
        yield Sample(
            (wide(rng, (2, 3, 1) if axis is None else (1, 3, 2)),), {"axis": axis, **keep}, note="the axes"
        )
    yield Sample((normal(rng, (2, 3)), 1, None, True), note="by position")
    yield Sample((normal(rng, ()),), note="0-d")
    yield Sample((scalar_of(normal(rng, (1,))),), note="a Python float")
    yield Sample((normal(rng, (1, 2)),), {"axis": 0}, note="of one element")
    yield Sample((normal(rng, (0, 2)),), {"axis": 1}, note="empty")
    if _SUMS_NOTHING:
        yield Sample((normal(rng, (2, 0)),), {"axis": 1}, note="over nothing")
    yield Sample((normal(rng, (2, 3)).astype(np.float32),), {"axis": 0}, note="float32")
    yield Sample((1000 + wide(rng, (5,)),), note="the exponentials overflow")
    yield Sample((np.array([[0.5, -np.inf, 1.5], [0.25, 1.0, -np.inf]]),), {"axis": 1}, note="minus infinity")
    for note, layout in LAYOUTS.items():
        yield Sample((layout(normal(rng, (2, 3))),), {"axis": int(rng.integers(2))}, note=note)


@logsumexp.samples
def _with_weights(rng):
    def weights(shape):
        return rng.uniform(0.3, 3.0, shape)

    a = normal(rng, (2, 3))
    yield Sample((a,), {"b": weights((2, 3)), "axis": 1}, note="weights")
    yield Sample((a,), {"b": weights((3,)), "axis": 0, "keepdims": True}, note="weights broadcast")
    yield Sample((a, None, weights((2, 1))), note="weights broadcast")
    yield Sample((normal(rng, (3,)),), {"b": weights((2, 1)), "axis": -1}, note="a broadcasts")
    yield Sample((a,), {"b": 2.5, "axis": (0, 1)}, note="a Python float")
    yield Sample((a,), {"b": np.array([2, 0, 3]), "axis": 1}, note="integers, one of them 0")
    yield Sample((np.array([1, 2]), -1, weights((3, 2))), note="of integers")
    yield Sample((a.astype(np.float32),), {"b": weights((3,)), "axis": 1}, note="float32 and float64")
    yield Sample(
        (np.array([0.5, 300.0, 1.0]),), {"b": np.array([1.5, 0.0, 2.0])}, note="the largest counts not"
    )
    for far in 900.0, 900 + 1j:
        yield Sample((np.array([0.5, far, 1.0]),), {"b": np.array([2, 0, 3])}, note="the largest overflows")
    both = weights((2, 3))
    yield Sample((both,), {"b": both, "axis": 0}, note="one array twice")


@logsumexp.samples
def _with_sign(rng):
    a = normal(rng, (3, 4))
    signed = np.array([2.0, 0.3, -0.2, 0.5]) * np.array([[1.0], [-1.0], [1.5]])
    a[:, 0] = 1.0
    yield Sample((a,), {"return_sign": True, "axis": 1}, note="the sign")
    yield Sample((a, 1, signed, True, True), note="the sign of sums of both signs")
    yield Sample((a[:1],), {"b": -1.0, "return_sign": True}, note="negative")
    z = complex_of(normal)(rng, (3, 4)) / 2
    z[:, 0] = 2 + 0.5j
    yield Sample((z,), {"axis": 1, "return_sign": True}, note="complex, the phase")
    yield Sample((z,), {"axis": 0, "keepdims": True, "return_sign": True}, note="complex, the phase")
    yield Sample((z,), {"axis": 1, "b": signed, "return_sign": True}, note="complex, real weights, the phase")
    w = np.abs(signed) + 0.25j * normal(rng, (3, 4))
    yield Sample((a,), {"axis": 1, "b": w, "return_sign": True}, note="real, complex weights, the phase")


@logsumexp.samples
def _of_complex(rng):
    z = complex_of(normal)(rng, (3, 4)) / 2
    z[:, 0] = 2 + 0.5j
    yield Sample((z,), {"axis": 1}, note="complex")
    yield Sample((z,), {"axis": 1, "b": rng.uniform(0.3, 1.0, (4,))}, note="complex, real weights")
    yield Sample((z.real,), {"axis": 1, "b": 1 + 0.1j * complex_normal(rng, (3, 1))}, note="complex weights")
    yield Sample((z[0].astype(np.complex64),), note="complex64")


# ---------------------------------------------------------------------------------------------------- softmax
@primitive("scipy.special.softmax")
def softmax(x, /, *, axis: Axis = None):
    """s = e^x over its sum along some axes. Its Jacobian is symmetric: s (g - sum s g)"""
    return scipy.special.softmax(x, axis=axis)


@primitive("scipy.special.log_softmax")
def log_softmax(x, /, *, axis: Axis = None):
    """x - logsumexp x, with the VJP g - s sum g and the JVP t - sum s t, where s = softmax x"""
    return scipy.special.log_softmax(x, axis=axis)


def _most(s):
    """Tell which element of a softmax is more than half of it: the rest of 1 is lost beside it."""
    return np.greater(stop_gradient(s), 0.5)


def _from_mean(g, s, axis):
    """g - sum s g: where an element of s may be all but 1, the sum begins with the others"""
    g = g - np.sum(np.where(_most(s), g, 0), axis=axis, keepdims=True)
    return g - np.sum(s * g, axis=axis, keepdims=True)


def _of_logarithm(g, out, axis):
    """g - s sum g: g_i (1 - s_i), 1 - s_i being the sum of the other s, less s_i times the sum of the other g"""
    s = np.exp(out)
    most = _most(s)
    rest = np.sum(np.where(most, 0, s), axis=axis, keepdims=True)
    return g * np.where(most, rest, 1 - s) - s * (np.sum(g, axis=axis, keepdims=True) - g)


def _softmax_change(g, out, axis):
    return out * _from_mean(g, out, axis)


softmax.defvjp(x=_softmax_change).defjvp(x=_softmax_change)
log_softmax.defvjp(x=_of_logarithm).defjvp(x=lambda t, out, axis: _from_mean(t, np.exp(out), axis))


@softmax.samples
@log_softmax.samples
def _(rng):
    for axis in (None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2)):
        yield Sample((normal(rng, (2, 3, 4)),), {"axis": axis}, note="the axes")
    yield Sample((normal(rng, (2, 3)), 1), note="by position")
    yield Sample((normal(rng, ()),), note="0-d")
    yield Sample((scalar_of(normal(rng, (1,))),), note="a Python float")
    yield Sample((normal(rng, (1, 2)),), {"axis": 0}, note="of one element")
    yield Sample((normal(rng, (0, 2)),), {"axis": 1}, note="empty")
    yield Sample((normal(rng, (2, 3)).astype(np.float32),), {"axis": 0}, note="float32")
    yield Sample((wide(rng, (5,)) * 40,), note="far apart")
    yield Sample(
        (np.array([[30.0, 1.0, 0.0], [2.0, 2.0, -25.0]]),), {"axis": 1}, note="one, or two, are nearly all"
    )
    for note, layout in LAYOUTS.items():
        yield Sample((layout(normal(rng, (2, 3))),), {"axis": int(rng.integers(2))}, note=note)


_EXACT = "any origin is right: how exact each is has a test of its own"
expit.waive_mutant(
    "x",
    "expit_slope(x) if is_traced(x) else out * scipy.special.expit(-x) -> ...",
    "both are right: the first keeps the digits of the next derivative near 0, the second asks for less",
)
for _function in softmax, log_softmax:
    for _text in "_most", "_most(s)":
        _function.waive_mutant("x", f"{_text} -> ...", _EXACT)
    for _text in (
        "g - np.sum(np.where(_most(s), g, 0), axis=axis, keepdims=True)",
        "np.sum(np.where(_most(s), g, 0), axis=axis, keepdims=True)",
        "np.where(_most(s), g, 0)",
    ):
        _function.waive_mutant("x", f"{_text} -> ...", _EXACT)
log_softmax.waive_mutant("x", "np.where(most, rest, 1 - s) -> 1 - s", _EXACT)


@softmax.samples
def _of_nothing(rng):
    yield Sample((np.array([0.5, -np.inf, 1.5]),), note="minus infinity")


for _text in (
    "np.where(finite, largest, 0.0) -> largest",
    "0.0 -> 1e-06",
    "np.all(finite) -> np.any(finite)",
    "np.where(finite, relative, np.where(np.equal(size, largest), 0.0, -np.inf)) -> ...",
    "np.where(np.equal(size, largest), 0.0, -np.inf) -> ...",
    "np.equal(size, largest) -> ...",
    "-np.inf -> ...",
):
    logsumexp.waive_mutant(
        "*", _text, "infinite terms have no difference quotient: they have a test of their own"
    )
logsumexp.leave_unchecked("np.all(finite)", "infinite terms have a test of their own")
for _text in (
    "is_traced(a) and b is None and np.isrealobj(a) and np.all(finite) -> ...",  # SciPy speaks of real ones only
    "_shape(a, b) -> _shape(b, a)",
    "np.not_equal(b, 0) -> b",
    "np.real(stop_gradient(a)) -> stop_gradient(a)",  # NumPy orders complex numbers by their real parts
    "np.real(stop_gradient(relative)) -> stop_gradient(relative)",
    "np.greater(np.real(stop_gradient(relative)), OVERFLOW) -> ...",
    "OVERFLOW -> ...",
):
    logsumexp.waive_mutant("*", _text, "another way to the same result")
for _text in (
    "np.where(too_large, np.inf, each / total) -> ...",
    "True -> False",
):
    logsumexp.waive_mutant("*", _text, "a derivative by a weight of 0 that overflows has a test of its own")
