"""Sorting: a permutation, and what equal elements share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_differences import check

import opreg


@pytest.mark.parametrize("name", ["sort", "partition"])
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(f"numpy.{name}", skip=lambda sample: "ties" in sample.note) >= 8


def test_the_cotangent_goes_back_to_where_the_element_came_from() -> None:
    _, pull = opreg.vjp(np.sort, np.array([3.0, 1.0, 2.0]))
    assert pull(np.array([10.0, 20.0, 30.0]))[0].tolist() == [30.0, 10.0, 20.0]


def test_equal_elements_share_equally_in_both_modes() -> None:
    x = np.array([2.0, 1.0, 2.0, 2.0])
    _, pull = opreg.vjp(np.sort, x)
    assert pull(np.array([5.0, 1.0, 2.0, 6.0]))[0].tolist() == [3.0, 5.0, 3.0, 3.0]
    _, tangent = opreg.jvp(np.sort, (x,), (np.array([1.0, 7.0, 2.0, 6.0]),))
    assert tangent.tolist() == [7.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("shape", "axis"), [((6,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 2), 1), ((3, 2), None)]
)
def test_the_pullback_of_a_sort_is_differentiated_as_the_permutation_that_it_is(
    shape: Any, axis: Any
) -> None:
    rng = np.random.default_rng(0)
    x = rng.permutation(np.arange(float(np.prod(shape)))).reshape(shape)
    out, pull = opreg.vjp(lambda x: np.sort(x, axis=axis), x)
    g, t = rng.standard_normal((2, *out.shape))
    found, moved = opreg.jvp(lambda g: pull(g)[0], (g,), (t,))
    np.testing.assert_array_equal(found, pull(g)[0])
    np.testing.assert_array_equal(moved, pull(t)[0])
    back = opreg.vjp(lambda g: pull(g)[0], g)[1](x)[0]
    np.testing.assert_array_equal(back, np.sort(x, axis=axis))


def test_equal_elements_of_different_lanes_do_not_share() -> None:
    _, pull = opreg.vjp(lambda x: np.sort(x, axis=0), np.array([[1.0, 1.0], [2.0, 1.0]]))
    assert pull(np.array([[1.0, 2.0], [3.0, 4.0]]))[0].tolist() == [[1.0, 3.0], [3.0, 3.0]]


def test_sorting_the_flattened_array() -> None:
    found = opreg.grad(lambda x: np.sum(np.sort(x, axis=None) * np.arange(4.0)))(
        np.array([[4.0, 3.0], [2.0, 1.0]])
    )
    assert found.tolist() == [[3.0, 2.0], [1.0, 0.0]]


def test_partition_agrees_with_numpy_where_the_order_is_open() -> None:
    x = np.random.default_rng(0).standard_normal(50)
    assert opreg.vjp(lambda x: np.partition(x, 20), x)[0].tolist() == np.partition(x, 20).tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("kth", [0, 2, [1, -1]])
def test_at_ties_a_partition_has_the_mean_of_what_it_has_on_both_sides(dtype: Any, kth: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (40, 6)).astype(dtype)
    g = rng.integers(-9, 9, x.shape).astype(dtype)
    sides = [x + np.arange(6) / dtype(1024), x - np.arange(6) / dtype(1024)]
    out, *moved = (np.partition(x, kth) for x in (x, *sides))
    stays = np.all(
        [np.round(there) == out for there in moved], axis=(0, 2)
    )  # no other element changes its place
    assert stays.sum() >= 10
    here, *there = (opreg.vjp(lambda x: np.partition(x, kth), x)[1](g)[0] for x in (x, *sides))
    np.testing.assert_array_equal(here[stays], np.mean(there, axis=0)[stays])
    np.testing.assert_array_equal(np.sum(here, axis=1), np.sum(g, axis=1))
    t = rng.integers(-9, 9, x.shape).astype(dtype)
    tangent = opreg.jvp(lambda x: np.partition(x, kth), (x,), (t,))[1]
    np.testing.assert_array_equal(np.sum(tangent * g, axis=1), np.sum(t * here, axis=1))


def test_a_long_lane_of_small_floats_keeps_each_cotangent() -> None:
    x = np.zeros(5000, np.float16)
    g = np.random.default_rng(0).integers(-9, 9, x.shape).astype(np.float16)
    assert sorted(opreg.vjp(lambda x: np.partition(x, 70), x)[1](g)[0]) == sorted(g)


@pytest.mark.parametrize("function", [np.sort, lambda x, order: np.partition(x, 0, order=order)])
def test_fields_are_refused(function: Any) -> None:
    with pytest.raises(opreg.NotDifferentiable, match="order="):
        opreg.vjp(lambda x: function(x, order="a"), np.ones(2))


def test_a_number_cannot_be_sorted_along_an_axis() -> None:
    with pytest.raises(np.exceptions.AxisError):
        opreg.vjp(np.sort, np.array(1.0))


def test_a_median_from_a_sort() -> None:
    assert opreg.grad(lambda x: np.sort(x)[1])(np.array([3.0, 1.0, 2.0])).tolist() == [0.0, 0.0, 1.0]


def test_places_are_plain_and_pick_traced_values() -> None:
    x = np.array([3.0, 1.0, 2.0])
    assert opreg.grad(lambda x: x[np.argsort(x)][0])(x).tolist() == [0.0, 1.0, 0.0]
    assert opreg.grad(lambda x: x[x.argpartition(2)][2])(x).tolist() == [1.0, 0.0, 0.0]
    assert opreg.grad(lambda x: x[np.searchsorted(np.arange(3.0), x[1])])(x).tolist() == [0.0, 1.0, 0.0]


def test_ties_of_a_partition_and_nan_in_a_sort_are_found_out_of_order() -> None:
    x = np.array([[3.0, 1.0, 2.0, 1.0, 3.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    out, pull = opreg.vjp(lambda x: np.partition(x, 2, axis=1), x)
    g = np.arange(10.0).reshape(2, 5)
    mean = {value: g[0][out[0] == value].mean() for value in (1.0, 2.0, 3.0)}
    got = pull(g)[0]
    assert got[0].tolist() == [mean[value] for value in x[0]]
    assert got[1].tolist() == [g[1][out[1] == value].item() for value in x[1]]
    _, pull = opreg.vjp(np.sort, np.array([np.nan, 2.0, 1.0, 2.0]))
    assert pull(np.array([1.0, 2.0, 4.0, 8.0]))[0].tolist() == [8.0, 3.0, 1.0, 3.0]
