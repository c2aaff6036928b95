"""The engine's heart: traced values, the two traces (reverse and forward), and the backward pass.

An operation with traced arguments goes to the trace of the highest level among them. That trace takes its own
tracers apart, computes on their primals (which may be tracers of lower levels: so derivatives nest) and records what
the rules will need. Nothing here knows an operation.

A node of the tape is a plain flat tuple, since one is made for every operation::

    (n, spec, origin, parent, rule, saved, parent, rule, saved, ...)

where n counts down: a parent's n is always larger than its child's,
so popping nodes from a heap visits them in reverse order of creation, which is a topological order: no recursion,
no search, and a chain of any length. A node holds no primal, only what its rules asked for by name; and since nodes
are held only by their children, the tape is freed as the backward pass consumes it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from heapq import heapify, heappop, heappush, heappushpop
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from opreg import plugins
from opreg._errors import EscapedTracer, NotDifferentiable
from opreg._signature import OfSeveral, for_joint
from opreg._space import (
    ADD,
    ADMITTED,
    INERT,
    SPACES,
    SPEC,
    TOKEN,
    Space,
    Spec,
    install,
    operators,
    space_of,
    spec_of,
)

if TYPE_CHECKING:
    from opreg._primitive import Primitive

Node: TypeAlias = tuple[Any, ...]
Function: TypeAlias = Callable[..., Any]

FUNCTIONS, UNARY = plugins.FUNCTIONS, plugins.UNARY
FIRST_EDGE = 3  # where a node's edges begin
CONSTANT = object()  # the origin of a leaf that is no input, and of what is computed of such leaves alone
_serial = count(
    -1, -1
).__next__  # downwards: one counter for nodes and levels: atomic, so threads never share a number


# --------------------------------------------------------------------------------------------- traced values
class Tracer:
    """A value being differentiated. It carries its primal and behaves as the primal would.

    Attributes other than those below, NumPy's protocols included, are answered by the primal's Space.
    """

    __slots__ = ("__weakref__", "gradient_", "primal", "record", "tracing", "view_of", "viewed_by")
    gradient_: Any
    view_of: Any
    viewed_by: Any
    __hash__ = None  # type: ignore[assignment]  # like an array's: == compares the values

    def __init__(self, primal: Any, trace: Trace, record: Any) -> None:
        self.primal = primal
        self.tracing = trace
        self.record = record
        self.view_of = self.viewed_by = None

    def __getattr__(self, name: str) -> Any:
        own = self.tracing.attributes.get(name)
        if own is not None:
            return own(self)
        return space_of(strip(self)).attribute(self, name)

    def __repr__(self) -> str:
        return f"{self.tracing.label}({self.primal!r})"

    def __bool__(self) -> bool:
        return bool(self.primal)

    def __len__(self) -> int:
        return len(self.primal)

    def __getitem__(self, index: Any) -> Any:
        primal = self.primal
        return _PICK[type(primal) if type(primal) is not Tracer else type(strip(primal))].entry(self, index)

    def __delitem__(self, index: Any) -> None:
        raise ValueError(
            f"cannot delete elements of a traced {type(strip(self)).__name__}: np.delete(x, index) returns the others"
        )

    def __contains__(self, value: Any) -> bool:
        return strip(value) in strip(self)  # a comparison: constant between its jumps

    def __iter__(self) -> Any:
        if not hasattr(strip(self), "__iter__") or not self.shape:
            raise TypeError("iteration over a traced scalar: it has no elements")
        return (self[index] for index in range(len(self.primal)))

    def __format__(self, spec: str) -> str:
        return format(self.primal, spec)

    def __float__(self) -> float:
        return float(fixed(self, "float", WRITTEN))

    def __int__(self) -> int:
        return int(fixed(self, "int"))

    def __complex__(self) -> complex:
        return complex(fixed(self, "complex", WRITTEN))

    def __round__(self, digits: int | None = None) -> Any:
        return round(strip(self), digits)  # constant between its jumps, as a comparison is

    def __index__(self) -> int:
        return operator.index(fixed(self, "an index"))

    def __copy__(self) -> Any:
        return space_of(strip(self)).attribute(self, "__copy__")()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise NotDifferentiable(_lost("bytes for another process or a file"))

    def __array_ufunc__(self, ufunc: Any, method: str, x: Any, *others: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not (others or kwargs) and self.tracing.recording:
            record = UNARY.get(ufunc)
            if record is not None:
                return record(self.tracing, ufunc, NONE, self)
        if (others or kwargs) and any(map(_foreign, (x, *others, *kwargs.get("out", ())))):
            return NotImplemented
        if method == "__call__" and not kwargs:
            primitive = plugins.for_function(ufunc)
            if primitive is not None:
                return self._apply(primitive, ufunc, (x, *others))
        return space_of(strip(self)).attribute(self, "__array_ufunc__")(ufunc, method, (x, *others), kwargs)

    def _apply(self, primitive: Primitive, ufunc: Any, inputs: tuple[Any, ...]) -> Any:
        """Apply the primitive of a ufunc; if it is one of a single argument, the next call takes the short way."""
        if not primitive.plain:
            return primitive(*inputs)
        if len(inputs) == 1 and primitive.recorders is not None:
            UNARY[ufunc] = primitive.recorders[1]
        return highest(inputs).process(primitive, inputs, NONE, ufunc)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if len(types) > 1 and any([kind is not Tracer and SPACES[kind] is INERT for kind in types]):
            return NotImplemented
        primitive = FUNCTIONS.get(function) or plugins.for_function(function)
        if primitive is None:
            return space_of(strip(self)).attribute(self, "__array_function__")(function, args, kwargs)
        out = primitive.entry(*args, **kwargs)
        return self.tracing.writable(out) if primitive.new else out


_PICK = operators("getitem")


def _foreign(value: Any) -> bool:
    """Tell whether an operand of a ufunc is of a type that answers for itself, and that no plugin knows."""
    kind = type(value)
    return kind is not Tracer and SPACES[kind] is INERT and hasattr(kind, "__array_ufunc__")


WRITTEN = "An array to write it into is np.zeros(shape, like=x)"
ARRAYS_OF_TRACED = (
    "An array of several traced values is np.stack([x, y]) or opreg.numpy.array([x, y]), and one to write them into "
    "np.zeros(shape, like=x)"
)
"""What to write in the place of an array of traced values, which there is not."""


def fixed(traced: Tracer, target: str, advice: str = "") -> Any:
    """Return the plain value of one that depends on no input: so that it may become what carries no derivative."""
    if is_constant(traced):
        return strip(traced)
    raise NotDifferentiable(f"{_lost(target)}{advice and '. '}{advice}")


def _lost(target: str) -> str:
    return (
        f"a traced value cannot become {target}: its derivative would be lost. Use the functions of NumPy, "
        "opreg.numpy or opreg.scipy on it, or opreg.stop_gradient(x) if the derivative is not wanted"
    )


def _operator(name: str, reflected: bool) -> Function:
    """Return the method for a binary operator: Python's calling convention for whichever primitive serves it."""
    compute, table, alone = getattr(operator, name), operators(name), 2 if reflected else 1

    def method(self: Tracer, other: Any) -> Any:
        trace, primal, mask = self.tracing, self.primal, alone
        if type(other) is Tracer:
            mask = 3
            if other.tracing is not trace:
                return highest((self, other)).process(
                    table[type(strip(primal))], (other, self) if reflected else (self, other), NONE, compute
                )
        elif SPACES[type(other)] is INERT:
            other = space_of(strip(self)).coerce(other)
            if other is NotImplemented:
                return NotImplemented
        primitive = table[type(primal) if type(primal) is not Tracer else type(strip(primal))]
        if trace.recording and primitive.recorders is not None:
            first, second = (other, self) if reflected else (self, other)
            return primitive.recorders[mask](trace, compute, NONE, first, second)
        return trace.process(primitive, (other, self) if reflected else (self, other), NONE, compute)

    return method


