"""Wrong in number, kind, shape or dtype: what the engine could not even add up."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, T, cast, complexes, normal, pair, positive, unbroadcast

KIND = "structure"


def raises(g: Any, out: Any, x: Any) -> Any:
    raise ValueError("no derivative today")


RULES = [
    Rule("exp: no tuple", np.exp, lambda g, out, x: g * out, normal(3)),
    Rule("exp: None", np.exp, lambda g, out, x: None, normal(3)),
    Rule("exp: a string", np.exp, lambda g, out, x: ("g * out",), normal(3)),
    Rule("exp: an object array", np.exp, lambda g, out, x: ((g * out).astype(object),), normal(3)),
    Rule("exp: a list", np.exp, lambda g, out, x: ((g * out).tolist(),), normal(3)),
    Rule("exp: a generator", np.exp, lambda g, out, x: (v for v in (g * out,)), normal(3)),
    Rule("exp: a dictionary", np.exp, lambda g, out, x: {"x": g * out}, normal(3)),
    Rule("exp: one too many", np.exp, lambda g, out, x: (g * out, g), normal(3)),
    Rule("exp: raises", np.exp, raises, normal(3)),
    Rule("exp: another signature", np.exp, lambda g, x: (g * np.exp(x),), normal(3)),
    Rule("exp: flat", np.exp, lambda g, out, x: ((g * out).ravel(),), normal(2, 3)),
    Rule("exp: one column lost", np.exp, lambda g, out, x: ((g * out)[:, :-1],), normal(2, 3)),
    Rule("exp: a new axis", np.exp, lambda g, out, x: ((g * out)[None],), normal(3)),
    Rule("exp: 1-d for 0-d", np.exp, lambda g, out, x: (np.atleast_1d(g * out),), normal()),
    Rule("exp: an integer", np.exp, lambda g, out, x: ((g * out).astype(int),), normal(3)),
    Rule("exp: float64 for float32", np.exp, lambda g, out, x: ((g * out).astype(np.float64),),
         cast(np.float32, normal(3))),
    Rule("exp: float32 for float64", np.exp, lambda g, out, x: ((g * out).astype(np.float32),), normal(3)),
    Rule("exp: float32 for float16", np.exp, lambda g, out, x: ((g * out).astype(np.float32),),
         cast(np.float16, normal(3))),
    Rule("exp: complex64 for complex128", np.exp, lambda g, out, x: ((g * out).astype(np.complex64),), complexes(3)),
    Rule("multiply: one too few", np.multiply, lambda g, out, x, y: (g * y,), pair(normal(3), normal(3))),
    Rule("multiply: the two exchanged", np.multiply,
         lambda g, out, x, y: (unbroadcast(g * x, y), unbroadcast(g * y, x)),
         pair(normal(2, 3), normal(3))),
    Rule("multiply: float64 for the float32 one", np.multiply, lambda g, out, x, y: (g * y, g * x),
         pair(cast(np.float32, normal(3)), normal(3))),
    Rule("fft: complex for real", np.fft.fft, lambda g, out, x: (np.fft.fft(g),), normal(4)),
    Rule("sum: the summed axis stays summed", lambda x: np.sum(x, axis=0),
         lambda g, out, x: (g,), normal(3, 4)),
    Rule("sum: a scalar for the array", np.sum, lambda g, out, x: (g,), normal(3)),
    Rule("matmul: the transpose", np.matmul, lambda g, out, x, y: (T(g @ T(y)), T(x) @ g),
         pair(normal(2, 3), normal(3, 4))),
    Rule("two outputs: the second's cotangent alone", lambda x: (x, x * x), lambda g, out, x: 2 * g[1] * x,
         normal(4)),
    Rule("doubled: not empty for the empty", lambda x: x * 2, lambda g, out, x: (np.ones((2,)),), normal(0)),
    Rule("mean: divides an integer in float16", np.mean,
         lambda g, out, x: (np.full(x.shape, np.float16(g) / np.float16(x.size)),), positive(3)),
]  # fmt: skip
