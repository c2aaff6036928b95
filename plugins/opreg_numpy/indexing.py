"""Indexing: what picks elements, and its transpose, which adds them up in their places.

Picking is linear: out = P a with a matrix P of zeros and ones. The cotangent of a is P^T g: each element of g is added
at the place that it was picked from, as often as it was picked.
"""

from __future__ import annotations

import operator
from math import prod

import numpy as np
from numpy.lib.array_utils import byte_bounds

from opreg import NotDifferentiable, Sample, is_traced, primitive, stop_gradient
from opreg_numpy._axes import along, shape_of
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT, composite
from opreg_numpy._samples import KINDS, call, complex_normal, fortran, normal, of_one_array, single, strided


@primitive("operator.getitem", aliases=("getitem",))
def getitem(a, /, *, key):
    """a[key], for every kind of index that NumPy has"""
    return a[key]


@primitive("opreg_numpy.indexing.scatter_add")
def scatter_add(x, /, *, key, shape):
    """The array z of this shape, zero but for z[key] += x, in which places that key names twice add up"""
    x = np.asarray(x)
    if isinstance(key, slice) and shape:
        return _between_zeros(x, key, shape)
    once, size = _names_each_place_once(key), prod(shape)
    if not once and x.dtype.char in "fdFD" and x.size > size // 8:
        places = _places(key, shape)
        _require_shape(x, places.shape)
        return _counted(x, places, size).reshape(shape)
    z = np.zeros(shape, x.dtype)
    _require_shape(x, _shape_at(z, key))
    if once:
        z[key] = x
    else:
        np.add.at(z, key, x)
    return z


def _between_zeros(x, key, shape):
    """Return the array of this shape that has x where the slice picks rows, zeros elsewhere: written once each."""
    first, behind, step = key.indices(shape[0])
    z = np.empty(shape, x.dtype) if step == 1 else np.zeros(shape, x.dtype)
    place = z[key]
    _require_shape(x, place.shape)
    place[...] = x
    if step == 1:
        z[:first] = 0
        z[behind:] = 0
    return z


def _require_shape(x, shape):
    """Raise unless x is of this shape: NumPy would broadcast it, and then its transpose would have to sum."""
    if x.shape != shape:
        raise ValueError(f"an array of shape {shape} is due at these places, not of {x.shape}")


def _shape_at(z, key):
    """Return the shape of z[key]; of a mask without picking what it names."""
    if isinstance(key, np.ndarray) and key.dtype == bool and key.shape == z.shape[: key.ndim]:
        return (np.count_nonzero(key), *z.shape[key.ndim :])
    return z[key].shape


def _places(key, shape):
    """Return the number of each place that an index names, counted in C order."""
    in_line = isinstance(key, np.ndarray) and key.dtype == np.intp and len(shape) == 1
    if in_line and key.size and 0 <= np.min(key) <= np.max(key) < shape[0]:
        return key
    return np.arange(prod(shape)).reshape(shape)[key]


def _counted(x, places, size):
    """Return the sum of the elements of x for each place: ``np.bincount`` is several times faster than ``np.add.at``"""
    places, x = places.ravel(), x.ravel()
    if x.dtype.kind == "c":
        total = np.bincount(places, x.real, size) + 1j * np.bincount(places, x.imag, size)
    else:
        total = np.bincount(places, x, size)
    return total.astype(x.dtype, copy=False)


def _names_each_place_once(key):
    """Tell whether an index is made of integers, slices, None and Ellipsis, or is one mask of booleans."""
    if isinstance(key, tuple):
        return all([part is None or part is Ellipsis or isinstance(part, _ONE) for part in key])
    if isinstance(key, np.ndarray):
        return key.dtype == bool
    return key is None or key is Ellipsis or isinstance(key, _ONE)


_ONE = (int, slice, np.integer)


getitem.returns_view()
getitem.deflinear(a=lambda g, residual, key: scatter_add.bind(g, key=key, shape=residual))
getitem.residual_of(shape_of)
scatter_add.deflinear(x=lambda g, key: g[key])


@primitive("opreg_numpy.indexing.replace")
def replace(x, value, /, *, key):
    """x with the elements x[key] replaced by value, of the same shape and dtype: what x[key] = value makes of it

    Of values for the same place the last one counts.
    """
    x, value = _copied(np.asarray(x)), np.asarray(value)
    _require_shape(value, x[key].shape)
    if value.dtype != x.dtype:
        raise TypeError(f"values of {x.dtype} are due, not of {value.dtype}")
    x[key] = value
    return x


