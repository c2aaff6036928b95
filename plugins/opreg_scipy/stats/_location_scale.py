"""Families of location and scale: the rules of every method, from a few derivatives of the standard distribution.

With z = (x - loc) / scale, and p the density and F the distribution function of the standard member of a family, the
methods are p(z) / scale, F(z), 1 - F(z), their logarithms, and the quantiles loc + scale F^-1(q) and, from above,
loc + scale F^-1(1 - q). All that their derivatives need is how log p changes with z and with the shape parameters, and
how F changes with the latter.

Outside of the support derivatives are zero, those of a logarithm that is minus infinity included; where SciPy gives
NaN, for parameters that are none, they are NaN, and so are those of log F and log(1 - F) where these are minus infinity
inside of the support: a probability that underflowed says nothing of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy

from opreg import NotDifferentiable, Primitive, elementwise, is_traced, primitive, stop_gradient
from opreg_numpy.shapes import asarray

_Z = "with z = (x - loc) / scale"
DOCS = {
    "pdf": f"""p(z) / scale {_Z}, the density

    By x: p'(z) / scale^2, by loc the opposite, by scale: -(p(z) + z p'(z)) / scale^2.
    """,
    "logpdf": f"""log p(z) - log scale {_Z}

    By x: p'(z) / p(z) / scale, by loc the opposite, by scale: -(1 + z p'(z) / p(z)) / scale.
    """,
    "cdf": f"""F(z) {_Z}, the probability of less than x

    By x: p(z) / scale, by loc the opposite, by scale: -z p(z) / scale.
    """,
    "sf": f"""1 - F(z) {_Z}, the probability of more than x

    By x: -p(z) / scale, by loc the opposite, by scale: z p(z) / scale.
    """,
    "logcdf": f"""log F(z) {_Z}

    By x: p(z) / F(z) / scale, by loc the opposite, by scale: -z p(z) / F(z) / scale.
    """,
    "logsf": f"""log(1 - F(z)) {_Z}

    By x: -p(z) / (1 - F(z)) / scale, by loc the opposite, by scale: z p(z) / (1 - F(z)) / scale.
    """,
    "ppf": """loc + scale z with F(z) = q, the quantiles

    By q: scale / p(z), by loc: 1, by scale: z.
    """,
    "isf": """loc + scale z with F(z) = 1 - q, the quantiles from above

    By q: -scale / p(z), by loc: 1, by scale: z.
    """,
}
DENSITIES = ("pdf", "logpdf")
LOGARITHMS = ("logcdf", "logsf")
PROBABILITIES = ("cdf", "sf", *LOGARITHMS)
QUANTILE_METHODS = ("ppf", "isf")
INSIDE = 0.5  # inside of every support: it stands for the points outside, whose derivatives are known


@dataclass(frozen=True, eq=False)
class Family:
    """The derivatives of a standard distribution, functions of z and the shape parameters.

    ``score``: of log p by z. ``growth``: 1 + z score. ``shapes``: of log p by each shape parameter. ``cumulative``: of
    F by each, for the methods other than densities. ``density``: p, where it is more exact than SciPy's. ``mills``: of
    log F by z, where the logarithms of p and F would cancel; ``hazard``: of log(1 - F), negated, which is the same at
    -z for a symmetric family.
    """

    name: str
    score: Callable[..., Any]
    growth: Callable[..., Any]
    support: tuple[float, float] = (-np.inf, np.inf)
    shapes: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    cumulative: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    density: Callable[..., Any] | None = None
    mills: Callable[..., Any] | None = None
    hazard: Callable[..., Any] | None = None
    made: dict[str, Primitive] = field(default_factory=dict)

    def methods(self, *names: str) -> list[Primitive]:
        """Return the primitives of these methods, of which pdf and logpdf come first."""
        for name in names:
            self.made[name] = _method(self, name)
        return list(self.made.values())


def asking(names: Sequence[str], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function of any arguments the parameters by which opreg calls it."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in names]
    )
    return function


def as_array(value: Any) -> Any:
    """Return a sequence, in which some elements may be traced, as an array, and anything else as it is."""
    return asarray.body(value) if isinstance(value, (list, tuple)) else value


def called_with(
    method: str, names: Sequence[str], refused: Mapping[str, str], **defaults: Any
) -> Callable[..., Any]:
    """Return how a method of a distribution is called: with its data by position, by name or by default.

    Arguments without derivative must not be traced: a zero in the place of the derivative would be wrong.
    """
    kind, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    signature = inspect.Signature(
        [inspect.Parameter(name, kind, default=defaults.get(name, empty)) for name in names]
    )

    def calling(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, reason in refused.items():
            if is_traced(bound.arguments[name]):
                raise NotDifferentiable(
                    f"{method} has no derivative with respect to {name!r}: {reason}. Pass opreg.stop_gradient({name}) "
                    "if it is not wanted"
                )
        return tuple(map(as_array, bound.args)), {}

    calling.__signature__ = signature  # type: ignore[attr-defined]
    return calling


@functools.cache
def _cancels() -> bool:
    """Tell whether this SciPy takes the logarithm of a probability that is rounded to 1."""
    return bool(scipy.stats.laplace.logcdf(50.0) == 0)


def _logarithm(distribution: Any, method: str, *data: Any) -> Any:
    """Return ``logcdf`` or ``logsf``, where it is near 0 from the other of the two probabilities."""
    this, other = (getattr(distribution, name) for name in ("cdf", "sf")[:: 1 if method == "logcdf" else -1])
    p = this(*data)
    return np.where(p < 0.5, np.log(p), np.log1p(-other(*data)))[()]


def _method(family: Family, method: str) -> Primitive:
    """Return the primitive of one method, with its rules."""

    def forward(*data):
        distribution = getattr(scipy.stats, family.name)
        if method in LOGARITHMS and _cancels() and f"_{method}" not in vars(type(distribution)):
            return _logarithm(distribution, method, *data)
        return getattr(distribution, method)(*data)

    names = ("q" if method in QUANTILE_METHODS else "x", *family.shapes, "loc", "scale")
    forward.__doc__ = DOCS[method]
    forward.__module__ = family.score.__module__
    made = primitive(f"scipy.stats.{family.name}.{method}")(_positional(names, forward))
    rules = RULES[method](family)
    made.called_as(called_with(made.name, names, {}, loc=0, scale=1))
    for change, reason in _need_not_show(family, method).items():
        made.waive_mutant("*", change, reason)
    return elementwise(made, **{name: asking(("out", *names), rule) for name, rule in rules.items()})


def _positional(names, function):
    kind = inspect.Parameter.POSITIONAL_ONLY
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return function


def _standardised(data):
    """(z, shapes, scale) of the data x, shapes, loc, scale; the shapes, as the result, in double precision"""
    x, *shapes, loc, scale = data
    return (x - loc) / scale, [np.float64(1) * shape for shape in shapes], scale


def _inside(data, outside):
    """(z, shapes, scale) with a harmless z where something is outside of the support"""
    z, shapes, scale = _standardised(data)
    return (np.where(outside, INSIDE, z) if np.any(outside) else z), shapes, scale


def per(p, z):
    """p / z, which is 0 where p is, also at z = 0"""
    return p / np.where(np.equal(p, 0), 1.0, z)


# --------------------------------------------------------------------------------------------------- densities
def _changes(family):
    """The derivatives of log p(z) - log scale, functions of z, shapes, scale"""
    score, growth = family.score, family.growth

    def of_shape(change):
        return lambda z, shapes, scale: change(z, *shapes)

    return {
        "x": lambda z, shapes, scale: score(z, *shapes) / scale,
        **{name: of_shape(change) for name, change in family.shapes.items()},
        "loc": lambda z, shapes, scale: -score(z, *shapes) / scale,
        "scale": lambda z, shapes, scale: -growth(z, *shapes) / scale,
    }


def _of_pdf(family):
    def rule(change):
        return lambda out, *data: out * change(*_inside(data, np.equal(out, 0)))

    return {name: rule(change) for name, change in _changes(family).items()}


def _of_logpdf(family):
    def rule(change):
        return lambda out, *data: _of_logarithm(change(*_inside(data, np.equal(out, -np.inf))), out)

    return {name: rule(change) for name, change in _changes(family).items()}


def _of_logarithm(value, out):
    """A derivative of a logarithm: 0 where it is minus infinity, NaN where it is NaN"""
    out = stop_gradient(out)
    return _where_there_is(out > -np.inf, value, out)


def _with_lost(out, data, support):
    """A logarithm of F, NaN where it is minus infinity inside of the support: there F underflowed"""
    lost = np.equal(out, -np.inf)
    if not np.any(lost):
        return out
    z, _, _ = _standardised(data)
    return np.where(lost & (z > support[0]) & (z < support[1]), np.nan, stop_gradient(out))


def _where_there_is(something, value, out):
    """The value where something is, elsewhere 0, and NaN where the result is NaN"""
    if np.all(something):
        return value
    return np.where(something, value, np.where(np.isnan(out), np.nan, 0.0))


# ----------------------------------------------------------------------------------------------- probabilities
def _of_probability(family):
    """The derivatives of F"""
    density, support = _density(family), family.support

    def by_scale(out, *data):
        z, _, _ = _standardised(data)
        return -_moment(density(out, data), z)

    def by_shape(change):
        return lambda out, *data: _of_shape(change, out, data, support)

    return {
        "x": lambda out, *data: density(out, data),
        **{name: by_shape(change) for name, change in family.cumulative.items()},
        "loc": lambda out, *data: -density(out, data),
        "scale": by_scale,
    }


def _density(family):
    """p(z) / scale, SciPy's or the family's own"""
    if family.density is None:
        return lambda out, data: family.made["pdf"].bind(*data)
    return _over_scale(family.density, family.support)


def _over_scale(function, support):
    """A function of z and the shapes over the scale, where there is something: see `_where_there_is`"""

    def value(out, data):
        inside, z, shapes, scale = _in_support(support, out, data)
        return _where_there_is(inside, function(z, *shapes) / scale, out)

    return value


def _in_support(support, out, data):
    """Where z is within the support and the result not minus infinity; and (z, shapes, scale), z harmless elsewhere"""
    z, shapes, scale = _standardised(data)
    inside = (z >= support[0]) & (z <= support[1]) & (stop_gradient(out) > -np.inf)
    return inside, np.where(inside, z, INSIDE), shapes, scale


def _of_the_rest(rules):
    """The derivatives of 1 - F, or of what is made of it, as those of F"""

    def negated(rule):
        return lambda out, *data: -rule(out, *data)

    return {name: negated(rule) for name, rule in rules.items()}


def _moment(p, z):
    """p z, which is 0 where p is, though z be infinite, and where z is, though p be: an integrable pole"""
    pole = np.logical_and(np.isinf(p), np.equal(z, 0))
    return np.where(pole, 0.0, p) * np.where(np.equal(p, 0), 0.0, z)


def _of_shape(change, out, data, support):
    """The derivative of F by a shape parameter, 0 outside of the support, NaN where the result is NaN"""
    z, shapes, _ = _standardised(data)
    inside = (z > support[0]) & (z < support[1]) & (stop_gradient(out) == stop_gradient(out))
    if np.all(inside):
        return change(z, *shapes)
    return _where_there_is(inside, change(np.where(inside, z, INSIDE), *shapes), out)


def _of_log_probability(family, sign):
    """The derivatives of log F, with ``sign`` -1 those of log(1 - F) as if it were of F"""
    support = family.support
    rate = _rate(family, sign)

    def by_scale(out, *data):
        z, _, _ = _standardised(data)
        return -_moment(rate(out, data), z)

    def by_shape(change):
        def rule(out, *data):
            value = _over_exp(_of_shape(change, out, data, support), out)
            return _of_logarithm(value, _with_lost(out, data, support))

        return rule

    return {
        "x": lambda out, *data: rate(out, data),
        **{name: by_shape(change) for name, change in family.cumulative.items()},
        "loc": lambda out, *data: -rate(out, data),
        "scale": by_scale,
    }


def _over_exp(value, out):
    """A value over e^out, in two steps: e^-out overflows where the result need not. As it is where out is -infinity"""
    root = np.exp(-np.where(np.equal(out, -np.inf), 0.0, out) / 2)
    return value * root * root


def _rate(family, sign):
    """p / F, with ``sign`` -1 p / (1 - F): by the family's own ratio, by its density, or by the logarithms of both"""
    if family.mills is not None:
        return _over_scale(_ratio(family.mills, family.hazard, sign), family.support)
    if family.density is not None:
        density = _density(family)

        def value(out, data):
            return _over_exp(density(out, data), out)

    else:
        log_density = family.made["logpdf"]

        def value(out, data):
            return np.exp(log_density.bind(*data) - np.where(np.equal(out, -np.inf), np.inf, out))

    return lambda out, data: _of_logarithm(value(out, data), _with_lost(out, data, family.support))


