"""Integration of SciPy: rules for samples, and ordinary differential equations."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import scipy
from numpy.lib.array_utils import normalize_axis_index

from opreg import NotDifferentiable, Primitive, Sample, composite, hookimpl, primitive, stop_gradient, vjp
from opreg_numpy._form import like
from opreg_numpy._rules import declared
from opreg_numpy._samples import KINDS, complex_normal, normal, single
from opreg_numpy.shapes import asarray


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "scipy.integrate.")


# ----------------------------------------------------------------------------------------------- rules for samples
def _as_array(x):
    """Return an array of nested sequences, of which some elements are traced."""
    return asarray.body(x)


def _last(y, x, axis):
    """y with the axis last, and x to match it"""
    y = _as_array(y)
    axis = normalize_axis_index(axis, np.ndim(y))
    if x is not None:
        x = _as_array(x)
        if np.ndim(x) > 1:
            x = np.moveaxis(x, axis, -1)
    return np.moveaxis(y, axis, -1), x, axis


def _require_matching(y, x):
    if x is not None and np.ndim(x) != 1 and np.ndim(x) != np.ndim(y):
        raise ValueError("If given, shape of x must be 1-D or the same as y.")
    if x is not None and np.shape(x)[-1] != np.shape(y)[-1]:
        raise ValueError("If given, length of x along axis must be the same as y.")


def _dtype_of(function, y, x):
    """The type of the result, which differs from version to version"""
    plain = [np.ones(3, stop_gradient(v).dtype) for v in (y, x) if v is not None]
    return function(*plain).dtype


@composite("scipy.integrate.trapezoid")
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The sum of (x_(i+1) - x_i) (y_(i+1) + y_i) / 2 along an axis"""
    if np.ndim(x) > 1:
        x = np.broadcast_to(_as_array(x), np.shape(y))
    y, x, _ = _last(y, x, axis)
    found = np.sum((dx if x is None else np.diff(x)) * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    return found.astype(_dtype_of(scipy.integrate.trapezoid, y, x))


@composite("scipy.integrate.cumulative_trapezoid", static=("initial",))
def cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    """The sums of (x_(i+1) - x_i) (y_(i+1) + y_i) / 2 up to each sample, the first of them 0 with ``initial=0``"""
    y, x, axis = _last(y, x, axis)
    if initial is not None and initial != 0:
        raise ValueError("`initial` must be `None` or `0`.")
    if np.shape(y)[-1] == 0:
        raise ValueError("At least one point is required along `axis`.")
    _require_matching(y, x)
    found = np.cumsum((dx if x is None else np.diff(x)) * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        found = np.concatenate([0 * found[..., :1] if np.shape(found)[-1] else 0.0 * y, found], axis=-1)
    return np.moveaxis(found, -1, axis)


def _ratio(a, b):
    """a / b, and 0 where b is 0"""
    zero = stop_gradient(b) == 0
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


def _panels(y, x, dx):
    """The parabola through each three samples"""
    first, middle, last = y[..., :-2:2], y[..., 1:-1:2], y[..., 2::2]
    if x is None:
        return np.sum(first + 4.0 * middle + last, axis=-1) * (dx / 3.0)
    h = np.diff(x).astype(float)
    h0, h1 = h[..., ::2], h[..., 1::2]
    ratio, total = _ratio(h0, h1), h0 + h1
    weights = (
        2.0 - _ratio(np.ones_like(stop_gradient(ratio)), ratio),
        total * _ratio(total, h0 * h1),
        2.0 - ratio,
    )
    return np.sum(total / 6.0 * (first * weights[0] + middle * weights[1] + last * weights[2]), axis=-1)


@composite("scipy.integrate.simpson")
def simpson(y, x=None, *, dx=1.0, axis=-1):
    """Simpson's rule along an axis; of an even number of samples the last interval by Cartwright's correction

    Source: Cartwright, "Simpson's rule cumulative integration with MS Excel and irregularly-spaced data" (2017).
    """
    y, x, _ = _last(y, x, axis)
    _require_matching(y, x)
    n = np.shape(y)[-1]
    if n % 2:
        return _panels(y, x, dx)
    if n == 2:
        return 0.5 * (dx if x is None else x[..., 1] - x[..., 0]) * (y[..., 1] + y[..., 0])
    before = _panels(y[..., :-1], None if x is None else x[..., :-1], dx)
    if x is None:
        return before + dx * (5.0 * y[..., -1] + 8.0 * y[..., -2] - y[..., -3]) / 12.0
    steps = np.diff(x[..., -3:]).astype(np.float64)
    h0, h1 = steps[..., 0], steps[..., 1]
    alpha = _ratio(2 * h1**2 + 3 * h0 * h1, 6 * (h1 + h0))
    beta = _ratio(h1**2 + 3.0 * h0 * h1, 6 * h0)
    eta = _ratio(h1**3, 6 * h0 * (h0 + h1))
    return before + (alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3])


# ---------------------------------------------------------------------------------- ordinary differential equations


@primitive("scipy.integrate.odeint")
def odeint(
    *data,
    func,
    tfirst=False,
    Dfun=None,
    col_deriv=0,
    ml=None,
    mu=None,
    rtol=None,
    atol=None,
    tcrit=None,
    h0=0.0,
    hmax=0.0,
    hmin=0.0,
    mxstep=0,
    mxordn=12,
    mxords=5,
):
    """y at the times t, with dy/dt = func(y, t, *args) and y(t[0]) = y0: the data are y0, t and each of args

    The derivative is that of the solution, S = dy/d(y0, args) with dS/dt = (df/dy) S + df/d(y0, args), integrated along
    with y by odeint: forward sensitivities, which are stable where y is. It is as accurate as rtol and atol let it be.
    Where odeint warns that it has failed, that warning is raised.
    What ``func`` takes from elsewhere is constant: what should have a derivative is passed in ``args``.

    Source: Hairer, Norsett and Wanner, "Solving Ordinary Differential Equations I" (1993), section I.14.
    """
    y0, t, *args = data
    if not np.size(t):
        raise ValueError("odeint needs one time at least, that of y0")
    solver = (rtol, atol, tcrit, h0, hmax, hmin, 0, mxstep, 0, mxordn, mxords, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", scipy.integrate.ODEintWarning)  # what is no solution has no derivative
        return scipy.integrate.odeint(func, y0, t, tuple(args), Dfun, col_deriv, 0, ml, mu, *solver, tfirst)


@odeint.called_as
def _(
    func,
    y0,
    t,
    args=(),
    Dfun=None,
    col_deriv=0,
    full_output=0,
    ml=None,
    mu=None,
    rtol=None,
    atol=None,
    tcrit=None,
    h0=0.0,
    hmax=0.0,
    hmin=0.0,
    ixpr=0,
    mxstep=0,
    mxhnil=0,
    mxordn=12,
    mxords=5,
    printmessg=0,
    tfirst=False,
):
    if full_output:
        raise NotDifferentiable(
            "scipy.integrate.odeint with full_output reports on its own work, which has no derivative. Leave it out"
        )
    args = args if isinstance(args, tuple) else (args,)
    if any(isinstance(value, dict) for value in args):
        raise NotDifferentiable(
            "scipy.integrate.odeint takes each of args as one array: pass the arrays of a dictionary one by one, as in "
            "odeint(lambda y, t, *values: func(y, t, dict(zip(names, values))), y0, t, args=tuple(p.values()))"
        )
    for value in (y0, *args):
        _is_moving(value)
    return (np.atleast_1d(_as_array(y0)), _as_array(t), *args), {
        "func": func,
        "tfirst": bool(tfirst),
        "Dfun": Dfun,
        "col_deriv": col_deriv,
        "ml": ml,
        "mu": mu,
        "rtol": rtol,
        "atol": atol,
        "tcrit": tcrit,
        "h0": h0,
        "hmax": hmax,
        "hmin": hmin,
        "mxstep": mxstep,
        "mxordn": mxordn,
        "mxords": mxords,
    }


def _is_moving(x):
    """Whether a derivative with respect to an extra argument is possible"""
    plain = stop_gradient(x)
    numeric = isinstance(plain, (np.ndarray, np.generic, float, complex))
    kind = np.asarray(plain).dtype.kind if numeric else "O"
    if kind == "c":
        raise NotDifferentiable(
            "scipy.integrate.odeint solves real equations: pass the real and imaginary parts of complex args"
        )
    return kind == "f"


def _flow(func, tfirst):
    """func as an array of the form of y, whichever argument comes first"""

    def flow(y, time, *args):
        return np.reshape(_as_array(func(time, y, *args) if tfirst else func(y, time, *args)), np.shape(y))

    return flow


def _with_sensitivities(func, tfirst, n, moving):
    """The equations of y and S, of which a row is the derivative of one element of y with respect to y0 and args"""
    flow = _flow(func, tfirst)

    def extended(z, time, *args):
        def of_moving(y, *moved):
            filled = dict(zip(moving, moved, strict=True))
            return flow(y, time, *(filled.get(i, arg) for i, arg in enumerate(args)))

        value, pullback = vjp(of_moving, z[:n], *(args[i] for i in moving))
        rows = [np.concatenate([np.ravel(c) for c in pullback(unit)]) for unit in np.eye(n)]
        slopes, s = np.stack(rows), np.reshape(z[n:], (n, -1))
        direct = np.concatenate([np.zeros((n, n)), slopes[:, n:]], axis=1)
        return np.concatenate([value, np.ravel(np.matmul(slopes[:, :n], s) + direct)])

    return extended


_STEPS = 25_000
"""How many steps the extended equations may take to the next time: their tolerance is tighter than that of 500"""


def _tolerance(given, total):
    """The tolerance of the extended equations: as given, and by default a hundredth of that of odeint"""
    if given is None:
        return 1.5e-10
    given = np.atleast_1d(given)
    return np.concatenate([given, np.full(total - len(given), given.min())]) if len(given) > 1 else given[0]


@odeint.with_residual
def _(*data, **static):
    out = odeint.bind(*data, **static)
    return out, _sensitivities(out, data, **static)


def _sensitivities(out, data, *, func, tfirst=False, Dfun=None, col_deriv=0, ml=None, mu=None, **options):
    """S, and the velocity dy/dt, at all times"""
    y0, t, *args = data
    n, double = np.shape(y0)[0], np.float64(1)  # lower precision would be noise to the solver
    moving = [i for i, arg in enumerate(args) if _is_moving(arg)]
    t, args = double * t, [double * arg if i in moving else arg for i, arg in enumerate(args)]
    count = n + sum(np.size(args[i]) for i in moving)
    for name in "rtol", "atol":
        options[name] = _tolerance(options.get(name), n + n * count)
    if not options.get("mxstep"):
        options["mxstep"] = _STEPS
    start = np.concatenate([y0, np.ravel(np.eye(n, count))])
    found = odeint.bind(start, t, *args, func=_with_sensitivities(func, tfirst, n, moving), **options)
    flow = _flow(func, tfirst)
    velocity = np.stack([flow(out[i], t[i], *args) for i in range(np.shape(t)[0])])
    return np.reshape(found[:, n:], (-1, n, count)), velocity


def _odeint_cotangents(g, residual, data):
    """The sum of g S over times and elements for y0 and args; g dy/dt for t, and for t[0] less the flow at y0"""
    s, velocity = residual
    y0, t, *args = data
    n = np.shape(y0)[0]
    found = np.tensordot(g, s, 2)
    of_t = np.sum(g * velocity, axis=1) - np.eye(np.shape(t)[0])[0] * np.sum(found[:n] * velocity[0])
    cotangents, place = [like(found[:n], y0), like(of_t, t)], n
    for arg in args:
        if not _is_moving(arg):
            cotangents.append(None)
            continue
        size = np.size(arg)
        cotangents.append(like(np.reshape(found[place : place + size], np.shape(arg)), arg))
        place += size
    return tuple(cotangents)


def _odeint_tangent(g, residual, data):
    """S times the tangents of y0, less dt[0] times the flow there, and of args; and dt times dy/dt"""
    s, velocity = residual
    of_y0, of_t, *of_args = g
    if of_y0 is None:
        of_y0 = np.zeros(np.shape(data[0]))
    if of_t is None:
        of_t = np.zeros(np.shape(data[1]))
    moved = [of_y0 - of_t[0] * velocity[0], *(np.ravel(t) for t in of_args if t is not None)]
    return np.matmul(s, np.concatenate(moved)) + np.expand_dims(of_t, -1) * velocity


odeint.defvjp(_odeint_cotangents).defjvp(_odeint_tangent)


# ---------------------------------------------------------------------------------------------------- samples
def _uneven(rng, *shape):
    """Return increasing numbers along the last axis."""
    return np.cumsum(rng.uniform(0.5, 1.5, shape), -1)


@trapezoid.samples
@cumulative_trapezoid.samples
@simpson.samples
def _(rng):
    for n in 2, 3, 4, 5, 6, 7:
        yield Sample((normal(rng, (n,)), _uneven(rng, n)), note=f"{n} samples")
        yield Sample((normal(rng, (2, n)),), {"dx": rng.uniform(0.5, 2)}, note=f"{n} samples")
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (5, 2)),), {"axis": 0}, note=kind)
        yield Sample((draw(rng, (2, 4)), _uneven(rng, 4)), note=kind)
    for n in 4, 5:
        yield Sample((normal(rng, (2, n, 3)), _uneven(rng, n)), {"axis": 1})
        yield Sample((normal(rng, (2, n)), _uneven(rng, 2, n)), {"axis": -1})
        yield Sample((normal(rng, (n, 2)), _uneven(rng, 2, n).T), {"axis": -2})
        yield Sample((complex_normal(rng, (n,)), _uneven(rng, n).astype(np.float32)), note="complex")
        yield Sample((single(rng, (n,)), _uneven(rng, n).astype(np.float32)), note="float32")
        yield Sample((np.arange(n), _uneven(rng, n)), note="integers")
    x = _uneven(rng, 5)
    yield Sample((x, x), note="the same array twice")
    yield Sample((list(normal(rng, (3,))),), note="a list")


