"""Values as text: exact to the bit, for lines that run, and short, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from opreg._composite import Call

_MOST = 64


def literal(value: Any) -> str | None:
    """An expression for a value, exact to the bit and in its memory layout; None where it would be too long."""
    if isinstance(value, np.ndarray):
        if value.size > _MOST or value.dtype.kind not in "fciub":
            return None
        if value.size == 0:
            kind = "" if value.dtype == float else f", np.{value.dtype.name}"
            return f"np.zeros({value.shape}{kind})"
        nested = value.tolist()
        kind = "" if np.asarray(nested).dtype == value.dtype else f", np.{value.dtype.name}"
        return _laid_out(f"np.array({_names(repr(nested))}{kind})", value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({_names(repr(value.item()))})"
    if isinstance(value, (tuple, list)):
        parts = [literal(item) for item in value]
        if any(part is None for part in parts):
            return None
        inside = ", ".join(str(part) for part in parts)
        if isinstance(value, tuple):
            return f"({inside}{',' if len(value) == 1 else ''})"
        return f"[{inside}]"
    if isinstance(value, dict):
        items = {name: literal(item) for name, item in value.items()}
        return None if None in items.values() else f"{{{', '.join(f'{n!r}: {t}' for n, t in items.items())}}}"
    text = repr(value)
    return None if len(text) > 400 or text.startswith("<") else _names(text)


def _laid_out(text: str, value: Any) -> str:
    """An array's expression, such that the array lies in memory as the given one."""
    if value.flags.c_contiguous:
        return text
    if value.flags.f_contiguous:
        return f"np.asfortranarray({text})"
    if value.strides[-1] < 0:
        return f"{text}[..., ::-1].copy()[..., ::-1]"
    return f"np.repeat({text}, 2, -1)[..., ::2]" if value.strides[-1] else text


def _names(text: str) -> str:
    """`inf` and `nan` are no Python names."""
    if "nan" not in text and "inf" not in text:
        return text
    return re.sub(r"(?<![\w.])(nan|inf)\b", r"np.\1", text)


def shown(data: Sequence[Any], static: Mapping[str, Any]) -> str:
    """The arguments of a call in one short line."""
    args, kwargs = written(data, static)
    parts = [_short(value) for value in args] + [f"{name}={_short(value)}" for name, value in kwargs.items()]
    return ", ".join(parts)


def written(data: Sequence[Any], static: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments as a person writes them: those of a composite stand in a call that data are filled into."""
    call = static.get("call")
    if isinstance(call, Call) and len(call.moving) == len(data):
        return call.filled(data)
    return data, static


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"array of shape {value.shape}, {value.dtype}"
    text = " ".join((literal(value) or repr(value)).split())
    return text if len(text) <= 200 else text[:197] + "..."
