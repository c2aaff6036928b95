"""Form: how users call a primitive, and what brings such a call to data and static keywords."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

from opreg._errors import DeclarationError, NotDifferentiable
from opreg._signature import Function, Parameters, where

Arranged: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""A call brought to data and static keywords."""

NOTHING: Mapping[str, str] = MappingProxyType({})


class Form:
    """How users call a primitive: as its forward function, ``like`` another one, or as a function takes it ``apart``.

    ``refused`` says of parameters that the forward function does not have why they must be ``None``.
    """

    def __init__(
        self, name: str, parameters: Parameters, *, apart: Function | None = None, like: Function | None = None,
        refused: Mapping[str, str] = NOTHING,
    ) -> None:  # fmt: skip
        self.name, self.parameters = name, parameters
        self.apart, self.like, self.refused = apart, like, refused
        if like is not None:
            for problem in self._problems(like):
                raise DeclarationError(f"{name}: {problem}{where(like)}")

    def _problems(self, like: Function) -> Iterator[str]:
        """Yield what is wrong with a function like which the primitive is to be called."""
        if self.parameters.variadic:
            yield "what takes any number of data is called by what called_as arranges, not like a function"
        try:
            parameters = inspect.signature(like).parameters
        except (TypeError, ValueError):
            yield "called_like takes a function with a signature"
            return
        for name, p in parameters.items():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                yield f"called_like takes a function that names its parameters, not {p}"
            if name not in self.own and name not in self.refused:
                yield (
                    f"{name!r} is no parameter of it; say why it is refused, as in called_like(..., {name}='...')"
                )
            if name not in self.own and p.default is not None:
                yield f"{name!r}, which is refused unless it is None, must have the default None"
        for name in self.parameters.data:
            if name not in parameters:
                yield f"its parameter {name!r} is missing in called_like"
        for name, reason in self.refused.items():
            if name in self.own or name not in parameters or not str(reason or "").strip():
                yield f"the reason for {name!r} must be a sentence on a parameter of called_like that is refused"

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the parameters of the forward function."""
        return (*self.parameters.data, *self.parameters.static)

    @property
    def declared(self) -> Function | None:
        """The function that was declared to say how users call; ``None``: they do as the forward function is called."""
        return self.apart or self.like

    @cached_property
    def signature(self) -> inspect.Signature | None:
        """The signature that users call; ``None`` where a function takes calls apart."""
        if self.apart is not None:
            return None
        if self.like is not None:
            return inspect.signature(self.like)
        parameters: list[inspect.Parameter] = []
        kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
        for name in self.own:
            required = name in self.parameters.data or name in self.parameters.required
            # By position Python wants those without a default first.
            if required and parameters and parameters[-1].default is not inspect.Parameter.empty:
                kind = inspect.Parameter.KEYWORD_ONLY
            default = inspect.Parameter.empty if required else self.parameters.static[name]
            parameters.append(inspect.Parameter(name, kind, default=default))
        return inspect.Signature(parameters)

    def unsupported(self, name: str) -> NotDifferentiable:
        """Return the error for a parameter that is refused."""
        return NotDifferentiable(f"{self.name} cannot {self.refused[name]}")

    def arrange(self, /, *args: Any, **kwargs: Any) -> Arranged:
        """Bring a call to data and static keywords, with the errors of Python's own call."""
        if self.apart is not None:
            data, static = self.apart(*args, **kwargs)
            return data, static
        parameters = self.parameters
        if parameters.variadic:
            return args, self._checked(kwargs)
        if not kwargs and len(args) == len(parameters.data) and self.like is None and not parameters.required:
            return args, {}
        arranged: Arranged = self._arranging(*args, **kwargs)
        return arranged

    def _checked(self, static: dict[str, Any]) -> dict[str, Any]:
        for name in static:
            if name not in self.parameters.static:
                known = ", ".join(self.parameters.static) or "none"
                raise TypeError(f"{self.name}() got an unexpected keyword {name!r}; its keywords: {known}")
        return static

    # ------------------------------------------------------------------------------------------ as source
    @property
    def usual(self) -> dict[str, Any]:
        """The parameters of the signature with their defaults."""
        return (
            {} if self.signature is None else {p.name: p.default for p in self.signature.parameters.values()}
        )

    @property
    def static(self) -> list[str]:
        """The static keywords that are parameters of the signature."""
        return [name for name in self.usual if name in self.parameters.static]

    def head(self, name: str) -> list[str]:
        """Return the first lines of a function of the signature; the defaults are in ``usual``.

        What is refused ``_form`` refuses there.
        """
        assert self.signature is not None
        parameters = [
            p.replace(
                default=p.empty if p.default is p.empty else _Text(f"usual[{p.name!r}]"), annotation=p.empty
            )
            for p in self.signature.parameters.values()
        ]
        lines = [f"def {name}{inspect.Signature(parameters)}:"]
        for foreign in self.usual:
            if foreign not in self.own:
                lines += [f"if {foreign} is not None:", f"    raise _form.unsupported({foreign!r})"]
        return lines

    def source(self) -> str:
        """Return the source of the function of the signature that gives the data and the static keywords."""
        last = f"return ({', '.join(self.parameters.data)},), {dictionary(self.static)}"
        return "\n    ".join([*self.head("arrange"), last, ""])

    @cached_property
    def _arranging(self) -> Function:
        names = {"usual": self.usual, "_form": self}
        exec(self.source(), names)
        return under_the_name(self.name, names["arrange"])

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("signature", "_arranging")}


class _Text(str):
    """What stands in a source as it is."""

    __repr__ = str.__str__


def dictionary(names: Iterable[str]) -> str:
    """Return the source of a dictionary of variables by their names."""
    return f"{{{', '.join(f'{name!r}: {name}' for name in names)}}}"


def under_the_name(name: str, function: Any) -> Function:
    """Return a function under the name that Python's errors are to give it: the last part of a primitive's."""
    function.__name__, function.__qualname__ = name.rsplit(".", 1)[-1], name
    named: Function = function
    return named
