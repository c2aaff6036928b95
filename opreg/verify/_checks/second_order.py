"""The rule differentiated and checked again."""

from __future__ import annotations

from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks._call import Call
from opreg.verify._coordinates import Coordinates, outputs
from opreg.verify._differences import differences
from opreg.verify._oracle import is_unsteady, widen
from opreg.verify._rule import Fault, copies, cotangent_like, evaluate, sentence
from opreg.verify._screen import screen
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The rule, itself a function of cotangent and arguments, differentiated by the engine and checked again."""
    call = Call(subject, tuple(widen(value) for value in data), static)
    if not call.results.size or not call.inputs.size:
        return Verdict.passed()
    if call.epsilon > 1e-10:
        return Verdict("waived", "the forward narrows its result, which second differences do not resolve")
    # A rule that fails at first order is reported as that.
    call.vector(call.cotangent(call.random(rng)))
    second, arguments = subject.second(call.data, call.out)
    values = arguments(cotangent_like(call.out, call.random(rng), call.results))
    seen = screen(second, values, static, rng)
    if seen is not None:
        return seen
    point = evaluate(second, copies(values), static)
    moved = Coordinates(outputs(point))
    try:
        verdict = differences(
            second, values, static, rng, check="second-order", columns=6, kinks=False, extended=False
        )
    except Fault as fault:
        if fault.raised is None:
            raise
        if type(fault.raised).__name__ == "RuleError":
            raise Fault(f"the derivative of the rule is wrong: {sentence(fault.raised)}") from fault
        return Verdict(
            "waived", f"first order only: the rule cannot be differentiated ({sentence(fault.raised)})"
        )
    if verdict.outcome == "fail" and is_unsteady(
        subject.forward, call.data, static, call.active, call.out, rng
    ):
        return Verdict(
            "inconclusive", "the function itself jumps too close to here for a second derivative to be seen"
        )
    if verdict.outcome == "inconclusive" and not np.isfinite(moved.point(outputs(point))).all():
        return Verdict("waived", "the first derivative is not finite here")
    return verdict


SECOND_ORDER = Check("second-order", _body)
