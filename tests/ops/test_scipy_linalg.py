"""Linear algebra of SciPy: analytic values, extreme matrices against mpmath, conventions, refusals."""

import mpmath
import numpy as np
import pytest
import scipy.linalg
from families import names_of

import opreg
from opreg import scipy as sp
from opreg.testing import conformance
from opreg_scipy import linalg

test_rules = pytest.mark.slow(conformance(*names_of(linalg), samples=1))

RNG = np.random.default_rng(7)
A = RNG.standard_normal((3, 3)) + 3 * np.eye(3)
B, G = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))
S = A @ A.T


def cotangent(function, x, g=G):
    return opreg.vjp(function, x)[1](np.asarray(g))[0]


def test_solving_is_multiplying_by_the_inverse() -> None:
    u = np.linalg.inv(A).T @ G
    for solve in sp.linalg.solve, lambda a, b: sp.linalg.lu_solve(sp.linalg.lu_factor(a), b):
        of_a, of_b = opreg.vjp(solve, A, B)[1](G)
        np.testing.assert_allclose(of_a, -u @ np.linalg.solve(A, B).T, rtol=1e-12)
        np.testing.assert_allclose(of_b, u, rtol=1e-12)


@pytest.mark.parametrize("structure", ["sym", "her", "pos"])
def test_of_a_structured_matrix_the_cotangent_has_the_structure(structure) -> None:
    found = cotangent(lambda s: sp.linalg.solve(s, B, assume_a=structure), S)
    general = cotangent(lambda s: sp.linalg.solve(s, B), S)
    np.testing.assert_allclose(found, (general + general.T) / 2, rtol=1e-11)


@pytest.mark.parametrize("lower", [False, True])
def test_what_a_triangular_solve_does_not_read_has_the_derivative_zero(lower) -> None:
    kept = np.tril(np.ones((3, 3)), -1) if lower else np.triu(np.ones((3, 3)), 1)
    for unit in False, True:
        found = cotangent(lambda a, u=unit: sp.linalg.solve_triangular(a, B, 0, lower, u), A)
        np.testing.assert_array_equal(found != 0, kept + (0 if unit else np.eye(3)) != 0)


def test_a_band_is_a_matrix() -> None:
    ab = np.array([[0.0, 1, 2, 3], [5, 6, 7, 8], [1, 2, 1, 0], [2, 1, 0, 0]])
    dense = sum(np.diag(ab[1 - k][max(k, 0) : 4 + min(k, 0)], k) for k in (1, 0, -1, -2))
    g = np.arange(4.0)
    found = cotangent(lambda ab: sp.linalg.solve_banded((2, 1), ab, np.ones(4)), ab, g)
    of_dense = cotangent(lambda a: np.linalg.solve(a, np.ones(4)), dense, g)
    for k in 1, 0, -1, -2:
        np.testing.assert_allclose(found[1 - k][max(k, 0) : 4 + min(k, 0)], np.diag(of_dense, k), rtol=1e-12)
    assert found[0, 0] == found[2, 3] == found[3, 2] == found[3, 3] == 0.0


def test_matrix_equations_as_linear_systems() -> None:
    one = np.eye(3)

    def kron(a):
        return np.linalg.solve(np.kron(a, one) + np.kron(one, B.T), np.ravel(G)).reshape(3, 3)

    np.testing.assert_allclose(
        cotangent(lambda a: sp.linalg.solve_sylvester(a, B, G), A), cotangent(kron, A), rtol=1e-10
    )
    found = cotangent(lambda a: sp.linalg.solve_continuous_lyapunov(a, G), A)
    same = cotangent(lambda a: sp.linalg.solve_sylvester(a, np.transpose(a), G), A)
    np.testing.assert_allclose(found, same, rtol=1e-10)
    small = A / 10
    for method in "direct", "bilinear":
        x = sp.linalg.solve_discrete_lyapunov(small, G, method)
        moved = opreg.jvp(lambda a, m=method: sp.linalg.solve_discrete_lyapunov(a, G, m), (small,), (B,))[1]
        residual = B @ x @ small.T + small @ moved @ small.T + small @ x @ B.T - moved
        np.testing.assert_allclose(residual, 0, atol=1e-13)