def _copied(x):
    """Return a copy that lies in memory as x does, with gaps and reversed axes: then its views are those of x."""
    copy = np.array(x)
    if copy.strides == x.strides or 0 in x.strides or not x.size:
        return copy
    first, behind = byte_bounds(x)
    room = np.empty(behind - first, np.uint8)
    copy = np.ndarray(x.shape, x.dtype, room, x.__array_interface__["data"][0] - first, x.strides)
    copy[...] = x
    return copy


def _chosen(g, key, shape):
    """g[key], less what another value for the same place has replaced"""
    chosen = g[key]
    if _names_each_place_once(key):
        return chosen
    number = np.arange(np.size(stop_gradient(chosen))).reshape(np.shape(chosen))
    last = np.empty(shape, int)
    last[key] = number
    return np.where(last[key] == number, chosen, 0)


def _zeros_of(a, key):
    plain = stop_gradient(a)
    return np.zeros(plain[key].shape, plain.dtype)


def _into_zeros(t, x, key):
    plain = stop_gradient(x)
    return replace(np.zeros(plain.shape, plain.dtype), t, key=key)


replace.defvjp(
    x=lambda g, key: replace(g, _zeros_of(g, key), key=key),
    value=lambda g, residual, key: _chosen(g, key, residual),
).defjvp(x=lambda t, key: replace(t, _zeros_of(t, key), key=key), value=_into_zeros)
replace.residual_of(lambda x, value: np.shape(x))


@primitive("numpy.take", aliases=("take",))
def take(a, /, *, indices, axis=None, mode="raise"):
    """a[..., indices, ...], the indices along one axis or, with none, into the flattened array"""
    return np.take(a, indices, axis=axis, mode=mode)


def _take_key(indices, axis, mode, shape):
    """Return the index that picks what ``take`` does, and the shape of the array in which it does."""
    places = np.asarray(indices).astype(np.intp)  # of a list it reads True as the place 1, and 1.0 too
    if axis is None:
        axis, shape = 0, (prod(shape),)
    axis = operator.index(axis) % max(len(shape), 1)
    shape = shape or (1,)
    if mode == "wrap":
        places = places % shape[axis]
    elif mode == "clip":
        places = np.clip(places, 0, shape[axis] - 1)
    return along(len(shape), axis, places), shape


def _take_transposed(g, residual, indices, axis, mode):
    if not np.size(g):  # NumPy takes places that an empty array does not have
        return np.zeros(residual, np.result_type(g))
    key, shape = _take_key(indices, axis, mode, residual)
    return np.reshape(scatter_add(g, key=key, shape=shape), residual)


take.deflinear(a=_take_transposed)
take.residual_of(shape_of)


take.called_like(lambda a, indices, axis=None, out=None, mode="raise": ..., **NO_OUT)


@primitive("numpy.take_along_axis", aliases=("take_along_axis",))
def take_along_axis(arr, /, *, indices, axis=-1):
    """arr[i, indices[i, j, k], k] along one axis, the other axes matched and broadcast"""
    return np.take_along_axis(arr, indices, axis=axis)


def _along_axis_key(indices, axis, shape):
    axis %= len(shape)
    return tuple(
        indices if i == axis else np.arange(n).reshape((1,) * i + (n,) + (1,) * (len(shape) - 1 - i))
        for i, n in enumerate(shape)
    )


def _take_along_axis_transposed(g, residual, indices, axis):
    if axis is None:
        flat = (prod(residual),)
        return np.reshape(scatter_add(g, key=(np.asarray(indices),), shape=flat), residual)
    return scatter_add(g, key=_along_axis_key(np.asarray(indices), axis, residual), shape=residual)


take_along_axis.deflinear(arr=_take_along_axis_transposed)
take_along_axis.residual_of(shape_of)


@composite("numpy.diff")
def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    """The n-th difference a[i+1] - a[i] along an axis, after joining on what is to come before and behind"""
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    if n == 0:
        return a
    ndim = np.ndim(a)
    if ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = range(ndim)[axis]
    ends = [
        np.broadcast_to(end, (*np.shape(a)[:axis], 1, *np.shape(a)[axis + 1 :])) if np.ndim(end) == 0 else end
        for end in (prepend, append)
        if end is not np._NoValue
    ]
    if ends:
        parts = [ends[0], a] if prepend is not np._NoValue else [a]
        a = np.concatenate(parts + ends[-1:] if append is not np._NoValue else parts, axis)
    upper, lower = along(ndim, axis, slice(1, None)), along(ndim, axis, slice(None, -1))
    for _ in range(n):
        a = a[upper] - a[lower]
    return a


