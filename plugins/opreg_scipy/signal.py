"""Convolutions of SciPy."""

from __future__ import annotations

from collections.abc import Iterable

from opreg import Primitive, hookimpl
from opreg_numpy._rules import declared


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "scipy.signal.")
