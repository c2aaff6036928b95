"""Watching the cases of a primitive: what they execute of its rules, which keywords, dtypes and arguments they have.

The code of the rules is watched by ``sys.monitoring`` from Python 3.12 on, by a trace function before, which is set
only while a rule runs. What was executed is a set of numbers, so that sets from many workers are united in any order. A
tracer that is there already (a debugger, ``coverage`` on Python 3.11) is left alone; the run then says that it did not
measure.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from types import CodeType, FrameType
from typing import Any

import numpy as np

from opreg._primitive import Primitive, Sample
from opreg.verify._messages import Coverage
from opreg.verify._subject import Subject
from opreg.verify._targets import Region, Scope, written

DTYPES = ("float32", "float64", "complex64", "complex128")
"""The dtypes that a run tells of, where the forward takes them."""
TRIALS = 4
"""With so many samples of the first round it is tried which dtypes the forward takes."""
NOT_MEASURED = "another tracer (a debugger, coverage) was active"
NO_TOOL = "every tool of sys.monitoring was taken"

_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_NAMES = {np.dtype(name).char: name for name in DTYPES}


# -- watching it -----------------------------------------------------------------------------------------------------


class _Watch:
    """What is executed in the regions of a scope, since it was last asked."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.regions = {id(region.code): region for region in scope.regions}
        self.hits: set[int] = set()
        self.hindrances: set[str] = set()
        """Why not all could be watched."""

    def note(self, region: Region, reached: Iterable[int]) -> None:
        """Note what was reached in a region."""
        self.hits.update(reached)
        region.missing.difference_update(reached)


@contextmanager
def _monitored(watch: _Watch) -> Iterator[None]:
    """Watch by ``sys.monitoring``: each line tells of itself once; each condition until both ways were taken."""
    monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    tool = next((number for number in (3, 4) if monitoring.get_tool(number) is None), None)
    if tool is None:
        watch.hindrances.add(NO_TOOL)
        yield
        return
    events = monitoring.events

    def start(code: CodeType, offset: int) -> Any:
        region = watch.regions.get(id(code))
        if (
            region is not None and region.line_at
        ):  # Python 3.13 does not tell of the line on which a function begins
            watch.note(region, (next(iter(region.line_at.values())),))
        return monitoring.DISABLE

    def line(code: CodeType, number: int) -> Any:
        region = watch.regions.get(id(code))
        if region is not None and number in region.lines:
            watch.note(region, (region.lines[number],))
        return monitoring.DISABLE

    def branch(code: CodeType, offset: int, destination: int) -> Any:
        region = watch.regions.get(id(code))
        if region is None or offset not in region.ways:
            return monitoring.DISABLE
        reached = region.way(offset, destination)
        if reached is not None:
            watch.note(region, (reached,))
        _, *sides = region.ways[offset]
        return None if region.missing.intersection(sides) else monitoring.DISABLE

    callbacks = {events.PY_START: start, events.LINE: line, events.BRANCH: branch}
    monitoring.use_tool_id(tool, "opreg")
    try:
        for event, callback in callbacks.items():
            monitoring.register_callback(tool, event, callback)
        for region in watch.scope.regions:
            monitoring.set_local_events(tool, region.code, events.PY_START | events.LINE | events.BRANCH)
        yield
    finally:
        for region in watch.scope.regions:
            monitoring.set_local_events(tool, region.code, 0)
        for event in callbacks:
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)


