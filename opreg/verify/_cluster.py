"""The Ray that decides a run: a local one, started for it, or a cluster that is joined; and what there is of it now."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from opreg._errors import OpregError
from opreg.verify._messages import last_line

ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}
"""The environment that keeps linear algebra to one thread, so that sums keep their order."""
AT_HOME = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""The environment in which a Ray that is for this machine alone listens to this machine alone.

Before it had tokens, Ray asked nobody who is there: whoever reached its ports ran what they liked.
"""
STORE_BYTES = 100_000_000
LOOK_SECONDS = 2.0
"""How often the nodes are counted again: they come and go."""
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


class CannotStart(OpregError):
    """An executor cannot be started as asked; the message says what to do."""


class RunBroke(OpregError):
    """The run itself broke: what it says of the primitives left is nothing."""


class Cluster:
    """What there is of a Ray now: how many CPUs, on which nodes; and how many of them a run is to use."""

    def __init__(self, ray: Any, count: int = 0) -> None:
        """``count`` is the number of workers asked for; 0 is one for each CPU."""
        self.cpus = 1
        self._count = count
        self._alive: frozenset[str] = frozenset()
        self._places: list[str] = []
        """The nodes that are there, by identifier, each as often as it has CPUs."""
        self.in_doubt = False
        """Whether Ray may hold a lease of a node that does not answer: then tasks are placed on others."""
        self._ray = ray
        self._looked, self._placed = -LOOK_SECONDS, 0
        self.lost()

    @property
    def workers(self) -> int:
        """How many tasks are decided at a time."""
        return self._count or self.cpus

    @property
    def most(self) -> int:
        """How many tasks may be under way: enough that no worker waits for the next."""
        return self._count if 0 < self._count < self.cpus else 2 * self.cpus + 1

    def lost(self) -> frozenset[str]:
        """Look again, unless that was only just done; return the nodes that are no longer there."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return frozenset()
        self._looked = now
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        before, self._alive = self._alive, frozenset(node["NodeID"] for node in nodes)
        self._places = [node["NodeID"] for node in nodes for _ in range(int(node["Resources"].get("CPU", 0)))]
        self.cpus = max(len(self._places), 1)
        gone = before - self._alive
        self.in_doubt = self.in_doubt or bool(gone)
        return gone

    def placement(self) -> dict[str, Any]:
        """Return the setting of a task that says where it is to run: nothing, as long as Ray can be left to choose."""
        if not self.in_doubt or not self._places:
            return {}
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._placed += 1
        place = self._places[self._placed % len(self._places)]
        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(place, soft=True)}


@contextlib.contextmanager
def started(count: int, environment: Mapping[str, str]) -> Iterator[Any]:
    """Have a local Ray for the block, of so many CPUs, whose workers have this environment."""
    with _environment({**AT_HOME, **ONE_THREAD, **environment}, "RAY_ADDRESS"), _ray() as ray:
        try:
            ray.init(
                address="local",
                num_cpus=count or None,
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                log_to_driver=False,
                logging_level="error",
            )
        except Exception as error:
            raise RunBroke(
                f"Ray did not start ({last_line(error)}). --executor inline does without it."
            ) from None
        yield ray


@contextlib.contextmanager
def joined(address: str, packages: str = "") -> Iterator[Any]:
    """Have the Ray cluster at an address for the block; its workers find what is in the directory ``packages``."""
    try:
        environment = AT_HOME if _knock(address) else {}
    except Exception as error:
        raise CannotStart(_why_not(address, error)) from None
    with _environment(environment), _ray() as ray:
        try:
            with _without_stderr():
                ray.init(
                    address=address,
                    runtime_env={"working_dir": packages} if packages else None,
                    log_to_driver=False,
                    logging_level="error",
                )
        except Exception as error:
            raise CannotStart(_why_not(address, error)) from None
        yield ray


@contextlib.contextmanager
def _ray() -> Iterator[Any]:
    """Have Ray, quiet, for the block; what is started or joined in it is shut down or left however it ends."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    with contextlib.suppress(Exception):  # it would print the death of a worker, which we report
        ray._private.worker._worker_logs_enabled = False
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> bool:
    """Raise an error where nothing listens at ``host:port``, for which Ray itself would try for minutes.

    Return whether what listens there does so on loopback only: Ray would look for it at the machine's other address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        return False
    if "://" in host:
        raise ConnectionError("it should be host:port of the cluster's head, or auto, not ray://")
    host = host.strip("[]")
    socket.create_connection((host, int(port)), timeout=5).close()
    if host not in ("localhost", "127.0.0.1", "::1"):
        return False
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
            route.connect(("192.0.2.1", 9))  # nothing is sent: this tells the address of this machine
            own = route.getsockname()[0]
        socket.create_connection((own, int(port)), timeout=5).close()
    except OSError:
        return True
    return False


def _why_not(address: str, error: Exception) -> str:
    """Say why a cluster could not be joined."""
    found = _VERSIONS.findall(str(error))
    if "ersion mismatch" in str(error) and len(found) == 2:
        (ray, python), (ours, our_python) = found
        return (
            f"the Ray cluster at {address!r} runs Ray {ray} on Python {python}, this process Ray {ours} on "
            f"Python {our_python}. Both must be the same."
        )
    return (
        f"no Ray cluster answers at {address!r} ({last_line(error).rstrip('.')}). Start one with `ray start --head`; "
        "if it asks for a token, set RAY_AUTH_MODE=token; without --address and RAY_ADDRESS a local Ray is started."
    )


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Throw away what is written to standard error in the block: Ray's C++ tells there of each try to connect."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def _environment(extra: Mapping[str, str], *without: str) -> Iterator[None]:
    """Set environment variables for the block, and have it without others."""
    before = {name: os.environ.get(name) for name in (*extra, *without)}
    os.environ.update(extra)
    for name in without:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
