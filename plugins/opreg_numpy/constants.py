"""Declared constants: functions without derivative, each with the reason why.

A step function is constant between its jumps; a comparison, a test or an index is no number that varies; what takes
only the shape of its argument does not depend on its value.
"""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, Primitive, Sample, is_traced, primitive
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT
from opreg_numpy._samples import (
    apart,
    beside_integers,
    complex_of,
    nonzero,
    normal,
    pairs,
    tied,
    unary,
)

STEP = "it is constant between its jumps"
TEST = "a truth value has no derivative"
INDEX = "an index has no derivative"
COUNT = "a count has no derivative"
SHAPE = "only the shape and the dtype of the argument are used"

IN_MEMORY = {"order": "F", "subok": False, "device": "cpu"}


# ------------------------------------------------------------------------------------ functions of one array
def _of_one(name: str, reason: str, *, complex: bool = False) -> Primitive:
    """Return the constant ``numpy.name(x)``, also of complex numbers if it takes them."""
    compute = getattr(np, name)
    constant = Primitive(lambda x, /: compute(x), f"numpy.{name}", (name,))
    constant.doc = f"{name} of each element: {reason}."
    constant.samples(unary(apart, complex=complex))
    return constant.not_differentiable(reason)


floor = _of_one("floor", STEP)
ceil = _of_one("ceil", STEP)
trunc = _of_one("trunc", STEP)
rint = _of_one("rint", STEP, complex=True)
isfinite = _of_one("isfinite", TEST, complex=True)
isinf = _of_one("isinf", TEST, complex=True)
isnan = _of_one("isnan", TEST, complex=True)
iscomplex = _of_one("iscomplex", TEST, complex=True)
isreal = _of_one("isreal", TEST, complex=True)
signbit = _of_one("signbit", TEST)
isposinf = _of_one("isposinf", TEST)
isneginf = _of_one("isneginf", TEST)
logical_not = _of_one("logical_not", TEST, complex=True)


isposinf.called_like(lambda x, out=None: ..., **NO_OUT)
isneginf.called_like(lambda x, out=None: ..., **NO_OUT)


@primitive("numpy.fix", aliases=("fix",))
def fix(x, /):
    """trunc x: numpy.fix is its older name, deprecated in NumPy 2.5"""
    return np.trunc(x)


fix.not_differentiable(STEP)
fix.samples(unary(apart))


def _rounding(name: str) -> Primitive:
    """Return ``numpy.round`` or ``numpy.around``, two functions that do the same."""
    compute = getattr(np, name)
    rounding = Primitive(
        lambda a, /, *, decimals=0: compute(a, decimals=decimals),
        f"numpy.{name}",
        () if name == "around" else ("round",),
    )
    rounding.doc = f"Round to a number of decimals: {STEP}."

    rounding.called_like(lambda a, decimals=0, out=None: ..., **NO_OUT)

    rounding.samples(unary(apart, complex=complex_of(apart)))

    @rounding.samples
    def _to_decimals(rng):
        yield Sample((apart(rng, (2, 3)) / 10, 1), note="to one decimal")
        yield Sample((10 * apart(rng, (2, 3)),), {"decimals": -1}, note="to tens")

    return rounding.not_differentiable(STEP)


round_ = _rounding("round")
around = _rounding("around")


# ------------------------------------------------------------------------------------------------- indices
def _indices(name: str) -> Primitive:
    """Return the constant ``numpy.name(a)``, the places of what is not zero."""
    compute = getattr(np, name)
    constant = Primitive(lambda a, /: compute(a), f"numpy.{name}", (name,))
    constant.doc = f"{name}: {INDEX}."

    @constant.samples
    def _of_arrays(rng):
        yield Sample((apart(rng, (2, 3)),), note="a matrix")
        yield Sample((apart(rng, (4,)).astype(np.float32),), note="float32")
        yield Sample((apart(rng, (2, 2, 2))[::-1],), note="negative strides")
        yield Sample((np.ones((0, 2)),), note="empty")

    return constant.not_differentiable(INDEX)


nonzero_places = _indices("nonzero")
flatnonzero = _indices("flatnonzero")
argwhere = _indices("argwhere")


