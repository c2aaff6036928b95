"""A function as a line or two of source that define it again: by its import, or by its own text."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np

_NUMPY = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}


def definition(name: str, function: Callable[..., Any]) -> list[str]:
    """Lines that define `name` as the function; a comment where its text cannot stand by itself."""
    own = str(getattr(function, "__name__", ""))
    for prefix, module in _NUMPY.items():
        if own.isidentifier() and getattr(module, own, None) is function:
            return [f"{name} = {prefix}.{own}"]
    module_name = str(getattr(function, "__module__", ""))
    if own.isidentifier() and _importable(module_name, own, function):
        return [
            f"from {module_name} import {own} as {name}"
            if own != name
            else f"from {module_name} import {own}"
        ]
    return _text(name, function) or [
        f"# {name} is your own function {getattr(function, '__qualname__', '')}".rstrip()
    ]


def _importable(module: str, own: str, function: Any) -> bool:
    """Whether a fresh interpreter finds the module, and in it the function."""
    if module in ("", "__main__", "builtins") or getattr(sys.modules.get(module), own, None) is not function:
        return False
    path, found, parts = None, None, module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        try:
            finders = (finder.find_spec(name, path) for finder in sys.meta_path)
            found = next((spec for spec in finders if spec is not None), None)
        except Exception:
            return False
        if found is None:
            return False
        path = found.submodule_search_locations
    # A test file may be loaded under a name by which nobody else can import it.
    return found is not None and found.origin == getattr(sys.modules[module], "__file__", None)


def _text(name: str, function: Any) -> list[str]:
    """The function's own source, where it uses NumPy and its arguments alone."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or not _stands_alone(function):
        return []
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return []
    for node in _candidates(tree, code):
        defaults = [value for value in (*node.args.defaults, *node.args.kw_defaults) if value is not None]
        if not all(isinstance(value, ast.Constant) for value in defaults):
            continue
        if isinstance(node, ast.Lambda):
            return [f"{name} = {ast.unparse(node)}"]
        return [*_bare(node, name).splitlines(), ""]
    return []


def _stands_alone(function: Any) -> bool:
    try:
        used = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return False
    return not used.nonlocals and all(key == "np" and value is np for key, value in used.globals.items())


def _candidates(tree: ast.AST, code: CodeType) -> Iterator[ast.Lambda | ast.FunctionDef]:
    """The places in a file where a function's code may come from: one, unless the file has changed."""
    places = set(code.co_positions())
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            body = node.body
            own = body.lineno, body.end_lineno, body.col_offset, body.end_col_offset
            placeless = not places - {(node.lineno, node.lineno, 0, 0)}
            if own in places or (placeless and _returns(code, node)):
                yield node
        elif (
            isinstance(node, ast.FunctionDef)
            and (node.name, node.lineno) == (code.co_name, code.co_firstlineno)
            and not node.decorator_list
        ):
            yield node


def _returns(code: CodeType, node: ast.Lambda) -> bool:
    """Whether code may be that of a lambda of a constant: Python 3.12 keeps no place of what it returns."""
    body, named = node.body, tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args))
    return (
        isinstance(body, ast.Constant)
        and (type(body.value), body.value) in {(type(value), value) for value in code.co_consts}
        and named == code.co_varnames[: code.co_argcount]
    )


def _bare(node: ast.FunctionDef, name: str) -> str:
    """A function's text under another name, without annotations and docstring."""
    node.name, node.returns = name, None
    parameters = node.args
    for argument in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs):
        argument.annotation = None
    for rest in (parameters.vararg, parameters.kwarg):
        if rest is not None:
            rest.annotation = None
    if ast.get_docstring(node) and len(node.body) > 1:
        node.body = node.body[1:]
    return ast.unparse(node)
