"""Samples that primitives share: each generator visits the classes of input in which rules go wrong.

A *draw* makes an array of a shape from a random generator, such as :func:`normal`. A *layout* makes an equal array
that lies otherwise in memory. Of these are made the generators for ``primitive.samples``: ``unary``, ``pairs`` and
``reductions`` for functions that are all called alike, and for the others tables of calls, ``of_one_array`` and
``of_two_arrays``, of which the first call is repeated with every kind of array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from opreg import Sample

Array: TypeAlias = Any
Draw: TypeAlias = (
    "Callable[[np.random.Generator, tuple[int, ...]], Array]"  # in quotes: numpy.random is slow to load
)
Generator: TypeAlias = "Callable[[np.random.Generator], Iterator[Sample]]"


# ------------------------------------------------------------------------------------------------- draws
def normal(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Array:
    """Return standard normal numbers."""
    return np.asarray(rng.standard_normal(shape))


def single(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Array:
    """Return standard normal numbers in single precision."""
    return np.asarray(rng.standard_normal(shape), np.float32)


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Array:
    """Return complex numbers whose parts are standard normal."""
    return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


def wide(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers of either sign, of magnitudes between 1/30 and 30."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * 30.0 ** rng.uniform(-1, 1, shape))


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers between 1/30 and 30."""
    return np.asarray(30.0 ** rng.uniform(-1, 1, shape))


def nonzero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers of either sign between 0.3 and 3 in magnitude."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 3.0, shape))


