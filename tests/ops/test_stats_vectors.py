"""Discrete distributions and distributions of vectors."""

import numpy as np
import pytest
from scipy import special, stats

import opreg
import opreg.scipy
from opreg.testing import conformance
from opreg_scipy.stats import discrete, multivariate

test_rules = pytest.mark.slow(
    conformance(*(p.name for p in [*discrete.PRIMITIVES, *multivariate.PRIMITIVES]), samples=1)
)

poisson = opreg.scipy.stats.poisson
normal = opreg.scipy.stats.multivariate_normal
dirichlet = opreg.scipy.stats.dirichlet


# ------------------------------------------------------------------------------------------------- Poisson's
@pytest.mark.parametrize(("k", "mu"), [(0, 0.5), (3, 2.5), (40, 1e-3), (2, 300.0), (1000, 1000.5)])
def test_the_derivatives_of_poisson_by_the_rate(k, mu) -> None:
    p = stats.poisson.pmf(k, mu)
    assert opreg.grad(poisson.logpmf, 1)(k, mu) == pytest.approx((k - mu) / mu, rel=1e-15)
    assert opreg.grad(poisson.pmf, 1)(k, mu) == pytest.approx(p * (k - mu) / mu, rel=1e-15)
    assert opreg.grad(poisson.cdf, 1)(k, mu) == pytest.approx(-p, rel=1e-15)
    assert opreg.grad(poisson.sf, 1)(k, mu) == pytest.approx(p, rel=1e-15)


def test_a_rate_of_zero_has_the_derivatives_from_above() -> None:
    assert [opreg.grad(poisson.pmf, 1)(k, 0.0) for k in range(4)] == [-1.0, 1.0, 0.0, 0.0]
    assert [opreg.grad(poisson.logpmf, 1)(k, 0.0) for k in range(2)] == [-1.0, 0.0]


def test_what_is_no_count_has_no_probability_to_change() -> None:
    for k in (-1, 1.5):
        assert opreg.grad(poisson.pmf, 1)(k, 2.0) == 0.0
        assert opreg.grad(poisson.logpmf, 1)(k, 2.0) == 0.0
    assert opreg.grad(poisson.cdf, 1)(1.5, 2.0) == -stats.poisson.pmf(1, 2.0)
    assert opreg.grad(poisson.cdf, 1)(1.5, 2.0, loc=1.0) == -stats.poisson.pmf(0, 2.0)


def test_a_negative_rate_gives_nan() -> None:
    for method in (poisson.pmf, poisson.logpmf, poisson.cdf, poisson.sf):
        assert np.isnan(opreg.grad(method, 1)(1, -2.0))


def test_the_count_and_its_origin_have_no_derivative() -> None:
    for argument in (0, 2):
        with pytest.raises(opreg.NotDifferentiable, match="which count"):
            opreg.grad(poisson.pmf, argument)(1.0, 2.0, 0.0)


# ---------------------------------------------------------------------------------------- normal distribution
COV = np.array([[2.0, 0.5, 0.25], [0.5, 1.5, -0.5], [0.25, -0.5, 1.0]])
MEAN = np.array([0.5, -1.0, 0.25])


def test_the_derivatives_of_the_normal_density() -> None:
    x = np.array([1.0, 0.5, -0.5])
    by_x, by_mean, by_cov = opreg.grad(normal.logpdf, (0, 1, 2))(x, MEAN, COV)
    inverse = np.linalg.inv(COV)
    y = inverse @ (x - MEAN)
    np.testing.assert_allclose(by_x, -y, rtol=1e-13)
    np.testing.assert_allclose(by_mean, y, rtol=1e-13)
    np.testing.assert_allclose(by_cov, (np.outer(y, y) - inverse) / 2, rtol=1e-12)
    p = stats.multivariate_normal.pdf(x, MEAN, COV)
    np.testing.assert_allclose(opreg.grad(normal.pdf, 2)(x, MEAN, COV), p * by_cov, rtol=1e-12)
    np.testing.assert_allclose(opreg.grad(normal.entropy, 1)(MEAN, COV), inverse / 2, rtol=1e-12)


def test_the_cotangent_of_a_covariance_is_symmetric_whichever_triangle_is_read() -> None:
    for c in (np.tril(COV), np.triu(COV)):
        whole = (c + c.T) / 2
        got = opreg.grad(normal.logpdf, 2)(MEAN + 1, MEAN, c)
        np.testing.assert_array_equal(got, got.T)
        np.testing.assert_allclose(got, opreg.grad(normal.logpdf, 2)(MEAN + 1, MEAN, whole), rtol=1e-14)


@pytest.mark.parametrize("cov", [1.5, np.array([1.5, 0.5, 2.0])], ids=["a number", "a diagonal"])
def test_a_covariance_that_is_no_matrix(cov) -> None:
    x = np.array([[1.0, 0.5, -0.5], [0.25, 1.0, 2.0]])
    z = (x - MEAN) / np.sqrt(cov)
    terms = np.sum((z * z - 1) / cov / 2, axis=0)
    got = opreg.grad(lambda c: np.sum(normal.logpdf(x, MEAN, c)))(cov)
    np.testing.assert_allclose(got, terms if np.ndim(cov) else np.sum(terms), rtol=1e-13)


def test_numbers_are_vectors_of_one_component() -> None:
    x = np.array([0.5, 1.5, -1.0])
    got = opreg.grad(lambda x, m, v: np.sum(normal.logpdf(x, m, v)), (0, 1, 2))(x, 0.25, 2.0)
    one = opreg.scipy.stats.norm
    expected = opreg.grad(lambda x, m, v: np.sum(one.logpdf(x, m, np.sqrt(v))), (0, 1, 2))(x, 0.25, 2.0)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_the_entropy_does_not_depend_on_the_mean() -> None:
    np.testing.assert_array_equal(opreg.grad(lambda m: normal.entropy(m, COV) + 0 * m[0])(MEAN), np.zeros(3))


