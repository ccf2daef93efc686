"""What is the same wherever interpretation stands: globals, members of classes, annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrator.analyze.facts.nesting import deepest
from migrator.analyze.facts.shape import (
    CALL,
    DEF,
    SET,
    TUPLE,
    Block,
    Expr,
)  # fmt: skip
from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer import types
from migrator.analyze.infer.bodies import every_statement, super_calls
from migrator.analyze.infer.closures import Mentioned
from migrator.analyze.infer.contexts import Contexts
from migrator.analyze.infer.given import external
from migrator.analyze.infer.memo import Memo
from migrator.analyze.infer.named import rows_by_name
from migrator.analyze.infer.values import (
    ClassRef,
    External,
    Function,
    FunctionCode,
    Instance,
    Method,
    ModuleRef,
    Several,
    Value,
    either,
)  # fmt: skip
from migrator.analyze.project.classes import Class
from migrator.analyze.project.project import Project
from migrator.analyze.schema import Model, Schema

_MISSING = object()
_HYBRID = {"hybrid_property", "expression", "inplace"}
_PROPERTIES = ("property", "reify")  # and what ends so: `cached_property`, `lazy_property`


class World:
    """Everything known outside of one function; memos live as long as it does."""

    def __init__(self, project: Project, schema: Schema, frameworks: Sequence[Framework]) -> None:
        self.project = project
        self.schema = schema
        self.frameworks = {f.name: f for f in frameworks}
        # Asked for everything: only those that may answer.
        self.asked_loosely = [f for f in frameworks if type(f).loose is not Framework.loose]
        self.asked_text = [f for f in frameworks if type(f).text is not Framework.text]
        self._asked_names = [f for f in frameworks if type(f).argument is not Framework.argument]
        self._registrars = {name: f for f in frameworks for name in f.registrars}
        self._by_package = {p: f for f in frameworks for p in f.packages}
        self._class_framework: dict[str, tuple[Framework | None, int]] = {}
        self._instance: dict[str, dict[str, list[tuple[FunctionCode, Expr, Expr]]]] = {}
        self._blocks: dict[tuple[str, int], Block] = {}
        self.memo = Memo(project.names)
        self.mentioned: Mentioned = {}
        self.contexts = Contexts(self)
        self.deciding: dict[tuple[str, int], frozenset[str]] = {}
        # Type aliases that are being followed, as one may name itself, and where that began.
        self.aliases: dict[str, int] = {}
        self._rows: Mapping[str, Model] | None = None
        # Levels of expressions and blocks that are being interpreted, each inside the last.
        self.nested = 0
        self.deepest = deepest()

    def __reduce__(self) -> tuple[type[World], tuple[Project, Schema, list[Framework]]]:
        """By what it is made from: all else is found out again."""
        return World, (self.project, self.schema, list(self.frameworks.values()))

    @property
    def rows_by_name(self) -> Mapping[str, Model]:
        """Models by what an object of each is likely to be called."""
        if self._rows is None:
            self._rows = rows_by_name(self)
        return self._rows

    # --- frameworks ------------------------------------------------------------------------------

    def named_argument(self, at: At, name: str, kind: str) -> Value | None:
        """What a framework knows of a parameter by its name and the function that it is of."""
        for framework in self._asked_names:
            found = framework.argument(at, name, kind)
            if found is not None:
                return found
        return None

    def registering(self, decorator: Expr) -> Framework | None:
        """The framework whose `decorated` knows what such a decorator hands over."""
        if type(decorator) is not tuple or decorator[0] != CALL or type(decorator[2]) is not str:
            return None
        return self._registrars.get(decorator[2].rpartition(".")[2])

    def framework_of(self, value: Value) -> Framework | None:
        kind = type(value)
        if kind is Instance or kind is ClassRef:
            return self._of_class(value.cls)  # type: ignore[attr-defined]
        if kind is External:
            return self._by_package.get(value.name.partition(".")[0])  # type: ignore[attr-defined]
        if kind is Method:
            return self.framework_of(value.owner)  # type: ignore[attr-defined]
        name = getattr(kind, "framework", None)
        return self.frameworks.get(name) if name else None

    def _of_class(self, cls: str) -> Framework | None:
        names = self.project.names
        known = self._class_framework.get(cls)
        if known is not None:
            names.seen |= known[1]
            return known[0]
        found: Framework | None = None
        before, names.seen = names.seen, 0
        class_ = self.project.classes.get(cls)
        for above in class_.mro if class_ else (cls,):
            claimed = self.schema.claims.get(above)
            if claimed is None and ":" not in above:
                found = self._by_package.get(above.partition(".")[0])
            elif claimed is not None:
                found = self.frameworks.get(claimed)
            if found:
                break
        self._class_framework[cls] = found, names.seen
        names.seen |= before
        return found

    # --- names -----------------------------------------------------------------------------------

    def global_value(self, module: str, name: str) -> Value | None:
        """What a name means at the scope of a module."""
        key = ("global", module, name)
        known = self.memo.known(key, _MISSING)
        if known is not _MISSING:
            return known  # type: ignore[no-any-return]
        return self.memo.get(key, lambda: self._global(module, name), None)

    def _global(self, module: str, name: str) -> Value | None:
        target = self.project.names.resolve(module, name)
        return self.value_of(target) if target else None

    def value_of(self, target: str) -> Value | None:
        """The value of a resolved name."""
        if ":" not in target:
            return ModuleRef(target) if target in self.project.modules else external(self, target)
        module, _, dotted = target.partition(":")
        name, _, rest = dotted.partition(".")
        value = self._definition(f"{module}:{name}")
        for part in rest.split(".") if rest else ():
            value = self.plain_attribute(value, part)
        return value

    def _definition(self, id_: str) -> Value | None:
        if id_ in self.schema.names:
            return self.schema.names[id_]  # type: ignore[no-any-return]
        return self.memo.get(("definition", id_), lambda: self._defined(id_), None)

    def _defined(self, id_: str) -> Value | None:
        module = id_.partition(":")[0]
        fact = self.project.names.definition(id_)
        if fact is None:
            return None
        if fact.kind == "class":
            return ClassRef(id_)
        if fact.kind == "function":
            return Function(id_)
        found: Value | None = None
        for statement in fact.statements:
            if statement[0] != SET:
                continue
            if statement[4] is not None:
                known = self.annotated(module, statement[4])
                if known is not None:
                    return known
            if statement[3] is not None:
                value = self.at_module(module, statement[3])
                name = id_.partition(":")[2]
                for target in statement[2]:
                    found = either(found, _taken(target, value, name))
        return found

    def at_module(self, module: str, expr: Expr, cls: str | None = None) -> Value | None:
        """The value of an expression at module scope, or in the body of class `cls`."""
        from migrator.analyze.infer.interpreter import Interpreter

        return Interpreter.at_module(self, module, cls).value(expr)

    def plain_attribute(self, owner: Value | None, name: str) -> Value | None:
        """An attribute as far as the monolith's own code tells it."""
        if type(owner) is ModuleRef:
            return self.value_of(self.project.names.absolute(f"{owner.name}.{name}"))
        if type(owner) is External:
            return external(self, f"{owner.name}.{name}")
        if type(owner) is ClassRef or type(owner) is Instance:
            return self.member(owner, name)
        return None

    # --- classes ---------------------------------------------------------------------------------

    def member(
        self, owner: Instance | ClassRef, name: str, after: str | None = None
    ) -> Value | None:
        """What the monolith's classes say of ``owner.name``."""
        classes = self.project.classes
        if owner.cls not in classes.by_id:
            return None
        found = classes.find(owner.cls, name, after=after)
        if found is not None:
            class_, statement = found
            if statement[0] == DEF:
                return Method(owner, name, class_.id)
            if statement[0] == "class":
                return ClassRef(f"{class_.id}.{name}")
            value = self._class_variable(owner.cls, class_, name)
            if value is not None:
                return value
        if type(owner) is Instance:
            return self._instance_variable(owner, name)
        return None

    def class_names(self, cls: str | None) -> Mapping[str, object]:
        """The names bound in the body of a class."""
        class_ = self.project.classes.get(cls) if cls else None
        return class_.members if class_ else {}

    def is_property(self, method: Method) -> bool:
        class_ = self.project.classes.get(method.home or "")
        statement = class_.method(method.name) if class_ else None
        for _, decorator in statement[6] if statement else ():
            written = (
                decorator[2] if type(decorator) is tuple and decorator[0] == CALL else decorator
            )
            if type(written) is str and written.endswith(_PROPERTIES):
                return True
        return False

    def hybrid(self, method: Method) -> FunctionCode | None:
        """What a hybrid property is on the class itself: its ``expression`` where there is one."""
        class_ = self.project.classes.get(method.home or "")
        found: FunctionCode | None = None
        for statement in class_.members.get(method.name, ()) if class_ is not None else ():
            names = {
                str(d[2] if type(d) is tuple and d[0] == CALL else d).rpartition(".")[2]
                for _, d in (statement[6] if statement[0] == DEF else ())
            }
            if class_ is not None and names & _HYBRID and (found is None or "expression" in names):
                found = self.project.method(class_, statement)
        return found

    def _class_variable(self, cls: str, class_: Class, name: str) -> Value | None:
        told = self.schema.names.get(f"{class_.id}.{name}")
        if told is not None:
            return told  # type: ignore[no-any-return]
        key = ("class", cls, name)
        return self.memo.get(key, lambda: self._of_class_body(cls, class_, name), None)

    def _of_class_body(self, cls: str, class_: Class, name: str) -> Value | None:
        written = class_.value(name)
        value = self.at_module(class_.module.name, written, class_.id) if written else None
        if value is None:
            value = self._by_subclassing(cls, name)
        annotation = class_.annotation(name)
        if value is None and annotation is not None:
            value = self.annotated(class_.module.name, annotation, cls)
        return value

    def _by_subclassing(self, cls: str, name: str) -> Value | None:
        """What ``__init_subclass__`` of a class above sets on this one: ``cls.name = …``."""
        for class_ in self.project.classes.ancestors(cls):
            statement = class_.method("__init_subclass__")
            if statement is None or class_.id == cls or not statement[4]:
                continue
            code = self.project.method(class_, statement)
            target = f"{statement[4][0][0]}.{name}"
            for inner in every_statement(self.block(code)):
                if inner[0] == SET and target in inner[2] and inner[3] is not None:
                    return self._in_method(code, Instance(cls), inner[3])
        return None

    def _instance_variable(self, owner: Instance, name: str) -> Value | None:
        key = ("object", owner, name)
        return self.memo.get(key, lambda: self._of_object(owner, name), None)

    def _of_object(self, owner: Instance, name: str) -> Value | None:
        found: Value | None = None
        for class_ in self.project.classes.ancestors(owner.cls):
            for code, expr, annotation in self.assigned(class_).get(name, ()):
                value = self.annotated(code.module, annotation, owner.cls) if annotation else None
                if value is None and expr is not None:
                    value = self._in_method(code, owner, expr)
                found = either(found, value)
            if found is not None:
                break
        return found

    def _in_method(self, code: FunctionCode, owner: Instance, expr: Expr) -> Value | None:
        from migrator.analyze.infer.interpreter import Interpreter

        given = dict(owner.given) | self._passed_up(code, owner)
        return Interpreter.for_function(self, code, owner, given).value(expr)

    def _passed_up(self, code: FunctionCode, owner: Instance) -> dict[str, Value]:
        """What the classes below give to this ``__init__`` through ``super().__init__(…)``."""
        if code.name != "__init__" or code.owner == owner.cls:
            return {}
        from migrator.analyze.infer.interpreter import Interpreter

        found: dict[str, Value] = {}
        names = [p[0] for p in code.statement[4]][1:]
        for class_ in self.project.classes.ancestors(owner.cls):
            if class_.id == code.owner:
                break
            statement = class_.method("__init__")
            if statement is None:
                continue
            below = self.project.method(class_, statement)
            at = Interpreter.for_function(self, below, owner, dict(owner.given))
            for call in super_calls(self.block(below)):
                pairs = [*zip(names, call[3], strict=False), *call[4]]
                for name, expr in pairs:
                    value = at.value(expr)
                    if name is not None and value is not None:
                        found.setdefault(name, value)
        return found

    def assigned(self, class_: Class) -> Mapping[str, list[tuple[FunctionCode, Expr, Expr]]]:
        """``self.x = …`` in the methods of a class, ``__init__`` first."""
        known = self._instance.get(class_.id)
        if known is not None:
            return known
        found: dict[str, list[tuple[FunctionCode, Expr, Expr]]] = {}
        methods = [s for of in class_.members.values() for s in of if s[0] == DEF]
        methods.sort(key=lambda s: s[3] != "__init__")
        for statement in methods:
            params = statement[4]
            if not params:
                continue
            prefix = f"{params[0][0]}."
            code = self.project.method(class_, statement)
            for inner in every_statement(self.block(code)):
                if inner[0] != SET:
                    continue
                for target in inner[2]:
                    if type(target) is str and target.startswith(prefix) and target.count(".") == 1:
                        entry = (code, inner[3], inner[4])
                        found.setdefault(target[len(prefix) :], []).append(entry)
        self._instance[class_.id] = found
        return found

    def block(self, code: FunctionCode) -> Block:
        key = (code.key, code.statement[1])
        known = self._blocks.get(key)
        if known is None:
            known = self._blocks[key] = self.project.block(code)
        return known

    # --- annotations -----------------------------------------------------------------------------

    def annotated(self, module: str, expr: Expr, cls: str | None = None) -> Value | None:
        """What an object annotated so is; `cls` binds type parameters."""
        return types.annotated(self, module, expr, cls)

    def instance_of(self, value: Value | None) -> Value | None:
        """An object of a type."""
        return types.instance_of(value)


def _taken(target: Expr, value: Value | None, name: str) -> Value | None:
    """What of an assigned value goes to `name`."""
    if target == name:
        return value
    if type(target) is tuple and target[0] == TUPLE and type(value) is Several:
        for inner, item in zip(target[1], value.items, strict=False):
            if inner == name:
                return item
    return None
