"""Gamma and beta functions, and what is made of them.

The derivatives of products and quotients of gamma functions are differences of digamma functions, which cancel where
the arguments are close or far apart in magnitude: :data:`hurwitz_difference` is computed without that. What is no
polygamma function is a derivative of the Hurwitz zeta function by its exponent, by the formula of Euler and Maclaurin
(DLMF 25.11.5), which serves for complex arguments too.
"""

from __future__ import annotations

from math import factorial, pi

import numpy as np
import scipy

from opreg import NotDifferentiable, Sample, elementwise, is_traced, primitive, stop_gradient
from opreg_numpy._rules import NO_OUT
from opreg_numpy._samples import beside_integers, nonzero, normal, pairs, positive, single, unary

_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6),
    *(-3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730),
)
_EULER_MACLAURIN = [b / factorial(2 * j) for j, b in enumerate(_BERNOULLI, 1)]


def between_integers(rng, shape):
    """Return numbers of either sign, none near a pole of the gamma function."""
    return np.asarray(rng.integers(-4, 5, shape) + rng.uniform(0.2, 0.8, shape))


def moderate(rng, shape):
    """Return positive numbers between 0.2 and 6."""
    return np.asarray(rng.uniform(0.2, 6.0, shape))


def refuse_traced(name, argument, value, instead):
    """Raise if an argument without derivative is traced: a zero in its place would be silent, and wrong."""
    if is_traced(value):
        raise NotDifferentiable(
            f"{name} is not differentiated with respect to {argument!r}: {instead}. Pass "
            f"opreg.stop_gradient({argument}) if that derivative is not wanted"
        )


def as_inputs(compute, *data):
    """Return ``compute`` of the data in double precision, of the precision of the data."""
    kind = np.result_type(*data)
    wide = np.complex128 if kind.kind == "c" else np.float64
    out = compute(*np.broadcast_arrays(*(np.asarray(x, wide) for x in data)))
    return out.astype(kind if kind in (np.float32, np.complex64) else wide)[()]


# ------------------------------------------------------------------------------- Euler and Maclaurin's formula
def _shift(s, *bases):
    """Return by how many steps the bases are moved to where the formula's twelve terms suffice.

    What is infinite or NaN remains so, moved by any number of steps, and has no say in how far the others are moved.
    """
    least = min(float(np.min(np.real(b), initial=np.inf, where=np.isfinite(b))) for b in bases)
    return max(0, int(np.ceil(10 + s / 2 - least))) if np.isfinite(least) else 0


def _tail_weights(s):
    """Yield the powers p and weights w with sum over k >= 0 of (x + k)^-s ~ x^(1-s) / (s-1) + sum of w x^-p."""
    yield s, 0.5
    rising = s
    for j, b in enumerate(_EULER_MACLAURIN):
        yield s + 2 * j + 1, b * rising
        rising *= (s + 2 * j + 1) * (s + 2 * j + 2)


@primitive("opreg_scipy.special.gamma.hurwitz")
def hurwitz(z, /, *, s=2):
    """zeta(s, z) = sum over k >= 0 of (z + k)^-s for an integer s > 1 and complex z, with the slope -s zeta(s + 1, z)

    DLMF 25.11.5; left of the imaginary axis the sum has as many terms more.
    """
    if not np.iscomplexobj(z):
        return scipy.special.zeta(s, z)

    def compute(z):
        with np.errstate(divide="ignore", invalid="ignore"):
            total, steps = np.zeros_like(z), _shift(s, z)
            for k in range(steps):
                total += (z + k) ** -s
            z = z + steps
            return total + z ** (1 - s) / (s - 1) + sum(w * z**-p for p, w in _tail_weights(s))

    return as_inputs(compute, z)


elementwise(hurwitz, z=lambda z, s: -s * hurwitz(z, s=s + 1))


@hurwitz.samples
def _zetas(rng):
    for draw in (moderate, between_integers):
        yield from unary(draw, complex=True)(rng)
    for s in (3, 5):
        yield Sample((moderate(rng, (3,)),), {"s": s}, note="another exponent")
        yield Sample(
            (moderate(rng, (3,)) + 1j * normal(rng, (3,)),), {"s": s}, note="another exponent, complex"
        )


