"""Deciding a shard: a generator of plain messages, the same in process and in a worker.

Nothing that a plugin does here, short of ending the process, stops the other cases: a sample generator, a
forward or a check that raises, or takes too long, becomes a finding of outcome ``error`` against the
primitive.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from opreg import plugins
from opreg._primitive import Primitive, Sample
from opreg.verify import _checks
from opreg.verify._bounds import BOUNDS, Bounds, OutOfBounds, TookTooLong, memory, within
from opreg.verify._check import Check
from opreg.verify._coverage import Measure, measuring
from opreg.verify._explain import explained, first_of_each
from opreg.verify._handshake import greeting
from opreg.verify._keyword import keyword
from opreg.verify._messages import FULL, GIVEN_UP, Batch, Done, Message, Tally, plain
from opreg.verify._plan import Case, Shard
from opreg.verify._screen import screen_each, signature, stacked
from opreg.verify._seeds import stream
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict

SAMPLING = "samples"
"""The check that a primitive's sample generators yield samples."""
TOO_LONG = "it took too long"
FORWARD = "forward"
"""The check that the forward function accepts a sample."""


@dataclass(frozen=True, slots=True)
class Options:
    """What decides which cases there are and how they are decided: the same for every shard of a run."""

    seed: int
    keyword: str = ""
    checks: tuple[str, ...] = ()
    bounds: Bounds = BOUNDS
    message_seconds: float = 0.1
    coverage: bool = True
    shrink: bool = True
    run: str = ""
    """A name of the run: what a process remembers of another run does not count."""


