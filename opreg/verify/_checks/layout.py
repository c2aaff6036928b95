"""The memory layout of the inputs makes no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._check import Check, active
from opreg.verify._checks._call import Array, Call, contents, disagreement
from opreg.verify._coordinates import is_inexact
from opreg.verify._literal import shown
from opreg.verify._rule import Fault
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _arrays(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if (reason := active(subject, data, static)) is not None:
        return reason
    if not any(isinstance(value, np.ndarray) and value.ndim for value in data):
        return "no argument is an array of rank 1 or more"
    return None


def _relaid(data: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """Inputs in other memory layouts, each with its plain copy."""

    def each(function: Callable[[NDArray[Any]], NDArray[Any]]) -> tuple[Any, ...]:
        return tuple(function(v) if isinstance(v, np.ndarray) and v.ndim else v for v in data)

    def spread(array: NDArray[Any]) -> NDArray[Any]:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), array.dtype)
        wide[..., 1::2] = array
        return wide[..., 1::2]

    def stretched(array: NDArray[Any]) -> NDArray[Any]:
        if not array.size:
            return array.copy()
        return np.lib.stride_tricks.as_strided(array.reshape(-1)[:1].copy(), array.shape, (0,) * array.ndim)

    plain = each(lambda a: np.ascontiguousarray(a).copy())
    if any(isinstance(v, np.ndarray) and v.ndim > 1 for v in data):
        yield "in Fortran order", each(lambda a: a.copy(order="F")), plain
    yield "with a negative stride", each(lambda a: a[..., ::-1].copy()[..., ::-1]), plain
    yield "strided and offset", each(spread), plain
    # Only floating point data: an array of indices means something by its values.
    zero = tuple(stretched(v) if isinstance(v, np.ndarray) and v.ndim and is_inexact(v) else v for v in data)
    yield "with zero strides", zero, tuple(v.copy() if isinstance(v, np.ndarray) else v for v in zero)


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The memory layout of the inputs makes no difference: Fortran order, strides negative, zero and uneven."""
    findings: list[Finding] = []
    known: dict[int, tuple[Call, Any, Array]] = {}
    u: Array | None = None
    for words, relaid, plain in _relaid(data):
        zero = words == "with zero strides"
        if id(plain) not in known:
            try:
                reference = Call(subject, plain, static)
                u = reference.random(rng) if u is None or len(u) != reference.results.size else u
                known[id(plain)] = reference, reference.cotangent(u), reference.vector(reference.cotangent(u))
            except Fault:
                if zero:
                    continue  # equal entries may lie outside the domain
                raise
        reference, g, due = known[id(plain)]
        assert u is not None
        try:
            call = Call(subject, relaid, static)
        except Fault as fault:
            fault.diagnosis += f" (for inputs {words})"
            raise
        call.out = reference.out
        before = contents(relaid)
        got = call.vector(reference.cotangent(u))
        if contents(relaid) != before:
            text = f"the VJP rule writes into inputs {words}"
            findings.append(Finding("layout", "fail", text, input=shown(data, static)))
        off = disagreement(got, due, call.epsilon)
        if off.any():
            off = disagreement(got, due, call.epsilon, reference.rounding(g, due, rng))
        if off.any():
            findings.append(
                reference.finding("layout", f"the VJP rule is wrong for inputs {words}", g, off, got, due)
            )
    return Verdict.of(findings)


LAYOUT = Check("layout", _body, applies=_arrays)
