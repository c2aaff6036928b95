"""Where a cotangent is wrong: the property of the input that the wrong entries, and only they, share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from opreg.verify._coordinates import is_inexact
from opreg.verify._evidence import Evidence, Mask


def region(e: Evidence) -> str:
    """A property of the input that all wrong entries, and only they, share."""
    wrong = e.wrong
    if not e.real or wrong.all():
        return ""
    for words, mask in _regions(e):
        if np.array_equal(mask, wrong) and _confirmed(e, words):
            return f" only where {words}"
    x = e.values
    values, counts = np.unique(x, return_counts=True)
    tied = np.isin(x, values[(counts > 1) & (values != 0)])
    if tied.any() and np.array_equal(tied, wrong):
        return " only at ties"
    if wrong.sum() >= 6 and wrong.size - wrong.sum() >= 6:
        for words, size in (("more than", x), ("less than", -x), ("more than", np.abs(x))):
            low, high = float(size[~wrong].max()), float(size[wrong].min())
            if low < high:
                edge, name = (low + high) / 2, "|x|" if size.min() >= 0 > x.min() else "x"
                return f" only where {name} is {words} about {-edge if words == 'less than' else edge:.2g}"
    return ""


def _confirmed(e: Evidence, words: str) -> bool:
    """Whether the wrong entries share the property at other points too: among few entries it may be by chance."""
    seen = 0
    for move in (np.negative, lambda v: -np.roll(v, 1), lambda v: np.roll(v, 1)):
        other = e.elsewhere(move)
        if other is not None and other.wrong.any():
            if not np.array_equal(dict(_regions(other))[words], other.wrong):
                return False
            seen += 1
    return seen > 0 or e.wrong.size >= 12


def _regions(e: Evidence) -> Iterator[tuple[str, Mask]]:
    x = e.values
    yield "x < 0", x < 0
    yield "x > 0", x > 0
    yield "x = 0", x == 0
    yield "|x| > 1", np.abs(x) > 1
    yield "|x| < 1", np.abs(x) < 1
    for index, value in enumerate(e.data):
        if index == e.part.index or not is_inexact(value) or np.iscomplexobj(value):
            continue
        try:
            y = np.broadcast_to(np.asarray(value), e.shape).ravel()
        except ValueError:
            continue
        name = e.name(index)
        yield f"it equals {name} (a tie)", x == y
        yield f"it is less than {name}", x < y
        yield f"it is more than {name}", x > y
        yield f"{name} = 0", y == 0
        yield f"{name} < 0", y < 0
        yield f"{name} > 0", y > 0
    if not isinstance(e.g, tuple) and np.shape(e.g) == e.shape and not np.iscomplexobj(e.g):
        g = np.asarray(e.g).ravel()
        yield "g < 0", g < 0
        yield "g > 0", g > 0
