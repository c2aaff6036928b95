"""Continuous distributions of one variable."""

import inspect

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import opreg
import opreg.scipy
from opreg.testing import conformance
from opreg_scipy.stats import continuous

ASKED_FOR_MOST = {
    "norm": ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"),
    "gamma": ("pdf", "logpdf", "cdf"),
    "chi2": ("pdf", "logpdf", "cdf"),
    "beta": ("pdf", "logpdf", "cdf"),
    "t": ("pdf", "logpdf", "cdf", "logcdf"),
}
RULES = [f"scipy.stats.{name}.{method}" for name, methods in ASKED_FOR_MOST.items() for method in methods]
test_rules = pytest.mark.slow(conformance(*RULES, samples=1))

served = opreg.scipy.stats


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def normal(x, loc, scale):
    z = (x - loc) / scale
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi) / scale


def gamma(x, a, loc, scale):
    z = (x - loc) / scale
    return z ** (a - 1) * mp.exp(-z) / mp.gamma(a) / scale


def chi2(x, df, loc, scale):
    return gamma((x - loc) / scale / 2, df / 2, 0, 1) / 2 / scale


def beta(x, a, b, loc, scale):
    z = (x - loc) / scale
    return z ** (a - 1) * (1 - z) ** (b - 1) * mp.gamma(a + b) / mp.gamma(a) / mp.gamma(b) / scale


def student(x, df, loc, scale):
    z = (x - loc) / scale
    factor = mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)) / mp.sqrt(df * mp.pi) / scale
    return factor * mp.exp(-(df + 1) / 2 * mp.log1p(z * z / df))


def lognormal(x, s, loc, scale):
    z = (x - loc) / scale
    return normal(mp.log(z), 0, s) / z / scale


def slopes(f, point):
    """Return the derivative by each argument."""
    point = [mp.mpf(x) for x in point]
    orders = [tuple(int(i == j) for j in range(len(point))) for i in range(len(point))]
    return [
        float(mp.diff(f, point, order, h=mp.mpf("1e-25") * max(abs(x), mp.mpf("1e-5"))))
        for order, x in zip(orders, point, strict=True)
    ]


def gradient(method, point):
    return opreg.grad(method, tuple(range(len(point))))(*map(float, point))


DENSITIES = [
    ("norm", normal, (0.75, -0.25, 1.5)),
    ("norm", normal, (35.0, 0.5, 1.0)),
    ("gamma", gamma, (2.5, 1.75, -0.5, 2.0)),
    ("gamma", gamma, (1e-3, 1e-4, 0.0, 3.0)),
    ("gamma", gamma, (300.0, 250.0, 0.0, 1.5)),
    ("chi2", chi2, (2.5, 4.25, -0.5, 2.0)),
    ("chi2", chi2, (1e-5, 0.25, 0.0, 1.0)),
    ("beta", beta, (0.5, 1.75, 0.75, -0.25, 1.5)),
    ("beta", beta, (0.25, 1e-3, 2e-3, 0.0, 1.0)),
    ("beta", beta, (0.375, 40.0, 70.0, 0.0, 1.0)),
    ("t", student, (0.75, 2.5, -0.25, 1.5)),
    ("t", student, (1e3, 0.5, 0.0, 1.0)),
    ("t", student, (0.5, 1e6, 0.25, 2.0)),
    ("t", student, (3.0, 17.0, 0.0, 1.0)),
    ("t", student, (1e-6, 16.0, 0.0, 1.0)),
    ("lognorm", lognormal, (2.5, 0.75, -0.5, 2.0)),
    ("cauchy", lambda x, m, s: s / mp.pi / (s * s + (x - m) ** 2), (0.75, -0.25, 1.5)),
    ("laplace", lambda x, m, s: mp.exp(-abs(x - m) / s) / 2 / s, (0.75, -0.25, 1.5)),
    ("logistic", lambda x, m, s: mp.sech((x - m) / s / 2) ** 2 / 4 / s, (0.75, -0.25, 1.5)),
    ("expon", lambda x, m, s: mp.exp(-(x - m) / s) / s, (0.75, -0.25, 1.5)),
    ("uniform", lambda x, m, s: 1 / s, (0.75, -0.25, 1.5)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "density", "point"), DENSITIES)