@composite("numpy.compress", **NO_OUT)
def compress(condition, a, axis=None, out=None):
    """The slices of a along an axis at which the condition holds"""
    length = np.size(a) if axis is None else np.shape(a)[axis]
    return np.take(a, np.compress(stop_gradient(condition), np.arange(length)), axis=axis)


@composite("numpy.extract")
def extract(condition, arr):
    """The elements of the flattened array at which the flattened condition holds"""
    return np.take(np.ravel(arr), np.flatnonzero(stop_gradient(condition)))


@composite("numpy.delete", static=("obj",))
def delete(arr, obj, axis=None):
    """The array without the elements at these places along an axis, or of the flattened array"""
    length = np.size(arr) if axis is None else np.shape(arr)[axis]
    kept = np.take(arr, np.delete(np.arange(length), obj), axis=axis)
    return np.copy(kept, order=_order_of(arr)) if axis is not None else kept


def _order_of(arr):
    """Return the order in which NumPy lays the result of deleting and inserting."""
    return "F" if np.asarray(stop_gradient(arr)).flags.fnc else "C"


@composite("numpy.insert", static=("obj",))
def insert(arr, obj, values, axis=None):
    """The array with values put in before these places along an axis, or of the flattened array"""
    plain = np.asarray(stop_gradient(arr))
    if is_traced(values) and plain.dtype.kind not in "fc":
        raise NotDifferentiable(
            f"numpy.insert would cut values to the type {plain.dtype} of the array, and so have no derivative: write "
            "arr.astype(float)"
        )
    size = plain.size
    numbers = np.insert(
        np.arange(size).reshape(plain.shape),
        obj,
        size + np.arange(np.size(values)).reshape(np.shape(values)),
        axis=axis,
    )
    fitting = np.array(stop_gradient(values), plain.dtype)  # raises for a complex number among real ones
    values = np.astype(values, plain.dtype) if is_traced(values) else fitting
    joined = np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.copy(np.take(joined, numbers), order=_order_of(plain))


@composite("numpy.ediff1d")
def ediff1d(ary, to_end=None, to_begin=None):
    """The differences of the flattened array, between what is to come before and behind"""
    dtype = form_of(ary).dtype
    np.ediff1d(np.zeros(0, dtype), stop_gradient(to_end), stop_gradient(to_begin))  # raises for other types
    parts = [np.ravel(part) for part in (to_begin, np.diff(np.ravel(ary)), to_end) if part is not None]
    return np.concatenate([np.astype(part, dtype) for part in parts])


@composite("numpy.resize")
def resize(a, new_shape):
    """The elements, from the beginning again as often as it takes, in another shape"""
    count, size = int(np.prod(new_shape)), np.size(a)
    if size == 0 or np.min(new_shape, initial=0) < 0:
        return np.resize(stop_gradient(a), new_shape)
    return np.reshape(np.take(np.ravel(a), np.arange(count) % size), new_shape)


@composite("numpy.select")
def select(condlist, choicelist, default=0):
    """The element of the first choice whose condition holds, else the default"""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not condlist:
        raise ValueError("select with an empty condition list is not possible")
    if any(form_of(stop_gradient(condition)).dtype != bool for condition in condlist):
        np.select(stop_gradient(condlist), [0] * len(condlist))  # raises
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = np.where(stop_gradient(condition), choice, chosen)
    dtype = np.result_type(*(_weakly_typed(choice) for choice in (*choicelist, default)))
    chosen = np.astype(chosen, dtype)
    return np.copy(chosen, order="C") if chosen.flags.fnc else chosen


@composite("numpy.choose", **NO_OUT)
def choose(a, choices, out=None, mode="raise"):
    """choices[a[i]][i]: from each choice, broadcast, the elements where a names it"""
    which = np.choose(stop_gradient(a), range(len(choices)), mode=mode)
    shape = np.broadcast_shapes(np.shape(which), *(np.shape(choice) for choice in choices))
    dtype = np.result_type(*(_weakly_typed(choice) for choice in choices))
    stacked = np.stack([np.astype(np.broadcast_to(choice, shape), dtype) for choice in choices])
    return np.take_along_axis(stacked, np.broadcast_to(which, shape)[None], axis=0)[0]


