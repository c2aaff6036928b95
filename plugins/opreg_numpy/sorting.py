"""Sorting: a permutation of each lane, which depends on the values but is constant near them.

Between ties, out = P a with a permutation P that the values choose, and the cotangent of a is P^T g. Where values are
equal, any of several permutations is as good; the rules of ``sort`` take the mean of them all, so that equal elements
share their cotangents (and tangents) equally, as with ``max``. Those of ``partition`` take the mean of two, because it
moves equal elements to some of their places only.
"""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, Sample, is_traced, primitive, stop_gradient
from opreg_numpy._axes import along, laid_as, reversed_along
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


def _in_lanes(a, axis):
    """Return the array and the axis along which its lanes lie: one lane for None."""
    if axis is None:
        return np.reshape(a, -1), 0
    if not np.shape(a):
        raise np.exceptions.AxisError(axis, 0)
    return a, axis


def _ties(values, axis):
    """Return a number for each group of equal values in a sorted lane, and the size of each; ``None`` without ties."""
    lower, upper = along(values.ndim, axis, slice(None, -1)), along(values.ndim, axis, slice(1, None))
    equal = values[upper] == values[lower]
    if not equal.any():
        return None
    begins = np.ones(values.shape, bool)
    begins[upper] = ~equal
    number = np.reshape(np.cumsum(np.moveaxis(begins, axis, -1)) - 1, np.moveaxis(begins, axis, -1).shape)
    return np.moveaxis(number, -1, axis), np.bincount(number.ravel())


def _inverse(order, axis):
    """Return the inverse of the permutation of each lane."""
    inverse = np.empty_like(order)
    if order.ndim == 1:
        inverse[order] = np.arange(order.size)
        return inverse
    places = np.expand_dims(
        np.arange(order.shape[axis]), [i for i in range(order.ndim) if i != axis % order.ndim]
    )
    np.put_along_axis(inverse, order, places, axis=axis)
    return inverse


def _take(x, order, axis):
    """Return the elements of each lane in an order. Of a single lane indexing does it at a third of the time."""
    return x[order] if order.ndim == 1 else np.take_along_axis(x, order, axis=axis)


def _put(x, order, axis):
    """Return the elements of each lane at the places that an order names: the inverse of taking them in that order."""
    if is_traced(x):
        return _take(x, _inverse(order, axis), axis)
    found = np.empty(order.shape, x.dtype)
    if order.ndim == 1:
        found[order] = x
    else:
        np.put_along_axis(found, order, x, axis=axis)
    return found


def _shared(x, ties):
    """Return x with the mean over each group in the place of its elements. This is its own transpose."""
    if ties is None:
        return x
    number, size = ties
    totals = scatter_add(x, key=(number,), shape=size.shape)
    return (totals / size.astype(x.real.dtype))[number]


def _unsorted(g, residual):
    shape, axis, order, ties = residual
    return np.reshape(_put(_shared(g, ties), order, axis), shape)


def _sorted_tangent(t, residual):
    _, axis, order, ties = residual
    return _shared(_take(np.reshape(t, order.shape), order, axis), ties)


sort.defvjp(a=_unsorted).defjvp(a=_sorted_tangent)


@sort.with_residual
def _(a, *, axis=-1, kind=None, order=None, stable=None):
    lanes, line = _in_lanes(a, axis)
    order = np.argsort(stop_gradient(lanes), axis=line, kind=kind, stable=stable)
    out = laid_as(_take(lanes, order, line), lanes)
    return out, (np.shape(a), line, order, _ties(stop_gradient(out), line))


def _orders(x, kth, axis, kind):
    """Return where the elements of a partition come from: one order, or two between which equal ones change."""
    out = np.partition(x, kth, axis=axis, kind=kind)
    up = np.argsort(x, axis=axis, kind="stable")
    # (np.argpartition may say otherwise of what kth leaves open.)
    order = np.take_along_axis(up, _inverse(np.argsort(out, axis=axis, kind="stable"), axis), axis=axis)
    return _orders_at_ties(x, out, up, order, kth, axis, kind)


