"""Containers at the boundary: tuples, lists, dicts, named tuples, dataclasses and ``None`` as arguments and results.

Whatever is none of these is a leaf. The engine never looks inside a container; the transforms flatten and rebuild.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias


@dataclasses.dataclass(slots=True, eq=False)
class Tree:
    """The shape of a container: how to name its children and how to rebuild it from them."""

    kind: Any
    keys: tuple[Any, ...]
    children: tuple[Tree | None, ...]  # None: a leaf
    make: Callable[[list[Any]], Any]
    size: int
    flat: bool = False
    """Whether it is known to have no children but leaves."""

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


LEAF = Tree("leaf", ("",), (None,), itemgetter(0), 1, flat=True)
"""The tree of a bare leaf."""


Opened: TypeAlias = tuple[Sequence[str], Sequence[Any], Callable[[list[Any]], Any]]
"""The names of a container's children, the children, and how to make a container of others."""


@functools.lru_cache(maxsize=64)
def _places(count: int) -> tuple[str, ...]:
    return tuple([f"[{i}]" for i in range(count)])


def _open_named_tuple(value: Any) -> Opened:
    kind: Any = type(value)
    return [f".{name}" for name in kind._fields], value, lambda children: kind(*children)


def _open_dict(value: Any) -> Opened:
    def make(children: list[Any]) -> Any:
        filled = copy.copy(value)
        filled.update(zip(value, children, strict=True))
        return filled

    return [f"[{key!r}]" for key in value], list(value.values()), make


def _open_dataclass(value: Any) -> Opened:
    names = [f.name for f in dataclasses.fields(value)]

    def make(children: list[Any]) -> Any:
        filled = copy.copy(value)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(filled, name, child)  # frozen dataclasses too
        return filled

    return [f".{name}" for name in names], [getattr(value, name) for name in names], make


class _Openers(dict[type, Callable[[Any], Opened] | None]):
    """How to open the containers of each type met so far; None for a type of leaves."""

    def __missing__(self, kind: type) -> Callable[[Any], Opened] | None:
        opener: Callable[[Any], Opened] | None = None
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            opener = _open_named_tuple
        elif issubclass(kind, dict):
            opener = _open_dict
        elif dataclasses.is_dataclass(kind):
            opener = _open_dataclass
        self[kind] = opener
        return opener


_OPENERS = _Openers({
    type(None): lambda value: ((), (), lambda children: None),
    tuple: lambda value: (_places(len(value)), value, tuple),
    list: lambda value: (_places(len(value)), value, list),
})  # fmt: skip


@functools.lru_cache(maxsize=64)
def _row(kind: type, count: int) -> Tree:
    """Return the tree of a tuple or list of so many leaves."""
    return Tree(kind, _places(count), (None,) * count, kind, count, flat=True)


def flatten(value: Any) -> tuple[list[Any], Tree]:
    """Return the leaves of a value and the tree that rebuilds it. A bare leaf is a tree of one."""
    kind: Any = type(value)
    if _OPENERS[kind] is None:
        return [value], LEAF
    leaves: list[Any] = []
    if kind is not tuple and kind is not list:
        return leaves, _walk(value, leaves) or LEAF
    for child in value:
        if _OPENERS[type(child)] is not None:
            return leaves, _walk(value, leaves) or LEAF
    return list(value), _row(kind, len(value))


def _walk(part: Any, leaves: list[Any]) -> Tree | None:
    """Append the leaves of a part. A function of its own: a closure that calls itself would be a cycle of garbage,
    and hold the leaves, and all of their tape, until the collector comes."""
    opener = _OPENERS[type(part)]
    if opener is None:
        leaves.append(part)
        return None
    keys, parts, make = opener(part)
    before = len(leaves)
    children = tuple([_walk(child, leaves) for child in parts])
    return Tree(type(part), tuple(keys), children, make, len(leaves) - before)


def named_children(value: Any) -> dict[str, Any] | None:
    """Return the children of a container by the names that a tree gives them, ``None`` for a leaf."""
    opener = _OPENERS[type(value)]
    if opener is None:
        return None
    keys, parts, _make = opener(value)
    return dict(zip(keys, parts, strict=True))


def unflatten(tree: Tree, leaves: Sequence[Any]) -> Any:
    """Return the container of this shape with these leaves."""
    return tree.make(list(leaves)) if tree.flat else tree.build(iter(leaves))
