"""The plug-ins: those built in, and those that others register."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from migrator.model.errors import MigratorError

if TYPE_CHECKING:
    from migrator.analyze.frameworks.protocol import Framework

GROUP = "migrator.frameworks"
_BUILT_IN = (
    "migrator.analyze.frameworks.sqlalchemy.plugin:SQLAlchemy",
    "migrator.analyze.frameworks.django.plugin:Django",
    "migrator.analyze.frameworks.alembic:Alembic",
    "migrator.analyze.frameworks.flask.plugin:Flask",
    "migrator.analyze.frameworks.fastapi:FastAPI",
    "migrator.analyze.frameworks.pyramid:Pyramid",
    "migrator.analyze.frameworks.commands:Commands",
    "migrator.analyze.frameworks.blinker:Blinker",
    "migrator.analyze.frameworks.marshmallow:Marshmallow",
    "migrator.analyze.frameworks.oslo:Oslo",
    "migrator.analyze.frameworks.sql.plugin:SQL",
)


def frameworks(wanted: Sequence[str] = ()) -> list[Framework]:
    """A fresh object of every plug-in, built-in ones first; SQL text comes last of all.

    `wanted` are names of plug-ins, all where it is empty. Raises MigratorError where one that is
    registered cannot be loaded, or one that is wanted is not there.
    """
    makers = [_load(path) for path in _BUILT_IN]
    others = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            others.append(point.load())
        except Exception as error:
            raise MigratorError(
                f"framework plug-in {point.name} cannot be loaded: {error}", where=point.value
            ) from error
    every = [make() for make in [*makers[:-1], *others, makers[-1]]]
    names = [plugin.name for plugin in every]
    for name in wanted:
        if name not in names:
            raise MigratorError(
                f"no framework plug-in {name}",
                where="frameworks",
                hint=f"known: {', '.join(names)}",
            )
    return [plugin for plugin in every if not wanted or plugin.name in wanted]


def kinds(wanted: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Module and name of each plug-in that `frameworks` gives. They are imported only where
    others than the built-in ones are there, or some are wanted. Raises MigratorError as it does."""
    if wanted or entry_points(group=GROUP):
        return [(type(p).__module__, type(p).__qualname__) for p in frameworks(wanted)]
    return [(module, name) for module, _, name in (p.partition(":") for p in _BUILT_IN)]


def _load(path: str) -> Callable[[], Framework]:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)  # type: ignore[no-any-return]
