"""Known mistakes, recognised from the wrong numbers and said in words.

`KNOWN` is a table of recognisers, one mistake each, from the specific to the general. Each looks at the evidence of one
argument's cotangent and says what it sees, or nothing; the first that speaks is the diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import is_inexact, outputs
from opreg.verify._evidence import Evidence
from opreg.verify._region import region

Array = NDArray[np.float64]


def diagnose(evidence: Evidence) -> str:
    """What is wrong with one argument's cotangent, or an empty string where no known mistake fits.

    A recogniser that raises has not recognised anything: the finding stands without its words.
    """
    with np.errstate(all="ignore"):
        for recognise in KNOWN:
            with suppress(Exception):
                if words := recognise(evidence):
                    return words
    return ""


# -- no number, or none at all ---------------------------------------------------------------------------------------


def _not_finite(e: Evidence) -> str | None:
    if np.isfinite(e.got[e.wrong]).all():
        return None
    return f"it is not finite, and the derivative is{region(e)}"


def _zero(e: Evidence) -> str | None:
    if np.any(e.got[e.wrong]):
        return None
    if e.subject.order > 1:
        return (
            "it is zero, and the derivative is not: the rule treats something as a constant, which is not one"
        )
    return f"it is zero, and the derivative is not{region(e)}"


# -- complex numbers -------------------------------------------------------------------------------------------------


def _conjugate(e: Evidence) -> str | None:
    if not e.part.complex:
        return None
    real, imaginary = e.got[: e.part.size], e.got[e.part.size :]
    if e.due(np.concatenate([real, -imaginary])):
        return "it is the complex conjugate of what is due (opreg writes a cotangent as dL/dx - i dL/dy)"
    return None


def _part_dropped(e: Evidence) -> str | None:
    if not e.part.complex:
        return None
    halves = ("real", slice(None, e.part.size)), ("imaginary", slice(e.part.size, None))
    for word, half in halves:
        if np.any(e.got) and not np.any(e.got[half]) and np.any(e.expected[half]):
            return f"its {word} part is dropped"
    return None


def _slope_conjugated(e: Evidence) -> str | None:
    if not e.part.complex or isinstance(e.g, tuple) or np.shape(e.g) != e.shape:
        return None
    g = np.asarray(e.g).ravel()
    got = e.got[: e.part.size] - 1j * e.got[e.part.size :]
    turned = np.conj(got / g) * g
    if e.due(np.concatenate([turned.real, -turned.imag])):
        return "a conjugate is missing or too much: the slope is conjugated, not the cotangent"
    return None


# -- axes and keywords -----------------------------------------------------------------------------------------------


def _negative_axis(e: Evidence) -> str | None:
    axis, rank = e.static.get("axis"), _rank(e)
    axes: tuple[Any, ...] = axis if isinstance(axis, tuple) else (axis,)
    if not all(_is_int(a) for a in axes) or all(a >= 0 for a in axes):
        return None
    counted = tuple(int(a) % rank for a in axes)
    again = e.rule(**{**e.static, "axis": counted if isinstance(axis, tuple) else counted[0]})
    if again is not None and e.due(again):
        other = counted if isinstance(axis, tuple) else counted[0]
        return f"it is wrong only for a negative axis: axis={axis}, while axis={other} is right"
    return None


def _keyword_ignored(e: Evidence) -> str | None:
    """The derivative depends on the keyword, and the rule does not, or gives what is due without it."""
    for name, value in e.static.items():
        rest = {k: v for k, v in e.static.items() if k != name}
        for other in (rest, *({**rest, name: v} for v in _other_values(value))):
            slopes = e.derivative(other)
            if slopes is None or _close(slopes, e.expected):
                continue
            if other is rest and e.given(slopes):
                return f"the keyword {name}={_brief(value)} is ignored: it is the derivative without it"
            again = e.rule(**other)
            if again is not None and np.array_equal(again, e.got):
                return f"the keyword {name}={_brief(value)} is ignored: the rule gives the same for any"
    return None


def _other_values(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    if _is_int(value):
        return (value + 1, value - 1)
    return (2 * value,) if isinstance(value, float) else ()


def _close(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= 1e-5 * float(np.abs(b).max(initial=0.0))))


def _axis_mistaken(e: Evidence) -> str | None:
    axis = e.static.get("axis")
    if not _is_int(axis):
        return None
    here, rank = int(str(axis)) % _rank(e), _rank(e)
    others = {other: e.rule(**{**e.static, "axis": other}) for other in range(rank) if other != here}
    if others and all(again is not None and np.array_equal(again, e.got) for again in others.values()):
        return f"the keyword axis={axis} is ignored: the rule gives the same for any"
    for other, again in others.items():
        if again is not None and e.due(again):
            off = " (off by one)" if abs(other - here) == 1 else ""
            return f"the axis is mistaken{off}: for axis={axis} the rule does what is due for axis={other}"
    return None


# -- entries in another place ----------------------------------------------------------------------------------------


def _arguments_swapped(e: Evidence) -> str | None:
    for index, (_, expected) in e.others.items():
        if expected.shape == e.expected.shape and not np.array_equal(expected, e.expected):
            slack = 4 * e.tolerance + 1e-9 * np.abs(expected)
            if np.all(np.abs(e.got - expected) <= slack):
                return f"it is the cotangent of {e.name(index)}: are the two mixed up?"
    return None


def _axes_permuted(e: Evidence) -> str | None:
    if not e.real or not e.gross or not 2 <= len(e.shape) <= 4:
        return None
    array, last = e.got.reshape(e.shape), len(e.shape) - 1
    for order in permutations(range(len(e.shape))):
        if order == tuple(range(last + 1)):
            continue
        turned = array.transpose(order)
        if turned.shape == e.shape and e.due(turned):
            if order == (*range(last - 1), last, last - 1):
                return "it is transposed"
            return f"its axes are permuted: transposed by {order} it is right"
    return None


def _reversed_or_shifted(e: Evidence) -> str | None:
    if not e.real or not e.gross or e.part.size < 3:
        return None
    array = e.got.reshape(e.shape)
    for axis, length in enumerate(e.shape):
        if e.due(np.flip(array, axis)):
            return f"it is reversed along axis {axis}"
        for shift in range(1, min(length, 9)):
            if e.due(np.roll(array, -shift, axis)) or e.due(np.roll(array, shift, axis)):
                by = "" if shift == 1 else f" by {shift}"
                return (
                    f"it is shifted{by} along axis {axis}: an index is off{' by one' if shift == 1 else by}"
                )
    return None


def _in_wrong_order(e: Evidence) -> str | None:
    if not e.real or not e.gross or e.part.size < 2:
        return None
    ordered = np.sort(e.expected)
    if not np.all(np.abs(np.sort(e.got) - ordered) <= 1e-9 * np.abs(ordered) + 4 * e.tolerance):
        return None
    return "its entries are right, but in the wrong order"


def _triangle(e: Evidence) -> str | None:
    if not e.real or not e.gross or len(e.shape) < 2 or e.shape[-1] != e.shape[-2] or e.shape[-1] < 2:
        return None
    got, due = e.got.reshape(e.shape), e.expected.reshape(e.shape)
    for words, part in (("lower", np.tril), ("upper", np.triu)):
        kept = np.where(part(np.ones(e.shape, bool)), got, due)
        if np.array_equal(part(got), got) and not np.array_equal(part(due), due) and e.due(kept):
            return f"only its {words} triangle is there"
    if e.due((got + np.swapaxes(got, -1, -2)) / 2):
        return "it should be symmetric: what is due is (c + c.T) / 2 of it"
    if np.allclose((due + np.swapaxes(due, -1, -2)) / 2, got, rtol=1e-9, atol=float(4 * e.tolerance.max())):
        return "it is made symmetric, and what is due is not"
    return None


# -- broadcasting ----------------------------------------------------------------------------------------------------


def _reduced_otherwise(e: Evidence) -> str | None:
    """An argument that was broadcast: its cotangent is the sum over the broadcast axes, and no other reduction."""
    if not e.real or isinstance(e.out, (tuple, list)):
        return None
    shape = np.shape(e.out)
    if shape == e.shape or len(shape) < len(e.shape):
        return None
    try:
        wide = np.broadcast_to(np.asarray(e.data[e.part.index]), shape).copy()
    except ValueError:
        return None
    flat = e.widened(wide)
    if flat is None:
        return None
    whole = flat.reshape(shape)
    padded = (1,) * (len(shape) - len(e.shape)) + e.shape
    axes = tuple(i for i, (a, b) in enumerate(zip(padded, shape, strict=True)) if a != b)
    if not axes or not _close(whole.sum(axis=axes).ravel(), e.expected):
        return None
    for words, reduce in (("averaged", np.mean), ("maximised", np.max)):
        if e.given(reduce(whole, axis=axes)):
            return f"it is {words} over the broadcast axes, not summed"
    if any(e.given(whole.take(at, axis=axes[0]).sum(axis=tuple(a - 1 for a in axes[1:]))) for at in (0, -1)):
        return "it is one slice of the broadcast axes, not their sum"
    for others in combinations(range(len(shape)), len(axes)):
        if others != axes and whole.sum(axis=others).size == e.part.size and e.given(whole.sum(axis=others)):
            return f"it is summed over the wrong axes: {others} instead of {axes}"
    for some in (c for n in range(1, len(axes)) for c in combinations(axes, n)):
        if whole.sum(axis=some).size == e.part.size and e.given(whole.sum(axis=some)):
            return f"it is summed over the axes {some} only, and {axes} are broadcast"
    return None


# -- values ----------------------------------------------------------------------------------------------------------


def _sign(e: Evidence) -> str | None:
    g, due = e.got[e.wrong], e.expected[e.wrong]
    slack = 4 * e.tolerance[e.wrong] + 1e-9 * np.abs(due)
    if not np.all(np.abs(g + due) <= slack):
        return None
    return f"its sign is wrong{region(e)}"


def _should_be_zero(e: Evidence) -> str | None:
    if np.any(np.abs(e.expected[e.wrong]) > e.tolerance[e.wrong]):
        return None
    return f"it should be zero{region(e)}"


def _constant_factor(e: Evidence) -> str | None:
    g, due = e.got[e.wrong], e.expected[e.wrong]
    if g.size < 2 or np.any(due == 0):
        return None
    ratio = g / due
    middle = float(np.median(ratio))
    if np.any(np.abs(ratio - middle) > 1e-6 * abs(middle)) or abs(middle - 1) <= 1e-6:
        return None
    return f"it is {middle:.9g} times what is due{region(e)}{_count(e, middle)}"


def _count(e: Evidence, factor: float) -> str:
    """A factor that is a number of entries: a mean that is a sum, or the reverse."""
    leaves = outputs(e.out)
    if len(leaves) == 1 and np.size(leaves[0]) == 1 and not np.iscomplexobj(leaves[0]):
        value = float(np.reshape(leaves[0], ()))
        if abs(value - 1) > 1e-3 and abs(abs(factor) - abs(value)) < 1e-6 * abs(value):
            return ", which is the output: a factor too much"
        if abs(value - 1) > 1e-3 and abs(abs(factor) * abs(value) - 1) < 1e-6:
            return ", which is 1 / output: a factor is missing"
    n, m = e.part.size, sum(np.size(leaf) for leaf in leaves)
    for words, count in (
        ("the number of its entries", n),
        ("the number of entries of the output", m),
        ("the number of entries for each of the output", n / max(m, 1)),
    ):
        if count >= 3 and abs(abs(factor) / count - 1) < 1e-6:
            return f", and {count:g} is {words}: a division by it is missing"
        if count >= 3 and abs(abs(factor) * count - 1) < 1e-6:
            return f", and {count:g} is {words}: it is divided by it, as in a mean"
    return ""


def _slightly_off(e: Evidence) -> str | None:
    g, due = e.got[e.wrong], e.expected[e.wrong]
    relative = np.abs(g - due) / np.maximum(np.abs(due), 1e-300)
    if not np.all(relative < 1e-5) or float(relative.max()) <= 1e-9 or e.wrong.mean() <= 0.3:
        return None
    ratio = g / np.where(due == 0, 1, due) - 1
    if ratio.size > 1 and float(np.std(ratio)) < 0.1 * abs(float(np.mean(ratio))):
        return f"it is off by the factor 1 {float(np.mean(ratio)):+.2g}"
    return "it is right to float32 only: something inside the rule is computed in single precision"


def _missing_factor(e: Evidence) -> str | None:
    """What the rule gave is what is due times, or divided by, something at hand."""
    known = e.expected != 0
    if not e.real or not e.gross or known.sum() < 2 or not np.array_equal(known & e.wrong, e.wrong):
        return None
    ratio = e.got[known] / e.expected[known]
    for name, value in _at_hand(e):
        factor = value[known]
        if np.ptp(factor) == 0:
            continue
        for sign, tail in ((1, ""), (-1, ", and its sign is wrong")):
            if np.allclose(ratio, sign * factor, rtol=1e-7, atol=0):
                return f"it is what is due times {name}: a factor too much{tail}"
            if np.allclose(ratio * factor, sign, rtol=1e-7, atol=0):
                return f"it is what is due divided by {name}: a factor is missing{tail}"
    return None


def _missing_term(e: Evidence) -> str | None:
    """What the rule gave is off by something at hand."""
    if not e.real or not e.gross or e.part.size < 2 or not np.isfinite(e.got).all():
        return None
    gap = e.got - e.expected
    size = np.abs(e.got) + np.abs(e.expected)
    for name, value in _at_hand(e):
        for sign, words in ((1, "too large by"), (-1, "too small by")):
            if np.ptp(value) and np.all(np.abs(gap - sign * value) <= 1e-8 * size + e.tolerance):
                return f"it is {words} {name}: a term is {'too much' if sign > 0 else 'missing'}"
    return None


def _at_hand(e: Evidence) -> Iterator[tuple[str, Array]]:
    """What a rule computes with, in the argument's own shape: arguments, output, cotangent, and products of two."""
    single: list[tuple[str, Array]] = []
    x = e.part.index
    named = [("its argument", e.data[x])]
    named += [(e.name(i), v) for i, v in enumerate(e.data) if i != x and is_inexact(v)]
    if not isinstance(e.out, (tuple, list)):
        named += [("the output", e.out), ("the cotangent g", e.g)]
    for name, value in named:
        if np.iscomplexobj(value):
            continue
        try:
            array = np.broadcast_to(np.asarray(value, np.float64), e.shape).ravel()
        except ValueError:
            continue
        single.append((name, array))
    yield from single
    for name, array in single:
        yield f"the square of {name}", array**2
    for (one, a), (two, b) in combinations(single, 2):
        yield f"{one} times {two}", a * b


# -- where it is wrong -----------------------------------------------------------------------------------------------


def _somewhere(e: Evidence) -> str | None:
    words = region(e).strip()
    return f"it is wrong {words}" if words else None


def _rank(e: Evidence) -> int:
    return max(len(e.shape), 1)


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<array of shape {value.shape}>"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


KNOWN: tuple[Callable[[Evidence], str | None], ...] = (
    _not_finite,
    _part_dropped,
    _zero,
    _conjugate,
    _slope_conjugated,
    _negative_axis,
    _keyword_ignored,
    _axis_mistaken,
    _sign,
    _arguments_swapped,
    _axes_permuted,
    _reversed_or_shifted,
    _reduced_otherwise,
    _should_be_zero,
    _constant_factor,
    _slightly_off,
    _missing_factor,
    _triangle,
    _in_wrong_order,
    _missing_term,
    _somewhere,
)
