"""A page for each primitive and an index of them, in Markdown, from what the registry knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from opreg.verify._unchecked import lines_of

INDEX = "index.md"


def write(directory: Path, found: Sequence[Mapping[str, Any]], title: str = "Catalogue") -> list[Path]:
    """Write a page for each description (see :func:`opreg.verify._describe.description`) and the index.

    Pages of other primitives that lie there are left alone. Return what was written, the index first.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = [directory / INDEX]
    written[0].write_text(index(found, title), encoding="utf-8")
    for one in found:
        path = directory / page_name(one["name"])
        path.write_text(page(one), encoding="utf-8")
        written.append(path)
    return written


def page_name(name: str) -> str:
    """Return the file name of a primitive's page."""
    return f"{name}.md"


def index(found: Sequence[Mapping[str, Any]], title: str) -> str:
    """Return the index: a table for each module."""
    lines = [
        f"# {title}",
        "",
        f"{len(found)} functions. Each page says what is differentiated, how, and how it was verified.",
    ]
    ordered = sorted(found, key=lambda one: (_module(one["name"]), one["name"].lower()))
    for module, several in groupby(ordered, key=lambda one: _module(one["name"])):
        lines += ["", f"## {module}", "", "| function | | derivative | last run |", "|---|---|---|---|"]
        lines += [_row(one) for one in several]
    return "\n".join(lines) + "\n"


def overview(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table for each module of what becomes of its functions: see :func:`opreg.verify._describe.overview`."""
    lines: list[str] = []
    ordered = sorted(rows, key=lambda one: (_module(one["name"]), one["name"].lower()))
    for module, several in groupby(ordered, key=lambda one: _module(one["name"])):
        lines += [f"## {module}", "", "| function | | |", "|---|---|---|"]
        lines += [f"| `{one['name']}` | {one['state']} | {_cell(one['doc'])} |" for one in several]
        lines += [""]
    return "\n".join(lines)


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _row(one: Mapping[str, Any]) -> str:
    derivative = (
        one["kind"] if one["kind"] == "not differentiable" else " and ".join(map(str.upper, one["modes"]))
    )
    last = one["last"]["verdict"] if one["last"] else "never run"
    first = one["doc"].strip().split("\n")[0]
    return f"| [{one['name']}]({page_name(one['name'])}) | {_cell(first)} | {derivative} | {last} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def page(one: Mapping[str, Any]) -> str:
    """Return the page of one primitive."""
    lines = [f"# {one['name']}", "", "```python", f"{one['name']}{one['signature']}", "```", ""]
    if one["doc"]:
        lines += [one["doc"].strip(), ""]
    about = [f"{one['kind']}, from {one['distribution']} {one['version']} (plugin `{one['plugin']}`)"]
    if one["aliases"]:
        about.append("also called " + ", ".join(f"`{alias}`" for alias in one["aliases"]))
    lines += ["; ".join(about) + ".", ""]
    lines += _section("Not differentiable", _items(one["not_differentiable"]))
    lines += _section("Domain", _domain(one))
    lines += _section(
        "Keywords",
        [
            *(f"* `{name}={default}`" for name, default in one["keywords"].items()),
            *(f"* `{name}`: it cannot {reason}" for name, reason in one["refused"].items()),
        ],
    )
    lines += _section(
        "Rules",
        [*_rules(one["rules"]), *(f"* {mode.upper()}: {how}" for mode, how in one["derived"].items())],
    )
    lines += _section("Source of the derivative", [_sentence(one["reference"])] if one["reference"] else [])
    if one["compared_as"]:
        lines += _section("What of the output is determined", [_code(one["compared_as"]["source"])])
    lines += _section("Conventions", [f"* {convention}" for convention in one["conventions"]])
    lines += _section("How it is verified", _verified(one))
    return "\n".join(lines).rstrip() + "\n"


def _domain(one: Mapping[str, Any]) -> list[str]:
    lines = [f"* {_sentence(one['domain'])}"] if one["domain"] else []
    if one["numbers"]:
        lines.append(
            f"* Verified by numbers of the types {', '.join(f'`{name}`' for name in one['numbers'])}."
        )
    return lines


def _sentence(text: str) -> str:
    text = text if text.endswith(".") else text + "."
    return text[0].upper() + text[1:] if text[1].isalpha() else text  # x stays x


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _items(reasons: Mapping[str, str]) -> list[str]:
    return [
        f"* {'all arguments' if name == '*' else f'`{name}`'}: {reason}" for name, reason in reasons.items()
    ]


def _rules(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each rule once, with the arguments and the modes that it serves."""
    together: dict[str, list[str]] = {}
    for rule in rules:
        argument = "all arguments" if rule["argument"] == "*" else f"`{rule['argument']}`"
        together.setdefault(rule["source"], []).append(f"{rule['mode'].upper()} of {argument}")
    return [f"{', '.join(of)}:\n\n{_code(source)}\n" for source, of in together.items()]


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _verified(one: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{one['samples']} samples in each round"
        + (f", among them: {'; '.join(one['notes'])}." if one["notes"] else ".")
    ]
    lines += ["", *(f"* not checked: {what}: {reason}" for what, reason in one["left_unchecked"].items())]
    if last := one["last"]:
        lines.append(f"* last run: {last['verdict']}, {last['cases']} cases, {last['when']}")
        left = last.get("unchecked")
        lines += [f"* unchecked: {text}" for text in (lines_of({**left, "waived": []}) if left else ())]
    else:
        lines.append(f"* last run: never; run `opreg verify {one['name']}`")
    return [*lines, f"* digest of the forward, the rules, the samples and their helpers: `{one['digest']}`"]
