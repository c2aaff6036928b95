"""The conformance kit, as a plugin author uses it: a test file of two lines, run by pytest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

pytest_plugins = ["pytester"]

Install = Callable[..., None]

KIT = "from opreg.testing import conformance\ntest_rules = conformance({!r})\n"


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    def run_(name: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(KIT.format(name))
        return pytester.runpytest_subprocess("-rA", "-p", "no:cacheprovider", *options)

    return run_


Run = Callable[..., pytest.RunResult]


def test_a_good_plugin_is_green_with_an_item_for_each_check(
    installed: Install, sources: SimpleNamespace, run: Run
) -> None:
    installed(mylib=sources.good)
    result = run("mylib")
    assert result.ret == 0
    for check in ("samples", "structure", "linearity", "differences"):
        result.stdout.fnmatch_lines([f"PASSED *::test_rules[[]mylib.softsign-{check}[]]"])


def test_a_wrong_rule_is_red_and_shows_the_finding_not_a_traceback(
    installed: Install, sources: SimpleNamespace, run: Run
) -> None:
    installed(mylib=sources.wrong)
    result = run("mylib")
    assert result.ret == 1
    text = result.stdout.str()
    assert "FAILED" in text
    for word in ("got", "expected", "opreg replay mylib.softsign:"):
        assert word in text
    for word in ("Traceback", "All traceback entries", "testing.py:", "def test_rules"):
        assert word not in text
    result.stdout.fnmatch_lines(["FAILED *mylib.softsign-differences*"])
    result.stdout.fnmatch_lines(["PASSED *mylib.softsign-linearity*"])


@pytest.mark.parametrize(
    ("source", "item", "words"),
    [
        ("without_samples", "mylib.softsign-samples", "it has no samples, so nothing of it was checked"),
        ("samples_raise", "mylib.softsign-samples", "raised ValueError: no such file"),
        ("forward_raises", "mylib.softsign-samples", "the forward function raised OSError: no device"),
        ("broken", "mylib-plugin", "RuntimeError: licence file missing"),
        ("misspelt", "mylib-plugin", "opreg_primitive, which is not a hook of opreg"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_red(
    installed: Install, sources: SimpleNamespace, run: Run, source: str, item: str, words: str
) -> None:
    installed(mylib=getattr(sources, source))
    result = run("mylib")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED *{item}*"])
    assert words in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_name_that_two_plugins_claim_is_red(installed: Install, sources: SimpleNamespace, run: Run) -> None:
    installed(mylib=sources.good, other=sources.good.replace("{lib}", "mylib"))
    result = run("mylib.softsign")
    assert result.ret == 1
    assert "claims mylib.softsign, which another plugin supplies too" in result.stdout.str()


def test_an_unknown_name_is_red_and_suggests(installed: Install, sources: SimpleNamespace, run: Run) -> None:
    installed(mylib=sources.good)
    result = run("mylib.sofsign")
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    assert "Did you mean mylib.softsign" in result.stdout.str()


def test_what_is_declared_constant_must_be_constant(
    installed: Install, sources: SimpleNamespace, run: Run
) -> None:
    installed(mylib=sources.steps, smooth=sources.not_constant)
    result = run("mylib")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["PASSED *mylib.softsign-constancy*"])
    assert "differences" not in result.stdout.str()
    result = run("smooth")
    assert result.ret == 1
    assert "declared to have no derivative, but its output changes in proportion" in result.stdout.str()


def test_the_seed_is_in_the_header_and_can_be_given(
    installed: Install, sources: SimpleNamespace, run: Run
) -> None:
    installed(mylib=sources.wrong)
    first, second = (run("mylib", "--opreg-seed=77", "--opreg-samples=3").stdout.str() for _ in range(2))
    assert "opreg: --opreg-seed=77\n" in first
    assert ":77" in first
    shown = [
        [line for line in text.splitlines() if "replay" in line or "got" in line] for text in (first, second)
    ]
    assert shown[0] == shown[1]
    other = run("mylib").stdout.str()
    assert "opreg: --opreg-seed=" in other
    assert "opreg: --opreg-seed=77\n" not in other


def test_every_process_of_xdist_has_one_seed(installed: Install, sources: SimpleNamespace, run: Run) -> None:
    pytest.importorskip("xdist")
    installed(mylib=sources.wrong, zlib=sources.wrong)
    result = run("*.softsign", "-n", "2")
    seeds = {line.rsplit(":", 1)[1] for line in result.stdout.lines if "opreg replay" in line}
    assert len(seeds) == 1


def test_the_pytest_plugin_loads_neither_numpy_nor_ray() -> None:
    heavy = ("numpy", "ray", "click", "rich")
    code = f"import sys, opreg.pytest_plugin; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
