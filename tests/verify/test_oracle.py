"""The oracle's bound holds: its derivative is never farther from mpmath's than it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from opreg.verify._differences import MEANINGFUL
from opreg.verify._oracle import EPSILON, SPACINGS, Oracle
from opreg.verify._seeds import stream

mpmath = pytest.importorskip("mpmath")

mp = mpmath.mp

# A function, its derivative in mpmath, the decimal exponents of the arguments' magnitudes, and whether both signs.
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], tuple[float, float], bool]] = {
    "exp": (np.exp, mp.exp, (-8, 2.5), True),
    "exp2": (np.exp2, lambda x: mp.log(2) * mp.power(2, x), (-8, 2.5), True),
    "expm1": (np.expm1, mp.exp, (-8, 2.5), True),
    "log": (np.log, lambda x: 1 / x, (-300, 300), False),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), (-8, 8), False),
    "log10": (np.log10, lambda x: 1 / (x * mp.log(10)), (-8, 8), False),
    "sqrt": (np.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), (-300, 300), False),
    "cbrt": (np.cbrt, lambda x: mp.cbrt(1 / abs(x)) ** 2 / 3, (-8, 8), True),
    "square": (np.square, lambda x: 2 * x, (-100, 100), True),
    "reciprocal": (np.reciprocal, lambda x: -1 / (x * x), (-100, 100), True),
    "power": (lambda x: x**2.5, lambda x: mp.mpf(5) / 2 * mp.power(x, 1.5), (-8, 8), False),
    "sin": (np.sin, mp.cos, (-8, 8), True),
    "cos": (np.cos, lambda x: -mp.sin(x), (-8, 8), True),
    "tan": (np.tan, lambda x: mp.sec(x) ** 2, (-8, 6), True),
    "sinh": (np.sinh, mp.cosh, (-8, 2.5), True),
    "cosh": (np.cosh, mp.sinh, (-8, 2.5), True),
    "tanh": (np.tanh, lambda x: mp.sech(x) ** 2, (-8, 2), True),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), (-8, 8), True),
    "arcsin": (np.arcsin, lambda x: 1 / mp.sqrt(1 - x * x), (-8, -0.05), True),
    "arcsinh": (np.arcsinh, lambda x: 1 / mp.sqrt(1 + x * x), (-8, 8), True),
    "hypot with 1": (lambda x: np.hypot(x, 1), lambda x: x / mp.sqrt(1 + x * x), (-8, 8), True),
    "a logistic": (lambda x: 1 / (1 + np.exp(-x)), lambda x: mp.sech(x / 2) ** 2 / 4, (-8, 2.5), True),
    "a bell": (lambda x: np.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x), (-8, 1), True),
    "x log x": (lambda x: x * np.log(x), lambda x: 1 + mp.log(x), (-8, 8), False),
    "a rational": (
        lambda x: x / (1 + x * x),
        lambda x: (1 - x * x) / (1 + x * x) ** 2,
        (-8, 8),
        True,
    ),
    "sin x over x": (lambda x: np.sin(x) / x, lambda x: (x * mp.cos(x) - mp.sin(x)) / x**2, (-3, 6), True),
    "a difference of near equals": (lambda x: (1 + x) ** 2 - 1 - 2 * x, lambda x: 2 * x, (-8, 0), True),
    "a sum beside 1e6": (lambda x: (x + 1e6) - 1e6, lambda x: 1, (-3, 8), True),
}


@pytest.mark.parametrize("extended", [True, False], ids=["extended", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_bound_holds_against_sixty_digits(name: str, extended: bool) -> None:
    forward, derivative, (low, high), signs = FUNCTIONS[name]
    rng = stream(11, name)
    x = 10.0 ** rng.uniform(low, high, 250)
    if signs:
        x *= rng.choice(np.array([-1.0, 1.0]), x.size)
    oracle = Oracle(forward, (x,), {}, (0,), forward(x), rng, extended=extended)
    every = np.arange(oracle.groups)
    with np.errstate(all="ignore"):
        oracle.start()
        oracle.measure_noise(rng)
        oracle.restart(every)
        for number in range(1, SPACINGS):
            oracle.improve(every, number)
    assert oracle.kind == "elementwise"
    with mp.workdps(60):
        exact = np.array([float(derivative(mp.mpf(float(v)))) for v in x])
    value, bound, scale, _ = oracle.pull(np.ones(x.size))
    # Beyond that a rule never fails.
    told = (bound <= MEANINGFUL * scale) & (np.abs(exact) < 1e300)
    off = np.abs(value - exact) - bound - 4 * EPSILON * scale
    assert not np.any(told & (off > 0)), x[told & (off > 0)]
    assert np.mean(bound <= 1e-5 * np.abs(exact)) > 0.5


def test_columns_blocks_and_directions_agree() -> None:
    rng = stream(3, "kinds")
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((1, 4))
    by_blocks = Oracle(np.multiply, (x, y), {}, (0, 1), x * y, rng)
    by_columns = Oracle(np.multiply, (x, y), {}, (0, 1), x * y, rng, elementwise=False)
    by_directions = Oracle(np.multiply, (x, y), {}, (0, 1), x * y, rng, elementwise=False, columns=4)
    assert [by_blocks.kind, by_columns.kind, by_directions.kind] == ["elementwise", "columns", "directions"]
    u = rng.standard_normal(x.size)
    pulled = []
    for oracle in (by_blocks, by_columns, by_directions):
        oracle.start()
        pulled.append(oracle.pull(u)[0])
    exact = np.concatenate([(u.reshape(x.shape) * y).ravel(), (u.reshape(x.shape) * x).sum(0)])
    assert np.allclose(pulled[0], exact, rtol=1e-11, atol=1e-11)
    assert np.allclose(pulled[1], exact, rtol=1e-11, atol=1e-11)
    assert np.allclose(pulled[2], by_directions.project(exact)[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (np.sort, (5,)),
        (np.transpose, (2, 2)),
        (np.cumsum, (6,)),
        (lambda x: x - x.mean(), (5,)),
        (np.flip, (2, 2)),
    ],
    ids=["sort", "transpose", "cumsum", "centred", "flip"],
)
def test_a_function_that_mixes_entries_is_not_taken_for_elementwise(
    forward: Any, shape: tuple[int, ...]
) -> None:
    for seed in range(10):
        x = stream(seed, "mixing").standard_normal(shape)
        oracle = Oracle(forward, (x,), {}, (0,), forward(x), stream(seed, "mixing", "oracle"))
        assert oracle.kind == "columns"


def test_a_wrong_hint_of_elementwise_is_seen_through() -> None:
    found = 0
    for seed in range(20):
        x = stream(seed, "hint").standard_normal(8)
        oracle = Oracle(np.cumsum, (x,), {}, (0,), np.cumsum(x), stream(seed, "hint", 1), elementwise=True)
        found += oracle.kind == "columns"
    assert found == 20


def test_extended_precision_is_used_where_the_function_has_it_only() -> None:
    x = np.linspace(0.5, 2.0, 4)
    rng = stream(0, "precision")

    def pretends(x: Any) -> Any:
        return np.sin(np.asarray(x, np.float64)).astype(np.asarray(x).dtype)

    real = Oracle(np.sin, (x,), {}, (0,), np.sin(x), rng)
    false = Oracle(pretends, (x,), {}, (0,), np.sin(x), rng)
    if np.finfo(np.longdouble).nmant >= 60:
        assert real.work is not real.float64
    assert false.work is false.float64


def test_a_kink_is_found_and_a_smooth_point_is_not_taken_for_one() -> None:
    x = np.array([0.0, 1.0, -2.0])
    oracle = Oracle(np.abs, (x,), {}, (0,), np.abs(x), stream(0, "kink"))
    oracle.start()
    kink = oracle.pull(np.ones(3))[3]
    assert kink[0] == pytest.approx(2.0, rel=1e-6)
    assert np.all(kink[1:] < 1e-12)


def test_the_edge_of_a_domain_is_met_from_inside() -> None:
    x = np.array([0.0])
    forward = lambda x: np.where(x < 0, np.nan, np.expm1(x))  # noqa: E731
    oracle = Oracle(forward, (x,), {}, (0,), forward(x), stream(0, "edge"))
    with np.errstate(invalid="ignore"):
        oracle.start()
    value, bound, *_ = oracle.pull(np.ones(1))
    assert abs(value[0] - 1) <= bound[0] <= 1e-4
