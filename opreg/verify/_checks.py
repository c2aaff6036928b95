"""The checks: each one thing that must hold for a rule, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Coordinates, is_inexact, outputs
from opreg.verify._differences import differences, tangents_like
from opreg.verify._oracle import EPSILON, widen
from opreg.verify._reproduce import reproducer, shown
from opreg.verify._rule import Fault, check_kind, copies, cotangent_like, evaluate, pull, rounding, sentence
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict

Array = NDArray[np.float64]
Run = Callable[[Subject, tuple[Any, ...], dict[str, Any], np.random.Generator], Verdict]
Applies = Callable[[Subject, tuple[Any, ...], dict[str, Any]], str | None]


@dataclass(frozen=True)
class Check:
    """One named thing that must hold.

    `applies(subject, data, static)` gives the reason why the check does not apply, or None; `run` never raises.
    """

    name: str
    doc: str
    applies: Applies
    body: Run

    def run(
        self, subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
    ) -> Verdict:
        """Decide the check for one sample."""
        try:
            with np.errstate(all="ignore"):
                return self.body(subject, tuple(data), dict(static), rng)
        except Fault as fault:
            return Verdict.of([fault.finding(self.name, input=shown(data, static))])
        except Exception as error:
            text = f"the check itself broke: {type(error).__name__}: {error}"
            return Verdict.of([Finding(self.name, "error", text, input=shown(data, static))])


CHECKS: dict[str, Check] = {}


def _check(name: str, applies: Applies) -> Callable[[Run], Run]:
    """Enter a function into the table of checks; its docstring's first line is the check's."""

    def enter(body: Run) -> Run:
        CHECKS[name] = Check(name, (body.__doc__ or "").strip().splitlines()[0], applies, body)
        return body

    return enter


def _active(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if subject.active(data):
        return None
    reasons = [reason for i, value in enumerate(data) if is_inexact(value) and (reason := subject.reason(i))]
    return reasons[0] if reasons else "no argument is a floating point number"


# -- structure -------------------------------------------------------------------------------------------------------


def _bytes(values: Any) -> list[bytes]:
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


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


def _scale(value: Array) -> float:
    finite = np.abs(value[np.isfinite(value)])
    return float(finite.max(initial=0.0))


def _agree(got: Array, due: Array, epsilon: float, extra: Array | float = 0.0) -> NDArray[np.bool_]:
    """Where two results differ by more than rounding; what is not finite in both is left to the differences."""
    both = np.isfinite(got) & np.isfinite(due)
    size = np.abs(due) + _scale(due)
    unequal = np.abs(got - due) > 64 * epsilon * size + extra
    differs: NDArray[np.bool_] = np.where(both, unequal, np.isfinite(got) != np.isfinite(due))
    return differs


def _epsilon(inputs: Coordinates, results: Coordinates) -> float:
    """The unit roundoff of the least precise array at hand."""
    return max(
        [float(np.finfo(part.dtype).eps) for part in (*inputs.parts, *results.parts)], default=EPSILON * 2
    )


class _Call:
    """A sample with its output, in its own dtypes: what the structural checks call the rule with."""

    def __init__(self, subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> None:
        self.subject, self.data, self.static = subject, data, static
        self.active = subject.active(data)
        self.out = evaluate(subject, copies(data), static)
        self.inputs = Coordinates(data, self.active)
        self.results = Coordinates(outputs(self.out))
        self.epsilon = _epsilon(self.inputs, self.results)

    def random(self, rng: np.random.Generator) -> Array:
        size = self.results.size
        u: Array = rng.uniform(0.5, 2.0, size) * rng.choice(np.array([-1.0, 1.0]), size)
        return u

    def cotangent(self, u: Array) -> Any:
        return cotangent_like(self.out, u, self.results, native=True)

    def pull(self, g: Any) -> tuple[Any, ...]:
        return pull(self.subject, g, self.out, self.data, self.static)

    def vector(self, g: Any) -> Array:
        return self.inputs.cotangent(self.pull(g))

    def rounding(self, g: Any, value: Array, rng: np.random.Generator) -> Array:
        """The rule's own rounding error, measured; asked for only when something looks wrong.

        What its inputs' rounding does to it, and |g| |out| / |x|: terms of that size may cancel inside the rule.
        """
        relative = 2.0**-36 if self.epsilon < 1e-10 else 16 * self.epsilon
        moved = rounding(
            self.subject,
            g,
            self.out,
            self.data,
            self.static,
            self.inputs,
            value,
            rng,
            max(relative, self.epsilon),
        )
        return 64 * self.epsilon * (moved + self.natural(g))

    def natural(self, g: Any) -> Array:
        """|g| |out| / |x|, per coordinate of the inputs."""
        size = np.abs(self.results.cotangent(outputs(g))) * np.abs(self.results.point(outputs(self.out)))
        x = np.abs(self.inputs.point(self.data))
        return np.asarray(np.nan_to_num(size, posinf=0.0).sum() / np.where(x > 0, x, np.inf))

    def finding(
        self, check: str, diagnosis: str, g: Any, wrong: NDArray[np.bool_], got: Array, due: Array
    ) -> Finding:
        worst = int(np.flatnonzero(wrong)[0])
        return Finding(
            check,
            "fail",
            diagnosis,
            input=shown(self.data, self.static),
            argument=self.inputs.locate(worst)[0].index,
            got=f"{got[worst]:.17g}",
            expected=f"{due[worst]:.17g}",
            reproducer=reproducer(self.subject, self.data, self.static, g, self.out),
        )


@_check("structure", _active)
def _structure(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """Number, shape, dtype and realness of the cotangents; nothing written to; the same answer every time.

    A cotangent may share memory with `g` or with another cotangent: the engine treats every cotangent as
    immutable and never adds in place, so that the rule of `add` may hand `g` on as it is. What a rule may not do is
    write into its inputs, its output or its cotangent, return an input's own memory (a cotangent that changes
    when its primal is updated), or return a buffer that its next call overwrites. Writes are found by comparing
    bytes: a right rule in C may refuse read-only arrays.
    """
    before = _bytes(data)
    call = _Call(subject, data, static)
    findings: list[Finding] = []

    def wrong(
        diagnosis: str, argument: int | None = None, got: str | None = None, due: str | None = None
    ) -> None:
        code = reproducer(subject, data, static, g, call.out)
        findings.append(
            Finding(
                "structure", "fail", diagnosis, None, shown(data, static), argument, got, due, reproducer=code
            )
        )

    once = outputs(evaluate(subject, data, static))
    if _bytes(data) != before:
        text = "the forward function writes into its arguments"
        return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])
    # The same memory: the order of a sum may depend on the layout.
    again = outputs(evaluate(subject, data, static))
    if [np.shape(v) for v in again] != [np.shape(v) for v in once] or not all(
        np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")
        for a, b in zip(again, once, strict=True)
    ):
        drift = np.abs(call.results.point(again) - call.results.point(once))
        if not np.all(drift <= 64 * call.epsilon * _scale(call.results.point(again))):
            text = "the forward function gives another result when it is called again"
            return Verdict.of([Finding("structure", "error", text, input=shown(data, static))])
    u = call.random(rng)
    g = call.cotangent(u)
    results, values = [], []

    def attempt(cotangent: Any) -> Array:
        state = _bytes(data), _bytes(outputs(call.out)), _bytes(outputs(cotangent))
        result = call.pull(cotangent)
        for what, then, now in zip(
            ("its arguments", "the output", "its cotangent"),
            state,
            (_bytes(data), _bytes(outputs(call.out)), _bytes(outputs(cotangent))),
            strict=True,
        ):
            if then != now:
                raise Fault(f"the VJP rule writes into {what}")
        value = call.inputs.cotangent(result)
        results.append((result, [np.array(result[i], copy=True) for i in call.active]))
        values.append(value)
        return value

    first = attempt(g)
    for index in call.active:
        cotangent, due = results[0][0][index], np.asarray(data[index]).dtype
        got = np.asarray(cotangent).dtype
        if got != due:
            advice = ": take the real part" if got.kind == "c" and due.kind == "f" else ""
            wrong(f"the cotangent of argument {index} has the dtype {got}, its primal {due}{advice}",
                  index, str(got), str(due))  # fmt: skip
        if isinstance(cotangent, np.ndarray) and any(
            isinstance(v, np.ndarray) and np.may_share_memory(cotangent, v) and np.shares_memory(cotangent, v)
            for v in data
        ):
            wrong(f"the cotangent of argument {index} is the memory of an argument: return a copy", index)
    if findings:
        return Verdict.of(findings)

    def compare(words: str, got: Array, due: Array, cotangent: Any) -> None:
        off = _agree(got, due, call.epsilon)
        if off.any():
            off = _agree(got, due, call.epsilon, call.rounding(cotangent, due, rng))
        if off.any():
            findings.append(call.finding("structure", words, cotangent, off, got, due))

    compare("the VJP rule gives another result when it is called again", attempt(call.cotangent(u)), first, g)
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


# -- linearity -------------------------------------------------------------------------------------------------------


@_check("linearity", _active)
def _linearity(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """A VJP is linear in its cotangent: signs, sums, multiples, single entries and zero."""
    call = _Call(subject, data, static)
    if call.inputs.size == 0:
        return Verdict.passed()
    size = call.results.size
    one, two = call.random(rng), call.random(rng)
    first = call.vector(call.cotangent(one))
    findings: list[Finding] = []

    def expect(words: str, u: Array, due: Array, magnitude: Array) -> None:
        g = call.cotangent(u)
        got = call.vector(g)
        both = np.isfinite(got) & np.isfinite(due)
        off = both & (np.abs(got - due) > 64 * call.epsilon * (magnitude + _scale(magnitude)))
        if off.any():
            # Where terms cancel the rounding is that of the terms.
            extra = call.rounding(call.cotangent(one), first, rng) + call.rounding(
                call.cotangent(two), second, rng
            )
            off &= np.abs(got - due) > 64 * call.epsilon * (magnitude + _scale(magnitude)) + 4 * extra
        if off.any():
            slip = (np.abs(got - due) / np.maximum(magnitude + _scale(magnitude), 1e-300))[both]
            if call.epsilon < 1e-10 and 3e-9 < slip.max() < 1e-6:
                words = (
                    "the rule is linear to float32 only: something inside it is computed in single precision"
                )
            findings.append(call.finding("linearity", words, g, off, got, due))

    second = call.vector(call.cotangent(two))
    expect("the rule is not linear: vjp(-g) is not -vjp(g)", -one, -first, np.abs(first))
    # Powers of two, so that the combination is exact in any precision.
    a, b = 0.5, -2.0
    expect(
        "the rule is not linear: vjp(a g1 + b g2) is not a vjp(g1) + b vjp(g2)",
        a * one + b * two,
        a * first + b * second,
        np.abs(a * first) + np.abs(b * second),
    )
    if size > 1:
        split = np.zeros(size)
        split[int(rng.integers(size))] = 1.0
        single, rest = call.vector(call.cotangent(one * split)), one * (1 - split)
        expect(
            "the rule is not linear: the parts of a cotangent do not add up",
            rest,
            first - single,
            np.abs(first) + np.abs(single),
        )
    zero = call.vector(call.cotangent(np.zeros(size)))
    off = np.isfinite(first) & (np.nan_to_num(zero, nan=1.0) != 0)
    if off.any():
        g = call.cotangent(np.zeros(size))
        findings.append(
            call.finding(
                "linearity", "the rule is not linear: vjp(0) is not 0", g, off, zero, np.zeros_like(zero)
            )
        )
    return Verdict.of(findings)


# -- adjoint ---------------------------------------------------------------------------------------------------------


def _has_forward_mode(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if subject.jvp is None:
        return "there is no JVP to compare the VJP with"
    return _active(subject, data, static)


@_check("adjoint", _has_forward_mode)
def _adjoint(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """VJP and JVP are each other's transpose: <g, J v> = <J^T g, v>, to rounding."""
    assert subject.jvp is not None
    call = _Call(subject, data, static)
    size, count = call.results.size, call.inputs.size
    if not size or not count:
        return Verdict.passed()
    single = np.zeros(size)
    single[int(rng.integers(size))] = 1.0
    value = np.abs(call.results.point(outputs(call.out)))
    for u in (call.random(rng), call.random(rng), single):
        v = rng.uniform(0.5, 2.0, count) * rng.choice(np.array([-1.0, 1.0]), count)
        g = call.cotangent(u)
        pulled = call.vector(g)
        tangents = []
        arrays = call.inputs.arrays(v)
        for index, datum in enumerate(data):
            tangents.append(arrays[index].astype(np.asarray(datum).dtype) if index in arrays else None)
        v = call.inputs.point([0.0 if t is None else t for t in tangents])
        u = call.results.cotangent(outputs(g))
        pushed = _pushed(call, tuple(tangents))
        if not (np.isfinite(pulled).all() and np.isfinite(pushed).all()):
            return Verdict("waived", "the derivative is not finite here")
        left, right = float(u @ pushed), float(pulled @ v)
        size_of = float(np.abs(u) @ np.abs(pushed) + np.abs(pulled) @ np.abs(v))
        # An entry that is structurally zero is still a difference of rounded terms.
        size_of += float(
            np.abs(u) @ np.where(np.isfinite(value), value, 0.0) + np.abs(u).sum() * _scale(pushed) / 16
        )
        tolerance = 4096 * call.epsilon * size_of
        if abs(left - right) > tolerance:
            tolerance += 4 * float(call.rounding(g, pulled, rng) @ np.abs(v))
        if abs(left - right) > tolerance:
            finding = Finding(
                "adjoint",
                "fail",
                "VJP and JVP disagree: <g, J v> is not <J^T g, v>",
                input=shown(data, static),
                got=f"<J^T g, v> = {right:.17g}",
                expected=f"<g, J v> = {left:.17g}",
                error_bound=tolerance,
                reproducer=reproducer(subject, data, static, g, call.out),
            )
            return Verdict.of([finding])
    return Verdict.passed()


