"""Padding: an array with a margin, of constants, of its own elements, or of what is made of them.

Axis by axis, as NumPy does it: the margin along an axis is that of the array with its margins along those before.
"""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, composite, is_traced, primitive, stop_gradient
from opreg_numpy._axes import along, reversed_along, shape_of
from opreg_numpy._form import in_dtype
from opreg_numpy._samples import call, of_one_array
from opreg_numpy.indexing import scatter_add
from opreg_numpy.shapes import as_array

_STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


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
    constants = options.get("constant_values", 0)
    if mode == "empty" or (mode == "constant" and not is_traced(constants) and _is_nothing(constants)):
        return extended(array, pad_width=widths, mode="constant")
    for axis, (before, after) in enumerate(widths):
        if not (before or after):
            continue
        if mode == "constant":
            first, last = _pairs(constants, len(shape))[axis]
            margins = _of(array, axis, before, first), _of(array, axis, after, last)
        elif mode == "linear_ramp":
            ends = _pairs(options.get("end_values", 0), len(shape))[axis]
            margins = _ramps(array, axis, before, after, ends)
        elif mode in _STATISTICS:
            lengths = options.get("stat_length")
            lengths = (None, None) if lengths is None else _pairs(lengths, len(shape))[axis]
            margins = _statistics(array, axis, before, after, _STATISTICS[mode], lengths)
        else:
            array = _continued(array, axis, before, after, mode == "symmetric")
            continue
        array = np.concatenate([margins[0], array, margins[1]], axis=axis)
    return array


pad.leave_unchecked('mode == "empty"', "the values of such a margin are what the memory held")


def _plain(value):
    return stop_gradient(as_array(value)) if isinstance(value, (list, tuple)) else stop_gradient(value)


def _is_nothing(constants):
    plain = as_array(constants)
    return not is_traced(plain) and not np.any(plain)


def _widths(pad_width, ndim):
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        return widths
    return np.broadcast_to(np.asarray(pad_width, int), (ndim, 2))


def _pairs(values, ndim):
    """Return one value for all margins, one for each side or a pair for each axis, as a pair for each axis."""
    return np.broadcast_to(as_array(values), (ndim, 2))


def _of(x, axis, width, value):
    """Return a margin so wide of a value, or of one for each line along the axis."""
    shape = (*np.shape(x)[:axis], width, *np.shape(x)[axis + 1 :])
    return np.broadcast_to(in_dtype(value, stop_gradient(x).dtype), shape)


def _first(x, axis, count):
    return x[along(np.ndim(x), axis, slice(count))]


def _last(x, axis, count):
    return x[along(np.ndim(x), axis, slice(np.shape(x)[axis] - count, None))]


def _ramps(x, axis, before, after, ends):
    """Return margins that go straight from the edges to two values at their ends."""
    dtype = stop_gradient(x).dtype
    edges = np.squeeze(_first(x, axis, 1), axis), np.squeeze(_last(x, axis, 1), axis)
    up, down = (
        in_dtype(np.linspace(end, edge, width, endpoint=False, axis=axis), dtype)
        for end, edge, width in zip(ends, edges, (before, after), strict=True)
    )
    return up, reversed_along(down, axis)


def _statistics(x, axis, before, after, statistic, lengths):
    """Return margins of a statistic of the first and of the last elements of each line, or of the whole line."""
    n = np.shape(x)[axis]
    first, last = (n if length is None else min(int(length), n) for length in lengths)
    left, right = _first(x, axis, first), _last(x, axis, last)
    return (
        _of(x, axis, before, statistic(left, axis=axis, keepdims=True)),
        _of(x, axis, after, statistic(right, axis=axis, keepdims=True)),
    )


def _continued(x, axis, before, after, with_edge):
    """Return x reflected in the points at its edges: twice the element at an edge less what is reflected in it."""
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
if np.lib.NumpyVersion(np.__version__) >= "2.4.0":  # older ones may take no dictionary
    pad.samples(of_one_array(call((2, 3), {-1: (1, 2)}), call((2, 3), {0: 2}, mode="edge")))
