"""Imports of a carved module: what is used and there stays, the rest goes."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from migrator.analyze.project.modules import absolute_module
from migrator.scaffold.carve.reexports import Place
from migrator.scaffold.carve.used import dotted

Available = Callable[[str, str | None], bool]
Placed = Callable[[str, str], Place]


def absolute(module: str, is_package: bool, node: cst.ImportFrom) -> str:
    """The dotted module that an import names."""
    name = dotted(node.module) if node.module else ""
    return absolute_module(module, is_package, name, len(node.relative))


def bound_name(alias: cst.ImportAlias, *, plain: bool) -> str:
    """The local name that an alias binds."""
    if alias.asname is not None:
        return dotted(alias.asname.name)
    name = dotted(alias.name)
    return name.partition(".")[0] if plain else name


class Imports(cst.CSTTransformer):
    """Prunes every import statement below a node.

    `available(module, name)` tells whether the service has it; `wanted(bound)` whether the
    module uses it; `placed(module, name)` from where the service has what the monolith imports
    there. Names that went away are in `gone`, those that stayed in `kept`.
    """

    def __init__(
        self,
        module: str,
        is_package: bool,
        available: Available,
        wanted: Callable[[str], bool],
        placed: Placed,
    ) -> None:
        super().__init__()
        self.module, self.is_package = module, is_package
        self.available, self.wanted, self.placed = available, wanted, placed
        self.gone: set[str] = set()
        self.kept: set[str] = set()
        self._moved: list[str] = []

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        del node
        self._moved = []

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        if not self._moved:
            return updated_node
        lines: list[cst.BaseStatement] = [cst.parse_statement(text) for text in self._moved]
        if updated_node.body:
            return cst.FlattenSentinel([updated_node, *lines])
        first = lines[0].with_changes(leading_lines=original_node.leading_lines)
        return cst.FlattenSentinel([first, *lines[1:]])

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        source = absolute(self.module, self.is_package, updated_node)
        if source == "__future__":
            return updated_node
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node if self.available(source, None) else cst.RemoveFromParent()
        kept = [a for a in updated_node.names if self._stays_from(source, a)]
        if not kept:
            return cst.RemoveFromParent()
        if len(kept) == len(updated_node.names):
            return original_node
        last = kept[-1].with_changes(comma=updated_node.names[-1].comma)
        return updated_node.with_changes(names=[*kept[:-1], last])

    def leave_Import(
        self, original_node: cst.Import, updated_node: cst.Import
    ) -> cst.Import | cst.RemovalSentinel:
        kept = [a for a in updated_node.names if self._stays(dotted(a.name), None, a, plain=True)]
        if not kept:
            return cst.RemoveFromParent()
        last = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return updated_node.with_changes(names=[*kept[:-1], last])

    def _stays_from(self, source: str, alias: cst.ImportAlias) -> bool:
        name = dotted(alias.name)
        place = self.placed(source, name)
        if not self._stays(*place, alias, plain=False):
            return False
        if place != (source, name):
            self._moved.append(_import(place, bound_name(alias, plain=False)))
        return place == (source, name)

    def _stays(self, source: str, name: str | None, alias: cst.ImportAlias, *, plain: bool) -> bool:
        bound = bound_name(alias, plain=plain)
        if not self.available(source, name):
            self.gone.add(bound)
            return False
        if not self.wanted(bound):
            return False
        self.kept.add(bound)
        return True


def _import(place: Place, bound: str) -> str:
    module, name = place
    if name is None:
        return f"import {module} as {bound}\n"
    return f"from {module} import {name}" + (f" as {bound}\n" if bound != name else "\n")
