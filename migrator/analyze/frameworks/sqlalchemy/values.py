"""What SQLAlchemy's objects are to the interpreter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from migrator.analyze.infer.values import Instance, Value

NAME = "sqlalchemy"


@dataclass(frozen=True, slots=True)
class Rows(Value):
    """A query, a statement, or what executing it gives. `entities` are the columns of one row,
    None where it is no model; `tables` all tables that fetching them reads, `eager` those of them
    that only come along with the rows, which counting leaves out."""

    framework: ClassVar[str] = NAME
    entities: tuple[Value | None, ...]
    tables: frozenset[str]
    kind: Literal["query", "statement", "result", "scalars"] = "query"
    eager: frozenset[str] = frozenset()

    @property
    def row(self) -> Value | None:
        from migrator.analyze.infer.values import Several

        if self.kind == "scalars" or (self.kind == "query" and len(self.entities) == 1):
            return self.entities[0] if self.entities else None
        return Several(self.entities) if self.entities else None


@dataclass(frozen=True, slots=True)
class TableRef(Value):
    """A Core table, or the one under a model."""

    framework: ClassVar[str] = NAME
    table: str


@dataclass(frozen=True, slots=True)
class ColumnRef(Value):
    """A column or a relationship of a model's class; `target` is where a relationship leads, and
    `secondary` the table between."""

    framework: ClassVar[str] = NAME
    lasting: ClassVar[bool] = True
    table: str
    target: str | None = None
    secondary: str = ""

    @property
    def compared(self) -> ColumnRef:
        """A relationship is compared by the key that it goes over."""
        return self if self.secondary else ColumnRef(self.table)


@dataclass(frozen=True, slots=True)
class Related(Value):
    """The collection behind a relationship of an object: objects of model `target`."""

    framework: ClassVar[str] = NAME
    model: str
    attribute: str
    target: str


@dataclass(frozen=True, slots=True)
class Loads(Value):
    """A loader option: `tables` are loaded, `target` is the model at its end; `names` lead from the
    query's own entity, which is not known yet."""

    framework: ClassVar[str] = NAME
    tables: frozenset[str]
    target: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface(Value):
    """Flask-AppBuilder's ``SQLAInterface(Model)``."""

    framework: ClassVar[str] = NAME
    model: str


@dataclass(frozen=True, slots=True)
class Write(Value):
    """An insert, update or delete that is still to be executed."""

    framework: ClassVar[str] = NAME
    table: str
    entity: Instance | None = None
