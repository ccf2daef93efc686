"""What the tests of observability share: a rendered workspace, and where the real tools are."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migrator.model.manifest import RemoteFunction, ServiceManifest
from migrator.model.plan import Service
from migrator.model.progress import Progress, ServiceProgress, Share
from migrator.model.slo import Slo
from migrator.scaffold.images import IMAGES
from migrator.scaffold.observability import observability_files

REPOSITORY = Path(__file__).resolve().parents[2]
# A folder with the programs of the pinned versions: promtool, prometheus, otelcol, loki …
NEWER = Path(os.environ.get("OBSERVABILITY_BIN", "/nonexistent"))


def rendered(folder: Path, names: tuple[str, ...] = ("orders", "search")) -> Path:
    """The observability files of a workspace of two services, one with SLOs of its own."""
    slos = {"search": (Slo("search-fast", 95.0, 0.25, ("GET",), ("/api/search*",)),)}
    services = [Service(name, "", (), (), slos.get(name, ())) for name in names]
    manifests = [
        ServiceManifest(
            name=name,
            package="shop",
            factory="shop:app",
            published=("orders",),
            replicas=(("people", "accounts"),),
            calls=(RemoteFunction("shop.people:find", "accounts"),),
        )
        for name in names
    ]
    moved = Progress(tuple(ServiceProgress(n, True, Share(2, 2), Share(1, 1)) for n in names))
    context: dict[str, object] = {"images": IMAGES, "complete": True}
    for path, text in observability_files(services, manifests, moved, context).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


@cache
def load(path: Path) -> Any:
    """The YAML of `path`."""
    return YAML(typ="safe").load(path.read_text("utf-8"))


def tool(name: str) -> str | None:
    """The program `name` of the pinned version, where the machine has it."""
    found = NEWER / name
    return str(found) if found.exists() else None


def promtools() -> list[Any]:
    """Every promtool here: Debian's (2.42) and, where it is, that of the pinned version."""
    found = [path for path in (shutil.which("promtool"), tool("promtool")) if path]
    reason = "promtool is not installed (apt-get install prometheus)"
    return found or [pytest.param("", marks=pytest.mark.skip(reason=reason))]
