"""Continuous distributions of one variable.

Sources: Johnson, Kotz and Balakrishnan, "Continuous univariate distributions" (1994, 1995), for the densities; DLMF
5.11 and 5.15 for what becomes of the gamma functions in them.
"""

from __future__ import annotations

from functools import cache, partial
from math import pi, sqrt

import numpy as np
import scipy

from opreg import Sample, elementwise, jvp, primitive, stop_gradient
from opreg_scipy.special.gamma import hurwitz_difference
from opreg_scipy.special.incomplete import (
    beta_density,
    betainc_by_parameters,
    gamma_density,
    gammainc_by_a,
)
from opreg_scipy.special.powers import polynomial
from opreg_scipy.stats._draws import HALF_LINE, LINE, QUANTILES, SHAPE, UNIT_INTERVAL, of_location_and_scale
from opreg_scipy.stats._location_scale import (
    DENSITIES,
    LOGARITHMS,
    PROBABILITIES,
    QUANTILE_METHODS,
    Family,
    per,
)

ROOT_TWO_PI = sqrt(2 * pi)


def slope(function, z):
    """The derivative of an elementwise function of one argument"""
    return jvp(function, (z,), (np.ones_like(stop_gradient(z)),))[1]


# ------------------------------------------------------------------------------------------------- on the line
norm = Family(
    "norm",
    score=lambda z: -z,
    growth=lambda z: (1 - z) * (1 + z),
    mills=lambda z: slope(scipy.special.log_ndtr, z),
)
cauchy = Family(
    "cauchy",
    score=lambda z: -2 * z / np.hypot(1.0, z) / np.hypot(1.0, z),
    growth=lambda z: (1 - z) / np.hypot(1.0, z) * ((1 + z) / np.hypot(1.0, z)),
)


def _laplace_mills(tail):
    """p / F with 1 - F = tail / 2, which is 1 to the left of 0: by logarithms it is lost where F has no digits left"""
    return tail / (2 - tail)


def _logistic_mills(z):
    """1 / (1 + e^z), to the right as e^-z / (1 + e^-z), which is left where e^z overflows"""
    right = np.greater(z, 0)
    power = np.exp(-np.where(right, z, 0.0))
    return np.where(right, power / (1 + power), scipy.special.expit(-z))


laplace = Family(
    "laplace",
    score=lambda z: -np.sign(z),
    growth=lambda z: 1 - np.absolute(z),
    mills=lambda z: _laplace_mills(np.exp(-np.maximum(z, 0.0))),
)
logistic = Family(
    "logistic",
    score=lambda z: -np.tanh(z / 2),
    growth=lambda z: 1 - z * np.tanh(z / 2),
    mills=_logistic_mills,
)


# Source: the expansion of digamma, DLMF 5.11.2, at (df + 1) / 2 and df / 2; B_2k are Bernoulli's numbers.
@cache
def _student_series():
    return [(4**k - 1) * float(b) / k for k, b in enumerate(scipy.special.bernoulli(28)[2::2], start=1)]


def _student_excess(df):
    """digamma((df + 1) / 2) - digamma(df / 2) - 1 / df, which leaves few digits for large df

    There it is the sum over k >= 1 of (4^k - 1) B_2k / k df^-2k.
    """
    far = np.greater(df, 16)
    near, inverse = np.where(far, 1.0, df), 1 / np.where(far, df, 16.0)
    square = inverse * inverse
    series = square * polynomial(_student_series(), square)
    difference = scipy.special.digamma((near + 1) / 2) - scipy.special.digamma(near / 2) - 1 / near
    return np.where(far, series, difference)


_LOG_SERIES = [1 / k for k in range(2, 18)]


def _log_remainder(w):
    """u - log(1 + w) with u = w / (1 + w), which is -u^2/2 - u^3/3 - ... for small u"""
    u = w / (1 + w)
    small = np.less(u, 0.1)
    near = np.where(small, u, 0.0)
    return np.where(small, -near * near * polynomial(_LOG_SERIES, near), u - np.log1p(w))


def _student_by_df(z, df):
    """(h + u - log(1 + w) + u / df) / 2 with w = z^2 / df, u = w / (1 + w) and h from `_student_excess`"""
    w = z * z / df
    return (_student_excess(df) + _log_remainder(w) + w / (1 + w) / df) / 2


