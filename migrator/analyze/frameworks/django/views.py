"""The definition behind a view of Django, and the methods that it answers."""

from __future__ import annotations

from migrator.analyze.facts.shape import ATTR, CALL, DICT, SET, STR, Expr
from migrator.analyze.frameworks.django.patterns import literal
from migrator.analyze.frameworks.django.scopes import Scope, Scopes
from migrator.analyze.infer.values import ClassRef, Function, Instance, Method, Value
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.search import decorated

_ONLY = {
    "require_POST": ("POST",), "require_GET": ("GET",), "require_safe": ("GET",),
}  # fmt: skip
_VERBS = ("get", "post", "put", "patch", "delete")
_POSTING = {
    "CreateView", "UpdateView", "DeleteView", "FormView", "FormMixin", "ProcessFormView",
    "BaseCreateView", "BaseUpdateView", "BaseDeleteView",
}  # fmt: skip
_DEEPEST = 8


class Views:
    """Reads views as patterns name them."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes, self.project = scopes, scopes.project
        self._decorators: dict[str, list[tuple[str, Expr]]] = {}
        for one in decorated(self.project):
            written = one.decorator
            func = written[2] if type(written) is tuple and written[0] == CALL else written
            if type(func) is str:
                row = (func.rpartition(".")[2], written)
                self._decorators.setdefault(one.definition, []).append(row)

    def find(self, scope: Scope, view: Expr) -> tuple[str | None, str]:
        """The definition behind a view, through ``as_view()`` and decorators, and its name. "" is
        a view of another package."""
        named: str | None = None
        name, made = "", False
        for _ in range(_DEEPEST):
            if type(view) is tuple and view[0] == CALL:
                inner = self._called(scope, view)
                if inner is None:
                    name = name or _last(view[2])
                    break
                made = made or not view[3] or inner is not view[3][0]
                view = inner
            elif type(view) is str and (told := self._told(scope, view)) is not None:
                scope, view = told
            elif type(view) is str:
                name = name or view.rpartition(".")[2]
                resolved = self.scopes.resolved(scope, view)
                if resolved is not None and ":" not in resolved:
                    return "", name
                target = self.project.names.definition_of(resolved)
                kept = self._variable(target) if target is not None else None
                if kept is None:
                    if target is not None:
                        return target, name
                    break
                named = named or target
                scope, view = kept
            else:
                break
        if type(view) is tuple and view[0] == STR:
            text = view[1]  # the dotted names of old
            return self.project.names.definition_of(self.project.names.absolute(text)), text
        target = self._of(self.scopes.value(scope, view)) or named
        if (
            target is None
            and not made
            and type(view) is str
            and view.startswith(f"{scope.itself}.")
        ):
            # A method of the object's own that another package defines.
            target = self.project.names.definition_of(scope.cls)
        return target, name

    def _told(self, scope: Scope, name: str) -> tuple[Scope, Expr] | None:
        """What a name of a function's own is given or assigned; what ``self.view`` is."""
        if name in scope.given:
            return scope.given[name]
        if scope.cls is not None and name.startswith(f"{scope.itself}."):
            return self._attribute(scope.cls, name.partition(".")[2])
        if scope.code is None or "." in name:
            return None
        assigned = self.scopes.assigned(scope, name)
        return (scope, assigned) if assigned is not None and assigned != name else None

    def _attribute(self, cls: str, name: str) -> tuple[Scope, Expr] | None:
        """What the class or its methods assign to an attribute, where that is one thing."""
        found = self.project.classes.find(cls, name)
        if found is not None:
            home, statement = found
            value = statement[3] if statement[0] == SET else None
            return (Scope(home.module, cls, home.id), value) if value is not None else None
        for above in self.project.classes.ancestors(cls):
            told = self.scopes.world.assigned(above).get(name, [])
            if len(told) == 1 and told[0][1] is not None:
                return self.scopes.inside(told[0][0], cls), told[0][1]
        return None

    def _is_own(self, cls: str, name: str) -> bool:
        """Whether the monolith's classes say what an attribute is."""
        above = self.project.classes.ancestors(cls)
        return self.project.classes.find(cls, name) is not None or any(
            name in self.scopes.world.assigned(class_) for class_ in above
        )

    def _variable(self, target: str) -> tuple[Scope, Expr] | None:
        """What a variable of a module is assigned, where that is one thing."""
        fact = self.project.names.definition(target)
        if fact is None or fact.kind != "variable" or len(fact.statements) != 1:
            return None
        statement = fact.statements[0]
        if statement[0] != SET or statement[3] is None or len(statement[2]) != 1:
            return None
        return Scope(self.project.modules[target.partition(":")[0]]), statement[3]

    def _called(self, scope: Scope, call: Expr) -> Expr | None:
        """What of a call is the view: the class of ``as_view``, what a decorator is given. None
        where it is what the call returns."""
        func, args = call[2], call[3]
        if type(func) is str and func.endswith(".as_view"):
            return func.removesuffix(".as_view")
        if type(func) is tuple and func[0] == ATTR and func[3] == "as_view":
            return func[2]
        if func == "getattr" and len(args) == 3:
            return args[2]
        if args and not (type(args[0]) is tuple and args[0][0] == STR):
            return args[0]  # login_required(view), login_required(url=…)(view)
        if self._of(self.scopes.value(scope, call)) is not None:
            return None
        return func  # an object of a view's class

    def _of(self, value: Value | None) -> str | None:
        names = self.project.names
        if type(value) is ClassRef or type(value) is Instance:
            return names.definition_of(value.cls)
        if type(value) is Function:
            return names.definition_of(value.id)
        if type(value) is Method:
            return self._of(value.owner)
        return None

    # --- methods ---------------------------------------------------------------------------------

    def methods(self, target: str, view: Expr) -> tuple[str, ...]:
        if target in self.project.classes.by_id:
            mapped = view[3][0] if type(view) is tuple and view[0] == CALL and view[3] else None
            if type(mapped) is tuple and mapped[0] == DICT:  # ViewSet.as_view({"get": "list"})
                return tuple(t.upper() for k in mapped[1] if (t := literal(k)) is not None)
            return self._verbs(target)
        for last, written in self._decorators.get(target, ()):
            if last in _ONLY:
                return _ONLY[last]
            if last in ("require_http_methods", "api_view") and type(written) is tuple:
                texts = literal_strings(written[3][0]) if written[3] else None
                return tuple(sorted(t.upper() for t in texts)) if texts else ("GET",)
        return ("GET", "POST") if self._posts(target) else ("GET",)

    def _verbs(self, target: str) -> tuple[str, ...]:
        own = {
            name
            for class_ in self.project.classes.ancestors(target)
            for name in class_.members
            if name in _VERBS
        }
        kinds = {f.rpartition(".")[2] for f in self.project.classes.foreign(target)}
        if kinds & _POSTING:
            own |= {"get", "post"}
        return tuple(sorted(v.upper() for v in own)) or ("GET",)

    def _posts(self, target: str) -> bool:
        """Whether a function looks at what was posted."""
        module, _, name = target.partition(":")
        self.project.asked.opened.add(target)
        facts = self.project.modules[module].facts
        for index, fact in enumerate(facts.interface.definitions):
            if fact.name == name:
                uses = facts.detail.uses[index]
                return any(
                    u.dotted.startswith(("request.POST", "request.method", "request.FILES"))
                    for u in uses
                )
        return False


def _last(func: Expr) -> str:
    return func.rpartition(".")[2] if type(func) is str else ""
