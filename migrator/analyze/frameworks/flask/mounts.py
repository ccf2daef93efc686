"""Blueprints, and what hangs below them: which prefixes lead to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrator.analyze.facts.shape import ATTR, CALL, SET, Expr
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.project.calls import Found
from migrator.analyze.project.constants import hole, string_of
from migrator.analyze.project.dynamic import imported_by_call, is_dynamic
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.scopes import Scopes
from migrator.analyze.project.search import assigned_calls, calls
from migrator.analyze.project.walk import keyword, nested, owner_of
from migrator.analyze.schema import Schema
from migrator.model.graph import Unresolved

REGISTERS = ("register_blueprint", "add_namespace", "init_app")
_USED = (*REGISTERS, "route", "add_url_rule", "add_resource", "resource")
_REST = ("flask_restful", "flask_restx", "flask_restplus", "flask_smorest")


@dataclass(frozen=True, slots=True)
class Registration:
    """`child` hangs below `parent` (None: the application) at `prefix`; None for its own."""

    child: str
    parent: str | None
    prefix: str | None


class Mounts:
    """What routes are declared on, by id: ``module:name``, ``module:factory()`` for what a
    function returns, ``module:function().name`` for what it keeps to itself."""

    def __init__(self, project: Project, schema: Schema) -> None:
        self.project, self.schema = project, schema
        self.scopes = Scopes(project)
        self.own_prefix: dict[str, str] = {}
        self.registrations: list[Registration] = []
        self.locals: dict[tuple[str, str], str] = {}
        made = list(assigned_calls(project))
        for definition in {f.definition for f in calls(project, _USED)}:
            made += self._local(definition)
        for id_, module, call, name in made:
            self._add(id_, module, call, name)
        for id_, module, call, name in made:
            self._hang(id_, module, call, name)
        before = len(schema.unresolved)
        for found in calls(project, REGISTERS):
            self.registrations += self._registered(found)
        self.some_unknown = len(schema.unresolved) > before

    def _local(self, definition: str) -> Iterator[tuple[str, Module, Expr, str]]:
        """Mounts that a function makes."""
        module = self.project.modules[definition.partition(":")[0]]
        returned = self.scopes.returned(definition)
        for statement in nested(self.scopes.block(definition)):
            value = statement[3] if statement[0] == SET else None
            if type(value) is not tuple or value[0] != CALL or type(value[2]) is not str:
                continue
            name = self.project.resolved(module.name, value[2])
            if not self._is_mount(name):
                continue
            for target in statement[2]:
                if type(target) is str:
                    id_ = f"{definition}()" + ("" if target in returned else f".{target}")
                    self.locals[definition, target] = id_
                    yield id_, module, value, name

    def _is_mount(self, made: str) -> bool:
        return _last(made).endswith("Blueprint") or self._rest_kind(made) is not None

    def _rest_kind(self, made: str) -> str | None:
        """``Api`` or ``Namespace`` of a package that puts resources below Flask."""
        class_ = self.project.classes.get(made)
        for name in class_.mro if class_ else (made,):
            if name.startswith(_REST) and _last(name) in ("Api", "Namespace"):
                return _last(name)
        return None

    def _add(self, id_: str, module: Module, call: Expr, made: str) -> None:
        if _last(made).endswith("Blueprint"):
            self.own_prefix[id_] = self._text(module, keyword(call, "url_prefix"), call[1]) or ""
        elif self._rest_kind(made) == "Api":
            self.own_prefix[id_] = self._text(module, keyword(call, "prefix"), call[1]) or ""
        elif self._rest_kind(made) == "Namespace" or _last(call[2]) == "namespace":
            name = self._text(module, call[3][0] if call[3] else keyword(call, "name"), call[1])
            path = self._text(module, keyword(call, "path"), call[1])
            self.own_prefix[id_] = f"/{name}" if path is None else path

    def _hang(self, id_: str, module: Module, call: Expr, made: str) -> None:
        """Where what makes a mount tells at once what it hangs below."""
        if id_ not in self.own_prefix or _last(made).endswith("Blueprint"):
            return
        definition = id_.partition("()")[0] if "()" in id_ else f"{module.name}:"
        if self._rest_kind(made) is None:  # api.namespace("x")
            below = self.meant(module, definition, owner_of(call[2]), {})
        elif self._rest_kind(made) == "Api" and call[3]:
            below = self.meant(module, definition, call[3][0], {})
        else:
            return
        self.registrations.append(Registration(id_, below[0] if below else None, None))

    def _registered(self, found: Found) -> Iterator[Registration]:
        call, module = found.call, found.module
        owner = owner_of(call[2])
        above = self.meant(module, found.definition, owner, found.local)
        parent = above[0] if above else None
        name = _last(call[2]) if type(call[2]) is str else call[2][3]
        if name == "init_app":
            below = self.meant(module, found.definition, call[3][0] if call[3] else None, {})
            if parent is not None:
                yield Registration(parent, below[0] if below else None, None)
            return
        child = call[3][0] if call[3] else keyword(call, "blueprint") or keyword(call, "ns")
        known = self.meant(module, found.definition, child, found.local)
        for home, where, one in self.scopes.looped(found, child) if type(child) is str else ():
            known += self.meant(home, where, one, {})
        if not known:
            self._unknown(module, call[1], name, "which blueprint is not known")
            return
        written = keyword(call, "url_prefix") or keyword(call, "path")
        if written is None and name == "add_namespace" and len(call[3]) > 1:
            written = call[3][1]
        for target in known:
            yield Registration(target, parent, self._text(module, written, call[1]))

    def meant(
        self, module: Module, definition: str, expr: Expr | None, local: dict[str, str],
        depth: int = 0,
    ) -> list[str]:  # fmt: skip
        """The ids of the mounts that an expression may be; empty where none is known."""
        if depth > 3 or expr is None:
            return []
        if type(expr) is str:
            if (definition, expr) in self.locals:
                return [self.locals[definition, expr]]
            head, _, rest = expr.partition(".")
            assigned = self.scopes.local(definition, head)
            if assigned is not None:
                value = (ATTR, 0, assigned, rest) if rest else assigned
                return self.meant(module, definition, value, local, depth + 1)
            target = self.project.names.resolve(module.name, expr, local)
            return [target] if target in self.own_prefix else []
        if type(expr) is not tuple:
            return []
        if expr[0] == ATTR and is_dynamic(expr[2]):
            modules = imported_by_call(self.project.names, module, expr[2]) or ()
            found = [self.project.names.absolute(f"{m}.{expr[3]}") for m in modules]
            return [t for t in found if t in self.own_prefix]
        if expr[0] == CALL and type(expr[2]) is str:
            made = self.project.names.resolve(module.name, expr[2], local)
            return [f"{made}()"] if f"{made}()" in self.own_prefix else []
        if expr[0] == CALL and type(expr[2]) is tuple and expr[2][0] == ATTR:
            modules = ()
            if is_dynamic(expr[2][2]):
                modules = imported_by_call(self.project.names, module, expr[2][2]) or ()
            made_by = [self.project.names.absolute(f"{m}.{expr[2][3]}") for m in modules]
            return [f"{t}()" for t in made_by if f"{t}()" in self.own_prefix]
        return []

    def prefixes(self, mount: str | None, seen: frozenset[str] = frozenset()) -> list[str]:
        """Every prefix under which a mount is reached: one for each registration."""
        if mount is None or mount in seen:
            return []
        found: list[str] = []
        for registration in self.registrations:
            if registration.child != mount:
                continue
            here = registration.prefix
            here = self.own_prefix[mount] if here is None else here
            parent = registration.parent
            above = self.prefixes(parent, seen | {mount}) if parent is not None else [""]
            found += [joined(prefix, here) if prefix or here else "" for prefix in above]
        return list(dict.fromkeys(found))

    def _text(self, module: Module, expr: Expr | None, line: int) -> str | None:
        """A prefix; where it is computed a hole, and told."""
        if expr is None or expr == ("const", None):
            return None
        text = string_of(self.project, module, expr)
        if text is None:
            self._unknown(module, line, f"prefix {text_of(expr)}", "it is computed")
            return hole(text_of(expr))
        return text

    def _unknown(self, module: Module, line: int, what: str, why: str) -> None:
        self.schema.unresolved.append(Unresolved(module.path, line, what, why))


def _last(name: Expr) -> str:
    return name.rpartition(".")[2].rpartition(":")[2] if type(name) is str else ""


def joined(prefix: str, rule: str) -> str:
    if prefix and rule:
        return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"
    return prefix or rule or "/"
