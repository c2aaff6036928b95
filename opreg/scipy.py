"""SciPy, differentiable also where NumPy's protocols do not reach: ``import opreg.scipy as scipy``.

A function that is registered as a primitive differentiates, also a method such as ``scipy.stats.norm.logpdf``; every
other name is SciPy's own. SciPy is imported when the first of its names is used.
"""

from __future__ import annotations

from typing import Any

from opreg._namespace import look_up, names_of, offer

offer(
    "scipy",
    (
        "cluster",
        "constants",
        "fft",
        "integrate",
        "interpolate",
        "io",
        "linalg",
        "ndimage",
        "optimize",
        "signal",
        "sparse",
        "spatial",
        "special",
        "stats",
    ),
)


def __getattr__(name: str) -> Any:
    if name in ("__path__", "__wrapped__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return look_up("scipy", name, globals())


def __dir__() -> list[str]:
    return names_of("scipy")