def test_real_beside_complex_matrices_are_solved_for() -> None:
    """SciPy itself takes the real Schur form for triangular, and gives something else."""
    turn, q = np.array([[1.0, 2.0], [-3.0, 1.0]]), np.array([[1.0, 2j], [3.0, 1 - 1j]])
    x = opreg.vjp(lambda q: sp.linalg.solve_sylvester(turn, turn, q), q)[0]
    np.testing.assert_allclose(turn @ x + x @ turn, q, atol=1e-14)


@pytest.mark.filterwarnings("ignore:Input")
def test_a_singular_equation_is_refused() -> None:
    for call in (
        lambda q: sp.linalg.solve_sylvester(A, -A, q),
        lambda q: sp.linalg.solve_continuous_lyapunov(np.diag([1.0, -1.0, 2.0]), q),
    ):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            opreg.vjp(call, G)


@pytest.mark.parametrize("small", [1e-36, 1e-200])
@pytest.mark.filterwarnings("ignore:The logm input matrix may be nearly singular")
def test_the_root_and_the_logarithm_of_numbers_far_apart_are_differentiated_exactly(small) -> None:
    """SciPy's solution alone is that of an equation in which the small numbers are larger."""
    values = np.array([small, *np.ones(12)])
    a, roots = np.diag(values), np.sqrt(values)
    ones = np.ones_like(a)
    expected = 1 / (roots[:, None] + roots)
    np.testing.assert_allclose(cotangent(sp.linalg.sqrtm, a, ones), expected, rtol=1e-14)
    np.testing.assert_allclose(opreg.jvp(sp.linalg.sqrtm, (a,), (ones,))[1], expected, rtol=1e-14)
    np.testing.assert_allclose(np.diag(cotangent(sp.linalg.logm, a, ones)), 1 / values, rtol=1e-14)


@pytest.mark.parametrize("other", [2.0, 2.0j])
def test_a_sylvester_equation_of_triangles_with_small_and_large_corners_is_solved(other) -> None:
    a, q = np.array([[1e-20, 1.0], [0.0, 3.0]]), np.array([[5.0, 2.0], [3.0, 4.0]])
    b = np.diag([1e-30, other])
    x = opreg.vjp(lambda q: sp.linalg.solve_sylvester(a, b, q), q)[0]
    bottom = q[1] / (3.0 + np.diag(b))
    np.testing.assert_allclose(x[1], bottom, rtol=1e-14)
    np.testing.assert_allclose(x[0], (q[0] - bottom) / (1e-20 + np.diag(b)), rtol=1e-14, atol=1e-14)


def test_the_derivative_of_the_exponential_of_what_commutes() -> None:
    found = opreg.jvp(sp.linalg.expm, (A,), (A @ A,))[1]
    np.testing.assert_allclose(found, A @ A @ scipy.linalg.expm(A), rtol=1e-12)
    second = opreg.jvp(lambda a: opreg.jvp(sp.linalg.expm, (a,), (A,))[1], (A,), (A,))[1]
    np.testing.assert_allclose(second, A @ A @ scipy.linalg.expm(A), rtol=1e-12)
    assert np.squeeze(opreg.grad(lambda x: sp.linalg.expm(x)[0, 0])(0.5)) == pytest.approx(np.exp(0.5))


