"""Distributions of vectors.

The normal distribution is differentiated as a function of the symmetric part of its covariance matrix, (c + c^T) / 2,
whichever triangle SciPy reads: the cotangent of a matrix is symmetric. The formulas are those of Petersen and Pedersen,
"The matrix cookbook" (2012), section 8.
"""

from __future__ import annotations

import numpy as np
import scipy

from opreg import NotDifferentiable, Sample, is_traced, primitive, stop_gradient
from opreg_numpy._form import like
from opreg_numpy._samples import backwards, fortran, normal, read_only, single, strided
from opreg_scipy.special.gamma import hurwitz_difference
from opreg_scipy.stats._location_scale import PRECISION, as_array, per

CUTOFF = 1e6 * np.finfo(float).eps  # of SciPy, for what is zero beside the greatest eigenvalue


# ---------------------------------------------------------------------------------------- normal distribution
@primitive("scipy.stats.multivariate_normal.logpdf")
def normal_logpdf(x, mean, cov, /, *, allow_singular=False):
    """-(d log 2 pi + log det c + (x - mean)^T c^-1 (x - mean)) / 2, of vectors x along the last axis"""
    return scipy.stats.multivariate_normal.logpdf(x, mean, _symmetric(cov), allow_singular)


@primitive("scipy.stats.multivariate_normal.pdf")
def normal_pdf(x, mean, cov, /, *, allow_singular=False):
    """The exponential of logpdf"""
    return scipy.stats.multivariate_normal.pdf(x, mean, _symmetric(cov), allow_singular)


@primitive("scipy.stats.multivariate_normal.entropy")
def normal_entropy(cov, /, *, mean=None):
    """(d log 2 pi + d + log det c) / 2, which does not depend on the mean"""
    return scipy.stats.multivariate_normal.entropy(mean, _symmetric(cov))


def _refuse_objects(cov):
    if isinstance(cov, getattr(scipy.stats, "Covariance", ())):
        raise NotDifferentiable(
            "scipy.stats.multivariate_normal is differentiated with a covariance that is an array. Pass the matrix, "
            "cov.covariance"
        )


@normal_logpdf.called_as
@normal_pdf.called_as
def _(x, mean=None, cov=1, allow_singular=False):
    _refuse_objects(cov)
    return (as_array(x), as_array(mean), 1.0 if cov is None else as_array(cov)), {
        "allow_singular": allow_singular
    }


@normal_entropy.called_as
def _(mean=None, cov=1):
    _refuse_objects(cov)
    return (1.0 if cov is None else as_array(cov),), {"mean": stop_gradient(mean)}


def _symmetric(cov):
    """(c + c^T) / 2 of a square matrix; anything else as it is, for SciPy to judge"""
    shape = np.shape(cov)
    if len(shape) != 2 or shape[0] != shape[1]:
        return cov
    return _halves(np.asarray(cov, float))


def _matrix(cov, mean):
    """The covariance as a symmetric matrix in double precision, of a matrix, of a diagonal or of a number"""
    if np.ndim(cov) == 2:
        return _halves(np.float64(1) * cov)
    return cov * np.eye(np.size(mean if np.ndim(cov) == 0 and mean is not None else cov))


def _halves(x):
    return (x + np.transpose(x)) / 2


def _points(x, d):
    """The points along the last axis: a vector is one of them or, if they are numbers, many"""
    if np.ndim(x) == 0:
        return np.reshape(x, (1,))
    if np.ndim(x) == 1:
        return np.reshape(x, (-1, 1) if d == 1 else (1, -1))
    return x


def _has_full_rank(matrix):
    """Tell whether no eigenvalue is as small as those that SciPy drops from a singular matrix"""
    values = np.linalg.eigvalsh(stop_gradient(matrix))
    return bool(np.all(values > CUTOFF * np.max(np.abs(values))))


def _refuse_singular(matrix):
    if not _has_full_rank(matrix):
        raise np.linalg.LinAlgError(
            "scipy.stats.multivariate_normal has no derivative with respect to a singular covariance: next to it are "
            "matrices of another rank, with other supports"
        )


