"""Sums, products, means and variances along axes, and their running forms."""

from __future__ import annotations

from functools import lru_cache
from math import prod as product

import numpy as np

from opreg import Sample, is_traced, primitive, stop_gradient
from opreg_numpy._axes import (
    Axis,
    along,
    as_scalar,
    count,
    expanded,
    kept,
    normalised,
    reversed_along,
    shape_of,
    spread,
)
from opreg_numpy._form import form_of, in_dtype
from opreg_numpy._rules import NO_OUT, composite, out_refused
from opreg_numpy._samples import (
    backwards,
    complex_of,
    fortran,
    nonzero,
    normal,
    positive,
    read_only,
    reductions,
    strided,
    tied,
)

_FLOAT64 = np.dtype(np.float64)
EVERY_KEYWORD = ("keepdims", "where", "initial", "dtype")


# -------------------------------------------------------------------------------------------------- sum, mean
@primitive("numpy.sum", aliases=("sum",))
def sum_(a, /, *, axis: Axis = None, dtype=None, keepdims=False, initial=0, where=True):
    """Sum of a along some axes, plus ``initial``: each element gets the cotangent of its sum"""
    return np.add.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


sum_.called_like(
    lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True: ..., **NO_OUT
)


sum_.defvjp(a=lambda g, residual, axis, where: residual.fit(spread(g, residual.shape, axis, where)))
sum_.defjvp(
    a=lambda t, axis, dtype, keepdims, where: np.sum(
        t, axis=axis, dtype=dtype, keepdims=keepdims, where=where
    )
)
sum_.residual_of(form_of)
sum_.samples(reductions(normal, complex=True, keywords=EVERY_KEYWORD))


@primitive("numpy.mean", aliases=("mean",))
def mean(a, /, *, axis: Axis = None, dtype=None, keepdims=False, where=True):
    """Mean of a along some axes: each element gets the cotangent of its mean, over their number"""
    if (
        type(a) is np.ndarray
        and a.dtype is _FLOAT64
        and a.shape
        and a.size
        and dtype is None
        and where is True
    ):
        total = np.add.reduce(a, axis=axis, keepdims=keepdims)  # in half of the time of np.mean
        return total / (a.size // total.size)
    return np.asanyarray(a).mean(axis=axis, dtype=dtype, keepdims=keepdims, where=where)


mean.called_like(lambda a, axis=None, dtype=None, out=None, keepdims=False, *, where=True: ..., **NO_OUT)


def _mean_pull(g, residual, axis, where):
    shape = residual.shape
    if where is True:
        number = shape[axis] if type(axis) is int else count(shape, axis)
        each = g / float(max(number, 1))  # of no elements there is none that it is given to
    else:
        each = expanded(g, shape, axis) / _number(g, shape, axis, where)
    return residual.fit(spread(each, shape, axis, where))


def _number(g, shape, axis, where, less=0):
    """Return how many elements each reduction takes in, less a correction, as floats of the precision of ``g``."""
    number = count(shape, axis, where)
    if where is True:
        return float(number - less) if number > less else np.nan
    number = np.maximum(number - less, 0).astype(np.finfo(np.result_type(g)).dtype)
    return np.where(number == 0, np.nan, number).astype(number.dtype)


mean.deflinear(a=_mean_pull)
mean.residual_of(form_of)
mean.samples(reductions(normal, complex=True, nonempty=True, keywords=("keepdims", "where", "dtype")))


# ------------------------------------------------------------------------------------------ variance, deviation
@primitive("numpy.var", aliases=("var",))
def var(a, mean, /, *, axis: Axis = None, dtype=None, ddof=0, keepdims=False, where=True):
    """Sum of |a - m|^2 over n - ddof, with the mean m, or what the keyword ``mean`` gives, an argument of its own

    By a: 2 conj(a - m) / (n - ddof). That m depends on a adds nothing, for the deviations sum to 0. NumPy squares the
    deviations of real numbers a from a complex m that is given as they are: then there is no conjugate.
    """
    given = _given(a, mean)
    return np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, **given)


