"""What a check says: a `Verdict`, with the `Finding`s that explain it.

Both are plain data: strings, numbers and None only, so that they travel between processes and into JSON as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["pass", "fail", "inconclusive", "waived", "error"]

# From bad to good: the worst outcome of several is the outcome of all.
_SEVERITY: tuple[Outcome, ...] = ("error", "fail", "inconclusive", "pass", "waived")


@dataclass(frozen=True, slots=True)
class Small:
    """A small input at which a rule fails in the same way; or, with `note`, why there is none."""

    input: str = ""
    got: str | None = None
    expected: str | None = None
    note: str = ""

    def as_dict(self) -> dict[str, str | None]:
        """It as a dictionary for `report.json`: without what does not apply."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    def lines(self) -> list[str]:
        """It as lines of text."""
        if self.note:
            return [f"  {self.note}"]
        lines = [f"  small     {self.input}"]
        if self.got is not None:
            lines.append(f"            got {self.got}")
        if self.expected is not None:
            lines.append(f"            expected {self.expected}")
        return lines


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a rule, and the evidence for it; `reproducer` is for the small input, `shrunk`."""

    check: str
    verdict: Outcome
    diagnosis: str
    case: str | None = None
    input: str | None = None
    argument: int | None = None
    got: str | float | None = None
    expected: str | float | None = None
    error_bound: float | None = None
    reproducer: str | None = None
    shrunk: Small | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as a dictionary for `report.json`."""
        told = dataclasses.asdict(self)
        return told | {"shrunk": None if self.shrunk is None else self.shrunk.as_dict()}

    def replace(self, **changes: Any) -> Finding:
        """A copy with some fields changed, e.g. `finding.replace(case="...")`."""
        return dataclasses.replace(self, **changes)

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.diagnosis}"]
        if self.input is not None:
            lines.append(f"  input     {self.input}")
        if self.argument is not None:
            lines.append(f"  argument  {self.argument}")
        if self.got is not None:
            lines.append(f"  got       {self.got}")
        if self.expected is not None:
            bound = "" if self.error_bound is None else f"   (+- {self.error_bound:.1e})"
            lines.append(f"  expected  {self.expected}{bound}")
        if self.shrunk is not None:
            lines.extend(self.shrunk.lines())
        if self.reproducer:
            lines.append("  reproduce it with")
            lines.extend("    " + line for line in self.reproducer.splitlines())
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check: truthy only when the rule was verified.

    `digits` is how many decimal digits the reference resolved where that applies; `reason` says in a sentence why a
    verdict is not a pass. `kinks` counts the points without a derivative that were met.
    """

    outcome: Outcome
    reason: str = ""
    digits: float | None = None
    findings: tuple[Finding, ...] = ()
    kinks: int = 0

    def __bool__(self) -> bool:
        return self.outcome == "pass"

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        head: str = self.outcome
        if self.digits is not None:
            head += f" to {self.digits:.0f} digits"
        if self.reason:
            head += f": {self.reason}"
        return "\n".join([head, *map(str, self.findings)])

    def __repr__(self) -> str:
        return f"<Verdict {self}>"

    def as_dict(self) -> dict[str, Any]:
        """The verdict as a dictionary of plain values."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "digits": self.digits,
            "kinks": self.kinks,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    @staticmethod
    def passed(digits: float | None = None) -> Verdict:
        """A pass."""
        return Verdict("pass", digits=digits)

    @staticmethod
    def of(findings: Iterable[Finding], digits: float | None = None) -> Verdict:
        """The verdict that some findings amount to: a pass when there are none."""
        found = tuple(findings)
        if not found:
            return Verdict("pass", digits=digits)
        worst = min((finding.verdict for finding in found), key=_SEVERITY.index)
        reason = next(finding.diagnosis for finding in found if finding.verdict == worst)
        return Verdict(worst, reason, digits, found)

    @staticmethod
    def merge(verdicts: Iterable[Verdict]) -> Verdict:
        """Several verdicts as one: the worst outcome wins, all findings are kept."""
        several = list(verdicts)
        if not several:
            return Verdict("inconclusive", "nothing was checked")
        worst = min(several, key=lambda verdict: _SEVERITY.index(verdict.outcome))
        digits = [verdict.digits for verdict in several if verdict.digits is not None]
        findings = tuple(finding for verdict in several for finding in verdict.findings)
        kinks = sum(verdict.kinks for verdict in several)
        return Verdict(worst.outcome, worst.reason, min(digits, default=None), findings, kinks)

    def replace(self, **changes: Any) -> Verdict:
        """A copy with some fields changed, e.g. `verdict.replace(findings=())`."""
        return dataclasses.replace(self, **changes)
