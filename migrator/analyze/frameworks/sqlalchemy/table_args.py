"""``__table_args__`` in its many forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrator.analyze.facts.shape import LIST, OP, RETURN, SET, STAR, TUPLE, Expr
from migrator.analyze.frameworks.sqlalchemy.columns import is_call
from migrator.analyze.frameworks.sqlalchemy.declared import returned
from migrator.analyze.frameworks.sqlalchemy.naming import Naming
from migrator.analyze.project.classes import Class

_NO_NAMES: Mapping[str, Expr] = {}


class TableArgs(Naming):
    """Reads its elements: constraints, indexes, and the dict of options."""

    def _table_args(self, class_: Class, asked: Class | None = None) -> Iterator[Expr]:
        """The elements of ``__table_args__``, of a value or of a `declared_attr`, as the class
        `asked` (by default the same) gets them."""
        written = class_.value("__table_args__")
        method = class_.method("__table_args__")
        if written is None and method is not None:
            body = self.project.block(self.project.method(class_, method))
            given = [s[2] for s in body if s[0] == RETURN and s[2] is not None]
            written = given[-1] if given else None
            if is_call(written):
                yield written
                yield from self._collected(asked or class_)
                return
        before = f"{method[4][0][0]}." if method is not None and method[4] else ""
        yield from self._flattened(class_, written, _NO_NAMES, before, asked or class_)

    def _collected(self, class_: Class) -> Iterator[Expr]:
        """What a helper merges: the attributes called so of the class and of those above it."""
        for own in self.project.classes.ancestors(class_.id):
            for name in own.members:
                if name == "__table_args__" or not name.endswith("_table_args"):
                    continue
                method = own.method(name)
                body = self.project.block(self.project.method(own, method)) if method else ()
                local = {
                    target: s[3] for s in body if s[0] == SET for target in s[2]
                    if type(target) is str
                }  # fmt: skip
                for written in [own.value(name), *returned(body)]:
                    yield from self._flattened(own, written, local)

    def _flattened(
        self, class_: Class, written: Expr, local: Mapping[str, Expr] = _NO_NAMES,
        own: str = "", asked: Class | None = None,
    ) -> Iterator[Expr]:  # fmt: skip
        """The elements of sums and of tuples in tuples. `own` is how the class `asked` is called
        where its attributes are named, with a dot."""
        if is_call(written) and written[2] in ("tuple", "list") and len(written[3]) == 1:
            written = written[3][0]
        if type(written) is tuple and written[0] in (TUPLE, LIST):
            for element in written[1]:
                if type(element) is tuple and element[0] == STAR:
                    yield from self._flattened(class_, element[1], local, own, asked)
                else:
                    yield element
        elif type(written) is tuple and written[0] == OP:
            yield from self._flattened(class_, written[2], local, own, asked)
            yield from self._flattened(class_, written[3], local, own, asked)
        elif type(written) is str and own and asked is not None and written.startswith(own):
            for above in self.project.classes.ancestors(asked.id):
                value = above.value(written.removeprefix(own))
                if value is not None:
                    yield from self._flattened(above, value)
                    return
        elif type(written) is str and written in local:
            yield from self._flattened(class_, local[written])
        elif type(written) is str:
            target = self.project.resolve(class_.module.name, written) or ""
            fact = self.project.names.definition(target)
            for statement in fact.statements if fact else ():
                if statement[0] == SET and statement[3] is not None and type(statement[3]) is tuple:
                    yield from self._flattened(class_, statement[3])
        elif written is not None:
            yield written
