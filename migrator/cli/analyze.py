"""``migrator analyze``: read a monolith into the graph."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migrator.cli._plain import PlainCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.analyze.pipeline import Analysis
    from migrator.model.graph import Graph
    from migrator.model.plan import Assignment, Plan

_EPILOG = """Examples:

  migrator analyze .                          the monolith in this folder

  migrator analyze src --format json | jq .stats

  migrator analyze . --html graph.html        a page to look around in

  migrator analyze . --explain orders         who reads and writes a table, with file and line

  migrator analyze . --database postgresql://reader@host/shop --traces spans.json --history

Writes .migrator/graph.json, which plan, scaffold and verify read.
"""


class Format(StrEnum):
    text = "text"
    json = "json"
    mermaid = "mermaid"
    dot = "dot"


def register(app: typer.Typer) -> None:
    app.command("analyze", epilog=_EPILOG, cls=PlainCommand)(analyze)


def analyze(
    path: Annotated[Path, typer.Argument(help="The monolith's folder, or one file.")],
    output_format: Annotated[
        Format, typer.Option("--format", help="text, json, mermaid or dot.")
    ] = Format.text,
    output: Annotated[Path, typer.Option(help="Where the graph goes.")] = Path(
        ".migrator/graph.json"
    ),
    html: Annotated[
        Path | None,
        typer.Option(help="Also write the graph as one page.", show_default=False),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            help="Answer for one table, module or definition instead of the summary.",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            help="URL of a live database to compare with; it is only read.",
            envvar="MIGRATOR_DATABASE_URL",
            show_default=False,
        ),
    ] = None,
    traces: Annotated[
        str | None,
        typer.Option(
            help="Traces: a file or folder of Jaeger or OTLP JSON, or the URL of a Jaeger.",
            show_default=False,
        ),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Add what changes together, from git.")
    ] = False,
    plan: Annotated[Path, typer.Option(help="The plan whose services are shown.")] = Path(
        "migration.yaml"
    ),
) -> None:
    """Read a monolith: modules, routes, tables, who reads and writes them, transactions."""
    from rich.console import Console

    # The process ends soon: walking millions of live objects once more frees nothing.
    gc.disable()
    from migrator.analyze.pipeline import analysis
    from migrator.model.graph_file import graph_bytes
    from migrator.report.progress import telling
    from migrator.report.terminal import summary
    from migrator.run.files import write_atomically

    with telling(Console(stderr=True)) as tell:
        plain = not (database or traces or history)

        def written(done: Analysis) -> None:
            tell("writing the graph")
            _write(done, output)

        cache = output.parent / "cache"
        graph = analysis(path, progress=tell, cache=cache, use=written if plain else None).graph
        if not plain:
            graph = _evidence(graph, path, database, traces, history, tell)
            tell("writing the graph")
            write_atomically(output, graph_bytes(graph))
    drawn = output_format in (Format.mermaid, Format.dot)
    proposed = _proposed(plan, graph) if html or drawn else None
    if html:
        from migrator.report.html.page import page

        write_atomically(html, page(graph, *(proposed or ())))
    if explain:
        _explain(graph, explain, output_format)
    elif output_format is Format.json:
        typer.echo(output.read_bytes(), nl=False)
    elif drawn:
        from migrator.report import diagram

        picture = diagram.diagram(graph, proposed[1] if proposed else None)
        write = diagram.dot if output_format is Format.dot else diagram.mermaid
        typer.echo(write(picture), nl=False)
    else:
        console = Console(highlight=False)
        console.width = console.width if console.is_terminal else 120
        console.print(summary(graph, output.as_posix()))


def _write(done: Analysis, output: Path) -> None:
    """The same graph is not written again, and of one that differs in little from what stands
    there only that is told anew."""
    from migrator.analyze.kept import WrittenGraph
    from migrator.model.graph_file import graph_bytes
    from migrator.run.files import write_atomically

    written = WrittenGraph(output.parent / "cache", output)
    if done.key is not None and written.holds(done.key):
        return
    data: bytes | None = None
    if done.rewriting is not None:
        held = next((key for key in done.rewriting.former if written.holds(key)), None)
        if held is not None:
            data = done.rewriting.rewritten(held, output.read_bytes())
    write_atomically(output, data if data is not None else graph_bytes(done.graph))
    if done.key is not None:
        written.note(done.key)


def _evidence(
    graph: Graph,
    path: Path,
    database: str | None,
    traces: str | None,
    history: bool,
    tell: Callable[[str], None],
) -> Graph:
    """The database first: traces may name tables that only it shows."""
    if database:
        from migrator.analyze.evidence.compare import with_database
        from migrator.analyze.evidence.database import read_database

        graph = with_database(graph, read_database(database, tell))
    if traces:
        from migrator.analyze.evidence.spans import read_spans
        from migrator.analyze.evidence.traces import with_traces

        graph = with_traces(graph, read_spans(traces, tell))
    if history:
        from migrator.analyze.evidence.history import with_history

        tell("reading git's history")
        graph = with_history(graph, path)
    return graph


def _explain(graph: Graph, name: str, output_format: Format) -> None:
    from rich.console import Console

    from migrator.report.explain import as_json, explain
    from migrator.report.explanation import shown

    found = explain(graph, name)
    if output_format is Format.json:
        typer.echo(as_json(found), nl=False)
    else:
        # Piped or not, a place stays on its line: grep and editors read them.
        Console(highlight=False, soft_wrap=True).print(shown(found))


def _proposed(path: Path, graph: Graph) -> tuple[Plan, Assignment] | None:
    """The plan with its globs resolved; none where there is no plan yet."""
    from migrator.model.plan_file import read_plan
    from migrator.plan.resolve import assign

    if not path.exists():
        return None
    plan = read_plan(path)
    return plan, assign(plan, graph)
