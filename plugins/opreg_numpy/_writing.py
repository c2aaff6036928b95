"""Writing into traced arrays: what becomes of an array's elements, and the methods that change an array.

Sources of the semantics: NumPy's manual, "Assigning values to indexed arrays" and "Copies and views".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from opreg import NotDifferentiable, plugins, stop_gradient
from opreg_numpy._axes import as_scalar, as_zero_dimensional


def replaced(root: Any, view: Callable[[Any], Any] | None, traced: Any, index: Any, value: Any) -> Any:
    """Return ``root`` as ``traced[index] = value`` leaves it, where ``traced`` is a view of it."""
    plain, whole = stop_gradient(traced), stop_gradient(root)
    if isinstance(plain, np.generic) and _is_mask(index):
        return as_scalar(replaced(as_zero_dimensional(root), None, as_zero_dimensional(traced), index, value))
    if not isinstance(plain, np.ndarray):
        raise TypeError(f"{type(plain).__name__!r} object does not support item assignment")
    if not plain.flags.writeable:
        raise ValueError("assignment destination is read-only")
    value = _fitted(as_array(value), plain, index)
    if view is None:
        return _replace(root, value, key=index)
    if plain.dtype != whole.dtype:
        raise NotDifferentiable(
            "the real or imaginary part of a traced array is not written into. Write x = real + 1j * imag instead"
        )
    places = view(np.arange(math.prod(whole.shape)).reshape(whole.shape))[index]
    if not places.size:
        return root
    return _replace(
        root, value, key=np.unravel_index(places, whole.shape) if whole.ndim else (None,) * places.ndim
    )


def _is_mask(index: Any) -> bool:
    """Tell whether an index is one truth value: by it the standard's arrays of no dimensions are written into.

    NumPy has numbers in their place, so functions for the standard write into those.
    """
    return (
        isinstance(index, (bool, np.bool_, np.ndarray))
        and np.ndim(index) == 0
        and np.asarray(index).dtype == bool
    )


def as_array(value: Any) -> Any:
    """Return a sequence, of whose elements some may be traced, as an array, and anything else as it is."""
    return plugins.get("numpy.asarray")(value) if isinstance(value, (list, tuple)) else value


def _replace(x: Any, value: Any, key: Any) -> Any:
    """Return x with other elements at an index, in the order in which x lies in memory."""
    return plugins.get("opreg_numpy.indexing.replace")(x, value, key=key)


def _fitted(value: Any, plain: Any, key: Any) -> Any:
    """Return the value that is written to ``plain[key]`` in the shape and dtype of that, as NumPy does."""
    place = plain[key]
    due, have, kind = np.shape(place), np.shape(value), np.asarray(stop_gradient(value)).dtype
    if kind.kind == "c" and plain.dtype.kind != "c":
        raise TypeError(
            f"complex values cannot be written into an array of {plain.dtype}: take np.real of them"
        )
    if kind.kind not in "fciub":  # a string, None, an object: NumPy converts it, or says why not
        value, given = np.empty(due, plain.dtype), value
        value[...] = given
    if have and not isinstance(place, np.ndarray):  # a single element: NumPy says what it takes for one
        np.empty(1, plain.dtype)[0] = stop_gradient(value)
    extra = len(have) - len(due)
    if extra > 0 and have[:extra] == (1,) * extra:
        value = np.reshape(value, have[extra:])
    try:
        value = np.broadcast_to(value, due)
    except ValueError:
        raise ValueError(f"could not broadcast input array from shape {have} into shape {due}") from None
    return value if kind == plain.dtype else np.astype(value, plain.dtype)


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
    if not plain.ndim:  # NumPy's operators make a scalar of it
        result = as_zero_dimensional(result)
    if kind != plain.dtype:
        result = np.astype(result, plain.dtype)
    if stop_gradient(result).strides != plain.strides:  # the array stays as it lies
        return _replace(traced, result, key=...)
    return result


def rewriting(function: Callable[..., Any]) -> Callable[..., None]:
    """Return the method that writes into an array what a function makes of it."""

    def method(traced: Any, *args: Any, **kwargs: Any) -> None:
        traced[...] = function(traced, *args, **kwargs)

    return method
