"""What is under test: a forward function and its rules, whether registered or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from opreg._compared import compared
from opreg.verify._coordinates import is_inexact, outputs, packed


def _always(index: int) -> str | None:
    return None


@dataclass(frozen=True)
class Subject:
    """A function with its rules, in the form in which every check calls them.

    `forward(*data, **static)` gives the output or a tuple of them; `vjp(g, out, *data, **static)` one cotangent per
    data argument; `jvp(tangents, out, *data, **static)` the tangent of the output. `reason(i)` says why data argument
    i has no derivative, or is None. `trace` is the forward function in the form that the engine can differentiate, for
    the second order. `elementwise` is a hint, which the oracle confirms. Of a rule that is a subject itself
    (`order` 2) the first `leading` data arguments are cotangents. `shaken(rng, relative, *data, **static)` is the
    forward with what it computes on the way moved by a relative amount, where that is known;
    `shaken_vjp(rng, relative, whole, g, out, *data, **static)` is the same of the VJP, see `_rule.shaken`, and
    `shaken_jvp` of the JVP.
    `compared` says that the output is what `compared_as` makes of a primitive's; `derived` that the JVP is the VJP's
    transpose. `without_rule` names the arguments for which there is neither a rule nor a declared reason.
    `residual(*data, **static)` gives the pair of the output and what the rules ask for.
    `vjp_needed(positions, g, out, *data, **static)` is the VJP where only the cotangents of some arguments are needed,
    of a rule that asks which.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    jvp: Callable[..., Any] | None = None
    reason: Callable[[int], str | None] = _always
    elementwise: bool | None = None
    trace: Callable[..., Any] | None = None
    registered: bool = False
    compared: bool = False
    order: int = 1
    leading: int = 0
    shaken: Callable[..., Any] | None = None
    kinks: Sequence[Any] = ()
    shaken_vjp: Callable[..., Any] | None = None
    shaken_jvp: Callable[..., Any] | None = None
    derived: bool = False
    without_rule: tuple[str, ...] = ()
    residual: Callable[..., Any] | None = None
    vjp_needed: Callable[..., Any] | None = None

    @classmethod
    def of(cls, primitive: Any) -> Subject:
        """The subject that a registered primitive (or composite) is: what of its output is determined."""
        shown = compared(primitive)

        def differentiated(tangents: Sequence[Any], out: Any, *data: Any, **static: Any) -> Any:
            import opreg

            moving = [index for index, tangent in enumerate(tangents) if tangent is not None]

            def along(*values: Any) -> Any:
                full = list(data)
                for index, value in zip(moving, values, strict=True):
                    full[index] = value
                return shown.bind(*full, **static)

            primals = tuple(data[index] for index in moving)
            return opreg.jvp(along, primals, tuple(tangents[index] for index in moving))[1]

        residual = getattr(primitive, "residual_from", None)

        def unsettled(rule: str) -> Callable[..., Any] | None:
            """The rule with the residual that it is handed moved, entry by entry, `whole` or not."""

            def called(
                rng: np.random.Generator,
                relative: float,
                whole: bool,
                g: Any,
                out: Any,
                *data: Any,
                **static: Any,
            ) -> Any:
                from opreg.verify._rounding import shaken

                assert residual is not None
                moved = shaken(residual(*data, **static)[1], rng, relative)
                return getattr(shown, rule)(moved, g, out, *data, **static)

            return called if residual is not None else None

        return cls(
            name=primitive.name,
            forward=shown.forward,
            vjp=shown.vjp,
            shaken_vjp=unsettled("vjp_from"),
            jvp=shown.jvp if primitive.has_jvp else differentiated,
            shaken_jvp=unsettled("jvp_from") if primitive.has_jvp else None,
            derived=not primitive.has_jvp,
            reason=primitive.reason,
            elementwise=bool(primitive.elementwise) or None,
            trace=shown.bind,
            registered=True,
            compared=shown is not primitive,
            kinks=getattr(primitive, "kinks", ()),
            without_rule=tuple(primitive.missing_rules()),
            residual=getattr(shown, "_with_residual", None),
            vjp_needed=shown.vjp_needed if getattr(primitive, "asks_needed", False) else None,
        )

    @classmethod
    def from_functions(
        cls,
        forward: Callable[..., Any],
        vjp: Callable[..., Any],
        jvp: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        reasons: Sequence[str | None] = (),
    ) -> Subject:
        """The subject that bare functions are; `reasons` says per argument why it has no derivative."""
        return cls(
            name=name or getattr(forward, "__qualname__", None) or repr(forward),
            forward=forward,
            vjp=vjp,
            jvp=jvp,
            reason=lambda index: reasons[index] if index < len(reasons) else None,
            trace=forward,
        )

    def on_the_way(self, rule: str, *, whole: bool) -> Callable[..., Any] | None:
        """The VJP or the JVP with what it is handed on the way moved, where that shows rounding.

        At first order that is a residual. As a whole a point is moved to others, from which the residual of this one
        may differ by a jump, and that is no rounding.
        """
        if whole and self.order == 1:
            return None
        return self.shaken_vjp if rule == "vjp" else self.shaken_jvp

    def active(self, data: Sequence[Any]) -> tuple[int, ...]:
        """The data arguments with respect to which a derivative is due."""
        return tuple(i for i, value in enumerate(data) if is_inexact(value) and self.reason(i) is None)

    def second(self, data: Sequence[Any], out: Any) -> tuple[Subject, Callable[[Any], tuple[Any, ...]]]:
        """The VJP rule itself as a subject, and the function that puts a cotangent before its data.

        The new subject's data are the cotangents of each output, then this subject's data; its outputs are the
        cotangents of the active arguments. Its own rule is what the engine gives on tracing the first rule.
        """
        active = self.active(data)
        count = len(outputs(out))
        call = self.trace or self.forward

        def split(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
            return packed(values[:count], out), values[count:]

        def select(cotangents: Any) -> Any:
            chosen = tuple(cotangents[i] for i in active)
            return chosen[0] if len(chosen) == 1 else chosen

        def forward(*values: Any, **static: Any) -> Any:
            g, rest = split(values)
            return select(self.vjp(g, self.forward(*rest, **static), *rest, **static))

        def nudged(rng: np.random.Generator, relative: float, *values: Any, **static: Any) -> Any:
            from opreg.verify._rounding import shaken

            g, rest = split(values)
            return select(self.vjp(g, shaken(self.forward(*rest, **static), rng, relative), *rest, **static))

        def traced(*values: Any, **static: Any) -> Any:
            g, rest = split(values)
            return select(self.vjp(g, call(*rest, **static), *rest, **static))

        def reason(index: int) -> str | None:
            return None if index < count else self.reason(index - count)

        def differentiated(
            function: Callable[..., Any], cotangent: Any, values: Sequence[Any], static: dict[str, Any]
        ) -> tuple[Any, ...]:
            import opreg

            moving = [i for i, value in enumerate(values) if is_inexact(value) and reason(i) is None]

            def along(*some: Any) -> Any:
                full = list(values)
                for index, value in zip(moving, some, strict=True):
                    full[index] = value
                return function(*full, **static)

            _, pullback = opreg.vjp(along, *(values[index] for index in moving))
            result: list[Any] = [None] * len(values)
            for index, value in zip(moving, pullback(cotangent), strict=True):
                result[index] = np.zeros(np.shape(values[index])) if value is None else value
            return tuple(result)

        def vjp(cotangent: Any, _out: Any, *values: Any, **static: Any) -> tuple[Any, ...]:
            return differentiated(traced, cotangent, values, static)

        def nudged_vjp(
            rng: np.random.Generator,
            relative: float,
            whole: bool,
            cotangent: Any,
            _out: Any,
            *values: Any,
            **static: Any,
        ) -> tuple[Any, ...]:
            from opreg.verify._rounding import elsewhere, shaken

            rest = values[count:]
            plain = self.forward(*rest, **static)
            there = (
                elsewhere(self, plain, rest, static, rng, relative) if whole else shaken(plain, rng, relative)
            )
            moves = [
                b - a if is_inexact(a) else None for a, b in zip(outputs(plain), outputs(there), strict=True)
            ]

            def uneven(*values: Any, **static: Any) -> Any:
                g, rest = split(values)
                leaves = [
                    leaf if move is None else leaf + move
                    for leaf, move in zip(outputs(call(*rest, **static)), moves, strict=True)
                ]
                return select(self.vjp(g, packed(leaves, out), *rest, **static))

            return differentiated(uneven, cotangent, values, static)

        subject = Subject(
            name=f"the rule of {self.name}",
            forward=forward,
            vjp=vjp,
            reason=reason,
            elementwise=self.elementwise,
            trace=traced,
            registered=self.registered,
            order=self.order + 1,
            leading=count,
            shaken=nudged,
            shaken_vjp=nudged_vjp,
        )
        return subject, lambda g: (*outputs(g), *data)
