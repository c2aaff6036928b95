"""A VJP is linear in its cotangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks._call import Array, Call, scale
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """A VJP is linear in its cotangent: signs, sums, multiples, single entries and zero."""
    call = Call(subject, data, static)
    if call.inputs.size == 0:
        return Verdict.passed()
    size = call.results.size
    one, two = call.random(rng), call.random(rng)
    first = call.vector(call.cotangent(one))
    findings: list[Finding] = []

    def expect(words: str, u: Array, due: Array, magnitude: Array) -> None:
        g = call.cotangent(u)
        got = call.vector(g)
        both = np.isfinite(got) & np.isfinite(due)
        off = both & (np.abs(got - due) > 64 * call.epsilon * (magnitude + scale(magnitude)))
        if off.any():
            # Where terms cancel the rounding is that of the terms.
            extra = call.rounding(call.cotangent(one), first, rng, whole=True)
            extra = extra + call.rounding(call.cotangent(two), second, rng, whole=True)
            off &= np.abs(got - due) > 64 * call.epsilon * (magnitude + scale(magnitude)) + 4 * extra
        if off.any():
            lost = call.unsteady(call.cotangent(one), first, rng) + call.unsteady(
                call.cotangent(two), second, rng
            )
            off &= np.abs(got - due) > lost
        if off.any():
            slip = (np.abs(got - due) / np.maximum(magnitude + scale(magnitude), 1e-300))[both]
            if call.epsilon < 1e-10 and 3e-9 < slip.max() < 1e-6:
                words = (
                    "the rule is linear to float32 only: something inside it is computed in single precision"
                )
            else:
                known = nonlinearity(lambda v: call.vector(call.cotangent(v)), one)
                words += f"; {known}" if known else ""
            findings.append(call.finding("linearity", words, g, off, got, due))

    second = call.vector(call.cotangent(two))
    expect("the rule is not linear: vjp(-g) is not -vjp(g)", -one, -first, np.abs(first))
    # Powers of two, so that the combination is exact in any precision.
    a, b = 0.5, -2.0
    expect(
        "the rule is not linear: vjp(a g1 + b g2) is not a vjp(g1) + b vjp(g2)",
        a * one + b * two,
        a * first + b * second,
        np.abs(a * first) + np.abs(b * second),
    )
    if size > 1:
        split = np.zeros(size)
        split[int(rng.integers(size))] = 1.0
        single, rest = call.vector(call.cotangent(one * split)), one * (1 - split)
        expect(
            "the rule is not linear: the parts of a cotangent do not add up",
            rest,
            first - single,
            np.abs(first) + np.abs(single),
        )
    zero = call.vector(call.cotangent(np.zeros(size)))
    off = np.isfinite(first) & (np.nan_to_num(zero, nan=1.0) != 0)
    if off.any():
        g = call.cotangent(np.zeros(size))
        findings.append(
            call.finding(
                "linearity", "the rule is not linear: vjp(0) is not 0", g, off, zero, np.zeros_like(zero)
            )
        )
    return Verdict.of(findings)


def nonlinearity(pull: Callable[[Array], Array], u: Array) -> str:
    """How a rule depends on its cotangent that is not linear in it, or an empty string."""

    def same(a: Array, b: Array) -> bool:
        return bool(np.all(np.abs(a - b) <= 1e-12 * (np.abs(a) + np.abs(b))))

    with np.errstate(all="ignore"):
        here, back, twice, none = pull(u), pull(-u), pull(2 * u), pull(np.zeros_like(u))
        if not (np.isfinite(here).all() and np.isfinite(back).all()):
            return ""
        if same(none, here) and same(back, here):
            return "it does not use the cotangent"
        if same(twice, here):
            return "it uses the cotangent's sign alone"
        if same(back, here) and same(twice, 2 * here):
            return "it takes the absolute value of the cotangent"
        if same(twice, 4 * here):
            return "it squares the cotangent"
        if not np.any(pull(-np.abs(u))):
            return "it drops the cotangent's negative entries"
        if np.any(none) and same(twice - here, here - none):
            return "it adds something that does not depend on the cotangent"
    return ""


LINEARITY = Check("linearity", _body)
