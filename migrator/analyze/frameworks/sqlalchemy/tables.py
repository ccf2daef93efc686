"""Tables, foreign keys and relationships from SQLAlchemy's classes and Core tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrator.analyze.frameworks.sqlalchemy.columns import (
    ColumnFact,
    ForeignKeyFact,
    is_call,
    last,
)
from migrator.analyze.frameworks.sqlalchemy.declared import (
    COLUMNS,
    RELATIONS,
    RelationFact,
    TableFact,
    top,
)
from migrator.analyze.frameworks.sqlalchemy.outside import MappedFromOutside
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import Column, ForeignKey, Relationship, Table


class TableReader(MappedFromOutside):
    """Reads the schema out of all classes and module-level variables."""

    def __init__(self, project: Project, schema: Schema) -> None:
        super().__init__(project, schema)
        self.by_name: dict[str, list[str]] = {}
        # By model: what is loaded with its objects.
        self.eager: dict[str, list[str]] = {}
        # Relations whose rows a delete does not ask for.
        self.settled: set[tuple[str, str]] = set()
        # Tables between a model and one of another package, by model and attribute.
        self.outside: dict[tuple[str, str], str] = {}
        # By model: those of them whose rows go with its own.
        self.crossing: dict[str, list[str]] = {}
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
        for module in self.project.code:
            self._attached(module)
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
        keys = {(k.source, k.target) for k in self.schema.foreign_keys}
        for fact in self.models.values():
            self._relationships(fact, keys)
        for fact in self.models.values():
            self._proxies(fact)

    def _table(self, fact: TableFact) -> Table:
        return Table(
            name=fact.name,
            schema=fact.schema,
            columns=tuple(self._typed(c) for c in fact.columns.values()),
            path=fact.module.path,
            line=fact.line,
            source=fact.source,  # type: ignore[arg-type]
            definition=None if "<" in fact.id else top(fact.id),
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
            own = home.columns.get(column) if home is not None and key.is_name else None
            return (home.table_id, own.column.name) if home is not None and own else None
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
                        fact.table_id, target[0], (column.column.name,), (target[1],),
                        column.path or path, key.line, key.on_delete,
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
                is_call(own.value(n)) and last(str(own.value(n)[2])) in COLUMNS | RELATIONS  # type: ignore[index]
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

    def _relationships(self, fact: TableFact, keys: set[tuple[str, str]]) -> None:
        model = self.schema.models[fact.id]
        for name, written in fact.relations.items():
            target = self.model_named(written.target, written.module)
            if target is None:
                between = self._secondary(fact, written.secondary)
                if between is not None:
                    self.outside[fact.id, name] = between
                    if not written.settled:
                        self.crossing.setdefault(fact.id, []).append(between)
                what = f"relationship {fact.id}.{name}"
                self._unknown(written.module, written.line, what, f"no model {written.target}")
                continue
            other = self.models[target]
            through = self._secondary(fact, written.secondary)
            many = written.many
            if many is None:
                many = through is not None or (fact.table_id, other.table_id) not in keys
            model.relations[name] = (target, many)
            if written.eager:
                self.eager.setdefault(fact.id, []).append(name)
            if written.settled:
                self.settled.add((fact.id, name))
            self._tell(fact, name, other.table_id, written, through, written.cascade)
            if written.backref:
                back = self.schema.models[target]
                back_many = not written.backref_one and (through is not None or not many)
                back.relations.setdefault(written.backref, (fact.id, back_many))
                if written.backref_eager:
                    self.eager.setdefault(target, []).append(written.backref)
                if written.backref_settled:
                    self.settled.add((target, written.backref))
                self._tell(
                    other, written.backref, fact.table_id, written, through, written.backref_cascade
                )

    def _proxies(self, fact: TableFact) -> None:
        """What is behind the rows of a relationship, or a column of them: their table lies
        between."""
        models = self.schema.models
        for name, (through, attribute) in fact.proxies.items():
            near = models[fact.id].relations.get(through or "")
            if near is None:
                continue
            between = models[near[0]]
            far = between.relations.get(attribute or "")
            if far is not None:
                models[fact.id].relations.setdefault(name, (far[0], near[1] or far[1]))
            self.outside[fact.id, name] = between.table

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
