"""Conversions to an array of some kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import gradient, names_of

import opreg
import opreg.numpy
from opreg.testing import conformance
from opreg_numpy import conversions

test_rules = conformance(*names_of(conversions), samples=1)

X = np.array([[3.0, 1.0], [2.0, 5.0]])


def test_what_is_required_of_memory_leaves_the_derivative() -> None:
    found = gradient(lambda x: opreg.numpy.require(x, np.float32, ["C", "OWNDATA"]), X)
    assert found.dtype == np.float64
    assert found.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert opreg.grad(lambda x: np.sum(opreg.numpy.require([x, 2 * x], requirements="W")))(1.5) == 3.0


@pytest.mark.parametrize(("requirements", "error"), [(["C", "F"], ValueError), (["Z"], KeyError)])
def test_requirements_that_there_are_not_are_refused_as_numpy_does(requirements: Any, error: Any) -> None:
    for call in (np.require, lambda x, *rest: opreg.grad(lambda x: opreg.numpy.require(x, *rest).sum())(x)):
        with pytest.raises(error):
            call(X, None, requirements)


def test_an_array_of_another_library_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="like="):
        opreg.grad(lambda x: opreg.numpy.require(x, like=X).sum())(X)


def test_what_is_not_finite_is_refused_as_numpy_does() -> None:
    assert gradient(opreg.numpy.asarray_chkfinite, X).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    for bad in np.nan, np.inf:
        with pytest.raises(ValueError, match="infs or NaNs"):
            opreg.grad(lambda x: np.sum(opreg.numpy.asarray_chkfinite(x * bad)))(X)  # noqa: B023


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.longdouble, np.complex64])
def test_sorted_as_complex_numbers_the_last_axis_counts(dtype: Any) -> None:
    out, pull = opreg.vjp(np.sort_complex, X.astype(dtype))
    expected = np.sort_complex(X.astype(dtype))
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out, expected)
    found = pull(np.array([[1 + 5j, 2.0], [3.0, 4.0]], out.dtype))[0]
    assert found.dtype == dtype
    assert found.tolist() == [[2.0, 1 + 5j if found.dtype.kind == "c" else 1.0], [3.0, 4.0]]


def test_equal_elements_share_when_sorted_as_complex_numbers() -> None:
    z = np.array([1 + 1j, 0.5, 1 + 1j])
    _, pull = opreg.vjp(np.sort_complex, z)
    assert pull(np.array([1.0, 2.0, 4j]))[0].tolist() == [1 + 2j, 1.0, 1 + 2j]
