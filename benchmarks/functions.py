"""Thirty functions forward and backward at 10, 1 000 and 1 000 000 elements, against HIPS autograd and JAX eager.

The value and gradient of sum(f(x) w). JAX runs as it does without `jit`, in double precision, on the CPU. Before
anything is timed the gradients are compared. `python functions.py sin sort` runs some.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from compare import Ratio, ratios
from ops import _keep_freed_memory

import opreg

SIZES = (10, 1_000, 1_000_000)
LIMITS = {"autograd": 1.0, "JAX": None}

Function = Callable[[Any, Any], Any]


def _rows(np: Any, x: Any) -> Any:
    return np.reshape(x, (10, -1))


FUNCTIONS: dict[str, Function] = {
    "add": lambda np, x: x + x,
    "subtract": lambda np, x: 1.0 - x,
    "multiply": lambda np, x: x * x,
    "divide": lambda np, x: x / (x + 3.0),
    "power": lambda np, x: x**2.5,
    "negative": lambda np, x: -x,
    "exp": lambda np, x: np.exp(x),
    "log": lambda np, x: np.log(x),
    "sqrt": lambda np, x: np.sqrt(x),
    "sin": lambda np, x: np.sin(x),
    "tanh": lambda np, x: np.tanh(x),
    "arctan": lambda np, x: np.arctan(x),
    "logaddexp": lambda np, x: np.logaddexp(x, 1.0),
    "absolute": lambda np, x: np.abs(x),
    "maximum": lambda np, x: np.maximum(x, 1.0),
    "where": lambda np, x: np.where(x > 1.0, x, 2.0 * x),
    "clip": lambda np, x: np.clip(x, 0.7, 1.3),
    "sum": lambda np, x: np.sum(_rows(np, x), axis=0),
    "mean": lambda np, x: np.mean(_rows(np, x), axis=1),
    "var": lambda np, x: np.var(_rows(np, x), axis=1),
    "max": lambda np, x: np.max(_rows(np, x), axis=1),
    "prod": lambda np, x: np.prod(_rows(np, x), axis=0),
    "cumsum": lambda np, x: np.cumsum(x),
    "sort": lambda np, x: np.sort(x),
    "reshape": lambda np, x: np.reshape(x, (-1, 2)),
    "transpose": lambda np, x: np.transpose(_rows(np, x)),
    "concatenate": lambda np, x: np.concatenate([x, 2.0 * x]),
    "getitem": lambda np, x: x[1::2],
    "matmul": lambda np, x: np.matmul(_rows(np, x), np.transpose(_rows(np, x))),
    "dot": lambda np, x: np.dot(x, x),
}


def _by_opreg(function: Function, x: Any, w: Any) -> Callable[[], Any]:
    differentiated = opreg.value_and_grad(lambda x: np.sum(function(np, x) * w))
    return lambda: differentiated(x)


def _by_autograd(function: Function, x: Any, w: Any) -> Callable[[], Any] | None:
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        return None
    differentiated = autograd.value_and_grad(lambda x: anp.sum(function(anp, x) * w))
    return lambda: differentiated(x)


def _by_jax(function: Function, x: Any, w: Any) -> Callable[[], Any] | None:
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    x, w = jnp.asarray(x), jnp.asarray(w)
    differentiated = jax.value_and_grad(lambda x: jnp.sum(function(jnp, x) * w))
    return lambda: jax.block_until_ready(differentiated(x))


def main(names: Sequence[str] = (), rounds: int = 11) -> list[Ratio]:
    """Print and return the ratios, of the functions whose names begin with one of these if any are given."""
    _keep_freed_memory()
    found: list[Ratio] = []
    rng = np.random.default_rng(0)
    for size in SIZES:
        print(f"value and gradient of sum(f(x) w) of {size} elements, ratio of times", flush=True)
        x = rng.uniform(0.6, 1.6, size)
        for name, function in FUNCTIONS.items():
            if names and not name.startswith(tuple(names)):
                continue
            out = function(np, x)
            w = np.linspace(0.5, 1.5, np.size(out)).reshape(np.shape(out))
            contenders = {f"{name}, opreg": _by_opreg(function, x, w)}
            for peer, make in {"autograd": _by_autograd, "JAX": _by_jax}.items():
                run = make(function, x, w)
                if run is not None:
                    expected, got = run()[1], contenders[f"{name}, opreg"]()[1]
                    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
                    contenders[peer] = run
            repeat = 30 if size == SIZES[0] else 10 if size == SIZES[1] else 1
            for ratio in ratios(contenders, LIMITS, rounds=rounds, repeat=repeat):
                print(f"  {ratio}", flush=True)
                found.append(ratio)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
