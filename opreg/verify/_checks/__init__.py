"""The checks: each one thing that must hold for a rule, in the order in which they run."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from opreg import plugins
from opreg.verify._check import Check
from opreg.verify._checks.adjoint import ADJOINT
from opreg.verify._checks.constancy import CONSTANCY
from opreg.verify._checks.differences import DIFFERENCES
from opreg.verify._checks.kinks import KINKS
from opreg.verify._checks.layout import LAYOUT
from opreg.verify._checks.linearity import LINEARITY
from opreg.verify._checks.lint import LINT
from opreg.verify._checks.precision import PRECISION
from opreg.verify._checks.second_order import SECOND_ORDER
from opreg.verify._checks.structure import STRUCTURE
from opreg.verify._checks.variants import VARIANTS

BUILT_IN = (
    STRUCTURE,
    LINEARITY,
    ADJOINT,
    DIFFERENCES,
    SECOND_ORDER,
    LAYOUT,
    PRECISION,
    VARIANTS,
    KINKS,
    LINT,
    CONSTANCY,
)
CHECKS: dict[str, Check] = {check.name: check for check in BUILT_IN}
"""opreg's own checks, by name."""


def table(constant: bool = True) -> dict[str, Check]:
    """Return every check by name: opreg's own, then those that installed plugins add, in the order of their names.

    What has a derivative is not asked whether it is ``constant``: that check is left out.
    """
    added = {check.name: check for check in plugins.checks() if check.name not in CHECKS}
    own = {name: check for name, check in CHECKS.items() if constant or check is not CONSTANCY}
    return {**own, **{name: added[name] for name in sorted(added)}}


def known(names: Sequence[str]) -> tuple[str, ...]:
    """Return some names of checks as they are; raises a ``LookupError`` with the near names for one that is none."""
    every = table()
    for name in names:
        if name not in every:
            near = difflib.get_close_matches(name, every, 2)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"The checks are {', '.join(every)}."
            raise LookupError(f"there is no check {name!r}. {hint}")
    return tuple(names)
