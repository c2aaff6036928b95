"""Linear algebra of SciPy: functions of matrices, and of stacks of them where the installed SciPy takes stacks.

The formulas are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and for functions of matrices those of Higham, "Functions of Matrices" (2008), without
conjugates: they hold for complex matrices as they stand. A function that reads one triangle of a symmetric or Hermitian
matrix is differentiated as a function of the symmetric or Hermitian part of its argument, (a + a^H) / 2: the cotangent
is symmetric, whichever triangle is read. Of a triangular or banded matrix only what is read has a derivative.

``overwrite_a`` and the like allow SciPy to use memory again; traced values are never overwritten. ``check_finite`` says
whether what is no number is refused, of values and not of their derivatives.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import partial

import numpy as np
import scipy

from opreg import NotDifferentiable, Primitive, Sample, composite, hookimpl, primitive, stop_gradient
from opreg_numpy._form import like
from opreg_numpy._rules import declared, is_zero
from opreg_numpy._samples import KINDS, complex_normal, normal, single
from opreg_numpy.linalg import (
    OF_DISTINCT,
    _above_zeros,
    _adjoint,
    _asked,
    _completed,
    _diagonal,
    _first_columns,
    _first_rows,
    _gaps,
    _halved_lower,
    _hermitian,
    _matrices_of,
    _of_distinct,
    _svd_cotangent,
    _svd_tangent,
    _thin_qr_tangent,
    _transposed,
    _transposed_qr_tangent,
    by_pairs,
    by_projectors,
    without_completion,
)
from opreg_numpy.shapes import as_array, asarray

STACKS = np.lib.NumpyVersion(scipy.__version__) >= "1.17.0"
"""Whether all functions of SciPy take stacks of matrices; of older versions some do."""


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "scipy.linalg.", "opreg_scipy.linalg.")


# --------------------------------------------------------------------------------- right sides and what is read
def _columns(x, b):
    """x as a stack of matrices; for a right side b of one dimension it is a stack of vectors"""
    return np.expand_dims(x, -1) if np.ndim(b) == 1 else x


def _back(x, b):
    """What `_columns` was given"""
    return np.squeeze(x, -1) if np.ndim(b) == 1 else x


def _outer(u, x, b):
    """u x^T, summed over right sides"""
    return np.matmul(_columns(u, b), _transposed(_columns(x, b)))


def _times(m, x, b):
    """m x"""
    return _back(np.matmul(m, _columns(x, b)), b)


def _is_square(x):
    shape = np.shape(x)
    return (shape[-2:-1] == shape[-1:]) & (len(shape) > 1)


def _square(x):
    """x, a square matrix or a stack of them"""
    if not _is_square(x):
        raise ValueError(f"expected a square matrix, not an array of shape {np.shape(x)}")
    return x


_HERMITIAN = ("pos", "positive definite", "her", "hermitian")
_SYMMETRIC = ("sym", "symmetric")


def _part(x, assume_a):
    """What is read of a matrix of this structure; the transpose of this map is the map itself"""
    if assume_a in _HERMITIAN:
        return _hermitian(x)
    if assume_a in _SYMMETRIC:
        return (x + _transposed(x)) / 2
    if assume_a == "diagonal":
        return np.triu(np.tril(x))
    if assume_a == "tridiagonal":
        return np.triu(np.tril(x, 1), -1)
    if assume_a == "upper triangular":
        return np.triu(x)
    return np.tril(x) if assume_a == "lower triangular" else x


_ACROSS = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}
"""The structure of a transpose, where it is another"""


def _given(**options):
    """The options that are given: older versions of SciPy lack some."""
    return {name: value for name, value in options.items() if value is not None}


# ------------------------------------------------------------------------------------------------------ solving
@primitive("scipy.linalg.solve")
def solve(a, b, /, *, assume_a=None, lower=False, transposed=False):
    """x with a x = b, or a^T x = b if ``transposed``; b is one vector if it has one dimension

    ``assume_a`` says what is read of a: its symmetric or Hermitian part, a triangle, the diagonal, three diagonals.
    """
    return scipy.linalg.solve(
        _part(_square(a), assume_a), b, lower=lower, transposed=transposed, **_given(assume_a=assume_a)
    )


@solve.called_as
def _(
    a,
    b,
    lower=False,
    overwrite_a=False,
    overwrite_b=False,
    check_finite=True,
    assume_a=None,
    transposed=False,
):
    a, b = np.atleast_2d(as_array(a)), as_array(b)
    if np.ndim(b) and np.shape(b)[-2:][0] != np.shape(a)[-1]:
        raise ValueError(f"incompatible shapes: a has shape {np.shape(a)}, b has shape {np.shape(b)}")
    return (a, np.atleast_1d(b)), {"assume_a": assume_a, "lower": lower, "transposed": transposed}


def _solve_cotangents(g, out, a, b, assume_a, lower, transposed, needed):
    """u = a^-T g for b, and what is read of -u x^T for a"""
    m, across = _part(a, assume_a), assume_a
    if not transposed:
        m, across = _transposed(m), _ACROSS.get(assume_a, assume_a)
    u = _back(solve.bind(m, _columns(g, b), assume_a=across, lower=lower, transposed=False), b)
    if not needed[0]:
        return None, like(u, b)
    found = _outer(out, u, b) if transposed else _outer(u, out, b)
    return _part(like(-found, a), assume_a), like(u, b)


def _solve_tangent_a(t, out, a, b, assume_a, lower, transposed):
    """-a^-1 t x"""
    t = _part(t, assume_a)
    moved = np.matmul(_transposed(t) if transposed else t, _columns(out, b))
    return -_back(solve.bind(a, moved, assume_a=assume_a, lower=lower, transposed=transposed), b)


def _solve_tangent_b(t, a, b, assume_a, lower, transposed):
    return solve.bind(a, t, assume_a=assume_a, lower=lower, transposed=transposed)


solve.defvjp(_solve_cotangents).defjvp(a=_solve_tangent_a, b=_solve_tangent_b)


@primitive("scipy.linalg.solve_triangular")
def solve_triangular(a, b, /, *, trans=0, lower=False, unit_diagonal=False):
    """x with a x = b, a^T x = b (``trans=1``) or a^H x = b (2), of a the one triangle

    With ``unit_diagonal`` the diagonal is taken to be 1 and does not count: its derivative is zero.
    """
    return scipy.linalg.solve_triangular(a, b, trans, lower, unit_diagonal)


@solve_triangular.called_as
def _(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans not in (0, 1, 2):
        raise ValueError(f"scipy.linalg.solve_triangular: trans is 0, 1, 2, 'N', 'T' or 'C', not {trans!r}")
    return (a, b), {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}


def _triangle(x, lower, unit_diagonal):
    k = 1 if unit_diagonal else 0
    return np.tril(x, -k) if lower else np.triu(x, k)


def _triangular_cotangents(g, out, a, b, trans, lower, unit_diagonal, needed):
    """u = a^-T g for b, and the triangle of -u x^T for a"""
    options = {"lower": lower, "unit_diagonal": unit_diagonal}
    g = _columns(g, b)
    if trans == 2:
        u = np.conj(solve_triangular.bind(a, np.conj(g), **options))
    else:
        u = solve_triangular.bind(a, g, trans=1 - trans, **options)
    u = _back(u, b)
    if not needed[0]:
        return None, like(u, b)
    found = _outer(out, u, b) if trans else _outer(u, out, b)
    if trans == 2:
        found = np.conj(found)
    return like(-_triangle(found, lower, unit_diagonal), a), like(u, b)


def _triangular_tangent_a(t, out, a, b, trans, lower, unit_diagonal):
    """-a^-1 t x"""
    t = _triangle(t, lower, unit_diagonal)
    moved = np.matmul((t, _transposed(t), _adjoint(t))[trans], _columns(out, b))
    return -_back(solve_triangular.bind(a, moved, trans=trans, lower=lower, unit_diagonal=unit_diagonal), b)


def _triangular_tangent_b(t, a, trans, lower, unit_diagonal):
    return solve_triangular.bind(a, t, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


solve_triangular.defvjp(_triangular_cotangents)
solve_triangular.defjvp(a=_triangular_tangent_a, b=_triangular_tangent_b)


@primitive("scipy.linalg.solve_banded")
def solve_banded(ab, b, /, *, l_and_u):
    """x with a x = b, where a has l diagonals below and u above the main one, in rows: ab[u + i - j, j] = a[i, j]"""
    return scipy.linalg.solve_banded(l_and_u, ab, b)


@solve_banded.called_as
def _(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    below, above = l_and_u
    return (ab, b), {"l_and_u": (int(below), int(above))}


def _places(n, above, count):
    """The row of a in which each element of so many diagonals lies, and whether there is such a row."""
    rows = np.arange(n) + np.arange(count)[:, None] - above
    inside = (rows >= 0) & (rows < n)
    return np.where(inside, rows, 0), inside


def _band_transposed(ab, l_and_u):
    """The diagonals of a^T, as rows"""
    below, above = l_and_u
    count = below + above + 1
    columns, inside = _places(np.shape(ab)[-1], below, count)
    return np.where(inside, ab[..., np.arange(count)[::-1, None], columns], 0.0)


def _banded_cotangents(g, out, ab, b, l_and_u, needed):
    """u = a^-T g for b, and the diagonals of -u x^T for ab"""
    below, above = l_and_u
    u = solve_banded.bind(_band_transposed(ab, l_and_u), _columns(g, b), l_and_u=(above, below))
    if not needed[0]:
        return None, like(_back(u, b), b)
    x = np.expand_dims(_columns(out, b), -3)
    rows, inside = _places(np.shape(ab)[-1], above, below + above + 1)
    found = np.where(inside, -np.sum(u[..., rows, :] * x, axis=-1), 0.0)
    return like(found, ab), like(_back(u, b), b)


def _banded_tangent_ab(t, out, ab, b, l_and_u):
    """-a^-1 t x"""
    below, above = l_and_u
    columns, _ = _places(np.shape(ab)[-1], below, below + above + 1)
    diagonals = np.expand_dims(_band_transposed(t, l_and_u), -1)
    moved = np.sum(diagonals * _columns(out, b)[..., columns, :], axis=-3)
    return -_back(solve_banded.bind(ab, moved, l_and_u=l_and_u), b)


solve_banded.defvjp(_banded_cotangents)
solve_banded.defjvp(ab=_banded_tangent_ab, b=lambda t, ab, l_and_u: solve_banded.bind(ab, t, l_and_u=l_and_u))


# --------------------------------------------------------------------------------------------- matrix equations
def _of_one_kind(*matrices):
    """Real matrices beside complex ones as complex: of a mixture SciPy solves another equation."""
    if any(np.iscomplexobj(m) for m in matrices):
        return tuple(np.asarray(m) * np.complex64(1) for m in matrices)
    return matrices


def _require_solved(residual, q):
    """Raise where SciPy changed the coefficients of a singular equation: what it returns is no solution."""
    if np.any(np.abs(residual).sum((-2, -1)) > 1e-2 * np.abs(q).sum((-2, -1))):
        raise np.linalg.LinAlgError(_SINGULAR)


_SINGULAR = "the equation is singular: its eigenvalues cancel in pairs"


def _is_enlarged(residual, size):
    """Tell whether SciPy changed the coefficients: whether an element of the residual is larger than rounding.

    It enlarges a sum of two eigenvalues that is small beside the largest, also where nothing cancels in it.
    """
    return np.any(np.abs(residual) > np.sqrt(np.finfo(residual.dtype).eps) * size)


def _by_columns(a, b, q):
    """x with a x + x b = q, a column of Schur's triangles after the other: no sum of eigenvalues is enlarged"""
    (r, u), (s, v) = (scipy.linalg.schur(m, "complex") for m in (a, b))
    values, others = np.diag(r)[:, None], np.diag(s)
    epsilon = np.finfo(r.dtype).eps
    if np.any(np.abs(values + others) <= 10 * len(a) * epsilon * (np.abs(values) + np.abs(others))):
        raise np.linalg.LinAlgError(_SINGULAR)
    due = np.conj(u.T) @ q @ v
    y = np.zeros_like(due)
    for j, value in enumerate(others):
        y[:, j] = scipy.linalg.solve_triangular(r + value * np.eye(len(r)), due[:, j] - y @ s[:, j])
    x = u @ y @ np.conj(v.T)
    return x if np.iscomplexobj(q) else np.real(x)


