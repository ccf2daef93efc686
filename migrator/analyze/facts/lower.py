"""One walk over a syntax tree: `shape` tells what comes out."""

from __future__ import annotations

import ast
import builtins
import marshal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from migrator.analyze.facts.shape import (
    ANY,
    ATTR,
    AUG,
    BIND,
    CALL,
    CALLS,
    CLASS,
    CONST,
    DECORATES,
    DEF,
    DEL,
    DICT,
    DO,
    EACH,
    FOR,
    FSTRING,
    IF,
    IMPORT,
    INHERITS,
    ITEM,
    LAMBDA,
    LIST,
    ONE_OF,
    OP,
    RAISE,
    RAISES,
    REFERENCES,
    RETURN,
    SET,
    SET_,
    STAR,
    STR,
    TRY,
    TUPLE,
    WITH,
    YIELD,
    Block,
    Body,
    DefinitionFact,
    Detail,
    Expr,
    Interface,
    Stmt,
    Use,
)  # fmt: skip
from migrator.analyze.facts.sql_text import may_be_sql

_BUILTINS = frozenset(dir(builtins)) | {"self", "cls"}
_LONGEST_TEXT = 300
_MOST_ELEMENTS = 600
_NOTHING: Expr = (ANY, ())
_OPERATORS: dict[type, str] = {ast.BitOr: "|", ast.Add: "+", ast.Mod: "%"}
_DYNAMIC = {"import_module", "__import__"}


class _Frame:
    """What is gathered inside one definition, or one function of a class."""

    __slots__ = (
        "attributes",
        "calls",
        "flags",
        "hidden",
        "local",
        "other",
        "refs",
        "shared",
        "sql",
    )

    def __init__(self) -> None:
        self.calls: dict[str, list[Any]] = {}
        self.refs: dict[str, int] = {}
        self.other: list[tuple[str, int, int]] = []
        self.hidden: set[str] = set()
        self.local: list[Stmt] = []
        self.attributes: set[str] = set()
        self.flags: set[str] = set()
        self.shared: set[str] = set()
        self.sql = False

    def absorb(self, inner: _Frame) -> None:
        """Add what a function inside this frame uses, less what it binds itself."""
        imported = {alias or name for s in inner.local for name, alias in s[5]}
        hidden = inner.hidden - {n.partition(".")[0] for n in imported} - inner.shared
        for name, found in inner.calls.items():
            if name.partition(".")[0] not in hidden:
                known = self.calls.get(name)
                if known is None:
                    self.calls[name] = found
                else:
                    known[0] += found[0]
                    known[2] |= found[2]
        for name, line in inner.refs.items():
            if name.partition(".")[0] not in hidden:
                self.refs.setdefault(name, line)
        self.other += [u for u in inner.other if u[0].partition(".")[0] not in hidden]
        self.local += inner.local
        self.flags |= inner.flags


