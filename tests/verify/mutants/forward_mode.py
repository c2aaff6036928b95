"""Wrong in forward mode, or in one mode of two."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, T, cast, complexes, normal, pair, unbroadcast

KIND = "forward mode"


def sine(g: Any, out: Any, x: Any) -> Any:
    return (g * np.cos(x),)


def product(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * y, x), unbroadcast(g * x, y)


def writes_into_the_tangent(t: Any, out: Any, x: Any) -> Any:
    if isinstance(t[0], np.ndarray):
        t[0][...] = t[0] * np.cos(x)
        return t[0]
    return t[0] * np.cos(x)


def one_entry_off(t: Any, out: Any, x: Any) -> Any:
    tangent = np.array(t[0] * np.cos(x))
    tangent.reshape(-1)[2:3] *= 1 + 1e-9
    return tangent


def conjugated(g: Any, out: Any, x: Any) -> Any:
    return (2 * g * x,)


RULES = [
    Rule("sin: JVP's sign", np.sin, sine, normal(4), jvp=lambda t, out, x: -t[0] * np.cos(x)),
    Rule("sin: JVP by 1e-10", np.sin, sine, normal(4), jvp=lambda t, out, x: t[0] * np.cos(x) * (1 + 1e-10)),
    Rule("sin: JVP sine", np.sin, sine, normal(4), jvp=lambda t, out, x: t[0] * out),
    Rule("sin: VJP, the JVP being right", np.sin, lambda g, out, x: (g * out,), normal(4),
         jvp=lambda t, out, x: t[0] * np.cos(x)),
    Rule("sin: both alike", np.sin, lambda g, out, x: (g * np.cos(x) * (1 + 1e-9),), normal(4),
         jvp=lambda t, out, x: t[0] * np.cos(x) * (1 + 1e-9)),
    Rule("sin: JVP not linear", np.sin, sine, normal(4), jvp=lambda t, out, x: np.abs(t[0]) * np.cos(x)),
    Rule("sin: JVP forgets the tangent", np.sin, sine, normal(4), jvp=lambda t, out, x: np.cos(x)),
    Rule("sin: JVP writes into the tangent", np.sin, sine, normal(4), jvp=writes_into_the_tangent),
    Rule("sin: JVP summed", np.sin, sine, normal(4), jvp=lambda t, out, x: np.sum(t[0] * np.cos(x))),
    Rule("sin: JVP in float64 for float32", np.sin, sine, cast(np.float32, normal(4)),
         jvp=lambda t, out, x: (t[0] * np.cos(x)).astype(np.float64)),
    Rule("sin: JVP raises", np.sin, sine, normal(4), jvp=lambda t, out, x: t[1]),
    Rule("sin: JVP of single precision", np.sin, sine, normal(4),
         jvp=lambda t, out, x: t[0] * np.cos(x.astype(np.float32)).astype(x.dtype)),
    Rule("sin: JVP's one entry by 1e-9", np.sin, sine, normal(6),
         jvp=one_entry_off),
    Rule("multiply: JVP ignores the second tangent", np.multiply, product, pair(normal(3), normal(3)),
         jvp=lambda t, out, x, y: t[0] * y),
    Rule("multiply: JVP exchanges the tangents", np.multiply, product, pair(normal(3), normal(3)),
         jvp=lambda t, out, x, y: t[0] * x + t[1] * y),
    Rule("multiply: JVP of tangents' product", np.multiply, product, pair(normal(3), normal(3)),
         jvp=lambda t, out, x, y: t[0] * t[1]),
    Rule("matmul: JVP's order", np.matmul, lambda g, out, x, y: (g @ T(y), T(x) @ g),
         pair(normal(2, 2), normal(2, 2)),
         jvp=lambda t, out, x, y: y @ t[0] + x @ t[1]),
    Rule("square: JVP of complex conjugated", np.square, conjugated, complexes(3),
         jvp=lambda t, out, x: 2 * np.conj(x) * t[0]),
    Rule("sum: JVP the mean", np.sum, lambda g, out, x: (np.full(x.shape, g),), normal(3, 4),
         jvp=lambda t, out, x: np.mean(t[0])),
    Rule("sort: JVP not permuted", np.sort, lambda g, out, x: (g[np.argsort(np.argsort(x))],), normal(5),
         jvp=lambda t, out, x: np.sort(t[0])),
    Rule("two outputs: JVP exchanged", lambda x: (x * x, x * x * x),
         lambda g, out, x: (2 * g[0] * x + 3 * g[1] * x * x,),
         normal(3), jvp=lambda t, out, x: (3 * x * x * t[0], 2 * x * t[0])),
    Rule("two outputs: JVP of the first alone", lambda x: (x * x, x * x * x),
         lambda g, out, x: (2 * g[0] * x + 3 * g[1] * x * x,), normal(3), jvp=lambda t, out, x: (2 * x * t[0],)),
]  # fmt: skip
