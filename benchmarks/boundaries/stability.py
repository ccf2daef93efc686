"""How much of a plan moves when the code changes a little: fresh plans, held against each other.

    python benchmarks/boundaries/stability.py .migrator/graph.json
    python benchmarks/boundaries/stability.py .migrator/graph.json --changes 10 --share 0.02

Each change takes a share of the definitions away, drawn by lot, with all that they do (a commit the
other way round), and plans what is left from nothing. Printed are the adjusted Rand index of that
plan with the first one, over what is in both, and the share of definitions and tables whose service
changed, services matched by what they have in common (the optimal assignment). Beside them: how
many things a re-plan moves, which is what `migrator plan` does where a plan exists.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import networkx as nx
from measures import adjusted_rand

from migrator.model.graph import Graph
from migrator.model.graph_file import read_graph
from migrator.model.plan import Plan
from migrator.plan.propose import drawn, propose
from migrator.plan.replan import replan
from migrator.plan.resolve import assign
from migrator.plan.settings import Settings


def less(graph: Graph, share: float, seed: int) -> Graph:
    """The graph without a share of its definitions; what maps a table stays."""
    models = {t.definition for t in graph.tables}
    able = sorted(d.id for d in graph.definitions if d.id not in models)
    gone = set(random.Random(seed).sample(able, round(share * len(able))))
    return replace(
        graph,
        definitions=tuple(d for d in graph.definitions if d.id not in gone),
        accesses=tuple(a for a in graph.accesses if a.definition not in gone),
        dependencies=tuple(e for e in graph.dependencies if not {e.source, e.target} & gone),
        entry_points=tuple(p for p in graph.entry_points if p.definition not in gone),
        relationships=tuple(r for r in graph.relationships if r.definition not in gone),
        transactions=tuple(
            replace(t, definitions=tuple(d for d in t.definitions if d not in gone))
            for t in graph.transactions
            if t.definition not in gone
        ),
    )


def owners(plan: Plan, graph: Graph) -> dict[str, str]:
    found = assign(plan, graph)
    return found.owner_of | {f"table:{t}": o for t, o in found.table_owner.items()}


def moved(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """The share of things in both that change their part, parts matched to lose least."""
    both = one.keys() & other.keys()
    shared = Counter((one[x], other[x]) for x in both)
    pairs: nx.Graph[tuple[int, str]] = nx.Graph()
    pairs.add_weighted_edges_from(((0, a), (1, b), n) for (a, b), n in shared.items())
    kept = sum(pairs[a][b]["weight"] for a, b in nx.max_weight_matching(pairs))
    return 1 - kept / len(both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("--changes", type=int, default=5)
    parser.add_argument("--share", type=float, nargs="+", default=[0.005, 0.02])
    given = parser.parse_args()
    graph = read_graph(given.graph)
    plan = propose(graph)
    first = owners(plan, graph)
    print(f"{len(graph.definitions)} definitions, {len(plan.services)} services")
    print("gone    ARI median   least   moved median    most   services   re-plan moved")
    for share in given.share:
        rows = []
        for seed in range(given.changes):
            part = less(graph, share, seed)
            fresh, _ = drawn(part, None, (), Settings())
            found, again = owners(fresh, part), owners(replan(plan, part), part)
            both = {x: first[x] for x in first if x in found}
            kept = sum(again[x] != first[x] for x in again if x in first)
            rows.append(
                (adjusted_rand(found, both), moved(first, found), len(fresh.services), kept)
            )
        alike, away, counts, replanned = zip(*rows, strict=True)
        print(
            f"{share:5.1%} {statistics.median(alike):11.3f} {min(alike):8.3f}"
            f" {statistics.median(away):13.1%} {max(away):8.1%}"
            f"   {min(counts)}-{max(counts)} {max(replanned):15}",
            flush=True,
        )


if __name__ == "__main__":
    main()
