"""Linear algebra: functions of matrices, and of stacks of them.

The formulas are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), without conjugates: they hold for complex matrices as they stand. Functions of a symmetric or
Hermitian matrix (``cholesky``, ``eigh``, ``eigvalsh``) are differentiated as functions of the Hermitian part of their
argument, (a + a^H) / 2: the cotangent is Hermitian, whichever triangle NumPy reads.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from functools import partial

import numpy as np

from opreg import (
    NotDifferentiable,
    Primitive,
    Sample,
    composite,
    hookimpl,
    is_traced,
    jvp,
    primitive,
    stop_gradient,
    vjp,
)
from opreg_numpy._axes import as_scalar, expanded, kept, laid_as, normalised
from opreg_numpy._form import like
from opreg_numpy._rules import NO_OUT, declared, is_zero
from opreg_numpy._samples import KINDS, call, complex_normal, normal, of_one_array, of_two_arrays, single
from opreg_numpy.shapes import as_array


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "numpy.linalg.", "opreg_numpy.linalg.")


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _adjoint(x):
    return np.conj(_transposed(x))


def _matrices_of(x, error=np.linalg.LinAlgError):
    """x, a matrix or a stack of them, as an array"""
    x = as_array(x)
    if np.ndim(x) < 2:
        raise error(f"a stack of matrices is due, not an array of shape {np.shape(x)}")
    return x


def _square(x):
    """x, a square matrix or a stack of them"""
    shape = np.shape(x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(f"a stack of square matrices is due, not an array of shape {shape}")
    return x


def _hermitian(x):
    """(x + x^H) / 2, of square matrices only: x and x^H of others may broadcast"""
    return (_square(x) + _adjoint(x)) / 2


def _column(x):
    return np.expand_dims(x, -1)


def _first_columns(x, k):
    """The first k columns of x: x itself if it has no more, for a second derivative records every cut"""
    *_, columns = np.shape(x)
    return x if columns == k else x[..., :k]


def _first_rows(x, k):
    """The first k rows of x: see `_first_columns`"""
    *_, rows, _ = np.shape(x)
    return x if rows == k else x[..., :k, :]


def _halved_lower(x):
    """The lower triangle with its diagonal halved: what a triangular factor takes of a Hermitian matrix"""
    n = np.shape(x)[-1]
    return x * np.asarray(np.tri(n, k=-1) + np.eye(n) / 2, x.real.dtype)


# ------------------------------------------------------------------------------------------ solving, inverting
@primitive("numpy.linalg.solve")
def solve(a, b, /):
    """x with a x = b, for stacks; b is one vector if it has one dimension, else a stack of matrices"""
    return np.linalg.solve(a, b)


def _solve_cotangents(g, out, a, b):
    """u = a^-T g for b, and -u x^T for a"""
    if np.ndim(b) == 1:
        u = np.squeeze(np.linalg.solve(_transposed(a), _column(g)), -1)
        return like(-(_column(u) * np.expand_dims(out, -2)), a), like(u, b)
    u = np.linalg.solve(_transposed(a), g)
    return like(-np.matmul(u, _transposed(out)), a), like(u, b)


def _solve_tangent_a(t, out, a, b):
    """-a^-1 t x"""
    if np.ndim(b) == 1:
        return -np.squeeze(np.linalg.solve(a, np.matmul(t, _column(out))), -1)
    return -np.linalg.solve(a, np.matmul(t, out))


solve.defvjp(_solve_cotangents).defjvp(a=_solve_tangent_a, b=lambda t, a: np.linalg.solve(a, t))


@primitive("numpy.linalg.inv")
def inv(a, /):
    """a^-1"""
    return np.linalg.inv(a)


inv.defvjp(a=lambda g, out: -np.matmul(_transposed(out), np.matmul(g, _transposed(out))))
inv.defjvp(a=lambda t, out: -np.matmul(out, np.matmul(t, out)))


@primitive("numpy.linalg.pinv")
def pinv(a, /, *, rcond=None, rtol=np._NoValue):
    """The pseudo-inverse a^+"""
    options = {} if rtol is np._NoValue else {"rtol": rtol}
    return np.linalg.pinv(a, rcond, **options)


@pinv.called_as
def _(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    _refuse_hermitian("pinv", hermitian)
    return (a,), stop_gradient({"rcond": rcond, "rtol": rtol})  # limits: it is constant between their jumps


def _refuse_hermitian(name, hermitian):
    if hermitian:
        raise NotDifferentiable(
            f"numpy.linalg.{name} with hermitian=True reads one triangle of its argument and is not differentiated. "
            "Leave hermitian out, or use numpy.linalg.eigh"
        )


def _pinv_cotangent(g, out, a):
    """-P^T g P^T + ((P P^H)^T g (1 - a P)^T)^H + ((1 - P a)^T g (P^H P)^T)^H, while the rank is constant

    Source: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).
    What the cutoff leaves out of ``a`` must be zero for it; where it is not, to rounding, `_left_out` adds its part.
    """
    p = _transposed(out)
    left = np.eye(np.shape(a)[-2], dtype=out.dtype) - _transposed(np.matmul(a, out))
    right = np.eye(np.shape(a)[-1], dtype=out.dtype) - _transposed(np.matmul(out, a))
    inside, outside = np.matmul(np.conj(out), p), np.matmul(p, np.conj(out))
    found = (
        -np.matmul(p, np.matmul(g, p))
        + _adjoint(np.matmul(inside, np.matmul(g, left)))
        + _adjoint(np.matmul(right, np.matmul(g, outside)))
    )
    plain, inverse = stop_gradient(a), stop_gradient(out)
    kept = np.arange(min(np.shape(a)[-2:])) < np.rint(
        np.real(np.sum(plain * _transposed(inverse), axis=(-2, -1)))[..., None]
    )
    if kept.all() or not _counts(np.linalg.svd(plain, compute_uv=False), ~kept):
        return found
    return found + vjp(lambda t: _left_out(t, a, kept), np.zeros_like(plain))[1](g)[0]


def _left_out(t, a, kept):
    """v (w (M + least / greatest M^H)) u^H with M = u^H t v and w = least / (greatest (greatest^2 - least^2))

    The singular vectors of what is kept turn towards those of what is left out, the more the closer their values are:
    to each pair of a value that is kept, the greatest, and one that is not, the least.
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    mixed = kept[..., :, None] != kept[..., None, :]
    one = np.ones_like(stop_gradient(s))[..., None]
    greatest = np.where(mixed, np.where(kept[..., :, None], s[..., :, None], s[..., None, :]), one)
    least = np.where(mixed, np.where(kept[..., :, None], s[..., None, :], s[..., :, None]), 0 * one)
    ratio = least / greatest
    inner = np.matmul(_adjoint(u), np.matmul(t, _adjoint(vh)))
    turned = ratio / (1 - ratio) / (1 + ratio) / greatest / greatest * (ratio * _adjoint(inner) + inner)
    return np.matmul(_adjoint(vh), np.matmul(turned, _adjoint(u)))


pinv.defvjp(a=_pinv_cotangent)
pinv.leave_unchecked("hermitian", "it is refused: it reads one triangle, which no derivative sees")
pinv.leave_unchecked(
    "_counts(np.linalg.svd(plain, compute_uv=False), ~kept)",
    "that all values left out are zero depends on rounding: samples cannot bring it about",
)


# --------------------------------------------------------------------------------------------------- least squares
@primitive("numpy.linalg.lstsq")
def lstsq(a, b, /, *, rcond=None):
    """x of least norm of those with least |b - a x|; the squares of these residuals; the rank; the singular values

    Where the rank is constant. Source: Golub and Pereyra, as of `pinv`, whose cutoff it shares.
    """
    return np.linalg.lstsq(a, b, rcond)


@lstsq.called_as
def _(a, b, rcond=None):
    return (a, b), {"rcond": stop_gradient(rcond)}  # a limit, as of `pinv`


def _lstsq_parts(out, a, b):
    """Return a^+, x and the residuals in columns, and which singular values are kept if some left out are not zero."""
    x, _, rank, s = out
    plain, kept = stop_gradient(s), np.arange(len(s)) < rank
    inverse = np.linalg.pinv(a, _cutoff(plain[kept], plain[~kept]))
    if np.ndim(b) == 1:
        x, b = _column(x), _column(b)
    return inverse, x, b, b - np.matmul(a, x), kept if _counts(plain, ~kept) else None


def _counts(s, left_out):
    """Tell whether singular values that are left out are more than the rounding of a zero."""
    rounding = 10 * np.shape(s)[-1] * np.finfo(s.dtype).eps * np.max(s, axis=-1, keepdims=True, initial=0)
    return np.any(left_out & (s > rounding))


def _cutoff(kept, left_out):
    """Return the ``rcond`` with which `pinv` keeps the same singular values: between the last and the next."""
    if not kept.size:
        return 1.0
    least, beyond = kept[-1] / kept[0], np.max(left_out, initial=0) / kept[0]
    return np.sqrt(least * max(beyond, min(np.finfo(kept.dtype).eps, least / 4)))


def _lstsq_cotangents(g, out, a, b):
    """For b, u = p^T g_x and 2 g_r r*; for a the same times -x^T, and (r (p* u)^T + p^H x (g_x - a^T u)^T)*"""
    p, x, b_columns, r, kept = _lstsq_parts(out, a, b)
    of_x, of_squares, _, of_s = g
    of_x = np.reshape(of_x, np.shape(x))
    u = np.matmul(_transposed(p), of_x)
    inside, outside = np.matmul(np.conj(p), u), of_x - np.matmul(_transposed(a), u)
    of_a = np.conj(
        np.matmul(r, _transposed(inside)) + np.matmul(np.matmul(_adjoint(p), x), _transposed(outside))
    )
    if np.size(of_squares):
        u = u + 2 * of_squares * np.conj(r)
    of_a = of_a - np.matmul(u, _transposed(x))
    if not is_zero(of_s):
        of_a = of_a + vjp(np.linalg.svdvals, a)[1](of_s)[0]
    if kept is not None:
        of_p = np.matmul(of_x, _transposed(b_columns))
        of_a = of_a + vjp(lambda t: _left_out(t, a, kept), np.zeros_like(stop_gradient(a)))[1](of_p)[0]
    return like(of_a, a), like(np.reshape(u, np.shape(b)), b)


