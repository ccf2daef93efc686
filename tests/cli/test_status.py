"""`migrator status`, on a small monolith and a Prometheus that a test plays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.commands import migrator, refused

SHOP = """
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def create_app() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/orders", view_func=index)
    return app


def index():
    return [row.id for row in Order.query]
"""


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text(SHOP)
    assert migrator(tmp_path, "analyze", "shop").returncode == 0
    done = migrator(tmp_path, "plan", "--services", "1")
    assert done.returncode == 0, done.stderr
    return tmp_path


class Prometheus(BaseHTTPRequestHandler):
    """Answers with `rows`, requests by who answered; or refuses, when they are None."""

    rows: dict[str, float] | None = None
    asked = ""

    def do_GET(self) -> None:
        type(self).asked = self.path
        if self.rows is None:
            status, document = 400, {"status": "error", "error": "parse error"}
        else:
            found = [
                {"metric": {"upstream": name}, "value": [0, str(value)]}
                for name, value in self.rows.items()
            ]
            status, document = 200, {"status": "success", "data": {"result": found}}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def total(folder: Path, *options: str) -> dict[str, object]:
    done = migrator(folder, "status", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)["total"]
    return found


def test_before_and_after_a_service_is_carved(planned: Path) -> None:
    assert total(planned)["tables"] == {"moved": 0, "total": 1}
    assert migrator(planned, "scaffold").returncode == 0
    assert total(planned)["tables"] == {"moved": 1, "total": 1}
    assert total(planned)["routes"] == {"moved": 1, "total": 1}
    text = migrator(planned, "status").stdout
    assert "1 of 1" in text and "1 of 1 services carved" in text
    lines = migrator(planned, "status", "--format", "prometheus").stdout
    assert "# TYPE migration:tables:moved gauge" in lines
    rules = planned / "workspace/observability/prometheus/rules/migration.yml"
    assert "migration:tables:moved" in rules.read_text("utf-8")


def test_traffic_by_prometheus(planned: Path, prometheus: str) -> None:
    Prometheus.rows = {"monolith": 25.0, "shop": 75.0, "none": 1000.0}
    found = total(planned, "--prometheus", prometheus, "--over", "2h")
    assert found["requests"] == {"moved": 75.0, "total": 100.0}
    assert "2h" in Prometheus.asked
    text = migrator(planned, "status", "--prometheus", prometheus).stdout
    assert "75 % moved" in text and "25 %" in text


def test_findings_are_counted(planned: Path) -> None:
    assert total(planned, "--findings")["findings"] == {"error": 0, "warning": 0}


def test_bad_input(planned: Path, prometheus: str) -> None:
    assert "no such workspace" in refused(planned, "status", "--workspace", "nowhere")
    assert "http://" in refused(planned, "status", "--prometheus", "localhost")
    Prometheus.rows = None
    assert "parse error" in refused(planned, "status", "--prometheus", prometheus)
    Prometheus.rows = {}
    assert "no request" in refused(planned, "status", "--prometheus", prometheus)
    assert migrator(planned, "scaffold").returncode == 0
    (planned / "workspace/gateway/routes.json").write_text("{}x")
    assert "routes.json" in refused(planned, "status")


def test_without_a_plan(tmp_path: Path) -> None:
    assert "graph" in refused(tmp_path, "status")
