"""A finding explained: the input made small, and lines that show the failure there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks import CHECKS
from opreg.verify._checks.variants import EACH, VARIANTS, decide
from opreg.verify._literal import shown
from opreg.verify._reproduce import reproducer
from opreg.verify._rule import copies
from opreg.verify._seeds import stream
from opreg.verify._shrink import WITHOUT, Input, installed, shrink
from opreg.verify._subject import Subject
from opreg.verify._variants import variants
from opreg.verify._verdict import Finding, Small, Verdict


def explained(
    subject: Subject,
    check: Check,
    data: Sequence[Any],
    static: Mapping[str, Any],
    finding: Finding,
    names: tuple[str | int, ...],
) -> Finding:
    """A finding of a check at some input, with its small input and its reproducer.

    `names` select the random stream with which the check decided: a seed, then names. Arguments are not changed.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        start = Input(tuple(data), dict(static))
        if check is VARIANTS:
            found = _variant(subject, start, names)
            if found is None or finding.check not in CHECKS:
                return finding
            check, start = CHECKS[finding.check], found

        def fails(given: Input) -> Sequence[Finding]:
            verdict = check.run(subject, tuple(copies(given.data)), dict(given.static), _stream(names))
            return verdict.findings

        note = "" if installed() else WITHOUT
        small = shrink(start, finding, fails) if not note else None
        if small is None:
            made = reproducer(subject, start.data, start.static, finding)
            unmade = Small(note=note) if note else None
            return finding.replace(reproducer=made.code if made else None, shrunk=unmade)
        given, there = small
        made = reproducer(subject, given.data, given.static, there)
        got, expected = (made.got, made.expected) if made else (_text(there.got), _text(there.expected))
        return finding.replace(
            reproducer=made.code if made else None,
            shrunk=Small(shown(given.data, given.static), got, expected),
        )


def first_of_each(verdict: Verdict) -> list[int]:
    """The places of the findings that are explained: failures, the first for each check and argument."""
    places: dict[tuple[str, int | None], int] = {}
    for place, finding in enumerate(verdict.findings):
        if finding.verdict == "fail":
            places.setdefault((finding.check, finding.argument), place)
    return list(places.values())


def _variant(subject: Subject, start: Input, names: tuple[str | int, ...]) -> Input | None:
    """The variant of the sample at which the rule failed, found again with the stream of the case."""
    rng = _stream(names)
    looked = variants(subject, copies(start.data), dict(start.static), rng, shuffled=True)
    for variant in islice(looked, EACH):
        if decide(subject, variant, rng).outcome == "fail":
            return Input(tuple(variant.data), dict(variant.static))
    return None


def _stream(names: tuple[str | int, ...]) -> np.random.Generator:
    return stream(int(names[0]), *names[1:])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
