"""Where Django makes a query, runs it, and serves a related row from memory."""

from __future__ import annotations

import functools
from typing import Any

from django.db.backends import utils
from django.db.models import query as queries
from django.db.models.fields import related_descriptors
from django.db.models.sql import compiler
from recorder import Recorder


def install(recorder: Recorder) -> None:
    _statements(recorder)
    _queries(recorder)
    _related(recorder)


def _statements(recorder: Recorder) -> None:
    for name in ("_execute", "_executemany"):
        original = getattr(utils.CursorWrapper, name)

        def recorded(
            self: Any, sql: Any, params: Any, *ignored: Any, _original: Any = original
        ) -> Any:
            recorder.statement(sql, self.db.vendor)
            return _original(self, sql, params, *ignored)

        setattr(utils.CursorWrapper, name, recorded)


def _queries(recorder: Recorder) -> None:
    original = queries.QuerySet.__init__

    @functools.wraps(original)
    def made(self: Any, model: Any = None, query: Any = None, *rest: Any, **named: Any) -> None:
        original(self, model, query, *rest, **named)
        site = recorder.site()
        if site and self._query is not None:
            known = self._query.__dict__.get("_made_at", ())
            if site not in known:
                self._query.__dict__["_made_at"] = (*known, site)
            if model is not None:
                # Of a child with a table of its own, those above are joined.
                above = {parent._meta.db_table for parent in model._meta.get_parent_list()}
                recorder.query_made(site, {model._meta.db_table, *above})

    queries.QuerySet.__init__ = made
    for name in _JOINING:
        setattr(queries.QuerySet, name, _joining(recorder, getattr(queries.QuerySet, name)))
    delete = queries.QuerySet.delete

    @functools.wraps(delete)
    def deleted(self: Any, *rest: Any, **named: Any) -> Any:
        """Where Django looks first which rows there are, it deletes none where there is none."""
        recorder.query_made(recorder.site(), {self.model._meta.db_table})
        return delete(self, *rest, **named)

    deleted.alters_data = True  # type: ignore[attr-defined]
    deleted.queryset_only = True  # type: ignore[attr-defined]
    queries.QuerySet.delete = deleted

    def within(kind: Any) -> None:
        execute = kind.__dict__["execute_sql"]

        @functools.wraps(execute)
        def executed(self: Any, *rest: Any, **named: Any) -> Any:
            with recorder.building(self.query.__dict__.get("_made_at", ()), within=True):
                return execute(self, *rest, **named)

        kind.execute_sql = executed

    for kind in (compiler.SQLCompiler, compiler.SQLInsertCompiler, compiler.SQLUpdateCompiler):
        within(kind)


_JOINING = ("filter", "exclude", "annotate", "alias", "complex_filter", "values", "values_list")


def _joining(recorder: Recorder, method: Any) -> Any:
    """What a condition or an expression joins is asked for only where the query is run."""

    @functools.wraps(method)
    def joining(self: Any, *rest: Any, **named: Any) -> Any:
        found = method(self, *rest, **named)
        query = getattr(found, "_query", None)
        if query is not None:
            used = (t for alias, t in query.alias_map.items() if query.alias_refcount.get(alias))
            tables = {t.table_name for t in used if isinstance(t.table_name, str)}
            recorder.query_made(recorder.site(), tables)
        return found

    return joining


def _related(recorder: Recorder) -> None:
    for name in ("ForwardManyToOneDescriptor", "ReverseOneToOneDescriptor"):
        kind = getattr(related_descriptors, name)
        original = kind.__get__

        def get(self: Any, instance: Any, cls: Any = None, _original: Any = original) -> Any:
            if instance is not None:
                field = getattr(self, "field", None) or self.related.field
                model = field.remote_field.model if hasattr(self, "field") else field.model
                models = (model, *model._meta.get_parent_list())
                recorder.was_there(recorder.site(), {one._meta.db_table for one in models})
            return _original(self, instance, cls)

        kind.__get__ = get
    _prefetches(recorder)
    for name in ("create_reverse_many_to_one_manager", "create_forward_many_to_many_manager"):
        _many(recorder, name)


def _prefetches(recorder: Recorder) -> None:
    """Where related rows are asked for beforehand: none are fetched where there is no row, or no
    row is asked for."""
    for name in ("prefetch_related", "select_related"):
        asked = getattr(queries.QuerySet, name)
        setattr(queries.QuerySet, name, _asking(recorder, asked))
    prefetched = queries.QuerySet._prefetch_related_objects

    def prefetch(self: Any) -> None:
        with recorder.building(self._query.__dict__.get("_made_at", ())):
            prefetched(self)

    queries.QuerySet._prefetch_related_objects = prefetch


def _asking(recorder: Recorder, asked: Any) -> Any:
    @functools.wraps(asked)
    def asking(self: Any, *lookups: Any) -> Any:
        site = recorder.site()
        for lookup in lookups:
            path = getattr(lookup, "prefetch_through", lookup)
            if site and isinstance(path, str):
                recorder.query_made(site, _along(self.model, path.split("__")))
        return asked(self, *lookups)

    return asking


def _along(model: Any, path: list[str]) -> set[str]:
    """The tables of a path of attributes over relations."""
    found: set[str] = set()
    for name in path:
        relation = next(
            (
                f
                for f in model._meta.get_fields(include_hidden=True)
                if f.is_relation
                and name in (f.name, getattr(f, "get_accessor_name", lambda: None)())
            ),
            None,
        )
        model = getattr(relation, "related_model", None)
        if model is None:
            return found
        found |= {m._meta.db_table for m in (model, *model._meta.get_parent_list())}
        forward = getattr(relation, "remote_field", None)
        for side in (relation, forward):
            through = getattr(side, "through", None)
            found |= {through._meta.db_table} if through is not None else set()
    return found


def _many(recorder: Recorder, name: str) -> None:
    """Managers behind a relation: rows served from memory, and nothing added or removed."""
    create = getattr(related_descriptors, name)

    def created(*rest: Any, **named: Any) -> Any:
        made = create(*rest, **named)

        class Watched(made):  # type: ignore[misc]
            def get_queryset(self) -> Any:
                found = super().get_queryset()
                if found._result_cache is not None:
                    recorder.was_there(recorder.site(), _tables_of(self))
                return found

        for method in ("add", "remove", "set"):
            if hasattr(made, method):
                setattr(Watched, method, _writing(recorder, made, method))
        Watched.__name__, Watched.__qualname__ = made.__name__, made.__qualname__
        Watched.__module__ = made.__module__
        return Watched

    setattr(related_descriptors, name, created)


def _writing(recorder: Recorder, made: Any, method: str) -> Any:
    def bound(self: Any, *objects: Any, **named: Any) -> Any:
        recorder.query_made(recorder.site(), _tables_of(self))
        return getattr(made, method)(self, *objects, **named)

    bound.alters_data = True  # type: ignore[attr-defined]
    return bound


def _tables_of(manager: Any) -> set[str]:
    through = getattr(manager, "through", None)
    found = {manager.model._meta.db_table}
    return found | ({through._meta.db_table} if through is not None else set())