def _weakly_typed(x):
    """Return the type of an array, or a Python number itself: beside arrays it takes on their precision."""
    plain = stop_gradient(x)
    return plain if isinstance(plain, (bool, int, float, complex)) else form_of(plain).dtype


@primitive("opreg_numpy.indexing.embed_diagonal")
def embed_diagonal(x, /, *, offset, shape):
    """The stack of matrices of this shape whose diagonals are x, the last axis, and zero elsewhere"""
    z, key = np.zeros(shape, x.dtype), diagonal_key(offset, shape)
    _require_shape(x, z[key].shape)
    z[key] = x
    return z


def diagonal_key(offset, shape):
    """Return the index that picks the diagonals of a stack of matrices: they become the last axis."""
    rows, columns = shape[-2:]
    count = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    steps = np.arange(count)
    return ..., steps + max(-offset, 0), steps + max(offset, 0)


embed_diagonal.deflinear(x=lambda g, offset: np.diagonal(g, offset, -2, -1))


# ---------------------------------------------------------------------------------------------------- samples
_KEYS = {
    "an integer": 1,
    "a negative integer": -2,
    "NumPy's integer": np.int64(2),
    "a slice": slice(1, None),
    "a slice with a step": slice(None, None, 2),
    "a negative step": slice(None, None, -1),
    "an empty slice": slice(2, 2),
    "new axis": None,
    "ellipsis": ...,
    "ellipsis and integer": (..., 1),
    "integers and a slice": (2, slice(0, 2), -1),
    "new axes between": (None, slice(1, 3), None, 0),
    "the empty tuple": (),
    "an integer array with duplicates": np.array([0, 2, 2, -1]),
    "a list": [1, 1, 0],
    "a matrix of indices": np.array([[0, 3], [3, 3]]),
    "no index": np.array([], int),
    "two arrays that broadcast": (np.array([[0], [1]]), np.array([2, 0, 0])),
    "arrays apart, a slice between": (np.array([1, 1]), slice(None), np.array([0, 1])),
    "array, slice with step, ellipsis": (np.array([0, 0, 3]), slice(None, None, -2), ...),
    "array and integer": (slice(None), np.array([2, 2, 1]), 1),
    "a mask over one axis": np.array([True, False, True, True]),
    "a mask over two axes": np.arange(12).reshape(4, 3) % 5 > 1,
    "a mask and a slice": (slice(1, 3), np.array([False, True, True])),
    "a mask of nothing": np.zeros(4, bool),
    "True": True,
}


@getitem.samples
def _(rng):
    for note, key in _KEYS.items():
        yield Sample((normal(rng, (4, 3, 2)), key), note=note)
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (4, 3)), (slice(None, 0, -2), [1, 1])), note=kind)
    yield Sample((normal(rng), ()), note="0-d")
    yield Sample((normal(rng), None), note="0-d, a new axis")
    yield Sample((normal(rng, (0, 3)), (slice(None), 1)), note="size 0")
    yield Sample((normal(rng, (1,)), 0), note="size 1")


@scatter_add.samples
def _(rng):
    for key in (
        2,
        slice(None, None, -2),
        np.array([1, 1, 0, 1]),
        (slice(None), np.array([2, 2])),
        (..., None, 0),
    ):
        for draw in (normal, complex_normal):
            shape = np.empty((4, 3))[key].shape
            yield Sample((draw(rng, shape),), {"key": key, "shape": (4, 3)})
    mask = np.array([True, False, True, True])
    yield Sample((single(rng, (3, 3)),), {"key": mask, "shape": (4, 3)})
    yield Sample((strided(normal(rng, (2, 3))),), {"key": np.array([[0, 1, 1], [4, 4, 4]]), "shape": (5,)})
    yield Sample((normal(rng, (0,)),), {"key": np.array([], int), "shape": (3,)})


@replace.samples
def _(rng):
    for note, key in _KEYS.items():
        shape = np.shape(getitem.forward(np.zeros((4, 3, 2)), key=key))
        yield Sample((normal(rng, (4, 3, 2)), normal(rng, shape)), {"key": key}, note=note)
    yield Sample((complex_normal(rng, (4, 3)), complex_normal(rng, (3,))), {"key": -2}, note="complex")
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (4, 3)), draw(rng, (2, 3))), {"key": slice(None, None, 2)}, note=kind)
    yield Sample(
        (normal(rng, (3,)), normal(rng, (4,))), {"key": np.array([2, 0, 2, 2])}, note="places named twice"
    )
    yield Sample((normal(rng), normal(rng)), {"key": ()}, note="0-d")
    yield Sample((single(rng, (3,)), single(rng, (2,))), {"key": [0, 2]}, note="float32")
    yield Sample((normal(rng, (0, 3)), normal(rng, (0,))), {"key": (slice(None), 1)}, note="size 0")


