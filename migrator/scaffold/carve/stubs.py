"""A function of another service, in this one: the same signature, the decision as its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libcst as cst
from libcst import matchers

from migrator.plan.closure import Treatment
from migrator.scaffold.carve.used import bound_by, dotted, uses


def stub(
    node: cst.FunctionDef, definition: str, treatment: Treatment, available: set[str]
) -> cst.FunctionDef:
    """The function that asks the owner. Annotations, decorators and defaults that name what the
    service lacks go; the connection to a signal stays, so that it is passed on."""

    def stays(part: cst.CSTNode) -> bool:
        return uses(part) <= available

    return node.with_changes(
        decorators=[d for d in node.decorators if _connects(d) and stays(d)],
        params=_bare(node.params, stays),
        returns=_kept(node.returns, stays),
        body=_body(node, _line(node, definition, treatment)),
        asynchronous=None,
    )


def refused(node: cst.FunctionDef, reason: str, missing: set[str]) -> cst.FunctionDef:
    """The method, whose body needs names that are `missing`, as one that says so when called."""

    def stays(part: cst.CSTNode) -> bool:
        return not uses(part) & missing

    return node.with_changes(
        decorators=[d for d in node.decorators if stays(d)],
        params=_bare(node.params, stays),
        returns=_kept(node.returns, stays),
        body=_body(node, _refusal(reason)),
    )


def _body(node: cst.FunctionDef, line: str) -> cst.IndentedBlock:
    """The docstring, if there is one, and `line`."""
    first = node.body.body[0] if isinstance(node.body, cst.IndentedBlock) else None
    told = [first] if isinstance(first, cst.SimpleStatementLine) and _is_text(first) else []
    return cst.IndentedBlock([*told, cst.parse_statement(line)])


def _refusal(reason: str) -> str:
    return f"raise remote.ManualDecisionRequired({reason!r})\n"


def _line(node: cst.FunctionDef, definition: str, treatment: Treatment) -> str:
    if treatment.kind == "manual":
        return _refusal(treatment.reason)
    arguments = ", ".join([repr(definition), *_passed(node.params)])
    if treatment.kind == "call":
        return f"return remote.call({arguments})\n"
    return f"remote.emit({arguments})\n"


def _passed(params: cst.Parameters) -> list[str]:
    found = [p.name.value for p in (*params.posonly_params, *params.params)]
    if isinstance(params.star_arg, cst.Param):
        found.append(f"*{params.star_arg.name.value}")
    found += [f"{p.name.value}={p.name.value}" for p in params.kwonly_params]
    if params.star_kwarg is not None:
        found.append(f"**{params.star_kwarg.name.value}")
    return found


def _bare(params: cst.Parameters, stays: Callable[[cst.CSTNode], bool]) -> cst.Parameters:
    def plain(param: cst.Param) -> cst.Param:
        default = param.default
        if default is not None and not stays(default):
            default = cst.Name("None")
        return param.with_changes(annotation=_kept(param.annotation, stays), default=default)

    star = params.star_arg
    return params.with_changes(
        posonly_params=[plain(p) for p in params.posonly_params],
        params=[plain(p) for p in params.params],
        kwonly_params=[plain(p) for p in params.kwonly_params],
        star_arg=plain(star) if isinstance(star, cst.Param) else star,
        star_kwarg=plain(params.star_kwarg) if params.star_kwarg else None,
    )


def defaults_of(tree: cst.Module, functions: Iterable[cst.FunctionDef]) -> set[str]:
    """Names of the module's own plain values that defaults of `functions` need, directly or not: a
    stub without them is none."""
    values = {
        name: statement
        for statement in tree.body
        if isinstance(statement, cst.SimpleStatementLine)
        for name in bound_by(statement)
    }
    waiting = [n for f in functions for p in _all(f.params) if p.default for n in uses(p.default)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in values and name not in found and not _calls(values[name]):
            found.add(name)
            waiting += uses(values[name])
    return found


def lost_defaults(node: cst.FunctionDef, available: set[str]) -> list[str]:
    """What a person must look at: defaults whose names the service lacks."""
    return [
        f"{node.name.value}: the default of {p.name.value} names {', '.join(sorted(lost))}, "
        "which is not here; it is None instead"
        for p in _all(node.params)
        if p.default is not None and (lost := uses(p.default) - available)
    ]


def _all(params: cst.Parameters) -> list[cst.Param]:
    return [*params.posonly_params, *params.params, *params.kwonly_params]


def _calls(statement: cst.SimpleStatementLine) -> bool:
    """Whether it is more than a value: what runs code stays with its owner."""
    return bool(matchers.findall(statement, matchers.Call()))


def _kept(
    annotation: cst.Annotation | None, stays: Callable[[cst.CSTNode], bool]
) -> cst.Annotation | None:
    return annotation if annotation is not None and stays(annotation) else None


def _connects(decorator: cst.Decorator) -> bool:
    node = decorator.decorator
    name = dotted(node.func if isinstance(node, cst.Call) else node)
    return name.rpartition(".")[2] in ("connect", "connect_via")


def _is_text(statement: cst.SimpleStatementLine) -> bool:
    small = statement.body[0]
    return isinstance(small, cst.Expr) and isinstance(
        small.value, cst.SimpleString | cst.ConcatenatedString
    )
