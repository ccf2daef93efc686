"""What the database of one service holds by the monolith's schema: the state between revisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from migrator.model.errors import MigratorError
from migrator.model.graph import ForeignKey, Graph, Table
from migrator.model.graph_file import from_plain, to_plain

_NOTE = "What the revisions beside this file make. `migrator scaffold` compares with it; leave it."


@dataclass(frozen=True, slots=True)
class ServiceSchema:
    """`owners` maps a replica's table id to the service that owns it; a table that is not in it
    is owned. `foreign_keys` are all that leave `tables`; those that are `local` become keys."""

    tables: tuple[Table, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    owners: tuple[tuple[str, str], ...] = ()

    @property
    def by_id(self) -> dict[str, Table]:
        return {table.id: table for table in self.tables}

    @property
    def replicas(self) -> dict[str, str]:
        return dict(self.owners)

    @property
    def local(self) -> tuple[ForeignKey, ...]:
        """The foreign keys of which both ends are owned."""
        owned = set(self.by_id) - set(self.replicas)
        return tuple(k for k in self.foreign_keys if k.source in owned and k.target in owned)

    def creation_order(self) -> list[str]:
        """Owned tables, referred ones first, then replicas; tables in a cycle by name."""
        names = sorted(set(self.by_id) - set(self.replicas))
        needs: nx.DiGraph[str] = nx.DiGraph()
        needs.add_nodes_from(names)
        needs.add_edges_from((k.target, k.source) for k in self.local if k.source != k.target)
        condensed = nx.condensation(needs)
        order = nx.lexicographical_topological_sort(
            condensed, key=lambda node: min(condensed.nodes[node]["members"])
        )
        owned = [name for node in order for name in sorted(condensed.nodes[node]["members"])]
        return [*owned, *sorted(self.replicas)]


def schema_of(owned: Iterable[str], replicas: Mapping[str, str], graph: Graph) -> ServiceSchema:
    """The schema of a service, without the places in the monolith's code: these change daily."""
    wanted = {*owned, *replicas}
    tables = [
        replace(table, path="", line=0, definition=None)
        for table in graph.tables
        if table.id in wanted
    ]
    present = {table.id for table in tables}
    keys = [replace(key, path="", line=0) for key in graph.foreign_keys if key.source in present]
    return ServiceSchema(
        tuple(sorted(tables, key=lambda table: table.id)),
        tuple(sorted(keys, key=lambda key: (key.source, key.columns, key.target))),
        tuple(sorted((name, owner) for name, owner in replicas.items() if name in present)),
    )


def dump_schema(schema: ServiceSchema) -> str:
    """``schema.json``: same schema, same bytes."""
    return json.dumps({"about": _NOTE} | to_plain(schema), indent=1, ensure_ascii=False) + "\n"


def load_schema(text: str, where: str) -> ServiceSchema:
    """Raises MigratorError where the text is no schema that `dump_schema` wrote."""
    try:
        return from_plain(ServiceSchema, json.loads(text))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise MigratorError(
            f"not a schema that migrator wrote: {error}",
            where=where,
            hint="restore it from version control; nothing was written",
        ) from error
