"""A failing case as a few lines of Python that need nothing but NumPy and the rule.

`DEMONSTRATIONS` is a table: what a finding says, and the lines that show it, as `got` and `expected`. The lines are run
before they are handed out, with cotangents from the simplest on, so that what is printed shows the failure.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from opreg.verify._coordinates import outputs
from opreg.verify._rule import copies
from opreg.verify._source import definition
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding

_MOST = 64

# What makes a printed difference a difference: of numbers from finite differences, and of numbers right to rounding.
_ROUGH, _CLOSE = 1e-5, 4e-12


def literal(value: Any) -> str | None:
    """An expression for a value, exact to the bit and in its memory layout; None where it would be too long."""
    if isinstance(value, np.ndarray):
        if value.size > _MOST or value.dtype.kind not in "fciub":
            return None
        if value.size == 0:
            kind = "" if value.dtype == float else f", np.{value.dtype.name}"
            return f"np.zeros({value.shape}{kind})"
        nested = value.tolist()
        kind = "" if np.asarray(nested).dtype == value.dtype else f", np.{value.dtype.name}"
        return _laid_out(f"np.array({_names(repr(nested))}{kind})", value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({_names(repr(value.item()))})"
    if isinstance(value, (tuple, list)):
        parts = [literal(item) for item in value]
        if any(part is None for part in parts):
            return None
        inside = ", ".join(str(part) for part in parts)
        if isinstance(value, tuple):
            return f"({inside}{',' if len(value) == 1 else ''})"
        return f"[{inside}]"
    text = repr(value)
    return None if len(text) > 400 or text.startswith("<") else _names(text)


def _laid_out(text: str, value: Any) -> str:
    """An array's expression, such that the array lies in memory as the given one."""
    if value.flags.c_contiguous:
        return text
    if value.flags.f_contiguous:
        return f"np.asfortranarray({text})"
    if value.strides[-1] < 0:
        return f"{text}[..., ::-1].copy()[..., ::-1]"
    return f"np.repeat({text}, 2, -1)[..., ::2]" if value.strides[-1] else text


def _names(text: str) -> str:
    """`inf` and `nan` are no Python names."""
    if "nan" not in text and "inf" not in text:
        return text
    return re.sub(r"(?<![\w.])(nan|inf)\b", r"np.\1", text)


def shown(data: Sequence[Any], static: Mapping[str, Any]) -> str:
    """The arguments of a call in one short line."""
    parts = [_short(value) for value in data] + [f"{name}={_short(value)}" for name, value in static.items()]
    return ", ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"array of shape {value.shape}, {value.dtype}"
    text = " ".join((literal(value) or repr(value)).split())
    return text if len(text) <= 200 else text[:197] + "..."


@dataclass(frozen=True)
class Reproducer:
    """Lines that show a failure, and what they print."""

    code: str
    got: str
    expected: str


def reproducer(
    subject: Subject, data: Sequence[Any], static: Mapping[str, Any], finding: Finding
) -> Reproducer | None:
    """Lines that show what a finding says, or None where no lines do or the input is too large to write down."""
    try:
        call = _Call.of(subject, data, static, finding)
        if call is None:
            return None
        for body in call.bodies():
            for g in call.cotangents():
                made = call.run(g, body)
                if made is not None:
                    return made
    except (Exception, SystemExit):
        return None  # a forward or a rule that does not even answer here: the finding says so
    return None


def _alternating(count: int) -> Any:
    return 1.5 - 3.0 * (np.arange(count) % 2)


@dataclass(frozen=True)
class _Body:
    """Lines that leave `got` and `expected`, and from which part of their size on these differ.

    `exact` prints all digits; `setup` are lines before the call; `raises` is for lines that end in an exception.
    """

    lines: tuple[str, ...]
    part: float = 0.0
    exact: bool = False
    setup: tuple[str, ...] = ()
    raises: bool = False


