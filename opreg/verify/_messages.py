"""What crosses from the process that decides to the process that reports: names, numbers and strings.

Nothing of a plugin is in a message (no array, no exception, no class of its own), so that nothing of a
plugin can break on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

FULL = 20
"""How many findings of one check of one primitive are kept in full; further ones are counted."""
GIVEN_UP = -1
"""In the place of a shard's first round: what is said of a primitive of which nothing more is to be decided."""


@dataclass(slots=True)
class Tally:
    """How one check of one primitive went: outcomes counted, the fewest digits resolved, kinks met, reasons."""

    outcomes: dict[str, int] = field(default_factory=dict)
    digits: float | None = None
    kinks: int = 0
    """How many points without a derivative were met."""
    reasons: dict[str, int] = field(default_factory=dict)
    inapplicable: dict[str, int] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many cases were decided."""
        return sum(self.outcomes.values())

    def count(self, outcome: str, reason: str = "", digits: float | None = None, kinks: int = 0) -> None:
        """Count one case."""
        self.kinks += kinks
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if digits is not None:
            self.digits = digits if self.digits is None else min(self.digits, digits)
        if outcome == "waived" and reason:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def skip(self, reason: str) -> None:
        """Count a sample to which the check does not apply."""
        self.inapplicable[reason] = self.inapplicable.get(reason, 0) + 1

    def merge(self, other: Tally) -> None:
        """Add another tally of the same check."""
        for mine, theirs in (
            (self.outcomes, other.outcomes),
            (self.reasons, other.reasons),
            (self.inapplicable, other.inapplicable),
        ):
            for name, number in theirs.items():
                mine[name] = mine.get(name, 0) + number
        self.kinks += other.kinks
        if other.digits is not None:
            self.digits = other.digits if self.digits is None else min(self.digits, other.digits)


@dataclass(slots=True)
class Coverage:
    """What cases exercised of a primitive. Sets, so that it does not matter which worker adds what and when."""

    targets: set[int] = field(default_factory=set)
    """The lines and branches of its rules that were executed, by number."""
    keywords: set[str] = field(default_factory=set)
    """Those given with another value than the default."""
    arguments: set[str] = field(default_factory=set)
    """Those whose derivative was asked for."""
    dtypes: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    """Dtypes that the forward takes, as far as that had to be tried."""
    hindrances: set[str] = field(default_factory=set)
    """Why the rules could not be watched."""

    def merge(self, other: Coverage) -> None:
        """Add what other cases exercised."""
        self.targets |= other.targets
        self.keywords |= other.keywords
        self.arguments |= other.arguments
        self.dtypes |= other.dtypes
        self.accepted |= other.accepted
        self.hindrances |= other.hindrances


@dataclass(frozen=True, slots=True)
class Hello:
    """The handshake, before the first case of a shard: who decides it, and which version of the rules it has."""

    primitive: str
    first: int
    """The shard's first round, by which its messages are told from those of the primitive's other shards."""
    final: int
    """Its last round."""
    pid: int
    node: str
    digest: str
    """That of the primitive there; empty where it does not have it."""
    versions: dict[str, str]
    plugin: str = ""
    """Where the primitive is from, there; without a digest, what is wrong with the plugins there."""
    place: str = ""
    """The node of Ray, by its identifier."""


@dataclass(slots=True)
class Batch:
    """A contiguous run of cases that were decided: what passed is counted, what did not is told in full."""

    primitive: str
    first: int = 0
    last: str = ""
    """The identifier of the last case that is covered, behind which the shard can be taken up again."""
    samples: int = 0
    seconds: float = 0.0
    checks: dict[str, Tally] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)

    @property
    def cases(self) -> int:
        """How many cases the message covers."""
        return sum(tally.cases for tally in self.checks.values())

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return sum(tally.outcomes.get("fail", 0) for tally in self.checks.values())


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a shard: everything in it is decided. With ``GIVEN_UP`` as its round it is that of its primitive."""

    primitive: str
    first: int = 0


Message: TypeAlias = Hello | Batch | Done


def plain(value: Any) -> str | int | float | None:
    """Return a value as a number, a string or None, whatever it was: even where its ``str`` raises."""
    if value is None or type(value) in (str, int, float, bool):
        return value  # type: ignore[no-any-return]
    try:
        if isinstance(value, (bool, int)):
            return int(value)
        return float(value) if isinstance(value, float) else str(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def sentence(error: BaseException) -> str:
    """Return an exception as one line: its type and what it says, whatever it does when asked."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its message cannot be shown)"
    name = type(error).__name__
    return f"{name}: {text[:500]}" if text else name


def last_line(error: BaseException) -> str:
    """Return the last line of what an error says: of Ray's, what it is about."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
