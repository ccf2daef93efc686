"""Read what is to be verified from disk: the monolith, its plan, and the workspace's services."""

from __future__ import annotations

import ast
from pathlib import Path

from migrator.analyze.pipeline import analysis, analyze
from migrator.analyze.tree import Tree
from migrator.model.errors import MigratorError
from migrator.model.graph_root import read_root
from migrator.model.manifest_file import read_manifest
from migrator.model.plan_file import read_plan
from migrator.plan.resolve import assign
from migrator.verify.agreed import agreed_contracts, present_versions
from migrator.verify.revisions import migrated_tables
from migrator.verify.subject import CarvedService, Monolith, Subject


def load(
    graph_path: Path,
    plan_path: Path,
    workspace: Path | None,
    since: str | None = None,
    tree: Tree | None = None,
) -> Subject:
    """The monolith is analysed afresh, `tree` where that was looked at just now; `workspace` None
    leaves the services out. Contracts are held against those of the git revision `since`, else
    those of the last scaffold.

    Raises MigratorError where a file is missing or broken.
    """
    root = Path(read_root(graph_path))
    plan = read_plan(plan_path)
    graph = analysis(root, cache=graph_path.parent / "cache", tree=tree).graph
    monolith = Monolith(
        root.as_posix(),
        plan_path.as_posix(),
        plan_path.read_text("utf-8"),
        graph,
        plan,
        assign(plan, graph),
    )
    if workspace is None:
        return Subject(monolith)
    services = _services(workspace)
    contracts = agreed_contracts(workspace, since)
    return Subject(monolith, services, contracts, present_versions(workspace))


def _services(workspace: Path) -> tuple[CarvedService, ...]:
    if not workspace.is_dir():
        raise MigratorError(
            "no such workspace", where=str(workspace), hint="run `migrator scaffold` first"
        )
    homes = sorted(path.parent for path in workspace.glob("services/*/service.toml"))
    if not homes:
        raise MigratorError("a workspace without a service", where=str(workspace))
    return tuple(_service(home) for home in homes)


def _service(home: Path) -> CarvedService:
    manifest = read_manifest(home / "service.toml")
    revisions = _parsed(home, "migrations/versions/*.py")
    return CarvedService(
        path=home.as_posix(),
        manifest=manifest,
        graph=analyze(home),
        sources=_parsed(home, f"{manifest.package}/**/*.py"),
        revisions=revisions,
        migrated=migrated_tables(revisions),
    )


def _parsed(home: Path, pattern: str) -> dict[str, ast.Module]:
    trees = {}
    for path in sorted(home.glob(pattern)):
        try:
            trees[path.relative_to(home).as_posix()] = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            raise MigratorError(
                f"not valid Python: {getattr(error, 'msg', error)}", where=f"{path}:{line}"
            ) from error
    return trees
