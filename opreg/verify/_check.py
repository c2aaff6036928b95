"""What a check is: one named thing that must hold for a rule, whoever wrote it down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from opreg.verify._coordinates import is_inexact
from opreg.verify._forward import why_unfit
from opreg.verify._literal import shown
from opreg.verify._rule import Fault, copies, sentence
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict

Body: TypeAlias = Callable[
    [Subject, tuple[Any, ...], dict[str, Any], np.random.Generator], "Verdict | Iterable[str] | None"
]
Applies: TypeAlias = Callable[[Subject, tuple[Any, ...], dict[str, Any]], "str | None"]


def active(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    """Why there is no derivative to check: no floating point argument, or all are declared to have none."""
    if subject.active(data):
        return None
    reasons = [reason for i, value in enumerate(data) if is_inexact(value) and (reason := subject.reason(i))]
    return reasons[0] if reasons else "no argument is a floating point number"


@dataclass(frozen=True)
class Check:
    """One named thing that must hold for a rule.

    **Fields:**

    * ``name``: lower-case words joined by hyphens; it is part of the identifier of every case.
    * ``body(subject, data, static, rng)``: decides one sample. ``subject`` has ``forward(*data, **static)``,
      ``vjp(g, out, *data, **static)`` and ``jvp(tangents, out, *data, **static)`` (or ``None``). It returns a
      :class:`Verdict`, or sentences that say what is wrong; none of them means that the check passes.
    * ``doc``: one line on what must hold; by default the first line of the body's docstring.
    * ``applies(subject, data, static)``: why the check does not apply to a sample, or ``None`` where it does. By
      default a check applies where an argument has a derivative.
    """

    name: str
    body: Body
    doc: str = ""
    applies: Applies = active

    def __post_init__(self) -> None:
        if not self.doc:
            lines = (self.body.__doc__ or self.name).strip().splitlines()
            object.__setattr__(self, "doc", lines[0])

    def run(
        self, subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
    ) -> Verdict:
        """Decide the check for one sample. It never raises, and leaves the arguments as they were."""
        kept = copies(data)
        return _as_given(self._decide(subject, data, static, rng), data, static, kept)

    def _decide(
        self, subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
    ) -> Verdict:
        try:
            with np.errstate(all="ignore"):
                said = self.body(subject, tuple(data), dict(static), rng)
                if isinstance(said, Verdict):
                    return said
                return Verdict.of(
                    [Finding(self.name, "fail", text, input=shown(data, static)) for text in said or ()]
                )
        except Fault as fault:
            return Verdict.of([fault.finding(self.name, input=shown(data, static))])
        except MemoryError:
            raise  # whoever bounds the memory tells of it
        except Exception as error:
            text = why_unfit(subject, data, static) or f"the check itself broke: {sentence(error)}"
            return Verdict.of([Finding(self.name, "error", text, input=shown(data, static))])


def _as_given(verdict: Verdict, data: Sequence[Any], static: dict[str, Any], kept: Sequence[Any]) -> Verdict:
    """Return a verdict that shows the arguments as they were given, and put back what was written into them."""
    pairs = zip(data, kept, strict=True)
    arrays = [pair for pair in pairs if isinstance(pair[0], np.ndarray) and pair[0].flags.writeable]
    written = [(value, was) for value, was in arrays if value.tobytes() != was.tobytes()]
    if not written:
        return verdict
    left = shown(data, static)
    for value, was in written:
        value[...] = was
    given = shown(data, static)
    return verdict.replace(
        findings=tuple(f.replace(input=given) if f.input == left else f for f in verdict.findings)
    )
