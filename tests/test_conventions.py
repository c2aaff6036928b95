"""Each line of docs/conventions.md."""

import numpy as np
import pytest

import opreg
import opreg.scipy


def gradient(f, *args, argnum=0):
    return opreg.grad(lambda *a: np.sum(f(*a)), argnum)(*args)


# -------------------------------------------------------------------------------------- shape and type
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_a_cotangent_has_the_shape_the_dtype_and_the_realness_of_its_primal(dtype) -> None:
    x = np.ones((2, 1), dtype)
    got = opreg.grad(lambda x: np.sum(np.real(x * np.ones((3, 2, 4)))))(x)
    assert (got.shape, got.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(got, np.full((2, 1), 12))


def test_an_integer_is_not_differentiable_and_the_error_advises_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"astype\(float\)"):
        opreg.grad(np.sum)(np.arange(3))


def test_an_integer_may_stand_beside_data_that_are_differentiated() -> None:
    np.testing.assert_array_equal(gradient(lambda x, n: x * n, np.ones(3), np.arange(3)), [0.0, 1.0, 2.0])


def test_a_result_that_does_not_depend_on_an_argument_has_the_gradient_zero() -> None:
    got = opreg.grad(lambda x, y: np.sum(y))(np.ones((2, 3), np.float32), np.ones(2))
    assert (got.shape, got.dtype) == ((2, 3), np.float32)
    assert not got.any()


@pytest.mark.parametrize("f", [np.floor, np.rint, np.round], ids=lambda f: f.__name__)
def test_a_step_function_is_a_declared_constant_with_a_reason(f) -> None:
    constant = opreg.plugins.get(f"numpy.{f.__name__}")
    assert constant.is_constant
    assert constant.reason(0)
    np.testing.assert_array_equal(gradient(lambda x: x * f(x), np.array([1.25, -2.75])), f([1.25, -2.75]))


@pytest.mark.parametrize(
    "other", [np.array([[1.0]]).view(np.matrix), np.ma.MaskedArray([1.0], [True])], ids=["matrix", "masked"]
)
def test_a_matrix_and_a_masked_array_are_refused_also_beside_traced_values(other) -> None:
    for call in (lambda: opreg.grad(np.sum)(other), lambda: gradient(lambda x: x + other, np.ones(1))):
        with pytest.raises(TypeError, match=r"np\.asarray"):
            call()


def test_a_function_that_nobody_registered_is_refused_by_name() -> None:
    with pytest.raises(opreg.OpregError, match="packbits"):
        opreg.grad(lambda x: np.packbits(x))(np.ones(8))


# ------------------------------------------------------------------------------------- complex numbers
def test_the_cotangent_of_z_is_the_derivative_by_x_minus_i_times_that_by_y() -> None:
    def loss(z):
        return np.real(z) ** 2 + 3 * np.imag(z)

    assert opreg.grad(loss)(2.0 + 5.0j) == 4.0 - 3.0j


def test_the_vjp_and_the_jvp_of_a_holomorphic_function_multiply_by_its_derivative() -> None:
    z, v = 0.3 + 0.4j, 2.0 - 1.0j
    _, pullback = opreg.vjp(np.exp, z)
    np.testing.assert_allclose(pullback(v)[0], v * np.exp(z), rtol=1e-15)
    np.testing.assert_allclose(opreg.jvp(np.exp, (z,), (v,))[1], v * np.exp(z), rtol=1e-15)


def test_cotangents_pair_with_tangents_without_a_conjugate() -> None:
    z, t, c = 0.3 + 0.4j, 1.0 + 2.0j, -2.0 + 0.5j

    def f(z):
        return np.conj(z) * z**2

    _, moved = opreg.jvp(f, (z,), (t,))
    _, pullback = opreg.vjp(f, z)
    np.testing.assert_allclose(np.real(c * moved), np.real(pullback(c)[0] * t), rtol=1e-14)


def test_a_real_argument_beside_a_complex_one_gets_a_real_cotangent() -> None:
    got = opreg.grad(lambda x, z: np.sum(np.real(x * z)))(np.ones(2), np.array([1 + 2j, 3 - 1j]))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [1.0, 3.0])


def test_a_step_against_the_conjugate_of_the_gradient_descends() -> None:
    def loss(z):
        return np.real(z * np.conj(z))

    z = 1.0 + 2.0j
    assert loss(z - 0.1 * np.conj(opreg.grad(loss)(z))) < loss(z)


# -------------------------------------------------------------------------------------- kinks and ties
@pytest.mark.parametrize("f", [np.max, np.min], ids=lambda f: f.__name__)
def test_a_tie_in_a_reduction_is_shared_equally(f) -> None:
    np.testing.assert_array_equal(opreg.grad(f)(np.array([2.0, 2.0])), [0.5, 0.5])


