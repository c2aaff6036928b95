"""Twelve values of a function around a point, turned into a derivative and a bound of its error.

The nodes are x +- 2^k h, k = 0..5. Richardson's extrapolation over four of them cancels the error terms of order 2, 4
and 6, so three overlapping estimates of order 8 come from one set of values, at spacings h, 2h and 4h. Where the
function is smooth and the spacing small enough they agree; how far they disagree bounds the truncation error. The even
part of the values tells what central differences cannot see: a kink at x, or a spacing far beyond the function's scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS = 6
NODES = np.concatenate([2.0 ** np.arange(LEVELS), -(2.0 ** np.arange(LEVELS))])

# An error bound for "not known at all"; finite, so that it can be multiplied by zero.
UNKNOWN = 1e250


def _cancel(ratio: float, orders: range, terms: int) -> Array:
    """Weights of sum 1 over values at 1, 2, 4, ... that cancel error terms of ratio**(k * order)."""
    powers = np.array([[ratio ** (k * order) for k in range(terms)] for order in (0, *orders)])
    return np.linalg.solve(powers, np.eye(terms)[:, 0])


def _rows() -> Array:
    central = _cancel(4.0, range(1, 4), 4)
    even = _cancel(2.0, range(1, 4), 4)
    rows = np.zeros((7, 2 * LEVELS))
    for shift in range(3):
        for k, weight in enumerate(central):
            level = k + shift
            rows[shift, level] = weight / 2.0 ** (level + 1)
            rows[shift, LEVELS + level] = -rows[shift, level]
            if shift < 2:
                rows[3 + shift, [level, LEVELS + level]] = weight / 4.0**level
                rows[5 + shift, [level, LEVELS + level]] = even[k] / 2.0**level
    return rows


# Rows: the derivative at three spacings, the second derivative times h at two, the jump of the derivative at two.
_ROWS = _rows()
_NOISE = float(np.abs(_ROWS[0]).sum())
_JUMP_NOISE = float(np.abs(_ROWS[5]).sum())
_SIDE = np.stack(
    [
        np.concatenate([_cancel(2.0, range(1, 5), 5) / NODES[:5], [0.0]]),
        np.concatenate([[0.0], _cancel(2.0, range(1, 5), 5) / NODES[1:6]]),
    ]
)
_SIDE_NOISE = float(np.abs(_SIDE[0]).sum())


@dataclass(slots=True)
class Estimate:
    """Derivatives with the bound of their error, their scale, the size of a kink (0 where smooth), and the spacing.

    `grain` is the part of the bound that the noise of the function makes: it alone grows as the spacing shrinks.
    """

    value: Array
    error: Array
    scale: Array
    kink: Array
    step: Array
    grain: Array

    @classmethod
    def unknown(cls, groups: int, outputs: int) -> Estimate:
        """Nothing is known of any entry."""
        zero = np.zeros((groups, outputs))
        return cls(zero, np.full_like(zero, UNKNOWN), zero.copy(), zero.copy(), zero.copy(), zero.copy())

    def put(self, rows: NDArray[np.intp], other: Estimate) -> None:
        """Take over another estimate for some groups."""
        for name in ("value", "error", "scale", "kink", "step", "grain"):
            getattr(self, name)[rows] = getattr(other, name)

    def improve(self, other: Estimate, rows: NDArray[np.intp]) -> None:
        """Keep, entry by entry, the better of two estimates; widen the bound where they contradict each other."""
        value, error, scale = self.value[rows], self.error[rows], self.scale[rows]
        gap = np.abs(value - other.value) - (error + other.error)
        known, found = _settles(error, scale), _settles(other.error, other.scale)
        # A bound that leaves its own estimate open is worth less than one that does not, however small.
        better = np.where(known == found, other.error < error, found)
        # What is a kink at some spacing does not become smooth by looking from farther away.
        farther = other.step > self.step[rows]
        better &= ~((self.kink[rows] > 0) & farther)
        # Nor does what is not finite from close by become so: from farther away one sees between the infinities.
        better &= ~((error >= UNKNOWN) & (self.step[rows] > 0) & farther)
        better |= (other.error >= UNKNOWN) & (other.step < self.step[rows])
        contradiction = np.where((known == found) & (gap > 0), 2 * gap, 0.0)
        self.error[rows] = np.where(better, other.error, error) + contradiction
        self.value[rows] = np.where(better, other.value, value)
        self.scale[rows] = np.where(better, other.scale, scale)
        self.step[rows] = np.where(better, other.step, self.step[rows])
        self.grain[rows] = np.where(better, other.grain, self.grain[rows])
        # A kink at the point itself shows at every spacing, one nearby only at the wide ones.
        self.kink[rows] = np.where(better, other.kink, self.kink[rows])


def _settles(error: Array, scale: Array) -> NDArray[np.bool_]:
    """Whether a bound says something: it is well below the scale, or the function does not move at all."""
    settled: NDArray[np.bool_] = (error < 1e-2 * scale) | ((scale == 0) & (error < UNKNOWN / 1e50))
    return settled


def estimate(moved: Array, step: Array, noise: Array) -> Estimate:
    """Derivatives from `moved = f(x + node * step) - f(x)`, of shape (columns, 12, outputs).

    `step` (columns, 1 or outputs) is h; `noise` (outputs, or columns and outputs) bounds the rounding error of one
    value of f.
    """
    finite = np.isfinite(moved)
    whole = bool(finite.all())
    values = moved if whole else np.where(finite, moved, 0.0)
    inverse = 1.0 / step
    grain = noise * inverse
    rows = np.moveaxis(np.matmul(_ROWS, values), 1, 0)
    highest = np.abs(values).max(axis=1)
    value, error, scale, kink, rounding = _judged(rows, highest, inverse, grain, np.maximum, np.where)
    result = Estimate(value, error, scale, kink, np.broadcast_to(step, value.shape).copy(), rounding)
    if not whole:
        _edges(result, finite, values, inverse, grain)
    return result


def slopes(moved: Array, noise: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """Value, error, scale and kink of the derivative of each of some functions of one variable.

    A row of `moved` holds f(node) - f(0) of one of them, all finite, and `noise` the rounding error of a value of it.
    These are plain numbers: of so few they are judged faster one by one.
    """
    rows, highest = np.matmul(moved, _ROWS.T).tolist(), np.abs(moved).max(axis=1).tolist()
    return [
        _judged(row, most, 1.0, grain, max, _either)[:4]
        for row, most, grain in zip(rows, highest, noise, strict=True)
    ]


def _either(condition: bool, one: float, other: float) -> float:
    return one if condition else other


def _judged(
    rows: Any, highest: Any, inverse: Any, grain: Any, larger: Callable[..., Any], where: Callable[..., Any]
) -> tuple[Any, ...]:
    """Value, error, scale, kink and rounding, of arrays or of numbers; `highest` is the largest value."""
    first, second, third, bend, wide_bend, jump, wide_jump = rows
    value = first * inverse
    leap = abs(jump) * inverse
    kink = where(leap > 16 * abs(jump - wide_jump) * inverse + 16 * _JUMP_NOISE * grain, leap, 0.0)
    truncation = abs(first - second) + abs(second - third) / 4 + abs(bend - wide_bend) / 8
    rounding = 4 * _NOISE * grain
    error = truncation * inverse + rounding + kink
    return value, error, larger(abs(value), highest * inverse / 32), kink, rounding


def _edges(result: Estimate, finite: NDArray[np.bool_], values: Array, inverse: Array, grain: Array) -> None:
    """Use the other side where the function ends on one; know nothing where it ends on both."""
    right = np.asarray(finite[:, :LEVELS].all(axis=1))
    left = np.asarray(finite[:, LEVELS:].all(axis=1))
    either = right ^ left
    side = np.where(right[:, None], values[:, :LEVELS], -values[:, LEVELS:])
    one, two = np.moveaxis(np.matmul(_SIDE, side), 1, 0) * inverse
    error = 16 * np.abs(one - two) + 4 * _SIDE_NOISE * grain
    usable = either & (error <= 1e-4 * np.abs(one))
    lost = ~(right & left)
    result.value = np.where(lost, np.where(usable, one, 0.0), result.value)
    result.error = np.where(lost, np.where(usable, error, UNKNOWN), result.error)
    result.scale = np.where(usable, np.maximum(result.scale, np.abs(one)), result.scale)
    result.kink = np.where(lost, 0.0, result.kink)
