"""Order statistics, moments of several variables, and histograms."""

from __future__ import annotations

import warnings
from math import prod

import numpy as np

from opreg import Sample, is_traced, primitive, stop_gradient
from opreg_numpy._axes import as_scalar, kept, normalised
from opreg_numpy._form import form_of, in_dtype
from opreg_numpy._rules import NO_OUT, composite
from opreg_numpy._samples import (
    KINDS,
    apart,
    complex_normal,
    fortran,
    normal,
    positive,
    reductions,
    single,
    tied,
)
from opreg_numpy.constants import INDEX
from opreg_numpy.indexing import scatter_add
from opreg_numpy.reductions import _weights_along


# ----------------------------------------------------------------------------------------------- order statistics
def lanes_of(a, axis):
    """Return the array with the reduced axes as one, the first."""
    if axis is None:
        return np.reshape(a, (-1,))
    shape = np.shape(a)
    axes = normalised(axis, len(shape))
    rest = [i for i in range(len(shape)) if i not in axes]
    return np.reshape(
        np.transpose(a, (*sorted(axes), *rest)), (prod(shape[i] for i in axes), *(shape[i] for i in rest))
    )


def finished(out, shape, axis, keepdims, of_q=()):
    """Return the statistic of each lane with the reduced axes kept, or not; those of ``q`` come first."""
    rest = (
        kept(shape, axis) if keepdims else tuple(np.delete(shape, normalised(axis, len(shape))).astype(int))
    )
    return as_scalar(np.reshape(out, (*of_q, *map(int, rest))))


def with_nan(out, nan):
    """Return the statistic with NaN, a constant, where ``nan`` says so."""
    return as_scalar(np.where(nan, np.nan, out)) if np.any(nan) else out


def with_constant(lanes, where):
    """Return lanes of which some are a constant, 0: their statistic is NaN, and no rule must compute with it."""
    return np.where(where, 0.0, lanes) if np.any(where) else lanes


@composite("numpy.median", aliases=("median",), **NO_OUT)
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle element in order, or the mean of the middle two, along some axes; equal elements share, as in ``sort``

    ``overwrite_input`` permits to spoil the data; a traced value is never written into. One that is NaN is constant.
    """
    ordered = np.sort(lanes_of(a, axis), axis=0)
    length = np.shape(ordered)[0]
    middle = np.mean(ordered[max(length - 1, 0) // 2 : length // 2 + 1], axis=0)
    nan = np.any(np.isnan(stop_gradient(ordered)), axis=0)
    return finished(with_nan(middle, nan), np.shape(a), axis, keepdims)


ALPHA_BETA = {
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "linear": (1, 1),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
"""The methods that interpolate, and their constants in the place n q + alpha + q (1 - alpha - beta), counted from 1.

