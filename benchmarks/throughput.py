"""Cases decided per second: opreg, PyTorch and HIPS autograd on the same functions, shapes and rules, in one process.

A case is one sample of a right rule at first order, reverse mode. opreg decides it as `opreg verify` does after the
first round: a first look, and the structure, linearity and differences checks in full where that leaves it open; here a
round has eight samples of one shape. *alone* is a round of one. The peers run `gradcheck` and `check_grads` on the same
pair of functions, one sample after the other, as they do; for each the pair is wrapped anew with every sample. A round
times every contender in turn. Of elementwise functions rounds of a hundred samples are timed too.

    python throughput.py
"""

from __future__ import annotations

import math
import statistics
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from checkers import FIRST_ORDER, checkers, in_full
from compare import ratios
from numpy.random import Generator

from opreg.verify._screen import screen, screen_each, signature, stacked
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

LIMITS = {"torch gradcheck": 15.0, "torch gradcheck, fast": 5.0, "HIPS check_grads": 1.0}
BATCHED_LIMIT = 10.0
BATCH = 100


class Case(NamedTuple):
    """A function with its rule and the shapes of its arguments."""

    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    elementwise: bool = False
    positive: bool = False

    def draw(self, rng: Generator) -> tuple[Any, ...]:
        drawn = (rng.standard_normal(shape) for shape in self.shapes)
        return tuple(np.abs(x) + 0.1 if self.positive else x for x in drawn)

    @property
    def subject(self) -> Subject:
        found = Subject.from_functions(self.forward, self.vjp)
        return Subject(**(vars(found) | {"elementwise": True})) if self.elementwise else found


def T(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def logsumexp(x: Any) -> Any:
    return np.log(np.sum(np.exp(x), axis=-1))


CASES = {
    "exp": Case(np.exp, lambda g, out, x: (g * out,), ((3, 4),), True),
    "sin": Case(np.sin, lambda g, out, x: (g * np.cos(x),), ((3, 4),), True),
    "tanh": Case(np.tanh, lambda g, out, x: (g * (1 - out * out),), ((3, 4),), True),
    "log": Case(np.log, lambda g, out, x: (g / x,), ((3, 4),), True, True),
    "multiply": Case(np.multiply, lambda g, out, x, y: (g * y, g * x), ((3, 4), (3, 4)), True),
    "divide": Case(np.divide, lambda g, out, x, y: (g / y, -g * out / y), ((3, 4), (3, 4)), True, True),
    "sum": Case(lambda x: np.sum(x, axis=-1), lambda g, out, x: (np.repeat(g[..., None], x.shape[-1], -1),), ((3, 4),)),
    "var": Case(lambda x: np.var(x, axis=-1),
                lambda g, out, x: (2 * g[..., None] * (x - x.mean(-1, keepdims=True)) / x.shape[-1],), ((3, 4),)),
    "softmax": Case(softmax, lambda g, out, x: (out * (g - np.sum(g * out, axis=-1, keepdims=True)),), ((3, 4),)),
    "logsumexp": Case(logsumexp, lambda g, out, x: (g[..., None] * np.exp(x - out[..., None]),), ((3, 4),)),
    "cumsum": Case(lambda x: np.cumsum(x, axis=-1),
                   lambda g, out, x: (np.cumsum(g[..., ::-1], -1)[..., ::-1],), ((3, 4),)),
    "matmul": Case(np.matmul, lambda g, out, x, y: (g @ T(y), T(x) @ g), ((3, 4), (4, 2))),
    "inv": Case(np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),), ((3, 3),)),
}  # fmt: skip


