"""Writing into traced arrays: what becomes of an array's elements, and the methods that change an array.

Sources of the semantics: NumPy's manual, "Assigning values to indexed arrays" and "Copies and views".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from opreg import NotDifferentiable, plugins, stop_gradient


def replaced(root: Any, view: Callable[[Any], Any] | None, traced: Any, index: Any, value: Any) -> Any:
    """Return ``root`` as ``traced[index] = value`` leaves it, where ``traced`` is a view of it."""
    plain, whole = stop_gradient(traced), stop_gradient(root)
    if not isinstance(plain, np.ndarray):
        raise TypeError(f"{type(plain).__name__!r} object does not support item assignment")
    value = as_array(value)
    if view is None:
        return _with(root, index, value)
    if not plain.flags.writeable:
        raise ValueError("assignment destination is read-only")
    if plain.dtype != whole.dtype:
        raise NotDifferentiable(
            "the real or imaginary part of a traced array is not written into. Write x = real + 1j * imag instead"
        )
    places = view(np.arange(math.prod(whole.shape)).reshape(whole.shape))
    return np.reshape(_with(np.ravel(root), places[index], value), whole.shape)


def as_array(value: Any) -> Any:
    """Return a sequence, of whose elements some may be traced, as an array, and anything else as it is."""
    return plugins.get("numpy.asarray")(value) if isinstance(value, (list, tuple)) else value


def _with(x: Any, key: Any, value: Any) -> Any:
    """Return x with other elements at an index: ``value`` is brought to their shape and dtype, as NumPy does."""
    plain = stop_gradient(x)
    due, have, kind = np.shape(plain[key]), np.shape(value), np.asarray(stop_gradient(value)).dtype
    if kind.kind == "c" and plain.dtype.kind != "c":
        raise TypeError(
            f"complex values cannot be written into an array of {plain.dtype}: take np.real of them"
        )
    if kind.kind not in "fciub":  # a string, None, an object: NumPy converts it, or says why not
        value, given = np.empty(due, plain.dtype), value
        value[...] = given
    extra = len(have) - len(due)
    if extra > 0 and have[:extra] == (1,) * extra:
        value = np.reshape(value, have[extra:])
    try:
        value = np.broadcast_to(value, due)
    except ValueError:
        raise ValueError(f"could not broadcast input array from shape {have} into shape {due}") from None
    if kind != plain.dtype:
        value = np.astype(value, plain.dtype)
    return plugins.get("opreg_numpy.indexing.replace")(x, value, key=key)


def updated(traced: Any, result: Any) -> Any:
    """Return what an array becomes by an operator in place; NumPy's scalars never change."""
    plain = stop_gradient(traced)
    if not isinstance(plain, np.ndarray):
        return None
    have, kind = np.shape(result), np.result_type(stop_gradient(result))
    if have != plain.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {plain.shape} doesn't match the broadcast shape {have}"
        )
    if not np.can_cast(kind, plain.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast the result of an operator in place from {kind!r} to {plain.dtype!r} with casting rule "
            "'same_kind'"
        )
    return result if kind == plain.dtype else np.astype(result, plain.dtype)


def rewriting(function: Callable[..., Any]) -> Callable[..., None]:
    """Return the method that writes into an array what a function makes of it."""

    def method(traced: Any, *args: Any, **kwargs: Any) -> None:
        traced[...] = function(traced, *args, **kwargs)

    return method
