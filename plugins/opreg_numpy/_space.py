"""The vector spaces of NumPy's arrays and scalars, and of Python's numbers.

A spec is ``(shape, dtype)``. Floating and complex dtypes have derivatives, others have none.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from opreg import NotDifferentiable, Space, is_traced, stop_gradient
from opreg_numpy._ndarray import attribute_of
from opreg_numpy._writing import replaced, updated

Spec = tuple[tuple[int, ...], np.dtype[Any]]

_FLOAT64, _COMPLEX128 = np.dtype(np.float64), np.dtype(np.complex128)
_ONE = np.float64(1)


class ArraySpace(Space):
    """Arrays and NumPy's scalars."""

    types: ClassVar[tuple[type, ...]] = (np.ndarray, np.generic)
    operators: ClassVar[Mapping[str, str]] = {
        "add": "numpy.add",
        "sub": "numpy.subtract",
        "mul": "numpy.multiply",
        "truediv": "numpy.divide",
        "floordiv": "numpy.floor_divide",
        "mod": "numpy.remainder",
        "pow": "numpy.power",
        "matmul": "numpy.matmul",
        "neg": "numpy.negative",
        "pos": "numpy.positive",
        "abs": "numpy.absolute",
        "getitem": "operator.getitem",
    }

    def spec(self, value: Any) -> Spec | None:
        dtype = value.dtype
        return (value.shape, dtype) if dtype is _FLOAT64 or dtype.kind in "fc" else None

    token = staticmethod(operator.attrgetter("shape", "dtype"))  # type: ignore[assignment]  # one call, in C

    def zeros(self, spec: Spec) -> Any:
        return np.zeros(*spec)

    def ones(self, spec: Spec) -> Any:
        return np.ones(*spec)

    add = staticmethod(operator.add)  # type: ignore[assignment]

    def unit(self, spec: Spec) -> Any:
        shape, dtype = spec
        if shape != ():
            return None
        return _ONE if dtype is _FLOAT64 else dtype.type(1) if dtype.kind == "f" else None

    def basis(self, spec: Spec) -> Iterable[Any]:
        shape, dtype = spec
        for index in np.ndindex(shape):
            direction = np.zeros(shape, dtype)
            direction[index] = 1
            yield direction

    def imaginary(self, spec: Spec) -> Any:
        return 1j if spec[1].kind == "c" else None

    def assemble(self, rows: Sequence[Any], shape_of: Spec, row_of: Spec, rows_first: bool) -> Any:
        outer, (inner, dtype) = shape_of[0], row_of
        if not rows:
            return np.zeros(outer + inner if rows_first else inner + outer, dtype)
        if outer == inner == ():
            return rows[0]
        stacked = np.stack([np.broadcast_to(row, inner) for row in rows], axis=0 if rows_first else -1)
        return np.reshape(stacked, outer + inner if rows_first else inner + outer)

    def restrict(self, cotangent: Any, spec: Spec) -> Any:
        """Sum over broadcast axes, take the real part for a real primal, return to its precision."""
        shape, dtype = spec
        if np.iscomplexobj(cotangent) and dtype.kind == "f":
            cotangent = np.real(cotangent)
        have = np.shape(cotangent)
        if have != shape:
            lead = len(have) - len(shape)
            if lead < 0:
                cotangent = np.broadcast_to(cotangent, shape)
            else:
                axes = (
                    *range(lead),
                    *(lead + i for i, n in enumerate(shape) if n == 1 and have[lead + i] != 1),
                )
                if axes:
                    cotangent = np.sum(cotangent, axis=axes)
                if np.shape(cotangent) != shape:
                    cotangent = np.broadcast_to(
                        np.reshape(cotangent, _squeezed(shape, have[lead:], axes)), shape
                    )
        return cotangent if cotangent.dtype == dtype else cotangent.astype(dtype)

    def promote(self, tangent: Any, spec: Spec) -> Any:
        shape, dtype = spec
        if np.shape(tangent) != shape:
            tangent = np.broadcast_to(tangent, shape)
        return tangent if tangent.dtype == dtype else tangent.astype(dtype)

    def cast(self, value: Any, spec: Spec) -> Any:
        plain = np.asarray(value)[()] if not hasattr(value, "dtype") else value
        shape, dtype = spec
        if plain.shape == shape and plain.dtype == dtype:
            return plain
        if (
            plain.shape != shape
            or plain.dtype.kind not in "fciub"
            or (plain.dtype.kind == "c" and dtype.kind == "f")
        ):
            return value
        return plain.astype(dtype)

    def coerce(self, value: Any) -> Any:
        """Take what NumPy's operators take: sequences of numbers, and what gives an array but has no operators."""
        if isinstance(value, Sequence):
            return NotImplemented if isinstance(value, (str, bytes)) else np.asarray(value)
        kind = type(value)
        answers = any(hasattr(kind, name) for name in ("__array_ufunc__", "__radd__", "__rmul__"))
        return np.asarray(value) if hasattr(kind, "__array__") and not answers else NotImplemented

    def export(self, value: Any, primal: Any) -> Any:
        """Return an array that its receiver may write to: a rule may have given a broadcast view."""
        if isinstance(value, np.ndarray) and not value.flags.writeable:
            return np.array(value, order="C")  # "K" puts the axes along which it is repeated last
        return value

    def owner(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return None
        while getattr(value, "base", None) is not None:
            value = value.base
        return value

    def extent(self, value: Any) -> tuple[int, int]:
        return np.lib.array_utils.byte_bounds(value)

    def require_constant(self, value: Any, what: str) -> None:
        dtype = getattr(value, "dtype", None)
        if dtype is not None and dtype.kind not in "iub":
            raise NotDifferentiable(
                f"{what} has values of dtype {dtype}, by which nothing can be differentiated: the derivative would be "
                "lost. Convert what it is computed from to numbers first, as in np.asarray(y, float), or pass "
                "opreg.stop_gradient(x) if the derivative is not wanted"
            )

    def hides_traced(self, value: Any) -> bool:
        return isinstance(value, np.ndarray) and value.dtype == object and any(map(is_traced, value.flat))

    def shares(self, a: Any, b: Any) -> bool:
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return False
        if a.base is None and b.base is None:
            return a is b
        return a.base is b or a.base is b.base or np.may_share_memory(a, b)  # of one base: they may

    def detached(self, view: Any) -> Any:
        whole = view.base
        if whole is None or 4 * view.nbytes > whole.nbytes or not (view.flags.forc and view.flags.writeable):
            return view
        return view.copy("K")  # as it is contiguous, the copy lies as it does

    replaced = staticmethod(replaced)
    updated = staticmethod(updated)

    def assign(self, traced: Any, name: str, value: Any) -> None:
        plain = stop_gradient(traced)
        if not isinstance(plain, np.ndarray):
            raise AttributeError(
                f"the attribute {name!r} of a traced {type(plain).__name__} is not assigned to"
            )
        if name == "flat":
            np.put(traced, np.arange(plain.size), value)
        elif name in ("real", "imag"):
            if name == "imag" and plain.dtype.kind != "c":
                raise TypeError("a traced array of real numbers has no imaginary part to assign to")
            getattr(traced, name)[...] = value
        else:
            raise AttributeError(f"the {name} of a traced array is not assigned to: write {_INSTEAD[name]}")

    def attribute(self, traced: Any, name: str) -> Any:
        return attribute_of(traced, name)

    def integer_advice(self, value: Any) -> str:
        dtype = np.asarray(value).dtype
        if dtype.kind in "iub":
            return (
                f"it is of the {'boolean' if dtype.kind == 'b' else 'integer'} type {dtype}, on which a derivative "
                "makes no sense; convert it first, as in x.astype(float) or float(x)"
            )
        return f"values of dtype {dtype} have no derivative"


_INSTEAD = {
    "shape": "x = np.reshape(x, shape)",
    "dtype": "x = np.astype(x, dtype)",
    "strides": "x = x[::2] or x = np.transpose(x)",
}
"""What to write in the place of an assignment to an attribute."""


def _squeezed(shape: tuple[int, ...], have: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape, after the sum over broadcast axes, that broadcasts to ``shape``."""
    return tuple(1 if n == 1 or h == 1 else n for n, h in zip(shape, have, strict=True))


class RefusedSpace(Space):
    """Subclasses of arrays whose values mean something else to functions and operators than an array's do."""

    @property
    def types(self) -> tuple[type, ...]:  # type: ignore[override]
        masked = getattr(
            sys.modules.get("numpy.ma.core"), "MaskedArray", None
        )  # imported when it is asked for
        return (np.matrix,) if masked is None else (np.matrix, masked)

    def spec(self, value: Any) -> Spec | None:
        if isinstance(value, np.matrix):
            raise NotDifferentiable(
                "a numpy.matrix is not differentiated, nor taken beside a traced value, since its operators are not "
                "those of arrays: * is the matrix product. Use np.asarray(m), and @ for the matrix product"
            )
        raise NotDifferentiable(
            "a numpy.ma.MaskedArray is not differentiated, nor taken beside a traced value, since functions would pass "
            "over its mask. Use np.asarray(x), with where=~np.ma.getmaskarray(x) in a reduction or np.where(mask, "
            "otherwise, result) elsewhere"
        )


class ScalarSpace(ArraySpace):
    """Python's own numbers: a derivative of a ``float`` is a ``float``."""

    types = (float, complex, int, bool)

    def spec(self, value: Any) -> Spec | None:
        kind = type(value)
        return ((), _FLOAT64) if kind is float else ((), _COMPLEX128) if kind is complex else _other(value)

    def token(self, value: Any) -> Any:
        return self.spec(value)

    def export(self, value: Any, primal: Any) -> Any:
        kind = type(primal)
        if kind in (float, complex) and isinstance(value, (np.ndarray, np.generic)) and value.shape == ():
            return complex(value) if value.dtype.kind == "c" else kind(value)
        return value


def _other(value: Any) -> Spec | None:
    """Return the spec of a value whose class derives from a Python number."""
    if isinstance(value, float):
        return (), _FLOAT64
    return ((), _COMPLEX128) if isinstance(value, complex) else None


ARRAYS, REFUSED, SCALARS = ArraySpace(), RefusedSpace(), ScalarSpace()

__all__ = ["ARRAYS", "REFUSED", "SCALARS", "ArraySpace", "NotDifferentiable", "RefusedSpace", "ScalarSpace"]
