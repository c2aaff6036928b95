"""Discrete distributions: the probabilities that a count is, or is at most, k.

Of the parameters the rate has derivatives; k and loc say which count is meant.
"""

from __future__ import annotations

import numpy as np
import scipy

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy._samples import fortran, scalar_of, strided
from opreg_scipy.special.incomplete import gamma_density
from opreg_scipy.stats._location_scale import _where_there_is, called_with

_COUNTS = "it says which count is meant, and the probability of what lies between two counts is none"


@primitive("scipy.stats.poisson.pmf")
def poisson_pmf(k, mu, loc, /):
    """e^-mu mu^n / n! for n = k - loc, 0 where that is no natural number; the derivative by mu is pmf (n / mu - 1)"""
    return scipy.stats.poisson.pmf(k, mu, loc)


@primitive("scipy.stats.poisson.logpmf")
def poisson_logpmf(k, mu, loc, /):
    """n log mu - mu - log n! for n = k - loc, minus infinity where that is no natural number"""
    return scipy.stats.poisson.logpmf(k, mu, loc)


@primitive("scipy.stats.poisson.cdf")
def poisson_cdf(k, mu, loc, /):
    """The probability of a count of at most n = floor(k - loc); its derivative by mu is minus the probability of n"""
    return scipy.stats.poisson.cdf(k, mu, loc)


@primitive("scipy.stats.poisson.sf")
def poisson_sf(k, mu, loc, /):
    """The probability of a count of more than n = floor(k - loc); its derivative by mu is the probability of n"""
    return scipy.stats.poisson.sf(k, mu, loc)


def _poisson_pmf_slope(out, k, mu, loc):
    """pmf (n - mu) / mu, at mu = 0 the probability of n - 1 less that of n"""
    zero = np.equal(mu, 0)
    slope = out * ((k - loc) - mu) / np.where(zero, 1.0, mu)
    if not np.any(zero):
        return slope
    return np.where(zero, poisson_pmf.bind(k - 1, mu, loc) - out, slope)


def _poisson_logpmf_slope(out, k, mu, loc):
    """(n - mu) / mu, at mu = 0 and n = 0 the limit"""
    zero = np.equal(mu, 0)
    slope = np.where(zero, -1.0, ((k - loc) - mu) / np.where(zero, 1.0, mu))
    return _where_there_is(np.isfinite(stop_gradient(out)), slope, out)


def _at(out, k, mu, loc):
    """The probability of floor(k - loc), which as a density of the gamma distribution is more exact than SciPy's"""
    n = np.floor(k - loc)
    counted = np.isfinite(n) & (n >= 0) & np.isfinite(stop_gradient(out))
    probability = gamma_density(np.where(counted, n, 0) + 1.0, np.where(counted, mu, 1.0))
    return _where_there_is(counted, probability, out)


elementwise(poisson_pmf, mu=_poisson_pmf_slope)
elementwise(poisson_logpmf, mu=_poisson_logpmf_slope)
elementwise(poisson_cdf, mu=lambda out, k, mu, loc: -_at(out, k, mu, loc))
elementwise(poisson_sf, mu=lambda out, k, mu, loc: _at(out, k, mu, loc))

PRIMITIVES = [poisson_pmf, poisson_logpmf, poisson_cdf, poisson_sf]


def _counts(rng, shape):
    return rng.integers(0, 6, shape)


def _rates(rng, shape):
    return np.asarray(rng.uniform(0.3, 5.0, shape))


def _samples(rng):
    for k, mu in (((2, 3), (2, 3)), ((3,), (2, 1)), ((2, 1), (3,)), ((), (2, 2)), ((), ()), ((0, 2), (2,))):
        yield Sample((_counts(rng, k), _rates(rng, mu)), note=f"shapes {k} and {mu}")
    yield Sample((int(_counts(rng, ())), scalar_of(_rates(rng, (1,)))), note="Python numbers")
    yield Sample((_counts(rng, (2, 3)), _rates(rng, (3,))), {"loc": -1}, note="a loc")
    yield Sample((_counts(rng, (3,)), _rates(rng, ()), rng.integers(-3, 0, (2, 1))), note="several locs")
    yield Sample((_counts(rng, (3,)).astype(float), _rates(rng, (2, 1)), 1.0), note="counts as floats")
    yield Sample((_counts(rng, (3,)) + 0.5, _rates(rng, (2, 1))), note="between counts")
    yield Sample((np.array([-2, 0, 3]), _rates(rng, (3,))), note="below zero")
    yield Sample((_counts(rng, (3,)), _rates(rng, (2, 1)).astype(np.float32)), note="float32")
    yield Sample((_counts(rng, (2, 3)), fortran(_rates(rng, (2, 3)))), note="Fortran order")
    yield Sample((_counts(rng, (3,)), strided(_rates(rng, (2, 3)))), note="strided")


for _made in PRIMITIVES:
    _made.called_as(called_with(_made.name, ("k", "mu", "loc"), {"k": _COUNTS, "loc": _COUNTS}, loc=0))
    _made.not_differentiable(k=_COUNTS, loc=_COUNTS)
    _made.samples(_samples)


@poisson_pmf.samples
@poisson_logpmf.samples
@poisson_cdf.samples
def _no_rate(rng):
    yield Sample((np.array([0, 1, 2]), np.array([0.0, 0.0, 0.0])), note="a rate of zero")


_NONE = "counts that cannot be, whose logarithm has no difference quotient, and rates that are none have own tests"
_FILLER = "any number but 0 will do in the place of what is masked out"
for _made in poisson_pmf, poisson_logpmf:
    _made.waive_mutant("mu", "1.0 -> 1.000001", _FILLER)
poisson_logpmf.waive_mutant("mu", "np.where(zero, 1.0, mu) -> mu", _FILLER)
poisson_pmf.waive_mutant(
    "mu",
    "np.where(zero, poisson_pmf.bind(k - 1, mu, loc) - out, slope) -> poisson_pmf.bind(k - 1, mu, loc) - out",
    "the difference is right everywhere, to fewer digits",
)
for _made in poisson_cdf, poisson_sf:
    for _change in (
        "np.isfinite(n) & (n >= 0) & np.isfinite(stop_gradient(out)) -> ...",
        "np.isfinite(n) & (n >= 0) -> ...",
    ):
        _made.waive_mutant("mu", _change, _NONE)
    for _change in (
        "np.where(counted, n, 0) -> n",
        "np.where(counted, mu, 1.0) -> mu",
        "0 -> 1",
        "1.0 -> 1.000001",
    ):
        _made.waive_mutant("mu", _change, _FILLER)
