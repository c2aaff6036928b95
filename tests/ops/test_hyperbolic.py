"""Hyperbolic functions and their inverses."""

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


@pytest.mark.parametrize("x", [2.0, 8.0, -15.0])
def test_the_derivative_of_tanh_is_as_accurate_as_tanh_lets_it_be(x) -> None:
    expected = 1 / np.cosh(x) ** 2
    assert abs(opreg.grad(np.tanh)(x) - expected) <= 2 * np.spacing(1.0)


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
