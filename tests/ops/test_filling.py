"""NumPy's functions that write into their first argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import opreg
import opreg.numpy as onp
from opreg import plugins
from opreg.testing import conformance

NAMES = ("copyto", "putmask", "place", "put", "put_along_axis", "fill_diagonal")
MASK = np.array([[True, False, True], [False, True, True]])

test_rules = conformance(*[f"numpy.{name}" for name in NAMES], samples=1)

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "copyto": lambda x, v: np.copyto(x, v[0], where=MASK),
    "putmask": lambda x, v: np.putmask(x, MASK, v),
    "place": lambda x, v: np.place(x, MASK, np.ravel(v)[:2]),
    "put": lambda x, v: np.put(x, [4, 0, 4], [v[0, 0], 2.0, v[1, 2]]),
    "put_along_axis": lambda x, v: np.put_along_axis(x, np.array([[2], [0]]), v[:, :1], 1),
    "fill_diagonal": lambda x, v: np.fill_diagonal(x, v[0]),
}
X, V = np.arange(6.0).reshape(2, 3), np.linspace(10.0, 15.0, 6).reshape(2, 3)


def test_each_has_a_call_here() -> None:
    assert CALLS.keys() == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_traced_array_is_written_into_as_a_plain_one_is(name: str) -> None:
    expected = X.copy()
    assert CALLS[name](expected, V) is None

    def written(x: Any, v: Any) -> Any:
        y = x * 1.0
        assert CALLS[name](y, v) is None
        return y

    out, pullback = opreg.vjp(written, X, V)
    np.testing.assert_array_equal(out, expected)
    of_x, of_v = pullback(1 + X)
    np.testing.assert_array_equal(of_x, np.where(expected == X, 1 + X, 0.0))
    for value, got in zip(V.flat, of_v.flat, strict=True):
        assert got == np.sum((1 + X)[expected == value])
    moved = opreg.jvp(written, (X, V), (V, X))[1]
    np.testing.assert_array_equal(np.sum(moved * (1 + X)), np.sum(of_x * V) + np.sum(of_v * X))


@pytest.mark.parametrize("name", NAMES)
def test_the_served_function_and_a_view_and_a_plain_array(name: str) -> None:
    def square(x: Any) -> Any:
        whole = np.stack([x, 2 * x])
        CALLS[name](whole[1], x**2)
        return np.sum(whole)

    written = (2 * X).copy()
    CALLS[name](written, X**2)
    assert opreg.value_and_grad(square)(X)[0] == np.sum(X) + np.sum(written)
    plain = X.copy()
    served = getattr(onp, name)
    assert served(plain, *{"copyto": (V,), "fill_diagonal": (V[0],), "put_along_axis": (np.array([[0]]), 1.0, 0)}.get(
        name, (MASK, V) if name != "put" else ([0], 7.0)
    )) is None  # fmt: skip
    assert not np.array_equal(plain, X)


INTO_PLAIN: dict[str, Callable[[Any], Any]] = {
    "copyto": lambda x: np.copyto(np.zeros(3), x),
    "putmask": lambda x: np.putmask(np.zeros(3), [True, False, True], x),
    "place": lambda x: np.place(np.zeros(3), [True, False, True], x),
    "put": lambda x: np.put(np.zeros(3), [0, 1, 2], x),
    "put_along_axis": lambda x: np.put_along_axis(np.zeros(3), np.arange(3), x, 0),
    "fill_diagonal": lambda x: np.fill_diagonal(np.zeros((3, 3)), x),
}


@pytest.mark.parametrize("name", NAMES)
def test_traced_values_are_not_written_into_a_plain_array(name: str) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=r"like=x"):
        opreg.grad(INTO_PLAIN[name])(np.array([2.0, 3.0, 4.0]))


def test_the_named_function_writes_and_what_the_primitive_binds_to_is_new() -> None:
    put = plugins.get("numpy.put")
    x = X.copy()
    assert put(x, [1], 5.0) is None and x[0, 1] == 5.0
    assert put.bind(X, 7.0, ind=[1])[0, 1] == 7.0 and X[0, 1] == 1.0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.put(x, [9], 1.0), IndexError),
        (lambda x: np.fill_diagonal(x[0], 1.0), ValueError),
        (lambda x: np.copyto(x, np.ones(2)), ValueError),
        (lambda x: np.copyto(x, 1j), TypeError),
        (lambda x: np.copyto(x, "text"), TypeError),
        (lambda x: np.place(x, MASK, []), ValueError),
        (lambda x: np.put_along_axis(x, np.array([0]), 1.0, 1), ValueError),
        (lambda x: np.put(x, [0], 1.0, mode="nowhere"), ValueError),
    ],
)
def test_bad_input_is_refused_as_by_numpy(call: Callable[[Any], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        opreg.grad(call)(X)
    with pytest.raises(error):
        call(X.copy())


def test_the_second_derivative_through_what_was_written() -> None:
    def f(x: Any) -> Any:
        y = x**2
        np.fill_diagonal(y, x[0] ** 3)
        return np.sum(y)

    hessian = opreg.hessian(f)(X).reshape(6, 6)
    expected = np.diag([6 * 0.0, 2 + 6 * 1.0, 2.0, 2.0, 0.0, 2.0])
    np.testing.assert_allclose(hessian, expected, atol=1e-14)
