"""``python -m gateway``: serve on ``HOST`` (127.0.0.1) and ``PORT`` (8080)."""

from __future__ import annotations

import os

import uvicorn

from gateway.app import from_environment


def main() -> None:
    """Serve until a signal ends the process."""
    uvicorn.run(
        from_environment(),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8080")),
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
