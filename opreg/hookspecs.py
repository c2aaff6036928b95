"""The hooks by which a plugin speaks to opreg: few and coarse. pluggy collects, Python calls.

No hook is on the path of a computation: each is called once, when its plugin is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from opreg._primitive import Primitive
    from opreg._space import Space
    from opreg.verify._check import Check

PROJECT = "opreg"
"""The project name of the pluggy markers, and the entry-point group that plugins use."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def opreg_primitives() -> Iterable[Primitive]:  # type: ignore[empty-body]
    """Return the primitives that this plugin supplies.

    Called once, when the plugin is loaded: when a primitive below the entry point's name is first asked for, or
    when every plugin is listed or verified. A :class:`opreg.Primitive` implements this hook itself and returns
    itself, so an entry point may name a single primitive.
    """


@hookspec
def opreg_spaces() -> Iterable[Space]:  # type: ignore[empty-body]
    """Return the spaces that this plugin supplies: what the engine may ask of values of its types.

    Called once, when the plugin is loaded: when a value whose type lives in the entry point's module is first
    differentiated.
    """


@hookspec
def opreg_checks() -> Iterable[Check]:  # type: ignore[empty-body]
    """Return the checks that this plugin adds to opreg's own: each :class:`opreg.testing.Check` has a name of its own.

    They run with opreg's own, on the samples of every primitive to which they apply. Called once, when the plugin is
    loaded; ``opreg verify`` loads every plugin.
    """


@hookspec
def opreg_without_rule() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return the functions of the plugin's library that have no rule on purpose: importable name, and why.

    The reason says what to do instead. It ends the sentence "numpy.put is not differentiated: ..." with which a traced
    value is refused there, and stands in ``opreg list --namespace``. Called once, when the plugin is loaded.
    """
