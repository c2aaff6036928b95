"""Right rules at hostile inputs: how often the verifier fails one wrongly, or cannot tell.

Every shipped primitive's samples are taken to magnitudes 10**U(-8, 8), entry by entry or (one in four) as a whole, and
those that the forward accepts with a finite output are checked. The rules are right, so a failure is a false alarm.

    python false_alarms.py                          # 20 000 checks, a fresh seed, all processors
    python false_alarms.py --checks 1000000 --workers 8 --json alarms.json
    python false_alarms.py numpy.tanh 'numpy.linalg.*' --only differences second-order
    python false_alarms.py --replay numpy.tanh:12.3:differences:4711

A case is PRIMITIVE:ROUND.INDEX:CHECK:SEED, as a failure prints it; `--replay` runs it again here and shows the input
and the verdict, `case(...)` gives the same to a debugger:

    >>> subject, data, static, rng = case("numpy.tanh:12.3:differences:4711")       # doctest: +SKIP
    >>> CHECKS["differences"].run(subject, data, static, rng)                       # doctest: +SKIP

What is drawn depends on the seed and the case alone. A symmetric matrix is scaled from both sides, and so stays
symmetric and definite; a sorted array is sorted again; zeros stay zeros and signs signs. Where the whole range is not
accepted (`exp` overflows, `arcsin` has an end), or the rule refuses it as singular, a narrower one is tried.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import multiprocessing
import secrets
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opreg import plugins
from opreg._primitive import Primitive
from opreg.verify._bounds import TookTooLong, limit
from opreg.verify._checks import CHECKS
from opreg.verify._coordinates import Coordinates, is_inexact, outputs
from opreg.verify._plan import Case
from opreg.verify._rule import copies, cotangent_like
from opreg.verify._run import draw
from opreg.verify._seeds import stream
from opreg.verify._session import select
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

# Ranges of decimal exponents, from the widest down; the first that the forward accepts is taken.
RANGES = ((-8, 8), (-8, 8), (-8, 8), (-8, 2), (-8, 0), (-2, 2), (-1, 1))
PER_ROUND = 4
# A forked worker finds the functions of this program under whatever name it was started.
START = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
TIME_LIMIT = 60.0
GOOD = ("pass", "fail", "inconclusive", "error")


class Task(NamedTuple):
    """Some samples of one round of one primitive, and the checks to run on each."""

    primitive: str
    round: int
    seed: int
    checks: tuple[str, ...]


class Decided(NamedTuple):
    """What became of one case; the rest only where it is not good."""

    primitive: str
    check: str
    outcome: str
    case: str
    text: str = ""
    input: str = ""


def magnified(
    value: Any, rng: np.random.Generator, low: float, high: float, entries: bool
) -> NDArray[Any] | Any:
    """The same signs, phases, zeros and symmetry at magnitudes 10**U(low, high)."""
    if not is_inexact(value) or not np.size(value):
        return value
    array = np.asarray(value)
    if array.dtype.char == "e":
        low, high = max(low, -3), min(high, 3)
    if not entries:
        size = float(np.sqrt(np.mean(np.abs(array.astype(complex)) ** 2))) or 1.0
        return (array * (10.0 ** rng.uniform(low, high) / size)).astype(array.dtype)
    square = array.ndim > 1 and array.shape[-1] == array.shape[-2] > 1
    if square and (
        np.array_equal(array, np.swapaxes(array, -1, -2))
        or np.array_equal(array, np.conj(np.swapaxes(array, -1, -2)))
    ):
        side = 10.0 ** (rng.uniform(low, high, array.shape[:-1]) / 2)
        return (array * (side[..., :, None] * side[..., None, :])).astype(array.dtype)
    size = np.abs(array)
    with np.errstate(all="ignore"):
        unit = np.where(size > 0, array / np.where(size > 0, size, 1), 0)
    new: NDArray[Any] = (unit * 10.0 ** rng.uniform(low, high, array.shape)).astype(array.dtype)
    if array.ndim == 1 and array.size > 2 and array.dtype.kind == "f":
        step = np.diff(array)
        if np.all(step > 0):
            new = np.sort(new)
        elif np.all(step < 0):
            new = np.sort(new)[::-1].copy()
    return new


def magnify(
    primitive: Primitive, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> tuple[Any, ...] | None:
    """The data at other magnitudes, or None where forward and rule accept none of them."""
    entries = bool(rng.random() < 0.75)
    for low, high in RANGES:
        moved = tuple(magnified(value, rng, low, high, entries) for value in data)
        try:
            out = primitive.forward(*copies(moved), **static)
        except Exception:
            continue
        if all(np.isfinite(v).all() for v in outputs(out) if is_inexact(v)) and not refuses(
            primitive, out, moved, static
        ):
            return moved
    return None


def refuses(primitive: Primitive, out: Any, data: tuple[Any, ...], static: dict[str, Any]) -> bool:
    """Whether the rule says, as linear algebra does, that there is no derivative: of a defective matrix, for one."""
    results = Coordinates(outputs(out))
    try:
        primitive.vjp(
            cotangent_like(out, np.ones(results.size), results, native=True), out, *copies(data), **static
        )
    except np.linalg.LinAlgError:
        return True
    except Exception:
        return False
    return False


def samples(
    primitive: Primitive, seed: int, number: int
) -> Iterator[tuple[int, tuple[Any, ...], dict[str, Any]]]:
    """The cases' inputs of one round: index, data, keywords."""
    drawn = draw(primitive, seed, number).samples
    rng = stream(seed, primitive.name, "which", number)
    for index in sorted(rng.choice(len(drawn), min(PER_ROUND, len(drawn)), replace=False).tolist()):
        try:
            data, static = primitive.canonical(drawn[index].args, drawn[index].kwargs)
        except Exception:
            continue
        moved = magnify(primitive, data, static, stream(seed, primitive.name, "magnitudes", number, index))
        if moved is not None:
            yield index, moved, static


