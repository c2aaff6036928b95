"""Rules of which it is known whether they are right: what the verifier is proven with.

`WRONG` holds rules with one mistake each, by the kind of mistake; the verifier must fail them all. `RIGHT` holds right
rules, hostile ones among them, each right wherever its forward function accepts the input; it must pass them all. What
falls short of that is named here with the reason: `MISSED` wrong rules that pass for some seeds, `REJECTED` right ones
that fail for some seeds, `UNRESOLVED` right ones that finite differences cannot resolve.
"""

from __future__ import annotations

from mutants import (
    accuracy,
    broadcasting,
    conjugates,
    cotangent,
    formula,
    forward_mode,
    indexing,
    keywords,
    memory,
    points,
    registered,
    right,
    right_hostile,
    right_scipy,
    second_order,
    structure,
)
from mutants._rule import Registered, Rule

WRONG: dict[str, list[Rule | Registered]] = {
    module.KIND: list(module.RULES)
    for module in (
        structure,
        memory,
        cotangent,
        accuracy,
        formula,
        broadcasting,
        keywords,
        indexing,
        conjugates,
        points,
        forward_mode,
        second_order,
        registered,
    )
}
RIGHT: dict[str, list[Rule]] = {
    module.KIND: list(module.RULES) for module in (right, right_scipy, right_hostile)
}
MISSED: dict[str, str] = {}
REJECTED: dict[str, str] = {}
UNRESOLVED: dict[str, str] = {
    "inv, nearly singular": "the condition number takes all but six digits",
}
