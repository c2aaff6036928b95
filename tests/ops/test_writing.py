"""Item assignment, operators in place and what else writes into an array, through views, in both modes."""

from __future__ import annotations

import copy
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import opreg
import opreg.numpy as onp
from opreg import plugins
from opreg.testing import conformance
from opreg.verify._seeds import stream

test_rules = conformance("opreg_numpy.indexing.replace", samples=1)

X = np.array([[0.5, 1.2, -0.7], [2.0, 0.3, 0.9]])
PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS[function.__name__] = function
    return function


@program
def a_row(x: Any) -> Any:
    y = x.copy()
    y[0] = y[1] * 2
    return np.sum(y * x)


@program
def through_a_view(x: Any) -> Any:
    x = x * 1.0
    view = x[:, 1:]
    view[0] = x[1, :2] ** 2
    x[1, 2] = view[0, 0] * 3
    return np.sum(view * np.sin(x[:, 1:])) + np.sum(x**3)


@program
def through_the_transpose_and_a_reshaped_view(x: Any) -> Any:
    x = x * 1.0
    turned, flat = x.T, x.reshape(-1)
    turned[1] = 7.0
    flat[0] = flat[5] * flat[1]
    return np.sum(x**2 * turned.T) + flat[0]


@program
def views_of_views(x: Any) -> Any:
    x = x * x
    row = x[0]
    rest = row[1:]
    row -= x[1]
    rest[...] = rest * rest[0]
    return np.sum(x**2) + rest[1]


@program
def through_flipped_axes_and_diagonals(x: Any) -> Any:
    x = x * 1.0
    np.flip(x, 0)[0, 0] = x[0, 1] ** 2
    np.rot90(x)[0, 0] = x[1, 1] * 5
    np.moveaxis(x, 0, 1)[1] = x[0, 0]
    np.expand_dims(x, 0)[0, 1, 2] *= x[0, 2]
    np.einsum("ij->ji", x)[1, 1] += x[0, 0]
    return np.sum(x**2)


@program
def rows_of_a_loop(x: Any) -> Any:
    x = x * 1.0
    for row in x:
        row *= row.sum()
    return np.sum(x**2)


@program
def two_names_of_one_array(x: Any) -> Any:
    x = np.sin(x)
    y = x
    y += x[0]
    y *= 2
    y **= 2
    return np.sum(x * y)


@program
def a_number_is_not_changed_by_an_operator_in_place(x: Any) -> Any:
    x = x * 1.0
    s = x[0, 0]
    s += 5
    x[0, 1] = s * s
    return np.sum(x) * s


@program
def what_becomes_constant(x: Any) -> Any:
    y = x * 1.0
    view = y[1]
    y //= 0.37
    z = y * x
    y[0] = x[0]
    view[0] *= x[0, 0]
    return np.sum(z * y)


@program
def places_named_twice(x: Any) -> Any:
    x = x * 1.0
    x[[0, 0, 1], [1, 1, 2]] = np.stack([x[0, 0], x[0, 2], x[1, 1]])
    return np.sum(x**3)


@program
def a_mask(x: Any) -> Any:
    x = x * 1.0
    x[x > 0.6] = x[0, 0] ** 2
    x[np.isnan(x)] = 0
    return np.sum(x**3)


@program
def a_list_of_traced_values(x: Any) -> Any:
    x = x * 1.0
    x[0] = [x[1, 0], 2.0, x[0, 0]]
    return np.sum(x**2)


@program
def the_argument_itself(x: Any) -> Any:
    x[0, 0] = x[1, 1]
    x /= 2
    return np.sum(x**2)


@program
def a_copy_is_another_array(x: Any) -> Any:
    y, z = onp.array(x), onp.asarray(x, copy=True)
    y[0] = 0
    z[1] = x[0] ** 2
    return np.sum(x * x) + np.sum(y) + np.sum(z)


@program
def methods(x: Any) -> Any:
    x = x * 1.0
    x.sort(axis=1)
    x.put([0, -1, 7], [x[0, 1] * 2, 1.0], mode="wrap")
    y = x[1] * 1.0
    y.fill(x[0, 0])
    y[2] = 2 * x[1, 1]
    x[1].partition(1)
    return np.sum(x**2 * np.arange(6).reshape(2, 3)) + np.sum(y**2)


