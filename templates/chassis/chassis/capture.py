"""Session events that turn writes into messages of the same transaction.

Rows of published tables are read back inside the flush: what is sent is what the database holds,
its defaults included. Writes that no session sees (raw SQL, Core statements on a connection,
``bulk_*``, cascades of the database) are not captured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table, event
from sqlalchemy.inspection import inspect
from sqlalchemy.orm import Mapper, ORMExecuteState, Session
from sqlalchemy.orm.interfaces import MANYTOONE

from chassis import codec, events, outbox, tables
from chassis.manifest import Manifest
from chassis.outbox import Message

_WAITING = "chassis.remote_inserts"
_CHUNK = 500
_held: list[Capture] = []
Keys = dict[Table, dict[tuple[Any, ...], None]]


class ReplicaWriteError(RuntimeError):
    """This service wrote to its copy of a table that another service owns."""


class UncapturedWriteError(RuntimeError):
    """A statement changes a published table in a way whose rows cannot be told."""


def install(manifest: Manifest) -> None:
    """Listen to every session of this process; a second call takes the place of the first."""
    uninstall()
    events.use_manifest(manifest)
    capture = Capture(manifest)
    for name, listener in capture.listeners:
        event.listen(Session, name, listener)
    _held.append(capture)


def uninstall() -> None:
    """Stop listening."""
    while _held:
        for name, listener in _held.pop().listeners:
            event.remove(Session, name, listener)


class Capture:
    """The listeners of one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._published = frozenset(manifest.published)
        # Bound once: SQLAlchemy removes a listener by its identity.
        self.listeners: tuple[tuple[str, Any], ...] = (
            ("before_flush", self._before_flush),
            ("after_flush", self._after_flush),
            ("do_orm_execute", self._execute),
        )

    def _before_flush(self, session: Session, context: object, instances: object) -> None:
        del context, instances
        for instance in [*session.new, *session.dirty, *session.deleted]:
            self._refuse_replica(session, instance)
        for instance in list(session.new):
            owner = self._manifest.remote_inserts.get(_table_name(instance))
            if owner is not None:
                _divert(session, instance)
        waiting = session.info.get(_WAITING, [])
        if waiting and not any(_needs_flush(session, instance) for instance in waiting):
            # The flush may have nothing else to do, and then there is no after_flush.
            self._send_waiting(session)

    def _after_flush(self, session: Session, context: object) -> None:
        del context
        self._send_waiting(session)
        upserted: Keys = defaultdict(dict)
        deleted: Keys = defaultdict(dict)
        for instance in session.new:
            self._note(instance, upserted)
        for instance in session.dirty:
            if session.is_modified(instance):
                self._note(instance, upserted)
        for instance in session.deleted:
            self._note(instance, deleted)
        self._append_changes(session, upserted, deleted)

    def _execute(self, state: ORMExecuteState) -> Any:
        if not (state.is_insert or state.is_update or state.is_delete):
            return None
        table = getattr(state.statement, "table", None)
        if not isinstance(table, Table):
            return None
        name = table.fullname
        if name in self._manifest.replicas:
            raise ReplicaWriteError(_refusal(name, self._manifest.replicas[name]))
        if name in self._manifest.remote_inserts:
            raise UncapturedWriteError(f"{name} is another service's: add instances instead")
        if name not in self._published:
            return None
        if state.is_insert:
            return self._execute_insert(state, table)
        return self._execute_change(state, table)

    def _execute_insert(self, state: ORMExecuteState, table: Table) -> Any:
        result = state.invoke_statement(execution_options={"preserve_rowcount": True})
        if getattr(result, "rowcount", -1) == 0:
            # ON CONFLICT DO NOTHING: there is nothing to tell.
            return result
        # Known for one row of VALUES; not for INSERT … SELECT or many rows at once.
        key = getattr(result, "inserted_primary_key", None)
        if key is None or None in tuple(key):
            raise UncapturedWriteError(
                f"{table.fullname} is published: the rows of this INSERT cannot be told, "
                "add instances to the session instead"
            )
        self._append_changes(state.session, {table: {tuple(key): None}}, {})
        return result

    def _execute_change(self, state: ORMExecuteState, table: Table) -> Any:
        statement: Any = state.statement
        if state.is_executemany or not isinstance(statement, sa.Update | sa.Delete):
            raise UncapturedWriteError(f"{table.fullname} is published: change its instances")
        select = sa.select(*table.primary_key.columns).with_for_update()
        if statement.whereclause is not None:
            select = select.where(statement.whereclause)
        session = state.session
        parameters = state.parameters if isinstance(state.parameters, dict) else None
        found = session.connection().execute(select, parameters)
        keys: Keys = {table: {tuple(row): None for row in found}}
        result = state.invoke_statement()
        if state.is_delete:
            self._append_changes(session, {}, keys)
        else:
            self._append_changes(session, keys, {})
        return result

    def _refuse_replica(self, session: Session, instance: object) -> None:
        name = _table_name(instance)
        owner = self._manifest.replicas.get(name)
        if owner is None or (name in self._manifest.remote_inserts and instance in session.new):
            return
        if instance in session.dirty and not session.is_modified(instance):
            return
        raise ReplicaWriteError(_refusal(name, owner))

    def _note(self, instance: object, keys: Keys) -> None:
        mapper: Mapper[Any] = inspect(instance).mapper  # type: ignore[union-attr]
        for table in mapper.tables:
            if isinstance(table, Table) and table.fullname in self._published:
                key = tuple(
                    getattr(instance, mapper.get_property_by_column(column).key)
                    for column in table.primary_key
                )
                keys[table][key] = None

    def _append_changes(self, session: Session, upserted: Keys, deleted: Keys) -> None:
        messages: list[Message] = []
        connection = session.connection() if upserted or deleted else None
        for table, keys in upserted.items():
            assert connection is not None
            for row in _rows(connection, table, list(keys)):
                messages.append(upsert(self._manifest.name, table, row))
        for table, keys in deleted.items():
            names = [column.name for column in table.primary_key]
            for key in keys:
                encoded = dict(zip(names, map(codec.encode, key), strict=True))
                messages.append(_change(self._manifest.name, table, outbox.DELETED, encoded))
        outbox.append(session, messages, source=self._manifest.name)

    def _send_waiting(self, session: Session) -> None:
        waiting = session.info.pop(_WAITING, [])
        messages = [self._insert(instance) for instance in waiting]
        outbox.append(session, messages, source=self._manifest.name)

    def _insert(self, instance: object) -> Message:
        name = _table_name(instance)
        return Message(
            subject=outbox.request_subject(self._manifest.remote_inserts[name], outbox.INSERT),
            aggregatetype=name,
            # Inserts do not depend on each other: each may go as soon as it can.
            aggregateid=f"insert-{outbox.uuid7()}",
            type=outbox.INSERT,
            data={"table": name, "values": _values(instance)},
        )


