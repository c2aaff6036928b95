"""The rule against the finite-difference oracle, entry by entry, with three possible answers.

An entry fails only when the rule is farther from the reference than the reference's own error bound and the rule's own
rounding together, when slower scans confirm that, and when the bound is small enough to mean something. An entry
whose derivative the reference does not resolve says nothing; a check most of whose entries say nothing is inconclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify import _diagnose, _kinks
from opreg.verify._coordinates import outputs
from opreg.verify._oracle import SPACINGS, Oracle, widen
from opreg.verify._reproduce import reproducer, shown
from opreg.verify._rule import Fault, check_kind, copies, cotangent_like, evaluate, pull, rounding
from opreg.verify._stencil import UNKNOWN
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


@dataclass(slots=True)
class _Comparison:
    """One cotangent's result against the reference, in the oracle's coordinates."""

    u: Array
    g: Any
    full: Array
    got: Array
    size: Array
    roundoff: Array
    epsilon: float
    expected: Array = field(default_factory=lambda: np.zeros(0))
    bound: Array = field(default_factory=lambda: np.zeros(0))
    scale: Array = field(default_factory=lambda: np.zeros(0))
    kink: Array = field(default_factory=lambda: np.zeros(0))

    def refresh(self, oracle: Oracle) -> None:
        self.expected, self.bound, self.scale, self.kink = oracle.pull(self.u)

    @property
    def tolerance(self) -> Array:
        size = np.where(np.isfinite(self.size), self.size, 0.0)
        return self.bound + 16 * self.epsilon * (self.scale + size) + self.roundoff

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Where the rule is not within the tolerance; a value that is not finite where the reference knows it."""
        known = self.bound < UNKNOWN / 1e50
        return np.where(np.isfinite(self.got), np.abs(self.got - self.expected) > self.tolerance, known)

    @property
    def relative(self) -> Array:
        """The tolerance as a part of the entry's scale; 0 where the function does not move at all."""
        still = (self.scale == 0) & (self.bound < UNKNOWN / 1e50)
        tolerance = np.where(still, 0.0, self.tolerance - self.roundoff)
        # What a rule loses to rounding is seen beside its largest entry: a saturated tanh is right to nothing.
        lost = self.roundoff / max(float(self.scale.max(initial=0.0)), 1e-300)
        relative: Array = tolerance / np.where(still, 1.0, np.maximum(self.scale, 1e-300)) + lost
        return relative


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
        )
        # Of a narrow result little more can be asked than its own precision.
        self.resolved = max(RESOLVED, 1e5 * self.oracle.epsilon)
        self.at_kink = False
        self.lost = ""

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
        findings += self._forward_mode()
        if findings:
            return Verdict.of(findings)
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
        return _Comparison(u, g, full, got, size, np.zeros(len(got)), self.oracle.epsilon)

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

    def _settle(self) -> None:
        """Try further spacings for what is not resolved, or does not agree."""
        for number in range(1, SPACINGS):
            open_ = np.zeros(len(self.comparisons[0].got), bool)
            for comparison in self.comparisons:
                open_ |= comparison.wrong | (comparison.relative > SETTLED)
            if not open_.any():
                return
            self.oracle.improve(self.oracle.group_of(open_), number)
            self._refresh()

    def _confirm(self, suspicious: list[_Comparison]) -> None:
        """Measure the noise of the forward and the rounding of the rule, and scan again with both."""
        oracle = self.oracle
        for comparison in suspicious:
            response = rounding(
                self.subject,
                comparison.g,
                self.out,
                self.data,
                self.static,
                oracle.inputs,
                comparison.full,
                self.rng,
            )
            comparison.roundoff = 16 * oracle.epsilon * oracle.project(response)[1]
        wrong = np.any([comparison.wrong for comparison in self.comparisons], axis=0)
        if not wrong.any():
            return
        oracle.measure_noise(self.rng)
        groups = oracle.group_of(wrong)
        precisions = [oracle.work] if oracle.work is oracle.float64 else [oracle.work, oracle.float64]
        # The first bounds rest on a smaller noise: begin anew.
        fresh = oracle.sample(groups, 0, oracle.work)
        for name in ("value", "error", "scale", "kink", "step"):
            getattr(oracle.estimate, name)[groups] = getattr(fresh, name)
        for precision in precisions:
            for number in range(SPACINGS):
                if precision is not oracle.work or number:
                    oracle.improve(groups, number, precision)
        self._refresh()

    def _absorbed(self) -> Array:
        """What float64 cannot see beside the largest entry of the same argument."""
        oracle = self.oracle
        if oracle.kind == "elementwise":
            return np.zeros(oracle.inputs.size)
        part_size = np.zeros(oracle.inputs.size)
        for part in oracle.inputs.parts:
            size = oracle.size[part.start : part.stop]
            if size.size:
                part_size[part.start : part.stop] = size.max() / np.where(
                    size > 0, size, np.maximum(size.max(), 1)
                )
        ratio = oracle.project(part_size)[1]
        return 16 * oracle.work.epsilon * ratio

    def _failures(self, suspicious: list[_Comparison]) -> list[Finding]:
        findings: list[Finding] = []
        absorbed = self._absorbed() if suspicious else np.zeros(1)
        kinked = np.any([c.kink > 1e-6 * c.scale for c in self.comparisons], axis=0)
        for comparison in self.comparisons:
            got, tolerance = comparison.got, comparison.tolerance
            # Where the function hardly moves, the size of its values over that of its inputs tells what is small.
            flat = (comparison.scale == 0) | (tolerance <= 1e-6 * self.oracle.natural(comparison.u))
            scale = np.where(
                flat & np.isfinite(got), np.maximum(comparison.scale, comparison.size), comparison.scale
            )
            off = np.where(np.isfinite(got), np.abs(got - comparison.expected), np.inf)
            sure = comparison.wrong & (tolerance <= MEANINGFUL * scale) & ~kinked
            sure |= (
                comparison.wrong & ~np.isfinite(got) & (comparison.bound < 1e-2 * comparison.scale) & ~kinked
            )
            still = comparison.wrong & ~np.isfinite(got) & (comparison.scale == 0) & ~kinked
            # A bound met by a hair is no proof.
            sure = (sure | still) & (off > absorbed * np.abs(comparison.u).sum()) & (off > 2 * tolerance)
            if sure.any():
                findings.append(self._finding(comparison, sure))
            if len(findings) == _MOST_FINDINGS:
                return findings
        if not findings and kinked.any() and self.kinks and self.oracle.directions is None:
            findings += self._at_kink(kinked)
        elif kinked.any():
            self.lost = "the function has a kink here"
        return findings

    def _at_kink(self, kinked: NDArray[np.bool_]) -> list[Finding]:
        """At a kink the rule must lie within the hull of its own, verified, values nearby."""
        self.at_kink = True
        comparison = self.comparisons[0]
        answer = _kinks.inspect(
            self.subject,
            self.data,
            self.static,
            self.out,
            self.oracle,
            comparison.g,
            comparison.full,
            kinked,
            self.rng,
        )
        if answer.neighbour is not None:
            verdict = differences(
                self.subject,
                answer.neighbour,
                self.static,
                self.rng,
                check=self.check,
                columns=self.columns,
                kinks=False,
                extended=self.extended,
            )
            if verdict.outcome == "fail":
                return list(verdict.findings)
        if not answer.diagnosis:
            self.lost = answer.lost
            return []
        coordinate = answer.coordinate
        argument = self._argument(coordinate)
        return [
            Finding(
                self.check,
                "fail",
                answer.diagnosis,
                input=self._shown(),
                argument=argument,
                got=f"{comparison.full[coordinate]:.17g}",
                expected=answer.expected,
                reproducer=reproducer(self.subject, self.given, self.static, comparison.g, self.out),
            )
        ]

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
            pattern = _diagnose.pattern(
                self.subject,
                self.data,
                self.out,
                part,
                comparison.full[part.start : part.stop],
                comparison.expected[part.start : part.stop],
                sure[part.start : part.stop],
                comparison.tolerance[part.start : part.stop],
            )
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
            reproducer=reproducer(self.subject, self.given, self.static, comparison.g, self.out),
        )

    def _forward_mode(self) -> list[Finding]:
        """A declared JVP against the same reference, output entry by output entry."""
        oracle, subject = self.oracle, self.subject
        if subject.jvp is None or subject.order > 1:
            return []
        if oracle.directions is not None:
            tangent = oracle.directions[0]
            e = oracle.estimate
            expected, bound, scale, kink = e.value[0], e.error[0], e.scale[0], e.kink[0]
        else:
            tangent = self.rng.uniform(0.5, 2.0, oracle.inputs.size) * self.rng.choice(
                [-1.0, 1.0], oracle.inputs.size
            )
            expected, bound, scale, kink = oracle.push(tangent)
        tangents = tangents_like(self.data, oracle, tangent)
        got = push(subject, tangents, self.out, self.data, self.static, oracle)
        off = np.abs(got - expected)
        tolerance = bound + 64 * oracle.epsilon * (scale + np.abs(got))
        known = (bound <= 1e-4 * np.maximum(scale, np.abs(got))) & (kink == 0) & np.isfinite(got)
        wrong = known & (off > 4 * tolerance)
        missing = ~np.isfinite(got) & (bound <= 1e-4 * scale) & (kink == 0)
        if wrong.any():
            # A JVP that cancels inside is as accurate as its response to its inputs' rounding.
            response = np.zeros(oracle.results.size)
            for _ in range(3):
                shake = 1 + 2.0**-36 * self.rng.choice([-1.0, 1.0], oracle.inputs.size)
                moved = list(self.data)
                for index, array in oracle.inputs.arrays(oracle.x * shake).items():
                    moved[index] = array
                out = tuple(
                    np.asarray(leaf) * (1 + 2.0**-36 * self.rng.choice([-1.0, 1.0], np.shape(leaf)))
                    for leaf in outputs(self.out)
                )
                out = out if isinstance(self.out, (tuple, list)) else out[0]
                again = push(subject, tangents, out, moved, self.static, oracle)
                response = np.fmax(response, np.abs(again - got) * 2.0**36)
            wrong &= off > 4 * tolerance + 64 * oracle.epsilon * response
            oracle.measure_noise(self.rng)
            noise = oracle.float64.noise / np.maximum(np.abs(oracle.float64.value), 1e-300)
            wrong &= off > 64 * noise * scale
        wrong |= missing
        if not wrong.any():
            return []
        worst = int(np.argmax(np.where(wrong, np.where(np.isfinite(off), off, np.inf), -1.0)))
        return [
            Finding(
                self.check,
                "fail",
                f"the JVP is wrong for {int(wrong.sum())} of {len(wrong)} output entries",
                input=self._shown(),
                got=f"{got[worst]:.17g}",
                expected=f"{expected[worst]:.17g}",
                error_bound=float(tolerance[worst]),
            )
        ]

    def _summary(self) -> Verdict:
        oracle = self.oracle
        resolved, total, digits = 0, 0, 16.0
        kinked = np.any([c.kink > 1e-6 * c.scale for c in self.comparisons], axis=0)
        singular = self._singular()
        for comparison in self.comparisons:
            relative = comparison.relative
            if self.oracle.owner is None and not np.any(comparison.u):
                continue
            good = (relative <= self.resolved) & ~comparison.wrong
            # A slope known to be nothing beside f/x, and a rule that says so: the tail of a saturated function.
            good |= (comparison.tolerance <= NEGLIGIBLE * oracle.natural(comparison.u)) & ~comparison.wrong
            skip = singular | np.isinf(comparison.got)
            if self.at_kink and not self.lost:
                good |= kinked
            resolved += int((good & ~skip).sum())
            total += int((~skip).sum())
            seen = relative[(relative <= self.resolved) & ~skip & ~kinked]
            if seen.size:
                digits = min(digits, float(-np.log10(max(float(seen.max()), 1e-16))))
        if total == 0:
            return Verdict(
                "waived", "the function has no derivative here: it jumps, or its slope is infinite"
            )
        if 2 * resolved < total:
            why = self.lost or "finite differences do not resolve the derivative here"
            return Verdict("inconclusive", f"{why} ({total - resolved} of {total} entries)", digits)
        return Verdict.passed(digits)

    def _singular(self) -> NDArray[np.bool_]:
        """The coordinates along which the function jumps: there is no derivative to compare with."""
        oracle = self.oracle
        unresolved = np.any([(c.relative > self.resolved) for c in self.comparisons], axis=0)
        jumps = np.zeros(len(unresolved), bool)
        if not unresolved.any() or oracle.directions is not None or (self.at_kink and not self.lost):
            return jumps
        slope = np.array([c.scale for c in self.comparisons]).max(axis=0)
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
