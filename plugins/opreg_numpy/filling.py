"""NumPy's functions that write into their first argument: each as the array that it leaves.

Such a function chooses for each element whether the old one stays, or which of the values comes there. That is linear
in the array and the values together: the cotangent of the array is that of what stays, the cotangent of a value the
sum over the places where it went. Which went where is found by writing numbers in their stead.
"""

from __future__ import annotations

from functools import wraps
from math import prod
from typing import Any, NamedTuple

import numpy as np

from opreg import Sample, primitive
from opreg_numpy._form import Form, form_of
from opreg_numpy._rules import weighted
from opreg_numpy._samples import complex_normal, fortran, normal, single, strided
from opreg_numpy._writing import as_array
from opreg_numpy.indexing import scatter_add


def _left(write, a, values, **static):
    """Return a copy of ``a`` into which values were written."""
    left, values = np.array(a, order="C"), np.asarray(values)
    if np.iscomplexobj(values) and not np.iscomplexobj(left):
        raise TypeError(
            f"complex values cannot be written into an array of {left.dtype}: take np.real of them"
        )
    write(left, values, **static)
    return left


class Sources(NamedTuple):
    """Where the elements of an array come from: which stay, and of the others the places among the values."""

    stays: np.ndarray
    places: np.ndarray
    values: Form


def _sources(write, a, values, **static):
    size, form = np.size(a), form_of(values)
    numbers = np.arange(size).reshape(np.shape(a))
    write(numbers, np.reshape(size + np.arange(np.size(values)), form.shape), **static)
    stays = numbers < size
    return Sources(stays, numbers[~stays] - size, form)


def _staying(g, residual):
    return weighted(g, residual.stays)


def _values_pull(g, residual):
    """The sum of the cotangents of the places where each value went"""
    stays, places, form = residual
    total = scatter_add(g[~stays], key=places, shape=(prod(form.shape),))
    return form.fit(np.reshape(total, form.shape))


def _values_push(t, residual, out):
    """The tangents of the values where they went, 0 elsewhere"""
    stays, places, _ = residual
    written = np.astype(np.ravel(t)[places], out.dtype)
    return np.reshape(scatter_add(written, key=np.flatnonzero(~stays), shape=(stays.size,)), stays.shape)


def writing(name):
    """Make the primitive of a function that writes values into an array: its forward leaves a copy written into."""

    def make(write):
        @wraps(write)
        def forward(a, values, /, **static):
            return _left(write, a, values, **static)

        function = primitive(name)(forward)
        array, values = function.data

        @function.with_residual
        def _(a, values, **static):
            return function.bind(a, values, **static), _sources(write, a, values, **static)

        pulls: dict[str, Any] = {array: _staying, values: _values_pull}
        pushes: dict[str, Any] = {array: _staying, values: _values_push}
        function.defvjp(**pulls).defjvp(**pushes)
        return function.writes_in_place()

    return make


# ----------------------------------------------------------------------------------------------- the functions
@writing("numpy.copyto")
def copyto(dst, src, /, *, casting="same_kind", where=True):
    """dst with the elements of src, broadcast, where the mask holds"""
    np.copyto(dst, src, casting=casting, where=where)


@copyto.called_as
def _(dst, src, casting="same_kind", where=True):
    return (dst, as_array(src)), {"casting": casting, "where": where}


@writing("numpy.putmask")
def putmask(a, values, /, *, mask=None):
    """a with the values, repeated to its length, where the mask holds"""
    np.putmask(a, mask, values)


@putmask.called_as
def _(a, mask, values):
    return (a, as_array(values)), {"mask": mask}


@writing("numpy.place")
def place(arr, vals, /, *, mask=None):
    """arr with the first of the values, repeated if they are too few, where the mask holds"""
    np.place(arr, mask, vals)


@place.called_as
def _(arr, mask, vals):
    return (arr, as_array(vals)), {"mask": mask}


@writing("numpy.put")
def put(a, v, /, *, ind=None, mode="raise"):
    """a with values at places counted in C order, repeated if they are too few; of two for one place the last counts"""
    np.put(a, ind, v, mode=mode)


@put.called_as
def _(a, ind, v, mode="raise"):
    return (a, as_array(v)), {"ind": ind, "mode": mode}


@writing("numpy.put_along_axis")
def put_along_axis(arr, values, /, *, indices=None, axis=-1):
    """arr with arr[i, indices[i, j, k], k] = values[i, j, k], the indices along one axis"""
    np.put_along_axis(arr, indices, values, axis)


@put_along_axis.called_as
def _(arr, indices, values, axis=-1):
    return (arr, as_array(values)), {"indices": indices, "axis": axis}


@writing("numpy.fill_diagonal")
def fill_diagonal(a, val, /, *, wrap=False):
    """a with val, repeated to its length, on the diagonal; in a tall matrix again and again, if ``wrap``"""
    np.fill_diagonal(a, val, wrap)


@fill_diagonal.called_as
def _(a, val, wrap=False):
    return (a, as_array(val)), {"wrap": wrap}


# ----------------------------------------------------------------------------------------------------- samples
def _mask(rng, shape):
    mask = rng.random(shape) < 0.6
    mask.flat[:2] = True, False
    return mask


