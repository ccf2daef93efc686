"""A statement within a trace has a span, with the stable names; one outside of any is counted."""

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
from opentelemetry import trace
from prometheus_client import REGISTRY

def count():
    return {
        sample.labels.get("error_type", ""): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "db_client_operation_duration_seconds_count"
        and sample.labels["db_operation_name"] == "SELECT"
    }

engine = sa.create_engine(os.environ["DATABASE_URL"])
with engine.connect() as connection:
    connection.execute(sa.text("SELECT 41"))
    with trace.get_tracer("test").start_as_current_span("request"):
        connection.execute(sa.text("SELECT 42 WHERE 'a@b.cd' = :x"), {"x": "secret"})
        try:
            connection.execute(sa.text("SELECT nothing FROM nowhere"))
        except sa.exc.ProgrammingError:
            pass
found = [
    {
        **span.attributes,
        "name": span.name,
        "kind": span.kind.name,
        "parent": span.parent and span.parent.span_id,
        "id": span.context.span_id,
        "status": span.status.status_code.name,
    }
    for span in exporter.get_finished_spans()
]
counted = count()
print(json.dumps([found, counted], default=str))
"""


def test_statement_has_a_span_within_a_trace_and_is_counted_outside(postgres_url: str) -> None:
    environment = os.environ | {
        "DATABASE_URL": postgres_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CHASSIS_METRICS_PORT": "0",
    }
    result = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    spans, counted = json.loads(result.stdout.splitlines()[-1])
    [request] = [s for s in spans if s["name"] == "request"]
    statements = [s for s in spans if "db.query.text" in s]
    assert [s["parent"] for s in statements] == [request["id"]] * 2
    assert [s["kind"] for s in statements] == ["CLIENT"] * 2
    good, bad = statements
    assert good["db.system.name"] == "postgresql"
    assert good["db.operation.name"] == "SELECT"
    assert good["db.query.text"] == "SELECT 42 WHERE ? = %(x)s"
    assert good["name"] == f"SELECT {good['db.namespace']}"
    assert (bad["status"], bad["db.response.status_code"]) == ("ERROR", "42P01")
    assert counted == {"": 2, "42P01": 1}