class Lowering:
    """The walk over one file; `frame` gathers, `depth` 0 is the module, 1 a top-level class."""

    def __init__(self) -> None:
        self.frame = _Frame()
        self.bodies: list[Body] = []
        self.imports: list[Stmt] = []
        self.dynamic: list[tuple[int, str | None, Expr]] = []
        self.loops: list[tuple[int, str, Expr]] = []
        self.owner: str | None = None
        self.bare: ast.AST | None = None
        self.in_function = False
        self.import_kind = "static"
        self.at_top = True
        self.definitions: dict[str, _Definition] = {}

    def expr(self, node: ast.AST) -> Expr:
        return _EXPRESSIONS[type(node)](self, node)

    def block(self, nodes: Sequence[ast.stmt]) -> Block:
        if self.at_top:
            return self._top_block(nodes)
        found = []
        for node in nodes:
            handler = _STATEMENTS.get(type(node))
            if handler is not None:
                lowered = handler(self, node)
                if lowered is not None:
                    found.append(lowered)
        return tuple(found)

    def _top_block(self, nodes: Sequence[ast.stmt]) -> Block:
        """Each statement with a frame of its own, kept with the definitions that it makes."""
        found = []
        outer = self.frame
        for node in nodes:
            handler = _STATEMENTS.get(type(node))
            if handler is None:
                continue
            names = list(_bound(node))
            self.frame = _Frame()
            self.owner = names[0] if names else None
            lowered = handler(self, node)
            if lowered is not None:
                found.append(lowered)
                for name in names:
                    self._define(name, node, lowered, self.frame)
        self.frame, self.owner = outer, None
        return tuple(found)

    def _define(self, name: str, node: ast.stmt, lowered: Stmt, frame: _Frame) -> None:
        added = name.startswith(".")
        known = self.definitions.get(name[added:])
        if added and (known is None or known.kind != "variable"):
            return
        if known is None:
            if not (name.startswith("__") and name.endswith("__")):
                self.definitions[name] = _Definition(node, lowered, frame)
            return
        known.statements.append(lowered)
        known.end = max(known.end, node.end_lineno or node.lineno)
        known.frame.absorb(frame)
        known.frame.attributes |= frame.attributes

    def interface(self, lines: int, body: Block) -> Interface:
        definitions = tuple([d.fact(name) for name, d in self.definitions.items()])
        return Interface(
            lines, body, definitions, tuple(self.imports), tuple(self.dynamic),
            _exports(body), tuple(self.loops) if self.dynamic else (),
        )  # fmt: skip

    def detail(self) -> Detail:
        frames = [d.frame for d in self.definitions.values()]
        uses = tuple([_uses(frame) for frame in frames])
        return Detail(uses, tuple([tuple(f.local) for f in frames]), tuple(self.bodies))


class _Definition:
    """A definition while its file is walked."""

    def __init__(self, node: ast.stmt, lowered: Stmt, frame: _Frame) -> None:
        decorators = getattr(node, "decorator_list", ())
        self.kind = _KINDS.get(type(node), "variable")
        self.line = min([d.lineno for d in decorators] + [node.lineno])
        self.end = node.end_lineno or node.lineno
        self.statements = [lowered]
        self.frame = frame

    def fact(self, name: str) -> DefinitionFact:
        frame = self.frame
        flags = sorted(frame.flags | ({"commits"} if "commit" in frame.attributes else set()))
        first = self.statements[0]
        doc = first[9] if first[0] == DEF else first[8] if first[0] == CLASS else None
        return DefinitionFact(
            name, self.kind, self.line, self.end, doc, tuple(flags), tuple(self.statements)
        )


_KINDS = {ast.ClassDef: "class", ast.FunctionDef: "function", ast.AsyncFunctionDef: "function"}