def _orders_at_ties(x, out, up, order, kth, axis, kind):
    """Return the orders in which of equal elements those that come first are less, and those that come last."""
    if _ties(np.take_along_axis(x, up, axis=axis), axis) is None:
        return [order]
    down = x.shape[axis] - 1 - np.argsort(reversed_along(x, axis), axis=axis, kind="stable")
    return [_order_at_ties(places, x, out, order, kth, axis, kind) for places in (up, down)]


def _order_at_ties(places, x, out, order, kth, axis, kind):
    """Return where elements come from if of equal ones those are less that ``places`` has first.

    That is seen from their ranks: a partition depends on nothing but which of two elements is less. In lanes in which
    it then comes out otherwise it is the ``order`` given.
    """
    if x.shape[axis] > 2 ** np.finfo(x.dtype).nmant:  # so many ranks x cannot hold
        return order
    ranks = np.partition(_inverse(places, axis).astype(x.dtype), kth, axis=axis, kind=kind)
    found = np.take_along_axis(places, ranks.real.astype(np.intp), axis=axis)
    same = np.take_along_axis(x, found, axis=axis) == out
    return np.where(np.all(same, axis=axis, keepdims=True), found, order)


def _unpartitioned(g, residual):
    shape, axis, orders = residual
    found = [np.take_along_axis(g, _inverse(order, axis), axis=axis) for order in orders]
    return np.reshape(_mean(found), shape)


def _partitioned_tangent(t, residual):
    _, axis, orders = residual
    t = np.reshape(t, orders[0].shape)
    return _mean([np.take_along_axis(t, order, axis=axis) for order in orders])


def _mean(found):
    """Return the mean of one array or two."""
    return found[0] if len(found) == 1 else (found[0] + found[1]) / 2


partition.defvjp(a=_unpartitioned).defjvp(a=_partitioned_tangent)


@partition.with_residual
def _(a, *, kth, axis=-1, kind="introselect", order=None):
    lanes, line = _in_lanes(a, axis)
    orders = _orders(stop_gradient(lanes), kth, line, kind)
    out = laid_as(np.take_along_axis(lanes, orders[0], axis=line), lanes)
    return out, (np.shape(a), line, orders)


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
partition.leave_unchecked(
    "return order", "it is for lanes of more than a thousand elements, too large for a sample"
)


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
    # (In float16 NumPy partitions in another way, which has other ties: so this is no sample in double precision.)
    yield Sample((rng.integers(0, 4, (7, 3)).astype(np.float32), 3), {"axis": 0}, note="ties out of order")
    yield Sample((np.ones((2, 3)), 1), {"axis": 0}, note="ties everywhere")


# -------------------------------------------------------------------------------------------- what no sample need show
sort.waive_mutant(
    "*",
    "_ties -> ...",
    "at ties any permutation is a subgradient; that they share is a convention with a test",
)
for _change in (
    "if is_traced(x) -> ...",
    "_inverse -> ...",
    "_inverse(order, axis) -> ...",
):
    sort.waive_mutant("a", _change, "of cotangents that are differentiated themselves there is a test")
for _change in (
    "_orders_at_ties -> ...",
    "_orders_at_ties(x, out, up, order, kth, axis, kind) -> ...",
    "_order_at_ties -> ...",
    "_ties -> ...",
    "_mean -> ...",
):
    partition.waive_mutant(
        "*", _change, "at ties any permutation is a subgradient; that it is the mean of two has a test"
    )
for _function in sort, partition:
    _function.waive_mutant("*", "-1 -> -2", "any negative length of a reshape is the one that is left")
for _function, _change in (
    (sort, "np.argsort(stop_gradient(lanes), axis=line, kind=kind, stable=stable) -> ..."),
    (partition, "np.argsort(x, axis=axis, kind='stable') -> np.argsort(x, axis=axis)"),
    (partition, "np.argsort(out, axis=axis, kind='stable') -> np.argsort(out, axis=axis)"),
    (partition, "np.partition(x, kth, axis=axis, kind=kind) -> np.partition(x, kth, axis=axis)"),
):
    _function.waive_mutant("*", _change, "which of equal elements comes first makes no difference")
