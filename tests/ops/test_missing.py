"""Reductions that leave out NaN."""

import warnings

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import missing

test_rules = pytest.mark.slow(conformance(*names_of(missing), samples=1))

AXES = [None, 0, 1, -1, (0, 2), (-1, 1), (0, 1, 2)]
NAN = np.nan
PLAIN = {
    getattr(np, f"nan{f.__name__}"): f
    for f in (np.max, np.min, np.sum, np.prod, np.mean, np.var, np.std, np.median)
}
named = pytest.mark.parametrize("f", PLAIN, ids=lambda f: f.__name__)


def holed(shape, seed=0):
    """Return random numbers of which a fifth is NaN, no more than one in each three that follow another."""
    x = np.random.default_rng(seed).standard_normal(shape)
    x.reshape(-1)[::5] = NAN
    return x


# ------------------------------------------------------------------------------------------- of all reductions
@named
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
def test_each_lane_has_the_derivative_of_what_is_not_nan(f, axis, keepdims) -> None:
    x = holed((2, 3, 4))
    out, pullback = opreg.vjp(lambda x: f(x, axis=axis, keepdims=keepdims), x)
    np.testing.assert_allclose(out, f(x, axis=axis, keepdims=keepdims), rtol=1e-14)
    g = np.random.default_rng(1).standard_normal(np.shape(out))
    got = pullback(g)[0]
    expected, g = np.zeros_like(x), g.reshape(f(x, axis=axis, keepdims=True).shape)
    for index in np.ndindex(g.shape):
        lane = tuple(slice(None) if n == 1 else slice(i, i + 1) for i, n in zip(index, g.shape, strict=True))
        there = ~np.isnan(x[lane])
        expected[lane][there] = opreg.vjp(PLAIN[f], x[lane][there])[1](g[index])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)


@named
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_the_cotangent_has_the_dtype_of_the_data(f, dtype) -> None:
    x = np.array([[1.0, NAN, 3.0, 2.0]], dtype)
    out, pullback = opreg.vjp(lambda x: f(x, axis=1), x)
    assert out.dtype == f(x, axis=1).dtype
    got = pullback(np.ones_like(out))[0]
    assert (got.dtype, got[0, 1]) == (dtype, 0)
    assert np.isfinite(got).all()


@named
def test_an_infinite_cotangent_does_not_reach_what_is_nan(f) -> None:
    with np.errstate(all="ignore"):
        got = opreg.vjp(lambda x: f(x), np.array([1.0, NAN, 3.0]))[1](np.inf)[0]
    assert got[1] == 0