def _student_change(z, df):
    """The derivative of F = 1/2 + sign(z) I_u(1/2, df / 2) / 2, u = z^2 / (df + z^2), by df; 1 - I_u far from 0

    Its two parts are of the order of 1 / df and their sum of that of 1 / df^2: as many digits as df has are lost. Where
    u would underflow it is z times the derivative of the density at 0.
    """
    infinite = np.isinf(df)
    df = np.where(infinite, 1.0, df)
    tiny, far = np.less(z * z, 1e-30 * np.minimum(df, 1.0)), np.greater(z * z, df)
    square, other = np.where(tiny | far, df, z * z), np.where(far, z * z, df)
    u, v = square / (df + square), df / (df + other)
    near_part = betainc_by_parameters(0.5, df / 2, u, n=0, m=1) / 2
    near_part = near_part - beta_density(0.5, df / 2, u) * u * (1 - u) / df
    far_part = betainc_by_parameters(df / 2, 0.5, v) / 2
    far_part = far_part + beta_density(df / 2, 0.5, v) * v * (1 - v) / df
    change = np.sign(z) / 2 * np.where(far, -far_part, near_part)
    if np.any(tiny):
        change = np.where(tiny, z * slope(partial(_student_density, 0.0), df), change)
    return np.where(infinite, 0.0, change)


def _by_df(function, z, df, order):
    """The derivative of some order of an elementwise function by its second argument"""
    for _ in range(order):
        function = partial(_slope_by_df, function)
    return function(z, df)


def _slope_by_df(function, z, df):
    return slope(partial(function, z), df)


@primitive("opreg_scipy.stats.continuous.student_change")
def student_change(z, df, /, *, order=1):
    """The derivative of that order of Student's distribution function by df; that of it by z is the density's by df

    So it is exact at 0 too, and near it, where the formula for the function itself has ever fewer digits. A helper,
    verified as a part of the functions that call it and against mpmath: at 0 it has fewer digits than a difference.
    """
    return _by_df(_student_change, z, df, order - 1)


def _student_density(z, df):
    return t.made["pdf"].bind(z, df, 0.0, 1.0)


elementwise(
    student_change,
    z=lambda z, df, order: _by_df(_student_density, z, df, order),
    df=lambda z, df, order: student_change(z, df, order=order + 1),
)


t = Family(
    "t",
    score=lambda z, df: -z * (1 + 1 / df) / (1 + z * z / df),
    growth=lambda z, df: (1 - z) * (1 + z) / (1 + z * z / df),
    shapes={"df": _student_by_df},
    cumulative={"df": student_change},
)

# -------------------------------------------------------------------------------------------- on the half line
expon = Family(
    "expon",
    score=lambda z: -1.0,
    growth=lambda z: 1 - z,
    support=(0.0, np.inf),
    mills=lambda z: np.exp(-z) / -np.expm1(-z),
    hazard=lambda z: 1.0,
)
gamma = Family(
    "gamma",
    score=lambda z, a: per(a - 1, z) - 1,
    growth=lambda z, a: a - z,
    support=(0.0, np.inf),
    density=lambda z, a: gamma_density(a, z),
    shapes={"a": lambda z, a: np.log(z) - scipy.special.digamma(a)},
    cumulative={"a": lambda z, a: gammainc_by_a(a, z)},
)
chi2 = Family(
    "chi2",
    score=lambda z, df: per(df / 2 - 1, z) - 0.5,
    growth=lambda z, df: (df - z) / 2,
    support=(0.0, np.inf),
    density=lambda z, df: gamma_density(df / 2, z / 2) / 2,
    shapes={"df": lambda z, df: (np.log(z / 2) - scipy.special.digamma(df / 2)) / 2},
    cumulative={"df": lambda z, df: gammainc_by_a(df / 2, z / 2) / 2},
)
lognorm = Family(
    "lognorm",
    score=lambda z, s: -(1 + np.log(z) / s / s) / z,
    growth=lambda z, s: -np.log(z) / s / s,
    support=(0.0, np.inf),
    shapes={"s": lambda z, s: (np.log(z) / s - 1) * (np.log(z) / s + 1) / s},
    cumulative={"s": lambda z, s: -np.exp(-((np.log(z) / s) ** 2) / 2) / ROOT_TWO_PI * np.log(z) / s / s},
)

# ------------------------------------------------------------------------------------------- on the unit interval
uniform = Family(
    "uniform",
    score=lambda z: 0.0,
    growth=lambda z: 1.0,
    support=(0.0, 1.0),
)
beta = Family(
    "beta",
    score=lambda z, a, b: per(a - 1, z) - per(b - 1, 1 - z),
    growth=lambda z, a, b: a - per((b - 1) * z, 1 - z),
    support=(0.0, 1.0),
    shapes={
        "a": lambda z, a, b: np.log(z) + hurwitz_difference(a, b),
        "b": lambda z, a, b: np.log1p(-z) + hurwitz_difference(b, a),
    },
    cumulative={
        "a": lambda z, a, b: betainc_by_parameters(a, b, z),
        "b": lambda z, a, b: betainc_by_parameters(a, b, z, n=0, m=1),
    },
)

