"""The Graph with what a live database says: what only it knows is added, what differs is listed."""

from __future__ import annotations

from dataclasses import replace

from migrator.analyze.evidence import recounted
from migrator.analyze.evidence.database import LiveSchema
from migrator.model.graph import Discrepancy, ForeignKey, Graph, Table

_MIGRATION_TABLES = {"alembic_version", "django_migrations"}


def with_database(graph: Graph, live: LiveSchema) -> Graph:
    """`graph` and the database's own tables, keys and row estimates.

    Tables are the same by schema and name; only where the code names one in just another case,
    and no other is so named, that is taken for the same. The code's columns stay as they are.
    """
    in_code = {t.id: t for t in graph.tables}
    names = {seen.id: _name_in_code(seen.id, in_code) for seen in live.tables}
    by_name = {names[seen.id]: seen for seen in live.tables}
    tables = [
        replace(t, rows=by_name[t.id].rows, columns=t.columns or by_name[t.id].columns)
        if t.id in by_name
        else t
        for t in graph.tables
    ]
    added = [seen for name, seen in by_name.items() if name not in in_code]
    keys = [
        replace(k, source=names.get(k.source, k.source), target=names.get(k.target, k.target))
        for k in live.foreign_keys
    ]
    known = {_key(k) for k in graph.foreign_keys}
    unknown = [k for k in keys if _key(k) not in known]
    every = [
        *_tables(graph, by_name, added),
        *_columns(graph, by_name),
        *_keys(graph, keys, unknown, by_name),
    ]
    more = replace(
        graph,
        tables=tuple(sorted([*tables, *added], key=lambda t: t.id)),
        foreign_keys=tuple(
            sorted([*graph.foreign_keys, *unknown], key=lambda k: (k.source, k.columns, k.target))
        ),
        discrepancies=tuple(
            sorted([*graph.discrepancies, *every], key=lambda d: (d.kind, d.subject, d.detail))
        ),
    )
    return recounted(more)


def _name_in_code(name: str, in_code: dict[str, Table]) -> str:
    if name in in_code:
        return name
    alike = [t for t in in_code if t.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else name


def _key(key: ForeignKey) -> tuple[str, tuple[str, ...], str]:
    return key.source, key.columns, key.target


def _tables(graph: Graph, live: dict[str, Table], added: list[Table]) -> list[Discrepancy]:
    found = []
    for table in added:
        rows = "" if table.rows is None else f", about {table.rows:,} rows"
        what = "the migration tool's own" if table.name in _MIGRATION_TABLES else "no code names it"
        found.append(Discrepancy("table_without_code", table.id, f"{what}{rows}"))
    touched = {a.table for a in graph.accesses}
    for table in graph.tables:
        if table.id not in live:
            detail = "the code knows it, the database has none of that name"
            found.append(
                Discrepancy("table_not_in_database", table.id, detail, table.path, table.line)
            )
        elif table.id not in touched:
            estimate = live[table.id].rows
            known = "" if estimate is None else f"; about {estimate:,} rows"
            detail = f"declared, but no code reads or writes it{known}"
            found.append(Discrepancy("table_not_touched", table.id, detail, table.path, table.line))
    return found


def _columns(graph: Graph, live: dict[str, Table]) -> list[Discrepancy]:
    """Only tables whose columns the code declares can differ."""
    found = []
    for table in graph.tables:
        seen = live.get(table.id)
        if seen is None or not table.columns:
            continue
        declared, there = {c.name for c in table.columns}, {c.name for c in seen.columns}
        for name in sorted(there - declared):
            detail = "the code does not declare this column"
            subject = f"{table.id}.{name}"
            found.append(
                Discrepancy("column_without_code", subject, detail, table.path, table.line)
            )
        for name in sorted(declared - there):
            detail = "the database has no such column"
            subject = f"{table.id}.{name}"
            found.append(
                Discrepancy("column_not_in_database", subject, detail, table.path, table.line)
            )
    return found


def _keys(
    graph: Graph, keys: list[ForeignKey], unknown: list[ForeignKey], live: dict[str, Table]
) -> list[Discrepancy]:
    found = []
    for key in unknown:
        detail = f"{', '.join(key.columns)} -> {key.target} is in the database alone"
        found.append(Discrepancy("foreign_key_without_code", key.source, detail))
    there = {_key(k) for k in keys}
    for key in graph.foreign_keys:
        if key.source in live and key.known_from == "code" and _key(key) not in there:
            detail = f"{', '.join(key.columns)} -> {key.target} is in the code alone"
            found.append(
                Discrepancy("foreign_key_not_in_database", key.source, detail, key.path, key.line)
            )
    return found
