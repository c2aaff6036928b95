"""Polynomials, given by their coefficients, the highest power first.

Objects of ``numpy.poly1d`` hold plain numbers: they are refused beside a traced value.
"""

from __future__ import annotations

import inspect
import warnings

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from opreg import NotDifferentiable, Sample, primitive, stop_gradient
from opreg_numpy import shapes
from opreg_numpy._form import in_dtype, like
from opreg_numpy._rules import composite
from opreg_numpy._samples import KINDS, call, complex_normal, nonzero, normal, of_one_array, positive, single


def _refuse_objects(name, *polynomials):
    """Raise where a polynomial is an object of ``numpy.poly1d``."""
    if any(isinstance(p, np.poly1d) for p in polynomials):
        raise NotDifferentiable(
            f"numpy.{name} of an object of numpy.poly1d is not differentiated. Pass its coefficients, p.coeffs"
        )


def _coefficients(name, p):
    """Return coefficients as an array of one axis at least."""
    _refuse_objects(name, p)
    p = shapes.asarray(p)
    return np.reshape(p, (1,)) if p.ndim == 0 else p


# ---------------------------------------------------------------------------------------------- arithmetic
def _aligned(a1, a2):
    """Return two polynomials with as many coefficients as the longer one has."""
    size = max(len(a1), len(a2))
    return [np.concatenate([np.zeros(size - len(a), a.dtype), a]) if len(a) < size else a for a in (a1, a2)]


@composite("numpy.polyadd", aliases=("polyadd",))
def polyadd(a1, a2):
    """The sum of two polynomials"""
    a1, a2 = _aligned(_coefficients("polyadd", a1), _coefficients("polyadd", a2))
    return a1 + a2


@composite("numpy.polysub", aliases=("polysub",))
def polysub(a1, a2):
    """The difference of two polynomials"""
    a1, a2 = _aligned(_coefficients("polysub", a1), _coefficients("polysub", a2))
    return a1 - a2


@composite("numpy.polymul", aliases=("polymul",))
def polymul(a1, a2):
    """The product of two polynomials, without leading zeros"""
    a1, a2 = (_without_leading_zeros(_coefficients("polymul", a)) for a in (a1, a2))
    return np.convolve(a1, a2)


def _without_leading_zeros(p):
    """Return the coefficients from the first on that is not zero, the last one at the latest; a zero for none."""
    if len(p) == 0:
        return np.zeros(1, p.dtype)
    places = np.flatnonzero(stop_gradient(p))
    return p[places[0] if len(places) else -1 :]


@composite("numpy.polydiv", aliases=("polydiv",))
def polydiv(u, v):
    """Quotient and remainder of two polynomials, the remainder without leading coefficients that are close to zero"""
    u, v = _coefficients("polydiv", u) + 0.0, _coefficients("polydiv", v) + 0.0
    rest, size, quotient = u + 0 * v[0], len(v), []
    for k in range(len(u) - size + 1):
        quotient.append(1.0 / v[0] * rest[k])
        rest = np.concatenate([rest[:k], rest[k : k + size] - quotient[k] * v, rest[k + size :]])
    first = _first_not_close_to_zero(stop_gradient(rest))
    return np.stack(quotient) if quotient else np.zeros(1, rest.dtype), rest[first:]


def _first_not_close_to_zero(p):
    """Return where NumPy lets a remainder begin: at its last coefficient at the latest."""
    places = np.flatnonzero(~np.isclose(p, 0, rtol=1e-14))
    return int(places[0]) if len(places) else max(len(p) - 1, 0)


