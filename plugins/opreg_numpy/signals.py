"""Signals: convolution, differences and integrals over a grid, interpolation, unwrapping of phases."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from opreg import Sample, primitive, stop_gradient
from opreg_numpy import shapes
from opreg_numpy._axes import along, as_scalar, laid_as
from opreg_numpy._form import in_dtype, like
from opreg_numpy._rules import composite
from opreg_numpy._samples import (
    KINDS,
    call,
    complex_normal,
    normal,
    of_one_array,
    of_two_arrays,
    positive,
    single,
)

MODES = ("full", "same", "valid")


# --------------------------------------------------------------------------------------------- convolution
@primitive("numpy.convolve", aliases=("convolve",))
def convolve(a, v, /, *, mode="full"):
    """out_k = sum over i of a_i v_(k - i), for all k at which the two meet, or for those in the middle

    The transpose of a convolution is one with the other sequence reversed: of a cotangent completed by zeros, at the
    places where the two overlap wholly.
    """
    return np.convolve(a, v, mode)


@convolve.called_as
def _(a, v, mode="full"):
    return (a, v), {"mode": {0: "valid", 1: "same", 2: "full"}.get(mode, mode)}


def _convolve_pull(g, primal, other, mode):
    """Return the cotangent of one sequence, given the other."""
    other = np.ravel(other)
    short, length = min(np.size(primal), len(other)) - 1, np.size(primal) + len(other) - 1
    before = {"full": 0, "same": short // 2, "valid": short}[mode]
    whole = np.pad(g, (before, length - len(g) - before))
    return like(np.convolve(whole, other[::-1], "valid"), primal)


convolve.deflinear(
    a=lambda g, a, v, mode: _convolve_pull(g, a, v, mode),
    v=lambda g, a, v, mode: _convolve_pull(g, v, a, mode),
)


@composite("numpy.correlate", aliases=("correlate",))
def correlate(a, v, mode="valid"):
    """out_k = sum over i of a_(i + k) conj(v_i), for all k at which the two meet, or for those in the middle"""
    a, v = shapes.asarray(a), shapes.asarray(v)
    if a.ndim != 1 or v.ndim != 1:
        raise ValueError(f"two sequences are due, not arrays of {a.ndim} and {v.ndim} axes")
    if np.size(v) > np.size(a):  # the middle is counted from the end of the longer one
        return np.convolve(np.conj(v), a[::-1], mode)[::-1]
    return np.convolve(a, np.conj(v[::-1]), mode)


# ------------------------------------------------------------------------------- differences and integrals
@composite("numpy.gradient", aliases=("gradient",))
def gradient(f, *varargs, axis=None, edge_order=1):
    """The derivative of samples along each axis: the slope at each point of the parabola through its neighbours

    At the ends it is the slope of the line through the last two points, or with ``edge_order`` 2 of the parabola
    through the last three. The spacing is a number or the coordinates of the points.
    """
    f = _inexact(f)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 != len(axes) and np.ndim(varargs[0])):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    spacings = varargs * len(axes) if len(varargs) == 1 != len(axes) else varargs or (1.0,) * len(axes)
    found = tuple(_slopes(f, h, i, edge_order) for i, h in zip(axes, spacings, strict=True))
    return found[0] if len(found) == 1 else found


def _inexact(x):
    """Return an array of floating-point numbers."""
    x = shapes.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _slopes(f, spacing, axis, edge_order):
    """Return the slopes of f along an axis."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements "
            "are required."
        )
    rise, run = np.diff(f, axis=axis), _steps(spacing, f, axis)
    chord = rise / run

    def part(x, *ends):
        return x[along(f.ndim, axis, slice(*ends))]

    before, behind = part(chord, None, -1), part(chord, 1, None)
    w = v = 0.5  # the shares in which the steps before and behind divide the two
    if np.ndim(run):
        both = part(run, None, -1) + part(run, 1, None)
        w, v = part(run, None, -1) / both, part(run, 1, None) / both
    inner = v * before + w * behind
    first, last = part(chord, None, 1), part(chord, -1, None)
    if edge_order == 2:
        bend = behind - before
        first, last = first - part(w * bend, None, 1), last + part(v * bend, -1, None)
    out = np.concatenate([first, inner, last], axis=axis)
    return laid_as(in_dtype(out, f.dtype), f)


