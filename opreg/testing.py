"""The conformance kit: a plugin author's whole test file is two lines.

::

    from opreg.testing import conformance

    test_rules = conformance("mylib")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opreg import plugins
from opreg._compared import compared
from opreg.verify import _checks
from opreg.verify._check import Check
from opreg.verify._checks.constancy import CONSTANCY
from opreg.verify._checks.kinks import KINKS
from opreg.verify._checks.lint import LINT
from opreg.verify._executors import Inline
from opreg.verify._plan import CASES
from opreg.verify._record import verdict_of
from opreg.verify._report import describe
from opreg.verify._run import FORWARD, SAMPLING, Options
from opreg.verify._session import problems_with, select, verify
from opreg.verify._verdict import Finding, Verdict

__all__ = ["Check", "Finding", "Verdict", "check_rule", "compared", "conformance"]


def conformance(*names: str, samples: int | None = None, seed: int | None = None) -> Callable[..., None]:
    """Return a test function that pytest collects as one item for each (primitive, check).

    **Arguments:**

    * ``names``: plugins, modules, primitives, aliases or globs, as ``opreg verify`` takes them.
    * ``samples``, ``seed``: how many samples at least, and the seed; pytest's options ``--opreg-samples`` and
      ``--opreg-seed`` stand in for what is not given here.

    A primitive without samples is red, and so are an unknown name, a broken plugin, and a check that is
    inconclusive.

    >>> test_rules = conformance("numpy.multiply")
    """
    import pytest

    parameters = [pytest.param(*pair, id=f"{pair[0]}-{pair[1]}") for pair in _pairs(names)]

    @pytest.mark.parametrize(("primitive", "check"), parameters)
    def test_rules(primitive: str, check: str, pytestconfig: pytest.Config) -> None:
        if check == "plugin":
            pytest.fail(_why_red(primitive), pytrace=False)
        count = samples if samples is not None else pytestconfig.getoption("opreg_samples", None)
        number = seed if seed is not None else pytestconfig.getoption("opreg_seed", None) or 0
        outcome, text = _decide(primitive, check, count, number)
        if outcome == "skip":
            pytest.skip(text)
        if outcome == "red":
            pytest.fail(text, pytrace=False)

    return test_rules


def check_rule(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    jvp: Callable[..., Any] | None = None,
    seed: int = 0,
    shrink: bool = True,
    time_limit: float = 120.0,
) -> Verdict:
    """Check a rule against its function, with no registry: at ``args``, and at inputs derived from them.

    ``vjp(g, out, *args, **kwargs)`` returns one cotangent per argument, ``None`` where the argument is not
    differentiable; ``jvp(tangents, out, *args, **kwargs)`` returns the tangent of the output. Integer
    arguments are constants. The verdict is truthy if and only if the rule was verified; printed, it says
    what is wrong, and where: at an input made small, unless ``shrink`` is false. Where it takes longer than
    ``time_limit`` seconds, as with a rule that loops for ever, the verdict is an error.

    >>> import numpy as np
    >>> x = np.array([0.3, -2.0])
    >>> bool(check_rule(np.sin, lambda g, out, x: (g * np.cos(x),), [x]))
    True
    >>> check_rule(np.sin, lambda g, out, x: (g * np.sin(x),), [x]).outcome
    'fail'
    """
    from opreg.verify._bare import check_functions

    return check_functions(
        forward,
        vjp,
        tuple(args),
        dict(kwargs or {}),
        jvp=jvp,
        seed=seed,
        shrink=shrink,
        time_limit=time_limit,
    )


def _pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the items: (primitive, check), and (name, "plugin") for a name that stands for nothing sound."""
    pairs: list[tuple[str, str]] = []
    for name in names:
        try:
            found = select([name])
        except LookupError:
            found = []
        pairs += [(primitive, check) for primitive in found for check in (SAMPLING, *_checks_of(primitive))]
        if not found or _broken(name):
            pairs.append((name, "plugin"))
    return list(dict.fromkeys(pairs))


def _checks_of(primitive: str) -> list[str]:
    """Return the checks of a primitive: a declared constant has one; some are only for what is declared."""
    found = plugins.get(primitive)
    if found.is_constant:
        return [CONSTANCY.name]
    silent = {LINT.name: not found.missing_rules(), KINKS.name: not found.kinks}
    return [name for name in _checks.table(constant=False) if not silent.get(name)]


def _broken(name: str) -> list[str]:
    """Return what is wrong with the plugins that a name stands for."""
    return [
        problem.message
        for problem in problems_with(name)
        if name in (problem.plugin, problem.distribution) or f"claims {name}" in problem.message
    ]


def _why_red(name: str) -> str:
    """Return what is wrong with a name: a broken plugin that it stands for, or that it stands for nothing."""
    if _broken(name):
        return "\n".join(_broken(name))
    try:
        select([name])
    except LookupError as error:
        return str(error.args[0])
    related = [problem.message for problem in problems_with(name)]
    return (
        "\n".join(related)
        or f"{name!r} stands for no primitive: its plugin supplies none, or all are blocked."
    )


def _decide(primitive: str, check: str, samples: int | None, seed: int) -> tuple[str, str]:
    """Run one check of one primitive; return "green", "red" or "skip" with what there is to say."""
    chosen = tuple(_checks.CHECKS)[:1] if check == SAMPLING else (check,)
    cases = 1 if check == SAMPLING else -(-CASES // len(_checks.table()))
    record = verify([primitive], Inline(), Options(seed, checks=chosen), samples=samples, cases=cases)
    found = record.primitives[primitive]
    about = (SAMPLING, FORWARD) if check == SAMPLING else (check,)
    red = [
        finding
        for finding in found.findings
        if finding["check"] in about
        and (check == SAMPLING or verdict_of(found.checks[check]) not in ("pass", "waived"))
    ]
    if red and found.cases:
        more = f"\n\n({len(red) - 1} more findings with seed {seed})" if len(red) > 1 else ""
        return "red", f"{primitive}\n{describe(red[0])}{more}"
    if check == SAMPLING:
        return "green", ""
    tally = found.checks.get(check)
    if tally is None:
        return "skip", "no sample could be drawn"
    if not tally.outcomes:
        return "skip", "; ".join(tally.inapplicable)
    if verdict_of(tally) == "waived":
        return "skip", "waived: " + "; ".join(tally.reasons)
    return "green", ""
