"""Conversions: to an array of some kind, of finite numbers, of NumPy's, or of complex ones in their order."""

from __future__ import annotations

import numpy as np

from opreg import NotDifferentiable, Sample, stop_gradient
from opreg_numpy._rules import composite
from opreg_numpy._samples import call, complex_normal, normal, of_one_array
from opreg_numpy.shapes import asarray


@composite("numpy.require")
def require(a, dtype=None, requirements=None, *, like=None):
    """The array itself if it has a type and lies in memory as required, else a copy that does"""
    if like is not None:
        raise NotDifferentiable("numpy.require: like= is not supported where an array is differentiated")
    a = asarray.body(a)
    plain = stop_gradient(a)
    found = np.require(plain, dtype, requirements)
    return a if found is plain else asarray.body(a, dtype, "F" if found.flags.fnc else "C", copy=True)


@composite("numpy.asarray_chkfinite")
def asarray_chkfinite(a, dtype=None, order=None):
    """As asarray, of finite numbers only"""
    found = asarray.body(a, dtype, order)
    if not np.all(np.isfinite(stop_gradient(found))):
        raise ValueError("array must not contain infs or NaNs")
    return found


@composite("numpy.from_dlpack")
def from_dlpack(x, /, *, device=None, copy=None):
    """The array itself, from whichever library it is: one that shares its memory, or a copy"""
    options = {"device": device, "copy": copy}  # as of NumPy 2.1
    np.from_dlpack(stop_gradient(x), **{name: given for name, given in options.items() if given is not None})
    return np.copy(x) if copy else x[...]


@composite("numpy.sort_complex")
def sort_complex(a):
    """The elements of each lane along the last axis in ascending order of real and then imaginary parts, as complex"""
    found = np.sort(asarray.body(a), axis=-1)
    return np.astype(found, np.sort_complex(np.empty(0, np.result_type(stop_gradient(found)))).dtype)


require.leave_unchecked("like", "it is refused: it asks for an array of another library")


# ---------------------------------------------------------------------------------------------------- samples
require.samples(
    of_one_array(
        call((2, 3)),
        call((2, 3), np.complex128),
        call((2, 3), np.float32, ["F", "A", "W", "O"]),
        call((3,), requirements="C"),
        call(()),
        call((0,)),
    )
)
asarray_chkfinite.samples(
    of_one_array(call((2, 3)), call((2, 3), np.complex128), call((3, 2), order="F"), call(()), call((0,)))
)


@from_dlpack.samples
def _(rng):
    for shape in (2, 3), (3,), (0,):
        yield Sample((normal(rng, shape),))
    yield Sample((complex_normal(rng, (2, 3)),))
    yield Sample((np.array(normal(rng)),), note="0-d")
    if _SINCE_2_1:
        yield Sample((normal(rng, (3,)),), {"copy": True})
        yield Sample((normal(rng, (2,)),), {"device": "cpu", "copy": False})


_SINCE_2_1 = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
if not _SINCE_2_1:
    for _what in "device", "copy", "given is not None", "np.copy(x) if copy else x[...]":
        from_dlpack.leave_unchecked(_what, "it is of NumPy 2.1")
sort_complex.samples(of_one_array(call((3,)), call((2, 3)), call((3, 1, 2)), call((1,)), call((0,))))