_PLACES = np.array([[0, 2, 2], [1, -1, 0]])

_NONE = np.array([], int)

take.samples(
    of_one_array(
        call((4, 3, 2), [0, 2, 2, 1], axis=0),
        call((4, 3), _PLACES, axis=-1),
        call((4, 3), _PLACES),
        call((4, 3), 2),
        call((4, 3), 1, axis=-2),
        call((4, 3), [7, -5, 1], axis=1, mode="wrap"),
        call((4, 3), [7, -5, 1], 0, None, "clip"),
        call((4, 3), [25, -9], mode="clip"),
        call((4,), _NONE, axis=0),
        call((0, 3), [0, 0], axis=1),
        call((), [0, 0]),
        call((), [0, 0], axis=0),
        call((1,), [[0]]),
        call((4, 3), [True, False, True], axis=1),
        call((4,), True),
        call((4,), [2.0, 0.0]),
    )
)

take_along_axis.samples(
    of_one_array(
        call((2, 3), _PLACES, axis=1),
        call((2, 3), _PLACES[:, :1], axis=0),
        call((2, 3), _PLACES[:1], axis=-1),
        call((6,), np.array([5, 5, 0]), axis=None),
        call((2, 3), np.array([5, 5, 0]), axis=None),
        call((1, 4), _PLACES, axis=-1),
        call((2, 3, 2), np.ones((2, 1, 2), int), 1),
        call((3,), _NONE, axis=0),
    )
)

diff.samples(
    of_one_array(
        call((4, 3)),
        call((4, 3), axis=0),
        call((4, 3), n=2, axis=-2),
        call((5,), 3),
        call((2,), n=3),
        call((3,), n=0),
        call((0,)),
        call((1, 2)),
        call((4,), prepend=0.5),
        call((4, 3), append=2.0, axis=0),
        call((4,), prepend=0.5, append=1.5),
        call((2, 3), 2, 1, np.ones((2, 2)), np.zeros((2, 1))),
    )
)


delete.samples(
    of_one_array(
        call((3, 4), 1, axis=0),
        call((3, 4), [0, 5]),
        call((3, 4), slice(None, None, 2), axis=-1),
        call((4,), np.array([True, False, True, False])),
        call((4,), [], axis=0),
        call((1,), 0),
    )
)
ediff1d.samples(
    lambda rng: [Sample((single(rng, (3,)), 0.7, normal(rng, (1,))), note="float32, float64 ends")]
)
ediff1d.samples(
    of_one_array(
        call((3, 2)),
        call((4,), 1.5),
        call((3,), to_begin=np.array([0.5, 1.5]), to_end=2.5),
        call((1,)),
        call((0,)),
    )
)
resize.leave_unchecked("np.min(new_shape, initial=0) < 0", "then NumPy raises")
resize.samples(
    of_one_array(call((2, 3), (2, 4)), call((3,), 2), call((2, 2), (3, 3)), call((), (2,)), call((0,), (2,)))
)


@compress.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample(([True, False, True], draw(rng, (3, 4))), {"axis": 0}, note=kind)
    yield Sample(([False, True], normal(rng, (3, 4))), {"axis": -1}, note="a short condition")
    yield Sample(([1, 0, 0, 1, 1], normal(rng, (3, 4))), note="flattened")
    yield Sample(([False, False], normal(rng, (2, 3)), 0), note="nothing left")