Source: R. Hyndman and Y. Fan, Sample Quantiles in Statistical Packages, The American Statistician 50 (1996).
"""


def moved(place, q, number, method, unit):
    """Return the places of quantiles among ``number`` sorted elements, as they move with ``unit * q``.

    Beyond the first and the last element, and with a method that takes one element or the middle of two, they stay.
    """
    if method not in ALPHA_BETA:
        return place
    alpha, beta = ALPHA_BETA[method]
    p = stop_gradient(q) * unit
    unbounded = number * p + (alpha + p * (1 - alpha - beta)) - 1
    inside = (unbounded >= 0) & (unbounded <= number - 1)
    return place + np.where(inside, (number + 1 - alpha - beta) * unit, 0.0) * (q - stop_gradient(q))


def interpolated(ordered, place, last, dtype):
    """Return what stands at fractional places along the first axis of sorted lanes: linear between two elements.

    At an element the slope is that to the next one, at the ``last`` that from the one before.
    """
    where = stop_gradient(place)
    lower = np.floor(where)
    if is_traced(place):
        lower = np.minimum(lower, np.maximum(last - 1, 0))
    upper = np.minimum(lower + 1, last)
    nearest = np.where(where - lower < 0.5, lower, upper)

    def at(places):
        return np.take_along_axis(ordered, indices=places.astype(np.intp), axis=0)

    if not is_traced(place) and np.all(where == nearest):
        return at(nearest)
    return at(nearest) + (at(upper) - at(lower)) * (place - nearest).astype(dtype)


def weighted_quantile(compute, lanes, q, method, weights, shape, axis):
    """Return the element of each lane that weights pick: which one is told by the quantile of the ranks.

    Of equal elements it is the mean of those picked in two orders, as in ``partition``: here the order matters.
    """
    if np.shape(weights) != shape:
        weights = np.broadcast_to(_weights_along(weights, shape, axis), shape)
    plain, weights = stop_gradient(lanes), lanes_of(weights, axis)
    up = np.argsort(plain, axis=0, kind="stable")
    down = len(plain) - 1 - np.argsort(plain[::-1], axis=0, kind="stable")
    orders = [up] if np.array_equal(up, down) else [up, down]
    found = [
        np.take_along_axis(lanes, _picked(compute, plain, order, q, method, weights), axis=0)
        for order in orders
    ]
    return found[0] if len(found) == 1 else found[0] / 2 + found[1] / 2


def _picked(compute, lanes, order, q, method, weights):
    """Return the places of the elements that weights pick if equal ones stand in this order."""
    ranks = np.empty(order.shape)
    np.put_along_axis(ranks, order, np.indices(order.shape, float)[0], axis=0)
    ranks[np.isnan(lanes)] = np.nan
    found = compute(ranks, q, axis=0, method=method, weights=weights)
    found = np.reshape(np.where(np.isnan(found), 0, found), (np.size(q), *order.shape[1:]))
    return np.take_along_axis(order, found.astype(np.intp), axis=0)


def sequence(q):
    """Return numbers, or a list of them in which some may be traced, as an array unless it is one number."""
    if not isinstance(q, (list, tuple)):
        return q
    return np.stack(q) if any(map(is_traced, q)) else np.asarray(q)


def _quantile(name, unit, a, q, axis, method, keepdims, weights):
    compute = getattr(np, name.removeprefix("numpy."))
    q, lanes = sequence(q), lanes_of(a, axis)
    p, plain, length = stop_gradient(q), stop_gradient(lanes), np.shape(lanes)[0]
    if form_of(a).dtype.kind == "c":
        raise TypeError("a must be an array of real numbers")
    nan = np.any(np.isnan(plain), axis=0)
    if weights is None:
        dtype = compute(np.zeros(1, plain.dtype), p, method=method).dtype
        columns = (np.size(p), *(1,) * (plain.ndim - 1))
        place = np.reshape(compute(np.arange(length, dtype=float), p, method=method), columns)
        if is_traced(q):
            place = moved(place, np.reshape(q, columns), length, method, unit)
        ordered = np.sort(with_constant(lanes, nan), axis=0)
        found = in_dtype(interpolated(ordered, place, length - 1, dtype), dtype)
    else:
        found = weighted_quantile(compute, lanes, p, method, stop_gradient(weights), np.shape(a), axis)
    found = with_nan(found, np.broadcast_to(nan, np.shape(found)))
    return finished(found, np.shape(a), axis, keepdims, np.shape(p))


@composite("numpy.quantile", aliases=("quantile",), **NO_OUT)
def quantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):
    """The element of sorted data below which there is a part q of it; equal elements share, as in ``sort``

    By q it is the slope between two elements, at an element that to the next one (to the one before at the last); 0
    with a method that takes an element or the middle of two. By the weights it is 0: they tell which element is taken,
    of equal ones the mean of two orders.
    """
    return _quantile("numpy.quantile", 1, a, q, axis, method, keepdims, weights)


@composite("numpy.percentile", aliases=("percentile",), **NO_OUT)
def percentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):
    """The quantile of q / 100"""
    return _quantile("numpy.percentile", 0.01, a, q, axis, method, keepdims, weights)


METHODS = (*ALPHA_BETA, "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "lower", "higher", "midpoint",
           "nearest")  # fmt: skip

_SPOILT = "it lets NumPy write into the data, which samples must not allow"
median.leave_unchecked("overwrite_input", _SPOILT)
median.samples(reductions(normal, complex=True, nonempty=True, keywords=("keepdims",)))


@median.samples
def _middles(rng):
    for length in 1, 2, 5, 6:
        yield Sample((normal(rng, (length,)),), note=f"{length} elements")
    yield Sample((tied(rng, (3, 5)),), {"axis": 1}, note="ties")
    yield Sample((np.array([1.0, 2.0, 2.0, 2.0, 5.0, 2.0]),), note="ties")
    yield Sample((normal(rng, ()),), note="0-d")
    yield Sample((float(normal(rng)),), note="a Python float")
    yield Sample((normal(rng, (2, 3)),), {"axis": ()}, note="over no axis")
    yield Sample((normal(rng, (3, 0)),), {"axis": 0}, note="no lanes")
    yield Sample(
        (np.array([[1.0, np.nan, 3.0], [2.5, 0.5, 1.0]]),), {"axis": 1}, note="a NaN spoils its lane"
    )


def _quantiles_of(unit, methods):
    """Return a generator of samples of a quantile function that takes q times ``1 / unit``."""

    def samples(rng):
        def q(*parts):
            return np.array(parts[0] if len(parts) == 1 else parts) / unit

        for axis in None, 0, -1, (0, 2), (-1, 1):
            yield Sample((apart(rng, (3, 2, 2)), float(q(0.37))), {"axis": axis}, note="a Python float")
        for method in methods:
            yield Sample((normal(rng, (5, 2)), q(0.21, 0.68)), {"axis": 0, "method": method}, note=method)
            yield Sample((normal(rng, (1, 6)), q(0.47)), {"axis": 1, "method": method}, note=f"{method}, 0-d")
        for method in [method for method in methods if method in ALPHA_BETA]:
            yield Sample(
                (normal(rng, (4,)), q(0.01, 0.995)), {"method": method}, note=f"{method}, at the ends"
            )
        yield Sample((normal(rng, (4,)), 0), note="a Python int, the least")
        yield Sample((normal(rng, (4,)), [0, int(1 / unit)]), note="a list of integers, the ends")
        yield Sample((normal(rng, (2, 4)), list(q(0.3, 0.9))), {"axis": 1, "keepdims": True}, note="a list")
        yield Sample((normal(rng, (2, 3)), q([0.3, 0.9], [0.4, 0.2])), {"axis": 1}, note="a matrix of q")
        yield Sample(
            (normal(rng, (2, 3, 2)), q(0.3, 0.9)), {"axis": (0, -1), "keepdims": True}, note="keepdims"
        )
        yield Sample((single(rng, (5,)), float(q(0.3))), note="float32, a Python float")
        yield Sample((single(rng, (5, 2)), q(0.3).astype(np.float32)), {"axis": 0}, note="float32")
        yield Sample((single(rng, (5,)), q(0.3, 0.6)), note="float32 and float64")
        yield Sample((np.array([3, 1, 7, 4]), q(0.3, 0.6)), note="integers and float64")
        yield Sample((tied(rng, (2, 4)), q(0.6)), {"axis": 1}, note="ties")
        yield Sample((normal(rng, (1,)), q(0.3)), note="one element")
        yield Sample((normal(rng, ()), q(0.3)), note="0-d")
        yield Sample((normal(rng, (3, 0)), q(0.3)), {"axis": 0}, note="no lanes")
        yield Sample((normal(rng, (3,)), q()), note="no quantiles")
        yield Sample((fortran(normal(rng, (4, 3))), q(0.3), 1), note="Fortran order, the axis by position")
        w = {"method": "inverted_cdf"}  # (Weights that are no integers the verifier would make negative.)
        yield Sample((apart(rng, (5,)), q(0.3, 0.77)), w | {"weights": rng.integers(1, 9, 5)}, note="weights")
        yield Sample(
            (apart(rng, (3, 5)), q(0.41)), w | {"axis": 1, "weights": rng.integers(1, 9, 5), "keepdims": True},
            note="weights along an axis",
        )  # fmt: skip
        some = np.array([[1, 2], [0, 3], [1, 1]])
        x = np.array([[3.0, 2, 5], [4, 0, 1]])
        if (
            np.quantile(x.T, 0.41, axis=(0, 1), weights=some, method="inverted_cdf") == 1
        ):  # NumPy errs before 2.4
            yield Sample(
                (apart(rng, (2, 2, 3)), q(0.41, 0.2)),
                w | {"axis": (2, 0), "weights": some},
                note="along two axes",
            )
        yield Sample(
            (tied(rng, (2, 4)), q(0.52)), w | {"axis": 0, "weights": np.ones((2, 4), int)}, note="ties"
        )

    return samples


for _primitive, _unit, _methods in (quantile, 1, METHODS), (percentile, 0.01, ("hazen", "nearest")):
    _primitive.leave_unchecked("overwrite_input", _SPOILT)
    _primitive.samples(_quantiles_of(_unit, _methods))


# ------------------------------------------------------------------------------------------------------- covariance
@composite("numpy.cov", aliases=("cov",), static=("ddof", "fweights"))
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """X (w X)^* / f, with variables in rows less their means weighted by w = fweights aweights

    The normalisation f is sum(w) - ddof sum(w aweights) / sum(w); the number of observations less ddof without weights.
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    for name, x in ("m", m), ("y", y):
        if np.ndim(x) > 2:
            raise ValueError(f"{name} has more than 2 dimensions")
    if dtype is None:
        dtype = np.result_type(form_of(m).dtype, *[] if y is None else [form_of(y).dtype], np.float64)
    x = _variables(m, rowvar, dtype, np.ndim(m) == 2)
    if np.shape(x)[0] == 0:
        return np.zeros((0, 0))
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar, dtype, np.ndim(y) == 2 and np.shape(y)[0] != 1)], axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = [
        _observed(w, name, np.shape(x)[1]) for name, w in (("fweights", fweights), ("aweights", aweights))
    ]
    w = _product(*weights)
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    deviation = in_dtype(x - np.expand_dims(mean, 1), np.result_type(x))
    number = _degrees(x, total[0], w, weights[1], ddof)
    if stop_gradient(number) <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        number = 0.0
    products = np.dot(deviation, np.conj(np.transpose(deviation if w is None else deviation * w)))
    return np.squeeze(in_dtype(products * np.true_divide(1, number), np.result_type(products)))