def test_the_derivatives_of_a_density_and_its_logarithm(name, density, point) -> None:
    law = getattr(served, name)
    expected = slopes(lambda *p: mp.log(density(*p)), point)
    np.testing.assert_allclose(gradient(law.logpdf, point), expected, rtol=1e-12, atol=1e-30)
    expected = slopes(density, point)
    np.testing.assert_allclose(gradient(law.pdf, point), expected, rtol=1e-12, atol=1e-30)


def phi(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


PROBABILITIES = [
    ("norm", lambda x, m, s: phi((x - m) / s), (0.75, -0.25, 1.5)),
    ("norm", lambda x, m, s: phi((x - m) / s), (-8.0, 0.25, 1.0)),
    ("cauchy", lambda x, m, s: mp.atan2(s, m - x) / mp.pi, (-30.0, 0.5, 1.5)),
    ("laplace", lambda x, m, s: mp.exp((x - m) / s) / 2, (-3.0, 0.5, 1.5)),
    ("logistic", lambda x, m, s: 1 / (1 + mp.exp(-(x - m) / s)), (-3.0, 0.5, 1.5)),
    ("expon", lambda x, m, s: -mp.expm1(-(x - m) / s), (0.75, -0.25, 1.5)),
    ("uniform", lambda x, m, s: (x - m) / s, (0.75, -0.25, 1.5)),
]


@pytest.mark.parametrize(("name", "probability", "point"), PROBABILITIES)
def test_the_derivatives_of_a_probability_its_complement_and_their_logarithms(
    name, probability, point
) -> None:
    law = getattr(served, name)
    by_method = {
        "cdf": probability,
        "sf": lambda *p: 1 - probability(*p),
        "logcdf": lambda *p: mp.log(probability(*p)),
        "logsf": lambda *p: mp.log(1 - probability(*p)),
    }
    for method, f in by_method.items():
        got = gradient(getattr(law, method), point)
        np.testing.assert_allclose(got, slopes(f, point), rtol=1e-12, err_msg=method)


@pytest.mark.parametrize("name", ["norm", "cauchy", "laplace", "logistic", "expon", "uniform"])
@pytest.mark.parametrize("q", [0.25, 0.875])
def test_quantiles_are_the_inverse_of_probabilities(name, q) -> None:
    law, loc, scale = getattr(served, name), 1e6, 0.5
    z = getattr(stats, name).ppf(q)
    by_q, by_loc, by_scale = gradient(law.ppf, (q, loc, scale))
    assert by_q == pytest.approx(scale / getattr(stats, name).pdf(z), rel=1e-13)
    assert by_loc == 1.0
    assert by_scale == pytest.approx(z, rel=1e-15)
    assert gradient(law.isf, (1 - q, loc, scale)) == pytest.approx((-by_q, 1.0, by_scale), rel=1e-13)


@pytest.mark.parametrize("x", [-1e10, -300.0, -40.0, -3.0, 0.0, 5.0, 30.0])
def test_the_logarithm_of_a_normal_probability_keeps_its_digits_in_the_tails(x) -> None:
    z = mp.mpf(x)
    expected = mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi) / (mp.erfc(-z / mp.sqrt(2)) / 2) if x > -1e9 else -z
    by_x, by_loc, by_scale = gradient(served.norm.logcdf, (x, 0.0, 1.0))
    assert by_x == pytest.approx(float(expected), rel=1e-12)
    assert by_loc == -by_x
    assert by_scale == pytest.approx(-x * by_x, rel=1e-15)
    assert gradient(served.norm.logsf, (-x, 0.0, 1.0)) == pytest.approx((-by_x, by_x, by_scale), rel=1e-15)


