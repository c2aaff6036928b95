"""Rules that divide Python's numbers by zero, which these refuse and NumPy's do not."""

import numpy as np
import pytest

import opreg

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _root(declare):
    @opreg.primitive("mylib.root")
    def root(x, /):
        return np.sqrt(x)

    declare(root)
    return root


@pytest.mark.parametrize(
    "declare",
    [
        lambda p: p.defvjp(x=lambda g, x: g * (0.5 / x**0.5)),
        lambda p: p.defjvp(x=lambda t, x: t * (0.5 / x**0.5)),
        lambda p: p.defjvp(lambda g, x: g[0] * (0.5 / x**0.5)),
        lambda p: opreg.elementwise(p, x=lambda x: 0.5 / x**0.5),
    ],
    ids=["vjp", "jvp", "joint jvp", "elementwise"],
)
def test_the_rules_of_an_author_divide_by_zero_as_arrays_do(declare) -> None:
    root = _root(declare)
    assert opreg.grad(root)(0.0) == np.inf
    assert opreg.jvp(root, (0.0,), (1.0,))[1] == np.inf
    assert opreg.vjp(root, 0.0)[1](-1.0)[0] == -np.inf
    assert opreg.grad(root)(np.array([0.0, 0.25]).sum() * 0) == np.inf


def test_a_fault_of_a_rules_own_is_an_error_still() -> None:
    root = _root(lambda p: p.defvjp(x=lambda g: g * (1 // 0)))
    with pytest.raises(ZeroDivisionError):
        opreg.grad(root)(1.0)


def test_numbers_of_several_types_beside_an_integer_zero() -> None:
    assert opreg.grad(lambda x: np.divide(x, 0))(1.0) == np.inf
    assert opreg.grad(lambda x: np.divide(x, np.zeros(2)).sum())(1.0) == np.inf
