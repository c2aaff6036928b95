"""Sums, products, means, variances, and running sums and products."""

import itertools
import weakref

import numpy as np
import pytest
from families import names_of

import opreg
from opreg import plugins
from opreg.testing import conformance
from opreg_numpy import reductions

test_rules = conformance(*names_of(reductions), samples=1)

AXES = [None, 0, 1, -1, (0, 2), (-1, 1), (0, 1, 2), ()]


def pulled(f, x, seed=0):
    """Return a signed, uneven cotangent and what it becomes."""
    out, pullback = opreg.vjp(f, x)
    g = np.random.default_rng(seed).standard_normal(np.shape(out))
    g = np.asarray(g, np.result_type(out))
    return g, pullback(g)[0]


# --------------------------------------------------------------------------------------------- sum, mean
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("f", [np.sum, np.mean], ids=["sum", "mean"])
def test_every_element_gets_its_part_of_the_cotangent(f, axis, keepdims) -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 4)).astype(np.float32)
    g, got = pulled(lambda x: f(x, axis=axis, keepdims=keepdims), x)
    kept = np.sum(x, axis=axis, keepdims=True).shape
    number = 1 if f is np.sum else x.size / np.prod(kept)
    np.testing.assert_allclose(got, np.broadcast_to(g.reshape(kept) / number, x.shape), rtol=1e-6)
    assert got.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize(
    "kwargs", [{}, {"axis": 1}, {"axis": (), "keepdims": True}, {"axis": (0, 2), "keepdims": True},
               {"axis": 1, "where": np.array([[True], [False], [True]])}, {"dtype": np.complex128}],
)  # fmt: skip
@pytest.mark.parametrize("f", [np.mean, np.var, np.std])
def test_a_traced_value_is_numpys_to_the_bit(f, kwargs, dtype) -> None:
    z = np.random.default_rng(2).standard_normal((40, 3, 50, 2)) @ [1, 0.5j]
    x = z.astype(dtype) if np.dtype(dtype).kind == "c" else z.real.astype(dtype)
    for a in x, np.asfortranarray(x), x[::2], x[0, 0, 0]:
        if np.ndim(a) or not {"axis", "where"} & kwargs.keys():
            expected = f(a, **kwargs)
            for got in (
                opreg.vjp(lambda a: f(a, **kwargs), a)[0],
                opreg.jvp(lambda a: f(a, **kwargs), (a,), (a,))[0],
            ):
                assert np.array_equal(got, expected) and got.dtype == expected.dtype
                assert type(got) is type(expected)


def test_the_gradient_of_a_sum_may_be_written_to() -> None:
    got = opreg.grad(np.sum)(np.ones((2, 3)))
    got[0] *= 2
    np.testing.assert_array_equal(got, [[2, 2, 2], [1, 1, 1]])


@pytest.mark.parametrize("axis", [0, 1, (0, 2), None])
def test_the_gradient_of_a_sum_lies_in_c_order(axis) -> None:
    x = np.ones((3, 4, 5))
    weights = np.ones(np.shape(np.sum(x, axis=axis)))
    for f in np.sum, np.mean:
        assert opreg.grad(lambda x, f=f: np.sum(f(x, axis=axis) * weights))(x).flags.c_contiguous


def test_a_sum_does_not_keep_its_data_on_the_tape() -> None:
    shadow = []

    def loss(x):
        y = x * 2.0
        shadow.append(weakref.ref(y.primal))
        return np.sum(np.mean(y, axis=0))

    _, pullback = opreg.vjp(loss, np.ones((2, 3)))
    assert shadow[0]() is None
    np.testing.assert_array_equal(pullback(1.0)[0], np.ones((2, 3)))


