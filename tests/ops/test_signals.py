"""Convolution, differences and integrals over a grid, interpolation, phases."""

from __future__ import annotations

import numpy as np
import pytest
from families import gradient, names_of
from traced_values import check_values

import opreg
from opreg.testing import conformance
from opreg_numpy import signals

test_rules = pytest.mark.slow(conformance(*names_of(signals), samples=1))

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("name", ["correlate", "gradient", "trapezoid", "interp", "unwrap"])
def test_a_traced_result_is_that_of_numpy(name) -> None:
    assert check_values(f"numpy.{name}") > 10


# --------------------------------------------------------------------------------------------- convolution
@pytest.mark.parametrize("mode", ["full", "same", "valid", 0, 1, 2])
@pytest.mark.parametrize(("m", "n"), [(5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 3)])
def test_the_jacobian_of_a_convolution_is_a_band(mode, m, n) -> None:
    a, v = RNG.standard_normal(m), RNG.standard_normal(n)
    jacobian = opreg.jacobian(lambda a: np.convolve(a, v, mode))(a)
    columns = [np.convolve(unit, v, mode) for unit in np.eye(m)]
    np.testing.assert_allclose(jacobian, np.transpose(columns), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("m", "n"), [(5, 3), (3, 6), (4, 4), (6, 2)])
def test_a_correlation_conjugates_its_second_argument(mode, m, n) -> None:
    a, v = (RNG.standard_normal(k) + 1j * RNG.standard_normal(k) for k in (m, n))
    out, pull = opreg.vjp(lambda a, v: np.correlate(a, v, mode), a, v)
    np.testing.assert_allclose(out, np.correlate(a, v, mode), rtol=1e-14)
    g = RNG.standard_normal(len(out)) + 1j * RNG.standard_normal(len(out))
    by_a, by_v = pull(g)
    np.testing.assert_allclose(by_a, [g @ np.correlate(unit, v, mode) for unit in np.eye(m)], rtol=1e-13)
    antilinear = [np.conj(g @ np.correlate(a, unit, mode)) for unit in np.eye(n)]
    np.testing.assert_allclose(by_v, antilinear, rtol=1e-13)


def test_a_sequence_convolved_with_itself() -> None:
    found = opreg.grad(lambda x: np.sum(np.convolve(x, x)))(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found, 12.0)


# ------------------------------------------------------------------------------- differences and integrals
def test_the_slope_of_a_parabola_is_exact_on_any_grid() -> None:
    x = np.array([0.0, 0.5, 2.0, 3.0, 3.25])
    out, _ = opreg.vjp(lambda f: np.gradient(f, x, edge_order=2), x**2)
    np.testing.assert_allclose(out, 2 * x, atol=1e-14)


def test_by_its_coordinates_a_slope_has_a_derivative_on_an_even_grid_too() -> None:
    """NumPy takes a short way where all steps are equal; moving one point makes them unequal."""
    x, f = np.arange(4.0), np.array([1.0, 3.0, 2.0, 5.0])
    jacobian, step = opreg.jacobian(lambda x: np.gradient(f, x))(x), 1e-6
    for i, unit in enumerate(np.eye(4)):
        numeric = (np.gradient(f, x + step * unit) - np.gradient(f, x - step * unit)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, i], numeric, atol=1e-8)


def test_by_one_spacing_of_all_axes() -> None:
    f = RNG.standard_normal((3, 4))
    found = opreg.grad(lambda h: sum(np.sum(part) for part in np.gradient(f, h)))(0.5)
    assert found == pytest.approx(-sum(np.sum(part) for part in np.gradient(f, 0.5)) / 0.5, rel=1e-13)


def test_several_axes_give_a_tuple_and_one_an_array() -> None:
    f = RNG.standard_normal((3, 4))
    assert isinstance(opreg.vjp(np.gradient, f)[0], tuple)
    assert isinstance(opreg.vjp(lambda f: np.gradient(f, axis=-1), f)[0], np.ndarray)


def test_each_point_has_the_width_around_it_in_an_integral() -> None:
    x, y = np.array([0.0, 1.0, 3.0]), np.array([2.0, 4.0, 8.0])
    by_y, by_x = opreg.grad(np.trapezoid, (0, 1))(y, x)
    np.testing.assert_array_equal(by_y, [0.5, 1.5, 1.0])
    np.testing.assert_array_equal(by_x, [-3.0, -3.0, 6.0])
    assert opreg.grad(lambda h: np.trapezoid(y, dx=h))(0.25) == 9.0


