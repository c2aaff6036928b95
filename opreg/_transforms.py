"""The transformations of functions: vjp, jvp and what follows from them. Signatures follow JAX's."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias

from opreg._apart import Apart
from opreg._errors import NotDifferentiable
from opreg._space import SPACES, SPEC, Spec, require_spec, space_of, spec_of
from opreg._trace import (
    ARRAYS_OF_TRACED,
    ForwardTrace,
    Function,
    Node,
    ReverseTrace,
    Trace,
    Tracer,
    backward,
    strip,
    zeros_like,
)
from opreg._tree import Tree, flatten, named_children, unflatten


def called(fun: Function) -> str:
    return getattr(fun, "__name__", None) or type(fun).__name__


class _Arguments:
    """The differentiated arguments of one call: their leaves, which of them have derivatives, and their names."""

    def __init__(self, what: str, values: tuple[Any, ...], names: Sequence[Any]) -> None:
        self.what, self.values, self.names = what, values, names
        self.leaves, self.tree = flatten(values)
        self.specs = []
        for leaf in self.leaves:
            self.specs.append(SPEC[type(leaf)](leaf))
        if None in self.specs or not (
            self.tree.flat or all([c is None or c.size for c in self.tree.children])
        ):
            self._require_derivatives()

    @property
    def paths(self) -> list[str]:
        """The name of each leaf, for messages."""
        return [
            f"argument {self.names[int(p[1 : p.index(']')])]}{p[p.index(']') + 1 :]}"
            for p in self.tree.paths()
        ]

    def _require_derivatives(self) -> None:
        """Raise for an argument without a derivative: only beside others in a container it may ride along."""
        bare = [any(leaf is value for value in self.values) for leaf in self.leaves]
        for leaf, path, alone in zip(self.leaves, self.paths, bare, strict=True):
            if alone or not _may_be_static(leaf):
                require_spec(leaf, f"{path} of {self.what}")
        for value, name in zip(self.values, self.names, strict=True):
            if not flatten(value)[0]:
                raise NotDifferentiable(
                    f"argument {name} of {self.what} holds nothing to differentiate: it is {value!r}"
                )
        if self.leaves and all(spec is None for spec in self.specs):
            require_spec(self.leaves[0], f"{self.paths[0]} of {self.what}")

    def derivatives(self, keys: Sequence[int | None], found: Mapping[int, Any], given: Sequence[Any]) -> Any:
        """Arrange the cotangents as the arguments are: by the key of each leaf, zero if absent, ``None`` if static.

        They share no memory with each other, nor with what was ``given``.
        """
        results = []
        apart = Apart(given) if given or len(keys) > 1 else None
        for leaf, key in zip(self.leaves, keys, strict=True):
            c = None
            if key is not None:
                c = found[key] if key in found else zeros_like(leaf)
                plain = strip(leaf) if type(leaf) is Tracer else leaf
                c = SPACES[type(plain)].export(c, leaf)
                if apart is not None:
                    c = apart.own(c)
            results.append(c)
        return tuple(results) if self.tree.flat else unflatten(self.tree, results)


def _may_be_static(leaf: Any) -> bool:
    """Tell whether a leaf inside a container may ride along without a derivative."""
    plain = strip(leaf)
    return spec_of(plain) is None and (
        isinstance(plain, (str, bytes, int, bool)) or not hasattr(plain, "dtype")
    )


def vjp(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return ``(fun(*primals), pullback)``; the pullback takes a cotangent of the output to one per primal.

    With ``has_aux``, ``fun`` returns ``(output, auxiliary)`` and the result is ``(output, pullback, auxiliary)``.
    The pullback may be called any number of times. It returns a tuple with one entry per primal.

    >>> import numpy as np, opreg
    >>> out, pullback = opreg.vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> pullback(1.0)
    (5.0, 2.0)
    """
    out, pull, aux = _record(f"vjp of {called(fun)}", fun, primals, range(len(primals)), has_aux)
    return (out, pull, aux) if has_aux else (out, pull)


