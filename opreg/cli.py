"""The command line: ``opreg verify``, ``mutate``, ``replay``, ``list`` and ``show``.

Exit status: 0 every rule is verified; 1 a rule failed or a plugin is broken; 2 wrong usage; 3 the run
itself broke; 4 nothing failed but something is inconclusive or could not be checked; 5 nothing was checked.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from opreg import plugins
from opreg._errors import OpregError, UnknownPrimitive
from opreg._version import __version__
from opreg.verify import _catalogue as catalogue
from opreg.verify import _checks
from opreg.verify._bounds import BOUNDS, Bounds
from opreg.verify._cluster import RunBroke
from opreg.verify._describe import description, namespace, overview, row
from opreg.verify._display import STYLES, display, epilogue
from opreg.verify._executors import Executor, Inline, OnRay
from opreg.verify._keyword import keyword
from opreg.verify._ledger import CannotResume, Ledger, LedgerBroke, differing
from opreg.verify._messages import sentence
from opreg.verify._mutate_cli import STATUS as MUTATE_STATUS
from opreg.verify._mutate_cli import run_mutate
from opreg.verify._mutation import MINIMUM
from opreg.verify._plan import Case
from opreg.verify._report import describe, prepare, write
from opreg.verify._run import Options, replay, shown
from opreg.verify._session import identity, now, select, verify
from opreg.verify._state import changed, recall, remember
from opreg.verify._trials import SAMPLES, Trial
from opreg.verify._unchecked import count_of, lines_of

_COMMANDLINE = click.core.ParameterSource.COMMANDLINE
STATUS = """\b
Exit status:
  0  every rule is verified
  1  a rule failed, or a plugin is broken
  2  wrong usage
  3  the run itself broke, or was interrupted
  4  nothing failed, but something is inconclusive or could not be checked
  5  nothing was checked
"""
_OF_FAIL = {"pass": 0, "waived": 0, "fail": 1, "inconclusive": 4, "error": 4}


class _Safe(click.Group):
    """A group whose commands end in a sentence, whatever happens, and never in a traceback of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            _stop("interrupted.", 3)
        except (RunBroke, LedgerBroke) as error:
            _stop(str(error), 3)
        except UnknownPrimitive as error:
            for problem in plugins.problems():  # which may be why the name is unknown
                click.echo(f"broken plugin: {problem.message}", err=True)
            _stop(str(error), 2)
        except (OpregError, LookupError) as error:
            _stop(str(error.args[0] if error.args else error), 2)
        except Exception as error:
            if ctx.meta.get("opreg.verbose"):
                traceback.print_exc()
            _stop(
                f"this went wrong inside opreg: {sentence(error)}. --verbose shows where; please report it.",
                3,
            )


def _stop(message: str, status: int) -> NoReturn:
    click.echo(f"opreg: {message[:1].lower() + message[1:] if message[1:2].islower() else message}", err=True)
    raise click.exceptions.Exit(status)


class _Seconds(click.FloatRange):
    """A range of numbers of seconds, in which NaN is not: no comparison with it is true."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:
            self.fail("nan is not a number of seconds.", param, ctx)
        return seconds


_LONGEST = 10**8  # some years, as many as any timer can be set to


@click.group(cls=_Safe, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="opreg")
def cli() -> None:
    """Differentiable NumPy primitives, each rule verified against finite differences.

    \b
    opreg verify                       check every rule that is installed, in parallel on Ray
    opreg verify mul 'numpy.linalg.*'  check some: names, aliases, globs, modules
    opreg mutate mul                   make small mistakes in rules: do the samples show them?
    opreg replay CASE                  run one case again and show it; a failure prints its CASE
    opreg list                         what is installed, and how its last run went
    opreg show mul                     one primitive: formula, rules, where they are defined

    `opreg COMMAND --help` says more about each.
    """


def _block(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Block plugins and primitives in this process, and by the environment in every worker."""
    names = []
    for value in values:
        if not value.startswith("no:") or not value[3:]:
            raise click.BadParameter(f"{value!r} should read no:NAME, such as no:numpy.multiply.")
        names.append(value[3:])
    for name in names:
        plugins.block(name)
    return tuple(names)


