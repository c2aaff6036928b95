"""Deciding shards: what a plugin does wrong costs that plugin's case and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opreg import plugins
from opreg.verify import _checks, _run
from opreg.verify._bounds import Bounds
from opreg.verify._digest import digest
from opreg.verify._executors import Inline
from opreg.verify._messages import Batch, Done, Hello, Message
from opreg.verify._plan import Case, Plan, Shard
from opreg.verify._record import Record
from opreg.verify._run import Options, decide, replay
from opreg.verify._session import verify

Install = Callable[..., None]


def run(*names: str, **changes: Any) -> Record:
    return verify(list(names), Inline(), Options(seed=5, **changes))


def diagnoses(record: Record, name: str) -> list[str]:
    return [finding["diagnosis"] for finding in record.primitives[name].findings]


def test_a_right_rule_passes_on_at_least_a_hundred_cases(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)
    record = run("mylib.softsign")
    assert record.primitives["mylib.softsign"].verdict == "pass"
    assert record.summary["cases"] >= 100
    assert record.exit_status == 0


def test_a_wrong_rule_fails_and_its_neighbour_does_not(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good, badlib=sources.wrong)
    record = run("badlib.softsign", "mylib.softsign")
    assert record.primitives["badlib.softsign"].verdict == "fail"
    assert record.primitives["mylib.softsign"].verdict == "pass"
    assert record.exit_status == 1


def test_a_failure_names_the_case_that_shows_it_again(installed: Install, sources: SimpleNamespace) -> None:
    installed(badlib=sources.wrong)
    finding = run("badlib.softsign").primitives["badlib.softsign"].findings[0]
    sample, verdict = replay(Case.parse(finding["case"]))
    assert sample is not None
    assert not isinstance(verdict, str)
    assert verdict.outcome == "fail"
    assert verdict.findings[0].as_dict() == finding


def test_a_shard_is_a_handshake_then_batches_then_its_end(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)
    messages = list(decide(Shard("mylib.softsign", 0, 3), Options(seed=5, message_seconds=0.0)))
    assert isinstance(messages[0], Hello)
    assert messages[0].pid == os.getpid()
    assert messages[0].digest == digest(plugins.get("mylib.softsign"))
    assert isinstance(messages[-1], Done)
    assert all(isinstance(message, Batch) for message in messages[1:-1])
    assert sum(message.samples for message in messages if isinstance(message, Batch)) == 8
    assert pickle.loads(pickle.dumps(messages)) == messages


def test_a_shard_taken_up_again_decides_the_rest_and_nothing_twice(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(badlib=sources.wrong)
    shard, options = Shard("badlib.softsign", 0, 2), Options(seed=5, message_seconds=0.0)
    whole = [message for message in decide(shard, options) if isinstance(message, Batch)]
    for place in (0, 1, 2, 7, len(whole) - 2):
        rest = [m for m in decide(shard.resumed(whole[place].last), options) if isinstance(m, Batch)]
        told = [[m.last, m.checks, m.findings] for m in rest if m.last]
        assert told == [[m.last, m.checks, m.findings] for m in whole[place + 1 :] if m.last]


def test_the_case_that_killed_its_worker_is_blamed_and_not_run(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)
    check = next(iter(_checks.CHECKS))
    for after, guilty in (
        ("", "mylib.softsign:0.0:samples:5"),
        ("mylib.softsign:0.0:samples:5", "mylib.softsign:0.0:forward:5"),
        ("mylib.softsign:0.0:forward:5", f"mylib.softsign:0.0:{check}:5"),
    ):
        shard = Shard("mylib.softsign", 0, 1).resumed(after, "its worker died")
        findings = [f for m in decide(shard, Options(seed=5)) if isinstance(m, Batch) for f in m.findings]
        assert [finding["case"] for finding in findings] == [guilty]
        assert findings[0]["verdict"] == "error"
        assert "its worker died" in findings[0]["diagnosis"]


def test_a_primitive_without_samples_is_an_error(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good, bare=sources.without_samples)
    record = run("bare.softsign", "mylib.softsign")
    assert record.primitives["bare.softsign"].verdict == "error"
    assert "it has no samples" in diagnoses(record, "bare.softsign")[0]
    assert record.primitives["mylib.softsign"].verdict == "pass"
    assert record.exit_status == 4


def test_samples_without_floats_leave_a_primitive_unchecked(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(ints=sources.without_floats)
    record = run("ints.softsign")
    assert record.primitives["ints.softsign"].verdict == "inconclusive"
    assert "no check applies to any of its 10 samples" in diagnoses(record, "ints.softsign")[0]
    assert record.exit_status == 4


def test_what_is_declared_constant_is_waived_with_the_reason(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(steps=sources.steps, smooth=sources.not_constant)
    record = run("steps.softsign", "smooth.softsign")
    assert record.primitives["smooth.softsign"].verdict == "fail"
    assert record.exit_status == 1
    record = run("steps.softsign")
    assert record.primitives["steps.softsign"].verdict == "pass"
    assert record.primitives["steps.softsign"].as_dict()["checks"]["differences"]["reasons"].keys() == {
        "it counts"
    }
    assert record.exit_status == 0


def test_a_sample_generator_that_raises_is_named_and_earlier_samples_count(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.samples_raise)
    record = run("mylib.softsign")
    found = record.primitives["mylib.softsign"]
    assert found.verdict == "error"
    assert found.checks["differences"].outcomes == {"pass": found.samples}
    assert "'samples' raised ValueError: no such file (" in diagnoses(record, "mylib.softsign")[0]
    assert "opreg_mylib.py:" in diagnoses(record, "mylib.softsign")[0]


def test_what_is_no_sample_is_named(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good.replace("yield opreg.Sample((rng.standard_normal(4),))", "yield 4.0"))
    assert (
        "it yielded a float where an opreg.Sample is due"
        in diagnoses(run("mylib.softsign"), "mylib.softsign")[0]
    )


def test_a_forward_that_raises_is_an_error_of_the_sample(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.forward_raises)
    record = run("mylib.softsign")
    assert record.primitives["mylib.softsign"].verdict == "error"
    assert set(record.primitives["mylib.softsign"].checks) == {"forward"}
    assert "the forward function raised OSError: no device" in diagnoses(record, "mylib.softsign")[0]


def test_a_check_that_raises_is_an_error_of_the_case(
    installed: Install, sources: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(mylib=sources.good)

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise ValueError

    def applies(*anything: Any) -> str | None:
        raise Unspeakable

    name = "adjoint"
    monkeypatch.setitem(_checks.CHECKS, name, replace(_checks.CHECKS[name], applies=applies))
    record = run("mylib.softsign")
    found = record.primitives["mylib.softsign"]
    assert found.checks[name].outcomes == {"error": found.samples}
    assert found.checks["differences"].outcomes == {"pass": found.samples}
    assert "Unspeakable" in diagnoses(record, "mylib.softsign")[0]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")
def test_a_case_past_its_time_limit_is_an_error_and_the_rest_is_decided(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.blocks)
    started = time.monotonic()
    record = verify(["mylib.softsign"], Inline(), Options(seed=5, bounds=Bounds(0.05)), samples=4)
    found = record.primitives["mylib.softsign"]
    assert time.monotonic() - started < 10
    assert found.checks["forward"].outcomes == {"error": 2}
    assert found.checks["differences"].outcomes == {"pass": 2}
    assert "it took longer than its limit of 0.05 s" in diagnoses(record, "mylib.softsign")[0]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")
def test_a_rule_that_loops_for_ever_is_given_up(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.loops, other=sources.good)
    started = time.monotonic()
    options = Options(seed=6, bounds=Bounds(0.05))
    record = verify(["mylib.softsign", "other.softsign"], Inline(), options, samples=20)
    assert time.monotonic() - started < 20
    found = record.primitives["mylib.softsign"]
    assert found.checks["structure"].outcomes == {"error": found.samples}
    said = [f["diagnosis"] for f in found.findings]
    assert sum("longer than its limit" in text for text in said) == 3
    assert any("given up after 3 cases that took too long" in text for text in said)
    assert record.primitives["other.softsign"].verdict == "pass"


HANGS = """
import numpy as np
import opreg
from opreg.testing import Check

