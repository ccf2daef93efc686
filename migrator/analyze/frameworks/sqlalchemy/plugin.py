"""SQLAlchemy: the ORM of 1.x and 2.0, Core, Flask-SQLAlchemy and SQLModel."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import ClassVar

from migrator.analyze.frameworks.protocol import At
from migrator.analyze.frameworks.sqlalchemy.columns import last
from migrator.analyze.frameworks.sqlalchemy.events import given_to, listening
from migrator.analyze.frameworks.sqlalchemy.loading import LOADERS
from migrator.analyze.frameworks.sqlalchemy.queries import NEW, WRITES, is_new
from migrator.analyze.frameworks.sqlalchemy.sessions import STATE, STATE_OF, Sessions
from migrator.analyze.frameworks.sqlalchemy.tables import TableReader
from migrator.analyze.frameworks.sqlalchemy.values import (
    NAME,
    ColumnRef,
    Interface,
    Loads,
    Related,
    Rows,
    TableRef,
    Write,
)  # fmt: skip
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    External,
    Instance,
    Many,
    Method,
    Several,
    Value,
    options,
)  # fmt: skip
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import AccessHow, AccessMode

_SESSIONS = {
    "Session", "scoped_session", "AsyncSession", "async_scoped_session", "Connection",
    "AsyncConnection", "Engine", "AsyncEngine", "SignallingSession", "async_session",
}  # fmt: skip


_MAKERS = {"sessionmaker", "async_sessionmaker"}


# What has a session of its own.
_HOLDERS = {"SQLAlchemy", "SQLA", "AppBuilder", STATE}


_SESSION_NAME = re.compile(r"(^|_)(\w*session|sess|db|s|uow|connection|conn|engine)(\(\))?$", re.I)


_SESSION_VERBS = {
    "query", "get", "get_one", "scalar", "scalars", "execute", "add", "add_all", "merge", "delete",
    "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "refresh", "stream",
    "exec", "stream_scalars",
}  # fmt: skip


_OF_BASES: dict[str, AccessMode] = {"save": "insert", "update": "update", "delete": "delete"}


class SQLAlchemy(Sessions):
    """Models, sessions, queries and statements."""

    name: ClassVar[str] = NAME
    rows_by_name: ClassVar[bool] = True
    registrars: ClassVar[tuple[str, ...]] = ("listens_for", "listen")
    packages: ClassVar[tuple[str, ...]] = (
        "sqlalchemy", "flask_sqlalchemy", "sqlmodel", "flask_appbuilder", "sqlalchemy_utils",
        "flask_sqlalchemy_lite",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()

    def declare(self, project: Project, schema: Schema) -> None:
        reader = TableReader(project, schema)
        reader.read()
        self._outside, self._eager = reader.outside, reader.eager
        self._settled, self._crossing = reader.settled, reader.crossing
        self._secondary |= reader.outside
        for function, module, call in listening(project):
            schema.listeners.setdefault(function, []).append((module, call))
        for id_, fact in reader.core.items():
            schema.names[id_] = TableRef(fact.table_id)
        for relation in schema.relationships:
            key = (relation.definition, relation.attribute)
            if relation.secondary:
                self._secondary[key] = relation.secondary
            if relation.cascade and ("all" in relation.cascade or "delete" in relation.cascade):
                self._cascades.setdefault(relation.definition, []).append(
                    (relation.target, relation.attribute)
                )

    def attribute(self, at: At, owner: Value, name: str, line: int) -> Value | None:
        kind = type(owner)
        if kind is ClassRef:
            model = at.schema.models.get(owner.cls)  # type: ignore[attr-defined]
            return self._of_class(at, model, name, line) if model else None
        if kind is Instance:
            return self._of_instance(at, owner, name, line)  # type: ignore[arg-type]
        if kind is TableRef:
            if name in ("c", "columns"):
                at.mention(owner.table, line, "core")  # type: ignore[attr-defined]
                return ColumnRef(owner.table)  # type: ignore[attr-defined]
            return None
        if kind is Interface:
            return self._of_interface(owner, name)  # type: ignore[arg-type]
        if kind is Rows and name == "items":
            row = owner.row  # type: ignore[attr-defined]
            return Many(row) if row is not None else None
        if kind is Rows and name in ("c", "columns"):
            return ColumnRef("")
        if kind is ColumnRef and name == "class_":
            return TableRef(owner.table) if owner.table else None  # type: ignore[attr-defined]
        if kind is ColumnRef and owner.target is not None:  # type: ignore[attr-defined]
            model = at.schema.models.get(owner.target)  # type: ignore[attr-defined]
            return self._of_class(at, model, name, line) if model else None
        return None

    def _of_class(self, at: At, model: Model, name: str, line: int) -> Value | None:
        if name == "query":
            tables, loaded = self._tables(at, model.id), self._loaded(at, model.id)
            return self._rows(at, (Instance(model.id),), tables, "query", line, loaded)
        if name == "__table__":
            return TableRef(model.table)
        if name in model.relations:
            target = model.relations[name][0]
            at.mention(model.table, line, "orm")
            secondary = self._secondary.get((model.id, name))
            if secondary:
                at.mention(secondary, line, "relationship")
            return ColumnRef(model.table, target, secondary or "")
        if (model.id, name) in self._outside:
            secondary = self._outside[model.id, name]
            at.mention(secondary, line, "relationship")
            return ColumnRef(model.table, None, secondary)
        if name in model.columns:
            home = self._home(at, model, name)
            at.mention(home, line, "orm")
            return ColumnRef(home)
        return None

    def _of_instance(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        model = at.schema.models.get(owner.cls)
        if model is not None:
            relation = model.relations.get(name)
            if name == STATE_OF:
                return owner
            if relation is None:
                if (model.id, name) in self._outside and not is_new(at, owner):
                    self._through(at, model.id, name, "read", line)
                return None
            target, many = relation
            how: AccessHow = "relationship"
            if not is_new(at, owner):
                way = frozenset({model.id})  # its objects are there already
                self._read(at, self._loaded(at, target, way), line, how)
                self._through(at, model.id, name, "read", line)
            return Related(model.id, name, target) if many else Instance(target)
        if name == "session" and (last(owner.cls) in _HOLDERS or self._is_of(at, owner, _HOLDERS)):
            return Instance("sqlalchemy.orm.Session")
        if name in ("Model", "Table", "Column", "relationship", "select", "text"):
            return External(f"sqlalchemy.{name}")
        if name == "get_session":
            return Instance("sqlalchemy.orm.Session")
        return None

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        kind = type(function)
        if kind is ClassRef:
            return self._made(at, function, call)  # type: ignore[arg-type]
        if kind is External:
            return self._function(at, function.name, call)  # type: ignore[attr-defined]
        if kind is Instance:
            return self._called_object(at, function, call)  # type: ignore[arg-type]
        if kind is not Method or function.home is not None:  # type: ignore[attr-defined]
            return None
        owner, name = function.owner, function.name  # type: ignore[attr-defined]
        if type(owner) is Rows:
            return self._query(at, owner, name, call)
        if type(owner) is TableRef:
            return self._table(at, owner, name, call)
        if type(owner) is Related:
            return self._related(at, owner, name, call)
        if type(owner) is Loads:
            return self._option(at, owner, name, call)
        if type(owner) is Interface:
            return self._interface(at, owner, name, call)
        if type(owner) is Write:
            self._arguments(at, call, but=owner.table)
            return owner
        if type(owner) is ColumnRef:
            for table in self._tables(at, owner.target) if owner.target else ():
                at.mention(table, call.line, "orm")
            return self._expression(at, call, owner)
        if type(owner) is Instance and self._is_session(at, owner):
            return self._session(at, name, call)
        if type(owner) is Instance and owner.cls in at.schema.models:
            self._by_a_base(at, owner, name, call)
        elif type(owner) is Instance:
            return self._endpoint(at, owner, name, call)
        return None

    def _by_a_base(self, at: At, owner: Instance, name: str, call: Call) -> None:
        """``row.save()``, ``row.update(values)``: what a library's base class of models does."""
        model = at.schema.models[owner.cls]
        for table in (model.table, *(model.extra or ())) if name in _OF_BASES else ():
            at.access(table, _OF_BASES[name], call.line, "orm", "likely")

    def loose(self, at: At, owner: str, name: str, call: Call) -> Value | None:
        """A session's method on an object that is not known: told by what goes into it."""
        if name not in _SESSION_VERBS or not call.values:
            return None
        first = call.values[0]
        known = self._is_row(at, first) or any(
            type(o) in (Rows, TableRef, Write, ColumnRef)
            or (type(o) is ClassRef and o.cls in at.schema.models)
            for v in call.values
            for o in options(v)
        )
        sounds = _SESSION_NAME.search(owner.rpartition(".")[2]) is not None
        if name in ("add", "delete", "merge", "add_all", "refresh"):
            # Its name alone is no proof.
            return self._unit_of_work(at, name, call, "likely") if sounds else None
        return self._session(at, name, call) if known else None

    def _is_row(self, at: At, value: Value | None) -> bool:
        return any(type(o) is Instance and o.cls in at.schema.models for o in options(value))

    def _is_session(self, at: At, owner: Instance) -> bool:
        return self._is_of(at, owner, _SESSIONS)

    def _is_of(self, at: At, owner: Instance, names: Collection[str]) -> bool:
        """Whether an object is of one of these classes, or of an own class below one."""
        if ":" not in owner.cls:
            return last(owner.cls) in names
        return any(last(f) in names for f in at.project.classes.foreign(owner.cls))

    def _called_object(self, at: At, owner: Instance, call: Call) -> Value | None:
        del at, call
        if last(owner.cls) in _MAKERS | {"scoped_session", "async_scoped_session"}:
            return Instance("sqlalchemy.orm.Session")
        return None

    def _made(self, at: At, function: ClassRef, call: Call) -> Value | None:
        model = at.schema.models.get(function.cls)
        if model is None:
            return None
        for table in (model.table, *(model.extra or ())):
            at.access(table, "insert", call.line, "orm", "likely")
        return Instance(function.cls, NEW)

    def _function(self, at: At, name: str, call: Call) -> Value | None:
        what = last(name)
        if what in ("select", "union", "union_all", "intersect", "except_"):
            return self._selected(at, call, "statement")
        if what == "Query" and call.values:
            return self._selected(at, call, "query")
        if what == "SQLAInterface":
            return self._interface_of(at, call)
        if what in WRITES and name.startswith(("sqlalchemy", "sqlmodel")):
            return self._write(at, call.values[0] if call.values else None, WRITES[what], call)
        if what in ("aliased", "with_polymorphic", "alias"):
            return call.values[0] if call.values else None
        if what in ("text", "TextClause"):
            return call.values[0] if call.values else None
        if what in _MAKERS or what in _SESSIONS or what == "SQLAlchemy":
            return Instance(name)
        if what in ("create_engine", "create_async_engine", "engine_from_config"):
            return Instance("sqlalchemy.engine.Engine")
        if what in ("object_session", "async_object_session"):
            return Instance("sqlalchemy.orm.Session")
        if what == "inspect":
            return Instance(f"sqlalchemy.orm.{STATE}")
        if what in ("exists",):
            return Rows((), self._all_tables(at, call), "statement")
        if what in LOADERS or what == "Load":
            return self._loading(at, call)
        if what in ("lazyload", "noload", "raiseload", "defer", "undefer"):
            return ColumnRef("")
        if what[:1].isupper():
            return Instance(name)
        return self._expression(at, call)

    def iterate(self, at: At, value: Value, line: int) -> Value | None:
        if type(value) is Rows:
            at.executes()
            self._ran(at, value.tables, line)
            return value.row
        if type(value) is Related:
            return Instance(value.target)
        if type(value) is ClassRef:
            return Instance(value.cls)
        return None

    def entered(self, at: At, value: Value, line: int) -> Value | None:
        if type(value) is Instance and last(value.cls) in _MAKERS:
            return Instance("sqlalchemy.orm.Session")
        return None

    def annotation(self, at: At, outer: Value, items: tuple[object, ...]) -> Value | None:
        name = last(outer.name) if type(outer) is External else ""
        if name not in ("Select", "Query", "Result", "ScalarResult", "ScalarSelect"):
            return None
        entity = at.annotated(items[0]) if items else None
        inner = entity.items if type(entity) is Several else (entity,)
        if not any(self._is_row(at, e) for e in inner):
            return None
        tables: set[str] = set()
        for one in inner:
            if type(one) is Instance:
                tables |= self._tables(at, one.cls)
        kinds = {"Select": "statement", "Query": "query", "ScalarResult": "scalars"}
        return Rows(tuple(inner), frozenset(tables), kinds.get(name, "result"))  # type: ignore[arg-type]

    def decorated(self, at: At, decorator: object) -> tuple[Value | None, ...]:
        return given_to(at, decorator)

    def store(self, at: At, owner: Value, name: str, value: Value | None, line: int) -> None:
        if type(owner) is not Instance or owner.given == NEW:
            return
        model = at.schema.models.get(owner.cls)
        if model is None:
            return
        making = is_new(at, owner)  # a row that its `__init__` fills is not there to be updated
        if making and (name == "*" or name in model.columns):
            return
        if name == "*":  # `setattr(user, name, value)`
            at.access(model.table, "update", line, "orm", "likely")
        elif name in model.columns:
            at.access(self._home(at, model, name), "update", line, "orm")
        elif (model.id, name) in self._outside:
            table = self._outside[model.id, name]
            at.access(table, "insert", line, "relationship", "likely")
        elif name in model.relations:
            secondary = self._secondary.get((model.id, name))
            if secondary:
                at.access(secondary, "insert", line, "relationship", "likely")
            target, many = model.relations[name]
            table = at.schema.models[target].table if many else model.table
            if not secondary and not (making and table == model.table):
                at.access(table, "update", line, "relationship", "likely")
