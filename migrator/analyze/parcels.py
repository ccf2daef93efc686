"""What interpretation found, kept module by module with what it depends on.

After a change only those modules are interpreted again that changed themselves or that looked at
a name of one whose content did. All of them are where anything changed that interpretation is told
from elsewhere: which modules there are, what the plug-ins have declared, the analyzer's own code.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrator.analyze.canonical import NotCanonical, canonical
from migrator.analyze.changed import OldFacts, as_before, changed_names
from migrator.analyze.frameworks.protocol import Framework
from migrator.analyze.kept_file import KeptFile
from migrator.analyze.project.modules import NAME_BITS, name_bit
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Schema
from migrator.model.graph import ForeignKey, Relationship, Table

# Told to people only: no plug-in decides by them what a function does.
_TOLD = frozenset(
    {(kind, name) for kind in (Table, ForeignKey, Relationship) for name in ("path", "line")}
    | {(Schema, name) for name in ("unresolved", "_folded")}
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one module's functions do, marshalled (`interpret.packed`), and what was looked at to
    know it, as in `Names.seen`."""

    seen: int
    found: bytes


@dataclass(frozen=True, slots=True)
class State:
    """What the parcels of one run depend on: `world` names what counts for all modules, `keys` the
    content of each module by name, in the order of the bits; the last that of the hierarchy."""

    world: bytes
    keys: tuple[tuple[str, bytes], ...]


def state_of(
    project: Project, schema: Schema, plugins: Sequence[Framework], code: str
) -> State | None:
    """`code` names the analyzer and its settings. None where a plug-in is another's, or holds what
    cannot be compared: then nothing may be taken over."""
    if any(not type(p).__module__.startswith("migrator.") for p in plugins):
        return None
    try:
        world = canonical((code, [(m.name, m.path) for m in project.code], schema, plugins), _TOLD)
    except NotCanonical:
        return None
    keys = [(m.name, m.facts.key) for m in project.code]
    below = canonical((project.classes.below,))
    project.names.seen = 0
    return State(world, (*keys, ("", below)))


@dataclass(slots=True)
class Taken:
    """Parcels of a former run, by module: those `holding` now too, and the `stale`. `keys` are
    those of its state."""

    keys: Sequence[tuple[str, bytes]] = ()
    holding: dict[str, Parcel] = field(default_factory=dict)
    stale: dict[str, Parcel] = field(default_factory=dict)


class KeptParcels:
    """``FOLDER/interpreted.bin``: those of the last run."""

    def __init__(self, folder: Path) -> None:
        self._file = KeptFile(folder / "interpreted.bin")

    def get(self, state: State, project: Project, old: OldFacts) -> Taken:
        """What is kept of this world; `old` gives the facts of a key, where they are still
        there."""
        content = self._file.get(state.world)
        if content is None:
            return Taken()
        try:
            keys, rows = marshal.loads(content)
            if [name for name, _ in keys] != [name for name, _ in state.keys]:
                return Taken()
            changed = _Changed(keys, state, project, old)
            taken = Taken(keys)
            for name, bits, part in rows:
                parcel = Parcel(int.from_bytes(bits, "little"), part)
                holds = name not in changed.modules and not changed.seen_by(parcel.seen)
                (taken.holding if holds else taken.stale)[name] = parcel
            return taken
        except (ValueError, TypeError, EOFError):
            return Taken()

    def put(self, state: State, parcels: Mapping[str, Parcel]) -> None:
        """Keep these instead of the last."""
        rows = [(n, _bytes(p.seen), p.found) for n, p in parcels.items()]
        self._file.put(state.world, marshal.dumps((state.keys, rows)))


def _bytes(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


class _Changed:
    """What changed between two runs, as in `Names.seen`."""

    def __init__(
        self, keys: Sequence[tuple[str, bytes]], state: State, project: Project, old: OldFacts
    ) -> None:
        self.modules: set[str] = set()
        # Where all counts; and modules with the names of them that count.
        self._whole = self._some = self._names = 0
        for index, (before, (name, key)) in enumerate(zip(keys, state.keys, strict=True)):
            if before[1] == key:
                continue
            bit = 1 << (NAME_BITS + index)
            names: Collection[str] | None = None
            if name:
                self.modules.add(name)
                loaded = project.names.loaded.bound
                module = project.modules[name]
                was = as_before(module, old(before[1]), loaded)
                names = changed_names(was, module) if was is not None else None
            if names is None:
                self._whole |= bit
            elif names:
                self._some |= bit
                for changed in names:
                    self._names |= name_bit(name, changed)

    def seen_by(self, seen: int) -> bool:
        return bool(seen & self._whole or (seen & self._some and seen & self._names))
