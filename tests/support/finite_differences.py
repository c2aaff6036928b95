"""A quick finite-difference check of a primitive on its own samples, for the tests of the families.

It is independent of the verifier: central differences in double precision, along random directions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import opreg
from opreg import plugins
from opreg.testing import compared

STEP = 6e-6


def inexact(value: Any) -> bool:
    return isinstance(value, (float, complex)) or (
        isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"
    )


def direction(rng: np.random.Generator, value: Any) -> Any:
    """Return a random array of the shape, dtype and realness of ``value``."""
    dtype = np.result_type(value)
    drawn = rng.standard_normal(np.shape(value))
    if dtype.kind == "c":
        drawn = drawn + 1j * rng.standard_normal(np.shape(value))
    return np.asarray(drawn).astype(dtype)


def wide(value: Any) -> Any:
    """Return the value in double precision."""
    if not inexact(value):
        return value
    return np.asarray(value).astype(np.complex128 if np.iscomplexobj(value) else np.float64, order="K")


def parts(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def pair(cotangents: Any, tangents: Any) -> float:
    """Return Re(sum(c t)), summed over the parts that have a derivative."""
    pairs = zip(parts(cotangents), parts(tangents), strict=True)
    return float(
        sum(np.real(np.sum(np.multiply(wide(c), wide(t)))) for c, t in pairs if inexact(t) and c is not None)
    )


def moved(data: Any, tangents: Any, step: float) -> list[Any]:
    return [x if t is None else wide(x) + step * wide(t) for x, t in zip(data, tangents, strict=True)]


def slope(function: Callable[..., Any], data: Any, tangents: Any) -> list[Any]:
    """Return the directional derivative of each output, by central differences of fourth order."""
    step = 2e-2 if loose_of(parts(function(*moved(data, tangents, 0.0)))) else STEP
    at = {k: parts(function(*moved(data, tangents, k * step))) for k in (-2, -1, 1, 2)}
    return [
        (8 * (a - b) - (c - d)) / (12 * step) if inexact(a) else a
        for a, b, c, d in zip(at[1], at[-1], at[2], at[-2], strict=True)
    ]


def close(got: float, expected: float, scale: float, loose: bool, what: str) -> None:
    tolerance = (2e-4 if loose else 1e-6) * (1.0 + scale)
    assert abs(got - expected) <= tolerance, f"{what}: {got} where finite differences give {expected}"


def check(
    name: str, *, second: bool = True, skip: Callable[[Any], bool] = lambda sample: False, seed: int = 0
) -> int:
    """Check the rules of a primitive on its samples and return how many calls were checked.

    ``skip`` says of which samples the finite differences do not exist (ties, kinks).
    """
    primitive = plugins.get(name)
    rng = np.random.default_rng(seed)
    count = 0
    for generate in primitive.sample_generators:
        for sample in generate(rng):
            if not skip(sample):
                with warnings.catch_warnings():
                    # Of an unsafe cast, which the sample asks for.
                    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                    check_sample(primitive, sample, rng, second)
                count += 1
    assert count, f"{name} has no samples"
    return count


def check_sample(primitive: Any, sample: Any, rng: np.random.Generator, second: bool) -> None:
    what = f"{primitive.name}{sample.args!r} {dict(sample.kwargs)!r} {sample.note}"
    data, static = primitive.canonical(sample.args, sample.kwargs)
    shown = compared(primitive)
    moving = [i for i, x in enumerate(data) if inexact(x) and primitive.reason(i) is None]
    if not moving:
        return

    def along(*values: Any) -> Any:
        full = list(data)
        for i, value in zip(moving, values, strict=True):
            full[i] = value
        return shown.bind(*full, **static)

    primals = [data[i] for i in moving]
    before = [np.array(x, copy=True) for x in primals]
    out, pull = opreg.vjp(along, *primals)
    reference = shown.forward(*data, **static)
    for got, expected in zip(parts(out), parts(reference), strict=True):
        np.testing.assert_allclose(
            got, expected, rtol=2e-5 if loose_of(data) else 1e-10, atol=1e-12, err_msg=what
        )
        assert np.result_type(got) == np.result_type(expected), what
    if not any(inexact(part) for part in parts(out)):
        return
    g = [direction(rng, part) if inexact(part) else None for part in parts(out)]
    shaped = (
        type(out)(*g) if hasattr(out, "_fields") else type(out)(g) if isinstance(out, (tuple, list)) else g[0]
    )
    cotangents = pull(shaped)
    for c, x, kept in zip(cotangents, primals, before, strict=True):
        assert np.shape(c) == np.shape(x) and np.result_type(c) == np.result_type(x), f"{what}: {c!r}"
        assert np.array_equal(x, kept), f"{what}: the rule wrote into its data"
    loose = loose_of([*data, *parts(out)])
    forward = lambda *values: shown.forward(*_with(data, moving, values), **static)  # noqa: E731
    for _ in range(3):
        tangents = [direction(rng, x) for x in primals]
        expected_slope = slope(forward, primals, tangents)
        expected = pair(g, expected_slope)
        scale = sum(float(np.sum(np.abs(c))) for c in cotangents)
        close(pair(list(cotangents), tangents), expected, scale, loose, f"VJP of {what}")
        _, moved_out = opreg.jvp(
            along, tuple(primals), tuple(_typed(t, x) for t, x in zip(tangents, primals, strict=True))
        )
        for part, tangent in zip(parts(out), parts(moved_out), strict=True):
            if inexact(part):
                assert np.shape(tangent) == np.shape(part) and np.result_type(tangent) == np.result_type(
                    part
                ), what
        close(pair(g, parts(moved_out)), expected, scale, loose, f"JVP of {what}")
    if second and not loose:
        check_second(along, primals, shaped, rng, what)


def check_second(along: Any, primals: Any, g: Any, rng: np.random.Generator, what: str) -> None:
    """Check the derivative of the VJP with respect to the data and the cotangent, in both modes."""
    weights = [direction(rng, x) for x in primals]
    g_leaves = [part for part in parts(g) if part is not None]

    def rule(*values: Any) -> Any:
        xs, gs = values[: len(primals)], iter(values[len(primals) :])
        filled = [None if part is None else next(gs) for part in parts(g)]
        out, pull = opreg.vjp(along, *xs)
        shaped = (
            type(out)(*filled)
            if hasattr(out, "_fields")
            else type(out)(filled)
            if isinstance(out, (tuple, list))
            else filled[0]
        )
        return tuple(pull(shaped))

    values = [*(_typed(wide(x), x) for x in primals), *g_leaves]
    found, pull = opreg.vjp(rule, *values)
    cotangents = pull(tuple(_typed(w, f) for w, f in zip(weights, found, strict=True)))
    tangents = [direction(rng, v) for v in values]
    expected = pair(weights, slope(rule, values, tangents))
    scale = sum(float(np.sum(np.abs(c))) for c in cotangents)
    close(pair(list(cotangents), tangents), expected, 10 * scale, False, f"second order of {what}")
    _, pushed = opreg.jvp(
        rule, tuple(values), tuple(_typed(t, v) for t, v in zip(tangents, values, strict=True))
    )
    close(
        pair(weights, list(pushed)), expected, scale, False, f"second order, forward over reverse, of {what}"
    )


def loose_of(values: Any) -> bool:
    return any(inexact(x) and np.result_type(x) in (np.float32, np.complex64) for x in values)


def _with(data: Any, moving: list[int], values: Any) -> list[Any]:
    full = list(data)
    for i, value in zip(moving, values, strict=True):
        full[i] = value
    return full


def _typed(value: Any, like: Any) -> Any:
    """Return a 0-d array as the Python number that ``like`` is."""
    return (
        type(like)(value)
        if isinstance(like, (float, complex)) and not isinstance(like, np.generic)
        else value
    )
