"""A primitive seen through what of its output is determined.

Some functions leave a part of their output to the algorithm: the phase of a complex singular vector is its choice, and
another at each point. Their derivative is right for whatever does not depend on that choice, and only there can it be
compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opreg._errors import DeclarationError
from opreg._primitive import Primitive
from opreg._signature import where
from opreg._space import space_of, spec_of
from opreg._transforms import jvp, vjp


class Compared:
    """The functions of a primitive, as its verifier calls them, with `compared_as` applied to the output.

    Where that gives back the output that it was given, they are the primitive's own.
    """

    def __init__(self, primitive: Primitive, function: Any) -> None:
        self.primitive, self._made_of = primitive, function
        self._with_residual = self._both if primitive._with_residual else None

    def _function(self, out: Any) -> Any:
        try:
            return self._made_of(out)
        except Exception as error:
            raise DeclarationError(
                f"{self.primitive.name}: the function given to compared_as{where(self._made_of)} raised "
                f"{type(error).__name__}: {error}"
            ) from error

    def forward(self, *data: Any, **static: Any) -> Any:
        """What is determined of the output."""
        return self._function(self.primitive.forward(*data, **static))

    def bind(self, *data: Any, **static: Any) -> Any:
        """The same, of traced data too."""
        return self._function(self.primitive.bind(*data, **static))

    def _both(self, *data: Any, **static: Any) -> Any:
        """What is determined of the output that a residual comes with, and the residual."""
        assert self.primitive._with_residual is not None
        found = self.primitive._with_residual(*data, **static)
        return (self._function(found[0]), found[1]) if isinstance(found, tuple) and len(found) == 2 else found

    def vjp(self, g: Any, out: Any, /, *data: Any, **static: Any) -> Any:
        """The cotangents of the data, from that of what is determined."""
        return self.primitive.vjp(*self._pulled(g, out, data, static), *data, **static)

    def vjp_from(self, residual: Any, g: Any, out: Any, /, *data: Any, **static: Any) -> Any:
        """The same, with a residual that is at hand."""
        return self.primitive.vjp_from(residual, *self._pulled(g, out, data, static), *data, **static)

    def vjp_needed(self, only: Sequence[int], g: Any, out: Any, /, *data: Any, **static: Any) -> Any:
        """The cotangents of the data, those of some of them alone."""
        return self.primitive.vjp_needed(only, *self._pulled(g, out, data, static), *data, **static)

    def jvp(self, tangents: Sequence[Any], out: Any, /, *data: Any, **static: Any) -> Any:
        """The tangent of what is determined."""
        return self._pushed(self.primitive.jvp, tangents, out, data, static)

    def jvp_from(self, residual: Any, tangents: Sequence[Any], out: Any, /, *data: Any, **static: Any) -> Any:
        """The same, with a residual that is at hand."""
        return self._pushed(partial(self.primitive.jvp_from, residual), tangents, out, data, static)

    def _pushed(
        self, rule: Any, tangents: Sequence[Any], out: Any, data: Sequence[Any], static: Mapping[str, Any]
    ) -> Any:
        whole = self.primitive.bind(*data, **static)
        if self._function(whole) is whole:
            return rule(tangents, out, *data, **static)
        function, parts, positions = self._of_parts(whole)
        found = _leaves(rule(tangents, whole, *data, **static))
        return jvp(function, parts, _filled(parts, [found[i] for i in positions]))[1]

    def _pulled(self, g: Any, out: Any, data: Sequence[Any], static: Mapping[str, Any]) -> tuple[Any, Any]:
        """The cotangent of the output itself, and that."""
        whole = self.primitive.bind(*data, **static)
        if self._function(whole) is whole:
            return g, out
        function, parts, positions = self._of_parts(whole)
        found = dict(zip(positions, _filled(parts, vjp(function, *parts)[1](g)), strict=True))
        pulled = tuple(found.get(i) for i in range(len(_leaves(whole))))
        return (pulled if isinstance(whole, tuple) else pulled[0]), whole

    def _of_parts(self, whole: Any) -> tuple[Any, list[Any], list[int]]:
        """The function of the parts of an output that have derivatives, those parts, and where they are."""
        leaves = _leaves(whole)
        positions = [i for i, leaf in enumerate(leaves) if spec_of(leaf) is not None]

        def function(*parts: Any) -> Any:
            moved = list(leaves)
            for i, part in zip(positions, parts, strict=True):
                moved[i] = part
            return self._function(tuple(moved) if isinstance(whole, tuple) else moved[0])

        return function, [leaves[i] for i in positions], positions


def _leaves(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, tuple) else (values,)


def _filled(primals: Sequence[Any], values: Sequence[Any]) -> tuple[Any, ...]:
    """The values, with zeros for what is None."""
    specs = map(spec_of, primals)
    return tuple(
        space_of(primal).zeros(spec) if value is None and spec is not None else value
        for primal, spec, value in zip(primals, specs, values, strict=True)
    )


def compared(primitive: Primitive) -> Any:
    """Return what is verified of a primitive: itself, or what `compared_as` says of its output.

    ``forward``, ``vjp``, ``jvp`` and ``bind`` of either are called alike.
    """
    function = getattr(primitive, "comparison", None)
    return primitive if function is None else Compared(primitive, function)
