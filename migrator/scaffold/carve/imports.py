"""Imports of a carved module: what is used and there stays, the rest goes."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from migrator.scaffold.carve.used import dotted

Available = Callable[[str, str | None], bool]


def absolute(module: str, is_package: bool, node: cst.ImportFrom) -> str:
    """The dotted module that an import names."""
    name = dotted(node.module) if node.module else ""
    level = len(node.relative)
    if not level:
        return name
    parts = module.split(".")
    drop = level - 1 if is_package else level
    kept = parts[: len(parts) - drop]
    return ".".join([*kept, name] if name else kept)


def bound_name(alias: cst.ImportAlias, *, plain: bool) -> str:
    """The local name that an alias binds."""
    if alias.asname is not None:
        return dotted(alias.asname.name)
    name = dotted(alias.name)
    return name.partition(".")[0] if plain else name


class Imports(cst.CSTTransformer):
    """Prunes every import statement below a node.

    `available(module, name)` tells whether the service has it; `wanted(bound)` whether the
    module uses it. Names that went away are in `gone`, those that stayed in `kept`.
    """

    def __init__(
        self, module: str, is_package: bool, available: Available, wanted: Callable[[str], bool]
    ) -> None:
        super().__init__()
        self.module, self.is_package = module, is_package
        self.available, self.wanted = available, wanted
        self.gone: set[str] = set()
        self.kept: set[str] = set()

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        source = absolute(self.module, self.is_package, updated_node)
        if source == "__future__":
            return updated_node
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node if self.available(source, None) else cst.RemoveFromParent()
        kept = [
            a for a in updated_node.names if self._stays(source, dotted(a.name), a, plain=False)
        ]
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

    def _stays(self, source: str, name: str | None, alias: cst.ImportAlias, *, plain: bool) -> bool:
        bound = bound_name(alias, plain=plain)
        if not self.available(source, name):
            self.gone.add(bound)
            return False
        if not self.wanted(bound):
            return False
        self.kept.add(bound)
        return True
