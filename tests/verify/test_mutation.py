"""Mutation testing: which mistakes are made, that samples find them, and what is said of those they do not find."""

from __future__ import annotations

import ast
import json
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import opreg
from opreg import plugins
from opreg._errors import DeclarationError
from opreg.cli import cli
from opreg.verify import _mutation
from opreg.verify._bounds import Bounds
from opreg.verify._executors import Inline, OnRay
from opreg.verify._mutants import Mutant, mutants_of
from opreg.verify._mutation import Mutation, mutate, score
from opreg.verify._operators import changes
from opreg.verify._trials import Trial, decide_mutant

HEAD = """
import os
import numpy as np
import opreg

@opreg.hookimpl
def opreg_primitives():
    return [value for value in globals().values() if isinstance(value, opreg.Primitive)]
"""

SCALED = (
    HEAD
    + '''
def slope(x):
    return 1 / (1 + np.abs(x)) ** 2

@opreg.primitive("{lib}.scaled")
def scaled(x, /, *, factor=1.0):
    """factor x / (1 + |x|)"""
    return factor * x / (1 + np.abs(x))

scaled.defvjp(x=lambda g, x, factor: g * factor * slope(x))

@scaled.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal((3, 2)),), {"factor": 2.5}, note="a matrix")
    yield opreg.Sample((rng.standard_normal(4),))
    yield opreg.Sample((np.array([0.0, -2.0, 30.0]),), note="a kink")
'''
)
POOR = SCALED.replace("""{"factor": 2.5}, """, "").replace("rng.standard_normal((3, 2))", "np.ones((3, 2))")
WAIVED = (
    POOR
    + """
scaled.waive_mutant("x", "factor -> its default 1.0", "no sample has another, to try what a waiver does")
scaled.waive_mutant("*", "x + 7 -> ...", "nothing reads so")
scaled.waive_mutant("x", "1 -> 2", "it is found, so this is no reason")
"""
)
DIES = SCALED.replace(
    "    return 1 / (1 + np.abs(x)) ** 2",
    "    if np.size(x) > 100: os._exit(3)\n    return 1 / (1 + np.abs(x)) ** 2",
)
HANGS = (
    HEAD
    + """
@opreg.primitive("{lib}.thrice")
def thrice(x, /):
    return 3 * x

@thrice.defvjp
def rule(g):
    total, n = g, 2
    while n > 0:
        total, n = total + g, n - 1
    return (total,)

@thrice.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal(3),))
"""
)
COMPOSITE = (
    HEAD
    + """
@opreg.composite("{lib}.same")
def same(x):
    return x + 0

@same.samples
def samples(rng):
    yield opreg.Sample((rng.standard_normal(3),))
"""
)

Install = Callable[..., None]


def tried(*names: str, executor: Any = None, **trial: Any) -> Mutation:
    expression = trial.pop("expression", "")
    run = mutate(
        names, executor or Inline(), Trial(**{"seed": 5, "samples": 3, **trial}), expression=expression
    )
    assert not run.broke
    return run


def tried_one(name: str, **trial: Any) -> _mutation.Tested:
    return tried(name, **trial).tested[name]


def told(mutants: list[Mutant]) -> list[tuple[str, str, str]]:
    return [(mutant.function, mutant.operator, mutant.change) for mutant in mutants]


# -- whether samples prove something ---------------------------------------------------------------------------------


def test_good_samples_kill_every_mutant(installed: Install) -> None:
    installed(mutgood=SCALED)
    run = tried("mutgood.scaled")
    assert told(run.tested["mutgood.scaled"].of("survived")) == []
    assert run.counts["mutants"] == run.counts["killed"] > 15
    assert score(run.counts) == 100.0
    assert run.exit_status == 0


def test_poor_samples_let_those_mutants_live_which_they_cannot_tell_from_the_rule(installed: Install) -> None:
    installed(mutpoor=POOR)
    run = tried("mutpoor.scaled", samples=1)
    survivors = run.tested["mutpoor.scaled"].of("survived")
    assert told(survivors) == [
        ("<lambda>", "factor", "g * factor -> g"),
        ("<lambda>", "operation", "g * factor -> g / factor"),
        ("<lambda>", "keyword", "factor -> its default 1.0"),
    ]
    line = POOR.splitlines().index("scaled.defvjp(x=lambda g, x, factor: g * factor * slope(x))") + 1
    assert {(Path(mutant.file).name, mutant.line) for mutant in survivors} == {("opreg_mutpoor.py", line)}
    assert run.exit_status == 1


