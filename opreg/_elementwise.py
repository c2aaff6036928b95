"""Elementwise functions: state the partial derivatives once, get the VJP and the JVP."""

from __future__ import annotations

import inspect
from typing import Any

from opreg._primitive import Primitive
from opreg._signature import Function
from opreg._space import space_of, spec_of
from opreg._trace import strip


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

    def by_none(g: Any) -> Any:
        return g * partial()

    def by_one(g: Any, a: Any) -> Any:
        try:
            return g * partial(a)
        except ZeroDivisionError:
            return g * partial(_as_scalar(a))

    def by_two(g: Any, a: Any, b: Any) -> Any:
        try:
            return g * partial(a, b)
        except ZeroDivisionError:
            return g * partial(_as_scalar(a), _as_scalar(b))

    def by_several(g: Any, *saved: Any) -> Any:
        try:
            return g * partial(*saved)
        except ZeroDivisionError:
            return g * partial(*map(_as_scalar, saved))

    by_count: dict[int, Function] = {0: by_none, 1: by_one, 2: by_two}  # without the cost of unpacking
    rule = by_count.get(len(parameters), by_several)
    first = inspect.Parameter("g", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rule.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    rule.__wrapped__ = partial  # type: ignore[attr-defined]
    return rule


def _as_scalar(value: Any) -> Any:
    """Return a number of Python's, which refuses to divide by zero, as a scalar, whose quotient is infinite or NaN."""
    plain = strip(value)
    spec = spec_of(plain) if type(plain) in (float, complex) else None
    if spec is None:
        return value
    space = space_of(plain)
    return space.cast(plain, spec) if plain is value else value * space.ones(spec)


def _constant(number: Any) -> Function:
    if number == 1:
        return lambda g: g
    if number == -1:
        return lambda g: -g
    return lambda g: g * number
