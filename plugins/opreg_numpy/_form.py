"""The form of a primal, its shape and dtype: what most rules need of it, to which they fit a cotangent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from opreg import is_traced
from opreg_numpy._space import ARRAYS


class Form(NamedTuple):
    """The shape and dtype of a primal: enough to fit a cotangent to it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def fit(self, cotangent: Any) -> Any:
        """Return the cotangent summed over broadcast axes, real where the primal is, and of its dtype."""
        if cotangent.shape == self.shape and cotangent.dtype == self.dtype:
            return cotangent
        return ARRAYS.restrict(cotangent, self)


def form_of(x: Any) -> Form:
    """Return the shape and dtype of an array, a Python number or a traced value."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return tuple.__new__(
        Form, (x.shape, x.dtype)
    )  # a named tuple's own constructor takes three times as long


def in_dtype(x: Any, dtype: Any) -> Any:
    """Return ``x``, traced or not, as an array of a dtype; as it is if it has that, or if the dtype is ``None``."""
    if dtype is None or form_of(x).dtype == dtype:
        return x
    return np.astype(x if is_traced(x) else np.asarray(x), dtype)


def like(cotangent: Any, primal: Any) -> Any:
    """Return a cotangent fitted to its primal: the adjoint of the implicit promotion of NumPy's functions."""
    return form_of(primal).fit(cotangent)
