"""Not linear in the cotangent: what one-hot, positive or single cotangents do not show."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, T, expand, normal, pair, positive

KIND = "cotangent"


def largest_only(g: Any, out: Any, x: Any) -> Any:
    return (g * (np.abs(g) == np.abs(g).max()) * out,)


def normalised(g: Any, out: Any, x: Any) -> Any:
    size = np.sqrt(np.sum(g * g))
    return (g * out * (np.abs(g).max() / size if size else 0.0),)


RULES = [
    Rule("exp: abs(g)", np.exp, lambda g, out, x: (np.abs(g) * out,), normal(4)),
    Rule("exp: relu(g)", np.exp, lambda g, out, x: (np.maximum(g, 0) * out,), normal(4)),
    Rule("exp: forgets g", np.exp, lambda g, out, x: (out.copy(),), normal(4)),
    Rule("exp: g squared", np.exp, lambda g, out, x: (g * g * out,), normal(4)),
    Rule("exp: sign(g)", np.exp, lambda g, out, x: (np.sign(g) * out,), normal(4)),
    Rule("exp: g rounded", np.exp, lambda g, out, x: (np.round(g) * out,), normal(4)),
    Rule("exp: tanh(g)", np.exp, lambda g, out, x: (np.tanh(g) * out,), normal(4)),
    Rule("exp: g clipped at 1", np.exp, lambda g, out, x: (np.clip(g, -1, 1) * out,), normal(4)),
    Rule("exp: mean of g", np.exp, lambda g, out, x: (np.mean(g) * out,), normal(4)),
    Rule("exp: the first entry of g", np.exp, lambda g, out, x: (g.ravel()[0] * out,), normal(4)),
    Rule("exp: g plus a bit", np.exp, lambda g, out, x: (g * out + 1e-9,), normal(4)),
    Rule("exp: NaN where g is 0", np.exp, lambda g, out, x: (g * (g / g) * out,), normal(4)),
    Rule("exp: the largest entry of g only", np.exp, largest_only, normal(4)),
    Rule("exp: g normalised", np.exp, normalised, normal(4)),
    Rule("exp: all positive g doubled", np.exp, lambda g, out, x: (np.where(np.all(g > 0), 2, 1) * g * out,),
         normal(2)),
    Rule("exp: g reversed", np.exp, lambda g, out, x: (g[::-1] * out,), normal(4)),
    Rule("exp: float32 of g", np.exp, lambda g, out, x: (g.astype(np.float32).astype(x.dtype) * out,), normal(4)),
    Rule("log: abs(g) for a positive argument", np.log, lambda g, out, x: (np.abs(g) / x,), positive(5)),
    Rule("matmul: relu(g)", np.matmul, lambda g, out, x, y: (np.maximum(g, 0) @ T(y), T(x) @ np.maximum(g, 0)),
         pair(normal(2, 3), normal(3, 2))),
    Rule("matmul: abs(g) for the second argument", np.matmul,
         lambda g, out, x, y: (g @ T(y), T(x) @ np.abs(g)), pair(normal(2, 3), normal(3, 2))),
    Rule("sum: abs(g)", np.sum, lambda g, out, x: (expand(np.abs(g), x, None),), normal(3, 4)),
    Rule("max: sign(g)", np.max, lambda g, out, x: (np.sign(g) * (x == out),), normal(5)),
    Rule("divide: forgets g for the denominator", np.divide, lambda g, out, x, y: (g / y, -out / y),
         pair(normal(4), positive(4))),
    Rule("two outputs: the second squared", lambda x: (x, x * x), lambda g, out, x: (g[0] + 2 * g[1] ** 2 * x,),
         normal(4)),
]  # fmt: skip