@primitive("scipy.linalg.solve_sylvester")
def solve_sylvester(a, b, q, /):
    """x with a x + x b = q; where an eigenvalue of a is one of -b there is no such x, or many, and it is refused"""
    if not (_is_square(a) and _is_square(b) and np.shape(q)[-2:] == (np.shape(a)[-1], np.shape(b)[-1])):
        raise ValueError(
            f"solve_sylvester: the shapes {np.shape(a)}, {np.shape(b)} and {np.shape(q)} do not fit together"
        )
    if not (np.size(a) and np.size(b) and np.size(q)):
        stack = np.broadcast_shapes(*(np.shape(m)[:-2] for m in (a, b, q)))
        return np.zeros(stack + np.shape(q)[-2:], np.result_type(a, b, q, np.float32))
    a, b, q = _of_one_kind(a, b, q)
    x = scipy.linalg.solve_sylvester(a, b, q)
    residual = np.matmul(a, x) + np.matmul(x, b) - q
    if _is_enlarged(residual, np.matmul(np.abs(a), np.abs(x)) + np.matmul(np.abs(x), np.abs(b)) + np.abs(q)):
        x = np.vectorize(_by_columns, signature="(n,n),(m,m),(n,m)->(n,m)")(a, b, q)
        residual = np.matmul(a, x) + np.matmul(x, b) - q
    _require_solved(residual, q)
    return x


def _sylvester_cotangents(g, out, a, b):
    """u with a^T u + u b^T = g for q, -u x^T for a, -x^T u for b"""
    u = solve_sylvester.bind(_transposed(a), _transposed(b), g)
    return like(-np.matmul(u, _transposed(out)), a), like(-np.matmul(_transposed(out), u), b), u


def _with_q(rule):
    """A joint rule that fits the last cotangent too."""
    return lambda g, out, a, b, q: (*(found := rule(g, out, a, b))[:2], like(found[2], q))


solve_sylvester.defvjp(_with_q(_sylvester_cotangents))
solve_sylvester.defjvp(
    a=lambda t, out, a, b: -solve_sylvester.bind(a, b, np.matmul(t, out)),
    b=lambda t, out, a, b: -solve_sylvester.bind(a, b, np.matmul(out, t)),
    q=lambda t, a, b: solve_sylvester.bind(a, b, t),
)


@primitive("scipy.linalg.solve_continuous_lyapunov", aliases=("scipy.linalg.solve_lyapunov",))
def solve_continuous_lyapunov(a, q, /):
    """x with a x + x a^H = q; refused as `solve_sylvester` where an eigenvalue of a is one of -a^H"""
    x = scipy.linalg.solve_continuous_lyapunov(*_of_one_kind(a, q))
    _require_solved(np.matmul(a, x) + np.matmul(x, _adjoint(a)) - q, q)
    return x


def _continuous_cotangents(g, out, a, q):
    """u with a^T u + u conj(a) = g for q, and -u x^T - conj(u^T x) for a"""
    u = solve_continuous_lyapunov.bind(_transposed(a), g)
    found = np.matmul(u, _transposed(out)) + np.conj(np.matmul(_transposed(u), out))
    return like(-found, a), like(u, q)


def _continuous_tangent_a(t, out, a):
    """The solution for -(t x + x t^H)"""
    return -solve_continuous_lyapunov.bind(a, np.matmul(t, out) + np.matmul(out, _adjoint(t)))


solve_continuous_lyapunov.defvjp(_continuous_cotangents)
solve_continuous_lyapunov.defjvp(a=_continuous_tangent_a, q=lambda t, a: solve_continuous_lyapunov.bind(a, t))


@primitive("scipy.linalg.solve_discrete_lyapunov")
def solve_discrete_lyapunov(a, q, /, *, method=None):
    """x with a x a^H - x + q = 0"""
    if np.shape(_square(a))[-2:] != np.shape(_square(q))[-2:]:
        raise ValueError("Matrix a and q should have the same shape.")
    return scipy.linalg.solve_discrete_lyapunov(*_of_one_kind(a, q), method)


def _discrete_cotangents(g, out, a, q, method):
    """u with a^T u conj(a) - u + g = 0 for q, and u (x a^H)^T + conj(u^T a x) for a"""
    u = solve_discrete_lyapunov.bind(_transposed(a), g, method=method)
    found = np.matmul(u, _transposed(np.matmul(out, _adjoint(a))))
    found = found + np.conj(np.matmul(_transposed(u), np.matmul(a, out)))
    return like(found, a), like(u, q)


def _discrete_tangent_a(t, out, a, method):
    """The solution for t x a^H + a x t^H"""
    moved = np.matmul(np.matmul(t, out), _adjoint(a)) + np.matmul(a, np.matmul(out, _adjoint(t)))
    return solve_discrete_lyapunov.bind(a, moved, method=method)


solve_discrete_lyapunov.defvjp(_discrete_cotangents)
solve_discrete_lyapunov.defjvp(
    a=_discrete_tangent_a, q=lambda t, a, method: solve_discrete_lyapunov.bind(a, t, method=method)
)


# -------------------------------------------------------------------------------------------- matrix functions
def _over_stack(function, *matrices):
    """Apply a function of matrices to each of a stack."""
    stack = np.broadcast_shapes(*(np.shape(m)[:-2] for m in matrices))
    spread = [np.broadcast_to(m, stack + np.shape(m)[-2:]) for m in matrices]
    out = np.empty(spread[0].shape, np.result_type(*matrices))
    for place in np.ndindex(stack):
        out[place] = function(*(m[place] for m in spread))
    return out


