"""The oracle's bound holds: its derivative is never farther from mpmath's than it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from opreg.verify._oracle import SPACINGS, Oracle
from opreg.verify._seeds import stream
from opreg.verify._stencil import UNKNOWN

mpmath = pytest.importorskip("mpmath")

FUNCTIONS: list[tuple[str, Callable[..., Any], Callable[[Any], Any], tuple[float, float]]] = [
    ("exp", np.exp, lambda x: mpmath.exp(x), (-3, 3)),
    ("log", np.log, lambda x: 1 / x, (0, 1e4)),
    ("sqrt", np.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x)), (0, 1e4)),
    ("tanh", np.tanh, lambda x: mpmath.sech(x) ** 2, (-20, 20)),
    ("sin", np.sin, lambda x: mpmath.cos(x), (-1e3, 1e3)),
    ("arctan", np.arctan, lambda x: 1 / (1 + x * x), (-1e4, 1e4)),
    ("reciprocal", np.reciprocal, lambda x: -1 / (x * x), (-10, 10)),
    ("a rational", lambda x: x / (1 + x * x), lambda x: (1 - x * x) / (1 + x * x) ** 2, (-1e2, 1e2)),
    ("a difference of near equals", lambda x: (1 + x) ** 2 - 1 - 2 * x, lambda x: 2 * x, (-1e-2, 1e-2)),
]


@pytest.mark.parametrize("extended", [True, False], ids=["extended", "float64"])
@pytest.mark.parametrize(("name", "forward", "derivative", "domain"), FUNCTIONS, ids=lambda v: str(v)[:12])
def test_the_bound_holds_against_sixty_digits(
    name: str, forward: Any, derivative: Any, domain: tuple[float, float], extended: bool
) -> None:
    rng = stream(11, name)
    low, high = domain
    x = rng.uniform(low, high, 120) * 10.0 ** rng.uniform(-6, 0, 120)
    x = np.where(x == 0, 1.0, x) if low >= 0 else x
    out = forward(x)
    oracle = Oracle(forward, (x,), {}, (0,), out, rng, extended=extended)
    oracle.measure_noise(rng)
    oracle.start()
    every = np.arange(oracle.groups)
    for number in range(1, SPACINGS):
        oracle.improve(every, number)
    assert oracle.kind == "elementwise"
    with mpmath.workdps(60):
        exact = np.array([float(derivative(mpmath.mpf(float(v)))) for v in x])
    value, bound, scale, _ = oracle.pull(np.ones(x.size))
    known = bound < UNKNOWN / 1e50
    rounding = 4 * 2.0**-53 * scale
    assert np.all(np.abs(value - exact)[known] <= (bound + rounding)[known])
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
