"""Hyperbolic functions and their inverses."""

import mpmath
import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import hyperbolic

test_rules = conformance(*names_of(hyperbolic), samples=1)


@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (np.sinh, np.cosh, 0.75),
        (np.cosh, np.sinh, -0.75),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2, 0.75),
        (np.arcsinh, lambda x: 1 / np.sqrt(1 + x**2), -2.0),
        (np.arccosh, lambda x: 1 / np.sqrt(x**2 - 1), 2.5),
        (np.arctanh, lambda x: 1 / (1 - x**2), 0.5),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_the_derivatives_of_a_textbook(f, slope, x) -> None:
    assert opreg.grad(f)(x) == pytest.approx(slope(x), rel=1e-15)
    z = x + 0.25j
    assert opreg.vjp(f, z)[1](1 + 0j)[0] == pytest.approx(slope(z), rel=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "x", [0.5, -1.7, 1.75, 1.8, -3.0, 10.0, -20.0, 300.0, 1.5 + 0.7j, -30 + 0.1j, 30 - 2j]
)
def test_the_derivatives_of_tanh_keep_their_digits_far_from_zero(x) -> None:
    f = np.tanh
    for order in (1, 2, 3):
        f = lambda x, f=f: opreg.jvp(f, (x,), (x * 0 + 1,))[1]  # noqa: E731
        with mpmath.workdps(400):
            tanh, square = mpmath.tanh(x), mpmath.sech(x) ** 2
            expected = complex((square, -2 * tanh * square, (6 * tanh**2 - 2) * square)[order - 1])
        found = [f(x), f(np.array([0.25, x]))[1]]
        if np.isrealobj(x):
            found.append(opreg.elementwise_grad(np.tanh)(x) if order == 1 else f(x))
        np.testing.assert_allclose(found, expected, rtol=1e-14 * order)


def test_tanh_beside_numbers_that_are_not_finite() -> None:
    found = opreg.elementwise_grad(np.tanh)(np.array([np.nan, 20.0, np.inf, -np.inf, 0.5]))
    np.testing.assert_allclose(
        found, [np.nan, 4 * np.exp(-40.0), 0.0, 0.0, 1 - np.tanh(0.5) ** 2], rtol=1e-14
    )


@pytest.mark.filterwarnings("error")
def test_where_the_function_does_not_overflow_the_derivative_does_not() -> None:
    assert opreg.grad(np.tanh)(1000.0) == 0.0
    assert opreg.grad(np.arcsinh)(1e200) == pytest.approx(1e-200, rel=1e-15)
    assert opreg.grad(np.arccosh)(1e200) == pytest.approx(1e-200, rel=1e-15)


def test_close_to_the_ends_of_the_domain_the_digits_are_kept() -> None:
    d = 2.0**-40
    assert opreg.grad(np.arctanh)(1 - d) == pytest.approx(1 / (d * (2 - d)), rel=1e-15)
    assert opreg.grad(np.arccosh)(1 + d) == pytest.approx(1 / np.sqrt(d * (2 + d)), rel=1e-15)


def test_tanh_at_zero_to_the_fifth_order() -> None:
    f, expected = np.tanh, [0.0, 1.0, 0.0, -2.0, 0.0, 16.0]
    for value in expected:
        assert f(0.0) == value
        f = opreg.grad(f)
