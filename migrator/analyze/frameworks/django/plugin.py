"""Django as the interpreter sees it."""

from __future__ import annotations

from typing import ClassVar

from migrator.analyze.facts.shape import STR, Expr
from migrator.analyze.frameworks.django.models import Models
from migrator.analyze.frameworks.django.settings import Apps, DjangoSettings, read_settings
from migrator.analyze.frameworks.django.tables import NAME, Tables
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import Call, ClassRef, External, Text, Value, options
from migrator.analyze.infer.world import World
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema


class Django(Framework):
    """Models, managers, querysets and what Django calls by itself."""

    name: ClassVar[str] = NAME
    packages: ClassVar[tuple[str, ...]] = ("django", "swapper")

    def __init__(self) -> None:
        self.settings = DjangoSettings()

    def declare(self, project: Project, schema: Schema) -> None:
        if not project.imports("django"):
            return
        self.settings = read_settings(project)
        apps = Apps(project, schema, self.settings)
        world = World(project, schema, [self])
        self.models = Models(project, schema, self.settings, apps, _reference(world))
        self.models.read()
        self.tables = Tables(self.models, schema)
        self.tables.write()

    def attribute(self, at: At, owner: Value, name: str, line: int) -> Value | None:
        if type(owner) is External and owner.name == "django.conf.settings":
            return self._setting(name)
        return None

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is not External:
            return None
        if function.name == "swapper.get_model_name":
            return self._swapped(call)
        if function.name == "django.contrib.auth.get_user_model":
            return self._setting("AUTH_USER_MODEL")
        return None

    def _swapped(self, call: Call) -> Value | None:
        """The model that a setting names in place of ``app.Model``."""
        parts = [call.argument(0, "app_label"), call.argument(1, "model")]
        texts = [p.text for p in parts if type(p) is Text and p.whole]
        if len(texts) != len(parts):
            return None
        chosen = self.settings.texts(f"{texts[0]}_{texts[1]}_MODEL".upper())
        return Text(chosen[0] if len(chosen) == 1 else ".".join(texts))

    def _setting(self, name: str) -> Value | None:
        texts = self.settings.texts(name)
        if name == "AUTH_USER_MODEL" and not texts:
            return Text("auth.User")
        return Text(texts[0]) if len(texts) == 1 else None


class _reference:
    """What the target of a relation means: a string as it stands, a class as ``@id``."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, module: str, expr: Expr) -> str | None:
        if type(expr) is tuple and expr[0] == STR:
            return str(expr[1])
        found: list[str] = []
        for value in options(self.world.at_module(module, expr)):
            if type(value) is Text and value.whole:
                found.append(value.text)
            elif type(value) is ClassRef:
                found.append(f"@{value.cls}")
            elif (
                type(value) is External and value.name[:1] and not value.name.startswith(_SETTINGS)
            ):
                found.append(f"@{value.name}")
        return found[0] if found else None


_SETTINGS = "django.conf.settings"
