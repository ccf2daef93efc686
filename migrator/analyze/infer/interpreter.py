"""Interprets one function: its statements in order, branches joined, loops once."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import (
    AUG,
    CALL,
    CLASS,
    DEF,
    DEL,
    DO,
    FOR,
    IF,
    IMPORT,
    ITEM,
    RAISE,
    RETURN,
    SET,
    STAR,
    TRY,
    TUPLE,
    WITH,
    Block,
    Expr,
    Stmt,
)  # fmt: skip
from migrator.analyze.facts.sql_text import may_be_sql
from migrator.analyze.infer.expressions import EVALUATORS, told
from migrator.analyze.infer.invoke import invoke
from migrator.analyze.infer.sink import Reach, Sink, Touch
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Closure,
    Either,
    External,
    Function,
    FunctionCode,
    Instance,
    Many,
    Mapping,
    Method,
    ModuleRef,
    Several,
    Text,
    Value,
    either,
    options,
)  # fmt: skip
from migrator.analyze.project.modules import imported_names
from migrator.model.graph import AccessHow, AccessMode, Confidence

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World

_SELF_METHODS = ("__enter__", "__aenter__", "__iter__", "__await__")


class Interpreter:
    """Stands in one function; is the `At` that frameworks see."""

    def __init__(
        self,
        world: World,
        module: str,
        definition: str,
        *,
        code: FunctionCode | None = None,
        cls: str | None = None,
        own: Instance | None = None,
    ) -> None:
        self.world = world
        self.project = world.project
        self.schema = world.schema
        self.module = module
        self.definition = definition
        self.code = code
        self.cls = cls
        self.own = own
        self.env: dict[str, Value | None] = {}
        self.sink = Sink()
        self.line = 0
        self.returned: list[Value | None] = []
        self.yields = False

    @classmethod
    def at_module(cls, world: World, module: str, class_: str | None = None) -> Interpreter:
        """At module scope, or in the body of a class."""
        inner = class_.partition(":")[2].partition(".")[0] if class_ else ""
        return cls(world, module, f"{module}:{inner}", cls=class_)

    @classmethod
    def for_function(
        cls, world: World, code: FunctionCode, own: Instance | None,
        given: MappingOf[str, Value | None],
    ) -> Interpreter:  # fmt: skip
        """At the head of a function, parameters bound; `own` is what ``self`` is."""
        at = cls(world, code.module, code.id, code=code, cls=code.owner, own=own)
        at._bind_params(given)
        return at

    # --- what frameworks ask and tell ------------------------------------------------------------

    @property
    def function(self) -> str:
        return self.code.key if self.code else self.definition

    def access(
        self, table: str, mode: AccessMode, line: int, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        touch = Touch(self.function, self.definition, table, mode, line, how, confidence)
        self.sink.touches[touch] = None

    def unresolved(self, line: int, what: str, why: str) -> None:
        self.sink.unresolved[line, what, why] = None

    def reaches(self, definition: str, line: int) -> None:
        self.sink.reaches[Reach(self.function, self.definition, definition, line)] = None

    def annotated(self, expr: object) -> Value | None:
        cls = self.own.cls if self.own else self.cls
        return self.world.annotated(self.module, expr, cls)

    def value(self, expr: object) -> Value | None:
        """What an expression is; its accesses are told on the way."""
        if type(expr) is str:
            return self.dotted(expr)
        if type(expr) is not tuple:
            return None
        return EVALUATORS[expr[0]](self, expr)

    # --- names and attributes --------------------------------------------------------------------

    def dotted(self, dotted: str) -> Value | None:
        env = self.env
        if dotted in env:
            return env[dotted]
        head, _, rest = dotted.partition(".")
        if head in env:
            value = env[head]
        elif head in self.world.class_names(self.cls) and self.code is None:
            value = self.world.member(ClassRef(self.cls or ""), head)
        else:
            value = self.world.global_value(self.module, head)
            if type(value) is Text and self.code is not None and may_be_sql(value.text):
                told(self, value.text, value.whole)
        path = head
        for name in rest.split(".") if rest else ():
            path = f"{path}.{name}"
            if path in env:
                value = env[path]
            elif value is not None:
                value = self.attribute(value, name, self.line)
        return value

    def attribute(self, owner: Value | None, name: str, line: int) -> Value | None:
        if owner is None:
            return None
        if type(owner) is Either:
            return either(*[self.attribute(o, name, line) for o in owner.options])
        framework = self.world.framework_of(owner)
        if framework is not None:
            found = framework.attribute(self, owner, name, line)
            if found is not None:
                return found
        kind = type(owner)
        if kind is ModuleRef or kind is External:
            return self.world.plain_attribute(owner, name)
        if kind is Instance or kind is ClassRef:
            member = self.world.member(owner, name)  # type: ignore[arg-type]
            if type(member) is Method and kind is Instance and self.world.is_property(member):
                return invoke(self, member, Call(line, None, (), (), {}, {}))
            if type(member) is Text and self.code is not None and may_be_sql(member.text):
                told(self, member.text, member.whole)
            if member is not None:
                return member
            if framework is None and owner.cls in self.project.classes.by_id:  # type: ignore[attr-defined]
                return None
        return Method(owner, name)

    def store(self, owner: Value | None, name: str, value: Value | None, line: int) -> None:
        for one in options(owner):
            framework = self.world.framework_of(one)
            if framework is not None:
                framework.store(self, one, name, value, line)

    def element(self, value: Value | None, line: int) -> Value | None:
        """What iterating over `value` gives."""
        if type(value) is Either:
            return either(*[self.element(o, line) for o in value.options])
        if type(value) is Many:
            return value.item
        if type(value) is Several:
            return either(*value.items)
        if value is None:
            return None
        framework = self.world.framework_of(value)
        if framework is not None:
            found = framework.iterate(self, value, line)
            if found is not None:
                return found
        if type(value) is Instance:
            method = self.world.member(value, "__iter__")
            if type(method) is Method:
                return self.element(invoke(self, method, Call(line, None, (), (), {}, {})), line)
        return None

    def call(self, function: Value | None, call: Call) -> Value | None:
        """What a call gives, its effects told."""
        if function is None:
            return None
        if type(function) is Either:
            return either(*[self.call(o, call) for o in function.options])
        kind = type(function)
        if isinstance(function, Function) or (
            isinstance(function, Method) and function.home is not None
        ):
            framework = self.world.framework_of(function) if kind is Method else None
            found = framework.call(self, function, call) if framework is not None else None
            return found if found is not None else invoke(self, function, call)
        framework = self.world.framework_of(function)
        if framework is not None:
            found = framework.call(self, function, call)
            if found is not None:
                return found
        if kind is ClassRef:
            return self._made(function, call)  # type: ignore[arg-type]
        if kind is Closure:
            return self._closed(function, call)  # type: ignore[arg-type]
        if isinstance(function, External) and framework is None:
            named_as_class = function.name.rpartition(".")[2][:1].isupper()
            return Instance(function.name) if named_as_class else None
        if kind is Instance:
            method = self.world.member(function, "__call__")  # type: ignore[arg-type]
            return invoke(self, method, call) if type(method) is Method else None
        return None

    def _made(self, function: ClassRef, call: Call) -> Value:
        """An object of one of the monolith's own classes."""
        init = self.project.classes.find(function.cls, "__init__")
        if init is None or init[1][0] != DEF:
            return Instance(function.cls)
        names = [p[0] for p in init[1][4]][1:]
        pairs = [*zip(names, call.values, strict=False), *call.named.items()]
        given = tuple((n, v) for n, v in pairs if type(v) is ClassRef)
        made = Instance(function.cls, given)
        invoke(self, Method(made, "__init__", init[0].id), call)
        return made

    def _closed(self, function: Closure, call: Call) -> Value | None:
        """A nested function runs in the frame around it."""
        if self.world.depth > 6 or not isinstance(function.body, tuple):
            return None
        self.world.depth += 1
        before = dict(self.env)
        for param, value in zip(function.params, call.values, strict=False):
            self.env[param[0]] = value
        try:
            if function.name:
                kept, self.returned = self.returned, []
                self.block(function.body)
                result = either(*self.returned)
                self.returned = kept
                return result
            return self.value(function.body)
        finally:
            self.env = before
            self.world.depth -= 1

    # --- statements ------------------------------------------------------------------------------

    def _bind_params(self, given: MappingOf[str, Value | None]) -> None:
        assert self.code is not None
        params = self.code.statement[4]
        decorators = {d[1] for d in self.code.statement[6] if type(d[1]) is str}
        for position, (name, annotation, default, kind) in enumerate(params):
            value = given.get(name)
            if position == 0 and self.cls is not None and "staticmethod" not in decorators:
                owner = self.own.cls if self.own else self.cls
                if "classmethod" in decorators or self.code.name in (
                    "__new__",
                    "__init_subclass__",
                ):
                    value = ClassRef(owner)
                else:
                    value = self.own or Instance(owner)
            if value is None and annotation is not None:
                value = self.annotated(annotation)
                if value is not None and kind == "*":
                    value = Many(value)
                elif value is not None and kind == "**":
                    value = Mapping((), value)
            if default is not None:
                assumed = self.world.at_module(self.module, default, self.cls)
                framework = self.world.framework_of(assumed) if assumed is not None else None
                if framework is not None and assumed is not None and type(assumed) is not Instance:
                    made = framework.parameter(self, assumed)
                    value = made if made is not None else value
                if value is None and type(assumed) in (Instance, ClassRef, Text):
                    value = assumed
            self.env[name] = value

    def run(self) -> None:
        """Interpret the whole function."""
        assert self.code is not None
        self.block(self.world.block(self.code))

    def block(self, block: Block) -> None:
        for statement in block:
            self.line = statement[1]
            _STATEMENTS[statement[0]](self, statement)

    def assign(self, target: Expr, value: Value | None, line: int) -> None:
        if type(target) is str:
            if "." in target:
                owner, _, name = target.rpartition(".")
                self.store(self.dotted(owner), name, value, line)
            self.env[target] = value
        elif target[0] == TUPLE:
            items: tuple[Value | None, ...] = ()
            if type(value) is Several:
                items = value.items
            inner = None if items else self.element(value, line)
            for index, one in enumerate(target[1]):
                item = items[index] if index < len(items) else inner
                if type(one) is tuple and one[0] == STAR:
                    self.assign(one[1], Many(item) if item is not None else None, line)
                else:
                    self.assign(one, item, line)
        elif target[0] == "attr":
            self.store(self.value(target[2]), target[3], value, line)
        elif target[0] == ITEM:
            self.value(target[1])
            self.value(target[2])

    def _set(self, statement: Stmt) -> None:
        _, line, targets, written, annotation = statement
        value = self.value(written) if written is not None else None
        if annotation is not None:
            known = self.annotated(annotation)
            value = known if known is not None and not _says_more(value, known) else value
        for target in targets:
            self.assign(target, value, line)

    def _aug(self, statement: Stmt) -> None:
        _, line, target, written = statement
        added = self.value(written)
        if type(target) is str and "." not in target:
            before = self.env.get(target)
            if type(before) is Text and type(added) is Text:
                self.env[target] = Text(before.text + added.text, before.whole and added.whole)
            elif before is None:
                self.env[target] = added
            return
        self.assign(target, None, line)

    def _do(self, statement: Stmt) -> None:
        expr = statement[2]
        value = self.value(expr)
        del value
        if type(expr) is tuple and expr[0] == CALL:
            self._grown(expr)

    def _grown(self, expr: Expr) -> None:
        """``found.append(x)``: a list is what is put in it."""
        func = expr[2]
        if type(func) is not str or not expr[3]:
            return
        name, _, method = func.rpartition(".")
        if method in ("append", "add") and name and "." not in name and name in self.env:
            known = self.env[name]
            if known is None or known == Several(()):
                item = self.value(expr[3][0])
                if item is not None:
                    self.env[name] = Many(item)

    def _return(self, statement: Stmt) -> None:
        self.returned.append(self.value(statement[2]))

    def _raise(self, statement: Stmt) -> None:
        self.value(statement[2])

    def _del(self, statement: Stmt) -> None:
        for target in statement[2]:
            self.value(target)

    def _for(self, statement: Stmt) -> None:
        _, line, target, iterated, body = statement
        self.assign(target, self.element(self.value(iterated), line), line)
        before = dict(self.env)
        self.block(body)
        self._join(before)

    def _if(self, statement: Stmt) -> None:
        _, _line, test, body, orelse = statement
        self.value(test)
        before = dict(self.env)
        self._narrow(test)
        self.block(body)
        after = self.env
        ended = bool(body) and body[-1][0] in (RETURN, RAISE)
        self.env = before
        if orelse:
            self.env = dict(before)
            self.block(orelse)
        if not ended:
            self._join(after)

    def _join(self, other: dict[str, Value | None]) -> None:
        env = self.env
        for name, value in other.items():
            if value is None:
                env.setdefault(name, None)
            elif name not in env or env[name] is None:
                env[name] = value
            elif env[name] != value:
                env[name] = either(env[name], value)

    def _narrow(self, test: Expr) -> None:
        """``isinstance(x, User)`` holds in the branch below it."""
        if type(test) is not tuple:
            return
        if test[0] == "oneof":
            for part in test[1]:
                self._narrow(part)
        elif test[0] == CALL and test[2] == "isinstance" and len(test[3]) == 2:
            name, cls = test[3]
            if type(name) is str:
                written = cls[1] if type(cls) is tuple and cls[0] == TUPLE else (cls,)
                types = [self.world.instance_of(self.value(c)) for c in written]
                known = either(*types)
                if known is not None:
                    self.env[name] = known

    def _with(self, statement: Stmt) -> None:
        _, line, items, body = statement
        for expr, target in items:
            value = self.value(expr)
            entered = self._entered(value, line)
            if target is not None:
                self.assign(target, entered, line)
        self.block(body)

    def _entered(self, value: Value | None, line: int) -> Value | None:
        """What ``with`` binds: the object itself unless its class says otherwise."""
        found = []
        for one in options(value):
            entered: Value | None = one.item if type(one) is Many else one
            framework = self.world.framework_of(one)
            if framework is not None:
                known = framework.entered(self, one, line)
                if known is not None:
                    found.append(known)
                    continue
            if type(one) is Instance:
                for name in ("__enter__", "__aenter__"):
                    method = self.world.member(one, name)
                    if type(method) is Method:
                        given = invoke(self, method, Call(line, None, (), (), {}, {}))
                        entered = given if given is not None else one
            found.append(entered)  # type: ignore[arg-type]
        return either(*found)

    def _try(self, statement: Stmt) -> None:
        _, _line, body, handlers, final = statement
        self.block(body)
        for type_, name, inner in handlers:
            before = dict(self.env)
            if name:
                self.env[name] = self.world.instance_of(self.value(type_)) if type_ else None
            self.block(inner)
            self._join(before)
        self.block(final)

    def _import(self, statement: Stmt) -> None:
        module = self.project.modules[self.module]
        for imported in imported_names(self.module, module.is_package, statement):
            if imported.bound is not None:
                target = self.project.names.absolute(imported.target)
                self.env[imported.bound] = self.world.value_of(target)

    def _def(self, statement: Stmt) -> None:
        name, params, body = statement[3], statement[4], statement[7]
        for _, decorator in statement[6]:
            self.value(decorator)
        self.env[name] = Closure(params, body, f"{self.function}.{name}:{statement[1]}")
        if isinstance(body, tuple):
            # It runs some time: what it touches belongs to the function that makes it.
            before = dict(self.env)
            kept, self.returned = self.returned, []
            for param_name, annotation, _, _ in params:
                self.env[param_name] = self.annotated(annotation) if annotation else None
            self.block(body)
            self.env, self.returned = before, kept

    def _class(self, statement: Stmt) -> None:
        self.env[statement[3]] = None
        before = dict(self.env)
        self.block(statement[7])
        self.env = before


def _says_more(value: Value | None, known: Value) -> bool:
    """Whether a value tells more than its annotation does, as a subclass or a query."""
    return value is not None and type(value) is not type(known)


_STATEMENTS = {
    SET: Interpreter._set, AUG: Interpreter._aug, DO: Interpreter._do,
    RETURN: Interpreter._return, RAISE: Interpreter._raise, DEL: Interpreter._del,
    FOR: Interpreter._for, IF: Interpreter._if, WITH: Interpreter._with, TRY: Interpreter._try,
    IMPORT: Interpreter._import, DEF: Interpreter._def, CLASS: Interpreter._class,
}  # fmt: skip
