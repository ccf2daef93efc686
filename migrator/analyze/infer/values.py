"""What an expression is known to be. Anything not known is None: no value is ever a guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from migrator.analyze.facts.shape import Expr, Stmt


class Value:
    """Known about an expression; the kinds below, and those that a framework adds.

    `lasting` values are still in what an operator makes of them: ``User.id == 1`` is of `users`.
    """

    __slots__ = ()
    lasting: ClassVar[bool] = False

    @property
    def compared(self) -> Value:
        """What is left of it in ``x == …``."""
        return self


@dataclass(frozen=True, slots=True)
class Instance(Value):
    """An object of a class: ``module:Class`` of the monolith, or another's by dotted name.

    `given` are classes that it was made with, by parameter: ``CRUD(User)``.
    """

    cls: str
    given: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class ClassRef(Value):
    """A class of the monolith itself, not an object of it. `args` are type arguments."""

    cls: str


@dataclass(frozen=True, slots=True)
class External(Value):
    """A name that the monolith does not define: class, function or object, by dotted path."""

    name: str


@dataclass(frozen=True, slots=True)
class ModuleRef(Value):
    name: str


@dataclass(frozen=True, slots=True)
class Function(Value):
    """A function of the monolith: ``module:name``."""

    id: str


@dataclass(frozen=True, slots=True)
class Method(Value):
    """Attribute `name` of `owner`, which may be called. `home` is the class of the monolith that
    defines it; None where a framework or another's class does."""

    owner: Value
    name: str
    home: str | None = None


class SuperOf(Value):
    """``super()`` in a method of class `after`."""

    __slots__ = ("after", "owner")

    def __init__(self, owner: Instance | ClassRef, after: str) -> None:
        self.owner, self.after = owner, after

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SuperOf) and (other.owner, other.after) == (self.owner, self.after)

    def __hash__(self) -> int:
        return hash((self.owner, self.after))


@dataclass(frozen=True, slots=True)
class Closure(Value):
    """A nested function or a lambda, interpreted where it is called."""

    params: tuple[Expr, ...]
    body: object
    name: str = ""

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Probe(Value):
    """The function that a decorator is put on, while what it hands to it is found out."""


@dataclass(frozen=True, slots=True)
class Many(Value):
    """A list, set, iterator … of `item`."""

    item: Value


@dataclass(frozen=True, slots=True)
class Several(Value):
    """A tuple of fixed length."""

    items: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Mapping(Value):
    """A dict with these string keys, or None where any key gives `item`."""

    items: tuple[tuple[str, Value | None], ...]
    item: Value | None = None


@dataclass(frozen=True, slots=True)
class Text(Value):
    """A string. `whole` is False where a part of it is computed: there it has `HOLE`."""

    text: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Known(Value):
    """A constant (None, a bool, a number) that a call hands to a parameter which decides branches;
    nowhere else."""

    value: object


@dataclass(frozen=True, slots=True)
class Either(Value):
    """One of a few, as different branches assign."""

    options: tuple[Value, ...]


HOLE = "migrator_hole"
_MOST_OPTIONS = 8


def either(*values: Value | None) -> Value | None:
    """One value of several; those not known are left out."""
    only: Value | None = None
    for value in values:
        if value is not None:
            if only is not None or type(value) is Either:
                break
            only = value
    else:
        return only
    found: dict[Value, None] = {}
    for value in values:
        if isinstance(value, Either):
            found.update(dict.fromkeys(value.options))
        elif value is not None:
            found[value] = None
    options = tuple(found)[:_MOST_OPTIONS]
    if not options:
        return None
    return options[0] if len(options) == 1 else Either(options)


def by_place(value: Value | None) -> tuple[Value | None, ...]:
    """What each place of one of a few tuples of one length holds; nothing where they differ."""
    if type(value) is not Either:
        return ()
    rows = [o.items for o in value.options if type(o) is Several]
    if len(rows) != len(value.options) or len({len(r) for r in rows}) != 1:
        return ()
    return tuple([either(*column) for column in zip(*rows, strict=True)])


def known_as(value: Value) -> str:
    """What another's object, or an object of another's class, is known by."""
    if type(value) is External:
        return value.name
    return value.cls if type(value) is Instance else ""


def options(value: Value | None) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value.options if isinstance(value, Either) else (value,)


def mentions(value: Value | None, cls: str) -> bool:
    """Whether a value is, or holds, the class or an object of it."""
    kind = type(value)
    if value is None or kind is External or kind is Text:
        return False
    if kind is Instance or kind is ClassRef:
        if value.cls == cls:  # type: ignore[attr-defined]
            return True
        return kind is Instance and any(mentions(v, cls) for _, v in value.given)  # type: ignore[attr-defined]
    if kind is Many:
        return mentions(value.item, cls)  # type: ignore[attr-defined]
    if kind is Method:
        return mentions(value.owner, cls)  # type: ignore[attr-defined]
    if kind is Several:
        return any(mentions(v, cls) for v in value.items)  # type: ignore[attr-defined]
    if kind is Either:
        return any(mentions(v, cls) for v in value.options)  # type: ignore[attr-defined]
    if kind is Mapping:
        return mentions(value.item, cls) or any(mentions(v, cls) for _, v in value.items)  # type: ignore[attr-defined]
    return kind is not Function and kind is not ModuleRef


@dataclass(slots=True)
class Call:
    """A call while it is interpreted: what was written, and what it is known to be."""

    line: int
    expr: Expr
    args: tuple[Expr, ...]
    values: tuple[Value | None, ...]
    keywords: dict[str, Expr]
    named: dict[str, Value | None]

    def argument(self, position: int, name: str) -> Value | None:
        """The value given by position or by name."""
        if name in self.named:
            return self.named[name]
        return self.values[position] if position < len(self.values) else None

    def written(self, position: int, name: str) -> Expr | None:
        """The expression given by position or by name."""
        if name in self.keywords:
            return self.keywords[name]
        return self.args[position] if position < len(self.args) else None


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """Where a function's code is: `owner` is the class id of a method, `id` the definition.

    `key` is ``module:Class.method`` or ``module:function``, `decorators` are those that are plain
    names.
    """

    id: str
    module: str
    owner: str | None
    statement: Stmt
    name: str = field(init=False)
    key: str = field(init=False)
    decorators: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        name = self.statement[3]
        names = frozenset([d[1] for d in self.statement[6] if type(d[1]) is str])
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "key", f"{self.owner}.{name}" if self.owner else self.id)
        object.__setattr__(self, "decorators", names)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionCode) and other.key == self.key
