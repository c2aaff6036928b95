"""Reverse mode, in exact arithmetic: every comparison is ==."""

import pytest
from exact import Exact

import opreg


def test_gradient_of_a_polynomial():
    assert opreg.grad(lambda x: 3 * x**4 - 2 * x + 7)(Exact(1, 2)) == 12 * Exact(1, 8) - 2


def test_reflected_operators():
    x = Exact(2, 3)
    assert opreg.grad(lambda x: 1 - x)(x) == -1
    assert opreg.grad(lambda x: 1 / x)(x) == -1 / (x * x)
    assert opreg.grad(lambda x: 5 + x)(x) == 1


def test_the_same_value_twice():
    assert opreg.grad(lambda x: x * x)(Exact(5)) == 10
    assert opreg.grad(lambda x: x / x)(Exact(5)) == 0
    assert opreg.grad(lambda x: x - x)(Exact(5)) == 0


def test_third_order():
    assert opreg.grad(opreg.grad(opreg.grad(lambda x: x**5)))(Exact(2)) == 60 * 4


def test_a_constant_function_has_zero_gradient():
    assert opreg.grad(lambda x: Exact(7))(Exact(2)) == 0


def test_an_argument_that_is_not_used_has_zero_gradient():
    assert opreg.grad(lambda x, y: x * x, argnums=(0, 1))(Exact(2), Exact(3)) == (4, 0)


def test_argnums():
    f = lambda x, y, z: x * y * y * z  # noqa: E731
    args = Exact(2), Exact(3), Exact(5)
    assert opreg.grad(f, argnums=1)(*args) == 60
    assert opreg.grad(f, argnums=-1)(*args) == 18
    assert opreg.grad(f, argnums=(2, 0))(*args) == (18, 45)


@pytest.mark.parametrize("argnums", [3, -4, (0, 5)])
def test_argnums_out_of_range(argnums):
    with pytest.raises(TypeError, match="argnums names argument"):
        opreg.grad(lambda x, y, z: x, argnums=argnums)(Exact(1), Exact(1), Exact(1))


@pytest.mark.parametrize("argnums", [(), (0, 0), (0, -1)])
def test_argnums_that_name_nothing_or_one_twice(argnums):
    with pytest.raises(ValueError, match="argnums must name each argument once"):
        opreg.grad(lambda x: x, argnums=argnums)(Exact(1))
    with pytest.raises(ValueError, match="argnums must name each argument once"):
        opreg.grad(lambda x=2: x, argnums=())()


def test_keywords_are_passed_on():
    assert opreg.grad(lambda x, *, n: x**n)(Exact(3), n=2) == 6


def test_value_and_grad():
    assert opreg.value_and_grad(lambda x: x**3)(Exact(2)) == (8, 12)


def test_has_aux():
    f = lambda x: (x * x, {"double": x + x, "name": "f"})  # noqa: E731
    assert opreg.grad(f, has_aux=True)(Exact(3)) == (6, {"double": 6, "name": "f"})
    assert opreg.value_and_grad(f, has_aux=True)(Exact(3)) == ((9, {"double": 6, "name": "f"}), 6)


def test_has_aux_needs_a_pair():
    with pytest.raises(TypeError, match="returns a pair"):
        opreg.grad(lambda x: x * x, has_aux=True)(Exact(3))


def test_the_auxiliary_output_is_plain():
    _, aux = opreg.grad(lambda x: (x * x, x * 3), has_aux=True)(Exact(3))
    assert not opreg.is_traced(aux)


def test_vjp_with_several_outputs():
    out, pullback = opreg.vjp(lambda x, y: (x * y, x + y, Exact(4)), Exact(2), Exact(3))
    assert out == (6, 5, 4)
    assert pullback((Exact(10), Exact(1), Exact(100))) == (31, 21)


def test_a_pullback_may_be_called_again():
    _, pullback = opreg.vjp(lambda x: x * x, Exact(3))
    assert pullback(Exact(1)) == pullback(Exact(1)) == (6,)
    assert pullback(Exact(-2)) == (-12,)


def test_the_same_output_twice():
    _, pullback = opreg.vjp(lambda x: (x, x), Exact(3))
    assert pullback((Exact(1), Exact(10))) == (11,)


def test_vjp_with_aux():
    out, pullback, aux = opreg.vjp(lambda x: (x * x, "note"), Exact(3), has_aux=True)
    assert (out, pullback(Exact(1)), aux) == (9, (6,), "note")


def test_a_cotangent_of_another_structure_is_refused():
    _, pullback = opreg.vjp(lambda x: (x, x), Exact(3))
    with pytest.raises(ValueError, match="structure"):
        pullback((Exact(1), Exact(1), Exact(1)))


def test_a_missing_cotangent_is_zero():
    _, pullback = opreg.vjp(lambda x: (x * x, x), Exact(3))
    assert pullback((None, Exact(5))) == (5,)


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"argument 0 of grad.*integer"):
        opreg.grad(lambda x: x * x)(3)


def test_a_container_as_output_of_grad_is_refused():
    with pytest.raises(TypeError, match="needs a scalar output, but the function returned a list"):
        opreg.grad(lambda x: [x, x])(Exact(3))


def test_none_as_output_of_grad_is_refused():
    with pytest.raises(TypeError, match="needs a scalar output"):
        opreg.grad(lambda x: None)(Exact(3))


def test_jacobian_and_hessian_of_scalars():
    assert opreg.jacrev(lambda x: x**3)(Exact(2)) == 12
    assert opreg.jacfwd(lambda x: x**3)(Exact(2)) == 12
    assert opreg.jacobian(lambda x: (x, x * x))(Exact(2)) == (1, 4)
    assert opreg.hessian(lambda x: x**4)(Exact(2)) == 48
    assert opreg.hessian(lambda x, y: x * x * y, argnums=(0, 1))(Exact(2), Exact(3)) == ((6, 4), (4, 0))


def test_hessian_vector_product():
    f = lambda x, y: x * x * y + y**3  # noqa: E731
    assert opreg.hvp(lambda x: x**3, (Exact(2),), (Exact(5),)) == 60
    assert opreg.hvp(f, (Exact(2), Exact(3)), (Exact(1), Exact(10))) == (46, 184)
