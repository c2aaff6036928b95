"""Coverage accounting: a run says what no case exercised, and holds it against a rule that is right in all else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import opreg
from opreg import DeclarationError, plugins
from opreg.cli import cli
from opreg.verify import _coverage
from opreg.verify._coverage import measuring
from opreg.verify._executors import Inline
from opreg.verify._messages import Coverage
from opreg.verify._record import PrimitiveRecord, Record, comparable
from opreg.verify._report import write
from opreg.verify._run import Options
from opreg.verify._session import verify
from opreg.verify._subject import Subject
from opreg.verify._unchecked import Unchecked, unchecked

MONITORED = sys.version_info >= (3, 12)
pytestmark = pytest.mark.skipif(
    not MONITORED and sys.gettrace() is not None, reason="these tests are traced themselves"
)

Install = Callable[..., None]

HEAD = """
import numpy as np
import opreg

@opreg.primitive("{lib}.power")
def power(x, /, *, n=2):
    return x**n

@power.samples
def samples(rng):
    for shape in ((3, 2), (4,)):
        yield opreg.Sample((rng.standard_normal(shape),), {"n": 3})

@opreg.hookimpl
def opreg_primitives():
    return [p for p in globals().values() if isinstance(p, opreg.Primitive)]

"""
WHOLE = HEAD + "power.defvjp(x=lambda g, x, n: g * n * x ** (n - 1))\n"
ONE_LINE = HEAD + "power.defvjp(x=lambda g, x, n: g * (n if n > 1 else 1) * x ** (n - 1))\n"
SEVERAL_LINES = (
    HEAD
    + """
def slope(g, x, n):
    if n == 1:
        y = g
        return y
    if n < 0:
        raise ValueError("no sample can go here")
    return g * n * x ** (n - 1)

power.defvjp(x=slope)
"""
)
NEVER_CALLED = (
    HEAD
    + """
def slope(g, x, n):
    unused = lambda: g  # noqa
    return g * n * x ** (n - 1)

power.defvjp(x=slope)
"""
)
EITHER = HEAD + "power.defvjp(x=lambda g, x, n: g * n * x ** (n - 1) if n == 3 or n > 5 else g)\n"
HELPERS = (
    HEAD
    + """
def own(n):
    return n if n > 1 else 1

def shared(n):
    return n if n > 1 else 1

@opreg.primitive("{lib}.other")
def other(x, /):
    return x * 1.0

power.defvjp(x=lambda g, x, n: g * own(n) * shared(n) / n * x ** (n - 1))
other.defvjp(x=lambda g: g * shared(1))

@other.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal(2),))
"""
)
ELSEWHERE = {
    "after another function": """
    json.loads("1")
    return g * n * x ** (n - 1)
""",
    "behind an error of another function": """
    try:
        json.loads("{")
    except ValueError:
        n = n + 0
    return g * n * x ** (n - 1)
""",
    "within another function": """
    json.loads("[1]", parse_int=lambda text: text)
    return g * n * x ** (n - 1)
""",
    "within another function, of a closure": """
    return g

def closed():
    def same(text):
        return text

    def slope(g, x, n):
        json.loads("[1]", parse_int=same)
        return g * n * x ** (n - 1)

    return slope

slope = closed()
""",
    "within another function, by name": """
    json.loads("[1]", parse_int=same)
    return g * n * x ** (n - 1)

def same(text):
    return text
""",
}
BODY = """
import numpy as np
import opreg

@opreg.composite("{lib}.double")
def double(x, sign=1, scale=None):
    if scale is not None:
        return scale * (x + x)
    return x + x if sign > 0 else -(x + x)

@double.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal((3, 2)), -1))
    yield opreg.Sample((rng.standard_normal((3, 2)),))

@opreg.hookimpl
def opreg_primitives():
    return [double]
