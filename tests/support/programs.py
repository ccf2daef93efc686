"""Programs of others that a test runs, and a place for their notifications."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from migrator.run.processes import HOST


@contextmanager
def webhooks(notified: list[dict[str, Any]]) -> Iterator[str]:
    """A URL that takes Alertmanager's notifications into `notified`, with path and time."""

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            notified.append({"path": self.path, "at": time.monotonic(), **body})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    sink = ThreadingHTTPServer((HOST, 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{sink.server_port}"
    finally:
        sink.shutdown()
        sink.server_close()


@contextmanager
def server(
    argv: Sequence[str],
    log: Path,
    ready: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[None]:
    """The program while the block runs; begins when `ready` answers 200."""
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, stdout=stream, stderr=stream, env=environment, cwd=cwd)
    try:
        _wait_for(ready, process, log)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(httpx.HTTPError):
                if client.get(url).status_code == 200:
                    return
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])
