"""The mutants that are under way on Ray, in portions, and what becomes of those whose workers die."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opreg.verify._bounds import without_core_files
from opreg.verify._cluster import Cluster, RunBroke
from opreg.verify._tasks import MOST_DEATHS, Task, Tasks, node
from opreg.verify._trials import Decision, Trial, decide_mutant

LONGEST = 48
"""How many mutants a portion has at most: a worker has to draw the samples for each."""
PER_WORKER = 4
"""How many portions there are for each worker at least, so that none waits long for another at the end."""


@dataclass
class Portion(Task):
    """Some mutants of one primitive, by identifier: those that are left."""

    primitive: str
    left: list[str]
    deaths: int = 0
    """How many workers died in a row that had it."""

    def __str__(self) -> str:
        return f"mutants of {self.primitive}"


class Portions(Tasks[Portion, Decision]):
    """At most so many portions at a time; the decisions are taken as they come."""

    def __init__(
        self,
        ray: Any,
        cluster: Cluster,
        mutants: Mapping[str, Sequence[str]],
        trial: Trial,
        settings: Mapping[str, Any],
    ) -> None:
        """``mutants`` are the identifiers of the mutants of each primitive."""
        super().__init__(ray, cluster, settings)
        self._trial = trial
        total = sum(map(len, mutants.values()))
        self._waiting = _portions(mutants, min(LONGEST, -(-total // (PER_WORKER * cluster.workers))))
        self._again: list[Portion] = []
        """What is tried again, first."""

    @property
    def silence(self) -> float:
        """What a mutant may take."""
        return _hard_limit(self._trial)

    def _next(self) -> Portion | None:
        return self._again.pop() if self._again else next(self._waiting, None)

    def _start(self, task: Portion, settings: dict[str, Any]) -> Any:
        work = self._ray.remote(_portion).options(**settings, num_returns="streaming")
        return work.remote(task.primitive, task.left, self._trial)

    def _take(self, task: Portion, running: Any) -> Iterator[Decision]:
        reference = next(running, None)
        if reference is None:
            del self._under_way[running]
            return
        message = self._ray.get(reference)
        if isinstance(message, Decision):
            task.heard()
            task.deaths = 0
            task.left.remove(message.identifier)
            yield message
        else:
            task.heard(message)

    def _died(self, task: Portion, cause: str) -> Iterator[Decision]:
        """The first mutant that is left is suspect, and tried by itself: if its worker dies again, that kills it."""
        if not task.left:  # it died behind its last decision
            return
        task.deaths += 1
        suspect, *others = task.left
        if not task.greeted:
            if task.deaths > MOST_DEATHS:
                raise RunBroke(f"workers die again and again before they decide {task}: {cause}")
            self._again.append(task)
        elif task.deaths > 1 and not others:
            yield Decision(suspect, "killed", "", "it ended its process, or hung")
        else:
            if others:
                self._again.append(Portion(task.primitive, others))
            self._again.append(Portion(task.primitive, [suspect], task.deaths))

    def _displaced(self, task: Portion) -> Iterator[Decision]:
        """A node that is lost is no fault of a mutant."""
        if task.left:
            self._again.append(task)
        return iter(())


def _portions(mutants: Mapping[str, Sequence[str]], longest: int) -> Iterator[Portion]:
    for primitive, identifiers in mutants.items():
        for start in range(0, len(identifiers), longest):
            yield Portion(primitive, list(identifiers[start : start + longest]))


def _hard_limit(trial: Trial) -> float:
    """Return for how many seconds a mutant may go on, on all its cases, before its worker is ended."""
    return 30 * trial.bounds.seconds


def _portion(primitive: str, identifiers: list[str], trial: Trial) -> Iterator[str | Decision]:
    """What runs in a worker: it tells its node, then each decision.

    It ends the worker where a mutant hangs so hard that its time limit cannot stop it.
    """
    without_core_files()
    yield node()
    with open(os.devnull, "w") as nowhere:
        try:
            for identifier in identifiers:
                faulthandler.dump_traceback_later(_hard_limit(trial), exit=True, file=nowhere)
                yield decide_mutant(primitive, identifier, trial)
        finally:
            faulthandler.cancel_dump_traceback_later()
