"""The rule against the finite-difference oracle, entry by entry, with three possible answers.

An entry fails only when the rule is farther from the reference than the reference's own error bound and the rule's own
rounding together, when slower scans confirm that, and when the bound is small enough to mean something. An entry
whose derivative the reference does not resolve says nothing; a check most of whose entries say nothing is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify import _diagnose, _kinks
from opreg.verify._coordinates import Part, outputs
from opreg.verify._oracle import SPACINGS, TINY, Oracle, widen
from opreg.verify._reproduce import shown
from opreg.verify._rule import (
    WHOLE,
    Fault,
    check_kind,
    copies,
    cotangent_like,
    elsewhere,
    evaluate,
    pull,
    response,
    rounding,
    shaken,
)
from opreg.verify._stencil import UNKNOWN, Estimate
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict

Array = NDArray[np.float64]

# A reference whose bound is within this part of the scale of an entry needs no further spacing ...
SETTLED = 1e-8
# ... one within this part resolves the entry ...
RESOLVED = 1e-5
# ... as does one within this part of |f| / |x|: both the slope and the rule are then negligible ...
NEGLIGIBLE = 1e-12
# ... and one beyond this part can never fail a rule.
MEANINGFUL = 2e-2
_MOST_COLUMNS = 600
_MOST_FINDINGS = 3
# How many smooth points beside a kink are checked, of as many as `_kinks` proposes.
_REDRAWN = 2


# Before a failure is called the function is looked at from closer and closer, by this factor, this many times.
_CLOSER = 2.0**-4
_RUNGS = 24


@dataclass(slots=True)
class _Comparison:
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
        self.upheld = np.zeros(len(self.got), bool)
        self.cleared, self.met, self.met_part = np.full((3, len(self.got)), np.inf)
        self.growing = np.zeros(len(self.got), int)

    def view(self, oracle: Oracle, e: Estimate | None = None) -> tuple[Array, Array, Array, Array]:
        """What an estimate says of this result: value, bound, scale, kink."""
        value, bound, scale, kink = oracle.push(self.u, e) if self.forward else oracle.pull(self.u, e)
        parts = oracle.results.parts if self.forward else oracle.inputs.parts
        if self.forward or oracle.directions is None:
            scale = _joined(scale, parts)
        return value, bound, scale, kink

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

    def look(self, oracle: Oracle, e: Estimate, neglected: Callable[[], Array]) -> NDArray[np.bool_]:
        """Take note of what a closer estimate says; return where a still closer one may say more.

        `neglected` gives how much of each output the function may lose beside the largest entries of its matrices.
        """
        value, bound, scale, _ = self.view(oracle, e)
        rounded = self.view(oracle, Estimate(e.value, e.grain, e.scale, e.kink, e.step, e.grain))[1]
        gap = np.abs(self.got - self.expected)
        off = np.abs(self.got - value)
        tolerance = bound + self.rounding(np.maximum(scale, self.scale))
        says = tolerance < gap / 4
        meets = (off <= tolerance) & (tolerance < self.met)
        self.met = np.where(meets, tolerance, self.met)
        part = tolerance / np.maximum(np.maximum(scale, np.abs(value)), 1e-300)
        self.met_part = np.where(meets, part, self.met_part)
        # An effect that is gone from closer by may be neglected beside others: that may clear a rule, no more.
        kept = oracle.estimate
        gone = (e.scale == 0) & (kept.scale > 0)
        if gone.any():
            error = np.where(gone, np.abs(kept.value) + kept.error, e.error)
            bound = self.view(oracle, Estimate(e.value, error, e.scale, e.kink, e.step, e.grain))[1]
            tolerance = bound + self.rounding(np.maximum(scale, self.scale))
            says = tolerance < gap / 4
        against = says & (off > 2 * tolerance)
        steady = (self.growing < 3) | (bound <= 64 * rounded)
        self.upheld |= against & steady & (np.abs(value - self.expected) < gap / 2)
        # What a closer look contradicts was no derivative. If it speaks against the rule too, it takes its place, to be
        # upheld in turn. A look that cannot say so for sure, and yet meets the rule, leaves nothing to uphold.
        contradicted = np.abs(value - self.expected) > 2 * (tolerance + self.bound)
        other = against & contradicted
        if other.any():
            # From very close by the slope may be that of a step of a staircase, which shows no noise.
            lost = _over(neglected(), e.step)
            lost = self.view(oracle, Estimate(e.value, lost, e.scale, e.kink, e.step, e.grain))[1]
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


def _joined(values: Array, parts: Sequence[Part]) -> Array:
    """Values per coordinate, the real and imaginary part of one number alike: rounding does not tell them apart."""
    if not any(part.complex for part in parts):
        return values
    values = values.copy()
    for part in parts:
        if part.complex:
            both = values[part.start : part.stop].reshape(2, part.size)
            both[:] = np.hypot(both[0], both[1])
    return values


def _over(change: Array, step: Array) -> Array:
    """The slope that a change of each output makes over steps; none over those that were not made."""
    return np.asarray(change / np.where(step > 0, step, np.inf))


def _largest(values: Array, parts: Sequence[Part]) -> Array:
    """The largest finite magnitude in each array, for all its entries."""
    largest = np.zeros(len(values))
    for part in parts:
        piece = np.abs(values[part.start : part.stop])
        largest[part.start : part.stop] = piece[np.isfinite(piece)].max(initial=0.0)
    return largest


def _cotangents(size: int, rng: np.random.Generator, few: bool) -> list[Array]:
    """Dense, signed and uneven cotangents, and single entries."""

    def dense() -> Array:
        u: Array = rng.uniform(0.5, 2.0, size) * rng.choice(np.array([-1.0, 1.0]), size)
        return u

    if few or size == 1:
        return [dense()]
    single = []
    for index in rng.choice(size, 2, replace=False):
        u = np.zeros(size)
        u[index] = rng.choice(np.array([-1.5, 1.5]))
        single.append(u)
    return [dense(), dense(), *single]


def differences(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    rng: np.random.Generator,
    *,
    check: str = "differences",
    columns: int = 40,
    kinks: bool = True,
    extended: bool = True,
    look: bool = False,
) -> Verdict:
    """Compare the VJP (and a declared JVP) with finite differences of the forward function at `data`.

    Raises a `Fault` where the rule gives nothing that can be compared.
    """
    with np.errstate(all="ignore"):
        return _Differences(subject, data, static, rng, check, columns, kinks, extended, look).verdict()


class _Differences:
    def __init__(
        self,
        subject: Subject,
        data: Sequence[Any],
        static: dict[str, Any],
        rng: np.random.Generator,
        check: str,
        columns: int,
        kinks: bool,
        extended: bool,
        look: bool = False,
    ) -> None:
        self.subject, self.given, self.static, self.rng = subject, data, static, rng
        self.check, self.columns, self.kinks, self.extended = check, columns, kinks, extended
        self.active = subject.active(data)
        self.data = [widen(value) for value in data]
        self.out = evaluate(subject, copies(self.data), static)
        self.oracle = Oracle(
            subject.forward,
            self.data,
            static,
            self.active,
            self.out,
            rng,
            # Rules are seldom elementwise, and finding out takes calls: at second order only when asked.
            elementwise=subject.elementwise if subject.order == 1 or subject.elementwise or look else False,
            columns=columns,
            extended=extended,
            dense=3 if subject.order == 1 else 2,
            shaken=subject.shaken,
        )
        # Of a narrow result little more can be asked than its own precision.
        self.resolved = max(RESOLVED, 1e5 * self.oracle.epsilon)
        self.at_kink = self.rough = False
        # How many points without a derivative were met: this one, and those drawn in its place.
        self.met = 0
        self.kinked: list[NDArray[np.bool_]] = []
        self.lost = ""
        self._lost: Array | None = None

    def verdict(self) -> Verdict:
        oracle = self.oracle
        if oracle.results.size == 0 or oracle.inputs.size == 0:
            g = cotangent_like(self.out, np.zeros(oracle.results.size), oracle.results)
            result = pull(self.subject, g, self.out, copies(self.data), self.static)
            left = oracle.inputs.cotangent(result)
            if np.any(left != 0):
                diagnosis = "the output is empty, so every cotangent is zero, but the rule's is not"
                return Verdict.of([Finding(self.check, "fail", diagnosis, input=self._shown())])
            return Verdict.passed()
        few = oracle.kind == "elementwise" or self.subject.order > 1
        self.comparisons = [self._compare(u) for u in _cotangents(oracle.results.size, self.rng, few)]
        oracle.start()
        if self.subject.jvp is not None and self.subject.order == 1:
            self.comparisons.append(self._compare_forward())
        self._refresh()
        self._settle()
        suspicious = [c for c in self.comparisons if c.wrong.any()]
        if suspicious:
            self._confirm(suspicious)
            suspicious = [c for c in self.comparisons if c.wrong.any()]
        columns = oracle.kind == "directions" and oracle.inputs.size <= _MOST_COLUMNS
        if suspicious and columns:
            return self._by_columns()
        findings = self._failures(suspicious)
        if findings:
            return Verdict.of(findings).replace(kinks=self.met)
        verdict = self._summary()
        return self._by_columns() if verdict.outcome == "inconclusive" and columns else verdict

    def _by_columns(self) -> Verdict:
        """Some direction is off, or resolves nothing: look at every coordinate by itself."""
        return differences(
            self.subject,
            self.given,
            self.static,
            self.rng,
            check=self.check,
            columns=_MOST_COLUMNS,
            kinks=self.kinks,
            extended=self.extended,
            look=True,
        )

    def _compare(self, u: Array) -> _Comparison:
        g = cotangent_like(self.out, u, self.oracle.results)
        # The rule gets copies: what it writes must not reach the reference.
        many = isinstance(g, tuple)
        handed = copies(outputs(g))
        result = pull(
            self.subject, tuple(handed) if many else handed[0], self.out, copies(self.data), self.static
        )
        full = self.oracle.inputs.cotangent(result)
        self._imaginary(result)
        got, size = self.oracle.project(full)
        if self.oracle.directions is None:
            size = _joined(size, self.oracle.inputs.parts)
        return _Comparison(u, g, full, got, size, np.zeros(len(got)), self.oracle.epsilon)

    def _compare_forward(self) -> _Comparison:
        """The JVP along the first direction, or along one that moves every coordinate."""
        oracle = self.oracle
        if oracle.directions is not None:
            v = oracle.directions[0]
        else:
            v = self.rng.uniform(0.5, 2.0, oracle.inputs.size)
            v *= self.rng.choice(np.array([-1.0, 1.0]), oracle.inputs.size)
        tangents = tangents_like(self.data, oracle, v)
        got = push(self.subject, tangents, self.out, self.data, self.static, oracle)
        size = _joined(np.abs(got), oracle.results.parts)
        return _Comparison(v, tangents, got, got, size, np.zeros(len(got)), oracle.epsilon, forward=True)

    def _imaginary(self, result: Sequence[Any]) -> None:
        for index in self.active:
            if np.iscomplexobj(result[index]) and not np.iscomplexobj(self.data[index]):
                raise Fault(
                    f"the cotangent of argument {index} is complex, its primal real: take the real part",
                    argument=index,
                    got="complex",
                    expected="real",
                )

    def _refresh(self) -> None:
        for comparison in self.comparisons:
            comparison.refresh(self.oracle)

    def _groups(self, marked: Sequence[NDArray[np.bool_]]) -> NDArray[np.intp]:
        """The groups behind the marked entries of each comparison."""
        oracle = self.oracle
        back: NDArray[np.bool_] | None = None
        for comparison, mask in zip(self.comparisons, marked, strict=True):
            if not comparison.forward:
                back = mask if back is None else back | mask
            elif mask.any():
                if oracle.directions is None:
                    return np.arange(oracle.groups)
                first = np.zeros(len(oracle.directions), bool)
                first[0] = True
                back = first if back is None else back | first
        assert back is not None
        return oracle.group_of(back)

    def _settle(self) -> None:
        """Try further spacings for what is not resolved, or does not agree."""
        for number in range(1, SPACINGS):
            # Every group has its say in the VJPs: of the JVP only what does not agree needs more.
            groups = self._groups(
                [c.wrong if c.forward else c.wrong | (c.relative > SETTLED) for c in self.comparisons]
            )
            if not len(groups):
                return
            self.oracle.improve(groups, number)
            self._refresh()

    def _confirm(self, suspicious: list[_Comparison]) -> None:
        """Measure the noise of the forward and the rounding of the rule, and scan again with both."""
        oracle = self.oracle
        for comparison in suspicious:
            self._measure_rounding(comparison)
        if not any(comparison.wrong.any() for comparison in suspicious):
            return
        oracle.measure_noise(self.rng)
        groups = self._groups([comparison.wrong for comparison in self.comparisons])
        # The first bounds rest on a smaller noise: begin anew.
        oracle.restart(groups)
        precisions = [oracle.work] if oracle.work is oracle.float64 else [oracle.work, oracle.float64]
        for precision in precisions:
            for number in range(SPACINGS):
                if precision is not oracle.work or number:
                    oracle.improve(groups, number, precision)
        self._refresh()
        self._look_closer()

    def _measure_rounding(self, comparison: _Comparison) -> None:
        oracle = self.oracle
        moved = self._response(comparison)
        if comparison.forward:
            moved = _joined(moved, oracle.results.parts)
            if oracle.kind != "elementwise":
                moved = moved + _largest(comparison.full, oracle.results.parts)
            moved = moved + oracle.natural_forward(comparison.u)
            comparison.allow(64 * oracle.epsilon * moved)
            return
        # Terms that cancel by algebra, whatever the inputs, leave the rounding of the largest.
        moved = _joined(moved, oracle.inputs.parts)
        if oracle.kind != "elementwise":
            moved = moved + _largest(comparison.full, oracle.inputs.parts)
        moved = oracle.project(moved)[1] + oracle.natural(comparison.u, own=True)
        if any(part.complex for part in oracle.results.parts):
            # The imaginary part of an output may be rounded beside the real one, and so may what comes of it.
            moved = moved + oracle.pull(_joined(np.abs(comparison.u), oracle.results.parts))[2]
        comparison.allow(16 * oracle.epsilon * moved)

    def _measure_as_wholes(self, comparison: _Comparison) -> None:
        """Add the rounding of a rule that is exact beside the largest entries only, as linear algebra is.

        And that of the reference: what the algorithm neglects beside them need not look like noise.
        """
        oracle = self.oracle
        moved = self._response(comparison, whole=True)
        e = oracle.estimate
        lost = _over(self._neglected(), e.step)
        comparison.allow(
            comparison.view(oracle, Estimate(e.value, lost, e.scale, e.kink, e.step, e.grain))[1]
        )
        if comparison.forward:
            comparison.allow(256 * oracle.epsilon * _largest(moved, oracle.results.parts))
            if self.subject.derived and oracle.directions is None:
                # The rounding of the Jacobian that the VJP shows, entry by entry of a dense cotangent.
                dense = self.comparisons[0]
                self._measure_as_wholes(dense)
                comparison.allow((dense.roundoff @ np.abs(comparison.u)) / np.abs(dense.u))
            return
        if oracle.directions is None:
            scale = oracle.pull(_joined(np.abs(comparison.u), oracle.results.parts))[2]
            moved = moved + _largest(scale, oracle.inputs.parts)
        moved = oracle.project(_largest(moved, oracle.inputs.parts))[1]
        moved = moved + oracle.natural(comparison.u, own=True, mixed=True)
        comparison.allow(64 * oracle.epsilon * moved)

    def _neglected(self) -> Array:
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
        return np.where(np.isfinite(lost), lost, 0.0)

    def _response(self, comparison: _Comparison, *, whole: bool = False) -> Array:
        """How much the rule's result moves per relative move of its inputs, by entries or by matrices."""
        subject, static, rng = self.subject, self.static, self.rng
        amount = WHOLE if whole else 2.0**-36
        given, full, inputs = comparison.given, comparison.full, self.oracle.inputs
        noise = self.oracle.results.arrays(self.oracle.float64.noise)
        if not comparison.forward:
            args = (subject, given, self.out, self.data, static, inputs, full, rng, amount)
            return rounding(*args, whole=whole, noise=noise)

        def pushed(_: Any) -> Array:
            data = [shaken(value, rng, amount, whole=whole) for value in self.data]
            tangents = tuple(None if t is None else shaken(t, rng, amount, whole=whole) for t in given)
            out = shaken(self.out, rng, amount)
            if whole:
                out = elsewhere(subject, self.out, self.data, static, rng, amount, noise)
            return push(subject, tangents, out, data, static, self.oracle)

        return response(pushed, (None,), comparison.got, amount, whole=whole)

    def _look_closer(self) -> None:
        """Look at what is wrong from closer and closer, down to where noise hides it.

        A function that wiggles or jumps between the nodes can agree with itself on a derivative that it does not
        have. The derivative is what is left in the limit: the reference stands only if a closer look upholds it,
        and falls if any closer look agrees with the rule.
        """
        oracle = self.oracle
        live = [comparison.wrong for comparison in self.comparisons]
        kept, unit = oracle.kept(), oracle.unit()
        # Who starts from farthest moves first: a JVP sees all coordinates at once, each at a distance that suits it.
        reach = float(np.max(kept / unit))
        for _ in range(_RUNGS):
            groups = self._groups(live)
            if not len(groups):
                return
            reach *= _CLOSER
            closer = oracle.closer(groups, np.minimum(kept * _CLOSER, unit * reach))
            fresh = [np.isinf(comparison.cleared) for comparison in self.comparisons]
            live = [
                live & comparison.look(oracle, closer, self._neglected)
                for live, comparison in zip(live, self.comparisons, strict=True)
            ]
            self._adopt(closer, fresh)

    def _adopt(self, closer: Estimate, fresh: list[NDArray[np.bool_]]) -> None:
        """Take over what closer looks said for the rule, coordinate by coordinate: a JVP adds up all of them."""
        oracle = self.oracle
        pairs = list(zip(self.comparisons, fresh, strict=True))
        if oracle.directions is not None or not any(c.forward for c in self.comparisons):
            return
        known = np.any([f & np.isfinite(c.cleared) for c, f in pairs if not c.forward], axis=0)
        if known.any():
            oracle.adopt(known, closer)
            for comparison in self.comparisons:
                if comparison.forward:
                    comparison.refresh(oracle)

    def _absorbed(self, comparison: _Comparison) -> Array:
        """What rounding beside the largest coordinates leaves of the effect of a small one."""
        oracle = self.oracle
        if oracle.kind == "elementwise":
            return np.zeros(oracle.inputs.size)
        # An output may be zero of much larger terms, as log_softmax is at a saturated entry.
        size = _largest(np.abs(oracle.float64.value) + oracle.input_noise, oracle.results.parts)
        return np.asarray(16 * oracle.work.epsilon * (np.abs(comparison.u) @ size) / oracle.unit())

    def _sure(self, comparison: _Comparison) -> NDArray[np.bool_]:
        """Where nothing speaks for the rule any more, kinks apart."""
        got, tolerance, scale = comparison.got, comparison.tolerance, comparison.scale
        finite = np.isfinite(got)
        # Where the function hardly moves, the size of its values over that of its inputs tells what is small.
        flat = scale == 0
        if not comparison.forward:
            flat |= tolerance <= 1e-6 * self.oracle.natural(comparison.u)
        scale = np.where(flat & finite, np.maximum(scale, comparison.size), scale)
        off = np.where(finite, np.abs(got - comparison.expected), np.inf)
        sure = finite & (tolerance <= MEANINGFUL * scale) & comparison.upheld & np.isinf(comparison.cleared)
        # What overflows for one coordinate may do so on the way to another.
        if self.oracle.kind == "elementwise" or bool(np.all(comparison.bound < UNKNOWN / 1e50)):
            known = comparison.bound < self.resolved * comparison.scale
            sure |= ~finite & (known | (comparison.scale == 0))
        sure &= comparison.view(self.oracle, self.oracle.jags())[1] <= MEANINGFUL * scale
        if not comparison.forward:
            sure &= off > self._absorbed(comparison)
        # A bound met by a hair is no proof.
        result: NDArray[np.bool_] = sure & comparison.wrong & (off > 2 * tolerance)
        return result

    def _failures(self, suspicious: list[_Comparison]) -> list[Finding]:
        findings: list[Finding] = []
        if not suspicious and not self.oracle.estimate.kink.any():
            self.kinked = [np.zeros(len(comparison.got), bool) for comparison in self.comparisons]
            return findings
        sure = [
            self._sure(comparison) if suspicious else np.zeros(len(comparison.got), bool)
            for comparison in self.comparisons
        ]
        if any(s.any() for s in sure) and self.oracle.jumps:
            self.lost = "the function jumps here"
            sure = [np.zeros_like(s) for s in sure]
        kinked = [comparison.kink > 1e-6 * comparison.scale for comparison in self.comparisons]
        back = [k for k, comparison in zip(kinked, self.comparisons, strict=True) if not comparison.forward]
        kinked = [
            k if c.forward else np.any(back, axis=0) for k, c in zip(kinked, self.comparisons, strict=True)
        ]
        if any(np.any(s & ~k) for s, k in zip(sure, kinked, strict=True)) and self.oracle.is_rough(self.rng):
            self.rough = True
            kinked = [k | s for k, s in zip(kinked, sure, strict=True)]
        self.kinked = kinked
        if not self.subject.elementwise:
            for comparison, certain, kink in zip(self.comparisons, sure, kinked, strict=True):
                if np.any(certain & ~kink):
                    self._measure_as_wholes(comparison)
                    off = np.abs(comparison.got - comparison.expected)
                    certain &= ~np.isfinite(off) | (off > 2 * comparison.tolerance)
        told: set[int] = set()
        for comparison, certain, kink in zip(self.comparisons, sure, kinked, strict=True):
            for wrong in self._by_argument(comparison, certain & ~kink, told):
                findings.append(self._finding(comparison, wrong))
                if len(findings) == _MOST_FINDINGS:
                    return findings
        if findings or not any(kink.any() for kink in kinked):
            return findings
        if not self.kinks or self.oracle.directions is not None:
            self.met += 1
            self.lost = "the function has a kink here"
            return findings
        return self._at_kinks(kinked)

    def _by_argument(
        self, comparison: _Comparison, wrong: NDArray[np.bool_], told: set[int]
    ) -> Iterator[NDArray[np.bool_]]:
        """The wrong entries of each argument by itself, of those that were not told of yet."""
        if comparison.forward or self.oracle.directions is not None:
            if wrong.any():
                yield wrong
            return
        for part in self.oracle.inputs.parts:
            own = np.zeros_like(wrong)
            own[part.start : part.stop] = wrong[part.start : part.stop]
            if own.any() and part.index not in told:
                told.add(part.index)
                yield own

    def _at_kinks(self, kinked: list[NDArray[np.bool_]]) -> list[Finding]:
        """At a kink the rule must lie within the hull of its own, verified, values nearby."""
        self.at_kink = True
        moving = np.any([k for k, c in zip(kinked, self.comparisons, strict=True) if not c.forward], axis=0)
        if self.rough or not moving.any() or self.oracle.kind == "elementwise":
            moving = np.ones(self.oracle.inputs.size, bool)
        self.met += 1
        checked = False
        for number, (comparison, kink) in enumerate(zip(self.comparisons, kinked, strict=True)):
            # One cotangent shows what the rule does; of the JVP the entries that are off.
            due = kink | comparison.wrong if comparison.forward else kink
            if not due.any() or (number and not comparison.forward):
                continue
            answer = _kinks.inspect(self._nearby(comparison), self.data, self.oracle, due, moving, self.rng)
            if answer.neighbours and not checked:
                checked = True
                if findings := self._redrawn(answer.neighbours):
                    return findings
            if not answer.diagnosis:
                self.lost = self.lost or answer.lost
                continue
            coordinate = answer.coordinate
            where = self.oracle.results if comparison.forward else self.oracle.inputs
            name = (
                self.oracle.results.name(coordinate).replace("argument", "output")
                if comparison.forward
                else where.name(coordinate)
            )
            return [
                Finding(
                    self.check,
                    "fail",
                    answer.diagnosis.format(what="JVP" if comparison.forward else "cotangent", where=name),
                    input=self._shown(),
                    argument=None if comparison.forward else self._argument(coordinate),
                    got=f"{comparison.full[coordinate]:.17g}",
                    expected=answer.expected,
                )
            ]
        return []

    def _redrawn(self, neighbours: Sequence[list[Any]]) -> list[Finding]:
        """Check the rule at points beside the kink, until two are smooth and their derivative resolved."""
        verified = 0
        for neighbour in neighbours:
            verdict = differences(
                self.subject,
                neighbour,
                self.static,
                self.rng,
                check=self.check,
                columns=self.columns,
                kinks=False,
                extended=self.extended,
            )
            if verdict.outcome == "fail":
                return [f.replace(diagnosis=f"near a kink {f.diagnosis}") for f in verdict.findings]
            self.met += verdict.kinks
            verified += verdict.outcome == "pass" and not verdict.kinks
            if verified == _REDRAWN:
                break
        if not verified:
            self.lost = "the function has a kink here, and no smooth point beside it was resolved"
        return []

    def _nearby(self, comparison: _Comparison) -> _kinks.Nearby:
        """What the rule gives at another point: there the forward's output, and the result in coordinates."""
        subject, static, oracle = self.subject, self.static, self.oracle

        def value(point: list[Any]) -> tuple[Any, Array]:
            there = subject.forward(*copies(point), **static)
            if comparison.forward:
                return there, push(subject, comparison.given, there, point, static, oracle)
            return there, oracle.inputs.cotangent(
                pull(subject, comparison.given, there, copies(point), static)
            )

        return _kinks.Nearby(value, comparison.full, comparison.forward)

    def _shown(self) -> str:
        """The input in a line; at second order the cotangents come first."""
        leading = self.subject.leading
        text = shown(self.given[leading:], self.static)
        return f"g = {shown(self.given[:leading], {})}; {text}" if leading else text

    def _argument(self, coordinate: int) -> int | None:
        """The number of the subject's own argument that a coordinate belongs to; None for a cotangent."""
        index = self.oracle.inputs.locate(coordinate)[0].index - self.subject.leading
        return index if index >= 0 else None

    def _finding(self, comparison: _Comparison, sure: NDArray[np.bool_]) -> Finding:
        oracle = self.oracle
        if comparison.forward:
            return self._forward_finding(comparison, sure)
        off = np.where(np.isfinite(comparison.got), np.abs(comparison.got - comparison.expected), np.inf)
        relative = np.where(sure, off / np.maximum(comparison.scale, 1e-300), -1.0)
        worst = int(np.argmax(relative))
        argument = None
        if oracle.directions is None:
            part = oracle.inputs.locate(worst)[0]
            argument = self._argument(worst)
            count = int(sure[part.start : part.stop].sum())
            where = f"{oracle.inputs.name(worst, self.subject.leading)}"
            if part.stop - part.start > 1:
                where += f" ({count} of {part.stop - part.start} entries are wrong)"
            pattern = _diagnose.diagnosis(self._evidence(comparison, part, sure))
        else:
            where, pattern = "a random direction", ""
        what = "the cotangent" if self.subject.order == 1 else "the derivative of the rule"
        diagnosis = f"{what} is wrong for {where}" + (f": {pattern}" if pattern else "")
        return Finding(
            self.check,
            "fail",
            diagnosis,
            input=self._shown(),
            argument=argument,
            got=f"{comparison.got[worst]:.17g}",
            expected=f"{comparison.expected[worst]:.17g}",
            error_bound=float(comparison.tolerance[worst]),
        )

    def _evidence(self, comparison: _Comparison, part: Part, sure: NDArray[np.bool_]) -> _diagnose.Evidence:
        piece = slice(part.start, part.stop)
        return _diagnose.Evidence(
            self.subject,
            self.data,
            self.static,
            self.out,
            comparison.given,
            part,
            comparison.full[piece],
            comparison.expected[piece],
            sure[piece],
            comparison.tolerance[piece],
            {
                other.index: (
                    comparison.full[other.start : other.stop],
                    comparison.expected[other.start : other.stop],
                )
                for other in self.oracle.inputs.parts
                if other is not part
            },
        )

    def _forward_finding(self, comparison: _Comparison, sure: NDArray[np.bool_]) -> Finding:
        off = np.where(np.isfinite(comparison.got), np.abs(comparison.got - comparison.expected), np.inf)
        worst = int(np.argmax(np.where(sure, off / np.maximum(comparison.scale, 1e-300), -1.0)))
        return Finding(
            self.check,
            "fail",
            f"the JVP is wrong for {int(sure.sum())} of {len(sure)} output entries",
            input=self._shown(),
            got=f"{comparison.got[worst]:.17g}",
            expected=f"{comparison.expected[worst]:.17g}",
            error_bound=float(comparison.tolerance[worst]),
        )

    def _summary(self) -> Verdict:
        oracle = self.oracle
        resolved, total, digits = 0, 0, 16.0
        singular = self._singular()
        for comparison, kinked in zip(self.comparisons, self.kinked, strict=True):
            if comparison.forward:
                continue
            relative = comparison.relative
            if self.oracle.owner is None and not np.any(comparison.u):
                continue
            good = (relative <= self.resolved) & ~comparison.wrong
            # A slope known to be nothing beside f/x, and a rule that says so: the tail of a saturated function.
            if not good.all():
                good |= (
                    comparison.tolerance <= NEGLIGIBLE * oracle.natural(comparison.u)
                ) & ~comparison.wrong
                good |= comparison.cleared <= self.resolved
            skip = singular | np.isinf(comparison.got)
            if self.at_kink and not self.lost:
                good |= kinked
            resolved += int((good & ~skip).sum())
            total += int((~skip).sum())
            seen = relative[(relative <= self.resolved) & ~skip & ~kinked]
            if seen.size:
                digits = min(digits, float(-np.log10(max(float(seen.max()), 1e-16))))
        if total == 0:
            text = "the function has no derivative here: it jumps, or its slope is infinite"
            return Verdict("waived", text, kinks=max(self.met, 1))
        if 2 * resolved < total:
            why = self.lost or "finite differences do not resolve the derivative here"
            why += f" ({total - resolved} of {total} entries)"
            return Verdict("inconclusive", why, digits, kinks=self.met)
        return Verdict("pass", digits=digits, kinks=self.met)

    def _singular(self) -> NDArray[np.bool_]:
        """The coordinates along which the function jumps: there is no derivative to compare with."""
        oracle = self.oracle
        backward = [c for c in self.comparisons if not c.forward]
        unresolved = np.any([(c.relative > self.resolved) for c in backward], axis=0)
        jumps = np.zeros(len(unresolved), bool)
        if not unresolved.any() or oracle.directions is not None or (self.at_kink and not self.lost):
            return jumps
        slope = np.array([c.scale for c in backward]).max(axis=0)
        for coordinate in np.flatnonzero(unresolved)[:16]:
            tiny = oracle.spacing(2)[coordinate] * max(oracle.size[coordinate], 1e-3) * 2.0**-40
            for side in (-1.0, 1.0):
                x = oracle.x.copy()
                x[coordinate] += side * tiny
                point = list(self.data)
                for index, array in oracle.inputs.arrays(x).items():
                    point[index] = array
                try:
                    value = oracle.results.point(outputs(self.subject.forward(*point, **self.static)))
                except Exception:
                    continue
                change = np.abs(value - oracle.float64.value).max(initial=0.0)
                if change > 1e-6 * np.abs(oracle.float64.value).max(initial=0.0) and slope[coordinate] > 0:
                    jumps[coordinate] = True
        return jumps


def tangents_like(data: Sequence[Any], oracle: Oracle, tangent: Array) -> tuple[Any, ...]:
    """The tangents of all data arguments from their coordinates: None for constants."""
    arrays = oracle.inputs.arrays(tangent)
    return tuple(arrays[i].copy() if i in arrays else None for i in range(len(data)))


def push(
    subject: Subject,
    tangents: tuple[Any, ...],
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    oracle: Oracle,
) -> Array:
    """The coordinates of the output's tangent that the JVP rule gives, or a `Fault`."""
    assert subject.jvp is not None
    try:
        result = subject.jvp(tangents, out, *copies(data), **static)
    except Exception as error:
        raise Fault(
            f"the JVP rule raised {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        ) from error
    leaves = outputs(result) if isinstance(out, (tuple, list)) else (result,)
    if len(leaves) != len(outputs(out)):
        raise Fault(f"the JVP rule returned {len(leaves)} tangents for {len(outputs(out))} outputs")
    filled = list(leaves)
    for part in oracle.results.parts:
        if filled[part.index] is None:
            filled[part.index] = np.zeros(part.shape)
        check_kind(filled[part.index], outputs(out)[part.index], None, (), "JVP", "tangent")
    return oracle.results.point(filled)