def _variables(m, rowvar, dtype, turns):
    """Return data as a matrix with variables in its rows."""
    x = in_dtype(m if is_traced(m) else np.asarray(m), dtype)
    x = np.reshape(x, (1, np.size(x))) if np.ndim(x) < 2 else x
    return np.transpose(x) if turns and not rowvar else x


def _observed(w, name, number):
    """Return the weights of the observations, after the questions that NumPy asks."""
    if w is None:
        return None
    w = w if is_traced(w) else np.asarray(w, float)
    plain = stop_gradient(w)
    if name == "fweights" and not np.all(plain == np.around(plain)):
        raise TypeError("fweights must be integer")
    if np.ndim(w) > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if np.shape(w)[0] != number:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if np.any(plain < 0):
        raise ValueError(f"{name} cannot be negative")
    return in_dtype(w, np.float64)


def _product(fweights, aweights):
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


def _degrees(x, total, w, aweights, ddof):
    """Return what the sum of products is divided by."""
    if w is None:
        return np.shape(x)[1] - ddof
    total = np.real(total)
    if ddof == 0:
        return total
    return total - ddof if aweights is None else total - ddof * np.sum(w * aweights) / total


@composite("numpy.corrcoef", aliases=("corrcoef",))
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """c_ij / sqrt(c_ii c_jj) with the covariance c. That of one variable is 1, a constant

    What rounding puts beyond 1 is cut off the value; the derivative remains.
    """
    c = np.cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return stop_gradient(c) / stop_gradient(c)
    deviation = np.sqrt(np.real(np.diagonal(c)))
    r = c / np.expand_dims(deviation, 1) / deviation
    return r + (_clipped(stop_gradient(r)) - stop_gradient(r))