# ----------------------------------------------------------------------------------- functions of two arrays
def _of_two(name: str, reason: str, draw=apart) -> Primitive:
    """Return the constant ``numpy.name(x, y)``."""
    compute = getattr(np, name)
    constant = Primitive(lambda x, y, /: compute(x, y), f"numpy.{name}", (name,))
    constant.doc = f"{name} of pairs of elements: {reason}."
    constant.samples(pairs(draw, same=False))
    constant.samples(beside_integers(draw))
    return constant.not_differentiable(reason)


greater = _of_two("greater", TEST)
greater_equal = _of_two("greater_equal", TEST)
less = _of_two("less", TEST)
less_equal = _of_two("less_equal", TEST)
equal = _of_two("equal", TEST)
not_equal = _of_two("not_equal", TEST)
logical_and = _of_two("logical_and", TEST)
logical_or = _of_two("logical_or", TEST)
logical_xor = _of_two("logical_xor", TEST)
floor_divide = _of_two("floor_divide", STEP, nonzero)


def _comparing(name: str) -> Primitive:
    """Return the constant ``numpy.name(a, b, rtol, atol, equal_nan)``."""
    compute = getattr(np, name)

    def forward(a, b, /, *, rtol=1e-05, atol=1e-08, equal_nan=False):
        return compute(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)

    constant = Primitive(forward, f"numpy.{name}", (name,))
    constant.doc = f"{name} of two arrays, within limits: {TEST}."
    constant.samples(pairs(apart, same=False, complex=True))

    @constant.samples
    def _within_limits(rng):
        yield Sample((apart(rng, (3,)), apart(rng, (2, 1)), 0.0, 0.5), note="limits")
        yield Sample((apart(rng, (3,)), apart(rng, (3,))), {"rtol": 0.5, "equal_nan": True}, note="limits")

    return constant.not_differentiable(TEST)


isclose = _comparing("isclose")
allclose = _comparing("allclose")


@primitive("numpy.array_equal", aliases=("array_equal",))
def array_equal(a1, a2, /, *, equal_nan=False):
    """Whether two arrays have one shape and the same elements"""
    return np.array_equal(a1, a2, equal_nan=equal_nan)


@array_equal.samples
def _nan_or_not(rng):
    yield Sample((apart(rng, (3,)), apart(rng, (3,))), {"equal_nan": True}, note="NaN may be equal")


array_equal.samples(pairs(apart, same=False, complex=True))
array_equal.not_differentiable(TEST)
array_equiv = _of_two("array_equiv", TEST)


@array_equiv.called_as
def _(a1, a2):
    return (a1, a2), {}


@primitive("numpy.isin", aliases=("isin",))
def isin(element, test_elements, /, *, assume_unique=False, invert=False, kind=None):
    """Whether each element of the first array is in the second"""
    return np.isin(element, test_elements, assume_unique, invert, kind=kind)


isin.not_differentiable(TEST)


@isin.samples
def _of_sets(rng):
    yield Sample((apart(rng, (2, 3)), apart(rng, (4,))), note="a matrix")
    yield Sample((apart(rng, ()), apart(rng, (2, 2))), {"invert": True}, note="not in")
    yield Sample(
        (apart(rng, (3,)), apart(rng, (2,))), {"assume_unique": True, "kind": "sort"}, note="sorting"
    )
    yield Sample((apart(rng, (3,)).astype(np.float32), np.arange(3)), note="float32, integers")
    yield Sample((apart(rng, (0,)), apart(rng, (2,))), note="empty")


# -------------------------------------------------------------------------------------------- along an axis
@primitive("numpy.argmax", aliases=("argmax",))
def argmax(a, /, *, axis=None, keepdims=False):
    """Index of the greatest element"""
    return np.argmax(a, axis=axis, keepdims=keepdims)


@primitive("numpy.argmin", aliases=("argmin",))
def argmin(a, /, *, axis=None, keepdims=False):
    """Index of the least element"""
    return np.argmin(a, axis=axis, keepdims=keepdims)


argmax.called_like(lambda a, axis=None, out=None, *, keepdims=False: ..., **NO_OUT)
argmin.called_like(lambda a, axis=None, out=None, *, keepdims=False: ..., **NO_OUT)


@primitive("numpy.all", aliases=("all",))
def all_(a, /, *, axis=None, keepdims=False, where=True):
    """Whether all elements along some axes are true"""
    return np.all(a, axis=axis, keepdims=keepdims, where=where)


