"""``python -m tests.faults.rig``: schedules by seed; exit 1 where the ledger is not clean."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import get_args

from .many import Result, run
from .mutants import MUTANTS
from .run import BATCH, Rig
from .schedule import Kind

_COUNTED = ("produced", "delivered", "applied", "dead")


def main() -> int:
    arguments = _parser().parse_args()
    first, number = arguments.first, arguments.seeds
    seeds = [arguments.seed] if arguments.seed is not None else list(range(first, first + number))
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="rig"))
    # The server of the databases is not root.
    folder.chmod(0o755)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    unclean = []

    def tell(result: Result) -> None:
        if arguments.seed is not None:
            print(*result.faults, sep="\n")
        print(result, flush=True)
        if result.ledger is not None:
            totals.update({name: getattr(result.ledger, name) for name in _COUNTED})
        if not result.clean:
            unclean.append(result.seed)

    rig = Rig(folder, arguments.broker, arguments.batch or None, arguments.mutant)
    tally = run(rig, seeds, arguments.seconds, min(arguments.jobs, len(seeds)), tell)
    counted = ", ".join(f"{name} {totals[name]}" for name in _COUNTED)
    took = time.monotonic() - began
    print(f"{len(seeds)} schedules in {took:.0f} s: {counted}; not clean: {unclean or 'none'}")
    print(tally)
    if toothless := tally.toothless():
        print(f"never hurt, so this proves nothing about it: {', '.join(toothless)}")
    print(f"logs: {folder}", file=sys.stderr)
    return 1 if unclean or toothless else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rig", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="run N seeds")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="begin with this seed")
    parser.add_argument("--seed", type=int, help="run this one only, and print its faults")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long things break")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="rigs at the same time")
    parser.add_argument(
        "--broker",
        choices=[kind for kind in get_args(Kind) if kind != "kafka"],
        default="nats",
        help="what lies between relays and inboxes",
    )
    parser.add_argument(
        "--batch", type=int, default=BATCH, metavar="N", help="CHASSIS_BATCH; 0 for its default"
    )
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the chassis itself")
    parser.add_argument("--folder", type=Path, help="keep servers' files and logs here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