def _solved(x, mean, cov, allow_singular):
    """(c, y) with y = c^-1 (x - mean); of a singular c by its pseudo-inverse, the derivative along its support"""
    matrix = _matrix(cov, mean)
    d = np.shape(matrix)[-1]
    offset = _points(x, d) - (np.zeros(d) if mean is None else np.reshape(mean, (d,)))
    rows = np.float64(1) * np.reshape(offset, (-1, d))
    if allow_singular and not _has_full_rank(matrix):
        if is_traced(cov):
            _refuse_singular(matrix)
        y = np.matmul(rows, np.linalg.pinv(matrix, CUTOFF))
    else:
        y = np.transpose(np.linalg.solve(matrix, np.transpose(rows)))
    return matrix, np.reshape(y, np.shape(offset))


def _per_point(g, y):
    """A cotangent of the results, which SciPy squeezes, beside the points"""
    return np.reshape(g, (*np.shape(y)[:-1], 1))


def _x_cotangent(g, x, mean, cov, allow_singular):
    """-y"""
    matrix, y = _solved(x, mean, cov, allow_singular)
    points = _points(x, np.shape(matrix)[-1])
    return np.reshape(like(-_per_point(g, y) * y, points), np.shape(x))


def _x_tangent(t, out, x, mean, cov, allow_singular):
    matrix, y = _solved(x, mean, cov, allow_singular)
    return -np.reshape(np.sum(_points(t, np.shape(matrix)[-1]) * y, axis=-1), np.shape(out))


def _mean_cotangent(g, x, mean, cov, allow_singular):
    """y, summed over the points"""
    _, y = _solved(x, mean, cov, allow_singular)
    total = np.sum(np.reshape(_per_point(g, y) * y, (-1, np.size(mean))), axis=0)
    return like(np.reshape(total, np.shape(mean)), mean)


def _mean_tangent(t, out, x, mean, cov, allow_singular):
    _, y = _solved(x, mean, cov, allow_singular)
    return np.reshape(np.sum(np.reshape(t, (-1,)) * y, axis=-1), np.shape(out))


def _cov_cotangent(g, x, mean, cov, allow_singular):
    """(y y^T - c^-1) / 2, summed over the points"""
    matrix, y = _solved(x, mean, cov, allow_singular)
    _refuse_singular(matrix)
    rows = np.reshape(y, (-1, np.shape(matrix)[-1]))
    weighted = np.reshape(_per_point(g, y) * y, np.shape(rows))
    return _of_matrix((np.matmul(np.transpose(weighted), rows) - np.sum(g) * np.linalg.inv(matrix)) / 2, cov)


def _cov_tangent(t, out, x, mean, cov, allow_singular):
    matrix, y = _solved(x, mean, cov, allow_singular)
    _refuse_singular(matrix)
    change = _matrix(t, mean)
    square = np.sum(np.matmul(y, change) * y, axis=-1)
    return np.reshape(square - np.sum(np.linalg.inv(matrix) * change), np.shape(out)) / 2


def _of_matrix(g, cov):
    """The cotangent of the covariance as it was given, from that of the matrix"""
    if np.ndim(cov) == 2:
        return like(_halves(g), cov)
    diagonal = np.diagonal(g)
    return like(diagonal if np.ndim(cov) == 1 else np.sum(diagonal), cov)


normal_logpdf.defvjp(x=_x_cotangent, mean=_mean_cotangent, cov=_cov_cotangent)
normal_logpdf.defjvp(x=_x_tangent, mean=_mean_tangent, cov=_cov_tangent)


def _times_out(rule):
    """The rule of a density, from that of its logarithm"""
    return lambda g, out, x, mean, cov, allow_singular: rule(g * out, x, mean, cov, allow_singular)


def _out_times(rule):
    return lambda t, out, x, mean, cov, allow_singular: out * rule(t, out, x, mean, cov, allow_singular)


normal_pdf.defvjp(
    x=_times_out(_x_cotangent), mean=_times_out(_mean_cotangent), cov=_times_out(_cov_cotangent)
)
normal_pdf.defjvp(x=_out_times(_x_tangent), mean=_out_times(_mean_tangent), cov=_out_times(_cov_tangent))


def _entropy_cotangent(g, cov, mean):
    """c^-1 / 2"""
    matrix = _matrix(cov, mean)
    _refuse_singular(matrix)
    return _of_matrix(g * np.linalg.inv(matrix) / 2, cov)


