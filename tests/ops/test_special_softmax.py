"""Logistic functions, logsumexp and softmax."""

import mpmath
import numpy as np
import pytest
from families import gradient, names_of

import opreg
import opreg.scipy as scipy
from opreg.testing import conformance

family = pytest.importorskip("opreg_scipy.special.softmax")

test_rules = pytest.mark.slow(conformance(*names_of(family), samples=1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [-800.0, -700.0, -40.0, 0.0, 1.5, 40.0, 700.0, 800.0])
def test_logistic_functions_from_end_to_end(x) -> None:
    with mpmath.workdps(800):
        low, high = (1 / (1 + mpmath.exp(-mpmath.mpf(s * x))) for s in (1, -1))
        expected, of_log = float(low * high), float(high)
    assert opreg.grad(scipy.special.expit)(x) == pytest.approx(expected, rel=1e-12, abs=1e-320)
    assert opreg.grad(scipy.special.log_expit)(x) == pytest.approx(of_log, rel=1e-12, abs=1e-320)


@pytest.mark.parametrize("p", [1e-300, 1e-10, 0.5, 0.75, 1 - 2.0**-50])
def test_logit_near_its_ends(p) -> None:
    with mpmath.workdps(40):
        expected = float(1 / (mpmath.mpf(p) * (1 - mpmath.mpf(p))))
    assert opreg.grad(scipy.special.logit)(p) == pytest.approx(expected, rel=1e-15)


def test_the_second_derivative_of_expit_far_to_the_right() -> None:
    assert opreg.grad(opreg.grad(scipy.special.expit))(60.0) == pytest.approx(-np.exp(-60.0), rel=1e-13)


@pytest.mark.parametrize("x", [1e-10, -1e-5, 1.0, 36.0, -300.0])
def test_the_higher_derivatives_of_expit_keep_their_digits_near_zero(x) -> None:
    with mpmath.workdps(60):
        expected = [float(mpmath.diff(lambda x: 1 / (1 + mpmath.exp(-x)), mpmath.mpf(x), n)) for n in (2, 3)]
    second = opreg.grad(opreg.grad(scipy.special.expit))
    assert second(x) == pytest.approx(expected[0], rel=1e-14, abs=0)
    assert opreg.grad(second)(x) == pytest.approx(expected[1], rel=1e-13, abs=0)
    assert opreg.grad(opreg.grad(opreg.grad(scipy.special.log_expit)))(x) == pytest.approx(
        -expected[0], rel=1e-14, abs=0
    )


@pytest.mark.parametrize("a", [[0.0, 40.0], [0.0, -30.0, -50.0], [1.0, 2.0, 3.0], [1000.0, 0.0]])
def test_the_hessian_of_logsumexp_is_exact_where_one_element_is_nearly_all(a) -> None:
    with mpmath.workdps(60):
        powers = [mpmath.exp(mpmath.mpf(x)) for x in a]
        p = [power / sum(powers) for power in powers]
        expected = [[float(x * (1 - y) if x is y else -x * y) for y in p] for x in p]
    for jacobian in opreg.jacrev, opreg.jacfwd:
        hessian = jacobian(opreg.grad(scipy.special.logsumexp))(np.array(a))
        np.testing.assert_allclose(hessian, expected, rtol=1e-14, atol=1e-320)


@pytest.mark.filterwarnings("error")
def test_the_gradient_of_logsumexp_is_softmax_and_keeps_the_digits_of_large_numbers() -> None:
    a = 1e9 + np.array([0.0, 1.0, 2.0])
    expected = np.exp([0.0, 1.0, 2.0]) / np.exp([0.0, 1.0, 2.0]).sum()
    np.testing.assert_allclose(opreg.grad(scipy.special.logsumexp)(a), expected, rtol=1e-15)


def test_weights_have_a_derivative_too_and_a_weight_of_zero_leaves_its_element_out() -> None:
    a, b = np.array([0.5, 1000.0, 2.0]), np.array([1.5, 0.0, 1.5])
    by_a, by_b = opreg.grad(lambda a, b: scipy.special.logsumexp(a, b=b), (0, 1))(a, b)
    total = 1.5 * np.exp(0.5) + 1.5 * np.exp(2.0)
    np.testing.assert_allclose(by_a, [1.5 * np.exp(0.5) / total, 0.0, 1.5 * np.exp(2.0) / total], rtol=1e-14)
    np.testing.assert_allclose(by_b, [np.exp(0.5) / total, np.inf, np.exp(2.0) / total], rtol=1e-14)


def test_the_sign_is_constant_and_the_logarithm_is_of_the_magnitude() -> None:
    def f(b):
        out, sign = scipy.special.logsumexp(np.zeros(2), b=b, return_sign=True)
        return out + 100 * sign

    np.testing.assert_allclose(opreg.grad(f)(np.array([1.0, -3.0])), [-0.5, -0.5], rtol=1e-15)


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ([-np.inf, 1.0], [0.0, 1.0]),
        ([-np.inf, -np.inf], [0.5, 0.5]),
        ([np.inf, 1.0, np.inf], [0.5, 0.0, 0.5]),
    ],
)
def test_infinite_terms(a, expected) -> None:
    np.testing.assert_array_equal(opreg.grad(scipy.special.logsumexp)(np.array(a)), expected)
    assert opreg.jvp(scipy.special.logsumexp, (np.array(a),), (np.ones(len(a)),))[1] == 1.0


