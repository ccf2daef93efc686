"""Where a project calls what and what is decorated with what, found once for all plug-ins."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from migrator.analyze.facts.shape import CLASS, DEF, DO, SET, Block, Body, Expr, Stmt
from migrator.analyze.project.modules import Module
from migrator.analyze.project.walk import calls_in, local_imports, method_of, nested


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


class CallIndex:
    """The calls of all modules by the last name of what is called.

    A function that makes a call is known by its facts' list of methods; its body is decoded only
    where one of those is asked for. `asked` is told what was.
    """

    def __init__(self, modules: Sequence[Module], asked: set[str]) -> None:
        self._modules = modules
        self._asked = asked
        # In the order of the files: a call outside of functions, or the body of a function.
        self._places: list[tuple[Module, str, Expr | Body]] = []
        self._by_name: dict[str, list[int]] = {}
        self._in_body: dict[int, tuple[list[tuple[Expr, str]], dict[str, str]]] = {}
        for module in modules:
            self._read(module)

    def __call__(self, methods: Collection[str]) -> Iterator[Found]:
        """Every call of one of these methods or functions, anywhere, in the order of the files."""
        wanted = set(methods)
        self._asked |= wanted
        for index in sorted({i for name in wanted for i in self._by_name.get(name, ())}):
            module, definition, place = self._places[index]
            if type(place) is not Body:
                yield Found(module, definition, place, {})
                continue
            made, local = self._decoded(index, module, place)
            for call, method in made:
                if method in wanted:
                    yield Found(module, definition, call, local)

    @cached_property
    def decorated(self) -> tuple[Decorated, ...]:
        """Every decorator of every function and class, nested ones with the definition around."""
        return tuple(
            one
            for module in self._modules
            for fact in module.own.values()
            for statement in fact.statements
            if statement[0] in (DEF, CLASS)
            for one in _decorators(module, f"{module.name}:{fact.name}", statement)
        )

    def _read(self, module: Module) -> None:
        claimed: set[int] = set()
        for fact in module.own.values():
            id_ = f"{module.name}:{fact.name}"
            for statement in fact.statements:
                claimed.add(id(statement))
                self._statement(module, id_, statement)
        for statement in nested(module.facts.interface.body):
            if statement[0] in (DO, SET) and id(statement) not in claimed:
                self._outside(module, f"{module.name}:", statement)

    def _statement(self, module: Module, id_: str, statement: Stmt) -> None:
        if statement[0] == DEF and type(statement[7]) is int:
            body = module.facts.detail.bodies[statement[7]]
            self._add(module, id_, body, body.attributes)
        elif statement[0] == CLASS:
            for inner in nested(statement[7]):
                self._statement(module, id_, inner)
        else:
            self._outside(module, id_, statement)

    def _outside(self, module: Module, id_: str, statement: Stmt) -> None:
        for call in calls_in(statement):
            self._add(module, id_, call, (method_of(call),))

    def _add(self, module: Module, id_: str, place: Expr | Body, names: Sequence[str]) -> None:
        index = len(self._places)
        self._places.append((module, id_, place))
        for name in names:
            self._by_name.setdefault(name, []).append(index)

    def _decoded(
        self, index: int, module: Module, body: Body
    ) -> tuple[list[tuple[Expr, str]], dict[str, str]]:
        known = self._in_body.get(index)
        if known is None:
            block = marshal.loads(body.code)
            made = [(call, method_of(call)) for call in calls_in(block)]
            known = self._in_body[index] = made, local_imports(module, block)
        return known


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