def _clipped(r):
    """Return numbers whose real and imaginary parts are at most 1 in magnitude."""
    return np.clip(r.real, -1, 1) + (1j * np.clip(r.imag, -1, 1) if np.iscomplexobj(r) else 0)


@cov.samples
@corrcoef.samples
def _matrices(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 5)),), note=kind)
    yield Sample((normal(rng, (2, 6)), normal(rng, (3, 6))), note="more variables")
    yield Sample((normal(rng, (6, 2)), normal(rng, (6, 3)), False), note="variables in columns")
    yield Sample((normal(rng, (5,)), normal(rng, (5,))), note="two variables")
    yield Sample((normal(rng, (5, 2)), normal(rng, (5,))), {"rowvar": False}, note="a matrix and a vector")
    yield Sample((normal(rng, (5, 2)), normal(rng, (1, 5))), {"rowvar": False}, note="a matrix and a row")
    yield Sample((complex_normal(rng, (2, 4)), normal(rng, (4,))), note="complex and real")
    yield Sample((single(rng, (2, 5)), normal(rng, (5,))), note="float32 and float64")
    yield Sample((single(rng, (2, 5)),), {"dtype": np.float32}, note="dtype")
    yield Sample((np.array([1, 2, 4, 3]), normal(rng, (4,))), note="integers beside floats")
    yield Sample((normal(rng, (2, 5)),), {"dtype": np.complex128}, note="a complex dtype")
    x = normal(rng, (2, 4))
    yield Sample((x, x), note="the same array twice")
    yield Sample((1e3 + normal(rng, (2, 5)),), note="far from zero")