def test_a_mask_leaves_out_elements_and_the_mean_counts_the_others() -> None:
    x, mask = np.ones((2, 3)), np.array([True, False, True])
    got = opreg.grad(lambda x: np.sum(x, where=mask, initial=5.0))(x)
    np.testing.assert_array_equal(got, [[1, 0, 1], [1, 0, 1]])
    ragged = np.array([[True, True, True], [True, False, False]])
    got = opreg.grad(lambda x: np.sum(np.mean(x, axis=1, where=ragged)))(x)
    np.testing.assert_allclose(got, [[1 / 3, 1 / 3, 1 / 3], [1, 0, 0]], rtol=1e-15)


def test_the_initial_value_of_a_sum_is_no_part_of_its_tangent() -> None:
    out, tangent = opreg.jvp(lambda x: np.sum(x, initial=5.0), (np.ones(2),), (np.array([1.0, 2.0]),))
    assert (out, tangent) == (7.0, 3.0)
    out, tangent = opreg.jvp(
        lambda x: np.prod(x, initial=5.0), (np.array([2.0, 3.0]),), (np.array([1.0, 2.0]),)
    )
    assert (out, tangent) == (30.0, 35.0)


@pytest.mark.parametrize(
    "f", [np.sum, np.mean, np.prod, np.cumsum, np.cumprod, np.var, np.std], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(("data", "dtype"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_dtype_is_of_the_result_and_the_cotangent_of_the_data(f, data, dtype) -> None:
    x = np.array([0.5, 2.0, 3.0], data)
    out, pullback = opreg.vjp(lambda x: f(x, dtype=dtype), x)
    g = np.ones(np.shape(out), dtype)
    got = pullback(g)[0]
    assert (np.result_type(out), got.dtype) == (dtype, data)
    expected = opreg.vjp(f, x.astype(float))[1](np.ones(np.shape(out)))[0]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    tangent = opreg.jvp(lambda x: f(x, dtype=dtype), (x,), (np.array([1, 0, 0], data),))[1]
    assert np.result_type(tangent) == dtype
    np.testing.assert_allclose(np.sum(tangent), expected[0], rtol=1e-6)


@pytest.mark.parametrize("f", [np.sum, np.prod], ids=lambda f: f.__name__)
def test_a_real_array_summed_as_complex_numbers_has_a_real_cotangent(f) -> None:
    got = opreg.grad(lambda x: np.real(f(x, dtype=complex) * (2 + 1j)))(np.array([2.0, 3.0]))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [2.0, 2.0] if f is np.sum else [6.0, 4.0])


def test_a_sum_over_nothing() -> None:
    assert opreg.grad(lambda x: np.sum(x))(np.ones((0, 3))).shape == (0, 3)
    assert opreg.grad(lambda x: np.prod(x))(np.ones((2, 0))).shape == (2, 0)


# ------------------------------------------------------------------------------------- variance, deviation
def analytic(x, g, axis, ddof, root, where=True):
    n = np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=True) - ddof
    d = np.where(where, x - np.mean(x, axis=axis, keepdims=True, where=where), 0)
    v = np.sum(np.abs(d) ** 2, axis=axis, keepdims=True) / n
    return g.reshape(n.shape) * np.conj(d) / n * (1 / np.sqrt(v) if root else 2)


@pytest.mark.parametrize("f", [np.var, np.std], ids=["var", "std"])
@pytest.mark.parametrize("axis", [axis for axis in AXES if axis != ()])
@pytest.mark.parametrize("ddof", [0, 1, 0.5])
@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
def test_the_spread_of_data(f, axis, ddof, complex_) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 4, 5)) + (1j * rng.standard_normal((3, 4, 5)) if complex_ else 0)
    mask = np.ones((3, 4, 5), bool)
    mask[0, 0, 0] = mask[1, 2, 1:3] = False
    for where in (True, mask):
        g, got = pulled(lambda x, where=where: f(x, axis=axis, ddof=ddof, where=where), x)
        np.testing.assert_allclose(
            got, analytic(x, g, axis, ddof, f is np.std, where), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize("f", [np.var, np.std], ids=["var", "std"])
def test_correction_is_ddof_by_another_name(f) -> None:
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(
        opreg.grad(lambda x: f(x, correction=1))(x), opreg.grad(lambda x: f(x, ddof=1))(x)
    )
    with pytest.raises(ValueError, match="correction"):
        opreg.grad(lambda x: f(x, correction=1, ddof=1))(x)


@pytest.mark.parametrize("f", [np.var, np.std], ids=["var", "std"])
def test_a_mean_that_is_given_is_an_argument_of_its_own(f) -> None:
    x, m = np.array([[1.0, 2.0, 4.0]]), np.array([[2.5]])
    dx, dm = opreg.grad(lambda x, m: np.sum(f(x, axis=1, mean=m)), (0, 1))(x, m)
    np.testing.assert_allclose(dm, [[-np.sum(dx)]], rtol=1e-15)
    assert np.sum(dx) != 0
    # through the mean of the data itself, it is the derivative without the keyword
    through = opreg.grad(lambda x: np.sum(f(x, axis=1, mean=np.mean(x, axis=1, keepdims=True))))(x)
    np.testing.assert_allclose(through, opreg.grad(lambda x: np.sum(f(x, axis=1)))(x), rtol=1e-14)


@pytest.mark.parametrize("value", [5.0, 0.1, 1e300])
def test_the_deviation_of_equal_elements_has_the_derivative_zero(value) -> None:
    x = np.full((2, 3), value)
    x[1, 2] = 2.5 * value
    with np.errstate(over="ignore", invalid="ignore"):
        got = opreg.grad(lambda x: np.std(x, axis=1)[0])(x)
    np.testing.assert_array_equal(got, np.zeros((2, 3)))


def test_a_mean_may_not_be_of_more_data_than_there_are() -> None:
    for name in "numpy.var", "numpy.std":
        with pytest.raises(
            ValueError, match=r"a mean of shape \(3, 1\) is not one of data of shape \(1, 4\)"
        ):
            opreg.vjp(lambda x, name=name: plugins.get(name)(x, mean=np.zeros((3, 1))), np.ones((1, 4)))


def test_of_complex_data_the_spread_is_real_though_its_dtype_is_complex() -> None:
    z = np.array([1.0 + 2j, 3.0, -1j])
    g = 2.0 - 5j
    (by_data,) = opreg.vjp(lambda z: np.var(z, dtype=np.complex128), z)[1](g)
    np.testing.assert_allclose(by_data, 2.0 * 2 * np.conj(z - z.mean()) / 3, rtol=1e-15)
    (by_data,) = opreg.vjp(lambda z: np.std(z, dtype=np.complex128), z)[1](g)
    np.testing.assert_allclose(by_data, 2.0 * np.conj(z - z.mean()) / (3 * np.std(z)), rtol=1e-15)


def test_a_complex_mean_of_real_data_makes_a_holomorphic_variance() -> None:
    x, m, g = np.array([1.0, -2.0, 4.0]), np.array([0.5 + 1j]), 1.0 - 3j
    assert np.var(x, mean=m) == pytest.approx(np.mean((x - m) ** 2))  # as NumPy has it
    by_data, by_mean = opreg.vjp(lambda x, m: np.var(x, mean=m), x, m)[1](g)
    np.testing.assert_allclose(by_data, np.real(g * 2 * (x - m) / 3))
    np.testing.assert_allclose(by_mean, [g * np.sum(-2 * (x - m) / 3)])
    t = np.array([2.0, 0.0, 1.0])
    tangent = opreg.jvp(lambda x: np.var(x, mean=m), (x,), (t,))[1]
    np.testing.assert_allclose(tangent, np.sum(t * 2 * (x - m) / 3))


def test_the_hessian_of_a_variance() -> None:
    n = 4
    expected = 2 / (n - 1) * (np.eye(n) - 1 / n)
    np.testing.assert_allclose(
        opreg.hessian(lambda x: np.var(x, ddof=1))(np.array([1.0, -2.0, 0.5, 3.0])),
        expected,
        rtol=1e-14,
        atol=1e-15,
    )


def test_the_hessian_of_a_deviation_annihilates_the_data() -> None:
    # std is homogeneous of degree one in the data, and invariant under shifts
    x = np.array([1.0, -2.0, 0.5, 3.0])
    hessian = opreg.hessian(np.std)(x)
    np.testing.assert_allclose(hessian @ np.stack([x, np.ones(4)], 1), np.zeros((4, 2)), atol=1e-14)
    assert np.abs(hessian).max() > 0.1


# ------------------------------------------------------------------------------------------------ products
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
def test_a_product_has_the_product_of_the_others_as_its_partial(axis, zeros) -> None:
    rng = np.random.default_rng(zeros)
    x = rng.uniform(0.5, 2.0, (2, 3, 4))
    x.flat[rng.permutation(24)[:zeros]] = 0
    g, got = pulled(lambda x: np.prod(x, axis=axis, initial=3.0), x)
    g = g.reshape(np.sum(x, axis=axis, keepdims=True).shape)
    expected = np.empty_like(x)
    for index in np.ndindex(x.shape):
        others = np.array(x)
        others[index] = 1.0
        expected[index] = np.broadcast_to(
            g * np.prod(others, axis=axis, initial=3.0, keepdims=True), x.shape
        )[index]
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_a_product_with_a_mask_takes_the_others_within_it() -> None:
    x, mask = np.array([0.0, 2.0, 3.0, 0.0]), np.array([True, True, True, False])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.prod(x, where=mask))(x), [6.0, 0.0, 0.0, 0.0])


