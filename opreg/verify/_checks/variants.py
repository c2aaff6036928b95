"""The rule at inputs derived from a sample: an author's ordinary samples also test the edges."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks.differences import DIFFERENCES
from opreg.verify._checks.linearity import LINEARITY
from opreg.verify._checks.structure import STRUCTURE
from opreg.verify._coordinates import Coordinates, outputs
from opreg.verify._oracle import widen
from opreg.verify._rule import Fault, copies, cotangent_like, evaluate, pull
from opreg.verify._screen import screen
from opreg.verify._subject import Subject
from opreg.verify._variants import Variant, variants
from opreg.verify._verdict import Verdict

EACH = 2
"""How many variants of a sample are looked at: over the samples of a primitive, all kinds of them occur."""


def decide(subject: Subject, variant: Variant, rng: np.random.Generator) -> Verdict:
    """Decide the rule at a variant: at first sight, or by the first-order checks in full."""
    verdict = screen(subject, copies(variant.data), variant.static, rng)
    if verdict is not None:
        return verdict
    verdicts = []
    for check in (STRUCTURE, LINEARITY, DIFFERENCES):
        if check.applies(subject, variant.data, variant.static) is None:
            verdicts.append(check.run(subject, tuple(copies(variant.data)), variant.static, rng))
            if verdicts[-1].outcome in ("fail", "error"):
                break
    verdict = Verdict.merge(verdicts)
    if verdict.outcome == "fail" and (refusal := _refusal(subject, variant)):
        return Verdict("waived", refusal)
    findings = tuple(
        finding.replace(diagnosis=f"{finding.diagnosis} (at the sample {variant.words})")
        for finding in verdict.findings
    )
    reason = findings[0].diagnosis if findings else verdict.reason
    return verdict.replace(reason=reason, findings=findings)


def _refusal(subject: Subject, variant: Variant) -> str:
    """Why the rule refuses the variant, if it does so as linear algebra refuses a singular matrix, else nothing.

    An author's samples are not refused; but what is derived from them may have no derivative, and to say so is right.
    """
    for data in (
        variant.data,
        tuple(widen(value) for value in variant.data),
    ):  # either may be singular to rounding
        out = evaluate(subject, copies(data), variant.static)
        results = Coordinates(outputs(out))
        g = cotangent_like(out, np.ones(results.size), results, native=True)
        try:
            pull(subject, g, out, copies(data), variant.static)
        except Fault as fault:
            if isinstance(fault.raised, np.linalg.LinAlgError):
                return fault.diagnosis
    return ""


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The rule at inputs derived from the sample: scaled, negated, with zeros and ties, cut, complex, other axes."""
    evaluate(subject, copies(data), static)  # where the sample itself is refused, say so
    looked = kinks = 0
    digits: list[float] = []
    for variant in islice(variants(subject, data, static, rng, shuffled=True), EACH):
        verdict = decide(subject, variant, rng)
        if verdict.outcome in ("fail", "error"):
            return verdict
        looked, kinks = looked + 1, kinks + verdict.kinks
        if verdict.outcome == "pass":
            digits.append(16.0 if verdict.digits is None else verdict.digits)
    if digits:
        return Verdict("pass", digits=min(digits), kinks=kinks)
    text = "at the variants nothing was resolved" if looked else "the forward takes no variant"
    return Verdict("waived", text, kinks=kinks)


VARIANTS = Check("variants", _body)