@primitive("numpy.any", aliases=("any",))
def any_(a, /, *, axis=None, keepdims=False, where=True):
    """Whether any element along some axes is true"""
    return np.any(a, axis=axis, keepdims=keepdims, where=where)


all_.called_like(lambda a, axis=None, out=None, keepdims=False, *, where=True: ..., **NO_OUT)
any_.called_like(lambda a, axis=None, out=None, keepdims=False, *, where=True: ..., **NO_OUT)


@primitive("numpy.count_nonzero", aliases=("count_nonzero",))
def count_nonzero(a, /, *, axis=None, keepdims=False):
    """Number of elements along some axes that are not zero"""
    return np.count_nonzero(a, axis=axis, keepdims=keepdims)


@primitive("numpy.lexsort", aliases=("lexsort",))
def lexsort(*keys, axis=-1):
    """The places of elements in ascending order of the last key, of the one before where those are equal, ..."""
    return np.lexsort(keys, axis=axis)


@lexsort.called_as
def _(keys, axis=-1):
    return tuple(keys), {"axis": axis}


@lexsort.samples
def _of_keys(rng):
    yield Sample(((apart(rng, (4,)), np.array([1, 0, 1, 0])),), note="integers first")
    yield Sample((apart(rng, (2, 3)),), note="rows")
    yield Sample(([apart(rng, (3, 2)), apart(rng, (3, 2))],), {"axis": 0}, note="an axis")
    yield Sample(((apart(rng, (3,)).astype(np.float32),),), note="float32")


lexsort.not_differentiable(INDEX)
argmax.not_differentiable(INDEX)
argmin.not_differentiable(INDEX)
all_.not_differentiable(TEST)
any_.not_differentiable(TEST)
count_nonzero.not_differentiable(COUNT)


@argmax.samples
@argmin.samples
@all_.samples
@any_.samples
@count_nonzero.samples
def _along_axes(rng):
    yield Sample((apart(rng, (3, 4)),), note="flattened")
    yield Sample((apart(rng, (2, 3, 2)),), {"axis": 1}, note="one axis")
    yield Sample((apart(rng, (2, 3)),), {"axis": -1, "keepdims": True}, note="a negative axis, keepdims")
    yield Sample((apart(rng, (2, 3)), 0), note="the axis by position")
    yield Sample((apart(rng, (3,)).astype(np.float32),), note="float32")
    yield Sample((apart(rng, (2, 3))[:, ::-1].T,), {"axis": 0}, note="a view")


@all_.samples
@any_.samples
def _of_some(rng):
    yield Sample((apart(rng, (2, 3)),), {"axis": 1, "where": np.array([True, False, True])}, note="where")


# -------------------------------------------------------------------------------------- of the argument's shape
def _filled(name: str, compute, doc: str) -> Primitive:
    """Return the constant ``numpy.name(a, dtype, order, subok, shape, device=)``."""

    def forward(a, /, *, dtype=None, order="K", subok=True, shape=None, device=None):
        return compute(a, dtype=dtype, order=order, subok=subok, shape=shape, device=device)

    constant = Primitive(forward, f"numpy.{name}", (name,))
    constant.doc = f"{doc} Of a traced argument it is traced: traced values can be written into it."

    @constant.samples
    def _of_shapes(rng):
        yield Sample((normal(rng, (2, 3)),), note="a matrix")
        yield Sample((normal(rng, (2, 3)).astype(np.float32),), note="float32")
        yield Sample((normal(rng, ()),), {"dtype": np.float32}, note="another dtype")
        yield Sample((normal(rng, (2,)),), {"shape": (2, 2)}, note="another shape")
        yield Sample((complex_of(normal)(rng, (2, 0)),), note="complex, empty")
        yield Sample((normal(rng, (2, 3)),), IN_MEMORY, note="how it lies in memory")

    return constant.not_differentiable(SHAPE).returns_new()


zeros_like = _filled("zeros_like", np.zeros_like, "Zeros, of the shape and dtype of the argument.")
ones_like = _filled("ones_like", np.ones_like, "Ones, of the shape and dtype of the argument.")
empty_like = _filled(
    "empty_like", np.zeros_like, "An array whose values are of no account: zeros, to be the same each time."
)


