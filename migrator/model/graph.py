"""The Graph: what the analyzer knows of a monolith. File format in `graph_file`.

Every path is relative to the analysed root, with forward slashes. Identifiers:
a module is its dotted name, a definition is ``module:Name``, a table is its real
name, prefixed with ``schema.`` where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SCHEMA_VERSION = 1

DefinitionKind = Literal["function", "class", "variable"]
AccessMode = Literal["read", "insert", "update", "delete"]
AccessHow = Literal["orm", "core", "sql", "relationship", "cascade"]
Confidence = Literal["certain", "likely"]
DependencyKind = Literal["calls", "references", "inherits", "decorates", "signals", "imports"]
ImportKind = Literal["static", "lazy", "type_checking", "dynamic", "conditional"]
EntryPointKind = Literal["route", "cli", "task", "signal"]
TableSource = Literal["orm", "core", "migration", "sql", "database"]
ConstraintKind = Literal["unique", "check", "index", "primary_key"]


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file. `lines` counts physical lines."""

    name: str
    path: str
    lines: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A top-level function, class or assigned name: the smallest thing that moves.

    `line` is the first decorator's line where there is one. `traits` are facts that decide how
    a definition may cross a boundary, from `TRAITS`. `raises` names the exceptions it raises
    itself, by definition id where they are the monolith's own. `parameters` and `returns` hold
    the annotations as written, None where there is none.
    """

    id: str
    kind: DefinitionKind
    path: str
    line: int
    end_line: int
    doc: str | None = None
    traits: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str | None], ...] = ()
    returns: str | None = None

    @property
    def module(self) -> str:
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        return self.id.partition(":")[2]


TRAITS = {
    "model": "a mapped class or Core table",
    "base": "a declarative base or an abstract mixin of models",
    "exception": "an exception class",
    "enum": "an enum class",
    "request_context": "reads Flask's request, session, g or current_app",
    "session": "makes or holds the engine or the session",
    "app_factory": "makes the application and registers its routes",
    "app_object": "an application, blueprint or router object",
    "settings": "reads the environment into settings",
    "generator": "yields",
    "commits": "commits the unit of work itself",
    "signal": "a signal object that handlers connect to",
    "decorator": "used as a decorator somewhere in the monolith",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is the SQLAlchemy type as an expression without module prefix: ``String(255)``."""

    name: str
    type: str
    nullable: bool = True
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    server_default: str | None = None
    autoincrement: bool | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A table-level constraint or index; `expression` is the SQL text of a check."""

    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    name: str | None = None
    expression: str | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`definition` is the mapped class or Core table that declares it, None when only SQL does."""

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    path: str
    line: int
    source: TableSource
    definition: str | None = None
    constraints: tuple[Constraint, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """From `columns` of table `source` to `referred_columns` of table `target`."""

    source: str
    target: str
    columns: tuple[str, ...]
    referred_columns: tuple[str, ...]
    path: str
    line: int
    on_delete: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """An ORM attribute of model `definition` that leads from `source` to table `target`."""

    definition: str
    attribute: str
    source: str
    target: str
    path: str
    line: int
    secondary: str | None = None
    cascade: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    definition: str
    table: str
    mode: AccessMode
    path: str
    line: int
    how: AccessHow
    confidence: Confidence

    @property
    def writes(self) -> bool:
        return self.mode != "read"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Definition `source` needs definition `target`; `weight` counts the places in the code.

    `line` is the first place, in the source's file. `result_used` tells of calls whether any
    place uses what the call returns. ``signals`` leads from who sends a signal to its handler.
    """

    source: str
    target: str
    kind: DependencyKind
    weight: int
    line: int
    result_used: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """Module `source` imports module `target` at `line`."""

    source: str
    target: str
    kind: ImportKind
    line: int


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Where work begins. `name` is the endpoint, command, task or signal; `path` the URL rule.

    Routes carry the full URL rule (blueprint and registration prefixes applied) and one
    `method`; a route of two methods is two entry points.
    """

    kind: EntryPointKind
    name: str
    method: str | None
    path: str | None
    definition: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """One unit of work: the tables written across calls, from `entry_point` or `definition` on.

    `definition` starts it; `definitions` take part by writing. `entry_point` is
    ``"METHOD /path"`` of a route or the name of a task, None when no entry point reaches it.
    """

    definition: str
    entry_point: str | None
    tables: tuple[str, ...]
    definitions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Something seen and not resolved: counted and listed, never guessed away."""

    path: str
    line: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything known, each tuple sorted so that the same input gives the same bytes."""

    root: str
    modules: tuple[Module, ...] = ()
    definitions: tuple[Definition, ...] = ()
    tables: tuple[Table, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    accesses: tuple[Access, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    imports: tuple[Import, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    stats: dict[str, int] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
