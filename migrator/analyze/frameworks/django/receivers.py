"""Who listens to the signals of which models."""

from __future__ import annotations

from collections.abc import Callable

from migrator.analyze.facts.shape import Expr
from migrator.analyze.frameworks.django.objects import Listeners
from migrator.analyze.frameworks.django.signals import Connection, connections
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.values import External, Value, options
from migrator.analyze.infer.world import World
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import Unresolved

Named = Callable[[Value | None], str | None]


def receivers(
    project: Project, schema: Schema, world: World, named: Named, listeners: Listeners
) -> dict[str, set[str]]:
    """The functions that are handed rows of known models, with the models; fills `listeners`."""
    found: dict[str, set[str]] = {}
    for one in connections(project):
        if not one.signal.startswith("django.db.models.signals."):
            continue
        models = {m for sender in one.senders for m in _models(world, schema, named, one, sender)}
        for known in sorted(models) if one.senders else [""]:
            listeners.by_model.setdefault((one.name, known), []).append(one.handler)
        if models and one.name != "m2m_changed":  # its rows may be of either side
            found.setdefault(one.handler, set()).update(models)
    return found


def _models(
    world: World, schema: Schema, named: Named, one: Connection, sender: Expr
) -> list[str]:  # fmt: skip
    """The models that a receiver names as its sender; what is computed is told."""
    value = world.at_module(one.module.name, sender)
    if value is None and type(sender) is str and sender in one.local:
        value = world.value_of(world.project.names.absolute(one.local[sender]))
    found = [m for v in options(value) if (m := named(v)) is not None]
    if not found and type(value) is not External:
        what = f"receiver {one.handler.rpartition(':')[2]} of {one.name}"
        why = f"its sender {text_of(sender)} is not known"
        schema.unresolved.append(Unresolved(one.module.path, one.line, what, why))
    return found
