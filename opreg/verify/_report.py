"""The reports of a run, all from its one record: report.json, junit.xml, summary.md and report.html."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as etree

from opreg._errors import OpregError
from opreg.verify._record import Record
from opreg.verify._unchecked import count_of, lines_of
from opreg.verify._verdict import Small

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "waived": "-", "error": "!"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CannotWrite(OpregError, OSError):
    """A report directory cannot be written."""


def prepare(
    directory: Path, what: str = "report directory", advice: str = "Name another with --report."
) -> None:
    """Make a directory and see that files can be written there, before a run starts."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"opreg")
    except OSError as error:
        raise CannotWrite(
            f"the {what} {str(directory)!r} cannot be written: {error.strerror or error}. {advice}"
        ) from None


def write(record: Record, directory: Path) -> None:
    """Write every report; each file is whole or absent, never half."""
    report = record.as_dict()
    contents = {
        "report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
        "junit.xml": junit(report),
        "summary.md": summary(report),
        "report.html": page(report),
    }
    for name, text in contents.items():
        try:
            _replace(directory / name, text)
        except OSError as error:
            raise CannotWrite(f"{directory / name} cannot be written: {error.strerror or error}.") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        # what a rule raises may hold half a character, of which the escape is JSON, too
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def junit(report: dict[str, Any]) -> str:
    """Return the report as JUnit XML: a test case for each check of a primitive, and each broken plugin."""
    suite = etree.Element("testsuite", name="opreg", hostname="", timestamp=report["run"]["started"][:19])
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}

    def case(classname: str, name: str, seconds: float) -> etree.Element:
        counts["tests"] += 1
        return etree.SubElement(suite, "testcase", classname=classname, name=name, time=f"{seconds:.3f}")

    def outcome(
        parent: etree.Element, tag: str, plural: str, kind: str, message: str, text: str = ""
    ) -> None:
        counts[plural] += 1
        attributes = {"message": _xml(message)} | ({"type": kind} if tag != "skipped" else {})
        etree.SubElement(parent, tag, attributes).text = _xml(text) or None

    for problem in report["problems"]:
        outcome(case("plugins", problem["plugin"], 0.0), "failure", "failures", "plugin", problem["message"])
    for primitive in report["primitives"]:
        cases = max(primitive["cases"], 1)
        if not primitive["cases"]:
            element = case(primitive["name"], "samples", primitive["seconds"])
            outcome(element, "error", "errors", "unchecked", primitive["findings"][0]["diagnosis"])
        for name, check in primitive["checks"].items():
            element = case(primitive["name"], name, primitive["seconds"] * check["cases"] / cases)
            findings = [finding for finding in primitive["findings"] if finding["check"] == name]
            text = "\n\n".join(describe(finding) for finding in findings)
            first = findings[0]["diagnosis"] if findings else ""
            verdict = check["verdict"]
            if verdict == "fail":
                outcome(element, "failure", "failures", "fail", first, text)
            elif verdict in ("error", "inconclusive"):
                outcome(element, "error", "errors", verdict, first, text)
            elif verdict in ("waived", ""):
                reasons = check["reasons"] or check["inapplicable"]
                outcome(element, "skipped", "skipped", "", "; ".join(reasons))
    for name, number in counts.items():
        suite.set(name, str(number))
    suite.set("time", f"{report['run']['seconds']:.3f}")
    root = etree.Element("testsuites", name="opreg verify")
    root.append(suite)
    etree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + etree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("�", text)


def describe(finding: dict[str, Any]) -> str:
    """Return a finding as text, a line for each thing it knows."""
    lines = [f"{finding['check']} {finding['verdict']}: {finding['diagnosis']}"]
    for label, key in (
        ("input", "input"),
        ("argument", "argument"),
        ("got", "got"),
        ("expected", "expected"),
    ):
        if finding[key] is not None:
            bound = finding["error_bound"]
            tail = f"   (error bound {bound:.1e})" if key == "expected" and isinstance(bound, float) else ""
            lines.append(f"  {label:<9} {finding[key]}{tail}")
    if finding.get("shrunk"):
        lines += Small(**finding["shrunk"]).lines()
    if finding["case"]:
        lines.append(f"  replay    opreg replay {finding['case']}")
    if finding["reproducer"]:
        lines += ["  reproduce", *(f"    {line}" for line in finding["reproducer"].splitlines())]
    return "\n".join(lines)


def headline(report: dict[str, Any]) -> str:
    """Return the run in one line."""
    counts, verdicts = report["summary"], report["summary"]["verdicts"]
    parts = [f"{verdicts['pass']} verified"]
    for verdict, words in (("fail", "failed"), ("error", "in error"), ("inconclusive", "inconclusive")):
        if verdicts[verdict]:
            parts.append(f"{verdicts[verdict]} {words}")
    if verdicts["waived"]:
        parts.append(f"{verdicts['waived']} waived")
    number = len(report["problems"])
    if number:
        parts.append(f"{number} broken plugin{'s' if number > 1 else ''}")
    return (
        f"{counts['primitives']} primitive{'' if counts['primitives'] == 1 else 's'}: {', '.join(parts)}; "
        f"{counts['cases']} cases in {report['run']['seconds']:.1f} s (seed {report['run']['seed']})"
    )


