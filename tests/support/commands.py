"""The command line as people run it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def migrator(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs ``migrator`` in `cwd`."""
    return subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeds(cwd: Path, *arguments: str) -> str:
    """What a command prints that must succeed."""
    result = migrator(cwd, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def refused(cwd: Path, *arguments: str) -> str:
    """The message of a command that must refuse its input."""
    result = migrator(cwd, *arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("error: ")
    return result.stderr
