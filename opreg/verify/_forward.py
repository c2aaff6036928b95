"""What is wrong with a forward function that nothing can be checked of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from opreg.verify._coordinates import is_inexact, outputs
from opreg.verify._rule import Fault, copies, evaluate
from opreg.verify._subject import Subject


def why_unfit(subject: Subject, data: Sequence[Any], static: dict[str, Any]) -> str | None:
    """Why a forward function cannot be differentiated at an input, in a sentence; None where it can."""
    try:
        several = [outputs(evaluate(subject, copies(data), static)) for _ in range(3)]
    except Fault as fault:
        return fault.diagnosis
    first, *others = [[np.shape(leaf) for leaf in out] for out in several]
    other = next((shapes for shapes in others if shapes != first), None)
    if other is not None:
        return f"the forward function changes its output's shape from call to call: {_one(first)}, then {_one(other)}"
    moving = [np.asarray(leaf) for leaf in several[0] if is_inexact(leaf)]
    if not moving:
        return "the output of the forward function holds no floating point number, so it has no derivative"
    known = all(np.isfinite(value).all() for value in data if is_inexact(value))
    if known and any(leaf.size for leaf in moving) and all(np.isnan(leaf).all() for leaf in moving):
        return "the forward function returns NaN in every entry, so nothing can be compared"
    return None


def _one(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