@pytest.mark.parametrize("f", [np.maximum, np.minimum], ids=lambda f: f.__name__)
def test_a_tie_between_two_arguments_is_shared_equally(f) -> None:
    assert opreg.grad(f, (0, 1))(2.0, 2.0) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("f", "at"),
    [(np.abs, np.zeros(3)), (np.linalg.norm, np.zeros(3)), (np.std, np.full(3, 5.0))],
    ids=["abs", "norm", "std"],
)
def test_at_a_kink_the_derivative_is_the_subgradient_of_least_norm(f, at) -> None:
    np.testing.assert_array_equal(gradient(f, at), np.zeros(3))


@pytest.mark.parametrize("f", [np.hypot, np.arctan2], ids=lambda f: f.__name__)
def test_at_the_origin_a_function_of_two_arguments_has_the_derivatives_zero(f) -> None:
    assert opreg.grad(f, (0, 1))(0.0, 0.0) == (0.0, 0.0)


def test_a_value_clipped_at_its_bound_has_the_derivative_one() -> None:
    got = gradient(lambda x: np.clip(x, 0.0, 1.0), np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
    np.testing.assert_array_equal(got, [0.0, 1.0, 1.0, 1.0, 0.0])


# -------------------------------------------------------------------------- limits and singular points
@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([0.0, 3.0, 4.0], [12.0, 0.0, 0.0]),
        ([0.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
    ],
    ids=["no zero", "one", "two"],
)
def test_the_derivative_of_a_product_is_exact_however_many_zeros(x, expected) -> None:
    np.testing.assert_allclose(opreg.grad(np.prod)(np.array(x)), expected, rtol=1e-15)


def test_the_derivative_of_a_cumulative_product_is_exact_with_zeros() -> None:
    # c = (a, ab, abc): the sum's derivatives are 1 + b + bc, a + ac, ab
    got = gradient(np.cumprod, np.array([2.0, 0.0, 3.0]))
    np.testing.assert_allclose(got, [1.0, 8.0, 0.0], rtol=1e-15)


def test_the_derivative_of_a_singular_determinant_is_the_adjugate() -> None:
    got = opreg.grad(np.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
    np.testing.assert_allclose(got, [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-14)


def test_sinc_has_the_derivative_zero_at_zero() -> None:
    assert opreg.grad(np.sinc)(0.0) == 0.0


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.0, 2.0, 0.0), (-2.0, 3.0, 12.0)],
)
def test_a_power_has_the_limit_as_its_derivative_by_the_base(x, y, expected) -> None:
    assert opreg.grad(np.power)(x, y) == expected


def test_a_power_of_zero_has_the_derivative_zero_by_its_exponent() -> None:
    assert opreg.grad(np.power, 1)(0.0, 2.0) == 0.0


@pytest.mark.parametrize(
    "values",
    [np.linalg.eigvalsh, lambda a: np.linalg.svd(a, compute_uv=False)],
    ids=["eigvalsh", "svd"],
)
def test_where_values_repeat_the_derivative_of_their_sum_is_finite(values) -> None:
    np.testing.assert_allclose(gradient(values, np.eye(3)), np.eye(3), rtol=0, atol=1e-15)


def test_a_tie_in_a_median_is_shared() -> None:
    assert gradient(np.median, np.array([2.0, 1.0, 2.0, 2.0, 5.0])).sum() == pytest.approx(1.0, abs=1e-15)
    assert gradient(np.median, np.array([2.0, 1.0, 2.0, 2.0, 5.0]))[[1, 4]].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("q", "expected"), [(0.0, 4.0), (0.5, 6.0), (1.0, 6.0)])
def test_a_quantile_at_an_element_has_the_slope_to_the_next_one(q, expected) -> None:
    assert opreg.grad(lambda q: np.quantile(np.array([1.0, 3.0, 6.0]), q))(q) == expected


def test_a_polygon_at_a_knot_has_the_slope_behind_it_that_before_or_none() -> None:
    slope = opreg.grad(np.interp)
    assert slope(1.0, [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]) == 1.0
    assert slope(1.0, [0.0, 1.0, 2.0], [0.0, 3.0, np.inf]) == 3.0
    assert slope(1.0, [0.0, 1.0, 2.0], [np.inf, 3.0, np.inf]) == 0.0
    assert slope(1.0, [0.0, 1.0, 1.0], [0.0, 3.0, 5.0]) == 0.0