def unit(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers of the open interval (-1, 1)."""
    return np.asarray(rng.uniform(-0.97, 0.97, shape))


def above_one(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers greater than one."""
    return np.asarray(1.05 + rng.exponential(2.0, shape))


def apart(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers of which no two lie close together, nor near an integer or a half."""
    size = int(np.prod(shape))
    return np.asarray(rng.permutation(size) - size // 2 + rng.uniform(0.1, 0.4, size)).reshape(shape)


def tied(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return small integers as floats: many are equal, some are zero."""
    return np.asarray(rng.integers(-1, 3, shape), float)


def complex_of(draw: Draw) -> Draw:
    """Return a draw of complex numbers whose real parts come from ``draw``, their imaginary parts normal."""
    return lambda rng, shape: np.asarray(draw(rng, shape) + 1j * rng.standard_normal(shape))


def scalar_of(x: Array) -> Any:
    """Return a Python number from an array of one element."""
    return x.reshape(-1)[0].item()


# ----------------------------------------------------------------------------------------------- layouts
def fortran(x: Array) -> Array:
    """Return an equal array in Fortran order."""
    return np.array(x, order="F")


def strided(x: Array) -> Array:
    """Return an equal array that takes every second element of its memory along each axis."""
    x = np.asarray(x)
    out = np.zeros([2 * n for n in x.shape], x.dtype)[(..., *(slice(None, None, 2),) * x.ndim)]
    out[...] = x
    return out


def backwards(x: Array) -> Array:
    """Return an equal array with negative strides."""
    flip = (slice(None, None, -1),) * np.ndim(x)
    return np.array(np.asarray(x)[flip])[flip]


def read_only(x: Array) -> Array:
    """Return an equal array that cannot be written to."""
    out = np.array(x)
    out.flags.writeable = False
    return out


def repeated(x: Array) -> Array:
    """Return an array of one more axis, of length three and stride zero."""
    return np.broadcast_to(x, (3, *np.shape(x)))


LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "Fortran order": fortran,
    "strided": strided,
    "negative strides": backwards,
    "read-only": read_only,
    "zero stride": repeated,
}


def _laid_out(layout: Callable[[Array], Array]) -> Draw:
    return lambda rng, shape: layout(normal(rng, shape))


KINDS: Mapping[str, Draw] = {
    "float32": single,
    "complex": complex_normal,
    **{note: _laid_out(layout) for note, layout in LAYOUTS.items() if layout is not repeated},
}


# ------------------------------------------------------------------------------------ functions of one array
def unary(draw: Draw, *, complex: Draw | bool = False, also: Sequence[Any] = ()) -> Generator:
    """Return a generator of samples of a function of one array.

    ``complex``: draw complex numbers too, with these real parts or by this draw. ``also``: special points.
    """

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        yield Sample((draw(rng, (3, 4)),), note="a matrix")
        yield Sample((draw(rng, (2, 1, 3)),), note="rank 3")
        yield Sample((draw(rng, ()),), note="0-d")
        yield Sample((scalar_of(draw(rng, (1,))),), note="a Python float")
        yield Sample((draw(rng, (1,)),), note="size 1")
        yield Sample((draw(rng, (0, 2)),), note="empty")
        yield Sample((draw(rng, (2, 3)).astype(np.float32),), note="float32")
        for note, layout in LAYOUTS.items():
            yield Sample((layout(draw(rng, (2, 3))),), note=note)
        for point in also:
            yield Sample((point,), note=f"at {point!r}")
        if complex:
            draw_complex = complex_of(draw) if complex is True else complex
            yield Sample((draw_complex(rng, (2, 3)),), note="complex")
            yield Sample((draw_complex(rng, ()),), note="complex, 0-d")
            yield Sample((draw_complex(rng, (3,)).astype(np.complex64),), note="complex64")

    return samples


class Row(NamedTuple):
    """A call of a function of one array: the array's shape and what comes after it."""

    shape: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def call(shape: tuple[int, ...], /, *args: Any, **kwargs: Any) -> Row:
    """Return a row of :func:`of_one_array`'s table."""
    return Row(shape, args, kwargs)


def of_one_array(*rows: Row) -> Generator:
    """Return a generator of these calls with one array, and of the first of them with every kind of array."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, args, kwargs in rows:
            yield Sample((normal(rng, shape), *args), kwargs)
        shape, args, kwargs = rows[0]
        for kind, draw in KINDS.items():
            yield Sample((draw(rng, shape), *args), kwargs, note=kind)

    return samples


# ----------------------------------------------------------------------------------- functions of two arrays
SHAPES: Sequence[tuple[tuple[int, ...], tuple[int, ...]]] = (
    ((2, 3), (2, 3)),
    ((3,), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 1, 3), (4, 1)),
    ((), (2, 3)),
    ((3, 1), ()),
    ((1,), (1, 1)),
    ((1, 3), (0, 1)),
)


def pairs(x: Draw, y: Draw | None = None, *, complex: bool = False, same: bool = True) -> Generator:
    """Return a generator of samples of a function of two arrays that broadcast against each other.

    ``x`` and ``y`` (by default the same) draw the two. ``same``: the function may take one array twice.
    """
    other = x if y is None else y

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for left, right in SHAPES:
            yield Sample((x(rng, left), other(rng, right)), note=f"shapes {left} and {right}")
        yield Sample((scalar_of(x(rng, (1,))), other(rng, (2, 2))), note="a Python float first")
        yield Sample((x(rng, (3,)), scalar_of(other(rng, (1,)))), note="a Python float second")
        yield Sample((scalar_of(x(rng, (1,))), scalar_of(other(rng, (1,)))), note="two Python floats")
        yield Sample((x(rng, (3,)).astype(np.float32), other(rng, (2, 1)).astype(np.float32)), note="float32")
        yield Sample((x(rng, (2, 2)).astype(np.float32), other(rng, (2,))), note="float32 and float64")
        yield Sample(
            (fortran(x(rng, (2, 3))), backwards(other(rng, (2, 3)))), note="Fortran, negative strides"
        )
        yield Sample((read_only(x(rng, (2, 1))), strided(other(rng, (2, 3)))), note="read-only, strided")
        if same:
            both = x(rng, (2, 2))
            yield Sample((both, both), note="one array twice")
        if complex:
            z, w = complex_of(x), complex_of(other)
            yield Sample((z(rng, (2, 3)), w(rng, (3,))), note="complex")
            yield Sample((x(rng, (2, 1)), w(rng, (3,))), note="real and complex")
            yield Sample((z(rng, (2, 1)), other(rng, (2, 3))), note="complex and real")
            yield Sample(
                (z(rng, (3,)).astype(np.complex64), scalar_of(other(rng, (1,)))), note="complex64, a float"
            )

    return samples


def of_two_arrays(
    *shapes: tuple[tuple[int, ...], tuple[int, ...]], square: tuple[int, ...] | None = None, **kwargs: Any
) -> Generator:
    """Return a generator of calls with two arrays of these pairs of shapes, the first pair of every kind.

    ``square``: the shape in which one array serves as both, if it is not that of the first.
    """

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for left, right in shapes:
            yield Sample((normal(rng, left), normal(rng, right)), kwargs, note=f"{left}, {right}")
            yield Sample((complex_normal(rng, left), complex_normal(rng, right)), kwargs, note="complex")
        left, right = shapes[0]
        for kind, draw in KINDS.items():
            yield Sample((draw(rng, left), draw(rng, right)), kwargs, note=kind)
        yield Sample((normal(rng, left), complex_normal(rng, right)), kwargs, note="real and complex")
        yield Sample((complex_normal(rng, left), single(rng, right)), kwargs, note="complex and float32")
        yield Sample((single(rng, left), normal(rng, right)), kwargs, note="float32 and float64")
        yield Sample((np.ones(left, int), normal(rng, right)), kwargs, note="integers and float64")
        x = normal(rng, square or left)
        yield Sample((x, x), kwargs, note="the same array twice")

    return samples


def beside_integers(x: Draw, integers: Sequence[Any] = (2, 3, 1), *, first: bool = True) -> Generator:
    """Return a generator of samples of a function of two arrays of which one holds integers."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        whole = np.array(integers)
        for n, note in (
            (whole, "integers"),
            (scalar_of(whole[:1]), "a Python int"),
            (whole.astype(np.uint8), "uint8"),
        ):
            data = x(rng, (2, len(whole)))
            yield Sample((data, n), note=f"beside {note}")
            if first:
                yield Sample((n, np.abs(data)), note=f"{note} first")

    return samples


# ---------------------------------------------------------------------------------------------- reductions
def reductions(
    draw: Draw,
    *,
    complex: bool = False,
    nonempty: bool = False,
    keywords: Sequence[str] = ("keepdims", "where"),
    initial: float = 1.5,
    axes: Sequence[Any] = (None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2), ()),
) -> Generator:
    """Return a generator of samples of a reduction: every axis, every keyword, every layout.

    ``keywords`` names those of ``keepdims``, ``where``, ``initial`` and ``dtype`` that the function takes.
    With ``nonempty`` no reduction is over nothing, nor over fewer than two elements.
    """

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for axis in axes:
            kwargs = {"axis": axis} if axis is not None else {}
            if "keepdims" in keywords and rng.random() < 0.5:
                kwargs["keepdims"] = True
            if not (nonempty and axis == ()):
                yield Sample((draw(rng, (2, 3, 4)),), kwargs)
        if not nonempty:
            yield Sample((draw(rng, ()),), note="0-d")
            yield Sample((draw(rng, (1,)),), {"axis": 0}, note="size 1")
            yield Sample((draw(rng, (3, 0)),), {"axis": 0}, note="empty")
            yield Sample((scalar_of(draw(rng, (1,))),), note="a Python float")
            if "initial" in keywords:
                yield Sample((draw(rng, (3, 0)),), {"axis": 1, "initial": initial}, note="over nothing")
        yield Sample((draw(rng, (3, 4)).astype(np.float32),), {"axis": 0}, note="float32")
        yield Sample((draw(rng, (5,)).astype(np.float32),), note="float32")
        for note, layout in LAYOUTS.items():
            yield Sample((layout(draw(rng, (2, 3))),), {"axis": int(rng.integers(2))}, note=note)
        if "where" in keywords:
            start = _start(keywords, initial)
            yield Sample(
                (draw(rng, (3, 4)),), {"axis": 1, "where": _mask(rng, (3, 4)), **start}, note="where"
            )
            mask = np.array([True, False, True])
            yield Sample(
                (draw(rng, (2, 3)),), {"where": mask, "keepdims": True, **start}, note="where broadcasts"
            )
            mask = np.array([[True], [True], [False]])
            yield Sample((draw(rng, (3, 2)),), {"axis": 0, "where": mask, **start}, note="where broadcasts")
        if "initial" in keywords:
            yield Sample((draw(rng, (2, 3)),), {"axis": -1, "initial": initial}, note="initial")
            yield Sample(
                (draw(rng, (2, 3)),), {"initial": initial, "keepdims": True}, note="initial, keepdims"
            )
        if "dtype" in keywords:
            yield Sample(
                (draw(rng, (2, 3)).astype(np.float32),), {"axis": 0, "dtype": np.float64}, note="dtype"
            )
        if complex:
            z = complex_of(draw)
            yield Sample((z(rng, (2, 3)),), {"axis": 1}, note="complex")
            yield Sample((z(rng, (4,)).astype(np.complex64),), note="complex64")
            if "dtype" in keywords:
                yield Sample(
                    (draw(rng, (2, 3)),), {"axis": 0, "dtype": np.complex128}, note="a complex dtype"
                )

    return samples


def _start(keywords: Sequence[str], initial: float) -> dict[str, Any]:
    return {"initial": initial} if "initial" in keywords else {}


def _mask(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Return a mask that leaves out a third of the elements, some of every row, along random diagonals."""
    rows, columns = np.indices(shape)
    return (rows + columns + rng.integers(3)) % 3 != 0
