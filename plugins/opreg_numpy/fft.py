"""Fourier transforms.

All are linear. With w = exp(-2 pi i / n), and s the factor that ``norm`` gives the transform,

    fft     y_k = s sum_j x_j w^(jk), 0 <= k < n             ifft    y_k = s sum_j x_j w^(-jk), 0 <= k < n
    rfft    as fft of real x, 0 <= k <= n/2                  irfft   y_j = s sum_k c_k Re(x_k w^(-jk)), 0 <= k <= n/2

where x is first cut, or filled up with zeros, to the length that is due, and c_k counts the frequencies of a real
signal for which one stands, k and n - k: 1 at 0 and at n/2, where irfft takes only the real part of x, and 2 between.
These four are primitives. hfft and ihfft are irfft and rfft with a conjugate and the other direction's factor; a
transform along several axes is one after the other. The transposes are

    fft^T g = fft g,    ifft^T g = ifft g,    rfft^T g = hfft(g / c),    irfft^T g = c ihfft(g),

cut or filled up to the length of x, real where x is, and without conjugates, by the convention for complex cotangents.
The rules know of x only its shape and dtype, so the tape does not keep the array.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from opreg import Primitive, Sample, hookimpl, primitive
from opreg_numpy._axes import along
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT, composite, declared
from opreg_numpy._samples import LAYOUTS, call, complex_normal, normal, of_one_array, single
from opreg_numpy.shapes import as_array


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "numpy.fft.")


# ------------------------------------------------------------------------------------------ along one axis
@primitive("numpy.fft.fft")
def fft(a, /, *, n=None, axis=-1, norm=None):
    """s sum_j a_j w^(jk); s is 1, or 1 / sqrt(n) with the norm "ortho", or 1 / n with "forward", as of rfft too"""
    return np.fft.fft(a, n, axis, norm)


@primitive("numpy.fft.ifft")
def ifft(a, /, *, n=None, axis=-1, norm=None):
    """s sum_j a_j w^(-jk); s is 1 / n, or 1 / sqrt(n) with the norm "ortho", or 1 with "forward", as of irfft too"""
    return np.fft.ifft(a, n, axis, norm)


@primitive("numpy.fft.rfft")
def rfft(a, /, *, n=None, axis=-1, norm=None):
    """The first n // 2 + 1 terms of fft of real a; the others are their conjugates"""
    return np.fft.rfft(a, n, axis, norm)


@primitive("numpy.fft.irfft")
def irfft(a, /, *, n=None, axis=-1, norm=None):
    """The n real terms whose rfft is a: 2 (m - 1) of m terms, if n is not given"""
    if n is not None and not np.size(a):  # of no terms NumPy makes what lies in memory behind them
        a = np.zeros_like(a, shape=[max(m, int(i == axis % np.ndim(a))) for i, m in enumerate(np.shape(a))])
    return np.fft.irfft(a, n, axis, norm)


for _function in fft, ifft, rfft, irfft:
    _function.called_like(lambda a, n=None, axis=-1, norm=None, out=None: ..., **NO_OUT)


def _fitted(c, form, axis):
    """A cotangent cut, or filled up with zeros, along the axis, and real where the primal is: the transpose of both"""
    have, due = np.shape(c)[axis], form.shape[axis]
    if have > due:
        c = c[along(np.ndim(c), axis, slice(due))]
    elif have < due:
        c = np.pad(c, [(0, due - have if i == axis % np.ndim(c) else 0) for i in range(np.ndim(c))])
    return form.fit(c)


