"""Sets: what stands for an element, what equal ones share, and what is constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import gradient, names_of

import opreg
import opreg.numpy
from opreg.testing import conformance
from opreg_numpy import sets

test_rules = conformance(*names_of(sets), samples=1)

X = np.array([3.0, 1.0, 3.0, 2.0])


def test_each_element_has_the_cotangent_of_what_stands_for_it_and_equal_ones_share_it() -> None:
    assert gradient(np.unique, X).tolist() == [1.5, 1.0, 1.5, 2.0]


def test_the_tangent_at_ties_is_the_mean() -> None:
    out, tangent = opreg.jvp(np.unique, (X,), (np.array([1.0, 5.0, 2.0, 7.0]),))
    assert out.tolist() == [1.0, 2.0, 3.0]
    assert tangent.tolist() == [5.0, 7.0, 1.5]


STANDARD = [np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all]


@pytest.mark.parametrize("function", STANDARD)
def test_the_functions_of_the_array_api_share_alike_in_both_modes(function: Any) -> None:
    def values(x: Any) -> Any:
        out = function(x)
        return out[0] if isinstance(out, tuple) else out

    assert gradient(values, X).tolist() == [1.5, 1.0, 1.5, 2.0]
    tangent = opreg.jvp(values, (X,), (np.array([1.0, 5.0, 2.0, 7.0]),))[1]
    assert tangent.tolist() == [5.0, 7.0, 1.5]
    second = opreg.hessian(lambda x: np.sum(values(x) ** 3))(X)
    np.testing.assert_allclose(second.sum(0), 6 * X / np.array([2, 1, 2, 1]))


@pytest.mark.parametrize("function", STANDARD[1:])
def test_their_results_are_numpys_named_tuples_with_plain_constants(function: Any) -> None:
    seen = []

    def loss(x: Any) -> Any:
        seen.append(function(x))
        return np.sum(seen[0].values)

    opreg.grad(loss)(X)
    expected = function(X)
    assert type(seen[0]) is type(expected)
    for name in expected._fields[1:]:
        assert not opreg.is_traced(getattr(seen[0], name))
        np.testing.assert_array_equal(getattr(seen[0], name), getattr(expected, name))


@pytest.mark.parametrize("axis", [None, 1])
def test_places_and_counts_are_plain_as_numpy_returns_them(axis: Any) -> None:
    x = np.array([[3.0, 1.0, 3.0], [2.0, 2.0, 5.0]])
    expected, seen = np.unique(x, True, True, True, axis), []

    def loss(x: Any) -> Any:
        seen.append(np.unique(x, True, True, True, axis))
        return np.sum(seen[0][0])

    value, _ = opreg.value_and_grad(loss)(x)
    assert value == np.sum(expected[0])
    for got, due in zip(seen[0][1:], expected[1:], strict=True):
        assert not opreg.is_traced(got)
        np.testing.assert_array_equal(got, due)


@pytest.mark.parametrize("axis", [0, -2])
def test_equal_slices_share(axis: int) -> None:
    x = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    found = gradient(lambda x: np.unique(x, axis=axis), x)
    assert found.tolist() == [[1.5, 2.0], [1.0, 2.0], [1.5, 2.0]]
    columns = gradient(lambda x: np.unique(x, axis=-1 if axis < 0 else 1), x.T)
    assert columns.tolist() == [[1.0, 1.0, 1.0], [2.0, 3.0, 2.0]]


def test_complex_numbers_and_zeros_of_either_sign() -> None:
    z = np.array([1 + 1j, 2j, 1 + 1j])
    _, pull = opreg.vjp(np.unique, z)
    assert pull(np.array([4j, 2.0 + 0j]))[0].tolist() == [1.0, 4j, 1.0]
    assert gradient(np.unique, np.array([0.0, -0.0, 1.0])).tolist() == [0.5, 0.5, 2.0]


def test_nan_is_one_element_or_as_many_as_there_are() -> None:
    x = np.array([np.nan, 1.0, np.nan])
    assert gradient(lambda x: np.unique(x)[:1], x).tolist() == [0.0, 1.0, 0.0]
    for equal, weights in (True, [1.0, 2.0]), (False, [1.0, 2.0, 3.0]):
        _, pull = opreg.vjp(lambda x: np.unique(x, equal_nan=equal), x)  # noqa: B023
        got = pull(np.array(weights))[0]
        assert got.tolist() == ([1.0, 1.0, 1.0] if equal else [2.0, 1.0, 3.0])
    _, pull = opreg.vjp(np.unique_values, x)
    assert pull(np.array([1.0, 2.0, 3.0]))[0].tolist() == [2.0, 1.0, 3.0]


def test_float32_stays_float32() -> None:
    assert gradient(np.unique, X.astype(np.float32)).dtype == np.float32
    assert gradient(np.unique_values, X.astype(np.float32)).dtype == np.float32


def test_an_axis_that_is_none_is_refused_as_numpy_does() -> None:
    with pytest.raises(np.exceptions.AxisError):
        opreg.grad(lambda x: np.unique(x, axis=2).sum())(np.ones((2, 2)))


def test_a_union_shares_what_both_have() -> None:
    of_left, of_right = opreg.grad(lambda a, b: np.sum(np.union1d(a, b) * np.array([1.0, 2.0, 4.0])), (0, 1))(
        np.array([3.0, 1.0]), np.array([2.0, 3.0])
    )
    assert of_left.tolist() == [2.0, 1.0]
    assert of_right.tolist() == [2.0, 2.0]


def test_differences_of_sets_take_what_is_in_one_alone() -> None:
    a, b = np.array([3.0, 1.0, 2.0]), np.array([2.0, 5.0])

    def weighed(function: Any, **options: Any) -> Any:
        def loss(a: Any, b: Any) -> Any:
            out = function(a, b, **options)
            return np.sum(out * 10.0 ** np.arange(np.size(out)))

        found = opreg.grad(loss, (0, 1))(a, b)
        return [part.tolist() for part in found]

    assert weighed(np.setdiff1d) == [[10.0, 1.0, 0.0], [0.0, 0.0]]
    assert weighed(np.setdiff1d, assume_unique=True) == [[1.0, 10.0, 0.0], [0.0, 0.0]]
    assert weighed(np.setxor1d) == [[10.0, 1.0, 0.0], [0.0, 100.0]]
    assert weighed(np.setxor1d, assume_unique=True) == [[10.0, 1.0, 0.0], [0.0, 100.0]]


def test_the_same_array_as_both() -> None:
    assert opreg.grad(lambda x: np.sum(np.union1d(x, x) ** 2))(X[:2]).tolist() == [6.0, 2.0]
    assert opreg.grad(lambda x: np.sum(np.setxor1d(x, x)))(X[:2]).tolist() == [0.0, 0.0]
    assert opreg.grad(lambda x: np.sum(np.setdiff1d(x, x)))(X[:2]).tolist() == [0.0, 0.0]


def test_numpys_own_results_stay_as_they_are() -> None:
    for function in (np.union1d, np.setdiff1d, np.setxor1d):
        a, b = np.array([3.0, 1.0, 1.0, 2.0]), np.array([[2.0, 5.0]])
        out, _ = opreg.vjp(function, a, b)
        np.testing.assert_array_equal(out, function(a, b))
        assert getattr(opreg.numpy, function.__name__)(a, b).tolist() == out.tolist()
