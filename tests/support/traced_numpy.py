"""opreg.numpy with every floating-point array a traced value from its creation on, for the suite of the Array API.

In a clone of data-apis/array-api-tests, with its requirements installed (see CONTRIBUTING.md)::

    PYTHONPATH=OPREG/tests/support ARRAY_API_TESTS_MODULE=traced_numpy pytest array_api_tests

The suite looks at values by `float(x)`, `np.asarray(x)` and `x.__dlpack__()`, which traced values refuse; here they
answer. Traced values fail what NumPy fails.
"""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import opreg
import opreg.numpy

__array_api_version__ = "2024.12"

_Traced = type(opreg.variable(1.0))


def reading() -> None:
    """Let the suite look at traced values."""
    for name, convert in {"__float__": float, "__int__": int, "__complex__": complex}.items():
        setattr(_Traced, name, lambda self, convert=convert: convert(opreg.stop_gradient(self)))
    for name, read in {"__array__": _array, "__dlpack__": _dlpack}.items():
        setattr(_Traced, name, read)


def _array(self: Any, *args: Any, **kwargs: Any) -> Any:
    return np.asarray(opreg.stop_gradient(self), *args, **kwargs)


def _dlpack(
    self: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    plain = np.asarray(opreg.stop_gradient(self))
    return plain.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def traced(value: Any) -> Any:
    """Return a value with each of its floating-point arrays traced."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc":
        return opreg.variable(value).copy()  # a variable itself is not written into
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(traced, value))
    return type(value)(map(traced, value)) if type(value) in (list, tuple) else value


def _tracing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return traced(function(*map(traced, args), **{name: traced(value) for name, value in kwargs.items()}))

    return called


class _Namespace(types.ModuleType):
    """A namespace whose functions trace what they take and what they return."""

    def __init__(self, namespace: Any) -> None:
        super().__init__(__name__)
        self.namespace = namespace

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.namespace, name)
        if isinstance(found, types.ModuleType):
            return _Namespace(found)
        plain = isinstance(found, type) or not callable(found) or name == "__array_namespace_info__"
        return found if plain else _tracing(found)


_numpy = _Namespace(opreg.numpy)


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__array_namespace_info__":
        raise AttributeError(name)
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return dir(np)


if os.environ.get("ARRAY_API_TESTS_MODULE") == __name__:
    reading()
