"""``class Meta`` of a model, a form or a serializer: its own, that of bases, and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrator.analyze.facts.shape import CALL, CONST, FSTRING, LIST, OP, SET, STR, TUPLE, Expr
from migrator.analyze.project.classes import Class
from migrator.analyze.project.dynamic import literal_strings
from migrator.analyze.project.project import Project


class Meta:
    """Options of `class_`; without a Meta of its own it has that of the first of `abstract`."""

    def __init__(self, project: Project, class_: Class, abstract: Sequence[str] = ()) -> None:
        self.project = project
        self.class_ = project.classes.get(f"{class_.id}.Meta")
        self.inherited = False
        if self.class_ is None:
            for above in abstract:
                self.class_ = self._of(above)
                if self.class_ is not None:
                    self.inherited = True
                    break

    def _of(self, id_: str) -> Class | None:
        """The Meta that a class shows: its own or the nearest above."""
        for above in self.project.classes.ancestors(id_):
            found = self.project.classes.get(f"{above.id}.Meta")
            if found is not None:
                return found
        return None

    def own(self, name: str) -> Expr | None:
        """What the class's own Meta assigns: ``abstract`` is never inherited."""
        return self.class_.value(name) if self.class_ is not None and not self.inherited else None

    def get(self, name: str) -> Expr | None:
        """The expression of an option, of this Meta or of those that it inherits from."""
        for class_ in self._chain():
            value = class_.value(name)
            if value is not None:
                return value
        return None

    def _chain(self) -> Iterator[Class]:
        if self.class_ is not None:
            yield from self._above(self.class_, frozenset())

    def _above(self, class_: Class, seen: frozenset[str]) -> Iterator[Class]:
        yield class_
        for base, _ in class_.bases:
            if not base.endswith(".Meta") or base in seen:
                continue
            above = self.project.classes.get(base) or self._of(base.removesuffix(".Meta"))
            if above is not None and above.id not in seen:
                yield from self._above(above, seen | {class_.id, base})

    def text(self, name: str) -> str | None:
        """A string option, also through module constants and concatenation."""
        for class_ in self._chain():
            value = class_.value(name)
            if value is not None:
                return constant_text(self.project, class_.module.name, value)
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.get(name)
        return literal_strings(value) or () if value is not None else ()

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Fields that are unique together, also by ``UniqueConstraint`` without a condition."""
        found: list[tuple[str, ...]] = []
        together = self.get("unique_together")
        single = literal_strings(together) if together is not None else None
        if single:
            found.append(single)
        elif type(together) is tuple and together[0] in (LIST, TUPLE):
            found += [g for e in together[1] if (g := literal_strings(e))]
        for name, given in self._calls("constraints"):
            if name == "UniqueConstraint" and "condition" not in given and "fields" in given:
                found += [g for g in [literal_strings(given["fields"])] if g]
        return tuple(found)

    def indexes(self) -> tuple[tuple[str, ...], ...]:
        return tuple(
            g
            for name, given in self._calls("indexes")
            if name.endswith("Index") and (g := literal_strings(given.get("fields")))
        )

    def _calls(self, option: str) -> Iterator[tuple[str, dict[str, Expr]]]:
        value = self.get(option)
        for item in value[1] if type(value) is tuple and value[0] in (LIST, TUPLE) else ():
            if type(item) is tuple and item[0] == CALL and type(item[2]) is str:
                yield item[2].rpartition(".")[2], {k: v for k, v in item[4] if k is not None}


def constant_text(project: Project, module: str, expr: Expr, depth: int = 0) -> str | None:
    """The text of an expression of constants; None where any part is computed."""
    if depth > 6:
        return None
    if type(expr) is str:
        target = project.resolve(module, expr) or ""
        fact = project.names.definition(target) if ":" in target else None
        values = [s for s in (fact.statements if fact else ()) if s[0] == SET and s[3] is not None]
        if len(values) != 1:
            return None
        return constant_text(project, target.partition(":")[0], values[0][3], depth + 1)
    if type(expr) is not tuple:
        return None
    tag = expr[0]
    if tag == STR:
        return str(expr[1])
    if tag == CONST:
        return str(expr[1]) if isinstance(expr[1], int) else None
    if tag == OP and expr[1] in ("+", "%"):
        left = constant_text(project, module, expr[2], depth + 1)
        right = constant_text(project, module, expr[3], depth + 1)
        if left is None or right is None:
            return None
        return left + right if expr[1] == "+" else left.replace("%s", right, 1)
    if tag == FSTRING:
        parts = [
            p if type(p) is str else constant_text(project, module, p[1][0], depth + 1)
            for p in expr[1]
        ]
        known = [p for p in parts if p is not None]
        return "".join(known) if len(known) == len(parts) else None
    return None
