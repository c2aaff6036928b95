"""One run of the verifier: a plan decided by an executor, brought together in a record."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Any
from uuid import uuid4

from opreg import plugins
from opreg._errors import DuplicatePrimitive, UnknownPrimitive
from opreg._primitive import Primitive
from opreg.verify import _checks
from opreg.verify._cluster import RunBroke
from opreg.verify._digest import digest
from opreg.verify._executors import Executor
from opreg.verify._handshake import versions
from opreg.verify._keyword import keyword
from opreg.verify._ledger import Ledger, LedgerBroke
from opreg.verify._messages import Batch, Done, Message
from opreg.verify._plan import CASES, Plan
from opreg.verify._record import Record
from opreg.verify._run import Options

Watcher = Callable[[Message, Plan, Record], None]


def select(patterns: Sequence[str], expression: str = "") -> list[str]:
    """Return the names of the primitives that some patterns mean and that have a check that ``-k`` selects.

    A pattern is a name, an alias, a glob, a module or a plugin. One that means nothing raises
    :class:`opreg.UnknownPrimitive`, unless it names a broken plugin: that is a problem which every run
    reports.
    """
    found: set[str] = set()
    for primitive in _matching(patterns):
        wanted = keyword(expression)
        if any(wanted(f"{primitive.name} {check}") for check in _checks.table()):
            found.add(primitive.name)
    return sorted(found)


def _matching(patterns: Sequence[str]) -> list[Primitive]:
    if not patterns:
        return plugins.primitives()
    found: list[Primitive] = []
    for pattern in patterns:
        of_plugin = [p for p in plugins.primitives() if plugins.origin(p).plugin == pattern]
        try:
            found += of_plugin or plugins.primitives([pattern])
        except (UnknownPrimitive, DuplicatePrimitive):
            if not problems_with(pattern):
                raise
    return found


def problems_with(pattern: str) -> list[plugins.Problem]:
    """Return the problems that may be why a name is not found, or not all of it: broken plugins, double claims."""
    return [
        problem
        for problem in plugins.problems()
        if pattern in (problem.plugin, problem.distribution)
        or pattern.startswith(problem.plugin + ".")
        or re.search(rf"\bclaims {re.escape(pattern)}[.,]", problem.message)
    ]


def now() -> str:
    """Return the time, as it is told of runs."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def identity(
    names: Sequence[str], options: Options, samples: int | None, cases: int = CASES
) -> dict[str, Any]:
    """Return what a run is: all on which the cases that it decides, and their verdicts, depend."""
    return {
        "names": list(names),
        "seed": options.seed,
        "samples": samples,
        "cases": cases,
        "keyword": options.keyword,
        "checks": list(options.checks),
        "time_limit": options.bounds.seconds,
        "memory_limit": options.bounds.megabytes,
        "versions": versions(),
        "digests": {name: digest(plugins.get(name)) for name in names},
    }


def verify(
    names: Sequence[str],
    executor: Executor,
    options: Options,
    *,
    samples: int | None = None,
    cases: int = CASES,
    stop_at_failure: bool = False,
    watch: Watcher | None = None,
    ledger: Ledger | None = None,
) -> Record:
    """Check primitives and return the record of it; a run that breaks or is interrupted keeps what it found.

    ``samples`` is how many samples each primitive gets at least; without it there are enough for ``cases``
    cases. Every message is written into the ledger as it comes; what one holds already is not decided again.
    """
    options = replace(options, run=uuid4().hex)
    plan = Plan(names, cases=cases) if samples is None else Plan(names, samples=samples, cases=1)
    record = Record(
        seed=options.seed,
        started=now() if ledger is None else ledger.header["started"],
        executor=executor.name,
        workers=executor.workers,
        versions=versions(),
        problems=plugins.problems(),
    )
    record.expect(names)
    whole = options.coverage and not (options.checks or options.keyword)
    started = time.perf_counter()

    def enter(message: Message) -> None:
        record.add(message)
        if isinstance(message, Done) and plan.is_complete(message.primitive):
            record.conclude(message.primitive, whole)

    for message in ledger.messages if ledger is not None else ():
        plan.note(message)
        enter(message)
    plan.reopen()
    try:
        with _interrupts(executor), closing(_messages(executor, plan, options)) as messages:
            for message in messages:
                if executor.interrupted():
                    raise KeyboardInterrupt
                if ledger is not None:
                    ledger.append(message)
                enter(message)
                if watch is not None:
                    watch(message, plan, record)
                if stop_at_failure and isinstance(message, Batch) and message.failures:
                    record.stopped = True
                    break
        if ledger is not None:
            ledger.end()
    except (RunBroke, LedgerBroke) as error:
        record.broke = str(error)
    except KeyboardInterrupt:
        record.broke = "it was interrupted; what was decided until then is reported."
    record.workers = executor.workers
    record.seconds = time.perf_counter() - started
    return record


@contextmanager
def _interrupts(executor: Executor) -> Iterator[None]:
    """Tell the executor of an interrupt, by its ``interrupted``; one that does not look for itself is interrupted.

    Raising at any moment is no good where a library is at work in callbacks that swallow what is raised, as Ray's
    do. A second interrupt is always raised.
    """
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) > 1 or not executor.looks:
            raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    executor.interrupted = lambda: bool(seen)
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _messages(executor: Executor, plan: Plan, options: Options) -> Generator[Message, None, None]:
    yield from executor.run(plan, options)