@primitive("opreg_scipy.special.gamma.hurwitz_difference")
def hurwitz_difference(a, b, /, *, s=1):
    """Sum over k >= 0 of (a + k)^-s - (a + b + k)^-s, which is psi(a + b) - psi(a) for s = 1

    and zeta(s, a) - zeta(s, a + b) for integers s > 1. By a: -s times itself at s + 1; by b: s zeta(s + 1, a + b).
    Each difference of powers is -(a + k)^-s expm1(-s log1p(b / (a + k))), and so are those of the tail: nothing
    cancels. Where a or a + b is not positive the two functions are subtracted.
    """
    return as_inputs(lambda a, b: _difference(a, b, s), a, b)


def _difference(a, b, s):
    usual = (a > 0) & (a + b > 0) & np.isfinite(a) & np.isfinite(b)
    base, step = np.where(usual, a, 1.0), np.where(usual, b, 0.0)
    steps = _shift(s, base, base + step)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = sum((_of_powers(base + k, step, s) for k in range(steps)), np.zeros_like(base))
        base = base + steps
        total = total + (np.log1p(step / base) if s == 1 else _of_powers(base, step, s - 1) / (s - 1))
        for p, w in _tail_weights(s):
            total = total + w * _of_powers(base, step, p)
        plain = (
            scipy.special.psi(a + b) - scipy.special.psi(a)
            if s == 1
            else scipy.special.zeta(s, a) - scipy.special.zeta(s, a + b)
        )
    return np.where(usual, total, plain)


def _of_powers(x, step, p):
    """Return x^-p - (x + step)^-p"""
    return -(x**-p) * np.expm1(-p * np.log1p(step / x))


elementwise(
    hurwitz_difference,
    a=lambda a, b, s: -s * hurwitz_difference(a, b, s=s + 1),
    b=lambda a, b, s: s * hurwitz(a + b, s=s + 1),
)


@hurwitz_difference.samples
def _differences(rng):
    yield from pairs(moderate)(rng)
    yield from pairs(between_integers, same=False)(rng)
    yield Sample((1e4 * moderate(rng, (3,)), 1e-3 * moderate(rng, (3,))), note="far apart")
    yield Sample((moderate(rng, (2, 3)), moderate(rng, (3,))), {"s": 2}, note="another exponent")


# ------------------------------------------------------------------------------------------ gamma functions
@primitive("scipy.special.gamma")
def gamma(x, /):
    """Gamma(x), with the derivative Gamma(x) psi(x) (DLMF 5.2.2)"""
    return scipy.special.gamma(x)


elementwise(gamma, x=lambda x, out: out * scipy.special.psi(x))


@primitive("scipy.special.gammaln")
def gammaln(x, /):
    """log |Gamma(x)|, with the derivative psi(x)"""
    return scipy.special.gammaln(x)


elementwise(gammaln, x=lambda x: scipy.special.psi(x))


@primitive("scipy.special.loggamma")
def loggamma(x, /):
    """The principal branch of log Gamma(x), with the derivative psi(x); negative real numbers have none"""
    return scipy.special.loggamma(x)


elementwise(loggamma, x=lambda x: scipy.special.psi(x))


@primitive("scipy.special.rgamma")
def rgamma(x, /):
    """1 / Gamma(x), with the derivative -psi(x) / Gamma(x)

    Near the poles of psi it is by reflection (DLMF 5.5.3) Gamma(1 - x) (cos pi x - psi(1 - x) sin(pi x) / pi),
    exact where x is 0 or a negative integer.
    """
    return scipy.special.rgamma(x)


def rgamma_slope(x):
    whole = np.minimum(np.rint(np.real(x)), 0.0)
    near = np.less(np.absolute(x - whole), 0.4)
    offset = np.where(near, x - whole, 0.25)
    sign = 1 - 2 * np.remainder(whole, 2.0)
    mirrored = 1 - whole - offset
    slope = np.cos(pi * offset) - scipy.special.psi(mirrored) * np.sin(pi * offset) / pi
    far = np.where(near, 0.5, x)
    return np.where(
        near,
        sign * scipy.special.gamma(mirrored) * slope,
        -scipy.special.psi(far) * scipy.special.rgamma(far),
    )


elementwise(rgamma, x=rgamma_slope)


@primitive("scipy.special.gammasgn")
def gammasgn(x, /):
    """The sign of Gamma(x)"""
    return scipy.special.gammasgn(x)


gammasgn.not_differentiable("it is constant between its jumps")
gammasgn.samples(unary(between_integers))


@primitive("scipy.special.digamma", aliases=("scipy.special.psi",))
def digamma(x, /):
    """psi(x), the derivative of log Gamma(x), with the derivative psi'(x) = zeta(2, x)"""
    return scipy.special.psi(x)


