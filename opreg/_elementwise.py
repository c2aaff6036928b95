"""Elementwise functions: state the partial derivatives once, get the VJP and the JVP."""

from __future__ import annotations

import inspect
from typing import Any

from opreg._primitive import Primitive
from opreg._signature import Function


def elementwise(primitive: Primitive, /, **partials: Any) -> Primitive:
    """Declare the partial derivatives of a function that acts on each element: the VJP and the JVP follow.

    A partial is a function of what it needs by name (the data, ``out``, static keywords), or a constant number. The
    adjoint of implicit promotion (broadcasting, a real argument among complex ones, mixed precision) is applied by
    the engine: for elementwise primitives only.

    >>> import numpy as np, opreg
    >>> @opreg.primitive("mylib.cube")
    ... def cube(x, /):
    ...     return x * x * x
    >>> _ = opreg.elementwise(cube, x=lambda x: 3 * x * x)
    >>> opreg.grad(cube)(2.0)
    12.0
    """
    primitive.elementwise = True
    for name, partial in partials.items():
        rule = _scaled(partial) if callable(partial) else _constant(partial)
        primitive.defvjp(**{name: rule}).defjvp(**{name: rule})
    return primitive


def _scaled(partial: Function) -> Function:
    """Return the rule ``g * partial(...)``, which asks by name for what the partial asks for."""

    parameters = [p for p in inspect.signature(partial).parameters.values() if p.default is p.empty]
    by_count: dict[int, Function] = {  # the counts that occur, without the cost of unpacking
        0: lambda g: g * partial(),
        1: lambda g, a: g * partial(a),
        2: lambda g, a, b: g * partial(a, b),
    }
    rule = by_count.get(len(parameters), lambda g, *saved: g * partial(*saved))
    first = inspect.Parameter("g", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rule.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    rule.__wrapped__ = partial  # type: ignore[attr-defined]
    return rule


def _constant(number: Any) -> Function:
    if number == 1:
        return lambda g: g
    if number == -1:
        return lambda g: -g
    return lambda g: g * number
