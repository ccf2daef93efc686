"""What lists of URL patterns hold: literal, added to, made by functions, methods and properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from migrator.analyze.facts.shape import (
    ATTR,
    AUG,
    CALL,
    DO,
    EACH,
    FSTRING,
    ITEM,
    LIST,
    ONE_OF,
    OP,
    RETURN,
    SET,
    STAR,
    STR,
    TUPLE,
    Expr,
)
from migrator.analyze.frameworks.django.meta import constant_text
from migrator.analyze.frameworks.django.scopes import Scope, Scopes
from migrator.analyze.frameworks.django.urls import plain
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.values import Instance, Method
from migrator.analyze.project.constants import hole
from migrator.analyze.project.walk import keyword

_PATHS = ("path", "re_path", "url")
_WRAPPERS = ("format_suffix_patterns", "staff_member_required", "decorator_include", "list")
_GROWS = ("append", "extend", "insert")
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Where:
    """How a list of patterns is reached."""

    prefix: str = ""
    namespace: str = ""
    depth: int = 0

    def below(self, part: str, namespace: str | None = None) -> Where:
        names = [n for n in (self.namespace, namespace) if n]
        return Where(self.prefix + part, ":".join(names), self.depth + 1)


class Page(NamedTuple):
    """A view at a URL; `name` is that of the pattern, without namespaces."""

    scope: Scope
    line: int
    where: Where
    view: Expr
    name: str | None


class Hung(NamedTuple):
    """Something with ``urls`` of its own, by what it is resolved to: a router, an admin site."""

    where: Where
    owner: str


class Untold(NamedTuple):
    """What could not be told; `lost` where that may be any list of patterns."""

    scope: Scope
    line: int
    what: str
    why: str
    lost: bool


Found = Page | Hung | Untold


class Patterns:
    """Reads lists of patterns. `hangs` tells whether a resolved name is something with ``urls``
    that frameworks make. `included` are the modules that some list includes, `read` the calls of
    ``path`` and its like that were come across, by module and line."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.hangs: Callable[[str], bool] = lambda _: False
        self.project = scopes.project
        self.included: set[str] = set()
        self.read: set[tuple[str, int]] = set()
        self._within: set[tuple[object, ...]] = set()

    def of_module(self, name: str, where: Where) -> Iterator[Found]:
        """The ``urlpatterns`` of a module."""
        yield from self._variable(Scope(self.project.modules[name]), "urlpatterns", where)

    def of_method(self, cls: str, name: str, where: Where) -> Iterator[Found]:
        """What a method of a class returns, for an object of that class."""
        yield from self._method(cls, name, where, None, None)

    def of(self, scope: Scope, expr: Expr, where: Where) -> Iterator[Found]:
        """What an expression holds."""
        if where.depth > _DEEPEST:
            return
        if type(expr) is str:
            yield from self._named(scope, expr, where)
            return
        tag = expr[0] if type(expr) is tuple and expr else None
        if tag in (LIST, TUPLE, ONE_OF):
            for item in expr[1]:
                yield from self.of(scope, item, where)
        elif tag == OP and expr[1] == "+":
            yield from self.of(scope, expr[2], where)
            yield from self.of(scope, expr[3], where)
        elif tag in (STAR, ITEM):
            yield from self.of(scope, expr[1], where)
        elif tag == EACH:
            yield from self.of(scope, expr[2], where)
        elif tag == CALL:
            yield from self._call(scope, expr, where)
        elif tag == ATTR:
            yield from self._attribute(scope, expr[2], expr[3], where)

    # --- names -----------------------------------------------------------------------------------

    def _named(self, scope: Scope, dotted: str, where: Where) -> Iterator[Found]:
        head, _, rest = dotted.partition(".")
        if head in scope.given:
            there, expr = scope.given[head]
            for part in rest.split(".") if rest else ():
                expr = (ATTR, 0, expr, part)
            yield from self.of(there, expr, where)
        elif rest:
            owner, _, name = dotted.rpartition(".")
            yield from self._attribute(scope, owner, name, where)
        elif scope.code is not None and self.scopes.assigns(scope, dotted):
            yield from self._variable(scope, dotted, where)
        else:
            target = self.scopes.resolved(scope, dotted) or ""
            yield from self._target(target, where)

    def _target(self, target: str, where: Where) -> Iterator[Found]:
        home, _, name = target.partition(":")
        if home in self.project.modules and name and "." not in name:
            deeper = replace(where, depth=where.depth + 1)
            yield from self._variable(Scope(self.project.modules[home]), name, deeper)

    def _variable(self, scope: Scope, name: str, where: Where) -> Iterator[Found]:
        """Everything that a list is made of, in its module or function."""
        key = (scope.module.name, scope.key, name)
        if key in self._within:
            return
        self._within.add(key)
        for statement in self.scopes.statements(scope):
            kind = statement[0]
            if (kind == SET and name in statement[2] and statement[3] is not None) or (
                kind == AUG and statement[2] == name
            ):
                yield from self.of(scope, statement[3], where)
            elif kind == DO and type(statement[2]) is tuple and statement[2][0] == CALL:
                func = statement[2][2]
                if func in [f"{name}.{method}" for method in _GROWS]:
                    for argument in statement[2][3]:
                        yield from self.of(scope, argument, where)
        self._within.discard(key)

    def _attribute(self, scope: Scope, owner: Expr, name: str, where: Where) -> Iterator[Found]:
        """``factory.urlpatterns``, ``router.urls``, ``self.app.urls``."""
        if name == "urls" and type(owner) is str:
            target = self.scopes.resolved(scope, owner)
            if target is not None and self.hangs(target):
                yield Hung(where, target)
                return
        if type(owner) is str:
            target = self.scopes.resolved(scope, f"{owner}.{name}")
            if target is not None and ":" in target and "." not in target.partition(":")[2]:
                yield from self._target(target, where)
                return
        value = self.scopes.value(scope, owner)
        if type(value) is not Instance:
            return
        found = self.project.classes.find(value.cls, name)
        if found is not None and found[1][0] == "def":
            yield from self._method(value.cls, name, where, None, None)
        elif found is not None and found[1][0] == SET:
            inside = Scope(found[0].module, value.cls, found[0].id)
            yield from self.of(inside, found[1][3], replace(where, depth=where.depth + 1))

    # --- calls -----------------------------------------------------------------------------------

    def _call(self, scope: Scope, call: Expr, where: Where) -> Iterator[Found]:
        func = call[2]
        last = func.rpartition(".")[2] if type(func) is str else ""
        if last in _PATHS:
            yield from self._path(scope, call, last, where)
        elif last == "i18n_patterns":
            for argument in call[3]:
                yield from self.of(scope, argument, where.below("<language>/"))
        elif last == "include":
            yield from self._include(scope, call, where)
        elif last in _WRAPPERS:
            for argument in call[3][:1]:
                yield from self.of(scope, argument, where)
        else:
            yield from self._made(scope, call, where)

    def _made(self, scope: Scope, call: Expr, where: Where) -> Iterator[Found]:
        """What a function or method of the monolith returns."""
        func = call[2]
        owner: Expr | None = None
        name = ""
        if type(func) is tuple and func[0] == ATTR and type(func[2]) is tuple:
            if func[2][0] == CALL and func[2][2] == "super" and scope.cls is not None:
                yield from self._method(scope.cls, func[3], where, scope, call, scope.home)
                return
            owner, name = func[2], func[3]
        elif type(func) is str and "." in func:
            owner, _, name = func.rpartition(".")
        if type(func) is str:
            target = self.scopes.resolved(scope, func)
            code = self.project.function(target) if target and ":" in target else None
            if code is not None and code.owner is None:
                yield from self._returned(scope, call, self.scopes.inside(code), where)
                return
            if target is not None and ":" not in target:
                return  # another package's
        value = self.scopes.value(scope, owner) if owner is not None else None
        if type(value) is Instance and self.project.classes.find(value.cls, name) is not None:
            yield from self._method(value.cls, name, where, scope, call)
        elif func is not None and not self._is_foreign(value):
            yield Untold(
                scope, call[1], f"patterns of {text_of(func)}", "what it makes is not known", True
            )

    def _is_foreign(self, value: object) -> bool:
        return value is not None and not isinstance(value, (Instance, Method))

    def _method(
        self, cls: str, name: str, where: Where, scope: Scope | None, call: Expr | None,
        after: str | None = None,
    ) -> Iterator[Found]:  # fmt: skip
        found = self.project.classes.find(cls, name, after=after)
        if found is None or found[1][0] != "def":
            return
        class_, statement = found
        inside = self.scopes.inside(self.project.method(class_, statement), cls)
        yield from self._returned(scope, call, inside, where)

    def _returned(
        self, scope: Scope | None, call: Expr | None, inside: Scope, where: Where
    ) -> Iterator[Found]:
        """What a function returns where `call` in `scope` calls it."""
        if where.depth > _DEEPEST:
            return
        if scope is not None and call is not None:
            inside = self.scopes.given(inside, scope, call)
        key = (inside.key, inside.cls, where.depth)
        if key in self._within:
            return
        self._within.add(key)
        deeper = replace(where, depth=where.depth + 1)
        for statement in self.scopes.statements(inside):
            if statement[0] == RETURN and statement[2] is not None:
                yield from self.of(inside, statement[2], deeper)
        self._within.discard(key)

    # --- one pattern -----------------------------------------------------------------------------

    def _path(self, scope: Scope, call: Expr, kind: str, where: Where) -> Iterator[Found]:
        self.read.add((scope.module.name, call[1]))
        args = call[3]
        written = args[0] if args else keyword(call, "route") or keyword(call, "regex")
        view = args[1] if len(args) > 1 else keyword(call, "view")
        text = self.text(scope, written)
        if text is None:
            part = self._computed(scope, written)
            yield Untold(scope, call[1], f"URL {part}", "it is computed", False)
        else:
            part = text if kind == "path" else plain(text)
        if type(view) is tuple and view[0] == CALL and _last(view[2]) == "include":
            yield from self._include(scope, view, where.below(part))
        elif type(view) is tuple and view[0] == TUPLE and view[1]:
            yield from self.of(scope, view[1][0], where.below(part))
        elif _has_patterns(view):
            yield from self._included(scope, call, view, where.below(part))
        else:
            given = keyword(call, "name") or (args[3] if len(args) > 3 else None)
            yield Page(scope, call[1], where.below(part), view, literal(given))

    def text(self, scope: Scope, written: Expr | None) -> str | None:
        """A URL of constants, or of settings that are the same wherever they are set."""
        if type(written) is tuple and written[0] == CALL and written[3]:
            last = _last(written[2])
            if last == "_" or last.startswith(("gettext", "pgettext", "ugettext")):
                written = written[3][-1]  # gettext_lazy("about/")
        if type(written) is tuple and written[0] == OP and written[1] == "+":
            left, right = self.text(scope, written[2]), self.text(scope, written[3])
            return left + right if left is not None and right is not None else None
        if type(written) is str and written in scope.given:
            return self.text(*scope.given[written])
        if written is None:
            return None
        found = constant_text(self.project, scope.module.name, written)
        return found if found is not None else self.scopes.setting(scope, written)

    def _computed(self, scope: Scope, written: Expr | None) -> str:
        """A URL with holes for what is computed of it."""
        text = self.text(scope, written)
        if text is not None:
            return text
        if type(written) is tuple and written[0] == FSTRING:
            parts = [p if type(p) is str else self._computed(scope, p[1][0]) for p in written[1]]
            return "".join(parts)
        if type(written) is tuple and written[0] == OP and written[1] == "+":
            return self._computed(scope, written[2]) + self._computed(scope, written[3])
        return hole(text_of(written) if written is not None else "")

    def _include(self, scope: Scope, call: Expr, where: Where) -> Iterator[Found]:
        given = call[3][0] if call[3] else keyword(call, "arg")
        namespace = literal(keyword(call, "namespace"))
        if type(given) is tuple and given[0] == TUPLE and given[1]:
            if len(given[1]) > 1:
                namespace = namespace or literal(given[1][1])
            given = given[1][0]
        target = self.text(scope, given) if type(given) is tuple else None
        if type(given) is str:
            resolved = self.scopes.resolved(scope, given) or given
            target = resolved if resolved in self.project.modules else None
        if target is None:
            yield from self._included(scope, call, given, _named_below(where, namespace))
            return
        below = self.project.modules.get(target)
        if below is not None:  # else it is another package's
            self.included.add(below.name)
            named = _named_below(where, namespace or self._app_name(below.name))
            yield from self.of_module(below.name, named)

    def _included(self, scope: Scope, call: Expr, given: Expr, where: Where) -> Iterator[Found]:
        """A list, or something that has or makes one."""
        none = True
        for found in self.of(scope, given, where):
            none = False
            yield found
        if none and not (type(given) is tuple and given[0] in (LIST, TUPLE)):
            told = text_of(given) if given is not None else ""
            yield Untold(scope, call[1], f"include of {told}", "what it includes is computed", True)

    def _app_name(self, module: str) -> str | None:
        fact = self.project.names.definition(f"{module}:app_name")
        for statement in fact.statements if fact else ():
            if statement[0] == SET:
                return literal(statement[3])
        return None


def _named_below(where: Where, namespace: str | None) -> Where:
    names = [n for n in (where.namespace, namespace) if n]
    return replace(where, namespace=":".join(names))


def literal(expr: Expr) -> str | None:
    return expr[1] if type(expr) is tuple and expr and expr[0] == STR else None


def _has_patterns(view: Expr) -> bool:
    """``site.urls``, ``factory().urlpatterns``."""
    name = view if type(view) is str else view[3] if type(view) is tuple and view[0] == ATTR else ""
    return str(name).rpartition(".")[2] in ("urls", "urlpatterns")


def _last(func: Expr) -> str:
    return func.rpartition(".")[2] if type(func) is str else ""
