"""Axes: the one place that knows how a reduced axis is named, kept, counted and given back.

Everything here works on traced values too, and is differentiated through the primitives that it calls.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

Axis: TypeAlias = int | tuple[int, ...] | None
Shape: TypeAlias = tuple[int, ...]


def shape_of(x: Any) -> Shape:
    """Return the shape of an array, a Python number or a traced value: ``np.shape``, without its dispatch."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


def normalised(axis: Axis, ndim: int) -> Shape:
    """Return the axes as non-negative integers: all of them for ``None``, none for the empty tuple."""
    if axis is None:
        return tuple(range(ndim))
    return (normalize_axis_index(axis, ndim),) if type(axis) is int else normalize_axis_tuple(axis, ndim)


def kept(shape: Shape, axis: Axis) -> Shape:
    """Return the shape of a reduction with ``keepdims=True``: one in the place of each reduced axis."""
    found = list(shape)
    for i in (axis,) if type(axis) is int else normalised(axis, len(shape)):
        found[i] = 1
    return tuple(found)


def expanded(g: Any, shape: Shape, axis: Axis) -> Any:
    """Return a reduced array, ``keepdims`` or not, so that it broadcasts to ``shape``: with axes of length one."""
    if not g.shape:
        return g
    target = kept(shape, axis)
    return g if g.shape == target else g.reshape(target)


def spread(g: Any, shape: Shape, axis: Axis, where: Any = True) -> Any:
    """Return a cotangent given to every element that was reduced, 0 to those that a mask leaves out.

    It is the adjoint of a sum over ``axis``. The view is what ``np.broadcast_to`` gives, in an eighth of its time.
    """
    plain = isinstance(g, np.generic)
    if not plain:
        g = expanded(g, shape, axis)
        plain = type(g) is np.ndarray and g.flags.c_contiguous
    if g.shape == shape:
        found = g
    elif plain:
        steps = [0] * len(shape)
        for i, n in enumerate(g.shape):
            if n != 1:
                steps[i] = g.strides[i]
        found = np.ndarray(shape, g.dtype, g, 0, steps)
        found.setflags(write=False)
    else:
        found = np.broadcast_to(g, shape)
    return found if where is True else np.where(where, found, 0.0)


def count(shape: Shape, axis: Axis, where: Any = True) -> Any:
    """Return how many elements a reduction takes in: a number, or with a mask an array as of ``keepdims``."""
    if where is True:
        return prod(map(shape.__getitem__, normalised(axis, len(shape))))
    return np.count_nonzero(np.broadcast_to(where, shape), axis=normalised(axis, len(shape)), keepdims=True)


def as_scalar(x: Any) -> Any:
    """Return an array without axes as NumPy's functions of arrays return one: as a scalar, which nothing changes."""
    return x if np.ndim(x) else x[()]


def as_zero_dimensional(x: Any) -> Any:
    """Return a number as a new array without axes, into which one may write: reshaped to () it would stay a number."""
    return np.reshape(x, (1,))[0, ...]


def along(ndim: int, axis: int, index: Any) -> tuple[Any, ...]:
    """Return the index that applies ``index`` to one axis and takes the others whole."""
    return (*(slice(None),) * (axis % ndim), index)


def laid_as(x: Any, a: Any) -> Any:
    """Return ``x`` with its axes in the order in which those of ``a`` lie, as what NumPy makes of a copy of ``a``."""
    if np.ndim(x) < 2 or a.flags.c_contiguous:
        return x
    order = np.argsort([-abs(step) for step in a.strides], kind="stable")
    return np.transpose(np.copy(np.transpose(x, order), order="C"), np.argsort(order))


def reversed_along(x: Any, axis: int) -> Any:
    """Return ``x`` with the order of its elements along ``axis`` reversed."""
    return x[along(np.ndim(x), axis, slice(None, None, -1))]
