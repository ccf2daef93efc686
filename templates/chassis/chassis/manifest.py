"""`service.toml`: what this service owns, copies, calls and serves."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ManifestError(ValueError):
    """`service.toml` is missing or wrong."""


@dataclass(frozen=True)
class Manifest:
    """The manifest; the mappings name the service that owns each table or function.

    `subscribers` are the services that copy each published table.
    """

    name: str
    package: str
    factory: str = ""
    models: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    owned: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    replicas: Mapping[str, str] = field(default_factory=dict)
    remote_inserts: Mapping[str, str] = field(default_factory=dict)
    subscribers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    emits: Mapping[str, str] = field(default_factory=dict)
    serves_calls: tuple[str, ...] = ()
    serves_events: tuple[str, ...] = ()


def load(path: str | Path | None = None) -> Manifest:
    """Read `path`, by default the file that ``CHASSIS_MANIFEST`` names."""
    path = Path(path or os.environ.get("CHASSIS_MANIFEST", "service.toml"))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(f"{path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from error
    return parse(data, str(path))


def parse(data: Mapping[str, Any], where: str = "service.toml") -> Manifest:
    """The manifest that the TOML document `data` describes."""
    try:
        service, tables = data["service"], data.get("tables", {})
        serves = data.get("serves", {})
        return Manifest(
            name=service["name"],
            package=service["package"],
            factory=service.get("factory", ""),
            models=tuple(service.get("models", ())),
            routes=tuple((method, rule) for method, rule in service.get("routes", ())),
            owned=tuple(tables.get("owned", ())),
            published=tuple(tables.get("published", ())),
            replicas=dict(tables.get("replicas", {})),
            remote_inserts=dict(tables.get("remote_inserts", {})),
            subscribers={t: tuple(s) for t, s in tables.get("subscribers", {}).items()},
            calls=dict(data.get("calls", {})),
            emits=dict(data.get("emits", {})),
            serves_calls=tuple(serves.get("calls", ())),
            serves_events=tuple(serves.get("events", ())),
        )
    except KeyError as error:
        raise ManifestError(f"{where}: {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ManifestError(f"{where}: {error}") from error
