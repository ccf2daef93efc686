"""Which library an object of the monolith comes from: `app` of ``app = Celery()`` is celery's."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import ATTR, CALL, DEF, ITEM, RETURN, SET, WITH, Block, Expr
from migrator.analyze.infer.values import FunctionCode
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import nested

_DEEPEST = 8


class Libraries:
    """Answers by dotted path: ``celery.Celery`` for an object made by it, None where unknown."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._memo: dict[tuple[str, str], str | None] = {}

    def origin(self, module: Module, expr: Expr, inside: Block = (), depth: int = 0) -> str | None:
        """The library's name that `expr` is, is made by or is an attribute of. `inside` is the
        function around it, whose own variables are tried first."""
        if depth > _DEEPEST:
            return None
        if type(expr) is tuple and expr and expr[0] in (CALL, ATTR, ITEM):
            inner = expr[1] if expr[0] == ITEM else expr[2]
            return self.origin(module, inner, inside, depth + 1)
        if type(expr) is not str:
            return None
        head = expr.partition(".")[0]
        for value in _local(inside, head):
            found = self.origin(module, value, inside if value != head else (), depth + 1)
            if found:
                return found
        target = self._project.resolve(module.name, expr)
        return self._of(target, depth) if target else None

    def _of(self, target: str, depth: int) -> str | None:
        if ":" not in target:
            return target if target not in self._project.modules else None
        key = (target, "")
        if key not in self._memo:
            self._memo[key] = None  # what is made of itself is not known
            self._memo[key] = self._defined(target, depth)
        return self._memo[key]

    def _defined(self, target: str, depth: int) -> str | None:
        name, _, rest = target.partition(":")[2].partition(".")
        id_ = f"{target.partition(':')[0]}:{name}"
        fact = self._project.names.definition(id_)
        module = self._project.modules[target.partition(":")[0]]
        if fact is None:
            return None
        if fact.kind == "class":
            return self._of_class(id_, rest, depth)
        for statement in fact.statements:
            if statement[0] == DEF:
                for _, decorator in statement[6]:
                    found = self.origin(module, decorator, (), depth + 1)
                    if found and "functools" not in found:
                        return found
                code = FunctionCode(id_, module.name, None, statement)
                found = self._returned(code, module, depth)
                if found:
                    return found
            elif statement[0] == SET:
                for written in (statement[3], statement[4]):
                    found = self.origin(module, written, (), depth + 1)
                    if found:
                        return found
        return None

    def _of_class(self, id_: str, attribute: str, depth: int) -> str | None:
        class_ = self._project.classes.get(id_)
        if class_ is not None and attribute and "." not in attribute:
            written = class_.value(attribute)
            if written is not None:
                return self.origin(class_.module, written, (), depth + 1)
        return next(self._project.classes.foreign(id_), None)

    def _returned(self, code: FunctionCode, module: Module, depth: int) -> str | None:
        """What a function of the monolith gives, a decorator that wraps another's too."""
        block = self._project.block(code)
        for statement in nested(block):
            if statement[0] == RETURN and statement[2] is not None:
                found = self.origin(module, statement[2], block, depth + 1)
                if found:
                    return found
        return self.origin(module, code.statement[5], (), depth + 1)


def _local(block: Block, name: str) -> Iterator[Expr]:
    """What a function assigns to one of its variables."""
    for statement in nested(block):
        if statement[0] == SET and name in statement[2] and statement[3] is not None:
            yield statement[3]
        elif statement[0] == WITH:
            yield from (value for value, target in statement[2] if target == name)
