"""The ledger: a run goes on where it was broken off, decides no case twice and loses none that was written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from opreg import plugins
from opreg.cli import cli
from opreg.verify._bounds import Bounds
from opreg.verify._executors import Inline
from opreg.verify._ledger import NAME, CannotResume, Ledger, LedgerBroke
from opreg.verify._messages import Batch, Done, Hello, Message, Tally
from opreg.verify._record import Record, comparable
from opreg.verify._run import Options
from opreg.verify._session import identity, now, verify

Install = Callable[..., None]
Command = Callable[..., "subprocess.CompletedProcess[str]"]
NAMES = ["good.softsign", "wrong.softsign"]
OPTIONS = Options(seed=3, message_seconds=0.0, bounds=Bounds(5.0))


def run(directory: Path, *, resume: bool = False, until: int | None = None) -> Record:
    """Run with a ledger, until so many messages were written; then break off as a kill would."""
    header = {"started": now(), **identity(NAMES, OPTIONS, 6)}
    directory.mkdir(exist_ok=True)
    with Ledger.resume(directory) if resume else Ledger.begin(directory, header) as ledger:
        if until is not None:
            append, count = ledger.append, iter(range(until))

            def appended(message: Message) -> None:
                if next(count, None) is None:
                    raise LedgerBroke("enough")
                append(message)

            ledger.append = appended  # type: ignore[method-assign]
        return verify(NAMES, Inline(), OPTIONS, samples=6, ledger=ledger)


def decided(directory: Path) -> Counter[str]:
    """How often each case is in a ledger, as the place up to which a shard came."""
    with Ledger.resume(directory) as ledger:
        return Counter(m.last for m in ledger.messages if isinstance(m, Batch) and m.last)


@pytest.fixture
def libraries(installed: Install, sources: SimpleNamespace) -> None:
    installed(good=sources.good, wrong=sources.wrong)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("until", [0, 1, 2, 7, 40, 90])
def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(tmp_path: Path, until: int) -> None:
    whole = run(tmp_path / "whole")
    broken = run(tmp_path / "broken", until=until)
    assert broken.broke == "enough"
    before = decided(tmp_path / "broken")
    resumed = run(tmp_path / "broken", resume=True)
    assert not resumed.broke
    assert json.dumps(comparable(resumed.as_dict())) == json.dumps(comparable(whole.as_dict()))
    after = decided(tmp_path / "broken")
    assert set(after.values()) == {1}
    assert before <= after == decided(tmp_path / "whole")


@pytest.mark.usefixtures("libraries")
def test_a_run_that_ended_has_nothing_to_go_on_with_and_is_replaced(tmp_path: Path) -> None:
    first = run(tmp_path)
    size = (tmp_path / NAME).stat().st_size
    again = run(tmp_path, resume=True)
    assert comparable(again.as_dict()) == comparable(first.as_dict())
    assert (tmp_path / NAME).stat().st_size - size < 40  # that it ended, once more
    assert comparable(run(tmp_path).as_dict()) == comparable(first.as_dict())


@pytest.mark.usefixtures("libraries")
def test_a_run_that_could_not_start_is_in_nobodys_way(tmp_path: Path) -> None:
    asked = ["verify", "good.softsign", "--samples", "2", "--report", str(tmp_path)]
    failed = CliRunner().invoke(cli, [*asked, "--address", "127.0.0.1:1"])
    assert failed.exit_code == 2, failed.output
    assert (tmp_path / NAME).exists()
    again = CliRunner().invoke(cli, [*asked, "--executor", "inline"])
    assert again.exit_code == 0, again.output


@pytest.mark.usefixtures("libraries")
def test_half_a_line_at_the_end_is_dropped_wherever_it_was_torn(tmp_path: Path) -> None:
    run(tmp_path, until=5)
    path = tmp_path / NAME
    text = path.read_bytes()
    start = text[:-1].rindex(b"\n") + 1
    for end in (start + 1, start + 9, len(text) - 1):
        path.write_bytes(text[:end])
        with Ledger.resume(tmp_path) as ledger:
            assert len(ledger.messages) == 4
            assert path.read_bytes() == text[:end]
            ledger.append(Done("good.softsign", 7))
        with Ledger.resume(tmp_path) as ledger:
            assert ledger.messages[4:] == [Done("good.softsign", 7)]


@pytest.mark.usefixtures("libraries")
def test_a_ledger_that_is_damaged_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    run(tmp_path, until=5)
    path = tmp_path / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(len(lines)):
        for line in (lines[number].replace(b'"', b"'", 1), b"\n", b"00000000 {}\n", b"\0" * 30 + b"\n"):
            damaged = b"".join([*lines[:number], line, *lines[number + 1 :]])
            path.write_bytes(damaged)
            with pytest.raises(LedgerBroke, match=rf"is damaged at line {number + 1}; it was left as it is"):
                Ledger.resume(tmp_path)
            assert path.read_bytes() == damaged


def test_messages_come_back_as_they_were(tmp_path: Path) -> None:
    batch = Batch("a.b", 2, "a.b:2.0:structure:1", 1, 0.1 + 0.2)
    batch.checks = {"structure": Tally({"fail": 1}, 3.25, 2, {"é": 1})}
    batch.findings = [{"check": "structure", "got": float("inf"), "shrunk": {"input": "x"}}]
    batch.coverage.targets |= {3, 1}
    batch.coverage.keywords.add("axis")
    messages: list[Message] = [Hello("a.b", 2, 9, 12, "node", "d", {"numpy": "2"}), batch, Done("a.b", 2)]
    with Ledger.begin(tmp_path, {}) as ledger:
        for message in messages:
            ledger.append(message)
    with Ledger.resume(tmp_path) as ledger:
        assert ledger.messages == messages


def test_one_process_has_a_ledger(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with (
        Ledger.begin(tmp_path, {}),
        pytest.raises(CannotResume, match="is in use: another run writes to it"),
    ):
        Ledger.resume(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.usefixtures("libraries")
def test_a_full_disk_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    header = {"started": now(), **identity(NAMES, OPTIONS, 6)}
    with Ledger.begin(tmp_path, header) as ledger:
        ledger._file.close()
        ledger._file = open("/dev/full", "r+b")  # noqa: SIM115  (the ledger closes it)
        record = verify(NAMES, Inline(), OPTIONS, samples=6, ledger=ledger)
    assert record.exit_status == 3
    assert "cannot be written: No space left on device" in record.broke
    assert f"--resume {tmp_path} goes on from there" in record.broke


# On the command line -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("libraries")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_after_a_kill_the_command_goes_on_and_says_the_same(
    tmp_path: Path, opreg_command: Command, site: Path, cache: Path
) -> None:
    asked = ["good.softsign", "wrong.softsign", "--samples", "30", "--seed", "8", "--executor", "inline"]
    whole = opreg_command("verify", *asked, "--report", str(tmp_path / "whole"))
    assert whole.returncode == 1
    directory = tmp_path / "killed"
    with subprocess.Popen(
        [sys.executable, "-m", "opreg", "verify", *asked, "--report", str(directory)],
        env={**os.environ, "PYTHONPATH": str(site), "OPREG_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (
            (directory / NAME).exists() and (directory / NAME).stat().st_size > 3_000
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    before = decided(directory)
    assert 0 < before.total() < decided(tmp_path / "whole").total()
    refused = CliRunner().invoke(cli, ["verify", *asked, "--report", str(directory)])
    assert refused.exit_code == 2
    assert "is of a run that did not end: go on with it by --resume" in refused.stderr
    resumed = opreg_command("verify", "--resume", str(directory), "--executor", "inline")
    assert resumed.returncode == 1, resumed.stderr
    assert set(decided(directory).values()) == {1}
    assert before <= decided(directory)
    reports = [json.loads((d / "report.json").read_text()) for d in (tmp_path / "whole", directory)]
    assert comparable(reports[0]) == comparable(reports[1])


@pytest.mark.usefixtures("libraries")
def test_what_cannot_be_gone_on_with_is_refused_in_a_sentence(tmp_path: Path, site: Path) -> None:
    def refused(*arguments: str, status: int = 2) -> str:
        done = CliRunner().invoke(cli, ["verify", "--executor", "inline", *arguments])
        assert done.exit_code == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.strip().count("\n") <= 3
        return done.stderr

    here = str(tmp_path / "run")
    assert "holds no ledger (ledger.jsonl)" in refused("--resume", here)
    asked = ["good.softsign", "--samples", "5", "--seed", "8", "--report", here]
    assert CliRunner().invoke(cli, ["verify", "--executor", "inline", *asked]).exit_code == 0
    ledger = (tmp_path / "run" / NAME).read_bytes()
    for arguments, said in (
        (["--seed", "9"], "its seed was '8', now it is '9'"),
        (["--samples", "6"], "its samples was '5', now it is '6'"),
        (["wrong.softsign"], "its names was 'good.softsign', now it is 'wrong.softsign'"),
        (["-k", "structure"], "its keyword was '', now it is 'structure'"),
        (["--check", "structure"], "its checks was '', now it is 'structure'"),
        (["--time-limit", "3"], "its time limit was '10.0', now it is '3.0'"),
        (["--report", here], "leave out --report"),
    ):
        assert said in refused("--resume", here, *arguments), arguments
    again = CliRunner().invoke(cli, ["verify", "--resume", here, "--seed", "8", "--executor", "inline"])
    assert again.exit_code == 0
    module = site / "opreg_good.py"
    module.write_text(module.read_text().replace("** 2", "** 2.0"))
    sys.modules.pop("opreg_good")
    plugins.reset()
    assert "good.softsign changed since (digest" in refused("--resume", here)
    (tmp_path / "run" / NAME).write_bytes(ledger.replace(b"e", b"f", 1))
    assert "is damaged at line 1" in refused("--resume", here, status=3)
