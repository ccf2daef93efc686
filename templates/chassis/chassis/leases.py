"""Shares the partitions of a role among its living processes.

A lease saves double work; nothing is wrong while two processes believe to have one. What relay
and inbox promise holds by the order in which they work and by the inbox' keys (see
docs/decisions/0010-strict-order-per-aggregate.md of migrator).
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Set
from contextlib import asynccontextmanager, contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from chassis import clock, dialects
from chassis.brokers.port import PARTITIONS
from chassis.schema import lease_member as member
from chassis.schema import partition_lease as lease

_log = logging.getLogger("chassis.leases")


class LeaseLost(RuntimeError):
    """Another process works on the partition now."""


class Leases:
    """This process' share of the partitions of `role`, such as ``relay`` or ``inbox billing``."""

    def __init__(self, engine: Engine, role: str, seconds: float) -> None:
        self._engine = engine
        self._role = role
        self._seconds = seconds
        # When the last sign of life was given.
        self._signed = -seconds
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    def renew(self) -> dict[int, str]:
        """Keep or change the share; the partitions that are ours now, and how far each was read."""
        with self._unhurried() as connection:
            share = -(-PARTITIONS // self._living(connection))
            held = self._keep(connection)
            if len(held) > share:
                self._give_up(connection, set(sorted(held)[share:]))
                return dict(sorted(held.items())[:share])
            if len(held) < share:
                held |= self._take(connection, share - len(held))
            return held

    def extend(self) -> None:
        """Give a sign of life, and change nothing else."""
        with self._unhurried() as connection:
            mine = (member.c.role == self._role, member.c.owner == self.owner)
            until = clock.ahead(self._seconds)
            connection.execute(sa.update(member).where(*mine).values(until=until))
            self._keep(connection)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Give signs of life while the body runs, however long one batch of it takes."""
        over = asyncio.Event()
        signs = asyncio.create_task(self._give_signs(over))
        try:
            yield
        finally:
            over.set()
            await signs

    async def _give_signs(self, over: asyncio.Event) -> None:
        """Only where no renewal did for a while: two at once would wait for each other."""
        while not over.is_set():
            if time.monotonic() - self._signed > self._seconds / 2:
                try:
                    await asyncio.to_thread(self.extend)
                except sa.exc.SQLAlchemyError as error:
                    _log.warning("leases are not extended", extra={"reason": repr(error)})
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._seconds / 6)

    def release(self) -> None:
        """Leave all to the others at once."""
        with self._engine.begin() as connection:
            mine = (member.c.role == self._role, member.c.owner == self.owner)
            connection.execute(sa.delete(member).where(*mine))
            self._give_up(connection, set(range(PARTITIONS)))

    def save(self, connection: Connection, positions: Mapping[int, str]) -> None:
        """Note how far was read, in the caller's transaction; raises `LeaseLost`."""
        if not positions:
            return
        ours = sa.update(lease).where(
            lease.c.role == self._role,
            lease.c.owner == self.owner,
            lease.c.partition == sa.bindparam("at"),
        )
        rows = [{"at": at, "position": position} for at, position in sorted(positions.items())]
        if connection.execute(ours, rows).rowcount < len(rows):
            raise LeaseLost(f"{self._role}: another process took over")

    @contextmanager
    def _unhurried(self) -> Iterator[Connection]:
        """A transaction that does not wait for the disk: a lost lease only doubles work."""
        with self._engine.begin() as connection:
            dialects.need_not_last(connection)
            yield connection
        self._signed = time.monotonic()

    def _living(self, connection: Connection) -> int:
        now, until = clock.now(), clock.ahead(self._seconds)
        mine = (member.c.role == self._role, member.c.owner == self.owner)
        if connection.execute(sa.update(member).where(*mine).values(until=until)).rowcount == 0:
            row = {"role": self._role, "owner": self.owner, "until": until}
            connection.execute(sa.insert(member), row)
        alive = sa.select(sa.func.count()).where(member.c.role == self._role, member.c.until > now)
        return max(1, connection.execute(alive).scalar_one())

    def _keep(self, connection: Connection) -> dict[int, str]:
        ours = (lease.c.role == self._role, lease.c.owner == self.owner)
        held = sa.select(lease.c.partition, lease.c.position).where(*ours)
        # Locked in the order in which `save` locks them: else each could wait for the other.
        rows = connection.execute(held.order_by(lease.c.partition).with_for_update()).all()
        if rows:
            until = clock.ahead(self._seconds)
            connection.execute(sa.update(lease).where(*ours).values(until=until))
        return {row.partition: row.position for row in rows}

    def _take(self, connection: Connection, most: int) -> dict[int, str]:
        free = (
            sa.select(lease.c.partition, lease.c.position)
            .where(
                lease.c.role == self._role,
                sa.or_(lease.c.owner.is_(None), lease.c.until < clock.now()),
            )
            .order_by(lease.c.partition)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        found = {row.partition: row.position for row in connection.execute(free)}
        if not found and not self._exist(connection):
            return self._take(connection, most)
        taken = {"owner": self.owner, "until": clock.ahead(self._seconds)}
        change = sa.update(lease).where(lease.c.role == self._role, lease.c.partition.in_(found))
        if found:
            connection.execute(change.values(taken))
            self._forget_the_dead(connection)
        return found

    def _forget_the_dead(self, connection: Connection) -> None:
        """Once a takeover is enough. One that comes back at this moment is not waited for."""
        of_role = member.c.role == self._role
        dead = sa.select(member.c.owner).where(of_role, member.c.until < clock.now())
        owners = connection.execute(dead.with_for_update(skip_locked=True)).scalars().all()
        if owners:
            connection.execute(sa.delete(member).where(of_role, member.c.owner.in_(owners)))

    def _exist(self, connection: Connection) -> bool:
        """Whether the role has its rows; False if they were made now."""
        rows = sa.select(sa.func.count()).where(lease.c.role == self._role)
        if connection.execute(rows).scalar_one() == PARTITIONS:
            return True
        new = [{"role": self._role, "partition": number} for number in range(PARTITIONS)]
        dialects.insert_new(connection, lease, new, lease.c.partition)
        return False

    def _give_up(self, connection: Connection, partitions: Set[int]) -> None:
        connection.execute(
            sa.update(lease)
            .where(
                lease.c.role == self._role,
                lease.c.owner == self.owner,
                lease.c.partition.in_(partitions),
            )
            .values(owner=None, until=None)
        )
