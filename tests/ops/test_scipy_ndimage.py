"""Interpolation between the elements of arrays, of SciPy."""

import numpy as np
import pytest
from families import names_of

import opreg
from opreg import scipy
from opreg.testing import conformance
from opreg_scipy import ndimage

test_rules = pytest.mark.slow(conformance(*names_of(ndimage), samples=1))

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("mode", ndimage._MODES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", [(5,), (1,), (3, 4), (2, 3, 2)])
def test_the_values_are_scipys_also_far_beyond_the_edges(mode, order, shape) -> None:
    array, places = RNG.random(shape), RNG.integers(-7, 9, (len(shape), 40))
    for moved in places, places + RNG.uniform(-0.49, 0.49, places.shape):
        np.testing.assert_allclose(
            ndimage.map_coordinates.body(array, moved, order=order, mode=mode, cval=0.7),
            scipy.ndimage.map_coordinates(array, moved, order=order, mode=mode, cval=0.7),
            rtol=1e-12,
            atol=1e-14,
        )


def test_by_the_place_the_derivative_is_the_slope_between_the_elements() -> None:
    values = np.array([1.0, 4.0, 2.0])
    found = opreg.grad(lambda p: scipy.ndimage.map_coordinates(values, p, order=1).sum())(
        np.array([[0.3, 1.5, 7.0]])
    )
    np.testing.assert_allclose(found, [[3.0, -2.0, 0.0]])


@pytest.mark.parametrize("options", [{}, {"order": 1, "mode": "wrap"}, {"order": 1, "output": np.zeros(1)}])
def test_other_orders_and_modes_are_refused(options) -> None:
    with pytest.raises(opreg.NotDifferentiable, match="map_coordinates"):
        opreg.grad(lambda x: scipy.ndimage.map_coordinates(x, [[0.5]], **options)[0])(np.ones(3))