elementwise(digamma, x=lambda x: hurwitz(x))

gamma.samples(unary(between_integers, complex=True, also=(25.5,)))
gammaln.samples(unary(between_integers, also=(1e10, 1e-10)))
loggamma.samples(unary(moderate, complex=True, also=(1e10,)))
rgamma.samples(unary(between_integers, complex=True, also=(0.0, np.array([-1.0, -2.0, 1e-9, 3.0, 4.0]), 0j)))
digamma.samples(unary(between_integers, complex=True, also=(1e5, 1e-4)))


@loggamma.samples
@digamma.samples
@gamma.samples
@rgamma.samples
def _off_the_axis(rng):
    yield Sample((between_integers(rng, (3,)) + 1j * nonzero(rng, (3,)),), note="complex")
    yield Sample((moderate(rng, (3,)) + 8j * nonzero(rng, (3,)),), note="complex")


@primitive("scipy.special.polygamma")
def polygamma(n, x, /):
    """The n-th derivative of psi at x, for integers n >= 0, with the derivative polygamma(n + 1, x)"""
    return scipy.special.polygamma(n, x)


@polygamma.called_as
def _(n, x):
    refuse_traced("scipy.special.polygamma", "n", n, "it counts derivatives and is an integer")
    return (n, x), {}


elementwise(polygamma, x=lambda n, x: polygamma(n + np.int64(1), x))
polygamma.not_differentiable(n="it counts derivatives and is an integer")


@polygamma.samples
def _polygammas(rng):
    for shape in ((2, 3), (), (0, 2)):
        for n in (0, 1, 2):
            yield Sample((n, between_integers(rng, shape)), note="a Python int")
    yield Sample((np.array([0, 1, 4]), moderate(rng, (2, 3))), note="several orders")
    yield Sample((np.array([[1], [2]], np.uint8), moderate(rng, (3,))), note="broadcasts")
    yield Sample((3, 1.25), note="a Python float")
    yield Sample((1, single(rng, (3,)) ** 2 + 1), note="float32")
    yield Sample((1, np.array([1e-3, 1e4])), note="small and large")


# ------------------------------------------------------------------------------------------- beta functions
@primitive("scipy.special.beta")
def beta(a, b, /):
    """Gamma(a) Gamma(b) / Gamma(a + b): by a it has B(a, b) (psi(a) - psi(a + b)) (DLMF 5.12.1)"""
    return scipy.special.beta(a, b)


@primitive("scipy.special.betaln")
def betaln(a, b, /):
    """log |B(a, b)|: by a it has psi(a) - psi(a + b)"""
    return scipy.special.betaln(a, b)


def _beta_slope(a, b, out):
    pole = _is_pole(a + b)
    slope = -out * hurwitz_difference(np.where(pole, 1.0, a), np.where(pole, 1.0, b))
    return at_poles(pole, slope, _beta_slope_at_pole, a, b)


def _gammas(a, b):
    """Gamma(a) Gamma(b), by logarithms where one of them is out of range"""
    found = scipy.special.gamma(a) * scipy.special.gamma(b)
    plain = stop_gradient(found)
    within = np.isfinite(plain) & (np.absolute(plain) > np.finfo(plain.dtype).tiny)
    if np.all(within):
        return found
    sign = scipy.special.gammasgn(stop_gradient(a)) * scipy.special.gammasgn(stop_gradient(b))
    near_a, near_b = np.where(within, a, 1.0), np.where(within, b, 1.0)
    far_a, far_b = np.where(within, 1.0, a), np.where(within, 1.0, b)
    return np.where(
        within,
        scipy.special.gamma(near_a) * scipy.special.gamma(near_b),
        sign * np.exp(scipy.special.gammaln(far_a) + scipy.special.gammaln(far_b)),
    )


def _beta_slope_at_pole(a, b):
    """Return Gamma(a) Gamma(b) times (-1)^n n!, the slope of 1 / Gamma at a + b = -n; by logarithms if need be."""
    with np.errstate(all="ignore"):
        slope = _gammas(a, b) * _falling(a + b, a)
    if np.all(np.isfinite(slope)):
        return slope
    a, b = stop_gradient(a), stop_gradient(b)
    n = -(a + b)
    size = np.exp(scipy.special.gammaln(a) + scipy.special.gammaln(b) + scipy.special.gammaln(1 + n))
    sign = scipy.special.gammasgn(a) * scipy.special.gammasgn(b) * (1 - 2 * np.remainder(n, 2.0))
    return np.where(np.isfinite(slope), slope, sign * size)