def _entropy_tangent(t, cov, mean):
    matrix = _matrix(cov, mean)
    _refuse_singular(matrix)
    return np.sum(np.linalg.inv(matrix) * _matrix(t, mean)) / 2


normal_entropy.defvjp(cov=_entropy_cotangent).defjvp(cov=_entropy_tangent)


# -------------------------------------------------------------------------------------- Dirichlet's distribution
@primitive("scipy.stats.dirichlet.logpdf")
def dirichlet_logpdf(x, alpha, /):
    """log Gamma(sum alpha) - sum log Gamma(alpha) + sum (alpha - 1) log x, along the first axis of x

    The last component may be left out; it is one less the sum of the others. Where all are given the derivative is that
    of the formula, for each of them by itself.
    """
    return scipy.stats.dirichlet.logpdf(x, alpha)


@primitive("scipy.stats.dirichlet.pdf")
def dirichlet_pdf(x, alpha, /):
    """The exponential of logpdf"""
    return scipy.stats.dirichlet.pdf(x, alpha)


@dirichlet_logpdf.called_as
@dirichlet_pdf.called_as
def _(x, alpha):
    return (as_array(x), as_array(alpha)), {}


def _components(x, alpha):
    """All components, and alpha beside them"""
    if np.shape(x)[0] < np.shape(alpha)[0]:
        x = np.concatenate((x, 1 - np.sum(x, axis=0, keepdims=True)))
    return x, _beside(alpha, x)


def _beside(alpha, x):
    return np.reshape(alpha, (-1,) + (1,) * (np.ndim(x) - 1))


def _by_component(nothing, x, alpha):
    """(alpha - 1) / x, less that of the last component if it was left out; 0 where there is no density"""
    whole, beside = _components(x, alpha)
    score = per(np.where(nothing, 0.0, beside - 1), np.where(nothing, 1.0, whole))
    return score[:-1] - score[-1:] if np.shape(x)[0] < np.shape(whole)[0] else score


def _by_alpha(nothing, x, alpha):
    """log x + psi(sum alpha) - psi(alpha); 0 where there is no density"""
    whole, _ = _components(x, alpha)
    others = np.matmul(1 - np.eye(np.shape(alpha)[0]), alpha)
    change = np.log(np.where(nothing, 1.0, whole)) + _beside(hurwitz_difference(alpha, others), whole)
    return np.where(nothing, 0.0, change)


def _weight(g, x):
    """A cotangent of the results, which SciPy squeezes, beside the components"""
    return np.reshape(g, (1, *np.shape(x)[1:]))


def _contracted(weighted, alpha):
    return like(np.sum(np.reshape(weighted, (np.shape(alpha)[0], -1)), axis=1), alpha)


def _summed(change, out):
    """A tangent of the results, of what the components contribute"""
    return like(np.reshape(np.sum(change, axis=0), np.shape(out)), out)


def _log_density_by_component(out, x, alpha):
    return _by_component(np.equal(_weight(out, x), -np.inf), x, alpha)


def _log_density_by_alpha(out, x, alpha):
    return _by_alpha(np.equal(_weight(out, x), -np.inf), x, alpha)


dirichlet_logpdf.defvjp(
    x=lambda g, out, x, alpha: like(_weight(g, x) * _log_density_by_component(out, x, alpha), x),
    alpha=lambda g, out, x, alpha: _contracted(_weight(g, x) * _log_density_by_alpha(out, x, alpha), alpha),
)
dirichlet_logpdf.defjvp(
    x=lambda t, out, x, alpha: _summed(t * _log_density_by_component(out, x, alpha), out),
    alpha=lambda t, out, x, alpha: _summed(_beside(t, x) * _log_density_by_alpha(out, x, alpha), out),
)


