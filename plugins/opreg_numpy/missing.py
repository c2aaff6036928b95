"""Reductions that leave out NaN: what is NaN has the derivative 0, and so has a result that is NaN."""

from __future__ import annotations

import numpy as np

from opreg import Primitive, Sample, is_traced, stop_gradient
from opreg_numpy._axes import Axis, count, expanded
from opreg_numpy._form import form_of
from opreg_numpy._rules import NO_OUT, composite, weighted
from opreg_numpy._samples import complex_normal, fortran, nonzero, normal, read_only, tied
from opreg_numpy.constants import INDEX
from opreg_numpy.extrema import _shares
from opreg_numpy.statistics import (
    ALPHA_BETA,
    METHODS,
    finished,
    interpolated,
    lanes_of,
    moved,
    sequence,
    weighted_quantile,
    with_constant,
    with_nan,
)


def _missing(a):
    """Tell where an array is NaN: ``False`` if it is nowhere."""
    if form_of(a).dtype.kind not in "fc":
        return False
    missing = np.isnan(stop_gradient(a))
    return missing if np.any(missing) else False


def _filled(a, missing, value):
    """Return the array with a value, a constant, in the places that are missing."""
    return a if missing is False else np.where(missing, value, a)


def _present(missing, where):
    """Return the mask of what a reduction takes in."""
    if missing is False:
        return where
    return ~missing if where is True else ~missing & where


def _require_inexact(a, dtype):
    if dtype is not None and form_of(a).dtype.kind in "fc" and not np.issubdtype(dtype, np.inexact):
        raise TypeError("If a is inexact, then dtype must be inexact")


# ------------------------------------------------------------------------------------------------------ extrema
def _extremum(name: str, what: str) -> Primitive:
    """Return ``numpy.nanmax`` or ``numpy.nanmin``."""
    compute = getattr(np, name)

    def forward(a, /, *, axis: Axis = None, keepdims=False, initial=None, where=True):
        start = {} if initial is None else {"initial": initial}
        return compute(a, axis=axis, keepdims=keepdims, where=where, **start)

    forward.__doc__ = (
        f"The {what} element that is no NaN; those that tie share the derivative, ``initial`` too."
    )
    extremum = Primitive(forward, f"numpy.{name}", (name,))

    extremum.called_like(
        lambda a, axis=None, out=None, keepdims=False, initial=None, where=True: ..., **NO_OUT
    )

    @extremum.with_residual
    def _(a, *, axis=None, keepdims=False, initial=None, where=True):
        out = extremum.bind(a, axis=axis, keepdims=keepdims, initial=initial, where=where)
        return out, np.where(np.isnan(a), False, _shares(a, out, axis, initial, where))

    extremum.defvjp(
        a=lambda g, residual, axis: weighted(expanded(g, np.shape(residual), axis), residual)
    ).defjvp(
        a=lambda t, residual, axis, keepdims: np.sum(weighted(t, residual), axis=axis, keepdims=keepdims)
    )
    extremum.samples(with_gaps(normal, complex=True, keywords=("keepdims", "where", "initial"), initial=0.0))

    @extremum.samples
    def _with_ties(rng):
        x = tied(rng, (3, 4))
        x[[0, 1, 2], [1, 3, 0]] = np.nan
        yield Sample((x,), {"axis": 1}, note="ties")
        yield Sample((np.array([[2.0, np.nan, 2.0], [1.0, 1.0, 1.0]]),), note="ties")
        yield Sample(
            (np.array([[np.nan, 2.0], [np.nan, 1.0]]),), {"axis": 0}, note="nothing but NaN in a lane"
        )

    extremum.waive_mutant(
        "*",
        "weighted(t, residual) -> weighted(residual, t)",
        "a product commutes; that a weight of 0 wins over an infinite cotangent has a test of its own",
    )
    extremum.waive_mutant(
        "*",
        "np.where(np.isnan(a), False, _shares(a, out, axis, initial, where)) -> _shares(a, out, axis, initial, where)",
        "it matters where the result is NaN, which has no difference quotient; it has a test of its own",
    )
    return extremum


