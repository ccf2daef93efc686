"""oslo.db: a module of functions behind an object that is chosen by a setting."""

from __future__ import annotations

from typing import ClassVar

from migrator.analyze.frameworks.protocol import At, Framework
from migrator.analyze.infer.values import (
    Call,
    External,
    Mapping,
    ModuleRef,
    Text,
    Value,
    either,
    options,
)

_MAKERS = {"oslo_db.api.DBAPI", "oslo_db.api.DBAPI.from_config"}


class Oslo(Framework):
    """``DBAPI(…, backend_mapping={"sqlalchemy": "app.db.sqlalchemy.api"})`` is that module."""

    name: ClassVar[str] = "oslo"
    packages: ClassVar[tuple[str, ...]] = ("oslo_db",)

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        if type(function) is not External or function.name not in _MAKERS:
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
