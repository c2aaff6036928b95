"""Cases, their identifiers, and the plan of a run."""

from __future__ import annotations

import shlex
from itertools import count

import pytest

from opreg.verify._keyword import BadKeyword, keyword
from opreg.verify._messages import GIVEN_UP, Batch, Done, Hello, Message, Tally
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


def told(shard: Shard, samples: int, cases: int, seconds: float) -> list[Message]:
    """The messages of a shard that is decided whole."""
    name, first = shard.primitive, shard.first
    counts = {"structure": Tally({"pass": cases})}
    last = str(Case(name, shard.last, 0, "structure", 1))
    return [
        Hello(name, first, shard.last, 1, "here", "", {}),
        Batch(name, first, last, samples, seconds, counts),
        Done(name, first),
    ]


def done(plan: Plan, shard: Shard, samples: int, cases: int, seconds: float) -> None:
    for message in told(shard, samples, cases, seconds):
        plan.note(message)


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
            done(plan, shard, sum(s for s, _ in given), sum(c for _, c in given), 0.3 * len(given))


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
    done(plan, first, samples=1, cases=4, seconds=0.01)
    for number in count():
        shard = plan.next()
        assert shard is not None
        rounds = shard.last - shard.first + 1
        done(plan, shard, samples=rounds, cases=4 * rounds, seconds=0.01 * rounds)
        if number == 100:
            break
    assert plan.outlook > 10**11


def test_an_abandoned_primitive_is_over_and_the_rest_goes_on() -> None:
    plan = Plan(["a.b", "a.c"])
    first, second = plan.next(), plan.next()
    assert first is not None
    assert second is not None
    done(plan, first, 1, 1, 3.0)
    plan.note(Done("a.b", GIVEN_UP))
    assert plan.is_complete("a.b")
    assert plan.next() is None
    done(plan, second, 1, 1, 3.0)
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


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_the_messages_of_a_run_bring_a_new_plan_to_where_it_was(cut: int) -> None:
    def fresh() -> Plan:
        return Plan(["a.b", "a.c", "a.d"], samples=40, cases=100)

    def all_of(plan: Plan, written: list[Message]) -> dict[str, list[int]]:
        """Decide the rest, several shards at a time, and return the rounds that were decided, as often as they were."""
        rounds: dict[str, list[int]] = {}
        under_way: list[tuple[Shard, list[Message]]] = []
        while True:
            while len(under_way) < 3 and (shard := plan.next()) is not None:
                size = shard.last - shard.first + 1
                under_way.append((shard, told(shard, size, 3 * size, 0.9 * size)))
            if not under_way:
                return rounds
            shard, messages = under_way.pop()
            message = messages.pop(0)
            plan.note(message)
            written.append(message)
            if isinstance(message, Done):
                rounds.setdefault(shard.primitive, []).extend(range(shard.first, shard.last + 1))
            else:
                under_way.insert(0, (shard, messages))

    whole: list[Message] = []
    due = {name: sorted(numbers) for name, numbers in all_of(fresh(), whole).items()}
    assert due == {name: list(range(40)) for name in ("a.b", "a.c", "a.d")}
    kept = whole[: cut * len(whole) // 60]
    plan = fresh()
    for message in kept:
        plan.note(message)
    plan.reopen()
    begun = {(m.primitive, m.first) for m in kept if isinstance(m, Hello)}
    ended = {(m.primitive, m.first) for m in kept if isinstance(m, Done)}
    again = [plan.next() for _ in begun - ended]
    assert {(s.primitive, s.first) for s in again if s is not None} == begun - ended
    delivered = {(m.primitive, m.first): m.last for m in kept if isinstance(m, Batch)}
    assert all(s.after == delivered.get((s.primitive, s.first), "") for s in again if s is not None)
    rest: list[Message] = []
    plan = fresh()
    for message in kept:
        plan.note(message)
    plan.reopen()
    rounds = all_of(plan, rest)
    for message in kept:
        if isinstance(message, Done):
            hello = next(
                m
                for m in kept
                if isinstance(m, Hello) and (m.primitive, m.first) == (message.primitive, message.first)
            )
            rounds.setdefault(message.primitive, []).extend(range(hello.first, hello.final + 1))
    assert {name: sorted(numbers) for name, numbers in rounds.items()} == due


def test_many_workers_get_longer_shards_but_short_ones_towards_the_end() -> None:
    def shards(workers: int, samples: int) -> list[float]:
        plan = Plan(["a.b"], samples=samples, cases=1)
        assert plan.suit(workers) == min(max(workers / 40, 1), 10) ** 2
        first = plan.next()
        assert first is not None
        done(plan, first, 1, 1, 0.01)
        lengths = []
        while (shard := plan.next()) is not None:
            lengths.append((shard.last - shard.first + 1) / 100)  # a round takes a hundredth of a second
            done(plan, shard, shard.last - shard.first + 1, 1, lengths[-1])
        return lengths

    assert max(shards(2, 100_000)) == pytest.approx(1.0, abs=0.02)
    assert max(shards(400, 3_000_000)) == pytest.approx(10.0, abs=0.1)
    assert max(shards(8000, 100_000)) == pytest.approx(1.0, abs=0.02)
    assert shards(400, 3_000_000)[-1] <= 1.0
