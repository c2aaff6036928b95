"""How often each wrong rule of `tests/verify/mutants` is caught, on fresh seeds, and each right one accepted.

    python detect.py                        # 5 fresh seeds
    python detect.py --seeds 100            # 99 of 100 is due for every wrong rule; no right one may fail
    python detect.py matmul --seeds 20      # the rules whose name has this in it
    python detect.py --all                  # print every rate, not only those below 1

The seeds are drawn afresh and printed with what went wrong: `--seed N` begins at N.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from rules import MISSED, REJECTED, RIGHT, UNRESOLVED, WRONG

LEAST = 0.99
# A forked worker finds the functions of this program under whatever name it was started.
START = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"


class Judged(NamedTuple):
    """What became of one rule with one seed."""

    kind: str
    name: str
    wrong: bool
    seed: int
    outcome: str
    reason: str


def judge(seed: int, pattern: str) -> list[Judged]:
    """Judge every rule once."""
    found = []
    for wrong, table in ((True, WRONG), (False, RIGHT)):
        for kind, rules in table.items():
            for rule in rules:
                if pattern in rule.name:
                    verdict = rule.judge(seed, shrink=False)  # it is not told why, only whether
                    found.append(Judged(kind, rule.name, wrong, seed, verdict.outcome, verdict.reason))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rates; return 1 where they fall short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--all", action="store_true", help="print every rate")
    options = parser.parse_args(arguments)
    first = secrets.randbelow(2**31) if options.seed is None else options.seed
    seeds = range(first, first + options.seeds)
    print(f"seeds {first} to {seeds[-1]}")
    started = time.perf_counter()
    outcomes: dict[tuple[bool, str, str], Counter[str]] = defaultdict(Counter)
    with multiprocessing.get_context(START).Pool(options.workers) as pool:
        for judged in pool.imap_unordered(partial(judge, pattern=options.pattern), seeds):
            for one in judged:
                outcomes[one.wrong, one.kind, one.name][one.outcome] += 1
                if one.outcome != ("fail" if one.wrong else "pass") and one.name not in MISSED | UNRESOLVED:
                    print(f"  {one.name!r}, seed {one.seed}: {one.outcome} {one.reason[:140]}", flush=True)
    short = 0
    for wrong, due in ((True, "fail"), (False, "pass")):
        print(f"\n{'wrong rules killed' if wrong else 'right rules passed'}")
        total: Counter[str] = Counter()
        for kind in WRONG if wrong else RIGHT:
            rows = {n: c for (w, k, n), c in outcomes.items() if w == wrong and k == kind}
            if not rows:
                continue
            rates = {name: count[due] / options.seeds for name, count in rows.items()}
            total += sum(rows.values(), Counter())
            whole = sum(rate == 1 for rate in rates.values())
            print(
                f"  {kind:<16} {len(rates):>4} rules, {whole} with every seed, the least at {min(rates.values()):.0%}"
            )
            for name, rate in sorted(rates.items(), key=lambda item: item[1]):
                if rate < 1 or options.all:
                    excuse = (MISSED | REJECTED | UNRESOLVED).get(name, "")
                    lost = rate < LEAST if wrong else rows[name]["fail"] + rows[name]["error"] > 0
                    short += lost and not excuse
                    print(f"      {rate:6.1%}  {name}" + (f"  (known: {excuse})" if excuse else ""))
        shares = (f"{number / total.total():.2%} {outcome}" for outcome, number in total.most_common())
        print("  in all " + ", ".join(shares))
    seconds = time.perf_counter() - started
    print(f"\n{seconds:.0f} s; {short} rules below {LEAST:.0%} (wrong) or failed (right), and not known")
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
