"""Incomplete gamma and beta functions, and their inverses.

By its last argument each has its density for derivative. By the parameters there is no closed form: the derivative is
the integral of the density's over the shorter tail, where the integrand has one sign, so that nothing cancels. It is
computed by the double exponential rule for integrands that decay exponentially, s = exp(t - exp(-t)) (Takahasi and
Mori 1974), to rounding. An inverse has the derivatives of the implicit function.
"""

from __future__ import annotations

from math import comb, pi

import numpy as np
import scipy

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy._rules import pointwise
from opreg_numpy._samples import beside_integers, pairs
from opreg_scipy.special import gamma as gammas
from opreg_scipy.special.gamma import as_inputs, at_poles, moderate

_T = np.arange(-4.2, 4.5, 1 / 32)
_NODES = np.exp(_T - np.exp(-_T))
_WEIGHTS = _NODES * (1 + np.exp(-_T)) / 32

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def _stirling_error(a):
    """Return log Gamma(a) - (a - 1/2) log a + a - log(2 pi) / 2, its expansion for large a (DLMF 5.11.1)."""
    large = a >= 10
    far, near = np.where(large, a, 10.0), np.where(large, 1.0, a)
    expansion = sum(c * far ** (-1 - 2 * k) for k, c in enumerate(_STIRLING))
    return np.where(
        large,
        expansion,
        scipy.special.gammaln(near) - (near - 0.5) * np.log(near) + near - np.log(2 * pi) / 2,
    )


def _log_ratio(x, a, difference):
    """Return log(x / a), by the difference x - a where the two are close."""
    close = np.abs(difference) < 0.5 * a
    return np.where(
        close, np.log1p(np.where(close, difference, 0.0) / a), np.log(np.where(close, 1.0, x / a))
    )


def _products(logarithms, n, m=0):
    """Return the n-th derivative by a, m-th by b, of exp(L) over exp(L), from those of L, ``logarithms(i, j)``."""
    found = {(0, 0): 1.0}
    for i in range(n + 1):
        for j in range(m + 1):
            if i:
                parts = [(p, q, comb(i - 1, p) * comb(j, q)) for p in range(i) for q in range(j + 1)]
            else:
                parts = [(0, q, comb(j - 1, q)) for q in range(j)]
            if parts:
                found[i, j] = sum(c * found[p, q] * logarithms(i - p, j - q) for p, q, c in parts)
    return found[n, m]


def _in_rows(compute, *data):
    """Return ``compute`` of columns of the data, a thousand at a time: it makes a row for each of the nodes."""
    flat = [x.reshape(-1, 1) for x in data]
    parts = [compute(*(x[i : i + 1024] for x in flat)) for i in range(0, max(len(flat[0]), 1), 1024)]
    return np.concatenate(parts).reshape(data[0].shape)


# ------------------------------------------------------------------------------------------------------- gamma
@primitive("opreg_scipy.special.incomplete.gamma_density")
def gamma_density(a, x, /):
    """x^(a - 1) e^-x / Gamma(a): by x it has itself times (a - 1) / x - 1, by a itself times log x - psi(a)

    For large a by Stirling's formula, as sqrt(a / 2 pi) e^(-a phi) / x with phi = x / a - 1 - log(x / a) (Loader 2000).
    """
    return as_inputs(_gamma_density, a, x)


def _gamma_density(a, x):
    with np.errstate(all="ignore"):
        direct = np.power(x, a - 1) * np.exp(-x) * scipy.special.rgamma(a)
        usual = (a > 10) & (x > 0) & np.isfinite(x)
        large, y = np.where(usual, a, 10.0), np.where(usual, x, 10.0)
        phi = (y - large) / large - _log_ratio(y, large, y - large)
        scaled = np.sqrt(large / (2 * pi)) * np.exp(-large * phi - _stirling_error(large)) / y
        nothing = (scipy.special.rgamma(a) == 0) | (_is_beyond(x) & np.isfinite(a))
        return np.where(usual, scaled, np.where(nothing, 0.0, direct))