@opreg.primitive("mylib.double")
def double(x, /):
    return 2 * x

double.defvjp(x=lambda g: 2 * g)

@double.samples
def samples(rng):
    for first in 1.0, 2.0, 7.0:
        yield opreg.Sample((np.array([first, 3.0]),))

def probe(subject, data, static, rng):
    while data[0][0] < 7:
        pass
    return ()

@opreg.hookimpl
def opreg_primitives():
    return [double]

@opreg.hookimpl
def opreg_checks():
    return [Check("probe", probe)]
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")
def test_two_hangs_cost_themselves_alone(installed: Install) -> None:
    installed(mylib=HANGS)
    record = verify(["mylib.double"], Inline(), Options(seed=6, bounds=Bounds(0.05)), samples=3, cases=1)
    checks = record.primitives["mylib.double"].checks
    assert checks.pop("probe").outcomes == {"error": 2, "pass": 1}
    assert checks["differences"].outcomes == {"pass": 3}
    assert not [name for name, tally in checks.items() if "error" in tally.outcomes]


def test_a_rule_that_writes_into_its_arguments_does_not_spoil_the_next_case(
    installed: Install, sources: SimpleNamespace
) -> None:
    writes = sources.good.replace(
        "x=lambda g, x: g / (1 + np.abs(x)) ** 2)",
        "x=lambda g, x: (g / (1 + np.abs(x)) ** 2, x.fill(0.0) if hasattr(x, 'fill') else 0)[0])",
    )
    assert writes != sources.good
    installed(mylib=writes)
    record = run("mylib.softsign")
    for finding in record.primitives["mylib.softsign"].findings[:5]:
        _, verdict = replay(Case.parse(finding["case"]))
        assert not isinstance(verdict, str)
        assert finding["diagnosis"] in [found.diagnosis for found in verdict.findings]


