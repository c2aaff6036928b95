"""Trigonometric functions, their inverses, and angles in degrees and radians.

The square roots of 1 - z and 1 + z are taken apart, as in W. Kahan, Branch Cuts for Complex Elementary Functions
(1987): the derivative then lies on the sheet of the inverse function on which NumPy's value does.
"""

from __future__ import annotations

from math import pi

import numpy as np

from opreg import Sample, elementwise, primitive, stop_gradient
from opreg_numpy._samples import (
    beside_integers,
    complex_of,
    nonzero,
    normal,
    pairs,
    unary,
    unit,
    wide,
)


@primitive("numpy.sin", aliases=("sin",))
def sin(x, /):
    """sin x"""
    return np.sin(x)


elementwise(sin, x=lambda x: np.cos(x))
sin.samples(unary(wide, complex=complex_of(normal)))


@primitive("numpy.cos", aliases=("cos",))
def cos(x, /):
    """cos x"""
    return np.cos(x)


elementwise(cos, x=lambda x: -np.sin(x))
cos.samples(unary(wide, complex=complex_of(normal)))


@primitive("numpy.tan", aliases=("tan",))
def tan(x, /):
    """tan x, with the derivative 1 + tan^2 x

    Of complex numbers it is (1 / cos z)^2: tan z tends to i or -i, where 1 + tan^2 cancels. Far from the real axis,
    where cos z overflows, that is 4 e^(2iz), or its like for the lower half plane, to rounding.
    """
    return np.tan(x)


def _tan_slope(x, out):
    if not np.iscomplexobj(out):
        return 1 + out * out
    height = np.imag(stop_gradient(x))
    far = np.abs(height) > 20
    near = np.square(1 / np.cos(np.where(far, np.zeros_like(stop_gradient(x)), x)))
    return np.where(far, 4 * np.exp(2j * np.where(height > 0, x, -x)), near)


elementwise(tan, x=_tan_slope)
tan.samples(unary(normal, complex=True))


@primitive("opreg_numpy.trigonometric.one_less_square")
def one_less_square(x, /):
    """1 - x^2 as (1 - x)(1 + x), exact near both ends; its derivative -2 x, taken as such, is exact near 0 too"""
    return (1 - x) * (1 + x)


elementwise(one_less_square, x=lambda x: -2 * x)
one_less_square.samples(unary(unit, complex=complex_of(wide), also=(0.0,)))


def _one_over_root(x):
    """Return 1 / sqrt(1 - x^2), of complex numbers on the sheet of the inverse functions."""
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(1 - x) * np.sqrt(1 + x))
    return 1 / np.sqrt(one_less_square(x))


@primitive("numpy.arcsin", aliases=("arcsin", "asin", "numpy.asin"))
def arcsin(x, /):
    """arcsin x, with the derivative 1 / sqrt(1 - x^2)"""
    return np.arcsin(x)


elementwise(arcsin, x=_one_over_root)
arcsin.samples(unary(unit, complex=complex_of(wide)))


@primitive("numpy.arccos", aliases=("arccos", "acos", "numpy.acos"))
def arccos(x, /):
    """arccos x, with the derivative -1 / sqrt(1 - x^2)"""
    return np.arccos(x)


elementwise(arccos, x=lambda x: -_one_over_root(x))
arccos.samples(unary(unit, complex=complex_of(wide)))


@primitive("numpy.arctan", aliases=("arctan", "atan", "numpy.atan"))
def arctan(x, /):
    """arctan x, with the derivative 1 / (1 + x^2), which is 0 where the square overflows"""
    return np.arctan(x)


def _arctan_slope(x):
    if np.iscomplexobj(x):
        return 1 / (1 - 1j * x) / (1 + 1j * x)
    with np.errstate(over="ignore"):  # 1 / infinity is what is due
        return 1 / (1 + np.square(x))


elementwise(arctan, x=_arctan_slope)
arctan.samples(unary(wide, complex=True, also=(1e200, 0.0)))
arctan.waive_mutant(
    "*",
    "if np.iscomplexobj(x) -> if not np.iscomplexobj(x)",
    "both are 1 / (1 + x^2): which is taken matters for speed, near i, and where the square overflows, "
    "and there the derivative is too near to infinity or to zero to be compared",
)


@primitive("numpy.arctan2", aliases=("arctan2", "atan2", "numpy.atan2"))
def arctan2(y, x, /):
    """The angle of the point (x, y): by y x / r^2, by x -y / r^2, with r = hypot(x, y). At the origin: 0."""
    return np.arctan2(y, x)


def _over_square(a, x, y):
    """Return a / (x^2 + y^2) without squaring, and 0 at the origin."""
    r = np.hypot(x, y)
    zero = np.equal(r, 0)
    r = np.where(zero, 1.0, r)
    return np.where(zero, 0.0, a) / r / r


elementwise(arctan2, y=lambda x, y: _over_square(x, x, y), x=lambda x, y: -_over_square(y, x, y))
arctan2.samples(pairs(nonzero))
arctan2.samples(beside_integers(nonzero))
arctan2.at_kink(0.0, 0.0, cotangents=[0.0, 0.0])


@arctan2.samples
def _around_the_origin(rng):
    yield Sample((np.array([0.0, 0.5, -0.5]), np.array([2.0, 0.0, 0.0])), note="on the axes")
    yield Sample((np.array([0.0, 1.0]), np.array([0.0, 1.0])), note="at the origin")
    yield Sample((1e200 * nonzero(rng, (2,)), 1e200 * nonzero(rng, (2,))), note="the squares overflow")


# ---------------------------------------------------------------------------------------- degrees, radians
@primitive("numpy.deg2rad", aliases=("deg2rad",))
def deg2rad(x, /):
    """pi / 180 x"""
    return np.deg2rad(x)


@primitive("numpy.radians", aliases=("radians",))
def radians(x, /):
    """pi / 180 x"""
    return np.radians(x)


@primitive("numpy.rad2deg", aliases=("rad2deg",))
def rad2deg(x, /):
    """180 / pi x"""
    return np.rad2deg(x)


@primitive("numpy.degrees", aliases=("degrees",))
def degrees(x, /):
    """180 / pi x"""
    return np.degrees(x)


for _angle in (deg2rad, radians, rad2deg, degrees):
    elementwise(_angle, x=pi / 180 if _angle in (deg2rad, radians) else 180 / pi)
    _angle.samples(unary(wide))


# -------------------------------------------------------------------------------------------- what no sample need show
tan.waive_mutant(
    "x",
    "_tan_slope -> ...",
    "far from the real axis the derivative is too small for a difference quotient of tan",
)
arctan2.waive_mutant("*", "1.0 -> 1.000001", "any number but 0 will do in the place of what is masked out")
arctan2.waive_mutant("*", "np.where(zero, 0.0, a) -> a", "a is 0 where r is")
for _function in arcsin, arccos:
    _function.waive_mutant(
        "x",
        "if np.iscomplexobj(x) -> if not np.iscomplexobj(x)",
        "they differ in digits near 0, and on the branch cuts: both have tests of their own",
    )
