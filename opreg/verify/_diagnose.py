"""Known mistakes, recognised from the wrong numbers and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opreg.verify._coordinates import Part
from opreg.verify._subject import Subject

Array = NDArray[np.float64]


def pattern(
    subject: Subject,
    data: Sequence[Any],
    out: Any,
    part: Part,
    got: Array,
    expected: Array,
    wrong: NDArray[np.bool_],
    tolerance: Array,
) -> str:
    """What is wrong with one argument's cotangent, or an empty string where no known mistake fits."""
    if not np.isfinite(got[wrong]).all():
        return "it is not finite, and the derivative is"
    g, e = got[wrong], expected[wrong]
    slack = 4 * tolerance[wrong] + 1e-9 * np.abs(e)
    if not np.any(g):
        return "it is zero, and the derivative is not"

    def same(a: Array, b: Array, within: Array) -> bool:
        return bool(np.all(np.abs(a - b) <= within))

    if part.complex:
        conjugated = got.copy()
        conjugated[part.size :] *= -1
        if same(conjugated, expected, 4 * tolerance + 1e-9 * np.abs(expected)):
            return "it is the complex conjugate of what is due (opreg writes a cotangent as dL/dx - i dL/dy)"
        if not np.any(got[part.size :]) and np.any(expected[part.size :]):
            return "its imaginary part is dropped"
    if same(-g, e, slack):
        return "its sign is wrong" + (_where(data, part, wrong) if not wrong.all() else "")
    if not np.any(np.abs(e) > tolerance[wrong]):
        return "it should be zero"
    if np.all(e != 0):
        ratio = g / e
        middle = float(np.median(ratio))
        if ratio.size > 1 and np.all(np.abs(ratio - middle) <= 1e-6 * abs(middle)) and abs(middle - 1) > 1e-6:
            return f"it is {middle:.9g} times what is due"
    relative = np.abs(g - e) / np.maximum(np.abs(e), 1e-300)
    if np.all(relative < 1e-5) and float(relative.max()) > 1e-9 and wrong.mean() > 0.3:
        ratio = g / np.where(e == 0, 1, e) - 1
        if ratio.size > 1 and float(np.std(ratio)) < 0.1 * abs(float(np.mean(ratio))):
            return f"it is off by the factor 1 {float(np.mean(ratio)):+.2g}"
        return "it is right to float32 only: something inside the rule is computed in single precision"
    if len(part.shape) >= 2 and not part.complex and part.shape[-1] == part.shape[-2]:
        turned = np.swapaxes(got.reshape(part.shape), -1, -2).ravel()
        if same(turned, expected, 4 * tolerance + 1e-9 * np.abs(expected)):
            return "it is transposed"
    ordered = np.sort(expected)
    shuffled = same(np.sort(got), ordered, 1e-9 * np.abs(ordered) + 4 * tolerance)
    if not part.complex and part.size > 1 and shuffled and not same(g, e, 1e-3 * np.abs(e)):
        return "its entries are right, but in the wrong order"
    return _where(data, part, wrong).strip()


def _where(data: Sequence[Any], part: Part, wrong: NDArray[np.bool_]) -> str:
    """A property of the input that all wrong entries, and only they, share."""
    if part.complex or wrong.all():
        return ""
    x = np.asarray(data[part.index]).ravel()
    for words, mask in (
        ("where x < 0", x < 0),
        ("where x > 0", x > 0),
        ("where x = 0", x == 0),
        ("where |x| > 1", np.abs(x) > 1),
        ("where |x| < 1", np.abs(x) < 1),
    ):
        if np.array_equal(mask, wrong):
            return f" only {words}"
    values, counts = np.unique(x, return_counts=True)
    tied = np.isin(x, values[counts > 1])
    return " only at ties" if tied.any() and np.array_equal(tied, wrong) else ""
