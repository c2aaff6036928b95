"""The mutants under way on Ray, with a Ray that is played: whose worker dies, hangs, or is on a node that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from opreg.verify import _tasks
from opreg.verify._cluster import RunBroke
from opreg.verify._portions import LONGEST, Portions
from opreg.verify._trials import Decision, Trial


class RayError(Exception):
    """A worker died."""


class RayTaskError(RayError):
    """A worker raised an error."""


class Silent(Exception):
    """A worker says nothing more."""


Worker = Callable[[str, list[str]], Iterator[Any]]


class Stream:
    """A task under way: an iterator over what its worker tells."""

    def __init__(self, told: Iterator[Any]) -> None:
        self.told, self.silent, self.cancelled = told, False, False

    def __next__(self) -> Any:
        return next(self.told)


class Played:
    """What of Ray is needed, with a worker that does as a test says."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, worker: Worker) -> None:
        self.worker, self.started, self.cancelled = worker, [], 0

    def remote(self, task: Any) -> Any:
        return self

    def options(self, **settings: Any) -> Any:
        assert settings["num_returns"] == "streaming"
        return SimpleNamespace(remote=self._start)

    def _start(self, primitive: str, left: list[str], trial: Trial) -> Stream:
        self.started.append(list(left))
        return Stream(self.worker(primitive, list(left)))

    def wait(
        self, streams: list[Stream], num_returns: int, timeout: float
    ) -> tuple[list[Stream], list[Stream]]:
        return [stream for stream in streams if not stream.silent], []

    def get(self, message: Any) -> Any:
        if isinstance(message, Exception):
            raise message
        return message

    def cancel(self, stream: Stream, force: bool) -> None:
        self.cancelled += 1


class Nodes:
    """A cluster of one worker, whose nodes are lost as a test says."""

    workers, most, in_doubt = 1, 2, False

    def __init__(self, *lost: frozenset[str]) -> None:
        self._lost = list(lost)

    def lost(self) -> frozenset[str]:
        return self._lost.pop(0) if self._lost else frozenset()

    def placement(self) -> dict[str, Any]:
        return {}


def decided(worker: Worker, count: int = 5, nodes: Nodes | None = None) -> tuple[dict[str, str], Played]:
    """Return how each of some mutants was decided, and the Ray that was played."""
    ray = Played(worker)
    mutants = {"lib.f": [f"lib.f:sign:{number}" for number in range(count)]}
    found: dict[str, str] = {}
    with Portions(ray, nodes or Nodes(), mutants, Trial(seed=1), {}) as portions:  # type: ignore[arg-type]
        for _ in range(5_000):
            if not portions.fill():
                break
            for decision in portions.messages(timeout=0.0):
                assert decision.identifier not in found, "decided twice"
                found[decision.identifier] = decision.outcome
    assert sorted(found) == sorted(mutants["lib.f"])
    return found, ray


def right(primitive: str, left: list[str]) -> Iterator[Any]:
    yield "node"
    for identifier in left:
        yield Decision(identifier, "survived")


def dying_at(number: int, times: int) -> Worker:
    """A worker that dies so many times at one mutant, and of which nothing was known before it took its portion."""
    deaths = [times]

    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        yield "node"
        for identifier in left:
            if identifier.endswith(str(number)) and deaths[0]:
                deaths[0] -= 1
                yield RayError("it died")
            yield Decision(identifier, "survived")

    return worker


def test_all_are_decided_in_portions_enough_for_every_worker() -> None:
    found, ray = decided(right, 1000)
    assert len(found) == 1000
    assert max(map(len, ray.started)) == LONGEST
    assert len(decided(right, 8)[1].started) == 4


def test_a_mutant_whose_worker_dies_twice_is_killed_and_no_other() -> None:
    found, ray = decided(dying_at(2, times=2), 20)
    assert [name for name, outcome in found.items() if outcome == "killed"] == ["lib.f:sign:2"]
    assert ["lib.f:sign:2"] in ray.started  # by itself, the second time


def test_a_death_that_does_not_come_again_kills_nothing() -> None:
    found, _ = decided(dying_at(2, times=1), 20)
    assert set(found.values()) == {"survived"}


def test_a_death_after_the_last_decision_leaves_nothing_to_be_tried_again() -> None:
    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        yield from right(primitive, left)
        yield RayError("it died")

    found, ray = decided(worker, 8)
    assert set(found.values()) == {"survived"}
    assert len(ray.started) == 4


def test_workers_that_never_begin_end_the_run() -> None:
    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        yield RayError("no memory")

    with pytest.raises(
        RunBroke, match=r"die again and again before they decide mutants of lib\.f: .*no memory"
    ):
        decided(worker)


def test_a_worker_that_raises_ends_the_run() -> None:
    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        yield RayTaskError("LookupError: its source differs")

    with pytest.raises(RunBroke, match=r"a worker could not decide mutants of lib\.f: .*its source differs"):
        decided(worker)


def test_a_worker_that_goes_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(_tasks.time, "monotonic", lambda: clock[0])

    class Hanging(Played):
        def wait(self, streams: list[Stream], num_returns: int, timeout: float) -> Any:
            clock[0] += 30.0
            return super().wait(streams, num_returns, timeout)

        def get(self, message: Any) -> Any:
            if isinstance(message, Silent):
                self.last.silent = True
                return "node"  # it greets, and nothing more is heard
            return super().get(message)

        def _start(self, primitive: str, left: list[str], trial: Trial) -> Stream:
            self.last = super()._start(primitive, left, trial)
            return self.last

    hung: list[str] = []

    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        if not hung:
            hung.extend(left)
            yield Silent()
        yield from right(primitive, left)

    ray, nodes, found = Hanging(worker), Nodes(), {}
    nodes.most = 1
    with Portions(ray, nodes, {"lib.f": ["a", "b"]}, Trial(seed=1), {}) as portions:  # type: ignore[arg-type]
        for _ in range(100):
            if not portions.fill():
                break
            for decision in portions.messages(timeout=0.0):
                found[decision.identifier] = decision.outcome
    assert found == {"a": "survived", "b": "survived"}
    assert ray.cancelled == 1 and nodes.in_doubt
    assert clock[0] >= portions.silence + _tasks.PATIENT_SECONDS


def first_on_a_lost_node() -> Callable[[str, list[str]], Iterator[Any]]:
    """Return a worker whose first two tasks are taken up on a node that is lost."""
    places = iter(["lost", "lost"])

    def worker(primitive: str, left: list[str]) -> Iterator[Any]:
        yield next(places, "alive")
        for identifier in left:
            yield Decision(identifier, "survived")

    return worker


def test_what_was_on_a_lost_node_is_decided_elsewhere() -> None:
    found, ray = decided(first_on_a_lost_node(), 8, Nodes(frozenset(), frozenset(["lost"])))
    assert set(found.values()) == {"survived"}
    assert ray.cancelled >= 1


def test_a_mutant_whose_nodes_are_lost_is_not_killed_by_that() -> None:
    lost = frozenset(["lost"])
    found, ray = decided(first_on_a_lost_node(), 1, Nodes(lost, lost))
    assert (set(found.values()), ray.cancelled) == ({"survived"}, 2)
