"""Write, for a primitive, the function that records its application on the tape.

What the tape must keep is read off the signatures of the rules, once; so the recording of an ordinary primitive is
straight-line code made from a template, as ``dataclasses`` makes ``__init__``: one function for each choice of
arguments that are traced. It does what ``ReverseTrace.settle`` does in general, at a third of the time. :func:`source`
returns the text, for those who want to read it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opreg._primitive import Primitive
    from opreg._signature import Entry


def source(primitive: Primitive, mask: int) -> str:
    """Return the source of the function that records a primitive with named data.

    Bit ``i`` of ``mask`` says that argument ``i`` is traced.
    """
    names = primitive.data
    places = {name: f"p{i}" if mask >> i & 1 else f"a{i}" for i, name in enumerate(names)}
    remembers = primitive.residual_from is not None
    places |= {"out": "out", "residual": "residual" if remembers else "None"}
    for name in primitive.static:
        places[name] = f"(kwargs[{name!r}] if {name!r} in kwargs else defaults[{name!r}])"
    joint, entries = primitive.joint("vjp"), _needed(primitive, mask)
    places |= {"index": "None", "needed": repr(tuple(i in entries for i in range(len(names))))}
    layout = primitive.parameters.layout

    def saved(entry: Entry) -> str:
        picked = entry[1](layout)
        return (
            places[picked] if isinstance(picked, str) else f"({', '.join(places[name] for name in picked)})"
        )

    if joint is not None and entries:
        parts = ", ".join(f"a{i}.record, part, {i}" for i in entries)
        bundle, edges = (
            [f"    bundle = (serial(), Parts, primitive, {parts})"],
            [f"bundle, joint, {saved(joint)}"],
        )
    else:
        bundle, edges = [], [f"a{i}.record, rule{i}, {saved(entry)}" for i, entry in entries.items()]
    arguments = ", ".join(f"a{i}" for i in range(len(names)))
    primals = ", ".join(places[name] for name in names)
    given = f"{primals}{', **kwargs' if primitive.static else ''}"
    if not remembers or hasattr(primitive.residual_from, "of_data"):
        computed = [
            f"    out = compute({given})",
            *([f"    residual = of_data({primals})"] if remembers else []),
        ]
    else:
        computed = [f"    out, residual = forward({given})"]
    lines = [
        f"def record(trace, compute, kwargs, {arguments}):",
        *(f"    p{i} = a{i}.primal" for i in range(len(names)) if mask >> i & 1),
        *computed,
    ]
    if edges:
        lines += [
            "    spec = SPEC[type(out)](out)",
            "    if spec is None:",
            f"        return trace.settle(primitive, ({arguments},), ({primals},), kwargs, out, {places['residual']})",
            *bundle,
            "    tracer = new(Tracer)",
            "    tracer.primal = out",
            "    tracer.tracing = trace",
            f"    tracer.record = (serial(), spec, primitive, {', '.join(edges)})",
            "    tracer.view_of = tracer.viewed_by = None",
            "    return tracer",
        ]
    else:
        lines.append("    return out")
    return "\n".join(lines) + "\n"


def _needed(primitive: Primitive, mask: int) -> dict[int, Entry]:
    """Return the rules of the arguments that are traced and have one."""
    entries = enumerate(primitive.entries("vjp", len(primitive.data)))
    return {i: entry for i, entry in entries if entry is not None and mask >> i & 1}


class Recorders(dict[int, Any]):
    """The recording functions of a primitive, by the mask of traced arguments; each is compiled at its first use."""

    def __init__(self, primitive: Primitive, engine: dict[str, Any]) -> None:
        """Take the primitive and the names that the functions use of the engine."""
        self.primitive, self.engine = primitive, engine

    def __missing__(self, mask: int) -> Any:
        primitive = self.primitive
        joint, entries = primitive.joint("vjp"), _needed(primitive, mask)
        names: dict[str, Any] = {
            **{f"rule{i}": entry[0] for i, entry in entries.items()},
            **self.engine,
            "defaults": dict(primitive.static),
            "forward": primitive.residual_from,
            "of_data": getattr(primitive.residual_from, "of_data", None),
            "joint": joint and partial(self.engine["call_joint"], joint[0], primitive, tuple(entries)),
            "new": object.__new__,
            "primitive": primitive,
        }
        exec(compile(source(primitive, mask), f"<recorder of {primitive.name}>", "exec"), names)
        self[mask] = names["record"]
        return self[mask]