def test_a_product_that_underflows_or_overflows_keeps_its_partials() -> None:
    np.testing.assert_allclose(opreg.grad(np.prod)(np.array([1e-200, 2e-200])), [2e-200, 1e-200], rtol=1e-15)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(opreg.grad(np.prod)(np.array([1e200, 2e200])), [2e200, 1e200], rtol=1e-15)


@pytest.mark.parametrize("x", [[0.0, 0.0, 4.0], [0.0, 3.0, 4.0], [0.0, 0.0, 0.0], [2.0, 3.0, 4.0]])
def test_the_second_and_third_derivatives_of_a_product_are_exact(x) -> None:
    a, b, c = x
    hessian = opreg.hessian(np.prod)(np.array(x))
    np.testing.assert_allclose(hessian, [[0, c, b], [c, 0, a], [b, a, 0]], rtol=1e-14, atol=1e-14)
    third = opreg.jacobian(opreg.hessian(np.prod))(np.array(x))
    expected = np.zeros((3, 3, 3))
    for index in itertools.permutations(range(3)):
        expected[index] = 1
    np.testing.assert_allclose(third, expected, rtol=1e-14, atol=1e-14)


# ----------------------------------------------------------------------------------- running sums, products
@pytest.mark.parametrize("axis", [None, 0, 1, -1, -3])
@pytest.mark.parametrize("f", [np.cumsum, np.cumprod], ids=["cumsum", "cumprod"])
@pytest.mark.parametrize("zeros", [0, 1, 3])
def test_a_running_reduction_against_its_definition(f, axis, zeros) -> None:
    rng = np.random.default_rng(zeros)
    x = rng.uniform(0.5, 2.0, (2, 5, 3))
    x.flat[rng.permutation(30)[:zeros]] = 0
    whole = np.sum if f is np.cumsum else np.prod

    def by_definition(x):
        line, along = (np.reshape(x, -1), 0) if axis is None else (np.moveaxis(x, axis, 0), axis)
        return np.moveaxis(np.stack([whole(line[: i + 1], axis=0) for i in range(len(line))]), 0, along)

    np.testing.assert_allclose(f(x, axis=axis), by_definition(x), rtol=1e-13)
    _, got = pulled(lambda x: f(x, axis=axis), x)
    _, expected = pulled(by_definition, x)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)
    tangent = rng.standard_normal(x.shape)
    np.testing.assert_allclose(
        opreg.jvp(lambda x: f(x, axis=axis), (x,), (tangent,))[1],
        opreg.jvp(by_definition, (x,), (tangent,))[1],
        rtol=1e-12,
        atol=1e-13,
    )


