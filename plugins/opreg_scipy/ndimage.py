"""Interpolation between the elements of arrays, of SciPy.

A spline of order 0 or 1 takes the nearest elements, with weights that are linear in the coordinates; a mode says which
element stands beyond the edges. Source: the manual of SciPy, "Interpolation boundary handling" of ``scipy.ndimage``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import scipy

from opreg import NotDifferentiable, Primitive, Sample, composite, hookimpl, stop_gradient
from opreg_numpy._rules import NO_OUT, declared
from opreg_numpy._samples import complex_normal, normal
from opreg_numpy.shapes import as_array


@hookimpl
def opreg_primitives() -> Iterable[Primitive]:
    return declared(globals(), "scipy.ndimage.")


_MODES = {
    "nearest": lambda i, n: np.clip(i, 0, n - 1),
    "reflect": lambda i, n: np.minimum(i % (2 * n), 2 * n - 1 - i % (2 * n)),
    "mirror": lambda i, n: (n - 1) - np.abs(i % max(2 * n - 2, 1) - (n - 1)) if n > 1 else 0 * i,
    "grid-wrap": lambda i, n: i % n,
    "constant": lambda i, n: np.clip(i, 0, n - 1),
}
_MODES["grid-mirror"] = _MODES["reflect"]
"""Which element stands at a whole coordinate, also beyond the edges."""


@composite("scipy.ndimage.map_coordinates", static=("cval",), output=NO_OUT["out"])
def map_coordinates(input, coordinates, output=None, order=3, mode="constant", cval=0.0, prefilter=True):
    """The values of an array between its elements, by splines of order 0 or 1"""
    if order not in (0, 1) or mode not in _MODES:
        raise NotDifferentiable(
            f"scipy.ndimage.map_coordinates: order={order} with mode={mode!r} is not differentiated. Orders 0 and 1 "
            f"are, with the modes {', '.join(_MODES)}"
        )
    array, places = as_array(input), as_array(coordinates)
    if not np.size(array):
        empty = stop_gradient(array)
        return scipy.ndimage.map_coordinates(empty, stop_gradient(places), order=order, mode=mode, cval=cval)
    whole = np.floor(stop_gradient(places) + (0.5 if order == 0 else 0.0)).astype(int)
    total = 0.0
    for corner in itertools.product((0, 1)[: order + 1], repeat=np.ndim(array)):
        indices, weight = [], 1.0
        for place, below, n, step in zip(places, whole, np.shape(array), corner, strict=True):
            indices.append(_MODES[mode](below + step, n))
            if order == 1:
                weight = weight * (place - below if step else 1 + below - place)
        total = total + array[tuple(indices)] * weight
    if mode != "constant":
        return total
    sizes = np.reshape(np.shape(array), (-1,) + (1,) * (np.ndim(places) - 1))
    inside = np.all((stop_gradient(places) >= 0) & (stop_gradient(places) <= sizes - 1), axis=0)
    return np.where(inside, total, cval)


@map_coordinates.samples
def _(rng):
    for draw, order, mode in itertools.product((normal, complex_normal), (0, 1), _MODES):
        places = rng.integers(-2, 5, (2, 3)) + rng.uniform(0.1, 0.4, (2, 3))
        yield Sample((draw(rng, (3, 4)), places), {"order": order, "mode": mode})
        yield Sample(
            (draw(rng, (5,)), [rng.uniform(0.1, 0.4, (2, 2)) + 2]),
            {"order": order, "mode": mode, "cval": 0.7},
        )


map_coordinates.leave_unchecked("output", "it is refused")
map_coordinates.leave_unchecked("prefilter", "it changes the splines of higher orders alone")