def test_a_singular_covariance_has_a_density_along_its_support_and_no_derivative_itself() -> None:
    direction = np.array([1.0, 2.0, 2.0]) / 3
    cov = 4 * np.outer(direction, direction)
    x = 3 * direction
    got = opreg.grad(normal.logpdf)(x, np.zeros(3), cov, allow_singular=True)
    np.testing.assert_allclose(got, -3 / 4 * direction, rtol=1e-12)
    for f in (normal.logpdf, normal.pdf):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            opreg.grad(f, 2)(x, np.zeros(3), cov, allow_singular=True)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        opreg.grad(normal.entropy, 1)(None, cov)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        opreg.jacobian(opreg.grad(lambda x, c: normal.logpdf(x, np.zeros(3), c, True)), 1)(x, cov)


def test_errors_are_those_of_scipy() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        opreg.grad(normal.logpdf)(np.zeros(2), np.zeros(2), np.ones((2, 2)))
    with pytest.raises(ValueError, match="positive semidefinite"):
        opreg.grad(normal.logpdf)(np.zeros(2), np.zeros(2), -np.eye(2))
    with pytest.raises(ValueError, match="square"):
        opreg.grad(normal.logpdf)(np.zeros(2), np.zeros(2), np.ones((2, 3)))


def test_covariance_objects_are_refused_by_name() -> None:
    cov = stats.Covariance.from_diagonal([1.0, 2.0])
    with pytest.raises(opreg.NotDifferentiable, match=r"cov\.covariance"):
        opreg.grad(lambda x: normal.logpdf(x, np.zeros(2), cov))(np.ones(2))


# -------------------------------------------------------------------------------------- Dirichlet's distribution
ALPHA = np.array([2.0, 3.5, 0.75])


def test_the_derivatives_of_the_dirichlet_density() -> None:
    x = np.array([0.25, 0.5, 0.25])
    by_alpha = np.log(x) - special.psi(ALPHA) + special.psi(ALPHA.sum())
    np.testing.assert_allclose(opreg.grad(dirichlet.logpdf, 1)(x, ALPHA), by_alpha, rtol=1e-12)
    np.testing.assert_allclose(opreg.grad(dirichlet.logpdf)(x, ALPHA), (ALPHA - 1) / x, rtol=1e-14)
    p = stats.dirichlet.pdf(x, ALPHA)
    np.testing.assert_allclose(opreg.grad(dirichlet.pdf)(x, ALPHA), p * (ALPHA - 1) / x, rtol=1e-14)


def test_a_component_left_out_is_one_less_the_others() -> None:
    x = np.array([0.25, 0.5, 0.25])
    score = (ALPHA - 1) / x
    np.testing.assert_allclose(opreg.grad(dirichlet.logpdf)(x[:2], ALPHA), score[:2] - score[2], rtol=1e-14)
    tangent = np.array([0.5, -1.0])
    _, moved = opreg.jvp(lambda x: dirichlet.logpdf(x, ALPHA), (x,), (np.append(tangent, 0.5),))
    _, other = opreg.jvp(lambda x: dirichlet.logpdf(x, ALPHA), (x[:2],), (tangent,))
    assert moved == pytest.approx(other, rel=1e-14)


def test_a_dirichlet_of_two_is_a_beta_distribution() -> None:
    got = opreg.grad(dirichlet.logpdf, (0, 1))(np.array([0.25]), np.array([2.5, 3.5]))
    by_x, by_a, by_b = opreg.grad(opreg.scipy.stats.beta.logpdf, (0, 1, 2))(0.25, 2.5, 3.5)
    np.testing.assert_allclose(np.concatenate(got), [by_x, by_a, by_b], rtol=1e-13)


def test_on_a_face_of_the_simplex() -> None:
    x, alpha = np.array([0.0, 0.25, 0.75]), np.array([2.0, 2.0, 3.0])
    factor = special.gamma(7.0) / (special.gamma(2.0) ** 2 * special.gamma(3.0))
    expected = [factor * 0.25 * 0.75**2, 0.0, 0.0]
    np.testing.assert_allclose(opreg.grad(dirichlet.pdf)(x, alpha), expected, rtol=1e-13)
    np.testing.assert_array_equal(opreg.grad(dirichlet.pdf, 1)(x, alpha), np.zeros(3))
    np.testing.assert_array_equal(opreg.grad(dirichlet.logpdf)(x, alpha), np.zeros(3))


def test_points_off_the_simplex_are_refused_as_by_scipy() -> None:
    with pytest.raises(ValueError, match="simplex"):
        opreg.grad(dirichlet.logpdf)(np.array([0.5, 0.25, 0.5]), ALPHA)
    with pytest.raises(ValueError, match="greater than 0"):
        opreg.grad(dirichlet.logpdf, 1)(np.array([0.5, 0.5]), np.array([1.0, -1.0]))


def test_sequences_serve_as_arrays() -> None:
    got = opreg.grad(lambda a: dirichlet.logpdf([0.25, 0.75], [a, 2.0]))(1.5)
    assert got == pytest.approx(opreg.grad(opreg.scipy.stats.beta.logpdf, 1)(0.25, 1.5, 2.0), rel=1e-13)
    got = opreg.grad(lambda m: normal.logpdf([1.0, 0.5], [m, 0.0], [1.0, 2.0]))(0.25)
    assert got == 0.75
