"""What the facts of one file look like: plain tuples, so that `marshal` writes and reads them.

Facts are a pure function of the file's bytes: no module name, no other file. They are a lowered
syntax tree: what can never matter to an interpretation (operators, literals' detail, formatting)
is gone, and every expression has one of few shapes, told by the first element:

========================================  ====================================================
``"a.b.c"`` (a bare str)                  a name with its attributes
``(STR, text)``                           a string
``(CONST, value)``                        None, ``...``, bool, int, float
``(CALL, line, func, args, keywords)``    `keywords`: ``((name or None, expr), …)``
``(ATTR, line, value, name)``             an attribute of anything but a bare name
``(ITEM, value, index)``                  a subscript
``(LIST | TUPLE | SET, elements)``        displays; `elements` of huge constant ones are dropped
``(DICT, keys, values)``                  a key of None is a ``**`` entry
``(LAMBDA, params, body)``
``(FSTRING, parts)``                      `parts`: str for text, an expression for a hole
``(OP, "|" | "+" | "%", left, right)``    operators that build types or strings
``(ANY, exprs)``                          value unknown, but these are evaluated
``(ANY, (left, right), operator)``        a comparison or difference, by place in `OPERATORS`
``(ANY, (operand,), -1)``                 ``not operand``
``(ONE_OF, exprs)``                       ``and``, ``or``, and both branches of a conditional
``(EACH, kind, element, clauses)``        comprehension; clause: ``(target, iter, conditions)``
``(STAR, expr)`` ``(YIELD, expr)``        ``await x`` is `x` itself
``(BIND, name, expr)``                    ``name := expr``
========================================  ====================================================

Statements: ``(SET, line, targets, value or None, annotation or None)``,
``(AUG, line, target, value)``, ``(DO, line, expr)``, ``(RETURN, line, expr or None)``,
``(RAISE, line, expr or None)``, ``(LEAVE, line)`` for ``break`` and ``continue``,
``(DEL, line, targets)``, ``(FOR, line, target, iter, body)``,
``(IF, line, test, body, orelse)``, ``(WITH, line, ((expr, target or None), …), body)``,
``(TRY, line, body, handlers, final)`` with handlers ``((type, name, body), …)``,
``(IMPORT, line, kind, level, module, ((name, alias), …))`` where `level` is -1 for a plain
``import a.b`` and `name` is ``*`` for a star,
``(DEF, line, end, name, params, returns, decorators, body, flags, doc)``,
``(CLASS, line, end, name, bases, keywords, decorators, body, doc, type_params)``.

A parameter is ``(name, annotation, default, "" | "*" | "**" | "k")``. The `body` of a function
at module or class level is a number: its place in the file's `bodies`. `line` of a definition is
its ``def``'s; decorators are ``(line, expr)``.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Expr: TypeAlias = Any
Stmt: TypeAlias = tuple[Any, ...]
Block: TypeAlias = tuple[Stmt, ...]

STR, CONST, CALL, ATTR, ITEM, LIST, TUPLE, SET_, DICT, LAMBDA = (
    "str", "const", "call", "attr", "item", "list", "tuple", "setof", "dict", "lambda",
)  # fmt: skip
FSTRING, OP, ANY, ONE_OF, EACH, STAR, YIELD, BIND = (
    "fstring", "op", "any", "oneof", "each", "star", "yield", "bind",
)  # fmt: skip
SET, AUG, DO, RETURN, RAISE, LEAVE, DEL, FOR, IF, WITH, TRY, IMPORT, DEF, CLASS = (
    "set", "aug", "do", "return", "raise", "leave", "del", "for", "if", "with", "try", "import",
    "def", "class",
)  # fmt: skip

OPERATORS = ("in", "not in", "==", "!=", "is", "is not", "<", "<=", ">", ">=", "-")
NOT, MINUS = -1, 10

CALLS, REFERENCES, INHERITS, DECORATES, RAISES = range(5)
USE_KINDS = ("calls", "references", "inherits", "decorates", "raises")


class Use(NamedTuple):
    """A dotted name used in a definition: how (index in `USE_KINDS`), how often, where first."""

    dotted: str
    kind: int
    times: int
    line: int
    result_used: bool


class DefinitionFact(NamedTuple):
    """A top-level name with all `statements` that make it up (shared with the file's `body`).

    `line` is the first decorator's where there is one. `flags` of ``generator``, ``commits``.
    """

    name: str
    kind: str
    line: int
    end: int
    doc: str | None
    flags: tuple[str, ...]
    statements: Block


class Interface(NamedTuple):
    """What other files can see of a file; small, always in memory.

    `imports` are all IMPORT statements, at any depth. `dynamic` are computed imports:
    ``(line, definition or None, CALL expression)``. `exports` is ``__all__`` where it is literal.
    `loops` gives ``(line, name, iterated)`` for names bound by ``for`` at any depth where there are
    such imports. `generated` tells that the file says a program wrote it.
    """

    lines: int
    body: Block
    definitions: tuple[DefinitionFact, ...]
    imports: Block
    dynamic: tuple[tuple[int, str | None, Expr], ...]
    exports: tuple[str, ...] | None
    loops: tuple[tuple[int, str, Expr], ...]
    generated: bool = False


class Body(NamedTuple):
    """One function at module or class level. `attributes` are the method names that it calls,
    `sql` tells whether a string in it may be SQL, `code` is its Block, marshalled."""

    attributes: tuple[str, ...]
    sql: bool
    code: bytes


class Detail(NamedTuple):
    """What is needed only where a file's functions are interpreted. `uses` and `local` go with
    `Interface.definitions`: names used, and the IMPORT statements inside the definition."""

    uses: tuple[tuple[Use, ...], ...]
    local: tuple[Block, ...]
    bodies: tuple[Body, ...]
