"""Trigonometric functions, their inverses, and angles."""

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import trigonometric

test_rules = conformance(*names_of(trigonometric), samples=1)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.sin, np.cos),
        (np.cos, lambda x: -np.sin(x)),
        (np.tan, lambda x: 1 / np.cos(x) ** 2),
        (np.arcsin, lambda x: 1 / np.sqrt(1 - x**2)),
        (np.arccos, lambda x: -1 / np.sqrt(1 - x**2)),
        (np.arctan, lambda x: 1 / (1 + x**2)),
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("x", [0.25, -0.75, 0.5 - 0.25j])
def test_the_derivatives_of_a_textbook(f, slope, x) -> None:
    np.testing.assert_allclose(opreg.vjp(f, x)[1](1.0 + 0 * x)[0], slope(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "scale"),
    [
        (np.deg2rad, np.pi / 180),
        (np.radians, np.pi / 180),
        (np.rad2deg, 180 / np.pi),
        (np.degrees, 180 / np.pi),
    ],
    ids=["deg2rad", "radians", "rad2deg", "degrees"],
)
def test_angles_are_scaled(f, scale) -> None:
    got = opreg.grad(lambda x: np.sum(f(x)))(np.ones(2, np.float32))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.full(2, scale), rtol=1e-6)


def test_close_to_one_the_inverse_functions_keep_their_digits() -> None:
    x = 1 - 2.0**-40
    expected = 1 / np.sqrt(2.0**-40 * (1 + x))
    assert opreg.grad(np.arcsin)(x) == pytest.approx(expected, rel=1e-15)
    assert opreg.grad(np.arccos)(x) == pytest.approx(-expected, rel=1e-15)


@pytest.mark.filterwarnings("error")
def test_far_out_nothing_overflows() -> None:
    assert opreg.grad(np.arctan)(1e200) == 0.0
    assert opreg.grad(np.arctan2, (0, 1))(3e200, 4e200) == pytest.approx((1.6e-201, -1.2e-201), rel=1e-14)
    assert opreg.vjp(np.tan, 1.0 + 200j)[1](1 + 0j)[0] == pytest.approx(
        (1 / np.cos(1 + 200j)) ** 2, rel=1e-14
    )


@pytest.mark.parametrize("imaginary", [1e-9, -1e-9])
@pytest.mark.parametrize("f", [np.arcsin, np.arccos], ids=lambda f: f.__name__)
def test_beside_a_branch_cut_the_derivative_is_of_the_sheet_of_the_value(f, imaginary) -> None:
    z, h = 2.0 + 1j * imaginary, 1e-6
    expected = (f(z + h) - f(z - h)) / (2 * h)
    assert opreg.vjp(f, z)[1](1 + 0j)[0] == pytest.approx(expected, rel=1e-7)


def test_arctan2_on_the_axes_and_at_the_origin() -> None:
    y, x = np.array([0.0, 2.0, 0.0, -0.0]), np.array([4.0, 0.0, 0.0, -5.0])
    by_y, by_x = opreg.grad(lambda y, x: np.sum(np.arctan2(y, x)), (0, 1))(y, x)
    np.testing.assert_array_equal(by_y, [0.25, 0.0, 0.0, -0.2])
    np.testing.assert_array_equal(by_x, [0.0, -0.5, 0.0, 0.0])


def test_the_angle_is_harmonic() -> None:
    hessian = opreg.hessian(lambda p: np.arctan2(p[0], p[1]))(np.array([0.75, -1.5]))
    assert abs(np.sum(np.diag(hessian))) < 1e-15


def test_second_derivatives_of_inverse_functions_near_zero_and_near_the_ends() -> None:
    for x in (1e-9, -0.3, 1 - 2.0**-40):
        square = (1 - x) * (1 + x)
        for f, slope in ((np.arcsin, x / square**1.5), (np.arccos, -x / square**1.5)):
            assert opreg.grad(opreg.grad(f))(x) == pytest.approx(slope, rel=1e-14, abs=0.0)
        assert opreg.grad(opreg.grad(np.arctanh))(x) == pytest.approx(2 * x / square**2, rel=1e-14, abs=0.0)
