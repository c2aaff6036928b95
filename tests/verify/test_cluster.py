"""A cluster of several nodes, here on loopback: nodes that die, freeze or join, and what is installed on them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opreg import plugins
from opreg.verify._cluster import CannotStart
from opreg.verify._executors import Inline, OnRay
from opreg.verify._messages import Hello
from opreg.verify._mutation import mutate
from opreg.verify._packages import packed
from opreg.verify._record import Record, comparable
from opreg.verify._run import Options
from opreg.verify._session import verify
from opreg.verify._trials import Trial

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(os.name == "nt", reason="Ray has no clusters there"),
]

NAMES = ["numpy.add", "numpy.exp", "numpy.multiply", "numpy.sin"]
SAMPLES = 60
Install = Callable[..., None]


class Nodes:
    """A cluster whose head decides nothing, and the nodes of one CPU that do."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80_000_000},
        )
        self._frozen: list[Any] = []
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self) -> None:
        self.nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=80_000_000))

    def kill(self, place: str) -> None:
        self._cluster.remove_node(self._at(place), allow_graceful=False)

    def freeze(self, place: str) -> None:
        """Stop all processes of a node, as a machine that hangs does."""
        raylet = self._at(place).all_processes["raylet"][0].process.pid
        self._frozen += [raylet, *children(raylet)]
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)

    def _at(self, place: str) -> Any:
        return next(node for node in self.nodes if node.node_id == place)

    def shutdown(self) -> None:
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)
        self._cluster.shutdown()


def children(pid: int) -> list[int]:
    """Return the processes that a process started, and those that these did."""
    own = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [below for child in own for below in children(child)]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    for name, value in (
        ("initial_delay_ms", "500"),
        ("period_ms", "500"),
        ("timeout_ms", "1000"),
        ("failure_threshold", "3"),
    ):
        monkeypatch.setenv(f"RAY_health_check_{name}", value)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    started = Nodes()
    yield started
    started.shutdown()


def run(address: str, *names: str, send: bool = False, **changes: Any) -> Record:
    return verify(list(names or NAMES), OnRay(address=address, send=send), Options(seed=3), **changes)


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    """The report of a run in process: what every other has to be equal to."""
    return comparable(verify(NAMES, Inline(), Options(seed=3), samples=SAMPLES).as_dict())


@pytest.mark.parametrize("what", ["kill", "freeze"])
def test_a_node_that_is_lost_in_the_middle_of_a_run_costs_no_result(
    nodes: Nodes, calm: dict[str, Any], what: str
) -> None:
    nodes.add()
    nodes.add()
    seen: list[str] = []

    def watch(message: Any, *_: Any) -> None:
        if isinstance(message, Hello):
            if len({*seen, message.place}) == 2 > len(set(seen)):
                getattr(nodes, what)(message.place)  # while it is at work there
            seen.append(message.place)

    record = run(nodes.address, samples=SAMPLES, watch=watch)
    assert set(seen) == {node.node_id for node in nodes.nodes}
    assert record.seconds < 60  # nobody waited until a silent shard is given up
    assert comparable(record.as_dict()) == calm


def test_mutants_that_were_on_a_node_which_freezes_are_decided_elsewhere(nodes: Nodes) -> None:
    nodes.add()
    nodes.add()
    trial, places = Trial(seed=3, samples=5), [node.node_id for node in nodes.nodes]

    def watch(*_: Any) -> None:
        if places:
            nodes.freeze(places.pop())
            places.clear()

    names = ["numpy.divide", "numpy.hypot", "numpy.multiply", "numpy.sinc"]
    frozen = mutate(names, OnRay(address=nodes.address), trial, watch=watch)
    assert not places
    calm = mutate(names, Inline(), trial)
    assert frozen.broke == ""
    assert [tested.as_dict() for tested in frozen.tested.values()] == [
        tested.as_dict() for tested in calm.tested.values()
    ]


def test_a_node_that_joins_in_the_middle_of_a_run_gets_its_share(nodes: Nodes) -> None:
    nodes.add()
    seen: list[str] = []

    def watch(message: Any, *_: Any) -> None:
        if isinstance(message, Hello):
            if not seen:
                nodes.add()
            seen.append(message.place)
            if len(set(seen)) == 2:
                raise KeyboardInterrupt

    record = run(nodes.address, samples=100_000, watch=watch)
    assert len(set(seen)) == 2
    assert record.workers == 2


def test_a_plugin_that_no_node_has_is_missing_there_and_can_be_sent_along(
    nodes: Nodes, installed: Install, site: Path, sources: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def packed_and_hidden() -> Iterator[str]:
        with packed() as packages:
            sys.path.remove(str(site))  # Ray tells its workers of our path, which another machine has not
            yield packages

    monkeypatch.delenv("PYTHONPATH")
    nodes.add()
    installed(sent=sources.good)
    plugins.get("sent.softsign")
    monkeypatch.setattr("opreg.verify._packages.packed", packed_and_hidden)
    sys.path.remove(str(site))
    record = run(nodes.address, "sent.softsign", samples=2)
    assert record.exit_status == 3
    assert "does not have sent.softsign, here of plugin sent of opreg-sent 1.2" in record.broke
    assert "or send them along with --send" in record.broke
    sys.path.insert(0, str(site))
    record = run(nodes.address, "sent.softsign", "numpy.add", samples=2, send=True)
    assert record.broke == ""
    assert [entry.verdict for entry in record.primitives.values()] == ["pass", "pass"]


@pytest.fixture
def unlike(
    installed: Install,
    install: Any,
    sources: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Callable[..., Record]:
    """Run on nodes that have something else of a plugin than this process has."""

    def decide(lib: str, source: str, version: str) -> Record:
        there = tmp_path / "there"
        there.mkdir()
        install(there, lib, source, version=version)
        installed(**{lib: sources.good})
        monkeypatch.setenv("PYTHONPATH", str(there))
        nodes = request.getfixturevalue("nodes")
        nodes.add()
        return run(nodes.address, f"{lib}.softsign", samples=2)

    return decide


def test_another_version_on_a_node_is_named_with_both(
    unlike: Callable[..., Record], sources: SimpleNamespace
) -> None:
    record = unlike("other", sources.wrong, "1.3")
    assert record.exit_status == 3
    assert "has another version of other.softsign: digest" in record.broke
    assert "of plugin other of opreg-other 1.3 with opreg" in record.broke
    assert "of plugin other of opreg-other 1.2 with opreg" in record.broke


def test_a_plugin_that_breaks_on_a_node_alone_is_told_with_its_reason(
    unlike: Callable[..., Record], sources: SimpleNamespace
) -> None:
    record = unlike("broken", sources.broken, "1.2")
    assert record.exit_status == 3
    assert "could not be loaded: RuntimeError: licence file missing" in record.broke


def test_a_cluster_of_another_ray_is_told_with_both_versions(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    version = ray.__version__
    monkeypatch.setattr(ray, "__version__", "1.0.0")
    with pytest.raises(CannotStart, match=f"runs Ray {version} on Python .*, this process Ray 1.0.0 on"):
        run(nodes.address)