@primitive("numpy.std", aliases=("std",))
def std(a, mean, /, *, axis: Axis = None, dtype=None, ddof=0, keepdims=False, where=True):
    """Square root of the variance s^2. By a: conj(a - m) / ((n - ddof) s), 0 where all elements are equal"""
    given = _given(a, mean)
    return np.std(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, **given)


def _given(a, mean):
    """Return the mean as a keyword; it must broadcast to the data, whose number is what NumPy divides by."""
    if mean is None:
        return {}
    if np.broadcast_shapes(np.shape(a), np.shape(mean)) != np.shape(a):
        raise ValueError(f"a mean of shape {np.shape(mean)} is not one of data of shape {np.shape(a)}")
    return {"mean": mean}


def _called_as_spread(name):
    def calling(
        a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None
    ):
        if out is not None:
            raise out_refused(name)
        if correction is not None and ddof != 0:
            raise ValueError(f"{name}: ddof and correction are two names of one number; give one of them")
        ddof = ddof if correction is None else correction
        return (a, mean), {"axis": axis, "dtype": dtype, "ddof": ddof, "keepdims": keepdims, "where": where}

    return calling


var.called_as(_called_as_spread("numpy.var"))
std.called_as(_called_as_spread("numpy.std"))
std.at_kink(np.full(3, 2.0), cotangents=[np.zeros(3), None])


def _has_mean_of_numpy(a, dtype):
    """Tell whether the mean that NumPy computes for a spread is ``np.mean(a)`` to the bit."""
    return dtype is None and not is_traced(a) and np.result_type(a) != np.float16


def _with_mean(spread):
    """Return the forward function that gives the mean beside the spread, so that no rule computes it again."""

    def forward(a, mean, *, axis=None, dtype=None, ddof=0, keepdims=False, where=True):
        m = np.mean(in_dtype(a, dtype), axis=axis, keepdims=True, where=where) if mean is None else mean
        if _has_mean_of_numpy(a, dtype):
            mean = m
        return spread.bind(a, mean, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where), m

    return forward


for _primitive in var, std:
    _primitive.with_residual(_with_mean(_primitive))


def _var_weight(a, m, given, out, axis, ddof, where):
    """Return 2 / (n - ddof)."""
    return 2 / _number(out, np.shape(a), axis, where, ddof)


def _std_weight(a, m, given, out, axis, ddof, where):
    """Return 1 / ((n - ddof) s), 0 where all elements are equal."""
    shape = np.shape(a)
    s = expanded(out, shape, axis)
    flat = np.equal(s, 0)
    if not given:  # the mean of equal elements may differ from them by rounding, and then s is not 0
        rounding = (
            count(shape, axis, where) * np.finfo(np.result_type(out)).eps * np.absolute(stop_gradient(m))
        )
        if np.any(s <= rounding):
            flat = flat | _constant_slices(stop_gradient(a), axis, where)
    return np.where(flat, 0.0, 1 / np.where(flat, 1.0, s)) / _number(out, shape, axis, where, ddof)


def _constant_slices(a, axis, where):
    """Tell where all elements that are reduced together are equal."""
    axes = normalised(axis, np.ndim(a))
    low = np.min(a, axis=axes, keepdims=True, where=where, initial=np.inf)
    high = np.max(a, axis=axes, keepdims=True, where=where, initial=-np.inf)
    return np.less_equal(high, low)


def _deviations(a, mean, dtype, where):
    deviations = in_dtype(a, dtype) - mean
    return deviations if where is True else np.where(where, deviations, 0.0)


