"""Joining and splitting: arrays laid end to end, and taken apart.

Joining is linear in all the arrays together; the cotangent of each is the part of g where it lies. What the tape keeps
of the arrays is their forms and their places (``residual``). Any of the arrays may be constant.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import prod

import numpy as np

from opreg import Sample, primitive
from opreg_numpy._axes import along
from opreg_numpy._form import form_of
from opreg_numpy._rules import composite, out_refused
from opreg_numpy._samples import KINDS, call, complex_normal, normal, of_one_array, single


def _forms(*arrays):
    return tuple(form_of(a) for a in arrays)


def _joined_tangents(join):
    """Return the JVP of joining: it joins the tangents, zeros for the arrays that have none."""

    def push(g, arrays, out, axis, casting):
        tangents = [np.zeros(*form_of(a)) if t is None else t for t, a in zip(g, arrays, strict=True)]
        return join(tangents, axis=axis, dtype=out.dtype, casting=casting)

    return push


# --------------------------------------------------------------------------------------------------- joining
@primitive("numpy.concatenate", aliases=("concatenate", "numpy.concat"))
def concatenate(*arrays, axis=0, dtype=None, casting="same_kind"):
    """The arrays end to end along an axis; flattened, with axis=None"""
    return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


@concatenate.with_residual
def _(*arrays, axis, dtype, casting):
    out = concatenate.bind(*arrays, axis=axis, dtype=dtype, casting=casting)
    forms = _forms(*arrays)
    lengths = [prod(form.shape) if axis is None else form.shape[axis] for form in forms]
    return out, list(zip(forms, accumulate(lengths, initial=0), lengths, strict=False))


def _concatenate_part(g, residual, index, axis):
    form, start, length = residual[index]
    place = slice(start, start + length)
    if axis is None:
        return form.fit(np.reshape(g[place], form.shape))
    return form.fit(g[along(len(form.shape), axis, place)])


concatenate.defvjp(arrays=_concatenate_part).defjvp(_joined_tangents(np.concatenate))


@primitive("numpy.stack", aliases=("stack",))
def stack(*arrays, axis=0, dtype=None, casting="same_kind"):
    """Arrays of one shape, laid along a new axis"""
    return np.stack(arrays, axis=axis, dtype=dtype, casting=casting)


@concatenate.called_as
@stack.called_as
def _(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    if out is not None:
        raise out_refused("numpy.concatenate and numpy.stack")
    return tuple(arrays), {"axis": axis, "dtype": dtype, "casting": casting}


def _stack_part(g, residual, index, axis):
    form = residual[index]
    return form.fit(g[along(len(form.shape) + 1, axis, index)])


stack.defvjp(arrays=_stack_part).defjvp(_joined_tangents(np.stack))
stack.residual_of(_forms)


def _listed(arrays):
    """Return what ``atleast_nd`` made of a sequence, which is a bare array if it has one element."""
    return list(arrays) if isinstance(arrays, tuple) else [arrays]


@composite("numpy.vstack")
def vstack(tup, *, dtype=None, casting="same_kind"):
    """The arrays end to end along the first axis, vectors as rows"""
    return np.concatenate(_listed(np.atleast_2d(*tup)), axis=0, dtype=dtype, casting=casting)


@composite("numpy.hstack")
def hstack(tup, *, dtype=None, casting="same_kind"):
    """The arrays end to end along the second axis, vectors along the first"""
    arrays = _listed(np.atleast_1d(*tup))
    return np.concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1, dtype=dtype, casting=casting)


@composite("numpy.dstack")
def dstack(tup):
    """The arrays end to end along the third axis"""
    return np.concatenate(_listed(np.atleast_3d(*tup)), axis=2)


@composite("numpy.column_stack")
def column_stack(tup):
    """The arrays side by side, vectors as columns"""
    return np.concatenate([np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in tup], axis=1)


@composite("numpy.append")
def append(arr, values, axis=None):
    """The values joined on behind, both flattened with axis=None"""
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.concatenate([arr, values], axis=axis)


@composite("numpy.block", sequences=None)
def block(arrays):
    """A matrix of blocks: of nested lists the innermost are joined along the last axis, the next along that before"""
    deepest, ndim = _depth(arrays), max(_depth(arrays), *_ranks(arrays))
    return _block(arrays, deepest, ndim) if deepest else np.copy(arrays, order="C")


def _depth(arrays):
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _ranks(arrays):
    return [n for part in arrays for n in _ranks(part)] if isinstance(arrays, list) else [np.ndim(arrays), 0]


def _block(arrays, deepest, ndim, depth=0):
    if isinstance(arrays, list) and not arrays:
        raise ValueError("a list of blocks cannot be empty")
    if isinstance(arrays, list) is not (depth < deepest):
        raise ValueError(
            f"blocks lie at the depths {deepest} and {depth} of lists: they must all lie at one depth"
        )
    if isinstance(arrays, list):
        return np.concatenate(
            [_block(part, deepest, ndim, depth + 1) for part in arrays], axis=depth - deepest
        )
    return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))


# -------------------------------------------------------------------------------------------------- splitting
@composite("numpy.array_split")
def array_split(ary, indices_or_sections, axis=0):
    """The parts of an array between given places along an axis, or a number of nearly equal parts"""
    length = np.shape(ary)[axis]
    if np.ndim(indices_or_sections):
        places = [0, *indices_or_sections, length]
    else:
        count = int(indices_or_sections)
        if count <= 0:
            raise ValueError("number sections must be larger than 0.")
        each, extra = divmod(length, count)
        places = [i * each + min(i, extra) for i in range(count + 1)]
    return [ary[along(np.ndim(ary), axis, slice(a, b))] for a, b in pairwise(places)]


@composite("numpy.split")
def split(ary, indices_or_sections, axis=0):
    """The parts of an array between given places along an axis, or a number of equal parts"""
    if not np.ndim(indices_or_sections) and np.shape(ary)[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return np.array_split(ary, indices_or_sections, axis)


@composite("numpy.hsplit")
def hsplit(ary, indices_or_sections):
    """The parts of an array along its second axis, its only one for a vector"""
    if np.ndim(ary) == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return np.split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@composite("numpy.vsplit")
def vsplit(ary, indices_or_sections):
    """The parts of an array along its first axis"""
    if np.ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return np.split(ary, indices_or_sections, 0)


@composite("numpy.dsplit")
def dsplit(ary, indices_or_sections):
    """The parts of an array along its third axis"""
    if np.ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return np.split(ary, indices_or_sections, 2)


@composite("numpy.unstack")
def unstack(x, /, *, axis=0):
    """The slices of an array along an axis, as a tuple"""
    if np.ndim(x) == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(np.moveaxis(x, axis, 0))


# ---------------------------------------------------------------------------------------------------- samples


def _joined(*shapes, **kwargs):
    """Return a generator of calls with a sequence of arrays: of one kind, of mixed kinds, partly constant."""

    def generate(rng):
        for kind, draw in KINDS.items():
            yield Sample(([draw(rng, shape) for shape in shapes],), kwargs, note=kind)
        yield Sample((tuple(normal(rng, shape) for shape in shapes),), kwargs, note="a tuple")
        yield Sample(
            ([single(rng, shapes[0]), complex_normal(rng, shapes[1]), normal(rng, shapes[1])],),
            kwargs,
            note="mixed types",
        )
        yield Sample(
            ([np.ones(shapes[1], int), normal(rng, shapes[0])],), kwargs, note="an integer array among them"
        )
        x = normal(rng, shapes[0])
        yield Sample(([x, x, normal(rng, shapes[1]), x],), kwargs, note="the same array again")
        yield Sample(([x],), kwargs, note="a single array")

    return generate


concatenate.samples(_joined((2, 3), (4, 3)))


@concatenate.samples
def _(rng):
    yield Sample(([normal(rng, (3, 2)), normal(rng, (3, 1)), normal(rng, (3, 0))], -1))
    yield Sample(([normal(rng, (3, 2)), normal(rng, (4,)), normal(rng)],), {"axis": None}, note="flattened")
    yield Sample(
        ([single(rng, (3, 2)), normal(rng, (4,))],), {"axis": None}, note="flattened, mixed precision"
    )
    yield Sample(([normal(rng, (2, 3, 1)), normal(rng, (2, 1, 1))],), {"axis": 1, "dtype": np.complex128})
    yield Sample(([single(rng, (2,)), single(rng, (2,))],), {"dtype": np.float64, "casting": "safe"})
    yield Sample(([normal(rng, (2,)), single(rng, (2,))],), {"dtype": np.float32})
    yield Sample(
        ([complex_normal(rng, (2,)), normal(rng, (1,))],), {"dtype": np.float64, "casting": "unsafe"}
    )
    yield Sample((normal(rng, (3, 2, 2)), 1), note="an array as the sequence")
    yield Sample(([[1.5, 2.5], normal(rng, (2,))],), note="a list among them")


stack.samples(_joined((2, 3), (2, 3)))


@stack.samples
def _(rng):
    yield Sample(([normal(rng, (3, 2)), normal(rng, (3, 2))], -1))
    yield Sample(([normal(rng, (3, 2)), normal(rng, (3, 2))],), {"axis": 1, "dtype": np.complex128})
    yield Sample(
        ([single(rng, (2,)), single(rng, (2,))],), {"axis": -2, "dtype": np.float64, "casting": "safe"}
    )
    yield Sample(
        ([complex_normal(rng, (2,)), normal(rng, (2,))],), {"dtype": np.float64, "casting": "unsafe"}
    )
    yield Sample(([normal(rng), 2.5, normal(rng)],), note="0-d and a number")
    yield Sample(([normal(rng, (0, 2)), normal(rng, (0, 2))],), note="size 0")
    yield Sample((normal(rng, (3, 2)), 1), note="an array as the sequence")


vstack.samples(_joined((3,), (3,)))
vstack.samples(_joined((2, 3), (1, 3), dtype=np.complex128, casting="safe"))
hstack.samples(_joined((3,), (2,)))
hstack.samples(_joined((2, 3), (2, 1), dtype=np.complex128, casting="safe"))
dstack.samples(_joined((3,), (3,)))
dstack.samples(_joined((2, 3), (2, 3)))
dstack.samples(_joined((2, 3, 1), (2, 3, 4)))
column_stack.samples(_joined((3,), (3,)))
column_stack.samples(_joined((3, 2), (3, 1)))


@append.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample((draw(rng, (3, 2)), draw(rng, (4,))), note=kind)
    yield Sample((normal(rng, (3, 2)), normal(rng, (1, 2)), 0))
    yield Sample((normal(rng, (3, 2)), complex_normal(rng, (3, 1))), {"axis": -1})
    yield Sample((normal(rng, (3,)), 2.5), note="a number")
    yield Sample((normal(rng), [1, 2]), note="integers")
    x = normal(rng, (2,))
    yield Sample((x, x), note="the same array")


@block.samples
def _(rng):
    for kind, draw in KINDS.items():
        yield Sample(
            ([[draw(rng, (2, 2)), draw(rng, (2, 1))], [draw(rng, (1, 2)), draw(rng, (1, 1))]],), note=kind
        )
    yield Sample(([normal(rng, (2,)), 1.5, normal(rng)],), note="a row")
    yield Sample(([[normal(rng, (2,))], [np.ones((3, 2))]],), note="partly constant, ranks mixed")
    yield Sample((normal(rng, (2, 3)),), note="no list")
    yield Sample(([[normal(rng, (2, 2, 3)), normal(rng, (2, 2, 1))]],), note="three axes, two lists")


for _function in split, array_split:
    _function.samples(
        of_one_array(
            call((4, 3), 2),
            call((4, 3), 3, axis=1),
            call((4, 3), [1, 3], 0),
            call((2, 3, 4), [2, 9], axis=-1),
            call((4,), [1, 1]),
            call((0, 2), 1),
            call((1,), 1),
        )
    )
array_split.samples(of_one_array(call((5, 3), 3), call((2, 4), 3, axis=-1), call((2,), 4)))
hsplit.samples(of_one_array(call((3, 4), 2), call((4,), 2), call((2, 3, 2), [1])))
vsplit.samples(of_one_array(call((4, 3), 2), call((3, 2), [1, 2]), call((2, 3, 2), 2)))
dsplit.samples(of_one_array(call((2, 3, 4), 2), call((1, 2, 3), [0, 2])))
unstack.samples(
    of_one_array(call((3, 2)), call((3, 2), axis=1), call((2, 3, 4), axis=-2), call((1,)), call((2, 0)))
)
