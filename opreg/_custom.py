"""Functions that bring rules of their own, or have none: custom_vjp, custom_jvp, checkpoint, stop_gradient.

Each is a function of containers, applied as a primitive over their leaves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from opreg._errors import DeclarationError
from opreg._primitive import Primitive
from opreg._space import space_of, spec_of
from opreg._trace import Function, is_traced, strip, zeros_like
from opreg._transforms import called, jvp, leaves_like, vjp
from opreg._tree import LEAF, Tree, flatten, unflatten


def stop_gradient(value: Any) -> Any:
    """Return the value, or container of values, as a constant: no derivative flows through it.

    >>> import opreg
    >>> opreg.grad(lambda x: x * opreg.stop_gradient(x))(3.0)
    3.0
    """
    leaves, tree = flatten(value)
    return strip(value) if tree is LEAF else unflatten(tree, [strip(leaf) for leaf in leaves])


def _bundled(
    name: str, fun: Function, forward: Function, vjp_rule: Function | None, jvp_rule: Function | None,
    with_residual: Function | None = None, authored: Function | None = None,
) -> Callable[[list[Any]], tuple[Any, ...]]:  # fmt: skip
    """Return a variadic primitive over leaves, for a function of containers that brings its own rules."""

    def apply(*leaves: Any) -> Any:
        return forward(*leaves)

    made = Primitive(apply, f"{getattr(fun, '__module__', None) or 'opreg'}.{name}")
    for rule, declare in (vjp_rule, made.defvjp), (jvp_rule, made.defjvp):
        if rule is not None:
            declare(rule)
            rule.__wrapped__ = authored or fun  # type: ignore[attr-defined]  # which an error message names
    if with_residual is not None:
        made.with_residual(with_residual)
    return lambda leaves: made.bind(*leaves)


class _Custom:
    """What custom_vjp, custom_jvp and checkpoint share: a function of containers made a primitive of leaves."""

    def __init__(self, fun: Function) -> None:
        self.fun = fun
        functools.update_wrapper(self, fun)  # type: ignore[arg-type]

    def apply(self, args: Sequence[Any], rules: Callable[[Any], dict[str, Any]]) -> Any:
        leaves, tree = flatten(tuple(args))
        shapes: list[Tree] = []

        def forward(*values: Any) -> Any:
            outs, out_tree = flatten(self.fun(*unflatten(tree, values)))
            shapes[:] = [out_tree]
            return tuple(outs)

        keep = _Shapes(tree, shapes)
        outs = _bundled(called(self.fun), self.fun, forward, **rules(keep))(leaves)
        return unflatten(shapes[0], outs)


class _Shapes:
    """The containers of one call: those of the arguments and, once computed, of the output."""

    def __init__(self, args: Tree, outs: list[Tree]) -> None:
        self.args, self._outs = args, outs

    def build_args(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(unflatten(self.args, leaves))

    def build_out(self, leaves: Sequence[Any]) -> Any:
        return unflatten(self._outs[0], leaves)

    def set_out(self, out: Any) -> tuple[Any, ...]:
        leaves, tree = flatten(out)
        self._outs[:] = [tree]
        return tuple(leaves)


class custom_vjp(_Custom):
    """Give a function a VJP of its own: ``defvjp(forward, backward)``, as in JAX.

    ``forward(*args)`` returns ``(output, residuals)``; ``backward(residuals, g)`` a tuple with one cotangent per
    argument, ``None`` for a zero or a static one.

    >>> import numpy as np, opreg
    >>> @opreg.custom_vjp
    ... def clipped(x):
    ...     return x * x
    >>> clipped.defvjp(lambda x: (x * x, x), lambda x, g: (g * np.clip(2 * x, -1, 1),))
    >>> opreg.grad(clipped)(3.0)
    1.0
    """

    _forward: Function | None = None
    _backward: Function | None = None

    def defvjp(self, forward: Function, backward: Function) -> None:
        """Set the forward function, which returns ``(output, residuals)``, and the backward one."""
        self._forward, self._backward = forward, backward

    def __call__(self, *args: Any) -> Any:
        forward, backward_ = self._forward, self._backward
        if forward is None or backward_ is None:
            raise DeclarationError(
                f"custom_vjp: {called(self.fun)} has no rule; call .defvjp(forward, backward)"
            )

        def rules(shapes: _Shapes) -> dict[str, Any]:
            def with_residual(*values: Any) -> Any:
                both = forward(*shapes.build_args(values))
                out, residual = _pair(
                    both, f"custom_vjp: the forward function of {called(self.fun)}", "(output, residuals)"
                )
                return shapes.set_out(out), residual

            def rule(g: Any, leaves: Any, residual: Any) -> Any:
                results = backward_(residual, shapes.build_out(g))
                if not isinstance(results, tuple) or len(results) != len(shapes.args.children):
                    raise DeclarationError(
                        f"custom_vjp: the backward rule of {called(self.fun)} must return a tuple of "
                        f"{len(shapes.args.children)} cotangents, one per argument; it returned a "
                        f"{type(results).__name__}"
                    )
                found = leaves_like(results, shapes.args, f"custom_vjp of {called(self.fun)}")
                return tuple(
                    zeros_like(v) if c is None and spec_of(v) is not None else _of_primal(c, v)
                    for c, v in zip(found, leaves, strict=True)
                )

            return {"vjp_rule": rule, "jvp_rule": None, "with_residual": with_residual, "authored": backward_}

        return self.apply(args, rules)


def _pair(both: Any, what: str, due: str) -> tuple[Any, Any]:
    """Return the two values that an author's function returned, or say what is due."""
    if not isinstance(both, tuple) or len(both) != 2:
        raise DeclarationError(f"{what} must return {due}; it returned a {type(both).__name__}")
    return both


