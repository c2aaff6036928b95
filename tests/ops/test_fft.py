"""Fourier transforms: matrices, conventions of half spectra, lengths and axes, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from families import names_of

import opreg
import opreg.numpy as onp
from opreg.testing import conformance
from opreg_numpy import fft

test_rules = pytest.mark.slow(conformance(*names_of(fft), samples=1))

RNG = np.random.default_rng(11)
FACTORS = {
    None: lambda n: 1.0,
    "backward": lambda n: 1.0,
    "ortho": lambda n: 1 / np.sqrt(n),
    "forward": lambda n: 1 / n,
}
OPPOSITE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
OF_ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
OF_SEVERAL_AXES = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")


def draw(*shape: int, real: bool = False) -> np.ndarray:
    x = RNG.standard_normal(shape)
    return x if real else x + 1j * RNG.standard_normal(shape)


def dft(n: int, norm: str | None, sign: int) -> np.ndarray:
    """The matrix s exp(sign 2 pi i j k / n), its angles reduced so that they are exact to the last digit."""
    jk = np.outer(np.arange(n), np.arange(n)) % n
    norm = norm if sign < 0 else OPPOSITE[norm]
    return FACTORS[norm](n) * np.exp(sign * 2j * np.pi * jk / n)


# ------------------------------------------------------------------------------------- against the DFT matrix
@pytest.mark.parametrize("norm", FACTORS)
@pytest.mark.parametrize(("m", "n"), [(5, 5), (6, 6), (4, 7), (7, 4), (3, 1), (1, 2)])
@pytest.mark.parametrize(("f", "sign"), [(np.fft.fft, -1), (np.fft.ifft, 1)])
def test_the_transpose_of_a_transform_is_its_matrix_without_a_conjugate(f, sign, m, n, norm) -> None:
    x, g = draw(m), draw(n)
    matrix = dft(n, norm, sign)[:, :m] if m <= n else np.pad(dft(n, norm, sign), [(0, 0), (0, m - n)])
    out, pullback = opreg.vjp(lambda x: f(x, n, norm=norm), x)
    np.testing.assert_allclose(out, matrix @ x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(pullback(g)[0], g @ matrix, rtol=1e-13, atol=1e-13)
    found = opreg.vjp(lambda x: f(x, n, norm=norm), x.real)[1](g)[0]
    np.testing.assert_allclose(found, (g @ matrix).real, rtol=1e-13, atol=1e-13)
    assert found.dtype == np.float64


@pytest.mark.parametrize("norm", FACTORS)
@pytest.mark.parametrize(("m", "n"), [(5, 5), (6, 6), (4, 7), (7, 4), (3, 1), (3, 2), (1, 2)])
def test_rfft_and_ihfft_are_half_of_a_matrix(m, n, norm) -> None:
    x, g = draw(m, real=True), draw(n // 2 + 1)
    for f, sign in (np.fft.rfft, -1), (np.fft.ihfft, 1):
        matrix = dft(n, norm, sign)[: n // 2 + 1]
        matrix = matrix[:, :m] if m <= n else np.pad(matrix, [(0, 0), (0, m - n)])
        found = opreg.vjp(lambda x, f=f: f(x, n, norm=norm), x)[1](g)[0]
        np.testing.assert_allclose(found, (g @ matrix).real, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("norm", FACTORS)
@pytest.mark.parametrize(("m", "n"), [(4, 6), (4, 7), (3, 8), (5, 3), (4, 1), (1, 4), (3, 2)])
def test_irfft_and_hfft_are_the_transform_of_a_signal_that_is_continued_by_its_conjugate(m, n, norm) -> None:
    z, g = draw(m), draw(n, real=True)

    def continued(z):
        whole = np.zeros(n, complex)
        for k in range(min(m, n // 2 + 1)):
            ends = k == 0 or 2 * k == n
            whole[k] = z[k].real if ends else z[k]
            whole[-k] = np.conj(whole[k])
        return whole

    for f, sign in (np.fft.irfft, 1), (np.fft.hfft, -1):
        matrix = dft(n, norm, sign)
        out, pullback = opreg.vjp(lambda z, f=f: f(z, n, norm=norm), z)
        np.testing.assert_allclose(out, (matrix @ continued(z)).real, rtol=1e-13, atol=1e-13)
        along_x, along_y = (
            [g @ (matrix @ continued(unit)).real for unit in step * np.eye(m)] for step in (1, 1j)
        )
        expected = np.array(along_x) - 1j * np.array(along_y)
        np.testing.assert_allclose(pullback(g)[0], expected, rtol=1e-13, atol=1e-13)
        found = opreg.vjp(lambda z, f=f: f(z, n, norm=norm), z.real)[1](g)[0]
        np.testing.assert_allclose(found, along_x, rtol=1e-13, atol=1e-13)


def test_the_imaginary_part_is_of_no_account_at_zero_and_at_half_of_an_even_length() -> None:
    for f in np.fft.irfft, np.fft.hfft:
        even = opreg.vjp(lambda z: f(z, 6), draw(4))[1](draw(6, real=True))[0]  # noqa: B023
        odd = opreg.vjp(lambda z: f(z, 7), draw(4))[1](draw(7, real=True))[0]  # noqa: B023
        np.testing.assert_array_equal(even.imag == 0, [True, False, False, True])
        np.testing.assert_array_equal(odd.imag == 0, [True, False, False, False])


# ---------------------------------------------------------------------------------------------- textbook values
def test_the_gradient_of_the_power_in_a_spectrum_is_parseval_s_theorem() -> None:
    x, z = draw(7, real=True), draw(7)
    power = lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2)  # noqa: E731
    np.testing.assert_allclose(opreg.grad(power)(x), 14 * x, rtol=1e-13)
    np.testing.assert_allclose(opreg.grad(power)(z), 14 * np.conj(z), rtol=1e-13)
    np.testing.assert_allclose(opreg.hessian(power)(x), 14 * np.eye(7), atol=1e-13)


def test_the_gradient_of_a_circular_convolution_is_a_correlation() -> None:
    for n in 6, 7:
        x, h, w = draw(3, n, real=True)

        def convolved(x, n=n, h=h, w=w):
            return np.sum(w * np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(h), n))

        expected = [np.sum(w * np.roll(h, j)) for j in range(n)]
        np.testing.assert_allclose(opreg.grad(convolved)(x), expected, rtol=1e-12, atol=1e-13)


def test_a_tangent_is_transformed_as_the_array_is() -> None:
    x, t = draw(2, 4, real=True)
    for name in OF_ONE_AXIS:
        f = getattr(np.fft, name)
        np.testing.assert_array_equal(opreg.jvp(f, (x,), (t,))[1], f(t))


def test_the_third_derivative_of_a_quartic_in_the_spectrum() -> None:
    """A wave a cos(2 pi j / n) has one frequency, where rfft gives a n / 2: the sum of |rfft x|^4 is (a n / 2)^4."""
    wave = np.cos(2 * np.pi * np.arange(8) / 8)
    f = lambda a: np.sum(np.abs(np.fft.rfft(a * wave)) ** 4)  # noqa: E731
    third = opreg.grad(opreg.grad(opreg.grad(f)))
    assert third(0.5) == pytest.approx(4**4 * 24 * 0.5, rel=1e-12)


# ----------------------------------------------------------------------------------------- lengths and axes
@pytest.mark.parametrize("name", OF_SEVERAL_AXES)
def test_a_transform_along_several_axes_is_numpy_s(name) -> None:
    f = getattr(np.fft, name)
    x = draw(3, 4, 5, real=True)
    for kwargs in (
        {},
        {"axes": (0, -1)},
        {"axes": [2, 0], "norm": "ortho"},
        {"s": (4, 3), "axes": (-1, 1)},
        {"s": np.array([-1, 7]), "axes": (0, 1), "norm": "forward"},
        {"s": (-1, -1), "axes": (0, 1)},
        {"axes": (1, 1)},
        {"s": (6, 3, 4), "axes": (1, 0, -2)},
    ):
        out, pullback = opreg.vjp(lambda x, kwargs=kwargs: f(x, **kwargs), x)
        np.testing.assert_array_equal(out, f(x, **kwargs))
        assert pullback(out)[0].shape == x.shape


@pytest.mark.parametrize("name", OF_SEVERAL_AXES)
def test_what_numpy_deprecates_is_as_long_as_it_lasts(name) -> None:
    f = getattr(np.fft, name)
    x = draw(3, 4, 5, real=True)
    for kwargs in (
        {"s": (4, 7), "axes": None},
        {"s": (None, 3), "axes": (0, 1)},
        {"s": (4, None), "axes": (0, 1)},
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                expected = f(x, **kwargs)
            except (ValueError, TypeError):
                continue
        np.testing.assert_array_equal(opreg.vjp(lambda x, kwargs=kwargs: f(x, **kwargs), x)[0], expected)


def test_no_axes_leave_the_array_as_it_is() -> None:
    x = draw(2, 3, real=True)
    g = draw(2, 3, real=True)
    out, pullback = opreg.vjp(lambda x: np.fft.fftn(x, axes=()), x)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(pullback(g)[0], g)


def test_of_no_terms_a_length_makes_zeros() -> None:
    for name in OF_ONE_AXIS:
        f = getattr(np.fft, name)
        x = np.zeros((2, 0, 3), float if name in ("rfft", "ihfft") else complex)
        out, pullback = opreg.vjp(lambda x, f=f: f(x, 4, axis=-2), x)
        np.testing.assert_array_equal(out, np.zeros((2, 3 if "r" in name[0] or name == "ihfft" else 4, 3)))
        assert pullback(out)[0].shape == (2, 0, 3)


def test_the_precision_is_that_of_the_array() -> None:
    for real, half in (np.float32, np.complex64), (np.longdouble, np.clongdouble):
        for name in OF_ONE_AXIS + OF_SEVERAL_AXES:
            f = getattr(np.fft, name)
            for dtype in (real,) if name in ("rfft", "ihfft", "rfftn", "rfft2") else (real, half):
                out, pullback = opreg.vjp(f, np.ones((3, 4), dtype))
                assert out.dtype in (real, half)
                assert pullback(out)[0].dtype == dtype


def test_in_extended_precision_no_digit_is_lost() -> None:
    x, g = (draw(3, 6, real=True).astype(np.longdouble) for _ in range(2))
    eps = np.finfo(np.longdouble).eps
    found = opreg.vjp(lambda x: np.fft.irfft(np.fft.rfft(x), 6), x)[1](g)[0]
    np.testing.assert_allclose(found, g, rtol=0, atol=float(16 * eps))


# ------------------------------------------------------------------------------------------------- frequencies
def test_the_transpose_of_a_shift_is_its_inverse() -> None:
    x = np.arange(1.0, 6.0)
    out, pullback = opreg.vjp(np.fft.fftshift, x)
    np.testing.assert_array_equal(out, [4, 5, 1, 2, 3])
    np.testing.assert_array_equal(pullback(out)[0], x)
    np.testing.assert_array_equal(opreg.vjp(np.fft.ifftshift, x)[1](x)[0], [4, 5, 1, 2, 3])


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_a_frequency_is_inverse_to_the_distance_of_the_samples(name, n) -> None:
    plain = getattr(np.fft, name)
    for f in plain, getattr(onp.fft, name):
        out, tangent = opreg.jvp(lambda d, f=f: f(n, d), (0.7,), (1.0,))
        np.testing.assert_array_equal(out, plain(n, 0.7))
        np.testing.assert_allclose(tangent, -out / 0.7, rtol=1e-15)


# ---------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("name", OF_ONE_AXIS + OF_SEVERAL_AXES)
def test_nothing_is_written_into_out(name) -> None:
    f, x = getattr(np.fft, name), draw(3, 4, real=True)
    with pytest.raises(opreg.NotDifferentiable, match="out="):
        opreg.vjp(lambda x: f(x, out=np.empty_like(f(x))), x)


@pytest.mark.parametrize("name", OF_ONE_AXIS + OF_SEVERAL_AXES)
@pytest.mark.parametrize(
    ("kwargs", "error"),
    [({"norm": "wrong"}, ValueError), ({"window": 3}, TypeError), ({"axis": 5, "axes": (5, 0)}, IndexError)],
    ids=["norm", "unknown", "axis"],
)
def test_what_numpy_refuses_is_refused_alike(name, kwargs, error) -> None:
    f, x = getattr(np.fft, name), draw(3, 4, real=True)
    kwargs = {k: v for k, v in kwargs.items() if k != ("axes" if name in OF_ONE_AXIS else "axis")}
    for call in f, lambda x, **kwargs: opreg.vjp(lambda x: f(x, **kwargs), x):
        with pytest.raises(error):
            call(x, **kwargs)


@pytest.mark.parametrize("name", OF_ONE_AXIS + OF_SEVERAL_AXES)
def test_a_length_of_zero_is_refused(name) -> None:
    f, x = getattr(np.fft, name), draw(3, 4, real=True)
    kwargs = {"n": 0} if name in OF_ONE_AXIS else {"s": (0, 2), "axes": (0, 1)}
    with pytest.raises(ValueError, match="Invalid number of FFT data points"):
        opreg.vjp(lambda x: f(x, **kwargs), x)


def test_half_a_spectrum_of_one_term_needs_a_length() -> None:
    for name in "irfft", "hfft", "irfftn", "irfft2":
        with pytest.raises(ValueError, match="Invalid number of FFT data points"):
            opreg.vjp(getattr(np.fft, name), draw(2, 1))


@pytest.mark.parametrize("name", OF_SEVERAL_AXES)
def test_lengths_and_axes_go_together(name) -> None:
    with pytest.raises(ValueError, match="Shape and axes have different lengths"):
        opreg.vjp(lambda x: getattr(np.fft, name)(x, (2, 2, 2), (0, 1)), draw(3, 4, real=True))


def test_a_real_transform_needs_an_axis() -> None:
    for name in "rfftn", "irfftn", "rfft2", "irfft2":
        with pytest.raises(IndexError):
            opreg.vjp(lambda x, name=name: getattr(np.fft, name)(x, axes=()), draw(3, 4, real=True))


def test_a_real_transform_takes_no_complex_numbers() -> None:
    for name in "rfft", "ihfft", "rfftn", "rfft2":
        with pytest.raises(TypeError):
            opreg.vjp(getattr(np.fft, name), draw(3, 4))


def test_the_number_of_frequencies_is_an_integer_and_no_variable() -> None:
    for f in onp.fft.fftfreq, onp.fft.rfftfreq:
        with pytest.raises(opreg.NotDifferentiable, match="'n' is static"):
            opreg.grad(lambda n, f=f: np.sum(f(n, 0.5)))(4.0)
        with pytest.raises(ValueError, match="n should be an integer"):
            opreg.grad(lambda d, f=f: np.sum(f(4.0, d)))(0.5)


@pytest.mark.parametrize(
    "name", ["hfft", "ihfft", "fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"]
)
def test_a_list_of_traced_numbers_is_an_array(name) -> None:
    transform = getattr(onp.fft, name)

    def power(t):
        x = [t, 1.0, 2.0] if name.endswith("hfft") else [[t, 1.0, 3.0], [0.5, t, 2.0]]
        return np.sum(np.abs(transform(x)) ** 2)

    step = 1e-6
    assert opreg.grad(power)(3.0) == pytest.approx((power(3 + step) - power(3 - step)) / (2 * step), rel=1e-6)
