"""The command line: its exit statuses, what it says to bad input, and what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as etree

import pytest
from click.testing import CliRunner, Result

from opreg.cli import cli
from opreg.verify._executors import Inline

Install = Callable[..., None]
Command = Callable[..., subprocess.CompletedProcess[str]]


def opreg(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, arguments, **options)


def verify(*arguments: str, seed: str = "5") -> Result:
    return opreg("verify", "--executor", "inline", "--seed", seed, *arguments)


def one_sentence(result: Result, *words: str) -> None:
    """Assert that a command said one line on standard error."""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stderr.startswith("opreg: ")
    for word in words:
        assert word in result.stderr


# ----------------------------------------------------------------------------------------------- exit statuses
def test_status_0_where_every_rule_is_verified(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    result = verify("mylib")
    assert result.exit_code == 0, result.output
    assert "pass         mylib.softsign" in result.stdout
    assert "1 primitive: 1 verified;" in result.stdout


def test_status_1_where_a_rule_fails(installed: Install, sources: SimpleNamespace) -> None:
    installed(badlib=sources.wrong)
    result = verify("badlib")
    assert result.exit_code == 1
    assert "opreg replay badlib.softsign:" in result.stdout


def test_what_many_checks_find_is_told_once(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.wrong_shape)
    done = verify("mylib.softsign", "--samples", "4")
    assert done.exit_code == 1
    assert done.output.count("the cotangent of argument 0 has the shape (), its primal") == 1
    assert "structure fail: the cotangent" in done.output
    assert "not verified: adjoint 4 of 4, differences 4 of 4" in done.output


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("broken", "could not be loaded: RuntimeError: licence file missing"),
        ("misspelt", "implements opreg_primitive, which is not a hook of opreg"),
    ],
)
def test_status_1_where_a_plugin_is_broken_and_the_rest_is_checked(
    installed: Install, sources: SimpleNamespace, source: str, words: str
) -> None:
    installed(mylib=sources.good, sick=getattr(sources, source))
    result = verify("mylib")
    assert result.exit_code == 1
    assert "of opreg-sick 1.2" in result.stdout
    assert words in result.stdout
    assert "pass         mylib.softsign" in result.stdout


def test_naming_a_broken_plugin_is_no_wrong_usage(installed: Install, sources: SimpleNamespace) -> None:
    installed(sick=sources.broken)
    for name in ("sick", "sick.softsign"):
        result = verify(name)
        assert result.exit_code == 1
        assert "licence file missing" in result.stdout


def test_status_1_where_two_plugins_claim_one_name(
    installed: Install, sources: SimpleNamespace, site: Path
) -> None:
    installed(mylib=sources.good, other=sources.good.replace("{lib}", "mylib"))
    result = verify("mylib")
    assert result.exit_code == 1
    assert "claims mylib.softsign, which another plugin supplies too" in result.stdout
    assert "opreg-mylib 1.2" in result.stdout
    assert "opreg-other 1.2" in result.stdout


@pytest.mark.parametrize("source", ["without_samples", "forward_raises", "samples_raise", "without_floats"])
def test_status_4_where_something_could_not_be_checked(
    installed: Install, sources: SimpleNamespace, source: str
) -> None:
    installed(mylib=sources.good, sick=getattr(sources, source))
    result = verify("mylib", "sick")
    assert result.exit_code == 4
    assert "pass         mylib.softsign" in result.stdout


def test_status_5_where_nothing_was_checked(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    result = verify("mylib", "-k", "no such check")
    assert result.exit_code == 2
    result = verify("mylib", "-k", "nosuchcheck")
    assert result.exit_code == 5
    assert "Nothing was checked: -k 'nosuchcheck' selects no check." in result.stdout


def test_status_5_where_everything_is_blocked(opreg_command: Command) -> None:
    done = opreg_command("verify", "--executor", "inline", "-p", "no:*")
    assert done.returncode == 5
    assert "none is installed, or all are blocked" in done.stdout


def test_status_3_where_the_run_breaks(
    installed: Install, sources: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(mylib=sources.good)
    monkeypatch.setattr("opreg.cli.verify", lambda *a, **k: 1 / 0)
    result = verify("mylib")
    assert result.exit_code == 3
    one_sentence(result, "this went wrong inside opreg: ZeroDivisionError", "--verbose shows where")
    assert "Traceback" in verify("mylib", "--verbose").stderr


def test_an_interrupted_run_reports_what_it_decided(
    installed: Install, sources: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(mylib=sources.good, zlib=sources.good)

    class Interrupted(Inline):
        def run(self, plan: Any, options: Any) -> Any:
            for message in super().run(plan, options):
                if message.primitive == "zlib.softsign":
                    raise KeyboardInterrupt
                yield message

    monkeypatch.setattr("opreg.cli.Inline", Interrupted)
    result = verify("mylib", "zlib", "--report", str(tmp_path))
    assert result.exit_code == 3
    assert "The run broke: it was interrupted" in result.stdout, result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert [primitive["name"] for primitive in report["primitives"]] == ["mylib.softsign"]
    assert report["run"]["exit_status"] == 3


# --------------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize("command", ["verify", "show"])
def test_an_unknown_name_suggests_near_ones(
    installed: Install, sources: SimpleNamespace, command: str
) -> None:
    installed(mylib=sources.good)
    result = opreg(command, "mylib.sofsign")
    assert result.exit_code == 2
    one_sentence(result, "mylib.sofsign", "Did you mean mylib.softsign")


def test_an_unknown_name_is_told_with_the_plugins_that_may_be_why(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good, sick=sources.broken)
    result = verify("sick_soft")
    assert result.exit_code == 2
    assert "no primitive 'sick_soft' is registered" in result.stderr
    assert "licence file missing" in result.stderr


def test_a_report_directory_that_cannot_be_written_is_said_before_the_run(
    installed: Install, sources: SimpleNamespace, tmp_path: Path
) -> None:
    installed(mylib=sources.good)
    (tmp_path / "file").write_text("")
    result = verify("mylib", "--report", str(tmp_path / "file" / "reports"))
    assert result.exit_code == 2
    one_sentence(result, "cannot be written", "Name another with --report.")
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "nonsense"], "is not a case. A case is PRIMITIVE:ROUND.INDEX:CHECK:SEED"),
        (["replay", "no.such:0.0:differences:1"], "no primitive 'no.such' is registered"),
        (["replay", "mylib.softsign:0.9:differences:1"], "there is no sample 0.9"),
        (["replay", "mylib.softsign:0.0:wisdom:1"], "there is no check 'wisdom'"),
        (["verify", "-k", "sin and"], "cannot be read: write words joined by"),
        (["verify", "mylib", "-p", "no:mylib.softsign"], "is blocked"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    installed: Install, sources: SimpleNamespace, arguments: list[str], words: str
) -> None:
    installed(mylib=sources.good)
    if "no:mylib.softsign" in arguments:
        arguments = ["verify", "mylib.softsign", *arguments[2:]]
    result = opreg(*arguments)
    assert result.exit_code == 2
    one_sentence(result, words)


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--samples", "0"],
        ["verify", "--samples", "many"],
        ["verify", "--seed", "-1"],
        ["verify", "--executor", "threads"],
        ["verify", "--executor", "inline", "--workers", "2"],
        ["verify", "--executor", "inline", "--address", "auto"],
        ["verify", "--send"],
        ["verify", "--send", "--address", "local"],
        ["verify", "--send", "--executor", "inline"],
        ["verify", "-p", "numpy.multiply"],
        ["verify", "--no-such-option"],
        ["verify", "--time-limit", "nan"],
        ["verify", "--time-limit", "inf"],
        ["verify", "--time-limit", "1e10"],
        ["verify", "--memory-limit", "1" + 20 * "0"],
        ["list", "--namespace", ""],
        ["list", "--namespace", ".linalg"],
        ["show"],
        ["replay"],
        ["conquer"],
    ],
)
def test_wrong_usage_is_status_2_and_points_to_help(arguments: list[str]) -> None:
    result = opreg(*arguments)
    assert result.exit_code == 2
    assert "Error:" in result.stderr
    assert "--help" in result.stderr


@pytest.mark.parametrize("missing", ["click", "rich", "ray"])
def test_a_missing_extra_is_one_sentence_with_the_install_command(
    opreg_command: Command, site: Path, missing: str
) -> None:
    (site / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: "
        f"None if name == {missing!r} else find(name, package)\n"
    )
    done = opreg_command("verify", "numpy.sin")
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert f"{missing}, which is not installed: pip install 'opreg[verify]'" in done.stderr.lower()


def test_without_ray_the_inline_executor_works(
    opreg_command: Command, site: Path, sources: SimpleNamespace
) -> None:
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    (site / "mine.py").write_text(sources.good.replace("{lib}", "mine"))
    done = opreg_command("verify", "numpy.sin", "--executor", "inline", "--samples", "1")
    assert done.returncode != 3, done.stderr
    assert "numpy.sin" in done.stdout


# ----------------------------------------------------------------------------------------------------- options
def test_globs_aliases_modules_and_plugins_select(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good, yourlib=sources.good)
    for name in ("mylib", "mylib.softsign", "mylib_soft", "my*.soft*"):
        result = verify(name)
        assert result.exit_code == 0
        assert "1 primitive: 1 verified" in result.stdout
    assert "2 primitives: 2 verified" in verify("*lib.softsign").stdout


def test_a_keyword_selects_checks(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    report = json.loads(verify("mylib", "-k", "linearity", "--json").stdout)
    assert list(report["primitives"][0]["checks"]) == ["linearity"]


def test_samples_sets_how_many(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    assert json.loads(verify("mylib", "--samples", "3", "--json").stdout)["primitives"][0]["samples"] == 4
    assert json.loads(verify("mylib", "--samples", "50", "--json").stdout)["primitives"][0]["samples"] == 50


def test_x_stops_at_the_first_failure(installed: Install, sources: SimpleNamespace) -> None:
    installed(alib=sources.wrong, blib=sources.wrong)
    report = json.loads(verify("alib", "blib", "-x", "--json").stdout)
    assert [primitive["name"] for primitive in report["primitives"]] == ["alib.softsign"]
    assert report["run"]["stopped"]


def test_quiet_says_what_is_red_and_the_last_line(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good, badlib=sources.wrong)
    lines = verify("mylib", "badlib", "-q").stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].split() == ["fail", "badlib.softsign"]
    assert lines[1].startswith("2 primitives: 1 verified, 1 failed;")


def test_the_seed_is_printed_and_fresh(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    seeds = {
        json.loads(opreg("verify", "mylib", "--executor", "inline", "--json").stdout)["run"]["seed"]
        for _ in range(3)
    }
    assert len(seeds) == 3
    assert "seed 77" in verify("mylib", seed="77").stdout


def test_json_is_alone_on_standard_output(installed: Install, sources: SimpleNamespace) -> None:
    installed(badlib=sources.wrong)
    result = verify("badlib", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["schema"] == "opreg-report/1"


def test_a_blocked_plugin_is_not_imported(
    opreg_command: Command, site: Path, sources: SimpleNamespace, install: Callable[..., Path]
) -> None:
    install(site, "sick", "print('imported', flush=True)\n" + sources.broken)
    install(site, "mylib", sources.good)
    for arguments, environment in ((("-p", "no:sick"), {}), ((), {"OPREG_DISABLE": "sick"})):
        done = opreg_command("verify", "mylib", "--executor", "inline", *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "imported" not in done.stdout


# --------------------------------------------------------------------------------------------- other commands
def test_replay_shows_everything_of_a_failure(installed: Install, sources: SimpleNamespace) -> None:
    installed(badlib=sources.wrong)
    result = opreg("replay", "badlib.softsign:0.0:differences:5")
    assert result.exit_code == 1
    for word in ("input", "(a matrix)", "verdict   fail", "got", "expected", "error bound", "reproduce"):
        assert word in result.stdout


def test_replay_of_a_case_that_passes(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    result = opreg("replay", "mylib.softsign:3.1:differences:5", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["outcome"] == "pass"


def test_replay_where_the_check_does_not_apply(installed: Install, sources: SimpleNamespace) -> None:
    installed(ints=sources.without_floats)
    result = opreg("replay", "ints.softsign:0.0:differences:5")
    assert result.exit_code == 5
    assert "inapplicable" in result.stdout


def test_list_shows_modes_samples_origin_and_the_last_verdict(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)
    assert "never run" in opreg("list", "mylib").stdout
    verify("mylib")
    line = opreg("list", "mylib").stdout.splitlines()[1]
    for word in ("mylib.softsign", "mylib_soft", "vjp", " 2 ", "pass (", "opreg-mylib 1.2"):
        assert word in line
    found = json.loads(opreg("list", "mylib", "--json").stdout)[0]
    assert found["name"] == "mylib.softsign"
    assert found["samples"] == 2
    assert found["last"]["verdict"] == "pass"


def test_list_plugins_shows_which_is_broken(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good, sick=sources.broken)
    result = opreg("list", "--plugins")
    assert result.exit_code == 0
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert lines["mylib"][1:] == ["opreg_mylib", "opreg-mylib", "1.2", "1", "ok"]
    assert lines["sick"][-1] == "broken"
    assert "licence file missing" in result.stderr


def test_show_tells_where_everything_is_defined(
    installed: Install, sources: SimpleNamespace, site: Path
) -> None:
    installed(mylib=sources.good)
    result = opreg("show", "mylib_soft")
    assert result.exit_code == 0
    for word in (
        "mylib.softsign(x, /)", "x / (1 + |x|)", "opreg-mylib 1.2", f"{site / 'opreg_mylib.py'}:5",
        f"VJP of x   {site / 'opreg_mylib.py'}:10", "g / (1 + np.abs(x)) ** 2", "JVP: derived from the VJP",
        "2 in each round", "a matrix", "last run: never", "digest: ",
    ):  # fmt: skip
        assert word in result.stdout


def test_show_tells_what_of_an_output_is_compared() -> None:
    shown = opreg("show", "numpy.linalg.eigh").stdout
    assert "not all of the output is determined: it is compared as" in shown
    assert "@eigh.compared_as" in shown
    assert "determined" not in opreg("show", "numpy.linalg.inv").stdout


def test_help_names_every_command_and_the_exit_statuses() -> None:
    for command in ("verify", "replay", "list", "show"):
        assert f"opreg {command}" in opreg("--help").stdout
        assert opreg(command, "--help").exit_code == 0
    assert "5  nothing was checked" in opreg("verify", "--help").stdout


def test_a_terminal_gets_a_table_and_a_bar(
    installed: Install, sources: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(mylib=sources.good)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    result = verify("mylib", "--samples", "200")
    assert result.exit_code == 0
    assert "cases/s" in result.stdout
    assert "\x1b[" in result.stdout


HALF_A_CHARACTER = """
    raise ValueError("half a character: " + chr(0xDC80) + chr(0xD800))