def _is_beyond(x):
    """Tell where e^-x is 0, and x, maybe infinite, so large that its power by which it is multiplied may overflow."""
    return np.exp(-x) == 0


def _log_or_zero(x):
    return np.log(np.where(np.equal(x, 0) | np.isinf(stop_gradient(x)), 1.0, x))


def _density_by_a(a, x, out):
    none = np.equal(a, 0)
    slope = out * (_log_or_zero(x) - scipy.special.psi(np.where(none, 1.0, a)))
    return at_poles(none, slope, _density_by_a_near_zero, a, x)


def _density_by_a_near_zero(a, x):
    return gamma_density(a + 1, x) * (1 + a * (_log_or_zero(x) - scipy.special.psi(a + 1))) / x


def _density_by_x(a, x, out):
    zero = np.equal(x, 0)
    slope = out * ((a - 1.0) / np.where(zero, 1.0, x) - 1)
    return at_poles(zero, slope, lambda a, x: gamma_density(a - 1, x) - gamma_density(a, x), a, x)


elementwise(gamma_density, a=_density_by_a, x=_density_by_x)


@primitive("opreg_scipy.special.incomplete.gammainc_by_a")
def gammainc_by_a(a, x, /, *, n=1):
    """The n-th derivative by a of scipy.special.gammainc(a, x); by x it has that of the density

    The density is a E(a) / t for E = t^a e^-t / Gamma(a + 1), so its derivatives are a E^(n) + n E^(n - 1).
    """
    return as_inputs(lambda a, x: _in_rows(lambda a, x: _gamma_tail(a, x, n), a, x), a, x)


def _gamma_tail(a, x, n):
    usual = (a >= 0) & np.isfinite(a) & (x > 0) & np.isfinite(x)
    zero = (a >= 0) & ((x == 0) | np.isposinf(x))
    a, x = np.where(usual, a, 1.0), np.where(usual, x, 1.0)
    with np.errstate(all="ignore"):
        lower = (np.log(x) < scipy.special.psi(a)) | ((x < 0.05) & (-a * np.log(x) > 0.003))
        rate = np.where(
            lower,
            np.maximum(a - x, np.minimum(np.sqrt(a), a) / 2),
            np.maximum(np.maximum(1.0, np.sqrt(x)), x - a),
        )
        u = np.where(lower, -1.0, 1.0) / rate * _NODES
        large = a > 10
        direct = (
            np.power(x, np.where(large, 1.0, a))
            * np.exp(-x)
            * scipy.special.rgamma(np.where(large, 1.0, a) + 1)
        )
        direct = np.where(_is_beyond(x), 0.0, direct)
        front = np.where(large, x * _gamma_density(a, x) / a, direct)
        logarithm = np.log(x) + u - scipy.special.psi(a + 1)
        slopes = [-scipy.special.polygamma(i, a + 1) for i in range(1, n)]
        products = [_products(lambda i, _: slopes[i - 2] if i > 1 else logarithm, k) for k in (n, n - 1)]
        terms = _WEIGHTS * np.exp(a * u - x * np.expm1(u)) * (a * products[0] + n * products[1])
        total = np.sum(np.where(np.isfinite(terms), terms, 0.0), axis=-1, keepdims=True)
        found = np.where(lower, 1.0, -1.0) * front / rate * total
        if n == 1:  # Gamma(0, x), DLMF 8.4.4
            found = np.where(a == 0, -scipy.special.exp1(x), found)
    return np.where(usual, found, np.where(zero, 0.0, np.nan))


def _gamma_density_by_a(a, x, n):
    """Return the n-th derivative of the density by a."""

    def logarithms(i, _):
        return -gammas.polygamma(i - 1, a + 1.0) if i > 1 else _log_or_zero(x) - scipy.special.psi(a + 1.0)

    products = a * _products(logarithms, n) + n * _products(logarithms, n - 1)
    return gamma_density(a + 1.0, x) * products / np.where(np.equal(x, 0), 1.0, x)


