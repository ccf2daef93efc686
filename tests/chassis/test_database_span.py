"""The pinned instrumentation makes a span of each statement, with the stable names."""

from __future__ import annotations

import json
import os
import subprocess
import sys

RUN = """
import json, os
from chassis import telemetry
provider = telemetry.setup("orders", "relay")
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(exporter))
import sqlalchemy as sa
with sa.create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    connection.execute(sa.text("SELECT 42"))
found = [dict(span.attributes) for span in exporter.get_finished_spans()]
print(json.dumps(found, default=str))
"""


def test_statement_has_a_span(postgres_url: str) -> None:
    environment = os.environ | {
        "DATABASE_URL": postgres_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CHASSIS_METRICS_PORT": "0",
    }
    result = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    spans = json.loads(result.stdout.splitlines()[-1])
    [span] = [s for s in spans if "SELECT 42" in str(s.get("db.query.text"))]
    assert span["db.system.name"] == "postgresql"