def _rules(weight, sign, which):
    """Return the VJP and the JVP of a spread, whose partial by the data is ``weight`` times conj(a - m).

    Of complex data it is real, and so is what counts of its cotangent, also where ``dtype`` makes it complex.

    By a mean that was given (``which`` is 1) it is minus the sum of those of the elements that it is taken from.
    """

    def pull(g, a, mean, residual, out, axis, dtype, ddof, where):
        d = _deviations(a, residual, dtype, where)
        if np.iscomplexobj(a):
            g, d = np.real(g), np.conjugate(d)
        each = expanded(sign * g, np.shape(a), axis) * weight(
            a, residual, mean is not None, out, axis, ddof, where
        )
        return form_of((a, mean)[which]).fit(d * each)

    def push(t, a, mean, residual, out, axis, dtype, ddof, keepdims, where):
        d = _deviations(a, residual, dtype, where)
        inner = np.real(t * np.conjugate(d)) if np.iscomplexobj(a) else t * d
        total = np.sum(inner, axis=axis, keepdims=True)
        change = np.reshape(
            sign * total * weight(a, residual, mean is not None, out, axis, ddof, where), np.shape(out)
        )
        return change.astype(np.result_type(out))

    return pull, push


for _primitive, _weight in (var, _var_weight), (std, _std_weight):
    _pull, _push = _rules(_weight, 1, 0)
    _pull_mean, _push_mean = _rules(_weight, -1, 1)
    _primitive.defvjp(a=_pull, mean=_pull_mean).defjvp(a=_push, mean=_push_mean)
    _primitive.samples(
        reductions(normal, complex=True, nonempty=True, keywords=("keepdims", "where", "dtype"))
    )


@var.samples
@std.samples
def _of_spreads(rng):
    x = normal(rng, (3, 4))
    yield Sample((x,), {"axis": 1, "ddof": 1}, note="ddof")
    yield Sample((x,), {"axis": 0, "correction": 1}, note="correction")
    yield Sample((x,), {"correction": 0.5, "keepdims": True}, note="a fractional correction")
    yield Sample((x, 1, None, None, 2, True), note="by position")
    yield Sample((x,), {"axis": 1, "mean": np.mean(x, axis=1, keepdims=True) + 0.5}, note="mean")
    yield Sample((x,), {"axis": 0, "mean": np.full((1, 4), 0.25), "ddof": 1}, note="another mean")
    yield Sample((x,), {"mean": 0.5}, note="a Python float as the mean")
    mask = np.array([True, True, False, True])
    yield Sample(
        (x,), {"axis": 1, "where": mask, "mean": normal(rng, (3, 1)), "keepdims": True}, note="where, mean"
    )
    yield Sample((x,), {"axis": 1, "where": mask, "ddof": 1}, note="where, ddof")
    z = complex_of(normal)(rng, (2, 3))
    yield Sample((z,), {"axis": 1, "mean": normal(rng, (2, 1))}, note="complex, a real mean")
    yield Sample(
        (z,),
        {"axis": 0, "mean": np.mean(z, axis=0, keepdims=True) - 0.5 + 0.25j, "correction": 1},
        note="complex, mean",
    )
    yield Sample((z,), {"axis": 1, "dtype": np.complex128}, note="complex, and so is the result")
    yield Sample(
        (z,),
        {"axis": 1, "mean": complex_of(normal)(rng, (2, 1)), "dtype": np.complex128},
        note="complex, mean and result too",
    )
    yield Sample(
        (x,), {"axis": 1, "mean": complex_of(normal)(rng, (3, 1))}, note="a complex mean of real data"
    )
    yield Sample((10 + x,), {"axis": 0}, note="far from zero")


@std.samples
def _of_constants(rng):
    yield Sample((np.full((2, 3), 5.0),), {"axis": 1}, note="constant slices")


@var.samples
def _of_constants_too(rng):
    yield Sample((np.full((2, 3), 0.1),), {"axis": 1}, note="constant slices")
    yield Sample((normal(rng, (2, 3)),), {"axis": ()}, note="over no axis")


