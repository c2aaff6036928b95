"""Ranges between two ends, and the powers of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from families import gradient, names_of
from traced_values import check_values

import opreg
import opreg.numpy as onp
from opreg.testing import conformance
from opreg_numpy import ranges

test_rules = conformance(*names_of(ranges), samples=1)


@pytest.mark.parametrize("name", ["logspace", "vander"])
def test_a_traced_result_is_that_of_numpy(name) -> None:
    assert check_values(f"numpy.{name}") > 10


def test_each_end_has_its_share_of_each_sample() -> None:
    jacobian = opreg.jacobian(lambda a, b: np.linspace(a, b, 5), (0, 1))(1.0, 3.0)
    np.testing.assert_array_equal(jacobian[0], [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_array_equal(jacobian[1], [0, 0.25, 0.5, 0.75, 1])
    without = opreg.jacobian(lambda b: np.linspace(1.0, b, 4, endpoint=False))(3.0)
    np.testing.assert_array_equal(without, [0, 0.25, 0.5, 0.75])


def test_of_one_sample_there_is_only_the_start() -> None:
    assert opreg.grad(lambda a, b: np.sum(np.linspace(a, b, 1)), (0, 1))(1.0, 3.0) == (1.0, 0.0)
    assert opreg.grad(lambda a, b: np.sum(np.geomspace(a, b, 1)), (0, 1))(2.0, 3.0) == (1.0, 0.0)
    assert opreg.grad(lambda a: np.sum(np.linspace(a, 3.0, 0)))(1.0) == 0.0


def test_the_step_has_a_derivative_too() -> None:
    step = lambda a, b: np.linspace(a, b, 5, retstep=True)[1]  # noqa: E731
    assert opreg.grad(step, (0, 1))(1.0, 3.0) == (-0.25, 0.25)
    assert opreg.jvp(step, (1.0, 3.0), (0.0, 2.0))[1] == 0.5
    with pytest.raises(opreg.NotDifferentiable, match="retstep"):
        opreg.grad(lambda a: np.linspace(a, 3.0, 1, retstep=True)[0][0])(1.0)


def test_samples_in_proportion_at_extreme_ends() -> None:
    """Of 5 samples between a and b the middle one is sqrt(a b), which does not overflow where b / a does."""
    a, b = 1e-200, 1e200
    by_start, by_stop = opreg.grad(lambda a, b: np.geomspace(a, b, 5)[2], (0, 1))(a, b)
    assert by_start == pytest.approx(0.5 * 1e200, rel=1e-12)
    assert by_stop == pytest.approx(0.5 * 1e-200, rel=1e-12)


def test_powers_of_several_bases() -> None:
    found = gradient(lambda base: np.logspace(0, 2, 3, base=base), np.array([2.0, 3.0]))
    np.testing.assert_allclose(found, [3 + 5 * 2 * 2, 4 + 6 * 2 * 3])


def test_the_matrix_of_powers_at_zero() -> None:
    jacobian = opreg.jacobian(lambda x: np.vander(x, 4, increasing=True))(np.array([0.0, 2.0]))
    np.testing.assert_array_equal(jacobian[0, :, 0], [0, 1, 0, 0])
    np.testing.assert_array_equal(jacobian[1, :, 1], [0, 1, 4, 12])
    np.testing.assert_array_equal(jacobian[1, :, 0], 0)


def test_a_range_by_its_start_and_its_step() -> None:
    found = opreg.grad(lambda a, step: np.sum(onp.arange(a, 3.0, step) ** 2), (0, 1))(0.5, 0.75)
    points = 0.5 + 0.75 * np.arange(4)
    assert found == pytest.approx((np.sum(2 * points), np.sum(2 * points * np.arange(4))), rel=1e-15)


def test_by_the_stop_a_range_is_constant() -> None:
    assert opreg.grad(lambda b: np.sum(onp.arange(b)))(3.5) == 0.0
    assert opreg.grad(lambda b: np.sum(onp.arange(0.5, b)))(3.25) == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.linspace(x, 4.0, 3, dtype=int),
        lambda x: np.geomspace(x, 4.0, 3, dtype=int),
        lambda x: np.logspace(x, 4.0, 3, dtype=int),
        lambda x: onp.arange(x, 4.0, dtype=int),
    ],
)
def test_whole_numbers_are_refused(call) -> None:
    with pytest.raises(opreg.NotDifferentiable, match="constant between its jumps"):
        opreg.grad(lambda x: call(x)[0])(1.5)


def test_what_numpy_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="one-dimensional"):
        opreg.vjp(np.vander, np.ones((2, 2)))
    with pytest.raises(ValueError, match="non-negative"):
        opreg.vjp(lambda x: np.linspace(x, 2.0, -1), 1.0)
    with pytest.raises(ValueError, match="Geometric sequence"):
        opreg.vjp(lambda x: np.geomspace(x, 2.0), 0.0)
    with pytest.raises(ValueError, match="Device"):
        opreg.vjp(lambda x: np.linspace(x, 2.0, device="gpu"), 1.0)
    with pytest.raises(ValueError, match="Device"):
        opreg.vjp(lambda x: onp.arange(x, 2.0, device="gpu"), 1.0)
    with pytest.raises(opreg.NotDifferentiable, match="like="):
        opreg.vjp(lambda x: onp.arange(x, 2.0, like=np.ones(1)), 1.0)
