"""Arithmetic: Python's operators, powers and roots, magnitudes, the parts of complex numbers.

Holomorphic functions have the partial f'(z). The others (absolute, conjugate, real, imag, angle) follow the
convention that the cotangent of z = x + iy is dL/dx - i dL/dy.
"""

from __future__ import annotations

from math import pi

import numpy as np

from opreg import NotDifferentiable, Sample, elementwise, is_traced, primitive, stop_gradient
from opreg_numpy._rules import pointwise, weighted
from opreg_numpy._samples import (
    above_one,
    beside_integers,
    complex_of,
    fortran,
    nonzero,
    normal,
    pairs,
    positive,
    strided,
    tied,
    unary,
    wide,
)


# ------------------------------------------------------------------------------------------- + - * /
@primitive("numpy.add", aliases=("add",))
def add(x, y, /):
    """x + y"""
    return np.add(x, y)


elementwise(add, x=1, y=1)
add.samples(pairs(wide, complex=True))
add.samples(beside_integers(wide))


@primitive("numpy.subtract", aliases=("sub", "subtract"))
def subtract(x, y, /):
    """x - y"""
    return np.subtract(x, y)


elementwise(subtract, x=1, y=-1)
subtract.samples(pairs(wide, complex=True))
subtract.samples(beside_integers(wide))


@primitive("numpy.multiply", aliases=("mul", "multiply"))
def multiply(x, y, /):
    """x y"""
    return np.multiply(x, y)


pointwise(multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
multiply.samples(pairs(wide, complex=True))
multiply.samples(beside_integers(wide))
multiply.samples(pairs(tied))


@primitive("numpy.divide", aliases=("div", "truediv", "divide"))
def divide(x, y, /):
    """x / y"""
    return np.divide(x, y)


pointwise(divide, x=lambda g, y: g / y, y=lambda g, out, y: -g * (out / y))
divide.samples(pairs(wide, nonzero, complex=True))
divide.samples(beside_integers(nonzero))


@primitive("numpy.remainder", aliases=("mod", "remainder", "numpy.mod"))
def remainder(x, y, /):
    """x - floor(x / y) y, which has the sign of y"""
    return np.remainder(x, y)


elementwise(remainder, x=1, y=lambda x, y: -np.floor_divide(x, y))


@primitive("numpy.fmod", aliases=("fmod",))
def fmod(x, y, /):
    """x - trunc(x / y) y, which has the sign of x"""
    return np.fmod(x, y)


elementwise(fmod, x=1, y=lambda out, x, y: -np.rint((x - out) / y))


@remainder.samples
@fmod.samples
def _between_jumps(rng):
    """Yield quotients that lie away from the integers, where the function jumps."""
    for left, right in (
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 3), (2, 1)),
        ((4,), ()),
        ((), ()),
        ((0, 2), (2,)),
    ):
        y = nonzero(rng, right)
        yield Sample(((rng.integers(-3, 4, left) + rng.uniform(0.2, 0.8, left)) * y, y))
    for left, right in (((3,), (2, 3)), ((2, 1), (1, 3)), ((), (4,))):
        y = np.full(right, float(nonzero(rng, ())))
        yield Sample(((rng.integers(-3, 4, left) + rng.uniform(0.2, 0.8, left)) * y.flat[0], y))
    x = strided(3.0 + 0.5 * positive(rng, (2, 2)) % 1)
    yield Sample((x, fortran(np.full((2, 2), 0.37))), note="strided, Fortran order")
    for x, y in ((5.5, 2.0), (-5.5, 2.0), (5.5, -2.0), (0.7, 3.0)):
        yield Sample((x, y), note="two Python floats")
        yield Sample((np.array([x, x + y], np.float32), y), note="float32")
        yield Sample((np.array([x, x - 2 * y]), int(y)), note="a Python int second")
    yield Sample((np.array([7.25, -7.25]), np.array([2, 3])), note="beside integers")
    yield Sample((7, np.array([2.2, -3.3])), note="a Python int first")