# ---------------------------------------------------------------------------------- derivative and integral
@composite("numpy.polyder", aliases=("polyder",), static=("m",))
def polyder(p, m=1):
    """The m-th derivative of a polynomial"""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = _coefficients("polyder", p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite("numpy.polyint", aliases=("polyint",), static=("m",))
def polyint(p, m=1, k=None):
    """The m-th integral of a polynomial, with a constant k for each of the m integrations, or one for all"""
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p, m = _coefficients("polyint", p), int(m)
    constants = np.zeros(m) if k is None else np.reshape(shapes.asarray(k), (-1,))
    if len(constants) == 1 and m > 1:
        constants = np.repeat(constants, m)
    if len(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


# -------------------------------------------------------------------------------------------------- values
@composite("numpy.polyval", aliases=("polyval",))
def polyval(p, x):
    """The value of a polynomial at x, by Horner's rule"""
    _refuse_objects("polyval", p, x)
    p, x = shapes.asarray(p), shapes.asarray(x)
    value = np.zeros_like(stop_gradient(x))
    for i in range(len(p)):
        value = value * x + p[i]
    return value


@composite("numpy.polyfit", aliases=("polyfit",), static=("deg", "rcond"))
def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """The coefficients c of the polynomial for which the sum of |w (y - p(x))|^2 is least

    The powers of x are the columns of a matrix, scaled to length 1, whose pseudo-inverse is applied to y. With ``full``
    the residuals, the rank, the singular values and the cutoff are returned as well, with ``cov`` the covariance.
    """
    x, y = shapes.asarray(x) + 0.0, shapes.asarray(y) + 0.0
    _check_points(x, y, deg)
    order = int(deg) + 1
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    powers, values = np.vander(x, order), y
    if w is not None:
        w = shapes.asarray(w) + 0.0
        _check_weights(w, y)
        powers, values = powers * w[:, None], values * _beside(w, y)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    scaled = np.matmul(np.linalg.pinv(powers, rcond), values)
    c, rank = scaled / _beside(scale, y), _rank(powers, rcond)
    if full:
        singular = np.linalg.svd(powers, compute_uv=False)
        return c, _residuals(values - np.matmul(powers, scaled), order, rank), rank, singular, rcond
    if rank != order:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return c
    covariance = np.linalg.inv(np.matmul(np.transpose(powers), powers)) / np.outer(scale, scale)
    if cov != "unscaled":
        if len(x) <= order:
            raise ValueError("the number of data points must exceed order to scale the covariance matrix")
        factor = _residuals(values - np.matmul(powers, scaled), order, rank) / (len(x) - order)
        covariance = (covariance if y.ndim == 1 else covariance[:, :, None]) * factor
    return c, covariance if covariance.ndim == y.ndim + 1 else covariance[:, :, None]


def _beside(factor, y):
    """Return a factor of each row of y."""
    return factor if y.ndim == 1 else factor[:, None]


def _rank(a, rcond):
    """Return how many singular values are greater than ``rcond`` times the greatest."""
    s = np.linalg.svd(stop_gradient(a), compute_uv=False)
    return np.int32(np.count_nonzero(s > rcond * s[0]))


def _residuals(deviations, order, rank):
    """Return the sums of the squares of each column; none where the points do not determine the polynomial."""
    if rank != order or len(deviations) <= order:
        return np.zeros(0, deviations.real.dtype)
    squares = np.real(deviations * np.conj(deviations))
    return np.sum(squares, axis=0, keepdims=deviations.ndim == 1)


def _check_points(x, y, deg):
    """Raise as NumPy does where the points are none."""
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if y.ndim < 1 or y.ndim > 2:
        raise TypeError("expected 1D or 2D array for y")
    if len(x) != len(y):
        raise TypeError("expected x and y to have same length")


def _check_weights(w, y):
    """Raise as NumPy does where the weights are none of these points."""
    if w.ndim != 1:
        raise TypeError("expected a 1-d array for weights")
    if len(w) != len(y):
        raise TypeError("expected w and y to have the same length")


# --------------------------------------------------------------------------------------------------- roots
@composite("numpy.poly", aliases=("poly",))
def poly(seq_of_zeros):
    """The polynomial with these roots, or the characteristic polynomial of a matrix, with the first coefficient 1

    Where complex roots come in conjugate pairs the coefficients are real.
    """
    _refuse_objects("poly", seq_of_zeros)
    zeros = shapes.asarray(seq_of_zeros)
    if zeros.shape == (0,):
        return 1.0
    if zeros.ndim not in (1, 2) or zeros.shape[0] != zeros.shape[-1] or zeros.size == 0:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if zeros.ndim == 2:
        zeros = np.linalg.eigvals(zeros)
    dtype = np.dtype(np.mintypecode(zeros.dtype.char))
    zeros = in_dtype(zeros, dtype)
    p, nothing = np.ones(1, dtype), np.zeros(1, dtype)
    for i in range(len(zeros)):
        p = np.concatenate([p, nothing]) - zeros[i] * np.concatenate([nothing, p])
    plain = stop_gradient(zeros)
    paired = dtype.kind == "c" and np.all(np.sort(plain) == np.sort(np.conj(plain)))
    return np.real(p) if paired else p


@primitive("numpy.roots", aliases=("roots",))
def roots(p, /):
    """The roots r of a polynomial: dr = -sum over k of r^(n - k) dp_k / p'(r)

    By implicit differentiation of p(r) = 0. A multiple root has no derivative.
    """
    return np.roots(p)


@roots.called_as
def _(p):
    _refuse_objects("roots", p)
    return (shapes.asarray(p) if isinstance(p, (list, tuple)) else p,), {}


def _slope_at_roots(p, out):
    """Return p'(r) for each root."""
    slope = np.polyval(np.polyder(p), out)
    if not np.all(stop_gradient(slope)):
        raise np.linalg.LinAlgError("a multiple root of a polynomial has no derivative by its coefficients")
    return slope


def _roots_cotangent(g, p, out):
    """-sum over the roots of g r^(n - k) / p'(r)"""
    return like(np.matmul(-g / _slope_at_roots(p, out), np.vander(out, len(p))), p)


def _roots_tangent(t, p, out):
    """-sum over k of r^(n - k) t_k / p'(r)"""
    return like(-np.matmul(np.vander(out, len(p)), t) / _slope_at_roots(p, out), out)


roots.defvjp(p=_roots_cotangent).defjvp(p=_roots_tangent)


@roots.compared_as
def _(out):
    """The roots in the order of their real and imaginary parts: LAPACK's order may change from point to point."""
    plain = stop_gradient(out)
    return np.take(out, np.lexsort((np.imag(plain), np.real(plain))))


@composite("numpy.trim_zeros", aliases=("trim_zeros",))
def trim_zeros(filt, trim="fb", axis=None):
    """An array without the zeros in front and behind, which have no derivative: that they are zero is constant"""
    filt = shapes.asarray(filt)
    if trim.lower() not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim, "axis")
    places = np.argwhere(stop_gradient(filt))
    kept = [slice(None)] * filt.ndim
    for i in axes:
        first, last = (places[:, i].min(), places[:, i].max()) if len(places) else (0, -1)
        front = "f" in trim.lower() or not len(places)
        behind = "b" in trim.lower() or not len(places)
        kept[i] = slice(first if front else None, last + 1 if behind else None)
    return filt[tuple(kept)]


# --------------------------------------------------------------------------------------------------- samples
def _two(*shapes, draw=nonzero):
    """Return a generator of pairs of polynomials with so many coefficients."""

    def samples(rng):
        for m, n in shapes:
            yield Sample((draw(rng, (m,)), draw(rng, (n,))), note=f"{m} and {n} coefficients")
        for kind, of_kind in KINDS.items():
            yield Sample((of_kind(rng, (4,)), of_kind(rng, (3,))), note=kind)
        m, n = shapes[0]
        yield Sample((single(rng, (m,)), draw(rng, (n,))), note="float32 and float64")
        yield Sample((draw(rng, (m,)), complex_normal(rng, (n,))), note="real and complex")
        yield Sample((np.array([1, -2, 3, 1]), draw(rng, (n,))), note="integers first")
        yield Sample((draw(rng, (m,)), [2, 1]), note="a list of integers")
        yield Sample((draw(rng, (m,)).tolist(), draw(rng, ()).item()), note="a list and a number")

    return samples


_SIZES = ((4, 3), (2, 4), (3, 3), (1, 2), (3, 1))

for _function in polyadd, polysub, polymul:
    _function.samples(_two(*_SIZES))


@polyadd.samples
@polysub.samples
@polymul.samples
def _(rng):
    p = nonzero(rng, (3,))
    yield Sample((p, p), note="the same twice")


@polyadd.samples
@polymul.samples
def _(rng):
    yield Sample((np.zeros(0), nonzero(rng, (2,))), note="no coefficients")
    yield Sample((nonzero(rng, (3,)), np.zeros(2)), note="nothing but zeros")


polydiv.samples(_two(*_SIZES))

polyder.samples(
    of_one_array(call((4,)), call((5,), 2), call((3,), m=0), call((2,), 3), call((1,)), call((0,)))
)
polyint.samples(
    of_one_array(
        call((3,)), call((4,), 2), call((2,), m=0), call((3,), 2, [0.5, -1.5]), call((0,)), call((2,), 3, 1.5)
    )
)


@polyint.samples
def _(rng):
    yield Sample((normal(rng, (3,)), 2), {"k": normal(rng, (3,))}, note="more constants than are needed")
    yield Sample((normal(rng, (3,)), 1, normal(rng)), note="0-d")
    yield Sample((normal(rng, (3,)), 2, complex_normal(rng, (1,))), note="a complex constant")
    yield Sample((np.array([1, 2]), 2, normal(rng, (2,))), note="integers")


@polyval.samples
def _(rng):
    for size, shape in ((4, (2, 3)), (1, (2,)), (3, ()), (0, (3,)), (2, (0, 2)), (3, (1,))):
        yield Sample((normal(rng, (size,)), normal(rng, shape)), note=f"{size} coefficients at {shape}")
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (4,)), draw(rng, (3,))), note=kind)
    yield Sample((normal(rng, (4,)), complex_normal(rng, (2,))), note="a complex place")
    yield Sample((complex_normal(rng, (3,)), normal(rng, (2,))), note="complex coefficients")
    yield Sample((normal(rng, (3,)), single(rng, (2,))), note="float64 and float32")
    yield Sample((normal(rng, (3,)).tolist(), normal(rng).item()), note="a list, a Python float")
    yield Sample((np.array([1, 2, 3]), normal(rng, (2,))), note="integers first")
    yield Sample((normal(rng, (3,)), np.array([0, 2])), note="at integers")
    x = normal(rng, (3,))
    yield Sample((x, x), note="the same twice")


