"""Names that a module has from another one, and hands on."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from migrator.analyze.project.modules import absolute_module
from migrator.model.graph import Module
from migrator.scaffold.carve.paths import is_package

# A module, and what is imported from it; None for the module itself.
Place = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class _Names:
    bound: Mapping[str, Place]
    stars: tuple[str, ...]
    used: frozenset[str]


@dataclass(slots=True)
class Reexports:
    """Follows imports to where a name is defined: `modules` of the monolith by name, their `texts`
    by path, and the ids of all definitions, `known`."""

    modules: Mapping[str, Module]
    texts: Mapping[str, str]
    known: Collection[str]
    _read: dict[str, _Names] = field(default_factory=dict)

    def origin(self, module: str, name: str) -> Place | None:
        """Where `name` of `module` comes from, if it is not the module's own."""
        found: Place | None = None
        seen = set()
        place: Place | None = (module, name)
        while place is not None and place not in seen:
            seen.add(place)
            place = self._behind(*place)
            found = place or found
        return found

    def uses(self, module: str, name: str) -> bool:
        """Whether the code of `module` uses the name itself."""
        return name in self._names(module).used

    def _behind(self, module: str, name: str | None) -> Place | None:
        if name is None or module not in self.modules or f"{module}:{name}" in self.known:
            return None
        if f"{module}.{name}" in self.modules:
            return None
        names = self._names(module)
        if name in names.bound:
            return names.bound[name]
        return next(((s, name) for s in names.stars if f"{s}:{name}" in self.known), None)

    def _names(self, module: str) -> _Names:
        if module not in self._read:
            known = self.modules[module]
            try:
                tree = ast.parse(self.texts.get(known.path, ""))
            except SyntaxError:
                tree = ast.Module([], [])
            self._read[module] = _names(tree, module, package=is_package(known))
        return self._read[module]


def _names(tree: ast.Module, module: str, *, package: bool) -> _Names:
    bound: dict[str, Place] = {}
    stars: list[str] = []
    # Those in a condition are not followed: which of them holds is not known.
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    bound[alias.asname] = (alias.name, None)
        elif isinstance(statement, ast.ImportFrom):
            source = absolute_module(module, package, statement.module, statement.level)
            for alias in statement.names:
                if alias.name == "*":
                    stars.append(source)
                else:
                    bound[alias.asname or alias.name] = (source, alias.name)
    used = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return _Names(bound, tuple(stars), used)
