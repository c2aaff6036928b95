"""Space: what the engine may ask of a type. A plugin supplies one per family of Python types.

Beyond the chain rule an engine needs a sum where paths meet, a zero where nothing arrives and a unit at a scalar
result. That is not knowledge of operations, it is being a vector space. The symbolic zero is ``None``.

A *spec* is a small hashable value that says which vector space a value lies in (for arrays its shape and dtype).
Two values with equal specs can be added; a cotangent must have the spec of its primal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from opreg import plugins
from opreg._errors import NotDifferentiable

Spec = Hashable


class Space:
    """What the engine may ask of values of some types. Subclass it in a plugin and return it from ``opreg_spaces``.

    The methods work on traced values too where they compute (``add``, ``restrict``, ``promote``, ``assemble``), so
    write them with registered primitives: then sums of cotangents are differentiated by the plugin's own rules.
    """

    types: ClassVar[tuple[type, ...]] = ()
    """The types of this space's values. A subclass of one of them belongs to the space as well."""

    operators: ClassVar[Mapping[str, str]] = {}
    """Python's operators, as in the module ``operator`` (``"mul"``), and the primitive that each stands for."""

    def spec(self, value: Any) -> Spec | None:
        """Return the spec of ``value``, or ``None`` if such a value has no derivative (an integer, a string).

        Raise TypeError for a type of which no value is to be computed with, not as a constant either.
        """
        raise NotImplementedError

    def token(self, value: Any) -> Spec:
        """Return what equals the spec of a value that has one; for others anything. Override it if that is faster."""
        return self.spec(value)

    def zeros(self, spec: Any) -> Any:
        """Return the zero of the space."""
        raise NotImplementedError

    def add(self, a: Any, b: Any) -> Any:
        """Return ``a + b``, two values of one spec. Never write into either."""
        raise NotImplementedError

    def unit(self, spec: Any) -> Any:
        """Return the one by which a scalar output is seeded; ``None`` if the space is not that of a real scalar."""
        raise NotImplementedError

    def ones(self, spec: Any) -> Any:
        """Return the element whose every coordinate is one."""
        total = self.zeros(spec)
        for direction in self.basis(spec):
            total = self.add(total, direction)
        return total

    def basis(self, spec: Any) -> Iterable[Any]:
        """Return the coordinates' unit vectors, in order."""
        raise NotImplementedError

    def imaginary(self, spec: Any) -> Any:
        """Return the imaginary unit if the coordinates are complex, ``None`` if they are real."""
        return None

    def assemble(self, rows: Sequence[Any], shape_of: Any, row_of: Any, rows_first: bool) -> Any:
        """Arrange ``rows`` (one per unit vector of the spec ``shape_of``, each of spec ``row_of``) as a Jacobian.

        With ``rows_first`` the axes of ``shape_of`` come first in the result, else last.
        """
        raise NotImplementedError

    def restrict(self, cotangent: Any, spec: Any) -> Any:
        """Return ``cotangent`` brought to ``spec`` by the adjoint of implicit promotion (broadcast, widen)."""
        return cotangent

    def promote(self, tangent: Any, spec: Any) -> Any:
        """Return ``tangent`` brought to ``spec`` by implicit promotion."""
        return tangent

    def cast(self, value: Any, spec: Any) -> Any:
        """Return a value that a user gave, as an element of ``spec`` (a Python float for a float32 scalar).

        The result's spec tells whether it worked: what does not fit is returned as it is.
        """
        return value

    def export(self, value: Any, primal: Any) -> Any:
        """Return a derivative in the form in which a user expects it beside ``primal``."""
        return value

    def coerce(self, value: Any) -> Any:
        """Return an operand of a foreign type as one of this space, or ``NotImplemented``."""
        return NotImplemented

    def owner(self, value: Any) -> Any:
        """Return the object that owns the memory into which one may write by this value; None for a number."""
        return None

    def extent(self, value: Any) -> tuple[int, int]:
        """Return where in that memory the value begins and ends."""
        return 0, 1

    def require_constant(self, value: Any, what: str) -> None:
        """Raise if ``value``, which has no derivative, may hide one: an array of objects computed from numbers."""

    def hides_traced(self, value: Any) -> bool:
        """Tell whether ``value``, which has no derivative, holds traced values that have: an array of objects may."""
        return False

    def shares(self, a: Any, b: Any) -> bool:
        """Tell whether two plain values may share memory, so that writing into one of them changes the other."""
        return False

    def detached(self, view: Any) -> Any:
        """Return a view in memory of its own if it is small beside what it is a view of, which it would keep."""
        return view

    def replaced(
        self, root: Any, view: Callable[[Any], Any] | None, traced: Any, index: Any, value: Any
    ) -> Any:
        """Return ``root`` with the elements replaced that ``traced[index] = value`` replaces.

        ``traced`` is a view of ``root``: ``view`` takes what is like ``root`` to what the view shows of it. Where
        ``view`` is None, ``traced`` is ``root`` itself.
        """
        raise TypeError(f"a traced {type(traced.primal).__name__} does not support item assignment")

    def updated(self, traced: Any, result: Any) -> Any:
        """Return what ``traced`` becomes by ``traced += other``, whose sum is ``result``, if it changes in place.

        Return None if such a value never changes and the name is bound to the result instead, as of numbers.
        """
        return None

    def assign(self, traced: Any, name: str, value: Any) -> None:
        """Do what ``traced.name = value`` means.

        The names are those to which NumPy assigns: ``flat``, ``real``, ``imag``, ``shape``, ``dtype``, ``strides``.
        """
        raise AttributeError(
            f"the attribute {name!r} of a traced {type(traced.primal).__name__} is not assigned to"
        )

    def attribute(self, traced: Any, name: str) -> Any:
        """Return the attribute ``name`` of a traced value, as its primal would have it."""
        raise AttributeError(name)

    def integer_advice(self, value: Any) -> str:
        """Return a sentence for a value whose spec is ``None``."""
        return f"a value of type {type(value).__name__} has no derivative."


