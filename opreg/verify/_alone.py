"""One case decided in a throw-away process: how it dies there is what is said of a case that kills its workers.

Run as a module it is that process: it reads a shard, decides its first undelivered case and writes the messages.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import re
import signal
import subprocess
import sys
from sysconfig import get_path

import numpy

import opreg
from opreg.verify._bounds import without_core_files
from opreg.verify._messages import Message
from opreg.verify._plan import Shard
from opreg.verify._run import Options, decide

START_SECONDS = 60.0
"""How long the process may take to start and to import what it needs."""
_THREAD = re.compile(r"^(Current thread|Thread) 0x.*\n", re.MULTILINE)
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)')
_OURS = (os.path.dirname(opreg.__file__) + os.sep, os.path.dirname(numpy.__file__) + os.sep, "<")


def hard_limit(options: Options) -> float:
    """Return after how many seconds a process is ended in which a case cannot be stopped."""
    return 3 * options.bounds.seconds + 2


def decide_alone(shard: Shard, options: Options) -> tuple[list[Message], str]:
    """Decide the first undelivered case of a shard in a process of its own.

    Returns its messages and an empty string, or no message and a sentence that says how the process died.
    """
    seconds = hard_limit(options)
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as child:
        try:
            answer, said = child.communicate(pickle.dumps((shard, options)), START_SECONDS + seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            return [], f"it did not end within {START_SECONDS + seconds:g} s, and could not be stopped"
        except BaseException:
            child.kill()
            raise
    if child.returncode == 0 and answer:
        messages: list[Message] = pickle.loads(answer)
        return messages, ""
    return [], _death(child.returncode, said, seconds)


def _death(code: int, said: bytes, seconds: float) -> str:
    """Say how a process died, from its exit status and from what faulthandler wrote."""
    if said.startswith(b"Timeout ("):
        return f"it hung: after {seconds:g} s it had not ended and could not be stopped{_place(said)}"
    if code >= 0:
        return f"it ended its process, with exit status {code}{_place(said)}"
    try:
        name = f" ({signal.Signals(-code).name}: {signal.strsignal(-code)})"
    except ValueError:
        name = ""
    return f"its process died by signal {-code}{name}{_place(said)}"


def _place(said: bytes) -> str:
    """Return the innermost line of an author's Python code in what faulthandler wrote of the thread that decides."""
    threads = _THREAD.split(said.decode(errors="replace"))[1:]
    stacks = dict(zip(threads[::2], threads[1::2], strict=True))
    current = stacks.get(
        "Current thread", next(reversed(stacks.values()), "")
    )  # else the main one, which is last
    standard, others = get_path("stdlib") + os.sep, get_path("purelib") + os.sep
    for frame in _FRAME.finditer(current):
        file = frame["file"]
        theirs = file.startswith(others) or not file.startswith(standard)
        if theirs and not file.startswith(_OURS):
            return f", in {frame['function']} ({file}:{frame['line']})"
    return ""


def main() -> None:
    """Decide what standard input asks for; the messages go to what was standard output."""
    without_core_files()
    shard, options = pickle.load(sys.stdin.buffer)
    with os.fdopen(os.dup(1), "wb") as answer, os.fdopen(os.dup(2), "w") as last_words:
        faulthandler.enable(last_words)
        faulthandler.dump_traceback_later(hard_limit(options), exit=True, file=last_words)
        answer.write(pickle.dumps(list(decide(shard, options))))
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
