"""Values that no plugin knows beside traced ones: they answer for themselves, and no derivative is lost in silence."""

from __future__ import annotations

from array import array
from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import opreg

X = np.array([1.0, 2.0, 3.0])


class Duck(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of another library, which takes part in NumPy's protocols."""

    def __init__(self, a: Any) -> None:
        self.a = a

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return Duck(getattr(ufunc, method)(*(bare(x) for x in inputs), **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return Duck(
            function(*(list(map(bare, a)) if isinstance(a, list) else bare(a) for a in args), **kwargs)
        )


def bare(x: Any) -> Any:
    return x.a if isinstance(x, Duck) else x


@pytest.mark.parametrize(
    "f",
    [
        lambda x, d: d * x,
        lambda x, d: x * d,
        np.multiply,
        lambda x, d: np.multiply(d, x),
        lambda x, d: np.where(X > 0, x * d, d),
        lambda x, d: np.concatenate([x, d]) * Duck(np.arange(6.0)),
        lambda x, d: np.dot(x, d),
        lambda x, d: np.multiply.outer(x, d),
    ],
)
def test_a_foreign_array_on_either_side_is_asked_first(f: Any) -> None:
    def of(x: Any) -> Any:
        return np.sum(f(x, Duck(X)).a)

    def plain(x: Any) -> Any:
        return np.sum(bare(f(x, X)))

    np.testing.assert_array_equal(opreg.grad(of)(X), opreg.grad(plain)(X))
    assert opreg.jvp(of, (X,), (X,)) == opreg.jvp(plain, (X,), (X,))


OBJECTS = np.array([1, 10**30, 3])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * OBJECTS),
        lambda x: np.sum(x * [1, 10**30, 3]),
        lambda x: np.sum(x * [Fraction(1, 3)] * 3),
        lambda x: np.sum(np.where(X > 1, x, OBJECTS)),
        lambda x: np.sum(np.concatenate([x, OBJECTS]).astype(float)),
        lambda x: np.sum(np.stack([x, OBJECTS])),
        lambda x: np.sum(x.astype(object) * x),
        lambda x: np.cumsum(x, dtype=object)[1],
        lambda x: np.sum(x.astype(str).astype(float)),
        lambda x: x[0] * np.timedelta64(3, "s") / np.timedelta64(1, "s"),
    ],
)
def test_what_would_become_objects_is_refused(f: Any) -> None:
    with pytest.raises((opreg.NotDifferentiable, TypeError)) as backward:
        opreg.grad(f)(X)
    with pytest.raises((opreg.NotDifferentiable, TypeError)):
        opreg.jvp(f, (X,), (X,))
    assert "derivative would be lost" in str(backward.value) or "object" in str(backward.value)


@pytest.mark.parametrize(
    "sequence", [range(3), array("d", [0, 1, 2]), memoryview(np.arange(3.0)), deque([0, 1, 2])]
)
@pytest.mark.parametrize(
    "f",
    [
        lambda x, s: x * s * x,
        lambda x, s: s * x * x,
        lambda x, s: np.multiply(s, x) * x,
        lambda x, s: np.where(X > 1, np.add(x, s), s) ** 2,
        lambda x, s: (x * x) @ s,
    ],
)
def test_sequences_of_numbers_are_taken_as_arrays(f: Any, sequence: Any) -> None:
    def of(s: Any) -> Any:
        return lambda x: np.sum(f(x, s))

    np.testing.assert_array_equal(opreg.grad(of(sequence))(X), opreg.grad(of(np.arange(3.0)))(X))
    np.testing.assert_array_equal(opreg.hessian(of(sequence))(X), opreg.hessian(of(np.arange(3.0)))(X))


def test_a_range_of_numbers_too_large_for_an_array_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="object"):
        opreg.grad(lambda x: np.sum(x * range(10**30, 10**30 + 3)))(X)


def test_integers_computed_from_traced_values_are_constants() -> None:
    assert opreg.grad(lambda x: np.sum(x * x.astype(int)))(X).tolist() == [1.0, 2.0, 3.0]
    assert opreg.jvp(lambda x: np.argmax(x), (X,), (X,))[0] == 2