@named
@pytest.mark.parametrize("order", [1, 2])
def test_a_lane_of_nothing_but_nan_is_constant_and_leaves_the_others_alone(f, order) -> None:
    x = np.array([[NAN, NAN, NAN], [1.0, NAN, 4.0]])

    def total(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.nansum(f(x, axis=1) ** 2)

    derivative = opreg.grad(total) if order == 1 else opreg.hessian(total)
    alone = (
        opreg.grad(lambda x: PLAIN[f](x) ** 2) if order == 1 else opreg.hessian(lambda x: PLAIN[f](x) ** 2)
    )
    got, expected = derivative(x), np.zeros((2, 3) * order)
    index = np.ix_([1], [0, 2]) if order == 1 else np.ix_([1], [0, 2], [1], [0, 2])
    expected[index] = alone(np.array([1.0, 4.0])).reshape(expected[index].shape)
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@named
def test_out_and_unknown_keywords_are_refused(f) -> None:
    x = np.array([[1.0, NAN], [4.0, 0.5]])
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.grad(lambda x: np.sum(f(x, axis=0, out=np.zeros(2))))(x)
    with pytest.raises(TypeError, match="axes"):
        opreg.grad(lambda x: np.sum(opreg.plugins.get(f"numpy.{f.__name__}")(x, axes=0)))(x)
    with pytest.raises(np.exceptions.AxisError):
        opreg.grad(lambda x: np.sum(f(x, axis=2)))(x)


# --------------------------------------------------------------------------------------------------- extrema
@pytest.mark.parametrize(
    ("f", "x", "share"),
    [
        (np.nanmax, [1.0, NAN, 3.0, 3.0], [0, 0, 0.5, 0.5]),
        (np.nanmin, [1.0, NAN, 1.0, 3.0], [0.5, 0, 0.5, 0]),
        (np.nanmax, [NAN, -np.inf], [0, 1]),
        (np.nanmin, [NAN, np.inf], [0, 1]),
    ],
)
def test_ties_share_equally_and_nan_has_no_part(f, x, share) -> None:
    np.testing.assert_array_equal(opreg.grad(f)(np.array(x)), share)


def test_ties_share_equally_beside_a_lane_of_nan() -> None:
    x = np.array([[NAN, NAN], [1.0, 1.0]])
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        got = opreg.vjp(lambda x: np.nanmax(x, axis=1), x)[1](np.ones(2))[0]
    np.testing.assert_array_equal(got, [[0, 0], [0.5, 0.5]])


@pytest.mark.parametrize("f", [np.nanmax, np.nanmin], ids=lambda f: f.__name__)
def test_an_extremum_with_initial_and_where(f) -> None:
    x = np.array([1.0, NAN, -1.0, 2.0])
    start = 1.5 if f is np.nanmax else -0.5
    assert not opreg.grad(lambda x: f(x, initial=start, where=np.array([True, True, False, False])))(x).any()
    got = opreg.grad(lambda x: f(x, initial=0.0, where=np.array([True, True, True, False])))(x)
    np.testing.assert_array_equal(got, [1, 0, 0, 0] if f is np.nanmax else [0, 0, 1, 0])
    with pytest.raises(ValueError, match="initial"):
        opreg.grad(lambda x: f(x, where=x > 0))(x)


@pytest.mark.parametrize("f", [np.nanargmax, np.nanargmin], ids=lambda f: f.__name__)
def test_places_are_constant(f) -> None:
    x = np.array([1.0, NAN, -1.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: x[f(x)])(x), np.arange(3) == f(x))
    with pytest.raises(ValueError, match="All-NaN"):
        opreg.grad(lambda x: x[f(x)])(np.full(2, NAN))


# ------------------------------------------------------------------------------------------ sums and products
@pytest.mark.parametrize(
    "x", [[0.0, NAN, 4.0, 3.0], [0.0, 0.0, NAN, 3.0], [0.0, NAN, 0.0, 0.0], [2.0, 3.0, NAN, 5.0]]
)
def test_a_product_is_exact_however_many_zeros_there_are(x) -> None:
    x = np.array(x)
    others = [0.0 if np.isnan(x[i]) else np.nanprod(np.delete(x, i)) * 2.0 for i in range(4)]
    np.testing.assert_allclose(opreg.grad(lambda x: np.nanprod(x, initial=2.0))(x), others, rtol=1e-15)
    np.testing.assert_allclose(opreg.grad(lambda x: 2 * np.nancumprod(x)[-1])(x), others, rtol=1e-15)


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize(
    ("f", "plain", "unit"), [(np.nancumsum, np.cumsum, 0), (np.nancumprod, np.cumprod, 1)]
)
def test_the_running_forms(f, plain, unit, axis) -> None:
    x = holed((3, 4))
    out, pullback = opreg.vjp(lambda x: f(x, axis=axis), x)
    np.testing.assert_array_equal(out, f(x, axis=axis))
    g = np.random.default_rng(2).standard_normal(out.shape)
    expected = opreg.vjp(lambda x: plain(x, axis=axis), np.where(np.isnan(x), unit, x))[1](g)[0]
    np.testing.assert_array_equal(pullback(g)[0], np.where(np.isnan(x), 0, expected))


def test_the_keywords_of_a_sum() -> None:
    x, mask = np.array([[1.0, NAN, 3.0], [2.0, 5.0, NAN]], np.float32), np.array([True, True, False])
    out, pullback = opreg.vjp(lambda x: np.nansum(x, 1, np.float64, None, True, 2.5, mask), x)
    np.testing.assert_array_equal(out, [[3.5], [9.5]], strict=True)
    np.testing.assert_array_equal(pullback(np.array([[1.0], [2.0]]))[0], [[1, 0, 0], [2, 2, 0]])
    with pytest.raises(opreg.NotDifferentiable, match="initial"):
        opreg.grad(lambda x: np.nansum(x, initial=x[0]))(np.ones(2))


# ---------------------------------------------------------------------------------------------------- moments
@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd], ids=lambda f: f.__name__)
def test_an_integer_dtype_is_refused_as_numpy_does(f) -> None:
    with pytest.raises(TypeError, match="inexact"):
        opreg.vjp(lambda x: f(x, dtype=int), np.array([1.0, NAN]))


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd], ids=lambda f: f.__name__)
@pytest.mark.parametrize("ddof", [0, 1, 2, 5])
def test_too_few_elements_have_no_variance_and_no_derivative(f, ddof) -> None:
    x = np.array([[1.0, NAN, NAN], [1.0, 4.0, NAN], [1.0, 4.0, 2.0]])
    out, pullback = opreg.vjp(lambda x: f(x, axis=1, ddof=ddof), x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(out, f(x, axis=1, ddof=ddof), rtol=1e-15)
    got = pullback(np.ones(3))[0]
    for i in range(3):
        expected = np.zeros(i + 1)
        if i + 1 > ddof:
            expected = opreg.grad(lambda x: (np.var if f is np.nanvar else np.std)(x, ddof=ddof))(
                x[i, : i + 1]
            )
        np.testing.assert_allclose(got[i, : i + 1], expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd], ids=lambda f: f.__name__)
