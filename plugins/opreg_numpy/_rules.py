"""Ways in which rules are stated and functions are called, shared by the tables of derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from opreg import NotDifferentiable, Primitive, elementwise, stop_gradient


def pointwise(primitive: Primitive, **rules: Callable[..., Any]) -> Primitive:
    """Declare an elementwise function by rules ``g -> g * partial`` that serve as VJP and as JVP.

    It is :func:`opreg.elementwise` for a product that is better not written as one: a division, or a selection
    by a mask, in which what is masked out may be infinite.
    """
    return elementwise(primitive).defvjp(**rules).defjvp(**rules)


def weighted(g: Any, weight: Any) -> Any:
    """Return ``g`` times a mask or a weight, and 0 where that is 0, also where ``g`` is infinite or NaN.

    A product is several times faster than ``np.where`` if the mask is irregular, but 0 times infinity is NaN: so it
    serves finite cotangents only. That the sum of their squares overflows costs time, not the result.
    """
    plain = stop_gradient(g)
    if not np.isfinite(np.vdot(plain, plain)):
        return np.where(weight, g, 0.0) * weight
    masks = isinstance(weight, np.ndarray) and weight.dtype == bool
    if masks and plain is g and np.broadcast(g, weight).shape == weight.shape:
        product = weight.view(np.int8).astype(np.result_type(g))  # NumPy multiplies by a mask in small blocks
        product *= g
        return product
    return g * weight


def remembering(primitive: Primitive, what: Callable[..., Any]) -> None:
    """Give the rules ``residual = what(*data)``, so that the tape does not keep the data for, say, their shape."""

    def forward(*data: Any, **static: Any) -> tuple[Any, Any]:
        return primitive.bind(*data, **static), what(*data)

    primitive.with_residual(forward)


def declared(namespace: Mapping[str, Any], *prefixes: str) -> list[Primitive]:
    """Return the primitives of a module's namespace whose names begin with one of these."""
    return [p for p in namespace.values() if isinstance(p, Primitive) and p.name.startswith(prefixes)]


def refuse_out(name: str, out: Any) -> None:
    """Raise if an array was given to write the result into: a traced value has no memory to share."""
    if out is not None:
        raise NotDifferentiable(
            f"{name} cannot write into out= while it is differentiated. Use the value that it returns instead"
        )