elementwise(beta, a=lambda a, b, out: _beta_slope(a, b, out), b=lambda a, b, out: _beta_slope(b, a, out))
elementwise(betaln, a=lambda a, b: -hurwitz_difference(a, b), b=lambda a, b: -hurwitz_difference(b, a))
for _function in beta, betaln:
    _function.samples(pairs(moderate))
    _function.samples(beside_integers(moderate))


@beta.samples
@betaln.samples
def _uneven(rng):
    yield Sample((30 * moderate(rng, (3,)), 0.1 * moderate(rng, (3,))), note="far apart")
    yield Sample((np.array([1.3, 2.7]), np.array([-0.6, -1.2])), note="negative")


@beta.samples
def _at_zeros(rng):
    away = 2.0**-11  # a thousand times of which is no integer either
    a = np.array([0.5, 1.25]) + away
    yield Sample((a, np.array([0.0, -2.0]) - a), note="where a + b is a pole")
    for first, second in (
        ((173.25, 180.25), (-174.25, -183.25)),
        ((172.25, 175.5), (-173.25, -175.5)),
        ((1.25, 172.25), (-2.25, -173.25)),
    ):
        yield Sample((np.array(first) + away, np.array(second) - away), note="where a + b is a pole, far out")


@primitive("scipy.special.multigammaln")
def multigammaln(a, /, *, d):
    """log of the multivariate gamma function of dimension d: the sum of psi(a - j / 2), j < d, is its derivative

    DLMF 35.3.4.
    """
    return scipy.special.multigammaln(a, d)


elementwise(multigammaln, a=lambda a, d: sum(scipy.special.psi(a - j / 2) for j in range(int(d))))


@multigammaln.samples
def _of_dimensions(rng):
    for d in (1, 2, 3, 6):
        yield Sample((2.6 + moderate(rng, (2, 3)), d), note=f"{d} dimensions")
    yield Sample((3.5, np.int64(4)), note="a Python float")
    yield Sample((3 + single(rng, (3,)) ** 2, 3), note="float32")
    yield Sample((3.0 + moderate(rng, (2, 0)),), {"d": 2}, note="empty")


# ------------------------------------------------------------------------------------- factorials, binomials
@primitive("scipy.special.poch")
def poch(z, m, /):
    """Gamma(z + m) / Gamma(z): by z it has poch (psi(z + m) - psi(z)), by m poch psi(z + m) (DLMF 5.2.5)

    Where z is 0 or a negative integer psi(z) has a pole: by z the derivative is Gamma(z + m) (1 / Gamma)'(z), or
    if z + m is such a number too, which the polynomial of degree m reaches, that of the mirrored
    (-1)^m poch(1 - z - m, m). There poch is not continuous in m, by which it has NaN.
    """
    return scipy.special.poch(z, m)


def _by_base(z, m, out):
    pole, mirrored = _is_pole(z), _is_pole(z + m)
    both, alone = np.logical_and(pole, mirrored), np.logical_and(pole, np.logical_not(mirrored))
    base = np.where(both, 1 - z, np.where(alone, 1.0, z))
    slope = out * hurwitz_difference(base, np.where(both, -m, np.where(alone, 1.0, m)))
    return at_poles(alone, slope, lambda z, m: scipy.special.gamma(z + m) * _falling(z, z + m), z, m)


def _by_length(z, m, out):
    pole, mirrored = _is_pole(z), _is_pole(z + m)
    slope = out * scipy.special.psi(z + m)
    return np.where(np.logical_and(pole, mirrored), np.nan, slope)


def _is_pole(x):
    return np.logical_and(np.less_equal(x, 0), np.equal(x, np.rint(x)))


def at_poles(poles, slope, exact, *data):
    """Return ``exact`` of the data at poles, which a factor 1 / Gamma makes zeros, and elsewhere the slope."""
    if not np.any(poles):
        return slope
    return np.where(poles, exact(*(np.where(poles, x, 0.5) for x in data)), slope)


def _falling(x, y):
    """Return the derivative of Gamma(y) / Gamma(x) by both, over Gamma(y)."""
    return scipy.special.psi(y) * scipy.special.rgamma(x) + rgamma_slope(x)


elementwise(poch, z=_by_base, m=_by_length)
poch.samples(pairs(moderate))
poch.samples(beside_integers(moderate))


