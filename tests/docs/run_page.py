"""Run one page of the documentation: `python run_page.py PAGE.md`, in an empty folder.

In the order of the page:

* a block with a title (```` ```python title="softclip.py" ````) is written to the file of that name;
* a `pyproject.toml` so written is installed, as pip would install it, without building anything: its name,
  version and entry points are put where `importlib.metadata` finds them;
* every other `python` block is executed, all of a page in one namespace. An expression followed by
  `# -> TEXT` must have TEXT as its repr;
* in a `console` block each line `$ opreg ...`, `$ pytest ...` or `$ python ...` is run; it must end with
  status 0, or with the one named by a trailing `# status N`. The lines after it must occur in what it prints,
  each somewhere; a line `...` stands for any lines.

The traceback of a block that fails names the page and the line in it.
"""

import ast
import linecache
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*) *(?:title=\"(?P<title>[^\"]+)\")?\s*$")


class Block(NamedTuple):
    language: str
    title: str | None
    line: int  # of the first line of text, counted from one
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown text."""
    lines = iter(enumerate(page.splitlines(), start=1))
    for number, line in lines:
        opening = FENCE.match(line)
        if opening is None:
            if line.lstrip().startswith("```"):
                raise SyntaxError(f"line {number}: a fence this runner cannot read: {line!r}")
            continue
        indent = len(opening["indent"])
        text = []
        for _, inner in lines:
            if inner.strip() == "```":
                break
            text.append(inner[indent:])
        else:
            raise SyntaxError(f"line {number}: the block is never closed")
        yield Block(opening["language"], opening["title"], number + 1, "\n".join(text) + "\n")


def show(value: Any, expected: str, where: str) -> Any:
    """Compare an expression's repr with what the page says it is."""
    if repr(value) != expected:
        raise AssertionError(f"{where}: the page says {expected}, it is {value!r}")
    return value


def execute(block: Block, page: Path, namespace: dict[str, Any]) -> None:
    """Execute a Python block, holding every `# -> TEXT` to its word."""
    source = "\n" * (block.line - 1) + block.text
    lines = source.splitlines()
    tree = ast.parse(source, str(page))
    for statement in tree.body:
        if not isinstance(statement, ast.Expr) or statement.end_lineno is None:
            continue
        _, arrow, expected = lines[statement.end_lineno - 1].partition("# -> ")
        if arrow:
            where = ast.Constant(f"{page.name}:{statement.lineno}")
            call = ast.Call(
                ast.Name("__show", ast.Load()), [statement.value, ast.Constant(expected), where], []
            )
            statement.value = ast.copy_location(call, statement.value)
    exec(compile(ast.fix_missing_locations(tree), str(page), "exec"), namespace)


def install(pyproject: Path) -> None:
    """Give a project in the current folder the metadata that installing it would."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    metadata = Path(f"{project['name'].replace('-', '_')}-{project['version']}.dist-info")
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    entry_points = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(entry_points) + "\n")


def converse(block: Block, page: Path) -> None:
    """Run the commands of a console block."""
    output: list[str] = []
    command = ""
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        where = f"{page.name}:{number}"
        if line.startswith("$ "):
            command, _, status = line[2:].partition("# status ")
            program, *arguments = shlex.split(command, comments=True)
            start = {"opreg": ["-m", "opreg"], "python": [], "pytest": ["-m", "pytest"]}[program]
            done = subprocess.run(
                [sys.executable, *start, *arguments], capture_output=True, text=True, check=False
            )
            output = (done.stdout + done.stderr).splitlines()
            if done.returncode != int(status or 0):
                shown = "\n".join(output)
                raise AssertionError(f"{where}: `{command}` ended with status {done.returncode}:\n{shown}")
        elif line.strip() not in ("", "...") and not any(line.strip() in printed for printed in output):
            shown = "\n".join(output)
            raise AssertionError(f"{where}: `{command}` did not print {line.strip()!r}, but:\n{shown}")


def run(page: Path) -> None:
    """Run a page in the current folder."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    namespace: dict[str, Any] = {"__name__": "__main__", "__show": show}
    text = page.read_text(encoding="utf-8")
    linecache.cache[str(page)] = (len(text), None, text.splitlines(keepends=True), str(page))
    for block in blocks(text):
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
            if block.title == "pyproject.toml":
                install(Path(block.title))
        elif block.language == "python":
            execute(block, page, namespace)
        elif block.language == "console":
            converse(block, page)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
