"""Composite: a function made of registered primitives, registered and verified all the same."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from opreg import plugins
from opreg._errors import DeclarationError, NotDifferentiable
from opreg._form import NOTHING, Form
from opreg._primitive import Primitive
from opreg._signature import Parameters, where
from opreg._space import ADMITTED, spec_of
from opreg._trace import Tracer, admit, highest
from opreg._transforms import jvp, vjp
from opreg._tree import Tree, flatten, unflatten


class Call(NamedTuple):
    """A call of a composite without its differentiable leaves."""

    tree: Tree
    leaves: list[Any]
    moving: list[int]

    def filled(self, data: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and keyword arguments with these differentiable leaves."""
        leaves = list(self.leaves)
        for i, value in zip(self.moving, data, strict=True):
            leaves[i] = value
        args, kwargs = unflatten(self.tree, leaves)
        return tuple(args), kwargs


class Composite(Primitive):
    """A primitive whose rules are those of the primitives that its body calls. Made by :func:`opreg.composite`.

    Its data are the differentiable leaves of the arguments, but for those that are declared static, such as the order
    of a norm. Plain arguments go to the original function of its name, against which the derivatives of the body are
    verified.
    """

    is_composite = True

    def _parameters(self, forward: Any) -> Parameters:
        return Parameters(("leaves",), "leaves", {"call": None})

    def __init__(
        self, body: Callable[..., Any], name: str, aliases: Sequence[str] = (), fixed: Sequence[str] = (),
        refused: Mapping[str, str] = NOTHING, sequences: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.fixed, self.sequences = tuple(fixed), sequences
        special = {**dict.fromkeys(fixed, "static"), **dict.fromkeys(refused, "refused")}
        self.body = body
        if special:
            for unknown in special.keys() - set(self.names):
                raise DeclarationError(
                    f"{name}: {unknown!r} is declared {special[unknown]}, but is no parameter{where(body)}"
                )
            self.body = self._refusing(body)
        super().__init__(body, name, aliases)
        self.form = Form(name, self.parameters, refused=refused)
        self.forward = self._forward

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the body's parameters."""
        return tuple(inspect.signature(self.body).parameters)

    def of_arrays(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], as_array: Callable[[Any], Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments as arrays, or as lists of arrays where that is declared."""
        if self.sequences is None:
            return args, kwargs
        arranged = [
            list(map(as_array, value))
            if name in self.sequences and isinstance(value, (list, tuple))
            else as_array(value)
            for name, value in self._named(args, kwargs)
        ]
        return tuple(arranged[: len(args)]), dict(zip(kwargs, arranged[len(args) :], strict=True))

    def _named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the arguments with the names of their parameters, as far as they have any."""
        return chain(zip(chain(self.names, repeat("")), args, strict=False), kwargs.items())

    def _refusing(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """Return the body, which refuses traced values in the place of static ones, and what is declared refused."""

        @functools.wraps(body)
        def refusing(*args: Any, **kwargs: Any) -> Any:
            for name, value in self._named(args, kwargs):
                if name in self.form.refused and value is not None:
                    raise self.form.unsupported(name)
                if type(value) is Tracer and name in self.fixed:
                    raise NotDifferentiable(
                        f"{self.name}: {name!r} is static and has no derivative, but a traced value was passed. Pass "
                        "opreg.stop_gradient(value) if the derivative is not wanted"
                    )
            return body(*args, **kwargs)

        return refusing

    def original(self) -> Callable[..., Any]:
        """Return the function that this composite differentiates, the body itself if there is none."""
        found = plugins.locate(self.name)
        return self.body if found is None or found is self else found

    def _apply(self, /, *args: Any, **kwargs: Any) -> Any:
        leaves = flatten((args, kwargs))[0]
        if not any(type(leaf) is Tracer for leaf in leaves):
            return self.original()(*args, **kwargs)
        for leaf in leaves:
            if type(leaf) not in ADMITTED:
                admit(leaf)
        out = self.body(*args, **kwargs)
        return highest(leaves).writable(out) if self.new else out

    def canonical(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        leaves, tree = flatten((tuple(args), dict(kwargs)))
        moving = [i for i, leaf in enumerate(leaves) if spec_of(leaf) is not None]
        if self.fixed:
            parts = ((name, flatten(value)[0]) for name, value in self._named(args, kwargs))
            names = [name for name, found in parts for _ in found]
            moving = [i for i in moving if names[i] not in self.fixed]
        return tuple(leaves[i] for i in moving), {"call": Call(tree, leaves, moving)}

    def bind(self, /, *data: Any, **static: Any) -> Any:
        args, kwargs = static["call"].filled(data)
        return self(*args, **kwargs)

    def _forward(self, *data: Any, call: Call) -> Any:
        args, kwargs = call.filled(data)
        return self.original()(*args, **kwargs)

    def _traced_body(self, call: Call) -> Callable[..., Any]:
        def run(*data: Any) -> Any:
            args, kwargs = call.filled(data)
            return self.body(*args, **kwargs)

        return run

    def vjp(self, g: Any, out: Any, /, *data: Any, **static: Any) -> tuple[Any, ...]:
        result: tuple[Any, ...] = vjp(self._traced_body(static["call"]), *data)[1](g)
        return result

    def jvp(self, tangents: Sequence[Any], out: Any, /, *data: Any, **static: Any) -> Any:
        return jvp(self._traced_body(static["call"]), data, list(tangents))[1]

    @property
    def modes(self) -> tuple[str, ...]:
        return ("vjp", "jvp")

    @property
    def has_jvp(self) -> bool:
        return True

    def missing_rules(self) -> list[str]:
        return []


def composite(
    name: str,
    /,
    *,
    aliases: Sequence[str] = (),
    static: Sequence[str] = (),
    sequences: Sequence[str] | None = None,
    **refused: str,
) -> Callable[[Callable[..., Any]], Composite]:
    """Register a function as made of registered primitives: its body runs on traced values.

    The body has the signature of the function that it differentiates, and calls other functions than that one.
    ``static`` names parameters that have no derivative though they may be numbers, such as the order of a norm. For a
    parameter that must be ``None`` where values are traced, say why: the sentence completes "mylib.double cannot ...".
    ``sequences`` names the parameters that take sequences of arrays: then, in a generic namespace such as
    ``opreg.numpy``, the elements of these, and any other argument, may be lists that hold traced values.

    >>> import numpy as np, opreg
    >>> @opreg.composite("mylib.double")
    ... def double(x):
    ...     return x + x
    >>> opreg.grad(double)(1.0)
    2.0
    """
    return lambda body: Composite(body, name, aliases, static, refused, sequences)
