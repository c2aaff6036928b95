"""Right rules of NumPy, that the verifier must accept at every dtype, shape and magnitude they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import (
    Rule,
    T,
    adjugate,
    complexes,
    definite,
    expand,
    fit,
    holes,
    inside,
    normal,
    of_reals,
    pair,
    positive,
    prod_rule,
    safe,
    share,
    single,
    sort_rule,
    spread,
    ties,
    unbroadcast,
    well_conditioned,
    wide,
)

KIND = "ordinary"


@of_reals
def cholesky(a: Any) -> Any:
    """Of the symmetric part."""
    return np.linalg.cholesky((a + T(a)) / 2)


def same_shape(x: Any, y: Any) -> Any:
    """The sum of two arrays that do not broadcast."""
    if np.shape(x) != np.shape(y) or np.result_type(x) != np.result_type(y):
        raise TypeError("of one shape and dtype, please")
    return x + y


def arctan2_rule(g: Any, out: Any, y: Any, x: Any) -> tuple[Any, Any]:
    size = safe(x * x + y * y)
    return unbroadcast(g * x / size, y), unbroadcast(-g * y / size, x)


def hypot_rule(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return unbroadcast(g * x / safe(out), x), unbroadcast(g * y / safe(out), y)


def where_rule(g: Any, out: Any, c: Any, x: Any, y: Any) -> tuple[None, Any, Any]:
    return None, unbroadcast(np.where(c, g, 0), x), unbroadcast(np.where(c, 0, g), y)


def matmul_rule(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return unbroadcast(g @ T(y), x), unbroadcast(T(x) @ g, y)


def solve_rule(g: Any, out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    gb = np.linalg.solve(T(a), g)
    return unbroadcast(-gb @ T(out), a), unbroadcast(gb, b)


def norm_rule(g: Any, out: Any, x: Any) -> tuple[Any]:
    return (np.zeros_like(x) if out == 0 else g * np.conj(x) / out,)


def maximum_rule(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    left = (x > y) + 0.5 * (x == y)
    return unbroadcast(g * left, x), unbroadcast(g * (1 - left), y)


def cholesky_rule(g: Any, out: Any, a: Any) -> tuple[Any]:
    """For a forward that reads the symmetric part of its argument."""
    p = np.tril(out.T @ g)
    p[np.diag_indices_from(p)] /= 2
    inverse = np.linalg.inv(out)
    s = inverse.T @ p @ inverse
    return ((s + s.T) / 2,)


def cumsum_rule(g: Any, out: Any, x: Any, axis: int) -> tuple[Any]:
    return (np.flip(np.cumsum(np.flip(g, axis), axis), axis),)


def divmod_rule(g: Any, out: Any, x: Any) -> tuple[Any]:
    return (g[0] + 2 * g[1] * x,)


UNARY = [
    ("exp", np.exp, lambda g, out, x: (g * out,), normal),
    ("expm1", np.expm1, lambda g, out, x: (g * np.exp(x),), normal),
    ("log", np.log, lambda g, out, x: (g / x,), positive),
    ("log1p", np.log1p, lambda g, out, x: (g / (1 + x),), positive),
    ("log10", np.log10, lambda g, out, x: ((g / (x * np.log(10))).astype(x.dtype),), positive),
    ("sqrt", np.sqrt, lambda g, out, x: (g / (2 * out),), positive),
    ("cbrt", np.cbrt, lambda g, out, x: (g / (3 * out * out),), positive),
    ("square", np.square, lambda g, out, x: (2 * g * x,), normal),
    ("reciprocal", np.reciprocal, lambda g, out, x: (-g * out * out,), positive),
    ("sin", np.sin, lambda g, out, x: (g * np.cos(x),), normal),
    ("cos", np.cos, lambda g, out, x: (-g * np.sin(x),), normal),
    ("tan", np.tan, lambda g, out, x: (g * (1 + out * out),), inside),
    ("arcsin", np.arcsin, lambda g, out, x: (g / np.sqrt(1 - x * x),), inside),
    ("arctan", np.arctan, lambda g, out, x: (g / (1 + x * x),), normal),
    ("sinh", np.sinh, lambda g, out, x: (g * np.cosh(x),), normal),
    ("cosh", np.cosh, lambda g, out, x: (g * np.sinh(x),), normal),
    ("tanh", np.tanh, lambda g, out, x: (g * (1 - out * out),), normal),
    ("arcsinh", np.arcsinh, lambda g, out, x: (g / np.sqrt(1 + x * x),), normal),
    ("arctanh", np.arctanh, lambda g, out, x: (g / (1 - x * x),), inside),
    ("abs", np.abs, lambda g, out, x: (g * np.conj(np.sign(x)),), normal),
    ("negative", np.negative, lambda g, out, x: (-g,), normal),
    ("positive", np.positive, lambda g, out, x: (g,), normal),
]

RULES: list[Rule] = []
for _name, _forward, _vjp, _inputs in UNARY:
    RULES += [
        Rule(_name, _forward, _vjp, _inputs(3, 4)),
        Rule(f"{_name}, float32", _forward, _vjp, single(_inputs(5))),
        Rule(f"{_name}, 0-d", _forward, _vjp, _inputs()),
        Rule(f"{_name}, empty", _forward, _vjp, _inputs(0, 3)),
    ]
for _name in ("log", "sqrt", "cbrt", "reciprocal", "arctan", "log1p", "square", "tanh", "arcsinh"):
    _found = next(row for row in UNARY if row[0] == _name)
    RULES.append(Rule(f"{_name}, 1e-8 to 1e8", _found[1], _found[2], spread(6)))

RULES += [
    Rule("abs with zeros", np.abs, lambda g, out, x: (g * np.conj(np.sign(x)),), holes(7)),
    Rule("multiply", np.multiply, lambda g, out, x, y: (unbroadcast(g * y, x), unbroadcast(g * x, y)),
         pair(normal(3, 4), normal(4))),
    Rule("multiply, wide", np.multiply, lambda g, out, x, y: (unbroadcast(g * y, x), unbroadcast(g * x, y)),
         pair(wide(4), wide(3, 1))),
    Rule("multiply by a complex", np.multiply, lambda g, out, x, y: (unbroadcast(g * y, x), unbroadcast(g * x, y)),
         pair(normal(3), complexes(2, 3))),
    Rule("add", np.add, lambda g, out, x, y: (unbroadcast(g, x), unbroadcast(g, y)),
         pair(normal(2, 3), normal(1, 3))),
    Rule("add, wide", np.add, lambda g, out, x, y: (unbroadcast(g, x), unbroadcast(g, y)), pair(wide(5), wide(5))),
    Rule("add, handing g on", same_shape, lambda g, out, x, y: (g, g), pair(normal(3), normal(3))),
    Rule("divide", np.divide, lambda g, out, x, y: (unbroadcast(g / y, x), unbroadcast(-g * out / y, y)),
         pair(normal(3, 2), positive(2))),
    Rule("power", np.power,
         lambda g, out, x, y: (unbroadcast(g * np.where(y == 0, 0, y * x ** np.where(y == 0, 1, y - 1)), x),
                               unbroadcast(g * out * np.log(np.where(x == 0, 1, x)), y)),
         pair(positive(3), normal(2, 3))),
    Rule("maximum", np.maximum, maximum_rule, pair(normal(5), normal(5))),
    Rule("maximum with ties", np.maximum, maximum_rule, pair(ties(6), ties(6))),
    Rule("arctan2", np.arctan2, arctan2_rule,
         pair(normal(4), normal(4))),
    Rule("hypot", np.hypot, hypot_rule, pair(normal(4), normal(4))),
    Rule("clip", lambda x: np.clip(x, -1.0, 1.0), lambda g, out, x: (g * ((x >= -1) & (x <= 1)),), ties(8)),
    Rule("where", np.where, where_rule,
         lambda rng: (rng.random(5) < 0.5, rng.standard_normal(5), rng.standard_normal(5))),
    Rule("an integer argument", lambda x, n: x * n.astype(x.dtype),
         lambda g, out, x, n: (unbroadcast(g * n.astype(x.dtype), x), None),
         lambda rng: (rng.standard_normal(4), np.arange(4))),
    Rule("sum over an axis", np.sum, lambda g, out, x, axis: (expand(g, x, axis),), normal(3, 4), {"axis": 1}),
    Rule("sum, a view", np.sum, lambda g, out, x: (np.broadcast_to(g, x.shape),), normal(3, 4)),
    Rule("sum, wide", np.sum, lambda g, out, x: (np.broadcast_to(g, x.shape),), wide(6)),
    Rule("mean", np.mean, lambda g, out, x, axis: (expand(g / x.shape[axis], x, axis),), normal(4, 3), {"axis": 0}),
    Rule("var", np.var, lambda g, out, x: (2 * g * np.conj(x - x.mean()) / x.size,), normal(6)),
    Rule("prod", np.prod, prod_rule, normal(5)),
    Rule("prod with zeros", np.prod, prod_rule, holes(5)),
    Rule("max", np.max, lambda g, out, x, axis: share(g, out, x, axis), normal(3, 4), {"axis": 1}),
    Rule("max with ties", np.max, share, ties(7)),
    Rule("sort", np.sort, sort_rule, normal(6)),
    Rule("sort with ties", np.sort, sort_rule, ties(5)),
    Rule("cumsum", np.cumsum, cumsum_rule, normal(3, 4), {"axis": 0}),
    Rule("flip", np.flip, lambda g, out, x: (np.flip(g),), normal(2, 2)),
    Rule("transpose", np.transpose, lambda g, out, x: (np.transpose(g),), normal(2, 2)),
    Rule("reshape", lambda x: np.reshape(x, (2, 6)), lambda g, out, x: (np.reshape(g, x.shape),), normal(3, 4)),
    Rule("norm", np.linalg.norm, norm_rule, normal(5)),
    Rule("norm at 0", np.linalg.norm, norm_rule, lambda rng: (np.zeros(3),)),
    Rule("logsumexp by hand", lambda x: np.log(np.sum(np.exp(x))), lambda g, out, x: (g * np.exp(x - out),), normal(5)),
    Rule("matmul", np.matmul, matmul_rule, pair(normal(3, 4), normal(4, 2))),
    Rule("matmul, large", np.matmul, matmul_rule, pair(normal(12, 8), normal(8, 9))),
    Rule("matmul of stacks", np.matmul, matmul_rule,
         pair(normal(2, 2, 3), normal(2, 3, 2))),
    Rule("matmul, complex", np.matmul, matmul_rule,
         pair(complexes(2, 2), complexes(2, 3))),
    Rule("dot of vectors", np.dot, lambda g, out, x, y: (fit(g * y, x), fit(g * x, y)), pair(normal(5), normal(5))),
    Rule("inv", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),), well_conditioned(3)),
    Rule("inv, ordinary", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),), normal(3, 3)),
    Rule("solve", np.linalg.solve,
         solve_rule,
         pair(well_conditioned(3), normal(3, 2))),
    Rule("det", np.linalg.det, lambda g, out, a: (g[..., None, None] * T(adjugate(a)),),
         well_conditioned(3, 2)),
    Rule("cholesky", cholesky, cholesky_rule, definite(3)),
    Rule("exp, complex", np.exp, lambda g, out, x: (g * out,), complexes(4)),
    Rule("log, complex", np.log, lambda g, out, x: (g / x,), complexes(4)),
    Rule("square, complex64", np.square, lambda g, out, x: (2 * g * x,), single(complexes(4))),
    Rule("abs, complex", np.abs, lambda g, out, x: (g * np.conj(x) / safe(out),), complexes(4)),
    Rule("conj", np.conj, lambda g, out, x: (np.conj(g),), complexes(4)),
    Rule("real", np.real, lambda g, out, x: (g.astype(x.dtype),), complexes(4)),
    Rule("imag", np.imag, lambda g, out, x: ((-1j * g).astype(x.dtype),), complexes(4)),
    Rule("fft", np.fft.fft, lambda g, out, x: (np.fft.fft(g),), complexes(5)),
    Rule("fft of real", np.fft.fft, lambda g, out, x: (fit(np.fft.fft(g), x),), normal(6)),
    Rule("two outputs", lambda x: (x, x * x), divmod_rule, normal(4)),
    Rule("a Python float", lambda x: x * x, lambda g, out, x: (2 * g * x,), lambda rng: (float(rng.uniform(1, 2)),)),
    Rule("tiny slope", lambda x: 1e-6 * x, lambda g, out, x: (1e-6 * g,), normal(4)),
    Rule("saturated tanh", np.tanh, lambda g, out, x: (g * (1 - out * out),),
         lambda rng: (rng.uniform(3, 12, 8),)),
    Rule("softmax by hand", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
         lambda g, out, x: (out * (g - (g * out).sum()),), lambda rng: (rng.standard_normal(5) * 8,)),
    Rule("elementwise, large", np.sin, lambda g, out, x: (g * np.cos(x),), normal(64, 64)),
    Rule("relu", lambda x: np.maximum(x, 0), lambda g, out, x: (g * (x > 0),), holes(9)),
]  # fmt: skip
