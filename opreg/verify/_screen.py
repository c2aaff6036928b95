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
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Part, is_inexact, is_numeric, outputs, packed
from opreg.verify._rule import copies, cotangent_like
from opreg.verify._stencil import NODES, Estimate, estimate, slopes
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

Array = NDArray[np.float64]

RESOLVED = 1e-8
"""The part of its scale to which the reference must know a derivative for a pass."""
_EPSILON = 2.0**-53
_REACH = 2.0**-8
_COLUMN = NODES[:, None]
_AT_MOST = 2**17
"""So many numbers are given to the forward function in one call, or those of one sample."""


class _Open(Exception):
    """Something is not plainly right."""


def signature(subject: Subject, data: Sequence[Any], static: Mapping[str, Any]) -> Hashable:
    """Return what two samples share that differ in the values of their floating point data alone."""
    parts: list[Hashable] = [subject.name, repr(sorted(static.items())) if static else ""]
    for index, value in enumerate(data):
        active = is_inexact(value) and subject.reason(index) is None
        if isinstance(value, np.ndarray):
            parts.append((value.shape, value.dtype.str, None if active else value.tobytes()))
        else:
            parts.append((type(value), None if active else repr(value)))
    return tuple(parts)


def stacked(subject: Subject, several: Sequence[Sequence[Any]]) -> list[Any]:
    """Return samples of an elementwise function that have one signature as one sample: a new leading axis."""
    first = several[0]
    rank = max(map(np.ndim, first))
    together = list(first)
    for index in subject.active(first):
        rows = np.array([data[index] for data in several])
        together[index] = rows.reshape(len(several), *(1,) * (rank - rows.ndim + 1), *rows.shape[1:])
    return together


