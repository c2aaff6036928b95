"""Whole runs: what a second worker gains, what Ray costs, whether a long run costs more, and the first verdict.

    python runs.py                     # all of it, some ten minutes
    python runs.py scaling overhead    # parts: scaling, overhead, length, start
    python runs.py length --most 1000000

Each run is a process of its own. Its time is counted from the first worker's greeting to the last message, so that the
start of Ray, which `start` measures, is not in it. A second core gains less than its whole where both share caches,
memory or a host: the *ceiling* is what two processes gain that decide the same cases in process, each by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from opreg.verify._cluster import ONE_THREAD

NAMES = [f"numpy.{name}" for name in ("add", "cumsum", "exp", "linalg.inv", "matmul", "max", "sin", "where")]
QUICK = ["numpy.exp", "numpy.multiply", "numpy.negative", "numpy.sin"]
"""For the longest runs, whose cases are to be many."""


def decide(executor: str, workers: int, samples: int, names: list[str]) -> dict[str, Any]:
    """Run the verifier in this process; return how many cases were decided, in which time, and its peak memory."""
    from opreg.verify._executors import Inline, OnRay
    from opreg.verify._run import Options
    from opreg.verify._session import verify

    first: list[float] = []

    def watch(*_: object) -> None:
        if not first:
            first.append(time.perf_counter())

    record = verify(
        names,
        Inline() if executor == "inline" else OnRay(count=workers),
        Options(seed=1),
        samples=samples,
        watch=watch,
    )
    seconds = time.perf_counter() - first[0]
    if record.exit_status not in (0, 4):
        sys.exit(f"the run did not end well: {record.broke or record.exit_status}")
    cases = sum(primitive.cases for primitive in record.primitives.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cases": cases, "seconds": seconds, "megabytes": peak}


def started(executor: str, workers: int, samples: int, names: list[str]) -> subprocess.Popen[str]:
    """Start a process that runs the verifier so."""
    asked = json.dumps([executor, workers, samples, names])
    command = [sys.executable, __file__, "--decide", asked]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD})


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for such a process and return what it measured."""
    out = process.communicate()[0]
    if process.returncode:
        sys.exit(process.returncode)
    return dict(json.loads(out.splitlines()[-1]))


def scaling(asked: argparse.Namespace) -> None:
    """Two workers against one, beside two processes that share nothing against one of them."""
    trial = result(started("inline", 1, 200, NAMES))
    samples = max(int(200 * asked.seconds / trial["seconds"]), 40)
    gains, ceilings = [], []
    for _ in range(asked.rounds):
        one = result(started("ray", 1, samples, NAMES))
        two = result(started("ray", 2, samples, NAMES))
        alone = result(started("inline", 1, samples // 2, NAMES))
        pair = [result(p) for p in [started("inline", 1, samples // 2, NAMES) for _ in range(2)]]
        gains.append(one["seconds"] / two["seconds"])
        ceilings.append(2 * alone["seconds"] / max(process["seconds"] for process in pair))
        print(
            f"  {one['cases']} cases: one worker {one['seconds']:.1f} s, two {two['seconds']:.1f} s: "
            f"{gains[-1]:.2f} times; two processes by themselves {ceilings[-1]:.2f} times",
            flush=True,
        )
    claim("scaling: two workers gain, of 2", statistics.median(gains), 1.8, at_least=True)
    print(f"    the machine's own ceiling: {statistics.median(ceilings):.2f}")


def overhead(asked: argparse.Namespace) -> None:
    """One worker of Ray against the same run in process."""
    trial = result(started("inline", 1, 40, NAMES))
    samples = max(int(40 * asked.seconds / 2 / trial["seconds"]), 40)
    costs = []
    for _ in range(asked.rounds):
        inline = result(started("inline", 1, samples, NAMES))
        ray = result(started("ray", 1, samples, NAMES))
        costs.append(ray["seconds"] / inline["seconds"])
        print(f"  {ray['cases']} cases: in process {inline['seconds']:.1f} s, on Ray {ray['seconds']:.1f} s")
    claim("overhead: Ray with one worker, of in process", statistics.median(costs), 1.1)


def _usual(rounds: int, samples: int) -> dict[str, Any]:
    """Return the usual one of some runs on two workers, which vary by a tenth; of a minute's run there is one."""
    found: list[dict[str, Any]] = []
    while not found or (len(found) < rounds and found[0]["seconds"] < 60):
        found.append(result(started("ray", 2, samples, QUICK)))
    return sorted(found, key=lambda one: float(one["seconds"]))[len(found) // 2]


def length(asked: argparse.Namespace) -> None:
    """Runs of ten to a million cases: memory of the driver, and cases per second.

    The first seconds of every run, in which workers import what they need, are the same: so the pace that is compared
    is that of the cases that a run has more than the one before.
    """
    found: list[dict[str, Any]] = []
    cases, samples = 0, 1
    while cases < asked.most:
        one = _usual(asked.rounds, samples)
        more, longer = one["cases"] - cases, one["seconds"] - (found[-1]["seconds"] if found else 0.0)
        cases = one["cases"]
        one["pace"] = more / longer if more else 0.0
        found.append(one)
        print(
            f"  {cases} cases in {one['seconds']:.1f} s, {cases / one['seconds']:.0f}/s, beyond the run before "
            f"{one['pace']:.0f}/s; driver's peak memory {one['megabytes']:.0f} MB",
            flush=True,
        )
        samples = min(samples * 10, max(round(samples * 1.02 * asked.most / cases), samples + 1))
    grown = max(one["megabytes"] for one in found) - found[0]["megabytes"]
    claim("length: the driver's memory grows by, MB", grown, 50)
    long = [one["pace"] for one in found if one["cases"] >= asked.most / 100]
    claim(
        "length: slowest of the fastest, in the last hundredfold", min(long) / max(long), 0.9, at_least=True
    )


def start(asked: argparse.Namespace) -> None:
    """From the command to the first verdict on the screen."""
    for arguments, limit in ((["--executor", "inline"], 1.0), ([], 6.0)):
        times = []
        for _ in range(2 * asked.rounds + 1):
            begin = time.perf_counter()
            command = [sys.executable, "-u", "-m", "opreg", "verify", "numpy.multiply", *arguments]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                next(line for line in process.stdout if line.startswith("pass"))
                times.append(time.perf_counter() - begin)
                process.stdout.read()
        claim(f"start: first verdict, s {' '.join(arguments)}", statistics.median(times), limit)


def claim(name: str, value: float, limit: float, *, at_least: bool = False) -> None:
    """Print a figure beside what is claimed of it."""
    holds = value >= limit if at_least else value <= limit
    word = "at least" if at_least else "at most"
    print(f"{name:<60} {value:7.2f}  ({word} {limit:g}: {'yes' if holds else 'NO'})", flush=True)


PARTS = {"scaling": scaling, "overhead": overhead, "length": length, "start": start}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the runs of 'scaling' take")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--most", type=int, default=100_000, help="how many cases the longest run has")
    parser.add_argument("--decide", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.decide:
        print(json.dumps(decide(*json.loads(arguments.decide))))
        return
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    for name in arguments.parts or PARTS:
        PARTS[name](arguments)


if __name__ == "__main__":
    main()
