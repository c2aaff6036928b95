"""How long `opreg verify` takes over every installed primitive: default samples, local Ray, its start included."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT, CASES = 60.0, 100


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "opreg", "verify", "--report", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begin
        report = json.loads(Path(folder, "report.json").read_text())
    fewest = min(report["primitives"], key=lambda p: p["cases"])
    print(
        f"opreg verify: {seconds:.1f} s (at most {LIMIT:g}: {'yes' if seconds <= LIMIT else 'NO'}), "
        f"exit {done.returncode}"
    )
    print(f"  {report['summary']}")
    enough = "yes" if fewest["cases"] >= CASES else "NO"
    print(f"  fewest cases: {fewest['cases']} of {fewest['name']} (at least {CASES}: {enough})")


if __name__ == "__main__":
    main()
