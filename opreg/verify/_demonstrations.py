"""Which lines show a failure: by what its finding says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from opreg.verify._coordinates import outputs
from opreg.verify._failing import Failing, Lines

# What makes a printed difference a difference: of numbers from finite differences, and of numbers right to rounding.
_ROUGH, _CLOSE = 1e-5, 4e-12

Demonstrate: TypeAlias = Callable[[Failing], Iterator[Lines]]


# -- demonstrations --------------------------------------------------------------------------------------------------


def _inner(call: Failing, value: str) -> str:
    """An expression for sum(g * value), over all outputs."""
    if isinstance(call.out, (tuple, list)):
        return f"sum(np.sum(a * b) for a, b in zip(g, {value}))"
    return f"np.sum(g * {value})"


def _pairing(call: Failing, forward: str) -> str:
    """An expression for Re sum(g * forward), a real number."""
    inside = _inner(call, forward)
    return (
        f"np.real({inside})"
        if any(np.iscomplexobj(leaf) for leaf in (*outputs(call.out), *call.data))
        else inside
    )


def _slopes(call: Failing) -> Iterator[Lines]:
    """The cotangent of one argument beside central differences of the forward function, entry by entry."""
    i, tail = call.i, call.tail
    is_complex = np.iscomplexobj(call.data[i])
    function = (
        "def moved(entry, h):",
        f"    x = np.array(args[{i}], {'complex' if is_complex else 'float'})",
        "    x[entry] += h",
        f"    return {_pairing(call, f'forward({call.moved()}{tail})')}",
        "",
    )
    simple = "(moved(e, {d}h) - moved(e, -{d}h)) / (2 * h)"
    fine = "(8 * (moved(e, {d}h) - moved(e, -{d}h)) - moved(e, 2{d2}h) + moved(e, -2{d2}h)) / (12 * h)"
    for formula, h, part in ((simple, "1e-6", _ROUGH), (fine, "1e-3", _CLOSE)):
        slope = formula.format(d="", d2=" * ")
        if is_complex:
            slope = f"{slope} - 1j * {formula.format(d='1j * ', d2=' * 1j * ')}"
        yield Lines(
            (
                *function,
                f"h = {h}",
                f"expected = np.array([{slope}",
                f"                     for e in np.ndindex(np.shape(args[{i}]))])",
                f"got = np.ravel({call.rule}[{i}])",
            ),
            part,
            part == _CLOSE,
        )


def _derivative_of_rule(call: Failing) -> Iterator[Lines]:
    """The rule, summed to one number, differentiated by the engine and by central differences."""
    if isinstance(call.out, (tuple, list)) or any(
        np.iscomplexobj(v) for v in (*call.data, *outputs(call.out))
    ):
        return
    i, tail = call.i, call.tail
    if call.finding.argument is None:
        at, cotangents = "g", f"vjp(x, out, *args{tail})"
    else:
        at = f"args[{i}]"
        cotangents = f"vjp(g, traced({call.moved()}{tail}), {call.moved()}{tail})"
    weigh = (
        "def weighed(c):",
        "    return c * np.arange(1.0, np.size(c) + 1).reshape(np.shape(c))",
        "",
    )
    for extra, term in (((), "c"), (weigh, "weighed(c)")):
        yield Lines(
            (
                *extra,
                "def total(x):",
                f"    return sum(np.sum({term}) for c in {cotangents} if c is not None)",
                "",
                "def moved(entry, h):",
                f"    x = np.array({at}, float)",
                "    x[entry] += h",
                "    return total(x)",
                "",
                "h = 1e-5",
                "expected = np.array([(moved(e, h) - moved(e, -h)) / (2 * h)",
                f"                     for e in np.ndindex(np.shape({at}))])",
                f"got = np.ravel(opreg.grad(total)(np.array({at}, float)))",
            ),
            _ROUGH,
        )


def _raises(call: Failing) -> Iterator[Lines]:
    yield Lines((f"{call.rule}  # raises",), raises=True)


def _returned(call: Failing) -> Iterator[Lines]:
    count = len(call.data)
    due = f"a tuple of {count} cotangent{'' if count == 1 else 's'}, each like its argument"
    yield Lines((f"got = {call.rule}", f'expected = "{due}"'))


def _shape(call: Failing) -> Iterator[Lines]:
    yield Lines((f"got = np.shape({call.rule}[{call.i}])", f"expected = np.shape(args[{call.i}])"))


def _dtype(call: Failing) -> Iterator[Lines]:
    yield Lines(
        (f"got = np.asarray({call.rule}[{call.i}]).dtype", f"expected = np.asarray(args[{call.i}]).dtype")
    )


def _narrow_dtype(call: Failing) -> Iterator[Lines]:
    yield Lines(
        (f"got = np.asarray({call.rule}[{call.i}]).dtype", f"expected = args[{call.i}].dtype"), setup=_NARROW
    )  # fmt: skip


def _writes(call: Failing) -> Iterator[Lines]:
    for words, what in (("its cotangent", "g"), ("the output", "out"), ("its arguments", "args")):
        if words in call.finding.diagnosis:
            leaves = what == "args" or isinstance(call.out, (tuple, list))
            copy = f"[np.copy(a) for a in {what}]" if leaves else f"np.copy({what})"
            yield Lines((f"expected = {copy}", call.rule, f"got = {copy}"), exact=True)


def _shares_memory(call: Failing) -> Iterator[Lines]:
    yield Lines(
        (f"c = {call.rule}[{call.i}]", "got = any(np.shares_memory(c, a) for a in args)", "expected = False")
    )


def _again(call: Failing) -> Iterator[Lines]:
    yield Lines(
        (f"expected = np.copy({call.rule}[{call.i}])", f"got = {call.rule}[{call.i}]  # once more"),
        _CLOSE,
        True,
    )


def _overwritten(call: Failing) -> Iterator[Lines]:
    yield Lines(
        (
            f"got = {call.rule}[{call.i}]",
            "expected = np.copy(got)",
            f"{call.rule.replace('(g,', '(2 * g,')}  # overwrites got",
        ),
        _CLOSE,
    )


def _alone(call: Failing) -> Iterator[Lines]:
    alone = f"p.vjp_needed(({call.i},), g, out, *args{call.tail})"
    if "raised" in call.finding.diagnosis:
        yield Lines((alone,), raises=True)
        return
    lines = f"expected = {call.rule}[{call.i}]", f"got = {alone}[{call.i}]"
    yield Lines(lines, 0.0 if "returned" in call.finding.diagnosis else _CLOSE)


def _layout_of_g(call: Failing) -> Iterator[Lines]:
    table = {
        "a strided": "np.repeat(g, 2, -1)[..., ::2]",
        "a reversed": "g[::-1].copy()[::-1]",
        "a Fortran-ordered": "np.asfortranarray(g)",
        "a broadcast": "np.broadcast_to(g.ravel()[0], g.shape)",
    }
    laid = next(text for words, text in table.items() if words in call.finding.diagnosis)
    yield Lines(
        (
            *(["g = np.full(g.shape, g.ravel()[0])"] if "broadcast" in laid else []),
            f"expected = {call.rule}[{call.i}]",
            f"got = {call.rule.replace('(g,', f'({laid},')}[{call.i}]",
        ),
        _CLOSE,
    )


_RELAID = {
    "in Fortran order": "np.asfortranarray(a)",
    "with a negative stride": "a[..., ::-1].copy()[..., ::-1]",
    "strided and offset": "np.repeat(a, 2, -1)[..., 1::2]",
    "with zero strides": "np.broadcast_to(a.ravel()[0], a.shape)",
}


def _layout_of_inputs(call: Failing) -> Iterator[Lines]:
    text = next((text for words, text in _RELAID.items() if words in call.finding.diagnosis), None)
    if text is None:
        return
    level = (
        ("args = [np.full(a.shape, a.ravel()[0]) if np.ndim(a) else a for a in args]",)
        if "broadcast" in text
        else ()
    )
    yield Lines(
        (
            f"laid = [{text} if np.ndim(a) else a for a in args]",
            f"expected = {call.rule}[{call.i}]",
            f"got = vjp(g, out, *laid{call.tail})[{call.i}]",
        ),
        _CLOSE,
        setup=level,
    )  # fmt: skip


def _linearity(call: Failing) -> Iterator[Lines]:
    i = call.i
    if isinstance(call.out, (tuple, list)):
        first = f"vjp(tuple(-c for c in g), out, *args{call.tail})[{i}]"
        yield Lines((f"got = {first}  # vjp(-g)", f"expected = -{call.rule}[{i}]  # -vjp(g)"), _CLOSE)
        return

    def rule(g: str) -> str:
        return f"{call.rule.replace('(g,', f'({g},')}[{i}]"

    zero = Lines((f"got = {rule('0 * g')}  # vjp(0)", f"expected = np.zeros(np.shape(args[{i}]))"), _CLOSE)
    if "vjp(0)" in call.finding.diagnosis:
        yield zero
    yield Lines((f"got = {rule('-g')}  # vjp(-g)", f"expected = -{rule('g')}  # -vjp(g)"), _CLOSE)
    yield Lines((f"got = {rule('2 * g')}  # vjp(2 g)", f"expected = 2 * {rule('g')}  # 2 vjp(g)"), _CLOSE)
    for a, b in (("0.5", "-2"), ("0.7", "0.4")):
        yield Lines(
            (
                f"g2 = {'g[::-1]' if np.ndim(call.out) else '-3 * g'}",
                f"got = {rule(f'{a} * g + {b} * g2')}  # vjp(a g + b g2)",
                f"expected = {a} * {rule('g')} + {b} * {rule('g2')}  # a vjp(g) + b vjp(g2)",
            ),
            _CLOSE,
            True,
        )
    yield Lines(
        (
            "g2 = np.zeros_like(g)",
            "g2.flat[0] = g.flat[0]",
            f"got = {rule('g')}  # vjp(g)",
            f"expected = {rule('g2')} + {rule('g - g2')}  # vjp of two parts of g",
        ),
        _CLOSE,
        True,
    )
    yield zero


def _tangents(call: Failing) -> Iterator[tuple[str, ...]]:
    """Lines that make tangents, from the simplest on."""
    active = call.subject.active(call.data)
    unit = "1j" if any(np.iscomplexobj(call.data[i]) for i in active) else "-1"
    uneven = "np.arange(2.0, np.size({a}) + 2).reshape(np.shape({a}))"
    for one in ("np.ones_like({a})", f"{{k}} * {uneven}", f"{unit} * {{k}} * {uneven}"):
        parts = [
            one.format(a=f"args[{i}]", k=active.index(i) + 1) if i in active else "None"
            for i in range(len(call.data))
        ]
        yield (f"tangents = ({', '.join(parts)}{',' if len(parts) == 1 else ''})",)


def _pushed(call: Failing) -> str:
    """The call of the JVP rule."""
    return f"jvp(tangents, out, *args{call.tail})"


def _adjoint(call: Failing) -> Iterator[Lines]:
    real = "np.real" if any(np.iscomplexobj(v) for v in (*call.data, *outputs(call.out))) else ""
    pairs = f"sum(np.sum(c * t) for c, t in zip({call.rule}, tangents) if t is not None)"
    for tangents in _tangents(call):
        yield Lines(
            (
                *tangents,
                f"got = {real}({_inner(call, _pushed(call))})  # <g, J t>",
                f"expected = {real}({pairs})  # <J' g, t>",
            ),
            _CLOSE,
            True,
        )


def _jvp(call: Failing) -> Iterator[Lines]:
    step = "[a if t is None else a + h * t for a, t in zip(args, tangents)]"
    slope = "(moved(h) - moved(-h)) / (2 * h)"
    if isinstance(call.out, (tuple, list)):
        slope = "[(a - b) / (2 * h) for a, b in zip(moved(h), moved(-h))]"
    for tangents in _tangents(call):
        yield Lines(
            (
                "def moved(h):",
                f"    return forward(*{step}{call.tail})",
                "",
                *tangents,
                "h = 1e-6",
                f"expected = {slope}",
                f"got = {_pushed(call)}",
            ),
            _ROUGH,
        )


def _jvp_raises(call: Failing) -> Iterator[Lines]:
    for tangents in _tangents(call):
        yield Lines((*tangents, f"{_pushed(call)}  # raises"), raises=True)


def _jvp_writes(call: Failing) -> Iterator[Lines]:
    for tangents in _tangents(call):
        copy = "[np.copy(a) for a in (*tangents, *args)]"
        yield Lines((*tangents, f"expected = {copy}", _pushed(call), f"got = {copy}"), exact=True)


def _jvp_returned(call: Failing) -> Iterator[Lines]:
    for tangents in _tangents(call):
        yield Lines(
            (
                *tangents,
                f"got = {_pushed(call)}",
                'expected = "the tangent of each output, of its shape and dtype"',
            )
        )


def _jvp_kind(of: str) -> Demonstrate:
    """The shape or the dtype of the output's tangent."""

    def demonstrate(call: Failing) -> Iterator[Lines]:
        for tangents in _tangents(call):
            yield Lines((*tangents, f"got = {of.format(_pushed(call))}", f"expected = {of.format('out')}"))

    return demonstrate