"""


def run(
    name: str, *, samples: int | None = None, **options: Any
) -> tuple[Record, PrimitiveRecord, Unchecked]:
    record = verify([name], Inline(), Options(5, **options), samples=samples)
    found = record.primitives[name]
    assert found.unchecked is not None
    return record, found, found.unchecked


def test_a_rule_that_is_executed_whole_is_verified(installed: Install) -> None:
    installed(mylib=WHOLE)
    record, found, left = run("mylib.power")
    assert (found.verdict, record.exit_status) == ("pass", 0)
    assert left.decides
    assert left.count == 0
    assert found.as_dict()["checks"]["coverage"]["verdict"] == "pass"


def test_a_branch_on_one_line_that_is_never_taken_is_found(installed: Install, site: Path) -> None:
    installed(mylib=ONE_LINE)
    record, found, left = run("mylib.power")
    (branch,) = left.branches
    assert (branch["condition"], branch["never"]) == ("n > 1", "false")
    assert branch["where"] == f"{site / 'opreg_mylib.py'}:{ONE_LINE.count(chr(10))}"
    assert left.lines == []
    assert (found.verdict, record.exit_status) == ("inconclusive", 4)
    (finding,) = found.findings
    assert (finding["check"], finding["verdict"]) == ("coverage", "inconclusive")
    assert "'n > 1' is false" in finding["diagnosis"]


def test_each_outcome_of_a_condition_of_several_parts_is_asked_for(installed: Install) -> None:
    installed(mylib=EITHER)
    _, _, left = run("mylib.power")
    assert [(branch["condition"], branch["never"]) for branch in left.branches] == [("n == 3", "false")]


def test_lines_that_are_never_executed_are_named_and_errors_are_not(installed: Install, site: Path) -> None:
    installed(mylib=SEVERAL_LINES)
    _, found, left = run("mylib.power")
    first = SEVERAL_LINES.splitlines().index("        y = g") + 1
    file = site / "opreg_mylib.py"
    assert left.lines == [
        {"where": f"{file}:{first}", "text": "y = g"},
        {"where": f"{file}:{first + 1}", "text": "return y"},
    ]
    assert left.branches == []
    assert f"no case executes {file}:{first}-{first + 1}" in found.findings[0]["diagnosis"]


def test_a_function_within_a_rule_that_is_never_called_is_found(installed: Install) -> None:
    installed(mylib=NEVER_CALLED)
    _, _, left = run("mylib.power")
    assert [line["text"] for line in left.lines] == ["unused = lambda: g  # noqa"]


def test_a_helper_of_one_primitive_counts_and_one_of_several_does_not(installed: Install) -> None:
    installed(mylib=HELPERS)
    _, _, left = run("mylib.power")
    assert [branch["where"].rsplit(":")[-1] for branch in left.branches] == [
        str(HELPERS.splitlines().index("def own(n):") + 2)
    ]
    assert run("mylib.other")[2].count == 0


@pytest.mark.parametrize("where", ELSEWHERE)
def test_what_runs_while_and_after_another_function_does_is_seen(installed: Install, where: str) -> None:
    slope = f"import json\n\ndef slope(g, x, n):{ELSEWHERE[where]}"
    installed(mylib=f"{HEAD}{slope}\npower.defvjp(x=slope)\n")
    assert run("mylib.power")[2].count == 0


def test_the_body_of_a_composite_is_its_rule_and_its_parameters_are_its_keywords(installed: Install) -> None:
    installed(mylib=BODY)
    _, _, left = run("mylib.double")
    assert [line["text"] for line in left.lines] == ["return scale * (x + x)"]
    assert left.branches == []
    assert left.keywords == ["scale"]


def test_a_keyword_that_no_sample_gives_another_value_than_its_default_is_found(installed: Install) -> None:
    installed(mylib=WHOLE.replace('{"n": 3}', '{"n": 2}'))
    record, found, left = run("mylib.power")
    assert left.keywords == ["n"]
    assert (found.verdict, record.exit_status) == ("inconclusive", 4)


def test_keywords_are_those_of_the_users_call_but_for_out() -> None:
    @opreg.primitive("tests.scaled")
    def scaled(x, /, *, factor=1.0, by=None):  # type: ignore[no-untyped-def]
        return x * factor

    @scaled.called_as
    def _(x, power=0, out=None, by=None):  # type: ignore[no-untyped-def]
        return (x,), {"factor": 2.0**power, "by": by}

    def given(*args: Any, **kwargs: Any) -> set[str]:
        return _coverage.given(scaled, opreg.Sample(args, kwargs), scaled.canonical(args, kwargs)[1])

    assert _coverage.keywords(scaled) == {"power": 0, "by": None, "factor": 1.0}
    assert given(1.0) == given(1.0, 0) == given(1.0, power=0.0) == set()
    assert given(1.0, 1) == {"power", "factor"}
    assert given(1.0, by=np.ones(2)) == {"by"}


def test_dtypes_that_the_forward_takes_and_no_case_tries_are_told() -> None:
    @opreg.primitive("tests.halved")
    def halved(x, y, /):  # type: ignore[no-untyped-def]
        if np.iscomplexobj(x):
            raise TypeError("real numbers only")
        return x / 2

    halved.defvjp(x=lambda g: g / 2).not_differentiable(y="it is not used")
    with measuring(halved) as measure:
        subject = measure.observed(Subject.of(halved))
        measure.sample(opreg.Sample((np.ones(2), 1)), (np.ones(2), 1), {}, (0,))
        measure.try_forward([((np.ones(2), 1), {})])
        coverage = measure.taken()
        assert unchecked(halved, coverage).dtypes == ["float32"]
        single = np.ones(2, np.float32)
        subject.vjp(single, single, single, 1)
        coverage.merge(measure.taken())
    assert unchecked(halved, coverage).dtypes == []
    assert unchecked(halved, coverage).count == 0


def test_an_argument_whose_derivative_is_never_asked_for_is_found(installed: Install) -> None:
    source = WHOLE.replace("(x, /, *, n=2)", "(x, y, /, *, n=2)").replace("x**n", "x**n + y")
    source = source.replace("standard_normal(shape),)", "standard_normal(shape), 3)")
    installed(mylib=source + "power.defvjp(y=lambda g: np.sum(g))\n")
    _, _, left = run("mylib.power")
    assert left.arguments == ["y"]
    assert len(left.lines) == 1


def test_an_argument_without_rule_and_reason_fails_though_no_sample_asks_for_it(installed: Install) -> None:
    source = WHOLE.replace("(x, /, *, n=2)", "(x, y, /, *, n=2)").replace("x**n", "x**n + y")
    installed(mylib=source.replace("standard_normal(shape),)", "standard_normal(shape), 3)"))
    record, found, _ = run("mylib.power")
    assert record.exit_status == 1
    assert {finding["check"] for finding in found.findings} == {"lint"}
    assert "'y' has neither a rule nor a reason" in found.findings[0]["diagnosis"]


WAIVERS = [
    (ONE_LINE, "n > 1"),
    (SEVERAL_LINES, "slope"),
    (NEVER_CALLED, "unused = lambda"),
    (WHOLE.replace('{"n": 3}', '{"n": 2}'), "n"),
]


@pytest.mark.parametrize(("source", "what"), WAIVERS, ids=["branch", "function", "line", "keyword"])
def test_what_is_waived_with_a_reason_is_reported_and_not_red(
    installed: Install, source: str, what: str
) -> None:
    installed(mylib=source + f"power.leave_unchecked({what!r}, 'the tests know why')\n")
    record, found, left = run("mylib.power")
    assert (found.verdict, record.exit_status) == ("pass", 0)
    (waiver,) = left.waived
    assert (waiver["what"], waiver["reason"]) == (what, "the tests know why")
    assert waiver["covers"]


def test_a_waiver_of_a_keyword_waives_no_line_in_which_it_occurs(installed: Install) -> None:
    installed(mylib=ONE_LINE + "power.leave_unchecked('n', 'it is an exponent')\n")
    _, found, left = run("mylib.power")
    assert found.verdict == "inconclusive"
    assert left.waived[0]["covers"] == []


def test_a_waiver_needs_a_reason() -> None:
    square = opreg.primitive("tests.square")(lambda x, /: x * x)
    with pytest.raises(DeclarationError, match="the reason why"):
        square.leave_unchecked("x", " ")


@pytest.mark.parametrize(
    ("samples", "options"),
    [(1, {}), (None, {"checks": ("structure",)}), (None, {"keyword": "power"})],
    ids=["--samples 1", "--check", "-k"],
)
def test_what_a_run_leaves_out_by_choice_is_told_and_not_held_against_a_rule(
    installed: Install, samples: int | None, options: dict[str, Any]
) -> None:
    installed(mylib=ONE_LINE)
    record, found, left = run("mylib.power", samples=samples, **options)
    assert (found.verdict, record.exit_status) == ("pass", 0)
    assert not left.decides
    assert len(left.branches) == 1
    assert "coverage" not in found.as_dict()["checks"]


def test_what_is_unchecked_is_not_told_beside_a_failure(installed: Install) -> None:
    installed(mylib=ONE_LINE.replace("g * (", "g * 2 * ("))
    _, found, left = run("mylib.power")
    assert found.verdict == "fail"
    assert left.branches
    assert all(finding["check"] != "coverage" for finding in found.findings)


def test_an_interrupted_run_tells_what_it_came_to(installed: Install) -> None:
    installed(mylib=ONE_LINE)

    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    record = verify(["mylib.power"], Inline(), Options(5), watch=interrupt)
    report = record.primitives["mylib.power"].as_dict()["unchecked"]
    assert not report["decides"]
    assert record.exit_status == 3


def test_the_size_of_shards_and_messages_makes_no_difference(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(mylib=SEVERAL_LINES)
    whole = run("mylib.power")[0]
    monkeypatch.setattr("opreg.verify._plan.SHARD_SECONDS", 1e-9)
    fine = run("mylib.power", message_seconds=0.0)[0]
    assert comparable(fine.as_dict()) == comparable(whole.as_dict())


def test_coverage_is_united_in_any_order() -> None:
    parts = [Coverage({i}, {f"k{i}"}, {f"a{i}"}, {f"d{i}"}, {f"e{i}"}, {f"h{i}"}) for i in range(3)]
    results = []
    for order in (parts, parts[::-1], [*parts, *parts]):
        total = Coverage()
        for part in order:
            total.merge(part)
        results.append(total)
    assert results[0] == results[1] == results[2]
    assert results[0].targets == {0, 1, 2}


def test_a_second_run_in_the_same_process_finds_the_same(installed: Install) -> None:
    installed(mylib=WHOLE)
    assert run("mylib.power")[2] == run("mylib.power")[2]


def test_nothing_is_left_behind(installed: Install) -> None:
    installed(mylib=WHOLE)
    primitive = plugins.get("mylib.power")
    rules = dict(primitive._rules)
    run("mylib.power")
    assert primitive._rules == rules
    assert sys.gettrace() is None
    if sys.version_info >= (3, 12):
        assert [sys.monitoring.get_tool(number) for number in (3, 4)] == [None, None]


@pytest.fixture
def foreign() -> Iterator[Callable[..., None]]:
    """The trace function of a debugger, or of something that measures coverage."""

    def trace(frame: Any, event: str, arg: Any) -> None:
        return None

    sys.settrace(trace)
    yield trace
    sys.settrace(None)


def test_a_tracer_that_is_there_is_left_alone(installed: Install, foreign: Any) -> None:
    installed(mylib=ONE_LINE)
    record, found, left = run("mylib.power")
    assert sys.gettrace() is foreign
    if MONITORED:
        assert (left.not_measured, len(left.branches)) == ("", 1)
        return
    assert "another tracer" in left.not_measured
    assert left.branches == []
    assert (found.verdict, record.exit_status) == ("pass", 0)


@pytest.mark.skipif(not MONITORED, reason="sys.monitoring is there from Python 3.12 on")
def test_tools_of_others_are_left_alone(installed: Install) -> None:
    installed(mylib=ONE_LINE)
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    for number in (3, 4):
        monitoring.use_tool_id(number, "another")
    try:
        assert run("mylib.power")[2].not_measured == _coverage.NO_TOOL
        monitoring.free_tool_id(4)
        assert len(run("mylib.power")[2].branches) == 1
        assert monitoring.get_tool(3) == "another"
    finally:
        for number in (3, 4):
            if monitoring.get_tool(number):
                monitoring.free_tool_id(number)


def test_every_report_the_table_the_list_and_show_tell_it(installed: Install, tmp_path: Path) -> None:
    installed(mylib=ONE_LINE + "power.leave_unchecked('x ** 7', 'no sample is that large')\n")
    record = run("mylib.power")[0]
    write(record, tmp_path)
    (primitive,) = json.loads((tmp_path / "report.json").read_text())["primitives"]
    assert primitive["unchecked"]["branches"][0]["condition"] == "n > 1"
    assert "never false" in (tmp_path / "summary.md").read_text()
    assert "never false" in (tmp_path / "report.html").read_text()
    assert 'name="coverage"' in (tmp_path / "junit.xml").read_text()

    def command(*arguments: str) -> str:
        return CliRunner().invoke(cli, arguments).output

    shown = command("verify", "mylib", "--executor", "inline", "--seed", "5")
    assert "coverage inconclusive: no case takes the branch at" in shown
    assert "1 unchecked" in command("list", "mylib")
    shown = command("show", "mylib.power")
    assert "never false" in shown
    assert "x ** 7: no sample is that large" in shown
    few = command("verify", "mylib", "--executor", "inline", "--seed", "5", "--samples", "1")
    assert "Partly unchecked, which this run is too small to hold against them: mylib.power" in few


COLLECTS = """
import gc
import numpy as np
import opreg
from opreg.verify._coverage import measuring

@opreg.primitive("tests.halved")
def halved(x, /):
    return x / 2

def half(g):
    return g / 2

halved.defvjp(x=lambda g: g if g is None else half(g))
gc.callbacks.append(lambda phase, info: len(phase))
gc.set_threshold(1)
with measuring(halved) as measure:
    for _ in range(500):
        halved.vjp(np.ones(2), np.ones(2), np.ones(2))
    print(len(measure.taken().targets), "reached")
"""


def test_a_callback_of_the_garbage_collector_may_run_while_a_rule_is_watched() -> None:
    # In another process: what went wrong here ended the interpreter (Python 3.11).
    done = subprocess.run([sys.executable, "-c", COLLECTS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 0
