"""What the tables consist of: a function with its rule and its samples, bare or registered, and how it is judged."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

import opreg
from opreg.testing import check_rule
from opreg.verify._checks import CHECKS
from opreg.verify._rule import copies
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

Draw = Callable[[Generator], tuple[Any, ...]]


@dataclass(frozen=True)
class Rule:
    """A bare pair of functions; `name` is "function: what is special about it".

    `inputs` draws the arguments, `kwargs` are the keywords; `more` are further samples of both. A `vjp` that is a
    class keeps a state, and is made anew for each judgement.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    inputs: Draw
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    more: tuple[tuple[Draw, Mapping[str, Any]], ...] = ()
    jvp: Callable[..., Any] | None = None

    def rule(self) -> Callable[..., Any]:
        """The VJP, in its first state."""
        return self.vjp() if isinstance(self.vjp, type) else self.vjp

    def samples(self, seed: int) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        """The arguments and keywords of each sample."""
        for number, (draw, kwargs) in enumerate(((self.inputs, self.kwargs), *self.more)):
            yield draw(stream(seed, self.name, number)), dict(kwargs)

    def judge(self, seed: int, *, shrink: bool = True) -> Verdict:
        """What `check_rule` says of the samples, until it fails one."""
        verdicts: list[Verdict] = []
        for args, kwargs in self.samples(seed):
            verdicts.append(
                check_rule(self.forward, self.rule(), args, kwargs, jvp=self.jvp, seed=seed, shrink=shrink)
            )
            if verdicts[-1].outcome == "fail":
                return verdicts[-1]
        return Verdict.merge(verdicts)


@dataclass(frozen=True)
class Registered:
    """A primitive with its samples, judged by every check as `opreg verify` runs them."""

    name: str
    make: Callable[[], opreg.Primitive]

    def judge(self, seed: int, *, shrink: bool = True) -> Verdict:
        """The verdict of every check on every sample, until one fails."""
        primitive = self.make()
        subject = Subject.of(primitive)
        verdicts: list[Verdict] = []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for generator in primitive.sample_generators:
                for number, sample in enumerate(generator(stream(seed, self.name))):
                    data, static = primitive.canonical(sample.args, sample.kwargs)
                    for check in CHECKS.values():
                        if check.applies(subject, data, static) is None:
                            rng = stream(seed, self.name, check.name, number)
                            verdicts.append(check.run(subject, tuple(copies(data)), dict(static), rng))
                            if verdicts[-1].outcome == "fail":
                                return verdicts[-1]
        return Verdict.merge(verdicts)


# What is drawn ----------------------------------------------------------------------------------------------------


def normal(*shape: int) -> Draw:
    return lambda rng: (rng.standard_normal(shape),)


def positive(*shape: int) -> Draw:
    return lambda rng: (rng.uniform(0.1, 3.0, shape),)


def inside(*shape: int) -> Draw:
    return lambda rng: (rng.uniform(-0.9, 0.9, shape),)


def between(low: float, high: float, *shape: int) -> Draw:
    return lambda rng: (rng.uniform(low, high, shape),)


def wide(*shape: int) -> Draw:
    return lambda rng: (10.0 ** rng.uniform(-8, 8, shape) * rng.choice([-1.0, 1.0], shape),)


def spread(*shape: int) -> Draw:
    return lambda rng: (10.0 ** rng.uniform(-8, 8, shape),)


def complexes(*shape: int) -> Draw:
    return lambda rng: (rng.standard_normal(shape) + 1j * rng.standard_normal(shape),)


def values(*given: Any) -> Draw:
    """These arguments, always."""
    return lambda rng: tuple(np.array(v) if isinstance(v, list) else v for v in given)


def cast(dtype: Any, make: Draw) -> Draw:
    return lambda rng: tuple(np.asarray(a).astype(dtype) for a in make(rng))


def single(make: Draw) -> Draw:
    def narrow(a: Any) -> Any:
        return np.asarray(a).astype(np.complex64 if np.iscomplexobj(a) else np.float32)

    return lambda rng: tuple(narrow(a) for a in make(rng))


def pair(first: Draw, second: Draw) -> Draw:
    return lambda rng: first(rng) + second(rng)


