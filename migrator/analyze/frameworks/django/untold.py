"""Calls that look like Django's on objects that are not known: listed, never guessed."""

from __future__ import annotations

from migrator.analyze.facts.shape import CALL
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.annotations import text_of
from migrator.analyze.infer.sink import UNKNOWN_OBJECT
from migrator.analyze.infer.values import Call

# No other object has methods of these names.
_QUERIES = {
    "select_related", "prefetch_related", "values_list", "bulk_create", "bulk_update",
    "get_or_create", "update_or_create", "select_for_update", "refresh_from_db", "in_bulk",
    "aget_or_create", "aupdate_or_create", "abulk_create",
}  # fmt: skip
# Others have them too: with conditions by name, and nothing else, they are a query's.
_NAMED = {"filter", "exclude", "get", "create", "update", "aget", "acreate", "aupdate"}
_BARE = {"save", "delete", "asave", "adelete"}
_SAVING = {"commit", "update_fields", "force_insert", "force_update", "using", "keep_parents"}
_MANAGERS = ("objects", "_set", "_default_manager", "_base_manager")
_CHAINED = _QUERIES | _NAMED | {"all", "order_by", "distinct", "annotate", "using"}


def looks_like_a_query(owner: str, name: str, call: Call) -> bool:
    """Whether ``owner.name(…)`` on an object that is not known is a query or writes a row."""
    if owner.endswith(_MANAGERS) or name in _QUERIES:
        return True
    keywords = call.expr[4] if call.expr else ()
    if call.args:
        return False
    if name in _NAMED:
        return bool(keywords) and owner.rpartition(".")[2] not in ("requests", "client", "session")
    return name in _BARE and set(call.keywords) <= _SAVING


def told(at: At, owner: str, name: str, call: Call) -> None:
    """List a call on what is not known; of a chain only the first."""
    func = call.expr[2] if call.expr else None
    if type(func) is tuple:
        inner = func[2]
        if type(inner) is tuple and inner[0] == CALL and _method(inner) in _CHAINED:
            return
        owner = text_of(inner)
    if looks_like_a_query(owner, name, call):
        at.unresolved(call.line, f"{owner[-40:]}.{name}(…)", UNKNOWN_OBJECT)


def _method(call: tuple[object, ...]) -> str:
    func = call[2]
    if type(func) is str:
        return func.rpartition(".")[2]
    return str(func[3]) if type(func) is tuple and func[0] == "attr" else ""