@poch.samples
def _rising(rng):
    yield Sample((-0.35 - moderate(rng, (3,)) // 1, 0.2 + moderate(rng, (3,)) // 1), note="negative")
    yield Sample((np.array([0.0, -1.0, -2.0]), np.array([1, 3, 4])), note="at the poles")
    yield Sample((np.array([-3.0, -4.0, -4.0]), np.array([2, 1, 3])), note="between the poles")
    yield Sample((np.array([0.0, -2.0]), np.array([1.3, 3.6])), note="at the poles, by any length")
    yield Sample((50 * moderate(rng, (3,)), 0.1 * moderate(rng, (3,))), note="far apart")


@primitive("scipy.special.binom")
def binom(n, k, /):
    """n over k: by n it has binom (psi(n + 1) - psi(n - k + 1)), by k binom (psi(n - k + 1) - psi(k + 1))

    DLMF 1.2.6. Where k or n - k is a negative integer j, binom is 0 and these have a pole; there by reflection it is
    -sin(pi j) B(n + 1, -j) / pi.
    """
    return scipy.special.binom(n, k)


def _binom_by_n(n, k, out):
    rest = 1.0 + n - k
    pole = np.logical_and(_is_pole(rest), np.not_equal(k, 0))
    slope = out * hurwitz_difference(np.where(_is_pole(rest), 1.0, rest), np.where(pole, 1.0, k))
    return at_poles(pole, slope, lambda n, k: _by_both(n, n - k), n, k)


def _binom_by_k(n, k, out):
    first = 1.0 + k
    below, above = _is_pole(first), _is_pole(1.0 + n - k)
    pole = np.logical_or(below, above)
    slope = out * hurwitz_difference(np.where(pole, 1.0, first), np.where(pole, 1.0, n - 2.0 * k))
    slope = at_poles(below, slope, _by_lower, n, k)
    return at_poles(above, slope, lambda n, k: -_by_lower(n, n - k), n, k)


def _by_lower(n, j):
    """Return the derivative by j of -sin(pi j) B(n + 1, -j) / pi, which is n over j and regular left of 0."""
    cotangent = np.cos(pi * j) + np.sin(pi * j) / pi * hurwitz_difference(-j, 1 + n)
    return -scipy.special.beta(1 + n, -j) * cotangent


def _by_both(n, j):
    """Return the sum of the derivatives by n and by j of the same."""
    by_n = scipy.special.psi(1 + n) - scipy.special.psi(1 + n - j)
    return _by_lower(n, j) - scipy.special.beta(1 + n, -j) * np.sin(pi * j) / pi * by_n


elementwise(binom, n=_binom_by_n, k=_binom_by_k)


@primitive("scipy.special.comb")
def comb(n, k, /, *, repetition=False):
    """n over k for 0 <= k <= n, else 0, with the derivatives of scipy.special.binom

    With repetition it is n + k - 1 over k. ``exact=True`` counts with integers and has no derivative.
    """
    return scipy.special.comb(n, k, repetition=repetition)


@comb.called_as
def _(N, k, *, exact=False, repetition=False):
    if exact:
        raise NotDifferentiable(
            "scipy.special.comb with exact=True counts with integers, which have no derivative. Use exact=False"
        )
    return (N, k), {"repetition": repetition}


comb.leave_unchecked("exact", "it is refused: it counts with integers")


def _comb_by_n(n, k, out, repetition):
    if repetition:
        return _binom_by_n(n + k - 1.0, k, out)
    n, k = _inside(n, k)
    return out * hurwitz_difference(1.0 + n - k, k)


def _comb_by_k(n, k, out, repetition):
    if repetition:
        below = _is_pole(1.0 + k)
        slope = out * hurwitz_difference(np.where(below, 1.0, 1.0 + k), np.where(below, 1.0, n - 1.0))
        return at_poles(below, slope, lambda n, k: _by_both(n + k - 1, k), n, k)
    n, k = _inside(n, k)
    return out * hurwitz_difference(1.0 + k, n - 2.0 * k)


def _inside(n, k):
    """Return n and k, and 1 and 0 where comb is 0 because k is not between 0 and n."""
    inside = np.logical_and(np.less_equal(0, k), np.less_equal(k, n))
    return np.where(inside, n, 1.0), np.where(inside, k, 0.0)


elementwise(comb, n=_comb_by_n, k=_comb_by_k)
_COUNTS_FEW = np.lib.NumpyVersion(scipy.__version__) >= "1.17.0"
if not _COUNTS_FEW:
    comb.leave_unchecked("_by_both(n + k - 1, k)", "of n < 1 with repetition this SciPy counts nothing")


@binom.samples
@comb.samples
def _of_many(rng):
    for left, right in (((2, 3), (2, 3)), ((3,), (2, 1)), ((), ()), ((0, 2), (2,))):
        n = 4.0 + moderate(rng, left)
        yield Sample((n, rng.uniform(0.3, 3.7, right)), note="between integers")
    yield Sample((6.5, 2.25), note="two Python floats")
    yield Sample((9.5 + single(rng, (3,)), 2.0 + single(rng, (3,)) / 9), note="float32")
    yield Sample((np.array([5, 6]), np.array([1.5, 3.2])), note="of integers")
    yield Sample((np.array([5.5, 7.25]), np.array([2, 3])), note="beside integers")
    yield Sample((100 * moderate(rng, (3,)) + 9, np.array([0.5, 2.0, 4.5])), note="of many")


@binom.samples
def _of_none(rng):
    yield Sample((np.array([5.5, 0.0]), np.array([-1.0, 2.0])), note="where one factor is zero")
    yield Sample((np.array([5.5, 2.25]), np.array([7.5, 5.25])), note="where the other is")
    yield Sample((np.array([5.5, 1.25]), np.array([-3.0, 5.25])), note="where either is")


@comb.samples
def _repeated(rng):
    yield Sample(
        (1.5 + moderate(rng, (2, 3)), moderate(rng, (3,))), {"repetition": True}, note="with repetition"
    )
    if _COUNTS_FEW:
        yield Sample((np.array([0.0, 2.0]), np.array([2.0, 3.5])), {"repetition": True}, note="of none")
        yield Sample((np.array([1.3, 2.5]), np.array([-1.0, -2.0])), {"repetition": True}, note="below zero")
    yield Sample((np.array([2.5, 3.5]), np.array([3.2, 5.1])), note="of too few")


# --------------------------------------------------------------------------------------------- zeta functions
@primitive("opreg_scipy.special.gamma.zeta_derivative")
def zeta_derivative(x, q, /, *, n=1, m=0):
    """The n-th derivative by x and m-th by q of zeta(x, q) = sum over k >= 0 of (q + k)^-x, for q > 0

    By Euler and Maclaurin's formula (DLMF 25.11.5) for the m-th derivative by q, (-1)^m (x)_m zeta(x + m, q), of which
    every term is a power series in x, cut after n + 1 terms.
    """
    return as_inputs(lambda x, q: _zeta_series(x, q, n, m), x, q)


def _zeta_series(x, q, n, m):
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        one = [np.ones_like(x), *(np.zeros_like(x) for _ in range(n))]
        rising, below = one, [(-1) ** i / (x - 1) ** (i + 1) for i in range(n + 1)]
        for i in range(m):
            rising, below = _times_linear(rising, x + i), rising
        largest = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
        steps = _shift(min(largest + m, 200.0), np.real(q))
        total = [np.zeros_like(x + q) for _ in range(n + 1)]
        for k in range(steps):
            total = _plus(total, _powers(q + k, x + m, n))
        base = q + steps
        total = _plus(total, [0.5 * c for c in _powers(base, x + m, n)])
        total = _plus(_times(rising, total), _times(below, _powers(base, x + m - 1, n)))
        for j, b in enumerate(_EULER_MACLAURIN):
            p = x + m + 2 * j
            rising = _times_linear(rising, p)
            total = _plus(total, [b * c for c in _times(rising, _powers(base, p + 1, n))])
            rising = _times_linear(rising, p + 1)
        return np.where(np.real(q) > 0, (-1) ** m * total[n] * factorial(n), np.nan)


def _powers(base, x, n):
    """Return base^-(x + e) as a power series in e."""
    logarithm, power = -np.log(base), base**-x
    return [power * logarithm**i / factorial(i) for i in range(n + 1)]


def _plus(a, b):
    """Return the sum of two power series."""
    return [x + y for x, y in zip(a, b, strict=True)]


def _times(a, b):
    """Return the product of two power series."""
    return [sum(a[i] * b[n - i] for i in range(n + 1)) for n in range(len(a))]


def _times_linear(a, x):
    """Return the product of a power series with x + e."""
    return [x * here + before for here, before in zip(a, [0.0, *a[:-1]], strict=True)]


elementwise(
    zeta_derivative,
    x=lambda x, q, n, m: zeta_derivative(x, q, n=n + 1, m=m),
    q=lambda x, q, n, m: zeta_derivative(x, q, n=n, m=m + 1),
)


@primitive("scipy.special.zeta")
def zeta(x, q, /):
    """sum over k >= 0 of (q + k)^-x: by q it has -x zeta(x + 1, q) (DLMF 25.11.17), by x no closed form: see

    :data:`zeta_derivative`. With one argument it is Riemann's, whose derivative left of -1/2 is by reflection (DLMF
    25.4.1) that at 1 - x.
    """
    return scipy.special.zeta(x) if q is None else scipy.special.zeta(x, q)


zeta.called_like(lambda x, q=None, out=None: ..., **NO_OUT)


def _zeta_by_x(x, q):
    if q is not None:
        return zeta_derivative(x, q)
    left = np.less(np.real(x), -0.5)
    right = zeta_derivative(np.where(left, 2.0, x), 1.0)
    return np.where(left, _zeta_mirrored(np.where(left, x, -1.0)), right) if np.any(left) else right


def _zeta_mirrored(x):
    """Return the derivative of zeta(x) = 2 (2 pi)^(x - 1) sin(pi x / 2) Gamma(1 - x) zeta(1 - x).

    Gamma(1 - x), which overflows before zeta does, by its two halves (DLMF 5.5.5).
    """
    value, slope = (zeta_derivative(1 - x, 1.0, n=n) for n in (0, 1))
    sine, cosine = np.sin(pi / 2 * x), np.cos(pi / 2 * x)
    lower, upper = (1 - x) / 2, (2 - x) / 2
    front = (
        np.power(pi, -lower)
        * scipy.special.gamma(lower)
        * (np.power(pi, -upper) * scipy.special.gamma(upper))
    )
    steady = (np.log(2 * pi) - scipy.special.psi(1 - x)) * value - slope
    return front * (sine * steady + pi / 2 * cosine * value)


elementwise(zeta, x=_zeta_by_x, q=lambda x, q: -x * zeta(x + 1.0, q))


def _takes_complex():
    """Tell whether this SciPy has zeta of complex numbers, as from 1.15 on."""
    try:
        scipy.special.zeta(2j)
    except TypeError:
        return False
    return True


def _exponents(rng, shape):
    return np.asarray(1.2 + rng.exponential(3.0, shape))


@zeta.samples
@zeta_derivative.samples
def _hurwitz(rng):
    yield from pairs(_exponents, positive)(rng)
    yield from beside_integers(_exponents, first=False)(rng)
    yield Sample((np.array([3, 2]), moderate(rng, (2,))), note="integers first")


@zeta_derivative.samples
def _several_times(rng):
    for n, m in ((0, 0), (2, 0), (1, 1), (0, 2)):
        yield Sample(
            (_exponents(rng, (2, 3)), positive(rng, (3,))), {"n": n, "m": m}, note="another derivative"
        )


@zeta.samples
def _riemann(rng):
    yield from unary(_exponents)(rng)
    yield Sample((np.array([-0.4, 0.0, 0.3, 0.7]),), note="left of the pole")
    yield Sample((-0.6 - 2 * moderate(rng, (2, 3)),), note="mirrored")
    yield Sample((np.array([-2.0, -3.0, -4.0, 5.0]),), note="at zeros")
    if _takes_complex():
        yield Sample((1.5 + moderate(rng, (3,)) + 3j * normal(rng, (3,)),), note="complex")
        yield Sample((np.array([0.5 + 14j, -1.5 + 2j, -4 - 1j]),), note="complex, left")


# -------------------------------------------------------------------------------------------- what no sample need show
_MASKED = "it is masked out, and only keeps NaN out of second derivatives"
_REFLECTED = "left of 0, and at 1, the formula by reflection is right everywhere"
_AT_POLES = "it has a factor of 0 at poles: second derivatives there have a test of their own"
for _function in beta, poch:
    _function.waive_mutant("*", "rgamma_slope -> ...", "the samples of scipy.special.rgamma show it")
    _function.waive_mutant("*", "0 -> 1", _REFLECTED)
beta.waive_mutant("*", "_falling -> ...", "the samples of scipy.special.poch show it")
for _change in "np.where(pole, 1.0, a)", "np.where(pole, 1.0, b)":
    beta.waive_mutant("*", f"{_change} -> ...", _MASKED)
for _helper in "_gammas", "_beta_slope_at_pole":
    beta.waive_mutant(
        "*", f"{_helper} -> ...", "at zeros far out no sample decides: tests compare them with mpmath"
    )
beta.waive_mutant("*", "at_poles -> ...", "the samples of scipy.special.rgamma show it")
for _function in beta, poch, binom, comb:
    _function.waive_mutant("*", "0.5 -> 0.5000005", _MASKED)
    _function.waive_mutant("*", "1.0 -> 1.000001", _MASKED)
poch.waive_mutant("*", "np.where(poles, x, 0.5) -> x", _MASKED)
for _change in "np.where(alone, 1.0, z)", "np.where(alone, 1.0, m)":
    poch.waive_mutant("z", f"{_change} -> ...", _MASKED)
poch.waive_mutant("z", "z + m -> m", _AT_POLES)
for _change in (
    "scipy.special.psi(y) * scipy.special.rgamma(x) + rgamma_slope(x) -> rgamma_slope(x)",
    "scipy.special.psi(y) * scipy.special.rgamma(x) -> scipy.special.rgamma(x)",
    "scipy.special.psi(y) -> y",
):
    poch.waive_mutant("z", _change, _AT_POLES)
poch.waive_mutant(
    "z", "np.logical_and(pole, mirrored) -> ...", "poch is mirrored at z alone too: it is 0 there"
)
for _change in "_is_pole(z)", "z + m", "np.where(np.logical_and(pole, mirrored), np.nan, slope)":
    poch.waive_mutant(
        "m", f"{_change} -> ...", "where poch is not continuous no difference quotient tells NaN from it"
    )
for _function in binom, comb:  # some of these are found by luck, on some seeds
    _function.waive_mutant("*", "_is_pole -> ...", _REFLECTED)
    _function.waive_mutant("*", "_by_lower -> ...", _AT_POLES)
binom.waive_mutant("*", "_by_both -> ...", _AT_POLES)
comb.waive_mutant("n", "n - k -> -k", _AT_POLES)
for _function in binom, comb:
    _function.waive_mutant("*", "np.where(pole, 1.0, k) -> ...", _MASKED)
    _function.waive_mutant(
        "n", "np.not_equal(k, 0) -> ...", "n over 0 with a negative integer n has a test of its own"
    )
    for _change in "np.logical_and(_is_pole(rest), np.not_equal(k, 0))", "0":
        _function.waive_mutant(
            "n", f"{_change} -> ...", "n over 0 with a negative integer n has a test of its own"
        )
for _change in "np.where(_is_pole(rest), 1.0, rest)", "np.where(pole, 1.0, n - 2.0 * k)":
    binom.waive_mutant("*", f"{_change} -> ...", _MASKED)
comb.waive_mutant("*", "np.where(inside, n, 1.0) -> n", _MASKED)
comb.waive_mutant("k", "1.0 + k -> k", _REFLECTED)
binom.waive_mutant("k", "np.logical_or(below, above) -> ...", _MASKED)
for _change in "np.where(below, 1.0, 1.0 + k)", "np.where(below, 1.0, n - 1.0)":
    comb.waive_mutant("k", f"{_change} -> ...", _MASKED)
for _change in "np.less_equal(0, k)", "np.less_equal(k, n)", "0.0":
    comb.waive_mutant("*", f"{_change} -> ...", "at the ends of the range comb jumps")
comb.waive_mutant("*", "np.any(poles) -> np.all(poles)", "the samples of scipy.special.binom show it")
rgamma.waive_mutant("x", "0.0 -> 1e-06", "it decides where the argument is positive, far from poles")
rgamma.waive_mutant("x", "0.5 -> 0.5000005", _MASKED)
rgamma.waive_mutant("x", "0.25 -> 0.25000025", _MASKED)
for _change in "np.less(np.absolute(x - whole), 0.4)", "np.absolute(x - whole)", "x - whole", "0.4":
    rgamma.waive_mutant("x", f"{_change} -> ...", "between 0.4 and 1 / 2 from a pole both formulas are right")
for _change in (
    "np.less(np.real(x), -0.5) -> np.less_equal(np.real(x), -0.5)",
    "np.real(x) -> x",
    "-0.5 -> -0.5000005",
):
    zeta.waive_mutant(
        "x",
        _change,
        "near -1 / 2 both formulas are right, and complex numbers are in the order of real parts",
    )
for _change in "np.where(left, 2.0, x) -> x", "2.0 -> 2.000002", "-1.0 -> 1.0", "-1.0 -> -1.000001":
    zeta.waive_mutant("x", _change, _MASKED)
