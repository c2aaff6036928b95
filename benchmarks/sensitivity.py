"""How small an error of a rule is caught: the smallest in at least 95 % of draws, for each shipped primitive.

    python sensitivity.py                          # 20 draws for each size, fresh seed
    python sensitivity.py --draws 40 numpy.tanh 'numpy.linalg.*'

A draw is a sample of the primitive whose right rule passes, and one of its arguments. The cotangent of that is
multiplied by 1 + eps, as a whole or in one entry (of at least a hundredth of the largest), for eps = 1e-12 ... 1e-2,
and the differences check is run on it. For float32 the sample is cast, and the precision check run; where that is
waived, as the forward itself is not accurate, the draw does not count. Samples at ties and zeros are drawn too: there
a rule may say anything between the derivatives around, so a primitive with many such samples stands at the end of the
list.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import dataclasses
import multiprocessing
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from opreg import plugins
from opreg.verify._checks import CHECKS
from opreg.verify._coordinates import is_inexact, outputs
from opreg.verify._rule import copies
from opreg.verify._run import draw
from opreg.verify._seeds import stream
from opreg.verify._session import select
from opreg.verify._subject import Subject

RATE = 0.95
# A forked worker finds the functions of this program under whatever name it was started.
START = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
SIZES = tuple(10.0**exponent for exponent in range(-12, -1))
KINDS = ("whole", "one entry", "float32")
TARGETS = {"whole": (1e-10, 1e-7), "one entry": (1e-9, 1e-7), "float32": (1e-4, 1e-4)}
MOST_ENTRIES = 200
NEVER = np.inf


class Draw(NamedTuple):
    """A sample, the argument whose cotangent is to be off, and the entry."""

    data: tuple[Any, ...]
    static: dict[str, Any]
    argument: int
    entry: int
    number: int


def draws(subject: Subject, seed: int) -> Iterator[Draw]:
    """Samples of ordinary precision and size whose right rule passes."""
    primitive = plugins.get(subject.name)
    for number in range(200):
        rng = stream(seed, subject.name, "sensitivity", number)
        samples = draw(primitive, seed, number).samples
        for place in rng.permutation(len(samples))[:6].tolist():
            try:
                data, static = primitive.canonical(samples[place].args, samples[place].kwargs)
                found = _chosen(subject, data, static, rng)
            except Exception:
                continue
            if found is not None:
                yield Draw(tuple(data), static, *found, number * 1000 + place)


def _chosen(
    subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> tuple[int, int] | None:
    """An argument and an entry to be off, or None where a sample does not serve."""
    floats = [np.asarray(value) for value in data if is_inexact(value)]
    active = subject.active(data)
    if not active or any(v.dtype.char not in "dD" or not 0 < v.size <= MOST_ENTRIES for v in floats):
        return None
    out = subject.forward(*copies(data), **static)
    if any(np.asarray(v).dtype.char not in "dD" or not np.size(v) for v in outputs(out)):
        return None
    g = tuple(rng.uniform(1, 2, np.shape(v)).astype(np.asarray(v).dtype) for v in outputs(out))
    argument = int(rng.choice(active))
    cotangent = np.abs(
        np.ravel(subject.vjp(g if isinstance(out, tuple) else g[0], out, *copies(data), **static)[argument])
    )
    if not np.isfinite(cotangent).all() or not cotangent.any():
        return None
    entry = int(rng.choice(np.flatnonzero(cotangent >= 1e-2 * cotangent.max())))
    if CHECKS["differences"].run(subject, tuple(copies(data)), static, rng).outcome != "pass":
        return None
    return argument, entry


def off(subject: Subject, one: Draw, kind: str, size: float) -> Subject:
    """The subject with its rule off by a relative error in one argument's cotangent."""

    def vjp(g: Any, out: Any, *data: Any, **static: Any) -> Any:
        result = list(subject.vjp(g, out, *data, **static))
        cotangent = np.array(result[one.argument], order="C")
        if kind != "float32":
            cotangent.reshape(-1)[slice(None) if kind == "whole" else slice(one.entry, one.entry + 1)] *= (
                1 + size
            )
        elif cotangent.dtype.char in "fF":
            cotangent *= cotangent.dtype.type(1 + size)
        result[one.argument] = cotangent
        return tuple(result)

    return dataclasses.replace(subject, vjp=vjp, jvp=None)


def caught(subject: Subject, several: Sequence[Draw], kind: str, size: float) -> bool:
    """Tell whether an error of this size is caught in enough draws."""
    check = CHECKS["precision" if kind == "float32" else "differences"]
    allowed = int((1 - RATE) * len(several) + 1e-9)
    for one in several:
        wrong = off(subject, one, kind, size)
        rng = stream(one.number, subject.name, kind, size)
        verdict = check.run(wrong, tuple(copies(one.data)), dict(one.static), rng)
        allowed -= verdict.outcome not in ("fail", "waived")
        if allowed < 0:
            return False
    return True


def smallest(catches: Callable[[float], bool], start: float) -> float:
    """The smallest size that is caught, looked for from a likely one."""
    place = SIZES.index(start)
    if catches(SIZES[place]):
        while place and catches(SIZES[place - 1]):
            place -= 1
        return SIZES[place]
    for size in SIZES[place + 1 :]:
        if catches(size):
            return size
    return NEVER


def measure(name: str, seed: int, count: int) -> tuple[str, int, dict[str, float]]:
    """The smallest error of each kind that is caught in a primitive's rule."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        subject = Subject.of(plugins.get(name))
        several = list(islice(draws(subject, seed), count))
        if not several:
            return name, 0, {}
        found = {
            kind: smallest(partial(caught, subject, several, kind), 1e-4 if kind == "float32" else 1e-10)
            for kind in KINDS
        }
    return name, len(several), found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the median, the worst, and the primitives that fall short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="primitives or globs; none: all that are installed")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    names = [name for name in select(options.names) if not plugins.get(name).is_constant]
    print(f"seed {seed}; {len(names)} primitives, {options.draws} draws for each size")
    started = time.perf_counter()
    found: dict[str, dict[str, float]] = {}
    with multiprocessing.get_context(START).Pool(options.workers) as pool:
        for name, count, row in pool.imap_unordered(partial(measure, seed=seed, count=options.draws), names):
            if row:
                found[name] = row
            else:
                print(f"  {name}: {count} draws serve", flush=True)
    for kind in KINDS:
        sizes = {name: row[kind] for name, row in found.items()}
        median = float(np.median(list(sizes.values())))
        middle, worst = TARGETS[kind]
        print(f"\n{kind}: caught from {median:.0e} for the median primitive "
              f"(at most {middle:g}: {'yes' if median <= middle else 'NO'})")  # fmt: skip
        late = sorted((size, name) for name, size in sizes.items() if size > worst)
        print(
            f"  {len(sizes) - len(late)} of {len(sizes)} from {worst:g} or below; the others, kinks among them:"
        )
        for size, name in late:
            print(f"    {name:<36} {'never' if size == NEVER else f'{size:.0e}'}")
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
