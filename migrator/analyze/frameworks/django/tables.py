"""Models to tables, foreign keys, relationships, and the ways back over a relation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from migrator.analyze.frameworks.django.fields import Field, automatic, placed
from migrator.analyze.frameworks.django.library import library_models
from migrator.analyze.frameworks.django.models import DjangoModel, Models, Reverse
from migrator.analyze.frameworks.django.values import NAME
from migrator.analyze.project.modules import imported_names
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import (
    Column,
    Constraint,
    ForeignKey,
    Relationship,
    Table,
    Unresolved,
)  # fmt: skip


class Tables:
    """Writes what `models` declare into `schema`."""

    def __init__(self, models: Models, schema: Schema) -> None:
        self.models, self.schema = models, schema

    def write(self) -> None:
        """Targets first, then tables of the project's models, then of library models pointed to."""
        every = list(self.models.by_id.values())
        for model in every:
            self._resolve(model)
        for model in every:
            model.fields = {
                n: self.models.by_id[f.home].local.get(n, f) for n, f in model.fields.items()
            }
        for model in every:
            self._back(model)
        for model in every:
            if not model.library and not model.made:
                self._model(model)

    def used_library(self, project: Project, user: str | None) -> None:
        """The library's tables that the monolith can touch: their models are imported somewhere;
        `user` is the model of the users."""
        imported = {
            name
            for module in project.code
            for statement in module.facts.interface.imports
            for one in imported_names(module.name, module.is_package, statement)
            for name in (one.target, one.module)
        }
        for id_ in library_models():
            if id_ in imported and (model := self.models.model(id_)) is not None:
                self.library(model)
        if "django.contrib.auth.get_user_model" in imported and user is not None:
            self.library(self.models.by_id[user])

    # --- targets ---------------------------------------------------------------------------------

    def _resolve(self, model: DjangoModel) -> None:
        for name, field in model.local.items():
            if not (field.relational or field.sort == "generic"):
                continue
            target = self.target(model, field.to)
            if target is None and not model.abstract:
                self._unknown(model, field)
            through = self.target(model, field.through) if field.through else None
            table = through.table if through else None
            made = field.sort == "m2m" and field.through is None and model.table is not None
            if made and target is not None:
                table = field.db_table or self.models.settings.cut(f"{model.table}_{name}")
                through = self._through(model, field, target, table)
            model.local[name] = replace(
                field, target=target.id if target else None, made=made, table=table,
                through=through.id if through else field.through,
            )  # fmt: skip

    def _through(
        self, model: DjangoModel, field: Field, target: DjangoModel, table: str
    ) -> DjangoModel:
        """The model that Django makes for a many-to-many."""
        made = DjangoModel(
            f"{model.id}.{field.name}.through", f"{model.name}_{field.name}", model.label,
            field.path, field.line, table=table, made=True,
        )  # fmt: skip
        made.concrete = made.id
        key = automatic("id", "BigAutoField", field.path, field.line)
        made.local["id"] = placed(key, made.id)
        for column, end in zip(through_columns(model, target), (model, target), strict=True):
            name = column.removesuffix("_id")
            made.local[name] = Field(
                name, "fk", "ForeignKey", field.path, field.line, target=end.id, home=made.id,
                related_name="+", on_delete="CASCADE", index=True, constraint=field.constraint,
            )  # fmt: skip
        made.fields = dict(made.local)
        self.models.by_id[made.id] = made
        self.schema.claims[made.id] = NAME
        return made

    def target(self, model: DjangoModel, to: str | None) -> DjangoModel | None:
        """The model that ``app.Model``, ``Model``, ``self`` or ``@id`` means within `model`."""
        if to is None:
            return None
        if to == "self":
            return model
        if to.startswith("@"):
            found = self.models.model(to[1:])
            if found is not None and found.swapped and found.swappable:
                chosen = self.models.settings.texts(found.swappable)
                return self.models.by_reference.get(chosen[0].lower(), found)
            return found
        reference = to.lower() if "." in to else f"{model.label}.{to}".lower()
        return self.models.by_reference.get(reference)

    def _unknown(self, model: DjangoModel, field: Field) -> None:
        if model.library:
            return
        what = f"{field.kind} {model.name}.{field.name}"
        to = (field.to or "").lstrip("@")
        why = f"the model {to} is not in this tree" if to else "its target is computed"
        self.schema.unresolved.append(Unresolved(field.path, field.line, what, why))

    # --- ways back -------------------------------------------------------------------------------

    def _back(self, model: DjangoModel) -> None:
        if model.abstract or model.swapped or model.proxy:
            return
        for field in model.local.values():
            target = self.models.by_id.get(field.target or "")
            if target is None or not field.relational:
                continue
            back = Reverse(model.id, field)
            named = formatted(field.related_name, model)
            hidden = named is not None and named.endswith("+")
            symmetrical = field.sort == "m2m" and target is model and field.symmetrical is not False
            if not hidden and not symmetrical:
                default = model.name.lower() + ("" if field.sort == "o2o" else "_set")
                for below in self._with_children(target):
                    below.reverse.setdefault(named or default, back)
            query = formatted(field.related_query_name, model)
            if not hidden:
                query = query or named or model.name.lower()
            if query is not None and not symmetrical:
                for below in self._with_children(target):
                    below.queried.setdefault(query, back)

    def _with_children(self, model: DjangoModel) -> Iterator[DjangoModel]:
        yield model
        for other in self.models.by_id.values():
            if model.concrete in other.parents and other is not model:
                yield other
        if model.proxy:
            yield self.models.by_id[model.concrete]

    # --- tables ----------------------------------------------------------------------------------

    def _model(self, model: DjangoModel) -> None:
        if model.migrated:
            self._only_table(model)
            return
        self.schema.trait(definition_of(model.id), "django_model")
        if model.abstract or model.swapped or model.table is None:
            self.schema.trait(model.id, "base" if model.abstract else "model")
            self.schema.claims[model.id] = NAME
            return
        self.schema.add_model(
            Model(
                model.id, model.table, NAME,
                {f.attribute: f.column_name for f in model.fields.values() if has_column(f)},
                {
                    f.name: (f.target, f.sort == "m2m")
                    for f in model.fields.values()
                    if f.relational and f.target
                },
            )
        )  # fmt: skip
        if model.proxy:
            return
        self.schema.add_table(self._table(model))
        for field in model.local.values():
            self._field(model, field)

    def _only_table(self, model: DjangoModel) -> None:
        self.schema.add_table(self._table(model))
        for field in model.local.values():
            self._field(model, field)

    def _table(self, model: DjangoModel) -> Table:
        assert model.table is not None
        fields = [f for f in model.local.values() if has_column(f)]
        return Table(
            model.table, None, tuple(self._column(f) for f in fields), model.path, model.line,
            "migration" if model.migrated else "orm",
            definition=None if model.migrated else definition_of(model.id),
            constraints=tuple(self._constraints(model)),
        )  # fmt: skip

    def _column(self, field: Field) -> Column:
        return Column(
            field.column_name, self.type_of(field) or "NullType", nullable=field.null,
            primary_key=field.primary_key, unique=field.unique and not field.primary_key,
            index=field.index, autoincrement=True if field.automatic else None,
        )  # fmt: skip

    def type_of(self, field: Field, depth: int = 0) -> str:
        """A key has the type of what it points to."""
        if field.sort not in ("fk", "o2o") or depth > 8:
            return field.type
        target = self.models.by_id.get(field.target or "")
        referred = self.referred(field, target) if target else None
        kind = self.type_of(referred, depth + 1) if referred else "Integer"
        return kind or "Integer"

    def referred(self, field: Field, target: DjangoModel) -> Field | None:
        """The field of `target` that a key points to."""
        if field.to_field:
            return target.fields.get(field.to_field)
        return self.models.by_id[target.concrete].primary_key

    def _constraints(self, model: DjangoModel) -> Iterable[Constraint]:
        for names in model.unique_together:
            yield Constraint("unique", self._columns(model, names))
        for names in model.indexes:
            yield Constraint("index", self._columns(model, names))

    def _columns(self, model: DjangoModel, names: Iterable[str]) -> tuple[str, ...]:
        plain = [n.lstrip("-") for n in names]
        return tuple(model.fields[n].column_name if n in model.fields else n for n in plain)

    def _field(self, model: DjangoModel, field: Field) -> None:
        target = self.models.by_id.get(field.target or "")
        if target is None or not field.relational or target.table is None:
            return
        assert model.table is not None
        self.library(target)
        if field.sort == "m2m":
            if field.table is None:
                return
            if field.made:
                self._automatic(model, field, target)
            self._relationship(model, field, target, field.table)
            return
        if field.constraint:
            self._key(model.table, field.column_name, target, field, field.path, field.line)
        self._relationship(model, field, target, None)

    def _relationship(
        self, model: DjangoModel, field: Field, target: DjangoModel, secondary: str | None
    ) -> None:
        if field.parent_link:
            return
        assert model.table is not None and target.table is not None
        self.schema.relationships.append(
            Relationship(
                definition_of(model.id), field.name, model.table, target.table, field.path,
                field.line, secondary=secondary,
            )
        )  # fmt: skip

    def _key(
        self, source: str, column: str, target: DjangoModel, field: Field, path: str, line: int
    ) -> None:
        referred = self.referred(field, target)
        if referred is None or target.table is None:
            return
        home = self.models.by_id.get(referred.home)
        table = home.table if home is not None and home.table else target.table
        self.schema.foreign_keys.add(
            ForeignKey(
                source, table, (column,), (referred.column_name,), path, line,
                on_delete=field.on_delete,
            )
        )  # fmt: skip

    def _automatic(self, model: DjangoModel, field: Field, target: DjangoModel) -> None:
        """The table that Django makes for a many-to-many: an id and two keys."""
        assert field.table is not None
        first, second = through_columns(model, target)
        plain = replace(field, to_field=None)
        columns = [Column("id", "BigInteger", nullable=False, primary_key=True, autoincrement=True)]
        for name, end in ((first, model), (second, target)):
            key = self.models.by_id[end.concrete].primary_key
            kind = self.type_of(key) if key else "Integer"
            columns.append(Column(name, kind or "Integer", nullable=False, index=True))
        self.schema.add_table(
            Table(
                field.table, None, tuple(columns), field.path, field.line, "orm",
                definition=definition_of(model.id),
                constraints=(Constraint("unique", (first, second)),),
            )
        )  # fmt: skip
        if field.constraint:
            for name, end in ((first, model), (second, target)):
                cascade = replace(plain, on_delete="CASCADE")
                self._key(field.table, name, end, cascade, field.path, field.line)

    def library(self, model: DjangoModel) -> None:
        """A table of the library's that the monolith points to or touches: kept apart by its
        source; no definition of the monolith declares it."""
        if not model.library or model.table is None or model.table in self.schema.tables:
            return
        fields = [f for f in model.local.values() if has_column(f)]
        columns = tuple(self._column(f) for f in fields)
        self.schema.add_table(Table(model.table, None, columns, "", 0, "library"))


def through_columns(model: DjangoModel, target: DjangoModel) -> tuple[str, str]:
    """The columns of an automatic many-to-many table."""
    if target.id == model.id or target.name == model.name:
        return f"from_{model.name.lower()}_id", f"to_{target.name.lower()}_id"
    return f"{model.name.lower()}_id", f"{target.name.lower()}_id"


def formatted(name: str | None, model: DjangoModel) -> str | None:
    """``%(class)s`` and ``%(app_label)s`` in the name of a way back."""
    if name is None or "%" not in name:
        return name
    lower = model.name.lower()
    for hole, value in (("class", lower), ("model_name", lower), ("app_label", model.label)):
        name = name.replace(f"%({hole})s", value.lower())
    return name


def has_column(field: Field) -> bool:
    return field.sort in ("column", "fk", "o2o")


def definition_of(id_: str) -> str:
    """The top-level definition that holds a class."""
    module, _, name = id_.partition(":")
    return f"{module}:{name.partition('.')[0]}" if name else id_
