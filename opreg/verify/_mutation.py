"""Mutation testing: are there samples on which each small mistake in a rule is found?

A mutant is *killed* by the first case (a check on a sample) that fails where the rule itself passes. One that no case
kills *survived*: either the samples prove too little, or the mutant is no mistake, which a waiver says with a reason.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from opreg import plugins
from opreg._primitive import Primitive, Waiver
from opreg.verify import _checks
from opreg.verify._bounds import BOUNDS, Bounds, OutOfBounds, within
from opreg.verify._cluster import Cluster, RunBroke
from opreg.verify._executors import Executor, OnRay
from opreg.verify._handshake import versions
from opreg.verify._keyword import keyword
from opreg.verify._messages import sentence
from opreg.verify._mutants import Mutant, Mutants, mutants_of
from opreg.verify._plan import Case
from opreg.verify._run import draw
from opreg.verify._seeds import stream
from opreg.verify._session import _interrupts
from opreg.verify._subject import Subject

SAMPLES = 20
"""How many samples a mutant is tried on at least, where the number is not asked for: whole rounds of them."""
MINIMUM = 95.0
"""The score in percent below which a run fails, where none is asked for."""
CHUNK = 12
"""How many mutants a task decides."""
ROUNDS = 100
DEAR = ("second-order", "variants")
"""The checks that take longest, which therefore come last."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How mutants are tried: the same for every mutant of a run."""

    seed: int
    samples: int = SAMPLES
    bounds: Bounds = BOUNDS


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a mutant: ``killed``, by which case and how, or ``survived``."""

    identifier: str
    outcome: str
    case: str = ""
    how: str = ""


# -- deciding --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _mutants(primitive: Primitive) -> dict[str, Mutant]:
    return {mutant.identifier: mutant for mutant in mutants_of(primitive).mutants}


def decide_mutants(name: str, identifiers: Sequence[str], trial: Trial) -> list[Decision]:
    """Decide some mutants of one registered primitive, in this process."""
    primitive = plugins.get(name)
    known, judge = _mutants(primitive), _judge(primitive, trial)
    unknown = [identifier for identifier in identifiers if identifier not in known]
    if unknown:
        raise LookupError(f"{name} has no mutant {unknown[0]}: its source differs between processes.")
    return [judge.decide(known[identifier]) for identifier in identifiers]


@lru_cache(maxsize=4)
def _judge(primitive: Primitive, trial: Trial) -> _Judge:
    return _Judge(primitive, trial)


class _Judge:
    """Runs the checks of one primitive's samples on its mutants."""

    def __init__(self, primitive: Primitive, trial: Trial) -> None:
        self.primitive, self.trial = primitive, trial
        self.subject = Subject.of(primitive)
        known = _checks.table(constant=primitive.is_constant)
        self.checks = dict(sorted(known.items(), key=lambda item: item[0] in DEAR))
        self.rounds: dict[int, list[Any]] = {}
        self.sound: dict[Case, bool] = {}
        self.count = self._rounds()

    def decide(self, mutant: Mutant) -> Decision:
        """Try a mutant on each case until one kills it. Cases on which the rule itself fails decide nothing."""
        subject = Subject.of(mutant.build())
        for case in self.cases():
            how = self._verdict(subject, case)
            if how:
                self.rounds.clear()  # a mutant may have written into the samples
                if self._is_sound(case):
                    return Decision(mutant.identifier, "killed", str(case), how)
        return Decision(mutant.identifier, "survived")

    def cases(self) -> Iterator[Case]:
        """Yield the cases: every sample for one check, then for the next."""
        for check in self.checks:
            for number in range(self.count):
                for index in range(len(self._samples(number))):
                    yield Case(self.primitive.name, number, index, check, self.trial.seed)

    def _rounds(self) -> int:
        """Return how many rounds it takes to have enough samples."""
        number = total = 0
        while total < self.trial.samples and number < ROUNDS:
            found = len([s for s in self._samples(number) if s is not None])
            number, total = number + 1, total + found
            if not found:
                break
        return number

    def _samples(self, number: int) -> list[Any]:
        """Return the samples of a round as data and static keywords; ``None`` for one that the forward refuses."""
        if number not in self.rounds:
            try:
                with within(self.trial.bounds):
                    drawn = draw(self.primitive, self.trial.seed, number).samples
                    self.rounds[number] = [self._prepared(sample) for sample in drawn]
            except OutOfBounds:
                self.rounds[number] = []
        return self.rounds[number]

    def _prepared(self, sample: Any) -> Any:
        try:
            data, static = self.primitive.canonical(sample.args, sample.kwargs)
            self.primitive.forward(*data, **static)
        except Exception:
            return None
        return data, static

    def _verdict(self, subject: Subject, case: Case) -> str:
        """Return what a case has against a subject, in a sentence; empty if nothing or if it does not apply."""
        prepared = self._samples(case.round)[case.index]
        if prepared is None:
            return ""
        data, static = prepared
        check = self.checks[case.check]
        try:
            with within(self.trial.bounds):
                if check.applies(subject, data, static) is not None:
                    return ""
                rng = stream(case.seed, case.primitive, case.check, case.round, case.index)
                verdict = check.run(subject, data, static, rng)
        except KeyboardInterrupt:
            raise
        except OutOfBounds as error:
            return str(error)
        except BaseException as error:
            return f"it raised {sentence(error)}"
        return (verdict.reason or verdict.outcome) if verdict.outcome in ("fail", "error") else ""

    def _is_sound(self, case: Case) -> bool:
        """Tell whether the rule itself passes a case."""
        if case not in self.sound:
            self.sound[case] = not self._verdict(self.subject, case)
        return self.sound[case]


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

    def take(self, decisions: Sequence[Decision]) -> str:
        """Enter what was decided, of mutants of one primitive, and return its name."""
        name = decisions[0].identifier.split(":")[0]
        self.tested[name].decisions.update({d.identifier: d for d in decisions})
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
            for decisions in _decided(run, executor):
                name = run.take(decisions)
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


