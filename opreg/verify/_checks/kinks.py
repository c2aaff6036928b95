"""At the points where there is no derivative the rule gives what is declared."""

from __future__ import annotations

from typing import Any

import numpy as np

from opreg.verify._check import Check, active
from opreg.verify._coordinates import Coordinates, outputs
from opreg.verify._literal import shown
from opreg.verify._rule import copies, cotangent_like, evaluate, pull
from opreg.verify._subject import Subject
from opreg.verify._verdict import Finding, Verdict


def _declared(subject: Subject, data: tuple[Any, ...], static: dict[str, Any]) -> str | None:
    if (reason := active(subject, data, static)) is not None:
        return reason
    return None if subject.kinks else "no answer at a kink is declared (Primitive.at_kink)"


def _body(
    subject: Subject, data: tuple[Any, ...], static: dict[str, Any], rng: np.random.Generator
) -> Verdict:
    """At declared kinks the rule gives the declared subgradient, and is linear in its cotangent there too."""
    findings = []
    scale = float(rng.uniform(-2.0, 2.0))
    for kink in subject.kinks:
        out = evaluate(subject, copies(kink.data), kink.static)
        results = Coordinates(outputs(out))
        g = cotangent_like(out, np.full(results.size, scale), results, native=True)
        given = pull(subject, g, out, copies(kink.data), kink.static)
        for index in subject.active(kink.data):
            due = scale * np.asarray(kink.cotangents[index])
            epsilon = float(np.finfo(np.asarray(kink.data[index]).dtype).eps)
            if not np.allclose(given[index], due, rtol=16 * epsilon, atol=0.0):
                findings.append(
                    Finding(
                        "kinks",
                        "fail",
                        f"the cotangent of argument {index} is not the subgradient that is declared for this kink",
                        input=shown(kink.data, kink.static),
                        argument=index,
                        got=shown([given[index]], {}),
                        expected=shown([due], {}),
                    )
                )
    return Verdict.of(findings)


KINKS = Check("kinks", _body, applies=_declared)