def test_a_mean_that_is_given_is_an_argument_of_its_own(f) -> None:
    x, m = np.array([[1.0, 2.0, NAN, 4.0]]), np.array([[2.5]])
    dx, dm = opreg.grad(lambda x, m: np.sum(f(x, axis=1, mean=m)), (0, 1))(x, m)
    np.testing.assert_allclose(dm, [[-np.sum(dx)]], rtol=1e-15)
    assert np.sum(dx) != 0
    through = opreg.grad(lambda x: np.sum(f(x, axis=1, mean=np.nanmean(x, axis=1, keepdims=True))))(x)
    np.testing.assert_allclose(through, opreg.grad(lambda x: np.sum(f(x, axis=1)))(x), rtol=1e-14)
    with pytest.raises(ValueError, match="mean of shape"):
        opreg.vjp(lambda x: f(x, mean=np.zeros((3, 1))), x)


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd], ids=lambda f: f.__name__)
def test_correction_is_ddof_by_another_name(f) -> None:
    x = np.array([1.0, 2.0, NAN, 4.0])
    np.testing.assert_array_equal(
        opreg.grad(lambda x: f(x, correction=1))(x), opreg.grad(lambda x: f(x, ddof=1))(x)
    )
    with pytest.raises(ValueError, match="correction"):
        opreg.grad(lambda x: f(x, correction=1, ddof=1))(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("mean", [np.float64(0.5), np.float32(0.5)])
def test_the_dtype_with_a_mean_is_that_of_numpy(dtype, mean) -> None:
    x = np.array([1.0, NAN, 3.0], dtype)
    assert opreg.vjp(lambda x: np.nanvar(x, mean=mean), x)[0].dtype == np.nanvar(x, mean=mean).dtype


def test_the_deviation_of_equal_elements_has_the_derivative_zero() -> None:
    x = np.array([0.1, NAN, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert not opreg.grad(np.nanstd)(x).any()


# ---------------------------------------------------------------------------------------------- order statistics
@pytest.mark.parametrize("method", missing.METHODS)
@pytest.mark.parametrize("axis", [0, -1, (0, 2), None])
def test_the_quantiles_of_lanes_of_unequal_length(method, axis) -> None:
    x, q = np.random.default_rng(0).standard_normal((3, 4, 5)), np.array([0.0, 0.21, 0.68, 1.0])
    x[0, :, :3] = x[1, 2] = NAN

    for nan, plain in (np.nanquantile, np.quantile), (np.nanpercentile, np.percentile):
        p = q * 100 if plain is np.percentile else q
        out, pullback = opreg.vjp(lambda x, q, nan=nan: nan(x, q, axis=axis, method=method), x, p)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(out, nan(x, p, axis=axis, method=method))
        g = np.random.default_rng(1).standard_normal(out.shape)
        by_x, by_q = np.zeros_like(x), np.zeros_like(q)
        kept = (
            np.expand_dims(g, tuple(1 + np.arange(3)[list(np.atleast_1d(axis))]))
            if axis is not None
            else g[:, None, None, None]
        )
        for index in np.ndindex(kept.shape[1:]):
            lane = tuple(
                slice(None) if n == 1 else slice(i, i + 1) for i, n in zip(index, kept.shape[1:], strict=True)
            )
            there = ~np.isnan(x[lane])
            if there.any():
                pull = opreg.vjp(lambda x, q, plain=plain: plain(x, q, method=method), x[lane][there], p)[1]
                by_x[lane][there], part = pull(kept[(slice(None), *index)])
                by_q += part
        got = pullback(g)
        np.testing.assert_allclose(got[0], by_x, rtol=1e-13)
        np.testing.assert_allclose(got[1], by_q, rtol=1e-12, atol=1e-14)


def test_weights_of_each_lane_or_along_an_axis() -> None:
    x, w = np.array([[3.0, NAN, 1.0, 2.0], [4.0, 1.0, 7.0, NAN]]), np.array([1.0, 9.0, 3.0, 1.0])

    def f(x, w):
        return np.nanquantile(x, 0.7, axis=1, weights=w, method="inverted_cdf")

    for weights in w, np.stack([w, w]):
        out, pullback = opreg.vjp(f, x, weights)
        np.testing.assert_array_equal(out, f(x, np.stack([w, w])))
        by_x, by_w = pullback(np.array([1.0, 10.0]))
        np.testing.assert_array_equal(by_x, np.where(x == out[:, None], [[1.0], [10.0]], 0))
        assert not by_w.any()


def test_equal_elements_share_in_a_median() -> None:
    got = opreg.grad(np.nanmedian)(np.array([1.0, NAN, 1.0, 1.0, 4.0, 5.0]))
    np.testing.assert_allclose(got, [1 / 3, 0, 1 / 3, 1 / 3, 0, 0], rtol=1e-15)


@pytest.mark.parametrize(
    "f", [np.nanmedian, lambda x, **kw: np.nanquantile(x, 0.5, **kw)], ids=["nanmedian", "nanquantile"]
)
def test_of_nothing_the_order_statistics_are_nan(f) -> None:
    for axis in None, 0, 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out, pullback = opreg.vjp(lambda x, axis=axis: f(x, axis=axis), np.zeros((0, 3)))
            np.testing.assert_array_equal(out, f(np.zeros((0, 3)), axis=axis), strict=True)
        assert pullback(np.ones_like(out))[0].shape == (0, 3)


@pytest.mark.parametrize("function", [np.nanmean, np.nanvar, np.nanstd, np.nansum, np.nanprod])
@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_has_its_first_axis_as_in_a_sum(function, axis) -> None:
    out, pull = opreg.vjp(lambda x: function(x, axis=axis), 3.0)
    assert out == function(3.0, axis=axis)
    assert pull(1.0)[0] == opreg.grad(function)(3.0)
    with pytest.raises(np.exceptions.AxisError):
        opreg.vjp(lambda x: function(x, axis=1), 3.0)
