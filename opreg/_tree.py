"""Containers at the boundary: tuples, lists, dicts, named tuples, dataclasses and ``None`` as arguments and results.

Whatever is none of these is a leaf. The engine never looks inside a container; the transforms flatten and rebuild.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, eq=False)
class Tree:
    """The shape of a container: how to name its children and how to rebuild it from them."""

    kind: Any
    keys: tuple[Any, ...]
    children: tuple[Tree | None, ...]  # None: a leaf
    make: Callable[[list[Any]], Any]
    size: int

    def build(self, leaves: Iterator[Any]) -> Any:
        """Return the container with these leaves."""
        return self.make([next(leaves) if child is None else child.build(leaves) for child in self.children])

    def paths(self, prefix: str = "") -> Iterator[str]:
        """Yield the name of each leaf, such as ``['w'][0]``."""
        for key, child in zip(self.keys, self.children, strict=True):
            name = f"{prefix}{key}"
            yield from [name] if child is None else child.paths(name)

    def matches(self, other: Tree) -> bool:
        """Tell whether another container has the same shape."""
        return (
            self.kind == other.kind
            and self.keys == other.keys
            and all(
                (a is None) == (b is None) and (a is None or b is None or a.matches(b))
                for a, b in zip(self.children, other.children, strict=True)
            )
        )


LEAF = Tree("leaf", ("",), (None,), lambda children: children[0], 1)
"""The tree of a bare leaf."""


def _open(value: Any) -> tuple[Any, Sequence[str], Sequence[Any], Callable[[list[Any]], Any]] | None:
    """Return ``(kind, keys, children, make)`` of a container, ``None`` for a leaf."""
    kind = type(value)
    if value is None:
        return None.__class__, (), (), lambda children: None
    if kind is tuple or kind is list:
        return kind, [f"[{i}]" for i in range(len(value))], value, kind
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind, [f".{name}" for name in value._fields], value, lambda children: kind(*children)
    if isinstance(value, dict):

        def make(children: list[Any]) -> Any:
            filled = copy.copy(value)
            filled.update(zip(value, children, strict=True))
            return filled

        return kind, [f"[{key!r}]" for key in value], list(value.values()), make
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value)]

        def remake(children: list[Any]) -> Any:
            filled = copy.copy(value)
            for name, child in zip(names, children, strict=True):
                object.__setattr__(filled, name, child)  # frozen dataclasses too
            return filled

        return kind, [f".{name}" for name in names], [getattr(value, name) for name in names], remake
    return None


def flatten(value: Any) -> tuple[list[Any], Tree]:
    """Return the leaves of a value and the tree that rebuilds it. A bare leaf is a tree of one."""
    leaves: list[Any] = []
    tree = _walk(value, leaves)
    return leaves, tree or LEAF


def _walk(part: Any, leaves: list[Any]) -> Tree | None:
    """Append the leaves of a part. A function of its own: a closure that calls itself would be a cycle of garbage,
    and hold the leaves, and all of their tape, until the collector comes."""
    opened = _open(part)
    if opened is None:
        leaves.append(part)
        return None
    kind, keys, parts, make = opened
    before = len(leaves)
    children = tuple([_walk(child, leaves) for child in parts])
    return Tree(kind, tuple(keys), children, make, len(leaves) - before)


def named_children(value: Any) -> dict[str, Any] | None:
    """Return the children of a container by the names that a tree gives them, ``None`` for a leaf."""
    opened = _open(value)
    return None if opened is None else dict(zip(opened[1], opened[2], strict=True))


def unflatten(tree: Tree, leaves: Sequence[Any]) -> Any:
    """Return the container of this shape with these leaves."""
    return tree.build(iter(leaves))