elementwise(
    gammainc_by_a,
    a=lambda a, x, n: gammainc_by_a(a, x, n=n + 1),
    x=lambda a, x, n: _gamma_density_by_a(a, x, n),
)


@primitive("scipy.special.gammainc")
def gammainc(a, x, /):
    """P(a, x), the integral of t^(a - 1) e^-t / Gamma(a) from 0 to x (DLMF 8.2.4)"""
    return scipy.special.gammainc(a, x)


@primitive("scipy.special.gammaincc")
def gammaincc(a, x, /):
    """Q(a, x) = 1 - P(a, x)"""
    return scipy.special.gammaincc(a, x)


@primitive("scipy.special.gammaincinv")
def gammaincinv(a, y, /):
    """The x of P(a, x) = y: by y it has 1 over the density at x, by a -P_a(a, x) over it"""
    return scipy.special.gammaincinv(a, y)


@primitive("scipy.special.gammainccinv")
def gammainccinv(a, y, /):
    """The x of Q(a, x) = y: by y it has -1 over the density at x, by a -P_a(a, x) over it"""
    return scipy.special.gammainccinv(a, y)


elementwise(gammainc, a=lambda a, x: gammainc_by_a(a, x), x=lambda a, x: gamma_density(a, x))
elementwise(gammaincc, a=lambda a, x: -gammainc_by_a(a, x), x=lambda a, x: -gamma_density(a, x))


def _implicit(g, part, density):
    """Return -g part / density, and 0 where the function does not depend on the parameter."""
    fixed = np.equal(part, 0)
    return -g * (np.where(fixed, 0.0, part) / np.where(fixed, 1.0, density))


pointwise(
    gammaincinv,
    a=lambda g, a, out: _implicit(g, gammainc_by_a(a, out), gamma_density(a, out)),
    y=lambda g, a, out: g / gamma_density(a, out),
)
pointwise(
    gammainccinv,
    a=lambda g, a, out: _implicit(g, gammainc_by_a(a, out), gamma_density(a, out)),
    y=lambda g, a, out: -g / gamma_density(a, out),
)


def probability(rng, shape):
    """Return numbers of the open interval (0, 1)."""
    return np.asarray(rng.uniform(0.03, 0.97, shape))


for _function in gamma_density, gammainc_by_a, gammainc, gammaincc:
    _function.samples(pairs(moderate))
    _function.samples(beside_integers(moderate))
for _function in gammaincinv, gammainccinv:
    _function.samples(pairs(moderate, probability, same=False))


@gammaincinv.samples
@gammainccinv.samples
def _integers_first(rng):
    yield Sample((np.array([1, 2, 5]), probability(rng, (2, 3))), note="integers first")


@gammaincinv.samples
def _of_none(rng):
    yield Sample((np.ones(2), np.array([0.0, 0.4])), note="at zero")


@gammainccinv.samples
def _of_all(rng):
    yield Sample((np.ones(2), np.array([1.0, 0.4])), note="at zero")


@gammaincinv.samples
@gammainccinv.samples
def _of_large_parameters(rng):
    yield Sample((40 * moderate(rng, (3,)), probability(rng, (3,))), note="large a")


@gamma_density.samples
@gammainc_by_a.samples
@gammainc.samples
@gammaincc.samples
def _far_out(rng):
    yield Sample((np.array([20.0, 3.0, 0.05]), np.array([40.0, 0.2, 3.0])), note="in the tails")
    a = 50 * moderate(rng, (3,)) + 12
    yield Sample((a, a + np.sqrt(a) * rng.uniform(-2, 2, (3,))), note="large a")


@gamma_density.samples
@gammainc_by_a.samples
@gammainc.samples
@gammaincc.samples
def _at_the_edges(rng):
    yield Sample((np.array([0.0, 0.0, 2.5]), np.array([1.5, 0.3, 1.0])), note="of shape zero")
    yield Sample((np.array([2.0, 3.0, 4.5]), np.array([0.0, 0.0, 1.0])), note="at zero")