def exactly(function, a, e):
    """The Fréchet derivative in 60 digits: a corner of the function of [[a, e], [0, a]], on a path of blocks."""
    with mpmath.workdps(60):
        n, step = len(a), mpmath.mpf("1e-20")
        a, e = mpmath.matrix(a.tolist()), mpmath.matrix(e.tolist())
        difference = (function(a + step * e) - function(a - step * e)) / (2 * step)
        return np.array([[float(mpmath.re(difference[i, j])) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0])
def test_the_exponential_of_small_and_large_matrices(scale) -> None:
    a = scale * (A - 3 * np.eye(3))
    found, expected = opreg.jvp(sp.linalg.expm, (a,), (G,))[1], exactly(mpmath.expm, a, G)
    np.testing.assert_allclose(found, expected, atol=1e-12 * max(scale, 1) * np.abs(expected).max())


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_roots_and_logarithms_of_small_and_large_matrices(scale) -> None:
    a = scale * A
    for function, reference in (sp.linalg.sqrtm, mpmath.sqrtm), (sp.linalg.logm, mpmath.logm):
        found, expected = opreg.jvp(function, (a,), (G,))[1], exactly(reference, a, scale * G) / scale
        np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_logarithm_and_exponential_cancel() -> None:
    for a in A, A + 1j * B:
        g = G.astype(a.dtype)
        np.testing.assert_allclose(
            cotangent(lambda a: sp.linalg.logm(sp.linalg.expm(a / 4)), a, g), g / 4, atol=1e-11
        )


def test_a_real_matrix_with_a_complex_root() -> None:
    a = np.diag([-4.0, 9.0])
    out, pullback = opreg.vjp(sp.linalg.sqrtm, a)
    np.testing.assert_allclose(out, np.diag([2j, 3.0]))
    np.testing.assert_allclose(pullback(np.diag([1j, 0]))[0], [[0.25, 0], [0, 0]])  # Re(i / (2 * 2i))


@pytest.mark.parametrize("name", ["sqrtm", "logm"])
@pytest.mark.filterwarnings("ignore")
def test_of_a_singular_matrix_neither_root_nor_logarithm_has_a_derivative(name) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        cotangent(getattr(sp.linalg, name), np.diag([1.0, 0.0]), np.eye(2))


def test_the_determinant_of_single_precision_is_double() -> None:
    out, pullback = opreg.vjp(sp.linalg.det, A.astype(np.float32))
    found = pullback(out / out)[0]
    assert out.dtype == np.float64
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.linalg.det(A) * np.linalg.inv(A).T, rtol=1e-5)
    np.testing.assert_allclose(opreg.grad(sp.linalg.det)(np.ones((2, 2))), [[1.0, -1.0], [-1.0, 1.0]])


@pytest.mark.parametrize("lower", [False, True])
def test_factors_recompose_the_matrix(lower) -> None:
    def by_cholesky(s):
        c = sp.linalg.cholesky(s, lower)
        return c @ np.transpose(c) if lower else np.transpose(c) @ c

    np.testing.assert_allclose(cotangent(by_cholesky, S), (G + G.T) / 2, rtol=1e-10, atol=1e-12)
    found = cotangent(lambda s: sp.linalg.cho_solve(sp.linalg.cho_factor(s, lower), B), S)
    expected = cotangent(lambda s: np.linalg.solve((s + np.transpose(s)) / 2, B), S)
    np.testing.assert_allclose(found, expected, rtol=1e-10)

    def by_lu(a):
        p, low, up = sp.linalg.lu(a)
        return p @ low @ up

    def by_lu_of_rows(a):
        low, up = sp.linalg.lu(a, permute_l=True)
        return low @ up

    def by_qr(a):
        q, r, order = sp.linalg.qr(a, pivoting=True)
        return (q @ r)[:, np.argsort(opreg.stop_gradient(order))]

    def by_svd(a):
        u, s, vh = sp.linalg.svd(a)
        return (u * s) @ vh

    a = A[[2, 0, 1]]
    for function in by_lu, by_lu_of_rows, by_qr, by_svd:
        np.testing.assert_allclose(cotangent(function, a), G, rtol=1e-10, atol=1e-12)
    for rows, columns in (3, 2), (2, 3):
        np.testing.assert_allclose(
            cotangent(by_lu, a[:rows, :columns], G[:rows, :columns]), G[:rows, :columns], atol=1e-12
        )


