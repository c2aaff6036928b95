"""What is computed once, and what is told apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from opreg.verify._remembered import Remembered


class Pair(NamedTuple):
    low: Any
    high: Any


class Counted:
    """A function that notes how often it is asked."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.function(*args, **kwargs)


def test_what_is_asked_twice_is_computed_once_and_given_as_a_copy() -> None:
    counted = Counted(lambda x, *, axis: np.sum(x, axis=axis))
    remembered, x = Remembered(counted), np.arange(6.0).reshape(2, 3)
    first = remembered(x, axis=0)
    first[:] = 7.0
    second = remembered(x.copy(), axis=0)
    second[:] = 8.0
    assert remembered(x, axis=0).tolist() == [3.0, 5.0, 7.0]
    assert counted.calls == 1
    x[0, 0] = 1.0
    assert remembered(x, axis=0).tolist() == [4.0, 5.0, 7.0]
    assert remembered(x, axis=1).tolist() == [4.0, 12.0]
    assert counted.calls == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1.0, 1),
        (1, True),
        (1.0, np.float64(1.0)),
        (np.float64(1.0), np.array(1.0)),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros(2), -np.zeros(2)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros((2, 3)), np.zeros((2, 3), order="F")),
        ((0, 1), (1, 0)),
        ((0, (1.0,)), (0, (1,))),
        (1j, complex(1j.conjugate())),
    ],
)
def test_what_differs_in_anything_that_a_function_can_see_is_told_apart(one: Any, other: Any) -> None:
    counted = Counted(lambda x: 1.0)
    remembered = Remembered(counted)
    for value in (one, other, one, other):
        remembered(value)
    assert counted.calls == 2


def test_positional_and_named_arguments_are_told_apart() -> None:
    counted = Counted(lambda *args, **kwargs: len(kwargs))
    remembered = Remembered(counted)
    assert [remembered(1.0, 2.0), remembered(1.0, y=2.0), remembered(x=1.0, y=2.0)] == [0, 1, 2]


def test_other_objects_are_the_same_if_they_are_identical_and_live_as_long_as_needed() -> None:
    counted = Counted(lambda x, *, function: function(x))
    remembered = Remembered(counted)
    for power in range(5):
        assert remembered(2.0, function=lambda x, power=power: x**power) == 2.0**power  # each gone at once
    assert remembered(2.0, function=abs) == remembered(2.0, function=abs) == 2.0
    assert counted.calls == 6


def test_a_view_of_an_argument_and_what_is_no_number_are_not_remembered() -> None:
    x = np.zeros(3)
    for function in (lambda x: x[::-1], lambda x: [x.copy()], lambda x: "text"):
        counted = Counted(function)
        remembered = Remembered(counted)
        remembered(x)
        remembered(x)
        assert counted.calls == 2
    assert np.shares_memory(Remembered(lambda x: x[::-1])(x), x)


def test_several_results_keep_their_structure_and_an_error_is_raised_each_time() -> None:
    remembered = Remembered(lambda x: Pair(x - 1, np.array([x])))
    for _ in range(2):
        pair = remembered(2.0)
        assert type(pair) is Pair and pair.low == 1.0 and pair.high.tolist() == [2.0]

    def refuses(x: Any) -> Any:
        raise ValueError("no")

    counted = Counted(refuses)
    remembered = Remembered(counted)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            remembered(1.0)
    assert counted.calls == 2


def test_when_there_is_too_much_it_begins_again() -> None:
    counted = Counted(lambda x: x + 1)
    remembered = Remembered(counted, most=5_000)
    for value in range(100):
        assert remembered(np.full(10, value, float))[0] == value + 1
        assert remembered(np.full(10, value, float))[0] == value + 1
        assert remembered._bytes <= 5_000
    assert counted.calls == 100
