"""What is known of tables and of what touches them, gathered from all frameworks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from migrator.analyze.facts.shape import Expr
from migrator.analyze.infer.values import FunctionCode
from migrator.model.graph import ForeignKey, Relationship, Table, Unresolved


@dataclass(frozen=True, slots=True)
class Giver:
    """What `code` gives by `how`; `row` is a class id where that is known without running it."""

    how: Literal["returns", "stores", "row"]
    code: FunctionCode | None = None
    row: str = ""


@dataclass(slots=True, eq=False)
class Model:
    """A class whose objects are rows. `table` is the table's id, `framework` the plug-in's name.

    `columns` maps attributes to column names; `relations` attributes to (model id, many);
    `extra` is the plug-in's own knowledge.
    """

    id: str
    table: str
    framework: str
    columns: dict[str, str] = field(default_factory=dict)
    relations: dict[str, tuple[str, bool]] = field(default_factory=dict)
    extra: Any = None


@dataclass(slots=True, eq=False)
class Schema:
    """Filled by `Framework.declare`, read everywhere after.

    `elsewhere` are tables that no model declares and only migrations or SQL text make: they count
    where SQL text uses them.
    `claims` maps class ids (``module:Class``, also nested) to the plug-in that knows what its
    objects mean; `names` maps other definitions (a Core table, a session, a signal) to it with a
    plug-in's own value. `traits` by definition id go to `Definition.traits`. `constants` are
    definitions whose value is a statement: an access there counts where the constant is used.
    `sql_files` are the ``.sql`` files beside the code, text by path; `row_files` tell of which
    models the files beside it hold rows, with those of their fields that hold several.
    `outside` tells for names of libraries that the monolith itself fills (``flask.g.user``) what
    gives them their value: a function that returns it, one that stores it, or a class of it.
    `loaded` are variables of modules that are imported by text, with what they mean.
    `namesakes` are the classes that are no models but are called as one, by that name.
    `listeners` are functions that a call registers as a decorator would, by key, with the module
    and the call: ``event.listen(User, "load", function)``.
    `autocommit` tells that an entry point is no transaction by itself.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    foreign_keys: set[ForeignKey] = field(default_factory=set)
    relationships: list[Relationship] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, set[str]] = field(default_factory=dict)
    unresolved: list[Unresolved] = field(default_factory=list)
    elsewhere: dict[str, Table] = field(default_factory=dict)
    sql_files: dict[str, str] = field(default_factory=dict)
    row_files: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = field(default_factory=dict)
    outside: dict[str, list[Giver]] = field(default_factory=dict)
    dialect: str = "postgres"
    autocommit: bool = False
    loaded: dict[str, str] = field(default_factory=dict)
    namesakes: dict[str, list[str]] = field(default_factory=dict)
    listeners: dict[str, list[tuple[str, Expr]]] = field(default_factory=dict)
    _folded: dict[str, str | None] = field(default_factory=dict)

    def add_table(self, table: Table) -> None:
        """The first declaration of a table stands; columns that later ones add are kept."""
        known = self.tables.get(table.id)
        if known is None:
            self.tables[table.id] = table
            return
        have = {c.name for c in known.columns}
        extra = tuple(c for c in table.columns if c.name not in have)
        if extra:
            from dataclasses import replace

            self.tables[table.id] = replace(known, columns=known.columns + extra)

    def add_model(self, model: Model) -> None:
        self.models[model.id] = model
        self.claims[model.id] = model.framework
        self.trait(model.id, "model")

    def trait(self, definition: str, trait: str) -> None:
        self.traits.setdefault(definition, set()).add(trait)

    def table_named(self, name: str) -> str | None:
        """The id of a table by the name that SQL text gives: schema and case may be left out."""
        if name in self.tables:
            return name
        if not self._folded:
            for id_, table in self.tables.items():
                for key in {id_.lower(), table.name.lower()}:
                    self._folded[key] = None if key in self._folded else id_
        found = self._folded.get(name.lower()) or self._folded.get(name.lower().rpartition(".")[2])
        return found or (name if name in self.elsewhere else None)
