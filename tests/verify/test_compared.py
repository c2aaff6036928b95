"""`compared_as`: an output that is only partly determined is compared in what is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import opreg
from opreg import plugins
from opreg.testing import compared
from opreg.verify._checks import CHECKS
from opreg.verify._digest import digest
from opreg.verify._reproduce import reproducer
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict

FIRST = ("structure", "linearity", "adjoint", "differences", "layout", "precision", "second-order")


def turned(x: Any) -> Any:
    """x of a phase that jumps from each point to the next, as an algorithm's choice may do."""
    bits = np.frombuffer(np.ascontiguousarray(x).tobytes(), np.uint8)
    return (x * np.exp(1j * (bits.sum() % 7))).astype(x.dtype)


def phased(right: bool = True, jvp: bool = False, residual: bool = False) -> Any:
    """A complex number squared, up to a phase: what is determined is its magnitude squared."""
    made = opreg.primitive("tests.phased")(lambda x, /: turned(x * x) if np.iscomplexobj(x) else x * x)
    slope = 2 if right else 2.001

    def phase(out: Any, x: Any) -> Any:
        return opreg.stop_gradient(out) / opreg.stop_gradient(x * x)

    made.defvjp(x=lambda g, out, x: g * slope * x * phase(out, x))
    if jvp:
        made.defjvp(x=lambda g, out, x: g * slope * x * phase(out, x))
    return made


def magnitude(out: Any) -> Any:
    return np.real(out * np.conj(out)) if np.iscomplexobj(out) else out


def run(check: str, primitive: Any, x: Any, seed: int) -> Verdict | None:
    subject = Subject.of(primitive)
    if CHECKS[check].applies(subject, (x,), {}) is not None:
        return None
    return CHECKS[check].run(subject, (x.copy(),), {}, stream(seed, check))


def complex_of(rng: np.random.Generator) -> Any:
    return rng.uniform(1, 2, 3) + 1j * rng.uniform(1, 2, 3)


@pytest.mark.parametrize("jvp", [False, True])
def test_what_is_determined_is_verified_by_every_check(jvp: bool) -> None:
    right, wrong = phased(jvp=jvp), phased(right=False, jvp=jvp)
    for primitive in (right, wrong):
        primitive.compared_as(magnitude)
    for seed in range(3):
        x = complex_of(stream(seed, "x"))
        for check in FIRST:
            verdict = run(check, right, x, seed)
            assert verdict is None or verdict.outcome in ("pass", "waived"), f"{check}: {verdict}"
        verdict = run("differences", wrong, x, seed)
        assert verdict is not None and verdict.outcome == "fail"


def test_without_it_the_phase_leaves_nothing_to_compare() -> None:
    verdict = run("differences", phased(), complex_of(stream(0, "x")), 0)
    assert verdict is not None and verdict.outcome != "pass"


def test_where_it_gives_back_the_output_nothing_changes() -> None:
    primitive, seen = phased(), []

    @primitive.compared_as
    def _(out: Any) -> Any:
        seen.append(type(out))
        return magnitude(out)

    x = np.array([1.5, -2.0])
    shown = compared(primitive)
    assert shown is not primitive
    out = shown.forward(x)
    np.testing.assert_array_equal(shown.vjp(np.ones(2), out, x)[0], primitive.vjp(np.ones(2), out, x)[0])
    assert seen
    assert compared(phased()).__class__ is opreg.Primitive


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_an_integer_in_an_output_is_left_as_it_is(factor: float) -> None:
    primitive = opreg.primitive("tests.ordered")(lambda x, /: (np.sort(x) ** 2, np.argsort(x)))
    primitive.compared_as(lambda out: (out[0][..., 1:], out[1]))
    primitive.defvjp(x=lambda g, x, out: (2 * factor * x) * g[0][np.argsort(out[1])])
    for check, outcome in (("differences", "pass" if factor == 1 else "fail"), ("linearity", "pass")):
        verdict = run(check, primitive, np.array([0.5, -1.0, 2.0]), 0)
        assert verdict is not None and verdict.outcome == outcome, str(verdict)


def test_the_lines_that_reproduce_a_failure_run_by_themselves() -> None:
    primitive = plugins.get("numpy.linalg.eigh")
    subject = Subject.of(primitive)
    a = np.array([[2.0, 0.5 - 1j], [0.5 + 1j, 1.0]])
    wrong = dataclasses.replace(
        subject, vjp=lambda *values, **static: (1.5 * subject.vjp(*values, **static)[0],), jvp=None
    )
    verdict = CHECKS["differences"].run(wrong, (a,), {"UPLO": "L"}, stream(0, "differences"))
    assert verdict.outcome == "fail"
    lines = reproducer(wrong, (a,), {"UPLO": "L"}, verdict.findings[0])
    assert lines is not None and 'p = compared(opreg.plugins.get("numpy.linalg.eigh"))' in lines.code
    names: dict[str, Any] = {}
    exec(lines.code, names)
    # It is the registered rule that they call, which is right.
    np.testing.assert_allclose(names["got"], names["expected"], rtol=1e-5, atol=1e-6)


def test_the_digest_of_a_primitive_knows_it() -> None:
    one, other, third = phased(), phased(), phased()
    other.compared_as(magnitude)
    third.compared_as(lambda out: np.abs(out))
    assert len({digest(one), digest(other), digest(third)}) == 3


def test_a_residual_that_comes_with_another_output_is_found() -> None:
    for factor in (1.0, 1.1):
        primitive = opreg.primitive("tests.phased")(lambda x, /: turned(x * x))
        primitive.compared_as(magnitude)
        primitive.with_residual(lambda x, factor=factor: (factor * turned(x * x), x))
        primitive.defvjp(x=lambda g, residual, out: g * 2 * out / residual)
        verdict = run("structure", primitive, complex_of(stream(0, "x")), 0)
        assert verdict is not None and verdict.outcome == ("pass" if factor == 1 else "fail"), str(verdict)


def test_a_function_that_raises_is_named() -> None:
    primitive = phased()
    primitive.compared_as(lambda out: out[0])
    with pytest.raises(
        opreg.DeclarationError, match=r"tests.phased: the function given to compared_as \(.*raised"
    ):
        compared(primitive).forward(np.array(2.0))
