"""Mutation testing: are there samples on which each small mistake in a rule is found?

A mutant is *killed* by the first case (a check on a sample) that fails where the rule itself passes. One that no case
kills *survived*: either the samples prove too little, or the mutant is no mistake, which a waiver says with a reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from opreg import plugins
from opreg._primitive import Waiver
from opreg.verify._cluster import RunBroke
from opreg.verify._executors import Executor, OnRay
from opreg.verify._handshake import versions
from opreg.verify._keyword import keyword
from opreg.verify._mutants import Mutant, Mutants, mutants_of
from opreg.verify._portions import Portions
from opreg.verify._session import _interrupts
from opreg.verify._trials import Decision, Trial, decide_mutant

MINIMUM = 95.0
"""The score in percent below which a run fails, where none is asked for."""

# -- the record ------------------------------------------------------------------------------------------------------


@dataclass
class Tested:
    """What mutation testing says of one primitive."""

    name: str
    found: Mutants
    waivers: list[Waiver]
    whole: bool = True
    decisions: dict[str, Decision] = field(default_factory=dict)

    def waiver(self, mutant: Mutant) -> Waiver | None:
        """Return the waiver that speaks of a mutant."""
        for waiver in self.waivers:
            before, _, after = waiver.change.partition(" -> ")
            if waiver.argument != "*" and waiver.argument not in mutant.arguments:
                continue
            names = mutant.before, mutant.function.rpartition(".")[2]
            if waiver.change == mutant.change or (after == "..." and before in names):
                return waiver
        return None

    def of(self, outcome: str) -> list[Mutant]:
        """Return the mutants that were killed, that survived, or that would have but are waived."""
        return [mutant for mutant in self.found.mutants if self.outcome(mutant) == outcome]

    def outcome(self, mutant: Mutant) -> str:
        """Return what became of a mutant, ``undecided`` if the run did not come to it."""
        decision = self.decisions.get(mutant.identifier)
        if decision is None:
            return "undecided"
        return "waived" if decision.outcome == "survived" and self.waiver(mutant) else decision.outcome

    @property
    def stale(self) -> list[Waiver]:
        """The waivers that waive nothing: no mutant reads so any more, or every one that does is killed."""
        if not (self.whole and self.is_complete):
            return []
        used = {self.waiver(mutant) for mutant in self.of("waived")}
        return [waiver for waiver in self.waivers if waiver not in used]

    @property
    def is_complete(self) -> bool:
        """Whether every mutant is decided."""
        return len(self.decisions) == len(self.found.mutants)

    @property
    def counts(self) -> dict[str, int]:
        """How many mutants there are, and what became of them."""
        outcomes = ("killed", "waived", "survived")
        return {"mutants": len(self.decisions), **{name: len(self.of(name)) for name in outcomes}}

    def as_dict(self) -> dict[str, Any]:
        """What is known of the primitive, as plain values."""

        def entry(mutant: Mutant) -> dict[str, Any]:
            decision, waiver = self.decisions[mutant.identifier], self.waiver(mutant)
            more = {"outcome": self.outcome(mutant), "case": decision.case, "how": decision.how}
            reason = waiver.reason if waiver and more["outcome"] == "waived" else ""
            return {**mutant.as_dict(), **more, "reason": reason}

        return {
            "name": self.name,
            **self.counts,
            "score": score(self.counts),
            "tested": [entry(m) for m in self.found.mutants if m.identifier in self.decisions],
            "stale": [waiver._asdict() for waiver in self.stale],
            "unreadable": [{**u._asdict(), "arguments": list(u.arguments)} for u in self.found.unreadable],
        }


def score(counts: dict[str, int]) -> float | None:
    """Return the percentage of mutants killed, of those not waived; ``None`` where there are none."""
    due = counts["killed"] + counts["survived"]
    return 100.0 * counts["killed"] / due if due else None


@dataclass
class Mutation:
    """A run of mutation testing."""

    trial: Trial
    executor: str
    workers: int
    minimum: float = MINIMUM
    tested: dict[str, Tested] = field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0
    broke: str = ""

    @property
    def total(self) -> int:
        """How many mutants are to be decided."""
        return sum(len(tested.found.mutants) for tested in self.tested.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many mutants were decided, and what became of them."""
        parts = [tested.counts for tested in self.tested.values()]
        return {key: sum(p[key] for p in parts) for key in ("mutants", "killed", "waived", "survived")}

    @property
    def exit_status(self) -> int:
        """0 where the score is good enough, 1 where it is not, 3 where the run broke, 5 where nothing was tested."""
        if self.broke:
            return 3
        reached = score(self.counts)
        if reached is None:
            return 0 if self.counts["waived"] else 5
        return 0 if reached >= self.minimum else 1

    def take(self, decision: Decision) -> str:
        """Enter what was decided of a mutant, and return the name of its primitive."""
        name = decision.identifier.split(":")[0]
        self.tested[name].decisions[decision.identifier] = decision
        return name

    def as_dict(self) -> dict[str, Any]:
        """The run as plain values, for ``mutation.json``."""
        parts = [self.tested[name].as_dict() for name in sorted(self.tested)]
        return {
            "schema": "opreg-mutation/1",
            "run": {
                **asdict(self.trial),
                "started": self.started,
                "seconds": round(self.seconds, 3),
                "executor": self.executor,
                "workers": self.workers,
                "minimum": self.minimum,
                "versions": versions(),
                "broke": self.broke,
            },
            "summary": {
                "primitives": len(parts),
                **self.counts,
                "score": score(self.counts),
                "stale": sum(len(part["stale"]) for part in parts),
                "unreadable": sum(len(part["unreadable"]) for part in parts),
            },
            "primitives": parts,
        }