def screen(
    subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> Verdict | None:
    """Return a pass, with the digits resolved, or ``None`` where the sample is to be decided in full."""
    return screen_each(subject, [data], static, [rng])[0]


def screen_each(
    subject: Subject,
    several: Sequence[Sequence[Any]],
    static: dict[str, Any],
    rngs: Sequence[np.random.Generator],
) -> list[Verdict | None]:
    """Return what :func:`screen` says of each of several samples of one signature.

    The rule is asked about each by itself; the forward is evaluated around all of them in one call where it can be.
    """
    verdicts: list[Verdict | None] = [None] * len(several)
    aimed: dict[int, _Look] = {}
    with np.errstate(all="ignore"):
        for number, (data, rng) in enumerate(zip(several, rngs, strict=True)):
            with suppress(Exception):  # whatever it is, the checks say it better
                look = _Look.of(subject, data, static)
                look.ask(rng)
                if subject.elementwise and look.is_plain:
                    verdicts[number] = look.passed(look.entries())
                else:
                    look.aim(rng)
                    aimed[number] = look
        for look_closer in (False, True):
            if look_closer:
                aimed = {number: look for number, look in aimed.items() if verdicts[number] is None}
                for look in aimed.values():
                    look.come_closer()
            for some in _portions(aimed):
                with suppress(Exception):
                    for (number, look), relative in zip(
                        some, _settle([look for _, look in some]), strict=True
                    ):
                        verdicts[number] = look.passed(relative)
    return verdicts


def _portions(looks: Mapping[int, _Look]) -> Iterator[list[tuple[int, _Look]]]:
    """As many looks as may be settled in one call, with their numbers."""
    size = max((look.inputs.size for look in looks.values()), default=1)
    items = list(looks.items())
    count = max(1, _AT_MOST // (len(NODES) * size))
    return (items[first : first + count] for first in range(0, len(items), count))


def _kind(value: Any) -> str:
    return value.dtype.char if isinstance(value, (np.ndarray, np.generic)) else "d"


def _contents(values: Sequence[Any]) -> list[bytes]:
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


def _strided(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 0:
        return array
    wide = np.empty((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _uneven(rng: np.random.Generator, count: int) -> Array:
    """Numbers from 1/2 to 2 of either sign."""
    drawn = rng.random(2 * count)
    return np.asarray(np.copysign(0.5 + 1.5 * drawn[:count], drawn[count:] - 0.5))


def _steps(x: Array) -> Array:
    """How far to move each entry: a part of itself, or of the others where it is small."""
    size = math.sqrt(float(x @ x) / x.size) / 2 if x.size else 0.0
    return np.asarray(np.maximum(np.abs(x), size) * _REACH)


class _Look:
    def __init__(
        self, subject: Subject, data: Sequence[Any], static: dict[str, Any], active: tuple[int, ...]
    ) -> None:
        self.subject, self.data, self.static = subject, data, static
        self.before = _contents(data)
        self.out = subject.forward(*data, **static)
        self.inputs, self.results = Coordinates(data, active), Coordinates(outputs(self.out))
        self.is_plain = len(self.results.parts) == 1 and not any(
            part.complex for part in (*self.inputs.parts, *self.results.parts)
        )

    @classmethod
    def of(cls, subject: Subject, data: Sequence[Any], static: dict[str, Any]) -> _Look:
        """A look at a sample of floating point numbers in double precision."""
        active = subject.active(data)
        if not active or any(_kind(value) not in "dD" for value in data if is_inexact(value)):
            raise _Open
        look = cls(subject, copies(data), static, active)  # what the rule writes must reach nobody else
        if (
            not look.inputs.size
            or not look.results.size
            or any(p.dtype.char not in "dD" for p in look.results.parts)
        ):
            raise _Open
        return look

    def passed(self, relative: float | None) -> Verdict | None:
        """The verdict, given to which part of its scale the derivative is resolved; none where it is not right."""
        if relative is None or _contents(self.data) != self.before:
            return None
        return Verdict.passed(min(16.0, -math.log10(max(relative, 1e-16))))

    def ask(self, rng: np.random.Generator) -> None:
        """The rule's answer, asked twice: of the right kind, writing nowhere, odd and homogeneous."""
        self.u = _uneven(rng, self.results.size)
        one = cotangent_like(self.out, self.u, self.results, native=True)
        leaves = outputs(one)
        two = tuple(_strided(leaf * -2) for leaf in leaves)
        given = _contents((*leaves, *two, *outputs(self.out)))
        first = self._pull(one)
        self.got = self.inputs.cotangent(first)
        twice = self.inputs.cotangent(self._pull(packed(two, self.out)))
        size = np.abs(self.got)
        largest = float(size.max())
        due = self.got * -2
        if (
            not math.isfinite(largest)
            or not (
                twice.tobytes() == due.tobytes()
                or (np.abs(twice - due) <= 64 * _EPSILON * (size + largest)).all()
            )
            or _contents((*leaves, *two, *outputs(self.out))) != given
            or _contents(self.data) != self.before
            or self.inputs.cotangent(first).tobytes() != self.got.tobytes()
        ):
            raise _Open

    def _pull(self, g: Any) -> tuple[Any, ...]:
        result = self.subject.vjp(g, self.out, *self.data, **self.static)
        if not isinstance(result, tuple) or len(result) != len(self.data):
            raise _Open
        for part in self.inputs.parts:
            value = result[part.index]
            if not isinstance(value, np.ndarray):
                if not is_numeric(value) or part.shape or np.asarray(value).dtype != part.dtype:
                    raise _Open
            elif (
                value.shape != part.shape
                or value.dtype != part.dtype
                or any(isinstance(x, np.ndarray) and np.may_share_memory(value, x) for x in self.data)
            ):
                raise _Open
        return result

    def entries(self) -> float:
        """An elementwise function: every entry of an argument moves at once, and each is compared by itself."""
        parts = self.inputs.parts
        e = self._elementwise(parts, _steps)
        open_ = np.flatnonzero((e.error > RESOLVED * e.scale).any(axis=1))
        if len(open_):  # some entries are much smaller than the others
            e.improve(self._elementwise([parts[i] for i in open_], lambda x: np.abs(x) * _REACH), open_)
        if e.kink.any():
            raise _Open
        worst, weight, shape = 0.0, np.abs(self.u), self.results.parts[0].shape
        rows = np.stack([self.u * e.value, weight * e.error, weight * e.scale], axis=1)
        for part, row in zip(parts, rows, strict=True):
            due, bound, scale = _summed(row, shape, (1,) * (len(shape) - len(part.shape)) + part.shape)
            mine = self.got[part.start : part.stop]
            still = scale == 0  # twelve times the same value: the rule must say 0
            tolerance = np.where(still, 0.0, bound + 16 * _EPSILON * (scale + np.abs(mine)))
            right = (np.abs(mine - due) <= tolerance) & (still | (bound <= RESOLVED * scale))
            if not right.all():
                raise _Open
            worst = max(worst, float((tolerance / np.where(still, 1.0, scale)).max()))
        return worst

    def _elementwise(self, parts: Sequence[Part], step_of: Callable[[Array], Array]) -> Estimate:
        """The derivative of every entry by each argument, a row for each."""
        whole = np.asarray(outputs(self.out)[0])
        changes, steps, levels = [], [], []
        for part in parts:
            x = np.asarray(self.data[part.index], dtype=np.float64).ravel()
            step = step_of(x)
            padded = (1,) * (whole.ndim - len(part.shape)) + part.shape
            moved = list(self.data)
            moved[part.index] = (x + _COLUMN * step).reshape(len(NODES), *padded)
            values = np.asarray(outputs(self.subject.forward(*moved, **self.static))[0])
            if values.shape != (len(NODES), *whole.shape):
                raise _Open
            changes.append((values - whole).reshape(len(NODES), -1))
            if part.shape != whole.shape:
                x = np.broadcast_to(x.reshape(padded), whole.shape).ravel()
                step = np.broadcast_to(step.reshape(padded), whole.shape).ravel()
            steps.append(step)
            levels.append(x)
        change, spread = np.array(changes), np.array(steps)
        if not np.isfinite(change).all() or not spread.all():
            raise _Open
        # Rounding x moves f by as much again as rounding f does.
        noise = _EPSILON * (np.abs(whole).ravel() + np.abs(change[:, 0] / spread * levels))
        return estimate(change, spread, noise)

    def aim(self, rng: np.random.Generator) -> None:
        """Choose a direction, in which every entry moves by a different part of itself."""
        self.x = self.inputs.point(self.data)
        self.v = _uneven(rng, len(self.x))
        for part in self.inputs.parts:
            self.v[part.start : part.stop] *= _steps(self.x[part.start : part.stop])
        if not self.v.all():  # an argument that is zero throughout has no scale
            raise _Open
        self.base = self.results.point(outputs(self.out))
        self.points = self.x + _COLUMN * self.v

    def come_closer(self) -> None:
        """Look again from nearer by, for a function that bends within reach or ends there."""
        self.v = self.v / 32
        self.points = self.x + _COLUMN * self.v

    def one_by_one(self) -> Array:
        """The function at its points, a call for each."""
        values = np.empty((len(NODES), self.results.size))
        for row, point in zip(values, self.points, strict=True):
            self.results.write(row, outputs(self.at(point)))
        return values

    def at(self, point: Array) -> Any:
        """The output at another point."""
        moved = list(self.data)
        for index, array in self.inputs.arrays(point).items():
            moved[index] = array
        return self.subject.forward(*moved, **self.static)


def _settle(looks: Sequence[_Look]) -> list[float | None]:
    """To which part of its scale the derivative along the direction of each look is known, if the rule agrees.

    Every entry moves at once, by different parts of itself: the rule must account for how u . f moves.
    """
    moved = np.empty((len(looks), len(NODES)))
    expected, noise = [], []
    for row, look, values in zip(moved, looks, _values(looks), strict=True):
        np.matmul(values - look.base, look.u, out=row)
        terms = look.got * look.v
        expected.append((float(terms.sum()), float(np.abs(terms).sum())))
        noise.append(_EPSILON * float(np.abs(look.u) @ np.abs(look.base) + np.abs(look.got) @ np.abs(look.x)))
    found: list[float | None] = []
    for (due, size), (value, bound, scale, kink) in zip(expected, slopes(moved, noise), strict=True):
        scale = max(size, scale)
        tolerance = bound + 16 * _EPSILON * scale
        right = abs(due - value) <= tolerance < math.inf and bound <= RESOLVED * scale and not kink
        found.append((tolerance / scale if scale else 0.0) if right else None)
    return found


def _values(looks: Sequence[_Look]) -> Array:
    """The function at the points of all looks; what cannot be evaluated is NaN, and so of no use."""
    values = _at_once(looks)
    if values is not None:
        return values
    apart = np.full((len(looks), len(NODES), looks[0].results.size), np.nan)
    for rows, look in zip(apart, looks, strict=True):
        with suppress(Exception):
            rows[:] = look.one_by_one()
    return apart


def _at_once(looks: Sequence[_Look]) -> Array | None:
    """The function at all points in one call, if it treats a leading axis as so many calls: one or two of them tell."""
    first = looks[0]
    if not first.is_plain or any(not part.shape for part in first.inputs.parts):
        return None
    points = np.concatenate([look.points for look in looks])
    moved = list(first.data)
    for part in first.inputs.parts:
        moved[part.index] = points[:, part.start : part.stop].reshape(len(points), *part.shape)
    try:
        values = np.asarray(outputs(first.subject.forward(*moved, **first.static))[0])
    except Exception:
        return None
    if values.shape != (len(points), *first.results.parts[0].shape):
        return None
    rows = values.reshape(len(points), -1)
    # Not the first nor the last point: a running sum along the new axis would be right there.
    middle = len(NODES) // 2
    for place in {middle, len(points) - middle}:
        alone = first.results.point(outputs(first.at(points[place])))
        if not (np.abs(rows[place] - alone) <= 64 * _EPSILON * float(np.abs(alone).max())).all():
            return None
    return np.array(rows, dtype=np.float64).reshape(len(looks), len(NODES), -1)


def _summed(rows: Array, shape: tuple[int, ...], padded: tuple[int, ...]) -> Array:
    """Sum each row, an array of one shape, over the axes along which an argument was broadcast to it."""
    axes = tuple(i + 1 for i, (n, m) in enumerate(zip(shape, padded, strict=True)) if m == 1 and n != 1)
    return rows.reshape(-1, *shape).sum(axis=axes).reshape(len(rows), -1) if axes else rows
