"""Sets: the elements of arrays without repetition.

Between ties, out = P a with a permutation P that the values choose. Equal elements share the cotangent of the one that
stands for them equally, as with ``max``; its tangent is the mean of theirs. No neighbour of an array with ties has
them: the length of ``out`` jumps, so that this is a convention and no limit.
"""

from __future__ import annotations

from math import prod

import numpy as np

from opreg import Primitive, Sample, primitive, stop_gradient
from opreg_numpy._axes import along
from opreg_numpy._rules import composite
from opreg_numpy._samples import LAYOUTS, apart, complex_of, normal, repeated, single
from opreg_numpy.indexing import scatter_add

_SINCE_2_3 = np.lib.NumpyVersion(np.__version__) >= "2.3.0"


@primitive("numpy.unique", aliases=("unique",))
def unique(
    ar,
    /,
    *,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    equal_nan=True,
    sorted=True,
):
    """The elements without repetition, or the slices along an axis; where and how often they are: constants

    They are ascending with ``sorted=False`` too, with which NumPy promises no order.
    """
    return np.unique(ar, return_index, return_inverse, return_counts, axis=axis, equal_nan=equal_nan)


if not _SINCE_2_3:
    unique.leave_unchecked("sorted", "it is of NumPy 2.3")


@unique.with_residual
def _(ar, *, axis=None, equal_nan=True, **options):
    _, number, size = np.unique(ar, False, True, True, axis=axis, equal_nan=equal_nan)
    out = unique.bind(ar, axis=axis, equal_nan=equal_nan, **options)
    return out, (np.shape(ar), np.ravel(number), size)


def _in_lanes(shape, axis):
    """Return the shape in which elements lie along an axis, and that axis: one lane for None."""
    return ((prod(shape),), 0) if axis is None else (shape, axis % len(shape))


def _real(size, x):
    """Return numbers of elements in the precision of x."""
    return size.astype(x.real.dtype)


def _divided(x, size, axis):
    """Return x, what each group has along an axis, divided by the number of its elements."""
    return x / np.reshape(_real(size, x), (len(size),) + (1,) * (np.ndim(x) - 1 - axis))


def _unique_cotangent(g, residual, axis):
    shape, number, size = residual
    g = g[0] if isinstance(g, tuple) else g
    _, line = _in_lanes(shape, axis)
    return np.reshape(np.take(_divided(g, size, line), number, axis=line), shape)


def _unique_tangent(t, residual, return_index, return_inverse, return_counts, axis):
    shape, number, size = residual
    shape, line = _in_lanes(shape, axis)
    t = np.reshape(t, shape)
    grouped = (*t.shape[:line], len(size), *t.shape[line + 1 :])
    mean = _divided(scatter_add(t, key=along(t.ndim, line, number), shape=grouped), size, line)
    constants = return_index + return_inverse + return_counts
    return (mean, *(None,) * constants) if constants else mean


unique.defvjp(ar=_unique_cotangent).defjvp(ar=_unique_tangent)
unique.at_kink(np.array([2.0, 1.0, 2.0, 2.0]), cotangents=[np.array([1, 3, 1, 1]) / 3])
unique.at_kink(
    np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0]]), axis=1, cotangents=[np.array([[0.5, 0.5, 1.0]] * 2)]
)


def _of_the_standard(name, doc):
    """Return a function of the Array API standard: ``unique`` for which all NaN are different."""
    compute = getattr(np, name)
    function = Primitive(lambda x, /: compute(x), f"numpy.{name}", (name,))
    function.doc = doc
    function.at_kink(np.array([2.0, 1.0, 2.0, 2.0]), cotangents=[np.array([1, 3, 1, 1]) / 3])

    @function.with_residual
    def _with_places(x):
        _, _, number, size = np.unique_all(x)
        return function.bind(x), (number, size)

    return function


def _given_to_each(g, residual):
    number, size = residual
    return (g / _real(size, g))[number]


def _mean(t, residual):
    number, size = residual
    return scatter_add(t, key=(number,), shape=size.shape) / _real(size, t)


unique_counts = _of_the_standard(
    "unique_counts", "The elements without repetition, and how often each occurs"
)
unique_inverse = _of_the_standard(
    "unique_inverse", "The elements without repetition, and which of them each element is"
)
unique_all = _of_the_standard(
    "unique_all",
    "The elements without repetition, where each occurs first, which of them each element is, and how often",
)
for _function in unique_counts, unique_inverse, unique_all:
    _function.defvjp(x=lambda g, residual: _given_to_each(g[0], residual))
unique_counts.defjvp(x=lambda t, residual: (_mean(t, residual), None))
unique_inverse.defjvp(x=lambda t, residual: (_mean(t, residual), None))
unique_all.defjvp(x=lambda t, residual: (_mean(t, residual), None, None, None))


@primitive("numpy.unique_values", aliases=("unique_values",))
def unique_values(x, /):
    """The elements without repetition, ascending: NumPy promises no order"""
    return np.unique(x, equal_nan=False)


@unique_values.with_residual
def _(x):
    out, _, number, size = np.unique_all(x)
    return out, (number, size)