def lower(tree: ast.Module, lines: int) -> tuple[Interface, Detail]:
    """Raises RecursionError where the tree is nested too deeply."""
    low = Lowering()
    body = low.block(tree.body)
    return low.interface(lines, body), low.detail()


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a module-level statement defines or, for ``name.method()``, adds to."""
    kind = type(node)
    if kind in _KINDS:
        yield node.name  # type: ignore[attr-defined]
    elif kind is ast.Assign:
        for target in node.targets:  # type: ignore[attr-defined]
            yield from _stored(target)
    elif kind is ast.AnnAssign or kind is ast.AugAssign:
        yield from _stored(node.target)  # type: ignore[attr-defined]
    elif kind is ast.Expr and type(node.value) is ast.Call:  # type: ignore[attr-defined]
        func = node.value.func  # type: ignore[attr-defined]
        dotted = _chain(func) if type(func) is ast.Attribute else None
        if dotted:
            yield "." + dotted.partition(".")[0]


def _stored(target: ast.expr) -> Iterator[str]:
    if type(target) is ast.Name:
        yield target.id
    elif type(target) is ast.Tuple or type(target) is ast.List:
        for element in target.elts:
            yield from _stored(element)


def _uses(frame: _Frame) -> tuple[Use, ...]:
    found = [Use(n, CALLS, c[0], c[1], c[2]) for n, c in frame.calls.items()]
    found += [Use(n, REFERENCES, 1, line, False) for n, line in frame.refs.items()]
    found += [Use(n, kind, 1, line, True) for n, kind, line in frame.other]
    return tuple(found)


def _exports(body: Block) -> tuple[str, ...] | None:
    found: list[str] | None = None
    for statement in body:
        if (statement[0] == SET and statement[2] == ("__all__",)) or (
            statement[0] == AUG and statement[2] == "__all__"
        ):
            value = statement[3]
        else:
            continue
        if type(value) is tuple and value[0] in (LIST, TUPLE):
            found = found or []
            found += [e[1] for e in value[1] if type(e) is tuple and e[0] == STR]
    return tuple(found) if found is not None else None


# --- expressions ---------------------------------------------------------------------------------


def _name(low: Lowering, node: ast.Name) -> Expr:
    name = node.id
    frame = low.frame
    if name not in frame.hidden and name not in frame.refs and name not in _BUILTINS:
        frame.refs[name] = node.lineno
    return name


def _chain(node: ast.Attribute) -> str | None:
    """``a.b.c``, or None where the chain does not begin with a name."""
    parts = [node.attr]
    value = node.value
    while type(value) is ast.Attribute:
        parts.append(value.attr)
        value = value.value
    if type(value) is not ast.Name:
        return None
    parts.append(value.id)
    parts.reverse()
    return ".".join(parts)


def _attribute(low: Lowering, node: ast.Attribute) -> Expr:
    dotted = _chain(node)
    if dotted is None:
        return (ATTR, node.lineno, low.expr(node.value), node.attr)
    frame = low.frame
    head = dotted[: dotted.index(".")]
    if head not in frame.hidden and head not in _BUILTINS and dotted not in frame.refs:
        frame.refs[dotted] = node.lineno
    return dotted


def _call(low: Lowering, node: ast.Call) -> Expr:
    func = node.func
    frame = low.frame
    kind = type(func)
    line = node.lineno
    used = node is not low.bare
    if kind is ast.Attribute:
        frame.attributes.add(func.attr)  # type: ignore[attr-defined]
        lowered: Expr = _chain(func)  # type: ignore[arg-type]
        if lowered is None:
            lowered = (ATTR, line, low.expr(func.value), func.attr)  # type: ignore[attr-defined]
        else:
            _called(frame, lowered, lowered[: lowered.index(".")], line, used)
    elif kind is ast.Name:
        lowered = func.id  # type: ignore[attr-defined]
        _called(frame, lowered, lowered, line, used)
    else:
        lowered = low.expr(func)
    args = tuple([low.expr(a) for a in node.args])
    keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
    call = (CALL, line, lowered, args, keywords)
    if type(lowered) is str and lowered.rpartition(".")[2] in _DYNAMIC:
        low.dynamic.append((line, low.owner, call))
    return call


def _called(frame: _Frame, dotted: str, head: str, line: int, used: bool) -> None:
    if head in frame.hidden or (head in _BUILTINS and head == dotted):
        return
    found = frame.calls.get(dotted)
    if found is None:
        frame.calls[dotted] = [1, line, used]
    else:
        found[0] += 1
        found[2] |= used


def _constant(low: Lowering, node: ast.Constant) -> Expr:
    value: Any = node.value
    kind = type(value)
    if kind is str:
        if len(value) > 8 and may_be_sql(value):
            low.frame.sql = True
        elif len(value) > _LONGEST_TEXT:
            return (STR, value[:_LONGEST_TEXT])
        return (STR, value)
    if (
        value is None
        or value is ...
        or kind is bool
        or kind is float
        or (kind is int and abs(value) < 1 << 60)
    ):
        return (CONST, value)
    return _NOTHING


def _fstring(low: Lowering, node: ast.JoinedStr) -> Expr:
    parts: list[Expr] = []
    for value in node.values:
        if type(value) is ast.Constant:
            parts.append(value.value)
        elif type(value) is ast.FormattedValue:
            parts.append((ANY, (low.expr(value.value),)))
    text = "".join(p if type(p) is str else " x " for p in parts)
    if may_be_sql(text):
        low.frame.sql = True
    return (FSTRING, tuple(parts))


def _binary(low: Lowering, node: ast.BinOp) -> Expr:
    spine: list[ast.BinOp] = []
    left: ast.AST = node
    while type(left) is ast.BinOp:
        spine.append(left)
        left = left.left
    lowered = low.expr(left)
    for part in reversed(spine):
        operator = _OPERATORS.get(type(part.op))
        right = low.expr(part.right)
        lowered = (OP, operator, lowered, right) if operator else (ANY, (lowered, right))
    return lowered


def _elements(low: Lowering, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
    if len(nodes) > _MOST_ELEMENTS and all(type(n) is ast.Constant for n in nodes[:50]):
        return ()
    return tuple([low.expr(n) for n in nodes])


def _dict(low: Lowering, node: ast.Dict) -> Expr:
    if len(node.keys) > _MOST_ELEMENTS:
        return (DICT, (), ())
    keys = tuple([low.expr(k) if k is not None else None for k in node.keys])
    return (DICT, keys, tuple([low.expr(v) for v in node.values]))


def _comprehension(kind: str) -> Callable[[Lowering, Any], Expr]:
    def lower(low: Lowering, node: Any) -> Expr:
        clauses = tuple(
            [
                (_target(low, g.target), low.expr(g.iter), tuple([low.expr(i) for i in g.ifs]))
                for g in node.generators
            ]
        )
        if kind == "dict":
            element: Expr = (TUPLE, (low.expr(node.key), low.expr(node.value)))
        else:
            element = low.expr(node.elt)
        for target, iterated, _ in clauses:
            if type(target) is str:
                low.loops.append((node.lineno, target, iterated))
        return (EACH, kind, element, clauses)

    return lower


def _target(low: Lowering, node: ast.AST) -> Expr:
    """What is assigned to; names are hidden from the module's from here on."""
    if type(node) is ast.Name:
        low.frame.hidden.add(node.id)
        return node.id
    if type(node) is ast.Tuple or type(node) is ast.List:
        return (TUPLE, tuple([_target(low, e) for e in node.elts]))
    if type(node) is ast.Starred:
        return (STAR, _target(low, node.value))
    return low.expr(node)


