"""What rounding may do to a rule and to its reference, measured at the point: asked for when something looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._comparison import Comparison, joined, largest, over
from opreg.verify._coordinates import outputs
from opreg.verify._oracle import Oracle
from opreg.verify._rounding import WHOLE, elsewhere, rounding
from opreg.verify._subject import Subject

Array = NDArray[np.float64]


class Allowance:
    """How much of a difference between a rule and its reference is rounding, at one point."""

    def __init__(
        self,
        subject: Subject,
        data: Sequence[Any],
        static: dict[str, Any],
        out: Any,
        oracle: Oracle,
        rng: np.random.Generator,
    ) -> None:
        self.subject, self.data, self.static, self.out = subject, data, static, out
        self.oracle, self.rng = oracle, rng
        self._lost: Array | None = None

    def of_entries(self, comparison: Comparison) -> None:
        """Allow for what the rounding of each input by itself does to the rule, and the terms that cancel in it."""
        oracle = self.oracle
        moved = self._response(comparison)
        if comparison.forward:
            moved = joined(moved, oracle.results.parts)
            if oracle.kind != "elementwise":
                moved = moved + largest(comparison.full, oracle.results.parts)
            moved = moved + oracle.natural_forward(comparison.u)
            comparison.allow(64 * oracle.epsilon * moved)
            return
        # Terms that cancel by algebra, whatever the inputs, leave the rounding of the largest.
        moved = joined(moved, oracle.inputs.parts)
        if oracle.kind != "elementwise":
            moved = moved + largest(comparison.full, oracle.inputs.parts)
        moved = oracle.project(moved)[1] + oracle.natural(comparison.u, own=True)
        if any(part.complex for part in oracle.results.parts):
            # The imaginary part of an output may be rounded beside the real one, and so may what comes of it.
            moved = moved + oracle.pull(joined(np.abs(comparison.u), oracle.results.parts))[2]
        comparison.allow(16 * oracle.epsilon * moved)

    def of_matrices(self, comparison: Comparison, dense: Comparison) -> None:
        """Allow for a rule that is exact beside the largest entries only, as linear algebra is.

        And for such a reference: what the algorithm neglects beside them need not look like noise. `dense` is a
        result for a cotangent without zeros.
        """
        oracle = self.oracle
        moved = self._response(comparison, whole=True)
        e = oracle.estimate
        lost = over(self.neglected(), e.step)
        comparison.allow(comparison.view(oracle, replace(e, error=lost))[1])
        if comparison.forward:
            comparison.allow(256 * oracle.epsilon * largest(moved, oracle.results.parts))
            if self.subject.derived and oracle.directions is None:
                # The rounding of the Jacobian that the VJP shows, entry by entry of a dense cotangent.
                self.of_matrices(dense, dense)
                comparison.allow((dense.roundoff @ np.abs(comparison.u)) / np.abs(dense.u))
            return
        if oracle.directions is None:
            scale = oracle.pull(joined(np.abs(comparison.u), oracle.results.parts))[2]
            moved = moved + largest(scale, oracle.inputs.parts)
        moved = oracle.project(largest(moved, oracle.inputs.parts))[1]
        moved = moved + oracle.natural(comparison.u, own=True, mixed=True)
        comparison.allow(64 * oracle.epsilon * moved)

    def neglected(self) -> Array:
        """How much of each output is lost if it is exact beside the largest entries of its matrices only."""
        if self._lost is None:
            self._lost = np.zeros(self.oracle.results.size) if self.subject.elementwise else self._measured()
        return self._lost

    def _measured(self) -> Array:
        here, lost = self.oracle.float64.value, np.zeros(self.oracle.results.size)
        for _ in range(3):
            try:
                out = elsewhere(self.subject, self.out, self.data, self.static, self.rng, WHOLE)
            except Exception:
                continue
            lost = np.fmax(lost, np.abs(self.oracle.results.point(outputs(out)) - here))
        return np.asarray(np.where(np.isfinite(lost), lost, 0.0))

    def _response(self, comparison: Comparison, *, whole: bool = False) -> Array:
        """How much the rule's result moves per relative move of its inputs, by entries or by matrices."""
        oracle, forward = self.oracle, comparison.forward
        return rounding(
            self.subject,
            comparison.given,
            self.out,
            self.data,
            self.static,
            oracle.results if forward else oracle.inputs,
            comparison.got if forward else comparison.full,
            self.rng,
            WHOLE if whole else 2.0**-36,
            mode="jvp" if forward else "vjp",
            whole=whole,
            noise=oracle.results.arrays(oracle.float64.noise),
        )

    def absorbed(self, comparison: Comparison) -> Array:
        """What rounding beside the largest coordinates leaves of the effect of a small one.

        And of a rule that is made of the terms of another: where those cancel, the noise of the first tells their size.
        """
        oracle = self.oracle
        terms = np.zeros(len(oracle.unit()))
        if self.subject.order > 1:
            terms = 16 * oracle.natural(comparison.u, own=True, heights=oracle.float64.noise)
        if oracle.kind == "elementwise":
            return terms
        # An output may be zero of much larger terms, as log_softmax is at a saturated entry.
        size = largest(np.abs(oracle.float64.value) + oracle.input_noise, oracle.results.parts)
        return terms + np.asarray(16 * oracle.work.epsilon * (np.abs(comparison.u) @ size) / oracle.unit())