def _refuse_half(a):
    if stop_gradient(a).dtype == np.float16:
        raise TypeError("array type float16 is unsupported in linalg: use .astype(np.float32)")


@primitive("scipy.linalg.expm")
def expm(a, /):
    """The exponential of a matrix, the sum of a^k / k!"""
    _refuse_half(a)
    return scipy.linalg.expm(a)


@expm.called_as
def _(A):
    A = as_array(A)
    return (np.reshape(A, (1, 1)) if np.ndim(A) < 2 and np.size(A) == 1 else A,), {}


@primitive("opreg_scipy.linalg.exponential_moved")
def exponential_moved(a, e, /):
    """The Fréchet derivative of the exponential at a in the direction e

    Source: Al-Mohy and Higham, "Computing the Fréchet derivative of the matrix exponential, with an application to
    condition number estimation" (2009).
    """
    if not (_is_square(a) and _is_square(e)):
        raise ValueError(f"expected square matrices, not arrays of shapes {np.shape(a)} and {np.shape(e)}")
    if not np.size(a) or not np.size(e):
        return np.zeros(np.broadcast_shapes(np.shape(a), np.shape(e)), np.result_type(a, e))
    return _over_stack(_exponential_moved, *_of_one_kind(a, e))


def _exponential_moved(a, e):
    """It is linear in e, which is scaled to the size of one: SciPy's sums of a huge direction overflow."""
    size = np.max(np.abs(e))
    if not (np.isfinite(size) and size and np.all(np.isfinite(a))):
        return np.full_like(e, 0 * size * np.sum(0 * a))
    size = size.dtype.type(2.0) ** np.floor(np.log2(size))
    return scipy.linalg.expm_frechet(a, e / size, compute_expm=False, check_finite=False) * size


expm.defvjp(a=lambda g, a: exponential_moved.bind(_transposed(a), g))
expm.defjvp(a=lambda t, a: exponential_moved.bind(a, t))


def _moved_twice(a, e, t):
    """The second derivative in the directions e and t: a corner of the first at [[a, e], [0, a]]

    Source: Higham and Relton, "Higher order Fréchet derivatives of matrix functions and the level-2 condition number"
    (2014).
    """
    stack = np.broadcast_shapes(np.shape(a), np.shape(e), np.shape(t))
    a, e, t = (m if np.shape(m) == stack else np.broadcast_to(m, stack) for m in (a, e, t))
    n, nothing = stack[-1], 0 * a
    double = np.concatenate([np.concatenate([a, e], -1), np.concatenate([nothing, a], -1)], -2)
    along = np.concatenate([np.concatenate([t, nothing], -1), np.concatenate([nothing, t], -1)], -2)
    return exponential_moved.bind(double, along)[..., :n, n:]


exponential_moved.defvjp(
    a=lambda g, a, e: like(_moved_twice(_transposed(a), _transposed(e), g), a),
    e=lambda g, a, e: like(exponential_moved.bind(_transposed(a), g), e),
)
exponential_moved.defjvp(
    a=lambda t, a, e: _moved_twice(a, e, t),
    e=lambda t, a: exponential_moved.bind(a, t),
)


@composite("scipy.linalg.expm_frechet", static=("method",))
def expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    """The exponential of A and its Fréchet derivative in the direction E; that alone without ``compute_expm``"""
    if method not in (None, "SPS", "blockEnlarge"):
        raise ValueError(f"Unknown implementation {method}")
    A, E = (asarray.body(x) for x in (A, E))
    A, E = (x.astype(np.result_type(stop_gradient(x), np.float64)) for x in (A, E))
    moved = exponential_moved(A, E)
    return (expm(A), moved) if compute_expm else moved


def _ordinary(x):
    """x in double precision, where older versions of SciPy return it in extended precision"""
    return x.astype(np.complex128) if x.dtype == np.clongdouble else x


def _require_regular(a, name):
    """Raise if a matrix is singular to rounding, with its rows and columns brought to the same size."""
    a = stop_gradient(a)
    if np.size(a):
        for axis in -1, -2:
            size = np.max(np.abs(a), axis=axis, keepdims=True)
            a = a / np.where(size > 0, size, 1).astype(size.dtype)
        s = np.linalg.svd(a, compute_uv=False)
        if np.any(s[..., -1] <= np.shape(a)[-1] * np.finfo(s.dtype).eps * s[..., 0]):
            raise np.linalg.LinAlgError(f"scipy.linalg.{name} has no derivative at a singular matrix")


@primitive("scipy.linalg.sqrtm")
def sqrtm(a, /):
    """x, the principal square root of a: x x = a. Of a singular matrix it has no derivative"""
    _refuse_half(a)
    return _ordinary(scipy.linalg.sqrtm(a))


def _sqrtm_cotangent(g, out, a):
    """u with x^T u + u x^T = g"""
    _require_regular(out, "sqrtm")
    root = _transposed(out)
    return like(solve_sylvester.bind(root, root, g), a)


def _sqrtm_tangent(t, out):
    """y with x y + y x = t"""
    _require_regular(out, "sqrtm")
    return solve_sylvester.bind(out, out, t)


sqrtm.defvjp(a=_sqrtm_cotangent).defjvp(a=_sqrtm_tangent)


def _function_of(name, A, disp, **others):
    """Refuse the form of a call that returns an estimate of the error too, and what is no matrix."""
    if disp is False:
        raise NotDifferentiable(
            f"scipy.linalg.{name} with disp=False estimates its own error, which has no derivative. Leave disp out"
        )
    A = as_array(A)
    if np.ndim(A) < 2:
        raise np.linalg.LinAlgError(f"scipy.linalg.{name}: the input array must be at least two-dimensional")
    return (A,), {}


@sqrtm.called_as
def _(A, disp=None, blocksize=None):
    return _function_of("sqrtm", A, disp)


@primitive("scipy.linalg.logm")
def logm(a, /):
    """The principal logarithm of a. Of a singular matrix it has no derivative"""
    return _ordinary(scipy.linalg.logm(a))


@logm.called_as
def _(A, disp=None):
    return _function_of("logm", A, disp)


_NODES, _WEIGHTS = (x.tolist() for x in np.polynomial.legendre.leggauss(10))


def _logarithm_moved(a, e):
    """The Fréchet derivative of the logarithm at a in the direction e

    Square roots bring a close to 1, where it is the integral of (1 + s (a - 1))^-1 e (1 + s (a - 1))^-1 over 0 < s < 1.
    Source: Al-Mohy, Higham and Relton, "Computing the Fréchet derivative of the matrix logarithm and estimating the
    condition number" (2013).
    """
    _require_regular(a, "logm")
    one, factor = np.eye(np.shape(a)[-1], dtype=stop_gradient(a).dtype), 1.0
    while np.any(np.abs(stop_gradient(a) - one).sum(-2) > 0.3):
        a = sqrtm.bind(a)
        e = solve_sylvester.bind(a, a, e)
        factor *= 2
    total = 0.0
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        inverse = np.linalg.inv(one + (1 + node) / 2 * (a - one))
        total = total + weight / 2 * np.matmul(np.matmul(inverse, e), inverse)
    return factor * total


logm.defvjp(a=lambda g, a: like(_logarithm_moved(_transposed(a), g), a))
logm.defjvp(a=lambda t, a, out: like(_logarithm_moved(a, t), out))


# ---------------------------------------------------------------------------------------- inverse, determinant
@primitive("scipy.linalg.inv")
def inv(a, /, *, assume_a=None, lower=False, check_finite=True):
    """a^-1; ``assume_a`` says what is read of a"""
    structure = {"assume_a": assume_a, "lower": lower} if assume_a else {}
    return scipy.linalg.inv(_part(_square(a), assume_a), check_finite=check_finite, **structure)


@inv.called_as
def _(a, overwrite_a=False, check_finite=True, *, assume_a=None, lower=False):
    return (a,), {"assume_a": assume_a, "lower": lower, "check_finite": bool(check_finite)}


def _inv_cotangent(g, out, assume_a):
    """What is read of -x^T g x^T"""
    return _part(-np.matmul(_transposed(out), np.matmul(g, _transposed(out))), assume_a)


inv.defvjp(a=_inv_cotangent)
inv.defjvp(a=lambda t, out, assume_a: -np.matmul(out, np.matmul(_part(t, assume_a), out)))


@composite("scipy.linalg.det")
def det(a, overwrite_a=False, check_finite=True):
    """The determinant, in double precision; of a singular matrix the derivative is exact"""
    a = as_array(a)
    if check_finite:
        np.asarray_chkfinite(stop_gradient(a))
    if not _is_square(a):
        raise ValueError(f"The last two dimensions of the array must be square, not {np.shape(a)}")
    return np.linalg.det(a.astype(np.result_type(stop_gradient(a), np.float64)))


