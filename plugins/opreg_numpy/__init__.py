"""opreg's plugin for NumPy: arithmetic, functions of one variable, reductions, shapes, indexing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module

import numpy as np

from opreg import Primitive, Space, hookimpl
from opreg_numpy._space import ARRAYS
from opreg_numpy._space import REFUSED as SUBCLASSES
from opreg_numpy.refused import ANSWERED, REFUSED

_FAMILIES = (
    "arithmetic",
    "constants",
    "exponential",
    "extrema",
    "filling",
    "hyperbolic",
    "indexing",
    "joining",
    "reductions",
    "shapes",
    "padding",
    "sorting",
    "trigonometric",
    "products",
    "statistics",
    "missing",
    "ranges",
    "polynomials",
    "signals",
    "pieces",
    "sets",
    "along",
    "conversions",
)


@hookimpl
def opreg_spaces() -> Iterable[Space]:
    return [ARRAYS, SUBCLASSES]


@hookimpl
def opreg_without_rule() -> Mapping[str, str]:
    return REFUSED | ANSWERED


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    found: list[Primitive] = []
    for family in _FAMILIES:
        module = import_module(f"opreg_numpy.{family}")
        found += [value for value in vars(module).values() if isinstance(value, Primitive)]
    return [p for p in found if _exists(p.name)]


def _exists(name: str) -> bool:
    """Tell whether this NumPy has a function: ``unstack``, ``matvec`` and some others came after NumPy 2.0."""
    library, _, function = name.partition(".")
    return library != "numpy" or hasattr(np, function)
