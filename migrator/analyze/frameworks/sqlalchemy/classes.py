"""Mapped classes: their columns, relationships and the table below."""

from __future__ import annotations

from dataclasses import replace

from migrator.analyze.facts.shape import (
    CONST,
    DEF,
    DICT,
    ITEM,
    OP,
    SET,
    STAR,
    STR,
    TUPLE,
    Expr,
)
from migrator.analyze.frameworks.sqlalchemy.bound import Bound
from migrator.analyze.frameworks.sqlalchemy.columns import (
    ColumnFact,
    ColumnReader,
    is_call,
    keyword,
    last,
    text,
)
from migrator.analyze.frameworks.sqlalchemy.conditions import Conditions
from migrator.analyze.frameworks.sqlalchemy.declared import (
    COLUMNS,
    RELATIONS,
    RelationFact,
    TableFact,
    is_declared,
    is_eager,
    is_settled,
    returned,
)
from migrator.analyze.frameworks.sqlalchemy.direction import leads_to_many
from migrator.analyze.frameworks.sqlalchemy.made import made_by
from migrator.analyze.frameworks.sqlalchemy.mixins import mixed_in
from migrator.analyze.frameworks.sqlalchemy.table_args import TableArgs
from migrator.analyze.infer.annotations import parsed
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema

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


