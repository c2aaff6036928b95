"""The wrong formula: a sign, a factor, a term, an operand."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy import special

from mutants._rule import (
    Rule,
    T,
    between,
    definite,
    expand,
    inside,
    normal,
    pair,
    positive,
    prod_rule,
    symmetric,
    triangular,
    unbroadcast,
    well_conditioned,
)

KIND = "formula"


def logsumexp(x: Any) -> Any:
    return np.log(np.sum(np.exp(x)))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def cholesky(a: Any) -> Any:
    """Of the symmetric part."""
    return np.linalg.cholesky((a + a.T) / 2)


def half_cholesky(g: Any, out: Any, a: Any) -> Any:
    """Without the halves on the diagonal."""
    p, inverse = np.tril(out.T @ g), np.linalg.inv(out)
    s = inverse.T @ p @ inverse
    return ((s + s.T) / 2,)


def eigenvalues(a: Any) -> Any:
    return np.linalg.eigvalsh((a + a.T) / 2)


def rows_for_columns(g: Any, out: Any, a: Any) -> Any:
    """The eigenvectors are the columns, not the rows."""
    v = np.linalg.eigh((a + a.T) / 2)[1]
    return (v.T @ (g[:, None] * v),)


def trapezoid(y: Any) -> Any:
    return np.trapezoid(y)


def polynomial(c: Any, x: Any) -> Any:
    return np.polyval(c, x)


def shifted_powers(g: Any, out: Any, c: Any, x: Any) -> Any:
    n = len(c)
    return (
        np.array([np.sum(g * x ** (n - k)) for k in range(n)]),
        g * np.polyval(np.polyder(c), x),
    )


def second_difference(g: Any, out: Any, x: Any) -> Any:
    """Minus the transpose."""
    result = np.zeros_like(x)
    result[:-1] += g
    result[1:] -= g
    return (result,)


RULES = [
    # one argument
    Rule("cos: sign", np.cos, lambda g, out, x: (g * np.sin(x),), normal(4)),
    Rule("square: factor 2", np.square, lambda g, out, x: (g * x,), normal(4)),
    Rule("exp: the argument for the output", np.exp, lambda g, out, x: (g * x,), normal(4)),
    Rule("exp2: log(2) forgotten", np.exp2, lambda g, out, x: (g * out,), normal(4)),
    Rule("expm1: the output", np.expm1, lambda g, out, x: (g * out,), normal(4)),
    Rule("log10: log(10) forgotten", np.log10, lambda g, out, x: (g / x,), positive(4)),
    Rule("log1p: 1 forgotten", np.log1p, lambda g, out, x: (g / x,), positive(4)),
    Rule("sqrt: half forgotten", np.sqrt, lambda g, out, x: (g / out,), positive(4)),
    Rule("cbrt: one power of the output", np.cbrt, lambda g, out, x: (g / (3 * out),), positive(4)),
    Rule("tan: the argument squared", np.tan, lambda g, out, x: (g * (1 + x * x),), inside(4)),
    Rule("tanh: one power of the output", np.tanh, lambda g, out, x: (g * (1 - out),), normal(4)),
    Rule("sinh: cosh with a sign", np.sinh, lambda g, out, x: (-g * np.cosh(x),), normal(4)),
    Rule("cosh: sign, as for cos", np.cosh, lambda g, out, x: (-g * np.sinh(x),), normal(4)),
    Rule("arcsin: the root forgotten", np.arcsin, lambda g, out, x: (g / (1 - x * x),), inside(4)),
    Rule("arccos: sign", np.arccos, lambda g, out, x: (g / np.sqrt(1 - x * x),), inside(4)),
    Rule("arctan: minus for plus", np.arctan, lambda g, out, x: (g / (1 - x * x),), inside(4)),
    Rule("arctanh: plus for minus", np.arctanh, lambda g, out, x: (g / (1 + x * x),), inside(4)),
    Rule("arccosh: plus for minus", np.arccosh, lambda g, out, x: (g / np.sqrt(x * x + 1),), between(1.5, 4, 4)),
    Rule("reciprocal: one power", np.reciprocal, lambda g, out, x: (-g * out,), positive(4)),
    Rule("sinc: pi forgotten", np.sinc, lambda g, out, x: (g * (np.cos(x) - out) / x,), positive(4)),
    # special functions
    Rule("erf: the exponent's sign", special.erf, lambda g, out, x: (g * 2 / np.sqrt(np.pi) * np.exp(x * x),),
         normal(4)),
    Rule("erfc: sign", special.erfc, lambda g, out, x: (g * 2 / np.sqrt(np.pi) * np.exp(-x * x),), normal(4)),
    Rule("gammaln: log for digamma", special.gammaln, lambda g, out, x: (g * np.log(x),), positive(4)),
    Rule("gamma: the output forgotten", special.gamma, lambda g, out, x: (g * special.digamma(x),), positive(4)),
    Rule("digamma: sign", special.digamma, lambda g, out, x: (-g * special.polygamma(1, x),), positive(4)),
    Rule("expit: the argument", special.expit, lambda g, out, x: (g * out * (1 - x),), normal(4)),
    Rule("logit: sign", special.logit, lambda g, out, x: (-g / (x * (1 - x)),), between(0.1, 0.9, 4)),
    Rule("j0: sign", special.j0, lambda g, out, x: (g * special.j1(x),), normal(4)),
    Rule("j1: the second term forgotten", special.j1, lambda g, out, x: (g * special.j0(x),), positive(4)),
    Rule("i0: sign, as for j0", special.i0, lambda g, out, x: (-g * special.i1(x),), normal(4)),
    Rule("entr: 1 forgotten", special.entr, lambda g, out, x: (-g * np.log(x),), positive(4)),
    Rule("ellipk: half forgotten", special.ellipk,
         lambda g, out, m: (g * (special.ellipe(m) / (1 - m) - out) / m,), between(0.1, 0.9, 4)),
    Rule("log_ndtr: the tail's rule", special.log_ndtr, lambda g, out, x: (-g * x,), normal(4)),
    Rule("xlogy: the operands exchanged", special.xlogy, lambda g, out, x, y: (g * np.log(x), g * y / x),
         pair(positive(4), positive(4))),
    Rule("betaln: digamma of the sum forgotten", special.betaln,
         lambda g, out, a, b: (g * special.digamma(a), g * special.digamma(b)), pair(positive(3), positive(3))),
    Rule("rel_entr: 1 forgotten", special.rel_entr, lambda g, out, x, y: (g * np.log(x / y), -g * x / y),
         pair(positive(3), positive(3))),
    # two arguments
    Rule("multiply: operands exchanged", np.multiply, lambda g, out, x, y: (g * x, g * y),
         pair(normal(3), normal(3))),
    Rule("multiply: zero for the second", np.multiply, lambda g, out, x, y: (g * y, np.zeros_like(y)),
         pair(normal(3), normal(3))),
    Rule("subtract: plus", np.subtract, lambda g, out, x, y: (g * 1.0, g * 1.0), pair(normal(3), normal(3))),
    Rule("divide: sign", np.divide, lambda g, out, x, y: (g / y, g * out / y), pair(normal(3), positive(3))),
    Rule("divide: one power", np.divide, lambda g, out, x, y: (g / y, -g * out), pair(normal(3), positive(3))),
    Rule("power: the exponent not lowered", np.power, lambda g, out, x, y: (g * y * out, g * out * np.log(x)),
         pair(positive(3), normal(3))),
    Rule("power: log of the exponent", np.power, lambda g, out, x, y: (g * y * out / x, g * out * np.log(y)),
         pair(positive(3), positive(3))),
    Rule("arctan2: operands exchanged", np.arctan2,
         lambda g, out, y, x: (-g * y / (x * x + y * y), g * x / (x * x + y * y)), pair(normal(4), normal(4))),
    Rule("hypot: not divided", np.hypot, lambda g, out, x, y: (g * x, g * y), pair(normal(4), normal(4))),
    Rule("logaddexp: operands exchanged", np.logaddexp,
         lambda g, out, x, y: (g * np.exp(y - out), g * np.exp(x - out)),
         pair(normal(4), normal(4))),
    Rule("logaddexp2: log(2) too much", np.logaddexp2,
         lambda g, out, x, y: (g * 2 ** (x - out) * np.log(2), g * 2 ** (y - out)), pair(normal(4), normal(4))),
    Rule("fmod: the divisor's sign", np.fmod, lambda g, out, x, y: (g * 1.0, g * np.trunc(x / y)),
         pair(between(5, 9, 4), between(1, 2, 4))),
    # reductions
    Rule("mean: its factor", np.mean, lambda g, out, x: (expand(g, x, None),), normal(5)),
    Rule("var: the mean not taken off", np.var, lambda g, out, x: (2 * g * x / x.size,), normal(5)),
    Rule("std: as var", np.std, lambda g, out, x: (2 * g * (x - x.mean()) / x.size,), normal(5)),
    Rule("prod: one factor's sign lost", np.prod, lambda g, out, x: prod_rule(g, out, np.abs(x)), normal(4)),
    Rule("norm: not divided", np.linalg.norm, lambda g, out, x: (g * x,), normal(5)),
    Rule("cumsum: not reversed", np.cumsum, lambda g, out, x: (np.cumsum(g),), normal(5)),
    Rule("cumprod: the reversed sum forgotten", np.cumprod, lambda g, out, x: (g * out / x,), positive(5)),
    Rule("logsumexp: g forgotten", logsumexp, lambda g, out, x: (np.exp(x - out),), normal(4)),
    Rule("softmax: the sum forgotten", softmax, lambda g, out, x: (g * out * (1 - out),), normal(4)),
    Rule("diff: sign", np.diff, second_difference, normal(5)),
    Rule("trapezoid: ends as the others", trapezoid, lambda g, out, y: (np.full(y.shape, g),), normal(5)),
    Rule("polyval: powers shifted", polynomial, shifted_powers, pair(normal(3), normal(4))),
    # products
    Rule("dot: operands exchanged", np.dot, lambda g, out, x, y: (g * x, g * y), pair(normal(4), normal(4))),
    Rule("matmul: not transposed", np.matmul, lambda g, out, x, y: (g @ y, T(x) @ g),
         pair(normal(3, 3), normal(3, 3))),
    Rule("matmul: the other side", np.matmul, lambda g, out, x, y: (T(y) @ g, g @ T(x)),
         pair(normal(3, 3), normal(3, 3))),
    Rule("outer: operands exchanged", np.outer, lambda g, out, x, y: (T(g) @ y, g @ x), pair(normal(3), normal(3))),
    Rule("cross: the order", np.cross, lambda g, out, x, y: (np.cross(g, y), np.cross(x, g)),
         pair(normal(3), normal(3))),
    Rule("convolve: not flipped", lambda x, y: np.convolve(x, y),
         lambda g, out, x, y: (np.convolve(g, y, "valid"), np.correlate(g, x, "valid")), pair(normal(5), normal(3))),
    Rule("einsum: a diagonal spread", lambda a: np.einsum("ii->", a), lambda g, out, a: (np.full(a.shape, g),),
         normal(3, 3)),
    # matrices
    Rule("trace: everywhere", np.trace, lambda g, out, a: (np.full(a.shape, g),), normal(3, 3)),
    Rule("inv: sign", np.linalg.inv, lambda g, out, a: (T(out) @ g @ T(out),), well_conditioned(3)),
    Rule("inv: not transposed", np.linalg.inv, lambda g, out, a: (-out @ g @ out,), well_conditioned(3)),
    Rule("det: not transposed", np.linalg.det, lambda g, out, a: (g * out * np.linalg.inv(a),), well_conditioned(3)),
    Rule("slogdet: times det", lambda a: np.linalg.slogdet(a)[1],
         lambda g, out, a: (g * np.linalg.det(a) * T(np.linalg.inv(a)),), well_conditioned(3)),
    Rule("solve: sign", np.linalg.solve,
         lambda g, out, a, b: (np.outer(np.linalg.solve(T(a), g), out), np.linalg.solve(T(a), g)),
         pair(well_conditioned(3), normal(3))),
    Rule("solve: not transposed", np.linalg.solve,
         lambda g, out, a, b: (-np.outer(np.linalg.solve(a, g), out), np.linalg.solve(a, g)),
         pair(well_conditioned(3), normal(3))),
    Rule("cholesky: halves forgotten", cholesky, half_cholesky, definite(3)),
    Rule("cholesky: not symmetric", cholesky,
         lambda g, out, a: (np.tril(np.linalg.inv(out).T @ np.tril(out.T @ g) @ np.linalg.inv(out)),), definite(3)),
    Rule("eigvalsh: rows for columns", eigenvalues, rows_for_columns, symmetric(3)),
    Rule("expm: as if all commuted", scipy.linalg.expm, lambda g, out, a: (g @ T(out),), normal(3, 3)),
    Rule("solve_triangular: the other triangle too", lambda a, b: scipy.linalg.solve_triangular(a, b, lower=True),
         lambda g, out, a, b: (-np.outer(np.linalg.solve(T(np.tril(a)), g), out), np.linalg.solve(T(np.tril(a)), g)),
         pair(triangular(3), normal(3))),
    Rule("bilinear: one term's transpose", lambda x, a: x @ a @ x,
         lambda g, out, x, a: (2 * g * (a @ x), g * np.outer(x, x)),
         pair(normal(3), normal(3, 3))),
    Rule("fft of real: the phase's sign", np.fft.fft,
         lambda g, out, x: (np.real(np.fft.ifft(g) * len(x)).astype(x.dtype),), normal(5)),
    Rule("affine: the bias summed twice", lambda x, w, b: x @ w + b,
         lambda g, out, x, w, b: (g @ T(w), T(x) @ g, 2 * unbroadcast(g, b)),
         lambda rng: (rng.standard_normal((2, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2))),
]  # fmt: skip