# --------------------------------------------------------------------------------------------- powers, roots
@primitive("numpy.power", aliases=("pow", "power", "numpy.pow"))
def power(x, y, /):
    """x ** y

    By the base: y x ** (y - 1), and 0 where y is 0. By the exponent: x ** y log x, whose limit at x = 0 is 0
    for y > 0. A negative base has real powers at isolated exponents only: by the exponent it has NaN.
    """
    return np.power(x, y)


def _by_base(x, y):
    if isinstance(y, (int, float)) and y >= 1:
        return y * (x if y == 2 else x ** (y - 1))
    flat = np.logical_and(np.equal(x, 0), np.equal(y, 0))
    return y * np.power(x, np.where(flat, 0.0, y - 1.0))


def _by_exponent(out, x):
    if np.iscomplexobj(out):
        return out * np.log(np.where(np.equal(x, 0), 1.0, x) + 0j)
    return out * (np.log(np.where(np.greater(x, 0), x, 1.0)) + np.where(np.less(x, 0), np.nan, 0.0))


elementwise(power, x=_by_base, y=_by_exponent)
power.samples(pairs(positive, normal, complex=True, same=False))
power.samples(beside_integers(nonzero, (2, 3, 1, 0)))
power.samples(beside_integers(tied, (2, 3, 0), first=False))


@power.samples
def _at_special_powers(rng):
    both = above_one(rng, (3,))
    yield Sample((both, both), note="one array twice")
    yield Sample((np.zeros(4), np.array([2, 1, 0, 3])), note="powers of zero")
    yield Sample((np.array([0.0, 0.0, 2.0]), np.array([2.5, 3.5, 0.0])), note="zero to a positive power")
    yield Sample((nonzero(rng, (3,)), np.array([-1, -2, 3]).astype(int)), note="negative integer powers")
    yield Sample((positive(rng, (3,)), np.array([0.0, 1.0, 0.5])), note="the powers 0, 1 and 1/2")
    yield Sample((complex_of(nonzero)(rng, (3,)), np.array([2, 0, -1])), note="complex, to integer powers")
    z = complex_of(nonzero)(rng, (4,))
    yield Sample((z, complex_of(normal)(rng, (4,))), note="complex, to complex powers")
    yield Sample((-positive(rng, (2,)), z[:2]), note="negative, to complex powers")
    yield Sample((np.array([0j, 1 - 1j]), np.array([3 + 0.5j, 2.0])), note="complex zero, to a complex power")
    for exponent in (1, 3, 2.5, 0.5):
        yield Sample((positive(rng, (2, 2)), exponent), note=f"to the power {exponent}")


@primitive("numpy.reciprocal", aliases=("reciprocal",))
def reciprocal(x, /):
    """1 / x"""
    return np.reciprocal(x)


elementwise(reciprocal, x=lambda out: -out * out)
reciprocal.samples(unary(nonzero, complex=True))


@primitive("numpy.square", aliases=("square",))
def square(x, /):
    """x ** 2"""
    return np.square(x)


elementwise(square, x=lambda x: 2 * x)
square.samples(unary(wide, complex=True, also=(np.zeros(2),)))


@primitive("numpy.sqrt", aliases=("sqrt",))
def sqrt(x, /):
    """x ** (1/2), with the derivative 1 / (2 sqrt x)"""
    return np.sqrt(x)


elementwise(sqrt, x=lambda out: 0.5 / out)
sqrt.samples(unary(positive, complex=True))


@primitive("numpy.cbrt", aliases=("cbrt",))
def cbrt(x, /):
    """x ** (1/3), also of negative numbers, with the derivative 1 / (3 cbrt(x) ** 2)"""
    return np.cbrt(x)


elementwise(cbrt, x=lambda out: 1 / (3 * out * out))
cbrt.samples(unary(wide))


# ------------------------------------------------------------------------------------------ sign, magnitude
@primitive("numpy.negative", aliases=("neg", "negative"))
def negative(x, /):
    """-x"""
    return np.negative(x)


elementwise(negative, x=-1)
negative.samples(unary(wide, complex=True))


@primitive("numpy.positive", aliases=("pos", "positive"))
def positive_(x, /):
    """+x"""
    return np.positive(x)