# ---------------------------------------------------------------------------------------------- factorisations
@primitive("scipy.linalg.cholesky")
def cholesky(a, /, *, lower=False, check_finite=True):
    """The upper factor U with U^H U = a, with ``lower`` the lower one, L L^H = a; of the Hermitian part of a"""
    return scipy.linalg.cholesky(_hermitian(_square(a)), lower, check_finite=check_finite)


@cholesky.called_as
def _(a, lower=False, overwrite_a=False, check_finite=True):
    return (a,), {"lower": lower, "check_finite": bool(check_finite)}


def _cholesky_cotangent(g, out, lower):
    """L^-T P(L^T g) L^-*, made Hermitian; P halves the diagonal and drops what is above it"""
    factor, g = (out, g) if lower else (_adjoint(out), _adjoint(g))
    half = _halved_lower(np.matmul(_transposed(factor), g))
    half = solve_triangular.bind(factor, half, trans=1, lower=True)
    return _hermitian(_transposed(solve_triangular.bind(factor, _transposed(half), trans=2, lower=True)))


def _cholesky_tangent(t, out, lower):
    """L P(L^-1 t L^-H)"""
    factor = out if lower else _adjoint(out)
    inner = solve_triangular.bind(factor, _hermitian(t), lower=True)
    inner = solve_triangular.bind(factor, _adjoint(inner), lower=True)
    found = np.matmul(factor, _halved_lower(_hermitian(inner)))  # its diagonal is normal, exactly
    return found if lower else _adjoint(found)


cholesky.defvjp(a=_cholesky_cotangent).defjvp(a=_cholesky_tangent)


@primitive("scipy.linalg.cho_factor")
def cho_factor(a, /, *, lower=False, check_finite=True):
    """The factor as of `cholesky`, and ``lower``; SciPy leaves parts of a in the other triangle, here it is zero"""
    return scipy.linalg.cholesky(_hermitian(_square(a)), lower, check_finite=check_finite), lower


@cho_factor.called_as
def _(a, lower=False, overwrite_a=False, check_finite=True):
    return (a,), {"lower": lower, "check_finite": bool(check_finite)}


cho_factor.defvjp(a=lambda g, out, lower: _cholesky_cotangent(g[0], out[0], lower))
cho_factor.defjvp(a=lambda t, out, lower: (_cholesky_tangent(t, out[0], lower), None))


@composite("scipy.linalg.cho_solve")
def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """x with a x = b, from the factor of a: two triangular solves"""
    c, lower = c_and_lower
    c, b = as_array(c), as_array(b)
    first, second = (0, 2) if lower else (2, 0)
    x = solve_triangular(c, _columns(b, b), first, lower)
    return _back(solve_triangular(c, x, second, lower), b)


@primitive("scipy.linalg.lu_factor")
def lu_factor(a, /, *, check_finite=True):
    """L below and U on and above the diagonal of one matrix, and the rows that change places, with P a = L U"""
    return tuple(scipy.linalg.lu_factor(a, check_finite=check_finite))


@lu_factor.called_as
def _(a, overwrite_a=False, check_finite=True):
    return (a,), {"check_finite": bool(check_finite)}


def _order(pivots, rows):
    """The order of rows that comes of exchanging row i with row pivots[i], one after the other."""
    order = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()
    for i in range(pivots.shape[-1]):
        j = pivots[..., i : i + 1]
        other = np.take_along_axis(order, j, -1)
        np.put_along_axis(order, j, order[..., i : i + 1], -1)
        order[..., i : i + 1] = other
    return order


def _lu_tangent(t, out):
    """dL = L low(c) and dU = upp(c) U with c = L^-1 P t U^-1, for the leading square; the rest follows

    Of c U the upper part is what low(c) U leaves of it, and in low(c) there is nothing of the last pivot: it may be 0.

    Source: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design" (2010).
    """
    lu, pivots = out[0], stop_gradient(out[1])
    k = min(np.shape(lu)[-2:])
    if not k:
        return t, None
    square = lu[..., :k, :k]
    t = np.take_along_axis(t, np.expand_dims(_order(pivots, np.shape(lu)[-2]), -1), axis=-2)
    below = {"lower": True, "unit_diagonal": True}
    y = solve_triangular.bind(square, t[..., :k, :k], **below)
    regular = np.where(
        np.arange(k) == k - 1, np.ones_like(stop_gradient(square)), square
    )  # in all but one column
    c = np.tril(_transposed(solve_triangular.bind(regular, _transposed(y), trans=1)), -1)
    low = np.matmul(np.tril(square, -1) + np.eye(k, dtype=stop_gradient(lu).dtype), c)
    up = np.triu(y - np.matmul(c, square))
    found = low + up
    if np.shape(lu)[-1] > k:
        more = t[..., k:] - np.matmul(low, lu[..., k:])
        return np.concatenate([found, solve_triangular.bind(square, more, **below)], axis=-1), None
    if np.shape(lu)[-2] > k:
        more = _transposed(t[..., k:, :] - np.matmul(lu[..., k:, :], up))
        more = _transposed(solve_triangular.bind(square, more, trans=1))
        return np.concatenate([found, more], axis=-2), None
    return found, None


lu_factor.defjvp(a=_lu_tangent)


def _permutation(order, like_a):
    """Matrices that bring rows into this order"""
    n = order.shape[-1]
    return (np.expand_dims(order, -1) == np.arange(n)).astype(like_a.real.dtype)


@composite("scipy.linalg.lu")
def lu(a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False):
    """P, L and U with a = P L U; P L and U with ``permute_l``; P as an order of rows with ``p_indices``"""
    a = _matrices_of(a, ValueError)
    if not np.size(a):
        return tuple(scipy.linalg.lu(stop_gradient(a), permute_l, p_indices=p_indices))
    rows, columns = np.shape(a)[-2:]
    k = min(rows, columns)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", scipy.linalg.LinAlgWarning
        )  # of a pivot that is 0, of which lu does not warn
        factors, pivots = lu_factor(a, check_finite=check_finite)
    plain = stop_gradient(factors)
    order = np.argsort(_order(stop_gradient(pivots), rows), axis=-1)
    lower = np.tril(factors[..., :k], -1) + np.eye(rows, k, dtype=plain.dtype)
    upper = np.triu(factors[..., :k, :])
    if permute_l:
        return np.take_along_axis(lower, np.expand_dims(order, -1), axis=-2), upper
    return order if p_indices else _permutation(order, plain), lower, upper


