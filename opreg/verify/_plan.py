"""What a run decides: cases, their identifiers, and the lazy division of a run into shards.

A *case* is one check of one sample of one primitive under one seed. Its identifier is text that a shell
leaves alone, and it is all that is needed to decide the case again anywhere. Samples come in *rounds*: in
each round every sample generator of the primitive is asked once. A *shard* is a contiguous run of rounds of
one primitive.
"""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from opreg._errors import OpregError
from opreg.verify._messages import GIVEN_UP, Batch, Done, Hello, Message

CASES = 100
"""How many cases a primitive gets at least, where the number of samples is not asked for."""
SAMPLES = 10
"""How many samples a primitive gets at least, where the number is not asked for."""
SHARD_SECONDS = 1.0
"""How long a shard should take: long enough that an executor's overhead disappears."""
BRISK, SLOWEST = 40, 10.0
"""Beyond so many workers shards get longer with their number, at most by so much."""

_SHAPE = re.compile(
    r"(?P<primitive>[^:\s]+):(?P<round>\d+)\.(?P<index>\d+):(?P<check>[a-z][\w-]*):(?P<seed>\d+)"
)


class BadCase(OpregError, ValueError):
    """A text is not the identifier of a case, or names a case that does not exist."""


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One check of one sample of one primitive: reproducible anywhere from its identifier.

    >>> case = Case("numpy.multiply", 3, 1, "differences", 20261124)
    >>> str(case)
    'numpy.multiply:3.1:differences:20261124'
    >>> Case.parse(str(case)) == case
    True
    """

    primitive: str
    round: int
    index: int
    check: str
    seed: int

    def __str__(self) -> str:
        return f"{self.primitive}:{self.sample}:{self.check}:{self.seed}"

    @property
    def sample(self) -> str:
        """The sample's own name: its round, and its place within the round."""
        return f"{self.round}.{self.index}"

    @classmethod
    def parse(cls, text: str) -> Case:
        """Read an identifier; raises :class:`BadCase` with a sentence where it is not one."""
        match = _SHAPE.fullmatch(text.strip())
        if match is None:
            raise BadCase(
                f"{text!r} is not a case. A case is PRIMITIVE:ROUND.INDEX:CHECK:SEED, "
                "such as numpy.multiply:3.1:differences:20261124, as a failure prints it."
            )
        part = match.groupdict()
        return cls(
            part["primitive"], int(part["round"]), int(part["index"]), part["check"], int(part["seed"])
        )


@dataclass(frozen=True, slots=True)
class Shard:
    """A contiguous run of rounds of one primitive, all their samples and checks: what a worker is given.

    ``after`` is the identifier of the last case already delivered, where a shard is taken up again.
    ``careful`` asks for a message after each case, and ``alone`` for no more than one case. ``blame``, when set,
    is the finding against the first case that is still undelivered: it killed its worker and is not run again.
    ``barred`` are the cases of which that was found.
    """

    primitive: str
    first: int
    last: int
    after: str = ""
    careful: bool = False
    blame: str = ""
    alone: bool = False
    barred: tuple[str, ...] = ()

    def resumed(self, after: str, blame: str = "") -> Shard:
        """Return the rest of this shard, behind the case ``after``, to be run carefully."""
        told = self.blame and after not in ("", self.after)
        barred = (*self.barred, after) if told else self.barred
        return replace(self, after=after or self.after, careful=True, blame=blame, alone=False, barred=barred)

    def by_itself(self) -> Shard:
        """Return the next case alone."""
        return replace(self, careful=True, alone=True)


@dataclass(slots=True, kw_only=True)
class _Count:
    """What was decided, and how long it took."""

    samples: int = 0
    cases: int = 0
    seconds: float = 0.0

    def add(self, more: _Count | Batch) -> None:
        self.samples += more.samples
        self.cases += more.cases
        self.seconds += more.seconds


@dataclass(slots=True)
class _Progress(_Count):
    """What is known of one primitive's part of the plan."""

    name: str
    planned: int = 1
    finished: int = 0
    samples_before: int = 0
    abandoned: bool = False

    @property
    def idle(self) -> bool:
        return self.abandoned or self.planned == self.finished

    @property
    def outlook(self) -> int:
        """How many cases it will be in all, as far as can be told now."""
        return self.cases if self.idle else ceil(self.cases * self.planned / max(self.finished, 1))


@dataclass(slots=True)
class _Open(_Count):
    """A shard that was handed out, and what of it was delivered."""

    shard: Shard
    last: str = ""


