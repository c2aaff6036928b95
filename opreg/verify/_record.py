"""The record of a run: the messages of all workers brought together, in whatever order they came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opreg import plugins
from opreg.plugins import Problem
from opreg.verify._messages import FULL, Batch, Coverage, Hello, Message, Tally
from opreg.verify._plan import CASES, SAMPLES, Case
from opreg.verify._unchecked import Unchecked, unchecked
from opreg.verify._verdict import Finding

SCHEMA = "opreg-report/1"
OUTCOMES = ("pass", "fail", "inconclusive", "waived", "error")
_WORST_FIRST = ("fail", "error", "inconclusive", "pass", "waived")
COVERAGE = "coverage"
"""What is said of a primitive that leaves something unchecked: the name of a check, though no case decides it."""
_OF_THE_RUN = ("started", "seconds", "executor", "workers")


def verdict_of(tally: Tally) -> str:
    """Return what a check says of a primitive from all its cases; "" where no case was decided.

    One failure fails it. A case that could not be resolved is no verdict on the rule; the check is
    inconclusive when most of its cases are.
    """
    counts = tally.outcomes
    if not tally.cases:
        return ""
    if counts.get("fail"):
        return "fail"
    if counts.get("error"):
        return "error"
    judged = tally.cases - counts.get("waived", 0)
    if not judged:
        return "waived"
    return "inconclusive" if 2 * counts.get("inconclusive", 0) > judged else "pass"


@dataclass
class PrimitiveRecord:
    """What a run found about one primitive."""

    name: str
    plugin: str = ""
    distribution: str = ""
    version: str = ""
    digest: str = ""
    samples: int = 0
    seconds: float = 0.0
    checks: dict[str, Tally] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    unchecked: Unchecked | None = None
    """What is left unchecked, once every case is decided."""
    _findings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many cases were decided."""
        return sum(tally.cases for tally in self.checks.values())

    @property
    def verdict(self) -> str:
        """The worst verdict of its checks; inconclusive where nothing of it was checked."""
        verdicts = {verdict_of(tally) for tally in self._judged.values()}
        return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), "inconclusive")

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings in the order of their cases, at most a fixed number for each check."""
        if not self.cases:
            return [Finding("samples", "inconclusive", self._why_unchecked()).as_dict()]
        kept = [finding for check in self._findings for finding in _first(self._findings[check])]
        found = _explained_once(sorted(kept, key=_by_case))
        if self.unchecked is not None and COVERAGE in self._judged and self.unchecked.count:
            found.append(Finding(COVERAGE, "inconclusive", f"{self.unchecked.sentence}.").as_dict())
        return found

    @property
    def _judged(self) -> dict[str, Tally]:
        """The checks, and what coverage says where it decides."""
        if self.unchecked is None or not self.unchecked.decides:
            return self.checks
        outcome = "inconclusive" if self.unchecked.count else "pass"
        return {**self.checks, COVERAGE: Tally({outcome: 1})}

    def _why_unchecked(self) -> str:
        reasons = {reason for tally in self.checks.values() for reason in tally.inapplicable}
        number = f"{self.samples} sample{'' if self.samples == 1 else 's'}"
        return (
            f"no check applies to any of its {number}: {'; '.join(sorted(reasons)) or 'none was selected'}."
        )

    def add(self, batch: Batch) -> None:
        """Add a message's cases."""
        self.samples += batch.samples
        self.seconds += batch.seconds
        self.coverage.merge(batch.coverage)
        for name, tally in batch.checks.items():
            self.checks.setdefault(name, Tally()).merge(tally)
        for finding in batch.findings:
            kept = self._findings.setdefault(finding["check"], [])
            kept.append(finding)
            if len(kept) > 4 * FULL:
                kept[:] = _first(kept)

    def conclude(self, whole: bool) -> None:
        """Say what is left unchecked, now that every case is decided; ``whole`` tells whether every check ran.

        It is held against a primitive that is right in all else, where as much ran as does by default.
        """
        enough = self.samples >= SAMPLES and self.cases >= CASES
        decides = whole and enough and self.verdict in ("pass", "waived")
        self.unchecked = unchecked(plugins.get(self.name), self.coverage, decides)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``report.json`` says of the primitive."""
        left = self.unchecked or unchecked(plugins.get(self.name), self.coverage)
        return {
            "name": self.name,
            "plugin": self.plugin,
            "distribution": self.distribution,
            "version": self.version,
            "digest": self.digest,
            "verdict": self.verdict,
            "cases": self.cases,
            "samples": self.samples,
            "seconds": round(self.seconds, 3),
            "checks": {name: _check(self._judged[name]) for name in sorted(self._judged)},
            "unchecked": left.as_dict(),
            "findings": [_finite(finding) for finding in self.findings],
        }


@dataclass
class Record:
    """Everything a run found: the one source of its reports, its last line and its exit status."""

    seed: int
    started: str
    executor: str
    workers: int
    versions: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    primitives: dict[str, PrimitiveRecord] = field(default_factory=dict)
    seconds: float = 0.0
    broke: str = ""
    stopped: bool = False

    def expect(self, names: Iterable[str]) -> None:
        """Note which primitives are to be checked, so that none that was not is forgotten."""
        for name in names:
            origin = plugins.origin(plugins.get(name))
            self.primitives[name] = PrimitiveRecord(name, origin.plugin, origin.distribution, origin.version)

    def add(self, message: Message) -> None:
        """Add a message."""
        record = self.primitives[message.primitive]
        if isinstance(message, Hello):
            record.digest = message.digest
        elif isinstance(message, Batch):
            record.add(message)

    def conclude(self, name: str, whole: bool) -> None:
        """Note that every case of a primitive is decided; ``whole`` tells whether every check ran."""
        self.primitives[name].conclude(whole)

    @property
    def reported(self) -> dict[str, PrimitiveRecord]:
        """The primitives that the run was to check; where it was stopped early, those that it came to."""
        if not self.stopped and not self.broke:
            return self.primitives
        return {name: record for name, record in self.primitives.items() if record.cases}

    @property
    def summary(self) -> dict[str, int]:
        """The run in numbers: primitives, cases, and the cases by outcome."""
        counts = dict.fromkeys(OUTCOMES, 0)
        for record in self.reported.values():
            for tally in record.checks.values():
                for outcome, number in tally.outcomes.items():
                    counts[outcome] += number
        return {"primitives": len(self.reported), "cases": sum(counts.values()), **counts}

    @property
    def verdicts(self) -> dict[str, int]:
        """The primitives by verdict."""
        counts = dict.fromkeys(OUTCOMES, 0)
        for record in self.reported.values():
            counts[record.verdict] += 1
        return counts

    @property
    def exit_status(self) -> int:
        """The exit status of the run, as the command line has it."""
        if self.broke:
            return 3
        verdicts = self.verdicts
        if verdicts["fail"] or self.problems:
            return 1
        if verdicts["error"] or verdicts["inconclusive"]:
            return 4
        return 0 if self.summary["cases"] else 5

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``report.json``."""
        return {
            "schema": SCHEMA,
            "run": {
                "seed": self.seed,
                "started": self.started,
                "seconds": round(self.seconds, 3),
                "executor": self.executor,
                "workers": self.workers,
                "versions": dict(self.versions),
                "exit_status": self.exit_status,
                "broke": self.broke,
                "stopped": self.stopped,
            },
            "summary": {**self.summary, "verdicts": self.verdicts},
            "problems": [problem._asdict() for problem in sorted(self.problems)],
            "primitives": [self.reported[name].as_dict() for name in sorted(self.reported)],
        }