def test_generalised_eigenvalues_are_those_of_the_quotient() -> None:
    b = np.diag([1.0, 2.0, 3.0]) + 0.1
    w, v = sp.linalg.eigh(S, b)
    of_a, of_b = opreg.vjp(lambda a, b: sp.linalg.eigvalsh(a, b), S, b)[1](np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(of_a, np.outer(v[:, 0], v[:, 0]), rtol=1e-10)
    np.testing.assert_allclose(of_b, -w[0] * np.outer(v[:, 0], v[:, 0]), rtol=1e-10)

    def normalised(b):
        v = sp.linalg.eigh(S, b)[1]
        return np.transpose(v) @ (b + np.transpose(b)) @ v

    np.testing.assert_allclose(cotangent(normalised, b), 0, atol=1e-12)


def test_repeated_eigenvalues_have_a_derivative_and_their_vectors_none() -> None:
    found = opreg.grad(lambda s: np.sum(sp.linalg.eigh(s)[0]))(np.eye(3))
    np.testing.assert_allclose(found, np.eye(3))
    assert np.isnan(opreg.grad(lambda s: np.sum(G * sp.linalg.eigh(s)[1]))(np.eye(3))).all()


@pytest.mark.parametrize(
    ("whole", "thin", "shape"),
    [
        (sp.linalg.svd, lambda a: sp.linalg.svd(a, full_matrices=False), (2, 3)),
        (sp.linalg.svd, lambda a: sp.linalg.svd(a, full_matrices=False), (3, 2)),
        (sp.linalg.qr, lambda a: sp.linalg.qr(a, mode="economic"), (3, 2)),
        (
            lambda a: sp.linalg.qr(a, pivoting=True)[:2],
            lambda a: sp.linalg.qr(a, mode="economic", pivoting=True)[:2],
            (3, 2),
        ),
        (
            lambda a: sp.linalg.qr(a, mode="r", pivoting=True)[:1],
            lambda a: sp.linalg.qr(a, mode="economic", pivoting=True)[1:2],
            (3, 2),
        ),
    ],
)
def test_the_first_vectors_of_a_complete_basis_have_their_derivatives_and_the_others_none(
    whole, thin, shape
) -> None:
    a, t = np.random.default_rng(0).standard_normal((2, *shape))
    first = [tuple(slice(n) for n in x.shape) for x in thin(a)]

    def total(f):
        return lambda a: sum(np.sum(x[part] ** 3) for x, part in zip(f(a), first, strict=True))

    np.testing.assert_allclose(opreg.grad(total(whole))(a), opreg.grad(total(thin))(a), rtol=1e-10)
    found, expected = (opreg.jvp(f, (a,), (t,))[1] for f in (whole, thin))
    for x, y, part in zip(found, expected, first, strict=True):
        np.testing.assert_allclose(x[part], y, rtol=1e-12, atol=1e-12)
        values = y is expected[:2][-1]  # or R, with zeros below it
        x[part] = 0 if values else np.nan
        assert np.all(x == 0) if values else np.all(np.isnan(x))
    if len(found) > 1 and found[0].size > expected[0].size:
        with pytest.raises(opreg.NotDifferentiable, match="completes"):
            opreg.grad(lambda a: np.sum(whole(a)[0] ** 3))(a)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda a: sp.linalg.qr(a, mode="raw"), "raw"),
        (lambda a: sp.linalg.sqrtm(a, disp=False), "disp"),
        (lambda a: sp.linalg.logm(a, disp=False), "disp"),
        (lambda a: sp.linalg.eigh(a, a, type=2), "type=1"),
        (lambda a: sp.linalg.eigh(a, subset_by_index=[0, 1]), "subset"),
        (lambda a: sp.linalg.eigvalsh(a, subset_by_value=[0, 1]), "subset"),
    ],
)
def test_what_has_no_derivative_is_refused_in_a_sentence(call, match) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=match):
        opreg.vjp(call, S)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda a: sp.linalg.solve(a, np.ones(2)), ValueError),
        (lambda a: sp.linalg.solve(a[0] * 0 + a, np.ones(3), assume_a="diagram"), ValueError),
        (lambda a: sp.linalg.solve_triangular(a[:2], np.ones(2)), ValueError),
        (lambda a: sp.linalg.solve_triangular(a, np.ones(len(a)), trans=9), ValueError),
        (lambda a: sp.linalg.solve_banded((1, 0), a, np.ones(3)), ValueError),
        (lambda a: sp.linalg.solve_sylvester(a, a, a[:2]), ValueError),
        (lambda a: sp.linalg.solve_discrete_lyapunov(a[:, :1], a), ValueError),
        (lambda a: sp.linalg.solve_discrete_lyapunov(a, a[:2, :2]), ValueError),
        (lambda a: sp.linalg.det(a[:2]), ValueError),
        (lambda a: sp.linalg.cholesky(a[:2]), ValueError),
        (lambda a: sp.linalg.cholesky(-a @ a.T), np.linalg.LinAlgError),
        (lambda a: sp.linalg.expm(a[:2]), np.linalg.LinAlgError),
        (lambda a: sp.linalg.expm_frechet(a, a, method="guess"), ValueError),
        (lambda a: sp.linalg.logm(a[0]), np.linalg.LinAlgError),
        (lambda a: sp.linalg.qr(a, mode="nope"), ValueError),
        (lambda a: sp.linalg.eigh(a[:2]), ValueError),
        (lambda a: sp.linalg.inv(a, rcond=1.0), TypeError),
        (lambda a: sp.linalg.inv(a * 0), np.linalg.LinAlgError),
    ],
)
def test_bad_input_is_refused_as_scipy_does(call, error) -> None:
    with pytest.raises(error):
        opreg.vjp(call, A)


