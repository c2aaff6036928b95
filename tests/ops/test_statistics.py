"""Order statistics, covariance, histograms."""

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import statistics

test_rules = pytest.mark.slow(conformance(*names_of(statistics), samples=1))

AXES = [None, 0, 1, -1, (0, 2), (-1, 1), (0, 1, 2), ()]
METHODS = statistics.METHODS


def pulled(f, *args, seed=0):
    """Return the value, a signed, uneven cotangent and what it becomes."""
    out, pullback = opreg.vjp(f, *args)
    g = np.asarray(np.random.default_rng(seed).standard_normal(np.shape(out)), np.result_type(out))
    return out, g, pullback(g)


# -------------------------------------------------------------------------------------------------- median
@pytest.mark.parametrize(
    ("x", "share"),
    [
        ([3.0, 1.0, 2.0], [0, 0, 1]),
        ([3.0, 1.0, 2.0, 7.0], [0.5, 0, 0.5, 0]),
        ([5.0], [1]),
        ([2.0, 2.0, 1.0, 2.0, 9.0], [1 / 3, 1 / 3, 0, 1 / 3, 0]),
        ([1.0, 1.0, 4.0, 4.0], [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_the_median_gives_to_the_middle_and_equal_elements_share(x, share) -> None:
    np.testing.assert_allclose(opreg.grad(np.median)(np.array(x)), share, rtol=1e-15)
    np.testing.assert_allclose(opreg.grad(lambda x: np.quantile(x, 0.5))(np.array(x)), share, rtol=1e-15)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
def test_the_median_of_each_lane(axis, keepdims) -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 4)).astype(np.float32)
    out, g, (got,) = pulled(lambda x: np.median(x, axis=axis, keepdims=keepdims), x)
    np.testing.assert_array_equal(out, np.median(x, axis=axis, keepdims=keepdims), strict=True)
    near = np.abs(x - np.median(x, axis=axis, keepdims=True))
    g = g.reshape(np.median(x, axis=axis, keepdims=True).shape)
    middle = near == near.min(axis=axis, keepdims=True)  # one element, or two that are equally near
    number = x.size // g.size
    chosen = near <= np.partition(near.reshape(-1), 0)[0] if number == 1 else middle
    if number % 2 == 0:
        low = np.quantile(x, 0.5, axis=axis, method="lower", keepdims=True)
        high = np.quantile(x, 0.5, axis=axis, method="higher", keepdims=True)
        expected = g * ((x == low) | (x == high)) / 2
    else:
        expected = g * (chosen if number > 1 else 1)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert got.dtype == np.float32


def test_a_median_that_is_nan_is_constant() -> None:
    x = np.array([[1.0, np.nan, 3.0], [2.5, 0.5, 1.0]])
    out, pullback = opreg.vjp(lambda x: np.median(x, axis=1), x)
    np.testing.assert_array_equal(out, [np.nan, 1.0])
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [[0, 0, 0], [0, 0, 1]])
    by_q = opreg.grad(lambda q: np.nansum(np.quantile(x, q, axis=1)))(0.25)
    assert by_q == pytest.approx(1.0, rel=1e-15)  # 2 (1.0 - 0.5)


def test_a_complex_median() -> None:
    z = np.array([3 + 1j, 1 - 2j, 2 + 5j])
    np.testing.assert_array_equal(opreg.vjp(np.median, z)[1](1 - 2j)[0], [0, 0, 1 - 2j])


def test_the_median_of_nothing_is_nan() -> None:
    with pytest.warns(RuntimeWarning, match="empty"), np.errstate(invalid="ignore"):
        out, pullback = opreg.vjp(np.median, np.zeros(0))
    assert np.isnan(out)
    assert pullback(np.float64(1.0))[0].shape == (0,)


# ----------------------------------------------------------------------------------------------- quantiles
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_values_are_those_of_numpy_and_derivatives_those_of_differences(method, n) -> None:
    rng = np.random.default_rng(n)
    x = np.sort(rng.standard_normal(n))[rng.permutation(n)]
    q = np.array([0.0, 0.03, 0.31, 0.62, 0.97, 1.0])
    for moving in (
        lambda x, q: np.quantile(x, q, method=method),
        lambda x, q: np.percentile(x, 100 * q, method=method),
    ):
        out, pullback = opreg.vjp(moving, x, q)
        np.testing.assert_array_equal(out, moving(x, q))
        for i in range(len(q)):
            unit = np.eye(len(q))[i]
            by_x, by_q = pullback(unit)
            h = 2.0**-20
            shifted = [(moving(x + h * e, q)[i] - moving(x - h * e, q)[i]) / (2 * h) for e in np.eye(n)]
            np.testing.assert_allclose(by_x, shifted, atol=1e-8)
            side = -h if q[i] == 1 else h
            slope = (moving(x, np.clip(q + side * unit, 0, 1))[i] - out[i]) / side
            slope = slope if method in statistics.ALPHA_BETA else 0.0  # others jump, and are constant between
            np.testing.assert_allclose(by_q, slope * unit, atol=1e-8)


def test_the_slope_by_q_at_an_element_is_that_to_the_next_one() -> None:
    slope = opreg.grad(lambda q: np.quantile(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), q))
    assert [slope(q) for q in (0.0, 0.25, 0.5, 0.75, 1.0)] == [4, 8, 16, 32, 32]
    assert opreg.grad(lambda q: np.percentile(np.array([1.0, 2.0, 4.0]), q))(25.0) == pytest.approx(
        0.02, rel=1e-15
    )


