"""The Graph: what the analyzer knows of a monolith. File format in `graph_file`.

Every path is relative to the analysed root, with forward slashes. Identifiers:
a module is its dotted name, a definition is ``module:Name``, a table is its real
name, prefixed with ``schema.`` where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from migrator.model.graph_root import SCHEMA_VERSION

DefinitionKind = Literal["function", "class", "variable"]
AccessMode = Literal["read", "insert", "update", "delete"]
AccessHow = Literal["orm", "core", "sql", "relationship", "cascade", "trace"]
Confidence = Literal["certain", "likely"]
DependencyKind = Literal["calls", "references", "inherits", "decorates", "signals", "imports"]
ImportKind = Literal["static", "lazy", "type_checking", "dynamic", "conditional"]
EntryPointKind = Literal["route", "cli", "task", "signal"]
TableSource = Literal["orm", "core", "migration", "sql", "database", "library"]
ConstraintKind = Literal["unique", "check", "index", "primary_key"]
KeySource = Literal["code", "database"]
ObservationKind = Literal["request", "call", "access"]
DiscrepancyKind = Literal[
    "table_without_code",
    "table_not_in_database",
    "table_not_touched",
    "column_without_code",
    "column_not_in_database",
    "foreign_key_without_code",
    "foreign_key_not_in_database",
    "entry_point_never_seen",
    "call_never_seen",
    "call_without_code",
    "access_never_seen",
    "access_without_code",
]


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
    "django_model": "a model class of Django's",
    "base": "a declarative base or an abstract mixin of models",
    "exception": "an exception class",
    "enum": "an enum class",
    "request_context": "reads Flask's request, session, g or current_app",
    "session": "makes or holds the engine or the session",
    "app_factory": "makes the application and registers its routes",
    "app_object": "an application, blueprint or router object",
    "settings": "reads the environment into settings",
    "generator": "yields",
    "atomic": "runs in a database transaction of its own",
    "admin": "shows a model in Django's admin",
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
    """`definition` is the mapped class or Core table that declares it, None when only SQL does.

    `rows` is the live database's own estimate, None where no database was looked at. A table
    that only the database shows, or that belongs to a library (`source` ``library``), has an
    empty `path` and line 0.
    """

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    path: str
    line: int
    source: TableSource
    definition: str | None = None
    constraints: tuple[Constraint, ...] = ()
    rows: int | None = None

    @property
    def id(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """From `columns` of table `source` to `referred_columns` of table `target`.

    `known_from` is ``database`` for one that the code does not declare; its `path` is empty.
    """

    source: str
    target: str
    columns: tuple[str, ...]
    referred_columns: tuple[str, ...]
    path: str
    line: int
    on_delete: str | None = None
    name: str | None = None
    known_from: KeySource = "code"


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
    """`via` tells where it happens (``path:line``), where another function does it for this caller
    only; empty where it happens at `line` itself."""

    definition: str
    table: str
    mode: AccessMode
    path: str
    line: int
    how: AccessHow
    confidence: Confidence
    via: tuple[str, ...] = ()

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
class Observation:
    """What traces showed, counted over all that were read.

    `source` is the definition that ran: the innermost function that a span names (`exact`), or
    else the function of the route that was asked for. `target` is an entry point's label for
    ``request`` (``GET /jobs``), a definition for ``call``, a table for ``access``, then with
    `mode`. `in_code` tells whether the static analysis has the same edge. `statements` holds up
    to three of the SQL texts as they were recorded, literals replaced by ``?``.
    """

    kind: ObservationKind
    source: str
    target: str
    mode: AccessMode | None
    count: int
    milliseconds: float
    exact: bool
    in_code: bool
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoChange:
    """Modules `source` < `target` changed in the same `commits`; `weight` counts a commit of n
    files as 1/(n-1), so that huge commits say little (formula in `analyze.evidence.history`)."""

    source: str
    target: str
    commits: int
    weight: float


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Where the code and the evidence (database, traces) do not say the same about `subject`."""

    kind: DiscrepancyKind
    subject: str
    detail: str
    path: str = ""
    line: int = 0


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
    observations: tuple[Observation, ...] = ()
    co_changes: tuple[CoChange, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    stats: dict[str, int] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
