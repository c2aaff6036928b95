"""Ways in which rules are stated and functions are called, shared by the tables of derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

import opreg
from opreg import NotDifferentiable, Primitive, elementwise, is_traced

_SEQUENCES = (
    "arrays", "choicelist", "choices", "condlist", "constant_values", "end_values", "funclist", "tup"
)  # fmt: skip
composite = partial(opreg.composite, sequences=_SEQUENCES)
"""Register a function made of primitives: a list of numbers is an array, but where NumPy takes sequences of arrays."""


def pointwise(primitive: Primitive, **rules: Callable[..., Any]) -> Primitive:
    """Declare an elementwise function by rules ``g -> g * partial`` that serve as VJP and as JVP.

    It is :func:`opreg.elementwise` for a product that is better not written as one: a division, or a selection
    by a mask, in which what is masked out may be infinite; and for the product itself, which needs no other call.
    """
    return elementwise(primitive).defvjp(**rules).defjvp(**rules)


_BITS = {np.dtype(f"f{size}"): np.dtype(f"i{size}") for size in (2, 4, 8)}


def weighted(g: Any, weight: Any) -> Any:
    """Return ``g`` times a mask or a weight, and 0 where that is 0, also where ``g`` is infinite or NaN.

    0 times infinity is NaN: so a product serves finite cotangents only. To look for others costs nothing where the
    cotangent is small and spread by the product. Else a mask takes or leaves the bits of each number, in one pass over
    memory; where the mask is irregular, ``np.where`` takes several times as long.
    """
    if isinstance(weight, np.ndarray) and weight.dtype == bool and not is_traced(g):
        kind = _BITS.get(g.dtype) if np.shape(g) == weight.shape else None
        if kind is not None:
            return np.bitwise_and(-weight.view(np.int8), g.view(kind)).view(g.dtype)
    return g * weight if np.all(np.isfinite(g)) else np.where(weight, g, 0.0) * weight


def declared(namespace: Mapping[str, Any], *prefixes: str) -> list[Primitive]:
    """Return the primitives of a module's namespace whose names begin with one of these."""
    return [p for p in namespace.values() if isinstance(p, Primitive) and p.name.startswith(prefixes)]


NO_OUT: Mapping[str, str] = {
    "out": "write into out= while it is differentiated. Use the value that it returns instead"
}
"""What functions say of a parameter that they do not support where values are traced."""


def out_refused(name: str) -> NotDifferentiable:
    """Return the error for an array that was given to write the result into: a traced value has no memory to share."""
    return NotDifferentiable(f"{name} cannot {NO_OUT['out']}")


def is_zero(g: Any) -> bool:
    """Tell whether nothing depends on an output: the engine's zero stands in its place."""
    return not is_traced(g) and not np.any(g)


_DEFAULTS: Mapping[str, Any] = {
    "where": True,
    "order": "K",
    "casting": "same_kind",
    "subok": True,
    "dtype": None,
    "signature": None,
    "keepdims": False,
}

_INSTEAD: Mapping[str, str] = {
    "where": "it with out=np.zeros(shape, like=x), into which it writes, or np.where(mask, result, otherwise)",
    "axes": "np.moveaxis on the arguments and on the result",
    "axis": "np.moveaxis on the arguments",
    "keepdims": "np.expand_dims(result, axis)",
    **dict.fromkeys(("order", "casting", "subok", "dtype", "signature"), "x.astype(dtype) on the arguments"),
}
"""What to write in place of the keywords that ufuncs have."""


def is_default(key: str, value: Any) -> bool:
    """Tell whether a ufunc's keyword has the value that it has if it is not given."""
    return key in _DEFAULTS and (
        value is _DEFAULTS[key] or (isinstance(value, str) and value == _DEFAULTS[key])
    )


def refuse_options(name: str, options: Mapping[str, Any], known: Iterable[str] = ()) -> None:
    """Raise for a keyword of ufuncs that is given and is not among those ``known``: say what to do instead."""
    for key, value in options.items():
        if key in known or is_default(key, value):
            continue
        if key not in _INSTEAD:
            raise TypeError(f"{name}() got an unexpected keyword argument {key!r}")
        raise NotDifferentiable(
            f"{name} with the keyword {key}= is not differentiated. Use {_INSTEAD[key]}, or pass "
            "opreg.stop_gradient(x) if the derivative is not wanted"
        )
