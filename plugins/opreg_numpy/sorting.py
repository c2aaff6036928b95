"""Sorting: a permutation of each lane, which depends on the values but is constant near them.

Between ties, out = P a with a permutation P that the values choose, and the cotangent of a is P^T g. Where values are
equal, any of several permutations is as good; the rules take the mean of them all, so that equal elements share
their cotangents (and tangents) equally, as with ``max``.
"""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, Sample, primitive, stop_gradient
from opreg_numpy._axes import along
from opreg_numpy._samples import call, complex_normal, normal, of_one_array, single
from opreg_numpy.indexing import scatter_add


@primitive("numpy.sort", aliases=("sort",))
def sort(a, /, *, axis=-1, kind=None, order=None, stable=None):
    """The elements in ascending order along an axis; of the flattened array with axis=None"""
    return np.sort(a, axis=axis, kind=kind, stable=stable)


@primitive("numpy.partition", aliases=("partition",))
def partition(a, /, *, kth, axis=-1, kind="introselect", order=None):
    """The elements along an axis such that those at the places ``kth`` stand where sorting would put them"""
    return np.partition(a, kth, axis=axis, kind=kind)


def _picking(a, axis, places):
    """Return the sorted values, and what the rules need: the original shape, the axis, the order and the ties."""
    shape = np.shape(a)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    elif not shape:
        raise np.exceptions.AxisError(axis, 0)
    order = places(stop_gradient(a), axis)
    out = np.take_along_axis(a, order, axis=axis)
    return out, (shape, axis, order, _ties(stop_gradient(out), axis))


def _ties(values, axis):
    """Return a number for each group of equal values in a lane, and the size of each; ``None`` without ties."""
    ndim = values.ndim
    lower, upper = along(ndim, axis, slice(None, -1)), along(ndim, axis, slice(1, None))
    up, ascending = None, values
    if not np.all(values[lower] <= values[upper]):  # a partition, or NaN
        up = np.argsort(values, axis=axis, kind="stable")
        ascending = np.take_along_axis(values, up, axis=axis)
    begins = np.ones(values.shape, bool)
    begins[upper] = ascending[upper] != ascending[lower]
    if begins.all():
        return None
    number = np.reshape(np.cumsum(np.moveaxis(begins, axis, -1)) - 1, np.moveaxis(begins, axis, -1).shape)
    number = np.moveaxis(number, -1, axis)
    if up is not None:
        number = np.take_along_axis(number, _inverse(up, axis), axis=axis)
    return number, np.bincount(number.ravel())


def _inverse(order, axis):
    """Return the inverse of the permutation of each lane."""
    inverse = np.empty_like(order)
    places = np.expand_dims(
        np.arange(order.shape[axis]), [i for i in range(order.ndim) if i != axis % order.ndim]
    )
    np.put_along_axis(inverse, order, places, axis=axis)
    return inverse


def _shared(x, ties):
    """Return x with the mean over each group in the place of its elements. This is its own transpose."""
    if ties is None:
        return x
    number, size = ties
    totals = scatter_add(x, key=(number,), shape=size.shape)
    return (totals / size.astype(x.real.dtype))[number]


def _unsorted(g, residual):
    shape, axis, order, ties = residual
    back = _inverse(order, axis)
    return np.reshape(np.take_along_axis(_shared(g, ties), back, axis=axis), shape)


def _sorted_tangent(t, residual):
    _, axis, order, ties = residual
    return _shared(np.take_along_axis(np.reshape(t, order.shape), order, axis=axis), ties)


for _function in sort, partition:
    _function.defvjp(a=_unsorted).defjvp(a=_sorted_tangent)


@sort.with_residual
def _(a, *, axis=-1, kind=None, order=None, stable=None):
    return _picking(a, axis, lambda x, axis: np.argsort(x, axis=axis, kind=kind, stable=stable))


@partition.with_residual
def _(a, *, kth, axis=-1, kind="introselect", order=None):
    def places(x, axis):
        """Return where each element comes from. (np.argpartition may order otherwise what kth leaves open.)"""
        rank = _inverse(
            np.argsort(np.partition(x, kth, axis=axis, kind=kind), axis=axis, kind="stable"), axis
        )
        return np.take_along_axis(np.argsort(x, axis=axis, kind="stable"), rank, axis=axis)

    return _picking(a, axis, places)


@sort.called_as
def _(a, axis=-1, kind=None, order=None, *, stable=None):
    _no_fields("sort", order)
    return (a,), {"axis": axis, "kind": kind, "stable": stable}


@partition.called_as
def _(a, kth, axis=-1, kind="introselect", order=None):
    _no_fields("partition", order)
    return (a,), {"kth": kth, "axis": axis, "kind": kind}


