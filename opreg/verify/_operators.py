"""The small changes that make a mutant of a rule: each replaces one node of the syntax tree of a function.

A change is a mistake that people make: a sign, a term or a factor left out, operands or axes exchanged, a conjugate, a
transposition or a sum forgotten, a keyword ignored, a constant that is nearly right.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.Lambda
Path: TypeAlias = tuple[str | int, ...]

SLIGHTLY = 1e-6
"""By how much a constant is changed, relative to itself: what a verifier should still see."""


@dataclass(frozen=True)
class Change:
    """One change: the function with it, the operator that makes it, and the text of the node before and after."""

    operator: str
    line: int
    before: str
    after: str
    function: FunctionNode


def changes(
    function: FunctionNode,
    *,
    result: str = "rule",
    static: Mapping[str, Any] | None = None,
    number: Callable[[str], bool] = lambda name: False,
) -> Iterator[Change]:
    """Yield the changes of a function, none twice and none that leaves it as it is.

    ``result`` says what it returns: a cotangent or tangent (``"rule"``), what a rule uses (``"helper"``), or the output
    with a residual (``"residual"``). ``static`` has the keyword parameters that it asks for, with their defaults;
    ``number(name)`` tells whether a global name stands for a floating point constant.
    """
    seen = {_key(function)}
    for operator, path, before, after, changed in _all(function, result, static or {}, number):
        key = _key(changed)
        if key not in seen:
            seen.add(key)
            line = getattr(_at(function, path), "lineno", function.lineno)
            yield Change(operator, line, before, after, changed)


def _all(
    function: FunctionNode, result: str, static: Mapping[str, Any], number: Callable[[str], bool]
) -> Iterator[tuple[str, Path, str, str, FunctionNode]]:
    for path, node, above in _nodes(function):
        for operator, new in _of_node(node, above, number):
            after = "(nothing)" if isinstance(new, ast.Pass) else _text(new)
            yield operator, path, _text(node), after, _with(function, path, new)
    for path, value in _results(function):
        if path and path[-1] == 0 and result == "residual":
            continue  # the output, which is not the rule's
        if result == "residual" and isinstance(value, ast.Call) and path[-1:] == ("value",):
            continue  # output and residual in one
        for operator, new in _of_result(value, result):
            yield operator, path, _text(value), _text(new), _with(function, path, new)
    for name, default in static.items():
        if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(function)):
            yield "keyword", (), name, f"its default {default!r}", _ignoring(function, name)


# -- walking ---------------------------------------------------------------------------------------------------------


def _nodes(function: FunctionNode) -> Iterator[tuple[Path, ast.AST, tuple[ast.AST, ...]]]:
    """Yield the nodes of a function's body that may be changed, each with its path and the nodes above it."""

    def walk(node: ast.AST, path: Path, above: tuple[ast.AST, ...]) -> Iterator[Any]:
        if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.withitem | ast.arguments):
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        yield path, node, above
        for name, value in ast.iter_fields(node):
            if name in ("decorator_list", "annotation", "returns"):
                continue
            if isinstance(value, ast.AST):
                yield from walk(value, (*path, name), (*above, node))
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from walk(item, (*path, name, i), (*above, node))

    if isinstance(function, ast.Lambda):
        yield from walk(function.body, ("body",), (function,))
    else:
        for i, statement in enumerate(function.body):
            yield from walk(statement, ("body", i), (function,))


def _results(function: FunctionNode) -> Iterator[tuple[Path, ast.expr]]:
    """Yield the expressions that a function may return, those of a tuple and of a conditional one by one."""

    def parts(value: ast.expr, path: Path) -> Iterator[tuple[Path, ast.expr]]:
        if isinstance(value, ast.IfExp):
            yield from parts(value.body, (*path, "body"))
            yield from parts(value.orelse, (*path, "orelse"))
        elif isinstance(value, ast.Tuple):
            for i, item in enumerate(value.elts):
                yield from parts(item, (*path, "elts", i))
        else:
            yield path, value

    if isinstance(function, ast.Lambda):
        yield from parts(function.body, ("body",))
        return
    for path, node, above in _nodes(function):
        nested = any(isinstance(n, ast.FunctionDef | ast.Lambda) for n in above[1:])
        if isinstance(node, ast.Return) and node.value is not None and not nested:
            yield from parts(node.value, (*path, "value"))