def _params(low: Lowering, args: ast.arguments) -> tuple[Expr, ...]:
    hidden = low.frame.hidden
    plain = [*args.posonlyargs, *args.args]
    missing = len(plain) - len(args.defaults)
    defaults = [None] * missing + [low.expr(d) for d in args.defaults]
    found = [
        (a.arg, low.expr(a.annotation) if a.annotation is not None else None, d, "")
        for a, d in zip(plain, defaults, strict=True)
    ]
    if args.vararg:
        found.append((args.vararg.arg, _optional(low, args.vararg.annotation), None, "*"))
    for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append((a.arg, _optional(low, a.annotation), _optional(low, d), "k"))
    if args.kwarg:
        found.append((args.kwarg.arg, _optional(low, args.kwarg.annotation), None, "**"))
    hidden.update([p[0] for p in found])
    return tuple(found)


def _optional(low: Lowering, node: ast.AST | None) -> Expr:
    return low.expr(node) if node is not None else None


def _lambda(low: Lowering, node: ast.Lambda) -> Expr:
    return (LAMBDA, _params(low, node.args), low.expr(node.body))


def _several(*fields: str) -> Callable[[Lowering, Any], Expr]:
    def lower(low: Lowering, node: Any) -> Expr:
        found: list[Expr] = []
        for field in fields:
            value = getattr(node, field)
            if type(value) is list:
                found += [low.expr(v) for v in value]
            elif value is not None:
                found.append(low.expr(value))
        return (ANY, tuple(found))

    return lower


