"""What a rule may say where the function has a kink: something between what it says on the smooth sides of it.

The subgradients at a kink are the convex hull of the gradients nearby. Of that, two things are required: each entry
lies between the rule's values at neighbouring smooth points, and along every direction on which all neighbours agree
(such as all tied entries moving together) the rule agrees with them. Which subgradient is chosen is a convention, and
tested as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import outputs
from opreg.verify._oracle import Oracle

Array = NDArray[np.float64]

# How far away to look for the smooth sides: close to the kink there may be another.
_REACHES = (2.0**-14, 2.0**-24, 2.0**-34, 2.0**-44, 2.0**-60, 2.0**-80)
# And where to verify the rule at smooth points.
_FAR = (2.0**-9, 2.0**-5, 2.0**-13, 2.0**-3)
_MOST = 96


@dataclass(slots=True)
class Answer:
    """What was found: a diagnosis where the rule is wrong, why nothing could be said, smooth points to check at."""

    diagnosis: str = ""
    coordinate: int = 0
    expected: str = ""
    lost: str = ""
    neighbours: tuple[list[Any], ...] = ()
    # How far from the hull an entry lies at most; and how great what lies around the entry that was named is.
    distance: float = 0.0
    around: float = 0.0


@dataclass(frozen=True, slots=True)
class Nearby:
    """A rule's result as a function of the point: `at(data)` gives the output there and the result's coordinates."""

    at: Callable[[list[Any]], tuple[Any, Array]]
    here: Array
    forward: bool = False


def inspect(
    rule: Nearby,
    data: Sequence[Any],
    oracle: Oracle,
    due: NDArray[np.bool_],
    moving: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Answer:
    """Compare the entries `due` of a rule's result at a kink with its results where the coordinates `moving` moved.

    By parts of themselves, then, unless each output has inputs of its own, all coordinates by parts of those around
    them: beside equal diagonal entries of a matrix small ones decide, which must not stay so beside others that move.
    """
    ways = [(moving, oracle.size)]
    if oracle.kind != "elementwise":
        ways.append((np.ones_like(moving), oracle.local))
    for which, size in ways:
        distances: list[float] = []
        heights: list[float] = []
        for reach in _REACHES:
            answer = _within(rule, data, oracle, due, which, rng, size, reach)
            if not answer.diagnosis:
                return answer
            distances.append(answer.distance)
            heights.append(answer.around)
        if not np.isfinite(distances).any() and _climbs(heights):
            lost = "nearby the derivative grows without levelling off, and here the rule says no number"
            return Answer(lost=lost, neighbours=answer.neighbours)
        if _fades(distances):
            lost = "what the rule says nearby comes closer to what it says here, the closer it is to here"
            return Answer(lost=lost, neighbours=answer.neighbours)
    return answer


def _fades(distances: Sequence[float]) -> bool:
    """Whether what lies outside of the hull from far away may lie in it in the limit.

    Near 0 the derivative of x**1.1 is x**0.1, which is 0.004 still at 2**-80. Distances that tell of a wrong rule stay.
    """
    first, last = max(distances), distances[-1]
    falling = all(later < earlier for earlier, later in pairwise(distances))
    return bool(np.isfinite(first)) and (0 < last <= first / 2 or (0 < last < 0.9 * first and falling))


def _climbs(heights: Sequence[float]) -> bool:
    """Whether what the rule says grows the closer it comes to the kink, and does not level off.

    The derivative of x**0.995 at 2**-80 is 1.3, and infinite at 0. A step of a limit that is reached is shorter than
    the one before, as are the steps from reach to reach: by a factor of a thousand.
    """
    steps = [later - earlier for earlier, later in pairwise(heights)]
    return bool(steps) and min(steps) > 0 and steps[-1] > steps[0] / 2


def _within(
    rule: Nearby,
    data: Sequence[Any],
    oracle: Oracle,
    due: NDArray[np.bool_],
    moving: NDArray[np.bool_],
    rng: np.random.Generator,
    size: Array,
    reach: float,
) -> Answer:
    bad, moved = np.flatnonzero(due), np.flatnonzero(moving)
    # What is tied moves by as much, whatever stands beside it, and far enough for all to come to lie apart.
    size, least = size[moved], float(oracle.local.min(initial=1.0))
    step = np.where(size > 0, size * max(reach, 2.0**-36), least * reach)
    pushes = []
    count = min(_MOST, 2 * len(moved) + 12)
    for _ in range((count - min(2 * len(moved), count // 2)) // 2 + 1):
        xi = rng.uniform(1, 2, len(moved)) * rng.choice(np.array([-1.0, 1.0]), len(moved))
        pushes += [xi, -xi]
    for number in range(min(len(moved), _MOST // 4)):
        xi = rng.uniform(-0.5, 0.5, len(moved))
        for side in (-2.0, 2.0):
            xi[number] = side
            pushes.append(xi.copy())
    rows: list[Array] = []
    neighbours: tuple[list[Any], ...] = ()
    level = np.abs(oracle.float64.value)
    tangent = np.zeros(oracle.inputs.size)
    for xi in pushes:
        tangent[moved] = step * xi
        there, here = oracle.x[moved] + tangent[moved], oracle.x[moved]
        if np.any(there == here) or len(np.unique(there)) < len(there):
            continue  # one that stays, or meets another: a tie, too
        point = _moved(oracle, data, tangent)
        try:
            result, value = rule.at(point)
        except Exception:
            continue
        values = oracle.results.point(outputs(result))
        change = np.abs(values - oracle.float64.value)
        if np.any(
            (change > 0.1 * np.maximum(level, np.abs(values))) & (change > 8 * oracle.push(tangent)[2])
        ):
            return Answer(lost="the function jumps here, so no derivative can be compared")
        rows.append(value[bad])
        if not neighbours:
            far = np.zeros(oracle.inputs.size)
            far[moved] = oracle.local[moved] * xi
            neighbours = tuple(_moved(oracle, data, far * distance) for distance in _FAR)
    if len(rows) < 8:
        return Answer(
            lost="the function has a kink here, and too few of the points around it can be evaluated"
        )
    near = np.array(rows)
    here = rule.here[bad]
    if not np.isfinite(near).all():
        return Answer(lost="the rule is not finite near this kink", neighbours=neighbours)
    low, high = near.min(axis=0), near.max(axis=0)
    size = np.abs(near).max(axis=0)
    slack = 0.25 * (high - low) + 2.0**-10 * size.max(initial=0.0)
    outside = ~((here >= low - slack) & (here <= high + slack))
    if outside.any():
        worst = int(np.flatnonzero(outside)[0])
        return Answer(
            "the {what} is wrong at a kink (a tie, a zero or a bound) of {where}: "
            "it is not between the values at the points around it",
            int(bad[worst]),
            f"between {low[worst]:.6g} and {high[worst]:.6g}",
            neighbours=neighbours,
            distance=float(np.maximum(low - here, here - high).max()),
            around=float(np.abs(near[:, worst]).max()),
        )
    # The outputs of an elementwise function are functions of their own: each may choose for itself.
    apart = rule.forward and oracle.kind == "elementwise"
    if len(near) >= 2 * len(bad) + 4 and not apart:
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
                "the {what} is wrong at a tie: when the tied entries move together all points around agree on the "
                "derivative, and the rule does not",
                int(bad[worst]),
                f"about {here[worst] - rest[worst]:.6g}",
                neighbours=neighbours,
            )
    return Answer(neighbours=neighbours)


def _moved(oracle: Oracle, data: Sequence[Any], tangent: Array) -> list[Any]:
    point = list(data)
    for index, array in oracle.inputs.arrays(oracle.x + tangent).items():
        point[index] = array
    return point