PRIMITIVES = [
    *norm.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *cauchy.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *laplace.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *logistic.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *t.methods(*DENSITIES, *PROBABILITIES),
    *expon.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *gamma.methods(*DENSITIES, *PROBABILITIES),
    *chi2.methods(*DENSITIES, *PROBABILITIES),
    *lognorm.methods(*DENSITIES, "cdf", "sf"),
    *uniform.methods(*DENSITIES, *PROBABILITIES, *QUANTILE_METHODS),
    *beta.methods(*DENSITIES, *PROBABILITIES),
]

DRAWS = {
    norm: (LINE, {}),
    cauchy: (LINE, {}),
    laplace: (LINE, {}),
    logistic: (LINE, {}),
    t: (LINE, {"df": SHAPE}),
    expon: (HALF_LINE, {}),
    gamma: (HALF_LINE, {"a": SHAPE}),
    chi2: (HALF_LINE, {"df": SHAPE}),
    lognorm: (HALF_LINE, {"s": SHAPE}),
    uniform: (UNIT_INTERVAL, {}),
    beta: (UNIT_INTERVAL, {"a": SHAPE, "b": SHAPE}),
}
OUTSIDE = {(0.0, np.inf): (-1.5, 0.7, 2.0), (0.0, 1.0): (-0.5, 0.4, 1.5)}
for _family, (_draws, _shapes) in DRAWS.items():
    for _name, _made in _family.made.items():
        if _name in QUANTILE_METHODS:
            _made.samples(of_location_and_scale(QUANTILES, _shapes))
        else:
            _outside = OUTSIDE.get(_family.support)
            _made.samples(of_location_and_scale(_draws, _shapes, outside=_outside))


def _of_student_at_zero(rng):
    yield Sample((np.array([0.0, 0.5, -3.0]), SHAPE(rng, (3,))), note="at zero, near and far")
    yield Sample(
        (np.array([0.0, *LINE[0](rng, (2,))]), np.array([20.0, 4.5, 30.0])),
        note="few and many degrees of freedom",
    )


for _made in t.made.values():
    _made.samples(_of_student_at_zero)

for _family in gamma, chi2, beta:
    for _name in DENSITIES:
        _family.made[_name].waive_mutant(
            "*", "per -> ...", "where p is 0 so is p / z, whatever is in the place of z"
        )
for _name in LOGARITHMS:
    logistic.made[_name].waive_mutant(
        "*",
        "_logistic_mills -> ...",
        "both quotients are right on both sides of 0: far out has a test of its own",
    )
_FLAT = "the density is the same at every point"
for _name in DENSITIES:
    _made = uniform.made[_name]
    _made.waive_mutant("*", "_standardised -> ...", _FLAT)
    _made.waive_mutant("x", "score(z, *shapes) / scale -> ...", _FLAT)
    for _change in "-score(z, *shapes) / scale", "-score(z, *shapes)":
        _made.waive_mutant("loc", f"{_change} -> ...", _FLAT)
for _argument in "x", "loc":
    uniform.made["pdf"].waive_mutant(
        _argument, "out * change(*_inside(data, np.equal(out, 0))) -> ...", _FLAT
    )

for _name in QUANTILE_METHODS:
    _made = uniform.made[_name]
    for _change in (
        "scale / density.bind(standard(q, shapes), *shapes, 0.0, 1.0)",
        "standard(q, shapes)",
        "0.0",
    ):
        _made.waive_mutant("q", f"{_change} -> ...", "the density is 1 at every point")
for _change in "made[method].bind(q, *shapes, 0.0, 1.0) -> q", "standard(q, rest[:-2]) -> q":
    uniform.made["ppf"].waive_mutant("*", _change, "the quantiles of the standard distribution are q")

_MEET = "where they meet both are right: digits far from there have tests"
_NEED_NOT_SHOW: dict[str, tuple[str, ...]] = {
    _MEET: (
        "np.greater(df, 16) -> np.greater_equal(df, 16)",
        "16 -> 17",
        "np.where(far, 1.0, df) -> df",
        "np.where(far, df, 16.0) -> df",
        "np.less(u, 0.1) -> np.less_equal(u, 0.1)",
        "0.1 -> 0.1000001",
        "np.where(small, -near * near * polynomial(_LOG_SERIES, near), u - np.log1p(w)) -> u - np.log1p(w)",
    ),
    "it is masked out": ("1.0 -> 1.000001", "16.0 -> 16.000016", "np.where(small, u, 0.0) -> u"),
    "the last terms are below rounding": ("0.0 -> 1e-06",),
}
for _reason, _changes in _NEED_NOT_SHOW.items():
    for _name in DENSITIES:
        for _change in _changes:
            t.made[_name].waive_mutant("df", _change, _reason)
