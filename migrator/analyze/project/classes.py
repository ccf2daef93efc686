"""Classes of the monolith: bases, order of method resolution, members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from migrator.analyze.facts.shape import (
    CALL,
    CLASS,
    DEF,
    IF,
    ITEM,
    SET,
    TRY,
    TUPLE,
    Block,
    Expr,
    Stmt,
)
from migrator.analyze.project.modules import NAME_BITS, Module, Names


@dataclass(slots=True, eq=False)
class Class:
    """One class. `bases` are resolved names with the type arguments in brackets, as expressions;
    `members` the statements that bind each name in its body, in order. `seen` are the modules that
    its order of resolution depends on, as in `Names.seen`."""

    id: str
    module: Module
    statement: Stmt
    bases: tuple[tuple[str, tuple[Expr, ...]], ...]
    members: dict[str, list[Stmt]] = field(default_factory=dict)
    mro: tuple[str, ...] = ()
    seen: int = 0

    @property
    def name(self) -> str:
        return self.statement[3]  # type: ignore[no-any-return]

    @property
    def line(self) -> int:
        return self.statement[1]  # type: ignore[no-any-return]

    @property
    def keywords(self) -> tuple[tuple[str | None, Expr], ...]:
        return self.statement[5]  # type: ignore[no-any-return]

    @property
    def type_params(self) -> tuple[str, ...]:
        """Names in the brackets of ``class X[T]``."""
        return self.statement[9]  # type: ignore[no-any-return]

    def value(self, name: str) -> Expr | None:
        """What the class body itself assigns to `name`, the last of several."""
        found = None
        for statement in self.members.get(name, ()):
            if statement[0] == SET and statement[3] is not None:
                found = statement[3]
        return found

    def annotation(self, name: str) -> Expr | None:
        return next(
            (s[4] for s in self.members.get(name, ()) if s[0] == SET and s[4] is not None), None
        )

    def method(self, name: str) -> Stmt | None:
        return next((s for s in self.members.get(name, ()) if s[0] == DEF), None)

    def setter(self, name: str) -> Stmt | None:
        """The method under ``@name.setter``."""
        for statement in self.members.get(name, ()):
            if statement[0] == DEF and any(d[1] == f"{name}.setter" for d in statement[6]):
                return statement
        return None

    def inner(self, name: str) -> Stmt | None:
        """A nested class, as Django's ``Meta``."""
        return next((s for s in self.members.get(name, ()) if s[0] == CLASS), None)