def case(text: str) -> tuple[Subject, tuple[Any, ...], dict[str, Any], np.random.Generator]:
    """What `CHECKS[check].run` is called with in a case: subject, data, keywords, random stream."""
    wanted = Case.parse(text)
    primitive = plugins.get(wanted.primitive)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for index, data, static in samples(primitive, wanted.seed, wanted.round):
            if index == wanted.index:
                rng = stream(wanted.seed, wanted.primitive, wanted.check, wanted.round, index)
                return Subject.of(primitive), data, static, rng
    raise LookupError(f"there is no case {text}: its sample is not among those taken, or its samples changed")


def exact(value: Any) -> str:
    """A value as text that loses nothing."""
    with np.printoptions(precision=17, threshold=sys.maxsize, floatmode="unique"):
        return repr(value)


def decide(task: Task) -> list[Decided]:
    """Decide all the cases of a task."""
    primitive = plugins.get(task.primitive)
    subject = Subject.of(primitive)
    found = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for index, data, static in samples(primitive, task.seed, task.round):
            for name in task.checks:
                if CHECKS[name].applies(subject, data, static) is not None:
                    continue
                text = str(Case(primitive.name, task.round, index, name, task.seed))
                rng = stream(task.seed, primitive.name, name, task.round, index)
                try:
                    with limit(TIME_LIMIT):
                        verdict = CHECKS[name].run(subject, tuple(copies(data)), dict(static), rng)
                except TookTooLong as error:
                    verdict = Verdict("inconclusive", str(error))
                except Exception:
                    verdict = Verdict("error", traceback.format_exc(limit=-1))
                more = (
                    (str(verdict), exact((data, static)))
                    if verdict.outcome in ("fail", "error")
                    else (verdict.reason,)
                )
                found.append(Decided(primitive.name, name, verdict.outcome, text, *more))
    return found


def tasks(names: Sequence[str], seed: int, checks: tuple[str, ...]) -> Iterator[Task]:
    """Round after round, every primitive once in each, in an order that the seed shuffles."""
    order = stream(seed, "order").permutation(np.array(names, dtype=object)).tolist()
    for number in count():
        for name in order:
            yield Task(name, number, seed, checks)


