"""Probability distributions: the methods of SciPy's distribution objects, called through ``opreg.scipy.stats``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from opreg import Primitive, hookimpl

_FAMILIES = (
    "continuous",
    "discrete",
    "multivariate",
)


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    modules = (import_module(f"opreg_scipy.stats.{family}") for family in _FAMILIES)
    return [p for module in modules for p in module.PRIMITIVES]
