"""Right rules where finite differences are easily fooled: cancellation, saturation, kinks, edges, sizes, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import (
    Rule,
    T,
    between,
    cast,
    complexes,
    definite,
    expand,
    fit,
    holes,
    normal,
    of_reals,
    pair,
    positive,
    safe,
    scatter,
    share,
    single,
    spread,
    ties,
    unbroadcast,
    values,
    well_conditioned,
    wide,
)

KIND = "hostile"


def step(x: Any) -> Any:
    return (x > 0).astype(x.dtype)


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def product(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * y, x), unbroadcast(g * x, y)


def quotient(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g / y, x), unbroadcast(-g * out / y, y)


def matrix_product(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g @ T(y), x), unbroadcast(T(x) @ g, y)


def logaddexp_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * np.exp(x - out), x), unbroadcast(g * np.exp(y - out), y)


def fmod_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g, x), unbroadcast(-g * np.trunc(x / y), y)


def hypot_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * x / safe(out), x), unbroadcast(g * y / safe(out), y)


def distance_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * np.sign(x - y), x), unbroadcast(-g * np.sign(x - y), y)


def diff_rule(g: Any, out: Any, x: Any) -> Any:
    cotangent = np.zeros_like(x)
    cotangent[1:] += g
    cotangent[:-1] -= g
    return (cotangent,)


def tanh_slope(g: Any, out: Any, x: Any) -> Any:
    return (g * (1 - out * out),)


def std_rule(g: Any, out: Any, x: Any) -> Any:
    return (g * np.conj(x - x.mean()) / (x.size * safe(out)),)


def median_rule(g: Any, out: Any, x: Any) -> Any:
    return (scatter(g, x, int(np.argsort(x, kind="stable")[len(x) // 2])),)


def cumprod_rule(g: Any, out: Any, x: Any) -> Any:
    n = len(x)
    cotangent = np.zeros_like(x)
    for i in range(n):
        for j in range(i, n):
            cotangent[i] += g[j] * np.prod(np.delete(x[: j + 1], i))
    return (cotangent,)


def cummax_rule(g: Any, out: Any, x: Any) -> Any:
    """The place where each running maximum was first reached."""
    where = np.array([int(np.argmax(x[: i + 1])) for i in range(len(x))], int)
    return (scatter(g, x, where),)


def permutation_rule(g: Any, out: Any, x: Any) -> Any:
    return (scatter(g, x, np.array([2, 2, 0, 1, 2])),)


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def softmax_rule(g: Any, out: Any, x: Any) -> Any:
    return (out * (g - np.sum(g * out)),)


def power_rule(g: Any, out: Any, x: Any, *, p: float) -> Any:
    return (np.asarray(g * p * x ** (p - 1), x.dtype),)


def power(x: Any, *, p: float) -> Any:
    return x**p


def rfft_rule(g: Any, out: Any, x: Any) -> Any:
    padded = np.zeros(len(x), complex)
    padded[: len(g)] = g
    return (np.real(np.fft.fft(padded)),)


def det2(a: Any) -> Any:
    return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]


def det2_rule(g: Any, out: Any, a: Any) -> Any:
    return (g * np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]),)


def quadratic(x: Any, a: Any) -> Any:
    return x @ a @ x


RULES = [
    # forwards that cancel
    Rule("1 - cos(x), small", lambda x: 1 - np.cos(x), lambda g, out, x: (g * np.sin(x),), between(1e-5, 1e-3, 5)),
    Rule("exp(x) - 1, small", lambda x: np.exp(x) - 1, lambda g, out, x: (g * np.exp(x),), between(-1e-9, 1e-9, 5)),
    Rule("log(1 + x), small", lambda x: np.log(1 + x), lambda g, out, x: (g / (1 + x),), between(1e-12, 1e-8, 5)),
    Rule("x - sin(x)", lambda x: x - np.sin(x), lambda g, out, x: (g * (1 - np.cos(x)),), between(1e-3, 1, 5)),
    Rule("(x + 1e8) - 1e8", lambda x: (x + 1e8) - 1e8, lambda g, out, x: (g * 1.0,), normal(5)),
    Rule("sqrt(x**2 + 1) - 1", lambda x: np.sqrt(x * x + 1) - 1, lambda g, out, x: (g * x / np.sqrt(x * x + 1),),
         between(1e-4, 1e-2, 5)),
    Rule("std far from zero", np.std, std_rule, lambda rng: (1e6 + rng.standard_normal(6),)),
    Rule("var far from zero", np.var, lambda g, out, x: (2 * g * np.conj(x - x.mean()) / x.size,),
         lambda rng: (1e5 + rng.standard_normal(6),)),
    Rule("a determinant near zero", det2, det2_rule, values(np.array([[1.0, 2.0], [2.0, 4.0 + 1e-9]]))),
    Rule("differences of large numbers", np.diff, diff_rule, lambda rng: (1e9 + rng.standard_normal(6),)),
    Rule("tanh rule that cancels", np.tanh, tanh_slope, between(5, 18, 6)),
    # saturation
    Rule("tanh, further saturated", np.tanh, tanh_slope,
         lambda rng: (rng.choice([-1, 1], 6) * rng.uniform(12, 30, 6),)),
    Rule("exp, nearly zero", np.exp, lambda g, out, x: (g * out,), between(-700, -300, 4)),
    Rule("exp, nearly too large", np.exp, lambda g, out, x: (g * out,), between(500, 700, 4)),
    Rule("softmax by hand, saturated", softmax, softmax_rule, between(-40, 40, 5)),
    Rule("arctan, far out", np.arctan, lambda g, out, x: (g / (1 + x * x),), between(1e3, 1e6, 4)),
    Rule("x / (1 + |x|), far out", of_reals(lambda x: x / (1 + np.abs(x))),
         lambda g, out, x: (g / (1 + np.abs(x)) ** 2,), wide(6)),
    Rule("logaddexp, far apart", np.logaddexp, logaddexp_rule,
         pair(between(-30, 30, 5), between(-30, 30, 5))),
    # kinks and jumps
    Rule("relu, 1 at zero", relu, lambda g, out, x: (g * (x >= 0).astype(x.dtype),), holes(8)),
    Rule("relu, half at zero", relu, lambda g, out, x: (g * (step(x) + (x == 0) / 2).astype(x.dtype),), holes(8)),
    Rule("relu of a leak", lambda x: np.where(x > 0, x, 0.01 * x),
         lambda g, out, x: (g * np.where(x > 0, 1.0, 0.01),),
         holes(8)),
    Rule("min, ties shared", np.min, share, ties(7)),
    Rule("max of columns, ties shared", np.max, lambda g, out, x, axis: share(g, out, x, axis), ties(4, 3),
         {"axis": 0}),
    Rule("max, the first of ties", np.max,
         lambda g, out, x: (scatter(g, x.ravel(), int(np.argmax(x))).reshape(x.shape),),
         ties(7)),
    Rule("median of an odd number", np.median, median_rule, normal(5)),
    Rule("median of an odd number, ties", np.median, median_rule, ties(5)),
    Rule("running maximum", np.maximum.accumulate, cummax_rule, normal(6)),
    Rule("clip at its bounds", lambda x: np.clip(x, -1.0, 1.0), lambda g, out, x: (g * ((x >= -1) & (x <= 1)),),
         values([-1.0, 1.0, 0.5, 2.0, -3.0])),
    Rule("floor and slope", lambda x: np.floor(x) + x, lambda g, out, x: (g * 1.0,), normal(5)),
    Rule("fmod", np.fmod, fmod_rule,
         pair(between(5, 9, 4), between(1, 2, 4))),
    Rule("norm of a vector and zero", np.hypot, hypot_rule,
         pair(holes(8), holes(8))),
    Rule("abs of a difference with ties", of_reals(lambda x, y: np.abs(x - y)),
         distance_rule, pair(ties(6), ties(6))),
    # edges of the domain
    Rule("sqrt near zero", np.sqrt, lambda g, out, x: (g / (2 * out),), between(1e-12, 1e-8, 4)),
    Rule("x**1.5 at zero", power, power_rule, values([0.0, 1.0, 2.0]), {"p": 1.5}),
    Rule("x**2 at zero", power, power_rule, holes(6), {"p": 2}),
    Rule("log near zero", np.log, lambda g, out, x: (g / x,), between(1e-300, 1e-290, 3)),
    Rule("arcsin near one", np.arcsin, lambda g, out, x: (g / np.sqrt((1 - x) * (1 + x)),),
         between(0.999, 0.99999, 4)),
    Rule("arccosh near one", np.arccosh, lambda g, out, x: (g / np.sqrt((x - 1) * (x + 1)),),
         between(1.0001, 1.01, 4)),
    Rule("arctanh near one", np.arctanh, lambda g, out, x: (g / ((1 - x) * (1 + x)),), between(0.99, 0.9999, 4)),
    Rule("reciprocal of the smallest", np.reciprocal, lambda g, out, x: (-g * out * out,), between(1e-100, 1e-90, 3)),
    Rule("inv, nearly singular", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),),
         values(np.array([[1.0, 2.0], [2.0, 4.0001]]))),
    # sizes
    Rule("product, 1e-8 to 1e8", np.multiply, product, pair(wide(3, 4), wide(4))),
    Rule("quotient, 1e-8 to 1e8", np.divide, quotient, pair(wide(5), wide(5))),
    Rule("matrix product, 1e-8 to 1e8", np.matmul, matrix_product, pair(wide(3, 4), wide(4, 2))),
    Rule("sum of squares, 1e-8 to 1e8", lambda x: np.sum(x * x), lambda g, out, x: (2 * g * x,), wide(6)),
    Rule("logs of 1e-8 to 1e8", lambda x: np.sum(np.log(x)), lambda g, out, x: (g / x,), spread(8)),
    Rule("a tiny slope", lambda x: 1e-12 * x, lambda g, out, x: (1e-12 * g,), normal(4)),
    Rule("a huge slope", lambda x: 1e12 * x, lambda g, out, x: (1e12 * g,), normal(4)),
    Rule("a constant", lambda x: x * 0 + 1, lambda g, out, x: (np.zeros_like(x),), normal(4)),
    Rule("a large sum", np.sum, lambda g, out, x: (expand(g, x, None),), normal(2000)),
    Rule("a large matrix product", np.matmul, matrix_product, pair(normal(20, 15), normal(15, 10))),
    Rule("cumulative product with zeros", np.cumprod, cumprod_rule, holes(5)),
    Rule("cumulative product, 0-filled", np.cumprod, cumprod_rule, values(np.zeros(3))),
    # shapes
    Rule("product of empty arrays", np.multiply, product, pair(normal(0, 3), normal(3))),
    Rule("sum of nothing", np.sum, lambda g, out, x: (expand(g, x, None),), normal(0)),
    Rule("matrix product of nothing", np.matmul, matrix_product, pair(normal(2, 0), normal(0, 3))),
    Rule("one entry", np.sum, lambda g, out, x: (expand(g, x, None),), normal(1, 1, 1)),
    Rule("a scalar and a matrix", np.multiply, product, pair(normal(), normal(2, 3))),
    Rule("many axes", lambda x: x.sum(axis=(0, 2)), lambda g, out, x: (np.broadcast_to(g[None, :, None], x.shape),),
         normal(2, 3, 2)),
    Rule("duplicate places", lambda x: x[np.array([2, 2, 0, 1, 2])], permutation_rule, normal(4)),
    Rule("three times a Python float", lambda x: 3 * x, lambda g, out, x: (3 * g,),
         lambda rng: (float(rng.standard_normal()),)),
    # dtypes
    Rule("product, float32", np.multiply, product, single(pair(normal(3, 4), normal(4)))),
    Rule("product, float32 and float64", np.multiply, product, pair(single(normal(3)), normal(3))),
    Rule("product, float16", np.multiply, product, cast(np.float16, pair(normal(3), normal(3)))),
    Rule("product, complex64", np.multiply, product, single(pair(complexes(3), complexes(3)))),
    Rule("product, real and complex64", np.multiply, product, single(pair(normal(3), complexes(3)))),
    Rule("matrix product, float32", np.matmul, matrix_product, single(pair(normal(3, 4), normal(4, 2)))),
    Rule("inv, float32", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),), single(well_conditioned(3))),
    Rule("tanh, saturated, float32", np.tanh, tanh_slope, single(between(-8, 8, 6))),
    Rule("softmax, float32", softmax, softmax_rule, single(normal(5))),
    Rule("logs, float32, 1e-8 to 1e8", np.log, lambda g, out, x: (g / x,), single(spread(6))),
    Rule("product with integers", lambda x, n: x * n, lambda g, out, x, n: (unbroadcast(g * n, x), None),
         lambda rng: (rng.standard_normal(4), np.arange(4))),
    Rule("gather by integers", lambda x, n: x[n], lambda g, out, x, n: (scatter(g, x, n), None),
         lambda rng: (rng.standard_normal(4), np.array([1, 3, 3]))),
    Rule("choose by truth values", lambda c, x: np.where(c, x, -x),
         lambda g, out, c, x: (None, unbroadcast(np.where(c, g, -g), x)),
         lambda rng: (rng.random(5) < 0.5, rng.standard_normal(5))),
    # complex numbers
    Rule("matrix inverse, complex", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(out),),
         lambda rng: (well_conditioned(3)(rng)[0] + 1j * rng.standard_normal((3, 3)),)),
    Rule("vdot", np.vdot, lambda g, out, x, y: (np.conj(g * y), g * np.conj(x)), pair(complexes(3), complexes(3))),
    Rule("abs, complex with zeros", np.abs, lambda g, out, x: (g * np.conj(x) / safe(out),),
         lambda rng: (complexes(6)(rng)[0] * (rng.random(6) < 0.6),)),
    Rule("abs squared, complex", lambda x: (x * np.conj(x)).real, lambda g, out, x: (2 * g * np.conj(x),),
         complexes(4)),
    Rule("angle", np.angle, lambda g, out, x: (-1j * g / x,), complexes(4)),
    Rule("rfft, even", np.fft.rfft, rfft_rule, normal(6)),
    Rule("rfft, odd", np.fft.rfft, rfft_rule, normal(5)),
    Rule("sqrt, complex", np.sqrt, lambda g, out, x: (g / (2 * out),), complexes(4)),
    # two modes, two outputs, quadratic forms
    Rule("sin, both modes", np.sin, lambda g, out, x: (g * np.cos(x),), normal(4),
         jvp=lambda t, out, x: t[0] * np.cos(x)),
    Rule("product, both modes", np.multiply, product, pair(normal(2, 3), normal(3)),
         jvp=lambda t, out, x, y: t[0] * y + x * t[1]),
    Rule("tanh, both modes, saturated", np.tanh, tanh_slope, between(3, 18, 6),
         jvp=lambda t, out, x: t[0] * (1 - out * out)),
    Rule("matrix product, both modes", np.matmul, matrix_product, pair(normal(2, 3), normal(3, 2)),
         jvp=lambda t, out, x, y: t[0] @ y + x @ t[1]),
    Rule("a quadratic form", quadratic, lambda g, out, x, a: (fit(g * ((a + a.T) @ x), x), fit(g * np.outer(x, x), a)),
         pair(normal(3), definite(3))),
    Rule("sine and cosine", lambda x: (np.sin(x), np.cos(x)), lambda g, out, x: (g[0] * out[1] - g[1] * out[0],),
         positive(4)),
]  # fmt: skip
