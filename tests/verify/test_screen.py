"""The first look at a sample: it passes what is plainly right, fails nothing, and leaves everything else open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import opreg
from opreg import Sample, plugins
from opreg.verify import _run
from opreg.verify._executors import Inline
from opreg.verify._messages import Batch
from opreg.verify._plan import Case, Shard
from opreg.verify._run import Options
from opreg.verify._screen import screen, screen_each, signature, stacked
from opreg.verify._seeds import stream
from opreg.verify._session import verify
from opreg.verify._subject import Subject

RNG = np.random.default_rng(7)
X = RNG.standard_normal((3, 4))
Y = RNG.standard_normal((4, 2))


def seen(forward: Callable[..., Any], vjp: Callable[..., Any], *data: Any, seed: int = 0) -> Any:
    return screen(Subject.from_functions(forward, vjp), data, {}, stream(seed, "first look"))


def cube(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    return (g * 3 * x**2,)


def product(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, ...]:
    return g @ y.T, x.T @ g


@pytest.mark.parametrize("name", ["multiply", "tanh", "matmul", "sum", "cumsum", "maximum", "concatenate"])
def test_shipped_primitives_pass_and_are_resolved(name: str) -> None:
    primitive = plugins.get(f"numpy.{name}")
    subject = Subject.of(primitive)
    args: tuple[Any, ...] = {
        "multiply": (X, X[0]), "tanh": (X,), "matmul": (X, Y), "sum": (X,), "cumsum": (X,),
        "maximum": (X, X[::-1] ** 3 + 5), "concatenate": ([X, X + 1],),
    }[name]  # fmt: skip
    data, static = primitive.canonical(args, {})
    verdicts = [screen(subject, data, static, stream(seed, name)) for seed in range(10)]
    passed = [verdict for verdict in verdicts if verdict is not None]
    assert len(passed) >= 8
    assert all(verdict.outcome == "pass" and (verdict.digits or 0) > 8 for verdict in passed)


def test_complex_values_and_several_outputs_are_seen_too() -> None:
    z = X + 1j * X[::-1]
    assert seen(lambda z: z**3, lambda g, out, z: (g * 3 * z**2,), z)
    assert not seen(lambda z: z**3, lambda g, out, z: (g * 3 * np.conj(z) ** 2,), z)
    both = lambda x: (x**2, x.sum())  # noqa: E731
    assert seen(both, lambda g, out, x: (2 * g[0] * x + g[1],), X)
    assert not seen(both, lambda g, out, x: (2 * g[0] * x,), X)


def remembered(kept: list[Any] = []) -> Callable[..., Any]:  # noqa: B006
    def rule(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        if not kept:
            kept.append(np.empty_like(x))
        kept[0][...] = g * 3 * x**2
        return (kept[0],)

    return rule


def writing(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
    result = (g * 3 * x**2,)
    g *= 0
    return result


WRONG: dict[str, Callable[..., Any]] = {
    "sign": lambda g, out, x: (-g * 3 * x**2,),
    "factor": lambda g, out, x: (g * 3 * (1 + 1e-8) * x**2,),
    "one entry": lambda g, out, x: (g * 3 * x**2 * (1 + 1e-6 * (np.arange(x.size).reshape(x.shape) == 5)),),
    "abs": lambda g, out, x: (np.abs(g) * 3 * x**2,),
    "relu": lambda g, out, x: (np.maximum(g, 0) * 3 * x**2,),
    "cubic in g": lambda g, out, x: (g**3 * 3 * x**2,),
    "float32 dtype": lambda g, out, x: ((g * 3 * x**2).astype(np.float32),),
    "float32 inside": lambda g, out, x: ((g * 3 * x**2).astype(np.float32).astype(float),),
    "shape": lambda g, out, x: ((g * 3 * x**2)[0],),
    "memory of x": lambda g, out, x: (x,),
    "contiguous only": lambda g, out, x: (g.ravel(order="K").reshape(x.shape) * 3 * x**2 if g.flags.c_contiguous
                                          else np.zeros_like(x),),
    "buffer": remembered(),
    "writes into g": writing,
    "writes into x": lambda g, out, x: (x.fill(1.0), g * 3 * x**2)[1:],
    "a list": lambda g, out, x: ((g * 3 * x**2).tolist(),),
    "none": lambda g, out, x: (None,),
    "number": lambda g, out, x: (g, g),
    "raises": lambda g, out, x: 1 / 0,
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("elementwise", [True, False])
def test_no_wrong_rule_passes(name: str, elementwise: bool) -> None:
    for seed in range(10):
        subject = Subject("cube", lambda x: x**3, WRONG[name], elementwise=elementwise)
        assert screen(subject, (X,), {}, stream(seed, name)) is None


def test_an_argument_that_is_zero_throughout_is_left_open() -> None:
    wrong = lambda g, out, x, y: (g * y, 17 * g * x)  # noqa: E731
    assert seen(lambda x, y: (x * y).sum(), wrong, np.arange(1.0, 4.0), np.zeros(3)) is None


def test_what_a_rule_writes_reaches_nobody_else() -> None:
    x = X.copy()
    seen(lambda x: x**3, WRONG["writes into x"], x)
    assert np.array_equal(x, X)


def test_a_right_rule_passes_in_either_way() -> None:
    for elementwise in (True, False):
        assert (
            screen(Subject("cube", lambda x: x**3, cube, elementwise=elementwise), (X,), {}, stream(0))
            is not None
        )


@pytest.mark.parametrize(
    ("forward", "vjp", "x"),
    [
        (np.abs, lambda g, out, x: (g * np.sign(x),), np.array([1.0, 0.0, -2.0])),  # a kink
        (lambda x: x**3, cube, X.astype(np.float32)),  # another precision
        (lambda x: x**3, cube, np.zeros((0, 2))),  # nothing to compare
        (np.log, lambda g, out, x: (g / x,), np.array([1e-300, -1.0])),  # outside the domain
        (lambda x: np.round(x, 8), lambda g, out, x: (g * 1.0,), X),  # steps that drown the derivative
    ],
)
def test_what_cannot_be_seen_at_once_is_left_open(forward: Any, vjp: Any, x: Any) -> None:
    assert seen(forward, vjp, x) is None


def test_a_forward_that_takes_a_leading_axis_is_called_once_for_all_points() -> None:
    calls = []

    def forward(x: Any, y: Any) -> Any:
        calls.append(x.shape)
        return x @ y

    assert seen(forward, product, X, Y)
    assert calls == [(3, 4), (12, 3, 4), (3, 4)]  # the output, all points, one of them to compare with


def running(x: Any, axis: int) -> Any:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


@pytest.mark.parametrize(
    ("forward", "wrong"),
    [
        (lambda x: x - x.mean(), lambda g, out, x: (g,)),
        # On a stack of points around x the mean over the first axis is that of the points: x, whatever moves.
        (lambda x: x - x.mean(axis=0), lambda g, out, x: (g,)),
        # The first, or the last, of the points alone is what the function makes of it.
        (lambda x: np.cumsum(x, axis=0), lambda g, out, x: (g,)),
        (lambda x: running(x, 0), lambda g, out, x: (g,)),
    ],
)
def test_a_forward_that_mixes_a_leading_axis_is_called_for_each_point(forward: Any, wrong: Any) -> None:
    assert seen(forward, wrong, X) is None
    calls = []

    def counted(x: Any) -> Any:
        calls.append(x.shape)
        return forward(x)

    assert seen(counted, lambda g, out, x: opreg.vjp(forward, x)[1](g), X)
    assert calls.count(X.shape) >= 12


def test_samples_of_one_signature_are_looked_at_together() -> None:
    primitive = plugins.get("numpy.multiply")
    subject = Subject.of(primitive)
    several = [(RNG.standard_normal((3, 4)), RNG.standard_normal(4)) for _ in range(8)]
    assert len({signature(subject, data, {}) for data in several}) == 1
    assert signature(subject, (X, X), {}) != signature(subject, several[0], {})
    together = stacked(subject, several)
    assert [np.shape(value) for value in together] == [(8, 3, 4), (8, 1, 4)]
    assert screen(subject, together, {}, stream(0)) is not None


def each(
    forward: Callable[..., Any], vjp: Callable[..., Any], several: list[tuple[Any, ...]]
) -> tuple[list[Any], list[Any]]:
    """What is said of samples together, and of each alone."""
    subject = Subject.from_functions(forward, vjp)

    def rngs() -> list[np.random.Generator]:
        return [stream(0, "look", number) for number in range(len(several))]

    alone = [screen(subject, data, {}, rng) for data, rng in zip(several, rngs(), strict=True)]
    return screen_each(subject, several, {}, rngs()), alone


def test_of_samples_together_is_said_what_is_said_of_each_alone() -> None:
    calls = []

    def forward(x: Any, y: Any) -> Any:
        calls.append(np.shape(x))
        return x @ y

    several = [(RNG.standard_normal((3, 4)), Y * number) for number in range(1, 6)]
    together, alone = each(forward, product, several)
    assert all(together)
    assert [v.digits for v in together] == pytest.approx([v.digits for v in alone], abs=0.1)
    assert (60, 3, 4) in calls


def test_one_sample_at_which_a_rule_is_wrong_is_left_open_and_no_other() -> None:
    def wrong(g: Any, out: Any, x: Any) -> tuple[Any, ...]:
        return (g * out * (1 + 1e-6 * (x[0, 0] > 50)),)

    several = [(X,), (X + 60 * (np.arange(12).reshape(3, 4) == 0),), (X - 1,)]
    together, alone = each(np.exp, wrong, several)
    assert [verdict is None for verdict in together] == [verdict is None for verdict in alone] == [0, 1, 0]


@pytest.mark.parametrize("stacks", [True, False])
def test_one_sample_at_which_the_forward_cannot_be_moved_is_left_open_and_no_other(stacks: bool) -> None:
    edge = np.linspace(6.0, 7.0, 12)

    def forward(x: Any) -> Any:
        if np.ndim(x) > 1 and not stacks:
            raise TypeError("a vector is due")
        if np.max(x) > 5 and not np.array_equal(x, edge):
            raise ValueError("far out")
        return np.sqrt(x)

    several = [(np.linspace(1.0, 2.0, 12),), (edge,), (np.linspace(2.0, 3.0, 12),)]
    together, _ = each(forward, lambda g, out, x: (g / (2 * out),), several)
    assert [verdict is None for verdict in together] == [0, 1, 0]


def test_a_function_that_bends_within_reach_is_seen_from_nearer_by() -> None:
    def bent(x: Any) -> Any:
        return np.sqrt(x - 0.95)

    assert seen(bent, lambda g, out, x: (g / (2 * out),), np.linspace(1.0, 1.1, 4))
    assert not seen(bent, lambda g, out, x: (g / (2 * out) * (1 + 1e-6),), np.linspace(1.0, 1.1, 4))


@pytest.fixture
def registered() -> Any:
    def make(rule: Callable[..., Any], shape: tuple[int, ...] = (3,)) -> str:
        p = opreg.primitive("screened.cube")(lambda x, /: x**3)
        p.defvjp(x=rule)

        @p.samples
        def _(rng: np.random.Generator) -> Any:
            for _ in range(4):
                yield Sample((rng.uniform(1, 2, shape),))

        plugins.register(p)
        return p.name

    yield make
    plugins.reset()


def test_later_rounds_are_decided_at_first_sight_and_replay(
    registered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = registered(lambda g, x: g * 3 * x**2)
    decided: list[tuple[int, str]] = []
    original = _run._decided

    def count(subject: Any, check: Any, case: Case, *rest: Any) -> Any:
        decided.append((case.round, check.name))
        return original(subject, check, case, *rest)

    monkeypatch.setattr(_run, "_decided", count)
    messages = list(_run.decide(Shard(name, 0, 3), Options(3)))
    tallies = [tally for m in messages if isinstance(m, Batch) for tally in m.checks.values()]
    assert sum(tally.outcomes.get("pass", 0) for tally in tallies) >= 4 * 16
    assert {check for number, check in decided if number == 0} >= {"structure", "linearity", "differences"}
    assert not {check for number, check in decided if number} & {"structure", "linearity", "differences"}
    _, verdict = _run.replay(Case(name, 2, 1, "differences", 3))
    assert verdict.outcome == "pass"  # type: ignore[union-attr]


def test_a_rule_that_is_wrong_in_later_rounds_only_fails(registered: Any) -> None:
    name = registered(lambda g, x: g * 3 * x**2 * (1 + 1e-4 * (x[..., 0] > 1.9)[..., None]))
    record = verify([name], Inline(), Options(5), samples=80)
    assert record.primitives[name].verdict == "fail"
