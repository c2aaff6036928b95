"""Write, for a primitive, the functions that record its application on the tape.

What the tape must keep is read off the signatures of the rules, once; so the recording of an ordinary primitive is
straight-line code made from a template, as ``dataclasses`` makes ``__init__``: one function for each choice of
arguments that are traced. It does what ``ReverseTrace.settle`` does in general, at a third of the time. What users call
is made in the same way, and where it has but one argument, it records by itself. :func:`source` and
:func:`source_of_call` return the text, for those who want to read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from opreg._form import dictionary, under_the_name

if TYPE_CHECKING:
    from opreg._primitive import Primitive
    from opreg._signature import Entry, Function


class Keywords(NamedTuple):
    """How a function that is made here spells the static keywords that it was given."""

    places: Mapping[str, str]  # the value of each
    given: str  # all of them, handed on
    types: str  # the types of their values
    static: str  # a dictionary of them


def _named(primitive: Primitive, names: Sequence[str]) -> Keywords:
    """The keywords of these names are parameters of the function; others have their defaults."""
    places = {name: name if name in names else f"defaults[{name!r}]" for name in primitive.static}
    given, types = (
        "".join(f", {name}={name}" for name in names),
        "".join(f"type({name}), " for name in names),
    )
    return Keywords(places, given, f"({types})", dictionary(names))


def _gathered(primitive: Primitive) -> Keywords:
    """The keywords lie in a dictionary of the function."""
    places = {
        name: f"(kwargs[{name!r}] if {name!r} in kwargs else defaults[{name!r}])" for name in primitive.static
    }
    return Keywords(places, ", **kwargs", "map(type, kwargs.values())", "kwargs")


def source(primitive: Primitive, mask: int) -> str:
    """Return the source of the function that records a primitive with named data.

    Bit ``i`` of ``mask`` says that argument ``i`` is traced.
    """
    names = "".join(f", a{i}" for i in range(len(primitive.data)))
    keywords = _gathered(primitive) if primitive.static else _named(primitive, ())
    lines = _recording(primitive, mask, keywords, "compute", "tracer")
    return "\n    ".join([f"def record(trace, compute, kwargs{names}):", *lines, ""])


def source_of_call(primitive: Primitive, bare: bool = False) -> str:
    """Return the source of the function by which users call a primitive.

    It has the signature of the primitive's form, each parameter by its own name. Where there is none, or with
    ``bare``, it hands on whatever it is given to be arranged.
    """
    form = primitive.form
    if bare or form.signature is None:
        keywords, data, first = _gathered(primitive), "*data", "data[0] if len(data) == 1 else None"
        lines = ["def call(*args, **kwargs):", "data, kwargs = arranged(*args, **kwargs)"]
    else:
        keywords = _named(primitive, form.static)
        data, first = ", ".join(primitive.data), primitive.data[0]
        lines = form.head("call")
    if len(primitive.data) == 1:
        plain = f" and Tracer not in {keywords.types}" if keywords.given else ""
        result = f"note(primitive, a0, {keywords.static}, tracer)" if primitive.view else "tracer"
        lines += [
            f"a0 = {first}",
            f"if type(a0) is Tracer and type(a0.primal) is not Tracer and a0.tracing.recording{plain}:",
            "    trace = a0.tracing",
            *("    " + line for line in _recording(primitive, 1, keywords, "primitive.forward", result)),
        ]
    return "\n    ".join([*lines, f"return bind({data}{keywords.given})", ""])


_LOCAL = frozenset(("a0", "bundle", "p0", "spec", "trace", "tracer", "type"))
"""The names that a call uses of its own, beside those that it is compiled with."""


def _recording(primitive: Primitive, mask: int, keywords: Keywords, compute: str, result: str) -> list[str]:
    """Return the lines that compute and record; ``result`` is what is returned of the new ``tracer``."""
    names = primitive.data
    places = {name: f"p{i}" if mask >> i & 1 else f"a{i}" for i, name in enumerate(names)}
    remembers = primitive.residual_from is not None
    places |= {"out": "out", "residual": "residual" if remembers else "None", **keywords.places}
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
            [f"bundle = (serial(), Parts, primitive, {parts})"],
            [f"bundle, joint, {saved(joint)}"],
        )
    else:
        bundle, edges = [], [f"a{i}.record, rule{i}, {saved(entry)}" for i, entry in entries.items()]
    primals = ", ".join(places[name] for name in names)
    everything = primals + keywords.given
    lines = [f"p{i} = a{i}.primal" for i in range(len(names)) if mask >> i & 1]
    if not remembers or hasattr(primitive.residual_from, "of_data"):
        lines.append(f"out = {compute}({everything})")
        if remembers:
            lines.append(f"residual = of_data({primals})")
    else:
        lines.append(f"out, residual = pair({everything})")
    if not edges:
        return [*lines, "return out"]
    arguments = ", ".join(f"a{i}" for i in range(len(names)))
    fixed = " and ".join(f"a{i}.record[2] is CONSTANT" for i in entries)
    return [
        *lines,
        "spec = SPEC[type(out)](out)",
        "if spec is None:",
        f"    return trace.settle(primitive, ({arguments},), ({primals},), {keywords.static}, out, "
        f"{places['residual']})",
        *bundle,
        "tracer = new(Tracer)",
        "tracer.primal = out",
        "tracer.tracing = trace",
        f"tracer.record = (serial(), spec, CONSTANT) if {fixed} else (serial(), spec, primitive, {', '.join(edges)})",
        "tracer.view_of = tracer.viewed_by = None",
        f"return {result}",
    ]


def _needed(primitive: Primitive, mask: int) -> dict[int, Entry]:
    """Return the rules of the arguments that are traced and have one."""
    entries = enumerate(primitive.entries("vjp", len(primitive.data)))
    return {i: entry for i, entry in entries if entry is not None and mask >> i & 1}


def _compiled(
    primitive: Primitive, mask: int, text: str, engine: Mapping[str, Any], **others: Any
) -> dict[str, Any]:
    """Return what a source defines, where those arguments are traced."""
    joint, entries = primitive.joint("vjp"), _needed(primitive, mask)
    names: dict[str, Any] = {
        **{f"rule{i}": entry[0] for i, entry in entries.items()},
        **engine,
        "defaults": dict(primitive.static),
        "pair": primitive.residual_from,
        "of_data": getattr(primitive.residual_from, "of_data", None),
        "joint": joint and partial(engine["call_joint"], joint[0], primitive, tuple(entries)),
        "new": object.__new__,
        "primitive": primitive,
        **others,
    }
    exec(compile(text, f"<recorder of {primitive.name}>", "exec"), names)
    return names


class Recorders(dict[int, Any]):
    """The recording functions of a primitive, by the mask of traced arguments; each is compiled at its first use."""

    def __init__(self, primitive: Primitive, engine: Mapping[str, Any]) -> None:
        """Take the primitive and the names that the functions use of the engine."""
        self.primitive, self.engine = primitive, engine

    def __missing__(self, mask: int) -> Any:
        names = _compiled(self.primitive, mask, source(self.primitive, mask), self.engine)
        self[mask] = names["record"]
        return self[mask]


def call_of(primitive: Primitive, engine: Mapping[str, Any], bare: bool = False) -> Function:
    """Return the function of :func:`source_of_call`: the bare one if a parameter has a name that it uses itself."""
    form = primitive.form
    others = {
        "usual": form.usual,
        "_form": form,
        "bind": primitive.bind,
        "arranged": form.apart or form.arrange,
    }
    names = _compiled(primitive, 1, source_of_call(primitive, bare), engine, **others)
    if not (bare or (_LOCAL.isdisjoint(form.usual) and names.keys().isdisjoint(form.usual))):
        return call_of(primitive, engine, bare=True)
    return under_the_name(primitive.name, names["call"])
