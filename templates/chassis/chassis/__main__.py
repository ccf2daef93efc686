"""``python -m chassis``: the processes and tools of a service's messaging."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import signal
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import sqlalchemy as sa

from chassis import settings as settings_module
from chassis.brokers.port import Broker
from chassis.manifest import Manifest, ManifestError, load
from chassis.settings import Settings, SettingsError

_SHOWN = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, 1 where a letter failed again, or 2 for bad input."""
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
    from chassis import cleanup, gauges, wake
    from chassis.relay import Relay, count_failure

    engine, woken = _engine(settings), asyncio.Event()
    by_debezium = settings_module.carried_by_debezium()

    async def work(stop: asyncio.Event) -> None:
        beside = [
            gauges.keep_observed(engine, settings, "relay"),
            telemetry.watch_event_loop(),
            cleanup.keep_clean(engine, settings, cleanup.outbox_batch),
        ]
        if by_debezium:
            print("CHASSIS_OUTBOX is debezium: this process only cleans up", file=sys.stderr)
            return await _with(beside, stop.wait())
        broker = await _connect(settings, stop, count_failure)
        if broker is None:
            return None
        relay = Relay(engine, broker, settings, woken)
        return await _with([*beside, wake.listen(settings, woken)], relay.run(stop), broker)

    _run(work)


def _inbox(arguments: argparse.Namespace, manifest: Manifest, settings: Settings) -> int:
    from chassis.schema import inbox_dead_letter, inbox_retry

    if arguments.action == "show":
        for table, state in ((inbox_retry, "waiting"), (inbox_dead_letter, "dead")):
            query = sa.select(sa.literal(state).label("state"), table)
            _show(settings, query.where(table.c.consumer == manifest.name).limit(_SHOWN))
        return 0
    from chassis import capture, telemetry

    telemetry.setup(manifest.name, "inbox")
    from chassis import cleanup, gauges, tables
    from chassis.inbox import Inbox
    from chassis.processor import Processor

    capture.install(manifest)
    tables.declared(manifest)
    engine = _engine(settings)
    processor = Processor(manifest, engine, settings, _application_context(manifest))
    if arguments.action == "replay":
        return _told(processor.replay(arguments.id))

    async def work(stop: asyncio.Event) -> None:
        broker = await _connect(settings, stop)
        if broker is None:
            return
        processor.system = broker.system
        inbox = Inbox(manifest, engine, processor, broker, settings)
        beside = (
            gauges.keep_observed(engine, settings, "inbox"),
            telemetry.watch_event_loop(),
            cleanup.keep_clean(engine, settings, cleanup.inbox_batch),
        )
        await _with(beside, inbox.run(stop), broker)

    _run(work)
    return 0


def _told(results: Mapping[str, str]) -> int:
    """Print what became of dead letters; 1 where any failed again."""
    from chassis.handlers import APPLIED, STALE

    failed = {name: text for name, text in results.items() if text not in (APPLIED, STALE)}
    print(f"{len(results) - len(failed)} applied")
    for name, text in failed.items():
        print(f"{name} failed again: {text}", file=sys.stderr)
    return 1 if failed else 0


def _outbox(arguments: argparse.Namespace, _: Manifest, settings: Settings) -> None:
    from chassis import delivery
    from chassis.schema import outbox, outbox_dead_letter, outbox_delivery

    if arguments.action == "show":
        about = (outbox.c.id, outbox.c.type, outbox.c.subject, outbox.c.aggregateid)
        queue, letter = outbox_delivery.c, outbox_dead_letter.c
        waiting = (queue.sequence, queue.attempts, queue.reason, queue.next_attempt_at)
        query = sa.select(sa.literal("pending").label("state"), *about, *waiting)
        _show(settings, query.join(outbox, outbox.c.id == queue.id).limit(_SHOWN))
        dead = (letter.sequence, letter.attempts, letter.reason, letter.dead_at)
        query = sa.select(sa.literal("dead").label("state"), *about, *dead)
        return _show(settings, query.join(outbox, outbox.c.id == letter.id).limit(_SHOWN))
    try:
        identities = [uuid.UUID(text) for text in arguments.id]
    except ValueError as error:
        raise LookupError(f"an id of a message is a UUID: {error}") from error
    with _engine(settings).begin() as connection:
        print(f"{delivery.replay(connection, identities)} pending again")
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
    options: dict[str, Any] = {}
    if settings.direct_url and settings.database_url.startswith("postgresql"):
        # A prepared statement stays in one session of the database, and a pooler gives us another.
        options["connect_args"] = {"prepare_threshold": None}
    return sa.create_engine(settings.database_url, pool_size=3, **options)


def _application_context(manifest: Manifest) -> Callable[[], AbstractContextManager[object]] | None:
    """Served functions may use the application's configuration: run them in its context."""
    if not (manifest.serves_events and manifest.factory):
        return None
    module, _, name = manifest.factory.partition(":")
    made = getattr(importlib.import_module(module), name or "app")
    application = made if hasattr(made, "app_context") else made()
    context: Callable[[], AbstractContextManager[object]] = application.app_context
    return context


async def _connect(
    settings: Settings, stop: asyncio.Event, failed: Callable[[Exception], None] | None = None
) -> Broker | None:
    """The broker, once it is there; None when stopped before."""
    from chassis import brokers

    attempt = 0
    while not stop.is_set():
        try:
            return await brokers.connect(settings)
        except brokers.BrokerUnavailable as error:
            attempt += 1
            if failed is not None:
                failed(error)
            print(f"waiting for the broker: {error}", file=sys.stderr)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(settings.backoff(attempt), 2.0))
    return None


async def _with(
    beside: Iterable[Coroutine[Any, Any, None]],
    main: Coroutine[Any, Any, object],
    broker: Broker | None = None,
) -> None:
    """Run `main` with helpers beside it, and close the broker after it."""
    tasks = [asyncio.create_task(work) for work in beside]
    try:
        await main
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if broker is not None:
            await broker.close()


def _run(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run `work` until a signal comes; on uvloop where it is installed."""
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ImportError):
        make = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(_until_signal(work))


async def _until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # What was imported stays: else the collector walks through all of it every so often, and the
    # messages of that moment are late by tens of milliseconds.
    gc.collect()
    gc.freeze()
    await work(stop)


if __name__ == "__main__":
    sys.exit(main())
