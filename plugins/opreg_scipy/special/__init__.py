"""Special functions, in families."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from opreg import Primitive, hookimpl
from opreg_numpy._rules import declared

_FAMILIES = (
    "gamma",
    "incomplete",
    "bessel",
    "errors",
    "entropy",
    "powers",
    "softmax",
    "elliptic",
)


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    modules = (import_module(f"opreg_scipy.special.{family}") for family in _FAMILIES)
    return [p for module in modules for p in declared(vars(module), "scipy.special.", "opreg_scipy.special.")]
