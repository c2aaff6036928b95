"""Other inputs derived from one sample, so that an ordinary sample also tests the edges.

A variant keeps what the forward function may silently rely on: a symmetric matrix stays symmetric, a sorted array stays
sorted, a triangle of zeros stays zero. Those that the forward does not accept, or answers with NaN, are dropped. So an
author's two ordinary samples also test scales, signs, zeros, ties, sizes 0 and 1, broadcasting, complex values and
negative axes; other memory layouts and lower precision have checks of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import is_inexact, outputs
from opreg.verify._rule import Fault, copies, evaluate
from opreg.verify._subject import Subject

Change = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]


def _is_symmetric(a: NDArray[Any]) -> bool:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or a.shape[-1] < 2:
        return False
    return bool(
        np.array_equal(a, np.conj(np.swapaxes(a, -1, -2))) or np.array_equal(a, np.swapaxes(a, -1, -2))
    )


def _is_sorted(a: NDArray[Any]) -> bool:
    return (
        a.ndim == 1
        and a.size > 2
        and a.dtype.kind == "f"
        and bool(np.all(np.diff(a) > 0) or np.all(np.diff(a) < 0))
    )


def _scaled(factor: float) -> Change:
    return lambda a, rng: (a * a.dtype.type(factor)).astype(a.dtype)


def _nudged(a: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return (a * rng.uniform(0.5, 1.5, a.shape)).astype(a.dtype)


def _fresh(a: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    size = float(np.sqrt(np.mean(np.abs(a) ** 2))) or 1.0
    drawn = rng.standard_normal(a.shape) * size
    if a.dtype.kind == "c":
        drawn = drawn + 1j * rng.standard_normal(a.shape) * size
    return np.asarray(drawn, a.dtype)


def _with_zeros(a: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    place = rng.random(a.shape)
    return np.where((place < 0.4) | (place == place.min()), a.dtype.type(0), a)


def _with_ties(a: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """The largest and the smallest entries occur several times: where `max`, `sort` and their like have kinks."""
    flat = a.flatten()
    ends = flat.argmax(), flat.argmin()
    others = rng.permutation(np.setdiff1d(np.flatnonzero(flat), ends))
    if not len(others):
        flat[ends[1]] = flat[ends[0]]
        return flat.reshape(a.shape)
    third = -(-len(others) // 3)
    flat[others[:third]] = flat[ends[0]]
    flat[others[third : 2 * third]] = flat[ends[1]]
    return flat.reshape(a.shape)


# Name, change, whether it keeps symmetric, sorted and sparse structure.
_CHANGES: tuple[tuple[str, Change, bool, bool, bool], ...] = (
    ("nudged", _nudged, False, False, True),
    ("fresh", _fresh, False, False, False),
    ("negated", _scaled(-1.0), True, False, True),
    ("times 1e-3", _scaled(1e-3), True, True, True),
    ("times 1e3", _scaled(1e3), True, True, True),
    ("times -30", _scaled(-30.0), True, False, True),
    ("with zeros", _with_zeros, False, False, True),
    ("with ties", _with_ties, False, False, True),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A sample derived from another, with words for what was changed."""

    words: str
    data: tuple[Any, ...]
    static: dict[str, Any]


def variants(
    subject: Subject,
    data: Sequence[Any],
    static: dict[str, Any],
    rng: np.random.Generator,
    *,
    shuffled: bool = False,
) -> Iterator[Variant]:
    """Yield the variants of a sample that the forward function accepts, in a fixed order or a random one.

    One for which it returns no number at all, as it may of an empty array, or numbers that are not finite, is none.
    """
    candidates = list(_candidates(subject, data, static, rng))
    for number in rng.permutation(len(candidates)) if shuffled else range(len(candidates)):
        words, moved, keywords = candidates[number]
        try:
            leaves = outputs(evaluate(subject, copies(moved), keywords))
        except Fault:
            continue
        if any(map(is_inexact, leaves)) and all(np.isfinite(leaf).all() for leaf in leaves):
            yield Variant(words, tuple(moved), keywords)


