"""NumPy, differentiable also where its protocols do not reach: ``import opreg.numpy as np``.

>>> import opreg
>>> import opreg.numpy as np
>>> opreg.grad(lambda x: np.sum(np.array([x, x * x, 1.0])))(3.0)
7.0

A function that is registered as a primitive differentiates; every other name is NumPy's own. A traced value's Array API
namespace, ``x.__array_namespace__()``, has the same functions; what they create, such as ``xp.asarray(1.0)``, is traced
there, since a library written for the standard takes all arrays of a call to be of one kind.
"""

from __future__ import annotations

from typing import Any

from opreg import plugins
from opreg._errors import UnknownPrimitive
from opreg._namespace import Bound, Namespace, look_up, names_of, offer

offer("numpy", ("fft", "linalg", "polynomial", "random"))


def __getattr__(name: str) -> Any:
    if name in ("__path__", "__wrapped__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return look_up("numpy", name, globals())


class Standard(Bound):
    """The Array API namespace of a traced value: this module, with SciPy's special functions beside NumPy's."""

    def __getattr__(self, name: str) -> Any:
        return _Special(self._trace) if name == "special" else super().__getattr__(name)


class _Special(Bound):
    """Where SciPy looks for the special functions that a kind of array has of its own."""

    def __init__(self, trace: Any) -> None:
        super().__init__("opreg.scipy.special", "scipy.special", trace)

    def __getattr__(self, name: str) -> Any:
        try:
            plugins.get(f"scipy.special.{name}")
        except UnknownPrimitive as error:
            raise AttributeError(f"scipy.special.{name} is not registered") from error
        return super().__getattr__(name)


def namespace_of(traced: Any) -> Namespace:
    """Return the Array API namespace of a traced value, in which every floating-point array is traced."""
    return Standard(__name__, "numpy", traced.tracing)


def __dir__() -> list[str]:
    return names_of("numpy")
