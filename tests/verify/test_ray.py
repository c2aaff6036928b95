"""The Ray executor: the same record as in process, and no loss when a worker dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opreg import plugins
from opreg.verify._bounds import Bounds
from opreg.verify._cluster import CannotStart, RunBroke
from opreg.verify._executors import Inline, OnRay
from opreg.verify._flights import Flight
from opreg.verify._ledger import Ledger
from opreg.verify._messages import Batch, Hello
from opreg.verify._plan import Plan, Shard
from opreg.verify._record import Record, comparable
from opreg.verify._run import Options
from opreg.verify._session import identity, verify

pytest.importorskip("ray")
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.xdist_group("ray")]

LIBRARIES = {
    "raygood": "good",
    "raybad": "wrong",
    "raybare": "without_samples",
    "raydies": "exits",
    "rayhangs": "hangs",
    "raycrashes": "segfaults",
    "rayholes": "holed",
}
NAMES = ["raybad.softsign", "raybare.softsign", "raygood.softsign", "rayholes.softsign"]


@pytest.fixture(scope="module")
def site_of_ray(tmp_path_factory: pytest.TempPathFactory, sources: SimpleNamespace, install: Any) -> Path:
    directory = tmp_path_factory.mktemp("ray-site")
    for lib, source in LIBRARIES.items():
        install(directory, lib, getattr(sources, source))
    return directory


@pytest.fixture(scope="module")
def ray(site_of_ray: Path) -> Iterator[Any]:
    """One local Ray for the tests of this module, whose workers find the plugins of ``site_of_ray``."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site_of_ray))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.syspath_prepend(str(site_of_ray))
        plugins.reset()
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=100_000_000,
        )
        yield ray
        ray.shutdown()
    for lib in LIBRARIES:
        sys.modules.pop(f"opreg_{lib}", None)
    plugins.reset()


def run(executor: Any, *names: str, **changes: Any) -> Record:
    return verify(list(names), executor, Options(seed=11), **changes)


def test_one_worker_two_workers_and_none_give_the_same_report(ray: Any) -> None:
    records = [run(executor, *NAMES) for executor in (Inline(), OnRay(count=1), OnRay(count=2), OnRay())]
    reports = [json.dumps(comparable(record.as_dict())) for record in records]
    assert reports[0] == reports[1] == reports[2] == reports[3]
    assert [record.primitives["raybad.softsign"].verdict for record in records] == ["fail"] * 4
    unchecked = [record.primitives["rayholes.softsign"].as_dict()["unchecked"] for record in records]
    assert [branch["condition"] for branch in unchecked[3]["branches"]] == ["np.size(x) < 99"]