def holes(*shape: int) -> Draw:
    """Entries of which some, the first among them, are exactly zero."""

    def make(rng: Generator) -> tuple[Any, ...]:
        kept = rng.random(shape) < 0.6
        kept.reshape(-1)[0] = False
        return (rng.standard_normal(shape) * kept,)

    return make


def ties(*shape: int) -> Draw:
    return lambda rng: (rng.integers(-2, 3, shape).astype(float),)


def tied_pair(*shape: int) -> Draw:
    """Two arrays of small integers, equal in the first entry at least."""

    def make(rng: Generator) -> tuple[Any, ...]:
        x, y = rng.integers(-2, 3, (2, *shape)).astype(float)
        y.reshape(-1)[0] = x.reshape(-1)[0]
        return x, y

    return make


def well_conditioned(n: int, *stack: int) -> Draw:
    return lambda rng: (rng.standard_normal((*stack, n, n)) + n * np.eye(n),)


def symmetric(n: int) -> Draw:
    def make(rng: Generator) -> tuple[Any, ...]:
        a = rng.standard_normal((n, n))
        return (a + a.T,)

    return make


def definite(n: int) -> Draw:
    def make(rng: Generator) -> tuple[Any, ...]:
        a = rng.standard_normal((n, n))
        return (a @ a.T + n * np.eye(n),)

    return make


def triangular(n: int) -> Draw:
    return lambda rng: (np.tril(rng.standard_normal((n, n))) + n * np.eye(n),)


# What rules have in common ----------------------------------------------------------------------------------------


def unbroadcast(g: Any, x: Any) -> Any:
    shape = np.shape(x)
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(g)[i] != 1)
    g = np.sum(g, axis=axes, keepdims=True) if axes else g
    g = np.asarray(g) if np.iscomplexobj(x) else np.real(np.asarray(g))
    return g.astype(np.asarray(x).dtype)


def fit(g: Any, x: Any) -> Any:
    """In the dtype of `x`: the real part where that is real."""
    return np.asarray(g if np.iscomplexobj(x) else np.real(g), np.asarray(x).dtype)


def of_reals(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The function on real numbers alone: it raises for others."""

    @functools.wraps(forward)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if any(np.iscomplexobj(a) for a in args):
            raise TypeError("this is a function of real numbers")
        return forward(*args, **kwargs)

    return checked


def safe(x: Any) -> Any:
    """A denominator that is 1 where it would be 0."""
    return np.where(x == 0, np.ones_like(x), x)


def adjugate(a: Any) -> Any:
    """det(a) inv(a), for 3 by 3 matrices, singular ones too."""
    rows = np.stack([np.cross(a[..., (i + 1) % 3, :], a[..., (i + 2) % 3, :]) for i in range(3)], axis=-2)
    return T(rows)


def T(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def expand(g: Any, x: Any, axis: int | None) -> Any:
    return np.broadcast_to(g if axis is None else np.expand_dims(g, axis), np.shape(x)).copy()


def share(g: Any, out: Any, x: Any, axis: int | None = None) -> tuple[Any]:
    """The rule of max and min: tied entries share the gradient equally."""
    wide_out = out if axis is None else np.expand_dims(out, axis)
    mask = (x == wide_out).astype(x.dtype)
    wide_g = g if axis is None else np.expand_dims(g, axis)
    return (wide_g * mask / np.sum(mask, axis=axis, keepdims=axis is not None, dtype=x.dtype),)


def prod_rule(g: Any, out: Any, x: Any) -> tuple[Any]:
    flat = x.ravel()
    others = np.array([np.prod(np.delete(flat, i)) for i in range(flat.size)], dtype=x.dtype)
    return ((g * others).reshape(x.shape).astype(x.dtype),)


def sort_rule(g: Any, out: Any, x: Any) -> tuple[Any]:
    result = np.empty_like(x)
    result[np.argsort(x, kind="stable")] = g
    return (result,)


def scatter(g: Any, x: Any, key: Any) -> Any:
    """Zeros of the shape of `x` with `g` added at `key`, duplicates summed."""
    result = np.zeros_like(x)
    np.add.at(result, key, g)
    return result
