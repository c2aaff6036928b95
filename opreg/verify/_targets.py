"""What there is to execute of a primitive's rules: lines, and the two ways out of each condition, all numbered.

The numbers are the same in every process that has the same rules. What can only lead to an exception is left out: no
sample can be asked to go there.
"""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from opreg import plugins
from opreg._primitive import Primitive

_ENGINE = __name__.partition(".")[0]


class Line(NamedTuple):
    """A line of a rule."""

    code: CodeType
    number: int


class Way(NamedTuple):
    """One way out of a condition: where the condition stands in its file, and the truth that leads there."""

    code: CodeType
    span: tuple[int, int, int, int]
    truth: str
    towards: int
    """The line to which it leads."""

    @property
    def number(self) -> int:
        """The line of the condition."""
        return self.span[0]


@dataclass(eq=False)
class Region:
    """The code of a function, and the numbers of what there is to execute in it."""

    code: CodeType
    lines: dict[int, int] = field(default_factory=dict)
    """The target of each line."""
    line_at: dict[int, int] = field(default_factory=dict)
    """The target of the line that an instruction belongs to; that of the first comes first."""
    ways: dict[int, tuple[int, int | None, int | None]] = field(default_factory=dict)
    """For each conditional jump: where it jumps to, the target of jumping, the target of going on."""
    missing: set[int] = field(default_factory=set)
    escapes: bool = False
    """Whether it may be called by another function than those of its scope, to which it is handed."""

    def at(self, before: int, offset: int) -> tuple[int, ...]:
        """Return the targets that are reached when one instruction follows another."""
        here = self.line_at.get(offset)
        found = () if here is None else (here,)
        if before in self.ways:
            jump = self.way(before, offset)
            if jump is not None:
                return (*found, jump)
        return found

    def way(self, jump: int, destination: int) -> int | None:
        """Return the target of the way that a conditional jump took."""
        to, jumped, on = self.ways[jump]
        return jumped if destination == to else on


@dataclass(eq=False)
class Scope:
    """Everything of a primitive that there is to execute, numbered: the same in every process that has its rules."""

    regions: list[Region]
    targets: list[Line | Way]
    reach: dict[int, list[Region]]
    """The regions that a function of the rules may reach, by its identity."""

    @classmethod
    def of(cls, primitive: Primitive) -> Scope:
        """Read the code of the rules, of the functions within them, and of the helpers that are theirs alone."""
        roots = list(_roots(primitive))
        users = _users(tuple(plugins.siblings(primitive)))
        regions: dict[int, Region] = {}
        targets: list[Line | Way] = []
        reach: dict[int, list[Region]] = {}
        for root in roots:
            reach[id(root)] = []
            for function in _reached(root):
                if function not in roots and len(users.get(function, ())) > 1:
                    continue
                for code in _nested(function.__code__):
                    if id(code) not in regions:
                        regions[id(code)] = _region(code, targets)
                        regions[id(code)].escapes = _escapes(code, function, root)
                    reach[id(root)].append(regions[id(code)])
        return cls(list(regions.values()), targets, reach)


@functools.lru_cache(maxsize=16)
def _users(siblings: tuple[Primitive, ...]) -> dict[FunctionType, set[str]]:
    """Return which primitives of a plugin reach a function: a helper of several is nobody's own."""
    users: dict[FunctionType, set[str]] = {}
    for primitive in siblings:
        for root in _roots(primitive):
            for function in _reached(root):
                users.setdefault(function, set()).add(primitive.name)
    return users


def _roots(primitive: Primitive) -> Iterator[FunctionType]:
    """Yield the author's functions that are the rules of a primitive."""
    functions: list[Any] = [rule.function for rule in primitive.rules]
    if primitive.residual_from is not None:
        functions.append(primitive.residual_from)
    forward = getattr(primitive, "body", primitive.forward)
    if primitive.is_composite:
        functions.append(forward)
    packages = {_package(inspect.unwrap(one)) for one in (forward, *primitive.sample_generators)} - {_ENGINE}
    for function in functions:
        yield from (one for one in written(function) if _package(one) in packages)


def written(function: Any) -> Iterator[FunctionType]:
    """Yield the function that somebody wrote, from within what wraps it."""
    if isinstance(function, functools.partial):
        for part in (function.func, *function.args, *function.keywords.values()):
            yield from written(part)
        return
    inner = inspect.unwrap(function) if callable(function) else function
    if isinstance(inner, FunctionType):
        yield inner


def _package(function: Any) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _reached(root: FunctionType) -> list[FunctionType]:
    """Return a function and those that it calls: what it closes over, and helpers in its own file."""
    found: dict[int, FunctionType] = {}
    waiting = [root]
    while waiting:
        function = waiting.pop(0)
        if id(function) not in found:
            found[id(function)] = function
            waiting += _called(function)
    return list(found.values())


def _called(function: FunctionType) -> Iterator[FunctionType]:
    file = function.__code__.co_filename
    for name, value in _read_by(function):
        if name not in function.__code__.co_freevars:
            if isinstance(value, FunctionType) and value.__code__.co_filename == file:
                yield value
        else:
            yield from (one for one in written(value) if _package(one) == _package(function))


