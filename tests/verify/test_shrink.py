"""A failing input is made small: the smallest shape and the simplest numbers at which the rule still fails alike."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from opreg.testing import check_rule
from opreg.verify import _explain, _run, _shrink
from opreg.verify._executors import Inline
from opreg.verify._plan import Case
from opreg.verify._record import comparable
from opreg.verify._run import Options, replay
from opreg.verify._session import verify
from opreg.verify._shrink import Input, alike, fewest, shrink
from opreg.verify._verdict import Finding, Verdict

Install = Callable[..., None]

A = np.array([[0.73, -1.21, 2.4, 0.31], [1.37, 0.52, -0.66, -2.9], [0.11, 1.9, -1.4, 0.84]])
B = np.array([1.31, -0.47, 0.29, 2.2])


# name: forward, rule, arguments, keywords, the small input
WRONG: dict[str, tuple[Any, Any, tuple[Any, ...], dict[str, Any], str]] = {
    "sign": (np.cos, lambda g, out, x: (g * np.sin(x),), (A,), {}, "np.array(1.0)"),
    "factor": (np.square, lambda g, out, x: (g * x,), (A,), {}, "np.array(1.0)"),
    "of two arguments": (
        np.multiply, lambda g, out, x, y: (g * y, g * y), (A, A[::-1].copy()), {}, "np.array(1.0), np.array(2.0)",
    ),
    "only where x < 0": (np.abs, lambda g, out, x: (g,), (A,), {}, "np.array(-1.0)"),
    "off the diagonal": (np.abs, lambda g, out, x: (g,), (np.array([[0.7, -1.2], [2.4, 0.3]]),), {}, "np.array(-1.0)"),
    "only beyond 2": (np.square, lambda g, out, x: (g * np.where(x > 2, 0.5, 2) * x,), (A,), {}, "np.array(3.0)"),
    "one entry": (
        np.exp, lambda g, out, x: (g * out * (np.arange(x.size) != 2).reshape(x.shape),), (B,), {},
        "np.array([1.0, 1.0, 1.0])",
    ),
    "transposed": (
        np.transpose, lambda g, out, x: (g.copy(),), (A[:, :3].copy(),), {}, "np.array([[1.0, 1.0], [1.0, 1.0]])",
    ),
    "not summed": (
        np.multiply, lambda g, out, x, y: (g * y, g * x), (A, B), {}, "np.array([1.0]), np.array(1.0)",
    ),
    "ties": (np.max, lambda g, out, x: (g * (x == out),), (np.array([1.7, 0.2, 1.7, -3.1]),), {},
             "np.array([1.0, 1.0])"),
    "zero": (
        np.square, lambda g, out, x: (g * 2 * x * x / x,), (np.array([0.7, 0.0, -1.3]),), {}, "np.array(0.0)",
    ),
    "keyword": (
        lambda x, *, power=1: x**power, lambda g, out, x, power=1: (g + 0 * x,), (A,), {"power": 3},
        "np.array(1.0), power=0",
    ),
    "unused keyword": (
        lambda x, *, axis=None, scale=1.0: scale * np.sum(x, axis=axis),
        lambda g, out, x, axis=None, scale=1.0: (np.ones_like(x) * 2 * np.sum(g),), (A,), {"axis": 1, "scale": 2.5},
        "np.array(1.0)",
    ),
    "strided cotangent": (
        np.exp, lambda g, out, x: (g * out * (1 + (not g.flags.c_contiguous)),), (B,), {}, "np.array([1.0, 1.0])",
    ),
    "Fortran order": (
        np.exp, lambda g, out, x: (g * out * (1 + x.flags.c_contiguous),), (np.asfortranarray(A),), {},
        "np.array(1.0)",
    ),
    "not linear": (np.exp, lambda g, out, x: (np.abs(g) * out,), (A,), {}, "np.array(1.0)"),
    "conjugate": (np.square, lambda g, out, x: (2 * g * np.conj(x),), (B + 1j * B[::-1],), {}, "np.array(1j)"),
    "writes": (np.exp, lambda g, out, x: (np.multiply(g, out, out=g) + 0,), (B,), {}, "np.array(1.0)"),
    "returns None": (np.exp, lambda g, out, x: None, (A,), {}, "np.array(1.0)"),
    "float32": (
        np.exp, lambda g, out, x: (np.asarray(g * out, np.float64),), (A.astype(np.float32),), {},
        "np.array(1.0, np.float32)",
    ),
    "sort": (
        np.sort, lambda g, out, x: (g[np.argsort(x)],), (np.array([2.1, 0.4, -1.3, 0.7]),), {},
        "np.array([1.0, 2.0, -1.0])",
    ),
}  # fmt: skip


def first(name: str) -> Finding:
    forward, vjp, args, kwargs, _ = WRONG[name]
    verdict = check_rule(forward, vjp, args, kwargs)
    assert verdict.outcome == "fail", str(verdict)
    return verdict.findings[0]


@pytest.mark.parametrize("name", WRONG)
def test_the_input_is_small_and_simple(name: str) -> None:
    finding = first(name)
    assert finding.shrunk is not None
    assert finding.shrunk.input == WRONG[name][4]
    assert finding.input != finding.shrunk.input


@pytest.mark.parametrize("name", WRONG)
def test_the_lines_that_reproduce_it_run_as_printed_and_show_it(name: str) -> None:
    finding = first(name)
    assert finding.reproducer is not None and finding.shrunk is not None
    assert "your own function" not in finding.reproducer
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), np.printoptions(), np.errstate(all="ignore"):
        exec(finding.reproducer, {})
    got, expected = printed.getvalue().split("expected", 1)
    assert finding.shrunk.got is not None and finding.shrunk.expected is not None
    assert " ".join(got.removeprefix("got").split()) == finding.shrunk.got
    assert " ".join(expected.split()) == finding.shrunk.expected
    assert finding.shrunk.got != finding.shrunk.expected


def test_the_small_input_fails_the_same_check_in_the_same_way() -> None:
    # Wrong by its sign everywhere, and by much more at one: the small input must show the sign.
    def vjp(g: Any, out: Any, x: Any) -> tuple[Any]:
        return (np.where(x == 1.0, 7 * g, -g * out),)

    finding = check_rule(np.exp, vjp, (A,)).findings[0]
    assert "its sign is wrong" in finding.diagnosis
    assert finding.shrunk is not None
    assert finding.shrunk.input == "np.array(2.0)"


def test_findings_are_alike_but_for_numbers_and_places() -> None:
    def finding(text: str, check: str = "differences", argument: int = 0) -> Finding:
        return Finding(check, "fail", text, argument=argument)

    whole = finding(
        "the cotangent is wrong for argument 0 at [2, 1] (3 of 12 entries are wrong): it is 5 times what"
    )
    small = "the cotangent is wrong for argument 0"
    assert alike(whole, finding(small))
    assert alike(whole, finding(f"{small}: it is 2 times what (at the sample negated)"))
    assert not alike(whole, finding(f"{small}: its sign is wrong"))
    assert not alike(whole, finding("the cotangent is wrong at a kink of argument 0"))
    assert not alike(whole, finding(small, argument=1))
    assert not alike(whole, finding(small, check="structure"))
    raised = finding("the VJP rule raised ValueError: shapes (3,4) and (4,) differ")
    assert alike(raised, finding("the VJP rule raised ValueError: shapes (1,1) and (1,) differ"))
    assert not alike(raised, finding("the VJP rule raised TypeError: shapes (3,4) and (4,) differ"))


@pytest.mark.parametrize("needed", [{3}, {0, 6}, {1, 2, 7}, set(range(8))])
def test_the_fewest_parts_are_found(needed: set[int]) -> None:
    asked: list[frozenset[int]] = []

    def fails(kept: frozenset[int]) -> bool:
        asked.append(kept)
        return needed <= kept

    kept = fewest(8, fails)
    assert kept == (needed if len(needed) < 8 else None)
    assert len(set(asked)) < 60


def test_the_search_ends_after_a_number_of_evaluations() -> None:
    calls = []

    def fails(given: Input) -> list[Finding]:
        calls.append(given)
        # Any change is too much, but each place holds another value: the search cannot end early.
        return [FINDING] if np.sum(given.data[0] != 0) >= 7 * given.data[0].size // 8 else []

    start = Input((np.arange(1.0, 41.0) * 1.2345,), {})
    assert shrink(start, FINDING, fails) is not None
    assert len(calls) <= _shrink.MOST
    calls.clear()
    shrink(Input((np.arange(1.0, 1e5),), {}), FINDING, fails)
    assert len(calls) <= _shrink.FEW


FINDING = Finding("differences", "fail", "it is wrong", argument=0)


def test_a_failure_that_does_not_show_again_is_left_as_it_is() -> None:
    assert shrink(Input((A,), {}), FINDING, lambda given: []) is None


def test_two_runs_give_the_same_small_input_whatever_the_state_of_random_numbers() -> None:
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        found.append([first(name) for name in ("sort", "keyword")])
    assert found[0] == found[1]


def test_nothing_is_written_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert first("sort").shrunk is not None  # which takes a search by Hypothesis
    assert os.listdir(tmp_path) == []
    assert capsys.readouterr() == ("", "")


def test_without_hypothesis_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_explain, "installed", lambda: False)
    finding = first("sign")
    assert finding.shrunk is not None
    assert "that needs Hypothesis" in str(Verdict.of([finding]))
    assert finding.reproducer is not None and "0.73" in finding.reproducer


def test_it_can_be_switched_off(
    monkeypatch: pytest.MonkeyPatch, installed: Install, sources: SimpleNamespace
) -> None:
    def never(*anything: Any) -> Any:
        raise AssertionError

    forward, vjp, args, kwargs, _ = WRONG["sign"]
    installed(badlib=sources.wrong)
    monkeypatch.setattr(_run, "explained", never)
    monkeypatch.setattr("opreg.verify._bare.explained", never)
    verdict = check_rule(forward, vjp, args, kwargs, shrink=False)
    assert verdict.findings[0].shrunk is None
    record = verify(["badlib.softsign"], Inline(), Options(seed=5, shrink=False), samples=2)
    assert record.primitives["badlib.softsign"].verdict == "fail"


def test_a_run_explains_the_first_finding_of_each_check_and_argument(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(badlib=sources.wrong)
    reports = [
        json.dumps(comparable(verify(["badlib.softsign"], Inline(), Options(seed=5), samples=4).as_dict()))
        for _ in range(2)
    ]
    assert reports[0] == reports[1]
    findings = json.loads(reports[0])["primitives"][0]["findings"]
    seen = set()
    for finding in findings:
        new = (finding["check"], finding["argument"]) not in seen
        seen.add((finding["check"], finding["argument"]))
        assert (finding["shrunk"] is not None) == new
        assert (finding["reproducer"] is not None) == new
    differences = next(finding for finding in findings if finding["check"] == "differences")
    assert differences["shrunk"]["input"] == "np.array(1.0)"


def test_a_replayed_case_has_the_original_input_and_the_small_one(
    installed: Install, sources: SimpleNamespace, opreg_command: Callable[..., Any]
) -> None:
    installed(badlib=sources.wrong)
    case = Case("badlib.softsign", 0, 1, "differences", 5)
    sample, verdict = replay(case)
    assert sample is not None and isinstance(verdict, Verdict)
    shrunk = verdict.findings[0].shrunk
    assert shrunk is not None and shrunk.input == "np.array(1.0)"
    done = opreg_command("replay", str(case))
    assert done.returncode == 1
    assert str(sample.args[0][0])[:8] in done.stdout
    assert "small     np.array(1.0)" in done.stdout
    assert 'p = opreg.plugins.get("badlib.softsign")' in done.stdout


def test_the_lines_for_a_registered_rule_run_as_printed(
    installed: Install, sources: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = sources.good.replace("g / (1 + np.abs(x)) ** 2", "g / (1 + np.abs(opreg.stop_gradient(x))) ** 2")
    installed(badlib=sources.wrong, lost=lost)
    for case in (
        Case("badlib.softsign", 0, 0, "differences", 5),
        Case("lost.softsign", 0, 0, "second-order", 5),
    ):
        _, verdict = replay(case)
        assert isinstance(verdict, Verdict)
        code = verdict.findings[0].reproducer
        assert code is not None
        exec(code, {})
        got, expected = capsys.readouterr().out.splitlines()
        assert got.split(maxsplit=1)[1] != expected.split(maxsplit=1)[1]


def test_a_variant_at_which_a_rule_fails_is_made_small_itself(
    installed: Install, sources: SimpleNamespace
) -> None:
    # Right for the samples, which are positive, and wrong for their negative.
    source = sources.good.replace("rng.standard_normal(", "1.0 + rng.random(").replace(
        "g / (1 + np.abs(x)) ** 2", "g / (1 + x) ** 2"
    )
    installed(mylib=source)
    record = verify(["mylib.softsign"], Inline(), Options(seed=5, checks=("variants",)), samples=30)
    shrunk = [f["shrunk"] for f in record.primitives["mylib.softsign"].findings if f["shrunk"]]
    assert any("-" in small["input"] for small in shrunk)


def test_another_run_in_the_same_process_is_explained_anew(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.wrong)
    runs = [verify(["mylib.softsign"], Inline(), Options(seed=5), samples=2) for _ in range(2)]
    small = [[f["shrunk"] for f in run.primitives["mylib.softsign"].findings if f["shrunk"]] for run in runs]
    assert small[0] and small[0] == small[1]
