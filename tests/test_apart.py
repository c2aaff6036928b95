"""What a transformation returns shares no memory, neither among itself nor with what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import opreg

X = np.array([1.0, 2.0, 3.0])


def both(a: Any, b: Any) -> Any:
    return np.sum((a + b) ** 2)


def test_two_gradients_that_are_equal_are_two_arrays() -> None:
    ga, gb = opreg.grad(both, (0, 1))(X, X.copy())
    ga *= 0.1
    np.testing.assert_array_equal(gb, [4.0, 8.0, 12.0])
    tree = opreg.grad(lambda p: both(p["a"], p["b"].T))({"a": X, "b": X.copy()})
    tree["a"][:] = 0
    np.testing.assert_array_equal(tree["b"], [4.0, 8.0, 12.0])


def test_pieces_of_one_cotangent_stay_views_of_it() -> None:
    w = np.arange(6.0)
    ga, gb = opreg.grad(lambda a, b: np.sum(np.concatenate([a, b]) * w), (0, 1))(X, X.copy())
    assert ga.base is gb.base is not None
    ga[:] = 77
    np.testing.assert_array_equal(gb, [3.0, 4.0, 5.0])


@pytest.mark.parametrize("count", [3, 40])
def test_of_many_that_overlap_each_is_written_into_alone(count: int) -> None:
    arrays = [X + i for i in range(count)]
    joined = opreg.grad(lambda *xs: np.sum(np.concatenate(xs) ** 2) + np.sum(xs[0] + xs[-1]), range(count))
    gradients = joined(*arrays)
    expected = [g.copy() for g in gradients]
    for i, g in enumerate(gradients):
        g[:] = -1
        for later, right in zip(gradients[i + 1 :], expected[i + 1 :], strict=True):
            np.testing.assert_array_equal(later, right)


def test_a_pullback_does_not_return_the_callers_cotangent() -> None:
    _, pullback = opreg.vjp(lambda a, b: a + b, X, X.copy())
    given = np.ones(3)
    first, second = pullback(given)
    first[0] = 77
    assert given[0] == second[0] == 1
    (only,) = opreg.vjp(np.transpose, np.ones((2, 3)))[1](turned := np.ones((3, 2)))
    only[:] = 5
    assert (turned == 1).all()


def test_a_tangent_is_not_the_callers() -> None:
    given = np.ones((2, 3))
    _, moved = opreg.jvp(np.transpose, (given.copy(),), (given,))
    moved[0, 0] = 5
    assert (given == 1).all()
    _, push = opreg.linearize(np.transpose, given.copy())
    push(given)[0, 0] = 5
    assert (given == 1).all()


def test_gradients_of_variables_are_their_own() -> None:
    a, b = opreg.variable(X), opreg.variable(X.copy())
    both(a, b).backward()
    a.gradient[:] = 0
    np.testing.assert_array_equal(b.gradient, [4.0, 8.0, 12.0])
    first, second = both(a, b).grad([a, a])
    first[:] = 0
    np.testing.assert_array_equal(second, [4.0, 8.0, 12.0])
    given = np.ones(3)
    (a + b).grad(a, given)[0] = 5
    assert given[0] == 1


def test_traced_gradients_are_their_own() -> None:
    def inner(t: Any) -> Any:
        ga, gb = opreg.grad(both, (0, 1))(t, t * 1.0)
        ga *= 0.1
        return np.sum(gb)

    value, gradient = opreg.value_and_grad(inner)(X)
    assert value == 24.0
    np.testing.assert_array_equal(gradient, [4.0, 4.0, 4.0])
