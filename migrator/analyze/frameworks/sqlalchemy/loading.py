"""Loader options: ``joinedload(User.posts)``, ``joinedload("posts").subqueryload("tags")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migrator.analyze.frameworks.protocol import At
from migrator.analyze.frameworks.sqlalchemy.values import ColumnRef, Loads
from migrator.analyze.infer.values import Call, ClassRef, Text, Value, options

LOADERS = {"joinedload", "subqueryload", "selectinload", "contains_eager", "immediateload"}


def loading(at: At, call: Call, loaded: Tables, before: Loads | None = None) -> Loads:
    """What an option loads, after the options `before` of its chain. `loaded` gives the tables of
    a model and of what is loaded with its objects."""
    before = before or Loads(frozenset())
    tables, target, names = set(before.tables), before.target, before.names
    for value in call.values:
        for option in options(value):
            if type(option) is ClassRef and option.cls in at.schema.models:
                target = option.cls  # `Load(User)`
            elif type(option) is ColumnRef:
                tables |= loaded.of(at, option.target) if option.target else set()
                tables |= {t for t in (option.table, option.secondary) if t}
                target = option.target
            elif type(option) is Text and option.whole:
                path = tuple(option.text.split("."))
                if target is None:
                    names += path
                else:
                    more, target = along(at, target, path, loaded)
                    tables |= more
    return Loads(frozenset(tables), target, names)


class Tables:
    """How a plug-in tells the tables of a model, and the table between it and a related one."""

    def __init__(
        self, of: Callable[[At, str], set[str]], between: Callable[[str, str], str | None]
    ) -> None:
        self.of, self.between = of, between


def along(
    at: At, model: str, path: Iterable[str], loaded: Tables
) -> tuple[set[str], str | None]:  # fmt: skip
    """The tables of a path of relations from `model`, and the model that it ends at."""
    found: set[str] = set()
    here: str | None = model
    for name in path:
        known = at.schema.models.get(here or "")
        relation = known.relations.get(name) if known is not None else None
        if known is None or relation is None:
            return found, None
        between = loaded.between(known.id, name)
        found |= {between} if between else set()
        here = relation[0]
        found |= loaded.of(at, here)
    return found, here


def asked(
    at: At, value: Value | None, entities: Iterable[Value | None], loaded: Tables
) -> set[str]:
    """The tables of an option given to a query of `entities`."""
    found: set[str] = set()
    for option in options(value):
        if type(option) is not Loads:
            continue
        found |= option.tables
        for entity in entities if option.names else ():
            for row in options(entity):
                found |= along(at, getattr(row, "cls", ""), option.names, loaded)[0]
    return found
