"""The shards of a run that are under way on Ray, and what becomes of those whose workers die."""

from __future__ import annotations

import faulthandler
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opreg.verify._alone import decide_alone, hard_limit
from opreg.verify._bounds import without_core_files
from opreg.verify._cluster import Cluster, RunBroke
from opreg.verify._handshake import objection
from opreg.verify._messages import Batch, Done, Hello, Message
from opreg.verify._plan import Plan, Shard
from opreg.verify._run import PATIENCE, Options, decide, given_up
from opreg.verify._tasks import MOST_DEATHS, Task, Tasks, node


@dataclass
class Flight(Task):
    """A shard under way, how far it came, and how often its worker died without delivering more."""

    shard: Shard
    last: str = ""
    deaths: int = 0
    moved: bool = False
    done: bool = False
    suspect: bool = False
    """Whether its next case is to be decided alone, in a throw-away process, since it seems to kill its workers."""

    def __str__(self) -> str:
        return self.shard.primitive

    def take(self, message: Message) -> None:
        """Note what a message delivers."""
        self.heard(message.place if isinstance(message, Hello) else None)
        self.done = isinstance(message, Done)
        if isinstance(message, Batch):
            self.moved = self.moved or bool(message.last)
            self.last = message.last or self.last

    @property
    def next_shard(self) -> Shard:
        """What a worker is to be given."""
        return self.shard.by_itself() if self.suspect else self.shard

    def resume(self, cause: str) -> None:
        """Make of the shard what is left of it after its worker died.

        It is run again, carefully: one message per case, delivered before the next case begins. When a worker dies
        again in the same place, the next case is suspect, and is decided alone.
        """
        self.deaths = 1 if self.moved else self.deaths + 1
        if self.deaths > MOST_DEATHS:
            raise RunBroke(f"workers die again and again before they decide {self.shard.primitive}: {cause}")
        self.suspect = self.suspect or (self.shard.careful and self.greeted and self.deaths > 1)
        self._go_on("" if self.moved else self.shard.blame)

    def settled(self, death: str = "") -> None:
        """Go on behind the suspect, which was decided alone, or died: first a finding is held against it."""
        self.suspect, self.deaths = False, 0
        self._go_on(death)

    def _go_on(self, blame: str = "") -> None:
        self.moved = False
        shard = self.shard.resumed(self.last, blame)
        self.shard = shard.by_itself() if blame else shard


class Flights(Tasks[Flight, Message]):
    """At most so many shards of a plan at a time; their messages are taken as they come."""

    def __init__(
        self, ray: Any, cluster: Cluster, plan: Plan, options: Options, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(ray, cluster, settings)
        self._plan, self._options, self._pace = plan, options, 1.0
        self._crashes: dict[str, set[str]] = defaultdict(set)
        """The places at which cases of each primitive ended their process."""

    def fill(self) -> bool:
        """Start as many shards as may be under way, with messages as long as suits the workers."""
        self._pace = self._plan.suit(self._cluster.workers)
        return super().fill()

    @property
    def silence(self) -> float:
        """What a case may take, and what a message waits for."""
        return _hard_limit(self._options) + self._options.message_seconds * self._pace

    def _next(self) -> Flight | None:
        shard = self._plan.next()
        return None if shard is None else Flight(shard)

    def _start(self, task: Flight, settings: dict[str, Any]) -> Any:
        work: Any = decide_alone if task.suspect else _shard
        if not task.suspect:
            settings["num_returns"] = "streaming"
            if task.shard.careful:  # a message is delivered before the next case begins
                settings["_generator_backpressure_num_objects"] = 1
        options = replace(self._options, message_seconds=self._options.message_seconds * self._pace)
        return self._ray.remote(work).options(**settings).remote(task.next_shard, options)

    def _take(self, task: Flight, running: Any) -> Iterator[Message]:
        if task.suspect:
            yield from self._settle(running, *self._ray.get(running))
        elif (message := next(running, None)) is None:
            self._end(running)
        else:
            yield from self._pass_on(task, [self._ray.get(message)])

    def _died(self, task: Flight, cause: str) -> Iterator[Message]:
        task.resume(cause)
        self._launch(task)
        return iter(())

    def _pass_on(self, flight: Flight, messages: list[Message]) -> Iterator[Message]:
        for message in messages:
            if isinstance(message, Hello) and (why := objection(message)):
                raise RunBroke(why)
            flight.take(message)
            self._plan.note(message)
            yield message

    def _end(self, running: Any) -> None:
        """A worker has no more messages: what it was asked for may have been a single finding."""
        flight = self._under_way.pop(running)
        if not flight.done and not self._plan.is_complete(flight.shard.primitive):
            flight.settled()
            self._launch(flight)

    def _settle(self, running: Any, messages: list[Message], death: str) -> Iterator[Message]:
        """A suspect was decided alone, or died."""
        flight = self._under_way.pop(running)
        yield from self._pass_on(flight, messages)
        name = flight.shard.primitive
        if death:
            self._crashes[name].add(flight.last)
        if not flight.done:
            flight.settled(death)
            self._launch(flight)
        if len(self._crashes[name]) >= PATIENCE and not self._plan.is_complete(name):
            yield from self._give_up(name, death)

    def _give_up(self, name: str, death: str) -> Iterator[Message]:
        """Decide nothing more of a primitive; the findings against its cases are still delivered."""
        for running, flight in list(self._under_way.items()):
            if flight.shard.primitive == name and not flight.shard.blame:
                self._cancel(running)
        for message in given_up(name, self._options.seed, len(self._crashes[name]), death):
            self._plan.note(message)
            yield message


def _hard_limit(options: Options) -> float:
    """Return for how long a worker may deliver nothing."""
    return hard_limit(options) + options.message_seconds


def _shard(shard: Shard, options: Options) -> Iterator[Message]:
    """What runs in a worker: it ends the worker where a case hangs so hard that its time limit cannot stop it.

    While a message waits to be taken nothing hangs, however long that is.
    """
    without_core_files()
    hard = _hard_limit(options)
    with open(os.devnull, "w") as nowhere:
        try:
            faulthandler.dump_traceback_later(hard, exit=True, file=nowhere)
            for message in decide(shard, options):
                if isinstance(message, Hello):
                    message = replace(message, place=node())
                faulthandler.cancel_dump_traceback_later()
                yield message
                faulthandler.dump_traceback_later(hard, exit=True, file=nowhere)
        finally:
            faulthandler.cancel_dump_traceback_later()