"""


def test_half_a_character_in_what_a_rule_raises_breaks_no_report(
    opreg_command: Command, site: Path, sources: SimpleNamespace, install: Callable[..., Path], tmp_path: Path
) -> None:
    rule = "softsign.defvjp(x=lambda g, x: g / (1 + np.abs(x)) ** 2)"
    raises = f"def half(g, x):{HALF_A_CHARACTER}\nsoftsign.defvjp(x=half)"
    install(site, "halflib", sources.good.replace(rule, raises))
    for arguments in (["--report", str(tmp_path / "report")], ["--json"]):
        done = opreg_command("verify", "halflib", "--executor", "inline", "--samples", "2", *arguments)
        assert done.returncode == 1, done.stderr
        assert "half a character: \\udc80\\ud800" in done.stdout
    told = json.loads(done.stdout)
    assert json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))["schema"] == told["schema"]
    for name in ("report.html", "summary.md", "ledger.jsonl"):
        assert "half a character: \\udc80\\ud800" in (tmp_path / "report" / name).read_text("utf-8"), name
    etree.parse(tmp_path / "report" / "junit.xml")


def test_a_closed_pipe_is_no_traceback(opreg_command: Command, site: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m opreg list | head -1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------------------------------- list --namespace
def test_what_becomes_of_every_function_of_a_module(installed: Install) -> None:
    done = opreg("list", "--namespace", "numpy", "--json")
    assert done.exit_code == 0
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert found["numpy.sin"] == {"name": "numpy.sin", "state": "differentiable", "reason": ""}
    assert found["numpy.floor"]["state"] == "constant"
    assert "constant between its jumps" in found["numpy.floor"]["reason"]
    assert found["numpy.save"]["state"] == "no rule"
    assert "writes a file" in found["numpy.save"]["reason"]
    assert "numpy.ndarray" not in found
    assert not [name for name, row in found.items() if row["state"] == "not registered"]
    counts = opreg("list", "--namespace", "numpy").stdout.splitlines()[-1]
    assert f"{sum(row['state'] == 'constant' for row in found.values())} constant" in counts


def test_a_namespace_without_plugin_and_one_that_does_not_exist(installed: Install) -> None:
    done = opreg("list", "--namespace", "json", "--json")
    assert {row["state"] for row in json.loads(done.stdout)} == {"not registered"}
    done = opreg("list", "--namespace", "nump")
    assert done.exit_code == 2
    assert "there is no module 'nump'" in done.stderr


def test_changed_leaves_out_what_passed_until_something_changes(
    installed: Install, opreg_command: Any, sources: SimpleNamespace, site: Path, cache: Path
) -> None:
    installed(good=sources.good, wrong=sources.wrong)
    both = ["good.softsign", "wrong.softsign"]

    def checked(*arguments: str) -> tuple[list[str], int]:
        done = opreg_command("verify", *both, "--executor", "inline", "--json", *arguments)
        return [p["name"] for p in json.loads(done.stdout)["primitives"]], done.returncode

    assert checked("--changed", "--check", "structure") == (both, 0)
    assert checked("--changed") == (both, 1)  # what passed one check did not pass them all
    assert checked("--changed") == (["wrong.softsign"], 1)
    module = site / "opreg_good.py"
    text = module.read_text()
    module.write_text(text.replace("(rng.standard_normal(4),)", "(rng.standard_normal(5),)"))
    assert checked("--changed") == (both, 1)
    assert checked("--changed") == (["wrong.softsign"], 1)
    state = json.loads((cache / "verdicts.json").read_text())
    for name, was in state["good.softsign"]["grounds"].items():
        state["good.softsign"]["grounds"][name] = "another"
        (cache / "verdicts.json").write_text(json.dumps(state))
        assert checked("--changed")[0] == both, name
        state["good.softsign"]["grounds"][name] = was
    (site / "opreg_wrong.py").write_text(sources.good.replace("{lib}", "wrong"))
    assert checked("--changed") == (["wrong.softsign"], 0)
    assert checked("--changed") == ([], 0)
    shown = opreg_command("show", "good.softsign").stdout
    for part in ("forward", "vjp x", "samples", "--changed looks at opreg "):
        assert part in shown