def _record(
    label: str, fun: Function, values: tuple[Any, ...], names: Sequence[Any], has_aux: bool
) -> tuple[Any, _Pullback, Any]:
    """Run ``fun`` on traced values and return its plain output, the pullback and the auxiliary output."""
    result, trace, arguments, keys = _run(label, fun, values, names)
    out, aux = _split_aux(result, label) if has_aux else (result, None)
    leaves, tree = flatten(out)
    nodes, plain = [], []
    for leaf in leaves:
        node, value = _outside(leaf, trace)
        nodes.append(node)
        plain.append(value)
    pull = _Pullback(label, arguments, keys, nodes, plain, tree)
    return unflatten(tree, plain), pull, _leave_all(aux, trace) if has_aux else None


def _run(
    label: str, fun: Function, values: tuple[Any, ...], names: Sequence[Any]
) -> tuple[Any, ReverseTrace, _Arguments, list[int | None]]:
    """Run ``fun`` on traced values and return its result, the trace, the arguments and the key of each leaf of them."""
    arguments = _Arguments(label, values, names)
    sources, keys = [], []
    trace = ReverseTrace(label)
    try:
        for leaf, spec in zip(arguments.leaves, arguments.specs, strict=True):
            source = leaf if spec is None else trace.leaf(leaf, spec)
            sources.append(source)
            keys.append(None if spec is None else source.record[0])
        if not arguments.tree.flat:
            sources = unflatten(arguments.tree, sources)
        return fun(*sources), trace, arguments, keys
    finally:
        trace.live = trace.recording = False


def _outside(leaf: Any, trace: Trace) -> tuple[Any, Any]:
    """Return the record of a result, ``None`` if it depends on no input of the trace, and its value outside of it.

    A value of a trace above that does not end, that of variables made inside, is taken as this trace sees it.
    """
    while type(leaf) is Tracer and leaf.tracing.live and leaf.tracing.level > trace.level:
        leaf = leaf.primal
    if type(leaf) is Tracer and leaf.tracing is trace:
        return leaf.record, leaf.primal
    if SPACES[type(leaf)].hides_traced(leaf):
        raise NotDifferentiable(
            f"the output of {trace.what} is an array of objects that holds traced values: their derivatives would be "
            f"lost. {ARRAYS_OF_TRACED}"
        )
    return None, leaf


def _split_aux(result: Any, label: str) -> tuple[Any, Any]:
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{label} with has_aux=True needs a function that returns a pair (output, auxiliary)")
    return result


def _leave(leaf: Any, trace: Any) -> Any:
    """Return a value as it is seen outside a trace."""
    return leaf.primal if type(leaf) is Tracer and leaf.tracing is trace else leaf


def _leave_all(value: Any, trace: Any) -> Any:
    leaves, tree = flatten(value)
    return unflatten(tree, [_leave(leaf, trace) for leaf in leaves])


class _Pullback:
    """The function that takes a cotangent of the output to one per argument."""

    def __init__(
        self, label: str, arguments: _Arguments, keys: list[int | None], nodes: list[Node | None], outs: list[Any],
        tree: Tree,
    ) -> None:  # fmt: skip
        self.label, self.arguments, self.keys = label, arguments, keys
        self.nodes, self.tree = nodes, tree
        self.spaces = []
        for out in outs:
            self.spaces.append((SPACES[type(strip(out))], SPEC[type(out)](out)))

    def __call__(self, cotangent: Any) -> Any:
        leaves, tree = flatten(cotangent)
        if not tree.matches(self.tree):
            tree = self.tree
            leaves = leaves_like(cotangent, self.tree, self.label)
        fitted = [self._fit(g, i, path) for i, (g, path) in enumerate(zip(leaves, tree.paths(), strict=True))]
        return self.send(fitted, given=leaves)

    def send(self, cotangents: Sequence[Any], release: bool = False, given: Sequence[Any] = ()) -> Any:
        """Run the backward pass. With ``release`` the tape is given up, and freed on the way.

        The result shares no memory with what was ``given``.
        """
        seeds = []
        for node, g in zip(self.nodes, cotangents, strict=True):
            if node is not None and g is not None:
                seeds.append((node, g))
        if release:
            self.nodes = []
        node = g = cotangents = None  # type: ignore[assignment]  # hold nothing of the tape
        return self.arguments.derivatives(self.keys, backward(seeds), given)

    def _fit(self, g: Any, position: int, path: str) -> Any:
        space, spec = self.spaces[position]
        if g is None or spec is None:
            return None
        fitted = space.cast(g, spec)
        if spec_of(fitted) != spec:
            raise ValueError(
                f"the pullback of {self.label} was given a cotangent in {spec_of(g)} for an output{path} in "
                f"{spec}: a cotangent has the shape and realness of the output"
            )
        return fitted


