"""Calling a rule that may be wrong in any way, and saying in a sentence how."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from opreg.verify._coordinates import Coordinates, Vector, is_numeric, outputs, packed
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


def pull(
    subject: Subject,
    g: Any,
    out: Any,
    data: Sequence[Any],
    static: dict[str, Any],
    only: Sequence[int] | None = None,
) -> tuple[Any, ...]:
    """The cotangents that the rule gives, one per data argument, checked for number, kind and shape.

    With `only`, those of these arguments alone are needed, and looked at; the rule is told so.
    """
    rule = subject.vjp
    if only is not None:
        assert subject.vjp_needed is not None
        rule = partial(subject.vjp_needed, only)
    try:
        result = rule(g, out, *data, **static)
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
    for index in subject.active(data) if only is None else only:
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
