"""Right nearly everywhere: kinks, ties, zeros, signs, magnitudes, sizes 0 and 1, 0-d, special values."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from mutants._rule import (
    Rule,
    T,
    between,
    expand,
    fit,
    holes,
    normal,
    pair,
    positive,
    scatter,
    tied_pair,
    ties,
    values,
)

KIND = "special point"


def all_ties(g: Any, out: Any, x: Any) -> Any:
    return (g * (x == out),)


def row_ties(g: Any, out: Any, x: Any, axis: int) -> Any:
    return (np.expand_dims(g, axis) * (x == np.expand_dims(out, axis)),)


def repeated(rng: np.random.Generator) -> tuple[Any, ...]:
    """A matrix in whose columns everything occurs twice."""
    return (np.repeat(rng.standard_normal((2, 2)), 2, axis=0),)


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def unit(x: Any) -> Any:
    return np.clip(x, -1, 1)


def sigmoid(x: Any) -> Any:
    return special.expit(x)


def naive_sigmoid(g: Any, out: Any, x: Any) -> Any:
    e = np.exp(-x)
    return (g * e / (1 + e) ** 2,)


def softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


def only_of_size(size: int) -> Any:
    """The rule of exp, doubled for arrays of one size."""
    return lambda g, out, x: (g * out * (2 if np.size(x) == size else 1),)


def scalar_forgotten(g: Any, out: Any, x: Any) -> Any:
    return (g * out if np.ndim(x) else np.asarray(g * 1.0),)


def zero_dimensional_mean(g: Any, out: Any, x: Any) -> Any:
    return (np.full(np.shape(x), g / max(np.size(x) - 1, 1)),)


def only_even(g: Any, out: Any, x: Any) -> Any:
    """The real FFT's rule for an even number of points: an odd one has no middle frequency."""
    weights = np.full(len(g), 2.0)
    weights[0] = weights[-1] = 1
    return (np.real(np.fft.fft(np.pad(g * weights, (0, len(x) - len(g))))),)


def blocked_matmul(g: Any, out: Any, x: Any, y: Any) -> Any:
    """In blocks of 8: what is over is forgotten."""
    first = np.zeros(x.shape, g.dtype)
    for k in range(0, g.shape[1] - g.shape[1] % 8 if g.shape[1] > 8 else g.shape[1], 8):
        first += g[:, k : k + 8] @ T(y)[k : k + 8]
    return fit(first, x), fit(T(x) @ g, y)


