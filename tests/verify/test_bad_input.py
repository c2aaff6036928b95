"""Forwards, rules and samples that do what they must not: each a named finding, and nothing else is harmed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from opreg.testing import check_rule
from opreg.verify._bounds import Bounds
from opreg.verify._executors import Inline
from opreg.verify._record import Record
from opreg.verify._run import Options
from opreg.verify._session import verify

Install = Callable[..., None]
X = np.array([0.5, -1.5])

GOOD = """
import sys
import numpy as np
import opreg

calls = []

@opreg.primitive("{lib}.double")
def double(x, /):
    return 2 * x

double.defvjp(x=lambda g, x: 2 * g)

@double.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal(3),))

@opreg.primitive("{lib}.neighbour")
def neighbour(x, /):
    return 3 * x

neighbour.defvjp(x=lambda g: 3 * g)

@neighbour.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal(3),))

@opreg.hookimpl
def opreg_primitives():
    return [double, neighbour]
"""

FORWARDS = {
    "1 / 0": "the forward function raised ZeroDivisionError",
    "sys.exit(3)": "the forward function raised SystemExit",
    "x * np.nan": "the forward function returns NaN in every entry",
    "x * np.random.default_rng().random()": "the forward function gives another result when it is called again",
    "np.copy(np.multiply(x, 2, out=x))": "the forward function writes into its arguments",
    "np.resize(x, calls.append(0) or len(calls) % 2 + 1)": "the forward function changes its output's shape",
    "object()": "the forward function returned object, where numbers or arrays are due",
    "x.astype(object)": "the forward function returned an array of dtype object",
    "'2 x'": "the forward function returned str",
    "None": "the forward function returned NoneType",
    "np.sign(x).astype(int)": "holds no floating point number",
}
RULES = {
    "1 / 0": "the VJP rule raised ZeroDivisionError",
    "sys.exit(3)": "the VJP rule raised SystemExit",
    "object()": "returned object",
    "g.astype(object)": "returned an array of dtype object",
    "'2 g'": "returned str",
    "None": "the VJP rule returned None",
}
SAMPLES = {
    "raise OSError('no such file')": "'samples' raised OSError: no such file",
    "sys.exit(3)": "a sample generator raised SystemExit",
    "yield 4.0": "it yielded a float where an opreg.Sample is due",
    "yield None": "it yielded a NoneType where an opreg.Sample is due",
    "return 5": "'samples' raised TypeError",
    "yield opreg.Sample((object(),))": "the forward function raised TypeError",
}


def run(*names: str, **options: Any) -> Record:
    return verify(list(names), Inline(), Options(seed=5, **options), samples=2)


def found(installed: Install, source: str) -> list[str]:
    """What is said of the primitive whose source is bad; its neighbour must be verified all the same."""
    installed(mylib=source)
    record = run("mylib.double", "mylib.neighbour")
    assert record.primitives["mylib.neighbour"].verdict == "pass"
    assert record.primitives["mylib.double"].verdict in ("fail", "error")
    assert record.exit_status in (1, 4)
    said = [finding["diagnosis"] for finding in record.primitives["mylib.double"].findings]
    assert not any("the check itself broke" in text for text in said)
    return said


@pytest.mark.parametrize("text", FORWARDS)
def test_a_bad_forward_is_named_in_a_run(installed: Install, text: str) -> None:
    assert any(FORWARDS[text] in said for said in found(installed, GOOD.replace("2 * x", text)))


@pytest.mark.parametrize("text", FORWARDS)
def test_a_bad_forward_is_named_by_check_rule(text: str) -> None:
    forward = eval(f"lambda x: {text}", {"np": np, "sys": sys, "calls": []})
    verdict = check_rule(forward, lambda g, out, x: (2 * g,), (X,))
    assert verdict.outcome == "error"
    assert FORWARDS[text] in verdict.reason


@pytest.mark.parametrize("text", RULES)
def test_a_bad_rule_is_named_in_a_run(installed: Install, text: str) -> None:
    assert any(RULES[text] in said for said in found(installed, GOOD.replace("2 * g", text)))


@pytest.mark.parametrize("text", RULES)
def test_a_bad_rule_is_named_by_check_rule(text: str) -> None:
    vjp = eval(f"lambda g, out, x: ({text}, x)[:1] if {text!r} != 'None' else None", {"np": np, "sys": sys})
    verdict = check_rule(lambda x: 2 * x, vjp, (X,))
    assert verdict.outcome == "fail"
    assert RULES[text] in verdict.reason


def test_a_rule_of_the_wrong_number_of_cotangents_is_named(installed: Install) -> None:
    joint = GOOD.replace("double.defvjp(x=lambda g, x: 2 * g)", "double.defvjp(lambda g, x: (2 * g, g))")
    assert any("2 cotangents for 1 arguments" in said for said in found(installed, joint))
    verdict = check_rule(lambda x: 2 * x, lambda g, out, x: (2 * g, g), (X,))
    assert "2 cotangents for 1 arguments" in verdict.reason


@pytest.mark.parametrize("text", SAMPLES)
def test_bad_samples_are_named_in_a_run(installed: Install, text: str) -> None:
    source = GOOD.replace("yield opreg.Sample((rng.standard_normal(3),))", text, 1)
    assert any(SAMPLES[text] in said for said in found(installed, source))


@pytest.mark.skipif(sys.platform == "win32", reason="the platform has no interval timer")
def test_what_loops_for_ever_is_an_error_and_ends(installed: Install) -> None:
    forever = "[0 for _ in iter(int, 1)]"
    installed(one=GOOD.replace("2 * x", forever), two=GOOD.replace("2 * g", forever))
    record = run("one.double", "one.neighbour", "two.double", "two.neighbour", bounds=Bounds(0.05))
    assert {name: record.primitives[name].verdict for name in record.primitives} == {
        "one.double": "error",
        "one.neighbour": "pass",
        "two.double": "error",
        "two.neighbour": "pass",
    }
    verdict = check_rule(
        lambda x: 2 * x, lambda g, out, x: [0 for _ in iter(int, 1)], (X,), time_limit=0.05
    )  # fmt: skip
    assert verdict.outcome == "error"
    assert "it took longer than its limit of 0.05 s" in verdict.reason


def test_the_command_line_tells_of_each_and_goes_on(
    installed: Install, opreg_command: Callable[..., Any], sources: SimpleNamespace
) -> None:
    installed(mylib=GOOD.replace("2 * x", "x * np.nan"), other=GOOD.replace("2 * g", "None"))
    done = opreg_command("verify", "mylib", "other", "--executor", "inline", "--samples", "2", "--seed", "5")
    assert done.returncode == 1
    assert "the forward function returns NaN in every entry" in done.stdout
    assert "the VJP rule returned None" in done.stdout
    assert "2 verified, 1 failed, 1 in error" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_no_memory_is_enough_for_is_an_error() -> None:
    calls = []

    def greedy(x: Any) -> Any:
        calls.append(x)
        return 2 * x if len(calls) < 3 else np.ones(10**15)

    verdict = check_rule(greedy, lambda g, out, x: (2 * g,), (X,))
    assert verdict.outcome in ("error", "fail")
    assert "MemoryError" in verdict.reason