def run(
    names: Sequence[str], seed: int, most: int, workers: int, checks: tuple[str, ...], progress: bool = True
) -> tuple[Counter[tuple[str, str, str]], list[Decided], list[Decided]]:
    """Decide at least so many checks; return the tally by primitive, check and outcome, the alarms, the unclear."""
    tally: Counter[tuple[str, str, str]] = Counter()
    alarms: list[Decided] = []
    unclear: list[Decided] = []
    started = shown = time.perf_counter()
    done = empty = 0
    with multiprocessing.get_context(START).Pool(workers) as pool:
        for decided in _flow(pool, tasks(names, seed, checks), 4 * workers):
            empty = 0 if decided else empty + 1
            if empty > 10 * len(names):
                break
            for one in decided:
                tally[one.primitive, one.check, one.outcome] += 1
                done += one.outcome in GOOD
                if one.outcome in ("fail", "error"):
                    alarms.append(one)
                    print(f"\n{one.outcome.upper()} {one.case}\n{one.text}\n  data {one.input}", flush=True)
                elif one.outcome == "inconclusive":
                    unclear.append(one)
            if progress and time.perf_counter() - shown > 30:
                shown = time.perf_counter()
                rate = done / (shown - started)
                print(
                    f"{done} checks, {rate:.0f}/s, {len(alarms)} false alarms, {len(unclear)} inconclusive",
                    file=sys.stderr,
                    flush=True,
                )
            if done >= most:
                break
        pool.terminate()
    return tally, alarms, unclear


def _flow(pool: Any, work: Iterator[Task], ahead: int) -> Iterator[list[Decided]]:
    """The results of endless work, in order, with no more than so much of it given out."""
    waiting = [pool.apply_async(decide, (next(work),)) for _ in range(ahead)]
    while True:
        waiting.append(pool.apply_async(decide, (next(work),)))
        yield waiting.pop(0).get()


def summary(tally: Counter[tuple[str, str, str]]) -> dict[str, dict[str, Counter[str]]]:
    """The outcomes by primitive and by check."""
    by: dict[str, dict[str, Counter[str]]] = {"primitives": {}, "checks": {}}
    for (primitive, check, outcome), number in tally.items():
        by["primitives"].setdefault(primitive, Counter())[outcome] += number
        by["checks"].setdefault(check, Counter())[outcome] += number
    return by


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and return 1 if there was a false alarm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="primitives or globs; none: all that are installed")
    parser.add_argument("--checks", type=int, default=20_000, help="how many checks to decide at least")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), help="these checks only")
    parser.add_argument("--json", metavar="FILE", help="write the tally and every alarm there")
    parser.add_argument("--replay", metavar="CASE", help="run one case again and show it")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    options = parser.parse_args(arguments)
    if options.replay:
        subject, data, static, rng = case(options.replay)
        print(f"data   {exact(data)}\nstatic {static!r}")
        verdict = CHECKS[Case.parse(options.replay).check].run(subject, tuple(copies(data)), static, rng)
        print(verdict)
        return int(verdict.outcome in ("fail", "error"))
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    names = [name for name in select(options.names) if not plugins.get(name).is_constant]
    checks = tuple(options.only or [name for name in CHECKS if name != "constancy"])
    print(f"seed {seed}; {len(names)} primitives, {', '.join(checks)}", flush=True)
    started = time.perf_counter()
    tally, alarms, unclear = run(names, seed, options.checks, options.workers, checks, not options.quiet)
    seconds = time.perf_counter() - started
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), number in tally.items():
        outcomes[outcome] += number
    decided = sum(outcomes[outcome] for outcome in GOOD)
    by = summary(tally)
    print(f"\n{decided} checks of right rules in {seconds:.0f} s, besides {outcomes['waived']} waived")
    share = outcomes["inconclusive"] / max(decided, 1)
    print(f"  false alarms  {len(alarms)}  (at most 0: {'NO' if alarms else 'yes'})")
    print(f"  inconclusive  {share:.2%}  (at most 1 %: {'yes' if share <= 0.01 else 'NO'})")
    for kind in ("checks", "primitives"):
        ranked = sorted(
            by[kind].items(), key=lambda item: (-item[1]["fail"] - item[1]["error"], -item[1]["inconclusive"])
        )
        for name, found in ranked[:15]:
            if found["fail"] or found["error"] or found["inconclusive"]:
                total = sum(found[outcome] for outcome in GOOD)
                print(f"    {name:<36} {found['fail'] + found['error']:>5} failed  "
                      f"{found['inconclusive']:>6} inconclusive of {total}")  # fmt: skip
    if options.json:
        record = {
            "seed": seed,
            "seconds": round(seconds, 1),
            "checks": decided,
            "outcomes": outcomes,
            "tally": by,
            "alarms": [one._asdict() for one in alarms],
            "inconclusive": [{"case": one.case, "reason": one.text} for one in unclear],
        }
        with open(options.json, "w") as file:
            json.dump(record, file, indent=1)
    return int(bool(alarms))


if __name__ == "__main__":
    sys.exit(main())
