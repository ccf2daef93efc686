"""The Graph against what the application declares and did: found, missed, invented, by cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from observed import Observed, Places, observe, side

Row = dict[str, Any]


def ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def full_name(table: Mapping[str, Any]) -> str:
    schema = table["schema"]
    return f"{schema}.{table['name']}" if schema not in (None, "public") else table["name"]


def compare_tables(graph: Mapping[str, Any], declared: Iterable[Row]) -> Row:
    """Tables, columns and foreign keys; a table of another package is wanted from nobody."""
    every = {full_name(t): t for t in declared}
    own = {name: t for name, t in every.items() if t["path"]}
    found = {full_name(t): t for t in graph["tables"]}
    missed = sorted(set(own) - set(found))
    # A library's table may be there or not by settings outside of the tree.
    found = {n: t for n, t in found.items() if n in every or t["source"] != "library"}
    invented = sorted(set(found) - set(every))
    columns, keys = Counter[str](), Counter[str]()
    wrong_columns, wrong_keys = [], []
    graph_keys: dict[str, set[tuple[Any, ...]]] = {}
    for key in graph["foreign_keys"]:
        target = key["to"].removeprefix("public.")
        graph_keys.setdefault(key["from"].removeprefix("public."), set()).add(
            (tuple(key["columns"]), target, tuple(key["referred_columns"]))
        )
    for name in sorted(set(own) & set(found)):
        want, have = set(own[name]["columns"]), {c["name"] for c in found[name]["columns"]}
        tally(columns, want, have)
        wrong_columns += [f"missed {name}.{c}" for c in sorted(want - have)]
        wrong_columns += [f"invented {name}.{c}" for c in sorted(have - want)]
        keys_wanted = comparable(own[name]["foreign_keys"], own)
        keys_found = comparable(graph_keys.get(name, set()), own)
        tally(keys, keys_wanted, keys_found)
        wrong_keys += [f"missed {name} {k}" for k in sorted(keys_wanted - keys_found)]
        wrong_keys += [f"invented {name} {k}" for k in sorted(keys_found - keys_wanted)]
    return {
        "declared": len(own),
        "declared_by_other_packages": len(every) - len(own),
        "found": len(set(own) & set(found)),
        "recall": ratio(len(set(own) & set(found)), len(own)),
        "precision": ratio(len(set(found) & set(every)), len(found)),
        "missed": [
            {"table": n, "cause": own[n]["note"] or own[n]["via"], "path": own[n]["path"]}
            for n in missed
        ],
        "invented": [
            {
                "table": n,
                "cause": found[n]["source"],
                "path": f"{found[n]['path']}:{found[n]['line']}",
            }
            for n in invented
        ],
        "columns": figures(columns) | {"wrong": wrong_columns},
        "foreign_keys": figures(keys) | {"wrong": wrong_keys},
    }


def comparable(keys: Iterable[Any], own: Container[str]) -> set[tuple[Any, ...]]:
    """Keys as (columns, table, columns). Which table of other packages a key leads to may be up to
    settings that are not in the analysed tree: of such a key only the columns are compared."""
    found: set[tuple[Any, ...]] = set()
    for columns, table, referred in keys:
        table = table.removeprefix("public.")
        away = table not in own
        found.add((tuple(columns), *(("", ()) if away else (table, tuple(referred)))))
    return found


def tally(counts: Counter[str], want: set[Any], have: set[Any]) -> None:
    counts["found"] += len(want & have)
    counts["missed"] += len(want - have)
    counts["invented"] += len(have - want)


def figures(counts: Counter[str]) -> Row:
    found = counts["found"]
    return {
        "found": found,
        "missed": counts["missed"],
        "invented": counts["invented"],
        "recall": ratio(found, found + counts["missed"]),
        "precision": ratio(found, found + counts["invented"]),
    }


def compare_accesses(
    graph: Mapping[str, Any], declared: Iterable[Row], trace: Mapping[str, Any], root: Path
) -> Row:
    """Accesses by (definition, table, read or write); recall on own tables, see README."""
    tables = {full_name(t): t for t in declared}
    own = {n for n, t in tables.items() if t["path"]}
    places = Places(root, graph)
    seen = observe(trace, places, tables)
    static: dict[tuple[str, str, str], list[Row]] = {}
    for access in graph["accesses"]:
        table = access["table"].removeprefix("public.")
        static.setdefault((access["definition"], table, side(access["mode"])), []).append(access)
    heirs = heirs_of(graph)
    hits, misses, others = [], [], []
    strict = helped = inherited = 0
    for (owner, table, kind), s in sorted(seen.accesses.items()):
        found = any((d, table, kind) in static for d in s.candidates)
        by_caller = not found and any((d, table, kind) in static for d in s.callers)
        by_heir = not (found or by_caller) and any(
            (d, table, kind) in static for d in heirs.get(owner, ())
        )
        found = found or by_caller or by_heir
        if table not in own:
            others.append(found)
            continue
        strict += any((d, table, kind) in static for d in (s.runs or s.candidates))
        row = {
            "definition": owner, "table": table, "mode": kind, "at": f"{s.site[0]}:{s.site[1]}",
            "cause": cause(owner, table, kind, static, graph, s.callee),
        }  # fmt: skip
        helped += by_caller
        inherited += by_heir
        (hits if found else misses).append(row)
    verdicts = judge(static, seen, trace, places, tables)
    right, wrong = verdicts["confirmed"], verdicts["wrong"]
    return {
        "statements": seen.statements,
        "statements_in_templates": seen.by_template,
        "statements_handed_on": seen.dispatched,
        "statements_outside_definitions": seen.outside,
        "rows_refreshed": trace.get("refreshed", 0),
        "observed": len(hits) + len(misses),
        "found": len(hits),
        "recall": ratio(len(hits), len(hits) + len(misses)),
        "found_at_the_caller": helped,
        "found_at_an_heir": inherited,
        "recall_where_it_ran": ratio(strict, len(hits) + len(misses)),
        "static": len(static),
        "confirmed": len(right),
        "wrong": len(wrong),
        "unseen": len(verdicts["unseen"]),
        "made_not_run": len(verdicts["made"]),
        "from_memory": len(verdicts["memory"]),
        "no_rows_to_cascade_to": len(verdicts["no_rows"]),
        "precision": ratio(len(right), len(right) + len(wrong)),
        "on_tables_of_other_packages": {"observed": len(others), "found": sum(others)},
        "missed": misses,
        "wrong_accesses": wrong,
    }


def heirs_of(graph: Mapping[str, Any]) -> dict[str, set[str]]:
    """The classes below each class: what a method does for their rows is theirs."""
    below: dict[str, set[str]] = {}
    for edge in graph["dependencies"]:
        if edge["kind"] == "inherits":
            below.setdefault(edge["to"], set()).add(edge["from"])
    found: dict[str, set[str]] = {}
    for top in below:
        waiting = [top]
        while waiting:
            for heir in below.get(waiting.pop(), set()) - found.setdefault(top, set()):
                found[top].add(heir)
                waiting.append(heir)
    return found


class Names:
    """Where a definition names the class or the Core table that declares a table."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._spans = {
            d["id"]: (d["path"], d["line"], d["end_line"]) for d in places.graph["definitions"]
        }
        self._declaring = {
            full_name(t): t["definition"].partition(":")[2]
            for t in places.graph["tables"]
            if t.get("definition")
        }
        self._sources: dict[str, list[str]] = {}

    def ran(self, definition: str, table: str, lines: Mapping[str, set[int]]) -> bool:
        """False where it does so only on lines that did not run."""
        name, span = self._declaring.get(table), self._spans.get(definition)
        if name is None or span is None:
            return True
        path, first, last = span
        if path not in self._sources:
            source = (self._places.root / path).read_text("utf-8", "replace")
            self._sources[path] = source.split("\n")
        word = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
        named = [
            n for n in range(first, last + 1)
            if n <= len(self._sources[path]) and word.search(self._sources[path][n - 1])
        ]  # fmt: skip
        run = lines.get(path, set())
        return not named or any(
            n in run for at in named for n in self._places.statement((path, at))
        )


