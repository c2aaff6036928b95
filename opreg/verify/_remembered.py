"""A function that computes once what it is asked again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from opreg.verify._coordinates import is_numeric, outputs, packed
from opreg.verify._rule import copies

MOST_BYTES = 50_000_000
"""How much is remembered at most; then all is forgotten."""
_OVERHEAD = 500
"""About how many bytes an entry takes beside its arrays."""
_TOLD_BY_VALUE = (bool, int, str, type(None), np.dtype)


class Remembered:
    """A deterministic function of numbers and arrays: asked for the same again it returns a copy of what it returned.

    Arguments are the same when their bytes, dtypes, shapes and strides are; other objects when they are identical. A
    result that may be a view of an argument is not remembered, since it can be told from a copy.
    """

    def __init__(self, function: Callable[..., Any], most: int = MOST_BYTES) -> None:
        self._function, self._most = function, most
        self._forget()

    def _forget(self) -> None:
        self._known: dict[Any, Any] = {}
        self._bytes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = *args, *kwargs.values()
        key = len(args), *kwargs, *map(_told, given)
        if key in self._known:
            known, _ = self._known[key]
        else:
            known = self._function(*args, **kwargs)
            leaves = outputs(known)
            if isinstance(known, list) or not all(map(is_numeric, leaves)) or _views(leaves, given):
                return known
            self._bytes += _OVERHEAD + sum(getattr(value, "nbytes", 0) for value in (*leaves, *args))
            if self._bytes > self._most:
                self._forget()
            # What is told by identity must not make room for another object while it is remembered.
            self._known[key] = known, [value for value in given if not isinstance(value, np.ndarray)]
        return packed(copies(outputs(known)), known)


def _told(value: Any) -> Any:
    """Return what two arguments have in common that are the same."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind != "O":
        return type(value), value.dtype, value.shape, value.strides, value.tobytes()
    if isinstance(value, (float, complex)):
        return type(value), np.complex128(value).tobytes()
    if isinstance(value, tuple):
        return tuple, *map(_told, value)
    return (type(value), value) if isinstance(value, _TOLD_BY_VALUE) else (id, id(value))


def _views(leaves: tuple[Any, ...], given: tuple[Any, ...]) -> bool:
    """Tell whether a result may share memory with an argument."""
    arrays = [value for value in given if isinstance(value, np.ndarray)]
    return any(
        np.may_share_memory(leaf, a) for leaf in leaves for a in arrays if isinstance(leaf, np.ndarray)
    )