def _read_by(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the names, with their values, that a function closes over and that it reads of its module."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in _globals_of(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _escapes(code: CodeType, function: FunctionType, root: FunctionType) -> bool:
    """Tell whether code of a function that a rule reaches may be called from outside its scope."""
    if code is not function.__code__:
        return code.co_name not in ("<listcomp>", "<setcomp>", "<dictcomp>")
    if function is root:
        return False
    calls = [
        name in _only_called(reader.__code__)
        for reader in _reached(root)
        for name, value in _read_by(reader)
        if value is function
    ]
    return not calls or not all(calls)


@functools.lru_cache(maxsize=4096)
def _only_called(code: CodeType) -> frozenset[str]:
    """Return the names from outside that a function, or one within it, reads and at once calls.

    It is asked on Python 3.11 alone, whose byte code says what is called before it reads it.
    """
    called, handed = set(), set()
    for inner in _nested(code):
        before = ""
        for one in dis.get_instructions(inner):
            if one.opname in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE"):
                at_once = one.argrepr.startswith("NULL + ") or (
                    one.opname == "LOAD_DEREF" and before == "PUSH_NULL"
                )
                if at_once:
                    called.add(str(one.argval))
                elif one.opname != "LOAD_CLOSURE":  # that only passes it on to a function within
                    handed.add(str(one.argval))
            before = one.opname
    return frozenset(called - handed)


@functools.lru_cache(maxsize=4096)
def _globals_of(code: CodeType) -> tuple[str, ...]:
    """Return the names of the globals that a function and those within it read, in the order of the code."""
    names = [
        str(instruction.argval)
        for inner in _nested(code)
        for instruction in dis.get_instructions(inner)
        if instruction.opname == "LOAD_GLOBAL"
    ]
    return tuple(dict.fromkeys(names))


def _nested(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those that are written within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _region(code: CodeType, targets: list[Line | Way]) -> Region:
    """Number the lines and the ways out of conditions in a code object; what only leads to an error is left out."""
    region = Region(code)
    instructions = list(dis.get_instructions(code))
    start = next((i + 1 for i, one in enumerate(instructions) if one.opname == "RESUME"), 0)
    instructions = instructions[start:]
    doomed = _doomed(instructions)
    following = {one.offset: two.offset for one, two in pairwise(instructions)}
    numbers = {one.offset: one.positions.lineno for one in instructions if one.positions}
    ways: dict[tuple[Any, ...], int] = {}
    before: dis.Instruction | None = None
    prefix: list[int] = []
    for one in instructions:
        number = numbers.get(one.offset)
        if number is not None and one.offset not in doomed:
            if number not in region.lines:
                region.lines[number] = len(targets)
                targets.append(Line(code, number))
            region.line_at[one.offset] = region.lines[number]
        if one.opname == "EXTENDED_ARG":
            prefix.append(one.offset)
            continue
        if _is_condition(one) and one.offset in following:
            span = _span(one if "NONE" in one.opname or before is None else before, number)
            sides: list[int | None] = []
            for offset, truth in zip((one.argval, following[one.offset]), _truths(one.opname), strict=True):
                key = (*span, truth)
                if offset in doomed:
                    sides.append(None)
                    continue
                if key not in ways:
                    ways[key] = len(targets)
                    targets.append(Way(code, span, truth, numbers.get(offset) or span[0]))
                sides.append(ways[key])
            for offset in (*prefix, one.offset):
                region.ways[offset] = one.argval, sides[0], sides[1]
        prefix = []
        if one.opname not in ("TO_BOOL", "COPY", "NOT_TAKEN", "CACHE"):
            before = one
    sides_of = {side for _, *both in region.ways.values() for side in both if side is not None}
    region.missing = {*region.lines.values(), *sides_of}
    return region


def _is_condition(instruction: dis.Instruction) -> bool:
    return "JUMP" in instruction.opname and "IF_" in instruction.opname


def _truths(opname: str) -> tuple[str, str]:
    """Return what a condition is when its instruction jumps, and when it goes on."""
    if "NONE" in opname:
        return ("not None", "None") if "NOT_NONE" in opname else ("None", "not None")
    return ("true", "false") if "IF_TRUE" in opname else ("false", "true")


def _span(instruction: dis.Instruction, number: int | None) -> tuple[int, int, int, int]:
    """Return where an expression stands; by its instruction where the interpreter keeps no columns."""
    found = instruction.positions
    if found is None or None in (found.lineno, found.end_lineno, found.col_offset, found.end_col_offset):
        return (number or 0, number or 0, -1, instruction.offset)
    return (found.lineno, found.end_lineno, found.col_offset, found.end_col_offset)  # type: ignore[return-value]


def _doomed(instructions: Sequence[dis.Instruction]) -> set[int]:
    """Return the instructions after which nothing but an exception can come: samples cannot be asked to go there."""
    doomed: set[int] = set()
    backwards = list(reversed(list(zip(instructions, [*instructions[1:], None], strict=True))))
    changed = True
    while changed:
        changed = False
        for one, after in backwards:
            if one.offset in doomed:
                continue
            follow = [] if after is None else [after.offset]
            if one.opname in ("RAISE_VARARGS", "RERAISE"):
                follow = []
            elif one.opname.startswith("RETURN_"):
                continue
            elif one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
                conditional = _is_condition(one) or one.opname in ("FOR_ITER", "SEND")
                follow = [one.argval, *follow] if conditional else [one.argval]
            if all(offset in doomed for offset in follow):
                doomed.add(one.offset)
                changed = True
    return doomed