def _note_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    ctx.meta["opreg.verbose"] = value
    return value


_blocking = click.option(
    "-p", "blocked", metavar="no:NAME", multiple=True, callback=_block, is_eager=True,
    help="Block a plugin, a primitive or a glob of them; may be repeated.",
)  # fmt: skip
_verbose = click.option(
    "-v", "--verbose", is_flag=True, callback=_note_verbose, help="Show every finding, and details of errors."
)
_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else."
)

_PLACES = (
    click.option(
        "--executor", type=click.Choice(["ray", "inline"]), default="ray", show_default=True,
        help="Where it is decided: on Ray, or in this process one after the other. What crashes, or hangs where no "
        "time limit reaches, is survived on Ray only.",
    ),
    click.option(
        "--address", metavar="ADDRESS", envvar="RAY_ADDRESS", show_envvar=True,
        help="Join the Ray cluster at this address instead of starting a local Ray.",
    ),
    click.option(
        "--send", is_flag=True,
        help="Send opreg and the plugins along to the nodes of that cluster, instead of expecting them there.",
    ),
    click.option(
        "--workers", type=click.IntRange(min=1), metavar="N", help="Workers of Ray. Default: one for each CPU."
    ),
)  # fmt: skip


def _where(command: Any) -> Any:
    """Add the options that say where a run is decided."""
    for option in reversed(_PLACES):
        command = option(command)
    return command


def _go_on(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Ledger | None:
    """Open the ledger of a run to go on with; its options are those of this run, where none is given."""
    if value is None:
        return None
    ledger = ctx.with_resource(Ledger.resume(value))
    kept = ("seed", "samples", "checks", "time_limit", "memory_limit")
    ctx.default_map = {
        "expression": ledger.header["keyword"],
        **{name: ledger.header[name] for name in kept},
    }
    return ledger


@cli.command("verify", epilog=STATUS)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N",
    help="At least N random samples for each primitive. Default: what makes a hundred cases, at least ten.",
)  # fmt: skip
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="S",
    help="The run's seed. Default: a fresh one, which is printed.",
)
@_where
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=True), metavar="DIR",
    help="Write report.json, junit.xml, summary.md and report.html to DIR, and while the run goes on its ledger.",
)  # fmt: skip
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="DIR", callback=_go_on, is_eager=True,
    help="Go on where the run with --report DIR was broken off: with its names, seed and options.",
)  # fmt: skip
@click.option(
    "-k", "expression", default="", metavar="EXPR",
    help="Only the checks whose 'primitive check' contains these words: 'sin and not second'.",
)  # fmt: skip
@click.option(
    "--check", "checks", metavar="CHECK", multiple=True,
    help="Only this check; may be repeated. The list command names them.",
)  # fmt: skip
@click.option(
    "--changed", "only_changed", is_flag=True,
    help="Only what did not pass every check here before, or changed since: its digest, opreg, NumPy or Python.",
)  # fmt: skip
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")
@click.option(
    "--time-limit", type=_Seconds(min=0, min_open=True, max=_LONGEST), metavar="SECONDS",
    default=BOUNDS.seconds, show_default=True, help="How long a case may take.",
)  # fmt: skip
@click.option(
    "--memory-limit", type=click.IntRange(min=1, max=10**9), metavar="MB", default=BOUNDS.megabytes, show_default=True,
    help="How much memory a case may take beyond what its process has, where the system can bound it.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Only what is not verified, and the last line.")