@pytest.mark.parametrize("one", [float, np.float64, lambda x: np.array([x])])
def test_a_pole_has_an_infinite_derivative(one) -> None:
    for f, pole in ((np.log, 0.0), (np.log1p, -1.0), (np.arctanh, 1.0)):
        with pytest.warns(RuntimeWarning):
            assert np.isinf(opreg.elementwise_grad(f)(one(pole)))


@pytest.mark.parametrize("f", [lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.qr(a, "complete")[0]])
def test_what_completes_a_basis_has_no_derivative_and_the_rest_has_its_own(f) -> None:
    a, t = np.array([[2.0], [1.0]]), np.ones((2, 1))
    unit = np.linalg.norm(a)
    tangent, pull = opreg.jvp(f, (a,), (t,))[1], opreg.vjp(f, a)[1]
    np.testing.assert_allclose(tangent[:, 0], np.sign(f(a)[0, 0]) * np.array([-1.0, 2.0]) / unit**3)
    assert np.isnan(tangent[:, 1]).all()
    first = pull(np.array([[1.0, 0.0], [0.0, 0.0]]))[0]
    np.testing.assert_allclose(np.sum(first * t), tangent[0, 0])
    with pytest.raises(opreg.NotDifferentiable, match="completes"):
        pull(np.array([[0.0, 1.0], [0.0, 0.0]]))


@pytest.mark.parametrize("f", [np.nansum, np.nanmean, np.nanmax], ids=lambda f: f.__name__)
def test_what_is_nan_is_left_out_with_the_derivative_zero(f) -> None:
    assert gradient(f, np.array([np.nan, 2.0]))[0] == 0.0


def test_the_derivative_of_a_result_that_is_nan_for_want_of_numbers_is_zero() -> None:
    assert gradient(np.nanmean, np.array([np.nan, np.nan])).tolist() == [0.0, 0.0]


def test_a_density_outside_of_its_support_has_the_derivative_zero() -> None:
    stats = pytest.importorskip("scipy.stats")
    pdf = opreg.scipy.stats.gamma.pdf
    assert stats.gamma.pdf(-1.0, 2.0) == 0
    assert opreg.grad(lambda x, a, s: pdf(x, a, scale=s), (0, 1, 2))(-1.0, 2.0, 1.5) == (0.0, 0.0, 0.0)


def test_a_logarithm_of_a_probability_that_underflows_has_no_derivative_inside_of_the_support() -> None:
    pytest.importorskip("scipy.stats")
    logcdf = opreg.scipy.stats.gamma.logcdf
    assert logcdf(1e-8, 60.0) == logcdf(-1.0, 60.0) == -np.inf
    assert np.isnan(opreg.grad(logcdf)(1e-8, 60.0))
    assert opreg.grad(logcdf)(-1.0, 60.0) == 0.0


@pytest.mark.parametrize(
    "f", [lambda x: np.where(x > 0, x, 0.0), lambda x: x * (x > 0)], ids=["where", "times"]
)
def test_a_relu_has_the_derivative_zero_at_zero(f) -> None:
    assert opreg.grad(f)(0.0) == 0.0
    assert opreg.jvp(f, (0.0,), (1.0,))[1] == 0.0


def test_the_sign_of_a_complex_zero_has_the_derivative_zero() -> None:
    assert opreg.grad(lambda z: np.real(np.sign(z)))(0j) == 0
    assert opreg.jvp(np.sign, (0j,), (1 + 1j,))[1] == 0


def test_between_equal_bounds_the_upper_one_has_the_derivative_one() -> None:
    assert opreg.grad(np.clip, (0, 1, 2))(1.0, 1.0, 1.0) == (0.0, 0.0, 1.0)


def test_a_tie_in_sort_is_shared() -> None:
    cotangent = np.array([1.0, 2.0, 4.0])
    (shared,) = opreg.vjp(np.sort, np.array([2.0, 1.0, 2.0]))[1](cotangent)
    np.testing.assert_array_equal(shared, [3.0, 1.0, 3.0])


def test_a_tie_in_partition_is_the_mean_over_two_orders() -> None:
    first = opreg.grad(lambda x: np.partition(x, 0)[0])(np.array([1.0, 1.0, 2.0]))
    np.testing.assert_array_equal(first, [0.5, 0.5, 0.0])


def test_a_power_of_zero_without_a_limit_has_the_one_sided_derivative() -> None:
    with np.errstate(all="ignore"):
        assert opreg.grad(lambda x: x**0.5)(0.0) == np.inf
        assert opreg.grad(lambda x: x**-1.0)(np.float64(0.0)) == -np.inf