def _yield(low: Lowering, node: Any) -> Expr:
    low.frame.flags.add("generator")
    return (YIELD, low.expr(node.value) if node.value is not None else _NOTHING)


def _bind(low: Lowering, node: ast.NamedExpr) -> Expr:
    value = low.expr(node.value)
    return (BIND, _target(low, node.target), value)


class _Handlers(dict[type, Callable[[Lowering, Any], Expr]]):
    """A node of a newer Python than this was written for: what is in it is evaluated."""

    def __missing__(self, kind: type) -> Callable[[Lowering, Any], Expr]:
        return _unknown


def _unknown(low: Lowering, node: ast.AST) -> Expr:
    return (ANY, tuple([low.expr(c) for c in ast.iter_child_nodes(node)]))


_EXPRESSIONS = _Handlers({
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Constant: _constant,
    ast.JoinedStr: _fstring,
    ast.BinOp: _binary,
    ast.Subscript: lambda low, n: (ITEM, low.expr(n.value), low.expr(n.slice)),
    ast.List: lambda low, n: (LIST, _elements(low, n.elts)),
    ast.Tuple: lambda low, n: (TUPLE, _elements(low, n.elts)),
    ast.Set: lambda low, n: (SET_, _elements(low, n.elts)),
    ast.Dict: _dict,
    ast.ListComp: _comprehension("list"),
    ast.SetComp: _comprehension("setof"),
    ast.GeneratorExp: _comprehension("list"),
    ast.DictComp: _comprehension("dict"),
    ast.Lambda: _lambda,
    ast.BoolOp: lambda low, n: (ONE_OF, tuple([low.expr(v) for v in n.values])),
    ast.IfExp: lambda low, n: (
        ONE_OF, ((ANY, (low.expr(n.test),)), low.expr(n.body), low.expr(n.orelse)),
    ),
    ast.Await: lambda low, n: low.expr(n.value),
    ast.Starred: lambda low, n: (STAR, low.expr(n.value)),
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.NamedExpr: _bind,
    ast.Compare: _several("left", "comparators"),
    ast.UnaryOp: _several("operand"),
    ast.Slice: _several("lower", "upper", "step"),
    ast.FormattedValue: _several("value"),
})  # fmt: skip


# --- statements ----------------------------------------------------------------------------------


def _assign(low: Lowering, node: ast.Assign) -> Stmt:
    value = low.expr(node.value)
    return (SET, node.lineno, tuple([_target(low, t) for t in node.targets]), value, None)


def _annotated(low: Lowering, node: ast.AnnAssign) -> Stmt:
    value = _optional(low, node.value)
    annotation = low.expr(node.annotation)
    return (SET, node.lineno, (_target(low, node.target),), value, annotation)


def _augmented(low: Lowering, node: ast.AugAssign) -> Stmt:
    return (AUG, node.lineno, _target(low, node.target), low.expr(node.value))


def _do(low: Lowering, node: ast.Expr) -> Stmt | None:
    value = node.value
    if type(value) is ast.Constant and not may_be_sql(str(value.value)):
        return None
    low.bare = value
    return (DO, node.lineno, low.expr(value))


def _raise(low: Lowering, node: ast.Raise) -> Stmt | None:
    if node.exc is None:
        return None
    lowered = low.expr(node.exc)
    raised = lowered[2] if type(lowered) is tuple and lowered[0] == CALL else lowered
    if type(raised) is str:
        low.frame.other.append((raised, RAISES, node.lineno))
    return (RAISE, node.lineno, lowered)