@gammainc_by_a.samples
def _again(rng):
    for n in (2, 3):
        yield Sample((moderate(rng, (2, 3)), moderate(rng, (3,))), {"n": n}, note="another derivative")


# -------------------------------------------------------------------------------------------------------- beta
@primitive("opreg_scipy.special.incomplete.beta_density")
def beta_density(a, b, x, /):
    """x^(a - 1) (1 - x)^(b - 1) / B(a, b)

    By x it has itself times (a - 1) / x - (b - 1) / (1 - x), by a itself times log x - psi(a) + psi(a + b), by b
    the same of 1 - x. It is computed by Stirling's formula, as gamma_density is for large a (Loader 2000).
    """
    return as_inputs(_beta_density, a, b, x)


def _beta_density(a, b, x):
    with np.errstate(all="ignore"):
        inside = (a > 0) & (b > 0) & (x > 0) & (x < 1)
        point = np.where(inside, x, 0.5)
        usual = _beta_front(np.where(inside, a, 1.0), np.where(inside, b, 1.0), point, 1 - point)
        whole = scipy.special.beta(a, b)
        at_end = np.power(x, a - 1) * np.power(1 - x, b - 1) / whole
        at_end = np.where((x == 0) | (x == 1), np.where(np.isinf(whole), 0.0, at_end), np.nan)
        within = (x >= 0) & (x <= 1)
        at_end = np.where(
            within & ((a == 0) & (b > 0) | (b == 0) & (a > 0)),
            0.0,
            np.where((a == 0) | (b == 0), np.nan, at_end),
        )
        return np.where(inside, usual / point / (1 - point), at_end)


def _beta_front(a, b, x, y):
    """Return x^a y^b / B(a, b) for x + y = 1."""
    excess = b * x - a * y
    exponent = a * _log_ratio((a + b) * x, a, excess) + b * _log_ratio((a + b) * y, b, -excess)
    errors = _stirling_error(a + b) - _stirling_error(a) - _stirling_error(b)
    return np.sqrt(a / (2 * pi) * (b / (a + b))) * np.exp(exponent + errors)


def _log1m_or_zero(x):
    return np.log1p(-np.where(np.equal(x, 1), 0.0, x))


def _shape_slope(a, b, x, out, logarithm):
    """Return the derivative of the density by a, whose factor in t has this logarithm, also at a = 0."""
    none = np.equal(a, 0)
    slope = out * (logarithm + gammas.hurwitz_difference(np.where(none, 1.0, a), b))
    return at_poles(none, slope, _shape_slope_near_zero, a, b, x)


def _shape_slope_near_zero(a, b, x):
    powers = np.power(x, a - 1) * np.power(1 - x, b - 1)
    return powers * _front_over_a(a, b) * (1 + a * _rise(a, b, x))


def _front_over_a(a, b):
    """Return 1 / (a B(a, b)), which is regular at a = 0."""
    return scipy.special.poch(b, a) * scipy.special.rgamma(1 + a)


def _rise(a, b, x):
    """Return the derivative by a of the logarithm of x^a / (a B(a, b))."""
    return np.log(x) + scipy.special.psi(a + b) - scipy.special.psi(1 + a)


def _beta_by_x(a, b, x, out):
    end = np.logical_or(np.equal(x, 0), np.equal(x, 1))
    inside = np.where(end, 0.5, x)
    slope = out * ((a - 1.0) / inside - (b - 1.0) / (1 - inside))
    return at_poles(end, slope, _beta_by_x_at_ends, a, b, x)


def _beta_by_x_at_ends(a, b, x):
    return (a + b - 1) * (beta_density(a - 1, b, x) - beta_density(a, b - 1, x))


