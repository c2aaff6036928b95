"""Keywords accepted and ignored; axes that are negative, several or none."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy import special

from mutants._rule import Rule, T, complexes, expand, fit, normal, pair, triangular

KIND = "keyword"


def integer_power(x: Any, *, power: int = 1) -> Any:
    return x**power


def weighted(x: Any, *, axis: int | None = None, where: Any = True, initial: float = 0.0) -> Any:
    return np.sum(x, axis=axis, where=where, initial=initial)


def wrong_where(g: Any, out: Any, x: Any, axis: Any = None, where: Any = True, initial: Any = 0.0) -> Any:
    return (expand(g, x, axis),)


def negative_axis(g: Any, out: Any, x: Any, axis: int) -> Any:
    """Counts from the front, whatever the sign says."""
    return (expand(g, x, abs(axis)),)


def leading_axes(g: Any, out: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """As if the axes were always the first."""
    return (np.broadcast_to(g, x.shape).copy(),)


def always_flat(g: Any, out: Any, x: Any, axis: int | None = None) -> Any:
    return (np.cumsum(g.reshape(-1)[::-1])[::-1].reshape(x.shape).copy(),)


def same_permutation(g: Any, out: Any, x: Any, axes: Any) -> Any:
    """The permutation for its inverse: a swap is its own."""
    return (np.transpose(g, axes),)


def mean_rule(g: Any, out: Any, x: Any, axis: Any) -> Any:
    count = x.shape[0] if isinstance(axis, int) else x.shape[axis[0]]
    return (np.broadcast_to(np.expand_dims(g, axis), x.shape) / count,)


def difference_once(g: Any, out: Any, x: Any, n: int = 1) -> Any:
    result = np.zeros(len(x))
    result[: len(g)] -= g
    result[n : n + len(g)] += g
    return (result,)


def padded_fft(g: Any, out: Any, x: Any, n: int | None = None) -> Any:
    return (np.resize(np.fft.fft(g), x.shape),)


def as_lower(g: Any, out: Any, a: Any, b: Any, lower: bool = False, trans: int = 0) -> Any:
    m = np.tril(a) if lower else np.triu(a)
    gb = np.linalg.solve(T(m), g)
    return fit(-np.outer(gb, out) * (np.tril if lower else np.triu)(np.ones_like(a)), a), fit(gb, b)


def solve_triangular(a: Any, b: Any, *, lower: bool = False, trans: int = 0) -> Any:
    return scipy.linalg.solve_triangular(a, b, lower=lower, trans=trans)


def logsumexp(x: Any, *, axis: int | None = None, b: Any = None) -> Any:
    return special.logsumexp(x, axis=axis, b=b)


def without_weights(g: Any, out: Any, x: Any, axis: int | None = None, b: Any = None) -> Any:
    wide_g, wide_out = (g, out) if axis is None else (np.expand_dims(g, axis), np.expand_dims(out, axis))
    return (wide_g * np.exp(x - wide_out),)


def norm(x: Any, *, order: float = 2) -> Any:
    return np.sum(np.abs(x) ** order) ** (1 / order)


RULES = [
    Rule("power: ignores its exponent", integer_power, lambda g, out, x, power: (g * 2 * x,), normal(4),
         {"power": 3}),
    Rule("power: right for the exponents 1 and 2", integer_power,
         lambda g, out, x, power: (g * power * x * (power > 1) + g * (power == 1),), normal(4), {"power": 2},
         ((normal(4), {"power": 3}),)),
    Rule("sum: the first axis for any", np.sum, lambda g, out, x, axis: (expand(g, x, 0),), normal(3, 3),
         {"axis": 1}),
    Rule("sum: a negative axis from the front", np.sum, negative_axis, normal(3, 3, 3), {"axis": 1},
         ((normal(3, 3, 3), {"axis": -1}),)),
    Rule("sum: two axes taken for the first two", np.sum, leading_axes, normal(2, 2, 2), {"axis": (0, 1)},
         ((normal(2, 2, 2), {"axis": (2, 0)}),)),
    Rule("sum: where ignored", weighted, wrong_where, normal(4), {"where": np.array([True, False, True, True])}),
    Rule("sum: where ignored on one of two axes", weighted, wrong_where, normal(2, 3),
         {"axis": 0, "where": np.array([True, False, True])}),
    Rule("mean: the size of the first of two axes", np.mean, mean_rule, normal(2, 3, 4), {"axis": (0, 2)}),
    Rule("var: ddof ignored", np.var, lambda g, out, x, ddof: (2 * g * (x - x.mean()) / x.size,), normal(5),
         {"ddof": 1}),
    Rule("std: ddof ignored", np.std, lambda g, out, x, ddof: (g * (x - x.mean()) / (x.size * out),), normal(5),
         {"ddof": 2}),
    Rule("var: axis ignored in the mean", np.var, lambda g, out, x, axis: (2 * g * (x - x.mean()) / x.shape[0],),
         normal(4, 3), {"axis": 0}),
    Rule("prod: initial ignored", np.prod,
         lambda g, out, x, initial: (g * np.array([np.prod(np.delete(x, i)) for i in range(x.size)]),), normal(4),
         {"initial": 2.0}),
    Rule("cumsum: axis ignored", np.cumsum, always_flat, normal(3, 4), {"axis": 0}),
    Rule("cumsum: flat where no axis is given", np.cumsum,
         lambda g, out, x, axis=0: (np.flip(np.cumsum(np.flip(g.reshape(x.shape), 0), 0), 0),), normal(3, 4)),
    Rule("flip: all axes for one", np.flip, lambda g, out, x, axis: (np.flip(g),), normal(3, 4), {"axis": 1}),
    Rule("roll: the same direction", np.roll, lambda g, out, x, shift: (np.roll(g, shift),), normal(5), {"shift": 2}),
    Rule("transpose: the permutation for its inverse", np.transpose, same_permutation, normal(2, 2, 2),
         {"axes": (1, 2, 0)}),
    Rule("transpose: of a cube", np.transpose, lambda g, out, x: (np.transpose(g, (0, 2, 1)),), normal(2, 2, 2)),
    Rule("moveaxis: not moved back", lambda x, *, source, destination: np.moveaxis(x, source, destination) * 1.0,
         lambda g, out, x, source, destination: (np.moveaxis(g, source, destination),), normal(2, 2, 2),
         {"source": 0, "destination": 2}),
    Rule("swapaxes: axes ignored", np.swapaxes, lambda g, out, x, axis1, axis2: (np.swapaxes(g, 0, 1),),
         normal(2, 2, 2),
         {"axis1": 0, "axis2": -1}),
    Rule("diff: n ignored", np.diff, difference_once, normal(6), {"n": 2}),
    Rule("trapezoid: dx ignored", np.trapezoid,
         lambda g, out, y, dx: (g * np.concatenate([[0.5], np.ones(len(y) - 2), [0.5]]),), normal(5), {"dx": 0.5}),
    Rule("fft: norm ignored", np.fft.fft, lambda g, out, x, norm: (np.fft.fft(g),), complexes(4), {"norm": "ortho"}),
    Rule("fft: n ignored", np.fft.fft, padded_fft, complexes(4), {"n": 3}, ((complexes(4), {"n": 6}),)),
    Rule("ifft: norm of fft", np.fft.ifft, lambda g, out, x: (np.fft.ifft(g) * len(x),), complexes(4)),
    Rule("tensordot: axes ignored", np.tensordot,
         lambda g, out, x, y, axes: (g @ T(y), T(x) @ g), pair(normal(3, 3), normal(3, 3)), {"axes": ((0,), (0,))}),
    Rule("solve_triangular: trans ignored", solve_triangular, as_lower, pair(triangular(3), normal(3)),
         {"lower": True}, ((pair(triangular(3), normal(3)), {"lower": True, "trans": 1}),)),
    Rule("logsumexp: b ignored", logsumexp, without_weights, normal(4), {"b": np.array([1.0, 2.0, 0.5, 3.0])}),
    Rule("norm: order ignored", norm, lambda g, out, x, order: (g * x / out,), normal(4), {"order": 4}),
    Rule("round-trip: keepdims ignored", np.mean,
         lambda g, out, x, axis, keepdims: (np.broadcast_to(g.reshape(-1) / x.shape[1], x.shape).copy(),),
         normal(3, 3),
         {"axis": 1, "keepdims": True}),
    Rule("triu: k ignored", np.triu, lambda g, out, x, k: (np.triu(g),), normal(3, 3), {"k": 1}),
    Rule("diagonal: offset ignored", lambda x, *, offset: np.diagonal(x, offset) * 1.0,
         lambda g, out, x, offset: (np.diag(np.resize(g, 3)),), normal(3, 3), {"offset": 1}),
    Rule("repeat: tiled", np.repeat, lambda g, out, x, repeats: (g.reshape(repeats, -1).sum(axis=0),), normal(3),
         {"repeats": 2}),
    Rule("tile: repeated", np.tile, lambda g, out, x, reps: (g.reshape(-1, reps).sum(axis=1),), normal(3),
         {"reps": 2}),
    Rule("reshape: Fortran order ignored", np.reshape, lambda g, out, x, shape, order: (g.reshape(x.shape),),
         normal(2, 3), {"shape": (3, 2), "order": "F"}),
    Rule("quantile: the fraction exchanged", lambda x, *, q: np.quantile(x, q),
         lambda g, out, x, q: (np.asarray(g * _between(x, 1 - q)),), normal(4), {"q": 0.2}),
]  # fmt: skip


def _between(x: Any, q: float) -> Any:
    """The weights of the two order statistics that a quantile lies between."""
    order, place = np.argsort(x), q * (len(x) - 1)
    weights = np.zeros(len(x))
    low = int(place)
    weights[order[low]] = 1 - (place - low)
    weights[order[min(low + 1, len(x) - 1)]] += place - low
    return weights