def _steps(spacing, f, axis):
    """Return the distances of neighbouring points: one number, or as many as there are, along the axis."""
    if np.ndim(spacing) == 0:
        return spacing
    spacing = shapes.asarray(spacing)
    if spacing.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if len(spacing) != f.shape[axis]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    return np.reshape(np.diff(_inexact(spacing)), [-1 if i == axis else 1 for i in range(f.ndim)])


@composite("numpy.trapezoid", aliases=("trapezoid",))
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """sum of (x_(i+1) - x_i) (y_(i+1) + y_i) / 2 along an axis"""
    y = shapes.asarray(y)
    line = normalize_axis_index(axis, y.ndim)
    if x is None:
        width = dx
    else:
        x = shapes.asarray(x)
        width = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            width = np.reshape(width, [-1 if i == line else 1 for i in range(y.ndim)])
    upper, lower = y[along(y.ndim, line, slice(1, None))], y[along(y.ndim, line, slice(None, -1))]
    return np.sum(width * (upper + lower) / 2.0, axis=axis)


# ------------------------------------------------------------------------------------------- interpolation
@composite("numpy.interp", aliases=("interp",))
def interp(x, xp, fp, left=None, right=None, period=None):
    """The polygon through the points (xp, fp) at x: in each interval f_j + (f_(j+1) - f_j) / (x_(j+1) - x_j) (x - x_j)

    Before and behind the points it is ``left`` and ``right``, by default the first and the last of fp. At a corner the
    derivative is that of the interval behind, at the last point that of the interval before: where that is not finite,
    beside a value that is none or of an interval of no length, that of the interval before, and 0 if neither is.
    """
    x, xp, fp = _double(x), _double(xp), _double(fp)
    if period is None and "c" in (x.dtype.kind, xp.dtype.kind):
        np.interp(*stop_gradient((x, xp, fp)))  # raises
    if xp.ndim != 1 or fp.ndim != 1:
        raise ValueError("Data points must be 1-D sequences")
    if len(xp) != len(fp):
        raise ValueError("fp and xp are not of the same length")
    if len(xp) == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
        left = right = None
    below, above = np.less(x, xp[0]), np.greater(x, xp[-1])
    x = np.where(below | above, xp[0], x)
    inner = _on_polygon(x, xp, fp) if len(xp) > 1 else np.broadcast_to(fp[0], x.shape)
    out = np.where(below, fp[0] if left is None else left, inner)
    return as_scalar(np.where(above, fp[-1] if right is None else right, out))


def _double(x):
    """Return an array in double precision, as the function computes in."""
    x = shapes.asarray(x)
    return in_dtype(x, np.complex128 if x.dtype.kind == "c" else np.float64)


def _periodic(x, xp, fp, period):
    """Return the points sorted within one period, with the last one before and the first one behind them."""
    if period == 0:
        raise ValueError("period must be a non-zero value")
    period = np.abs(period)
    x, xp = np.real(x), np.real(xp)  # NumPy drops the imaginary parts, where there is a period
    xp = np.remainder(xp, period)
    order = np.argsort(stop_gradient(xp))
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return np.remainder(x, period), xp, np.concatenate([fp[-1:], fp, fp[:1]])


