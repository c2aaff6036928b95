"""What the driver of a large run costs: plan, record and ledger are real, the workers and Ray are simulated.

    python scale.py                                  # a million cases on 1 to 1 000 nodes of 8 CPUs
    python scale.py --cases 10000000 --nodes 1000

A worker decides a case in some milliseconds of simulated time and delivers a message every tenth of a second, as real
ones do. Printed are the driver's own CPU time for a case and for a message, the part of the run's time that it is busy
(beyond 1 it cannot keep up), by how much its memory grew, the ledger's size, and the tail: how much longer the
run takes than its work divided by its workers. What Ray adds to a message is not in it: `docs/design/scale.md`.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from opreg import plugins
from opreg.verify._ledger import Ledger
from opreg.verify._messages import Batch, Coverage, Done, Hello, Message, Tally
from opreg.verify._plan import Case, Plan, Shard
from opreg.verify._record import Record

CHECKS = (
    "structure",
    "linearity",
    "adjoint",
    "differences",
    "second-order",
    "layout",
    "precision",
    "variants",
)
SAMPLES_IN_A_ROUND = 12
MESSAGE_SECONDS = 0.1
CPUS = 8


def messages(shard: Shard, milliseconds: float, pace: float) -> Iterator[tuple[float, Message]]:
    """Yield the messages of a shard with the seconds of work before each."""
    name, first = shard.primitive, shard.first
    yield (
        0.0,
        Hello(name, first, shard.last, 1, "node", "0" * 16, {"opreg": "1", "numpy": "2", "python": "3"}),
    )
    samples = SAMPLES_IN_A_ROUND * (shard.last - shard.first + 1)
    seconds = samples * len(CHECKS) * milliseconds / 1000
    count = max(round(seconds / (MESSAGE_SECONDS * pace)), 1)
    for number in range(1, count + 1):
        share = samples * number // count - samples * (number - 1) // count
        last = str(Case(name, shard.first + number * (shard.last - shard.first) // count, 0, CHECKS[-1], 1))
        tallies = {check: Tally({"pass": share}, 9.5) for check in CHECKS}
        yield (
            seconds / count,
            Batch(name, first, last, share, seconds / count, tallies, [], Coverage({number})),
        )
    yield 0.0, Done(name, first)


class Cluster:
    """Workers that take shards and deliver messages in simulated time."""

    def __init__(self, workers: int, milliseconds: float, pace: float, seed: int) -> None:
        self.workers, self.milliseconds, self.pace = workers, milliseconds, pace
        self.rng = random.Random(seed)
        self.now = 0.0
        self._events: list[tuple[float, int, Message]] = []
        self._streams: dict[int, Iterator[tuple[float, Message]]] = {}
        self._waiting: list[Shard] = []
        self._number = 0

    @property
    def in_flight(self) -> int:
        return len(self._streams) + len(self._waiting)

    def submit(self, shard: Shard) -> None:
        """Give a shard to a worker that is free, or have it wait for one."""
        self._waiting.append(shard)
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._streams) < self.workers:
            self._number += 1
            each = self.milliseconds * self.rng.uniform(0.5, 1.5)  # not all primitives cost the same
            self._streams[self._number] = messages(self._waiting.pop(0), each, self.pace)
            self._next(self._number)

    def _next(self, number: int) -> None:
        following = next(self._streams[number], None)
        if following is None:
            del self._streams[number]
            self._start()
        else:
            heapq.heappush(self._events, (self.now + following[0], number, following[1]))

    def deliver(self) -> Message:
        """Return the next message, and set the clock to its time."""
        self.now, number, message = heapq.heappop(self._events)
        self._next(number)
        return message


def run(cases: int, nodes: int, milliseconds: float, directory: Path) -> None:
    """Run a plan on a simulated cluster and print what the driver spent."""
    names = [primitive.name for primitive in plugins.primitives()]
    plan = Plan(names, samples=cases // len(CHECKS) // len(names), cases=1)
    record = Record(1, "", "simulated", nodes * CPUS, {})
    record.expect(names)
    cluster = Cluster(nodes * CPUS, milliseconds, plan.suit(nodes * CPUS), seed=1)
    count, driver = 0, 0.0
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Ledger.begin(directory, {"started": ""}) as ledger:
        while True:
            clock = time.process_time()
            while cluster.in_flight < 2 * cluster.workers + 1 and (shard := plan.next()) is not None:
                driver += time.process_time() - clock
                cluster.submit(shard)
                clock = time.process_time()
            driver += time.process_time() - clock
            if not cluster.in_flight:
                break
            message = cluster.deliver()
            clock = time.process_time()
            plan.note(message)
            ledger.append(message)
            record.add(message)
            driver += time.process_time() - clock
            count += 1
        size = os.stat(ledger.path).st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun
    decided = record.summary["cases"]
    work = sum(found.seconds for found in record.primitives.values()) / cluster.workers
    print(
        f"{decided:>10} cases {nodes:>5} nodes: {count} messages, {driver / decided * 1e6:5.2f} us a case, "
        f"{driver / count * 1e6:4.0f} us a message, busy {driver / cluster.now:6.3f}, {memory / 2**10:4.0f} MB, "
        f"ledger {size / decided:5.1f} bytes a case, {cluster.now:7.1f} s, tail {cluster.now / work - 1:.0%}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each size of run and cluster."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--milliseconds", type=float, default=2.0, help="what a case takes")
    options = parser.parse_args(arguments)
    for cases in options.cases:
        for nodes in options.nodes:
            with tempfile.TemporaryDirectory() as directory:
                run(cases, nodes, options.milliseconds, Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
