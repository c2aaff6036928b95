"""A stranger's plugin, as a type checker sees it: `mypy --strict` on this file, against the installed wheel.

It is not run. Each line with a `type: ignore` is a mistake that the types must find: one not found is an
unused ignore, which is an error as well.
"""

from collections.abc import Iterable, Iterator
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import opreg
from opreg import Primitive, Sample, elementwise, hookimpl, primitive
from opreg.testing import check_rule, conformance

Array = NDArray[np.float64]


@primitive("mylib.softsign")
def softsign(x: Any, /) -> Any:
    """Return x / (1 + |x|)."""
    return x / (1 + np.abs(x))


assert_type(softsign, Primitive)
softsign.defvjp(x=lambda g, x: g / (1 + np.abs(x)) ** 2)
elementwise(softsign, x=lambda x: 1 / (1 + np.abs(x)) ** 2)


@softsign.samples
def samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((rng.standard_normal((3, 2)),))
    yield Sample((rng.standard_normal(3),), {}, note="one axis")


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return [softsign]


test_rules = conformance("mylib")
name: str = softsign.name
aliases: tuple[str, ...] = opreg.plugins.get("mul").aliases
outcome: str = check_rule(np.sin, lambda g, out, x: (g * np.cos(x),), (np.ones(3),)).outcome


def loss(x: Array) -> Any:
    return np.sum(x**2)


gradient = opreg.grad(loss)(np.ones(3))
value, slope = opreg.value_and_grad(loss)(np.ones(3))
out, pullback = opreg.vjp(loss, np.ones(3))
out, tangent = opreg.jvp(loss, (np.ones(3),), (np.ones(3),))
matrix = opreg.hessian(loss)(np.ones(3))

Sample(3.0)  # type: ignore[arg-type]
softsign.not_differentiable(3)  # type: ignore[arg-type]
opreg.grad(3)  # type: ignore[arg-type]
