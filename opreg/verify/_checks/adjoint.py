"""VJP and JVP are each other's transpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from opreg.verify._check import Check, active
from opreg.verify._checks._call import Array, Call, contents, scale
from opreg.verify._coordinates import outputs
from opreg.verify._literal import shown
from opreg.verify._rule import Fault, push
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _has_forward_mode(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if subject.jvp is None:
        return "there is no JVP to compare the VJP with"
    return active(subject, data, static)


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """VJP and JVP are each other's transpose: <g, J v> = <J^T g, v>, to rounding."""
    assert subject.jvp is not None
    call = Call(subject, data, static)
    size, count = call.results.size, call.inputs.size
    if not size or not count:
        return Verdict.passed()
    single = np.zeros(size)
    single[int(rng.integers(size))] = 1.0
    value = np.abs(call.results.point(outputs(call.out)))
    for u in (call.random(rng), call.random(rng), single):
        v = rng.uniform(0.5, 2.0, count) * rng.choice(np.array([-1.0, 1.0]), count)
        g = call.cotangent(u)
        pulled = call.vector(g)
        tangents = []
        arrays = call.inputs.arrays(v)
        for index, datum in enumerate(data):
            tangents.append(arrays[index].astype(np.asarray(datum).dtype) if index in arrays else None)
        v = call.inputs.point([0.0 if t is None else t for t in tangents])
        u = call.results.cotangent(outputs(g))
        pushed = _pushed(call, tuple(tangents))
        if not (np.isfinite(pulled).all() and np.isfinite(pushed).all()):
            return Verdict("waived", "the derivative is not finite here")
        left, right = float(u @ pushed), float(pulled @ v)
        size_of = float(np.abs(u) @ np.abs(pushed) + np.abs(pulled) @ np.abs(v))
        # An entry that is structurally zero is still a difference of rounded terms.
        size_of += float(
            np.abs(u) @ np.where(np.isfinite(value), value, 0.0) + np.abs(u).sum() * scale(pushed) / 16
        )
        tolerance = 4096 * call.epsilon * size_of
        if abs(left - right) > tolerance:
            tolerance += 4 * float(call.rounding(g, pulled, rng) @ np.abs(v))
        if abs(left - right) > tolerance:
            tolerance += 4 * float(call.amplified(g, pulled, rng) @ np.abs(v))
        if abs(left - right) > tolerance:
            finding = Finding(
                "adjoint",
                "fail",
                "VJP and JVP disagree: <g, J v> is not <J^T g, v>",
                input=shown(data, static),
                got=f"<J^T g, v> = {right:.17g}",
                expected=f"<g, J v> = {left:.17g}",
                error_bound=tolerance,
            )
            return Verdict.of([finding])
    still = _pushed(call, tuple(None if t is None else np.zeros_like(t) for t in tangents))
    if still.any():
        worst = float(still[np.flatnonzero(still)[0]])
        text = "the JVP at a zero tangent is not zero"
        finding = Finding(
            "adjoint", "fail", text, input=shown(data, static), got=f"{worst:.17g}", expected="0"
        )
        return Verdict.of([finding])
    return Verdict.passed()


def _pushed(call: Call, tangents: tuple[Any, ...]) -> Array:
    before = contents(call.data), contents(tangents)
    leaves = push(call.subject, tangents, call.out, call.data, call.static, call.results)
    if (contents(call.data), contents(tangents)) != before:
        raise Fault("the JVP rule writes into its tangents or arguments")
    for part in call.results.parts:
        if (got := np.asarray(leaves[part.index]).dtype) != part.dtype:
            text = f"the tangent of the output has the dtype {got}, the output {part.dtype}"
            raise Fault(text, got=str(got), expected=str(part.dtype))
    return call.results.point(leaves)


ADJOINT = Check("adjoint", _body, applies=_has_forward_mode)
