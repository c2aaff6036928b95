"""Calling a rule that may be wrong in any way, and saying in a sentence how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, Vector, is_inexact, is_numeric, outputs, packed
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Outcome


class Fault(Exception):
    """A rule or a forward function did what it must not; carries what to report."""

    def __init__(
        self,
        diagnosis: str,
        *,
        argument: int | None = None,
        got: str | None = None,
        expected: str | None = None,
        verdict: Outcome = "fail",
        raised: BaseException | None = None,
    ) -> None:
        super().__init__(diagnosis)
        self.diagnosis, self.argument, self.got, self.expected = diagnosis, argument, got, expected
        self.verdict: Outcome = verdict
        self.raised = raised

    def finding(self, check: str, **more: Any) -> Finding:
        """The finding that this fault is."""
        return Finding(
            check,
            self.verdict,
            self.diagnosis,
            argument=self.argument,
            got=self.got,
            expected=self.expected,
            **more,
        )


def sentence(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def copies(values: Sequence[Any]) -> list[Any]:
    """The values, arrays copied in their own memory layout."""
    return [value.copy(order="K") if isinstance(value, np.ndarray) else value for value in values]


def evaluate(subject: Subject, data: Sequence[Any], static: dict[str, Any]) -> Any:
    """The output of the forward function, or a `Fault` that says why there is none."""
    try:
        out = subject.forward(*data, **static)
    except (Exception, SystemExit) as error:
        if subject.order > 1:  # the forward function is a rule
            raise Fault(f"the VJP rule raised {sentence(error)}") from error
        raise Fault(f"the forward function raised {sentence(error)}", verdict="error") from error
    for value in outputs(out):
        if not is_numeric(value):
            raise Fault(
                f"the forward function returned {_kind(value)}, where numbers or arrays are due",
                verdict="error",
            )
    return out


def pull(subject: Subject, g: Any, out: Any, data: Sequence[Any], static: dict[str, Any]) -> tuple[Any, ...]:
    """The cotangents that the rule gives, one per data argument, checked for number, kind and shape."""
    try:
        result = subject.vjp(g, out, *data, **static)
    except (Exception, SystemExit) as error:
        raise Fault(f"the VJP rule raised {sentence(error)}", raised=error) from error
    if not isinstance(result, (tuple, list)):
        raise Fault(
            f"the VJP rule returned {type(result).__name__}, where a tuple of one cotangent per argument is due",
            got=type(result).__name__,
            expected=f"a tuple of {len(data)}",
        )
    if len(result) != len(data):
        raise Fault(
            f"the VJP rule returned {len(result)} cotangents for {len(data)} arguments",
            got=str(len(result)),
            expected=str(len(data)),
        )
    for index in subject.active(data):
        check_kind(result[index], data[index], index, outputs(out), "VJP", "cotangent")
    return tuple(result)


def push(
    subject: Subject,
    tangents: tuple[Any, ...],
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    results: Coordinates,
) -> list[Any]:
    """The tangents that the JVP rule gives, one per output, checked for number, kind and shape; zeros for None."""
    assert subject.jvp is not None
    try:
        result = subject.jvp(tangents, out, *data, **static)
    except Exception as error:
        raise Fault(f"the JVP rule raised {sentence(error)}") from error
    leaves = list(outputs(result)) if isinstance(out, (tuple, list)) else [result]
    if len(leaves) != len(outputs(out)):
        raise Fault(f"the JVP rule returned {len(leaves)} tangents for {len(outputs(out))} outputs")
    for part in results.parts:
        if leaves[part.index] is None:
            leaves[part.index] = np.zeros(part.shape, part.dtype)
        check_kind(leaves[part.index], outputs(out)[part.index], None, (), "JVP", "tangent")
    return leaves


def check_kind(value: Any, primal: Any, index: int | None, out: Sequence[Any], mode: str, what: str) -> None:
    """Raise a `Fault` unless a cotangent (or tangent) is a number or an array of its primal's shape."""
    whose = f"argument {index}" if index is not None else "the output"
    if value is None:
        advice = "; declare it not differentiable with a reason if it has none" if index is not None else ""
        raise Fault(
            f"the {mode} rule returned None for {whose}, whose {what} is due{advice}",
            argument=index,
            got="None",
        )
    if not is_numeric(value):
        raise Fault(
            f"the {mode} rule returned {_kind(value)} for {whose}, where a number or an array is due",
            argument=index,
            got=_kind(value),
        )
    got, due = np.shape(value), np.shape(primal)
    if got != due:
        diagnosis = f"the {what} of {whose} has the shape {got}, its primal {due}"
        if any(got == np.shape(o) for o in out) and np.size(value) > np.size(primal):
            diagnosis += ": it was not summed over the broadcast axes"
        elif got == due[::-1]:
            diagnosis += ": it is transposed"
        raise Fault(diagnosis, argument=index, got=str(got), expected=str(due))


