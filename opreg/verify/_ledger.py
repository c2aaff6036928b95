"""The ledger of a run: every message as it comes, in a file that is only ever appended to.

Each line holds a checksum and a JSON value: first what the run is, then its messages, last that it ended. A line in
the middle of which the process was killed has no end, and is dropped; any other damage is an error. One process at a
time has a ledger.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from opreg._errors import OpregError
from opreg.verify._messages import Batch, Coverage, Done, Hello, Message, Tally

try:
    import fcntl
except ImportError:  # not a Unix: nothing keeps two runs from one ledger there
    fcntl = None  # type: ignore[assignment]

SCHEMA = "opreg-ledger/1"
NAME = "ledger.jsonl"
END = {"kind": "end"}


def differing(header: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return in what a run that is asked for differs from that of a ledger, in a phrase; empty if in nothing."""
    was, now = header["digests"], asked["digests"]
    changed = [name for name in was if name in now and now[name] != was[name]]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]}{more} changed since (digest {was[changed[0]]}, now {now[changed[0]]})"
    for name, value in asked.items():
        if name != "digests" and header.get(name) != value:
            return f"its {name.replace('_', ' ')} was {_short(header.get(name))}, now it is {_short(value)}"
    return ""


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


class CannotResume(OpregError):
    """There is no ledger, or it is not that of the run asked for; the message says what to do."""


class LedgerBroke(OpregError):
    """A ledger is damaged, or cannot be written any more."""


class Ledger:
    """A ledger that is open for writing: what the run is, and the messages that it held when it was opened."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file
        self.header: dict[str, Any] = {}
        self.messages: list[Message] = []
        self.ended = False
        self._torn = False  # whether behind the place to write at there is half a line

    @classmethod
    def begin(cls, directory: Path, header: Mapping[str, Any]) -> Ledger:
        """Begin the ledger of a new run. It takes the place of that of a run that ended, or decided nothing."""
        path = directory / NAME
        if path.exists():
            with cls.resume(directory) as former:
                if former.messages and not former.ended:
                    raise CannotResume(
                        f"{path} is of a run that did not end: go on with it by --resume {directory}, "
                        "or remove the file, or name another directory."
                    )
                path.unlink()
        ledger = cls(path, _opened(path, "xb"))
        ledger.header = {"schema": SCHEMA, **header}
        ledger._write(ledger.header)
        return ledger

    @classmethod
    def resume(cls, directory: Path) -> Ledger:
        """Open the ledger of a run; it is not changed before something is written."""
        path = directory / NAME
        if not path.is_file():
            raise CannotResume(
                f"{str(directory)!r} holds no ledger ({NAME}): --resume takes the directory that a run was given "
                "as --report."
            )
        ledger = cls(path, _opened(path, "r+b"))
        try:
            ledger._read()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def append(self, message: Message) -> None:
        """Write a message: when this returns it is in the file, whatever becomes of this process."""
        self._write({"kind": type(message).__name__, **_plain(message)})

    def end(self) -> None:
        """Write that the run ended: there is nothing to go on with."""
        self._write(END)

    def close(self) -> None:
        """Close the file; another process may have it."""
        with contextlib.suppress(OSError):
            self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, default=_plain).encode(errors="backslashreplace")
        try:
            if self._torn:
                self._file.truncate()
                self._torn = False
            self._file.write(b"%08x %b\n" % (zlib.crc32(text), text))
            self._file.flush()
        except OSError as error:
            raise LedgerBroke(
                f"{self.path} cannot be written: {error.strerror or error}. What was decided until then is in it; "
                f"--resume {self.path.parent} goes on from there."
            ) from None

    def _read(self) -> None:
        """Read what is there, and stand where the next line is to be written."""
        end = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                self._torn = True
                break
            try:
                check, text = int(line[:8], 16), line[9:-1]
                value = json.loads(text) if zlib.crc32(text) == check else None
            except ValueError:
                value = None
            if not isinstance(value, dict) or (number > 1 and "kind" not in value):
                raise LedgerBroke(f"{self.path} is damaged at line {number}; it was left as it is.")
            self._enter(value)
            end += len(line)
        self._file.seek(end)

    def _enter(self, value: dict[str, Any]) -> None:
        if not self.header:
            if value.get("schema") != SCHEMA:
                raise CannotResume(
                    f"{self.path} was written by another version of opreg: {value.get('schema')}."
                )
            self.header = value
        elif value == END:
            self.ended = True
        else:
            self.messages.append(_message(value))


def _plain(value: Any) -> Any:
    """Return what JSON does not have: a set as a list, a message or a part of one as its fields."""
    return (
        sorted(value) if isinstance(value, set) else {name: getattr(value, name) for name in value.__slots__}
    )


def _message(value: dict[str, Any]) -> Message:
    """Return the message that a line holds."""
    kind = value.pop("kind")
    if kind == "Hello":
        return Hello(**value)
    if kind == "Done":
        return Done(**value)
    value["checks"] = {name: Tally(**tally) for name, tally in value["checks"].items()}
    value["coverage"] = Coverage(**{name: set(items) for name, items in value["coverage"].items()})
    return Batch(**value)


def _opened(path: Path, mode: str) -> Any:
    """Open a ledger, for this process alone."""
    try:
        file = open(path, mode)  # noqa: SIM115  (it stays open)
    except OSError as error:
        raise LedgerBroke(f"{path} cannot be opened: {error.strerror or error}.") from None
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise CannotResume(f"{path} is in use: another run writes to it.") from None
    return file
