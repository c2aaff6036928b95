"""Products: bilinear functions of arrays, each a sum of products of elements.

Such a function is linear in each argument, so its JVP is itself with the tangent in the argument's place. Its transpose
is again a product, of g with the other argument. No conjugate appears but where the function has one (``vdot``,
``vecdot``). Source: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), section 2.2.1.
"""

from __future__ import annotations

from functools import lru_cache, reduce

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from opreg import NotDifferentiable, Sample, primitive, stop_gradient
from opreg_numpy._axes import as_scalar
from opreg_numpy._form import form_of, like
from opreg_numpy._rules import NO_OUT, composite, out_refused
from opreg_numpy._samples import KINDS, complex_normal, normal, of_two_arrays, single
from opreg_numpy.indexing import scatter_add


# ---------------------------------------------------------------------------------------------- matrix product
@primitive("numpy.matmul", aliases=("matmul",))
def matmul(x1, x2, /):
    """The matrix product x1 @ x2 of stacks of matrices, which broadcast; a vector is a row before, a column behind"""
    return np.matmul(x1, x2)


def _matmul_x1(g, x1, x2):
    """g x2^T"""
    rank1, rank2 = np.ndim(x1), np.ndim(x2)
    if rank2 == 1:
        return like(g * x2 if rank1 == 1 else np.expand_dims(g, -1) * x2, x1)
    if rank1 == 1:
        return like(np.squeeze(np.matmul(x2, np.expand_dims(g, -1)), -1), x1)
    return like(_product_as(x1, g, np.swapaxes(x2, -1, -2)), x1)


def _matmul_x2(g, x1, x2):
    """x1^T g"""
    rank1, rank2 = np.ndim(x1), np.ndim(x2)
    if rank2 == 1:
        if rank1 == 1:
            return like(g * x1, x2)
        return like(np.squeeze(np.matmul(np.swapaxes(x1, -1, -2), np.expand_dims(g, -1)), -1), x2)
    if rank1 == 1:
        return like(np.expand_dims(x1, -1) * np.expand_dims(g, -2), x2)
    return like(_product_as(x2, np.swapaxes(x1, -1, -2), g), x2)


def _product_as(x, a, b):
    """Return a b laid in memory as ``x`` is: of w.T the cotangent is a transpose, so that of w is none."""
    if x.flags.fnc:
        return np.swapaxes(np.matmul(np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
    return np.matmul(a, b)


matmul.deflinear(x1=_matmul_x1, x2=_matmul_x2)


@primitive("numpy.vecdot", aliases=("vecdot",))
def vecdot(x1, x2, /, *, axis=-1):
    """The sum of conj(x1) x2 along an axis"""
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]


def _vecdot_x1(g, x1, x2, axis):
    return _back(np.conj(np.expand_dims(g, -1) * np.moveaxis(x2, axis, -1)), x1, axis)


def _vecdot_x2(g, x1, x2, axis):
    return _back(np.expand_dims(g, -1) * np.conj(np.moveaxis(x1, axis, -1)), x2, axis)


def _back(found, primal, axis):
    """Return a cotangent, its vectors along the last axis, fitted to the primal, whose vectors lie along ``axis``."""
    return np.moveaxis(like(found, np.moveaxis(primal, axis, -1)), -1, axis)


vecdot.deflinear(x1=_vecdot_x1, x2=_vecdot_x2)


@composite("numpy.matvec")
def matvec(x1, x2, /):
    """The product of a matrix and a vector, for stacks of both, which broadcast"""
    if np.ndim(x1) < 2 or np.ndim(x2) < 1:
        np.matvec(*stop_gradient((x1, x2)))  # raises
    return np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1)


@composite("numpy.vecmat")
def vecmat(x1, x2, /):
    """The product of a conjugate vector and a matrix, for stacks of both, which broadcast"""
    if np.ndim(x1) < 1 or np.ndim(x2) < 2:
        np.vecmat(*stop_gradient((x1, x2)))  # raises
    return np.squeeze(np.matmul(np.expand_dims(np.conj(x1), -2), x2), -2)


