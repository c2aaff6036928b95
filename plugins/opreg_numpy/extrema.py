"""Extrema and selection. Whatever ties shares the derivative equally.

Which element was selected is constant between the ties, so the masks below are plain arrays.
"""

from __future__ import annotations

from math import prod as product
from typing import NamedTuple

import numpy as np

from opreg import Primitive, Sample, primitive
from opreg_numpy._axes import Axis, expanded, normalised
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT, out_refused, pointwise, refuse_options, weighted
from opreg_numpy._samples import (
    SHAPES,
    beside_integers,
    complex_of,
    fortran,
    nonzero,
    normal,
    pairs,
    read_only,
    reductions,
    strided,
    tied,
)
from opreg_numpy.indexing import scatter_add


# ------------------------------------------------------------------------------------- of two arguments
@primitive("numpy.maximum", aliases=("maximum",))
def maximum(x, y, /):
    """The greater of x and y; a NaN wins"""
    return np.maximum(x, y)


@primitive("numpy.minimum", aliases=("minimum",))
def minimum(x, y, /):
    """The lesser of x and y; a NaN wins"""
    return np.minimum(x, y)


@primitive("numpy.fmax", aliases=("fmax",))
def fmax(x, y, /):
    """The greater of x and y; a NaN loses"""
    return np.fmax(x, y)


@primitive("numpy.fmin", aliases=("fmin",))
def fmin(x, y, /):
    """The lesser of x and y; a NaN loses"""
    return np.fmin(x, y)


def _same(a, b):
    """Tell where two arrays are equal, NaN being equal to itself."""
    same = np.equal(a, b)
    unequal = np.not_equal(b, b)
    return same | (np.not_equal(a, a) & unequal) if unequal.any() else same


def _share_of_x(x, y, out, wins):
    """Return where the result is x: a mask, or a weight which is a half where x and y tie."""
    if not np.iscomplexobj(out):
        of_x = wins(x, y)
        if np.not_equal(of_x, wins(y, x)).all():  # no ties, no NaN
            return of_x
    of_x = _same(x, out)
    return np.where(of_x & _same(y, out), np.float32(0.5), of_x)


def _rest(share):
    return np.logical_not(share) if share.dtype.kind == "b" else 1 - share


for _extremum, _wins in (maximum, np.greater), (minimum, np.less), (fmax, np.greater), (fmin, np.less):

    def _with_share(x, y, extremum=_extremum, wins=_wins):
        out = extremum.bind(x, y)
        return out, _share_of_x(x, y, out, wins)

    _extremum.with_residual(_with_share)
    pointwise(
        _extremum,
        x=lambda g, residual: weighted(g, residual),
        y=lambda g, residual: weighted(g, _rest(residual)),
    )
    _extremum.samples(pairs(normal))
    _extremum.samples(beside_integers(nonzero))


@maximum.samples
@minimum.samples
@fmax.samples
@fmin.samples
def _with_ties(rng):
    x = normal(rng, (2, 3))
    yield Sample((x, np.where(rng.random(x.shape) < 0.5, x, 0.0)), note="ties")
    yield Sample((tied(rng, (3,)), tied(rng, (2, 1))), note="ties that broadcast")
    yield Sample(
        (complex_of(normal)(rng, (3,)), complex_of(normal)(rng, (3,))), note="complex: by the real parts"
    )


@fmax.samples
@fmin.samples
def _with_nan(rng):
    yield Sample((np.array([np.nan, 1.5, -0.5]), np.array([2.5, np.nan, 0.5])), note="a NaN loses")


# ------------------------------------------------------------------------------------------------- where
@primitive("numpy.where", aliases=("where",))
def where(condition, x, y, /):
    """x where the condition holds, else y. An infinite cotangent of the one does not reach the other."""
    return np.where(condition, x, y)


@where.called_as
def _(condition, x=None, y=None, /):
    if (x is None) is not (y is None):
        raise ValueError("either both or neither of x and y should be given")
    if x is None:
        raise TypeError(
            "numpy.where of a condition alone is numpy.nonzero, whose result has no derivative: call that"
        )
    return (condition, x, y), {}


