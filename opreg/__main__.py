"""The command ``opreg``, and ``python -m opreg``."""

from __future__ import annotations

import os
import sys

INSTALL = "pip install 'opreg[verify]'"
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> None:
    """Run the command line and end the process with its exit status."""
    for name in _THREADS:  # before NumPy loads: verdicts are the same to the bit with any number of workers
        os.environ[name] = "1"
    try:
        from opreg.cli import cli
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in ("click", "rich", "numpy", "pluggy"):
            raise
        print(f"opreg: the command line needs {missing}, which is not installed: {INSTALL}", file=sys.stderr)
        sys.exit(2)
    cli(prog_name="opreg")


if __name__ == "__main__":
    main()
