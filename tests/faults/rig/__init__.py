"""A rig that breaks what runs the chassis, and a ledger that tells what it cost.

``python -m tests.faults.rig --seeds 200`` runs 200 schedules; each prints its seed, and
``--seed N`` runs the schedule of that seed again.
"""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
for _folder in ("tests", "tests/support", "templates/chassis"):
    # Behind what is there: PYTHONPATH may name another chassis to put to the test.
    if str(_ROOT / _folder) not in sys.path:
        sys.path.append(str(_ROOT / _folder))
