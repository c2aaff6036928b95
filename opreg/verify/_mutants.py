"""Mutants: copies of a primitive in which one small thing in one of its rules is wrong.

A rule is what its author wrote for it: the function that was declared, and the helpers of its module that it calls.
A helper is changed for one primitive at a time, in all of its rules that call it, as a mistake in it would be; the
forward function and other primitives keep the helper as it is. A function is changed in its syntax tree and compiled
again; it keeps its globals, closure, defaults and signature.
"""

from __future__ import annotations
import __future__

import ast
import copy
import dis
import functools
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from opreg import _elementwise
from opreg._primitive import Primitive, _rebuild
from opreg.verify._operators import SLIGHTLY, Change, FunctionNode, changes, default_name

_FUTURE = functools.reduce(
    lambda a, b: a | b, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


@dataclass(frozen=True)
class Mutant:
    """One small mistake in a rule of a primitive; it can be made again anywhere from its identifier.

    ``arguments`` are those whose rules have the mistake, ``("*",)`` for a joint rule; ``mode`` says in which modes, and
    ``residual`` stands for what a forward hands to the rules. ``before`` and ``after`` are the text of what changed.
    """

    identifier: str
    primitive: str
    arguments: tuple[str, ...]
    mode: str
    function: str
    operator: str
    file: str
    line: int
    before: str
    after: str
    build: Callable[[], Primitive] = field(compare=False, repr=False)

    @property
    def change(self) -> str:
        """What was changed, as text."""
        return f"{self.before} -> {self.after}"

    def as_dict(self) -> dict[str, Any]:
        """The mutant as plain values."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "build"}
        return {**found, "arguments": list(self.arguments)}


class Unreadable(NamedTuple):
    """A rule, or a helper of rules, that has no source to change, and why."""

    primitive: str
    arguments: tuple[str, ...]
    mode: str
    function: str
    reason: str


class Mutants(NamedTuple):
    """The mutants of a primitive, in the order of its rules, and what of its rules could not be read."""

    mutants: list[Mutant]
    unreadable: list[Unreadable]


class NoSource(Exception):
    """A function's source cannot be had; the message says why."""


def mutants_of(primitive: Primitive) -> Mutants:
    """Return every mutant of a primitive. A composite has no rules of its own, so it has none."""
    found: list[Mutant] = []
    unreadable: list[Unreadable] = []
    if primitive.is_composite:
        return Mutants(found, unreadable)
    rules = _Rules(primitive)
    taken: dict[str, int] = {}
    for target in rules.targets:
        try:
            made = list(_mutants_of_target(primitive, rules, target))
        except NoSource as error:
            name = _name(target.function)
            unreadable.append(Unreadable(primitive.name, target.arguments, target.mode, name, str(error)))
            continue
        for text, mutant in made:
            number = taken[text] = taken.get(text, -1) + 1
            digest = blake2b(f"{text}\x1f{number}".encode(), digest_size=4).hexdigest()
            found.append(
                Mutant(**{**mutant, "identifier": f"{primitive.name}:{mutant['operator']}:{digest}"})
            )
    return Mutants(found, unreadable)


# -- what there is to change -----------------------------------------------------------------------------------------


@dataclass
class _Target:
    """A function to be changed, and the rules for which it works."""

    function: Any
    keys: list[tuple[str, str]] = field(default_factory=list)
    declared: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(argument for _, argument in self.keys))

    @property
    def mode(self) -> str:
        modes = {mode for mode, _ in self.keys}
        return "+".join(mode for mode in ("vjp", "jvp", "residual") if mode in modes)

    @property
    def result(self) -> str:
        if not self.declared:
            return "helper"
        return "residual" if self.mode == "residual" else "rule"