def _on_polygon(x, xp, fp):
    """Return the polygon at points between the first and the last of xp: at a knot fp there, whatever is beside it."""
    at, knots, values = stop_gradient(x), stop_gradient(xp), stop_gradient(fp)
    j = np.maximum(np.searchsorted(knots, at, side="right") - 1, 0)
    i = np.minimum(j, len(knots) - 2)
    with np.errstate(all="ignore"):
        slopes = np.diff(values) / np.diff(knots)
    if np.all(np.isfinite(slopes)) and np.all(np.isfinite(knots)):
        return fp[j] + (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]) * (x - xp[j])
    within = at != knots[j]
    i = np.where(within | np.isfinite(slopes[i]), i, np.maximum(j - 1, 0))
    steep = ~np.isfinite(slopes[i])
    unknown, alike = np.isnan(at), values[i] == values[i + 1]
    level = np.where(within, steep & (alike | unknown), steep | np.isinf(knots[j]))
    j = np.where(within & ~level & ~(np.isfinite(knots[j]) & np.isfinite(values[j])), i + 1, j)

    def where_it_slopes(z, otherwise=0.0):
        return np.where(level, otherwise, z)

    rise = where_it_slopes(fp[i + 1]) - where_it_slopes(fp[i])
    run = where_it_slopes(xp[i + 1], 1.0) - where_it_slopes(xp[i])
    return fp[j] + rise / run * (np.where(level & ~unknown, 0.0, x) - where_it_slopes(xp[j]))


# --------------------------------------------------------------------------------------------------- phases
@composite("numpy.unwrap", aliases=("unwrap",))
def unwrap(p, discont=None, axis=-1, *, period=2 * pi):
    """p less whole periods, by which no two neighbours are half a period or more apart

    The number of periods is constant between its jumps: the derivative by p is 1, that by the period this number.
    """
    p = shapes.asarray(p)
    turns = _turns(stop_gradient(p), stop_gradient(discont), axis, stop_gradient(period))
    return laid_as(p + turns * period, p)


def _turns(p, discont, axis, period):
    """Return how many periods are added to each element."""
    steps = np.diff(p, axis=axis)
    half = period / 2
    wrapped = np.mod(steps + half, period) - half
    wrapped = np.where((wrapped == -half) & (steps > 0), half, wrapped)
    added = np.rint((wrapped - steps) / period)
    added = np.where(np.abs(steps) < (half if discont is None else discont), 0.0, added)
    first = np.zeros_like(p[along(p.ndim, axis, slice(None, 1))], dtype=added.dtype)
    return np.concatenate([first, np.cumsum(added, axis=axis)], axis=axis).astype(
        np.result_type(steps, period)
    )


# -------------------------------------------------------------------------------------------------- samples
for _mode in MODES:
    convolve.samples(of_two_arrays(((4,), (3,)), ((3,), (5,)), ((5,), (2,)), ((1,), (2,)), mode=_mode))
    correlate.samples(of_two_arrays(((4,), (3,)), ((3,), (6,)), ((5,), (2,)), ((2,), (1,)), mode=_mode))


@convolve.samples
@correlate.samples
def _(rng):
    yield Sample((normal(rng, (4,)), normal(rng, (2,))), note="the usual mode")
    yield Sample((normal(rng, (3,)), complex_normal(rng, (4,)), "same"), note="by position")


@convolve.samples
def _(rng):
    yield Sample((normal(rng), normal(rng, (3,))), note="0-d")
    yield Sample((normal(rng, (3,)), 2.5, "same"), note="a Python float")


gradient.samples(
    of_one_array(
        call((3, 4)),
        call((5,)),
        call((2,)),
        call((3, 4), 0.5),
        call((3, 4), 0.5, 2.0, edge_order=2),
        call((3, 5), axis=-1, edge_order=2),
        call((2, 3, 4), axis=(2, 0)),
        call((2, 3, 4), 0.25, axis=(-1, 1), edge_order=2),
        call((2, 3), 2, axis=0),
        call((3,), edge_order=2),
        call((2, 0), axis=0),
    )
)