def _kind(value: Any) -> str:
    """The type of a value that is no number, in a word or two."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    return type(value).__name__


def cotangent_like(out: Any, u: Vector, results: Coordinates, *, native: bool = False) -> Any:
    """A cotangent of an output from its coordinates; zeros where an output is not differentiable."""
    values = outputs(out)
    arrays = results.arrays(u, conjugate=True)
    leaves: list[Any] = []
    for index, value in enumerate(values):
        if index in arrays:
            leaf = arrays[index]
            if native:
                leaf = leaf.astype(np.asarray(value).dtype)
            leaves.append(leaf.copy())
        else:
            leaves.append(np.zeros_like(np.asarray(value)))
    return packed(leaves, out)


# How far matrices are moved as wholes in float64: little, as their small entries move far for their size.
WHOLE = 2.0**-48
# Times a relative move: how many times the noise of float64 goes with it, an eighth of that which rounding made.
_UNITS = 2.0**50


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
    g: Any,
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    inputs: Coordinates,
    value: Vector,
    rng: np.random.Generator,
    relative: float = 2.0**-36,
    *,
    whole: bool = False,
    noise: Mapping[int, NDArray[Any]] | None = None,
    times: int = 1,
    zeros: bool = True,
    jumps: bool = False,
) -> Vector:
    """How much the rule's result moves per relative move of its inputs, per coordinate: three trials, the worst.

    Cancellation inside a rule (such as 1 - tanh(x)**2) makes its rounding error larger than its result tells. With
    `whole` entries are moved in proportion to the largest of their matrix, and the output is what the forward gives
    for other such inputs: that is how exact the algorithms of linear algebra are, and a rule that builds on them.
    `noise`, where it is known, is what rounding did to each output; `times` as many trials are made. Outputs that are
    exactly zero stay so, or with `zeros` false are let go, where moves are far beyond the rounding of float64. With
    `jumps` what results that were moved have in common counts too.
    """

    def outside(stay: bool = True) -> Any:
        moved = [shaken(v, rng, relative, whole=whole) for v in (g, *data)]
        there = (
            elsewhere(subject, out, data, static, rng, relative, noise, zeros=stay)
            if whole
            else shaken(out, rng, relative)
        )
        return subject.vjp(moved[0], there, *moved[1:], **static)

    on_the_way = subject.on_the_way("vjp", whole=whole)

    def inside() -> Any:
        assert on_the_way is not None
        return on_the_way(rng, relative, whole, g, out, *data, **static)

    def found(*trials: Callable[[], Any]) -> Vector:
        apart = whole and not jumps
        return response(lambda trial: inputs.cotangent(trial()), times * trials, value, relative, whole=apart)

    moved = found(outside) if on_the_way is None else found(outside, inside)
    if not zeros and any(is_inexact(leaf) and not np.all(leaf) for leaf in outputs(out)):
        # A determinant of zero makes nothing of matrices that are singular no more.
        moved = np.maximum(moved, found(partial(outside, False)))
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
    result: Callable[[Any], Vector], trials: Sequence[Any], value: Vector, relative: float, *, whole: bool
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
            found = result(trial)
        except Exception:
            continue
        found = np.where(np.isfinite(found), found, np.nan)
        low, high = np.fmin(low, found), np.fmax(high, found)
    with np.errstate(invalid="ignore"):
        spread = high - low if whole else np.maximum(high - value, value - low)
    return np.where(np.isfinite(spread), np.abs(spread) / relative, 0.0)