def _ratio(mills, hazard, sign):
    """The ratio of p to the probability below z, or with ``sign`` -1 to that above"""
    if sign == 1 or hazard is not None:
        return mills if sign == 1 else hazard
    return lambda z, *shapes: mills(-z, *shapes)


# --------------------------------------------------------------------------------------------------- quantiles
def _of_quantile(family, method):
    """The derivatives of the solution x of F(x) = q

    They are those at loc 0 and scale 1: the difference of x and loc would have few digits.
    """
    density, made = family.made["pdf"], family.made

    def standard(q, shapes):
        return made[method].bind(q, *shapes, 0.0, 1.0)

    def by_q(q, *rest):
        *shapes, _, scale = rest
        return scale / density.bind(standard(q, shapes), *shapes, 0.0, 1.0)

    return {
        "q": lambda out, *data: by_q(*data),
        "loc": lambda out, *data: np.where(np.isnan(out), np.nan, 1.0),
        "scale": lambda out, q, *rest: standard(q, rest[:-2]),
    }


def _of_quantile_from_above(family):
    """The derivatives of the solution x of 1 - F(x) = q"""
    rules = _of_quantile(family, "isf")
    return {**rules, "q": _of_the_rest(rules)["q"]}


RULES: Mapping[str, Callable[[Family], Mapping[str, Callable[..., Any]]]] = {
    "pdf": _of_pdf,
    "logpdf": _of_logpdf,
    "cdf": _of_probability,
    "sf": lambda family: _of_the_rest(_of_probability(family)),
    "logcdf": lambda family: _of_log_probability(family, 1),
    "logsf": lambda family: _of_the_rest(_of_log_probability(family, -1)),
    "ppf": lambda family: _of_quantile(family, "ppf"),
    "isf": _of_quantile_from_above,
}