def comparable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without what two runs of one seed differ in: times, executor, number of workers."""
    return {
        **report,
        "run": {name: value for name, value in report["run"].items() if name not in _OF_THE_RUN},
        "primitives": [
            {name: value for name, value in primitive.items() if name != "seconds"}
            for primitive in report["primitives"]
        ],
    }


def _check(tally: Tally) -> dict[str, Any]:
    return {
        "verdict": verdict_of(tally),
        "cases": tally.cases,
        **{outcome: tally.outcomes.get(outcome, 0) for outcome in OUTCOMES},
        "digits": tally.digits,
        "kinks": tally.kinks,
        "reasons": dict(sorted(tally.reasons.items())),
        "inapplicable": dict(sorted(tally.inapplicable.items())),
    }


def _by_case(finding: Mapping[str, Any]) -> Case:
    return Case.parse(finding["case"])


def _first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(findings, key=_by_case)[:FULL]


def _explained_once(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep what explains a finding with the first of its check and argument.

    Each process explains the first that it comes to; which of them is the first of the run is known only here.
    """
    seen: set[tuple[str, int | None]] = set()
    told = []
    for finding in findings:
        key = finding["check"], finding.get("argument")
        told.append(finding | {"shrunk": None, "reproducer": None} if key in seen else finding)
        if finding.get("verdict") == "fail":
            seen.add(key)
    return told


def _finite(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding as JSON can have it: numbers that are not finite become text."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in finding.items()
    }