# ---------------------------------------------------------------------------------------------------- products
@primitive("numpy.prod", aliases=("prod",))
def prod(a, /, *, axis: Axis = None, dtype=None, keepdims=False, initial=1, where=True):
    """Product of a along some axes, times ``initial``: an element's partial is the product of the others

    It is out / a where the product is neither 0 nor too large or small to be told; else the product of those
    before and of those after, which is exact however many zeros there are.
    """
    return np.multiply.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


prod.called_like(
    lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True: ..., **NO_OUT
)


def _factors(a, dtype, where):
    """Return the elements of a as they are multiplied: 1 for those that the mask leaves out."""
    x = in_dtype(a, dtype)
    return x if where is True else np.where(where, x, 1.0)


def _products_of_others(x, axis, initial):
    """Return for each element the product of those before and of those after, times ``initial``."""
    shape = np.shape(x)
    reduced = normalised(axis, len(shape))
    order = tuple(i for i in range(len(shape)) if i not in reduced) + reduced
    turned = tuple(shape[i] for i in order)
    rows = turned[: len(shape) - len(reduced)]
    line = np.reshape(np.transpose(x, order), (*rows, product(turned[len(rows) :])))
    before = _exclusive(line)
    after = reversed_along(_exclusive(reversed_along(line, -1)), -1)
    return np.transpose(
        np.reshape(initial * before * after, turned), tuple(int(i) for i in np.argsort(order))
    )


def _invertible(products, last=...):
    """Tell whether every product is a number that can be divided by: neither 0 nor out of range.

    ``last`` is the index of those in which the overflow of any other shows.
    """
    plain = products if type(products) is np.ndarray else stop_gradient(products)
    least = np.minimum.reduce(plain, axis=None, initial=1.0) if plain.dtype.kind == "f" else 0.0
    if not least > 0:
        plain = np.absolute(plain)
        least = np.minimum.reduce(plain, axis=None, initial=1.0)
    tiny, greatest = _range(plain.dtype)
    return bool(least >= tiny and np.maximum.reduce(plain[last], axis=None, initial=1.0) <= greatest)


@lru_cache(maxsize=8)
def _range(dtype):
    """Return the least normal number of a dtype, and the greatest."""
    info = np.finfo(dtype)
    return info.tiny, info.max


def _exclusive(x, axis=-1):
    """Return the running product of the elements before each one: 1 for the first."""
    ones = np.ones(kept(np.shape(x), axis) if np.shape(x)[axis] else np.shape(x), np.result_type(x))
    if not np.shape(x)[axis]:
        return ones
    return np.concatenate(
        [ones, np.cumprod(x[along(np.ndim(x), axis, slice(None, -1))], axis=axis)], axis=axis
    )


def _prod_pull(g, a, out, axis, dtype, initial, where):
    x, form = _factors(a, dtype, where), form_of(a)
    if _invertible(out):
        found = expanded(g * out, form.shape, axis) / x
    else:
        found = expanded(g, form.shape, axis) * _products_of_others(x, axis, initial)
    return form.fit(found if where is True else np.where(where, found, 0.0))


def _prod_push(t, a, out, axis, dtype, keepdims, initial, where):
    x = _factors(a, dtype, where)
    others = (
        expanded(out, shape_of(a), axis) / x if _invertible(out) else _products_of_others(x, axis, initial)
    )
    change = np.sum(t * others, axis=axis, keepdims=keepdims, where=where)
    return change if np.result_type(change) == np.result_type(out) else change.astype(np.result_type(out))


prod.defvjp(a=_prod_pull).defjvp(a=_prod_push)
prod.samples(reductions(nonzero, complex=True, keywords=EVERY_KEYWORD))


