"""What the target of a relation is, as it is written."""

from __future__ import annotations

from migrator.analyze.facts.shape import STR, Expr
from migrator.analyze.infer.values import ClassRef, External, Text, options
from migrator.analyze.infer.world import World

_SETTINGS = "django.conf.settings"


class Reference:
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
            elif type(value) is External and not value.name.startswith(_SETTINGS):
                found.append(f"@{value.name}")
        return found[0] if found else None
