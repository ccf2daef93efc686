"""Queries and statements: the tables that they read and write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migrator.analyze.facts.shape import ATTR, CALL
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.frameworks.sqlalchemy.loading import LOADERS, Tables, asked, loading
from migrator.analyze.frameworks.sqlalchemy.values import (
    ColumnRef,
    Loads,
    Related,
    Rows,
    TableRef,
    Write,
)  # fmt: skip
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Either,
    Instance,
    Many,
    Method,
    Several,
    Text,
    Value,
    either,
    options,
)  # fmt: skip
from migrator.analyze.schema import Model
from migrator.model.graph import AccessHow, AccessMode, Confidence

NEW = (("", Text("new")),)
WRITES: dict[str, AccessMode] = {"insert": "insert", "update": "update", "delete": "delete"}


_ROW = {
    "one", "one_or_none", "first", "scalar", "scalar_one", "scalar_one_or_none", "get", "get_one",
    "first_or_404", "get_or_404", "one_or_404", "fetchone", "earliest", "latest",
}  # fmt: skip


_ALL = {"all", "fetchall", "fetchmany", "partitions", "yield_per", "unique", "tuples"}


def _flat(values: Iterable[Value | None], depth: int = 3) -> Iterator[Value]:
    """The values, and those in lists and tuples of them."""
    for value in values:
        for option in options(value):
            if type(option) is Many and depth:
                yield from _flat((option.item,), depth - 1)
            elif type(option) is Several and depth:
                yield from _flat(option.items, depth - 1)
            else:
                yield option


def _chain(call: Call) -> Iterator[int]:
    """The lines of the calls that ``a.b().c().delete()`` is made of."""
    yield call.line
    function = call.expr[2] if call.expr else None
    while type(function) is tuple and function[0] == ATTR:
        yield function[1]
        inner = function[2]
        if type(inner) is not tuple or inner[0] != CALL:
            return
        yield inner[1]
        function = inner[2]


def is_new(at: At, owner: Instance) -> bool:
    """Whether an object has just been made: nothing is related to it in the database yet."""
    making = at.own_class == owner.cls and at.function.endswith(".__init__")
    return owner.given == NEW or making


class Queries(Framework):
    """What is done with a query, a statement, a Core table or a related collection."""

    def __init__(self) -> None:
        self._secondary: dict[tuple[str, str], str] = {}
        self._outside: dict[tuple[str, str], str] = {}
        self._eager: dict[str, list[str]] = {}
        self._cascades: dict[str, list[tuple[str, str]]] = {}
        self._settled: set[tuple[str, str]] = set()
        self._crossing: dict[str, list[str]] = {}

    @property
    def _tables_loaded(self) -> Tables:
        return Tables(self._loaded, lambda model, name: self._secondary.get((model, name)))

    def _home(self, at: At, model: Model, attribute: str) -> str:
        """The table that holds a column: with joined inheritance that of a class above."""
        above: tuple[str, ...] = model.extra or ()
        for table in (model.table, *above):
            known = at.schema.tables.get(table)
            if known and any(c.name == model.columns[attribute] for c in known.columns):
                return table
        return model.table

    def _selected(self, at: At, call: Call, kind: str) -> Rows:
        entities: list[Value | None] = []
        tables: set[str] = set()
        eager: set[str] = set()
        flat: list[Value | None] = []
        for value in call.values:
            flat += value.items if type(value) is Several else [value]
            if type(value) is Many:
                flat.append(value.item)
        for value in flat:
            chosen = options(value)
            one = chosen[0] if chosen else None
            if type(one) is ClassRef and one.cls in at.schema.models:
                for option in chosen:
                    if type(option) is ClassRef:
                        tables |= self._tables(at, option.cls)
                        eager |= self._loaded(at, option.cls)
                entities.append(
                    Instance(one.cls) if len(chosen) == 1
                    else Either(tuple(Instance(o.cls) for o in chosen if type(o) is ClassRef))
                )  # fmt: skip
                continue
            entities.append(None)
            for option in chosen:
                if type(option) is Method and type(option.owner) is ColumnRef:
                    option = option.owner  # a column of a Core table
                if type(option) is TableRef:
                    tables.add(option.table)
                elif type(option) is Rows:
                    tables |= option.tables - option.eager
                elif type(option) is ColumnRef and option.table:
                    tables.add(option.table)
        return self._rows(at, tuple(entities), tables, kind, call.line, eager)

    def _rows(
        self, at: At, entities: tuple[Value | None, ...], tables: set[str], kind: str, line: int,
        loaded: Collection[str] = (),
    ) -> Rows:  # fmt: skip
        """`loaded` come along with the rows: they are told where these are fetched."""
        self._read(at, tables, line, "orm")
        eager = frozenset(loaded) - tables
        return Rows(entities, eager | tables, kind, eager)  # type: ignore[arg-type]

    def _tables(self, at: At, model: str) -> set[str]:
        known = at.schema.models.get(model)
        return {known.table, *(known.extra or ())} if known else set()

    def _loaded(self, at: At, model: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The tables of a model, and of what is loaded with its objects: what leads back to a
        model on the way is not loaded with them."""
        found = self._tables(at, model)
        known = at.schema.models.get(model)
        if known is None:
            return found
        way = seen | {model}
        for name in self._eager.get(model, ()):
            target = known.relations[name][0]
            if target not in way:
                found |= {s for s in (self._secondary.get((model, name)),) if s}
                found |= self._loaded(at, target, way)
        return found

    def _all_tables(self, at: At, call: Call) -> frozenset[str]:
        found: set[str] = set()
        for option in _flat((*call.values, *call.named.values())):
            if type(option) is ClassRef:
                found |= self._tables(at, option.cls)
            elif type(option) is TableRef:
                found.add(option.table)
            elif type(option) is Rows:
                found |= option.tables - option.eager  # a query inside another loads no rows
            elif type(option) is Loads:
                found |= option.tables
            elif type(option) is ColumnRef:
                found |= self._tables(at, option.target) if option.target else set()
                found |= {t for t in (option.table, option.secondary) if t}
        return frozenset(found)

    def _expression(self, at: At, call: Call, *more: Value) -> Value:
        """What a function or a method of expressions makes of them: it is run by who runs it."""
        parts: list[Value] = list(more)
        for option in _flat((*call.values, *call.named.values())):
            if type(option) is ClassRef and option.cls in at.schema.models:
                parts.append(ColumnRef(at.schema.models[option.cls].table))
            elif type(option) is ColumnRef or type(option) is Rows:
                parts.append(option)
        for table in self._all_tables(at, call):
            at.mention(table, call.line, "orm")
        return either(*parts) or ColumnRef("")

    def _loading(self, at: At, call: Call, before: Loads | None = None) -> Value:
        found = loading(at, call, self._tables_loaded, before)
        for table in found.tables:
            at.mention(table, call.line, "orm")
        return found

    def _option(self, at: At, owner: Loads, name: str, call: Call) -> Value:
        """A method of a loader option: another one, or what columns are wanted."""
        return self._loading(at, call, owner) if name in LOADERS else owner

    def _arguments(self, at: At, call: Call, but: str = "") -> frozenset[str]:
        """The tables in the arguments, which are read: not the one whose rows a write picks."""
        tables = self._all_tables(at, call) - {but}
        self._read(at, set(tables), call.line, "orm")
        return tables

    def _query(self, at: At, rows: Rows, name: str, call: Call) -> Value | None:
        if name in _ROW or name in _ALL or name in ("count", "scalars", "mappings", "paginate"):
            at.executes()
        if name in WRITES and rows.kind == "query":
            at.executes()
            for table in self._written_by(at, rows):
                for line in _chain(call):  # its one statement is no SELECT
                    at.retract(table, line)
                at.access(table, WRITES[name], call.line, "orm")
            return None
        if name in _ROW:
            self._ran(at, rows.tables, call.line)
            if name.startswith("scalar"):
                return rows.entities[0] if rows.entities else None
            return rows.row
        if name in _ALL or name in ("scalars", "mappings", "paginate", "__iter__"):
            self._ran(at, rows.tables, call.line)
            if name == "scalars":
                return Rows(rows.entities, rows.tables, "scalars", rows.eager)
            if name in ("all", "fetchall", "fetchmany"):
                return Many(rows.row) if rows.row is not None else None
            return rows
        if name in ("count", "exists"):
            self._ran(at, rows.tables - rows.eager, call.line)
            return rows if name == "exists" else None
        joined = self._arguments(at, call)
        tables = rows.tables | joined
        if name == "options":
            for value in call.values:
                tables |= asked(at, value, rows.entities, self._tables_loaded)
            self._read(at, set(tables - rows.tables), call.line, "orm")
        if name in ("with_entities", "with_only_columns"):
            fresh = self._selected(at, call, rows.kind)
            tables = fresh.tables | (tables - rows.eager)
            return Rows(fresh.entities, tables, rows.kind, fresh.eager)
        if name in ("add_entity", "add_columns"):
            fresh = self._selected(at, call, rows.kind)
            eager = fresh.eager | rows.eager
            return Rows((*rows.entities, *fresh.entities), fresh.tables | tables, rows.kind, eager)
        return Rows(rows.entities, frozenset(tables), rows.kind, rows.eager - joined)

    def _written_by(self, at: At, rows: Rows) -> set[str]:
        entity = rows.entities[0] if rows.entities else None
        found: set[str] = set()
        for option in options(entity):
            if type(option) is Instance:
                found.add(at.schema.models[option.cls].table)
        return found

    def _table(self, at: At, owner: TableRef, name: str, call: Call) -> Value | None:
        if name in WRITES:
            return self._write(at, owner, WRITES[name], call)
        self._arguments(at, call)
        if name == "alias":
            return owner
        if name in ("create", "drop", "exists"):
            return None
        return self._rows(
            at, (), {owner.table, *self._all_tables(at, call)}, "statement", call.line
        )

    def _write(self, at: At, target: Value | None, mode: AccessMode, call: Call) -> Value | None:
        made: Value | None = None
        for option in options(target):
            if type(option) is TableRef:
                at.access(option.table, mode, call.line, "core")
                made = Write(option.table)
            elif type(option) is ClassRef and option.cls in at.schema.models:
                table = at.schema.models[option.cls].table
                at.access(table, mode, call.line, "core")
                made = Write(table, Instance(option.cls))
        return made

    def _related(self, at: At, owner: Related, name: str, call: Call) -> Value | None:
        target = at.schema.models[owner.target].table
        if name in ("append", "add", "extend", "insert", "remove", "clear", "pop"):
            mode: AccessMode = "delete" if name in ("remove", "clear", "pop") else "insert"
            secondary = self._secondary.get((owner.model, owner.attribute))
            if secondary:
                at.access(secondary, mode, call.line, "relationship", "likely")
            elif mode == "insert":
                at.access(target, "insert", call.line, "relationship", "likely")
            else:
                at.access(target, "update", call.line, "relationship", "likely")
            return None
        rows = Rows((Instance(owner.target),), frozenset({target}), "query")
        return self._query(at, rows, name, call)

    def _cascade(self, at: At, model: Model, line: int, seen: frozenset[str] = frozenset()) -> None:
        for name, (other, many) in model.relations.items():
            if (model.id, name) in self._settled:
                continue
            between = self._secondary.get((model.id, name))
            if between:  # its rows go with either side
                at.access(between, "delete", line, "cascade", "likely")
            if between or many:  # asked for before the row goes
                self._read(at, {between or "", *self._tables(at, other)}, line, "cascade", "likely")
        for table in self._crossing.get(model.id, ()):
            at.access(table, "delete", line, "cascade", "likely")
        for table, attribute in self._cascades.get(model.id, ()):
            if table in seen:
                continue
            at.access(table, "delete", line, "cascade", "likely")
            target = model.relations.get(attribute)
            below = at.schema.models.get(target[0]) if target else None
            if below is not None:
                self._cascade(at, below, line, seen | {table, model.table})

    def _through(self, at: At, model: str, attribute: str, mode: AccessMode, line: int) -> None:
        secondary = self._secondary.get((model, attribute))
        if secondary:
            at.access(secondary, mode, line, "relationship")

    def _ran(self, at: At, tables: Iterable[str], line: int) -> None:
        """A query is run; what it reads may have been told where this function made it."""
        self._read(at, {t for t in tables if not at.has_read(t)}, line, "orm")

    def _read(
        self, at: At, tables: set[str], line: int, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        for table in tables:
            if table:
                at.access(table, "read", line, how, confidence)