def test_a_case_on_which_the_rule_itself_fails_kills_nothing(installed: Install) -> None:
    installed(mutwrong=SCALED.replace("** 2", "** 3"))
    survived = told(tried_one("mutwrong.scaled", samples=1, expression="sign").of("survived"))
    assert ("<lambda>", "sign", "g * factor * slope(x) -> -(g * factor * slope(x))") in survived


def test_a_mutant_that_never_ends_is_killed_by_the_time_limit(installed: Install) -> None:
    installed(muthangs=HANGS)
    tested = tried_one("muthangs.thrice", bounds=Bounds(0.5))
    how = {m.change: tested.decisions[m.identifier].how for m in tested.found.mutants}
    assert how["n - 1 -> n + 1"] == "it took longer than its limit of 0.5 s"
    assert tested.of("survived") == []


def test_the_forward_computes_once_what_every_mutant_asks(installed: Install) -> None:
    body = "    return factor * x / (1 + np.abs(x))"
    installed(mutcounted="asked = []\n" + POOR.replace(body, f"    asked.append(1)\n{body}"))
    plugins.get("mutcounted.scaled")
    asked = sys.modules["opreg_mutcounted"].asked
    first, second, third = tried("mutcounted.scaled", samples=1).tested["mutcounted.scaled"].of("survived")
    trial, counts = Trial(seed=6, samples=1), []
    for mutant in first, second, first, third:
        asked.clear()
        assert decide_mutant("mutcounted.scaled", mutant.identifier, trial).outcome == "survived"
        counts.append(len(asked))
    assert counts[0] > 5 * max(counts[1:])  # what is left is what the engine asks, under the second order


# -- which mistakes are made -----------------------------------------------------------------------------------------


def made(source: str, operator: str, **options: Any) -> list[str]:
    function = ast.parse(source).body[0]
    if isinstance(function, ast.Expr):
        assert isinstance(function.value, ast.Lambda)
        return [c.after for c in changes(function.value, **options) if c.operator == operator]
    assert isinstance(function, ast.FunctionDef)
    return [c.after for c in changes(function, **options) if c.operator == operator]


@pytest.mark.parametrize(
    ("source", "operator", "after"),
    [
        ("lambda g, x: g", "sign", ["-g"]),
        ("lambda g, x: -g", "sign", ["g"]),
        ("lambda g, x: f(g - x)", "sign", ["g + x", "-f(g - x)"]),
        ("def r(g):\n  d = g\n  d += g\n  return d", "sign", ["d -= g", "-d"]),
        ("lambda g, x: g", "scale", ["g * 1.000001"]),
        ("lambda g, x: (g, None)", "scale", ["g * 1.000001"]),
        ("lambda g, x: g + x", "term", ["g", "x"]),
        ("lambda g, x: g - x", "term", ["g", "-x"]),
        ("def r(g):\n  d = g\n  d += g\n  return d", "term", ["(nothing)"]),
        ("lambda g, x: g * x", "factor", ["g", "x"]),
        ("lambda g, x: g / x ** 2", "factor", ["g", "x"]),
        ("lambda g, x: -x * g", "factor", ["-x", "-g"]),
        ("lambda g, x: g * x", "operation", ["g / x"]),
        ("lambda g, x: g / x", "operation", ["g * x"]),
        ("lambda g, x: g / x", "swap", ["x / g"]),
        ("lambda g, x: g ** x @ g", "swap", ["g @ g ** x", "x ** g"]),
        ("lambda g, x: np.matmul(g, x)", "swap", ["np.matmul(x, g)"]),
        ("lambda g, x: helper(g, x)", "swap", ["helper(x, g)"]),
        ("lambda g, x: np.sum(g, axis=-1)", "axis", ["-2"]),
        ("lambda g, x: np.swapaxes(g, 0, 1)", "axis", ["1", "2"]),
        ("lambda g, x: g[0]", "index", ["1"]),
        ("lambda g, x: np.sum(g, axis=1, keepdims=True)", "keyword",
         ["np.sum(g, keepdims=True)", "np.sum(g, axis=1)", "False"]),
        ("lambda g, x: np.conj(x)", "conjugate", ["x"]),
        ("lambda g, x: x.T @ g.swapaxes(0, 1)", "transpose", ["x", "g"]),
        ("lambda g, x: g.sum(0) + np.sum(x, axis=0)", "reduction", ["g", "x"]),
        ("lambda g, x: np.sin(np.shape(x))", "call", ["np.shape(x)"]),
        ("lambda g, x: 2 * g + 0.5 ** x", "constant", ["3", "2.000002", "0.5000005"]),
        ("lambda g, x: np.where(x, 0.0, True)", "constant", ["1e-06", "False"]),
        ("lambda g, x: g if x < 0 else x", "comparison", ["x <= 0", "x > 0"]),
        ("lambda g, x: g * np.less(x, g)", "comparison", ["np.less_equal(x, g)", "np.greater(x, g)"]),
        ("lambda g, x: g if x else x", "branches", ["x if x else g"]),
        ("lambda g, x: np.where(x, g, x)", "branches", ["np.where(x, x, g)"]),
        ("lambda g, x: np.where(x, g, x)", "mask", ["g", "x"]),
        ("def r(g):\n  if g:\n    return g\n  return 2", "branches", ["if not g"]),
        ("lambda g, x: g if x and g else x", "condition", ["g", "x", "x or g"]),
        ("lambda g, x: np.maximum(g, x)", "counterpart", ["np.minimum(g, x)"]),
    ],
)  # fmt: skip
def test_each_operator_makes_its_mistakes_and_no_others(source: str, operator: str, after: list[str]) -> None:
    assert made(source, operator) == after


