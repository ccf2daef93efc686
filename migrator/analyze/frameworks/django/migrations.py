"""What migrations say of models: for tables and columns that no class in the tree declares.

Django's migrations are a second account of every model. It is used where the first has a hole: a
base class of a package that is not here, a class that is made while the program runs. Operations
are replayed in order of their dependencies, as ``ProjectState`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrator.analyze.facts.shape import CALL, CLASS, CONST, DICT, LIST, OP, SET, STR, TUPLE, Expr
from migrator.analyze.frameworks.django.fields import Field, FieldReader, text
from migrator.analyze.frameworks.django.settings import Apps
from migrator.analyze.project.classes import Classes, flat
from migrator.analyze.project.modules import Module, imported_names
from migrator.analyze.project.project import Project


@dataclass(slots=True)
class StateModel:
    """A model as the migrations leave it. `options` are literal expressions."""

    label: str
    name: str
    path: str
    line: int
    fields: dict[str, Field] = field(default_factory=dict)
    options: dict[str, Expr] = field(default_factory=dict)


@dataclass(slots=True)
class _Revision:
    module: Module
    label: str
    name: str
    after: list[tuple[str, str]]
    replaces: list[str]
    operations: list[Expr]
    names: dict[str, Expr]

    @property
    def kinds(self) -> dict[str, str]:
        """Classes of the file itself that extend an operation, by the operation's name."""
        return {
            s[3]: base.rpartition(".")[2]
            for s in self.module.facts.interface.body
            if s[0] == CLASS
            for base in s[4]
            if type(base) is str and base.rpartition(".")[2] in _POSITIONS
        }