def _no_fields(name, order):
    if order is not None:
        raise NotDifferentiable(
            f"numpy.{name} takes order= for arrays with fields only, which have no derivative"
        )


# --------------------------------------------------------------------------------------------------- constants
_PLACES = "places are integers: they are constant but where two values meet"


@primitive("numpy.argsort", aliases=("argsort",))
def argsort(a, /, *, axis=-1, kind=None, order=None, stable=None):
    """The places of the elements in ascending order"""
    return np.argsort(a, axis=axis, kind=kind, order=order, stable=stable)


@primitive("numpy.argpartition", aliases=("argpartition",))
def argpartition(a, /, *, kth, axis=-1, kind="introselect", order=None):
    """The places of the elements as a partition orders them"""
    return np.argpartition(a, kth, axis=axis, kind=kind, order=order)


@primitive("numpy.searchsorted", aliases=("searchsorted",))
def searchsorted(a, v, /, *, side="left", sorter=None):
    """The places at which the elements of v keep a sorted a sorted"""
    return np.searchsorted(a, v, side=side, sorter=sorter)


for _function in argsort, argpartition, searchsorted:
    _function.not_differentiable(_PLACES)
for _function in sort, partition, argsort, argpartition:
    _function.leave_unchecked("order", "it is for arrays with fields, which have no derivative")
for _function in partition, argpartition:
    _function.leave_unchecked("kind", "NumPy has the one kind, 'introselect'")


# ---------------------------------------------------------------------------------------------------- samples
argsort.samples(
    of_one_array(
        call((3, 4)), call((3, 4), axis=None), call((3, 4), 0, "stable"), call((4,), stable=True), call((0,))
    )
)
argpartition.samples(
    of_one_array(call((3, 4), 1), call((3, 4), [0, 2], axis=0), call((4,), 1, axis=None), call((1,), 0))
)


@searchsorted.samples
def _(rng):
    for draw in (normal, single):
        for side in ("left", "right"):
            yield Sample((np.sort(draw(rng, (4,))), draw(rng, (2, 3))), {"side": side}, note=draw.__name__)
    x = normal(rng, (4,))
    yield Sample((x, normal(rng)), {"sorter": np.argsort(x)}, note="0-d, sorter")
    yield Sample((np.arange(3), normal(rng, (0,))), note="integers, size 0")


sort.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), axis=0),
        call((2, 3, 4), -2),
        call((3, 4), axis=None),
        call((5,), kind="stable"),
        call((5,), stable=True),
        call((4, 3), -1, "heapsort"),
        call((0, 3)),
        call((3, 0), axis=1),
        call((1,)),
    )
)
partition.samples(
    of_one_array(
        call((5,), 2),
        call((3, 5), 1, axis=-1),
        call((5, 3), [0, -1], axis=0),
        call((2, 3), 4, axis=None),
        call((4,), 1, kind="introselect"),
        call((4, 3, 2), 1, axis=-2),
        call((1,), 0),
    )
)


@sort.samples
def _(rng):
    for draw in (normal, single, complex_normal):
        yield Sample((draw(rng, (3, 3))[:, [0, 1, 1, 2, 0]],), {"axis": -1}, note="ties")
    yield Sample((np.array([2.0, 1.0, 1.0, 0.5]),), note="ties")
    yield Sample((np.ones((2, 3)),), {"axis": 0}, note="ties everywhere")
    yield Sample((rng.integers(0, 3, (5, 3)).astype(float),), {"axis": 0}, note="ties")


@partition.samples
def _(rng):
    yield Sample((np.array([2.0, 1.0, 2.0, 3.0]), 1), note="ties")
    yield Sample((rng.integers(0, 4, (7, 3)).astype(float), 3), {"axis": 0}, note="ties out of order")
    yield Sample((np.ones((2, 3)), 1), {"axis": 0}, note="ties everywhere")


# -------------------------------------------------------------------------------------------- what no sample need show
for _function in sort, partition:
    _function.waive_mutant(
        "*",
        "_ties -> ...",
        "at ties any permutation is a subgradient; that they share is a convention with a test",
    )
    _function.waive_mutant("*", "-1 -> -2", "any negative length of a reshape is the one that is left")
for _change in (
    "np.argsort(x, axis=axis, kind=kind, stable=stable) -> ...",
    "np.argsort(np.partition(x, kth, axis=axis, kind=kind), axis=axis, kind='stable') -> ...",
    "np.partition(x, kth, axis=axis, kind=kind) -> np.partition(x, kth, axis=axis)",
    "np.argsort(x, axis=axis, kind='stable') -> np.argsort(x, axis=axis)",
):
    (sort if "stable=stable" in _change else partition).waive_mutant(
        "*", _change, "which of equal elements comes first makes no difference, since they share"
    )
