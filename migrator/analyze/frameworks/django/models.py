"""All models of a project, and those of the library that they build on or point to.

Follows ``ModelBase.__new__`` of Django: fields of abstract bases are copied, a concrete base
gives a link to its own table, a proxy has none; plain mixins give nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrator.analyze.facts.shape import CALL, CONST, SET, Expr
from migrator.analyze.frameworks.django.fields import (
    Field,
    FieldReader,
    Reference,
    automatic,
    of_library,
    parent_link,
    placed,
    text,
)  # fmt: skip
from migrator.analyze.frameworks.django.history import History, histories
from migrator.analyze.frameworks.django.library import ROOTS, canonical, library_models
from migrator.analyze.frameworks.django.meta import Meta
from migrator.analyze.frameworks.django.metaclasses import makes_proxies
from migrator.analyze.frameworks.django.migrations import State, StateModel
from migrator.analyze.frameworks.django.rivals import Rivals
from migrator.analyze.frameworks.django.settings import Apps, DjangoSettings
from migrator.analyze.frameworks.django.values import NAME
from migrator.analyze.project.classes import Class
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Unresolved

MOST_BASES = 60
_MAKING = re.compile(r"^(Abstract|Base)|(Abstract|Base)$")
NO_FIELD = Field("", "column", "", "", 0)


@dataclass(slots=True, eq=False)
class DjangoModel:
    """A model. `id` is the class id, or the dotted name of a library's class.

    `fields` are all by name, those of tables above too (`Field.home` tells); `local` are those of
    its own table (for an abstract one: what it gives). `parents` are the concrete models above,
    nearest first. `unknown` names a base class that is not known; `migrated` tells that only
    migrations declare it, `made` that Django makes it for a many-to-many.
    """

    id: str
    name: str
    label: str
    path: str
    line: int
    table: str | None = None
    abstract: bool = False
    proxy: bool = False
    managed: bool = True
    swappable: str | None = None
    swapped: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    local: dict[str, Field] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    concrete: str = ""
    unknown: str | None = None
    migrated: bool = False
    made: bool = False
    composite_key: bool = False
    reverse: dict[str, Reverse] = field(default_factory=dict)
    queried: dict[str, Reverse] = field(default_factory=dict)
    ordering: tuple[str, ...] = ()
    unique_together: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def library(self) -> bool:
        return ":" not in self.id and not self.migrated

    @property
    def reference(self) -> str:
        """``app.model``."""
        return f"{self.label}.{self.name}".lower()

    @property
    def primary_key(self) -> Field | None:
        return next((f for f in self.local.values() if f.primary_key), None)


@dataclass(frozen=True, slots=True)
class Reverse:
    """What leads back over `field` of model `model`."""

    model: str
    field: Field


class Models:
    """`by_id` and `by_reference` (``app.model``) hold every model, library ones where needed."""

    def __init__(
        self, project: Project, schema: Schema, settings: DjangoSettings, apps: Apps,
        reference: Reference,
    ) -> None:  # fmt: skip
        self.project, self.schema = project, schema
        self.settings, self.apps = settings, apps
        self.reader = FieldReader(project, reference)
        self.by_id: dict[str, DjangoModel] = {}
        self.by_reference: dict[str, DjangoModel] = {}
        self.state = State(project, apps, self.user_model)
        self._rivals = Rivals(project, apps)
        self._building: set[str] = set()
        self._none: set[str] = set()
        self.histories: dict[str, History] = {}

    def read(self) -> None:
        """Build every model that a class of the project declares."""
        for id_ in sorted(self.project.classes.by_id):
            self.model(id_)
            unknown = self._above_unknown(id_)
            if unknown is not None:
                self.by_id[id_].unknown = unknown
        for model in library_models().values():
            if model.table is not None and model.label != "taggit":
                self.model(model.id)
        for model_ in self.by_id.values():
            if not model_.abstract:
                self._register(model_)
        self._filled()
        self.histories = histories(self, DjangoModel)

    def _register(self, model: DjangoModel) -> None:
        known = self.by_reference.get(model.reference)
        if known is None or known.library:
            self.by_reference[model.reference] = model
        elif not model.library:
            what = f"model {model.label}.{model.name}"
            self._tell(model, what, f"another class has this name: {known.id}")

    def model(self, id_: str) -> DjangoModel | None:
        """The model that a class id or dotted name means; None where it is none."""
        id_ = canonical(id_)
        if id_ in self.by_id:
            return self.by_id[id_]
        if id_ in self._none or id_ in self._building:
            return None
        if ":" not in id_:
            return self._library(id_)
        class_ = self.project.classes.get(id_)
        if class_ is None:
            return None
        self._building.add(id_)
        built = self._built(class_)
        self._building.discard(id_)
        if built is None:
            self._none.add(id_)
        else:
            self.by_id[id_] = built
        return built

    # --- one class -------------------------------------------------------------------------------

    def _built(self, class_: Class) -> DjangoModel | None:
        if self.schema.claims.get(class_.id, NAME) != NAME:
            return None
        bases = [canonical(b) for b, _ in class_.bases]
        above = [m for b in bases if (m := self.model(b)) is not None]
        unknown = next((b for b in bases if not self._is_known(b)), None)
        if not (above or any(b in ROOTS for b in bases) or (unknown and self._tells(class_))):
            return None
        meta = Meta(self.project, class_, [m.id for m in above if m.abstract])
        module = class_.module.name
        model = DjangoModel(
            class_.id, class_.name, "", class_.module.path, class_.line,
            abstract=meta.own("abstract") == (CONST, True),
            proxy=meta.get("proxy") == (CONST, True) or makes_proxies(self.project, class_),
            managed=meta.get("managed") != (CONST, False),
            swappable=meta.text("swappable"), unknown=unknown,
        )  # fmt: skip
        model.label = meta.text("app_label") or self.apps.label(module)
        model.concrete = model.id
        self._fields(class_, model, above)
        self._named(model, meta)
        model.ordering = meta.texts("ordering")
        model.unique_together = meta.groups()
        model.indexes = meta.indexes()
        return model

    def _filled(self) -> None:
        """Holes that migrations can fill: columns of unknown bases, classes made at run time."""
        left_over = dict(self.state.models)
        for model in [m for m in self.by_id.values() if not (m.abstract or m.library or m.proxy)]:
            known = left_over.pop((model.label, model.name.lower()), None)
            if model.unknown is not None:
                self._columns(model, known)
            if known is not None:
                self._targets(model, known)
        labels = {m.label for m in self.by_id.values() if not m.library}
        for (label, name), left in sorted(left_over.items()):
            there = label not in labels or f"{label}.{name}" in self.by_reference
            if not there and not self._made_of(left):
                self._only_migrated(left)

    def _made_of(self, state: StateModel) -> bool:
        """A model that the program makes of an abstract one while it runs: the class that is named
        after it and has no class below stands for it."""
        found = [
            m for m in self.by_id.values()
            if m.abstract and m.label == state.label and _MAKING.sub("", m.name) == state.name
            and m.local.keys() <= state.fields.keys()
            and not self.project.classes.below.get(m.id)
        ]  # fmt: skip
        if len(found) != 1:
            return False
        model = found[0]
        model.abstract, model.name, model.table = False, state.name, self._table_of(state)
        model.local = {n: placed(f, model.id) for n, f in state.fields.items()} | model.local
        self._key(model)
        model.fields.update(model.local)
        self._targets(model, state)
        self._register(model)
        return True

    def _table_of(self, state: StateModel) -> str:
        default = self.settings.cut(f"{state.label}_{state.name.lower()}")
        return text(state.options.get("db_table")) or default

    def _columns(self, model: DjangoModel, known: StateModel | None) -> None:
        if known is None:
            why = f"its base class {model.unknown} is not known: it may add columns"
            self._tell(model, f"model {model.label}.{model.name}", why)
            return
        for name, found in known.fields.items():
            if name not in model.fields:
                model.local[name] = model.fields[name] = placed(found, model.id)
        if "id" not in known.fields and model.local.get("id", NO_FIELD).automatic:
            del model.local["id"], model.fields["id"]

    def _targets(self, model: DjangoModel, known: StateModel) -> None:
        """Where the class computes the target of a relation, the migrations name it."""
        for name, own in model.local.items():
            told = known.fields.get(name)
            if own.relational and own.to is None and told is not None and told.to is not None:
                model.local[name] = model.fields[name] = replace(own, to=told.to)

    def _only_migrated(self, state: StateModel) -> None:
        if state.options.get("proxy") == (CONST, True) or "swappable" in state.options:
            return
        model = DjangoModel(
            f"{state.label}.{state.name}", state.name, state.label, state.path, state.line,
            migrated=True, table=self._table_of(state),
        )  # fmt: skip
        model.concrete = model.id
        model.local = {n: placed(f, model.id) for n, f in state.fields.items()}
        model.fields = dict(model.local)
        self.by_id[model.id] = model
        self._register(model)

    def _above_unknown(self, id_: str) -> str | None:
        """The unknown base of a class or of an abstract one above it."""
        model = self.by_id.get(id_)
        if model is None or model.abstract or model.unknown is not None:
            return None
        class_ = self.project.classes.get(id_)
        above = [self.by_id.get(b) for b in class_.mro[1:]] if class_ else []
        return next((m.unknown for m in above if m and m.abstract and m.unknown), None)

    def _is_known(self, base: str) -> bool:
        """Whether nothing of a base can escape us: our own class, a root, the library's."""
        if base in ROOTS or base in self.project.classes.by_id or base in library_models():
            return True
        if base.startswith("django.") and not base.startswith("django.contrib."):
            return True  # an expression, a form: what models Django itself has is known
        if base.partition(".")[0] in sys.stdlib_module_names:
            return True
        return ":" not in base and "." not in base  # builtins and names without import

    def _tells(self, class_: Class) -> bool:
        """Whether a class on an unknown base is a model by its fields, or by its migrations."""
        module = class_.module.name
        if (self.apps.label(module), class_.name.lower()) in self.state.models:
            return not self._rivals.has(class_)
        return any(self.reader.is_db_field(module, c[2]) for _, c in _assigned_calls(class_))

    def _fields(self, class_: Class, model: DjangoModel, above: list[DjangoModel]) -> None:
        hidden = set(class_.members)
        for name, call in _assigned_calls(class_):
            model.composite_key |= name == "pk"
            read = self.reader.read(class_.module.name, name, call)
            if read is not None:
                model.local[name] = placed(read, model.id)
        order = {id_: i for i, id_ in enumerate(class_.mro)}
        own_links = {f.to for f in model.local.values() if f.parent_link}
        for parent in sorted(above, key=lambda m: order.get(m.id, MOST_BASES)):
            if parent.abstract:
                for name, inherited in parent.local.items():
                    if name not in model.local and name not in hidden:
                        model.local[name] = placed(inherited, model.id)
                for further in parent.parents:
                    if further not in model.parents:
                        model.parents.append(further)
                continue
            base = self.by_id[parent.concrete]
            model.parents += [p for p in (base.id, *base.parents) if p not in model.parents]
            if model.proxy:
                continue
            link = parent_link(base.name, base.id, model.path, model.line)
            if not any(self._same(to, base) for to in own_links) and link.name not in hidden:
                model.local[link.name] = placed(link, model.id)
        if model.proxy and model.parents:
            model.concrete = model.parents[0]
            model.local = {}
        self._key(model)
        for id_ in reversed(model.parents):
            model.fields.update(self.by_id[id_].local)
        model.fields.update(model.local)

    def _same(self, to: str | None, base: DjangoModel) -> bool:
        own = (f"@{base.id}", base.name.lower())
        return to is not None and (to == own[0] or to.rpartition(".")[2].lower() == own[1])

    def _key(self, model: DjangoModel) -> None:
        if model.abstract or model.proxy or model.primary_key is not None or model.composite_key:
            return
        links = [n for n, f in model.local.items() if f.parent_link]
        if links:
            model.local[links[0]] = replace(model.local[links[0]], primary_key=True)
            return
        kind = next(iter(self.settings.texts("DEFAULT_AUTO_FIELD")), "BigAutoField")
        key = automatic("id", kind.rpartition(".")[2], model.path, model.line)
        model.local = {"id": placed(key, model.id), **model.local}

    def _named(self, model: DjangoModel, meta: Meta) -> None:
        """The table: Meta's, the concrete model's of a proxy, or the default."""
        if model.abstract:
            return
        if model.swappable:
            chosen = self.settings.texts(model.swappable)
            model.swapped = bool(chosen) and model.reference not in [c.lower() for c in chosen]
        if model.swapped:
            return
        if model.proxy and model.parents:
            model.table = self.by_id[model.parents[0]].table
            return
        written = meta.get("db_table")
        if written is None or written == (CONST, None):
            model.table = self.settings.cut(f"{model.label}_{model.name.lower()}")
            return
        name = meta.text("db_table")
        if name is None:
            self._tell(model, f"table of {model.name}", "db_table is computed")
            return
        model.table = name.replace('"', "")

    # --- the library's ---------------------------------------------------------------------------

    def _library(self, id_: str) -> DjangoModel | None:
        known = library_models().get(id_)
        if known is None:
            return None
        model = DjangoModel(
            id_, known.name, known.label, "", 0, table=known.table, abstract=known.table is None,
            swappable=known.swappable, concrete=id_,
        )  # fmt: skip
        self.by_id[id_] = model
        for base in known.bases:
            above = self._library(base) if base not in self.by_id else self.by_id[base]
            for name, inherited in above.local.items() if above else ():
                model.local[name] = placed(inherited, id_)
        for one in known.fields:
            read = of_library(one)
            if read.to == "settings.AUTH_USER_MODEL":
                read = replace(read, to=self.user_model)
            model.local[one.name] = placed(read, id_)
        self._key(model)
        model.fields = dict(model.local)
        if known.swappable:
            chosen = self.settings.texts(known.swappable)
            model.swapped = bool(chosen) and model.reference not in [c.lower() for c in chosen]
            model.table = None if model.swapped else model.table
        return model

    @property
    def user_model(self) -> str:
        """``app.Model`` of the users; Django's own where no settings say otherwise."""
        return next(iter(self.settings.texts("AUTH_USER_MODEL")), "auth.User")

    def _tell(self, model: DjangoModel, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(model.path, model.line, what, why))


def _assigned_calls(class_: Class) -> Iterator[tuple[str, Expr]]:
    """``name = call(…)`` in the body of a class, the last of several."""
    for name, statements in class_.members.items():
        statement = statements[-1]
        value = statement[3] if statement[0] == SET else None
        if type(value) is tuple and value[0] == CALL:
            yield name, value
