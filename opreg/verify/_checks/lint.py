"""Every differentiable argument has a rule, or a declared reason why it has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from opreg.verify._check import Check
from opreg.verify._subject import Subject


def _lacking(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    return None if subject.without_rule else "every argument has a rule or a reason"


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Iterator[str]:
    """Every differentiable argument has a rule, or a declared reason why it has none."""
    for name in subject.without_rule:
        yield (
            f"the argument {name!r} has neither a rule nor a reason why it has none: declare one with defvjp or "
            f"defjvp, or not_differentiable({name}='why')"
        )


LINT = Check("lint", _body, applies=_lacking)