def _holds(condition):
    return condition if form_of(condition).dtype.kind == "b" else np.not_equal(condition, 0)


where.not_differentiable(
    condition="the result jumps where the condition changes, and is constant in it elsewhere"
)
pointwise(
    where,
    x=lambda g, condition: weighted(g, _holds(condition)),
    y=lambda g, condition: weighted(g, np.logical_not(condition)),
)


@where.samples
def _of_conditions(rng):
    for left, right in SHAPES:
        mask = rng.random(np.broadcast_shapes(left, right)) < 0.5
        yield Sample((mask, normal(rng, left), normal(rng, right)), note=f"shapes {left} and {right}")
    column = np.array([[True], [False]])
    yield Sample((column, normal(rng, (3,)), normal(rng, ())), note="the condition broadcasts")
    yield Sample((column, 0.5, -1.5), note="two Python floats")
    yield Sample((True, normal(rng, (2,)), 1.25), note="a Python bool")
    yield Sample((tied(rng, (2, 3)), normal(rng, (3,)), normal(rng, (2, 1))), note="a condition of floats")
    yield Sample((column, normal(rng, (2, 3)).astype(np.float32), 0), note="float32 and a Python int")
    yield Sample(
        (column, normal(rng, (3,)).astype(np.float32), normal(rng, (3,))), note="float32 and float64"
    )
    yield Sample((column, complex_of(normal)(rng, (2, 3)), normal(rng, (3,))), note="complex and real")
    yield Sample(
        (column, fortran(normal(rng, (2, 3))), strided(normal(rng, (2, 3)))), note="Fortran, strided"
    )
    both = read_only(normal(rng, (2, 3)))
    yield Sample((column, both, both), note="one array twice, read-only")


for _extremum in maximum, minimum, fmax, fmin:
    _extremum.at_kink(2.0, 2.0, cotangents=[0.5, 0.5])


# -------------------------------------------------------------------------------------------------- clip
@primitive("numpy.clip", aliases=("clip",))
def clip(a, a_min, a_max, /):
    """min(max(a, a_min), a_max): 1 for a inside and on the bounds, else for the bound that is the result

    A bound that is None is absent. Where the bounds are equal or crossed the result is a_max, whatever a is.
    """
    return np.clip(a, a_min, a_max)


_ABSENT = object()


@clip.called_as
def _(a, a_min=_ABSENT, a_max=_ABSENT, out=None, *, min=_ABSENT, max=_ABSENT, **options):
    if out is not None:
        raise out_refused("numpy.clip")
    refuse_options("numpy.clip", options)
    given = [value is not _ABSENT for value in (a_min, a_max, min, max)]
    if given[0] is not given[1]:
        raise TypeError(
            f"clip() missing 1 required positional argument: {'a_max' if given[0] else 'a_min'!r}"
        )
    if given[0] and any(given[2:]):
        raise ValueError("numpy.clip takes its bounds as a_min and a_max, or as min and max, not as both")
    lower, upper = (min, max) if any(given[2:]) else (a_min, a_max)
    return (a, None if lower is _ABSENT else lower, None if upper is _ABSENT else upper), {}


def _inside(a, a_min, a_max):
    """Tell where the result is a: not beyond a bound, and the bounds neither crossed nor equal."""
    if a_min is None or a_max is None:
        beyond = np.greater(a, a_max) if a_min is None else np.less(a, a_min)
    else:
        beyond = np.less(a, a_min) | np.greater(a, a_max)
        crossed = np.greater_equal(a_min, a_max)
        if crossed.any():
            beyond = beyond | crossed
    return np.logical_not(beyond)


def _share_of_lower(a, a_min, a_max):
    """Tell where the result is a_min: where a is below it, and it below a_max."""
    below = np.less(a, a_min)
    return below if a_max is None else below & np.less(a_min, a_max)


def _share_of_upper(a, a_min, a_max):
    """Tell where the result is a_max: where a is above it, and everywhere where a_min is not below it."""
    above = np.greater(a, a_max)
    return above if a_min is None else above | np.greater_equal(a_min, a_max)


