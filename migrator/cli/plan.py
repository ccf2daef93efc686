"""``migrator plan``: propose services, bring a plan up to date, explain it, ask what if."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from migrator.model.graph import Graph
    from migrator.model.plan import Pin, Plan
    from migrator.plan.settings import Settings

_EPILOG = """Examples:

  migrator plan                         propose, or bring ./migration.yaml up to date

  migrator plan --services 5 --fresh    start anew with about five services

  migrator plan --pin quotas=accounts   a table, definition or glob that stays where you say

  migrator plan --explain quotas        why it is where it is, and what would move it

  migrator plan --move quotas=accounts  what if: figures before and after, nothing written

  migrator plan --merge jobs search     what if these were one service

  migrator plan --services 6            what if there were six (where a plan exists)

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
        typer.Option(
            min=1,
            help="How many services a new plan has; beside an existing plan, a what-if.",
            show_default=False,
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(help="THING=SERVICE, kept by every later plan.", show_default=False),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the plan that is there.")] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Why a table or definition is in its service.", show_default=False
        ),
    ] = None,
    move: Annotated[
        list[str] | None,
        typer.Option(help="What if NAME=SERVICE; writes nothing.", show_default=False),
    ] = None,
    merge: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B", help="What if A and B were one; writes nothing.", show_default=False
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="The plan's file.")] = Path("migration.yaml"),
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.text,
) -> None:
    """Propose service boundaries as a file to edit and review."""
    from migrator.model.config import read_config
    from migrator.model.graph_file import read_graph
    from migrator.model.plan_file import read_plan
    from migrator.plan.settings import settings_of

    gc.disable()  # the process ends soon: a collection would only walk what is in use
    graph = read_graph(Path(".migrator/graph.json"))
    settings = settings_of(read_config(Path()))
    pins = tuple(_pin(text) for text in pin or ())
    known = read_plan(output) if output.exists() and not fresh else None
    _check_pins(pins, known, graph, output)
    known = _with_pins(known, pins) if known else None
    if explain or move or merge or (services is not None and known is not None):
        present = _present(known, graph, settings, pins)
        if explain:
            _explain(explain, present, graph, settings, output_format)
        else:
            after = _what_if(present, graph, settings, services, tuple(move or ()), merge)
            _compare(present, after, graph, output_format)
        return
    _write(known, graph, settings, services, pins, output, output_format)


def _pair(text: str, option: str) -> tuple[str, str]:
    """``THING=SERVICE`` of the command line."""
    from migrator.model.errors import MigratorError

    what, mark, service = text.rpartition("=")
    if not mark or not what or not service:
        raise MigratorError(f"{option} {text}: THING=SERVICE expected")
    return what, service


def _pin(text: str) -> Pin:
    from migrator.model.plan import Pin

    return Pin(*_pair(text, "--pin"))


def _check_pins(given: tuple[Pin, ...], known: Plan | None, graph: Graph, output: Path) -> None:
    """Refuse pins of the command line that mean nothing, and warn of those of the plan's file: what
    they named may have gone from the code since."""
    from rich.console import Console

    from migrator.model.errors import MigratorError
    from migrator.model.plan_file import pin_lines
    from migrator.plan.named import Names

    names = Names(graph)
    for pin in given:
        if not names.has(pin.what):
            raise MigratorError(
                f"--pin {pin.what}={pin.service}: no table or definition is called {pin.what!r}",
                hint=names.meant(pin.what),
            )
    old = known.pins if known else ()
    if all(names.has(pin.what) for pin in old):
        return
    errors = Console(stderr=True, highlight=False)
    for pin, line in zip(old, pin_lines(output.read_text("utf-8")), strict=True):
        if not names.has(pin.what):
            told = f"{output}:{line}: warning: the pin of {pin.what} to {pin.service} holds nothing"
            hint = f"no table or definition is called so; {names.meant(pin.what)}"
            errors.print(f"{told}: {hint}", markup=False, soft_wrap=True)


def _present(known: Plan | None, graph: Graph, settings: Settings, pins: tuple[Pin, ...]) -> Plan:
    """The plan as it would be written now."""
    from migrator.plan.propose import propose
    from migrator.plan.replan import replan

    return replan(known, graph, settings) if known else propose(graph, None, pins, settings)


def _explain(
    name: str, present: Plan, graph: Graph, settings: Settings, output_format: Format
) -> None:
    from migrator.plan.explain import reasons
    from migrator.plan.resolve import assign
    from migrator.report.reasons import as_json, shown

    found = reasons(name, present, assign(present, graph), graph, settings)
    if output_format is Format.json:
        typer.echo(as_json(found), nl=False)
    else:
        _wide().print(shown(found))


def _wide() -> Console:
    """Piped, tables are not folded."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 160
    return console


def _what_if(
    present: Plan,
    graph: Graph,
    settings: Settings,
    services: int | None,
    moves: tuple[str, ...],
    merge: tuple[str, str] | None,
) -> Plan:
    from migrator.plan.propose import propose
    from migrator.plan.whatif import joined, moved

    after = present
    if services is not None:
        after = propose(graph, services, present.pins, settings)
    if merge:
        after = joined(after, graph, *merge)
    if moves:
        after = moved(after, graph, tuple(_pair(text, "--move") for text in moves))
    return after


def _compare(before: Plan, after: Plan, graph: Graph, output_format: Format) -> None:
    from migrator.plan.figures import compared
    from migrator.plan.resolve import assign
    from migrator.report.plan import compared as shown
    from migrator.report.plan import compared_json

    first = compared(graph, assign(before, graph), "before")[0]
    figures = [first, *compared(graph, assign(after, graph), "after")]
    if output_format is Format.json:
        typer.echo(compared_json(before, after, figures), nl=False)
    else:
        _wide().print(shown(before, after, figures))


def _write(
    known: Plan | None,
    graph: Graph,
    settings: Settings,
    services: int | None,
    pins: tuple[Pin, ...],
    output: Path,
    output_format: Format,
) -> None:
    from rich.console import Console

    from migrator.model.plan_file import dump_plan
    from migrator.model.plan_schema import dump_schema
    from migrator.plan.figures import compared
    from migrator.plan.propose import proposal
    from migrator.plan.replan import replan
    from migrator.plan.resolve import assign
    from migrator.report.plan import as_json, summary
    from migrator.run.files import write_atomically

    errors = Console(stderr=True, highlight=False)
    choice = None
    if known is None:
        found = proposal(graph, services, pins, settings)
        made, choice, previous = found.plan, found.choice, None
    else:
        made, previous = replan(known, graph, settings), output.read_text("utf-8")
    text = dump_plan(made, previous)
    if known is not None and previous is not None:
        _tell_changes(errors, known, made, graph, previous, text, output)
    if text != previous:
        write_atomically(output, text)
    write_atomically(Path(".migrator/plan.schema.json"), dump_schema())
    assignment = assign(made, graph)
    figures = compared(graph, assignment)
    if output_format is Format.json:
        typer.echo(as_json(made, assignment, figures, choice), nl=False)
        return
    console = Console(highlight=False, width=None if errors.is_terminal else 120)
    console.print(summary(made, assignment, figures, choice))
    console.print(f"plan: {output}   edit it, then: migrator scaffold")


def _tell_changes(
    errors: Console, before: Plan, after: Plan, graph: Graph, old: str, new: str, output: Path
) -> None:
    import difflib

    from migrator.plan.changes import changes

    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "before", output.name)
    errors.print("".join(lines) or f"{output}: nothing changed", markup=False, end="\n")
    for line in changes(before, after, graph):
        errors.print(f"- {line}", markup=False, soft_wrap=True)


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