@prod.samples
def _of_zeros(rng):
    yield Sample((tied(rng, (3, 4)),), {"axis": 1}, note="zeros")
    yield Sample((tied(rng, (2, 3, 2)),), {"axis": (-1, 0), "keepdims": True}, note="zeros over two axes")
    yield Sample(
        (tied(rng, (3, 4)),),
        {"axis": 0, "initial": 2.0, "where": rng.random((3, 4)) < 0.7},
        note="zeros, where",
    )
    yield Sample((tied(rng, (2, 3, 2)),), {"axis": 1}, note="zeros over the middle axis")
    yield Sample((np.array([[0.0, 2.0], [3.0, 0.0]]),), {"axis": ()}, note="zeros over no axis")
    yield Sample((nonzero(rng, (3, 2)),), {"axis": 0, "dtype": np.float32}, note="a lower precision")
    x, mask = nonzero(rng, (3, 5)), np.ones((3, 5), bool)
    x[[0, 1, 2], [0, 2, 4]], mask[:, 1] = 0, False
    yield Sample((x,), {"axis": 1, "initial": 2.0, "where": mask}, note="one zero in each row, where")
    x = nonzero(rng, (2, 4, 3))
    x[:, 1] = 0
    yield Sample((x,), {"axis": 1, "initial": 0.5}, note="one zero in each lane of the middle axis")
    for zeros in (1, 2, 3):
        x = nonzero(rng, (4,))
        x[:zeros] = 0
        yield Sample((rng.permutation(x),), note=f"{zeros} zeros")
    yield Sample((np.array([[0.0, 2.0 - 1j], [1j, 0.0]]),), {"axis": 0}, note="complex zeros")
    yield Sample((np.array([0.0, 2.0, 3.0], np.float32),), note="zeros, float32")
    yield Sample((np.array([1e-200, 1e-150, 2.0]),), note="the product underflows")


# --------------------------------------------------------------------------------------- running sums, products
@primitive("numpy.cumsum", aliases=("cumsum",))
def cumsum(a, /, *, axis=None, dtype=None):
    """Running sum along an axis (of all elements in order for None): its adjoint sums from the end"""
    return np.cumsum(a, axis=axis, dtype=dtype)


@primitive("numpy.cumprod", aliases=("cumprod",))
def cumprod(a, /, *, axis=None, dtype=None):
    """Running product along an axis (of all elements in order for None)

    The adjoint is the sum from the end of g out, over a; where a product is 0, or too large or small to be told, it
    is a_1 ... a_(i-1) s_i with s_i = g_i + a_(i+1) s_(i+1): exact however many zeros there are.
    """
    return np.cumprod(a, axis=axis, dtype=dtype)


cumsum.called_like(lambda a, axis=None, dtype=None, out=None: ..., **NO_OUT)


cumprod.called_like(lambda a, axis=None, dtype=None, out=None: ..., **NO_OUT)


def _from_the_end(x, axis):
    return reversed_along(np.cumsum(reversed_along(x, axis), axis=axis), axis)


def _cumsum_pull(g, residual, axis):
    return residual.fit(np.reshape(_from_the_end(g, 0 if axis is None else axis), residual.shape))


cumsum.deflinear(a=_cumsum_pull)
cumsum.residual_of(form_of)


def _recurrence(a, b, axis):
    """Return s with s_i = b_i + a_i s_(i-1), in as many steps as the length has binary digits.

    The pairs (a, b) are maps s -> a s + b, and composing them is associative: G. Blelloch, Prefix Sums and
    Their Applications (1990). Only products and sums occur, so zeros do no harm.
    """
    ndim, length, step = np.ndim(b), np.shape(b)[axis], 1
    while step < length:
        head, tail = along(ndim, axis, slice(None, step)), along(ndim, axis, slice(step, None))
        earlier = along(ndim, axis, slice(None, -step))
        b = np.concatenate([b[head], b[tail] + a[tail] * b[earlier]], axis=axis)
        a = np.concatenate([a[head], a[tail] * a[earlier]], axis=axis)
        step *= 2
    return b


def _in_line(a, axis, dtype):
    """Return the array and the axis along which the running product goes."""
    x = in_dtype(a, dtype)
    return (np.reshape(x, (-1,)), 0) if axis is None or np.ndim(a) == 0 else (x, axis)