def _of_primal(c: Any, primal: Any) -> Any:
    """Return a user's derivative as one of the primal's space where a cast suffices."""
    spec = spec_of(primal)
    return c if spec is None else space_of(strip(primal)).cast(c, spec)


class custom_jvp(_Custom):
    """Give a function a JVP of its own: ``defjvp(rule)``, as in JAX; the VJP is its transpose.

    ``rule(primals, tangents)`` returns ``(output, tangent)``.

    >>> import numpy as np, opreg
    >>> @opreg.custom_jvp
    ... def f(x):
    ...     return x * x
    >>> _ = f.defjvp(lambda primals, tangents: (f(*primals), 3.0 * tangents[0]))
    >>> opreg.grad(f)(2.0)
    3.0
    """

    _rule: Function | None = None

    def defjvp(self, rule: Function) -> Function:
        """Set the rule, a function of the tuples of primals and tangents."""
        self._rule = rule
        return rule

    def __call__(self, *args: Any) -> Any:
        jvp_rule = self._rule
        if jvp_rule is None:
            raise DeclarationError(f"custom_jvp: {called(self.fun)} has no rule; call .defjvp(rule)")

        def rules(shapes: _Shapes) -> dict[str, Any]:
            def rule(g: Any, leaves: Any) -> Any:
                both = jvp_rule(shapes.build_args(leaves), shapes.build_args(g))
                out, tangent = _pair(both, f"custom_jvp: the rule of {called(self.fun)}", "(output, tangent)")
                outs, tree = flatten(out)
                return tuple(
                    zeros_like(o) if t is None and spec_of(o) is not None else _of_primal(t, o)
                    for t, o in zip(leaves_like(tangent, tree, "custom_jvp"), outs, strict=True)
                )

            return {"vjp_rule": None, "jvp_rule": rule, "authored": jvp_rule}

        return self.apply(args, rules)


class checkpoint(_Custom):
    """Trade time for memory: what ``fun`` computes is not kept, but computed again in the backward pass.

    It is a function of values: what it writes into its arguments, where any of them is traced, the caller does not see.

    >>> import numpy as np, opreg
    >>> opreg.grad(opreg.checkpoint(lambda x: np.sin(np.sin(x))))(0.0)
    1.0
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not any(map(is_traced, flatten((args, kwargs))[0])):
            return self.fun(*args, **kwargs)

        @functools.wraps(self.fun)
        def fun(*values: Any) -> Any:  # of copies: it will be computed again from what it was given
            leaves, tree = flatten((values, kwargs))
            own = [v if space_of(v).owner(v) is None else copy(v) for v in leaves]
            values, static = unflatten(tree, own)
            return self.fun(*values, **static)

        def rules(shapes: _Shapes) -> dict[str, Any]:
            def over_leaves(leaves: Sequence[Any]) -> tuple[Function, list[int]]:
                moving = [i for i, v in enumerate(leaves) if spec_of(v) is not None]

                def run(*values: Any) -> tuple[Any, ...]:
                    filled = list(leaves)
                    for i, value in zip(moving, values, strict=True):
                        filled[i] = value
                    return tuple(flatten(fun(*shapes.build_args(filled)))[0])

                return run, moving

            def backward_rule(g: Any, leaves: Any) -> Any:
                run, moving = over_leaves(leaves)
                found = dict(zip(moving, vjp(run, *(leaves[i] for i in moving))[1](g), strict=True))
                return tuple(found.get(i) for i in range(len(leaves)))

            def forward_rule(g: Any, leaves: Any) -> Any:
                run, moving = over_leaves(leaves)
                return jvp(run, [leaves[i] for i in moving], [g[i] for i in moving])[1]

            return {"vjp_rule": backward_rule, "jvp_rule": forward_rule}

        return _Custom(fun).apply(args, rules)