def test_the_mixed_derivative_by_data_and_q() -> None:
    x = np.array([1.0, 2.0, 4.0])
    mixed = opreg.grad(lambda x: opreg.grad(lambda q: np.quantile(x, q))(0.6))(x)
    np.testing.assert_array_equal(mixed, [0, -2, 2])


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(
    "q", [0.3, np.array([0.3, 0.6]), np.array([[0.1, 0.2], [0.3, 0.9]]), [0.25, 0.5]], ids=str
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_shapes_and_dtypes_are_those_of_numpy(axis, q, keepdims) -> None:
    for dtype in np.float32, np.float64:
        x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(dtype)
        expected = np.quantile(x, q, axis=axis, keepdims=keepdims)
        out = opreg.vjp(lambda x: np.quantile(x, q, axis=axis, keepdims=keepdims), x)[0]
        np.testing.assert_array_equal(out, expected, strict=True)
        out = opreg.jvp(lambda x: np.quantile(x, q, axis=axis, keepdims=keepdims), (x,), (np.ones_like(x),))
        np.testing.assert_allclose(out[1], np.ones_like(expected), rtol=1e-6)


def test_quantiles_in_a_list_of_which_one_is_traced() -> None:
    x = np.array([1.0, 2.0, 4.0])
    got = opreg.grad(lambda q: np.sum(np.quantile(opreg.numpy.asarray(x) * (1 + 0 * q), [0.25, q])))(0.75)
    assert got == pytest.approx(4.0, rel=1e-15)


def test_a_quantile_between_large_elements_does_not_overflow() -> None:
    got = opreg.grad(lambda x: np.quantile(x, 0.25))(np.array([1.5e308, 1.7e308]))
    np.testing.assert_allclose(got, [0.75, 0.25], rtol=1e-15)


@pytest.mark.parametrize("axis", [0, -1, (0, 2), (2, 0)])
def test_weighted_quantiles_pick_an_element_and_do_not_change_with_the_weights(axis) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((3, 4, 5))
    w = rng.uniform(0.5, 2.0, np.moveaxis(x, axis, range(np.size(axis))).shape[: np.size(axis)])

    def f(x, w):
        return np.quantile(x, [0.2, 0.7], axis=axis, weights=w, method="inverted_cdf", keepdims=True)

    out, g, (by_x, by_w) = pulled(f, x, w)
    np.testing.assert_array_equal(out, f(x, w))
    np.testing.assert_array_equal(by_x, np.sum((x == out) * g, axis=0))
    np.testing.assert_array_equal(by_w, np.zeros_like(w))


def test_of_equal_elements_the_weights_pick_the_mean_of_two_orders() -> None:
    def shares(w, q):
        x = np.array([1.0, 1.0, 0.0])
        return opreg.grad(lambda x: np.quantile(x, q, weights=w, method="inverted_cdf"))(x).tolist()

    assert shares([4.0, 4.0, 2.0], 0.5) == [0.5, 0.5, 0]  # the first of the two, in either order
    assert shares([1.0, 7.0, 2.0], 0.5) == [0, 1, 0]  # the second element in either order
    assert shares([0.0, 8.0, 2.0], 1.0) == [0, 1, 0]
    assert shares([0.0, 0.0, 2.0], 1.0) == [0, 0, 1]


@pytest.mark.parametrize(
    ("kwargs", "error", "text"),
    [
        ({"q": 1.5}, ValueError, r"range \[0, 1\]"),
        ({"q": 0.5, "method": "cubic"}, ValueError, "not a valid method"),
        ({"q": 0.5, "weights": np.ones(3)}, ValueError, "inverted_cdf"),
        ({"q": 0.5, "weights": -np.ones(3), "method": "inverted_cdf"}, ValueError, "negative"),
        ({"q": 0.5, "weights": np.ones(2), "method": "inverted_cdf"}, TypeError, "axis"),
        ({"q": np.full((1, 1, 1), 0.5)}, ValueError, "1d"),
        ({"q": 0.5, "axis": 1}, np.exceptions.AxisError, "axis"),
        ({"q": 0.5, "axis": (0, 0)}, ValueError, "axis"),
        ({"q": 0.5, "out": np.zeros(())}, opreg.NotDifferentiable, "out="),
        ({"q": 0.5, "interpolation": "linear"}, TypeError, "interpolation"),
    ],
)
def test_what_numpy_refuses_of_quantiles_is_refused(kwargs, error, text) -> None:
    for function in np.quantile, np.nanquantile:
        with pytest.raises(error, match=text):
            opreg.grad(lambda x, function=function: np.sum(function(x, **kwargs)))(np.arange(3.0))


def test_quantiles_of_complex_numbers_are_refused() -> None:
    for function in np.quantile, np.percentile, np.nanquantile, np.nanpercentile:
        with pytest.raises(TypeError, match="real numbers"):
            opreg.vjp(lambda z, function=function: function(z, 0.5), np.ones(3, complex))


@pytest.mark.parametrize(
    "function", [np.median, lambda x, **kw: np.quantile(x, 0.5, **kw)], ids=["median", "quantile"]
)
def test_permission_to_overwrite_is_not_used(function) -> None:
    x = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: function(x, overwrite_input=True))(x), [0, 0, 1])
    np.testing.assert_array_equal(x, [3.0, 1.0, 2.0])