class _Rules:
    """The rules of a primitive as declared, the functions that they are made of, and how to replace one of those."""

    def __init__(self, primitive: Primitive) -> None:
        self.primitive = primitive
        self.roots: dict[tuple[str, str], Any] = dict(primitive._rules)
        if primitive.residual_from is not None:
            self.roots["residual", "*"] = primitive.residual_from
        declared = [getattr(rule, "__wrapped__", rule) for rule in self.roots.values()]
        own = [primitive.__module__, *(_module(rule) for (mode, _), rule in self.roots.items() if mode != "residual"),
               *(_module(rule) for rule in declared[: len(primitive._rules)])]  # fmt: skip
        self.home = {name for name in own if name.split(".")[0] != "opreg"}
        self.targets = self._targets()

    def _targets(self) -> list[_Target]:
        """Return the functions of the home modules that rules are made of; else the rule itself, to be reported."""
        found: dict[int, _Target] = {}
        for key, root in self.roots.items():
            own = [f for f in self.reached(root) if f.__module__ in self.home]
            if not own and key[0] == "residual":
                continue  # a forward that shared machinery makes, such as one that keeps a shape
            author = getattr(root, "__wrapped__", root)
            for function in own or [root]:
                target = found.setdefault(id(function), _Target(function))
                target.keys.append(key)
                target.declared = target.declared or function in (root, author) or not own
        return list(found.values())

    def reached(self, root: Any) -> list[FunctionType]:
        """Return the functions that a rule calls, itself the first."""
        seen: dict[int, FunctionType] = {}
        waiting = list(_functions_in(root))
        while waiting:
            function = waiting.pop(0)
            if id(function) not in seen:
                seen[id(function)] = function
                waiting += self.called(function)
        return list(seen.values())

    def called(self, function: FunctionType) -> list[FunctionType]:
        """Return the functions that one refers to: in its closure and defaults and, if it is at home, its globals."""
        values: list[Any] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for cell in function.__closure__ or ():
            try:
                values.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
        found = [f for value in values for f in _functions_in(value)]
        if function.__module__ in self.home:
            for name in _global_names(function.__code__):
                helper = function.__globals__.get(name)
                if isinstance(helper, FunctionType) and helper.__module__ in self.home:
                    found.append(helper)
        return found

    def replace(self, target: FunctionType, code: CodeType, extra: dict[str, Any]) -> Primitive:
        """Return a copy of the primitive, not registered, whose rules have other code in one function."""
        rebuild = _Rebuild(self, target, code, extra)
        rules = {key: rebuild(root) for key, root in self.roots.items()}
        residual = rules.pop(("residual", "*"), self.primitive._with_residual)
        return _copy(self.primitive, rules, residual)


def _copy(primitive: Primitive, rules: dict[tuple[str, str], Any], residual: Any) -> Primitive:
    skipped = ("_cache", "recorders", "static")
    state = {name: value for name, value in primitive.__dict__.items() if name not in skipped}
    state.update(_rules=rules, _with_residual=residual)
    return _rebuild(type(primitive), state, dict(primitive.static))