pointwise(
    clip,
    a=lambda g, residual: weighted(g, residual),
    a_min=lambda g, a, a_min, a_max: weighted(g, _share_of_lower(a, a_min, a_max)),
    a_max=lambda g, a, a_min, a_max: weighted(g, _share_of_upper(a, a_min, a_max)),
)


@clip.with_residual
def _(a, a_min, a_max):
    free = a_min is None and a_max is None
    return clip.bind(a, a_min, a_max), True if free else _inside(a, a_min, a_max)


_MAY_BE_FREE = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
if not _MAY_BE_FREE:
    clip.leave_unchecked("free", "before 2.1 NumPy wants a bound")


@clip.samples
def _between_bounds(rng):
    yield Sample((normal(rng, (3, 4)), -0.5, 0.5), note="Python floats")
    yield Sample(
        (normal(rng, (3, 4)), -np.abs(normal(rng, (4,))), np.abs(normal(rng, (3, 1)))),
        note="bounds broadcast",
    )
    yield Sample(
        (normal(rng, (3,)), -np.abs(normal(rng, (2, 1))), np.abs(normal(rng, ()))), note="a broadcasts"
    )
    if _MAY_BE_FREE:
        yield Sample((normal(rng, (5,)), None, None), note="no bounds")
    yield Sample((normal(rng, (5,)), None, 0.25), note="no lower bound")
    yield Sample((normal(rng, (5,)), -0.25, None), note="no upper bound")
    yield Sample((normal(rng, (2, 3)),), {"min": -0.3, "max": normal(rng, (3,)) ** 2}, note="min and max")
    yield Sample((normal(rng, (2, 3)),), {"max": 0.3}, note="max alone")
    yield Sample((normal(rng, (2, 3)),), {"a_min": 0.1, "a_max": None}, note="by keyword")
    yield Sample((normal(rng, (4,)), np.full(4, 0.5), np.full(4, -0.5)), note="crossed bounds: a_max")
    yield Sample((np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), 0.0, 1.0), note="on the bounds")
    yield Sample((np.array([-2.0, 0.5, 3.0]), np.full(3, 0.5), np.full(3, 0.5)), note="equal bounds")
    yield Sample(
        (np.array([0.5, 0.25]), np.array([0.5, -1.0]), np.array([0.5, 1.0])), note="some bounds equal"
    )
    yield Sample((normal(rng, ()), -1, 1), note="0-d, Python ints")
    yield Sample((float(normal(rng, ())), -0.5, 0.5), note="a Python float")
    yield Sample((normal(rng, (2, 2)).astype(np.float32), np.float32(-0.5), np.float32(0.5)), note="float32")
    yield Sample((np.arange(-2, 3), -0.5, 1.5), note="integers between floats")
    yield Sample((normal(rng, (0, 3)), -0.5, 0.5), note="empty")
    yield Sample(
        (fortran(normal(rng, (2, 3))), strided(-np.abs(normal(rng, (2, 3)))), 0.5), note="Fortran, strided"
    )
    yield Sample((read_only(normal(rng, (1,))), -0.5, 0.5), note="size 1, read-only")


# --------------------------------------------------------------------------------- reductions of one array
def _shares(a, out, axis, initial, where):
    """Return the share of each element in the result: a mask without ties, else one over the number that ties."""
    shape = np.shape(a)
    result = expanded(out, shape, axis)
    chosen = _same(a, result)
    if where is not True:
        chosen = chosen & where
    if initial is None and np.count_nonzero(chosen) == np.size(out):
        return chosen
    number = np.sum(chosen, axis=normalised(axis, len(shape)), keepdims=True)
    if initial is not None:
        number = number + np.equal(result, initial)
    return chosen / np.maximum(number, 1).astype(np.finfo(np.result_type(out)).dtype)


