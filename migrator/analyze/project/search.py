"""Find decorators and calls over the whole project, decoding only bodies that can hold them."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterator
from typing import NamedTuple

from migrator.analyze.facts.shape import CALL, CLASS, DEF, SET, Block, Expr, Stmt
from migrator.analyze.project.modules import Module, imported_names
from migrator.analyze.project.project import Project


class Decorated(NamedTuple):
    """A decorator on a function or class; `statement` is the DEF or CLASS below it, `inside` the
    body of the function around it."""

    module: Module
    definition: str
    statement: Stmt
    line: int
    decorator: Expr
    inside: Block = ()


class Found(NamedTuple):
    """A call somewhere in a definition; `local` are names that its function imports itself."""

    module: Module
    definition: str
    call: Expr
    local: dict[str, str]


def decorated(project: Project) -> Iterator[Decorated]:
    """Every decorator of every function and class, nested ones with the definition around."""
    for module in project.code:
        for fact in module.own.values():
            id_ = f"{module.name}:{fact.name}"
            for statement in fact.statements:
                if statement[0] in (DEF, CLASS):
                    yield from _decorators(module, id_, statement)


def _decorators(
    module: Module, id_: str, statement: Stmt, inside: Block = ()
) -> Iterator[Decorated]:
    for line, decorator in statement[6]:
        yield Decorated(module, id_, statement, line, decorator, inside)
    body = statement[7]
    if type(body) is int:
        found = module.facts.detail.bodies[body]
        if b"s\x03\x00\x00\x00def" not in found.code and b"\x03def" not in found.code:
            return
        body = marshal.loads(found.code)
    for inner in nested(body):
        if inner[0] in (DEF, CLASS):
            yield from _decorators(module, id_, inner, body if statement[0] == DEF else inside)


def nested(block: Block) -> Iterator[Stmt]:
    """All statements of a body at any depth, but not inside inner functions and classes."""
    for statement in block:
        yield statement
        for part in statement:
            if type(part) is tuple and part and statement[0] not in (DEF, CLASS):
                if type(part[0]) is tuple and part[0] and part[0][0] in _STATEMENTS:
                    yield from nested(part)
                elif statement[0] == "try":
                    for handler in part:
                        if type(handler) is tuple and len(handler) == 3:
                            yield from nested(handler[2])


_STATEMENTS = {
    "set", "aug", "do", "return", "raise", "del", "for", "if", "with", "try", "import", "def",
    "class",
}  # fmt: skip


def calls(project: Project, methods: Collection[str]) -> Iterator[Found]:
    """Every call of one of these methods or functions, anywhere."""
    wanted = set(methods)
    for module in project.code:
        claimed: set[int] = set()
        for fact in module.own.values():
            id_ = f"{module.name}:{fact.name}"
            for statement in fact.statements:
                claimed.add(id(statement))
                if statement[0] == DEF and not _may_call(module, statement, wanted):
                    continue
                for call, local in _in_statement(project, module, statement, wanted):
                    yield Found(module, id_, call, local)
        for statement in nested(module.facts.interface.body):
            if id(statement) not in claimed and statement[0] in ("do", "set"):
                for call, method in _named_calls(project, statement):
                    if method in wanted:
                        yield Found(module, f"{module.name}:", call, {})


def _may_call(module: Module, statement: Stmt, wanted: set[str]) -> bool:
    index = statement[7]
    return type(index) is not int or not wanted.isdisjoint(
        module.facts.detail.bodies[index].attributes
    )


def _in_statement(
    project: Project, module: Module, statement: Stmt, wanted: set[str]
) -> Iterator[tuple[Expr, dict[str, str]]]:
    if statement[0] == DEF and type(statement[7]) is int:
        body = module.facts.detail.bodies[statement[7]]
        if not wanted.isdisjoint(body.attributes):
            block = marshal.loads(body.code)
            local = local_imports(module, block)
            for call in calls_in(block):
                if method_of(call) in wanted:
                    yield call, local
    elif statement[0] == CLASS:
        for inner in nested(statement[7]):
            yield from _in_statement(project, module, inner, wanted)
    else:
        for call, method in _named_calls(project, statement):
            if method in wanted:
                yield call, {}


def _named_calls(project: Project, statement: Stmt) -> tuple[tuple[Expr, str], ...]:
    """The calls in a statement outside of functions, with what each calls; walked once."""
    known = project.calls_by_statement.get(id(statement))
    if known is None:
        known = tuple([(call, method_of(call)) for call in calls_in(statement)])
        project.calls_by_statement[id(statement)] = known
    return known


def local_imports(module: Module, block: Block) -> dict[str, str]:
    return {
        imported.bound: imported.target
        for statement in nested(block)
        if statement[0] == "import"
        for imported in imported_names(module.name, module.is_package, statement)
        if imported.bound
    }


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


def assigned_calls(project: Project) -> Iterator[tuple[str, Module, Expr, str]]:
    """Module-level ``name = call(…)``: definition id, module, call, what is called (resolved)."""
    for id_, module, statement in project.variables():
        value = statement[3]
        if statement[0] == SET and type(value) is tuple and value[0] == CALL:
            yield id_, module, value, project.resolved(module.name, value[2])
