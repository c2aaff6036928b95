"""The bounds of a case: how long it may take, how much memory and how much output. Beyond them it is stopped.

What can be stopped in place is: by an alarm, by an allocation that fails, by counting what is written. Code that holds
Python's lock for ever, or crashes, ends its process instead: that is for the executor.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from opreg.verify._messages import sentence

try:
    import resource
except ImportError:  # not a Unix: nothing bounds the memory there
    resource = None  # type: ignore[assignment]

MEGABYTE = 2**20
OUTPUT = 1
"""How many megabytes a case may write to the standard streams. They are thrown away; `opreg replay` shows them."""
AGAIN = 1.0
"""After how many seconds more an alarm rings again: what is raised in a destructor is lost."""
_STREAMS = (1, 2)


class OutOfBounds(BaseException):
    """A case went beyond a bound. Not an Exception, so that a plugin's handlers let it through."""


class TookTooLong(OutOfBounds):
    """A case took longer than its limit."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a case may take: seconds of wall time, and megabytes of memory beyond what its process has."""

    seconds: float = 10.0
    megabytes: int = 2048

    def told(self, error: BaseException, what: str, where: str = "") -> str:
        """Return a sentence about an error that ended something: a bound, or what was raised."""
        if isinstance(error, OutOfBounds):
            return f"{what}: {error}"
        if isinstance(error, MemoryError):
            return f"{what} needs more than the {self.megabytes} MB of memory it may take ({sentence(error)}){where}"
        return f"{what} raised {sentence(error)}{where}"


BOUNDS = Bounds()


@contextmanager
def within(bounds: Bounds) -> Iterator[None]:
    """Hold a block to its time and its output, where that can be: in a main thread. No warning of NumPy's gets out."""
    with _muted() as sink, _alarmed(bounds.seconds, sink), unwarned():
        yield


@contextmanager
def unwarned() -> Iterator[None]:
    """Let no warning of NumPy's out: a sample at the edge of a domain is meant to be there."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TookTooLong` in the block after so many seconds, where that can be: in a main thread."""
    with _alarmed(seconds, None):
        yield


@contextmanager
def memory(megabytes: int) -> Iterator[None]:
    """Let allocations fail in the block beyond so many megabytes more than the process has, where that can be."""
    has = _allocated()
    if not hasattr(resource, "RLIMIT_DATA") or has is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = has + megabytes * MEGABYTE
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def without_core_files() -> None:
    """Let no crash of this process leave a file of its memory."""
    if hasattr(resource, "RLIMIT_CORE"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _allocated() -> int | None:
    """Return how many bytes of private memory this process has; None where the platform does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


# --------------------------------------------------------------------------------------------------- time
@contextmanager
def _alarmed(seconds: float, sink: _Sink | None) -> Iterator[None]:
    if not _can_interrupt():
        yield
        return

    armed = True

    def ring(number: int, frame: Any) -> None:
        if not armed:  # the block is being left
            return
        if sink is not None and sink.flooded:
            raise OutOfBounds(f"it wrote more than {OUTPUT} MB to the standard streams")
        raise TookTooLong(f"it took longer than its limit of {seconds:g} s")

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        with contextlib.nullcontext() if sink is None else sink:
            yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _can_interrupt() -> bool:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, None)


# ------------------------------------------------------------------------------------------------- output
class _Sink:
    """A pipe that a thread empties and counts. As a context it rings the alarm once beyond the bound."""

    def __init__(self) -> None:
        self.process, self.flooded = os.getpid(), False
        self._count, self._watching, self._lock = 0, False, threading.Lock()
        self._end, self.begin = os.pipe()
        self.stream = open(self.begin, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        threading.Thread(target=self._drain, name="opreg output", daemon=True).start()

    def __enter__(self) -> None:
        with self._lock:
            self._count, self.flooded, self._watching = 0, False, True

    def __exit__(self, *exception: object) -> None:
        with self._lock:  # no alarm can come once its handler is gone: it would end the process
            self._watching = False

    def _drain(self) -> None:
        while True:
            written = len(os.read(self._end, MEGABYTE))
            with self._lock:
                self._count += written
                if self._watching and not self.flooded and self._count > OUTPUT * MEGABYTE:
                    self.flooded = True
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)


_sink: _Sink | None = None


@contextmanager
def _muted() -> Iterator[_Sink | None]:
    """Send what is written to the standard streams into a sink, by Python and below it."""
    global _sink
    if not _can_interrupt():
        yield None
        return
    if _sink is None or _sink.process != os.getpid():
        _sink = _Sink()
    sink, streams = _sink, (sys.stdout, sys.stderr)
    kept: list[tuple[int, int]] = []
    for stream in streams:
        with contextlib.suppress(Exception):
            stream.flush()
    for number in _STREAMS:
        with contextlib.suppress(OSError):  # it may be closed
            kept.append((number, os.dup(number)))
            os.dup2(sink.begin, number)
    sys.stdout = sys.stderr = sink.stream
    try:
        yield sink
    finally:
        with contextlib.suppress(Exception):
            sink.stream.flush()
        sys.stdout, sys.stderr = streams
        for number, saved in kept:
            os.dup2(saved, number)
            os.close(saved)
