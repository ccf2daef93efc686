"""Walks over the statements and expressions of facts."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import CALL, FOR, IF, IMPORT, TRY, WITH, Block, Expr, Stmt
from migrator.analyze.project.modules import Module, imported_names

# Where statements hold blocks.
_BLOCKS = {FOR: (4,), IF: (3, 4), WITH: (3,)}


def nested(block: Block) -> Iterator[Stmt]:
    """All statements of a body at any depth, but not inside inner functions and classes."""
    for statement in block:
        yield statement
        kind = statement[0]
        if kind in _BLOCKS:
            for place in _BLOCKS[kind]:
                if statement[place]:
                    yield from nested(statement[place])
        elif kind == TRY:
            yield from nested(statement[2])
            for handler in statement[3]:
                yield from nested(handler[2])
            yield from nested(statement[4])


def calls_in(part: Expr) -> Iterator[Expr]:
    """Every CALL inside a statement or an expression, outermost first."""
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if type(one) is not tuple or not one:
            continue
        if one[0] == CALL and len(one) == 5:
            yield one
        waiting.extend(reversed(one))


def local_imports(module: Module, block: Block) -> dict[str, str]:
    return {
        imported.bound: imported.target
        for statement in nested(block)
        if statement[0] == IMPORT
        for imported in imported_names(module.name, module.is_package, statement)
        if imported.bound
    }


def method_of(call: Expr) -> str:
    func = call[2]
    if type(func) is str:
        return func.rpartition(".")[2]
    return func[3] if type(func) is tuple and func[0] == "attr" else ""


def owner_of(func: Expr) -> Expr | None:
    """What a called method belongs to: ``app`` of ``app.route``."""
    if type(func) is str:
        return func.rpartition(".")[0] or None
    return func[2] if type(func) is tuple and func[0] == "attr" else None


def keyword(call: Expr, name: str) -> Expr | None:
    return next((v for k, v in call[4] if k == name), None)
