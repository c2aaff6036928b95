"""Where shards are decided: in this process, or on Ray. One protocol, and the same verdicts, for both."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from opreg import plugins
from opreg._errors import OpregError
from opreg.verify._alone import decide_alone, hard_limit
from opreg.verify._bounds import without_core_files
from opreg.verify._digest import digest
from opreg.verify._messages import Batch, Done, Hello, Message
from opreg.verify._plan import Plan, Shard
from opreg.verify._run import Options, decide, given_up, versions

ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
"""The environment that keeps linear algebra to one thread, so that sums keep their order."""

INSTALL = "pip install 'opreg[verify]'"
STORE_BYTES = 100_000_000
MOST_DEATHS = 4
"""How often workers may die in one place before the cluster is to blame."""
MOST_CRASHES = 3
"""After so many cases that ended their process a primitive is given up."""
PATIENT_SECONDS = 60.0
"""How long nothing may be heard of a shard, beyond what a case may take."""


class CannotStart(OpregError):
    """An executor cannot be started as asked; the message says what to do."""


class RunBroke(OpregError):
    """The run itself broke: what it says of the primitives left is nothing."""


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
class _Flight:
    """A shard under way, how far it came, and how often its worker died without delivering more."""

    shard: Shard
    last: str = ""
    deaths: int = 0
    moved: bool = False
    done: bool = False
    greeted: bool = False
    """Whether its worker has taken it up."""
    suspect: bool = False
    """Whether its next case is to be decided alone, in a throw-away process, since it seems to kill its workers."""
    since: float = field(default_factory=time.monotonic)
    """When it was last heard of."""

    def take(self, message: Message) -> None:
        """Note what a message delivers."""
        self.since = time.monotonic()
        self.greeted = self.greeted or isinstance(message, Hello)
        self.done = isinstance(message, Done)
        if isinstance(message, Batch):
            self.moved = self.moved or bool(message.last)
            self.last = message.last or self.last

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
        self.moved = self.greeted = False
        self.since = time.monotonic()
        shard = self.shard.resumed(self.last, blame)
        self.shard = shard.by_itself() if blame else shard


@dataclass
class OnRay:
    """Decide on Ray: a local one that is started for the run, or a cluster that is joined by its address.

    A Ray that this process has started already is used as it is, and left running.
    """

    address: str = ""
    count: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "ray"
    _cpus: int = field(default=0, init=False)

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
        return self.count or self._cpus or os.cpu_count() or 1

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan, several at a time; Ray is shut down however this ends."""
        with self._ray() as (ray, ours):
            self._cpus = int(ray.cluster_resources().get("CPU", 1))
            most = self.count if self.count and not ours else 2 * self._cpus + 1
            seconds = options.message_seconds * plan.suit(self.workers)
            yield from self._pump(ray, plan, replace(options, message_seconds=seconds), most)

    @contextlib.contextmanager
    def _ray(self) -> Iterator[tuple[Any, bool]]:
        """Have Ray for the block, and tell whether it is a local one that was started for it."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if ray.is_initialized():
            yield ray, False
            return
        with contextlib.suppress(Exception):
            ray._private.worker._worker_logs_enabled = (
                False  # it would print the death of a worker, which we report
            )
        try:
            self._start(ray)
            yield ray, not self.address
        finally:
            ray.shutdown()

    def _start(self, ray: Any) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if self.address:
            try:
                _knock(self.address)
                ray.init(address=self.address, **quiet)
            except Exception as error:
                raise CannotStart(
                    f"no Ray cluster answers at {self.address!r} ({_last_line(error)}). Start one with "
                    "`ray start --head`, or leave out --address and RAY_ADDRESS to start a local Ray."
                ) from None
            return
        with _environment({**ONE_THREAD, **self.environment}):  # its workers inherit it
            try:
                ray.init(
                    address="local",
                    num_cpus=self.count or None,
                    include_dashboard=False,
                    object_store_memory=STORE_BYTES,
                    **quiet,
                )
            except Exception as error:
                raise RunBroke(
                    f"Ray did not start ({_last_line(error)}). --executor inline does without it."
                ) from None

    def _pump(self, ray: Any, plan: Plan, options: Options, most: int) -> Iterator[Message]:
        """Keep at most so many shards in flight and yield their messages as they come."""
        flights: dict[Any, _Flight] = {}
        crashes: dict[str, set[str]] = defaultdict(set)
        try:
            while True:
                if self.interrupted():
                    raise KeyboardInterrupt
                while len(flights) < most and (shard := plan.next()) is not None:
                    self._launch(ray, flights, _Flight(shard), options)
                if not flights:
                    return
                ready, _ = ray.wait(list(flights), num_returns=1, timeout=1.0)
                if ready:  # and whatever else is: to ask takes time in proportion to the flights
                    ready, _ = ray.wait(list(flights), num_returns=len(flights), timeout=0)
                for running in ready:
                    if running in flights:  # not of a primitive that was given up since
                        yield from self._advance(ray, flights, running, plan, options, crashes)
                if not ready:
                    self._call_back(ray, flights, options)
        finally:
            for running in list(flights):
                _cancel(ray, flights, running)

    def _launch(self, ray: Any, flights: dict[Any, _Flight], flight: _Flight, options: Options) -> None:
        settings: dict[str, Any] = {"max_retries": 0, "num_cpus": 1}
        if self.address:
            settings["runtime_env"] = {"env_vars": {**ONE_THREAD, **self.environment}}
        if flight.suspect:
            running = ray.remote(decide_alone).options(**settings).remote(flight.shard.by_itself(), options)
        else:
            settings["num_returns"] = "streaming"
            if flight.shard.careful:  # a message is delivered before the next case begins
                settings["_generator_backpressure_num_objects"] = 1
            running = ray.remote(_shard).options(**settings).remote(flight.shard, options)
        flights[running] = flight

    def _advance(
        self,
        ray: Any,
        flights: dict[Any, _Flight],
        running: Any,
        plan: Plan,
        options: Options,
        crashes: dict[str, set[str]],
    ) -> Iterator[Message]:
        """Take the next message of a shard; where its worker died, take the shard up again."""
        flight = flights[running]
        name = flight.shard.primitive
        messages: list[Message]
        try:
            if flight.suspect:
                messages, death = ray.get(running)
            else:
                messages, death = [ray.get(next(running))], ""
        except StopIteration:
            del flights[running]
            if flight.shard.alone and not flight.done and not plan.is_complete(name):
                flight.settled()
                self._launch(ray, flights, flight, options)
            return
        except ray.exceptions.RayTaskError as error:
            raise RunBroke(f"a worker could not decide {name}: {_last_line(error)}") from None
        except ray.exceptions.RayError as error:
            del flights[running]
            flight.resume(_last_line(error))
            self._launch(ray, flights, flight, options)
            return
        for message in messages:
            if isinstance(message, Hello):
                _compare(message)
            flight.take(message)
            plan.note(message)
            yield message
        if not flight.suspect:
            return
        del flights[running]
        crashes[name] |= {flight.last} if death else set()
        if not flight.done:
            flight.settled(death)
            self._launch(ray, flights, flight, options)
        if len(crashes[name]) >= MOST_CRASHES and not plan.is_complete(name):
            for other, of in list(flights.items()):
                if of.shard.primitive == name and not of.shard.blame:
                    _cancel(ray, flights, other)
            for message in given_up(name, options.seed, len(crashes[name]), death):
                plan.note(message)
                yield message

    def _call_back(self, ray: Any, flights: dict[Any, _Flight], options: Options) -> None:
        """Take shards up again of which nothing is heard: their node hangs, or what cannot be stopped runs there."""
        silence = hard_limit(options) + PATIENT_SECONDS
        now = time.monotonic()
        waiting = now - max(flight.since for flight in flights.values()) > silence
        for running, flight in list(flights.items()):
            if now - flight.since > silence and (flight.greeted or waiting):
                _cancel(ray, flights, running)
                flight.resume(f"nothing was heard of it for {silence:.0f} s")
                self._launch(ray, flights, flight, options)


def _cancel(ray: Any, flights: dict[Any, _Flight], running: Any) -> None:
    """Give a shard up that is under way, whether or not its worker can be told."""
    del flights[running]
    with contextlib.suppress(Exception):
        ray.cancel(running, force=True)


def _shard(shard: Shard, options: Options) -> Iterator[Message]:
    """What runs in a worker: it ends the worker where a case hangs so hard that its time limit cannot stop it.

    While a message waits to be taken nothing hangs, however long that is.
    """
    without_core_files()
    hard = hard_limit(options)
    with open(os.devnull, "w") as nowhere:
        try:
            faulthandler.dump_traceback_later(hard, exit=True, file=nowhere)
            for message in decide(shard, options):
                faulthandler.cancel_dump_traceback_later()
                yield message
                faulthandler.dump_traceback_later(hard, exit=True, file=nowhere)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _compare(hello: Hello) -> None:
    """Stop the run where a worker has other rules than this process."""
    here = digest(plugins.get(hello.primitive))
    if hello.digest == here:
        return
    origin = plugins.origin(plugins.get(hello.primitive))
    raise RunBroke(
        f"node {hello.node} has another version of {hello.primitive} (digest {hello.digest}) "
        f"than this process ({here}, plugin {origin.plugin} of {origin.distribution} {origin.version}); "
        f"there {_listed(hello.versions)}, here {_listed(versions())}. "
        "Install the same packages on every node."
    )


def _knock(address: str) -> None:
    """Raise an error where nothing listens at ``host:port``: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        return
    if "://" in host:
        raise ConnectionError("it should be host:port of the cluster's head, or auto, not ray://")
    socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


@contextlib.contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block."""
    before = {name: os.environ.get(name) for name in (*extra, "RAY_ADDRESS")}
    os.environ.update(extra)
    os.environ.pop("RAY_ADDRESS", None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