@_blocking
@_verbose
@_as_json
@click.pass_context
def verify_command(
    ctx: click.Context,
    names: tuple[str, ...],
    samples: int | None,
    seed: int | None,
    executor: str,
    address: str | None,
    workers: int | None,
    send: bool,
    report: Path | None,
    resume: Ledger | None,
    expression: str,
    checks: tuple[str, ...],
    only_changed: bool,
    exitfirst: bool,
    time_limit: float,
    memory_limit: int,
    quiet: bool,
    blocked: tuple[str, ...],
    verbose: bool,
    as_json: bool,
) -> None:
    """Check derivative rules on random inputs; without NAME, every rule that is installed.

    NAME is a primitive's name, an alias, a glob, a module or a plugin.
    """
    if resume is not None:
        if report is not None:
            raise click.UsageError(
                "--resume writes to the directory that it goes on from: leave out --report."
            )
        if only_changed:
            raise click.UsageError("--resume goes on with the primitives of its run: leave out --changed.")
        report, names = resume.path.parent, names or tuple(resume.header["names"])
    keyword(expression)
    if report is not None:
        prepare(report)
    runner = _executor(ctx, executor, address, workers, send, blocked)
    chosen = select(names, expression)
    if only_changed:
        before = len(chosen)
        chosen = changed(chosen)
        if not chosen and before:
            click.echo(f"opreg verify: {before} passed before, and nothing changed since", err=as_json)
            if as_json:
                click.echo(json.dumps(verify([], Inline(), Options(seed=seed or 0)).as_dict()))
            ctx.exit(0)
    checks = _checks.known(checks)
    seed = secrets.randbits(31) if seed is None else seed
    console = Console(highlight=False, file=sys.stderr if as_json else sys.stdout)
    hushed = quiet or as_json
    if not hushed:
        number = f"{len(chosen)} primitive{'' if len(chosen) == 1 else 's'}"
        console.print(Text(f"opreg verify: {number}, seed {seed}, executor {executor}"), soft_wrap=True)
        if not names and (asleep := plugins.dormant()):
            libraries = ", ".join(sorted({entry.missing for entry in asleep}))
            without = ", ".join(entry.name for entry in asleep)
            console.print(Text(f"not installed: {libraries}, and so not checked: {without}"), soft_wrap=True)
    options = Options(seed=seed, keyword=expression, checks=checks, bounds=Bounds(time_limit, memory_limit))
    ledger = resume
    if ledger is not None:
        if different := differing(ledger.header, identity(chosen, options, samples)):
            raise CannotResume(
                f"this is not the run of {ledger.path}: {different}. Start afresh, with --report."
            )
    elif report is not None:
        ledger = ctx.with_resource(
            Ledger.begin(report, {"started": now(), **identity(chosen, options, samples)})
        )
    with display(console, quiet=hushed, verbose=verbose) as watch:
        record = verify(
            chosen, runner, options, samples=samples, stop_at_failure=exitfirst, watch=watch, ledger=ledger
        )
    if as_json:
        click.echo(json.dumps(record.as_dict(), ensure_ascii=False))
    else:
        epilogue(console, record, quiet=quiet, verbose=verbose)
        if record.exit_status == 5:
            console.print(Text(_why_nothing(expression)), soft_wrap=True)
    remember(record)
    if report is not None:
        write(record, report)
        if not hushed:
            console.print(Text(f"reports: {report}"), soft_wrap=True)
            if record.broke:
                console.print(Text(f"to go on: opreg verify --resume {report}"), soft_wrap=True)
    ctx.exit(record.exit_status)


def _executor(
    ctx: click.Context,
    executor: str,
    address: str | None,
    workers: int | None,
    send: bool,
    blocked: Iterable[str],
) -> Executor:
    address = "" if address is None or address == "local" else address
    if executor == "inline":
        if workers is not None and workers > 1:
            raise click.UsageError(
                "--workers is for --executor ray: inline decides one case after the other."
            )
        if ctx.get_parameter_source("address") is _COMMANDLINE:
            raise click.UsageError("--address is for --executor ray.")
    if send and (executor == "inline" or not address):
        raise click.UsageError("--send is for a cluster that is joined by --address or RAY_ADDRESS.")
    if executor == "inline":
        return Inline()
    disabled = [os.environ.get("OPREG_DISABLE", ""), *blocked]
    environment = {
        name: value
        for name, value in (
            ("OPREG_DISABLE", ",".join(filter(None, disabled))),
            ("OPREG_CHOOSE", os.environ.get("OPREG_CHOOSE", "")),
        )
        if value
    }
    return OnRay(address=address, count=workers or 0, environment=environment, send=send)


def _why_nothing(expression: str) -> str:
    if expression:
        return f"Nothing was checked: -k {expression!r} selects no check."
    return "Nothing was checked: none is installed, or all are blocked. `opreg list --plugins` shows which."


