"""Tables, foreign keys and relationships from SQLAlchemy's classes and Core tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrator.analyze.facts.shape import (
    CALL,
    CONST,
    DEF,
    DICT,
    IF,
    ITEM,
    LIST,
    OP,
    RETURN,
    SET,
    STAR,
    TRY,
    TUPLE,
    Expr,
    Stmt,
)  # fmt: skip
from migrator.analyze.frameworks.sqlalchemy_columns import (
    ColumnFact,
    ColumnReader,
    ForeignKeyFact,
    constant,
    is_call,
    keyword,
    last,
    text,
)  # fmt: skip
from migrator.analyze.infer.annotations import parsed
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import Column, Constraint, ForeignKey, Relationship, Table, Unresolved

BASES = {
    "sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta",
    "sqlmodel.SQLModel", "sqlmodel.main.SQLModel", "flask_sqlalchemy.model.Model",
    "sqlalchemy.orm.decl_api.DeclarativeBase",
}  # fmt: skip
_MAKERS = {"declarative_base", "automap_base", "generate_base", "as_declarative"}
_RELATIONS = {"relationship", "relation", "Relationship", "dynamic_loader", "backref"}
_COLUMNS = {"Column", "mapped_column", "column_property", "deferred", "Field", "composite"}
_NO_BASES = {"typing", "abc", "enum", "collections", "dataclasses", "pydantic"}
_LISTS = {
    "list",
    "List",
    "set",
    "Set",
    "Sequence",
    "DynamicMapped",
    "WriteOnlyMapped",
    "Collection",
}


@dataclass(slots=True, eq=False)
class TableFact:
    """A table while it is read; `id` is the definition that declares it."""

    id: str
    module: Module
    line: int
    name: str
    schema: str | None
    source: str
    columns: dict[str, ColumnFact] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    composite: list[tuple[tuple[str, ...], tuple[str, ...], str | None, int]] = field(
        default_factory=list
    )
    relations: dict[str, RelationFact] = field(default_factory=dict)
    parent: str | None = None

    @property
    def table_id(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class RelationFact:
    """A relationship as written: `target` is a class's name or a resolved one."""

    target: str
    line: int
    module: Module
    secondary: str | None
    cascade: str | None
    many: bool | None
    backref: str | None
    backref_cascade: str | None = None