def test_the_second_derivative_of_a_running_product_with_zeros() -> None:
    # the last entry is abc, so its Hessian is that of the product
    got = opreg.hessian(lambda x: np.cumprod(x)[-1])(np.array([0.0, 0.0, 4.0]))
    np.testing.assert_array_equal(got, [[0, 4, 0], [4, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("x", "jacobian"),
    [
        ([-1e200, 1e200], [[1.0, 0.0], [1e200, -1e200]]),
        ([1e-200, 1e-200, 1e250], [[1.0, 0.0, 0.0], [1e-200, 1e-200, 0.0], [1e50, 1e50, 0.0]]),
        ([2.0, 3.0, -4.0], [[1.0, 0.0, 0.0], [3.0, 2.0, 0.0], [-12.0, -8.0, 6.0]]),
    ],
)
def test_running_products_beyond_the_range_of_numbers_have_exact_derivatives(x, jacobian) -> None:
    with np.errstate(over="ignore"):
        found = opreg.jacobian(np.cumprod)(np.array(x))
    np.testing.assert_allclose(found, jacobian, rtol=1e-15)


@pytest.mark.parametrize("include_initial", [False, True])
@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="these are of NumPy 2.1")
@pytest.mark.parametrize(("name", "old"), [("cumulative_sum", np.cumsum), ("cumulative_prod", np.cumprod)])
def test_the_running_reductions_of_the_array_api(name, old, include_initial) -> None:
    f = getattr(np, name)
    x = np.array([[2.0, 0.5], [3.0, -1.0]])
    g = np.arange(1.0, 5.0 + 2 * include_initial).reshape(-1, 2)
    got = opreg.vjp(lambda x: f(x, axis=0, include_initial=include_initial), x)[1](g)[0]
    np.testing.assert_array_equal(got, opreg.vjp(lambda x: old(x, axis=0), x)[1](g[-2:])[0])
    with pytest.raises(ValueError, match="axis"):
        opreg.grad(lambda x: np.sum(f(x)))(x)


def test_the_deviation_of_a_constant_has_the_derivative_zero_though_its_mean_is_rounded() -> None:
    x = np.full((1, 7), 0.1)
    assert np.std(x) > 0
    assert not np.any(opreg.grad(lambda x: np.std(x))(x))
    assert not np.any(opreg.hessian(lambda x: np.std(x))(np.full(7, 0.1)))


# ---------------------------------------------------------------------------------------------- the calling
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "cumsum", "cumprod"])
def test_methods_and_functions_agree_and_out_and_unknown_keywords_are_refused(name) -> None:
    f = getattr(np, name)
    x = np.array([[1.0, 2.0], [4.0, 0.5]])
    expected = opreg.grad(lambda x: np.sum(f(x, axis=0) ** 2))(x)
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(getattr(x, name)(axis=0) ** 2))(x), expected)
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(f(x, 0) ** 2))(x), expected)
    with pytest.raises(opreg.OpregError, match="out="):
        opreg.grad(lambda x: np.sum(f(x, axis=0, out=np.zeros(2))))(x)
    with pytest.raises(TypeError, match="axes"):
        opreg.grad(lambda x: np.sum(opreg.plugins.get(f"numpy.{name}")(x, axes=0)))(x)


