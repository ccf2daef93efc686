"""A function of another service, in this one: the same signature, the decision as its body."""

from __future__ import annotations

import libcst as cst

from migrator.plan.closure import Treatment
from migrator.scaffold.carve.used import dotted, uses


def stub(
    node: cst.FunctionDef, definition: str, treatment: Treatment, available: set[str]
) -> cst.FunctionDef:
    """The function that asks the owner. Annotations and decorators that name what the service
    lacks go; the connection to a signal stays, so that it is passed on."""
    body: list[cst.BaseStatement] = []
    first = node.body.body[0] if isinstance(node.body, cst.IndentedBlock) else None
    if isinstance(first, cst.SimpleStatementLine) and _is_text(first):
        body.append(first)
    body.append(cst.parse_statement(_line(node, definition, treatment)))
    return node.with_changes(
        decorators=[d for d in node.decorators if _connects(d) and uses(d) <= available],
        params=_bare(node.params, available),
        returns=_kept(node.returns, available),
        body=cst.IndentedBlock(body),
        asynchronous=None,
    )


def _line(node: cst.FunctionDef, definition: str, treatment: Treatment) -> str:
    if treatment.kind == "manual":
        return f"raise remote.ManualDecisionRequired({treatment.reason!r})\n"
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


def _bare(params: cst.Parameters, available: set[str]) -> cst.Parameters:
    def plain(param: cst.Param) -> cst.Param:
        return param.with_changes(annotation=_kept(param.annotation, available))

    star = params.star_arg
    return params.with_changes(
        posonly_params=[plain(p) for p in params.posonly_params],
        params=[plain(p) for p in params.params],
        kwonly_params=[plain(p) for p in params.kwonly_params],
        star_arg=plain(star) if isinstance(star, cst.Param) else star,
        star_kwarg=plain(params.star_kwarg) if params.star_kwarg else None,
    )


def _kept(annotation: cst.Annotation | None, available: set[str]) -> cst.Annotation | None:
    return annotation if annotation is not None and uses(annotation) <= available else None


def _connects(decorator: cst.Decorator) -> bool:
    node = decorator.decorator
    name = dotted(node.func if isinstance(node, cst.Call) else node)
    return name.rpartition(".")[2] in ("connect", "connect_via")


def _is_text(statement: cst.SimpleStatementLine) -> bool:
    small = statement.body[0]
    return isinstance(small, cst.Expr) and isinstance(
        small.value, cst.SimpleString | cst.ConcatenatedString
    )
