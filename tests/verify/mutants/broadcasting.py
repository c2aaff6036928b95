"""Wrong only where shapes differ: sums over broadcast axes, size-1 dimensions, 0-d, stacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, T, expand, normal, pair, positive, unbroadcast

KIND = "broadcasting"


def leading_only(g: Any, x: Any) -> Any:
    """Sums over the missing leading axes, not over those of size 1: broadcasts the mistake back."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - np.ndim(x))))
    return np.array(g[tuple(slice(n) for n in np.shape(x))]) if np.ndim(x) else g


def averaged(g: Any, x: Any) -> Any:
    return unbroadcast(g, x) * (np.size(x) / max(np.size(g), 1))


def first_row(g: Any, x: Any) -> Any:
    while np.ndim(g) > np.ndim(x):
        g = g[0]
    return g


def summed_over_all(g: Any, x: Any) -> Any:
    return unbroadcast(g, x) if np.shape(g) == np.shape(x) else np.full(np.shape(x), np.sum(g) / np.size(x))


def wrong_axis(g: Any, x: Any) -> Any:
    """Right for square arrays of which one is a column; sums the other axis where the sizes allow it."""
    if np.shape(g) == np.shape(x):
        return g
    axis = next(i for i, n in enumerate(np.shape(x)) if n == 1)
    return np.sum(g, axis=1 - axis).reshape(np.shape(x))


def flat_matmul(g: Any, out: Any, x: Any, y: Any) -> Any:
    """The gradient of weights under a stack of inputs: only the first of the stack."""
    return g @ T(y), (T(x) @ g)[0]


def where_rule(g: Any, out: Any, c: Any, x: Any, y: Any) -> Any:
    return None, unbroadcast(np.where(c, g, 0), x), leading_only(np.where(c, 0, g), y)


def clip_rule(g: Any, out: Any, x: Any, low: Any) -> Any:
    return g * (x >= low), first_row(g * (x < low), low)


RULES = [
    Rule("multiply: not summed", np.multiply, lambda g, out, x, y: (g * y, g * x), pair(normal(3, 4), normal(4))),
    Rule("add: not summed over size 1", np.add, lambda g, out, x, y: (g, g), pair(normal(3, 4), normal(3, 1))),
    Rule("add: the first column", np.add, lambda g, out, x, y: (g * 1.0, leading_only(g, y)),
         pair(normal(3, 4), normal(3, 1))),
    Rule("add: the first row", np.add, lambda g, out, x, y: (g * 1.0, first_row(g, y)),
         pair(normal(3, 4), normal(4))),
    Rule("add: averaged", np.add, lambda g, out, x, y: (g * 1.0, averaged(g, y)), pair(normal(3, 4), normal(4))),
    Rule("add: spread evenly", np.add, lambda g, out, x, y: (summed_over_all(g, x), summed_over_all(g, y)),
         pair(normal(3, 4), normal(4))),
    Rule("multiply: the wrong axis of a square", np.multiply,
         lambda g, out, x, y: (g * y, wrong_axis(g * x, y)), pair(normal(3, 3), normal(3, 1))),
    Rule("multiply: a 0-d factor gets the first", np.multiply,
         lambda g, out, x, y: (g * y, np.asarray((g * x).ravel()[0])), pair(normal(4), normal())),
    Rule("multiply: a float gets the mean", np.multiply,
         lambda g, out, x, y: (g * y, np.mean(g * x)),
         lambda rng: (rng.standard_normal(4), float(rng.uniform(1, 2)))),
    Rule("multiply: summed before the product", np.multiply,
         lambda g, out, x, y: (unbroadcast(g * y, x), np.sum(g, axis=0) * np.sum(x, axis=0)),
         pair(normal(3, 4), normal(4))),
    Rule("divide: the denominator averaged", np.divide,
         lambda g, out, x, y: (g / y, averaged(-g * out / y, y)), pair(normal(3, 2), positive(2))),
    Rule("maximum: the bound's cotangent of the first row", np.maximum, clip_rule, pair(normal(3, 4), normal(4))),
    Rule("where: size 1 not summed", np.where, where_rule,
         lambda rng: (rng.random((3, 4)) < 0.5, rng.standard_normal((3, 4)), rng.standard_normal((3, 1)))),
    Rule("matmul: the first of a stack", np.matmul, flat_matmul, pair(normal(2, 3, 4), normal(4, 2))),
    Rule("broadcast_to: averaged", lambda x: np.broadcast_to(x, (3, 4)) * 1.0,
         lambda g, out, x: (np.mean(g, axis=0),), normal(4)),
    Rule("sum with kept dimensions: divided", lambda x: np.sum(x, axis=1, keepdims=True),
         lambda g, out, x: (np.broadcast_to(g / x.shape[1], x.shape).copy(),), normal(3, 4)),
    Rule("x + x.T: once", lambda x: x + x.T, lambda g, out, x: (2 * g,), normal(3, 3)),
    Rule("x - mean of rows: the mean is no constant", lambda x: x - x.mean(axis=0), lambda g, out, x: (g * 1.0,),
         normal(4, 3)),
    Rule("outer sum: the two axes exchanged", lambda x, y: x[:, None] + y[None, :],
         lambda g, out, x, y: (g.sum(axis=0), g.sum(axis=1)), pair(normal(3), normal(3))),
    Rule("mean of rows: the number of all", lambda x: np.mean(x, axis=1),
         lambda g, out, x: (expand(g / x.size, x, 1),), normal(3, 4)),
]  # fmt: skip
