"""Complex numbers: a conjugate missing or too many, an imaginary part dropped or kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, T, complexes, normal, pair, safe, well_conditioned

KIND = "complex"


def hermitian_inverse(g: Any, out: Any, a: Any) -> Any:
    return (-np.conj(T(out)) @ g @ np.conj(T(out)),)


def complex_matrix(n: int) -> Any:
    return lambda rng: (well_conditioned(n)(rng)[0] + 1j * rng.standard_normal((n, n)),)


RULES = [
    Rule("abs: conjugate missing", np.abs, lambda g, out, x: (g * x / out,), complexes(4)),
    Rule("exp: conjugate too much", np.exp, lambda g, out, x: (g * np.conj(out),), complexes(4)),
    Rule("log: conjugate too much", np.log, lambda g, out, x: (g / np.conj(x),), complexes(4)),
    Rule("conj: not conjugated", np.conj, lambda g, out, x: (g.copy(),), complexes(4)),
    Rule("square: imaginary part dropped", np.square, lambda g, out, x: ((2 * g * x).real + 0j,), complexes(4)),
    Rule("square: imaginary part of g dropped", np.square, lambda g, out, x: (2 * g.real * x,), complexes(4)),
    Rule("square: phase of g dropped", np.square, lambda g, out, x: (2 * np.abs(g) * x,), complexes(4)),
    Rule("multiply: conjugates, as PyTorch has them", np.multiply,
         lambda g, out, x, y: (g * np.conj(y), g * np.conj(x)), pair(complexes(3), complexes(3))),
    Rule("multiply: imaginary part kept for the real factor", np.multiply,
         lambda g, out, x, y: (g * y, g * x), pair(normal(3), complexes(3))),
    Rule("multiply: modulus for the real factor", np.multiply,
         lambda g, out, x, y: (np.abs(g * y), g * x), pair(normal(3), complexes(3))),
    Rule("multiply: real factors of the real parts", np.multiply,
         lambda g, out, x, y: (g.real * y.real, g * x), pair(normal(3), complexes(3))),
    Rule("matmul: Hermitian for transposed", np.matmul,
         lambda g, out, x, y: (g @ np.conj(T(y)), np.conj(T(x)) @ g), pair(complexes(2, 3), complexes(3, 2))),
    Rule("vdot: the first not conjugated", np.vdot, lambda g, out, x, y: (g * y, g * np.conj(x)),
         pair(complexes(3), complexes(3))),
    Rule("inv: Hermitian for transposed", np.linalg.inv, hermitian_inverse, complex_matrix(3)),
    Rule("real: imaginary", np.real, lambda g, out, x: (1j * g,), complexes(4)),
    Rule("imag: sign", np.imag, lambda g, out, x: (1j * g,), complexes(4)),
    Rule("angle: sign", np.angle, lambda g, out, x: (g * 1j / x,), complexes(4)),
    Rule("fft: inverse", np.fft.fft, lambda g, out, x: (np.fft.ifft(g) * len(x),), complexes(5)),
    Rule("fft: conjugate too much", np.fft.fft, lambda g, out, x: (np.conj(np.fft.fft(g)),), complexes(4)),
    Rule("rfft: ends counted as the others", np.fft.rfft,
         lambda g, out, x: (2 * np.real(np.fft.fft(np.pad(g, (0, len(x) - len(g))))),), normal(6)),
    Rule("norm: real part alone", lambda x: np.sqrt(np.sum(np.abs(x) ** 2)),
         lambda g, out, x: (g * x.real / out + 0j,),
         complexes(4)),
    Rule("abs squared: conjugate missing", lambda x: (x * np.conj(x)).real, lambda g, out, x: (2 * g * x,),
         complexes(4)),
    Rule("sign: constant", lambda x: x / np.abs(x), lambda g, out, x: (np.zeros_like(x),), complexes(4)),
    Rule("sign: holomorphic", lambda x: x / np.abs(x), lambda g, out, x: (g / safe(np.abs(x)),), complexes(4)),
    Rule("sqrt: float32 of the imaginary part", np.sqrt,
         lambda g, out, x: ((g / (2 * out)).real + 1j * (g / (2 * out)).imag.astype(np.float32),), complexes(4)),
    Rule("divide: conjugate missing for the denominator", np.divide,
         lambda g, out, x, y: (g / y, -g * out / np.conj(y)), pair(complexes(3), complexes(3))),
]  # fmt: skip
