"""What the tests of the families of operations share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

import opreg
from opreg import plugins


def names_of(family: ModuleType) -> list[str]:
    """Return the names of the primitives that a module declares and this NumPy has."""
    registered = {p.name for p in plugins.primitives()}
    declared = [value.name for value in vars(family).values() if isinstance(value, opreg.Primitive)]
    return [name for name in declared if name in registered]


def gradient(function: Any, x: Any) -> Any:
    """Return the gradient of a weighted sum of the result: uneven weights tell places apart."""

    def weighted(x: Any) -> Any:
        out = function(x)
        return np.sum(out * np.arange(1.0, np.size(out) + 1).reshape(np.shape(out)))

    return opreg.grad(weighted)(x)
