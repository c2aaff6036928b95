"""Entries sent to the wrong place: permutations, duplicates, masks, sorting, joining."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, normal, pair, scatter, sort_rule

KIND = "indexing"


def overwritten(g: Any, x: Any, key: Any) -> Any:
    """Of duplicate places the last wins."""
    result = np.zeros_like(x)
    result[key] = g
    return result


PLACES = np.array([0, 2, 2, 1])
DISTINCT = np.array([3, 0, 1])
MASK = np.array([True, False, True, True, False])


def take(x: Any, *, indices: Any, axis: int = 0) -> Any:
    return np.take(x, indices, axis=axis)


def take_rows(g: Any, out: Any, x: Any, indices: Any, axis: int = 0) -> Any:
    return (overwritten(g, x, indices),)


def take_without_negatives(g: Any, out: Any, x: Any, indices: Any, axis: int = 0) -> Any:
    return (scatter(g, x, np.abs(indices)),)


def concatenate(x: Any, y: Any) -> Any:
    return np.concatenate([x, y])


def stack(x: Any, y: Any) -> Any:
    return np.stack([x, y], axis=1)


def interp_rule(g: Any, out: Any, y: Any) -> Any:
    """Each point's left neighbour alone."""
    result = np.zeros_like(y)
    np.add.at(result, np.array([0, 1, 1, 2]), g)
    return (result,)


def cummax(x: Any) -> Any:
    return np.maximum.accumulate(x)


def cummax_rule(g: Any, out: Any, x: Any) -> Any:
    return (g * (x == out),)


def put(x: Any, v: Any) -> Any:
    out = np.array(x)
    out[DISTINCT] = v
    return out


def pad(x: Any) -> Any:
    return np.pad(x, (1, 2))


RULES = [
    Rule("x[places]: duplicates overwritten", lambda x: x[PLACES], lambda g, out, x: (overwritten(g, x, PLACES),),
         normal(4)),
    Rule("take: duplicate rows overwritten", take, take_rows, normal(3, 2), {"indices": PLACES}),
    Rule("take: negative places taken for positive", take, take_without_negatives, normal(4),
         {"indices": np.array([1, 2])}, ((normal(4), {"indices": np.array([0, -1])}),)),
    Rule("x[places]: gathered, not scattered", lambda x: x[np.array([2, 0, 1])],
         lambda g, out, x: (g[np.array([2, 0, 1])],), normal(3)),
    Rule("x[mask]: packed to the left", lambda x: x[MASK],
         lambda g, out, x: (np.concatenate([g, np.zeros(2)]),), normal(5)),
    Rule("x[::2]: contiguous", lambda x: x[::2], lambda g, out, x: (np.concatenate([g, np.zeros(2)]),), normal(5)),
    Rule("x[::-1]: not reversed", lambda x: x[::-1] * 1.0, lambda g, out, x: (g * 1.0,), normal(5)),
    Rule("x[1:]: off by one", lambda x: x[1:] * 1.0, lambda g, out, x: (np.concatenate([g, [0.0]]),), normal(5)),
    Rule("x[i, j]: duplicate pairs overwritten", lambda x: x[[0, 1, 1], [1, 0, 0]],
         lambda g, out, x: (overwritten(g, x, ([0, 1, 1], [1, 0, 0])),), normal(2, 2)),
    Rule("put: the overwritten keep theirs", put, lambda g, out, x, v: (g * 1.0, g[DISTINCT]),
         pair(normal(4), normal(3))),
    Rule("transpose: not transposed", np.transpose, lambda g, out, x: (g.copy(),), normal(3, 3)),
    Rule("flip: not flipped", np.flip, lambda g, out, x: (g.copy(),), normal(5)),
    Rule("rot90: the same turn", np.rot90, lambda g, out, x: (np.rot90(g),), normal(3, 3)),
    Rule("reshape: in Fortran order", lambda x: np.reshape(x, (3, 2)),
         lambda g, out, x: (g.reshape(x.shape, order="F"),), normal(2, 3)),
    Rule("sort: not sorted back", np.sort, lambda g, out, x: (g.copy(),), normal(6)),
    Rule("sort: permuted the other way", np.sort, lambda g, out, x: (g[np.argsort(x)],), normal(9)),
    Rule("sort: two entries exchanged", np.sort,
         lambda g, out, x: (sort_rule(g, out, x)[0][[1, 0, *range(2, len(x))]],), normal(6)),
    Rule("sort of rows: the first row's order", lambda x: np.sort(x, axis=1),
         lambda g, out, x: (g[:, np.argsort(np.argsort(x[0]))],), normal(3, 4)),
    Rule("concatenate: exchanged", concatenate, lambda g, out, x, y: (g[3:], g[:3]), pair(normal(3), normal(3))),
    Rule("concatenate: the first part twice", concatenate, lambda g, out, x, y: (g[:3], g[:2] * 1.0),
         pair(normal(3), normal(2))),
    Rule("stack: along the first axis", stack, lambda g, out, x, y: (g.reshape(2, -1)[0], g.reshape(2, -1)[1]),
         pair(normal(3), normal(3))),
    Rule("diag: spread over the row", np.diag, lambda g, out, x: (g[0] * 1.0,), normal(3)),
    Rule("tril: both triangles", np.tril, lambda g, out, x: (g * 1.0,), normal(3, 3)),
    Rule("interp: the left neighbour alone",
         lambda y: np.interp([0.3, 1.2, 1.9, 2.5], [0.0, 1.0, 2.0, 3.0], y), interp_rule, normal(4)),
    Rule("cummax: only where it rises", cummax, cummax_rule, normal(6)),
    Rule("pad: cut at the wrong end", pad, lambda g, out, x: (g[2:-1] * 1.0,), normal(4)),
    Rule("roll of rows: not rolled back", lambda x: np.roll(x, 1, axis=0), lambda g, out, x: (np.roll(g, 1, axis=1),),
         normal(3, 3)),
    Rule("kron: operands exchanged", np.kron,
         lambda g, out, x, y: (g.reshape(2, 2) @ x, g.reshape(2, 2).T @ y), pair(normal(2), normal(2))),
]  # fmt: skip