@dataclass(frozen=True)
class _Call:
    """The call that fails, as the lines see it. `i` is the argument that the finding tells of."""

    subject: Subject
    data: tuple[Any, ...]
    static: dict[str, Any]
    finding: Finding
    out: Any
    args: tuple[str, ...]
    kwargs: str

    @classmethod
    def of(
        cls, subject: Subject, data: Sequence[Any], static: Mapping[str, Any], finding: Finding
    ) -> _Call | None:
        args = [literal(value) for value in data]
        keywords = {name: literal(value) for name, value in static.items()}
        if None in args or None in keywords.values():
            return None
        out = subject.forward(*copies(data), **static)
        inside = ", ".join(f"{name}={text}" for name, text in keywords.items())
        return cls(
            subject, tuple(data), dict(static), finding, out, tuple(str(a) for a in args),
            f"dict({inside})" if inside else "",
        )  # fmt: skip

    @property
    def i(self) -> int:
        active = self.subject.active(self.data)
        return active[0] if self.finding.argument is None else self.finding.argument

    @property
    def tail(self) -> str:
        return ", **kwargs" if self.kwargs else ""

    @property
    def rule(self) -> str:
        """The call of the rule."""
        return f"vjp(g, out, *args{self.tail})"

    def moved(self, x: str = "x") -> str:
        """The arguments of a call in which argument i is `x`."""
        before, after = f"*args[:{self.i}], ", f", *args[{self.i + 1}:]"
        count = len(self.data)
        return f"{before if self.i else ''}{x}{after if self.i + 1 < count else ''}"

    def bodies(self) -> Iterator[_Body]:
        """The lines that may show what the finding says."""
        for pattern, demonstrate in DEMONSTRATIONS:
            if re.search(pattern, self.finding.diagnosis):
                yield from demonstrate(self)
                return

    def cotangents(self) -> Iterator[Any]:
        """Cotangents from the simplest on, of the dtypes of the outputs."""

        def like(leaf: Any, make: Callable[[int], Any]) -> Any:
            array = np.asarray(leaf)
            kind = array.dtype if array.dtype.kind in "fc" else np.dtype(float)
            return np.asarray(make(array.size), kind).reshape(array.shape)

        makes: list[Callable[[int], Any]] = [np.ones, lambda n: np.arange(1.0, n + 1), _alternating]
        if any(np.iscomplexobj(leaf) for leaf in outputs(self.out)):
            makes += [lambda n: 1j * np.ones(n), lambda n: np.arange(1.0, n + 1) + 1j]
        for make in makes:
            leaves = tuple(like(leaf, make) for leaf in outputs(self.out))
            yield leaves if isinstance(self.out, (tuple, list)) else leaves[0]

    def run(self, g: Any, body: _Body) -> Reproducer | None:
        """The lines with one cotangent, if they show the failure when they are run."""
        cotangent = literal(g)
        if cotangent is None:
            return None
        setup = ["np.set_printoptions(precision=17)"] if body.exact else []
        setup += [f"args = ({', '.join(self.args)}{',' if len(self.args) == 1 else ''})"]
        if self.kwargs:
            setup.append(f"kwargs = {self.kwargs}")
        lines = [*body.lines]
        setup += [*body.setup, f"out = forward(*args{self.tail})"]
        setup += [f"g = {cotangent}"] if re.search(r"\bg\b", "\n".join(lines)) else []
        if not body.raises:
            lines += ['print("got     ", got)', 'print("expected", expected)']
        header = self._header("\n".join(lines))
        if not body.raises:
            names = self._names()
            with np.errstate(all="ignore"), np.printoptions():
                exec("\n".join([*setup, *lines]), names)
            if not _differ(names["got"], names["expected"], body.part):
                return None
            told = _text(names["got"], body.exact), _text(names["expected"], body.exact)
        else:
            raised = self._raised([*setup, *lines])
            if raised is None:
                return None
            told = raised, "no exception"
        between = [""] if lines[0].startswith("def ") else []
        return Reproducer("\n".join([*header, *setup, *between, *lines]), *told)

    def _names(self) -> dict[str, Any]:
        import opreg

        subject = self.subject
        silent = {**vars(builtins), "print": lambda *anything: None}
        return {
            "__builtins__": silent,
            "np": np,
            "opreg": opreg,
            "forward": subject.forward,
            "vjp": subject.vjp,
            "jvp": subject.jvp,
            "traced": subject.trace or subject.forward,
        }

    def _raised(self, lines: list[str]) -> str | None:
        try:
            with np.errstate(all="ignore"), np.printoptions():
                exec("\n".join(lines), self._names())
        except (Exception, SystemExit) as error:
            return type(error).__name__
        return None

    def _header(self, used: str) -> list[str]:
        """The lines that bring NumPy and the rule."""
        names = [
            name for name in ("forward", "vjp", "jvp") if name == "forward" or re.search(rf"\b{name}\(", used)
        ]
        needs_engine = "opreg." in used
        if self.subject.registered:
            found = f'opreg.plugins.get("{self.subject.name}")'
            lines = [
                "import numpy as np",
                "import opreg",
                *(["from opreg.testing import compared"] if self.subject.compared else []),
                "",
                f"p = compared({found})" if self.subject.compared else f"p = {found}",
            ]
            lines.append(f"{', '.join(names)} = {', '.join('p.' + name for name in names)}")
            return [*lines, "traced = p.bind"] if "traced(" in used else lines
        lines = ["import numpy as np", *(["import opreg"] if needs_engine else []), ""]
        for name in names:
            lines += definition(name, getattr(self.subject, name))
        return [*lines, "traced = forward"] if "traced(" in used else lines


