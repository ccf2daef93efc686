"""What the plug-ins read from declarations, without the files that cannot be followed.

A plug-in reads all files at once. Where one of these nests deeper than Python can follow, it is
told as unresolved, and all plug-ins begin again without it. Where a plug-in fails for another
reason, what its framework means stays unknown, and that is told.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from migrator.analyze import mistakes
from migrator.analyze.facts.shape import Block
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.infer.named import namesakes
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.errors import MigratorError
from migrator.model.graph import Dependency, EntryPoint, Unresolved

# Of what people write; a chain of a hundred calls nests two hundred deep.
_DEEP = 250
WHY = "nested too deeply to follow"
_ENDLESS = "its plug-in did not come to an end"


class Declared(NamedTuple):
    """`found` are the entry points, and the edges to handlers of signals."""

    project: Project
    schema: Schema
    plugins: Sequence[Framework]
    found: list[EntryPoint | Dependency]


def declare(
    project: Project, plugins: Sequence[Framework], begin: Callable[[Project], Schema]
) -> Declared:
    """Ask all plug-ins; `begin` makes the schema that they add to."""
    left_out: list[Unresolved] = []
    while True:
        schema = begin(project)
        found: list[EntryPoint | Dependency] = []
        asked = plugins[0]
        try:
            for asked in plugins:
                asked.declare(project, schema)
            for asked in plugins:
                found += asked.entry_points(project, schema)
        except RecursionError:
            module = max((*project.code, *project.revisions), key=_deepest)
            depth, line = _deepest(module)
            if depth >= _DEEP:
                left_out.append(Unresolved(module.path, line, "module", WHY))
                project = _without(project, module)
            else:  # for no file's fault
                left_out.append(Unresolved(".", 1, f"framework {asked.name}", _ENDLESS))
                plugins = [plugin for plugin in plugins if plugin is not asked]
            plugins = [type(plugin)() for plugin in plugins]
        except MigratorError:
            raise
        except Exception as error:
            why = mistakes.told(error)
            left_out.append(Unresolved(".", 1, f"framework {asked.name}", why))
            plugins = [type(plugin)() for plugin in plugins if plugin is not asked]
        else:
            schema.unresolved += left_out
            schema.namesakes = namesakes(project, schema)
            return Declared(project, schema, plugins, found)


def _without(project: Project, left_out: Module) -> Project:
    every = [m for m in (*project.code, *project.revisions) if m is not left_out]
    return Project([Module(m.name, m.path, m.facts, m.role) for m in every])


def _deepest(module: Module) -> tuple[int, int]:
    """How deep the deepest statement of a module nests, and its line."""
    return max(((_depth(s), s[1]) for s in _statements(module)), default=(0, 1))


def _statements(module: Module) -> Iterator[tuple[object, int]]:
    interface = module.facts.interface
    blocks: list[Block] = [interface.body, *(d.statements for d in interface.definitions)]
    for body in module.facts.detail.bodies:
        blocks.append(marshal.loads(body.code))
    for block in blocks:
        yield from block


def _depth(part: object) -> int:
    found = 0
    waiting = [(part, 1)]
    while waiting:
        one, depth = waiting.pop()
        found = max(found, depth)
        if type(one) is tuple:
            waiting += [(inner, depth + 1) for inner in one]
    return found
