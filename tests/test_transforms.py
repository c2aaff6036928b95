"""The transforms on NumPy's arrays and Python's numbers: shapes, dtypes, the form of results."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import opreg


def test_a_float_gives_a_float() -> None:
    for value in (
        opreg.grad(lambda x: x**3)(2.0),
        opreg.jacobian(lambda x: x**3)(2.0),
        opreg.jacfwd(lambda x: x**3)(2.0),
        opreg.vjp(lambda x: x**3, 2.0)[1](1.0)[0],
    ):
        assert type(value) is float
        assert value == 12.0
    assert type(opreg.hessian(lambda x: x**3)(2.0)) is float
    assert type(opreg.grad(lambda z: np.real(z * z))(1 + 2j)) is complex


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_a_gradient_has_shape_and_dtype_of_its_argument(dtype: Any, shape: tuple[int, ...]) -> None:
    x = np.ones(shape, dtype)
    for f in (lambda x: np.sum(np.sin(x) * 2.0), lambda x: np.sum(x * np.ones((4, *shape)))):
        g = opreg.grad(f)(x)
        assert (g.shape, g.dtype) == (shape, dtype)
    jacobian = opreg.jacobian(lambda x: np.exp(x))(x)
    assert (jacobian.shape, jacobian.dtype) == (shape + shape, dtype)
    assert opreg.jacfwd(lambda x: np.exp(x))(x).shape == shape + shape


@pytest.mark.parametrize("jacobian", [opreg.jacrev, opreg.jacfwd])
def test_a_jacobian_of_several_arguments_and_outputs(jacobian: Any) -> None:
    def f(x: Any, y: Any) -> dict[str, Any]:
        return {"p": np.outer(x, y), "q": np.sum(x)}

    x, y = np.arange(2.0), np.arange(3.0)
    found = jacobian(f, argnums=(0, 1))(x, y)
    assert found["p"][0].shape == (2, 3, 2)
    assert found["p"][1].shape == (2, 3, 3)
    np.testing.assert_array_equal(found["p"][0], np.einsum("ik,j->ijk", np.eye(2), y))
    np.testing.assert_array_equal(found["q"][0], np.ones(2))
    np.testing.assert_array_equal(found["q"][1], np.zeros(3))


def test_a_holomorphic_function_has_its_complex_derivative() -> None:
    z = np.array([1 + 2j, -1.0])
    np.testing.assert_allclose(opreg.jacobian(lambda z: z**2)(z), np.diag(2 * z))
    np.testing.assert_allclose(opreg.jacfwd(lambda z: np.exp(z))(z), np.diag(np.exp(z)))


@pytest.mark.parametrize("jacobian", [opreg.jacrev, opreg.jacfwd])
def test_a_jacobian_between_real_and_complex(jacobian: Any) -> None:
    x, z = np.array([1.0, 2.0]), np.array([1 + 2j, 3 - 1j])
    np.testing.assert_allclose(jacobian(lambda x: np.exp(1j * x))(x), np.diag(1j * np.exp(1j * x)))
    np.testing.assert_allclose(jacobian(lambda z: np.abs(z) ** 2)(z), np.diag(2 * np.conj(z)))
    np.testing.assert_allclose(jacobian(lambda x: x * (1 + 1j))(2.0), 1 + 1j)
    found = jacobian(lambda x, z: x * z, argnums=(0, 1))(x, z)
    np.testing.assert_allclose(found[0], np.diag(z))
    np.testing.assert_allclose(found[1], np.diag(x))


def test_a_hessian_by_blocks() -> None:
    found = opreg.hessian(lambda p: np.sum(p["a"] ** 2) * p["b"])({"a": np.ones(2), "b": 3.0})
    np.testing.assert_array_equal(found["a"]["a"], 6 * np.eye(2))
    np.testing.assert_array_equal(found["a"]["b"], [2, 2])
    np.testing.assert_array_equal(found["b"]["a"], [2, 2])
    assert found["b"]["b"] == 0


def test_a_hessian_vector_product_agrees_with_the_hessian() -> None:
    rng = np.random.default_rng(0)
    a, x, v = rng.standard_normal((3, 3)), rng.standard_normal(3), rng.standard_normal(3)
    f = lambda x: np.sum(np.tanh(a @ x) ** 3)  # noqa: E731
    np.testing.assert_allclose(opreg.hvp(f, (x,), (v,)), opreg.hessian(f)(x) @ v)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: x * 2, np.ones(3), r"needs a real scalar output.*an array of shape \(3,\)"),
        (lambda x: np.sum(x) * 1j, np.ones(3), "a complex128, which is not real"),
        (lambda x: np.argmax(x), np.ones(3), "integer type int64"),
        (lambda x: x, 3, r"argument 0 of grad.*integer type int64.*\.astype\(float\)"),
        (lambda x: x, np.arange(3), r"argument 0 of grad.*integer type int64"),
        (lambda x: x, np.array([True]), "boolean type bool"),
        (lambda x: x, np.array([1.0, None], object), "dtype object"),
        (lambda x: x, "text", "builtins.str"),
    ],
)
def test_what_has_no_gradient_is_a_type_error_in_a_sentence(f: Any, x: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        opreg.grad(f)(x)


def test_integers_beside_floats_are_static_but_integer_arrays_are_refused() -> None:
    assert opreg.grad(lambda p: p["x"] ** p["n"])({"x": 3.0, "n": 2}) == {"x": 6.0, "n": None}
    with pytest.raises(TypeError, match=r"argument 0\['n'\] of grad.*integer"):
        opreg.grad(lambda p: p["x"] * p["n"].sum())({"x": 3.0, "n": np.arange(3)})


def test_cotangents_and_tangents_are_checked_and_cast() -> None:
    _, pullback = opreg.vjp(lambda x: x * 2, np.ones(3, np.float32))
    assert pullback(np.ones(3))[0].dtype == np.float32
    with pytest.raises(ValueError, match=r"\(4,\).*\(3,\)"):
        pullback(np.ones(4))
    with pytest.raises(ValueError, match="complex128"):
        pullback(np.ones(3) * 1j)
    with pytest.raises(ValueError, match="the tangent of argument 0"):
        opreg.jvp(np.sin, (np.ones(3),), (np.ones(2),))


class Line(NamedTuple):
    slope: Any
    offset: Any


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (np.sum, np.array(2.0), 1.0),
        (np.sum, 2.0, 1.0),
        (np.mean, np.array(2.0), 1.0),
        (np.mean, np.array([1.0, 2.0]), [0.5, 0.5]),
        (np.prod, np.array([2.0, 5.0]), [5.0, 2.0]),
        (np.max, np.arange(9.0), np.arange(9) == 8),
        (lambda x: np.einsum("i,i", x, x), np.array([1.0, 2.0]), [2.0, 4.0]),
        (lambda x: np.reshape(x, ()), np.ones(1), [1.0]),
        (lambda x: np.where(x > 0, x, 1.0), np.array(0.5), 1.0),
        (lambda x: x[1], np.ones(2), [0.0, 1.0]),
    ],
)
def test_a_float_is_a_cotangent_of_any_scalar(f: Any, x: Any, expected: Any) -> None:
    (found,) = opreg.vjp(f, x)[1](1.0)
    np.testing.assert_array_equal(found, expected)
    y = opreg.variable(x)
    np.testing.assert_array_equal(f(y).grad(y, 1.0), expected)


def test_a_float_that_a_custom_rule_gives_is_a_cotangent_of_an_array_scalar() -> None:
    @opreg.custom_vjp
    def double(x: Any) -> Any:
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), lambda residual, g: (2.0,))
    assert opreg.grad(lambda x: double(np.sum(x[:, None], axis=(0, 1))))(np.ones(2)).tolist() == [2.0, 2.0]
    tangent = opreg.jvp(lambda x: np.sum(x, axis=()).reshape(1)[0], (np.float64(3.0),), (1.0,))[1]
    assert (tangent, type(tangent)) == (1.0, np.float64)


def test_a_named_tuple_through_jvp() -> None:
    f = lambda line: Line(line.slope * line.offset, line.offset)  # noqa: E731
    out, tangent = opreg.jvp(f, (Line(2.0, np.ones(2)),), (Line(1.0, None),))
    assert type(out) is Line
    np.testing.assert_array_equal(tangent.slope, [1, 1])
    np.testing.assert_array_equal(tangent.offset, [0, 0])


def test_the_gradient_may_be_written_to() -> None:
    g = opreg.grad(np.sum)(np.zeros((2, 3)))
    g += 1
    np.testing.assert_array_equal(g, 2 * np.ones((2, 3)))


def test_a_gradient_does_not_change_the_error_state_nor_its_arguments() -> None:
    x = np.array([1.0, 2.0])
    before, state = x.tobytes(), np.geterr()
    opreg.grad(lambda x: np.sum(np.log(x) / x))(x)
    assert x.tobytes() == before
    assert np.geterr() == state


def test_threads_differentiate_arrays_at_the_same_time() -> None:
    wrong: list[int] = []

    def work(n: int) -> None:
        for _ in range(20):
            x = np.full(5, float(n))
            if not np.array_equal(opreg.grad(lambda x: np.sum(x**2) * n)(x), 2 * x * n):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_checkpoint_linearize_and_stop_gradient_on_arrays() -> None:
    x = np.linspace(0.1, 1, 4)
    inner = lambda x: np.sin(np.sin(x))  # noqa: E731
    expected = opreg.grad(lambda x: np.sum(inner(x)))(x)
    np.testing.assert_allclose(opreg.grad(lambda x: np.sum(opreg.checkpoint(inner)(x)))(x), expected)
    out, push = opreg.linearize(inner, x)
    np.testing.assert_allclose(push(np.ones(4)), expected)
    np.testing.assert_array_equal(out, inner(x))
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(x * opreg.stop_gradient(x)))(x), x)


@pytest.mark.parametrize("keywords", [False, True])
def test_checkpoint_of_a_function_that_writes_into_its_arguments(keywords: bool) -> None:
    def writes(x: Any, places: Any, weights: Any) -> Any:
        x *= 2
        places += 1
        weights *= 3
        return np.sum(weights * x[places] ** 2)

    x, places, weights = np.array([0.5, 1.5, 2.5]), np.array([0, 1]), np.ones(2)

    def again(x: Any) -> Any:
        y = x.copy()
        given = {"places": places, "weights": weights}
        found = (
            opreg.checkpoint(writes)(y, **given) if keywords else opreg.checkpoint(writes)(y, *given.values())
        )
        return found + y[0]

    np.testing.assert_array_equal(opreg.grad(again)(x), [1, 36, 60])
    np.testing.assert_array_equal(opreg.hessian(again)(x), np.diag([0, 24, 24]))
    assert opreg.jvp(again, (x,), (np.ones(3),))[1] == 97
    assert (x.tolist(), places.tolist(), weights.tolist()) == ([0.5, 1.5, 2.5], [0, 1], [1, 1])
    opreg.checkpoint(writes)(x, places, weights)  # of nothing traced it is the function itself
    assert (x.tolist(), places.tolist(), weights.tolist()) == ([1, 3, 5], [1, 2], [3, 3])


@pytest.mark.parametrize(
    ("f", "at", "slope"),
    [
        (lambda t: t + 1j, 1.5, 1),
        (lambda t: t + np.float32(1), 1.5, 1),
        (lambda t: 3.0 % t + np.float32(2), 1.4, -2),
        (lambda t: np.where(np.array(True), t, 1j), 1.5, 1),
        (lambda t: (0.5 + 0.25j) * t, 0.5, 0.5 + 0.25j),
        (np.nanmax, 1.5, 1),
    ],
)
def test_python_numbers_are_differentiated_where_the_result_is_of_another_type(f, at, slope) -> None:
    out, moved = opreg.jvp(f, (at,), (1.0,))
    assert moved == slope and np.result_type(moved) == np.result_type(out)
    assert opreg.linearize(f, at)[1](1.0) == slope
    unit = 1.0 + 0j if np.iscomplexobj(out) else 1.0
    (pulled,) = opreg.vjp(f, at)[1](unit)
    assert type(pulled) is float and pulled == np.real(slope)


def test_a_hessian_product_of_a_python_number_through_the_complex_plane() -> None:
    assert opreg.hvp(lambda t: np.real((t + 1j) ** 3), (1.5,), (1.0,)) == 9.0


@pytest.mark.parametrize("tangent", [lambda t: t * np.ones(3), lambda t: np.ones(3), lambda t: "s"])
def test_a_custom_jvp_is_held_to_its_output_in_reverse_mode_too(tangent) -> None:
    @opreg.custom_jvp
    def twice(x):
        return x * 2

    def rule(primals, tangents):
        return primals[0] * 2, tangent(tangents[0])

    twice.defjvp(rule)
    for run in lambda: opreg.grad(twice)(2.0), lambda: opreg.jvp(twice, (2.0,), (1.0,)):
        with pytest.raises(opreg.RuleError, match=f"{__file__}:{rule.__code__.co_firstlineno}"):
            run()


def test_a_custom_vjp_that_returns_the_wrong_shape_is_named_by_its_own_line() -> None:
    @opreg.custom_vjp
    def twice(x):
        return x * 2

    def backward(residual, g):
        return (g * np.ones(3),)

    twice.defvjp(lambda x: (x * 2, None), backward)
    with pytest.raises(opreg.RuleError, match=f"{__file__}:{backward.__code__.co_firstlineno}"):
        opreg.grad(twice)(2.0)


def test_custom_rules_that_return_no_pair_say_so_and_a_tangent_of_none_is_zero() -> None:
    forwards, tangents = opreg.custom_vjp(lambda x: x * 2), opreg.custom_jvp(lambda x: x * 2)
    forwards.defvjp(lambda x: x * 2, lambda residual, g: (g,))
    tangents.defjvp(lambda primals, moved: primals[0] * 2)
    with pytest.raises(opreg.DeclarationError, match=r"\(output, residuals\)"):
        opreg.grad(forwards)(2.0)
    with pytest.raises(opreg.DeclarationError, match=r"\(output, tangent\)"):
        opreg.jvp(tangents, (2.0,), (1.0,))
    tangents.defjvp(lambda primals, moved: (primals[0] * 2, None))
    assert opreg.jvp(tangents, (2.0,), (1.0,)) == (4.0, 0.0)
    assert opreg.grad(tangents)(2.0) == 0.0


def test_a_variable_made_inside_a_differentiated_function_may_be_returned() -> None:
    assert opreg.value_and_grad(lambda t: opreg.variable(t) * t)(3.0) == (9.0, 6.0)
    assert opreg.jvp(lambda t: opreg.variable(t) * t, (3.0,), (1.0,)) == (9.0, 6.0)
    assert opreg.hessian(lambda t: opreg.variable(t) ** 3)(2.0) == 12.0


TRANSFORMS = (
    opreg.grad,
    opreg.value_and_grad,
    opreg.elementwise_grad,
    opreg.jacrev,
    opreg.jacfwd,
    opreg.hessian,
)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("number", [np.int64(1), np.uint8(1), np.array(1)])
def test_an_integer_of_any_type_names_an_argument(transform: Any, number: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y**2

    assert transform(f, argnums=number)(2.0, 3.0) == transform(f, argnums=1)(2.0, 3.0)
    assert transform(f, argnums=(number, 0))(2.0, 3.0) == transform(f, argnums=(1, 0))(2.0, 3.0)
    assert transform(f, argnums=np.array([1, 0]))(2.0, 3.0) == transform(f, argnums=(1, 0))(2.0, 3.0)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("number", [True, np.True_, 1.0, (0, True), "0", None])
def test_what_is_no_integer_names_no_argument(transform: Any, number: Any) -> None:
    with pytest.raises(TypeError, match="argnums is the number of an argument"):
        transform(lambda x, y: x * y, argnums=number)


def test_what_is_returned_beside_the_output_comes_back_from_every_transform() -> None:
    def f(x: Any) -> Any:
        return x * x, {"double": 2 * x, "name": "f"}

    def total(x: Any) -> Any:
        out, aux = f(x)
        return np.sum(out), aux

    x = np.array([1.0, 2.0])
    for jacobian in (opreg.jacrev, opreg.jacfwd):
        result, aux = jacobian(f, has_aux=True)(x)
        np.testing.assert_array_equal(result, np.diag(2 * x))
        _plain(aux, x)
        result, aux = jacobian(f, has_aux=True)(x[:0])
        assert result.shape == (0, 0)
        _plain(aux, x[:0])
    result, aux = opreg.hessian(total, has_aux=True)(x)
    np.testing.assert_array_equal(result, 2 * np.eye(2))
    _plain(aux, x)
    out, push, aux = opreg.linearize(f, x, has_aux=True)
    np.testing.assert_array_equal(out, x * x)
    np.testing.assert_array_equal(push(np.array([1.0, 0.0])), [2.0, 0.0])
    _plain(aux, x)


def _plain(aux: Any, x: Any) -> None:
    assert type(aux["double"]) is np.ndarray
    np.testing.assert_array_equal(aux["double"], 2 * x)
    assert aux["name"] == "f"


@pytest.mark.parametrize("transform", [opreg.jacrev, opreg.jacfwd, opreg.hessian])
def test_what_is_beside_the_output_needs_a_pair(transform: Any) -> None:
    for x in (np.ones(2), np.ones(0)):
        with pytest.raises(TypeError, match="has_aux=True needs a function that returns a pair"):
            transform(lambda x: np.sum(x), has_aux=True)(x)
