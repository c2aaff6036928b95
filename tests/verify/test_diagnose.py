"""Known mistakes are recognised from the wrong numbers and said in words; what is no mistake of a kind is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import opreg
from opreg.testing import check_rule
from opreg.verify._checks import CHECKS
from opreg.verify._rule import copies
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject

RNG = np.random.default_rng(7)
X = RNG.standard_normal((3, 4))
Y = RNG.standard_normal((3, 4))
SQUARE = RNG.standard_normal((3, 3))
CUBE = RNG.standard_normal((2, 2, 2))
ROW = RNG.standard_normal(4)
LONG = RNG.standard_normal(40) * 3
Z = RNG.standard_normal(4) + 1j * RNG.standard_normal(4)
TIES = np.array([1.5, -0.3, 1.5, 0.2, 0.7])
ZEROS = np.array([0.7, 0.0, -1.3, 0.0, 2.1])


def along(g: Any, x: Any, axis: int) -> Any:
    return np.broadcast_to(np.expand_dims(g, axis), x.shape).copy()


def summed(x: Any, *, axis: int = 0) -> Any:
    return np.sum(x, axis=axis)


# what is said: forward, rule, arguments, keywords
SAID: dict[str, tuple[Any, Any, tuple[Any, ...], dict[str, Any]]] = {
    "its sign is wrong": (np.cos, lambda g, out, x: (g * np.sin(x),), (X,), {}),
    "its sign is wrong only where x < 0": (np.abs, lambda g, out, x: (g.copy(),), (X,), {}),
    "it is 0.5 times what is due": (np.square, lambda g, out, x: (g * x,), (X,), {}),
    "it is 12 times what is due, and 12 is the number of its entries: a division by it is missing": (
        np.mean, lambda g, out, x: (g * np.ones_like(x),), (X,), {},
    ),
    "and 12 is the number of its entries: it is divided by it, as in a mean": (
        np.sum, lambda g, out, x: (g * np.ones_like(x) / x.size,), (X,), {},
    ),
    "which is the output: a factor too much": (
        lambda x: np.sqrt(np.sum(x * x)), lambda g, out, x: (g * x,), (X,), {},
    ),
    "it is what is due divided by its argument: a factor is missing": (
        lambda x: x**3, lambda g, out, x: (3 * g * x,), (X,), {},
    ),
    "it is what is due times the output: a factor too much": (
        np.exp, lambda g, out, x: (g * out * out,), (X,), {},
    ),
    "it is too small by the cotangent g: a term is missing": (
        np.expm1, lambda g, out, x: (g * out,), (X,), {},
    ),
    "it is the cotangent of argument 1: are the two mixed up?": (
        np.multiply, lambda g, out, x, y: (g * x, g * y), (X, Y), {},
    ),
    "complex conjugate of what is due": (np.conj, lambda g, out, x: (g,), (Z,), {}),
    "the slope is conjugated": (np.square, lambda g, out, x: (2 * g * np.conj(x),), (Z,), {}),
    "its imaginary part is dropped": (np.square, lambda g, out, x: ((2 * g * x).real + 0j,), (Z,), {}),
    "it is transposed": (np.transpose, lambda g, out, x: (g.copy(),), (SQUARE,), {}),
    "its axes are permuted: transposed by (1, 2, 0) it is right": (
        lambda x: np.transpose(x, (1, 2, 0)), lambda g, out, x: (np.transpose(g, (1, 2, 0)),), (CUBE,), {},
    ),
    "it is reversed along axis 0": (np.flip, lambda g, out, x: (g.copy(),), (ROW,), {}),
    "it is shifted along axis 0: an index is off by one": (
        lambda x: np.roll(x, 1), lambda g, out, x: (g.copy(),), (ROW,), {},
    ),
    "its entries are right, but in the wrong order": (
        np.sort, lambda g, out, x: (g.copy(),), (np.array([2.1, -0.4, 1.3, 0.2, 0.9]),), {},
    ),
    "it was not summed over the broadcast axes": (
        np.multiply, lambda g, out, x, y: (g * y, g * x), (X, ROW), {},
    ),
    "it is averaged over the broadcast axes, not summed": (
        np.add, lambda g, out, x, y: (g, np.mean(g, 0)), (X, ROW), {},
    ),
    "it is one slice of the broadcast axes, not their sum": (
        np.add, lambda g, out, x, y: (g, g[0].copy()), (X, ROW), {},
    ),
    "it is summed over the wrong axes: (1,) instead of (0,)": (
        np.multiply, lambda g, out, x, y: (g * y, np.sum(g * x, 1)), (SQUARE, ROW[:3].copy()), {},
    ),
    "it is wrong only for a negative axis: axis=-1, while axis=1 is right": (
        summed, lambda g, out, x, axis: (along(g, x, axis if axis >= 0 else 0),), (SQUARE,), {"axis": -1},
    ),
    "the axis is mistaken (off by one): for axis=1 the rule does what is due for axis=0": (
        summed, lambda g, out, x, axis: (along(g, x, (axis + 1) % 3),), (RNG.standard_normal((3, 3, 3)),), {"axis": 1},
    ),
    "the keyword axis=1 is ignored": (
        summed, lambda g, out, x, axis: (along(g, x, 0),), (SQUARE,), {"axis": 1},
    ),
    "the keyword scale=2.5 is ignored: it is the derivative without it": (
        lambda x, *, scale=1.0: scale * np.sin(x), lambda g, out, x, scale: (g * np.cos(x),), (X,), {"scale": 2.5},
    ),
    "the keyword n=3 is ignored: the rule gives the same for any": (
        lambda x, *, n: x**n, lambda g, out, x, n: (7 * g * x * np.sin(x),), (X,), {"n": 3},
    ),
    "at a tie": (np.max, lambda g, out, x: (g * (x == out),), (TIES,), {}),
    "it is not finite, and the derivative is only where x = 0": (
        np.square, lambda g, out, x: (g * 2 * x * (x / x),), (ZEROS,), {},
    ),
    "it is zero, and the derivative is not": (lambda x: 1e-6 * x, lambda g, out, x: (0 * g,), (X,), {}),
    "it should be zero only where |x| > 1": (
        lambda x: np.clip(x, -1, 1), lambda g, out, x: (g.copy(),), (X,), {},
    ),
    "only where it is less than argument 1": (
        np.maximum, lambda g, out, x, y: (g + 0 * x, g * (y > x)), (X, Y), {},
    ),
    "only where x is more than about": (
        np.square, lambda g, out, x: (g * np.where(x > 1.5, np.exp(x), 2 * x),), (LONG,), {},
    ),
    "it should be symmetric": (
        lambda a: (a + a.T) @ (a + a.T), lambda g, out, a: (2 * (g @ (a + a.T) + (a + a.T) @ g),), (SQUARE,), {},
    ),
    "it takes the absolute value of the cotangent": (np.exp, lambda g, out, x: (np.abs(g) * out,), (X,), {}),
    "it drops the cotangent's negative entries": (np.exp, lambda g, out, x: (np.maximum(g, 0) * out,), (X,), {}),
    "it does not use the cotangent": (np.exp, lambda g, out, x: (out.copy(),), (X,), {}),
    "it squares the cotangent": (np.exp, lambda g, out, x: (g * g * out,), (X,), {}),
    "it uses the cotangent's sign alone": (np.exp, lambda g, out, x: (np.sign(g) * out,), (X,), {}),
    "it adds something that does not depend on the cotangent": (
        np.exp, lambda g, out, x: (g * out + 1e-9,), (X,), {},
    ),
    "computed in single precision": (
        np.sin, lambda g, out, x: (g * np.cos(x.astype(np.float32)).astype(x.dtype),), (X,), {},
    ),
    "off by the factor 1 +1e-07": (np.exp, lambda g, out, x: (g * out * (1 + 1e-7),), (X,), {}),
    "is wrong for a strided cotangent": (
        np.exp, lambda g, out, x: (g * out * (1 + (not g.flags.c_contiguous)),), (X,), {},
    ),
    "is wrong for inputs in Fortran order": (
        np.exp, lambda g, out, x: (g * out * (1 + (not x.flags.c_contiguous)),), (X,), {},
    ),
    "writes into its cotangent": (np.exp, lambda g, out, x: (np.multiply(g, out, out=g) + 0,), (ROW,), {}),
}  # fmt: skip


@pytest.mark.parametrize("words", SAID)
def test_the_mistake_is_said(words: str) -> None:
    forward, vjp, args, kwargs = SAID[words]
    verdict = check_rule(forward, vjp, args, kwargs, seed=3, shrink=False)
    assert verdict.outcome == "fail"
    assert any(words in finding.diagnosis for finding in verdict.findings), str(verdict)


def test_a_result_that_changes_from_call_to_call_is_said() -> None:
    state = iter(range(10**9))
    verdict = check_rule(np.exp, lambda g, out, x: (g * out * (1 + 1e-3 * next(state)),), (X,), shrink=False)
    assert "gives another result when it is called again" in str(verdict)


def test_a_derivative_lost_at_second_order_is_said() -> None:
    primitive = opreg.primitive("tests.sine")(lambda x, /: np.sin(x))
    primitive.defvjp(x=lambda g, x: g * np.cos(opreg.stop_gradient(x)))
    verdict = CHECKS["second-order"].run(Subject.of(primitive), (X,), {}, stream(0, "lost"))
    assert "the rule treats something as a constant" in verdict.reason


def test_each_argument_that_is_wrong_has_a_finding() -> None:
    def vjp(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
        return 2 * g * y, -g * x

    found = check_rule(np.multiply, vjp, (X, Y), shrink=False).findings
    said = {f.argument: f.diagnosis for f in found if f.check == "differences"}
    assert "it is 2 times what is due" in said[0]
    assert "its sign is wrong" in said[1]


@pytest.mark.parametrize("seed", range(5))
def test_a_property_that_few_entries_share_by_chance_is_not_said(seed: int) -> None:
    # One entry of four is wrong, whatever its value: often it alone is negative, or beyond 1.
    def vjp(g: Any, out: Any, x: Any) -> tuple[Any]:
        result = np.array(g * out)
        result[2] *= 1.5
        return (result,)

    x = stream(seed, "by chance").standard_normal(4)
    for finding in check_rule(np.exp, vjp, copies((x,)), seed=seed, shrink=False).findings:
        assert "only where" not in finding.diagnosis


def test_a_wrong_rule_that_is_nearly_right_is_not_called_permuted() -> None:
    verdict = check_rule(
        np.sum, lambda g, out, x: (g * (1 + 1e-10) * np.ones_like(x),), (SQUARE,), shrink=False
    )
    assert verdict.outcome == "fail"
    assert not any(word in verdict.reason for word in ("transposed", "reversed", "shifted", "order"))


def test_a_wrong_rule_whose_output_is_zero_fails() -> None:
    verdict = check_rule(
        lambda x: x[0] - x[1], lambda g, out, x: (0.99 * g * np.array([1, -1]),), [np.ones(2)]
    )
    assert verdict.outcome == "fail"
    assert "it is 0.99 times what is due" in verdict.reason


def test_a_recogniser_that_raises_costs_its_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(evidence: Any) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("opreg.verify._diagnose.KNOWN", (broken,))
    verdict = check_rule(np.sin, lambda g, out, x: (-g * np.cos(x),), [np.ones(2)])
    assert verdict.outcome == "fail"
