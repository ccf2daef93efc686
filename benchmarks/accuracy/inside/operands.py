"""Which parts of a line ran: operands of ``and``, ``or`` and conditional expressions, and what is
done for each element, are marked as they are evaluated. Line coverage cannot tell."""

from __future__ import annotations

import ast
import importlib.machinery
from collections.abc import Callable
from types import CodeType
from typing import Any

MARK = "__operand_ran__"
Span = tuple[str, int, int]  # path, first and last line


class Operands:
    """`all` are the operands of every module that was imported, `ran` those evaluated."""

    def __init__(self, path_of: Callable[[str], str | None]) -> None:
        self.path_of = path_of
        self.all: list[Span] = []
        self.ran: set[int] = set()

    def install(self) -> None:
        """Compile the application's modules with marks from now on, never from cached bytecode."""
        import builtins

        setattr(builtins, MARK, self.mark)
        loader = importlib.machinery.SourceFileLoader
        original = loader.get_code

        def get_code(this: Any, fullname: str) -> CodeType | None:
            path = this.get_filename(fullname)
            own = self.path_of(path)
            if not own:
                return original(this, fullname)
            tree = ast.parse(this.get_data(path), path)
            marked = ast.fix_missing_locations(_Marker(self, own).visit(tree))
            return compile(marked, path, "exec", dont_inherit=True)

        loader.get_code = get_code  # type: ignore[method-assign,assignment]

    def mark(self, number: int) -> bool:
        self.ran.add(number)
        return True

    def skipped(self) -> list[Span]:
        """The operands that were never evaluated."""
        return sorted({span for i, span in enumerate(self.all) if i not in self.ran})


class _Marker(ast.NodeTransformer):
    def __init__(self, operands: Operands, path: str) -> None:
        self.operands, self.path = operands, path

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values = [node.values[0], *(self._marked(v) for v in node.values[1:])]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.body, node.orelse = self._marked(node.body), self._marked(node.orelse)
        return node

    def _element(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        node.elt = self._marked(node.elt)
        return node  # type: ignore[no-any-return]

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _element

    def _marked(self, node: ast.expr) -> ast.expr:
        """``(mark(n), node)[1]`` in place of the operand."""
        if any(isinstance(n, ast.Await | ast.Yield | ast.YieldFrom) for n in ast.walk(node)):
            return node
        number = len(self.operands.all)
        self.operands.all.append((self.path, node.lineno, node.end_lineno or node.lineno))
        mark = ast.Call(ast.Name(MARK, ast.Load()), [ast.Constant(number)], [])
        pair = ast.Tuple([mark, node], ast.Load())
        return ast.copy_location(ast.Subscript(pair, ast.Constant(1), ast.Load()), node)
