"""Chassis with a mistake in it: the rig must find each of them, else it finds nothing."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import Any


def install(name: str) -> None:
    """Put the mistake `name` into the chassis of this process."""
    MUTANTS[name]()


def _marks_before_publishing() -> None:
    """The relay takes a message from its queue before the broker has it."""
    from chassis import brokers
    from chassis.brokers import begin

    connect = brokers.connect

    async def hasty(settings: Any) -> Any:
        broker = await connect(settings)
        hand_over = begin(broker)
        tasks = set()

        async def later(message: Any) -> None:
            await asyncio.sleep(0.2)
            await (await hand_over(message))

        async def answer_at_once(message: Any) -> None:
            tasks.add(asyncio.ensure_future(later(message)))

        async def begin_at_once(message: Any) -> asyncio.Future[None]:
            return asyncio.ensure_future(answer_at_once(message))

        broker.publish, broker.begin = answer_at_once, begin_at_once
        return broker

    brokers.connect = hasty  # type: ignore[assignment]


def _inbox_without_keys() -> None:
    """The inbox takes every delivery for a new one."""
    from chassis import processor

    def all_new(*given: Any) -> set[str]:
        *_, messages = given
        return {message.id for message in messages}

    processor.Processor._mark = all_new  # type: ignore[method-assign]


def _skips_late_commits() -> None:
    """The relay keeps a cursor: what becomes visible behind it is never seen."""
    from chassis import delivery, relay

    highest: dict[int, int] = {}
    page = delivery.page

    def behind_the_cursor(connection: Any, after: Any, *others: Any) -> Any:
        at = {partition: max(n, highest.get(partition, 0)) for partition, n in after.items()}
        entries = page(connection, at, *others)
        for entry in entries:
            highest[entry.partition] = max(highest.get(entry.partition, 0), entry.position)
        return entries

    relay.delivery.page = behind_the_cursor


def _without_order() -> None:
    """The relay publishes all it has at the same time."""
    from chassis import relay

    chain = relay.Relay._chain

    async def scattered(self: Any, entries: list[Any], *others: Any) -> None:
        async def one(entry: Any) -> None:
            await asyncio.sleep(random.uniform(0, 0.05))
            await chain(self, [entry], *others)

        await asyncio.gather(*(one(entry) for entry in entries))

    relay.Relay._chain = scattered  # type: ignore[method-assign]


def _without_versions() -> None:
    """The replica takes every change for the newest."""
    from chassis import replicas

    apply = replicas.apply

    def all_newer(connection: Any, changes: Any, package: str) -> Any:
        now = time.time_ns()
        newer = [replace(change, version=now + n) for n, change in enumerate(changes)]
        return apply(connection, newer, package)

    replicas.apply = all_newer


def _notes_before_applying() -> None:
    """The inbox notes how far it read before it has done what it read."""
    from chassis import processor

    process = processor.Processor.process

    def hasty(self: Any, messages: Any, note: Any = None, *others: Any) -> list[str]:
        if note is not None:
            with self._engine.begin() as connection:
                note(connection, len(messages))
        return process(self, messages, lambda *_: None, *others)

    processor.Processor.process = hasty  # type: ignore[method-assign]


MUTANTS = {
    "marks-before-publishing": _marks_before_publishing,
    "inbox-without-keys": _inbox_without_keys,
    "skips-late-commits": _skips_late_commits,
    "without-order": _without_order,
    "without-versions": _without_versions,
    "notes-before-applying": _notes_before_applying,
}