# ---------------------------------------------------------------------------------------------- covariance
@pytest.mark.parametrize("ddof", [None, 0, 1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_the_variance_of_one_variable(ddof, bias) -> None:
    x = np.array([1.0, -2.0, 0.5, 3.0])
    number = 4 - ((0 if bias else 1) if ddof is None else ddof)
    got = opreg.grad(lambda x: np.cov(x, bias=bias, ddof=ddof))(x)
    np.testing.assert_allclose(got, 2 * (x - x.mean()) / number, rtol=1e-14)


def test_a_covariance_by_both_variables() -> None:
    x, y = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.0, 1.0, 5.0, -1.0])
    dx, dy = opreg.grad(lambda x, y: np.cov(x, y)[0, 1], (0, 1))(x, y)
    np.testing.assert_allclose(dx, (y - y.mean()) / 3, rtol=1e-14)
    np.testing.assert_allclose(dy, (x - x.mean()) / 3, rtol=1e-14)


def test_frequencies_are_repetitions() -> None:
    x, f = np.array([[1.0, 4.0, -2.0], [0.5, 0.0, 3.0]]), np.array([2, 1, 3])
    out, g, (got,) = pulled(lambda x: np.cov(x, fweights=f), x)
    repeated = opreg.vjp(lambda x: np.cov(np.repeat(x, f, axis=1)), x)
    np.testing.assert_allclose(out, repeated[0], rtol=1e-14)
    np.testing.assert_allclose(got, repeated[1](g)[0], rtol=1e-13)


def test_the_derivative_by_the_reliability_weights() -> None:
    x, a = np.array([1.0, 4.0, -2.0, 0.5]), np.array([1.0, 2.0, 0.5, 3.0])
    # with ddof=0 it is sum(a (x - m)^2) / sum(a)
    m = np.average(x, weights=a)
    v = np.average((x - m) ** 2, weights=a)
    got = opreg.grad(lambda a: np.cov(x, aweights=a, ddof=0) * (1 + 0 * a[0]))(a)
    np.testing.assert_allclose(got, ((x - m) ** 2 - v) / a.sum(), rtol=1e-13)