elementwise(positive_, x=1)
positive_.samples(unary(wide, complex=True))


def _phase(x, out):
    """Return conj(x) / |x|, and 0 at 0, where every derivative of it is taken to be 0 as well."""
    if not np.iscomplexobj(x):
        return np.sign(x)
    zero = np.equal(out, 0)
    return np.where(zero, 0.0, np.conjugate(x)) / np.where(zero, 1.0, out)


@primitive("numpy.absolute", aliases=("abs", "absolute", "numpy.abs"))
def absolute(x, /):
    """|x|: sign x for real numbers; |z| = sqrt(x^2 + y^2) has dL/dx - i dL/dy = g conj(z) / |z|. At 0: 0."""
    return np.absolute(x)


elementwise(absolute)
absolute.defvjp(x=lambda g, x, out: g * _phase(x, out))
absolute.defjvp(x=lambda t, x, out: np.real(t * _phase(x, out)))
absolute.samples(unary(nonzero, complex=True, also=(np.array([0.0, 2.0, -1.0]), 0.0, np.array([0j, 1 - 2j]))))
absolute.at_kink(0.0, cotangents=[0.0]).at_kink(0j, cotangents=[0j])


@primitive("numpy.sign", aliases=("sign",))
def sign(x, /):
    """x / |x|: of real numbers -1, 0 or 1 and constant; of complex ones ds = (dz - s^2 conj(dz)) / (2 |z|). At 0: 0."""
    return np.sign(x)


@sign.called_as
def _(x, /):
    return (x if np.iscomplexobj(stop_gradient(x)) else stop_gradient(x),), {}