@composite("scipy.linalg.lu_solve")
def lu_solve(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    """x with a x = b, a^T x = b (``trans=1``) or a^H x = b (2), from the factors of a"""
    factors, pivots = lu_and_piv
    factors, b, pivots = as_array(factors), as_array(b), np.asarray(stop_gradient(pivots)).astype(int)
    if trans not in (0, 1, 2):
        raise ValueError(f"trans must be 0, 1 or 2, not {trans!r}")
    if np.any((pivots < 0) | (pivots >= np.shape(factors)[-1])):
        raise ValueError(f"the pivots {pivots} are no rows of a matrix of {np.shape(factors)[-1]}")
    if check_finite:
        for part in factors, b:
            np.asarray_chkfinite(stop_gradient(part))
    # Of what is empty SciPy gives the shape, and what does not fit together it refuses.
    if not np.size(b) or np.shape(pivots)[-1:] != np.shape(factors)[-1:]:
        return scipy.linalg.lu_solve((stop_gradient(factors), pivots), stop_gradient(b), trans)
    permuted = _permutation(_order(pivots, np.shape(factors)[-1]), stop_gradient(factors))
    x = _columns(b, b)
    if trans:
        x = solve_triangular(factors, x, trans)
        x = solve_triangular(factors, x, trans, True, True)
        x = np.matmul(_transposed(permuted), x)
    else:
        x = solve_triangular(factors, np.matmul(permuted, x), 0, True, True)
        x = solve_triangular(factors, x)
    return _back(x, b)


@primitive("scipy.linalg.qr")
def qr(a, /, *, mode="economic", pivoting=False, check_finite=True):
    """Q and R with Q R = a, with ``pivoting`` of a with its columns in the order P; of full rank as numpy.linalg.qr"""
    found = scipy.linalg.qr(a, mode=mode, pivoting=pivoting, check_finite=check_finite)
    return tuple(found) if isinstance(found, list) else found


@qr.called_as
def _(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    if mode not in ("full", "qr", "r", "economic", "raw"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    a = _matrices_of(a, ValueError)
    if mode == "raw":
        raise NotDifferentiable(
            "scipy.linalg.qr is not differentiated in mode='raw': what stands below R has no derivative. Pass "
            "mode='economic', or mode='r'"
        )
    rows, columns = np.shape(a)[-2:]
    whole = mode in ("full", "qr") and rows > columns
    options = {"pivoting": bool(pivoting), "check_finite": bool(check_finite)}
    return (a,), {"mode": "full" if whole else "r" if mode == "r" else "economic", **options}


@qr.with_residual
def _(a, *, mode="economic", **options):
    k = min(np.shape(a)[-2:])
    q, r, *order = factors = qr.bind(a, mode="full" if mode == "full" else "economic", **options)
    out = qr.bind(a, mode=mode, **options) if mode == "r" else factors
    return out, (_first_columns(q, k), _first_rows(r, k), *order)


def _thin_qr_tangent_in_order(t, residual, a):
    """As of numpy.linalg.qr, of the columns in their order"""
    q, r, *order = residual
    for columns in order:
        t, a = (np.take_along_axis(x, np.expand_dims(stop_gradient(columns), -2), axis=-1) for x in (t, a))
    return _thin_qr_tangent(t, (q, r), a)


def _qr_tangent_in_order(t, residual, a, out, mode):
    dq, dr = _thin_qr_tangent_in_order(t, residual, a)
    nothing = (None,) * len(residual[2:])
    rows = np.shape(a)[-2]
    if mode != "economic":
        dr = _above_zeros(dr, max(rows, np.shape(dr)[-2]))
    if mode != "r":
        return (_completed(dq, rows) if mode == "full" else dq, dr, *nothing)
    return (dr, *nothing) if isinstance(out, tuple) else dr


def _qr_cotangent_in_order(g, residual, a, out, mode):
    of_q, of_r = g[:2] if mode != "r" else (None, g[0] if isinstance(out, tuple) else g)
    tangent = partial(_thin_qr_tangent_in_order, residual=residual, a=a)
    return _transposed_qr_tangent(tangent, of_q, of_r, residual, a, "mode='economic'")


qr.defvjp(a=_qr_cotangent_in_order).defjvp(a=_qr_tangent_in_order)
qr.compared_as(without_completion)


@primitive("scipy.linalg.svd")
def svd(a, /, *, full_matrices=False, compute_uv=True, lapack_driver="gesdd", check_finite=True):
    """u, s, vh with u diag(s) vh = a and s descending; s alone without ``compute_uv``. As numpy.linalg.svd"""
    options = {"lapack_driver": lapack_driver, "check_finite": check_finite}
    found = scipy.linalg.svd(a, full_matrices=full_matrices, compute_uv=compute_uv, **options)
    return tuple(found) if compute_uv else found


@svd.called_as
def _(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    a = _matrices_of(a, ValueError)
    rows, columns = np.shape(a)[-2:]
    whole = bool(compute_uv and full_matrices and rows != columns)
    options = {"lapack_driver": lapack_driver, "check_finite": bool(check_finite)}
    return (a,), {"full_matrices": whole, "compute_uv": bool(compute_uv), **options}


@svd.with_residual
def _(a, *, full_matrices=False, compute_uv=True, **options):
    if np.size(a):
        u, s, vh = factors = svd.bind(a, full_matrices=full_matrices, **options)
    else:  # of which older SciPy gives the values alone
        u, s, vh = factors = np.linalg.svd(a, full_matrices)
    k = min(np.shape(a)[-2:])
    return (factors if compute_uv else s), (_first_columns(u, k), s, _first_rows(vh, k))


svd.defvjp(a=lambda g, residual, compute_uv: _svd_cotangent(g, residual, compute_uv))
svd.defjvp(
    a=lambda t, residual, compute_uv, full_matrices: _svd_tangent(t, residual, compute_uv, full_matrices)
)


svd.compared_as(by_pairs)


@composite("scipy.linalg.svdvals")
def svdvals(a, overwrite_a=False, check_finite=True):
    """The singular values, descending"""
    return svd(a, compute_uv=False, check_finite=check_finite)


# ------------------------------------------------------------------------------------------------- eigenvalues
def _eigh(a, b, eigvals_only, **options):
    """The eigenvalues, ascending, and vectors of the Hermitian part of a, or of those of a and b"""
    b = None if b is None else _hermitian(_square(b))
    found = scipy.linalg.eigh(_hermitian(_square(a)), b, eigvals_only=eigvals_only, **options)
    return found if eigvals_only else tuple(found)


@primitive("scipy.linalg.eigh")
def eigh(a, b, /, *, eigvals_only=False, lower=True, driver=None, check_finite=True):
    """w, ascending, and v with a v = b v diag(w) and v^H b v = 1, of the Hermitian parts of a and b; without b it is 1

    Where eigenvalues are equal the vectors have no derivative: it is NaN. That of the values, alone, is finite.
    """
    return _eigh(a, b, eigvals_only, lower=lower, driver=driver, check_finite=check_finite)


def _whole_problem(name, type, subset_by_index, subset_by_value):
    if type != 1:
        raise NotDifferentiable(
            f"scipy.linalg.{name} is differentiated for type=1, a v = w b v, not type={type}"
        )
    if subset_by_index is not None or subset_by_value is not None:
        raise NotDifferentiable(
            f"scipy.linalg.{name} of a subset is not differentiated: a vector's derivative has parts along all "
            "others. Leave the subset out, and take what you need of the result"
        )


@eigh.called_as
def _(
    a,
    b=None,
    *,
    lower=True,
    eigvals_only=False,
    overwrite_a=False,
    overwrite_b=False,
    type=1,
    check_finite=True,
    subset_by_index=None,
    subset_by_value=None,
    driver=None,
):
    _whole_problem("eigh", type, subset_by_index, subset_by_value)
    options = {"lower": lower, "driver": driver, "check_finite": bool(check_finite)}
    return (a, b), {"eigvals_only": eigvals_only, **options}


@eigh.with_residual
def _(a, b, *, eigvals_only=False, **options):
    found = eigh.bind(a, b, eigvals_only=False, **options)
    return (found[0] if eigvals_only else found), found


def _eigh_cotangents(g, residual, a, b, eigvals_only):
    """v* m v^T for a and -v* (m diag(w) + d) v^T for b, made Hermitian, with m = diag(g_w) + F v^T g_v

    F_ij = 1 / (w_j - w_i), and d is half the diagonal of v^T g_v: the vectors keep their length.
    """
    w, v = residual
    of_values, of_vectors = (g, 0.0) if eigvals_only else g
    if is_zero(of_vectors):
        weights, lengths = _diagonal(_of_distinct(of_values, w)), 0.0
    else:
        turned = np.matmul(_transposed(v), of_vectors)
        weights = _diagonal(of_values) + _gaps(w, _asked(of_vectors)) * turned
        lengths = np.real(turned) * np.eye(np.shape(w)[-1], dtype=stop_gradient(w).dtype) / 2
    found = _between(v, weights)
    if b is None:
        return found, None
    return like(found, a), like(-_between(v, weights * np.expand_dims(w, -2) + lengths), b)


def _between(v, m):
    """v* m v^T, made Hermitian"""
    return _hermitian(np.matmul(np.conj(v), np.matmul(m, _transposed(v))))


def _inner(v, t):
    """v^H t v of the Hermitian part of t"""
    return np.matmul(_adjoint(v), np.matmul(_hermitian(t), v))


def _eigh_tangent(w, v, moved, lengths, eigvals_only):
    """dw = diag(m), dv = v (F m - d), with m = v^H (da - db w) v and d half the diagonal of v^H db v"""
    dw = np.real(np.diagonal(moved, 0, -2, -1))
    return dw if eigvals_only else (dw, np.matmul(v, _gaps(w) * moved - lengths))


def _eigh_tangent_a(t, residual, eigvals_only):
    w, v = residual
    return _eigh_tangent(w, v, _inner(v, t), 0.0, eigvals_only)


def _eigh_tangent_b(t, residual, eigvals_only):
    w, v = residual
    inner = _inner(v, t)
    lengths = np.real(inner) * np.eye(np.shape(w)[-1], dtype=stop_gradient(w).dtype) / 2
    return _eigh_tangent(w, v, -inner * np.expand_dims(w, -2), lengths, eigvals_only)


eigh.defvjp(_eigh_cotangents).defjvp(a=_eigh_tangent_a, b=_eigh_tangent_b)


eigh.compared_as(by_projectors)


@primitive("scipy.linalg.eigvalsh")
def eigvalsh(a, b, /, *, lower=True, driver=None, check_finite=True):
    """The eigenvalues as of `eigh`"""
    return _eigh(a, b, True, lower=lower, driver=driver, check_finite=check_finite)


@eigvalsh.called_as
def _(
    a,
    b=None,
    *,
    lower=True,
    overwrite_a=False,
    overwrite_b=False,
    type=1,
    check_finite=True,
    subset_by_index=None,
    subset_by_value=None,
    driver=None,
):
    _whole_problem("eigvalsh", type, subset_by_index, subset_by_value)
    return (a, b), {"lower": lower, "driver": driver, "check_finite": bool(check_finite)}


@eigvalsh.with_residual
def _(a, b, **options):
    found = eigh.bind(a, b, eigvals_only=False, **options)
    return found[0], found


def _eigvalsh_cotangents(g, residual, a, b):
    """v* diag(g) v^T for a and -v* diag(g w) v^T for b, made Hermitian"""
    w, v = residual
    g = _of_distinct(g, w)
    of_a = like(_between(v, _diagonal(g)), a)
    return of_a, None if b is None else like(-_between(v, _diagonal(g * w)), b)


eigvalsh.defvjp(_eigvalsh_cotangents)
eigvalsh.defjvp(
    a=lambda t, residual: np.real(np.diagonal(_inner(residual[1], t), 0, -2, -1)),
    b=lambda t, residual: -np.real(np.diagonal(_inner(residual[1], t), 0, -2, -1)) * residual[0],
)


# ---------------------------------------------------------------------------------------------------- samples
_SHAPES = ((3, 3), (2, 2), (1, 1), *(((2, 2, 2), (2, 1, 2, 2)) if STACKS else ()))
_MIXED = (
    (normal, complex_normal, "real and complex"),
    (complex_normal, normal, "complex and real"),
    (complex_normal, single, "complex and float32"),
    (single, normal, "float32 and float64"),
)


def _regular(rng, draw, *shape):
    """Return a stack of random square matrices with inverses far from infinite."""
    x = draw(rng, shape)
    return np.asarray(x + 3 * np.eye(shape[-1], dtype=x.dtype), x.dtype, order="A")


def _definite(rng, draw, *shape):
    """Return a stack of random Hermitian matrices with positive eigenvalues."""
    x = draw(rng, shape)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1], dtype=x.dtype)


def _small(rng, draw, *shape):
    """Return a stack of matrices whose eigenvalues are well below 1."""
    x = draw(rng, shape)
    return np.asarray(x / x.dtype.type(8), x.dtype, order="A")


def _of_matrices(make, *keywords, shapes=_SHAPES, **always):
    """Return a generator of calls with a square matrix of every kind, and with every set of keywords."""

    def generate(rng):
        for shape in shapes:
            yield Sample((make(rng, normal, *shape),), always, note=f"{shape}")
        for kind, draw in KINDS.items():
            yield Sample((make(rng, draw, 3, 3),), always, note=kind)
        for options in keywords:
            for draw in normal, complex_normal:
                yield Sample((make(rng, draw, 3, 3),), {**always, **options})

    return generate


_SYSTEMS = (
    *(((3, 3), (3,)), ((3, 3), (3, 2)), ((1, 1), (1,)), ((1, 1), (1, 2)), ((2, 2), (2, 0))),
    *(
        (((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (4, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)))
        if STACKS
        else ()
    ),
)


def _of_systems(make, *keywords, mixed=True):
    """Return a generator of calls with a square matrix and right sides."""

    def generate(rng):
        for left, right in _SYSTEMS:
            yield Sample((make(rng, normal, *left), normal(rng, right)), note=f"{left}, {right}")
        for kind, draw in KINDS.items():
            yield Sample((make(rng, draw, 3, 3), draw(rng, (3, 2))), note=kind)
        for first, second, note in _MIXED if mixed else ():
            yield Sample((make(rng, first, 3, 3), second(rng, (3, 2))), note=note)
        yield Sample((make(rng, normal, 2, 2), np.arange(2)), note="integers")
        x = make(rng, normal, 3, 3)
        yield Sample((x, x), note="the same array twice")
        for options in keywords:
            for draw in normal, complex_normal:
                for shape in (3,), (3, 2):
                    yield Sample((make(rng, draw, 3, 3), draw(rng, shape)), options)

    return generate


@solve.samples
def _(rng):
    yield from _of_systems(_regular, {"assume_a": "gen"}, {"check_finite": False})(rng)
    yield from _of_systems(_definite, {"assume_a": "pos"}, {"assume_a": "her", "lower": True}, mixed=False)(
        rng
    )
    for structure in ("sym", "diagonal", "tridiagonal", "upper triangular", "lower triangular"):
        if STACKS or structure == "sym":
            for draw in normal, complex_normal:
                yield Sample(
                    (_regular(rng, draw, 3, 3), draw(rng, (3, 2))), {"assume_a": structure}, note=structure
                )
            yield Sample(
                (_regular(rng, normal, 3, 3), normal(rng, (3,))),
                {"assume_a": structure, "transposed": True},
                note=f"{structure}, transposed",
            )
    yield Sample((_regular(rng, normal, 3, 3), normal(rng, (3, 2))), {"transposed": True, "lower": True})
    if STACKS:
        yield Sample((_regular(rng, normal, 2, 3, 3), normal(rng, (3,))), {"transposed": True})
    yield Sample((rng.uniform(1, 2), rng.uniform(1, 2)), note="numbers")


@solve_triangular.samples
def _(rng):
    yield from _of_systems(_regular)(rng)
    for trans in 0, 1, 2, "N", "T", "C":
        for lower in False, True:
            for unit in False, True:
                draw, shape = (normal, (3,)) if rng.random() < 0.3 else (complex_normal, (3, 2))
                yield Sample((_regular(rng, draw, 3, 3), draw(rng, shape), trans, lower, unit))
    if STACKS:
        yield Sample((_regular(rng, complex_normal, 2, 3, 3), normal(rng, (3,))), {"trans": 2})
    yield Sample(
        (_regular(rng, normal, 3, 3), complex_normal(rng, (3,))), {"trans": "C", "check_finite": False}
    )
    yield Sample((_regular(rng, complex_normal, 3, 3), single(rng, (3,))), {"trans": 1, "lower": True})


def _banded(rng, draw, below, above, *shape):
    """Return diagonals of matrices that are far from singular, as rows."""
    ab = draw(rng, (*shape[:-1], below + above + 1, shape[-1]))
    ab[..., above, :] += 4 + below + above
    return ab


@solve_banded.samples
def _(rng):
    for below, above in (1, 1), (0, 0), (2, 1), (0, 2), (1, 0), (1, 2):
        for draw in normal, complex_normal:
            yield Sample(((below, above), _banded(rng, draw, below, above, 5), draw(rng, (5,))))
            yield Sample(((below, above), _banded(rng, draw, below, above, 4), draw(rng, (4, 2))))
    for kind, make in KINDS.items():
        ab = make(rng, (3, 4))
        ab = np.asarray(ab + 5 * np.asarray([[0], [1], [0]], ab.dtype), ab.dtype, order="A")
        yield Sample(((1, 1), ab, make(rng, (4,))), note=kind)
    for first, second, note in _MIXED:
        yield Sample(((2, 1), _banded(rng, first, 2, 1, 4), second(rng, (4, 2))), note=note)
    yield Sample(
        ((1, 2), _banded(rng, normal, 1, 2, 4), np.arange(4)), {"check_finite": False}, note="integers"
    )
    if STACKS:
        yield Sample(((0, 0), np.array([[2.0]]), normal(rng, (1, 2))), note="a number")
    yield Sample(((1, 1), _banded(rng, normal, 1, 1, 1), normal(rng, (1,))), note="a number between nothing")
    yield Sample(
        ((2, 1), _banded(rng, normal, 2, 1, 2), normal(rng, (2,))), note="more diagonals than there are"
    )
    if STACKS:
        for left, right in ((2, 4), (4,)), ((2, 4), (4, 3)), ((4,), (2, 4, 3)), ((3, 1, 4), (2, 4, 1)):
            yield Sample(
                ((1, 2), _banded(rng, normal, 1, 2, *left), normal(rng, right)), note=f"{left}, {right}"
            )


@solve_sylvester.samples
def _(rng):
    def sample(first, second, third, left=(3, 3), right=(2, 2), rest=(3, 2), note=""):
        b = second(rng, right)
        return Sample((_regular(rng, first, *left), np.asarray(b / 4, b.dtype), third(rng, rest)), note=note)

    for kind, draw in KINDS.items():
        yield sample(draw, draw, draw, note=kind)
    for _ in range(3):
        yield sample(normal, normal, normal)
    for first, second, note in _MIXED:
        yield sample(first, second, second, note=note)
        yield sample(second, first, second, note=note)
        yield sample(second, second, first, note=note)
    yield sample(normal, normal, normal, (1, 1), (3, 3), (1, 3))
    if STACKS:
        yield sample(normal, normal, normal, (2, 3, 3))
        yield sample(normal, normal, normal, (4, 1, 2, 2), (3, 2, 2), (2, 2))
    turn = np.array([[1.0, 2.0], [-3.0, 1.0]])
    yield Sample((turn, turn, complex_normal(rng, (2, 2))), note="complex eigenvalues")
    x = _regular(rng, normal, 2, 2)
    yield Sample((x, x, x), note="the same array thrice")


@solve_continuous_lyapunov.samples
@solve_discrete_lyapunov.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((_settled(rng, draw, 3, 3), draw(rng, (3, 3))), note=kind)
    for n in 1, 2, 4:
        yield Sample((_settled(rng, normal, n, n), normal(rng, (n, n))), note=f"{n} by {n}")
    for first, second, note in _MIXED:
        yield Sample((_settled(rng, first, 2, 2), second(rng, (2, 2))), note=note)
    if STACKS:
        for left, right in ((2, 3, 3), (3, 3)), ((2, 2), (3, 2, 2)), ((2, 1, 2, 2), (3, 2, 2)):
            yield Sample((_settled(rng, normal, *left), normal(rng, right)), note=f"{left}, {right}")
    turn = np.array([[0.25, -0.5], [0.5, 0.25]])
    yield Sample((turn, complex_normal(rng, (2, 2))), note="complex eigenvalues")
    x = _settled(rng, normal, 3, 3)
    yield Sample((x, x), note="the same array twice")


def _settled(rng, draw, *shape):
    """Return matrices whose eigenvalues lie in the right half plane and within the unit circle."""
    x = draw(rng, shape)
    return np.asarray(x / 12 + np.eye(shape[-1], dtype=x.dtype) / 2, x.dtype, order="A")


@solve_discrete_lyapunov.samples
def _(rng):
    for method in "direct", "bilinear":
        for draw in normal, complex_normal:
            yield Sample((_settled(rng, draw, 3, 3), draw(rng, (3, 3)), method), note=method)


expm.samples(
    _of_matrices(lambda rng, draw, *shape: draw(rng, shape), shapes=(*_SHAPES, (2, 3, 3), (0, 2, 2)))
)


@expm.samples
def _(rng):
    yield Sample((rng.uniform(-1, 1),), note="a number")
    yield Sample((normal(rng, (1,)),), note="a vector of one")
    yield Sample((np.triu(normal(rng, (3, 3)), 1),), note="nilpotent")
    yield Sample((np.zeros((2, 2)),), note="zero")


@exponential_moved.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 3)), draw(rng, (3, 3))), note=kind)
    for first, second, note in _MIXED:
        yield Sample((first(rng, (2, 2)), second(rng, (2, 2))), note=note)
    for left, right in ((2, 3, 3), (3, 3)), ((2, 2), (3, 2, 2)), ((2, 1, 2, 2), (3, 2, 2)), ((1, 1), (1, 1)):
        yield Sample((normal(rng, left), normal(rng, right)), note=f"{left}, {right}")
    yield Sample((np.zeros((0, 0)), np.zeros((0, 0))), note="empty")
    x = normal(rng, (2, 2))
    yield Sample((x, x), note="the same array twice")


