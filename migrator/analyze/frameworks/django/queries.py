"""What the methods of managers and querysets do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.analyze.facts.shape import CALL
from migrator.analyze.frameworks.django.expressions import WHOLE, read_by
from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.values import Query, class_value, query_of
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    External,
    Instance,
    Many,
    Several,
    Text,
    Value,
    options,
)  # fmt: skip
from migrator.model.graph import AccessMode

_CHAIN = {
    "all", "filter", "exclude", "order_by", "distinct", "select_related", "prefetch_related",
    "annotate", "alias", "values", "values_list", "only", "defer", "using", "reverse",
    "select_for_update", "union", "intersection", "difference", "extra", "complex_filter", "dates",
    "datetimes", "get_queryset", "iterator", "raw", "aiterator", "_clone", "_chain",
}  # fmt: skip
_NO_ROWS = {"values", "values_list", "dates", "datetimes"}
_ROW = {"get", "first", "last", "earliest", "latest"}
_NUMBER = {"count", "exists", "aggregate", "contains", "explain"}
_MAKES = {"create", "get_or_create", "update_or_create", "create_user", "create_superuser"}
_LINKS = {"add", "remove", "set", "clear"}
_QUIET = {"none", "as_manager", "from_queryset", "contribute_to_class", "deconstruct"}
_ASYNC = {f"a{m}": m for m in _ROW | _NUMBER | _MAKES | _LINKS} | {
    "abulk_create": "bulk_create", "abulk_update": "bulk_update", "aupdate": "update",
    "adelete": "delete", "ain_bulk": "in_bulk",
}  # fmt: skip


class Queries:
    """Calls on a `Query`, its accesses told through `objects`."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.models = objects.models

    def call(self, at: At, owner: Value, query: Query, name: str, call: Call) -> Value | None:
        """``owner.name(…)`` of Django's own methods, `query` being what `owner` is."""
        name = _ASYNC.get(name, name)
        model = self.models.get(query.model)
        if model is None or name in _QUIET:
            return replace(query, manager=False, empty=True) if name == "none" else None
        if name in ("count", "exists") and query.manager and query.through is not None:
            at.access(query.through, "read", call.line, "relationship")  # its keys suffice
            return None
        if name == "get_queryset" or (query.manager and name in _STARTS):
            query = self._started(at, owner, query, name, call)
            if name == "get_queryset":
                return query
        joins = read_by(at, self.models, model, name, call, self.objects.read_tables)
        if name in _CHAIN:
            return self._chain(at, query, name, call, joins)
        query = replace(query, tables=query.tables | joins)
        handler = self._handler(name)
        if handler is None:
            if query.manager and name not in at.schema.claims:
                self._unknown(at, query, name, call)
            return None
        return handler(at, query, name, call)

    def _handler(self, name: str) -> Callable[[At, Query, str, Call], Value | None] | None:
        if name in _ROW:
            return self._row
        if name in _NUMBER:
            return self._number
        if name in _MAKES:
            return self._make
        if name in _LINKS:
            return self._link
        return {
            "bulk_create": self._bulk, "bulk_update": self._bulk, "update": self._update,
            "delete": self._delete, "in_bulk": self._number,
        }.get(name)  # fmt: skip

    def _started(self, at: At, owner: Value, query: Query, name: str, call: Call) -> Query:
        """What a manager's ``get_queryset`` gives, the monolith's own where it has one."""
        plain = replace(query, manager=False, lines=frozenset())
        if name == "get_queryset":
            return plain
        made = self.objects.get_queryset(at, query, call)
        found = query_of(made) if made is not None else None
        if found is None:
            return plain
        tables = found.tables | query.tables
        return replace(
            plain, tables=tables, custom=(*found.custom, *query.custom), lines=found.lines,
            fetched=found.fetched,
        )  # fmt: skip

    def _chain(
        self, at: At, query: Query, name: str, call: Call, joins: frozenset[str]
    ) -> Query:  # fmt: skip
        tables = query.tables | joins
        for value in call.values:
            for option in options(value):
                other = query_of(option)
                if other is not None and name in ("union", "intersection", "difference"):
                    tables |= self.objects.read_tables(other)
                    query = replace(query, empty=query.empty and other.empty)
        lines = query.lines
        rows = query.rows
        if name == "values":
            rows = "dict"
        elif name == "values_list":
            rows = "flat" if "flat" in call.keywords else "tuple"
        fetched = query.fetched
        if name in WHOLE:
            tables, fetched = tables - joins, fetched | joins
        if name in _NO_ROWS:  # the row itself is not made, nor what would go with it
            self._unread(at, query, call, fetched - tables)
            fetched = frozenset()
        found = replace(
            query, manager=False, tables=tables, rows=rows, lines=lines | {call.line},
            fetched=fetched,
        )  # fmt: skip
        self.objects.read(at, found, call.line)
        self.objects.fetch(at, found, call.line)
        return found

    # --- reads -----------------------------------------------------------------------------------

    def row(self, query: Query) -> Value | None:
        """One row of a query."""
        return Instance(query.model) if query.rows == "model" else None

    def _row(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        if name != "get":
            query = self.objects.with_ordering(query)
        self.objects.read(at, query, call.line)
        self.objects.fetch(at, query, call.line)
        return self.row(query)

    def _number(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        self._unread(at, query, call, query.fetched - query.tables)
        self.objects.read(at, query, call.line)
        return None

    # --- writes ----------------------------------------------------------------------------------

    def _make(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        if name in ("get_or_create", "update_or_create"):
            self.objects.read(at, query, call.line)
        found = self.objects.create(at, query.model, call.line)
        if name == "update_or_create":
            self.objects.save(at, Instance(query.model), call.line, new=False)
        if query.relation == "m2m" and query.through is not None:
            at.access(query.through, "insert", call.line, "relationship")
        return Several((found, None)) if name.endswith("or_create") else found

    def _bulk(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        mode: AccessMode = "insert" if name == "bulk_create" else "update"
        for table in self.objects.own(query.model):
            at.access(table, mode, call.line, "orm")
        if name == "bulk_create" and "update_conflicts" in call.keywords:
            for table in self.objects.own(query.model):
                at.access(table, "update", call.line, "orm")
        return Many(Instance(query.model))

    def _update(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        own = self.objects.own(query.model)
        self._unread(at, query, call, query.fetched - query.tables)
        if not (query.tables - own) and not query.through:
            self._unread(at, query, call, own)
        else:
            self.objects.read(at, query, call.line)
        model = self.models[query.model]
        homes = {model.fields[k].home for k in call.keywords if k in model.fields}
        tables = {self.models[h].table for h in homes if h in self.models} or set(own)
        for table in tables:
            if table is not None:
                at.access(table, "update", call.line, "orm")
        return None

    def _unread(self, at: At, query: Query, call: Call, own: frozenset[str]) -> None:
        """``filter(…).update(…)`` in one go is one statement that fetches nothing."""
        func = call.expr[2] if call.expr else None
        if type(func) is tuple and func[0] == "attr":
            inner = func[2]
            if type(inner) is tuple and inner[0] == CALL:
                for line in query.lines:
                    for table in own:
                        at.retract(table, line)

    def _delete(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        own = self.objects.own(query.model)
        if self.objects.fast(query.model) and not (query.tables - own) and not query.through:
            self._unread(at, query, call, own)
        else:
            self.objects.read(at, query, call.line)
        self.objects.delete(at, query.model, call.line)
        return None

    def _link(self, at: At, query: Query, name: str, call: Call) -> Value | None:
        """``add``, ``remove``, ``set`` and ``clear`` of a manager behind a relation."""
        if query.relation == "fk":
            if name == "set":
                self.objects.read(at, query, call.line)
            for table in self.objects.own(query.model):
                at.access(table, "update", call.line, "relationship")
            return None
        if query.relation != "m2m" or query.through is None:
            return None
        if name == "set":
            self.objects.read(at, query, call.line)
            at.access(query.through, "delete", call.line, "relationship", "likely")
        if name in ("add", "set"):
            if not query.plain_through:
                at.access(query.through, "read", call.line, "relationship")
            at.access(query.through, "insert", call.line, "relationship")
        elif name in ("remove", "clear"):
            at.access(query.through, "delete", call.line, "relationship")
        return None

    def _unknown(self, at: At, query: Query, name: str, call: Call) -> None:
        if name.startswith("_") or not self.objects.open(query):
            return
        what = f"{text_of(call.expr[2])}(…)" if call.expr else name
        at.unresolved(call.line, what[:60], "the manager's method is not in this tree")

    # --- making ----------------------------------------------------------------------------------

    def made(self, at: At, cls: str | None, call: Call) -> Query | None:
        """``SomeQuerySet(model=Post)``."""
        for value in (call.argument(0, "model"),):
            for option in options(value):
                model = option.cls if type(option) is ClassRef else None
                if type(option) is External:
                    model = option.name
                if model in self.models:
                    return Query(model, custom=(cls,) if cls else ())
        return None

    def attribute(self, at: At, query: Query, name: str, line: int) -> Value | None:
        if name == "model":
            return class_value(query.model)
        if name == "db":
            return Text("default")
        if name == "through" and query.through is not None:
            made = next((m.id for m in self.models.values() if m.table == query.through), None)
            return class_value(made) if made else None
        return None


_STARTS = _CHAIN | _ROW | _NUMBER | {
    "get_or_create", "update_or_create", "update", "delete", "in_bulk",
}  # fmt: skip
