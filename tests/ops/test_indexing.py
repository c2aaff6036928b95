"""Indexing: every kind of index, its transpose, and the functions that pick elements."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from families import gradient
from finite_differences import check

import opreg
from opreg import plugins

NAMES = (
    "operator.getitem", "opreg_numpy.indexing.scatter_add", "opreg_numpy.indexing.embed_diagonal", "numpy.take",
    "numpy.take_along_axis", "numpy.diff", "numpy.compress", "numpy.extract", "numpy.select", "numpy.choose",
    "numpy.delete", "numpy.ediff1d", "numpy.resize",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(name) >= 5


def test_elements_picked_twice_collect_both_cotangents() -> None:
    assert gradient(lambda x: x[[1, 1, 0]], np.zeros(3)).tolist() == [3.0, 3.0, 0.0]


def test_a_negative_step_is_reversed_again() -> None:
    assert gradient(lambda x: x[::-2], np.zeros(4)).tolist() == [0.0, 2.0, 0.0, 1.0]


def test_a_mask_scatters_to_where_it_holds() -> None:
    assert gradient(lambda x: x[np.array([True, False, True])], np.zeros(3)).tolist() == [1.0, 0.0, 2.0]


def test_mixed_advanced_and_basic_indices() -> None:
    found = gradient(lambda x: x[np.array([1, 1]), :, np.array([0, 1])], np.zeros((2, 2, 2)))
    assert found.tolist() == [[[0, 0], [0, 0]], [[1, 3], [2, 4]]]


def test_an_index_computed_from_traced_values_is_plain() -> None:
    assert gradient(lambda x: x[x > 1.5], np.array([1.0, 2.0, 3.0])).tolist() == [0.0, 1.0, 2.0]


def test_the_operator_module_indexes_too() -> None:
    assert opreg.grad(lambda x: operator.getitem(x, 1))(np.zeros(2)).tolist() == [0.0, 1.0]


def test_a_traced_index_is_refused() -> None:
    with pytest.raises((TypeError, IndexError)):
        opreg.grad(lambda i: np.arange(3.0)[i])(1.0)


def test_float32_stays_float32() -> None:
    found = opreg.grad(lambda x: x[[0, 0]].sum())(np.ones(2, np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [2.0, 0.0]


def test_indexing_is_linear_so_its_second_derivative_is_that_of_what_follows() -> None:
    hessian = opreg.hessian(lambda x: np.sum(x[[1, 1, 0]] ** 2))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(hessian, np.diag([2.0, 4.0]))


def test_the_scatter_adds_up_in_places_named_twice() -> None:
    scatter = plugins.get("opreg_numpy.indexing.scatter_add")
    out = scatter(np.array([1.0, 2.0, 3.0]), key=np.array([1, 1, 0]), shape=(3,))
    assert out.tolist() == [3.0, 3.0, 0.0]
    out = scatter(np.array([1.0, 2.0, 3.0]), key=np.array([1, -1, -2]), shape=(3,))
    assert out.tolist() == [0.0, 4.0, 2.0]
    for beyond in [0, 3], [0, -4]:
        with pytest.raises(IndexError):
            scatter(np.ones(2), key=np.array(beyond), shape=(3,))


@pytest.mark.parametrize("mode", ["wrap", "clip"])
def test_take_beyond_the_ends(mode: str) -> None:
    places = {"wrap": [2, 2], "clip": [2, 0]}[mode]
    found = gradient(lambda x: np.take(x, [5, -1] if mode == "wrap" else [5, -7], mode=mode), np.zeros(3))
    expected = np.zeros(3)
    np.add.at(expected, places, [1.0, 2.0])
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("shape", [(6,), (6, 2), (0, 3)])
@pytest.mark.parametrize(
    "key",
    [slice(None), slice(1, 4), slice(4, 1), slice(-2, None), slice(9, 12), slice(0, 0), slice(None, None, -1),
     slice(1, None, 2), slice(4, 0, -2)],
    ids=str,
)  # fmt: skip
def test_a_slice_scatters_between_zeros(key: slice, shape: tuple[int, ...]) -> None:
    scatter = plugins.get("opreg_numpy.indexing.scatter_add")
    expected = np.zeros(shape, np.float32)
    x = np.arange(1, 1 + expected[key].size, dtype=np.float32).reshape(expected[key].shape)
    expected[key] = x
    found = scatter(x, key=key, shape=shape)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


def test_what_is_scattered_must_have_the_shape_of_the_places() -> None:
    scatter, embed = (
        plugins.get("opreg_numpy.indexing.scatter_add"),
        plugins.get("opreg_numpy.indexing.embed_diagonal"),
    )
    many = np.arange(12).reshape(3, 4) % 5
    mask = np.array([True, False, True, True, False])
    for key, shape in (slice(1, 4), (3,)), (2, ()), ([0, 1, 1], (3,)), (many, (3, 4)), (mask, (3,)):
        assert scatter(np.ones(shape), key=key, shape=(5,)).sum() == np.ones(shape).size
        for other in ((1,), (1, *shape), shape[1:]):
            if other != shape:
                with pytest.raises(ValueError, match="is due at these places"):
                    scatter(np.ones(other), key=key, shape=(5,))
    assert embed(np.ones((2, 3)), offset=0, shape=(2, 3, 4)).sum() == 6.0
    for other in (2, 1), (1, 3), (3,), ():
        with pytest.raises(ValueError, match="is due at these places"):
            embed(np.ones(other), offset=0, shape=(2, 3, 4))


@pytest.mark.parametrize(("axis", "mode"), [(1, "raise"), (1, "wrap"), (1, "clip"), (0, "clip")])
def test_places_that_an_empty_array_does_not_have_may_be_taken_of_it(axis: int, mode: Any) -> None:
    out, pullback = opreg.vjp(lambda x: np.take(x, [0, -1, 5], axis=axis, mode=mode), np.zeros((0, 0)))
    assert out.shape == ((3, 0) if axis == 0 else (0, 3))
    np.testing.assert_array_equal(pullback(out)[0], np.zeros((0, 0)))


def test_take_refuses_out() -> None:
    with pytest.raises(TypeError, match="out="):
        opreg.grad(lambda x: np.take(x, [0], out=np.zeros(1)).sum())(np.ones(2))


def test_an_unknown_keyword_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="wrong"):
        plugins.get("take")(np.ones(2), [0], wrong=1)


def test_diff_reaches_what_is_joined_on() -> None:
    by_ends = opreg.grad(
        lambda a, b: np.sum(np.diff(np.ones(2), prepend=a, append=b) * np.array([1.0, 2, 3])), (0, 1)
    )
    assert by_ends(0.0, 0.0) == (-1.0, 3.0)


def test_diff_of_fewer_points_than_the_order_is_empty() -> None:
    out, pull = opreg.vjp(lambda x: np.diff(x, n=3), np.ones(2))
    assert out.shape == (0,)
    assert pull(np.zeros(0))[0].tolist() == [0.0, 0.0]


def test_select_takes_the_first_condition_that_holds() -> None:
    x = np.array([1.0, 2.0, 3.0])
    found = gradient(lambda x: np.select([x > 2, x > 1], [10 * x, 20 * x], default=0.0), x)
    assert found.tolist() == [0.0, 40.0, 30.0]


# ------------------------------------------------------------------------------- selectors, types and errors
X = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("indices", [[True, True, False], True, [0.0, 2.0], 1.0], ids=str)
def test_a_list_of_truth_values_or_floats_is_one_of_places(indices: Any) -> None:
    jacobian = opreg.jacobian(lambda a: np.take(a, indices))(X)
    np.testing.assert_array_equal(jacobian, np.take(np.eye(3), indices, axis=0))


def test_choose_by_truth_values() -> None:
    assert opreg.grad(lambda a: np.sum(np.choose(a > 1.5, [a, a * a])))(X).tolist() == [1.0, 4.0, 6.0]


SINGLE = X.astype(np.float32)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.choose([0, 1, 0], [x, 2.5]),
        lambda x: np.choose([0, 1, 0], [x, 2]),
        lambda x: np.choose([0, 1, 0], [x, [2.5, 1.0, 0.0]]),
        lambda x: np.choose([0, 1, 0], [x, 2.5j]),
        lambda x: np.select([x > 1, x < 0], [x, 2.5]),
        lambda x: np.select([x > 1], [x], np.float64(2.5)),
        lambda x: np.ediff1d(x, 0.7),
        lambda x: np.ediff1d(x, to_begin=np.array([0.7])),
    ],
)
def test_the_type_of_the_result_is_numpys(call: Any) -> None:
    assert opreg.vjp(call, SINGLE)[0].dtype == call(SINGLE).dtype


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda x: np.take(x, np.array([0.0, 1.0]))),
        (TypeError, lambda x: np.choose([0.0, 1.0, 0.0], [x, x])),
        (ValueError, lambda x: np.choose([0, 2, 0], [x, x])),
        (ValueError, lambda x: np.choose([0, 1, 0], [x, x], mode="none")),
        (TypeError, lambda x: np.ediff1d(x, 1j)),
        (TypeError, lambda x: np.insert(x, 0, 1j)),
        (ValueError, lambda x: np.resize(x, (-1,))),
        (ValueError, lambda x: np.compress([[True, False]], x)),
        (TypeError, lambda x: np.select([np.array([1, 0, 1])], [x])),
    ],
)
def test_what_numpy_refuses_is_refused_with_the_same_error(error: Any, call: Any) -> None:
    with pytest.raises(error):
        call(X)
    with pytest.raises(error):
        opreg.vjp(call, X)