@polyfit.samples
def _(rng):
    def points(n, *more):
        return np.linspace(-1, 1, n) + rng.uniform(-0.1, 0.1, n) / n, normal(rng, (n, *more))

    for degree in (0, 1, 2, 3):
        yield Sample((*points(6), degree), note=f"degree {degree}")
    yield Sample((*points(4), 3), note="through all points")
    yield Sample((*points(5, 2), 2), note="two columns")
    for more in (), (2,):
        yield Sample((*points(6, *more), 2), {"w": positive(rng, (6,)) + 0.5}, note="weights")
        yield Sample((*points(6, *more), 1), {"full": True}, note="all")
        yield Sample((*points(6, *more), 2), {"cov": True}, note="covariance")
        yield Sample((*points(6, *more), 2, None, False, None, "unscaled"), note="unscaled covariance")
    yield Sample((*points(3), 2, 1e-12, True), note="all, no residuals")
    yield Sample((*points(6), 2), {"cov": True, "w": positive(rng, (6,)) + 0.5}, note="covariance, weights")
    x, y = points(5)
    yield Sample((x.astype(np.float32), y.astype(np.float32), 1), note="float32")
    yield Sample((x, complex_normal(rng, (5,)), 2), note="complex values")
    yield Sample((np.arange(5), y, 2), note="integer places")
    yield Sample((x, [1, 0, 2, 1, 3], 1), note="integer values")
    yield Sample((x, y, 1), {"w": np.array([1, 2, 1, 3, 1]), "full": True}, note="integer weights")


