"""Where SQLAlchemy makes a query, changes an object, and sends the statement."""

from __future__ import annotations

import functools
import threading
from typing import Any

from recorder import Recorder
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import (
    Query,
    attributes,
    dependency,
    persistence,
    session,
    state,
    strategies,
    unitofwork,
)
from sqlalchemy.sql import base, dml, selectable

flushing = threading.local()


def install(recorder: Recorder) -> None:
    _statements(recorder)
    _queries(recorder)
    _objects(recorder)
    _related(recorder)
    _refreshed(recorder)


def _named(module: Any, name: str) -> Any:
    """A class that SQLAlchemy 2.1 has under a private name."""
    return getattr(module, name, None) or getattr(module, f"_{name}")


def _refreshed(recorder: Recorder) -> None:
    """A row that the session has expired, or of which columns were left out, is read anew where its
    next attribute is asked for."""
    for owner, name in (
        (state.InstanceState, "_load_expired"),
        (_named(strategies, "DeferredColumnLoader"), "_load_for_state"),
    ):
        inner = getattr(owner, name)

        def anew(self: Any, *rest: Any, _inner: Any = inner, **named: Any) -> Any:
            with recorder.refreshing():
                return _inner(self, *rest, **named)

        setattr(owner, name, anew)


def _with_eager(related: Any, depth: int = 4) -> set[str]:
    """The tables that a relationship leads to, and those that are loaded with their rows."""
    found = {t.fullname for t in related.mapper.tables}
    if getattr(related, "secondary", None) is not None:
        found.add(related.secondary.fullname)
    for further in related.mapper.relationships if depth else ():
        if further.lazy in ("joined", "subquery", "selectin", "immediate", False):
            found |= _with_eager(further, depth - 1)
    return found


def _related(recorder: Recorder) -> None:
    """A related row may be there already, loaded before or by its key: no statement asks for it."""
    targets: dict[Any, set[str]] = {}
    get = attributes.InstrumentedAttribute.__get__

    def read(self: Any, instance: Any, owner: Any) -> Any:
        if instance is not None:
            try:
                tables = targets[self]
            except KeyError:
                related = getattr(self, "property", None)
                tables = targets[self] = (
                    _with_eager(related) if hasattr(related, "mapper") else set()
                )
            if tables:
                recorder.was_there(recorder.site(2), tables)
        return get(self, instance, owner)

    attributes.InstrumentedAttribute.__get__ = read  # type: ignore[method-assign]


def _statements(recorder: Recorder) -> None:
    @event.listens_for(Engine, "before_execute")
    def before(conn: Any, element: Any, multiparams: Any, params: Any, options: Any = None) -> None:
        made = getattr(element, "__dict__", {}).get("_made_at", ())
        if made:
            conn.info["_made_at"] = made

    @event.listens_for(Engine, "before_cursor_execute")
    def sent(conn: Any, cursor: Any, sql: str, params: Any, context: Any, many: bool) -> None:
        made = conn.info.pop("_made_at", None)
        if made:
            with recorder.building(made):
                recorder.statement(sql, conn.dialect.name)
        else:
            recorder.statement(sql, conn.dialect.name)


def _mark(recorder: Recorder, thing: Any) -> None:
    if getattr(flushing, "now", False) or recorder.is_refreshing:
        return  # the flush's own statements are of those who changed the rows, these of nobody
    site = recorder.site(3)
    if site:
        known = thing.__dict__.get("_made_at", ())
        if site not in known:
            thing.__dict__["_made_at"] = (*known, site)
        recorder.query_made(site, _tables(thing))
        recorder.query_made(site, _loaded_after(thing))


@functools.cache
def _eager(mapper: Any) -> frozenset[str]:
    """The tables of related rows that are asked for once there are rows of a class: beside those
    that its own statement joins."""
    found: set[str] = set()
    for related in mapper.relationships:
        if related.lazy in ("selectin", "subquery", "immediate"):
            found |= _with_eager(related)
        elif related.lazy in ("joined", False) and related.mapper is not mapper:
            found |= _eager_behind(related)
    return frozenset(found)


def _eager_behind(joined: Any, depth: int = 3) -> set[str]:
    found: set[str] = set()
    for further in joined.mapper.relationships if depth else ():
        if further.lazy in ("selectin", "subquery", "immediate"):
            found |= _with_eager(further)
        elif further.lazy in ("joined", False):
            found |= _eager_behind(further, depth - 1)
    return found


def _loaded_after(thing: Any) -> set[str]:
    """What is loaded with the rows of a query, where it has any."""
    found: set[str] = set()
    for part in thing.__dict__.get("_raw_columns") or ():
        mapper = getattr(part, "_annotations", {}).get("parententity")
        mapper = getattr(mapper, "mapper", mapper)
        if mapper is not None and getattr(part, "is_selectable", False):
            found |= _eager(mapper)
    return found