class _Places(NamedTuple):
    """Where a reduction took each of its results from, counted in C order: those of the results in their own order."""

    found: np.ndarray
    shape: tuple[int, ...]

    def give(self, g):
        """Return the cotangent of the elements from that of the results."""
        whole = scatter_add.bind(np.ravel(g), key=self.found, shape=(product(self.shape),))
        return whole.reshape(self.shape)

    def take(self, t, shape):
        """Return the tangent of the results, which are of this shape, from that of the elements."""
        return np.reshape(np.ravel(t)[self.found], shape)


def _places(chosen, axis):
    """Return the places that a mask names, one for each result."""
    (found,), shape = chosen.ravel().nonzero(), chosen.shape
    kept = sorted(set(range(len(shape))).difference(normalised(axis, len(shape))))
    if kept != list(range(len(kept))):  # else the results come in the order of their places
        where = np.unravel_index(found, shape)
        found = found[np.lexsort([where[i] for i in reversed(kept)])]
    return _Places(found, shape)


def _origin(a, out, axis, initial, where):
    """Return whence the result came: the places, where they take less memory than the mask or the shares."""
    shares = _shares(a, out, axis, initial, where)
    few = np.size(out) * np.dtype(np.intp).itemsize <= shares.size
    return _places(shares, axis) if few and shares.dtype.kind == "b" else shares


def _reduction(name: str, what: str, aliases: tuple[str, ...] = ()) -> Primitive:
    """Return ``numpy.max`` or another: numpy.max and numpy.amax are two functions that do the same."""
    compute = (np.maximum if what == "greatest" else np.minimum).reduce

    def forward(a, /, *, axis: Axis = None, keepdims=False, initial=None, where=True):
        start = {} if initial is None else {"initial": initial}
        return compute(a, axis=axis, keepdims=keepdims, where=where, **start)

    forward.__doc__ = (
        f"The {what} element along some axes; those that tie share the derivative, ``initial`` too."
    )
    reduction = Primitive(forward, f"numpy.{name}", aliases)

    reduction.called_like(
        lambda a, axis=None, out=None, keepdims=False, initial=None, where=True: ..., **NO_OUT
    )

    @reduction.with_residual
    def _(a, *, axis=None, keepdims=False, initial=None, where=True):
        out = reduction.bind(a, axis=axis, keepdims=keepdims, initial=initial, where=where)
        return out, _origin(a, out, axis, initial, where)

    def pull(g, residual, axis):
        if isinstance(residual, _Places):
            return residual.give(g)
        return weighted(expanded(g, np.shape(residual), axis), residual)

    def push(t, out, residual, axis, keepdims):
        if isinstance(residual, _Places):
            return residual.take(t, np.shape(out))
        return np.sum(weighted(t, residual), axis=axis, keepdims=keepdims)

    reduction.defvjp(a=pull).defjvp(a=push)
    keywords = ("keepdims", "where", "initial")
    reduction.samples(reductions(normal, complex=True, nonempty=True, keywords=keywords, initial=0.0))

    @reduction.samples
    def _with_ties(rng):
        yield Sample((tied(rng, (3, 4)),), {"axis": 1}, note="ties")
        yield Sample((tied(rng, (2, 3, 2)),), {"axis": (0, -1), "keepdims": True}, note="ties over two axes")
        yield Sample((np.zeros((2, 3)),), note="all equal")
        yield Sample((np.full((3, 4), 0.5),), note="many equal")
        yield Sample((normal(rng, (9, 2)),), {"axis": 0}, note="of many, to few")
        yield Sample((normal(rng, (3, 4, 3, 2)),), {"axis": (1, -1)}, note="of many, over two axes")
        yield Sample((normal(rng, (2, 3)), 1), note="the axis by position")
        yield Sample((normal(rng, ()),), note="0-d")
        yield Sample((float(normal(rng, ())),), note="a Python float")
        yield Sample((normal(rng, (2, 0)),), {"axis": 1, "initial": 0.5}, note="over nothing, initial")
        yield Sample((normal(rng, (0, 3)),), {"axis": 1}, note="empty")
        yield Sample((normal(rng, (2, 3)),), {"axis": ()}, note="over no axis")
        sign = 1 if name in ("max", "amax") else -1
        x, mask = (
            5 + sign * np.array([[3.0, 3.0, 1.0], [2.0, 0.5, 2.0]]),
            np.array([[0, 1, 1], [1, 1, 0]], bool),
        )
        start = {"axis": 1, "initial": 5 - 9.0 * sign}
        yield Sample((x,), {**start, "where": mask}, note="what the mask leaves out is as great")
        yield Sample(
            (x + sign * ~mask,), {**start, "where": mask}, note="what the mask leaves out is greater"
        )

    for change, reason in _NEED_NOT_SHOW.items():
        reduction.waive_mutant("*", change, reason)
    reduction.waive_mutant("a", "weighted(t, residual) -> weighted(residual, t)", _COMMUTES)
    return reduction