# ------------------------------------------------------------------------------------------------------- samples
def with_gaps(draw, *, complex=False, keywords=(), initial=1.5, shape=(2, 3, 4)):
    """Return a generator of samples of a reduction of arrays of which some elements are NaN, but no lane is all NaN."""

    def holed(x):
        x = np.array(x)
        flat = x.reshape(-1)
        flat[:: 5 if x.ndim > 1 else 3] = np.nan
        return x

    def samples(rng):
        axes: tuple[Axis, ...] = (None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2))
        for axis in axes:
            kwargs: dict[str, object] = {"axis": axis} if axis is not None else {}
            if "keepdims" in keywords and rng.random() < 0.5:
                kwargs["keepdims"] = True
            yield Sample((holed(draw(rng, shape)),), kwargs)
        yield Sample((draw(rng, (3, 4)),), {"axis": 1}, note="no NaN")
        yield Sample((holed(draw(rng, (4, 3))), 0), note="the axis by position")
        yield Sample((float(draw(rng, ())),), note="a Python float")
        yield Sample((holed(draw(rng, (3, 4))).astype(np.float32),), {"axis": 0}, note="float32")
        yield Sample((holed(draw(rng, (5,))).astype(np.float32),), note="float32")
        for layout in fortran, read_only:
            yield Sample((layout(holed(draw(rng, (3, 4)))),), {"axis": 0}, note=layout.__name__)
        yield Sample((holed(draw(rng, (3, 4)))[:, ::-1],), {"axis": 1}, note="negative strides")
        start = {"initial": initial} if "initial" in keywords else {}
        if "where" in keywords:
            mask = np.array([True, True, False, True])
            yield Sample((holed(draw(rng, (3, 4))),), {"where": mask, "axis": 1, **start}, note="where")
            mask = np.array([[True], [True], [False]])
            yield Sample((holed(draw(rng, (3, 4))),), {"where": mask, **start}, note="where broadcasts")
            yield Sample((draw(rng, (3, 4)),), {"where": mask, "axis": 0, **start}, note="where, no NaN")
        if "initial" in keywords:
            yield Sample((holed(draw(rng, (3, 4))),), {"axis": -1, "keepdims": True, **start}, note="initial")
        if "dtype" in keywords:
            x = holed(draw(rng, (3, 4)))
            yield Sample((x.astype(np.float32),), {"axis": 0, "dtype": np.float64}, note="dtype")
        if complex:
            z = holed(draw(rng, (3, 4)) + 1j * normal(rng, (3, 4)))
            yield Sample((z,), {"axis": 1}, note="complex")
            yield Sample((z.astype(np.complex64),), note="complex64")
            if "dtype" in keywords:
                yield Sample((holed(draw(rng, (4,))),), {"dtype": np.complex128}, note="a complex dtype")

    return samples


nanmax = _extremum("nanmax", "greatest")
nanmin = _extremum("nanmin", "least")


# ------------------------------------------------------------------------------------------------- sums, products
@composite("numpy.nansum", aliases=("nansum",), static=("initial",), **NO_OUT)
def nansum(a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True):
    """The sum with 0 in the place of NaN"""
    a = _filled(a, _missing(a), 0.0)
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


@composite("numpy.nanprod", aliases=("nanprod",), static=("initial",), **NO_OUT)
def nanprod(a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True):
    """The product with 1 in the place of NaN, whose derivative is exact however many zeros there are"""
    a = _filled(a, _missing(a), 1.0)
    return np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


@composite("numpy.nancumsum", aliases=("nancumsum",), **NO_OUT)
def nancumsum(a, axis=None, dtype=None, out=None):
    """The running sum with 0 in the place of NaN"""
    return np.cumsum(_filled(a, _missing(a), 0.0), axis=axis, dtype=dtype)


@composite("numpy.nancumprod", aliases=("nancumprod",), **NO_OUT)
def nancumprod(a, axis=None, dtype=None, out=None):
    """The running product with 1 in the place of NaN"""
    return np.cumprod(_filled(a, _missing(a), 1.0), axis=axis, dtype=dtype)


nansum.samples(with_gaps(normal, complex=True, keywords=("keepdims", "where", "initial", "dtype")))
nanprod.samples(with_gaps(nonzero, complex=True, keywords=("keepdims", "where", "initial", "dtype")))
for _primitive in nancumsum, nancumprod:
    _primitive.samples(
        lambda rng: filter(_of_one_axis, with_gaps(nonzero, complex=True, keywords=("dtype",))(rng))
    )


def _of_one_axis(sample):
    return not isinstance(sample.kwargs.get("axis"), tuple)


