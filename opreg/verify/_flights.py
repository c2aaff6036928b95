"""The shards of a run that are under way on Ray, and what becomes of those whose workers die."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opreg.verify._alone import decide_alone, hard_limit
from opreg.verify._bounds import without_core_files
from opreg.verify._cluster import Cluster, RunBroke
from opreg.verify._handshake import ADVICE, objection
from opreg.verify._messages import Batch, Done, Hello, Message, last_line
from opreg.verify._plan import Plan, Shard
from opreg.verify._run import Options, decide, given_up

MOST_DEATHS = 4
"""How often workers may die in one place before the cluster is to blame."""
MOST_CRASHES = 3
"""After so many cases that ended their process a primitive is given up."""
PATIENT_SECONDS = 60.0
"""How long nothing may be heard of a shard, beyond what a case may take."""


@dataclass
class Flight:
    """A shard under way, how far it came, and how often its worker died without delivering more."""

    shard: Shard
    last: str = ""
    deaths: int = 0
    moved: bool = False
    done: bool = False
    greeted: bool = False
    """Whether its worker has taken it up."""
    place: str = ""
    """The node where it does."""
    suspect: bool = False
    """Whether its next case is to be decided alone, in a throw-away process, since it seems to kill its workers."""
    since: float = field(default_factory=time.monotonic)
    """When it was last heard of."""

    def take(self, message: Message) -> None:
        """Note what a message delivers."""
        self.since = time.monotonic()
        if isinstance(message, Hello):
            self.greeted, self.place = True, message.place
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
        self.moved, self.greeted, self.place = False, False, ""
        self.since = time.monotonic()
        shard = self.shard.resumed(self.last, blame)
        self.shard = shard.by_itself() if blame else shard


class Flights:
    """At most so many shards of a plan at a time; their messages are taken as they come."""

    def __init__(
        self, ray: Any, cluster: Cluster, plan: Plan, options: Options, settings: Mapping[str, Any]
    ) -> None:
        self._ray, self._cluster, self._plan, self._options = ray, cluster, plan, options
        self._settings = settings
        self._under_way: dict[Any, Flight] = {}
        self._crashes: dict[str, set[str]] = defaultdict(set)
        """The places at which cases of each primitive ended their process."""

    def __enter__(self) -> Flights:
        return self

    def __exit__(self, *exception: object) -> None:
        for running in list(self._under_way):
            self._cancel(running)

    def fill(self, most: int, pace: float = 1.0) -> bool:
        """Start shards up to a number, with messages so much longer than asked for; tell whether any is under way."""
        self._pace = pace
        while len(self._under_way) < most and (shard := self._plan.next()) is not None:
            self._launch(Flight(shard))
        return bool(self._under_way)

    def messages(self, timeout: float) -> Iterator[Message]:
        """Yield a message of each shard that has one, if there is none so soon nothing."""
        ready, _ = self._ray.wait(list(self._under_way), num_returns=1, timeout=timeout)
        if ready:  # and whatever else is: to ask takes time in proportion to what is under way
            ready, _ = self._ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=0)
        for running in ready:
            if running in self._under_way:  # not of a primitive that was given up since
                yield from self._advance(running)
        if lost := self._cluster.lost():
            self._leave(lost)
        elif not ready:
            self._call_back()

    def _launch(self, flight: Flight) -> None:
        settings = {**self._settings, **self._cluster.placement()}
        task: Any = decide_alone if flight.suspect else _shard
        if not flight.suspect:
            settings["num_returns"] = "streaming"
            if flight.shard.careful:  # a message is delivered before the next case begins
                settings["_generator_backpressure_num_objects"] = 1
        options = replace(self._options, message_seconds=self._options.message_seconds * self._pace)
        running = self._ray.remote(task).options(**settings).remote(flight.next_shard, options)
        self._under_way[running] = flight

    def _advance(self, running: Any) -> Iterator[Message]:
        """Take the next message of a shard; where its worker died, take the shard up again."""
        flight, errors = self._under_way[running], self._ray.exceptions
        try:
            if flight.suspect:
                yield from self._settle(running, *self._ray.get(running))
            else:
                yield from self._pass_on(flight, [self._ray.get(next(running))])
        except StopIteration:
            self._end(running)
        except errors.RayTaskError as error:
            said = f"a worker could not decide {flight.shard.primitive}: {last_line(error)}"
            raise RunBroke(f"{said}. {ADVICE}" if "ModuleNotFoundError" in said else said) from None
        except errors.RayError as error:
            del self._under_way[running]
            flight.resume(last_line(error))
            self._launch(flight)

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
        if len(self._crashes[name]) >= MOST_CRASHES and not self._plan.is_complete(name):
            yield from self._give_up(name, death)

    def _give_up(self, name: str, death: str) -> Iterator[Message]:
        """Decide nothing more of a primitive; the findings against its cases are still delivered."""
        for running, flight in list(self._under_way.items()):
            if flight.shard.primitive == name and not flight.shard.blame:
                self._cancel(running)
        for message in given_up(name, self._options.seed, len(self._crashes[name]), death):
            self._plan.note(message)
            yield message

    def _call_back(self) -> None:
        """Take shards up again of which nothing is heard: their node hangs, or what cannot be stopped runs there."""
        silence = _hard_limit(self._options) + self._options.message_seconds * self._pace + PATIENT_SECONDS
        now = time.monotonic()
        waiting = now - max(flight.since for flight in self._under_way.values()) > silence
        for running, flight in list(self._under_way.items()):
            if now - flight.since > silence and (flight.greeted or waiting):
                self._cluster.in_doubt = True
                self._cancel(running)
                flight.resume(f"nothing was heard of it for {silence:.0f} s")
                self._launch(flight)

    def _leave(self, lost: frozenset[str]) -> None:
        """Take shards up again that were on nodes which are lost, or may be: a frozen one ends no task of its own."""
        for running, flight in list(self._under_way.items()):
            if flight.place in lost or not flight.greeted:
                self._cancel(running)
                if flight.greeted:
                    flight.resume("its node was lost")
                self._launch(flight)

    def _cancel(self, running: Any) -> None:
        """Give a shard up that is under way, whether or not its worker can be told."""
        del self._under_way[running]
        with contextlib.suppress(Exception):
            self._ray.cancel(running, force=True)


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
                    message = replace(message, place=_node())
                faulthandler.cancel_dump_traceback_later()
                yield message
                faulthandler.dump_traceback_later(hard, exit=True, file=nowhere)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _node() -> str:
    """Return the identifier of the node of Ray on which this worker is."""
    import ray

    return str(ray.get_runtime_context().get_node_id())
