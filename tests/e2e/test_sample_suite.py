"""The sample's own test-suite passes, as its README says to run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from migrator.run.servers import EmbeddedPostgres

SAMPLE = Path(__file__).parents[2] / "sample_monolith"


def test_the_samples_own_tests_pass(postgres_server: EmbeddedPostgres) -> None:
    outer = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "tests"],
        cwd=SAMPLE,
        env={**outer, "TEST_DATABASE_URL": postgres_server.url()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    [passed] = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= 300
