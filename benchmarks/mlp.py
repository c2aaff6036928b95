"""The cost on large arrays: loss and gradient of a multilayer perceptron, time and peak memory.

Arrays of a million elements, where the engine's overhead must vanish: against the same computation with its
derivative written by hand, which keeps just what it needs.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from compare import Ratio, ratios

import opreg

ROWS, WIDTH = 2000, 500  # activations of a million elements
LIMIT = 1.05


def loss(params: list[tuple[Any, Any]], x: Any, y: Any) -> Any:
    """Return the mean squared error of a perceptron with two hidden layers of tanh."""
    for w, b in params[:-1]:
        x = np.tanh(x @ w + b)
    w, b = params[-1]
    return np.mean((x @ w + b - y) ** 2)


def by_hand(params: list[tuple[Any, Any]], x: Any, y: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return the loss and its gradient, derived by hand."""
    saved = [x]
    for w, b in params[:-1]:
        x = np.tanh(x @ w + b)
        saved.append(x)
    w, b = params[-1]
    residual = x @ w + b - y
    value = np.mean(residual**2)
    del x
    g = residual * (2 / residual.size)
    del residual
    gradients = []
    for w, _ in reversed(params):
        x = saved.pop()
        gradients.append((x.T @ g, np.sum(g, axis=0)))
        if saved:
            g = g @ w.T
            g = g * (1 - x * x)
    return value, gradients[::-1]


def peak(run: Callable[[], object]) -> int:
    """Return the most memory, in bytes, that a call holds beyond what was held before."""
    run()
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> list[Ratio]:
    """Print and return the ratios of time and of peak memory."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((ROWS, WIDTH)), rng.standard_normal((ROWS, WIDTH))
    params = [
        (rng.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5, rng.standard_normal(WIDTH) * 0.1) for _ in range(3)
    ]
    differentiate = opreg.value_and_grad(loss)
    got, expected = differentiate(params, x, y), by_hand(params, x, y)
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
    for pair, other in zip(got[1], expected[1], strict=True):
        np.testing.assert_allclose(pair[0], other[0], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(pair[1], other[1], rtol=1e-9, atol=1e-15)
    del got, expected
    print(f"loss and gradient of a perceptron, activations of {ROWS * WIDTH:,} elements")
    contenders = {
        "opreg": lambda: differentiate(params, x, y),
        "NumPy by hand": lambda: by_hand(params, x, y),
    }
    (time,) = ratios(contenders, {"NumPy by hand": LIMIT}, rounds=15)
    print(f"  time    {time}")
    memory = peak(contenders["opreg"]) / peak(contenders["NumPy by hand"])
    space = Ratio("opreg / NumPy by hand", memory, memory, memory, 0.0, LIMIT)
    print(f"  memory  {space}")
    return [time, space]


if __name__ == "__main__":
    main()
