"""One walk over a syntax tree: `shape` tells what comes out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from migrator.analyze.facts.frame import Frame
from migrator.analyze.facts.lower_expressions import EXPRESSIONS, chain
from migrator.analyze.facts.lower_statements import STATEMENTS
from migrator.analyze.facts.nesting import deepest
from migrator.analyze.facts.shape import (
    AUG,
    CALLS,
    CLASS,
    DEF,
    LIST,
    REFERENCES,
    SET,
    STR,
    TUPLE,
    Block,
    Body,
    DefinitionFact,
    Detail,
    Expr,
    Interface,
    Stmt,
    Use,
)


class Lowering:
    """The walk over one file; `frame` gathers, `depth` 0 is the module, 1 a top-level class."""

    def __init__(self) -> None:
        self.frame: Frame = Frame()
        self.bodies: list[Body] = []
        self.imports: list[Stmt] = []
        self.dynamic: list[tuple[int, str | None, Expr]] = []
        self.loops: list[tuple[int, str, Expr]] = []
        self.owner: str | None = None
        self.bare: ast.AST | None = None
        self.in_function = False
        self.import_kind = "static"
        self.at_top = True
        self.definitions: dict[str, _Definition] = {}
        self.nested = 0
        self.deepest = deepest()

    def expr(self, node: ast.AST) -> Expr:
        self.nested += 1
        if self.nested > self.deepest:
            raise RecursionError
        found = EXPRESSIONS[type(node)](self, node)
        self.nested -= 1
        return found

    def block(self, nodes: Sequence[ast.stmt]) -> Block:
        self.nested += 1
        if self.nested > self.deepest:
            raise RecursionError
        lowered = self._top_block(nodes) if self.at_top else self._inner_block(nodes)
        self.nested -= 1
        return lowered

    def _inner_block(self, nodes: Sequence[ast.stmt]) -> Block:
        found = []
        for node in nodes:
            handler = STATEMENTS.get(type(node))
            if handler is not None:
                lowered = handler(self, node)
                if lowered is not None:
                    found.append(lowered)
        return tuple(found)

    def _top_block(self, nodes: Sequence[ast.stmt]) -> Block:
        """Each statement with a frame of its own, kept with the definitions that it makes."""
        found = []
        outer = self.frame
        for node in nodes:
            handler = STATEMENTS.get(type(node))
            if handler is None:
                continue
            names = list(_bound(node))
            self.frame = Frame()
            # What an `if` asks belongs to all that it defines.
            self.frame.refer_to(outer)
            self.owner = names[0] if names else None
            lowered = handler(self, node)
            if lowered is not None:
                found.append(lowered)
                for name in names:
                    self._define(name, node, lowered, self.frame)
        self.frame, self.owner = outer, None
        return tuple(found)

    def _define(self, name: str, node: ast.stmt, lowered: Stmt, frame: Frame) -> None:
        added = name.startswith(".")
        known = self.definitions.get(name[added:])
        if added and (known is None or known.kind != "variable"):
            return
        if known is None:
            if not (name.startswith("__") and name.endswith("__")):
                self.definitions[name] = _Definition(node, lowered, frame)
            return
        known.statements.append(lowered)
        known.end = max(known.end, node.end_lineno or node.lineno)
        known.frame.absorb(frame)
        known.frame.attributes |= frame.attributes

    def interface(self, lines: int, body: Block) -> Interface:
        definitions = tuple([d.fact(name) for name, d in self.definitions.items()])
        return Interface(
            lines, body, definitions, tuple(self.imports), tuple(self.dynamic),
            _exports(body), tuple(self.loops) if self.dynamic else (),
        )  # fmt: skip

    def detail(self) -> Detail:
        frames = [d.frame for d in self.definitions.values()]
        uses = tuple([_uses(frame) for frame in frames])
        return Detail(uses, tuple([tuple(f.local) for f in frames]), tuple(self.bodies))


class _Definition:
    """A definition while its file is walked."""

    def __init__(self, node: ast.stmt, lowered: Stmt, frame: Frame) -> None:
        decorators = getattr(node, "decorator_list", ())
        self.kind = _KINDS.get(type(node), "variable")
        self.line = min([d.lineno for d in decorators] + [node.lineno])
        self.end = node.end_lineno or node.lineno
        self.statements = [lowered]
        self.frame = frame

    def fact(self, name: str) -> DefinitionFact:
        frame = self.frame
        flags = sorted(frame.flags | ({"commits"} if "commit" in frame.attributes else set()))
        first = self.statements[0]
        doc = first[9] if first[0] == DEF else first[8] if first[0] == CLASS else None
        return DefinitionFact(
            name, self.kind, self.line, self.end, doc, tuple(flags), tuple(self.statements)
        )


_KINDS = {ast.ClassDef: "class", ast.FunctionDef: "function", ast.AsyncFunctionDef: "function"}


def lower(tree: ast.Module, lines: int) -> tuple[Interface, Detail]:
    """Raises RecursionError where the tree is nested too deeply."""
    low = Lowering()
    body = low.block(tree.body)
    return low.interface(lines, body), low.detail()


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a module-level statement defines or, for ``name.method()``, adds to."""
    kind = type(node)
    if kind in _KINDS:
        yield node.name  # type: ignore[attr-defined]
    elif kind is ast.Assign:
        for target in node.targets:  # type: ignore[attr-defined]
            yield from _stored(target)
    elif kind is ast.AnnAssign or kind is ast.AugAssign:
        yield from _stored(node.target)  # type: ignore[attr-defined]
    elif kind is ast.Expr and type(node.value) is ast.Call:  # type: ignore[attr-defined]
        func = node.value.func  # type: ignore[attr-defined]
        dotted = chain(func) if type(func) is ast.Attribute else None
        if dotted:
            yield "." + dotted.partition(".")[0]


def _stored(target: ast.expr) -> Iterator[str]:
    if type(target) is ast.Name:
        yield target.id
    elif type(target) is ast.Tuple or type(target) is ast.List:
        for element in target.elts:
            yield from _stored(element)


def _uses(frame: Frame) -> tuple[Use, ...]:
    found = [Use(n, CALLS, c[0], c[1], c[2]) for n, c in frame.calls.items()]
    found += [Use(n, REFERENCES, 1, line, False) for n, line in frame.refs.items()]
    found += [Use(n, kind, 1, line, True) for n, kind, line in frame.other]
    return tuple(found)


def _exports(body: Block) -> tuple[str, ...] | None:
    found: list[str] | None = None
    for statement in body:
        if (statement[0] == SET and statement[2] == ("__all__",)) or (
            statement[0] == AUG and statement[2] == "__all__"
        ):
            value = statement[3]
        else:
            continue
        if type(value) is tuple and value[0] in (LIST, TUPLE):
            found = found or []
            found += [e[1] for e in value[1] if type(e) is tuple and e[0] == STR]
    return tuple(found) if found is not None else None
