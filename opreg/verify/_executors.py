"""Where shards are decided: in this process, or on Ray. One protocol, so that verdicts do not depend on the choice."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from opreg._errors import OpregError
from opreg.verify._messages import Batch, Done, Hello, Message
from opreg.verify._plan import Plan, Shard
from opreg.verify._run import SAMPLING, Options, decide, digest, plugins, versions

ONE_THREAD = {
    name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
"""The environment that keeps linear algebra to one thread: the workers are the parallelism, and sums keep their order."""

INSTALL = "pip install 'opreg[verify]'"
STORE_BYTES = 100_000_000


class CannotStart(OpregError):
    """An executor cannot be started as asked; the message says what to do."""


class RunBroke(OpregError):
    """The run itself broke: what it says of the primitives left is nothing."""


class Executor(Protocol):
    """What decides the shards of a plan and yields their messages."""

    name: str

    @property
    def workers(self) -> int:
        """How many cases are decided at a time."""

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan; closing the iterator ends the run and what was started for it."""


class Inline:
    """Decide in this process, one case after the other."""

    name = "inline"
    workers = 1

    def run(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Decide every shard of a plan, in its order."""
        while (shard := plan.next()) is not None:
            yield from _here(plan, shard, options)


@dataclass
class _Flight:
    """A shard under way, what it delivered so far, and how often its worker died."""

    shard: Shard
    stream: Any = None
    samples: int = 0
    cases: int = 0
    seconds: float = 0.0
    last: str = ""
    greeted: bool = False
    deaths: int = 0
    delivered: int = 0

    def take(self, message: Message) -> None:
        """Note what a message delivers."""
        if isinstance(message, Batch):
            self.samples += message.samples
            self.cases += message.cases
            self.seconds += message.seconds
            self.last = message.last or self.last
            self.delivered += 1


def _here(plan: Plan, shard: Shard, options: Options) -> Iterator[Message]:
    """Decide a shard in this process."""
    flight = _Flight(shard)
    for message in decide(shard, options):
        flight.take(message)
        if isinstance(message, Done):
            plan.done(shard, flight.samples, flight.cases, flight.seconds)
        yield message


@dataclass
class OnRay:
    """Decide on Ray: a local one that is started for the run, or a cluster that is joined by its address.

    While a local Ray starts, which takes seconds, the first shards are decided in this process.
    """

    address: str = ""
    count: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "ray"
    _cpus: int = field(default=0, init=False)
    _task: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
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
        starting = _Starting(self)
        try:
            while not starting.ready.wait(0.005):
                shard = None if self.address else plan.next()
                if shard is None:
                    starting.ready.wait()
                    break
                yield from _here(plan, shard, options)
            starting.check()
            yield from self._pump(plan, options)
        finally:
            starting.stop()

    def _pump(self, plan: Plan, options: Options) -> Iterator[Message]:
        """Keep a bounded number of shards in flight and yield their messages as they come."""
        import ray

        self._cpus = int(ray.cluster_resources().get("CPU", 1))
        most = self.count if self.address and self.count else 2 * self.workers + 1
        self._task = ray.remote(_shard).options(num_returns="streaming", max_retries=0, num_cpus=1)
        if self.address:
            self._task = self._task.options(runtime_env={"env_vars": {**ONE_THREAD, **self.environment}})
        flights: dict[Any, _Flight] = {}
        try:
            while True:
                while len(flights) < most and (shard := plan.next()) is not None:
                    self._launch(flights, _Flight(shard), options)
                if not flights:
                    return
                ready, _ = ray.wait(list(flights), num_returns=1, timeout=1.0)
                for running in ready:
                    yield from self._advance(flights, running, plan, options)
        finally:
            for running in flights:
                with contextlib.suppress(Exception):
                    ray.cancel(running, force=True)

    def _launch(self, flights: dict[Any, _Flight], flight: _Flight, options: Options) -> None:
        flights[self._task.remote(flight.shard, options)] = flight

    def _advance(
        self, flights: dict[Any, _Flight], running: Any, plan: Plan, options: Options
    ) -> Iterator[Message]:
        """Take the next message of a shard; where its worker died, take the shard up again behind what it delivered."""
        import ray

        flight = flights[running]
        try:
            message: Message = ray.get(next(running))
        except StopIteration:
            del flights[running]
            return
        except ray.exceptions.RayTaskError as error:
            raise RunBroke(f"a worker could not decide {flight.shard.primitive}: {_last_line(error)}") from None
        except ray.exceptions.RayError as error:
            del flights[running]
            yield from self._died(flights, flight, plan, options, error)
            return
        if isinstance(message, Hello) and not flight.greeted:
            _compare(message)
            flight.greeted = True
        flight.take(message)
        if isinstance(message, Done):
            plan.done(flight.shard, flight.samples, flight.cases, flight.seconds)
        yield message

    def _died(
        self, flights: dict[Any, _Flight], flight: _Flight, plan: Plan, options: Options, error: Exception
    ) -> Iterator[Message]:
        """Run the rest of a shard once more, carefully; a second death is blamed on the case that it happened in."""
        flight.deaths = 1 if flight.delivered and not flight.shard.blame else flight.deaths + 1
        flight.delivered = 0
        if flight.deaths > 3:
            raise RunBroke(
                f"workers die again and again before they can decide {flight.shard.primitive}: {_last_line(error)}"
            )
        blame = "the worker process died: it crashed, was killed or ended itself." if flight.shard.careful else ""
        flight.shard = flight.shard.resumed(flight.last, blame)
        self._launch(flights, flight, options)
        yield from ()


class _Starting:
    """Ray being started in a thread of its own.

    The thread lives as long as the run: what Ray starts is killed by the system when the thread that started it ends.
    """

    def __init__(self, executor: OnRay) -> None:
        self.executor = executor
        self.ready = threading.Event()
        self.over = threading.Event()
        self.error: BaseException | None = None
        self.ours = False
        self.thread = threading.Thread(target=self._start, name="opreg-ray", daemon=True)
        self.thread.start()

    def _start(self) -> None:
        try:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            import ray

            if not ray.is_initialized():
                self._init(ray)
                self.ours = True
        except BaseException as error:
            self.error = error
        self.ready.set()
        self.over.wait()

    def _init(self, ray: Any) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": False}
        if self.executor.address:
            ray.init(address=self.executor.address, **quiet)
            return
        before = {name: os.environ.get(name) for name in (*ONE_THREAD, *self.executor.environment, "RAY_ADDRESS")}
        os.environ.update(ONE_THREAD | dict(self.executor.environment))
        os.environ.pop("RAY_ADDRESS", None)
        try:
            ray.init(
                address="local",
                num_cpus=self.executor.count or None,
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                **quiet,
            )
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def check(self) -> None:
        """Raise a sentence where Ray did not start."""
        if self.error is None:
            return
        if self.executor.address:
            raise CannotStart(
                f"no Ray cluster answers at {self.executor.address!r} ({_last_line(self.error)}). Start one with "
                "`ray start --head`, or leave out --address and RAY_ADDRESS to start a local Ray."
            )
        raise RunBroke(f"Ray did not start ({_last_line(self.error)}). --executor inline does without it.")

    def stop(self) -> None:
        """Shut down what was started for the run, waiting for a start that is still under way."""
        self.ready.wait()
        if self.ours:
            import ray

            ray.shutdown()
        self.over.set()
        self.thread.join()


def _shard(shard: Shard, options: Options) -> Iterator[Message]:
    """What runs in a worker."""
    from opreg.verify._run import decide

    yield from decide(shard, options)


def _compare(hello: Hello) -> None:
    """Stop the run where a worker has other rules than this process."""
    here = digest(plugins.get(hello.primitive))
    if hello.digest == here:
        return
    origin = plugins.origin(plugins.get(hello.primitive))
    raise RunBroke(
        f"node {hello.node} has another version of {hello.primitive} (digest {hello.digest}) than this process "
        f"({here}, plugin {origin.plugin} of {origin.distribution} {origin.version}); "
        f"there {_listed(hello.versions)}, here {_listed(versions())}. Install the same packages on every node."
    )


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


__all__ = ["SAMPLING", "CannotStart", "Executor", "Inline", "OnRay", "RunBroke"]
