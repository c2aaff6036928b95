"""What is declared to have no derivative is constant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._check import Check
from opreg.verify._coordinates import is_inexact, outputs
from opreg.verify._literal import shown
from opreg.verify._rule import copies, evaluate
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _declared(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if subject.active(data):
        return "an argument has a derivative, which the other checks compare"
    if not any(is_inexact(value) for value in data):
        return "no argument is a floating point number"
    return None


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """What is declared to have no derivative is constant near the sample, between jumps."""
    moving = [index for index, value in enumerate(data) if is_inexact(value)]
    steps = {index: _small_step(np.asarray(data[index]), rng) for index in moving}

    def at(scale: float) -> list[NDArray[Any]]:
        moved = copies(data)
        for index, step in steps.items():
            moved[index] = np.asarray(data[index]) + np.asarray(step * scale, np.asarray(data[index]).dtype)
        return [np.asarray(value) for value in outputs(evaluate(subject, moved, static))]

    here, again, near, half = at(0.0), at(0.0), at(1.0), at(0.5)
    same = (
        np.shape(a) == np.shape(b) for other in (again, near, half) for a, b in zip(here, other, strict=True)
    )
    if not all(same):
        return Verdict("waived", "the shape of the output jumps here")
    findings = []
    changed = total = 0
    for base, repeated, far, middle in zip(here, again, near, half, strict=True):
        if base.dtype.kind not in "fc":
            continue  # indices, counts and truth values can only jump
        if not np.array_equal(base, repeated, equal_nan=True):
            return Verdict(
                "waived", "the output is not the same when it is computed again, so nothing follows"
            )
        whole, part = far - base, middle - base
        moves = np.isfinite(whole) & (whole != 0)
        total += base.size
        changed += int(moves.sum())
        slopes = moves & (np.abs(part - whole / 2) <= 0.05 * np.abs(whole))
        if slopes.any():
            place = tuple(int(i) for i in np.argwhere(slopes)[0])
            text = "it is declared to have no derivative, but its output changes in proportion to its input"
            got = f"a change of {whole[place]} at {list(place)}, and of {part[place]} for half the step"
            findings.append(
                Finding("constancy", "fail", text, None, shown(data, static), None, got, "no change")
            )
    if findings:
        return Verdict.of(findings)
    if 2 * changed > total:
        return Verdict("waived", "the output jumps at most entries here")
    return Verdict.passed()


def _small_step(value: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A random step, small beside each entry and large beside its rounding."""
    size = np.abs(value) + (np.abs(value) == 0)
    relative = float(np.sqrt(np.finfo(value.dtype).eps)) * 2.0**-2
    return np.asarray(
        rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.0, value.shape) * size * relative
    )


CONSTANCY = Check("constancy", _body, applies=_declared)
