"""``migrator plan``: propose services, or bring a plan up to date."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from migrator.model.plan import Pin, Plan

_EPILOG = """Examples:

  migrator plan                         propose, or bring ./migration.yaml up to date

  migrator plan --services 5 --fresh    start anew with about five services

  migrator plan --pin quotas=accounts   a table, definition or glob that stays where you say

  migrator plan --format json | jq .figures
"""


class Format(StrEnum):
    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    app.command("plan", epilog=_EPILOG)(plan)


def plan(
    services: Annotated[
        int | None,
        typer.Option(min=1, help="How many services a new plan has.", show_default=False),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(help="THING=SERVICE, kept by every later plan.", show_default=False),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the plan that is there.")] = False,
    output: Annotated[Path, typer.Option(help="The plan's file.")] = Path("migration.yaml"),
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.text,
) -> None:
    """Propose service boundaries as a file to edit and review."""
    import difflib

    from rich.console import Console

    from migrator.model.config import read_config
    from migrator.model.graph_file import read_graph
    from migrator.model.plan_file import dump_plan, read_plan
    from migrator.plan.figures import compared
    from migrator.plan.propose import propose
    from migrator.plan.replan import replan
    from migrator.plan.resolve import assign
    from migrator.plan.settings import settings_of
    from migrator.report.plan import as_json, summary
    from migrator.run.files import write_atomically

    graph = read_graph(Path(".migrator/graph.json"))
    settings = settings_of(read_config(Path()))
    pins = tuple(_pin(text) for text in pin or ())
    previous = None if fresh or not output.exists() else output.read_text("utf-8")
    if previous is None:
        made = propose(graph, services, pins, settings)
    else:
        made = replan(_with_pins(read_plan(output), pins), graph, settings)
    text = dump_plan(made, previous)
    errors = Console(stderr=True, highlight=False)
    if previous is not None:
        lines = difflib.unified_diff(
            previous.splitlines(True), text.splitlines(True), "before", output.name
        )
        errors.print("".join(lines) or f"{output}: nothing changed", markup=False, end="\n")
    if text != previous:
        write_atomically(output, text)
    assignment = assign(made, graph)
    figures = compared(graph, assignment)
    if output_format is Format.json:
        typer.echo(as_json(made, assignment, figures), nl=False)
        return
    console = Console(highlight=False, width=None if errors.is_terminal else 120)
    console.print(summary(made, assignment, figures))
    console.print(f"plan: {output}   edit it, then: migrator scaffold")


def _pin(text: str) -> Pin:
    from migrator.model.errors import MigratorError
    from migrator.model.plan import Pin

    what, mark, service = text.rpartition("=")
    if not mark or not what or not service:
        raise MigratorError(f"--pin {text}: THING=SERVICE expected")
    return Pin(what, service)


def _with_pins(plan: Plan, pins: tuple[Pin, ...]) -> Plan:
    from dataclasses import replace

    from migrator.model.errors import MigratorError

    names = {s.name for s in plan.services}
    for pin in pins:
        if pin.service not in names:
            known = ", ".join(sorted(names))
            raise MigratorError(f"--pin: no service {pin.service!r}", hint=f"the plan has {known}")
    kept = tuple(p for p in plan.pins if p.what not in {n.what for n in pins})
    return replace(plan, pins=kept + pins)
