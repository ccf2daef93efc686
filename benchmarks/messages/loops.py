"""Three readings of "a loop that inserts, selects and deletes the same rows", with no broker."""

from __future__ import annotations

import time

import psycopg
from rows import NOTE

_PAYLOAD = '{"id": 1, "note": "' + NOTE + '"}'
_INSERT = b"INSERT INTO naive_outbox (payload) VALUES (%s)"
_SELECT = b"SELECT id, payload FROM naive_outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"


def row_by_row(url: str, messages: int) -> float:
    """Messages a second, one row after the other, 500 of them a transaction."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        for number in range(1, messages + 1):
            cursor.execute(_INSERT, (_PAYLOAD,))
            row = cursor.execute(_SELECT, (1,)).fetchone()
            assert row is not None
            cursor.execute(b"DELETE FROM naive_outbox WHERE id = %s", (row[0],))
            if number % 500 == 0:
                connection.commit()
        connection.commit()
        return messages / (time.monotonic() - began)


def batches(url: str, messages: int, batch: int) -> float:
    """Messages a second, `batch` rows with three statements and two transactions."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        for _ in range(0, messages, batch):
            cursor.executemany(_INSERT, [(_PAYLOAD,)] * batch)
            connection.commit()
            found = [row[0] for row in cursor.execute(_SELECT, (batch,)).fetchall()]
            cursor.execute(b"DELETE FROM naive_outbox WHERE id = ANY(%s)", (found,))
            connection.commit()
        return messages / (time.monotonic() - began)
