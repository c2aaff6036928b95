"""A run as it is watched: a live table and a progress bar on a terminal, plain lines on a pipe."""

from __future__ import annotations

import time
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from opreg.verify import _checks
from opreg.verify._messages import Batch, Done, Message
from opreg.verify._plan import Plan
from opreg.verify._record import PrimitiveRecord, Record
from opreg.verify._report import describe, headline, is_red
from opreg.verify._shrink import told
from opreg.verify._unchecked import count_of, lines_of

STYLES = {"pass": "green", "fail": "bold red", "error": "bold red", "inconclusive": "yellow", "waived": "dim"}


class Display(Protocol):
    """What shows a run while it goes on."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *exc: object) -> None: ...

    def __call__(self, message: Message, plan: Plan, record: Record) -> None:
        """Show what a message changes."""


def display(console: Console, *, quiet: bool, verbose: bool) -> Display:
    """Return what suits the console: live on a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        return _Silent()
    return _Live(console, verbose) if console.is_terminal else _Lines(console, verbose)


class _Silent:
    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __call__(self, message: Message, plan: Plan, record: Record) -> None:
        pass


class _Lines(_Silent):
    """A line for each primitive when it is done; with ``verbose``, its findings as they come."""

    def __init__(self, console: Console, verbose: bool) -> None:
        self.console, self.verbose = console, verbose

    def __call__(self, message: Message, plan: Plan, record: Record) -> None:
        self._tell(message)
        if isinstance(message, Done) and plan.is_complete(message.primitive):
            _print(self.console, line(record.primitives[message.primitive]))

    def _tell(self, message: Message) -> None:
        for finding in message.findings if isinstance(message, Batch) and self.verbose else ():
            _print(self.console, f"{message.primitive}: {describe(finding)}")


