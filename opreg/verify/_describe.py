"""What is to be said of a primitive: for ``opreg list`` and ``opreg show``."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from opreg import plugins
from opreg._primitive import Primitive
from opreg._space import spec_of
from opreg.verify._bounds import Bounds
from opreg.verify._coverage import keywords
from opreg.verify._digest import digest, grounds, parts
from opreg.verify._messages import sentence
from opreg.verify._run import Drawn, Options, _drawn
from opreg.verify._sayings import FILE, said_of

CONVENTION = "A cotangent has the shape and dtype of its primal; a real argument has a real cotangent."
OF_COMPLEX = (
    "The cotangent of a complex z = x + iy is dL/dx - i dL/dy: for a holomorphic f the VJP is g * f'(z)."
)


def row(primitive: Primitive, remembered: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a listing says of a primitive."""
    return _row(primitive, remembered, _first_round(primitive))


def _row(primitive: Primitive, remembered: Mapping[str, Any] | None, drawn: Drawn) -> dict[str, Any]:
    origin = plugins.origin(primitive)
    return {
        "name": primitive.name,
        "aliases": list(primitive.aliases),
        "kind": kind(primitive),
        "modes": list(primitive.modes),
        "samples": len(drawn.samples),
        "plugin": origin.plugin,
        "distribution": origin.distribution,
        "version": origin.version,
        "last": dict(remembered) if remembered else None,
    }


def namespace(module: str) -> list[dict[str, str]]:
    """Return what becomes of each public function of a module when it is handed traced values.

    Its state is ``differentiable``, ``constant``, ``no rule`` (on purpose) or ``not registered``, with the reason.
    Raises ``LookupError`` where there is no such module.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        raise LookupError(f"{module!r} is not the name of a module")
    try:
        library = import_module(module)
    except ImportError as error:
        raise LookupError(f"there is no module {module!r} here: {error}") from None
    plugins.load_all()
    without = plugins.without_rule()
    public = getattr(library, "__all__", None) or [name for name in dir(library) if not name.startswith("_")]
    rows = []
    for name in sorted(public):
        function, full = getattr(library, name, None), f"{module}.{name}"
        if not callable(function) or isinstance(function, type):
            continue
        primitive = plugins.for_function(function)
        if primitive is None:
            state = "no rule" if full in without else "not registered"
            rows.append({"name": full, "state": state, "reason": without.get(full, "")})
        elif primitive.is_constant:
            reason = "; ".join(dict.fromkeys(primitive.reasons.values()))
            rows.append({"name": full, "state": "constant", "reason": reason})
        else:
            rows.append({"name": full, "state": "differentiable", "reason": ""})
    return rows


def overview(names: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return a row for each primitive, and for each function that has no rule on purpose: what it is, and what becomes
    of it when it is handed traced values.

    Helpers of plugins, whose names are no library's, are left out.
    """
    rows = []
    for primitive in plugins.primitives(names):
        first = primitive.doc.strip().split("\n")[0]
        if primitive.name.startswith("opreg"):
            continue
        if primitive.is_constant:
            state, first = "constant", "; ".join(dict.fromkeys(primitive.reasons.values()))
        else:
            state = "composite" if primitive.is_composite else " and ".join(map(str.upper, primitive.modes))
        rows.append({"name": primitive.name, "state": state, "doc": first})
    if not names:
        rows += [
            {"name": name, "state": "no rule", "doc": reason}
            for name, reason in plugins.without_rule().items()
        ]
    return rows


def _first_round(primitive: Primitive) -> Drawn:
    """Return the samples of the first round of seed 0."""
    return _drawn(primitive, Options(seed=0, bounds=Bounds(seconds=5.0)), 0)


def kind(primitive: Primitive) -> str:
    """Return which kind of primitive it is, in a word or two."""
    if primitive.is_composite:
        return "composite"
    if primitive.is_constant:
        return "not differentiable"
    return "elementwise" if primitive.elementwise else "primitive"