@gradient.samples
def _(rng):
    def places(n, draw=positive):
        return np.cumsum(0.3 + draw(rng, (n,)))

    for edge_order in (1, 2):
        kwargs = {"edge_order": edge_order}
        yield Sample((normal(rng, (6,)), places(6)), kwargs, note="coordinates")
        yield Sample((normal(rng, (3, 4)), places(3), places(4)), kwargs, note="coordinates of both axes")
        yield Sample((normal(rng, (3, 4)), places(4)), {"axis": 1, **kwargs}, note="coordinates, one axis")
        yield Sample((normal(rng, (4, 3)), np.arange(4) * 2.0, 0.5), kwargs, note="even coordinates")
        yield Sample((normal(rng, (3, 4)), normal(rng) + 4), {"axis": -1, **kwargs}, note="0-d spacing")
        yield Sample((np.arange(5) ** 2, places(5)), kwargs, note="integers")
        yield Sample((normal(rng, (4,)), np.array([0, 1, 3, 7])), kwargs, note="beside integers")
        yield Sample((single(rng, (4,)), places(4)), kwargs, note="float32, float64 coordinates")
        yield Sample((complex_normal(rng, (3, 4)), 0.5, places(4)), kwargs, note="complex, coordinates")


trapezoid.samples(
    of_one_array(
        call((3, 4)),
        call((3, 4), axis=0),
        call((2, 3, 4), None, 0.5, 1),
        call((5,), dx=0.25),
        call((3, 4), dx=2, axis=-2),
        call((1,)),
        call((0, 3)),
    )
)


@trapezoid.samples
def _(rng):
    yield Sample((normal(rng, (4,)), normal(rng, (4,))), note="places")
    yield Sample((normal(rng, (2, 3)), normal(rng, (3,))), note="places along the last axis")
    yield Sample((normal(rng, (2, 3)), normal(rng, (2,))), {"axis": 0}, note="places along the first axis")
    yield Sample((normal(rng, (2, 3)), normal(rng, (2, 3))), {"axis": -2}, note="places of each lane")
    yield Sample((normal(rng, (2, 3)), normal(rng, (2, 1))), {"axis": 0}, note="places that broadcast")
    yield Sample((complex_normal(rng, (2, 3)), normal(rng, (3,))), note="complex, real places")
    yield Sample((normal(rng, (3,)), complex_normal(rng, (3,))), note="a path in the complex plane")
    yield Sample((normal(rng, (3,)), np.array([0, 1, 3])), note="integer places")
    yield Sample((np.arange(3), normal(rng, (3,))), note="integers")
    yield Sample((single(rng, (3,)), normal(rng, (3,))), note="float32, float64 places")
    yield Sample((single(rng, (2, 3)), single(rng, (3,)), 1.0, 1), note="float32")
    yield Sample(([0.5, 1.5, -2.0], [0.0, 1.0, 2.5]), note="lists")
    x = normal(rng, (3,))
    yield Sample((x, x), note="the same array twice")


interp.leave_unchecked("np.interp(*", "it raises, as NumPy does")


@interp.samples
def _beside_what_is_not_finite(rng):
    a, b, c = normal(rng, (3,))
    knots = np.array([0.0, 1.0, 2.0, 3.0])
    yield Sample(([0.4, -1.0], knots[:3], np.array([a, b, np.inf])), note="an infinite value")
    yield Sample(([1.7, 5.0], knots[:3], np.array([np.nan, b, c])), note="a NaN")
    yield Sample((1.5, knots, np.array([a, b, c, -np.inf])), note="an infinite value, a Python float")
    yield Sample(([-3.0, 0.5], np.array([-np.inf, 0.0, 1.0]), np.array([a, b, c])), note="an infinite knot")
    yield Sample(
        (np.array([0, 3]), knots, np.array([a, np.nan, np.inf, b])),
        note="at the ends, beside what is not finite",
    )


