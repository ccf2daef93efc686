"""The Graph with what traces show: which edges are hot, which were never seen, which are missing.

A span belongs to the innermost definition that it or a span above it names (`exact`), else to the
route or task above it. What runs between two spans has no span of its own, so an observed edge
counts as known to the code where calls and signals lead from the one to the other, over however
many definitions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from migrator.analyze.evidence import recounted
from migrator.analyze.evidence.places import (
    Places,
    dialect,
    named_table,
    readable,
    redacted,
    statement,
)
from migrator.analyze.evidence.spans import Span
from migrator.analyze.frameworks.sql.text import UnparsableSQL, looks_like_sql, tables_of
from migrator.analyze.transactions import reach
from migrator.model.graph import (
    Access,
    AccessMode,
    Discrepancy,
    EntryPoint,
    Graph,
    Observation,
    ObservationKind,
    Unresolved,
)

_STATEMENTS = 3
# A decorator's wrapper runs whenever what it decorates does.
_FLOWS = ("calls", "signals", "decorates")
_SYSTEM = ("pg_", "information_schema.", "sqlite_", "mysql.", "performance_schema.", "sys.")

Edge = tuple[ObservationKind, str, str, AccessMode | None, bool]


@dataclass(slots=True)
class _Seen:
    """What was counted: `edges` by kind, source, target, mode and whether a span names source."""

    edges: Counter[Edge] = field(default_factory=Counter)
    took: dict[Edge, float] = field(default_factory=lambda: defaultdict(float))
    texts: dict[Edge, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    ran: set[str] = field(default_factory=set)
    points: set[EntryPoint] = field(default_factory=set)
    unknown_tables: Counter[str] = field(default_factory=Counter)
    unresolved: set[Unresolved] = field(default_factory=set)

    def add(self, edge: Edge, milliseconds: float, text: str | None = None) -> None:
        self.edges[edge] += 1
        self.took[edge] += milliseconds
        if text:
            self.texts[edge][text] += 1


def with_traces(graph: Graph, spans: Iterable[Span]) -> Graph:
    """`graph` with observations; an access that only a span with a definition shows is added with
    how ``trace``, at the definition's line. Only what was seen says something: nothing that a
    trace does not show is taken away."""
    seen = _count(graph, list(spans))
    reaches = _reaches(graph)
    accesses = {(a.definition, a.table, a.mode) for a in graph.accesses}
    observations = tuple(
        sorted(
            (_observation(edge, seen, reaches, accesses) for edge in seen.edges),
            key=lambda o: (o.kind, o.source, o.target, o.mode or "", o.exact),
        )
    )
    added = _accesses(graph, observations)
    told = [
        *_missing(observations, seen),
        *_entry_points_never_seen(graph, seen),
        *_calls_never_seen(graph, observations, seen),
        *_accesses_never_seen(graph, observations, reaches),
    ]
    return recounted(
        replace(
            graph,
            observations=observations,
            accesses=tuple(
                sorted(
                    [*graph.accesses, *added],
                    key=lambda a: (a.path, a.line, a.definition, a.table, a.mode, a.how),
                )
            ),
            discrepancies=tuple(
                sorted([*graph.discrepancies, *told], key=lambda d: (d.kind, d.subject, d.detail))
            ),
            unresolved=tuple(
                sorted(
                    {*graph.unresolved, *seen.unresolved}, key=lambda u: (u.path, u.line, u.what)
                )
            ),
        )
    )


def _count(graph: Graph, spans: list[Span]) -> _Seen:
    places, seen = Places(graph), _Seen()
    by_id = {(s.trace, s.id): s for s in spans}
    definitions = {key: places.definition(s) for key, s in by_id.items()}
    points = {key: places.entry_point(s) for key, s in by_id.items()}
    tables = {t.id.lower(): t.id for t in graph.tables}
    for key, span in by_id.items():
        point, definition = points[key], definitions[key]
        if point is not None:
            seen.points.add(point)
            label = f"{point.method} {point.path}" if point.kind == "route" else point.name
            seen.add(("request", point.definition, label, None, False), span.milliseconds)
        if definition is not None:
            seen.ran.add(definition)
        above = _owner(span, by_id, definitions, points, itself=False)
        if definition is not None and above is not None and above[0] != definition:
            seen.add(("call", above[0], definition, None, above[1]), span.milliseconds)
        _statement(span, _owner(span, by_id, definitions, points, itself=True), tables, seen)
    return seen


def _owner(
    span: Span,
    by_id: dict[tuple[str, str], Span],
    definitions: dict[tuple[str, str], str | None],
    points: dict[tuple[str, str], EntryPoint | None],
    *,
    itself: bool,
) -> tuple[str, bool] | None:
    """The definition in which `span` ran, and whether a span names it or only its route does."""
    route: str | None = None
    here: Span | None = span if itself else _parent(span, by_id)
    passed: set[str] = set()
    while here is not None and here.id not in passed:  # a damaged trace may be a circle
        passed.add(here.id)
        definition = definitions[here.trace, here.id]
        if definition is not None:
            return definition, True
        point = points[here.trace, here.id]
        if point is not None and route is None:
            route = point.definition
        here = _parent(here, by_id)
    return None if route is None else (route, False)


def _parent(span: Span, by_id: dict[tuple[str, str], Span]) -> Span | None:
    return by_id.get((span.trace, span.parent)) if span.parent else None


def _statement(
    span: Span, owner: tuple[str, bool] | None, tables: dict[str, str], seen: _Seen
) -> None:
    text, named = statement(span), named_table(span)
    if text is None or not looks_like_sql(text):
        used = frozenset([named]) if named and text is None else frozenset()
    else:
        try:
            used = tables_of(readable(text), dialect(span))
        except UnparsableSQL as error:
            short = redacted(text, dialect(span))[:60]
            seen.unresolved.add(Unresolved("(traces)", 0, short, f"SQL: {error}"))
            return
    for name, mode in used:
        table = tables.get(name.lower()) or tables.get(name.rpartition(".")[2].lower())
        if table is None:
            seen.unknown_tables[name] += not name.lower().startswith(_SYSTEM)
        elif owner is not None:
            shown = redacted(text, dialect(span)) if text else None
            seen.add(("access", owner[0], table, mode, owner[1]), span.milliseconds, shown)


def _reaches(graph: Graph) -> Callable[[str], set[str]]:
    """What can run below a definition, itself among it."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in graph.dependencies:
        if edge.kind in _FLOWS:
            following[edge.source].append(edge.target)
    known: dict[str, set[str]] = {}

    def from_there(definition: str) -> set[str]:
        if definition not in known:
            known[definition] = reach(definition, following)
        return known[definition]

    return from_there


