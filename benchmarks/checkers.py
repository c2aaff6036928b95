"""Gradient checkers as their users call them, on a bare pair of functions: each returns, or raises what it found.

A rule is opreg's: `vjp(g, out, *args, **kwargs)` gives one cotangent per argument, in the convention dL/dx - i dL/dy.
For each peer the pair is wrapped by the means that the peer has for it (`torch.autograd.Function`, HIPS autograd's
`primitive` and `defvjp`, JAX's `custom_vjp` around `pure_callback`) and checked with default tolerances, first order,
reverse mode.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from opreg.testing import check_rule
from opreg.verify._checks import CHECKS
from opreg.verify._coordinates import is_inexact
from opreg.verify._rule import copies
from opreg.verify._screen import screen
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

Functions = tuple[Callable[..., Any], Callable[..., Any]]
Checker = Callable[[Functions, Sequence[Any], Mapping[str, Any], int], None]

FIRST_ORDER = ("structure", "linearity", "differences")


class Refused(Exception):
    """A checker does not accept a rule."""


def active(args: Sequence[Any]) -> tuple[int, ...]:
    """The arguments that have a derivative."""
    return tuple(i for i, value in enumerate(args) if is_inexact(value))


def first_look(subject: Subject, data: Sequence[Any], static: dict[str, Any], seed: int) -> Verdict:
    """What `opreg verify` does for a sample after the first round: a look, and the checks where that leaves it open."""
    verdict = screen(subject, copies(data), static, stream(seed, subject.name, "screen"))
    return verdict if verdict is not None else in_full(subject, data, static, seed)


def in_full(subject: Subject, data: Sequence[Any], static: dict[str, Any], seed: int) -> Verdict:
    """What `opreg verify` does for a sample of the first round: the checks of first order, reverse mode."""
    return Verdict.merge(
        CHECKS[name].run(subject, tuple(copies(data)), static, stream(seed, subject.name, name))
        for name in FIRST_ORDER
    )


def _opreg(decide: Callable[..., Verdict]) -> Checker:
    """One input, first order, reverse mode."""

    def check(functions: Functions, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            verdict = decide(Subject.from_functions(*functions), tuple(args), dict(kwargs), seed)
        if verdict.outcome in ("fail", "error"):
            raise Refused(verdict.reason)

    return check


def opreg_whole(functions: Functions, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> None:
    """`check_rule`: all checks, and the inputs derived from this one."""
    verdict = check_rule(*functions, args, kwargs, seed=seed)
    if verdict.outcome in ("fail", "error"):
        raise Refused(verdict.reason)


def _torch(fast: bool) -> Checker:
    import torch

    def tensor(value: Any) -> Any:
        return torch.from_numpy(np.array(value))

    def check(functions: Functions, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> None:
        forward, vjp = functions
        moving = active(args)

        def full(tensors: Sequence[Any]) -> list[Any]:
            values = list(args)
            for index, value in zip(moving, tensors, strict=True):
                values[index] = value.detach().numpy()
            return values

        class Wrapped(torch.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                out = forward(*full(tensors), **kwargs)
                ctx.tensors, ctx.out = tensors, out
                return tuple(map(tensor, out)) if isinstance(out, tuple) else tensor(out)

            @staticmethod
            def backward(ctx: Any, *gs: Any) -> Any:
                conjugated = tuple(np.conj(g.detach().resolve_conj().numpy()) for g in gs)
                g = conjugated if isinstance(ctx.out, tuple) else conjugated[0]
                result = vjp(g, ctx.out, *full(ctx.tensors), **kwargs)
                if not isinstance(result, (tuple, list)) or len(result) != len(args):
                    raise Refused("the number of cotangents")
                found = tuple(None if result[i] is None else tensor(np.conj(result[i])) for i in moving)
                return found if len(found) > 1 else found[0]

        torch.manual_seed(seed)
        inputs = tuple(tensor(args[index]).requires_grad_() for index in moving)
        torch.autograd.gradcheck(Wrapped.apply, inputs, fast_mode=fast)

    return check


def _hips() -> Checker:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def check(functions: Functions, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> None:
        forward, vjp = functions
        np.random.seed(seed)
        wrapped = primitive(lambda *values: forward(*values, **kwargs))

        def rule(index: int) -> Any:
            def made(out: Any, *values: Any) -> Any:
                def pull(g: Any) -> Any:
                    result = vjp(g, out, *values, **kwargs)
                    if not isinstance(result, (tuple, list)) or len(result) != len(args):
                        raise Refused("the number of cotangents")
                    return result[index]

                return pull

            return made

        defvjp(wrapped, *(rule(index) for index in range(len(args))))
        for index in active(args):
            check_grads(wrapped, argnum=index, modes=["rev"], order=1)(*args)

    return check


def _jax() -> Checker:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def like(value: Any) -> Any:
        array = np.asarray(value)
        return jax.ShapeDtypeStruct(array.shape, array.dtype)

    def check(functions: Functions, args: Sequence[Any], kwargs: Mapping[str, Any], seed: int) -> None:
        forward, vjp = functions
        moving = active(args)
        out = forward(*copies(args), **kwargs)
        many = isinstance(out, tuple)
        shapes = tuple(map(like, out)) if many else like(out)

        def full(values: Sequence[Any]) -> list[Any]:
            given = list(args)
            for index, value in zip(moving, values, strict=True):
                given[index] = np.array(value)
            return given

        def outputs(*values: Any) -> Any:
            result = forward(*full(values), **kwargs)
            return tuple(map(np.asarray, result)) if many else np.asarray(result)

        def cotangents(g: Any, result: Any, *values: Any) -> Any:
            g = tuple(map(np.array, g)) if many else np.array(g)
            result = tuple(map(np.array, result)) if many else np.array(result)
            found = vjp(g, result, *full(values), **kwargs)
            if not isinstance(found, (tuple, list)) or len(found) != len(args):
                raise Refused("the number of cotangents")
            return tuple(np.asarray(found[index]) for index in moving)

        @jax.custom_vjp
        def wrapped(*values: Any) -> Any:
            return jax.pure_callback(outputs, shapes, *values)

        def ahead(*values: Any) -> Any:
            result = wrapped(*values)
            return result, (result, values)

        def back(saved: Any, g: Any) -> Any:
            result, values = saved
            return jax.pure_callback(cotangents, tuple(map(like, values)), g, result, *values)

        wrapped.defvjp(ahead, back)
        np.random.seed(seed)
        check_grads(wrapped, tuple(args[index] for index in moving), order=1, modes=["rev"])

    return check


@cache
def checkers() -> dict[str, Checker]:
    """The checkers that can be imported here, by name."""
    found: dict[str, Checker] = {
        "opreg check_rule": opreg_whole,
        "opreg, one input in full": _opreg(in_full),
        "opreg, one input at first sight": _opreg(first_look),
    }
    if importlib.util.find_spec("torch"):
        found |= {"torch gradcheck": _torch(False), "torch gradcheck, fast": _torch(True)}
    if importlib.util.find_spec("autograd"):
        found["HIPS check_grads"] = _hips()
    if importlib.util.find_spec("jax"):
        found["JAX check_grads"] = _jax()
    return found