def _candidates(
    subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    active = subject.active(data)
    yield from ((words, moved, static) for words, moved in _changed(active, data, rng))
    yield from ((words, moved, static) for words, moved in _cut(active, data))
    yield from ((words, moved, static) for words, moved in _complex(active, data, rng))
    ranks = [np.ndim(data[index]) for index in active]
    yield from ((words, list(data), keywords) for words, keywords in _axes(static, max(ranks, default=0)))


def _changed(
    active: Sequence[int], data: Sequence[Any], rng: np.random.Generator
) -> Iterator[tuple[str, list[Any]]]:
    """Other values in the same shapes."""
    for words, change, symmetric, ordered, sparse in _CHANGES:
        targets: list[tuple[int, ...]] = [tuple(active)]
        if len(active) > 1 and words in ("negated", "times 1e3", "with zeros"):
            targets += [(index,) for index in active]
        for target in targets:
            moved, changed = list(data), False
            for index in target:
                array = np.asarray(data[index])
                if not array.size:
                    continue
                if _is_symmetric(array) and not symmetric:
                    continue
                # A function of one array alone does not rely on its order.
                if not ordered and len(data) > 1 and _is_sorted(array):
                    continue
                if not sparse and np.mean(array == 0) > 0.2:
                    continue
                new = np.asarray(change(array, rng))
                if np.isfinite(array).all() and not np.isfinite(new).all():
                    continue
                changed = changed or not np.array_equal(new, array)
                moved[index] = new
            if changed:
                yield words, moved


def _cut(active: Sequence[int], data: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Empty arrays and arrays of length 1: along one axis of all that share its length, or of one alone."""
    lengths = sorted({(axis, n) for index in active for axis, n in enumerate(np.shape(data[index])) if n > 1})
    for axis, n in lengths:
        sharing = [i for i in active if np.ndim(data[i]) > axis and np.shape(data[i])[axis] == n]
        if any(_is_symmetric(np.asarray(data[i])) for i in sharing):
            continue
        groups = [sharing] if len(sharing) == 1 else [sharing, *([i] for i in sharing)]
        for group in groups:
            for length, words in ((1, "cut to length 1"), (0, "cut to length 0")):
                if length == 0 and group is not sharing:
                    continue
                moved = list(data)
                for index in group:
                    array = np.asarray(data[index])
                    moved[index] = array[(slice(None),) * axis + (slice(length),)].copy()
                which = "" if group is sharing else f" in argument {group[0]}, which then broadcasts"
                yield f"{words} along axis {axis}{which}", moved


def _complex(
    active: Sequence[int], data: Sequence[Any], rng: np.random.Generator
) -> Iterator[tuple[str, list[Any]]]:
    """Real arguments beside a complex one made complex too.

    Only there: that a forward happens to compute with complex numbers promises no derivative, a complex sample does.
    """
    real = [index for index in active if np.asarray(data[index]).dtype == np.float64]
    if real and any(np.asarray(data[index]).dtype.kind == "c" for index in active):
        moved = list(data)
        for index in real:
            array = np.asarray(data[index])
            imaginary = (array * np.exp(1j * rng.uniform(0.2, 1.2, array.shape))).imag
            moved[index] = array.astype(complex) if _is_symmetric(array) else array + 1j * imaginary
        yield "made complex throughout", moved


def _axes(static: dict[str, Any], rank: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Axes counted from the other end."""
    for name, value in static.items():
        if name in ("axis", "axes", "axis1", "axis2", "dim") and rank:
            if isinstance(value, int) and not isinstance(value, bool):
                yield f"with {name} counted from the other end", {**static, name: _flipped(value, rank)}
            elif isinstance(value, tuple) and all(isinstance(axis, int) for axis in value):
                turned = tuple(_flipped(axis, rank) for axis in value)
                yield f"with {name} counted from the other end", {**static, name: turned}


def _flipped(axis: int, rank: int) -> int:
    return axis - rank if axis >= 0 else axis + rank
