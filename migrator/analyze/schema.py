"""What is known of tables while a monolith is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrator.analyze.definitions import Code
from migrator.analyze.frameworks.sqlalchemy_columns import ColumnFact
from migrator.model.graph import Constraint, ForeignKey, Relationship, Table, Unresolved


@dataclass(slots=True)
class Model:
    """A mapped class while it is read; `attributes` map relationship names to model ids."""

    id: str
    code: Code
    table: str
    schema: str | None
    columns: dict[str, ColumnFact] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    composite_keys: list[tuple[tuple[str, ...], tuple[str, ...], str | None, int]] = field(
        default_factory=list
    )
    relations: dict[str, tuple[str, int, str | None, str | None]] = field(default_factory=dict)

    @property
    def table_id(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True, slots=True)
class Schema:
    """All that is known of tables; `models` by definition id, Core tables among `tables`."""

    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]
    relationships: tuple[Relationship, ...]
    unresolved: tuple[Unresolved, ...]
    models: Mapping[str, Model]
    bases: frozenset[str]
    core: Mapping[str, str]

    def table_of(self, definition: str) -> str | None:
        model = self.models.get(definition)
        return model.table_id if model else self.core.get(definition)