@cli.command("mutate", epilog=MUTATE_STATUS)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N", default=SAMPLES, show_default=True,
    help="Try each mutant on at least N random samples: whole rounds of them.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="S", help="The run's seed. Default: a fresh one, printed."
)
@_where
@click.option("--report", type=click.Path(path_type=Path), metavar="DIR", help="Write mutation.json to DIR.")
@click.option(
    "-k", "expression", default="", metavar="EXPR",
    help="Only the mutants whose 'primitive function operator' contains these words: 'sin and sign'.",
)  # fmt: skip
@click.option(
    "--minimum", type=click.FloatRange(0, 100), metavar="PERCENT", default=MINIMUM, show_default=True,
    help="The score that is to be reached: the percentage of mutants killed, of those not waived.",
)  # fmt: skip
@_blocking
@_verbose
@_as_json
@click.pass_context
def mutate_command(
    ctx: click.Context,
    names: tuple[str, ...],
    samples: int,
    seed: int | None,
    executor: str,
    address: str | None,
    workers: int | None,
    send: bool,
    report: Path | None,
    expression: str,
    minimum: float,
    blocked: tuple[str, ...],
    verbose: bool,
    as_json: bool,
) -> None:
    """Test the samples: make small mistakes in derivative rules, and see that each is found.

    NAME is a primitive's name, an alias, a glob, a module or a plugin; without NAME, every rule that is installed.
    """
    runner = _executor(ctx, executor, address, workers, send, blocked)
    trial = Trial(secrets.randbits(31) if seed is None else seed, samples)
    ctx.exit(
        run_mutate(
            names,
            runner,
            trial,
            minimum=minimum,
            expression=expression,
            report=report,
            verbose=verbose,
            as_json=as_json,
        )
    )


@cli.command("replay")
@click.argument("case", metavar="CASE")
@_blocking
@_verbose
@_as_json
@click.pass_context
def replay_command(
    ctx: click.Context, case: str, blocked: tuple[str, ...], verbose: bool, as_json: bool
) -> None:
    """Run one case again, in this process, and show it.

    CASE is PRIMITIVE:ROUND.INDEX:CHECK:SEED, as a failure prints it. The exit status is 0 where it passes,
    1 where it fails, 4 where it cannot be decided, 5 where the check does not apply to the sample.
    """
    parsed = Case.parse(case)
    sample, verdict = replay(parsed)
    input_text = "" if sample is None else shown(sample)
    if isinstance(verdict, str):
        outcome: dict[str, Any]
        outcome, status = {"outcome": "inapplicable", "reason": verdict, "digits": None, "findings": []}, 5
    else:
        outcome, status = verdict.as_dict(), _OF_FAIL[verdict.outcome]
    if as_json:
        note = getattr(sample, "note", "")
        click.echo(
            json.dumps({"case": str(parsed), "input": input_text, "note": note, **outcome}, default=str)
        )
        ctx.exit(status)
    console = Console(highlight=False)
    console.print(Text(str(parsed), style="bold"), soft_wrap=True)
    if sample is not None:
        note = f"   ({sample.note})" if sample.note else ""
        console.print(Text(f"  input     {input_text}{note}"), soft_wrap=True)
    digits = f", {outcome['digits']:.1f} digits resolved" if outcome["digits"] is not None else ""
    reason = f": {outcome['reason']}" if outcome["reason"] else ""
    console.print(
        Text(f"  verdict   {outcome['outcome']}{digits}{reason}", style=STYLES.get(outcome["outcome"], ""))
    )
    for finding in outcome["findings"]:
        console.print(Text("\n" + describe(finding)), soft_wrap=True)
    ctx.exit(status)


