"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from opreg import elementwise, primitive
from opreg_numpy._samples import above_one, complex_of, normal, unary, unit, wide


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
    """tanh x, with the derivative 1 - tanh^2 x

    It asks for the output alone, which the next operation keeps anyway; 1 / cosh^2 x would keep an array more and
    overflow where tanh does not.
    """
    return np.tanh(x)


elementwise(tanh, x=lambda out: 1 - out * out)
tanh.samples(unary(normal, complex=True, also=(0.0,)))


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


elementwise(arctanh, x=lambda x: 1 / (1 - x) / (1 + x))
arctanh.samples(unary(unit, complex=complex_of(wide)))