def opreg(case: Case, samples: Sequence[tuple[Any, ...]], at_once: int) -> Callable[[], None]:
    """opreg, so many samples of one signature in a round; what a look leaves open is decided in full."""
    count = iter(range(sys.maxsize))

    def run() -> None:
        number, subject = next(count), case.subject
        for first in range(0, len(samples), at_once):
            groups: dict[Any, list[tuple[Any, ...]]] = {}
            for sample in samples[first : first + at_once]:
                groups.setdefault(signature(subject, sample, {}), []).append(sample)
            for group in groups.values():
                for sample, verdict in zip(group, looks(subject, group, number), strict=True):
                    decided = verdict or in_full(subject, sample, {}, number)
                    assert decided.outcome == "pass", str(decided)

    return run


def looks(subject: Subject, group: Sequence[tuple[Any, ...]], number: int) -> list[Verdict | None]:
    """What the first look says of samples of one signature: of an elementwise function they are looked at as one."""
    if subject.elementwise and len(group) > 1:
        verdict = screen(subject, stacked(subject, group), {}, stream(number, subject.name, "screen"))
        if verdict is not None:
            return [verdict] * len(group)
    rngs = [stream(number, subject.name, "screen", place) for place in range(len(group))]
    return screen_each(subject, group, {}, rngs)


def peer(name: str, case: Case, samples: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """A peer, each sample by itself."""
    checker, count = checkers()[name], iter(range(sys.maxsize))

    def run() -> None:
        for sample in samples:
            checker((case.forward, case.vjp), sample, {}, next(count) % 1000)

    return run


def main(rounds: int = 5) -> None:
    """Print the ratios."""
    peers = [name for name in LIMITS if name in checkers()]
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    print(
        f"cases decided per second ({', '.join(FIRST_ORDER)}; first order, reverse), and how many times a peer's"
    )
    print(f"  {'':<12} {'opreg':>8} {'alone':>8}" + "".join(f"  {name:>21}" for name in peers))
    times: dict[str, list[float]] = {name: [] for name in peers}
    singly: dict[str, list[float]] = {name: [] for name in peers}
    batched = []
    for name, case in CASES.items():
        samples = [case.draw(stream(number, name)) for number in range(8)]
        contenders = {"opreg": opreg(case, samples, len(samples))} | {
            p: peer(p, case, samples) for p in peers
        }
        contenders["alone"] = opreg(case, samples, 1)
        found = ratios(contenders, {}, rounds=rounds, repeat=10)
        *found, alone = found
        for other, ratio in zip(peers, found, strict=True):
            times[other].append(1 / ratio.median)
            singly[other].append(alone.median / ratio.median)
        mine = found[0].seconds * found[0].median / len(samples) if found else math.nan
        row = "".join(f"  {len(samples) / r.seconds:>12.0f} {1 / r.median:>6.1f} x" for r in found)
        print(f"  {name:<12} {1 / mine:>8.0f} {len(samples) / alone.seconds:>8.0f}{row}", flush=True)
        if case.elementwise and "HIPS check_grads" in peers:
            many = [case.draw(stream(number, name, "many")) for number in range(BATCH)]
            (ratio,) = ratios(
                {"opreg": opreg(case, many, BATCH), "HIPS": peer("HIPS check_grads", case, many)},
                {},
                rounds=rounds,
                repeat=10,
            )
            batched.append(1 / ratio.median)
            print(f"  {'':<12} {BATCH / (ratio.seconds * ratio.median):>8.0f}  ({BATCH} samples at once; "
                  f"{batched[-1]:.1f} x HIPS)", flush=True)  # fmt: skip
    print("geometric mean, times as many as")
    for name, found_ratios in times.items():
        value, limit = statistics.geometric_mean(found_ratios), LIMITS[name]
        print(f"  {name:<24} {value:6.1f}  (at least {limit:g}: {'yes' if value >= limit else 'NO'}; "
              f"alone {statistics.geometric_mean(singly[name]):.1f})")  # fmt: skip
    if batched:
        value = statistics.geometric_mean(batched)
        verdict = "yes" if value >= BATCHED_LIMIT else "NO"
        print(f"  {'HIPS, elementwise':<24} {value:6.1f}  (at least {BATCHED_LIMIT:g}: {verdict})")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
