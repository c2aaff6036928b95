"""Arrays as vectors of real degrees of freedom.

A complex entry is two of them. A point or a tangent z = x + iy has the coordinates (x, y); a cotangent, which opreg
writes as dL/dx - i dL/dy, has the coordinates (Re c, -Im c), so that the pairing Re(sum(c * t)) is the dot product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[Any]


def is_inexact(value: Any) -> bool:
    """Whether a value is a real or complex floating point number or array."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    return isinstance(value, (float, complex))


def is_numeric(value: Any) -> bool:
    """Whether a value is a number or an array of numbers or booleans."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fciub"
    return isinstance(value, (float, complex, int))


@dataclass(frozen=True, slots=True)
class Part:
    """One array's place in the vector."""

    index: int
    shape: tuple[int, ...]
    size: int
    complex: bool
    start: int
    dtype: np.dtype[Any]

    @property
    def stop(self) -> int:
        return self.start + (2 if self.complex else 1) * self.size


class Coordinates:
    """The layout of selected arrays of a sequence in one vector of real numbers."""

    __slots__ = ("parts", "size")

    def __init__(self, values: Sequence[Any], which: Sequence[int] | None = None) -> None:
        self.parts: list[Part] = []
        start = 0
        for index in range(len(values)) if which is None else which:
            value = values[index]
            if not is_inexact(value):
                continue
            array = np.asarray(value)
            part = Part(index, array.shape, array.size, array.dtype.kind == "c", start, array.dtype)
            self.parts.append(part)
            start = part.stop
        self.size = start

    def point(self, values: Sequence[Any], dtype: Any = np.float64) -> Vector:
        """The coordinates of a point or a tangent."""
        vector = np.zeros(self.size, dtype)
        self.write(vector, values)
        return vector

    def write(self, vector: Vector, values: Sequence[Any]) -> None:
        """Write the coordinates of a point into a vector."""
        for part in self.parts:
            value = values[part.index]
            if not part.complex and isinstance(value, np.ndarray) and value.dtype.kind != "c":
                vector[part.start : part.start + part.size] = value.ravel()
                continue
            flat = value.ravel() if isinstance(value, np.ndarray) else np.asarray(value).ravel()
            if part.complex:
                middle = part.start + part.size
                vector[part.start : middle] = flat.real
                vector[middle : part.stop] = flat.imag
            else:
                vector[part.start : part.stop] = flat.real if flat.dtype.kind == "c" else flat

    def cotangent(self, values: Sequence[Any]) -> Vector:
        """The coordinates of a cotangent; None counts as zero."""
        vector = np.zeros(self.size)
        for part in self.parts:
            if values[part.index] is None:
                continue
            flat = np.asarray(values[part.index]).ravel()
            if part.complex:
                middle = part.start + part.size
                vector[part.start : middle] = flat.real
                vector[middle : part.stop] = -flat.imag
            else:
                vector[part.start : part.stop] = flat.real
        return vector

    def arrays(self, vector: Vector, *, conjugate: bool = False) -> dict[int, NDArray[Any]]:
        """The arrays that a vector stands for, by index; `conjugate` for a cotangent."""
        result: dict[int, NDArray[Any]] = {}
        for part in self.parts:
            if part.complex:
                middle = part.start + part.size
                flat = np.empty(part.size, np.result_type(vector.dtype, np.complex64))
                flat.real = vector[part.start : middle]
                flat.imag = -vector[middle : part.stop] if conjugate else vector[middle : part.stop]
            else:
                flat = vector[part.start : part.stop]
            result[part.index] = flat.reshape(part.shape)
        return result

    def locate(self, coordinate: int) -> tuple[Part, int, bool]:
        """Which array a coordinate belongs to, which of its entries, and whether it is the imaginary part."""
        for part in self.parts:
            if part.start <= coordinate < part.stop:
                offset = coordinate - part.start
                return part, offset % part.size, offset >= part.size
        raise IndexError(f"coordinate {coordinate} of {self.size}")

    def name(self, coordinate: int, leading: int = 0) -> str:
        """A coordinate in words, e.g. `argument 0 at [2, 1]`; the first `leading` arrays are cotangents."""
        part, entry, imaginary = self.locate(coordinate)
        where = "the cotangent g" if part.index < leading else f"argument {part.index - leading}"
        if part.shape:
            where += f" at [{', '.join(str(i) for i in np.unravel_index(entry, part.shape))}]"
        return where + (" (imaginary part)" if imaginary else "")


def outputs(out: Any) -> tuple[Any, ...]:
    """A forward function's results as a tuple."""
    return tuple(out) if isinstance(out, (tuple, list)) else (out,)


def packed(leaves: Sequence[Any], out: Any) -> Any:
    """Values in the structure of a forward function's result: a tuple of its type, or the only one."""
    if not isinstance(out, (tuple, list)):
        return leaves[0]
    return type(out)(*leaves) if hasattr(out, "_fields") else tuple(leaves)
