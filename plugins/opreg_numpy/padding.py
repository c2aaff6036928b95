"""Padding: an array with a margin, of constants, of its own elements, or of what is made of them.

Axis by axis, as NumPy does it: the margin along an axis is that of the array with its margins along those before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from opreg import NotDifferentiable, is_traced, primitive, stop_gradient
from opreg_numpy._axes import along, reversed_along, shape_of
from opreg_numpy._form import in_dtype
from opreg_numpy._rules import composite
from opreg_numpy._samples import call, of_one_array
from opreg_numpy.indexing import scatter_add
from opreg_numpy.shapes import as_array


@primitive("opreg_numpy.padding.extended")
def extended(array, /, *, pad_width, mode):
    """The array with a margin of zeros (constant), or of its own elements (edge, reflect, symmetric, wrap)"""
    return np.pad(
        array, pad_width or 0, mode
    )  # an array without axes has no widths, of which NumPy wants one


def _extended_transposed(g, residual, pad_width, mode):
    if mode == "constant":
        return g[tuple(slice(before, before + n) for (before, _), n in zip(pad_width, residual, strict=True))]
    shape = list(np.shape(g))
    for axis, (width, n) in enumerate(zip(pad_width, residual, strict=True)):
        if any(width):
            origin = np.pad(np.arange(n), width, mode)
            shape[axis] = n
            g = scatter_add(g, key=along(len(shape), axis, origin), shape=tuple(shape))
    return g


extended.deflinear(array=_extended_transposed)
extended.residual_of(shape_of)


@composite("numpy.pad", aliases=("pad",))
def pad(array, pad_width, mode="constant", **options):
    """The array with a margin, in every mode but for functions; what is left empty is made zero"""
    if callable(mode):
        raise NotDifferentiable(
            "numpy.pad is not differentiated with a function as its mode. Build the margin with np.concatenate, or "
            "pass opreg.stop_gradient(x) if the derivative is not wanted"
        )
    array = as_array(array)
    shape = np.shape(array)
    few = np.zeros([min(n, 1) for n in shape])
    np.pad(
        few, pad_width, mode, **{key: _plain(value) for key, value in options.items()}
    )  # raises where NumPy does
    widths = tuple((int(before), int(after)) for before, after in _widths(pad_width, len(shape)))
    odd = options.get("reflect_type", "even") == "odd"
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and not odd):
        return extended(array, pad_width=widths, mode=mode)
    if mode == "empty" or (mode == "constant" and _is_nothing(options.get("constant_values", 0))):
        return extended(array, pad_width=widths, mode="constant")
    for axis, width in enumerate(widths):
        if any(width):
            array = _WIDENED[mode](array, axis, width, **options)
    return array


pad.leave_unchecked('mode == "empty"', "the values of such a margin are what the memory held")


def _plain(value):
    return stop_gradient(as_array(value)) if isinstance(value, (list, tuple)) else stop_gradient(value)


def _is_nothing(constants):
    constants = as_array(constants)
    return not is_traced(constants) and not np.any(constants)


def _widths(pad_width, ndim):
    widths = _of_axes(pad_width, ndim) if isinstance(pad_width, dict) else np.asarray(pad_width, int)
    return np.broadcast_to(widths, (ndim, 2))


def _of_axes(pad_width, ndim):
    widths = np.zeros((ndim, 2), int)
    for axis, width in pad_width.items():
        widths[axis] = width
    return widths


def _pair(values, x, axis):
    """Return the pair for an axis, of one value for all margins, one for each side or a pair for each axis."""
    return np.broadcast_to(as_array(values), (np.ndim(x), 2))[axis]


def _of(x, axis, width, value):
    """Return a margin so wide of a value, or of one for each line along the axis."""
    shape = (*np.shape(x)[:axis], width, *np.shape(x)[axis + 1 :])
    return np.broadcast_to(in_dtype(value, stop_gradient(x).dtype), shape)


def _first(x, axis, count):
    return x[along(np.ndim(x), axis, slice(count))]


def _last(x, axis, count):
    return x[along(np.ndim(x), axis, slice(np.shape(x)[axis] - count, None))]


def _with_constants(x, axis, width, constant_values):
    first, last = _pair(constant_values, x, axis)
    return np.concatenate([_of(x, axis, width[0], first), x, _of(x, axis, width[1], last)], axis=axis)


def _with_ramps(x, axis, width, end_values=0):
    """Return x with margins that go straight from the edges to two values at their ends."""
    edges = np.squeeze(_first(x, axis, 1), axis), np.squeeze(_last(x, axis, 1), axis)
    up, down = (
        in_dtype(np.linspace(end, edge, steps, endpoint=False, axis=axis), stop_gradient(x).dtype)
        for end, edge, steps in zip(_pair(end_values, x, axis), edges, width, strict=True)
    )
    return np.concatenate([up, x, reversed_along(down, axis)], axis=axis)


def _with_statistics(statistic, x, axis, width, stat_length=None):
    """Return x with margins of a statistic of the first and last elements of each line, or of the whole line."""
    n = np.shape(x)[axis]
    lengths = (n, n) if stat_length is None else [min(int(m), n) for m in _pair(stat_length, x, axis)]
    left = statistic(_first(x, axis, lengths[0]), axis=axis, keepdims=True)
    right = statistic(_last(x, axis, lengths[1]), axis=axis, keepdims=True)
    return np.concatenate([_of(x, axis, width[0], left), x, _of(x, axis, width[1], right)], axis=axis)


def _continued(with_edge, x, axis, width, reflect_type):
    """Return x reflected in the points at its edges: twice the element at an edge less what is reflected in it."""
    before, after = width
    if np.shape(x)[axis] == 1:
        return np.concatenate([_of(x, axis, before, x), x, _of(x, axis, after, x)], axis=axis)
    while before or after:
        n = np.shape(x)[axis]
        skipped = 0 if with_edge else 1
        left, right = min(before, n - skipped), min(after, n - skipped)
        at_left = x[along(np.ndim(x), axis, slice(skipped, skipped + left))]
        at_right = x[along(np.ndim(x), axis, slice(n - skipped - right, n - skipped))]
        x = np.concatenate(
            [
                2 * _first(x, axis, 1) - reversed_along(at_left, axis),
                x,
                2 * _last(x, axis, 1) - reversed_along(at_right, axis),
            ],
            axis=axis,
        )
        before, after = before - left, after - right
    return x


_WIDENED: Mapping[str, Callable[..., Any]] = {
    "constant": _with_constants,
    "linear_ramp": _with_ramps,
    "maximum": partial(_with_statistics, np.max),
    "minimum": partial(_with_statistics, np.min),
    "mean": partial(_with_statistics, np.mean),
    "median": partial(_with_statistics, np.median),
    "reflect": partial(_continued, False),
    "symmetric": partial(_continued, True),
}
"""What makes the margins along one axis, by the mode, where ``extended`` does not; the two of odd reflections."""


extended.samples(
    of_one_array(
        call((3, 4), pad_width=((1, 2), (0, 3)), mode="constant"),
        call((3, 4), pad_width=((2, 1), (2, 1)), mode="edge"),
        call((3, 4), pad_width=((2, 1), (0, 7)), mode="reflect"),
        call((4,), pad_width=((9, 9),), mode="symmetric"),
        call((3, 2), pad_width=((4, 5), (1, 0)), mode="wrap"),
        call((2, 0), pad_width=((1, 1), (1, 1)), mode="constant"),
        call((), pad_width=(), mode="constant"),
        call((2, 3), pad_width=((0, 0), (0, 0)), mode="edge"),
    )
)
pad.samples(
    of_one_array(
        call((3, 4), ((1, 2), (0, 3))),
        call((3, 4), 1, "constant", constant_values=2.5),
        call((3, 4), (2, 1), mode="edge"),
        call((4,), (1, 2), constant_values=(1.0, -1.0)),
        call((2, 3), ((1, 0), (2, 1)), constant_values=((1.0, 2.0), (3.0, 4.0))),
        call((3, 4), ((2, 1), (0, 7)), "reflect"),
        call((4,), 9, "symmetric"),
        call((3, 2), ((4, 5), (1, 0)), mode="wrap"),
        call((3,), 2, "reflect", reflect_type="even"),
        call((3, 2), ((2, 7), (1, 1)), "reflect", reflect_type="odd"),
        call((3,), (8, 2), "symmetric", reflect_type="odd"),
        call((3, 2), ((2, 1), (0, 2)), "linear_ramp", end_values=((0.5, -1.0), (2.0, 3.0))),
        call((3,), 2, "linear_ramp"),
        call((3, 4), ((1, 2), (2, 0)), "mean"),
        call((5,), (2, 1), "mean", stat_length=(2, 3)),
        call((3, 2), 1, "maximum"),
        call((5,), 2, "minimum", stat_length=2),
        call((4, 2), ((1, 1), (0, 0)), "median", stat_length=((3, 2), (1, 1))),
        call((2, 0), 1),
        call((1,), 3, "reflect"),
        call((1, 2), 3, "reflect", reflect_type="odd"),
        call((), 1),
        call((2, 3), 0, "edge"),
        call((2, 3, 2), ((1,), (0,), (2,)), mode="wrap"),
    )
)
if np.lib.NumpyVersion(np.__version__) >= "2.4.0":
    pad.samples(of_one_array(call((2, 3), {-1: (1, 2)}), call((2, 3), {0: 2}, mode="edge")))
else:
    pad.leave_unchecked("_of_axes", "before 2.4 NumPy may take no dictionary")