def _stood_for(g, n, axis):
    """c_k, as it broadcasts to g: 1 at k = 0 and k = n/2, and 2 between"""
    k = np.arange(n // 2 + 1)
    count = np.where((k == 0) | (2 * k == n), 1, 2).astype(np.finfo(g.dtype).dtype)
    return np.expand_dims(count, tuple(range(1, np.ndim(g) - axis % np.ndim(g))))


def _rfft_transposed(g, residual, n, axis, norm):
    n = residual.shape[axis] if n is None else n
    return _fitted(np.fft.hfft(g / _stood_for(g, n, axis), n, axis, norm), residual, axis)


def _irfft_transposed(g, residual, axis, norm):
    counted = _stood_for(g, np.shape(g)[axis], axis) * np.fft.ihfft(g, axis=axis, norm=norm)
    return _fitted(counted, residual, axis)


fft.deflinear(a=lambda g, residual, axis, norm: _fitted(np.fft.fft(g, None, axis, norm), residual, axis))
ifft.deflinear(a=lambda g, residual, axis, norm: _fitted(np.fft.ifft(g, None, axis, norm), residual, axis))
rfft.deflinear(a=_rfft_transposed)
irfft.deflinear(a=_irfft_transposed)
for _function in fft, ifft, rfft, irfft:
    _function.residual_of(form_of)

_INVERSE_NORM = {None: "forward", "backward": "forward", "forward": "backward"}


@composite("numpy.fft.hfft", **NO_OUT)
def hfft(a, n=None, axis=-1, norm=None, out=None):
    """The n real terms, 2 (m - 1) of m by default, of fft of a signal that a begins and a_(n-j) = conj a_j goes on"""
    a = as_array(a)
    return np.fft.irfft(np.conj(a), n, axis, _INVERSE_NORM.get(norm, norm))


@composite("numpy.fft.ihfft", **NO_OUT)
def ihfft(a, n=None, axis=-1, norm=None, out=None):
    """The first n // 2 + 1 terms of ifft of real a: the inverse of hfft"""
    a = as_array(a)
    return np.conj(np.fft.rfft(a, n, axis, _INVERSE_NORM.get(norm, norm)))


# -------------------------------------------------------------------------------------- along several axes
def _steps(a, s, axes):
    """The length and the axis of each transform, in the order of ``axes``; a length of -1 is that of a

    ``s`` without ``axes``, and ``None`` for a length, mean what they mean in NumPy, which deprecates both.
    """
    shape = np.shape(a)
    lengths = (-1,) * len(shape if axes is None else axes) if s is None else s
    axes = range(-len(lengths), 0) if axes is None else axes
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [(shape[axis] if n == -1 else n, axis) for n, axis in zip(lengths, axes, strict=True)]


@composite("numpy.fft.fftn", **NO_OUT)
def fftn(a, s=None, axes=None, norm=None, out=None):
    """fft along all axes, or along those named: the last first. An axis may be named twice"""
    a = as_array(a)
    for n, axis in reversed(_steps(a, s, axes)):
        a = np.fft.fft(a, n, axis, norm)
    return a


@composite("numpy.fft.ifftn", **NO_OUT)
def ifftn(a, s=None, axes=None, norm=None, out=None):
    """ifft along all axes, or along those named: the last first. An axis may be named twice"""
    a = as_array(a)
    for n, axis in reversed(_steps(a, s, axes)):
        a = np.fft.ifft(a, n, axis, norm)
    return a


@composite("numpy.fft.rfftn", **NO_OUT)
def rfftn(a, s=None, axes=None, norm=None, out=None):
    """rfft along the last of the axes, then fft along the others"""
    a = as_array(a)
    steps = _steps(a, s, axes)
    n, axis = steps[-1]
    a = np.fft.rfft(a, n, axis, norm)
    for n, axis in reversed(steps[:-1]):
        a = np.fft.fft(a, n, axis, norm)
    return a


@composite("numpy.fft.irfftn", **NO_OUT)
def irfftn(a, s=None, axes=None, norm=None, out=None):
    """ifft along all of the axes but the last, then irfft along this one: by default to the length 2 (m - 1)"""
    a = as_array(a)
    steps = _steps(a, s, axes)
    for n, axis in steps[:-1]:
        a = np.fft.ifft(a, n, axis, norm)
    n, axis = steps[-1]
    return np.fft.irfft(a, None if s is None else n, axis, norm)


@composite("numpy.fft.fft2")
def fft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """fftn along two axes"""
    return fftn.body(a, s, axes, norm, out)


@composite("numpy.fft.ifft2")
def ifft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """ifftn along two axes"""
    return ifftn.body(a, s, axes, norm, out)


@composite("numpy.fft.rfft2")
def rfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """rfftn along two axes"""
    return rfftn.body(a, s, axes, norm, out)


@composite("numpy.fft.irfft2")
def irfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """irfftn along two axes"""
    return irfftn.body(a, s, axes, norm, out)


# ------------------------------------------------------------------------------------ the order of frequencies
@primitive("numpy.fft.fftshift")
def fftshift(x, /, *, axes=None):
    """Frequency zero in the middle: the elements shifted around by n // 2 along all axes, or along those named"""
    return np.fft.fftshift(x, axes)


@primitive("numpy.fft.ifftshift")
def ifftshift(x, /, *, axes=None):
    """The inverse of fftshift: shifted by -(n // 2)"""
    return np.fft.ifftshift(x, axes)


fftshift.deflinear(x=lambda g, axes: np.fft.ifftshift(g, axes))
ifftshift.deflinear(x=lambda g, axes: np.fft.fftshift(g, axes))


def _frequencies(index, n, d):
    if not isinstance(n, (int, np.integer)):
        raise ValueError("n should be an integer")
    return index * (1.0 / (n * d))


@composite("numpy.fft.fftfreq", static=("n",))
def fftfreq(n, d=1.0, device=None):
    """k / (n d) for 0 <= k < n/2 and then for -n/2 <= k < 0: the frequencies of fft of samples at distances d"""
    return _frequencies(np.fft.ifftshift(np.arange(-(n // 2), (n + 1) // 2, device=device)), n, d)


@composite("numpy.fft.rfftfreq", static=("n",))
def rfftfreq(n, d=1.0, device=None):
    """k / (n d) for 0 <= k <= n/2: the frequencies of rfft of samples at distances d"""
    return _frequencies(np.arange(n // 2 + 1, device=device), n, d)


# ---------------------------------------------------------------------------------------------------- samples
def _transforms(draws, rows):
    """Return a generator of these calls, the first with every draw and layout, each other with some draw."""

    def samples(rng):
        shape, args, kwargs = rows[0]
        for draw in draws:
            x = draw(rng, shape)
            yield Sample((x, *args), kwargs, note=str(x.dtype))
        for note, layout in LAYOUTS.items():
            yield Sample((layout(draws[0](rng, shape)), *args), kwargs, note=note)
        for shape, args, kwargs in rows[1:]:
            x = draws[rng.integers(len(draws))](rng, shape)
            yield Sample((x, *args), kwargs, note=str(x.dtype))

    return samples


def _single_complex(rng, shape):
    """Return complex numbers in single precision."""
    return complex_normal(rng, shape).astype(np.complex64)


def _half(rng, shape):
    """Return numbers in half precision, which are transformed in single precision."""
    return normal(rng, shape).astype(np.float16)


_REAL, _HALVES, _ANY = (
    (normal, single, _half),
    (complex_normal, normal, _single_complex),
    (normal, complex_normal, single, _single_complex),
)
_NORMS = (call((3, 4), norm="ortho"), call((4, 3), 5, 0, "forward"), call((2, 5), norm="backward"))
_ALONG_ONE = (
    call((3, 4)),
    call((5,)),
    call((4, 2), axis=0),
    call((2, 5, 3), axis=-2),
    call((2, 3), n=6),
    call((6, 2, 2), 5, -3, "ortho"),
    call((2, 4), 1),
    call((2, 5), 2, norm="forward"),
    call((1,)),
    call((1, 2), 4, 0),
    call((0, 4)),
    call((2, 0), n=3),
)
_HALF_OF_ONE = (
    call((3, 4)),
    call((4,), 7),
    call((4, 2), axis=0),
    call((2, 5, 3), axis=-2),
    call((2, 3), n=8),
    call((6, 2, 2), 5, -3, "ortho"),
    call((2, 4), 1),
    call((2, 4), 2, norm="forward"),
    call((2, 2), 2),
    call((2, 2), 3),
    call((1,), 1),
    call((1, 2), 5, 0),
    call((0, 4)),
    call((2, 0), n=3),
)
_ALONG_SEVERAL = (
    call((2, 3, 4), axes=(0, -1)),
    call((3, 2), axes=(1, 0)),
    call((2, 3, 3), (3, 4), (-1, 1)),
    call((2, 3), s=(4, 2), axes=(0, 1), norm="ortho"),
    call((2, 3, 2), (-1, 5), (0, 1), "forward"),
    call((3, 4), None, (1, 1)),
    call((3, 4), s=[6, 3], axes=[-1, 1], norm="backward"),
    call((2, 0, 3), (2, 3), (2, 0)),
    call((0, 3), (2, 3), axes=(0, 1)),
    call((4, 3), (5,), (0,)),
)
_ALONG_ALL = (call((2, 3, 2)), call((4,)), call((3, 3), norm="ortho"))
_ALONG_TWO = (call((2, 3, 2)), call((3, 4), norm="ortho"), call((2, 3, 2), axes=None))

for _function, _draws, _rows in (
    (fft, _ANY, _ALONG_ONE),
    (ifft, _ANY, _ALONG_ONE),
    (rfft, _REAL, _ALONG_ONE),
    (ihfft, _REAL, _ALONG_ONE),
    (irfft, _HALVES, _HALF_OF_ONE),
    (hfft, _HALVES, _HALF_OF_ONE),
):
    _function.samples(_transforms(_draws, _rows + _NORMS))
for _function, _draws, _others in (
    (fftn, _ANY, _ALONG_ALL),
    (ifftn, _ANY, _ALONG_ALL),
    (rfftn, _REAL, _ALONG_ALL),
    (irfftn, _HALVES, _ALONG_ALL),
    (fft2, _ANY, _ALONG_TWO),
    (ifft2, _ANY, _ALONG_TWO),
    (rfft2, _REAL, _ALONG_TWO),
    (irfft2, _HALVES, _ALONG_TWO),
):
    _function.samples(_transforms(_draws, _ALONG_SEVERAL + _others))
for _function in fftn, ifftn:
    _function.samples(of_one_array(call(()), call((2, 3), axes=())))
for _function in fftshift, ifftshift:
    _function.samples(
        of_one_array(
            call((3, 4)),
            call((3, 2, 5), axes=(0, -1)),
            call((5, 2), 0),
            call((2, 5), axes=-1),
            call((5, 3), [0, 0]),
            call((3, 3), axes=()),
            call((5,), np.int64(0)),
            call((1,)),
            call((0, 3)),
        )
    )


@fftfreq.samples
@rfftfreq.samples
def _(rng):
    for n in (1, 2, 5, 6):
        yield Sample((n, float(rng.uniform(0.3, 3))), note=f"{n} points")
    yield Sample((4,), {"d": -float(rng.uniform(0.3, 3))}, note="a negative distance")
    yield Sample((np.int64(3), np.asarray(rng.uniform(0.3, 3)), "cpu"), note="0-d")
    yield Sample((5, np.float32(rng.uniform(0.3, 3))), note="float32")
    yield Sample((3, rng.uniform(0.3, 3) + 1j), note="complex")


# ------------------------------------------------------------------------------------- what no sample need show
for _function in fft, ifft, rfft, irfft:
    _function.waive_mutant("a", "have > due -> have >= due", "to cut to the same length changes nothing")
    _function.waive_mutant("a", "have < due -> have <= due", "to fill up to the same length changes nothing")
for _function in rfft, irfft:
    _function.waive_mutant(
        "a",
        "np.where((k == 0) | (2 * k == n), 1, 2).astype(np.finfo(g.dtype).dtype)"
        " -> np.where((k == 0) | (2 * k == n), 1, 2)",
        "of single precision it makes double, slower, and the cotangent is rounded to single all the same",
    )
