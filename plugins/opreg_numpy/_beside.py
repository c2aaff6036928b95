"""What SciPy's functions for the Array API need to know of traced values.

SciPy finds the kind of the arrays of a call by ``array_namespace`` of its copy of the library ``array_api_compat``,
which moved in SciPy 1.18: https://data-apis.org/array-api-compat/helper-functions.html. In the modules
``_support_alternative_backends`` it hands calls of functions that are not written for the standard to the library of
the arrays, if that has such functions, as JAX has: there opreg.scipy is the one of traced values.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from opreg import NotDifferentiable, UnknownPrimitive, is_traced, plugins

_COPIES = ("scipy._lib.array_api_compat", "scipy._external.array_api_compat")
_DELEGATING = ("scipy.signal._support_alternative_backends", "scipy.ndimage._support_alternative_backends")


def acquaint_scipy() -> None:
    """Have the modules of SciPy that are imported know traced values. Of other values they find what they found."""
    for module in _COPIES:
        _replace(module, "array_namespace", _taking_plain_arrays)
    for module in _DELEGATING:
        _replace(module, "is_jax", _also_of_traced_values)
        _replace(module, "scipy_namespace_for", _with_registered_functions)


def _replace(module: str, name: str, changed: Callable[[Any], Any]) -> None:
    """Put in the place of a function of a module, if that is imported and has it, what is made of the function."""
    holder: Any = sys.modules.get(module)
    original = getattr(holder, name, None)
    if original is not None and not getattr(original, "knows_traced_values", False):
        replacement: Any = functools.wraps(original)(changed(original))
        replacement.knows_traced_values = True
        setattr(holder, name, replacement)


def _taking_plain_arrays(original: Callable[..., Any]) -> Callable[..., Any]:
    """Take plain arrays beside traced ones for constants of their kind.

    Else SciPy refuses calls of its own: the masks that it makes of traced values are plain, since a comparison has no
    derivative.
    """

    def array_namespace(*arrays: Any, **options: Any) -> Any:
        if any(map(is_traced, arrays)):
            arrays = tuple([a for a in arrays if not isinstance(a, (np.ndarray, np.generic))])
        return original(*arrays, **options)

    return array_namespace


def _is_of_traced_values(xp: Any) -> bool:
    from opreg.numpy import Standard

    return isinstance(xp, Standard)


def _also_of_traced_values(original: Callable[..., Any]) -> Callable[..., Any]:
    """Tell also of the namespace of traced values that its library may have functions of SciPy's."""
    return lambda xp: _is_of_traced_values(xp) or original(xp)


def _with_registered_functions(original: Callable[..., Any]) -> Callable[..., Any]:
    """Give the registered functions for the namespace of traced values."""
    return lambda xp: _Registered("scipy") if _is_of_traced_values(xp) else original(xp)


class _Registered:
    """The registered functions below a name, such as ``scipy.signal``; the others refuse traced values."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return _Registered(f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            primitive = plugins.get(self._path)
        except UnknownPrimitive as error:
            raise NotDifferentiable(
                f"{error}. Register it (see opreg.primitive), or pass opreg.stop_gradient(x) if the derivative is not "
                "wanted"
            ) from None
        return primitive(*args, **kwargs)