def cause(
    owner: str, table: str, kind: str, static: Mapping[tuple[str, str, str], Any],
    graph: Mapping[str, Any], callee: str,
) -> str:  # fmt: skip
    if table not in {full_name(t) for t in graph["tables"]}:
        return "the table is not known"
    if (owner, table, "read" if kind == "write" else "write") in static:
        return f"only the other mode is known, through {callee}"
    return f"through {callee}"


def judge(
    static: Mapping[tuple[str, str, str], list[Row]], seen: Observed, trace: Mapping[str, Any],
    places: Places, tables: Mapping[str, Any],
) -> dict[str, list[Row]]:  # fmt: skip
    """Each static access: confirmed, wrong, or neither because nothing could show it."""
    skipped: dict[str, list[tuple[int, int]]] = {}
    for path, first, last in trace.get("skipped", ()):
        skipped.setdefault(path, []).append((first, last))
    heads = {d["id"]: d["line"] for d in places.graph["definitions"] if d["kind"] == "class"}
    lines = {path: set(found) for path, found in trace["lines"].items()}
    made: dict[tuple[str, int], set[str]] = {}
    memory: dict[tuple[str, int], set[str]] = {}
    for entry in trace["made"]:
        made.setdefault(tuple(entry["site"]), set()).update(entry["tables"])
    for entry in trace["touched"]:
        memory.setdefault(tuple(entry["site"]), set()).add(entry["table"])
    names = Names(places)

    def there(access: Row) -> bool:
        """Of what a helper does for its caller: whether the helper's own line ever ran."""
        via = [v.rpartition(":")[::2] for v in access.get("via", ())]
        return not via or any(
            n in lines.get(path, ()) for path, line in via
            for n in places.statement((path, int(line)))
        )  # fmt: skip

    found: dict[str, list[Row]] = {
        k: [] for k in ("confirmed", "wrong", "unseen", "made", "memory", "no_rows")
    }
    for (definition, table, kind), accesses in sorted(static.items()):
        places_of = [
            {(a["path"], n) for n in places.statement((a["path"], a["line"]))} for a in accesses
        ]
        ran = [
            (a, sites)
            for a, sites in zip(accesses, places_of, strict=True)
            if any(n in lines.get(path, ()) for path, n in sites) and there(a)
        ]
        one = accesses[0]
        row = {
            "definition": definition, "table": table, "mode": kind, "how": one["how"],
            "confidence": one["confidence"], "at": f"{one['path']}:{one['line']}",
        }  # fmt: skip
        if (definition, table, kind) in seen.confirmed:
            verdict = "confirmed"
        elif all(a["line"] == heads.get(definition) for a, _ in ran):
            verdict = "unseen"  # of an inherited method: that the class was made shows nothing
        elif not ran or table not in tables:
            verdict = "unseen"
        elif not names.ran(definition, table, lines):
            verdict = "unseen"  # the branch that chooses this table was not taken
        elif all(
            any(first <= a["line"] <= last for first, last in skipped.get(a["path"], ()))
            for a, _ in ran
        ):
            verdict = "unseen"  # beside, or in, an operand that was not evaluated
        elif all(a["how"] == "cascade" for a, _ in ran):
            verdict = "no_rows"
        elif any(table in made.get(site, ()) for _, sites in ran for site in sites):
            verdict = "made"
        elif any(table in memory.get(site, ()) for _, sites in ran for site in sites):
            verdict = "memory"
        else:
            verdict = "wrong"
            row["at"] = f"{ran[0][0]['path']}:{ran[0][0]['line']}"
        found[verdict].append(row)
    return found