# ------------------------------------------------------------------------------------------- interpolation
XP, FP = np.array([0.0, 1.0, 3.0]), np.array([2.0, 4.0, 0.0])


def test_the_slopes_of_a_polygon() -> None:
    x = np.array([-1.0, 0.25, 2.0, 5.0])
    by_x, by_xp, by_fp = opreg.grad(lambda *args: np.sum(np.interp(*args)), (0, 1, 2))(x, XP, FP)
    np.testing.assert_array_equal(by_x, [0.0, 2.0, -2.0, 0.0])
    np.testing.assert_array_equal(by_fp, [1 + 0.75, 0.25 + 0.5, 0.5 + 1])
    np.testing.assert_array_equal(by_xp, [-2 * 0.75, -2 * 0.25 + 2 * 0.5, 2 * 0.5])


def test_at_a_corner_it_is_the_slope_behind_and_at_the_last_point_that_before() -> None:
    np.testing.assert_array_equal(gradient(lambda x: np.interp(x, XP, FP), XP), [2.0, -4.0, -6.0])


def test_what_lies_outside_depends_on_left_and_right_alone() -> None:
    left, right = opreg.grad(
        lambda ends: opreg.numpy.interp([-1.0, -2.0, 0.5, 9.0], XP, FP, ends[0], ends[1]).sum()
    )(np.array([5.0, 6.0]))
    assert (left, right) == (2.0, 1.0)
    assert opreg.grad(lambda fp: np.interp(-1.0, XP, fp, left=7.0))(FP).tolist() == [0.0, 0.0, 0.0]


def test_complex_values_left_and_right() -> None:
    z = FP * (1 + 2j)
    out, pull = opreg.vjp(lambda z: np.interp([-1.0, 0.5, 9.0], XP, z, left=1j, right=-1j), z)
    np.testing.assert_array_equal(out, np.interp([-1.0, 0.5, 9.0], XP, z, left=1j, right=-1j))
    np.testing.assert_array_equal(pull(np.array([3j, 1 + 1j, 5j]))[0], [0.5 + 0.5j, 0.5 + 0.5j, 0])


def test_points_at_infinity_and_a_nan() -> None:
    xp, fp = np.array([-np.inf, 0.0, 1.0]), np.array([3.0, 5.0, 6.0])
    out, pull = opreg.vjp(lambda fp: np.interp([-7.0, 0.5], xp, fp), fp)
    np.testing.assert_array_equal(out, np.interp([-7.0, 0.5], xp, fp))
    np.testing.assert_array_equal(pull(np.ones(2))[0], [0.0, 1.5, 0.5])
    assert np.isnan(opreg.vjp(lambda x: np.interp(x, XP, FP), np.nan)[0])


INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("xp", "fp"),
    [
        ([0.0, 1.0, 2.0], [0.0, NAN, 2.0]),
        ([0.0, 1.0, 2.0], [0.0, 1.0, INF]),
        ([0.0, 1.0, 2.0], [NAN, 1.0, -INF]),
        ([0.0, 1.0, 2.0], [INF, INF, 1.0]),
        ([0.0, 1.0, 1.0], [0.0, 1.0, 5.0]),
        ([0.0, 0.0, 1.0], [0.0, 1.0, 5.0]),
        ([0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 7.0]),
        ([-INF, 0.0, 1.0], [4.0, 0.0, 1.0]),
        ([0.0, 1.0, INF], [4.0, 0.0, 1.0]),
        ([1.0], [4.0]),
    ],
)
def test_at_a_knot_it_is_the_value_there_whatever_is_beside_it(xp, fp) -> None:
    at = np.array([-INF, -1.0, 0.0, 0.25, 1.0, 1.5, 2.0, 3.0, INF, NAN])
    np.testing.assert_array_equal(opreg.vjp(lambda x: np.interp(x, xp, fp), at)[0], np.interp(at, xp, fp))
    for knot in set(xp):
        _, pull = opreg.vjp(np.interp, knot, np.array(xp), np.array(fp))
        by_x, by_xp, by_fp = pull(1.0)
        assert np.isfinite(by_x)
        assert np.all(np.isfinite(by_xp))
        assert by_fp.tolist() == [float(i == len(xp) - 1 - xp[::-1].index(knot)) for i in range(len(xp))]


