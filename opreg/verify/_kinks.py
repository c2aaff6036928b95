"""What a rule may say where the function has a kink: something between what it says on the smooth sides of it.

The subgradients at a kink are the convex hull of the gradients nearby. Of that, two things are required: each entry
lies between the rule's values at neighbouring smooth points, and along every direction on which all neighbours agree
(such as all tied entries moving together) the rule agrees with them. Which subgradient is chosen is a convention, and
tested as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import outputs
from opreg.verify._oracle import Oracle
from opreg.verify._rule import Fault, copies, pull
from opreg.verify._subject import Subject

Array = NDArray[np.float64]

_REACH = 2.0**-14
_MOST = 96


@dataclass(slots=True)
class Answer:
    """What was found: a diagnosis where the rule is wrong, why nothing could be said, a smooth point to check at."""

    diagnosis: str = ""
    coordinate: int = 0
    expected: str = ""
    lost: str = ""
    neighbour: list[Any] | None = None


def inspect(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    out: Any,
    oracle: Oracle,
    g: Any,
    value: Array,
    kinked: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Answer:
    """Compare the rule's cotangent `value` at a kink along the coordinates `kinked` with its neighbours'."""
    bad = np.flatnonzero(kinked)
    step = oracle.local[bad]
    pushes = []
    count = min(_MOST, 2 * len(bad) + 12)
    for _ in range((count - min(2 * len(bad), count // 2)) // 2 + 1):
        xi = rng.uniform(1, 2, len(bad)) * rng.choice(np.array([-1.0, 1.0]), len(bad))
        pushes += [xi, -xi]
    for number in range(min(len(bad), _MOST // 4)):
        xi = rng.uniform(-0.5, 0.5, len(bad))
        for side in (-2.0, 2.0):
            xi[number] = side
            pushes.append(xi.copy())
    rows: list[Array] = []
    neighbour: list[Any] | None = None
    level = np.abs(oracle.float64.value)
    for xi in pushes:
        point = _moved(oracle, data, bad, step * xi * _REACH)
        try:
            there = subject.forward(*copies(point), **static)
            change = np.abs(oracle.results.point(outputs(there)) - oracle.float64.value)
            if np.any(change > 0.1 * level.max(initial=0.0) + 1e-3 * np.max(step)) and np.any(
                change > 1e-2 * level
            ):
                return Answer(lost="the function jumps here, so no derivative can be compared")
            rows.append(oracle.inputs.cotangent(pull(subject, g, there, copies(point), static))[bad])
        except (Fault, Exception):
            continue
        if neighbour is None:
            neighbour = _moved(oracle, data, bad, step * xi * 2.0**-9)
    if len(rows) < 8:
        return Answer(
            lost="the function has a kink here, and too few of the points around it can be evaluated"
        )
    near = np.array(rows)
    here = value[bad]
    if not np.isfinite(near).all():
        return Answer(lost="the rule is not finite near this kink", neighbour=neighbour)
    low, high = near.min(axis=0), near.max(axis=0)
    size = np.abs(near).max(axis=0)
    slack = 0.25 * (high - low) + 2.0**-10 * size.max(initial=0.0)
    outside = ~((here >= low - slack) & (here <= high + slack))
    if outside.any():
        worst = int(np.flatnonzero(outside)[0])
        return Answer(
            f"the cotangent is wrong at a kink (a tie, a zero or a bound) of {oracle.inputs.name(int(bad[worst]))}: "
            "it is not between the values at the points around it",
            int(bad[worst]),
            f"between {low[worst]:.6g} and {high[worst]:.6g}",
            neighbour=neighbour,
        )
    if len(near) >= 2 * len(bad) + 4:
        middle = near.mean(axis=0)
        centred = near - middle
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        kept = axes[lengths > 2.0**-5 * max(float(lengths[0]), 1e-300)] if lengths.size else axes[:0]
        off = here - middle
        rest = off - kept.T @ (kept @ off)
        spread = np.abs(centred - (centred @ kept.T) @ kept).max(initial=0.0)
        if np.abs(rest).max(initial=0.0) > 4 * spread + 2.0**-8 * size.max(initial=0.0):
            worst = int(np.argmax(np.abs(rest)))
            return Answer(
                "the cotangent is wrong at a tie: when the tied entries move together all points around agree on the "
                "derivative, and the rule does not",
                int(bad[worst]),
                f"about {here[worst] - rest[worst]:.6g}",
                neighbour=neighbour,
            )
    return Answer(neighbour=neighbour)


def _moved(oracle: Oracle, data: Sequence[Any], coordinates: NDArray[np.intp], step: Array) -> list[Any]:
    x = oracle.x.copy()
    x[coordinates] += step
    point = list(data)
    for index, array in oracle.inputs.arrays(x).items():
        point[index] = array
    return point
