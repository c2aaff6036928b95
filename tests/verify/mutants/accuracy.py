"""Nearly right: a constant to too few digits, single precision inside, one entry of many, slopes beside nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from mutants._rule import Rule, T, between, cast, expand, normal, pair, positive, well_conditioned, wide

KIND = "accuracy"


def one_entry(slope: Any, relative: float) -> Any:
    """The rule of an elementwise function, its last entry off by a relative error."""

    def rule(g: Any, out: Any, x: Any) -> Any:
        result = np.array(g * slope(x))
        result.reshape(-1)[-1] *= 1 + relative
        return (result,)

    return rule


def single_precision(g: Any, out: Any, x: Any) -> Any:
    return ((g.astype(np.float32) * out.astype(np.float32)).astype(x.dtype),)


def single_precision_slope(g: Any, out: Any, x: Any) -> Any:
    return ((g * np.cos(x.astype(np.float32))).astype(x.dtype),)


def single_precision_product(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g @ T(y), (T(x).astype(np.float32) @ g.astype(np.float32)).astype(y.dtype)


def by_differences(g: Any, out: Any, x: Any) -> Any:
    return (g * (np.sin(x + 1e-6) - np.sin(x)) / 1e-6,)


def one_of_the_product(g: Any, out: Any, x: Any, y: Any) -> Any:
    second = T(x) @ g
    second[-1, -1] *= 1 + 1e-9
    return g @ T(y), second


def last_of_the_sum(g: Any, out: Any, x: Any) -> Any:
    result = np.full(x.shape, g / x.size)
    result[-1] = 0
    return (result,)


def shrinks_with_size(g: Any, out: Any, x: Any) -> Any:
    """An error that a tolerance multiplied by the size hides."""
    return (np.full(x.shape, g / x.size) * (1 + 1e-3 / x.size),)


def low_precision(forward: Any, rule: Any) -> Any:
    """Off by 1e-4 for float32, right for float64."""

    def off(g: Any, out: Any, *args: Any, **kwargs: Any) -> Any:
        factor = np.float32(1 + 1e-4) if args[0].dtype == np.float32 else 1
        return tuple(np.asarray(r * factor, r.dtype) for r in rule(g, out, *args, **kwargs))

    return off


RULES = [
    Rule("exp: 1e-9", np.exp, lambda g, out, x: (g * out * (1 + 1e-9),), normal(4)),
    Rule("sin: 1e-10", np.sin, lambda g, out, x: (g * np.cos(x) * (1 + 1e-10),), normal(4)),
    Rule("sum: 1e-10", np.sum, lambda g, out, x: (expand(g * (1 + 1e-10), x, None),), normal(3, 4)),
    Rule("multiply: 1e-10 in the second argument", np.multiply, lambda g, out, x, y: (g * y, g * x * (1 + 1e-10)),
         pair(normal(3), normal(3))),
    Rule("matmul: 1e-10", np.matmul, lambda g, out, x, y: (g @ T(y) * (1 + 1e-10), T(x) @ g),
         pair(normal(3, 4), normal(4, 2))),
    Rule("reciprocal: 1e-10, sizes from 1e-8 to 1e8", np.reciprocal,
         lambda g, out, x: (-g * out * out * (1 + 1e-10),), wide(6)),
    Rule("inv: 1e-7", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out) * (1 + 1e-7),), well_conditioned(3)),
    Rule("exp: one entry by 1e-9", np.exp, one_entry(np.exp, 1e-9), normal(3, 4)),
    Rule("log: one entry by 1e-9", np.log, one_entry(lambda x: 1 / x, 1e-9), positive(8)),
    Rule("exp: one entry of 900", np.exp, one_entry(np.exp, 1e-6), normal(30, 30)),
    Rule("sin: one entry of 4096 by 1e-8", np.sin, one_entry(np.cos, 1e-8), normal(4096)),
    Rule("matmul: one entry by 1e-9", np.matmul, one_of_the_product, pair(normal(3, 4), normal(4, 2))),
    Rule("matmul: one entry of a large array lost", np.matmul,
         lambda g, out, x, y: (g @ T(y), T(x) @ g * (np.arange(72).reshape(8, 9) != 5)),
         pair(normal(9, 8), normal(8, 9))),
    Rule("mean: the last of 1000 forgotten", np.mean, last_of_the_sum, normal(1000)),
    Rule("mean: an error that shrinks with the size", np.mean, shrinks_with_size, normal(60)),
    Rule("1e-6 x: zero", lambda x: 1e-6 * x, lambda g, out, x: (np.zeros_like(x),), normal(4)),
    Rule("1e-12 x: zero", lambda x: 1e-12 * x, lambda g, out, x: (np.zeros_like(x),), normal(4)),
    Rule("1e12 x: off by 1000", lambda x: 1e12 * x, lambda g, out, x: ((1e12 + 1000) * g,), normal(4)),
    Rule("x + 1e-9 x**2: the second term lost", lambda x: x + 1e-9 * x * x, lambda g, out, x: (g * 1.0,), normal(4)),
    Rule("1: not quite constant", lambda x: x * 0 + 1, lambda g, out, x: (g * 1e-12,), normal(4)),
    Rule("exp: single precision inside", np.exp, single_precision, normal(4)),
    Rule("sin: single precision slope", np.sin, single_precision_slope, normal(4)),
    Rule("matmul: single precision in one of two", np.matmul, single_precision_product,
         pair(normal(3, 4), normal(4, 2))),
    Rule("exp: half precision inside", np.exp, lambda g, out, x: (g * out.astype(np.float16).astype(x.dtype),),
         normal(4)),
    Rule("x / 3: a single precision constant", lambda x: x / 3,
         lambda g, out, x: (g * np.float64(np.float32(1 / 3)),),
         normal(4)),
    Rule("deg2rad: pi to nine digits", np.deg2rad, lambda g, out, x: (g * (3.14159265 / 180),), normal(4)),
    Rule("log2: log(2) to eight digits", np.log2, lambda g, out, x: (g / (x * 0.69314718),), positive(4)),
    Rule("erf: 2 / sqrt(pi) to nine digits", special.erf, lambda g, out, x: (g * 1.12837917 * np.exp(-x * x),),
         normal(4)),
    Rule("sin: by differences of its own", np.sin, by_differences, normal(4)),
    Rule("exp: float32 off by 1e-4", np.exp, low_precision(np.exp, lambda g, out, x: (g * out,)),
         cast(np.float32, normal(4))),
    Rule("multiply: float32 off by 1e-4", np.multiply,
         low_precision(np.multiply, lambda g, out, x, y: (g * y, g * x)),
         cast(np.float32, pair(normal(3), normal(3)))),
    Rule("matmul: float32 off by 1e-4", np.matmul,
         low_precision(np.matmul, lambda g, out, x, y: (g @ T(y), T(x) @ g)),
         cast(np.float32, pair(normal(2, 3), normal(3, 2)))),
    Rule("log: float32 off by 1e-4, given float64", np.log, low_precision(np.log, lambda g, out, x: (g / x,)),
         positive(4)),
    Rule("tanh: float32 off by 1e-4", np.tanh, low_precision(np.tanh, lambda g, out, x: (g * (1 - out * out),)),
         cast(np.float32, between(-1, 1, 4))),
]  # fmt: skip
