"""What the schema readers hand on: tables, and which class stands for which table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrator.model.graph import ForeignKey, Relationship, Table, Unresolved


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A mapped class: its own table first, then those of mapped parents that it joins.

    `columns` maps attributes to column names; `bases` are the mapped ancestors.
    """

    definition: str
    tables: tuple[str, ...]
    columns: Mapping[str, str]
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """Tables with their keys and relationships; `models` and `bases` give definitions traits.

    `core_tables` maps the definition of a Core table to the table's id. `many` holds the
    (definition, attribute) of relationships that lead to a list, `targets` their classes.
    """

    tables: tuple[Table, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    core_tables: Mapping[str, str] = field(default_factory=dict)
    bases: frozenset[str] = frozenset()
    many: frozenset[tuple[str, str]] = frozenset()
    targets: Mapping[tuple[str, str], str] = field(default_factory=dict)