def _apart(rng, draw, size):
    """Return numbers of which no two lie near each other."""
    return (np.arange(1.0, size + 1) + 0.2 * draw(rng, (size,))) * (-1.5) ** np.arange(size)


@poly.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3,)),), note=kind)
    for size in (1, 2, 5):
        yield Sample((normal(rng, (size,)),), note=f"{size} roots")
    yield Sample((normal(rng, (3,)).tolist(),), note="a list")
    yield Sample((normal(rng, (3,)).astype(np.float16),), note="float16")
    yield Sample((np.zeros(0),), note="no roots")
    yield Sample((np.array([1.0, 1.0, 0.0]),), note="a double root")
    yield Sample((np.diag(_apart(rng, normal, 3)) + 0.1 * normal(rng, (3, 3)),), note="a matrix")
    yield Sample((normal(rng, (2, 2)) / 4 + np.array([[0, 1], [-1, 0]]),), note="a matrix with complex roots")
    yield Sample(
        (np.diag(_apart(rng, complex_normal, 3)) + 0.1 * normal(rng, (3, 3)),), note="a complex matrix"
    )


@roots.samples
def _(rng):
    for size in (1, 2, 3, 4):
        yield Sample((nonzero(rng, ()) * np.poly(_apart(rng, normal, size)),), note=f"{size} roots")
        yield Sample((nonzero(rng, ()) * np.poly(_apart(rng, complex_normal, size)),), note="complex")
    yield Sample((np.poly(_apart(rng, normal, 3)).astype(np.float32),), note="float32")
    yield Sample((np.poly([1 + 2j, 1 - 2j, nonzero(rng, ()).item(), 5]),), note="a conjugate pair")
    yield Sample((normal(rng, (1,)),), note="no root")
    yield Sample((np.poly(_apart(rng, normal, 3))[::-1],), note="negative strides")


