"""What rounding does to a rule: its inputs are moved by little, and how far its result moves is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Vector, is_inexact, outputs, packed
from opreg.verify._rule import copies, push
from opreg.verify._subject import Subject

# How far matrices are moved as wholes in float64: little, as their small entries move far for their size.
WHOLE = 2.0**-48
# Times a relative move: how many times the noise of float64 goes with it, an eighth of that which rounding made.
_UNITS = 2.0**50
# How much further things are moved to tell a jump from a slope, and what of a result is next to nothing.
_FURTHER, _SPECK = 2.0**8, 2.0**-8


def shaken(value: Any, rng: np.random.Generator, relative: float = 2.0**-36, *, whole: bool = False) -> Any:
    """A value, or a tuple of them, each entry moved up or down by a relative amount; other than floats as they are.

    The amount is relative to the entry, or with `whole` to the largest entry of its matrix; below the smallest normal
    number to that, as numbers are rounded there.
    """
    if isinstance(value, (tuple, list)):
        return packed([shaken(leaf, rng, relative, whole=whole) for leaf in value], value)
    if not is_inexact(value):
        return value
    array = np.asarray(value)
    # By uneven amounts: a periodic function must not come back to where it was.
    moves = relative * rng.uniform(0.5, 1.0, array.shape) * rng.choice(np.array([-1.0, 1.0]), array.shape)
    if not whole or array.ndim < 2:
        size = np.abs(array)
        faint = np.finfo(array.dtype).tiny / np.where(size > 0, size, np.inf)
        return np.asarray(array * (1 + moves * np.maximum(1.0, faint)), dtype=array.dtype)
    largest = np.abs(array).max(axis=(-2, -1), initial=0.0, keepdims=True)
    return np.asarray(array + moves * largest, dtype=array.dtype)


def rounding(
    subject: Subject,
    given: Any,
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    places: Coordinates,
    value: Vector,
    rng: np.random.Generator,
    relative: float = 2.0**-36,
    *,
    mode: str = "vjp",
    whole: bool = False,
    noise: Mapping[int, NDArray[Any]] | None = None,
    times: int = 1,
    zeros: bool = True,
    jumps: bool = False,
) -> Vector:
    """How much the rule's result moves per relative move of its inputs, per coordinate: three trials, the worst.

    `given` is a cotangent, or with `mode` "jvp" the tangents; `places` are the coordinates of what the rule returns.
    Cancellation inside a rule (such as 1 - tanh(x)**2) makes its rounding error larger than its result tells. With
    `whole` entries are moved in proportion to the largest of their matrix, and the output is what the forward gives
    for other such inputs: that is how exact the algorithms of linear algebra are, and a rule that builds on them.
    `noise`, where it is known, is what rounding did to each output; `times` as many trials are made. Outputs that are
    exactly zero stay so, or with `zeros` false are let go, where moves are far beyond the rounding of float64. With
    `jumps` what results that were moved have in common counts too.
    """

    def run(rule: Callable[..., Any], first: Any, there: Any, moved: Sequence[Any]) -> Vector:
        if mode == "vjp":
            return places.cotangent(rule(first, there, *moved, **static))
        return places.point(push(replace(subject, jvp=rule), first, there, moved, static, places))

    rule: Any = subject.vjp if mode == "vjp" else subject.jvp

    def moves(amount: float) -> list[Any]:
        return [shaken(v, rng, amount, whole=whole) for v in (given, *data)]

    def apart(amount: float, stay: bool = True) -> Vector:
        """The output moved by itself, as rounding does."""
        first, *moved = moves(amount)
        there = (
            elsewhere(subject, out, data, static, rng, amount, noise, zeros=stay)
            if whole
            else shaken(out, rng, amount)
        )
        return run(rule, first, there, moved)

    def together(amount: float) -> Vector:
        """The output that the function has at the inputs that were moved."""
        first, *moved = moves(amount)
        return run(rule, first, subject.forward(*copies(moved), **static), moved)

    def inside(amount: float) -> Vector:
        return run(partial(on_the_way, rng, amount, whole), given, out, copies(data))

    def found(*trials: Callable[[float], Vector], amount: float = relative) -> Vector:
        calls = times * [partial(trial, amount) for trial in trials]
        return response(calls, value, amount, whole=whole and not jumps)

    on_the_way: Any = subject.on_the_way(mode, whole=whole)
    inner = () if on_the_way is None else (inside,)
    moved = found(apart, *inner)
    torn = moved * relative > _SPECK * np.abs(value)
    if torn.any():
        # Such a rule as `g * (x == out)` takes the output for what the function returned, to the last bit. A jump, as
        # high however far they part, that is not there while they move together, is no rounding.
        torn &= _FURTHER * found(apart, *inner, amount=_FURTHER * relative) <= 2 * moved
        steady = found(together, *inner)
        moved = np.where(torn & (steady <= _SPECK * moved), steady, moved)
    if not zeros and any(is_inexact(leaf) and not np.all(leaf) for leaf in outputs(out)):
        # A determinant of zero makes nothing of matrices that are singular no more.
        moved = np.maximum(moved, found(partial(apart, stay=False)))
    return moved


def elsewhere(
    subject: Subject,
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    rng: np.random.Generator,
    relative: float,
    noise: Mapping[int, NDArray[Any]] | None = None,
    *,
    zeros: bool = True,
) -> Any:
    """The output for inputs moved in proportion to the largest of their matrix; `zeros` says that exact ones stay.

    To it comes the noise of each output, in the measure of the moves.
    """
    there = subject.forward(*(shaken(v, rng, relative, whole=True) for v in data), **static)
    leaves = list(outputs(out))
    for index, (here, moved) in enumerate(zip(outputs(out), outputs(there), strict=True)):
        if is_inexact(here):
            value = np.asarray(moved)
            if noise is not None:
                size = np.abs(noise[index]).max(initial=0.0) * relative * _UNITS
                value = value + size * rng.choice(np.array([-1.0, 1.0]), value.shape)
            stays = zeros & (np.asarray(here) == 0)
            leaves[index] = np.asarray(np.where(stays, here, value), np.asarray(here).dtype)
    return packed(leaves, out)


def response(
    trials: Sequence[Callable[[], Vector]], value: Vector, relative: float, *, whole: bool
) -> Vector:
    """How far results lie from a value per relative move; with `whole` from each other, several trials of each kind.

    A rule may jump where its inputs leave zero, or a matrix the singular ones. What such results have in common is no
    rounding.
    """
    low = high = value
    if whole:
        low, high = np.full_like(value, np.inf), np.full_like(value, -np.inf)
    for trial in (5 if whole else 3) * tuple(trials):
        try:
            found = trial()
        except Exception:
            continue
        found = np.where(np.isfinite(found), found, np.nan)
        low, high = np.fmin(low, found), np.fmax(high, found)
    with np.errstate(invalid="ignore"):
        spread = high - low if whole else np.maximum(high - value, value - low)
    return np.where(np.isfinite(spread), np.abs(spread) / relative, 0.0)
