"""Other inputs derived from one sample, so that an ordinary sample also tests the edges.

A variant keeps what the forward function may silently rely on: a symmetric matrix stays symmetric, a sorted array stays
sorted, a triangle of zeros stays zero. Those that the forward does not accept, or answers with NaN, are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import outputs
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
    order = rng.permutation(np.flatnonzero(flat))
    if len(order) < 2:
        return a
    third = max(2 if len(order) > 3 else 1, len(order) // 3)
    flat[order[:third]] = flat.max()
    flat[order[third : 2 * third]] = flat.min()
    return flat.reshape(a.shape)


# Name, change, whether it keeps symmetric, sorted and sparse structure.
_CHANGES: tuple[tuple[str, Change, bool, bool, bool], ...] = (
    ("nudged", _nudged, False, False, True),
    ("fresh", _fresh, False, False, False),
    ("negated", _scaled(-1.0), True, False, True),
    ("times 1e-3", _scaled(1e-3), True, True, True),
    ("times 1e3", _scaled(1e3), True, True, True),
    ("with zeros", _with_zeros, False, False, True),
    ("with ties", _with_ties, False, False, True),
)


def variants(
    subject: Subject, data: Sequence[Any], static: dict[str, Any], rng: np.random.Generator
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Variants of a sample that the forward function accepts, each with a word for what was changed."""
    active = subject.active(data)
    for words, change, symmetric, ordered, sparse in _CHANGES:
        targets: list[tuple[int, ...]] = [active]
        if len(active) > 1 and words in ("negated", "times 1e3", "with zeros"):
            targets += [(index,) for index in active]
        for target in targets:
            moved = copies(data)
            changed = False
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
                changed = changed or not np.array_equal(new, array)
                moved[index] = new
            if not changed:
                continue
            try:
                out = evaluate(subject, copies(moved), static)
            except Fault:
                continue
            if all(np.isfinite(value).all() for value in outputs(out)):
                yield words, tuple(moved)