def _lstsq_tangent_a(t, out, a, b):
    """dx = -p t x + p p^H t^H r + (1 - p a) t^H p^H x, and of the squares -2 re(r^H t x)"""
    p, x, b_columns, r, kept = _lstsq_parts(out, a, b)
    moved = np.matmul(t, x)
    outside = np.matmul(_adjoint(t), np.matmul(_adjoint(p), x))
    back = np.matmul(_adjoint(p), np.matmul(_adjoint(t), r)) - moved - np.matmul(a, outside)
    dx = np.matmul(p, back) + outside
    if kept is not None:
        dx = dx + np.matmul(_left_out(t, a, kept), b_columns)
    return _lstsq_tangents(dx, -moved, r, out, jvp(np.linalg.svdvals, (a,), (t,))[1])


def _lstsq_tangent_b(t, out, a, b):
    """dx = p t, and of the squares 2 re(r^H t)"""
    p, _, _, r, _ = _lstsq_parts(out, a, b)
    t = np.reshape(t, np.shape(r))
    return _lstsq_tangents(np.matmul(p, t), t, r, out, np.zeros_like(stop_gradient(out[3])))


def _lstsq_tangents(dx, dr, r, out, ds):
    squares = 2 * np.real(np.sum(np.conj(r) * dr, axis=0))[: np.size(out[1])]
    return like(np.reshape(dx, np.shape(out[0])), out[0]), like(squares, out[1]), None, like(ds, out[3])


lstsq.defvjp(_lstsq_cotangents).defjvp(a=_lstsq_tangent_a, b=_lstsq_tangent_b)


@primitive("numpy.linalg.matrix_rank")
def matrix_rank(A, /, *, tol=None, hermitian=False, rtol=None):
    """The number of singular values that are not small"""
    return np.linalg.matrix_rank(A, tol, hermitian, rtol=rtol)


@matrix_rank.called_as
def _(A, tol=None, hermitian=False, *, rtol=None):
    return (A,), stop_gradient({"tol": tol, "hermitian": hermitian, "rtol": rtol})  # limits


matrix_rank.not_differentiable("a rank is a count, constant but where a singular value crosses the limit")


# ------------------------------------------------------------------------------------------------ determinants
@primitive("numpy.linalg.det")
def det(a, /):
    """The determinant"""
    return np.linalg.det(a)


def _cofactors(a, out):
    """det(a) a^-T, the cofactors of a; by pivots where the inverse is far from exact, or the determinant no number."""
    shape, n = np.shape(a), np.shape(a)[-1]
    if n < 2 or not np.size(a):
        return np.ones_like(stop_gradient(a))
    plain, size = np.reshape(stop_gradient(a), (-1, n, n)), np.abs(np.ravel(stop_gradient(out)))
    direct = _has_good_inverse(plain, size)
    if direct.all():
        return np.expand_dims(out, (-2, -1)) * _transposed(np.linalg.inv(a))
    a, out = np.reshape(a, (-1, n, n)), np.reshape(out, (-1,))
    double = np.result_type(plain, np.float64)  # as NumPy computes inverses and determinants
    factors = _pivoted(plain.astype(double))
    rounds = [
        _rounds(pivots) if by_pivots else () for pivots, by_pivots in zip(factors[1], ~direct, strict=True)
    ]
    parts, places = [], []
    for sizes in dict.fromkeys(rounds):
        place = np.flatnonzero([other == sizes for other in rounds])
        one, its_factors = a[place], [factor[place] for factor in factors]
        parts.append(
            _transposed(_adjugate_by_pivots(one.astype(double), its_factors, sizes)).astype(plain.dtype)
            if sizes
            else np.reshape(out[place], (-1, 1, 1)) * _transposed(np.linalg.inv(one))
        )
        places.append(place)
    return np.reshape(np.concatenate(parts)[np.argsort(np.concatenate(places))], shape)


def _has_good_inverse(a, size):
    """Tell which matrices of a stack have an inverse that keeps half of the digits, or are no numbers at all."""
    good = (size >= np.finfo(a.dtype).tiny) & (size < np.inf)
    some = a[good]
    with np.errstate(over="ignore", invalid="ignore"):
        condition = np.abs(some).sum(-2).max(-1, initial=0) * np.abs(np.linalg.inv(some)).sum(-2).max(
            -1, initial=0
        )
    good[good] = condition < np.finfo(a.dtype).eps ** -0.5
    return good | ~np.isfinite(a).all((-2, -1))


def _pivoted(a):
    """Return left, pivots, right, sign with left a right = diag(pivots), by elimination with complete pivoting.

    The pivots descend, and sign is det(left) det(right). Complete pivoting shows the rank, and it keeps what is small
    in a matrix of very unlike rows and columns.
    Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), section 9.
    """
    work, count, n = a.copy(), np.arange(len(a)), np.shape(a)[-1]
    rows, columns, sign = *np.tile(np.arange(n), (2, len(a), 1)), np.ones(len(a))
    for k in range(n):
        i, j = (
            k + place for place in np.divmod(np.abs(work[:, k:, k:]).reshape(len(a), -1).argmax(-1), n - k)
        )
        for order, there, across in (rows, i, work), (columns, j, _transposed(work)):
            order[count, there], order[:, k] = order[:, k], order[count, there]
            across[count, there], across[:, k] = across[:, k], across[count, there]
            sign = np.where(there == k, sign, -sign)
        pivot = work[:, k, k, None]
        work[:, k, k + 1 :] /= np.where(pivot == 0, 1, pivot)
        work[:, k + 1 :, k + 1 :] -= work[:, k + 1 :, k, None] * work[:, None, k, k + 1 :]
        work[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)
    pivots, one = np.diagonal(work, 0, -2, -1), np.eye(n, dtype=a.dtype)
    left, right = np.linalg.inv(np.tril(work, -1) + one), np.linalg.inv(np.triu(work, 1) + one)
    order = np.argsort(-np.abs(pivots), axis=-1, kind="stable")
    left = np.take_along_axis(left, order[:, :, None], -2)
    right = np.take_along_axis(right, order[:, None, :], -1)
    left = np.take_along_axis(left, np.argsort(rows, -1)[:, None, :], -1)
    right = np.take_along_axis(right, np.argsort(columns, -1)[:, :, None], -2)
    return left, np.take_along_axis(pivots, order, -1), right, sign


def _rounds(pivots):
    """Return how many of descending pivots are alike in size, and of the rest, and so on; a minus is for a polynomial.

    In a derivative of an inverse there are powers of 1 / pivot, and those that a determinant does not have cancel. Of
    the first round they are small beside the others; for a few pivots of a later one, or none but 0, there are
    polynomials.
    """
    size, sizes = np.abs(pivots), list[int]()
    while size.size:
        alike = int(np.count_nonzero(size > np.finfo(size.dtype).eps ** (0.5 if sizes else 0.25) * size[0]))
        polynomial = alike == 0 or (sizes and alike <= 8)
        if alike == 0 or (polynomial and not size[alike:].any()):
            alike = len(size)
        sizes.append(-alike if polynomial else alike)
        size = size[alike:]
    return tuple(sizes)