def description(primitive: Primitive, remembered: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return everything that ``opreg show`` says of a primitive."""
    forward: Callable[..., Any] = getattr(primitive, "body", primitive.forward)
    declared = set(primitive.modes)
    derived = {
        mode: f"derived from the {other.upper()}"
        for mode, other in (("vjp", "jvp"), ("jvp", "vjp"))
        if mode not in declared and other in declared
    }
    if primitive.is_composite:
        derived = dict.fromkeys(("vjp", "jvp"), "derived from the primitives that its body calls")
    elif primitive._linear and "jvp" not in {rule.mode for rule in primitive.rules}:
        derived["jvp"] = "the function itself, of the tangent in the argument's place"
    comparison = getattr(primitive, "comparison", None)
    drawn = _first_round(primitive)
    said, numbers = said_of(primitive), _numbers_tried(primitive, drawn)
    return {
        **_row(primitive, remembered, drawn),
        "doc": primitive.doc,
        "signature": _signature(forward),
        "defined": place(forward),
        "source": source(forward),
        "arguments": list(primitive.data) if not primitive.is_composite else [],
        "domain": said.get("domain", ""),
        "numbers": numbers,
        "reference": said.get("source", "") or _self_evident(primitive),
        "keywords": {name: repr(value) for name, value in keywords(primitive).items()},
        "refused": dict(primitive.form.refused),
        "rules": [
            {
                "argument": rule.argument,
                "mode": rule.mode,
                "where": place(rule.function),
                "source": source(rule.function),
            }
            for rule in primitive.rules
        ],
        "derived": derived,
        "compared_as": comparison and {"where": place(comparison), "source": source(comparison)},
        "not_differentiable": dict(primitive.reasons),
        "without_rule": primitive.missing_rules(),
        "left_unchecked": dict(primitive.unchecked),
        "sample_generators": [
            {"name": getattr(generator, "__name__", "?"), "where": place(generator)}
            for generator in primitive.sample_generators
        ],
        "notes": _sample_notes(drawn),
        "conventions": [
            CONVENTION,
            *([OF_COMPLEX] if any(map(_is_complex, numbers)) else []),
            *_kinks(primitive),
        ],
        "digest": digest(primitive),
        "digest_of": [part._asdict() for part in parts(primitive)],
        "grounds": grounds(),
    }


def _self_evident(primitive: Primitive) -> str:
    """Return where the formula of a derivative is from that needs no source."""
    if primitive.is_constant:
        return ""
    if primitive.is_composite:
        return "the chain rule: the rules of the functions that its body calls"
    if primitive._linear >= {name for name in primitive.data if name not in primitive.reasons}:
        return "it is linear: the VJP is its transpose"
    return f"not told; {FILE} in the package of {primitive.__module__} may tell it"


def _kinks(primitive: Primitive) -> list[str]:
    """Return a line for each point without a derivative at which the cotangents are declared."""
    lines = []
    for data, static, cotangents in primitive.kinks:
        call = ", ".join([*map(repr, data), *(f"{name}={value!r}" for name, value in static.items())])
        given = " and ".join(
            f"{c!r} by {name}" for name, c in zip(primitive.data, cotangents, strict=False) if c is not None
        )
        lines.append(f"At ({call}), where there is no derivative: {given}.")
    return lines


def _numbers_tried(primitive: Primitive, drawn: Drawn) -> list[str]:
    """Return the types of numbers by which the samples of a round differentiate."""
    found = set()
    for sample in drawn.samples:
        try:
            data, _ = primitive.canonical(sample.args, sample.kwargs)
        except Exception:  # what is wrong with a sample, a run tells
            continue
        found |= {str(getattr(x, "dtype", type(x).__name__)) for x in data if spec_of(x) is not None}
    return sorted(found)


def _is_complex(name: str) -> bool:
    return name.startswith("complex")


def _sample_notes(drawn: Drawn) -> list[str]:
    """Return the notes of the samples of a round, each once, and what went wrong in drawing them."""
    return list(dict.fromkeys(str(sample.note) for sample in drawn.samples if sample.note)) + drawn.problems


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(...)"


def place(function: Any) -> str:
    """Return the file and line in which a function is defined."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    code = code or getattr(getattr(function, "func", None), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "(compiled)"


def source(function: Any) -> str:
    """Return the source of a function, or why there is none."""
    try:
        return textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError) as error:
        return f"({sentence(error)})" if isinstance(error, OSError) else "(compiled)"
