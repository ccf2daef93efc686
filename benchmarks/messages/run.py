"""Messages a second from outbox to applied effect, and the time from commit to effect at half load.

    python benchmarks/messages/run.py [--messages 20000] [--backlog 1000000] [--seconds 10]

One PostgreSQL, one NATS server and one run for all. Everyone finds the same rows committed (each
one aggregate, 200 bytes of note) and is timed until each is applied to `orders` of the other
database, in processes of its own: our real ``python -m chassis relay`` and ``inbox`` with their
telemetry; `faststream-outbox` applying in place, with no broker between; a naive relay and inbox,
one message a transaction. Beside them, without any broker, a loop over the same rows: insert,
select, delete; once each row in transactions of its own, once row by row with a commit each 500,
and once with three statements for 500 rows, as the relay works.
Latency is between the two commits by PostgreSQL's own clock (`track_commit_timestamp`), while a
producer commits one message a transaction: the median of three rounds.
Needs: pip install faststream-outbox asyncpg.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "templates" / "chassis"), str(HERE)]

import loops  # noqa: E402
from chassis import outbox, schema  # noqa: E402
from rows import CALL, CHANGE, FILL, NOTE, TRACED  # noqa: E402
from shop.models import Applied, Order  # noqa: E402

from migrator.run.servers import EmbeddedNats, EmbeddedPostgres  # noqa: E402

LOOP = "loop, one row a transaction"
ROUNDS = 3
MANIFESTS = {
    "orders": '[service]\nname = "orders"\npackage = "shop"\nmodels = ["shop.models"]\n'
    '[tables]\nowned = ["orders"]\npublished = ["orders"]\n',
    "billing": '[service]\nname = "billing"\npackage = "shop"\nmodels = ["shop.models"]\n'
    '[tables]\nowned = ["applied"]\nreplicas = {orders = "orders"}\n'
    '[serves]\nevents = ["shop.handlers:apply"]\n',
}


@dataclass
class Place:
    """The servers, and two databases that are made anew for each contender."""

    server: EmbeddedPostgres
    nats: str
    folder: Path
    number: int = 0

    def fresh(self) -> tuple[str, str]:
        """URLs of a producer's and a consumer's database, with all tables."""
        self.number += 1
        urls = [self.server.create_database(f"{s}_{self.number}") for s in ("orders", "billing")]
        for url, replica in zip(urls, (False, True), strict=True):
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                schema.upgrade(Operations(MigrationContext.configure(connection)))
                Order.metadata.create_all(connection, [Order.__table__, Applied.__table__])
                if replica:
                    column = "ALTER TABLE orders ADD replica_version BIGINT NOT NULL DEFAULT 0"
                    connection.execute(sa.text(column))
                connection.execute(
                    sa.text("CREATE TABLE naive_outbox (id BIGSERIAL PRIMARY KEY, payload JSONB)")
                )
                connection.execute(sa.text("CREATE TABLE naive_inbox (id TEXT PRIMARY KEY)"))
            engine.dispose()
        return urls[0], urls[1]


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def processes(
    place: Place, commands: Sequence[tuple[Sequence[str], dict[str, str]]]
) -> Iterator[None]:
    """Run the commands until left."""
    started = []
    log = (place.folder / f"log-{place.number}").open("ab")
    path = os.pathsep.join(sys.path[:3])
    try:
        for argv, environment in commands:
            own = os.environ | {"PYTHONPATH": path, "LOG_LEVEL": "WARNING"} | environment
            started.append(subprocess.Popen(argv, env=own, stdout=log, stderr=log))
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
        log.close()


def ours(place: Place, producer: str, consumer: str) -> list[tuple[Sequence[str], dict[str, str]]]:
    commands = []
    for name, role, url in (("orders", "relay", producer), ("billing", "inbox", consumer)):
        manifest = place.folder / f"{name}.toml"
        manifest.write_text(MANIFESTS[name])
        environment = {
            "DATABASE_URL": url,
            "BROKER_URL": place.nats,
            "CHASSIS_MANIFEST": str(manifest),
            "CHASSIS_NAMESPACE": f"bench{place.number}",
        }
        commands.append(([sys.executable, "-m", "chassis", role], environment))
    return commands


def peer(name: str, *arguments: str) -> tuple[Sequence[str], dict[str, str]]:
    return [sys.executable, str(HERE / "peers.py"), name, *arguments], {}


def wait(url: str, table: str, rows: int, first: int = 1, seconds: float = 900) -> float:
    """Seconds from the `first` row to the last: the start of processes is not measured."""
    began, deadline = None, time.monotonic() + seconds
    with psycopg.connect(plain(url), autocommit=True) as connection:
        while (found := count(connection, table)) < rows:
            if began is None and found >= first:
                began, first = time.monotonic(), found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{found} of {rows} after {seconds:g} s")
            time.sleep(0.02)
    if began is None:
        return 0.0
    return (time.monotonic() - began) * rows / (rows - first)


def fill_ours(producer: str, kind: dict[str, str], messages: int) -> None:
    with psycopg.connect(plain(producer), autocommit=True) as connection:
        connection.execute(FILL.format(count=messages, **kind).encode())
        connection.execute(b"ANALYZE")


def measure_ours(place: Place, kind: dict[str, str], table: str, messages: int) -> float:
    producer, consumer = place.fresh()
    fill_ours(producer, kind, messages)
    with processes(place, ours(place, producer, consumer)):
        return messages / wait(consumer, table, messages)


def measure_relay(place: Place, messages: int, kind: dict[str, str] = CHANGE) -> float:
    """The outbox to NATS alone: until the queue is empty."""
    producer, consumer = place.fresh()
    fill_ours(producer, kind, messages)
    with processes(place, ours(place, producer, consumer)[:1]):
        with psycopg.connect(plain(producer), autocommit=True) as connection:
            while (left := count(connection, "outbox_delivery")) == messages:
                time.sleep(0.005)
            began = time.monotonic()
            while count(connection, "outbox_delivery"):
                # To count a million rows takes a core for a while, and there are two.
                time.sleep(max(0.01, messages / 1_000_000))
        return left / (time.monotonic() - began)


def peer_url(url: str) -> str:
    return url.replace("+psycopg", "+asyncpg")


async def fill_peer(producer: str, first: int, messages: int) -> None:
    from faststream_outbox import OutboxBroker, make_outbox_table
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine(peer_url(producer))
    metadata = sa.MetaData()
    broker = OutboxBroker(
        engine, outbox_table=make_outbox_table(metadata, table_name="peer_outbox"), logger=None
    )
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    for start in range(first, first + messages, 200):
        async with AsyncSession(engine) as session, session.begin():
            for number in range(start, min(start + 200, first + messages)):
                await broker.publish({"id": number, "note": NOTE}, queue="orders", session=session)
    await engine.dispose()


def measure_peer(place: Place, name: str, table: str, messages: int) -> float:
    producer, consumer = place.fresh()
    asyncio.run(fill_peer(producer, 1, messages))
    command = peer(name, peer_url(producer), peer_url(consumer))
    with processes(place, [command]):
        return messages / wait(consumer, table, messages)


def naive(place: Place, producer: str, consumer: str) -> list[tuple[Sequence[str], dict[str, str]]]:
    # A stream for each: ids are numbers, and the server drops what it has seen.
    stream = f"naive{place.number}"
    return [
        peer("naive-relay", plain(producer), place.nats, stream),
        peer("naive-inbox", plain(consumer), place.nats, stream),
    ]


def measure_naive(place: Place, messages: int) -> float:
    producer, consumer = place.fresh()
    with psycopg.connect(plain(producer), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO naive_outbox (payload) SELECT jsonb_build_object('id', i,"
            " 'note', %s::text) FROM generate_series(1, %s::int) AS i",
            (NOTE, messages),
        )
    with processes(place, naive(place, producer, consumer)):
        return messages / wait(consumer, "orders", messages)


def measure_loop(place: Place, loop: Callable[..., float], *given: int) -> float:
    producer, _ = place.fresh()
    return loop(plain(producer), *given)


def produce(producer: str, rate: float, seconds: float) -> int:
    """Commit one order with its message a transaction, at `rate`; how many."""
    engine = sa.create_engine(producer)
    began, number = time.monotonic(), 0
    with engine.connect() as connection:
        while (now := time.monotonic() - began) < seconds:
            if number >= now * rate:
                time.sleep(0.0005)
                continue
            number += 1
            data = {"table": "orders", "values": {"id": number, "note": NOTE}}
            message = outbox.Message(
                "events.orders.orders", "orders", str(number), "upserted", data
            )
            connection.execute(sa.insert(Order.__table__), {"id": number, "note": NOTE})
            outbox.append(connection, [message], source="orders")
            connection.commit()
    engine.dispose()
    return number


def produce_naive(producer: str, rate: float, seconds: float) -> int:
    """The same for the naive relay."""
    began, number = time.monotonic(), 0
    with psycopg.connect(plain(producer)) as connection:
        while (now := time.monotonic() - began) < seconds:
            if number >= now * rate:
                time.sleep(0.0005)
                continue
            number += 1
            connection.execute("INSERT INTO orders VALUES (%s, %s)", (number, NOTE))
            connection.execute(
                "INSERT INTO naive_outbox (payload) VALUES (jsonb_build_object('id', %s::int,"
                " 'note', %s::text))",
                (number, NOTE),
            )
            connection.commit()
    return number


async def produce_peer(producer: str, rate: float, seconds: float) -> int:
    """The same for faststream-outbox."""
    from faststream_outbox import OutboxBroker, make_outbox_table
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine(peer_url(producer))
    table = make_outbox_table(sa.MetaData(), table_name="peer_outbox")
    broker = OutboxBroker(engine, outbox_table=table, logger=None)
    began, number = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        if number >= now * rate:
            await asyncio.sleep(0.0005)
            continue
        number += 1
        async with AsyncSession(engine) as session, session.begin():
            await session.execute(sa.insert(Order.__table__), {"id": number, "note": NOTE})
            await broker.publish({"id": number, "note": NOTE}, queue="orders", session=session)
    await engine.dispose()
    return number


def latency(place: Place, who: str, rate: float, seconds: float) -> tuple[float, float]:
    """p50 and p99, in milliseconds, from the commit of the order to that of its copy."""
    producer, consumer = place.fresh()
    commands = {
        "chassis": lambda: ours(place, producer, consumer),
        "naive": lambda: naive(place, producer, consumer),
        "faststream-outbox": lambda: [
            peer("faststream-outbox", peer_url(producer), peer_url(consumer))
        ],
    }[who]()
    if who == "faststream-outbox":
        asyncio.run(fill_peer(producer, 1, 0))
    with processes(place, commands):
        time.sleep(6)
        if who == "chassis":
            number = produce(producer, rate, seconds)
        elif who == "naive":
            number = produce_naive(producer, rate, seconds)
        else:
            number = asyncio.run(produce_peer(producer, rate, seconds))
        wait(consumer, "orders", number)
    stamps = b"SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM orders"
    with psycopg.connect(plain(producer)) as one, psycopg.connect(plain(consumer)) as other:
        committed = dict(one.execute(stamps).fetchall())
        applied = dict(other.execute(stamps).fetchall())
    # The first second fills caches and prepares statements.
    first = min(rate, number / 4)
    late = sorted(float(applied[n] - committed[n]) * 1000 for n in committed if n > first)
    return late[len(late) // 2], late[int(len(late) * 0.99)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--backlog", type=int, default=0, help="only drain so many rows")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = EmbeddedPostgres(folder / "postgres")
        with server:
            server._run("ALTER SYSTEM SET track_commit_timestamp = on")
        stack.enter_context(server)
        nats = stack.enter_context(EmbeddedNats(folder / "nats"))
        place = Place(server, nats.url, folder)
        if given.backlog:
            for messages in (1_000, 10_000, given.backlog):
                rate = measure_relay(place, messages)
                print(f"relay, backlog of {messages:9}: {rate:9.0f} messages/s", flush=True)
            return
        some, few = given.messages, given.messages // 4
        measures: dict[str, Callable[[], float]] = {
            LOOP: lambda: measure_loop(place, loops.batches, few, 1),
            "loop, row by row, commit each 500": lambda: loops.row_by_row(
                plain(place.fresh()[0]), few
            ),
            "loop, 500 rows a transaction": lambda: loops.batches(
                plain(place.fresh()[0]), some, 500
            ),
            "chassis, relay alone": lambda: measure_relay(place, some),
            "chassis, relay alone, traced": lambda: measure_relay(
                place, some, CHANGE | {"traceparent": TRACED}
            ),
            "chassis, changes": lambda: measure_ours(place, CHANGE, "orders", some),
            "chassis, calls": lambda: measure_ours(place, CALL, "applied", few),
            "faststream-outbox": lambda: measure_peer(place, "faststream-outbox", "orders", few),
            "faststream-outbox, calls": lambda: measure_peer(
                place, "faststream-outbox-session", "applied", few
            ),
            "naive relay and inbox": lambda: measure_naive(place, few),
        }
        rates: dict[str, float] = {}
        for name, measure in measures.items():
            rates[name] = measure()
            share = rates[name] / rates[LOOP]
            print(f"{name:33} {rates[name]:9.0f} messages/s  {share:6.2f} x loop", flush=True)
        whose = {
            "chassis": "chassis, changes",
            "faststream-outbox": "faststream-outbox",
            "naive": "naive relay and inbox",
        }
        slowest = min(rates[name] for name in whose.values())
        # All at half of what the slowest bears, in turn, for the disk has moods; then the others at
        # half of their own, as far as a producer beside them gets.
        found: dict[tuple[str, float], list[tuple[float, float]]] = {}
        loads = [(who, slowest) for who in whose] * ROUNDS
        loads += [(w, min(rates[r], 2 * slowest)) for w, r in whose.items() if rates[r] > slowest]
        for who, rate in loads:
            late = latency(place, who, rate / 2, given.seconds)
            found.setdefault((who, rate / 2), []).append(late)
        for (who, rate), late in found.items():
            half, most = (statistics.median(part) for part in zip(*late, strict=True))
            print(f"{who:33} p50 {half:7.1f} ms  p99 {most:7.1f} ms  at {rate:.0f} messages/s")


if __name__ == "__main__":
    main()