def test_the_same_seed_gives_the_same_record_and_another_seed_other_samples(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(badlib=sources.wrong)
    first, second = (run("badlib.softsign").as_dict()["primitives"][0] for _ in range(2))
    other = verify(["badlib.softsign"], Inline(), Options(seed=6)).as_dict()["primitives"][0]
    for found in (first, second, other):
        del found["seconds"]
    assert json.dumps(first) == json.dumps(second)
    assert first["findings"][0]["input"] != other["findings"][0]["input"]


def test_replaying_a_case_that_is_not_there_says_so(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    with pytest.raises(LookupError, match=r"round 3 of mylib.softsign has 2 samples .* no sample 3.7"):
        replay(Case("mylib.softsign", 3, 7, "differences", 1))
    with pytest.raises(LookupError, match="there is no check 'wisdom'; the checks are"):
        replay(Case("mylib.softsign", 3, 1, "wisdom", 1))


def test_a_digest_changes_with_the_rule_the_samples_and_a_helper(
    installed: Install, sources: SimpleNamespace
) -> None:
    helped = (
        sources.good.replace("return x / (1", "return half(2 * x) / (1")
        + "\ndef half(x):\n    return x / 2\n"
    )
    installed(
        same=sources.good,
        wrong=sources.wrong,
        samples=sources.good.replace("(3, 2)", "(3, 3)"),
        helped=helped,
        helper=helped.replace("return x / 2", "return 0.5 * x"),
    )
    digests = {}
    for lib in ("same", "wrong", "samples", "helped", "helper"):
        primitive = plugins.get(f"{lib}.softsign")
        primitive.name = "one.name"
        digests[lib] = digest(primitive)
        assert digest(primitive) == digests[lib]
    assert len(set(digests.values())) == 5


def test_no_signal_handler_is_left_behind(installed: Install, sources: SimpleNamespace) -> None:
    installed(mylib=sources.good)
    before = signal.getsignal(signal.SIGALRM)
    run("mylib.softsign")
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert _run.shown.__doc__


def test_an_interrupt_that_a_library_swallows_ends_the_run_all_the_same(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)

    class Swallowing(Inline):
        def run(self, plan: Plan, options: Options) -> Iterator[Message]:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            yield from super().run(plan, options)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run behind '&'
    try:
        record = verify(["mylib.softsign"], Swallowing(), Options(seed=5), samples=4)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "it was interrupted" in record.broke
    assert record.summary["cases"] == 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="nothing bounds the memory here")
def test_a_case_that_wants_too_much_memory_is_an_error_and_the_rest_is_decided(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.greedy)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    record = verify(["mylib.softsign"], Inline(), Options(seed=5, bounds=Bounds(megabytes=500)), samples=4)
    found = record.primitives["mylib.softsign"]
    assert found.checks["forward"].outcomes == {"error": 2}
    assert found.checks["differences"].outcomes == {"pass": 2}
    said = diagnoses(record, "mylib.softsign")[0]
    assert "the forward function needs more than the 500 MB of memory it may take" in said
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no interval timer")
def test_a_case_that_floods_its_output_is_an_error_and_nothing_of_it_is_seen(
    installed: Install, sources: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    installed(mylib=sources.floods)
    record = verify(["mylib.softsign"], Inline(), Options(seed=5), samples=4)
    found = record.primitives["mylib.softsign"]
    assert found.checks["forward"].outcomes == {"error": 2}
    assert found.checks["differences"].outcomes == {"pass": 2}
    said = diagnoses(record, "mylib.softsign")[0]
    assert said == "the forward function: it wrote more than 1 MB to the standard streams"
    assert capfd.readouterr() == ("", "")
    print("told after it")
    assert capfd.readouterr().out == "told after it\n"


def test_what_a_case_writes_is_not_seen_and_no_failure(
    installed: Install, sources: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    chatty = sources.good.replace("return x /", "print('hello', flush=True)\n    return x /")
    assert chatty != sources.good
    installed(mylib=chatty)
    assert diagnoses(run("mylib.softsign"), "mylib.softsign") == []
    assert capfd.readouterr() == ("", "")


def test_a_shard_by_itself_stops_after_a_case_and_says_how_far_it_came(
    installed: Install, sources: SimpleNamespace
) -> None:
    installed(mylib=sources.good)
    shard = Shard("mylib.softsign", 0, 0)
    last = ""
    for due in ("0.0:samples", "0.0:forward", "0.0:structure"):
        hello, batch = decide(shard.resumed(last).by_itself(), Options(seed=5))
        assert isinstance(hello, Hello)
        assert isinstance(batch, Batch)
        last = batch.last
        assert last == f"mylib.softsign:{due}:5"
