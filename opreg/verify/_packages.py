"""The plugins' packages, and opreg's own, brought together in a directory to be sent to the nodes of a cluster."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from opreg import plugins

_OWN = ("opreg", "pluggy", "hypothesis", "sortedcontainers")
"""What a worker imports beside Ray and NumPy; that of which there is none here is not needed."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


@contextlib.contextmanager
def packed() -> Iterator[str]:
    """Have a directory for the block that holds every plugin which is not blocked, as if they were installed in it.

    They are copied from where this process imports them, so that what is installed for editing goes along too. With
    them are opreg and what it needs to decide a case.
    """
    names = {*_OWN, *(entry.distribution for entry in plugins.entries() if not entry.blocked)}
    held = packages_distributions()
    with tempfile.TemporaryDirectory(prefix="opreg-") as directory:
        for name in sorted(names):
            with contextlib.suppress(PackageNotFoundError):
                _pack(distribution(name), held, Path(directory))
        yield directory


def _pack(found: Distribution, held: Mapping[str, list[str]], directory: Path) -> None:
    """Copy the packages of a distribution, and what its metadata say of entry points."""
    name = found.metadata["Name"]
    roots = {point.module.split(".")[0] for point in found.entry_points if point.group == plugins.GROUP}
    roots |= {root for root, owners in held.items() if name in owners}
    for root in sorted(roots):
        spec = find_spec(root)
        if spec is None:
            continue
        for folder in spec.submodule_search_locations or ():
            shutil.copytree(folder, directory / root, ignore=_LEFT_OUT, dirs_exist_ok=True)
        if spec.submodule_search_locations is None and spec.origin:
            shutil.copy(spec.origin, directory)
    info = directory / f"{name.replace('-', '_')}-{found.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {found.version}\n")
    (info / "entry_points.txt").write_text(found.read_text("entry_points.txt") or "")
