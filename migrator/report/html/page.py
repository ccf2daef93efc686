"""One HTML file: template, style, script and data put together."""

from __future__ import annotations

import html
import json
from importlib.resources import files

from migrator.model.graph import Graph
from migrator.model.plan import Assignment, Plan
from migrator.report.html.payload import payload

_SCRIPTS = ("data.js", "dom.js", "map.js", "draw.js", "details.js", "views.js", "app.js")


def page(graph: Graph, plan: Plan | None = None, assignment: Assignment | None = None) -> str:
    """The whole page; it asks the network for nothing, and its content policy forbids it to."""
    data = payload(graph, plan, assignment)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "TITLE": html.escape(str(data["title"])),
        "STYLE": _asset("style.css"),
        # In a script element only `</script` and `<!--` would end the data.
        "DATA": text.replace("<", "\\u003c"),
        "SCRIPT": "\n".join(_asset(name) for name in _SCRIPTS),
    }
    pieces = _asset("page.html").split("@@")
    return "".join(parts[p] if n % 2 else p for n, p in enumerate(pieces))


def _asset(name: str) -> str:
    return (files("migrator.report.html") / "assets" / name).read_text("utf-8")