def _density_by_component(out, x, alpha):
    """The density times its logarithm's derivative; on a face of the simplex the products without one factor each

    They are (alpha_i - 1) x_i^(alpha_i - 2) times the other powers, which need not be 0 where the density is.
    """
    whole, beside = _components(x, alpha)
    zero = np.equal(whole, 0)
    if not np.any(zero):
        return _weight(out, x) * _by_component(False, x, alpha)
    count = np.shape(alpha)[0]
    each = np.reshape(np.eye(count), (count, *np.shape(beside)))
    powers = beside - 1 - np.where(np.equal(beside, 1) & zero, 0.0, each)
    logarithm = np.sum(powers * np.log(np.where(zero, 1.0, whole)), axis=1)
    logarithm = logarithm + scipy.special.gammaln(np.sum(alpha)) - np.sum(scipy.special.gammaln(alpha))
    vanishing = np.prod(np.where(zero, np.where(zero, whole, 1.0) ** powers, 1.0), axis=1)
    change = (beside - 1) * np.exp(logarithm) * vanishing
    return change[:-1] - change[-1:] if np.shape(x)[0] < count else change


def _density_by_alpha(out, x, alpha):
    """The density times its logarithm's derivative, 0 where the density is 0"""
    return _weight(out, x) * _by_alpha(np.equal(_weight(out, x), 0), x, alpha)


dirichlet_pdf.defvjp(
    x=lambda g, out, x, alpha: like(_weight(g, x) * _density_by_component(out, x, alpha), x),
    alpha=lambda g, out, x, alpha: _contracted(_weight(g, x) * _density_by_alpha(out, x, alpha), alpha),
)
dirichlet_pdf.defjvp(
    x=lambda t, out, x, alpha: _summed(t * _density_by_component(out, x, alpha), out),
    alpha=lambda t, out, x, alpha: _summed(_beside(t, x) * _density_by_alpha(out, x, alpha), out),
)

for _made in dirichlet_pdf, dirichlet_logpdf:
    for _condition in (
        "np.shape(x)[0] < count",
        "np.shape(x)[0] < np.shape(whole)[0]",
        "np.shape(x)[0] < np.shape(alpha)[0]",
    ):
        _made.leave_unchecked(
            _condition,
            "SciPy takes no point off the simplex: with all components given there is no difference quotient",
        )

_FACE = (
    "where there is no density its logarithm has no difference quotient; tests of their own visit the faces"
)
_SHAPE = (
    "points of rank 3 are taken with all their components alone, of which there is no difference quotient"
)
_FILLER = "any number will do in the place of what is masked out"
for _made in dirichlet_pdf, dirichlet_logpdf:
    for _change in (
        "np.where(nothing, 0.0, beside - 1) -> ...",
        "np.where(nothing, 1.0, whole) -> ...",
        "np.where(nothing, 0.0, change) -> ...",
        "0.0 -> 1e-06",
        "1.0 -> 1.000001",
    ):
        _made.waive_mutant("*", _change, _FACE if _made is dirichlet_logpdf else _FILLER)
    for _change in (
        "_weight(g, x) -> g",
        "_weight(out, x) -> out",
        "np.reshape(g, (1, *np.shape(x)[1:])) -> g",
        "np.reshape(np.sum(change, axis=0), np.shape(out)) -> np.sum(change, axis=0)",
        "np.shape(x)[0] < np.shape(whole)[0] -> np.shape(x)[0] <= np.shape(whole)[0]",
        "np.shape(x)[0] < np.shape(alpha)[0] -> np.shape(x)[0] <= np.shape(alpha)[0]",
        "score -> -score",
    ):
        _made.waive_mutant("*", _change, _SHAPE)
    _made.waive_mutant("*", "-1 -> -2", "np.reshape takes any negative number for what is left")
    _made.waive_mutant(
        "*",
        "np.matmul(1 - np.eye(np.shape(alpha)[0]), alpha) -> np.matmul(alpha, 1 - np.eye(np.shape(alpha)[0]))",
        "the matrix is symmetric",
    )
dirichlet_logpdf.waive_mutant("*", "-np.inf -> np.inf", _FACE)
for _change in "np.shape(x)[0] < count -> np.shape(x)[0] <= count", "change -> -change":
    dirichlet_pdf.waive_mutant("*", _change, _SHAPE)
for _change in (
    "np.where(zero, np.where(zero, whole, 1.0) ** powers, 1.0) -> np.where(zero, whole, 1.0) ** powers",
    "np.where(zero, whole, 1.0) -> whole",
):
    dirichlet_pdf.waive_mutant("*", _change, _FILLER)
dirichlet_pdf.waive_mutant(
    "*", "np.where(np.equal(beside, 1) & zero, 0.0, each) -> each", "the factor alpha - 1 is 0 there"
)

