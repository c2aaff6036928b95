"""The reference derivative of a function, from its values alone, with a bound of its own error.

One oracle holds a function at one point. It samples the Jacobian in *groups* of coordinates that are moved together:
single coordinates (columns), all entries of an argument at once where the function is elementwise, or random directions
where there are too many coordinates. It computes in extended precision where the platform and the function really have
it, and in float64 elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Part, is_inexact, outputs
from opreg.verify._stencil import NODES, UNKNOWN, Estimate, estimate

Array = NDArray[np.float64]

EPSILON = 2.0**-53
# The spacing of the numbers below the smallest normal one, and that one.
SMALLEST, TINY = 2.0**-1074, 2.0**-1022
# Spacings beyond the first, tried in turn for what the first leaves unresolved.
SPACINGS = 6
_EXTENDED_SIZE = 512
# Moves that tell a jump from a slope, parts of the local size.
_LEAPS = (2.0**-40, 2.0**-16)
_HAS_EXTENDED = np.finfo(np.longdouble).nmant >= 60


def widen(value: Any, real: Any = np.float64) -> Any:
    """A floating point value as a fresh, contiguous array of the working precision; others as they are."""
    if not is_inexact(value):
        return value.copy() if isinstance(value, np.ndarray) else value
    array = np.asarray(value)
    return np.array(
        array, dtype=np.result_type(real, np.complex64) if array.dtype.kind == "c" else real, order="C"
    )


@dataclass(slots=True)
class Precision:
    """A working precision: its unit roundoff, the point in it, the value there and the rounding noise of that value."""

    real: Any
    epsilon: float
    spacing: float
    data: list[Any]
    value: NDArray[Any]
    noise: Array


def _is_reordered(one: Array, other: Array) -> bool:
    """Whether two results hold the same numbers in another order, as `partition` may in another precision."""
    return not np.array_equal(one, other, equal_nan=True) and np.array_equal(
        np.sort(one), np.sort(other), equal_nan=True
    )


def _logarithmic_noise(values: Array) -> Array:
    """What is not known of a logarithm of a multiple of the smallest number: half of that, as its argument was rounded.

    The logarithm of a probability is a staircase where that has only a few digits left.
    """
    with np.errstate(over="ignore"):
        multiple = np.exp(values - np.log(SMALLEST))
    whole = np.rint(multiple)
    rounded = (values < np.log(TINY)) & (whole > 0) & (np.abs(multiple - whole) < 1e-9 * whole)
    return np.where(rounded, 0.5 / np.maximum(whole, 1.0), 0.0)


def power_of_two(size: Array) -> Array:
    """The largest power of two that is not larger, entry by entry."""
    power: Array = np.ldexp(1.0, np.frexp(size)[1] - 1)
    return power


class Oracle:
    """The derivative of `forward` at `data` in the coordinates of its active arguments."""

    def __init__(
        self,
        forward: Callable[..., Any],
        data: Sequence[Any],
        static: dict[str, Any],
        active: Sequence[int],
        out: Any,
        rng: np.random.Generator,
        *,
        elementwise: bool | None = None,
        columns: int = 40,
        extended: bool = True,
        dense: int = 3,
        shaken: Callable[..., Any] | None = None,
    ) -> None:
        """`data` in float64 and `out = forward(*data)`; more than `columns` coordinates are sampled by directions.

        `shaken(rng, relative, *data, **static)` is the forward with what it computes on the way moved by a relative
        amount, where that is known: it shows what rounding on the way does.
        """
        self.forward, self.static, self.dense, self.shaken = forward, static, dense, shaken
        self.inputs = Coordinates(data, active)
        self.results = Coordinates(outputs(out))
        self.x = self.inputs.point(data)
        value = self.results.point(outputs(out))
        # A forward that narrows its result (`dtype=np.float32`) is known to that precision only.
        self.epsilon = max([float(np.finfo(p.dtype).eps) / 2 for p in self.results.parts] + [EPSILON])
        self.narrow = self.epsilon > 2 * EPSILON
        spacing = 2.0**-4 if self.narrow else 2.0**-8
        plain = Precision(
            np.float64, self.epsilon, spacing, list(data), value, self.epsilon * np.abs(value) + SMALLEST
        )
        self.float64 = plain
        self.work = (self._extended(plain) if extended and not self.narrow else None) or plain
        self._magnitude()
        self.directions: Array | None = None
        self.owner: NDArray[np.intp] | None = None
        self.blocks: list[tuple[int, int, bool]] = []
        count = self.inputs.size
        if (
            elementwise is not False
            and count > len(self.inputs.parts)
            and self._elementwise(elementwise, rng)
        ):
            self.kind = "elementwise"
            self._share()
        elif count <= columns:
            self.kind = "columns"
        else:
            self.kind = "directions"
            self.directions = self._directions(rng)
        self.groups = {
            "elementwise": len(self.blocks),
            "columns": count,
            "directions": 0 if self.directions is None else len(self.directions),
        }[self.kind]
        self.input_noise: Array = np.zeros(self.results.size)
        self.jagged = np.zeros(self.results.size, bool)
        self.leaps = np.zeros(self.results.size, bool)
        self.jumps = self.coarse = False
        self.estimate = Estimate.unknown(0, self.results.size)

    # -- precision ---------------------------------------------------------------------------------------------------

    def _extended(self, plain: Precision) -> Precision | None:
        """Extended precision, if the function computes in it: a move below float64's resolution must show."""
        if not _HAS_EXTENDED or max(self.inputs.size, self.results.size) > _EXTENDED_SIZE:
            return None
        real = np.longdouble
        data = [widen(value, real) for value in plain.data]
        moved = list(data)
        for part in self.inputs.parts:
            moved[part.index] = data[part.index] * (real(1) + real(2) ** -58)
        try:
            out = outputs(self.forward(*data, **self.static))
            for part in self.results.parts:
                if np.asarray(out[part.index]).dtype.itemsize <= part.dtype.itemsize:
                    return None
            value = self.results.point(out, real)
            shifted = self.results.point(outputs(self.forward(*moved, **self.static)), real)
        except Exception:
            return None
        if not np.any(shifted != value) or _is_reordered(plain.value, value.astype(np.float64)):
            return None
        rounding = np.abs(plain.value - value).astype(np.float64)
        rounding[~np.isfinite(rounding)] = 0.0
        epsilon = 2.0**-64
        # Changes are told in float64, whatever they were computed in.
        noise = epsilon * np.abs(plain.value) + rounding * 2.0**-11 + SMALLEST
        return Precision(real, epsilon, 2.0**-9, data, value, noise)

    def _magnitude(self) -> None:
        """The size of each coordinate (a complex entry's modulus for both) and the local size around it.

        What is not finite has no size of its own: no move changes it.
        """
        self.size = np.abs(self.x)
        self.local = np.empty_like(self.size)
        for part in self.inputs.parts:
            if part.complex:
                middle = part.start + part.size
                modulus = np.hypot(self.x[part.start : middle], self.x[middle : part.stop])
                self.size[part.start : middle] = self.size[middle : part.stop] = modulus
            size = self.size[part.start : part.stop]
            size[~np.isfinite(size)] = 0.0
            most = float(size.max(initial=0.0)) or 1.0
            root = most * float(np.sqrt(np.mean(np.square(size / most)))) if size.size else 0.0
            self.local[part.start : part.stop] = np.maximum(size, root / 2)
        self.local[self.local == 0] = 1.0

    def spacing(self, number: int) -> Array:
        """The spacing of the nodes per coordinate: the local scale first, then others."""
        size = np.where(self.size > 0, self.size, 1.0)
        if number == 0:
            scale = self.local
        elif number == 1:
            scale = size
        elif number == 2:
            scale = np.ones_like(size)
        elif number == 3:
            scale = np.minimum(size, 1) / 32
        elif number == 4:
            scale = 16 * np.maximum(size, 1)
        else:
            scale = np.minimum(size, 1) / 2048
        return power_of_two(scale)

    def natural(
        self, u: Array, *, own: bool = False, mixed: bool = False, heights: Array | None = None
    ) -> Array:
        """The size that J^T u would have if f changed by itself as x does: |u| |f| / |x| per coordinate of `pull`.

        By `own` size of each coordinate, or by the local one; `mixed` as if every output came from every coordinate;
        or by other `heights` than |f|.
        """
        size = np.abs(u) * (self._heights if heights is None else heights)
        if self.directions is not None:
            return np.full(len(self.directions), size.sum())
        x = self.unit() if own else self.local
        if self.owner is None or mixed:
            return np.asarray(size.sum() / x)
        reach = np.broadcast_to(size, self.owner.shape).ravel()
        return np.asarray(np.bincount(self.owner.ravel(), reach, self.inputs.size) / x)

    def natural_forward(self, v: Array) -> Array:
        """The same of J v, per output entry: |f| |v| / |x|."""
        ratio = np.abs(v) / np.where(self.size > 0, self.size, self.local)
        size = self._heights
        if self.owner is None:
            return np.asarray(size * ratio.sum())
        return np.asarray(size * ratio[self.owner].sum(axis=0))

    @property
    def _heights(self) -> Array:
        """The size of each output; none is rounded more finely than the smallest normal number."""
        return np.asarray(np.maximum(np.nan_to_num(np.abs(self.float64.value), posinf=0.0), TINY))

    # -- groups ------------------------------------------------------------------------------------------------------

    def _elementwise(self, hint: bool | None, rng: np.random.Generator) -> bool:
        """Whether each output entry depends on the input entries of its own place only, to the bit."""
        shapes = [part.shape for part in self.inputs.parts]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            return False
        if any(part.shape != shape for part in self.results.parts):
            # The output may be larger than the active arguments when a constant one is larger.
            try:
                if any(np.broadcast_shapes(shape, part.shape) != part.shape for part in self.results.parts):
                    return False
            except ValueError:
                return False
        data = self.float64.data
        for part in self.inputs.parts:
            if part.size < 2:
                continue
            number = np.arange(part.size).reshape(part.shape)
            bits = range(int(part.size - 1).bit_length())
            if hint:
                bits = range(b := int(rng.integers(len(bits))), b + 1)
            for bit in bits:
                for side in (0, 1):
                    mask = (number >> bit) & 1 == side
                    shift = self.local[part.start : part.start + part.size].reshape(part.shape) * 2.0**-6
                    moved = list(data)
                    moved[part.index] = np.where(mask, data[part.index] + shift, data[part.index])
                    try:
                        out = outputs(self.forward(*moved, **self.static))
                        row = self.results.point(out)
                    except Exception:
                        return False
                    still = np.concatenate(
                        [
                            np.tile(np.broadcast_to(~mask, p.shape).ravel(), 2 if p.complex else 1)
                            for p in self.results.parts
                        ]
                    )
                    if not np.array_equal(row[still], self.float64.value[still], equal_nan=True):
                        return False
        return True

    def _share(self) -> None:
        """Which coordinate moves each output entry, per block of coordinates moved together."""
        owners = []
        for number, part in enumerate(self.inputs.parts):
            places = np.arange(part.size).reshape(part.shape)
            flat = np.concatenate(
                [
                    np.tile(np.broadcast_to(places, p.shape).ravel(), 2 if p.complex else 1)
                    for p in self.results.parts
                ]
            )
            for imaginary in (False, True) if part.complex else (False,):
                self.blocks.append((number, part.start + imaginary * part.size, imaginary))
                owners.append(flat + part.start + imaginary * part.size)
        self.owner = np.array(owners)

    def _directions(self, rng: np.random.Generator) -> Array:
        """Dense directions with uneven moves, then, at first order, a few single coordinates."""
        steps = power_of_two(self.local)
        dense = rng.choice(np.array([-2.0, -1.0, 1.0, 2.0]), (self.dense, self.inputs.size)) * steps
        # The last one moves each entry by its own size, however small it is beside the others.
        dense[-1] *= power_of_two(np.where(self.size > 0, self.size, self.local)) / steps
        if self.dense < 3:
            return dense
        single = np.zeros((4, self.inputs.size))
        chosen = rng.choice(self.inputs.size, 4, replace=False)
        single[np.arange(4), chosen] = steps[chosen]
        return np.concatenate([dense, single])

    def group_of(self, coordinates: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The groups that some coordinates belong to."""
        if self.kind != "elementwise":
            return np.flatnonzero(coordinates)
        found = []
        for number, (block, start, _) in enumerate(self.blocks):
            if coordinates[start : start + self.inputs.parts[block].size].any():
                found.append(number)
        return np.array(found, dtype=np.intp)

    # -- sampling ----------------------------------------------------------------------------------------------------

    def steps(self, number: int, precision: Precision) -> Array:
        """The spacings of one number, per coordinate; for directions per direction, in its own length."""
        if self.directions is None:
            return self.spacing(number) * precision.spacing
        length = (1.0, 2.0**-3, 2.0**-6, 2.0**-9, 2.0**3, 2.0**-13)[number]
        return np.full(len(self.directions), precision.spacing * length)

    def unit(self) -> Array:
        """The size that the spacings of each coordinate (or direction) are compared with."""
        if self.directions is not None:
            return np.ones(len(self.directions))
        return np.where(self.size > 0, self.size, self.local)

    def kept(self) -> Array:
        """The spacings behind the estimates at hand, per coordinate or per direction."""
        step = self.estimate.step
        if self.owner is None:
            return np.asarray(step.max(axis=1))
        kept = np.zeros(self.inputs.size)
        np.maximum.at(kept, self.owner.ravel(), step.ravel())
        return kept

    def sample(self, groups: NDArray[np.intp], steps: Array, precision: Precision) -> Estimate:
        """The estimates of some groups at the given spacings."""
        if self.kind == "elementwise":
            assert self.owner is not None
            step = steps[self.owner[groups]]
            reach = self.size[self.owner[groups]]
            points = self._block_points(groups, steps, precision)
        elif self.kind == "columns":
            step, reach = steps[groups][:, None], self.size[groups][:, None]
            points = self._column_points(groups, steps, precision)
        else:
            step, reach = steps[groups][:, None], np.ones((len(groups), 1))
            points = self._direction_points(groups, steps, precision)
        moved = self._values(points, precision.real).reshape(len(groups), len(NODES), self.results.size)
        moved -= precision.value
        change = moved.astype(np.float64) if precision.real is not np.float64 else moved
        # What rounding the inputs does to the function, seen at this spacing.
        slope = np.abs(change[:, 0] - change[:, 6]) / (2 * step) * reach
        slope = np.where(np.isfinite(slope), slope, 0.0)
        if len(groups) == self.groups and not self.estimate.value.size:
            self.input_noise = slope.sum(axis=0)
        noise = precision.noise + precision.epsilon * np.maximum(self.input_noise, slope)
        return estimate(change, step, noise)

    def _values(self, points: Iterable[list[Any]], real: Any) -> NDArray[Any]:
        """The outputs' coordinates at each point, one after the other; NaN where the function raises."""
        forward, static, results = self.forward, self.static, self.results
        lost = np.full(results.size, np.nan)
        single = len(results.parts) == 1 and not results.parts[0].complex and results.parts[0].index == 0
        rows: list[NDArray[Any]] = []
        for point in points:
            try:
                out = forward(*point, **static)
                if (
                    single
                    and isinstance(out, np.ndarray)
                    and out.size == results.size
                    and out.dtype.kind == "f"
                ):
                    rows.append(out.flatten())
                else:
                    rows.append(results.point(outputs(out), real))
            except Exception:
                rows.append(lost)
        return np.concatenate(rows, dtype=real, casting="same_kind")

    def _column_points(
        self, groups: NDArray[np.intp], steps: Array, precision: Precision
    ) -> Iterator[list[Any]]:
        nodes = NODES.astype(precision.real)
        for coordinate in groups:
            part, entry, imaginary = self.inputs.locate(int(coordinate))
            start = precision.data[part.index]
            arrays = np.empty((len(nodes), *start.shape), start.dtype)
            arrays[:] = start
            step = nodes * precision.real(steps[coordinate])
            arrays.reshape(len(nodes), -1)[:, entry] += step * 1j if imaginary else step
            yield from self._points(part.index, arrays, precision)

    def _block_points(
        self, groups: NDArray[np.intp], steps: Array, precision: Precision
    ) -> Iterator[list[Any]]:
        for group in groups:
            number, first, imaginary = self.blocks[group]
            part = self.inputs.parts[number]
            step = steps[first : first + part.size].reshape(part.shape) * (1j if imaginary else 1)
            nodes = NODES.astype(precision.real).reshape(-1, *(1,) * len(part.shape))
            yield from self._points(part.index, precision.data[part.index] + nodes * step, precision)

    @staticmethod
    def _points(index: int, arrays: NDArray[Any], precision: Precision) -> Iterator[list[Any]]:
        """The point with one of its arrays replaced, by each of several."""
        for node in range(len(arrays)):
            point = list(precision.data)
            point[index] = arrays[node, ...]
            yield point

    def _direction_points(
        self, groups: NDArray[np.intp], steps: Array, precision: Precision
    ) -> Iterator[list[Any]]:
        assert self.directions is not None
        start = self.x.astype(precision.real)
        for group in groups:
            direction = self.directions[group].astype(precision.real) * precision.real(steps[group])
            for factor in NODES:
                point = list(precision.data)
                for index, array in self.inputs.arrays(start + precision.real(factor) * direction).items():
                    point[index] = array
                yield point

    def start(self) -> None:
        """The first estimate of everything."""
        self.estimate = self.sample(np.arange(self.groups), self.steps(0, self.work), self.work)

    def restart(self, groups: NDArray[np.intp]) -> None:
        """Begin anew for some groups, when more has become known of the noise."""
        self.estimate.put(groups, self.sample(groups, self.steps(0, self.work), self.work))

    def improve(self, groups: NDArray[np.intp], number: int, precision: Precision | None = None) -> None:
        """One more spacing for some groups."""
        precision = precision or self.work
        self.estimate.improve(self.sample(groups, self.steps(number, precision), precision), groups)

    def closer(self, groups: NDArray[np.intp], steps: Array) -> Estimate:
        """An estimate at the given spacings that knows nothing of all other groups."""
        result = Estimate.unknown(self.groups, self.results.size)
        result.put(groups, self.sample(groups, steps, self.work))
        return result

    def adopt(self, coordinates: NDArray[np.bool_], closer: Estimate) -> None:
        """Replace the estimate along some coordinates by another one."""
        where = coordinates[:, None] if self.owner is None else coordinates[self.owner]
        for name in ("value", "error", "scale", "kink", "step", "grain"):
            kept = getattr(self.estimate, name)
            np.copyto(kept, getattr(closer, name), where=where)

    def jags(self) -> Estimate:
        """The estimate at hand, its bound the whole scale of the outputs that jump too finely to look at."""
        e = self.estimate
        # Of a value that jumps from node to node the measured scale is none.
        unknown = np.where(self.leaps & (e.scale > 0), UNKNOWN, e.scale * self.jagged)
        return Estimate(e.value, unknown, e.scale, e.kink, e.step, e.grain)

    def is_rough(self, rng: np.random.Generator) -> bool:
        """Whether the derivative along some direction is not what the derivatives along the coordinates add up to.

        Then the function has a kink here that no coordinate shows by itself: of three equal entries the middle one
        stays where it is, whichever of them moves alone.
        """
        if self.directions is not None:
            return False
        along = power_of_two(self.local)
        every, work = np.arange(self.groups), self.work
        odd, even = np.zeros((2, self.results.size), bool)
        for length in (2.0**-8, 2.0**-14, 2.0**-20, 2.0**-26):
            closer = self.sample(every, along * length, work)
            for _ in range(2):
                v = along * rng.uniform(0.5, 2.0, along.size) * rng.choice(np.array([-1.0, 1.0]), along.size)
                v, moved = self._moved_along(v, length)
                due, bound, scale, _ = self.push(v, closer)
                change = (moved - self.float64.value)[None]
                found = estimate(change, np.full((1, 1), length), self.float64.noise)
                off = np.abs(found.value[0] - due)
                size = scale + found.scale[0]
                tolerance = found.error[0] + bound + 1e-9 * size
                said, bent = tolerance < 1e-2 * size, found.kink[0] > 1e-3 * size
                odd |= bent | (said & (off > 4 * tolerance))
                even |= said & ~bent & (off <= 4 * tolerance)
        return bool(np.any(odd & ~even))

    def _moved_along(self, v: Array, length: float) -> tuple[Array, Array]:
        """The outputs at the nodes along a direction, or along as much of it as the function admits.

        An argument at the bound of its domain, such as the 0 of a quantile, must not hide what the others do.
        """

        def only(part: Part) -> Array:
            alone = np.zeros(v.size)
            alone[part.start : part.stop] = v[part.start : part.stop]
            return alone

        for some in chain([v], map(only, self.inputs.parts)):
            try:
                return some, np.array([self._plain(self.x + length * node * some) for node in NODES])
            except Exception:
                continue
        return np.zeros(v.size), np.tile(self.float64.value, (len(NODES), 1))

    def measure_noise(self, rng: np.random.Generator) -> None:
        """Raise the noise to what tiny moves of the inputs really do to the function.

        A move by a few units of last place shows how the inputs' own rounding is amplified; the second difference
        of slightly larger moves shows rounding that cancellation inside the function has made large.
        """
        change, known = np.zeros((2, self.results.size))
        bends, ups = np.zeros((2, 2, self.results.size))
        plain = self.float64.value
        for _ in range(4):
            ulps = self.size * rng.integers(-2, 3, self.inputs.size) * 2 * EPSILON
            sway = self.size * rng.uniform(0.5, 1, self.inputs.size) * 2.0**-28
            try:
                change = np.fmax(change, np.abs(self._plain(self.x + ulps) - plain))
                for row, move in enumerate((sway, sway * 2.0**-8)):
                    up, down = self._plain(self.x + move) - plain, self._plain(self.x - move) - plain
                    bends[row] = np.fmax(bends[row], np.abs(up + down) / 2)
                    ups[row] = np.fmax(ups[row], np.abs(up))
                if self.shaken is not None:
                    out = outputs(self.shaken(rng, 2.0**-36, *self.float64.data, **self.static))
                    known = np.fmax(known, np.abs(self.results.point(out) - plain) * 2.0**36 * 2 * EPSILON)
            except Exception:
                continue
        # Noise is the same at both sizes of the move; what shrinks with it is curvature.
        bend, tiny, least = bends.min(axis=0), ups.max(axis=0), ups.min(axis=0)
        for noise in (change, tiny, known, bend, least):
            noise[~np.isfinite(noise)] = 0.0
        # From the first spacing the slope may have been that of another place, as of cosh from 32 away.
        slope = np.fmax(ups[0] * 2.0**28, ups[1] * 2.0**36)
        self.input_noise = np.where(slope > 0, np.minimum(self.input_noise, 64 * slope), self.input_noise)
        natural = np.nan_to_num(self.epsilon * (np.abs(plain) + self.input_noise))
        # The values change by as much however small the move.
        rough = (least > 2.0**-4 * tiny) & (least > 2.0**-10 * np.abs(plain)) & (least > 2 * natural)
        self.coarse = bool(rough.any())
        # At a kink the second difference is the kink's.
        bend[np.any(self.estimate.kink > 0, axis=0)] = 0.0
        # Far more than rounding: the values jump at a scale too small to look at.
        ulp = change > 2.0**-6 * tiny
        bend = np.fmax(bend, self._quantum(rng))
        self.leaps = self._leaping(rng)
        self.jagged = (np.where(ulp, np.fmax(bend, change), bend) > 2.0**10 * natural) | self.leaps
        level = self.level()
        self.jumps = bool(np.any((change > 1e-6 * level) & ulp))
        self._at_zeros(rng, level)
        worst = np.fmax.reduce([change, bend, known, _logarithmic_noise(plain)])
        self.float64.noise = np.maximum(self.float64.noise, worst)
        if self.work is not self.float64:
            self.work.noise = np.maximum(self.work.noise, worst * 2.0**-11)

    def _leaping(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which outputs jump between moves of the inputs by 2^-34 and 2^-18.

        A smooth function moves nearly half as far on half the way, and what is left shrinks with the square of the
        move. A jump is as high however small the move that crosses it.
        """
        plain = self.float64.value
        rounding = 2.0**10 * np.nan_to_num(self.epsilon * (np.abs(plain) + self.input_noise))
        lengths = 2.0 ** np.arange(-34, -17, 4)
        bends, ups = np.zeros((2, len(lengths), self.results.size))
        for bend, up, length in zip(bends, ups, lengths, strict=True):
            for _ in range(8):
                sign = rng.choice(np.array([-1.0, 1.0]), self.inputs.size)
                move = self.size * rng.uniform(0.5, 1.0, self.inputs.size) * length * sign
                try:
                    whole, half = self._plain(self.x + move) - plain, self._plain(self.x + move / 2) - plain
                except Exception:
                    continue
                np.fmax(bend, np.abs(whole - 2 * half), out=bend)
                np.fmax(up, np.maximum(np.abs(whole), np.abs(half)), out=up)
        smaller, larger = bends[:-1], bends[1:]
        # At a kink it shrinks with the move.
        leap = (smaller > larger / 8) & (larger > ups[1:] / 16) & (smaller > rounding) & np.isfinite(larger)
        return np.asarray(leap.any(axis=0))

    def _quantum(self, rng: np.random.Generator) -> Array:
        """The power of two that all values around are multiples of, where their own last places are finer; else 0.

        That is the rounding of something larger inside the function: 1 - cos(x) is a multiple of the rounding of 1,
        and exactly 0 for all small x.
        """
        quantum = np.zeros(self.results.size)
        for reach in (self.unit(), np.maximum(self.unit(), 1.0)):
            last = np.full(self.results.size, np.inf)
            most = np.zeros(self.results.size)
            values: list[Array] = []
            for _ in range(8):
                move = reach * rng.uniform(2.0**-8, 2.0**-4, reach.size)
                try:
                    value = np.abs(self._plain(self.x + move * rng.choice(np.array([-1.0, 1.0]), reach.size)))
                except Exception:
                    continue
                value[~np.isfinite(value)] = 0.0
                values.append(value)
                fraction, exponent = np.frexp(value)
                digits = np.ldexp(fraction, 53).astype(np.int64)
                place = np.ldexp((digits & -digits).astype(np.float64), exponent - 53)
                last = np.where(value > 0, np.fmin(last, place), last)
                most = np.fmax(most, value)
            # A value that stays what it is tells nothing: where clip is at its bound it is no multiple of its rounding.
            rows = np.sort(np.array(values), axis=0) if values else np.zeros((1, self.results.size))
            moves = (np.diff(rows, axis=0) != 0).sum(axis=0) >= 2
            coarse = moves & np.isfinite(last) & (last > 64 * 2.0**-52 * most)
            quantum = np.where(coarse, np.fmax(quantum, last), quantum)
        return quantum

    def level(self) -> Array:
        """The largest finite magnitude of each output array, for all its entries."""
        level = np.zeros(self.results.size)
        for part in self.results.parts:
            value = np.abs(self.float64.value[part.start : part.stop])
            level[part.start : part.stop] = value[np.isfinite(value)].max(initial=0.0)
        return level

    def _at_zeros(self, rng: np.random.Generator, level: Array) -> None:
        """Find outputs that jump when inputs leave zero, of which they may be as far as rounding goes.

        The vector of a triangular matrix may change its sign at once when a zero below the diagonal does not stay.
        """
        zeros = self.x == 0
        if not zeros.any():
            return
        leaps = np.zeros(self.results.size, bool)
        for _ in range(2):
            move = np.where(zeros, self.local * rng.choice(np.array([-1.0, 1.0]), len(zeros)), 0.0)
            try:
                near, far = (np.abs(self._plain(self.x + move * s) - self.float64.value) for s in _LEAPS)
            except Exception:
                continue
            leaps |= (near > 1e-6 * level) & (near > 2.0**-6 * far)
        if self.kind == "elementwise":
            self.jagged |= leaps
        else:
            self.jumps |= bool(leaps.any())

    def _plain(self, x: Array) -> Array:
        """The outputs in float64 at a point given by its coordinates."""
        point = list(self.float64.data)
        for index, array in self.inputs.arrays(x).items():
            point[index] = array
        return self.results.point(outputs(self.forward(*point, **self.static)))

    # -- the Jacobian at work -----------------------------------------------------------------------------------------

    def pull(self, u: Array, e: Estimate | None = None) -> tuple[Array, Array, Array, Array]:
        """J^T u per coordinate (or per direction): value, error bound, scale, kink."""
        e = e or self.estimate
        weight = np.abs(u)
        if self.owner is None:
            return e.value @ u, e.error @ weight, e.scale @ weight, e.kink @ weight
        where, count = self.owner.ravel(), self.inputs.size

        def add(values: Array) -> Array:
            return np.asarray(np.bincount(where, values.ravel(), count), np.float64)

        return add(e.value * u), add(e.error * weight), add(e.scale * weight), add(e.kink * weight)

    def push(self, v: Array, e: Estimate | None = None) -> tuple[Array, Array, Array, Array]:
        """J v per output entry: value, error bound, scale, kink; of directions, `v` must be the first."""
        e = e or self.estimate
        if self.directions is not None:
            return e.value[0], e.error[0], e.scale[0], e.kink[0]
        if self.owner is None:
            weight = np.abs(v)
            return v @ e.value, weight @ e.error, weight @ e.scale, weight @ e.kink
        v = v[self.owner]
        weight = np.abs(v)
        return (
            (e.value * v).sum(0),
            (e.error * weight).sum(0),
            (e.scale * weight).sum(0),
            (e.kink * weight).sum(0),
        )

    def project(self, cotangent: Array) -> tuple[Array, Array]:
        """A cotangent in the coordinates of `pull`, and the sum of magnitudes behind each."""
        if self.directions is None:
            return cotangent, np.abs(cotangent)
        finite = np.isfinite(cotangent)
        value = self.directions @ np.where(finite, cotangent, 0.0)
        if not finite.all():
            value[np.any((self.directions != 0) & ~finite, axis=1)] = np.nan
        return value, np.abs(self.directions) @ np.abs(np.where(finite, cotangent, 0.0))


def is_unsteady(
    forward: Callable[..., Any],
    data: Sequence[Any],
    static: dict[str, Any],
    active: Sequence[int],
    out: Any,
    rng: np.random.Generator,
) -> bool:
    """Whether a function jumps, or is not known to three digits, at moves of its inputs by 2^-36.

    What its rule does from one such point to the next is no derivative of the rule: the multiple of y that `x mod y`
    subtracts is constant between jumps that may be too close to each other to see.
    """
    oracle = Oracle(forward, data, static, active, out, rng, extended=False)
    oracle.start()
    oracle.measure_noise(rng)
    return oracle.jumps or oracle.coarse or bool(oracle.leaps.any())


__all__ = [
    "EPSILON",
    "SPACINGS",
    "TINY",
    "UNKNOWN",
    "Oracle",
    "Precision",
    "is_unsteady",
    "power_of_two",
    "widen",
]