@pytest.mark.parametrize(
    "values",
    [
        np.linalg.eigvalsh,
        lambda a: np.linalg.eigh(a)[0],
        lambda a: np.linalg.svd(a, compute_uv=False),
        opreg.scipy.linalg.eigvalsh,
        lambda a: opreg.scipy.linalg.eigh(a, eigvals_only=True),
        opreg.scipy.linalg.svdvals,
    ],
    ids=["eigvalsh", "eigh", "svd", "scipy eigvalsh", "scipy eigh", "scipy svdvals"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_second_derivatives_where_values_repeat_are_nan_or_those_of_values_that_are_left_alone(
    values,
) -> None:
    descending = values(np.diag([1.0, 2.0]))[0] == 2

    def greatest(a):
        return values(a)[0 if descending else -1]

    def distances(a):
        return np.sum((values(a) - 1) ** 2)

    for second in opreg.hessian, lambda f: opreg.jacrev(opreg.grad(f)):
        assert np.all(np.isnan(second(distances)(np.eye(2))))  # |a - 1|^2, whose gradient is 0 there
    a, d = np.diag([3.0, 1.0, 1.0]), np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    curvature = (greatest(a + 1e-3 * d) - 2 * greatest(a) + greatest(a - 1e-3 * d)) / 1e-6
    found = np.einsum("ij,ijkl,kl", d, opreg.jacrev(opreg.grad(greatest))(a), d)
    assert found == pytest.approx(curvature, rel=1e-5)
    assert np.all(np.isnan(opreg.hessian(greatest)(a)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shape", [(2, 1), (1, 2), (3, 2)])
def test_second_derivatives_by_singular_values_of_zero_that_mix_with_none_are_nan(shape) -> None:
    a = np.zeros(shape)
    a[0, 0] = 1.0 if min(shape) == 2 else 0.0
    assert np.all(np.isnan(opreg.jacrev(opreg.grad(lambda a: np.sum(np.linalg.svdvals(a) ** 2)))(a)))


@pytest.mark.parametrize(
    "f", [lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.eig(a)[1]], ids=["eigh", "eig"]
)
def test_vectors_of_a_repeated_eigenvalue_have_no_derivative(f) -> None:
    with np.errstate(all="ignore"):
        try:
            found = opreg.grad(lambda a: np.sum(np.real(f(a)) ** 3))(2.0 * np.eye(2))
        except np.linalg.LinAlgError:
            return
        assert not np.any(np.isfinite(found))


@pytest.mark.parametrize(
    ("f", "a"),
    [
        (lambda a: np.sum(np.real(np.linalg.eigvals(a))), [[1.0, 1.0], [0.0, 1.0]]),
        (lambda a: np.sum(np.linalg.qr(a)[1]), [[1.0, 2.0], [2.0, 4.0]]),
    ],
    ids=["defective", "dependent"],
)
def test_what_does_not_exist_is_an_error(f, a) -> None:
    with pytest.raises(np.linalg.LinAlgError):
        opreg.grad(f)(np.array(a))


@pytest.mark.parametrize("f", [np.linalg.eigvalsh, np.linalg.cholesky], ids=lambda f: f.__name__)
def test_a_matrix_that_is_not_hermitian_has_the_value_and_the_derivative_of_its_hermitian_part(f) -> None:
    a = np.array([[3.0, 0.0], [1.0, 2.0]])
    half = (a + a.T) / 2
    value, pull = opreg.vjp(f, a)
    np.testing.assert_allclose(value, f(half))
    g = np.ones(np.shape(value))
    np.testing.assert_allclose(pull(g)[0], opreg.vjp(f, half)[1](g)[0])
    filled = opreg.vjp(lambda a: f(np.tril(a) + np.tril(a, -1).T), a)[0]
    np.testing.assert_allclose(filled, f(a))  # NumPy reads the lower triangle


def test_a_plain_array_beside_traced_values_is_kept_and_not_copied() -> None:
    def of(x, used, buffer):
        total = 0.0
        for i in range(2):
            buffer[...] = i + 1
            total = total + np.sum(x * used(buffer))
        return total

    x = np.ones(3)
    for used, like in (np.copy, None), (lambda buffer: buffer, x):
        found = opreg.grad(
            lambda x, used=used, like=like: of(x, used, np.zeros(3, like=None if like is None else x))
        )(x)
        np.testing.assert_array_equal(found, [3, 3, 3])
    np.testing.assert_array_equal(opreg.grad(of)(x, lambda buffer: buffer, np.zeros(3)), [4, 4, 4])


def test_a_ufunc_writes_where_its_mask_is_true_and_computes_nothing_elsewhere() -> None:
    b = np.array([0.0, 4.0])
    with np.errstate(all="raise"):
        got = gradient(lambda b: np.divide(1.0, b, out=np.zeros(2, like=b), where=b != 0), b)
    np.testing.assert_array_equal(got, [0, -1 / 16])