_SINGULAR = "next to a singular covariance there is no difference quotient; tests of their own visit it"
_ROUNDING = "of a symmetric matrix this is only rounding"
_DIAGONAL = "what is off the diagonal is zero here, or meets a zero"
for _made in normal_pdf, normal_logpdf, normal_entropy:
    for _change in "_has_full_rank -> ...", "_refuse_singular(matrix) -> matrix":
        _made.waive_mutant("*", _change, _SINGULAR)
normal_entropy.waive_mutant("cov", "_halves(g) -> g", _ROUNDING)
normal_entropy.waive_mutant("cov", "np.diagonal(g) -> g", _DIAGONAL)
normal_entropy.waive_mutant("cov", "_matrix(t, mean) -> t", _DIAGONAL)
normal_entropy.waive_mutant(
    "cov", "np.sum(diagonal) -> diagonal", "a vector is summed where it is fitted to a number"
)
for _change in (
    "(x + np.transpose(x)) / 2 -> ...",
    "2 -> 3",
    "2 -> 2.000002",
):
    normal_entropy.waive_mutant("cov", _change, "a factor of the matrix and of its change divides out")

_SQUARE = (
    "a square matrix has as many rows as columns, and np.reshape takes any negative number for what is left"
)
_VECTOR = "a mean is a vector, or a number that is fitted or broadcasts"
_SIZE = "a diagonal has as many elements as the mean, and what has no mean is a number"
for _made in normal_pdf, normal_logpdf:
    for _change, _reason in {
        "-1 -> 1": _SQUARE,
        "-1 -> -2": _SQUARE,
        "allow_singular -> its default False": _SINGULAR,
        "np.reshape(mean, (d,)) -> mean": _VECTOR,
        "np.reshape(total, np.shape(mean)) -> total": _VECTOR,
        "np.reshape(t, (-1,)) -> t": _VECTOR,
        "np.reshape(x, (1,)) -> x": _VECTOR,
        "np.float64(1) * np.reshape(offset, (-1, d)) -> np.reshape(offset, (-1, d))": PRECISION,
        "np.float64(1) * cov -> cov": PRECISION,
        "_solved -> ...": _SINGULAR,
        "_halves(g) -> g": _ROUNDING,
        "np.sum(diagonal) -> diagonal": "a vector is summed where it is fitted to a number",
    }.items():
        _made.waive_mutant("*", _change, _reason)
for _made in normal_pdf, normal_logpdf, normal_entropy:
    _made.waive_mutant("*", "np.ndim(cov) == 0 and mean is not None -> ...", _SIZE)

PRIMITIVES = [normal_logpdf, normal_pdf, normal_entropy, dirichlet_logpdf, dirichlet_pdf]


# ---------------------------------------------------------------------------------------------------- samples
def _definite(rng, d):
    """Return a matrix whose symmetric part is positive definite: SciPy gets that part."""
    x, skew = normal(rng, (d, d)), normal(rng, (d, d))
    return x @ x.T + d * np.eye(d) + (skew - skew.T) / 4