def test_softmax_of_a_term_that_is_none() -> None:
    x = np.array([0.0, -np.inf, 0.0])
    np.testing.assert_allclose(gradient(scipy.special.softmax, x), [-0.5, 0.0, 0.5], rtol=1e-15)
    with np.errstate(invalid="ignore"):
        found = opreg.grad(lambda x: scipy.special.log_softmax(x)[0])(x)
    np.testing.assert_allclose(found, [0.5, 0.0, -0.5], rtol=1e-15)


@pytest.mark.filterwarnings("error")
def test_log_softmax_of_numbers_far_apart_neither_overflows_nor_underflows() -> None:
    x = np.array([1000.0, 0.0, -1000.0])
    jacobian = opreg.jacobian(scipy.special.log_softmax)(x)
    np.testing.assert_allclose(jacobian, [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]], rtol=1e-15)


def test_the_jacobian_of_softmax_along_an_axis_is_that_of_each_row() -> None:
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
    jacobian = opreg.jacobian(lambda x: scipy.special.softmax(x, axis=1))(x)
    for row, s in enumerate(scipy.special.softmax(x, axis=1)):
        np.testing.assert_allclose(jacobian[row, :, row], np.diag(s) - np.outer(s, s), rtol=1e-12)
        np.testing.assert_array_equal(jacobian[row, :, 1 - row], 0.0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_an_axis_that_is_not_there_is_numpys_error(name) -> None:
    with pytest.raises(np.exceptions.AxisError):
        opreg.grad(lambda x: np.sum(getattr(scipy.special, name)(x, axis=2)))(np.ones((2, 2)))


@pytest.mark.parametrize("name", ["softmax", "logsumexp"])
def test_an_unknown_keyword_is_refused(name) -> None:
    with pytest.raises(TypeError, match="weights"):
        opreg.grad(lambda x: np.sum(getattr(scipy.special, name)(x, weights=2)))(np.ones(2))


@pytest.mark.parametrize("x", [5.0, 40.0, 300.0, -40.0])
def test_the_derivatives_of_softmax_are_exact_where_one_element_is_nearly_all(x: float) -> None:
    small = np.exp(-abs(x)) / (1 + np.exp(-abs(x))) ** 2
    for transform in opreg.grad, lambda f: lambda x: opreg.jvp(f, (x,), (1.0,))[1]:
        first = transform(lambda x: scipy.special.softmax(np.stack([x, 0.0 * x]))[0])(x)
        np.testing.assert_allclose(first, small, rtol=1e-13)
        logarithm = transform(lambda x: scipy.special.log_softmax(np.stack([x, 0.0 * x]))[0])(x)
        np.testing.assert_allclose(logarithm, 1 / (1 + np.exp(x)), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.float64])
@pytest.mark.parametrize("rows", [[[-np.inf, -np.inf], [0, 1]], [[np.inf, 1], [0, 1]], [[], []]])
def test_the_precision_of_logsumexp_stays_where_a_row_is_infinite_or_empty(dtype, rows):
    a = np.array(rows, dtype)
    with np.errstate(invalid="ignore"):
        out, tangent = opreg.jvp(lambda a: scipy.special.logsumexp(a, axis=1), (a,), (np.ones_like(a),))
    assert out.dtype == tangent.dtype == dtype
