"""What a class body assigns and how its annotations are nested."""

from __future__ import annotations

import ast

from migrator.analyze.definitions import Code


def body(code: Code) -> list[ast.stmt]:
    return code.node.body if isinstance(code.node, ast.ClassDef) else []


def assigns(code: Code, name: str) -> bool:
    return any(
        assignment(node)[0] == name or getattr(node, "name", None) == name for node in body(code)
    )


def assignment(node: ast.stmt) -> tuple[str | None, ast.expr | None, ast.expr | None]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.annotation, node.value
    if (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ):
        return node.targets[0].id, None, node.value
    return None, None, None


def innermost(annotation: ast.expr | None) -> ast.expr | None:
    """``User`` of ``Mapped[list["User"]]`` or ``Mapped["User | None"]``."""
    node = annotation
    while True:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return None
        elif isinstance(node, ast.Subscript):
            node = node.slice
        elif isinstance(node, ast.BinOp):
            node = node.left
        else:
            return node


def strings(node: ast.expr) -> tuple[str, ...]:
    elements = getattr(node, "elts", [])
    return tuple(str(e.value) for e in elements if isinstance(e, ast.Constant))
