"""Where an expression of a URL configuration stands, and what its names mean there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from migrator.analyze.facts.shape import ATTR, SET, STAR, Block, Expr, Stmt
from migrator.analyze.frameworks.django.settings import Apps, DjangoSettings
from migrator.analyze.frameworks.django.values import AppRef
from migrator.analyze.infer.values import ClassRef, FunctionCode, Instance, Value
from migrator.analyze.infer.world import World
from migrator.analyze.project.classes import flat
from migrator.analyze.project.modules import Module
from migrator.analyze.project.walk import local_imports, nested

_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """A module, the body of a class (`home`), or a function (`code`): there `cls` is the class of
    ``self``, `home` the class that defines the method. `local` are names that the function imports,
    `given` what its caller gives its parameters."""

    module: Module
    cls: str | None = None
    home: str | None = None
    code: FunctionCode | None = None
    local: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, tuple[Scope, Expr]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.code.key if self.code is not None else ""

    @property
    def itself(self) -> str | None:
        """The name of ``self``."""
        params = self.code.statement[4] if self.code is not None and self.cls else ()
        return params[0][0] if params else None


class Scopes:
    """What names and expressions mean in a Scope."""

    def __init__(self, world: World, settings: DjangoSettings, apps: Apps) -> None:
        self.world, self.settings, self.apps = world, settings, apps
        self.project = world.project

    def inside(self, code: FunctionCode, cls: str | None = None) -> Scope:
        """The body of a function, or of a method for an object of `cls`."""
        module = self.project.modules[code.module]
        local = local_imports(module, self.project.block(code))
        return Scope(module, cls, code.owner, code, local)

    def block(self, scope: Scope) -> Block:
        return self.project.block(scope.code) if scope.code is not None else ()

    def statements(self, scope: Scope) -> Iterator[Stmt]:
        if scope.code is not None:
            return nested(self.block(scope))
        return flat(scope.module.facts.interface.body)

    def assigned(self, scope: Scope, name: str) -> Expr | None:
        """What a function assigns to a name of its own, the last of several."""
        found = None
        for statement in nested(self.block(scope)):
            if statement[0] == SET and name in statement[2] and statement[3] is not None:
                found = statement[3]
        return found

    def assigns(self, scope: Scope, name: str) -> bool:
        return self.assigned(scope, name) is not None

    def resolved(self, scope: Scope, dotted: str) -> str | None:
        """The id or dotted path that a name means; None for names of the function's own."""
        head = dotted.partition(".")[0]
        if head == scope.itself or head in scope.given:
            return None
        if scope.code is not None and head not in scope.local and self.assigns(scope, head):
            return None
        return self.project.names.resolve(scope.module.name, dotted, dict(scope.local))

    def given(self, inside: Scope, scope: Scope, call: Expr) -> Scope:
        """The scope of a function with what a call in `scope` gives it."""
        assert inside.code is not None
        names = [p[0] for p in inside.code.statement[4]]
        if inside.cls is not None:
            names = names[1:]
        given = {n: (scope, v) for n, v in call[4] if n in names}
        for name, value in zip(names, call[3], strict=False):
            if type(value) is tuple and value[0] == STAR:
                break
            given.setdefault(name, (scope, value))
        return replace(inside, given=given)

    def value(self, scope: Scope, expr: Expr, depth: int = 0) -> Value | None:
        """What an expression is, as far as the interpreter knows; an object of its class where it
        is an application's configuration."""
        if depth > _DEEPEST or expr is None:
            return None
        if type(expr) is str:
            head, _, rest = expr.partition(".")
            value = self._head(scope, head, depth)
            for part in rest.split(".") if rest else ():
                value = self._configuration(self.world.plain_attribute(value, part))
            return self._configuration(value)
        if type(expr) is tuple and expr[0] == ATTR:
            owner = self.value(scope, expr[2], depth + 1)
            return self._configuration(self.world.plain_attribute(owner, expr[3]))
        return self._configuration(self.world.at_module(scope.module.name, expr, scope.home))

    def _head(self, scope: Scope, head: str, depth: int) -> Value | None:
        if head == scope.itself and scope.cls is not None:
            return Instance(scope.cls)
        if head in scope.given:
            return self.value(*scope.given[head], depth + 1)
        if scope.code is not None and head not in scope.local:
            assigned = self.assigned(scope, head)
            if assigned is not None and assigned != head:
                return self.value(scope, assigned, depth + 1)
        if head in scope.local:
            return self.world.value_of(self.project.names.absolute(scope.local[head]))
        cls = scope.home if scope.code is None else None
        return self.world.at_module(scope.module.name, head, cls)

    def _configuration(self, value: Value | None) -> Value | None:
        if type(value) is not AppRef:
            return value
        found = [a.config for a in self.apps.by_name.values() if a.label == value.label]
        return Instance(found[0]) if len(found) == 1 and found[0] else None

    def setting(self, scope: Scope, expr: Expr) -> str | None:
        """The text of ``settings.NAME`` where all that set it agree."""
        if type(expr) is not str or "." not in expr:
            return None
        owner, _, name = expr.rpartition(".")
        if self.resolved(scope, owner) != "django.conf.settings":
            return None
        values = self.settings.values.get(name, [])
        if len(values) != 1 or name in self.settings.computed:
            return None
        return values[0] if isinstance(values[0], str) else None

    def class_of(self, scope: Scope, expr: Expr) -> str | None:
        """The monolith's own class that an expression is or is an object of."""
        value = self.value(scope, expr)
        if type(value) is ClassRef or type(value) is Instance:
            return value.cls if value.cls in self.project.classes.by_id else None
        return None
