"""The rule in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from opreg.verify._check import Check, active
from opreg.verify._checks._call import Call, scale
from opreg.verify._coordinates import is_inexact, outputs, packed
from opreg.verify._literal import shown
from opreg.verify._oracle import widen
from opreg.verify._rounding import rounding
from opreg.verify._rule import Fault, copies, evaluate, pull
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _castable(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if (reason := active(subject, data, static)) is not None:
        return reason
    if not any(is_inexact(v) and np.asarray(v).dtype.char in "dD" for v in data):
        return "no argument is a float64 or complex128 number"
    if any(is_inexact(v) and np.asarray(v).dtype.char not in "dD" for v in data):
        return "its arguments are of several precisions, as the sample has it"
    return None


def _narrowed(value: Any, real: type[np.floating[Any]]) -> Any:
    if not is_inexact(value):
        return value
    array = np.asarray(value)
    return np.array(array, dtype=np.result_type(real, np.complex64) if array.dtype.kind == "c" else real)


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The same sample in float32 and float16: the dtype is kept, and the value right to units of its last place."""
    verdict = _narrower(subject, data, static, rng, np.float32)
    if verdict.outcome != "pass" or any(np.iscomplexobj(value) for value in data):
        return verdict
    half = _narrower(subject, data, static, rng, np.float16)
    return half if half.outcome == "fail" else verdict  # many forwards have no float16


def _narrower(
    subject: Subject,
    data: tuple[Any, ...],
    static: dict[str, Any],
    rng: np.random.Generator,
    real: type[np.floating[Any]],
) -> Verdict:
    low = tuple(_narrowed(value, real) for value in data)
    word = np.dtype(real).name
    floats = [(one, other) for one, other in zip(low, data, strict=True) if is_inexact(one)]
    if not all(np.isfinite(one).all() and np.all((one != 0) | (other == 0)) for one, other in floats):
        return Verdict("waived", f"the sample is out of {word}'s range")
    try:
        out = evaluate(subject, copies(low), static)
    except Fault as fault:
        return Verdict("waived", f"the forward does not take {word} here ({fault.diagnosis})")
    sizes = [np.abs(v[v != 0]) for v in low if is_inexact(v)]
    if real is np.float16 and any(np.any((size < 2.0**-8) | (size > 2.0**6)) for size in sizes):
        return Verdict("waived", f"squares and cubes of the sample are out of {word}'s range")
    if real is np.float16 and not all(
        np.asarray(v).dtype == np.float16 for v in outputs(out) if is_inexact(v)
    ):
        return Verdict("waived", f"the forward does not compute in {word}")
    try:
        return precise(subject, low, static, rng, "precision")
    except Fault as fault:
        if isinstance(fault.raised, np.linalg.LinAlgError):
            return Verdict("waived", f"the rule refuses the sample in {word} ({fault.diagnosis})")
        raise


def _is_graded(value: Any) -> bool:
    """Whether beside the largest entry of a matrix others are no more than rounding: what solves it may lose them."""
    if not is_inexact(value) or np.ndim(value) < 2:
        return False
    size = np.abs(value)
    largest = size.max(axis=(-2, -1), keepdims=True, initial=0.0)
    return bool(np.any((size > 0) & (size < largest * np.finfo(size.dtype).eps)))