class MappedClasses(TableArgs):
    """Reads declarative and imperatively mapped classes."""

    def __init__(self, project: Project, schema: Schema) -> None:
        super().__init__(project, schema)
        self.models: dict[str, TableFact] = {}
        self._reading: set[str] = set()

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
        parent = self._parent(class_)
        name, told = self._table_name(class_, parent)
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
        self._reading.add(class_.id)
        self._gather(class_, fact, parent)
        self.models[class_.id] = fact

    def _table_of(self, class_id: str) -> tuple[str, str] | None:
        """The table of a class that another's declaration names, perhaps before its turn."""
        class_ = self.project.classes.get(class_id)
        if class_ is not None and class_id not in self._reading:
            self._class(class_)
        fact = self.models.get(class_id)
        return (fact.table_id, fact.name) if fact is not None else None

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
            for args in self._table_args(own, class_):
                if type(args) is tuple and args[0] == DICT:
                    for key, value in zip(args[1], args[2], strict=True):
                        if text(key) == "schema":
                            return self._string(own.module, value, own)
                elif is_call(args) and (given := keyword(args, "schema")) is not None:
                    return self._string(own.module, given, own)  # a helper that merges arguments
        for above in class_.mro:
            if self.base_schema.get(above):
                return self.base_schema[above]
        return None

    def _gather(self, class_: Class, fact: TableFact, parent: TableFact | None) -> None:
        """Members of the class and of what it inherits, up to the mapped class above it."""
        sources: list[Class] = []
        inherited = set(self.project.classes.by_id[parent.id].mro) if parent else set()
        for own in self.project.classes.ancestors(class_.id):
            if own.id not in inherited:
                sources.append(own)
        if parent is not None and parent.name != fact.name and self._concrete(class_):
            sources += list(self.project.classes.ancestors(parent.id))
        foreign = [b for b in self.project.classes.foreign(class_.id) if b not in inherited]
        fact.columns |= mixed_in(foreign, class_.line)
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
                for args in self._table_args(own, class_):
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
        reader = self.reader(class_.module, class_)
        for name, statements in class_.members.items():
            if name.startswith("__"):
                continue
            for statement in statements:
                if statement[0] == SET:
                    self._member(
                        class_, fact, reader, name, statement[4], statement[3], statement[1]
                    )
                elif statement[0] == DEF and is_declared(statement):
                    body = self.project.block(self.project.method(class_, statement))
                    bound = Bound(self.project, fact.id, statement, self._table_of)
                    for value in returned(body, Conditions(self.project, fact.id, statement).truth):
                        self._member(class_, fact, reader, name, None, bound(value), statement[1])
            column = fact.columns.get(name)
            if column is not None and class_.module is not fact.module:
                fact.columns[name] = replace(column, path=class_.module.path)

    def _member(
        self, class_: Class, fact: TableFact, reader: ColumnReader, name: str,
        annotation: Expr | None, value: Expr | None, line: int,
    ) -> None:  # fmt: skip
        if value == (CONST, None) and annotation is None:
            fact.columns.pop(name, None)  # what a class above would give is not wanted
            return
        called = (
            last(self.project.resolved(class_.module.name, value[2])) if is_call(value) else None
        )
        if called is not None and is_call(value):
            if called not in COLUMNS | RELATIONS:
                column = self._wrapped_column(class_, name, annotation, value, line)
                if column is not None:
                    fact.columns[name] = column
                    return
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
            if called in RELATIONS and called != "backref":
                fact.columns.pop(name, None)  # a mixin only said what it would be
                self._relation(class_, fact, name, annotation, value)
                return
            if called in COLUMNS:
                if called == "Field":
                    inner = keyword(value, "sa_column")
                    value = inner if is_call(inner) else value
                fact.columns[name] = reader.mapped(name, annotation, value, line)
                return
            if called == "association_proxy" and len(value[3]) > 1:
                fact.proxies[name] = (text(value[3][0]), text(value[3][1]))
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

    def _wrapped_column(
        self, class_: Class, name: str, annotation: Expr | None, call: Expr, line: int
    ) -> ColumnFact | None:
        """The column that a function of the monolith makes of the arguments it is called with;
        None for one that only hands them on."""
        given = tuple([self._read_string(class_, arg) for arg in call[3]])
        named = tuple([(key, self._read_string(class_, arg)) for key, arg in call[4]])
        home, made = made_by(self.project, class_.module, (*call[:3], given, named), COLUMNS)
        if made is None or any(type(a) is tuple and a[0] == STAR for a in made[3]):
            return None
        inner = keyword(made, "sa_column")
        column = inner if is_call(inner) else made
        found = self.reader(home).mapped(name, annotation, column, line)
        return replace(found, foreign_keys=tuple(replace(k, line=line) for k in found.foreign_keys))

    def _read_string(self, class_: Class, expr: Expr) -> Expr:
        found = self._string(class_.module, expr, class_)
        return expr if found is None else (STR, found)

    def _alias(self, module: Module, func: Expr) -> str | None:
        """``Column`` where a function of the monolith only wraps it."""
        target = self.project.resolve(module.name, func) if type(func) is str else None
        code = self.project.function(target) if target and ":" in target else None
        if code is None:
            return None
        for value in returned(self.project.block(code)):
            if is_call(value):
                name = last(self.project.resolved(code.module, value[2]))
                if name in COLUMNS | RELATIONS:
                    return name
        return None

    def _relation(
        self, class_: Class, fact: TableFact, name: str, annotation: Expr | None, call: Expr
    ) -> None:
        target = call[3][0] if call[3] else keyword(call, "argument") or keyword(call, "mapper")
        many: bool | None = None
        if annotation is not None:
            inner, many = innermost(annotation)
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
        if many is None and secondary is None:
            many = leads_to_many(call, last(fact.id), last(written))
        back, back_cascade, back_eager, back_one = keyword(call, "backref"), None, False, False
        back_settled = False
        if is_call(back):
            back_cascade, back_eager = text(keyword(back, "cascade")), is_eager(back)
            back_one, back_settled = self._is_false(keyword(back, "uselist")), is_settled(back)
            back = back[3][0] if back[3] else None
        fact.relations[name] = RelationFact(
            written, call[1], class_.module, secondary, text(keyword(call, "cascade")), many,
            text(back), back_cascade, is_eager(call), back_eager, back_one,
            is_settled(call), back_settled,
        )  # fmt: skip


def innermost(annotation: Expr) -> tuple[Expr, bool | None]:
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
