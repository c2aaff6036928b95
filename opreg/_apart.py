"""Derivatives that share no memory: who writes into one of them changes no other, nor what was given."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from copy import copy
from typing import Any

from opreg._space import space_of


class Apart:
    """The memory of what one call was given and returns. Pieces of one array that do not overlap stay as they are."""

    def __init__(self, given: Iterable[Any] = ()) -> None:
        self._alone: dict[
            int, Any
        ] = {}  # by the id of each owner of memory the first value in it, which holds it
        self._taken: dict[int, list[tuple[int, int]]] = {}  # what is taken of an owner's memory, in order
        for value in given:
            self._enter(value)

    def own(self, value: Any) -> Any:
        """Return a value, or a copy of it if it shares memory with one that came before."""
        return value if self._enter(value) else copy(value)

    def _enter(self, value: Any) -> bool:
        """Take the memory of a value; tell whether it was free."""
        space = space_of(value)
        owner = space.owner(value)
        if owner is None:
            return True
        key = id(owner)
        if key not in self._alone:
            self._alone[key] = value
            return True
        if key not in self._taken:
            self._taken[key] = [space.extent(self._alone[key])]
        taken, (start, stop) = self._taken[key], space.extent(value)
        place = bisect(taken, (start, stop))
        if (place and taken[place - 1][1] > start) or (place < len(taken) and taken[place][0] < stop):
            return False
        taken.insert(place, (start, stop))
        return True
