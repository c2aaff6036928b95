"""Cases, their identifiers, and the plan of a run."""

from __future__ import annotations

import shlex
from itertools import count

import pytest

from opreg.verify._keyword import BadKeyword, keyword
from opreg.verify._plan import BadCase, Case, Plan, Shard


def test_an_identifier_names_its_case_and_no_other() -> None:
    case = Case("numpy.multiply", 3, 1, "differences", 20261124)
    assert str(case) == "numpy.multiply:3.1:differences:20261124"
    assert Case.parse(str(case)) == case


def test_a_shell_leaves_an_identifier_alone() -> None:
    identifier = str(Case("scipy.special.erf", 12, 0, "second-order", 2**31))
    assert shlex.quote(identifier) == identifier


@pytest.mark.parametrize(
    "text",
    ["", "numpy.multiply", "numpy.multiply:3:differences:1", "a:1.2:differences:x", "a:1.2::3", "a:-1.2:b:3"],
)
def test_what_is_not_an_identifier_is_refused_in_a_sentence_with_an_example(text: str) -> None:
    with pytest.raises(BadCase, match=r"is not a case\. A case is PRIMITIVE:ROUND.INDEX:CHECK:SEED, such as"):
        Case.parse(text)


def decide(
    plan: Plan, yields: dict[str, list[tuple[int, int]]], backwards: bool = False
) -> dict[str, set[int]]:
    """Decide a plan; ``yields`` is how many samples and cases each round gives, the last repeated."""
    rounds: dict[str, set[int]] = {name: set() for name in yields}
    while True:
        batch = []
        while (shard := plan.next()) is not None:
            batch.append(shard)
        if not batch:
            return rounds
        for shard in reversed(batch) if backwards else batch:
            numbers = range(shard.first, shard.last + 1)
            assert rounds[shard.primitive].isdisjoint(numbers)
            rounds[shard.primitive].update(numbers)
            given = [yields[shard.primitive][min(n, len(yields[shard.primitive]) - 1)] for n in numbers]
            plan.done(shard, sum(s for s, _ in given), sum(c for _, c in given), 0.3 * len(given))


def test_rounds_repeat_until_there_are_enough_samples_and_cases() -> None:
    assert decide(Plan(["a.b"], samples=10, cases=100), {"a.b": [(3, 12)]}) == {"a.b": set(range(9))}
    assert decide(Plan(["a.b"], samples=50, cases=100), {"a.b": [(3, 12)]}) == {"a.b": set(range(17))}
    assert decide(Plan(["a.b"], samples=10, cases=100), {"a.b": [(40, 160)]}) == {"a.b": {0}}


def test_more_rounds_follow_where_later_ones_yield_less() -> None:
    rounds = decide(Plan(["a.b"], samples=1, cases=100), {"a.b": [(5, 50), (1, 10)]})
    assert rounds == {"a.b": set(range(6))}


def test_a_primitive_that_yields_nothing_ends() -> None:
    assert decide(Plan(["a.b"]), {"a.b": [(0, 0)]}) == {"a.b": {0}}
    assert decide(Plan(["a.b"]), {"a.b": [(5, 50), (0, 0)]}) == {"a.b": {0, 1}}


def test_the_order_of_completion_does_not_change_what_is_decided() -> None:
    yields = {"a.b": [(3, 12), (1, 4), (2, 8)], "a.c": [(1, 1)], "a.d": [(200, 900)]}
    assert decide(Plan(list(yields)), yields) == decide(Plan(list(yields)), yields, backwards=True)


def test_a_plan_of_any_length_is_lazy() -> None:
    plan = Plan(["a.b"], samples=10**12, cases=1)
    first = plan.next()
    assert first == Shard("a.b", 0, 0)
    plan.done(first, samples=1, cases=4, seconds=0.01)
    for number in count():
        shard = plan.next()
        assert shard is not None
        rounds = shard.last - shard.first + 1
        plan.done(shard, samples=rounds, cases=4 * rounds, seconds=0.01 * rounds)
        if number == 100:
            break
    assert plan.outlook > 10**11


def test_an_abandoned_primitive_is_over_and_the_rest_goes_on() -> None:
    plan = Plan(["a.b", "a.c"])
    first, second = plan.next(), plan.next()
    assert first is not None
    assert second is not None
    plan.done(first, 1, 1, 3.0)
    plan.abandon(first.primitive)
    assert plan.is_complete("a.b")
    assert plan.next() is None
    plan.done(second, 1, 1, 3.0)
    assert plan.next() == Shard("a.c", 1, 1)


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("", ["numpy.sin linearity", "numpy.arcsin linearity", "numpy.sin differences"]),
        ("sin", ["numpy.sin linearity", "numpy.arcsin linearity", "numpy.sin differences"]),
        ("not arcsin", ["numpy.sin linearity", "numpy.sin differences"]),
        ("linearity and not arcsin", ["numpy.sin linearity"]),
        ("differences or arcsin", ["numpy.arcsin linearity", "numpy.sin differences"]),
        ("not (differences or ARCSIN)", ["numpy.sin linearity"]),
    ],
)
def test_a_keyword_expression_selects_checks(expression: str, selected: list[str]) -> None:
    checks = ["numpy.sin linearity", "numpy.arcsin linearity", "numpy.sin differences"]
    assert [check for check in checks if keyword(expression)(check)] == selected


@pytest.mark.parametrize("expression", ["and", "sin and", "(sin", "sin)", "not", "sin cos"])
def test_a_keyword_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(BadKeyword, match="cannot be read: write words joined by"):
        keyword(expression)
