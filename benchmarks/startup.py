"""What a process pays to begin: importing opreg, and the first gradient of NumPy code.

Each figure is the difference of two medians of a child's own CPU time, over interleaved runs. Byte code is compiled
first, as an installation leaves it. Linear algebra is kept to one thread: the others wait by spinning, and their time
would be counted for as long as the process lives.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

FIRST_GRADIENT = "import numpy as np, opreg; opreg.grad(lambda x: np.sum(np.sin(x) * x))(np.ones(3))"
PROGRAMS = {
    "nothing": "pass",
    "import opreg": "import opreg",
    "import numpy": "import numpy",
    "first grad": FIRST_GRADIENT,
}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LIMITS = {"import opreg": 10.0, "first grad": 40.0}


def child(program: str) -> float:
    """Return the CPU time, in milliseconds, of a fresh interpreter that runs a program."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | ONE_THREAD
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Print the figures."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for program in PROGRAMS.values():
        child(program)
    for _ in range(15):
        for name, program in PROGRAMS.items():
            times[name].append(child(program))
    median = {name: statistics.median(values) for name, values in times.items()}
    print("what a process pays to begin, CPU milliseconds")
    numpy = median["import numpy"] - median["nothing"]
    for name, over in (("import opreg", "nothing"), ("first grad", "import numpy")):
        cost = median[name] - median[over]
        verdict = "yes" if cost <= LIMITS[name] else "NO"
        print(
            f"  {name:<12} over {over:<12} {cost:6.1f} ms, {cost / numpy:.2f} of NumPy's import, {numpy:.1f} ms "
            f"(at most {LIMITS[name]:g} ms: {verdict})"
        )


if __name__ == "__main__":
    main()
