"""Routes of Flask and commands of click: where work begins."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrator.analyze.definitions import Code, definition_of, resolve
from migrator.analyze.names import Names, dotted_name, imported_by_call, literal_strings
from migrator.model.graph import EntryPoint, EntryPointKind, Unresolved

_VERBS = {"get", "post", "put", "patch", "delete"}
_TASK_DECORATORS = {"task", "shared_task", "periodic_task", "scheduled_job", "job"}


@dataclass(frozen=True, slots=True)
class Registration:
    """Blueprint `child` hangs below `parent` (None: the application) at `prefix`."""

    child: str
    parent: str | None
    prefix: str | None


def entry_points(
    codes: Mapping[str, Code], names: Names
) -> tuple[list[EntryPoint], list[Unresolved]]:
    """Every route, command and task with the definition that answers it."""
    reader = _Reader(codes, names)
    found = [point for code in codes.values() for point in reader.of(code)]
    return found, reader.unresolved


class _Reader:
    def __init__(self, codes: Mapping[str, Code], names: Names) -> None:
        self.codes, self.names = codes, names
        self.unresolved: list[Unresolved] = []
        self.own_prefix = {c.id: p for c in codes.values() if (p := self._blueprint(c)) is not None}
        self.registrations = [r for c in codes.values() for r in self._registrations(c)]

    def of(self, code: Code) -> Iterator[EntryPoint]:
        for statement in code.nodes:
            for node in ast.walk(statement):
                for decorator in getattr(node, "decorator_list", []):
                    yield from self._decorated(code, node, decorator)
                if isinstance(node, ast.Call) and _method(node.func) == "add_url_rule":
                    yield from self._rule(code, node)

    def _decorated(self, code: Code, node: ast.AST, decorator: ast.expr) -> Iterator[EntryPoint]:
        call = decorator if isinstance(decorator, ast.Call) else None
        func = call.func if call else decorator
        name = _method(func)
        line = decorator.lineno
        function = getattr(node, "name", code.id)
        if call and isinstance(func, ast.Attribute) and (name == "route" or name in _VERBS):
            methods = _methods(call) if name == "route" else (str(name).upper(),)
            yield from self._routes(code, func.value, call, methods, function, line, code.id)
        elif name == "command":
            given = literal_strings(call.args[0]) if call and call.args else None
            label = given[0] if given else function.replace("_", "-")
            yield EntryPoint("cli", label, None, None, code.id, line)
        elif name in _TASK_DECORATORS and not isinstance(node, ast.ClassDef):
            kind: EntryPointKind = "task"
            yield EntryPoint(kind, function, None, None, code.id, line)

    def _rule(self, code: Code, call: ast.Call) -> Iterator[EntryPoint]:
        view = next((k.value for k in call.keywords if k.arg == "view_func"), None)
        view = view or (call.args[2] if len(call.args) > 2 else None)
        methods = _methods(call)
        if isinstance(view, ast.Call) and _method(view.func) == "as_view":
            assert isinstance(view.func, ast.Attribute)
            view = view.func.value
            methods = ()
        dotted = dotted_name(view) if view is not None else None
        known = dict(self.codes)
        target = definition_of(resolve(code, dotted, self.names), known) if dotted else None
        if target is None or not isinstance(call.func, ast.Attribute):
            self._unknown(code, call.lineno, "route", "its view function is not known")
            return
        if not methods:
            body = getattr(self.codes[target].node, "body", [])
            verbs = {getattr(n, "name", "") for n in body} & _VERBS
            methods = tuple(sorted(v.upper() for v in verbs))
        name = target.rpartition(":")[2]
        yield from self._routes(code, call.func.value, call, methods, name, call.lineno, target)

    def _routes(
        self, code: Code, owner: ast.expr, call: ast.Call, methods: tuple[str, ...],
        name: str, line: int, definition: str,
    ) -> Iterator[EntryPoint]:  # fmt: skip
        rule = literal_strings(call.args[0]) if call.args else None
        if rule is None:
            self._unknown(code, line, f"route of {name}", "its URL rule is computed")
            return
        dotted = dotted_name(owner)
        target = resolve(code, dotted, self.names) if dotted else None
        prefixes = self._prefixes(target) if target in self.own_prefix else [""]
        if not prefixes:
            self._unknown(code, line, f"route {rule[0]}", "its blueprint is never registered")
        for prefix in prefixes:
            for method in methods:
                path = _joined(prefix, rule[0])
                yield EntryPoint("route", name, method, path, definition, line)

    def _prefixes(self, blueprint: str | None, seen: frozenset[str] = frozenset()) -> list[str]:
        """Every prefix under which a blueprint is reached: one for each registration."""
        if blueprint is None or blueprint in seen:
            return []
        found: list[str] = []
        for registration in self.registrations:
            if registration.child != blueprint:
                continue
            here = registration.prefix
            here = self.own_prefix[blueprint] if here is None else here
            parent = registration.parent
            above = (
                self._prefixes(parent, seen | {blueprint}) if parent in self.own_prefix else [""]
            )
            found += [_joined(prefix, here) for prefix in above]
        return list(dict.fromkeys(found))

    def _blueprint(self, code: Code) -> str | None:
        value = getattr(code.node, "value", None)
        if not isinstance(value, ast.Call):
            return None
        dotted = dotted_name(value.func)
        target = resolve(code, dotted, self.names) if dotted else None
        if not target or not target.rpartition(".")[2].endswith("Blueprint"):
            return None
        given = next((k.value for k in value.keywords if k.arg == "url_prefix"), None)
        texts = literal_strings(given) if given is not None else None
        return texts[0] if texts else ""

    def _registrations(self, code: Code) -> Iterator[Registration]:
        for statement in code.nodes:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and _method(node.func) == "register_blueprint":
                    yield from self._registration(code, node)

    def _registration(self, code: Code, call: ast.Call) -> Iterator[Registration]:
        assert isinstance(call.func, ast.Attribute)
        parent = dotted_name(call.func.value)
        above = resolve(code, parent, self.names) if parent else None
        given = next((k.value for k in call.keywords if k.arg == "url_prefix"), None)
        texts = literal_strings(given) if given is not None else None
        child = call.args[0] if call.args else None
        targets: list[str] = []
        if child is not None and (dotted := dotted_name(child)):
            target = resolve(code, dotted, self.names)
            targets = [target] if target else []
        elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Call):
            modules = imported_by_call(child.value, code.module.name, code.nodes, self.names)
            targets = [f"{module}:{child.attr}" for module in modules or ()]
        known = [t for t in targets if t in self.own_prefix]
        if not known:
            self._unknown(code, call.lineno, "register_blueprint", "which blueprint is not known")
        for target in known:
            yield Registration(target, above, texts[0] if texts else None)

    def _unknown(self, code: Code, line: int, what: str, why: str) -> None:
        self.unresolved.append(Unresolved(code.module.path, line, what, why))


def _method(func: ast.AST) -> str | None:
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else None


def _methods(call: ast.Call) -> tuple[str, ...]:
    given = next((k.value for k in call.keywords if k.arg == "methods"), None)
    texts = literal_strings(given) if given is not None else None
    return tuple(sorted(t.upper() for t in texts)) if texts else ("GET",)


def _joined(prefix: str, rule: str) -> str:
    if prefix and rule:
        return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"
    return prefix or rule or "/"
