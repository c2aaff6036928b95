"""Tuples, lists, dicts, named tuples, dataclasses and None as arguments and results."""

import dataclasses
from collections import OrderedDict, namedtuple
from typing import Any

import pytest
from exact import Exact

import opreg

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass(frozen=True)
class Model:
    weight: Any
    bias: Any
    name: str = "model"
    scale: Any = None


def test_dicts_and_lists():
    f = lambda p: p["w"][0] * p["w"][1] + p["b"]  # noqa: E731
    assert opreg.grad(f)({"w": [Exact(2), Exact(3)], "b": Exact(1)}) == {"w": [3, 2], "b": 1}


def test_a_gradient_has_the_types_of_its_argument():
    g = opreg.grad(lambda p: p["x"] * p["y"].left)(OrderedDict(x=Exact(2), y=Pair(Exact(3), Exact(4))))
    assert type(g) is OrderedDict
    assert type(g["y"]) is Pair
    assert g == OrderedDict(x=3, y=Pair(2, 0))


def test_dataclasses_frozen_too():
    g = opreg.grad(lambda m: m.weight * m.weight + m.bias)(Model(Exact(3), Exact(1)))
    assert g == Model(6, 1, None, None)


def test_none_and_static_leaves_ride_along():
    f = lambda p: p["x"] ** p["n"] if p["kind"] == "power" and p["nothing"] is None else None  # noqa: E731
    g = opreg.grad(f)({"x": Exact(2), "n": 3, "kind": "power", "nothing": None, "fun": len, "flag": True})
    assert g == {"x": 12, "n": None, "kind": None, "nothing": None, "fun": None, "flag": None}


def test_empty_containers():
    assert opreg.grad(lambda p: p["x"] * 2)({"x": Exact(1), "none": [], "more": ()}) == {
        "x": 2,
        "none": [],
        "more": (),
    }


@pytest.mark.parametrize("nothing", [{}, [], None, ()])
def test_an_argument_that_holds_nothing_is_refused(nothing):
    with pytest.raises(TypeError, match=r"argument 0 of grad.*holds nothing to differentiate"):
        opreg.grad(lambda p: Exact(1))(nothing)


def test_an_argument_of_integers_alone_is_refused_by_path():
    with pytest.raises(TypeError, match=r"argument 1\['n'\]"):
        opreg.grad(lambda x, p: x, argnums=1)(Exact(1), {"n": 3})


def test_the_caller_s_containers_are_not_changed():
    p = {"x": Exact(2), "y": [Exact(3)]}
    opreg.grad(lambda q: q["x"] * q["y"][0])(p)
    assert p == {"x": 2, "y": [3]}
    assert not opreg.is_traced(p["y"][0])


def test_containers_as_results():
    out, pullback = opreg.vjp(lambda x: {"a": [x, x * x], "b": None}, Exact(3))
    assert out == {"a": [3, 9], "b": None}
    assert pullback({"a": [Exact(1), Exact(1)], "b": None}) == (7,)
    assert pullback({"a": None, "b": None}) == (0,)


def test_jacobian_of_a_dict_by_two_arguments():
    f = lambda x, y: {"p": x * y, "q": x}  # noqa: E731
    expected = {"p": (3, 2), "q": (1, 0)}
    assert opreg.jacrev(f, argnums=(0, 1))(Exact(2), Exact(3)) == expected
    assert opreg.jacfwd(f, argnums=(0, 1))(Exact(2), Exact(3)) == expected


def test_deep_containers():
    deep = Exact(2)
    for _ in range(50):
        deep = (deep,)

    def value(p):
        while isinstance(p, tuple):
            (p,) = p
        return p * p

    g = opreg.grad(value)(deep)
    assert value(g) == 16


def test_a_cotangent_dict_is_matched_by_key():
    _out, pullback = opreg.vjp(lambda x, y: {"a": x, "b": y}, Exact(1), Exact(2))
    assert pullback({"b": Exact(10), "a": Exact(5)}) == (5, 10)
    with pytest.raises(ValueError, match="structure is a dict"):
        pullback({"b": Exact(10), "c": Exact(5)})


def test_a_cotangent_of_a_dataclass():
    _, pullback = opreg.vjp(lambda x: Model(x, x * x), Exact(3))
    assert pullback(Model(Exact(1), Exact(10), None, None)) == (61,)
