"""The overhead of an operation: the gradient of a chain of 1 000 operations on arrays of 10 elements.

Against hand-written NumPy (forward, then backward), HIPS autograd and PyTorch eager (CPU, one thread). The limits were
set where NumPy by hand takes about 1.0 microseconds an operation, PyTorch 5.6 and HIPS autograd 12 to 17. The chains
that mix operations are like that; "sin" alone is lighter for HIPS autograd and "times w" alone for NumPy: they are the
two extremes, and are shown since an average hides them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from compare import Ratio, ratios

import opreg

LENGTH = 1000
LIMITS = {"NumPy by hand": 3.0, "autograd": 0.30, "torch": 0.65}
W = np.linspace(0.5, 1.5, 10)


def _sin(np: Any) -> Callable[[Any], Any]:
    def chain(x: Any) -> Any:
        for _ in range(LENGTH):
            x = np.sin(x)
        return x

    return chain


def _sin_by_hand(x: Any) -> Any:
    saved = []
    for _ in range(LENGTH):
        saved.append(x)
        x = np.sin(x)
    g = np.ones_like(x)
    for y in reversed(saved):
        g = g * np.cos(y)
    return g


def _square_sin(np: Any) -> Callable[[Any], Any]:
    def chain(x: Any) -> Any:
        for _ in range(LENGTH // 2):
            x = x * x
            x = np.sin(x)
        return x

    return chain


def _square_sin_by_hand(x: Any) -> Any:
    saved = []
    for _ in range(LENGTH // 2):
        y = x * x
        saved.append((x, y))
        x = np.sin(y)
    g = np.ones_like(x)
    for x, y in reversed(saved):
        g = g * np.cos(y)
        g = g * x + g * x
    return g


def _mixed(np: Any, w: Any) -> Callable[[Any], Any]:
    def chain(x: Any) -> Any:
        for _ in range(LENGTH // 4):
            y = np.sin(x)
            z = y * w
            u = np.tanh(z)
            x = u * y
        return x

    return chain


def _mixed_by_hand(x: Any) -> Any:
    saved = []
    for _ in range(LENGTH // 4):
        y = np.sin(x)
        z = y * W
        u = np.tanh(z)
        saved.append((x, y, u))
        x = u * y
    g = np.ones_like(x)
    for x, y, u in reversed(saved):
        g_u = g * y
        g_y = g * u
        g_z = g_u * (1 - u * u)
        g_y = g_y + g_z * W
        g = g_y * np.cos(x)
    return g


def _multiply(w: Any) -> Callable[[Any], Any]:
    def chain(x: Any) -> Any:
        for _ in range(LENGTH):
            x = x * w
        return x

    return chain


def _multiply_by_hand(x: Any) -> Any:
    for _ in range(LENGTH):
        x = x * W
    g = np.ones_like(x)
    for _ in range(LENGTH):
        g = g * W
    return g


def _contenders(
    make: Callable[[Any, Any], Any], by_hand: Callable[[Any], Any]
) -> dict[str, Callable[[], object]]:
    x = np.linspace(0.1, 1.0, 10)
    chain = make(np, W)
    derivative = opreg.elementwise_grad(chain)
    found: dict[str, Callable[[], object]] = {
        "opreg": lambda: derivative(x),
        "NumPy by hand": lambda: by_hand(x),
    }
    np.testing.assert_allclose(derivative(x), by_hand(x), rtol=1e-10)
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        print("autograd is not installed: not compared")
    else:
        peer = autograd.elementwise_grad(make(anp, W))
        found["autograd"] = lambda: peer(x)
    try:
        import torch
    except ImportError:
        print("torch is not installed: not compared")
    else:
        torch.set_num_threads(1)
        traced = make(torch, torch.tensor(W))

        def run() -> object:
            t = torch.tensor(x, requires_grad=True)
            traced(t).sum().backward()
            return t.grad

        found["torch"] = run
    return found


def main() -> list[Ratio]:
    """Print and return the ratios."""
    found = []
    chains: dict[str, Any] = {
        "x times x, sin": (lambda np, w: _square_sin(np), _square_sin_by_hand),
        "sin": (lambda np, w: _sin(np), _sin_by_hand),
        "sin, times w, tanh, times y": (_mixed, _mixed_by_hand),
        "times w": (lambda np, w: _multiply(w), _multiply_by_hand),
    }
    for name, (make, by_hand) in chains.items():
        print(f"gradient of a chain of {LENGTH} operations ({name}) on 10 elements, ratio of times")
        for ratio in ratios(_contenders(make, by_hand), LIMITS, rounds=21, repeat=10):
            print(f"  {ratio}   {ratio.seconds / LENGTH * 1e6:.2f} us an operation there")
            found.append(ratio)
    return found


if __name__ == "__main__":
    main()
