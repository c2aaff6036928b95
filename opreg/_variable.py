"""The define-by-run interface: ``x = opreg.variable(3.0); y = 2 * x + 10; y.grad(x)``.

Variables are tracers of a trace that never ends. Its tape is held by the values computed from them, and by nothing
else: what is dropped is freed. All plain variables share one trace; a variable made of a value that is itself being
differentiated belongs to a trace above that one, so define-by-run code nests inside ``opreg.grad``.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from opreg._apart import Apart
from opreg._errors import NotDifferentiable, NotInGraph
from opreg._space import require_spec, space_of, spec_of
from opreg._trace import (
    CONSTANT,
    Function,
    ReverseTrace,
    Trace,
    Tracer,
    add,
    ancestors,
    backward,
    leading_to,
    strip,
    zeros_like,
)

if TYPE_CHECKING:
    from opreg._primitive import Primitive


class Leaf:
    """What the tape knows of a variable: its name, and the variable itself while someone holds it."""

    __slots__ = ("find", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.find: Any = lambda: None  # a weak reference, once the variable is made


class Application:
    """A primitive as applied in a define-by-run computation: with the numbers that were its constant operands."""

    __slots__ = ("constants", "fit_cotangent", "primitive")

    def __init__(self, primitive: Primitive, constants: dict[int, Any]) -> None:
        self.primitive = primitive
        self.constants = constants
        self.fit_cotangent = primitive.fit_cotangent


class VariableTrace(ReverseTrace):
    """The trace of define-by-run variables. It remembers constant operands, so that a graph can show them."""

    __slots__ = ()
    label = "Variable"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.recording = False  # take the long way, by process()

    def why_fixed(self, traced: Tracer) -> str | None:
        if isinstance(traced.record[2], Leaf):
            return "it is a variable, by which derivatives are taken. Write y = x.copy() and write into y"
        return None

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Function | None = None
    ) -> Any:  # fmt: skip
        out = super().process(primitive, args, kwargs, compute)
        if type(out) is Tracer and out.tracing is self and out.record[2] is not CONSTANT:
            constants = {i: a for i, a in enumerate(args) if isinstance(a, (int, float, complex))}
            if constants:
                node = out.record
                out.record = (*node[:2], Application(primitive, constants), *node[3:])
        return out


_PLAIN = VariableTrace("define-by-run")
_PLAIN.level = 0
_ABOVE: weakref.WeakKeyDictionary[Trace, VariableTrace] = weakref.WeakKeyDictionary()


def variable(value: Any, name: str = "") -> Any:
    """Return ``value`` as a variable: computations with it are recorded, and can be differentiated.

    The result of a computation ``y`` has the methods

    * ``y.grad(x)``: the gradient of the scalar ``y`` by one variable, or any intermediate value; only what leads
      from ``y`` to ``x`` is visited. ``y.grad([x, z])``: several in one pass. For an array ``y`` give the cotangent:
      ``y.grad(x, cotangent)``.
    * ``y.backward()``: fills ``.gradient`` of every variable in the graph, replacing what was there
      (``accumulate=True`` adds to it). ``x.zero_gradient()`` sets it to zero.

    The plain value is ``x.primal``. Raises :class:`TypeError` for an integer value.

    >>> import opreg
    >>> x = opreg.variable(3.0)
    >>> y = 2 * x + 10
    >>> y.grad(x)
    2.0
    """
    spec = require_spec(value, f"the variable {name}".rstrip())
    trace = _PLAIN
    if type(value) is Tracer:
        trace = _ABOVE.get(value.tracing) or _ABOVE.setdefault(value.tracing, VariableTrace("define-by-run"))
    leaf = Leaf(name)
    made = trace.leaf(value, spec, leaf)
    leaf.find = weakref.ref(made)
    return made


def _seed(y: Tracer, cotangent: Any) -> Any:
    space, spec = space_of(strip(y)), spec_of(y)
    if cotangent is None:
        unit = space.unit(spec)
        if unit is None:
            raise TypeError(
                f"the gradient of {y!r} needs a real scalar. Sum it, or give the cotangent: y.grad(x, cotangent)"
            )
        return unit
    fitted = space.cast(cotangent, spec)
    if spec_of(fitted) != spec:
        raise ValueError(f"a cotangent in {spec_of(cotangent)} was given for a value in {spec}")
    return fitted


def _grad(y: Tracer, wrt: Any, cotangent: Any = None) -> Any:
    """Return the gradient of ``y`` by one value or by a list or tuple of them."""
    several = isinstance(wrt, (list, tuple))
    targets: Sequence[Any] = wrt if several else [wrt]
    for target in targets:
        if not (type(target) is Tracer and isinstance(target.tracing, VariableTrace)):
            raise NotDifferentiable(
                f"y.grad takes a variable or a value computed from one, not {type(target).__name__}. "
                "Make one with opreg.variable(value)"
            )
    keys = [target.record[0] for target in targets]
    active = leading_to(y.record, set(keys)) if keys else set()
    for target, key in zip(targets, keys, strict=True):
        if key not in active:
            raise NotInGraph(
                f"{_named(target)} is not in the graph of {_named(y)}, which does not depend on it"
            )
    found = backward([(y.record, _seed(y, cotangent))], wanted=keys, active=active)
    apart = Apart([cotangent])
    results = [
        apart.own(space_of(strip(t)).export(found[key], t.primal))
        for t, key in zip(targets, keys, strict=True)
    ]
    return type(wrt)(results) if several else results[0]


def _named(value: Tracer) -> str:
    leaf = value.record[2]
    return (
        f"the variable {leaf.name!r} = {value.primal!r}"
        if isinstance(leaf, Leaf) and leaf.name
        else repr(value)
    )


def _backward(y: Tracer, cotangent: Any = None, accumulate: bool = False) -> None:
    """Fill ``.gradient`` of the variables from which ``y`` was computed."""
    leaves = {node[0]: node[2].find() for node in ancestors(y.record) if isinstance(node[2], Leaf)}
    apart = Apart([cotangent])
    for key, g in backward([(y.record, _seed(y, cotangent))]).items():
        x = leaves.get(key)
        if x is not None:
            if accumulate and x.gradient is not None:
                g = add(x.gradient_, g)
            x.gradient_ = apart.own(space_of(strip(x)).export(g, x.primal))


def _zero_gradient(x: Tracer) -> None:
    x.gradient_ = space_of(strip(x)).export(zeros_like(x), x.primal)


VariableTrace.attributes = {
    "backward": lambda y: partial(_backward, y),
    "grad": lambda y: partial(_grad, y),
    "gradient": lambda x: x.gradient_,
    "gradient_": lambda x: None,  # asked for when the slot is empty
    "name": lambda x: getattr(x.record[2], "name", ""),
    "zero_gradient": lambda x: partial(_zero_gradient, x),
}
