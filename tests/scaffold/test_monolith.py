"""`scaffold --monolith`, run for real: one line more, and the sample's monolith is measured."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.commands import succeeds

from migrator.run.otlp import OtlpReceiver

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    made = tmp_path / "sample"
    shutil.copytree(
        REPOSITORY / "sample_monolith", made, ignore=shutil.ignore_patterns("__pycache__")
    )
    return made


def test_one_line_gives_the_monolith_the_services_telemetry(
    tmp_path: Path, sample: Path, postgres_url: str
) -> None:
    succeeds(tmp_path, "analyze", str(sample))
    said = succeeds(tmp_path, "scaffold", "--monolith")
    assert "first line of wsgi.py" in said
    found = re.search(r"^    (import \S+)$", said, re.MULTILINE)
    assert found
    wsgi = sample / "wsgi.py"
    wsgi.write_text(f"{found[1]}\n{wsgi.read_text('utf-8')}", "utf-8")
    with OtlpReceiver() as receiver:
        environment = {
            **os.environ,
            "DATABASE_URL": postgres_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        }
        program = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(program, cwd=sample, env=environment, check=True, capture_output=True)
        ask = "import wsgi; print(wsgi.app.test_client().get('/api/jobs').status_code)"
        done = subprocess.run(
            [sys.executable, "-c", ask],
            cwd=sample,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        spans = [span for trace in receiver.traces().values() for span in trace]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    [access] = [line for line in lines if line["message"] == "request"]
    assert (access["status"], access["service.name"]) == (200, "jobmarket")
    [request] = [span for span in spans if span.kind == "server"]
    assert request.attributes["http.route"] == "/api/jobs"
    assert request.trace == access["trace_id"]
    statements = [span for span in spans if "db.query.text" in span.attributes]
    assert statements
    assert {span.trace for span in statements} == {request.trace}
    assert {span.role for span in spans} == {"monolith"}
    assert ("jobmarket", "http.server.request.duration") in receiver.metrics
    assert re.search(
        r": \d+ unchanged \(dry run\)", succeeds(tmp_path, "scaffold", "--monolith", "--dry-run")
    )


def test_requirements_are_those_of_the_chassis() -> None:
    text = (REPOSITORY / "templates/monolith/requirements.txt").read_text("utf-8")
    mine = {line for line in text.splitlines() if line and not line.startswith("#")}
    project = tomllib.loads((REPOSITORY / "templates/chassis/pyproject.toml").read_text("utf-8"))
    needed = project["project"]["dependencies"]
    assert mine == {name for name in needed if name.startswith("opentelemetry")}