def test_an_axis_that_does_not_exist_is_an_error_of_numpy() -> None:
    with pytest.raises(np.exceptions.AxisError):
        opreg.grad(lambda x: np.sum(np.sum(x, axis=2)))(np.ones((2, 3)))


def test_a_traced_initial_value_is_refused_rather_than_lost() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="initial"):
        opreg.grad(lambda x: np.sum(x, initial=x[0]))(np.ones(2))


# ---------------------------------------------------------------------------------------- range and average
def test_the_range_has_one_at_the_greatest_and_minus_one_at_the_least() -> None:
    got = opreg.grad(lambda x: np.sum(np.ptp(x, axis=1)))(np.array([[1.0, 5.0, 3.0], [2.0, 2.0, 0.0]]))
    np.testing.assert_array_equal(got, [[-1, 1, 0], [0.5, 0.5, -1]])


def test_an_average_by_its_data_and_by_its_weights() -> None:
    x, w = np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([1.0, 3.0])
    dx, dw = opreg.grad(lambda x, w: np.sum(np.average(x, axis=0, weights=w)), (0, 1))(x, w)
    np.testing.assert_allclose(dx, [[0.25, 0.25], [0.75, 0.75]], rtol=1e-15)
    np.testing.assert_allclose(dw, np.sum(x - np.average(x, axis=0, weights=w), axis=1) / 4, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("weights", [None, [1.0, 3.0], np.array([1, 3]), np.array([1, 3], np.float32)])
def test_the_sum_of_the_weights_has_the_dtype_of_the_average(dtype, weights) -> None:
    x = np.arange(6).reshape(2, 3).astype(dtype)
    expected = np.average(x, 0, weights, True)
    found = opreg.vjp(lambda x: np.average(x, 0, weights, True), x)[0]
    for got, due in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, due, strict=True)


