"""NumPy, differentiable also where its protocols do not reach: ``import opreg.numpy as np``.

>>> import opreg
>>> import opreg.numpy as np
>>> opreg.grad(lambda x: np.sum(np.array([x, x * x, 1.0])))(3.0)
7.0

A function that is registered as a primitive differentiates; every other name is NumPy's own. It is an Array API
namespace: ``x.__array_namespace__()`` of a traced value returns it.
"""

from __future__ import annotations

from typing import Any

from opreg._namespace import look_up, names_of, offer

offer("numpy", ("fft", "linalg", "polynomial", "random"))


def __getattr__(name: str) -> Any:
    if name in ("__path__", "__wrapped__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return look_up("numpy", name, globals())


def __dir__() -> list[str]:
    return names_of("numpy")
