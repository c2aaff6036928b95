"""Each check, on primitives defined here: what it catches, what it leaves alone, where it does not apply."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import opreg
from opreg.verify._checks import CHECKS
from opreg.verify._reproduce import reproducer
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._variants import variants
from opreg.verify._verdict import Verdict

X = np.array([0.4, -1.3, 2.2])


def run(check: str, primitive: Any, *data: Any, seed: int = 0, **static: Any) -> Verdict:
    subject = Subject.of(primitive)
    assert CHECKS[check].applies(subject, data, static) is None
    return CHECKS[check].run(subject, data, static, stream(seed, check))


def cube(rule: Any) -> Any:
    primitive = opreg.primitive("tests.cube")(lambda x, /: x**3)
    primitive.defvjp(x=rule)
    return primitive.at_kink(X, cotangents=[3 * X**2])  # no kink, but an answer that is declared


def steps() -> Any:
    primitive = opreg.primitive("tests.steps")(lambda x, /: np.floor(x))
    return primitive.not_differentiable("it is constant between integers")


def selective(alone: Any) -> Any:
    """x y with a joint rule that gives `alone(g, x, y)` where not both cotangents are needed."""
    primitive = opreg.primitive("tests.product")(lambda x, y, /: x * y)
    return opreg.elementwise(primitive).defvjp(
        lambda g, x, y, needed: (g * y, g * x) if all(needed) else alone(g, x, y)
    )


CALLING = [name for name in CHECKS if name != "lint"]
"""The checks that call the forward and the rules."""


def test_the_checks_have_names_and_one_line_docs_and_an_order() -> None:
    assert list(CHECKS) == [
        "structure", "linearity", "adjoint", "differences", "second-order", "layout", "precision",
        "variants", "kinks", "lint", "constancy"
    ]  # fmt: skip
    assert all(name == check.name and check.doc and "\n" not in check.doc for name, check in CHECKS.items())


@pytest.mark.parametrize("check", CALLING)
def test_every_check_passes_a_right_primitive(check: str) -> None:
    right = cube(lambda g, x: g * 3 * x**2) if check != "constancy" else steps()
    for seed in range(5):
        verdict = run(check, right, X, seed=seed)
        assert verdict.outcome == "pass", str(verdict)


def test_a_derivative_lost_at_second_order_is_caught() -> None:
    lost = cube(lambda g, x: g * 3 * opreg.stop_gradient(x) ** 2)
    for seed in range(5):
        assert run("differences", lost, X, seed=seed).outcome == "pass"
        verdict = run("second-order", lost, X, seed=seed)
        assert verdict.outcome == "fail"
        assert "zero" in verdict.reason


def test_a_factor_lost_at_second_order_is_caught() -> None:
    lost = cube(lambda g, x: g * 3 * x * opreg.stop_gradient(x))
    assert run("differences", lost, X).outcome == "pass"
    assert run("second-order", lost, X).outcome == "fail"


def test_a_rule_in_another_language_is_first_order_only_and_says_so() -> None:
    opaque = cube(lambda g, x: g * np.array([3 * float(v) ** 2 for v in x]))
    assert run("differences", opaque, X).outcome == "pass"
    verdict = run("second-order", opaque, X)
    assert verdict.outcome == "waived"
    assert verdict.reason.startswith("first order only")


def test_a_wrong_jvp_fails_adjoint_and_differences() -> None:
    primitive = cube(lambda g, x: g * 3 * x**2)
    primitive.defjvp(x=lambda g, x: g * 3 * x**2 * (1 + 1e-9))
    assert run("adjoint", primitive, X).outcome == "fail"
    assert run("differences", primitive, X).outcome == "fail"


def test_a_joint_mistake_of_vjp_and_jvp_passes_adjoint_but_not_differences() -> None:
    primitive = cube(lambda g, x: g * x**2)
    primitive.defjvp(x=lambda g, x: g * x**2)
    assert run("adjoint", primitive, X).outcome == "pass"
    assert run("differences", primitive, X).outcome == "fail"


def test_several_outputs_are_checked_together() -> None:
    both = opreg.primitive("tests.both")(lambda x, /: (np.sin(x), np.cos(x)))
    both.defvjp(x=lambda g, x: g[0] * np.cos(x) - g[1] * np.sin(x))
    half = opreg.primitive("tests.half")(lambda x, /: (np.sin(x), np.cos(x)))
    half.defvjp(x=lambda g, x: g[0] * np.cos(x) + g[1] * np.sin(x))
    for check in ("structure", "linearity", "differences", "second-order", "layout", "precision"):
        assert run(check, both, X).outcome == "pass", check
    assert run("differences", half, X).outcome == "fail"


def test_a_constant_argument_needs_no_cotangent() -> None:
    masked = opreg.primitive("tests.masked")(lambda x, w, /: x * w)
    masked.defvjp(x=lambda g, w: g * w)
    masked.not_differentiable(w="a weight is chosen, not learned")
    for check in ("structure", "linearity", "differences", "second-order"):
        assert run(check, masked, X, np.array([1.0, 2.0, 3.0])).outcome == "pass", check


def test_nothing_applies_to_integers() -> None:
    subject = Subject.of(cube(lambda g, x: g * 3 * x**2))
    for check in CALLING:
        assert CHECKS[check].applies(subject, (np.arange(3),), {}) == "no argument is a floating point number"


@pytest.mark.parametrize("check", [name for name in CALLING if name != "constancy"])
@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: None,
        lambda g, x: "3 x**2",
        lambda g, x: 1 / 0,
        lambda g, x: [g],
        lambda g, x: {"x": g},
        lambda g, x: object(),
        lambda g, x: g[:-1],
    ],
    ids=["None", "a string", "raises", "a list", "a dict", "an object", "another shape"],
)
def test_no_check_raises_whatever_a_rule_does(check: str, rule: Any) -> None:
    verdict = run(check, cube(rule), X)
    assert verdict.outcome in ("fail", "waived")
    assert "\n" not in verdict.reason
    assert verdict.reason


@pytest.mark.parametrize("check", CALLING)
def test_no_check_raises_whatever_a_forward_does(check: str) -> None:
    def forward(x: Any) -> Any:
        raise OSError("the file of constants is missing")

    subject = Subject.from_functions(forward, lambda g, out, x: (g,), lambda t, out, x: t[0])
    subject = replace(subject, kinks=cube(lambda g, x: g).kinks)
    verdict = CHECKS[check].run(subject, (X,), {}, stream(0))
    assert verdict.outcome in ("error", "waived")
    assert "the file of constants is missing" in verdict.reason


def test_a_result_that_is_not_finite_is_no_failure() -> None:
    log = Subject.from_functions(np.log, lambda g, out, x: (g / x,), name="log")
    for check in ("structure", "linearity", "differences", "layout", "precision"):
        verdict = CHECKS[check].run(log, (np.array([0.0, 1.0, 2.0]),), {}, stream(0, check))
        assert verdict.outcome in ("pass", "waived"), str(verdict)


def test_a_slope_that_is_infinite_at_an_edge_is_no_failure() -> None:
    sqrt = Subject.from_functions(np.sqrt, lambda g, out, x: (g / (2 * out),), name="sqrt")
    verdict = CHECKS["differences"].run(sqrt, (np.array([0.0, 1.0]),), {}, stream(0))
    assert verdict.outcome == "pass", str(verdict)


def test_a_function_that_jumps_here_has_nothing_to_compare() -> None:
    floor = Subject.from_functions(np.floor, lambda g, out, x: (g * 0,), name="floor")
    verdict = CHECKS["differences"].run(floor, (np.array([1.0, 2.0]),), {}, stream(0))
    assert verdict.outcome == "waived"
    assert "jumps" in verdict.reason


def test_a_narrowing_forward_is_judged_by_the_precision_of_its_result() -> None:
    narrow = Subject.from_functions(
        lambda x: np.square(x).astype(np.float32),
        lambda g, out, x: ((g * 2 * x).astype(x.dtype),),
        name="narrow",
    )
    wrong = Subject.from_functions(
        lambda x: np.square(x).astype(np.float32),
        lambda g, out, x: ((g * 2.2 * x).astype(x.dtype),),
        name="wrong",
    )
    for seed in range(5):
        assert CHECKS["differences"].run(narrow, (X,), {}, stream(seed)).outcome == "pass"
        assert CHECKS["differences"].run(wrong, (X,), {}, stream(seed)).outcome == "fail"


def test_a_float32_rule_off_by_a_ten_thousandth_is_caught() -> None:
    off = Subject.from_functions(
        np.exp,
        lambda g, out, x: ((g * out * (1 + 1e-4 * (x.dtype == np.float32))).astype(x.dtype),),
        name="off",
    )
    x = X.astype(np.float32)
    for seed in range(5):
        assert CHECKS["differences"].run(off, (x,), {}, stream(seed)).outcome == "fail"
        assert CHECKS["precision"].run(off, (X,), {}, stream(seed)).outcome == "fail"


def test_a_large_array_is_sampled_by_directions_and_one_wrong_entry_is_found() -> None:
    x, y = stream(0, "large").standard_normal((2, 20, 20))
    mask = np.ones((20, 20))
    mask[7, 3] = 1 + 1e-6
    right = Subject.from_functions(np.matmul, lambda g, out, x, y: (g @ y.T, x.T @ g), name="matmul")
    wrong = Subject.from_functions(np.matmul, lambda g, out, x, y: (g @ y.T * mask, x.T @ g), name="matmul")
    for seed in range(3):
        assert CHECKS["differences"].run(right, (x, y), {}, stream(seed)).outcome == "pass"
        assert CHECKS["differences"].run(wrong, (x, y), {}, stream(seed)).outcome == "fail"


def test_rounding_in_the_tail_of_a_saturated_function_is_no_mistake() -> None:
    def slope(g: Any, out: Any, x: Any) -> Any:
        return (g * (1 - out * out),)

    tanh = Subject.from_functions(np.tanh, slope, lambda t, out, x: t[0] * (1 - out * out), name="tanh")
    for seed in range(20):
        x = stream(seed, "tail").uniform(-16, 16, (2, 3))
        for check in ("adjoint", "differences"):
            verdict = CHECKS[check].run(tanh, (x,), {}, stream(seed, check))
            assert verdict.outcome != "fail", str(verdict)


def test_a_sum_whose_order_depends_on_the_layout_is_not_taken_for_random() -> None:
    dot = Subject.from_functions(np.vdot, lambda g, out, x, y: (g * y, g * x), name="vdot")
    for seed in range(20):
        x, y = stream(seed, "layout").standard_normal((2, 40))
        verdict = CHECKS["structure"].run(dot, (x[::-1], y[::-1]), {}, stream(seed))
        assert verdict.outcome == "pass", str(verdict)


def test_a_rule_is_held_to_what_is_declared_at_a_kink() -> None:
    def absolute(at_zero: float) -> Any:
        p = opreg.primitive("tests.absolute")(lambda x, /: np.abs(x))
        p.defvjp(x=lambda g, x: g * np.where(x == 0, at_zero, np.sign(x)))
        return p.at_kink(0.0, cotangents=[0.0]).at_kink(
            np.array([0.0, -2.0]), cotangents=[np.array([0.0, -1.0])]
        )

    assert run("kinks", absolute(0.0), X).outcome == "pass"
    verdict = run("kinks", absolute(0.5), X)
    assert verdict.outcome == "fail"
    assert "not the subgradient that is declared" in verdict.reason
    assert verdict.findings[0].input == "0.0"
    assert (
        run("differences", absolute(0.5), np.array([0.0, 1.0])).outcome == "pass"
    )  # between the slopes: a choice


def test_at_kink_wants_a_cotangent_for_each_argument() -> None:
    p = opreg.primitive("tests.absolute")(lambda x, /: np.abs(x))
    with pytest.raises(opreg.DeclarationError, match="2 cotangents for 1 data"):
        p.at_kink(0.0, cotangents=[0.0, 0.0])


def inverse(refusal: type[Exception]) -> Any:
    def pull(g: Any, a: Any) -> Any:
        if abs(np.linalg.det(a)) < 1e-12:
            raise refusal("Singular matrix")
        inverse = np.linalg.inv(a).T
        return -inverse @ g @ inverse

    primitive = opreg.primitive("tests.pinv")(lambda a, /: np.linalg.pinv(a))
    return primitive.defvjp(a=pull)


def test_a_variant_that_a_rule_refuses_as_singular_is_not_held_against_it() -> None:
    a = np.array([[2.0, 1.0], [-1.0, 0.5]])

    def outcomes(refusal: type[Exception]) -> set[str]:
        return {run("variants", inverse(refusal), a, seed=seed).outcome for seed in range(20)}

    assert outcomes(np.linalg.LinAlgError) <= {"pass", "waived"}
    assert "fail" in outcomes(ValueError)


def test_where_a_forward_returns_nothing_is_no_variant() -> None:
    unstack = opreg.primitive("tests.unstack")(lambda x, /: tuple(x))
    unstack.defvjp(x=lambda g: np.stack(g))
    assert {run("variants", unstack, X, seed=seed).outcome for seed in range(20)} == {"pass"}


def test_no_variant_of_finite_numbers_is_infinite() -> None:
    subject = Subject.of(cube(lambda g, x: g * 3 * x**2))
    huge = np.array([1e200, -1e307])
    with np.errstate(all="ignore"):
        found = list(variants(replace(subject, forward=np.tanh), (huge,), {}, stream(0, "x")))
    assert found
    assert all(np.isfinite(variant.data[0]).all() for variant in found)


def test_a_tie_beside_a_value_that_is_not_a_number_is_a_tie() -> None:
    fmax = opreg.plugins.get("numpy.fmax")
    for seed in range(5):
        x, y = np.array([1.0, 2.0, -3.0]), np.array([1.0, np.nan, 0.5])
        assert run("differences", fmax, x, y, seed=seed).outcome == "pass"


def test_a_shortcut_for_an_output_that_nothing_depends_on_is_held_to_the_contract_too() -> None:
    def rule(careless: bool) -> Any:
        def both(g: Any, x: Any) -> Any:
            if not np.any(g[1]):
                return g[0] * np.cos(x) + (0j if careless else 0)
            return g[0] * np.cos(x) - g[1] * np.sin(x)

        return opreg.primitive("tests.both")(lambda x, /: (np.sin(x), np.cos(x))).defvjp(x=both)

    for seed in range(5):
        assert run("structure", rule(careless=False), X, seed=seed).outcome == "pass"
        verdict = run("structure", rule(careless=True), X, seed=seed)
        assert verdict.outcome == "fail"
        assert "dtype complex128" in str(verdict), str(verdict)


# ------------------------------------------------------------------------------------- a joint rule that is selective
def test_a_joint_rule_is_asked_for_each_cotangent_alone() -> None:
    right = selective(lambda g, x, y: (g * y, g * x))
    assert run("structure", right, X, X[::-1].copy()).outcome == "pass"
    assert run("structure", right, X, 2).outcome == "pass"  # one of them has none


@pytest.mark.parametrize(
    ("alone", "text", "got"),
    [
        (
            lambda g, x, y: (g * y, g * y),
            "another cotangent of argument 1 where no other is needed",
            "[3. 4.]",
        ),
        (lambda g, x, y: (None, g * x), "None for argument 0.*where no other cotangent is needed", "None"),
        (
            lambda g, x, y: 1 // 0,
            "raised ZeroDivisionError.*where no other cotangent is needed",
            "ZeroDivisionError",
        ),
    ],
)
def test_what_is_wrong_of_a_cotangent_alone_is_found_and_shown(alone: Any, text: str, got: str) -> None:
    primitive, data = selective(alone), (np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    verdict = run("structure", primitive, *data)
    assert verdict.outcome == "fail" and re.search(text, verdict.reason)
    opreg.plugins.register(primitive)
    try:
        lines = reproducer(Subject.of(primitive), data, {}, verdict.findings[0])
    finally:
        opreg.plugins.reset()
    assert lines is not None and "p.vjp_needed(" in lines.code and lines.got == got