def summary(report: dict[str, Any]) -> str:
    """Return the report as Markdown, for a pull request or a job's summary page."""
    lines = ["# opreg verify", "", f"**{headline(report)}**", ""]
    if report["run"]["broke"]:
        lines += [f"The run broke: {_cell(report['run']['broke'])}", ""]
    if report["problems"]:
        lines += ["## Broken plugins", "", *(f"* {_cell(p['message'])}" for p in report["problems"]), ""]
    red = [p for p in report["primitives"] if p["verdict"] not in ("pass", "waived")]
    if red:
        lines += [
            "## Not verified",
            "",
            "| primitive | verdict | check | diagnosis | replay |",
            "|---|---|---|---|---|",
        ]
        for primitive in red:
            for finding in _one_each(primitive):
                cells = (primitive["name"], primitive["verdict"], finding["check"], finding["diagnosis"])
                replay = f"`opreg replay {finding['case']}`" if finding["case"] else ""
                lines.append(f"| {' | '.join(map(_cell, cells))} | {replay} |")
        lines.append("")
    unchecked = [p for p in report["primitives"] if any(lines_of(p["unchecked"]))]
    if unchecked:
        lines += ["## Unchecked", ""]
        for primitive in unchecked:
            shown = list(lines_of(primitive["unchecked"]))
            more = [f"and {len(shown) - 10} more"] if len(shown) > 10 else []
            lines.append(f"* {_cell(primitive['name'])}")
            lines += [f"  * {_cell(text)}" for text in (*shown[:10], *more)]
        lines.append("")
    lines += [
        "## Primitives",
        "",
        "| primitive | verdict | cases | digits | unchecked | plugin |",
        "|---|---|---|---|---|---|",
    ]
    for primitive in report["primitives"]:
        origin = f"{primitive['distribution']} {primitive['version']}"
        number = count_of(primitive["unchecked"]) or ""
        row = (
            primitive["name"],
            primitive["verdict"],
            primitive["cases"],
            _digits(primitive),
            number,
            origin,
        )
        lines.append(f"| {' | '.join(map(_cell, row))} |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _one_each(primitive: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the first finding of each check that is not passed."""
    seen = set()
    for finding in primitive["findings"]:
        check = finding["check"]
        if check not in seen and is_red(primitive, check):
            seen.add(check)
            yield finding


def is_red(primitive: dict[str, Any], check: str) -> bool:
    """Tell whether a check is what keeps a primitive from being verified."""
    return primitive["checks"].get(check, {"verdict": "inconclusive"})["verdict"] not in ("pass", "waived")


def _digits(primitive: dict[str, Any]) -> str:
    known = [check["digits"] for check in primitive["checks"].values() if check["digits"] is not None]
    return f"{min(known):.0f}" if known else ""


_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
.pass{color:#1a7f37}.fail,.error{color:#cf222e;font-weight:600}.inconclusive{color:#9a6700}.waived{color:#777}
pre{background:#8881;padding:.6rem;overflow-x:auto;white-space:pre-wrap}
summary{cursor:pointer}
""".strip()


def page(report: dict[str, Any]) -> str:
    """Return the report as one HTML page that needs nothing else."""
    run = report["run"]
    known = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>opreg verify: {escape(headline(report))}</title><style>{_STYLE}</style></head><body>",
        f"<h1>opreg verify</h1><p><strong>{escape(headline(report))}</strong></p>",
        f"<p>Started {escape(run['started'])}, executor {escape(run['executor'])} with {run['workers']} "
        f"worker{'' if run['workers'] == 1 else 's'}; {escape(known)}.</p>",
    ]
    if run["broke"]:
        parts.append(f'<p class="error">The run broke: {escape(run["broke"])}</p>')
    if report["problems"]:
        parts.append("<h2>Broken plugins</h2><ul>")
        parts += [f'<li class="fail">{escape(problem["message"])}</li>' for problem in report["problems"]]
        parts.append("</ul>")
    parts.append("<h2>Primitives</h2><table><thead><tr><th>primitive<th>verdict<th>cases<th>digits<th>checks")
    parts.append("<th>unchecked<th>plugin</tr></thead><tbody>")
    for primitive in report["primitives"]:
        parts.append(_row(primitive))
    parts.append("</tbody></table></body></html>")
    return "\n".join(parts) + "\n"


def _row(primitive: dict[str, Any]) -> str:
    verdict = primitive["verdict"]
    checks = " ".join(
        f'<span class="{check["verdict"] or "waived"}">{escape(name)}'
        f"&nbsp;{_MARKS.get(check['verdict'], '·')}</span>"
        for name, check in primitive["checks"].items()
    )
    name = escape(primitive["name"])
    if primitive["findings"]:
        details = "\n\n".join(describe(finding) for finding in primitive["findings"])
        number = len(primitive["findings"])
        shown = "" if verdict in ("pass", "waived") else " open"
        name += (
            f"<details{shown}><summary>{number} finding{'' if number == 1 else 's'}</summary>"
            f"<pre>{escape(details)}</pre></details>"
        )
    unchecked = list(lines_of(primitive["unchecked"]))
    if unchecked:
        name += f"<details><summary>unchecked</summary><pre>{escape(chr(10).join(unchecked))}</pre></details>"
    origin = escape(f"{primitive['distribution']} {primitive['version']}")
    return (
        f'<tr><td>{name}<td class="{verdict}">{_MARKS[verdict]} {verdict}<td>{primitive["cases"]}'
        f"<td>{_digits(primitive)}<td>{checks}<td>{count_of(primitive['unchecked']) or ''}<td>{origin}</tr>"
    )
