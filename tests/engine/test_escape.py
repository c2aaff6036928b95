"""Traced values that outlive their transformation, and threads."""

import threading

import pytest
from exact import Exact

import opreg


def test_an_escaped_tracer_is_detected_and_named():
    held = []

    def leak(x):
        held.append(x * 2)
        return x

    opreg.grad(leak)(Exact(3))
    with pytest.raises(
        opreg.EscapedTracer, match=r"exact\.add was applied to Traced\(.*6.*\).*escaped from grad of leak"
    ):
        held[0] + 1
    opreg.jvp(leak, (Exact(3),), (Exact(1),))
    with pytest.raises(opreg.EscapedTracer, match="escaped from jvp of leak"):
        held[1] * held[1]


def test_an_escaped_tracer_is_detected_inside_another_differentiation():
    held = []
    opreg.grad(lambda x: held.append(x) or x)(Exact(3))
    with pytest.raises(opreg.EscapedTracer):
        opreg.grad(lambda x: held[0] * 1)(Exact(1))


def test_a_trace_ends_when_the_function_raises():
    held = []

    def broken(x):
        held.append(x)
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        opreg.grad(broken)(Exact(1))
    with pytest.raises(opreg.EscapedTracer):
        held[0] + 1


def test_a_traced_value_does_not_become_a_plain_number():
    for convert in (float, int, complex):
        with pytest.raises(TypeError, match="its derivative would be lost"):
            opreg.grad(lambda x, convert=convert: convert(x))(Exact(1))


def test_control_flow_by_comparison():
    f = lambda x: x * x if x > 1 else 3 * x  # noqa: E731
    assert opreg.grad(f)(Exact(2)) == 4
    assert opreg.grad(f)(Exact(1)) == 3
    assert (
        opreg.grad(lambda x: x if x == 2 and x == 2 and x != 3 and x <= 2 and not x < 2 else -x)(Exact(2))
        == 1
    )


def test_threads_do_not_mix():
    failures = []
    start = threading.Barrier(8)

    def work(n):
        start.wait()
        for k in range(1, 60):
            value = opreg.grad(lambda x: opreg.jvp(lambda y: x * y**3, (x,), (Exact(1),))[1] * n)(Exact(k))
            if value != 9 * Exact(k) ** 2 * n:
                failures.append((n, k, value))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_thread_may_differentiate_with_a_value_traced_by_another():
    def f(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(opreg.grad(lambda y: x * y * y)(x)))
        thread.start()
        thread.join()
        return found[0]  # d/dy x y^2 at y = x: 2 x^2

    assert opreg.grad(f)(Exact(3)) == 12
