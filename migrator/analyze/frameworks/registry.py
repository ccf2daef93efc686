"""The plug-ins: those built in, and those that others register."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points

from migrator.analyze.frameworks.protocol import Framework
from migrator.model.errors import MigratorError

GROUP = "migrator.frameworks"
_BUILT_IN = (
    "migrator.analyze.frameworks.sqlalchemy:SQLAlchemy",
    "migrator.analyze.frameworks.flask:Flask",
    "migrator.analyze.frameworks.commands:Commands",
    "migrator.analyze.frameworks.blinker:Blinker",
    "migrator.analyze.frameworks.sql:SQL",
)


def frameworks() -> list[Framework]:
    """A fresh object of every plug-in, built-in ones first; SQL text comes last of all.

    Raises MigratorError where one that is registered cannot be loaded.
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
    return [make() for make in [*makers[:-1], *others, makers[-1]]]


def _load(path: str) -> Callable[[], Framework]:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)  # type: ignore[no-any-return]
