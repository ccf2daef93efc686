"""After any edit a warm analysis gives, to the byte, what a cold one gives.

`WARM_EDITS` makes the runs longer (default 8 edits of each tree).
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze import interpret
from migrator.analyze.canonical import NotCanonical, canonical
from migrator.analyze.discover import discover
from migrator.analyze.facts import file_keys
from migrator.analyze.facts import source as sources
from migrator.analyze.facts.file_keys import FileKeys
from migrator.analyze.facts.source import key_of
from migrator.analyze.kept import WrittenGraph
from migrator.analyze.pipeline import analysis, analyze
from migrator.cli.analyze import _write
from migrator.model.errors import MigratorError
from migrator.model.graph_file import dump_graph
from migrator.model.graph_lazy import LazyGraph, to_parts

EDITS = int(os.environ.get("WARM_EDITS", "8"))
SAMPLE = Path(__file__).parents[2] / "sample_monolith"
DJANGO = {
    "shop/settings.py": """
        INSTALLED_APPS = ["shop.items", "shop.sales"]
        ROOT_URLCONF = "shop.urls"
    """,
    "shop/urls.py": """
        from django.urls import path
        from shop.items import views
        urlpatterns = [path("items/", views.listed), path("items/<int:pk>/", views.Shown.as_view())]
    """,
    "shop/items/models.py": """
        from django.db import models
        class Stamped(models.Model):
            made = models.DateTimeField()
            class Meta:
                abstract = True
            def touch(self):
                self.made = 1
                self.save()
        class ItemQuerySet(models.QuerySet):
            def open(self):
                return self.filter(state="open")
        class Item(Stamped):
            name = models.CharField(max_length=9)
            state = models.CharField(max_length=9)
            objects = ItemQuerySet.as_manager()
        class Part(Stamped):
            item = models.ForeignKey(Item, models.CASCADE, related_name="parts")
    """,
    "shop/sales/models.py": """
        from django.db import models
        from shop.items.models import Item, Stamped
        class Sale(Stamped):
            item = models.ForeignKey(Item, models.PROTECT)
            def close(self):
                self.item.state = "sold"
                self.item.save()
                self.touch()
    """,
    "shop/items/views.py": """
        from django.views.generic import DetailView
        from shop.items.models import Item
        from shop.items import services
        def listed(request):
            return services.listing(Item.objects.open())
        class Shown(DetailView):
            model = Item
            def get(self, request, pk):
                return services.sold(self.get_object())
    """,
    "shop/items/services.py": """
        from shop.items.models import Item, Part
        from shop.sales.models import Sale
        def listing(items):
            return [part for item in items for part in item.parts.all()]
        def sold(item):
            sale = Sale.objects.create(item=item)
            sale.close()
            return last()
        def last():
            return Sale.objects.order_by("made").first()
        def cleaned():
            Part.objects.filter(item__state="gone").delete()
    """,
    "shop/sales/signals.py": """
        from django.db import connection
        from django.db.models.signals import post_save
        from django.dispatch import receiver
        from shop.items.services import cleaned
        from shop.sales.models import Sale
        @receiver(post_save, sender=Sale)
        def after(sender, instance, **kwargs):
            cleaned()
            with connection.cursor() as cursor:
                cursor.execute(open("purge.sql").read())
    """,
    "shop/sales/purge.sql": """
        DELETE FROM sales_sale;
        UPDATE items_item SET state = 'gone';
        SELECT name FROM items_item, sales_sale;
    """,
}


def _django(folder: Path) -> None:
    for name, text in DJANGO.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(dedent(text))


def _edited(chance: random.Random, tree: Path) -> None:
    """One random edit, such as people make and such as nobody makes."""
    files = sorted(p for p in tree.rglob("*.*") if p.suffix in (".py", ".sql") and p.stat().st_size)
    file, other = chance.choice(files), chance.choice(files)
    lines = file.read_text().splitlines()
    words = sorted(set(re.findall(r"[A-Za-z_]\w+", other.read_text())))
    at = chance.randrange(len(lines))
    match chance.randrange(9):
        case 0:
            lines.insert(0, "# one line more")
        case 1:
            lines += ["", "def added_later(session):", "    return session.query(Nothing).all()"]
        case 2:
            del lines[at]
        case 3:
            lines.insert(at, lines[chance.randrange(len(lines))])
        case 4 | 5:
            # Another name of the tree instead of one: other calls, bases, imports, attributes.
            found = list(re.finditer(r"[A-Za-z_]\w+", lines[at]))
            if found and words:
                word = chance.choice(found)
                lines[at] = (
                    lines[at][: word.start()] + chance.choice(words) + lines[at][word.end() :]
                )
        case 6:
            lines = [*lines, *other.read_text().splitlines()]
        case 7:
            file.rename(file.with_name(f"moved_{file.name}"))
            return
        case _:
            (file.parent / f"more_{chance.randrange(3)}.py").write_text(other.read_text())
            return
    file.write_text("\n".join(lines) + "\n")


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many modules each run interpreted, and of how many."""
    counted: list[int] = []
    real = interpret._in_shares

    def counting(modules: object, waiting: list[int], *rest: object) -> Iterator[object]:
        counted.append(len(waiting))
        yield from real(modules, waiting, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(interpret, "_in_shares", counting)
    return counted


@pytest.mark.parametrize("kind", ["sample", "django"])
@pytest.mark.parametrize("seed", [1, 2])
def test_warm_is_cold_after_any_edit(kind: str, seed: int, tmp_path: Path) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    if kind == "sample":
        shutil.copytree(SAMPLE, tree, ignore=shutil.ignore_patterns("tests", ".*"))
    else:
        _django(tree)
    chance = random.Random(seed)
    output = tmp_path / "graph.json"
    _write(analysis(tree, cache=cache), output)
    patched = 0
    for step in range(EDITS):
        for _ in range(chance.choice((1, 1, 3))):
            _edited(chance, tree)
        warm = analysis(tree, cache=cache)
        patched += warm.rewriting is not None
        _write(warm, output)
        cold = dump_graph(analyze(tree))
        assert dump_graph(warm.graph) == cold, f"seed {seed}, edit {step}"
        assert output.read_text() == cold, f"seed {seed}, edit {step}"
        again = analysis(tree, cache=cache)
        assert again.key == warm.key and dump_graph(again.graph) == cold
    for file in sorted(tree.rglob("services.py"))[:2]:
        # Edits may have left what is no Python.
        if analyze(file).modules:
            file.write_text(file.read_text() + "\n\ndef added_last(value):\n    return value\n")
            _write(warm := analysis(tree, cache=cache), output)
            patched += warm.rewriting is not None
            assert output.read_text() == dump_graph(analyze(tree))
    assert patched


INSIDE = {
    "nothing": ("", ""),
    "a function": ("", "\n\ndef added(value):\n    return value\n"),
    "a function that writes": ("", "\n\ndef added():\n    Part.objects.all().delete()\n"),
    "a function that commits": ("", "\n\ndef added(session):\n    session.commit()\n"),
    "a generator": ("", "\n\ndef added(value):\n    yield value\n"),
    "a function that makes a table": (
        "", '\n\ndef added(c):\n    c.execute("CREATE TABLE added (id int)")\n',
    ),
    "a decorated function": ("", "\n\n@receiver(x)\ndef added(sender):\n    pass\n"),
    "middleware": ("", "\n\ndef added(get_response):\n    return get_response\n"),
    "a function of a setting's name": ("", "\n\ndef INSTALLED_APPS():\n    pass\n"),
    "a class": ("", "\n\nclass Added(Item):\n    pass\n"),
    "an import": ("", "\n\nfrom shop.sales.models import *\n"),
    "another call": ("return last()", "return listing([])"),
    "a call less": ("return last()", "return None"),
    "another table": ("Sale.objects.order_by", "Part.objects.order_by"),
    "a write less": (".delete()", ".count()"),
    "what is handed on": ("sale.close()", "item.save()"),
    "a line more": ("def last", "\ndef last"),
    "another name": ("def last", "def latest"),
    "a method": ("return self.filter(", "return self.exclude("),
    "a field": ('state = models', 'status = models'),
    "a view": ("services.sold(self.get_object())", "services.last()"),
    "a handler": ("cleaned()\n", "print()\n"),
    "a surrogate": ("", "\n\ndef added(x='\\ud800'):\n    pass\n"),
}  # fmt: skip


@pytest.mark.parametrize("change", INSIDE)
def test_a_small_change_gives_what_a_cold_run_gives(change: str, tmp_path: Path) -> None:
    """Each where it can be made, one by one and then two at once, and back again."""
    tree, cache, output = tmp_path / "tree", tmp_path / "cache", tmp_path / "graph.json"
    _django(tree)
    _write(analysis(tree, cache=cache), output)
    old, new = INSIDE[change]
    changed: dict[Path, str] = {}
    for file in sorted(tree.rglob("*.py")):
        text = file.read_text()
        if not text or (old and old not in text):
            continue
        changed[file] = text
        file.write_text(text.replace(old, new) if old else text + new)
        _as_cold(tree, cache, output)
    for file, text in changed.items():
        file.write_text(text)
        _as_cold(tree, cache, output)


def _as_cold(tree: Path, cache: Path, output: Path) -> None:
    warm = analysis(tree, cache=cache)
    _write(warm, output)
    cold = dump_graph(analyze(tree))
    assert dump_graph(warm.graph) == cold
    assert output.read_text() == cold


def test_where_little_changed_only_that_is_told_anew(tmp_path: Path) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    _django(tree)
    assert analysis(tree, cache=cache).rewriting is None
    whole = (cache / "graph.bin").read_bytes()
    services = tree / "shop/items/services.py"
    for added in range(3):
        with services.open("a") as file:
            file.write(f"\ndef added_{added}(value):\n    return value\n")
        assert analysis(tree, cache=cache).rewriting is not None
    assert (cache / "graph.bin").read_bytes() == whole
    # What models declare is read from all files again.
    models = tree / "shop/items/models.py"
    models.write_text(models.read_text().replace("name = models", "title = models"))
    assert analysis(tree, cache=cache).rewriting is None
    assert (cache / "graph.bin").read_bytes() != whole


def test_damaged_bases_and_changes_are_passed_over(tmp_path: Path) -> None:
    tree, cache, output = tmp_path / "tree", tmp_path / "cache", tmp_path / "graph.json"
    _django(tree)
    services = tree / "shop/items/services.py"
    text = services.read_text()
    for number, name in enumerate(("base.bin", "change.bin", "graph.bin", "interpreted.bin")):
        for damage in (lambda whole: whole[:60], lambda whole: whole[:-3] + b"abc"):
            services.write_text(text + f"\ndef first_{number}():\n    return 1\n")
            _as_cold(tree, cache, output)
            services.write_text(text + f"\ndef second_{number}():\n    return 1\n")
            _as_cold(tree, cache, output)
            kept = cache / name
            if kept.exists():
                kept.write_bytes(damage(kept.read_bytes()))
            _as_cold(tree, cache, output)
            services.write_text(text + f"\ndef third_{number}():\n    return 1\n")
            _as_cold(tree, cache, output)


CHAIN = {
    "low.py": "def low(session):\n    return session.get(1)\n",
    "middle.py": "import low\ndef middle(session):\n    return low.low(session)\n",
    "high.py": "import middle\ndef high(session):\n    return middle.middle(session)\n",
    "apart.py": "import low\ndef apart():\n    return low.missing()\n",
}


def _chain(folder: Path) -> Path:
    for name, text in CHAIN.items():
        (folder / name).write_text(text)
    cache = folder / "cache"
    analyze(folder, cache=cache)
    return cache


@pytest.mark.parametrize(
    ("added", "again"),
    [
        # A name that nobody looked at, and one that somebody looked for.
        ("\ndef more(): pass\n", {"apart.py": 1, "high.py": 1, "middle.py": 1, "low.py": 1}),
        ("\ndef missing(): pass\n", {"low.py": 2}),
        ("\nfrom os.path import *\n", {"apart.py": 1, "middle.py": 2, "low.py": 4}),
    ],
)
def test_only_what_looked_at_a_changed_name_is_interpreted_again(
    added: str, again: dict[str, int], tmp_path: Path, interpreted: list[int]
) -> None:
    for changed in again:
        cache = _chain(tmp_path)
        (tmp_path / changed).write_text(CHAIN[changed] + added)
        analyze(tmp_path, cache=cache)
        shutil.rmtree(cache)
    assert interpreted[1::2] == [*again.values()]


def test_what_a_definition_does_counts_for_all_that_looked_at_it(
    tmp_path: Path, interpreted: list[int]
) -> None:
    for changed, text in CHAIN.items():
        cache = _chain(tmp_path)
        (tmp_path / changed).write_text(text.replace("return", "print()\n    return"))
        analyze(tmp_path, cache=cache)
        shutil.rmtree(cache)
    assert interpreted[1::2] == [3, 2, 1, 1]


def test_facts_that_are_gone_count_as_changed(tmp_path: Path, interpreted: list[int]) -> None:
    cache = _chain(tmp_path)
    (cache / "facts.sqlite").unlink()
    (tmp_path / "low.py").write_text(CHAIN["low.py"] + "\ndef more(): pass\n")
    analyze(tmp_path, cache=cache)
    assert interpreted == [4, 4]


def test_a_script_that_a_function_runs_counts_too(tmp_path: Path) -> None:
    (tmp_path / "purge.sql").write_text("CREATE TABLE a (id int);\nDELETE FROM a;\n")
    (tmp_path / "m.py").write_text(
        "def purge(connection):\n    connection.execute(open('purge.sql').read())\n"
    )
    cache = tmp_path / "cache"
    modes = []
    for verb in ("DELETE FROM a", "UPDATE a SET id = 1", "SELECT * FROM a"):
        (tmp_path / "purge.sql").write_text(f"CREATE TABLE a (id int);\n{verb};\n")
        graph = analyze(tmp_path, cache=cache)
        assert dump_graph(graph) == dump_graph(analyze(tmp_path))
        modes.append([a.mode for a in graph.accesses])
    assert modes == [["delete"], ["update"], ["read"]]


def test_damaged_parcels_are_passed_over(tmp_path: Path, interpreted: list[int]) -> None:
    (tmp_path / "m.py").write_text("def one(): return two()\ndef two(): pass\n")
    (tmp_path / "n.py").write_text("def other(): pass\n")
    cache = tmp_path / "cache"
    analyze(tmp_path, cache=cache)
    kept = cache / "interpreted.bin"
    whole = kept.read_bytes()
    for number, damaged in enumerate((b"", whole[:40], whole[:-3] + b"abc", whole + b"x")):
        kept.write_bytes(damaged)
        (tmp_path / "n.py").write_text(f"def other(): return {number}\n")
        assert dump_graph(analyze(tmp_path, cache=cache)) == dump_graph(analyze(tmp_path))
    assert interpreted[1::2] == [2] * 4


def test_canonical_tells_content_not_identity() -> None:
    class Held:
        def __init__(self, **values: object) -> None:
            self.__dict__.update(values)

    def made(x: object) -> Held:
        return Held(a={"k": (1, "x", None)}, b={"p", "q", "r"}, c=[Held(x=x)])

    assert canonical((made(1),)) == canonical((made(1),))
    assert canonical((made(1),)) != canonical((made(2),))
    assert canonical((made(1),), frozenset({(Held, "x")})) == canonical(
        (made(2),), frozenset({(Held, "x")})
    )
    ring = Held()
    ring.me = ring  # type: ignore[attr-defined]
    assert canonical((ring,)) == canonical((ring,))
    with pytest.raises(NotCanonical):
        canonical((made(lambda: 1),))


def test_files_are_named_by_their_bytes_however_often_they_change(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("x = 1\n")
    (tmp_path / "new.py").write_text("x = 1\n")
    os.utime(tmp_path / "old.py", (1_000_000_000, 1_000_000_000))
    files = discover(tmp_path)
    folder = tmp_path / "cache"
    for _ in range(3):
        keys = FileKeys(folder).of(files)
        assert keys == {f.path: key_of(f.file.read_bytes()) for f in files}
    # The same size and, set back, the same time.
    for text in ("x = 2\n", "x = 3\n"):
        (tmp_path / "old.py").write_text(text)
        os.utime(tmp_path / "old.py", (1_000_000_000, 1_000_000_000))
        (tmp_path / "new.py").write_text(text)
        keys = FileKeys(folder).of(files)
        assert keys == {f.path: key_of(text.encode()) for f in files}
    (tmp_path / "new.py").unlink()
    assert len(FileKeys(folder).of(files)) == 1


def test_what_has_not_changed_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "m.py"
    file.write_text("x = 1\n")
    read: list[Path] = []
    real = sources.read_file
    monkeypatch.setattr(sources, "read_file", lambda path: (read.append(path), real(path))[1])
    monkeypatch.setattr(file_keys, "_RACY_NANOSECONDS", -(10**12))
    files = discover(tmp_path)
    for _ in range(3):
        FileKeys(tmp_path / "cache").of(files)
    assert read == [file]
    monkeypatch.setattr(file_keys, "_RACY_NANOSECONDS", 10**12)
    file.write_text("x = 2\n")
    for _ in range(3):
        FileKeys(tmp_path / "cache").of(files)
    assert read == [file] * 4  # it changed too shortly before


def test_a_kept_graph_is_read_part_by_part(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def one(): return two()\ndef two(): pass\n")
    cold = analyze(tmp_path, cache=tmp_path / "cache")
    warm = analyze(tmp_path, cache=tmp_path / "cache")
    assert isinstance(warm, LazyGraph)
    assert warm == cold and cold == warm
    assert replace(warm, root="elsewhere") == replace(cold, root="elsewhere")
    assert warm != replace(cold, modules=())
    damaged = LazyGraph.of(to_parts(cold) | {"modules": b"no modules", "tables": b"\x91\x01"})
    assert damaged.definitions == cold.definitions
    for name in ("modules", "tables"):
        with pytest.raises(MigratorError, match="damaged"):
            getattr(damaged, name)


def test_the_same_graph_is_not_written_again(tmp_path: Path) -> None:
    output = tmp_path / "graph.json"
    written = WrittenGraph(tmp_path / "cache", output)
    key = b"k" * 16
    assert not written.holds(key)
    output.write_text("{}")
    written.note(key)
    assert written.holds(key) and not written.holds(b"x" * 16)
    output.write_text("{ }")
    assert not written.holds(key)
    assert not WrittenGraph(tmp_path / "cache", tmp_path / "other.json").holds(key)
