"""Linear algebra: analytic values, stacks, conventions at singular points, refusals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from finite_differences import check

import opreg
import opreg.numpy as onp
from opreg import plugins

NAMES = (
    "solve", "inv", "pinv", "det", "slogdet", "cholesky", "qr", "eigh", "eigvalsh", "eig", "eigvals",
    "svd", "svdvals", "norm",
    "vector_norm", "matrix_norm", "cond", "matrix_power", "multi_dot", "tensorsolve", "tensorinv", "matmul",
    "matrix_transpose", "outer", "cross", "vecdot", "tensordot", "diagonal", "trace",
)  # fmt: skip

RNG = np.random.default_rng(5)
A = RNG.standard_normal((3, 3)) + 3 * np.eye(3)
S = A @ A.T


def kink(sample: Any) -> bool:
    return any(words in sample.note for words in ("kink", "zeros in", "large", "tiny"))


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(f"numpy.linalg.{name}", skip=kink) >= 4


def test_the_norm_of_any_order() -> None:
    assert check("opreg_numpy.linalg.power_norm", skip=kink) >= 5


def test_the_derivative_of_an_inverse() -> None:
    t = RNG.standard_normal((3, 3))
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(opreg.jvp(np.linalg.inv, (A,), (t,))[1], -inverse @ t @ inverse)


def test_a_right_side_is_a_vector_only_if_it_has_one_dimension() -> None:
    stack = np.stack([A, A + 1, A + 2])
    found = opreg.grad(lambda b: np.sum(np.linalg.solve(stack, b)))(np.ones(3))
    np.testing.assert_allclose(found, sum(np.linalg.inv(a).T @ np.ones(3) for a in stack))
    with pytest.raises(ValueError):
        opreg.vjp(lambda b: np.linalg.solve(stack, b), np.ones((2, 3)))


def test_the_gradient_of_a_determinant_is_the_cofactors() -> None:
    np.testing.assert_allclose(opreg.grad(np.linalg.det)(A), np.linalg.det(A) * np.linalg.inv(A).T)


def test_the_gradient_of_a_singular_determinant_is_exact() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(opreg.grad(np.linalg.det)(a), [[4.0, -2.0], [-2.0, 1.0]])
    np.testing.assert_array_equal(opreg.grad(np.linalg.det)(np.zeros((3, 3))), np.zeros((3, 3)))


def test_the_second_derivative_of_a_singular_determinant_is_exact() -> None:
    """det = a d - b c is a quadratic form, everywhere."""
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1
    np.testing.assert_allclose(opreg.hessian(np.linalg.det)(np.zeros((2, 2))), expected, atol=1e-15)


def test_the_gradient_of_a_large_singular_determinant() -> None:
    a = np.diag(np.r_[0.0, 1.0 + np.arange(39) / 39])
    expected = np.zeros((40, 40))
    expected[0, 0] = np.prod(1.0 + np.arange(39) / 39)
    np.testing.assert_allclose(opreg.grad(np.linalg.det)(a), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("nullity", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 33])
def test_a_singular_determinant_has_derivatives_of_every_order(n: int, nullity: int, kind: type) -> None:
    """Along a line det is a polynomial, and its coefficients are its derivatives."""
    rng = np.random.default_rng([n, nullity])

    def draw() -> Any:
        return rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if kind is complex else 0)

    u, s, vh = np.linalg.svd(draw())
    a, direction = (u * np.where(np.arange(n) < n - nullity, s, 0)) @ vh, draw()
    nodes = np.cos(np.pi * (np.arange(4 * n) + 0.5) / (4 * n))
    values = [np.real(np.linalg.det(a + node * direction)) for node in nodes]
    fit = np.polynomial.Chebyshev.fit(nodes, values, n, domain=[-1, 1])
    derivative = lambda t: np.real(np.linalg.det(a + t * direction))  # noqa: E731
    for order in range(1, 4):
        derivative = opreg.grad(derivative)
        np.testing.assert_allclose(
            derivative(0.0), fit.deriv(order)(0.0), rtol=1e-8, atol=1e-8 * np.abs(values).max()
        )


def exact_cofactors(a: Any) -> Any:
    """Rounded at the end only: over fractions, by determinants of what is left without a row and a column."""

    def det(rows: list[list[Fraction]]) -> Fraction:
        if not rows:
            return Fraction(1)
        first, *rest = rows
        minors = ([row[:j] + row[j + 1 :] for row in rest] for j in range(len(first)))
        return sum(
            ((-1) ** j * x * det(m) for j, (x, m) in enumerate(zip(first, minors, strict=True))), Fraction(0)
        )

    rows = [[Fraction(float(x)) for x in row] for row in a]
    n = range(len(rows))
    return np.array(
        [
            [
                (-1) ** (i + j) * float(det([r[:j] + r[j + 1 :] for k, r in enumerate(rows) if k != i]))
                for j in n
            ]
            for i in n
        ]
    )


UNLIKE = np.logspace(-3, 6, 4)[:, None] * np.random.default_rng(1).standard_normal((4, 4))
HILBERT = 1 / (np.arange(7.0) + np.arange(7.0)[:, None] + 1)


@pytest.mark.parametrize(
    ("a", "tolerance"),
    [
        (np.diag([1e-9, 1.0, 1e9]), 1e-15),
        (np.diag(np.float32([1e-4, 1.0, 1e3])), 2e-7),
        (UNLIKE, 1e-13),
        (UNLIKE * np.logspace(5, -9, 4), 1e-13),
        ((UNLIKE * np.logspace(5, -9, 4)).astype(np.float32), 1e-6),
        (HILBERT[:6, :6].astype(np.float32), 2e-7),
        (HILBERT, 1e-8),
        (np.diag([1e-200, 1e-200]), 1e-15),
        (np.diag([1e200, 1e200]), 1e-15),
        (np.diag([1e200, 1e200, 1e-200, 1e-200]), 1e-15),
        (np.diag(np.float32([1e-12] * 4)), 2e-7),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in det")  # NumPy's own, of the value
def test_cofactors_are_exact_however_small_the_pivots(a: Any, tolerance: float) -> None:
    """Each of them, not only the largest; also where the determinant itself is too small or too large a number."""
    found = opreg.vjp(np.linalg.det, a)[1](a.dtype.type(1))[0]
    assert found.dtype == a.dtype
    np.testing.assert_allclose(found, exact_cofactors(a), rtol=tolerance)
    stack = np.stack([np.eye(len(a), dtype=a.dtype), a])
    np.testing.assert_array_equal(opreg.vjp(np.linalg.det, stack)[1](np.ones(2, a.dtype))[0][1], found)


@pytest.mark.parametrize("least", [[1e-10], [1e-9, 1e-12], [1e-16, 1e-19], [1e-7, 1e-30, 0.0], [1e-20] * 9])
def test_a_nearly_singular_determinant_has_derivatives_of_every_order(least: list[float]) -> None:
    """Along a diagonal direction det is the product of linear factors."""
    size, direction = np.array([3.0, 2.0, 1.5, *least]), np.arange(1.0, len(least) + 4)
    u, v = (np.linalg.qr(RNG.standard_normal((len(size), len(size)))).Q for _ in range(2))
    t = (u * direction) @ v
    derivative = lambda x: np.linalg.det((u * size) @ v + x * t)  # noqa: E731
    expected = np.polynomial.Polynomial([1.0])
    for factor in zip(size, direction, strict=True):
        expected = expected * np.polynomial.Polynomial(factor)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(v))
    for order in range(1, 4):
        derivative = opreg.grad(derivative)
        due = sign * expected.deriv(order)(0.0)
        np.testing.assert_allclose(derivative(0.0), due, rtol=1e-6, atol=1e-9)


def test_a_determinant_of_what_is_no_number_has_a_gradient_that_is_none() -> None:
    with np.errstate(invalid="ignore"):  # NumPy warns too
        assert np.isnan(opreg.grad(np.linalg.det)(np.full((2, 2), np.nan))).all()


def test_determinants_of_a_stack_of_regular_and_singular_matrices() -> None:
    a = RNG.standard_normal((3, 6, 6))
    a[1, 5], a[2, :, :3] = a[1, 0], a[2, :, 3:]
    found = opreg.grad(lambda a: np.sum(np.linalg.det(a)))(a)
    for one, gradient in zip(a, found, strict=True):
        np.testing.assert_allclose(gradient, opreg.grad(np.linalg.det)(one), atol=1e-12)
    np.testing.assert_allclose(found[2], 0, atol=1e-12)


@pytest.mark.parametrize("nullity", [1, 2, 3])
def test_second_derivatives_of_determinants_of_a_stack_of_singular_matrices(nullity: int) -> None:
    rng = np.random.default_rng(nullity)
    a, v = rng.standard_normal((2, 3, 6, 6))
    a[1:, :, :nullity] = a[1:, :, nullity : 2 * nullity]
    w = np.array([1.0, 2.0, -3.0])
    found = opreg.hvp(lambda a: np.sum(w * np.linalg.det(a)), (a,), (v,))
    alone = [factor * opreg.hvp(np.linalg.det, (m,), (t,)) for factor, m, t in zip(w, a, v, strict=True)]
    np.testing.assert_allclose(found, alone, rtol=1e-10, atol=1e-10)


def test_the_logarithm_of_a_determinant() -> None:
    np.testing.assert_allclose(opreg.grad(lambda a: np.linalg.slogdet(a)[1])(A), np.linalg.inv(A).T)
    out = opreg.vjp(np.linalg.slogdet, A)[0]
    assert type(out).__name__ == "SlogdetResult"


def test_the_phase_of_a_complex_determinant_turns() -> None:
    z = A * (1 + 0.5j)
    found = opreg.grad(lambda z: np.real(np.linalg.slogdet(z).sign))(z)
    step = 1e-6
    numeric = [
        (np.real(np.linalg.slogdet(z + d).sign) - np.real(np.linalg.slogdet(z - d).sign)) / (2 * step)
        for d in (step * np.eye(3), 1j * step * np.eye(3))
    ]
    assert np.trace(found).real == pytest.approx(numeric[0], rel=1e-6)
    assert -np.trace(found).imag == pytest.approx(numeric[1], rel=1e-6)


def test_a_factor_has_a_symmetric_cotangent() -> None:
    for upper in (False, True):
        found = opreg.grad(lambda s, upper=upper: np.sum(np.linalg.cholesky(s, upper=upper)))(S)
        np.testing.assert_array_equal(found, found.T)
    for function in (np.linalg.eigvalsh, lambda s: np.linalg.eigh(s)[1] ** 2):
        found = opreg.grad(lambda s, function=function: np.sum(function(s) * np.arange(3.0)))(S)
        np.testing.assert_allclose(found, found.T, atol=1e-15)


def test_eigenvalues_alone_have_a_finite_gradient_where_they_repeat() -> None:
    found = opreg.grad(lambda s: np.linalg.eigh(s).eigenvalues.sum())(np.eye(3))
    np.testing.assert_allclose(found, np.eye(3))
    np.testing.assert_allclose(opreg.grad(lambda s: np.linalg.svdvals(s).sum())(np.eye(3)), np.eye(3))
    np.testing.assert_allclose(opreg.grad(lambda s: np.linalg.svd(s).S.sum())(np.eye(3)), np.eye(3))


def test_eigenvectors_have_no_gradient_where_values_repeat() -> None:
    for vectors in (lambda s: np.linalg.eigh(s).eigenvectors, lambda s: np.linalg.svd(s).U):
        found = opreg.grad(lambda s, vectors=vectors: np.sum(vectors(s) * np.arange(9.0).reshape(3, 3)))(
            np.eye(3)
        )
        assert np.isnan(found).all()


def test_a_function_of_complex_eigenvectors_that_no_phase_changes() -> None:
    z = A + 1j * A.T
    h = z @ np.conj(z.T)

    def third_power(h: Any) -> Any:
        w, v = np.linalg.eigh(h)
        return np.matmul(v * w**3, np.conj(np.swapaxes(v, -1, -2)))

    t = np.array([[1.0, 2j, 0], [-2j, 0, 1], [0, 1, 2]])
    expected = t @ h @ h + h @ t @ h + h @ h @ t
    np.testing.assert_allclose(opreg.jvp(third_power, (h,), (t,))[1], expected)


def test_eigenvalues_of_any_matrix_differ_by_the_characteristic_polynomial() -> None:
    """Their sum is the trace, their product the determinant, be they real or complex."""
    turn = np.array([[1.0, -2.0], [3.0, 1.0]])
    for a in (turn, turn + 1j, A):
        real = (lambda z: z) if np.iscomplexobj(a) else np.real
        by_sum = opreg.vjp(lambda a, real=real: real(np.sum(np.linalg.eigvals(a))), a)
        np.testing.assert_allclose(by_sum[1](np.ones((), a.dtype))[0], np.eye(len(a)), atol=1e-12)
        by_product = opreg.vjp(lambda a, real=real: real(np.prod(np.linalg.eig(a).eigenvalues)), a)
        expected = np.linalg.det(a) * np.linalg.inv(a).T
        np.testing.assert_allclose(by_product[1](np.ones((), a.dtype))[0], expected, atol=1e-12)


def test_singular_vectors_recompose_the_matrix() -> None:
    def recomposed(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.matmul(u * s, vh)

    for x in (A[:, :2], A[:2], A[:, :2] + 1j * A[:, 1:]):
        g = RNG.standard_normal(x.shape)
        np.testing.assert_allclose(opreg.vjp(recomposed, x)[1](g.astype(x.dtype))[0], g, atol=1e-12)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 2.5, np.inf])
def test_a_norm_at_zero_has_the_gradient_zero(order: Any) -> None:
    found = opreg.grad(lambda x: np.linalg.norm(x, order))(np.zeros(3))
    np.testing.assert_array_equal(found, np.zeros(3))


@pytest.mark.parametrize("norm", [np.linalg.norm, lambda x, p: np.linalg.vector_norm(x, ord=p)])
def test_of_a_negative_order_a_zero_makes_the_norm_zero_and_the_gradient_with_it(norm: Any) -> None:
    with np.errstate(divide="ignore"):  # NumPy warns too
        found = opreg.grad(lambda x: norm(x, -1))(np.array([0.0, -2.0, 3.0]))
    np.testing.assert_array_equal(found, np.zeros(3))
    np.testing.assert_allclose(opreg.grad(lambda x: norm(x, -1))(np.array([1.0, -1.0])), [0.25, -0.25])


@pytest.mark.parametrize("order", [1, 2, np.inf, "fro", "nuc"])
def test_the_norm_of_an_empty_matrix_is_zero(order: Any) -> None:
    for shape in (2, 0), (0, 2), (0, 0):
        norm, pullback = opreg.vjp(lambda x: np.linalg.norm(x, order), np.zeros(shape))
        assert norm == 0.0
        assert pullback(1.0)[0].shape == shape
    norms, pullback = opreg.vjp(lambda x: np.linalg.matrix_norm(x, ord=order), np.zeros((3, 0, 2)))
    np.testing.assert_array_equal(norms, np.zeros(3))
    assert pullback(np.ones(3))[0].shape == (3, 0, 2)


def test_the_greatest_element_of_an_empty_vector_is_zero() -> None:
    norms, pullback = opreg.vjp(lambda x: np.linalg.vector_norm(x, axis=1, ord=np.inf), np.zeros((2, 0)))
    np.testing.assert_array_equal(norms, np.zeros(2))
    assert pullback(np.ones(2))[0].shape == (2, 0)


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh"])
def test_a_function_of_symmetric_matrices_refuses_others_as_numpy_does(name: str) -> None:
    function = plugins.get(f"numpy.linalg.{name}")
    for shape in (1, 3), (3, 1), (2, 1, 2), (2, 3), (3,), ():
        with pytest.raises(np.linalg.LinAlgError):
            function(np.ones(shape))
    np.testing.assert_array_equal(
        plugins.get("numpy.linalg.eigvalsh")(np.array([[2, 1], [1, 2]])), [1.0, 3.0]
    )


def test_a_factor_of_columns_that_depend_on_one_another_has_no_derivative() -> None:
    found = opreg.grad(lambda a: np.trace(np.linalg.qr(a).R))(np.array([[1.0, 2e-30], [0.0, 3e-30]]))
    np.testing.assert_allclose(np.abs(found), [[1.0, 0.0], [2e-30, 1.0]])  # a column may be short
    for a in [[4.3, 0.7, 2.0], [4.3, 0.7, -1.0]], [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], np.ones((2, 3, 3)):
        for factor in (lambda a: np.linalg.qr(a).Q, lambda a: np.linalg.qr(a, "r")):
            with pytest.raises(np.linalg.LinAlgError, match="depend on one another"):
                opreg.grad(lambda a, factor=factor: np.sum(factor(a)))(np.array(a))


@pytest.mark.parametrize("below", [1.0, 1e-5])
def test_a_defective_matrix_has_eigenvalues_without_derivative(below: float) -> None:
    a = np.array([[0.0, 0.0, 1.0], [below, 0.0, 0.0], [0.0, 0.0, 6.0]])
    for function in np.linalg.eigvals, lambda a: np.linalg.eig(a)[0], lambda a: np.linalg.eig(a)[1]:
        with pytest.raises(np.linalg.LinAlgError, match="eigenvectors coincide"):
            opreg.grad(lambda a, function=function: np.sum(np.real(function(a)) * np.arange(3.0)))(a)
        with pytest.raises(np.linalg.LinAlgError, match="eigenvectors coincide"):
            opreg.jvp(function, (a,), (np.ones((3, 3)),))


def test_the_complete_factors_of_a_wide_matrix_are_the_reduced_ones() -> None:
    q, r = opreg.vjp(lambda a: np.linalg.qr(a, "complete"), A[:2])[0]
    assert (q.shape, r.shape) == ((2, 2), (2, 3))
    assert plugins.get("numpy.linalg.qr").canonical((A[:2], "complete"), {})[1] == {"mode": "reduced"}


COMPLETED = [
    (lambda a: np.linalg.svd(a), lambda a: np.linalg.svd(a, full_matrices=False), (2, 3)),
    (lambda a: np.linalg.svd(a), lambda a: np.linalg.svd(a, full_matrices=False), (3, 2)),
    (lambda a: np.linalg.svd(a), lambda a: np.linalg.svd(a, full_matrices=False), (2, 3, 2)),
    (lambda a: np.linalg.qr(a, "complete"), np.linalg.qr, (3, 2)),
    (lambda a: np.linalg.qr(a, "complete"), np.linalg.qr, (2, 4, 1)),
]


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize(("whole", "thin", "shape"), COMPLETED)
def test_the_first_vectors_of_a_complete_basis_have_their_derivatives_and_the_others_none(
    whole, thin, shape, complex_
) -> None:
    rng = np.random.default_rng(0)
    a, t = rng.standard_normal((2, *shape)) + (1j * rng.standard_normal((2, *shape)) if complex_ else 0)
    first = [tuple(slice(n) for n in x.shape) for x in thin(a)]

    def firsts(a):
        return [x[part] for x, part in zip(whole(a), first, strict=True)]

    def total(f):  # does not change with the phases of vectors, which are any
        return lambda a: sum(np.sum(np.abs(x) ** 4) for x in f(a))

    assert [x.shape for x in opreg.vjp(whole, a)[0]] == [x.shape for x in whole(a)]
    np.testing.assert_allclose(opreg.grad(total(firsts))(a), opreg.grad(total(thin))(a), rtol=1e-10)
    expected = opreg.jvp(thin, (a,), (t,))[1]
    for x, y, part in zip(opreg.jvp(whole, (a,), (t,))[1], expected, first, strict=True):
        np.testing.assert_allclose(x[part], y, rtol=1e-12, atol=1e-12)
        x[part] = 0 if y is expected[1] else np.nan  # below R there are zeros
        assert np.all(x == 0) if y is expected[1] else np.all(np.isnan(x))
    np.testing.assert_allclose(
        opreg.hvp(total(firsts), (a,), (t,)), opreg.hvp(total(thin), (a,), (t,)), rtol=1e-8, atol=1e-8
    )
    with pytest.raises(opreg.NotDifferentiable, match="completes"):
        opreg.grad(total(whole))(a)


@pytest.mark.parametrize("factors", [np.linalg.qr, np.linalg.svd])
def test_of_a_square_matrix_whose_factors_have_nothing_to_cut_off_no_cut_is_recorded(factors: Any) -> None:
    slope = opreg.grad(lambda a: sum(np.sum(part**3) for part in factors(a)))(opreg.variable(A))
    assert "getitem" not in str(opreg.graph(np.sum(slope)))


def test_the_norm_of_a_complex_vector() -> None:
    z = np.array([3.0 + 4j, 0.0])
    np.testing.assert_allclose(opreg.grad(np.linalg.norm)(z), [0.6 - 0.8j, 0.0])


def test_the_nuclear_norm() -> None:
    u, _, vh = np.linalg.svd(A)
    np.testing.assert_allclose(opreg.grad(lambda a: np.linalg.norm(a, "nuc"))(A), u @ vh)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda a: np.linalg.svd(a, hermitian=True), "hermitian"),
        (lambda a: np.linalg.pinv(a, hermitian=True), "hermitian"),
        (lambda a: np.linalg.qr(a, "raw"), "raw"),
    ],
)
def test_what_has_no_derivative_is_refused_in_a_sentence(call: Any, match: str) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=match):
        opreg.vjp(call, A)


@pytest.mark.parametrize("order", ["nope", "fro"])
def test_an_order_that_no_vector_has_is_refused(order: Any) -> None:
    with pytest.raises(ValueError, match="norm order"):
        opreg.vjp(lambda x: np.linalg.norm(x, order), np.ones(3))


def test_a_power_of_a_matrix() -> None:
    t = RNG.standard_normal((3, 3))
    np.testing.assert_allclose(
        opreg.jvp(lambda a: np.linalg.matrix_power(a, 3), (A,), (t,))[1], t @ A @ A + A @ t @ A + A @ A @ t
    )


def test_the_plugin_is_loaded_by_its_own_entry_point() -> None:
    assert plugins.origin(plugins.get("numpy.linalg.solve")).plugin == "numpy.linalg"


@pytest.mark.parametrize("order", [2.0, 2.5, np.inf])
def test_the_order_of_a_norm_is_static(order: float) -> None:
    data, _ = plugins.get("numpy.linalg.norm").canonical((np.ones(3), order), {})
    assert len(data) == 1
    data, _ = plugins.get("numpy.linalg.vector_norm").canonical((np.ones(3),), {"ord": order})
    assert len(data) == 1
    with pytest.raises(opreg.NotDifferentiable, match="'ord' is static"):
        opreg.grad(lambda p: np.sum(np.linalg.norm(A[0] * p, p)))(order)
    with pytest.raises(opreg.NotDifferentiable, match="stop_gradient"):
        opreg.grad(lambda p: plugins.get("numpy.linalg.cond")(A * p, p=p))(order)


def test_a_composite_names_static_parameters_that_it_has() -> None:
    with pytest.raises(opreg.DeclarationError, match="'order'"):
        opreg.composite("mylib.norm", static=("order",))(lambda x, p: x)


@pytest.mark.parametrize("name", ["norm", "vector_norm"])
def test_a_norm_of_a_list_of_traced_numbers(name: str) -> None:
    norm = plugins.get(f"numpy.linalg.{name}")
    assert opreg.grad(lambda x: norm([x, 4.0]))(3.0) == pytest.approx(0.6)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_factors_in_single_precision_move_in_single_precision(dtype: Any) -> None:
    a = A.astype(dtype) * dtype(1 + 0.5j if dtype is np.complex64 else 1)
    for factor in np.linalg.qr(a), opreg.jvp(np.linalg.qr, (a,), (a,))[1]:
        assert {x.dtype for x in factor} == {np.dtype(dtype)}
    assert opreg.hessian(lambda a: np.real(np.linalg.qr(a).R[0, 2]))(a).dtype == dtype


def test_a_system_of_integers_and_a_matrix_in_single_precision_moves_as_its_solution() -> None:
    a = A.astype(np.float32)
    x, tangent = (found[0] for found in opreg.jvp(lambda a: np.linalg.lstsq(a, np.arange(3)), (a,), (a,)))
    assert tangent.dtype == x.dtype
    np.testing.assert_allclose(tangent, -x, rtol=1e-5)


@pytest.mark.parametrize("n", [2.5, 0.5, -1.5, 2.0])
def test_a_power_of_a_matrix_is_a_whole_number(n: float) -> None:
    with pytest.raises(TypeError, match="exponent must be an integer"):
        opreg.vjp(lambda a: np.linalg.matrix_power(a, n), A)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (2, 1, 3)])
def test_only_a_square_matrix_has_powers(shape: Any) -> None:
    for n in -1, 0, 1, 2:
        with pytest.raises(np.linalg.LinAlgError):
            opreg.vjp(lambda a, n=n: np.linalg.matrix_power(a, n), np.ones(shape))


@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2, -2, np.inf])
def test_the_norm_of_the_zero_matrix_has_the_gradient_zero(order: Any) -> None:
    found = opreg.grad(lambda x: np.sum(np.linalg.norm(x, order, (-2, -1))))(np.stack([0 * A[:2], A[:2]]))
    np.testing.assert_array_equal(found[0], np.zeros((2, 3)))
    np.testing.assert_allclose(found[1], opreg.grad(lambda x: np.linalg.norm(x, order))(A[:2]))


@pytest.mark.parametrize("order", [None, 2, 3, 2.5])
def test_the_norm_of_the_zero_vector_has_the_second_derivative_zero(order: Any) -> None:
    np.testing.assert_array_equal(
        opreg.hessian(lambda x: np.linalg.norm(x, order))(np.zeros(2)), np.zeros((2, 2))
    )
    np.testing.assert_array_equal(
        opreg.hessian(lambda x: np.sum(np.linalg.norm(x, order, axis=1)))(np.array([[0.0, 0.0], [3.0, 4.0]]))[
            0
        ],
        np.zeros((2, 2, 2)),
    )


def test_the_second_derivative_of_the_nuclear_norm_of_a_matrix_of_low_rank() -> None:
    u, v = np.array([[1, 0.5], [0.2, 1], [0.3, -0.4], [-1, 0.6]]), np.array([[1, 0.2, 0.3], [-0.1, 0.9, 0.5]])
    tu, tv = np.ones((4, 2)) * [1, 0.5], np.ones((2, 3)) * [[0.3], [0.7]]
    along = lambda x: np.linalg.norm((u + x * tu) @ (v + x * tv), "nuc")  # noqa: E731
    by_reverse = opreg.grad(opreg.grad(along))(0.0)
    by_forward = opreg.jvp(opreg.grad(along), (0.0,), (1.0,))[1]
    step = 1e-4  # the values of the third singular value are rounding, 1e-16, and it counts as none
    numeric = (along(step) - 2 * along(0.0) + along(-step)) / step**2
    np.testing.assert_allclose([by_reverse, by_forward, numeric], 6.02197226, rtol=1e-6)


def test_the_nuclear_norm_of_a_matrix_of_equal_singular_values_has_a_second_derivative() -> None:
    """At the identity the polar factor turns with the skew part."""
    t = RNG.standard_normal((3, 3))
    found = opreg.jvp(opreg.grad(lambda x: np.linalg.norm(x, "nuc")), (np.eye(3),), (t,))[1]
    np.testing.assert_allclose(found, (t - t.T) / 2, atol=1e-14)


def test_eigenvectors_have_no_gradient_where_values_repeat_to_rounding() -> None:
    for a in np.ones((3, 3)) + np.eye(3), np.float32(np.ones((3, 3)) + np.eye(3)):
        for vectors in (
            lambda s: np.linalg.eigh(s)[1],
            lambda s: np.linalg.svd(s)[0],
            lambda s: np.linalg.eig(s)[1],
        ):
            found = opreg.grad(
                lambda s, vectors=vectors: np.real(np.sum(vectors(s) * np.arange(9.0).reshape(3, 3)))
            )(a)
            assert np.isnan(found).all()


@pytest.mark.parametrize("decomposed", [np.linalg.eigh, np.linalg.eig])
def test_equal_eigenvalues_do_not_spoil_another_vector(decomposed: Any) -> None:
    found = opreg.grad(lambda x: np.real((lambda v: v[0, 2] * v[2, 2])(decomposed(x)[1])))(
        np.diag([1.0, 1, 2])
    )
    assert np.sum(found * [[0, 0, 1], [0, 0, 0], [1, 0, 0]]) == 1.0
    spoilt = opreg.grad(lambda x: np.real(decomposed(x)[1][2, 0]))(np.diag([1.0, 1, 2]))
    assert np.isnan(spoilt).any()


@pytest.mark.parametrize(
    "powers", [[0, -30, -30, -60], [400, -400, 350, -450], [530, 520, -480, -480], [-350, -400, 450, 440]]
)
def test_each_cofactor_of_a_matrix_of_unlike_columns_is_exact(powers: Any) -> None:
    m = np.array([[7.0, 1, -1, 3], [1, 6, 2, -2], [-1, 2, 8, 1], [2, -3, 1, 9]])
    others = np.sum(powers) - np.array(powers)
    expected = np.ldexp(np.linalg.det(m) * np.linalg.inv(m).T, others)
    np.testing.assert_allclose(opreg.grad(np.linalg.det)(np.ldexp(m, powers)), expected, rtol=1e-11)


@pytest.mark.parametrize(
    "a",
    [
        np.diag([2.0, 1, 1]),
        np.outer([1.0, 2, 3, 4], [1.0, 2, 3]),
        np.outer([1.0, 2, 3], [1.0, 2, 3, 4]),
        np.diag([3.0, 2, 0]) + 0j,
    ],
)
def test_equal_singular_values_do_not_spoil_another_vector(a: Any) -> None:
    def first(x: Any) -> Any:
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        return np.real(u[2, 0] * vh[0, 1] + u[0, 0] * np.conj(vh[0, 0]))

    t = RNG.standard_normal(a.shape)
    pairing = np.sum(opreg.grad(first)(a) * t)
    np.testing.assert_allclose(np.real(pairing), opreg.jvp(first, (a,), (t.astype(a.dtype),))[1], rtol=1e-12)
    spoilt = opreg.grad(lambda x: np.sum(np.real(np.linalg.svd(x, full_matrices=False).U)))(a)
    assert np.isnan(spoilt).any()


def test_a_cotangent_that_is_zero_here_and_not_nearby_asks_for_all_vectors() -> None:
    zeros = np.zeros((3, 3))
    pull = opreg.vjp(lambda x: tuple(np.linalg.svd(x)), np.diag([2.0, 1, 1]))[1]
    np.testing.assert_array_equal(pull((zeros, np.zeros(3), zeros))[0], zeros)
    moved = opreg.jvp(lambda c: pull((c, np.zeros(3), zeros))[0], (zeros,), (np.ones((3, 3)),))[1]
    assert np.isnan(moved).any()


def test_singular_values_are_equal_to_the_rounding_of_their_own_matrix() -> None:
    def pushed(x: Any) -> Any:
        return opreg.jvp(lambda x: np.linalg.svd(x, full_matrices=False), (x,), (x[..., ::-1],))[1]

    small, large = A[:, :2] * 2.0**-60, A[::-1, :2]
    for together, first, second in zip(
        pushed(np.stack([small, large])), pushed(small), pushed(large), strict=True
    ):
        np.testing.assert_allclose(together, np.stack([first, second]), rtol=1e-12)


def test_the_derivative_of_the_factors_of_an_empty_matrix_is_empty() -> None:
    x = np.zeros((0, 2))
    tangents = opreg.jvp(lambda x: np.linalg.svd(x, full_matrices=False), (x,), (x,))[1]
    assert [np.shape(t) for t in tangents] == [(0, 0), (0,), (0, 2)]


@pytest.mark.parametrize("p", [None, 1, -1, 2, -2, np.inf, -np.inf, "fro"])
def test_the_condition_of_a_singular_matrix_is_that_of_numpy(p: Any) -> None:
    for x in np.ones((2, 2)), np.zeros((2, 2)), np.stack([A, np.ones((3, 3))]):
        np.testing.assert_allclose(opreg.vjp(lambda x: np.linalg.cond(x, p), x)[0], np.linalg.cond(x, p))
    stack = np.stack([A, np.diag([1.0, 2, 0])])
    with np.errstate(invalid="ignore"):  # of the other one the derivative is no number
        found = opreg.grad(lambda x: np.linalg.cond(x, p)[0])(stack)
    np.testing.assert_allclose(found[0], opreg.grad(lambda x: np.linalg.cond(x, p))(A))
    with pytest.raises(np.linalg.LinAlgError, match="empty"):
        opreg.vjp(lambda x: np.linalg.cond(x, p), np.ones((0, 2)))


def test_a_product_of_several_matrices_takes_the_cheapest_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one vector at the end: from there all products are of a matrix and a vector."""
    sizes, dot = [], np.dot

    def counted(a: Any, b: Any) -> Any:
        if opreg.is_traced(a):
            sizes.append(np.size(b))
        return dot(a, b)

    arrays = [RNG.standard_normal((9, 9)) for _ in range(4)] + [RNG.standard_normal(9)]
    expected = np.linalg.multi_dot(arrays)
    monkeypatch.setattr(np, "dot", counted)
    found = opreg.vjp(lambda *a: plugins.get("numpy.linalg.multi_dot").body(a), *arrays)[0]
    np.testing.assert_allclose(found, expected)
    assert sizes == [9, 9, 9, 9]