def test_second_derivatives_far_from_the_mode() -> None:
    second = opreg.grad(opreg.grad(served.norm.logcdf))
    assert second(-1e6) == pytest.approx(-1.0, rel=1e-11)
    assert second(50.0) == pytest.approx(0.0, abs=1e-300)
    assert opreg.grad(opreg.grad(served.norm.logpdf))(1e8, 0.0, 0.5) == -4.0


def test_second_derivatives_by_parameters() -> None:
    a, scale = 2.5, 1.5
    hessian = opreg.hessian(lambda p: served.gamma.logpdf(2.0, p[0], 0.0, p[1]))(np.array([a, scale]))
    expected = [[-float(mp.psi(1, a)), -1 / scale], [-1 / scale, a / scale**2 - 2 * 2.0 / scale**3]]
    np.testing.assert_allclose(hessian, expected, rtol=1e-13)
    of_df = opreg.grad(opreg.grad(served.t.logpdf, 1), 1)
    for df in (2.5, 40.0):
        expected = mp.diff(lambda v: mp.log(student(mp.mpf(0.75), v, 0, 1)), df, 2)
        assert of_df(0.75, df) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "shapes", "x"),
    [("gamma", (2.5,), -1.0), ("chi2", (3.0,), -1.0), ("beta", (2.0, 3.0), 1.5), ("beta", (2.0, 3.0), -0.5),
     ("expon", (), -1.0), ("uniform", (), 1.5), ("lognorm", (0.5,), -2.0)],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_outside_of_the_support_derivatives_are_zero(name, shapes, x) -> None:
    law, point = getattr(served, name), (x, *shapes, 0.0, 1.0)
    assert law.logpdf(*point) == -np.inf
    for method in ("pdf", "logpdf"):
        assert gradient(getattr(law, method), point) == (0.0,) * len(point)
    assert gradient(law.cdf, point) == (0.0,) * len(point)


def test_points_inside_and_outside_do_not_disturb_one_another() -> None:
    x = np.array([-1.0, 0.5, 2.0])
    got = opreg.grad(lambda x: np.sum(served.expon.logpdf(x, 0.0, 2.0)))(x)
    np.testing.assert_array_equal(got, [0.0, -0.5, -0.5])
    got = opreg.grad(lambda a: np.sum(served.gamma.pdf(x, a)))(1.5)
    np.testing.assert_allclose(got, opreg.grad(lambda a: np.sum(served.gamma.pdf(x[1:], a)))(1.5), rtol=1e-15)


def test_at_the_edge_of_the_support_a_density_has_the_derivative_from_within() -> None:
    assert opreg.grad(served.gamma.pdf)(0.0, 1.0) == -1.0
    assert opreg.grad(served.gamma.pdf)(0.0, 3.0) == 0.0
    assert opreg.grad(served.beta.pdf)(1.0, 2.0, 1.0) == 2.0
    assert opreg.grad(served.chi2.logpdf)(0.0, 2.0) == -0.5