@normal_logpdf.samples
@normal_pdf.samples
def _normals(rng):
    yield Sample((normal(rng, (3,)), normal(rng, (3,)), _definite(rng, 3)), note="one point")
    yield Sample((normal(rng, (4, 2)), normal(rng, (2,)), _definite(rng, 2)), note="several points")
    yield Sample((normal(rng, (2, 4, 3)), normal(rng, (3,)), _definite(rng, 3)), note="a stack of points")
    yield Sample((normal(rng, (2, 1, 2)), normal(rng, (2,)), _definite(rng, 2)), note="squeezed")
    yield Sample((normal(rng, (4, 3)),), {"cov": _definite(rng, 3)}, note="the mean by default")
    yield Sample((normal(rng, (4, 3)), normal(rng, (3,))), note="the covariance by default")
    yield Sample((normal(rng, (4, 3)), normal(rng, (3,)), None), note="no covariance")
    yield Sample((normal(rng, (4,)),), note="numbers, all by default")
    yield Sample((normal(rng, (4, 3)), normal(rng, (3,)), float(rng.uniform(0.5, 2))), note="a multiple of 1")
    yield Sample((normal(rng, (4, 3)), normal(rng, (3,)), rng.uniform(0.5, 2, 3)), note="a diagonal")
    yield Sample((normal(rng, (4,)), normal(rng, ()), rng.uniform(0.5, 2, ())), note="numbers")
    yield Sample((float(normal(rng)), float(normal(rng)), 1.5), note="Python floats")
    yield Sample((normal(rng, (2, 3, 1)), normal(rng, (1,)), rng.uniform(0.5, 2, (1, 1))), note="d is 1")
    yield Sample((normal(rng, (3, 1)), normal(rng, (2,)), _definite(rng, 2)), note="x broadcasts")
    yield Sample((normal(rng, (3, 1)),), {"cov": _definite(rng, 2)}, note="x broadcasts, no mean")
    yield Sample((normal(rng, ()), normal(rng, (2,)), rng.uniform(0.5, 2, (2,))), note="x is a number")
    yield Sample(
        (normal(rng, (4, 2)), normal(rng, (2,)), _definite(rng, 2)), {"allow_singular": True}, note="regular"
    )
    yield Sample(
        (single(rng, (4, 2)), single(rng, (2,)), _definite(rng, 2).astype(np.float32)), note="float32"
    )
    yield Sample((np.array([[1, 2]]), normal(rng, (2,)), np.array([[2, 1], [1, 2]])), note="integers")
    yield Sample((fortran(normal(rng, (4, 2))), strided(normal(rng, (2,))), backwards(_definite(rng, 2))))
    yield Sample((read_only(normal(rng, (2,))), np.zeros(2), fortran(_definite(rng, 2))), note="layouts")
    x = normal(rng, (2,)) + 3
    yield Sample((x, x, x**2), note="one array in all places")


@normal_entropy.samples
def _entropies(rng):
    yield Sample((normal(rng, (3,)), _definite(rng, 3)))
    yield Sample((), {"cov": _definite(rng, 2)}, note="no mean")
    yield Sample((normal(rng, (3,)), float(rng.uniform(0.5, 2))), note="a multiple of 1")
    yield Sample((np.zeros(3), rng.uniform(0.5, 2, 3)), note="a diagonal")
    yield Sample((0.0, float(rng.uniform(0.5, 2))), note="Python floats")
    yield Sample((None, rng.uniform(0.5, 2, (1,))), note="d is 1")
    yield Sample((), {"cov": _definite(rng, 2).astype(np.float32)}, note="float32")
    yield Sample((), {"cov": fortran(_definite(rng, 3))}, note="Fortran order")
    yield Sample((), {"cov": backwards(_definite(rng, 2))}, note="negative strides")


def _simplex(rng, *shape):
    """Return all but the last component of points away from the edges of a simplex."""
    x = rng.uniform(0.5, 1.5, shape)
    return (x / np.sum(x, axis=0))[:-1]


@dirichlet_logpdf.samples
@dirichlet_pdf.samples
def _points_of_simplex(rng):
    alpha = rng.uniform(1.2, 4.0, 3)
    yield Sample((_simplex(rng, 3), alpha), note="one point")
    yield Sample((_simplex(rng, 3, 4), alpha), note="several points")
    yield Sample((_simplex(rng, 2, 4), rng.uniform(0.3, 0.9, 2)), note="alpha below 1")
    yield Sample((_simplex(rng, 3, 1), alpha), note="squeezed")
    yield Sample((_simplex(rng, 4), np.array([1, 2, 3, 1])), note="integers beside floats")
    yield Sample((_simplex(rng, 3, 2).astype(np.float32), alpha.astype(np.float32)), note="float32")
    yield Sample((_simplex(rng, 3, 2), alpha.astype(np.float32)), note="float32 and float64")
    yield Sample((fortran(_simplex(rng, 3, 4)), strided(alpha)), note="Fortran order, strided")
    yield Sample((backwards(_simplex(rng, 3, 4)), read_only(alpha)), note="negative strides, read-only")
    yield Sample((np.array([0.0, 0.25, 0.5]), np.array([2.0, 1.0, 3.0, 2.5])), note="on a face")
    yield Sample(
        (np.array([[0.25, 0.0], [0.5, 0.5]]), np.array([2.0, 3.0, 1.0])), note="on a face, one of two"
    )
