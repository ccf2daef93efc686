"""The whole project: modules with names, classes, definitions, and where functions are."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence

from migrator.analyze.facts.shape import DEF, SET, Block, Body, DefinitionFact, Expr, Stmt
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.project.asked import Asked, Test
from migrator.analyze.project.calls import CallIndex
from migrator.analyze.project.classes import Class, Classes
from migrator.analyze.project.modules import Module, Names, imported_names


class Project:
    """All modules; `revisions` are migration files, which are no part of the program."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self.code = [m for m in modules if m.role == "code"]
        self.revisions = [m for m in modules if m.role == "migration"]
        self.names = Names(self.code)
        self.modules = self.names.modules
        self.classes = Classes(self.names)
        self.asked = Asked()
        self._codes: dict[tuple[str, str, int], FunctionCode] = {}
        self._calls: CallIndex | None = None
        self._packages: frozenset[str] | None = None

    def resolve(self, module: str, dotted: str) -> str | None:
        return self.names.resolve(module, dotted)

    def resolved(self, module: str, expr: Expr) -> str:
        """The name that an expression means: itself where it cannot be resolved, "" for anything
        but a dotted name."""
        return (self.names.resolve(module, expr) or expr) if type(expr) is str else ""

    def path(self, module: str) -> str:
        return self.modules[module].path

    @property
    def calls(self) -> CallIndex:
        """Every call of the program, by the last name of what is called."""
        if self._calls is None:
            self._calls = CallIndex(self.code, self.asked.calls)
        return self._calls

    def imports(self, *packages: str) -> bool:
        """Whether any module imports one of these top-level packages."""
        return not self._imported().isdisjoint(packages)

    def _imported(self) -> frozenset[str]:
        """The top-level packages that any module imports."""
        if self._packages is None:
            self._packages = frozenset(
                imported.module.partition(".")[0]
                for module in self.code
                for statement in module.facts.interface.imports
                for imported in imported_names(module.name, module.is_package, statement)
            )
        return self._packages

    def variables(self) -> Iterator[tuple[str, Module, Stmt]]:
        """Every module-level assignment: definition id, module, SET statement."""
        for module in self.code:
            for fact in module.own.values():
                if fact.kind == "variable":
                    for statement in fact.statements:
                        if statement[0] == SET and statement[3] is not None:
                            yield f"{module.name}:{fact.name}", module, statement

    def defining(self, *names: str) -> list[Module]:
        """The modules that define one of these names."""
        self.asked.names.update(names)
        return [m for m in self.code if any(name in m.own for name in names)]

    def functions_like(self, module: Module, test: Test) -> Iterator[FunctionCode]:
        """Those functions at module or class level that pass a test: plug-ins look for them so
        where they read declarations. `test` is a function of its module, by itself."""
        self.asked.tests.add(test)
        return (code for code in self.functions(module) if test(module, code))

    def functions(self, module: Module) -> Iterator[FunctionCode]:
        """Every function at module or class level of a module."""
        for fact in module.own.values():
            yield from self.functions_of(module, fact)

    def functions_of(self, module: Module, fact: DefinitionFact) -> Iterator[FunctionCode]:
        """A function, or the methods of a class and of those inside it."""
        for statement in fact.statements:
            if statement[0] == DEF:
                yield self._function(f"{module.name}:{fact.name}", module.name, statement)
        if fact.kind == "class":
            yield from self._methods(f"{module.name}:{fact.name}", module)

    def _methods(self, id_: str, module: Module) -> Iterator[FunctionCode]:
        class_ = self.classes.get(id_)
        if class_ is None:
            return
        for name, statements in class_.members.items():
            for statement in statements:
                if statement[0] == DEF:
                    yield self.method(class_, statement)
            if class_.inner(name) is not None:
                yield from self._methods(f"{id_}.{name}", module)

    def method(self, class_: Class, statement: Stmt) -> FunctionCode:
        key = (class_.id, statement[3], statement[1])
        known = self._codes.get(key)
        if known is None:
            definition = f"{class_.module.name}:{class_.id.partition(':')[2].partition('.')[0]}"
            known = FunctionCode(definition, class_.module.name, class_.id, statement)
            self._codes[key] = known
        return known

    def function(self, id_: str) -> FunctionCode | None:
        """The code of ``module:name``, or ``module:Class.method`` (not inherited)."""
        module, _, name = id_.partition(":")
        if "." in name:
            owner, _, method = id_.rpartition(".")
            class_ = self.classes.get(owner)
            statement = class_.method(method) if class_ else None
            return self.method(class_, statement) if class_ and statement else None
        fact = self.names.definition(id_)
        for statement in reversed(fact.statements if fact else ()):
            if statement[0] == DEF:
                return self._function(id_, module, statement)
        return None

    def _function(self, id_: str, module: str, statement: Stmt) -> FunctionCode:
        key = (id_, "", statement[1])
        known = self._codes.get(key)
        if known is None or known.statement is not statement:
            known = self._codes[key] = FunctionCode(id_, module, None, statement)
        return known

    def body(self, code: FunctionCode) -> Body | None:
        """The body of a function, its code still marshalled."""
        index = code.statement[7]
        if type(index) is not int:
            return None
        module = self.modules[code.module]
        self.names.note_definition(code.id)
        self.asked.opened.add(code.key)
        return module.facts.detail.bodies[index]

    def block(self, code: FunctionCode) -> Block:
        """The statements of a function."""
        body = self.body(code)
        block: Block = marshal.loads(body.code) if body is not None else code.statement[7]
        return block
