"""A service uses code of another without a decision."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migrator.model.finding import Finding
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Monolith, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.monolith:
        yield from _undecided(subject.monolith)
    for service in subject.services:
        yield from _missing(service)


def _undecided(monolith: Monolith) -> Iterator[Finding]:
    if not monolith.assignment.owner_of:
        return
    decided = {(cut.source, cut.what) for cut in monolith.plan.cuts}
    paths = {definition.id: definition.path for definition in monolith.graph.definitions}
    models = {table.definition for table in monolith.graph.tables}
    applications = _applications(monolith)
    for dependency in monolith.graph.dependencies:
        source = monolith.service_of(dependency.source)
        target = monolith.service_of(dependency.target)
        if not source or not target or source == target or dependency.target in models:
            continue
        if (source, dependency.target) in decided:
            continue
        if dependency.kind == "signals" or dependency.target in applications:
            continue
        yield Finding(
            RULE.name,
            RULE.severity,
            monolith.place(paths.get(dependency.source, monolith.path)),
            dependency.line,
            f"{dependency.source} ({source}) uses {dependency.target} of {target}, "
            "and the plan has no decision for it",
            "run `migrator plan` and review the new cut, or take the dependency out",
            dependency.source,
            dependency.target,
        )


def _applications(monolith: Monolith) -> set[str]:
    """Blueprints are registered by the factory, which each service prunes for itself."""
    return {d.id for d in monolith.graph.definitions if "app_object" in d.traits}


def _missing(service: CarvedService) -> Iterator[Finding]:
    """Imports of the monolith's package that the service does not hold."""
    package = service.manifest.package
    names = _names_by_module(service)
    for path, tree in service.sources.items():
        module = _module_name(path)
        for node in ast.walk(tree):
            for wanted, name, line in _imported(node, module, path.endswith("__init__.py")):
                if wanted.partition(".")[0] != package or _present(wanted, name, names):
                    continue
                target = f"{wanted}:{name}" if name else wanted
                yield Finding(
                    RULE.name,
                    RULE.severity,
                    service.place(path),
                    line,
                    f"{module} imports {target}, which the service {service.name} does not hold",
                    "call its owner, take a replica of its data, or move it: decide it in "
                    "migration.yaml and scaffold again",
                    module,
                    target,
                )


def _imported(
    node: ast.AST, module: str, is_package: bool
) -> Iterator[tuple[str, str | None, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, None, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = module.split(".")
            kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
            base = ".".join([*kept, base] if base else kept)
        yield from ((base, alias.name, node.lineno) for alias in node.names)


def _present(module: str, name: str | None, names: dict[str, set[str] | None]) -> bool:
    if module not in names:
        return False
    held = names[module]
    return (
        name is None or name == "*" or held is None or name in held or f"{module}.{name}" in names
    )


def _names_by_module(service: CarvedService) -> dict[str, set[str] | None]:
    """Names that each module binds; None where a star import or `globals()` hides them."""
    return {_module_name(path): _bound(tree) for path, tree in service.sources.items()}


def _bound(tree: ast.Module) -> set[str] | None:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            return None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "globals":
                return None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


RULE = Rule(
    name="import-across-services",
    severity="error",
    why="Code of another service that is imported ties both to one deployment and one database.",
    good="quota.consume(user_id)  # decided as `call` in migration.yaml",
    bad="from jobmarket.billing.ledger import record_entry  # in the jobs service, undecided",
    check=_check,
)
