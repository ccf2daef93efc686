"""Objects of models: relations followed, rows saved and deleted, and the tables behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from migrator.analyze.frameworks.django.cascades import cascade, fast
from migrator.analyze.frameworks.django.fields import Field
from migrator.analyze.frameworks.django.history import History
from migrator.analyze.frameworks.django.lookups import joined, ordered, own_tables
from migrator.analyze.frameworks.django.managers import Manager, Managers
from migrator.analyze.frameworks.django.models import DjangoModel, Reverse
from migrator.analyze.frameworks.django.values import NEW, Query, is_new
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, Instance, Method, Value
from migrator.analyze.project.project import Project
from migrator.model.graph import AccessHow, AccessMode


@dataclass(slots=True)
class Listeners:
    """Handlers of Django's model signals: `by_model` maps (signal, model id or "" for all) to
    definitions."""

    by_model: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def of(self, model: str, *signals: str) -> list[str]:
        return [
            handler
            for signal in signals
            for key in ((signal, model), (signal, ""))
            for handler in self.by_model.get(key, ())
        ]

    def deleting(self, models: Mapping[str, DjangoModel]) -> set[str]:
        """The models whose deletion somebody listens to."""
        return {m for m in models if self.of(m, "pre_delete", "post_delete")}


class Objects:
    """`stands` maps classes that are no model with a table themselves (abstract ones, mixins) to
    the one model below them."""

    def __init__(
        self, project: Project, models: dict[str, DjangoModel], managers: Managers,
        listeners: Listeners, histories: Mapping[str, History],
    ) -> None:  # fmt: skip
        self.project, self.models = project, models
        self.managers, self.listeners = managers, listeners
        self._histories = histories
        self.stands = _stands(project, models)
        self.listened()

    def listened(self) -> None:
        """All listeners are known now."""
        self._deleting = self.listeners.deleting(self.models) | set(self._histories)
        self._cascades: dict[str, list[tuple[str, AccessMode]]] = {}

    def model_of(self, cls: str) -> DjangoModel | None:
        """The model that objects of a class are rows of."""
        return self.models.get(self.stands.get(cls, cls))

    # --- reading ---------------------------------------------------------------------------------

    def own(self, model: str) -> frozenset[str]:
        known = self.models.get(model)
        return own_tables(self.models, known) if known else frozenset()

    def read_tables(self, query: Query) -> frozenset[str]:
        found = query.tables | self.own(query.model)
        return found | {query.through} if query.through else found

    def read(self, at: At, query: Query, line: int, how: AccessHow = "orm") -> None:
        for table in self.read_tables(query) if not query.empty else ():
            self._access(at, table, line, how)

    def fetch(self, at: At, query: Query, line: int) -> None:
        """What is read besides, where rows are fetched."""
        for table in query.fetched if not query.empty else ():
            self._access(at, table, line, "orm")

    def _access(self, at: At, table: str, line: int, how: AccessHow) -> None:
        if table in at.schema.tables:
            at.access(table, "read", line, how)

    def with_ordering(self, query: Query) -> Query:
        """With the tables that the model's own ordering joins."""
        model = self.models.get(query.model)
        found: set[str] = set()
        for path in model.ordering if model else ():
            assert model is not None
            found |= joined(self.models, model, path) | ordered(self.models, model, path)
        return replace(query, fetched=query.fetched | found) if found else query

    def open(self, query: Query) -> bool:
        """Whether a manager may have methods that this tree does not show."""
        return any(
            ":" not in base and base.rpartition(".")[0] and not base.startswith("django.")
            for cls in query.custom
            for base in self.project.classes.foreign(cls)
        )

    # --- relations -------------------------------------------------------------------------------

    def attribute(self, at: At, owner: Instance, name: str, line: int) -> Value | None:
        """A relation of an object, followed; None for anything else."""
        model = self.model_of(owner.cls)
        if model is None:
            return None
        found = model.fields.get(name)
        if found is not None:
            return self._forward(at, owner, found, line)
        back = model.reverse.get(name)
        if back is not None:
            return self._backward(at, back, line)
        kept = self._histories.get(model.id)
        return Query(kept.model, True) if kept is not None and kept.attribute == name else None

    def _forward(self, at: At, owner: Instance, found: Field, line: int) -> Value | None:
        if found.sort == "generic_fk":
            at.unresolved(line, f"{found.name} of {owner.cls.rpartition(':')[2]}", _GENERIC)
            return None
        target = self.models.get(found.target or "")
        if target is None:
            return None
        if found.sort in ("fk", "o2o"):
            if not is_new(owner):
                for table in own_tables(self.models, target):
                    self._access(at, table, line, "relationship")
            return Instance(target.id)
        custom = self.managers.default(target.id).custom
        if found.sort == "m2m":
            return Query(
                target.id, True, custom, relation="m2m", through=found.table,
                plain_through=found.made,
            )  # fmt: skip
        return Query(target.id, True, custom, relation="fk")

    def _backward(self, at: At, back: Reverse, line: int) -> Value | None:
        model = self.models[back.model]
        if back.field.sort == "o2o":
            for table in own_tables(self.models, model):
                self._access(at, table, line, "relationship")
            return Instance(model.id)
        custom = self.managers.default(model.id).custom
        if back.field.sort == "m2m":
            return Query(
                model.id, True, custom, relation="m2m", through=back.field.table,
                plain_through=back.field.made,
            )  # fmt: skip
        return Query(model.id, True, custom, relation="fk")

    # --- managers --------------------------------------------------------------------------------

    def manager(self, model: DjangoModel, name: str) -> Query | None:
        kept = self._histories.get(model.id)
        if kept is not None and kept.attribute == name:
            return Query(kept.model, True)
        found = self.managers.get(model.id, name)
        return self.query(model.id, found) if found is not None else None

    def query(self, model: str, manager: Manager | None = None) -> Query:
        manager = manager if manager is not None else self.managers.default(model)
        return Query(model, True, manager.custom)

    def custom(self, query: Query, name: str) -> Method | None:
        """A method of the monolith's own manager or queryset classes; ``self`` is the query."""
        for cls in query.custom:
            found = self.project.classes.find(cls, name)
            if found is not None and found[1][0] == "def":
                return Method(Instance(cls, (("", query),)), name, found[0].id)
        return None

    def get_queryset(self, at: At, query: Query, call: Call) -> Value | None:
        method = self.custom(query, "get_queryset")
        if method is None:
            return None
        return at.call(method, Call(call.line, None, (), (), {}, {}))

    # --- writing ---------------------------------------------------------------------------------

    def save(self, at: At, owner: Instance, line: int, *, new: bool | None = None) -> None:
        """A row is written: inserted where it is `new`, either where that is not known."""
        model = self.model_of(owner.cls)
        if model is None or (model.abstract and new is not True):
            self._save_below(at, owner.cls, line)
            return
        for table in own_tables(self.models, model):
            if table not in at.schema.tables:
                continue
            if new is not True:
                at.access(table, "update", line, "orm", "certain" if new is False else "likely")
            if new is not False:
                at.access(table, "insert", line, "orm", "certain" if new else "likely")
        self._kept(at, model.id, line)
        self.signal(at, model.id, line, "pre_init", "pre_save", "post_save")

    def _kept(self, at: At, model: str, line: int) -> None:
        """The row of its history that a change of a row makes."""
        kept = self._histories.get(model)
        for table in self.own(kept.model) if kept is not None else ():
            at.access(table, "insert", line, "orm", "likely")

    def _save_below(self, at: At, cls: str, line: int) -> None:
        """A method that a few models inherit writes each of them."""
        below = [
            self.models[b] for b in self.project.classes.below.get(cls, ()) if b in self.models
        ]
        tables = {m.table for m in below if m.table in at.schema.tables}
        for table in sorted(t for t in tables if t) if len(tables) <= _FEW else ():
            at.access(table, "update", line, "orm", "likely")
            at.access(table, "insert", line, "orm", "likely")

    def create(self, at: At, model: str, line: int) -> Instance:
        """What ``Manager.create`` does: the model's own ``save`` runs too."""
        made = Instance(model, NEW)
        self.save(at, made, line, new=True)
        found = self.project.classes.find(model, "save")
        if found is not None and found[1][0] == "def":
            at.call(Method(made, "save", found[0].id), Call(line, None, (), (), {}, {}))
        return Instance(model)

    def may(self, at: At, model: str, line: int, modes: Iterable[AccessMode]) -> None:
        """What Django does with rows where the monolith's code has no line for it."""
        known = self.models[model]
        for mode in modes:
            for table in own_tables(self.models, known):
                if table in at.schema.tables:
                    at.access(table, mode, line, "orm", "likely")
            for table, effect in self._cascade(known) if mode == "delete" else ():
                if table in at.schema.tables:
                    at.access(table, effect, line, "cascade", "likely")
            if mode != "read":
                self._kept(at, model, line)
            self.signal(at, model, line, *_SIGNALS.get(mode, ()))

    def fast(self, model: str) -> bool:
        return fast(self.models, self.models[model], self._deleting)

    def _cascade(self, model: DjangoModel) -> list[tuple[str, AccessMode]]:
        known = self._cascades.get(model.id)
        if known is None:
            kept = {m: self.models[h.model].table for m, h in self._histories.items()}
            known = sorted(cascade(self.models, model, self._deleting, kept))
            self._cascades[model.id] = known
        return known

    def delete(self, at: At, model: str, line: int) -> None:
        """Rows are deleted, and what goes with them."""
        known = self.models.get(model)
        if known is None:
            return
        for table in own_tables(self.models, known):
            if table in at.schema.tables:
                at.access(table, "delete", line, "orm")
        for table, mode in self._cascade(known):
            if table in at.schema.tables:
                at.access(table, mode, line, "cascade", "likely")
        self._kept(at, known.id, line)
        self.signal(at, known.id, line, "pre_delete", "post_delete")

    def signal(self, at: At, model: str, line: int, *signals: str) -> None:
        for handler in self.listeners.of(model, *signals):
            at.reaches(handler, line, "signals")


_FEW = 8
_SIGNALS = {
    "insert": ("pre_save", "post_save"), "update": ("pre_save", "post_save"),
    "delete": ("pre_delete", "post_delete"),
}  # fmt: skip
_GENERIC = "a generic relation leads to any model"


def _stands(project: Project, models: Mapping[str, DjangoModel]) -> dict[str, str]:
    """Abstract models and mixins by the single model with a table of its own that they serve."""
    found: dict[str, str] = {}
    for id_, below in project.classes.below.items():
        own = models.get(id_)
        if ":" not in id_ or (own is not None and not own.abstract):
            continue
        concrete = {
            models[b].concrete for b in below if b in models and models[b].table is not None
        }
        if len(concrete) == 1:
            found[id_] = concrete.pop()
    return found