def test_a_keyword_is_ignored_in_favour_of_its_default() -> None:
    assert made("lambda g, k: g * k", "keyword", static={"k": None}) == ["its default None"]


def test_a_named_constant_is_made_slightly_wrong() -> None:
    assert made("lambda g, x: g * LN2", "constant", number="LN2".__eq__) == ["LN2 * 1.000001"]


@pytest.mark.parametrize(
    ("source", "absent"),
    [
        ("lambda g, x: g - g", "g - g"),  # swapped, it is itself
        ("lambda g, x: -g * x", "-(-g * x)"),  # the sign that is left out already
        ("lambda g, x: x if g else x", "x if g else x"),
        ("lambda g, x: 0 * g", "-(0 * g)"),
        ("lambda g, x: 1 * g", "g"),
        ("lambda g, x: g * 1", "g / 1"),
    ],
)
def test_what_is_equal_by_construction_is_not_made(source: str, absent: str) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.Expr) and isinstance(function.value, ast.Lambda)
    assert absent not in [change.after for change in changes(function.value)]


# -- how a rule is changed -------------------------------------------------------------------------------------------

MADE = (
    HEAD
    + '''
import functools

def square(x):
    return x * x

@opreg.primitive("{lib}.cubes")
def cubes(x, y, /):
    """a cube, by a helper that a rule uses too, and three functions of y"""
    return square(x) * x + np.sin(y) * 1.5

def factory(power, scale=3.0):
    def rule(g, x):
        """not changed"""
        return g * scale * square(x) if power == 2 else None
    return rule

def weighted(weight, g, y, bias=0.0):
    return g * np.cos(y) * weight + bias

cubes.defvjp(x=factory(2), y=functools.partial(weighted, 1.5))
cubes.defjvp(x=lambda t, x: 3 * t * x * x, y=lambda t, y: t * np.cos(y) * 1.5)
plus = opreg.elementwise(opreg.primitive("{lib}.plus")(lambda x, y, /: x + 2 * y), x=1, y=lambda x, y: 2)
'''
)


def values(primitive: opreg.Primitive) -> list[float]:
    return [float(c) for c in primitive.vjp(1.0, None, 2.0, 0.5)]