def test_an_average_says_what_is_wrong_with_its_weights() -> None:
    def at(**kwargs):
        return opreg.grad(lambda x: np.sum(np.average(x, **kwargs)))(np.ones((2, 3)))

    with pytest.raises(TypeError, match="axis"):
        at(weights=np.ones(3))
    with pytest.raises(ValueError, match="do not fit"):
        at(weights=np.ones(3), axis=0)
    with pytest.raises(ZeroDivisionError, match="sum to zero"):
        at(weights=np.zeros(3), axis=1)


@pytest.mark.parametrize(
    "function",
    [
        np.prod, np.cumprod, np.var, np.std, np.sum, np.mean, np.nanprod, np.nancumprod, np.nanvar, np.nanstd,
        np.multiply.reduce, np.multiply.accumulate,
    ],
)  # fmt: skip
@pytest.mark.parametrize(("given", "asked"), [(np.float32, np.float64), (np.float64, complex)])
def test_the_second_derivative_where_another_dtype_is_asked_for(function, given, asked):
    x = np.array([0.5, 2.0, 3.0], given)

    def in_it(x):
        return np.sum(np.real(function(x, dtype=asked)) ** 2)

    def plain(x):
        return np.sum(function(x) ** 2)

    expected = opreg.hessian(plain)(x.astype(float))
    rtol = 1e-5 if given is np.float32 else 1e-12
    np.testing.assert_allclose(opreg.hessian(in_it)(x), expected, rtol=rtol, atol=1e-6)
    twice = opreg.jacrev(opreg.grad(in_it))(x)
    np.testing.assert_allclose(twice, expected, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(("y", "x"), [(1e-20, 1e10), (1e-8, 1e5), (2.0, 3.0)])
def test_the_second_derivative_of_running_products_that_decay(y, x):
    def f(x):
        return np.sum(np.cumprod(np.stack([x, y, x * y])))

    for second in (
        opreg.grad(opreg.grad(f))(x),
        opreg.jvp(opreg.grad(f), (x,), (1.0,))[1],
        opreg.grad(lambda x: opreg.jvp(f, (x,), (1.0,))[1])(x),
    ):
        np.testing.assert_allclose(second, 2 * y * y, rtol=1e-14)
