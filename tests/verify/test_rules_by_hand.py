"""What `check_rule` says of a bare pair of functions; `test_mutants.py` has the right and the wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from opreg.testing import check_rule


def test_a_wrong_jvp_is_caught_though_the_vjp_is_right() -> None:
    x = np.array([0.3, -1.2, 2.0])
    right = check_rule(
        np.sin, lambda g, out, x: (g * np.cos(x),), [x], jvp=lambda t, out, x: t[0] * np.cos(x)
    )
    wrong = check_rule(
        np.sin, lambda g, out, x: (g * np.cos(x),), [x], jvp=lambda t, out, x: t[0] * np.cos(x) * (1 + 1e-10)
    )
    assert right.outcome == "pass", str(right)
    assert wrong.outcome == "fail"


@pytest.mark.parametrize("factor", [1e5, 1e13, 1e20, 1e64])
def test_a_rule_that_is_wrong_by_far_is_wrong_though_its_rounding_is_large_beside_what_is_due(
    factor: float,
) -> None:
    for x in np.array([0.3, 0.7, 1.9]), np.array([0.3e-10, 0.7e-9]):
        verdict = check_rule(np.square, lambda g, out, x: (factor * g * x,), [x])
        assert verdict.outcome == "fail", str(verdict)


def test_a_forward_that_raises_is_an_error_of_the_forward() -> None:
    def forward(x: Any) -> Any:
        raise RuntimeError("no such file")

    verdict = check_rule(forward, lambda g, out, x: (g,), [np.ones(2)])
    assert verdict.outcome == "error"
    assert "forward function raised RuntimeError: no such file" in verdict.reason


def test_a_forward_that_is_random_is_an_error_of_the_forward() -> None:
    rng = np.random.default_rng(0)
    verdict = check_rule(lambda x: x + rng.standard_normal(), lambda g, out, x: (g,), [np.ones(2)])
    assert verdict.outcome == "error"
    assert "another result when it is called again" in str(verdict)


def test_a_forward_that_writes_into_its_argument_is_an_error_of_the_forward() -> None:
    def forward(x: Any) -> Any:
        x *= 2
        return x.copy()

    verdict = check_rule(forward, lambda g, out, x: (2 * g,), [np.ones(2)])
    assert verdict.outcome == "error"
    assert "writes into its arguments" in verdict.reason


def test_what_is_shown_of_arguments_that_were_written_into_is_what_was_given() -> None:
    def doubling(x: Any) -> Any:
        x *= 2
        return x.copy()

    def tripling(g: Any, out: Any, x: Any) -> Any:
        x *= 3
        return (2 * g * x / 3,)

    x = np.array([1.0, 2.0])
    for forward, rule in (doubling, lambda g, out, x: (2 * g,)), (np.square, tripling):
        verdict = check_rule(forward, rule, [x])
        assert "writes into its arguments" in str(verdict)
        assert verdict.findings[0].input == "np.array([1.0, 2.0])"


def test_nothing_to_differentiate_is_no_pass() -> None:
    verdict = check_rule(lambda n: n + 1, lambda g, out, n: (None,), [np.arange(3)])
    assert verdict.outcome == "inconclusive"
    assert not verdict


def test_the_inputs_given_are_not_changed() -> None:
    def writes(g: Any, out: Any, x: Any) -> Any:
        x += 1
        return (g * out,)

    x = np.array([1.0, 2.0])
    check_rule(np.exp, writes, [x])
    assert x.tolist() == [1.0, 2.0]


def test_the_same_seed_gives_the_same_verdict() -> None:
    def off(g: Any, out: Any, x: Any) -> Any:
        return (g * out * (1 + 1e-9),)

    x = np.array([0.3, -1.2, 2.0])
    one, two = (check_rule(np.exp, off, [x], seed=9) for _ in range(2))
    assert one.outcome == "fail"
    assert one == two


def test_a_rule_that_returns_float64_is_right_for_float64_and_wrong_for_float32() -> None:
    def vjp(g: Any, out: Any, x: Any) -> tuple[Any]:
        return (g * (x == out) / np.sum(x == out),)  # dividing by an int64 scalar widens float32

    x = np.random.default_rng(0).standard_normal((2, 3))
    assert check_rule(np.max, vjp, (x,))
    verdict = check_rule(np.max, vjp, (x.astype(np.float32),))
    assert verdict.outcome == "fail"
    assert "has the dtype float64, its primal float32" in verdict.findings[0].diagnosis


def _refused(g: Any, out: Any, x: Any) -> tuple[None]:
    return (None,)


def test_what_is_declared_constant_must_be_constant_between_its_jumps() -> None:
    x = np.array([1.3, -2.7, 0.0, 3.0])
    assert check_rule(np.floor, _refused, (x,))
    assert check_rule(np.argmax, _refused, (x,))
    verdict = check_rule(lambda x: np.floor(x) + 1e-3 * x, _refused, (x,))
    assert verdict.outcome == "fail"
    assert "changes in proportion to its input" in verdict.findings[0].diagnosis
    assert check_rule(np.sin, _refused, (x.astype(np.float32),)).outcome == "fail"


@pytest.mark.parametrize("factor", [2.0, np.array([[1.5, 2.0, 3.0], [1.0, -1.0, 0.5]])])
def test_a_wrong_rule_of_several_outputs_of_different_shapes_is_a_failure_with_words(factor: Any) -> None:
    def forward(x: Any) -> Any:
        return x.sum(axis=0) ** 2, np.exp(x)

    def vjp(g: Any, out: Any, x: Any) -> tuple[Any]:
        return (factor * (g[0] * 2 * x.sum(axis=0) + g[1] * out[1]),)

    verdict = check_rule(forward, vjp, (np.random.default_rng(0).standard_normal((2, 3)),))
    assert verdict.outcome == "fail", str(verdict)
    assert "the cotangent is wrong for argument 0" in verdict.reason