def test_a_mutant_keeps_closure_defaults_and_signature_and_nothing_else_changes(installed: Install) -> None:
    installed(mutmade=MADE)
    cubes = plugins.get("mutmade.cubes")
    right = values(cubes)
    by_change = {(m.mode, m.function, m.change): m.build() for m in mutants_of(cubes).mutants}
    product = "g * scale * square(x)"
    assert values(by_change["vjp", "factory.<locals>.rule", f"{product} -> -({product})"])[0] == -12.0
    helper = by_change["vjp", "square", "x * x -> x"]
    assert values(helper) == [6.0, right[1]]
    assert helper(2.0, 0.5) == cubes(2.0, 0.5)  # its forward calls the helper as it is
    assert helper.jvp((1.0, None), None, 2.0, 0.5) == 12.0
    partial = by_change["vjp", "weighted", "g * np.cos(y) -> g"]
    assert values(partial)[1] == 1.5
    assert values(cubes) == right
    assert plugins.get("mutmade.cubes") is cubes


def test_a_helper_that_calls_itself_is_changed_too(installed: Install) -> None:
    recursive = "def slope(x, depth=2):\n    if depth:\n        return slope(x, depth - 1)\n    return"
    installed(scaled=SCALED.replace("def slope(x):\n    return", recursive))
    found = mutants_of(plugins.get("scaled.scaled"))
    assert not found.unreadable
    assert {"depth - 1", "2"} <= {mutant.before for mutant in found.mutants if mutant.function == "slope"}


def test_rules_on_one_line_are_told_apart(installed: Install) -> None:
    installed(mutmade=MADE)
    found = [m for m in mutants_of(plugins.get("mutmade.cubes")).mutants if m.mode == "jvp"]
    assert {m.arguments for m in found if m.change == "3 -> 4"} == {("x",)}
    assert {m.arguments for m in found if m.change == "1.5 -> 1.5000015"} == {("y",)}


def test_a_partial_derivative_that_is_a_number_is_changed_too(installed: Install) -> None:
    installed(mutmade=MADE)
    plus = plugins.get("mutmade.plus")
    of_x = [m for m in mutants_of(plus).mutants if m.arguments == ("x",)]
    assert [(m.mode, m.change) for m in of_x] == [
        ("vjp+jvp", "1 -> -1"),
        ("vjp+jvp", "1 -> 1.000001"),
        ("vjp+jvp", "1 -> 2"),
    ]
    assert float(of_x[0].build().vjp(1.0, None, 1.0, 1.0)[0]) == -1.0
    assert float(of_x[0].build().jvp((1.0, None), 3.0, 1.0, 1.0)) == -1.0


def test_an_identifier_names_one_mutant_wherever_its_line_is(
    installed: Install, site: Path, install: Any
) -> None:
    installed(mutmade=MADE)
    before = mutants_of(plugins.get("mutmade.cubes")).mutants
    sys.modules.pop("opreg_mutmade")
    (site / "moved").mkdir()
    install(site / "moved", "mutmade", "\n\n" + MADE)
    sys.path.insert(0, str(site / "moved"))
    try:
        plugins.reset()
        after = mutants_of(plugins.get("mutmade.cubes")).mutants
    finally:
        sys.path.remove(str(site / "moved"))
    assert [m.line for m in after] == [m.line + 2 for m in before]
    assert [m.identifier for m in after] == [m.identifier for m in before]
    assert len({m.identifier for m in before}) == len(before)


def test_a_rule_without_source_is_reported() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def rule(g, x): return g * 2 * x", "<no file>", "exec"), namespace)

    @opreg.primitive("mutexec.square")
    def square(x: Any, /) -> Any:
        return x * x

    square.defvjp(x=namespace["rule"])
    found = mutants_of(square)
    assert found.mutants == []
    assert [(u.function, u.reason) for u in found.unreadable] == [
        ("rule", "its source, <no file>, cannot be read")
    ]


def test_a_rule_whose_source_has_changed_since_is_reported(installed: Install, site: Path) -> None:
    installed(mutstale=SCALED)
    scaled = plugins.get("mutstale.scaled")
    file = site / "opreg_mutstale.py"
    file.write_text(file.read_text().replace("g * factor", "g / factor"))
    linecache.checkcache()
    found = mutants_of(scaled)
    assert [u.function for u in found.unreadable] == ["<lambda>"]
    assert found.unreadable[0].reason.endswith("is not what was loaded")
    assert {m.function for m in found.mutants} == {"slope"}


# -- waivers ---------------------------------------------------------------------------------------------------------