@expm_frechet.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 3)), draw(rng, (3, 3))), note=kind)
    yield Sample((normal(rng, (2, 2)), normal(rng, (2, 2)), "blockEnlarge", False))
    yield Sample((normal(rng, (2, 2)), normal(rng, (2, 2))), {"method": "SPS", "check_finite": False})
    yield Sample((normal(rng, (2, 2)), normal(rng, (2, 2))), {"compute_expm": False})


def _far_from_cut(rng, draw, *shape):
    """Return matrices with eigenvalues far from the negative real axis."""
    x = draw(rng, shape)
    return np.asarray(x / 4 + 2 * np.eye(shape[-1], dtype=x.dtype), x.dtype, order="A")


@sqrtm.samples
def _(rng):
    yield from _of_matrices(_far_from_cut)(rng)
    x = normal(rng, (3, 3)) / 8
    yield Sample((x + np.diag([-1.0, 1.0, 2.0]),), note="a negative eigenvalue: a complex result")
    yield Sample((np.diag([1e-3, 1.0, 1e3]) + np.triu(normal(rng, (3, 3)), 1),), note="of very unlike size")
    yield Sample((np.array([[0.0, -2.0], [1.0, 0.5]]),), note="complex eigenvalues")
    yield Sample((2 * np.eye(3) + np.eye(3, k=1),), note="defective")
    yield Sample((np.eye(2),), note="the identity")