unique_values.defvjp(x=_given_to_each).defjvp(x=_mean)
unique_values.at_kink(np.array([2.0, 1.0, 2.0, 2.0]), cotangents=[np.array([1, 3, 1, 1]) / 3])


@composite("numpy.union1d")
def union1d(ar1, ar2):
    """The elements of either array without repetition, ascending"""
    return np.unique(np.concatenate([np.ravel(ar1), np.ravel(ar2)]))


@composite("numpy.setdiff1d")
def setdiff1d(ar1, ar2, assume_unique=False):
    """The elements of the first array that are not in the second, without repetition unless that is assumed"""
    left = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return left[np.isin(stop_gradient(left), stop_gradient(ar2), invert=True)]


@composite("numpy.setxor1d")
def setxor1d(ar1, ar2, assume_unique=False):
    """The elements of one of the arrays that are not in the other, ascending"""
    parts = [np.ravel(a) if assume_unique else np.unique(a) for a in (ar1, ar2)]
    joined = np.sort(np.concatenate(parts))
    plain = stop_gradient(joined)
    if not plain.size:
        return joined
    changes = np.concatenate([[True], plain[1:] != plain[:-1], [True]])
    return joined[changes[1:] & changes[:-1]]


# ---------------------------------------------------------------------------------------------------- samples
def _laid_out(layout):
    """Return a draw of numbers that lie apart, in a layout."""
    return lambda rng, shape: layout(apart(rng, shape))


_KINDS = {
    "float32": _laid_out(np.float32),
    "complex": complex_of(apart),
    "complex64": lambda rng, shape: np.complex64(complex_of(apart)(rng, shape)),
    **{note: _laid_out(layout) for note, layout in LAYOUTS.items() if layout is not repeated},
}


@unique.samples
@unique_values.samples
@unique_counts.samples
@unique_inverse.samples
@unique_all.samples
def _(rng):
    for shape in ((5,), (3, 4), (2, 3, 2), (), (1,), (0,), (0, 2)):
        yield Sample((apart(rng, shape),), note=f"{shape}")
    for kind, draw in _KINDS.items():
        yield Sample((draw(rng, (3, 4)),), note=kind)
    yield Sample((2.5,), note="a Python number")


@unique.samples
def _(rng):
    for axis in (0, 1, -1, -2):
        yield Sample((apart(rng, (3, 4)),), {"axis": axis}, note="slices")
        yield Sample((complex_of(apart)(rng, (2, 3, 4)),), {"axis": axis}, note="complex slices")
    yield Sample((apart(rng, (2, 3, 4)), True, True, True, 1), note="all that it returns")
    for keyword in "return_index", "return_inverse", "return_counts":
        yield Sample((apart(rng, (2, 3)),), {keyword: True})
        yield Sample((apart(rng, (2, 3)),), {keyword: True, "axis": 0})
    yield Sample((apart(rng, (4,)),), {"equal_nan": False})
    if _SINCE_2_3:
        yield Sample((apart(rng, (4,)),), {"sorted": False})


def _two(rng, draw, left, right):
    """Return two arrays of which all elements are different."""
    size = int(np.prod(left))
    both = draw(rng, (size + int(np.prod(right)),))
    return both[:size].reshape(left), both[size:].reshape(right)


@union1d.samples
@setdiff1d.samples
@setxor1d.samples
def _(rng):
    for left, right in (
        ((3,), (4,)),
        ((2, 3), (2,)),
        ((), (2, 2)),
        ((0,), (3,)),
        ((3,), (0,)),
        ((1,), (1,)),
        ((0,), (0,)),
    ):
        yield Sample(_two(rng, apart, left, right), note=f"{left}, {right}")
    for kind, draw in _KINDS.items():
        yield Sample(_two(rng, draw, (3,), (2,)), note=kind)
    yield Sample((apart(rng, (3,)), np.arange(3)), note="beside integers")
    yield Sample((single(rng, (3,)), normal(rng, (2,))), note="float32 and float64")


@setdiff1d.samples
@setxor1d.samples
def _(rng):
    yield Sample(_two(rng, apart, (3,), (2,)), {"assume_unique": True})


# -------------------------------------------------------------------------------------------- what no sample need show
_TIES = "of distinct elements each stands for itself; what tied ones share is a convention, with tests"
unique.waive_mutant(
    "*", "prod(shape) -> -prod(shape)", "any negative length of a reshape is the one that is left"
)
unique.waive_mutant(
    "*",
    "_divided(scatter_add(t, key=along(t.ndim, line, number), shape=grouped), size, line) -> "
    "scatter_add(t, key=along(t.ndim, line, number), shape=grouped)",
    _TIES,
)
for _change in (
    "unique.bind(ar, axis=axis, equal_nan=equal_nan, **options) -> unique.bind(ar, axis=axis, **options)",
    "np.unique(ar, False, True, True, axis=axis, equal_nan=equal_nan) -> np.unique(ar, False, True, True, axis=axis)",
):
    unique.waive_mutant("*", _change, "NaN has no derivative; that its places are right has a test")
for _function in unique_values, unique_counts, unique_inverse, unique_all:
    _function.waive_mutant(
        "*", "scatter_add(t, key=(number,), shape=size.shape) / _real(size, t) -> ...", _TIES
    )
