"""numpy.insert: where values go, and what becomes of their types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import opreg
from opreg.testing import conformance

test_rules = conformance("numpy.insert", samples=1)

A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("obj", "values", "axis"),
    [
        (1, [10.0, 20.0], 1),
        ([0, 2], [[10.0, 20.0], [30.0, 40.0]], 1),
        ([2, 0, 0], [10.0, 20.0, 30.0], None),
        (-1, 10.0, 0),
        ([1], [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]], 0),
        (slice(0, 2), [10.0, 20.0, 30.0], -2),
    ],
)
def test_values_go_where_numpy_puts_them_and_so_do_cotangents(obj: Any, values: Any, axis: Any) -> None:
    values = np.asarray(values)
    out, pull = opreg.vjp(lambda a, v: np.insert(a, obj, v, axis), A, values)
    np.testing.assert_array_equal(out, np.insert(A, obj, values, axis))
    g = np.arange(1.0, out.size + 1).reshape(out.shape)
    of_a, of_v = pull(g)
    assert of_a.tolist() == [[g[out == x].item() for x in row] for row in A]
    by_value = {v: g[out == v].sum() for v in np.ravel(values)}
    np.testing.assert_array_equal(np.ravel(of_v), [by_value[v] for v in np.ravel(values)])


def test_values_of_a_sequence_are_put_in_before_the_places_of_the_old_array() -> None:
    assert opreg.jvp(lambda v: np.insert(np.zeros(3), [3, 1], v), (np.ones(2),), (np.array([5.0, 7.0]),))[
        1
    ].tolist() == [0.0, 7.0, 0.0, 0.0, 5.0]


def test_values_take_the_type_of_the_array() -> None:
    out, pull = opreg.vjp(lambda a, v: np.insert(a, 1, v), np.ones(2, np.float32), np.array(2.5))
    assert out.dtype == np.float32
    of_a, of_v = pull(np.array([1.0, 2.0, 3.0], np.float32))
    assert (of_a.dtype, of_v.dtype, of_v.tolist()) == (np.float32, np.float64, 2.0)


def test_values_that_would_be_cut_to_integers_are_refused_when_traced() -> None:
    with pytest.raises(opreg.NotDifferentiable, match=r"astype\(float\)"):
        opreg.grad(lambda v: np.sum(np.insert(np.arange(3), 1, v)))(2.5)
    assert opreg.grad(lambda a: np.sum(np.insert(a, 1, [7, 8])))(np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("obj", "axis", "error"), [(7, 0, IndexError), ([0, 9], 1, IndexError), (0, 2, Exception)]
)
def test_places_that_there_are_not_are_refused_as_numpy_does(obj: Any, axis: int, error: Any) -> None:
    with pytest.raises(error) as ours:
        opreg.grad(lambda a: np.sum(np.insert(a, obj, 1.0, axis)))(A)
    with pytest.raises(type(ours.value)):
        np.insert(A, obj, 1.0, axis)


@pytest.mark.parametrize("call", [lambda i: np.insert(A, i, 1.0), lambda i: np.delete(A, i)])
def test_a_traced_place_is_refused(call: Any) -> None:
    with pytest.raises(opreg.NotDifferentiable, match="'obj' is static"):
        opreg.grad(lambda i: np.sum(call(i)))(1.0)
