"""Compare contenders in one run: each round times all of them, and ratios are taken within a round.

Machines drift and neighbours are noisy; a ratio of two timings a few milliseconds apart survives both. The time is the
process's own CPU time, all of its threads: what other processes do does not count.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How much longer the first contender takes than another: the median over rounds, and the quartiles."""

    name: str
    median: float
    low: float
    high: float
    seconds: float
    limit: float | None = None

    def __str__(self) -> str:
        verdict = (
            ""
            if self.limit is None
            else f"  (at most {self.limit:g}: {'yes' if self.median <= self.limit else 'NO'})"
        )
        return f"{self.name:<44} {self.median:6.2f}  [{self.low:.2f}, {self.high:.2f}]{verdict}"


def ratios(
    contenders: Mapping[str, Callable[[], object]],
    limits: Mapping[str, float | None],
    rounds: int = 41,
    repeat: int = 1,
    placed: Callable[[], object] = lambda: None,
) -> list[Ratio]:
    """Time the contenders in turn, ``rounds`` times; return the ratio of the first one's time to each other's.

    The garbage of one contender is collected before the next is timed. That empties the processor's caches, so each
    contender is run once more than it is timed, and what takes a few milliseconds is to be timed ``repeat`` times in a
    row. What ``placed`` returns is held meanwhile.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 2):
        for name, run in contenders.items():
            gc.collect()
            held = placed()
            run()
            begin = time.process_time()
            for _ in range(repeat):
                run()
            times[name].append((time.process_time() - begin) / repeat)
            del held
    first, *others = contenders
    found = []
    for other in others:
        quotients = [
            a / b for a, b in zip(times[first][2:], times[other][2:], strict=True)
        ]  # two rounds warm up
        low, median, high = statistics.quantiles(quotients, n=4)
        seconds = statistics.median(times[other][2:])
        found.append(Ratio(f"{first} / {other}", median, low, high, seconds, limits.get(other)))
    return found
