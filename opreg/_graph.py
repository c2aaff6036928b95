"""Draw the graph of a define-by-run computation: Graphviz DOT, and SVG where Graphviz is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opreg._errors import NotDifferentiable, OpregError
from opreg._trace import CONSTANT, Tracer, ancestors, parents
from opreg._variable import Application, Leaf, VariableTrace


class Graph:
    """A drawn computation graph. ``str(graph)`` is its DOT source; a notebook shows it as a picture."""

    def __init__(self, dot: str) -> None:
        self.dot = dot

    def __str__(self) -> str:
        return self.dot

    def __repr__(self) -> str:
        return f"<Graph of {self.dot.count(' -> ')} edges; str() gives DOT, .svg() a picture>"

    def svg(self) -> str:
        """Return the graph as SVG. Raises :class:`opreg.OpregError` if Graphviz's ``dot`` is not installed."""
        program = shutil.which("dot")
        if program is None:
            raise OpregError(
                "drawing a graph as SVG needs Graphviz's program 'dot', which was not found on PATH. Install Graphviz "
                "(apt-get install graphviz, brew install graphviz), or use str(graph), its DOT source"
            )
        done = subprocess.run([program, "-Tsvg"], input=self.dot, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OpregError(f"Graphviz could not draw the graph: {done.stderr.strip()}")
        return done.stdout

    def save(self, path: str | Path) -> None:
        """Write the graph to a file: DOT for the suffixes ``.dot`` and ``.gv``, SVG for ``.svg``."""
        path = Path(path)
        if path.suffix not in (".dot", ".gv", ".svg"):
            raise ValueError(
                f"a graph is saved as .dot, .gv or .svg, not {path.suffix or 'without suffix'!r}"
            )
        path.write_text(self.svg() if path.suffix == ".svg" else self.dot, encoding="utf-8")

    def _repr_svg_(self) -> str | None:
        return self.svg() if shutil.which("dot") else None


def graph(y: Any) -> Graph:
    """Return the graph by which ``y`` was computed from variables.

    Variables are drawn as ellipses with their names and values, operations as boxes, numbers as plain text.

    >>> import opreg
    >>> x = opreg.variable(3.0, name="x")
    >>> print(opreg.graph(2 * x))
    digraph {
      rankdir=LR
      n0 [label="x = 3.0", shape=ellipse]
      n1 [label="mul", shape=box]
      n0 -> n1
      n1c0 [label="2", shape=plaintext]
      n1c0 -> n1
      out [label="6.0", shape=plaintext]
      n1 -> out
    }
    """
    if not (type(y) is Tracer and isinstance(y.tracing, VariableTrace)):
        raise NotDifferentiable(
            f"opreg.graph draws what was computed from opreg.variable(...), not {type(y).__name__} values"
        )
    return Graph("\n".join(["digraph {", "  rankdir=LR", *_lines(y), "}"]))


def _lines(y: Tracer) -> Iterator[str]:
    nodes = ancestors(y.record)
    names = {node[0]: f"n{i}" for i, node in enumerate(nodes)}
    for node in nodes:
        name, origin = names[node[0]], node[2]
        label, shape = _label(origin)
        yield f"  {name} [label={_quoted(label)}, shape={shape}]"
        for parent in parents(node):
            yield f"  {names[parent[0]]} -> {name}"
        if isinstance(origin, Application):
            for position, value in origin.constants.items():
                yield f"  {name}c{position} [label={_quoted(repr(value))}, shape=plaintext]"
                yield f"  {name}c{position} -> {name}"
    yield f"  out [label={_quoted(_short(y.primal))}, shape=plaintext]"
    yield f"  {names[y.record[0]]} -> out"


def _label(origin: Any) -> tuple[str, str]:
    if isinstance(origin, Leaf):
        held = origin.find()
        value = "" if held is None else _short(held.primal)
        return " = ".join(part for part in (origin.name, value) if part) or "variable", "ellipse"
    if origin is CONSTANT:
        return "constant", "plaintext"
    primitive = origin.primitive if isinstance(origin, Application) else origin
    return (primitive.aliases or (primitive.__name__,))[0], "box"


def _short(value: Any) -> str:
    shape = getattr(value, "shape", ())
    return str(value) if not shape else f"{type(value).__name__} {shape}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
