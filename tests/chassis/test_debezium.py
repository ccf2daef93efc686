"""The outbox as Debezium's event router takes it: its columns, and inserts only."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from bank.models import Account
from chassis import schema
from chassis.brokers import partition_of
from chassis.settings import SettingsError
from support.delivery import Side, drain, emit, namespace

INSERT_ONLY = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the outbox is insert-only'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def guarded(accounts: Side) -> Side:
    with accounts.engine.begin() as connection:
        connection.execute(sa.text(INSERT_ONLY))
    return accounts


def change(side: Side) -> None:
    with side.working() as session:
        session.add(Account(id=1, owner="ann", balance=0))
        session.commit()
        session.get(Account, 1).balance = 5
        session.commit()
        session.delete(session.get(Account, 1))
        session.commit()


def test_columns_of_the_event_router() -> None:
    kinds = {column.name: column.type for column in schema.outbox.columns}
    # Its defaults: table.field.event.id, .key, .type, .payload and route.by.field.
    assert {"id", "aggregateid", "type", "payload", "aggregatetype"} <= kinds.keys()
    assert isinstance(kinds["partition"], sa.Integer)
    assert not isinstance(kinds["partition"], sa.SmallInteger | sa.BigInteger)


def test_relay_only_reads_the_outbox(guarded: Side, nats_url: str) -> None:
    change(guarded)
    emit(guarded, [(1, 1)])
    drain(guarded, nats_url, namespace())
    assert guarded.rows("SELECT count(*) FROM outbox") == [(4,)]


def test_debezium_finds_rows_and_nothing_is_queued(
    guarded: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASSIS_OUTBOX", "debezium")
    change(guarded)
    assert guarded.rows("SELECT 1 FROM outbox_delivery") == []
    found = guarded.rows(
        "SELECT aggregatetype, aggregateid, type, sequence, partition, payload->>'sequence'"
        " FROM outbox ORDER BY sequence"
    )
    at = partition_of("accounts", "1")
    kinds = ("upserted", "upserted", "deleted")
    assert found == [("accounts", "1", kind, n, at, str(n)) for n, kind in enumerate(kinds, 1)]


def test_unknown_carrier_is_refused(accounts: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHASSIS_OUTBOX", "pigeon")
    with pytest.raises(SettingsError, match="'relay' or 'debezium'"):
        change(accounts)
    assert accounts.rows("SELECT 1 FROM accounts") == []