_COMMUTES = "a product commutes; that a weight of 0 wins over an infinite cotangent has a test of its own"
_NAN = "it matters where the result is NaN, which has no difference quotient; it has a test of its own"
_TIES = "at a tie any share is a subgradient; that ties share equally is a convention with a test of its own"
_MEMORY = "places and masks say the same, and differ in the memory that they take"
_NEED_NOT_SHOW = {
    "_same -> ...": _NAN,
    "_same(a, result) -> _same(result, a)": "equality is symmetric",
    "initial is None and np.count_nonzero(chosen) == np.size(out) -> ...": "a short way without ties",
    "initial is None -> initial is not None": "a short way without ties",
    "np.size(out) * np.dtype(np.intp).itemsize <= shares.size -> ...": _MEMORY,
    "np.size(out) * np.dtype(np.intp).itemsize -> ...": _MEMORY,
    "few and shares.dtype.kind == 'b' -> shares.dtype.kind == 'b'": _MEMORY,
    "_places(shares, axis) -> shares": _MEMORY,
    "normalised(axis, len(shape)) -> axis": "np.sum normalises it too",
    "if initial is not None -> ...": _TIES,
    "initial is not None -> ...": _TIES,
    "number + np.equal(result, initial) -> ...": _TIES,
    "np.maximum(number, 1) -> number": _NAN,
}


max_ = _reduction("max", "greatest", ("max",))
amax = _reduction("amax", "greatest")
min_ = _reduction("min", "least", ("min",))
amin = _reduction("amin", "least")


# -------------------------------------------------------------------------------------------- what no sample need show
for _extremum in maximum, minimum, fmax, fmin:
    _extremum.waive_mutant("x", "weighted(g, residual) -> weighted(residual, g)", _COMMUTES)
    for _change, _reason in {
        "_same -> ...": _NAN,
        "_same(x, out) -> _same(out, x)": "equality is symmetric",
        "_same(y, out) -> _same(out, y)": "equality is symmetric",
        "extremum.bind(x, y) -> extremum.bind(y, x)": "it is symmetric",
        "_share_of_x -> ...": _TIES,
    }.items():
        _extremum.waive_mutant("*", _change, _reason)

clip.at_kink(0.0, 0.0, 1.0, cotangents=[1.0, 0.0, 0.0]).at_kink(1.0, 0.0, 1.0, cotangents=[1.0, 0.0, 0.0])
clip.at_kink(  # of some elements the bounds are equal
    np.array([0.5, 0.25]),
    np.array([0.5, -1.0]),
    np.array([0.5, 1.0]),
    cotangents=[np.array([0.0, 1.0]), np.zeros(2), np.array([1.0, 0.0])],
)
max_.at_kink(np.array([1.0, 3.0, 3.0]), cotangents=[np.array([0.0, 0.5, 0.5])])
min_.at_kink(np.array([1.0, 1.0, 3.0]), cotangents=[np.array([0.5, 0.5, 0.0])])
clip.waive_mutant("a", "weighted(g, residual) -> weighted(residual, g)", _COMMUTES)
for _change in "np.greater(a, a_max) -> ...", "np.less(a, a_min) -> ...":
    clip.waive_mutant(
        "*", _change, "on a bound any subgradient is right; that a has 1 is a convention with a test"
    )