# ------------------------------------------------------------------------------------------------ contractions
def _contract_a(g, a, b, axes_a, axes_b):
    """Return the cotangent of a, where out = sum over pairs of axes of a b, free axes of a first."""
    free_a = [i for i in range(np.ndim(a)) if i not in axes_a]
    free_b = [i for i in range(np.ndim(b)) if i not in axes_b]
    found = np.tensordot(g, b, axes=(list(range(len(free_a), np.ndim(g))), free_b))
    places = free_a + [axes_a[i] for i in np.argsort(axes_b)]
    return like(np.transpose(found, np.argsort(places)), a)


def _contract_b(g, a, b, axes_a, axes_b):
    """Return the cotangent of b, where out = sum over pairs of axes of a b, free axes of a first."""
    free_a = [i for i in range(np.ndim(a)) if i not in axes_a]
    free_b = [i for i in range(np.ndim(b)) if i not in axes_b]
    found = np.tensordot(a, g, axes=(free_a, list(range(len(free_a)))))
    places = [axes_b[i] for i in np.argsort(axes_a)] + free_b
    return like(np.transpose(found, np.argsort(places)), b)


@primitive("numpy.dot", aliases=("dot",))
def dot(a, b, /):
    """The sum of products over the last axis of a and the last but one of b (its only one, for a vector)"""
    return np.dot(a, b)


@primitive("numpy.inner", aliases=("inner",))
def inner(a, b, /):
    """The sum of products over the last axes of a and b"""
    return np.inner(a, b)


def _contracting(contract, axis_of_b):
    """Return the rule of a product over the last axis of a and one of b; with a number, or a number as result, g times
    the other.
    """

    def rule(g, a, b):
        if 0 in (np.ndim(a), np.ndim(b), np.ndim(g)):
            return like(g * (b if contract is _contract_a else a), a if contract is _contract_a else b)
        return contract(g, a, b, [np.ndim(a) - 1], [axis_of_b(np.ndim(b))])

    return rule


def _last(rank):
    return rank - 1


def _last_but_one(rank):
    return max(rank - 2, 0)


dot.deflinear(a=_contracting(_contract_a, _last_but_one), b=_contracting(_contract_b, _last_but_one))
inner.deflinear(a=_contracting(_contract_a, _last), b=_contracting(_contract_b, _last))


dot.called_like(lambda a, b, out=None: ..., **NO_OUT)


@primitive("numpy.tensordot", aliases=("tensordot",))
def tensordot(a, b, /, *, axes=2):
    """The sum of products over pairs of axes: so many of the last of a and the first of b, or as listed"""
    return np.tensordot(a, b, axes)


def _pairs(a, b, axes):
    """Return the axes of a and those of b that are summed over, as lists of non-negative integers."""
    rank_a, rank_b = np.ndim(a), np.ndim(b)
    if not isinstance(axes, (list, tuple)) and np.ndim(axes) == 0:
        return list(range(rank_a - axes, rank_a)), list(range(axes))
    axes_a, axes_b = axes
    return list(normalize_axis_tuple(axes_a, rank_a)), list(normalize_axis_tuple(axes_b, rank_b))


tensordot.deflinear(
    a=lambda g, a, b, axes: _contract_a(g, a, b, *_pairs(a, b, axes)),
    b=lambda g, a, b, axes: _contract_b(g, a, b, *_pairs(a, b, axes)),
)


@primitive("numpy.vdot", aliases=("vdot",))
def vdot(a, b, /):
    """The sum of conj(a) b over all elements, both flattened"""
    return np.vdot(a, b)


vdot.deflinear(
    a=lambda g, a, b: like(np.reshape(np.conj(g * b), np.shape(a)), a),
    b=lambda g, a, b: like(np.reshape(g * np.conj(a), np.shape(b)), b),
)


@primitive("numpy.outer", aliases=("outer",))
def outer(a, b, /):
    """The product of each element of a with each of b, both flattened: a matrix"""
    return np.outer(a, b)


outer.deflinear(
    a=lambda g, a, b: like(np.reshape(np.matmul(g, np.ravel(b)), np.shape(a)), a),
    b=lambda g, a, b: like(np.reshape(np.matmul(np.ravel(a), g), np.shape(b)), b),
)


outer.called_like(lambda a, b, out=None: ..., **NO_OUT)


