"""numpy.linalg.lstsq, all of its outputs; numpy.linalg.matrix_rank."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

import opreg
import opreg.numpy as onp
from opreg.testing import conformance

test_rules = conformance("numpy.linalg.lstsq", "numpy.linalg.matrix_rank", samples=1)

RNG = np.random.default_rng(1)
A, B = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))


def close(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    scale = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * scale)


def test_the_fit_of_a_line() -> None:
    """The slope is sum (t - mean t) y / sum (t - mean t)^2."""
    t, y = np.array([0.0, 1.0, 2.0, 5.0]), np.array([-1.0, 0.5, 1.0, 2.0])

    def slope(y: Any) -> Any:
        return np.linalg.lstsq(np.stack([t, np.ones(4)], axis=1), y)[0][0]

    close(opreg.grad(slope)(y), (t - t.mean()) / np.sum((t - t.mean()) ** 2))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (3, 3)])
def test_of_full_rank_it_is_the_solution_of_the_normal_equations(shape: tuple[int, int]) -> None:
    a, b = RNG.standard_normal(shape), RNG.standard_normal((shape[0], 2))
    m, n = shape

    def normal_equations(a: Any, b: Any) -> Any:
        if m >= n:
            return np.linalg.solve(a.T @ a, a.T @ b)
        return a.T @ np.linalg.solve(a @ a.T, b)

    out, pull = opreg.vjp(lambda a, b: np.linalg.lstsq(a, b)[0], a, b)
    expected, due = opreg.vjp(normal_equations, a, b)
    close(out, expected, 1e-11)
    g = RNG.standard_normal(out.shape)
    for got, wanted in zip(pull(g), due(g), strict=True):
        close(got, wanted, 1e-11)


def test_the_squares_of_the_residuals() -> None:
    """Their gradients are 2 r by b, and -2 r x^T by a."""
    x, squares, _, _ = np.linalg.lstsq(A, B)
    r = B - A @ x
    of_a, of_b = opreg.grad(lambda a, b: np.sum(np.linalg.lstsq(a, b)[1]), (0, 1))(A, B)
    close(of_b, 2 * r)
    close(of_a, -2 * r @ x.T)
    second = opreg.hvp(lambda b: np.sum(np.linalg.lstsq(A, b)[1]), (B,), (B,))
    close(second, 2 * r)
    assert opreg.vjp(lambda b: np.linalg.lstsq(A, b)[1], B)[0].tolist() == squares.tolist()


def test_the_singular_values() -> None:
    found = opreg.grad(lambda a: np.linalg.lstsq(a, B)[3][1])(A)
    u, _, vh = np.linalg.svd(A, full_matrices=False)
    close(found, np.outer(u[:, 1], vh[1]))


def test_the_outputs_are_numpys_and_the_rank_is_plain() -> None:
    seen: list[Any] = []
    opreg.grad(lambda a: seen.append(np.linalg.lstsq(a, B)) or np.sum(seen[0][0]))(A)  # type: ignore[func-returns-value]
    assert type(seen[0]) is tuple
    assert [opreg.is_traced(part) for part in seen[0]] == [True, True, False, True]
    for got, due in zip(opreg.stop_gradient(seen[0]), np.linalg.lstsq(A, B), strict=True):
        np.testing.assert_array_equal(got, due)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_neither_large_nor_small_numbers_overflow(scale: float) -> None:
    of_a, of_b = opreg.grad(lambda a, b: np.sum(np.linalg.lstsq(a, b)[0]), (0, 1))(scale * A, scale * B)
    plain_a, plain_b = opreg.grad(lambda a, b: np.sum(np.linalg.lstsq(a, b)[0]), (0, 1))(A, B)
    close(of_a * scale, plain_a)
    close(of_b * scale, plain_b)


def test_against_mpmath() -> None:
    """By b it is a^+; by an element of a the difference quotient of (a^T a)^-1 a^T b, at 60 digits."""
    with mpmath.workdps(60):

        def solved(a: Any) -> Any:
            return mpmath.lu_solve(a.T * a, a.T * mpmath.matrix(B[:, :1].tolist()))

        step, place = mpmath.mpf("1e-20"), (3, 1)
        up, down = mpmath.matrix(A.tolist()), mpmath.matrix(A.tolist())
        up[place] += step
        down[place] -= step
        moved = (solved(up) - solved(down)) / (2 * step)
        expected = np.array([float(part) for part in moved])
    t = np.zeros_like(A)
    t[place] = 1
    close(opreg.jvp(lambda a: np.linalg.lstsq(a, B[:, 0])[0], (A,), (t,))[1], expected)
    by_reverse = opreg.jacobian(lambda a: np.linalg.lstsq(a, B[:, 0])[0])(A)[:, place[0], place[1]]
    close(by_reverse, expected)


def test_a_cutoff_leaves_out_what_pinv_leaves_out() -> None:
    a = np.diag([3.0, 1.0, 1e-3]) + 1e-4
    b = np.array([1.0, 2.0, 3.0])
    got = opreg.grad(lambda a, b: np.sum(np.linalg.lstsq(a, b, rcond=0.1)[0]), (0, 1))(a, b)
    due = opreg.grad(lambda a, b: np.sum(np.linalg.pinv(a, 0.1) @ b), (0, 1))(a, b)
    for one, other in zip(got, due, strict=True):
        close(one, other)


@pytest.mark.parametrize("rcond", [None, -1, 1e-9])
def test_of_full_rank_the_cutoff_makes_no_difference(rcond: Any) -> None:
    found = opreg.grad(lambda a: np.sum(np.linalg.lstsq(a, B, rcond)[0]))(A)
    close(found, opreg.grad(lambda a: np.sum(np.linalg.lstsq(a, B)[0]))(A))


def test_of_rank_zero_everything_is_zero_but_the_residual() -> None:
    of_a, of_b = opreg.grad(lambda a, b: np.sum(np.linalg.lstsq(a, b, 0.1)[0]), (0, 1))(
        np.zeros((3, 2)), np.ones(3)
    )
    assert not of_a.any()
    assert not of_b.any()


def test_a_rank_that_rounding_decides_is_that_of_lstsq() -> None:
    """The third column is the sum of the others, to rounding."""
    a = np.concatenate([A[:, :2], A[:, :1] + A[:, 1:2]], axis=1)
    assert np.linalg.lstsq(a, B)[2] == 2
    of_b = opreg.vjp(lambda b: np.linalg.lstsq(a, b)[0], B)[1](np.ones((3, 2)))[0]
    close(of_b, np.linalg.pinv(a, 1e-12).T @ np.ones((3, 2)))


@pytest.mark.parametrize("small", [1e-30, 1e-17, 1e-15, 1e-3])
def test_values_as_small_as_lstsq_keeps_are_kept(small: float) -> None:
    a = np.array([[1.0, 0.0], [0.0, small], [0.0, 0.0]])
    of_b = opreg.grad(lambda b: np.sum(np.linalg.lstsq(a, b, 1e-40)[0]))(np.ones(3))
    close(of_b * [1.0, small, 1.0], [1.0, 1.0, 0.0])
    dropped = opreg.grad(lambda b: np.sum(np.linalg.lstsq(a, b, 2 * small)[0]))(np.ones(3))
    close(dropped, [1.0, 0.0, 0.0])


def test_what_does_not_fit_is_refused_as_numpy_does() -> None:
    for a, b in (np.ones((3, 2)), np.ones(4)), (np.ones(3), np.ones(3)), (np.ones((2, 3, 3)), np.ones(3)):
        with pytest.raises(np.linalg.LinAlgError):
            opreg.grad(lambda a: np.sum(np.linalg.lstsq(a, b)[0]))(a)  # noqa: B023


def test_a_traced_cutoff_is_constant_between_the_jumps_of_the_rank() -> None:
    by_both = opreg.grad(lambda a, c: np.sum(np.linalg.lstsq(a, B, rcond=c * a[0, 0] ** 2)[0]), (0, 1))(
        A, 1e-9
    )
    close(by_both[0], opreg.grad(lambda a: np.sum(np.linalg.lstsq(a, B)[0]))(A))
    assert by_both[1] == 0.0
    assert opreg.grad(lambda c: np.sum(onp.linalg.lstsq(A, B, c)[0]))(0.1) == 0.0


def test_the_rank_is_a_constant() -> None:
    assert (
        opreg.grad(lambda a: np.sum(a) * np.linalg.matrix_rank(a))(np.ones((2, 2))).tolist()
        == [[1.0, 1.0]] * 2
    )
    limited = opreg.grad(lambda a: a[0, 0] * np.linalg.matrix_rank(a, rtol=0.1 * a[0, 0]))
    assert limited(np.eye(2)).tolist() == [[2.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize(
    "second", [opreg.hessian, lambda f: opreg.jacrev(opreg.grad(f))], ids=["mixed", "reverse"]
)
def test_second_derivatives_of_pinv_know_that_what_rounding_left_is_zero(second: Any, n: int) -> None:
    u = np.random.default_rng(n).uniform(0.3, 2, n)
    found = second(lambda u: np.sum(np.linalg.pinv(np.outer(u, u))))(u)
    close(found, second(lambda u: np.sum(u) ** 2 / np.sum(u * u) ** 2)(u), 1e-12)


def test_second_derivatives_of_pinv_of_a_product_are_those_of_its_factors() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 5)), rng.standard_normal((5, 5))
    found = opreg.hessian(lambda x: np.sum(w * np.linalg.pinv(x.T @ x)))(x)
    close(found, opreg.hessian(lambda x: np.sum(w * (np.linalg.pinv(x) @ np.linalg.pinv(x).T)))(x), 1e-11)
