"""Which names a piece of syntax uses and binds."""

from __future__ import annotations

import ast
import symtable

import libcst as cst


class _Uses(cst.CSTVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        del node
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        del node
        return False

    def visit_Annotation(self, node: cst.Annotation) -> bool:
        for text in _strings(node.annotation):
            self.names |= _names_in(text)
        return True

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        # Mapped["User"]: a name in quotes is a name.
        for element in node.slice:
            for text in _strings(element.slice):
                self.names |= _names_in(text)
        return True


def uses(node: cst.CSTNode) -> set[str]:
    """Names read or written by the node, those in quoted annotations too; no attributes."""
    visitor = _Uses()
    node.visit(visitor)
    return visitor.names


def asked_of_module(node: cst.CSTNode) -> set[str]:
    """Names that a function has from its module or imports itself: neither local nor a parameter;
    of what is no function, none."""
    if not isinstance(node, cst.FunctionDef):
        return set()
    table = symtable.symtable(cst.Module([node]).code, "<carved>", "exec")
    waiting, found = table.get_children(), set()
    while waiting:
        inner = waiting.pop()
        waiting += inner.get_children()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() or s.is_imported()}
    return found


def _strings(node: cst.CSTNode) -> list[str]:
    found: list[str] = []
    for child in [node, *node.children]:
        if isinstance(child, cst.Call):
            # What is handed to a function is text.
            continue
        if isinstance(child, cst.SimpleString):
            value = child.evaluated_value
            found.append(value if isinstance(value, str) else "")
        elif child is not node:
            found += _strings(child)
    return found


def _names_in(text: str) -> set[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return set()
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def dotted(node: cst.CSTNode) -> str:
    """``a.b.c`` of names and attributes, else an empty string."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr.value}" if head else ""
    return ""


def bound_by(statement: cst.CSTNode) -> set[str]:
    """Names that a module-level statement defines, imports apart; in its branches too."""
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return {statement.name.value}
    found: set[str] = set()
    if isinstance(statement, cst.If | cst.Try | cst.With):
        for branch in statement.children:
            found |= bound_by(branch)
    elif isinstance(statement, cst.Else | cst.Finally | cst.ExceptHandler):
        found |= bound_by(statement.body)
    elif isinstance(statement, cst.IndentedBlock):
        for inner in statement.body:
            found |= bound_by(inner)
    if isinstance(statement, cst.SimpleStatementLine):
        for small in statement.body:
            if isinstance(small, cst.Assign):
                for target in small.targets:
                    found |= _targets(target.target)
            elif isinstance(small, cst.AnnAssign | cst.AugAssign):
                found |= _targets(small.target)
    return found


def _targets(node: cst.CSTNode) -> set[str]:
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Tuple | cst.List):
        return {name for element in node.elements for name in _targets(element.value)}
    return set()
