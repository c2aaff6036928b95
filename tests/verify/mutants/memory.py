"""Wrong in memory: writes, aliases, state between calls, and layouts other than C's."""

from __future__ import annotations

from typing import Any

import numpy as np

from mutants._rule import Rule, expand, normal, pair

KIND = "memory"


def writes_into_g(g: Any, out: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray):
        g *= out
    return (g,)


def writes_into_x(g: Any, out: Any, x: Any) -> Any:
    x += 1e-9
    return (g * out,)


def writes_into_out(g: Any, out: Any, x: Any) -> Any:
    out *= g
    return (out.copy(),)


def clears_negatives_in_place(g: Any, out: Any, x: Any) -> Any:
    x[x < 0] = 0
    return (g * (x > 0),)


def sorts_g_in_place(g: Any, out: Any, x: Any) -> Any:
    result = np.empty_like(x)
    result[np.argsort(x)] = g
    g.sort()
    return (result,)


def sums_g_in_place(g: Any, out: Any, x: Any) -> Any:
    result = np.cumsum(g[::-1])[::-1].copy()
    np.cumsum(g, out=g)
    return (result,)


def writes_into_the_second_argument(g: Any, out: Any, x: Any, y: Any) -> Any:
    first, second = g * y, g * x
    y[...] = second
    return first, second


class ReusesItsBuffer:
    """Every call writes into the array that the last one returned."""

    def __init__(self) -> None:
        self.buffers: dict[tuple[Any, ...], Any] = {}

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        buffer = self.buffers.setdefault((np.shape(x), np.asarray(x).dtype), np.empty_like(x))
        np.multiply(g, out, out=buffer)
        return (buffer,)


class RightTheFirstTime:
    """Off by a thousandth from the second call on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        self.calls += 1
        return (g * out * (1 + 1e-3 * (self.calls > 1)),)


class AddsUp:
    """Adds every cotangent that it ever got, as a buffer that nobody clears does."""

    def __init__(self) -> None:
        self.total: dict[tuple[int, ...], Any] = {}

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        self.total[np.shape(x)] = self.total.get(np.shape(x), 0) + g * out
        return (np.array(self.total[np.shape(x)]),)


class RemembersTheFirst:
    """Keeps what it computed for the first input of a shape."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], Any] = {}

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        slope = self.known.setdefault((np.shape(x), np.asarray(x).dtype), np.cos(x))
        return (g * slope,)


class Noisy:
    """Adds noise, as an atomic sum on many threads does, but a hundred thousand times larger."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def __call__(self, g: Any, out: Any, x: Any) -> Any:
        return ((g * out * (1 + 1e-10 * self.rng.standard_normal(np.shape(x)))).astype(np.asarray(x).dtype),)


def breaks_for_strided(g: Any, out: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray) and not g.flags.c_contiguous:
        g = np.lib.stride_tricks.as_strided(g, g.shape, np.empty(g.shape, g.dtype).strides)
    return (g * out,)


def reads_memory_order(g: Any, out: Any, x: Any) -> Any:
    return ((g.ravel(order="K") * out.ravel(order="K")).reshape(x.shape),)


def breaks_for_broadcast(g: Any, out: Any, x: Any) -> Any:
    stretched = isinstance(g, np.ndarray) and g.size > 1 and 0 in g.strides
    return (g * out / (g.size if stretched else 1),)


def breaks_for_reversed(g: Any, out: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray) and any(step < 0 for step in g.strides):
        g = np.flip(g)
    return (g * out,)


def breaks_for_reversed_inputs(g: Any, out: Any, x: Any) -> Any:
    if isinstance(x, np.ndarray) and any(step < 0 for step in x.strides):
        return (g * np.exp(np.flip(x)),)
    return (g * out,)


def breaks_for_fortran_inputs(g: Any, out: Any, x: Any) -> Any:
    return (g * np.exp(x.ravel(order="K")).reshape(x.shape),)


def breaks_for_stretched_inputs(g: Any, out: Any, x: Any) -> Any:
    stretched = isinstance(x, np.ndarray) and x.size > 1 and 0 in x.strides
    return (g * out * (1 + stretched),)


def half_the_sum_of_squares(x: Any) -> Any:
    return np.sum(x * x) / 2


RULES = [
    Rule("exp: writes into g", np.exp, writes_into_g, normal(3)),
    Rule("exp: writes into x", np.exp, writes_into_x, normal(3)),
    Rule("exp: writes into out", np.exp, writes_into_out, normal(3)),
    Rule("relu: clears negatives in place", lambda x: np.maximum(x, 0), clears_negatives_in_place, normal(8)),
    Rule("sort: sorts g in place", np.sort, sorts_g_in_place, normal(5)),
    Rule("cumsum: sums g in place", np.cumsum, sums_g_in_place, normal(5)),
    Rule("multiply: writes into the second argument", np.multiply, writes_into_the_second_argument,
         pair(normal(3), normal(3))),
    Rule("exp: reuses its buffer", np.exp, ReusesItsBuffer, normal(3)),
    Rule("exp: another answer the second time", np.exp, RightTheFirstTime, normal(3)),
    Rule("exp: adds up its cotangents", np.exp, AddsUp, normal(3)),
    Rule("sin: remembers the first input of each shape", np.sin, RemembersTheFirst, normal(4)),
    Rule("exp: noise", np.exp, Noisy, normal(4)),
    Rule("half the sum of squares: returns its argument", half_the_sum_of_squares, lambda g, out, x: (x,), normal(3)),
    Rule("half the sum of squares: returns a view of it", half_the_sum_of_squares,
         lambda g, out, x: (x[...] if g == 1 else g * x,), normal(3)),
    Rule("exp: breaks for a strided g", np.exp, breaks_for_strided, normal(4)),
    Rule("exp: reads memory order", np.exp, reads_memory_order, normal(3, 4)),
    Rule("exp: breaks for a broadcast g", np.exp, breaks_for_broadcast, normal(4)),
    Rule("exp: breaks for a broadcast matrix g", np.exp, breaks_for_broadcast, normal(3, 4)),
    Rule("exp: breaks for a reversed g", np.exp, breaks_for_reversed, normal(5)),
    Rule("exp: breaks for reversed inputs", np.exp, breaks_for_reversed_inputs, normal(5)),
    Rule("exp: breaks for Fortran inputs", np.exp, breaks_for_fortran_inputs, normal(3, 4)),
    Rule("exp: breaks for stretched inputs", np.exp, breaks_for_stretched_inputs, normal(3)),
    Rule("row sums: memory order of g", lambda x: x.sum(axis=-1),
         lambda g, out, x: (expand(g.ravel(order="K").reshape(g.shape), x, -1),), normal(2, 3, 4)),
]  # fmt: skip