@pytest.mark.parametrize(
    ("shapes", "error"),
    [
        ([(3, 3)], ValueError),
        ([(3, 3), (3,), (3, 3)], np.linalg.LinAlgError),
        ([(2, 3, 3), (3, 3), (3, 3)], np.linalg.LinAlgError),
        ([(3, 3), (3, 3), ()], np.linalg.LinAlgError),
    ],
)
def test_a_product_of_several_matrices_is_one_of_matrices(shapes: Any, error: Any) -> None:
    with pytest.raises(error):
        opreg.vjp(lambda *a: np.linalg.multi_dot(list(a)), *map(np.ones, shapes))


@pytest.mark.parametrize(
    ("call", "shapes", "error"),
    [
        (np.linalg.outer, [(2, 2), (2,)], ValueError),
        (np.linalg.outer, [(), (2,)], ValueError),
        (lambda a: np.linalg.tensorinv(a, -1), [(2, 3, 6)], ValueError),
        (lambda a: np.linalg.tensorinv(a, 0), [(2, 3, 6)], ValueError),
        (lambda a, b: np.linalg.tensorsolve(a, b, (-1,)), [(2, 3, 6), (2, 3)], ValueError),
        (lambda a, b: np.linalg.tensorsolve(a, b, (5,)), [(2, 3, 6), (2, 3)], ValueError),
        (np.linalg.tensorsolve, [(2, 3, 5), (2, 3)], np.linalg.LinAlgError),
        (lambda a: np.linalg.qr(a, "nope"), [(3, 2)], ValueError),
        (np.linalg.cross, [(2,), (2,)], ValueError),
        (np.linalg.cross, [(4,), (4,)], ValueError),
        *(
            (getattr(np.linalg, name), [shape], np.linalg.LinAlgError)
            for name in ("svd", "svdvals", "qr", "cond")
            for shape in ((), (3,))
        ),
    ],
)
def test_what_numpy_refuses_is_refused_in_the_same_way(call: Any, shapes: Any, error: Any) -> None:
    arrays = [RNG.standard_normal(shape) for shape in shapes]
    with pytest.raises(error):
        call(*arrays)
    with pytest.raises(error):
        opreg.vjp(call, *arrays)


