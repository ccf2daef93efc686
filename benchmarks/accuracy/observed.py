"""What a recorded session touched: tables and modes of each statement, by definition."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

Site = tuple[str, int]
Touch = tuple[str, str]  # table, read | insert | update | delete
DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql"}
WRITES = {exp.Insert: "insert", exp.Update: "update", exp.Delete: "delete", exp.Merge: "update"}


def side(mode: str) -> str:
    """``read`` or ``write``."""
    return "read" if mode == "read" else "write"


@cache
def touches(sql: str, dialect: str) -> frozenset[Touch]:
    """The tables that a statement reads and writes; none for what is not about rows."""
    try:
        tree = sqlglot.parse_one(
            sql.replace("%s", "NULL").replace("%%", "%"), read=DIALECTS.get(dialect)
        )
    except sqlglot.errors.SqlglotError:
        return frozenset()
    if not isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge):
        return frozenset()
    names = {c.alias_or_name for c in tree.find_all(exp.CTE)}
    found: set[Touch] = set()
    target = tree.this if type(tree) in WRITES else None
    if isinstance(target, exp.Schema):
        target = target.this
    for table in tree.find_all(exp.Table):
        if not table.name or (table.name in names and not table.db):
            continue
        name = f"{table.db}.{table.name}" if table.db else table.name
        found.add((name, WRITES[type(tree)] if table is target else "read"))
    return frozenset(found)


class Places:
    """Which definition a line belongs to, and which lines one statement spans."""

    def __init__(self, root: Path, graph: Mapping[str, Any]) -> None:
        self.root = root
        self.graph = graph
        self._definitions: dict[str, list[tuple[int, int, str]]] = {}
        for d in graph["definitions"]:
            span = (d["line"], d["end_line"], d["id"])
            self._definitions.setdefault(d["path"], []).append(span)
        self._spans: dict[str, dict[int, tuple[int, int]]] = {}

    def definition(self, site: Site) -> str | None:
        spans = [s for s in self._definitions.get(site[0], ()) if s[0] <= site[1] <= s[1]]
        return min(spans, key=lambda s: s[1] - s[0])[2] if spans else None

    def statement(self, site: Site) -> range:
        """The lines of the innermost statement at `site`; of a compound one its header."""
        path, line = site
        if path not in self._spans:
            self._spans[path] = self._read(path)
        first, last = self._spans[path].get(line, (line, line))
        return range(first, last + 1)

    def _read(self, path: str) -> dict[int, tuple[int, int]]:
        try:
            tree = ast.parse((self.root / path).read_bytes())
        except (OSError, SyntaxError, ValueError):
            return {}
        found: dict[int, tuple[int, int]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                body = getattr(node, "body", None)
                last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
                for line in range(node.lineno, max(last, node.lineno) + 1):
                    old = found.get(line)
                    if old is None or old[1] - old[0] >= last - node.lineno:
                        found[line] = (node.lineno, max(last, node.lineno))
        return found


@dataclass(slots=True)
class Sighting:
    """All that was seen of one access: who may answer for it, and the first place and callee."""

    candidates: set[str]
    site: Site
    callee: str
    callers: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Observed:
    """`accesses` by (definition, table, side); `confirmed` also holds callers on the stack."""

    accesses: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)
    confirmed: set[tuple[str, str, str]] = field(default_factory=set)
    modes: set[tuple[str, str, str]] = field(default_factory=set)
    statements: int = 0
    by_template: int = 0
    dispatched: int = 0
    outside: int = 0


def generic_sites(trace: Mapping[str, Any], known: set[str]) -> set[Site]:
    """The lines that ran or made statements on different tables: a helper's, which does what each
    caller says."""
    tables: dict[Site, set[frozenset[str]]] = {}
    for s in trace["statements"]:
        found = frozenset(t for t, _ in touches(s["sql"], s["dialect"]) if t in known)
        for site in (*([s["run"]] if s["run"] else []), *s["built"]) if found else ():
            tables.setdefault(tuple(site), set()).add(found)
    return {site for site, found in tables.items() if len(found) > 1}


def observe(trace: Mapping[str, Any], places: Places, tables: Iterable[str]) -> Observed:
    """Each statement on the tables known, given to the definition that answers for it.

    That is the definition of the innermost frame of the application; where the statement was
    made elsewhere before (a lazy query, an object written at the flush), any of the makers may
    answer as well. Statements that a template runs, or a middleware by handing the request on,
    have no definition unless one made the query.
    """
    known = set(tables)
    bare = {t.rpartition(".")[2]: t for t in known}
    seen = Observed()
    generic = generic_sites(trace, known)
    for s in trace["statements"]:
        found = {
            (t if t in known else bare.get(t, t), m) for t, m in touches(s["sql"], s["dialect"])
        }
        found = {(t, m) for t, m in found if t in known}
        if not found:
            continue
        seen.statements += 1
        run = tuple(s["run"]) if s["run"] else None
        if s["through"]:
            seen.by_template += s["through"] == "template"
            seen.dispatched += s["through"] == "dispatch"
            run = None
        runner = places.definition(run) if run else None
        makers = {d: tuple(b) for b in s["built"] if (d := places.definition(tuple(b)))}
        if runner is None and not makers:
            seen.outside += not s["through"]
        stack = {d for f in s["stack"] if (d := places.definition(tuple(f)))}
        callers: set[str] = set()
        if run in generic or any(tuple(b) in generic for b in s["built"]):
            callers = {d for c in s["chains"] for f in c if (d := places.definition(tuple(f)))}
        for table, mode in found:
            for d in {*stack, *makers, *([runner] if runner else [])}:
                seen.confirmed.add((d, table, side(mode)))
                seen.modes.add((d, table, mode))
            owner = runner if runner and (runner in makers or not makers) else None
            owner = owner or next(iter(sorted(makers)), None) or runner
            if owner is None:
                continue
            site = run if owner == runner and run else makers[owner]
            entry = seen.accesses.setdefault(
                (owner, table, side(mode)), Sighting(set(), site, s["callee"])
            )
            entry.candidates |= {owner, *makers, *([runner] if runner else [])}
            entry.callers |= callers
            entry.runs |= {runner} if runner else set()
            entry.modes.add(mode)
    return seen
