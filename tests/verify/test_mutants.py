"""The verifier's own proof: every wrong rule of `mutants` fails, every right one passes.

Here with one seed; `benchmarks/detect.py` does it with a hundred fresh ones.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opreg.verify._checks import CHECKS
from opreg.verify._verdict import Verdict

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    """A package beside this file: pytest's import mode puts no folder on the path."""
    if name not in sys.modules:
        where = HERE / name
        spec = importlib.util.spec_from_file_location(
            name, where / "__init__.py", submodule_search_locations=[str(where)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


mutants = load("mutants")
WRONG = {rule.name: rule for rules in mutants.WRONG.values() for rule in rules}
RIGHT = {rule.name: rule for rules in mutants.RIGHT.values() for rule in rules}


def cases(rules: dict[str, Any], excused: dict[str, str]) -> list[Any]:
    """One parameter per rule; those excused may fail, with the reason."""
    return [
        pytest.param(
            rule,
            id=name,
            marks=pytest.mark.xfail(reason=excused[name], strict=False) if name in excused else (),
        )
        for name, rule in rules.items()
    ]


@pytest.mark.parametrize("rule", cases(WRONG, mutants.MISSED))
def test_a_wrong_rule_fails_in_words(rule: Any) -> None:
    verdict = rule.judge(seed=0)
    assert verdict.outcome == "fail", str(verdict)
    assert verdict.reason and verdict.findings
    assert all(finding.diagnosis for finding in verdict.findings)


@pytest.mark.parametrize("rule", cases(RIGHT, mutants.REJECTED))
def test_a_right_rule_passes(rule: Any) -> None:
    verdict = rule.judge(seed=0)
    if rule.name in mutants.UNRESOLVED:
        assert verdict.outcome == "inconclusive", str(verdict)
    else:
        assert verdict.outcome == "pass", str(verdict)


def test_the_set_is_large_and_various() -> None:
    names = [rule.name for rules in mutants.WRONG.values() for rule in rules]
    assert len(names) == len(WRONG) >= 120
    assert len({name.split(":")[0] for name in names}) >= 40
    assert sum(map(len, mutants.RIGHT.values())) == len(RIGHT) >= 80
    assert WRONG.keys() >= mutants.MISSED.keys()
    assert RIGHT.keys() >= mutants.REJECTED.keys() | mutants.UNRESOLVED.keys()


CAUGHT_BY = {
    "structure": "exp: reuses its buffer",
    "linearity": "exp: abs(g)",
    "adjoint": "sin: JVP's sign",
    "differences": "cos: sign",
    "second-order": "cube: half lost",
    "layout": "exp: breaks for Fortran inputs",
    "precision": "sine: in float64 whatever comes",
    "constancy": "stairs: declared constant",
}


@pytest.mark.parametrize("check", CAUGHT_BY)
def test_each_check_catches_what_it_is_for(check: str) -> None:
    assert check in CHECKS
    verdict: Verdict = WRONG[CAUGHT_BY[check]].judge(seed=1)
    assert check in {finding.check for finding in verdict.findings}, str(verdict)


EXPLAINED = {
    "cos: sign": "its sign is wrong",
    "square: factor 2": "0.5 times",
    "mean: its factor": "5 times",
    "conj: not conjugated": "conjugate",
    "transpose: not transposed": "transposed",
    "multiply: not summed": "not summed over the broadcast axes",
    "exp: abs(g)": "not linear",
    "exp: single precision inside": "single precision",
    "exp: writes into g": "writes into its cotangent",
    "exp: writes into x": "writes into its arguments",
    "exp: breaks for a strided g": "strided cotangent",
    "abs: 1": "only where x < 0",
    "exp: NaN": "not finite",
    "1e-6 x: zero": "it is zero, and the derivative is not",
    "exp: reuses its buffer": "overwritten by a later call",
    "max: all to every tie, given ties": "tie",
    "exp: None": "returned NoneType",
    "exp: a string": "returned str",
    "multiply: one too few": "1 cotangents for 2 arguments",
    "exp: float64 for float32": "float64",
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_known_mistake_is_named(name: str) -> None:
    verdict = WRONG[name].judge(seed=5)
    assert any(EXPLAINED[name] in finding.diagnosis for finding in verdict.findings), str(verdict)
