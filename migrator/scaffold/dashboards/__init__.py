"""Grafana dashboards as code: each module makes one; `board` and `panels` are their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrator.model.manifest import ServiceManifest
from migrator.scaffold.dashboards.board import Board, dump
from migrator.scaffold.dashboards.fleet import fleet
from migrator.scaffold.dashboards.levels import levels
from migrator.scaffold.dashboards.messaging import messaging
from migrator.scaffold.dashboards.migration import migration
from migrator.scaffold.dashboards.panels import FIND_SERVICE, OPEN_SERVICE
from migrator.scaffold.dashboards.service import of_gateway, of_service, uid


def boards(manifests: Sequence[ServiceManifest], purposes: Mapping[str, str]) -> list[Board]:
    """Every dashboard of a workspace of `manifests`."""
    services = [of_service(manifest, purposes.get(manifest.name, "")) for manifest in manifests]
    return [fleet(), messaging(), levels(), migration(), of_gateway(), *services]


def dashboard_files(
    manifests: Sequence[ServiceManifest], purposes: Mapping[str, str]
) -> dict[str, str]:
    """The dashboards' files, paths below the folder that Grafana reads."""
    found = {board.path: dump(board) for board in boards(manifests, purposes)}
    if all(uid(manifest.name) == f"service-{manifest.name}" for manifest in manifests):
        return found
    address = OPEN_SERVICE[1]
    return {path: text.replace(address, FIND_SERVICE) for path, text in found.items()}
