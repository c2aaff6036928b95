"""What other gradient checkers say of the wrong and the right rules of `tests/verify/mutants`.

    python peers.py                              # print the table
    python peers.py --write ../docs/peers.md     # and put it into the documentation
    python peers.py --list "HIPS check_grads"    # the wrong rules that it lets pass, the right ones that it refuses

Every checker gets the same inputs, a rule's own samples. It kills a wrong rule if it refuses one of its samples, and
rejects a right one likewise; that it cannot handle an input counts as a refusal, as it does for its users. All look at
first order in reverse mode; `check_rule` looks at more, and tries the inputs that it derives from the sample.
Milliseconds are the mean of the process's own time for a check of a right rule. Left out are the wrong rules that only
forward mode, second order or a registered declaration could show.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import platform
import re
import secrets
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from checkers import Checker, checkers
from rules import RIGHT, WRONG

OTHER_MODES = ("forward mode", "second order", "declaration")
MARK = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.S)


def refuses(checker: Checker, rule: Any, seed: int) -> tuple[bool, list[float]]:
    """Tell whether a checker refuses a rule at one of its samples, with the seconds that each took."""
    spent = []
    for args, kwargs in rule.samples(seed):
        begin = time.process_time()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                checker((rule.forward, rule.rule()), args, kwargs, seed)
        except Exception:
            return True, spent
        spent.append(time.process_time() - begin)
    return False, spent


def survey(seed: int, report: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Return, for each checker: killed by kind, the wrong rules that pass, the right ones refused, seconds."""
    found: dict[str, dict[str, Any]] = {}
    for name, checker in checkers().items():
        report(name)
        refuses(checker, RIGHT["ordinary"][0], seed)  # imports and compiles what is needed
        killed: dict[str, list[bool]] = defaultdict(list)
        passed, rejected, seconds = [], [], []
        for kind, rules in WRONG.items():
            if kind in OTHER_MODES:
                continue
            for rule in rules:
                refused, _ = refuses(checker, rule, seed)
                killed[kind].append(refused)
                passed += [] if refused else [rule.name]
        for rules in RIGHT.values():
            for rule in rules:
                refused, spent = refuses(checker, rule, seed)
                seconds += spent
                rejected += [rule.name] if refused else []
        found[name] = {"killed": killed, "passed": passed, "rejected": rejected, "seconds": seconds}
    return found


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The result as a Markdown table: a row for each checker."""
    kinds = [kind for kind in WRONG if kind not in OTHER_MODES]
    wrong = sum(len(WRONG[kind]) for kind in kinds)
    right = sum(map(len, RIGHT.values()))
    head = ["checker", f"killed, of {wrong}", f"right rules rejected, of {right}", "ms per check", *kinds]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in found.items():
        hits = [hit for kind in kinds for hit in row["killed"][kind]]
        cells = [
            name,
            f"{sum(hits) / len(hits):.1%}",
            str(len(row["rejected"])),
            f"{1e3 * statistics.mean(row['seconds']):.2g}",
            *(f"{statistics.mean(row['killed'][kind]):.0%}" for kind in kinds),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def setting() -> str:
    """What it was measured with."""
    names = [("numpy", "NumPy"), ("torch", "PyTorch"), ("autograd", "HIPS autograd"), ("jax", "JAX")]
    parts = [f"{words} {version(name)}" for name, words in names if name in sys.modules]
    return ", ".join([f"Python {platform.python_version()}", *parts, platform.machine()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--write", metavar="FILE", help="replace the table in this Markdown file")
    parser.add_argument("--list", metavar="CHECKER", help="name what this checker gets wrong")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    logging.disable()  # JAX logs what a callback raises
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = survey(seed, lambda name: print(f"{name} ...", file=sys.stderr))
    text = f"{table(found)}\n\nSeed {seed}; {setting()}.\n"
    print(text)
    if options.list:
        print(f"lets pass: {found[options.list]['passed']}\nrejects: {found[options.list]['rejected']}")
    if options.write:
        page = Path(options.write)
        page.write_text(MARK.sub(lambda _: f"\n{text}\n", page.read_text()))


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    main()