def _at(node: Any, path: Path) -> Any:
    for step in path:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def _with(function: FunctionNode, path: Path, new: ast.AST) -> FunctionNode:
    """Return a copy of a function with another node in one place."""
    changed = copy.deepcopy(function)
    parent, last = _at(changed, path[:-1]), path[-1]
    old = parent[last] if isinstance(last, int) else getattr(parent, last)
    new = ast.copy_location(copy.deepcopy(new), old)
    if isinstance(last, int):
        parent[last] = new
    else:
        setattr(parent, last, new)
    return ast.fix_missing_locations(changed)


def _ignoring(function: FunctionNode, name: str) -> FunctionNode:
    """Return a copy of a function that uses, for a parameter, the global ``DEFAULT`` + its name."""
    changed = copy.deepcopy(function)
    default = ast.Name(default_name(name), ast.Load())
    if isinstance(changed, ast.FunctionDef):
        changed.body.insert(0, ast.Assign([ast.Name(name, ast.Store())], default, lineno=changed.lineno))
    else:

        class Substitute(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.AST:
                return ast.copy_location(default, node) if node.id == name else node

        changed.body = Substitute().visit(changed.body)
    return ast.fix_missing_locations(changed)


def default_name(name: str) -> str:
    """Return the name of the global that holds a keyword's default in a mutant that ignores the keyword."""
    return f"__opreg_default_{name}"


def _text(node: ast.AST) -> str:
    """Return a node as one line of text; of a statement with a body, its head."""
    if isinstance(node, ast.If | ast.While):
        word = "if" if isinstance(node, ast.If) else "while"
        return f"{word} {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())


# -- what is the same ------------------------------------------------------------------------------------------------


def _key(function: FunctionNode) -> str:
    """Return a text that two functions share if they are equal by construction."""
    return ast.dump(_Normalise().visit(copy.deepcopy(function)))


class _Normalise(ast.NodeTransformer):
    """Minus signs go to the outside of products and cancel in pairs; what is times or over one is itself."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and _is_minus(node.operand):
            return node.operand.operand  # type: ignore[attr-defined, no-any-return]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div):
            minus = False
            if _is_minus(node.left):
                node.left, minus = node.left.operand, not minus  # type: ignore[attr-defined]
            if _is_minus(node.right):
                node.right, minus = node.right.operand, not minus  # type: ignore[attr-defined]
            bare: ast.expr = node
            if _is_one(node.right):
                bare = node.left
            elif _is_one(node.left) and isinstance(node.op, ast.Mult):
                bare = node.right
            return self.visit(ast.UnaryOp(ast.USub(), bare)) if minus else bare
        if isinstance(node.op, ast.Add | ast.Sub) and _is_minus(node.right):
            other: ast.operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            return ast.BinOp(node.left, other, node.right.operand)  # type: ignore[attr-defined]
        return node


def _is_minus(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 1


def _is_zero(node: ast.AST) -> bool:
    """Tell whether an expression is zero whatever its names stand for."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float, complex) and node.value == 0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_zero(node.left) or _is_zero(node.right)
    return isinstance(node, ast.Call) and callee(node) in ("zeros", "zeros_like")


def _same(a: ast.AST, b: ast.AST) -> bool:
    return ast.dump(a) == ast.dump(b)


# -- the operators ---------------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUESTIONS = _words(
    "shape ndim size len iscomplexobj isrealobj finfo iinfo result_type can_cast isinstance issubdtype "
    "type dtype range arange enumerate zip eye identity tri zeros ones empty full zeros_like ones_like "
    "empty_like full_like any all bool int float complex str list tuple sorted reversed set dict asarray "
    "asanyarray array ascontiguousarray copy stop_gradient normalize_axis_tuple normalize_axis_index "
    "broadcast_shapes slice vars getattr hasattr is_traced ix_ isfinite isnan isinf count_nonzero "
    "callable iter next id hash repr print max min divmod round"
)
"""Functions that ask something of their argument, convert it, or make an array: an argument cannot stand for their
result."""
_CONJUGATES = _words("conj conjugate")
_TRANSPOSES = _words("transpose swapaxes moveaxis matrix_transpose permute_dims T mT H")
_REDUCTIONS = _words("sum mean prod fit like restrict trace squeeze")
_METHODS = _words("sum mean prod conj conjugate transpose swapaxes reshape ravel squeeze astype cumsum")
"""Methods of arrays whose result may be mistaken for the array."""
_SHAPED = _words(
    "reshape broadcast_to transpose swapaxes moveaxis expand_dims squeeze take take_along_axis put_along_axis sum mean "
    "prod cumsum cumprod repeat tile roll flip diagonal concatenate stack split pad rot90 argsort sort partition "
    "reversed_along along spread expanded kept count scatter_add cross tensordot einsum astype fit like"
)
"""Functions whose further arguments are axes, shapes, indices or forms."""
_ORDERED = _words(
    "matmul dot solve subtract divide true_divide power float_power arctan2 less greater less_equal greater_equal "
    "copysign remainder mod fmod floor_divide outer vdot vecdot kron cross"
)
"""Functions of two operands of one kind, whose order matters."""
_COUNTERPARTS = {
    a: b
    for pair in (
        ("maximum", "minimum"), ("fmax", "fmin"), ("max", "min"), ("amax", "amin"), ("argmax", "argmin"),
        ("any", "all"), ("tril", "triu"), ("logical_and", "logical_or"), ("floor", "ceil"), ("zeros", "ones"),
        ("zeros_like", "ones_like"), ("real", "imag"),
    )
    for a, b in (pair, pair[::-1])
}  # fmt: skip
_FUNCTION_COMPARISONS = {
    "less": ("less_equal", "greater"),
    "less_equal": ("less", "greater_equal"),
    "greater": ("greater_equal", "less"),
    "greater_equal": ("greater", "less_equal"),
    "equal": ("not_equal",),
    "not_equal": ("equal",),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_HARMLESS = _words("strict copy optimize")
"""Keywords that change no value."""
_COUNTING = ("ndim", "rank", "size", "len", "shape", "axis", "axes", "length", "step", "count", "index")

Found: TypeAlias = Iterator[tuple[str, ast.AST]]


def callee(node: ast.Call) -> str:
    """Return the last name of what a call calls."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _of_node(node: ast.AST, above: Sequence[ast.AST], number: Callable[[str], bool]) -> Found:
    """Yield what may stand in the place of a node, each with the name of the operator."""
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.AugAssign):
        yield from _of_assignment(node)
    elif isinstance(node, ast.UnaryOp):
        yield from _of_unary(node, above)
    elif isinstance(node, ast.Constant):
        if not _is_minus(above[-1]):
            yield from _of_constant(node, node.value, above)
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and number(node.id):
            yield "constant", ast.BinOp(node, ast.Mult(), ast.Constant(1 + SLIGHTLY))
    elif isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.BoolOp):
        yield from _of_condition(node)
    elif isinstance(node, ast.IfExp):
        if not _same(node.body, node.orelse):
            yield "branches", ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.If):
        yield "branches", ast.If(_not(node.test), node.body, node.orelse)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr in ("T", "mT", "H"):
            yield "transpose", node.value
        elif node.attr in ("real", "imag") and not _is_of_numpy(node) and not _asks_dtype(above[-1]):
            yield "call", node.value


def _asks_dtype(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "dtype"


def _of_operation(node: ast.BinOp) -> Found:
    left, right, op = node.left, node.right, node.op
    if isinstance(op, ast.Add | ast.Sub):
        sequence = any(isinstance(side, ast.Tuple | ast.List | ast.ListComp) for side in (left, right))
        if not sequence:
            yield "sign", ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right)
        yield "term", left
        yield "term", ast.UnaryOp(ast.USub(), right) if isinstance(op, ast.Sub) else right
        if isinstance(op, ast.Sub) and not _same(left, right):
            yield "swap", ast.BinOp(right, op, left)
    elif isinstance(op, ast.Mult | ast.Div):
        if any(isinstance(side, ast.Tuple | ast.List) for side in (left, right)):
            return
        if not _is_one(right):  # a factor is left out, its sign is not
            yield "factor", ast.UnaryOp(ast.USub(), left) if _is_minus(right) else left
        if isinstance(op, ast.Mult) and not _is_one(left):
            yield "factor", ast.UnaryOp(ast.USub(), right) if _is_minus(left) else right
        yield "operation", ast.BinOp(left, ast.Div() if isinstance(op, ast.Mult) else ast.Mult(), right)
        if isinstance(op, ast.Div) and not _same(left, right):
            yield "swap", ast.BinOp(right, op, left)
    elif isinstance(op, ast.BitAnd | ast.BitOr):
        yield "condition", left
        yield "condition", right
        yield "condition", ast.BinOp(left, ast.BitOr() if isinstance(op, ast.BitAnd) else ast.BitAnd(), right)
    else:
        yield "factor", left
        if not _same(left, right):
            yield "swap", ast.BinOp(right, op, left)


def _of_assignment(node: ast.AugAssign) -> Found:
    other: dict[type[ast.operator], type[ast.operator]] = {
        ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    }  # fmt: skip
    yield "term", ast.Pass()
    if type(node.op) in other:
        yield "sign", ast.AugAssign(node.target, other[type(node.op)](), node.value)


def _of_unary(node: ast.UnaryOp, above: Sequence[ast.AST]) -> Found:
    if isinstance(node.op, ast.USub):
        yield "sign", node.operand
        value = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if type(value) in (int, float, complex):
            yield from _of_constant(node, -value, above)  # type: ignore[operator]
    elif isinstance(node.op, ast.Not | ast.Invert):
        yield "condition", node.operand


def _literal(value: Any) -> ast.expr:
    if type(value) in (int, float) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _nearly(value: Any) -> Any:
    """Return a number slightly off, with as many digits as that takes."""
    off = complex(value) * (1 + SLIGHTLY)
    real, imaginary = float(f"{off.real:.12g}"), float(f"{off.imag:.12g}")
    return complex(real, imaginary) if isinstance(value, complex) else real


def _of_constant(node: ast.AST, value: Any, above: Sequence[ast.AST]) -> Found:
    parent = above[-1]
    if type(value) is bool:
        identity = isinstance(parent, ast.Compare)  # such as "where is True": the comparison is turned round
        if not identity and not (isinstance(parent, ast.keyword) and parent.arg in _HARMLESS):
            yield "keyword" if isinstance(parent, ast.keyword) else "constant", ast.Constant(not value)
    elif type(value) is int:
        further = value - 1 if value < 0 else value + 1
        kind = _kind_of_integer(node, above)
        yield kind, _literal(further)
        product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div | ast.Pow)
        if kind == "constant" and product and value:
            yield kind, _literal(_nearly(value))
    elif type(value) in (float, complex):
        yield "constant", _literal(_nearly(value) if value else SLIGHTLY)


def _kind_of_integer(node: ast.AST, above: Sequence[ast.AST]) -> str:
    """Tell what an integer is, by its place: an axis, an index, or a number to calculate with."""
    child = node
    for parent in reversed(above):
        if isinstance(parent, ast.keyword):
            return "axis" if "ax" in (parent.arg or "") else "index"
        if isinstance(parent, ast.Subscript) and child is parent.slice:
            return "index"
        if isinstance(parent, ast.Call):
            return "axis" if callee(parent) in _SHAPED else "constant"
        if isinstance(parent, ast.BinOp):
            other = parent.right if child is parent.left else parent.left
            if any(_counts(part) for part in ast.walk(other)):
                return "index"
        elif not isinstance(parent, ast.Tuple | ast.List | ast.UnaryOp):
            return "constant"
        child = parent
    return "constant"


def _counts(node: ast.AST) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.startswith(_COUNTING)


def _of_comparison(node: ast.Compare) -> Found:
    for i, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            yield (
                "comparison",
                ast.Compare(node.left, [*node.ops[:i], other(), *node.ops[i + 1 :]], node.comparators),
            )


def _of_condition(node: ast.BoolOp) -> Found:
    for i in range(len(node.values)):
        rest = [*node.values[:i], *node.values[i + 1 :]]
        yield "condition", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    yield "condition", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _not(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _of_call(node: ast.Call) -> Found:
    name = callee(node)
    args = node.args
    if name in _FUNCTION_COMPARISONS:
        for other in _FUNCTION_COMPARISONS[name]:
            yield "comparison", _calling(node, other)
    if name in _COUNTERPARTS:
        yield "counterpart", _calling(node, _COUNTERPARTS[name])
    if name == "where" and len(args) == 3:
        if not _same(args[1], args[2]):
            yield "branches", ast.Call(node.func, [args[0], args[2], args[1]], node.keywords)
        yield "mask", args[1]
        yield "mask", args[2]
    elif name not in _QUESTIONS:
        yield from _dropped(node, name)
    if len(args) >= 2 and name not in _QUESTIONS | _SHAPED | {"where"}:
        alike = type(args[0]) is type(args[1]) and not isinstance(args[0], ast.Constant)
        known = name in _ORDERED or not _is_of_numpy(node.func)
        if known and (name in _ORDERED or alike) and not _same(args[0], args[1]):
            yield "swap", ast.Call(node.func, [args[1], args[0], *args[2:]], node.keywords)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None and keyword.arg not in _HARMLESS:
            yield "keyword", ast.Call(node.func, args, [*node.keywords[:i], *node.keywords[i + 1 :]])


def _dropped(node: ast.Call, name: str) -> Found:
    """Yield the argument in the place of a call, where it could be mistaken for its result."""
    kind = (
        "conjugate" if name in _CONJUGATES
        else "transpose" if name in _TRANSPOSES
        else "reduction" if name in _REDUCTIONS
        else "call"
    )  # fmt: skip
    is_method = isinstance(node.func, ast.Attribute) and not _is_of_numpy(node.func)
    if is_method and name in _METHODS:
        yield kind, node.func.value  # type: ignore[attr-defined]
    elif node.args and not isinstance(node.args[0], ast.Starred | ast.Constant | ast.Tuple | ast.List):
        if isinstance(node.args[0], ast.Lambda | ast.GeneratorExp | ast.ListComp):
            return
        yield kind, node.args[0]


def _is_of_numpy(function: ast.expr) -> bool:
    """Tell whether a function is looked up in a module, such as ``np`` or ``np.linalg``."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in ("np", "numpy", "scipy", "sp", "math", "special")


def _calling(node: ast.Call, other: str) -> ast.Call:
    function: ast.expr
    if isinstance(node.func, ast.Attribute):
        function = ast.Attribute(node.func.value, other, ast.Load())
    else:
        function = ast.Name(other, ast.Load())
    return ast.Call(function, node.args, node.keywords)


def _of_result(value: ast.expr, result: str) -> Found:
    """Yield a result with the wrong sign, and one that is nearly right."""
    if _is_zero(value) or not _may_be_number(value):
        return
    yield "sign", value.operand if _is_minus(value) else ast.UnaryOp(ast.USub(), value)  # type: ignore[attr-defined]
    if result == "rule":
        yield "scale", ast.BinOp(value, ast.Mult(), ast.Constant(1 + SLIGHTLY))


_LOGICAL = frozenset(_FUNCTION_COMPARISONS) | _words(
    "logical_and logical_or logical_not any all bool isinstance isfinite isnan isinf along tuple list str "
    "normalised kept count_nonzero iscomplexobj is_traced shape slice"
)


def _may_be_number(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float, complex)
    if isinstance(value, ast.Call):
        return callee(value) not in _LOGICAL
    if isinstance(value, ast.BinOp):
        return not isinstance(value.op, ast.BitAnd | ast.BitOr)
    if isinstance(value, ast.UnaryOp):
        return not isinstance(value.op, ast.Not | ast.Invert)
    return isinstance(value, ast.Name | ast.Attribute | ast.Subscript)
