"""The chassis' own tables.

`outbox` has the columns of Debezium's event router and is only ever inserted into, so that
Debezium can take the relay's place; what the relay notes is in `outbox_delivery`.
"""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

CHANNEL = "chassis_outbox"
PENDING, PUBLISHED, DEAD = "pending", "published", "dead"

metadata = sa.MetaData()
_now = sa.text("now()")
_moment = sa.DateTime(timezone=True)
# `json`, not `jsonb`, would keep the order of keys; nothing here depends on it.
_json = sa.JSON().with_variant(JSONB(), "postgresql")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("aggregatetype", sa.Text, nullable=False),
    sa.Column("aggregateid", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("payload", _json, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("tracestate", sa.Text),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
)

outbox_delivery = sa.Table(
    "outbox_delivery",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("aggregatetype", sa.Text, nullable=False),
    sa.Column("aggregateid", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=PENDING),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", _moment, nullable=False, server_default=_now),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
    sa.Column("published_at", _moment),
    sa.Column("reason", sa.Text),
)
# Only what is pending: it stays small however much was published.
sa.Index(
    "ix_outbox_delivery_pending",
    outbox_delivery.c.aggregatetype,
    outbox_delivery.c.aggregateid,
    outbox_delivery.c.sequence,
    postgresql_where=outbox_delivery.c.state == sa.literal_column(f"'{PENDING}'"),
)
sa.Index(
    "ix_outbox_delivery_due",
    outbox_delivery.c.next_attempt_at,
    postgresql_where=outbox_delivery.c.state == sa.literal_column(f"'{PENDING}'"),
)
sa.Index(
    "ix_outbox_delivery_done",
    outbox_delivery.c.published_at,
    postgresql_where=outbox_delivery.c.state == sa.literal_column(f"'{PUBLISHED}'"),
)

# The last sequence of each aggregate. Its row lock makes sequences follow the commits.
outbox_aggregate = sa.Table(
    "outbox_aggregate",
    metadata,
    sa.Column("aggregatetype", sa.Text, primary_key=True),
    sa.Column("aggregateid", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("received_at", _moment, nullable=False, server_default=_now, index=True),
)

inbox_dead_letter = sa.Table(
    "inbox_dead_letter",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", _json, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("dead_at", _moment, nullable=False, server_default=_now),
)

# A deleted replica row's version: an older update that comes late must not bring it back.
replica_tombstone = sa.Table(
    "replica_tombstone",
    metadata,
    sa.Column("tablename", sa.Text, primary_key=True),
    sa.Column("rowkey", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION chassis_outbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$
"""
_TRIGGER = """
CREATE TRIGGER chassis_outbox_wake AFTER INSERT ON outbox_delivery
FOR EACH STATEMENT EXECUTE FUNCTION chassis_outbox_wake()
"""
# Rows come and go: vacuum by number, not by share of a table that once was large.
_VACUUM = """
ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)
"""


class Operations(Protocol):
    """What is used of Alembic's `op`."""

    def execute(self, statement: sa.Executable | str, /) -> None:
        """Run, or with ``--sql`` print, one statement."""


def upgrade(op: Operations) -> None:
    """Create the tables, in a revision."""
    for table in metadata.sorted_tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            op.execute(CreateIndex(index))
    for name in ("outbox", "outbox_delivery", "inbox"):
        op.execute(_VACUUM.format(table=name))
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)


def downgrade(op: Operations) -> None:
    """Drop the tables, in a revision."""
    for table in reversed(metadata.sorted_tables):
        op.execute(DropTable(table))
    op.execute("DROP FUNCTION chassis_outbox_wake()")