@nansum.samples
@nancumsum.samples
@nanprod.samples
@nancumprod.samples
def _of_special_values(rng):
    yield Sample((np.array([[0.0, np.nan, 2.0, 3.0], [0.0, 1.5, 0.0, np.nan]]),), {"axis": 1}, note="zeros")
    yield Sample((np.array([0.0, np.nan, 0.0, 2.0]),), note="zeros")
    yield Sample((np.array([[np.nan, 1.0], [np.nan, 2.0]]),), {"axis": 0}, note="nothing but NaN in a lane")
    yield Sample((nonzero(rng, (0, 3)),), {"axis": 0}, note="empty")


# ------------------------------------------------------------------------------------------------------- moments
@composite("numpy.nanmean", aliases=("nanmean",), **NO_OUT)
def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The mean of what is no NaN"""
    _require_inexact(a, dtype)
    axis, missing = _axis_of(a, axis), _missing(a)
    present = _present(missing, where)
    none = np.equal(count(np.shape(a), axis, present), 0)
    a = _filled(a, missing, 0.0)
    mean = np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=_or(present, none))
    return with_nan(mean, _of_lanes(none, mean))


def _axis_of(a, axis):
    """Return the axis, None where it is the first or the last of a number, which a sum takes for one."""
    return None if np.ndim(a) == 0 and axis in (0, -1) else axis


def _or(present, all_of):
    """Return the mask with all of some lanes, which are constants: what has no element has no finite derivative."""
    return present if present is True else present | all_of


def _of_lanes(mask, out):
    """Return a mask with the reduced axes of length one, as the result has it."""
    return np.reshape(mask, np.shape(out)) if np.ndim(mask) else np.broadcast_to(mask, np.shape(out))


@composite("numpy.nanvar", aliases=("nanvar",), static=("ddof", "correction"), **NO_OUT)
def nanvar(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None
):
    """The variance of what is no NaN: NaN, and constant, where that is no more than ``ddof`` elements"""
    return _spread(np.var, a, axis, dtype, ddof, keepdims, where, mean, correction)


@composite("numpy.nanstd", aliases=("nanstd",), static=("ddof", "correction"), **NO_OUT)
def nanstd(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None
):
    """The square root of the variance of what is no NaN; its derivative is 0 where all elements are equal"""
    return _spread(np.std, a, axis, dtype, ddof, keepdims, where, mean, correction)


def _spread(compute, a, axis, dtype, ddof, keepdims, where, mean, correction):
    if correction is not None and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    _require_inexact(a, dtype)
    ddof = ddof if correction is None else correction
    axis = _axis_of(a, axis)
    static = {"axis": axis, "dtype": dtype, "keepdims": keepdims}
    if form_of(a).dtype.kind not in "fc":
        return compute(a, ddof=ddof, where=where, mean=mean, **static)
    missing = _missing(a)
    present = _present(missing, where)
    too_few = np.less_equal(count(np.shape(a), axis, present), ddof)
    constant = missing | too_few if np.any(too_few) else missing
    a = _filled(a, constant, 0.0)
    if mean is not None:
        a, mean = _deviation(a, mean, constant), 0.0
    ddof = min(ddof, count(np.shape(a), axis) - 1)  # else all is NaN
    found = compute(a, ddof=ddof, where=_or(present, too_few), mean=mean, **static)
    return with_nan(found, _of_lanes(too_few, found))


def _deviation(a, mean, constant):
    """Return a - mean, 0 where a is constant, of the dtype of a: real where that is real, as NumPy has it."""
    d = _filled(a - mean, constant, 0.0)
    if np.shape(d) != np.shape(a):
        raise ValueError(f"a mean of shape {np.shape(mean)} is not one of data of shape {np.shape(a)}")
    d = np.real(d) if np.iscomplexobj(d) and not np.iscomplexobj(a) else d
    return d if d.dtype == form_of(a).dtype else d.astype(form_of(a).dtype)


nanmean.samples(with_gaps(normal, complex=True, keywords=("keepdims", "where", "dtype")))


@nanmean.samples
def _of_nothing(rng):
    x = np.array([[np.nan, 1.0, 3.0], [np.nan, 2.0, np.nan]])
    yield Sample((x,), {"axis": 0}, note="nothing but NaN in a lane")
    yield Sample((x,), {"axis": 1, "where": [[True], [False]], "keepdims": True}, note="nothing in a lane")


@nanvar.samples
@nanstd.samples
def _of_spreads(rng):
    for sample in with_gaps(normal, complex=True, keywords=("keepdims", "where", "dtype"), shape=(3, 2, 2))(
        rng
    ):
        if not isinstance(sample.args[0], float):
            yield sample
    x = normal(rng, (2, 4))
    x[[0, 1, 1], [1, 0, 3]] = np.nan
    yield Sample((x,), {"axis": 1, "ddof": 1}, note="ddof")
    yield Sample((x,), {"axis": 1, "correction": 1.5}, note="correction")
    yield Sample((x, 1, None, None, 2, True), note="by position")
    yield Sample((x,), {"axis": 1, "mean": np.nanmean(x, axis=1, keepdims=True) + 0.5}, note="mean")
    yield Sample(
        (x,), {"axis": 1, "mean": normal(rng, (2, 1)), "where": np.arange(4) < 3}, note="mean, where"
    )
    yield Sample((x,), {"mean": 0.5, "ddof": 1}, note="a Python float as the mean")
    yield Sample((x.astype(np.float32),), {"axis": 1, "mean": normal(rng, (2, 1))}, note="float32, mean")
    yield Sample((x,), {"axis": 1, "mean": complex_normal(rng, (2, 1))}, note="a complex mean of real data")
    yield Sample(
        (x + 1j * normal(rng, (2, 4)),),
        {"axis": 0, "mean": complex_normal(rng, (1, 4))},
        note="complex, mean",
    )
    yield Sample((x,), {"axis": 0, "ddof": 1}, note="too few in some lanes")
    yield Sample((np.arange(4),), {"mean": normal(rng, (1,))}, note="integers, mean")
    yield Sample((np.where(np.isnan(x), np.nan, 2.5),), {"axis": 1}, note="constant lanes")


# ---------------------------------------------------------------------------------------------- order statistics
@composite("numpy.nanmedian", aliases=("nanmedian",), **NO_OUT)
def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The median of what is no NaN; equal elements share, as in ``sort``"""
    if np.size(a) == 0:
        return np.nanmean(a, axis=axis, keepdims=keepdims)
    lanes = lanes_of(a, axis)
    number = _number(lanes)
    middle = np.stack([np.maximum(number - 1, 0) // 2, number // 2])
    two = np.take_along_axis(np.sort(lanes, axis=0), middle, axis=0)
    both = np.stack([np.ones(number.shape, bool), middle[0] != middle[1]])
    return finished(with_nan(np.mean(two, axis=0, where=both), number == 0), np.shape(a), axis, keepdims)


def _number(lanes):
    """Return how many elements of each lane are no NaN."""
    return np.asarray(np.count_nonzero(~np.isnan(stop_gradient(lanes)), axis=0))


def _quantile(name, unit, a, q, axis, method, keepdims, weights):
    if form_of(a).dtype.kind == "c":
        raise TypeError("a must be an array of real numbers")
    if np.size(a) == 0:
        return np.nanmean(a, axis=axis, keepdims=keepdims)
    compute = getattr(np, name.removeprefix("numpy."))
    q, lanes = sequence(q), lanes_of(a, axis)
    p, plain, number = stop_gradient(q), stop_gradient(lanes), _number(lanes)
    if weights is None:
        dtype = compute(np.zeros(1, plain.dtype), p, method=method).dtype
        place = np.zeros((np.size(p), *number.shape))
        for some in np.unique(number[number > 0]):
            found = compute(np.arange(some, dtype=float), p, method=method)
            place[:, number == some] = np.reshape(found, (-1, 1))
        if is_traced(q):
            place = moved(place, np.reshape(q, (np.size(p), *(1,) * number.ndim)), number, method, unit)
        ordered = np.sort(with_constant(lanes, number == 0), axis=0)
        found = interpolated(ordered, place, np.maximum(number - 1, 0), dtype)
        found = found if found.dtype == dtype else found.astype(dtype)
    else:
        found = weighted_quantile(compute, lanes, p, method, stop_gradient(weights), np.shape(a), axis)
    found = with_nan(found, np.broadcast_to(number == 0, np.shape(found)))
    return finished(found, np.shape(a), axis, keepdims, np.shape(p))


@composite("numpy.nanquantile", aliases=("nanquantile",), **NO_OUT)
def nanquantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):
    """The quantiles of what is no NaN, as in ``numpy.quantile``"""
    return _quantile("numpy.nanquantile", 1, a, q, axis, method, keepdims, weights)


@composite("numpy.nanpercentile", aliases=("nanpercentile",), **NO_OUT)
def nanpercentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):
    """The quantiles of q / 100 of what is no NaN"""
    return _quantile("numpy.nanpercentile", 0.01, a, q, axis, method, keepdims, weights)


