"""What a rule returns and what it leaves alone: no step size, no tolerance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._checks._call import Array, Call, contents, disagreement, scale
from opreg.verify._coordinates import outputs
from opreg.verify._forward import why_unfit
from opreg.verify._literal import shown
from opreg.verify._rule import Fault, evaluate, pull, sentence
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _layouts(g: Any) -> Iterator[tuple[str, Any]]:
    """The same cotangent in other memory layouts."""
    if g.ndim == 0:
        return
    wide = np.empty((*g.shape[:-1], 2 * g.shape[-1]), g.dtype)
    wide[..., ::2] = g
    yield "a strided", wide[..., ::2]
    yield "a reversed", g[::-1].copy()[::-1]
    if g.ndim > 1:
        yield "a Fortran-ordered", np.asfortranarray(g)


def _is_memory_of(value: Any, data: tuple[Any, ...]) -> bool:
    arrays = [v for v in data if isinstance(v, np.ndarray)] if isinstance(value, np.ndarray) else []
    return any(np.may_share_memory(value, v) and np.shares_memory(value, v) for v in arrays)


def _of_residual(call: Call, residual: Callable[..., Any], due: tuple[Any, ...]) -> str | None:
    """Why what `with_residual` gives as the output is not the forward's; it computes the output while recording."""
    before = contents(call.data)
    try:
        result = residual(*call.data, **call.static)
    except (Exception, SystemExit) as error:
        raise Fault(f"with_residual raised {sentence(error)}", raised=error) from error
    if not isinstance(result, tuple) or len(result) != 2:
        return f"with_residual returned {type(result).__name__}, where a pair (output, residual) is due"
    if contents(call.data) != before:
        return "with_residual writes into its arguments"
    got = outputs(result[0])
    kinds = [[(np.shape(v), np.asarray(v).dtype) for v in leaves] for leaves in (got, due)]
    if kinds[0] != kinds[1]:
        return f"with_residual gives an output of {_kind(got)}, the forward function one of {_kind(due)}"
    one, other = call.results.point(got), call.results.point(due)
    same = np.isnan(one) == np.isnan(other)
    if not same.all() or disagreement(one, other, call.epsilon).any():
        return "with_residual gives another output than the forward function"
    return None


def _kind(values: tuple[Any, ...]) -> str:
    return ", ".join(f"shape {np.shape(v)} and dtype {np.asarray(v).dtype}" for v in values)