def _for(low: Lowering, node: Any) -> Stmt:
    iterated = low.expr(node.iter)
    target = _target(low, node.target)
    if type(target) is str:
        low.loops.append((node.lineno, target, iterated))
    body = low.block(node.body)
    return (FOR, node.lineno, target, iterated, body + low.block(node.orelse))


def _inside(low: Lowering, kind: str, nodes: Sequence[ast.stmt]) -> Block:
    before = low.import_kind
    if before == "static":
        low.import_kind = kind
    found = low.block(nodes)
    low.import_kind = before
    return found


def _if(low: Lowering, node: Any) -> Stmt:
    test = low.expr(node.test)
    checking = type(test) is str and test.rpartition(".")[2] == "TYPE_CHECKING"
    body = _inside(low, "type_checking" if checking else "conditional", node.body)
    return (IF, node.lineno, test, body, _inside(low, "conditional", node.orelse))


def _with(low: Lowering, node: Any) -> Stmt:
    items = tuple(
        [
            (
                low.expr(i.context_expr),
                _target(low, i.optional_vars) if i.optional_vars is not None else None,
            )
            for i in node.items
        ]
    )
    return (WITH, node.lineno, items, _inside(low, "conditional", node.body))


def _try(low: Lowering, node: Any) -> Stmt:
    body = _inside(low, "conditional", node.body)
    handlers = tuple(
        [
            (_optional(low, h.type), h.name, _inside(low, "conditional", h.body))
            for h in node.handlers
        ]
    )
    orelse = _inside(low, "conditional", node.orelse)
    final = _inside(low, "conditional", node.finalbody)
    return (TRY, node.lineno, body + orelse, handlers, final)


def _match(low: Lowering, node: ast.Match) -> Stmt:
    subject = low.expr(node.subject)
    cases: Block = ()
    for case in reversed(node.cases):
        names: list[Expr] = []
        for inner in ast.walk(case.pattern):
            if isinstance(inner, ast.MatchClass):
                names.append(low.expr(inner.cls))
            elif isinstance(inner, ast.MatchAs | ast.MatchStar) and inner.name:
                low.frame.hidden.add(inner.name)
            elif isinstance(inner, ast.MatchValue):
                names.append(low.expr(inner.value))
        if case.guard is not None:
            names.append(low.expr(case.guard))
        body = _inside(low, "conditional", case.body)
        cases = ((IF, case.pattern.lineno, (ANY, tuple(names)), body, cases),)
    return (IF, node.lineno, (ANY, (subject,)), cases, ())


def _import(low: Lowering, node: Any) -> Stmt:
    names = tuple([(a.name, a.asname) for a in node.names])
    kind = "lazy" if low.in_function else low.import_kind
    if type(node) is ast.Import:
        found: Stmt = (IMPORT, node.lineno, kind, -1, None, names)
    else:
        found = (IMPORT, node.lineno, kind, node.level, node.module, names)
    low.imports.append(found)
    if low.in_function:
        low.frame.local.append(found)
    return found


