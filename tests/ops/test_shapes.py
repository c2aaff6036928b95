"""Shapes: rearranging, repeating and padding, each with every keyword."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import gradient
from finite_differences import check

import opreg
from opreg import plugins

NAMES = (
    "reshape", "ravel", "squeeze", "expand_dims", "broadcast_to", "broadcast_arrays", "atleast_1d", "atleast_2d",
    "atleast_3d", "meshgrid", "transpose", "swapaxes", "moveaxis", "rollaxis", "matrix_transpose", "flip", "fliplr",
    "flipud", "roll", "rot90", "repeat", "tile", "pad", "diag", "diagflat", "diagonal", "trace", "tril", "triu",
    "astype", "copy", "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray",
)  # fmt: skip

A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_agree_with_finite_differences_on_the_samples(name: str) -> None:
    assert check(f"numpy.{name}") >= 5


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_reshape_is_undone_in_its_order(order: Any) -> None:
    found = gradient(lambda x: np.reshape(x, (3, 2), order=order), A)
    weights = np.arange(1.0, 7).reshape(3, 2)
    assert found.tolist() == weights.reshape((2, 3), order=order).tolist()


@pytest.mark.parametrize("order", ["A", "K"])
def test_an_order_that_depends_on_the_memory_is_undone_in_the_same(order: Any) -> None:
    x = np.asfortranarray(A)
    found = gradient(lambda x: np.ravel(x, order=order), x)
    assert found.tolist() == [[1, 3, 5], [2, 4, 6]]


def test_no_array_is_kept_for_its_shape() -> None:
    """The tape of a chain of reshapes holds shapes, not the data."""
    import tracemalloc

    x = np.ones(1_000_000)
    tracemalloc.start()
    opreg.vjp(lambda x: np.sum(np.concatenate([x, x])[:10]), x)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 1_000_000


def test_broadcasting_sums_over_new_and_stretched_axes() -> None:
    assert gradient(lambda x: np.broadcast_to(x, (2, 1, 3)), np.zeros((1, 3))).tolist() == [[5.0, 7.0, 9.0]]


def test_transposing_a_box_that_is_no_cube() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    weights = np.arange(1.0, 25).reshape(4, 2, 3)
    assert gradient(lambda x: np.transpose(x, (2, 0, 1)), x).tolist() == weights.transpose(1, 2, 0).tolist()


def test_permute_dims_is_transpose() -> None:
    assert gradient(lambda x: np.permute_dims(x, (1, 0)), A).tolist() == [[1, 3, 5], [2, 4, 6]]


def test_roll_by_several_shifts_over_one_axis() -> None:
    assert gradient(lambda x: np.roll(x, (1, 1), axis=(0, 0)), np.zeros(3)).tolist() == [3.0, 1.0, 2.0]


def test_repeat_by_an_array_of_counts() -> None:
    assert gradient(lambda x: np.repeat(x, [2, 0, 1]), np.zeros(3)).tolist() == [3.0, 0.0, 3.0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("edge", [1 + 2 + 3, 4, 5, 6 + 7]),
        ("reflect", [3, 2 + 4, 1 + 5 + 7, 6]),
        ("wrap", [3 + 7, 4, 1 + 5, 2 + 6]),
    ],
)
def test_padding_copies_elements(mode: Any, expected: list[float]) -> None:
    assert gradient(lambda x: np.pad(x, (2, 1), mode=mode), np.zeros(4)).tolist() == expected


def test_the_constant_of_a_padding_has_no_part_in_the_tangent() -> None:
    _, tangent = opreg.jvp(lambda x: np.pad(x, 1, constant_values=7.0), (np.ones(1),), (np.array([2.0]),))
    assert tangent.tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("constant", {"constant_values": ((1.0, 2.0), (3.0, 4.0))}),
        ("linear_ramp", {"end_values": ((5.0, 6.0), (7.0, 8.0))}),
        ("maximum", {}),
        ("mean", {"stat_length": ((1, 2), (2, 9))}),
        ("minimum", {"stat_length": 2}),
        ("median", {}),
        ("reflect", {"reflect_type": "odd"}),
        ("symmetric", {"reflect_type": "odd"}),
    ],
)
@pytest.mark.parametrize("widths", [0, 1, ((2, 7), (9, 0)), ((0, 3), (12, 12))])
def test_a_margin_of_any_mode_has_the_value_of_numpy(mode: Any, options: Any, widths: Any) -> None:
    expected = np.pad(A, widths, mode, **options)
    found, tangent = opreg.jvp(lambda x: np.pad(x, widths, mode, **options), (A,), (np.ones_like(A),))
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)
    step = 2.0**-20
    change = (np.pad(A + step, widths, mode, **options) - np.pad(A - step, widths, mode, **options)) / (
        2 * step
    )
    np.testing.assert_allclose(tangent, change, rtol=1e-8, atol=1e-8)


def test_what_lies_in_an_empty_margin_has_no_derivative() -> None:
    assert gradient(lambda x: np.pad(x, 1, "empty"), A).tolist() == [[7, 8, 9], [12, 13, 14]]


def test_the_values_of_a_margin_may_be_traced() -> None:
    by_constants = opreg.grad(
        lambda c: np.sum(opreg.numpy.pad(A, 1, constant_values=(c[0], c[1])) * [1.0, 1, 1, 1, 3])
    )
    assert by_constants(np.ones(2)).tolist() == [5.0 + 2, 5.0 + 2 + 2 + 2 + 4]
    by_end = opreg.grad(lambda e: opreg.numpy.pad(np.ones(2), (4, 0), "linear_ramp", end_values=e).sum())
    assert by_end(0.0) == 1 + 0.75 + 0.5 + 0.25


def test_what_numpy_refuses_of_a_padding_is_refused_as_it_does() -> None:
    def error(function: Any) -> tuple[type, str]:
        with pytest.raises((ValueError, TypeError)) as caught:
            function()
        return type(caught.value), str(caught.value)

    for args, kwargs in (
        ((1, "foo"), {}),
        ((-1,), {}),
        ((1.5,), {}),
        ((1, "edge"), {"constant_values": 1}),
        ((1, "mean"), {"stat_length": -1}),
        ((1, "maximum"), {"stat_length": 0}),
    ):
        plain = error(lambda args=args, kwargs=kwargs: np.pad(A, *args, **kwargs))
        assert (
            error(lambda args=args, kwargs=kwargs: opreg.vjp(lambda x: np.pad(x, *args, **kwargs), A))
            == plain
        )
    with pytest.raises(ValueError, match="empty axis"):
        opreg.vjp(lambda x: np.pad(x, 1, "mean"), np.ones((2, 0)))
    with pytest.raises(opreg.NotDifferentiable, match="a function as its mode"):
        opreg.vjp(lambda x: np.pad(x, 1, lambda *args: None), A)


def test_padding_by_axes_that_are_named() -> None:
    if np.lib.NumpyVersion(np.__version__) < "2.2.0":
        pytest.skip("a pad_width by axes is of NumPy 2.2")
    assert gradient(lambda x: np.pad(x, {-1: (1, 0)}), A).tolist() == [[2, 3, 4], [6, 7, 8]]


def test_the_diagonal_of_a_wide_matrix() -> None:
    assert gradient(lambda x: np.diag(x, 1), A).tolist() == [[0, 1, 0], [0, 0, 2]]


def test_tril_of_a_vector_makes_rows_of_it() -> None:
    np.testing.assert_array_equal(gradient(np.tril, np.ones(2)), [1 + 3, 4])


def test_astype_returns_the_cotangent_in_the_type_of_the_primal() -> None:
    found = opreg.grad(lambda x: np.sum(x.astype(np.float64)))(np.ones(2, np.float32))
    assert found.dtype == np.float32


def test_astype_to_complex_gives_a_real_cotangent() -> None:
    found = opreg.grad(lambda x: np.real(np.sum(np.astype(x, np.complex128) * (2 + 3j))))(np.ones(2))
    assert found.dtype == np.float64
    assert found.tolist() == [2.0, 2.0]


def test_astype_to_integers_is_a_constant() -> None:
    assert opreg.grad(lambda x: np.sum(x * np.astype(x, int)))(np.array([2.5])).tolist() == [2.0]


def test_an_array_of_traced_numbers() -> None:
    array = plugins.get("numpy.array")
    found = opreg.grad(
        lambda x, y: np.sum(array([[x, 2.0], [y, x * y]]) * np.array([[1.0, 2], [3, 4]])), (0, 1)
    )(2.0, 3.0)
    assert found == (1 + 4 * 3.0, 3 + 4 * 2.0)


def test_functions_of_several_arrays_return_a_tuple() -> None:
    out, pull = opreg.vjp(lambda x: np.atleast_2d(x, 1.0), np.ones(2))
    assert isinstance(out, tuple)
    assert [part.shape for part in out] == [(1, 2), (1, 1)]
    assert pull((np.ones((1, 2)), np.ones((1, 1))))[0].tolist() == [1.0, 1.0]