@interp.samples
def _(rng):
    def points(n):
        """Return increasing places, not too close, and places in the middle of the intervals, also outside."""
        xp = np.cumsum(0.5 + positive(rng, (n,)) % 2) - 2
        ends = np.concatenate([[xp[0] - 3], xp, [xp[-1] + 3]])
        share = rng.uniform(0.2, 0.8, n + 1)
        return ends[:-1] + share * np.diff(ends), xp

    x, xp = points(5)
    fp = normal(rng, (5,))
    yield Sample((rng.permutation(x), xp, fp), note="within and without")
    yield Sample((x.reshape(2, 3), xp, fp), {"left": 0.5, "right": -1.5}, note="left and right")
    yield Sample((x[1:-1], xp, fp, 1.0), note="left alone, not needed")
    yield Sample((x[2].item(), xp, fp), note="a Python float")
    yield Sample((x[1], xp, fp), {"right": np.array(2.0)}, note="0-d")
    yield Sample((x[:0], xp, fp), note="none")
    yield Sample((x.astype(np.float32), xp, fp.astype(np.float32)), note="float32")
    yield Sample((x, xp, complex_normal(rng, (5,)), 1.5, -0.5), note="complex values, left, right")
    yield Sample((x[1:], xp, complex_normal(rng, (5,))), note="complex values")
    yield Sample((x, xp, np.arange(5)), note="integer values")
    yield Sample((np.array([-1, 1, 7]), np.array([0, 2, 5]), normal(rng, (3,))), note="integer places")
    yield Sample(([0.3, 1.2], [0.0, 1.0, 2.0], [3.0, -1.0, 0.5]), note="lists")
    yield Sample((np.array([xp[0] - 1, xp[0] + 1]), xp[:1], fp[:1]), note="a single point")
    for kind, draw in KINDS.items():
        if kind not in ("float32", "complex"):
            yield Sample((x[:3], xp, draw(rng, (5,))), note=kind)
    yield Sample((x, xp, xp), note="the same array twice")
    angles = np.array([10.0, 95.0, 170.0, 290.0]) + rng.uniform(-5, 5, 4)
    at = np.array([-500.0, 0.0, 50.0, 130.0, 340.0, 700.0]) + rng.uniform(-3, 3, 6)
    yield Sample((at, angles, normal(rng, (4,))), {"period": 360.0}, note="a period")
    order = rng.permutation(4)
    yield Sample(
        (at, (angles + 360 * np.arange(4))[order], normal(rng, (4,)), 1.0, 2.0, -360.0), note="unsorted"
    )
    yield Sample((at, angles, complex_normal(rng, (4,))), {"period": 360}, note="complex, a period")


@unwrap.samples
def _(rng):
    for kind, draw in KINDS.items():
        if kind != "complex":
            yield Sample((draw(rng, (4,)),), note=kind)
    for shape in ((1,), (0,), (3, 0)):
        yield Sample((normal(rng, shape),), note=f"{shape}")
    yield Sample((normal(rng, (2, 3)), None, -1), note="by position")

    def turning(shape, period=2 * pi):
        """Return phases whose steps lie away from the odd multiples of half a period."""
        steps = rng.integers(-2, 3, shape) * period + rng.uniform(-0.4, 0.4, shape) * period
        return np.cumsum(steps, axis=-1)

    yield Sample((turning((6,)),), note="jumps")
    yield Sample((turning((2, 4)),), {"axis": 1}, note="jumps along axis 1")
    yield Sample((turning((3, 4)).T,), {"axis": -2}, note="jumps along axis -2")
    yield Sample((turning((5,)).astype(np.float32),), note="jumps, float32")
    yield Sample((turning((5,), 3.0),), {"period": 3.0}, note="another period")
    yield Sample((turning((5,), 3),), {"period": 3}, note="an integer period")
    yield Sample((turning((5,)), 7.0), note="a larger discontinuity")
    yield Sample((turning((2, 3, 2), 2.5), 6.0, 1), {"period": 2.5}, note="by position")
    yield Sample((np.array([0, 1, 7, 20]),), {"period": 6.3}, note="integers")
