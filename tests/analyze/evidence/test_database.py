"""Live databases as evidence: PostgreSQL, SQLite and MariaDB, read and never written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from support.graphs import SAMPLE, sample

from migrator.analyze.evidence import database
from migrator.analyze.evidence.compare import with_database
from migrator.analyze.evidence.database import LiveSchema, read_database
from migrator.model.errors import MigratorError
from migrator.model.graph import Access, Column, ForeignKey, Graph, Table

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL, nickname VARCHAR(40));
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL,
  FOREIGN KEY (user_id) REFERENCES users (id));
CREATE TABLE legacy_prices (sku VARCHAR(20) PRIMARY KEY, cents INTEGER);
INSERT INTO users VALUES (1, 'a@x', NULL), (2, 'b@x', 'bee');
INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2);
"""


def code() -> Graph:
    """A monolith that declares `users`, `orders` and `invoices`, and touches but `users`."""

    def table(name: str, line: int, *columns: str) -> Table:
        made = tuple(Column(c, "Integer()") for c in columns)
        return Table(name, None, made, "shop/models.py", line, "orm", f"shop.models:{name}")

    return Graph(
        root="shop",
        tables=(
            table("users", 3, "id", "email", "password"),
            table("orders", 9, "id", "user_id"),
            table("invoices", 20, "id"),
        ),
        foreign_keys=(
            ForeignKey("orders", "invoices", ("invoice_id",), ("id",), "shop/models.py", 12),
        ),
        accesses=(Access("shop.app:f", "users", "read", "shop/app.py", 4, "orm", "certain"),),
    )


def make(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/shop.db"
    make(url)
    return url


@pytest.fixture(scope="module")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MariaDB of this worker's own, reached by its socket alone: no port to clash."""
    server, installer = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if not server or not installer:
        pytest.skip("needs Debian's mariadb-server")
    folder = tmp_path_factory.mktemp("mariadb")
    user = f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', 'mysql')}"
    data = f"--datadir={folder}/data"
    subprocess.run(
        [installer, "--no-defaults", data, user, "--auth-root-authentication-method=normal",
         "--skip-test-db"],
        check=True, capture_output=True,
    )  # fmt: skip
    socket = f"{folder}/s"
    process = subprocess.Popen(
        [server, "--no-defaults", data, user, f"--socket={socket}", "--skip-networking",
         f"--pid-file={folder}/pid"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not Path(socket).exists():
            assert process.poll() is None and time.monotonic() < deadline, "MariaDB did not start"
            time.sleep(0.1)
        root = create_engine(f"mysql+pymysql://root@localhost/mysql?unix_socket={socket}")
        with root.begin() as connection:
            connection.execute(text("CREATE DATABASE shop"))
        root.dispose()
        url = f"mysql+pymysql://root@localhost/shop?unix_socket={socket}"
        make(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def differences(graph: Graph) -> set[tuple[str, str]]:
    return {(d.kind, d.subject) for d in graph.discrepancies}


def check(live: LiveSchema) -> None:
    """What every database must show of `SCHEMA` against `code()`."""
    assert [t.name for t in live.tables] == ["legacy_prices", "orders", "users"]
    graph = with_database(code(), live)
    tables = {t.id: t for t in graph.tables}
    assert (tables["users"].rows, tables["orders"].rows) == (2, 3)
    assert tables["users"].source == "orm"
    assert tables["users"].path == "shop/models.py"
    assert tables["legacy_prices"].source == "database"
    assert [c.name for c in tables["legacy_prices"].columns] == ["sku", "cents"]
    assert tables["legacy_prices"].columns[0].primary_key
    assert [(k.source, k.target) for k in graph.foreign_keys if k.known_from == "database"] == [
        ("orders", "users")
    ]
    assert differences(graph) == {
        ("table_without_code", "legacy_prices"),
        ("table_not_in_database", "invoices"),
        ("table_not_touched", "orders"),
        ("column_without_code", "users.nickname"),
        ("column_not_in_database", "users.password"),
        ("foreign_key_without_code", "orders"),
        ("foreign_key_not_in_database", "orders"),
    }


def test_sqlite(sqlite_url: str) -> None:
    check(read_database(sqlite_url))


def test_postgresql(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://", 1)
    make(url)
    check(read_database(postgres_url))
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("INSERT INTO users SELECT n, 'x', NULL FROM generate_series(3, 500) n")
        )
        connection.execute(text("ANALYZE"))
    engine.dispose()
    assert {t.name: t.rows for t in read_database(postgres_url).tables}["users"] == 500


def test_mariadb(mariadb_url: str) -> None:
    check(read_database(mariadb_url))


def test_schemas_of_postgresql_are_part_of_the_names(postgres_url: str) -> None:
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA billing"))
        connection.execute(text("CREATE TABLE users (id int PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE billing.bills (id int, u int REFERENCES users (id))"))
        connection.execute(text("CREATE TABLE days (d date NOT NULL) PARTITION BY RANGE (d)"))
        connection.execute(
            text(
                "CREATE TABLE days_1 PARTITION OF days "
                "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
            )
        )
    engine.dispose()
    live = read_database(postgres_url)
    assert {t.id for t in live.tables} == {"users", "billing.bills", "days"}
    assert [(k.source, k.target) for k in live.foreign_keys] == [("billing.bills", "users")]


@pytest.mark.parametrize("which", ["sqlite_url", "postgres_url", "mariadb_url"])
def test_the_connection_cannot_write(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing where the schema is read is refused by the database itself."""
    url = request.getfixturevalue(which)

    def writing(connection: object, _: Callable[[str], None]) -> LiveSchema:
        connection.execute(text("CREATE TABLE harm (id INTEGER)"))  # type: ignore[attr-defined]
        raise AssertionError("it was written")

    monkeypatch.setattr(database, "_schema", writing)
    with pytest.raises(MigratorError, match=r"(?i)read.?only"):
        read_database(url)


def test_the_sample_as_its_own_metadata_makes_it(tmp_path: Path) -> None:
    """Metadata, analysis and database agree: nothing is added and nothing missing."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    script = (
        "from jobmarket.db import Base; from sqlalchemy import create_engine; import sys; "
        "from jobmarket.app import create_app; create_app(); "
        "Base.metadata.create_all(create_engine(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, url], cwd=SAMPLE, check=True)
    graph = with_database(sample(), read_database(url))
    assert len(graph.tables) == len(sample().tables)
    assert len(graph.foreign_keys) == len(sample().foreign_keys)
    assert {d.kind for d in graph.discrepancies} <= {"table_not_touched"}


def test_what_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 40)
    for url, told in [
        ("nonsense", "not a database URL"),
        ("oracle://x/y", "oracle is not supported"),
        (f"sqlite:///{tmp_path}/none.db", "no such database file"),
        (f"sqlite:///{tmp_path}/text.db", "not a database"),
        ("postgresql://me:secret@127.0.0.1:1/x", "127.0.0.1"),
    ]:
        with pytest.raises(MigratorError, match=told) as caught:
            read_database(url)
        assert "secret" not in str(caught.value)
    assert not (tmp_path / "none.db").exists()


def test_a_sqlite_file_is_untouched(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    read_database(sqlite_url)
    assert path.read_bytes() == before
    assert sqlite3.connect(path).execute("SELECT count(*) FROM users").fetchone() == (2,)
