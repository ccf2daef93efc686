"""A module read once, to be carved for one service after another."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.scaffold.carve.used import bound_by, uses


class Parsed:
    """The tree of a module, with what each of its statements uses, found out once."""

    def __init__(self, text: str) -> None:
        self.tree = cst.parse_module(text)
        self.body: Sequence[cst.BaseStatement] = [
            s for s in self.tree.body if isinstance(s, cst.BaseStatement)
        ]
        self.bound = {name for statement in self.body for name in bound_by(statement)}
        self._uses: dict[cst.CSTNode, set[str]] = {}
        self._importing: dict[cst.CSTNode, bool] = {}
        self.used = {n for s in self.body if not is_import(s) for n in self.uses(s)}

    def uses(self, statement: cst.CSTNode) -> set[str]:
        """As ``used.uses``, kept for the statements of the tree; not to be changed."""
        if statement not in self._uses:
            self._uses[statement] = uses(statement)
        return self._uses[statement]

    def importing(self, statement: cst.CSTNode) -> bool:
        """Whether an import stands in it, however deep."""
        if statement not in self._importing:
            finder = _Finder()
            statement.visit(finder)
            self._importing[statement] = finder.found
        return self._importing[statement]


class _Finder(cst.CSTVisitor):
    def __init__(self) -> None:
        self.found = False

    def visit_Import(self, node: cst.Import) -> None:
        self.found = True

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self.found = True

    def on_visit(self, node: cst.CSTNode) -> bool:
        # No import stands in an expression.
        return super().on_visit(node) and not self.found and not _is_expression(node)


def _is_expression(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression)


def is_import(statement: cst.BaseStatement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and all(
        isinstance(small, cst.Import | cst.ImportFrom) for small in statement.body
    )
