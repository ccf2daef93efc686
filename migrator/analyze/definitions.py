"""Definitions and how each uses others, from the names that its facts tell."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import DECORATES, RAISES, USE_KINDS, DefinitionFact, Use
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.project.modules import Module, imported_names
from migrator.analyze.project.project import Project
from migrator.model.graph import Definition, Dependency, DependencyKind

_FLASK_CONTEXT = {"flask.request", "flask.g", "flask.session", "flask.current_app"}
_SESSION_MAKERS = {
    "sqlalchemy.create_engine", "sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.scoped_session",
    "sqlalchemy.orm.Session", "flask_sqlalchemy.SQLAlchemy",
    "sqlalchemy.ext.asyncio.create_async_engine", "sqlalchemy.ext.asyncio.async_sessionmaker",
}  # fmt: skip
_APP_OBJECTS = {"flask.Flask", "flask.Blueprint", "fastapi.FastAPI", "fastapi.APIRouter"}
_ENUMS = {"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag"}
_EXCEPTIONS = {"Exception", "BaseException", "ValueError", "RuntimeError", "KeyError", "TypeError"}


def uses_of(
    project: Project, module: Module, index: int
) -> Iterator[tuple[Use, str | None, str | None]]:
    """Every use of the definition at `index`: the use, its resolved name, the definition meant."""
    detail = module.facts.detail
    local = {
        imported.bound: imported.target
        for statement in detail.local[index]
        for imported in imported_names(module.name, module.is_package, statement)
        if imported.bound
    }
    names = project.names
    for use in detail.uses[index]:
        target = names.resolve(module.name, use.dotted, local or None)
        yield use, target, names.definition_of(target)


def read_module(project: Project, module: Module) -> tuple[list[Dependency], list[tuple[str, ...]]]:
    """Dependencies of all definitions of a module, and facts for `describe` by definition:
    ``(id, traits…)`` and ``(id, "raises", names…)`` rows."""
    edges: list[Dependency] = []
    rows: list[tuple[str, ...]] = []
    for index, fact in enumerate(module.facts.interface.definitions):
        if fact.name not in module.own:
            continue
        id_ = f"{module.name}:{fact.name}"
        counts: dict[tuple[str, int], list[int]] = {}
        traits: set[str] = set(fact.flags)
        raises: set[str] = set()
        for use, target, definition in uses_of(project, module, index):
            if use.kind == RAISES:
                kind = project.names.definition(definition).kind if definition else "class"  # type: ignore[union-attr]
                if kind == "class":
                    raises.add(definition or target or use.dotted)
            elif definition is not None and definition != id_:
                row = counts.setdefault((definition, use.kind), [0, use.line, 0])
                row[0] += use.times
                row[1] = min(row[1], use.line)
                row[2] |= use.result_used
            if target is not None and ":" not in target:
                traits |= _traits_of(fact, use, target)
            elif target is not None and use.dotted.startswith("os.environ"):
                traits.add("settings")
        for (definition, kind_), (count, line, used) in counts.items():
            name: DependencyKind = USE_KINDS[kind_]  # type: ignore[assignment]
            edges.append(
                Dependency(id_, definition, name, count, line, bool(used) and name != "references")
            )
        rows.append((id_, *sorted(traits)))
        if raises:
            rows.append((id_, "raises", *sorted(raises)))
    return edges, rows


def _traits_of(fact: DefinitionFact, use: Use, target: str) -> set[str]:
    found: set[str] = set()
    if ".".join(target.split(".")[:2]) in _FLASK_CONTEXT:
        found.add("request_context")
    if target.startswith("os.environ") or target == "os.getenv":
        found.add("settings")
    if USE_KINDS[use.kind] == "calls":
        if fact.kind == "variable" and target in _SESSION_MAKERS:
            found.add("session")
        if fact.kind == "variable" and target in _APP_OBJECTS:
            found.add("app_object")
        if fact.kind == "function" and target in ("flask.Flask", "fastapi.FastAPI"):
            found.add("app_factory")
    return found


def describe(
    module: Module, fact: DefinitionFact, traits: set[str], raises: tuple[str, ...]
) -> Definition:
    """The Definition of a fact; `traits` are all that are known."""
    first = fact.statements[0]
    is_def = first[0] == "def"
    allowed = traits if fact.kind == "function" else traits - {"generator", "commits"}
    return Definition(
        id=f"{module.name}:{fact.name}",
        kind=fact.kind,  # type: ignore[arg-type]
        path=module.path,
        line=fact.line,
        end_line=fact.end,
        doc=fact.doc,
        traits=tuple(sorted(allowed)),
        raises=raises,
        parameters=tuple(
            (p[0], text_of(p[1]) if p[1] is not None else None)
            for p in (first[4] if is_def else ())
        ),
        returns=text_of(first[5]) if is_def and first[5] is not None else None,
    )


def class_roles(project: Project, id_: str) -> set[str]:
    """Exceptions and enums, through any number of the monolith's own bases."""
    class_ = project.classes.get(id_)
    above = set(class_.mro[1:]) if class_ is not None else set()
    roles = {"enum"} if above & _ENUMS else set()
    if any(b in _EXCEPTIONS or b.endswith(("Error", "Exception")) for b in above):
        roles.add("exception")
    return roles


def decorators(edges: list[Dependency], project: Project) -> set[str]:
    """Functions that are used as decorators."""
    kind = USE_KINDS[DECORATES]
    found = set()
    for edge in edges:
        if edge.kind == kind:
            fact = project.names.definition(edge.target)
            if fact is not None and fact.kind == "function":
                found.add(edge.target)
    return found
