"""What is known of one argument's wrong cotangent, and what more can be found out about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Part, is_inexact, outputs, packed
from opreg.verify._rule import copies
from opreg.verify._subject import Subject

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEW = 64
"""Of so many coordinates a derivative is computed once more, to compare with."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one argument's wrong cotangent, in coordinates.

    `others` has what the rule gave and what was due for the other arguments, by their number.
    """

    subject: Subject
    data: Sequence[Any]
    static: Mapping[str, Any]
    out: Any
    g: Any
    part: Part
    got: Array
    expected: Array
    wrong: Mask
    tolerance: Array
    others: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.part.shape

    @property
    def real(self) -> bool:
        return not self.part.complex

    @property
    def gross(self) -> bool:
        """Whether it is more than a rounding away: what is nearly right is not in the wrong place."""
        gap = np.abs(self.got - self.expected)[self.wrong]
        return not gap.max(initial=0.0) <= 1e-3 * float(np.abs(self.expected).max(initial=0.0))

    def due(self, values: Any) -> bool:
        """Whether some values are what is due, in every entry."""
        flat = np.asarray(values, np.float64).ravel()
        slack = 4 * self.tolerance + 1e-9 * np.abs(self.expected)
        return flat.shape == self.expected.shape and bool(np.all(np.abs(flat - self.expected) <= slack))

    def given(self, values: Any) -> bool:
        """Whether some values are what the rule gave, as closely as a plain finite difference tells."""
        flat = np.asarray(values, np.float64).ravel()
        size = float(np.abs(self.got).max(initial=0.0))
        return flat.shape == self.got.shape and bool(np.all(np.abs(flat - self.got) <= 1e-5 * size))

    def rule(self, **static: Any) -> Array | None:
        """What the rule gives with other keywords, or None where it gives nothing."""
        return self._pulled(self.g, self.out, self.data, static)

    def widened(self, value: Any) -> Array | None:
        """The derivative where the argument is another, of any shape, of which `forward` makes the same."""
        data = list(self.data)
        data[self.part.index] = value
        try:
            same = np.array_equal(
                self.subject.forward(*copies(data), **self.static), self.out, equal_nan=True
            )
        except Exception:
            return None
        return replace(self, data=data).derivative(self.static) if same else None

    def _pulled(self, g: Any, out: Any, data: Sequence[Any], static: Mapping[str, Any]) -> Array | None:
        try:
            handed = packed(copies(outputs(g)), g)
            result = self.subject.vjp(handed, out, *copies(data), **dict(static))
            return Coordinates(data, [self.part.index]).cotangent(result)
        except Exception:
            return None

    def derivative(self, static: Mapping[str, Any]) -> Array | None:
        """The derivative with other keywords, by plain central differences; None where there is none."""
        index = self.part.index
        inputs, results = Coordinates(self.data, [index]), Coordinates(outputs(self.out))
        if inputs.size > _FEW:
            return None
        u = results.cotangent(outputs(self.g))
        x = inputs.point(self.data)
        steps = 2.0**-20 * np.maximum(np.abs(x), 1)

        def value(at: Array) -> float:
            data = copies(self.data)
            data[index] = inputs.arrays(at)[index]
            leaves = outputs(self.subject.forward(*data, **static))
            if [np.shape(a) for a in leaves] != [np.shape(a) for a in outputs(self.out)]:
                raise ValueError("another shape")
            return float(u @ results.point(leaves))

        slopes = np.empty(inputs.size)
        try:
            for i, step in enumerate(steps):
                move = np.zeros(inputs.size)
                move[i] = step
                slopes[i] = (value(x + move) - value(x - move)) / (2 * step)
        except Exception:
            return None
        return slopes

    def elsewhere(self, move: Callable[[Any], Any]) -> Evidence | None:
        """The evidence at the point to which every array is moved, by plain differences; None where there is none."""
        data = [move(np.asarray(v)) if is_inexact(v) else v for v in self.data]
        g = move(np.asarray(self.g)) if not isinstance(self.g, tuple) else self.g
        try:
            out = self.subject.forward(*copies(data), **dict(self.static))
        except Exception:
            return None
        if not all(np.isfinite(leaf).all() for leaf in outputs(out)):
            return None
        there = replace(self, data=data, g=g, out=out)
        got, expected = there._pulled(g, out, data, self.static), there.derivative(self.static)
        if got is None or expected is None or not np.isfinite(expected).all():
            return None
        wrong = ~(np.abs(got - expected) <= 1e-4 * float(np.abs(expected).max(initial=1e-300)))
        return replace(there, got=got, expected=expected, wrong=wrong)

    @property
    def values(self) -> Array:
        """The argument's own values, flat."""
        return np.asarray(self.data[self.part.index]).ravel()

    def name(self, index: int) -> str:
        """A data argument in words; of a rule that is a subject itself the first ones are cotangents."""
        own = index - self.subject.leading
        return f"argument {own}" if own >= 0 else "the cotangent g"
