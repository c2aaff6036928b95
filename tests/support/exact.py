"""A plugin of exact numbers, by which the engine is tested with ``==`` and without NumPy.

``Exact`` is a fraction that can be referred to weakly, so that a test can see when the tape lets go of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import opreg


class Exact(Fraction):
    """A rational number."""

    __slots__ = ("__weakref__",)

    def _made(self, result: Any) -> Any:
        return Exact(result) if isinstance(result, Fraction) else result

    def __add__(self, other: Any) -> Any:
        return self._made(Fraction.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return self._made(Fraction.__radd__(self, other))

    def __sub__(self, other: Any) -> Any:
        return self._made(Fraction.__sub__(self, other))

    def __rsub__(self, other: Any) -> Any:
        return self._made(Fraction.__rsub__(self, other))

    def __mul__(self, other: Any) -> Any:
        return self._made(Fraction.__mul__(self, other))

    def __rmul__(self, other: Any) -> Any:
        return self._made(Fraction.__rmul__(self, other))

    def __truediv__(self, other: Any) -> Any:
        return self._made(Fraction.__truediv__(self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self._made(Fraction.__rtruediv__(self, other))

    def __neg__(self) -> Any:
        return self._made(Fraction.__neg__(self))

    def __pow__(self, exponent: Any) -> Any:  # type: ignore[override]
        return self._made(Fraction.__pow__(self, exponent))


class ExactSpace(opreg.Space):
    """One space for all exact numbers; integers are constants."""

    types = (Exact,)
    operators = {  # noqa: RUF012
        "add": "exact.add",
        "sub": "exact.subtract",
        "mul": "exact.multiply",
        "truediv": "exact.divide",
        "neg": "exact.negative",
        "pow": "exact.power",
    }

    def spec(self, value: Any) -> Any:
        return "exact"

    def zeros(self, spec: Any) -> Any:
        return Exact(0)

    def unit(self, spec: Any) -> Any:
        return Exact(1)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def basis(self, spec: Any) -> Iterable[Any]:
        return [Exact(1)]

    def assemble(self, rows: Any, shape_of: Any, row_of: Any, rows_first: bool) -> Any:
        return rows[0]


class Integers(opreg.Space):
    """Plain integers, known as constants."""

    types = (int,)

    def spec(self, value: Any) -> None:
        return None

    def integer_advice(self, value: Any) -> str:
        return "it is an integer; write Exact(n)"


@opreg.primitive("exact.add", aliases=("exact-add",))
def add(x, y, /):
    return x + y


@opreg.primitive("exact.subtract")
def subtract(x, y, /):
    return x - y


@opreg.primitive("exact.multiply")
def multiply(x, y, /):
    return x * y


@opreg.primitive("exact.divide")
def divide(x, y, /):
    return x / y


@opreg.primitive("exact.negative")
def negative(x, /):
    return -x


@opreg.primitive("exact.power")
def power(x, n, /):
    return x**n


opreg.elementwise(add, x=1, y=1)
opreg.elementwise(subtract, x=1, y=-1)
opreg.elementwise(multiply, x=lambda y: y, y=lambda x: x)
opreg.elementwise(divide, x=lambda y: 1 / y, y=lambda out, y: -out / y)
opreg.elementwise(negative, x=-1)
opreg.elementwise(power, x=lambda x, n: n * x ** (n - 1)).not_differentiable(n="exponents are integers")


class Plugin:
    """The plugin, to be registered by hand."""

    __name__ = "exact"

    @opreg.hookimpl
    def opreg_primitives(self) -> Iterable[opreg.Primitive]:
        return [add, subtract, multiply, divide, negative, power]

    @opreg.hookimpl
    def opreg_spaces(self) -> Iterable[opreg.Space]:
        return [ExactSpace(), Integers()]


def install() -> None:
    """Register the plugin in this process."""
    opreg.plugins.register(Plugin(), "exact")
