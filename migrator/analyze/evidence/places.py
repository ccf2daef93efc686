"""Which definition, entry point and statement a span speaks of.

Semantic conventions of OpenTelemetry, the stable names before the old ones:
``code.function.name`` (fully qualified; before: ``code.function`` and ``code.namespace``),
``code.file.path`` (``code.filepath``), ``code.line.number`` (``code.lineno``), ``http.route``,
``http.request.method`` (``http.method``), ``db.query.text`` (``db.statement``),
``db.system.name`` (``db.system``), ``db.collection.name`` (``db.sql.table``),
``db.operation.name`` (``db.operation``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from pathlib import PurePosixPath

import sqlglot
from sqlglot import exp

from migrator.analyze.evidence.spans import Span
from migrator.model.graph import AccessMode, EntryPoint, Graph

_DIALECTS = {
    "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite",
    "microsoft.sql_server": "tsql", "mssql": "tsql", "oracle": "oracle", "oracle.db": "oracle",
}  # fmt: skip
_MODES: dict[str, AccessMode] = {
    "SELECT": "read", "INSERT": "insert", "UPDATE": "update", "DELETE": "delete",
}  # fmt: skip
_PARAMETER = re.compile(r"<[^>]*>|\{[^}]*\}|:\w+|\(\?P<\w+>[^)]*\)")
_PLACEHOLDER = re.compile(r"%\(\w+\)s|(?<!\w)%s|(?<=[\s(,=<>])\?(?=[\s),;:]|$)")
_LONGEST = 500


def first(span: Span, *names: str) -> str | None:
    """The first of those attributes that the span has."""
    for name in names:
        value = span.attributes.get(name)
        if value not in (None, ""):
            return str(value)
    return None


class Places:
    """Finds what spans name in one Graph. What is not there, or could be two things, is None."""

    def __init__(self, graph: Graph) -> None:
        self._definitions = {d.id: d for d in graph.definitions}
        self._modules = {m.name for m in graph.modules}
        self._by_path: dict[str, list[str]] = defaultdict(list)
        for m in graph.modules:
            self._by_path[PurePosixPath(m.path).name].append(m.path)
        self._in_file = defaultdict(list)
        for d in graph.definitions:
            self._in_file[d.path].append(d)
        self._routes: dict[tuple[str, str], list[EntryPoint]] = defaultdict(list)
        self._tasks: dict[str, list[EntryPoint]] = defaultdict(list)
        for point in graph.entry_points:
            if point.kind == "route" and point.path is not None:
                self._routes[point.method or "", _shape(point.path)].append(point)
            elif point.kind == "task":
                self._tasks[point.name].append(point)

    def definition(self, span: Span) -> str | None:
        """The definition whose code the span names."""
        name = first(span, "code.function.name", "code.function")
        space = first(span, "code.namespace")
        if name and space and not name.startswith(f"{space}."):
            name = f"{space}.{name}"
        return (self._qualified(name) if name else None) or self._in_place(span)

    def _qualified(self, name: str) -> str | None:
        parts = name.replace(":", ".").split(".")
        for size in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:size])
            if module in self._modules:
                found = f"{module}:{parts[size]}"
                return found if found in self._definitions else None
        return None

    def _in_place(self, span: Span) -> str | None:
        path = first(span, "code.file.path", "code.filepath")
        line = first(span, "code.line.number", "code.lineno")
        if not path or not line or not line.isdigit():
            return None
        path = path.replace("\\", "/")
        files = [
            p
            for p in self._by_path.get(PurePosixPath(path).name, ())
            if path == p or path.endswith(f"/{p}")
        ]
        if len(files) != 1:
            return None
        inside = [d for d in self._in_file[files[0]] if d.line <= int(line) <= d.end_line]
        return inside[0].id if len(inside) == 1 else None

    def entry_point(self, span: Span) -> EntryPoint | None:
        """The route or task that the span answers."""
        task = first(span, "celery.task_name")
        if task:
            points = self._tasks.get(task) or self._tasks.get(task.rpartition(".")[2], [])
            return points[0] if len(points) == 1 else None
        route = first(span, "http.route")
        if route is None or span.attributes.get("span.kind") == "client":
            return None
        method = first(span, "http.request.method", "http.method") or ""
        points = self._routes.get((method.upper(), _shape(route)), [])
        exact = [p for p in points if p.path == route] or points
        return exact[0] if len({p.definition for p in exact}) == 1 else None


def _shape(path: str) -> str:
    """A route with its parameters left blank: frameworks and tracers write them differently."""
    return _PARAMETER.sub("{}", path).strip("^$").strip("/")


def statement(span: Span) -> str | None:
    """The SQL text that the span ran."""
    return first(span, "db.query.text", "db.statement")


def dialect(span: Span) -> str:
    """sqlglot's name of the span's database system."""
    return _DIALECTS.get((first(span, "db.system.name", "db.system") or "").lower(), "postgres")


def named_table(span: Span) -> tuple[str, AccessMode] | None:
    """Table and mode where the span names them without a statement."""
    table = first(span, "db.collection.name", "db.sql.table")
    mode = _MODES.get((first(span, "db.operation.name", "db.operation") or "").upper())
    return (table, mode) if table and mode else None


@lru_cache(maxsize=4096)
def redacted(sql: str, dialect_: str) -> str:
    """The statement with each literal as ``?``: a graph is committed, people's data is not."""
    try:
        parsed = sqlglot.parse_one(readable(sql), read=dialect_)
    except sqlglot.errors.SqlglotError:
        return re.sub(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b", "?", sql)[:_LONGEST]
    blank = parsed.transform(lambda n: exp.Placeholder() if isinstance(n, exp.Literal) else n)
    return str(blank.sql(dialect=dialect_))[:_LONGEST]


def readable(sql: str) -> str:
    """Placeholders of drivers (``%(id)s``, ``%s``, ``?``) as text literals, which every dialect
    reads: to PostgreSQL a question mark is an operator."""
    return _PLACEHOLDER.sub("'?'", sql)
