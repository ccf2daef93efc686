"""Routes of the graph against those that the application answers when it runs.

python benchmarks/accuracy/routes.py                   every application that has routes
python benchmarks/accuracy/routes.py oscar --show 20   some, with cases

A route is (URL with its parameters left blank, definition that answers). `open` are those whose
definition is right and whose URL begins with something computed (as `${…}`) and ends as it should.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from install import HERE, Application, installed

_PARAMETER = re.compile(r"<[^<>]*>")
Route = tuple[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="APPLICATION")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/migrator-accuracy")
    parser.add_argument("--again", action="store_true", help="ask the applications anew")
    parser.add_argument("--show", type=int, default=0, help="cases printed of each kind")
    options = parser.parse_args()
    head = ("routes", "found", "open", "missed", "invented", "recall", "precision")
    widths = (7, 7, 6, 7, 9, 9, 10)
    print(f"{'application':14}", *(f"{h:>{w}}" for h, w in zip(head, widths, strict=True)), sep="")
    for file in sorted((HERE / "applications").glob("*.toml")):
        app = Application.read(file.stem, tomllib.loads(file.read_text("utf-8")), options.cache)
        if app.routes and (not options.names or file.stem in options.names):
            try:
                measure(app, options.again, options.show)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"{app.name:14} failed: {str(error)[:200]}")
    return 0


def measure(app: Application, again: bool, show: int) -> None:
    installed(app)
    answered = app.answered(again)
    output = app.folder / "graph.json"
    command = [sys.executable, "-m", "migrator", "analyze", str(app.root), "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    mounted = "mounted" in app.routes
    result = compare(json.loads(output.read_text("utf-8")), answered, mounted)
    counts = {kind: len(cases) for kind, cases in result.items()}
    wanted = counts["found"] + counts["open"] + counts["missed"]
    told = counts["found"] + counts["open"] + counts["invented"]
    hits = counts["found"] + counts["open"]
    row = f"{app.name:14}{wanted:7}{counts['found']:7}{counts['open']:6}{counts['missed']:7}"
    row += f"{counts['invented']:9}{hits / wanted:9.1%}{hits / max(told, 1):10.1%}"
    print(row, flush=True)
    for kind in ("missed", "invented") if show else ():
        for url, definition in sorted(result[kind])[:show]:
            print(f"    {kind:9}{url}  {definition}")


def compare(
    graph: Mapping[str, Any], answered: Iterable[Mapping[str, Any]], mounted: bool
) -> dict[str, set[Route]]:
    """What of the routes that are answered is told, and what else is. `mounted` tells that the
    root of all URLs is not in the tree: then every URL may begin with something unknown."""
    ids = {
        (d["path"], d["id"].rpartition(":")[2]): d["id"] for d in graph["definitions"]
    }  # fmt: skip
    wanted = {
        (shape(r["url"]), ids.get((r["path"], r["name"]), f"{r['path']}:{r['name']}"))
        for r in answered
    }
    told = {
        (shape(p["path"]), p["definition"]) for p in graph["entry_points"] if p["kind"] == "route"
    }
    found = wanted & told
    ends = [(u.rpartition("}")[2], d) for u, d in told - found if mounted or "${" in u]
    opened = {w for w in wanted - found if any(d == w[1] and ends_so(w[0], e) for e, d in ends)}
    invented = {
        (u, d)
        for u, d in told - found
        if not (mounted or "${" in u)
        or not any(d == w and ends_so(url, u.rpartition("}")[2]) for url, w in wanted)
    }
    return {
        "found": found, "open": opened, "missed": wanted - found - opened, "invented": invented,
    }  # fmt: skip


def ends_so(url: str, end: str) -> bool:
    return f"/{url}".endswith(end)


def shape(url: str) -> str:
    """A URL with its parameters blank; what frameworks write around it is gone."""
    return _PARAMETER.sub("<>", url).strip("/")


if __name__ == "__main__":
    sys.exit(main())