@dataclass
class Plan:
    """A lazy sequence of shards; it learns from the shards that are done how many rounds are needed.

    Every primitive first gets round 0. What that round yields says how many rounds it takes to reach
    ``samples`` samples and ``cases`` cases; should those yield less, more rounds follow. So the plan
    depends only on what the sample generators yield: never on speed, executor, number of workers or order
    of completion. Only the division into shards follows the measured cost.

    Of every message of a shard it takes note; the messages of a run that broke off bring a new plan to
    where that one was, and :meth:`reopen` hands out again what was begun and not finished.
    """

    primitives: Sequence[str]
    samples: int = SAMPLES
    cases: int = CASES
    workers: int = field(init=False, default=1)
    """For how many at a time shards are made."""
    _fresh: dict[str, None] = field(init=False, repr=False)
    _again: deque[Shard] = field(init=False, default_factory=deque, repr=False)
    _open: dict[tuple[str, int], _Open] = field(init=False, default_factory=dict, repr=False)
    _known: dict[str, _Progress] = field(init=False, repr=False)
    _waiting: list[tuple[float, str, int, int]] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._fresh = dict.fromkeys(self.primitives)
        self._known = {name: _Progress(name) for name in self.primitives}

    def next(self) -> Shard | None:
        """Return the next shard that can be started now; ``None`` when there is none (as yet)."""
        if self._again:
            return self._again.popleft()
        shard = self._next()
        if shard is not None:
            self._open[shard.primitive, shard.first] = _Open(shard)
        return shard

    def _next(self) -> Shard | None:
        if self._fresh:
            name = next(iter(self._fresh))
            del self._fresh[name]
            return Shard(name, 0, 0)
        if not self._waiting:
            return None
        seconds = self._seconds()
        _, name, first, last = heapq.heappop(self._waiting)
        progress = self._known[name]
        each = max(progress.seconds / max(progress.finished, 1), 1e-6)
        here = min(max(int(seconds / each), 1), last - first + 1)
        if first + here <= last:
            self._wait(name, first + here, last)
        return Shard(name, first, first + here - 1)

    def suit(self, workers: int) -> float:
        """Suit the length of shards to a number of workers; return by how much messages are to be longer.

        Of many workers one process has to take the messages.
        """
        self.workers = workers
        return self._pace() ** 2

    def _pace(self) -> float:
        return min(max(self.workers / BRISK, 1.0), SLOWEST)

    def _seconds(self) -> float:
        """Return how long the next shard should take: for many workers longer, but short towards the end."""
        pace = self._pace()
        if pace > 1:
            left = -sum(entry[0] for entry in self._waiting)
            pace = min(pace, max(left / (4 * self.workers * SHARD_SECONDS), 1.0))
        return SHARD_SECONDS * pace

    def note(self, message: Message) -> None:
        """Take note of what a message of a shard delivers."""
        key = message.primitive, message.first
        if isinstance(message, Hello):
            if key not in self._open:  # it was handed out by the plan of the run that is gone on with
                self._take(*key, message.final)
                self._open[key] = _Open(Shard(*key, message.final))
        elif message.first == GIVEN_UP:
            if isinstance(message, Done):
                self._abandon(message.primitive)
        elif isinstance(message, Batch):
            entry = self._open[key]
            entry.add(message)
            entry.last = message.last or entry.last
        else:
            self._done(self._open.pop(key))

    def reopen(self) -> None:
        """Hand out again what was begun and not finished, from where it came to."""
        self._again.extend(
            replace(entry.shard, after=entry.last)
            for entry in self._open.values()
            if not self._known[entry.shard.primitive].abandoned
        )

    def _take(self, name: str, first: int, last: int) -> None:
        """Take rounds out of those that wait."""
        self._fresh.pop(name, None)
        for entry in [e for e in self._waiting if e[1] == name and e[2] <= first <= last <= e[3]]:
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
            for begin, end in ((entry[2], first - 1), (last + 1, entry[3])):
                if begin <= end:
                    self._wait(name, begin, end)

    def _done(self, entry: _Open) -> None:
        progress = self._known[entry.shard.primitive]
        progress.finished += entry.shard.last - entry.shard.first + 1
        progress.add(entry)
        if progress.idle and not progress.abandoned:
            self._extend(progress)

    def _abandon(self, name: str) -> None:
        self._known[name].abandoned = True
        self._waiting = [entry for entry in self._waiting if entry[1] != name]
        heapq.heapify(self._waiting)

    def is_complete(self, name: str) -> bool:
        """Tell whether everything planned for a primitive is decided."""
        return self._known[name].idle

    @property
    def outlook(self) -> int:
        """How many cases the run will be in all, as far as can be told now."""
        known = [p.outlook for p in self._known.values() if p.finished]
        average = sum(known) / len(known) if known else self.cases
        return sum(known) + ceil(average * (len(self._known) - len(known)))

    def _extend(self, progress: _Progress) -> None:
        gained = progress.samples - progress.samples_before
        progress.samples_before = progress.samples
        if not gained:
            return
        short = 0
        if progress.samples < self.samples:
            short = ceil((self.samples - progress.samples) * progress.finished / progress.samples)
        if progress.cases and progress.cases < self.cases:
            short = max(short, ceil((self.cases - progress.cases) * progress.finished / progress.cases))
        if short:
            first = progress.planned
            progress.planned += short
            self._wait(progress.name, first, progress.planned - 1)

    def _wait(self, name: str, first: int, last: int) -> None:
        progress = self._known[name]
        left = (last - first + 1) * progress.seconds / max(progress.finished, 1)
        heapq.heappush(self._waiting, (-left, name, first, last))  # the most expensive first: a short tail
