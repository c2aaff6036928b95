"""Joining and splitting: sequences of arrays of which any may be traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_differences import check

import opreg

NAMES = (
    "concatenate", "stack", "vstack", "hstack", "dstack", "column_stack", "append", "block", "array_split", "split",
    "hsplit", "vsplit", "dsplit",
)  # fmt: skip
X, Y = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(f"numpy.{name}") >= 5


@pytest.mark.skipif(not hasattr(np, "unstack"), reason="unstack is of NumPy 2.1")
def test_unstack() -> None:
    assert check("numpy.unstack") >= 5


def test_each_array_gets_the_part_where_it_lies() -> None:
    found = opreg.grad(lambda x, y: np.sum(np.concatenate([x, y, x]) * np.arange(7.0)), (0, 1))(X, Y)
    assert found[0].tolist() == [0.0 + 5, 1.0 + 6]
    assert found[1].tolist() == [2.0, 3.0, 4.0]


def test_a_sequence_of_which_one_is_traced() -> None:
    found = opreg.grad(lambda x: np.sum(np.hstack(([1, 2], x, np.ones(1))) * np.arange(5.0)))(X)
    assert found.tolist() == [2.0, 3.0]


def test_flattened_with_axis_none() -> None:
    a = np.ones((2, 2))
    found = opreg.grad(lambda a, x: np.sum(np.concatenate([x, a], axis=None) * np.arange(6.0)), (0, 1))(a, X)
    assert found[0].tolist() == [[2.0, 3.0], [4.0, 5.0]]


def test_a_real_array_among_complex_ones_has_a_real_cotangent() -> None:
    found = opreg.grad(lambda x: np.real(np.sum(np.stack([x, 1j * X]) * (1 + 1j))))(X)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 1.0]


def test_a_float32_array_among_float64_ones_has_a_float32_cotangent() -> None:
    found = opreg.grad(lambda x: np.sum(np.concatenate([x, Y])))(X.astype(np.float32))
    assert found.dtype == np.float32


def test_the_result_may_be_asked_for_in_another_type() -> None:
    out, pull = opreg.vjp(lambda x: np.concatenate([x, Y], dtype=np.float32), X)
    assert out.dtype == np.float32
    assert pull(np.ones(5, np.float32))[0].dtype == np.float64


def test_the_tangent_of_a_constant_part_is_zero() -> None:
    _, tangent = opreg.jvp(lambda x: np.stack([x, np.arange(2)], axis=1), (X,), (np.ones(2),))
    assert tangent.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_the_parts_of_a_split_in_one_pass() -> None:
    out, pull = opreg.vjp(lambda y: np.split(y, [1]), Y)
    assert isinstance(out, list)
    assert pull([np.array([5.0]), np.array([6.0, 7.0])])[0].tolist() == [5.0, 6.0, 7.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda y: np.split(y, 2),
        lambda y: np.array_split(y, 0),
        lambda y: np.vsplit(y, 3),
        lambda y: np.dsplit(y, 3),
    ],
)
def test_a_split_that_numpy_refuses_is_refused(call: Any) -> None:
    with pytest.raises(ValueError):
        call(Y)
    with pytest.raises(ValueError):
        opreg.vjp(call, Y)


def test_out_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.vjp(lambda x: np.concatenate([x, x], out=np.zeros(4)), X)


def test_shapes_that_do_not_fit_raise_numpys_error() -> None:
    with pytest.raises(ValueError, match="shape"):
        opreg.vjp(lambda x: np.stack([x, Y]), X)


def test_second_order() -> None:
    hessian = opreg.hessian(lambda x: np.prod(np.concatenate([x, x])))(X)
    np.testing.assert_allclose(hessian, [[2 * 4, 4 * 2], [4 * 2, 2 * 1]])