class _Inert(Space):
    """The space of everything that no plugin claims: constants without derivative."""

    def spec(self, value: Any) -> None:
        return None


INERT = _Inert()


class _Spaces(dict[type, Space]):
    """The space of each type met so far; a new type loads the plugins of its module."""

    def __missing__(self, kind: type) -> Space:
        plugins.load_for_type(kind)
        for base in kind.__mro__:
            for space in plugins.spaces():
                if base in space.types:
                    _cache(kind, space)
                    return space
        if not plugins.problems():  # a plugin that could not be loaded may be mended and tried again
            _cache(kind, INERT)
        return INERT


class _Specs(dict[type, Callable[[Any], Spec | None]]):
    """The function that gives a value's spec, by type: one look-up on the path of every operation."""

    def __missing__(self, kind: type) -> Callable[[Any], Spec | None]:
        return SPACES[kind].spec


class _Tokens(dict[type, Callable[[Any], Spec]]):
    """The function that gives a value's token, by type: one look-up for every cotangent."""

    def __missing__(self, kind: type) -> Callable[[Any], Spec]:
        return SPACES[kind].token


class _Sums(dict[type, Callable[[Any, Any], Any]]):
    """The function that adds, by type."""

    def __missing__(self, kind: type) -> Callable[[Any, Any], Any]:
        return SPACES[kind].add


ADMITTED: set[type] = set()
"""The types of operands met so far that rules take as they are: no sequences, and none that its space refuses."""

SPEC = _Specs()
ADD = _Sums()
TOKEN = _Tokens()
SPACES = _Spaces()


class _Operators(dict[type, Any]):
    """The primitive behind one of Python's operators, by the type of the value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __missing__(self, kind: type) -> Any:
        full = SPACES[kind].operators.get(self.name)
        if full is None:
            raise NotDifferentiable(
                f"no plugin serves the operator {self.name!r} on values of type {kind.__name__}"
                f"{plugins.why_missing(kind.__module__)}"
            )
        self[kind] = primitive = plugins.get(full)
        return primitive


_OPERATORS: dict[str, _Operators] = {}


def operators(name: str) -> Mapping[type, Any]:
    """Return the table of the primitives behind an operator, filled as types are met."""
    return _OPERATORS.setdefault(name, _Operators(name))


_OWN: set[type] = set()


def install(kind: type, space: Space) -> None:
    """Give one of the engine's own types (a tracer, a bundle of cotangents) its space, for good."""
    _OWN.add(kind)
    ADMITTED.add(kind)
    _cache(kind, space)


def _cache(kind: type, space: Space) -> None:
    SPACES[kind] = space
    SPEC[kind], TOKEN[kind], ADD[kind] = space.spec, space.token, space.add


def forget() -> None:
    """Forget which space serves which type of a plugin: plugins were added or blocked."""
    for kind in set(SPACES) - _OWN:
        for table in (SPACES, SPEC, TOKEN, ADD):
            table.pop(kind, None)
    ADMITTED.intersection_update(_OWN)
    for operator in _OPERATORS.values():
        operator.clear()


def space_of(value: Any) -> Space:
    """Return the space of a value."""
    return SPACES[type(value)]


def spec_of(value: Any) -> Spec | None:
    """Return a value's spec; ``None`` if it has no derivative."""
    return SPEC[type(value)](value)


def require_spec(value: Any, what: str) -> Spec:
    """Return a value's spec, or say why ``what`` cannot be differentiated."""
    spec = spec_of(value)
    if spec is None:
        space = space_of(value)
        if space is INERT:
            raise NotDifferentiable(
                f"{what} has type {type(value).__module__}.{type(value).__qualname__}, for which no installed plugin "
                f"supplies a Space{plugins.why_missing(type(value).__module__)}"
            )
        raise NotDifferentiable(f"{what} cannot be differentiated: {space.integer_advice(value)}")
    return spec