def precise(
    subject: Subject, low: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator, check: str
) -> Verdict:
    """A rule at low precision against the same rule in float64 at the same point."""
    call = Call(subject, low, static)
    if not call.results.size or not call.inputs.size:
        return Verdict.passed()
    word = np.dtype(call.inputs.parts[0].dtype).name
    if not subject.elementwise and any(_is_graded(value) for value in low):
        return Verdict("waived", f"the entries of a matrix lie further apart than {word} resolves")
    high = Call(subject, tuple(widen(value) for value in low), static)
    if high.results.size != call.results.size:
        return Verdict("waived", "the forward gives another shape in float64")
    # Of one sign: where the terms of a sum cancel nothing but their rounding is left to judge.
    g = call.cotangent(np.abs(call.random(rng)) * rng.choice((-1.0, 1.0)))
    u = call.results.cotangent(outputs(g))
    wide = high.cotangent(u)
    result = call.pull(g)
    findings = []
    for index in call.active:
        got_type, due_type = np.asarray(result[index]).dtype, np.asarray(low[index]).dtype
        if got_type != due_type:
            text = f"the cotangent of argument {index} has the dtype {got_type}, its primal {due_type}"
            findings.append(
                Finding(check, "fail", text, None, shown(low, static), index, str(got_type), str(due_type))
            )
    if findings:
        return Verdict.of(findings)
    got, due = call.inputs.cotangent(result), high.vector(wide)
    # The low-precision output is an input of the rule too.
    borrowed = tuple(
        np.asarray(a).astype(np.asarray(b).dtype)
        for a, b in zip(outputs(call.out), outputs(high.out), strict=True)
    )
    rough = pull(subject, wide, packed(borrowed, high.out), high.data, static)
    out_low, out_high = call.results.point(outputs(call.out)), high.results.point(outputs(high.out))
    limit = 1e4 if call.epsilon > 1e-4 else 1e30
    finite = np.isfinite(due) & (np.abs(due) < limit)
    accurate = np.isfinite(out_low) & (
        np.abs(out_low - out_high) <= 1e3 * call.epsilon * (np.abs(out_high) + 1e-3 * scale(out_high))
    )
    leaves = list(zip(outputs(call.out), outputs(high.out), strict=True))
    if all(np.array_equal(np.asarray(b).astype(np.asarray(a).dtype), b) for a, b in leaves):
        accurate &= out_low == out_high  # nothing was rounded: other entries were chosen, other ties broken
    if not accurate.all() or not np.all(np.abs(out_high) < limit):
        return Verdict("waived", "the forward itself is not accurate in this precision here")
    args = (subject, wide, high.out, high.data, static, high.inputs, due, rng)
    moved = rounding(*args, 2.0**-20)
    size = np.abs(due) + moved / 4
    for part in call.inputs.parts:
        piece = slice(part.start, part.stop)
        size[piece] += 0.25 * scale(due[piece])
    size += high.natural(wide) / 16
    tolerance = 64 * call.epsilon * size + 4 * np.abs(np.nan_to_num(high.inputs.cotangent(rough) - due))
    # Below the smallest normal number precision fades out.
    tolerance += 1e3 * max(float(np.finfo(part.dtype).tiny) for part in call.inputs.parts)
    off = finite & (np.abs(got - due) > tolerance)
    if off.any():
        # What a unit or two of the inputs' last place move about, as the phase of sin(1e8 x), is not known at all.
        near = 2 * call.epsilon
        off &= near * rounding(*args, near, times=4) <= np.abs(due) / 32
    if off.any() and not subject.elementwise:
        tolerance += 4 * call.epsilon * rounding(*args, 16 * call.epsilon, whole=True, zeros=False)
        for part in call.inputs.parts:
            piece = slice(part.start, part.stop)
            tolerance[piece] += 16 * call.epsilon * scale(due[piece])
        tolerance += 16 * call.epsilon * high.natural(wide)
        off &= np.abs(got - due) > tolerance
    x = call.inputs.point(low)
    large = 32.0 if call.epsilon > 1e-4 else 1e6
    if np.any((np.abs(x) > large) | ((np.abs(x) < 1 / large) & (x != 0))):
        # Squares and cubes of such inputs leave the range on the way: only a finite, wrong number counts.
        off &= np.isfinite(got) & (got != 0)
    if not subject.elementwise and np.any(np.abs(due) >= limit):
        off &= np.isfinite(got)  # what overflows for one entry is in the sums of others
    if off.any():
        return Verdict.of([call.finding(check, f"the rule is inaccurate in {word}", g, off, got, due)])
    return Verdict.passed()


PRECISION = Check("precision", _body, applies=_castable)