class _Rebuild:
    """Copies functions so that those which lead to a target lead to its mutant."""

    def __init__(self, rules: _Rules, target: FunctionType, code: CodeType, extra: dict[str, Any]) -> None:
        self.rules, self.target, self.code, self.extra = rules, target, code, extra
        self.made: dict[int, FunctionType] = {}
        self.globals: dict[int, dict[str, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, functools.partial):
            args = tuple(self(arg) for arg in value.args)
            return functools.partial(
                self(value.func), *args, **{k: self(v) for k, v in value.keywords.items()}
            )
        if not isinstance(value, FunctionType) or not self._leads(value):
            return value
        return self.made[id(value)] if id(value) in self.made else self._function(value)

    def _leads(self, function: FunctionType) -> bool:
        return any(f is self.target for f in self.rules.reached(function))

    def _function(self, old: FunctionType) -> FunctionType:
        code = self.code if old is self.target else old.__code__
        cells = dict(zip(old.__code__.co_freevars, old.__closure__ or (), strict=True))
        closure = tuple(CellType() for _ in code.co_freevars)
        at_home = old.__module__ in self.rules.home
        namespace = self.globals.setdefault(id(old.__globals__), {}) if at_home else old.__globals__
        new = FunctionType(code, namespace, old.__name__, None, closure)
        self.made[id(old)] = new  # before what it refers to, which may refer to it
        for name, cell in zip(code.co_freevars, closure, strict=True):
            try:
                cell.cell_contents = self(cells[name].cell_contents)
            except ValueError:
                continue
        new.__defaults__ = tuple(self(v) for v in old.__defaults__) if old.__defaults__ else None
        new.__kwdefaults__ = (
            {k: self(v) for k, v in old.__kwdefaults__.items()} if old.__kwdefaults__ else None
        )
        new.__qualname__, new.__module__, new.__doc__ = old.__qualname__, old.__module__, old.__doc__
        new.__dict__.update({name: self(value) for name, value in old.__dict__.items()})
        if at_home and not namespace:
            namespace.update(old.__globals__)
            namespace.update(self.extra)
        if at_home:
            for name in _global_names(old.__code__):
                if isinstance(old.__globals__.get(name), FunctionType):
                    namespace[name] = self(old.__globals__[name])
        return new


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """Yield the functions that a value is: itself, or those of a partial application."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, functools.partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            yield from _functions_in(part)


def _global_names(code: CodeType) -> list[str]:
    """Return the global names that code uses, that of nested functions included."""
    names = [i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _global_names(constant)
    return list(dict.fromkeys(names))


def _module(function: Any) -> str:
    if isinstance(function, functools.partial):
        return _module(function.func)
    return getattr(function, "__module__", None) or "opreg"


def _name(function: Any) -> str:
    if isinstance(function, functools.partial):
        return _name(function.func)
    return getattr(function, "__qualname__", None) or type(function).__qualname__


# -- making the mutants of one function ------------------------------------------------------------------------------


def _mutants_of_target(
    primitive: Primitive, rules: _Rules, target: _Target
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each mutant of a function is, with a text that tells it from others unless they look the same."""
    if _module(target.function) == _elementwise.__name__:
        yield from _mutants_of_constant(primitive, rules, target)
        return
    function = target.function
    if not isinstance(function, FunctionType):
        raise NoSource(f"it is a {type(function).__name__}, not a function written in Python")
    file, node = source_of(function)
    asked = function.__code__.co_varnames[: function.__code__.co_argcount]
    static = {name: value for name, value in primitive.static.items() if name in asked and target.declared}
    extra = {default_name(name): value for name, value in static.items()}

    def number(name: str) -> bool:
        own = (*function.__code__.co_varnames, *function.__code__.co_freevars)
        return name not in own and type(function.__globals__.get(name)) in (float, complex)

    def build(change: Change) -> Callable[[], Primitive]:
        return lambda: rules.replace(function, _compiled(change.function, function), extra)

    for change in changes(node, result=target.result, static=static, number=number):
        what = _what(primitive, target, change.operator, file, change.line, change.before, change.after)
        yield _text(what), {**what, "build": build(change)}


def _mutants_of_constant(
    primitive: Primitive, rules: _Rules, target: _Target
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the mutants of a partial derivative that was declared as a number."""
    value = target.function(1)
    code = primitive.forward.__code__ if isinstance(primitive.forward, FunctionType) else None
    file, line = (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)

    def build(other: Any) -> Callable[[], Primitive]:
        replaced = {key: _elementwise._constant(other) for key in target.keys}
        roots = {key: rule for key, rule in rules.roots.items() if key[0] != "residual"}
        return lambda: _copy(primitive, {**roots, **replaced}, primitive._with_residual)

    for operator, other in (("sign", -value), ("constant", value * (1 + SLIGHTLY)), ("constant", value + 1)):
        if other != value:
            what = _what(primitive, target, operator, file, line, repr(value), repr(other))
            yield _text(what), {**what, "build": build(other)}


def _what(
    primitive: Primitive, target: _Target, operator: str, file: str, line: int, before: str, after: str
) -> dict[str, Any]:
    return {
        "primitive": primitive.name,
        "arguments": target.arguments,
        "mode": target.mode,
        "function": _name(target.function),
        "operator": operator,
        "file": file,
        "line": line,
        "before": before,
        "after": after,
    }


def _text(what: dict[str, Any]) -> str:
    """Return what an identifier depends on: neither on lines nor on where the package is installed."""
    kept = ("primitive", "arguments", "mode", "function", "operator", "before", "after")
    return "\x1f".join(str(what[name]) for name in kept)


# -- from a function to its syntax tree, and back --------------------------------------------------------------------


def source_of(function: FunctionType) -> tuple[str, FunctionNode]:
    """Return the file and the syntax tree of a function; raises :class:`NoSource` where they cannot be had."""
    code = function.__code__
    file = code.co_filename
    text = "".join(linecache.getlines(file, function.__globals__))
    if not text:
        raise NoSource(f"its source, {file}, cannot be read")
    try:
        nodes, codes = _functions_of(text, file)
    except SyntaxError:
        raise NoSource(f"its source, {file}, is not Python") from None
    here = nodes.get(code.co_firstlineno, []) if code in codes else []
    same = [node for node in here if _names_in(_compiled(node, function)) == _names_in(code)]
    if len(same) > 1:  # lambdas on one line: told apart by where they stand
        places = {place for place in code.co_positions() if None not in place}
        same = [n for n in same if isinstance(n, ast.Lambda) and _place(n.body) in places] or same
    if not same:
        raise NoSource(f"its source, {file}, line {code.co_firstlineno}, is not what was loaded")
    return file, same[0]


@lru_cache(maxsize=64)
def _functions_of(text: str, file: str) -> tuple[dict[int, list[FunctionNode]], frozenset[CodeType]]:
    """Return the functions of a module by the line on which their code begins, and the code of all of them."""
    tree = ast.parse(text)
    found: dict[int, list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            decorators = [d.lineno for d in getattr(node, "decorator_list", ())]
            found.setdefault(min([node.lineno, *decorators]), []).append(node)
    return found, frozenset(_codes_in(compile(tree, file, "exec", dont_inherit=True)))


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


def _place(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _names_in(code: CodeType) -> tuple[Any, ...]:
    """Return by which names code can be told from other code on its line."""
    return code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount


def _compiled(node: FunctionNode, function: FunctionType) -> CodeType:
    """Compile a function's syntax tree to code that has the free variables of the function."""
    node = copy.deepcopy(node)
    _bare(node)
    free = function.__code__.co_freevars
    body: list[ast.stmt] = [ast.Return(node) if isinstance(node, ast.Lambda) else node]
    if isinstance(node, ast.FunctionDef) and node.name not in free:
        body.insert(0, ast.Global([node.name]))  # as a function that calls itself knows itself
    parameters = ast.arguments([], [ast.arg(name) for name in free], None, [], [], None, [])
    outer = ast.copy_location(ast.FunctionDef("outer", parameters, body, []), node)
    if "type_params" in outer._fields:
        outer.type_params = []  # type: ignore[attr-defined, unused-ignore]
    module = ast.fix_missing_locations(ast.Module([outer], []))
    flags = function.__code__.co_flags & _FUTURE
    code = compile(module, function.__code__.co_filename, "exec", flags, dont_inherit=True)
    inner = next(c for c in code.co_consts if isinstance(c, CodeType))
    return next(c for c in inner.co_consts if isinstance(c, CodeType))


def _bare(node: FunctionNode) -> None:
    """Take from a function what is evaluated where it is defined: decorators, defaults, annotations."""
    arguments = node.args
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [d and ast.Constant(None) for d in arguments.kw_defaults]
    for part in (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ):
        if part is not None:
            part.annotation = None
    if isinstance(node, ast.FunctionDef):
        node.decorator_list, node.returns = [], None
