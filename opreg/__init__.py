"""opreg: an open registry of differentiable NumPy primitives, each rule verified against finite differences.

Importing this package loads neither NumPy nor Ray: a public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

from opreg._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take longer than all else here
    from typing import Any

_HOME = {
    "BlockedPrimitive": "_errors",
    "Composite": "_composite",
    "DeclarationError": "_errors",
    "DuplicatePrimitive": "_errors",
    "EscapedTracer": "_errors",
    "NotDifferentiable": "_errors",
    "NotInGraph": "_errors",
    "OpregError": "_errors",
    "Primitive": "_primitive",
    "RuleError": "_errors",
    "Sample": "_primitive",
    "Space": "_space",
    "UnknownPrimitive": "_errors",
    "checkpoint": "_custom",
    "composite": "_composite",
    "custom_jvp": "_custom",
    "custom_vjp": "_custom",
    "elementwise": "_elementwise",
    "elementwise_grad": "_transforms",
    "grad": "_transforms",
    "graph": "_graph",
    "hessian": "_transforms",
    "hookimpl": "hookspecs",
    "hvp": "_transforms",
    "is_traced": "_trace",
    "jacfwd": "_transforms",
    "jacobian": "_transforms",
    "jacrev": "_transforms",
    "jvp": "_transforms",
    "linearize": "_transforms",
    "primitive": "_primitive",
    "stop_gradient": "_custom",
    "value_and_grad": "_transforms",
    "variable": "_variable",
    "vjp": "_transforms",
}
_MODULES = ("numpy", "plugins", "scipy", "testing", "verify")

__all__ = ["__version__", "plugins", *_HOME]


if not TYPE_CHECKING:  # a type checker shall see the names below, and no others

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"opreg.{name}")
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'opreg' has no attribute {name!r}")
        value = getattr(import_module(f"opreg.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})


if TYPE_CHECKING:
    from opreg import plugins as plugins
    from opreg._composite import Composite as Composite
    from opreg._composite import composite as composite
    from opreg._custom import checkpoint as checkpoint
    from opreg._custom import custom_jvp as custom_jvp
    from opreg._custom import custom_vjp as custom_vjp
    from opreg._custom import stop_gradient as stop_gradient
    from opreg._elementwise import elementwise as elementwise
    from opreg._errors import BlockedPrimitive as BlockedPrimitive
    from opreg._errors import DeclarationError as DeclarationError
    from opreg._errors import DuplicatePrimitive as DuplicatePrimitive
    from opreg._errors import EscapedTracer as EscapedTracer
    from opreg._errors import NotDifferentiable as NotDifferentiable
    from opreg._errors import NotInGraph as NotInGraph
    from opreg._errors import OpregError as OpregError
    from opreg._errors import RuleError as RuleError
    from opreg._errors import UnknownPrimitive as UnknownPrimitive
    from opreg._graph import graph as graph
    from opreg._primitive import Primitive as Primitive
    from opreg._primitive import Sample as Sample
    from opreg._primitive import primitive as primitive
    from opreg._space import Space as Space
    from opreg._trace import is_traced as is_traced
    from opreg._transforms import elementwise_grad as elementwise_grad
    from opreg._transforms import grad as grad
    from opreg._transforms import hessian as hessian
    from opreg._transforms import hvp as hvp
    from opreg._transforms import jacfwd as jacfwd
    from opreg._transforms import jacobian as jacobian
    from opreg._transforms import jacrev as jacrev
    from opreg._transforms import jvp as jvp
    from opreg._transforms import linearize as linearize
    from opreg._transforms import value_and_grad as value_and_grad
    from opreg._transforms import vjp as vjp
    from opreg._variable import variable as variable
    from opreg.hookspecs import hookimpl as hookimpl