class _Live(_Lines):
    """A table of the primitives under way and lately done, above a progress bar; what is wrong, above both.

    Of each primitive the first failure is told as it comes, or with ``verbose`` every finding.
    """

    def __init__(self, console: Console, verbose: bool) -> None:
        super().__init__(console, verbose)
        self.told: set[str] = set()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("cases"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self.bar = self.progress.add_task("starting", total=None)
        # No thread of its own: a case that is decided in this process has its standard streams muted.
        self.live = Live(self._view([]), console=console, transient=True, auto_refresh=False)
        self.latest: dict[str, None] = {}
        self.shown = 0.0

    def __enter__(self) -> Display:
        self.live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.live.stop()

    def __call__(self, message: Message, plan: Plan, record: Record) -> None:
        self._tell(message)
        self.latest.pop(message.primitive, None)
        self.latest[message.primitive] = None
        now = time.monotonic()
        if now - self.shown < 0.12:
            return
        self.shown = now
        decided = record.summary["cases"]
        speed = decided / max(now - self._since(now), 1e-3)
        self.progress.update(
            self.bar, description=f"{speed:.0f} cases/s", completed=decided, total=max(plan.outlook, decided)
        )
        rows = max(min(self.console.height - 6, 16), 3)
        recent = [record.primitives[name] for name in list(self.latest)[-rows:]]
        self.live.update(self._view(recent), refresh=True)

    def _tell(self, message: Message) -> None:
        super()._tell(message)
        for finding in message.findings if isinstance(message, Batch) and not self.verbose else ():
            if finding["verdict"] in ("fail", "error") and message.primitive not in self.told:
                self.told.add(message.primitive)
                said = (
                    f"{finding['verdict']:<12} {message.primitive} {finding['check']}: {finding['diagnosis']}"
                )
                _print(self.console, said, STYLES[finding["verdict"]])

    def _since(self, now: float) -> float:
        task = self.progress.tasks[0]
        return now - (task.elapsed or 0.0)

    def _view(self, recent: list[PrimitiveRecord]) -> RenderableType:
        return Group(table(recent), self.progress)


def table(records: list[PrimitiveRecord]) -> Table:
    """Return primitives as a table: verdict, cases, digits resolved."""
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (
        ("primitive", "left"),
        ("verdict", "left"),
        ("cases", "right"),
        ("digits", "right"),
        ("unchecked", "right"),
    ):
        grid.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for record in records:
        verdict = record.verdict if record.cases else "..."
        grid.add_row(
            Text(record.name),
            Text(verdict, style=STYLES.get(verdict, "")),
            str(record.cases),
            _digits(record),
            str(record.unchecked.count or "") if record.unchecked else "",
        )
    return grid


def line(record: PrimitiveRecord) -> str:
    """Return one primitive as a plain line."""
    digits = _digits(record)
    tail = f", {digits} digits" if digits else ""
    number = f"{record.cases} case{'' if record.cases == 1 else 's'}"
    return f"{record.verdict:<12} {record.name}  ({number}{tail}, {record.seconds:.1f} s)"


def _digits(record: PrimitiveRecord) -> str:
    known = [tally.digits for tally in record.checks.values() if tally.digits is not None]
    return f"{min(known):.0f}" if known else ""


def epilogue(console: Console, record: Record, *, quiet: bool, verbose: bool) -> None:
    """Print what a run found: the table on a terminal, then what is not verified, and the run in one line."""
    report: dict[str, Any] = record.as_dict()
    if not quiet and console.is_terminal:
        console.print(table([record.reported[name] for name in sorted(record.reported)]))
    for problem in report["problems"]:
        _print(console, f"broken plugin: {problem['message']}", "bold red")
    for primitive in report["primitives"]:
        if primitive["verdict"] in ("pass", "waived") and not verbose:
            continue
        style = STYLES.get(primitive["verdict"], "")
        if quiet:
            _print(console, f"{primitive['verdict']:<12} {primitive['name']}", style)
            continue
        for finding in primitive["findings"] if verbose else _telling(primitive):
            _print(console, f"\n{primitive['name']}", style)
            _print(console, describe(finding))
        if not verbose:
            _print(console, f"  {_counts(primitive)}; see --verbose or --report for the others")
    if not quiet:
        _print_unchecked(console, report["primitives"], verbose)
    if record.broke:
        _print(console, f"The run broke: {record.broke}", "bold red")
    _print(console, headline(report), "bold")


def _print_unchecked(console: Console, primitives: list[dict[str, Any]], verbose: bool) -> None:
    """Print what is unchecked and was not told as a finding: all of it with ``verbose``, else in a sentence."""
    if verbose:
        for primitive in primitives:
            lines = list(lines_of(primitive["unchecked"]))
            if lines:
                _print(
                    console, "\n".join((f"\n{primitive['name']}: unchecked", *(f"  {one}" for one in lines)))
                )
        return
    hindered = sorted({p["unchecked"]["not_measured"] for p in primitives} - {""})
    for why in hindered:
        _print(console, f"Which lines and branches of the rules are executed was not measured: {why}.")
    told = [p["name"] for p in primitives if not p["unchecked"]["decides"] and count_of(p["unchecked"])]
    if told:
        some = ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
        _print(
            console,
            f"Partly unchecked, which this run is too small to hold against them: {some} (see --verbose).",
        )


def _telling(primitive: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one finding for each thing that is wrong: the first check that found it, in the order of the checks."""
    order = [*_checks.CHECKS]
    red = [f for f in primitive["findings"] if is_red(primitive, f["check"])]
    red.sort(key=lambda f: order.index(f["check"]) if f["check"] in order else -1)
    found: dict[str, dict[str, Any]] = {}
    checks: set[str] = set()
    for finding in red:
        what = f"{told(str(finding['diagnosis']))[0]} {finding['argument']}"
        if finding["check"] not in checks:
            found.setdefault(what, finding)
        checks.add(finding["check"])
    return list(found.values())


def _counts(primitive: dict[str, Any]) -> str:
    """Say how many cases of which checks are not verified."""
    parts = []
    for name, tally in primitive["checks"].items():
        red = tally["cases"] - tally["pass"] - tally["waived"]
        if red and is_red(primitive, name):
            parts.append(f"{name} {red} of {tally['cases']}")
    return "not verified: " + ", ".join(parts)


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
