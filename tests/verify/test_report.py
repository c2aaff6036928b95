"""The reports of a run: one record, four files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as etree

import pytest
from rich.console import Console

from opreg.plugins import Problem
from opreg.verify._display import display
from opreg.verify._executors import Inline
from opreg.verify._messages import Batch, Tally
from opreg.verify._plan import Plan
from opreg.verify._record import OUTCOMES, Record, verdict_of
from opreg.verify._report import CannotWrite, junit, prepare, write
from opreg.verify._run import Options
from opreg.verify._session import verify
from opreg.verify._state import recall, remember

Install = Callable[..., None]


@pytest.fixture
def record(installed: Install, sources: SimpleNamespace) -> Record:
    installed(mylib=sources.good, badlib=sources.wrong, bare=sources.without_samples)
    found = verify(
        ["badlib.softsign", "bare.softsign", "mylib.softsign"], Inline(), Options(seed=5), samples=4
    )
    found.problems = [Problem("odd", "opreg-odd", "0.1", "plugin 'odd' <b>broke</b> & \x00 died")]
    return found


def test_every_report_is_written(record: Record, tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b")
    write(record, tmp_path / "a" / "b")
    found = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert found == ["junit.xml", "report.html", "report.json", "summary.md"]


def test_report_json_keeps_the_contract(record: Record, tmp_path: Path) -> None:
    write(record, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert report["schema"] == "opreg-report/1"
    assert {"seed", "started", "seconds", "executor", "workers", "versions"} <= report["run"].keys()
    assert {"primitives", "cases", *OUTCOMES} <= report["summary"].keys()
    assert [primitive["name"] for primitive in report["primitives"]] == sorted(record.primitives)
    for primitive in report["primitives"]:
        assert {"plugin", "distribution", "version", "digest", "verdict", "cases"} <= primitive.keys()
        for finding in primitive["findings"]:
            assert finding.keys() == {
                "check", "verdict", "case", "input", "argument", "got", "expected", "error_bound", "diagnosis",
                "reproducer", "shrunk",
            }  # fmt: skip
    assert report["primitives"][0]["distribution"] == "opreg-badlib"
    assert report["primitives"][0]["version"] == "1.2"


def test_the_numbers_of_a_report_add_up(record: Record) -> None:
    report = record.as_dict()
    summary = report["summary"]
    assert summary["cases"] == sum(summary[outcome] for outcome in OUTCOMES)
    assert summary["cases"] == sum(primitive["cases"] for primitive in report["primitives"])
    assert summary["primitives"] == sum(summary["verdicts"].values()) == 3
    assert {p["name"]: p["verdict"] for p in report["primitives"]} == {
        "badlib.softsign": "fail",
        "bare.softsign": "error",
        "mylib.softsign": "pass",
    }


def test_junit_has_a_test_case_for_each_check_and_counts_right(record: Record) -> None:
    root = etree.fromstring(junit(record.as_dict()).split("\n", 1)[1])
    suite = root.find("testsuite")
    assert suite is not None
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert len(cases) == int(suite.get("tests", ""))
    assert len(suite.findall("testcase/failure")) == int(suite.get("failures", ""))
    assert len(suite.findall("testcase/error")) == int(suite.get("errors", ""))
    assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped", ""))
    assert cases["badlib.softsign", "differences"].find("failure") is not None
    assert cases["mylib.softsign", "differences"].find("*") is None
    assert cases["bare.softsign", "samples"].find("error") is not None
    assert "opreg replay badlib.softsign:" in (
        cases["badlib.softsign", "differences"].findtext("failure") or ""
    )
    broken = cases["plugins", "odd"].find("failure")
    assert broken is not None
    assert broken.get("message") == "plugin 'odd' <b>broke</b> & \ufffd died"


def test_the_page_escapes_what_it_shows_and_closes_what_it_opens(record: Record, tmp_path: Path) -> None:
    write(record, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;broke&lt;/b&gt; &amp;" in page
    assert "src=" not in page
    assert "href=" not in page
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "tr", "td", "th", "p", "li", "thead", "tbody"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("meta", "tr", "td", "th", "p", "li", "thead", "tbody"):
                assert opened.pop() == tag

    Reader().feed(page)
    assert opened == []


def test_the_summary_tells_what_is_red_and_how_to_replay_it(record: Record, tmp_path: Path) -> None:
    write(record, tmp_path)
    text = (tmp_path / "summary.md").read_text()
    assert "1 verified, 1 failed, 1 in error, 1 broken plugin" in text
    assert "`opreg replay badlib.softsign:0.0:" in text
    assert "&lt;b>broke" in text


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        CannotWrite, match=r"the report directory '.*file/reports' cannot be written: Not a dir"
    ):
        prepare(tmp_path / "file" / "reports")


def test_findings_do_not_depend_on_the_order_of_messages() -> None:
    def finding(place: int) -> dict[str, object]:
        return dict.fromkeys(("verdict", "diagnosis")) | {"check": "c", "case": f"a.b:{place}.0:c:1"}

    batches = [
        Batch("a.b", samples=1, checks={"c": Tally({"fail": 1})}, findings=[finding(place)])
        for place in range(200)
    ]
    shown = []
    for order in (batches, batches[::-1], batches[1::2] + batches[::2]):
        record = Record(1, "", "inline", 1, {})
        record.expect([])
        from opreg.verify._record import PrimitiveRecord

        record.primitives["a.b"] = PrimitiveRecord("a.b")
        for batch in order:
            record.add(batch)
        shown.append([found["case"] for found in record.primitives["a.b"].findings])
    assert shown[0] == shown[1] == shown[2] == [f"a.b:{place}.0:c:1" for place in range(20)]


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({}, ""),
        ({"pass": 100}, "pass"),
        ({"pass": 99, "fail": 1}, "fail"),
        ({"pass": 99, "fail": 1, "error": 1}, "fail"),
        ({"pass": 99, "error": 1}, "error"),
        ({"pass": 50, "inconclusive": 50}, "pass"),
        ({"pass": 49, "inconclusive": 51}, "inconclusive"),
        ({"pass": 2, "inconclusive": 3, "waived": 95}, "inconclusive"),
        ({"waived": 7}, "waived"),
    ],
)
def test_the_verdict_of_a_check(outcomes: dict[str, int], verdict: str) -> None:
    assert verdict_of(Tally(outcomes)) == verdict


def test_the_last_verdicts_are_remembered(record: Record) -> None:
    assert recall() == {}
    remember(record)
    assert recall()["badlib.softsign"]["verdict"] == "fail"
    assert recall()["badlib.softsign"]["seed"] == 5


def test_a_cache_that_cannot_be_written_harms_nothing(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("OPREG_CACHE", str(tmp_path / "file"))
    remember(record)
    assert recall() == {}
    (tmp_path / "verdicts.json").write_text("{torn")
    monkeypatch.setenv("OPREG_CACHE", str(tmp_path))
    assert recall() == {}
    remember(record)
    assert recall()["mylib.softsign"]["verdict"] == "pass"


@pytest.mark.parametrize("verbose", [False, True])
def test_a_terminal_is_told_of_failures_as_they_come(
    installed: Callable[..., None], sources: SimpleNamespace, verbose: bool
) -> None:
    installed(wrong=sources.wrong, bare=sources.without_samples)
    console = Console(file=io.StringIO(), force_terminal=True, width=160, height=40)
    seen: list[str] = []
    with display(console, quiet=False, verbose=verbose) as watch:

        def watched(message: Any, plan: Plan, record: Record) -> None:
            watch(message, plan, record)
            seen.append(console.file.getvalue())  # type: ignore[attr-defined]

        verify(["bare.softsign", "wrong.softsign"], Inline(), Options(seed=2), watch=watched)
    first = next(
        number for number, text in enumerate(seen) if "the cotangent is wrong for argument 0" in text
    )
    assert first < len(seen) - 1
    assert "it has no samples" in seen[-1]
    assert "cases/s" in seen[-1]
    told = seen[-1].count("wrong.softsign differences")
    assert (told == 1) != verbose