_SPOILT = "it lets NumPy write into the data, which samples must not allow"
nanmedian.samples(with_gaps(normal, complex=True, keywords=("keepdims",), shape=(3, 2, 2)))
nanmedian.leave_unchecked("overwrite_input", _SPOILT)


@nanmedian.samples
def _medians(rng):
    for length in 2, 3, 6, 7:
        x = normal(rng, (length,))
        x[length // 2] = np.nan
        yield Sample((x,), note=f"{length} elements, one of them NaN")
    x = tied(rng, (3, 4))
    x[[0, 1, 1, 2], [1, 0, 3, 2]] = np.nan
    yield Sample((x,), {"axis": 1}, note="ties")
    yield Sample((np.array([[np.nan, 1.0], [np.nan, 2.0]]),), {"axis": 0}, note="nothing but NaN in a lane")
    yield Sample((normal(rng, (3, 0)),), {"axis": 0}, note="no lanes")


def _quantiles_of(unit, methods):
    def samples(rng):
        def q(*parts):
            return np.array(parts[0] if len(parts) == 1 else parts) / unit

        def holed(shape):
            x = normal(rng, shape)
            x.reshape(-1)[::5] = np.nan
            return x

        for axis in None, 0, -1, (0, 2), (-1, 1):  # (NumPy takes its time with many lanes)
            yield Sample((holed((2, 1, 4)), float(q(0.37))), {"axis": axis}, note="a Python float")
        for method in methods:
            yield Sample((holed((5, 2)), q(0.21, 0.68)), {"axis": 0, "method": method}, note=method)
        for method in [method for method in methods if method in ALPHA_BETA]:
            yield Sample((holed((4,)), q(0.01, 0.995)), {"method": method}, note=f"{method}, at the ends")
        yield Sample((holed((4,)), [0, int(1 / unit)]), note="a list of integers, the ends")
        yield Sample((holed((2, 4)), list(q(0.3, 0.9))), {"axis": 1, "keepdims": True}, note="a list")
        yield Sample((holed((2, 2, 3)), q(0.3, 0.9)), {"axis": (0, -1), "keepdims": True}, note="keepdims")
        yield Sample((holed((5,)).astype(np.float32), float(q(0.3))), note="float32, a Python float")
        yield Sample((holed((5,)).astype(np.float32), q(0.3, 0.6)), note="float32 and float64")
        yield Sample((np.array([3, 1, 7, 4]), q(0.3, 0.6)), note="integers and float64")
        x = np.array([[np.nan, 1.0], [np.nan, 2.0], [np.nan, 1.0]])
        yield Sample((x, q(0.3, 0.6)), {"axis": 0}, note="nothing but NaN in a lane, ties")
        yield Sample((normal(rng, (3, 0)), q(0.3)), {"axis": 0}, note="no lanes")
        yield Sample((holed((4, 3)), q(0.3), 1), note="the axis by position")
        w = {"method": "inverted_cdf"}
        yield Sample((holed((5,)), q(0.3, 0.77)), w | {"weights": rng.integers(1, 9, 5)}, note="weights")
        yield Sample(
            (holed((2, 3)), q(0.41)),
            w | {"axis": 1, "weights": np.arange(1, 7).reshape(2, 3)},
            note="whole weights",
        )

    return samples


for _primitive, _unit, _methods in (nanquantile, 1, METHODS), (nanpercentile, 0.01, ("hazen", "nearest")):
    _primitive.leave_unchecked("overwrite_input", _SPOILT)
    _primitive.samples(_quantiles_of(_unit, _methods))


# ---------------------------------------------------------------------------------------------------- constants
def _place(name: str, what: str) -> Primitive:
    """Return the constant ``numpy.nanargmax`` or ``numpy.nanargmin``."""
    compute = getattr(np, name)
    place = Primitive(
        lambda a, /, *, axis=None, keepdims=False: compute(a, axis=axis, keepdims=keepdims),
        f"numpy.{name}",
        (name,),
    )
    place.doc = f"Index of the {what} element that is no NaN: {INDEX}."

    place.called_like(lambda a, axis=None, out=None, *, keepdims=False: ..., **NO_OUT)

    place.samples(lambda rng: filter(_of_one_axis, with_gaps(normal, keywords=("keepdims",))(rng)))
    place.samples(lambda rng: [Sample((normal(rng, (2, 3)), 1), {"keepdims": True})])
    return place.not_differentiable(INDEX)


nanargmax = _place("nanargmax", "greatest")
nanargmin = _place("nanargmin", "least")