class _ById(dict[str, Class]):
    """Looking up a class is noted in `Names.seen`, whether or not it is there."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def _note(self, id_: str, found: Class | None) -> None:
        if found is not None:
            self._names.seen |= found.seen
        elif ":" in id_:
            self._names.definition(id_)

    def __getitem__(self, id_: str) -> Class:
        found = super().__getitem__(id_)
        self._names.seen |= found.seen
        return found

    def get(self, id_: str, default: Any = None) -> Any:
        found = super().get(id_)
        self._note(id_, found)
        return default if found is None else found

    def __contains__(self, id_: object) -> bool:
        found = super().get(id_)  # type: ignore[call-overload]
        self._note(id_, found)  # type: ignore[arg-type]
        return found is not None


class Classes:
    """All top-level classes by id, and those nested in them as ``m:Outer.Inner``."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.by_id = _ById(names)
        # The bit after all modules' in `Names.seen`: which class is below which.
        self.hierarchy = 1 << (NAME_BITS + len(names.modules))
        for module in names.modules.values():
            for fact in module.own.values():
                if fact.kind == "class":
                    statement = next(s for s in fact.statements if s[0] == CLASS)
                    self._add(f"{module.name}:{fact.name}", module, statement)
        for class_ in self.by_id.values():
            class_.mro = self._linear(class_.id, frozenset())
        self._own: dict[str, tuple[Class, ...]] = {}
        self._found: dict[tuple[str, str], tuple[Class, Stmt] | None] = {}
        self._below: dict[str, list[str]] = {}
        for class_ in self.by_id.values():
            for above in class_.mro[1:]:
                self._below.setdefault(above, []).append(class_.id)
                own = dict.get(self.by_id, above)
                class_.seen |= own.seen if own is not None else 0
        names.seen = 0

    @property
    def below(self) -> dict[str, list[str]]:
        """The classes below each, the monolith's own and others'."""
        self.names.seen |= self.hierarchy
        return self._below

    def _add(self, id_: str, module: Module, statement: Stmt) -> None:
        self.names.seen = self.names.note(module, id_.partition(":")[2].partition(".")[0])
        named = [b for b in (self._base(module, e) for e in statement[4]) if b is not None]
        bases = (*named, *((b, ()) for name, _ in named for b in self._made_over(name)))
        class_ = self.by_id[id_] = Class(id_, module, statement, bases)
        class_.seen = self.names.seen
        for member in flat(statement[7]):
            for name in bound(member):
                class_.members.setdefault(name, []).append(member)
            if member[0] == CLASS:
                self._add(f"{id_}.{member[3]}", module, member)

    def _base(self, module: Module, expr: Expr) -> tuple[str, tuple[Expr, ...]] | None:
        args: tuple[Expr, ...] = ()
        if type(expr) is tuple and expr[0] == ITEM:
            index = expr[2]
            args = index[1] if type(index) is tuple and index[0] == TUPLE else (index,)
            expr = expr[1]
        if type(expr) is tuple and expr[0] == "call":
            # `class X(some_factory(...))`: known by the name of what makes the base.
            made = expr[2] if type(expr[2]) is str else None
            target = (self.names.resolve(module.name, made) or made) if made else None
            return (f"{target}()", expr[3]) if target else None
        if type(expr) is not str:
            return None
        return self._meant(self.names.resolve(module.name, expr) or expr), args

    def _meant(self, name: str) -> str:
        """The class behind a module's ``Base = db.Model``, through any number of such names."""
        seen = {name}
        while (fact := self.names.definition(name)) is not None and fact.kind == "variable":
            value = next((s[3] for s in reversed(fact.statements) if s[0] == SET and s[3]), None)
            if type(value) is not str:
                break
            meant = self.names.resolve(name.partition(":")[0], value) or value
            if meant in seen:
                break
            seen.add(meant)
            name = meant
        return name

    def _made_over(self, base: str) -> Iterator[str]:
        """The monolith's own class that a base made by a call is made over: ``Base =
        declarative_base(cls=Own)``, or ``db.Model`` of ``db = SQLAlchemy(model_class=Own)``."""
        owner = base.removesuffix(".Model")
        fact = self.names.definition(owner) if ":" in owner else None
        for statement in fact.statements if fact is not None and fact.kind == "variable" else ():
            call = statement[3] if statement[0] == SET else None
            for _ in range(3):
                if type(call) is not tuple or call[0] != CALL:
                    break
                call = next((v for k, v in call[4] if k in ("cls", "model_class")), None)
            if type(call) is str:
                target = self.names.resolve(owner.partition(":")[0], call)
                if target and ":" in target:
                    yield target

    def _linear(self, id_: str, seen: frozenset[str]) -> tuple[str, ...]:
        """C3, or depth first where the bases contradict one another. Others' classes by name."""
        class_ = dict.get(self.by_id, id_)
        if class_ is None or id_ in seen:
            return (id_,)
        if class_.mro:
            return class_.mro
        lines = [list(self._linear(b, seen | {id_})) for b, _ in class_.bases]
        lines.append([b for b, _ in class_.bases])
        found = [id_]
        lines = [line for line in lines if line]
        while lines:
            tails = {name for line in lines for name in line[1:]}
            head = next((line[0] for line in lines if line[0] not in tails), lines[0][0])
            found.append(head)
            lines = [rest for line in lines if (rest := [n for n in line if n != head])]
        return tuple(dict.fromkeys(found))

    def get(self, id_: str) -> Class | None:
        return self.by_id.get(id_)  # type: ignore[no-any-return]

    def ancestors(self, id_: str) -> Iterator[Class]:
        """The class itself and the monolith's own classes above it, in order."""
        class_ = self.by_id.get(id_)
        if class_ is None:
            return iter(())
        known = self._own.get(id_)
        if known is None:
            every = (dict.get(self.by_id, above) for above in class_.mro)
            known = self._own[id_] = tuple([own for own in every if own is not None])
        return iter(known)

    def foreign(self, id_: str) -> Iterator[str]:
        """The bases that the monolith does not define, by dotted name."""
        class_ = self.by_id.get(id_)
        for above in class_.mro if class_ else ():
            if dict.get(self.by_id, above) is None:
                yield above

    def find(self, id_: str, name: str, *, after: str | None = None) -> tuple[Class, Stmt] | None:
        """The class that binds `name`, first in order, and the statement; `after` skips to what
        follows that class, as ``super()`` does."""
        if after is None:
            key = (id_, name)
            if key not in self._found:
                self._found[key] = _binding(self.ancestors(id_), name)
            else:
                self.by_id.get(id_)  # noted as looked at
            return self._found[key]
        above = self.ancestors(id_)
        for class_ in above:
            if class_.id == after:
                break
        return _binding(above, name)


def _binding(classes: Iterable[Class], name: str) -> tuple[Class, Stmt] | None:
    for class_ in classes:
        if name in class_.members:
            return class_, class_.members[name][-1]
    return None


def flat(block: Block) -> Iterator[Stmt]:
    """Statements of a body, also those inside ``if`` and ``try``."""
    for statement in block:
        yield statement
        if statement[0] == IF:
            yield from flat(statement[3])
            yield from flat(statement[4])
        elif statement[0] == TRY:
            yield from flat(statement[2])
            for handler in statement[3]:
                yield from flat(handler[2])


def bound(statement: Stmt) -> Iterator[str]:
    """The names that a statement of a body binds."""
    if statement[0] in (DEF, CLASS):
        yield statement[3]
    elif statement[0] == SET:
        for target in statement[2]:
            if type(target) is str and "." not in target:
                yield target
            elif type(target) is tuple and target[0] == TUPLE:
                yield from (t for t in target[1] if type(t) is str)
