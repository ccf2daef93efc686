"""Which methods of its classes a service may come to call.

A class that a service has for one method, or for its columns, comes with all. One counts as called
where a definition that is known to call the class asks anything at all for an attribute of the
method's name, or a method that itself is called does: so this errs towards called.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrator.model.graph import Dependency

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.ClassDef | Function


@dataclass(frozen=True, slots=True)
class Methods:
    """By class: itself with those below it, and the names that are asked for."""

    families: Mapping[str, tuple[ast.ClassDef, ...]]
    called: Mapping[str, Collection[str]]

    def may_run(self, definition: str, line: int) -> bool:
        """Whether the method at `line` is called, or one that the class inherits where the line is
        in none: what is inherited is told at the class. What is no class may always run."""
        if definition not in self.families:
            return True
        if definition not in self.called:
            return False
        own, *bases = self.families[definition]
        found = [m for m in _methods(own) if _first(m) <= line <= (m.end_lineno or m.lineno)]
        found = found or [method for base in bases for method in _methods(base)]
        called = self.called[definition]
        return not found or any(_is_implicit(m) or m.name in called for m in found)


def methods_of(
    sources: Mapping[str, ast.Module], calls: Iterable[Dependency], wanted: Collection[str]
) -> Methods:
    """Of a service's parsed files by path, and who calls what, for the classes among `wanted`
    (`module:Name`)."""
    definitions = {
        f"{_module(path)}:{node.name}": node
        for path, tree in sources.items()
        for node in tree.body
        if isinstance(node, Definition)
    }
    classes = [node for node in definitions.values() if isinstance(node, ast.ClassDef)]
    families = {
        name: _family(node, classes)
        for name, node in definitions.items()
        if name in wanted and isinstance(node, ast.ClassDef)
    }
    called: dict[str, set[str]] = defaultdict(set)
    reached: dict[str, set[str]] = {name: {name} for name in families}
    for call in calls:
        if call.source in families:
            reached[call.source].add(call.target)
        elif call.target in families:
            called[call.target] |= _asked_by(call.source, definitions, sources)
    _follow(families, reached, called)
    return Methods(families, called)


def _asked_by(
    source: str, definitions: Mapping[str, Definition], sources: Mapping[str, ast.Module]
) -> set[str]:
    """What the definition asks for; of one that is not seen, what its whole module does."""
    if source in definitions:
        return set(_asked(definitions[source]))
    module = source.partition(":")[0]
    return {n for path, tree in sources.items() if _module(path) == module for n in _asked(tree)}


def _follow(
    families: Mapping[str, tuple[ast.ClassDef, ...]],
    reached: Mapping[str, Collection[str]],
    called: dict[str, set[str]],
) -> None:
    """Add what called methods ask for, of their own class and of those that it calls."""
    waiting = list(called)
    while waiting:
        name = waiting.pop()
        for method in (m for node in families[name] for m in _methods(node)):
            if not (_is_implicit(method) or method.name in called[name]):
                continue
            names = set(_asked(method))
            for target in reached[name]:
                if target in families and not names <= called[target]:
                    called[target] |= names
                    waiting.append(target)


def _family(node: ast.ClassDef, classes: Collection[ast.ClassDef]) -> tuple[ast.ClassDef, ...]:
    """The class and all below it that the service has; bases are known by their last name."""
    found, waiting = [node], [node]
    while waiting:
        names = {_last(base) for base in waiting.pop().bases}
        new = [c for c in classes if c.name in names and c not in found]
        found += new
        waiting += new
    return tuple(found)


def _is_implicit(method: Function) -> bool:
    """Whether it runs without being asked for by its name: by Python, or by what decorates it."""
    plain = {"staticmethod", "classmethod", "property", "setter", "hybrid_property", "expression"}
    dunder = method.name.startswith("__")
    return dunder or any(_last(d) not in plain for d in method.decorator_list)


def _asked(tree: ast.AST) -> Iterator[str]:
    """Names of attributes that are asked for, also by text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _methods(node: ast.ClassDef) -> list[Function]:
    return [item for item in node.body if isinstance(item, Function)]


def _first(method: Function) -> int:
    return min([method.lineno, *(decorator.lineno for decorator in method.decorator_list)])


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _last(node.value)
    if isinstance(node, ast.Call):
        return _last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
