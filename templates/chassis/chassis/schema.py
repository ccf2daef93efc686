"""The chassis' own tables, on PostgreSQL, SQLite, MySQL and MariaDB.

`outbox` has the columns of Debezium's event router and is only ever inserted into, so that
Debezium can take the relay's place. What is still to be published is a row of `outbox_delivery`,
which goes when the broker has the message: the table stays as small as the backlog.

Times are UTC, by the clock of the process that writes them.
"""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

CHANNEL = "chassis_outbox"

metadata = sa.MetaData()
_now = sa.func.now()
_moment = sa.DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")
_json = sa.JSON().with_variant(JSONB(), "postgresql")
_text = sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")
# MySQL indexes no unbounded text, and by default takes `A` for `a`.
_key = sa.Text().with_variant(sa.String(255, collation="utf8mb4_bin"), "mysql", "mariadb")
# SQLite numbers rows by itself only in a column of this very type.
_serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("aggregatetype", _key, nullable=False),
    sa.Column("aggregateid", _key, nullable=False),
    sa.Column("type", _key, nullable=False),
    sa.Column("payload", _json, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("subject", _key, nullable=False),
    # Debezium takes a partition of 32 bits only.
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("traceparent", _key),
    sa.Column("tracestate", _text),
    sa.Column("created_at", _moment, nullable=False, server_default=_now, index=True),
)

# The queue. Positions are given under the aggregate's row lock, so within an aggregate they rise
# with the sequence; across aggregates a smaller one may become visible later.
outbox_delivery = sa.Table(
    "outbox_delivery",
    metadata,
    sa.Column("position", _serial, sa.Identity(), primary_key=True),
    sa.Column("partition", sa.SmallInteger, nullable=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("aggregatetype", _key, nullable=False),
    sa.Column("aggregateid", _key, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", _moment),
    sa.Column("reason", _text),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
    sa.Index("ix_outbox_delivery_next", "partition", "position"),
    sa.Index("ix_outbox_delivery_aggregate", "aggregatetype", "aggregateid", "sequence"),
)

outbox_dead_letter = sa.Table(
    "outbox_dead_letter",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("partition", sa.SmallInteger, nullable=False),
    sa.Column("aggregatetype", _key, nullable=False),
    sa.Column("aggregateid", _key, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", _text, nullable=False),
    sa.Column("dead_at", _moment, nullable=False, server_default=_now),
)

# The last sequence of each aggregate. Its row lock makes sequences follow the commits.
outbox_aggregate = sa.Table(
    "outbox_aggregate",
    metadata,
    sa.Column("aggregatetype", _key, primary_key=True),
    sa.Column("aggregateid", _key, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

# Every message that was decided: applied, found stale, waiting for another try, or dead.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("consumer", _key, primary_key=True),
    sa.Column("message_id", _key, primary_key=True),
    sa.Column("received_at", _moment, nullable=False, server_default=_now, index=True),
)

# Messages that failed, and those of the same aggregate that came after them.
inbox_retry = sa.Table(
    "inbox_retry",
    metadata,
    sa.Column("position", _serial, sa.Identity(), primary_key=True),
    sa.Column("consumer", _key, nullable=False),
    sa.Column("message_id", _key, nullable=False),
    sa.Column("aggregate", _key, nullable=False),
    sa.Column("subject", _key, nullable=False),
    sa.Column("payload", _text, nullable=False),
    sa.Column("headers", _json, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", _moment, nullable=False),
    sa.Column("reason", _text),
    sa.Column("created_at", _moment, nullable=False, server_default=_now),
    sa.Index("ix_inbox_retry_aggregate", "consumer", "aggregate", "position"),
)

inbox_dead_letter = sa.Table(
    "inbox_dead_letter",
    metadata,
    sa.Column("consumer", _key, primary_key=True),
    sa.Column("message_id", _key, primary_key=True),
    sa.Column("subject", _key, nullable=False),
    sa.Column("payload", _json, nullable=False),
    sa.Column("traceparent", _key),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reason", _text, nullable=False),
    sa.Column("dead_at", _moment, nullable=False, server_default=_now),
)

# A deleted replica row's version: an older update that comes late must not bring it back.
replica_tombstone = sa.Table(
    "replica_tombstone",
    metadata,
    sa.Column("tablename", _key, primary_key=True),
    sa.Column("rowkey", _key, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("deleted_at", _moment, nullable=False, server_default=_now, index=True),
)

# Which process works on which partition, for the relay and for each consumer; how far it read.
partition_lease = sa.Table(
    "partition_lease",
    metadata,
    sa.Column("role", _key, primary_key=True),
    sa.Column("partition", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("owner", _key),
    sa.Column("until", _moment),
    sa.Column("position", _key, nullable=False, server_default=""),
)

# The processes that share the partitions of a role.
lease_member = sa.Table(
    "lease_member",
    metadata,
    sa.Column("role", _key, primary_key=True),
    sa.Column("owner", _key, primary_key=True),
    sa.Column("until", _moment, nullable=False),
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
ALTER TABLE {table} SET (
  autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 50000,
  autovacuum_vacuum_cost_delay = 0)
"""
# One row an aggregate or partition, updated for ever: room on the page keeps updates in place.
_FILL = "ALTER TABLE {table} SET (fillfactor = 50, autovacuum_vacuum_cost_delay = 0)"


class Operations(Protocol):
    """What is used of Alembic's `op`."""

    def execute(self, statement: sa.Executable | str, /) -> None:
        """Run, or with ``--sql`` print, one statement."""

    def get_context(self) -> Any:
        """The migration context."""


def upgrade(op: Operations) -> None:
    """Create the tables, in a revision."""
    for table in metadata.sorted_tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            op.execute(CreateIndex(index))
    if not _is_postgresql(op):
        return
    for name in ("outbox", "outbox_delivery", "inbox", "inbox_retry"):
        op.execute(_VACUUM.format(table=name))
    for name in ("outbox_aggregate", "partition_lease"):
        op.execute(_FILL.format(table=name))
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)


def downgrade(op: Operations) -> None:
    """Drop the tables, in a revision."""
    for table in reversed(metadata.sorted_tables):
        op.execute(DropTable(table))
    if _is_postgresql(op):
        op.execute("DROP FUNCTION chassis_outbox_wake()")


def _is_postgresql(op: Operations) -> bool:
    return str(op.get_context().dialect.name) == "postgresql"