def _places_from(name: str) -> Primitive:
    """Return the constant ``numpy.name(arr, k)``, the places of a triangle of a matrix."""
    compute = getattr(np, name)
    constant = Primitive(lambda arr, /, *, k=0: compute(arr, k), f"numpy.{name}", (name,))
    constant.doc = f"Places of a triangle: {SHAPE}."

    @constant.samples
    def _of_matrices(rng):
        yield Sample((normal(rng, (3, 4)),), note="a matrix")
        yield Sample((normal(rng, (3, 2)), 1), note="above the diagonal")
        yield Sample((normal(rng, (2, 3)).astype(np.float32),), {"k": -1}, note="below the diagonal, float32")
        yield Sample((complex_of(normal)(rng, (0, 2)),), note="complex, empty")

    return constant.not_differentiable(SHAPE)


tril_indices_from = _places_from("tril_indices_from")
triu_indices_from = _places_from("triu_indices_from")


@primitive("numpy.diag_indices_from", aliases=("diag_indices_from",))
def diag_indices_from(arr, /):
    """Places of the diagonal of an array that is as long along every axis"""
    return np.diag_indices_from(arr)


@diag_indices_from.samples
def _of_cubes(rng):
    yield Sample((normal(rng, (3, 3)),), note="a matrix")
    yield Sample((normal(rng, (2, 2, 2)).astype(np.float32),), note="a cube, float32")
    yield Sample((complex_of(normal)(rng, (0, 0)),), note="complex, empty")


diag_indices_from.not_differentiable(SHAPE)


@primitive("numpy.full_like", aliases=("full_like",))
def full_like(a, fill_value, /, *, dtype=None, order="K", subok=True, shape=None, device=None):
    """``fill_value`` broadcast to the shape of a, in which it is linear"""
    return np.full_like(a, fill_value, dtype=dtype, order=order, subok=subok, shape=shape, device=device)


full_like.not_differentiable(a=SHAPE).returns_new()
full_like.deflinear(fill_value=lambda g, residual: residual.fit(g))
full_like.residual_of(lambda a, fill_value: form_of(fill_value))


@full_like.samples
def _fillings(rng):
    yield Sample((normal(rng, (2, 3)), 1.5), note="a Python float")
    yield Sample((normal(rng, (2, 3)), normal(rng, (3,))), note="broadcasts")
    yield Sample((normal(rng, (2, 3)), normal(rng, (2, 1))), note="broadcasts")
    yield Sample((normal(rng, (2,)), normal(rng, ())), {"shape": (3, 2)}, note="another shape")
    yield Sample((normal(rng, (2,)).astype(np.float32), np.float32(0.5)), note="float32")
    yield Sample((normal(rng, (2,)), np.float32(0.5)), {"dtype": np.float64}, note="float32 as float64")
    yield Sample((complex_of(normal)(rng, (2,)), 0.5), note="a real number into complex ones")
    yield Sample((tied(rng, (0, 2)), normal(rng, (2,))), note="empty")
    yield Sample((normal(rng, (2, 3)), normal(rng, (3,))), IN_MEMORY, note="how it lies in memory")


@primitive("numpy.full", aliases=("full",))
def full(fill_value, /, *, shape, dtype=None, order="C", device=None):
    """``fill_value`` broadcast to a shape, in which it is linear"""
    return np.full(shape, fill_value, dtype=dtype, order=order, device=device)


@full.called_as
def _(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    if not (like is None or is_traced(like) or isinstance(like, np.ndarray)):
        raise NotDifferentiable("numpy.full: like= is an array of NumPy's, or a traced value")
    return (fill_value,), {"shape": shape, "dtype": dtype, "order": order, "device": device}


full.returns_new()
full.deflinear(fill_value=lambda g, residual: residual.fit(g))
full.leave_unchecked("like", "it makes the array a traced one: tests/ops/test_writing.py")
full.residual_of(form_of)


@full.samples
def _full(rng):
    yield Sample(((2, 3), 1.5), note="a Python float")
    yield Sample(((2, 3), normal(rng, (3,))), note="broadcasts")
    yield Sample(((2, 3), normal(rng, (2, 1))), note="broadcasts")
    yield Sample((4, normal(rng, ())), note="an integer as the shape")
    yield Sample(((2,), np.float32(0.5)), note="float32")
    yield Sample(((2,), 0.5, np.complex128), note="a Python float as complex")
    yield Sample(((2,), 0.5 + 1j), {"order": "F", "device": "cpu"}, note="complex")
    yield Sample(((0, 2), normal(rng, (2,))), note="empty")
