"""A failing case as a few lines of Python that need nothing but NumPy and the rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from opreg.verify._coordinates import outputs
from opreg.verify._subject import Subject

_MOST = 64


def literal(value: Any) -> str | None:
    """An expression for a value, exact to the bit; None where it would be too long."""
    if isinstance(value, np.ndarray):
        if value.size > _MOST or value.dtype.kind not in "fciub":
            return None
        if value.size == 0:
            return f"np.zeros({value.shape}, np.{value.dtype.name})"
        text = _nested(value.tolist())
        return f"np.array({text}, np.{value.dtype.name})"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({_nested(value.item())})"
    if isinstance(value, (tuple, list)):
        parts = [literal(item) for item in value]
        if any(part is None for part in parts):
            return None
        inside = ", ".join(str(part) for part in parts)
        if isinstance(value, tuple):
            return f"({inside}{',' if len(value) == 1 else ''})"
        return f"[{inside}]"
    text = repr(value)
    return None if len(text) > 400 or text.startswith("<") else _names(text)


def _nested(value: Any) -> str:
    return _names(repr(value))


def _names(text: str) -> str:
    """`inf` and `nan` are no Python names."""
    if "nan" not in text and "inf" not in text:
        return text
    import re

    return re.sub(r"(?<![\w.])(nan|inf)\b", r"np.\1", text)


def shown(data: Sequence[Any], static: Mapping[str, Any]) -> str:
    """The arguments of a call in one short line."""
    parts = [_short(value) for value in data] + [f"{name}={_short(value)}" for name, value in static.items()]
    return ", ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"array of shape {value.shape}, {value.dtype}"
    text = " ".join((literal(value) or repr(value)).split())
    return text if len(text) <= 200 else text[:197] + "..."


def reproducer(
    subject: Subject, data: Sequence[Any], static: Mapping[str, Any], g: Any, out: Any
) -> str | None:
    """Lines that compute the failing cotangent again, or None where the input is too large to write down."""
    args = [literal(value) for value in data]
    keywords = {name: literal(value) for name, value in static.items()}
    cotangent = literal(_native(g, out))
    if subject.order > 1 or cotangent is None or None in args or None in keywords.values():
        return None
    lines = ["import numpy as np"]
    if subject.registered:
        lines += ["import opreg", f'p = opreg.plugins.get("{subject.name}")']
        forward, vjp = "p.forward", "p.vjp"
    else:
        forward, vjp = _importable(subject.forward, "forward", lines), _importable(subject.vjp, "vjp", lines)
    lines.append(f"args = ({', '.join(str(a) for a in args)},)")
    given = f"dict({', '.join(f'{name}={text}' for name, text in keywords.items())})"
    lines.append(f"kwargs = {given}")
    lines.append(f"out = {forward}(*args, **kwargs)")
    lines.append(f"g = {cotangent}")
    lines.append(f"print({vjp}(g, out, *args, **kwargs))")
    return "\n".join(lines)


def _native(g: Any, out: Any) -> Any:
    leaves = tuple(np.asarray(leaf) for leaf in outputs(g))
    return leaves if isinstance(out, (tuple, list)) else leaves[0]


def _importable(function: Any, fallback: str, lines: list[str]) -> str:
    """How a function is called in the snippet: by its import where it has one."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if module and module != "__main__" and name.isidentifier():
        lines.append(f"from {module} import {name}")
        return str(name)
    lines.append(f"# {fallback} is your own function {name or fallback}")
    return fallback