class _Tracer:
    """A trace function for Python 3.11, set while a rule runs that has something left to be executed.

    All that runs while a trace function is set is slow. So it is taken away while the rule waits for another function,
    unless something that is left could be executed there.
    """

    def __init__(self, watch: _Watch) -> None:
        self.watch = watch
        self.call: list[Region] | None = None
        """What the rule that is running may reach: another list for each call."""
        # One object as long as the tracer lives. Python 3.11 calls a trace function without holding it, and a callback
        # of the garbage collector, traced on the way, may pause and so replace it.
        self.start = self.enter

    def enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Trace the frames of the scope by instructions, and no others."""
        region = self.watch.regions.get(id(frame.f_code))
        if region is None:
            return self._pause(frame)
        if not region.missing:
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        note, at, missing, before = self.watch.note, region.at, region.missing, -1

        def step(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal before
            if event == "opcode":
                offset = frame.f_lasti
                reached = at(before, offset)
                if not missing.isdisjoint(reached):
                    note(region, reached)
                before = offset
            return step

        return step

    def _pause(self, frame: FrameType) -> Any:
        """Stop tracing until a function that a rule calls has returned, where nothing is lost by that."""
        caller = self.watch.regions.get(id(frame.f_back.f_code)) if frame.f_back is not None else None
        if caller is None or self.call is None or frame.f_code.co_flags & _SUSPENDED:
            return None
        if any(one.missing and (one.escapes or one.code.co_exceptiontable) for one in self.call):
            return None
        sys.settrace(None)
        return _Pause(self)

    def around(self, function: Callable[..., Any], regions: Sequence[Region]) -> Callable[..., Any]:
        """Return a rule that is traced as long as there is something left of what it may reach."""
        done = False

        def traced(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            if done or sys.gettrace() is not None:
                if not done and getattr(sys.gettrace(), "__self__", None) is not self:
                    self.watch.hindrances.add(NOT_MEASURED)
                return function(*args, **kwargs)
            outer, self.call = self.call, list(regions)
            try:
                sys.settrace(self.start)
                return function(*args, **kwargs)
            finally:
                sys.settrace(None)
                self.call = outer
                done = not any(region.missing for region in regions)

        traced.__wrapped__ = getattr(function, "__wrapped__", function)  # type: ignore[attr-defined]
        return traced


class _Pause:
    """The trace function of a frame that is not traced: when the frame is gone, so is this, and tracing goes on."""

    def __init__(self, tracer: _Tracer) -> None:
        self.tracer, self.call = tracer, tracer.call

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        pass

    def __del__(self) -> None:
        if self.tracer.call is self.call and sys.gettrace() is None:
            sys.settrace(self.tracer.start)


@contextmanager
def _traced(watch: _Watch, primitive: Primitive) -> Iterator[None]:
    """Watch by a trace function, with a rule of the same result in the place of each rule."""
    tracer = _Tracer(watch)
    rules, residual = dict(primitive._rules), primitive._with_residual
    body = getattr(primitive, "body", None) if primitive.is_composite else None

    def around(function: Any) -> Any:
        reach = watch.scope.reach
        found = [region for one in written(function) for region in reach.get(id(one), ())]
        return tracer.around(function, found) if found else function

    try:
        primitive._rules.update({key: around(rule) for key, rule in rules.items()})
        primitive._with_residual = None if residual is None else around(residual)
        if body is not None:
            primitive.body = around(body)  # type: ignore[attr-defined]
        primitive._prepare()
        yield
    finally:
        primitive._rules.update(rules)
        primitive._with_residual = residual
        if body is not None:
            primitive.body = body  # type: ignore[attr-defined]
        primitive._prepare()


# -- a primitive's cases as they are decided -------------------------------------------------------------------------


@dataclass(eq=False)
class Measure:
    """What the cases of one primitive exercise, while they are decided in this process."""

    primitive: Primitive
    watch: _Watch | None = None
    _coverage: Coverage = field(default_factory=Coverage)
    _tried: set[str] = field(default_factory=set)

    def observed(self, subject: Subject) -> Subject:
        """Return a subject whose rule notes the dtypes that it is called with."""

        def vjp(g: Any, out: Any, *data: Any, **static: Any) -> tuple[Any, ...]:
            for value in data:
                if isinstance(value, (np.ndarray, np.generic)):
                    self._try(value.dtype)
            cotangents: tuple[Any, ...] = subject.vjp(g, out, *data, **static)
            return cotangents

        return replace(subject, vjp=vjp)

    def sample(
        self, sample: Sample, data: Sequence[Any], static: Mapping[str, Any], active: Sequence[int]
    ) -> None:
        """Note a sample that the forward takes: its keywords, its dtypes, which arguments are active."""
        if not active and not self.primitive.is_constant:
            return
        self._coverage.keywords |= given(self.primitive, sample, static)
        for index in active:
            self._coverage.arguments.add(self.primitive.data[0 if self.primitive.variadic else index])
            self._try(np.asarray(data[index]).dtype)

    def _try(self, dtype: np.dtype[Any]) -> None:
        name = _NAMES.get(dtype.char)
        if name is not None and name not in self._tried:
            self._tried.add(name)
            self._coverage.dtypes.add(name)

    def try_forward(self, samples: Iterable[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        """Note which dtypes the forward takes, on a few samples, of those that no case has tried."""
        subject = Subject.of(self.primitive)
        differentiable = ((*each, subject.active(each[0])) for each in samples)
        for data, static, active in islice((each for each in differentiable if each[2]), TRIALS):
            for name in DTYPES:
                if name in self._tried or name in self._coverage.accepted:
                    continue
                if _takes(self.primitive, data, static, active, np.dtype(name)):
                    self._coverage.accepted.add(name)

    def taken(self) -> Coverage:
        """Return what was exercised since this was last asked."""
        coverage, self._coverage = self._coverage, Coverage()
        if self.watch is not None:
            coverage.targets, self.watch.hits = self.watch.hits, set()
            coverage.hindrances |= self.watch.hindrances
        return coverage


def _takes(
    primitive: Primitive, data: Sequence[Any], static: Mapping[str, Any], active: Sequence[int], dtype: Any
) -> bool:
    """Tell whether the forward takes data whose active arguments have another dtype."""
    moved = list(data)
    for index in active:
        value = np.asarray(data[index])
        moved[index] = np.array(value.real if dtype.kind == "f" else value, dtype)
    try:
        primitive.forward(*moved, **static)
    except (Exception, SystemExit, GeneratorExit):
        return False
    return True


@contextmanager
def measuring(primitive: Primitive, wanted: bool = True) -> Iterator[Measure]:
    """Measure what is exercised of a primitive in the block; nothing of its code where that is not wanted."""
    measure = Measure(primitive)
    if not wanted:
        yield measure
        return
    watch = _Watch(Scope.of(primitive))
    if not watch.regions:
        yield measure
        return
    measure.watch = watch
    with _monitored(watch) if sys.version_info >= (3, 12) else _traced(watch, primitive):
        yield measure


# -- keywords --------------------------------------------------------------------------------------------------------


def keywords(primitive: Primitive) -> dict[str, Any]:
    """Return the keywords of a primitive, as its users and as its rules have them, with their defaults.

    ``out`` is none of them: it says where to write, so no rule knows it. Nor is what is refused.
    """
    signature = _users(primitive)
    of_users = {} if signature is None else signature.parameters
    known = {
        name: parameter.default
        for name, parameter in of_users.items()
        if parameter.default is not parameter.empty and name != "out" and name not in primitive.form.refused
    }
    if primitive.is_composite:
        return known
    return known | {name: value for name, value in primitive.static.items() if name not in of_users}


def given(primitive: Primitive, sample: Sample, static: Mapping[str, Any]) -> set[str]:
    """Return the keywords to which a sample gives another value than the default."""
    known, signature = keywords(primitive), _users(primitive)
    values = {name: value for name, value in static.items() if name in primitive.static}
    if signature is not None:
        try:
            bound = signature.bind(*sample.args, **dict(sample.kwargs))
        except TypeError:
            return set()
        values |= bound.arguments
    return {name for name, default in known.items() if name in values and _differs(values[name], default)}


def _users(primitive: Primitive) -> inspect.Signature | None:
    """Return the signature that users call, where it is not that of the forward function."""
    function = getattr(primitive, "body", None) if primitive.is_composite else primitive.form.declared
    return None if function is None else inspect.signature(function)


def _differs(value: Any, default: Any) -> bool:
    if value is default:
        return False
    if value is None or default is None or isinstance(value, (np.ndarray, type, np.dtype)):
        return True
    try:
        return not bool(value == default)
    except Exception:
        return True