def leaves_like(value: Any, tree: Tree, label: str) -> list[Any]:
    """Return the leaves of a container in which ``None`` may stand for a zero, matched to ``tree``."""
    found: list[Any] = []
    _match(value, tree, label, found)
    return found


def _match(part: Any, shape: Tree | None, label: str, found: list[Any]) -> None:
    if shape is None or shape.kind == "leaf":
        found.append(part)
        return
    if part is None:
        found.extend([None] * shape.size)
        return
    parts = named_children(part)
    if parts is None or parts.keys() != set(shape.keys):
        raise ValueError(
            f"{label}: a {type(part).__name__}{list(parts or ())} was given where the structure is a "
            f"{getattr(shape.kind, '__name__', shape.kind)}{list(shape.keys)}"
        )
    for key, child_shape in zip(shape.keys, shape.children, strict=True):
        _match(parts[key], child_shape, label, found)


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Return ``(fun(*primals), tangent)``: forward mode. ``primals`` and ``tangents`` are sequences.

    A tangent that is ``None`` is zero. With ``has_aux`` the result is ``(output, tangent, auxiliary)``.

    >>> import opreg
    >>> opreg.jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 0.0))
    (10.0, 5.0)
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("jvp takes a tuple of primals and a tuple of tangents: jvp(f, (x,), (t,))")
    if len(primals) != len(tangents):
        raise TypeError(f"jvp was given {len(primals)} primals and {len(tangents)} tangents")
    label = f"jvp of {called(fun)}"
    arguments = _Arguments(label, tuple(primals), range(len(primals)))
    directions = leaves_like(tuple(tangents), arguments.tree, label)
    with ForwardTrace(label) as trace:
        sources = []
        for leaf, spec, t, path in zip(
            arguments.leaves, arguments.specs, directions, arguments.paths, strict=True
        ):
            if spec is None or t is None:
                sources.append(leaf)
                continue
            t = space_of(strip(leaf)).cast(t, spec)
            if spec_of(t) != spec:
                raise ValueError(
                    f"{label}: the tangent of {path} lies in {spec_of(t)}, its primal in {spec}: a tangent has "
                    "the shape and realness of its primal"
                )
            sources.append(Tracer(leaf, trace, t))
        result = fun(*unflatten(arguments.tree, sources))
        out, aux = _split_aux(result, label) if has_aux else (result, None)
    leaves, tree = flatten(out)
    pairs = [_outside(leaf, trace) for leaf in leaves]
    plain = [value for _, value in pairs]
    moved = [
        t if t is not None else None if spec_of(value) is None else zeros_like(value) for t, value in pairs
    ]
    apart = Apart(directions)
    moved = [
        None if t is None else apart.own(space_of(strip(p)).export(t, p))
        for t, p in zip(moved, plain, strict=True)
    ]
    result = unflatten(tree, plain), unflatten(tree, moved)
    return (*result, _leave_all(aux, trace)) if has_aux else result


# --------------------------------------------------------------------------------------------------- gradients
_IN_ORDER = tuple(range(64))
Argnums: TypeAlias = SupportsIndex | Sequence[SupportsIndex]


def _numbered(argnums: Argnums) -> tuple[tuple[int, ...], bool]:
    """Return the numbers of arguments, and whether one was given alone: any integer serves, a truth value does not."""
    try:
        return (_number(argnums),), True
    except TypeError:
        pass
    try:
        numbers = tuple(map(_number, argnums))  # type: ignore[arg-type]  # no number: then it is iterable, or wrong
    except TypeError:
        raise TypeError(f"argnums is the number of an argument or a tuple of them, not {argnums!r}") from None
    if not numbers:
        raise _not_each_once(numbers)
    return numbers, False


def _not_each_once(numbers: tuple[int, ...]) -> ValueError:
    return ValueError(f"argnums must name each argument once, and at least one; it is {numbers!r}")