def test_a_waived_survivor_does_not_count_and_a_waiver_of_nothing_is_stale(installed: Install) -> None:
    installed(mutwaived=WAIVED)
    run = tried("mutwaived.scaled", samples=1)
    tested = run.tested["mutwaived.scaled"]
    assert [m.change for m in tested.of("waived")] == ["factor -> its default 1.0"]
    assert tested.counts["survived"] == 2
    assert score(run.counts) == 100 * tested.counts["killed"] / (tested.counts["mutants"] - 1)
    assert [waiver.change for waiver in tested.stale] == ["x + 7 -> ...", "1 -> 2"]


@pytest.mark.parametrize(
    ("waiver", "complaint"),
    [
        (("z", "a -> b", "why"), "waive_mutant names 'z', which is not one of its data parameters"),
        (("x", "a to b", "why"), "needs a change that reads 'before -> after', not 'a to b'"),
        (("x", "a -> b", " "), "needs a reason for 'a -> b'"),
    ],
)
def test_a_waiver_that_says_nothing_is_refused(waiver: tuple[str, str, str], complaint: str) -> None:
    primitive = opreg.primitive("mutlib.same")(lambda x, /: x)
    with pytest.raises(DeclarationError, match=complaint):
        primitive.waive_mutant(*waiver)


# -- the command line ------------------------------------------------------------------------------------------------


def command(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["mutate", *arguments, "--executor", "inline", "--seed", "5"])


def test_the_command_names_survivors_with_their_place_and_writes_a_report(
    installed: Install, site: Path, tmp_path: Path
) -> None:
    installed(mutpoor=WAIVED)
    done = command("mutpoor", "--samples", "1", "--report", str(tmp_path))
    assert done.exit_code == 1, done.output
    assert "mutpoor.scaled: 2 of " in done.stdout
    line = WAIVED.splitlines().index("scaled.defvjp(x=lambda g, x, factor: g * factor * slope(x))") + 1
    assert f"{site / 'opreg_mutpoor.py'}:{line}  VJP of x: factor\n      g * factor -> g\n" in done.stdout
    assert "stale: mutpoor.scaled: the waiver of 'x + 7 -> ...' for '*' waives no survivor" in done.stdout
    report = json.loads((tmp_path / "mutation.json").read_text())
    assert report["schema"] == "opreg-mutation/1"
    assert report["summary"]["survived"] == 2
    assert report["run"]["seed"] == 5
    (primitive,) = report["primitives"]
    outcomes = [mutant["outcome"] for mutant in primitive["tested"]]
    assert outcomes.count("killed") == report["summary"]["killed"] == len(outcomes) - 3
    assert all(mutant["case"].startswith("mutpoor.scaled:") for mutant in primitive["tested"]
               if mutant["outcome"] == "killed")  # fmt: skip


def test_the_exit_status_follows_the_score(installed: Install) -> None:
    installed(mutpoor=POOR, mutsame=COMPOSITE)
    few = "mutpoor", "--samples", "1", "-k", "factor or keyword"
    assert command(*few, "--minimum", "50").exit_code == 0
    assert command(*few).exit_code == 1
    nothing = command("mutsame")
    assert nothing.exit_code == 5
    assert "Nothing was mutated" in nothing.stdout
    assert command("mutpoor", "--minimum", "101").exit_code == 2
    unknown = command("mutpore.scaled")
    assert unknown.exit_code == 2
    assert "mutpoor.scaled" in unknown.stderr
    assert "Traceback" not in unknown.stderr


# -- Ray -------------------------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("default")
def test_ray_and_this_process_come_to_the_same_and_a_mutant_may_end_its_worker(
    installed: Install,
) -> None:
    pytest.importorskip("ray")
    installed(mutpoor=POOR, mutdies=DIES)
    some = "factor or comparison"
    inline = [tried("mutpoor.scaled", expression=some).as_dict() for _ in range(2)]
    names = "mutpoor.scaled", "mutdies.scaled"
    ray = tried(*names, expression=some, executor=OnRay(count=2)).as_dict()
    assert inline[0]["primitives"] == inline[1]["primitives"] == ray["primitives"][1:]
    deaths = {
        m["after"] for m in ray["primitives"][0]["tested"] if m["how"].startswith("it ended its process")
    }
    assert deaths == {"np.size(x) < 100"}
