"""Arrays that are made like a traced value, to be written into: what they are until something traced is written."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import opreg

X = np.array([1.0, 2.0, 3.0])


def both(function: Any, x: Any = X) -> Any:
    """Return the value and gradient of a function, which are those of the plain one and of forward mode."""
    value, gradient = opreg.value_and_grad(function)(x)
    np.testing.assert_allclose(value, function(np.array(x)), rtol=1e-14)
    tangents = [opreg.jvp(function, (x,), (t,))[1] for t in np.eye(x.size).reshape(-1, *x.shape)]
    np.testing.assert_allclose(np.ravel(gradient), tangents, rtol=1e-14)
    return gradient


def test_a_plain_array_in_use_keeps_what_it_was_made_of_from_being_written_into() -> None:
    def function(x: Any) -> Any:
        buffer = np.zeros_like(x)
        row = buffer[1:]
        plain = np.asarray(row)
        part = plain[1:]
        del plain
        for write in (
            lambda: buffer.__setitem__(0, x[0]),
            lambda: row.__iadd__(1.0),
            lambda: buffer.fill(2.0),
        ):
            with pytest.raises(opreg.NotDifferentiable, match=r"np\.asarray made of it is in use"):
                write()
        assert part.tolist() == [0.0]
        del part
        copy = np.array(buffer)
        buffer[:] = x**2
        assert copy.tolist() == [0, 0, 0]
        return np.sum(buffer)

    np.testing.assert_array_equal(opreg.grad(function)(X), 2 * X)
    assert opreg.jvp(function, (X,), (X,))[1] == 28


def test_a_view_is_handed_out_with_the_memory_that_it_looks_at() -> None:
    def diagonal(x: Any) -> Any:
        z = np.zeros_like(np.outer(x, x))
        z[:] = np.arange(9).reshape(3, 3)
        return np.sum(np.lib.stride_tricks.as_strided(z[0], (3,), (z.strides[0] + z.strides[1],)) * x)

    np.testing.assert_array_equal(both(diagonal), [0, 4, 8])
    backwards = both(
        lambda x: np.sum(np.lib.stride_tricks.as_strided(np.full_like(x, 2.0)[::-2], (2,), (-8,)) * x[:2])
    )
    np.testing.assert_array_equal(backwards, [2, 2, 0])
    np.testing.assert_array_equal(
        both(lambda x: np.sum(scipy.linalg.circulant(np.ones_like(x)) @ x)), [3, 3, 3]
    )
    for order in "CF":
        both(
            lambda x, order=order: np.sum(
                np.asarray(np.ones_like(np.outer(x, x), order=order).T[1:], np.float32) @ x
            )
        )


class Masked:
    """A function that keeps a constant from its first call."""

    mask: Any = None

    def __call__(self, x: Any) -> Any:
        if self.mask is None:
            self.mask = np.ones_like(x)
            self.mask[0] = 0
        return np.sum(x**2 * self.mask)


@pytest.mark.parametrize(
    "derivative", [opreg.grad, opreg.hessian, lambda f: lambda x: opreg.jvp(f, (x,), (x,))[1]]
)
def test_a_constant_that_is_kept_serves_as_a_plain_value_when_its_derivative_is_taken(
    derivative: Any,
) -> None:
    function = Masked()
    first = derivative(function)(X)
    np.testing.assert_array_equal(derivative(function)(X), first)
    np.testing.assert_array_equal(first, derivative(lambda x: np.sum(x**2 * [0, 1, 1]))(X))
    assert function(X) == 13
    assert float(function.mask[1]) == 1
    function.mask[1] = 0
    np.testing.assert_array_equal(opreg.grad(function)(X), [0, 0, 6])


def test_what_is_not_constant_still_escapes() -> None:
    kept: list[Any] = []
    opreg.grad(lambda x: (kept.append(np.zeros_like(x)), kept[0].__setitem__(0, x[0]), np.sum(x))[-1])(X)
    with pytest.raises(opreg.EscapedTracer):
        kept[0] * 2


def test_constants_are_added_and_written_into_plain_arrays() -> None:
    def function(x: Any) -> Any:
        ones, b, n = np.ones_like(x), np.zeros(3), np.zeros(3)
        b += ones
        np.add(ones, 1, out=n)
        np.copyto(b, n, where=[True, False, False])
        np.add.at(b, [1, 1], ones[:2])
        np.put(n, [0], ones[0])
        assert (b.tolist(), n.tolist()) == ([2, 3, 1], [1, 2, 2])
        for write in (lambda: b.__iadd__(x), lambda: np.copyto(b, x), lambda: np.add.at(b, [0], x[0])):
            with pytest.raises(opreg.NotDifferentiable, match="plain"):
                write()
        return np.sum(x * b * n)

    np.testing.assert_array_equal(opreg.grad(function)(X), [2, 6, 2])


def test_functions_that_nobody_registered_take_constants() -> None:
    def function(x: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(np.ones_like(x), 2)
        assert np.array2string(np.ones_like(x)) == "[1. 1. 1.]"
        return np.sum(scipy.special.airy(np.ones_like(x))[0] * x) + windows.size * x[0]

    ai = scipy.special.airy(1.0)[0]
    np.testing.assert_allclose(both(function), [ai + 4, ai, ai])
    with pytest.raises(opreg.NotDifferentiable, match="airy"):
        opreg.grad(lambda x: np.sum(scipy.special.airy(x)[0]))(X)


def test_the_rules_of_what_is_computed_of_constants_are_not_asked() -> None:
    np.testing.assert_array_equal(
        np.abs(both(lambda x: np.sum(np.linalg.qr(np.eye(3, 1, like=x), mode="complete")[0] @ x))), [1, 1, 1]
    )

    def parts(x: Any) -> Any:
        fraction, whole = np.modf(np.full_like(x, 1.5))
        fraction[0] = x[0]
        return np.sum(fraction * x) + np.sum(whole * x)

    np.testing.assert_array_equal(both(parts), [3, 1.5, 1.5])


def test_a_recurrence_of_constants_takes_time_for_each_step_alone() -> None:
    walked = itertools.count()

    def function(x: Any) -> Any:
        c, total = np.zeros_like(x), 0.0
        for _ in range(300):
            c[0] += 1
            total = total + x[int(c[0]) % 3]
            if next(walked) > 298:
                assert len(opreg._trace.ancestors(c.record)) == 1
        return total

    np.testing.assert_array_equal(opreg.grad(function)(X), [100, 100, 100])


def test_a_graph_shows_a_constant() -> None:
    v = opreg.variable(X, name="v")
    assert 'label="constant"' in str(opreg.graph(np.sum((np.ones_like(v) * 2) * v)))


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns after a microsecond, so that what is not held together comes apart."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty")
def test_threads_fill_rows_of_one_array() -> None:
    rows, start = 64, threading.Barrier(4)

    def function(x: Any) -> Any:
        y = np.zeros((rows, 3), like=x)

        def fill(first: int) -> None:
            start.wait()
            for i in range(first, rows, 4):
                y[i] = x * i

        with ThreadPoolExecutor(4) as executor:
            list(executor.map(fill, range(4)))
        return np.sum(y)

    total = sum(range(rows))
    for _ in range(5):
        np.testing.assert_array_equal(opreg.grad(function)(X), [total] * 3)
