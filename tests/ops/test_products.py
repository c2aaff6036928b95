"""Products: every rank, broadcasting stacks, mixed types, and the labels of einsum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_differences import check

import opreg
from opreg import plugins

NAMES = ("matmul", "vecdot", "dot", "inner", "tensordot", "vdot", "outer", "kron", "cross", "einsum")

RNG = np.random.default_rng(3)
A, B, V = RNG.standard_normal((2, 3)), RNG.standard_normal((3, 4)), RNG.standard_normal(3)


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(f"numpy.{name}") >= 10


@pytest.mark.skipif(not hasattr(np, "vecmat"), reason="matvec and vecmat are of NumPy 2.2")
@pytest.mark.parametrize("name", ["matvec", "vecmat"])
def test_products_of_numpy_2_2(name: str) -> None:
    assert check(f"numpy.{name}") >= 10


def test_a_matrix_product_has_the_gradients_of_the_textbook() -> None:
    g = RNG.standard_normal((2, 4))
    by_a, by_b = opreg.vjp(lambda a, b: a @ b, A, B)[1](g)
    np.testing.assert_allclose(by_a, g @ B.T)
    np.testing.assert_allclose(by_b, A.T @ g)


def test_the_cotangent_of_a_factor_lies_in_memory_as_the_factor() -> None:
    x, y = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 5))
    for left, right in ((x, y), (x.T.copy().T, y), (x, y.T.copy().T), (x.T.copy().T, y.T.copy().T)):
        by_left, by_right = opreg.vjp(np.matmul, left, right)[1](np.ones((4, 5)))
        assert (by_left.strides, by_right.strides) == (left.strides, right.strides)
        np.testing.assert_allclose(by_left, np.ones((4, 5)) @ y.T)
        np.testing.assert_allclose(by_right, x.T @ np.ones((4, 5)))
    layer = opreg.grad(lambda w: np.sum(x @ w.T * np.ones((4, 2))))(RNG.standard_normal((2, 3)))
    assert layer.flags.c_contiguous


def test_the_operator_and_the_alias_are_matmul() -> None:
    assert plugins.get("matmul").name == "numpy.matmul"
    np.testing.assert_array_equal(opreg.grad(lambda v: v @ V)(V), V)
    np.testing.assert_array_equal(opreg.grad(lambda v: V @ v)(V), V)


def test_a_vector_times_itself() -> None:
    np.testing.assert_array_equal(opreg.grad(lambda v: v @ v)(V), 2 * V)


def test_a_stack_that_is_broadcast_collects_its_sum() -> None:
    stack = RNG.standard_normal((5, 2, 3))
    by_b = opreg.vjp(lambda b: stack @ b, B)[1](np.ones((5, 2, 4)))[0]
    np.testing.assert_allclose(by_b, np.sum(np.swapaxes(stack, 1, 2) @ np.ones((5, 2, 4)), axis=0))


def test_a_complex_product_is_holomorphic_without_conjugates() -> None:
    z = V + 1j
    np.testing.assert_allclose(opreg.vjp(lambda z: np.dot(z, z), z)[1](1.0 + 0j)[0], 2 * z)


def test_vdot_conjugates_its_first_argument() -> None:
    z, w = V + 1j, V - 2j
    by_z, by_w = opreg.vjp(np.vdot, z, w)[1](1.0 + 2j)
    np.testing.assert_allclose(by_z, np.conj((1 + 2j) * w))
    np.testing.assert_allclose(by_w, (1 + 2j) * np.conj(z))


def test_a_real_argument_beside_a_complex_one_has_a_real_cotangent() -> None:
    for function in (
        np.matmul,
        np.dot,
        np.inner,
        np.vdot,
        np.outer,
        np.vecdot,
        lambda a, b: np.einsum("i,i", a, b),
    ):
        out, pull = opreg.vjp(lambda v, function=function: function(v, 1j * V), V)
        assert pull(out)[0].dtype == np.float64


def test_float32_beside_float64() -> None:
    single = V.astype(np.float32)
    for function in (np.matmul, np.dot, np.inner, np.vdot, np.cross, np.multiply.outer):
        out, pull = opreg.vjp(lambda v, function=function: function(v, V), single)
        assert pull(out)[0].dtype == np.float32


def test_dot_with_a_number_is_a_product_of_numbers() -> None:
    assert opreg.grad(lambda x: np.sum(np.dot(x, V)))(2.0) == pytest.approx(V.sum())


def test_tensordot_over_crossed_axes() -> None:
    a, b = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((4, 3, 5))
    g = RNG.standard_normal((2, 5))
    by_a = opreg.vjp(lambda a: np.tensordot(a, b, ((2, 1), (0, 1))), a)[1](g)[0]
    np.testing.assert_allclose(by_a, np.einsum("io,kjo->ijk", g, b))


def test_einsum_of_a_diagonal_puts_the_cotangent_back_there() -> None:
    found = opreg.grad(lambda x: np.einsum("ii", x))(np.ones((3, 3)))
    np.testing.assert_array_equal(found, np.eye(3))


def test_einsum_of_an_empty_operand_has_an_empty_cotangent() -> None:
    for subscripts, shape in (
        ("ii->i", (0, 0)),
        ("ii->i", (0, 2)),
        ("iijj->ij", (0, 2, 3, 3)),
        ("ij->", (0, 2)),
    ):
        out, pullback = opreg.vjp(lambda x, subscripts=subscripts: np.einsum(subscripts, x), np.zeros(shape))
        np.testing.assert_array_equal(pullback(np.ones(np.shape(out)))[0], np.zeros(shape))


def test_einsum_over_a_label_of_one_operand_alone() -> None:
    np.testing.assert_array_equal(opreg.grad(lambda a: np.einsum("ij->", a))(A), np.ones((2, 3)))


def test_einsum_in_the_list_form() -> None:
    found = opreg.grad(lambda a: np.sum(np.einsum(a, [0, 1], B, [1, 2], [2, 0])))(A)
    np.testing.assert_allclose(found, np.broadcast_to(B.sum(axis=1), (2, 3)))


def test_einsum_of_more_operands_than_words_is_refused() -> None:
    with pytest.raises(ValueError, match="operands"):
        opreg.vjp(lambda a: np.einsum("ij", a, B), A)


def test_einsum_refuses_an_unknown_keyword() -> None:
    with pytest.raises(TypeError, match="wrong"):
        opreg.vjp(lambda a: np.einsum("ij", a, wrong=1), A)


def test_cross_of_plane_vectors_is_refused_with_advice() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="three components"):
        plugins.get("numpy.cross")(np.ones(2), np.ones(2))


def test_a_matmul_of_numbers_is_refused_as_by_numpy() -> None:
    with pytest.raises(ValueError):
        opreg.vjp(lambda x: np.matmul(x, 2.0), V)


def test_the_hessian_of_a_quadratic_form() -> None:
    m = RNG.standard_normal((3, 3))
    np.testing.assert_allclose(opreg.hessian(lambda v: v @ m @ v)(V), m + m.T)


def weighted(out: Any) -> Any:
    return np.sum(out * np.arange(1.0, np.size(out) + 1).reshape(np.shape(out)))


def test_kron_sums_blocks() -> None:
    found = opreg.grad(lambda a: weighted(np.kron(a, np.ones((1, 2)))))(np.ones((1, 2)))
    assert found.tolist() == [[1 + 2, 3 + 4]]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.einsum("ij,j->i", x, [1.0, 2.0, 3.0]),
        lambda x: np.einsum("j,ij->ij", (1.0, 2.0, 3.0), x),
        lambda x: np.einsum("ij,->ij", x, 2.0),
        lambda x: np.einsum("ij,,j->i", x, 2, [1.0, 2.0, 3.0]),
        lambda x: np.einsum("i,->i", [1.0, 2.0], x[0, 1]),
    ],
)
def test_einsum_of_lists_and_numbers(call: Any) -> None:
    np.testing.assert_array_equal(opreg.vjp(call, A)[0], call(A))
    by_columns = [call(A + unit.reshape(A.shape)) - call(A) for unit in np.eye(A.size)]  # it is linear
    jacobian = opreg.jacobian(call)(A)
    np.testing.assert_allclose(
        jacobian.reshape(-1, A.size).T, np.reshape(by_columns, (A.size, -1)), atol=1e-12
    )


def test_einsum_of_an_array_and_a_traced_number() -> None:
    assert opreg.grad(lambda t: np.sum(np.einsum("i,->i", np.arange(3.0), t)))(2.0) == 3.0
    assert opreg.jvp(lambda t: np.einsum(",->", t, 3.0), (2.0,), (1.0,)) == (6.0, 3.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.einsum("...i->i", x),
        *(
            [lambda x: np.matvec(x[0], x[0]), lambda x: np.vecmat(x[0], x[0])]
            if hasattr(np, "vecmat")
            else []
        ),
        lambda x: np.reshape(x, (3, 2), order="K"),
    ],
)
def test_what_numpy_refuses_is_refused_with_the_same_error(call: Any) -> None:
    with pytest.raises(ValueError):
        call(A)
    with pytest.raises(ValueError):
        opreg.vjp(call, A)


def test_an_ellipsis_that_stands_for_nothing_need_not_be_in_the_output() -> None:
    assert opreg.grad(lambda x: np.sum(np.einsum("...i->i", x)))(V).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda x: np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)]), "moveaxis"),
        (lambda x: np.vecdot(x, x, keepdims=True), "expand_dims"),
        (lambda x: np.clip(x, 0.0, 1.0, where=x > 0), "np.where"),
    ],
)
def test_a_keyword_that_is_not_supported_is_refused_with_what_to_write_instead(
    call: Any, instead: str
) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=instead):
        opreg.vjp(call, np.eye(3))
