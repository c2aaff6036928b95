"""The verdicts of the last run of each primitive, remembered for ``opreg list`` in a cache directory."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opreg import plugins
from opreg.verify._digest import digest, grounds
from opreg.verify._record import Record


def cache_directory() -> Path:
    """Return the directory for what opreg remembers: ``OPREG_CACHE``, or the platform's place for caches."""
    named = os.environ.get("OPREG_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "opreg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "opreg"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opreg"


def recall() -> dict[str, dict[str, Any]]:
    """Return what is remembered: by primitive, the verdict of its last run and when that was."""
    try:
        state = json.loads((cache_directory() / "verdicts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        return {}
    return state if isinstance(state, dict) else {}


def changed(names: Sequence[str]) -> list[str]:
    """Return the primitives that did not pass every check, or that changed since, or what their verdict rests on."""
    state, rest = recall(), grounds()

    def holds(name: str) -> bool:
        entry = state.get(name, {})
        return (
            entry.get("verdict") in ("pass", "waived")
            and bool(entry.get("whole"))
            and entry.get("grounds") == rest
            and entry.get("digest") == digest(plugins.get(name))
        )

    return [name for name in names if not holds(name)]


def remember(record: Record) -> None:
    """Add a run's verdicts to what is remembered; a cache that cannot be written is no failure of the run."""
    state, rest = recall(), grounds()
    for name, found in record.reported.items():
        state[name] = {
            "verdict": found.verdict,
            "cases": found.cases,
            "digest": found.digest,
            "seed": record.seed,
            "when": record.started,
            "grounds": rest,
            "whole": found.unchecked is not None and found.unchecked.decides,
            "unchecked": None if found.unchecked is None else found.unchecked.as_dict(),
        }
    with contextlib.suppress(OSError, RuntimeError):
        directory = cache_directory()
        directory.mkdir(parents=True, exist_ok=True)
        scratch = directory / f"verdicts.{os.getpid()}"
        scratch.write_text(json.dumps(state, indent=1), encoding="utf-8")
        scratch.replace(directory / "verdicts.json")