@cov.samples
def _weighted(rng):
    f, a = np.array([1, 3, 0, 2, 1]), positive(rng, (5,))
    x = normal(rng, (2, 5))
    yield Sample((normal(rng, (5,)),), note="one variable")
    yield Sample((normal(rng, (1, 5)), None, True, True), note="bias")
    yield Sample((x,), {"ddof": 2}, note="ddof")
    yield Sample((x,), {"ddof": 0, "aweights": a}, note="no ddof, aweights")
    yield Sample((x,), {"aweights": a}, note="aweights")
    yield Sample((x,), {"aweights": np.array([1, 2, 3, 1, 1])}, note="aweights, integers")
    yield Sample((x,), {"aweights": a.astype(np.float32)}, note="aweights, float32")
    yield Sample((x,), {"fweights": f}, note="fweights")
    yield Sample((x,), {"fweights": f, "bias": True}, note="fweights, bias")
    yield Sample((x,), {"fweights": f, "aweights": a}, note="fweights and aweights")
    even = rng.uniform(0.8, 1.2, 4)
    yield Sample(
        (x[0, 1:], normal(rng, (4,))), {"fweights": f[1:], "aweights": even, "ddof": 2}, note="all of it"
    )
    yield Sample((complex_normal(rng, (2, 5)),), {"fweights": f, "aweights": a}, note="complex, weights")
    yield Sample((normal(rng, (0, 5)),), note="no variables")


for _piece in "warnings.warn(", "number = 0.0":
    cov.leave_unchecked(_piece, "of no more than ddof observations the covariance is not finite")


@corrcoef.samples
def _of_one_variable(rng):
    yield Sample((normal(rng, (5,)),), note="one variable")


# ------------------------------------------------------------------------------------------------------- histograms
@primitive("numpy.bincount", aliases=("bincount",))
def bincount(weights, /, *, x, minlength=0):
    """out[n] = sum of the weights of the places at which x is n, a whole number"""
    return np.asarray(np.bincount(x, weights, minlength), float)  # NumPy counts nothing in integers


@bincount.called_as
def _(x, /, weights=None, minlength=0):
    if is_traced(x):
        raise TypeError(
            "numpy.bincount counts whole numbers, on which no derivative makes sense; its weights may be traced"
        )
    return (weights,), {"x": x, "minlength": minlength}


bincount.deflinear(weights=lambda g, residual, x: residual.fit(g[np.asarray(x)]))
bincount.residual_of(form_of)


@bincount.samples
def _counts(rng):
    for draw in normal, single:
        yield Sample((np.array([0, 3, 3, 1, 6]), draw(rng, (5,))), note=draw.__name__)
    yield Sample(([1, 1, 0], normal(rng, (3,))), note="a list")
    yield Sample((np.array([2, 0, 2], np.uint8), normal(rng, (3,)), 5), note="longer than need be")
    yield Sample(
        (np.array([2, 0, 2]), normal(rng, (6,))[::-2]), {"minlength": 2}, note="shorter than need be"
    )
    yield Sample((np.array([4]), normal(rng, (1,))), note="size 1")
    yield Sample((np.array([], int), normal(rng, (0,))), {"minlength": 3}, note="empty")


@primitive("numpy.digitize", aliases=("digitize",))
def digitize(x, bins, /, *, right=False):
    """The number of the bin in which each element lies"""
    return np.digitize(x, bins, right=right)


digitize.not_differentiable(INDEX)


