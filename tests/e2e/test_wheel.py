"""The wheel alone, in an empty environment, does the main job."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "sample_monolith"


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def test_installed_wheel_runs_the_main_job(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    run(sys.executable, "-m", "build", "--wheel", "--outdir", dist, REPOSITORY, cwd=tmp_path)
    (wheel,) = dist.glob("*.whl")
    assert "migrator/_schemas/graph.schema.json" in zipfile.ZipFile(wheel).namelist()
    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    run(environment / "bin/pip", "install", "-q", f"{wheel}[up]", cwd=tmp_path)
    migrator = environment / "bin/migrator"
    project = tmp_path / "project"
    project.mkdir()

    run(migrator, "analyze", SAMPLE, "--html", "graph.html", cwd=project)
    assert (project / "graph.html").stat().st_size > 50_000
    run(migrator, "plan", cwd=project)
    run(migrator, "scaffold", cwd=project)
    assert "unchanged" in run(migrator, "scaffold", cwd=project)
    run(migrator, "up", "--check", cwd=project)