def _differ(got: Any, expected: Any, part: float) -> bool:
    """Whether two results differ: by more than a part of their size, where they are numbers."""
    if part == 0.0:
        return repr(got) != repr(expected)
    a, b = (np.concatenate([np.ravel(leaf) for leaf in outputs(value)]) for value in (got, expected))
    if a.shape != b.shape:
        return True
    size = max(
        float(np.abs(a[np.isfinite(a)]).max(initial=0.0)), float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    )
    with np.errstate(all="ignore"):
        return not np.all((np.abs(a - b) <= part * size) | (a == b))


def _text(value: Any, exact: bool) -> str:
    with np.printoptions(precision=17 if exact else 8, threshold=12):
        return " ".join(str(value).split())[:200]


Demonstrate: TypeAlias = Callable[[_Call], Iterator[_Body]]


# -- demonstrations --------------------------------------------------------------------------------------------------


def _inner(call: _Call, value: str) -> str:
    """An expression for sum(g * value), over all outputs."""
    if isinstance(call.out, (tuple, list)):
        return f"sum(np.sum(a * b) for a, b in zip(g, {value}))"
    return f"np.sum(g * {value})"


def _pairing(call: _Call, forward: str) -> str:
    """An expression for Re sum(g * forward), a real number."""
    inside = _inner(call, forward)
    return (
        f"np.real({inside})"
        if any(np.iscomplexobj(leaf) for leaf in (*outputs(call.out), *call.data))
        else inside
    )


