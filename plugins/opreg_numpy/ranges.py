"""Ranges: numbers that lie evenly between two, or in a fixed proportion, and the powers of numbers.

How many there are is constant: the derivatives are those by the ends and the steps.
"""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, Sample, primitive
from opreg_numpy import shapes
from opreg_numpy._form import in_dtype, like
from opreg_numpy._rules import composite
from opreg_numpy._samples import call, complex_normal, normal, of_one_array, positive, single


def _refuse_whole(name, dtype):
    """Raise if whole numbers are asked for: they are constant between their jumps."""
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise NotDifferentiable(
            f"{name} of type {np.dtype(dtype)} is constant between its jumps. Leave out dtype=, or pass "
            "opreg.stop_gradient(x) if the derivative is not wanted"
        )


def _intervals(num, endpoint):
    """Return into how many intervals the range is divided, one where there is none."""
    return max(num - 1 if endpoint else num, 1)


def _falling(num, endpoint):
    """Return the share of the start in each sample."""
    n = _intervals(num, endpoint)
    return (n - np.arange(num)) / n


def _rising(num, endpoint):
    """Return the share of the stop in each sample."""
    return np.arange(num) / _intervals(num, endpoint)


# -------------------------------------------------------------------------------------------- evenly spaced
@primitive("numpy.linspace", aliases=("linspace",))
def linspace(start, stop, /, *, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """((n - i) start + i stop) / n for each i < num, with n = num - 1, or num without the endpoint

    With ``retstep`` the step (stop - start) / n as well.
    """
    return np.linspace(start, stop, num, endpoint, retstep, dtype, axis)


@linspace.called_as
def _(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    _refuse_whole("numpy.linspace", dtype)
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')
    if retstep and num < (2 if endpoint else 1):
        raise NotDifferentiable("numpy.linspace of no interval has no step: leave out retstep=True")
    return (start, stop), {
        "num": num,
        "endpoint": endpoint,
        "retstep": retstep,
        "dtype": dtype,
        "axis": axis,
    }


def _linspace_pull(g, end, share, in_step, retstep, axis):
    """Return the cotangent of an end, given its share in each sample and in the step."""
    samples, step = g if retstep else (g, 0.0)
    return like(np.tensordot(share, np.moveaxis(samples, axis, 0), 1) + in_step * step, end)


def _linspace_push(start, stop, out, num, endpoint, retstep, axis):
    """Return the range between two tangents."""
    found = np.linspace(start, stop, num, endpoint, retstep, None, axis)
    return tuple(map(like, found, out)) if retstep else like(found, out)


linspace.defvjp(
    start=lambda g, start, num, endpoint, retstep, axis: _linspace_pull(
        g, start, _falling(num, endpoint), -1 / _intervals(num, endpoint), retstep, axis
    ),
    stop=lambda g, stop, num, endpoint, retstep, axis: _linspace_pull(
        g, stop, _rising(num, endpoint), 1 / _intervals(num, endpoint), retstep, axis
    ),
)
linspace.defjvp(
    start=lambda g, out, stop, num, endpoint, retstep, axis: _linspace_push(
        g, 0 * stop, out, num, endpoint, retstep, axis
    ),
    stop=lambda g, out, start, num, endpoint, retstep, axis: _linspace_push(
        0 * start, g, out, num, endpoint, retstep, axis
    ),
)


@primitive("numpy.arange", aliases=("arange",))
def arange(start, stop, step, /, *, dtype=None, device=None):
    """start + i step for each i below (stop - start) / step

    By stop alone nothing varies but the number of elements, which is constant between its jumps. NumPy's protocols do
    not reach this function: call ``opreg.numpy.arange``.
    """
    return np.arange(start, stop, step, dtype=dtype)


@arange.called_as
def _(start=None, stop=None, step=None, dtype=None, *, device=None, like=None):
    if like is not None:
        raise NotDifferentiable("numpy.arange: like= is not supported where the start or step is traced")
    _refuse_whole("numpy.arange", dtype)
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')
    if stop is None:
        start, stop = None, start
    if stop is None:
        raise TypeError("arange() requires stop to be specified.")
    return (0 if start is None else start, stop, 1 if step is None else step), {"dtype": dtype}


arange.defvjp(
    start=lambda g, start: like(g, start), step=lambda g, step: like(g * np.arange(np.size(g)), step)
)
arange.defjvp(
    start=lambda g, out: like(g, out),
    step=lambda g, out: like(g * np.arange(np.size(out)), out),
)
arange.not_differentiable(
    stop="only the number of elements depends on it, which is constant between its jumps"
)
arange.leave_unchecked("like", "it is refused: it asks for an array of another library")
for _function in linspace, arange:
    _function.leave_unchecked("device", "NumPy has one device, 'cpu'")


# ------------------------------------------------------------------------------------------- in proportion
@primitive("numpy.geomspace", aliases=("geomspace",))
def geomspace(start, stop, /, *, num=50, endpoint=True, dtype=None, axis=0):
    """start^((n - i)/n) stop^(i/n) for each i < num, with n = num - 1, or num without the endpoint

    By the start: (n - i) / n out / start; by the stop: i / n out / stop. Complex numbers lie on a spiral.
    """
    return np.geomspace(start, stop, num, endpoint, dtype, axis)


@geomspace.called_as
def _(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    _refuse_whole("numpy.geomspace", dtype)
    return (start, stop), {"num": num, "endpoint": endpoint, "dtype": dtype, "axis": axis}


def _geomspace_pull(total, end, share, axis):
    """Return the sum of the products of g and out with the share of an end, over that end."""
    return like(np.tensordot(share, np.moveaxis(total, axis, 0), 1) / end, end)


def _geomspace_push(change, out, share, axis):
    """Return out times the relative change of an end and the share of that end."""
    lanes = np.moveaxis(out, axis, 0)
    found = np.expand_dims(share, tuple(range(1, lanes.ndim))) * lanes * change
    return like(np.moveaxis(found, 0, axis), out)


geomspace.defvjp(
    start=lambda g, out, start, num, endpoint, axis: _geomspace_pull(
        g * out, start, _falling(num, endpoint), axis
    ),
    stop=lambda g, out, stop, num, endpoint, axis: _geomspace_pull(
        g * out, stop, _rising(num, endpoint), axis
    ),
)
geomspace.defjvp(
    start=lambda g, out, start, num, endpoint, axis: _geomspace_push(
        g / start, out, _falling(num, endpoint), axis
    ),
    stop=lambda g, out, stop, num, endpoint, axis: _geomspace_push(
        g / stop, out, _rising(num, endpoint), axis
    ),
)


@composite("numpy.logspace", aliases=("logspace",))
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """base ** linspace(start, stop), also for an array of bases"""
    _refuse_whole("numpy.logspace", dtype)
    if np.ndim(base):
        ends = [shapes.asarray(x) for x in (start, stop, base)]
        rank = max(x.ndim for x in ends)
        start, stop, base = (np.reshape(x, (1,) * (rank - x.ndim) + x.shape) for x in ends)
        base = np.expand_dims(base, axis)
    out = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return in_dtype(out, dtype)


# -------------------------------------------------------------------------------------------------- powers
@composite("numpy.vander", aliases=("vander",))
def vander(x, N=None, increasing=False):
    """The matrix of the powers of each element of x, N columns of them, the highest first unless ``increasing``"""
    x = shapes.asarray(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    powers = np.arange(len(x) if N is None else N)
    return np.power(x[:, None], powers if increasing else powers[::-1])


# ------------------------------------------------------------------------------------------------- samples
_RANGES = (
    ((), ()),
    ((2,), (2,)),
    ((3,), (2, 1)),
    ((2, 3), ()),
    ((), (2,)),
    ((0,), (1,)),
)


def _ranges(draw, *, retstep=False):
    """Return a generator of ranges between two ends that ``draw`` draws, with every keyword that they share."""

    def samples(rng):
        for left, right in _RANGES:
            ends = draw(rng, left), draw(rng, right)
            yield Sample(ends, {"num": 4}, note=f"shapes {left} and {right}")
            yield Sample((*ends, 3), {"endpoint": False, "axis": -1}, note="no endpoint, the last axis")
        ends = draw(rng, (2, 3)), draw(rng, (3,))
        yield Sample(ends, {"num": 4, "axis": 1}, note="axis 1")
        yield Sample(ends, {"num": 4, "axis": -2, "endpoint": False}, note="axis -2")
        for num in (0, 1, 2):
            yield Sample(ends, {"num": num}, note=f"{num} samples")
        yield Sample((*ends, 1, False), note="one sample, no endpoint")
        yield Sample((draw(rng, ()).item(), draw(rng, ()).item(), 5), note="two Python floats")
        yield Sample(
            (draw(rng, ()).item(), draw(rng, (2,)).astype(np.float32), 3), note="a float and float32"
        )
        yield Sample((draw(rng, (2,)).astype(np.float32), 2, 3), note="float32 and an integer")
        yield Sample((2, draw(rng, (2,)), 3), note="an integer first")
        yield Sample((draw(rng, (2,)), np.array([3, 2]), 3), note="beside integers")
        yield Sample((*ends, 3), {"dtype": np.float32}, note="dtype")
        yield Sample((*ends, 3), {"dtype": np.complex128}, note="a complex dtype")
        yield Sample((ends[1], ends[1], 3), note="the same array twice")

    return samples


linspace.samples(_ranges(normal))
logspace.samples(_ranges(normal))
geomspace.samples(_ranges(positive))


@linspace.samples
def _(rng):
    yield Sample((normal(rng), normal(rng)), note="fifty samples")
    for ends in (
        (normal(rng), normal(rng)),
        (normal(rng, (2,)), normal(rng, (3, 1))),
        (complex_normal(rng, (2,)), normal(rng)),
        (normal(rng).item(), 2),
        (single(rng, (2,)), single(rng, (2,))),
    ):
        yield Sample((*ends, 4), {"retstep": True}, note="the step too")
        yield Sample((*ends, 3, False, True), {"axis": -1}, note="no endpoint, the step too")
    yield Sample((normal(rng, (2,)), complex_normal(rng), 3), note="real and complex")
    yield Sample((complex_normal(rng, (2,)), normal(rng), 3), note="complex and real")


@geomspace.samples
def _(rng):
    x, y = positive(rng, (2,)), positive(rng, (3, 1))
    yield Sample((-x, -y, 4), note="negative")
    yield Sample((x, x[:1]), note="fifty samples")
    yield Sample((1e-200 * x, 1e200 * x[::-1], 5), note="the quotient overflows")
    yield Sample((x * (1 + 0.5j), y * (0.5 + 1j), 4), {"axis": 1}, note="a spiral")
    yield Sample((x, y * (0.5 + 1j), 3), note="real and complex")
    yield Sample((x * (0.5 - 1j), y, 3, False), note="complex and real")


@logspace.samples
def _(rng):
    x, y = normal(rng, (3,)), normal(rng, (2, 1))
    yield Sample((x, y), {"num": 3, "base": 2.0}, note="base 2")
    yield Sample((x[0], y[0, 0], 4, True, positive(rng, (2,))), note="several bases")
    yield Sample((x, y, 4), {"base": positive(rng, (2, 3)), "axis": 1}, note="bases, axis 1")
    yield Sample((x, 1, 4), {"base": positive(rng, (2, 1)), "axis": -1}, note="bases that broadcast, axis -1")
    yield Sample((0, 2, 4), {"base": positive(rng, (2,))}, note="only the bases vary")
    yield Sample((x * 1j, y, 3), note="complex")
    yield Sample((x, y, 3), {"base": 1.5 + 0.5j}, note="a complex base")


@arange.samples
def _(rng):
    for n in (1, 2, 5):
        start, step = 3 * normal(rng).item(), (1 + positive(rng, ()).item()) * (-1) ** n
        yield Sample((start, start + (n - 0.5) * step, step), note=f"{n} elements")
    yield Sample((start, start + 4.5), note="no step")
    yield Sample((4.5,), note="only a stop")
    yield Sample((0, 4.5, 2), note="integers beside a stop")
    yield Sample((np.float32(0.25), 3, np.float32(0.7)), note="float32")
    yield Sample((np.array(0.25), np.array(-4.1), np.array(-1.0)), note="0-d")
    yield Sample((0.25, -3), note="none")
    yield Sample((0.25, 3.1, 1.0, np.float32), note="dtype")
    yield Sample((0.25, 3.1), {"dtype": np.complex128, "step": 0.9}, note="a complex dtype")


vander.samples(
    of_one_array(
        call((3,)),
        call((3,), 2),
        call((2,), 4, True),
        call((3,), increasing=True),
        call((2,), N=0),
        call((1,), 3),
        call((0,), 2),
    )
)


@vander.samples
def _(rng):
    yield Sample((np.array([0.0, 2.0, -1.0]), 4), note="a zero")
    yield Sample((np.array([0j, 2.0 - 1j]), 3), note="a complex zero")
    yield Sample(([0.5, -1.5], 3), note="a list")
