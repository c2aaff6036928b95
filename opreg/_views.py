"""Writing into traced values: what shares memory with the one written to changes with it.

A traced value stands for an immutable array. To write into it is to compute a new array, in which some elements are
replaced, and to let the traced value stand for that from now on; what was computed before keeps what it has used.
NumPy's views share memory, so whoever writes into an array writes into its views as well, and the other way round.
Here a view remembers of what, by which primitive and with which keywords it is one (``view_of``), and its source knows
the views that are alive (``viewed_by``): the elements are replaced in the array that all are views of, and its views
are taken anew.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from opreg._errors import NotDifferentiable
from opreg._space import SPACES, space_of
from opreg._trace import ARRAYS_OF_TRACED, BINARY, Function, Tracer, fixed, is_constant, strip

if TYPE_CHECKING:
    from opreg._primitive import Primitive


class Views(list["weakref.ref[Tracer]"]):
    """The views of a traced value that were taken: when there is no room, those that are gone are dropped."""

    room = 8
    lent: Sequence[weakref.ref[Any]] = ()
    """Weak references to the memory of plain arrays that the value was handed out as, by ``np.asarray``."""
    written = False
    """Whether the value was written into, and stood for another one before: a view of that would keep all of it."""

    def in_use(self) -> list[weakref.ref[Any]]:
        """Return the references of ``lent`` that still lead to something."""
        return [reference for reference in self.lent if reference() is not None]

    def drop_gone(self) -> None:
        """Make room, at a cost for each view taken that does not grow with their number."""
        self[:] = [reference for reference in self if reference() is not None]
        self.room = 2 * len(self) + 8


def note(primitive: Primitive, source: Any, static: Mapping[str, Any], out: Any) -> Any:
    """Return what a primitive gave, and take note if that is a view of its source; the source if it gave that back."""
    if type(out) is not Tracer or type(source) is not Tracer or out.tracing is not source.tracing:
        return out
    plain, whole = out.primal, source.primal
    if type(plain) is Tracer or type(whole) is Tracer:
        plain, whole = strip(plain), strip(whole)
    if plain is whole:
        return source
    if source.view_of is not None and source.view_of[1].copied:
        return out
    if primitive.copied or SPACES[type(plain)].shares(plain, whole):
        if list in map(type, static.values()):  # which may change before the view is taken anew
            static = {name: list(value) if type(value) is list else value for name, value in static.items()}
        out.view_of = source, primitive, static
        views = source.viewed_by
        if views is None:
            views = source.viewed_by = Views()
        elif len(views) >= views.room:
            views.drop_gone()
        views.append(weakref.ref(out))
        if views.written:
            _views_of(out).written = True
            if out.primal is plain and not is_constant(source):
                out.primal = SPACES[type(plain)].detached(plain)
    return out


def _views_of(traced: Tracer) -> Views:
    if traced.viewed_by is None:
        traced.viewed_by = Views()
    found: Views = traced.viewed_by
    return found


def origin(traced: Tracer) -> tuple[Tracer, Function | None]:
    """Return the value of which this one is a view, in the end, and the function that takes that view.

    Of a value that is no view return the value itself, and None.
    """
    path: list[tuple[Primitive, Mapping[str, Any]]] = []
    while traced.view_of is not None:
        traced, primitive, static = traced.view_of
        path.append((primitive, static))

    def view(plain: Any) -> Any:
        for primitive, static in reversed(path):
            plain = primitive.forward(plain, **static)
        return plain

    return traced, view if path else None


_WRITING = threading.RLock()  # threads may fill parts of one array


def write(traced: Tracer, index: Any, value: Any) -> None:
    """Do what ``traced[index] = value`` means."""
    root, view = origin(traced)
    reason = root.tracing.why_fixed(root)
    if reason is not None:
        raise NotDifferentiable(f"{root!r} is not written into: {reason}")
    with _WRITING:
        overwrite(root, space_of(strip(traced)).replaced(root, view, traced, index, value))


def _lend(traced: Tracer, *args: Any, **kwargs: Any) -> Any:
    """Return a value that has no derivative as a plain array. As long as that is in use, the value is not changed."""
    fixed(traced, "a plain array", ARRAYS_OF_TRACED)
    space = space_of(strip(traced))
    plain = space.attribute(traced, "__array__")(*args, **kwargs)
    memory = None if kwargs.get("copy") else space.owner(plain)
    if memory is not None:
        root, _ = origin(traced)
        views = _views_of(root)
        views.lent = [*views.in_use(), weakref.ref(memory)]
    return plain


def overwrite(root: Tracer, value: Any) -> None:
    """Let a value that is no view stand for another one, and take anew the views of it that are alive."""
    if root.viewed_by is not None and root.viewed_by.in_use():
        raise NotDifferentiable(
            f"{root!r} is not written into while a plain array that np.asarray made of it is in use, which would not "
            "change with it. Let np.array make a copy, or call np.asarray anew after writing"
        )
    pending = [(root, value)]
    while pending:
        traced, value = pending.pop()
        if type(value) is not Tracer:  # as of x //= 2, whose result is constant between its jumps
            value = traced.tracing.constant(value)
        traced.primal, traced.tracing, traced.record = value.primal, value.tracing, value.record
        _views_of(traced).written = True
        traced.viewed_by.drop_gone()
        for reference in list(traced.viewed_by):  # to take a view anew is to take note of it
            view = reference()
            if view is not None:
                _, primitive, static = view.view_of
                pending.append((view, primitive.bind(traced, **static)))


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
        partial(Tracer.__getattr__, name=name),  # type: ignore[call-arg]  # it has that name
        lambda self, value: space_of(strip(self)).assign(self, name, value),
    )


for _name in ("flat", "real", "imag", "shape", "dtype", "strides"):
    setattr(Tracer, _name, _assigned(_name))
setattr(Tracer, "__setitem__", write)  # noqa: B010  (mypy: no method)
setattr(Tracer, "__array__", _lend)  # noqa: B010
for _name in BINARY:
    setattr(Tracer, f"__i{_name}__", _in_place(_name))
