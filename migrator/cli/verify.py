"""``migrator verify``: keep the boundaries, in the monolith and in the workspace."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from migrator.cli._plain import PlainCommand

_EPILOG = """Examples:

  migrator verify                           monolith, and ./workspace where there is one

  migrator verify --workspace services      a workspace that lies elsewhere

  migrator verify --since origin/main       contracts of messages against what is released

  migrator verify --format json | jq .      for scripts
"""


class Format(StrEnum):
    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    app.command("verify", epilog=_EPILOG, cls=PlainCommand)(verify)


def verify(
    plan: Annotated[Path, typer.Option(help="The plan.")] = Path("migration.yaml"),
    workspace: Annotated[
        Path | None,
        typer.Option(
            help="The workspace; ./workspace is taken where it exists.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Hold contracts against those of this git revision, not of the last scaffold.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.text,
) -> None:
    """Check the monolith and the services against the plan. Exit 1 where there are errors."""
    from migrator.report.findings import as_json, as_text
    from migrator.verify.verdict import verdict

    gc.disable()  # the process ends soon: a collection would only walk what is in use
    default = Path("workspace")
    chosen = workspace or (default if default.is_dir() else None)
    findings = verdict(Path(".migrator/graph.json"), plan, chosen, since)
    typer.echo(as_json(findings) if output_format is Format.json else as_text(findings), nl=False)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
