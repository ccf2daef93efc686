"""What is done through a session."""

from __future__ import annotations

from migrator.analyze.frameworks.protocol import At
from migrator.analyze.frameworks.sqlalchemy.appbuilder import AppBuilder
from migrator.analyze.frameworks.sqlalchemy.values import Rows, Write
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.values import Call, ClassRef, Instance, Many, Several, Value, options
from migrator.model.graph import AccessMode, Confidence

_ENTERED = ("begin", "begin_nested", "connect", "connection", "get_bind", "registry", "__call__")
STATE = "InstanceState"
STATE_OF = "_sa_instance_state"


class Sessions(AppBuilder):
    """Queries and the unit of work."""

    def _session(self, at: At, name: str, call: Call) -> Value | None:
        first = call.values[0] if call.values else None
        if name == "query":
            return self._selected(at, call, "query")
        if name in ("get", "get_one"):
            found = [o for o in options(first) if type(o) is ClassRef and o.cls in at.schema.models]
            for option in found:
                self._read(at, self._loaded(at, option.cls), call.line, "orm")
            return Instance(found[0].cls) if len(found) == 1 else None
        if name in ("execute", "exec", "scalars", "scalar", "stream", "stream_scalars"):
            return self._executed(at, name, call)
        if name in ("add", "add_all", "merge", "bulk_save_objects", "delete", "refresh"):
            return self._unit_of_work(at, name, call)
        if name in ("bulk_insert_mappings", "bulk_update_mappings"):
            mode: AccessMode = "insert" if "insert" in name else "update"
            self._write(at, first, mode, call)
            return None
        return Instance("sqlalchemy.orm.Session") if name in _ENTERED else None

    def _executed(self, at: At, name: str, call: Call) -> Value | None:
        first = call.values[0] if call.values else call.named.get("statement")
        at.executes()
        for option in options(first):
            if type(option) is Rows:
                self._ran(at, option.tables, call.line)
                if name == "scalar":
                    return option.entities[0] if option.entities else None
                kind = "scalars" if name in ("scalars", "stream_scalars") else "result"
                if name == "exec" and len(option.entities) == 1:
                    kind = "scalars"
                return Rows(option.entities, option.tables, kind)  # type: ignore[arg-type]
            if type(option) is Write:
                return Rows((option.entity,), frozenset(), "result")
        return None

    def _unit_of_work(
        self, at: At, name: str, call: Call, confidence: Confidence = "certain"
    ) -> Value | None:
        mode: AccessMode = (
            "delete" if name == "delete" else "read" if name == "refresh" else "insert"
        )
        value = call.values[0] if call.values else call.named.get("instance")
        items = [value]
        if name in ("add_all", "bulk_save_objects"):
            items = [value.item] if type(value) is Many else [
                i for o in options(value) for i in (o.items if type(o) is Several else ())
            ]  # fmt: skip
        known = False
        for item in items:
            for given in options(item):
                option = self._row_behind(at, given, call.line)
                if type(option) is not Instance or option.cls not in at.schema.models:
                    continue
                known = True
                model = at.schema.models[option.cls]
                actual = mode
                at.access(model.table, actual, call.line, "orm", confidence)
                for above in model.extra or ():
                    at.access(above, actual, call.line, "orm", confidence)
                if mode == "delete":
                    self._cascade(at, model, call.line)
        if not known and call.args:
            what = f"{text_of(call.expr[2])}({text_of(call.args[0])[:40]})" if call.expr else name
            at.unresolved(call.line, what, "the model of this object is not known")
        return value if name == "merge" else None

    def _row_behind(self, at: At, value: Value, line: int) -> Value | None:
        """A session takes an object for the row whose state it passes on as its own."""
        if type(value) is Instance and value.cls not in at.schema.models:
            return at.attribute(value, STATE_OF, line)
        return value
