"""One result of a rule beside the reference: what is wrong, and what a closer look makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Part
from opreg.verify._oracle import TINY, Oracle
from opreg.verify._stencil import UNKNOWN, Estimate

Array = NDArray[np.float64]


@dataclass(slots=True)
class Comparison:
    """One result of the rule against the reference: a VJP per coordinate (or direction), a JVP per output entry.

    `u` is the cotangent, or the tangent of a JVP, in coordinates; `given` the same as the rule got it.
    """

    u: Array
    given: Any
    full: Array
    got: Array
    size: Array
    roundoff: Array
    epsilon: float
    forward: bool = False
    expected: Array = field(default_factory=lambda: np.zeros(0))
    bound: Array = field(default_factory=lambda: np.zeros(0))
    scale: Array = field(default_factory=lambda: np.zeros(0))
    kink: Array = field(default_factory=lambda: np.zeros(0))
    # What looking closer told: the reference stands, or the rule does (and to which part of the scale).
    upheld: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    cleared: Array = field(default_factory=lambda: np.zeros(0))
    # The tightest tolerance of a look that meets the rule, and the part of the scale that it is.
    met: Array = field(default_factory=lambda: np.zeros(0))
    met_part: Array = field(default_factory=lambda: np.zeros(0))
    # Where the closest look that tells saw a kink of the size of what is wrong: the first one was too far away for it.
    bent: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    # For how many looks the bound has grown by more than rounding explains, and what it was last.
    growing: NDArray[np.int_] = field(default_factory=lambda: np.zeros(0, int))
    last: Array | None = None
    # What follows from the above: see `judge`.
    finite: NDArray[np.bool_] = field(init=False)
    least: Array = field(init=False)
    tolerance: Array = field(init=False)
    wrong: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.finite = np.isfinite(self.got)
        size = self.size if self.finite.all() else np.where(np.isfinite(self.size), self.size, 0.0)
        self.least = self._units * size + TINY
        self.upheld, self.bent = np.zeros((2, len(self.got)), bool)
        self.cleared, self.met, self.met_part = np.full((3, len(self.got)), np.inf)
        self.growing = np.zeros(len(self.got), int)

    def view(self, oracle: Oracle, e: Estimate | None = None) -> tuple[Array, Array, Array, Array]:
        """What an estimate says of this result: value, bound, scale, kink."""
        value, bound, scale, kink = oracle.push(self.u, e) if self.forward else oracle.pull(self.u, e)
        return value, bound, self.of_numbers(oracle, scale), kink

    def of_numbers(self, oracle: Oracle, values: Array) -> Array:
        """The values of both parts of a complex number, joined; of directions as they are."""
        if self.forward:
            return joined(values, oracle.results.parts)
        return joined(values, oracle.inputs.parts) if oracle.directions is None else values

    def refresh(self, oracle: Oracle) -> None:
        self.expected, self.bound, self.scale, self.kink = self.view(oracle)
        self.judge()

    @property
    def _units(self) -> float:
        return (64 if self.forward else 16) * self.epsilon

    def rounding(self, scale: Array) -> Array:
        """What the rule's own rounding may amount to, beside values of a scale."""
        return self._units * scale + self.least + self.roundoff

    def judge(self) -> None:
        """Where the rule is not within the tolerance; a value that is not finite where the reference knows it."""
        self.tolerance = self.bound + self.rounding(self.scale)
        self.wrong = np.abs(self.got - self.expected) > self.tolerance
        if not self.finite.all():
            self.wrong = np.where(self.finite, self.wrong, self.bound < UNKNOWN / 1e50)

    def allow(self, roundoff: Array) -> None:
        """Allow for more rounding of the rule."""
        self.roundoff = self.roundoff + roundoff
        self.judge()

    @property
    def relative(self) -> Array:
        """The tolerance as a part of the entry's scale; 0 where the function does not move at all."""
        still = (self.scale == 0) & (self.bound < UNKNOWN / 1e50)
        tolerance = np.where(still, 0.0, self.tolerance - self.roundoff)
        # What a rule loses to rounding is seen beside its largest entry: a saturated tanh is right to nothing.
        lost = self.roundoff / max(float(self.scale.max(initial=0.0)), 1e-300)
        relative: Array = tolerance / np.where(still, 1.0, np.maximum(self.scale, 1e-300)) + lost
        return relative

    def begin_looking(self) -> None:
        """Forget how the bound went from look to look: the next one starts from afar."""
        self.growing, self.last = np.zeros(len(self.got), int), None

    def look(self, oracle: Oracle, e: Estimate, neglected: Callable[[], Array]) -> NDArray[np.bool_]:
        """Take note of what a closer estimate says; return where a still closer one may say more.

        `neglected` gives how much of each output the function may lose beside the largest entries of its matrices.
        """
        value, bound, scale, kink = self.view(oracle, e)
        rounded = self.view(oracle, replace(e, error=e.grain))[1]
        gap = np.abs(self.got - self.expected)
        off = np.abs(self.got - value)
        tolerance = bound + self.rounding(np.maximum(scale, self.scale))
        says = tolerance < gap / 4
        self.bent = (self.bent & ~says) | (kink > gap / 4)
        meets = (off <= tolerance) & (tolerance < self.met)
        self.met = np.where(meets, tolerance, self.met)
        part = tolerance / np.maximum(np.maximum(scale, np.abs(value)), 1e-300)
        self.met_part = np.where(meets, part, self.met_part)
        # An effect that is gone from closer by may be neglected beside others: that may clear a rule, no more.
        kept = oracle.estimate
        gone = (e.scale == 0) & (kept.scale > 0)
        if gone.any():
            error = np.where(gone, np.abs(kept.value) + kept.error, e.error)
            bound = self.view(oracle, replace(e, error=error))[1]
            tolerance = bound + self.rounding(np.maximum(scale, self.scale))
            says = tolerance < gap / 4
        against = says & (off > 2 * tolerance)
        steady = (self.growing < 3) | (bound <= 64 * rounded)
        self.upheld |= against & steady & (np.abs(value - self.expected) < gap / 2)
        # What a closer look contradicts was no derivative. If it speaks against the rule too, it takes its place, to be
        # upheld in turn. A look that cannot say so for sure, and yet meets the rule, leaves nothing to uphold.
        contradicted = np.abs(value - self.expected) > 2 * (tolerance + self.bound)
        other = against & contradicted & self.wrong  # where nothing was wrong nobody looks closer still
        if other.any():
            # From very close by the slope may be that of a step of a staircase, which shows no noise.
            lost = over(neglected(), e.step)
            lost = self.view(oracle, replace(e, error=lost))[1]
            other &= lost < np.abs(value - self.expected) / 4
        self.upheld &= ~(contradicted | (~says & (off <= gap / 64)))
        # Less and less agreement from closer and closer: there is no slope, only an average of steps.
        last = self.bound if self.last is None else self.last
        grown = (bound > 2 * last) & (bound > 64 * rounded)
        # Having grown three times in a row it must come down to rounding to count again.
        self.growing = np.where(grown | (self.growing >= 3), self.growing + 1, 0)
        self.growing[bound <= 64 * rounded] = 0
        self.last = bound
        self.upheld &= self.growing < 3
        self.expected = np.where(other, value, self.expected)
        self.bound = np.where(other, bound, self.bound)
        self.scale = np.where(other, scale, self.scale)
        self.judge()
        # Of a reference that has taken the first one's place an earlier look may have said enough.
        gap = np.abs(self.got - self.expected)
        self.cleared = np.where(self.met < gap / 4, np.minimum(self.cleared, self.met_part), self.cleared)
        drowned = rounded > gap / 4
        return self.wrong & np.isinf(self.cleared) & ~drowned & self.finite


def joined(values: Array, parts: Sequence[Part]) -> Array:
    """Values per coordinate, the real and imaginary part of one number alike: rounding does not tell them apart."""
    if not any(part.complex for part in parts):
        return values
    values = values.copy()
    for part in parts:
        if part.complex:
            both = values[part.start : part.stop].reshape(2, part.size)
            both[:] = np.hypot(both[0], both[1])
    return values


def over(change: Array, step: Array) -> Array:
    """The slope that a change of each output makes over steps; none over those that were not made."""
    return np.asarray(change / np.where(step > 0, step, np.inf))


def largest(values: Array, parts: Sequence[Part]) -> Array:
    """The largest finite magnitude in each array, for all its entries."""
    largest = np.zeros(len(values))
    for part in parts:
        piece = np.abs(values[part.start : part.stop])
        largest[part.start : part.stop] = piece[np.isfinite(piece)].max(initial=0.0)
    return largest
