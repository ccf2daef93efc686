"""One field of a model, as its declaration tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from migrator.analyze.facts.shape import CALL, CONST, STR, Expr
from migrator.analyze.frameworks.django.library import LibraryField
from migrator.analyze.project.classes import Classes

Sort = Literal["column", "fk", "o2o", "m2m", "generic_fk", "generic"]
_RELATIONS: dict[str, Sort] = {
    "ForeignKey": "fk", "ParentalKey": "fk", "TreeForeignKey": "fk", "FilerFileField": "fk",
    "OneToOneField": "o2o", "AutoOneToOneField": "o2o",
    "ManyToManyField": "m2m", "ParentalManyToManyField": "m2m", "SortedManyToManyField": "m2m",
    "TreeManyToManyField": "m2m", "GenericForeignKey": "generic_fk", "GenericRelation": "generic",
}  # fmt: skip
# Named as fields are, but without a column.
_NO_COLUMN = {"ImageSpecField", "CompositePrimaryKey", "ManyToManyRel", "TranslatedField"}
_TYPES = {
    "AutoField": "Integer", "BigAutoField": "BigInteger", "SmallAutoField": "SmallInteger",
    "BigIntegerField": "BigInteger", "PositiveBigIntegerField": "BigInteger",
    "BinaryField": "LargeBinary", "BooleanField": "Boolean", "NullBooleanField": "Boolean",
    "DateField": "Date", "DateTimeField": "DateTime", "DurationField": "Interval",
    "FloatField": "Float", "IntegerField": "Integer", "PositiveIntegerField": "Integer",
    "SmallIntegerField": "SmallInteger", "PositiveSmallIntegerField": "SmallInteger",
    "TextField": "Text", "TimeField": "Time", "UUIDField": "Uuid", "JSONField": "JSON",
    "GenericIPAddressField": "String(39)", "IPAddressField": "String(15)",
}  # fmt: skip
_LENGTHS = {
    "CharField": None, "SlugField": 50, "EmailField": 254, "URLField": 200, "FileField": 100,
    "ImageField": 100, "FilePathField": 100,
}  # fmt: skip
_AUTO = ("AutoField", "BigAutoField", "SmallAutoField")


@dataclass(frozen=True, slots=True)
class Field:
    """`to` is how the target is written: ``app.Model``, ``Model``, ``self``, or ``@`` and a class
    id; None where it is not known. `kind` is the last name of Django's own class below it.

    `home` is the model whose table holds it, `target` the model's id, both known once all models
    are; `through` is a model's id, `table` the table of a many-to-many.
    """

    name: str
    sort: Sort
    kind: str
    path: str
    line: int
    to: str | None = None
    column: str | None = None
    length: int | None = None
    null: bool = False
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    related_name: str | None = None
    related_query_name: str | None = None
    on_delete: str | None = None
    constraint: bool = True
    to_field: str | None = None
    parent_link: bool = False
    through: str | None = None
    db_table: str | None = None
    symmetrical: bool | None = None
    extra: tuple[tuple[str, str], ...] = ()
    home: str = ""
    target: str | None = None
    table: str | None = None
    made: bool = False

    @property
    def relational(self) -> bool:
        return self.sort in ("fk", "o2o", "m2m")

    @property
    def attribute(self) -> str:
        """The name of the attribute that holds the column's value: ``author_id``."""
        return f"{self.name}_id" if self.sort in ("fk", "o2o") else self.name

    @property
    def column_name(self) -> str:
        return self.column or self.attribute

    @property
    def type(self) -> str:
        """As an SQLAlchemy type; "" where the class is not known."""
        if self.kind in _LENGTHS:
            length = self.length or _LENGTHS[self.kind]
            return f"String({length})" if length else "String"
        if self.kind == "DecimalField":
            return "Numeric"
        return _TYPES.get(self.kind, "")

    @property
    def automatic(self) -> bool:
        return self.kind in _AUTO


Reference = Callable[[str, Expr], str | None]


class Names(Protocol):
    """What a project tells of names; migrations have a view of their own."""

    @property
    def classes(self) -> Classes: ...

    def resolved(self, module: str, expr: Expr) -> str: ...

    def path(self, module: str) -> str: ...