@program
def what_ufuncs_write(x: Any) -> Any:
    y = np.exp(x)
    np.multiply(x[0], 3.0, out=y[1])
    np.add.at(y, ([0, 0], [1, 1]), x[1, :2])
    np.subtract.at(y, 0, 2 * x[1])
    np.add.reduce(y, axis=0, out=y[0])
    np.divmod(x[1], 0.23, out=(y[1], y[0]))
    return np.sum(y**2)


@program
def a_new_array(x: Any) -> Any:
    y = np.zeros((3, 2), like=x)
    y[0] = x[0, :2]
    y[1:, 0] = x[1, :2] * y[0, 0]
    ones = np.ones(2, like=x)
    ones[0] += x[1, 2]
    return np.sum(y**2) * np.prod(ones) + np.sum(np.empty(0, like=x)) + np.sum(np.eye(2, like=x) * y[:2])


@program
def an_array_like_another(x: Any) -> Any:
    y, row = np.zeros_like(x), np.empty_like(x[0])
    for i in range(2):
        row[:] = x[i] ** 2
        y[i] = row * x[0]
    filled, single = np.full_like(x[0], 2.0), onp.ones_like([x[0, 0], x[1, 1]])
    filled[1] *= x[1, 0]
    single[0] -= x[0, 2]
    quotient = np.divide(x[0], x[1], out=np.zeros_like(x[0]), where=x[1] > 0.5)
    return np.sum(y**2) + np.prod(filled) * np.prod(single) + np.sum(quotient)


@program
def a_new_array_of_a_value(x: Any) -> Any:
    y, z = np.full(3, 2.0, like=x), onp.full((2, 1), 0.5, like=x)
    a, b = np.array([1.0, 2.0], like=x), onp.asarray([0.5, 0.25], like=x)
    y[:2], z[1], a[0] = x[0, :2], x[1, 1], x[1, 0]
    b[1:] += a[:1] * x[0, 1]
    return np.sum(y**2 * z) + np.prod(a) * np.prod(b) + np.sum(np.full(2, x[0, 0], like=x) * b)


@program
def rows_of_a_table_that_was_written_into(x: Any) -> Any:
    y = np.tile(x, (4, 1))
    y[0] = x[1] * 2
    row, across = y[1], y.T
    first, pair = across[:, 1], row[1:]  # what is small beside the table lies in memory of its own
    y[1] = y[0] * x[0]
    pair *= y[2, 0]
    first[0] = row[2] ** 2
    y.reshape(-1)[5] += np.sum(pair)
    row[:] = row[::-1]
    return np.sum(row**2) + np.sum(y * across.T) + np.prod(first) + pair[0] * y.ravel()[4]


