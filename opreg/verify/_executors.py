"""Where shards are decided: in this process, or on Ray. One protocol, and the same verdicts, for both."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from opreg._errors import OpregError
from opreg.verify._flights import Flights, RunBroke, last_line
from opreg.verify._messages import Message
from opreg.verify._plan import Plan
from opreg.verify._run import Options, decide

ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
"""The environment that keeps linear algebra to one thread, so that sums keep their order."""

INSTALL = "pip install 'opreg[verify]'"
STORE_BYTES = 100_000_000


class CannotStart(OpregError):
    """An executor cannot be started as asked; the message says what to do."""


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
            environment = {**ONE_THREAD, **self.environment} if self.address else None
            with Flights(ray, plan, replace(options, message_seconds=seconds), environment) as flights:
                while flights.fill(most):
                    if self.interrupted():
                        raise KeyboardInterrupt
                    yield from flights.messages(timeout=1.0)

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
                    f"no Ray cluster answers at {self.address!r} ({last_line(error)}). Start one with "
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
                    f"Ray did not start ({last_line(error)}). --executor inline does without it."
                ) from None


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