def _odd(call: Call, once: tuple[Any, ...], again: tuple[Any, ...]) -> bool:
    """Whether the forward's results look as if nothing can be made of them: no number, NaN, another shape each time."""
    shapes = [[np.shape(leaf) for leaf in leaves] for leaves in (outputs(call.out), once, again)]
    if not call.results.parts or shapes[0] != shapes[1] or shapes[1] != shapes[2]:
        return True
    return bool(call.results.size) and bool(np.isnan(call.results.point(once)).all())


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """Number, shape, dtype and realness of the cotangents; nothing written to; the same answer every time.

    A cotangent may share memory with `g` or with another cotangent: the engine treats every cotangent as
    immutable and never adds in place, so that the rule of `add` may hand `g` on as it is. What a rule may not do is
    write into its inputs, its output or its cotangent, return an input's own memory (a cotangent that changes
    when its primal is updated), or return a buffer that its next call overwrites. Writes are found by comparing
    bytes: a right rule in C may refuse read-only arrays.
    """
    before = contents(data)
    call = Call(subject, data, static)
    findings: list[Finding] = []

    def wrong(
        diagnosis: str, argument: int | None = None, got: str | None = None, due: str | None = None
    ) -> None:
        findings.append(
            Finding("structure", "fail", diagnosis, None, shown(data, static), argument, got, due)
        )

    once = outputs(evaluate(subject, data, static))
    if contents(data) != before:
        text = "the forward function writes into its arguments"
        return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])
    # The same memory: the order of a sum may depend on the layout.
    again = outputs(evaluate(subject, data, static))
    if _odd(call, once, again) and (unfit := why_unfit(subject, data, static)) is not None:
        return Verdict.of([Finding("structure", "error", unfit, input=shown(data, static))])
    if [np.shape(v) for v in again] != [np.shape(v) for v in once] or not all(
        np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")
        for a, b in zip(again, once, strict=True)
    ):
        drift = np.abs(call.results.point(again) - call.results.point(once))
        if not np.all(drift <= 64 * call.epsilon * scale(call.results.point(again))):
            text = "the forward function gives another result when it is called again"
            return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])
    if subject.residual is not None and (other := _of_residual(call, subject.residual, again)) is not None:
        return Verdict.of([Finding("structure", "fail", other, input=shown(data, static))])
    u = call.random(rng)
    g = call.cotangent(u)
    results: list[tuple[Any, list[Any]]] = []
    borrowed: set[int] = set()

    def attempt(cotangent: Any) -> Array:
        state = contents(data), contents(outputs(call.out)), contents(outputs(cotangent))
        result = call.pull(cotangent)
        for what, then, now in zip(
            ("its arguments", "the output", "its cotangent"),
            state,
            (contents(data), contents(outputs(call.out)), contents(outputs(cotangent))),
            strict=True,
        ):
            if then != now:
                raise Fault(f"the VJP rule writes into {what}")
        value = call.inputs.cotangent(result)
        results.append((result, [np.array(result[i], copy=True) for i in call.active]))
        for index in call.active:
            if index not in borrowed and _is_memory_of(result[index], data):
                borrowed.add(index)
                wrong(f"the cotangent of argument {index} is the memory of an argument: return a copy", index)
        return value

    first = attempt(g)
    attempt(call.cotangent(np.ones(u.size)))  # what begins a backward pass: a factor that changes nothing
    for part in call.results.parts if len(call.results.parts) > 1 else ():
        alone = np.zeros(u.size)  # as where nothing depends on the other outputs
        alone[part.start : part.stop] = u[part.start : part.stop]
        attempt(call.cotangent(alone))
    for index in call.active:
        due = np.asarray(data[index]).dtype
        got = next((d for result, _ in results if (d := np.asarray(result[index]).dtype) != due), due)
        if got != due:
            advice = ": take the real part" if got.kind == "c" and due.kind == "f" else ""
            wrong(f"the cotangent of argument {index} has the dtype {got}, its primal {due}{advice}",
                  index, str(got), str(due))  # fmt: skip
    if findings:
        return Verdict.of(findings)

    def compare(words: str, got: Array, due: Array, cotangent: Any) -> None:
        off = disagreement(got, due, call.epsilon)
        if off.any():
            off = disagreement(got, due, call.epsilon, call.rounding(cotangent, due, rng))
        if off.any():
            findings.append(call.finding("structure", words, cotangent, off, got, due))

    for index in call.active if subject.vjp_needed is not None and len(call.active) > 1 else ():
        whole = list(results[0][0])
        try:
            whole[index] = pull(subject, g, call.out, data, static, (index,))[index]
        except Fault as fault:
            fault.diagnosis += " (where no other cotangent is needed)"
            raise
        words = f"the VJP rule gives another cotangent of argument {index} where no other is needed"
        compare(words, call.inputs.cotangent(whole), first, g)
    # The same call on the same memory: what the rule does with rounding it does twice.
    repeated = attempt(call.cotangent(u))
    if (off := disagreement(repeated, first, call.epsilon)).any():
        words = "the VJP rule gives another result when it is called again"
        return Verdict.of([call.finding("structure", words, g, off, repeated, first)])
    if not isinstance(g, tuple):
        for layout, other in _layouts(g):
            compare(f"the VJP rule is wrong for {layout} cotangent", attempt(other), first, g)
        if g.ndim and g.size:
            base = g.reshape(-1)[:1].copy()
            stretched = np.lib.stride_tricks.as_strided(base, g.shape, (0,) * g.ndim, writeable=True)
            dense = np.ascontiguousarray(stretched.copy())
            level = attempt(dense)
            compare("the VJP rule is wrong for a broadcast cotangent", attempt(stretched), level, dense)
    for result, kept in results:
        for index, copy in zip(call.active, kept, strict=True):
            if np.asarray(result[index]).tobytes() != copy.tobytes():
                wrong(
                    f"an earlier cotangent of argument {index} is overwritten by a later call of the rule",
                    index,
                )
                return Verdict.of(findings)
    return Verdict.of(findings)


STRUCTURE = Check("structure", _body)
