"""A sample with its output in its own dtypes: how the checks call a rule, and when two results are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, outputs
from opreg.verify._literal import shown
from opreg.verify._oracle import EPSILON, TINY
from opreg.verify._rounding import WHOLE, rounding
from opreg.verify._rule import copies, cotangent_like, evaluate, pull
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding

Array = NDArray[np.float64]


def contents(values: Any) -> list[bytes]:
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


def scale(value: Array) -> float:
    finite = np.abs(value[np.isfinite(value)])
    return float(finite.max(initial=0.0))


def disagreement(got: Array, due: Array, epsilon: float, extra: Array | float = 0.0) -> NDArray[np.bool_]:
    """Where two results differ by more than rounding; what is not finite in both is left to the differences."""
    both = np.isfinite(got) & np.isfinite(due)
    size = np.abs(due) + scale(due)
    unequal = np.abs(got - due) > 64 * epsilon * size + extra
    differs: NDArray[np.bool_] = np.where(both, unequal, np.isfinite(got) != np.isfinite(due))
    return differs


def least_precise(inputs: Coordinates, results: Coordinates) -> tuple[float, float]:
    """The unit roundoff and the smallest normal number of the least precise array at hand."""
    kinds = [np.finfo(part.dtype) for part in (*inputs.parts, *results.parts)]
    return max([(float(kind.eps), float(kind.tiny)) for kind in kinds], default=(2 * EPSILON, TINY))


class Call:
    """A sample with its output, in its own dtypes: what the structural checks call the rule with."""

    def __init__(self, subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> None:
        self.subject, self.data, self.static = subject, data, static
        self.active = subject.active(data)
        self.out = evaluate(subject, copies(data), static)
        self.inputs = Coordinates(data, self.active)
        self.results = Coordinates(outputs(self.out))
        self.epsilon, self.tiny = least_precise(self.inputs, self.results)

    def random(self, rng: np.random.Generator) -> Array:
        size = self.results.size
        u: Array = rng.uniform(0.5, 2.0, size) * rng.choice(np.array([-1.0, 1.0]), size)
        return u

    def cotangent(self, u: Array) -> Any:
        return cotangent_like(self.out, u, self.results, native=True)

    def pull(self, g: Any) -> tuple[Any, ...]:
        return pull(self.subject, g, self.out, self.data, self.static)

    def vector(self, g: Any) -> Array:
        return self.inputs.cotangent(self.pull(g))

    def rounding(self, g: Any, value: Array, rng: np.random.Generator, *, whole: bool = False) -> Array:
        """The rule's own rounding error, measured; asked for only when something looks wrong.

        What its inputs' rounding does to it, and |g| |out| / |x|: terms of that size may cancel inside the rule. Below
        the smallest normal number all numbers are rounded alike.
        """
        args = (self.subject, g, self.out, self.data, self.static, self.inputs, value, rng)
        fine = self.epsilon < 1e-10
        moved = rounding(*args, 2.0**-36 if fine else 16 * self.epsilon)
        if whole and not self.subject.elementwise:
            moved = moved + rounding(*args, WHOLE if fine else 16 * self.epsilon, whole=True)
        return 64 * self.epsilon * (moved + self.natural(g) + self.tiny)

    def unsteady(self, g: Any, value: Array, rng: np.random.Generator) -> Array:
        """How far results lie from a value where matrices move by a few units in the last place of their largest entry.

        No algorithm of linear algebra is more exact: at a singular matrix its result is whatever rounding made of it.
        """
        if self.subject.elementwise:
            return np.zeros_like(value)
        relative = 4 * self.epsilon
        args = (self.subject, g, self.out, self.data, self.static, self.inputs, value, rng, relative)
        return relative * rounding(*args, whole=True, jumps=True)

    def amplified(self, g: Any, value: Array, rng: np.random.Generator) -> Array:
        """What the algorithms of linear algebra make of the rounding of the largest entries, as a rule on them does.

        A jump, as between two orders of equal values, is none of it: it is as high however small the move.
        """
        if self.subject.elementwise or self.epsilon > 1e-10:
            return np.zeros_like(value)
        args = (self.subject, g, self.out, self.data, self.static, self.inputs, value, rng)
        near, far = (rounding(*args, relative, whole=True) for relative in (WHOLE, 2.0**8 * WHOLE))
        return 64 * self.epsilon * np.where(2.0**8 * far <= 2 * near, far, near)

    def natural(self, g: Any) -> Array:
        """|g| |out| / |x|, per coordinate of the inputs."""
        out = np.nan_to_num(np.abs(self.results.point(outputs(self.out))), posinf=0.0)
        size = np.abs(self.results.cotangent(outputs(g))) * np.maximum(out, self.tiny)
        x = np.abs(self.inputs.point(self.data))
        return np.asarray(np.nan_to_num(size, posinf=0.0).sum() / np.where(x > 0, x, np.inf))

    def finding(
        self, check: str, diagnosis: str, g: Any, wrong: NDArray[np.bool_], got: Array, due: Array
    ) -> Finding:
        worst = int(np.flatnonzero(wrong)[0])
        return Finding(
            check,
            "fail",
            diagnosis,
            input=shown(self.data, self.static),
            argument=self.inputs.locate(worst)[0].index,
            got=f"{got[worst]:.17g}",
            expected=f"{due[worst]:.17g}",
        )
