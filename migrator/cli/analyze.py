"""``migrator analyze``: read a monolith into the graph."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_EPILOG = """Examples:

  migrator analyze .                          the monolith in this folder

  migrator analyze src --format json | jq .stats

Writes .migrator/graph.json, which plan, scaffold and verify read.
"""


class Format(StrEnum):
    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    app.command("analyze", epilog=_EPILOG)(analyze)


def analyze(
    path: Annotated[Path, typer.Argument(help="The monolith's folder, or one file.")],
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.text,
    output: Annotated[Path, typer.Option(help="Where the graph goes.")] = Path(
        ".migrator/graph.json"
    ),
) -> None:
    """Read a monolith: modules, routes, tables, who reads and writes them, transactions."""
    from rich.console import Console

    from migrator.analyze.pipeline import analyze as read_monolith
    from migrator.model.graph_file import dump_graph
    from migrator.report.terminal import summary
    from migrator.run.files import write_atomically

    errors = Console(stderr=True)
    with errors.status("reading") as status:
        graph = read_monolith(path, progress=status.update)
    text = dump_graph(graph)
    write_atomically(output, text)
    if output_format is Format.json:
        typer.echo(text, nl=False)
    else:
        Console(highlight=False, width=None if errors.is_terminal else 100).print(
            summary(graph, output.as_posix())
        )
