"""A run of mutation testing as it is watched and told: ``opreg mutate``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from opreg.verify._executors import Executor
from opreg.verify._keyword import keyword
from opreg.verify._mutants import Mutant
from opreg.verify._mutation import Mutation, Tested, mutate, score
from opreg.verify._report import CannotWrite, _replace, prepare
from opreg.verify._session import select
from opreg.verify._trials import Trial

STATUS = """\b
Exit status:
  0  the score reaches the minimum
  1  the score is below the minimum
  2  wrong usage
  3  the run itself broke, or was interrupted
  5  there was nothing to mutate
"""
LONGEST = 160
"""The longest change that is printed in full, in characters; mutation.json has all of it."""


def run_mutate(
    names: Sequence[str],
    executor: Executor,
    trial: Trial,
    *,
    minimum: float,
    expression: str,
    report: Path | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Test rules by mutation, show it and write the report; return the exit status."""
    keyword(expression)
    if report is not None:
        prepare(report)
    chosen = select(names)
    console = Console(highlight=False, file=sys.stderr if as_json else sys.stdout)
    if not as_json:
        number = f"{len(chosen)} primitive{'' if len(chosen) == 1 else 's'}"
        head = f"opreg mutate: {number}, at least {trial.samples} samples each, seed {trial.seed}, "
        _print(console, f"{head}executor {executor.name}")
    with _watching(console, quiet=as_json) as watch:
        run = mutate(chosen, executor, trial, minimum=minimum, expression=expression, watch=watch)
    if as_json:
        click.echo(json.dumps(run.as_dict(), ensure_ascii=False))
    else:
        _tell(console, run, verbose)
    if report is not None:
        path = report / "mutation.json"
        try:
            _replace(path, json.dumps(run.as_dict(), indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from None
        if not as_json:
            _print(console, f"report: {path}")
    return run.exit_status


# -- while it runs ---------------------------------------------------------------------------------------------------


class _Watch:
    """Tells nothing."""

    def __call__(self, run: Mutation, name: str) -> None:
        pass


class _Lines(_Watch):
    """A line for each primitive when it is done."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, run: Mutation, name: str) -> None:
        tested = run.tested[name]
        if tested.is_complete:
            counts = tested.counts
            tail = "".join(f", {counts[key]} {key}" for key in ("survived", "waived") if counts[key])
            _print(self.console, f"{_percent(tested)}  {name}  ({counts['mutants']} mutants{tail})")


class _Bar(_Watch):
    """A table of the primitives under way and lately done, above a progress bar."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn()
        self.progress = Progress(
            *columns, TextColumn("mutants"), TimeRemainingColumn(), console=console, expand=True
        )
        self.bar = self.progress.add_task("starting", total=None)
        self.console = console
        self.live = Live(self.progress, console=console, transient=True, refresh_per_second=8)
        self.latest: dict[str, None] = {}
        self.shown = 0.0

    def __call__(self, run: Mutation, name: str) -> None:
        self.latest.pop(name, None)
        self.latest[name] = None
        now = time.monotonic()
        if now - self.shown < 0.12:
            return
        self.shown = now
        counts = run.counts
        self.progress.update(
            self.bar,
            description=f"{counts['survived']} survived",
            completed=counts["mutants"],
            total=run.total,
        )
        rows = max(min(self.console.height - 6, 16), 3)
        recent = [run.tested[name] for name in list(self.latest)[-rows:]]
        self.live.update(Group(_table(recent), self.progress))


@contextlib.contextmanager
def _watching(console: Console, *, quiet: bool) -> Iterator[_Watch]:
    """Return what suits the console: live on a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        yield _Watch()
    elif console.is_terminal:
        bar = _Bar(console)
        with bar.live:
            yield bar
    else:
        yield _Lines(console)


# -- afterwards ------------------------------------------------------------------------------------------------------


def _tell(console: Console, run: Mutation, verbose: bool) -> None:
    """Print the table on a terminal, then every survivor, what is amiss with waivers and sources, and the score."""
    tested = [run.tested[name] for name in sorted(run.tested)]
    if console.is_terminal:
        console.print(_table(tested))
    for one in tested:
        survivors = one.of("survived")
        if survivors:
            _print(console, f"\n{one.name}: {len(survivors)} of {one.counts['mutants']} survived", "bold red")
        for mutant in survivors:
            _print(console, f"  {_place(mutant)}  {_rule(mutant)}: {mutant.operator}")
            _print(console, f"      {_short(mutant.change)}")
        for mutant in one.of("waived") if verbose else ():
            waiver = one.waiver(mutant)
            _print(console, f"  waived: {_short(mutant.change)} ({waiver.reason if waiver else ''})", "dim")
    for one in tested:
        for waiver in one.stale:
            text = f"{one.name}: the waiver of {waiver.change!r} for {waiver.argument!r} waives no survivor"
            _print(console, f"stale: {text}", "yellow")
        for unread in one.found.unreadable:
            text = f"{one.name}: {unread.function}, {unread.mode} of {', '.join(unread.arguments)}"
            _print(console, f"not mutated: {text}: {unread.reason}", "yellow")
    if run.broke:
        _print(console, f"The run broke: {run.broke}", "bold red")
    _print(console, _headline(run), "bold")


def _headline(run: Mutation) -> str:
    counts, reached = run.counts, score(run.counts)
    if not counts["mutants"]:
        return "Nothing was mutated: no rule was selected that has a source. A composite has no rules of its own."
    judged = f"score {reached:.1f} %" if reached is not None else "no score, all are waived"
    parts = ", ".join(f"{counts[key]} {key}" for key in ("killed", "survived", "waived"))
    return (
        f"{counts['mutants']} mutants: {parts}; {judged} (minimum {run.minimum:g} %) in {run.seconds:.1f} s"
    )


def _table(tested: list[Tested]) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="dim")
    grid.add_column("primitive", no_wrap=True)
    for name in ("mutants", "killed", "waived", "survived", "score"):
        grid.add_column(name, justify="right", no_wrap=True)
    for one in tested:
        counts = one.counts
        numbers = [str(counts[key]) for key in ("mutants", "killed", "waived", "survived")]
        style = "bold red" if counts["survived"] else "green"
        grid.add_row(Text(one.name), *numbers, Text(_percent(one), style=style))
    return grid


def _percent(tested: Tested) -> str:
    reached = score(tested.counts)
    return f"{reached:5.1f} %" if reached is not None else "      -"


def _place(mutant: Mutant) -> str:
    """Return the file and line of a mutant, the file as seen from here if it lies below."""
    file = mutant.file
    with contextlib.suppress(ValueError):  # another drive
        relative = os.path.relpath(file)
        file = relative if not relative.startswith("..") else file
    return f"{file}:{mutant.line}"


def _rule(mutant: Mutant) -> str:
    """Say in which rule a mutant is."""
    arguments = "all arguments" if mutant.arguments == ("*",) else ", ".join(mutant.arguments)
    modes = " and ".join(part.upper() if part != "residual" else part for part in mutant.mode.split("+"))
    helper = "" if "<lambda>" in mutant.function else f", in {mutant.function.split('.')[-1]}"
    return f"{modes} of {arguments}{helper}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + " ... " + text[-LONGEST // 2 :]


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