def _across(change, x, s):
    """Return (d - s^2 conj(d)) / (2 |x|), the part of a change d across the direction s, and 0 where x is 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 0.0, change - s * s * np.conjugate(change)) / np.where(
        zero, 1.0, 2 * np.absolute(x)
    )


elementwise(sign)
sign.defvjp(x=lambda g, x, out: _across(g, x, np.conjugate(out))).defjvp(
    x=lambda t, x, out: _across(t, x, out)
)
sign.samples(unary(nonzero, complex=True, also=(np.array([0j, 1 - 2j]),)))
sign.at_kink(0.0, cotangents=[0.0]).at_kink(0j, cotangents=[0j])


@primitive("numpy.fabs", aliases=("fabs",))
def fabs(x, /):
    """|x| of real numbers. At 0: 0."""
    return np.fabs(x)


elementwise(fabs, x=lambda x: np.sign(x))
fabs.samples(unary(nonzero, also=(np.array([0.0, 2.0, -1.0]),)))


@primitive("numpy.copysign", aliases=("copysign",))
def copysign(x, y, /):
    """|x| with the sign of y. By x: sign(x) times the sign of y, so 0 at x = 0."""
    return np.copysign(x, y)


elementwise(copysign, x=lambda x, y: np.sign(x) * np.copysign(1.0, y))
copysign.not_differentiable(y="only the sign of y is used, which is constant between its jumps")
copysign.samples(pairs(nonzero, same=False))
copysign.samples(beside_integers(nonzero, (2, -3, 1), first=False))


@primitive("opreg_numpy.arithmetic.cosine")
def cosine(x, y, /):
    """c = x / h, where h = hypot(x, y), with the derivatives s^2 / h by x and -c s / h by y, where s = y / h

    They do not cancel, as those of the quotient do where y is small. At the origin: 0, and so are its derivatives.
    """
    return _share(x, np.hypot(x, y))


def _share(x, h):
    """Return x / h, and 0 where h is 0."""
    zero = np.equal(h, 0)
    return np.where(zero, 0.0, x) / np.where(zero, 1.0, h)


def _cosine_by_x(x, y):
    sine = cosine(y, x)
    return sine * _share(sine, np.hypot(x, y))


def _cosine_by_y(x, y, out):
    return -out * _share(cosine(y, x), np.hypot(x, y))


elementwise(cosine, x=_cosine_by_x, y=_cosine_by_y)


def _hypot_slope(x, y, out):
    return cosine(x, y) if is_traced(out) else _share(x, out)


@primitive("numpy.hypot", aliases=("hypot",))
def hypot(x, y, /):
    """sqrt(x^2 + y^2), with the derivatives x / hypot and y / hypot. At the origin: 0."""
    return np.hypot(x, y)


elementwise(hypot, x=lambda x, y, out: _hypot_slope(x, y, out), y=lambda x, y, out: _hypot_slope(y, x, out))
for _function in hypot, cosine:
    _function.samples(pairs(nonzero))
    _function.samples(beside_integers(nonzero))
    _function.at_kink(0.0, 0.0, cotangents=[0.0, 0.0])


@hypot.samples
def _far_and_near(rng):
    yield Sample(
        (np.array([0.0, 0.0, 3.0]), np.array([0.0, -2.0, 0.0])), note="on the axes and at the origin"
    )
    yield Sample((1e200 * nonzero(rng, (3,)), 1e200 * nonzero(rng, (3,))), note="the squares overflow")


# ------------------------------------------------------------------------------ the parts of a complex number
@primitive("numpy.conjugate", aliases=("conj", "conjugate", "numpy.conj"))
def conjugate(x, /):
    """x - iy: linear over the real numbers, and its own adjoint"""
    return np.conjugate(x)


pointwise(conjugate, x=lambda g: np.conjugate(g))
conjugate.samples(unary(normal, complex=True))


@primitive("numpy.real", aliases=("real",))
def real(val, /):
    """x of z = x + iy"""
    return np.real(val)


elementwise(real)
real.returns_view()
real.defvjp(val=lambda g: g)
real.defjvp(val=lambda t: np.real(t))
real.samples(unary(normal, complex=True))


@primitive("numpy.imag", aliases=("imag",))
def imag(val, /):
    """y of z = x + iy; 0 for real numbers, and so is the derivative"""
    return np.imag(val)


elementwise(imag)
imag.returns_view()
imag.defvjp(val=lambda g, val: g * -1j if np.iscomplexobj(val) else 0 * g)
imag.defjvp(val=lambda t: np.imag(t))
imag.samples(unary(normal, complex=True))


@primitive("numpy.angle", aliases=("angle",))
def angle(z, /, *, deg=False):
    """The phase of z: d angle = Im(dz / z), so dL/dx - i dL/dy = -i g / z. At 0: 0.

    Of a real number it is 0 or pi, and the derivative is 0.
    """
    return np.angle(z, deg=deg)


def _turn(g, z, deg):
    """Return -i g / z, in degrees if so asked."""
    zero = np.equal(z, 0)
    return np.where(zero, 0.0, g) / np.where(zero, 1.0, z) * (-1j * (180 / pi if deg else 1.0))


elementwise(angle)
angle.defvjp(z=lambda g, z, deg: _turn(g, z, deg) if np.iscomplexobj(z) else 0 * g)
angle.defjvp(z=lambda t, z, deg: np.real(_turn(t, z, deg)) if np.iscomplexobj(z) else 0 * t)
angle.samples(unary(nonzero, complex=True))


@angle.samples
def _in_degrees(rng):
    yield Sample((complex_of(nonzero)(rng, (2, 3)),), {"deg": True}, note="degrees")
    yield Sample((complex_of(nonzero)(rng, (3,)), True), note="degrees, by position")
    yield Sample((nonzero(rng, (3,)),), {"deg": True}, note="real, degrees")
    yield Sample((np.array([0j, 1 - 2j]),), note="complex, at 0")


# ------------------------------------------------------------------------------------- what is not finite
@primitive("numpy.nan_to_num", aliases=("nan_to_num",))
def nan_to_num(x, /, *, copy=True, nan=0.0, posinf=None, neginf=None):
    """x with other numbers in place of NaN and of the infinities: 1 where x is finite, each part by itself, else 0"""
    return np.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)


@nan_to_num.called_as
def _(x, copy=True, nan=0.0, posinf=None, neginf=None):
    if not copy:
        raise NotDifferentiable("numpy.nan_to_num cannot write into a traced value: leave out copy=False")
    return (x,), {"nan": nan, "posinf": posinf, "neginf": neginf}


def _finite_parts(g, x):
    if not np.iscomplexobj(x):
        return weighted(g, np.isfinite(x))
    return weighted(np.real(g), np.isfinite(np.real(x))) + 1j * weighted(np.imag(g), np.isfinite(np.imag(x)))


pointwise(nan_to_num, x=_finite_parts)
nan_to_num.samples(unary(wide, complex=True))
nan_to_num.leave_unchecked("copy", "copy=False is refused: a traced value has no memory to write into")


@nan_to_num.samples
def _with_infinities(rng):
    x = wide(rng, (2, 3))
    x[0] = np.nan, np.inf, -np.inf
    yield Sample((x,), note="NaN and infinities")
    yield Sample((x,), {"nan": 1.0, "posinf": 2.0, "neginf": -2.0}, note="other numbers in their place")
    yield Sample((x.astype(np.float32), True, -1.0), note="float32, by position")


# -------------------------------------------------------------------------------------------- what no sample need show
_MASKED = "any number but 0 will do in the place of what is masked out"
_REAL = "the engine takes the real part of what an elementwise rule gives for a real value"

for _function in absolute, hypot, angle, cosine:
    _function.waive_mutant("*", "1.0 -> 1.000001", _MASKED)
absolute.waive_mutant("x", "np.where(zero, 0.0, np.conjugate(x)) -> np.conjugate(x)", "x is 0 where out is")
for _change in "0 -> 1", "np.where(zero, 0.0, g) -> g", "np.where(zero, 1.0, z) -> z":
    angle.waive_mutant("z", _change, "at 0 the phase jumps; that it has 0 there is a convention with a test")
absolute.waive_mutant("x", "np.real(t * _phase(x, out)) -> t * _phase(x, out)", _REAL)
real.waive_mutant("val", "np.real(t) -> t", _REAL)
angle.waive_mutant("z", "np.real(_turn(t, z, deg)) -> _turn(t, z, deg)", _REAL)
for _function in hypot, cosine:
    _function.waive_mutant("*", "np.where(zero, 0.0, x) -> x", "x is 0 where hypot is")
cosine.waive_mutant("*", "0.0 -> 1e-06", "what it is multiplied by is 0 where hypot is")
hypot.waive_mutant(
    "*",
    "cosine(x, y) if is_traced(out) else _share(x, out) -> ...",
    "both are right: the first keeps the digits of the next derivative, the second needs no other root",
)
sign.waive_mutant("x", "1.0 -> 1.000001", "any number but 0 will do in the place of what is masked out")
copysign.waive_mutant(
    "x",
    "np.sign(x) * np.copysign(1.0, y) -> np.sign(x) / np.copysign(1.0, y)",
    "it is 1 or -1, its own inverse",
)
fmod.waive_mutant("y", "np.rint((x - out) / y) -> (x - out) / y", "it is an integer up to rounding")
nan_to_num.waive_mutant(
    "x", "_finite_parts -> ...", "what is not finite has no difference quotient; it has a test of its own"
)
power.waive_mutant(
    "x",
    "isinstance(y, (int, float)) and y >= 1 -> ...",
    "a short way for one number; the long one is right too",
)
power.waive_mutant("x", "1 -> 2", "a short way for one number; the long one is right too")
power.waive_mutant("x", "y >= 1 -> ...", "a short way for one number; the long one is right too")
for _change in (
    "np.where(np.less(x, 0), np.nan, 0.0) -> 0.0",
    "np.log(np.where(np.greater(x, 0), x, 1.0)) + np.where(np.less(x, 0), np.nan, 0.0) -> ...",
    "np.greater(x, 0) -> x",
):
    power.waive_mutant(
        "y", _change, "a negative base has no difference quotient by a real exponent: it is NaN"
    )
power.waive_mutant("y", "1.0 -> 1.000001", _MASKED)
power.waive_mutant(
    "y",
    "np.where(np.equal(x, 0), 1.0, x) + 0j -> np.where(np.equal(x, 0), 1.0, x) - 0j",
    "0 - 0 is a positive zero, so the number stays on the same side of the cut",
)
