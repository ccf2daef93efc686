"""The same tree gives the same bytes, whoever reads it, in whatever order, with whatever cache."""

from __future__ import annotations

import importlib
import os
import random
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from migrator.analyze import interpret
from migrator.analyze.code_version import code_version
from migrator.analyze.facts import extract
from migrator.analyze.frameworks import registry
from migrator.analyze.pipeline import analyze
from migrator.analyze.settings import Settings
from migrator.model.graph_file import dump_graph

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
CIRCLES = {
    "models.py": """
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        class Base(DeclarativeBase): pass
        class A(Base):
            __tablename__ = "a"
            id: Mapped[int] = mapped_column(primary_key=True)
            @property
            def name(self): return 1
            @name.setter
            def name(self, value): self.id = value
        class B(Base):
            __tablename__ = "b"
            id: Mapped[int] = mapped_column(primary_key=True)
    """,
    "one.py": """
        from models import A
        import two
        def first(session, n): return two.second(session, n - 1) if n else session.get(A, 1)
        def ask(session): return first(session, 3).id
        class Node:
            model = A
            def find(self, session): return self.again(session, self.model)
            def again(self, session, model): return session.get(model, 1) or self.find(session)
    """,
    "two.py": """
        from models import B
        import one
        def second(session, n): return one.first(session, n - 1) if n else session.get(B, 1)
        def ask(session): second(session, 3).id = 5
        class Leaf(one.Node):
            model = B
        def use(session):
            Leaf().find(session).id = 3
            one.Node().find(session)
    """,
}


def written(folder: Path, files: dict[str, str]) -> Path:
    from textwrap import dedent

    for name, text in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    return folder


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small trees are shared out over processes too."""
    monkeypatch.setattr(interpret, "_ALONE_LINES", 0)
    monkeypatch.setattr(extract, "_ALONE_BYTES", 0)
    monkeypatch.setattr(extract, "_CHUNK_BYTES", 3_000)


@pytest.mark.usefixtures("split")
@pytest.mark.parametrize("tree", ["sample", "circles"])
def test_one_process_and_several_agree(tree: str, tmp_path: Path) -> None:
    root = SAMPLE if tree == "sample" else written(tmp_path, CIRCLES)
    alone = dump_graph(analyze(root, workers=1))
    assert dump_graph(analyze(root, workers=2)) == alone
    assert dump_graph(analyze(root, workers=5)) == alone


def test_the_order_of_modules_changes_no_access(tmp_path: Path) -> None:
    """Names decide in which order modules are interpreted; what they do stays the same."""
    later = {f"z{name}": text for name, text in CIRCLES.items() if name == "one.py"}
    swapped = {n: t.replace("one", "zone") for n, t in (CIRCLES | later).items() if n != "one.py"}
    found = [
        sorted((a.definition.replace("zone", "one"), a.table, a.mode, a.line) for a in g.accesses)
        for g in (
            analyze(written(tmp_path / "x", CIRCLES)),
            analyze(written(tmp_path / "y", swapped)),
        )
    ]
    assert found[0] == found[1]
    assert ("models:A", "a", "update", 10) in found[0]  # the setter beside the getter of its name


def test_the_hash_seed_does_not_matter(tmp_path: Path) -> None:
    root = written(tmp_path, CIRCLES)
    program = (
        "import sys; from pathlib import Path; from migrator.analyze.pipeline import analyze; "
        "from migrator.model.graph_file import dump_graph; "
        "sys.stdout.write(dump_graph(analyze(Path(sys.argv[1]))))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program, str(tree)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for tree in (root, SAMPLE)
        for seed in ("1", "2")
    }
    assert len(texts) == 2


def test_what_is_kept_is_the_same_and_only_for_the_same_tree(tmp_path: Path) -> None:
    """Random edits: from the cache comes what comes without one."""
    root = written(tmp_path / "tree", CIRCLES)
    cache = tmp_path / "cache"
    chance = random.Random(4)
    for _ in range(12):
        file = root / chance.choice(sorted(CIRCLES))
        lines = file.read_text().splitlines()
        match chance.randrange(4):
            case 0:
                lines.insert(0, "# one line more")
            case 1:
                lines.append("def added(session): return session.get(A, 2)")
            case 2 if len(lines) > 4:
                lines = lines[:-1]
            case _:
                lines[-1] = lines[-1].replace("3", "4")
        file.write_text("\n".join(lines) + "\n")
        fresh = dump_graph(analyze(root))
        assert dump_graph(analyze(root, cache=cache)) == fresh
        assert dump_graph(analyze(root, cache=cache)) == fresh  # the kept one
    file.rename(root / "renamed.py")
    assert dump_graph(analyze(root, cache=cache)) == dump_graph(analyze(root))


def test_a_damaged_kept_graph_is_passed_over(tmp_path: Path) -> None:
    root = written(tmp_path / "tree", CIRCLES)
    cache = tmp_path / "cache"
    right = dump_graph(analyze(root, cache=cache))
    kept = cache / "graph.bin"
    whole = kept.read_bytes()
    for damaged in (b"", whole[:20], whole[:-7], whole[:-9] + b"12345" + whole[-4:], b"x" * 90):
        kept.write_bytes(damaged)
        assert dump_graph(analyze(root, cache=cache)) == right
        assert kept.read_bytes() == whole


def test_settings_and_plugins_name_the_kept_graph(tmp_path: Path) -> None:
    root = written(tmp_path / "tree", CIRCLES)
    cache = tmp_path / "cache"
    assert analyze(root, cache=cache).tables
    assert not analyze(root, cache=cache, settings=Settings(frameworks=("flask",))).tables
    left_out = Settings(exclude=("two.py",))
    assert len(analyze(root, cache=cache, settings=left_out).modules) == 2
    assert len(analyze(root, cache=cache).modules) == 3


PLUGIN = """
from migrator.analyze.frameworks.protocol import Framework
from acme_plugin.tables import NAME
from migrator.model.graph import Table
class Acme(Framework):
    name = "acme"
    def declare(self, project, schema):
        schema.add_table(Table(NAME, None, (), "", 0, "library"))
"""


def test_any_file_of_a_plugins_package_names_the_kept_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "site"
    root = written(tmp_path / "tree", CIRCLES)
    cache = tmp_path / "cache"

    def tables(name: str) -> set[str]:
        tables_py = {"__init__.py": "", "plugin.py": PLUGIN, "tables.py": f"NAME = {name!r}\n"}
        written(home / "acme_plugin", tables_py)
        for module in [m for m in sys.modules if m.partition(".")[0] == "acme_plugin"]:
            monkeypatch.delitem(sys.modules, module)
        importlib.invalidate_caches()
        code_version.cache_clear()
        point = EntryPoint("acme", "acme_plugin.plugin:Acme", registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
        return {t.id for t in analyze(root, cache=cache).tables}

    monkeypatch.syspath_prepend(home)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert "first" in tables("first")
    assert "another" in tables("another")


def test_code_is_named_by_its_content(tmp_path: Path) -> None:
    def version() -> str:
        code_version.cache_clear()
        return code_version(tmp_path)

    seen = {version()}
    for name, text in (
        ("a.py", "x = 1"),
        ("a.py", "x = 2"),
        ("b.py", "x = 2"),
        ("b.txt", "no code"),
    ):
        (tmp_path / name).write_text(text)
        seen.add(version())
    assert len(seen) == 4
