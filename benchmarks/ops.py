"""The cost of the rules on large arrays: the value and gradient of sum(f(x) w) against NumPy code written by hand.

Both compute forward and backward, on 1 000 000 elements, where what counts is how often a rule passes over memory. By
hand the cotangent of f(x) is 1.0 * w, as the chain rule has it, and the rest is what a careful author would write, with
the same derivatives: equal ones share the derivative of an extremum. Beside that stand rules by hand that ignore ties.
The C library is asked to keep the memory that is freed, where it can be asked: else page faults, which depend on the
order in which arrays die, drown the rest. Where arrays lie relative to each other in memory makes up to a third, in
either direction: so they are shifted at random before each round. Within a round each contender finds the memory that
it has just freed, as it would in a loop.
Beside each ratio stands how much memory the tape keeps between forward and backward, in arrays of the size of x; what
x, y and the result themselves take is not counted.
"""

from __future__ import annotations

import ctypes
import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from compare import Ratio, ratios

import opreg

SIZE = 1_000_000
LIMIT = 1.1


class Case(NamedTuple):
    """A function of some arrays, and by hand the cotangents of those arrays from g, the result and the arrays."""

    function: Callable[..., Any]
    pull: Callable[..., tuple[Any, ...]]
    arrays: tuple[Any, ...]


def _keep_freed_memory() -> None:
    """Ask the GNU C library not to return memory to the system."""
    trim_threshold, mmap_threshold = -1, -3
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(mmap_threshold, 2**25)
    mallopt(trim_threshold, 2**31 - 1)


