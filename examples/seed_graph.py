"""Draw how f(x, y) = (2 x^2 + 2 y) / 4 is computed, and differentiate it, by variables that remember.

    python examples/seed_graph.py [FOLDER]

writes graph.dot to the folder (here, if none is named), and graph.svg beside it where Graphviz is installed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import opreg


def f(x: Any, y: Any) -> Any:
    """Compute (2 x^2 + 2 y) / 4."""
    return (2 * x**2 + 2 * y) / 4


def main(folder: Path) -> None:
    """Differentiate f at (3, 5) in each of the ways there are, and draw its graph."""
    x = opreg.variable(3.0, name="x")
    y = opreg.variable(5.0, name="y")
    z = f(x, y)
    print(f"f(3, 5) = {z.primal}")
    print(f"df/dx = {z.grad(x)}   visiting only what leads to x")
    print(f"df/dx, df/dy = {z.grad([x, y])}   in one pass")
    z.backward()
    print(f"x.gradient, y.gradient = {x.gradient}, {y.gradient}   filled in by backward()")
    print(f"opreg.grad(f, (0, 1))(3.0, 5.0) = {opreg.grad(f, (0, 1))(3.0, 5.0)}   as a function")
    print(f"opreg.jvp(f, (3.0, 5.0), (1.0, 0.0)) = {opreg.jvp(f, (3.0, 5.0), (1.0, 0.0))}   forward mode")

    graph = opreg.graph(z)
    graph.save(folder / "graph.dot")
    if shutil.which("dot") is None:
        print("drawn as graph.dot (Graphviz, which is not installed, would make graph.svg of it)")
    else:
        graph.save(folder / "graph.svg")
        print("drawn as graph.dot and graph.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
