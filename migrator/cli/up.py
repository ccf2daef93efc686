"""`migrator up`: run the workspace on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("up")(up)


def up(
    workspace: Annotated[
        Path, typer.Option("--workspace", help="The folder that `scaffold` made.")
    ] = Path("workspace"),
    check: Annotated[
        bool, typer.Option("--check", help="Start on empty data, check, stop: exit 0 or 1.")
    ] = False,
    checks: Annotated[
        Path | None, typer.Option("--checks", help="The scenario, in place of checks.yaml.")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", help="The Python that runs the services.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Where the gateway listens.")] = 8080,
    trace: Annotated[
        bool, typer.Option("--trace", help="Print the way of each request across the services.")
    ] = False,
) -> None:
    """Run the workspace here: PostgreSQL, NATS, every service, the gateway; Ctrl-C stops all."""
    import sys

    from migrator.model.errors import MigratorError

    try:
        from migrator.run.screen import TerminalScreen
        from migrator.run.up import Options, run
    except ModuleNotFoundError as error:
        raise MigratorError(
            f"not installed: {error.name}", hint="pip install 'migrator[up]'"
        ) from error
    options = Options(workspace, python or sys.executable, port, check, checks, trace)
    raise typer.Exit(run(options, TerminalScreen()))
