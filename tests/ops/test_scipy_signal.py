"""Convolutions and spectra of SciPy."""

import numpy as np
import pytest
from families import names_of

import opreg
from opreg import scipy
from opreg.testing import conformance
from opreg_scipy import signal

test_rules = pytest.mark.slow(conformance(*names_of(signal), samples=1))

X, Y = np.array([1.0, 2.0, -1.0, 3.0]), np.array([0.5, -2.0, 1.0])


def test_the_gradient_of_a_convolution_is_a_correlation() -> None:
    g = np.arange(1.0, 7.0)
    pullback = opreg.vjp(scipy.signal.convolve, X, Y)[1]
    of_x, of_y = pullback(g)
    np.testing.assert_allclose(of_x, [g[i : i + 3] @ Y for i in range(4)], rtol=1e-14)
    np.testing.assert_allclose(of_y, [g[i : i + 4] @ X for i in range(3)], rtol=1e-14)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((4, 3), (2, 3)), ((2, 2), (3, 4))])
def test_all_functions_agree(mode, shapes) -> None:
    rng = np.random.default_rng(3)
    x, y = (rng.standard_normal(shape) for shape in shapes)
    expected = None
    for function in (
        lambda x, y: scipy.signal.convolve(x, y, mode, method="direct"),
        lambda x, y: scipy.signal.convolve(x, y, mode, method="fft"),
        lambda x, y: scipy.signal.correlate(x, np.flip(y), mode),
        lambda x, y: scipy.signal.fftconvolve(x, y, mode),
        lambda x, y: scipy.signal.oaconvolve(x, y, mode=mode, axes=(0, 1)),
    ):
        out, pullback = opreg.vjp(function, x, y)
        found = pullback(np.arange(1.0, out.size + 1).reshape(out.shape))
        expected = found if expected is None else expected
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_a_correlation_conjugates_its_second_argument() -> None:
    z = np.array([1 + 2j])
    found = opreg.vjp(scipy.signal.correlate, z, z)[1](np.ones(1, complex))
    np.testing.assert_allclose(found[0], [1 - 2j])  # d(z conj(w)) / dz
    np.testing.assert_allclose(found[1], [1 - 2j])  # the conjugate of d(z conj(w)) / d conj(w)


def test_along_the_other_axes_arrays_broadcast() -> None:
    rng = np.random.default_rng(4)
    signals, kernel = rng.standard_normal((3, 8)), rng.standard_normal((1, 3))
    found = opreg.grad(lambda k: np.sum(scipy.signal.fftconvolve(signals, k, "same", axes=1) ** 2))(kernel)
    each = [
        opreg.grad(lambda k, row=row: np.sum(scipy.signal.convolve(row, k, "same") ** 2))(kernel[0])
        for row in signals
    ]
    np.testing.assert_allclose(found, [sum(each)], rtol=1e-12)


def test_a_convolution_with_itself_has_a_constant_second_derivative() -> None:
    h = opreg.hessian(lambda x: scipy.signal.convolve(x, x)[2])(X[:3])
    np.testing.assert_allclose(h, np.eye(3)[::-1] * 2, atol=1e-14)


@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve", "oaconvolve"])
def test_what_scipy_refuses_is_refused_as_scipy_does(name) -> None:
    function = getattr(scipy.signal, name)
    for call in (
        lambda x: function(x, np.ones((2, 2))),
        lambda x: function(x, Y, "middle"),
        lambda x: function(np.outer(x, Y), np.ones((5, 2)), "valid"),
    ):
        with pytest.raises(ValueError):
            opreg.vjp(call, X)
    with pytest.raises(TypeError):
        opreg.vjp(lambda x: function(x, Y, boundary="wrap"), X)


@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
def test_what_scipy_refuses_of_planes_is_refused_as_scipy_does(name) -> None:
    function, plane = getattr(scipy.signal, name), np.ones((3, 2))
    for call in (
        lambda x: function(x, X),
        lambda x: function(x, plane, "middle"),
        lambda x: function(x, plane, "full", "mirror"),
        lambda x: function(x, plane, fillvalue=[1.0, 2.0]),
        lambda x: function(x, plane, "valid"),
    ):
        with pytest.raises(ValueError) as refused:
            call(np.ones((2, 3)))
        with pytest.raises(ValueError) as raised:
            opreg.vjp(call, np.ones((2, 3)))
        assert str(raised.value) == str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((2,), IndexError),
        ((None,), TypeError),
        ((-1, "quadratic"), ValueError),
        ((-1, "linear", 5), ValueError),
        ((2, "constant"), np.exceptions.AxisError),
    ],
)
def test_a_trend_that_scipy_refuses_is_refused_as_scipy_does(arguments, error) -> None:
    x = np.ones((3, 4))
    with pytest.raises(error) as refused:
        scipy.signal.detrend(x, *arguments)
    with pytest.raises(error) as raised:
        opreg.vjp(lambda x: scipy.signal.detrend(x, *arguments), x)
    assert str(raised.value) == str(refused.value)


