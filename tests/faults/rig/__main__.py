"""``python -m tests.faults.rig``: schedules by seed; exit 1 where the ledger is not clean."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .mutants import MUTANTS
from .run import LEASE, Rig
from .schedule import draw


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rig", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="run seeds 0 .. N-1")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="begin with this seed")
    parser.add_argument("--seed", type=int, help="run this one only, and print its faults")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long things break")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the chassis itself")
    parser.add_argument("--folder", type=Path, help="keep servers' files and logs here")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    chosen = [arguments.seed] if arguments.seed is not None else list(seeds)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="rig"))
    totals: dict[str, int] = dict.fromkeys(("produced", "delivered", "applied", "dead"), 0)
    unclean = []
    began = time.monotonic()
    with Rig(folder, arguments.mutant) as rig:
        for seed in chosen:
            schedule = draw(seed, arguments.seconds, LEASE)
            if arguments.seed is not None:
                print(*schedule.faults, sep="\n")
            ledger = rig.run(schedule)
            print(f"seed {seed}: {ledger}", flush=True)
            for name in totals:
                totals[name] += getattr(ledger, name)
            if not ledger.clean:
                unclean.append(seed)
    counted = ", ".join(f"{name} {number}" for name, number in totals.items())
    took = time.monotonic() - began
    print(f"{len(chosen)} schedules in {took:.0f} s: {counted}; not clean: {unclean or 'none'}")
    print(f"logs: {folder}", file=sys.stderr)
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())
