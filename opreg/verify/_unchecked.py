"""What is left unchecked of a primitive after its cases, told with file and line, and what of it was waived."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from types import CodeType
from typing import Any

from opreg._primitive import Primitive
from opreg.verify._coverage import DTYPES, keywords
from opreg.verify._messages import Coverage
from opreg.verify._targets import Line, Scope, Way

Entry = dict[str, str]
SHOWN = 4
"""So many lines, branches or names are told in one sentence; the others are counted."""


@dataclass
class Unchecked:
    """What no case exercised: plain data, sorted, the same in every process."""

    lines: list[Entry] = field(default_factory=list)
    branches: list[Entry] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    waived: list[dict[str, Any]] = field(default_factory=list)
    not_measured: str = ""
    decides: bool = False
    """Whether it is held against the primitive: every check ran, on as many cases as a run has by default."""

    @property
    def count(self) -> int:
        """How many things are unchecked that an author should sample or waive."""
        return count_of(self.as_dict())

    @property
    def sentence(self) -> str:
        """What is unchecked, in a sentence; empty where nothing is."""
        return sentence_of(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return what ``report.json`` says of it."""
        return asdict(self)


def unchecked(primitive: Primitive, coverage: Coverage, decides: bool = False) -> Unchecked:
    """Return what is left unchecked of a primitive by the cases that exercised this much of it."""
    found = Unchecked(decides=decides)
    names = _names(primitive)
    waivers = _Waivers(primitive, {*names, *keywords(primitive), *DTYPES})
    found.not_measured = "; ".join(sorted(coverage.hindrances))
    if not coverage.hindrances:
        _of_code(Scope.of(primitive), coverage.targets, waivers, found)
    found.keywords = waivers.left(sorted(keywords(primitive).keys() - coverage.keywords))
    found.dtypes = waivers.left([name for name in DTYPES if name in coverage.accepted - coverage.dtypes])
    found.arguments = waivers.left([name for name in names if name not in coverage.arguments])
    found.waived = waivers.as_list()
    return found


def _names(primitive: Primitive) -> list[str]:
    """Return the arguments that have a derivative."""
    if primitive.is_composite:
        return []
    return [name for name in primitive.data if name not in primitive.reasons]


def _of_code(scope: Scope, executed: set[int], waivers: _Waivers, found: Unchecked) -> None:
    """Enter the lines and ways that were not executed; of a way that leads to such a line the line says enough."""
    idle = {target for number, target in enumerate(scope.targets) if number not in executed}
    evaluated = {(way.code, way.span) for way in scope.targets if isinstance(way, Way) and way not in idle}
    seen: set[tuple[str, ...]] = set()
    for target in (one for one in scope.targets if one in idle):
        where = f"{target.code.co_filename}:{target.number}"
        text = _line(target.code, target.number)
        condition = "" if isinstance(target, Line) else _condition(target)
        if isinstance(target, Line):
            entry, into = {"where": where, "text": text}, found.lines
        else:
            hides = Line(target.code, target.towards) in idle or Line(target.code, target.number) in idle
            if hides or (target.code, target.span) not in evaluated:
                continue
            entry = {"where": where, "text": text, "condition": condition, "never": target.truth}
            into = found.branches
        if tuple(entry.values()) in seen:  # a function that is made several times
            continue
        seen.add(tuple(entry.values()))
        if not waivers.cover(f"{where} {text}", target.code.co_name, text, condition):
            into.append(entry)


class _Waivers:
    """What the author left unchecked with a reason, and what each of these reasons covers in a run."""

    def __init__(self, primitive: Primitive, names: set[str]) -> None:
        self.reasons = primitive.unchecked
        self.names = names
        self.covered: dict[str, list[str]] = {what: [] for what in self.reasons}

    def left(self, names: list[str]) -> list[str]:
        """Return the names that are not waived."""
        for name in names:
            if name in self.reasons:
                self.covered[name].append(name)
        return [name for name in names if name not in self.reasons]

    def cover(self, label: str, function: str, *texts: str) -> bool:
        """Tell whether a piece of source is waived: a name of a keyword or an argument waives none."""
        for what in self.reasons:
            if what not in self.names and (what == function or any(what in text for text in texts)):
                self.covered[what].append(label)
                return True
        return False

    def as_list(self) -> list[dict[str, Any]]:
        return [
            {"what": what, "reason": reason, "covers": self.covered[what]}
            for what, reason in sorted(self.reasons.items())
        ]


def _line(code: CodeType, number: int) -> str:
    return linecache.getline(code.co_filename, number).strip()


def _condition(way: Way) -> str:
    """Return the source of a condition; its whole line where the interpreter does not know the columns."""
    first, last, start, end = way.span
    line = linecache.getline(way.code.co_filename, first).encode()
    if start < 0:
        return line.decode().strip()
    if first == last:
        return line[start:end].decode(errors="replace")
    return line[start:].decode(errors="replace").strip() + " ..."


def _spans(places: list[str]) -> list[str]:
    """Return places of lines that follow one another as one: ``rules.py:3-5``."""
    spans: list[tuple[str, int, int]] = []
    for name, number in sorted(
        (name, int(number)) for name, _, number in (p.rpartition(":") for p in places)
    ):
        if spans and spans[-1][0] == name and number <= spans[-1][2] + 1:
            spans[-1] = name, spans[-1][1], number
        else:
            spans.append((name, number, number))
    return [f"{name}:{first}" + (f"-{last}" if last > first else "") for name, first, last in spans]


def _few(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def count_of(found: Mapping[str, Any]) -> int:
    """Return how many things a report has as unchecked; a dtype that was not tried is no more than told."""
    return sum(len(found[key]) for key in ("lines", "branches", "keywords", "arguments"))


def sentence_of(found: Mapping[str, Any]) -> str:
    """Return what a report has as unchecked in a sentence; empty where that is nothing."""
    branches = [
        f"{entry['where']} on which {entry['condition']!r} is {entry['never']}" for entry in found["branches"]
    ]
    told = (
        ("no case executes", _spans([entry["where"] for entry in found["lines"]])),
        ("no case takes the branch at", branches),
        ("no sample gives the keyword", found["keywords"]),
        ("no sample asks for the derivative by", found["arguments"]),
    )
    return "; ".join(f"{words} {_few(names)}" for words, names in told if names)


def lines_of(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is unchecked, of a report or remembered, a line for each thing."""
    if found["not_measured"]:
        yield f"lines and branches were not measured: {found['not_measured']}"
    for entry in found["lines"]:
        yield f"never executed   {entry['where']}   {entry['text']}"
    for entry in found["branches"]:
        yield f"never {entry['never']:<11}{entry['where']}   {entry['condition']}"
    for words, key in (("keyword never sampled", "keywords"), ("argument never active", "arguments")):
        if found[key]:
            yield f"{words}: {', '.join(found[key])}"
    if found["dtypes"]:
        yield f"dtype never tried: {', '.join(found['dtypes'])}"
    for waiver in found["waived"]:
        covers = f"   ({len(waiver['covers'])})" if waiver["covers"] else "   (nothing in this run)"
        yield f"waived   {waiver['what']}: {waiver['reason']}{covers}"