@program
def a_recurrence(x: Any) -> Any:
    y = np.zeros(5, like=x)
    y[0] = x[0, 0]
    for t in range(4):
        y[t + 1] = np.sin(y[t]) * x[1, 1]
    return y.sum()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_that_write_have_numpys_values_and_right_derivatives(name: str) -> None:
    function = PROGRAMS[name]

    def plainly(x: Any) -> Any:  # np.zeros(..., like=x) is for traced values
        return (
            function(np.array(x))
            if not any(part in name for part in ("new", "recur", "like"))
            else opreg.jvp(function, (x,), (0 * x,))[0]
        )

    h = 1e-6
    directions = np.eye(X.size).reshape(-1, *X.shape)
    numeric = np.array([(plainly(X + h * d) - plainly(X - h * d)) / (2 * h) for d in directions])
    before = X.copy()
    value, gradient = opreg.value_and_grad(function)(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_allclose(value, plainly(X), rtol=1e-14)
    np.testing.assert_allclose(np.ravel(gradient), numeric, rtol=1e-6, atol=1e-7)
    tangents = [opreg.jvp(function, (X,), (d,))[1] for d in directions]
    np.testing.assert_allclose(tangents, numeric, rtol=1e-6, atol=1e-7)
    along = [
        (opreg.grad(function)(X + h * d) - opreg.grad(function)(X - h * d)) / (2 * h) for d in directions
    ]
    np.testing.assert_allclose(
        opreg.hessian(function)(X).reshape(6, 6), np.reshape(along, (6, 6)), rtol=1e-5, atol=1e-5
    )


MEMORY: dict[str, Callable[[Any], Any]] = {}


def in_memory(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Take up a program whose value depends on which arrays share memory, and on the order in which they lie in it."""
    MEMORY[function.__name__] = function
    return function


@in_memory
def a_copy_made_by_the_method_lies_in_c_order(x: Any) -> Any:
    y, z = x.copy(), x.copy("F")
    y.reshape(-1)[0] = 3 * x[1, 1]
    z.T.reshape(-1)[1] = 3 * x[1, 1]
    return np.sum(x * y * z)


@in_memory
def other_copies_lie_as_the_array_does(x: Any) -> Any:
    for y in copy.copy(x), copy.deepcopy(x), np.copy(x), onp.array(x), x.astype(float):
        y.reshape(-1)[0] *= x[1, 1]
        x = x * y
    return np.sum(x)


@in_memory
def copies_in_an_order_that_is_asked_for(x: Any) -> Any:
    total = 0.0
    for order in "CFAK":
        for y in (
            onp.array(x, order=order),
            x.astype(float, order=order),
            onp.asarray(x, order=order, copy=True),
        ):
            y.reshape(-1)[1] = x[0, 0] ** 2
            y.T.reshape(-1)[2] = x[1, 0] ** 2
            total = total + np.sum(y * x)
    return total


@in_memory
def sequences_in_an_order_that_is_asked_for(x: Any) -> Any:
    y = onp.array([x[0], [x[1, 0], 2.0, 3.0]], order="F")
    y.T.reshape(-1)[1] = x[0, 0] ** 2
    return np.sum(y**2)


@in_memory
def written_into_an_array_stays_where_it_lies(x: Any) -> Any:
    v = x.T
    v[0] = v[0] * 2
    x.ravel(order="F")[1] = x[0, 1]
    x[0] = x[1]
    x.ravel("K")[2] *= x[0, 0]
    x += np.ones((2, 3))
    x.T.ravel()[3] *= x[0, 0]
    x.T.reshape(3, 2)[0, 0] = x[1, 2] ** 2
    return np.sum(x**2)


@in_memory
def written_through_axes_moved_an_array_stays_where_it_lies(x: Any) -> Any:
    y = np.stack([x, x * x]).transpose(1, 2, 0)
    y = np.copy(y)
    y[0, :, 1][1:] = x[1, 1:]
    y.ravel("K")[[1, 8]] = x[0, :2] ** 2
    y.transpose(2, 0, 1).reshape(-1)[2] = x[0, 0] ** 2
    return np.sum(y**2)


@in_memory
def arrays_of_no_dimensions_are_written_into(x: Any) -> Any:
    s = np.zeros((), like=x)
    t = s
    s += x[0, 0]
    u = np.zeros((), like=x)
    u[...] = 4.0
    view = u.reshape(1)
    view *= x[0, 1]
    u.reshape(1, 1)[0, 0] += x[1, 1]
    np.add.reduce(x[1], out=(w := np.zeros((), like=x)))
    return t**2 + u * w + view[0]


@in_memory
def elements_are_numbers_of_their_own(x: Any) -> Any:
    s, t, u = x[0, 0], x[0, :1].item(), np.copy(x[0, 1])
    v = u
    s += 1
    t *= 2
    u *= x[1, 1]
    (w,) = x[1, :1].tolist()
    w += 3
    y = u.tolist()
    y += 1
    return np.sum(x**2) * s * t * v * w * y


@in_memory
def grids_are_copies_unless_views_are_asked_for(x: Any) -> Any:
    total = 0.0
    for sparse in False, True:
        g, _ = np.meshgrid(x[0], x[1], sparse=sparse)
        g[0, 0] = x[1, 1] * 2
        total = total + np.sum(g**2)
    views = np.meshgrid(x[0], x[1], sparse=True, copy=False)
    views[0][0, 1] = x[1, 2] ** 2
    return total + np.sum(x**3)


@in_memory
def conversions_copy_where_the_order_asks_for_it(x: Any) -> Any:
    total = 0.0
    for y in (
        onp.ascontiguousarray(x), onp.asfortranarray(x), onp.asarray(x, order="F"), onp.asanyarray(x, order="C"),
        onp.array(x, copy=None, order="F"), onp.require(x, None, ["C"]), onp.require(x, None, ["F"]), onp.block(x),
        x.astype(float, order="C", copy=False), onp.array(x, copy=None, ndmin=3)[0],
    ):  # fmt: skip
        y[0, 1] = y[1, 2] * 2
        y.reshape(-1)[4] = x[1, 0] ** 2
        total = total + np.sum(y * x)
    return total


@in_memory
def what_gives_back_the_array_itself_is_written_into(x: Any) -> Any:
    for i, y in enumerate(
        (x.astype(float, copy=False), onp.asarray(x), np.broadcast_arrays(x)[0], np.real_if_close(x), x.real, x.conj())
    ):  # fmt: skip
        y[i % 2, i % 3] = x[1, 2] / 2
        y += x[0, 0]
    return np.sum(x**2)


@in_memory
def through_flat(x: Any) -> Any:
    x.flat[1] = x[1, 2] ** 2
    x.T.flat[1] = x[0, 0] * 3
    x.T.flat[[3, -1]] = [x[0, 1], 2 * x[0, 2]]
    picked = x.flat[1:3]
    picked[0] = 7.0
    y, z = x.copy(), x[:, ::2]
    y.flat = x[0]
    y.T.flat[2:5] = [y[0, 0], 2.0, x[0, 1]]
    flat = y.flat
    y[1, 1] = x[0, 2]
    flat[2] = flat[4] * x[0, 0]
    y.flat[y.ravel() > 1] = x[1, 1]
    z.flat = picked * x[0, 0]
    return (
        np.sum(x**2)
        + np.sum(y.flat)
        + np.sum(np.exp(y.flat))
        + np.sum(picked)
        + np.sum(x.ravel()[y.flat == y.flat[0]])
    )


@in_memory
def any_order_is_no_reason_to_copy(x: Any) -> Any:
    part = x[:, ::2]
    onp.asarray(part, order="A")[0, 1] = x[0, 1]
    onp.array(part, order="A", copy=None)[1, 0] *= x[0, 1]
    return np.sum(x**2)


@in_memory
def the_line_of_a_number_is_its_own(x: Any) -> Any:
    s = x[0, 1]
    s.flat[0] = 7.0
    return s * s


@in_memory
def flattened_is_copied(x: Any) -> Any:
    for order in "CFAK":
        x.flatten(order)[0] = 0.0
        x.flat.copy()[0] = 0.0
        x = x * x.flatten(order)[1]
    return np.sum(x)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("name", MEMORY)
def test_what_shares_memory_and_how_it_lies_there_are_as_in_numpy(name: str, order: Any) -> None:
    function, x, h = MEMORY[name], np.array(X, order=order), 1e-6
    directions = np.eye(X.size).reshape(-1, *X.shape)
    numeric = np.array(
        [
            (function(np.array(X + h * d, order=order)) - function(np.array(X - h * d, order=order)))
            / (2 * h)
            for d in directions
        ]
    )
    value, gradient = opreg.value_and_grad(function)(x)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(value, function(x.copy("K")), rtol=1e-14)
    np.testing.assert_allclose(np.ravel(gradient), numeric, rtol=1e-6, atol=1e-7)
    tangents = [opreg.jvp(function, (x,), (d,))[1] for d in directions]
    np.testing.assert_allclose(tangents, numeric, rtol=1e-6, atol=1e-7)
    twice = opreg.grad(lambda x: np.sum(opreg.grad(function)(x) * X))(x)
    np.testing.assert_allclose(twice, opreg.jvp(opreg.grad(function), (x,), (X,))[1], rtol=1e-12, atol=1e-12)


RESULTS: dict[str, Callable[[Any], Any]] = {
    "delete": lambda x: np.delete(x, 1, axis=1),
    "gradient": lambda x: np.gradient(x, axis=1),
    "insert": lambda x: np.insert(x, 1, 0.5, axis=0),
    "matrix_power": lambda x: np.linalg.matrix_power(x[:, :2], 0),
    "median": lambda x: np.median(np.stack([x, x], axis=-1), axis=2),
    "partition": lambda x: np.partition(x, 1, axis=1),
    "piecewise": lambda x: np.piecewise(x, [x > 0.6], [np.sin, 1.0]),
    "select": lambda x: np.select([x > 0.6, x > 0], [x, 2 * x]),
    "sort": lambda x: np.sort(x, axis=0),
    "sort of axes moved": lambda x: np.sort(np.stack([x, -x]).transpose(1, 0, 2), axis=0),
    "unwrap": lambda x: np.unwrap(x * 5, axis=0),
}


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("name", RESULTS)
def test_results_lie_in_memory_as_numpys_do(name: str, order: Any) -> None:
    x = np.array(X, order=order)
    plain = np.ravel(RESULTS[name](x), order="K")
    np.testing.assert_allclose(opreg.vjp(lambda x: np.ravel(RESULTS[name](x), order="K"), x)[0], plain)


SCALARS: dict[str, Callable[[Any], Any]] = {
    "average": lambda x: np.average(x, returned=True)[1],
    "interp": lambda x: np.interp(x[0], x, x),
    "median": np.median,
    "nanmedian": np.nanmedian,
    "quantile": lambda x: np.quantile(x, 0.3),
    "nanquantile": lambda x: np.nanquantile(x, 0.3),
    "item": lambda x: x[:1].item(),
    "astype": lambda x: x[0].astype(float),
    "copy": lambda x: x[0].copy(),
}


@pytest.mark.parametrize("name", SCALARS)
def test_a_result_that_is_a_number_in_numpy_is_not_changed_in_place(name: str) -> None:
    def function(x: Any) -> Any:
        number = same = SCALARS[name](x)
        number += 1
        return same + 0 * x[0]

    x = np.array([1.0, 2.0, 4.0])
    assert opreg.value_and_grad(function)(x)[0] == function(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.piecewise(x[0, ...], [True], [np.sin]),
        lambda x: np.real_if_close(x[0, ...]),
        lambda x: np.select([True], [x[0, ...]]),
        lambda x: onp.array(x[0]),
    ],
)
def test_a_result_that_is_an_array_in_numpy_is_changed_in_place(make: Callable[[Any], Any]) -> None:
    def function(x: Any) -> Any:
        array = same = make(x)
        array += 1
        return np.sum(same) + x[0]

    x = np.array([1.0, 2.0, 4.0])
    assert opreg.value_and_grad(function)(x)[0] == function(x.copy())


@pytest.mark.parametrize("turn", [lambda x: x[:, ::2], lambda x: x[::-1], lambda x: x[:, ::-1].T])
def test_gaps_and_reversed_axes_remain_when_an_array_is_written_into(turn: Callable[[Any], Any]) -> None:
    def function(x: Any) -> Any:
        x[0] = 2 * x[1]
        x += 1
        x.reshape(-1)[0] = 5 * x[1, 1]  # a copy, or a view
        x.ravel("K")[1] = 7 * x[0, 1]
        return np.sum(x * x)

    x = turn(np.array(X))
    value, gradient = opreg.value_and_grad(function)(x)
    tangent = opreg.jvp(function, (x,), (np.ones(x.shape),))[1]
    np.testing.assert_array_equal(x, turn(X))
    np.testing.assert_allclose(gradient.sum(), tangent, rtol=1e-14)
    h = 1e-6
    slope = (function(turn(X + h)) - function(turn(X - h))) / (2 * h)
    np.testing.assert_allclose(tangent, slope, rtol=1e-6)
    assert value == function(turn(np.array(X)))


def test_a_new_array_lies_in_the_order_that_is_asked_for() -> None:
    def function(x: Any) -> Any:
        y = np.zeros((2, 3), order="F", like=x)
        y.T.reshape(-1)[1] = x[0]
        assert y.flags.f_contiguous
        return np.sum(y)

    assert opreg.grad(function)(np.ones(2)).tolist() == [1, 0]


def test_a_long_chain_of_views_is_written_through() -> None:
    def function(x: Any) -> Any:
        view = x
        for _ in range(3000):
            view = view[:]
        x[0] = x[1] * 2
        view[2] = 0.0
        return np.sum(x)

    assert opreg.grad(function)(np.array([1.0, 2.0, 3.0])).tolist() == [0, 3, 0]


def test_what_must_not_be_copied_is_not() -> None:
    def function(x: Any) -> Any:
        with pytest.raises(ValueError, match="copy"):
            onp.asarray(x.T, order="C", copy=False)
        assert onp.array(x, copy=False) is x
        assert onp.asarray(x.T, order="F", copy=False).flags.fnc
        return np.sum(x)

    assert opreg.grad(function)(X).tolist() == np.ones((2, 3)).tolist()


def test_an_array_of_an_outer_derivative_is_written_into_by_an_inner_one() -> None:
    def inner(x: Any, v: Any) -> Any:
        x[0] = v * x[1]
        return (x**2).sum()

    mixed = opreg.grad(lambda v: opreg.grad(inner)(np.array([1.0, 2.0]), v)[1])
    assert mixed(3.0) == 24.0  # d/dv of 2 v**2 x + 2 x at x = 2


def test_float32_stays_float32() -> None:
    def function(x: Any) -> Any:
        x[0] = np.float64(3) * x[1]
        x *= np.float64(2)
        return x.sum()

    found = opreg.grad(function)(np.ones(3, np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [0, 8, 2]


def test_a_variable_is_not_written_into_but_what_is_computed_of_it_is() -> None:
    x = opreg.variable(X)
    with pytest.raises(opreg.NotDifferentiable, match=r"y = x.copy\(\)"):
        x[0] = 1.0
    with pytest.raises(opreg.NotDifferentiable, match=r"y = x.copy\(\)"):
        x.T[0] = 1.0
    y = x.copy()
    y[0] = 1.0
    np.testing.assert_array_equal(np.sum(y * y).grad(x), [[0, 0, 0], 2 * X[1]])
    z = x
    z += 1  # binds the name to the sum, as of a number
    assert z is not x
    np.testing.assert_array_equal(x.primal, X)


def sequence_for_one() -> tuple[type[Exception], str]:
    """Return the error with which this NumPy refuses an array of one element for a number; older ones warn only."""
    try:
        with warnings.catch_warnings(action="error"):
            np.zeros(1)[0] = np.ones(1)  # type: ignore[call-overload]
    except (ValueError, TypeError, DeprecationWarning) as error:
        return type(error), str(error)[:20]
    raise AssertionError("this NumPy takes it without a word")


REFUSED: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "complex into real": (lambda x: x.__setitem__(0, 1j), TypeError, "np.real"),
    "out of bounds": (lambda x: x.__setitem__(5, 1.0), IndexError, "out of bounds"),
    "another shape": (lambda x: x.__setitem__(0, np.ones(2)), ValueError, r"shape \(2,\) into shape \(3,\)"),
    "text": (lambda x: x.__setitem__(0, "a"), ValueError, "could not convert"),
    "a broadcast view": (lambda x: np.broadcast_to(x, (2, 2, 3)).__setitem__(0, 1), ValueError, "read-only"),
    "a diagonal": (lambda x: x.diagonal().__setitem__(0, 1), ValueError, "read-only"),
    "the imaginary part of real numbers": (
        lambda x: np.imag(x).__setitem__((0, 0), 1),
        ValueError,
        "read-only",
    ),
    "a sequence for one element": (lambda x: x.__setitem__((0, 0), x[:1, 0] * 2), *sequence_for_one()),
    "a real part": (lambda x: (1j * x).real.__setitem__(0, 1), opreg.NotDifferentiable, "real \\+ 1j"),
    "a number": (lambda x: x.sum().__setitem__((), 1), TypeError, "item assignment"),
    "a larger sum": (lambda x: x.__iadd__(np.ones((2, 2, 3))), ValueError, "non-broadcastable output"),
    "a sequence for one in line": (lambda x: x.flat.__setitem__(0, [1.0, 2.0]), *sequence_for_one()),
    "through the line of a broadcast array": (
        lambda x: np.broadcast_to(x, (2, 2, 3)).flat.__setitem__(0, 9.0),
        ValueError,
        "read-only",
    ),
    "to the line of a broadcast array": (
        lambda x: setattr(np.broadcast_to(x, (2, 2, 3)), "flat", 9.0),
        ValueError,
        "read-only",
    ),
    "through the line of a part of a grid": (
        lambda x: np.meshgrid(x[0], x[1], copy=False)[0].flat.__setitem__(0, 9.0),
        ValueError,
        "read-only",
    ),
    "beyond the end of the line": (lambda x: x.flat.__setitem__(9, 1.0), IndexError, "out of bounds"),
    "to the shape": (lambda x: setattr(x, "shape", (3, 2)), AttributeError, r"np\.reshape\(x, shape\)"),
    "to the dtype": (lambda x: setattr(x, "dtype", np.float32), AttributeError, r"np\.astype\(x, dtype\)"),
    "to the strides": (lambda x: setattr(x, "strides", (8, 8)), AttributeError, r"x = x\[::2\]"),
    "to another attribute": (lambda x: setattr(x, "nbytes", 3), AttributeError, "nbytes"),
    "to a real part": (lambda x: setattr(1j * x, "real", 1.0), opreg.NotDifferentiable, "real \\+ 1j"),
    "to the imaginary part of real numbers": (lambda x: setattr(x, "imag", 1.0), TypeError, "real numbers"),
    "to an attribute of a number": (lambda x: setattr(x[0, 0], "real", 1.0), AttributeError, "float64"),
    "deletion": (lambda x: x.__delitem__(0), ValueError, r"np\.delete\(x, index\)"),
    "a complex sum": (lambda x: x.__iadd__(1j), TypeError, "same_kind"),
    "products at places": (lambda x: np.multiply.at(x, 0, 2), opreg.NotDifferentiable, r"multiply\(x\[i\]"),
    "another size": (lambda x: x.resize((3, 2)), opreg.NotDifferentiable, "np.reshape"),
    "into a plain array": (
        lambda x: np.zeros((2, 3)).__setitem__(0, x[0]),
        opreg.NotDifferentiable,
        "plain array",
    ),
    "a sum into a plain array": (lambda x: np.zeros((2, 3)).__iadd__(x), opreg.NotDifferentiable, "like=x"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_numpy_refuses_or_no_derivative_passes_through_is_refused_and_changes_nothing(name: str) -> None:
    call, error, words = REFUSED[name]

    def attempted(x: Any) -> Any:
        with pytest.raises(error, match=words):
            call(x)
        return np.sum(x**2)

    np.testing.assert_array_equal(opreg.grad(attempted)(X), 2 * X)


def test_the_real_part_of_real_numbers_is_assigned_to_as_the_numbers_themselves_are() -> None:
    def assigned(x: Any) -> Any:
        y = x * 2
        y.real = x[0]
        return np.sum(y**2)

    np.testing.assert_array_equal(opreg.grad(assigned)(X), [4 * X[0], 0 * X[1]])


def test_a_number_written_into_a_plain_array_is_refused_with_advice() -> None:
    def writes(x: Any) -> Any:
        y = np.zeros(3)
        y[0] = x[0, 0]
        return y.sum()

    with pytest.raises(ValueError) as raised:  # NumPy's own
        opreg.grad(writes)(X)
    assert "np.zeros(shape, like=x)" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    "new", [np.zeros_like, np.ones_like, np.empty_like, lambda x, **kw: np.full_like(x, 2.0, **kw)]
)
def test_a_new_array_that_holds_no_traced_value_serves_as_a_plain_one(new: Any) -> None:
    def constant(x: Any) -> Any:
        y = new(x)
        assert type(new(x, dtype=int)) is np.ndarray
        y[0] = 2
        two, three = y[0, 0], np.sum(y[0]) / 2
        assert (float(two), int(three), complex(two), range(5)[np.astype(two, int)]) == (2.0, 3, 2 + 0j, 2)
        assert [5, 6, 7][np.count_nonzero(y[0, :1])] == 6
        buffer = np.zeros(3)
        buffer[1:] = y[0, 1:]
        buffer[0] = three
        assert buffer.tolist() == [3, 2, 2]
        y[0, 0] = x[0, 0]
        with pytest.raises(opreg.NotDifferentiable, match="become float"):
            float(y[0, 1])  # of an array that holds one
        return np.sum(x * buffer)

    np.testing.assert_array_equal(opreg.grad(constant)(X), [[3, 2, 2]] * 2)
    np.testing.assert_array_equal(opreg.jvp(constant, (X,), (X,))[1], np.sum(X * [3, 2, 2]))


def test_a_new_array_of_nested_values_takes_those_of_both_levels() -> None:
    def inner(y: Any, x: Any) -> Any:
        found = np.zeros_like(x)
        found[0], found[1] = x[0] * y[1], y[0] * x[1] ** 2
        return np.sum(found**2)

    x, h = np.array([0.5, -1.5]), 1e-6
    found = opreg.jacrev(lambda y: opreg.grad(inner, 1)(y, x))(x)
    steps = [
        (opreg.grad(inner, 1)(x + h * d, x) - opreg.grad(inner, 1)(x - h * d, x)) / (2 * h) for d in np.eye(2)
    ]
    np.testing.assert_allclose(found, np.transpose(steps), rtol=1e-7, atol=1e-9)
    forward = opreg.jacfwd(lambda y: opreg.grad(inner, 1)(y, x))(x)
    np.testing.assert_allclose(forward, found, rtol=1e-14)


def test_the_backward_pass_asks_for_no_derivative_by_what_is_constant() -> None:
    asked = []

    @opreg.primitive("tests.weighted")
    def weighted(x: Any, w: Any, /) -> Any:
        return x * w

    weighted.defvjp(x=lambda g, w: g * w, w=lambda g, x: asked.append(1) or g * x)
    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(weighted(x, np.ones_like(x))))(x), [1, 1])
    assert not asked
    v = opreg.variable(x)
    w = np.ones_like(v)
    np.testing.assert_array_equal(np.sum(weighted(v, w)).grad(w), x)  # who asks by it gets it
    assert asked


def test_the_rows_that_the_tape_keeps_do_not_keep_each_version_of_the_table() -> None:
    versions: list[weakref.ref[Any]] = []

    def recurrence(x: Any) -> Any:
        y = np.zeros((50, 3), like=x)
        y[0] = x[0]
        for i in range(1, 50):
            y[i] = y[i - 1] * x[1]  # whose rule keeps the row
            versions.append(weakref.ref(opreg.stop_gradient(y)))
        assert len([1 for version in versions if version() is not None]) == 1
        return np.sum(y)

    powers = X[1] ** np.arange(50)[:, None]
    np.testing.assert_allclose(opreg.grad(recurrence)(X)[0], powers.sum(0), rtol=1e-12)


def test_views_that_nobody_holds_are_forgotten() -> None:
    def function(x: Any) -> Any:
        y = x * 1.0
        for _ in range(50):
            y[0, 1:].sum()
        assert len(y.viewed_by) <= 8  # of 50
        y[0] = 0
        assert y.viewed_by == []
        return y.sum()

    assert opreg.grad(function)(X).tolist() == [[0, 0, 0], [1, 1, 1]]


@pytest.mark.filterwarnings("ignore")
def test_every_primitive_that_gives_views_says_so() -> None:
    """What it does not say is not written through: the values would differ from NumPy's without a word."""
    silent = []
    for primitive in plugins.primitives():
        if primitive.view or primitive.is_composite or not primitive.name.startswith(("numpy.", "operator.")):
            continue
        for generator in primitive.sample_generators:
            for sample in generator(stream(0, primitive.name)):
                data, static = primitive.canonical(sample.args, sample.kwargs)
                out = primitive.forward(*data, **static)
                if isinstance(out, np.ndarray) and out.size and np.shares_memory(out, np.asarray(data[0])):
                    silent.append(primitive.name)
    assert not silent


def test_an_array_without_axes_remains_one_when_it_is_changed_in_place() -> None:
    def function(x: Any) -> Any:
        array = same = np.zeros((), like=x)
        array += x[0]
        array[...] = x[1] * array
        array *= 2.0
        return same * x[2]

    x = np.array([1.0, 2.0, 4.0])
    value, gradient = opreg.value_and_grad(function)(x)
    assert value == function(x.copy()) == 16.0
    np.testing.assert_array_equal(gradient, [16.0, 8.0, 4.0])
    assert opreg.jvp(function, (x,), (x,))[1] == 48.0


def test_a_number_is_written_into_by_a_mask_alone() -> None:
    def function(x: Any) -> Any:
        s, t = x.sum(), x.sum()
        s[np.bool_(True)] = x[0] ** 2
        t[np.asarray(False)] = np.nan
        for index in (), 0, ..., np.array([True]):
            with pytest.raises(TypeError, match="item assignment"):
                s[index] = 1.0
        return s + t

    assert opreg.grad(function)(np.array([3.0, 2.0])).tolist() == [7.0, 1.0]


def test_a_number_of_pythons_is_not_written_into_by_a_mask_either() -> None:
    def function(x: Any) -> Any:
        for mask in True, np.bool_(True), np.asarray(False):
            with pytest.raises(TypeError, match="item assignment"):
                x[mask] = 1.0
        return x * x

    assert opreg.grad(function)(3.0) == 6.0


def test_a_view_does_not_change_with_the_list_that_gave_its_shape() -> None:
    def function(x: Any) -> Any:
        y, shape = x * 1.0, [3, 2]
        view = np.reshape(y, shape)
        shape[:] = [2, 3]
        y[0, 0] = 5.0
        return np.sum(view[0])

    assert opreg.grad(function)(X).tolist() == [[0, 1, 0], [0, 0, 0]]