class FieldReader:
    """Reads fields; `reference` tells what the expression of a target means."""

    def __init__(self, project: Names, reference: Reference) -> None:
        self.project, self.reference = project, reference

    def sort_of(self, module: str, func: Expr) -> tuple[Sort, str] | None:
        """What calling `func` declares in the body of a model, None for no field."""
        return self.sort_of_name(self.project.resolved(module, func))

    def sort_of_name(self, resolved: str) -> tuple[Sort, str] | None:
        """As `sort_of`, for a resolved name."""
        last = resolved.rpartition(".")[2].rpartition(":")[2]
        if ":" in resolved and resolved in self.project.classes.by_id:
            own = [last]
            foreign = list(self.project.classes.foreign(resolved))
            if not any(_is_field_name(f.rpartition(".")[2]) for f in foreign):
                return None
            for name in [f.rpartition(".")[2] for f in foreign] + own:
                if name in _RELATIONS:
                    return _RELATIONS[name], name
            known = next((f.rpartition(".")[2] for f in foreign if _known(f)), last)
            return "column", known
        if last in _NO_COLUMN or resolved.startswith(("django.forms.", "rest_framework.")):
            return None
        if last in _RELATIONS:
            return _RELATIONS[last], last
        return ("column", last) if last.endswith("Field") else None

    def is_db_field(self, module: str, func: Expr) -> bool:
        """Whether it is certainly a field of a model, not one of a form: by its own package."""
        resolved = self.project.resolved(module, func)
        names = [resolved]
        if ":" in resolved:
            names = list(self.project.classes.foreign(resolved))
        starts = ("django.db.models.", "django.contrib.postgres.fields")
        return any(n.startswith(starts) and _is_field_name(n.rpartition(".")[2]) for n in names)

    def read(self, module: str, name: str, call: Expr) -> Field | None:
        """The field that ``name = call`` declares in a model of `module`."""
        if type(call) is not tuple or call[0] != CALL:
            return None
        found = self.sort_of(module, call[2])
        if found is None:
            return None
        sort, kind = found
        given = {k: v for k, v in call[4] if k is not None}
        to = None
        if sort in ("fk", "o2o", "m2m", "generic"):
            written = given.get("to", call[3][0] if call[3] else None)
            to = self.reference(module, written) if written is not None else None
        through = given.get("through")
        behaviour = given.get("on_delete")
        if behaviour is None and sort in ("fk", "o2o") and len(call[3]) > 1:
            behaviour = call[3][1]
        extra = [
            (k, t)
            for k in ("content_type_field", "object_id_field", "ct_field", "fk_field")
            if (t := text(given.get(k))) is not None
        ]
        if sort == "generic_fk":
            texts = [text(a) for a in call[3]]
            extra += [(k, t) for k, t in zip(("ct_field", "fk_field"), texts, strict=False) if t]
        return Field(
            name, sort, kind, self.project.path(module), call[1],
            to=to, column=text(given.get("db_column")), length=number(given.get("max_length")),
            null=true(given.get("null")), primary_key=true(given.get("primary_key")),
            unique=true(given.get("unique")) or sort == "o2o",
            index=true(given.get("db_index")) or sort == "fk" or kind == "SlugField",
            related_name=text(given.get("related_name")),
            related_query_name=text(given.get("related_query_name")),
            on_delete=_last(behaviour), constraint=given.get("db_constraint") != (CONST, False),
            to_field=text(given.get("to_field")), parent_link=true(given.get("parent_link")),
            through=self.reference(module, through) if through is not None else None,
            db_table=text(given.get("db_table")),
            symmetrical=_flag(given.get("symmetrical")), extra=tuple(extra),
        )  # fmt: skip


def of_library(field: LibraryField) -> Field:
    """A field of one of the library's models."""
    options: Mapping[str, str] = dict(field.options)
    sort: Sort = _RELATIONS.get(field.kind, "column")
    length = options.get("max_length")
    return Field(
        field.name, sort, field.kind, "", 0, to=field.target,
        length=int(length) if length else None, null="null" in options,
        primary_key="primary_key" in options, unique="unique" in options or sort == "o2o",
        index=sort == "fk", related_name=options.get("related_name"),
        related_query_name=options.get("related_query_name"),
        on_delete=options.get("on_delete", "CASCADE" if sort in ("fk", "o2o") else None),
    )  # fmt: skip


def automatic(name: str, kind: str, path: str, line: int) -> Field:
    """The ``id`` of a model without a primary key of its own."""
    return Field(name, "column", kind, path, line, primary_key=True)


def parent_link(parent: str, parent_id: str, path: str, line: int) -> Field:
    """The key of a model that inherits from a concrete one."""
    return Field(
        f"{parent.lower()}_ptr", "o2o", "OneToOneField", path, line, to=f"@{parent_id}",
        primary_key=True, unique=True, on_delete="CASCADE", parent_link=True,
    )  # fmt: skip


def placed(field: Field, home: str) -> Field:
    return replace(field, home=home)


def _is_field_name(name: str) -> bool:
    return name.endswith("Field") or name in _RELATIONS


def _known(dotted: str) -> bool:
    last = dotted.rpartition(".")[2]
    return last in _TYPES or last in _LENGTHS or last == "DecimalField"


def text(expr: Expr) -> str | None:
    """The text of a literal string."""
    return expr[1] if type(expr) is tuple and expr and expr[0] == STR else None


def true(expr: Expr) -> bool:
    return bool(expr == (CONST, True))


def _flag(expr: Expr) -> bool | None:
    return expr[1] if type(expr) is tuple and expr[0] == CONST else None


def number(expr: Expr) -> int | None:
    value = expr[1] if type(expr) is tuple and expr and expr[0] == CONST else None
    return value if type(value) is int else None


def _last(expr: Expr) -> str | None:
    """``models.SET(f)`` and ``models.CASCADE`` by their last name."""
    if type(expr) is tuple and expr[0] == CALL:
        expr = expr[2]
    return expr.rpartition(".")[2] if type(expr) is str else None