@insert.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 4)), [0, 2, 2], draw(rng, (3, 4))), {"axis": 0}, note=kind)
        yield Sample((draw(rng, (3, 4)), 1, draw(rng, (2, 3))), {"axis": 1}, note=f"one place, {kind}")
    x = normal(rng, (3,))
    for obj, values in (
        (1, normal(rng, (2,))),
        (-1, 2.5),
        ([2], normal(rng, (2,))),
        ([0, 3, 1], normal(rng, (3,))),
        ([1, 1], normal(rng)),
        (slice(None, None, 2), normal(rng, (2,))),
        ([], normal(rng, (0,))),
        (0, x),
        (0, np.arange(2)),
    ):
        yield Sample((x, obj, values), note=f"{obj}")
    yield Sample((normal(rng, (2, 3)), 4, normal(rng, (2,))), note="of the flattened array")
    yield Sample((normal(rng, (2, 3)), [1, 3], normal(rng, (2, 1)), -1), note="broadcasting")
    yield Sample((normal(rng, (2, 3)), -1, normal(rng, (3,)), -2), note="a row")
    yield Sample((normal(rng, (2, 3, 2)), [0, 2], normal(rng, (2,)), 1), note="broadcasting")
    yield Sample((single(rng, (3,)), 1, normal(rng)), note="float64 into float32")
    yield Sample((complex_normal(rng, (3,)), 1, normal(rng)), note="real into complex")
    yield Sample((normal(rng, (0,)), 0, 1.5), note="into nothing")
    if np.lib.NumpyVersion(np.__version__) >= "2.4.0":  # older ones may take truth values for 0 and 1
        yield Sample((x, np.array([True, False, True]), normal(rng, (2,))), note="a mask")


@extract.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((np.arange(12).reshape(3, 4) % 3 == 0, draw(rng, (3, 4))), note=kind)
    yield Sample(([True, False, True], normal(rng, (5,))), note="a short condition")
    yield Sample((np.zeros(3, bool), normal(rng, (3,))), note="nothing left")


@select.samples
def _(rng):
    a, b = np.arange(3) > 0, np.arange(12).reshape(4, 3) % 2 == 0
    for kind, draw in KINDS.items():
        yield Sample(([b, b], [draw(rng, (4, 3)), draw(rng, (4, 3))], draw(rng, (4, 3))), note=kind)
    yield Sample(([a, b], [normal(rng, (4, 1)), normal(rng, (3,))]), note="broadcasting, default 0")
    yield Sample(([a, b], [normal(rng, (3,)), np.ones(3)]), {"default": 2.5}, note="a scalar default")
    x = normal(rng, (3,))
    yield Sample(([a, ~a], [x, x], x), note="the same array")
    yield Sample(([fortran(b)], [fortran(normal(rng, (4, 3)))]), note="Fortran order")
    yield Sample(([a, ~a], [single(rng, (3,)), 2.5]), note="float32 and a Python float")


select.leave_unchecked("np.select(stop_gradient(condlist)", "it raises, as NumPy does")


@choose.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((np.array([0, 1, 1]), [draw(rng, (2, 3)), draw(rng, (2, 3))]), note=kind)
    yield Sample(
        (np.array([[0], [2]]), [normal(rng, (3,)), normal(rng), normal(rng, (1, 3))]), note="broadcasting"
    )
    yield Sample((np.array([3, -1, 0]), [normal(rng, (3,)), normal(rng, (3,))]), {"mode": "wrap"})
    yield Sample((np.array([3, -1, 0]), [normal(rng, (3,)), normal(rng, (3,))]), {"mode": "clip"})
    yield Sample((np.zeros((0,), int), [normal(rng, (1,)), normal(rng, (1,))]), note="size 0")
    yield Sample((np.array([False, True]), [normal(rng, (2,)), normal(rng, (2,))]), note="truth values")
    yield Sample(([1, 0], [single(rng, (2,)), 2.5]), note="float32 and a Python float")
    yield Sample((1, [normal(rng), normal(rng)]), note="0-d")


@embed_diagonal.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (2, 3)),), {"offset": 0, "shape": (2, 3, 4)}, note=kind)
    yield Sample((normal(rng, (2,)),), {"offset": 2, "shape": (3, 4)})
    yield Sample((normal(rng, (3,)),), {"offset": -1, "shape": (4, 4)})
    yield Sample((normal(rng, (0,)),), {"offset": 7, "shape": (4, 4)})


# -------------------------------------------------------------------------------------------- what no sample need show
for _change in (
    "part is None or part is Ellipsis or isinstance(part, _ONE) -> ...",
    "key is None or key is Ellipsis or isinstance(key, _ONE) -> ...",
):
    replace.waive_mutant(
        "value", _change, "to take a key for one that may name a place twice costs time alone"
    )
for _change in "operator.index(axis) % max(len(shape), 1) -> ...", "operator.index(axis) -> axis":
    take.waive_mutant("a", _change, "an axis counted from the end is the same axis")
for _change in "0 -> 1", "1 -> 2":
    take.waive_mutant("a", _change, "an array of one axis has no other")
take_along_axis.waive_mutant(
    "arr", "(1,) * i + (n,) -> (n,)", "leading axes of length one are broadcast anyway"
)