def _slopes(call: _Call) -> Iterator[_Body]:
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
        yield _Body(
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


def _derivative_of_rule(call: _Call) -> Iterator[_Body]:
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
        yield _Body(
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


def _raises(call: _Call) -> Iterator[_Body]:
    yield _Body((f"{call.rule}  # raises",), raises=True)


def _returned(call: _Call) -> Iterator[_Body]:
    count = len(call.data)
    due = f"a tuple of {count} cotangent{'' if count == 1 else 's'}, each like its argument"
    yield _Body((f"got = {call.rule}", f'expected = "{due}"'))


def _shape(call: _Call) -> Iterator[_Body]:
    yield _Body((f"got = np.shape({call.rule}[{call.i}])", f"expected = np.shape(args[{call.i}])"))


def _dtype(call: _Call) -> Iterator[_Body]:
    yield _Body(
        (f"got = np.asarray({call.rule}[{call.i}]).dtype", f"expected = np.asarray(args[{call.i}]).dtype")
    )


def _narrow_dtype(call: _Call) -> Iterator[_Body]:
    yield _Body(
        (f"got = np.asarray({call.rule}[{call.i}]).dtype", f"expected = args[{call.i}].dtype"), setup=_NARROW
    )  # fmt: skip


def _writes(call: _Call) -> Iterator[_Body]:
    for words, what in (("its cotangent", "g"), ("the output", "out"), ("its arguments", "args")):
        if words in call.finding.diagnosis:
            leaves = what == "args" or isinstance(call.out, (tuple, list))
            copy = f"[np.copy(a) for a in {what}]" if leaves else f"np.copy({what})"
            yield _Body((f"expected = {copy}", call.rule, f"got = {copy}"), exact=True)


def _shares_memory(call: _Call) -> Iterator[_Body]:
    yield _Body(
        (f"c = {call.rule}[{call.i}]", "got = any(np.shares_memory(c, a) for a in args)", "expected = False")
    )


def _again(call: _Call) -> Iterator[_Body]:
    yield _Body(
        (f"expected = np.copy({call.rule}[{call.i}])", f"got = {call.rule}[{call.i}]  # once more"),
        _CLOSE,
        True,
    )


def _overwritten(call: _Call) -> Iterator[_Body]:
    yield _Body(
        (
            f"got = {call.rule}[{call.i}]",
            "expected = np.copy(got)",
            f"{call.rule.replace('(g,', '(2 * g,')}  # overwrites got",
        ),
        _CLOSE,
    )


def _layout_of_g(call: _Call) -> Iterator[_Body]:
    table = {
        "a strided": "np.repeat(g, 2, -1)[..., ::2]",
        "a reversed": "g[::-1].copy()[::-1]",
        "a Fortran-ordered": "np.asfortranarray(g)",
        "a broadcast": "np.broadcast_to(g.ravel()[0], g.shape)",
    }
    laid = next(text for words, text in table.items() if words in call.finding.diagnosis)
    yield _Body(
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


def _layout_of_inputs(call: _Call) -> Iterator[_Body]:
    text = next((text for words, text in _RELAID.items() if words in call.finding.diagnosis), None)
    if text is None:
        return
    level = (
        ("args = [np.full(a.shape, a.ravel()[0]) if np.ndim(a) else a for a in args]",)
        if "broadcast" in text
        else ()
    )
    yield _Body(
        (
            f"laid = [{text} if np.ndim(a) else a for a in args]",
            f"expected = {call.rule}[{call.i}]",
            f"got = vjp(g, out, *laid{call.tail})[{call.i}]",
        ),
        _CLOSE,
        setup=level,
    )  # fmt: skip


def _linearity(call: _Call) -> Iterator[_Body]:
    i = call.i
    if isinstance(call.out, (tuple, list)):
        first = f"vjp(tuple(-c for c in g), out, *args{call.tail})[{i}]"
        yield _Body((f"got = {first}  # vjp(-g)", f"expected = -{call.rule}[{i}]  # -vjp(g)"), _CLOSE)
        return

    def rule(g: str) -> str:
        return f"{call.rule.replace('(g,', f'({g},')}[{i}]"

    zero = _Body((f"got = {rule('0 * g')}  # vjp(0)", f"expected = np.zeros(np.shape(args[{i}]))"), _CLOSE)
    if "vjp(0)" in call.finding.diagnosis:
        yield zero
    yield _Body((f"got = {rule('-g')}  # vjp(-g)", f"expected = -{rule('g')}  # -vjp(g)"), _CLOSE)
    yield _Body((f"got = {rule('2 * g')}  # vjp(2 g)", f"expected = 2 * {rule('g')}  # 2 vjp(g)"), _CLOSE)
    for a, b in (("0.5", "-2"), ("0.7", "0.4")):
        yield _Body(
            (
                f"g2 = {'g[::-1]' if np.ndim(call.out) else '-3 * g'}",
                f"got = {rule(f'{a} * g + {b} * g2')}  # vjp(a g + b g2)",
                f"expected = {a} * {rule('g')} + {b} * {rule('g2')}  # a vjp(g) + b vjp(g2)",
            ),
            _CLOSE,
            True,
        )
    yield _Body(
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


def _tangents(call: _Call) -> Iterator[tuple[str, ...]]:
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


def _pushed(call: _Call) -> str:
    """The call of the JVP rule."""
    return f"jvp(tangents, out, *args{call.tail})"


def _adjoint(call: _Call) -> Iterator[_Body]:
    real = "np.real" if any(np.iscomplexobj(v) for v in (*call.data, *outputs(call.out))) else ""
    pairs = f"sum(np.sum(c * t) for c, t in zip({call.rule}, tangents) if t is not None)"
    for tangents in _tangents(call):
        yield _Body(
            (
                *tangents,
                f"got = {real}({_inner(call, _pushed(call))})  # <g, J t>",
                f"expected = {real}({pairs})  # <J' g, t>",
            ),
            _CLOSE,
            True,
        )


def _jvp(call: _Call) -> Iterator[_Body]:
    step = "[a if t is None else a + h * t for a, t in zip(args, tangents)]"
    slope = "(moved(h) - moved(-h)) / (2 * h)"
    if isinstance(call.out, (tuple, list)):
        slope = "[(a - b) / (2 * h) for a, b in zip(moved(h), moved(-h))]"
    for tangents in _tangents(call):
        yield _Body(
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


def _jvp_raises(call: _Call) -> Iterator[_Body]:
    for tangents in _tangents(call):
        yield _Body((*tangents, f"{_pushed(call)}  # raises"), raises=True)


def _jvp_writes(call: _Call) -> Iterator[_Body]:
    for tangents in _tangents(call):
        copy = "[np.copy(a) for a in (*tangents, *args)]"
        yield _Body((*tangents, f"expected = {copy}", _pushed(call), f"got = {copy}"), exact=True)


def _jvp_returned(call: _Call) -> Iterator[_Body]:
    for tangents in _tangents(call):
        yield _Body(
            (
                *tangents,
                f"got = {_pushed(call)}",
                'expected = "the tangent of each output, of its shape and dtype"',
            )
        )


def _jvp_kind(of: str) -> Demonstrate:
    """The shape or the dtype of the output's tangent."""

    def demonstrate(call: _Call) -> Iterator[_Body]:
        for tangents in _tangents(call):
            yield _Body((*tangents, f"got = {of.format(_pushed(call))}", f"expected = {of.format('out')}"))

    return demonstrate


_NARROW = (
    "args = [np.asarray(a, np.complex64 if np.iscomplexobj(a) else np.float32)",
    "        if np.asarray(a).dtype.kind in \"fc\" else a for a in args]",
)  # fmt: skip


def _imprecise(call: _Call) -> Iterator[_Body]:
    wide = (
        "np.asarray(a, complex if np.iscomplexobj(a) else float) if np.asarray(a).dtype.kind in 'fc' else a"
    )
    if isinstance(call.out, (tuple, list)):
        return
    yield _Body(
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


def _moves(call: _Call) -> Iterator[_Body]:
    moved = "a + 1e-6 if np.asarray(a).dtype.kind in 'fc' else a"
    yield _Body((f"got = forward(*[{moved} for a in args]{call.tail})", "expected = out"), exact=True)


DEMONSTRATIONS: tuple[tuple[str, Demonstrate], ...] = (
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
