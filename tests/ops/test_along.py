"""Functions that call a function with traced values, and join its results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import gradient, names_of

import opreg
import opreg.numpy
from opreg.testing import conformance
from opreg_numpy import along

test_rules = pytest.mark.slow(conformance(*names_of(along), samples=1))

X = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])


# ----------------------------------------------------------------------------------------- apply_along_axis
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_each_lane_has_the_gradient_of_the_function(axis: int) -> None:
    found = opreg.grad(lambda x: np.sum(np.apply_along_axis(lambda lane: lane @ lane, axis, x)))(X)
    assert found.tolist() == (2 * X).tolist()


@pytest.mark.parametrize(
    "function", [np.cumsum, np.outer, lambda x: [np.sum(x), np.prod(x)], lambda x: 1.5, np.sort, np.diag]
)
@pytest.mark.parametrize("axis", [0, 1, -2])
def test_results_of_any_shape_lie_where_numpy_puts_them(function: Any, axis: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    call = (lambda lane: np.outer(lane, lane)) if function is np.outer else function
    out, _ = opreg.vjp(lambda x: np.apply_along_axis(call, axis, x), x)
    np.testing.assert_array_equal(out, np.apply_along_axis(call, axis, x))


def test_more_arguments_reach_the_function_and_may_be_traced() -> None:
    def scaled(lane: Any, by: Any, *, shift: Any) -> Any:
        return by * lane[0] + shift

    of_by, of_shift = opreg.grad(
        lambda by, shift: np.sum(opreg.numpy.apply_along_axis(scaled, 1, X, by, shift=shift)), (0, 1)
    )(2.0, 1.0)
    assert (of_by, of_shift) == (4.0, 2.0)


def test_results_have_the_type_of_the_first() -> None:
    def whole_first(lane: Any) -> Any:
        return 1 if lane[0] > 2 else lane[0]

    out, _ = opreg.vjp(lambda x: np.apply_along_axis(lambda lane: lane[0].astype(np.float32), 1, x), X)
    assert out.dtype == np.float32
    with pytest.raises(opreg.NotDifferentiable, match=r"astype\(float\)"):
        opreg.grad(lambda x: np.sum(np.apply_along_axis(whole_first, 1, x)))(X[::-1])


def test_lanes_that_do_not_exist_are_refused_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="any iteration dimensions are 0"):
        opreg.grad(lambda x: np.sum(np.apply_along_axis(np.sum, 0, x)))(np.ones((2, 0)))
    with pytest.raises(np.exceptions.AxisError):
        opreg.grad(lambda x: np.sum(np.apply_along_axis(np.sum, 2, x)))(X)


# ------------------------------------------------------------------------------------------ apply_over_axes
def test_a_function_is_applied_over_one_axis_after_the_other() -> None:
    out, pull = opreg.vjp(lambda x: np.apply_over_axes(np.sum, x, (0, -1)), X)
    assert out.tolist() == [[np.sum(X)]]
    assert pull(np.array([[2.0]]))[0].tolist() == np.full((2, 3), 2.0).tolist()
    assert gradient(lambda x: np.apply_over_axes(np.mean, x, 0), X).tolist() == [[0.5, 1.0, 1.5]] * 2


def test_a_function_that_changes_the_rank_otherwise_is_refused_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="not returning an array of the correct shape"):
        opreg.grad(lambda x: np.sum(np.apply_over_axes(lambda a, axis: a[0, 0], x, [0])))(X)


# ------------------------------------------------------------------------------------------------ piecewise
def test_each_piece_has_the_derivative_of_its_function() -> None:
    x = np.array([-2.0, -0.5, 0.5, 2.0])
    found = gradient(lambda x: np.piecewise(x, [x < -1, x > 1], [np.square, 3.0, lambda x: x**3]), x)
    weights = np.arange(1.0, 5.0)
    assert found.tolist() == (weights * [-4.0, 0.75, 0.75, 0.0]).tolist()


def test_the_last_condition_that_holds_counts_and_none_gives_zero() -> None:
    x = np.array([1.0, 2.0, 3.0])
    out, pull = opreg.vjp(lambda x: np.piecewise(x, [x > 1, x > 2], [lambda x: 10 * x, lambda x: 20 * x]), x)
    assert out.tolist() == [0.0, 20.0, 60.0]
    assert pull(np.ones(3))[0].tolist() == [0.0, 10.0, 20.0]


def test_a_function_of_no_elements_is_not_called() -> None:
    def never(x: Any) -> Any:
        raise AssertionError("called")

    assert gradient(lambda x: np.piecewise(x, [x > 9], [never, np.negative]), X[0]).tolist() == [
        -1.0,
        -2.0,
        -3.0,
    ]


def test_numbers_and_further_arguments_may_be_traced() -> None:
    x = np.array([0.5, 1.5, 2.5])

    def loss(c: Any, k: Any, s: Any) -> Any:
        return np.sum(opreg.numpy.piecewise(x, [x < 1], [c, lambda x, k, s=0.0: k * x + s], k, s=s))

    assert opreg.grad(loss, (0, 1, 2))(1.0, 1.0, 1.0) == (1.0, 4.0, 2.0)


def test_a_number_of_functions_that_does_not_fit_is_refused_as_numpy_does() -> None:
    for functions in ([], [np.sin] * 3):
        with pytest.raises(ValueError, match="either 1 or 2 functions are expected"):
            opreg.grad(lambda x: np.sum(np.piecewise(x, [x > 0], functions)))(X[0])  # noqa: B023


def test_whole_numbers_into_which_a_traced_one_would_be_cut_are_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match=r"astype\(float\)"):
        opreg.grad(lambda c: np.sum(opreg.numpy.piecewise(np.arange(3), [np.arange(3) > 1], [c])))(1.5)


def test_a_plain_array_never_takes_a_traced_number_in_silence() -> None:
    with pytest.raises(opreg.NotDifferentiable):
        opreg.grad(lambda c: np.sum(np.piecewise(X[0], [X[0] > 1], [c, 0.0])))(1.5)


@pytest.mark.parametrize("conditions", [True, [True], np.array([False])])
def test_a_number_in_pieces(conditions: Any) -> None:
    out, pull = opreg.vjp(lambda x: np.piecewise(x, conditions, [np.square, np.negative]), np.array(1.5))
    np.testing.assert_array_equal(out, np.piecewise(np.array(1.5), conditions, [np.square, np.negative]))
    assert pull(np.ones(np.shape(out)))[0] == (-1.0 if isinstance(conditions, np.ndarray) else 3.0)


# -------------------------------------------------------------------------------------------- fromfunction
def test_a_function_of_indices_has_the_derivatives_of_its_other_arguments() -> None:
    found = opreg.grad(lambda c: np.sum(opreg.numpy.fromfunction(lambda i, j, c: i * c**2, (3, 2), c=c)))(2.0)
    assert found == 24.0
    with pytest.raises(opreg.NotDifferentiable, match="like="):
        opreg.plugins.get("numpy.fromfunction").body(lambda i: i, (3,), like=np.ones(1))