elementwise(
    beta_density,
    a=lambda a, b, x, out: _shape_slope(a, b, x, out, _log_or_zero(x)),
    b=lambda a, b, x, out: _shape_slope(b, a, 1 - x, out, _log1m_or_zero(x)),
    x=_beta_by_x,
)


@primitive("opreg_scipy.special.incomplete.betainc_by_parameters")
def betainc_by_parameters(a, b, x, /, *, n=1, m=0):
    """The n-th derivative by a, m-th by b, of scipy.special.betainc(a, b, x); by x it has that of the density"""
    return as_inputs(
        lambda a, b, x: _in_rows(lambda a, b, x: _beta_by_parameters(a, b, x, n, m), a, b, x), a, b, x
    )


def _beta_by_parameters(a, b, x, n, m):
    usual = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a + b)
    end = (a > 0) & (b > 0) & ((x == 0) | (x == 1))
    a, b, x = np.where(usual, a, 1.0), np.where(usual, b, 1.0), np.where(usual, x, 0.5)
    with np.errstate(all="ignore"):
        lower = np.log(x) - np.log1p(-x) < scipy.special.psi(a) - scipy.special.psi(b)
        lower = (lower | _is_flat(a, b, x)) & ~_is_flat(b, a, 1 - x)
        found = _beta_tail(a, b, x, n, m, lower)
    return np.where(usual, found, np.where(end, 0.0, np.nan))


def _is_flat(a, b, x):
    """Tell where the density of log t changes so little near x, and so far on, that the nodes miss the change."""
    return (a < 0.5) & (x < 0.05) & (b * x < 1) & (-a * np.log(x) > 0.003)


def _beta_tail(a, b, x, n, m, lower):
    """Return the integral of a derivative of the density from 0 to x, or its negative from x to 1 where not lower.

    The variable is the distance from x of the logit of t. Toward 1 it is as toward 0 with 1 - t, 1 - x and b for t, x
    and a.
    """
    sign, near, power = np.where(lower, 1.0, -1.0), np.where(lower, x, 1 - x), np.where(lower, a, b)
    mean = (a + b) * near
    rate = np.maximum(power - mean, np.minimum(1.0, power))
    rate = np.maximum(rate, np.minimum(np.sqrt(mean * (1 - near)), power) / 2)
    s = _NODES / rate
    share = np.log1p(near * np.expm1(-s))
    by_a = np.log(x) + gammas.hurwitz_difference.forward(a, b) - share - np.where(lower, s, 0.0)
    by_b = np.log1p(-x) + gammas.hurwitz_difference.forward(b, a) - share - np.where(lower, 0.0, s)

    def logarithms(i, j):
        if i + j == 1:
            return by_a if i else by_b
        alone = (
            scipy.special.polygamma(i - 1, a)
            if j == 0
            else scipy.special.polygamma(j - 1, b)
            if i == 0
            else 0.0
        )
        return scipy.special.polygamma(i + j - 1, a + b) - alone

    terms = _WEIGHTS * np.exp(-power * s - (a + b) * share) * _products(logarithms, n, m)
    total = np.sum(np.where(np.isfinite(terms), terms, 0.0), axis=-1, keepdims=True)
    return sign * _beta_front(a, b, x, 1 - x) / rate * total


def _beta_density_by(a, b, x, n, m):
    """Return the n-th derivative by a, m-th by b, of the density."""

    def logarithms(i, j):
        if i + j == 1:
            return (
                _log_or_zero(x) + gammas.hurwitz_difference(a, b)
                if i
                else _log1m_or_zero(x) + gammas.hurwitz_difference(b, a)
            )
        if i and j:
            return gammas.polygamma(i + j - 1, a + b)
        return gammas.polygamma(i + j - 1, a + b) - gammas.polygamma(i + j - 1, a if i else b)

    return beta_density(a, b, x) * _products(logarithms, n, m)


elementwise(
    betainc_by_parameters,
    a=lambda a, b, x, n, m: betainc_by_parameters(a, b, x, n=n + 1, m=m),
    b=lambda a, b, x, n, m: betainc_by_parameters(a, b, x, n=n, m=m + 1),
    x=lambda a, b, x, n, m: _beta_density_by(a, b, x, n, m),
)


