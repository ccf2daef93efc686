"""What is verified: the monolith against its plan, and each service against its manifest."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from migrator.model.contract import Contract
from migrator.model.graph import Graph, Table
from migrator.model.manifest import ServiceManifest
from migrator.model.plan import Assignment, Plan


@dataclass(frozen=True, slots=True)
class Monolith:
    """`path` leads from the working folder to the monolith, `plan_path` to the plan."""

    path: str
    plan_path: str
    plan_text: str
    graph: Graph
    plan: Plan
    assignment: Assignment

    def service_of(self, definition: str) -> str | None:
        """The owning service; None for shared code, glue and what the plan does not name."""
        owner = self.assignment.owner_of.get(definition)
        return None if owner is None or owner.startswith("(") else owner

    def place(self, path: str) -> str:
        return f"{self.path}/{path}" if self.path != "." else path


@dataclass(frozen=True, slots=True)
class CarvedService:
    """One service of the workspace, analysed anew.

    `path` leads to its folder; `sources` are its Python files, `revisions` its migrations, both
    parsed, by path below that folder; `migrated` are the tables that its migrations make.
    """

    path: str
    manifest: ServiceManifest
    graph: Graph
    sources: Mapping[str, ast.Module] = field(default_factory=dict)
    revisions: Mapping[str, ast.Module] = field(default_factory=dict)
    migrated: tuple[Table, ...] = ()

    @property
    def name(self) -> str:
        return self.manifest.name

    def place(self, path: str) -> str:
        return f"{self.path}/{path}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Either side may be absent: no plan yet, or no workspace yet.

    `contracts` are those that were agreed on; `contract_versions` what each declares now, by path.
    """

    monolith: Monolith | None = None
    services: tuple[CarvedService, ...] = ()
    contracts: tuple[Contract, ...] = ()
    contract_versions: Mapping[str, int] = field(default_factory=dict)

    def service(self, name: str) -> CarvedService | None:
        return next((service for service in self.services if service.name == name), None)