def _cases() -> dict[str, Case]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, SIZE))
    positive, near_one = rng.uniform(0.5, 2.0, SIZE), 1 + 1e-3 * x
    with_zero = np.where(np.arange(SIZE) == SIZE // 2, 0.0, near_one)
    rows = x.reshape(1000, 1000)
    square, other = rows / 30, y.reshape(1000, 1000) / 30
    mask = x > 0.3
    places, lines = rng.integers(0, SIZE, SIZE), rng.integers(0, 1000, 10_000)
    table = x[:100_000].reshape(1000, 100)

    def scattered(g: Any, key: Any) -> Any:
        dx = np.zeros(SIZE)
        dx[key] = g
        return dx

    def added_up(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
        dx = np.zeros(shape)
        np.add.at(dx, key, g)
        return dx

    def pull_var(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return ((x - np.mean(x, axis=1, keepdims=True)) * (g[:, None] * (2 / 1000)),)

    def pull_std(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return ((x - np.mean(x, axis=1, keepdims=True)) * (g / (1000 * out))[:, None],)

    def pull_prod(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return ((g * out)[:, None] / x,)

    def pull_logaddexp(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, ...]:
        dx = g * np.exp(x - out)
        return dx, g - dx

    def pull_cumprod(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return (np.cumsum((g * out)[::-1])[::-1] / x,)

    def pull_sort(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return (scattered(g, np.argsort(x)),)

    def pull_max(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        chosen = x == out[:, None]
        return (chosen * (g / np.count_nonzero(chosen, axis=1))[:, None],)

    def pull_max_of_all(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        chosen = x == out
        return (chosen * (g / np.count_nonzero(chosen)),)

    def pull_maximum(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, ...]:
        dx = g * (0.5 * (x > y) + 0.5 * (x >= y))
        return dx, g - dx

    def pull_mean(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return (np.full(x.shape, g / x.size),)

    def pull_sum(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return (np.full(x.shape, g),)

    return {
        "add": Case(np.add, lambda g, out, x, y: (g, g.copy()), (x, y)),  # no gradients share their memory
        "multiply": Case(np.multiply, lambda g, out, x, y: (g * y, g * x), (x, y)),
        "divide": Case(np.divide, lambda g, out, x, y: (g / y, -g * (out / y)), (x, positive)),
        "power(x, 2)": Case(lambda x: x**2, lambda g, out, x: (g * (2 * x),), (x,)),
        "exp": Case(np.exp, lambda g, out, x: (g * out,), (x,)),
        "log": Case(np.log, lambda g, out, x: (g / x,), (positive,)),
        "tanh": Case(np.tanh, lambda g, out, x: (g * (1 - out * out),), (x,)),
        "sqrt": Case(np.sqrt, lambda g, out, x: (g * (0.5 / out),), (positive,)),
        "maximum(x, 0)": Case(
            lambda x: np.maximum(x, 0), lambda g, out, x: (g * (0.5 * (x > 0) + 0.5 * (x >= 0)),), (x,)
        ),
        "maximum(x, 0), no ties": Case(lambda x: np.maximum(x, 0), lambda g, out, x: (g * (x > 0),), (x,)),
        "maximum(x, y)": Case(np.maximum, pull_maximum, (x, y)),
        "maximum(x, y), no ties": Case(np.maximum, lambda g, out, x, y: (g * (x > y), g * (y > x)), (x, y)),
        "where": Case(lambda x, y: np.where(mask, x, y), lambda g, out, x, y: (g * mask, g * ~mask), (x, y)),
        "clip": Case(lambda x: np.clip(x, -1, 1), lambda g, out, x: (g * ((x >= -1) & (x <= 1)),), (x,)),
        "abs": Case(np.abs, lambda g, out, x: (g * np.sign(x),), (x,)),
        "sum": Case(np.sum, pull_sum, (x,)),
        "mean": Case(np.mean, pull_mean, (x,)),
        "var of rows": Case(lambda x: np.var(x, axis=1), pull_var, (rows,)),
        "std of rows": Case(lambda x: np.std(x, axis=1), pull_std, (rows,)),
        "prod of rows": Case(lambda x: np.prod(x, axis=1), pull_prod, (near_one.reshape(1000, 1000),)),
        "max of rows": Case(lambda x: np.max(x, axis=1), pull_max, (rows,)),
        "max of rows, no ties": Case(
            lambda x: np.max(x, axis=1), lambda g, out, x: ((x == out[:, None]) * g[:, None],), (rows,)
        ),
        "max": Case(np.max, pull_max_of_all, (x,)),
        "max, no ties": Case(np.max, lambda g, out, x: ((x == out) * g,), (x,)),
        "cumsum": Case(np.cumsum, lambda g, out, x: (np.cumsum(g[::-1])[::-1],), (x,)),
        "cumprod": Case(np.cumprod, pull_cumprod, (near_one,)),
        "cumprod, a zero": Case(np.cumprod, pull_cumprod, (with_zero,)),
        "logaddexp": Case(np.logaddexp, pull_logaddexp, (x, y)),
        "matmul": Case(np.matmul, lambda g, out, a, b: (g @ b.T, a.T @ g), (square, other)),
        "einsum": Case(
            lambda a, b: np.einsum("ij,ij->i", a, b),
            lambda g, out, a, b: (g[:, None] * b, g[:, None] * a),
            (square, other),
        ),
        "concatenate": Case(
            lambda x, y: np.concatenate([x, y]), lambda g, out, x, y: (g[:SIZE], g[SIZE:]), (x, y)
        ),
        "x[slice]": Case(lambda x: x[: SIZE // 2], lambda g, out, x: (scattered(g, slice(SIZE // 2)),), (x,)),
        "x[mask]": Case(lambda x: x[mask], lambda g, out, x: (scattered(g, mask),), (x,)),
        "x[places]": Case(lambda x: x[places], lambda g, out, x: (added_up(g, places, x.shape),), (x,)),
        "rows of a table": Case(
            lambda x: x[lines], lambda g, out, x: (added_up(g, lines, x.shape),), (table,)
        ),
        "reshape, transpose": Case(
            lambda x: np.transpose(np.reshape(x, (1000, 1000))), lambda g, out, x: (g.T.reshape(-1),), (x,)
        ),
        "sort": Case(np.sort, pull_sort, (x,)),
    }


def _by_hand(case: Case, w: Any) -> Callable[[], object]:
    def run() -> object:
        out = case.function(*case.arrays)
        value = np.sum(out * w)
        return value, case.pull(1.0 * w, out, *case.arrays)

    return run


def _by_opreg(case: Case, w: Any) -> Callable[[], object]:
    differentiated = opreg.value_and_grad(
        lambda *arrays: np.sum(case.function(*arrays) * w), tuple(range(len(case.arrays)))
    )
    return lambda: differentiated(*case.arrays)


_random = random.Random(0)


def _shift() -> list[Any]:
    """Return some small arrays: while they are held, large ones lie elsewhere."""
    return [np.empty(64 * _random.randrange(1, 2**14), np.uint8) for _ in range(4)]


def _kept(case: Case) -> float:
    """Return the memory that the tape holds after the forward pass, in arrays of the first one's size."""
    tracemalloc.start()
    out, pull = opreg.vjp(case.function, *case.arrays)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    own = out.nbytes if isinstance(out, np.ndarray) and out.base is None else 0
    del pull
    return float(max(held - own, 0) / case.arrays[0].nbytes)


def main(names: Sequence[str] = (), rounds: int = 31) -> list[Ratio]:
    """Print and return the ratios, of the cases whose names begin with one of these if any are given."""
    _keep_freed_memory()
    found = []
    print(f"value and gradient of sum(f(x) w) of {SIZE} elements, ratio of times; arrays kept by the tape")
    for name, case in _cases().items():
        if names and not name.startswith(tuple(names)):
            continue
        out = case.function(*case.arrays)
        w = np.linspace(0.5, 1.5, np.size(out)).reshape(np.shape(out))
        by_hand = f"{name} by hand"
        contenders = {"opreg": _by_opreg(case, w), by_hand: _by_hand(case, w)}
        if "zero" not in name:  # where the rule by hand divides by it
            for got, expected in zip(
                contenders["opreg"]()[1],
                contenders[by_hand]()[1],
                strict=True,  # type: ignore[index]
            ):
                np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
        kept = _kept(case)
        with np.errstate(divide="ignore", invalid="ignore"):
            (ratio,) = ratios(contenders, {by_hand: LIMIT}, rounds=rounds, repeat=5, placed=_shift)
        print(f"  {ratio}   keeps {kept:.2f}", flush=True)
        found.append(ratio)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