class TableReader:
    """Reads the schema out of all classes and module-level variables."""

    def __init__(self, project: Project, schema: Schema) -> None:
        self.project = project
        self.schema = schema
        self.bases: set[str] = set()
        self.base_schema: dict[str, str | None] = {}
        self.models: dict[str, TableFact] = {}
        self.core: dict[str, TableFact] = {}
        self.by_name: dict[str, list[str]] = {}
        self._columns: dict[str, dict[str, ColumnFact]] = {}

    def read(self) -> None:
        self._find_bases()
        for id_, module, statement in self.project.variables():
            self._variable(id_, module, statement)
        for module in self.project.code:
            self._added_tables(module)
        for class_ in self.project.classes.by_id.values():
            self._tables_in(class_)
            self._class(class_)
        self._imperative()
        for id_ in self.models:
            self.by_name.setdefault(last(id_), []).append(id_)
        every = [*self.core.values(), *self.models.values()]
        for fact in sorted(every, key=lambda f: (f.parent is not None, f.module.path, f.line)):
            self._columns.setdefault(fact.table_id, {}).update(
                {c.column.name: c for c in fact.columns.values()}
            )
        for fact in sorted(every, key=lambda f: (f.parent is not None, f.module.path, f.line)):
            self.schema.add_table(self._table(fact))
            self.schema.foreign_keys |= set(self._foreign_keys(fact))
        for fact in self.models.values():
            self._model(fact)
        for fact in self.models.values():
            self._relationships(fact)

    # --- bases -----------------------------------------------------------------------------------

    def _find_bases(self) -> None:
        for id_, module, statement in self.project.variables():
            value = statement[3]
            if is_call(value) and last(self.project.resolved(module.name, value[2])) in _MAKERS:
                self._base(id_, module, keyword(value, "metadata"))
        for class_ in self.project.classes.by_id.values():
            direct = {base for base, _ in class_.bases}
            made = any(last(b.removesuffix("()")) in _MAKERS for b in direct if b.endswith("()"))
            decorated = any(
                last(self.project.resolved(class_.module.name, d[2] if is_call(d) else d))
                in _MAKERS
                for _, d in class_.statement[6]
            )
            table = any(k == "table" for k, _ in class_.keywords)
            if (
                (direct & BASES and not table and class_.value("__tablename__") is None)
                or made
                or decorated
            ):
                if any(b.startswith("sqlmodel") for b in direct):
                    continue  # SQLModel's own subclasses are data classes until `table=True`
                self._base(class_.id, class_.module, class_.value("metadata"))

    def _base(self, id_: str, module: Module, metadata: Expr | None) -> None:
        self.bases.add(id_)
        self.schema.trait(id_, "base")
        self.base_schema[id_] = self._metadata_schema(module, metadata)

    def _metadata_schema(self, module: Module, metadata: Expr | None) -> str | None:
        """The schema that ``MetaData(schema=…)`` gives to all its tables."""
        for _ in range(4):
            if (
                is_call(metadata)
                and last(self.project.resolved(module.name, metadata[2])) == "MetaData"
            ):
                return self._string(module, keyword(metadata, "schema"))
            if type(metadata) is not str:
                return None
            target = self.project.resolve(module.name, metadata) or ""
            fact = self.project.names.definition(target)
            if fact is None:
                return None
            module = self.project.modules[target.partition(":")[0]]
            metadata = next((s[3] for s in fact.statements if s[0] == SET), None)
        return None

    def is_base(self, class_: Class) -> bool:
        for above in class_.mro[1:]:
            if above in self.bases or above in BASES:
                return True
            if above not in self.project.classes.by_id and self._foreign_base(above):
                return True
        return _is_mapped_by_decorator(class_) or self._maps_itself(class_)

    def _maps_itself(self, class_: Class) -> bool:
        """A class with a table's name and columns, over a base that is not in this tree."""
        foreign = [b for b in self.project.classes.foreign(class_.id) if "." in b and ":" not in b]
        return (
            any(b.partition(".")[0] not in _NO_BASES for b in foreign)
            and "__tablename__" in class_.members
            and any(
                is_call(value := class_.value(name))
                and self.project.resolved(class_.module.name, value[2]).startswith("sqlalchemy")
                and last(self.project.resolved(class_.module.name, value[2])) in _COLUMNS
                for name in class_.members
            )
        )

    def _foreign_base(self, name: str) -> bool:
        """``db.Model`` where `db` is a `SQLAlchemy()` object, of the monolith or another's."""
        owner, _, attribute = name.rpartition(".")
        if attribute != "Model" or not owner:
            return name.startswith("flask_appbuilder") and attribute == "Model"
        if name.startswith(("flask_appbuilder", "flask_sqlalchemy", "flask_sqlalchemy_lite")):
            return True
        fact = self.project.names.definition(owner)
        for statement in fact.statements if fact else ():
            if statement[0] == SET and is_call(statement[3]):
                module = owner.partition(":")[0]
                if self._makes_flask_db(self.project.resolved(module, statement[3][2])):
                    return True
        return False

    def _makes_flask_db(self, made: str) -> bool:
        class_ = self.project.classes.get(made)
        names = class_.mro if class_ else (made,)
        return any(last(n) == "SQLAlchemy" for n in names)

    def _snake_cases(self, class_: Class) -> bool:
        """Whether tables are named from classes, as Flask-SQLAlchemy does."""
        for above in class_.mro[1:]:
            if above not in self.project.classes.by_id:
                if self._foreign_base(above) and not above.startswith("flask_appbuilder"):
                    return True
            elif above in self.bases:
                continue
        return any(b.startswith("sqlmodel") for b in class_.mro)

    # --- classes ---------------------------------------------------------------------------------

    def _class(self, class_: Class) -> None:
        if class_.id in self.bases or not self.is_base(class_):
            return
        if self._is_true(class_.value("__abstract__")):
            self.schema.trait(class_.id, "base")
            return
        sqlmodel = any(b.startswith("sqlmodel") for b in class_.mro)
        table_keyword = next((v for k, v in class_.keywords if k == "table"), None)
        if sqlmodel and not self._is_true(table_keyword):
            return
        core = self._own_table(class_)
        if core is not None:
            self._over_core(class_, core)
            return
        name, told = self._table_name(class_)
        parent = self._parent(class_)
        if name is None and parent is not None:
            name = parent.name  # single-table inheritance
        if name is None:
            if told:
                self._unknown(class_.module, class_.line, f"model {class_.id}", told)
            return
        schema = self._schema_of(class_)
        fact = TableFact(class_.id, class_.module, class_.line, name, schema, "orm")
        if parent is not None and parent.name == name:
            fact.schema = parent.schema
            fact.parent = parent.id
        self._gather(class_, fact, parent)
        self.models[class_.id] = fact

    def _parent(self, class_: Class) -> TableFact | None:
        """The nearest mapped class above."""
        for above in class_.mro[1:]:
            own = self.project.classes.get(above)
            if own is None:
                continue
            if own.id not in self.models and own.id not in self.bases and self.is_base(own):
                self._class(own)
            if own.id in self.models:
                return self.models[own.id]
        return None

    def _table_name(self, class_: Class) -> tuple[str | None, str | None]:
        """The table's name, or None and why it is not known."""
        parent = self._parent(class_)
        for above in class_.mro:
            own = self.project.classes.get(above)
            if own is None:
                continue
            if parent is not None and own.id == parent.id:
                return None, None
            written = own.members.get("__tablename__")
            if not written:
                continue
            statement = written[-1]
            if statement[0] == SET:
                if statement[3] is None:
                    continue
                if statement[3] == (CONST, None):
                    return None, None
                found = self._string(own.module, statement[3], own)
                return found, None if found else "its table's name is computed"
            if statement[0] == DEF:
                computed = self._computed_name(own, statement, class_)
                return computed, None if computed else "its table's name is computed"
        if parent is not None:
            return None, None
        if self._snake_cases(class_):
            if any(b.startswith("sqlmodel") for b in class_.mro):
                return class_.name.lower(), None
            if not self._has_primary_key(class_):
                return None, None
            return snake_case(class_.name), None
        return None, "it names no table"

    def _has_primary_key(self, class_: Class) -> bool:
        for own in self.project.classes.ancestors(class_.id):
            for statements in own.members.values():
                for statement in statements:
                    value = statement[3] if statement[0] == SET else None
                    if is_call(value) and self._is_true(keyword(value, "primary_key")):
                        return True
        return False

    def _computed_name(self, home: Class, statement: Stmt, class_: Class) -> str | None:
        """``__tablename__`` as a function of the class's name."""
        body = self.project.block(self.project.method(home, statement))
        returned = [s[2] for s in body if s[0] == RETURN]
        if len(body) != 1 or len(returned) != 1:
            return None
        return self._applied(home.module, returned[0], class_.name, statement)

    def _applied(self, module: Module, expr: Expr, name: str, statement: Stmt) -> str | None:
        """Strings made of ``cls.__name__`` by the usual ways."""
        own = statement[4][0][0] if statement[4] else "cls"
        if expr == f"{own}.__name__":
            return name
        value = self._string(module, expr)
        if value is not None:
            return value
        if not is_call(expr):
            if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
                left = self._applied(module, expr[2], name, statement)
                right = self._applied(module, expr[3], name, statement)
                return left + right if left is not None and right is not None else None
            if type(expr) is tuple and expr[0] == "fstring":
                parts = [
                    p if type(p) is str else self._applied(module, p[1][0], name, statement)
                    for p in expr[1]
                ]
                return None if None in parts else "".join(p for p in parts if p is not None)
            return None
        func = expr[2]
        if func == f"{own}.__name__.lower" and not expr[3]:
            return name.lower()
        if type(func) is tuple and func[0] == "attr" and func[3] in ("lower", "upper"):
            inner = self._applied(module, func[2], name, statement)
            return getattr(inner, func[3])() if inner is not None else None
        if type(func) is str and len(expr[3]) == 1:
            inner = self._applied(module, expr[3][0], name, statement)
            if inner is not None and re.search(r"snake|underscore", last(func), re.I):
                return snake_case(inner)
            if inner is not None and last(func) in ("lower", "str"):
                return inner.lower() if last(func) == "lower" else inner
        if type(func) is str and last(func) == "sub" and len(expr[3]) == 3:
            pattern, repl = (self._string(module, e) for e in expr[3][:2])
            inner = self._applied(module, expr[3][2], name, statement)
            if pattern is not None and repl is not None and inner is not None:
                try:
                    return re.sub(pattern, repl, inner)
                except (re.error, IndexError):
                    return None
        return None

    def _own_table(self, class_: Class) -> TableFact | None:
        """``__table__ = …``: a Core table by name, or one made in place."""
        written = class_.value("__table__")
        if written is None:
            return None
        if is_call(written):
            return self._table_call(class_.id, class_.module, written, class_.line)
        if type(written) is str:
            return self.core.get(self.project.resolve(class_.module.name, written) or "")
        return None

    def _over_core(self, class_: Class, core: TableFact) -> None:
        fact = TableFact(class_.id, class_.module, class_.line, core.name, core.schema, "orm")
        fact.columns |= core.columns
        if core.id != class_.id:
            fact.parent = core.id
        else:
            fact.constraints, fact.composite = core.constraints, core.composite
        self._gather(class_, fact, None)
        self.models[class_.id] = fact

    def _schema_of(self, class_: Class) -> str | None:
        for own in self.project.classes.ancestors(class_.id):
            for args in self._table_args(own):
                if type(args) is tuple and args[0] == DICT:
                    for key, value in zip(args[1], args[2], strict=True):
                        if text(key) == "schema":
                            return self._string(own.module, value, own)
        for above in class_.mro:
            if self.base_schema.get(above):
                return self.base_schema[above]
        return None

    def _table_args(self, class_: Class) -> Iterator[Expr]:
        """The elements of ``__table_args__``, of a value or of a `declared_attr`."""
        written = class_.value("__table_args__")
        method = class_.method("__table_args__")
        if written is None and method is not None:
            body = self.project.block(self.project.method(class_, method))
            returned = [s[2] for s in body if s[0] == RETURN]
            written = returned[-1] if returned else None
        yield from self._flattened(class_, written)

    def _flattened(self, class_: Class, written: Expr) -> Iterator[Expr]:
        if type(written) is tuple and written[0] in (TUPLE, LIST):
            for element in written[1]:
                if type(element) is tuple and element[0] == STAR:
                    yield from self._flattened(class_, element[1])
                else:
                    yield element
        elif type(written) is tuple and written[0] == OP:
            yield from self._flattened(class_, written[2])
            yield from self._flattened(class_, written[3])
        elif type(written) is str:
            target = self.project.resolve(class_.module.name, written) or ""
            fact = self.project.names.definition(target)
            for statement in fact.statements if fact else ():
                if statement[0] == SET and statement[3] is not None and type(statement[3]) is tuple:
                    yield from self._flattened(class_, statement[3])
        elif written is not None:
            yield written

    def _gather(self, class_: Class, fact: TableFact, parent: TableFact | None) -> None:
        """Members of the class and of what it inherits, up to the mapped class above it."""
        sources: list[Class] = []
        inherited = set(self.project.classes.by_id[parent.id].mro) if parent else set()
        for own in self.project.classes.ancestors(class_.id):
            if own.id not in inherited:
                sources.append(own)
        if parent is not None and parent.name != fact.name and self._concrete(class_):
            sources += list(self.project.classes.ancestors(parent.id))
        for own in reversed(sources):
            self._members(own, fact)
        if parent is not None:
            for name, relation in parent.relations.items():
                fact.relations.setdefault(name, relation)
        for args in self._table_args(class_):
            if is_call(args):
                self._table_item(class_.module, fact, args)
        if not class_.members.get("__table_args__"):
            for own in sources[1:]:
                for args in self._table_args(own):
                    if is_call(args):
                        self._table_item(own.module, fact, args)

    def _concrete(self, class_: Class) -> bool:
        args = class_.value("__mapper_args__")
        if type(args) is not tuple or args[0] != DICT:
            return False
        return any(
            text(k) == "concrete" and self._is_true(v)
            for k, v in zip(args[1], args[2], strict=True)
        )

    def _members(self, class_: Class, fact: TableFact) -> None:
        reader = self.reader(class_.module)
        for name, statements in class_.members.items():
            if name.startswith("__"):
                continue
            for statement in statements:
                if statement[0] == SET:
                    self._member(
                        class_, fact, reader, name, statement[4], statement[3], statement[1]
                    )
                elif statement[0] == DEF and _is_declared(statement):
                    body = self.project.block(self.project.method(class_, statement))
                    for value in _returned(body):
                        self._member(class_, fact, reader, name, None, value, statement[1])

    def _member(
        self, class_: Class, fact: TableFact, reader: ColumnReader, name: str,
        annotation: Expr | None, value: Expr | None, line: int,
    ) -> None:  # fmt: skip
        called = (
            last(self.project.resolved(class_.module.name, value[2])) if is_call(value) else None
        )
        if called is not None and is_call(value):
            if called not in _COLUMNS | _RELATIONS:
                called = self._alias(class_.module, value[2]) or called
            if called in ("deferred", "column_property", "composite"):
                inner = value[3][0] if value[3] else None
                if (
                    is_call(inner)
                    and last(self.project.resolved(class_.module.name, inner[2])) == "Column"
                ):
                    value, called = inner, "Column"
                elif called != "deferred" or not is_call(inner):
                    return
            if called in _RELATIONS and called != "backref":
                self._relation(class_, fact, name, annotation, value)
                return
            if called in _COLUMNS:
                if called == "Field":
                    inner = keyword(value, "sa_column")
                    value = inner if is_call(inner) else value
                fact.columns[name] = reader.mapped(name, annotation, value, line)
                return
            if called == "association_proxy":
                return
        mapped = annotation
        if text(mapped) is not None:
            mapped = parsed(text(mapped) or "")
        sqlmodel = any(b.startswith("sqlmodel") for b in self.project.classes.by_id[fact.id].mro)
        if type(mapped) is tuple and mapped[0] == ITEM and last(str(mapped[1])) == "Mapped":
            if value is None or not is_call(value):
                fact.columns[name] = reader.mapped(name, annotation, None, line)
        elif sqlmodel and annotation is not None and called is None:
            outer = mapped[1] if type(mapped) is tuple and mapped[0] == ITEM else ""
            if last(str(outer)) == "ClassVar":
                return
            fact.columns[name] = reader.mapped(name, annotation, None, line)

    def _alias(self, module: Module, func: Expr) -> str | None:
        """``Column`` where a function of the monolith only wraps it."""
        target = self.project.resolve(module.name, func) if type(func) is str else None
        code = self.project.function(target) if target and ":" in target else None
        if code is None:
            return None
        for value in _returned(self.project.block(code)):
            if is_call(value):
                name = last(self.project.resolved(code.module, value[2]))
                if name in _COLUMNS | _RELATIONS:
                    return name
        return None

    def reader(self, module: Module) -> ColumnReader:
        return ColumnReader(
            lambda dotted: self.project.resolve(module.name, dotted),
            self._enum_values,
            lambda dotted: self._constant(module, dotted),
        )

    def _enum_values(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        class_ = self.project.classes.get(target)
        if class_ is None:
            return None
        members = tuple(
            name
            for name in class_.members
            if not name.startswith("_") and class_.value(name) is not None
        )
        return (class_.name, members) if members else None

    def _constant(self, module: Module, dotted: str) -> object:
        target = self.project.resolve(module.name, dotted) or ""
        owner, _, attribute = target.rpartition(".")
        class_ = self.project.classes.get(owner)
        if class_ is not None:
            return constant(class_.value(attribute))
        fact = self.project.names.definition(target)
        if fact is None or fact.kind != "variable":
            return None
        return constant(next((s[3] for s in fact.statements if s[0] == SET), None))

    def _string(self, module: Module, expr: Expr | None, class_: Class | None = None) -> str | None:
        """A string constant, a name of one, or a sum of such."""
        if expr is None:
            return None
        found = text(expr)
        if found is not None:
            return found
        if type(expr) is str:
            if class_ is not None and class_.value(expr) is not None:
                return self._string(module, class_.value(expr))
            value = self._constant(module, expr)
            if isinstance(value, str):
                return value
            owner, _, attribute = expr.rpartition(".")
            target = self.project.resolve(module.name, owner) if owner else None
            if attribute in ("__tablename__", "name") and target:
                own = self.project.classes.get(target)
                written = own.value("__tablename__") if own else None
                return text(written)
            return None
        if type(expr) is tuple and expr[0] == OP and expr[1] == "+":
            left, right = self._string(module, expr[2]), self._string(module, expr[3])
            return left + right if left is not None and right is not None else None
        if type(expr) is tuple and expr[0] == OP and expr[1] == "%":
            return self._filled(module, expr)
        if type(expr) is tuple and expr[0] == "fstring":
            parts = [
                p if type(p) is str else self._string(module, p[1][0], class_) for p in expr[1]
            ]
            return None if None in parts else "".join(p for p in parts if p is not None)
        return None

    def _filled(self, module: Module, expr: Expr) -> str | None:
        pattern = self._string(module, expr[2])
        given = expr[3][1] if type(expr[3]) is tuple and expr[3][0] == TUPLE else (expr[3],)
        values = [self._string(module, g) for g in given]
        if pattern is None or None in values:
            return None
        try:
            return pattern % tuple(values)
        except (TypeError, ValueError):
            return None

    def _is_true(self, expr: Expr | None) -> bool:
        return type(expr) is tuple and expr[0] == CONST and bool(expr[1])

    # --- table arguments, relationships, Core ----------------------------------------------------

    def _table_item(self, module: Module, fact: TableFact, item: Expr) -> None:
        kind = last(self.project.resolved(module.name, item[2]))
        texts = [t for a in item[3] if (t := text(a)) is not None]
        name = self._string(module, keyword(item, "name"))
        if kind == "UniqueConstraint":
            fact.constraints.append(Constraint("unique", tuple(texts), name))
        elif kind == "CheckConstraint" and texts:
            fact.constraints.append(Constraint("check", (), name, texts[0]))
        elif kind == "Index" and texts:
            unique = self._is_true(keyword(item, "unique"))
            columns = tuple(texts[1:])
            if len(columns) == len(item[3]) - 1:
                fact.constraints.append(Constraint("index", columns, texts[0], None, unique))
            else:
                self._unknown(module, item[1], f"index {texts[0]}", "on an expression")
        elif kind == "ForeignKeyConstraint" and len(item[3]) > 1:
            columns, referred = (self._texts(a) for a in item[3][:2])
            rule = text(keyword(item, "ondelete"))
            fact.composite.append((columns, referred, rule, item[1]))

    def _texts(self, expr: Expr) -> tuple[str, ...]:
        elements = expr[1] if type(expr) is tuple and expr[0] in (TUPLE, LIST) else ()
        return tuple(t for e in elements if (t := text(e)) is not None)

    def _relation(
        self, class_: Class, fact: TableFact, name: str, annotation: Expr | None, call: Expr
    ) -> None:
        target = call[3][0] if call[3] else keyword(call, "argument") or keyword(call, "mapper")
        many: bool | None = None
        if annotation is not None:
            inner, many = _innermost(annotation)
            target = target if target is not None else inner
        if type(target) is tuple and target[0] == "lambda":
            target = target[2]
        written = text(target)
        if written is None and type(target) is str:
            written = self.project.resolve(class_.module.name, target) or target
        if written is None:
            self._unknown(
                class_.module, call[1], f"relationship {fact.id}.{name}", "its class is computed"
            )
            return
        if self._is_false(keyword(call, "uselist")):
            many = False
        through = keyword(call, "secondary") or keyword(call, "link_model")
        if type(through) is tuple and through[0] == "lambda":
            through = through[2]
        secondary = text(through)
        if secondary is None and type(through) is str:
            secondary = self.project.resolve(class_.module.name, through) or through
        back, back_cascade = keyword(call, "backref"), None
        if is_call(back):
            back_cascade = text(keyword(back, "cascade"))
            back = back[3][0] if back[3] else None
        fact.relations[name] = RelationFact(
            written, call[1], class_.module, secondary, text(keyword(call, "cascade")), many,
            text(back), back_cascade,
        )  # fmt: skip

    def _is_false(self, expr: Expr | None) -> bool:
        return expr == (CONST, False)

    def _variable(self, id_: str, module: Module, statement: Stmt) -> None:
        value = statement[3]
        if not is_call(value):
            return
        fact = self._table_call(id_, module, value, statement[1])
        if fact is not None:
            self.core[id_] = fact
            self.schema.trait(id_, "model")

    def _tables_in(self, class_: Class) -> None:
        """Core tables kept as attributes of a class."""
        for name, statements in class_.members.items():
            value = statements[-1][3] if statements[-1][0] == SET else None
            if name != "__table__" and is_call(value):
                id_ = f"{class_.id}.{name}"
                fact = self._table_call(id_, class_.module, value, statements[-1][1])
                if fact is not None:
                    self.core[id_] = fact

    def _added_tables(self, module: Module) -> None:
        """``SomeClass.table = Table(…)`` at module level."""
        for statement in module.facts.interface.body:
            if statement[0] != SET or not is_call(statement[3]):
                continue
            for target in statement[2]:
                if type(target) is str and "." in target:
                    id_ = self.project.resolve(module.name, target)
                    fact = (
                        self._table_call(id_, module, statement[3], statement[1])
                        if id_ and ":" in id_
                        else None
                    )
                    if id_ and fact is not None:
                        self.core[id_] = fact

    def _table_call(self, id_: str, module: Module, call: Expr, line: int) -> TableFact | None:
        called = self.project.resolved(module.name, call[2])
        if last(called) != "Table" or len(call[3]) < 2:
            return None
        if (
            ":" in called
            and not self._flask_attribute(called)
            and not self._has_column(module, call)
        ):
            return None
        if (
            ":" not in called
            and not called.startswith(("sqlalchemy", "flask_sqlalchemy", "flask_appbuilder"))
            and "." not in called
        ):
            return None
        name = self._string(module, call[3][0])
        if name is None:
            self._unknown(module, line, f"table {id_}", "its name is computed")
            return None
        schema = self._string(module, keyword(call, "schema"))
        if schema is None:
            schema = self._schema_of_metadata(module, call[3][1])
        fact = TableFact(id_, module, line, name, schema, "core")
        reader = self.reader(module)
        for item in self._items(call[3][2:]):
            if not is_call(item):
                continue
            kind = last(self.project.resolved(module.name, item[2]))
            if kind == "Column":
                first = item[3][0] if item[3] else keyword(item, "name")
                column = self._string(module, first) or "?"
                key = text(keyword(item, "key")) or column
                fact.columns[key] = reader.mapped(column, None, item, item[1])
            else:
                self._table_item(module, fact, item)
        return fact

    def _items(self, items: tuple[Expr, ...]) -> Iterator[Expr]:
        for item in items:
            if type(item) is tuple and item[0] == STAR:
                inner = item[1]
                if type(inner) is tuple and inner[0] in (LIST, TUPLE):
                    yield from inner[1]
            else:
                yield item

    def _has_column(self, module: Module, call: Expr) -> bool:
        """Whether a call of the monolith's own ``Table`` is given columns, as a table is."""
        return any(
            is_call(item)
            and last(self.project.resolved(module.name, item[2])) == "Column"
            and self.project.resolved(module.name, item[2]).startswith("sqlalchemy")
            for item in call[3][2:]
        )

    def _flask_attribute(self, called: str) -> bool:
        fact = self.project.names.definition(called.rpartition(".")[0])
        module = called.partition(":")[0]
        return any(
            s[0] == SET
            and is_call(s[3])
            and self._makes_flask_db(self.project.resolved(module, s[3][2]))
            for s in (fact.statements if fact else ())
        )

    def _schema_of_metadata(self, module: Module, expr: Expr) -> str | None:
        if type(expr) is not str:
            return None
        owner, _, attribute = expr.rpartition(".")
        if attribute == "metadata":
            target = self.project.resolve(module.name, owner) or ""
            return self.base_schema.get(target)
        return self._metadata_schema(module, expr)

    def _imperative(self) -> None:
        """``registry.map_imperatively(Class, table)`` and the older ``mapper(Class, table)``."""
        for module in self.project.code:
            for call in _calls(module):
                func = call[2]
                if type(func) is not str or last(func) not in ("map_imperatively", "mapper", "map"):
                    continue
                if len(call[3]) < 2 or not all(type(a) is str for a in call[3][:2]):
                    continue
                cls, table = (self.project.resolve(module.name, a) for a in call[3][:2])
                class_ = self.project.classes.get(cls or "")
                core = self.core.get(table or "")
                if class_ is None or core is None:
                    continue
                fact = TableFact(
                    class_.id, class_.module, class_.line, core.name, core.schema, "orm"
                )
                fact.parent = core.id
                fact.columns |= core.columns
                for key, value in _pairs(keyword(call, "properties")):
                    if not is_call(value):
                        continue
                    if last(self.project.resolved(module.name, value[2])) in _RELATIONS:
                        around = Class(class_.id, module, class_.statement, class_.bases)
                        self._relation(around, fact, key, None, value)
                self.models[class_.id] = fact

    # --- putting it together ---------------------------------------------------------------------

    def _table(self, fact: TableFact) -> Table:
        return Table(
            name=fact.name,
            schema=fact.schema,
            columns=tuple(self._typed(c) for c in fact.columns.values()),
            path=fact.module.path,
            line=fact.line,
            source=fact.source,  # type: ignore[arg-type]
            definition=_top(fact.id),
            constraints=tuple(fact.constraints),
        )

    def _typed(self, fact: ColumnFact) -> Column:
        """A column whose type comes from the key that it refers to."""
        if fact.column.type or not fact.foreign_keys:
            return fact.column
        target = self._referred(fact.foreign_keys[0], None)
        referred = self._columns.get(target[0], {}).get(target[1]) if target else None
        return replace(fact.column, type=(referred.column.type if referred else "") or "Integer()")

    def _referred(self, key: ForeignKeyFact, home: TableFact | None) -> tuple[str, str] | None:
        table, _, column = key.target.rpartition(".")
        if not table:
            return None
        if key.is_name and home is not None:
            target = self.project.resolve(home.module.name, key.target) or key.target
            owner, _, attribute = target.rpartition(".")
            if owner.endswith(".c"):
                owner = owner.removesuffix(".c")
            fact = self.models.get(owner) or self.core.get(owner)
            if fact is not None:
                found = fact.columns.get(attribute)
                return fact.table_id, found.column.name if found else attribute
        for id_ in self.by_name.get(table, ()):
            model = self.models[id_]
            if key.is_name and table != model.name:
                found = model.columns.get(column)
                return model.table_id, found.column.name if found else column
        if table in self._columns:
            return table, column
        if home is not None and home.schema and f"{home.schema}.{table}" in self._columns:
            return f"{home.schema}.{table}", column
        same = [t for t in self._columns if t.rpartition(".")[2] == table]
        return (same[0] if len(same) == 1 else table), column

    def _foreign_keys(self, fact: TableFact) -> Iterator[ForeignKey]:
        path = fact.module.path
        for column in fact.columns.values():
            for key in column.foreign_keys:
                target = self._referred(key, fact)
                if target and fact.parent is None:
                    yield ForeignKey(
                        fact.table_id, target[0], (column.column.name,), (target[1],), path,
                        key.line, key.on_delete,
                    )  # fmt: skip
        for columns, referred, rule, line in fact.composite:
            tables = {r.rpartition(".")[0] for r in referred}
            if len(tables) == 1:
                names = tuple(r.rpartition(".")[2] for r in referred)
                yield ForeignKey(fact.table_id, tables.pop(), columns, names, path, line, rule)

    def _model(self, fact: TableFact) -> None:
        columns = {a: c.column.name for a, c in fact.columns.items()}
        parent = self.models.get(fact.parent or "") if fact.parent else self._above(fact)
        model = Model(fact.id, fact.table_id, "sqlalchemy", columns, {}, self._joined(fact))
        if parent is not None:
            model.columns = {a: c.column.name for a, c in parent.columns.items()} | columns
        self.schema.add_model(model)
        for own in self.project.classes.ancestors(fact.id):
            if own.id not in self.models and any(
                is_call(own.value(n)) and last(str(own.value(n)[2])) in _COLUMNS | _RELATIONS  # type: ignore[index]
                for n in own.members
            ):
                self.schema.trait(own.id, "base")

    def _above(self, fact: TableFact) -> TableFact | None:
        class_ = self.project.classes.get(fact.id)
        for above in class_.mro[1:] if class_ else ():
            if above in self.models:
                return self.models[above]
        return None

    def _joined(self, fact: TableFact) -> tuple[str, ...]:
        """The tables of the mapped classes above: joined inheritance reads and writes them too."""
        found: list[str] = []
        class_ = self.project.classes.get(fact.id)
        if class_ is None or self._concrete(class_):
            return ()
        for above in class_.mro[1:]:
            model = self.models.get(above)
            if (
                model is not None
                and model.table_id != fact.table_id
                and model.table_id not in found
            ):
                found.append(model.table_id)
        return tuple(found)

    def model_named(self, name: str, module: Module) -> str | None:
        """A model by class name, dotted path or resolved name."""
        target = self.project.resolve(module.name, name) or name
        if target in self.models:
            return target
        same = self.by_name.get(last(name), [])
        if len(same) == 1:
            return same[0]
        near = [s for s in same if s.partition(":")[0] == module.name]
        return near[0] if len(near) == 1 else None

    def _relationships(self, fact: TableFact) -> None:
        keys = {(k.source, k.target) for k in self.schema.foreign_keys}
        model = self.schema.models[fact.id]
        for name, written in fact.relations.items():
            target = self.model_named(written.target, written.module)
            if target is None:
                what = f"relationship {fact.id}.{name}"
                self._unknown(written.module, written.line, what, f"no model {written.target}")
                continue
            other = self.models[target]
            through = self._secondary(fact, written.secondary)
            many = written.many
            if many is None:
                many = through is not None or (fact.table_id, other.table_id) not in keys
            model.relations[name] = (target, many)
            self._tell(fact, name, other.table_id, written, through, written.cascade)
            if written.backref:
                back = self.schema.models[target]
                back_many = through is not None or not many
                back.relations.setdefault(written.backref, (fact.id, back_many))
                self._tell(
                    other, written.backref, fact.table_id, written, through, written.backref_cascade
                )

    def _tell(
        self, fact: TableFact, name: str, target: str, written: RelationFact,
        through: str | None, cascade: str | None,
    ) -> None:  # fmt: skip
        path = written.module.path
        relation = Relationship(
            fact.id, name, fact.table_id, target, path, written.line, through, cascade
        )
        self.schema.relationships.append(relation)

    def _secondary(self, fact: TableFact, written: str | None) -> str | None:
        if written is None:
            return None
        if written in self.core:
            return self.core[written].table_id
        if written in self.models:
            return self.models[written].table_id
        owner = written.removesuffix(".__table__")
        if owner in self.models:
            return self.models[owner].table_id
        known = self.schema.table_named(written)
        if known:
            return known
        same = [c for c in self.core.values() if last(c.id) == last(written)]
        del fact
        return same[0].table_id if len(same) == 1 else written

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


def _pairs(expr: Expr | None) -> Iterator[tuple[str, Expr]]:
    """The entries of a dict with string keys, in braces or as ``dict(a=…)``."""
    if type(expr) is tuple and expr[0] == DICT:
        for key, value in zip(expr[1], expr[2], strict=True):
            if (name := text(key)) is not None:
                yield name, value
    elif is_call(expr) and expr[2] == "dict":
        yield from ((name, value) for name, value in expr[4] if name is not None)


def _top(id_: str) -> str:
    """The definition that holds a nested one."""
    module, _, name = id_.partition(":")
    return f"{module}:{name.partition('.')[0]}"


def snake_case(name: str) -> str:
    """As Flask-SQLAlchemy names a table after its class."""
    name = re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name)
    return name.lower().lstrip("_")


