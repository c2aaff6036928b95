"""Polynomials: arithmetic, values, fits and roots."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from families import names_of
from traced_values import check_values

import opreg
import opreg.numpy as onp
from opreg.testing import conformance
from opreg_numpy import polynomials

test_rules = pytest.mark.slow(conformance(*names_of(polynomials), samples=1))

RNG = np.random.default_rng(3)
COMPOSITES = (
    "polyadd",
    "polysub",
    "polymul",
    "polydiv",
    "polyder",
    "polyint",
    "polyval",
    "polyfit",
    "poly",
    "trim_zeros",
)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_traced_result_is_that_of_numpy(name) -> None:
    assert check_values(f"numpy.{name}") > 10


# ---------------------------------------------------------------------------------------------- arithmetic
def test_a_sum_is_aligned_at_the_constant_terms() -> None:
    by_a, by_b = opreg.grad(lambda a, b: np.polysub(a, b) @ np.array([1.0, 2.0, 3.0]), (0, 1))(
        np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])
    )
    assert by_a.tolist() == [1.0, 2.0, 3.0]
    assert by_b.tolist() == [-2.0, -3.0]


def test_a_product_drops_leading_zeros() -> None:
    out, pull = opreg.vjp(lambda a: np.polymul(a, [0.0, 1.0, 2.0]), np.array([0.0, 0.0, 3.0]))
    assert out.tolist() == [3.0, 6.0]
    assert pull(np.array([1.0, 1.0]))[0].tolist() == [0.0, 0.0, 3.0]
    out, pull = opreg.vjp(lambda a: np.polymul(a, [1.0, 2.0]), np.zeros(2))
    assert out.tolist() == [0.0, 0.0]
    assert pull(np.array([1.0, 1.0]))[0].tolist() == [0.0, 3.0]


def test_quotient_and_remainder() -> None:
    """u = v q + r, so dq and dr of a change of u by v times something are that and 0."""
    u, v, c = np.array([2.0, 1.0, -3.0, 4.0]), np.array([1.0, -2.0, 0.5]), np.array([0.25, -1.0])
    (q, r), (dq, dr) = opreg.jvp(lambda u: np.polydiv(u, v), (u,), (np.polymul(v, c),))
    np.testing.assert_allclose(np.polyadd(np.polymul(v, q), r), u)
    np.testing.assert_allclose(dq, c)
    np.testing.assert_allclose(dr, 0, atol=1e-15)
    short = opreg.vjp(lambda u: np.polydiv(u, v), np.array([1.0, 2.0]))[0]
    assert [part.tolist() for part in short] == [[0.0], [1.0, 2.0]]
    exact = opreg.vjp(lambda u: np.polydiv(u, v), np.polymul(v, c))[0]
    assert [part.shape for part in exact] == [(2,), (1,)]


def test_derivative_and_integral_are_inverse() -> None:
    p = RNG.standard_normal(4)
    back = lambda p: np.polyder(np.polyint(p, 3, k=[1.0, 2.0, 3.0]), 3)  # noqa: E731
    np.testing.assert_allclose(opreg.jacobian(back)(p), np.eye(4), atol=1e-14)


def test_constants_of_integration() -> None:
    found = opreg.grad(lambda k: np.polyval(np.polyint([6.0], 2, k=k), 2.0))
    with pytest.raises(TypeError):  # NumPy asks the polynomial alone whether it is traced
        found(np.array([1.0, 2.0]))
    found = opreg.grad(lambda k: np.polyval(onp.polyint([6.0], 2, k=k), 2.0))(np.array([1.0, 2.0]))
    assert found.tolist() == [2.0, 1.0]
    assert opreg.grad(lambda k: np.polyval(onp.polyint([6.0], 2, k=k), 2.0))(5.0) == 3.0


def test_the_value_of_a_polynomial_and_its_coefficients() -> None:
    p, x = np.array([2.0, -1.0, 3.0]), 0.5
    by_p, by_x = opreg.grad(np.polyval, (0, 1))(p, x)
    assert by_p.tolist() == [0.25, 0.5, 1.0]
    assert by_x == 1.0
    assert opreg.grad(opreg.grad(lambda x: np.polyval(p, x)))(x) == 4.0


# -------------------------------------------------------------------------------------------------- fitting
def test_a_fit_is_linear_in_the_values() -> None:
    x = np.linspace(-1, 2, 6)
    jacobian = opreg.jacobian(lambda y: np.polyfit(x, y, 2))(RNG.standard_normal(6))
    np.testing.assert_allclose(jacobian, np.linalg.pinv(np.vander(x, 3)), atol=1e-13)


def test_a_fit_through_all_points_against_mpmath() -> None:
    """c = V(x)^-1 y, and dc = -V^-1 dV c."""
    x, y = np.array([0.1, 0.7, 1.3]), np.array([1.0, -2.0, 0.5])
    found = opreg.jacobian(lambda x: np.polyfit(x, y, 2))(x)
    with mpmath.workdps(40):
        v = mpmath.matrix(3, 3)
        for i in range(3):
            v[i, 0], v[i, 1], v[i, 2] = mpmath.mpf(x[i]) ** 2, mpmath.mpf(x[i]), 1
        inverse = v**-1
        c = inverse * mpmath.matrix(y.tolist())
        slope = [2 * c[0] * mpmath.mpf(x[i]) + c[1] for i in range(3)]
        expected = [[float(-inverse[k, i] * slope[i]) for i in range(3)] for k in range(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_weights_that_agree_do_not_matter() -> None:
    x, y = np.linspace(-1, 2, 6), RNG.standard_normal(6)
    found = opreg.jvp(lambda w: np.polyfit(x, y, 2, w=w), (np.full(6, 0.5),), (np.ones(6),))[1]
    np.testing.assert_allclose(found, 0, atol=1e-14)


def test_the_sum_of_squares_falls_with_each_value_as_its_deviation_says() -> None:
    x, y = np.linspace(-1, 2, 6), RNG.standard_normal(6)
    deviation = y - np.polyval(np.polyfit(x, y, 2), x)
    found = opreg.grad(lambda y: np.polyfit(x, y, 2, full=True)[1][0])(y)
    np.testing.assert_allclose(found, 2 * deviation, atol=1e-13)


def test_the_covariance_scales_with_the_squares_of_the_values() -> None:
    x, y = np.linspace(-1, 2, 6), RNG.standard_normal(6)
    out, change = opreg.jvp(lambda y: np.polyfit(x, y, 2, cov=True)[1], (y,), (y,))
    np.testing.assert_allclose(change, 2 * out, rtol=1e-12)
    out, change = opreg.jvp(lambda y: np.polyfit(x, y, 2, cov="unscaled")[1], (y,), (y,))
    np.testing.assert_array_equal(change, 0)


def test_a_fit_that_is_not_determined_warns_as_numpy_does() -> None:
    x, y = np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    with pytest.warns(np.exceptions.RankWarning):
        out = opreg.vjp(lambda y: np.polyfit(x, y, 2), y)[0]
    with pytest.warns(np.exceptions.RankWarning):
        np.testing.assert_allclose(out, np.polyfit(x, y, 2), atol=1e-14)
    assert opreg.vjp(lambda y: np.polyfit(x, y, 2, full=True), y)[0][1].shape == (0,)


# --------------------------------------------------------------------------------------------------- roots
def test_the_roots_of_a_quadratic() -> None:
    """r = (-b +- sqrt(b^2 - 4ac)) / 2a"""
    p = np.array([1.0, -3.0, 2.0])
    jacobian = opreg.jacobian(np.roots)(p)
    for row, r in zip(jacobian, np.roots(p), strict=True):
        np.testing.assert_allclose(row, -np.array([r * r, r, 1]) / (2 * r - 3), rtol=1e-14)


def test_roots_and_coefficients_are_inverse() -> None:
    r = np.array([3.0, -2.0, 0.5])
    jacobian = opreg.jacobian(lambda r: np.sort(np.roots(np.poly(r)))[::-1])(r)
    np.testing.assert_allclose(jacobian[np.ix_([0, 2, 1], [0, 1, 2])], np.eye(3), atol=1e-12)


def test_a_small_root_beside_a_large_one_against_mpmath() -> None:
    p = np.array([1.0, -1e8, 1.0])
    jacobian, roots = opreg.jacobian(np.roots)(p), np.roots(p)
    with mpmath.workdps(40):
        width = mpmath.sqrt(10**16 - 4)
        exact = [(10**8 + width) / 2, (10**8 - width) / 2]
        for row, root in zip(jacobian, roots, strict=True):
            r = min(exact, key=lambda e: abs(e - root))
            expected = [float(-(r ** (2 - k)) / (2 * r - 10**8)) for k in range(3)]
            np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_a_conjugate_pair_has_a_real_gradient() -> None:
    found = opreg.grad(lambda p: np.sum(np.abs(np.roots(p)) ** 2))(np.array([1.0, -2.0, 5.0]))
    np.testing.assert_allclose(found, [-10.0, 0.0, 2.0], atol=1e-14)  # |r|^2 = c / a, twice


def test_a_root_at_zero() -> None:
    p = np.array([1.0, -2.0, 0.0])
    jacobian = opreg.jacobian(np.roots)(p)
    np.testing.assert_allclose(jacobian, [[-2.0, -1.0, -0.5], [0.0, 0.0, 0.5]])


def test_a_multiple_root_has_no_derivative() -> None:
    for p in (np.array([1.0, 0.0, 0.0]), np.array([1.0, -2.0, 1.0])):
        for differentiate in (opreg.jacrev, opreg.jacfwd):
            with pytest.raises(np.linalg.LinAlgError, match="multiple root"):
                differentiate(np.roots)(p)


def test_float32_roots_have_float32_tangents() -> None:
    p = np.poly([1.0, 2.0, 3.0]).astype(np.float32)
    assert opreg.jvp(np.roots, (p,), (p,))[1].dtype == np.float32


def test_the_roots_of_no_polynomial() -> None:
    assert opreg.vjp(np.roots, np.zeros(2))[0].shape == (0,)
    assert opreg.grad(lambda p: np.sum(np.roots(p)))(np.array([2.0])).tolist() == [0.0]


def test_the_last_coefficient_of_a_characteristic_polynomial_is_the_determinant() -> None:
    a = RNG.standard_normal((3, 3))
    found = opreg.grad(lambda a: -np.poly(a)[-1])(a)
    np.testing.assert_allclose(found, np.linalg.det(a) * np.linalg.inv(a).T, atol=1e-12)


def test_conjugate_roots_make_real_coefficients() -> None:
    z = np.array([1 + 2j, 1 - 2j])
    out, pull = opreg.vjp(np.poly, z)
    assert out.dtype == np.float64
    np.testing.assert_allclose(pull(np.array([0.0, 1.0, 0.0]))[0], [-1, -1])
    np.testing.assert_allclose(pull(np.array([0.0, 0.0, 1.0]))[0], z[::-1])


def test_zeros_that_are_trimmed_have_no_derivative() -> None:
    out, pull = opreg.vjp(np.trim_zeros, np.array([0.0, 1.0, 0.0, 2.0, 0.0]))
    assert out.tolist() == [1.0, 0.0, 2.0]
    assert pull(np.array([3.0, 4.0, 5.0]))[0].tolist() == [0.0, 3.0, 4.0, 5.0, 0.0]
    assert opreg.vjp(np.trim_zeros, np.zeros(3))[0].shape == (0,)


# --------------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize("name", ["polyadd", "polysub", "polymul", "polydiv", "polyval"])
def test_an_object_of_poly1d_is_refused(name) -> None:
    function, p = getattr(np, name), np.poly1d([1.0, 2.0])
    for call in (lambda x: function(p, x), lambda x: function(x, p)):
        with pytest.raises(opreg.NotDifferentiable, match="coeffs"):
            opreg.vjp(call, np.array([1.0, 3.0]))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda x: np.polyder(x, -1)),
        (ValueError, lambda x: np.polyint(x, -1)),
        (ValueError, lambda x: np.polyint(x, 3, k=[1.0, 2.0])),
        (ValueError, lambda x: np.poly(np.outer(x, x)[:2])),
        (ValueError, lambda x: np.poly(np.zeros((0, 0)) * x[0])),
        (ValueError, lambda x: np.roots(np.outer(x, x))),
        (ValueError, lambda x: np.trim_zeros(x, "x")),
        (TypeError, lambda x: np.polyval(2.0, x)),
        (ValueError, lambda x: np.polyfit(x, x, -1)),
        (TypeError, lambda x: np.polyfit(np.outer(x, x), x, 1)),
        (TypeError, lambda x: np.polyfit(x[:0], x[:0], 1)),
        (TypeError, lambda x: np.polyfit(x, x[0], 1)),
        (TypeError, lambda x: np.polyfit(x, x[:2], 1)),
        (TypeError, lambda x: np.polyfit(x, x, 1, w=np.ones((3, 1)))),
        (TypeError, lambda x: np.polyfit(x, x, 1, w=np.ones(2))),
        (ValueError, lambda x: np.polyfit(x, x, 2, cov=True)),
    ],
)
def test_what_numpy_refuses_is_refused_with_the_same_error(error, call) -> None:
    x = np.array([0.5, 1.5, 4.0])
    with pytest.raises(error):
        call(x)
    with pytest.raises(error):
        opreg.vjp(call, x)
