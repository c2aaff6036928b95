"""`check_rule` accepts right rules and catches wrong ones, at whatever seed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from opreg.testing import check_rule
from opreg.verify._seeds import stream

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    """A table of rules beside this file: not a test module, and pytest's import mode puts no folder on the path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


RIGHT = load("right_rules").RULES
WRONG = load("wrong_rules").WRONG


@pytest.mark.parametrize("rule", RIGHT, ids=lambda rule: rule.name)
def test_a_right_rule_passes(rule: Any) -> None:
    for seed in range(2):
        inputs = rule.inputs(stream(seed, rule.name))
        verdict = check_rule(rule.forward, rule.vjp, inputs, rule.kwargs, seed=seed)
        assert verdict.outcome == "pass", str(verdict)


@pytest.mark.parametrize("rule", WRONG, ids=lambda rule: rule.name)
def test_a_wrong_rule_fails_in_words(rule: Any) -> None:
    for seed in range(3):
        inputs = rule.inputs(stream(seed, rule.name))
        if hasattr(rule.vjp, "calls"):
            rule.vjp.calls = 0
        verdict = check_rule(rule.forward, rule.vjp, inputs, rule.kwargs, seed=seed)
        assert verdict.outcome == "fail", str(verdict)
        assert verdict.reason and verdict.findings
        assert all(finding.diagnosis for finding in verdict.findings)


EXPLAINED = {
    "sign": "its sign is wrong",
    "factor 2": "0.5 times",
    "mean without its factor": "5 times",
    "conj dropped": "conjugate",
    "transposed": "transposed",
    "not summed": "not summed over the broadcast axes",
    "abs(g)": "not linear",
    "single precision inside": "single precision",
    "writes into g": "writes into its cotangent",
    "writes into x": "writes into its arguments",
    "breaks for a strided g": "strided cotangent",
    "abs without sign": "only where x < 0",
    "NaN": "not finite",
    "zero gradient of a tiny slope": "it is zero, and the derivative is not",
    "reuses its buffer": "overwritten by a later call",
    "max gives every tie all, tied sample": "tie",
    "None": "returned NoneType",
    "a string": "returned str",
    "too few": "1 cotangents for 2 arguments",
    "float64 for float32": "float64",
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_known_mistake_is_named(name: str) -> None:
    rule = next(rule for rule in WRONG if rule.name == name)
    verdict = check_rule(rule.forward, rule.vjp, rule.inputs(stream(5, name)), rule.kwargs, seed=5)
    assert any(EXPLAINED[name] in finding.diagnosis for finding in verdict.findings), str(verdict)


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


def test_nothing_to_differentiate_is_no_pass() -> None:
    verdict = check_rule(lambda n: n + 1, lambda g, out, n: (None,), [np.arange(3)])
    assert verdict.outcome == "inconclusive"
    assert not verdict


def test_the_inputs_given_are_not_changed() -> None:
    x = np.array([1.0, 2.0])
    rule = next(rule for rule in WRONG if rule.name == "writes into x")
    check_rule(rule.forward, rule.vjp, [x])
    assert x.tolist() == [1.0, 2.0]


def test_the_same_seed_gives_the_same_verdict() -> None:
    rule = next(rule for rule in WRONG if rule.name == "factor 1 + 1e-9")
    inputs = rule.inputs(stream(1, "again"))
    one, two = (check_rule(rule.forward, rule.vjp, inputs, seed=9) for _ in range(2))
    assert one == two


def test_a_finding_reproduces_by_running_its_lines() -> None:
    verdict = check_rule(np.matmul, wrong_matmul, [np.array([[1.5, 2.0]]), np.array([[0.5], [3.0]])])
    found = next(finding for finding in verdict.findings if finding.check == "differences")
    assert found.reproducer is not None
    lines = [line for line in found.reproducer.splitlines() if not line.startswith(("from", "print"))]
    names: dict[str, Any] = {"matmul": np.matmul}
    exec("\n".join(lines), names)
    cotangents = wrong_matmul(names["g"], names["out"], *names["args"], **names["kwargs"])
    assert found.argument is not None and found.got is not None
    assert float(found.got) in np.asarray(cotangents[found.argument]).ravel()


def wrong_matmul(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return 2 * (g @ y.T), x.T @ g


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