@logm.samples
def _(rng):
    """Small ones: SciPy's logarithm takes its time."""
    for shape in ((2, 2), (1, 1), (3, 3), *(((2, 2, 2),) if STACKS else ())):
        yield Sample((_far_from_cut(rng, normal, *shape),), note=f"{shape}")
    for kind, draw in KINDS.items():
        yield Sample((_far_from_cut(rng, draw, 2, 2),), note=kind)
    x = normal(rng, (2, 2)) / 8
    yield Sample((x + np.diag([-1.0, 2.0]),), note="a negative eigenvalue: a complex result")
    yield Sample((np.array([[1e-2, rng.uniform(1, 2)], [0.0, 1e2]]),), note="of very unlike size")
    yield Sample((np.array([[0.0, -2.0], [1.0, 0.5]]),), note="complex eigenvalues")
    yield Sample((2 * np.eye(2) + np.eye(2, k=1),), note="defective")


@inv.samples
def _(rng):
    yield from _of_matrices(_regular, {"check_finite": False})(rng)
    if STACKS:
        for structure in ("pos", "her", "sym"):
            yield from _of_matrices(_definite, shapes=((2, 2),), assume_a=structure)(rng)
            yield Sample((_definite(rng, normal, 2, 3, 3),), {"assume_a": structure, "lower": True})
        for structure in ("diagonal", "upper triangular", "lower triangular", "gen"):
            for draw in normal, complex_normal:
                yield Sample((_regular(rng, draw, 3, 3),), {"assume_a": structure})


det.samples(_of_matrices(_regular, {"check_finite": False}, shapes=(*_SHAPES, (2, 3, 3), (0, 2, 2))))


@det.samples
def _(rng):
    x = normal(rng, (3, 3))
    x[2] = x[1]
    yield Sample((x,), note="singular")


for _function in cholesky, cho_factor:
    _function.samples(_of_matrices(_definite, {"lower": True}, {"lower": False, "check_finite": False}))


def _factor(rng, draw, *shape):
    """Return a matrix both of whose triangles are Cholesky factors of some matrices."""
    x = np.asarray(draw(rng, shape), order="A")
    for i in range(shape[-1]):
        x[..., i, i] = rng.uniform(1, 2)
    return x


@cho_solve.samples
def _(rng):
    for lower in False, True:
        for draw in normal, single, complex_normal:
            for shape in (3,), (3, 2):
                yield Sample(((_factor(rng, draw, 3, 3), lower), draw(rng, shape)), note=draw.__name__)
        for first, second, note in _MIXED:
            yield Sample(
                ((_factor(rng, first, 3, 3), lower), second(rng, (3, 2))), {"check_finite": False}, note=note
            )
        if STACKS:
            for left, right in ((2, 3, 3), (3,)), ((3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 2)):
                yield Sample(
                    ((_factor(rng, normal, *left), lower), normal(rng, right)), note=f"{left}, {right}"
                )


_RECTANGLES = ((4, 3), (3, 4), (1, 3), (3, 1), *(((2, 4, 2), (2, 1, 2, 3)) if STACKS else ()))


def _with_leader(rng, draw, *shape):
    """Return matrices whose leading square is far from singular, and of which rows change places."""
    x = draw(rng, shape)
    square = np.eye(shape[-2], shape[-1])
    square = square[::-1] if shape[-2] <= shape[-1] else square
    return np.asarray(x / 2 + 3 * square.astype(x.dtype), x.dtype, order="A")


@lu_factor.samples
def _(rng):
    yield from _of_matrices(_with_leader, {"check_finite": False}, shapes=_SHAPES + _RECTANGLES)(rng)
    for shape in (3, 2), (2, 3):
        yield Sample((_with_leader(rng, complex_normal, *shape),), note=f"complex, {shape}")
    yield Sample((np.diag([3.0, -4.0, 5.0])[[1, 2, 0]] + normal(rng, (3, 3)) / 4,), note="rows in a ring")
    yield Sample((normal(rng, (3, 0)),), note="empty")
    for shape in (3, 3), (2, 3):
        a = _with_leader(rng, normal, *shape)
        a[:, shape[0] - 1] = 0
        yield Sample((a,), note=f"the last pivot is 0, {shape}")


@lu.samples
def _(rng):
    yield from _of_matrices(_with_leader, {"check_finite": False}, shapes=_SHAPES + _RECTANGLES)(rng)
    for shape in ((3, 3), (3, 4), *(((2, 2, 2), (2, 4, 3)) if STACKS else ())):
        ring = np.roll(np.eye(*shape[-2:]), 1, 0)
        for options in ({}, {"permute_l": True}, {"p_indices": True}):
            yield Sample((4 * ring + normal(rng, shape) / 2,), options, note=f"rows in a ring {options}")


@lu_solve.samples
def _(rng):
    for trans in 0, 1, 2:
        for draw in normal, single, complex_normal:
            for shape in (3,), (3, 2):
                yield Sample(((_factor(rng, draw, 3, 3), np.array([1, 2, 2])), draw(rng, shape), trans))
        for first, second, note in _MIXED:
            yield Sample(
                ((_factor(rng, first, 3, 3), np.array([2, 2, 2])), second(rng, (3,)), trans),
                {"check_finite": False},
                note=note,
            )
        if STACKS:
            pivots = np.array([[1, 1], [0, 1]])
            yield Sample(
                ((_factor(rng, normal, 2, 2, 2), pivots), normal(rng, (2, 3)), trans), note="a stack"
            )
            yield Sample(((_factor(rng, normal, 2, 2, 2), pivots), normal(rng, (2,))), {"trans": trans})