def _by_a(a, b, x):
    pole = np.logical_or(np.equal(a, 0), np.equal(b, 0))
    slope = betainc_by_parameters(np.where(pole, 1.0, a), np.where(pole, 1.0, b), x)
    return at_poles(pole, slope, _by_a_near_zero, a, b, x)


def _by_b(a, b, x):
    pole = np.logical_or(np.equal(a, 0), np.equal(b, 0))
    slope = betainc_by_parameters(np.where(pole, 1.0, a), np.where(pole, 1.0, b), x, n=0, m=1)
    return at_poles(pole, slope, lambda a, b, x: -_by_a_near_zero(b, a, 1 - x), a, b, x)


def _by_a_near_zero(a, b, x):
    """Return the derivative of I_x(a, b) by a from that at a + 1, or at b + 1 if b = 0 (DLMF 8.17.20, 8.17.21)."""
    none = np.equal(a, 0)
    above = betainc_by_parameters(np.where(none, a + 1, a), np.where(none, b, b + 1), x)
    first, second, point = np.where(none, a, 0.5), np.where(none, b, 0.5), np.where(none, x, 0.5)
    left = _power_product(first, second, point) * _rise(first, second, point)
    first, second = np.where(none, 0.5, a), np.where(none, 0.5, b)
    right = _power_product(second, first, 1 - x) * (
        _log_or_zero(x) + gammas.hurwitz_difference(first, second)
    )
    # The first derivative has a closed form, or is 0; those that follow are these.
    moving = np.where(none, above + left, above - right)
    fixed = stop_gradient(moving)
    return moving - fixed + np.where(none, _at_no_a(b, x, fixed), 0.0)


def _at_no_a(b, x, otherwise):
    """Return the derivative of I_x(a, b) by a at a = 0: less the integral of (1 - t)^(b - 1) / t from x to 1

    ``otherwise`` where x is so small that 1 - x loses it, or where SciPy does not find the hypergeometric function.
    """
    b, x = stop_gradient(b), stop_gradient(x)
    with np.errstate(all="ignore"):
        found = -np.power(1 - x, b) / b * scipy.special.hyp2f1(1.0, b, b + 1.0, 1 - x)
    return np.where((x > 0.1) & np.isfinite(found), found, otherwise)


def _power_product(a, b, x):
    """Return x^a (1 - x)^b / (a B(a, b))"""
    return np.power(x, a) * np.power(1 - x, b) * _front_over_a(a, b)


@primitive("scipy.special.betainc")
def betainc(a, b, x, /):
    """I_x(a, b), the integral of t^(a - 1) (1 - t)^(b - 1) / B(a, b) from 0 to x (DLMF 8.17.2)"""
    return scipy.special.betainc(a, b, x)


@primitive("scipy.special.betaincinv")
def betaincinv(a, b, y, /):
    """The x of I_x(a, b) = y: by y it has 1 over the density at x, by a and b the derivative of I_x over it, negated"""
    return scipy.special.betaincinv(a, b, y)


elementwise(betainc, a=_by_a, b=_by_b, x=lambda a, b, x: beta_density(a, b, x))


def _where_it_moves(x, derivative):
    """Return the derivative, 0 where SciPy, which does not let x underflow, keeps it at the least normal number."""
    x = stop_gradient(x)
    return np.where((x > 0) & (x <= np.finfo(np.result_type(x)).tiny), 0.0, derivative)


def _by_parameter(n, m):
    """Return the rule of an inverse by a (n = 1) or by b (m = 1): of I_x, or of 1 - I_x, it is the same."""
    return lambda g, a, b, out: _where_it_moves(
        out, _implicit(g, betainc_by_parameters(a, b, out, n=n, m=m), beta_density(a, b, out))
    )


