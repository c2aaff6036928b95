"""Composites: a failing call is written as its author wrote it, and named tuples keep their type."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import opreg
from opreg import Sample, plugins
from opreg.verify._executors import Inline
from opreg.verify._run import Options
from opreg.verify._session import verify


class Parts(NamedTuple):
    """A result with two fields."""

    total: Any
    squares: Any


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    plugins.reset()


def decided(made: Any) -> dict[str, Any]:
    plugins.register(made)
    report = verify([made.name], Inline(), Options(seed=1), samples=2).as_dict()
    found: dict[str, Any] = report["primitives"][0]
    return found


def composite(name: str, body: Any, original: Any, *samples: Sample) -> Any:
    made = opreg.composite(name)(body)
    made.original = lambda: original  # type: ignore[method-assign]
    made.samples(lambda rng: iter(samples))
    return made


def test_a_failing_call_is_told_and_reproduced_as_it_is_written() -> None:
    def weighted(x: Any, y: Any, axis: Any = None) -> Any:
        return np.sum(x * y, axis=axis)

    def loses_y(x: Any, y: Any, axis: Any = None) -> Any:
        return np.sum(x * opreg.stop_gradient(y), axis=axis)

    x, y = np.array([[0.5, -0.25, 2.0], [1.5, 3.0, -1.0]]), np.array([1.0, 2.0, 4.0])
    found = decided(composite("tests.weighted", loses_y, weighted, Sample((x, y), {"axis": 0})))
    finding = next(f for f in found["findings"] if f["check"] == "differences")
    assert finding["input"].endswith("np.array([1.0, 2.0, 4.0]), axis=0")
    lines = finding["reproducer"]
    assert "args, kwargs = p.canonical((" in lines
    assert "dict(axis=0)" in lines
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(lines, names)
    assert not np.allclose(names["got"], names["expected"])
    assert printed.getvalue().startswith("got")


@pytest.mark.parametrize("right", [True, False])
def test_the_cotangent_of_a_named_tuple_has_its_type(right: bool) -> None:
    def parts(x: Any) -> Parts:
        return Parts(np.sum(x), x * x)

    def body(x: Any) -> Parts:
        return Parts(np.sum(x), x * (x if right else opreg.stop_gradient(x)))

    found = decided(composite("tests.parts", body, parts, Sample((np.array([1.5, -0.5]),))))
    assert found["verdict"] == ("pass" if right else "fail"), found["findings"]
    if not right:
        assert "structure where" not in str(found["findings"])
