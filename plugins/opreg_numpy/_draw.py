"""Sample arrays of every kind, and tables of calls with one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from opreg import Sample

Draw: TypeAlias = (
    "Callable[[np.random.Generator, Sequence[int]], Any]"  # in quotes: numpy.random is slow to load
)


def real(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return a float64 array in C order."""
    return np.asarray(rng.standard_normal(shape))


def single(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return a float32 array."""
    return np.asarray(rng.standard_normal(shape), np.float32)


def complex_(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return a complex128 array."""
    return real(rng, shape) + 1j * real(rng, shape)


def fortran(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return an array in Fortran order."""
    return np.asfortranarray(real(rng, shape))


def backwards(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return a view with negative strides."""
    return real(rng, shape)[(slice(None, None, -1),) * len(shape)]


def every_other(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return a view that skips elements."""
    return real(rng, [2 * n for n in shape])[(slice(None, None, 2),) * len(shape)]


def read_only(rng: np.random.Generator, shape: Sequence[int] = ()) -> Any:
    """Return an array that must not be written to."""
    array = real(rng, shape)
    array.flags.writeable = False
    return array


KINDS: Mapping[str, Draw] = {
    "float32": single,
    "complex": complex_,
    "Fortran order": fortran,
    "negative strides": backwards,
    "strided": every_other,
    "read-only": read_only,
}


class Row(NamedTuple):
    """A call of a function of one array: the array's shape and what comes after it."""

    shape: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def call(shape: tuple[int, ...], /, *args: Any, **kwargs: Any) -> Row:
    """Return a row of :func:`of_one_array`'s table."""
    return Row(shape, args, kwargs)


def of_one_array(*rows: Row) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Return the generator of these calls, and of the first of them with every kind of array."""

    def generate(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, args, kwargs in rows:
            yield Sample((real(rng, shape), *args), kwargs)
        shape, args, kwargs = rows[0]
        for kind, draw in KINDS.items():
            yield Sample((draw(rng, shape), *args), kwargs, note=kind)

    return generate