def test_half_precision_is_refused() -> None:
    for function in sp.linalg.expm, sp.linalg.sqrtm:
        with pytest.raises(TypeError, match="float16"):
            opreg.vjp(function, np.eye(1, dtype=np.float16))


@pytest.mark.parametrize(
    "function",
    [
        lambda a: sp.linalg.svd(a)[0],
        lambda a: sp.linalg.eigh(S + np.eye(3), a)[1],
        lambda a: sp.linalg.qr(a, pivoting=True)[0],
        lambda a: sp.linalg.qr(a, mode="r")[0],
        lambda a: sp.linalg.lu_solve(sp.linalg.lu_factor(a), B),
    ],
)
def test_derivatives_nest(function) -> None:
    def slope(a):
        return opreg.grad(lambda a: np.sum(G * function(a)))(a)

    step = 1e-5
    numeric = (slope(S + step * B) - slope(S - step * B)) / (2 * step)
    np.testing.assert_allclose(opreg.jvp(slope, (S,), (B,))[1], numeric, atol=1e-5 * np.abs(numeric).max())


@pytest.mark.parametrize("factors", [sp.linalg.qr, sp.linalg.svd])
def test_of_a_square_matrix_whose_factors_have_nothing_to_cut_off_no_cut_is_recorded(factors) -> None:
    slope = opreg.grad(lambda a: sum(np.sum(part**3) for part in factors(a)))(opreg.variable(A))
    assert "getitem" not in str(opreg.graph(np.sum(slope)))


def test_the_derivative_of_expm_in_a_huge_direction_and_of_what_is_not_finite() -> None:
    a = np.array([[0.1, 0.2], [-0.3, 0.05]], np.float32)
    one = opreg.jvp(sp.linalg.expm, (a,), (np.eye(2, dtype=np.float32),))[1]
    huge = opreg.jvp(sp.linalg.expm, (a,), (np.eye(2, dtype=np.float32) * np.float32(2.0**126),))[1]
    np.testing.assert_array_equal(huge, one * np.float32(2.0**126))
    a = np.array([[np.nan, 1.0], [0.0, 1.0]])
    assert np.isnan(opreg.grad(lambda a: np.sum(sp.linalg.expm(a)))(a)).all()


def slope_of(function, t=3.0, step=1e-6):
    return (function(t + step) - function(t - step)) / (2 * step)


def rows(t):
    return [[t, 0.1], [0.1, 2.0]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(
            (name, lambda t: (rows(t),))
            for name in (
                "inv",
                "det",
                "lu",
                "qr",
                "svd",
                "svdvals",
                "expm",
                "sqrtm",
                "logm",
                "cholesky",
                "eigh",
            )
        ),
        ("solve", lambda t: (rows(t), [t, 2.0])),
        ("cho_solve", lambda t: ((rows(t), False), [t, 1.0])),
        ("lu_solve", lambda t: ((rows(t), [0, 1]), [t, 1.0])),
    ],
)
def test_a_list_of_traced_numbers_is_an_array(name, arguments):
    def last(t):
        found = getattr(sp.linalg, name)(*arguments(t))
        return np.sum((found[-1] if isinstance(found, tuple) else found) ** 2)

    assert opreg.grad(last)(3.0) == pytest.approx(slope_of(last), rel=1e-6)


@pytest.mark.parametrize("trans", ["N", 3, -1])
def test_a_solution_from_factors_knows_three_systems(trans) -> None:
    factors, pivots = scipy.linalg.lu_factor(np.eye(3))
    with pytest.raises(ValueError, match="trans"):
        opreg.vjp(lambda lu: sp.linalg.lu_solve((lu, pivots), np.ones(3), trans), factors)