def test_the_slope_at_a_knot_is_that_of_a_side_on_which_there_is_one() -> None:
    slope = opreg.grad(np.interp)
    assert slope(1.0, [0.0, 1.0, 2.0], [0.0, 3.0, INF]) == 3.0
    assert slope(1.0, [0.0, 1.0, 2.0], [NAN, 3.0, 5.0]) == 2.0
    assert slope(1.0, [0.0, 1.0, 1.0, 2.0], [0.0, 3.0, 5.0, 9.0]) == 4.0
    assert slope(1.0, [0.0, 1.0, 2.0], [0.0, NAN, 2.0]) == 0.0
    assert slope(0.0, [0.0, 1.0, 2.0], [0.0, NAN, 2.0]) == 0.0


def test_a_period_moves_the_points_behind_the_last_one() -> None:
    """Between 350 and 10 + 360 degrees the slope is (fp_0 - fp_1) / 20, and the second point moves with the period."""
    f = lambda period: np.interp(355.0, [10.0, 350.0], [1.0, 3.0], period=period)  # noqa: E731
    step = 1e-4
    numeric = (f(360 + step) - f(360 - step)) / (2 * step)
    found = opreg.grad(lambda period: opreg.numpy.interp(355.0, [10.0, 350.0], [1.0, 3.0], period=period))(
        360.0
    )
    assert found == pytest.approx(numeric, rel=1e-6)


# --------------------------------------------------------------------------------------------------- phases
def test_unwrapped_phases_move_with_the_phases_and_with_the_period() -> None:
    p = np.array([0.0, 3.0, 6.0, 1.0, 2.0])
    assert opreg.vjp(np.unwrap, p)[0].tolist() == np.unwrap(p).tolist()
    np.testing.assert_array_equal(gradient(np.unwrap, p), [1.0, 2.0, 3.0, 4.0, 5.0])
    found = opreg.grad(lambda period: np.sum(opreg.numpy.unwrap(p, period=period)))(2 * np.pi)
    assert found == 2.0


def test_a_step_of_half_a_period_stays_as_numpy_has_it() -> None:
    p = np.array([0.0, 2.0, 0.0, 4.0])
    for period in (4.0, 2.0):
        out, _ = opreg.vjp(lambda p, period=period: np.unwrap(p, period=period), p)
        np.testing.assert_array_equal(out, np.unwrap(p, period=period))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda x: np.convolve(x, x, "some")),
        (ValueError, lambda x: np.convolve(x, np.ones((2, 2)))),
        (ValueError, lambda x: np.convolve(x, [])),
        (ValueError, lambda x: np.correlate(x, np.ones((2, 2)))),
        (ValueError, lambda x: np.correlate(x, [])),
        (ValueError, lambda x: np.correlate(x, 2.0)),
        (ValueError, lambda x: np.gradient(x[:1])),
        (ValueError, lambda x: np.gradient(x[:2], edge_order=2)),
        (ValueError, lambda x: np.gradient(x, edge_order=3)),
        (ValueError, lambda x: np.gradient(x, np.ones((3, 1)))),
        (ValueError, lambda x: np.gradient(x, np.arange(4.0))),
        (TypeError, lambda x: np.gradient(x, 1.0, 2.0)),
        (TypeError, lambda x: np.gradient(np.outer(x, x), np.arange(3.0))),
        (ValueError, lambda x: np.trapezoid(x, np.arange(4.0))),
        (np.exceptions.AxisError, lambda x: np.gradient(x, axis=1)),
        (IndexError, lambda x: np.trapezoid(x, axis=1)),
        (ValueError, lambda x: np.interp(x, np.ones((2, 2)), np.ones(2))),
        (ValueError, lambda x: np.interp(x, [0.0, 1.0], x)),
        (ValueError, lambda x: np.interp(x, [], [])),
        (TypeError, lambda x: np.interp(1j * x, [0.0, 1.0], [0.0, 1.0])),
        (ValueError, lambda x: np.interp(x, [0.0, 1.0], [0.0, 1.0], period=0)),
    ],
)
def test_what_numpy_refuses_is_refused_with_the_same_error(error, call) -> None:
    x = np.array([0.5, 1.5, 3.0])
    with pytest.raises(error):
        call(x)
    with pytest.raises(error):
        opreg.vjp(call, x)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_interp_of_complex_points_takes_their_real_parts_if_there_is_a_period() -> None:
    xp, fp = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])
    out, pull = opreg.vjp(lambda x, xp: np.interp(x, xp, fp, period=3.0), np.array([0.5 + 1j]), xp + 2j)
    assert out.tolist() == [2.0]
    assert [c.tolist() for c in pull(np.ones(1))] == [[2.0], [-1.0, -1.0, 0.0]]
