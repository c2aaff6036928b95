"""Wrong rules, each with one mistake, that the verifier must catch: (name, forward, vjp, inputs)."""

from __future__ import annotations

from typing import Any

import numpy as np
from right_rules import (
    Rule,
    T,
    complexes,
    definite,
    expand,
    holes,
    normal,
    pair,
    positive,
    prod_rule,
    sort_rule,
    ties,
    unbroadcast,
    well_conditioned,
)

# mistakes of structure --------------------------------------------------------------------------------------------


def mutates_cotangent(g: Any, out: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray):
        g *= out
    return (g,)


def mutates_input(g: Any, out: Any, x: Any) -> Any:
    x += 1e-9
    return (g * out,)


def mutates_output(g: Any, out: Any, x: Any) -> Any:
    out *= g
    return (out.copy(),)


_BUFFER: dict[tuple[int, ...], Any] = {}


def reuses_its_buffer(g: Any, out: Any, x: Any) -> Any:
    buffer = _BUFFER.setdefault(np.shape(x), np.empty(np.shape(x)))
    np.multiply(g, out, out=buffer)
    return (buffer,)


def breaks_for_strided(g: Any, out: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray) and not g.flags.c_contiguous:
        g = np.lib.stride_tricks.as_strided(g, g.shape, np.empty(g.shape, g.dtype).strides)
    return (g * out,)


def reads_memory_order(g: Any, out: Any, x: Any) -> Any:
    return ((g.ravel(order="K") * out.ravel(order="K")).reshape(x.shape),)


