"""Read the entry points of one group from the metadata of installed distributions, and nothing else.

``importlib.metadata`` reads them too, and takes half of the time in which NumPy code is first differentiated: it
imports the email package, to read a name and a version. It is asked all the same where an import hook of someone else
says that it knows of distributions, or where there is a zip archive on the path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any, NamedTuple


class Point(NamedTuple):
    """An entry point: its name, what it names, and the distribution that brings it."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what the entry point names: ``module`` or ``module:attribute``."""
        module, _, attributes = self.value.partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.split("[")[0].strip().split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(group: str) -> list[Point]:
    """Return the entry points of a group. The first distribution of a name on ``sys.path`` hides the others."""
    if _needs_importlib():
        return _by_importlib(group)
    found: list[Point] = []
    seen: set[str] = set()
    for folder in sys.path:
        for info in _metadata_folders(folder or os.curdir):
            project = os.path.basename(info).rsplit(".", 1)[0].split("-")[0].lower().replace("_", "-")
            if project in seen:
                continue
            seen.add(project)
            pairs = list(_section(_read(info, "entry_points.txt"), group))
            if pairs:
                name, version = _identity(info)
                found += [Point(key, value, name, version) for key, value in pairs]
    return found


def _needs_importlib() -> bool:
    foreign = any(hasattr(f, "find_distributions") and f is not PathFinder for f in sys.meta_path)
    return foreign or any(os.path.isfile(path) for path in sys.path)


def _by_importlib(group: str) -> list[Point]:
    from importlib import metadata

    return [
        Point(p.name, p.value, *((p.dist.name, p.dist.version) if p.dist is not None else ("", "")))
        for p in metadata.entry_points(group=group)
    ]


def _metadata_folders(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith((".dist-info", ".egg-info"))]


def _read(info: str, name: str) -> str:
    try:
        with open(os.path.join(info, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of one section of an ``entry_points.txt``."""
    if f"[{group}]" not in text:
        return
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip().strip("\"'"), value.strip()


def _identity(info: str) -> tuple[str, str]:
    """Return the name and the version that a distribution's metadata give."""
    text = _read(info, "METADATA") or _read(info, "PKG-INFO")
    fields = {"name": "", "version": ""}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not line or not colon:
            break  # the headers end
        if key.lower() in fields and not fields[key.lower()]:
            fields[key.lower()] = value.strip()
    return fields["name"], fields["version"]
