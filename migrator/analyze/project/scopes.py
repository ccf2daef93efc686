"""What a name inside a function is made of, where routes are put together in functions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from migrator.analyze.facts.shape import (
    CALL,
    DEF,
    DICT,
    FOR,
    LIST,
    OP,
    RETURN,
    SET,
    SET_,
    STAR,
    TUPLE,
    Block,
    Expr,
)
from migrator.analyze.project.calls import Found
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import named_calls
from migrator.analyze.project.walk import nested

_DEEPEST = 4


class Scopes:
    """Reads local variables, loops and parameters of module-level functions."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.block = cache(self._block)

    def _block(self, definition: str) -> Block:
        """The body of a function; empty for anything else."""
        code = self.project.function(definition) if not definition.endswith(":") else None
        return self.project.block(code) if code is not None else ()

    def local(self, definition: str, name: str) -> Expr | None:
        """What a function itself assigns to a name, the first of several."""
        for statement in nested(self.block(definition)):
            if statement[0] == SET and name in statement[2] and statement[3] is not None:
                return statement[3]
        return None

    def returned(self, definition: str) -> tuple[str, ...]:
        """The plain names that a function returns."""
        block = self.block(definition)
        return tuple(s[2] for s in nested(block) if s[0] == RETURN and type(s[2]) is str)

    def made(self, definition: str, expr: Expr | None) -> Expr | None:
        """The call that makes what `expr` is: itself, or what a local or module-level name is
        assigned."""
        for _ in range(_DEEPEST):
            if type(expr) is tuple and expr[0] == CALL:
                return expr
            if type(expr) is not str:
                return None
            expr = self.local(definition, expr)
        return None

    def elements(
        self, module: Module, definition: str, expr: Expr | None, depth: int = 0
    ) -> Iterator[tuple[Module, str, Expr]]:
        """The expressions in a list or tuple that `expr` is, with where each stands; nothing
        where it is computed. Looks through names, sums, and arguments of all known calls."""
        if depth > _DEEPEST or expr is None:
            return
        if type(expr) is tuple and expr[0] in (LIST, TUPLE, SET_):
            for element in expr[1]:
                yield module, definition, element
        elif type(expr) is tuple and expr[0] == OP and expr[1] == "+":
            for side in expr[2:4]:
                yield from self.elements(module, definition, side, depth + 1)
        elif type(expr) is tuple and expr[0] == CALL and _is_items(expr):
            owner = expr[2].removesuffix(".items")
            for home, where, pairs in self._dicts(module, definition, owner):
                for key, value in zip(pairs[1], pairs[2], strict=True):
                    yield home, where, (TUPLE, (key, value))
        elif type(expr) is str:
            yield from self._named(module, definition, expr, depth)

    def _named(
        self, module: Module, definition: str, name: str, depth: int
    ) -> Iterator[tuple[Module, str, Expr]]:
        block = self.block(definition)
        assigned = [s[3] for s in nested(block) if s[0] == SET and name in s[2]]
        for value in assigned:
            if value != name:
                yield from self.elements(module, definition, value, depth + 1)
        if name in self.parameters(definition):
            yield from self._given(definition, name, depth)
        elif not assigned:
            target = self.project.resolve(module.name, name) or ""
            fact = self.project.names.definition(target)
            home = self.project.modules.get(target.partition(":")[0])
            for statement in fact.statements if fact and home else ():
                if statement[0] == SET and home is not None:
                    yield from self.elements(home, f"{home.name}:", statement[3], depth + 1)

    def _dicts(
        self, module: Module, definition: str, name: str
    ) -> Iterator[tuple[Module, str, Expr]]:
        """The dict display that a name is assigned, here or in its module."""
        local = self.local(definition, name)
        if local is not None:
            found = [(module, definition, local)]
        else:
            target = self.project.resolve(module.name, name) or ""
            fact = self.project.names.definition(target)
            home = self.project.modules.get(target.partition(":")[0])
            statements = fact.statements if fact is not None and home is not None else ()
            found = [(home, f"{home.name}:", s[3]) for s in statements if s[0] == SET and home]
        made = found[0][2] if len(found) == 1 else None
        if type(made) is tuple and made[0] == DICT and None not in made[1]:
            yield found[0]

    def parameters(self, definition: str) -> tuple[str, ...]:
        """The parameters of a function at module level; none of anything else."""
        return tuple(p[0] for p in self._signature(definition))

    def defaults(self, definition: str) -> tuple[tuple[str, Expr], ...]:
        """The parameters that have a default, with it."""
        return tuple((p[0], p[2]) for p in self._signature(definition) if p[2] is not None)

    def _signature(self, definition: str) -> tuple[Expr, ...]:
        fact = self.project.names.definition(definition)
        for statement in fact.statements if fact else ():
            if statement[0] == DEF:
                return statement[4]  # type: ignore[no-any-return]
        return ()

    def given(self, definition: str, found: Found) -> tuple[dict[str, Expr], dict[str, Expr]]:
        """What a call gives the parameters of a function, and the keywords that it has no
        parameter for. Where it gives none the default, if there is one, is left out too."""
        names = self.parameters(definition)
        keywords = {name: value for name, value in found.call[4] if name is not None}
        given = {name: keywords.pop(name) for name in names if name in keywords}
        for name, value in zip(names, found.call[3], strict=False):
            if type(value) is tuple and value[0] == STAR:
                break
            given.setdefault(name, value)
        return given, keywords

    def _given(self, definition: str, name: str, depth: int) -> Iterator[tuple[Module, str, Expr]]:
        """What callers give a parameter."""
        for found in self.calls_of(definition):
            given = self.given(definition, found)[0].get(name)
            yield from self.elements(found.module, found.definition, given, depth + 1)

    def calls_of(self, definition: str) -> Iterator[Found]:
        """The calls of a function by its name, with what the calling function imports."""
        for found in named_calls(self.project, (definition.rpartition(":")[2],)):
            resolved = None
            if type(found.call[2]) is str:
                name = found.call[2]
                resolved = self.project.names.resolve(found.module.name, name, found.local)
            if resolved == definition:
                yield found

    def looped(self, found: Found, name: str) -> list[tuple[Module, str, Expr]]:
        """What a loop around a call lets `name` run over."""
        block = self.block(found.definition)
        if found.definition.endswith(":"):
            block = found.module.facts.interface.body
        over = [s for s in nested(block) if s[0] == FOR and s[2] == name and s[1] <= found.call[1]]
        if not over:
            return []
        return list(self.elements(found.module, found.definition, over[-1][3]))


def _is_items(call: Expr) -> bool:
    return type(call[2]) is str and call[2].endswith(".items") and not call[3]