@pytest.mark.parametrize(
    ("kwargs", "error", "text"),
    [
        ({"ddof": 0.5}, ValueError, "integer"),
        ({"fweights": [1.5, 1, 1]}, TypeError, "integer"),
        ({"fweights": [-1, 1, 1]}, ValueError, "negative"),
        ({"aweights": [-1.0, 1, 1]}, ValueError, "negative"),
        ({"aweights": [1.0, 1]}, RuntimeError, "incompatible"),
        ({"fweights": [[1, 1, 1]]}, RuntimeError, "multidimensional"),
        ({"y": np.zeros((1, 1, 3))}, ValueError, "2 dimensions"),
    ],
)
def test_what_numpy_refuses_of_a_covariance_is_refused(kwargs, error, text) -> None:
    for function in np.cov, lambda x, **kw: opreg.grad(lambda x: np.sum(np.cov(x, **kw)))(x):
        with pytest.raises(error, match=text):
            function(np.arange(6.0).reshape(2, 3), **kwargs)


def test_traced_frequencies_are_refused_rather_than_lost() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="fweights"):
        opreg.grad(lambda f: np.sum(np.cov(np.eye(3) * (1 + 0 * f[0]), fweights=f)))(np.ones(3))


def test_too_few_observations_warn_as_in_numpy() -> None:
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        out = opreg.vjp(np.cov, np.array([[1.0], [2.0]]))[0]
    assert not np.isfinite(out).any()


@pytest.mark.parametrize("rowvar", [True, False])
@pytest.mark.parametrize(
    "shapes", [((2, 5), (3, 5)), ((5,), (5,)), ((1, 5), (1, 5)), ((2, 5), None), ((1, 5), None)]
)
@pytest.mark.parametrize("function", [np.cov, np.corrcoef], ids=lambda f: f.__name__)
def test_covariances_and_correlations_are_those_of_numpy(function, shapes, rowvar) -> None:
    rng = np.random.default_rng(0)
    data = [None if shape is None else rng.standard_normal(shape) for shape in shapes]
    if not rowvar:
        data = [None if x is None else x.T for x in data]
    out = opreg.vjp(lambda x: function(x, data[1], rowvar), data[0])[0]
    np.testing.assert_allclose(out, function(*data, rowvar), rtol=1e-13)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="a single row was not transposed")
def test_a_single_row_of_variables_in_columns() -> None:
    x = np.arange(6.0).reshape(2, 3)
    out = opreg.vjp(lambda x: np.cov(x, rowvar=False), x)[0]
    np.testing.assert_allclose(out, np.cov(x, rowvar=False), rtol=1e-15)


def test_a_correlation_does_not_change_with_location_and_scale() -> None:
    x, y = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.0, 1.0, 5.0, -1.0])
    got = opreg.grad(lambda x: np.corrcoef(x, y)[0, 1])(x)
    r = np.corrcoef(x, y)[0, 1]
    u, v = x - x.mean(), y - y.mean()
    np.testing.assert_allclose(got, v / np.sqrt(u @ u * (v @ v)) - r * u / (u @ u), rtol=1e-13)
    assert abs(got.sum()) < 1e-15
    assert abs(got @ x) < 1e-14


def test_the_correlation_of_dependent_variables_is_greatest() -> None:
    x = np.array([1.0, -2.0, 0.5, 3.0])
    out, pullback = opreg.vjp(lambda x: np.corrcoef(x, np.array([3.0, -6.0, 1.5, 9.0]))[0, 1], x)
    assert out == pytest.approx(1.0, rel=1e-15)
    assert out <= 1.0
    np.testing.assert_allclose(pullback(1.0)[0], np.zeros(4), atol=1e-15)
    bend = opreg.hessian(lambda x: np.corrcoef(x, 3 * opreg.stop_gradient(x))[0, 1])(x)
    u = x - x.mean()
    expected = -(np.eye(4) - 1 / 4 - np.outer(u, u) / (u @ u)) / (u @ u)
    np.testing.assert_allclose(bend, expected, atol=1e-14)


def test_the_correlation_of_one_variable_is_constant() -> None:
    assert not np.any(opreg.grad(np.corrcoef)(np.array([1.0, 2.0, 4.0])))