@trapezoid.samples
@cumulative_trapezoid.samples
def _(rng):
    yield Sample((normal(rng, (2, 4)), _uneven(rng, 4), 1.0, 1))
    yield Sample((normal(rng, (1,)),), note="one sample")


@cumulative_trapezoid.samples
def _(rng):
    yield Sample((normal(rng, (3, 2)),), {"initial": 0, "axis": 0})
    yield Sample((complex_normal(rng, (3,)), _uneven(rng, 3)), {"initial": 0})
    yield Sample((normal(rng, (2, 1)),), {"initial": 0}, note="one sample")


def _driven(y, t, a):
    """The second element stands still and drives the first: whatever the tolerance, every step is exact"""
    return a * np.matmul(np.eye(np.size(y), k=1), y * y)


def _rising(t, y, a, b, k):
    """A flow whose solutions are polynomials of the time, and exact but for rounding where the tolerance is tight"""
    return np.dot(a, np.arange(2.0, np.size(a) + 2)) * t**k + b


def _as_list(y, t, a):
    """A flow of two elements, both moving, as a list"""
    return [a[0, 0] * y[1] + a[0, 1] * t, a[1, 0] + a[1, 1] * t]


def _steady(y, t):
    return 2 * t + 0 * y


@odeint.samples
def _(rng):
    """Few and small ones: each derivative is an integration."""
    tight = {"rtol": 1e-13, "atol": 1e-13}
    each = {"rtol": np.array([1e-3, 1e-4]), "atol": np.array([1e-3, 1e-4])}
    yield Sample((_driven, rng.uniform(1, 2, 2), _uneven(rng, 2), (rng.uniform(1, 2),)), each)
    yield Sample(
        (_driven, rng.uniform(1, 2, 2), -_uneven(rng, 2), (rng.uniform(1, 2),)), {"rtol": 1e-3, "atol": 1}
    )
    loose = {"tfirst": True, "rtol": 1e-2, "atol": 1e-2}
    a = rng.uniform(1, 2, 2)
    yield Sample((_rising, rng.uniform(1, 2, 1), _uneven(rng, 3), (a, rng.uniform(1, 2), 0)), loose)
    yield Sample((_rising, rng.uniform(1, 2), [0, 1], (a, rng.uniform(1, 2), 0)), loose, note="integer times")
    yield Sample((_rising, rng.uniform(1, 2), -_uneven(rng, 2), (a, 1, 0)), loose, note="back in time")
    yield Sample((_rising, [1], _uneven(rng, 2), (a, a[:1], 0)), loose, note="an integer start")
    yield Sample((_rising, [1], _uneven(rng, 2), (a[:1], 2, 1)), {"tfirst": True, **tight}, note="a parabola")
    yield Sample(
        (_as_list, rng.uniform(1, 2, 2), _uneven(rng, 3), (rng.uniform(1, 2, (2, 2)),)), tight, note="a list"
    )
    yield Sample(
        (_rising, [1.0], [1, 2, 4], (a, 2, 1)), {"tfirst": True, **tight}, note="integer times, uneven"
    )
    yield Sample((_steady, rng.uniform(1, 2, 1), _uneven(rng, 3)), tight, note="no arguments")
    yield Sample((_steady, single(rng, (1,)), _uneven(rng, 1)), tight, note="one time")
    yield Sample(
        (lambda y, t, a: a, [2.0], _uneven(rng, 2), rng.uniform(1, 2)), tight, note="one argument, no tuple"
    )
    yield Sample((_steady, [0], [0.0, 1.0]), tight, note="only times move")
    yield Sample(
        (_steady, rng.uniform(1, 2, 1), _uneven(rng, 2)),
        {
            **tight,
            "Dfun": lambda y, t: np.zeros((1, 1)),
            "col_deriv": 1,
            "ml": 0,
            "mu": 0,
            "h0": 1e-3,
            "hmax": 0.5,
            "hmin": 1e-9,
            "mxstep": 900,
            "mxordn": 10,
            "mxords": 4,
            "tcrit": np.array([99.0]),
        },
        note="options of the solver",
    )


for _keyword in "full_output", "ixpr", "mxhnil", "printmessg":
    odeint.leave_unchecked(_keyword, "it is refused, or says what is printed")
odeint.leave_unchecked(
    "return 1.5e-10", "with the default tolerance differences resolve little; it has a test"
)

odeint.waive_mutant(
    "*", "_tolerance -> ...", "how exact the integration is shows in no digit that is compared"
)
_OPEN = "NumPy takes any negative length for the one that is left open"
odeint.waive_mutant("*", "-1 -> -2", _OPEN)
odeint.waive_mutant("*", "-1 -> 1", "of one dimension, the axis after the last is the second")
odeint.waive_mutant("*", "double * t -> t", "times in a lower precision are compared in that precision")
