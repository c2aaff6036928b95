"""The digest of a primitive: a short text that changes when its forward, rules, samples or helpers do.

Driver and workers compare digests before a case runs, so that a verdict is always about the rule it names. Beside the
grounds on which verdicts rest they tell whether a primitive has changed since it passed.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

import opreg
from opreg import plugins
from opreg._primitive import Primitive

_PLAIN = (int, float, complex, str, bytes, bool, type(None))


def digest(primitive: Primitive) -> str:
    """Return the digest of a primitive: of its functions, and those they call in its package."""
    seen: dict[int, str] = {}
    return _hashed(
        [
            primitive.name.encode(),
            *(
                part
                for label, function in _functions(primitive)
                for part in (label.encode(), *_parts(function, seen))
            ),
        ]
    )


class Part(NamedTuple):
    """Something of which a digest is made: what it is, its own digest, and the helpers that it brings along."""

    what: str
    digest: str
    helpers: list[str]


def parts(primitive: Primitive) -> list[Part]:
    """Return of what the digest of a primitive is made."""
    found = []
    for label, function in _functions(primitive):
        seen: dict[int, str] = {}
        own = _hashed(_parts(function, seen))
        if function is not None and function != "[]":
            found.append(Part(label, own, list(seen.values())[1:]))
    return found


def grounds() -> dict[str, str]:
    """Return on what a verdict rests beside the primitive: opreg itself, checks that plugins add, NumPy, Python."""
    seen: dict[int, str] = {}
    added = [
        part for check in plugins.checks() for part in _parts((check.name, check.body, check.applies), seen)
    ]
    return {
        "opreg": _own_files(),
        **({"added checks": _hashed(added)} if added else {}),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


@lru_cache(maxsize=1)
def _own_files() -> str:
    """Return the digest of opreg's own files: engine, checks and oracles."""
    home = Path(opreg.__file__).parent
    return _hashed(
        part
        for file in sorted(home.rglob("*.py"))
        for part in (file.relative_to(home).as_posix().encode(), file.read_bytes())
    )


def _hashed(pieces: Iterable[bytes]) -> str:
    state = blake2b(digest_size=8)
    for piece in pieces:
        state.update(len(piece).to_bytes(8, "little") + piece)
    return state.hexdigest()


def _functions(primitive: Primitive) -> Iterator[tuple[str, Any]]:
    yield "forward", getattr(primitive, "body", primitive.forward)
    for rule in primitive.rules:
        yield f"{rule.mode} {rule.argument}", rule.function
    yield "calling form", primitive.form.apart
    yield "called like", primitive.form.like
    yield "residual", primitive.residual_from
    yield "compared as", primitive.comparison
    for generator in primitive.sample_generators:
        yield "samples", generator
    yield "reasons", repr(sorted(getattr(primitive, "reasons", {}).items()))
    yield "unchecked", repr(sorted(getattr(primitive, "unchecked", {}).items()))


def _parts(thing: Any, seen: dict[int, str]) -> Iterator[bytes]:
    """Yield what identifies a function: code, defaults, what it closes over, helpers in its package."""
    if isinstance(thing, partial):
        yield from _parts(thing.func, seen)
        for value in (*thing.args, *sorted(thing.keywords.items())):
            yield from _parts(value, seen)
    elif isinstance(thing, FunctionType):
        if id(thing) in seen:
            return
        seen[id(thing)] = thing.__qualname__
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
