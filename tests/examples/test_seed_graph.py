"""The seed's example: f(x, y) = (2 x^2 + 2 y) / 4, df/dx = x, df/dy = 1/2."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "seed_graph.py"


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(EXAMPLE))["main"](tmp_path)
    return capsys.readouterr().out


def test_every_way_to_the_gradient_gives_the_same(printed: str) -> None:
    assert "f(3, 5) = 7.0\n" in printed
    assert "df/dx = 3.0 " in printed
    assert "df/dx, df/dy = [3.0, 0.5] " in printed
    assert "x.gradient, y.gradient = 3.0, 0.5 " in printed
    assert "(3.0, 5.0) = (3.0, 0.5) " in printed
    assert "(1.0, 0.0)) = (7.0, 3.0) " in printed


def test_the_graph_has_two_variables_five_operations_and_the_edges_between(
    printed: str, tmp_path: Path
) -> None:
    dot = (tmp_path / "graph.dot").read_text(encoding="utf-8")
    assert re.findall(r'label="(\w+) = [\d.]+", shape=ellipse', dot) == ["x", "y"]
    operations = re.findall(r'(\w+) \[label="(\w+)", shape=box\]', dot)
    assert sorted(label for _, label in operations) == ["add", "div", "mul", "mul", "pow"]
    name = {label: node for node, label in operations}
    assert f"{name['pow']} -> " in dot
    assert dot.count(f" -> {name['add']}\n") == 2
    assert f"{name['add']} -> {name['div']}\n" in dot


def test_the_graph_is_drawn_where_graphviz_is_installed(printed: str, tmp_path: Path) -> None:
    svg = tmp_path / "graph.svg"
    assert svg.exists() == (shutil.which("dot") is not None)
    assert not svg.exists() or "<svg" in svg.read_text(encoding="utf-8")