def _adjugate_by_pivots(a, factors, sizes):
    """The adjugates of matrices, exactly and to any order, be they singular, by their factors as of `_pivoted`.

    Powers of two are taken out of the diagonal matrix, and put back last: only what is too large in the end overflows.
    """
    left, pivots, right, sign = factors
    exponents = np.frexp(np.abs(pivots))[1]
    least = np.take_along_axis(exponents, np.count_nonzero(pivots, axis=-1, keepdims=True) - 1, -1)
    exponents = np.where(pivots == 0, least, exponents)
    of_left = exponents // 2
    of_right = exponents - of_left
    change = np.matmul(left, np.matmul(a - stop_gradient(a), right))
    scaled = _times_power(pivots, -exponents)[:, None, :] * np.eye(np.shape(a)[-1], dtype=pivots.dtype)
    scaled = scaled + _times_power(_times_power(change, -of_left[:, :, None]), -of_right[:, None, :])
    total = exponents.sum(-1, keepdims=True)
    before = sign[:, None, None].astype(pivots.real.dtype) * right
    before = _times_power(before, (total // 2 - of_right)[:, None, :])
    behind = _times_power(left, (total - total // 2 - of_left)[:, :, None])
    return np.matmul(before, np.matmul(_det_and_adjugate(scaled, sizes)[1], behind))


def _times_power(x, exponents):
    """x 2^exponents"""
    finfo = np.finfo(stop_gradient(x).dtype)
    return x * np.ldexp(finfo.dtype.type(1), np.clip(exponents, finfo.minexp, finfo.maxexp - 1))


def _det_and_adjugate(a, sizes):
    """Both, of a diagonal matrix as of `_adjugate_by_pivots` that is about to change.

    With c = a22 - a21 a11^-1 a12 the determinant is det(a11) det(c), and the adjugate is the sum of det(c) adj(a11) and
    det(a11) [-a11^-1 a12, 1] adj(c) [-a21 a11^-1, 1].
    """
    k, rest = abs(sizes[0]), sizes[1:]
    first = a[:, :k, :k]
    det_first, adjugate_first = (_by_inverse if sizes[0] > 0 else _by_polynomials)(first)
    if not rest:
        return det_first, adjugate_first
    inverse = np.linalg.inv(first)
    before, behind = np.matmul(inverse, a[:, :k, k:]), np.matmul(a[:, k:, :k], inverse)
    det_c, adjugate_c = _det_and_adjugate(a[:, k:, k:] - np.matmul(behind, a[:, :k, k:]), rest)
    one = np.broadcast_to(np.eye(np.shape(a)[-1] - k, dtype=stop_gradient(a).dtype), np.shape(adjugate_c))
    inner = np.matmul(
        np.concatenate([-before, one], -2), np.matmul(adjugate_c, np.concatenate([-behind, one], -1))
    )
    widths = ((0, 0), (0, np.shape(one)[-1]), (0, np.shape(one)[-1]))
    adjugate = np.pad(det_c[:, None, None] * adjugate_first, widths) + det_first[:, None, None] * inner
    return det_first * det_c, adjugate


def _by_inverse(a):
    """The determinant and the adjugate"""
    det = np.linalg.det(a)
    return det, det[:, None, None] * np.linalg.inv(a)


def _by_polynomials(a):
    """Both as polynomials of the matrix: Faddeev and LeVerrier's algorithm. No inverse, so a may be zero."""
    n = np.shape(a)[-1]
    one = np.broadcast_to(np.eye(n, dtype=stop_gradient(a).dtype), np.shape(a))
    product, adjugate = a, one
    for k in range(1, n):
        adjugate = product - np.expand_dims(np.trace(product, axis1=-2, axis2=-1) / k, (-2, -1)) * one
        product = np.matmul(a, adjugate)
    sign = (-1) ** (n - 1)
    return sign * np.trace(product, axis1=-2, axis2=-1) / n, sign * adjugate


det.defvjp(a=lambda g, out, a: np.expand_dims(g, (-2, -1)) * _cofactors(a, out))
det.defjvp(a=lambda t, out, a: np.sum(t * _cofactors(a, out), axis=(-2, -1)))


@primitive("numpy.linalg.slogdet")
def slogdet(a, /):
    """The sign (for a complex matrix, the phase) of the determinant, and the logarithm of its magnitude"""
    return np.linalg.slogdet(a)


def _slogdet_cotangent(g, out, a):
    """a^-T g for the logarithm; the phase of a complex determinant turns by Im tr(a^-1 t)"""
    of_sign, of_logarithm = g
    weight = of_logarithm
    if np.iscomplexobj(a):
        weight = weight + 1j * np.imag(of_sign * out[0])
    return np.expand_dims(weight, (-2, -1)) * _transposed(np.linalg.inv(a))


def _slogdet_tangent(t, out, a):
    relative = np.sum(t * _transposed(np.linalg.inv(a)), axis=(-2, -1))
    if np.iscomplexobj(a):
        return out[0] * (1j * np.imag(relative)), np.real(relative)
    return np.zeros(np.shape(relative), stop_gradient(a).dtype), relative


slogdet.defvjp(a=_slogdet_cotangent).defjvp(a=_slogdet_tangent)


# ---------------------------------------------------------------------------------------------- factorisations
@primitive("numpy.linalg.cholesky")
def cholesky(a, /, *, upper=False):
    """L, lower, with L L^H = a; with ``upper`` the upper factor L^H. Of the Hermitian part of a"""
    return np.linalg.cholesky(_hermitian(a), upper=upper)


def _cholesky_cotangent(g, out, upper):
    """L^-T P(L^T g) L^-*, made Hermitian; P halves the diagonal and drops what is above it"""
    lower, g = (_adjoint(out), _adjoint(g)) if upper else (out, g)
    half = np.linalg.solve(_transposed(lower), _halved_lower(np.matmul(_transposed(lower), g)))
    return _hermitian(_transposed(np.linalg.solve(_adjoint(lower), _transposed(half))))


def _cholesky_tangent(t, out, upper):
    """L P(L^-1 t L^-H)"""
    lower = _adjoint(out) if upper else out
    inner = np.linalg.solve(lower, _adjoint(np.linalg.solve(lower, _hermitian(t))))
    found = np.matmul(lower, _halved_lower(_hermitian(inner)))  # its diagonal is normal, exactly
    return _adjoint(found) if upper else found


cholesky.defvjp(a=_cholesky_cotangent).defjvp(a=_cholesky_tangent)


@primitive("numpy.linalg.qr")
def qr(a, /, *, mode="reduced"):
    """Q with orthonormal columns and R, upper triangular, with Q R = a; of full rank in its first columns

    Of a complete Q the columns that a does not determine have no derivative: by them it is NaN, or an error.
    """
    return np.linalg.qr(a, mode)


@qr.called_as
def _(a, mode="reduced"):
    a = _matrices_of(a)
    rows, columns = np.shape(a)[-2:]
    mode = {"f": "reduced", "full": "reduced", "e": "economic"}.get(mode, mode)
    if mode not in ("reduced", "r", "complete", "raw", "economic"):
        raise ValueError(f"Unrecognized mode '{mode}'")
    if mode in ("raw", "economic"):
        raise NotDifferentiable(
            f"numpy.linalg.qr is differentiated in the modes 'reduced', 'complete' and 'r', not in mode={mode!r}: what "
            "stands below R has no derivative"
        )
    return (a,), {"mode": "reduced" if mode == "complete" and rows <= columns else mode}


def _require_full_rank(r):
    """Raise if a column depends on those before it: what it adds to them is lost in rounding, or is nothing."""
    pivots, columns = np.abs(np.diagonal(r, 0, -2, -1)), np.sqrt(np.sum(np.abs(r) ** 2, axis=-2))
    if np.any(pivots <= np.shape(r)[-1] * np.finfo(r.dtype).eps * columns):
        raise np.linalg.LinAlgError("qr has no derivative where its first columns depend on one another")


def _thin_qr_tangent(t, residual, a):
    """dQ = Q W + (1 - Q Q^H) C and dR = (Q^H C - W) R, with C = t R^-1 and W skew, for the first columns of R

    Source: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design" (2010).
    """
    q, r = residual
    k = np.shape(q)[-1]
    square = _first_columns(r, k)
    _require_full_rank(stop_gradient(square))
    c = _transposed(np.linalg.solve(_transposed(square), _transposed(_first_columns(t, k))))
    m = np.matmul(_adjoint(q), c)
    below = np.tril(m, -1)
    skew = below - _adjoint(below)
    if np.iscomplexobj(a):
        skew = skew + 1j * np.imag(m) * np.eye(k, dtype=m.real.dtype)
    dq = np.matmul(q, skew) + c - np.matmul(q, m)
    dr = np.matmul(m - skew, square)
    if np.shape(a)[-1] > k:
        more = np.matmul(_adjoint(dq), a[..., k:]) + np.matmul(_adjoint(q), t[..., k:])
        dr = np.concatenate([dr, more], axis=-1)
    return dq, dr


def _qr_tangent(t, residual, a, mode):
    dq, dr = _thin_qr_tangent(t, residual, a)
    if mode == "complete":
        dq, dr = _completed(dq, np.shape(dq)[-2]), _above_zeros(dr, np.shape(dq)[-2])
    return dr if mode == "r" else (dq, dr)


def _above_zeros(r, rows):
    """Return the tangent of a triangular factor with that of the zeros below it, so that it has so many rows."""
    *stack, k, columns = np.shape(r)
    return np.concatenate([r, np.zeros((*stack, rows - k, columns), stop_gradient(r).dtype)], axis=-2)


def _qr_cotangent(g, residual, a, mode):
    of_q, of_r = (None, g) if mode == "r" else g
    tangent = partial(_thin_qr_tangent, residual=residual, a=a)
    return _transposed_qr_tangent(tangent, of_q, of_r, residual, a, "mode='reduced'")


def _transposed_qr_tangent(tangent, of_q, of_r, residual, a, advice):
    """The transpose of the JVP; of what depends on R alone ``of_q`` is None"""
    q = stop_gradient(residual[0])
    k = np.shape(q)[-1]
    of_q = np.zeros_like(q) if of_q is None else _of_the_first(of_q, k, advice)
    return vjp(tangent, np.zeros_like(stop_gradient(a)))[1]((of_q, _first_rows(of_r, k)))[0]


qr.defvjp(a=_qr_cotangent).defjvp(a=_qr_tangent)


@qr.with_residual
def _(a, *, mode="reduced"):
    q, r = factors = np.linalg.qr(a, "reduced" if mode == "r" else mode)
    k = min(np.shape(a)[-2:])
    return (r if mode == "r" else factors), (_first_columns(q, k), _first_rows(r, k))


@qr.compared_as
def without_completion(out):
    """Q without the columns that complete a basis, and R"""
    matrices = [part for part in out if np.ndim(part) > 1] if isinstance(out, tuple) else []
    if len(matrices) < 2 or np.shape(matrices[1])[-2] <= np.shape(matrices[1])[-1]:
        return out
    q, r = matrices
    return q[..., : np.shape(r)[-1]], r


def _of_the_first(g, k, advice):
    """Return the cotangent of the first k vectors of a basis, its columns, if nothing depends on the others."""
    if np.any(stop_gradient(g)[..., k:]):
        raise NotDifferentiable(
            f"what completes the {k} vectors of a basis has no derivative, which was asked for. Those {k} alone can be "
            f"had by {advice}"
        )
    return _first_columns(g, k)


def _completed(t, count):
    """Return the tangent of the first vectors of a basis with that of those which complete it to so many: NaN."""
    others = np.full((*np.shape(t)[:-1], count - np.shape(t)[-1]), np.nan, stop_gradient(t).dtype)
    return np.concatenate([t, others], axis=-1)


def _gaps(values, asked=True):
    """Return 1 / (w_j - w_i), 0 on the diagonal, and NaN where different values are equal to rounding.

    Of columns j that are not asked for the NaN is 0.
    """
    difference, equal = _differences(values)
    other = ~np.eye(np.shape(values)[-1], dtype=bool)
    return _inverse(difference, equal, np.atleast_1d(asked)[..., None, :] & other)


def _differences(values):
    """Return w_j - w_i, and where it is 0 to rounding."""
    difference = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    size = np.abs(stop_gradient(values))[..., None]
    least = np.shape(values)[-1] * np.finfo(size.dtype).eps * np.max(size, axis=-2, keepdims=True, initial=0)
    return difference, np.abs(stop_gradient(difference)) <= least


OF_DISTINCT = "it changes second derivatives alone, where values repeat, and these have tests"
"""Why no sample shows a change of :func:`_of_distinct`."""


def _of_distinct(g, values, alone=False):
    """g, a cotangent of values alone; where it is itself differentiated, its derivative by those that repeat is NaN

    A direction that mixes the vectors of equal values changes the gradient of a function of them, and none of g shows
    by how much. That holds for one value ``alone`` too, if its vectors mix with those that have no value.
    """
    if not is_traced(g):
        return g
    repeated = alone | (np.count_nonzero(_differences(values)[1], axis=-1) > 1)
    if not np.any(repeated):
        return g
    return g + np.where(repeated, np.sqrt(np.square(np.where(repeated, g - stop_gradient(g), 1.0))), 0.0)


def _inverse(x, zero, asked):
    """Return 1 / x; of what is 0 to rounding it is NaN, and 0 where it is not asked for."""
    inverse = 1 / np.where(zero, np.ones_like(stop_gradient(x)), x)
    return np.where(zero, np.where(asked, np.nan, 0.0).astype(inverse.dtype), inverse)


def _asked(g, across=-2):
    """Tell of which vectors in a cotangent the derivative is asked for. Of a traced one it is all."""
    return is_traced(g) or np.any(g, axis=across)


@primitive("numpy.linalg.eigh")
def eigh(a, /, *, UPLO="L"):
    """The eigenvalues w, ascending, and eigenvectors v of the Hermitian part of a

    Where eigenvalues are equal the vectors have no derivative: it is NaN. That of the values, alone, is finite.
    """
    return np.linalg.eigh(_hermitian(a), UPLO)


def _eigh_cotangent(g, out):
    """v* (diag(g_w) + F v^T g_v) v^T, made Hermitian, with F_ij = 1 / (w_j - w_i)"""
    (w, v), (of_values, of_vectors) = out, g
    if is_zero(of_vectors):
        weights = _diagonal(_of_distinct(of_values, w))
    else:
        turned = np.matmul(_transposed(v), of_vectors)
        weights = _diagonal(of_values) + _gaps(w, _asked(of_vectors)) * turned
    return _hermitian(np.matmul(np.conj(v), np.matmul(weights, _transposed(v))))


def _diagonal(x):
    return np.expand_dims(x, -1) * np.eye(np.shape(x)[-1], dtype=stop_gradient(x).dtype)


def _eigh_tangent(t, out):
    """dw = diag(v^H t v), dv = v (F v^H t v)"""
    w, v = out
    inner = np.matmul(_adjoint(v), np.matmul(_hermitian(t), v))
    return np.real(np.diagonal(inner, 0, -2, -1)), np.matmul(v, _gaps(w) * inner)


eigh.defvjp(a=_eigh_cotangent).defjvp(a=_eigh_tangent)


@eigh.compared_as
def by_projectors(out):
    """The values and, as the phase of a complex vector is the algorithm's choice, the projector to each vector."""
    if not isinstance(out, tuple) or not np.iscomplexobj(out[1]):
        return out
    w, v = out
    columns = _transposed(v)
    return w, np.expand_dims(columns, -1) * np.conj(np.expand_dims(columns, -2))


@primitive("numpy.linalg.eigvalsh")
def eigvalsh(a, /, *, UPLO="L"):
    """The eigenvalues of the Hermitian part of a, ascending"""
    return np.linalg.eigvalsh(_hermitian(a), UPLO)


@eigvalsh.with_residual
def _(a, *, UPLO="L"):
    return np.linalg.eigh(_hermitian(a), UPLO)


eigvalsh.defvjp(
    a=lambda g, out, residual: np.matmul(
        np.conj(residual) * np.expand_dims(_of_distinct(g, out), -2), _transposed(residual)
    )
)
eigvalsh.defjvp(
    a=lambda t, residual: np.real(np.sum(np.conj(residual) * np.matmul(_hermitian(t), residual), axis=-2))
)


def _require_independent(v):
    """Raise where vectors of length 1 coincide: of a defective matrix eigenvalues have no derivative either."""
    v, n = stop_gradient(v), np.shape(v)[-1]
    if np.size(v) and np.any(np.linalg.svd(v, compute_uv=False)[..., -1] <= n * np.finfo(v.dtype).eps):
        raise np.linalg.LinAlgError("eigenvalues have no derivative where their eigenvectors coincide")


@primitive("numpy.linalg.eig")
def eig(a, /):
    """The eigenvalues w and eigenvectors v, of length 1, of any square matrix

    LAPACK turns a complex vector so that its largest component is real, and the derivative keeps it so. Where
    eigenvalues are equal the vectors have no derivative: it is NaN.
    """
    return np.linalg.eig(a)


def _eig_tangent(t, out, asked=True):
    """dw = diag(v^-1 t v), dv = v (F v^-1 t v) less its part along v, with F_ij = 1 / (w_j - w_i)"""
    w, v = out
    _require_independent(v)
    inner = np.linalg.solve(v, np.matmul(t, v))
    dv = np.matmul(v, _gaps(w, asked) * inner)
    along = np.real(np.sum(np.conj(v) * dv, axis=-2, keepdims=True))
    if np.iscomplexobj(v):
        size = np.abs(stop_gradient(v))
        largest = np.arange(size.shape[-1])[:, None] == np.argmax(size, axis=-2, keepdims=True)
        turn = np.sum(largest * dv, axis=-2, keepdims=True) / np.sum(largest * v, axis=-2, keepdims=True)
        along = along + 1j * np.imag(turn)
    return np.diagonal(inner, 0, -2, -1), dv - v * along


def _eigenvalues_cotangent(g, a, v):
    """v^-T diag(g) v^T"""
    _require_independent(v)
    return like(np.linalg.solve(_transposed(v), np.expand_dims(g, -1) * _transposed(v)), a)


def _eig_cotangent(g, out, a):
    """v^-T diag(g) v^T for the values; for the vectors the transpose of the JVP"""
    if is_zero(g[1]):
        return _eigenvalues_cotangent(g[0], a, out[1])
    asked = _asked(g[1])
    return vjp(lambda t: _eig_tangent(t, out, asked), np.zeros_like(stop_gradient(a)))[1](tuple(g))[0]


eig.defvjp(a=_eig_cotangent).defjvp(a=_eig_tangent)


@eig.compared_as
def _(out):
    """The values and, as the sign of a vector is the algorithm's choice, the products of each one's components."""
    w, v = out
    columns = _transposed(v)
    return w, np.expand_dims(columns, -1) * np.expand_dims(columns, -2)


if np.lib.NumpyVersion(np.__version__) >= "2.5.0":
    eig.leave_unchecked("np.iscomplexobj(v)", "since NumPy 2.5 the eigenvectors of every matrix are complex")


@primitive("numpy.linalg.eigvals")
def eigvals(a, /):
    """The eigenvalues of any square matrix"""
    return np.linalg.eigvals(a)


@eigvals.with_residual
def _(a):
    return np.linalg.eig(a)


eigvals.defvjp(a=lambda g, a, residual: _eigenvalues_cotangent(g, a, residual))
eigvals.defjvp(a=lambda t, residual: _eig_tangent_of_values(t, residual))


def _eig_tangent_of_values(t, v):
    """diag(v^-1 t v)"""
    _require_independent(v)
    return np.diagonal(np.linalg.solve(v, np.matmul(t, v)), 0, -2, -1)


@primitive("numpy.linalg.svd")
def svd(a, /, *, full_matrices=True, compute_uv=True):
    """u, s, vh with u diag(s) vh = a and s descending; s alone without ``compute_uv``

    Where singular values are equal the vectors have no derivative: it is NaN. That of the values, alone, is finite. Nor
    have those that complete u or vh: by them it is NaN, or an error.
    """
    return np.linalg.svd(a, full_matrices, compute_uv)


@svd.called_as
def _(a, full_matrices=True, compute_uv=True, hermitian=False):
    _refuse_hermitian("svd", hermitian)
    a = _matrices_of(a)
    rows, columns = np.shape(a)[-2:]
    whole = bool(compute_uv and full_matrices and rows != columns)
    return (a,), {"full_matrices": whole, "compute_uv": compute_uv}


@svd.with_residual
def _(a, *, full_matrices=True, compute_uv=True):
    u, s, vh = factors = np.linalg.svd(a, full_matrices)
    k = min(np.shape(a)[-2:])
    return (factors if compute_uv else s), (_first_columns(u, k), s, _first_rows(vh, k))


def _svd_tangent(t, residual, compute_uv, full_matrices):
    found = _thin_svd_tangent(t, residual, compute_uv)
    if not full_matrices:
        return found
    du, ds, dvh = found
    rows, columns = np.shape(t)[-2:]
    return _completed(du, rows), ds, _transposed(_completed(_transposed(dvh), columns))


def _thin_svd_tangent(t, residual, compute_uv, asked_u=True, asked_v=True):
    """ds = diag(p), du = u (F (p s + s p^H)) + (1 - u u^H) t v / s, the like for v; p = u^H t v, F = 1/(s_j^2 - s_i^2)

    Source: Townsend, "Differentiating the singular value decomposition" (2016).
    """
    u, s, vh = residual
    v = _adjoint(vh)
    p = np.matmul(_adjoint(u), np.matmul(t, v))
    ds = np.real(np.diagonal(p, 0, -2, -1))
    if not compute_uv:
        return ds
    rows, columns = np.expand_dims(s, -1), np.expand_dims(s, -2)
    du = np.matmul(u, _gaps_of_squares(s, asked_u) * (p * columns + rows * _adjoint(p)))
    dv = np.matmul(v, _gaps_of_squares(s, asked_v) * (rows * p + _adjoint(p) * columns))
    if np.iscomplexobj(t):
        turn = np.imag(np.diagonal(p, 0, -2, -1)) * _reciprocal(residual, asked_u)
        du = du + 1j * u * np.expand_dims(turn, -2)
    m, n = np.shape(t)[-2:]
    if m > n:
        du = du + _beyond(u, np.matmul(t, v) * np.expand_dims(_reciprocal(residual, asked_u), -2))
    elif n > m:
        dv = dv + _beyond(v, np.matmul(_adjoint(t), u) * np.expand_dims(_reciprocal(residual, asked_v), -2))
    return du, ds, _adjoint(dv)


def _gaps_of_squares(s, asked):
    """1 / (s_j^2 - s_i^2), as :func:`_gaps` has it; their sum is 0 where both are, and they equal"""
    total = np.expand_dims(s, -2) + np.expand_dims(s, -1)
    return _gaps(s, asked) / (total + np.equal(total, 0))


def _beyond(u, x):
    """(1 - u u^H) x, what of x the columns of u do not reach"""
    return x - np.matmul(u, np.matmul(_adjoint(u), x))


def _rounding_of(u, s, vh):
    """Return up to which size a singular value is 0 to rounding."""
    s = stop_gradient(s)
    *_, rows, _ = np.shape(u)
    *_, columns = np.shape(vh)
    return max(rows, columns) * np.finfo(s.dtype).eps * s[..., :1]


def _beside_no_value(u, s, vh):
    """Tell which singular values are 0 to rounding where there are more vectors than values, with which theirs mix."""
    return (stop_gradient(s) <= _rounding_of(u, s, vh)) & (np.shape(u)[-2] != np.shape(vh)[-1])


def _reciprocal(factors, asked):
    """1 / s, as :func:`_inverse` has it"""
    s = factors[1]
    return _inverse(s, stop_gradient(s) <= _rounding_of(*factors), asked)


def _svd_cotangent(g, residual, compute_uv):
    """conj(u diag(g_s) vh) for the values; for the vectors the transpose of the JVP"""
    u, s, vh = residual
    if not compute_uv or (is_zero(g[0]) and is_zero(g[2])):
        of_values = _of_distinct(g[1] if compute_uv else g, s, _beside_no_value(*residual))
        return np.conj(np.matmul(u * np.expand_dims(of_values, -2), vh))
    k = np.shape(s)[-1]
    of_u = _of_the_first(g[0], k, "full_matrices=False")
    of_vh = _transposed(_of_the_first(_transposed(g[2]), k, "full_matrices=False"))
    asked = _asked(of_u), _asked(of_vh, -1)
    like_a = np.zeros((*np.shape(u)[:-1], np.shape(vh)[-1]), stop_gradient(u).dtype)
    return vjp(lambda t: _thin_svd_tangent(t, residual, True, *asked), like_a)[1]((of_u, g[1], of_vh))[0]


svd.defvjp(a=_svd_cotangent).defjvp(a=_svd_tangent)
svd.leave_unchecked("hermitian", "it is refused: it reads one triangle, which no derivative sees")


@svd.compared_as
def by_pairs(out):
    """The values and the vectors without those that complete a basis.

    As the phase of a complex pair of vectors is the algorithm's choice, it is each left by right one.
    """
    if not isinstance(out, tuple):
        return out
    u, s, vh = out
    k = np.shape(s)[-1]
    if not np.iscomplexobj(u):
        return out if np.shape(u)[-1] == np.shape(vh)[-2] else (u[..., :k], s, vh[..., :k, :])
    u, vh = u[..., :k], vh[..., :k, :]
    return s, np.expand_dims(_transposed(u), -1) * np.expand_dims(vh, -2)


@composite("numpy.linalg.svdvals")
def svdvals(x, /):
    """The singular values, descending"""
    return np.linalg.svd(_matrices_of(x), compute_uv=False)


# ------------------------------------------------------------------------------------------------------- norms
@primitive("opreg_numpy.linalg.power_norm")
def power_norm(x, /, *, p, axis, keepdims=False):
    """The p-th root of the sum of abs(x)**p along axes. Where it is zero its derivative is zero, the least one"""
    magnitude = np.abs(x)
    if p == 2:
        return np.sqrt(np.sum(magnitude * magnitude, axis=axis, keepdims=keepdims))
    return np.sum(magnitude**p, axis=axis, keepdims=keepdims) ** (1 / p)


def _power_norm_gradient(x, out, p, axis):
    """conj(x) |x|^(p-2) / norm^(p-1), and 0 for all x where the norm is zero: a zero alone makes it so if p < 0"""
    norm = expanded(out, np.shape(x), axis)
    zero = stop_gradient(norm) == 0
    x = np.conj(x) / np.where(zero, np.ones_like(stop_gradient(norm)), norm)
    if p == 2:
        return np.where(zero, np.zeros_like(stop_gradient(x)), x) if zero.any() else x
    magnitude = np.abs(x)
    still = zero | (stop_gradient(magnitude) == 0)
    return np.where(
        still,
        np.zeros_like(stop_gradient(x)),
        x * np.where(still, np.ones_like(stop_gradient(magnitude)), magnitude) ** (p - 2),
    )


power_norm.defvjp(
    x=lambda g, x, out, p, axis: expanded(g, np.shape(x), axis) * _power_norm_gradient(x, out, p, axis)
)
power_norm.defjvp(
    x=lambda t, x, out, p, axis, keepdims: np.sum(
        np.real(t * _power_norm_gradient(x, out, p, axis)), axis=axis, keepdims=keepdims
    )
)


@primitive("opreg_numpy.linalg.polar_factor")
def polar_factor(x, /):
    """u v^H of the singular vectors whose values are not 0 to rounding: the partial isometry of the polar form"""
    return _polar_parts(x)[0]


@polar_factor.with_residual
def _(x):
    out, *factors = _polar_parts(x)
    return out, tuple(factors)


def _polar_parts(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    kept = s > _rounding_of(u, s, vh)
    return np.matmul(u * np.expand_dims(kept.astype(s.dtype), -2), vh), u, s, vh


def _polar_tangent(t, residual):
    """u ((p - p^H) / (s_i + s_j)) v^H + (1 - u u^H) t v / s v^H + u / s u^H t (1 - v v^H), while the rank is constant

    with p = u^H t v, of the singular vectors whose values are not 0.
    Source: Kenney and Laub, "Polar decomposition and matrix sign function condition estimates" (1991).
    """
    u, s, vh = residual
    kept = stop_gradient(s) > _rounding_of(u, s, vh)
    one, v = np.ones_like(stop_gradient(s)), _adjoint(vh)
    mask, inverse = kept.astype(one.dtype), np.expand_dims(_reciprocal(residual, asked=False), -2)
    u, v = u * np.expand_dims(mask, -2), v * np.expand_dims(mask, -2)
    s = np.where(kept, s, one)
    p = np.matmul(_adjoint(u), np.matmul(t, v))
    inside = (p - _adjoint(p)) / (np.expand_dims(s, -1) + np.expand_dims(s, -2))
    left, right = _beyond(u, np.matmul(t, v * inverse)), _beyond(v, np.matmul(_adjoint(t), u * inverse))
    return np.matmul(np.matmul(u, inside) + left, _adjoint(v)) + np.matmul(u, _adjoint(right))


polar_factor.defjvp(x=lambda t, residual: _polar_tangent(t, residual))
polar_factor.defvjp(x=lambda g, residual: np.conj(_polar_tangent(np.conj(g), residual)))  # it is a Hessian


@primitive("opreg_numpy.linalg.nuclear_norm")
def nuclear_norm(x, /):
    """The sum of the singular values. Where some are 0 its derivative is the subgradient of least norm"""
    return np.sum(np.linalg.svdvals(x), axis=-1)


nuclear_norm.defvjp(x=lambda g, x: np.expand_dims(g, (-2, -1)) * np.conj(polar_factor(x)))
nuclear_norm.defjvp(x=lambda t, x: np.real(np.sum(t * np.conj(polar_factor(x)), axis=(-2, -1))))


def _greatest(x, axis, keepdims=False):
    """Return the greatest of numbers that are not negative: of none of them it is 0."""
    if np.size(x):
        return np.max(x, axis=axis, keepdims=keepdims)
    return np.max(x, axis=axis, keepdims=keepdims, initial=0)


def _vector_norm(x, order, axis, keepdims):
    if isinstance(order, str):
        raise ValueError(f"Invalid norm order '{order}' for vectors")
    if order is None or order == 2:
        return power_norm(x, p=2, axis=axis, keepdims=keepdims)
    if order == math.inf:
        return _greatest(np.abs(x), axis, keepdims)
    if order == -math.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if order == 0:  # how many are not zero: a constant
        plain = stop_gradient(x)
        return np.sum((plain != 0).astype(plain.real.dtype), axis=axis, keepdims=keepdims)
    return power_norm(x, p=order, axis=axis, keepdims=keepdims)


def _matrix_norm(x, order):
    if order in (None, "fro", "f"):
        return power_norm(x, p=2, axis=(-2, -1))
    if order == "nuc":
        return nuclear_norm(x)
    if order in (2, -2):
        found = (_greatest if order > 0 else np.min)(np.linalg.svdvals(x), axis=-1)
        return np.where(stop_gradient(found) == 0, np.zeros_like(stop_gradient(found)), found)
    if order in (1, -1, math.inf, -math.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(order) == 1 else -1)
        return (_greatest if order > 0 else np.min)(sums, axis=-1)
    raise ValueError("Invalid norm order for matrices.")


@composite("numpy.linalg.norm", static=("ord",))
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors along one axis, of matrices along two; of the flattened array with neither order nor axis"""
    x = as_array(x)
    rank = np.ndim(x)
    if axis is None and (ord is None or (rank == 2 and ord in ("fro", "f")) or (rank == 1 and ord == 2)):
        return power_norm(x, p=2, axis=tuple(range(rank)), keepdims=keepdims)
    axes = normalised(axis, rank)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    found = _matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord)
    return np.reshape(found, kept(np.shape(x), axes)) if keepdims else as_scalar(found)


@composite("numpy.linalg.vector_norm", static=("ord",))
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of vectors that lie along axes, of the flattened array without"""
    x = as_array(x)
    return _vector_norm(x, ord, normalised(axis, np.ndim(x)), keepdims)


@composite("numpy.linalg.matrix_norm", static=("ord",))
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of each matrix of a stack"""
    return np.linalg.norm(as_array(x), ord, (-2, -1), keepdims)


@composite("numpy.linalg.cond", static=("p",))
def cond(x, p=None):
    """The condition number: the greatest singular value over the least, or norm(x) norm(x^-1); infinite if singular"""
    x = _matrices_of(x)
    if 0 in np.shape(x)[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        over, under = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        zero = stop_gradient(under) == 0
        found = over / np.where(zero, 1.0, under)
    else:
        zero = np.linalg.slogdet(_square(stop_gradient(x))).sign == 0
        regular = np.where(zero[..., None, None], np.eye(np.shape(x)[-1], dtype=stop_gradient(x).dtype), x)
        size, size_of_inverse = (np.linalg.norm(m, p, axis=(-2, -1)) for m in (x, np.linalg.inv(regular)))
        found = size * size_of_inverse
    if not zero.any():
        return found
    factor = np.where(zero, np.inf, 0).astype(
        stop_gradient(found).dtype
    )  # with it the derivative is no number
    return np.where(zero, factor * (1 + np.linalg.norm(x, axis=(-2, -1))), found)


# ---------------------------------------------------------------------------------------- products and aliases
@composite("numpy.linalg.matrix_power")
def matrix_power(a, n):
    """The n-fold product of a with itself, of its inverse for a negative n"""
    a, n = _square(as_array(a)), _whole(n)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 0:
        plain = stop_gradient(a)
        eye = np.broadcast_to(np.eye(plain.shape[-1], dtype=plain.dtype), plain.shape)
        return laid_as(np.array(eye), plain)
    return _power(a, n)


def _whole(n):
    try:
        return operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error


def _power(a, n):
    """a^n, for n > 0, by squares"""
    if n == 1:
        return a
    half = _power(a, n // 2)
    return np.matmul(np.matmul(half, half), a) if n % 2 else np.matmul(half, half)


@composite("numpy.linalg.multi_dot", **NO_OUT)
def multi_dot(arrays, *, out=None):
    """The product of several matrices, in the order that is cheapest; the first and the last may be vectors"""
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    arrays = [as_array(a) for a in arrays]
    if len(arrays) == 2:
        return np.dot(*arrays)
    for i, a in enumerate(arrays):
        if np.ndim(a) != 2 and not (np.ndim(a) == 1 and i in (0, len(arrays) - 1)):
            raise np.linalg.LinAlgError(
                f"{np.ndim(a)}-dimensional array given. Array must be two-dimensional"
            )
    lengths = [
        1 if np.ndim(arrays[0]) == 1 else np.shape(arrays[0])[0],
        *(np.shape(a)[0] for a in arrays[1:]),
    ]
    lengths.append(1 if np.ndim(arrays[-1]) == 1 else np.shape(arrays[-1])[1])
    return _in_order(arrays, _cheapest(lengths), 0, len(arrays))


def _cheapest(lengths):
    """Return where to part each product of matrices i to j of a chain, of which these are rows and, last, columns.

    Source: Cormen, Leiserson, Rivest and Stein, "Introduction to Algorithms" (2009), section 15.2.
    """
    count, cost, parts = len(lengths) - 1, {}, {}
    for i in range(count):
        cost[i, i + 1] = 0
    for size in range(2, count + 1):
        for i in range(count - size + 1):
            j = i + size
            each = {
                k: cost[i, k] + cost[k, j] + lengths[i] * lengths[k] * lengths[j] for k in range(i + 1, j)
            }
            parts[i, j] = min(each, key=each.__getitem__)
            cost[i, j] = each[parts[i, j]]
    return parts


def _in_order(arrays, parts, i, j):
    if j - i == 1:
        return arrays[i]
    k = parts[i, j]
    return np.dot(_in_order(arrays, parts, i, k), _in_order(arrays, parts, k, j))


@composite("numpy.linalg.tensorsolve")
def tensorsolve(a, b, axes=None):
    """x with tensordot(a, x, x.ndim) = b"""
    a, b = as_array(a), as_array(b)
    if axes is not None:
        order = list(range(np.ndim(a)))
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = np.transpose(a, order)
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]
    if np.size(a) != math.prod(shape) ** 2:
        raise np.linalg.LinAlgError(
            f"tensorsolve: an array of shape {np.shape(a)} is no square matrix for a right side of shape {np.shape(b)}"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (math.prod(shape), -1)), np.ravel(b)), shape)


@composite("numpy.linalg.tensorinv")
def tensorinv(a, ind=2):
    """The inverse of tensordot with a over so many axes"""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    a = as_array(a)
    shape = np.shape(a)
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(shape[ind:]), -1))), shape[ind:] + shape[:ind])


@composite("numpy.linalg.matmul")
def matmul(x1, x2, /):
    """As numpy.matmul"""
    return np.matmul(as_array(x1), as_array(x2))


@composite("numpy.linalg.matrix_transpose")
def matrix_transpose(x, /):
    """As numpy.matrix_transpose"""
    return np.matrix_transpose(as_array(x))


@composite("numpy.linalg.outer")
def outer(x1, x2, /):
    """As numpy.outer, for vectors"""
    x1, x2 = as_array(x1), as_array(x2)
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"Input arrays must be one-dimensional, but they have {np.ndim(x1)} and {np.ndim(x2)} axes."
        )
    return np.outer(x1, x2)


@composite("numpy.linalg.cross")
def cross(x1, x2, /, *, axis=-1):
    """As numpy.cross"""
    x1, x2 = as_array(x1), as_array(x2)
    lengths = np.shape(x1)[axis], np.shape(x2)[axis]
    if lengths != (3, 3):
        raise ValueError(
            f"Both input arrays must be (arrays of) 3-dimensional vectors, but they have {lengths}."
        )
    return np.cross(x1, x2, axis=axis)


@composite("numpy.linalg.vecdot")
def vecdot(x1, x2, /, *, axis=-1):
    """As numpy.vecdot"""
    return np.vecdot(as_array(x1), as_array(x2), axis=axis)  # type: ignore[call-overload]


@composite("numpy.linalg.tensordot")
def tensordot(x1, x2, /, *, axes=2):
    """As numpy.tensordot"""
    return np.tensordot(as_array(x1), as_array(x2), axes)


@composite("numpy.linalg.diagonal")
def diagonal(x, /, *, offset=0):
    """The diagonals of a stack of matrices"""
    return np.diagonal(as_array(x), offset, -2, -1)


@composite("numpy.linalg.trace")
def trace(x, /, *, offset=0, dtype=None):
    """The traces of a stack of matrices"""
    return np.trace(as_array(x), offset, -2, -1, dtype)


# ---------------------------------------------------------------------------------------------------- samples
def _matrices(rng, draw, *shape):
    """Return a stack of random square matrices with inverses far from infinite."""
    x = draw(rng, shape)
    return np.asarray(x + 3 * np.eye(shape[-1], dtype=x.dtype), x.dtype, order="A")


def _definite(rng, draw, *shape):
    """Return a stack of random Hermitian matrices with positive eigenvalues."""
    x = draw(rng, shape)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1], dtype=x.dtype)


def _of_stacks(make, *keywords, **always):
    """Return a generator of calls with a stack of square matrices of every kind, and with every set of keywords."""

    def generate(rng):
        for shape in ((3, 3), (2, 2, 2), (2, 1, 3, 3), (1, 1), (0, 2, 2)):
            yield Sample((make(rng, normal, *shape),), always, note=f"{shape}")
        for kind, draw in KINDS.items():
            yield Sample((make(rng, draw, 3, 3),), always, note=kind)
        for options in keywords:
            yield Sample((make(rng, normal, 3, 3),), {**always, **options})
            yield Sample((make(rng, complex_normal, 2, 2, 2),), {**always, **options})

    return generate


for _function in inv, det, slogdet:
    _function.samples(_of_stacks(_matrices))
cholesky.samples(_of_stacks(_definite, {"upper": True}, {"upper": False}))
eigvalsh.samples(_of_stacks(_definite, {"UPLO": "U"}))
matrix_power.samples(
    _of_stacks(lambda *args: _matrices(*args) / 3, {"n": 3}, {"n": -2}, {"n": 0}, {"n": 7}, n=2)
)
matrix_transpose.samples(_of_stacks(_matrices))


@solve.samples
def _(rng):
    for left, right in (
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (3,)),
        ((2, 3, 3), (3, 2)),
        ((3, 3), (4, 3, 2)),
        ((4, 1, 2, 2), (3, 2, 5)),
        ((1, 1), (1,)),
        ((1, 1), (1, 1)),
        ((0, 2, 2), (2, 1)),
        ((2, 2), (2, 0)),
    ):
        yield Sample((_matrices(rng, normal, *left), normal(rng, right)), note=f"{left}, {right}")
    for kind, draw in KINDS.items():
        yield Sample((_matrices(rng, draw, 3, 3), draw(rng, (3, 2))), note=kind)
    yield Sample((_matrices(rng, normal, 2, 2), complex_normal(rng, (2,))), note="real and complex")
    yield Sample((_matrices(rng, complex_normal, 2, 2), single(rng, (2, 3))), note="complex and float32")
    yield Sample((_matrices(rng, normal, 2, 2), np.arange(2)), note="integers")
    x = _matrices(rng, normal, 3, 3)
    yield Sample((x, x), note="the same array twice")


@det.samples
def _(rng):
    for draw in (normal, complex_normal):
        x = draw(rng, (4, 3, 3))
        x[0, 1], x[1, 1:], x[2] = x[0, 0], x[1, :1], 0
        yield Sample((x.reshape(2, 2, 3, 3),), note="of rank 2, 1, 0 and 3")
    for draw in (normal, complex_normal):
        x = draw(rng, (2, 5, 5))
        x[:, 4] = x[:, 3]
        yield Sample((x,), note=f"large, of rank 4, {draw.__name__}")
        x = draw(rng, (3, 5, 5))
        x[0, 3:], x[2, :, 4] = x[0, :2], x[2, :, 0]
        yield Sample((x,), note=f"large, of rank 3, 5 and 4, {draw.__name__}")
    for n in (1, 5):
        yield Sample((np.zeros((n, n)),), note=f"zero, {n} by {n}")
    for size in ([1.0, 1e-9, 1e-9, 1e-18], [1.0] + 5 * [1e-9]):
        x = normal(rng, (len(size), len(size))) / 8 + np.eye(len(size))
        yield Sample((x * size,), note="large, columns of very unlike size")
    yield Sample((np.zeros((0, 0)),), note="the empty matrix")


def _rectangular(rng):
    for kind, draw in KINDS.items():
        yield kind, draw(rng, (4, 3))
    for shape in ((3, 4), (3, 3), (2, 4, 2), (2, 1, 2, 3), (1, 1), (0, 3, 2)):
        yield f"{shape}", normal(rng, shape) + 4 * np.eye(*shape[-2:])  # its leading square far from singular


@pinv.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)
    yield Sample((normal(rng, (3, 2)), 1e-3), note="rcond")
    yield Sample((np.diag([rng.uniform(1, 2), rng.uniform(0.01, 0.02), 0.0]), 0.1), note="rcond, and zero")
    yield Sample((complex_normal(rng, (2, 3)),), {"rtol": 1e-3})
    for draw in (normal, complex_normal):
        for shape in ((4, 3), (2, 3, 3), (3, 4)):
            u, _, vh = np.linalg.svd(draw(rng, shape), full_matrices=False)
            x = (u * np.array([3.0, 2.0, 0.3])) @ vh
            yield Sample((x, 0.25), note=f"{draw.__name__}: the cutoff leaves out what is not zero")


def _of_rank_two(rng, draw, *shape):
    """Return a matrix whose singular values beyond the second are far smaller than these, and not zero."""
    u, _, vh = np.linalg.svd(draw(rng, shape), full_matrices=False)
    return np.asarray((u * (2.0, 1.0, 0.02, 0.01)[: u.shape[-1]]) @ vh, u.dtype)


@lstsq.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (4, 2)), draw(rng, (4,))), note=kind)
        yield Sample((draw(rng, (4, 2)), draw(rng, (4, 3))), note=f"several, {kind}")
        yield Sample((draw(rng, (2, 4)), draw(rng, (2,))), note=f"underdetermined, {kind}")
        yield Sample((_matrices(rng, draw, 3, 3), draw(rng, (3, 2))), note=f"square, {kind}")
    for draw in (normal, complex_normal):
        for shape in ((4, 3), (3, 5), (4, 4)):
            yield Sample(
                (_of_rank_two(rng, draw, *shape), draw(rng, shape[:1])), {"rcond": 0.1}, note="rank 2"
            )
        yield Sample((_of_rank_two(rng, draw, 5, 3), draw(rng, (5, 2)), 0.1), note="rank 2")
    for size in 1.0, 2.0:
        a = np.diag([size, 0.5, 0.0])
        yield Sample((a, normal(rng, (3,))), {"rcond": 0.1}, note="exactly of rank 2")
    yield Sample((normal(rng, (4, 2)), complex_normal(rng, (4,))), note="real and complex")
    yield Sample((complex_normal(rng, (4, 2)), single(rng, (4, 2))), note="complex and float32")
    yield Sample((normal(rng, (3, 2)), np.arange(3)), note="integers")
    for left, right in ((1, 1), (1,)), ((3, 0), (3,)), ((0, 3), (0, 2)), ((3, 2), (3, 0)):
        yield Sample((normal(rng, left), normal(rng, right)), note=f"{left}, {right}")
    x = normal(rng, (3, 3))
    yield Sample((x, x), note="the same array twice")


@matrix_rank.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)
    yield Sample((_definite(rng, normal, 3, 3),), {"hermitian": True})
    yield Sample((_of_rank_two(rng, normal, 4, 3), 0.1), note="an absolute limit")
    yield Sample((_of_rank_two(rng, normal, 4, 3),), {"rtol": 0.1}, note="a relative limit")
    yield Sample((normal(rng, (3,)),), note="a vector")


@qr.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)
        yield Sample((x,), {"mode": "r"}, note=kind)
    for shape in (3, 3), (2, 4, 3):
        yield Sample((normal(rng, shape), "complete"), note="complete")
    yield Sample((complex_normal(rng, (3, 1)), "complete"), note="complete")


@eigh.samples
def _(rng):
    for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 2, 2)):
        yield Sample((_definite(rng, normal, *shape),), note=f"{shape}")
        yield Sample((_definite(rng, normal, *shape), "U"), note=f"{shape}")
    for kind, draw in KINDS.items():
        yield Sample((_definite(rng, draw, 3, 3),), note=kind)
    for shape in (3, 3), (3, 2, 2):
        yield Sample((_definite(rng, normal, *shape) * 1e-18,), note="tiny")


def _apart(rng, draw, *shape):
    """Return a stack of matrices whose eigenvalues are real and lie apart, but of complex matrices."""
    x = draw(rng, shape)
    return np.asarray(x / 4 + 3 * np.diag(np.arange(shape[-1])), x.dtype, order="A")


eigvals.samples(_of_stacks(_apart))


@eigvals.samples
def _(rng):
    for kind, draw in KINDS.items():
        turn = np.array([[0, -3], [3, 0]], single(rng).dtype)
        yield Sample((draw(rng, (2, 2)) + turn,), note=f"a conjugate pair, {kind}")


@eig.samples
def _(rng):
    yield Sample((_apart(rng, complex_normal, 2, 1, 3, 3),), note="complex, a stack")
    yield Sample((normal(rng, (2, 2, 2)) + 4 * np.array([[0, 1], [-1, 0]]),), note="complex eigenvalues")
    for shape in ((3, 3), (2, 2, 2), (2, 1, 3, 3), (1, 1), (0, 2, 2)):
        yield Sample((_apart(rng, normal, *shape),), note=f"{shape}")
    for kind, draw in KINDS.items():
        yield Sample((_apart(rng, draw, 3, 3),), note=kind)
    yield Sample((_apart(rng, normal, 2, 3, 3) * 1e-18,), note="tiny")


@svd.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), {"compute_uv": False}, note=kind)
        yield Sample((x, False), note=kind)
    yield Sample((complex_normal(rng, (2, 2, 3)), False), note="complex, a stack")
    yield Sample((normal(rng, (3, 3)),), note="square")
    yield Sample((normal(rng, (2, 2)), True, True), note="square")
    for shape in (3, 2), (2, 2, 3):
        yield Sample((normal(rng, shape),), note="complete")
    yield Sample((complex_normal(rng, (2, 3)),), note="complete")
    for shape in (2, 2), (2, 1):
        yield Sample((normal(rng, shape) * 1e-18, False), note="tiny")


@svdvals.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)


_EVERY_P = (None, 1, 2, 3, 2.5, np.inf, -np.inf, 0, -1)

norm.samples(
    of_one_array(
        *(call((3, 4), order, axis=-1) for order in _EVERY_P),
        call((3, 4), 2, (0,), True),
        call((3,)),
        call((3,), 3),
        call((2, 3, 2)),
        call((3, 2), keepdims=True),
        call((), None),
        call((1,), 1),
        call((0,), 2),
        call((2, 0), axis=1),
    )
)
norm.samples(
    of_one_array(
        *(call((3, 4), order) for order in ("fro", "nuc", None, 1, -1, 2, -2, np.inf, -np.inf)),
        call((2, 3, 4), 1, (2, 0)),
        call((2, 3, 4), "nuc", axis=(-1, 0), keepdims=True),
        call((2, 3, 4), axis=(0, 1)),
        call((1, 1), 2),
    )
)
vector_norm.samples(
    of_one_array(
        *(call((3, 4), axis=-1, ord=order) for order in _EVERY_P[1:]),
        call((2, 3, 2)),
        call((2, 3, 2), axis=(0, 2), keepdims=True),
        call((2, 3), keepdims=True, ord=1),
    )
)
matrix_norm.samples(
    of_one_array(
        *(call((2, 3, 4), ord=order) for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
        call((3, 4), keepdims=True),
    )
)
power_norm.samples(
    of_one_array(
        call((3, 4), p=2, axis=(0, 1)),
        call((3, 4), p=3, axis=(1,)),
        call((3, 4), p=2.5, axis=(-2,), keepdims=True),
        call((3,), p=2, axis=()),
        call((3, 4), p=1.5, axis=(0,)),
        call((3,), p=-1, axis=(0,)),
        call((0, 2), p=2, axis=(0,)),
    )
)


@nuclear_norm.samples
def _(rng):
    yield Sample((np.linalg.qr(complex_normal(rng, (4, 3))).Q,), note="equal singular values")


@nuclear_norm.samples
@polar_factor.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)
    yield Sample((complex_normal(rng, (2, 3, 4)),), note="complex, a stack")
    for shape in (0, 2), (2, 0), (0, 0):
        yield Sample((np.zeros(shape),), note=f"{shape}")


@norm.samples
@vector_norm.samples
def _(rng):
    x = normal(rng, (3, 4))
    x[1] = 0
    for order in (2, 3, 1.5):
        yield Sample((x,), {"ord": order, "axis": 1}, note="zero: a kink")
    yield Sample((x[0] * np.array([1, 0, 1, 0]),), {"ord": 3}, note="zeros in a vector")


@cond.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((_matrices(rng, draw, 3, 3),), note=kind)
    for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"):
        yield Sample((_matrices(rng, normal, 2, 2, 2),), {"p": p})
    yield Sample((normal(rng, (3, 2)),), note="rectangular")


@multi_dot.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample(([draw(rng, (2, 3)), draw(rng, (3, 4)), draw(rng, (4, 2))],), note=kind)
    yield Sample(
        ([normal(rng, (3,)), normal(rng, (3, 2)), complex_normal(rng, (2,))],), note="vectors at the ends"
    )
    yield Sample(
        ([normal(rng, (1, 2)), np.ones((2, 2)), normal(rng, (2, 3)), normal(rng, (3, 1))],), note="four"
    )
    yield Sample(([normal(rng, (2, 3)), normal(rng, (3,))],), note="two")
    x = normal(rng, (2, 2))
    yield Sample(([x, x, x],), note="the same array again")


@tensorsolve.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((_matrices(rng, draw, 6, 6).reshape(2, 3, 6), draw(rng, (2, 3))), note=kind)
    yield Sample((_matrices(rng, normal, 6, 6).reshape(6, 3, 2), normal(rng, (6,))))
    yield Sample(
        (np.moveaxis(_matrices(rng, normal, 6, 6).reshape(2, 3, 6), -1, 0), normal(rng, (2, 3)), (0,)),
        note="axes",
    )


@tensorinv.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((_matrices(rng, draw, 6, 6).reshape(2, 3, 6),), note=kind)
    yield Sample((_matrices(rng, normal, 6, 6).reshape(6, 3, 2), 1), note="ind")
    yield Sample((_matrices(rng, normal, 4, 4).reshape(2, 2, 2, 2),))


matmul.samples(of_two_arrays(((2, 3), (3, 4)), ((5, 2, 3), (3, 1)), ((3,), (3, 2)), square=(3, 3)))
outer.samples(of_two_arrays(((3,), (4,)), ((1,), (2,)), ((0,), (2,))))
cross.samples(of_two_arrays(((2, 3), (2, 3)), ((3,), (4, 3))))
cross.samples(of_two_arrays(((3, 2), (3, 2)), axis=0))
vecdot.samples(of_two_arrays(((2, 3), (3,)), ((3,), (3,))))
vecdot.samples(of_two_arrays(((3, 2), (3, 1)), axis=-2))
tensordot.samples(of_two_arrays(((2, 3, 4), (3, 4, 2)), square=(2, 3)))
tensordot.samples(of_two_arrays(((2, 3), (3, 2)), square=(3, 3), axes=([1], [0])))
diagonal.samples(
    of_one_array(call((2, 3, 4)), call((3, 2), offset=-1), call((2, 3, 4), offset=2), call((0, 2)))
)
trace.samples(
    of_one_array(call((2, 3, 4)), call((3, 2), offset=-1), call((2, 2), dtype=np.complex128), call((0, 2)))
)


# -------------------------------------------------------------------------------------------- what no sample need show
_TWICE = "it occurs twice, and the signs cancel"
_SQUARE = "a square matrix has as many rows as columns"
_SHORT = "a short way; the long one is right too"
_LINEAR = "a linear function has the same transpose everywhere"
_IN_DOUBLE = "cofactors by pivots are computed in double precision, as NumPy computes determinants"
_LIMIT = "it moves a limit among values whose differences are rounding"
_NO_SAMPLE = (
    "where values are equal, or singular ones 0, their vectors have no derivative: no sample, but what the others then "
    "have has tests"
)
_NO_MATRIX = "it makes a difference to a matrix of zeros alone, whose singular vectors have no derivative"

for _function, _helper in (
    (qr, "_require_full_rank"),
    (qr, "_require_full_rank(stop_gradient(square))"),
    (eig, "_require_independent"),
    (eig, "_require_independent(v)"),
    (eigvals, "_require_independent"),
    (eigvals, "_require_independent(v)"),
):
    _function.waive_mutant(
        "*", f"{_helper} -> ...", "it refuses singular points, which samples are not; it has a test"
    )
for _function in inv, eig, eigvals:
    _function.waive_mutant("a", "np.swapaxes(x, -1, -2) -> -np.swapaxes(x, -1, -2)", _TWICE)
for _change, _reason in {
    "_has_good_inverse -> ...": "both ways are right where a matrix is regular; which is more exact has tests",
    "_pivoted -> ...": "whatever makes the matrix diagonal gives the same adjugate, more or less exactly",
    "_rounds -> ...": "whichever pivots go together, the adjugate is the same, more or less exactly",
    "np.matmul(a, adjugate) -> np.matmul(adjugate, a)": "a matrix commutes with its adjugate",
    "n - 1 -> ...": "the sign is the same",
    "n < 2 or not np.size(a) -> ...": _SHORT,
    "-1 -> -2": _SQUARE,
    "plain.astype(double) -> plain": _IN_DOUBLE,
    "one.astype(double) -> one": _IN_DOUBLE,
    "np.eye(np.shape(a)[-1], dtype=pivots.dtype) -> np.eye(np.shape(a)[-1])": _IN_DOUBLE,
    "np.eye(np.shape(a)[-1] - k, dtype=stop_gradient(a).dtype) -> np.eye(np.shape(a)[-1] - k)": _IN_DOUBLE,
    "np.eye(n, dtype=stop_gradient(a).dtype) -> np.eye(n)": _IN_DOUBLE,
    "sign[:, None, None].astype(pivots.real.dtype) -> sign[:, None, None]": _IN_DOUBLE,
    "_times_power -> ...": "powers of two keep from overflow, which has a test",
    "exponents // 2 -> ...": "powers of two may be shared out in any way, unless one overflows, which has a test",
    "det_first * det_c -> ...": "of far smaller pivots than a sample resolves beside the other cofactors: it has "
    "a test",
    "a[:, k:, k:] - np.matmul(behind, a[:, :k, k:]) -> ...": "it shows in third derivatives, which have a test",
}.items():
    det.waive_mutant("a", _change, _reason)
_LOST = "first derivatives lose in rounding what is added of values so small; second ones have tests"
for _change, _reason in {
    "np.real(np.sum(plain * _transposed(inverse), axis=(-2, -1))) -> np.sum(plain * _transposed(inverse), "
    "axis=(-2, -1))": "the trace of a projector is real, to rounding",
    "kept.all() or not _counts(np.linalg.svd(plain, compute_uv=False), ~kept) -> ...": _SHORT,
    "_counts -> ...": _LOST,
    "~kept -> kept": _SHORT,
    "np.rint(np.real(np.sum(plain * _transposed(inverse), axis=(-2, -1)))[..., None]) -> ...": "the trace of a "
    "projector is a whole number, to rounding",
    "np.zeros_like(plain) -> np.ones_like(plain)": _LINEAR,
    "0 * one -> ...": "it is zero, of whatever type",
}.items():
    pinv.waive_mutant("a", _change, _reason)
for _change, _reason in {
    "_cutoff -> ...": "any limit between the last value kept and the next will do; extreme ones have tests",
    "_counts -> ...": _LOST,
    "np.zeros_like(stop_gradient(a)) -> np.ones_like(stop_gradient(a))": _LINEAR,
    "-1 -> 1": "a matrix has no more than two axes",
    "is_zero -> ...": _SHORT,
    "np.where(mixed, np.where(kept[..., :, None], s[..., :, None], s[..., None, :]), one) -> "
    "np.where(kept[..., :, None], s[..., :, None], s[..., None, :])": "any number will do in the place of what is "
    "masked out",
    "0 * one -> ...": "it is zero, of whatever type",
}.items():
    lstsq.waive_mutant("*", _change, _reason)
cholesky.waive_mutant("a", "-1 -> -2", _SQUARE)
for _change in "_hermitian(t) -> t", "_hermitian(inner) -> inner":
    cholesky.waive_mutant("a", _change, "the other of the two makes it Hermitian")
eigvalsh.waive_mutant(
    "a", "_hermitian(t) -> t", "the real part of v^H t v is that of the Hermitian part of t"
)
for _change, _reason in {
    "np.shape(a)[-1] > k -> np.shape(a)[-1] >= k": "it then joins on nothing",
    "np.eye(k, dtype=m.real.dtype) -> np.eye(k)": "in double precision it is as right, and the result is fitted to the "
    "argument",
    "np.zeros_like(stop_gradient(a)) -> np.ones_like(stop_gradient(a))": _LINEAR,
}.items():
    qr.waive_mutant("a", _change, _reason)
eig.waive_mutant("a", "is_zero -> ...", _SHORT)
for _function in eig, eigh, svd:
    _function.waive_mutant(
        "a",
        "np.ones_like(stop_gradient(x)) -> np.zeros_like(stop_gradient(x))",
        "any number will do in the place of what is masked out",
    )
    for _change in (
        "is_traced(g) or np.any(g, axis=across) -> ...",
        "np.any(g, axis=across) -> ...",
    ):
        _function.waive_mutant("a", _change, _NO_SAMPLE)
for _function in eigh, svd:
    for _change, _reason in {
        "np.abs(stop_gradient(difference)) <= least -> np.abs(stop_gradient(difference)) < least": _NO_MATRIX,
        "np.max(size, axis=-2, keepdims=True, initial=0) -> np.max(size, keepdims=True, initial=0)": "beside a matrix "
        "larger by 10**16 finite differences resolve nothing of a small one, but it has a test",
        "np.max(size, axis=-2, keepdims=True, initial=0) -> np.max(size, axis=-2, keepdims=True)": "of an empty matrix "
        "there is nothing to compare, but it has a test",
        "np.shape(values)[-1] * np.finfo(size.dtype).eps -> np.finfo(size.dtype).eps": _LIMIT,
        "np.max(size, axis=-2, keepdims=True, initial=0) -> np.min(size, axis=-2, keepdims=True, initial=0)": _LIMIT,
        "np.atleast_1d(asked)[..., None, :] & other -> other": _NO_SAMPLE,
    }.items():
        _function.waive_mutant("a", _change, _reason)
for _change in "_gaps", "np.where(zero, np.where(asked, np.nan, 0.0).astype(inverse.dtype), inverse)", "0.0":
    eig.waive_mutant(
        "a", f"{_change} -> ...", "of a vector's tangent the part along the vector is taken away"
    )
eig.waive_mutant(
    "a",
    "np.where(asked, np.nan, 0.0).astype(inverse.dtype) -> np.where(asked, np.nan, 0.0)",
    "NumPy promotes it",
)
eig.waive_mutant("a", "np.zeros_like(stop_gradient(a)) -> np.ones_like(stop_gradient(a))", _LINEAR)
for _change, _reason in {
    "not compute_uv or (is_zero(g[0]) and is_zero(g[2])) -> not compute_uv": _SHORT,
    "np.zeros((*np.shape(u)[:-1], np.shape(vh)[-1]), stop_gradient(u).dtype) -> "
    "np.ones((*np.shape(u)[:-1], np.shape(vh)[-1]), stop_gradient(u).dtype)": _LINEAR,
    "m > n -> m >= n": "of a square matrix nothing lies beyond",
    "n > m -> n >= m": "of a square matrix nothing lies beyond",
    "np.abs(stop_gradient(values)) -> stop_gradient(values)": "singular values are not negative",
    "stop_gradient(s) <= _rounding_of(*factors) -> stop_gradient(s) < _rounding_of(*factors)": _NO_MATRIX,
}.items():
    svd.waive_mutant("a", _change, _reason)
for _change in (
    "max(rows, columns) * np.finfo(s.dtype).eps -> np.finfo(s.dtype).eps",
    "max(rows, columns) -> min(rows, columns)",
):
    svd.waive_mutant("a", _change, _LIMIT)
svd.waive_mutant("a", "total + np.equal(total, 0) -> ...", _NO_SAMPLE)
svd.waive_mutant("a", "0 -> 1", _NO_SAMPLE)
svd.waive_mutant(
    "a",
    "max(rows, columns) * np.finfo(s.dtype).eps * s[..., :1] -> "
    "-(max(rows, columns) * np.finfo(s.dtype).eps * s[..., :1])",
    _NO_SAMPLE,
)
for _change in (
    "_rounding_of",
    "stop_gradient(s) > _rounding_of(u, s, vh)",
    "np.ones_like(stop_gradient(s))",
    "kept.astype(one.dtype)",
    "kept.astype(s.dtype)",
    "np.where(kept, s, one)",
    "stop_gradient(s) <= _rounding_of(*factors)",
    "np.where(zero, np.ones_like(stop_gradient(x)), x)",
    "np.ones_like(stop_gradient(x))",
    "np.where(zero, np.where(asked, np.nan, 0.0).astype(inverse.dtype), inverse)",
    "np.where(asked, np.nan, 0.0)",
    "0.0",
    "False",
    "u * np.expand_dims(mask, -2)",
    "v * np.expand_dims(mask, -2)",
):
    polar_factor.waive_mutant(
        "*",
        f"{_change} -> ...",
        "where values are left out it jumps: no sample, but the nuclear norm has tests there",
    )
for _change in "u -> -u", "vh -> -vh":
    polar_factor.waive_mutant("*", _change, _TWICE)
power_norm.waive_mutant(
    "x",
    "_power_norm_gradient -> ...",
    "at a zero any subgradient is right; that it is 0 is a convention with a test",
)
for _function in cholesky, eigh, eigvalsh:
    _function.waive_mutant(
        "*",
        "len(shape) < 2 or shape[-1] != shape[-2] -> ...",
        "it decides what is refused, not what is computed",
    )
for _function in eig, eigh, eigvalsh:
    _function.waive_mutant("*", "-1 -> -2", _SQUARE)
eigh.waive_mutant("a", "-1 -> 1", "of a diagonal matrix rows and columns are alike")
eigh.waive_mutant("a", "np.abs(stop_gradient(values)) -> stop_gradient(values)", _LIMIT)
for _function in cholesky, eigh, eigvalsh:
    _function.waive_mutant("a", "_square(x) -> x", "it decides what is refused, not what is computed")
for _function in eigh, eigvalsh, svd:
    _function.waive_mutant("a", "_of_distinct -> ...", OF_DISTINCT)
eigh.waive_mutant("a", "_of_distinct(of_values, w) -> of_values", OF_DISTINCT)
eigvalsh.waive_mutant("a", "_differences -> ...", OF_DISTINCT)
eigvalsh.waive_mutant("a", "_of_distinct(g, out) -> g", OF_DISTINCT)
for _change in (
    "_beside_no_value -> ...",
    "_of_distinct(g[1] if compute_uv else g, s, _beside_no_value(*residual)) -> g[1] if compute_uv else g",
):
    svd.waive_mutant("a", _change, OF_DISTINCT)