def _unary(name: str) -> Function:
    compute, table = getattr(operator, name), operators(name)

    def method(self: Tracer) -> Any:
        return self.tracing.process(table[type(strip(self))], (self,), NONE, compute)

    return method


def _comparison(name: str) -> Function:
    """Return the method for a comparison. It is constant between the jumps of its result, hence never traced."""
    compute = getattr(operator, name)
    return lambda self, other: compute(strip(self), strip(other))


NONE: dict[str, Any] = {}  # shared, never written

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
for _name in BINARY:
    setattr(Tracer, f"__{_name}__", _operator(_name, reflected=False))
    setattr(Tracer, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(Tracer, f"__{_name}__", _comparison(_name))
setattr(Tracer, "__divmod__", lambda self, other: (self // other, self % other))  # noqa: B010  (mypy: no method)
setattr(Tracer, "__rdivmod__", lambda self, other: (other // self, other % self))  # noqa: B010
for _name in ("neg", "pos", "abs"):
    setattr(Tracer, f"__{_name}__", _unary(_name))


def strip(value: Any) -> Any:
    """Return the plain value below every level of tracing."""
    while type(value) is Tracer:
        value = value.primal
    return value


def is_constant(value: Any) -> bool:
    """Tell whether a value certainly has the derivative zero at every level of tracing."""
    while type(value) is Tracer:
        if not value.tracing.knows_constant(value):
            return False
        value = value.primal
    return True


class _TracerSpace(Space):
    """A traced value lies in the space of its primal, and so do the sums and zeros made of it."""

    def spec(self, value: Any) -> Spec | None:
        return spec_of(value.primal)

    def add(self, a: Any, b: Any) -> Any:
        return space_of(strip(a)).add(a, b)

    def assemble(self, rows: Sequence[Any], shape_of: Any, row_of: Any, rows_first: bool) -> Any:
        return space_of(strip(rows[0])).assemble(rows, shape_of, row_of, rows_first)

    def restrict(self, cotangent: Any, spec: Any) -> Any:
        return space_of(strip(cotangent)).restrict(cotangent, spec)

    def promote(self, tangent: Any, spec: Any) -> Any:
        return space_of(strip(tangent)).promote(tangent, spec)

    def cast(self, value: Any, spec: Any) -> Any:
        return space_of(strip(value)).cast(value, spec)

    def owner(self, value: Any) -> Any:
        return value if space_of(strip(value)).owner(strip(value)) is not None else None

    def zeros(self, spec: Any) -> Any:
        raise AssertionError("zeros are made by the space of a plain value")

    def integer_advice(self, value: Any) -> str:
        return space_of(strip(value)).integer_advice(strip(value))


install(Tracer, _TracerSpace())


def highest(values: Iterable[Any]) -> Any:
    """Return the trace of the highest level among some values, ``None`` if none of them is traced."""
    top = None
    for value in values:
        if type(value) is Tracer and (top is None or value.tracing.level > top.level):
            top = value.tracing
    return top


def zeros_like(value: Any) -> Any:
    """Return the plain zero of the space in which a value, traced or not, lies."""
    plain = strip(value)
    return space_of(plain).zeros(spec_of(plain))


def add(a: Any, b: Any) -> Any:
    """Return the sum of two values of one space, traced if either is."""
    return ADD[type(a)](a, b)


# ------------------------------------------------------------------------------------------- several at once
class Parts(dict[int, Any]):
    """Cotangents of several values that one rule produces or consumes together: position -> cotangent.

    It is the vector space of the outputs of a primitive that returns a tuple, and of the arguments of a joint rule;
    what is absent is zero. So both are ordinary nodes of the tape.
    """

    __slots__ = ()

    @staticmethod
    def single(g: Any, position: int) -> Parts:
        return Parts({position: g})

    def filled(self, like: Sequence[Any]) -> tuple[Any, ...]:
        """Return the parts as a tuple, zeros in their places. ``like``: (space, spec) by position."""
        return tuple(
            self[i] if i in self else None if spec is None else space.zeros(spec)
            for i, (space, spec) in enumerate(like)
        )


class _PartsSpace(Space):
    def spec(self, value: Any) -> Spec | None:
        return Parts

    def add(self, a: Any, b: Any) -> Any:
        total = Parts(a)
        for position, g in b.items():
            total[position] = add(total[position], g) if position in total else g
        return total


install(Parts, _PartsSpace())


def _part(g: Parts, position: int) -> Any:
    return g[position]


def call_filled(rule: Function, like: Sequence[Any], g: Parts, saved: Any) -> Any:
    """Call a rule of a primitive with several outputs: its ``g`` is a tuple without gaps."""
    return rule(g.filled(like), saved)


def call_joint(rule: Function, primitive: Primitive, needed: Sequence[int], g: Any, saved: Any) -> Parts:
    """Call a joint rule, which returns one cotangent per argument, and keep those that are needed."""
    return Parts(zip(needed, primitive.joint_results(rule, rule(g, saved), needed), strict=True))


# ---------------------------------------------------------------------------------------------------- traces
def admit(value: Any) -> None:
    """Raise for an operand beside traced ones if its space refuses it; else its type is admitted, unless a sequence."""
    spec_of(value)
    if not isinstance(value, Sequence):
        ADMITTED.add(type(value))


def _admitted(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments as the rules take them, of which some are sequences; raise for one that its space refuses."""
    for value in args:
        if type(value) not in ADMITTED:
            return tuple([value if type(value) in ADMITTED else _coerced(value, args) for value in args])
    return args


def _coerced(value: Any, args: Sequence[Any]) -> Any:
    """Return a sequence beside traced arguments as a value of their space, with which rules can compute."""
    admit(value)
    if not isinstance(value, Sequence):
        return value
    found = space_of(next(strip(a) for a in args if type(a) is Tracer)).coerce(value)
    return value if found is NotImplemented else found


def _constant(primitive: Primitive, out: Any) -> Any:
    """Return a result that has no derivative, or several; raise if one may hide a derivative."""
    for part in out if isinstance(out, tuple) else (out,):
        space_of(part).require_constant(part, f"the result of {primitive.name}")
    return out


def _outputs(out: Any, parts: Sequence[Any]) -> Any:
    """Return the parts of several outputs as the tuple, or the named one, that a primitive returned."""
    return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)


class Trace:
    """One differentiation in progress. Its level says whose turn it is: traces begun later are inside."""

    __slots__ = ("__weakref__", "level", "live", "recording", "what")
    label = "Traced"
    records = False  # whether it is of the kind that records a tape
    attributes: ClassVar[dict[str, Function]] = {}  # what this kind of trace adds to its tracers

    def __init__(self, what: str = "") -> None:
        self.level = -_serial()
        self.live = True
        self.recording = self.records  # while it is live: then its tracers may take the short way
        self.what = what

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.live = self.recording = False

    def process(
        self,
        primitive: Primitive,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        compute: Function | None = None,
    ) -> Any:
        """Apply a primitive to arguments of which some are this trace's tracers.

        ``compute`` stands in for the primitive on the levels below: Python's operator, or NumPy's function.
        """
        raise NotImplementedError

    def constant(self, value: Any) -> Tracer:
        """Return a plain value as one of this trace's, with the derivative zero."""
        raise NotImplementedError

    def knows_constant(self, traced: Tracer) -> bool:
        """Tell whether one of this trace's values certainly has the derivative zero: it depends on no input."""
        raise NotImplementedError

    def constants(self, out: Any) -> Any:
        """Return what was computed of nothing but constants, one value or several."""
        if not isinstance(out, tuple):
            return self.constant(out)
        parts = [part if spec_of(part) is None else self.constant(part) for part in out]
        return _outputs(out, parts)

    def writable(self, value: Any) -> Any:
        """Return a new value as one into which traced ones can be written: so it is traced, if it has a derivative."""
        return value if type(value) is Tracer or spec_of(value) is None else self.constant(value)

    def why_fixed(self, traced: Tracer) -> str | None:
        """Return why one of this trace's values may not be written into, if so."""
        return None

    def below(self, value: Any) -> Any:
        """Return an argument as the levels below see it."""
        return value.primal if type(value) is Tracer and value.tracing is self else value

    def outlived(self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Apply a primitive to tracers of this trace, which has ended: constants serve as plain values from then on."""
        own = [a for a in args if type(a) is Tracer and a.tracing is self]
        culprit = next((a for a in own if not self.knows_constant(a)), None)
        if culprit is None:
            return primitive.bind(*map(self.below, args), **kwargs)
        raise EscapedTracer(
            f"{primitive.name} was applied to {culprit!r}, a traced value that escaped from {self.what or 'a trace'}, "
            "which has ended. Return the value from the differentiated function (has_aux=True gives it back beside "
            "the derivative), or store opreg.stop_gradient(value)"
        )


class ReverseTrace(Trace):
    """Records the tape on which a backward pass runs."""

    __slots__ = ()
    records = True

    def leaf(self, primal: Any, spec: Spec, origin: Any = None) -> Tracer:
        """Return an input: a tracer whose node has no parents."""
        tracer: Tracer = object.__new__(Tracer)  # without the call of __init__, which takes as long again
        tracer.primal = primal
        tracer.tracing = self
        tracer.record = (_serial(), spec, origin)
        tracer.view_of = tracer.viewed_by = None
        return tracer

    def constant(self, value: Any) -> Tracer:
        return self.leaf(value, spec_of(value), CONSTANT)

    def knows_constant(self, traced: Tracer) -> bool:
        return traced.record[2] is CONSTANT

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Function | None = None
    ) -> Any:  # fmt: skip
        if not self.live:
            return self.outlived(primitive, args, kwargs)
        if primitive.recorders is not None:
            mask, bit, plain, known = 0, 1, True, True
            for value in args:
                if type(value) is Tracer:
                    if value.tracing is self:
                        mask |= bit
                        value = value.primal
                    plain = plain and type(value) is not Tracer
                elif type(value) not in ADMITTED:
                    known = False
                bit <<= 1
            if not known:
                args = _admitted(args)
            if compute is None:
                compute = primitive.forward if plain else primitive.bind
            return primitive.recorders[mask](self, compute, kwargs, *args)
        args = _admitted(args)
        primals = tuple([self.below(a) for a in args])
        out, residual = primitive.run(compute or primitive.bind, primals, kwargs)
        return self.settle(primitive, args, primals, kwargs, out, residual)

    def settle(
        self, primitive: Primitive, args: Sequence[Any], primals: Sequence[Any], kwargs: dict[str, Any], out: Any,
        residual: Any,
    ) -> Any:  # fmt: skip
        """Record an application in the general way: variadic data, several outputs."""
        several = isinstance(out, tuple)
        entries = primitive.entries("vjp", len(args))
        needed = [
            i for i, (a, entry) in enumerate(zip(args, entries, strict=True))
            if type(a) is Tracer and a.tracing is self and entry is not None
        ]  # fmt: skip
        if not needed:
            return out
        if not several and spec_of(out) is None:
            return _constant(primitive, out)
        if all(args[i].record[2] is CONSTANT for i in needed):
            return self.constants(out)
        environment = primitive.environment(out, residual, primals, kwargs)
        like = [(space_of(strip(part)), spec_of(part)) for part in out] if several else []

        def prepared(rule: Function) -> Function:
            return partial(call_filled, rule, like) if several else rule

        joint = primitive.joint("vjp")
        if joint is not None:
            rule, pick = joint
            shared = [field for i in needed for field in (args[i].record, _part, i)]
            node = (_serial(), Parts, primitive, *shared)
            saved = pick(for_joint(environment, needed, len(args)))
            edges = [node, partial(call_joint, prepared(rule), primitive, needed), saved]
        else:
            edges = []
            for i in needed:
                rule, pick = entries[i]  # type: ignore[misc]  # needed: it has an entry
                edges += [args[i].record, prepared(rule), pick((*environment, i))]
        if not several:
            return Tracer(out, self, (_serial(), spec_of(out), primitive, *edges))
        bundle = (_serial(), Parts, primitive, *edges)
        outputs = [
            part if spec is None
            else Tracer(part, self, (_serial(), spec, primitive, bundle, Parts.single, i))
            for i, (part, (_, spec)) in enumerate(zip(out, like, strict=True))
        ]  # fmt: skip
        return _outputs(out, outputs)


class ForwardTrace(Trace):
    """Carries tangents along with primals. A tracer's record is its tangent."""

    __slots__ = ()

    def constant(self, value: Any) -> Tracer:
        return Tracer(value, self, None)  # no tangent: zero times the derivative may be NaN

    def knows_constant(self, traced: Tracer) -> bool:
        return traced.record is None

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Function | None = None
    ) -> Any:  # fmt: skip
        if not self.live:
            return self.outlived(primitive, args, kwargs)
        args = _admitted(args)
        primals = [self.below(a) for a in args]
        tangents = [a.record if type(a) is Tracer and a.tracing is self else None for a in args]
        out, residual = primitive.run(compute or primitive.bind, primals, kwargs)
        several = isinstance(out, tuple)
        specs = [spec_of(part) for part in out] if several else [spec_of(out)]
        if all(spec is None for spec in specs):
            return _constant(primitive, out) if any([t is not None for t in tangents]) else out
        environment = primitive.environment(out, residual, primals, kwargs)
        total = primitive.push(environment, primals, tangents)
        if total is None:
            return out if any([t is not None for t in tangents]) else self.constants(out)
        if not several:
            return Tracer(out, self, primitive.fit_tangent(total, specs[0]))
        outputs = [
            part if spec is None or t is None else Tracer(part, self, primitive.fit_tangent(t, spec))
            for part, spec, t in zip(out, specs, total, strict=True)
        ]
        return _outputs(out, outputs)


def call(rule: Function, g: Any, saved: Any) -> Any:
    """Call a rule with a cotangent or a tangent and what it asks for beside it, one value or a tuple.

    Python's numbers refuse to be divided by zero. Where they did, the rule is given them as scalars of a library, whose
    quotients are infinite or NaN, as those of arrays are.
    """
    try:
        return rule(g, saved)
    except ZeroDivisionError:
        return rule(_as_scalars(g), _as_scalars(saved))


def _as_scalars(value: Any) -> Any:
    if type(value) is tuple:
        return tuple([_as_scalars(part) for part in value])
    number = strip(value)
    if type(number) not in (float, complex):
        return value
    space, spec = space_of(number), spec_of(number)
    return space.cast(number, spec) if number is value else value * space.ones(spec)


# --------------------------------------------------------------------------------------------- backward pass
def backward(
    seeds: list[tuple[Node, Any]], wanted: Iterable[int] = (), active: set[int] | None = None
) -> dict[int, Any]:
    """Send cotangents from outputs to inputs and return the cotangent of each leaf, and of each node in ``wanted``.

    ``seeds`` is emptied, so that a tape that nobody else holds is freed on the way. With ``active``, only nodes in
    that set are visited.
    """
    cotangents: dict[int, Any] = {}
    found: dict[int, Any] = {}
    pending: list[Node] = []
    if wanted:
        wanted = frozenset(wanted)
    while seeds:
        root, g = seeds.pop()
        if root[0] in cotangents:
            g = add(cotangents[root[0]], g)
        else:
            pending.append(root)
        cotangents[root[0]] = g
        del root, g
    if len(pending) > 1:
        heapify(pending)
    node: Any = heappop(pending) if pending else None
    while node is not None:
        key, size, at = node[0], len(node), FIRST_EDGE
        g = cotangents.pop(key)
        if size == at or (wanted and key in wanted):
            found[key] = g
        following: Any = None  # a parent met for the first time: in a chain, the next node
        while at < size:
            parent = node[at]
            key = parent[0]
            if parent[2] is not CONSTANT if active is None else key in active:
                rule, saved = node[at + 1], node[at + 2]
                try:  # as call() does
                    c = rule.__wrapped__(g, *saved) if type(rule) is OfSeveral else rule(g, saved)
                except ZeroDivisionError:
                    c = rule(_as_scalars(g), _as_scalars(saved))
                if TOKEN[type(c)](c) != parent[1]:
                    c = node[2].fit_cotangent(c, parent[1], rule)
                if key in cotangents:
                    cotangents[key] = ADD[type(c)](cotangents[key], c)
                else:
                    cotangents[key] = c
                    if following is not None:
                        heappush(pending, following)
                    following = parent
            at += 3
        node = parent = g = c = saved = None  # hold nothing while the next rule runs
        if following is not None:
            node = heappushpop(pending, following) if pending else following
        elif pending:
            node = heappop(pending)
    return found


def parents(node: Node) -> Sequence[Node]:
    """Return the nodes from which a node was computed."""
    return node[FIRST_EDGE::3]


def ancestors(root: Node, oldest: int = 0) -> list[Node]:
    """Return the nodes from which ``root`` was computed, and itself, in the order of computation.

    Nodes older than the one whose key is ``oldest`` are not looked at.
    """
    seen = {root[0]: root}
    pending = [root]
    while pending:
        for parent in parents(pending.pop()):
            if parent[0] <= oldest and parent[0] not in seen:  # keys are negative: older ones are larger
                seen[parent[0]] = parent
                pending.append(parent)
    return [seen[key] for key in sorted(seen, reverse=True)]


def leading_to(root: Node, targets: set[int]) -> set[int]:
    """Return the nodes on a path from ``root`` to a target. Nothing older than the targets is looked at."""
    active: set[int] = set()
    for node in ancestors(root, max(targets)):
        if node[0] in targets or any(parent[0] in active for parent in parents(node)):
            active.add(node[0])
    return active


def transpose(linear: Function, like: Any, cotangent: Any) -> Any:
    """Apply the transpose of a linear function from the space of ``like`` to a cotangent of its result."""
    with ReverseTrace("the transposition of a rule") as trace:
        zero = zeros_like(like)
        source = trace.leaf(zero, spec_of(zero))
        image = linear(source)
    pairs = list(zip(image, cotangent, strict=True)) if isinstance(image, tuple) else [(image, cotangent)]
    seeds = [(i.record, c) for i, c in pairs if type(i) is Tracer and i.tracing is trace and c is not None]
    return backward(seeds).get(source.record[0], zero)


RECORDING = {
    "CONSTANT": CONSTANT,
    "Parts": Parts,
    "SPEC": SPEC,
    "Tracer": Tracer,
    "call_joint": call_joint,
    "part": _part,
    "serial": _serial,
}
"""What the recording functions of primitives use of this module."""


def is_traced(value: Any) -> bool:
    """Tell whether a value is being differentiated."""
    return type(value) is Tracer
