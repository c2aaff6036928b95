"""Where shards are decided: in this process, or on Ray. One protocol, and the same verdicts, for both."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from opreg.verify._cluster import ONE_THREAD, CannotStart, Cluster, joined, started
from opreg.verify._flights import Flights
from opreg.verify._messages import Message
from opreg.verify._plan import Plan
from opreg.verify._run import Options, decide
from opreg.verify._tasks import M, Tasks

INSTALL = "pip install 'opreg[verify]'"


class Executor(Protocol):
    """What decides the shards of a plan and yields their messages."""

    name: str
    looks: bool
    """Whether it asks ``interrupted`` often enough to be told of an interrupt in no other way."""
    interrupted: Callable[[], bool]
    """Whether the run was interrupted; set for the time of a run."""

    @property
    def workers(self) -> int:
        """How many cases are decided at a time."""

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan; closing the iterator ends the run and what was started for it."""


def _never() -> bool:
    return False


class Inline:
    """Decide in this process, one case after the other."""

    name = "inline"
    looks = False
    workers = 1

    def __init__(self) -> None:
        self.interrupted: Callable[[], bool] = _never

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan, in its order."""
        while (shard := plan.next()) is not None:
            for message in decide(shard, options):
                plan.note(message)
                yield message


@dataclass
class OnRay:
    """Decide on Ray: a local one that is started for the run, or a cluster that is joined by its address.

    Its nodes have the plugins installed, or are sent them along. A Ray that this process has started already is used
    as it is, and left running.
    """

    address: str = ""
    count: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    send: bool = False
    name: str = "ray"
    _cluster: Cluster | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.looks = True
        self.interrupted: Callable[[], bool] = _never
        if importlib.util.find_spec("ray") is None:
            raise CannotStart(
                f"the ray executor needs Ray, which is not installed: {INSTALL}, or choose --executor inline."
            )

    @property
    def workers(self) -> int:
        """How many cases are decided at a time."""
        return self._cluster.workers if self._cluster else self.count or os.cpu_count() or 1

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a task on it."""
        settings: dict[str, Any] = {"max_retries": 0, "num_cpus": 1}
        if self.address:  # the workers are not ours: they did not inherit it
            settings["runtime_env"] = {"env_vars": {**ONE_THREAD, **self.environment}}
        return settings

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan, several at a time."""
        return self.messages(lambda ray, cluster: Flights(ray, cluster, plan, options, self.settings))

    def messages(self, under_way: Callable[[Any, Cluster], Tasks[Any, M]]) -> Iterator[M]:
        """Yield the messages of tasks, as many at a time as there is room for; Ray is shut down however this ends."""
        with self.ray() as ray:
            self._cluster = Cluster(ray, self.count)
            with under_way(ray, self._cluster) as tasks:
                while tasks.fill():
                    if self.interrupted():
                        raise KeyboardInterrupt
                    yield from tasks.messages(timeout=1.0)

    @contextlib.contextmanager
    def ray(self) -> Iterator[Any]:
        """Have Ray for the block: the one that is there, or the cluster at the address, or one of our own."""
        there = sys.modules.get("ray")
        if there is not None and there.is_initialized():
            yield there
        elif not self.address:
            with started(self.count, self.environment) as ray:
                yield ray
        elif not self.send:
            with joined(self.address) as ray:
                yield ray
        else:
            from opreg.verify._packages import packed  # it reads all metadata that are installed

            with packed() as packages, joined(self.address, packages) as ray:
                yield ray