# -------------------------------------------------------------------------------------------- what no sample need show
_OUTSIDE = (
    "where there is no probability its logarithm has no difference quotient: outside has a test of its own"
)
_NAN = "parameters that are none have a test of their own"
_NOTHING = "what is nothing remains so, by whatever it is multiplied"
_MOMENT = (
    "at infinity and at a pole of the density there is no difference quotient: both have tests of their own"
)
PRECISION = "in another precision it is as right, and the result is fitted to the argument"
_NO_SHAPES = "the family has no shape parameters"
_UNUSED = "it is not used"


def _any(family):
    return True


def _shaped(family):
    return bool(family.shapes)


def _shapeless(family):
    return not family.shapes


def _bounded(family):
    """Whether there is an outside, of which no shape parameter is asked."""
    return np.isfinite(family.support).any() and not family.shapes


def _by_shape(family):
    return bool(family.cumulative)


def _by_mills(family):
    return family.mills is not None


def _by_density(family):
    return family.density is not None


def _by_scipys_density(family):
    return family.density is None


def _by_logarithms(family):
    return family.mills is None and family.density is None


_NEED_NOT_SHOW = (  # methods, of which families, why, and the changes that no sample can tell from their rules
    ((*DENSITIES, *PROBABILITIES), _shaped, PRECISION, ("np.float64(1) * shape -> shape",)),
    (
        (*DENSITIES, *PROBABILITIES),
        _shapeless,
        _NO_SHAPES,
        (
            "np.float64(1) * shape -> shape",
            "np.float64(1) * shape -> np.float64(1)",
            "np.float64(1) * shape -> np.float64(1) / shape",
            "1 -> 2",
        ),
    ),
    (("pdf",), _any, _NOTHING, ("_inside -> ...", "0 -> 1")),
    (("pdf",), _bounded, _NOTHING, ("np.equal(out, 0) -> ...",)),
    (
        ("logpdf",),
        _any,
        _OUTSIDE,
        (
            "_inside -> ...",
            "_of_logarithm -> ...",
            "_where_there_is -> ...",
            "_of_logarithm(change(*_inside(data, np.equal(out, -np.inf))), out) -> ...",
        ),
    ),
    (("logpdf",), _bounded, _OUTSIDE, ("np.equal(out, -np.inf) -> ...",)),
    (("logpdf",), _any, _OUTSIDE, ("-np.inf -> np.inf",)),
    (LOGARITHMS, _by_logarithms, _OUTSIDE, ("-np.inf -> np.inf",)),
    (PROBABILITIES, _any, _MOMENT, ("_moment -> ...",)),
    (("cdf", "sf"), _by_scipys_density, _UNUSED, ("scale -> -scale",)),
    (("cdf", "sf"), _by_shape, _NAN, ("_of_shape -> ...", "_where_there_is -> ...")),
    (LOGARITHMS, _by_shape, _OUTSIDE, ("_of_shape -> ...",)),
    (LOGARITHMS, _by_logarithms, _UNUSED, ("scale -> -scale",)),
    (LOGARITHMS, _by_logarithms, _OUTSIDE, ("np.where(np.equal(out, -np.inf), np.inf, out) -> ...",)),
    (LOGARITHMS, _by_mills, _OUTSIDE, ("_in_support -> ...", "_where_there_is -> ...")),
    (PROBABILITIES, _by_density, _OUTSIDE, ("_in_support -> ...", "_where_there_is -> ...")),
    (
        LOGARITHMS,
        _by_density,
        _OUTSIDE,
        (
            "_of_logarithm -> ...",
            "_of_logarithm(_over_exp(density(out, data), out), out) -> ...",
            "_over_exp -> ...",
        ),
    ),
    (
        LOGARITHMS,
        _by_shape,
        _OUTSIDE,
        (
            "_of_logarithm -> ...",
            "_of_logarithm(_over_exp(_of_shape(change, out, data, support), out), out) -> ...",
        ),
    ),
    (QUANTILE_METHODS, _any, _NAN, ("np.where(np.isnan(out), np.nan, 1.0) -> 1.0",)),
    (QUANTILE_METHODS, _any, _NO_SHAPES, ("-2 -> -3",)),
)


def _need_not_show(family, method):
    """The changes of a method's rules that no sample can show, and why."""
    return {
        change: why
        for methods, holds, why, changes in _NEED_NOT_SHOW
        if method in methods and holds(family)
        for change in changes
    }
