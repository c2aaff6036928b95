"""Convolutions and spectra of SciPy.

A convolution is linear in each of its arguments. Of the whole one, of n + m - 1 elements along an axis, each mode takes
the middle. So its transpose puts the cotangent back there, with zeros around it, and convolves it with the other
argument reversed. No conjugate appears but that which ``correlate`` has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import scipy

from opreg import NotDifferentiable, Primitive, Sample, composite, hookimpl, primitive, stop_gradient
from opreg_numpy._axes import normalised
from opreg_numpy._form import form_of, like
from opreg_numpy._rules import declared
from opreg_numpy._samples import complex_normal, normal, of_two_arrays
from opreg_numpy.shapes import as_array


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "scipy.signal.")


def _transposed(function, g, primal, other, over=None, **options):
    """g, put back into the whole convolution, convolved with the other argument reversed"""
    n, m = np.shape(primal), np.shape(other)
    if not np.size(g) or not np.size(primal) or not np.size(other):
        return np.zeros(*form_of(primal))
    along = normalised(over, len(n))
    whole = [n[i] + m[i] - 1 if i in along else max(n[i], m[i]) for i in range(len(n))]
    before = [(there - here) // 2 for there, here in zip(whole, np.shape(g), strict=True)]
    widths = [(b, there - here - b) for b, there, here in zip(before, whole, np.shape(g), strict=True)]
    padded = np.pad(g, widths) if any(map(any, widths)) else g
    return like(function.bind(padded, np.flip(other, along), mode="valid", **options), primal)


@primitive("scipy.signal.convolve")
def convolve(in1, in2, /, *, mode="full", method="auto"):
    """The convolution over all axes: whole, its middle of the shape of in1 (``same``), or where both overlap wholly"""
    return scipy.signal.convolve(in1, in2, mode, method)


convolve.deflinear(
    in1=lambda g, in1, in2, method: _transposed(convolve, g, in1, in2, method=method),
    in2=lambda g, in1, in2, method: _transposed(convolve, g, in2, in1, method=method),
)


@composite("scipy.signal.correlate")
def correlate(in1, in2, mode="full", method="auto"):
    """The sum of in1 times conj(in2) at every shift: the convolution with conj(in2) reversed"""
    return convolve(as_array(in1), np.conj(np.flip(as_array(in2))), mode, method)


# ---------------------------------------------------------------------------------------------------- spectra
def _window(window, nperseg, length):
    """The window, as an array, that SciPy takes for segments of a signal of that length"""
    if not isinstance(window, (str, tuple)):
        return np.asarray(window)
    return scipy.signal.get_window(window, min(256 if nperseg is None else int(nperseg), length))


def _spectra(x, window, noverlap, nfft, trend, onesided):
    """The Fourier transforms of the windowed segments along the last axis"""
    n = len(window)
    starts = np.arange(0, np.shape(x)[-1] - n + 1, n - noverlap)
    segments = x[..., starts[:, np.newaxis] + np.arange(n)]
    if trend:
        segments = trend(segments) if callable(trend) else detrend(segments, type=trend)
    return (np.fft.rfft if onesided else np.fft.fft)(segments * window, nfft)


@composite("scipy.signal.csd", static=("fs", "window"))
def csd(x, y, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant",
        return_onesided=True, scaling="density", axis=-1, average="mean"):  # fmt: skip
    """The mean of conj(X) times Y over the segments of two signals, X and Y being their windowed Fourier transforms"""
    if average != "mean":
        raise NotDifferentiable(f"scipy.signal.csd: average={average!r} is not differentiated; 'mean' is")
    x, y = as_array(x), as_array(y)
    plain = [np.zeros(np.shape(signal), np.result_type(signal)) for signal in (x, y)]
    frequencies, zeros = scipy.signal.csd(
        *plain, fs, window, nperseg, noverlap, nfft, "constant", return_onesided, scaling, axis
    )  # raises where SciPy does
    if not zeros.size:
        return frequencies, zeros
    x, y = (np.moveaxis(signal, axis, -1) for signal in (x, y))
    length = max(np.shape(x)[-1], np.shape(y)[-1])
    x, y = (_lengthened(signal, length) for signal in (x, y))
    taper = _window(window, nperseg, length)
    onesided = return_onesided and not (np.iscomplexobj(x) or np.iscomplexobj(y))
    nfft = len(taper) if nfft is None else int(nfft)
    noverlap = len(taper) // 2 if noverlap is None else int(noverlap)
    transforms = [_spectra(signal, taper, noverlap, nfft, detrend, onesided) for signal in (x, y)]
    power = fs * np.sum(taper**2) if scaling == "density" else np.sum(taper) ** 2
    factors = np.full(len(frequencies), 1 / power)
    if onesided:
        factors[1 : -1 if nfft % 2 == 0 else None] *= 2  # the other side's frequencies, which are not given
    products = np.mean(np.conj(transforms[0]) * transforms[1], axis=-2) * factors
    return frequencies, np.moveaxis(products.astype(zeros.dtype), -1, axis)


def _lengthened(x, length):
    """A signal with zeros behind it"""
    extra = length - np.shape(x)[-1]
    return np.concatenate([x, np.zeros((*np.shape(x)[:-1], extra))], axis=-1) if extra else x


@composite("scipy.signal.welch", static=("fs", "window"))
def welch(x, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant",
          return_onesided=True, scaling="density", axis=-1, average="mean"):  # fmt: skip
    """The mean over the segments of a signal of the squares of its windowed Fourier transform"""
    x = as_array(x)
    if not np.size(x):  # SciPy asks whether the two of csd are one
        return scipy.signal.welch(np.zeros(np.shape(x), np.result_type(x)), axis=axis)
    frequencies, found = csd(
        x, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
    )
    return frequencies, np.real(found)


@composite("scipy.signal.istft", static=("fs", "window"))
def istft(Zxx, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, input_onesided=True, boundary=True,
          time_axis=-1, freq_axis=-2, scaling="spectrum"):  # fmt: skip
    """The signal of which these are the windowed Fourier transforms of segments: their sum, over that of the windows"""
    spectra = as_array(Zxx)
    times, zeros = scipy.signal.istft(
        np.zeros(np.shape(spectra), complex), fs, window, nperseg, noverlap, nfft, input_onesided, boundary, time_axis,
        freq_axis, scaling,
    )  # fmt: skip  # raises where SciPy does
    if not zeros.size or not np.size(spectra):  # of no segments SciPy makes zeros
        return times, zeros
    spectra = np.moveaxis(spectra, (freq_axis, time_axis), (-2, -1))
    bins, count = np.shape(spectra)[-2:]
    usual = 2 * (bins - 1) if input_onesided else bins
    length = usual if nperseg is None else int(nperseg)
    if nfft is None:
        nfft = length if input_onesided and length == usual + 1 else max(usual, 1)  # of one frequency alone
    step = length - (length // 2 if noverlap is None else int(noverlap))
    taper = (
        scipy.signal.get_window(window, length) if isinstance(window, (str, tuple)) else np.asarray(window)
    )
    segments = (np.fft.irfft if input_onesided else np.fft.ifft)(spectra, int(nfft), axis=-2)[..., :length, :]
    taper = taper.astype(np.real(stop_gradient(segments)).dtype)
    weight = np.sum(taper) if scaling == "spectrum" else np.sqrt(fs * np.sum(taper**2))
    segments = np.swapaxes(segments, -1, -2) * (taper * weight)
    widths = [(step * i, step * (count - 1 - i)) for i in range(count)]
    whole = sum(_between_zeros(segments[..., i, :], width) for i, width in enumerate(widths))
    squares = sum(np.pad(taper**2, width) for width in widths)
    kept = slice(length // 2, -(length // 2)) if boundary else slice(None)
    found = whole[..., kept] / np.where(squares > 1e-10, squares, 1.0)[kept]
    if time_axis != -1 and np.ndim(found) > 1:
        first, second = normalised(freq_axis, np.ndim(spectra))[0], normalised(time_axis, np.ndim(spectra))[0]
        found = np.moveaxis(found, -1, second - (first < second))
    return times, found


def _between_zeros(x, width):
    """An array with zeros before and behind it along the last axis"""
    return np.pad(x, [(0, 0)] * (np.ndim(x) - 1) + [width])


@primitive("scipy.signal.fftconvolve")
def fftconvolve(in1, in2, /, *, mode="full", axes=None):
    """The convolution over axes by Fourier transforms; along the others it is a product, which broadcasts"""
    return scipy.signal.fftconvolve(in1, in2, mode, axes)


@primitive("scipy.signal.oaconvolve")
def oaconvolve(in1, in2, /, *, mode="full", axes=None):
    """As fftconvolve, by blocks of which the ends overlap"""
    return scipy.signal.oaconvolve(in1, in2, mode, axes)


_BOUNDARIES: Mapping[str, Any] = {  # as np.pad names them
    **dict.fromkeys(("fill", "pad"), "constant"),
    **dict.fromkeys(("symm", "symmetric"), "symmetric"),
    **dict.fromkeys(("wrap", "circular"), "wrap"),
}


def _extended(in1, shape, boundary, fillvalue):
    """in1 with what lies beyond its edges, as far as a kernel of that shape reaches"""
    widths = [(n - 1, n - 1) for n in shape]
    kind = _BOUNDARIES[boundary]
    return np.pad(in1, widths, kind, **({"constant_values": fillvalue} if kind == "constant" else {}))


def _has_an_outside(mode, boundary):
    """Tell whether a convolution is taken beyond the edges too, and finds a constant there: also of an empty array."""
    return mode != "valid" and _BOUNDARIES.get(boundary) == "constant"


def _of_planes(function, in1, in2, mode, boundary, fillvalue, middle):
    """The convolution of in1, continued beyond its edges; ``same`` begins at middle(n) of a kernel of n

    ``function`` is that of SciPy which says what is refused.
    """
    empty = not np.size(in1) or not np.size(in2)
    zeros = [np.zeros(np.shape(x) if empty else (1,) * np.ndim(x), np.result_type(x)) for x in (in1, in2)]
    # raises where SciPy does, but for shapes that do not fit: those convolve refuses
    plain = function(*zeros, mode, "fill" if empty else boundary, fillvalue)
    if empty and not (plain.size and np.size(in2) and _has_an_outside(mode, boundary)):
        return plain
    if mode == "valid":
        return convolve(in1, in2, mode, "direct")
    whole = convolve(_extended(in1, np.shape(in2), boundary, fillvalue), in2, "valid", "direct")
    if mode == "full":
        return whole
    starts = map(middle, np.shape(in2))
    return whole[tuple(slice(start, start + n) for start, n in zip(starts, np.shape(in1), strict=True))]


@composite("scipy.signal.convolve2d", static=("fillvalue",))
def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """As convolve, of arrays of two dimensions, of which the first is continued beyond its edges"""
    in1, in2 = as_array(in1), as_array(in2)
    return _of_planes(scipy.signal.convolve2d, in1, in2, mode, boundary, fillvalue, lambda n: (n - 1) // 2)


@composite("scipy.signal.correlate2d", static=("fillvalue",))
def correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """As correlate, of arrays of two dimensions, of which the first is continued beyond its edges

    Where only the second has room for the other SciPy exchanges them, and conjugates the first.
    """
    in1, in2 = as_array(in1), as_array(in2)
    found = _of_planes(
        scipy.signal.correlate2d, in1, np.conj(np.flip(in2)), mode, boundary, fillvalue, lambda n: n // 2
    )
    exchanged = mode == "valid" and any(n < m for n, m in zip(np.shape(in1), np.shape(in2), strict=True))
    return np.conj(found) if exchanged else found


@composite("scipy.signal.detrend", static=("bp",))
def detrend(data, axis=-1, type="linear", bp=0, overwrite_data=False):
    """What is left of each piece between breakpoints when its mean or its line of least squares is taken away"""
    data = as_array(data)
    if type in ("constant", "c"):
        return data - np.mean(data, axis, keepdims=True)
    scipy.signal.detrend(np.zeros(np.shape(data)[axis]), 0, type, bp)  # raises where SciPy does
    first = np.moveaxis(data, axis, 0)
    edges = np.unique([0, *np.ravel(bp), len(first)])
    pieces = [_without_line(first[start:stop]) for start, stop in itertools.pairwise(edges)]
    return np.moveaxis(np.concatenate(pieces), 0, axis)


def _without_line(piece):
    """A piece without the line of least squares along its first axis"""
    line = np.stack([np.arange(len(piece)) / len(piece), np.ones(len(piece))], axis=1)
    onto = (line @ np.linalg.pinv(line)).astype(piece.dtype)
    return piece - np.tensordot(onto, piece, 1)


fftconvolve.deflinear(
    in1=lambda g, in1, in2, axes: _transposed(fftconvolve, g, in1, in2, axes, axes=axes),
    in2=lambda g, in1, in2, axes: _transposed(fftconvolve, g, in2, in1, axes, axes=axes),
)
oaconvolve.deflinear(
    in1=lambda g, in1, in2, axes: _transposed(oaconvolve, g, in1, in2, axes, axes=axes),
    in2=lambda g, in1, in2, axes: _transposed(oaconvolve, g, in2, in1, axes, axes=axes),
)


# ---------------------------------------------------------------------------------------------------- samples
_MODES = ("full", "same", "valid")


def _of_modes(*shapes, **options):
    """Return a generator of calls in every mode."""

    def generate(rng):
        for mode in _MODES:
            for left, right in shapes:
                first, second = (normal, complex_normal)[:: rng.choice([-1, 1])]
                yield Sample((normal(rng, left), normal(rng, right)), {"mode": mode, **options})
                yield Sample((first(rng, left), second(rng, right)), {"mode": mode, **options})

    return generate


for _function in convolve, correlate, fftconvolve, oaconvolve:
    _function.samples(of_two_arrays(((5,), (3,)), ((), ()), square=(3,)))
    _function.samples(_of_modes(((6,), (4,)), ((3,), (5,)), ((4, 3), (3, 2)), ((2, 3), (3, 4))))
for _function in convolve, correlate:
    for _method in "direct", "fft":
        _function.samples(_of_modes(((4, 3), (2, 2)), ((3,), (4,)), method=_method))
for _function in fftconvolve, oaconvolve:
    _function.samples(_of_modes(((2, 5, 2), (1, 3, 2)), ((3, 2, 1), (3, 3, 2)), axes=1))
    _function.samples(_of_modes(((3, 3, 4), (2, 1, 3)), ((3, 1, 3), (4, 2, 3)), axes=(-1, 0)))


for _function in convolve2d, correlate2d:
    _function.samples(_of_modes(((4, 3), (3, 2)), ((3, 2), (2, 2))))
    _function.samples(_of_modes(((2, 3), (2, 2)), ((2, 0), (2, 2)), boundary="fill", fillvalue=0.7))


@correlate2d.samples
def _(rng):
    for first, second in (normal, complex_normal), (complex_normal, normal):
        yield Sample((first(rng, (2, 1)), second(rng, (3, 2)), "valid"), note="exchanged")


for _function in convolve2d, correlate2d:
    _function.leave_unchecked(
        "boundary",
        "SciPy divides by zero, and Python ends, where an array is empty: tests/ops/test_scipy_signal.py has them",
    )
    _function.leave_unchecked("_extended", "it is called for the boundaries")
for _function in detrend, csd, welch:
    _function.leave_unchecked("callable(trend)", "a function of the caller's is called as it is")
detrend.leave_unchecked("overwrite_data", "the data that are written over are not those to differentiate at")
for _function in csd, welch:
    _function.leave_unchecked("average", "the median is refused")
    _function.leave_unchecked(
        "np.iscomplexobj(x)", "SciPy warns of complex signals unless return_onesided=False is given"
    )
csd.leave_unchecked("_lengthened", "signals of two lengths are in tests/ops/test_scipy_signal.py")


@detrend.samples
def _(rng):
    for draw in normal, complex_normal:
        yield Sample((draw(rng, (6,)),))
        yield Sample((draw(rng, (3, 4)),), {"axis": 0})
        yield Sample((draw(rng, (3, 4)), 1, "constant"))
        yield Sample((draw(rng, (2, 8)),), {"bp": [3, 5]})


@csd.samples
def _(rng):
    for options in {"nperseg": 4}, {"nperseg": 5, "noverlap": 1, "nfft": 6}, {"window": np.arange(1.0, 4.0)}:
        yield Sample((normal(rng, (9,)), normal(rng, (9,))), options)
    yield Sample(
        (normal(rng, (2, 8)), normal(rng, (8,))), {"nperseg": 4, "detrend": False, "scaling": "spectrum"}
    )
    yield Sample(
        (complex_normal(rng, (8,)), normal(rng, (8,))), {"nperseg": 4, "return_onesided": False, "fs": 2.0}
    )
    yield Sample((normal(rng, (8, 2)), normal(rng, (8, 2))), {"nperseg": 4, "axis": 0})
    yield Sample((normal(rng, (0, 8)), normal(rng, (0, 8))), {"nperseg": 4}, note="empty")
    yield Sample(
        (normal(rng, (8,)), normal(rng, (8,))), {"nfft": 300}, note="one segment, shorter than SciPy's"
    )


@welch.samples
def _(rng):
    yield Sample((normal(rng, (9,)),), {"nperseg": 4, "detrend": "linear"})
    yield Sample((normal(rng, (9, 2)),), {"nperseg": 4, "axis": 0, "fs": 3.0})
    yield Sample(
        (complex_normal(rng, (8,)),), {"nperseg": 4, "return_onesided": False, "scaling": "spectrum"}
    )
    yield Sample((normal(rng, (9,)),), {"nperseg": 4, "noverlap": 1, "nfft": 5, "window": "boxcar"})


@istft.samples
def _(rng):
    for options in {}, {"nperseg": 5, "boundary": False}:
        yield Sample((np.zeros((3, 0), complex),), options, note="no segments")
    yield Sample((complex_normal(rng, (3, 4)),))
    yield Sample(
        (complex_normal(rng, (4, 2, 3)),), {"nperseg": 4, "noverlap": 3, "time_axis": 0, "freq_axis": 2}
    )
    yield Sample((complex_normal(rng, (4, 4)),), {"input_onesided": False, "scaling": "psd", "fs": 2.0})
    yield Sample((complex_normal(rng, (3, 4)),), {"nperseg": 5, "window": ("tukey", 0.5), "boundary": False})
    yield Sample(
        (normal(rng, (4, 3)),), {"nfft": 6, "window": np.arange(1.0, 5.0), "time_axis": 0, "freq_axis": 1}
    )


@oaconvolve.samples
def _(rng):
    for mode in _MODES:
        yield Sample((normal(rng, (40,)), complex_normal(rng, (2,)), mode), note="many blocks")
        yield Sample((normal(rng, (1, 2)), normal(rng, (2, 40)), mode, [-1]), note="many blocks")


convolve.waive_mutant("*", "max(n[i], m[i]) -> ...", "it convolves along all axes")
for _function in convolve, fftconvolve, oaconvolve:
    _function.waive_mutant(
        "*",
        "not np.size(g) or not np.size(primal) or (not np.size(other)) -> ...",
        "which of them is empty depends on the mode and on SciPy's version",
    )