def _cumprod_pull(g, out, a, axis, dtype):
    x, axis = _in_line(a, axis, dtype)
    if not is_traced(x) and _invertible(
        out, along(np.ndim(out), axis, slice(-1, None))
    ):  # quotients would cancel
        return form_of(a).fit(np.reshape(_from_the_end(g * out, axis) / x, np.shape(a)))
    ones = np.ones(kept(np.shape(x), axis), np.result_type(x))
    ahead = np.concatenate([x[along(np.ndim(x), axis, slice(1, None))], ones], axis=axis)
    s = reversed_along(_recurrence(reversed_along(ahead, axis), reversed_along(g, axis), axis), axis)
    return form_of(a).fit(np.reshape(_exclusive(x, axis) * s, np.shape(a)))


def _cumprod_push(t, a, axis, dtype):
    x, line = _in_line(a, axis, dtype)
    t = np.reshape(in_dtype(t, dtype), np.shape(x))
    return _recurrence(x, _exclusive(x, line) * t, line)


cumprod.defvjp(a=_cumprod_pull).defjvp(a=_cumprod_push)


def _running(draw):
    """Return a generator of samples of a running reduction."""

    def samples(rng):
        for axis in (0, 1, -1, -3):
            yield Sample((draw(rng, (2, 3, 4)),), {"axis": axis})
        yield Sample((draw(rng, (2, 3)),), note="flattened")
        yield Sample((draw(rng, (2, 3)), 1, np.float64), note="by position")
        yield Sample((draw(rng, ()),), note="0-d")
        yield Sample((draw(rng, ()),), {"axis": 0}, note="0-d, axis")
        yield Sample((float(draw(rng, ())),), note="a Python float")
        yield Sample((draw(rng, (1,)),), {"axis": 0}, note="size 1")
        yield Sample((draw(rng, (0,)),), note="empty")
        yield Sample((draw(rng, (2, 0)),), {"axis": 0}, note="empty")
        yield Sample((draw(rng, (0, 3)),), {"axis": 0}, note="empty")
        yield Sample((draw(rng, (3, 2)).astype(np.float32),), {"axis": 0}, note="float32")
        yield Sample((draw(rng, (3,)).astype(np.float32),), {"dtype": np.float64}, note="dtype")
        yield Sample((draw(rng, (3,)),), {"dtype": np.complex128}, note="a complex dtype")
        yield Sample((complex_of(draw)(rng, (2, 3)),), {"axis": 1}, note="complex")
        yield Sample((complex_of(draw)(rng, (4,)).astype(np.complex64),), note="complex64")
        for layout in (fortran, strided, backwards, read_only):
            yield Sample((layout(draw(rng, (3, 3))),), {"axis": int(rng.integers(2))}, note=layout.__name__)
        yield Sample((tied(rng, (3, 5)),), {"axis": 1}, note="zeros")
        yield Sample((np.zeros(4),), note="all zeros")
        yield Sample((tied(rng, (2, 3)),), note="zeros, flattened")
        yield Sample((np.array([1, 0, 2, 3], np.float32),), {"dtype": np.float64}, note="a zero, dtype")

    return samples


cumsum.samples(_running(normal))
cumprod.samples(_running(nonzero))


def _cumulative(x, axis, dtype, include_initial, running, start):
    """Return a running reduction in the form of the Array API standard."""
    if axis is None:
        if np.ndim(x) > 1:
            raise ValueError(f"{running.__name__} of an array of {np.ndim(x)} axes needs to be told the axis")
        axis = 0
    x = np.reshape(x, (1,)) if np.ndim(x) == 0 else x
    axes = normalised(axis, np.ndim(x))
    if len(axes) != 1:
        raise ValueError(f"{running.__name__} runs along one axis, not along {len(axes)}")
    axis = axes[0]
    out = running(x, axis=axis, dtype=dtype)
    if not include_initial:
        return out
    shape = tuple(1 if i == axis else n for i, n in enumerate(out.shape))
    return np.concatenate([np.full(shape, start, out.dtype), out], axis=axis)


