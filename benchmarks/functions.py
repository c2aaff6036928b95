"""Thirty functions forward and backward at 10, 1 000 and 1 000 000 elements, against three peers.

The value of sum(f(x) w) and its gradient by all arguments, against HIPS autograd, JAX eager (without `jit`, in double
precision, on the CPU) and NumPy code written by hand. By hand the cotangent of f(x) is 1.0 * w, as the chain rule has
it, and the rest is what a careful author would write, with the same derivatives: equal ones share the derivative of
an extremum, a product may have a zero among its factors, and no two gradients share their memory. Before anything is
timed the gradients are compared.
`python functions.py sin sort` runs some.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from compare import Ratio, ratios
from ops import Case, _by_hand, _by_opreg, _keep_freed_memory, _shift

ROWS = (10, -1)
SIZES = (10, 1_000, 1_000_000)
LIMITS = {
    "autograd": 1.0,
    "JAX": None,
    "by hand": 1.1,
}  # by hand: of the largest size, where Python's part is small


class Function(NamedTuple):
    """A function of NumPy, or what stands for it, and some arrays; by hand their cotangents from g and the result."""

    compute: Callable[..., Any]
    pull: Callable[..., tuple[Any, ...]]
    arguments: int = 1
    shape: tuple[int, ...] = (-1,)


def _scattered(g: Any, key: Any, x: Any) -> Any:
    dx = np.zeros(x.shape)
    dx[key] = g
    return dx


def _pull_maximum(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    return (g * (0.5 * (x > 1.0) + 0.5 * (x >= 1.0)),)


def _pull_var(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    return ((x - np.mean(x, axis=1, keepdims=True)) * (g[:, None] * (2 / x.shape[1])),)


def _pull_max(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    chosen = x == out[:, None]
    return (chosen * (g / np.count_nonzero(chosen, axis=1))[:, None],)


def _pull_prod(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    if (out != 0).all():
        return (g * out / x,)
    ones = np.ones((1, x.shape[1]))
    before = np.cumprod(np.vstack([ones, x[:-1]]), axis=0)
    behind = np.cumprod(np.vstack([ones, x[:0:-1]]), axis=0)[::-1]
    return (g * (before * behind),)


FUNCTIONS: dict[str, Function] = {
    "add": Function(lambda np, x, y: x + y, lambda g, out, x, y: (g, g.copy()), 2),
    "subtract": Function(lambda np, x, y: x - y, lambda g, out, x, y: (g, -g), 2),
    "multiply": Function(lambda np, x, y: x * y, lambda g, out, x, y: (g * y, g * x), 2),
    "divide": Function(lambda np, x, y: x / y, lambda g, out, x, y: (g / y, -g * (out / y)), 2),
    "power": Function(lambda np, x: x**2.5, lambda g, out, x: (g * (2.5 * x**1.5),)),
    "negative": Function(lambda np, x: -x, lambda g, out, x: (-g,)),
    "exp": Function(lambda np, x: np.exp(x), lambda g, out, x: (g * out,)),
    "log": Function(lambda np, x: np.log(x), lambda g, out, x: (g / x,)),
    "sqrt": Function(lambda np, x: np.sqrt(x), lambda g, out, x: (g * (0.5 / out),)),
    "sin": Function(lambda np, x: np.sin(x), lambda g, out, x: (g * np.cos(x),)),
    "tanh": Function(lambda np, x: np.tanh(x), lambda g, out, x: (g * (1 - out * out),)),
    "arctan": Function(lambda np, x: np.arctan(x), lambda g, out, x: (g / (1 + x * x),)),
    "logaddexp": Function(lambda np, x: np.logaddexp(x, 1.0), lambda g, out, x: (g * np.exp(x - out),)),
    "absolute": Function(lambda np, x: np.abs(x), lambda g, out, x: (g * np.sign(x),)),
    "maximum": Function(lambda np, x: np.maximum(x, 1.0), _pull_maximum),
    "where": Function(
        lambda np, x, y: np.where(x > 1.0, x, y), lambda g, out, x, y: (g * (x > 1.0), g * (x <= 1.0)), 2
    ),
    "clip": Function(lambda np, x: np.clip(x, 0.7, 1.3), lambda g, out, x: (g * ((x >= 0.7) & (x <= 1.3)),)),
    "sum": Function(
        lambda np, x: np.sum(x, axis=0), lambda g, out, x: (np.tile(g, (x.shape[0], 1)),), shape=ROWS
    ),
    "mean": Function(
        lambda np, x: np.mean(x, axis=1),
        lambda g, out, x: (np.repeat((g / x.shape[1])[:, None], x.shape[1], axis=1),),
        shape=ROWS,
    ),
    "var": Function(lambda np, x: np.var(x, axis=1), _pull_var, shape=ROWS),
    "max": Function(lambda np, x: np.max(x, axis=1), _pull_max, shape=ROWS),
    "prod": Function(lambda np, x: np.prod(x, axis=0), _pull_prod, shape=ROWS),
    "cumsum": Function(lambda np, x: np.cumsum(x), lambda g, out, x: (np.cumsum(g[::-1])[::-1],)),
    "sort": Function(lambda np, x: np.sort(x), lambda g, out, x: (_scattered(g, np.argsort(x), x),)),
    "reshape": Function(lambda np, x: np.reshape(x, (-1, 2)), lambda g, out, x: (g.reshape(-1),)),
    "transpose": Function(lambda np, x: np.transpose(x), lambda g, out, x: (g.T,), shape=ROWS),
    "concatenate": Function(
        lambda np, x, y: np.concatenate([x, y]), lambda g, out, x, y: (g[: x.size], g[x.size :]), 2
    ),
    "getitem": Function(lambda np, x: x[1::2], lambda g, out, x: (_scattered(g, slice(1, None, 2), x),)),
    "matmul": Function(
        lambda np, x, y: np.matmul(x, y.T), lambda g, out, x, y: (g @ y, g.T @ x), 2, shape=ROWS
    ),
    "dot": Function(lambda np, x, y: np.dot(x, y), lambda g, out, x, y: (g * y, g * x), 2),
}


def _case(function: Function, arrays: Any) -> Case:
    return Case(lambda *arrays: function.compute(np, *arrays), function.pull, arrays)


def _by_autograd(function: Function, arrays: Any, w: Any) -> Callable[[], Any] | None:
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        return None
    numbers = tuple(range(len(arrays)))
    differentiated = autograd.value_and_grad(
        lambda *arrays: anp.sum(function.compute(anp, *arrays) * w), numbers
    )
    return lambda: differentiated(*arrays)


def _by_jax(function: Function, arrays: Any, w: Any) -> Callable[[], Any] | None:
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    arrays, w = [jnp.asarray(x) for x in arrays], jnp.asarray(w)
    numbers = tuple(range(len(arrays)))
    differentiated = jax.value_and_grad(lambda *arrays: jnp.sum(function.compute(jnp, *arrays) * w), numbers)
    return lambda: jax.block_until_ready(differentiated(*arrays))


def main(names: Sequence[str] = (), rounds: int = 11) -> list[Ratio]:
    """Print and return the ratios, of the functions whose names begin with one of these if any are given."""
    _keep_freed_memory()
    found: list[Ratio] = []
    rng = np.random.default_rng(0)
    for size in SIZES:
        large = size == SIZES[-1]
        print(f"value and gradient of sum(f(x) w) of {size} elements, ratio of times", flush=True)
        both = rng.uniform(0.6, 1.6, (2, size))
        for name, function in FUNCTIONS.items():
            if names and not name.startswith(tuple(names)):
                continue
            arrays = tuple(x.reshape(function.shape) for x in both[: function.arguments])
            out = function.compute(np, *arrays)
            w = np.linspace(0.5, 1.5, np.size(out)).reshape(np.shape(out))
            case = _case(function, arrays)
            contenders: dict[str, Callable[[], Any]] = {f"{name}, opreg": _by_opreg(case, w)}
            peers = {
                "by hand": _by_hand(case, w),
                "autograd": _by_autograd(function, arrays, w),
                "JAX": _by_jax(function, arrays, w),
            }
            for peer, run in peers.items():
                if run is not None:
                    for got, expected in zip(contenders[f"{name}, opreg"]()[1], run()[1], strict=True):
                        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
                    contenders[peer] = run
            limits = LIMITS if large else {**LIMITS, "by hand": None}
            repeat = 30 if size == SIZES[0] else 10 if size == SIZES[1] else 5
            placing: dict[str, Any] = (
                {"rounds": 2 * rounds + 1, "placed": _shift} if large else {"rounds": rounds}
            )
            for ratio in ratios(contenders, limits, repeat=repeat, **placing):
                print(f"  {ratio}", flush=True)
                found.append(ratio)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
