"""``python -m gateway``: serve on ``HOST`` (127.0.0.1) and ``PORT`` (8080)."""

from __future__ import annotations

import os
import signal
import sys

import uvicorn

from gateway.app import from_environment


def main() -> None:
    """Serve until a signal ends the process."""
    # uvicorn raises the signal again once it has stopped: by default that ends the process at
    # once, and with it the last seconds of telemetry.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        from_environment(),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8080")),
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
