"""Definitions of a module, and how each one uses others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.analyze.discover import ParsedModule
from migrator.analyze.names import (
    Names,
    bound_names,
    dotted_name,
    imported_by_call,
    imports_of,
    top_level,
)
from migrator.model.graph import Definition, Dependency, DependencyKind

_FLASK_CONTEXT = {"flask.request", "flask.g", "flask.session", "flask.current_app"}
_SESSION_MAKERS = {
    "sqlalchemy.create_engine", "sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.scoped_session",
    "sqlalchemy.orm.Session", "flask_sqlalchemy.SQLAlchemy",
}  # fmt: skip
_APP_OBJECTS = {"flask.Flask", "flask.Blueprint"}
_ENUMS = {"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag"}
_EXCEPTIONS = {"Exception", "BaseException", "ValueError", "RuntimeError", "KeyError", "TypeError"}


@dataclass(slots=True)
class Code:
    """A definition with its syntax: `nodes` are all statements that make it up."""

    id: str
    module: ParsedModule
    kind: str
    nodes: list[ast.stmt] = field(default_factory=list)
    local: dict[str, str] = field(default_factory=dict)

    @property
    def node(self) -> ast.stmt:
        return self.nodes[0]


def codes_of(module: ParsedModule, names: Names) -> dict[str, Code]:
    """Every definition of the module by id; statements that act on one belong to it."""
    found: dict[str, Code] = {}
    for node, _ in top_level(module.tree.body):
        kind = {
            ast.ClassDef: "class",
            ast.FunctionDef: "function",
            ast.AsyncFunctionDef: "function",
        }
        for name in bound_names(node):
            if name.startswith("__") and name.endswith("__"):
                continue
            id_ = f"{module.name}:{name}"
            code = found.setdefault(id_, Code(id_, module, kind.get(type(node), "variable")))
            code.nodes.append(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            head = (dotted_name(node.value.func) or "").partition(".")[0]
            owner = found.get(f"{module.name}:{head}")
            if owner and owner.kind == "variable":
                owner.nodes.append(node)
    for code in found.values():
        code.local = _local_imports(code) | _dynamic_names(code, names)
    return found


def _local_imports(code: Code) -> dict[str, str]:
    return {
        site.bound: site.target
        for statement in code.nodes
        for node in ast.walk(statement)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for site in imports_of(code.module, node, "lazy")
        if site.bound
    }


def _dynamic_names(code: Code, names: Names) -> dict[str, str]:
    """``f = importlib.import_module("a.b").f`` binds `f` as an import would."""
    found: dict[str, str] = {}
    for statement in code.nodes:
        for node in ast.walk(statement):
            if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
                continue
            value: ast.expr = node.value
            trail = ""
            while isinstance(value, ast.Attribute):
                trail = f".{value.attr}{trail}"
                value = value.value
            if not isinstance(value, ast.Call) or not (dotted_name(value.func) or "").endswith(
                ("import_module", "__import__")
            ):
                continue
            targets = imported_by_call(value, code.module.name, code.nodes, names)
            if targets and len(targets) == 1:
                found[node.targets[0].id] = targets[0] + trail
    return found


def resolve(code: Code, dotted: str, names: Names) -> str | None:
    return names.resolve(code.module.name, dotted, code.local)


def definition_of(target: str | None, known: dict[str, Code]) -> str | None:
    """The definition that a resolved name leads into: ``m:Class.method`` is ``m:Class``."""
    if target is None or ":" not in target:
        return None
    module, _, name = target.partition(":")
    id_ = f"{module}:{name.partition('.')[0]}"
    return id_ if id_ in known else None


def local_names(function: ast.AST) -> set[str]:
    """Parameters and assigned names, which hide the module's."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def dependencies_of(code: Code, names: Names, known: dict[str, Code]) -> list[Dependency]:
    """Every use of another definition, counted by target and kind."""
    counts: dict[tuple[str, DependencyKind], list[int]] = {}
    used: set[tuple[str, DependencyKind]] = set()
    for target, kind, line, result_used in _uses(code, names, known):
        if target == code.id:
            continue
        counts.setdefault((target, kind), []).append(line)
        if result_used:
            used.add((target, kind))
    return [
        Dependency(code.id, target, kind, len(lines), min(lines), (target, kind) in used)
        for (target, kind), lines in counts.items()
    ]


def _uses(
    code: Code, names: Names, known: dict[str, Code]
) -> Iterator[tuple[str, DependencyKind, int, bool]]:
    for statement in code.nodes:
        special = _special_expressions(statement)
        hidden = local_names(statement) if code.kind == "function" else set()
        hidden -= set(code.local)
        bare_calls = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Expr)}
        calls = {id(n.func): n for n in ast.walk(statement) if isinstance(n, ast.Call)}
        for node in _outermost_names(statement):
            dotted = dotted_name(node)
            if dotted is None or dotted.partition(".")[0] in hidden:
                continue
            target = definition_of(resolve(code, dotted, names), known)
            if target is None:
                continue
            line = getattr(node, "lineno", statement.lineno)
            call = calls.get(id(node))
            if id(node) in special:
                yield target, special[id(node)], line, True
            elif call is not None:
                yield target, "calls", line, id(call) not in bare_calls
            else:
                yield target, "references", line, False


