"""Mutants on trial: each is run through the cases of its primitive until one kills it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from opreg import plugins
from opreg._primitive import Primitive
from opreg.verify import _checks
from opreg.verify._bounds import BOUNDS, Bounds, OutOfBounds, within
from opreg.verify._messages import sentence
from opreg.verify._mutants import Mutant, mutants_of
from opreg.verify._plan import Case
from opreg.verify._remembered import Remembered
from opreg.verify._run import draw
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject

SAMPLES = 20
"""How many samples a mutant is tried on at least, where the number is not asked for: whole rounds of them."""
ROUNDS = 100
TELLING = ("differences", "adjoint")
"""The checks that find most mistakes, which therefore come first."""
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


@lru_cache(maxsize=8)
def _mutants(primitive: Primitive) -> dict[str, Mutant]:
    return {mutant.identifier: mutant for mutant in mutants_of(primitive).mutants}


def decide_mutant(name: str, identifier: str, trial: Trial) -> Decision:
    """Decide a mutant of a registered primitive, in this process."""
    primitive = plugins.get(name)
    mutant = _mutants(primitive).get(identifier)
    if mutant is None:
        raise LookupError(f"{name} has no mutant {identifier}: its source differs between processes.")
    return _judge(primitive, trial).decide(mutant)


@lru_cache(maxsize=4)
def _judge(primitive: Primitive, trial: Trial) -> _Judge:
    return _Judge(primitive, trial)


class _Judge:
    """Runs the checks of one primitive's samples on its mutants."""

    def __init__(self, primitive: Primitive, trial: Trial) -> None:
        self.primitive, self.trial = primitive, trial
        subject = Subject.of(primitive)
        self.forward = Remembered(subject.forward)  # which every mutant asks for the same
        self.subject = replace(subject, forward=self.forward)
        self.checks = _checks.table(constant=primitive.is_constant)
        self.rounds: dict[int, list[Any]] = {}
        self.sound: dict[Case, bool] = {}
        self.count = self._rounds()

    def decide(self, mutant: Mutant) -> Decision:
        """Try a mutant on each case until one kills it. Cases on which the rule itself fails decide nothing."""
        subject = replace(Subject.of(mutant.build()), forward=self.forward)
        for case in self.cases():
            how = self._verdict(subject, case)
            if how:
                self.rounds.clear()  # a mutant may have written into the samples
                if self._is_sound(case):
                    return Decision(mutant.identifier, "killed", str(case), how)
        return Decision(mutant.identifier, "survived")

    def cases(self) -> Iterator[Case]:
        """Yield the cases: sample by sample, what tells most first; then what is dear."""
        known = sorted(self.checks, key=lambda name: name not in TELLING)
        for some in (
            [name for name in known if name not in DEAR],
            *[[name] for name in DEAR if name in known],
        ):
            for number in range(self.count):
                for index in range(len(self._samples(number))):
                    for check in some:
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