@composite("numpy.cumulative_sum", aliases=("cumulative_sum",), **NO_OUT)
def cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """Running sum along an axis, with a zero before it if ``include_initial``"""
    return _cumulative(x, axis, dtype, include_initial, np.cumsum, 0)


@composite("numpy.cumulative_prod", aliases=("cumulative_prod",), **NO_OUT)
def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """Running product along an axis, with a one before it if ``include_initial``"""
    return _cumulative(x, axis, dtype, include_initial, np.cumprod, 1)


@cumulative_sum.samples
@cumulative_prod.samples
def _of_the_standard(rng):
    for axis in (0, 1, -1):
        yield Sample((nonzero(rng, (3, 4)),), {"axis": axis, "include_initial": bool(rng.integers(2))})
    yield Sample((nonzero(rng, (4,)),), {"include_initial": True}, note="one axis, initial")
    yield Sample(
        (nonzero(rng, (2, 3)),), {"axis": -2, "include_initial": True}, note="initial, a negative axis"
    )
    yield Sample((nonzero(rng, (3,)).astype(np.float32),), {"dtype": np.float64}, note="dtype")
    yield Sample((nonzero(rng, (3,)).astype(np.float32),), {"include_initial": True}, note="float32")
    yield Sample((complex_of(nonzero)(rng, (2, 2)),), {"axis": 0}, note="complex")
    yield Sample((tied(rng, (5,)),), note="zeros")
    yield Sample((fortran(nonzero(rng, (2, 3))),), {"axis": 1}, note="Fortran order")
    yield Sample((nonzero(rng, (0, 2)),), {"axis": 0, "include_initial": True}, note="empty")


