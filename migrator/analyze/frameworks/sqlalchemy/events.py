"""What SQLAlchemy hands to the functions that listen to its events."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import STR, Expr
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import ClassRef, Instance, Value
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import calls

Given = tuple[Value | None, ...]

SESSION = Instance("sqlalchemy.orm.Session")
_CONNECTION = Instance("sqlalchemy.engine.Connection")
_OF_MAPPERS = frozenset(
    f"{when}_{what}" for when in ("before", "after") for what in ("insert", "update", "delete")
)
_OF_ROWS = frozenset({"load", "refresh", "refresh_flush", "expire", "init"})
_OF_ATTRIBUTES = frozenset({"set", "append", "append_wo_mutation", "remove", "bulk_replace"})
_OF_SESSIONS = frozenset(
    {"before_flush", "after_flush", "after_flush_postexec", "before_commit", "after_commit",
     "after_begin", "after_rollback", "after_soft_rollback", "before_attach", "after_attach"}
)  # fmt: skip


def listening(project: Project) -> Iterator[tuple[str, str, Expr]]:
    """``event.listen(User, "load", function)``: the function, and the call with its module."""
    for found in calls(project, ("listen",)):
        func, args = found.call[2], found.call[3]
        if type(func) is not str or len(args) < 3 or type(args[2]) is not str:
            continue
        names = project.names
        if (names.resolve(found.module.name, func, found.local) or "").startswith("sqlalchemy."):
            target = names.resolve(found.module.name, args[2], found.local)
            if target is not None and ":" in target:
                yield target, found.module.name, found.call


def given_to(at: At, call: Expr) -> Given:
    """What a function gets that listens by this call, or below this decorator."""
    if len(call[3]) < 2:
        return ()
    target, name = call[3][:2]
    event = name[1] if type(name) is tuple and name[0] == STR else ""
    if event in _OF_ATTRIBUTES:
        return _of_attribute(at, target)
    if event in _OF_SESSIONS:
        return (SESSION, None, _CONNECTION) if event == "after_begin" else (SESSION,)
    if event not in _OF_MAPPERS | _OF_ROWS:
        return ()
    row = _row(at.value(target))
    return (None, _CONNECTION, row) if event in _OF_MAPPERS else (row,)


def _row(target: Value | None) -> Value | None:
    return Instance(target.cls) if type(target) is ClassRef else None


def _of_attribute(at: At, target: Expr) -> Given:
    owner, _, attribute = target.rpartition(".") if type(target) is str else ("", "", "")
    row = _row(at.value(owner)) if owner else None
    if type(row) is not Instance:
        return ()
    model = at.schema.models.get(row.cls)
    relation = model.relations.get(attribute) if model is not None else None
    return row, Instance(relation[0]) if relation is not None else None
