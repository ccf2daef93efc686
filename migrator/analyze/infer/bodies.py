"""What stands in the body of a function."""

from __future__ import annotations

from migrator.analyze.facts.shape import CALL, Block, Expr, Stmt


def every_statement(block: Block) -> list[Stmt]:
    """All statements of a function, at any depth but nested functions."""
    found: list[Stmt] = []
    waiting = list(block)
    while waiting:
        statement = waiting.pop(0)
        found.append(statement)
        tag = statement[0]
        if tag == "for":
            waiting[:0] = statement[4]
        elif tag == "if":
            waiting[:0] = [*statement[3], *statement[4]]
        elif tag == "with":
            waiting[:0] = statement[3]
        elif tag == "try":
            waiting[:0] = [*statement[2], *(s for h in statement[3] for s in h[2]), *statement[4]]
    return found


def super_calls(block: Block) -> list[Expr]:
    found = []
    for statement in every_statement(block):
        call = statement[2] if statement[0] == "do" else None
        if (
            type(call) is tuple
            and call[0] == CALL
            and type(call[2]) is tuple
            and call[2][0] == "attr"
            and call[2][3] == "__init__"
            and type(call[2][2]) is tuple
            and call[2][2][0] == CALL
            and call[2][2][2] == "super"
        ):
            found.append(call)
    return found