def _is_mapped_by_decorator(class_: Class) -> bool:
    """``@registry.mapped`` and ``@registry.mapped_as_dataclass(…)``."""
    names = (d[2] if is_call(d) else d for _, d in class_.statement[6])
    return any(
        type(n) is str and last(n) in ("mapped", "mapped_as_dataclass") and "." in n for n in names
    )


def _is_declared(statement: Stmt) -> bool:
    names = (d[2] if is_call(d) else d for _, d in statement[6])
    return any(type(n) is str and "declared_attr" in n for n in names)


def _returned(block: tuple[Stmt, ...]) -> list[Expr]:
    found: list[Expr] = []
    for statement in block:
        if statement[0] == RETURN:
            found.append(statement[2])
        elif statement[0] == IF:
            found += [*_returned(statement[3]), *_returned(statement[4])]
        elif statement[0] == TRY:
            found += _returned(statement[2])
    return found


def _innermost(annotation: Expr) -> tuple[Expr, bool | None]:
    """``User`` of ``Mapped[list["User"]]``, and whether there was a collection around it."""
    expr, many = annotation, False
    while True:
        if text(expr) is not None:
            expr = parsed(text(expr) or "")
            if type(expr) is str:
                return expr, many
        elif type(expr) is tuple and expr[0] == ITEM:
            many = many or last(str(expr[1])) in _LISTS
            expr = expr[2]
            if type(expr) is tuple and expr[0] == TUPLE:
                expr = expr[1][-1]
        elif type(expr) is tuple and expr[0] == OP:
            expr = expr[2] if expr[2] != (CONST, None) else expr[3]
        else:
            return expr, many


def _calls(module: Module) -> Iterator[Expr]:
    """Calls as statements, at module level or in a function of it."""
    import marshal

    bodies = [marshal.loads(b.code) for b in module.facts.detail.bodies if _maps(b.attributes)]
    for block in [module.facts.interface.body, *bodies]:
        for statement in block:
            value = (
                statement[2]
                if statement[0] == "do"
                else statement[3]
                if statement[0] == SET
                else None
            )
            if type(value) is tuple and value[0] == CALL:
                yield value


def _maps(attributes: tuple[str, ...]) -> bool:
    return "map_imperatively" in attributes or "mapper" in attributes
