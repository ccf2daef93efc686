"""``migrator status``: how far the migration is."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_EPILOG = """Examples:

  migrator status                                       routes and tables moved, by service

  migrator status --prometheus http://localhost:9090    and the share of the traffic

  migrator status --findings                            and what verify finds

  migrator status --format json | jq .total.routes      for scripts

  migrator status --format prometheus > moved.prom      for a textfile collector
"""


class Format(StrEnum):
    text = "text"
    json = "json"
    prometheus = "prometheus"


def register(app: typer.Typer) -> None:
    app.command("status", epilog=_EPILOG)(status)


def status(
    plan: Annotated[Path, typer.Option(help="The plan.")] = Path("migration.yaml"),
    workspace: Annotated[
        Path | None,
        typer.Option(
            help="The workspace; ./workspace is taken where it exists.", show_default=False
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The workspace's Prometheus: tells how much traffic has moved.",
            show_default=False,
        ),
    ] = None,
    over: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back traffic counts.")
    ] = "1d",
    findings: Annotated[
        bool, typer.Option("--findings", help="Run verify's rules and count what they find.")
    ] = False,
    output_format: Annotated[
        Format, typer.Option("--format", help="text, json or prometheus.")
    ] = Format.text,
) -> None:
    """Tell how far the migration is: routes, tables and traffic that left the monolith."""
    from rich.console import Console

    from migrator.model.errors import MigratorError
    from migrator.report.status import as_json, as_prometheus, as_table, summary
    from migrator.run.status import read_progress, read_traffic

    if workspace is not None and not workspace.is_dir():
        raise MigratorError(
            "no such workspace", where=str(workspace), hint="run `migrator scaffold` first"
        )
    default = Path("workspace")
    chosen = workspace or (default if default.is_dir() else None)
    progress = read_progress(Path(".migrator/graph.json"), plan, chosen)
    traffic = read_traffic(prometheus, over) if prometheus else None
    counted = _counted(plan, chosen) if findings else None
    if output_format is Format.json:
        typer.echo(as_json(progress, traffic, counted), nl=False)
        return
    if output_format is Format.prometheus:
        typer.echo(as_prometheus(progress), nl=False)
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    console.print(as_table(progress, traffic))
    console.print(summary(progress, counted))


def _counted(plan: Path, workspace: Path | None) -> dict[str, int]:
    from collections import Counter

    from migrator.verify.load import load
    from migrator.verify.rule import verify

    found = verify(load(Path(".migrator/graph.json"), plan, workspace))
    return {"error": 0, "warning": 0} | Counter(finding.severity for finding in found)
