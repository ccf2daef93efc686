"""One module of the monolith as one service has it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import libcst as cst

from migrator.model.graph import Graph
from migrator.plan.closure import Treatment
from migrator.scaffold.carve.copies import Refusal, read_only
from migrator.scaffold.carve.imports import Available, Imports, Placed
from migrator.scaffold.carve.mixins import Mixin, MixinRewriter
from migrator.scaffold.carve.models import ModelRewriter, Tables, copy_note
from migrator.scaffold.carve.parsed import Parsed, is_import
from migrator.scaffold.carve.prune import Pruner, filled
from migrator.scaffold.carve.reexports import Place
from migrator.scaffold.carve.stubs import defaults_of, lost_defaults, stub
from migrator.scaffold.carve.used import bound_by

_WIDTH = 100
_REMOTE = {"call", "event", "manual"}
_COPIES = {"replica": "Replica", "remote_insert": "Remote insert"}


def _where_it_says(module: str, name: str) -> Place:
    return module, name


@dataclass(frozen=True, slots=True)
class ModuleContext:
    """What the carve of a module must know of its surroundings."""

    name: str
    is_package: bool
    treatments: Mapping[str, Treatment]
    table_of: Mapping[str, str]
    tables: Tables
    graph: Graph
    shared_package: str
    available: Available
    names_missing: Callable[[str], bool]
    known: frozenset[str] = field(default_factory=frozenset)
    placed: Placed = _where_it_says
    mixins: Mapping[str, Mixin] = field(default_factory=dict)
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Carved:
    body: list[cst.BaseStatement] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    remote: bool = False


class CarvedModule(NamedTuple):
    """The new text, what a person must look at, and the methods that raise: of no interest where
    nothing calls them."""

    text: str
    problems: list[str]
    refused: list[Refusal]


def carve_module(parsed: Parsed, context: ModuleContext) -> CarvedModule:
    tree = parsed.tree
    carved = _Carved()
    along = frozenset(defaults_of(tree, _asked(tree, context)))
    carved.missing = {n for n in parsed.bound if not _present(n, context)} - along
    survivors = _Survivors(context, along, parsed)
    probe = _imports(context, _any)
    for statement in parsed.body:
        if parsed.importing(statement):
            statement.visit(probe)
    carved.missing |= probe.gone - probe.kept
    available = (parsed.bound | probe.kept | set(dir(builtins))) - carved.missing
    for statement in parsed.body:
        kept = survivors.of(statement, carved, available)
        if kept is not None:
            carved.body.append(kept)
    body = _with_imports(parsed, carved, context)
    new = tree.with_changes(body=body, footer=[] if body else tree.footer)
    problems = [f"{context.name}: {p}" for p in carved.problems]
    return CarvedModule(new.code, problems, carved.refused)


def _asked(tree: cst.Module, context: ModuleContext) -> list[cst.FunctionDef]:
    """The functions that stay as a request or message to their owner."""
    found = []
    for statement in tree.body:
        if isinstance(statement, cst.FunctionDef):
            treatment = context.treatments.get(f"{context.name}:{statement.name.value}")
            if treatment is not None and treatment.kind in _REMOTE:
                found.append(statement)
    return found


def _any(bound: str) -> bool:
    return bool(bound)


def _present(name: str, context: ModuleContext) -> bool:
    definition = f"{context.name}:{name}"
    return definition in context.treatments or definition not in context.known


class _Survivors:
    def __init__(self, context: ModuleContext, along: frozenset[str], parsed: Parsed) -> None:
        self.context, self.along, self.parsed = context, along, parsed

    def of(
        self, statement: cst.BaseStatement, carved: _Carved, available: set[str]
    ) -> cst.BaseStatement | None:
        """The statement as it stays, or None."""
        names = bound_by(statement)
        if not names:
            return self._loose(statement, carved)
        if isinstance(statement, cst.If | cst.Try | cst.With):
            return self._branches(statement, names, carved)
        treatments = {n: self.treatment(n) for n in names}
        for name in sorted(names):
            treatment = treatments[name]
            if treatment is not None and treatment.kind == "shared":
                carved.shared.append(name)
                return None
        first = next((t for n, t in sorted(treatments.items()) if t is not None), None)
        if first is None:
            if names <= self.along:
                return statement
            dunder = all(n.startswith("__") for n in names)
            return self._dunder(statement, carved) if dunder else None
        return self._kept(statement, sorted(names)[0], first, carved, available)

    def _branches(
        self, statement: cst.BaseStatement, names: set[str], carved: _Carved
    ) -> cst.BaseStatement | None:
        """Names that are defined one way or the other: as a whole where one of them is needed."""
        kinds = {n: t.kind for n in names if (t := self.treatment(n)) is not None}
        absent = {n for n in names if not _present(n, self.context)}
        if kinds.keys() == names - absent and set(kinds.values()) == {"shared"}:
            carved.shared += sorted(kinds)
            return None
        return self._loose(statement, carved)

    def treatment(self, name: str) -> Treatment | None:
        return self.context.treatments.get(f"{self.context.name}:{name}")

    def _kept(
        self, statement: cst.BaseStatement, name: str, treatment: Treatment,
        carved: _Carved, available: set[str],
    ) -> cst.BaseStatement | None:  # fmt: skip
        definition = f"{self.context.name}:{name}"
        if treatment.kind in _REMOTE:
            if isinstance(statement, cst.FunctionDef):
                carved.remote = True
                carved.problems += lost_defaults(statement, available)
                return stub(statement, definition, treatment, available)
            carved.problems.append(f"{name} is no function and cannot be asked for")
            return None
        if definition in self.context.table_of:
            return self._model(statement, definition, treatment, carved)
        if isinstance(statement, cst.ClassDef):
            statement = self._mixin(statement, definition, carved)
        if treatment.kind == "glue":
            pruner = Pruner(carved.missing, self.context.names_missing)
            result = statement.visit(pruner)
            return result if isinstance(result, cst.BaseStatement) else None
        return statement

    def _model(
        self, statement: cst.BaseStatement, definition: str, treatment: Treatment, carved: _Carved
    ) -> cst.BaseStatement | None:
        table = self.context.table_of[definition]
        rewriter = ModelRewriter(definition, table, self.context.tables, self.context.graph)
        result = statement.visit(rewriter)
        carved.problems += rewriter.problems
        if isinstance(result, cst.ClassDef) and isinstance(result.body, cst.IndentedBlock):
            result = result.with_changes(body=filled(result.body))
        if not isinstance(result, cst.ClassDef | cst.SimpleStatementLine):
            return None
        owner = self.context.tables.copies.get(table)
        if treatment.kind in _COPIES and owner:
            if isinstance(result, cst.ClassDef):
                written = self.context.columns[table] if treatment.kind == "replica" else ()
                about = (self.context.name, owner, carved.missing, written)
                result, refused = read_only(result, *about)
                carved.refused += refused
                carved.remote = carved.remote or bool(refused)
            text = f"{_COPIES[treatment.kind]}: owned by {owner}, "
            text += (
                "filled by the inbox, read-only here."
                if treatment.kind == "replica"
                else "an insert here is sent there as a message."
            )
            noted = copy_note(result, text)
            return noted if isinstance(noted, cst.BaseStatement) else None
        return result

    def _mixin(self, node: cst.ClassDef, definition: str, carved: _Carved) -> cst.ClassDef:
        """A class that gives models their keys."""
        mixin = self.context.mixins.get(definition)
        if mixin is None:
            return node
        rewriter = MixinRewriter(mixin, self.context.tables, self.context.graph)
        result = node.visit(rewriter)
        carved.problems += rewriter.problems
        assert isinstance(result, cst.ClassDef)
        body = result.body
        whole = filled(body) if isinstance(body, cst.IndentedBlock) else body
        return result.with_changes(body=whole)

    def _loose(self, statement: cst.BaseStatement, carved: _Carved) -> cst.BaseStatement | None:
        """Statements that define nothing: imports are pruned later; the rest stays where all that
        it uses is there."""
        if is_import(statement):
            return statement
        if isinstance(statement, cst.If | cst.Try):
            result = statement.visit(Pruner(carved.missing, self.context.names_missing))
            return result if isinstance(result, cst.BaseStatement) else None
        gone = carved.missing | set(carved.shared)
        return None if self.parsed.uses(statement) & gone else statement

    def _dunder(self, statement: cst.BaseStatement, carved: _Carved) -> cst.BaseStatement:
        """``__all__`` lists only what is there."""
        result = statement.visit(Pruner(set(), lambda text: text in carved.missing))
        return result if isinstance(result, cst.BaseStatement) else statement


def _with_imports(
    parsed: Parsed, carved: _Carved, context: ModuleContext
) -> list[cst.BaseStatement]:
    """The body with its imports pruned to what is used, and those that the carve adds."""
    used = {name for s in carved.body if not is_import(s) for name in parsed.uses(s)}

    def wanted(bound: str) -> bool:
        # A name that was never used here was imported for others, or for its side effects.
        return bound in used or bound not in parsed.used

    pruner = _imports(context, wanted)
    visited = (s.visit(pruner) if parsed.importing(s) else s for s in carved.body)
    body = [s for found in visited for s in _statements(found)]
    added = []
    if carved.shared:
        module = context.shared_package + context.name[context.name.index(".") :]
        added.append(cst.parse_statement(_reexport(module, sorted(carved.shared))))
    if carved.remote:
        added.append(cst.parse_statement("from chassis import remote\n"))
    at = _after_head(body)
    return [*body[:at], *added, *body[at:]]


def _reexport(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(f'{n} as {n}' for n in names)}\n"
    if len(line) <= _WIDTH:
        return line
    return f"from {module} import (\n{''.join(f'    {n} as {n},' + chr(10) for n in names)})\n"


def _imports(context: ModuleContext, wanted: Callable[[str], bool]) -> Imports:
    about = (context.name, context.is_package, context.available)
    return Imports(*about, wanted, context.placed)


def _statements(found: object) -> list[cst.BaseStatement]:
    """What a visitor made of a statement, if anything is left of it."""
    if isinstance(found, cst.FlattenSentinel):
        return [s for node in found for s in _statements(node)]
    if not isinstance(found, cst.BaseStatement):
        return []
    return [found] if not isinstance(found, cst.SimpleStatementLine) or found.body else []


def _after_head(body: list[cst.BaseStatement]) -> int:
    """Behind the docstring and ``from __future__``."""
    at = 0
    for index, statement in enumerate(body):
        if not isinstance(statement, cst.SimpleStatementLine) or not statement.body:
            break
        small = statement.body[0]
        text = isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)
        future = (
            isinstance(small, cst.ImportFrom)
            and isinstance(small.module, cst.Name)
            and small.module.value == "__future__"
        )
        if not (text or future):
            break
        at = index + 1
    return at
