"""All modules together, and what a dotted name means in each: imports, re-exports, stars.

A resolved name is ``module:Name.attr`` where the monolith itself defines it, a dotted path
(``sqlalchemy.orm.Session``) where it comes from elsewhere, a module's name where it is one.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.shape import DefinitionFact, Stmt
from migrator.analyze.project.loaded import Loaded

NAME_BITS = 4096


@dataclass(slots=True, eq=False)
class Module:
    """One file with its name. `role` is ``migration`` for Alembic revisions: they declare tables
    but are no part of the running monolith. `bit` is the module's own in `Names.seen`, `bits` are
    that with the name's for each name that was looked up."""

    name: str
    path: str
    facts: Facts
    role: str = "code"
    own: dict[str, DefinitionFact] = field(default_factory=dict)
    bound: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    exports: frozenset[str] | None = None
    memo: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    bit: int = 0
    bits: dict[str, int] = field(default_factory=dict)

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    def imports_any(self, packages: Collection[str]) -> bool:
        """Whether the file itself imports one of these top-level packages."""
        return any(t.partition(".")[0] in packages for t in (*self.bound.values(), *self.stars))

    @property
    def lines(self) -> int:
        return self.facts.interface.lines


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported name: `target` is dotted, `bound` the local name (None: a star), `module` the
    module named in the statement."""

    target: str
    bound: str | None
    kind: str
    line: int
    module: str


def imported_names(module: str, is_package: bool, statement: Stmt) -> Iterator[Imported]:
    """What an IMPORT statement binds."""
    _, line, kind, level, name, names = statement
    if level == -1:
        for dotted, alias in names:
            top = dotted.partition(".")[0]
            yield Imported(dotted if alias else top, alias or top, kind, line, dotted)
        return
    base = absolute_module(module, is_package, name, level)
    for part, alias in names:
        if part == "*":
            yield Imported(base, None, kind, line, base)
        else:
            yield Imported(f"{base}.{part}" if base else part, alias or part, kind, line, base)


def absolute_module(module: str, is_package: bool, name: str | None, level: int) -> str:
    """The dotted module that ``from ..name import`` means."""
    if level <= 0:
        return name or ""
    parts = module.split(".")
    drop = level - 1 if is_package else level
    kept = parts[: max(len(parts) - drop, 0)]
    return ".".join([*kept, name] if name else kept)


class Names:
    """Resolves dotted names over all modules.

    `seen` collects, as bits, which names of which modules were looked at: whoever wants to know
    what an answer depends on sets it to 0 before and reads it after. The lowest `NAME_BITS` are the
    names', each with its module's, by a hash (two may share one: then both seem to have been looked
    at); above them are the modules'. Everything that looks at a module's content for another (here,
    `Classes`, `Project`) adds to it; which modules there are does not count. A name counts as
    looked at also where it is not there.
    """

    def __init__(self, modules: Sequence[Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self.seen = 0
        for index, module in enumerate(modules):
            module.bit = 1 << (NAME_BITS + index)
            module.bits.clear()
            read_interface(module)
        self.loaded = Loaded(self)
        self.seen = 0

    def note(self, module: Module, name: str) -> int:
        """The bits of a top-level name of a module, which is looked at."""
        known = module.bits.get(name)
        if known is None:
            known = module.bits[name] = module.bit | name_bit(module.name, name)
        return known

    def note_definition(self, id_: str) -> None:
        """The definition ``module:Name`` is looked at."""
        module, _, name = id_.partition(":")
        self.seen |= self.note(self.modules[module], name)

    def unkept(self, module: Module, dotted: str) -> str | None:
        """As `resolve`, while what names mean is still being settled."""
        return self._resolve(module, dotted)

    def resolve(
        self, module: str, dotted: str, local: Mapping[str, str] | None = None
    ) -> str | None:
        """What `dotted` means at module scope; `local` adds what a function imports itself."""
        if local:
            head, _, rest = dotted.partition(".")
            if head in local:
                return self.absolute(local[head] + (f".{rest}" if rest else ""))
        known = self.modules.get(module)
        if known is None:
            return None
        try:
            found, seen = known.memo[dotted]
        except KeyError:
            before = self.seen
            self.seen = self.note(known, dotted.partition(".")[0])
            found = self._resolve(known, dotted)
            seen = self.seen
            known.memo[dotted] = found, seen
            self.seen = before
        self.seen |= seen
        return found

    def _resolve(self, module: Module, dotted: str) -> str | None:
        head, _, rest = dotted.partition(".")
        if head in module.own:
            return f"{module.name}:{dotted}"
        target = module.bound.get(head)
        if target is None:
            target = self._through_star(module, head, frozenset())
        if target is None:
            target = self._from_elsewhere(module, head)
        if target is None:
            return None
        return self.absolute(target + (f".{rest}" if rest else ""))

    def absolute(self, dotted: str, seen: frozenset[str] = frozenset()) -> str:
        """A dotted path from the top as ``module:Name.attr``, following re-exports."""
        while ":" not in dotted and dotted not in self.modules and dotted not in seen:
            target = self._exported(dotted, seen)
            if target is None:
                break
            dotted, seen = target, seen | {dotted}
        return dotted

    def _exported(self, dotted: str, seen: frozenset[str]) -> str | None:
        """What a dotted path stands for, by the module on it that is the deepest."""
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = self.modules.get(".".join(parts[:cut]))
            if module is None:
                continue
            self.seen |= self.note(module, parts[cut])
            name, rest = parts[cut], parts[cut + 1 :]
            tail = f".{'.'.join(rest)}" if rest else ""
            if name in module.own:
                return f"{module.name}:{name}{tail}"
            target = module.bound.get(name) or self._through_star(module, name, seen)
            return None if target is None or target == dotted else target + tail
        return None

    def _through_star(self, module: Module, name: str, seen: frozenset[str]) -> str | None:
        # The last one binds a name that several show.
        for target in reversed(module.stars):
            other = self.modules.get(target)
            if other is None or target in seen:
                continue
            self.seen |= self.note(other, name)
            shown = other.exports
            if (name not in shown) if shown is not None else name.startswith("_"):
                continue
            if name in other.own:
                return f"{target}:{name}"
            found = other.bound.get(name) or self._through_star(other, name, seen | {module.name})
            # What it has from here itself, another star bound before.
            if found and found != f"{module.name}.{name}":
                return found
        return None

    def _from_elsewhere(self, module: Module, name: str) -> str | None:
        """A name that only a star import of another's package can bind."""
        away = [t for t in module.stars if t not in self.modules]
        if hasattr(builtins, name) or len({t.partition(".")[0] for t in away}) != 1:
            return None
        return f"{away[0]}.{name}"

    def definition(self, id_: str) -> DefinitionFact | None:
        """The fact of ``module:Name``."""
        module, _, name = id_.partition(":")
        known = self.modules.get(module)
        if known is None:
            return None
        self.seen |= self.note(known, name.partition(".")[0])
        return known.own.get(name)

    def definition_of(self, target: str | None) -> str | None:
        """The definition that a resolved name leads into: ``m:Class.method`` is ``m:Class``."""
        if target is None or ":" not in target:
            return None
        module, _, name = target.partition(":")
        name = name.partition(".")[0]
        known = self.modules.get(module)
        if known is None:
            return None
        self.seen |= self.note(known, name)
        return f"{module}:{name}" if name in known.own else None


def name_bit(module: str, name: str) -> int:
    """The bit of a name of a module in `Names.seen`."""
    return 1 << crc32(f"{module}:{name}".encode("utf-8", "surrogatepass")) % NAME_BITS


def read_interface(module: Module) -> None:
    """What the module's own facts tell of its names."""
    interface = module.facts.interface
    module.own = {d.name: d for d in interface.definitions}
    module.exports = frozenset(interface.exports) if interface.exports is not None else None
    for statement in interface.imports:
        if statement[2] == "lazy":
            continue
        for imported in imported_names(module.name, module.is_package, statement):
            if imported.bound is None:
                module.stars.append(imported.target)
            else:
                module.bound[imported.bound] = imported.target
                known = module.own.get(imported.bound)
                # `try: import x` / `except ImportError: x = None` means the import, and so does
                # a lazy stand-in beside an import for type checkers.
                if known and known.kind == "variable" and statement[2] != "static":
                    del module.own[imported.bound]
