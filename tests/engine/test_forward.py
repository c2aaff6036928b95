"""Forward mode, and both modes nested in each other."""

import itertools

import pytest
from exact import Exact

import opreg


def d_forward(f):
    return lambda x: opreg.jvp(f, (x,), (Exact(1),))[1]


def d_reverse(f):
    return opreg.grad(f)


def d_linear(f):
    return lambda x: opreg.linearize(f, x)[1](Exact(1))


def d_pullback(f):
    return lambda x: opreg.vjp(f, x)[1](Exact(1))[0]


def test_jvp():
    assert opreg.jvp(lambda x, y: x * y + x, (Exact(2), Exact(5)), (Exact(1), Exact(10))) == (12, 26)


def test_a_tangent_of_none_is_zero():
    assert opreg.jvp(lambda x, y: x * y, (Exact(2), Exact(5)), (None, Exact(1))) == (10, 2)


def test_jvp_of_a_constant_is_zero():
    assert opreg.jvp(lambda x: Exact(3), (Exact(2),), (Exact(1),)) == (3, 0)


def test_jvp_with_aux_and_containers():
    f = lambda p: ({"a": p["x"] * p["y"]}, p["x"])  # noqa: E731
    primal, tangent = {"x": Exact(2), "y": Exact(3)}, {"x": Exact(1), "y": Exact(0)}
    assert opreg.jvp(f, (primal,), (tangent,), has_aux=True) == ({"a": 6}, {"a": 3}, 2)


@pytest.mark.parametrize("bad", [(1, 2), ((Exact(1),), (Exact(1), Exact(1)))])
def test_jvp_takes_two_tuples_of_one_length(bad):
    with pytest.raises(TypeError, match="jvp"):
        opreg.jvp(lambda x: x, *bad)


def test_a_tangent_of_another_space_is_refused():
    with pytest.raises(ValueError, match="tangent of argument 0"):
        opreg.jvp(lambda x: x, (Exact(1),), ("one",))


MODES = [d_forward, d_reverse, d_linear, d_pullback]


@pytest.mark.parametrize(
    "modes", list(itertools.product(MODES, repeat=3)), ids=lambda m: "-".join(f.__name__ for f in m)
)
def test_any_three_modes_nested_give_the_third_derivative(modes):
    f = lambda x: x**5 + 1 / x  # noqa: E731
    for mode in modes:
        f = mode(f)
    x = Exact(2)
    assert f(x) == 60 * x**2 - 6 / x**4


@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
def test_perturbations_are_not_confused(outer, inner):
    # d/dx (x * d/dy (x + y)) = d/dx x = 1, not 2 (Siskind and Pearlmutter 2005)
    assert outer(lambda x: x * inner(lambda y: x + y)(Exact(1)))(Exact(1)) == 1
    assert outer(lambda x: inner(lambda y: x * y)(Exact(3)) * x)(Exact(5)) == 10


@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
def test_an_inner_function_may_ignore_the_outer_variable_or_its_own(outer, inner):
    assert outer(lambda x: inner(lambda y: x * x)(Exact(3)) + x)(Exact(5)) == 1
    assert outer(lambda x: inner(lambda y: y * y)(Exact(3)) * x)(Exact(5)) == 6


def test_linearize_does_not_run_the_function_again():
    calls = []
    out, push = opreg.linearize(lambda x: calls.append(1) or x * x * x, Exact(2))
    assert (out, push(Exact(1)), push(Exact(10)), len(calls)) == (8, 12, 120, 1)


def test_linearize_with_several_arguments_and_outputs():
    out, push = opreg.linearize(lambda x, y: {"p": x * y, "s": x + y}, Exact(2), Exact(3))
    assert out == {"p": 6, "s": 5}
    assert push(Exact(1), Exact(10)) == {"p": 23, "s": 11}
    with pytest.raises(TypeError, match="takes 2 tangents"):
        push(Exact(1))
