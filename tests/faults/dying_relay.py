"""A relay that kills itself after publishing its n-th message chain, before it is marked.

Started by the tests: ``dying_relay.py DATABASE_URL NATS_URL NAMESPACE N``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import sqlalchemy as sa
from chassis import brokers
from chassis.relay import Relay
from chassis.settings import Settings


class DyingRelay(Relay):
    """Counts its batches down to its death."""

    left = 1

    def _mark(self) -> None:
        self.left -= bool(self._outcome.published)
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._mark()


async def main(database: str, broker_url: str, namespace: str, batches: int) -> None:
    settings = Settings(database, broker_url, namespace, batch=1, poll=0.05, lease=0.5)
    broker = await brokers.connect(settings)
    relay = DyingRelay(sa.create_engine(database), broker, settings)
    relay.left = batches
    await relay.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
