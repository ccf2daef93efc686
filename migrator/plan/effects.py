"""What runs when a function runs, told once for all: rings of calls are folded, and each ring
takes over what those that it calls have. Walking on from each definition anew would take the
square of the code.

A class that is called adds what its methods do themselves, and no more: which of them runs is not
known, and through all of them nearly everything would be reached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import networkx as nx

from migrator.model.graph import Access, Definition, Dependency

_T = TypeVar("_T")


def effects(
    names: Iterable[str],
    out: Mapping[str, Sequence[Dependency]],
    accesses: Mapping[str, Sequence[Access]],
    classes: Collection[str] = (),
) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """The tables that are written, and those that are read, when each of `names` runs: by itself,
    by what it calls, and by handlers of what it signals."""
    tables = sorted({a.table for found in accesses.values() for a in found})
    bit = {table: 1 << index for index, table in enumerate(tables)}
    # One number holds both sets: writes in the lower half, reads in the upper.
    high = len(tables)
    own = dict.fromkeys(names, 0)
    for name, found in accesses.items():
        for access in found:
            own[name] = own.get(name, 0) | bit[access.table] << (0 if access.writes else high)
    runs = {name: found for name, found in out.items() if name not in classes}
    every = _spread(own, runs, ("calls", "signals"), lambda one, other: one | other)
    whole = (1 << high) - 1
    told = {
        mask: (_set(mask & whole, tables), _set(mask >> high, tables)) for mask in {*every.values()}
    }
    return {name: told[mask] for name, mask in every.items()}


def refusals(
    definitions: Mapping[str, Definition], out: Mapping[str, Sequence[Dependency]]
) -> dict[str, str]:
    """A domain exception that each definition, or what it calls, raises: of several that of the
    first by name. Those that raise none are left out."""
    own: dict[str, tuple[str, str] | None] = {}
    for name, definition in definitions.items():
        raised = next((r for r in definition.raises if ":" in r), None)
        own[name] = (name, raised.rpartition(":")[2]) if raised else None
    runs = {name: found for name, found in out.items() if definitions[name].kind != "class"}
    every = _spread(
        own, runs, ("calls",), lambda one, other: min(filter(None, (one, other)), default=None)
    )
    return {name: found[1] for name, found in every.items() if found}


def _spread(
    own: Mapping[str, _T],
    out: Mapping[str, Sequence[Dependency]],
    kinds: Collection[str],
    join: Callable[[_T, _T], _T],
) -> dict[str, _T]:
    """`own` of each, joined with that of all that it reaches over edges of `kinds`."""
    runs: nx.DiGraph[str] = nx.DiGraph()
    runs.add_nodes_from(own)
    runs.add_edges_from(
        (name, edge.target)
        for name in own
        for edge in out.get(name, ())
        if edge.kind in kinds and edge.target in own
    )
    found: dict[str, _T] = {}
    # A ring comes after all that it reaches.
    for ring in nx.strongly_connected_components(runs):
        members = list(ring)
        whole = own[members[0]]
        for name in members[1:]:
            whole = join(whole, own[name])
        for name in members:
            for other in runs.successors(name):
                if other not in ring:
                    whole = join(whole, found[other])
        found.update(dict.fromkeys(members, whole))
    return found


def _set(mask: int, tables: Sequence[str]) -> frozenset[str]:
    found = []
    while mask:
        lowest = mask & -mask
        found.append(tables[lowest.bit_length() - 1])
        mask ^= lowest
    return frozenset(found)
