"""A failing call, and lines that show what is wrong with it: run before they are handed out."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from opreg.verify._coordinates import outputs, packed
from opreg.verify._literal import literal, written
from opreg.verify._rule import copies
from opreg.verify._source import definition
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding


@dataclass(frozen=True)
class Reproducer:
    """Lines that show a failure, and what they print."""

    code: str
    got: str
    expected: str


def _alternating(count: int) -> Any:
    return 1.5 - 3.0 * (np.arange(count) % 2)


@dataclass(frozen=True)
class Lines:
    """Lines that leave `got` and `expected`, and from which part of their size on these differ.

    `exact` prints all digits; `setup` are lines before the call; `raises` is for lines that end in an exception.
    """

    lines: tuple[str, ...]
    part: float = 0.0
    exact: bool = False
    setup: tuple[str, ...] = ()
    raises: bool = False


@dataclass(frozen=True)
class Failing:
    """The call that fails, as the lines see it. `i` is the argument that the finding tells of."""

    subject: Subject
    data: tuple[Any, ...]
    static: dict[str, Any]
    finding: Finding
    out: Any
    setup: tuple[str, ...]
    kwargs: bool

    @classmethod
    def of(
        cls, subject: Subject, data: Sequence[Any], static: Mapping[str, Any], finding: Finding
    ) -> Failing | None:
        args, kwargs = written(data, static)
        texts, keywords = literal(tuple(args)), {name: literal(value) for name, value in kwargs.items()}
        if texts is None or None in keywords.values():
            return None
        out = subject.forward(*copies(data), **static)
        inside = ", ".join(f"{name}={text}" for name, text in keywords.items())
        if args is not data:  # of a composite
            setup = [f"args, kwargs = p.canonical({texts}, dict({inside}))"]
        else:
            setup = [f"args = {texts}", *([f"kwargs = dict({inside})"] if inside else [])]
        return cls(
            subject, tuple(data), dict(static), finding, out, tuple(setup), bool(inside) or args is not data
        )

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
            yield packed(leaves, self.out)

    def run(self, g: Any, body: Lines) -> Reproducer | None:
        """The lines with one cotangent, if they show the failure when they are run."""
        cotangent = literal(g)
        if cotangent is None:
            return None
        setup = ["np.set_printoptions(precision=17)"] if body.exact else []
        setup += self.setup
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
            "p": opreg.plugins.get(subject.name) if subject.registered else None,
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