def _rectangular(rng):
    for kind, draw in KINDS.items():
        yield kind, draw(rng, (4, 3))
    for shape in ((3, 4), (3, 3), (1, 1), *(((2, 4, 2), (2, 1, 2, 3)) if STACKS else ())):
        yield f"{shape}", normal(rng, shape) + 4 * np.eye(*shape[-2:])  # its leading square far from singular


@qr.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), {"mode": "economic"}, note=kind)
        yield Sample((x,), {"mode": "r"}, note=kind)
        scaled = x * np.arange(1, x.shape[-1] + 1, dtype=x.dtype) ** 3
        yield Sample((scaled,), {"mode": "economic", "pivoting": True}, note=kind)
    for options in (
        {},
        {"mode": "qr", "check_finite": False},
        {"mode": "r", "pivoting": True},
    ):
        yield Sample((normal(rng, (3, 3)) * np.array([1.0, 9.0, 4.0]),), options)
    yield Sample((normal(rng, (4, 3)) * np.array([1.0, 9.0, 4.0]),), {"pivoting": True}, note="complete")
    yield Sample((normal(rng, (3, 2)), False, None, "full"), note="complete")


@svd.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), {"compute_uv": False}, note=kind)
        yield Sample((x, False), note=kind)
    yield Sample((complex_normal(rng, (3, 2)), False), {"lapack_driver": "gesvd"})
    yield Sample((complex_normal(rng, (2, 3)), False), {"check_finite": False})
    yield Sample((normal(rng, (3, 3)),), note="square")
    yield Sample((normal(rng, (2, 2)), True, True), note="square")
    for shape in (3, 2), (2, 3):
        yield Sample((normal(rng, shape),), note="complete")


@svdvals.samples
def _(rng):
    for kind, x in _rectangular(rng):
        yield Sample((x,), note=kind)
    yield Sample((normal(rng, (3, 2)),), {"check_finite": False})


@eigh.samples
@eigvalsh.samples
def _(rng):
    yield from _of_matrices(_definite, {"lower": False}, {"check_finite": False}, {"driver": "ev"})(rng)
    for shape in _SHAPES:
        yield Sample((_definite(rng, normal, *shape), _definite(rng, normal, *shape)), note=f"{shape}")
    for kind, draw in KINDS.items():
        yield Sample((_definite(rng, draw, 3, 3), _definite(rng, draw, 3, 3)), note=kind)
    for first, second, note in _MIXED:
        yield Sample((_definite(rng, first, 3, 3), _definite(rng, second, 3, 3)), {"lower": False}, note=note)
    if STACKS:
        yield Sample((_definite(rng, normal, 2, 2, 2), _definite(rng, normal, 2, 2)), note="stacks")
        yield Sample((_definite(rng, normal, 2, 2), _definite(rng, complex_normal, 3, 2, 2)), note="stacks")


@eigh.samples
def _(rng):
    for draw in normal, complex_normal:
        a, b = _definite(rng, draw, 3, 3), _definite(rng, draw, 3, 3)
        yield Sample((a,), {"eigvals_only": True})
        yield Sample((a, b), {"eigvals_only": True, "driver": "gv"})


# ------------------------------------------------------------------------------------ what no sample need show
_MEMORY = "it says what memory may be used again"
for _function in (
    solve, inv, det, cholesky, cho_factor, lu_factor, lu, qr, svd, svdvals, eigh, eigvalsh
):  # fmt: skip
    _function.leave_unchecked("overwrite_a", _MEMORY)
for _function in solve, solve_triangular, solve_banded, cho_solve, lu_solve, eigh, eigvalsh:
    _function.leave_unchecked("overwrite_b", _MEMORY)
solve_banded.leave_unchecked("overwrite_ab", _MEMORY)
lu_solve.leave_unchecked("np.shape(pivots)[-1:] != np.shape(factors)[-1:]", "then SciPy raises")
qr.leave_unchecked("lwork", "it says how much memory LAPACK may use")
for _function in eigh, eigvalsh:
    _function.leave_unchecked("type", "other problems than the first are refused")
    _function.leave_unchecked("subset_by_index", "it is refused")
    _function.leave_unchecked("subset_by_value", "it is refused")
if not STACKS:
    qr.leave_unchecked("isinstance(out, tuple)", "of stacks alone R comes without a tuple")
    lu_solve.leave_unchecked("scipy.linalg.lu_solve((stop_gradient(factors), pivots)", "it is of SciPy 1.17")
    for _name in "assume_a", "lower":
        inv.leave_unchecked(_name, "it is of SciPy 1.17")
for _function in sqrtm, logm:
    _function.leave_unchecked("disp", "False is refused, and all else is deprecated")
sqrtm.leave_unchecked("blocksize", "it is deprecated, and without effect")
for _function in cholesky, cho_factor:
    for _change in "_hermitian(t) -> t", "_hermitian(inner) -> inner":
        _function.waive_mutant("a", _change, "the other of the two makes it Hermitian")
_SQUARE = "a square matrix has as many rows as columns"
exponential_moved.waive_mutant("*", "-1 -> -2", _SQUARE)
_SAME = "another way to the same result"
for _function in sqrtm, logm:
    _function.waive_mutant(
        "a", "_require_regular -> ...", "it tells which matrices are refused: a test of its own"
    )
sqrtm.waive_mutant("a", "_require_regular(out, 'sqrtm') -> ...", "the refusal has a test of its own")
for _change in (
    "np.abs(stop_gradient(a) - one).sum(-2) > 0.3",
    "np.abs(stop_gradient(a) - one).sum(-2)",
    "stop_gradient(a) - one",
    "0.3",
):
    logm.waive_mutant("a", f"{_change} -> ...", "nearer to 1 than need be is as good")
logm.waive_mutant("a", "1 + node -> 1 - node", "the nodes lie symmetrically")
logm.waive_mutant("a", "-1 -> ...", _SQUARE)
logm.waive_mutant("a", "np.eye(np.shape(a)[-1], dtype=stop_gradient(a).dtype) -> ...", _SAME)
for _change in "np.triu(np.tril(x, 1), -1)", "np.tril(x, 1)", "1", "-1":
    inv.waive_mutant("a", f"{_change} -> ...", "it knows no tridiagonal matrices, as solve does")
for _change in (
    "_part(a, assume_a)",
    "solve.bind(m, _columns(g, b), assume_a=across, lower=lower, transposed=False)",
    "solve.bind(a, moved, assume_a=assume_a, lower=lower, transposed=transposed)",
    "solve.bind(a, t, assume_a=assume_a, lower=lower, transposed=transposed)",
    "lower",
):
    solve.waive_mutant("*", f"{_change} -> ...", "a matrix is read as its structure says in any case")
for _change in (
    "method",
    "solve_discrete_lyapunov.bind(_transposed(a), g, method=method)",
    "solve_discrete_lyapunov.bind(a, moved, method=method)",
    "solve_discrete_lyapunov.bind(a, t, method=method)",
):
    solve_discrete_lyapunov.waive_mutant("*", f"{_change} -> ...", _SAME)
svd.waive_mutant(
    "*",
    "svd.bind(a, full_matrices=full_matrices, **options) -> svd.bind(a, **options)",
    "what completes a basis is not compared, but that it is there has a test",
)
for _function in eigh, eigvalsh:
    _function.waive_mutant("*", "eigh.bind(a, b, eigvals_only=False, **options) -> ...", _SAME)
for _change in "np.real(turned)", "np.real(inner)":
    eigh.waive_mutant("*", f"{_change} -> ...", "on the diagonal, where it is used, it is real")
eigvalsh.waive_mutant(
    "*", "_hermitian(t) -> t", "the real part of the diagonal is that of the Hermitian part"
)
eigh.waive_mutant(
    "*",
    "np.eye(np.shape(w)[-1], dtype=stop_gradient(w).dtype) -> np.eye(np.shape(w)[-1])",
    "in double precision it is as right, and the result is fitted to the argument",
)
eigvalsh.waive_mutant(
    "*",
    "_hermitian(np.matmul(np.conj(v), np.matmul(m, _transposed(v)))) -> ...",
    "with a real diagonal in the middle it is Hermitian",
)
lu_factor.waive_mutant(
    "a", "np.shape(lu)[-2] > k -> np.shape(lu)[-2] >= k", "below a square there is nothing"
)
qr.waive_mutant(
    "a",
    "np.take_along_axis(x, np.expand_dims(stop_gradient(columns), -2), axis=-1) -> ...",
    "newer NumPy takes the last axis by itself",
)
eigh.waive_mutant("*", "_of_distinct(of_values, w) -> of_values", OF_DISTINCT)
eigvalsh.waive_mutant("*", "_of_distinct(g, w) -> g", OF_DISTINCT)