class Counting:
    """A rule that is right when it is called for the first time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        self.calls += 1
        return (g * out * (1 + 1e-3 * (self.calls > 1)),)


def raises(g: Any, out: Any, x: Any) -> Any:
    raise ValueError("no derivative today")


# mistakes of value ------------------------------------------------------------------------------------------------


def one_entry(relative: float) -> Any:
    def rule(g: Any, out: Any, x: Any) -> Any:
        result = np.array(g * out)
        result.reshape(-1)[-1] *= 1 + relative
        return (result,)

    return rule


def single_precision_inside(g: Any, out: Any, x: Any) -> Any:
    return ((g.astype(np.float32) * out.astype(np.float32)).astype(x.dtype),)


def ignores_keyword(x: Any, *, power: int = 1) -> Any:
    return x**power


def both_ties(g: Any, out: Any, x: Any) -> Any:
    return (g * (x == out),)


def stable(x: Any) -> Any:
    return np.log(np.sum(np.exp(x)))


WRONG: list[Rule] = [
    # structure
    Rule("no tuple", np.exp, lambda g, out, x: g * out, normal(3)),
    Rule("None", np.exp, lambda g, out, x: None, normal(3)),
    Rule("a string", np.exp, lambda g, out, x: ("g * out",), normal(3)),
    Rule("an object array", np.exp, lambda g, out, x: ((g * out).astype(object),), normal(3)),
    Rule("a list", np.exp, lambda g, out, x: ((g * out).tolist(),), normal(3)),
    Rule("too few", np.multiply, lambda g, out, x, y: (g * y,), pair(normal(3), normal(3))),
    Rule("too many", np.exp, lambda g, out, x: (g * out, g), normal(3)),
    Rule("raises", np.exp, raises, normal(3)),
    Rule("wrong signature", np.exp, lambda g, x: (g * np.exp(x),), normal(3)),
    Rule("wrong shape", np.exp, lambda g, out, x: ((g * out).ravel(),), normal(2, 3)),
    Rule(
        "float64 for float32",
        np.exp,
        lambda g, out, x: ((g * out).astype(np.float64),),
        lambda rng: (rng.standard_normal(3).astype(np.float32),),
    ),
    Rule("float32 for float64", np.exp, lambda g, out, x: ((g * out).astype(np.float32),), normal(3)),
    Rule("complex for real", np.fft.fft, lambda g, out, x: (np.fft.fft(g),), normal(4)),
    Rule("writes into g", np.exp, mutates_cotangent, normal(3)),
    Rule("writes into x", np.exp, mutates_input, normal(3)),
    Rule("writes into out", np.exp, mutates_output, normal(3)),
    Rule("reuses its buffer", np.exp, reuses_its_buffer, normal(3)),
    Rule("returns its argument", lambda x: np.sum(x * x) / 2, lambda g, out, x: (x,), normal(3)),
    Rule("breaks for a strided g", np.exp, breaks_for_strided, normal(4)),
    Rule("reads memory order", np.exp, reads_memory_order, normal(3, 4)),
    Rule("another answer the second time", np.exp, Counting(), normal(3)),
    Rule("not summed", np.multiply, lambda g, out, x, y: (g * y, g * x), pair(normal(3, 4), normal(4))),
    Rule("not summed over size 1", np.add, lambda g, out, x, y: (g, g), pair(normal(3, 4), normal(3, 1))),
    # cotangent
    Rule("abs(g)", np.exp, lambda g, out, x: (np.abs(g) * out,), normal(4)),
    Rule("relu(g)", np.exp, lambda g, out, x: (np.maximum(g, 0) * out,), normal(4)),
    Rule("forgets g", np.exp, lambda g, out, x: (out.copy(),), normal(4)),
    Rule("g squared", np.exp, lambda g, out, x: (g * g * out,), normal(4)),
    Rule("mean of g", np.exp, lambda g, out, x: (np.mean(g) * out,), normal(4)),
    Rule("g plus a bit", np.exp, lambda g, out, x: (g * out + 1e-9,), normal(4)),
    # value
    Rule("sign", np.cos, lambda g, out, x: (g * np.sin(x),), normal(4)),
    Rule("factor 2", np.square, lambda g, out, x: (g * x,), normal(4)),
    Rule("factor 1 + 1e-9", np.exp, lambda g, out, x: (g * out * (1 + 1e-9),), normal(4)),
    Rule("factor 1 + 1e-10", np.sin, lambda g, out, x: (g * np.cos(x) * (1 + 1e-10),), normal(4)),
    Rule("factor 1 + 1e-10 in sum", np.sum, lambda g, out, x: (expand(g * (1 + 1e-10), x, None),), normal(3, 4)),
    Rule("factor 1 + 1e-10 in matmul", np.matmul, lambda g, out, x, y: (g @ T(y) * (1 + 1e-10), T(x) @ g),
         pair(normal(3, 4), normal(4, 2))),
    Rule("factor 1 + 1e-7 in inv", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out) * (1 + 1e-7),),
         well_conditioned(3)),
    Rule("one entry by 1e-9", np.exp, one_entry(1e-9), normal(3, 4)),
    Rule("one entry in many", np.exp, one_entry(1e-6), normal(30, 30)),
    Rule("zero gradient of a tiny slope", lambda x: 1e-6 * x, lambda g, out, x: (np.zeros_like(x),), normal(4)),
    Rule("nonzero gradient of a constant", lambda x: x * 0 + 1, lambda g, out, x: (g * 1e-12,), normal(4)),
    Rule("NaN", np.exp, lambda g, out, x: (g * out * np.nan,), normal(4)),
    Rule("NaN at zero", np.square, lambda g, out, x: (g * 2 * x * (x / x),), normal(5)),
    Rule("NaN for a product with zeros", np.prod, lambda g, out, x: (g * out / x,), normal(4)),
    Rule("infinity", np.exp, lambda g, out, x: (g * out / 0.0,), normal(4)),
    Rule("single precision inside", np.exp, single_precision_inside, normal(4)),
    Rule("abs without sign", np.abs, lambda g, out, x: (g,), normal(5)),
    Rule("abs without sign, positive sample", np.abs, lambda g, out, x: (g,), positive(5)),
    Rule("abs of complex, conj dropped", np.abs, lambda g, out, x: (g * x / out,), complexes(4)),
    Rule("exp of complex, conj too much", np.exp, lambda g, out, x: (g * np.conj(out),), complexes(4)),
    Rule("conj dropped", np.conj, lambda g, out, x: (g,), complexes(4)),
    Rule("imaginary part dropped", np.square, lambda g, out, x: ((2 * g * x).real + 0j,), complexes(4)),
    Rule("ignores its keyword", ignores_keyword, lambda g, out, x, power: (g * 2 * x,), normal(4), {"power": 3}),
    Rule("wrong axis", np.sum, lambda g, out, x, axis: (expand(g, x, 0),), normal(3, 3), {"axis": 1}),
    Rule("transposed", np.transpose, lambda g, out, x: (g.copy(),), normal(3, 3)),
    Rule("flip forgotten", np.flip, lambda g, out, x: (g.copy(),), normal(5)),
    Rule("operands swapped", np.multiply, lambda g, out, x, y: (unbroadcast(g * x, x), unbroadcast(g * y, y)),
         pair(normal(3), normal(3))),
    Rule("matmul without transpose", np.matmul, lambda g, out, x, y: (g @ y, T(x) @ g),
         pair(normal(3, 3), normal(3, 3))),
    Rule("inv without minus", np.linalg.inv, lambda g, out, a: (T(out) @ g @ T(out),), well_conditioned(3)),
    Rule("det without cofactors", np.linalg.det, lambda g, out, a: (g * out * np.linalg.inv(a),),
         well_conditioned(3)),
    Rule("cholesky, not symmetric", lambda a: np.linalg.cholesky((a + a.T) / 2),
         lambda g, out, a: (np.tril(np.linalg.inv(out).T @ np.tril(out.T @ g) @ np.linalg.inv(out)),), definite(3)),
    Rule("mean without its factor", np.mean, lambda g, out, x: (expand(g, x, None),), normal(5)),
    Rule("var without its mean", np.var, lambda g, out, x: (2 * g * x / x.size,), normal(5)),
    Rule("prod, one factor lost", np.prod, lambda g, out, x: prod_rule(g, out, np.abs(x)), normal(4)),
    Rule("max gives every tie all", np.max, both_ties, normal(5)),
    Rule("max gives every tie all, tied sample", np.max, both_ties, ties(7)),
    Rule("clip, zero nowhere", lambda x: np.clip(x, -1, 1), lambda g, out, x: (g,), normal(6)),
    Rule("relu of the wrong side", lambda x: np.maximum(x, 0), lambda g, out, x: (g * (x < 0),), holes(6)),
    Rule("relu, 2 at zero", lambda x: np.maximum(x, 0), lambda g, out, x: (g * ((x > 0) + 2.0 * (x == 0)),), holes(8)),
    Rule("abs, 3 at zero", np.abs, lambda g, out, x: (g * (np.sign(x) + 3.0 * (x == 0)),), holes(8)),
    Rule("sort, unsorted", np.sort, lambda g, out, x: (g.copy(),), normal(6)),
    Rule("sort, permuted the other way", np.sort, lambda g, out, x: (g[np.argsort(x)],), normal(6)),
    Rule("sort, two entries swapped", np.sort, lambda g, out, x: (sort_rule(g, out, x)[0][[1, 0, *range(2, 6)]],),
         normal(6)),
    Rule("cumsum forward", np.cumsum, lambda g, out, x: (np.cumsum(g),), normal(5)),
    Rule("logsumexp without g", stable, lambda g, out, x: (np.exp(x - out),), normal(4)),
    Rule("only wrong for x > 2.5", np.square, lambda g, out, x: (g * np.where(x > 2.5, 5.0, 2 * x),), normal(6)),
    Rule("only wrong for large x", np.square, lambda g, out, x: (g * np.where(np.abs(x) > 100, x, 2 * x),), normal(6)),
    Rule("second output ignored", lambda x: (x, x * x), lambda g, out, x: (g[0] * 1.0,), normal(4)),
    Rule("second argument's gradient zero", np.multiply, lambda g, out, x, y: (g * y, np.zeros_like(y)),
         pair(normal(3), normal(3))),
    Rule("one element lost in a large array", np.matmul,
         lambda g, out, x, y: (g @ T(y), T(x) @ g * (np.arange(72).reshape(8, 9) != 5)),
         pair(normal(9, 8), normal(8, 9))),
    Rule("empty, filled", lambda x: x * 2, lambda g, out, x: (np.ones((2,)),), normal(0)),
]  # fmt: skip
