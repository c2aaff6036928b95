"""Writing into traced values: what shares memory with the one written to changes with it.

A traced value stands for an immutable array. To write into it is to compute a new array, in which some elements are
replaced, and to let the traced value stand for that from now on; what was computed before keeps what it has used.
NumPy's views share memory, so whoever writes into an array writes into its views as well, and the other way round.
Here a view remembers of what, and by which primitive, it is one, and its source knows the views that are alive: the
elements are replaced in the array that all are views of, and its views are taken anew.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opreg._errors import NotDifferentiable
from opreg._space import SPACES, space_of
from opreg._trace import BINARY, NONE, Function, Tracer, strip

if TYPE_CHECKING:
    from opreg._primitive import Primitive


class Memory:
    """Of what a traced value is a view, if of anything, and the views of it that were taken."""

    __slots__ = ("primitive", "room", "source", "static", "views")

    def __init__(
        self,
        source: Tracer | None = None,
        primitive: Primitive | None = None,
        static: Mapping[str, Any] = NONE,
    ) -> None:
        self.source = source
        self.primitive = primitive
        self.static = static
        self.views: list[weakref.ref[Tracer]] = []
        self.room = 8  # when so many were taken, those that are gone are dropped

    def add(self, view: Tracer) -> None:
        """Take note of a view, at a cost that does not grow with their number."""
        if len(self.views) >= self.room:
            self.views = [reference for reference in self.views if reference() is not None]
            self.room = 2 * len(self.views) + 8
        self.views.append(weakref.ref(view))


def memory(traced: Tracer) -> Memory:
    """Return what is known of a traced value's memory."""
    found: Memory | None = traced.memory
    if found is None:
        found = traced.memory = Memory()
    return found


def note(primitive: Primitive, source: Any, static: Mapping[str, Any], out: Any) -> Any:
    """Return what a primitive gave, and take note if that is a view of its source; the source if it gave that back."""
    if type(out) is not Tracer or type(source) is not Tracer or out.tracing is not source.tracing:
        return out
    plain, whole = out.primal, source.primal
    if type(plain) is Tracer or type(whole) is Tracer:
        plain, whole = strip(plain), strip(whole)
    if plain is whole:
        return source
    known: Memory | None = source.memory
    if known is not None and known.primitive is not None and known.primitive.copied:
        return out
    if primitive.copied or SPACES[type(plain)].shares(plain, whole):
        out.memory = Memory(source, primitive, static)
        if known is None:
            known = source.memory = Memory()
        known.add(out)
    return out


def origin(traced: Tracer) -> tuple[Tracer, Function | None]:
    """Return the value of which this one is a view, in the end, and the function that takes that view.

    Of a value that is no view return the value itself, and None.
    """
    path: list[Memory] = []
    own = memory(traced)
    while own.source is not None:
        path.append(own)
        traced = own.source
        own = memory(traced)

    def view(plain: Any) -> Any:
        for step in reversed(path):
            assert step.primitive is not None
            plain = step.primitive.forward(plain, **step.static)
        return plain

    return traced, view if path else None


def write(traced: Tracer, index: Any, value: Any) -> None:
    """Do what ``traced[index] = value`` means."""
    root, view = origin(traced)
    reason = root.tracing.why_fixed(root)
    if reason is not None:
        raise NotDifferentiable(f"{root!r} is not written into: {reason}")
    overwrite(root, space_of(strip(traced)).replaced(root, view, traced, index, value))


def overwrite(root: Tracer, value: Any) -> None:
    """Let a value that is no view stand for another one, and take anew the views of it that are alive."""
    pending = [(root, value)]
    while pending:
        traced, value = pending.pop()
        if type(value) is not Tracer:  # as of x //= 2, whose result is constant between its jumps
            value = traced.tracing.constant(value)
        traced.primal, traced.tracing, traced.record = value.primal, value.tracing, value.record
        own = memory(traced)
        alive = [(reference, view) for reference in own.views if (view := reference()) is not None]
        for _, view in alive:
            taken = memory(view)
            assert taken.primitive is not None
            pending.append((view, taken.primitive.bind(traced, **taken.static)))
        own.views = [reference for reference, _ in alive]


def _in_place(name: str) -> Function:
    """Return the method for an operator such as ``+=``: the space decides whether the value itself changes."""
    binary = getattr(Tracer, f"__{name}__")

    def method(self: Tracer, other: Any) -> Any:
        result = binary(self, other)
        if result is NotImplemented:
            return result
        new = space_of(strip(self)).updated(self, result)
        root, view = origin(self)
        if new is None or root.tracing.why_fixed(root) is not None:
            return result
        if view is None:
            overwrite(root, new)
        else:
            write(self, ..., new)
        return self

    return method


def _assigned(name: str) -> property:
    """Return the attribute of that name, to which one may assign: the space says what that means."""
    return property(
        lambda self: self.__getattr__(name),
        lambda self, value: space_of(strip(self)).assign(self, name, value),
    )


setattr(Tracer, "flat", _assigned("flat"))  # noqa: B010  (mypy: no method)
setattr(Tracer, "__setitem__", write)  # noqa: B010
for _name in BINARY:
    setattr(Tracer, f"__i{_name}__", _in_place(_name))
