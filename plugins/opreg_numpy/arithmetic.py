"""Arithmetic: the functions behind Python's operators."""

from __future__ import annotations

import numpy as np
from opreg import elementwise, primitive


@primitive("numpy.add", aliases=("add",))
def add(x, y, /):
    """x + y"""
    return np.add(x, y)


@primitive("numpy.multiply", aliases=("mul", "multiply"))
def multiply(x, y, /):
    """x y"""
    return np.multiply(x, y)


@primitive("numpy.sin", aliases=("sin",))
def sin(x, /):
    """sin x"""
    return np.sin(x)


elementwise(add, x=1, y=1)
elementwise(multiply, x=lambda y: y, y=lambda x: x)
elementwise(sin, x=lambda x: np.cos(x))


@primitive("numpy.cos")
def cos(x, /):
    """cos x"""
    return np.cos(x)


elementwise(cos, x=lambda x: -np.sin(x))


@primitive("numpy.negative", aliases=("neg",))
def negative(x, /):
    """-x"""
    return np.negative(x)


elementwise(negative, x=-1)
