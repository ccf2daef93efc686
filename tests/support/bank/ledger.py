"""What the ledger owns, and the functions that others ask it for."""

import asyncio
import logging

from bank.db import Base, session
from sqlalchemy.orm import Mapped, mapped_column


class Entry(Base):
    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    number: Mapped[int]


class Refused(Exception):
    pass


def record(account_id: int, number: int) -> None:
    """Commits itself, as the monolith's functions do."""
    logging.getLogger("bank").info("recorded")
    session.add(Entry(account_id=account_id, number=number))
    session.commit()


def record_then_fail(account_id: int, number: int) -> None:
    record(account_id, number)
    raise Refused("after the commit")


failures: list[tuple[int, int]] = []


def fail_once(account_id: int, number: int) -> None:
    """Fails at the first try of what `failures` names."""
    record(account_id, number)
    if (account_id, number) in failures:
        failures.remove((account_id, number))
        raise Refused("the first time")


async def record_async(account_id: int, number: int) -> None:
    await asyncio.sleep(0)
    record(account_id, number)