def upsert(service: str, table: Table, row: sa.RowMapping) -> Message:
    """The message that tells a row's present state."""
    return _change(service, table, outbox.UPSERTED, tables.encode_row(table, row))


def _change(service: str, table: Table, kind: str, values: dict[str, Any]) -> Message:
    return Message(
        subject=outbox.change_subject(service, table.fullname),
        aggregatetype=table.fullname,
        aggregateid=tables.row_key(table, values),
        type=kind,
        data={"table": table.fullname, "values": values},
    )


def _rows(
    connection: sa.Connection, table: Table, keys: list[tuple[Any, ...]]
) -> Iterable[sa.RowMapping]:
    columns = list(table.primary_key.columns)
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        condition = (
            columns[0].in_([key[0] for key in chunk])
            if len(columns) == 1
            else sa.tuple_(*columns).in_(chunk)
        )
        yield from connection.execute(sa.select(table).where(condition)).mappings()


def _divert(session: Session, instance: object) -> None:
    session.expunge(instance)
    session.info.setdefault(_WAITING, []).append(instance)


def _needs_flush(session: Session, instance: object) -> bool:
    return any(target in session.new for _, target in _targets(instance))


def _targets(instance: object) -> list[tuple[Any, object]]:
    mapper: Mapper[Any] = inspect(instance).mapper  # type: ignore[union-attr]
    set_here = vars(instance)
    return [
        (relation, set_here[relation.key])
        for relation in mapper.relationships
        if relation.direction is MANYTOONE and set_here.get(relation.key) is not None
    ]


def _values(instance: object) -> dict[str, Any]:
    """What was set, by attribute; the owner's own defaults fill in the rest."""
    mapper: Mapper[Any] = inspect(instance).mapper  # type: ignore[union-attr]
    set_here = vars(instance)
    values = {a.key: set_here[a.key] for a in mapper.column_attrs if a.key in set_here}
    for relation, target in _targets(instance):
        other: Mapper[Any] = inspect(target).mapper  # type: ignore[union-attr]
        for local, remote in relation.local_remote_pairs:
            key = other.get_property_by_column(remote).key
            values[mapper.get_property_by_column(local).key] = getattr(target, key)
    return {key: codec.encode(value) for key, value in values.items()}


def _table_name(instance: object) -> str:
    mapper: Mapper[Any] = inspect(instance).mapper  # type: ignore[union-attr]
    return str(getattr(mapper.local_table, "fullname", ""))


def _refusal(table: str, owner: str) -> str:
    return f"{table} is a replica here, owned by {owner}: ask {owner} to change it"