class _View:
    """Names in migration files, which are no part of the program's own names."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.classes: Classes = project.classes
        self._bound: dict[str, dict[str, str]] = {}
        self._paths = {m.name: m.path for m in project.revisions}

    def path(self, module: str) -> str:
        return self._paths[module]

    def add(self, module: Module) -> None:
        self._bound[module.name] = {
            imported.bound: imported.target
            for statement in module.facts.interface.imports
            for imported in imported_names(module.name, module.is_package, statement)
            if imported.bound
        }

    def resolved(self, module: str, expr: Expr) -> str:
        if type(expr) is not str:
            return ""
        head, _, rest = expr.partition(".")
        target = self._bound[module].get(head)
        if target is None:
            return expr
        return self.project.names.absolute(f"{target}.{rest}" if rest else target)


class State:
    """All models of all migrations, by (app label, lower-case name)."""

    def __init__(self, project: Project, apps: Apps, user_model: str) -> None:
        self.models: dict[tuple[str, str], StateModel] = {}
        self._view = _View(project)
        self._user_model = user_model
        self._reader = FieldReader(self._view, self._reference)
        revisions = [r for m in project.revisions if (r := self._revision(m, apps)) is not None]
        for revision in _ordered(revisions):
            self._view.add(revision.module)
            for operation in revision.operations:
                self._apply(revision, operation)

    def _reference(self, module: str, expr: Expr) -> str | None:
        written = text(expr)
        if written is not None:
            return written
        resolved = self._view.resolved(module, expr)
        if resolved.endswith("settings.AUTH_USER_MODEL"):
            return self._user_model
        return f"@{resolved}" if resolved else None

    def _revision(self, module: Module, apps: Apps) -> _Revision | None:
        package, _, name = module.name.rpartition(".")
        package = package.rpartition(".")[0]
        body = module.facts.interface.body
        class_ = next((s for s in body if s[0] == CLASS and s[3] == "Migration"), None)
        if class_ is None or not package:
            return None
        given = {
            target: s[3] for s in flat(class_[7]) if s[0] == SET for target in s[2]
            if type(target) is str
        }  # fmt: skip
        if "operations" not in given:
            return None
        return _Revision(
            module, apps.label(f"{package}.models"), name,
            [(a, b) for a, b in _pairs(given.get("dependencies"))],
            [b for _, b in _pairs(given.get("replaces"))],
            list(_items(given["operations"], given)), given,
        )  # fmt: skip

    # --- operations ------------------------------------------------------------------------------

    def _apply(self, revision: _Revision, operation: Expr) -> None:
        if type(operation) is not tuple or operation[0] != CALL or type(operation[2]) is not str:
            return
        kind = revision.kinds.get(operation[2], operation[2].rpartition(".")[2])
        given = {k: v for k, v in operation[4] if k is not None}
        if kind == "SeparateDatabaseAndState":
            inner = given.get("state_operations")
            if inner is None and len(operation[3]) > 1:
                inner = operation[3][1]
            for one in _items(inner, revision.names):
                self._apply(revision, one)
            return
        names = _POSITIONS.get(kind)
        if names is None:
            return
        given = {**dict(zip(names, operation[3], strict=False)), **given}
        if kind == "CreateModel":
            self._create(revision, operation[1], given)
            return
        model = text(given.get(names[0]))
        if model is None:
            return
        self._change(revision, kind, (revision.label, model.lower()), given)

    def _create(self, revision: _Revision, line: int, given: dict[str, Expr]) -> None:
        name = text(given.get("name"))
        if name is None:
            return
        model = StateModel(revision.label, name, revision.module.path, line)
        for item in _items(given.get("fields"), revision.names):
            if type(item) is tuple and item[0] == TUPLE and len(item[1]) == 2:
                self._field(revision, model, text(item[1][0]), item[1][1])
        options = given.get("options")
        if type(options) is tuple and options[0] == DICT:
            model.options = {
                k: v
                for key, v in zip(options[1], options[2], strict=False)
                if (k := text(key)) is not None
            }
        self.models[revision.label, name.lower()] = model

    def _field(self, revision: _Revision, model: StateModel, name: str | None, call: Expr) -> None:
        if name is None:
            return
        read = self._reader.read(revision.module.name, name, call)
        if read is not None:
            model.fields[name] = read

    def _change(
        self, revision: _Revision, kind: str, key: tuple[str, str], given: dict[str, Expr]
    ) -> None:
        if kind == "DeleteModel":
            self.models.pop(key, None)
            return
        model = self.models.get(key)
        if model is None:
            return
        if kind == "RenameModel":
            new = text(given.get("new_name"))
            if new is not None:
                del self.models[key]
                model.name = new
                self.models[revision.label, new.lower()] = model
        elif kind == "AlterModelTable":
            model.options["db_table"] = given.get("table", (CONST, None))
        elif kind in ("AddField", "AlterField"):
            self._field(revision, model, text(given.get("name")), given.get("field"))
        elif kind == "RemoveField":
            model.fields.pop(text(given.get("name")) or "", None)
        elif kind == "RenameField":
            old, new = text(given.get("old_name")), text(given.get("new_name"))
            if old in model.fields and old and new:
                self._renamed(model, old, new)

    def _renamed(self, model: StateModel, old: str, new: str) -> None:
        from dataclasses import replace

        model.fields[new] = replace(model.fields.pop(old), name=new)


_POSITIONS = {
    "CreateModel": ("name", "fields", "options", "bases", "managers"),
    "DeleteModel": ("name",),
    "RenameModel": ("old_name", "new_name"),
    "AlterModelTable": ("name", "table"),
    "AddField": ("model_name", "name", "field"),
    "AlterField": ("model_name", "name", "field"),
    "RemoveField": ("model_name", "name"),
    "RenameField": ("model_name", "old_name", "new_name"),
}


def _items(expr: Expr, names: Mapping[str, Expr] | None = None) -> Iterator[Expr]:
    """The elements of a list, also of several added together, or of the one that a name holds."""
    if type(expr) is str and names and expr in names and type(names[expr]) is tuple:
        expr = names[expr]
    if type(expr) is not tuple:
        return
    if expr[0] in (LIST, TUPLE):
        yield from expr[1]
    elif expr[0] == OP and expr[1] == "+":
        yield from _items(expr[2], names)
        yield from _items(expr[3], names)


def _pairs(expr: Expr) -> Iterator[tuple[str, str]]:
    for item in _items(expr):
        if type(item) is tuple and item[0] == TUPLE and len(item[1]) == 2:
            first, second = item[1]
            if first[0:1] == (STR,) and second[0:1] == (STR,):
                yield first[1], second[1]


def _ordered(revisions: list[_Revision]) -> list[_Revision]:
    """Each after those that it depends on. A squashed one is left out where all that it replaces
    are there, else it stands for them."""
    by_key = {(r.label, r.name): r for r in revisions}
    known = set(by_key)
    alias: dict[tuple[str, str], tuple[str, str]] = {}
    for revision in revisions:
        if not revision.replaces:
            continue
        keys = [(revision.label, name) for name in revision.replaces]
        own = (revision.label, revision.name)
        if all(key in known for key in keys):
            by_key.pop(own, None)
            alias[own] = keys[-1]
        else:
            for key in keys:
                by_key.pop(key, None)
                alias[key] = own
    found: list[_Revision] = []
    done: set[tuple[str, str]] = set()

    def visit(key: tuple[str, str], above: frozenset[tuple[str, str]]) -> None:
        while key in alias and key not in by_key and alias[key] != key:
            key = alias[key]
        if key in done or key in above or key not in by_key:
            return
        revision = by_key[key]
        for before in revision.after:
            visit(before, above | {key})
        done.add(key)
        found.append(revision)

    for key in sorted(by_key):
        visit(key, frozenset())
    return found