_NARROW = (
    "args = [np.asarray(a, np.complex64 if np.iscomplexobj(a) else np.float32)",
    "        if np.asarray(a).dtype.kind in \"fc\" else a for a in args]",
)  # fmt: skip


def _imprecise(call: Failing) -> Iterator[Lines]:
    wide = (
        "np.asarray(a, complex if np.iscomplexobj(a) else float) if np.asarray(a).dtype.kind in 'fc' else a"
    )
    if isinstance(call.out, (tuple, list)):
        return
    yield Lines(
        (
            "g = np.asarray(g, np.asarray(out).dtype)",
            f"wide = [{wide} for a in args]",
            "high = np.asarray(g, complex if np.iscomplexobj(g) else float)",
            f"expected = vjp(high, forward(*wide{call.tail}), *wide{call.tail})[{call.i}]",
            f"got = {call.rule}[{call.i}]",
        ),
        4e-6,
        True,
        setup=_NARROW,
    )


def _moves(call: Failing) -> Iterator[Lines]:
    moved = "a + 1e-6 if np.asarray(a).dtype.kind in 'fc' else a"
    yield Lines((f"got = forward(*[{moved} for a in args]{call.tail})", "expected = out"), exact=True)


DEMONSTRATIONS: tuple[tuple[str, Demonstrate], ...] = (
    (r"where no other (is|cotangent is) needed", _alone),
    (r"the VJP rule raised", _raises),
    (r"the VJP rule returned", _returned),
    (r"^the cotangent of argument \d+ has the shape", _shape),
    (r"^the cotangent of argument \d+ (has the dtype|is complex)", _dtype),
    (r"the JVP rule raised", _jvp_raises),
    (r"the JVP rule returned", _jvp_returned),
    (r"the tangent of the output has the shape", _jvp_kind("np.shape({})")),
    (r"the tangent of the output has the dtype", _jvp_kind("np.asarray({}).dtype")),
    (r"the JVP rule writes into", _jvp_writes),
    (r"writes into", _writes),
    (r"is the memory of an argument", _shares_memory),
    (r"gives another result when it is called again", _again),
    (r"is overwritten by a later call", _overwritten),
    (r"is wrong for a (strided|reversed|Fortran-ordered|broadcast) cotangent", _layout_of_g),
    (r"is wrong for inputs", _layout_of_inputs),
    (r"the rule is (not linear|linear to float32)", _linearity),
    (r"VJP and JVP disagree", _adjoint),
    (r"^the JVP is wrong", _jvp),
    (r"the rule is inaccurate in", _imprecise),
    (r"declared to have no derivative", _moves),
    (r"the derivative of the rule is wrong", _derivative_of_rule),
    (r"the cotangent is wrong", _slopes),
)
