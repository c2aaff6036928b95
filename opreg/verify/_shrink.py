"""A failing input made small: the smallest shape and the simplest numbers at which a rule still fails alike.

An input is a number of *parts* that may be given up: a keyword, a length, the places along an axis, an axis, a memory
layout, the values of entries. One pass for each kind gives up as many as it can; Hypothesis finds the fewest parts that
must be kept where giving up all of them is too much. A smaller input counts only if the same check fails in the same
way. The search is bounded by a number of evaluations and draws no random numbers of its own, so that its result is the
same wherever it is run.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from opreg.verify._verdict import Finding

MOST = 160
"""How many inputs are tried; one of many entries counts once more for each 16."""
WITHOUT = (
    "the input was not made smaller: that needs Hypothesis, which `pip install 'opreg[verify]'` installs"
)
FEW = 6
"""So many are tried, however large."""

_ROUNDS = 3
_BLOCKS = 8
_ENTRIES = 48
_SIMPLE = (1.0, 2.0, -1.0, 0.0, 0.5, -2.0, 3.0, -3.0, 1j, 1 + 1j, 1 - 1j, 2j)
_INTEGERS = (0, 1, 2, -1)

Where = tuple[str, Any]
Parts: TypeAlias = "tuple[int, Callable[[frozenset[int]], Input | None]]"
"""How many parts there are, and the input with some of them kept and the others given up."""


@dataclass(frozen=True)
class Input:
    """The arguments of one call: data and keywords."""

    data: tuple[Any, ...]
    static: Mapping[str, Any]

    def items(self) -> Iterator[tuple[Where, Any]]:
        """Every value with its place."""
        yield from ((("data", index), value) for index, value in enumerate(self.data))
        yield from ((("static", name), value) for name, value in self.static.items())

    def arrays(self) -> Iterator[tuple[Where, NDArray[Any]]]:
        """The arrays of rank 1 or more, with their places."""
        yield from ((where, v) for where, v in self.items() if isinstance(v, np.ndarray) and v.ndim)

    def changed(self, values: Mapping[Where, Any]) -> Input:
        """This input with other values in some places."""
        data = tuple(values.get(("data", index), value) for index, value in enumerate(self.data))
        return Input(data, {name: values.get(("static", name), v) for name, v in self.static.items()})

    def key(self) -> str:
        """A text that two inputs share only if they are the same."""
        return repr([(where, _key(value)) for where, value in self.items()])


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.strides, value.tobytes()
    return type(value).__name__, repr(value)


def installed() -> bool:
    """Whether Hypothesis is there."""
    return importlib.util.find_spec("hypothesis") is not None


def shrink(
    start: Input, like: Finding, fails: Callable[[Input], Sequence[Finding]]
) -> tuple[Input, Finding] | None:
    """The smallest input found at which `fails` gives a finding like the given one, with that finding.

    None where not even the input itself fails alike, as with a rule that gives another answer each time.
    """
    search = _Search(like, fails)
    try:
        if not search.begins(start):
            return None
        for _ in range(_ROUNDS):
            before = search.best
            for parts in _KINDS:
                search.give_up(parts)
            if search.best is before:
                break
    except _Spent:
        pass
    return search.best, search.finding


class _Spent(BaseException):
    """All evaluations are used up. No Exception, so that Hypothesis lets it through."""


class _Search:
    """The best input so far, and what is known of others."""

    best: Input
    finding: Finding

    def __init__(self, like: Finding, fails: Callable[[Input], Sequence[Finding]]) -> None:
        self.like, self.run = like, fails
        self.known: dict[str, Finding | None] = {}
        self.spent = 0

    def begins(self, start: Input) -> bool:
        """Whether the input itself fails; with other cotangents something else may be recognised of the numbers."""
        found = [finding for finding in self.run(start) if alike(self.like, finding, loosely=True)]
        self.like = next(
            (finding for finding in found if alike(self.like, finding)), *found[:1] or [self.like]
        )
        return self.accepts(start)

    def look(self, candidate: Input) -> Finding | None:
        """The finding of a candidate that is like the first one."""
        key = candidate.key()
        if key not in self.known:
            if self.spent >= MOST and len(self.known) >= FEW:
                raise _Spent
            self.spent += 1 + sum(array.size for _, array in candidate.arrays()) // 16
            found = (finding for finding in self.run(candidate) if alike(self.like, finding))
            self.known[key] = next(found, None)
        return self.known[key]

    def accepts(self, candidate: Input | None) -> bool:
        """Whether a candidate fails alike; it is then the best so far."""
        finding = None if candidate is None else self.look(candidate)
        if candidate is None or finding is None:
            return False
        self.best, self.finding = candidate, finding
        return True

    def give_up(self, parts: Callable[[Input], Parts]) -> None:
        """Give up as many parts of one kind as can be."""
        count, without = parts(self.best)
        kept = fewest(count, lambda kept: self._fails(without(kept)))
        if kept is not None:
            self.accepts(without(kept))

    def _fails(self, candidate: Input | None) -> bool:
        return candidate is not None and self.look(candidate) is not None


# -- the same failure ------------------------------------------------------------------------------------------------


def alike(one: Finding, other: Finding, *, loosely: bool = False) -> bool:
    """Whether two findings tell of one failure: the same check and argument, the same sentence but for its numbers.

    What is recognised of the wrong numbers (`its sign is wrong`) must not be contradicted, unless compared `loosely`:
    at a small input nothing may be recognised.
    """
    if (one.check, one.verdict, one.argument) != (other.check, other.verdict, other.argument):
        return False
    (sentence, pattern), (same, found) = told(one.diagnosis), told(other.diagnosis)
    if loosely or sentence != same:
        return sentence == same
    return pattern == found or not pattern or (not found and not pattern.startswith(_PLAIN))


def told(diagnosis: str) -> tuple[str, str]:
    """A diagnosis as its sentence and what was recognised, without places, counts and numbers."""
    text = re.sub(r" \(at the [^()]*(\([^()]*\)[^()]*)*\)$", "", diagnosis)
    text = re.sub(r" at \[[^\]]*\]| \(imaginary part\)| \(\d+ of \d+ entries are wrong\)", "", text)
    text = re.sub(r"\([\d, ]*\)", "()", text)
    text = re.sub(r"[-+]?\d[\d.]*(e[-+]?\d+)?", "#", text)
    sentence, _, rest = text.partition(": ")
    pattern = re.split(r" only |[,;:(]", rest)[0].strip()
    return sentence, "in the wrong order" if pattern.startswith(_ORDER) else pattern


_PLAIN = ("its sign is", "it is zero", "it should be zero", "it is not finite", "it is the complex conjugate")
"""What is recognised of a single number too."""
_ORDER = (
    "it is reversed",
    "it is shifted",
    "it is transposed",
    "its axes are permuted",
    "its entries are right",
)


# -- the fewest parts ------------------------------------------------------------------------------------------------


def fewest(count: int, fails: Callable[[frozenset[int]], bool]) -> frozenset[int] | None:
    """The fewest of `count` parts that must be kept for `fails(kept)` to be true; None where all must be."""
    everything = frozenset(range(count))
    if not everything:
        return None
    if fails(frozenset()):
        return frozenset()
    if count <= 3:
        few = (frozenset(kept) for size in range(1, count) for kept in combinations(range(count), size))
        return next((kept for kept in few if fails(kept)), None)
    kept = _searched(count, lambda kept: kept == everything or (bool(kept) and fails(kept)))
    return None if kept in (None, everything) else kept


def _searched(count: int, fails: Callable[[frozenset[int]], bool]) -> frozenset[int] | None:
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException

    # Any of three booleans keeps a part: most of what is drawn at first keeps most parts. Booleans alone, as for other
    # values Hypothesis draws from the constants of the modules that happen to be loaded.
    part = st.tuples(st.booleans(), st.booleans(), st.booleans()).map(any)
    quiet = settings(
        database=None,
        deadline=None,
        max_examples=40,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        flags = find(
            st.tuples(*[part] * count),
            lambda flags: fails(frozenset(index for index, flag in enumerate(flags) if flag)),
            settings=quiet,
            random=Random(0),
        )
    except HypothesisException:
        return None
    return frozenset(index for index, flag in enumerate(flags) if flag)


# -- what may be given up --------------------------------------------------------------------------------------------


def _keywords(given: Input) -> Parts:
    """Keywords, which then have their default."""
    names = list(given.static)

    def without(kept: frozenset[int]) -> Input:
        return Input(given.data, {name: given.static[name] for i, name in enumerate(names) if i in kept})

    return len(names), without


def _lengths(given: Input) -> Parts:
    """Lengths: all axes that share one become of length 1."""
    lengths = sorted({n for _, array in given.arrays() for n in array.shape if n > 1}, reverse=True)

    def without(kept: frozenset[int]) -> Input:
        result = given
        for index, length in enumerate(lengths):
            if index not in kept:
                result = _taken(result, length, [0])
        return result

    return len(lengths), without


def _places(at: int | None = None) -> Callable[[Input], Parts]:
    """The places along all axes that share the largest length, or along those that are the at-th from the right."""

    def parts(given: Input) -> Parts:
        shapes = [array.shape for _, array in given.arrays()]
        lengths = [
            n
            for shape in shapes
            for n in (shape if at is None else shape[-at:][:1] if len(shape) >= at else ())
        ]
        length = max(lengths, default=0)
        blocks = np.array_split(np.arange(length), min(length, _BLOCKS)) if length > 1 else []

        def without(kept: frozenset[int]) -> Input | None:
            places = [int(place) for index in sorted(kept) for place in blocks[index]]
            return _taken(given, length, places, at) if places else None

        return len(blocks), without

    return parts


def _taken(given: Input, length: int, places: list[int], at: int | None = None) -> Input:
    """Some places along every axis of one length, and the same in a keyword that is a shape."""
    values: dict[Where, Any] = {}
    for where, value in given.items():
        if isinstance(value, np.ndarray):
            array = value
            for axis, n in enumerate(value.shape):
                if n == length and at in (None, value.ndim - axis):
                    array = np.take(array, places, axis)
            if array is not value:
                values[where] = _laid_out(array, value)
        elif "shape" in str(where[1]) and isinstance(value, tuple):
            values[where] = tuple(len(places) if n == length else n for n in value)
    return given.changed(values)


def _axes(given: Input) -> Parts:
    """Axes of length 1 that all arrays have in one place from the right."""
    arrays = dict(given.arrays())
    rank = max((array.ndim for array in arrays.values()), default=0)
    return _squeezed(
        given,
        [
            [(where, -place) for where, array in arrays.items() if array.ndim >= place]
            for place in range(rank, 0, -1)
            if all(array.shape[-place] == 1 for array in arrays.values() if array.ndim >= place)
        ],
    )


def _own_axes(given: Input) -> Parts:
    """A first axis of length 1 of one array alone."""
    return _squeezed(given, [[(where, 0)] for where, array in given.arrays() if array.shape[0] == 1])


def _squeezed(given: Input, groups: list[list[tuple[Where, int]]]) -> Parts:
    arrays = dict(given.arrays())

    def without(kept: frozenset[int]) -> Input:
        gone: dict[Where, list[int]] = {}
        for index, group in enumerate(groups):
            for where, axis in () if index in kept else group:
                gone.setdefault(where, []).append(axis)
        return given.changed(
            {w: _laid_out(arrays[w].squeeze(tuple(axes)), arrays[w]) for w, axes in gone.items()}
        )

    return len(groups), without


def _layouts(given: Input) -> Parts:
    """Memory layouts other than the usual one."""
    odd = [(where, array) for where, array in given.arrays() if not array.flags.c_contiguous]

    def without(kept: frozenset[int]) -> Input:
        return given.changed({w: np.ascontiguousarray(a) for i, (w, a) in enumerate(odd) if i not in kept})

    return len(odd), without


def _numbers(simpler: Callable[[Any], Any]) -> Callable[[Input], Parts]:
    """The values of entries, each for a simpler one. Equal entries change together, so that ties may stay ties."""

    def parts(given: Input) -> Parts:
        slots = {where: np.asarray(value) for where, value in given.items() if _is_number(where, value)}
        few = sum(array.size for array in slots.values()) <= _ENTRIES
        values = (
            {(_kind(array), v) for array in slots.values() for v in array.ravel().tolist()} if few else set()
        )
        ordered = sorted((pair for pair in values if pair[1] == pair[1]), key=repr)
        changes = [
            (kind, v, new) for kind, v in ordered if (new := simpler(v)) is not None and _rank(new) < _rank(v)
        ]
        blocks = np.array_split(np.arange(len(changes)), min(len(changes), _BLOCKS)) if changes else []

        def without(kept: frozenset[int]) -> Input:
            chosen = [changes[i] for number, block in enumerate(blocks) if number not in kept for i in block]
            table = {(kind, v): new for kind, v, new in chosen}
            return given.changed({where: _renumbered(where, given, table) for where in slots})

        return len(blocks), without

    return parts


def _kind(array: NDArray[Any]) -> str:
    return "fc" if array.dtype.kind in "fc" else array.dtype.kind


def _renumbered(where: Where, given: Input, changes: Mapping[tuple[str, Any], Any]) -> Any:
    value = given.data[where[1]] if where[0] == "data" else given.static[where[1]]
    array = np.array(value)
    flat = array.ravel()
    for (of, old), new in changes.items():
        if of == _kind(array) and (array.dtype.kind == "c" or not isinstance(new, complex)):
            flat[np.asarray(value).ravel() == old] = new
    result = flat.reshape(array.shape)
    return _laid_out(result, value) if isinstance(value, np.ndarray) else type(value)(result[()])


def _is_number(where: Where, value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fciub"
    return where[0] == "data" and isinstance(value, (float, complex, np.number))


def _rank(value: Any) -> float:
    """How simple a number is: the smaller, the simpler."""
    if isinstance(value, bool):
        return float(not value)
    if isinstance(value, int):
        return _INTEGERS.index(value) if value in _INTEGERS else 4 + abs(value)
    return _SIMPLE.index(value) if value in set(_SIMPLE) else 20 + len(repr(value))


def _constant(new: Any) -> Callable[[Any], Any]:
    def simpler(value: Any) -> Any:
        if isinstance(value, bool):
            return new == 1
        if isinstance(value, int):
            return int(new.real) if new in _INTEGERS else None
        if isinstance(value, float):
            return None if isinstance(new, complex) else new
        return complex(new)

    return simpler


def _to_digits(digits: int | None) -> Callable[[Any], Any]:
    """To a whole number, or to so many digits."""

    def rounded(value: float) -> float:
        return float(round(value)) if digits is None else float(f"{value:.{digits}g}")

    def simpler(value: Any) -> Any:
        if isinstance(value, int) or not np.isfinite(value):
            return None
        return (
            complex(rounded(value.real), rounded(value.imag))
            if isinstance(value, complex)
            else rounded(value)
        )

    return simpler


_SIMPLER = (*(_constant(v) for v in _SIMPLE), _to_digits(None), _to_digits(1), _to_digits(2))


def _values_of_keywords(place: int) -> Callable[[Input], Parts]:
    """The values of keywords, each for the simpler one in one place of a list."""

    def parts(given: Input) -> Parts:
        lists = {name: _simpler_keyword(name, value) for name, value in given.static.items()}
        new = [(name, others[place]) for name, others in lists.items() if len(others) > place]

        def without(kept: frozenset[int]) -> Input:
            changes = {name: value for index, (name, value) in enumerate(new) if index not in kept}
            return replace(given, static={**given.static, **changes})

        return len(new), without

    return parts


def _simpler_keyword(name: str, value: Any) -> tuple[Any, ...]:
    """Whole numbers, truth values and tuples of axes, each made simpler."""
    if isinstance(value, bool):
        return (False,) if value else ()
    if isinstance(value, int):
        return tuple(v for v in _INTEGERS if _rank(v) < _rank(value))
    if isinstance(value, float):
        return tuple(v for v in _SIMPLE[:5] if _rank(v) < _rank(value))
    return (
        tuple((v,) for v in value)
        if isinstance(value, tuple) and len(value) > 1 and "shape" not in name
        else ()
    )


def _laid_out(new: NDArray[Any], old: NDArray[Any]) -> NDArray[Any]:
    """An array in the memory layout of another, as far as its shape allows."""
    if old.flags.c_contiguous or not new.ndim or not old.ndim:
        return np.array(new, order="C")
    if old.flags.f_contiguous:
        return np.array(new, order="F")
    if old.strides[-1] < 0:
        return np.array(new[..., ::-1], order="C")[..., ::-1]
    wide = np.zeros((*new.shape[:-1], 2 * new.shape[-1]), new.dtype)
    wide[..., ::2] = new
    return wide[..., ::2]


_KINDS: tuple[Callable[[Input], Parts], ...] = (
    _keywords,
    _lengths,
    _places(),
    *(_places(at) for at in (1, 2, 3)),
    _axes,
    _own_axes,
    _layouts,
    *(_numbers(simpler) for simpler in _SIMPLER),
    *(_values_of_keywords(place) for place in range(4)),
)
