"""Where Django makes a query, runs it, and serves a related row from memory."""

from __future__ import annotations

import functools
from typing import Any

from django.db.backends import utils
from django.db.models import query as queries
from django.db.models.fields import related_descriptors
from django.db.models.sql import compiler
from recorder import TEST, Recorder


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
                recorder.query_made(site, {model._meta.db_table})

    queries.QuerySet.__init__ = made

    def within(kind: Any) -> None:
        execute = kind.__dict__["execute_sql"]

        @functools.wraps(execute)
        def executed(self: Any, *rest: Any, **named: Any) -> Any:
            with recorder.building(self.query.__dict__.get("_made_at", ())):
                return execute(self, *rest, **named)

        kind.execute_sql = executed

    for kind in (compiler.SQLCompiler, compiler.SQLInsertCompiler, compiler.SQLUpdateCompiler):
        within(kind)


def _related(recorder: Recorder) -> None:
    for name in ("ForwardManyToOneDescriptor", "ReverseOneToOneDescriptor"):
        kind = getattr(related_descriptors, name)
        original = kind.__get__

        def get(self: Any, instance: Any, cls: Any = None, _original: Any = original) -> Any:
            if instance is not None:
                site = recorder.site()
                if site and site != TEST:
                    field = getattr(self, "field", None) or self.related.field
                    model = field.remote_field.model if hasattr(self, "field") else field.model
                    recorder.touched.add((site, model._meta.db_table))
            return _original(self, instance, cls)

        kind.__get__ = get
    prefetched = queries.QuerySet._prefetch_related_objects

    def prefetch(self: Any) -> None:
        with recorder.building(self._query.__dict__.get("_made_at", ())):
            prefetched(self)

    queries.QuerySet._prefetch_related_objects = prefetch