# ------------------------------------------------------------------------------------------ made of the above
@composite("numpy.ptp", aliases=("ptp",), **NO_OUT)
def ptp(a, axis=None, out=None, keepdims=False):
    """The greatest element less the least, along some axes"""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composite("numpy.average", aliases=("average",))
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """Sum of the elements times their weights, over the sum of the weights, along some axes"""
    shape = np.shape(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (
            (mean, as_scalar(np.full(np.shape(mean), count(shape, axis), mean.dtype))) if returned else mean
        )
    if np.shape(weights) != shape:
        weights = _weights_along(weights, shape, axis)
    whole = form_of(a).dtype.kind in "iub"
    dtype = np.result_type(form_of(a).dtype, form_of(weights).dtype, *(["f8"] if whole else []))
    total = np.sum(weights, axis=axis, dtype=dtype, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("numpy.average: the weights sum to zero, so there is no average")
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    if not returned:
        return mean
    same = np.shape(total) == np.shape(mean)
    return mean, as_scalar(total if same else np.copy(np.broadcast_to(total, np.shape(mean)), order="C"))


def _weights_along(weights, shape, axis):
    """Return weights that are given for some axes only, in the places of those axes."""
    if axis is None:
        raise TypeError("numpy.average: weights of another shape than the data's need to be told the axis")
    axes = normalised(axis, len(shape))
    if np.shape(weights) != tuple(shape[i] for i in axes):
        raise ValueError(
            f"numpy.average: weights of shape {np.shape(weights)} do not fit axis {axis} of {shape}"
        )
    order = tuple(int(i) for i in np.argsort(axes))
    return np.reshape(np.transpose(weights, order), tuple(n if i in axes else 1 for i, n in enumerate(shape)))


ptp.samples(reductions(normal, nonempty=True, keywords=("keepdims",)))
average.samples(reductions(normal, complex=True, nonempty=True, keywords=("keepdims",)))


@average.samples
def _with_weights(rng):
    x = normal(rng, (2, 3, 4))
    yield Sample((x,), {"weights": positive(rng, (2, 3, 4))}, note="weights of every element")
    yield Sample((x,), {"axis": 1, "weights": positive(rng, (3,))}, note="weights along an axis")
    yield Sample((x,), {"axis": -1, "weights": positive(rng, (2, 3, 4)), "keepdims": True}, note="keepdims")
    yield Sample((x,), {"axis": (2, 0), "weights": positive(rng, (4, 2))}, note="weights along two axes")
    yield Sample((x, 0, positive(rng, (2,)), True), note="the sum of the weights too")
    yield Sample((x, 0, positive(rng, (2, 3, 4)), True), note="and weights of the same shape")
    yield Sample((x.astype(np.float32),), {"axis": 0, "weights": np.array([1, 3])}, note="integer weights")
    yield Sample((np.array([1, 2, 4]),), {"weights": positive(rng, (3,))}, note="integer data")
    yield Sample((normal(rng, (3,)),), {"returned": True}, note="the number of elements too")


# -------------------------------------------------------------------------------------------- what no sample need show
_NOT_FINITE = "no more than ddof elements have no finite result; what else survives is undone by fitting"
_PRECISION = "a cotangent has the precision of its primal, whatever the reduction is done in"
_SAFE = "either way is right where products can be divided by; which one it is, is a matter of speed"
_EQUAL = (
    "slices of equal elements are a kink of the deviation; that it has 0 there is a convention with a test"
)

mean.waive_mutant("a", "_number -> ...", "a mean has no correction, and that of nothing is not finite")
for _primitive in var, std:
    _primitive.waive_mutant("*", "_number -> ...", _NOT_FINITE)
    _primitive.waive_mutant("*", "in_dtype(a, dtype) -> a", _PRECISION)
    _primitive.waive_mutant("*", "dtype -> its default None", _PRECISION)
    for _change in "sign * g -> g", "sign * total -> total":
        _primitive.waive_mutant("a", _change, "by the data the sign is 1")
    _primitive.waive_mutant("*", "mean is not None -> mean is None", _EQUAL)
    for _change in (
        "_has_mean_of_numpy -> ...",
        "_has_mean_of_numpy(a, dtype) -> ...",
        "if _has_mean_of_numpy(a, dtype) -> ...",
    ):
        _primitive.waive_mutant("*", _change, "it is of the last bit, and of speed; that bit has a test")
for _change in "_std_weight -> ...", "_constant_slices -> ...":
    std.waive_mutant("*", _change, _EQUAL)
std.waive_mutant("*", "change.astype(np.result_type(out)) -> change", "it has that type already")
for _primitive in prod, cumprod:
    _primitive.waive_mutant("a", "_invertible -> ...", _SAFE)
    _primitive.waive_mutant("a", "in_dtype(a, dtype) -> a", _PRECISION)
    _primitive.waive_mutant("a", "dtype -> its default None", _PRECISION)
    _primitive.waive_mutant("a", "ones -> -ones", "it is empty, or meets another of its kind")
cumprod.waive_mutant("a", "-1 -> 1", "an overflow shows in the last product, and in more of them too")
prod.waive_mutant(
    "a",
    "np.concatenate([ones, np.cumprod(x[along(np.ndim(x), axis, slice(None, -1))], axis=axis)], axis=axis) -> "
    "-np.concatenate([ones, np.cumprod(x[along(np.ndim(x), axis, slice(None, -1))], axis=axis)], axis=axis)",
    "what is before an element and what is behind it both change their sign",
)
prod.waive_mutant(
    "a",
    "change.astype(np.result_type(out)) -> change.astype(np.result_type(out)) * 1.000001",
    "that is some units of the last place of what it is cast to",
)
cumprod.waive_mutant(
    "a",
    "np.ones(kept(np.shape(x), axis), np.result_type(x)) -> np.zeros(kept(np.shape(x), axis), np.result_type(x))",
    "behind the last element there is no s to multiply",
)
cumprod.waive_mutant("a", "step < length -> step <= length", "one step more changes nothing")
cumprod.waive_mutant("a", "-1 -> -2", "any negative length of a reshape is the one that is left")
