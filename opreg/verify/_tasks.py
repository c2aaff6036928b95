"""Tasks under way on Ray, each a stream of messages; and those that go silent, or whose node is lost."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from opreg.verify._cluster import Cluster, RunBroke
from opreg.verify._handshake import ADVICE
from opreg.verify._messages import last_line

MOST_DEATHS = 4
"""How often workers may die in one place before the cluster is to blame."""
PATIENT_SECONDS = 60.0
"""How long nothing may be heard of a task, beyond what it may take."""


@dataclass(kw_only=True)
class Task:
    """What a worker is given to do; ``str`` says of what."""

    greeted: bool = False
    """Whether a worker has taken it up."""
    place: str = ""
    """The node where it does."""
    since: float = field(default_factory=time.monotonic)
    """When it was last heard of."""

    def heard(self, place: str | None = None) -> None:
        """Note a message, which may tell the node of the worker that took it up."""
        self.since = time.monotonic()
        if place is not None:
            self.greeted, self.place = True, place

    def rest(self) -> None:
        """Note that no worker has it any more."""
        self.greeted, self.place = False, ""
        self.since = time.monotonic()


T = TypeVar("T", bound=Task)
M = TypeVar("M")


class Tasks(ABC, Generic[T, M]):
    """At most so many tasks at a time, from which messages are taken as they come."""

    def __init__(self, ray: Any, cluster: Cluster, settings: Mapping[str, Any]) -> None:
        self._ray, self._cluster, self._settings = ray, cluster, settings
        self._under_way: dict[Any, T] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for running in list(self._under_way):
            self._cancel(running)

    def fill(self) -> bool:
        """Start as many tasks as may be under way; tell whether any is."""
        while len(self._under_way) < self._cluster.most and (task := self._next()) is not None:
            self._launch(task)
        return bool(self._under_way)

    def messages(self, timeout: float) -> Iterator[M]:
        """Yield a message of each task that has one, if there is none so soon nothing."""
        ready, _ = self._ray.wait(list(self._under_way), num_returns=1, timeout=timeout)
        if ready:  # and whatever else is: to ask takes time in proportion to what is under way
            ready, _ = self._ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=0)
        for running in ready:
            if running in self._under_way:  # not one that was given up since
                yield from self._heard(running)
        if lost := self._cluster.lost():
            yield from self._leave(lost)
        elif not ready:
            yield from self._call_back()

    # -- what differs ------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def silence(self) -> float:
        """How many seconds pass at most between two messages of a task that a worker has taken up."""

    @abstractmethod
    def _next(self) -> T | None:
        """Return the next task to start, ``None`` if there is none."""

    @abstractmethod
    def _start(self, task: T, settings: dict[str, Any]) -> Any:
        """Start a task on Ray with these settings, and return its stream."""

    @abstractmethod
    def _take(self, task: T, running: Any) -> Iterator[M]:
        """Take what a task's stream has next; forget it where that is its end."""

    @abstractmethod
    def _died(self, task: T, cause: str) -> Iterator[M]:
        """Go on with what is left of a task whose worker died, or was given up."""

    def _displaced(self, task: T) -> Iterator[M]:
        """Go on with what is left of a task whose node was lost."""
        return self._died(task, "its node was lost")

    # -- what is common ----------------------------------------------------------------------------------------------

    def _launch(self, task: T) -> None:
        task.rest()
        self._under_way[self._start(task, {**self._settings, **self._cluster.placement()})] = task

    def _heard(self, running: Any) -> Iterator[M]:
        """Take what a task's stream has next; where its worker died, take the task up again."""
        task, errors = self._under_way[running], self._ray.exceptions
        try:
            yield from self._take(task, running)
        except errors.RayTaskError as error:
            said = f"a worker could not decide {task}: {last_line(error)}"
            raise RunBroke(f"{said}. {ADVICE}" if "ModuleNotFoundError" in said else said) from None
        except errors.RayError as error:
            del self._under_way[running]
            yield from self._died(task, last_line(error))

    def _call_back(self) -> Iterator[M]:
        """Take tasks up again of which nothing is heard: their node hangs, or what cannot be stopped runs there."""
        silence = self.silence + PATIENT_SECONDS
        now = time.monotonic()
        waiting = now - max(task.since for task in self._under_way.values()) > silence
        for running, task in list(self._under_way.items()):
            if now - task.since > silence and (task.greeted or waiting):
                self._cluster.in_doubt = True
                self._cancel(running)
                yield from self._died(task, f"nothing was heard of it for {silence:.0f} s")

    def _leave(self, lost: frozenset[str]) -> Iterator[M]:
        """Take tasks up again that were on nodes which are lost, or may be: a frozen one ends no task of its own."""
        for running, task in list(self._under_way.items()):
            if not task.greeted:
                self._cancel(running)
                self._launch(task)
            elif task.place in lost:
                self._cancel(running)
                yield from self._displaced(task)

    def _cancel(self, running: Any) -> None:
        """Give a task up that is under way, whether or not its worker can be told."""
        del self._under_way[running]
        with contextlib.suppress(Exception):
            self._ray.cancel(running, force=True)


def node() -> str:
    """Return the identifier of the node of Ray on which this worker is."""
    import ray

    return str(ray.get_runtime_context().get_node_id())