pointwise(
    betaincinv,
    a=_by_parameter(1, 0),
    b=_by_parameter(0, 1),
    y=lambda g, a, b, out: _where_it_moves(out, g / beta_density(a, b, out)),
)


@primitive("scipy.special.betaincc")
def betaincc(a, b, x, /):
    """1 - I_x(a, b)"""
    return scipy.special.betaincc(a, b, x)


@primitive("scipy.special.betainccinv")
def betainccinv(a, b, y, /):
    """The x of 1 - I_x(a, b) = y, with the derivatives of betaincinv, negated by y"""
    return scipy.special.betainccinv(a, b, y)


elementwise(
    betaincc,
    a=lambda a, b, x: -_by_a(a, b, x),
    b=lambda a, b, x: -_by_b(a, b, x),
    x=lambda a, b, x: -beta_density(a, b, x),
)
pointwise(
    betainccinv,
    a=_by_parameter(1, 0),
    b=_by_parameter(0, 1),
    y=lambda g, a, b, out: _where_it_moves(out, -g / beta_density(a, b, out)),
)


def _of_three(rng):
    """Yield samples of a function of two parameters and a number of the interval (0, 1)."""
    for shapes in (
        ((2, 3), (2, 3), (2, 3)),
        ((3,), (2, 1), ()),
        ((), (2, 1), (3,)),
        ((), (), (2, 2)),
        ((0, 2), (2,), ()),
    ):
        first, second, third = shapes
        yield Sample((moderate(rng, first), moderate(rng, second), probability(rng, third)), note=f"{shapes}")
    yield Sample((2.5, 1.25, 0.4), note="Python floats")
    yield Sample((2, np.array([1, 3]), probability(rng, (2,))), note="beside integers")
    yield Sample((1.5, np.array([1.5, 3.5]), 0.75), note="a Python float last")
    singles = (moderate(rng, (3,)), moderate(rng, (3,)), probability(rng, (3,)))
    yield Sample(tuple(x.astype(np.float32) for x in singles), note="float32")
    both = moderate(rng, (3, 2))
    yield Sample((both.T, both.T, probability(rng, (2, 3))[::-1]), note="one array twice, views")
    yield Sample((40 * moderate(rng, (3,)), 30 * moderate(rng, (3,)), probability(rng, (3,))), note="large")


for _name in (
    "beta_density",
    "betainc_by_parameters",
    "betainc",
    "betaincinv",
    "betaincc",
    "betainccinv",
):
    globals()[_name].samples(_of_three)


_OF_SHAPE_ZERO = np.lib.NumpyVersion(scipy.__version__) >= "1.16.0"
if not _OF_SHAPE_ZERO:
    for _function in betainc, betaincc:
        for _what in "_by_a_near_zero", "-_by_a_near_zero(b, a, 1 - x)":
            _function.leave_unchecked(_what, "of a shape of zero this SciPy gives NaN")


@beta_density.samples
def _of_shape_zero(rng):
    shapes = np.array([0.0, 2.0, 0.0, 0.0]), np.array([1.5, 0.0, 3.5, 0.6])
    yield Sample((*shapes, np.array([0.3, 0.4, 0.8, 0.7])), note="of shape zero")


for _function in (betainc, betaincc) if _OF_SHAPE_ZERO else ():
    _function.samples(_of_shape_zero)


@beta_density.samples
@betainc.samples
@betaincc.samples
@betainc_by_parameters.samples
def _at_the_ends(rng):
    yield Sample((np.array([2.0, 3.25]), np.array([2.5, 2.0]), np.array([0.0, 1.0])), note="at the ends")


@betaincinv.samples
def _near_nothing(rng):
    yield Sample((0.0025, 0.00125, 0.0004), note="at the least number")


@betainccinv.samples
def _near_everything(rng):
    yield Sample((0.0025, 0.00125, 0.9996), note="at the least number")


