"""The rules of `tests/verify/mutants`, right and wrong, for the programs here."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_folder = str(Path(__file__).resolve().parent.parent / "tests" / "verify")
if _folder not in sys.path:
    sys.path.append(_folder)
_mutants = importlib.import_module("mutants")

WRONG, RIGHT = _mutants.WRONG, _mutants.RIGHT
MISSED, REJECTED, UNRESOLVED = _mutants.MISSED, _mutants.REJECTED, _mutants.UNRESOLVED