def _number(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    return operator.index(value)


def _select(
    fun: Function, numbers: tuple[int, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[int, ...], Function, tuple[Any, ...]]:
    """Return the numbers of the arguments that are differentiated, ``fun`` as a function of these, and their values."""
    chosen = tuple([n + len(args) if n < 0 else n for n in numbers])
    for n in chosen:
        if not 0 <= n < len(args):
            raise TypeError(
                f"argnums names argument {n}, but {called(fun)} was called with {len(args)} positional"
            )
    if len(set(chosen)) != len(chosen):
        raise _not_each_once(numbers)

    @functools.wraps(fun, assigned=("__name__",), updated=())
    def reduced(*values: Any) -> Any:
        filled = list(args)
        for n, value in zip(chosen, values, strict=True):
            filled[n] = value
        return fun(*filled, **kwargs)

    return chosen, reduced, tuple([args[n] for n in chosen])


def value_and_grad(fun: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that computes ``(fun(...), gradient)`` in one pass.

    ``fun`` must return a real scalar. The gradient has the structure of the argument, or is a tuple if ``argnums``
    is one. With ``has_aux``, ``fun`` returns ``(value, auxiliary)``, and the result is
    ``((value, auxiliary), gradient)``.

    >>> import opreg
    >>> opreg.value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    label, (numbers, single) = f"grad of {called(fun)}", _numbered(argnums)

    @functools.wraps(fun, assigned=("__name__", "__doc__"), updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        chosen, reduced, values = numbers, fun, args
        if kwargs or numbers != _IN_ORDER[: len(args)]:  # not all there are
            chosen, reduced, values = _select(fun, numbers, args, kwargs)
        result, trace, arguments, keys = _run(label, reduced, values, chosen)
        if has_aux:
            result, aux = _split_aux(result, label)
            aux = _leave_all(aux, trace)
        if type(result) is Tracer and result.tracing is trace:
            node, value = result.record, result.primal
        else:
            node, value = _outside(result, trace)
        plain = strip(value) if type(value) is Tracer else value
        spec = SPEC[type(value)](value) if node is None else node[1]
        unit = None if spec is None else SPACES[type(plain)].unit(spec)
        if unit is None:
            raise _not_a_real_scalar(value, spec, label)
        seeds = [] if node is None else [(node, unit)]
        node = result = None  # hold nothing of the tape: it is freed on the way
        gradients = arguments.derivatives(keys, backward(seeds), ())
        gradient = gradients[0] if single else gradients
        return ((value, aux) if has_aux else value), gradient

    return differentiated


def _not_a_real_scalar(value: Any, spec: Spec | None, label: str) -> TypeError | NotDifferentiable:
    """Return the error for an output that has no cotangent by which the backward pass might begin."""
    plain = strip(value)
    if flatten(value)[1].kind != "leaf":
        return TypeError(
            f"{label} needs a scalar output, but the function returned a {type(value).__name__}. Use opreg.vjp "
            "or opreg.jacobian, or has_aux=True for a pair (value, auxiliary)"
        )
    if spec is None:
        return NotDifferentiable(f"the output of {label}: {space_of(plain).integer_advice(plain)}")
    shape = getattr(plain, "shape", ())
    kind = f"an array of shape {shape}" if shape else f"a {type(plain).__name__}, which is not real"
    return TypeError(
        f"{label} needs a real scalar output, but the function returned {kind}. Sum it, or use opreg.jacobian, "
        "opreg.elementwise_grad or opreg.vjp"
    )


def grad(fun: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that computes the gradient of ``fun`` with respect to the arguments ``argnums``.

    With ``has_aux`` the result is ``(gradient, auxiliary)``. Raises :class:`TypeError` if the output is not a real
    scalar or an argument is an integer.

    >>> import numpy as np, opreg
    >>> opreg.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    both = value_and_grad(fun, argnums, has_aux)

    @functools.wraps(fun, assigned=("__name__", "__doc__"), updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def elementwise_grad(fun: Function, argnums: Argnums = 0) -> Function:
    """Return the derivative of each output element with respect to its own input element: for elementwise ``fun``.

    It is the pullback of ones, so for another ``fun`` it is the gradient of the sum of the outputs.

    >>> import numpy as np, opreg
    >>> opreg.elementwise_grad(np.square)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    numbers, single = _numbered(argnums)

    @functools.wraps(fun, assigned=("__name__", "__doc__"), updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        chosen, reduced, values = _select(fun, numbers, args, kwargs)
        _out, pull, _ = _record(f"elementwise_grad of {called(fun)}", reduced, values, chosen, False)
        ones = [None if spec is None else space.ones(spec) for space, spec in pull.spaces]
        results = pull.send(ones, release=True)
        return results[0] if single else results

    return derivative


# --------------------------------------------------------------------------------------------------- Jacobians
def _jacobian(fun: Function, argnums: Argnums, has_aux: bool, forward: bool) -> Function:
    numbers, single = _numbered(argnums)

    @functools.wraps(fun, assigned=("__name__", "__doc__"), updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen, reduced, values = _select(fun, numbers, args, kwargs)
        blocks, tree, aux = (_columns if forward else _rows)(reduced, values, chosen, has_aux)
        result = _pick(blocks, tree, single)
        return (result, aux) if has_aux else result

    return jacobian


def _pick(blocks: list[Any], tree: Tree, single: bool) -> Any:
    """Take the only argument's block out of its tuple, in each leaf of the output's structure."""
    return unflatten(tree, [block[0] if single else block for block in blocks])


def _rows(
    fun: Function, values: tuple[Any, ...], numbers: Sequence[int], has_aux: bool
) -> tuple[list[Any], Tree, Any]:
    """Compute a Jacobian row by row, by pullbacks of the output's unit vectors, and the auxiliary output."""
    _, pull, aux = _record(f"jacrev of {called(fun)}", fun, values, numbers, has_aux)
    pairs = zip(pull.arguments.leaves, pull.arguments.specs, strict=True)
    real = [space_of(strip(leaf)).imaginary(spec) is None for leaf, spec in pairs if spec is not None]
    blocks = []
    for position, (space, spec) in enumerate(pull.spaces):
        if spec is None:
            blocks.append(tuple(None for _ in values))
            continue
        rows = []
        for direction in space.basis(spec):
            row = _row(pull, position, direction)
            i = space.imaginary(spec)
            if i is not None and any(real):  # a real argument's cotangent holds the real part alone
                other = _row(pull, position, direction * -i)
                row = [a + b * i if alone else a for a, b, alone in zip(row, other, real, strict=True)]
            rows.append(row)
        blocks.append(_arrange(rows, pull.arguments, space, spec, rows_first=True))
    return blocks, pull.tree, aux


def _row(pull: _Pullback, position: int, cotangent: Any) -> list[Any]:
    """Return the cotangents of all arguments for one of one output."""
    return flatten(pull.send([cotangent if i == position else None for i in range(len(pull.spaces))]))[0]


def _arrange(rows: list[list[Any]], arguments: _Arguments, space: Any, spec: Any, rows_first: bool) -> Any:
    """Assemble, for each argument leaf, the derivatives along every output coordinate."""
    results: list[Any] = []
    position = 0
    for leaf, leaf_spec in zip(arguments.leaves, arguments.specs, strict=True):
        if leaf_spec is None:
            results.append(None)
            continue
        column = [row[position] for row in rows]
        position += 1
        column_space = space_of(strip(column[0])) if column else space_of(strip(leaf))
        block = column_space.assemble(column, spec, leaf_spec, rows_first)
        results.append(space_of(strip(leaf)).export(block, leaf))
    return unflatten(arguments.tree, results)


def _columns(
    fun: Function, values: tuple[Any, ...], numbers: Sequence[int], has_aux: bool
) -> tuple[list[Any], Tree, Any]:
    """Compute a Jacobian column by column, by pushing the arguments' unit vectors, and the auxiliary output."""
    label = f"jacfwd of {called(fun)}"
    arguments = _Arguments(label, values, numbers)
    found: list[list[Any]] = []  # per argument leaf: the blocks of each output leaf
    tree: Tree | None = None
    out_leaves: list[Any] = []
    aux: Any = None
    for position, (leaf, spec) in enumerate(zip(arguments.leaves, arguments.specs, strict=True)):
        if spec is None:
            found.append([])
            continue
        space, columns = space_of(strip(leaf)), []
        for direction in space.basis(spec):
            column, out_leaves, tree, aux = _column(fun, arguments, position, direction, has_aux)
            i = space.imaginary(spec)
            real = [i is not None and spec_of(o) is not None and _is_real(o) for o in out_leaves]
            if any(real):  # a real function of z = x + iy has the derivative d/dx - i d/dy
                other, *_ = _column(fun, arguments, position, direction * i, has_aux)
                column = [a - b * i if alone else a for a, b, alone in zip(column, other, real, strict=True)]
            columns.append(column)
        if tree is None:  # an empty argument: the output's structure is still needed
            result = fun(*values)
            out, aux = _split_aux(result, label) if has_aux else (result, None)
            out_leaves, tree = flatten(out)
        found.append([
            None if spec_of(o) is None
            else space.export(space_of(strip(o)).assemble([c[k] for c in columns], spec, spec_of(o), False), leaf)
            for k, o in enumerate(out_leaves)
        ])  # fmt: skip
    assert tree is not None
    blocks = [
        unflatten(arguments.tree, [block[k] if block else None for block in found])
        for k in range(len(out_leaves))
    ]
    return blocks, tree, aux


def _is_real(value: Any) -> bool:
    plain = strip(value)
    return space_of(plain).imaginary(spec_of(plain)) is None


def _column(
    fun: Function, arguments: _Arguments, position: int, tangent: Any, has_aux: bool
) -> tuple[list[Any], list[Any], Tree, Any]:
    """Return the tangents of all outputs for one of one argument, the outputs, their structure and what is beside."""
    tangents = [tangent if i == position else None for i in range(len(arguments.leaves))]
    out, moved, *aux = jvp(fun, arguments.values, unflatten(arguments.tree, tangents), has_aux)
    leaves, tree = flatten(out)
    return leaves_like(moved, tree, "jacfwd"), leaves, tree, aux[0] if has_aux else None


def jacrev(fun: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that computes the Jacobian of ``fun`` by reverse mode: one pass per output element.

    The Jacobian has shape ``output.shape + argument.shape``; in containers, for each output leaf the structure of
    the arguments. For a holomorphic function it is the complex derivative; for a real function of ``x + iy`` it is
    ``d/dx - i d/dy``. With ``has_aux``, ``fun`` returns ``(output, auxiliary)`` and the result is
    ``(Jacobian, auxiliary)``.

    >>> import numpy as np, opreg
    >>> opreg.jacrev(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _jacobian(fun, argnums, has_aux, forward=False)


def jacfwd(fun: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that computes the Jacobian of ``fun`` by forward mode: one pass per input element.

    With ``has_aux``, ``fun`` returns ``(output, auxiliary)`` and the result is ``(Jacobian, auxiliary)``.

    >>> import numpy as np, opreg
    >>> opreg.jacfwd(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _jacobian(fun, argnums, has_aux, forward=True)


jacobian = jacrev


def hessian(fun: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the function that computes the Hessian of a scalar ``fun``: forward over reverse mode.

    With ``has_aux``, ``fun`` returns ``(value, auxiliary)`` and the result is ``(Hessian, auxiliary)``.

    >>> import numpy as np, opreg
    >>> opreg.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacfwd(grad(fun, argnums, has_aux), argnums, has_aux)


def hvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the product of the Hessian of a scalar ``fun`` with ``tangents``, without forming the Hessian.

    The result is a tuple like ``primals``, or a single derivative if there is one primal.

    >>> import numpy as np, opreg
    >>> opreg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    single = len(primals) == 1
    _, product = jvp(grad(fun, 0 if single else tuple(range(len(primals)))), primals, tangents)
    return product


def linearize(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return ``(fun(*primals), push)``: ``push(*tangents)`` is the JVP at ``primals``, without running ``fun`` again.

    With ``has_aux``, ``fun`` returns ``(output, auxiliary)`` and the result is ``(output, push, auxiliary)``. The
    pullback is linear in the cotangent; its own pullback is the pushforward.

    >>> import opreg
    >>> out, push = opreg.linearize(lambda x: x * x, 3.0)
    >>> out, push(1.0), push(2.0)
    (9.0, 6.0, 12.0)
    """
    out, pull, *aux = vjp(fun, *primals, has_aux=has_aux)
    return (out, _pushforward(out, pull, len(primals)), *aux)


def _pushforward(out: Any, pull: Function, count: int) -> Function:
    """Return the transpose of the pullback of ``count`` primals to ``out``."""
    leaves, tree = flatten(out)
    zeros = unflatten(
        tree,
        [None if spec_of(p) is None else space_of(strip(p)).export(zeros_like(p), p) for p in leaves],
    )
    if not any(spec_of(leaf) is not None for leaf in leaves):
        return lambda *tangents: zeros
    _, transposed = vjp(pull, zeros)

    def push(*tangents: Any) -> Any:
        if len(tangents) != count:
            raise TypeError(f"the linearised function takes {count} tangents, not {len(tangents)}")
        return transposed(tangents)[0]

    return push