def test_the_size_of_shards_and_messages_does_not_change_the_report(
    ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(OnRay(), *NAMES)
    monkeypatch.setattr("opreg.verify._plan.SHARD_SECONDS", 1e-9)
    fine = verify(NAMES, OnRay(), Options(seed=11, message_seconds=0.0))
    assert comparable(fine.as_dict()) == comparable(whole.as_dict())


def test_the_workers_decide_and_not_this_process(ray: Any) -> None:
    pids: set[int] = set()

    def watch(message: Any, plan: Plan, record: Record) -> None:
        if isinstance(message, Hello):
            pids.add(message.pid)

    run(OnRay(), *NAMES, watch=watch)
    assert pids
    assert os.getpid() not in pids


def test_a_case_that_ends_its_worker_costs_that_case_and_no_other(ray: Any) -> None:
    record = run(OnRay(), "raydies.softsign", "raygood.softsign", samples=4)
    assert record.primitives["raygood.softsign"].verdict == "pass"
    dies = record.primitives["raydies.softsign"]
    assert dies.samples == 4
    assert dies.checks["differences"].outcomes == {"pass": 2}
    assert dies.checks["forward"].outcomes == {"error": 2}
    assert [finding["case"] for finding in dies.findings] == [
        f"raydies.softsign:{number}.1:forward:11" for number in range(2)
    ]
    for finding in dies.findings:
        said = "in the forward function it ended its process, with exit status 7"
        assert finding["diagnosis"] == said
    assert record.exit_status == 4


def test_a_crash_is_told_by_its_signal_and_its_line(ray: Any) -> None:
    record = run(OnRay(), "raycrashes.softsign", "raygood.softsign", samples=2)
    assert record.primitives["raygood.softsign"].verdict == "pass"
    (finding,) = record.primitives["raycrashes.softsign"].findings
    assert finding["case"] == "raycrashes.softsign:0.1:forward:11"
    assert "its process died by signal 11 (SIGSEGV: Segmentation fault), in kill (" in finding["diagnosis"]


@pytest.mark.slow
def test_a_primitive_is_given_up_after_three_cases_that_crash(ray: Any) -> None:
    record = run(OnRay(), "raydies.softsign", "raygood.softsign", samples=12)
    assert record.primitives["raygood.softsign"].verdict == "pass"
    dies = record.primitives["raydies.softsign"]
    assert dies.verdict == "error"
    said = [finding["diagnosis"] for finding in dies.findings]
    assert sum(text.startswith("in the forward function it ended its process") for text in said) >= 3
    assert sum("given up after 3 cases that ended their process" in text for text in said) == 1


def test_a_kill_from_outside_while_a_finding_is_delivered_does_not_lose_it() -> None:
    def hello() -> Hello:
        return Hello("a.b", 0, 3, 1, "here", "", {})

    flight = Flight(Shard("a.b", 0, 3))
    for message in (hello(), Batch("a.b", 0, "a.b:0.0:samples:1")):
        flight.take(message)
    flight.resume("it died")
    assert (flight.shard.after, flight.shard.careful, flight.suspect) == ("a.b:0.0:samples:1", True, False)
    flight.take(hello())
    flight.resume("it died")
    assert flight.suspect
    flight.settled("it died by itself")
    assert (flight.shard.blame, flight.shard.alone, flight.suspect) == ("it died by itself", True, False)
    flight.take(hello())
    flight.resume("killed")
    assert (flight.shard.blame, flight.shard.alone) == ("it died by itself", True)
    for message in (hello(), Batch("a.b", 0, "a.b:0.0:forward:1")):
        flight.take(message)
    flight.settled()
    assert flight.shard == Shard(
        "a.b", 0, 3, "a.b:0.0:forward:1", careful=True, barred=("a.b:0.0:forward:1",)
    )


@pytest.mark.slow
def test_a_case_that_no_time_limit_stops_costs_that_case_and_no_other(ray: Any) -> None:
    names = ["rayhangs.softsign", "raygood.softsign"]
    record = verify(names, OnRay(), Options(seed=11, bounds=Bounds(1.0)), samples=2)
    assert record.primitives["raygood.softsign"].verdict == "pass"
    hangs = record.primitives["rayhangs.softsign"]
    assert hangs.checks["differences"].outcomes == {"pass": 1}
    (finding,) = hangs.findings
    assert finding["case"] == "rayhangs.softsign:0.1:forward:11"
    assert "it hung: after 5 s it had not ended" in finding["diagnosis"]
    assert "opreg_rayhangs.py:" in finding["diagnosis"]


def test_a_worker_killed_from_outside_loses_nothing(ray: Any) -> None:
    killed: list[int] = []

    def watch(message: Any, plan: Plan, record: Record) -> None:
        if isinstance(message, Hello) and not killed:
            killed.append(message.pid)
            os.kill(message.pid, signal.SIGKILL)

    disturbed = run(OnRay(), *NAMES, samples=60, watch=watch)
    assert killed
    calm = run(Inline(), *NAMES, samples=60)
    assert comparable(disturbed.as_dict()) == comparable(calm.as_dict())


def test_a_run_that_was_broken_off_in_process_goes_on_here(ray: Any, tmp_path: Path) -> None:
    options = Options(seed=11, message_seconds=0.0)

    def broken_off(message: Any, plan: Plan, record: Record) -> None:
        if sum(primitive.cases for primitive in record.primitives.values()) > 60:
            raise KeyboardInterrupt

    with Ledger.begin(tmp_path, {"started": "then", **identity(NAMES, options, 6)}) as ledger:
        verify(NAMES, Inline(), options, samples=6, ledger=ledger, watch=broken_off)
    with Ledger.resume(tmp_path) as ledger:
        before = len(ledger.messages)
        assert before > 10
        resumed = verify(NAMES, OnRay(), options, samples=6, ledger=ledger)
    whole = verify(NAMES, Inline(), options, samples=6)
    assert comparable(resumed.as_dict()) == comparable(whole.as_dict())


def test_other_rules_in_a_worker_than_here_stop_the_run(ray: Any) -> None:
    primitive = plugins.get("raygood.softsign")
    original = primitive.doc
    rule = primitive._rules["vjp", "x"]
    try:
        primitive._rules["vjp", "x"] = lambda g, x: 2 * g
        record = run(OnRay(), "raygood.softsign")
    finally:
        primitive._rules["vjp", "x"] = rule
        primitive.doc = original
    assert record.exit_status == 3
    assert "has another version of raygood.softsign" in record.broke
    assert "opreg-raygood 1.2" in record.broke


def test_stopping_early_leaves_the_ray_that_was_there(ray: Any) -> None:
    record = run(OnRay(), *NAMES, stop_at_failure=True)
    assert record.stopped
    assert ray.is_initialized()
    assert run(OnRay(), "raygood.softsign").exit_status == 0


def test_an_address_joins_a_cluster_and_leaves_it_running(ray: Any, site_of_ray: Path) -> None:
    address = ray.get_runtime_context().gcs_address
    arguments, env = command(site_of_ray, "raygood", "--json")
    done = subprocess.run(
        arguments, env=env | {"RAY_ADDRESS": address}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["primitives"][0]["verdict"] == "pass"
    assert run(OnRay(), "raygood.softsign").exit_status == 0


# The rest starts Ray itself, in processes of its own.


def command(site: Path, *arguments: str, **environment: str) -> list[Any]:
    env = {**os.environ, "PYTHONPATH": str(site), **environment}
    env.pop("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", None)  # it is for the tests, users do not set it
    return [[sys.executable, "-m", "opreg", "verify", "--seed", "11", *arguments], env]


def daemons_of(marker: str) -> list[int]:
    """Return the processes whose environment holds a marker."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def listening(pids: list[int]) -> set[str]:
    """Return the addresses, as the kernel writes them, at which some processes wait for connections."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(link))
    lines = [
        line for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]
    ]
    tables = [line.split() for line in lines]
    return {row[1].split(":")[0] for row in tables if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


def wait_until_gone(marker: str, seconds: float = 90.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := daemons_of(marker)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def test_the_command_starts_ray_blocks_in_its_workers_and_leaves_nothing(
    site_of_ray: Path, tmp_path: Path
) -> None:
    marker = f"opreg-test-{tmp_path.name}-{os.getpid()}"
    arguments, env = command(
        site_of_ray,
        "raygood",
        "-p",
        "no:raydies",
        "-p",
        "no:raybare",
        "--report",
        str(tmp_path),
        MARKER=marker,
    )
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["run"]["executor"] == "ray"
    assert report["summary"]["verdicts"]["pass"] == 1
    if sys.platform == "linux":
        assert wait_until_gone(marker) == []


def test_a_blocked_plugin_is_not_imported_in_a_worker(
    site_of_ray: Path, tmp_path: Path, sources: SimpleNamespace, install: Any
) -> None:
    trace = tmp_path / "imported"
    install(tmp_path, "raynoisy", f"open({str(trace)!r}, 'a').write('x')\n" + sources.good)
    install(tmp_path, "raycalm", "import opreg; opreg.plugins.load_all()\n" + sources.good)
    arguments, env = command(tmp_path, "raycalm", "-p", "no:raynoisy", "--samples", "2")
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not trace.exists()


@pytest.mark.parametrize("when", ["while Ray starts", "while cases are decided"])
def test_an_interrupt_reports_stops_ray_and_leaves_nothing(
    site_of_ray: Path, tmp_path: Path, when: str
) -> None:
    marker = f"opreg-test-{tmp_path.name}-{os.getpid()}"
    arguments, env = command(
        site_of_ray,
        "raybad",
        "raygood",
        "--samples",
        "10000000",
        "-v",
        "--report",
        str(tmp_path),
        MARKER=marker,
    )
    arguments.insert(1, "-u")
    with subprocess.Popen(
        arguments,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run behind '&'
    ) as process:
        assert process.stdout is not None
        first = "opreg verify:" if when == "while Ray starts" else "raybad.softsign: differences fail"
        assert any(line.startswith(first) for line in process.stdout)
        time.sleep(1.0)
        if sys.platform == "linux" and when == "while cases are decided":
            found = listening(daemons_of(marker))
            assert found <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1
            assert found
        os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C: to the whole foreground group
        out, err = process.communicate(timeout=150)
    assert process.returncode == 3, out + err
    assert "The run broke: it was interrupted" in out
    assert "Traceback" not in err
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["summary"]["cases"] > 0) == (when == "while cases are decided")
    if sys.platform == "linux":
        assert wait_until_gone(marker) == []


def test_an_address_that_does_not_answer_is_one_sentence(site_of_ray: Path) -> None:
    arguments, env = command(site_of_ray, "raygood", "--address", "127.0.0.1:1")
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no Ray cluster answers at '127.0.0.1:1'" in done.stderr
    assert "Traceback" not in done.stderr


def test_both_kinds_of_failure_to_start_are_told_apart() -> None:
    assert not issubclass(CannotStart, RunBroke)