@betainc_by_parameters.samples
def _again_of_beta(rng):
    for n, m in ((0, 1), (1, 1), (3, 0), (0, 2), (2, 1), (1, 2)):
        data = 1 + moderate(rng, (2, 3)), 1 + moderate(rng, (3,)), probability(rng, (3,))
        yield Sample(data, {"n": n, "m": m}, note="another derivative")


# -------------------------------------------------------------------------------------------- what no sample need show
_FILLER = "any number will do in the place of what is masked out"
_AT_ENDS = "at an end of the interval no difference quotient resolves it: it has a test of its own"
_AT_ZERO = "where a shape is 0 only second derivatives have it: they have a test of their own"
for _function in gamma_density, gammainc_by_a, beta_density:
    _function.waive_mutant("*", "1.0 -> 1.000001", _FILLER)
gamma_density.waive_mutant("a", "a + 1 -> ...", _AT_ZERO)
for _change in "gamma_density(a - 1, x) - gamma_density(a, x)", "gamma_density(a, x)":
    gamma_density.waive_mutant("x", f"{_change} -> ...", _AT_ENDS)
gammainc_by_a.waive_mutant(
    "x", "_products -> ...", "m is 0; the samples of betainc_by_parameters show the rest"
)
gammainc_by_a.waive_mutant("x", "np.where(np.equal(x, 0), 1.0, x) -> x", _AT_ENDS)
beta_density.waive_mutant("*", "_shape_slope_near_zero -> ...", _AT_ZERO)
beta_density.waive_mutant("*", "_rise -> ...", _AT_ZERO)
beta_density.waive_mutant("b", "_log1m_or_zero -> ...", _AT_ENDS)
beta_density.waive_mutant("x", "_beta_by_x -> ...", _AT_ENDS)
beta_density.waive_mutant("x", "_beta_by_x_at_ends -> ...", _AT_ENDS)
for _change in (
    "np.where(np.equal(x, 0), 1.0, x) -> x",
    "0 -> 1",
    "1.0 -> 1.000001",
    "np.where(np.equal(x, 1), 0.0, x) -> x",
    "0.0 -> 1e-06",
):
    betainc_by_parameters.waive_mutant("x", _change, _AT_ENDS)
betainc_by_parameters.waive_mutant("x", "1 -> 2", "a derivative more is computed than is asked for")
for _function in betainc, betaincc:
    for _change in (
        *(f"np.where(none, {name}, 0.5) -> {name}" for name in "abx"),
        "np.where(none, 0.5, b) -> b",
        "0.5 -> 0.5000005",
        "1.0 -> 1.000001",
    ):
        _function.waive_mutant("*", _change, _FILLER)
    _function.waive_mutant("*", "_log_or_zero -> ...", _AT_ENDS)
    _function.waive_mutant(
        "*", "_at_no_a -> ...", "what stands in for it is nearly as good: its digits have a test of their own"
    )
for _function in gammaincinv, gammainccinv, betaincinv, betainccinv:
    _function.waive_mutant("a", "np.where(fixed, 0.0, part) -> part", "part is 0 there")
    _function.waive_mutant("a", "1.0 -> 1.000001", _FILLER)
for _function in betaincinv, betainccinv:
    for _change in (
        "x > 0 -> x >= 0",
        "(x > 0) & (x <= np.finfo(np.result_type(x)).tiny) -> x <= np.finfo(np.result_type(x)).tiny",
    ):
        _function.waive_mutant("*", _change, _AT_ENDS)
    _function.waive_mutant(
        "*",
        "x <= np.finfo(np.result_type(x)).tiny -> x < np.finfo(np.result_type(x)).tiny",
        "where x stays it is less than the least normal number, or that",
    )
    for _change in "m=m", "n=n":
        _function.waive_mutant(
            "a",
            f"betainc_by_parameters(a, b, out, n=n, m=m) -> betainc_by_parameters(a, b, out, {_change})",
            "by a they are what they are without",
        )
for _change in "0 -> 1", "np.where(fixed, 1.0, density) -> density":
    gammainccinv.waive_mutant("a", _change, _AT_ENDS)
