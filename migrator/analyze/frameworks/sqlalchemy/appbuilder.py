"""Flask-AppBuilder: an interface to a model, and views and APIs that serve one by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import LIST, SET_, STR, TUPLE, Expr
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.frameworks.sqlalchemy.queries import Queries
from migrator.analyze.frameworks.sqlalchemy.values import Interface
from migrator.analyze.infer.values import (
    Call,
    ClassRef,
    Instance,
    Many,
    Several,
    Value,
    options,
)
from migrator.model.graph import AccessMode

_READS = {"get", "query", "get_all", "query_simple_group", "query_month_group"}
_WRITES: dict[str, AccessMode] = {
    "add": "insert", "edit": "update", "delete": "delete", "delete_all": "delete",
}  # fmt: skip
# What an endpoint that is not written does, by the name of its method, with the columns that it
# shows.
_ENDPOINTS: dict[str, tuple[AccessMode, ...]] = {
    "get": ("read",), "get_list": ("read",), "post": ("insert",), "put": ("read", "update"),
    "delete": ("read", "delete"), "list": ("read",), "show": ("read",), "add": ("insert",),
    "edit": ("read", "update"),
}  # fmt: skip
_SHOWN = {
    "get": "show_columns",
    "get_list": "list_columns",
    "list": "list_columns",
    "show": "show_columns",
}
_OF_API = ("get", "get_list", "post", "put", "delete")
_OF_VIEW = ("list", "show", "add", "edit", "delete")
_APIS = {"ModelRestApi"}
_VIEWS = {"ModelView", "MasterDetailView", "MultipleView", "RestCRUDView"}


class AppBuilder(Queries):
    """Asked by the plug-in of SQLAlchemy, whose models these are."""

    def body(self, at: At, cls: str, line: int) -> None:
        """The endpoints that a class with a ``datamodel`` has without writing them."""
        foreign = {name.rpartition(".")[2] for name in at.project.classes.foreign(cls)}
        names = _OF_API if foreign & _APIS else _OF_VIEW if foreign & _VIEWS else ()
        chosen = self._chosen(at, cls)
        for name in names:
            written = any(at.project.classes.find(cls, n) for n in (name, f"{name}_headless"))
            if not written and (chosen is None or name in chosen):
                self._serve(at, ClassRef(cls), name, line)

    def _chosen(self, at: At, cls: str) -> set[str] | None:
        """``include_route_methods = {"get", …}``; None where all are served, or it is computed."""
        for class_ in at.project.classes.ancestors(cls):
            written = class_.value("include_route_methods")
            if written is not None:
                names = set(_strings(written))
                return names or None
        return None

    def _endpoint(self, at: At, owner: Instance, name: str, call: Call) -> Value | None:
        """``super().get_headless(…)``: the endpoint of the library itself."""
        plain = name.removesuffix("_headless")
        if plain in _ENDPOINTS and at.project.classes.get(owner.cls) is not None:
            self._serve(at, owner, plain, call.line)
        return None

    def _serve(self, at: At, owner: Value, name: str, line: int) -> None:
        cls = owner.cls  # type: ignore[attr-defined]
        for served in options(at.attribute(owner, "datamodel", line)):
            if type(served) is not Interface:
                continue
            for mode in _ENDPOINTS[name]:
                if mode == "read":
                    self._read(at, self._loaded(at, served.model), line, "orm", "likely")
                else:
                    for table in self._tables(at, served.model):
                        at.access(table, mode, line, "orm", "likely")
            for class_ in at.project.classes.ancestors(cls):
                written = class_.value(_SHOWN.get(name, ""))
                if written is not None:
                    self._shown(at, served.model, written, line)
                    break

    def _shown(self, at: At, model: str, columns: Expr, line: int) -> None:
        """Columns like ``owners.name`` are read with the rows."""
        known = at.schema.models[model]
        for name in {text.partition(".")[0] for text in _strings(columns)}:
            if name in known.relations:
                self._read(
                    at, self._tables(at, known.relations[name][0]), line, "relationship", "likely"
                )
            self._through(at, model, name, "read", line)

    def _interface_of(self, at: At, call: Call) -> Value | None:
        given = [o for o in options(call.argument(0, "obj")) if type(o) is ClassRef]
        known = [o for o in given if o.cls in at.schema.models]
        return Interface(known[0].cls) if len(known) == 1 else None

    def _of_interface(self, owner: Interface, name: str) -> Value | None:
        if name == "obj":
            return ClassRef(owner.model)
        return Instance("sqlalchemy.orm.Session") if name == "session" else None

    def _interface(self, at: At, owner: Interface, name: str, call: Call) -> Value | None:
        row = Instance(owner.model)
        if name in _WRITES:
            for table in self._tables(at, owner.model):
                at.access(table, _WRITES[name], call.line, "orm")
        elif name in _READS:
            at.executes()
            self._read(at, self._loaded(at, owner.model), call.line, "orm")
            return row if name == "get" else Several((None, Many(row)))
        return None


def _strings(expr: Expr) -> Iterator[str]:
    """The strings in a list, tuple or set."""
    if type(expr) is tuple and expr[0] in (LIST, SET_, TUPLE):
        yield from (e[1] for e in expr[1] if type(e) is tuple and e[0] == STR)
