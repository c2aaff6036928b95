"""A run of ten thousand cases into which faults are injected, against one without: what else do they cost?

    python faults.py                     # 100 faults in 10 000 cases
    python faults.py --faults 20 --primitives 10 --seed 7

The primitives are right and made for it. Faults are drawn: a sample at which the forward function, or a check that a
plugin adds, dies of a signal, ends its process, wants more memory than there is, hangs, or hangs where no signal
reaches it; and workers that are killed from outside at random moments. Such a case must be an `error` that says so;
every other verdict must be as without faults, to the count. What a kill from outside meets is no fault of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KINDS = ("signal", "exit", "memory", "hang", "deaf", "kill")
SHARES = (25, 25, 15, 15, 5, 15)
SAID = {
    "signal": "its process died by signal",
    "exit": "it ended its process, with exit status",
    "memory": "of memory it may take",
    "hang": "it took longer than its limit",
    "deaf": "it hung: after",
}
SAMPLES = 25

PLUGIN = '''
"""Primitives that are right, and fail where the file of faults says so."""
import ctypes, json, os
import numpy as np
import opreg
from opreg.testing import Check

FAULTS = json.load(open(os.environ["FAULTS"]))

def fault(kind):
    if kind == "signal":
        ctypes.string_at(0)
    elif kind == "exit":
        os._exit(3)
    elif kind == "memory":
        np.ones(10**12)
    elif kind == "hang":
        while True:
            pass
    elif kind == "deaf":
        lock = ctypes.create_string_buffer(64)
        for _ in range(2):  # it waits for itself, and holds Python's lock
            ctypes.PyDLL(None).pthread_mutex_lock(lock)

def make(number):
    @opreg.primitive(f"faulty.scaled_{number:03d}")
    def scaled(x, key, /):
        if x.shape:
            fault(FAULTS.get(f"{number}/{int(key)}/forward"))
        return (number + 1) * x

    scaled.defvjp(x=lambda g: (number + 1) * g)
    scaled.not_differentiable(key="it names the sample")

    @scaled.samples
    def samples(rng):
        for _ in range(3):
            yield opreg.Sample((rng.standard_normal(4), int(rng.integers(10**12))))

    return scaled

PRIMITIVES = [make(number) for number in range(int(os.environ["PRIMITIVES"]))]

def probe(subject, data, static, rng):
    """No fault is due in the check."""
    fault(FAULTS.get(f"{int(subject.name[-3:])}/{int(data[1])}/probe"))
    return ()

@opreg.hookimpl
def opreg_primitives():
    return PRIMITIVES

@opreg.hookimpl
def opreg_checks():
    return [Check("probe", probe)]
'''


def install(site: Path) -> None:
    """Install the plugin into a directory."""
    (site / "faulty.py").write_text(PLUGIN)
    info = site / "faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[opreg]\nfaulty = faulty\n")
    sys.path.insert(0, str(site))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))


def drawn(count: int, primitives: int, seed: int) -> tuple[dict[str, str], int]:
    """Draw the faults: at most two of one primitive, so that none is given up; and how many kills."""
    from opreg import plugins
    from opreg.verify._run import draw

    rng = random.Random(seed)
    kinds = rng.choices(KINDS, SHARES, k=count)
    places = [number for number in range(primitives) for _ in range(2)]
    rng.shuffle(places)
    faults: dict[str, str] = {}
    for kind in kinds:
        if kind == "kill" or not places:
            continue
        number = places.pop()
        while True:
            samples = draw(
                plugins.get(f"faulty.scaled_{number:03d}"), seed, rng.randrange(SAMPLES // 3)
            ).samples
            where = f"{number}/{rng.choice(samples).args[1]}/{rng.choice(['forward', 'probe'])}"
            if not any(known.rpartition("/")[0] == where.rpartition("/")[0] for known in faults):
                faults[where] = kind
                break
    return faults, kinds.count("kill")


def outcomes(record: Any) -> dict[str, dict[str, Counter[str]]]:
    """The verdicts of a run in numbers: by primitive and check."""
    return {
        name: {check: Counter(tally.outcomes) for check, tally in found.checks.items()}
        for name, found in record.primitives.items()
    }


def due(
    calm: dict[str, dict[str, Counter[str]]], faults: dict[str, str]
) -> dict[str, dict[str, Counter[str]]]:
    """What a run with faults must say, given one without: only the cases that are at fault differ."""
    expected = {
        name: {check: Counter(count) for check, count in found.items()} for name, found in calm.items()
    }
    for where in faults:
        number, _, place = where.split("/")
        name = f"faulty.scaled_{int(number):03d}"
        found = expected[name]
        for check in list(calm[name]) if place == "forward" else ["probe"]:
            for outcome in calm[name][check]:  # one at most: every sample is alike
                found[check][outcome] -= 1
        found.setdefault(place, Counter())["error"] += 1
    return expected


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both, print how they differ, and return 1 if they do in what they must not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--primitives", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as directory:
        site = Path(directory)
        install(site)
        schedule = site / "faults.json"
        schedule.write_text("{}")
        os.environ.update(FAULTS=str(schedule), PRIMITIVES=str(options.primitives))
        return compare(options.faults, options.primitives, seed, schedule)


def compare(count: int, primitives: int, seed: int, schedule: Path) -> int:
    """Run without faults and with them."""
    from opreg.verify._bounds import Bounds
    from opreg.verify._executors import OnRay
    from opreg.verify._messages import Hello
    from opreg.verify._run import Options
    from opreg.verify._session import verify

    names = [f"faulty.scaled_{number:03d}" for number in range(primitives)]
    asked = Options(seed=seed, bounds=Bounds(seconds=2.0, megabytes=1000), coverage=False)
    started = time.monotonic()
    calm = verify(names, OnRay(), asked, samples=SAMPLES)
    pause = time.monotonic() - started
    print(f"seed {seed}; without faults {calm.summary['cases']} cases in {pause:.0f} s", flush=True)
    faults, kills = drawn(count, primitives, seed)
    print(f"{len(faults)} faults and {kills} kills: {dict(Counter(faults.values()))}", flush=True)
    schedule.write_text(json.dumps(faults))
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0.0, 0.9) for _ in range(kills))
    done = 0

    def watch(message: Any, plan: Any, record: Any) -> None:
        nonlocal done
        if (
            isinstance(message, Hello)
            and moments
            and record.summary["cases"] >= moments[0] * calm.summary["cases"]
        ):
            moments.pop(0)
            done += 1
            os.kill(message.pid, signal.SIGKILL)

    started = time.monotonic()
    stormy = verify(names, OnRay(), asked, samples=SAMPLES, watch=watch)
    print(
        f"with them {stormy.summary['cases']} cases in {time.monotonic() - started:.0f} s, {done} workers killed"
    )
    if stormy.broke:
        print(f"  the run broke: {stormy.broke}")
    wrong = 0
    expected, found = due(outcomes(calm), faults), outcomes(stormy)
    for name in names:
        for check in expected[name].keys() | found[name].keys():
            a, b = +expected[name].get(check, Counter()), +found[name].get(check, Counter())
            if a != b:
                wrong += 1
                print(f"  {name} {check}: due {dict(a)}, found {dict(b)}")
    told = Counter[str]()
    for name in names:
        for finding in stormy.primitives[name].findings:
            kind = next((kind for kind, text in SAID.items() if text in finding["diagnosis"]), "")
            told[kind] += 1
            if not kind:
                print(f"  {finding['case']}: {finding['diagnosis']}")
    wrong += told != Counter(faults.values())
    print(f"findings: {dict(told)}; {'every other verdict is the same' if not wrong else f'{wrong} differ'}")
    return int(bool(wrong or stormy.broke))


if __name__ == "__main__":
    sys.exit(main())
