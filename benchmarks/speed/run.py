"""Speed of `migrator analyze` and `verify`, as ratios in one run.

    python benchmarks/speed/run.py TREE …          each a package of Python, against its peers
    python benchmarks/speed/run.py --growth 10000 100000 1000000

Peers: one process of `ast.parse` over the same files (1 x), `libcst.parse_module`,
`grimp.build_graph` without cache, `ruff analyze graph` and `tach map`, where they are installed
(`pip install grimp ruff tach`). Every tree is copied first (Python only), so that nothing else is
in the way. Memory is that of all processes together (`measured`). Nothing here is a test: machines
differ, ratios less.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from generated import generate
from measured import Measured, measured

_PARSE = """
import ast, sys, warnings
warnings.simplefilter("ignore")
for line in sys.stdin:
    try: ast.parse(open(line[:-1], "rb").read())
    except (SyntaxError, ValueError): pass
"""
_LIBCST = (
    _PARSE.replace("import ast,", "import libcst,")
    .replace("ast.parse(", "libcst.parse_module(")
    .replace("(SyntaxError, ValueError)", "Exception")
)
_GRIMP = (
    "import sys, grimp; sys.path.insert(0, '.'); grimp.build_graph(sys.argv[1], cache_dir=None)"
)
_PLAN = "version: 1\nservices: {}\nshared: []\ncuts: []\norder: []\npins: []\n"
_CHANGED = 3


class Bench:
    """One copied tree, and where its results go."""

    def __init__(self, folder: Path, package: str) -> None:
        self.folder = folder
        self.package = package
        self.tree = folder / package
        self.base: Measured | None = None

    def files(self) -> list[Path]:
        from migrator.analyze.discover import discover

        return [f.file for f in discover(self.tree)]

    def row(self, name: str, done: Measured, against: Measured | None = None) -> Measured:
        base = against or self.base or done
        wall = f"{done.seconds:8.2f} s {done.seconds / base.seconds:7.2f} x"
        cpu = f"{done.cpu:8.2f} s {done.cpu / base.cpu:7.2f} x cpu"
        failed = "" if done.status in (0, 1) else f"   FAILED: {done.errors.strip()[-200:]}"
        print(f"  {name:36} {wall} {cpu} {done.peak:6} MiB{failed}", flush=True)
        return done

    def parse(self) -> None:
        given = "".join(f"{f}\n" for f in self.files())
        runs = [measured([sys.executable, "-c", _PARSE], given=given) for _ in range(3)]
        self.base = self.row("ast.parse, one process (best of 3)", min(runs, key=lambda r: r.cpu))

    def ours(self, name: str, against: Measured | None = None) -> Measured:
        command = [sys.executable, "-m", "migrator", "analyze", self.package]
        return self.row(name, measured(command, cwd=self.folder), against)

    def warm(self, cold: Measured) -> None:
        self.ours("  nothing changed (x of cold)", cold)
        chance = random.Random(1)
        for file in chance.sample(self.files(), _CHANGED):
            text = file.read_bytes()
            file.write_bytes(text + b"\n\ndef added_by_benchmark(value):\n    return value\n")
            self.ours(f"  {file.name[:20]} changed (x of cold)", cold)
        (self.folder / "migration.yaml").write_text(_PLAN)
        self.ours("  analyzed again (x of cold)", cold)
        command = [sys.executable, "-m", "migrator", "verify"]
        self.row("migrator verify, first with a plan", measured(command, cwd=self.folder))
        self.row("migrator verify, unchanged", measured(command, cwd=self.folder))

    def peers(self) -> None:
        given = "".join(f"{f}\n" for f in self.files())
        self.row("libcst.parse_module", measured([sys.executable, "-c", _LIBCST], given=given))
        grimp = [sys.executable, "-c", _GRIMP, self.package]
        self.row("grimp.build_graph, no cache", measured(grimp, cwd=self.folder))
        here = str(Path(sys.executable).parent)
        if ruff := shutil.which("ruff", path=here) or shutil.which("ruff"):
            command = [ruff, "analyze", "graph", "-q", self.package]
            self.row("ruff analyze graph", measured(command, cwd=self.folder))
        if tach := shutil.which("tach", path=here) or shutil.which("tach"):
            (self.folder / "tach.toml").write_text('source_roots = ["."]\nmodules = []\n')
            self.row("tach map", measured([tach, "map"], cwd=self.folder))


def compare(tree: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in tree.rglob("*.py"):
            target = folder / tree.name / file.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        bench = Bench(folder, tree.name)
        files = bench.files()
        lines = sum(f.read_bytes().count(b"\n") for f in files)
        print(f"\n{tree.name}: {len(files)} files, {lines} lines")
        bench.parse()
        cold = bench.ours("migrator analyze, cold")
        bench.warm(cold)
        bench.peers()


def grow(sizes: list[int]) -> None:
    before: tuple[int, Measured] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            lines = generate(Path(name), size)
            bench = Bench(Path(name), "shop")
            print(f"\ngenerated: {len(bench.files())} files, {lines} lines")
            bench.parse()
            cold = bench.ours("migrator analyze, cold")
            if before is not None:
                more = lines / before[0]
                wall, cpu = cold.seconds / before[1].seconds, cold.cpu / before[1].cpu
                print(f"  {more:.1f} x the lines: {wall:.1f} x the time, {cpu:.1f} x the cpu")
            before = lines, cold
            bench.warm(cold)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trees", nargs="*", type=Path)
    parser.add_argument("--growth", nargs="+", type=int, default=[], metavar="LINES")
    chosen = parser.parse_args()
    if not chosen.trees and not chosen.growth:
        parser.error("name a tree, or --growth")
    for tree in chosen.trees:
        compare(tree.resolve())
    grow(chosen.growth)
