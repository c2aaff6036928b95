"""The command ``opreg``, and ``python -m opreg``."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys

INSTALL = "pip install 'opreg[verify]'"
BROKE = 3
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> None:
    """Run the command line and end the process with its exit status."""
    for name in _THREADS:  # before NumPy loads: verdicts are the same to the bit with any number of workers
        os.environ[name] = "1"
    if hasattr(sys.stdout, "reconfigure"):  # what a rule raises may hold half a character
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from opreg.cli import cli
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in ("click", "rich", "numpy", "pluggy"):
            raise
        print(f"opreg: the command line needs {missing}, which is not installed: {INSTALL}", file=sys.stderr)
        sys.exit(2)
    try:
        cli(prog_name="opreg")
    except SystemExit as end:
        if end.code == BROKE and "ray" in sys.modules:
            _leave(BROKE)
        raise


def _leave(status: int) -> None:
    """End the process without tearing down Ray's threads, which may crash where their start was interrupted."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()  # what Ray started is ended here
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