@composite("numpy.kron")
def kron(a, b):
    """The matrix of blocks a[i, j] b, and the like in more dimensions"""
    rank = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (rank - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (rank - np.ndim(b)) + np.shape(b)
    spread_a = np.reshape(a, [n for pair in zip(shape_a, (1,) * rank, strict=True) for n in pair])
    spread_b = np.reshape(b, [n for pair in zip((1,) * rank, shape_b, strict=True) for n in pair])
    return as_scalar(np.reshape(spread_a * spread_b, [n * m for n, m in zip(shape_a, shape_b, strict=True)]))


# ---------------------------------------------------------------------------------------------- vector product
@primitive("numpy.cross", aliases=("cross",))
def cross(a, b, /, *, axisa=-1, axisb=-1, axisc=-1):
    """The vector product of three-dimensional vectors that lie along an axis"""
    return np.cross(a, b, axisa, axisb, axisc)


@cross.called_as
def _(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is not None:
        axisa = axisb = axisc = axis
    if np.shape(a)[axisa] != 3 or np.shape(b)[axisb] != 3:
        raise NotDifferentiable(
            "numpy.cross is differentiated for vectors of three components; NumPy deprecates those of two. Write their "
            "product as a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        )
    return (a, b), {"axisa": axisa, "axisb": axisb, "axisc": axisc}


def _cross_a(g, a, b, axisa, axisb, axisc):
    """b x g"""
    found = np.cross(np.moveaxis(b, axisb, -1), np.moveaxis(g, axisc, -1))
    return _back(found, a, axisa)


def _cross_b(g, a, b, axisa, axisb, axisc):
    """g x a"""
    found = np.cross(np.moveaxis(g, axisc, -1), np.moveaxis(a, axisa, -1))
    return _back(found, b, axisb)


cross.deflinear(a=_cross_a, b=_cross_b)


# ------------------------------------------------------------------------------------------------------ einsum
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # as the module string has it, which is slow to load


@primitive("numpy.einsum", aliases=("einsum",))
def einsum(*operands, subscripts, dtype=None, order="K", casting="safe", optimize=False):
    """Einstein's sum: the product of the operands, summed over the labels that the output does not name"""
    options = {} if dtype is None else {"dtype": dtype}
    return np.einsum(subscripts, *operands, order=order, casting=casting, optimize=optimize, **options)


einsum.returns_view()


@einsum.called_as
def _(*operands, out=None, dtype=None, order="K", casting="safe", optimize=False):
    if out is not None:
        raise out_refused("numpy.einsum")
    if len(operands) < 2:
        raise ValueError("must provide at least an operand and a subscripts list to einsum")
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], operands[1:]
    else:
        subscripts, arrays = _spelt_out(operands)
    static = {"dtype": dtype, "order": order, "casting": casting, "optimize": optimize}
    ranks = tuple([np.ndim(stop_gradient(x)) for x in arrays])
    return tuple(arrays), {"subscripts": _explicit(subscripts, ranks), **static}


def _spelt_out(operands):
    """Return the list form (array, labels, array, labels, ..., output labels) as subscripts and arrays."""
    arrays, labels = operands[0 : len(operands) // 2 * 2 : 2], list(operands[1::2])
    numbers = sorted(
        {label for part in [*labels, *operands[len(arrays) * 2 :]] for label in part if label is not ...}
    )
    letter = {number: _LETTERS[i] for i, number in enumerate(numbers)} | {...: "..."}
    words = ["".join(letter[label] for label in part) for part in labels]
    tail = "".join(letter[label] for label in operands[-1]) if len(operands) % 2 else None
    return ",".join(words) + ("" if tail is None else "->" + tail), arrays


@lru_cache(maxsize=256)
def _explicit(subscripts, ranks):
    """Return the subscripts with the output written out and a label for each axis that an ellipsis stands for."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    words = left.split(",")
    if len(words) != len(ranks):
        raise ValueError(
            f"einsum: the subscripts {subscripts!r} are for {len(words)} operands, not for {len(ranks)}"
        )
    widths = [
        rank - len(w.replace("...", "")) if "..." in w else 0 for w, rank in zip(words, ranks, strict=True)
    ]
    unused = [letter for letter in _LETTERS if letter not in subscripts]
    spare = unused[: max(widths)]
    words = [w.replace("...", "".join(spare[len(spare) - n :])) for w, n in zip(words, widths, strict=True)]
    if arrow:
        if spare and "..." not in right:
            raise ValueError(
                f"einsum: the output of {subscripts!r} has no ellipsis for the axes that one stands for"
            )
        right = right.replace("...", "".join(spare))
    else:
        named = left.replace("...", "").replace(",", "")
        right = "".join(spare) + "".join(sorted(label for label in set(named) if named.count(label) == 1))
    return ",".join(words) + "->" + right


@lru_cache(maxsize=256)
def _turned_round(subscripts, index):
    """Return the word of one operand, its labels, those that others have too, and the words of the others.

    Among the others is the output's word, in the first place.
    """
    left, _, right = subscripts.partition("->")
    words = left.split(",")
    word = words.pop(index)
    words = (right, *words)
    labels = "".join(dict.fromkeys(word))
    present = "".join(label for label in labels if any(label in w for w in words))
    return word, labels, present, words


def _einsum_of(words, operands, labels, optimize):
    """Return Einstein's sum; where nothing is summed the product itself, which is faster."""
    layouts = _layouts(words, labels)
    if layouts is None:
        return np.einsum(",".join(words) + "->" + labels, *operands, optimize=optimize)
    spread = []
    for x, (order, key) in zip(operands, layouts, strict=True):
        x = x if order is None else np.transpose(x, order)
        spread.append(x if key is None else x[key])
    return reduce(np.multiply, spread)


@lru_cache(maxsize=256)
def _layouts(words, labels):
    """Return, for each operand, the order of axes and the index that give it an axis for each label.

    They are of length one where its own word does not name the label. Return None where something is summed.
    """
    if any(len(set(word)) < len(word) or not set(word) <= set(labels) for word in words):
        return None
    found = []
    for word in words:
        order = [word.index(label) for label in labels if label in word]
        key = tuple([slice(None) if label in word else None for label in labels])
        found.append((order if order != sorted(order) else None, key if word not in (labels, "") else None))
    return found


def _einsum_transposed(g, operands, index, subscripts, optimize):
    """Return sum over the other labels of g and the other operands: again an Einstein sum.

    A label that only this operand has was summed over: its cotangent is constant along it. One that it repeats picked
    a diagonal: its cotangent is put back there.
    """
    word, labels, present, words = _turned_round(subscripts, index)
    primal = operands[index]
    if not np.size(primal):  # of a label that an empty operand repeats NumPy lets the lengths differ
        return np.zeros(*form_of(primal))
    found = _einsum_of(words, (g, *operands[:index], *operands[index + 1 :]), present, bool(optimize))
    if present == word:
        return form_of(primal).fit(found)
    shape, have = (
        dict(zip(word, np.shape(primal), strict=True)),
        dict(zip(present, np.shape(found), strict=True)),
    )
    found = np.reshape(found, [have.get(label, 1) for label in labels])
    found = form_of(primal)._replace(shape=tuple([shape[label] for label in labels])).fit(found)
    if labels == word:
        return found
    axes = np.ix_(*(np.arange(shape[label]) for label in labels))
    return scatter_add(found, key=tuple(axes[labels.index(label)] for label in word), shape=np.shape(primal))


einsum.deflinear(operands=_einsum_transposed)


# ---------------------------------------------------------------------------------------------------- samples
matmul.samples(
    of_two_arrays(
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 1)),
        ((3,), (5, 3, 2)),
        ((5, 2, 3), (3,)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((1, 2, 3), (5, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((1, 1), (1, 1)),
        square=(3, 3),
    )
)


@matmul.samples
def _(rng):
    for left, right in (((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (5, 3, 2)), ((5, 2, 3), (3,))):
        yield Sample((normal(rng, left), complex_normal(rng, right)), note=f"real {left} and complex {right}")
        yield Sample((complex_normal(rng, left), normal(rng, right)), note=f"complex {left} and real {right}")


matvec.samples(
    of_two_arrays(((2, 3), (3,)), ((5, 2, 3), (3,)), ((2, 3), (5, 3)), ((4, 1, 2, 3), (5, 3)), square=(3, 3))
)
matvec.leave_unchecked("np.matvec(*", "it raises, as NumPy does")
vecmat.leave_unchecked("np.vecmat(*", "it raises, as NumPy does")
vecmat.samples(
    of_two_arrays(((3,), (3, 2)), ((3,), (5, 3, 2)), ((5, 3), (3, 2)), ((4, 1, 3), (5, 3, 2)), square=(3, 3))
)
dot.samples(
    of_two_arrays(
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((), ()),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 4, 3), (3,)),
        ((2, 4, 3), (5, 3, 2)),
        ((3,), (2, 3, 4)),
        ((3,), (2, 2, 3, 4)),
        ((0, 3), (3, 2)),
        ((1, 1), (1, 1)),
        square=(3, 3),
    )
)
inner.samples(
    of_two_arrays(
        ((2, 3), (4, 3)),
        ((3,), (3,)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((2, 4, 3), (3,)),
        ((3,), (2, 3)),
        ((3,), (2, 4, 3)),
        ((2, 4, 3), (5, 3)),
        ((2, 0), (3, 0)),
    )
)
vdot.samples(
    of_two_arrays(((2, 3), (2, 3)), ((3,), (3,)), ((2, 3), (6,)), ((), ()), ((0,), (0,)), ((1,), (1, 1)))
)
outer.samples(
    of_two_arrays(
        ((3,), (4,)), ((2, 3), (2,)), ((2,), (3, 2)), ((), (3,)), ((3,), ()), ((0,), (2,)), ((1,), (1,))
    )
)
kron.samples(
    of_two_arrays(
        ((2, 3), (3, 2)),
        ((3,), (2,)),
        ((), (2, 3)),
        ((2,), (3, 2)),
        ((2, 1, 3), (2, 2)),
        ((0, 2), (1, 2)),
        ((), ()),
    )
)
tensordot.samples(of_two_arrays(((2, 3, 4), (3, 4, 5)), ((2, 3), (2, 3)), square=(2, 3)))
tensordot.samples(of_two_arrays(((2, 3), (3, 4)), ((3,), (3,)), ((4, 2, 3), (3, 2)), axes=1, square=(3, 3)))
tensordot.samples(of_two_arrays(((2, 3), (4,)), ((), (3,)), ((), ()), axes=0))


@tensordot.samples
def _(rng):
    yield Sample((normal(rng, (2, 3, 4)), normal(rng, (4, 5, 2)), ([0, 2], [2, 0])), note="lists")
    yield Sample((normal(rng, (2, 3, 4)), normal(rng, (4, 3, 5))), {"axes": ((2, 1), (0, 1))}, note="crossed")
    yield Sample(
        (normal(rng, (2, 3, 4)), complex_normal(rng, (5, 3))), {"axes": (-2, -1)}, note="negative integers"
    )
    yield Sample((normal(rng, (2, 3)), normal(rng, (3, 2)), (1, [0])), note="an integer and a list")
    yield Sample((normal(rng, (2, 3)), normal(rng, (2, 3)), np.array([[0, 1], [0, 1]])), note="an array")
    yield Sample(
        (normal(rng, (2, 3, 4)), normal(rng, (3, 4, 2))),
        {"axes": ([-2, 0, -1], [0, -1, 1])},
        note="everything",
    )
    yield Sample((normal(rng, (2, 0)), normal(rng, (0, 3)), ([1], [0])), note="a sum of nothing")


vecdot.samples(
    of_two_arrays(((2, 3), (2, 3)), ((3,), (3,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)), ((2, 0), (2, 0)))
)
vecdot.samples(of_two_arrays(((3, 2), (3, 2)), ((3, 2), (3, 1)), ((3,), (3,)), axis=0))
cross.samples(
    of_two_arrays(((2, 3), (2, 3)), ((3,), (3,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)), ((1, 3), (1, 3)))
)
cross.samples(of_two_arrays(((3, 2), (3, 2)), ((3,), (3,)), axis=0))


@cross.samples
def _(rng):
    yield Sample((normal(rng, (3, 2)), normal(rng, (2, 3)), 0, -1, 0))
    yield Sample((normal(rng, (3, 2)), normal(rng, (5, 2, 3))), {"axisa": 0, "axisc": 1})
    yield Sample(
        (normal(rng, (2, 3, 4)), complex_normal(rng, (2, 4, 3))), {"axisa": -2, "axisb": 2, "axisc": -3}
    )


def _sums(rng, *words_and_shapes, draw=normal, **kwargs):
    words, *shapes = words_and_shapes
    return Sample((words, *(draw(rng, shape) for shape in shapes)), kwargs, note=f"{words} {kwargs or ''}")


@einsum.samples
def _(rng):
    for words, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ba,ca", (2, 3), (4, 3)),
        ("i,i->", (3,), (3,)),
        ("i,j->ji", (2,), (3,)),
        ("ij->ji", (2, 3)),
        ("ij->", (2, 3)),
        ("ij->j", (2, 3)),
        ("ii->i", (3, 3)),
        ("ii", (3, 3)),
        ("iij->j", (2, 2, 3)),
        ("iji->j", (2, 3, 2)),
        ("ii,i->i", (3, 3), (3,)),
        ("iijj->ij", (2, 2, 3, 3)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
        ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)),
        ("...ij,...jk->...ik", (5, 1, 2, 3), (4, 3, 2)),
        ("...ij,jk", (5, 2, 3), (3, 4)),
        ("...,...", (2, 3), (3,)),
        ("i...->...", (2, 3, 4)),
        ("...ii->...i", (2, 3, 3)),
        ("ij,ij->ij", (1, 3), (2, 3)),
        ("ij->i", (2, 0)),
        ("i->", (1,)),
        (",->", (), ()),
        (" ij , jk -> ki ", (2, 3), (3, 4)),
        ("ij,k->ik", (2, 3), (4,)),
    ):
        yield _sums(rng, words, *shapes)
    for kind, draw in KINDS.items():
        yield Sample(("aij,jk->aik", draw(rng, (2, 2, 3)), draw(rng, (3, 4))), note=kind)
    chain = "ij,jk,kl->il", (2, 3), (3, 4), (4, 2)
    for optimize in (True, "optimal", ["einsum_path", (1, 2), (0, 1)]):
        yield _sums(rng, *chain, optimize=optimize)
    yield _sums(rng, *chain, dtype=np.complex128, order="F", casting="same_kind")
    yield Sample(("ij,jk->ik", normal(rng, (2, 3)), complex_normal(rng, (3, 2))), note="real and complex")
    yield Sample(("ij,jk->ik", single(rng, (2, 3)), np.ones((3, 2), np.int8)), note="float32 and integers")
    x = normal(rng, (3, 3))
    yield Sample(("ij,jk->ik", x, x), note="the same array twice")
    yield Sample(("i,->i", normal(rng, (3,)), 2.5), note="a Python float")
    yield Sample((normal(rng, (2, 3)), [0, 1], normal(rng, (3, 4)), [1, 2], [2, 0]), note="lists of labels")
    yield Sample(
        (normal(rng, (2, 3)), [7, 5], normal(rng, (3,)), [5]), note="lists of labels, implicit output"
    )
    yield Sample(
        (normal(rng, (5, 2, 3)), [..., 0, 1], normal(rng, (3, 4)), [1, 2], [..., 2, 0]),
        note="lists, ellipsis",
    )


# -------------------------------------------------------------------------------------------- what no sample need show
matmul.waive_mutant("x2", "-1 -> 1", "a vector has one axis, behind which both put the new one")
matmul.waive_mutant("*", "if x.flags.fnc -> ...", "it is of how the result lies in memory, which has a test")
for _function in dot, inner:
    for _change in "np.transpose(found, np.argsort(places)) -> found", "np.argsort(places) -> places":
        _function.waive_mutant(
            "a", _change, "the last axis of a is summed over, so the order is right already"
        )
for _change in (
    "len(set(word)) < len(word) -> len(set(word)) <= len(word)",
    "set(word) <= set(labels) -> ...",
):
    einsum.waive_mutant("operands", _change, "a sum over nothing is the product itself")
einsum.waive_mutant("operands", "np.zeros(*form_of(primal)) -> np.ones(*form_of(primal))", "it is empty")
einsum.waive_mutant("operands", "optimize -> its default False", "it changes the order of the sums alone")
