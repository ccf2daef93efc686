"""What is measured: an outbox full of changes, or of calls, in one statement."""

from __future__ import annotations

NOTE = "n" * 200
FILL = """
WITH new AS (
  SELECT uuidv7() AS id, i, clock_timestamp() AS at FROM generate_series(1, {count}) AS i),
written AS (
  INSERT INTO outbox
    (id, aggregatetype, aggregateid, type, sequence, subject, partition, created_at, traceparent,
    payload)
  SELECT id, '{kind}', i::text, '{type}', 1, '{subject}',
    crc32('{kind}'::bytea || '\\x00'::bytea || i::text::bytea) % 16, at, {traceparent},
    jsonb_build_object('specversion', '1.0', 'id', id, 'source', '/services/orders',
    'type', '{kind}.{type}',
    'subject', i::text, 'time', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.USOF'),
    'sequence', '1', 'kind', '{type}', 'aggregate', '{kind}', 'data', {data}) FROM new)
INSERT INTO outbox_delivery (id, partition, aggregatetype, aggregateid, sequence, created_at)
SELECT id, crc32('{kind}'::bytea || '\\x00'::bytea || i::text::bytea) % 16, '{kind}', i::text, 1, at
FROM new
"""
# Each of a trace of its own, as of many requests: sampled; or not, as the others trace nothing.
TRACED = "'00-' || md5(i::text) || '-' || left(md5(i::text), 16) || '-01'"
UNTRACED = "'00-' || md5(i::text) || '-' || left(md5(i::text), 16) || '-00'"
CHANGE = {
    "traceparent": UNTRACED,
    "kind": "orders",
    "type": "upserted",
    "subject": "events.orders.orders",
    "data": f"jsonb_build_object('table', 'orders', 'values',"
    f" jsonb_build_object('id', i, 'note', '{NOTE}'))",
}
CALL = {
    "traceparent": UNTRACED,
    "kind": "shop.handlers:apply",
    "type": "call",
    "subject": "requests.billing.call",
    "data": "jsonb_build_object('function', 'shop.handlers:apply', 'args',"
    " jsonb_build_array(i), 'kwargs', jsonb_build_object())",
}