def median_rule(g: Any, out: Any, x: Any) -> Any:
    """For an odd number of entries; of an even one the upper middle gets all."""
    return (scatter(g, x, int(np.argsort(x)[len(x) // 2])),)


RULES = [
    # sign and magnitude
    Rule("abs: 1", np.abs, lambda g, out, x: (g * 1.0,), normal(5)),
    Rule("abs: 1, given positive numbers", np.abs, lambda g, out, x: (g * 1.0,), positive(5)),
    Rule("cbrt: the root of a negative number", np.cbrt, lambda g, out, x: (g * np.sign(x) / (3 * out * out),),
         normal(4)),
    Rule("square: only wrong beyond 2.5", np.square, lambda g, out, x: (g * np.where(x > 2.5, 5.0, 2 * x),),
         normal(6)),
    Rule("square: only wrong beyond 100", np.square, lambda g, out, x: (g * np.where(np.abs(x) > 100, x, 2 * x),),
         normal(6)),
    Rule("square: only wrong below 1e-2", np.square, lambda g, out, x: (g * np.where(np.abs(x) < 1e-2, 0, 2 * x),),
         normal(6)),
    Rule("sigmoid: overflows", sigmoid, naive_sigmoid, normal(30)),
    Rule("softplus: NaN for large x", softplus, lambda g, out, x: (g * np.exp(x) / (1 + np.exp(x)),), normal(30)),
    Rule("exp: clipped at 3", np.exp, lambda g, out, x: (g * np.minimum(out, 20.0),), between(2, 4, 12)),
    # zeros and infinities
    Rule("exp: NaN", np.exp, lambda g, out, x: (g * out * np.nan,), normal(4)),
    Rule("exp: infinity", np.exp, lambda g, out, x: (g * out / 0.0,), normal(4)),
    Rule("exp: one NaN of many", np.exp, lambda g, out, x: (np.where(np.arange(x.size) == 3, np.nan, g * out),),
         normal(20)),
    Rule("square: NaN at zero", np.square, lambda g, out, x: (g * 2 * x * (x / x),), normal(5)),
    Rule("sinc: NaN at zero", np.sinc, lambda g, out, x: (g * (np.cos(np.pi * x) - out) / x,), holes(5)),
    Rule("prod: NaN with zeros", np.prod, lambda g, out, x: (g * out / x,), normal(4)),
    Rule("prod: zero with zeros", np.prod, lambda g, out, x: (g * out / np.where(x == 0, 1, x),),
         values([2.0, 0.0, 3.0])),
    Rule("cumprod: NaN with zeros", np.cumprod, lambda g, out, x: (np.cumsum((g * out)[::-1])[::-1] / x,), normal(4)),
    Rule("norm: NaN at zero", np.linalg.norm, lambda g, out, x: (g * x / out,), values(np.zeros(3))),
    Rule("hypot: NaN at zero", np.hypot, lambda g, out, x, y: (g * x / out, g * y / out), pair(holes(6), holes(6))),
    Rule("power: NaN at zero to the second", lambda x: np.power(x, 2.0), lambda g, out, x: (g * 2 * out / x,),
         holes(5)),
    Rule("xlogy: NaN at zero", special.xlogy, lambda g, out, x, y: (g * np.log(y), g * x / y * (x / x)),
         pair(holes(5), positive(5))),
    Rule("det: NaN of a singular matrix", np.linalg.det,
         lambda g, out, a: (g * out * T(np.linalg.inv(a)) if out else np.full(a.shape, np.nan),),
         values([[1.0, 2.0], [2.0, 4.0]])),
    Rule("det: zero of a singular matrix", np.linalg.det,
         lambda g, out, a: (g * out * T(np.linalg.inv(a)) if out else np.zeros(a.shape),),
         values([[1.0, 2.0], [2.0, 4.0]])),
    # kinks
    Rule("relu: the other side", relu, lambda g, out, x: (g * (x < 0),), holes(6)),
    Rule("relu: 2 at zero", relu, lambda g, out, x: (g * ((x > 0) + 2.0 * (x == 0)),), holes(8)),
    Rule("relu: minus 1 at zero", relu, lambda g, out, x: (g * ((x > 0) - 1.0 * (x == 0)),), normal(8)),
    Rule("relu: leaks", relu, lambda g, out, x: (g * np.where(x > 0, 1, 1e-3),), normal(8)),
    Rule("abs: 3 at zero", np.abs, lambda g, out, x: (g * (np.sign(x) + 3.0 * (x == 0)),), holes(8)),
    Rule("clip: everywhere", unit, lambda g, out, x: (g * 1.0,), normal(6)),
    Rule("clip: below only", unit, lambda g, out, x: (g * (x <= 1),), normal(12)),
    # ties
    Rule("max: all to every tie", np.max, all_ties, normal(5)),
    Rule("max: all to every tie, given ties", np.max, all_ties, ties(7)),
    Rule("max: where it equals its output, off by 1e-7", np.max, lambda g, out, x: (g * (x == out) * (1 + 1e-7),),
         normal(5)),
    Rule("max of columns: all to every tie", np.max, row_ties, repeated, {"axis": 0}),
    Rule("min: the maximum's", np.min, lambda g, out, x: (g * (x == np.max(x)),), normal(5)),
    Rule("maximum: both at a tie", np.maximum, lambda g, out, x, y: (g * (x >= y), g * (y >= x)),
         tied_pair(6)),
    Rule("maximum: none at a tie", np.maximum, lambda g, out, x, y: (g * (x > y), g * (y > x)),
         tied_pair(6)),
    Rule("median: the upper middle", np.median, median_rule, normal(4)),
    Rule("logaddexp: NaN at a tie", np.logaddexp,
         lambda g, out, x, y: (g * np.exp(x - out) * ((x - y) / (x - y)), g * np.exp(y - out)),
         pair(ties(6), ties(6))),
    # sizes
    Rule("exp: wrong for size 1", np.exp, only_of_size(1), normal(3), {}, ((normal(1), {}),)),
    Rule("exp: wrong for size 1, 2-d", np.exp, only_of_size(1), normal(2, 2), {}, ((normal(1, 1), {}),)),
    Rule("exp: raises for size 0", np.exp, lambda g, out, x: (g * out * (x.max() ** 0),), normal(3), {},
         ((normal(0), {}),)),
    Rule("mean: not empty for the empty", lambda x: np.sum(x) / 3,
         lambda g, out, x: (np.full(max(np.size(x), 1), g / 3),), normal(3), {}, ((normal(0), {}),)),
    Rule("exp: forgotten for 0-d", np.exp, scalar_forgotten, normal(3), {}, ((normal(), {}),)),
    Rule("mean: wrong for one entry less", np.mean, zero_dimensional_mean, normal(1), {}, ((normal(2), {}),)),
    Rule("rfft: wrong for an odd number", np.fft.rfft, only_even, normal(6), {}, ((normal(5), {}),)),
    Rule("matmul: wrong beyond 8 columns", np.matmul, blocked_matmul, pair(normal(2, 3), normal(3, 8)), {},
         ((pair(normal(2, 3), normal(3, 10)), {}),)),
    Rule("matmul: wrong unless square", np.matmul,
         lambda g, out, x, y: (fit(g @ T(y) / g.shape[0] * g.shape[1], x), fit(T(x) @ g, y)),
         pair(normal(2, 2), normal(2, 2)), {}, ((pair(normal(2, 3), normal(3, 4)), {}),)),
    Rule("sum of rows: wrong for one row", lambda x: x.sum(axis=1),
         lambda g, out, x: (expand(g, x, 1) * (1 if len(x) > 1 else 3),), normal(3, 2), {}, ((normal(1, 2), {}),)),
    Rule("floor of x plus x: 2", lambda x: np.floor(x) + x, lambda g, out, x: (2 * g,), normal(5)),
]  # fmt: skip