def _chunks(run: Mutation) -> list[tuple[str, list[str]]]:
    """Return the mutants in portions of one primitive each."""
    chunks = []
    for name, tested in run.tested.items():
        identifiers = [mutant.identifier for mutant in tested.found.mutants]
        chunks += [(name, identifiers[i : i + CHUNK]) for i in range(0, len(identifiers), CHUNK)]
    return chunks


def _decided(run: Mutation, executor: Executor) -> Iterator[list[Decision]]:
    if isinstance(executor, OnRay):
        yield from _on_ray(run, executor)
        return
    for name, identifiers in _chunks(run):
        for identifier in identifiers:
            yield decide_mutants(name, [identifier], run.trial)


def _on_ray(run: Mutation, executor: OnRay) -> Iterator[list[Decision]]:
    """Decide portions on Ray, several at a time.

    Where a worker dies, its portion is tried again, one by one; where a node is lost, whatever is under way is.
    """
    waiting = _chunks(run)
    if not waiting:
        return
    with executor.ray() as ray:
        task, cluster = ray.remote(_portion), Cluster(ray)
        flights: dict[Any, tuple[str, list[str]]] = {}
        deaths: dict[str, int] = {}
        try:
            while waiting or flights:
                if executor.interrupted():
                    raise KeyboardInterrupt
                if cluster.lost():
                    waiting[:0] = flights.values()
                    _cancel(ray, flights)
                while waiting and len(flights) < executor.most(cluster):
                    name, identifiers = waiting.pop(0)
                    placed = task.options(**executor.settings, **cluster.placement())
                    flights[placed.remote(name, identifiers, run.trial)] = name, identifiers
                for done in ray.wait(list(flights), num_returns=1, timeout=1.0)[0]:
                    name, identifiers = flights.pop(done)
                    try:
                        yield ray.get(done)
                    except ray.exceptions.RayTaskError as error:
                        cause = str(error).strip().splitlines()[-1]
                        raise RunBroke(f"a worker could not decide mutants of {name}: {cause}") from None
                    except ray.exceptions.RayError:
                        again, dead = _after_death(name, identifiers, deaths)
                        waiting[:0] = again
                        if dead:
                            yield dead
        finally:
            _cancel(ray, flights)


def _cancel(ray: Any, flights: dict[Any, tuple[str, list[str]]]) -> None:
    for flight in flights:
        with contextlib.suppress(Exception):
            ray.cancel(flight, force=True)
    flights.clear()


def _after_death(
    name: str, identifiers: list[str], deaths: dict[str, int]
) -> tuple[list[tuple[str, list[str]]], list[Decision]]:
    """Return what is to be tried again, and the mutant that is killed since it ended its worker twice, alone."""
    if len(identifiers) > 1:
        return [(name, [identifier]) for identifier in identifiers], []
    deaths[identifiers[0]] = deaths.get(identifiers[0], 0) + 1
    if deaths[identifiers[0]] < 2:
        return [(name, identifiers)], []
    return [], [Decision(identifiers[0], "killed", "", "it ended its process, or hung")]


def _portion(name: str, identifiers: list[str], trial: Trial) -> list[Decision]:
    """What runs in a worker: it ends the worker where a mutant hangs so hard that its time limit cannot stop it."""
    found: list[Decision] = []
    with open(os.devnull, "w") as nowhere:
        try:
            for identifier in identifiers:
                faulthandler.dump_traceback_later(30 * trial.bounds.seconds, exit=True, file=nowhere)
                found += decide_mutants(name, [identifier], trial)
        finally:
            faulthandler.cancel_dump_traceback_later()
    return found