@pytest.mark.parametrize("x", [np.inf, -np.inf])
@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "sf"])
def test_at_infinity_derivatives_are_zero(method, x) -> None:
    assert gradient(getattr(served.norm, method), (x, 0.0, 1.0)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_parameters_that_are_none_give_nan(method) -> None:
    assert np.isnan(gradient(getattr(served.norm, method), (0.5, 0.0, -1.0))).all()
    assert np.isnan(opreg.grad(getattr(served.gamma, method))(0.5, -1.0))
    assert np.isnan(opreg.grad(getattr(served.t, method))(np.nan, 2.0))


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    for method in ("pdf", "logpdf", "cdf"):
        got = opreg.grad(getattr(served.t, method))(0.75, np.inf)
        assert got == pytest.approx(opreg.grad(getattr(served.norm, method))(0.75), rel=1e-14)
    assert opreg.grad(served.t.logpdf, 1)(0.75, np.inf) == 0.0


def test_the_kink_of_laplace() -> None:
    assert opreg.grad(served.laplace.logpdf)(0.5, 0.5, 2.0) == 0.0


@pytest.mark.parametrize("name", ["gamma", "beta", "norm"])
def test_arguments_by_position_and_by_name_are_the_same(name) -> None:
    law = getattr(served, name)
    shapes = {"gamma": {"a": 2.0}, "beta": {"a": 2.0, "b": 3.0}, "norm": {}}[name]
    by_name = opreg.grad(lambda v: law.logpdf(x=0.5, **shapes, scale=v, loc=0.1))(1.5)
    by_position = opreg.grad(lambda v: law.logpdf(0.5, *shapes.values(), 0.1, v))(1.5)
    assert by_name == by_position
    assert by_name != opreg.grad(lambda v: law.logpdf(0.5, *shapes.values(), v, 0.1))(1.5)


def test_plain_arguments_go_to_scipy() -> None:
    x = np.linspace(-1, 2, 7)
    np.testing.assert_array_equal(served.beta.logpdf(x, 2.0, 3.0), stats.beta.logpdf(x, 2.0, 3.0))
    value, _ = opreg.value_and_grad(lambda a: np.sum(served.beta.logpdf(x[3:4], a, 3.0)))(2.0)
    assert value == stats.beta.logpdf(x[3], 2.0, 3.0)


def test_calls_that_scipy_refuses_are_refused() -> None:
    for call in (
        lambda x: served.gamma.pdf(x),
        lambda x: served.norm.pdf(x, location=0.0),
        lambda x: served.norm.pdf(x, 0.0, 1.0, 2.0),
        lambda x: served.norm.pdf(x, 0.0, loc=1.0),
    ):
        with pytest.raises(TypeError):
            opreg.grad(call)(0.5)


def test_float32_in_gives_a_float32_gradient() -> None:
    got = opreg.grad(lambda a: np.sum(served.gamma.logpdf(np.float32(0.5), a)))(np.ones(3, np.float32))
    assert got.dtype == np.float32


def test_every_primitive_says_what_it_computes() -> None:
    assert all(inspect.getdoc(p.forward) for p in continuous.PRIMITIVES)


def test_sequences_serve_as_arrays() -> None:
    got = opreg.grad(lambda a: np.sum(served.gamma.logpdf([0.5, 1.5], [a, 2.0], [0.0, 0.1])))(1.5)
    assert got == pytest.approx(np.log(0.5) - float(mp.psi(0, 1.5)), rel=1e-14)


@pytest.mark.parametrize("df", [0.5, 2.5, 40.0])
@pytest.mark.parametrize("x", [-20.0, -0.75, 1e-3, 6.0])
def test_the_probability_of_student_by_its_degrees_of_freedom(x, df) -> None:
    def tail(df):
        return mp.betainc(df / 2, 0.5, 0, df / (df + mp.mpf(x) ** 2), regularized=True) / 2

    expected = float(mp.diff(tail, mp.mpf(df), h=mp.mpf("1e-20"))) * -np.sign(x)
    got = opreg.grad(served.t.cdf, 1)(x, df)
    assert got == pytest.approx(expected, rel=1e-12)
    assert opreg.grad(served.t.sf, 1)(x, df) == -got
    assert opreg.grad(served.t.logcdf, 1)(x, df) == pytest.approx(got / stats.t.cdf(x, df), rel=1e-13)


@pytest.mark.parametrize(("a", "x"), [(2.5, 1.0), (0.01, 1e-3), (300.0, 310.0)])
def test_the_probability_of_gamma_and_chi2_by_their_shapes(a, x) -> None:
    expected = float(mp.diff(lambda a: mp.gammainc(a, 0, x, regularized=True), mp.mpf(a), h=mp.mpf("1e-20")))
    assert opreg.grad(served.gamma.cdf, 1)(x, a) == pytest.approx(expected, rel=1e-12)
    assert opreg.grad(served.chi2.cdf, 1)(2 * x, 2 * a) == pytest.approx(expected / 2, rel=1e-12)


@pytest.mark.parametrize(("a", "b", "x"), [(2.5, 1.5, 0.25), (0.01, 2.0, 1e-3), (30.0, 31.0, 0.5)])
def test_the_probability_of_beta_by_its_shapes(a, b, x) -> None:
    def probability(a, b):
        return mp.betainc(a, b, 0, x, regularized=True)

    for argument, order in ((1, (1, 0)), (2, (0, 1))):
        expected = float(mp.diff(probability, (mp.mpf(a), mp.mpf(b)), order, h=mp.mpf("1e-20")))
        assert opreg.grad(served.beta.cdf, argument)(x, a, b) == pytest.approx(expected, rel=1e-12)


def test_the_probability_of_student_at_zero_is_a_half_for_all_degrees_of_freedom() -> None:
    assert opreg.grad(served.t.cdf, 1)(0.0, 2.5) == 0.0
    mixed = opreg.grad(opreg.grad(served.t.cdf, 1))
    assert mixed(0.0, 2.5) == pytest.approx(opreg.grad(served.t.pdf, 1)(0.0, 2.5), rel=1e-14)
    assert opreg.grad(served.t.cdf, 1)(0.5, np.inf) == 0.0


@pytest.mark.parametrize("df", [0.7, 2.5, 20.0])
@pytest.mark.parametrize("share", [-1e-4, 0.01, 0.98, 1.0, -1.02, 30.0, 1e4])
def test_the_probability_of_student_by_its_degrees_of_freedom_near_and_far_from_zero(df, share) -> None:
    def probability(df):
        tail = mp.betainc(df / 2, 0.5, 0, df / (df + mp.mpf(z) ** 2), regularized=True) / 2
        return tail if z < 0 else -tail  # F, less 1 where it is close to that

    z = share * np.sqrt(df)
    expected = float(mp.diff(probability, mp.mpf(df), h=mp.mpf("1e-20")))
    assert opreg.grad(served.t.cdf, 1)(z, df) == pytest.approx(expected, rel=1e-13 * (1 + df), abs=0)
    assert opreg.grad(served.t.sf, 1)(z, df) == pytest.approx(-expected, rel=1e-13 * (1 + df), abs=0)


@pytest.mark.parametrize("df", [0.7, 17.0, 300.0])
def test_the_mixed_derivative_of_student_at_zero_keeps_its_digits(df) -> None:
    def density(df):
        return mp.gamma((df + 1) / 2) / mp.sqrt(df * mp.pi) / mp.gamma(df / 2)

    expected = float(mp.diff(density, mp.mpf(df), h=mp.mpf("1e-20")))
    mixed = opreg.grad(opreg.grad(served.t.cdf, 1))
    assert mixed(0.0, df) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(("by_df", "by_z"), [(1, 1), (1, 2), (1, 3), (1, 5), (2, 1), (2, 3)])
@pytest.mark.parametrize("z", [0.0, 1e-9, -1e-3, 0.5])
def test_mixed_derivatives_of_the_probability_of_student_are_exact_at_zero_and_near_it(
    z, by_df, by_z
) -> None:
    def density(z, df):
        power = (1 + z * z / df) ** (-(df + 1) / 2)
        return mp.gamma((df + 1) / 2) / mp.sqrt(df * mp.pi) / mp.gamma(df / 2) * power

    expected = mp.diff(density, (mp.mpf(z), mp.mpf(2.5)), (by_z - 1, by_df))
    for order in "d" * by_df + "z" * by_z, "z" + "d" * by_df + "z" * (by_z - 1):
        f = served.t.cdf
        for variable in order:
            f = opreg.grad(f, 0 if variable == "z" else 1)
        assert f(z, 2.5) == pytest.approx(float(expected), rel=1e-11, abs=1e-60)


@pytest.mark.parametrize(
    ("z", "df"), [(0.75, 1e8), (-2.0, 1e6), (1.25, 300.0), (-0.5, 16.0), (1.5, 16.5), (30.0, 0.5)]
)
def test_the_density_of_student_by_its_degrees_of_freedom_keeps_its_digits(z, df) -> None:
    def log_density(df):
        return (
            mp.loggamma((df + 1) / 2)
            - mp.loggamma(df / 2)
            - mp.log(df) / 2
            - (df + 1) / 2 * mp.log1p(mp.mpf(z) ** 2 / df)
        )

    expected = float(mp.diff(log_density, mp.mpf(df), h=mp.mpf("1e-20")))
    assert opreg.grad(served.t.logpdf, 1)(z, df) == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_logarithm_of_a_tail_of_laplace_keeps_its_slope_where_the_tail_has_no_digits_left() -> None:
    for z in -700.0, -739.7, -743.5:
        assert opreg.grad(served.laplace.logcdf)(z, 0.0, 1.0) == 1.0
        assert opreg.grad(served.laplace.logsf)(-z, 0.0, 1.0) == -1.0
    z = np.array([-3.0, -1e-3, 0.0, 0.5, 30.0])
    exact = [float(mp.diff(lambda x: mp.log(1 - mp.exp(-x) / 2), v)) if v > 0 else 1.0 for v in z]
    np.testing.assert_allclose(opreg.grad(lambda z: np.sum(served.laplace.logcdf(z)))(z), exact, rtol=1e-14)


@pytest.mark.filterwarnings("error")
def test_outside_of_the_support_the_logarithm_of_a_probability_has_no_slope_by_a_shape() -> None:
    points = np.array([-1.5, 0.7, 2.0])
    slope = opreg.jvp(lambda a: served.gamma.logcdf(points, a), (2.0,), (1.0,))[1]
    expected = [
        0.0,
        *(float(mp.diff(lambda a, x=x: mp.log(mp.gammainc(a, 0, x, True)), 2)) for x in (0.7, 2)),
    ]
    np.testing.assert_allclose(slope, expected, rtol=1e-13)
    for name, shapes, x, method in (
        ("chi2", (3.0,), -1.0, "logcdf"),
        ("beta", (1.5, 2.5), -0.5, "logcdf"),
        ("beta", (1.5, 2.5), 1.5, "logsf"),
    ):
        out = opreg.grad(lambda *s: getattr(getattr(served, name), method)(x, *s), tuple(range(len(shapes))))  # noqa: B023
        assert out(*shapes) == (0.0,) * len(shapes)


@pytest.mark.parametrize(
    ("f", "exact", "shape"),
    [
        (lambda a: served.gamma.logsf(720.0, a), lambda a: mp.log(mp.gammainc(a, 720, mp.inf, True)), 2.0),
        (
            lambda a: served.beta.logcdf(0.1, a, 2.0),
            lambda a: mp.log(mp.betainc(a, 2, 0, mp.mpf(0.1), True)),
            311.0,
        ),
    ],
)
def test_by_a_shape_where_one_over_the_probability_overflows(f, exact, shape) -> None:
    # the probability is below the least normal number, where numbers have fewer digits
    assert opreg.grad(f)(shape) == pytest.approx(float(mp.diff(exact, shape)), rel=1e-11)
    h = mp.mpf("1e-15")
    second = (exact(shape + h) - 2 * exact(mp.mpf(shape)) + exact(shape - h)) / h**2
    scale = opreg.grad(f)(shape) ** 2
    assert opreg.hessian(f)(shape) == pytest.approx(float(second), abs=1e-10 * scale)


def test_the_logarithm_of_student_by_df_where_the_probability_has_a_few_digits_left() -> None:
    assert opreg.grad(lambda df: served.t.logcdf(-37.6, df))(1e8) == pytest.approx(-5.0038e-11, rel=1e-4)


@pytest.mark.parametrize("x", [1e6, 1e6 + 1e3, 1e6 - 2e3])
def test_probabilities_have_the_digits_of_the_density_that_scipy_loses(x) -> None:
    a = 1e6
    expected = float(gamma(mp.mpf(x), a, 0, 1))
    for method, sign in (("cdf", 1), ("sf", -1)):
        by_gamma = opreg.grad(lambda x, m=method: getattr(served.gamma, m)(x, a))(x)
        assert by_gamma == pytest.approx(sign * expected, rel=1e-12)
        by_chi2 = opreg.grad(lambda x, m=method: getattr(served.chi2, m)(x, 2 * a))(2 * x)
        assert by_chi2 == pytest.approx(sign * expected / 2, rel=1e-12)
        by_poisson = opreg.grad(lambda mu, m=method: getattr(served.poisson, m)(a - 1, mu))(x)
        assert by_poisson == pytest.approx(-sign * expected, rel=1e-12)
    rate = opreg.grad(lambda x: served.gamma.logsf(x, a))(x)
    assert rate == pytest.approx(-expected / float(stats.gamma.sf(x, a)), rel=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["cdf", "sf"])
def test_at_infinity_the_probabilities_of_gamma_and_chi2_have_no_slopes(method) -> None:
    for name in "gamma", "chi2":
        f = getattr(getattr(served, name), method)
        assert opreg.grad(f, (0, 1, 2, 3))(np.inf, 2.0, 0.0, 1.0) == (0.0,) * 4
    f = getattr(served.poisson, method)
    assert opreg.grad(lambda mu: f(np.array([np.inf, -1.0, 2.0]), mu).sum())(1e300) == 0.0


@pytest.mark.parametrize(("z", "df"), [(1e-170, 2.0), (1e-170, 0.3), (-1e-16, 5.0), (2e-16, 0.5)])
def test_student_by_df_where_the_square_of_its_argument_underflows(z, df) -> None:
    exact = lambda df: z * mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(df * mp.pi)  # noqa: E731
    f = lambda df: served.t.cdf(z, df)  # noqa: E731
    assert opreg.grad(f)(df) == pytest.approx(float(mp.diff(exact, df)), rel=1e-13, abs=0.0)
    second = float(mp.diff(exact, df, 2))
    assert opreg.grad(opreg.grad(f))(df) == pytest.approx(second, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("x", [1e-9, 2.0, 40.0, 2000.0, 2120.0])
def test_rates_are_exact_where_logarithms_would_lose_digits(x) -> None:
    z = mp.mpf(x / 3.0)
    for f, expected in (
        (lambda x: served.expon.logsf(x, 0.0, 3.0), -1.0),
        (lambda x: served.expon.logcdf(x, 0.0, 3.0), 1 / mp.expm1(z)),
        (lambda x: served.logistic.logsf(x, 0.0, 3.0), -1 / (1 + mp.exp(-z))),
        (lambda x: served.logistic.logcdf(x, 0.0, 3.0), 1 / (1 + mp.exp(z))),
        (lambda x: served.logistic.logcdf(-x, 0.0, 3.0), -1 / (1 + mp.exp(-z))),
    ):
        with np.errstate(under="ignore", divide="ignore"):
            assert opreg.grad(f)(x) == pytest.approx(float(expected / 3), rel=1e-14, abs=0.0)
    assert opreg.grad(served.expon.logsf)(-1.0) == 0.0


@pytest.mark.parametrize(
    ("call", "inside", "outside"),
    [
        (lambda x: opreg.scipy.stats.gamma.logcdf(x, 60.0), 1e-8, -1.0),
        (lambda a: opreg.scipy.stats.gamma.logcdf(1e-8, a), 60.0, None),
        (lambda x: opreg.scipy.stats.chi2.logsf(x, 4), 2000.0, np.inf),
        (lambda s: opreg.scipy.stats.chi2.logsf(2000.0, 4, scale=s), 1.0, None),
        (lambda a: opreg.scipy.stats.gamma.logsf(1e4, a), 2.0, None),
        (lambda df: opreg.scipy.stats.t.logcdf(-50.0, df), 1e8, None),
    ],
)
def test_of_a_probability_that_underflowed_the_logarithm_has_no_derivative(call, inside, outside):
    assert call(inside) == -np.inf
    assert np.isnan(opreg.grad(call)(inside))
    if outside is not None:
        assert call(outside) == -np.inf
        assert opreg.grad(call)(outside) == 0
