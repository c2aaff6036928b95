"""Signatures are declarations: what a forward function takes, and what a rule asks for by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import CodeType, FunctionType, MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from opreg._errors import DeclarationError

Function: TypeAlias = Callable[..., Any]
Entry: TypeAlias = tuple[Function, Callable[[Any], Any]]
"""A rule as the engine calls it: ``function(g, pick(environment))``."""

RESERVED = ("g", "out", "residual", "index", "needed")
"""The names by which a rule asks for what is no parameter of its primitive. A JVP rule may say ``t`` for ``g``."""

_STARRED = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Parameters(NamedTuple):
    """The parameters of a forward function: data (the variadic one, if it is that), static with defaults."""

    data: tuple[str, ...]
    variadic: str | None
    static: Mapping[str, Any]
    required: frozenset[str] = frozenset()
    """The static ones that have no default: ``None`` stands for it in ``static``."""

    @property
    def layout(self) -> tuple[str, ...]:
        """The names of the places of an environment, which holds all that a rule may ask for.

        Of the last two, a rule of one argument is given ``index``, a joint rule ``needed``.
        """
        return ("out", "residual", *self.data, *self.static, "index", "needed")


def where(function: Any) -> str:
    """Say where an author's function is defined, for the end of an error message."""
    while True:
        inner = getattr(function, "__wrapped__", None)
        if isinstance(function, functools.partial):  # the engine's call of a rule, its first argument
            inner = function.args[0] if function.args and callable(function.args[0]) else function.func
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    return "" if code is None else f" ({code.co_filename}:{code.co_firstlineno})"


def read_forward(name: str, forward: Function) -> Parameters:
    """Return the parameters of a primitive's forward function: positional are data, keyword-only are static."""

    def refuse(message: str) -> DeclarationError:
        return DeclarationError(f"{name}: {message}{where(forward)}")

    simple = _simple_forward(forward)
    if simple is not None:
        return simple
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        raise refuse("the forward function has no signature to read") from None
    data, static, required, variadic = [], {}, set(), None
    for p in parameters:
        if p.name in RESERVED:
            raise refuse(f"{p.name!r} is a name that rules use and cannot be a parameter's")
        if p.kind is p.VAR_POSITIONAL:
            variadic = p.name
        elif p.kind is p.KEYWORD_ONLY:
            static[p.name] = None if p.default is p.empty else p.default
            if p.default is p.empty:
                required.add(p.name)
        elif p.kind is p.VAR_KEYWORD:
            raise refuse(f"**{p.name} hides keywords; name each")
        elif p.default is not p.empty:
            raise refuse(
                f"the data parameter {p.name!r} has a default; put it after '*' if it is static, or fill it in "
                "with called_as"
            )
        else:
            data.append(p.name)
    if variadic is not None and data:
        raise refuse("data are either named or variadic, not both")
    if variadic is None and not data:
        raise refuse("there is no positional parameter, so no data")
    names = (variadic,) if variadic else tuple(data)
    return Parameters(names, variadic, MappingProxyType(static), frozenset(required))


def _simple_forward(forward: Any) -> Parameters | None:
    """Return the parameters of a function of named data without defaults: at a tenth of the price of a signature."""
    code = _own_code(forward)
    if code is None or code.co_flags & _STARRED or forward.__defaults__ or not code.co_argcount:
        return None
    data = code.co_varnames[: code.co_argcount]
    static = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if any(name in RESERVED for name in (*data, *static)):
        return None
    defaults = forward.__kwdefaults__ or {}
    required = frozenset(static).difference(defaults)
    return Parameters(data, None, MappingProxyType({name: defaults.get(name) for name in static}), required)


def read_rule(
    name: str, rule: Function, mode: str, parameters: Parameters, joint: bool = False
) -> tuple[str, ...]:
    """Return what a rule asks for, by name, ``g`` included."""
    known = ("g", *parameters.layout[:-1], *(("needed",) if joint and mode == "vjp" else ()))
    plain = _plain_names(rule)
    if plain is not None and all(asked in known for asked in plain):
        return plain

    def refuse(message: str) -> DeclarationError:
        return DeclarationError(f"{name}: {message}{where(rule)}")

    try:
        signature = inspect.signature(rule).parameters.values()
    except (TypeError, ValueError):
        raise refuse("a rule has no signature to read") from None
    names = []
    for p in signature:
        asked = "g" if mode == "jvp" and p.name in ("t", "tangent") and p.name not in known else p.name
        if asked not in known:
            if p.default is not p.empty:
                continue  # a default that the author binds, such as the constant of a loop
            raise refuse(f"a {mode.upper()} rule asks for {p.name!r}; it may ask for {', '.join(known)}")
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.KEYWORD_ONLY):
            raise refuse(f"a rule's parameters are plain names, not {p}")
        names.append(asked)
    return tuple(names)


def _plain_names(rule: Any) -> tuple[str, ...] | None:
    """Return the parameters of a function that has only plain ones."""
    code = _own_code(rule)
    if code is None or code.co_kwonlyargcount or code.co_flags & _STARRED or rule.__defaults__:
        return None
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return names


def _own_code(function: Any) -> CodeType | None:
    """Return the code of a function whose signature is that of its code."""
    if not isinstance(function, FunctionType) or hasattr(function, "__signature__"):
        return None
    return None if hasattr(function, "__wrapped__") else function.__code__


class OfSeveral:
    """A rule that asks for several values beside ``g``, called with a tuple of them; the backward pass unpacks it."""

    __slots__ = ("__wrapped__",)

    def __init__(self, rule: Function) -> None:
        self.__wrapped__ = rule

    def __call__(self, g: Any, saved: Any) -> Any:
        return self.__wrapped__(g, *saved)


def as_called(rule: Function, names: Sequence[str], layout: Sequence[str]) -> Entry:
    """Return a rule as the engine calls it. ``pick`` gives the one value asked for beside ``g``, or a tuple of them."""
    wanted = [layout.index(name) for name in names if name != "g"]
    at = names.index("g") if "g" in names else None
    if at == 0 and wanted:
        return rule if len(wanted) == 1 else OfSeveral(rule), itemgetter(*wanted)

    def anywhere(g: Any, saved: Any) -> Any:
        several = saved if len(wanted) != 1 else (saved,)
        return rule(*several) if at is None else rule(*several[:at], g, *several[at:])

    function: Function = anywhere if at is None or wanted else lambda g, saved: rule(g)
    function.__wrapped__ = rule  # type: ignore[attr-defined]
    return function, itemgetter(*wanted) if wanted else _nothing


def _nothing(environment: Any) -> tuple[()]:
    return ()


def for_joint(environment: Sequence[Any], needed: Sequence[int], count: int) -> tuple[Any, ...]:
    """Return what a joint rule may ask for, where the cotangents of these arguments, of so many, are needed."""
    return (*environment, None, tuple([i in needed for i in range(count)]))
