"""The analyzer sees every tangle that the sample's README names, and each with what is in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph import Definition, Graph

SAMPLE = Path(__file__).parents[2] / "sample_monolith"


class Tangle(NamedTuple):
    kind: str
    where: str
    sees: frozenset[str]


@cache
def graph() -> Graph:
    return analyze(SAMPLE)


def tangles() -> list[Tangle]:
    """The rows of the table under the README's heading "Tangles"."""
    section = (SAMPLE / "README.md").read_text("utf-8").partition("\n## Tangles\n")[2]
    rows = [line.strip("| \n").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    return [Tangle(r[0], r[1], frozenset(r[2].split(", "))) for r in rows[1:]]


def definition(where: str) -> Definition:
    [found] = [d for d in graph().definitions if d.id == where]
    return found


def path_of(module: str) -> str:
    [found] = [m.path for m in graph().modules if m.name == module]
    return found


def tables_declared(where: str) -> set[str]:
    return {t.name for t in graph().tables if t.path == path_of(where)}


def parts_that_import(where: str) -> set[str]:
    sources = {i.source for i in graph().imports if i.target == where}
    return {source.split(".")[1] for source in sources if source.count(".") > 1}


def keys(where: str) -> set[str]:
    return {f"{k.source} > {k.target}" for k in graph().foreign_keys if k.path == path_of(where)}


def relationships(where: str) -> set[str]:
    found = [r for r in graph().relationships if r.path == path_of(where)]
    return {f"{r.source} > {r.target}" for r in found}


def imported_in_a_circle(where: str) -> set[str]:
    """What the module imports at any time, and what leads back to its package."""
    imports: dict[str, set[str]] = {}
    for i in graph().imports:
        imports.setdefault(i.source, set()).add(i.target)

    def leads_back(module: str) -> bool:
        package, seen, todo = where.rpartition(".")[0], {module}, [module]
        while todo:
            for target in imports.get(todo.pop(), set()) - seen:
                if target.startswith(f"{package}."):
                    return True
                seen.add(target)
                todo.append(target)
        return False

    return {target for target in imports[where] if leads_back(target)}


def imported(kind: str) -> Callable[[str], set[str]]:
    def at(where: str) -> set[str]:
        found = definition(where)
        lines = range(found.line, found.end_line + 1)
        return {
            i.target
            for i in graph().imports
            if i.source == found.module and i.kind == kind and i.line in lines
        }

    return at


def reads(where: str) -> set[str]:
    return {a.table for a in graph().accesses if a.definition == where and a.mode == "read"}


def reads_over_relationships(where: str) -> set[str]:
    found = [a for a in graph().accesses if a.definition == where and a.mode == "read"]
    return {a.table for a in found if a.how == "relationship"}


def writes(where: str) -> set[str]:
    return {a.table for a in graph().accesses if a.definition == where and a.writes}


def touched_by_text(where: str) -> set[str]:
    return {a.table for a in graph().accesses if a.definition == where and a.how == "sql"}


def told_unresolved(where: str) -> set[str]:
    found = definition(where)
    lines = range(found.line, found.end_line + 1)
    return {u.what for u in graph().unresolved if u.path == found.path and u.line in lines}


def written_at_once(where: str) -> set[str]:
    """The tables of the widest transaction that begins here."""
    found = [set(t.tables) for t in graph().transactions if t.definition == where]
    return max(found, key=len, default=set())


def senders(where: str) -> set[str]:
    return {d.source for d in graph().dependencies if d.kind == "signals" and d.target == where}


def mapped_arguments(where: str) -> set[str]:
    models = {d.name for d in graph().definitions if "model" in d.traits}
    return {kind for _, kind in definition(where).parameters if kind in models}


SEEN: dict[str, Callable[[str], set[str]]] = {
    "god_models": tables_declared,
    "utils_hub": parts_that_import,
    "shared_session": parts_that_import,
    "shared_access_check": parts_that_import,
    "foreign_key_web": keys,
    "relationship_web": relationships,
    "circular_import": imported_in_a_circle,
    "lazy_import": imported("lazy"),
    "dynamic_import": imported("dynamic"),
    "cross_context_join": reads,
    "cross_context_read": reads,
    "relationship_read": reads_over_relationships,
    "cross_context_write": writes,
    "raw_sql": touched_by_text,
    "computed_sql": told_unresolved,
    "wide_transaction": written_at_once,
    "signal_handler": senders,
    "object_argument": mapped_arguments,
}


def test_every_kind_of_tangle_is_there() -> None:
    """A kind that the README invents has no check, and one that it forgets has no row."""
    assert {tangle.kind for tangle in tangles()} == set(SEEN)
    assert len(set(tangles())) == len(tangles()) > 90


@pytest.mark.parametrize("tangle", tangles(), ids=lambda t: f"{t.kind}-{t.where}")
def test_tangle_is_seen(tangle: Tangle) -> None:
    assert tangle.sees <= SEEN[tangle.kind](tangle.where)


@pytest.mark.parametrize("kind", ["god_models", "lazy_import", "dynamic_import", "signal_handler"])
def test_and_nothing_more(kind: str) -> None:
    """Where the README's list is the whole list, one edge too many is wrong as well."""
    for tangle in tangles():
        if tangle.kind == kind:
            assert SEEN[kind](tangle.where) == tangle.sees, tangle.where
    where = {tangle.where for tangle in tangles() if tangle.kind == kind}
    if kind == "signal_handler":
        assert where == {d.target for d in graph().dependencies if d.kind == "signals"}