# -- the run ---------------------------------------------------------------------------------------------------------


def mutate(
    names: Sequence[str],
    executor: Executor,
    trial: Trial,
    *,
    minimum: float = MINIMUM,
    expression: str = "",
    watch: Callable[[Mutation, str], None] | None = None,
) -> Mutation:
    """Test the rules of some primitives by mutation; a run that breaks or is interrupted keeps what it found.

    ``expression`` selects mutants, as ``-k`` does, by the words "primitive function operator".
    """
    run = Mutation(trial, executor.name, executor.workers, minimum)
    run.started = datetime.now(UTC).isoformat(timespec="seconds")
    started = time.perf_counter()
    try:
        with _interrupts(executor):
            for name in names:
                _prepare(run, name, expression)
            for decision in _decided(run, executor):
                name = run.take(decision)
                if watch is not None:
                    watch(run, name)
                if executor.interrupted():
                    raise KeyboardInterrupt
    except RunBroke as error:
        run.broke = str(error)
    except KeyboardInterrupt:
        run.broke = "it was interrupted; what was decided until then is reported."
    run.workers = executor.workers
    run.seconds = time.perf_counter() - started
    return run


def _prepare(run: Mutation, name: str, expression: str) -> None:
    primitive = plugins.get(name)
    found = mutants_of(primitive)
    wanted = keyword(expression)
    chosen = [m for m in found.mutants if wanted(f"{m.primitive} {m.function} {m.operator}")]
    if chosen or found.unreadable:
        run.tested[name] = Tested(
            name, Mutants(chosen, found.unreadable), primitive.waivers, whole=chosen == found.mutants
        )


def _decided(run: Mutation, executor: Executor) -> Iterator[Decision]:
    mutants = {name: [m.identifier for m in tested.found.mutants] for name, tested in run.tested.items()}
    if isinstance(executor, OnRay):
        if any(mutants.values()):
            yield from executor.messages(
                lambda ray, cluster: Portions(ray, cluster, mutants, run.trial, executor.settings)
            )
        return
    for name, identifiers in mutants.items():
        for identifier in identifiers:
            yield decide_mutant(name, identifier, run.trial)