def _special_expressions(statement: ast.stmt) -> dict[int, DependencyKind]:
    """Base classes and decorators, by the identity of the name's node."""
    found: dict[int, DependencyKind] = {}
    if isinstance(statement, ast.ClassDef):
        found |= {id(base): "inherits" for base in statement.bases}
    for node in ast.walk(statement):
        for decorator in getattr(node, "decorator_list", []):
            inner = decorator.func if isinstance(decorator, ast.Call) else decorator
            found[id(inner)] = "decorates"
    return found


def _outermost_names(node: ast.AST) -> Iterator[ast.AST]:
    """Names and attribute chains that are not part of a longer chain; annotations too."""
    if isinstance(node, ast.Name | ast.Attribute) and dotted_name(node) is not None:
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _outermost_names(child)


def describe(code: Code, names: Names, known: dict[str, Code], roles: set[str]) -> Definition:
    """The Definition of a piece of code; `roles` are traits known from elsewhere."""
    node = code.node
    first = min([n.lineno for n in getattr(node, "decorator_list", [])] + [node.lineno])
    return Definition(
        id=code.id,
        kind=code.kind,  # type: ignore[arg-type]
        path=code.module.path,
        line=first,
        end_line=max(n.end_lineno or n.lineno for n in code.nodes),
        doc=_doc(node),
        traits=tuple(sorted(roles | _traits(code, names))),
        raises=tuple(sorted(_raises(code, names, known))),
        parameters=_parameters(node),
        returns=_annotation(getattr(node, "returns", None)),
    )


def _doc(node: ast.stmt) -> str | None:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return None
    text = ast.get_docstring(node)
    return text.strip().splitlines()[0] if text and text.strip() else None


def _parameters(node: ast.stmt) -> tuple[tuple[str, str | None], ...]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ()
    a = node.args
    every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs]
    every += [a.kwarg] if a.kwarg else []
    return tuple((arg.arg, _annotation(arg.annotation)) for arg in every)


def _annotation(node: ast.expr | None) -> str | None:
    return ast.unparse(node) if node is not None else None


def _raises(code: Code, names: Names, known: dict[str, Code]) -> set[str]:
    found: set[str] = set()
    for statement in code.nodes:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            dotted = dotted_name(raised)
            if dotted is None:
                continue
            target = resolve(code, dotted, names)
            own = definition_of(target, known)
            if own and known[own].kind != "class":
                continue
            found.add(own or target or dotted)
    return found


def _traits(code: Code, names: Names) -> set[str]:
    resolved = {
        target
        for statement in code.nodes
        for node in _outermost_names(statement)
        if (dotted := dotted_name(node)) and (target := resolve(code, dotted, names))
    }
    heads = {".".join(target.split(".")[:2]) for target in resolved if ":" not in target}
    found: set[str] = set()
    if heads & _FLASK_CONTEXT:
        found.add("request_context")
    called = {
        resolve(code, dotted, names)
        for statement in code.nodes
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and (dotted := dotted_name(node.func))
    }
    if code.kind == "variable":
        if called & _SESSION_MAKERS:
            found.add("session")
        if called & _APP_OBJECTS:
            found.add("app_object")
        if any(t and t.endswith((".signal", "blinker.Signal", "Namespace")) for t in called if t):
            found.add("signal")
    elif code.kind == "function":
        if "flask.Flask" in called:
            found.add("app_factory")
        if any(isinstance(n, ast.Yield | ast.YieldFrom) for s in code.nodes for n in ast.walk(s)):
            found.add("generator")
        if _commits(code):
            found.add("commits")
    if any(t.startswith("os.environ") or t == "os.getenv" for t in resolved):
        found.add("settings")
    return found


def _commits(code: Code) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        for statement in code.nodes
        for node in ast.walk(statement)
    )


def class_roles(codes: dict[str, Code], names: Names) -> dict[str, set[str]]:
    """Exceptions and enums, through any number of the monolith's own bases."""
    roles: dict[str, set[str]] = {}
    bases: dict[str, list[str]] = {}
    for code in codes.values():
        if isinstance(code.node, ast.ClassDef):
            dotted = [d for base in code.node.bases if (d := dotted_name(base))]
            bases[code.id] = [resolve(code, d, names) or d for d in dotted]

    def ancestors(id_: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        for base in bases.get(id_, ()):
            yield base
            if base not in seen:
                yield from ancestors(base, seen | {id_})

    for id_ in bases:
        above = set(ancestors(id_))
        if above & _ENUMS:
            roles.setdefault(id_, set()).add("enum")
        if any(b in _EXCEPTIONS or b.endswith(("Error", "Exception")) for b in above):
            roles.setdefault(id_, set()).add("exception")
    return roles
