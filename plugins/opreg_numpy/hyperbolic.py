"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from opreg import elementwise, primitive, stop_gradient
from opreg_numpy._samples import above_one, complex_of, normal, unary, unit, wide
from opreg_numpy.trigonometric import one_less_square


@primitive("numpy.sinh", aliases=("sinh",))
def sinh(x, /):
    """sinh x"""
    return np.sinh(x)


elementwise(sinh, x=lambda x: np.cosh(x))
sinh.samples(unary(wide, complex=complex_of(normal)))


@primitive("numpy.cosh", aliases=("cosh",))
def cosh(x, /):
    """cosh x"""
    return np.cosh(x)


elementwise(cosh, x=lambda x: np.sinh(x))
cosh.samples(unary(wide, complex=complex_of(normal)))


@primitive("numpy.tanh", aliases=("tanh",))
def tanh(x, /):
    """tanh x, with the derivative 1 - tanh^2 x = 1 / cosh^2 x

    The difference cancels far from 0, or from the imaginary axis. There it is 4 e^(-2|x|) / (1 + e^(-2|x|))^2, which
    neither cancels nor overflows (DLMF 4.28.2).
    """
    return np.tanh(x)


def _tanh_slope(x, out):
    slope = 1 - out * out
    small = stop_gradient(slope)
    far = np.less(
        small if np.isrealobj(small) else np.absolute(small), np.finfo(np.result_type(small)).eps ** 0.2
    )
    if not np.any(far):
        return slope  # else a fifth of its digits are lost, or more
    if isinstance(slope, np.ndarray):  # where nothing is traced only the few elements are computed again
        slope[far] = _far_tanh_slope(x[far])
        return slope
    return np.where(far, _far_tanh_slope(np.where(far, x, 1.0)), slope)


def _far_tanh_slope(x):
    power = np.exp(x * (-2 * np.sign(np.real(stop_gradient(x)))))
    return 4 * power / np.square(1 + power)


elementwise(tanh, x=_tanh_slope)
tanh.samples(unary(normal, complex=True, also=(0.0, np.array([2.5, -2.0, 0.5]), 2.5, 2.0 - 0.5j)))
_BOTH = "both formulas are right on both sides of the border: their digits have a test of their own"
for _change in (
    "np.less(small if np.isrealobj(small) else np.absolute(small), np.finfo(np.result_type(small)).eps ** 0.2) -> ...",
    "np.finfo(np.result_type(small)).eps ** 0.2 -> ...",
    "small if np.isrealobj(small) else np.absolute(small) -> ...",
    "np.absolute(small) -> ...",
    "0.2 -> 0.2000002",
    "if not np.any(far) -> ...",
    "np.any(far) -> ...",
    "np.where(far, _far_tanh_slope(np.where(far, x, 1.0)), slope) -> ...",
    "np.where(far, x, 1.0) -> x",
    "1.0 -> 1.000001",
):
    tanh.waive_mutant("x", _change, _BOTH)
tanh.waive_mutant(
    "x",
    "-2 * np.sign(np.real(stop_gradient(x))) -> -2 / np.sign(np.real(stop_gradient(x)))",
    "a sign is its own inverse",
)


@primitive("numpy.arcsinh", aliases=("arcsinh", "asinh", "numpy.asinh"))
def arcsinh(x, /):
    """arcsinh x, with the derivative 1 / sqrt(1 + x^2)"""
    return np.arcsinh(x)


def _arcsinh_slope(x):
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(1 - 1j * x) * np.sqrt(1 + 1j * x))
    return 1 / np.hypot(1.0, x)


elementwise(arcsinh, x=_arcsinh_slope)
arcsinh.samples(unary(wide, complex=True, also=(1e200, 0.0)))


@primitive("numpy.arccosh", aliases=("arccosh", "acosh", "numpy.acosh"))
def arccosh(x, /):
    """arccosh x, with the derivative 1 / sqrt(x^2 - 1)"""
    return np.arccosh(x)


elementwise(arccosh, x=lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)))
arccosh.samples(unary(above_one, complex=complex_of(wide), also=(1e200,)))


@primitive("numpy.arctanh", aliases=("arctanh", "atanh", "numpy.atanh"))
def arctanh(x, /):
    """arctanh x, with the derivative 1 / (1 - x^2)"""
    return np.arctanh(x)


def _arctanh_slope(x):
    return 1 / (1 - x) / (1 + x) if np.iscomplexobj(x) else 1 / one_less_square(x)


elementwise(arctanh, x=_arctanh_slope)
arctanh.samples(unary(unit, complex=complex_of(wide)))
arctanh.waive_mutant(
    "x",
    "1 / (1 - x) / (1 + x) if np.iscomplexobj(x) else 1 / one_less_square(x) -> ...",
    "both are right: the second keeps the digits of the next derivative near 0, the first does not overflow",
)
