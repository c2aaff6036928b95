"""Shapes: what rearranges, repeats or pads the elements of an array.

Each of these is linear, out = P a with a matrix P of zeros and ones; the cotangent of a is P^T g. The rules know of the
primal only its shape (``residual``), so the tape does not keep the array.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from opreg import Sample, is_traced, primitive, stop_gradient
from opreg_numpy._axes import along, as_zero_dimensional, shape_of
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT, composite
from opreg_numpy._samples import KINDS, call, complex_normal, fortran, normal, of_one_array, single
from opreg_numpy.indexing import embed_diagonal, scatter_add


# -------------------------------------------------------------------------------------------- another shape
@primitive("numpy.reshape", aliases=("reshape",))
def reshape(a, /, *, shape, order="C", copy=None):
    """The elements of a, read and written in one order, in another shape"""
    options = {} if copy is None else {"copy": copy}
    array = a if hasattr(a, "dtype") else np.asarray(a)
    return array.reshape(shape, order=order, **options)


@reshape.called_as
def _(a, shape, order="C", *, copy=None):
    return (a,), {"shape": shape, "order": _resolved(a, order) if order == "A" else order, "copy": copy}


def _resolved(a, order):
    """Return the order that depends on how the array lies in memory: "A" is "F" or "C", "K" may be an order of axes."""
    if not isinstance(order, str):
        raise TypeError(f"order must be str, not {type(order).__name__}")
    if order not in ("A", "K"):
        return order
    flags = getattr(a, "flags", None)
    if order == "A":
        return "F" if flags is not None and flags.fnc else "C"
    if flags is None or flags.c_contiguous:
        return "C"
    return (
        "F"
        if flags.f_contiguous
        else tuple(np.argsort([-abs(stride) for stride in a.strides], kind="stable"))
    )


reshape.deflinear(a=lambda g, residual, order: g.reshape(residual, order=order))
reshape.residual_of(shape_of)


@primitive("numpy.ravel", aliases=("ravel",))
def ravel(a, /, *, order="C"):
    """The elements of a in one dimension, read in an order"""
    return np.ravel(np.transpose(a, order)) if isinstance(order, tuple) else np.ravel(a, order=order)


@ravel.called_as
def _(a, order="C"):
    return (a,), {"order": _resolved(a, order)}


def _ravel_transposed(g, residual, order):
    if isinstance(order, tuple):
        return np.transpose(np.reshape(g, [residual[i] for i in order]), np.argsort(order))
    return np.reshape(g, residual, order=order)


ravel.deflinear(a=_ravel_transposed)
ravel.residual_of(shape_of)


@primitive("opreg_numpy.shapes.flat")
def flat(a, /):
    """The elements of a in one dimension, in C order: what ``a.flat`` shows, through which a is written into"""
    a = np.asarray(a)
    line = a.flatten()
    line.flags.writeable = a.flags.writeable  # not of what np.broadcast_to gives, whose elements are shared
    return line


flat.deflinear(a=lambda g, residual: np.reshape(g, residual))
flat.residual_of(shape_of)
flat.returns_view(copied=True)
flat.samples(of_one_array(call((3, 4)), call((3, 2, 2)), call(()), call((0, 2))))


@primitive("numpy.squeeze", aliases=("squeeze",))
def squeeze(a, /, *, axis=None):
    """a without its axes of length one, or without those named"""
    return np.squeeze(a, axis=axis)


@primitive("numpy.expand_dims", aliases=("expand_dims",))
def expand_dims(a, /, *, axis):
    """a with new axes of length one"""
    return np.expand_dims(a, axis)


for _function in squeeze, expand_dims:
    _function.deflinear(a=lambda g, residual: np.reshape(g, residual))
    _function.residual_of(shape_of)


@primitive("numpy.broadcast_to", aliases=("broadcast_to",))
def broadcast_to(array, /, *, shape, subok=False):
    """a repeated along new axes, and along axes of length one"""
    return np.broadcast_to(array, shape, subok=subok)


broadcast_to.deflinear(array=lambda g, residual: residual.fit(g))
broadcast_to.residual_of(form_of)


def _array(a):
    return a if is_traced(a) else np.asanyarray(a)


def _each(arrays, function):
    results = tuple(function(_array(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


@composite("numpy.atleast_1d")
def atleast_1d(*arys):
    """Each array, a number as an array of one element"""
    return _each(arys, lambda a: np.reshape(a, (1,)) if np.ndim(a) == 0 else a)


@composite("numpy.atleast_2d")
def atleast_2d(*arys):
    """Each array with axes of length one put before its own, up to two"""
    return _each(
        arys, lambda a: np.reshape(a, (1,) * (2 - np.ndim(a)) + np.shape(a)) if np.ndim(a) < 2 else a
    )


@composite("numpy.atleast_3d")
def atleast_3d(*arys):
    """Each array with three axes: 0-d as (1, 1, 1), n as (1, n, 1), (m, n) as (m, n, 1)"""
    return _each(
        arys,
        lambda a: np.reshape(a, ((1,) * (2 - np.ndim(a)) + (*np.shape(a), 1))[-3:]) if np.ndim(a) < 3 else a,
    )


@composite("numpy.broadcast_arrays")
def broadcast_arrays(*args, subok=False):
    """The arrays, broadcast against each other"""
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    if all(np.shape(a) == shape for a in args):
        return tuple(_array(a) for a in args)
    return tuple(np.broadcast_to(a, shape, subok=subok) for a in args)


@composite("numpy.meshgrid")
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """The coordinates of a grid, from those along each of its axes"""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    grids = [
        np.reshape(x, [-1 if i == place else 1 for i in range(len(xi))])
        for x, place in zip(xi, places, strict=True)
    ]
    found = grids if sparse else np.broadcast_arrays(*grids)
    return tuple(np.copy(grid, order="C") if copy else grid for grid in found)


# ---------------------------------------------------------------------------------------- the order of axes
@primitive("numpy.transpose", aliases=("transpose", "numpy.permute_dims"))
def transpose(a, /, *, axes=None):
    """a with its axes in another order: reversed, or as given"""
    array = a if hasattr(a, "dtype") else np.asarray(a)
    return array.transpose(axes)


transpose.deflinear(a=lambda g, axes: g.transpose(None if axes is None else _inverse(axes)))


def _inverse(axes):
    return tuple(np.argsort([axis % len(axes) for axis in axes])) if np.ndim(axes) else axes


@primitive("numpy.swapaxes", aliases=("swapaxes",))
def swapaxes(a, /, *, axis1, axis2):
    """a with two axes exchanged"""
    return np.swapaxes(a, axis1, axis2)


@primitive("numpy.moveaxis", aliases=("moveaxis",))
def moveaxis(a, /, *, source, destination):
    """a with some axes moved to new positions, the others in their order"""
    return np.moveaxis(a, source, destination)


@primitive("numpy.matrix_transpose", aliases=("matrix_transpose",))
def matrix_transpose(x, /):
    """Each matrix of a stack transposed: the last two axes exchanged"""
    return np.matrix_transpose(x)


swapaxes.deflinear(a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
moveaxis.deflinear(a=lambda g, source, destination: np.moveaxis(g, destination, source))
matrix_transpose.deflinear(x=lambda g: np.matrix_transpose(g))


@composite("numpy.rollaxis")
def rollaxis(a, axis, start=0):
    """a with one axis moved back until it lies before another"""
    ndim = np.ndim(a)
    axis = normalize_axis_index(axis, ndim)
    start = start + ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


# --------------------------------------------------------------------------------------- the order along axes
@primitive("numpy.flip", aliases=("flip",))
def flip(m, /, *, axis=None):
    """The elements in reverse order along all axes, or along those named"""
    return np.flip(m, axis)


@primitive("numpy.roll", aliases=("roll",))
def roll(a, /, *, shift, axis=None):
    """The elements shifted around along axes, or in the flattened array"""
    return np.roll(a, shift, axis)


@primitive("numpy.rot90", aliases=("rot90",))
def rot90(m, /, *, k=1, axes=(0, 1)):
    """The plane of two axes turned by k quarter turns, from the first axis towards the second"""
    return np.rot90(m, k, axes)


flip.deflinear(m=lambda g, axis: np.flip(g, axis))
roll.deflinear(a=lambda g, shift, axis: np.roll(g, np.negative(shift), axis))
rot90.deflinear(m=lambda g, k, axes: np.rot90(g, -k, axes))


@composite("numpy.fliplr")
def fliplr(m):
    """The elements in reverse order along the second axis"""
    return np.flip(m, 1)


@composite("numpy.flipud")
def flipud(m):
    """The elements in reverse order along the first axis"""
    return np.flip(m, 0)


# ------------------------------------------------------------------------------------------ repeating, padding
@primitive("numpy.repeat", aliases=("repeat",))
def repeat(a, /, *, repeats, axis=None):
    """Each element, in place, as often as said, along an axis or in the flattened array"""
    return np.repeat(a, repeats, axis)


def _repeat_transposed(g, residual, repeats, axis):
    shape, axis = (residual, axis % len(residual)) if axis is not None else ((int(np.prod(residual)),), 0)
    if np.ndim(repeats) == 0:
        total = np.sum(np.reshape(g, (*shape[: axis + 1], int(repeats), *shape[axis + 1 :])), axis=axis + 1)
    else:
        origin = np.repeat(np.arange(shape[axis]), repeats)
        total = scatter_add(g, key=along(len(shape), axis, origin), shape=shape)
    return np.reshape(total, residual)


repeat.deflinear(a=_repeat_transposed)
repeat.residual_of(shape_of)


@primitive("numpy.tile", aliases=("tile",))
def tile(A, /, *, reps):
    """The array as a whole, laid side by side as often as said along each axis"""
    return np.tile(A, reps)


def _tile_transposed(g, residual, reps):
    reps = tuple(reps) if np.ndim(reps) else (int(reps),)
    ndim = max(len(reps), len(residual))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - len(residual)) + residual
    apart = [length for pair in zip(reps, shape, strict=True) for length in pair]
    return np.reshape(np.sum(np.reshape(g, apart), axis=tuple(range(0, 2 * ndim, 2))), residual)


tile.deflinear(A=_tile_transposed)
tile.residual_of(shape_of)


# ---------------------------------------------------------------------------------------- diagonals, triangles
@primitive("numpy.diagonal", aliases=("diagonal",))
def diagonal(a, /, *, offset=0, axis1=0, axis2=1):
    """The diagonals of the matrices that two axes span, as the last axis"""
    return np.diagonal(a, offset, axis1, axis2)


def _diagonal_transposed(g, residual, offset, axis1, axis2):
    ends = (axis1, axis2), (-2, -1)
    moved = np.moveaxis(np.empty(residual, bool), *ends).shape
    return np.moveaxis(embed_diagonal(g, offset=offset, shape=moved), *reversed(ends))


diagonal.deflinear(a=_diagonal_transposed)
diagonal.residual_of(shape_of)


@composite("numpy.diag")
def diag(v, k=0):
    """The matrix with this k-th diagonal, of a vector; the k-th diagonal, of a matrix"""
    if np.ndim(v) == 1:
        n = np.shape(v)[0] + abs(k)
        return embed_diagonal(v, offset=k, shape=(n, n))
    if np.ndim(v) != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return np.diagonal(v, k)


@composite("numpy.diagflat")
def diagflat(v, k=0):
    """The matrix whose k-th diagonal is the flattened input"""
    return np.diag(np.ravel(v), k)


@composite("numpy.trace", **NO_OUT)
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """The sums along the diagonals of the matrices that two axes span"""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@primitive("numpy.tril", aliases=("tril",))
def tril(m, /, *, k=0):
    """Each matrix of a stack with what lies above its k-th diagonal made zero"""
    return np.tril(m, k)


@primitive("numpy.triu", aliases=("triu",))
def triu(m, /, *, k=0):
    """Each matrix of a stack with what lies below its k-th diagonal made zero"""
    return np.triu(m, k)


tril.deflinear(m=lambda g, residual, k: residual.fit(np.tril(g, k)))
triu.deflinear(m=lambda g, residual, k: residual.fit(np.triu(g, k)))
for _function in tril, triu:
    _function.residual_of(form_of)


# ------------------------------------------------------------------------------------------- type and identity
for _function in (
    reshape, ravel, squeeze, expand_dims, broadcast_to, transpose, swapaxes, moveaxis, matrix_transpose, flip, rot90,
    diagonal,
):  # fmt: skip
    _function.returns_view()


@primitive("numpy.astype", aliases=("astype",))
def astype(x, /, *, dtype, copy=True, device=None, order="K"):
    """x in another type. An integer type makes it a constant; a real one drops the imaginary part"""
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')
    x = x if isinstance(x, np.generic) else np.asanyarray(x)
    return (np.real(x) if x.dtype.kind == "c" and np.dtype(dtype).kind in "fiu" else x).astype(
        dtype, order=order, copy=copy
    )


astype.called_like(lambda x, dtype, /, *, copy=True, device=None: ...)


astype.leave_unchecked("order", "it is the method's, and no matter of derivatives: tests/ops/test_writing.py")
astype.returns_view()
astype.deflinear(x=lambda g, residual: residual.fit(g))
astype.residual_of(form_of)


@primitive("numpy.copy")
def copy(a, /, *, order="K", subok=False):
    """a, in memory of its own"""
    return np.copy(a, order=order, subok=subok)


copy.deflinear(a=lambda g: g)


def _holds_traced(value):
    return is_traced(value) or (
        isinstance(value, (list, tuple)) and any(_holds_traced(part) for part in value)
    )


def _built(value, dtype, order="K", copy=None):
    """Return a traced value, or nested sequences of which some elements are, as one array.

    That is the traced value itself if NumPy need not copy it for its type or its order, and need not copy it anyway.
    """
    if is_traced(value):
        if copy is False:
            np.asarray(stop_gradient(value), dtype, order=order, copy=False)  # which raises if that cannot be
        if not isinstance(stop_gradient(value), np.ndarray):
            value, copy = as_zero_dimensional(value), False
    elif _holds_traced(value):
        value, copy = np.stack([_built(part, None) for part in value]), False
    else:
        value, copy = np.asarray(value), False
    dtype = value.dtype if dtype is None else np.dtype(dtype)
    if order is None or (order == "A" and not copy and dtype == value.dtype):  # any will do
        order = "K"
    return astype.bind(value, dtype=dtype, order=order, copy=bool(copy))


@composite("numpy.array")
def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
    """An array of nested sequences, of which some elements are traced"""
    if copy is False and not is_traced(object):
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    built = _built(object, dtype, order, copy)
    return np.reshape(built, (1,) * (ndmin - built.ndim) + built.shape) if built.ndim < ndmin else built


@composite("numpy.asarray")
def asarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """The traced value itself, or an array of nested sequences"""
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')
    if copy is False and not is_traced(a):
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    return _built(a, dtype, order, copy)


def as_array(x):
    """Return a traced value itself, and nested sequences, of which some elements may be traced, as an array."""
    return x if is_traced(x) else asarray.body(x)


@composite("numpy.asanyarray")
def asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """As asarray"""
    return asarray.body(a, dtype, order, device=device, copy=copy)


@composite("numpy.ascontiguousarray")
def ascontiguousarray(a, dtype=None, *, like=None):
    """As asarray, of one dimension at least, in C order"""
    return np.atleast_1d(_built(a, dtype, "C"))


@composite("numpy.asfortranarray")
def asfortranarray(a, dtype=None, *, like=None):
    """As asarray, of one dimension at least, in Fortran order"""
    return np.atleast_1d(_built(a, dtype, "F"))


# ---------------------------------------------------------------------------------------------------- samples
reshape.samples(
    of_one_array(
        call((3, 4), (2, 6)),
        call((3, 4), -1),
        call((3, 4), (2, -1, 3), order="F"),
        call((2, 3), (3, 2), "A"),
        call((), (1, 1)),
        call((1,), ()),
        call((0, 3), (3, 0, 2)),
        call((4, 1), [2, 2]),
    )
)
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":  # older ones do not know the keyword
    reshape.samples(of_one_array(call((2, 3), (3, 2), copy=True)))
else:
    reshape.leave_unchecked("copy", "this NumPy does not know the keyword")
ravel.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), "F"),
        call((3, 2, 2), order="A"),
        call((3, 2), order="K"),
        call(()),
        call((0, 2)),
    )
)


@reshape.samples
def _(rng):
    for note, array in _laid_out(rng):
        yield Sample((array, (2, 12)), {"order": "A"}, note=note)


@ravel.samples
def _(rng):
    for note, array in _laid_out(rng):
        for order in "AKFC":
            yield Sample((array,), {"order": order}, note=note)


def _laid_out(rng):
    yield "Fortran order", fortran(normal(rng, (2, 3, 4)))
    yield "axes moved", np.transpose(normal(rng, (2, 3, 4)), (1, 0, 2))
    yield "axes moved, negative strides", np.transpose(normal(rng, (2, 3, 4)), (1, 2, 0))[:, ::-1]


squeeze.samples(
    of_one_array(
        call((1, 3, 1, 2)),
        call((1, 3, 1), axis=-1),
        call((1, 3, 1), (0, 2)),
        call((3, 2)),
        call((1, 1)),
        call((0, 1)),
        call(()),
    )
)
expand_dims.samples(
    of_one_array(
        call((3, 2), 0),
        call((3, 2), axis=-1),
        call((3, 2), (0, 2)),
        call((3,), (-1, -3)),
        call((), 0),
        call((0,), 1),
    )
)
broadcast_to.samples(
    of_one_array(
        call((3, 1), (2, 3, 4)),
        call((3,), (2, 3)),
        call((), (2, 2)),
        call((1, 1), (1, 3)),
        call((2, 3), (2, 3)),
        call((1,), 4),
        call((1, 0), (2, 0)),
        call((1, 3), (0, 3)),
        call((), ()),
        call((3, 1), shape=(3, 2), subok=True),
    )
)

transpose.samples(
    of_one_array(
        call((2, 3, 4), (1, 2, 0)),
        call((2, 3, 4)),
        call((2, 3, 4), axes=(-1, 0, -2)),
        call((3,)),
        call(()),
        call((2, 0, 3), [2, 0, 1]),
        call((3,), 0),
    )
)
swapaxes.samples(
    of_one_array(
        call((2, 3, 4), 0, 2),
        call((2, 3, 4), -1, 1),
        call((2, 3), axis1=0, axis2=0),
        call((0, 2), 0, 1),
        call((1, 3), 0, 1),
    )
)
moveaxis.samples(
    of_one_array(
        call((2, 3, 4), 0, -1),
        call((2, 3, 4, 5), (0, 1), (-1, 0)),
        call((2, 3, 4), [2, 0], [0, 1]),
        call((2, 3), -1, 0),
        call((3, 0), 0, 1),
        call((2, 3, 4), source=1, destination=2),
    )
)
rollaxis.samples(
    of_one_array(
        call((2, 3, 4), 2),
        call((2, 3, 4), 0, 3),
        call((2, 3, 4), -1, start=1),
        call((2, 3, 4), 1, -1),
        call((2, 3), 1, 1),
    )
)
matrix_transpose.samples(
    of_one_array(call((2, 3, 4)), call((3, 2)), call((1, 4)), call((0, 3)), call((2, 0, 1, 3)))
)

flip.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), 0),
        call((3, 4, 2), axis=(0, -1)),
        call((3, 4), axis=()),
        call(()),
        call((0, 2)),
        call((1,)),
    )
)
roll.samples(
    of_one_array(
        call((3, 4), 2, axis=1),
        call((3, 4), 5),
        call((3, 4), -1, 0),
        call((3, 4), (1, -2), axis=(0, 1)),
        call((3, 4), 7, (-1, 0)),
        call((3, 4), [1, 1], axis=(1, 1)),
        call((3, 4), (1, 2)),
        call((0, 3), 1, axis=0),
        call((), 3),
        call((1,), 4),
    )
)
rot90.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), 2),
        call((3, 4, 2), k=-1, axes=(2, 0)),
        call((3, 4), 7),
        call((3, 4), k=0),
        call((2, 3, 4), 3, (-1, 1)),
        call((0, 3)),
        call((1, 1)),
    )
)
fliplr.samples(of_one_array(call((3, 4)), call((2, 3, 2)), call((1, 0))))
flipud.samples(of_one_array(call((3, 4)), call((3,)), call((0, 2))))

repeat.samples(
    of_one_array(
        call((3, 4), 2, axis=0),
        call((3, 4), [1, 0, 2, 3], axis=1),
        call((3, 4), 3),
        call((3,), [2, 0, 1]),
        call((3, 2), [2], -1),
        call((2, 3, 2), 2, axis=-2),
        call((2, 3, 2), [1, 0, 2], axis=-2),
        call((2, 3), 0, 1),
        call((), 3),
        call((0, 2), 2, axis=0),
        call((1,), np.int64(2)),
        call((2, 3), [1, 0, 2, 1, 3, 1]),
    )
)
tile.samples(
    of_one_array(
        call((3, 2), (2, 3)),
        call((3, 2), 2),
        call((3,), (2, 1, 2)),
        call((2, 3, 2), (2, 1)),
        call((), 3),
        call((3,), ()),
        call((3,), 0),
        call((0, 2), (2, 2)),
        call((1, 1), reps=[2, 2]),
    )
)
diagonal.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), 1),
        call((4, 3), offset=-2),
        call((2, 3, 4), 0, 1, 2),
        call((2, 3, 4), axis1=-1, axis2=0),
        call((2, 3, 4), 1, 2, 0),
        call((3, 4), 9),
        call((0, 3)),
        call((1, 1)),
    )
)
diag.samples(
    of_one_array(
        call((3,)),
        call((3,), 2),
        call((3,), k=-1),
        call((3, 4)),
        call((4, 3), -1),
        call((3, 4), k=2),
        call((0,)),
        call((1, 3)),
    )
)
diagflat.samples(of_one_array(call((2, 2)), call((3,), 1), call((), k=-1), call((0,))))
trace.samples(
    of_one_array(
        call((3, 4)),
        call((4, 3), 1),
        call((2, 3, 4), offset=-1, axis1=2, axis2=1),
        call((2, 3, 4), 1, -1, 0),
        call((3, 3), dtype=np.float32),
        call((3, 3), dtype=complex),
        call((0, 3)),
        call((2, 2), 5),
    )
)
for _function in tril, triu:
    _function.samples(
        of_one_array(
            call((3, 4)),
            call((4, 3), 1),
            call((2, 3, 4), k=-1),
            call((3,)),
            call((3, 3), 5),
            call((0, 2)),
            call((1, 1), -1),
        )
    )


@astype.samples
def _(rng):
    for source in (normal, single, complex_normal):
        for target in (np.float64, np.float32, np.complex128, np.complex64):
            if source is not complex_normal or np.dtype(target).kind == "c":
                yield Sample((source(rng, (2, 3)), target), note=f"{source.__name__} to {np.dtype(target)}")
    yield Sample((normal(rng, (3,)), "f4"), {"copy": False})
    yield Sample((normal(rng, (2,)), np.float64), {"copy": False, "device": "cpu"}, note="nothing to do")
    yield Sample((fortran(normal(rng, (2, 3))), np.complex128))
    yield Sample((normal(rng), np.float32), note="0-d")
    yield Sample((normal(rng, (0,)), np.float32), note="size 0")


copy.samples(
    of_one_array(call((3, 2)), call((3, 2), "F"), call((3,), order="C"), call((), subok=True), call((0,)))
)
ascontiguousarray.samples(of_one_array(call((3, 2)), call((3, 2), np.complex128), call(()), call((0,))))
asfortranarray.samples(of_one_array(call((3, 2)), call((3, 2), np.complex128), call(()), call((0,))))
for _function in array, asarray, asanyarray, ascontiguousarray, asfortranarray:
    _function.returns_new()  # with like=
    _function.samples(of_one_array(call((2, 3), like=np.arange(1))))
asarray.samples(of_one_array(call((2, 3), copy=False)))
for _function in asarray, asanyarray:
    _function.samples(
        of_one_array(
            call((3, 2)),
            call((3, 2), np.complex128),
            call((3,), order="F"),
            call(()),
        )
    )
    if _function is asarray or np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        _function.samples(of_one_array(call((3,), device="cpu", copy=True)))
    else:
        for _name in "device", "copy":
            _function.leave_unchecked(_name, "it is of NumPy 2.1")


@array.samples
@asarray.samples
@asanyarray.samples
def _(rng):
    yield Sample(([1.5, normal(rng), 2],), note="a list of numbers and a 0-d array")
    yield Sample(([[0.5, 1.5], [2.5, 3.5], [0.0, 1.0]],), note="nested lists")
    yield Sample(
        (([normal(rng, (2,)), normal(rng, (2,))], [np.ones(2), normal(rng, (2,))]),), note="arrays inside"
    )
    yield Sample(([single(rng, (2,)), normal(rng, (2,)), complex_normal(rng, (2,))],), note="mixed types")
    yield Sample(([0.5, 1.5],), {"dtype": np.complex64}, note="dtype")
    yield Sample((2.5,), note="a number")
    x = normal(rng, (2,))
    yield Sample(([x, x],), note="the same array twice")


array.samples(
    of_one_array(
        call((3, 2)),
        call((3, 2), np.complex128),
        call((3,), ndmin=3),
        call((3,), copy=False),
        call((), order="C", subok=True),
    )
)


@atleast_1d.samples
@atleast_2d.samples
@atleast_3d.samples
def _(rng):
    for shape in ((), (3,), (2, 3), (2, 3, 1), (2, 1, 2, 1), (0,)):
        yield Sample((normal(rng, shape),), note=f"{len(shape)}-d")
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3,)),), note=kind)
    yield Sample((2.5,), note="a Python number")
    x = normal(rng, (2,))
    yield Sample((x, normal(rng), x, 1.5), note="several")


@broadcast_arrays.samples
def _(rng):
    yield Sample((normal(rng, (3, 1)), normal(rng, (4,)), normal(rng)), note="broadcasting")
    yield Sample((normal(rng, (2, 3)), 1.5), {"subok": True}, note="a Python number")
    yield Sample((single(rng, (3,)), complex_normal(rng, (2, 1))), note="float32 and complex")
    yield Sample((normal(rng, (0, 1)), normal(rng, (3,))), note="size 0")
    x = normal(rng, (2, 1))
    yield Sample((x, x, np.arange(3)), note="twice, and integers")
    yield Sample((x, x), note="nothing to do")


@meshgrid.samples
def _(rng):
    yield Sample((normal(rng, (3,)), normal(rng, (4,))))
    yield Sample((normal(rng, (3,)), normal(rng, (4,)), normal(rng, (2,))), {"indexing": "ij"})
    yield Sample((normal(rng, (3,)), single(rng, (4,)), complex_normal(rng, (2,))), {"sparse": True})
    yield Sample((normal(rng, (3,)), np.arange(2)), {"copy": False}, note="partly constant")
    yield Sample((normal(rng, (3,)),), {"indexing": "xy"}, note="one axis")
    yield Sample((normal(rng), normal(rng, (0,))), note="0-d and size 0")
    x = normal(rng, (2,))
    yield Sample((x, x), note="the same array twice")


# -------------------------------------------------------------------------------------------- what no sample need show
transpose.waive_mutant("a", "axes -> -axes", "the one axis of a vector is 0")