@digitize.samples
def _bins(rng):
    for draw in normal, single:
        yield Sample((draw(rng, (2, 3)), np.array([-1.0, 0.25, 0.5])), note=draw.__name__)
    yield Sample((normal(rng, (4,)), np.array([0.5, 0.25, -1.0])), {"right": True}, note="descending, right")
    yield Sample((normal(rng), np.array([-0.5, 0.5]), True), note="0-d")
    yield Sample((normal(rng, (0,)), np.array([1, 2])), note="integer bins, size 0")


@composite("numpy.histogram_bin_edges", aliases=("histogram_bin_edges",))
def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """The edges of bins of equal width from the least element to the greatest, or over a range; or those given"""
    bins = sequence(bins)
    edges = np.histogram_bin_edges(*stop_gradient((a, bins, range, weights)))
    if np.ndim(bins) == 1:
        return edges + (bins - stop_gradient(bins))
    if range is None and np.size(a) == 0:
        return edges
    low, high = (np.min(a), np.max(a)) if range is None else range
    part = np.linspace(0.0, 1.0, len(edges))
    change = (low - stop_gradient(low)) * (1 - part) + (high - stop_gradient(high)) * part
    return edges + change.astype(edges.dtype)


@composite("numpy.histogram", aliases=("histogram",))
def histogram(a, bins=10, range=None, density=None, weights=None):
    """The number, or the sum of the weights, of the elements in each bin, all but the last open on the right; the edges

    Counts are constant and weights add up. By the data and the bins only the edges and, with them, a density change.
    """
    edges = histogram_bin_edges(a, bins, range, weights)  # np.histogram_bin_edges does not see a traced range
    inner = stop_gradient(edges)
    if weights is None:
        total = np.histogram(stop_gradient(a), inner)[0]
    else:
        if np.shape(weights) != np.shape(a):
            raise ValueError("weights should have the same shape as a.")
        x, number = np.ravel(stop_gradient(a)), max(len(inner) - 1, 0)
        place = np.searchsorted(inner, x, side="right") - 1
        if number:
            place = np.where(x == inner[-1], number - 1, place)
        within = np.flatnonzero((place >= 0) & (place < number))
        w = np.ravel(weights if is_traced(weights) else np.asarray(weights))[within]
        total = scatter_add(w, key=(place[within],), shape=(number,))
    if not density:
        return total, edges
    return total / np.diff(edges).astype(float) / np.sum(total), edges


@histogram.samples
@histogram_bin_edges.samples
def _of_data(rng):
    x = apart(rng, (2, 6))
    yield Sample((x,), note="ten bins")
    yield Sample((x, 3), note="three bins")
    yield Sample((x, 4, (-2.3, 3.1)), note="a range")
    yield Sample((x.astype(np.float32), 3), note="float32")
    yield Sample((x, np.array([-3.05, -0.05, 0.95, 4.05])), note="bins")
    yield Sample((x, [-7.0, -1.5, 2, 7]), note="bins in a list")
    yield Sample((x, 3, None), {"weights": np.ones((2, 6))}, note="weights")
    yield Sample((x, "sqrt"), note="a number of bins that the data choose")
    yield Sample((np.zeros(0), 2), note="no data")
    yield Sample((np.array([0, 2, 2, 5]), 3), {"range": (-0.5, 6.5)}, note="integers")


@histogram.samples
def _of_weights(rng):
    x, bins = np.arange(12).reshape(2, 6), np.array([-0.5, 1.25, 5.5, 6.75])
    for draw in normal, single, complex_normal:
        yield Sample((x, bins), {"weights": draw(rng, (2, 6))}, note=f"{draw.__name__} weights")
    yield Sample((x, 3), {"weights": normal(rng, (2, 6))}, note="bins of equal width")
    yield Sample((x, np.zeros(0)), {"weights": normal(rng, (2, 6))}, note="no bins")
    yield Sample((x, [0, 1, 5, 11]), {"weights": normal(rng, (2, 6))}, note="on the edges")
    yield Sample((apart(rng, (7,)), 3), {"weights": normal(rng, (7,))}, note="data too")
    yield Sample((x, bins, None, True), {"weights": positive(rng, (2, 6))}, note="a density")
    yield Sample((x, 3), {"weights": positive(rng, (2, 6)), "density": True}, note="a density of equal bins")
    yield Sample((apart(rng, (7,)), 3), {"density": True}, note="a density of counts")
    yield Sample(
        (apart(rng, (3,)), 2), {"weights": [2, 1, 3], "density": True}, note="a density, whole weights"
    )
