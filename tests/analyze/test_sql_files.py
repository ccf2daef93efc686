"""SQL beside the code and in strings: the tables that it makes, and who runs it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.analyze.frameworks.sql.ddl import Declared, statements
from migrator.analyze.frameworks.sql.files import UnnamedFile, file_named
from migrator.analyze.pipeline import analyze
from migrator.model.graph import Graph

SCHEMA = """
-- the shop; its tables
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE orders (
    id BIGINT, user_id INTEGER REFERENCES users ON DELETE CASCADE, note TEXT DEFAULT 'a;b',
    PRIMARY KEY (id)
);
CREATE TABLE old (id INT);
DROP TABLE old;
ALTER TABLE orders ADD COLUMN total NUMERIC(10, 2);
CREATE TEMP TABLE scratch (id INT);
"""
WORK = """
from pathlib import Path

PURGE = "sql/purge.sql"

def setup(cursor):
    cursor.execute((Path(__file__).parent / "schema.sql").read_text())

def purge(cursor):
    cursor.execute(open(PURGE).read())

def any_of(cursor, name):
    cursor.execute(open(f"sql/{name}.sql").read())

def export(cursor):
    Path("dump.sql").write_text("")

def names(cursor):
    cursor.execute("SELECT name FROM users")
"""


def graph_of(root: Path, **files: str) -> Graph:
    for name, source in files.items():
        path = root / name.replace("__", "/").replace("_sql", ".sql").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return analyze(root)


def shop(root: Path, **files: str) -> Graph:
    purge = "DELETE FROM orders WHERE user_id IN (SELECT id FROM users);\n"
    return graph_of(root, work_py=WORK, schema_sql=SCHEMA, sql__purge_sql=purge, **files)


def test_a_script_makes_tables_and_is_run_by_who_names_it(tmp_path: Path) -> None:
    graph = shop(tmp_path)
    tables = {t.id: t for t in graph.tables}
    assert set(tables) == {"users", "orders"}
    assert {t.source for t in tables.values()} == {"sql"}
    columns = {c.name: c for c in tables["orders"].columns}
    assert {n: c.type for n, c in columns.items()} == {
        "id": "BigInteger()", "user_id": "Integer()", "note": "Text()", "total": "Numeric(10, 2)",
    }  # fmt: skip
    assert columns["id"].primary_key
    assert tables["users"].line == 3
    (key,) = graph.foreign_keys
    assert (key.source, key.columns, key.target, key.referred_columns, key.on_delete) == (
        "orders", ("user_id",), "users", ("id",), "CASCADE",
    )  # fmt: skip
    assert {(a.definition, a.table, a.mode, a.line, a.how) for a in graph.accesses} == {
        ("work:purge", "orders", "delete", 10, "sql"),
        ("work:purge", "users", "read", 10, "sql"),
        ("work:names", "users", "read", 19, "sql"),
    }
    assert [(u.path, u.line, u.what) for u in graph.unresolved] == [
        ("work.py", 13, "file sql/….sql"),
    ]


def test_where_models_declare_tables_a_script_adds_those_that_are_used(tmp_path: Path) -> None:
    model = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    class Base(DeclarativeBase): ...
    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
    """
    graph = shop(tmp_path, models_py=model, other_sql="CREATE TABLE unused (id INT);")
    assert {(t.id, t.source) for t in graph.tables} == {("users", "orm"), ("orders", "sql")}
    assert {u.what for u in graph.unresolved} >= {"table unused", "table orders"}


def test_the_kept_graph_knows_the_scripts(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    shop(root)
    assert {t.id for t in analyze(root, cache=tmp_path / "cache").tables} == {"users", "orders"}
    (root / "more.sql").write_text("CREATE TABLE more (id INT);")
    assert len(analyze(root, cache=tmp_path / "cache").tables) == 3
    (root / "more.sql").write_text("")
    assert len(analyze(root, cache=tmp_path / "cache").tables) == 2
    (root / "sql/purge.sql").write_text("UPDATE users SET name = ''")
    graph = analyze(root, cache=tmp_path / "cache")
    assert {(a.table, a.mode) for a in graph.accesses if a.definition == "work:purge"} == {
        ("users", "update")
    }


def test_tables_that_strings_make(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        store_py='''
        import sqlite3
        SCHEMA = """
        CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT);
        CREATE TABLE tags (note INTEGER REFERENCES notes(id));
        """
        class Store:
            make = "create table extra (id int)"
            def __init__(self, path):
                self.db = sqlite3.connect(path)
                self.db.executescript(SCHEMA)
                self.db.execute("CREATE TABLE log (line TEXT)")
            def add(self, text):
                self.db.execute("INSERT INTO notes (text) VALUES (?)", (text,))
        ''',
    )
    assert {t.id for t in graph.tables} == {"notes", "tags", "extra", "log"}
    assert {(a.table, a.mode) for a in graph.accesses} == {("notes", "insert")}
    assert not graph.unresolved


FILES = dict.fromkeys(["a/q.sql", "b/q.sql", "b/sql/q.sql", "lone.sql"], "")


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("a/work.py", "q.sql", "a/q.sql"),
        ("b/work.py", "./sql/q.sql", "b/sql/q.sql"),
        ("c/work.py", "a/q.sql", "a/q.sql"),
        ("c/work.py", "lone.sql", "lone.sql"),
        ("c/work.py", "none.sql", None),
    ],
)
def test_which_file_is_meant(module: str, name: str, found: str | None) -> None:
    assert file_named(FILES, module, name) == found


@pytest.mark.parametrize("name", ["q.sql", "*.sql", "x/{name}.sql"])
def test_no_file_is_guessed(name: str) -> None:
    with pytest.raises(UnnamedFile):
        file_named(FILES, "c/work.py", name)


def test_what_psql_alone_understands_is_left_out() -> None:
    script = (
        "\\connect shop\nCOPY t (a) FROM stdin;\n1;2\n\\.\n"
        "/* a; */ SELECT ';' ;\nCREATE FUNCTION f() AS $x$ a; b $x$;\n"
    )
    assert [(line, text.split()[0]) for line, text in statements(script)] == [
        (5, "SELECT"), (6, "CREATE"),
    ]  # fmt: skip


@given(st.text(alphabet="abc;'\"`$-/*\n\\ .", max_size=60))
def test_any_text_is_split(text: str) -> None:
    for line, statement in statements(text):
        assert 1 <= line <= text.count("\n") + 1
        assert statement


@given(st.lists(st.sampled_from([*SCHEMA.split(";"), "ALTER TABLE x", "CREATE TABLE"]), max_size=8))
def test_statements_in_any_order_never_stop_it(parts: list[str]) -> None:
    Declared().read("s.sql", ";".join(parts), "postgres")
