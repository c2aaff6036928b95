"""The handshake before the first case of a shard: who decides it has the rules that this process has, or none does."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

import numpy as np

from opreg import plugins
from opreg._errors import DuplicatePrimitive, UnknownPrimitive
from opreg._primitive import Primitive
from opreg._version import __version__
from opreg.verify._digest import digest
from opreg.verify._messages import Hello
from opreg.verify._plan import Shard

ADVICE = "Install the same packages on every node, or send them along with --send."


def versions() -> dict[str, str]:
    """Return the versions on which a verdict may depend."""
    return {"opreg": __version__, "numpy": np.__version__, "python": platform.python_version()}


def greeting(shard: Shard) -> Hello:
    """Return what this process says before it decides a shard; without a digest it has no such primitive."""
    try:
        primitive = plugins.get(shard.primitive)
        found, plugin = digest(primitive), _origin(primitive)
    except (UnknownPrimitive, DuplicatePrimitive):
        found, plugin = "", "; ".join(problem.message for problem in plugins.problems())
    return Hello(
        shard.primitive, shard.first, shard.last, os.getpid(), platform.node(), found, versions(), plugin
    )


def objection(hello: Hello) -> str:
    """Return what is wrong with a process that has other rules than this one, in a sentence; empty if nothing is."""
    primitive = plugins.get(hello.primitive)
    here = digest(primitive)
    if hello.digest == here:
        return ""
    if not hello.digest:
        why = f" ({hello.plugin.rstrip('.')})" if hello.plugin else ""
        return (
            f"node {hello.node} does not have {hello.primitive}, here of {_origin(primitive)}{why}. {ADVICE}"
        )
    return (
        f"node {hello.node} has another version of {hello.primitive}: "
        f"digest {hello.digest} of {hello.plugin} with {_listed(hello.versions)}; "
        f"here {here} of {_origin(primitive)} with {_listed(versions())}. {ADVICE}"
    )


def _origin(primitive: Primitive) -> str:
    origin = plugins.origin(primitive)
    return f"plugin {origin.plugin} of {origin.distribution} {origin.version}".rstrip()


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())