# ---------------------------------------------------------------------------------------------- histograms
def test_the_cotangents_of_a_bin_go_to_its_weights() -> None:
    x, w = np.array([0, 2, 2, 1]), np.array([0.5, 1.0, 2.0, 3.0], np.float32)
    out, pullback = opreg.vjp(lambda w: np.bincount(x, w, minlength=5), w)
    np.testing.assert_array_equal(out, np.bincount(x, w, minlength=5))
    got = pullback(np.array([10.0, 20.0, 30.0, 40.0, 50.0]))[0]
    np.testing.assert_array_equal(got, [10, 30, 30, 20])
    assert got.dtype == np.float32


def test_numbers_that_vary_are_not_counted() -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        opreg.grad(lambda x: np.sum(np.bincount(x)))(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="same length"):
        opreg.grad(lambda w: np.sum(np.bincount([1, 2, 3], w)))(np.array([1.0, 2.0]))


def test_the_number_of_a_bin_is_constant() -> None:
    np.testing.assert_array_equal(
        opreg.grad(lambda x: np.sum(x * np.digitize(x, np.array([0.0, 1.0]))))(np.array([-1.0, 0.5, 3.0])),
        [0, 1, 2],
    )


def test_the_edges_of_equal_bins_move_with_the_least_and_the_greatest() -> None:
    x = np.array([3.0, -1.0, 0.5, 7.0])
    for f in (lambda x: np.histogram_bin_edges(x, 4), lambda x: np.histogram(x, 4)[1]):
        np.testing.assert_array_equal(opreg.vjp(f, x)[0], np.histogram_bin_edges(x, 4))
        expected = np.zeros((5, 4))
        expected[:, 3] = np.linspace(0, 1, 5)
        expected[:, 1] = 1 - expected[:, 3]
        np.testing.assert_allclose(opreg.jacobian(f)(x), expected, rtol=1e-15)


def test_the_ends_of_a_range_move_the_edges() -> None:
    edges = lambda r: np.histogram_bin_edges(np.zeros(1) * r[0], 2, (r[0], r[1]))  # noqa: E731
    np.testing.assert_allclose(opreg.jacobian(edges)(np.array([0.0, 4.0])), [[1, 0], [0.5, 0.5], [0, 1]])


@pytest.mark.parametrize("bins", [3, np.array([0.0, 1.0, 2.5, 4.0]), [1, 2, 3]], ids=str)
@pytest.mark.parametrize("range_", [None, (0.5, 3.5)])
@pytest.mark.parametrize("draw", ["float64", "float32", "complex128"])
def test_weighted_histograms_are_those_of_numpy(bins, range_, draw) -> None:
    rng = np.random.default_rng(0)
    x = np.append(rng.uniform(-1, 5, 40), [0, 1, 2, 2.5, 3, 4, 0.5, 3.5])
    w = rng.standard_normal(48).astype(draw)
    for density in False, True:
        expected = np.histogram(x, bins, range_, density, w)
        out, edges = opreg.vjp(lambda w, d=density: np.histogram(x, bins, range_, d, w), w)[0]
        np.testing.assert_allclose(out, expected[0], rtol=1e-5 if draw == "float32" else 1e-12)
        np.testing.assert_array_equal(edges, expected[1])


def test_a_density_by_its_weights_and_its_bins() -> None:
    x, w, bins = np.array([0, 1, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0]), np.array([-0.5, 0.5, 1.5, 3.5])
    by_w, by_bins = opreg.grad(lambda w, b: np.histogram(x, b, weights=w, density=True)[0][1], (0, 1))(
        w, bins
    )
    np.testing.assert_allclose(by_w, [-0.05, 0.05, 0.05, -0.05], rtol=1e-14)
    np.testing.assert_allclose(by_bins, [0, 0.5, -0.5, 0], rtol=1e-14)


def test_what_numpy_refuses_of_a_histogram_is_refused() -> None:
    def at(x, **kwargs):
        return opreg.vjp(lambda x: np.histogram(x, **kwargs), x)

    with pytest.raises(ValueError, match="same shape"):
        at(np.ones(3), weights=np.ones(2))
    with pytest.raises(ValueError, match="monotonically"):
        at(np.ones(3), bins=[2, 1])
    with pytest.raises(ValueError, match="positive"):
        at(np.ones(3), bins=0)
    with pytest.raises(TypeError, match="normed"):
        at(np.ones(3), normed=True)
