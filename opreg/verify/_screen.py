"""The first look at a sample: two calls of the rule and one direction, for what is plainly right.

Most samples of most rules need no more than this. A rule is called twice, the second time with a strided cotangent that
is -2 times the first; the function is evaluated at twelve points along one direction that moves every argument, each
entry by a different part of itself, and the rule's cotangent must account for how the output moved. (Of an elementwise
function every entry is seen by itself: one call for each argument.) A sample passes only if all of it agrees, the
reference resolves it to eight digits, and there is no kink. Everything else, a wrong rule too, is left open: it is
decided by the checks in full. So this look never fails a rule, and what it passes it has measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Part, is_inexact, outputs
from opreg.verify._rule import copies, cotangent_like
from opreg.verify._stencil import NODES, Estimate, estimate
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

Array = NDArray[np.float64]

RESOLVED = 1e-8
"""The part of its scale to which the reference must know a derivative for a pass."""
_EPSILON = 2.0**-53
_REACH = 2.0**-8
_UNEVEN = np.array([-2.0, -1.0, 1.0, 2.0])


class _Open(Exception):
    """Something is not plainly right."""


def screen(
    subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> Verdict | None:
    """Return a pass, with the digits resolved, or ``None`` where the sample is to be decided in full."""
    with np.errstate(all="ignore"):
        try:
            return _look(subject, data, static, rng)
        except Exception:  # whatever it is, the checks say it better
            return None


def _look(subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator) -> Verdict:
    active = subject.active(data)
    inexact = [value for value in data if is_inexact(value)]
    if not active or any(np.asarray(value).dtype.char not in "dD" for value in inexact):
        raise _Open
    before = _contents(data)
    out = subject.forward(*data, **static)
    inputs, results = Coordinates(data, active), Coordinates(outputs(out))
    if not inputs.size or not results.size or any(part.dtype.char not in "dD" for part in results.parts):
        raise _Open
    u = rng.uniform(0.5, 2.0, results.size) * rng.choice(_UNEVEN[1:3], results.size)
    got = _cotangent(subject, data, static, out, inputs, results, u, before)
    relative = (_entries if subject.elementwise and _is_plain(inputs, results) else _direction)(
        subject, data, static, out, inputs, results, u, got, rng
    )
    if _contents(data) != before:
        raise _Open
    return Verdict.passed(min(16.0, -math.log10(max(relative, 1e-16))))


def _contents(values: Sequence[Any]) -> list[bytes]:
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


def _is_plain(inputs: Coordinates, results: Coordinates) -> bool:
    return len(results.parts) == 1 and not any(part.complex for part in (*inputs.parts, *results.parts))


def _cotangent(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    out: Any,
    inputs: Coordinates,
    results: Coordinates,
    u: Array,
    before: list[bytes],
) -> Array:
    """The rule's answer, asked twice: in the primal's dtype and shape, writing nowhere, odd and homogeneous."""
    several = isinstance(out, (tuple, list))
    one = cotangent_like(out, u, results, native=True)
    two = tuple(_strided(leaf * -2) for leaf in outputs(one))
    given = _contents(outputs(one)), _contents(two), _contents(outputs(out))
    first = subject.vjp(one, out, *data, **static)
    if not isinstance(first, tuple) or len(first) != len(data):
        raise _Open
    kept = inputs.cotangent(first)
    second = subject.vjp(two if several else two[0], out, *data, **static)
    got, twice = inputs.cotangent(first), inputs.cotangent(second)
    for result in (first, second):
        for part in inputs.parts:
            value = result[part.index]
            if np.shape(value) != part.shape or np.asarray(value).dtype != part.dtype:
                raise _Open
            if isinstance(value, np.ndarray) and any(
                isinstance(other, np.ndarray) and np.may_share_memory(value, other) for other in data
            ):
                raise _Open
    if (_contents(outputs(one)), _contents(two), _contents(outputs(out))) != given:
        raise _Open
    if _contents(data) != before or not np.isfinite(got).all() or got.tobytes() != kept.tobytes():
        raise _Open
    size = np.abs(got)
    if np.any(np.abs(twice + 2 * got) > 64 * _EPSILON * (size + size.max(initial=0.0))):
        raise _Open
    return got


def _strided(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 0:
        return array
    wide = np.empty((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _steps(x: Array) -> Array:
    """How far to move each entry: a part of itself, or of the others where it is small."""
    return np.asarray(np.maximum(np.abs(x), math.sqrt(float(x @ x) / max(x.size, 1)) / 2) * _REACH)


def _entries(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    out: Any,
    inputs: Coordinates,
    results: Coordinates,
    u: Array,
    got: Array,
    rng: np.random.Generator,
) -> float:
    """An elementwise function: every entry of an argument moves at once, and each is compared by itself."""
    whole = np.asarray(outputs(out)[0])
    worst, weight = 0.0, np.abs(u)
    for part in inputs.parts:
        x = np.asarray(data[part.index], dtype=np.float64)
        padded = (1,) * (whole.ndim - x.ndim) + x.shape

        def look(step: Array, x: Array = x, padded: tuple[int, ...] = padded, part: Part = part) -> Estimate:
            moved = list(data)
            moved[part.index] = (x.ravel() + NODES[:, None] * step).reshape(len(NODES), *padded)
            values = np.asarray(outputs(subject.forward(*moved, **static))[0])
            if values.shape != (len(NODES), *whole.shape) or not np.isfinite(values).all() or not step.all():
                raise _Open
            change = (values - whole).reshape(1, len(NODES), -1)
            spread = np.broadcast_to(step.reshape(padded), whole.shape).reshape(1, -1)
            level = np.broadcast_to(np.abs(x).reshape(padded), whole.shape).ravel()
            # Rounding x moves f by as much again as rounding f does.
            noise = _EPSILON * (np.abs(whole).ravel() + np.abs(change[0, 0]) / spread[0] * level)
            return estimate(change, spread, noise)

        e = look(_steps(x.ravel()))
        if np.any(e.error > RESOLVED * e.scale):  # some entries are much smaller than the others
            e.improve(look(np.abs(x.ravel()) * _REACH), np.array([0]))
        if e.kink.any():
            raise _Open
        due, bound, scale = (
            _summed(row, whole.shape, padded)
            for row in (u * e.value[0], weight * e.error[0], weight * e.scale[0])
        )
        mine = got[part.start : part.stop]
        still = scale == 0  # twelve times the same value: the rule must say 0
        tolerance = np.where(still, 0.0, bound + 16 * _EPSILON * (scale + np.abs(mine)))
        if np.any(np.abs(mine - due) > tolerance) or np.any(~still & (bound > RESOLVED * scale)):
            raise _Open
        worst = max(worst, float(np.max(tolerance / np.where(still, 1.0, scale))))
    return worst


def _summed(values: Array, shape: tuple[int, ...], padded: tuple[int, ...]) -> Array:
    """Sum over the axes along which an argument was broadcast."""
    axes = tuple(i for i, (n, m) in enumerate(zip(shape, padded, strict=True)) if m == 1 and n != 1)
    return values.reshape(shape).sum(axis=axes).ravel() if axes else values


def _direction(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    out: Any,
    inputs: Coordinates,
    results: Coordinates,
    u: Array,
    got: Array,
    rng: np.random.Generator,
) -> float:
    """Every entry moves at once, by different parts of itself: the rule must account for how ``u . f`` moves."""
    x = inputs.point(data)
    v = np.empty_like(x)
    for part in inputs.parts:
        v[part.start : part.stop] = _steps(x[part.start : part.stop])
    v *= rng.choice(_UNEVEN, len(x))
    points = x + NODES[:, None] * v
    base = results.point(outputs(out))
    change = np.empty((len(NODES), results.size))
    moved = copies(data)
    for row, point in enumerate(points):
        for index, array in inputs.arrays(point).items():
            moved[index] = array
        change[row] = results.point(outputs(subject.forward(*moved, **static)))
    change -= base
    terms = got * v
    size = float(np.abs(terms).sum())
    noise = _EPSILON * (float(np.abs(u) @ np.abs(base)) + float(np.abs(got) @ np.abs(x)))
    e = estimate((change @ u).reshape(1, -1, 1), np.ones((1, 1)), np.array([[noise]]))
    bound, scale = float(e.error[0, 0]), max(size, float(e.scale[0, 0]))
    tolerance = bound + 16 * _EPSILON * scale
    if not math.isfinite(bound) or e.kink.any():
        raise _Open
    if not abs(float(terms.sum()) - float(e.value[0, 0])) <= tolerance or not bound <= RESOLVED * scale:
        raise _Open
    return tolerance / scale if scale > 0 else 0.0
