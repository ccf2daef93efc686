"""Managers of models: which class they are, and which queryset class they hand out."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.analyze.facts.shape import CALL, SET, Expr
from migrator.analyze.frameworks.django.models import Models
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import keyword

_DEFAULTS = ("objects", "_default_manager", "_base_manager")


@dataclass(frozen=True, slots=True)
class Manager:
    """`manager` and `queryset` are the monolith's classes, None where Django's own serve."""

    manager: str | None = None
    queryset: str | None = None

    @property
    def custom(self) -> tuple[str, ...]:
        return tuple(c for c in (self.manager, self.queryset) if c is not None)


class Managers:
    """Managers by model and attribute; `used` tells which models have a manager or queryset
    class."""

    def __init__(self, project: Project, models: Models) -> None:
        self.project, self.models = project, models
        self.by_model: dict[str, dict[str, Manager]] = {}
        self.used: dict[str, set[str]] = {}
        for id_, model in models.by_id.items():
            if ":" in id_:
                self.by_model[id_] = self._of(id_)
            if not model.abstract:
                for manager in self.by_model.get(id_, {}).values():
                    for class_ in self._with_above(manager):
                        self.used.setdefault(class_, set()).add(id_)

    def get(self, model: str, name: str) -> Manager | None:
        """The manager ``Model.name``; Django gives ``objects`` where a model declares none."""
        own = self.by_model.get(model, {})
        if name in own:
            return own[name]
        if name == "_default_manager" and own:
            return next(iter(own.values()))
        if name == "_base_manager" or not own:
            return Manager() if name in _DEFAULTS else None
        return None

    def default(self, model: str) -> Manager:
        return self.get(model, "_default_manager") or Manager()

    def is_queries(self, id_: str) -> bool:
        """Whether a class is a manager or a queryset."""
        class_ = self.project.classes.get(id_)
        return id_ in self.used or any(
            is_manager(m) or is_queryset(m)
            for m in (class_.mro[1:] if class_ else ())
            if ":" not in m
        )

    def _of(self, id_: str) -> dict[str, Manager]:
        found: dict[str, Manager] = {}
        for class_ in self.project.classes.ancestors(id_):
            for name, statements in class_.members.items():
                statement = statements[-1]
                if statement[0] == SET and name not in found and statement[3] is not None:
                    manager = self.read(class_.module.name, statement[3])
                    if manager is not None:
                        found[name] = manager
        return found

    def read(self, module: str, expr: Expr, depth: int = 0) -> Manager | None:
        """The manager that an expression makes; None where it is none."""
        if type(expr) is not tuple or expr[0] != CALL or depth > 4:
            return None
        made = self._class(module, expr[2], depth)
        if made is not None:
            return made
        func = expr[2]
        if type(func) is str and func.endswith(".as_manager"):
            target = self.project.resolved(module, func.removesuffix(".as_manager"))
            return Manager(None, target if ":" in target else None)
        return None

    def _class(self, module: str, func: Expr, depth: int) -> Manager | None:
        """The manager class that an expression is."""
        if type(func) is tuple and func[0] == CALL:
            return self._from_queryset(module, func)
        resolved = self.project.resolved(module, func)
        if resolved in self.project.classes.by_id:
            return self._declared(resolved)
        if ":" not in resolved:
            return Manager() if is_manager(resolved) else None
        fact = self.project.names.definition(resolved)
        for statement in fact.statements if fact else ():
            if statement[0] == SET and statement[3] is not None:
                home = resolved.partition(":")[0]
                found = self._class(home, statement[3], depth + 1)
                if found is not None:
                    return found
        # A class that is computed: on a model it can only be a manager once it is queried.
        return Manager() if depth == 0 and fact is not None and fact.kind == "variable" else None

    def _from_queryset(self, module: str, call: Expr) -> Manager | None:
        func = call[2]
        given = call[3][0] if call[3] else keyword(call, "queryset_class")
        if type(func) is not str or not func.endswith(".from_queryset") or given is None:
            return None
        base = self.project.resolved(module, func.removesuffix(".from_queryset"))
        queryset = self.project.resolved(module, given)
        return Manager(
            base if base in self.project.classes.by_id else None,
            queryset if ":" in queryset else None,
        )

    def _declared(self, id_: str) -> Manager | None:
        class_ = self.project.classes.get(id_)
        assert class_ is not None
        queryset = None
        known = False
        for above in self.project.classes.ancestors(id_):
            for base, args in above.bases:
                if base.endswith(".from_queryset()") and args:
                    known = True
                    target = self.project.resolved(above.module.name, args[0])
                    queryset = queryset or (target if ":" in target else None)
                elif ":" not in base and is_manager(base):
                    known = True
                elif ":" in base and base not in self.project.classes.by_id:
                    inner = self._class(above.module.name, base.partition(":")[2], 1)
                    known = known or inner is not None
                    queryset = queryset or (inner.queryset if inner else None)
        return Manager(id_, queryset) if known else None

    def _with_above(self, manager: Manager) -> list[str]:
        return [
            above.id
            for class_ in manager.custom
            for above in self.project.classes.ancestors(class_)
        ]


def is_manager(dotted: str) -> bool:
    last = dotted.rpartition(".")[2]
    return last.endswith("Manager") and last not in ("ContextManager", "AbstractContextManager")


def is_queryset(dotted: str) -> bool:
    return dotted.rpartition(".")[2].endswith("QuerySet")
