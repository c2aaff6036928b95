"""Write, for a primitive, the functions that record its application on the tape.

What the tape must keep is read off the signatures of the rules, once; so the recording of an ordinary primitive is
straight-line code made from a template, as ``dataclasses`` makes ``__init__``: one function for each choice of
arguments that are traced. It does what ``ReverseTrace.settle`` does in general, at a third of the time. What users call
is made in the same way, and where it has but one argument, it records by itself. :func:`source` and
:func:`source_of_call` return the text, for those who want to read it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from opreg._primitive import Primitive
    from opreg._signature import Entry


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
    return Keywords(places, given, f"({types})", _dictionary(names))


def _gathered(primitive: Primitive) -> Keywords:
    """The keywords lie in a dictionary of the function."""
    places = {
        name: f"(kwargs[{name!r}] if {name!r} in kwargs else defaults[{name!r}])" for name in primitive.static
    }
    return Keywords(places, ", **kwargs", "map(type, kwargs.values())", "kwargs")


def _dictionary(names: Iterable[str]) -> str:
    return f"{{{', '.join(f'{name!r}: {name}' for name in names)}}}"


def source(primitive: Primitive, mask: int) -> str:
    """Return the source of the function that records a primitive with named data.

    Bit ``i`` of ``mask`` says that argument ``i`` is traced.
    """
    names = "".join(f", a{i}" for i in range(len(primitive.data)))
    keywords = _gathered(primitive) if primitive.static else _named(primitive, ())
    lines = _recording(primitive, mask, keywords, "compute", "tracer")
    return "\n    ".join([f"def record(trace, compute, kwargs{names}):", *lines, ""])


def source_of_call(primitive: Primitive, signature: inspect.Signature | None) -> str:
    """Return the source of the function by which users call a primitive.

    It has that signature, each parameter by its own name; one that the primitive does not have is refused, unless it
    is ``None``. Without a signature another function arranges what it is given.
    """
    if signature is None:
        keywords, data, first = _gathered(primitive), "*data", "data[0] if len(data) == 1 else None"
        lines = ["def call(*args, **kwargs):", "data, kwargs = arranged(*args, **kwargs)"]
    else:
        keywords = _named(primitive, _static_names(primitive, signature))
        data, first = ", ".join(primitive.data), primitive.data[0]
        lines = [_head("call", signature), *_refusals(primitive, signature)]
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


def source_of_arrangement(primitive: Primitive, signature: inspect.Signature) -> str:
    """Return the source of the function of that signature that gives the data and the static keywords."""
    data, static = ", ".join(primitive.data), _dictionary(_static_names(primitive, signature))
    last = f"return ({data},), {static}"
    return "\n    ".join([_head("arrange", signature), *_refusals(primitive, signature), last, ""])


def _static_names(primitive: Primitive, signature: inspect.Signature) -> list[str]:
    return [name for name in signature.parameters if name in primitive.static]


def _head(name: str, signature: inspect.Signature) -> str:
    """Return the first line of a function of that signature; the defaults are in ``usual``."""
    parameters = [
        inspect.Parameter(
            p.name, p.kind, default=p.empty if p.default is p.empty else _Text(f"usual[{p.name!r}]")
        )
        for p in signature.parameters.values()
    ]
    return f"def {name}{inspect.Signature(parameters)}:"


def _refusals(primitive: Primitive, signature: inspect.Signature) -> list[str]:
    foreign = [name for name in signature.parameters if name not in (*primitive.data, *primitive.static)]
    return [line for n in foreign for line in (f"if {n} is not None:", f"    raise _refused({n!r})")]


_LOCAL = frozenset(("a0", "bundle", "p0", "spec", "trace", "tracer", "type"))
"""The names that a call uses of its own, beside those that it is compiled with."""


class _Text(str):
    """What stands in a source as it is."""

    __repr__ = str.__str__


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
        f"tracer.record = (serial(), spec, primitive, {', '.join(edges)})",
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


def call_of(
    primitive: Primitive,
    signature: inspect.Signature | None,
    arranged: Callable[..., Any],
    engine: Mapping[str, Any],
) -> Callable[..., Any]:
    """Return the function of :func:`source_of_call`; ``arranged`` is what takes the place of a signature.

    It does so too where a parameter has a name that the function uses itself.
    """
    usual = {} if signature is None else _defaults(signature)
    others = {"usual": usual, "bind": primitive.bind, "arranged": arranged}
    names = _compiled(primitive, 1, source_of_call(primitive, signature), engine, **others)
    if not (_LOCAL.isdisjoint(usual) and names.keys().isdisjoint(usual)):
        return call_of(primitive, None, arranged, engine)
    return _under_the_name_of(primitive, names["call"])


def arrangement(
    primitive: Primitive, signature: inspect.Signature, refused: Callable[[str], Exception]
) -> Callable[..., Any]:
    """Return the function of :func:`source_of_arrangement`; ``refused`` makes the error for a parameter."""
    names = {"usual": _defaults(signature), "_refused": refused}
    exec(source_of_arrangement(primitive, signature), names)
    return _under_the_name_of(primitive, names["arrange"])


def _defaults(signature: inspect.Signature) -> dict[str, Any]:
    return {p.name: p.default for p in signature.parameters.values()}


def _under_the_name_of(primitive: Primitive, function: Any) -> Callable[..., Any]:
    """Return a function under the name that Python's errors are to give it."""
    function.__name__, function.__qualname__ = primitive.__name__, primitive.name
    named: Callable[..., Any] = function
    return named
