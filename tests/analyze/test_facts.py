"""Facts of any bytes at all, the store that keeps them, and what a tree may hold."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import migrator.analyze.pipeline as pipeline
from migrator.analyze.facts.extract import extract
from migrator.analyze.facts.read import facts_of
from migrator.analyze.facts.store import Store
from migrator.analyze.pipeline import analyze

SOURCE = Path(pipeline.__file__).read_bytes()


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_give_facts_or_trouble(source: bytes) -> None:
    facts = facts_of(source)
    assert facts == facts_of(source)
    assert facts.trouble is None or facts.trouble[1]
    assert facts.interface.lines >= 0


@given(st.integers(0, len(SOURCE) - 1), st.integers(0, 40), st.binary(max_size=6))
@settings(max_examples=60, deadline=None)
def test_mutated_files_give_facts_or_trouble(at: int, cut: int, put: bytes) -> None:
    facts = facts_of(SOURCE[:at] + put + SOURCE[at + cut :])
    assert facts.trouble is not None or facts.interface.definitions


def test_what_stands_in_a_tree_never_stops_the_rest(tmp_path: Path) -> None:
    (tmp_path / "bom.py").write_bytes(b"\xef\xbb\xbfdef bom(): pass\n")
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\n")
    (tmp_path / "mac.py").write_bytes(b"def a(): pass\rdef b(): pass\r")
    (tmp_path / "größe.py").write_text("def 名前(): pass\n", "utf-8")
    (tmp_path / "deep.py").write_text("x = " + "(" * 5000 + ")" * 5000)
    (tmp_path / "long.py").write_text("x = " + " + ".join(["a"] * 20_000) + "\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\x00\n")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    graph = analyze(tmp_path, workers=1)
    names = {d.id.rpartition(":")[2] for d in graph.definitions}
    assert {"bom", "name", "a", "b", "名前"} <= names
    assert {"deep.py", "null.py", "gone.py", "pipe.py"} <= {u.path for u in graph.unresolved}


def test_fifty_thousand_lines_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "huge.py").write_text("def f():\n    return g(1)\n" * 25_000)
    assert analyze(tmp_path).stats["lines"] == 50_000


def test_store_gives_back_what_was_put(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\n")
    store = Store(tmp_path / "cache")
    [first] = extract([tmp_path / "a.py"], store=store)
    assert store.get([first.key]) == {first.key: first}
    assert extract([tmp_path / "a.py"], store=store) == [first]


def test_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\n")
    store = Store(tmp_path / "cache")
    [first] = extract([tmp_path / "a.py"], store=store)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE facts SET interface = x'00ff'")
    connection.close()
    assert store.get([first.key]) == {}
    assert extract([tmp_path / "a.py"], store=store) == [first]
    assert store.get([first.key]) == {first.key: first}


def test_a_damaged_file_is_started_afresh(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\n")
    store = Store(tmp_path / "cache")
    [first] = extract([tmp_path / "a.py"], store=store)
    store.path.write_bytes(b"no database at all" * 500)
    assert extract([tmp_path / "a.py"], store=store) == [first]
    extract([tmp_path / "a.py"], store=store)
    assert store.get([first.key]) == {first.key: first}


def test_a_repository_reads_the_table_of_its_model(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session\n"
        "class Base(DeclarativeBase): pass\n"
        "class User(Base):\n"
        "    __tablename__ = 'users'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "class Repository:\n"
        "    model = None\n"
        "    def __init__(self, session: Session): self.session = session\n"
        "    def find(self, id): return self.session.get(self.model, id)\n"
        "class Users(Repository):\n"
        "    model = User\n"
        "class Service:\n"
        "    def __init__(self, users: Users): self.users = users\n"
        "    def show(self, id): return self.users.find(id)\n"
    )
    graph = analyze(tmp_path)
    assert ("app:Users", "users", "read") in {
        (a.definition, a.table, a.mode) for a in graph.accesses
    }
    assert ("app:Service", "app:Repository") in {
        (d.source, d.target) for d in graph.dependencies if d.kind == "calls"
    }
