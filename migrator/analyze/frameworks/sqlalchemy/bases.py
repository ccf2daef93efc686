"""Which classes are declarative bases, and which are models over one."""

from __future__ import annotations

from migrator.analyze.facts.shape import (
    SET,
    Expr,
)
from migrator.analyze.frameworks.sqlalchemy.columns import (
    is_call,
    keyword,
    last,
)
from migrator.analyze.frameworks.sqlalchemy.declared import COLUMNS
from migrator.analyze.frameworks.sqlalchemy.strings import Strings
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema

BASES = {
    "sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta",
    "sqlmodel.SQLModel", "sqlmodel.main.SQLModel", "flask_sqlalchemy.model.Model",
    "sqlalchemy.orm.decl_api.DeclarativeBase", "sqlalchemy.DeclarativeBase",
}  # fmt: skip


_MAKERS = {"declarative_base", "automap_base", "generate_base", "as_declarative"}


_NO_BASES = {"typing", "abc", "enum", "collections", "dataclasses", "pydantic"}


class Bases(Strings):
    """Finds the bases, and with them the schema of their metadata."""

    def __init__(self, project: Project, schema: Schema) -> None:
        super().__init__(project, schema)
        self.bases: set[str] = set()
        self.base_schema: dict[str, str | None] = {}

    def _find_bases(self) -> None:
        for id_, module, statement in self.project.variables():
            value = statement[3]
            if is_call(value) and last(self.project.resolved(module.name, value[2])) in _MAKERS:
                self._base(id_, module, keyword(value, "metadata"))
        for class_ in self.project.classes.by_id.values():
            direct = {base for base, _ in class_.bases}
            made = any(last(b.removesuffix("()")) in _MAKERS for b in direct if b.endswith("()"))
            decorated = any(
                last(self.project.resolved(class_.module.name, d[2] if is_call(d) else d))
                in _MAKERS
                for _, d in class_.statement[6]
            )
            table = any(k == "table" for k, _ in class_.keywords)
            if (
                (direct & BASES and not table and class_.value("__tablename__") is None)
                or made
                or decorated
                or self._has_metaclass(class_)
            ):
                if any(b.startswith("sqlmodel") for b in direct):
                    continue  # SQLModel's own subclasses are data classes until `table=True`
                self._base(class_.id, class_.module, class_.value("metadata"))

    def _has_metaclass(self, class_: Class) -> bool:
        """``class Base(metaclass=DeclarativeMeta)``, or a metaclass that derives from it."""
        written = next((v for k, v in class_.keywords if k == "metaclass"), None)
        name = self.project.resolved(class_.module.name, written)
        own = self.project.classes.get(name)
        return any(last(n) == "DeclarativeMeta" for n in (own.mro if own else (name,)))

    def _base(self, id_: str, module: Module, metadata: Expr | None) -> None:
        self.bases.add(id_)
        self.schema.trait(id_, "base")
        self.base_schema[id_] = self._metadata_schema(module, metadata)

    def _metadata_schema(self, module: Module, metadata: Expr | None) -> str | None:
        """The schema that ``MetaData(schema=…)`` gives to all its tables."""
        for _ in range(4):
            if (
                is_call(metadata)
                and last(self.project.resolved(module.name, metadata[2])) == "MetaData"
            ):
                return self._string(module, keyword(metadata, "schema"))
            if type(metadata) is not str:
                return None
            target = self.project.resolve(module.name, metadata) or ""
            fact = self.project.names.definition(target)
            if fact is None:
                return None
            module = self.project.modules[target.partition(":")[0]]
            metadata = next((s[3] for s in fact.statements if s[0] == SET), None)
        return None

    def is_base(self, class_: Class) -> bool:
        for above in class_.mro[1:]:
            if above in self.bases or above in BASES:
                return True
            if above not in self.project.classes.by_id and self._foreign_base(above):
                return True
        return _is_mapped_by_decorator(class_) or self._maps_itself(class_)

    def _maps_itself(self, class_: Class) -> bool:
        """A class with a table's name and columns, over a base that is not in this tree."""
        foreign = [b for b in self.project.classes.foreign(class_.id) if "." in b and ":" not in b]
        return (
            any(b.partition(".")[0] not in _NO_BASES for b in foreign)
            and "__tablename__" in class_.members
            and any(
                is_call(value := class_.value(name))
                and self.project.resolved(class_.module.name, value[2]).startswith("sqlalchemy")
                and last(self.project.resolved(class_.module.name, value[2])) in COLUMNS
                for name in class_.members
            )
        )

    def _foreign_base(self, name: str) -> bool:
        """``db.Model`` where `db` is a `SQLAlchemy()` object, of the monolith or another's."""
        owner, _, attribute = name.rpartition(".")
        if attribute != "Model" or not owner:
            return name.startswith("flask_appbuilder") and attribute == "Model"
        if name.startswith(("flask_appbuilder", "flask_sqlalchemy", "flask_sqlalchemy_lite")):
            return True
        fact = self.project.names.definition(owner)
        for statement in fact.statements if fact else ():
            if statement[0] == SET and is_call(statement[3]):
                module = owner.partition(":")[0]
                if self._makes_flask_db(self.project.resolved(module, statement[3][2])):
                    return True
        return False

    def _makes_flask_db(self, made: str) -> bool:
        class_ = self.project.classes.get(made)
        names = class_.mro if class_ else (made,)
        return any(last(n) == "SQLAlchemy" for n in names)

    def _snake_cases(self, class_: Class) -> bool:
        """Whether tables are named from classes, as Flask-SQLAlchemy does."""
        for above in class_.mro[1:]:
            if above not in self.project.classes.by_id:
                if self._foreign_base(above) and not above.startswith("flask_appbuilder"):
                    return True
            elif above in self.bases:
                continue
        return any(b.startswith("sqlmodel") for b in class_.mro)


def _is_mapped_by_decorator(class_: Class) -> bool:
    """``@registry.mapped`` and ``@registry.mapped_as_dataclass(…)``."""
    names = (d[2] if is_call(d) else d for _, d in class_.statement[6])
    return any(
        type(n) is str and last(n) in ("mapped", "mapped_as_dataclass") and "." in n for n in names
    )
