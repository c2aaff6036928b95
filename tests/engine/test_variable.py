"""The define-by-run interface and its graph."""

import shutil

import pytest
from exact import Exact

import opreg
from opreg import variable


def test_the_seed():
    x = variable(Exact(3))
    y = 2 * x + 10
    assert y.primal == 16
    assert y.grad(x) == 2


def test_several_variables_in_one_pass():
    x, z = variable(Exact(2)), variable(Exact(5))
    y = x * x * z - z / x
    assert y.grad([x, z]) == [20 + Exact(5, 4), 4 - Exact(1, 2)]
    assert y.grad((z,)) == (4 - Exact(1, 2),)
    assert y.grad([]) == []


def test_intermediate_values():
    x = variable(Exact(2))
    square = x * x
    y = square * square + x
    assert y.grad(square) == 8
    assert y.grad(y) == 1
    assert y.grad([x, square]) == [33, 8]


def test_a_graph_may_be_differentiated_again():
    x = variable(Exact(3))
    y = x * x
    assert y.grad(x) == y.grad(x) == 6
    assert (y * x).grad(x) == 27


def test_a_variable_that_is_not_in_the_graph():
    x, z = variable(Exact(2)), variable(Exact(5), name="z")
    y = x * 2
    with pytest.raises(opreg.NotInGraph, match=r"the variable 'z' = .*5.* is not in the graph of"):
        y.grad(z)
    with pytest.raises(opreg.NotInGraph, match="not in the graph"):
        y.grad([x, z])
    with pytest.raises(opreg.NotInGraph):
        x.grad(y)


def test_what_is_no_variable():
    y = variable(Exact(1)) * 2
    with pytest.raises(TypeError, match=r"y\.grad takes a variable.*not Exact.*opreg\.variable"):
        y.grad(Exact(1))
    with pytest.raises(TypeError, match=r"variable cannot be differentiated.*integer"):
        variable(3)


def test_backward_fills_gradients_and_replaces_what_was_there():
    x, z = variable(Exact(2)), variable(Exact(5))
    assert x.gradient is None
    (x * z).backward()
    assert (x.gradient, z.gradient) == (5, 2)
    (x * 3).backward()
    assert (x.gradient, z.gradient) == (3, 2)


def test_gradients_accumulate_if_asked_and_are_zeroed():
    x = variable(Exact(2))
    y = x * x
    y.backward(accumulate=True)
    y.backward(accumulate=True)
    assert x.gradient == 8
    x.zero_gradient()
    assert x.gradient == 0
    y.backward(accumulate=True)
    assert x.gradient == 4


def test_a_cotangent_may_be_given():
    x = variable(Exact(2))
    assert (x * x).grad(x, Exact(10)) == 40
    (x * x).backward(Exact(1, 2))
    assert x.gradient == 2
    with pytest.raises(ValueError, match="a cotangent"):
        (x * x).grad(x, "ten")


def test_updating_a_variable():
    x = variable(Exact(2))
    for _ in range(3):
        (x * x).backward()
        x = variable(x.primal - x.gradient / 4)
    assert x.primal == Exact(1, 4)


def test_inside_grad_and_jvp():
    def first_derivative(a):
        v = variable(a)
        return (v**3 * a).grad(v)

    assert opreg.grad(first_derivative)(Exact(2)) == 9 * 4
    assert opreg.jvp(first_derivative, (Exact(2),), (Exact(1),))[1] == 36


def test_two_variables_of_one_traced_value_share_a_graph():
    def f(a):
        v, w = variable(a), variable(a * a)
        y = v * w
        gv, gw = y.grad([v, w])
        return gv + gw  # a^2 + a

    assert opreg.grad(f)(Exact(3)) == 7


def test_a_variable_is_a_constant_to_grad():
    x = variable(Exact(5))
    product = opreg.grad(lambda z: z * z * x)(Exact(3))
    assert product.primal == 30
    assert product.grad(x) == 6


def test_repr():
    assert repr(variable(Exact(1)) * 2) == "Variable(Exact(2, 1))"


GRAPH = """\
digraph {
  rankdir=LR
  n0 [label="x = 3", shape=ellipse]
  n1 [label="multiply", shape=box]
  n0 -> n1
  n0 -> n1
  n2 [label="multiply", shape=box]
  n1 -> n2
  n2c0 [label="2", shape=plaintext]
  n2c0 -> n2
  out [label="18", shape=plaintext]
  n2 -> out
}"""


def test_the_graph_as_dot():
    x = variable(Exact(3), name="x")
    assert str(opreg.graph(2 * (x * x))) == GRAPH


def test_the_graph_quotes_names():
    x = variable(Exact(3), name='a "b" \\ c')
    assert r'label="a \"b\" \\ c = 3"' in opreg.graph(x).dot


def test_the_graph_of_a_deep_computation():
    y = variable(Exact(3))
    for _ in range(20_000):
        y = -y
    assert opreg.graph(y).dot.count("->") == 20_001


def test_the_graph_of_something_else_is_refused():
    with pytest.raises(TypeError, match=r"opreg\.graph draws what was computed from opreg\.variable"):
        opreg.graph(Exact(3))


def test_saving_a_graph(tmp_path):
    graph = opreg.graph(variable(Exact(3)) * 2)
    graph.save(tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text() == graph.dot
    with pytest.raises(ValueError, match=r"\.dot, \.gv or \.svg"):
        graph.save(tmp_path / "g.png")


def test_svg_without_graphviz_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(opreg.OpregError, match="Install Graphviz"):
        opreg.graph(variable(Exact(3))).svg()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_with_graphviz():
    assert "<svg" in opreg.graph(variable(Exact(3)) * 2).svg()
