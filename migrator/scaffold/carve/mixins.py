"""What models inherit: a key in a mixin is one of each table below it."""

from __future__ import annotations

from typing import NamedTuple

import libcst as cst
from libcst import matchers

from migrator.model.graph import Definition, ForeignKey, Graph
from migrator.scaffold.carve.models import ModelRewriter, Tables


class Mixin(NamedTuple):
    """A class without a table, and the foreign keys in it, of all tables that inherit them."""

    definition: Definition
    keys: tuple[ForeignKey, ...]


def mixins_of(graph: Graph) -> dict[str, Mixin]:
    """The classes that give keys to models, by definition."""
    mapped = {t.definition for t in graph.tables}
    classes: dict[str, list[Definition]] = {}
    for definition in graph.definitions:
        if definition.kind == "class" and definition.id not in mapped:
            classes.setdefault(definition.path, []).append(definition)
    keys: dict[str, list[ForeignKey]] = {}
    known: dict[str, Definition] = {}
    for key in graph.foreign_keys:
        for definition in classes.get(key.path, ()):
            if definition.line <= key.line <= definition.end_line:
                known[definition.id] = definition
                keys.setdefault(definition.id, []).append(key)
    return {name: Mixin(known[name], tuple(found)) for name, found in keys.items()}


class MixinRewriter(ModelRewriter):
    """Rewrites a class without a table, whose keys are inherited."""

    def __init__(self, mixin: Mixin, tables: Tables, graph: Graph) -> None:
        about = mixin.definition
        super().__init__(about.id, "", tables, graph)
        self._heirs = {key.source for key in mixin.keys if tables.has(key.source)}
        inside = range(about.line, about.end_line + 1)
        self.relations = {
            relation.attribute: relation
            for relation in graph.relationships
            if relation.path == about.path and relation.line in inside
            if relation.source in self._heirs or not self._heirs
        }
        self._own = "cls"

    def _stays(self, target: str) -> bool:
        return {target, *self._heirs} <= self.tables.owned

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        """A `declared_attr` that returns a relationship."""
        super().leave_FunctionDef(original_node, updated_node)
        relation = self.relations.get(updated_node.name.value)
        calls = matchers.findall(
            updated_node.body, matchers.Return(matchers.Call(func=_RELATIONSHIP))
        )
        if relation is None or len(calls) != 1 or self._stays(relation.target):
            return updated_node
        if not self.tables.has(relation.target):
            return cst.RemoveFromParent()
        [statement] = calls
        assert isinstance(statement, cst.Return) and isinstance(statement.value, cst.Call)
        first = next(iter(updated_node.params.params), None)
        self._own = first.name.value if first is not None else "cls"
        joined = self.joined_by_hand(relation, statement.value)
        if not isinstance(joined, cst.Call):
            return cst.RemoveFromParent()
        made = updated_node.deep_replace(statement, statement.with_changes(value=joined))
        assert isinstance(made, cst.FunctionDef)
        return made

    def condition(self, key: ForeignKey) -> str:
        target = f"{self.class_of[key.target]}.{key.referred_columns[0]}"
        return f'f"foreign({{{self._own}.__name__}}.{key.columns[0]}) == {target}"'


_RELATIONSHIP = matchers.Name("relationship") | matchers.Attribute(
    attr=matchers.Name("relationship")
)