@cli.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--plugins", "of_plugins", is_flag=True, help="List plugins, with distribution and version.")
@click.option(
    "--namespace", "module", metavar="MODULE", help="List what becomes of every function of a module."
)
@click.option("--checks", "of_checks", is_flag=True, help="List the checks, with what each holds a rule to.")
@click.option("--markdown", is_flag=True, help="Print tables in Markdown, a module each, for documentation.")
@_blocking
@_verbose
@_as_json
@click.pass_context
def list_command(
    ctx: click.Context,
    names: tuple[str, ...],
    of_plugins: bool,
    module: str | None,
    of_checks: bool,
    markdown: bool,
    blocked: tuple[str, ...],
    verbose: bool,
    as_json: bool,
) -> None:
    """List the primitives that are installed, with their modes, samples and the verdict of the last run.

    Broken plugins are named on standard error; they do not change the exit status.
    """
    if of_plugins:
        _list_plugins(as_json)
    elif of_checks:
        _list_checks(as_json)
    elif module is not None:
        _list_namespace(module, as_json)
    elif markdown:
        click.echo(catalogue.overview(overview(select(names) if names else ())), nl=False)
    else:
        state = recall()
        rows = [row(plugins.get(name), state.get(name)) for name in select(names)]
        if as_json:
            click.echo(json.dumps(rows, indent=1))
        else:
            _list_primitives(rows)
    for problem in plugins.problems():
        click.echo(f"broken plugin: {problem.message}", err=True)


def _list_checks(as_json: bool) -> None:
    found = _checks.table()
    if as_json:
        click.echo(json.dumps([{"name": c.name, "doc": c.doc} for c in found.values()], indent=1))
        return
    width = max(map(len, found))
    for check in found.values():
        click.echo(f"{check.name:<{width}}  {check.doc}")


def _list_namespace(module: str, as_json: bool) -> None:
    try:
        rows = namespace(module)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    _print_table(("function", "state", "reason"), [tuple(found.values()) for found in rows])
    counts = Counter(found["state"] for found in rows)
    click.echo(", ".join(f"{number} {state}" for state, number in counts.most_common()))


