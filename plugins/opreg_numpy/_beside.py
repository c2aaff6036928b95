"""Plain arrays beside traced ones in SciPy's functions for the Array API, which take arrays of one kind only.

SciPy finds the kind of the arrays of a call by ``array_namespace`` of the module ``scipy._lib.array_api_compat``, a copy
of the library of that name: https://data-apis.org/array-api-compat/helper-functions.html
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from opreg import is_traced


def admit_plain_arrays() -> None:
    """Have SciPy take plain arrays beside traced ones for constants of the traced ones' kind.

    Without it SciPy refuses calls of its own: the masks that it makes of traced values are plain, since a comparison
    has no derivative. What is found for calls without a traced value is what SciPy finds itself.
    """
    compat: Any = sys.modules.get("scipy._lib.array_api_compat")
    original = getattr(compat, "array_namespace", None)
    if original is None or getattr(original, "admits_plain_arrays", False):
        return

    @functools.wraps(original)
    def array_namespace(*arrays: Any, **options: Any) -> Any:
        if any(map(is_traced, arrays)):
            arrays = tuple([a for a in arrays if not isinstance(a, (np.ndarray, np.generic))])
        return original(*arrays, **options)

    array_namespace.admits_plain_arrays = True  # type: ignore[attr-defined]
    compat.array_namespace = array_namespace
