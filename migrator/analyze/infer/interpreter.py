"""Interprets one function: its statements in order, branches joined, loops once."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import CONST, DEF, ITEM, STAR, TUPLE, Block, Expr
from migrator.analyze.facts.sql_text import may_be_sql
from migrator.analyze.infer.closures import names_seen
from migrator.analyze.infer.delegating import asked_for, set_by
from migrator.analyze.infer.expressions import EVALUATORS, told
from migrator.analyze.infer.invoke import invoke, run
from migrator.analyze.infer.iterating import element_of
from migrator.analyze.infer.known_calls import loaded
from migrator.analyze.infer.parameters import bind, makings, remembered
from migrator.analyze.infer.sink import Reach, ReachKind, Sink, Through, Touch
from migrator.analyze.infer.statements import STATEMENTS, put
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
    Method,
    ModuleRef,
    Probe,
    Several,
    Text,
    Value,
    by_place,
    either,
    known_as,
    options,
)  # fmt: skip
from migrator.model.graph import AccessHow, AccessMode, Confidence

if TYPE_CHECKING:
    from migrator.analyze.infer.world import World

_DEEPEST_NESTED = 6
_MOST_NESTED_CALLS = 1_000


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
        self.watched = own.cls if own is not None else cls if code is not None else None
        self.line = 0
        self.quiet = 0
        # Parameters that are known to be a constant, and whether a branch so chosen has ended it.
        self.constants: dict[str, object] = {}
        self.ended = False
        self.probing = False
        self.returned: list[Value | None] = []
        self.yields = False
        self.nested: list[object] = []
        self.nested_calls = 0
        # Reads of queries that functions called here made and did not run, by table.
        self.made: dict[str, list[Through]] = {}
        self._closures: dict[tuple[object, ...], Value | None] = {}

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
        bind(at, given)
        return at

    # --- what frameworks ask and tell ------------------------------------------------------------

    @property
    def function(self) -> str:
        return self.code.key if self.code else self.definition

    @property
    def own_class(self) -> str | None:
        if self.own is not None:
            return self.own.cls
        return self.cls if self.code is not None else None

    def access(
        self, table: str, mode: AccessMode, line: int, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        touch = Touch(self.function, self.definition, table, mode, line, how, confidence)
        self.sink.touches[touch] = None

    def has_read(self, table: str) -> bool:
        return any(t.table == table and t.mode == "read" for t in self.sink.touches)

    def mention(self, table: str, line: int, how: AccessHow) -> None:
        touch = Touch(self.function, self.definition, table, "read", line, how, "certain")
        self.sink.mentions[touch] = None

    def executes(self) -> None:
        self.sink.executes = True

    def unresolved(self, line: int, what: str, why: str) -> None:
        self.sink.unresolved[line, what, why] = None

    def retract(self, table: str, line: int) -> None:
        for how in ("orm", "relationship"):
            touch = Touch(self.function, self.definition, table, "read", line, how, "certain")
            self.sink.touches.pop(touch, None)
        for through in self.made.pop(table, ()):
            self.sink.through.pop(through, None)

    def reaches(self, definition: str, line: int, kind: ReachKind = "calls") -> None:
        reach = Reach(self.function, self.definition, definition, line, kind)
        self.sink.reaches[reach] = None

    def annotated(self, expr: object) -> Value | None:
        cls = self.own.cls if self.own else self.cls
        return self.world.annotated(self.module, expr, cls)

    def value(self, expr: object) -> Value | None:
        """What an expression is; its accesses are told on the way."""
        if type(expr) is str:
            return self.dotted(expr)
        if type(expr) is not tuple or expr[0] == CONST:
            return None
        world = self.world
        if world.nested > world.deepest:
            raise RecursionError
        world.nested += 1
        try:
            return EVALUATORS[expr[0]](self, expr)
        finally:
            world.nested -= 1

    # --- names and attributes --------------------------------------------------------------------

    def dotted(self, dotted: str) -> Value | None:
        env = self.env
        if dotted in env:
            return env[dotted]
        head, _, rest = dotted.partition(".")
        if head in env:
            value = env[head]
        elif self.code is None and head in self.world.class_names(self.cls):
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
            member = self.member(owner, name)  # type: ignore[arg-type]
            if type(member) is Method and kind is Instance and self.world.is_property(member):
                return invoke(self, member, Call(line, None, (), (), {}, {}))
            if type(member) is Method and kind is ClassRef:
                code = self.world.hybrid(member)
                if code is not None:
                    return run(self.world, code, None, {})[0]
            if type(member) is Text and self.code is not None and may_be_sql(member.text):
                told(self, member.text, member.whole)
            if member is not None:
                return member
            if kind is Instance:
                member = asked_for(self, owner, name, line)  # type: ignore[arg-type]
                if member is not None:
                    return member
            if framework is None and owner.cls in self.project.classes.by_id:  # type: ignore[attr-defined]
                return None
        return Method(owner, name)

    def member(self, owner: Instance | ClassRef, name: str) -> Value | None:
        """What the monolith's classes say of ``owner.name``, noted where it is of ``self``."""
        if owner.cls == self.watched:
            self.sink.needs.add(name)
        return self.world.member(owner, name)

    def store(self, owner: Value | None, name: str, value: Value | None, line: int) -> None:
        for one in options(owner):
            place = f"{known_as(one)}.{name}"
            if place in self.schema.outside:
                self.sink.placed[place] = either(self.sink.placed.get(place), value)
            if getattr(one, "cls", None) == self.watched:
                self.sink.stores.add(name)
            framework = self.world.framework_of(one)
            if framework is not None:
                framework.store(self, one, name, value, line)
            if type(one) is Instance:
                set_by(self, one, name, value, line)

    def element(self, value: Value | None, line: int) -> Value | None:
        """What iterating over `value` gives."""
        return element_of(self, value, line)

    def call(self, function: Value | None, call: Call) -> Value | None:
        """What a call gives, its effects told."""
        if function is None:
            return None
        if type(function) is Either:
            return either(*[self.call(o, call) for o in function.options])
        kind = type(function)
        if kind is Probe:
            self.sink.probed.append((call.values, dict(call.named)))
            return None
        if isinstance(function, Function) or (
            isinstance(function, Method) and function.home is not None
        ):
            by_text = loaded(self, function, call) if type(function) is Function else None
            if by_text is not None:
                return by_text
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
            method = self.member(function, "__call__")  # type: ignore[arg-type]
            return invoke(self, method, call) if type(method) is Method else None
        return None

    def sends(self, handler: str, call: Call) -> None:
        invoke(self, Function(handler), call, named=False)

    def _made(self, function: ClassRef, call: Call) -> Value:
        """An object of one of the monolith's own classes."""
        if function.cls == self.watched:
            self.sink.needs.add("__init__")
        init = self.project.classes.find(function.cls, "__init__")
        if init is None or init[1][0] != DEF:
            return Instance(function.cls)
        names = [p[0] for p in init[1][4]][1:]
        pairs = [*zip(names, call.values, strict=False), *call.named.items()]
        made = Instance(function.cls, remembered(self.world, pairs))
        self.sink.makings |= makings(function.cls, pairs)
        invoke(self, Method(made, "__init__", init[0].id), call)
        return made

    def _closed(self, function: Closure, call: Call) -> Value | None:
        """A nested function runs in the frame around it, once for each state of what it sees;
        within itself it tells nothing new."""
        body = function.body
        if not isinstance(body, (tuple, str)) or any(body is outer for outer in self.nested):
            return None
        names = names_seen(function, self.env, self.world.mentioned)
        seen = tuple([self.env.get(name) for name in names])
        outer = tuple([id(one) for one in self.nested])
        line = 0 if function.name else self.line
        key = (id(body), call.values, seen, outer, self.quiet > 0, line)
        if key not in self._closures:
            self._closures[key] = self._run_closure(function, call)
        return self._closures[key]

    def _run_closure(self, function: Closure, call: Call) -> Value | None:
        self.nested_calls += 1
        if len(self.nested) > _DEEPEST_NESTED or self.nested_calls > _MOST_NESTED_CALLS:
            self.unresolved(call.line, "nested functions", "they call each other too often")
            return None
        self.nested.append(function.body)
        before, line = dict(self.env), self.line
        given = {param[0]: self.value(param[2]) for param in function.params}
        given |= dict(zip(given, call.values, strict=False))
        self.env |= given
        constants, self.constants = self.constants, {}
        try:
            if function.name:
                kept, self.returned = self.returned, []
                self.block(function.body)  # type: ignore[arg-type]
                self.ended = False
                result = either(*self.returned)
                self.returned = kept
                return result
            return self.value(function.body)
        finally:
            self.env, self.line, self.constants = before, line, constants
            self.nested.pop()

    # --- statements ------------------------------------------------------------------------------

    def run(self) -> None:
        """Interpret the whole function."""
        assert self.code is not None
        self.block(self.world.block(self.code))

    def block(self, block: Block) -> None:
        world = self.world
        if world.nested > world.deepest:
            raise RecursionError
        world.nested += 1
        try:
            for statement in block:
                self.line = statement[1]
                STATEMENTS[statement[0]](self, statement)
                if self.ended:
                    break
        finally:
            world.nested -= 1

    def assign(self, target: Expr, value: Value | None, line: int) -> None:
        if type(target) is str:
            self.constants.pop(target, None)
            if "." in target:
                owner, _, name = target.rpartition(".")
                self.store(self.dotted(owner), name, value, line)
            self.env[target] = value
        elif target[0] == TUPLE:
            items = value.items if type(value) is Several else by_place(value)
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
            put(self, target[1], self.value(target[2]), value)
