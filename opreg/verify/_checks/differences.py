"""The rule against finite differences of the forward function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks.precision import precise
from opreg.verify._coordinates import is_inexact
from opreg.verify._differences import differences
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict


def _low(data: Sequence[Any]) -> bool:
    return any(is_inexact(value) and np.asarray(value).dtype.char in "efF" for value in data)


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The VJP (and a declared JVP) against finite differences of the forward function, entry by entry."""
    verdict = differences(subject, data, static, rng)
    if verdict.outcome in ("pass", "inconclusive", "waived") and _low(data):
        return Verdict.merge([verdict, precise(subject, data, static, rng, "differences")])
    return verdict


DIFFERENCES = Check("differences", _body)
