"""Accuracy of `migrator analyze` on real applications: see README.md beside this file.

python benchmarks/accuracy/run.py                     every application
python benchmarks/accuracy/run.py wagtail optuna      some
python benchmarks/accuracy/run.py --json out.json     the figures and every case as JSON
python benchmarks/accuracy/run.py --again             record the sessions anew
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from compare import compare_accesses, compare_tables
from install import HERE, Application, installed

EXIT_MISSING = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="APPLICATION")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/migrator-accuracy")
    parser.add_argument("--json", type=Path, help="write the whole result here")
    parser.add_argument("--again", action="store_true", help="record the sessions anew")
    parser.add_argument("--show", type=int, default=8, help="cases printed of each kind")
    options = parser.parse_args()
    known = {p.stem: p for p in sorted((HERE / "applications").glob("*.toml"))}
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        print(
            f"no such application: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr
        )
        return EXIT_MISSING
    results: dict[str, Any] = {}
    for name in options.names or known:
        app = Application.read(name, tomllib.loads(known[name].read_text("utf-8")), options.cache)
        try:
            results[name] = measure(app, options.again)
        except (subprocess.SubprocessError, OSError) as error:
            results[name] = {"failed": str(error)[:400]}
        print(text(name, results[name], options.show), flush=True)
    print(summary(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 0


def measure(app: Application, again: bool) -> dict[str, Any]:
    installed(app)
    declared = app.declared(again)
    trace = app.trace(again)
    output = app.folder / "graph.json"
    command = [sys.executable, "-m", "migrator", "analyze", str(app.root), "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    graph = json.loads(output.read_text("utf-8"))
    return {
        "framework": app.framework,
        "version": app.version(),
        "tables": compare_tables(graph, declared),
        "accesses": compare_accesses(graph, declared, trace, app.root),
        "unresolved": graph["stats"]["unresolved"],
    }


def percent(value: float | None) -> str:
    return "   –  " if value is None else f"{value * 100:5.1f} %"


def text(name: str, result: dict[str, Any], show: int) -> str:
    if "failed" in result:
        return f"\n== {name}: failed: {result['failed']}"
    tables, accesses = result["tables"], result["accesses"]
    lines = [f"\n== {name} {result['version']} ({result['framework']})"]
    lines.append(
        f"tables     recall {percent(tables['recall'])}  precision {percent(tables['precision'])}"
        f"  declared {tables['declared']}  found {tables['found']}"
        f"  invented {len(tables['invented'])}"
    )
    for kind in ("columns", "foreign_keys"):
        f = tables[kind]
        lines.append(
            f"  {kind:13}recall {percent(f['recall'])}  precision {percent(f['precision'])}"
            f"  missed {f['missed']}  invented {f['invented']}"
        )
        lines += [f"      {case}" for case in f["wrong"][:show]]
    for kind in ("missed", "invented"):
        lines += by_cause(kind, tables[kind], lambda c: f"{c['table']} {c['path']}", show)
    lines.append(
        f"accesses   recall {percent(accesses['recall'])}  precision"
        f" {percent(accesses['precision'])}  observed {accesses['observed']}  found"
        f" {accesses['found']}  confirmed {accesses['confirmed']}  wrong {accesses['wrong']}"
    )
    lines.append(
        f"  recall where it ran {percent(accesses['recall_where_it_ran'])}; found at the caller"
        f" of a helper {accesses['found_at_the_caller']}, at an heir"
        f" {accesses['found_at_an_heir']};"
        f" of {accesses['static']} static: unseen {accesses['unseen']}, made but not run"
        f" {accesses['made_not_run']}, served from memory {accesses['from_memory']},"
        f" no row to cascade to {accesses['no_rows_to_cascade_to']};"
        f" unresolved {result['unresolved']}"
    )
    lines.append(
        f"  {accesses['statements']} statements; in templates"
        f" {accesses['statements_in_templates']}, handed on {accesses['statements_handed_on']},"
        f" outside definitions {accesses['statements_outside_definitions']}, refreshed"
        f" {accesses['rows_refreshed']}; on tables of other"
        f" packages {accesses['on_tables_of_other_packages']}"
    )
    lines += by_cause("missed", accesses["missed"], place, show)
    wrong = [
        case | {"cause": f"{case['how']} {case['mode']} {case['confidence']}"}
        for case in accesses["wrong_accesses"]
    ]
    lines += by_cause("wrong", wrong, place, show)
    return "\n".join(lines)


def place(case: dict[str, Any]) -> str:
    return f"{case['mode']} {case['table']} in {case['definition']} at {case['at']}"


def by_cause(kind: str, cases: list[dict[str, Any]], shown: Any, show: int) -> list[str]:
    lines = []
    for cause, count in Counter(case["cause"] for case in cases).most_common(show * 2):
        lines.append(f"  {kind} {count:4}  {cause}")
        lines += [f"      {shown(c)}" for c in cases if c["cause"] == cause][:show]
    return lines


def summary(results: dict[str, Any]) -> str:
    head = (
        f"\n{'application':18} {'tables recall/prec.':>20} {'columns':>18} {'foreign keys':>18}"
        f" {'accesses':>18} {'where run':>9}"
    )
    lines = [head]
    for name, result in results.items():
        if "failed" in result:
            lines.append(f"{name:18} failed")
            continue
        t, a = result["tables"], result["accesses"]
        pairs = [t, t["columns"], t["foreign_keys"], a]
        cells = "  ".join(f"{percent(p['recall'])}/{percent(p['precision'])}" for p in pairs)
        lines.append(f"{name:18} {cells}  {percent(a['recall_where_it_ran'])}")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
