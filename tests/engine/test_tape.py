"""Depth, fan-out, what the tape keeps and when it lets go."""

import gc
import weakref

import pytest
from exact import Exact

import opreg
from opreg._trace import ReverseTrace, backward


def counting(name, log):
    """Return a primitive of the identity that counts the calls of its rules."""

    @opreg.primitive(name)
    def same(x, /):
        return Exact(x)

    same.defvjp(x=lambda g: log.append("vjp") or g)
    same.defjvp(x=lambda t: log.append("jvp") or t)
    return same


def test_a_chain_of_100_000_operations():
    def chain(x):
        for _ in range(50_000):
            x = -(x + 1)
        return x

    assert opreg.grad(chain)(Exact(3)) == 1
    assert opreg.jvp(chain, (Exact(3),), (Exact(1),))[1] == 1


def test_a_deep_chain_of_variables_is_freed_without_recursion():
    x = opreg.variable(Exact(3))
    y = x
    for _ in range(100_000):
        y = -y
    assert y.grad(x) == 1
    del y
    gc.collect()


def test_second_order_through_a_deep_chain():
    def chain(x):
        y = x * x
        for _ in range(5_000):
            y = -y
        return y

    assert opreg.grad(opreg.grad(chain))(Exact(3)) == 2


def test_two_to_the_sixty_paths():
    def doubled(x):
        for _ in range(60):
            x = x + x
        return x

    assert opreg.grad(doubled)(Exact(1)) == 2**60
    assert opreg.jvp(doubled, (Exact(1),), (Exact(1),))[1] == 2**60


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_each_rule_is_called_once_whatever_the_fan_out(size):
    log = []
    same = counting("exact.same", log)

    def shared(x):
        values = [same(x)]
        for _ in range(size - 1):
            values.append(same(values[-1] + values[len(values) // 2]))
        return values[-1]

    opreg.grad(shared)(Exact(1))
    assert log.count("vjp") == size


def test_forward_mode_calls_no_vjp_and_reverse_no_jvp():
    log = []
    same = counting("exact.same", log)
    opreg.grad(same)(Exact(1))
    assert log == ["vjp"]
    opreg.jvp(same, (Exact(1),), (Exact(1),))
    assert log == ["vjp", "jvp"]


def test_what_no_rule_asks_for_is_not_kept():
    kept = []

    def f(x):
        doubled = x + x  # addition's rules ask for nothing
        kept.append(weakref.ref(doubled.primal))
        y = doubled + x
        del doubled
        assert kept[0]() is None
        return y

    assert opreg.grad(f)(Exact(2)) == 3


def test_what_a_rule_asks_for_is_kept_until_the_backward_pass_has_used_it():
    log, kept = [], []

    @opreg.primitive("exact.probe")
    def probe(x, /):
        return Exact(x)

    probe.defvjp(x=lambda g: log.append([ref() is not None for ref in kept]) or g)

    def f(x):
        first = x + 1
        y = probe(first)
        second = y + 2
        z = second * second
        kept.extend([weakref.ref(second.primal)])
        return z

    assert opreg.grad(f)(Exact(2)) == 10
    assert log == [[False]]  # by the time of the earlier rule, the later operation's operand is free


def test_a_pullback_keeps_its_tape():
    _, pullback = opreg.vjp(lambda x: x * x, Exact(3))
    gc.collect()
    assert pullback(Exact(1)) == (6,)


def test_constants_have_no_rule_called():
    log = []
    same = counting("exact.same", log)
    assert opreg.grad(lambda x: x * same(Exact(5)))(Exact(1)) == 5
    assert log == []


def test_early_stop_visits_only_what_leads_to_the_variable():
    log = []
    same = counting("exact.same", log)
    x, y = opreg.variable(Exact(2)), opreg.variable(Exact(3))
    early = x * 2
    for _ in range(10):
        early = same(early)
    branch = y
    for _ in range(10):
        branch = same(branch)
    late = same(early * branch)
    assert late.grad(branch) == 4
    assert log.count("vjp") == 1
    log.clear()
    assert late.grad(x) == 6
    assert log.count("vjp") == 11
    log.clear()
    assert late.grad([x, y]) == [6, 4]
    assert log.count("vjp") == 21


def test_the_backward_pass_accumulates_without_writing():
    with ReverseTrace("test") as trace:
        x = trace.leaf(Exact(1), "exact")
        y = x + x
    g = Exact(1)
    assert backward([(y.record, g)])[x.record[0]] == 2
    assert g == 1