AT_FIRST_SIGHT = ("structure", "linearity", "differences")
"""The checks of which a first look at a sample may decide."""
Prepared: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""A sample in the core form: data and static keywords."""
PATIENCE = 3
"""After so many cases that ended their process, or took longer than their limit, a primitive is given up."""


@dataclass
class _Memory:
    """What this process remembers of a run from one shard to the next."""

    run: str = ""
    slow: Counter[str] = field(default_factory=Counter)
    """How many cases of each primitive took too long."""
    explained: dict[tuple[str, str, int | None], Case] = field(default_factory=dict)
    """The first case of each (primitive, check, argument) that was explained."""

    @classmethod
    def of(cls, run: str) -> _Memory:
        """Return the memory of a run, which takes the place of that of the run before."""
        global _memory
        if _memory.run != run:
            _memory = cls(run)
        return _memory


_memory = _Memory()


@dataclass
class Drawn:
    """The samples of one round of one primitive, and what went wrong while they were drawn."""

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def draw(primitive: Primitive, seed: int, number: int, bounds: Bounds = BOUNDS) -> Drawn:
    """Draw the samples of one round: every generator is asked once, with a stream of its own."""
    drawn = Drawn()
    for place, generator in enumerate(primitive.sample_generators):
        rng = stream(seed, primitive.name, "samples", number, place)
        try:
            for sample in generator(rng):
                if not isinstance(sample, Sample):
                    raise TypeError(f"it yielded a {type(sample).__name__} where an opreg.Sample is due")
                drawn.samples.append(sample)
        except Exception as error:
            name = getattr(generator, "__name__", "?")
            drawn.problems.append(bounds.told(error, f"the sample generator {name!r}", _line(error)))
    return drawn


def decide(shard: Shard, options: Options) -> Iterator[Message]:
    """Decide a shard; yield a handshake, then messages that each cover a contiguous run of cases."""
    hello = greeting(shard)
    yield hello
    if not hello.digest:
        return
    primitive = plugins.get(shard.primitive)
    batch = Batch(shard.primitive, shard.first)
    started = time.perf_counter()
    with memory(options.bounds.megabytes), measuring(primitive, options.coverage) as measure:
        for case, decided in _cases(primitive, shard, options, measure):
            _enter(batch, case, decided)
            now = time.perf_counter()
            if shard.careful or now - started >= options.message_seconds:
                batch.seconds, batch.coverage = now - started, measure.taken()
                yield batch
                if shard.alone:
                    return
                batch, started = Batch(shard.primitive, shard.first), now
        if shard.first == 0 and not shard.blame and not shard.barred:  # else this may be what ended a worker
            with suppress(OutOfBounds), within(options.bounds):
                measure.try_forward(_accepted(primitive, options))
        batch.coverage = measure.taken()
    batch.seconds = time.perf_counter() - started
    yield batch
    yield Done(shard.primitive, shard.first)


def given_up(name: str, seed: int, deaths: int, last: str) -> Iterator[Message]:
    """Yield what is said of a primitive that is given up since so many of its cases ended their process."""
    case = Case(name, 0, 0, SAMPLING, seed)
    batch = Batch(name, GIVEN_UP)
    told = f"it was given up after {deaths} cases that ended their process, of the last: {last}."
    _enter(batch, case, _error(case, f"{told} What else there is of it was not decided.", None))
    yield batch
    yield Done(name, GIVEN_UP)


def replay(case: Case, bounds: Bounds = BOUNDS) -> tuple[Sample | None, str | Verdict]:
    """Decide one case again, here; return its sample and its verdict, or why the check does not apply.

    Raises :class:`opreg.UnknownPrimitive` or ``LookupError`` where there is no such case.
    """
    primitive = plugins.get(case.primitive)
    checks = _checks.table()
    if case.check not in (*checks, SAMPLING, FORWARD):
        known = ", ".join(checks)
        raise LookupError(f"there is no check {case.check!r}; the checks are {known}.")
    options = Options(case.seed, bounds=bounds)
    drawn = draw(primitive, case.seed, case.round)
    if case.check == SAMPLING:
        return None, _sampling(primitive, case, drawn) or Verdict.passed()
    if case.index >= len(drawn.samples):
        raise LookupError(
            f"round {case.round} of {primitive.name} has {len(drawn.samples)} samples with seed {case.seed}, "
            f"so there is no sample {case.sample}. Did its sample generators change since?"
        )
    sample = drawn.samples[case.index]
    prepared = _prepare(primitive, sample, options)
    if isinstance(prepared, Verdict):
        return sample, prepared
    if case.check == FORWARD:
        return sample, Verdict.passed()
    subject = Subject.of(primitive)
    seen = _Glances(primitive, subject, drawn.samples, options, False).decides(case, prepared)
    verdict = seen or _decided(subject, checks[case.check], case, sample, prepared, options)
    if isinstance(verdict, Verdict):
        verdict = _explain(verdict, checks[case.check], case, options, first=False)
    return sample, verdict


def _cases(
    primitive: Primitive, shard: Shard, options: Options, measure: Measure
) -> Iterator[tuple[Case, str | Verdict | None]]:
    """Yield each case, in order, with its verdict, or with the reason why the check does not apply.

    A round that was drawn and a forward that was run are yielded too, with ``None``: they are places where
    a shard can be taken up again, so that a worker's death is blamed on what was being done.
    """
    subject = measure.observed(Subject.of(primitive))
    wanted = keyword(options.keyword)
    checks = {
        name: check
        for name, check in _checks.table(primitive.is_constant).items()
        if (not options.checks or name in options.checks) and wanted(f"{primitive.name} {name}")
    }
    blame = shard.blame
    after = Case.parse(shard.after) if shard.after else None
    slow = _Memory.of(options.run).slow
    for number in range(shard.first, shard.last + 1):
        if after is not None and number < after.round:
            continue
        case = Case(primitive.name, number, 0, SAMPLING, options.seed)
        if after is None and blame:
            yield case, _error(case, f"while its samples were drawn, {blame}", None)
            blame = ""
            continue
        if str(case) in shard.barred:
            after = None if after == case else after
            continue
        drawn = _drawn(primitive, options, number)
        if after is None:
            yield case, _sampling(primitive, case, drawn)
        elif after == case:
            after = None
        glances = _Glances(primitive, subject, drawn.samples, options, shard.careful)
        for index in range(len(drawn.samples)):
            if after is not None and index < after.index:
                continue
            case = Case(primitive.name, number, index, FORWARD, options.seed)
            if after is None and blame:
                yield case, _error(case, f"in the forward function {blame}", None)
                blame = ""
                continue
            if str(case) in shard.barred:
                after = None if after == case else after
                continue
            prepared = _prepare(primitive, drawn.samples[index], options)
            if after is None:
                yield case, _located(prepared, case) if isinstance(prepared, Verdict) else None
            elif after == case:
                after = None
            if isinstance(prepared, Verdict):
                continue
            measure.sample(drawn.samples[index], *prepared, subject.active(prepared[0]))
            for name, check in checks.items():
                case = Case(primitive.name, number, index, name, options.seed)
                if after is not None:
                    after = None if after == case else after
                    continue
                if blame:
                    yield case, _error(case, blame, None)
                    blame = ""
                    continue
                if slow[primitive.name] >= PATIENCE:
                    yield (
                        case,
                        _error(case, f"it was given up after {PATIENCE} cases that took too long", None),
                    )
                    continue
                if (at_once := glances.decides(case, prepared)) is not None:
                    yield case, at_once
                    continue
                verdict = _decided(subject, check, case, drawn.samples[index], prepared, options)
                slow[primitive.name] += isinstance(verdict, Verdict) and verdict.reason == TOO_LONG
                if options.shrink and isinstance(verdict, Verdict):
                    verdict = _explain(verdict, check, case, options, first=True)
                yield case, verdict
                if isinstance(verdict, Verdict) and verdict.outcome in ("fail", "error"):
                    # A rule that failed may have written into its arguments: later cases get them as drawn.
                    drawn = _drawn(primitive, options, number)
                    again = _prepare(primitive, drawn.samples[index], options)
                    prepared = prepared if isinstance(again, Verdict) else again
            after = None


def _accepted(primitive: Primitive, options: Options) -> Iterator[Prepared]:
    """Yield the samples of the first round that the forward takes, however much of the round was decided here."""
    for sample in _drawn(primitive, options, 0).samples:
        prepared = _prepare(primitive, sample, options)
        if not isinstance(prepared, Verdict):
            yield prepared


def _drawn(primitive: Primitive, options: Options, number: int) -> Drawn:
    try:
        with within(options.bounds):
            return draw(primitive, options.seed, number, options.bounds)
    except (OutOfBounds, SystemExit, GeneratorExit) as error:
        return Drawn(problems=[options.bounds.told(error, "a sample generator")])


def _sampling(primitive: Primitive, case: Case, drawn: Drawn) -> Verdict | None:
    """Return the verdict against the sample generators, or ``None`` where they did what they should."""
    if drawn.problems:
        return _error(case, "; ".join(drawn.problems) + ".", None)
    if case.round == 0 and not drawn.samples:
        if primitive.sample_generators:
            return _error(case, "its sample generators yield no sample, so nothing of it was checked.", None)
        return _error(
            case,
            "it has no samples, so nothing of it was checked: give it a generator with "
            f"@{primitive.__name__}.samples that yields opreg.Sample((x, ...)).",
            None,
        )
    return None


def _prepare(
    primitive: Primitive, sample: Sample, options: Options
) -> Verdict | tuple[tuple[Any, ...], dict[str, Any]]:
    """Bring a sample to the core form and see that the forward accepts it."""
    try:
        with within(options.bounds):
            data, static = primitive.canonical(sample.args, sample.kwargs)
            primitive.forward(*data, **static)
        return data, static
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _failure(options.bounds.told(error, "the forward function", _line(error)), sample)


class _Glances:
    """First looks at the samples of a round: each is taken once, when a check that it may decide comes up.

    Samples that differ in their values alone are looked at together, those of an elementwise primitive as if they were
    one. Where a worker has died each is looked at by itself: what killed it may be another sample's.
    """

    def __init__(
        self, primitive: Primitive, subject: Subject, samples: Sequence[Sample], options: Options, apart: bool
    ) -> None:
        self._primitive, self._subject, self._samples, self._options = primitive, subject, samples, options
        self._apart = apart
        self._found: dict[int, Verdict | None] = {}
        self._groups: dict[Hashable, dict[int, Prepared]] = {}

    def decides(self, case: Case, prepared: Prepared) -> Verdict | None:
        """Return a pass if a look suffices for a case. The first round of samples is decided in full."""
        if case.round == 0 or case.check not in AT_FIRST_SIGHT:
            return None
        if case.index not in self._found:
            group = {} if self._apart else self._like(prepared)
            if case.index not in group:
                group = {case.index: prepared}
            if self._subject.elementwise and len(group) > 1:
                data = tuple(stacked(self._subject, [each[0] for each in group.values()]))
                (verdict,) = self._look(case, {min(group): (data, prepared[1])})
                self._found.update(dict.fromkeys(group, verdict) if verdict is not None else {})
            if case.index not in self._found:
                self._found.update(zip(group, self._look(case, group), strict=True))
        return self._found[case.index]

    def _look(self, case: Case, group: dict[int, Prepared]) -> list[Verdict | None]:
        """Look at samples of one signature, each by its own random numbers. Of what is raised the checks tell."""
        try:
            with within(self._options.bounds):
                rngs = [stream(case.seed, case.primitive, "screen", case.round, index) for index in group]
                _, static = next(iter(group.values()))
                return screen_each(self._subject, [data for data, _ in group.values()], static, rngs)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return [None] * len(group)

    def _like(self, prepared: Prepared) -> dict[int, Prepared]:
        """The samples of the round that have the signature of this one."""
        if not self._groups:
            for index, sample in enumerate(self._samples):
                each = _prepare(self._primitive, sample, self._options)
                if not isinstance(each, Verdict):
                    self._groups.setdefault(signature(self._subject, *each), {})[index] = each
        return self._groups.get(signature(self._subject, *prepared), {})


def _decided(
    subject: Subject,
    check: Check,
    case: Case,
    sample: Sample,
    prepared: tuple[tuple[Any, ...], dict[str, Any]],
    options: Options,
) -> str | Verdict:
    """Decide one case; return its verdict, or the reason why the check does not apply."""
    data, static = prepared
    try:
        with within(options.bounds):
            reason = check.applies(subject, data, static)
            if reason is not None:
                constant = plugins.get(case.primitive).is_constant
                return Verdict("waived", str(plain(reason))) if constant else str(plain(reason))
            rng = stream(case.seed, case.primitive, case.check, case.round, case.index)
            verdict = check.run(subject, data, static, rng)
    except KeyboardInterrupt:
        raise
    except OutOfBounds as error:
        finding = Finding(case.check, "error", str(error), case=str(case), input=shown(sample))
        reason = TOO_LONG if isinstance(error, TookTooLong) else ""
        return Verdict("error", reason, None, (finding,))
    except BaseException as error:
        return _error(case, options.bounds.told(error, "the check", _line(error)), shown(sample))
    return _located(verdict, case)


def _explain(verdict: Verdict, check: Check, case: Case, options: Options, *, first: bool) -> Verdict:
    """Return a verdict with its failures explained: each, or the first of its check and argument.

    Which case is the first is not known before the run is over: here it is the first of this process. The record
    keeps the first of all, which is the first wherever it was decided.
    """
    findings = list(verdict.findings)
    known = _Memory.of(options.run).explained
    for place in first_of_each(verdict) if verdict.outcome == "fail" else ():
        key = case.primitive, case.check, findings[place].argument
        if first and known.setdefault(key, case) < case:
            continue
        if first:
            known[key] = case
        primitive = plugins.get(case.primitive)
        # The rule that failed may have written into its arguments, so the sample is drawn again.
        drawn = _drawn(primitive, options, case.round)
        prepared = _prepare(primitive, drawn.samples[case.index], options)
        if isinstance(prepared, Verdict):
            continue
        names = case.seed, case.primitive, case.check, case.round, case.index
        with suppress(OutOfBounds), within(options.bounds):
            findings[place] = explained(Subject.of(primitive), check, *prepared, findings[place], names)
    return verdict.replace(findings=tuple(findings))


def _located(verdict: Verdict, case: Case) -> Verdict:
    """Return a verdict whose findings name the case."""
    findings = tuple(finding.replace(case=str(case)) for finding in verdict.findings)
    return verdict.replace(findings=findings)


def _error(case: Case, diagnosis: str, shown: str | None) -> Verdict:
    return Verdict.of([Finding(case.check, "error", diagnosis, case=str(case), input=shown)])


def _failure(diagnosis: str, sample: Sample) -> Verdict:
    return Verdict.of([Finding(FORWARD, "error", diagnosis, input=shown(sample))])


def shown(sample: Sample) -> str:
    """Return a sample's arguments as text, short."""
    parts = [_one(a) for a in sample.args] + [
        f"{name}={_one(value)}" for name, value in sample.kwargs.items()
    ]
    return ", ".join(parts)


