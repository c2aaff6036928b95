"""Mistakes in declarations: what `elementwise`, `deflinear`, `not_differentiable` and keyword parameters promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

import opreg
from mutants._rule import Registered
from opreg import Sample

KIND = "declaration"


def made(
    forward: Callable[..., Any], declare: Callable[[Any], Any], samples: Any
) -> Callable[[], opreg.Primitive]:
    """A primitive of `forward`, with what `declare` says of it, and samples."""

    def make() -> opreg.Primitive:
        primitive = opreg.primitive("mutants." + forward.__name__.strip("<>"))(forward)
        declare(primitive)
        primitive.samples(samples)
        return primitive

    return make


def vectors(rng: Generator) -> Iterator[Sample]:
    yield Sample((rng.standard_normal(4),))
    yield Sample((rng.standard_normal((2, 3)),))


def pairs(rng: Generator) -> Iterator[Sample]:
    yield Sample((rng.standard_normal((2, 3)), rng.standard_normal((2, 3))))
    yield Sample((rng.standard_normal((2, 3)), rng.standard_normal(3)))


def powers(rng: Generator) -> Iterator[Sample]:
    yield Sample((rng.standard_normal(4),))
    yield Sample((rng.standard_normal(4),), {"power": 3})


def axes(rng: Generator) -> Iterator[Sample]:
    yield Sample((rng.standard_normal((3, 3)),), {"axis": 0})
    yield Sample((rng.standard_normal((3, 3)),), {"axis": -1})


def sine(x: Any, /) -> Any:
    return np.sin(x)


def product(x: Any, y: Any, /) -> Any:
    return x * y


def power(x: Any, /, *, power: int = 2) -> Any:
    return x**power


def total(x: Any, /, *, axis: int = 0) -> Any:
    return np.sum(x, axis=axis)


def softmax(x: Any, /) -> Any:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def stairs(x: Any, /) -> Any:
    return np.floor(x) + 1e-3 * x


def affine(x: Any, /) -> Any:
    return 2 * x + 1


def with_residual(residual: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A declaration of a right rule of `sine` that asks for a residual, its own cosine."""

    def declare(primitive: Any) -> None:
        primitive.with_residual(residual)
        primitive.defvjp(x=lambda g, residual: g * residual)

    return declare


def selective(
    alone: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> Callable[[Any], Any]:
    """A declaration of a joint rule of `product` that is right for both, and `alone` where only one is needed."""

    def declare(primitive: Any) -> None:
        opreg.elementwise(primitive).defvjp(
            lambda g, x, y, needed: (g * y, g * x) if all(needed) else alone(g, x, y)
        )

    return declare


RULES = [
    Registered("sine: VJP", made(sine, lambda p: p.defvjp(x=lambda g, x: g * x), vectors)),
    Registered("sine: partial",
         made(sine, lambda p: opreg.elementwise(p, x=lambda x: np.cos(x) * (1 + 1e-10)), vectors)),
    Registered("sine: partial lost at second order",
               made(sine, lambda p: opreg.elementwise(p, x=lambda x: np.cos(opreg.stop_gradient(x))), vectors)),
    Registered("sine: VJP lost at second order",
               made(sine, lambda p: p.defvjp(x=lambda g, x: g * np.cos(opreg.stop_gradient(x))), vectors)),
    Registered("sine: JVP alone is wrong",
               made(sine, lambda p: (p.defvjp(x=lambda g, x: g * np.cos(x)), p.defjvp(x=lambda g, x: g * np.sin(x))),
                    vectors)),
    Registered("sine: the JVP from which the VJP comes",
               made(sine, lambda p: p.defjvp(x=lambda g, x: g * np.sin(x)), vectors)),
    Registered("sine: in float64 whatever comes",
               made(sine, lambda p: p.defvjp(x=lambda g, x: g * np.cos(x.astype(np.float64))), vectors)),
    Registered("product: not summed",
         made(product, lambda p: p.defvjp(x=lambda g, y: g * y, y=lambda g, x: g * x), pairs)),
    Registered("product: partials exchanged",
               made(product, lambda p: opreg.elementwise(p, x=lambda x: x, y=lambda y: y), pairs)),
    Registered("product: joint rule, one lost",
               made(product, lambda p: opreg.elementwise(p, x=lambda y: y, y=lambda x: 0 * x), pairs)),
    Registered("product: one alone is wrong", made(product, selective(lambda g, x, y: (g * y, g * y)), pairs)),
    Registered("product: one alone is None", made(product, selective(lambda g, x, y: (None, g * x)), pairs)),
    Registered("product: one alone is not summed",
               made(product, selective(lambda g, x, y: (g[..., None] * y[..., None], g * x)), pairs)),
    Registered("power: the keyword ignored", made(power, lambda p: p.defvjp(x=lambda g, x: g * 2 * x), powers)),
    Registered("power: the keyword ignored in the JVP",
               made(power, lambda p: (p.defvjp(x=lambda g, x, power: g * power * x ** (power - 1)),
                                      p.defjvp(x=lambda g, x: g * 2 * x)), powers)),
    Registered("total: the axis ignored",
               made(total, lambda p: p.defvjp(x=lambda g, x: np.broadcast_to(g, np.shape(x)) * 1.0), axes)),
    Registered("softmax: declared elementwise",
               made(softmax, lambda p: opreg.elementwise(p, x=lambda x: softmax(x) * (1 - softmax(x))), vectors)),
    Registered("stairs: declared constant",
         made(stairs, lambda p: p.not_differentiable("it is a staircase"), vectors)),
    Registered("sine: another output with the residual",
               made(sine, with_residual(lambda x: (np.sin(x) * (1 + 1e-9), np.cos(x))), vectors)),
    Registered("sine: an output of another shape with the residual",
               made(sine, with_residual(lambda x: (np.sin(x).ravel(), np.cos(x))), vectors)),
    Registered("sine: an output of another dtype with the residual",
               made(sine, with_residual(lambda x: (np.sin(x) + 0j, np.cos(x))), vectors)),
    Registered("sine: no pair with the residual", made(sine, with_residual(np.cos), vectors)),
    Registered("sine: the input is overwritten with the residual",
               made(sine, with_residual(lambda x: (np.sin(x), np.cos(x, out=x))), vectors)),
    Registered("sine: the JVP is never zero",
               made(sine, lambda p: (p.defvjp(x=lambda g, x: g * np.cos(x)),
                                     p.defjvp(x=lambda g, x: np.where(g == 0, 1.0, g) * np.cos(x))), vectors)),
    Registered("affine: declared linear", made(affine, lambda p: p.deflinear(x=lambda g: 2.1 * g), vectors)),
]  # fmt: skip
