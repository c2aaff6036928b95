"""The digest of a primitive: a short text that changes when its forward, rules, samples or helpers do.

Driver and workers compare digests before a case runs, so that a verdict is always about the rule it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any

from opreg._primitive import Primitive

_PLAIN = (int, float, complex, str, bytes, bool, type(None))


def digest(primitive: Primitive) -> str:
    """Return the digest of a primitive: of its functions, and those they call in its package."""
    state = blake2b(digest_size=8)
    seen: set[int] = set()
    state.update(primitive.name.encode())
    for label, function in _functions(primitive):
        state.update(f"\x1e{label}".encode())
        for part in _parts(function, seen):
            state.update(b"\x1f" + part)
    return state.hexdigest()


def _functions(primitive: Primitive) -> Iterator[tuple[str, Any]]:
    yield "forward", getattr(primitive, "body", primitive.forward)
    for rule in primitive.rules:
        yield f"{rule.mode} {rule.argument}", rule.function
    for name in ("_calling", "_with_residual", "comparison"):
        yield name, getattr(primitive, name, None)
    for generator in primitive.sample_generators:
        yield "samples", generator
    yield "reasons", repr(sorted(getattr(primitive, "reasons", {}).items()))
    yield "unchecked", repr(sorted(getattr(primitive, "unchecked", {}).items()))


def _parts(thing: Any, seen: set[int]) -> Iterator[bytes]:
    """Yield what identifies a function: code, defaults, what it closes over, helpers in its package."""
    if isinstance(thing, partial):
        yield from _parts(thing.func, seen)
        for value in (*thing.args, *sorted(thing.keywords.items())):
            yield from _parts(value, seen)
    elif isinstance(thing, FunctionType):
        if id(thing) in seen:
            return
        seen.add(id(thing))
        yield from _code_parts(thing.__code__)
        for value in (thing.__defaults__, thing.__kwdefaults__):
            yield from _parts(value, seen)
        for cell in thing.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            yield from _parts(content, seen)
        root = (thing.__module__ or "").split(".")[0]
        for name in _names(thing.__code__):
            helper = thing.__globals__.get(name)
            if isinstance(helper, FunctionType):
                if (helper.__module__ or "").split(".")[0] == root:
                    yield from _parts(helper, seen)
            elif isinstance(helper, (*_PLAIN, tuple)):
                yield from _parts(helper, seen)
    elif isinstance(thing, _PLAIN):
        yield repr(thing).encode()
    elif isinstance(thing, (tuple, list)):
        for item in thing:
            yield from _parts(item, seen)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield repr(key).encode()
            yield from _parts(value, seen)
    else:
        name = (
            getattr(thing, "__qualname__", None)
            or getattr(thing, "__name__", None)
            or type(thing).__qualname__
        )
        yield str(name).encode()


def _code_parts(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield " ".join((*code.co_names, *code.co_varnames)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_parts(constant)
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, constant))).encode()
        else:
            yield repr(constant).encode()


def _names(code: CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return names
