"""The documentation tells the truth: its code runs, its links lead somewhere, its hooks are the code's."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALL_PAGES = [*PAGES, *sorted((ROOT / "ci").rglob("*.md")), *sorted((ROOT / "changes").glob("README.md"))]

page_names = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def run_page(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a page's blocks in a fresh process that works in `folder`."""
    return subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_page.py")), str(page)],
        cwd=folder,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "NO_COLOR": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@page_names
def test_every_block_of_the_page_runs(page: Path, tmp_path: Path) -> None:
    done = run_page(page, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\n1 / 0\n```\n", "line 2"),
        ("```python\n1 + 1  # -> 3\n```\n", "page.md:2: the page says 3, it is 2"),
        ('```console\n$ python -c "raise SystemExit(3)"\n```\n', "ended with status 3"),
        ("```console\n$ python -c \"print('yes')\"\nno\n```\n", "did not print 'no'"),
        ("```python\n1\n", "never closed"),
    ],
    ids=["an error", "a wrong result", "a wrong status", "a wrong output", "an open block"],
)
def test_a_page_that_does_not_tell_the_truth_is_found(text: str, complaint: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    done = run_page(page, tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_hook_is_a_heading_with_its_exact_signature() -> None:
    import opreg.hookspecs as hookspecs

    declared = {
        f"{name}{inspect.signature(function)}".replace("'", "")
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if name.startswith("opreg_")
    }
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert declared
    assert set(re.findall(r"^### `(opreg_.*)`$", page, flags=re.MULTILINE)) == declared


def test_every_option_of_verify_is_explained() -> None:
    command = [sys.executable, "-m", "opreg", "verify", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^ +(?:-\w, )?(--?[a-z]+)", shown, flags=re.MULTILINE)) - {"--help"}
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    assert {"--samples", "--seed", "--executor", "-p"} <= options
    assert [option for option in sorted(options) if f"`{option}" not in page] == []


def test_every_exit_status_is_explained_in_the_words_of_the_help() -> None:
    command = [sys.executable, "-m", "opreg", "verify", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    statuses = re.findall(r"^ +(\d)  (.+)$", shown, flags=re.MULTILINE)
    assert len(statuses) == 6
    assert [line for line in statuses if "| {} | {} |".format(*line) not in page] == []


def test_the_tables_of_functions_are_those_of_the_registry() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opreg", "list", "--markdown"], capture_output=True, text=True, check=True
    )
    rows = {line for line in done.stdout.splitlines() if line.startswith("| `")}
    told = {line for line in (ROOT / "docs/functions.md").read_text().splitlines() if line.startswith("| `")}
    assert len(rows) > 500
    assert not rows - told, "run: opreg list --markdown, and put what it prints into docs/functions.md"
    # An older NumPy or SciPy lacks some functions.
    missing = {line.split("`")[1] for line in told - rows}
    assert len(missing) < 30 and not missing & {line.split("`")[1] for line in rows}
