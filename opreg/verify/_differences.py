"""The rule against the finite-difference oracle, entry by entry, with three possible answers.

An entry fails only when the rule is farther from the reference than the reference's own error bound and the rule's own
rounding together, when slower scans confirm that, and when the bound is small enough to mean something. An entry
whose derivative the reference does not resolve says nothing; a check most of whose entries say nothing is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify import _kinks
from opreg.verify._allowance import Allowance
from opreg.verify._comparison import Comparison, joined
from opreg.verify._coordinates import Part, outputs, packed
from opreg.verify._diagnose import diagnose
from opreg.verify._evidence import Evidence
from opreg.verify._literal import shown
from opreg.verify._oracle import SPACINGS, Oracle, widen
from opreg.verify._rule import Fault, copies, cotangent_like, evaluate, pull, push
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
# ... unless the rule itself says something far larger, whose rounding is no more than this part of it.
GROSS = 1e-6
_MOST_COLUMNS = 600
_MOST_FINDINGS = 3
# How many smooth points beside a kink are checked, of as many as `_kinks` proposes.
_REDRAWN = 2


# Before a failure is called the function is looked at from closer and closer, by this factor, this many times.
_CLOSER = 2.0**-4
_RUNGS = 24


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
        self.allowance = Allowance(subject, self.data, static, self.out, self.oracle, rng)

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

    def _compare(self, u: Array) -> Comparison:
        g = cotangent_like(self.out, u, self.oracle.results)
        # The rule gets copies: what it writes must not reach the reference.
        handed = packed(copies(outputs(g)), g)
        result = pull(self.subject, handed, self.out, copies(self.data), self.static)
        full = self.oracle.inputs.cotangent(result)
        self._imaginary(result)
        got, size = self.oracle.project(full)
        if self.oracle.directions is None:
            size = joined(size, self.oracle.inputs.parts)
        return Comparison(u, g, full, got, size, np.zeros(len(got)), self.oracle.epsilon)

    def _compare_forward(self) -> Comparison:
        """The JVP along the first direction, or along one that moves every coordinate."""
        oracle = self.oracle
        if oracle.directions is not None:
            v = oracle.directions[0]
        else:
            v = self.rng.uniform(0.5, 2.0, oracle.inputs.size)
            v *= self.rng.choice(np.array([-1.0, 1.0]), oracle.inputs.size)
        arrays = oracle.inputs.arrays(v)
        tangents = tuple(arrays[i].copy() if i in arrays else None for i in range(len(self.data)))
        leaves = push(self.subject, tangents, self.out, copies(self.data), self.static, oracle.results)
        got = oracle.results.point(leaves)
        size = joined(np.abs(got), oracle.results.parts)
        return Comparison(v, tangents, got, got, size, np.zeros(len(got)), oracle.epsilon, forward=True)

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

    def _confirm(self, suspicious: list[Comparison]) -> None:
        """Measure the noise of the forward and the rounding of the rule, and scan again with both."""
        oracle = self.oracle
        for comparison in suspicious:
            self.allowance.of_entries(comparison)
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

    def _look_closer(self) -> None:
        """Look at what is wrong from closer and closer, down to where noise hides it.

        A function that wiggles or jumps between the nodes can agree with itself on a derivative that it does not
        have. The derivative is what is left in the limit: the reference stands only if a closer look upholds it,
        and falls if any closer look agrees with the rule.
        """
        kept, unit = self.oracle.kept(), self.oracle.unit()
        # A JVP sees all coordinates at once. Who starts from farthest moves first, each at a distance that suits it ...
        reach = float(np.max(kept / unit)) * _CLOSER ** np.arange(1, _RUNGS + 1)
        self._approach(
            [np.minimum(kept * _CLOSER, unit * r) for r in reach], [c.wrong for c in self.comparisons]
        )
        # ... then all alike: one that starts from close by may have most to show, before noise hides the others.
        left = [c.wrong & np.isinf(c.cleared) & c.forward for c in self.comparisons]
        if self.oracle.directions is None and any(one.any() for one in left):
            self._approach([kept * part for part in _CLOSER ** np.arange(1, _RUNGS + 1)], left)

    def _approach(self, distances: Sequence[Array], live: list[NDArray[np.bool_]]) -> None:
        """Look at what is live from these distances, one after the other, while that may say more."""
        oracle = self.oracle
        for comparison in self.comparisons:
            comparison.begin_looking()
        for spacing in distances:
            groups = self._groups(live)
            if not len(groups):
                return
            closer = oracle.closer(groups, spacing)
            fresh = [np.isinf(comparison.cleared) for comparison in self.comparisons]
            live = [
                live & comparison.look(oracle, closer, self.allowance.neglected)
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

    def _sure(self, comparison: Comparison) -> NDArray[np.bool_]:
        """Where nothing speaks for the rule any more, kinks apart."""
        got, tolerance, scale = comparison.got, comparison.tolerance, comparison.scale
        finite = np.isfinite(got)
        # Where the function hardly moves, the size of its values over that of its inputs tells what is small.
        flat = scale == 0
        if not comparison.forward:
            flat |= tolerance <= 1e-6 * self.oracle.natural(comparison.u)
        scale = np.where(flat & finite, np.maximum(scale, comparison.size), scale)
        off = np.where(finite, np.abs(got - comparison.expected), np.inf)
        meaningful = tolerance <= MEANINGFUL * scale
        # A rule that is wrong by far rounds by far: what it says is not small only because it was rounded.
        meaningful |= (comparison.bound <= MEANINGFUL * scale) & (tolerance <= GROSS * np.abs(got))
        sure = finite & meaningful & comparison.upheld & np.isinf(comparison.cleared)
        # What overflows for one coordinate may do so on the way to another.
        if self.oracle.kind == "elementwise" or bool(np.all(comparison.bound < UNKNOWN / 1e50)):
            # A complex number that is not finite in one part may be so in the other, whatever that is.
            bound = comparison.of_numbers(self.oracle, comparison.bound)
            known = (bound < self.resolved * comparison.scale) | (comparison.scale == 0)
            # A cotangent of zero makes nothing of a slope that is not known, and NaN of one that is infinite.
            ones = np.ones_like(comparison.u)
            known &= (self.oracle.push if comparison.forward else self.oracle.pull)(ones)[1] < UNKNOWN / 1e50
            sure |= ~finite & known
        sure &= comparison.view(self.oracle, self.oracle.jags())[1] <= MEANINGFUL * scale
        if not comparison.forward:
            sure &= off > self.allowance.absorbed(comparison)
        # A bound met by a hair is no proof.
        result: NDArray[np.bool_] = sure & comparison.wrong & (off > 2 * tolerance)
        return result

    def _failures(self, suspicious: list[Comparison]) -> list[Finding]:
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
        kinked = [(c.kink > 1e-6 * c.scale) | (c.bent & c.wrong) for c in self.comparisons]
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
                    self.allowance.of_matrices(comparison, self.comparisons[0])
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
        self, comparison: Comparison, wrong: NDArray[np.bool_], told: set[int]
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
        # What is off moves as well: a tie that two others hide, as in a partition, is none when those are apart.
        pairs = zip(kinked, self.comparisons, strict=True)
        moving = np.any([k | c.wrong for k, c in pairs if not c.forward], axis=0)
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

    def _nearby(self, comparison: Comparison) -> _kinks.Nearby:
        """What the rule gives at another point: there the forward's output, and the result in coordinates."""
        subject, static, oracle = self.subject, self.static, self.oracle

        def value(point: list[Any]) -> tuple[Any, Array]:
            there = subject.forward(*copies(point), **static)
            if comparison.forward:
                leaves = push(subject, comparison.given, there, copies(point), static, oracle.results)
                return there, oracle.results.point(leaves)
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

    def _finding(self, comparison: Comparison, sure: NDArray[np.bool_]) -> Finding:
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
            pattern = diagnose(self._evidence(comparison, part, sure))
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

    def _evidence(self, comparison: Comparison, part: Part, sure: NDArray[np.bool_]) -> Evidence:
        piece = slice(part.start, part.stop)
        return Evidence(
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

    def _forward_finding(self, comparison: Comparison, sure: NDArray[np.bool_]) -> Finding:
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
        # Of all entries, and of those where there is something: nothing against nothing proves little.
        resolved, total, digits = np.zeros(2, int), np.zeros(2, int), 16.0
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
            telling = (comparison.scale > 0) | (comparison.got != 0)
            resolved += [(good & ~skip).sum(), (good & ~skip & telling).sum()]
            total += [(~skip).sum(), (~skip & telling).sum()]
            seen = relative[(relative <= self.resolved) & ~skip & ~kinked]
            if seen.size:
                digits = min(digits, float(-np.log10(max(float(seen.max()), 1e-16))))
        if not total.any():
            text = "the function has no derivative here: it jumps, or its slope is infinite"
            return Verdict("waived", text, kinks=max(self.met, 1))
        if (2 * resolved < total).any():
            why = self.lost or "finite differences do not resolve the derivative here"
            number = int((2 * resolved < total)[1])
            why += f" ({total[number] - resolved[number]} of {total[number]} entries)"
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