@trim_zeros.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3,)),), note=kind)
    yield Sample((np.array([0.0, 0.0, 1.5, 0.0, 2.5, 0.0]),), note="zeros")
    yield Sample((np.array([0.0, 1.5, -2.5, 1.0]), "f"), note="in front")
    yield Sample((np.array([1.0, 1.5, 0.0, 2.5j, 0.0]),), {"trim": "B"}, note="behind, complex")
    yield Sample((np.zeros(3),), note="nothing but zeros")
    yield Sample((np.array([0.0, 2.0, 0.0, 1.0]), "bf"), note="both")
    if _HAS_AXES:
        yield Sample((np.pad(normal(rng, (3, 4)), ((1, 0), (0, 0))),), note="a matrix")
        x = np.pad(normal(rng, (4, 3)), ((0, 1), (0, 0)))
        yield Sample((x,), {"axis": 0}, note="rows")
        yield Sample((x, "f", -2), note="rows in front")
        yield Sample((x, "b", (0, 1)), note="rows and columns behind")
        yield Sample((np.zeros((2, 3)),), {"axis": 1}, note="a matrix of zeros")


_HAS_AXES = "axis" in inspect.signature(np.trim_zeros).parameters
if not _HAS_AXES:
    for _what in "axis", "axis is None":
        trim_zeros.leave_unchecked(_what, "it is of NumPy 2.2")

# -------------------------------------------------------------------------------------------- what no sample need show
roots.waive_mutant(
    "p",
    "like(-np.matmul(np.vander(out, len(p)), t) / _slope_at_roots(p, out), out) -> "
    "-np.matmul(np.vander(out, len(p)), t) / _slope_at_roots(p, out)",
    "what is compared are the sorted roots, in their type again; float32 tangents have a test of their own",
)
