"""Right rules of SciPy's functions: computed in float64 alone, by code that refuses extended precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy import special

from mutants._rule import (
    Rule,
    T,
    between,
    expand,
    fit,
    inside,
    normal,
    of_reals,
    pair,
    positive,
    safe,
    single,
    triangular,
    unbroadcast,
)

KIND = "SciPy"

ROOT_PI = np.sqrt(np.pi)


def logsumexp(x: Any, *, axis: int | None = None) -> Any:
    return special.logsumexp(x, axis=axis)


def logsumexp_rule(g: Any, out: Any, x: Any, axis: int | None = None) -> Any:
    return (expand(g, x, axis) * np.exp(x - (out if axis is None else np.expand_dims(out, axis))),)


def softmax_rule(g: Any, out: Any, x: Any) -> Any:
    return (out * (g - np.sum(g * out)),)


def log_softmax_rule(g: Any, out: Any, x: Any) -> Any:
    return (g - np.exp(out) * np.sum(g),)


def betaln_rule(g: Any, out: Any, a: Any, b: Any) -> Any:
    total = special.digamma(a + b)
    return unbroadcast(g * (special.digamma(a) - total), a), unbroadcast(g * (special.digamma(b) - total), b)


def expm_rule(g: Any, out: Any, a: Any) -> Any:
    return (scipy.linalg.expm_frechet(T(a), g, compute_expm=False),)


def solve_triangular(a: Any, b: Any, *, lower: bool = False) -> Any:
    return scipy.linalg.solve_triangular(a, b, lower=lower)


def solve_triangular_rule(g: Any, out: Any, a: Any, b: Any, lower: bool = False) -> Any:
    half = np.tril if lower else np.triu
    gb = scipy.linalg.solve_triangular(half(a), g, lower=lower, trans=1)
    return fit(half(-np.outer(gb, out)), a), fit(gb, b)


def xlogy_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * np.log(y), x), unbroadcast(np.where(x == 0, 0, g * x / safe(y)), y)


def rel_entr_rule(g: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(g * (np.log(x / y) + 1), x), unbroadcast(np.where(x == 0, 0, -g * x / safe(y)), y)


def ellipk_rule(g: Any, out: Any, m: Any) -> Any:
    slope = (special.ellipe(m) / (1 - m) - out) / (2 * safe(m))
    return (g * np.where(m == 0, np.pi / 8, slope),)


def erf_slope(x: Any) -> Any:
    return np.exp(-x * x) * (2 / ROOT_PI)


def narrow(forward: Any) -> Any:
    """A rule whose factors are float64 constants, held to the dtype of its argument."""
    return lambda g, out, x: (np.asarray(g * forward(x), x.dtype),)


RULES = [
    Rule("erf", special.erf, narrow(erf_slope), normal(4)),
    Rule("erf, saturated", special.erf, narrow(erf_slope), between(3, 8, 6)),
    Rule("erf, float32", special.erf, narrow(erf_slope), single(normal(5))),
    Rule("erfc", special.erfc, narrow(lambda x: -erf_slope(x)), normal(4)),
    Rule("erfc, its tail", special.erfc, narrow(lambda x: -erf_slope(x)), between(2, 10, 4)),
    Rule("gammaln", special.gammaln, lambda g, out, x: (g * special.digamma(x),), positive(4)),
    Rule("gammaln, large", special.gammaln, lambda g, out, x: (g * special.digamma(x),), between(1e2, 1e6, 4)),
    Rule("gamma", special.gamma, lambda g, out, x: (g * out * special.digamma(x),), positive(4)),
    Rule("digamma", of_reals(special.digamma), lambda g, out, x: (g * special.polygamma(1, x),), positive(4)),
    Rule("expit", special.expit, lambda g, out, x: (g * out * (1 - out),), normal(4)),
    Rule("expit, saturated", special.expit, lambda g, out, x: (g * out * special.expit(-x),), between(-45, 45, 8)),
    Rule("expit, saturated, by its output", special.expit, lambda g, out, x: (g * out * (1 - out),),
         between(-40, 40, 8)),
    Rule("expit, float32", special.expit, lambda g, out, x: (g * out * (1 - out),), single(normal(5))),
    Rule("logit", special.logit, lambda g, out, x: (g / (x * (1 - x)),), between(0.01, 0.99, 4)),
    Rule("log_ndtr", special.log_ndtr,
         lambda g, out, x: (g * np.exp(-x * x / 2 - out) / np.sqrt(2 * np.pi),), normal(4)),
    Rule("ndtr", special.ndtr, lambda g, out, x: (g * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),), normal(4)),
    Rule("j0", special.j0, lambda g, out, x: (-g * special.j1(x),), normal(4)),
    Rule("j1", special.j1, lambda g, out, x: (g * (special.j0(x) - special.jv(2, x)) / 2,), positive(4)),
    Rule("i0", special.i0, lambda g, out, x: (g * special.i1(x),), normal(4)),
    Rule("entr", special.entr, lambda g, out, x: (g * (-np.log(x) - 1),), positive(4)),
    Rule("ellipk", special.ellipk, ellipk_rule, between(0.1, 0.9, 4)),
    Rule("xlogy", special.xlogy, xlogy_rule, pair(normal(4), positive(4))),
    Rule("rel_entr", special.rel_entr, rel_entr_rule, pair(positive(3), positive(3))),
    Rule("betaln", special.betaln,
         betaln_rule, pair(positive(3), positive(3))),
    Rule("logsumexp", logsumexp, logsumexp_rule, normal(5)),
    Rule("logsumexp of rows", logsumexp, logsumexp_rule, normal(2, 3), {"axis": 1}),
    Rule("logsumexp, large", logsumexp, logsumexp_rule, between(-800, 800, 5)),
    Rule("softmax", special.softmax, softmax_rule, normal(5)),
    Rule("softmax, saturated", special.softmax, softmax_rule, between(-30, 30, 5)),
    Rule("log_softmax", special.log_softmax, log_softmax_rule, normal(5)),
    Rule("log_softmax, saturated", special.log_softmax, log_softmax_rule, between(-50, 50, 5)),
    Rule("expm", scipy.linalg.expm, expm_rule, normal(3, 3)),
    Rule("solve_triangular, lower", solve_triangular, solve_triangular_rule, pair(triangular(3), normal(3)),
         {"lower": True}),
    Rule("solve_triangular, upper", solve_triangular, solve_triangular_rule,
         pair(lambda rng: (triangular(3)(rng)[0].T.copy(),), normal(3))),
    Rule("sinc", np.sinc,
         lambda g, out, x: (g * np.where(x == 0, 0, (np.cos(np.pi * x) - out) / np.where(x == 0, 1, x)),),
         inside(5)),
]  # fmt: skip