def _tables(thing: Any) -> set[str]:
    """The tables of what is selected, and of the condition that was added last."""
    parts = list(thing.__dict__.get("_raw_columns") or [thing.__dict__.get("table")])
    parts += list(thing.__dict__.get("_where_criteria") or ())[-1:]
    found = set()
    for part in parts:
        for table in (getattr(part, "table", part), *getattr(part, "_from_objects", ())):
            name = getattr(table, "fullname", None)
            if isinstance(name, str):
                found.add(name)
    return found


def _queries(recorder: Recorder) -> None:
    def marking(original: Any) -> Any:
        @functools.wraps(original)  # SQLAlchemy 1.4 makes functions of its signature
        def made(self: Any, *rest: Any, **named: Any) -> None:
            original(self, *rest, **named)
            _mark(recorder, self)

        return made

    for kind in (Query, selectable.Select, dml.Insert, dml.Update, dml.Delete):
        kind.__init__ = marking(kind.__init__)  # type: ignore[method-assign]
    generate = base.Generative._generate

    def generated(self: Any) -> Any:
        copy = generate(self)
        _mark(recorder, copy)
        return copy

    base.Generative._generate = generated  # type: ignore[method-assign]
    statement = Query.__dict__.get("_statement_20")
    if statement is not None:

        @functools.wraps(statement)
        def carried(self: Any, *rest: Any, **named: Any) -> Any:
            result = statement(self, *rest, **named)
            made = self.__dict__.get("_made_at", ())
            if made:
                result.__dict__["_made_at"] = made
            return result

        Query._statement_20 = carried


def _objects(recorder: Recorder) -> None:
    """A row is written at the flush, for the functions that made, added or changed the object."""

    def changed(state_: Any, depth: int = 3) -> None:
        if getattr(flushing, "now", False):
            return  # keys and defaults that the flush itself sets
        site = recorder.site(depth)
        if site:
            sites = state_.__dict__.setdefault("_changed_at", set())
            if len(sites) < 40:
                sites.add(site)
                state_.__dict__.setdefault("_changed_by", set()).add(recorder.chain(depth + 1))

    execute = unitofwork.UOWTransaction.execute

    def executed(self: Any, *rest: Any, **named: Any) -> Any:
        """What a flush itself changes (keys of related rows) or asks is no one's doing."""
        before, flushing.now = getattr(flushing, "now", False), True
        try:
            with recorder.flushing(), recorder.refreshing():
                return execute(self, *rest, **named)
        finally:
            flushing.now = before
            for state_ in list(self.states):  # the next flush has other causes
                state_.__dict__.pop("_changed_at", None)
                state_.__dict__.pop("_changed_by", None)

    unitofwork.UOWTransaction.execute = executed  # type: ignore[method-assign]
    original = state.InstanceState._modified_event

    def modified(self: Any, *rest: Any, **named: Any) -> Any:
        changed(self)
        return original(self, *rest, **named)

    state.InstanceState._modified_event = modified
    for name in ("_save_impl", "_update_impl", "_delete_impl"):
        inner = getattr(session.Session, name)

        def added(self: Any, state_: Any, *rest: Any, _inner: Any = inner, **named: Any) -> Any:
            changed(state_)
            return _inner(self, state_, *rest, **named)

        setattr(session.Session, name, added)
    names = ("save_obj", "_save_obj", "delete_obj", "_delete_obj", "post_update", "_post_update")
    writers = [(persistence, n) for n in names]
    many = _named(dependency, "ManyToManyDP")
    writers += [(many, n) for n in ("process_saves", "process_deletes")]
    for owner, name in writers:
        inner = getattr(owner, name, None)
        if inner is None:
            continue

        def flushed(first: Any, second: Any, *rest: Any, _inner: Any = inner, **named: Any) -> Any:
            # Of a table between two, the states come third.
            found = rest[0] if _inner.__name__.startswith("process") else second
            states = list(found)  # a generator: the flush must still find them
            if found is second:
                second = states
            else:
                rest = (states, *rest[1:])
            sites = {s for state_ in states for s in state_.__dict__.get("_changed_at", ())}
            chains = {c for state_ in states for c in state_.__dict__.get("_changed_by", ()) if c}
            before, flushing.now = getattr(flushing, "now", False), True
            # Whoever only asked a question that made the session flush is not who wrote.
            made = (
                recorder.building(tuple(sites), tuple(chains)) if sites else recorder.refreshing()
            )
            try:
                with made:
                    return _inner(first, second, *rest, **named)
            finally:
                flushing.now = before

        setattr(owner, name, flushed)
