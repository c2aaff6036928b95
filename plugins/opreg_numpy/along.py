"""Functions that call a function: on the lanes of an array, over several axes, on pieces of an array, on indices.

What they call computes with traced values, so that they need no rules but those of what joins the results.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from opreg import NotDifferentiable, Sample, is_traced, stop_gradient
from opreg_numpy._axes import laid_as
from opreg_numpy._rules import composite
from opreg_numpy._samples import KINDS, complex_normal, normal, single
from opreg_numpy.shapes import asarray


def _stored(name, value, dtype):
    """Return a value as an array of a type, as NumPy stores it; refuse a traced one where that cuts it to integers."""
    value = asarray.body(value)
    if is_traced(value) and dtype.kind not in "fc":
        raise NotDifferentiable(
            f"{name} would cut a traced value to the type {dtype}, in which its result is, and so lose its derivative: "
            "make that of type float, for example by x.astype(float)"
        )
    return np.astype(value, dtype)


@composite("numpy.apply_along_axis")
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """The function of each lane along an axis: its results, of any shape, lie in the place of the lanes"""
    arr = asarray.body(arr)
    ndim = np.ndim(arr)
    axis = normalize_axis_index(axis, ndim)
    lanes = np.moveaxis(arr, axis, -1)
    places = list(np.ndindex(np.shape(lanes)[:-1]))
    if not places:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    found = [asarray.body(func1d(lanes[place], *args, **kwargs)) for place in places]
    first = stop_gradient(found[0])
    stacked = np.stack([_stored("numpy.apply_along_axis", part, first.dtype) for part in found])
    results = np.reshape(stacked, (*np.shape(lanes)[:-1], *first.shape))
    return np.moveaxis(results, range(ndim - 1, ndim - 1 + first.ndim), range(axis, axis + first.ndim))


@composite("numpy.apply_over_axes")
def apply_over_axes(func, a, axes):
    """The function of the array and each of these axes in turn, the axes kept"""
    a = asarray.body(a)
    ndim = np.ndim(a)
    for axis in np.ravel(axes):
        found = func(a, int(axis) + ndim if axis < 0 else int(axis))
        if np.ndim(found) == np.ndim(a) - 1:
            found = np.expand_dims(found, int(axis) % ndim)
        if np.ndim(found) != np.ndim(a):
            raise ValueError("function is not returning an array of the correct shape")
        a = found
    return a


@composite("numpy.piecewise")
def piecewise(x, condlist, funclist, *args, **kw):
    """The functions, or numbers, of the elements for which the conditions hold: the last one that does, else 0"""
    x = asarray.body(x)
    plain = stop_gradient(x)
    shape, dtype = np.shape(plain), np.result_type(plain)
    masks = _masks(stop_gradient(condlist), len(shape), len(funclist))
    parts, numbers, count = [np.zeros(1, dtype)], np.zeros(shape, int), 1
    for mask, function in zip(masks, funclist, strict=True):
        places = np.shape(numbers[mask])
        if callable(function):
            values = function(x[mask], *args, **kw) if np.prod(places) else np.zeros(places)
        else:
            values = function
        values = _stored("numpy.piecewise", values, dtype)
        numbers[mask] = np.broadcast_to(count + np.arange(np.size(values)).reshape(np.shape(values)), places)
        parts.append(np.ravel(values))
        count += np.size(values)
    found = np.take(np.concatenate(parts), np.ravel(numbers))
    return laid_as(np.reshape(found, shape), plain) if shape else np.reshape(found, ())


def _masks(condlist, ndim, count):
    """Return the conditions as masks, one for each of so many functions: what no other holds for is for the last."""
    if np.isscalar(condlist) or (ndim and not isinstance(condlist[0], (list, np.ndarray))):
        condlist = [condlist]
    masks = np.asarray(condlist, bool)
    if len(masks) == count - 1:
        return np.concatenate([masks, ~np.any(masks, axis=0, keepdims=True)])
    if len(masks) != count:
        n = len(masks)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    return masks


@composite("numpy.fromfunction")
def fromfunction(function, shape, *, dtype=float, like=None, **kwargs):
    """The function of the indices of an array of this shape"""
    if like is not None:
        raise NotDifferentiable("numpy.fromfunction: like= is not supported where a result is differentiated")
    return function(*np.indices(shape, dtype=dtype), **kwargs)


fromfunction.leave_unchecked("like", "it is refused: it asks for an array of another library")


# ---------------------------------------------------------------------------------------------------- samples
def _lane_norm(x, scale=1.0, *, shift=0.0):
    return np.sum(scale * x * x) + shift


def _lane_square(x):
    return np.outer(x, np.sin(x))


def _two_numbers(x):
    return [np.sum(x), np.prod(x)]


@apply_along_axis.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((np.cumsum, 0, draw(rng, (3, 4))), note=kind)
    for axis in (0, 1, -1, -2):
        yield Sample((_lane_square, axis, normal(rng, (2, 3, 1))), note="matrices of lanes")
        yield Sample((_lane_norm, axis, normal(rng, (1, 3, 2))), note="numbers of lanes")
    yield Sample((_lane_norm, 0, normal(rng, (3, 2)), 1.5), {"shift": 0.5}, note="more arguments")
    yield Sample((_two_numbers, 0, normal(rng, (3, 2))), note="a list of each lane")
    yield Sample((np.sort, 0, normal(rng, (3,))), note="one lane")
    yield Sample((_lane_norm, -1, single(rng, (2, 3))), note="float32")
    yield Sample((_lane_norm, 0, normal(rng, (0, 2))), note="empty lanes")
    yield Sample((_lane_norm, 0, normal(rng, (1, 1))), note="size 1")


@apply_over_axes.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((np.sum, draw(rng, (2, 3, 4)), [0, 2]), note=kind)
    yield Sample((np.sum, normal(rng, (2, 3)), 1), note="one axis")
    yield Sample((np.mean, normal(rng, (2, 3, 4)), (-1, 0)), note="negative axes")
    yield Sample((np.cumsum, normal(rng, (2, 3)), [0, 1]), note="all axes stay")
    yield Sample((np.prod, normal(rng, (1, 0)), [0]), note="empty")


def _parabola(x, scale=1.0, *, shift=0.0):
    return scale * x * x + shift


@piecewise.samples
def _(rng):
    rows, columns = np.indices((3, 4))
    masks = [(rows + columns) % 3 == 0, (rows + columns) % 3 == 1]
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 4)), masks, [np.sin, _parabola]), note=kind)
        yield Sample((draw(rng, (3, 4)), masks, [1.5, _parabola, np.cos]), note=f"{kind}, an otherwise")
    yield Sample((normal(rng, (3, 4)), masks, [2, _parabola], 1.5), {"shift": 0.5}, note="more arguments")
    yield Sample((normal(rng, (3, 4)), [rows > 0, columns > 1], [np.sin, np.cos]), note="the last one counts")
    yield Sample((normal(rng, (4,)), np.arange(4) % 3 == 0, [np.sin, np.cos]), note="one condition")
    yield Sample(
        (normal(rng, (4,)), [True, False, False, True], [np.sin, np.cos]), note="a list of truth values"
    )
    yield Sample((normal(rng, (3, 2)), [np.array([True, False, True])], [np.sin, np.cos]), note="rows")
    yield Sample((normal(rng), [True], [np.sin]), note="0-d")
    yield Sample((normal(rng), [False, True], [np.sin, np.cos]), note="0-d")
    yield Sample((1.5, False, [np.sin, np.cos]), note="a Python number")
    yield Sample((single(rng, (3,)), [np.array([True, False, False])], [1.5, np.cos]), note="float32")
    yield Sample((normal(rng, (3,)), [np.zeros(3, bool)], [np.sin]), note="nowhere")
    yield Sample((normal(rng, (0,)), [np.zeros(0, bool)], [np.sin, 2.5]), note="size 0")
    yield Sample(
        (normal(rng, (4,)), [np.arange(4) < 2], [normal(rng, (2,)), np.sum]), note="an array, and one number"
    )


def _sloped(i, j, *, slope=1.0, start=0.0):
    return start + slope * i - j


@fromfunction.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((_sloped, (2, 3)), {"slope": draw(rng, (2, 1)), "start": draw(rng, (3,))}, note=kind)
    yield Sample((_sloped, (2, 3)), {"slope": 1.5, "dtype": int}, note="integers")
    yield Sample((_sloped, (0, 3)), {"slope": complex_normal(rng)}, note="empty")
