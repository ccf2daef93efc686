"""What Django's objects are to the interpreter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from migrator.analyze.infer.values import ClassRef, External, Instance, Text, Value

NAME = "django"
# An object that the code has just made: it is not in the database yet.
NEW = (("", Text("new")),)


@dataclass(frozen=True, slots=True)
class Query(Value):
    """A manager or queryset over `model`. `custom` are the monolith's classes that it is of, by
    which its further methods are found. `tables` are those that running it reads besides the
    model's own, `fetched` those that it reads only where rows are fetched. `lines` are where its
    chain was written, for writes that need no read.

    `relation` is set for a manager behind a relation: ``fk`` (rows of `model` point here), ``m2m``
    with its `through` table. An `empty` one asks the database for nothing.
    """

    framework: ClassVar[str] = NAME
    model: str
    manager: bool = False
    custom: tuple[str, ...] = ()
    rows: Literal["model", "dict", "tuple", "flat"] = "model"
    tables: frozenset[str] = frozenset()
    fetched: frozenset[str] = frozenset()
    lines: frozenset[int] = frozenset()
    relation: Literal["", "fk", "m2m"] = ""
    through: str | None = None
    plain_through: bool = True
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Lookup(Value):
    """Paths over relations that an expression names: ``F("author__name")``, ``Q(tag=…)``; `tables`
    are those of queries inside it."""

    framework: ClassVar[str] = NAME
    paths: frozenset[str]
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Form(Value):
    """A form over `model`, or a formset of such, that no class of the monolith declares: the class
    that a factory gives, an object of it once `made`."""

    framework: ClassVar[str] = NAME
    model: str
    many: bool = False
    made: bool = False


@dataclass(frozen=True, slots=True)
class Choice(Value):
    """A field of a form that offers the rows of `query`; not `needed` where it may be empty."""

    framework: ClassVar[str] = NAME
    query: Query
    many: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class AppRef(Value):
    """What ``apps.get_app_config("label")`` gives."""

    framework: ClassVar[str] = NAME
    label: str


def class_value(model: str) -> Value:
    """The class of a model, the monolith's own or the library's."""
    return ClassRef(model) if ":" in model else External(model)


def query_of(value: Value | None) -> Query | None:
    """The query that a value is; ``self`` in methods of managers carries it."""
    if type(value) is Query:
        return value
    if type(value) is Instance and value.given and type(value.given[0][1]) is Query:
        return value.given[0][1]
    return None


def is_new(value: Value) -> bool:
    return type(value) is Instance and value.given == NEW


@dataclass(frozen=True, slots=True)
class SignalRef(Value):
    """A signal of the monolith's own that somebody listens to."""

    framework: ClassVar[str] = NAME
    id: str
