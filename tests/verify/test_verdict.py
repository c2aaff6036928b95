"""Verdicts, findings and random streams are plain, comparable and portable."""

from __future__ import annotations

import json
import pickle

import numpy as np

from opreg.verify._seeds import stream
from opreg.verify._verdict import Finding, Verdict

FINDING = Finding(
    "differences", "fail", "its sign is wrong", "case", "x=1.0", 0, "-1.0", "1.0", 1e-12, "import numpy as np"
)


def test_a_verdict_is_true_only_for_a_pass() -> None:
    truth = {
        outcome: bool(Verdict(outcome)) for outcome in ("pass", "fail", "inconclusive", "waived", "error")
    }
    assert truth == {"pass": True, "fail": False, "inconclusive": False, "waived": False, "error": False}


def test_the_worst_outcome_wins() -> None:
    def merged(*outcomes: str) -> str:
        return Verdict.merge([Verdict(outcome) for outcome in outcomes]).outcome  # type: ignore[arg-type]

    assert merged("pass", "waived") == "pass"
    assert merged("pass", "inconclusive") == "inconclusive"
    assert merged("inconclusive", "fail") == "fail"
    assert merged("fail", "error", "pass") == "error"


def test_a_merge_of_nothing_is_no_pass() -> None:
    assert Verdict.merge([]).outcome == "inconclusive"


def test_a_finding_travels_as_json_and_as_pickle() -> None:
    assert Finding(**json.loads(json.dumps(FINDING.as_dict()))) == FINDING
    verdict = Verdict.of([FINDING])
    assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_a_verdict_reads_as_a_report() -> None:
    text = str(Verdict.of([FINDING]))
    assert text.splitlines()[0] == "fail: its sign is wrong"
    for part in ("x=1.0", "-1.0", "1.0e-12", "import numpy as np"):
        assert part in text


def test_a_stream_depends_on_its_names_alone() -> None:
    first = stream(1, "numpy.sin", "differences", 0, 3).standard_normal(4)
    stream(1, "numpy.cos").standard_normal(100)
    assert np.array_equal(first, stream(1, "numpy.sin", "differences", 0, 3).standard_normal(4))
    others = [stream(2, "numpy.sin", "differences", 0, 3), stream(1, "numpy.sin", "differences", 3, 0)]
    others.append(stream(1, "numpy.sin", "differences", "0", 3))
    assert all(not np.array_equal(first, other.standard_normal(4)) for other in others)


def test_a_stream_is_the_same_on_every_machine() -> None:
    assert stream(0, "a").integers(2**32, size=3).tolist() == [KNOWN[0], KNOWN[1], KNOWN[2]]


KNOWN: tuple[int, int, int] = (3625190197, 1189391948, 398910364)