@copyto.samples
def _(rng):
    yield Sample((normal(rng, (2, 3)), normal(rng, (2, 3))))
    yield Sample((normal(rng, (2, 3)), normal(rng, (3,)), "unsafe"), note="broadcast, casting by position")
    yield Sample(
        (normal(rng, (2, 3)), normal(rng, (1, 1))), {"where": _mask(rng, (3,))}, note="a mask that broadcasts"
    )
    yield Sample((fortran(normal(rng, (3, 4))), 2.5), {"where": _mask(rng, (3, 4))}, note="a number")
    yield Sample(
        (single(rng, (3,)), normal(rng, (3,))), {"where": _mask(rng, (3,))}, note="into a lower precision"
    )
    yield Sample(
        (complex_normal(rng, (3,)), normal(rng, (3,))), {"where": _mask(rng, (3,))}, note="real into complex"
    )
    yield Sample((normal(rng, (3,)), np.array([1, 2, 3])), {"casting": "same_kind"}, note="integers")
    yield Sample((normal(rng, (0, 3)), normal(rng, (3,))), note="empty")
    yield Sample((np.array(normal(rng, ())), normal(rng, ())), note="0-d")


@putmask.samples
def _(rng):
    yield Sample((normal(rng, (2, 3)), _mask(rng, (2, 3)), normal(rng, (2, 3))))
    yield Sample((normal(rng, (2, 4)), _mask(rng, (2, 4)), normal(rng, (3,))), note="repeated")
    yield Sample((normal(rng, (3,)), _mask(rng, (3,)), normal(rng, (5,))), note="more than are needed")
    yield Sample((strided(normal(rng, (2, 3))), _mask(rng, (2, 3)), normal(rng, ())), note="0-d")
    yield Sample((complex_normal(rng, (4,)), _mask(rng, (4,)), normal(rng, (4,))), note="real into complex")


@place.samples
def _(rng):
    yield Sample((normal(rng, (2, 3)), _mask(rng, (2, 3)), normal(rng, (6,))))
    yield Sample((normal(rng, (2, 4)), np.ones((2, 4), bool), normal(rng, (3,))), note="repeated")
    yield Sample((normal(rng, (4,)), _mask(rng, (4,)), single(rng, (1,))), note="into a higher precision")
    yield Sample((normal(rng, (3,)), np.zeros(3, bool), normal(rng, (2,))), note="nowhere")
    yield Sample((normal(rng, (2, 3)), _mask(rng, (2, 3)), normal(rng, (2, 2))), note="values in a matrix")


@put.samples
def _(rng):
    yield Sample((normal(rng, (2, 3)), [4, 0], normal(rng, (2,))))
    yield Sample(
        (normal(rng, (2, 3)), np.array([[0, -1], [2, 3]]), normal(rng, (2,))), note="repeated, from the end"
    )
    yield Sample((normal(rng, (3,)), [1, 1, 0], normal(rng, (3,))), note="one place twice")
    yield Sample((normal(rng, (2, 2)), [7, -5], normal(rng, (2,)), "wrap"), note="wrap, by position")
    yield Sample((normal(rng, (4,)), [7, -5], normal(rng, (2,))), {"mode": "clip"}, note="clip")
    yield Sample((fortran(complex_normal(rng, (2, 3))), 1, 2.5), note="a number into complex")
    yield Sample((normal(rng, (3,)), [0, 2], normal(rng, (0,))), note="no values")
    yield Sample((normal(rng, (2, 3)), [4, 0, 3], normal(rng, (2, 2))), note="values in a matrix")


@put_along_axis.samples
def _(rng):
    yield Sample((normal(rng, (2, 3)), np.array([[2], [0]]), normal(rng, (2, 1)), 1))
    yield Sample(
        (normal(rng, (2, 3, 2)), rng.integers(0, 3, (2, 2, 2)), normal(rng, (2, 2, 2)), -2), note="axis -2"
    )
    yield Sample((normal(rng, (3, 2)), np.array([[2, -1]]), normal(rng, ()), 0), note="0-d, from the end")
    yield Sample(
        (normal(rng, (2, 3)), np.array([5, 0, 5]), normal(rng, (3,)), None), note="flattened, a place twice"
    )
    yield Sample(
        (single(rng, (2, 2)), np.array([[1], [1]]), normal(rng, (1, 1)), 1), note="into a lower precision"
    )


@fill_diagonal.samples
def _(rng):
    yield Sample((normal(rng, (3, 3)), normal(rng, (3,))))
    yield Sample((normal(rng, (2, 4)), normal(rng, ())), note="wide, 0-d")
    yield Sample((normal(rng, (7, 2)), normal(rng, (3,))), {"wrap": True}, note="tall, wrapped, repeated")
    yield Sample((normal(rng, (5, 2)), normal(rng, (2,)), False), note="tall, not wrapped")
    yield Sample((complex_normal(rng, (2, 2, 2)), 1.5), note="three axes, a number into complex")
    yield Sample((strided(normal(rng, (3, 3))), normal(rng, (2, 2))), note="more values than are needed")


for _primitive in (place, put, putmask, fill_diagonal):
    _primitive.waive_mutant(
        "*",
        "np.reshape(size + np.arange(np.size(values)), form.shape) -> size + np.arange(np.size(values))",
        "it takes the values one after the other, whatever their shape",
    )
