"""Write, for a primitive, the function that records its application on the tape.

What the tape must keep is read off the signatures of the rules, once; so the recording of an ordinary primitive is
straight-line code made from a template, as ``dataclasses`` makes ``__init__``. It does what ``ReverseTrace.process``
does in general, at a third of the time. :func:`source` returns the text, for those who want to read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opreg._primitive import Primitive


def source(primitive: Primitive) -> str:
    """Return the source of the recording function of a primitive with named data and a rule per argument."""
    names = primitive.data
    entries = primitive.entries("vjp", len(names))
    layout = ("out", "residual", *names, *primitive.static)
    taken = {name: f"p{i}" for i, name in enumerate(names)} | {"out": "out"}
    for name in primitive.static:
        taken[name] = f"(kwargs[{name!r}] if {name!r} in kwargs else defaults[{name!r}])"

    edges: list[str | None] = []
    for i, entry in enumerate(entries):
        if entry is None:
            edges.append(None)
            continue
        picked = entry[1](layout)
        one = isinstance(picked, str)
        saved = taken[picked] if one else f"({', '.join(taken.get(name, 'None') for name in picked)})"
        edges.append(f"a{i}.record, rule{i}, {saved}")
    arguments = ", ".join(f"a{i}" for i in range(len(names)))
    lines = [f"def record(trace, compute, kwargs, {arguments}):"]
    for i in range(len(names)):
        if len(names) == 1:
            lines.append("    p0 = a0.primal")
        else:
            lines.append(f"    t{i} = type(a{i}) is Tracer and a{i}.trace is trace")
            lines.append(f"    p{i} = a{i}.primal if t{i} else a{i}")
    primals = ", ".join(f"p{i}" for i in range(len(names)))
    lines += [
        f"    out = compute({primals}, **kwargs)" if primitive.static else f"    out = compute({primals})",
        "    spec = SPEC[type(out)](out)",
        "    if spec is None:",
        f"        return trace.settle(primitive, ({arguments},), ({primals},), kwargs, out, None)",
        *_record([(f"t{i}", edge) for i, edge in enumerate(edges) if edge is not None], len(names) == 1),
        "    tracer = new(Tracer)",
        "    tracer.primal = out",
        "    tracer.trace = trace",
        "    tracer.record = node",
        "    return tracer",
    ]
    return "\n".join(lines) + "\n"


def _record(edges: list[tuple[str, str]], unary: bool) -> list[str]:
    """Return the lines that set ``node`` to one with the edges of the traced arguments, or return the plain output."""
    node = "node = (-serial(), spec, primitive, {})".format
    if not edges:
        return ["    return out"]
    if unary:
        return [f"    {node(edges[0][1])}"]
    if len(edges) == 1:
        return [f"    if not {edges[0][0]}:", "        return out", f"    {node(edges[0][1])}"]
    if len(edges) == 2:
        (first, one), (second, two) = edges
        return [
            f"    if {first}:",
            f"        if {second}:",
            f"            {node(f'{one}, {two}')}",
            "        else:",
            f"            {node(one)}",
            f"    elif {second}:",
            f"        {node(two)}",
            "    else:",
            "        return out",
        ]
    lines = ["    edges = ()"]
    for name, edge in edges:
        lines += [f"    if {name}:", f"        edges += ({edge})"]
    return [*lines, "    if not edges:", "        return out", f"    {node('*edges')}"]


def recorder(primitive: Primitive, engine: dict[str, Any]) -> Any:
    """Compile the recording function; ``engine`` supplies the names that it uses of the engine."""
    names: dict[str, Any] = {
        "primitive": primitive, "defaults": dict(primitive.static), "new": object.__new__, "__builtins__": {"type": type},
        **{f"rule{i}": entry[0] for i, entry in enumerate(primitive.entries("vjp", len(primitive.data))) if entry},
        **engine,
    }  # fmt: skip
    exec(compile(source(primitive), f"<recorder of {primitive.name}>", "exec"), names)
    return names["record"]