def test_a_correlation_of_lists_of_traced_numbers() -> None:
    found = opreg.grad(lambda t: np.sum(scipy.signal.correlate([t, 1.0, 2.0], [t, 2.0])))(3.0)
    assert found == pytest.approx(2 * 3.0 + 3.0 + 2.0)


@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("boundary", ["fill", "pad", "symm", "symmetric", "wrap", "circular"])
@pytest.mark.parametrize("shapes", [((4, 3), (3, 2)), ((3, 3), (2, 3)), ((2, 2), (3, 4))])
def test_planes_are_continued_beyond_their_edges_as_in_scipy(name, mode, boundary, shapes) -> None:
    rng = np.random.default_rng(6)
    x, y = (rng.standard_normal(shape) for shape in shapes)
    function = getattr(scipy.signal, name)
    out, pullback = opreg.vjp(lambda x, y: function(x, y, mode, boundary, 0.7), x, y)
    np.testing.assert_allclose(out, function(x, y, mode, boundary, 0.7), rtol=1e-12, atol=1e-12)
    of_x, of_y = pullback(out)
    moved = [function(x + h * of_x, y + h * of_y, mode, boundary, 0.7) for h in (-1e-6, 1e-6)]
    np.testing.assert_allclose(
        np.sum(out * (moved[1] - moved[0])) / 2e-6, np.sum(of_x**2) + np.sum(of_y**2), rtol=1e-7
    )


SPECTRA = [
    {},
    {"nperseg": 7},
    {"nperseg": 8, "noverlap": 2, "nfft": 10, "fs": 3.0},
    {"nperseg": 8, "detrend": "linear", "scaling": "spectrum"},
    {"nperseg": 8, "detrend": False, "return_onesided": False},
    {"window": np.arange(1.0, 7.0)},
]


@pytest.mark.filterwarnings("ignore:nperseg")
@pytest.mark.parametrize("options", SPECTRA)
def test_spectra_are_those_of_scipy(options) -> None:
    x = np.random.default_rng(7).random((3, 24))
    for name, arguments in {
        "csd": (x[0], x[1, :20]),
        "welch": (x,),
    }.items():
        body, original = getattr(signal, name).body, getattr(scipy.signal, name)
        for found, expected in zip(body(*arguments, **options), original(*arguments, **options), strict=True):
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nperseg": 7},
        {"noverlap": 6, "fs": 3.0, "scaling": "psd"},
        {"boundary": False, "window": "boxcar"},
    ],
)
def test_signals_of_spectra_are_those_of_scipy(options) -> None:
    spectra = scipy.signal.stft(np.random.default_rng(8).random((3, 24)), nperseg=options.get("nperseg", 8))[
        2
    ]
    for order in ((0, 1, 2), (2, 0, 1)):
        places = {"freq_axis": order.index(1), "time_axis": order.index(2)}
        given = np.transpose(spectra, order)
        found = signal.istft.body(given, **options, **places)
        for one, other in zip(found, scipy.signal.istft(given, **options, **places), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_a_median_of_spectra_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="average='median'"):
        opreg.grad(lambda x: scipy.signal.welch(x, nperseg=4, average="median")[1][1])(np.ones(9))


def test_a_kernel_that_has_room_for_the_array_is_exchanged_with_it() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((2, *shape)) for shape in ((2, 1), (3, 2)))
    a, b = a[0] + 1j * a[1], b[0] + 1j * b[1]
    for name in "correlate2d", "convolve2d":
        found = opreg.vjp(lambda a, name=name: getattr(opreg.scipy.signal, name)(a, b, "valid"), a)[0]
        np.testing.assert_allclose(found, getattr(scipy.signal, name)(a, b, "valid"))


@pytest.mark.filterwarnings("ignore:NOLA")  # SciPy's own
def test_of_no_segments_there_is_a_signal_of_zeros() -> None:
    found = opreg.vjp(
        lambda z: opreg.scipy.signal.istft(z, nperseg=5, boundary=False)[1], np.zeros((3, 0), complex)
    )[0]
    assert found.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["f", "d", "F", "D"])
@pytest.mark.parametrize("input_onesided", [True, False])
def test_an_inverse_transform_keeps_the_precision(dtype, input_onesided) -> None:
    x = np.ones((3, 5), dtype)

    def inverse(x):
        return scipy.signal.istft(x, nperseg=4 if input_onesided else 3, input_onesided=input_onesided)[1]

    expected = inverse(x)
    out, tangent = opreg.jvp(inverse, (x,), (x,))
    assert out.dtype == tangent.dtype == expected.dtype
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    assert opreg.vjp(inverse, x)[1](expected)[0].dtype == dtype
