"""Right at first order: what the rule itself has for a derivative is lost or wrong."""

from __future__ import annotations

import numpy as np

import opreg
from mutants._rule import Rule, T, normal, pair, positive, well_conditioned

KIND = "second order"

stop = opreg.stop_gradient


RULES = [
    Rule("cube: all lost", lambda x: x**3, lambda g, out, x: (g * 3 * stop(x) ** 2,), normal(4)),
    Rule("cube: half lost", lambda x: x**3, lambda g, out, x: (g * 3 * x * stop(x),), normal(4)),
    Rule("exp: through its output", np.exp, lambda g, out, x: (g * stop(out),), normal(4)),
    Rule("sin: all lost", np.sin, lambda g, out, x: (g * np.cos(stop(x)),), normal(4)),
    Rule("tanh: half lost", np.tanh, lambda g, out, x: (g * (1 - out * stop(out)),), normal(4)),
    Rule("log: all lost", np.log, lambda g, out, x: (g / stop(x),), positive(4)),
    Rule("multiply: the first argument lost", np.multiply, lambda g, out, x, y: (g * y, g * stop(x)),
         pair(normal(3), normal(3))),
    Rule("multiply: the cotangent lost", np.multiply, lambda g, out, x, y: (g * y, stop(g) * x),
         pair(normal(3), normal(3))),
    Rule("divide: the output lost", np.divide, lambda g, out, x, y: (g / y, -g * stop(out) / y),
         pair(normal(3), positive(3))),
    Rule("matmul: the second argument lost", np.matmul, lambda g, out, x, y: (g @ T(stop(y)), T(x) @ g),
         pair(normal(2, 3), normal(3, 2))),
    Rule("inv: one side lost", np.linalg.inv, lambda g, out, a: (-T(out) @ g @ T(stop(out)),), well_conditioned(3)),
    Rule("sum of squares: all lost", lambda x: np.sum(x * x), lambda g, out, x: (2 * g * stop(x),), normal(4)),
    Rule("var: the mean lost", np.var, lambda g, out, x: (2 * g * (x - stop(np.mean(x))) / np.size(x),), normal(4)),
    Rule("cube: the cotangent lost", lambda x: x**3, lambda g, out, x: (stop(g) * 3 * x**2,), normal(4)),
    Rule("power: all but the exponent lost", lambda x, y: x**y,
         lambda g, out, x, y: (g * y * stop(x) ** (y - 1), g * out * np.log(x)), pair(positive(3), positive(3))),
]  # fmt: skip
