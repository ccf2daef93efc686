"""Tables, foreign keys and relationships from SQLAlchemy's declarative classes and Core tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from migrator.analyze.definitions import Code, resolve
from migrator.analyze.frameworks.class_syntax import (
    assignment,
    assigns,
    body,
    innermost,
    strings,
)
from migrator.analyze.frameworks.sqlalchemy_columns import ColumnFact, ColumnReader, ForeignKeyFact
from migrator.analyze.names import Names, dotted_name
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import Column, Constraint, ForeignKey, Relationship, Table, Unresolved

_BASES = {
    "sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta",
    "sqlmodel.SQLModel", "sqlalchemy.orm.MappedAsDataclass",
}  # fmt: skip
_BASE_MAKERS = {"sqlalchemy.orm.declarative_base", "sqlalchemy.ext.declarative.declarative_base"}
_RELATIONSHIPS = {"sqlalchemy.orm.relationship", "sqlalchemy.orm.relation"}
_COLUMNS = {"sqlalchemy.orm.mapped_column", "sqlalchemy.Column", "sqlalchemy.schema.Column"}


class SchemaReader:
    """Reads the schema out of all definitions."""

    def __init__(self, codes: Mapping[str, Code], names: Names) -> None:
        self.codes = codes
        self.names = names
        self.unresolved: list[Unresolved] = []
        self.bases = {c.id for c in codes.values() if self._is_base(c)}
        self.models: dict[str, Model] = {}
        self.core: dict[str, Model] = {}

    def read(self) -> Schema:
        for code in self.codes.values():
            if isinstance(code.node, ast.ClassDef):
                self._class(code)
            elif code.kind == "variable":
                self._core(code)
        every = [*self.models.values(), *self.core.values()]
        tables: dict[str, Table] = {}
        for model in sorted(every, key=lambda m: m.code.node.lineno):
            self._table(model, tables)
        keys = {k for model in every for k in self._foreign_keys(model)}
        relations = [r for m in self.models.values() for r in self._relationships(m)]
        return Schema(
            tuple(tables[name] for name in sorted(tables)),
            tuple(sorted(keys, key=lambda k: (k.source, k.columns, k.target))),
            tuple(sorted(relations, key=lambda r: (r.definition, r.attribute))),
            tuple(self.unresolved),
            self.models,
            frozenset(self.bases | self._mixins()),
            {id_: model.table_id for id_, model in self.core.items()},
        )

    # --- classes ---------------------------------------------------------------------------

    def _is_base(self, code: Code) -> bool:
        node = code.node
        if isinstance(node, ast.ClassDef):
            return any(self._name(code, base) in _BASES for base in node.bases)
        value = getattr(node, "value", None)
        return isinstance(value, ast.Call) and self._name(code, value.func) in _BASE_MAKERS

    def _name(self, code: Code, node: ast.AST) -> str | None:
        dotted = dotted_name(node)
        return (resolve(code, dotted, self.names) or dotted) if dotted else None

    def _ancestors(self, code: Code, seen: frozenset[str] = frozenset()) -> Iterator[Code | str]:
        """Bases in order of method resolution, roughly: own classes as Code, others by name."""
        if not isinstance(code.node, ast.ClassDef):
            return
        for base in code.node.bases:
            target = self._name(code, base.value if isinstance(base, ast.Subscript) else base)
            if target is None or target in seen:
                continue
            own = self.codes.get(target)
            yield own if own else target
            if own:
                yield from self._ancestors(own, seen | {target})

    def _class(self, code: Code) -> None:
        ancestors = list(self._ancestors(code))
        ids = {a.id for a in ancestors if isinstance(a, Code)}
        names = {a for a in ancestors if isinstance(a, str)}
        flask = any(name.endswith(".Model") for name in names)
        if code.id in self.bases or not (ids & self.bases or names & _BASES or flask):
            return
        own = body(code)
        table = self._constant_of(code, "__tablename__")
        inherited = next(
            (self.codes[i] for i in ids if assigns(self.codes[i], "__tablename__")), None
        )
        if assigns(code, "__abstract__"):
            return
        if table is None and flask and inherited is None:
            table = re.sub(r"(?<!^)(?=[A-Z])", "_", code.node.name).lower()  # type: ignore[attr-defined]
        if table is None and inherited is not None:
            table = self._constant_of(inherited, "__tablename__")
        if table is None:
            declared = any(getattr(n, "name", None) == "__tablename__" for n in own)
            why = "its table's name is computed" if declared else "it names no table"
            line = code.node.lineno
            self.unresolved.append(Unresolved(code.module.path, line, f"model {code.id}", why))
            return
        model = Model(code.id, code, table, None)
        for source in [*[a for a in reversed(ancestors) if isinstance(a, Code)], code]:
            if (
                source is not code
                and assigns(source, "__tablename__")
                and not assigns(code, "__tablename__")
            ):
                pass
            elif source is not code and assigns(source, "__tablename__"):
                continue
            self._members(source, model)
        self.models[code.id] = model

    def _members(self, code: Code, model: Model) -> None:
        reader = self._reader(code)
        for node in body(code):
            name, annotation, value = assignment(node)
            if isinstance(node, ast.FunctionDef) and any(
                (dotted_name(d) or "").endswith("declared_attr") for d in node.decorator_list
            ):
                returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
                name, annotation, value = node.name, None, returned[0] if returned else None
            if name is None:
                continue
            if name == "__table_args__" and value is not None:
                self._table_args(code, model, value)
                continue
            called = self._name(code, value.func) if isinstance(value, ast.Call) else None
            mapped = (
                (dotted_name(getattr(annotation, "value", annotation)) or "") if annotation else ""
            )
            if called in _RELATIONSHIPS or (called or "").endswith("db.relationship"):
                assert isinstance(value, ast.Call)
                self._relation(code, model, name, annotation, value)
            elif called in _COLUMNS or (called or "").endswith(("db.Column", ":db.Column")):
                assert isinstance(value, ast.Call)
                self._add(model, reader.mapped(name, annotation, value, node.lineno))
            elif mapped.endswith("Mapped") and value is None:
                inner = getattr(annotation, "slice", None)
                if (dotted_name(inner) if inner else None) or isinstance(inner, ast.BinOp):
                    self._add(model, reader.mapped(name, annotation, None, node.lineno))

    def _add(self, model: Model, fact: ColumnFact | None) -> None:
        if fact:
            model.columns[fact.attribute] = fact

    def _reader(self, code: Code) -> ColumnReader:
        return ColumnReader(
            lambda dotted: resolve(code, dotted, self.names),
            self._enum_values,
            lambda dotted: self._constant(resolve(code, dotted, self.names)),
        )

    def _enum_values(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        code = self.codes.get(target)
        if code is None or not isinstance(code.node, ast.ClassDef):
            return None
        members = tuple(
            name
            for node in code.node.body
            for name, _, value in [assignment(node)]
            if name and value is not None and not name.startswith("_")
        )
        return (code.node.name, members) if members else None

    def _constant(self, target: str | None) -> object:
        code = self.codes.get(target or "")
        value = getattr(code.node, "value", None) if code and code.kind == "variable" else None
        return value.value if isinstance(value, ast.Constant) else None

    def _constant_of(self, code: Code, name: str) -> str | None:
        for node in body(code):
            assigned, _, value = assignment(node)
            if assigned == name and isinstance(value, ast.Constant):
                return str(value.value)
        return None

    # --- table arguments, relationships, Core ------------------------------------------------

    def _table_args(self, code: Code, model: Model, value: ast.expr) -> None:
        items = list(value.elts) if isinstance(value, ast.Tuple) else [value]
        for item in items:
            if isinstance(item, ast.Dict):
                for key, given in zip(item.keys, item.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "schema":
                        model.schema = given.value if isinstance(given, ast.Constant) else None  # type: ignore[assignment]
            elif isinstance(item, ast.Call):
                self._table_item(code, model, item)

    def _table_item(self, code: Code, model: Model, item: ast.Call) -> None:
        kind = (self._name(code, item.func) or "").rpartition(".")[2]
        texts = [
            a.value for a in item.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
        ]
        named = {k.arg: k.value for k in item.keywords}
        given = named.get("name")
        name = str(given.value) if isinstance(given, ast.Constant) else None
        if kind == "UniqueConstraint":
            model.constraints.append(Constraint("unique", tuple(texts), name))
        elif kind == "CheckConstraint" and texts:
            model.constraints.append(Constraint("check", (), name, texts[0]))
        elif kind == "Index" and texts:
            unique = named.get("unique")
            is_unique = isinstance(unique, ast.Constant) and bool(unique.value)
            columns = tuple(texts[1:])
            if len(columns) == len(item.args) - 1:
                model.constraints.append(Constraint("index", columns, texts[0], None, is_unique))
            else:
                self.unresolved.append(
                    Unresolved(
                        code.module.path, item.lineno, f"index {texts[0]}", "on an expression"
                    )
                )
        elif kind == "ForeignKeyConstraint" and len(item.args) > 1:
            columns, referred = (strings(a) for a in item.args[:2])
            on_delete = named.get("ondelete")
            rule = str(on_delete.value) if isinstance(on_delete, ast.Constant) else None
            model.composite_keys.append((columns, referred, rule, item.lineno))

    def _relation(
        self, code: Code, model: Model, name: str, annotation: ast.expr | None, call: ast.Call
    ) -> None:
        target = call.args[0] if call.args else innermost(annotation)
        text = (
            target.value
            if isinstance(target, ast.Constant)
            else dotted_name(target)
            if target
            else None
        )
        named = {k.arg: k.value for k in call.keywords}
        secondary = named.get("secondary")
        through = (
            secondary.value if isinstance(secondary, ast.Constant)
            else self._name(code, secondary) if secondary is not None else None
        )  # fmt: skip
        cascade = named.get("cascade")
        rule = str(cascade.value) if isinstance(cascade, ast.Constant) else None
        if isinstance(text, str):
            model.relations[name] = (text, call.lineno, str(through) if through else None, rule)

    def _core(self, code: Code) -> None:
        value = getattr(code.node, "value", None)
        if not isinstance(value, ast.Call):
            return
        called = self._name(code, value.func) or ""
        if called not in ("sqlalchemy.Table", "sqlalchemy.schema.Table") and not called.endswith(
            "db.Table"
        ):
            return
        if not value.args or not isinstance(value.args[0], ast.Constant):
            self.unresolved.append(
                Unresolved(
                    code.module.path, value.lineno, f"table {code.id}", "its name is computed"
                )
            )
            return
        schema = next((k.value for k in value.keywords if k.arg == "schema"), None)
        model = Model(code.id, code, str(value.args[0].value), None)
        model.schema = str(schema.value) if isinstance(schema, ast.Constant) else None
        reader = self._reader(code)
        for item in value.args[1:]:
            if not isinstance(item, ast.Call):
                continue
            if (self._name(code, item.func) or "").rpartition(".")[2] == "Column":
                first = item.args[0] if item.args else None
                name = str(first.value) if isinstance(first, ast.Constant) else "?"
                self._add(model, reader.mapped(name, None, item, item.lineno))
            else:
                self._table_item(code, model, item)
        self.core[code.id] = model

    # --- putting it together -------------------------------------------------------------------

    def _table(self, model: Model, tables: dict[str, Table]) -> None:
        columns = tuple(self._typed(fact) for fact in model.columns.values())
        known = tables.get(model.table_id)
        if known:  # single-table inheritance adds columns to its parent's table
            extra = tuple(c for c in columns if c.name not in {k.name for k in known.columns})
            columns = known.columns + extra
        tables[model.table_id] = Table(
            name=model.table,
            schema=model.schema,
            columns=columns,
            path=known.path if known else model.code.module.path,
            line=known.line if known else model.code.node.lineno,
            source="core" if model.id in self.core else "orm",
            definition=known.definition if known else model.id,
            constraints=tuple(model.constraints) if not known else known.constraints,
        )

    def _typed(self, fact: ColumnFact) -> Column:
        """A column whose type comes from the key that it refers to."""
        if fact.column.type or not fact.foreign_keys:
            return fact.column
        target = self._referred(fact.foreign_keys[0])
        referred = target and self._column(*target)
        return replace(fact.column, type=referred.column.type if referred else "Integer()")

    def _column(self, table: str, column: str) -> ColumnFact | None:
        for model in [*self.models.values(), *self.core.values()]:
            if model.table_id == table:
                return next((f for f in model.columns.values() if f.column.name == column), None)
        return None

    def _referred(self, key: ForeignKeyFact) -> tuple[str, str] | None:
        table, _, column = key.target.rpartition(".")
        for model in self.models.values():
            if model.id.rpartition(":")[2] == table and table != model.table:
                fact = model.columns.get(column)
                return model.table_id, fact.column.name if fact else column
        return (table, column) if table else None

    def _foreign_keys(self, model: Model) -> Iterator[ForeignKey]:
        path = model.code.module.path
        for fact in model.columns.values():
            for key in fact.foreign_keys:
                target = self._referred(key)
                if target:
                    yield ForeignKey(
                        model.table_id, target[0], (fact.column.name,), (target[1],),
                        path, key.line, key.on_delete,
                    )  # fmt: skip
        for columns, referred, rule, line in model.composite_keys:
            tables = {r.rpartition(".")[0] for r in referred}
            if len(tables) == 1:
                names = tuple(r.rpartition(".")[2] for r in referred)
                yield ForeignKey(model.table_id, tables.pop(), columns, names, path, line, rule)

    def model_named(self, name: str, near: Code) -> Model | None:
        """A model by class name, dotted path or resolved name."""
        target = resolve(near, name, self.names) or name
        if target in self.models:
            return self.models[target]
        last = name.rpartition(".")[2]
        found = [m for m in self.models.values() if m.id.rpartition(":")[2] == last]
        return found[0] if len(found) == 1 else None

    def _relationships(self, model: Model) -> Iterator[Relationship]:
        for name, (text, line, secondary, cascade) in model.relations.items():
            target = self.model_named(text, model.code)
            if target is None:
                self.unresolved.append(
                    Unresolved(
                        model.code.module.path,
                        line,
                        f"relationship {model.id}.{name}",
                        f"no model {text}",
                    )
                )
                continue
            through = self.core[secondary].table_id if secondary in self.core else secondary
            yield Relationship(
                model.id,
                name,
                model.table_id,
                target.table_id,
                model.code.module.path,
                line,
                through,
                cascade,
            )

    def _mixins(self) -> set[str]:
        """Classes without a table that models inherit columns from."""
        return {
            a.id
            for model in self.models.values()
            for a in self._ancestors(model.code)
            if isinstance(a, Code) and a.id not in self.models
        }