def _decorators(low: Lowering, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
    return tuple([(node.lineno, _named(low, node, DECORATES)) for node in nodes])


def _named(low: Lowering, node: ast.expr, kind: int) -> Expr:
    """A decorator or a base class: its name counts once, as what it is used for."""
    func = node.func if type(node) is ast.Call else node
    outer = func.value if type(func) is ast.Subscript else func
    dotted = None
    if type(outer) is ast.Name:
        dotted = outer.id
    elif type(outer) is ast.Attribute:
        dotted = _chain(outer)
    if dotted is None:
        return low.expr(node)
    low.frame.other.append((dotted, kind, node.lineno))
    lowered: Expr = dotted
    if type(func) is ast.Subscript:
        lowered = (ITEM, dotted, low.expr(func.slice))
    if type(node) is ast.Call:
        args = tuple([low.expr(a) for a in node.args])
        keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
        lowered = (CALL, node.lineno, lowered, args, keywords)
    return lowered


def _def(low: Lowering, node: Any) -> Stmt:
    """A function; its body goes to `bodies` unless it stands inside another one's."""
    decorators = _decorators(low, node.decorator_list)
    outer = low.frame
    nested = low.in_function
    doc = _doc(node.body)
    if nested:
        outer.hidden.add(node.name)
        params = _params(low, node.args)
        returns = _optional(low, node.returns)
        body: Any = low.block(node.body)
        flags = ("async",) if type(node) is ast.AsyncFunctionDef else ()
        return (
            DEF, node.lineno, node.end_lineno, node.name, params, returns, decorators, body,
            flags, doc,
        )  # fmt: skip
    inner = low.frame = _Frame()
    params = _params(low, node.args)
    returns = _optional(low, node.returns)
    at_top, low.at_top, low.in_function = low.at_top, False, True
    lowered = low.block(node.body)
    low.at_top, low.in_function = at_top, False
    low.frame = outer
    low.bodies.append(Body(tuple(sorted(inner.attributes)), inner.sql, marshal.dumps(lowered)))
    flags = ("generator",) if "generator" in inner.flags else ()
    if type(node) is ast.AsyncFunctionDef:
        flags = ("async", *flags)
    outer.absorb(inner)
    outer.attributes |= inner.attributes & _KEPT_ATTRIBUTES
    return (
        DEF, node.lineno, node.end_lineno, node.name, params, returns, decorators,
        len(low.bodies) - 1, flags, doc,
    )  # fmt: skip


_KEPT_ATTRIBUTES = frozenset({"commit"})


def _class(low: Lowering, node: ast.ClassDef) -> Stmt:
    decorators = _decorators(low, node.decorator_list)
    bases = [_named(low, base, INHERITS) for base in node.bases]
    keywords = tuple([(k.arg, low.expr(k.value)) for k in node.keywords])
    doc = _doc(node.body)
    outer = low.frame
    if low.in_function:
        outer.hidden.add(node.name)
        body = low.block(node.body)
    else:
        inner = low.frame = _Frame()
        at_top, low.at_top = low.at_top, False
        body = low.block(node.body)
        low.at_top = at_top
        low.frame = outer
        inner.hidden = set()
        outer.absorb(inner)
        outer.attributes |= inner.attributes
    return (
        CLASS, node.lineno, node.end_lineno, node.name, tuple(bases), keywords, decorators, body,
        doc, tuple([p.name for p in getattr(node, "type_params", ())]),
    )  # fmt: skip


def _doc(body: Sequence[ast.stmt]) -> str | None:
    first = body[0] if body else None
    if type(first) is ast.Expr and type(first.value) is ast.Constant:
        text = first.value.value
        if type(text) is str and (stripped := text.strip()):
            return stripped.splitlines()[0].rstrip()[:_LONGEST_TEXT]
    return None


_STATEMENTS: dict[type, Callable[[Lowering, Any], Stmt | None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _do,
    ast.Return: lambda low, n: (
        (RETURN, n.lineno, low.expr(n.value)) if n.value is not None else None
    ),
    ast.Raise: _raise,
    ast.Delete: lambda low, n: (DEL, n.lineno, tuple([low.expr(t) for t in n.targets])),
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _if,
    ast.If: _if,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _def,
    ast.AsyncFunctionDef: _def,
    ast.ClassDef: _class,
    ast.Global: lambda low, n: low.frame.shared.update(n.names),
    ast.Assert: lambda low, n: (DO, n.lineno, low.expr(n.test)),
}
_STATEMENTS[ast.TryStar] = _try
if (alias := getattr(ast, "TypeAlias", None)) is not None:  # since Python 3.12
    _STATEMENTS[alias] = lambda low, n: (
        SET,
        n.lineno,
        (_target(low, n.name),),
        low.expr(n.value),
        None,
    )
