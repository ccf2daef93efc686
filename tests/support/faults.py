"""Faults of a service's database and messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from chassis.outbox import CALL, Message, append, request_subject


@contextmanager
def failing(url: str, table: str) -> Iterator[None]:
    """Statements that read `table` fail."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_away"'.encode())
        try:
            yield
        finally:
            connection.execute(f'ALTER TABLE "{table}_away" RENAME TO "{table}"'.encode())


@contextmanager
def slow(url: str, table: str, seconds: float) -> Iterator[None]:
    """Statements that read `table` wait for up to `seconds`."""
    stop = threading.Event()

    def hold() -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            while not stop.is_set():
                connection.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE'.encode())
                stop.wait(seconds)
                connection.rollback()
                stop.wait(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def poison(url: str, service: str) -> None:
    """A request to `service` for something that it does not know."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        data = {"function": "nowhere:nothing", "args": [], "kwargs": {}}
        message = Message(request_subject(service, "call"), "function", "poison", CALL, data)
        append(connection, [message], source="accounts")
    engine.dispose()
