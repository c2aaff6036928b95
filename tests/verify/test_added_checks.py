"""Checks that plugins add: found through the hook, named, selected, run with opreg's own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from opreg import plugins
from opreg.cli import cli
from opreg.testing import Check, Finding, Verdict
from opreg.verify._subject import Subject

Install = Callable[..., None]

ADDS = '''
import numpy as np
import opreg
from opreg.testing import Check

def odd(subject, data, static, rng):
    """The function is odd, as all of this library are."""
    (x,) = data
    if not np.allclose(subject.forward(-x), -subject.forward(x)):
        yield "it is not odd"

def applies(subject, data, static):
    return None if subject.name.startswith("{lib}.") else "it is not of {lib}"

@opreg.hookimpl
def opreg_checks():
    return [Check("{lib}-odd", odd, applies=applies)]
'''


def opreg(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_an_added_check_runs_with_the_others_and_can_be_chosen(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(oddlib=sources.good + ADDS)
    done = opreg("verify", "oddlib", "--executor", "inline", "--check", "oddlib-odd", "--samples", "3")
    assert done.exit_code == 0, done.output
    assert "oddlib-odd" in opreg("list", "--checks").output
    assert "The function is odd, as all of this library are." in opreg("list", "--checks").output
    everything = opreg("verify", "oddlib", "numpy.sin", "--executor", "inline", "--samples", "3", "--json")
    import json

    report = json.loads(everything.stdout)
    by_name = {primitive["name"]: primitive["checks"] for primitive in report["primitives"]}
    assert by_name["oddlib.softsign"]["oddlib-odd"]["pass"] >= 3
    assert by_name["numpy.sin"]["oddlib-odd"]["inapplicable"] == {
        "it is not of oddlib": by_name["numpy.sin"]["structure"]["cases"]
    }


def test_what_an_added_check_says_is_a_failure_with_a_case(
    installed: Install, sources: SimpleNamespace
) -> None:
    even = sources.good.replace("return x / (1 + np.abs(x))", "return x * x").replace(
        "g / (1 + np.abs(x)) ** 2", "g * 2 * x"
    )
    installed(evenlib=even + ADDS)
    done = opreg("verify", "evenlib", "--executor", "inline", "--seed", "4")
    assert done.exit_code == 1
    assert "evenlib-odd fail: it is not odd" in done.output
    replayed = opreg("replay", "evenlib.softsign:0.0:evenlib-odd:4")
    assert replayed.exit_code == 1
    assert "it is not odd" in replayed.output


def test_an_unknown_check_is_wrong_usage_with_near_names() -> None:
    done = opreg("verify", "numpy.sin", "--check", "linearty")
    assert done.exit_code == 2
    assert "there is no check 'linearty'. Did you mean linearity or lint?" in done.stderr


def test_only_the_chosen_checks_run(installed: Install, sources: SimpleNamespace) -> None:
    import json

    installed(mylib=sources.good)
    done = opreg(
        "verify", "mylib", "--executor", "inline", "--check", "adjoint", "--check", "structure", "--json"
    )
    (primitive,) = json.loads(done.stdout)["primitives"]
    assert {name for name, tally in primitive["checks"].items() if tally["cases"]} - {"samples"} == {
        "adjoint", "structure"
    }  # fmt: skip


def test_two_checks_of_one_name_and_what_is_no_check_are_problems(
    installed: Install, sources: SimpleNamespace
) -> None:
    twice = ADDS.replace('"{lib}-odd"', '"odd"')
    installed(onelib=sources.good + twice, twolib=sources.good + twice)
    done = opreg("verify", "onelib", "--executor", "inline", "--samples", "1")
    assert done.exit_code == 1
    assert "adds the check 'odd'" in done.output
    plugins.reset()
    installed(nolib=sources.good + ADDS.replace('[Check("{lib}-odd", odd, applies=applies)]', "[odd]"))
    assert any("which is not an opreg.testing.Check" in problem.message for problem in _problems())


def _problems() -> list[plugins.Problem]:
    plugins.load_all()
    return plugins.problems()


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (lambda *args: None, "pass"),
        (lambda *args: [], "pass"),
        (lambda *args: ["it is wrong"], "fail"),
        (lambda *args: Verdict("waived", "not here"), "waived"),
        (lambda *args: Verdict.of([Finding("mine", "fail", "it is wrong")]), "fail"),
        (lambda *args: 1 / 0, "error"),
    ],
)
def test_what_a_body_may_say(body: Any, outcome: str) -> None:
    sine = Subject.from_functions(np.sin, lambda g, out, x: (g * np.cos(x),))
    verdict = Check("mine", body, doc="Nothing.").run(sine, (np.ones(2),), {}, np.random.default_rng(0))
    assert verdict.outcome == outcome
