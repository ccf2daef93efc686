"""``migrator scaffold``: carve the planned services out of the monolith."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from migrator.model.graph import Graph
    from migrator.scaffold.write import Change

_EPILOG = """Examples:

  migrator scaffold                     all services of migration.yaml into ./workspace

  migrator scaffold billing             one service; the gateway leaves the rest to the monolith

  migrator scaffold --monolith          traces, metrics and logs for the monolith, by one line

  migrator scaffold --dry-run --diff    show what would change, write nothing
"""


def register(app: typer.Typer) -> None:
    app.command("scaffold", epilog=_EPILOG)(scaffold)


def scaffold(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="Only these services of the plan.", show_default=False),
    ] = None,
    plan: Annotated[Path, typer.Option(help="The plan.")] = Path("migration.yaml"),
    output: Annotated[Path, typer.Option(help="The workspace to write.")] = Path("workspace"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print every change as a diff.")] = False,
    monolith: Annotated[
        bool, typer.Option("--monolith", help="Give the monolith the services' telemetry instead.")
    ] = False,
    fresh_migrations: Annotated[
        bool,
        typer.Option(
            "--fresh-migrations",
            help="Start at one first revision again: for services that run nowhere yet.",
        ),
    ] = False,
) -> None:
    """Carve the planned services out of the monolith's own code into a workspace."""
    from migrator.analyze.pipeline import analyze
    from migrator.model.graph_file import read_graph
    from migrator.model.plan_file import read_plan
    from migrator.plan.resolve import assign
    from migrator.scaffold.observability import with_runbooks_at
    from migrator.scaffold.revisions.read import read_histories
    from migrator.scaffold.source import carved_services, read_source
    from migrator.scaffold.workspace import build
    from migrator.scaffold.write import apply, changes_to

    known = read_graph(Path(".migrator/graph.json"))
    root = Path(known.root)
    if monolith:
        _monolith(root, dry_run, diff)
        return
    _carvable(known)
    planned = read_plan(plan)
    wanted = _known(tuple(services or ()), tuple(s.name for s in planned.services), plan)
    graph = analyze(root, cache=Path(".migrator/cache"))
    histories = (
        {} if fresh_migrations else read_histories(output, [s.name for s in planned.services])
    )
    workspace = build(
        planned,
        assign(planned, graph),
        graph,
        read_source(root, graph),
        wanted,
        carved_services(output),
        histories,
    )
    files = with_runbooks_at(_runbooks(root), workspace.files)
    changes = changes_to(output, files, workspace.scope)
    if diff:
        typer.echo("".join(c.diff() for c in changes if c.text != c.previous), nl=False)
    if not dry_run:
        apply(output, changes, files)
    _report(output, changes, workspace.problems, dry_run)
    if not dry_run:
        typer.echo("next: migrator up --check")


def _carvable(graph: Graph) -> None:
    """Raises MigratorError where the models are Django's."""
    from migrator.model.errors import MigratorError

    models = [d for d in graph.definitions if "django_model" in d.traits]
    if models:
        raise MigratorError(
            f"this monolith's {len(models)} models are Django's, and migrator carves services out"
            " of SQLAlchemy monoliths only, today",
            where=f"{models[0].path}:{models[0].line}",
            hint="migrator plan proposes boundaries and migrator verify keeps them for Django too;"
            " scaffold --monolith gives it telemetry",
        )


def _runbooks(root: Path) -> str:
    """Where alerts find their runbooks: ``runbooks`` of ``[scaffold]``, an absolute URL."""
    from urllib.parse import urlsplit

    from migrator.model.config import nearest_config

    settings = nearest_config(root).section("scaffold")
    settings.known(("runbooks",))
    found = settings.values.get("runbooks", "")
    if not isinstance(found, str) or (found and not urlsplit(found).scheme.startswith("http")):
        settings.fail("runbooks", f"runbooks: an absolute URL expected, {found!r} found")
    return found


def _monolith(root: Path, dry_run: bool, diff: bool) -> None:
    from migrator.analyze.pipeline import analyze
    from migrator.scaffold.monolith import monolith_files, starter, telemetry_folder
    from migrator.scaffold.workspace import main_package
    from migrator.scaffold.write import apply, changes_to

    package = main_package(analyze(root))
    folder = root / telemetry_folder(package)
    files = monolith_files(package)
    changes = changes_to(folder, files, ("",))
    if diff:
        typer.echo("".join(c.diff() for c in changes if c.text != c.previous), nl=False)
    if not dry_run:
        apply(folder, changes, files)
    _report(folder, changes, (), dry_run)
    where = starter(root) or "the module that starts the application"
    typer.echo(f"add as the first line of {where}:\n\n    import {folder.name}.start\n")
    typer.echo(f"and install what it needs: pip install -r {folder / 'requirements.txt'}")


def _known(wanted: tuple[str, ...], names: tuple[str, ...], plan: Path) -> tuple[str, ...]:
    from migrator.model.errors import MigratorError

    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise MigratorError(
            f"no such service: {', '.join(unknown)}",
            where=str(plan),
            hint=f"the plan has {', '.join(names)}",
        )
    return wanted


def _report(output: Path, changes: list[Change], problems: tuple[str, ...], dry_run: bool) -> None:
    from collections import Counter

    counts = Counter(change.action for change in changes)
    counted = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
    typer.echo(f"{output}: {counted or 'nothing to do'}{' (dry run)' if dry_run else ''}")
    for change in changes:
        if change.action == "conflict":
            typer.echo(f"conflict: {output / change.path}: solve it between the markers", err=True)
    for problem in problems:
        typer.echo(f"needs a person: {problem}", err=True)
