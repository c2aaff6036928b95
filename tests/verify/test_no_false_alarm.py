"""Right rules where finite differences are easily fooled: none may fail, and a wrong rule beside each still does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import opreg
from opreg import plugins
from opreg.verify._checks import CHECKS
from opreg.verify._checks.precision import precise
from opreg.verify._oracle import Oracle
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Verdict


def run(check: str, subject: Any, *data: Any, seed: int = 0, **static: Any) -> Verdict:
    subject = subject if isinstance(subject, Subject) else Subject.of(subject)
    return CHECKS[check].run(subject, data, static, stream(seed, check))


def primitive(forward: Any, rule: Any, jvp: Any = None) -> Any:
    made = opreg.primitive("tests.alarm")(lambda x, /: forward(x))
    made.defvjp(x=rule)
    if jvp is not None:
        made.defjvp(x=jvp)
    return made


def never_fails(
    check: str, subject: Any, draw: Callable[[np.random.Generator], Any], count: int = 20
) -> None:
    for seed in range(count):
        verdict = run(check, subject, draw(stream(seed, "draw")), seed=seed)
        assert verdict.outcome in ("pass", "inconclusive", "waived"), str(verdict)


def shared(g: Any, values: Any) -> Any:
    """Mean of `g` over the entries whose `values` are equal."""
    equal = values[:, None] == values[None, :]
    return equal @ g / equal.sum(axis=1)


def sort_shared(g: Any, out: Any, x: Any) -> Any:
    result = np.empty_like(x)
    result[np.argsort(x, kind="stable")] = shared(g, out)
    return (result,)


def median_shared(g: Any, out: Any, x: Any) -> Any:
    return (g * (x == out) / (x == out).sum(dtype=x.dtype),)


TIES = np.array([2.0, 1.0, 1.0, 1.0, 3.0])


def test_three_equal_values_may_share_a_vjp_and_a_jvp_of_sort() -> None:
    def jvp(t: Any, out: Any, x: Any) -> Any:
        return shared(t[0][np.argsort(x, kind="stable")], out)

    def half(t: Any, out: Any, x: Any) -> Any:
        return jvp(t, out, x) * np.where(out == 1, 0.5, 1)

    right = Subject.from_functions(np.sort, sort_shared, jvp)
    wrong = Subject.from_functions(np.sort, sort_shared, half)
    for seed in range(20):
        x = stream(seed, "ties").permutation(TIES)
        verdict = run("differences", right, x, seed=seed)
        assert verdict.outcome == "pass", str(verdict)
        assert run("differences", wrong, x, seed=seed).outcome == "fail"


def test_a_kink_that_no_coordinate_shows_by_itself_is_a_kink() -> None:
    # The median stays where it is, whichever of three equal middle entries moves alone.
    right = Subject.from_functions(np.median, median_shared)
    twice = Subject.from_functions(np.median, lambda g, out, x: (2 * median_shared(g, out, x)[0],))
    for seed in range(20):
        x = stream(seed, "ties").permutation(np.array([0.5, 1.0, 1.0, 1.0, 3.0]))
        verdict = run("differences", right, x, seed=seed)
        assert verdict.outcome == "pass", str(verdict)
        assert run("differences", twice, x, seed=seed).outcome == "fail"


def test_such_a_kink_is_one_although_another_argument_cannot_be_moved_to_one_side() -> None:
    def scaled(x: Any, q: Any) -> Any:
        if q < 0:
            raise ValueError("q must not be negative")
        return np.median(x) * (1 + q)

    def rule(g: Any, out: Any, x: Any, q: Any) -> Any:
        return median_shared(g * (1 + q), np.median(x), x)[0], g * np.median(x)

    def twice(g: Any, out: Any, x: Any, q: Any) -> Any:
        dx, dq = rule(g, out, x, q)
        return 2 * dx, dq

    for seed in range(20):
        x = stream(seed, "ties").permutation(np.array([0.5, 1.0, 1.0, 1.0, 3.0]))
        verdict = run("differences", Subject.from_functions(scaled, rule), x, np.float64(0.0), seed=seed)
        assert verdict.outcome == "pass", str(verdict)
        assert (
            run("differences", Subject.from_functions(scaled, twice), x, np.float64(0.0), seed=seed).outcome
            == "fail"
        )


def test_a_kink_that_growth_hides_from_afar_is_a_kink() -> None:
    # On its branch cut K_v bends across it, and grows by many orders of magnitude along it.
    def slope(v: Any, z: Any) -> Any:
        return -(scipy.special.kv(v - 1, z) + scipy.special.kv(v + 1, z)) / 2

    def subject(factor: float) -> Subject:
        return Subject.from_functions(
            lambda v, z: scipy.special.kv(v, z),
            lambda g, out, v, z: (None, g * np.conj(factor * slope(v, z))),
            lambda t, out, v, z: factor * t[1] * slope(v, z),
        )

    cut, beside = np.array([-100.5 + 0j, -202.5 + 0j, -148.5 + 0j]), np.array([-3.0 + 2j, 3.0 + 1j, 0.5 - 1j])
    order, failed = np.array([2, 0, 3]), 0
    for seed in range(20):
        assert run("differences", subject(1.0), order, cut, seed=seed).outcome != "fail"
        failed += run("differences", subject(1.01), order, beside, seed=seed).outcome == "fail"
    assert failed == 20


def test_the_logarithm_of_a_number_that_has_few_digits_left_is_a_staircase_and_not_flat() -> None:
    def tail(x: Any) -> Any:
        return np.log(np.exp(np.asarray(x, float)) / 2)

    right, twice = primitive(tail, lambda g, x: g), primitive(tail, lambda g, x: 2 * g)
    failed = 0
    for seed, x in enumerate(np.linspace(-743.5, -700.0, 40)):
        assert run("differences", right, np.array(x), seed=seed).outcome != "fail"
        failed += run("differences", twice, np.array(x), seed=seed).outcome == "fail"
    assert failed > 20


def test_a_second_kink_close_to_the_first_is_not_taken_for_it() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return (g * (np.sign(x) + np.sign(x - 1e-5)),)

    folded = Subject.from_functions(lambda x: np.abs(x) + np.abs(x - 1e-5), rule)
    never_fails("differences", folded, lambda rng: np.array([0.0, 300.0, 1e-5]))


def test_a_function_that_wiggles_between_the_nodes_is_looked_at_more_closely() -> None:
    def slope(x: Any) -> Any:
        return np.cos(1e6 * x) / x - np.sin(1e6 * x) / (1e6 * x * x)

    wiggle = primitive(lambda x: np.sin(1e6 * x) / (1e6 * x), lambda g, x: g * slope(x))
    wrong = primitive(lambda x: np.sin(1e6 * x) / (1e6 * x), lambda g, x: g * slope(x) * (1 + 1e-3))
    failed = 0
    for seed in range(20):
        x = stream(seed, "wiggle").uniform(0.5, 3.0, 4)
        for check in ("differences", "second-order"):
            assert run(check, wiggle, x, seed=seed).outcome != "fail"
        failed += run("differences", wrong, x, seed=seed).outcome == "fail"
    assert failed > 4


def test_many_periods_between_the_nodes_are_no_slope() -> None:
    sine = plugins.get("numpy.sin")
    wrong = Subject.from_functions(np.sin, lambda g, out, z: (g * np.cos(z) * (1 + 1e-6),))
    for seed in (29, 243, 811, 1071, 1256, 1440, 2367, *range(10)):
        rng = stream(seed, "q")
        size, part = 10.0 ** rng.uniform(2, 8, 3), 10.0 ** rng.uniform(0, 2, 3)
        z = rng.choice([-1, 1], 3) * size + 1j * rng.choice([-1, 1], 3) * part
        verdict = run("differences", sine, z, seed=seed)
        assert verdict.outcome != "fail", str(verdict)
        assert run("differences", wrong, z / size, seed=seed).outcome == "fail"


def test_a_staircase_whose_steps_are_too_fine_to_see_is_no_slope() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return (g.copy(),)

    teeth = Subject.from_functions(lambda x: np.fmod(x, 1e-8), rule, lambda t, out, x: t[0] * 1.0)
    stairs = Subject.from_functions(
        lambda x: np.floor(1e9 * x), lambda g, out, x: (np.zeros_like(x),), lambda t, out, x: 0 * t[0]
    )
    never_fails("differences", teeth, lambda rng: rng.uniform(1, 10, 3))
    never_fails("differences", stairs, lambda rng: rng.uniform(1, 10, 3))


def test_second_order_of_a_saturated_function_is_as_exact_as_its_output() -> None:
    tanh = primitive(np.tanh, lambda g, out: g * (1 - out * out))
    never_fails("second-order", tanh, lambda rng: rng.uniform(15, 25, 6) * rng.choice([-1, 1], 6), 40)


def test_an_infinite_second_derivative_at_the_edge_of_the_domain_is_not_known() -> None:
    power = primitive(lambda x: x**1.5, lambda g, x: 1.5 * g * x**0.5)
    never_fails("second-order", power, lambda rng: np.array([0.0, rng.uniform(1, 2)]))


def test_the_spread_of_values_far_from_zero() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * (x - np.mean(x)) / (x.size * out)

    std = primitive(np.std, rule)
    for check in ("differences", "second-order"):
        never_fails(check, std, lambda rng: 1e8 + rng.standard_normal(6))


def test_sizes_six_hundred_orders_of_magnitude_apart() -> None:
    log = primitive(np.log, lambda g, x: g / x, lambda g, x: g / x)
    wrong = primitive(np.log, lambda g, x: g / x, lambda g, x: 2 * g / x)
    x = np.array([1e-300, 1e300])
    for seed in range(10):
        verdict = run("differences", log, x, seed=seed)
        assert verdict.outcome == "pass", str(verdict)
        assert run("differences", wrong, x, seed=seed).outcome == "fail"


def test_among_many_coordinates_the_small_ones_are_moved_by_their_own_size() -> None:
    x = np.concatenate([np.full(40, 1e-9), np.full(40, 1e9)])
    rng = stream(0, "spread")

    def forward(x: Any) -> Any:
        return np.log(x).sum()

    oracle = Oracle(forward, (x,), {}, (0,), forward(x), rng, elementwise=False)
    oracle.start()
    assert oracle.kind == "directions"
    bound = oracle.pull(np.ones(1))[1]
    due = oracle.project(1 / x)[0]
    assert np.any(bound[:3] < 1e-8 * np.abs(due[:3]))


def test_an_output_narrower_than_the_data_is_judged_by_its_own_precision() -> None:
    def forward(x: Any) -> Any:
        return np.sum(x, dtype=np.float32)

    right = Subject.from_functions(
        forward,
        lambda g, out, x: (np.full(x.shape, g, x.dtype),),
        lambda t, out, x: np.sum(t[0], dtype=np.float32),
    )
    for check in ("structure", "linearity", "adjoint", "differences", "layout", "precision"):
        never_fails(check, right, lambda rng: rng.standard_normal(7) * 10.0 ** rng.uniform(-3, 3))


def test_the_imaginary_part_beside_a_real_value_may_be_rounded() -> None:
    def forward(x: Any) -> Any:
        return np.exp(x) + 0j

    def jvp(t: Any, out: Any, x: Any) -> Any:
        return t[0] * out * (1 + 1e-16j)

    real = Subject.from_functions(forward, lambda g, out, x: (np.real(g * out),), jvp)
    off = Subject.from_functions(
        forward, lambda g, out, x: (np.real(g * out),), lambda t, out, x: jvp(t, out, x) * (1 + 1e-9j)
    )
    for seed in range(10):
        x = stream(seed, "real").standard_normal(4)
        assert run("differences", real, x, seed=seed).outcome == "pass"
        assert run("differences", off, x, seed=seed).outcome == "fail"


def test_terms_that_cancel_by_algebra_leave_the_rounding_of_the_largest() -> None:
    # Q of a square matrix does not depend on its last column; R does, a million times less than Q on the others.
    def rule(g: Any, out: Any, x: Any) -> Any:
        big = 1e6 * np.sum(g[0])
        return (np.stack([big + 0 * x[0], (big * 0.1 + big * 0.2 - big * 0.3) + g[1] * 1.0]),)

    subject = Subject.from_functions(lambda x: (1e6 * x[0], x[1] * 1.0), rule)
    never_fails("differences", subject, lambda rng: rng.standard_normal(2))


def test_a_result_too_small_for_float32_is_no_inaccuracy_of_the_rule() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return (g * np.exp(x - out),)

    soft = Subject.from_functions(lambda x: np.logaddexp(x, 0), rule)
    for at in (-800.0, -104.0, -100.0, -88.0):
        assert run("precision", soft, np.array([at, 1.0])).outcome in ("pass", "waived")


def test_a_rule_that_cancels_in_its_output_is_as_exact_as_the_output() -> None:
    def slope(out: Any) -> Any:
        return 3 * (1 - (out / 3) ** 2)

    bounded = Subject.from_functions(
        lambda x: 3 * np.tanh(x),
        lambda g, out, x: (g * slope(out),),
        lambda t, out, x: t[0] * slope(out),
    )
    never_fails("differences", bounded, lambda rng: rng.uniform(3, 18, 6), 40)


@pytest.mark.parametrize("parts", [2, 3])
def test_a_function_that_jumps_has_no_derivative_to_compare_with(parts: int) -> None:
    def forward(x: Any) -> Any:
        return np.linalg.pinv(np.stack([x] * parts))

    def rule(g: Any, out: Any, x: Any) -> Any:
        norm = np.sum(x * x)
        total = g.sum(axis=1) / parts
        return (total / norm - 2 * x * np.sum(x * total) / norm**2,)

    stacked = Subject.from_functions(forward, rule)
    wrong = Subject.from_functions(forward, lambda g, out, x: (2 * rule(g, out, x)[0],))
    for seed in range(5):
        x = stream(seed, "pinv").standard_normal(3)
        assert run("differences", stacked, x, seed=seed).outcome == "pass"
        assert run("differences", wrong, x, seed=seed).outcome == "fail"
    # Of two equal rows each moves by itself: the rank changes, and the pseudo-inverse jumps.
    rows = np.array([[1.0, 2.0, 0.5]] * 2)
    jumping = Subject.from_functions(np.linalg.pinv, lambda g, out, x: (x + g.T,))
    assert run("differences", jumping, rows).outcome in ("waived", "inconclusive")


def test_a_rule_whose_terms_cancel_is_linear_and_precise_to_the_terms() -> None:
    # The cotangent of the first output takes part in terms of size |g| |out| / |x|, which cancel.
    def rule(g: Any, out: Any, x: Any) -> Any:
        term = g[0] / x
        return (((term + g[1]) - term).astype(x.dtype),)

    direction = Subject.from_functions(lambda x: (np.sign(x), x * 1), rule)
    for check in ("linearity", "differences", "precision"):
        never_fails(check, direction, lambda rng: np.array(rng.uniform(1e-7, 1e-6)))


def test_kinks_are_counted_and_smooth_points_beside_them_verified() -> None:
    absolute = Subject.from_functions(np.abs, lambda g, out, x: (g * np.sign(x),))
    assert run("differences", absolute, np.array([1.0, 2.0])).kinks == 0
    verdict = run("differences", absolute, np.array([0.0, 2.0]))
    assert (verdict.outcome, verdict.kinks) == ("pass", 1)
    assert Verdict.merge([verdict, verdict]).kinks == 2
    # Right at the kink, by its hull, and where the sample is; beside the kink it is not.
    at = np.array([0.0, 2.0])
    beside = Subject.from_functions(np.abs, lambda g, out, x: (g * np.sign(x) * (1 + (x != at) * 1e-6),))
    assert run("differences", beside, at).outcome == "fail"


def test_no_number_is_right_where_the_derivative_grows_without_bound_however_slowly() -> None:
    def zeros_to(power: float, at_zero: Any) -> Any:
        return primitive(
            lambda x: x**power, lambda g, x: np.where(x == 0, at_zero, g * power * x ** (power - 1))
        )

    with np.errstate(all="ignore"):
        for power in 0.98, 0.995, 0.9985:  # 2**-80 to the power -0.0015 is 1.09
            for dtype in np.complex128, np.complex64:
                x = np.array([0, 1.5 - 0.5j], dtype)
                never_fails("differences", zeros_to(power, np.nan), lambda _, x=x: x, count=5)
        assert run("differences", zeros_to(0.995, 1.0), np.array([0j, 1.5])).outcome == "fail"
    for wrong in np.nan, np.inf:  # of what levels off, no number is wrong
        fault = primitive(np.abs, lambda g, x, wrong=wrong: np.where(x == 0, wrong, g * np.sign(x)))
        assert run("differences", fault, np.array([0.0, 1.5])).outcome == "fail"


def test_a_kink_beside_which_nothing_is_smooth_is_not_passed() -> None:
    def forward(x: Any) -> Any:
        return np.abs(x) * (1 + 1e-3 * np.sign(np.sin(1e17 * x)))

    rough = Subject.from_functions(forward, lambda g, out, x: (g * np.sign(x),))
    verdict = run("differences", rough, np.zeros(1))
    assert verdict.outcome in ("inconclusive", "waived"), str(verdict)
    assert verdict.kinks > 0


def test_a_wrong_rule_of_one_number_beside_a_matrix_of_one_fails() -> None:
    off = Subject.from_functions(np.multiply, lambda g, out, x, y: ((g * y * 1.001).sum(0), g * x))
    assert run("differences", off, np.array([2.0]), np.array([[3.0]])).outcome == "fail"


def test_a_wrong_rule_fails_however_large_its_argument() -> None:
    log = Subject.from_functions(np.log, lambda g, out, x: (1.001 * g / x,))
    for size in (1e-300, 1e300):
        assert run("differences", log, np.array(size)).outcome == "fail"


def test_a_forward_that_cancels_to_zero_is_not_taken_for_exact() -> None:
    right = Subject.from_functions(lambda x: 1 - np.cos(x), lambda g, out, x: (g * np.sin(x),))
    never_fails("differences", right, lambda rng: 10.0 ** rng.uniform(-13, -1, 6), 40)


def test_a_vector_that_turns_when_a_zero_leaves_zero_is_no_slope() -> None:
    # LAPACK gives the second vector of a triangular matrix the other sign than that of all matrices around.
    eig = Subject.of(plugins.get("numpy.linalg.eig"))
    for seed in range(20):
        rng = stream(seed, "triangular")
        triangular = np.array([[rng.uniform(0, 1), -0.3], [0.0, rng.uniform(2, 4)]])
        verdict = run("differences", eig, triangular, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_the_second_order_of_a_remainder_of_sixteen_decades() -> None:
    remainder = opreg.primitive("tests.remainder")(lambda x, y, /: np.fmod(x, y))
    remainder.defvjp(x=lambda g, x: g * np.ones_like(x), y=lambda g, x, y: -g * np.trunc(x / y))
    subject = Subject.of(remainder)
    for seed in range(20):
        x, y = 10.0 ** stream(seed, "decades").uniform(-8, 8, (2, 4))
        for check in ("differences", "second-order"):
            verdict = run(check, subject, x, y, seed=seed)
            assert verdict.outcome != "fail", str(verdict)


def test_a_rule_on_matrices_is_as_exact_as_linear_algebra() -> None:
    def rule(g: Any, out: Any, a: Any) -> Any:
        p, left, right = out.T, np.eye(4) - (a @ out).T, np.eye(3) - (out @ a).T
        return (-p @ g @ p + (out @ p @ g @ left).T + (right @ g @ p @ out).T,)

    inverse = Subject.from_functions(np.linalg.pinv, rule)
    wrong = Subject.from_functions(np.linalg.pinv, lambda g, out, a: (rule(g, out, a)[0] * (1 + 1e-7),))
    failed = 0
    for seed in range(40):
        rng = stream(seed, "graded")
        ordinary = rng.standard_normal((4, 3))
        verdict = run("differences", inverse, ordinary * 10.0 ** rng.uniform(-8, 8, (4, 3)), seed=seed)
        assert verdict.outcome != "fail", str(verdict)
        failed += run("differences", wrong, ordinary, seed=seed).outcome == "fail"
    assert failed == 40


def test_the_second_order_of_a_remainder_that_jumps_between_the_smallest_moves_and_the_nodes() -> None:
    remainder = plugins.get("numpy.fmod")
    for seed in range(200):
        y = np.array([1.03e-7, -0.05]) * (1 + 1e-3 * seed)
        verdict = run("second-order", remainder, 7, y, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_of_a_sawtooth_beside_smooth_outputs_the_slope_is_not_known() -> None:
    # Along x the second output saws and has no slope that could be measured; the first one does not.
    remainder = plugins.get("numpy.fmod")
    wrong = opreg.primitive("tests.remainder")(lambda x, y, /: np.fmod(x, y))
    wrong.defvjp(x=lambda g, x: np.sum(g) * 1.001, y=lambda g, x, y: -g * np.trunc(x / y))
    for seed in range(105, 135):
        exponents = stream(seed, "q")
        x, y = np.float64(10.0 ** exponents.uniform(-8, 8)), 10.0 ** exponents.uniform(-8, 8, 4)
        verdict = run("differences", remainder, x, y, seed=seed)
        assert verdict.outcome != "fail", str(verdict)
        assert run("differences", wrong, x, x * np.arange(9, 12) + y[:3], seed=seed).outcome == "fail"


def test_a_second_derivative_that_is_lost_fails_though_jumps_would_excuse_it() -> None:
    for forward, slope in (
        (np.exp, np.exp),
        (np.tan, lambda x: 1 / np.cos(x) ** 2),
        (np.square, lambda x: 2 * x),
    ):
        lost = primitive(forward, lambda g, x, slope=slope: g * slope(opreg.stop_gradient(x)))
        for seed in range(10):
            x = 10.0 ** stream(seed, "sizes").uniform(-2, 1, 3)
            assert run("second-order", Subject.of(lost), x, seed=seed).outcome == "fail"


def test_half_precision_that_chooses_other_entries_is_no_inaccuracy_of_the_rule() -> None:
    # NumPy may leave the entries between two places of a partition in another order for another dtype.
    def chosen(x: Any) -> Any:
        return x[::-1] if x.dtype == np.float16 else x

    def rule(g: Any, out: Any, x: Any) -> Any:
        return (chosen(g),)

    x = np.array([1.75, 1.5, 1.625])
    assert run("precision", Subject.from_functions(chosen, rule), x).outcome == "pass"
    doubled = Subject.from_functions(np.copy, lambda g, out, x: (g * (1 + (x.dtype == np.float16)),))
    assert run("precision", doubled, x).outcome == "fail"


def test_vjp_and_jvp_of_a_solve_agree_to_the_rounding_of_the_largest_entries() -> None:
    solve = plugins.get("numpy.linalg.solve")
    for seed in range(240, 260):
        rng = stream(seed, "graded")
        a, b = (
            (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * 10.0 ** rng.uniform(-8, 8, shape)
            for shape in ((6, 6), (6,))
        )
        verdict = run("adjoint", solve, a, b, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_entries_further_apart_than_float32_resolves_are_none_to_judge_it_by() -> None:
    qr = plugins.get("numpy.linalg.qr")
    for seed in range(100):
        rng = stream(seed, "graded")
        a = rng.standard_normal((3, 4)) * 10.0 ** rng.uniform(-7, 7, (3, 4))
        verdict = run("precision", qr, a, seed=seed, mode="r")
        assert verdict.outcome != "fail", str(verdict)
    wrong = Subject.from_functions(
        np.linalg.inv, lambda g, out, a: (-out.T @ g @ out.T * (1 + 1e-3 * (a.dtype == np.float32)),)
    )
    assert run("precision", wrong, rng.standard_normal((3, 3))).outcome == "fail"


def test_nor_is_a_float32_sample_whose_entries_it_does_not_resolve() -> None:
    # Two of the eigenvalues are 5e-9, beside one of 7e4, whose rounding in float32 is 1e5 times as large.
    eig = plugins.get("numpy.linalg.eig")
    a = np.array(
        [
            [0.0, 0.0, 0.0007434495491907],
            [-3.47813984262757e-05, 0.0, 0.0],
            [-6.651587369788103e-08, 7.146679854486138e-05, 72024.4140625],
        ],
        np.float32,
    )
    for seed in range(8):
        verdict = run("differences", eig, a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_what_an_eigensolver_does_below_its_own_rounding_is_no_slope() -> None:
    # From one last place to the next a computed eigenvector may move as smoothly as from one matrix to another.
    eigh = plugins.get("numpy.linalg.eigh")
    a = np.array(
        [
            [7.265050393051723e-05, 45.924636734006434, 5.576472033475911e-06],
            [45.924636734006434, 138616149.98681286, 20.36317881156932],
            [5.576472033475911e-06, 20.36317881156932, 2.0624139526023433e-05],
        ]
    )
    for seed in range(8):
        verdict = run("second-order", eigh, a, seed=seed, UPLO="U")
        assert verdict.outcome != "fail", str(verdict)


def test_a_residual_is_as_exact_as_a_factorization_and_so_is_what_a_rule_makes_of_it() -> None:
    # Beside entries of order one what is left of a cotangent is no more than rounding; then it is divided by 6e-16.
    qr = plugins.get("numpy.linalg.qr")
    a = np.array([[9461628.124895273, -3.760193817824424e-06, 0.0], [1.612228161136174e-3, 0.0, -8.1e-3]])
    for seed in range(20):
        verdict = run("linearity", qr, a, seed=seed, mode="reduced")
        assert verdict.outcome != "fail", str(verdict)


@pytest.mark.parametrize("large", [1.0, np.inf])
def test_an_entry_that_is_not_finite_hides_no_other(large: float) -> None:
    x = np.array([np.nan, large, -2.0, 0.5])
    subject = Subject.of(plugins.get("numpy.nan_to_num"))
    assert run("differences", subject, x, nan=0.0, posinf=None, neginf=None).outcome == "pass"
    off = dataclasses.replace(subject, vjp=lambda *a, **k: (subject.vjp(*a, **k)[0] * (1 + 1e-8),), jvp=None)
    for seed in range(5):
        verdict = run("differences", off, x, seed=seed, nan=0.0, posinf=None, neginf=None)
        assert verdict.outcome == "fail"


def test_what_another_precision_leaves_in_another_order_is_no_reference() -> None:
    # As `partition` does of long doubles with what it leaves open.
    def forward(x: Any) -> Any:
        return x[::-1] if x.dtype == np.longdouble else x

    x = np.array([1.3382, 1.3929, -1.2431])
    right = Subject.from_functions(forward, lambda g, out, x: (g,))
    wrong = Subject.from_functions(forward, lambda g, out, x: (g * np.array([1, 1 + 1e-9, 1]),))
    for seed in range(5):
        assert run("differences", right, x, seed=seed).outcome == "pass"
        assert run("differences", wrong, x, seed=seed).outcome == "fail"


def test_a_tie_of_a_partition_that_another_hides() -> None:
    # While the two smallest are equal NumPy leaves the two largest as they are, whichever is more by a little.
    x = np.array([1.5, -1.0, 0.75, -1.0, 1.5])
    for seed in range(30):
        verdict = run(
            "differences", plugins.get("numpy.partition"), x, seed=seed, kth=2, axis=-1, kind="introselect"
        )
        assert verdict.outcome == "pass", str(verdict)


def test_what_is_nothing_in_half_precision_ties_there_and_is_none_to_judge_it_by() -> None:
    partition = plugins.get("numpy.partition")
    for seed in range(5):
        x = 1e-8 * stream(seed, "tiny").standard_normal((5, 3))
        verdict = run("precision", partition, x, seed=seed, kth=[0, -1], axis=0, kind="introselect")
        assert verdict.outcome != "fail", str(verdict)


def test_a_phase_that_float32_does_not_resolve_is_not_judged_in_it() -> None:
    sinc = Subject.of(plugins.get("numpy.sinc"))
    twice = dataclasses.replace(
        sinc, vjp=lambda g, out, x: (sinc.vjp(g, out, x)[0] * (1 + (x.dtype == np.float32)),), jvp=None
    )
    for seed in range(100):
        x = np.array([42704084.0 + 4 * seed, 1e-3])
        assert run("precision", sinc, x, seed=seed).outcome != "fail"
        assert run("precision", twice, x / 1e7, seed=seed).outcome == "fail"


def test_a_slope_within_a_step_that_a_solver_absorbs_is_no_slope() -> None:
    # A move of the last entry by less than a last place of the largest is absorbed by one part of the algorithm alone.
    eigh = plugins.get("numpy.linalg.eigh")
    a = np.array(
        [
            [7.70950241130533e-07, 1.1337844050826185, -8.960453083958034e-07],
            [1.1337844050826185, 69291643.06817071, -33.77912315533936],
            [-8.960453083958034e-07, -33.77912315533936, 2.9418597377397578e-05],
        ]
    )
    for seed in range(8):
        verdict = run("second-order", eigh, a, seed=seed, UPLO="U")
        assert verdict.outcome != "fail", str(verdict)


def test_a_jump_nearer_than_half_precision_resolves_is_not_judged_in_it() -> None:
    # 6.61328125 / 1.1025390625 is 5.998, and 6 in float16.
    x, y = np.array([6.61328125, 7.5]), np.array([1.1025390625, 1.0])
    fmod = Subject.from_functions(np.fmod, lambda g, out, x, y: (g, (-g * np.trunc(x / y)).astype(y.dtype)))
    for seed in range(100):
        assert run("precision", fmod, x, y, seed=seed).outcome != "fail"


def test_a_jvp_is_as_exact_as_the_residual_that_it_solves_with() -> None:
    qr = plugins.get("numpy.linalg.qr")
    a = np.array(
        [
            [70867934.09936048, -3.434008960771784e-07, -2.0753195679237509e-05],
            [3.8092094519183954e-06, 1.0731774961086188e-05, 7.2680302242981584e05],
        ]
    )
    for seed in range(10):
        verdict = run("differences", qr, a, seed=seed, mode="reduced")
        assert verdict.outcome != "fail", str(verdict)


def test_a_complex_number_that_is_unknown_in_one_part_is_unknown() -> None:
    # 0**y is 0, and nearly 1 beside it: the real part jumps, of the imaginary one little is left.
    power = plugins.get("numpy.power")
    x, y = np.zeros((2, 1)), np.array([4.5e-8 + 8.1e-10j, 9.6e-9 - 7.7e-8j, 4.2e-9 - 5.1e-9j])
    for seed in range(5):
        verdict = run("differences", power, x, y, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_a_singular_determinant_is_as_exact_in_float32_as_its_largest_entries() -> None:
    det = plugins.get("numpy.linalg.det")
    a = np.array([[62.447, 8656.06, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 27749716.0]])
    lost = dataclasses.replace(
        Subject.of(det), vjp=lambda g, out, a: (g * 0.99 * Subject.of(det).vjp(g / g, out, a)[0],), jvp=None
    )
    for seed in range(5):
        verdict = run("precision", det, a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)
        assert run("differences", lost, a, seed=seed).outcome == "fail"


@pytest.mark.parametrize("right", [True, False])
def test_a_residual_that_is_wrong_at_a_tie_alone_fails(right: bool) -> None:
    # The first element is as great as the greatest of the others, and counts for nothing.
    made = opreg.primitive("tests.rest")(lambda x, /: np.max(x[1:]))

    @made.with_residual
    def _(x: Any) -> Any:
        out = np.max(x[1:])
        chosen = (x == out) & (np.arange(len(x)) > 0) if right else x == out
        return out, chosen / chosen.sum()

    made.defvjp(x=lambda g, residual: g * residual)
    found = [run("differences", made, np.array([3.0, 3.0, 1.0]), seed=seed).outcome for seed in range(20)]
    # A point nearby may be tied by chance: that is taken for what rounding makes of the rule.
    assert set(found) == {"pass"} if right else found.count("fail") >= 12 and "pass" not in found, found


def small(*exponents: float) -> Callable[[np.random.Generator], Any]:
    return lambda rng: 10.0 ** rng.uniform(*exponents, 4)


@pytest.mark.parametrize("check", ["linearity", "adjoint", "differences", "second-order", "variants"])
@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("numpy.exp", lambda rng: rng.uniform(-745, -709, 4)),
        ("numpy.exp2", lambda rng: rng.uniform(-1074, -1023, 4)),
        ("numpy.square", small(-165, -150)),
        (
            "numpy.linalg.det",
            lambda rng: np.diag(10.0 ** np.array([-85, -84, -76, -75.5]) * rng.uniform(1, 2)),
        ),
    ],
    ids=["exp", "exp2", "square", "det"],
)
def test_below_the_smallest_normal_number_all_numbers_are_rounded_alike(
    name: str, draw: Any, check: str
) -> None:
    never_fails(check, plugins.get(name), draw)


def test_a_wrong_rule_of_the_smallest_normal_numbers_fails() -> None:
    made = primitive(np.exp, lambda g, out, x: (g * out * 0.999,))
    assert run("differences", made, np.linspace(-707, -700, 4)).outcome == "fail"


def test_a_derivative_that_drowns_in_the_rounding_of_its_rule_is_no_failure() -> None:
    # Of 1 - tanh^2 the real part is rounded to nothing; far away, where tanh is 1, it seems known to be nothing.
    tanh = plugins.get("numpy.tanh")
    z = np.array([-0.1 + 0.04j, -19.367456936084043 - 29.681108310844319j, 61.0 - 88.0j, 2e7 + 5e6j])
    for seed in range(20):
        verdict = run("second-order", tanh, z, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


@pytest.mark.parametrize("name", ["numpy.linalg.eigvals", "numpy.linalg.eigvalsh"])
def test_of_values_that_nearly_repeat_what_is_small_beside_them_decides(name: str) -> None:
    right = plugins.get(name)
    wrong = dataclasses.replace(
        Subject.of(right), vjp=lambda g, out, a, **static: (right.vjp(g, out, a, **static)[0] * 3,), jvp=None
    )
    a = np.array([[13758639.412560858, -4.186778281017069e-08], [-4.186778281017069e-08, 13758639.412560858]])
    found = []
    for seed in range(6):
        verdict = run("differences", right, a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)
        found.append(run("differences", wrong, a, seed=seed).outcome)
    assert "pass" not in found, found
    # The eigenvalues of a matrix that need not be symmetric are complex numbers since NumPy 2.5, which jump here.
    assert name == "numpy.linalg.eigvals" or found.count("fail") >= 3, found


def test_what_is_not_wrong_from_afar_is_not_judged_by_one_look_from_nearer() -> None:
    # Beside an entry that starts far beyond its size the others stay where they are for many looks: as far as there,
    # the eigenvalues, a pair that turns into two real ones, do not seem to change with the first entry.
    eigvals = plugins.get("numpy.linalg.eigvals")
    x, t, s = 5864402.921290829, -2.1703502852644077e-06, -2.3825666057570915e-07
    a = np.array([[x, t, x], [t, t, t], [s, x, x]])
    for seed in range(12):
        verdict = run("differences", eigvals, a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_what_is_infinite_close_by_has_no_derivative_seen_from_afar() -> None:
    # 1 / Gamma far below zero: it is zero at every integer, where finite steps meet it, and overflows between them.
    def forward(x: Any) -> Any:
        return np.where(x == np.rint(x), 0.0, np.copysign(np.inf, np.sin(np.pi * x)))

    steep = primitive(forward, lambda g, x: g * np.inf)
    never_fails("differences", steep, lambda rng: -1000.0 * np.arange(1, 3))
    # Where the function overflows on one side only, the other tells its derivative.
    edge = primitive(lambda x: np.where(x > 1, np.inf, x * x), lambda g, x: 3 * g * x)
    assert run("differences", edge, np.array([1.0, 0.5])).outcome == "fail"


def test_the_sign_of_a_complex_eigenvector_is_the_choice_of_the_algorithm() -> None:
    # LAPACK turns the first vector the other way round at all matrices next to this one.
    x, y = 35381.33179212857, -79746.55766192538
    a = np.array([[x, x, x], [y, x, -0.3643539086524032], [y, y, y]])
    for seed in range(4):
        verdict = run("differences", plugins.get("numpy.linalg.eig"), a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)


def test_a_derivative_whose_limit_is_far_off_is_not_outside_of_its_values_nearby() -> None:
    # z**a has the derivative a z**(a - 1), which is 0.01 still at 1e-24 and turns on the way, and 0 at 0.
    power = plugins.get("numpy.power")
    for exponent in 1.0968904602634497 + 0.18281507671057495j, 1.0470373566545084, 1.01, 1.3:
        a = np.array([exponent, 199.9207067904591 + 0j])
        for seed in range(4):
            for x in np.array([0j]), np.array([0.0]):
                verdict = run("differences", power, x, a, seed=seed)
                assert verdict.outcome != "fail", str(verdict)
    steep = primitive(lambda x: np.abs(x), lambda g, x: g * np.where(x == 0, 3.0, np.sign(x)))
    assert run("differences", steep, np.array([0.0, 1.0])).outcome == "fail"


def test_no_rule_is_linear_at_a_matrix_that_is_singular_but_for_rounding() -> None:
    a = np.array(
        [[8.9060235164996102e+03, 0, -2.8066117000441577e-03, -8.4371403822278932, 0, 1.7233471508041161e-06],
         [0, 197.97940697831129, 1.4639271570460017e-08, -9.0352146109796061e-04, 0, 0],
         [1.1832693917004022e-05, 0.36108064387261901, 587.43561091954757, 1.1171459556364365e-07,
          2.5837556405065928e-06, 0],
         [0, -3.0576649361391201e-07, 77321145.514428958, 0, 1267.9138998975586, 2.3378031885861673e-05],
         [0, 7.5214172994495887e-05, 0, 0, 2863749.1212338363, 0],
         [0, 0, 1.1972489158639506e-06, 0, 647161.87806567631, 0]]
    )  # fmt: skip
    b = np.array([-48564.404894447907, -3.5441122204161472e-06, -1.0121941516923979e-06, -10.948487100895218,
                  1530.0474716607509, -2063.0779603735818])  # fmt: skip
    for name in "numpy.linalg.solve", "numpy.linalg.tensorsolve":
        for seed in range(60):
            verdict = run(
                "linearity", plugins.get(name), *plugins.get(name).canonical((a, b), {})[0], seed=seed
            )
            assert verdict.outcome != "fail", str(verdict)


def test_zero_times_an_infinite_slope_is_no_failure_and_zero_times_a_finite_one_that_is_lost_is() -> None:
    powers = np.array([0.3, 3.0])

    def rule(lost: float) -> Any:
        def pull(g: Any, x: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.sum(g * np.where(x == lost, np.inf, powers * x ** (powers - 1)))

        return primitive(lambda x: x**powers, pull)

    for seed in range(8):
        # At 0 the first output has an infinite slope, and a cotangent of zero where the second's is looked at alone.
        assert run("differences", rule(0.0), np.array(0.0), seed=seed).outcome != "fail"
        assert run("differences", rule(1.0), np.array(1.0), seed=seed).outcome == "fail"


def test_the_noise_is_not_taken_from_the_slope_of_another_place() -> None:
    """At the first spacing, 32, cosh is e^32 times as large: rounding seemed to be all that it is."""
    x = np.array([73.20920562744141 - 9376.8388671875j, 3e-8 - 2e-8j], np.complex64)
    for seed in range(8):
        verdict = run("second-order", plugins.get("numpy.cosh"), x, seed=seed)
        assert verdict.outcome == "pass", str(verdict)


def test_an_entry_that_overflows_in_float32_may_spoil_the_others_of_a_matrix() -> None:
    a = np.array(
        [[0, 0, 0], [-8.42345179989934e-4, 0, 139978.421875], [-626.3115844726562, 0, 1.8253447706e-5]]
    )
    cond = plugins.get("numpy.linalg.cond")
    data, static = cond.canonical((a.astype(np.float32),), {})
    for seed in range(8):
        with np.errstate(all="ignore"):
            verdict = precise(Subject.of(cond), data, static, stream(seed), "precision")
        assert verdict.outcome != "fail", str(verdict)


def test_of_coordinates_that_start_from_near_and_far_each_is_seen_from_close_by() -> None:
    # The eigenvalues are cube roots of the product of the entries that are far from zero. By the zero at [1, 2] an
    # eigenvector has one slope within 1 of it and another, of the other sign, at 32 and beyond.
    a = np.array(
        [
            [7.92930996337845, 0.0, -9975.432966179977],
            [-2919.070337960464, 7.788477040726657e-08, 0.0],
            [0.0, -530309.0015061311, 8.923928766686934e-08],
        ]
    )
    eig = Subject.of(plugins.get("numpy.linalg.eig"))
    for seed in range(12):
        verdict = run("differences", eig, a, seed=seed)
        assert verdict.outcome != "fail", str(verdict)
    jvp = eig.jvp
    assert jvp is not None

    def off(tangents: Any, out: Any, a: Any) -> Any:
        dw, dv = jvp(tangents, out, a)
        return dw, dv * (1 + 1e-3)

    wrong = dataclasses.replace(eig, jvp=off)
    assert [run("differences", wrong, a, seed=seed).outcome for seed in range(12)].count("fail") >= 10
