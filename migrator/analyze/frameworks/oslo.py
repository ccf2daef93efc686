"""oslo.db: a module of functions behind an object that a setting chooses, and its queries."""

from __future__ import annotations

from typing import ClassVar

from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import (
    Call,
    External,
    Instance,
    Mapping,
    Method,
    ModuleRef,
    Text,
    Value,
    either,
    options,
)

_MAKERS = {"oslo_db.api.DBAPI", "oslo_db.api.DBAPI.from_config"}
_UTILS = "oslo_db.sqlalchemy.utils"


class Oslo(Framework):
    """``DBAPI(…, backend_mapping={"sqlalchemy": "app.db.sqlalchemy.api"})`` is that module."""

    name: ClassVar[str] = "oslo"
    packages: ClassVar[tuple[str, ...]] = ("oslo_db",)

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is not External:
            return None
        if function.name == f"{_UTILS}.paginate_query":
            return call.argument(0, "query")
        if function.name == f"{_UTILS}.model_query":
            query = Method(Instance("sqlalchemy.orm.Session"), "query")
            return at.call(
                query, Call(call.line, call.expr, call.args[:1], call.values[:1], {}, {})
            )
        if function.name not in _MAKERS:
            return None
        found: list[Value] = []
        for mapping in options(call.named.get("backend_mapping")):
            for _, backend in mapping.items if type(mapping) is Mapping else ():
                found += [
                    ModuleRef(o.text)
                    for o in options(backend)
                    if type(o) is Text and o.whole and o.text in at.project.modules
                ]
        return either(*found)