def _list_plugins(as_json: bool) -> None:
    plugins.load_all()
    broken = {(problem.plugin, problem.distribution): problem.message for problem in plugins.problems()}
    counts: dict[str, int] = {}
    for primitive in plugins.primitives():
        plugin = plugins.origin(primitive).plugin
        counts[plugin] = counts.get(plugin, 0) + 1
    rows = [
        {
            "name": entry.name,
            "value": entry.value,
            "distribution": entry.distribution,
            "version": entry.version,
            "primitives": counts.get(entry.name, 0),
            "state": "blocked"
            if entry.blocked
            else "broken"
            if (entry.name, entry.distribution) in broken
            else f"dormant: {entry.missing} is not installed"
            if entry.missing
            else "ok",
        }
        for entry in plugins.entries()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    _print_table(
        ("plugin", "module", "distribution", "version", "primitives", "state"),
        [tuple(str(value) for value in found.values()) for found in rows],
    )


def _list_primitives(rows: list[dict[str, Any]]) -> None:
    lines: list[tuple[str, ...]] = []
    for found in rows:
        last = found["last"]
        when = f"{last['verdict']} ({last['when'][:10]})" if last else "never run"
        left = count_of(last["unchecked"]) if last and last.get("unchecked") else 0
        when += f", {left} unchecked" if left else ""
        origin = f"{found['distribution']} {found['version']}".strip()
        modes = "+".join(found["modes"]) or "-"
        aliases = ", ".join(found["aliases"])
        lines.append((found["name"], aliases, found["kind"], modes, str(found["samples"]), when, origin))
    _print_table(("primitive", "aliases", "kind", "modes", "samples", "last run", "from"), lines)
    click.echo(f"{len(rows)} primitive{'' if len(rows) == 1 else 's'}")


def _print_table(heads: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    """Print a table: to fit on a terminal, and one line for each row on a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        widths = [max(len(line[i]) for line in (heads, *lines)) for i in range(len(heads))]
        for line in (heads, *lines):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            click.echo(text.rstrip())
        return
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        grid.add_column(head)
    for line in lines:
        grid.add_row(*(Text(cell) for cell in line))
    console.print(grid)


@cli.command("show")
@click.argument("name", metavar="NAME")
@_blocking
@_verbose
@_as_json
def show_command(name: str, blocked: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Show one primitive: formula, rules with their source and place, domain, keywords, samples, conventions."""
    primitive = plugins.get(name)
    found = description(primitive, recall().get(primitive.name))
    if as_json:
        click.echo(json.dumps(found, indent=1, default=str))
        return
    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True)

    aliases = f"   (also {', '.join(found['aliases'])})" if found["aliases"] else ""
    say(f"{found['name']}{found['signature']}{aliases}", "bold")
    say(f"{found['kind']}, from {found['distribution']} {found['version']} (plugin {found['plugin']})")
    say(f"defined in {found['defined']}")
    if found["doc"]:
        say("\n" + found["doc"])
    _code(console, found["source"])
    if found["rules"] or found["derived"]:
        say("\nrules", "bold")
    together: dict[tuple[str, str], list[str]] = {}
    for rule in found["rules"]:
        argument = "all arguments" if rule["argument"] == "*" else rule["argument"]
        together.setdefault((rule["where"], rule["source"]), []).append(
            f"{rule['mode'].upper()} of {argument}"
        )
    for (where, source), of in together.items():
        say(f"  {', '.join(of)}   {where}")
        _code(console, source)
    for mode, how in found["derived"].items():
        say(f"  {mode.upper()}: {how}")
    if compared := found["compared_as"]:
        say("\nnot all of the output is determined: it is compared as", "bold")
        say(f"  {compared['where']}")
        _code(console, compared["source"])
    for title, text in (("source of the derivative", found["reference"]), ("domain", found["domain"])):
        if text:
            say(f"\n{title}", "bold")
            say(f"  {text}")
    for title, reasons in (
        ("not differentiable", found["not_differentiable"]),
        ("keywords", found["keywords"]),
        ("refused", {name: f"it cannot {reason}" for name, reason in found["refused"].items()}),
    ):
        if reasons:
            say(f"\n{title}", "bold")
            for key, value in reasons.items():
                say(f"  {key}: {value}" if title != "keywords" else f"  {key}={value}")
    if found["without_rule"]:
        say(f"\nwithout rule and without reason: {', '.join(found['without_rule'])}", "bold red")
    last = found["last"]
    left = last.get("unchecked") if last else None
    unchecked = [f"waived   {what}: {reason}" for what, reason in found["left_unchecked"].items()]
    unchecked += lines_of({**left, "waived": []}) if left else ()
    if unchecked:
        say("\nunchecked", "bold")
        for text in unchecked:
            say(f"  {text}")
    say("\nsamples", "bold")
    say(f"  {found['samples']} in each round")
    for generator in found["sample_generators"]:
        say(f"  {generator['name']}   {generator['where']}")
    if found["notes"]:
        say(f"  among them: {'; '.join(found['notes'])}")
    say("\nconventions", "bold")
    for convention in found["conventions"]:
        say(f"  {convention}")
    say(
        f"\nlast run: {last['verdict']}, {last['cases']} cases, {last['when']}"
        if last
        else "\nlast run: never"
    )
    say(f"digest: {found['digest']}, of")
    for part in found["digest_of"]:
        helpers = f"  with {', '.join(part['helpers'])}" if part["helpers"] else ""
        say(f"  {part['what']:<14} {part['digest']}{helpers}")
    rest = ", ".join(f"{name} {value}" for name, value in found["grounds"].items())
    say(f"  --changed looks at {rest} too")


@cli.command("catalogue")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_blocking
@_verbose
@_as_json
def catalogue_command(
    directory: Path, names: tuple[str, ...], blocked: tuple[str, ...], verbose: bool, as_json: bool
) -> None:
    """Write a page in Markdown for each primitive to DIR, and an index: what it is, its rules, how it is verified.

    Without NAME of all that are installed. What DIR holds of others is left alone.
    """
    state = recall()
    prepare(directory, "directory", "Name another.")
    written = catalogue.write(
        directory, [description(plugins.get(name), state.get(name)) for name in select(names)]
    )
    if as_json:
        click.echo(json.dumps([str(path) for path in written], indent=1))
    else:
        click.echo(f"{len(written) - 1} pages and their index: {written[0]}")


def _code(console: Console, text: str) -> None:
    """Print source, coloured on a terminal."""
    if console.is_terminal:
        console.print(Syntax(text, "python", background_color="default", word_wrap=True))
    else:
        for line in text.splitlines():
            click.echo(f"    {line}")
