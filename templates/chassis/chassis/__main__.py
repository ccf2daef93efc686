"""``python -m chassis``: the processes and tools of a service's messaging."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from chassis import settings as settings_module
from chassis.manifest import Manifest, ManifestError, load
from chassis.settings import Settings, SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 for bad input."""
    arguments = _parser().parse_args(argv)
    try:
        manifest, settings = load(), settings_module.load()
        return int(arguments.run(arguments, manifest, settings) or 0)
    except (ManifestError, SettingsError, LookupError) as error:
        print(f"chassis: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chassis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    relay = commands.add_parser("relay", help="carry the outbox to the broker")
    relay.set_defaults(run=_relay)
    inbox = commands.add_parser("inbox", help="apply messages, or show and replay dead letters")
    inbox.set_defaults(run=_inbox)
    inbox.add_argument("action", nargs="?", choices=("run", "show", "replay"), default="run")
    inbox.add_argument("id", nargs="*")
    outbox = commands.add_parser("outbox", help="show what waits or is dead, replay dead letters")
    outbox.set_defaults(run=_outbox)
    outbox.add_argument("action", choices=("show", "replay"))
    outbox.add_argument("id", nargs="*")
    publish = commands.add_parser("publish-all", help="tell every row of the published tables")
    publish.set_defaults(run=_publish_all)
    publish.add_argument("table", nargs="*")
    return parser


def _relay(_: argparse.Namespace, manifest: Manifest, settings: Settings) -> None:
    from chassis import telemetry

    telemetry.setup(manifest.name, "relay")
    from chassis.relay import Relay

    async def work(stop: asyncio.Event) -> None:
        broker = await _connect(settings, stop)
        if broker is not None:
            try:
                await Relay(_engine(settings), broker, settings).run(stop)
            finally:
                await broker.close()

    asyncio.run(_until_signal(work))


def _inbox(arguments: argparse.Namespace, manifest: Manifest, settings: Settings) -> None:
    from chassis.schema import inbox_dead_letter

    if arguments.action == "show":
        return _show(settings, sa.select(inbox_dead_letter).order_by(inbox_dead_letter.c.dead_at))
    from chassis import capture, telemetry

    telemetry.setup(manifest.name, "inbox")
    from chassis import tables
    from chassis.inbox import Inbox, Processor

    capture.install(manifest)
    tables.declared(manifest)
    processor = Processor(manifest, _engine(settings), _application_context(manifest))
    if arguments.action == "replay":
        print(f"{processor.replay(arguments.id)} applied")
        return None

    async def work(stop: asyncio.Event) -> None:
        broker = await _connect(settings, stop)
        if broker is not None:
            try:
                await Inbox(processor, broker, settings).run(manifest, stop)
            finally:
                await broker.close()

    asyncio.run(_until_signal(work))
    return None


def _outbox(arguments: argparse.Namespace, _: Manifest, settings: Settings) -> None:
    from chassis.schema import DEAD, PENDING, outbox, outbox_delivery

    delivery = outbox_delivery.c
    if arguments.action == "show":
        columns = (outbox.c.id, outbox.c.type, outbox.c.subject, outbox.c.aggregateid)
        state = (delivery.state, delivery.attempts, delivery.reason, delivery.next_attempt_at)
        query = sa.select(*columns, *state).join(outbox_delivery, delivery.id == outbox.c.id)
        open_rows = query.where(delivery.state.in_((PENDING, DEAD)))
        return _show(settings, open_rows.order_by(outbox.c.created_at).limit(1000))
    replay = sa.update(outbox_delivery).where(delivery.state == DEAD)
    if arguments.id:
        replay = replay.where(sa.cast(delivery.id, sa.Text).in_(arguments.id))
    values = {"state": PENDING, "attempts": 0, "next_attempt_at": sa.func.now()}
    with _engine(settings).begin() as connection:
        print(f"{connection.execute(replay.values(values)).rowcount} pending again")
    return None


def _publish_all(arguments: argparse.Namespace, manifest: Manifest, settings: Settings) -> None:
    from chassis.snapshot import publish_all

    names = arguments.table or list(manifest.published)
    unknown = sorted(set(names) - set(manifest.published))
    if unknown:
        raise LookupError(f"{', '.join(unknown)}: not among the published tables")
    for name in names:
        print(f"{name}: {publish_all(_engine(settings), manifest, name)} rows")


def _show(settings: Settings, query: sa.Select[Any]) -> None:
    with _engine(settings).connect() as connection:
        for row in connection.execute(query).mappings():
            print(json.dumps(dict(row), default=str))


def _engine(settings: Settings) -> sa.Engine:
    return sa.create_engine(settings.database_url, pool_pre_ping=True, pool_size=3)


def _application_context(manifest: Manifest) -> Callable[[], AbstractContextManager[object]] | None:
    """Served functions may use the application's configuration: run them in its context."""
    if not (manifest.serves_events and manifest.factory):
        return None
    module, _, name = manifest.factory.partition(":")
    made = getattr(importlib.import_module(module), name or "app")
    application = made if hasattr(made, "app_context") else made()
    context: Callable[[], AbstractContextManager[object]] = application.app_context
    return context


async def _connect(settings: Settings, stop: asyncio.Event) -> Any:
    """The broker, once it is there; None when stopped before."""
    from chassis.broker import Broker, BrokerUnavailable

    attempt = 0
    while not stop.is_set():
        try:
            return await Broker.connect(settings)
        except BrokerUnavailable as error:
            attempt += 1
            print(f"waiting for the broker: {error}", file=sys.stderr)
            await asyncio.sleep(min(settings.backoff(attempt), 2.0))
    return None


async def _until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await work(stop)


if __name__ == "__main__":
    sys.exit(main())
