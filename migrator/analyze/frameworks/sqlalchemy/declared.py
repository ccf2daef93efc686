"""Tables and relationships while they are read, and how SQLAlchemy's calls are named."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from migrator.analyze.facts.shape import (
    CALL,
    CONST,
    DICT,
    IF,
    RETURN,
    SET,
    TRY,
    Expr,
    Stmt,
)
from migrator.analyze.frameworks.sqlalchemy.columns import (
    ColumnFact,
    is_call,
    text,
)
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.model.graph import Constraint

_MAPPERS = frozenset({"map_imperatively", "mapper"})
RELATIONS = {"relationship", "relation", "Relationship", "dynamic_loader", "backref"}


COLUMNS = {"Column", "mapped_column", "column_property", "deferred", "Field", "composite"}


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
    # ``association_proxy("links", "tag")`` by name.
    proxies: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

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
    eager: bool = False
    backref_eager: bool = False
    backref_one: bool = False
    settled: bool = False
    backref_settled: bool = False


def pairs(expr: Expr | None) -> Iterator[tuple[str, Expr]]:
    """The entries of a dict with string keys, in braces or as ``dict(a=…)``."""
    if type(expr) is tuple and expr[0] == DICT:
        for key, value in zip(expr[1], expr[2], strict=True):
            if (name := text(key)) is not None:
                yield name, value
    elif is_call(expr) and expr[2] == "dict":
        yield from ((name, value) for name, value in expr[4] if name is not None)


Truth = Callable[[Expr], bool | None]


def returned(block: tuple[Stmt, ...], truth: Truth = lambda _: None) -> list[Expr]:
    """What a function may return; `truth` tells conditions that are known."""
    found: list[Expr] = []
    _returned(block, truth, found)
    return found


def _returned(block: tuple[Stmt, ...], truth: Truth, found: list[Expr]) -> bool:
    """Whether the block surely ends the function."""
    for statement in block:
        if statement[0] == RETURN:
            found += [statement[2]] if statement[2] is not None else []
            return True
        if statement[0] == IF:
            known = truth(statement[2])
            ends = [
                _returned(branch, truth, found)
                for branch, taken in ((statement[3], True), (statement[4], False))
                if known is None or known is taken
            ]
            if all(ends):
                return True
        elif statement[0] == TRY and _returned(statement[2], truth, found):
            return True
    return False


def is_declared(statement: Stmt) -> bool:
    names = (d[2] if is_call(d) else d for _, d in statement[6])
    return any(type(n) is str and "declared_attr" in n for n in names)


def is_eager(call: Expr) -> bool:
    """Whether a relationship is loaded with the objects that have it."""
    lazy = next((v for k, v in call[4] if k == "lazy"), None)
    return lazy == (CONST, False) or text(lazy) in ("joined", "subquery", "selectin", "immediate")


def is_settled(call: Expr) -> bool:
    """Whether the database, or nobody, looks after the related rows when the row goes."""
    return any(k in ("passive_deletes", "viewonly") and v != (CONST, False) for k, v in call[4])


def top(id_: str) -> str:
    """The definition that holds a nested one."""
    module, _, name = id_.partition(":")
    return f"{module}:{name.partition('.')[0]}"


def calls(project: Project, module: Module) -> Iterator[Expr]:
    """Calls as statements, at module level or in a function of it that maps classes."""
    project.asked.calls |= _MAPPERS
    bodies = [
        marshal.loads(body.code)
        for body in module.facts.detail.bodies
        if not _MAPPERS.isdisjoint(body.attributes)
    ]
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
