"""Glue without what the service lacks: statements and list elements that name it go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst
from libcst import matchers

from migrator.scaffold.carve.used import asked_of_module, uses


class Pruner(cst.CSTTransformer):
    """Removes simple statements that use a name of `missing`; of literal lists, and of tuples that
    are assigned to one name or looped over, only the elements that do, and strings that name what
    `names_missing` says the service lacks."""

    def __init__(self, missing: set[str], names_missing: Callable[[str], bool]) -> None:
        super().__init__()
        self.missing, self.names_missing = missing, names_missing
        self._elifs: set[cst.If] = set()

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        if not updated_node.body or uses(updated_node) & self.missing:
            return cst.RemoveFromParent()
        return updated_node

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        header = [*updated_node.decorators, updated_node.params]
        if any(uses(part) & self.missing for part in header):
            return cst.RemoveFromParent()
        # A local name that nothing binds any more is missing as well. A function that hands it out
        # stays as it is, so that it is told.
        unbound = asked_of_module(updated_node) - asked_of_module(original_node)
        results = matchers.findall(updated_node, matchers.Return() | matchers.Yield())
        if not unbound or any(uses(result) & unbound for result in results):
            return updated_node
        again = updated_node.visit(Pruner(self.missing | unbound, self.names_missing))
        assert isinstance(again, cst.FunctionDef)
        return again

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        return filled(updated_node)

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.List:
        return updated_node.with_changes(elements=self._present(updated_node.elements))

    def leave_Tuple(self, original_node: cst.Tuple, updated_node: cst.Tuple) -> cst.Tuple:
        kept = [e for e in updated_node.elements if not self._is_missing(e.value)]
        return updated_node.with_changes(elements=kept)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        if not all(isinstance(t.target, cst.Name) for t in updated_node.targets):
            return updated_node
        return updated_node.with_changes(value=self._collected(updated_node.value))

    def leave_For(
        self, original_node: cst.For, updated_node: cst.For
    ) -> cst.For | cst.RemovalSentinel:
        # A literal list was pruned to what is there.
        if uses(updated_node.iter) & self.missing:
            return cst.RemoveFromParent()
        return updated_node.with_changes(iter=self._collected(updated_node.iter))

    def leave_While(
        self, original_node: cst.While, updated_node: cst.While
    ) -> cst.While | cst.RemovalSentinel:
        gone = uses(updated_node.test) & self.missing
        return cst.RemoveFromParent() if gone else updated_node

    def leave_With(
        self, original_node: cst.With, updated_node: cst.With
    ) -> cst.With | cst.RemovalSentinel:
        gone = any(uses(item) & self.missing for item in updated_node.items)
        return cst.RemoveFromParent() if gone else updated_node

    def visit_If(self, node: cst.If) -> None:
        if isinstance(node.orelse, cst.If):
            self._elifs.add(node.orelse)

    def leave_If(
        self, original_node: cst.If, updated_node: cst.If
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        """What is asked of something that is not here is not so: only the other branch stays."""
        other = updated_node.orelse
        while isinstance(other, cst.If) and self._asks(other):
            other = other.orelse
        if original_node in self._elifs or not self._asks(updated_node):
            return updated_node.with_changes(orelse=other)
        if isinstance(other, cst.Else):
            return cst.FlattenSentinel(_lines(other.body))
        return other or cst.RemoveFromParent()

    def _asks(self, node: cst.If) -> bool:
        return bool(uses(node.test) & self.missing)

    def _collected(self, node: cst.BaseExpression) -> cst.BaseExpression:
        # A tuple without parentheses cannot be empty.
        if not (isinstance(node, cst.Tuple) and node.lpar):
            return node
        return node.with_changes(elements=self._present(node.elements))

    def _present(self, elements: Sequence[cst.BaseElement]) -> list[cst.BaseElement]:
        return [
            e
            for e in elements
            if not self._is_missing(e.value) and not uses(e.value) & self.missing
        ]

    def _is_missing(self, node: cst.BaseExpression) -> bool:
        if not isinstance(node, cst.SimpleString):
            return False
        value = node.evaluated_value
        return isinstance(value, str) and self.names_missing(value)


def _lines(suite: cst.BaseSuite) -> Sequence[cst.BaseStatement]:
    if isinstance(suite, cst.IndentedBlock):
        return suite.body
    assert isinstance(suite, cst.SimpleStatementSuite)
    return [cst.SimpleStatementLine(suite.body)]


def filled(block: cst.IndentedBlock) -> cst.IndentedBlock:
    """A block whose statements all went still needs one."""
    empty = all(_is_docstring(s) for s in block.body)
    if block.body and not empty:
        return block
    return block.with_changes(body=[*block.body, cst.parse_statement("pass\n")])


def _is_docstring(statement: cst.BaseStatement) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine) or not statement.body:
        return False
    small = statement.body[0]
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)
