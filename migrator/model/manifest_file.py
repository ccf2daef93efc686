"""`service.toml`: a service's manifest on disk."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w

from migrator.model.errors import MigratorError
from migrator.model.manifest import RemoteFunction, ServiceManifest


def dump_manifest(manifest: ServiceManifest) -> str:
    """TOML text; same manifest, same text."""
    document = {
        "service": {
            "name": manifest.name,
            "package": manifest.package,
            "factory": manifest.factory,
            "models": list(manifest.models),
            "routes": [list(route) for route in manifest.routes],
        },
        "tables": {
            "owned": list(manifest.owned),
            "published": list(manifest.published),
            "replicas": dict(manifest.replicas),
            "remote_inserts": dict(manifest.remote_inserts),
            "subscribers": {table: list(peers) for table, peers in manifest.subscribers},
        },
        "calls": {remote.function: remote.service for remote in manifest.calls},
        "emits": {remote.function: remote.service for remote in manifest.emits},
        "serves": {"calls": list(manifest.serves_calls), "events": list(manifest.serves_events)},
    }
    return tomli_w.dumps(document)


def read_manifest(path: Path) -> ServiceManifest:
    """Raises MigratorError where the file is missing, no TOML, or lacks what it must have."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        return _manifest(data)
    except FileNotFoundError as error:
        raise MigratorError("no service manifest", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MigratorError(f"broken TOML: {error}", where=str(path)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MigratorError(f"not a service manifest: {error}", where=str(path)) from error


def _manifest(data: dict[str, Any]) -> ServiceManifest:
    service, tables, serves = data["service"], data.get("tables", {}), data.get("serves", {})
    return ServiceManifest(
        name=service["name"],
        package=service["package"],
        factory=service["factory"],
        models=tuple(service.get("models", ())),
        routes=tuple((method, rule) for method, rule in service.get("routes", ())),
        owned=tuple(tables.get("owned", ())),
        published=tuple(tables.get("published", ())),
        replicas=_pairs(tables.get("replicas", {}).items()),
        remote_inserts=_pairs(tables.get("remote_inserts", {}).items()),
        subscribers=tuple(
            (str(table), tuple(map(str, peers)))
            for table, peers in tables.get("subscribers", {}).items()
        ),
        calls=_remote(data.get("calls", {}).items()),
        emits=_remote(data.get("emits", {}).items()),
        serves_calls=tuple(serves.get("calls", ())),
        serves_events=tuple(serves.get("events", ())),
    )


def _pairs(items: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), str(value)) for key, value in items)


def _remote(items: Iterable[tuple[str, str]]) -> tuple[RemoteFunction, ...]:
    return tuple(RemoteFunction(str(function), str(service)) for function, service in items)
