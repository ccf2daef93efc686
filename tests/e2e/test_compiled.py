"""A wheel whose hot modules are compiled tells what the pure one tells, and never crashes."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "sample_monolith"
LEVELS = 5_000
DEEP = {
    "sum": "def f(x):\n    return " + "+".join(["x"] * LEVELS) + "\n",
    "chain": "def f(x):\n    return x()" + ".a()" * LEVELS + "\n",
    "elif": "def f(x):\n    if x == 0:\n        return 0\n"
    + "".join(f"    elif x == {i}:\n        return {i}\n" for i in range(LEVELS)),
    "annotation": "def f(x: " + "|".join(["A"] * LEVELS) + "):\n    return x\n",
    "calls": "class C: pass\n"
    + "".join(f"def f{i}(x):\n    return f{i + 1}(C())\n" for i in range(LEVELS)),
    "aliases": "".join(f"A{i} = A{i + 1}\n" for i in range(LEVELS)) + "def f(x: A0): x.y()\n",
    "globals": "a0 = object()\n" + "".join(f"a{i} = a{i - 1}.b\n" for i in range(1, LEVELS)),
    "attributes": "class C:\n    def __init__(self):\n"
    + "".join(f"        self.a{i} = self.a{i + 1}\n" for i in range(LEVELS))
    + "    def m(self):\n        return self.a0.x()\n",
}  # fmt: skip


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    if not os.environ.get("MIGRATOR_TEST_COMPILED"):
        pytest.skip("builds for minutes: set MIGRATOR_TEST_COMPILED=1")
    folder = tmp_path_factory.mktemp("compiled")
    source = sorted(p for p in (REPOSITORY / "migrator").rglob("*.so"))
    build = (sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", REPOSITORY)
    run(*build, cwd=folder, HATCH_BUILD_HOOK_ENABLE_CUSTOM="1")
    assert sorted(p for p in (REPOSITORY / "migrator").rglob("*.so")) == source
    (wheel,) = (folder / "dist").glob("*.whl")
    assert not wheel.name.endswith("-none-any.whl")
    zipfile.ZipFile(wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def graph(tree: Path, folder: Path, **environment: str) -> str:
    return run(
        sys.executable, "-P", "-m", "migrator", "analyze", tree, "--format", "json",
        cwd=folder, **environment,
    )  # fmt: skip


def test_it_says_that_it_is_compiled(compiled: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-P", "-m", "migrator", "--version")
    assert run(*command, cwd=tmp_path, PYTHONPATH=str(compiled)).endswith("(compiled)\n")
    assert "(compiled)" not in run(*command, cwd=tmp_path, PYTHONPATH=str(REPOSITORY))


@pytest.mark.parametrize("tree", [SAMPLE, REPOSITORY / "migrator"], ids=["sample", "migrator"])
def test_the_same_graph_to_the_byte(compiled: Path, tree: Path, tmp_path: Path) -> None:
    for name in ("pure", "compiled"):
        (tmp_path / name).mkdir()
    pure = graph(tree, tmp_path / "pure", PYTHONPATH=str(REPOSITORY))
    assert graph(tree, tmp_path / "compiled", PYTHONPATH=str(compiled)) == pure


@pytest.mark.parametrize("shape", DEEP)
def test_what_is_nested_deeply_ends_no_process(compiled: Path, shape: str, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/deep.py").write_text(DEEP[shape])
    (tmp_path / "tree/fine.py").write_text("def fine(): return 1\n")
    assert '"fine:fine"' in graph(tmp_path / "tree", tmp_path, PYTHONPATH=str(compiled))


def test_the_analyzers_own_tests_pass(compiled: Path, tmp_path: Path) -> None:
    tests = [
        REPOSITORY / "tests/analyze" / name
        for name in ("test_robust.py", "test_memo.py", "test_same_graph.py", "test_warm.py")
    ]
    # Not in the repository: what the tests start would find its modules first.
    where = ("-c", REPOSITORY / "pyproject.toml", "--rootdir", REPOSITORY)
    command = (sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", *where, *tests)
    run(*command, cwd=tmp_path, PYTHONPATH=str(compiled))