@pytest.mark.parametrize(("pivots", "count"), [([0, 1, 3], 3), ([-1, 1, 2], 3), ([0, 1, 2], 2)])
def test_a_solution_from_factors_needs_pivots_that_are_rows(pivots, count) -> None:
    with pytest.raises(ValueError):
        opreg.vjp(lambda lu: sp.linalg.lu_solve((lu, pivots), np.ones(count)), np.eye(3))


def test_a_solution_from_factors_needs_a_pivot_for_each_row() -> None:
    with pytest.raises(Exception, match="piv"):  # an error of LAPACK's wrapper, which has no public name
        opreg.vjp(lambda lu: sp.linalg.lu_solve((lu, [0, 1]), np.ones(3)), np.eye(3))


@pytest.mark.parametrize("shape", [(2, 2), (2, 3)])
@pytest.mark.filterwarnings("ignore:Diagonal number:scipy.linalg.LinAlgWarning")  # SciPy's own, of lu_factor
def test_factors_have_a_derivative_where_the_last_pivot_is_zero(shape) -> None:
    a, t = (
        np.array([[4.0, 2.0, 3.0], [2.0, 1.0, 5.0]])[:, : shape[1]],
        np.arange(1.0, 7.0)[: 2 * shape[1]].reshape(shape),
    )
    (_, lower, upper), (_, d_lower, d_upper) = opreg.jvp(sp.linalg.lu, (a,), (t,))
    np.testing.assert_allclose(d_lower @ upper + lower @ d_upper, t, atol=1e-14)
    np.testing.assert_array_equal(d_lower, np.tril(d_lower, -1))
    np.testing.assert_array_equal(d_upper, np.triu(d_upper))
    factors = opreg.jvp(lambda a: sp.linalg.lu_factor(a)[0], (a,), (t,))[1]
    np.testing.assert_allclose(factors[:, :2], d_lower + d_upper[:, :2])


def test_roots_and_logarithms_of_a_badly_scaled_matrix() -> None:
    a = np.diag([1e-9, 1e9])
    root, logarithm = (
        opreg.grad(lambda a, f=f: np.trace(f(a)))(a) for f in (sp.linalg.sqrtm, sp.linalg.logm)
    )
    np.testing.assert_allclose(np.diag(root), 0.5 / np.sqrt(np.diag(a)))
    np.testing.assert_allclose(np.diag(logarithm), 1 / np.diag(a))


@pytest.mark.parametrize(
    "name", ["det", "inv", "cholesky", "cho_factor", "lu_factor", "lu", "qr", "eigh", "svdvals"]
)
@pytest.mark.filterwarnings(
    "ignore:An ill-conditioned matrix:scipy.linalg.LinAlgWarning"
)  # SciPy's own, of inv
def test_what_is_no_number_is_refused_unless_it_is_not_looked_for(name) -> None:
    function, a = getattr(sp.linalg, name), np.full((2, 2), np.nan)
    with pytest.raises(ValueError):
        opreg.vjp(function, a)
    if name != "svdvals":  # which fails to converge
        with np.errstate(invalid="ignore"):
            found = opreg.vjp(lambda a: function(a, check_finite=False), a)[0]
        assert any(np.isnan(x).any() for x in (found if isinstance(found, tuple) else (found,)))


@pytest.mark.parametrize("name", ["qr", "svd", "svdvals"])
def test_factors_are_those_of_matrices(name) -> None:
    for x in np.array(1.0), np.ones(3):
        with pytest.raises(ValueError):
            opreg.vjp(getattr(sp.linalg, name), x)


def test_equal_eigenvalues_do_not_spoil_another_vector() -> None:
    found = opreg.grad(lambda x: (lambda v: v[0, 2] * v[2, 2])(sp.linalg.eigh(x)[1]))(np.diag([1.0, 1, 2]))
    assert np.sum(found * [[0, 0, 1], [0, 0, 0], [1, 0, 0]]) == 1.0
    spoilt = opreg.grad(lambda x: sp.linalg.eigh(x)[1][0, 0])(np.ones((3, 3)) + np.eye(3))
    assert np.isnan(spoilt).all()
