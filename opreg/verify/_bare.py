"""Every check on a bare pair of functions, at one input and at the variants derived from it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from opreg.verify._bounds import TookTooLong, limit
from opreg.verify._checks import CHECKS
from opreg.verify._checks.structure import STRUCTURE
from opreg.verify._checks.variants import VARIANTS, decide
from opreg.verify._coordinates import is_inexact, outputs, packed
from opreg.verify._explain import explained, first_of_each
from opreg.verify._literal import shown
from opreg.verify._messages import sentence
from opreg.verify._rule import copies
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._variants import variants
from opreg.verify._verdict import Finding, Verdict

_DECLARED = "the rule returns None for it"


def check_functions(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    data: tuple[Any, ...],
    static: dict[str, Any],
    *,
    jvp: Callable[..., Any] | None = None,
    seed: int = 0,
    shrink: bool = True,
    time_limit: float = 120.0,
) -> Verdict:
    """Run all checks that apply, and merge their verdicts: the worst wins. A failure is explained, with `shrink`."""
    try:
        with limit(time_limit):
            return _checked(forward, vjp, data, static, jvp, seed, shrink)
    except MemoryError as error:
        text = f"there is not enough memory for it ({sentence(error)})"
        return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])
    except TookTooLong as error:
        text = f"{error}: does the forward function or the rule come to an end?"
        return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])


def _checked(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    data: tuple[Any, ...],
    static: dict[str, Any],
    jvp: Callable[..., Any] | None,
    seed: int,
    shrink: bool,
) -> Verdict:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        subject = Subject.from_functions(forward, vjp, jvp, reasons=_reasons(forward, vjp, data, static))
        verdicts = []
        for name, check in CHECKS.items():
            if check is not VARIANTS and check.applies(subject, data, static) is None:
                verdict = check.run(subject, tuple(copies(data)), static, stream(seed, subject.name, name))
                if name == "precision" and _is_about_dtype(verdict):
                    # A pair of functions that was given float64 alone makes no promise about other dtypes. One
                    # that is given float32 is held to it by the structure check, a registered rule always.
                    verdict = Verdict("waived", f"not a rule for float32: {verdict.findings[0].diagnosis}")
                verdicts.append(verdict)
                if check is STRUCTURE and verdict.outcome == "error":
                    break  # nothing can be said of a rule whose forward function is of no use
        if not verdicts:
            why = "no argument is a floating point number with a cotangent, so nothing was checked"
            return Verdict("inconclusive", why)
        merged = _merge(verdicts)
        if merged.outcome != "pass":
            return _explained(merged, subject, data, static, seed) if shrink else merged
        rng = stream(seed, subject.name, "variants")
        for variant in variants(subject, data, static, rng):
            verdict = decide(subject, variant, rng)
            if verdict.outcome == "fail":
                where = variant.data, variant.static
                return _explained(verdict, subject, *where, seed) if shrink else verdict
        return merged


def _explained(
    verdict: Verdict, subject: Subject, data: Sequence[Any], static: Mapping[str, Any], seed: int
) -> Verdict:
    """The verdict with the first failure of each check and argument explained."""
    findings = list(verdict.findings)
    for place in first_of_each(verdict):
        check = CHECKS.get(findings[place].check)
        if check is not None:
            names = seed, subject.name, check.name
            findings[place] = explained(subject, check, copies(data), static, findings[place], names)
    return verdict.replace(findings=tuple(findings))


def _is_about_dtype(verdict: Verdict) -> bool:
    return verdict.outcome == "fail" and all("has the dtype" in f.diagnosis for f in verdict.findings)


def _merge(verdicts: list[Verdict]) -> Verdict:
    """The worst outcome; a fault that several checks met is reported once."""
    seen: dict[str, Finding] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            seen.setdefault(finding.diagnosis, finding)
    merged = Verdict.merge(verdicts)
    return merged.replace(findings=tuple(seen.values()))


def _reasons(
    forward: Callable[..., Any], vjp: Callable[..., Any], data: tuple[Any, ...], static: dict[str, Any]
) -> tuple[str | None, ...]:
    """Which arguments the rule itself declares not differentiable, by returning None for them."""
    none: tuple[str | None, ...] = (None,) * len(data)
    try:
        out = forward(*copies(data), **static)
        g = packed([np.ones_like(v) for v in outputs(out)], out)
        result = vjp(g, out, *copies(data), **static)
    except (Exception, SystemExit):
        return none
    if not isinstance(result, (tuple, list)) or len(result) != len(data):
        return none
    return tuple(
        _DECLARED if r is None and is_inexact(v) else None for r, v in zip(result, data, strict=True)
    )