def _observation(
    edge: Edge,
    seen: _Seen,
    reaches: Callable[[str], set[str]],
    accesses: set[tuple[str, str, AccessMode]],
) -> Observation:
    kind, source, target, mode, exact = edge
    if kind == "request":
        in_code = True
    elif kind == "call":
        in_code = target in reaches(source)
    else:
        in_code = any((d, target, mode) in accesses for d in reaches(source))
    common = sorted(seen.texts[edge].items(), key=lambda item: (-item[1], item[0]))
    texts = tuple(text for text, _ in common[:_STATEMENTS])
    took = round(seen.took[edge], 3)
    return Observation(kind, source, target, mode, seen.edges[edge], took, exact, in_code, texts)


def _accesses(graph: Graph, observations: Iterable[Observation]) -> list[Access]:
    """Likely, not certain: what the definition calls and no span names may be where it happens."""
    places = {d.id: d for d in graph.definitions}
    return [
        Access(
            o.source, o.target, o.mode, places[o.source].path, places[o.source].line,
            "trace", "likely",
        )
        for o in observations
        if o.kind == "access" and o.exact and not o.in_code and o.mode and o.source in places
    ]  # fmt: skip


def _missing(observations: Iterable[Observation], seen: _Seen) -> list[Discrepancy]:
    found = []
    for o in observations:
        if not o.in_code:
            what = f"{o.mode} " if o.mode else ""
            place = "" if o.exact else ", somewhere below this entry point"
            kind = "access_without_code" if o.kind == "access" else "call_without_code"
            detail = f"{what}{o.target} seen {o.count} times{place}"
            found.append(Discrepancy(kind, o.source, detail))  # type: ignore[arg-type]
    for table, count in seen.unknown_tables.items():
        if not count:
            continue
        detail = f"statements in traces name it {count} times, the code does not know it"
        found.append(Discrepancy("table_without_code", table, detail))
    return found


def _entry_points_never_seen(graph: Graph, seen: _Seen) -> list[Discrepancy]:
    """Only of the kinds of which any was seen: traces of routes say nothing of tasks."""
    kinds = {p.kind for p in seen.points}
    paths = {d.id: d.path for d in graph.definitions}
    return [
        Discrepancy(
            "entry_point_never_seen",
            f"{p.method} {p.path}" if p.kind == "route" else p.name,
            f"{p.definition} was never asked for",
            paths.get(p.definition, ""),
            p.line,
        )
        for p in graph.entry_points
        if p.kind in kinds and p not in seen.points
    ]


def _calls_never_seen(
    graph: Graph, observations: Iterable[Observation], seen: _Seen
) -> list[Discrepancy]:
    """Calls of the code between two definitions that both ran with spans of their own."""
    paths = {d.id: d.path for d in graph.definitions}
    observed = {(o.source, o.target) for o in observations if o.kind == "call"}
    return [
        Discrepancy(
            "call_never_seen", e.source, f"{e.target} ran, but never below it",
            paths.get(e.source, ""), e.line,
        )
        for e in graph.dependencies
        if e.kind == "calls" and e.source in seen.ran and e.target in seen.ran
        and (e.source, e.target) not in observed and e.source != e.target
    ]  # fmt: skip


def _accesses_never_seen(
    graph: Graph, observations: Iterable[Observation], reaches: Callable[[str], set[str]]
) -> list[Discrepancy]:
    """Accesses below something that ran, while nothing that ran above them showed them. What is
    read by a statement that writes (``DELETE … WHERE``) counts as shown with the write."""
    observations = list(observations)
    ran = {o.source for o in observations} | {o.target for o in observations if o.kind == "call"}
    below = set().union(*(reaches(d) for d in ran))
    shown = {
        (d, o.target, o.mode) for o in observations if o.kind == "access" for d in reaches(o.source)
    }
    shown_places = {
        (a.definition, a.table, a.line)
        for a in graph.accesses
        if a.writes and (a.definition, a.table, a.mode) in shown
    }
    return [
        Discrepancy(
            "access_never_seen", a.definition, f"{a.mode} {a.table}: not in any trace",
            a.path, a.line,
        )
        for a in graph.accesses
        if a.definition in below
        and (a.definition, a.table, a.mode) not in shown
        and (a.definition, a.table, a.line) not in shown_places
    ]  # fmt: skip
