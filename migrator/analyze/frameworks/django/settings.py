"""What settings modules and app configurations say, as far as they are literal."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import md5

from migrator.analyze.facts.shape import AUG, CONST, SET, STR, Expr, Stmt
from migrator.analyze.project.classes import Class, flat
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Unresolved

_MARKS = ("INSTALLED_APPS", "ROOT_URLCONF", "AUTH_USER_MODEL", "MIDDLEWARE")
_LONGEST_NAME = 63
_DIGEST = 4
_CONFIGS = ("django.apps.AppConfig", "django.apps.config.AppConfig")


@dataclass(slots=True)
class DjangoSettings:
    """`values` by name: what the settings modules assign, strings and booleans only; several
    where they differ. `computed` are those that some of them computes. `installed` are all strings
    of ``INSTALLED_APPS``."""

    modules: list[Module] = field(default_factory=list)
    values: dict[str, list[object]] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)
    computed: set[str] = field(default_factory=set)

    def texts(self, name: str) -> list[str]:
        return [v for v in self.values.get(name, ()) if isinstance(v, str)]

    def true(self, name: str) -> bool:
        return True in self.values.get(name, ())

    def cut(self, table: str) -> str:
        """A default name as Django cuts it (`truncate_name`) where the database is PostgreSQL."""
        engines = self.texts("ENGINE")
        postgres = bool(engines) and all(e.endswith(("postgresql", "postgis")) for e in engines)
        if not postgres or len(table) <= _LONGEST_NAME:
            return table
        digest = md5(table.encode(), usedforsecurity=False).hexdigest()[:_DIGEST]
        return table[: _LONGEST_NAME - _DIGEST] + digest


def read_settings(project: Project) -> DjangoSettings:
    """All modules that look like Django's settings: they assign one of its central names."""
    found = DjangoSettings()
    for module in project.defining(*_MARKS):
        found.modules.append(module)
        for statement in flat(module.facts.interface.body):
            _assigned(found, statement)
    return found


def _assigned(found: DjangoSettings, statement: Stmt) -> None:
    if statement[0] == SET:
        names, value = [t for t in statement[2] if type(t) is str], statement[3]
    elif statement[0] == AUG and type(statement[2]) is str:
        names, value = [statement[2]], statement[3]
    else:
        _appended(found, statement)
        return
    for name in names:
        if name == "DATABASES":
            _databases(found, value)
        elif name == "INSTALLED_APPS" or name.endswith("_APPS"):
            found.installed += strings_in(value)
        elif name.isupper() and type(value) is tuple and value[0] in (STR, CONST):
            values = found.values.setdefault(name, [])
            if value[1] not in values:
                values.append(value[1])
        elif name.isupper():
            found.computed.add(name)


def _appended(found: DjangoSettings, statement: Stmt) -> None:
    """``INSTALLED_APPS.append("x")``."""
    if statement[0] == "do" and type(statement[2]) is tuple and statement[2][0] == "call":
        func = statement[2][2]
        if type(func) is str and func.startswith("INSTALLED_APPS."):
            for argument in statement[2][3]:
                found.installed += strings_in(argument)


def _databases(found: DjangoSettings, value: Expr) -> None:
    texts = strings_in(value)
    engines = [t for t in texts if t.startswith("django.db.backends.")]
    found.values.setdefault("ENGINE", []).extend(engines)
    if _has_key(value, "ATOMIC_REQUESTS"):
        found.values.setdefault("ATOMIC_REQUESTS", []).append(True)


def _has_key(expr: Expr, key: str) -> bool:
    """Whether a dict display, at any depth, has ``key: True``."""
    if type(expr) is not tuple or not expr:
        return False
    if expr[0] == "dict":
        for name, value in zip(expr[1], expr[2], strict=False):
            if name == (STR, key) and value == (CONST, True):
                return True
    return any(_has_key(part, key) for part in expr)


def strings_in(expr: Expr) -> list[str]:
    """Every string literal inside an expression, in order."""
    if type(expr) is not tuple or not expr:
        return []
    if expr[0] == STR and len(expr) == 2 and type(expr[1]) is str:
        return [expr[1]]
    return [text for part in expr for text in strings_in(part)]


@dataclass(frozen=True, slots=True)
class App:
    """An application: the package `name`, and the `label` that its models carry."""

    name: str
    label: str
    config: str | None = None


class Apps:
    """Which application a module belongs to."""

    def __init__(self, project: Project, schema: Schema, settings: DjangoSettings) -> None:
        self.project, self.schema, self.settings = project, schema, settings
        self.by_name: dict[str, App] = {}
        self._packages: dict[str, App] = {}
        configs: dict[str, list[App]] = {}
        for class_ in project.classes.by_id.values():
            app = self._config(class_)
            if app is not None:
                configs.setdefault(app.name, []).append(app)
        for name, apps in configs.items():
            self.by_name[name] = self._chosen(apps)
        for name in settings.installed:
            if name not in self.by_name and name in project.modules:
                self.by_name[name] = App(name, name.rpartition(".")[2])
        for name in project.modules:
            package, _, last = name.rpartition(".")
            if last in ("models", "apps") and package:
                self._packages[package] = App(package, package.rpartition(".")[2])

    def of(self, module: str) -> App | None:
        """The application that holds a module, as Django finds it: the longest name wins. Of a
        package without configuration, the one that has a ``models`` module."""
        parts = module.split(".")
        above = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
        declared = next((self.by_name[n] for n in above if n in self.by_name), None)
        package = next((self._packages[n] for n in above if n in self._packages), None)
        if declared is None or package is None or self.settings.installed:
            return declared or package
        return declared if len(declared.name) >= len(package.name) else package

    def label(self, module: str) -> str:
        """The label of a module's application; where nothing tells one, that of its package."""
        app = self.of(module)
        if app is not None:
            return app.label
        package = module.rpartition(".")[0] or module
        return package.rpartition(".")[2]

    def _config(self, class_: Class) -> App | None:
        foreign = [m for m in class_.mro if m not in self.project.classes.by_id]
        if not any(f in _CONFIGS or f.endswith("AppConfig") for f in foreign):
            return None
        name = self._text(class_, "name")
        if name is None:
            if "name" not in {n for c in self._above(class_) for n in c.members}:
                return None  # a base of configurations
            name = class_.module.name.removesuffix(".apps")
        label = self._text(class_, "label") or name.rpartition(".")[2]
        return App(name, label, class_.id)

    def _above(self, class_: Class) -> list[Class]:
        return list(self.project.classes.ancestors(class_.id))

    def _text(self, class_: Class, name: str) -> str | None:
        for above in self._above(class_):
            value = above.value(name)
            if value is not None:
                return value[1] if type(value) is tuple and value[0] == STR else None
        return None

    def _chosen(self, apps: list[App]) -> App:
        """Of several configurations of one application: the installed one, the default one."""
        labels = {app.label for app in apps}
        if len(labels) == 1:
            return apps[0]
        for app in apps:
            if app.config and app.config.replace(":", ".") in self.settings.installed:
                return app
        for app in apps:
            class_ = self.project.classes.get(app.config or "")
            if class_ and class_.value("default") == (CONST, True):
                return app
        first = apps[0]
        class_ = self.project.classes.get(first.config or "")
        if class_ is not None:
            why = f"several configurations with labels {', '.join(sorted(labels))}"
            what = f"application {first.name}"
            self.schema.unresolved.append(Unresolved(class_.module.path, class_.line, what, why))
        return first