def _one(value: Any) -> str:
    try:
        if isinstance(value, np.ndarray) and value.size > 6:
            return f"array of shape {value.shape}, {value.dtype}"
        text = " ".join(repr(value).split())
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= 200 else text[:197] + "..."


def _line(error: BaseException) -> str:
    """Say where an exception was raised: the innermost line that is neither ours nor NumPy's."""
    try:
        frames = traceback.extract_tb(error.__traceback__)
    except Exception:
        return ""
    house = os.path.dirname(os.path.dirname(__file__)) + os.sep
    library = os.path.dirname(np.__file__) + os.sep
    for frame in reversed(frames):
        if not frame.filename.startswith((house, library, "<")):
            return f" ({frame.filename}:{frame.lineno})"
    return ""


def _enter(batch: Batch, case: Case, decided: str | Verdict | None) -> None:
    """Enter what was decided of a case into the message under way."""
    batch.last = str(case)
    if case.check == FORWARD:
        batch.samples += 1
    if decided is None:
        return
    tally = batch.checks.setdefault(case.check, Tally())
    if isinstance(decided, str):
        tally.skip(decided)
        return
    tally.count(decided.outcome, str(plain(decided.reason)), decided.digits, decided.kinks)
    if decided.outcome in ("pass", "waived"):
        return
    if sum(1 for finding in batch.findings if finding["check"] == case.check) >= FULL:
        return
    for finding in decided.findings or (
        Finding(case.check, decided.outcome, decided.reason, case=str(case)),
    ):
        told = finding.as_dict()
        entry = {name: value if name == "shrunk" else plain(value) for name, value in told.items()}
        batch.findings.append(entry | {"check": case.check})
