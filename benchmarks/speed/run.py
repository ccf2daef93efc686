"""Speed of `migrator analyze` against one process of `ast.parse` over the same files, in one run.

    python benchmarks/speed/run.py TREE …        each a folder of Python

Prints seconds, the ratio to `ast.parse`, and peak memory (of the largest process) for
`ast.parse`, `libcst.parse_module`, the analyzer cold and warm, and the commands `ruff analyze
graph` where it is installed. Nothing here is a test: machines differ, ratios less.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_AST = """
import ast, sys, warnings
warnings.simplefilter("ignore")
for line in sys.stdin:
    try: ast.parse(open(line[:-1], "rb").read())
    except (SyntaxError, ValueError): pass
"""
_LIBCST = (
    _AST.replace("import ast,", "import libcst,")
    .replace("ast.parse(", "libcst.parse_module(")
    .replace("(SyntaxError, ValueError)", "Exception")
)
_OURS = """
import sys
from pathlib import Path
from migrator.analyze.pipeline import analyze
analyze(Path(sys.argv[1]), cache=Path(sys.argv[2]))
"""
_PEAK = "\nimport resource as r; print(max(r.getrusage(w).ru_maxrss for w in (0, -1)))"


def timed(command: list[str], given: str = "") -> tuple[float, int]:
    """Seconds and peak memory in MiB, 0 where the command does not tell it."""
    start = time.perf_counter()
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    last = done.stdout.strip().splitlines()[-1:] or ["0"]
    return seconds, int(last[0]) // 1024 if last[0].isdigit() else 0


def measure(tree: Path) -> None:
    from migrator.analyze.discover import discover

    files = [f.file for f in discover(tree)]
    given = "".join(f"{f}\n" for f in files)
    lines = sum(f.read_bytes().count(b"\n") for f in files)
    print(f"\n{tree}: {len(files)} files, {lines} lines")
    with tempfile.TemporaryDirectory() as cache:
        ours = [sys.executable, "-c", _OURS + _PEAK, str(tree), cache]
        runs = {
            "ast.parse, one process": ([sys.executable, "-c", _AST + _PEAK], given),
            "migrator analyze, cold": (ours, ""),
            "migrator analyze, warm": (ours, ""),
            "libcst.parse_module": ([sys.executable, "-c", _LIBCST + _PEAK], given),
        }
        if shutil.which("ruff"):
            runs["ruff analyze graph"] = (["ruff", "analyze", "graph", "-q", str(tree)], "")
        base = 0.0
        for name, (command, text) in runs.items():
            seconds, peak = timed(command, text)
            base = base or seconds
            memory = f"{peak:6} MiB" if peak else ""
            print(f"  {name:26} {seconds:7.2f} s  {seconds / base:6.2f} x  {memory}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        measure(Path(argument))
