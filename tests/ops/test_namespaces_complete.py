"""Nothing in NumPy's namespaces is left without an answer: a primitive, a constant, or a reason why not."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import opreg
from opreg import plugins
from opreg_numpy.refused import ANSWERED, REFUSED

NAMESPACES = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft}


def functions(path: str, namespace: ModuleType) -> dict[str, Any]:
    """Return the public functions and ufuncs of a module by their full names."""
    every = {name: getattr(namespace, name) for name in dir(namespace) if not name.startswith("_")}
    return {
        f"{path}.{name}": value
        for name, value in every.items()
        if callable(value) and not isinstance(value, (type, ModuleType))
    }


EVERY = {name: f for path, module in NAMESPACES.items() for name, f in functions(path, module).items()}


@pytest.mark.parametrize("path", NAMESPACES)
def test_every_function_is_registered_or_answered_by_plain_values_or_refused_with_a_reason(path: str) -> None:
    found = functions(path, NAMESPACES[path])
    assert len(found) > 15
    left = [
        name
        for name, function in found.items()
        if plugins.for_function(function) is None and name not in {**ANSWERED, **REFUSED}
    ]
    assert left == []


def test_nothing_is_both_registered_and_refused() -> None:
    assert [name for name in REFUSED if name in EVERY and plugins.for_function(EVERY[name])] == []


def test_what_is_refused_is_a_function_of_numpy_or_was_one() -> None:
    assert {name for name in REFUSED if name not in EVERY} <= {"numpy.trapz", "numpy.in1d", "numpy.row_stack"}


def test_a_refusal_is_a_sentence_with_the_name_and_a_reason() -> None:
    for name, reason in REFUSED.items():
        assert len(reason) > 20
        assert not reason.endswith(".")
        assert plugins.refusal(name) == f"{name} is not differentiated: {reason}"
    assert plugins.refusal("numpy.sin") == ""


def refuses(call: Any, errors: Any = opreg.NotDifferentiable) -> None:
    """Assert that a call with a traced value raises, by itself."""

    def caught(x: Any) -> Any:
        with pytest.raises(errors):
            call(x)
        return np.sum(x)

    assert opreg.grad(caught)(np.array([2.0, 3.0, 4.0])).tolist() == [1.0, 1.0, 1.0]


CONSTANTS = {
    "numpy.isclose": lambda x: np.isclose(x, 3.0, atol=1.0),
    "numpy.allclose": lambda x: np.allclose(x, x + 1e-12),
    "numpy.array_equal": lambda x: np.array_equal(x, x, equal_nan=True),
    "numpy.array_equiv": lambda x: np.array_equiv(x, np.stack([x, x])),
    "numpy.isin": lambda x: np.isin(x, [3.0], invert=True),
    "numpy.isposinf": lambda x: np.isposinf(x),
    "numpy.isneginf": lambda x: np.isneginf(-x),
    "numpy.lexsort": lambda x: np.lexsort((x, [1, 0, 1])),
    "numpy.tril_indices_from": lambda x: np.tril_indices_from(np.stack([x, x]), 1),
    "numpy.triu_indices_from": lambda x: np.triu_indices_from(np.stack([x, x]), k=-1),
    "numpy.diag_indices_from": lambda x: np.diag_indices_from(np.stack([x, x, x])),
    "numpy.linalg.matrix_rank": lambda x: np.linalg.matrix_rank(np.stack([x, x])),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_of_traced_values_is_the_plain_result(name: str) -> None:
    x, call = np.array([2.0, np.inf, 4.0] if "inf" in name else [2.0, 3.0, 4.0]), CONSTANTS[name]
    assert plugins.get(name).is_constant
    seen: list[Any] = []

    def loss(x: Any) -> Any:
        seen.append(call(x))
        return np.sum(x)

    opreg.grad(loss)(x)
    parts = seen[0] if isinstance(seen[0], tuple) else (seen[0],)
    assert not any(opreg.is_traced(part) for part in parts)
    np.testing.assert_equal(seen[0], call(x))


def test_the_advice_for_a_kaiser_window() -> None:
    u = np.linspace(-1, 1, 6)
    np.testing.assert_allclose(np.i0(3.0 * np.sqrt(1 - u**2)) / np.i0(3.0), np.kaiser(6, 3.0), rtol=1e-14)
    assert "np.i0(beta * np.sqrt(1 - u**2)) / np.i0(beta)" in REFUSED["numpy.kaiser"]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.save("never", x),
        lambda x: np.array_repr(x),
        lambda x: np.bitwise_and(x, 1),
        lambda x: np.gcd(x, 2),
        lambda x: np.intersect1d(x, x),
        lambda x: np.ix_(x),
        lambda x: np.tri(2, like=x),
        lambda x: np.histogram2d(x, x),
        lambda x: np.kaiser(3, x[0]),
        lambda x: np.ravel_multi_index(x, (3, 3, 3)),
    ],
)
def test_a_traced_value_is_refused_by_what_is_not_differentiated(call: Any) -> None:
    refuses(call, (opreg.NotDifferentiable, TypeError))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.save("never", x), "numpy.save"),
        (lambda x: np.invert(x), "numpy.invert"),
        (lambda x: np.bitwise_not(x), "numpy.invert"),
        (lambda x: np.tri(2, like=x), "numpy.tri"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(call: Any, name: str) -> None:
    with pytest.raises(opreg.NotDifferentiable) as error:
        opreg.grad(call)(np.array([2.0, 3.0, 4.0]))
    assert str(error.value) == plugins.refusal(name)
