"""Convolutions of SciPy.

A convolution is linear in each of its arguments. Of the whole one, of n + m - 1 elements along an axis, each mode takes
the middle. So its transpose puts the cotangent back there, with zeros around it, and convolves it with the other
argument reversed. No conjugate appears but that which ``correlate`` has.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy

from opreg import Primitive, Sample, composite, hookimpl, primitive
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


@primitive("scipy.signal.fftconvolve")
def fftconvolve(in1, in2, /, *, mode="full", axes=None):
    """The convolution over axes by Fourier transforms; along the others it is a product, which broadcasts"""
    return scipy.signal.fftconvolve(in1, in2, mode, axes)


@primitive("scipy.signal.oaconvolve")
def oaconvolve(in1, in2, /, *, mode="full", axes=None):
    """As fftconvolve, by blocks of which the ends overlap"""
    return scipy.signal.oaconvolve(in1, in2, mode, axes)


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