def _pushed(call: _Call, tangents: tuple[Any, ...]) -> Array:
    assert call.subject.jvp is not None
    before = _bytes(call.data), _bytes(tangents)
    try:
        result = call.subject.jvp(tangents, call.out, *call.data, **call.static)
    except Exception as error:
        raise Fault(
            f"the JVP rule raised {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        ) from error
    if (_bytes(call.data), _bytes(tangents)) != before:
        raise Fault("the JVP rule writes into its tangents or arguments")
    leaves = list(outputs(result)) if isinstance(call.out, (tuple, list)) else [result]
    if len(leaves) != len(outputs(call.out)):
        raise Fault(f"the JVP rule returned {len(leaves)} tangents for {len(outputs(call.out))} outputs")
    for part in call.results.parts:
        if leaves[part.index] is None:
            leaves[part.index] = np.zeros(part.shape, part.dtype)
        leaf = leaves[part.index]
        check_kind(leaf, outputs(call.out)[part.index], None, (), "JVP", "tangent")
        if np.asarray(leaf).dtype != part.dtype:
            got = np.asarray(leaf).dtype
            raise Fault(f"the tangent of the output has the dtype {got}, the output {part.dtype}",
                        got=str(got), expected=str(part.dtype))  # fmt: skip
    return call.results.point(leaves)


# -- differences -----------------------------------------------------------------------------------------------------


def _low(data: Sequence[Any]) -> bool:
    return any(is_inexact(value) and np.asarray(value).dtype.char in "efF" for value in data)


@_check("differences", _active)
def _differences(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The VJP (and a declared JVP) against finite differences of the forward function, entry by entry."""
    verdict = differences(subject, data, static, rng)
    if verdict.outcome in ("pass", "inconclusive", "waived") and _low(data):
        return Verdict.merge([verdict, _precise(subject, data, static, rng, "differences")])
    return verdict


# -- second order ----------------------------------------------------------------------------------------------------


@_check("second-order", _active)
def _second_order(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The rule, itself a function of cotangent and arguments, differentiated by the engine and checked again."""
    call = _Call(subject, tuple(widen(value) for value in data), static)
    if not call.results.size or not call.inputs.size:
        return Verdict.passed()
    if call.epsilon > 1e-10:
        return Verdict("waived", "the forward narrows its result, which second differences do not resolve")
    # A rule that fails at first order is reported as that.
    call.vector(call.cotangent(call.random(rng)))
    second, arguments = subject.second(call.data, call.out)
    values = arguments(cotangent_like(call.out, call.random(rng), call.results))
    point = evaluate(second, copies(values), static)
    moved = Coordinates(outputs(point))
    try:
        verdict = differences(
            second, values, static, rng, check="second-order", columns=6, kinks=False, extended=False
        )
    except Fault as fault:
        if fault.raised is None:
            raise
        if type(fault.raised).__name__ == "RuleError":
            raise Fault(f"the derivative of the rule is wrong: {sentence(fault.raised)}") from fault
        return Verdict(
            "waived", f"first order only: the rule cannot be differentiated ({sentence(fault.raised)})"
        )
    if verdict.outcome == "inconclusive" and not np.isfinite(moved.point(outputs(point))).all():
        return Verdict("waived", "the first derivative is not finite here")
    return verdict


# -- layout ----------------------------------------------------------------------------------------------------------


def _arrays(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if (reason := _active(subject, data, static)) is not None:
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


@_check("layout", _arrays)
def _layout(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The memory layout of the inputs makes no difference: Fortran order, strides negative, zero and uneven."""
    findings: list[Finding] = []
    known: dict[int, tuple[_Call, Any, Array]] = {}
    u: Array | None = None
    for words, relaid, plain in _relaid(data):
        zero = words == "with zero strides"
        if id(plain) not in known:
            try:
                reference = _Call(subject, plain, static)
                u = reference.random(rng) if u is None or len(u) != reference.results.size else u
                known[id(plain)] = reference, reference.cotangent(u), reference.vector(reference.cotangent(u))
            except Fault:
                if zero:
                    continue  # equal entries may lie outside the domain
                raise
        reference, g, due = known[id(plain)]
        assert u is not None
        try:
            call = _Call(subject, relaid, static)
        except Fault as fault:
            fault.diagnosis += f" (for inputs {words})"
            raise
        call.out = reference.out
        before = _bytes(relaid)
        got = call.vector(reference.cotangent(u))
        if _bytes(relaid) != before:
            text = f"the VJP rule writes into inputs {words}"
            findings.append(Finding("layout", "fail", text, input=shown(data, static)))
        off = _agree(got, due, call.epsilon)
        if off.any():
            off = _agree(got, due, call.epsilon, reference.rounding(g, due, rng))
        if off.any():
            findings.append(
                reference.finding("layout", f"the VJP rule is wrong for inputs {words}", g, off, got, due)
            )
    return Verdict.of(findings)


# -- precision -------------------------------------------------------------------------------------------------------


def _castable(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if (reason := _active(subject, data, static)) is not None:
        return reason
    if not any(is_inexact(v) and np.asarray(v).dtype.char in "dD" for v in data):
        return "no argument is a float64 or complex128 number"
    if any(is_inexact(v) and np.asarray(v).dtype.char not in "dD" for v in data):
        return "its arguments are of several precisions, as the sample has it"
    return None


def _single(value: Any) -> Any:
    if not is_inexact(value):
        return value
    array = np.asarray(value)
    return np.array(array, dtype=np.complex64 if array.dtype.kind == "c" else np.float32)


@_check("precision", _castable)
def _precision(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """The same sample in float32: the dtype is kept, and the value right to units of its last place."""
    low = tuple(_single(value) for value in data)
    if not all(np.isfinite(v).all() for v in low if is_inexact(v)):
        return Verdict("waived", "the sample is out of float32's range")
    try:
        evaluate(subject, copies(low), static)
    except Fault as fault:
        return Verdict("waived", f"the forward does not take float32 here ({fault.diagnosis})")
    return _precise(subject, low, static, rng, "precision")


def _precise(
    subject: Subject, low: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator, check: str
) -> Verdict:
    """A rule at low precision against the same rule in float64 at the same point."""
    call = _Call(subject, low, static)
    if not call.results.size or not call.inputs.size:
        return Verdict.passed()
    high = _Call(subject, tuple(widen(value) for value in low), static)
    if high.results.size != call.results.size:
        return Verdict("waived", "the forward gives another shape in float64")
    g = call.cotangent(call.random(rng))
    u = call.results.cotangent(outputs(g))
    wide = high.cotangent(u)
    result = call.pull(g)
    findings = []
    for index in call.active:
        got_type, due_type = np.asarray(result[index]).dtype, np.asarray(low[index]).dtype
        if got_type != due_type:
            text = f"the cotangent of argument {index} has the dtype {got_type}, its primal {due_type}"
            findings.append(
                Finding(check, "fail", text, None, shown(low, static), index, str(got_type), str(due_type))
            )
    if findings:
        return Verdict.of(findings)
    got, due = call.inputs.cotangent(result), high.vector(wide)
    # The low-precision output is an input of the rule too.
    borrowed = tuple(
        np.asarray(a).astype(np.asarray(b).dtype)
        for a, b in zip(outputs(call.out), outputs(high.out), strict=True)
    )
    rough = pull(
        subject, wide, borrowed if isinstance(high.out, (tuple, list)) else borrowed[0], high.data, static
    )
    out_low, out_high = call.results.point(outputs(call.out)), high.results.point(outputs(high.out))
    limit = 1e4 if call.epsilon > 1e-4 else 1e30
    finite = np.isfinite(due) & (np.abs(due) < limit)
    accurate = np.isfinite(out_low) & (
        np.abs(out_low - out_high) <= 1e3 * call.epsilon * (np.abs(out_high) + 1e-3 * _scale(out_high))
    )
    if not accurate.all() or not np.all(np.abs(out_high) < limit):
        return Verdict("waived", "the forward itself is not accurate in this precision here")
    moved = rounding(subject, wide, high.out, high.data, static, high.inputs, due, rng, 2.0**-20)
    size = np.abs(due) + moved
    for part in call.inputs.parts:
        piece = slice(part.start, part.stop)
        size[piece] += 0.25 * _scale(due[piece])
    size += high.natural(wide)
    tolerance = 64 * call.epsilon * size + 4 * np.abs(np.nan_to_num(high.inputs.cotangent(rough) - due))
    # Below the smallest normal number precision fades out.
    tolerance += 1e3 * max(float(np.finfo(part.dtype).tiny) for part in call.inputs.parts)
    off = finite & (np.abs(got - due) > tolerance)
    x = call.inputs.point(low)
    if np.any((np.abs(x) > 1e6) | ((np.abs(x) < 1e-6) & (x != 0))):
        # Squares and cubes of such inputs leave the range on the way: only a finite, wrong number counts.
        off &= np.isfinite(got) & (got != 0)
    if off.any():
        word = np.dtype(call.inputs.parts[0].dtype).name
        return Verdict.of([call.finding(check, f"the rule is inaccurate in {word}", g, off, got, due)])
    return Verdict.passed()


__all__ = ["CHECKS", "Check", "tangents_like"]


# -- constancy -------------------------------------------------------------------------------------------------------


def _declared(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if subject.active(data):
        return "an argument has a derivative, which the other checks compare"
    if not any(is_inexact(value) for value in data):
        return "no argument is a floating point number"
    return None


CONSTANCY = "constancy"
"""The check that is for declared constants alone."""


@_check(CONSTANCY, _declared)
def _constancy(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """What is declared to have no derivative is constant near the sample, between jumps."""
    moving = [index for index, value in enumerate(data) if is_inexact(value)]
    steps = {index: _small_step(np.asarray(data[index]), rng) for index in moving}

    def at(scale: float) -> list[NDArray[Any]]:
        moved = copies(data)
        for index, step in steps.items():
            moved[index] = np.asarray(data[index]) + np.asarray(step * scale, np.asarray(data[index]).dtype)
        return [np.asarray(value) for value in outputs(evaluate(subject, moved, static))]

    here, again, near, half = at(0.0), at(0.0), at(1.0), at(0.5)
    same = (
        np.shape(a) == np.shape(b) for other in (again, near, half) for a, b in zip(here, other, strict=True)
    )
    if not all(same):
        return Verdict("waived", "the shape of the output jumps here")
    findings = []
    changed = total = 0
    for base, repeated, far, middle in zip(here, again, near, half, strict=True):
        if base.dtype.kind not in "fc":
            continue  # indices, counts and truth values can only jump
        if not np.array_equal(base, repeated, equal_nan=True):
            return Verdict(
                "waived", "the output is not the same when it is computed again, so nothing follows"
            )
        whole, part = far - base, middle - base
        moves = np.isfinite(whole) & (whole != 0)
        total += base.size
        changed += int(moves.sum())
        slopes = moves & (np.abs(part - whole / 2) <= 0.05 * np.abs(whole))
        if slopes.any():
            place = tuple(int(i) for i in np.argwhere(slopes)[0])
            text = "it is declared to have no derivative, but its output changes in proportion to its input"
            got = f"a change of {whole[place]} at {list(place)}, and of {part[place]} for half the step"
            findings.append(
                Finding(CONSTANCY, "fail", text, None, shown(data, static), None, got, "no change")
            )
    if findings:
        return Verdict.of(findings)
    if 2 * changed > total:
        return Verdict("waived", "the output jumps at most entries here")
    return Verdict.passed()


def _small_step(value: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A random step, small beside each entry and large beside its rounding."""
    size = np.abs(value) + (np.abs(value) == 0)
    relative = float(np.sqrt(np.finfo(value.dtype).eps)) * 2.0**-2
    return np.asarray(
        rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.0, value.shape) * size * relative
    )