@pytest.mark.parametrize("mode", ["full", "f"])
def test_older_names_of_the_reduced_factors(mode: str) -> None:
    found = opreg.vjp(lambda a: np.linalg.qr(a, mode), A[:, :2])[0]
    np.testing.assert_array_equal(found[0], np.linalg.qr(A[:, :2]).Q)


def rows(t: Any) -> Any:
    return [[t, 0.1], [0.1, 2.0]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(
            (name, lambda t: (rows(t),))
            for name in (
                "inv", "det", "svd", "svdvals", "qr", "matrix_norm", "trace", "diagonal", "matrix_transpose", "norm",
                "cond",
            )
        ),
        ("matrix_power", lambda t: (rows(t), 3)),
        ("multi_dot", lambda t: ([rows(t), rows(t), [t, 1.0]],)),
        ("multi_dot", lambda t: ([rows(t), rows(t)],)),
        ("outer", lambda t: ([t, 1.0], [t, 2.0])),
        ("cross", lambda t: ([t, 1.0, 2.0], [t, 2.0, 1.0])),
        ("vecdot", lambda t: ([t, 1.0], [t, 2.0])),
        ("matmul", lambda t: (rows(t), rows(t))),
        ("tensordot", lambda t: (rows(t), rows(t))),
        ("tensorinv", lambda t: (rows(t), 1)),
        ("tensorsolve", lambda t: (rows(t), [t, 2.0])),
    ],
)  # fmt: skip
def test_a_list_of_traced_numbers_is_an_array(name: str, arguments: Any) -> None:
    def first(t: Any) -> Any:
        found = getattr(onp.linalg, name)(*arguments(t))
        return np.sum((found[1] if isinstance(found, tuple) else found) ** 2)

    step = 1e-6
    numeric = (first(3.0 + step) - first(3.0 - step)) / (2 * step)
    assert opreg.grad(first)(3.0) == pytest.approx(numeric, rel=1e-6)
