"""Run a program of the application's own interpreter and record the SQL that it sends.

Standard library only, beside what the application brings: this runs in the application's virtual
environment. ``python recorder.py ROOT OUT -- MODULE ARGS…`` runs ``python -m MODULE ARGS…``
(``python SCRIPT ARGS…`` where MODULE ends in ``.py``) and writes OUT, JSON:

``statements[]`` {sql, dialect, run, callee, through, built[], stack[]}: `run` is the innermost
frame of the application, ``[path, line]`` relative to ROOT; `callee` the function that it called;
`through` is ``template`` or ``dispatch`` where the frame only leads to a template engine or to
the next request handler; `built` the places that made the query or changed the row before;
`stack` every frame of the application. ``touched[]`` {site, table}: related rows that were served
from memory. ``made[]`` {site, tables[]}: queries made, run or not. ``lines`` {path: [line, …]}.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

LEFT_OUT = ("tests", "test", "testing", "testutils", "migrations", "alembic", "conftest.py")
TEMPLATES = ("django.template", "jinja2", "mako", "chameleon")
DISPATCH = ("django.core.handlers", "flask.app", "werkzeug", "starlette", "gunicorn")
_LISTS = re.compile(r"\((%s|\?|:\w+|%\(\w+\)s)(, ?(%s|\?|:\w+|%\(\w+\)s))+\)")
Site = tuple[str, int]


class Recorder:
    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root) + os.sep
        self._kept: dict[str, str | None] = {}
        self.statements: dict[tuple[Any, ...], set[Site]] = {}
        self.touched: set[tuple[Site, str]] = set()
        self.made: dict[Site, set[str]] = {}
        self._local = threading.local()

    def path(self, filename: str) -> str | None:
        """`filename` below the root; '' where it is the application's but left out (tests)."""
        known = self._kept.get(filename, self)
        if known is not self:
            return known  # type: ignore[return-value]
        real = os.path.realpath(filename)
        result: str | None = None
        if real.endswith(".py") and "site-packages/_" not in real:
            if real.startswith(self.root):
                result = real[len(self.root) :].replace(os.sep, "/")
                parts = result.split("/")
                if (
                    set(parts) & set(LEFT_OUT)
                    or parts[-1].startswith("test_")
                    or parts[-1].endswith("_test.py")
                ):
                    result = ""
            elif "/tests/" in real or "/test/" in real or "/sessions/" in real:
                result = ""
            if result == "" and ("/django/" in real or "/sqlalchemy/" in real):
                result = None
        self._kept[filename] = result
        return result

    def site(self, depth: int = 2) -> Site | None:
        """The innermost frame of the application; None where a test's own comes first."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            path = self.path(frame.f_code.co_filename)
            if path is not None:
                return (path, frame.f_lineno) if path else None
            frame = frame.f_back
        return None

    @contextlib.contextmanager
    def building(self, sites: tuple[Site, ...]) -> Iterator[None]:
        before = getattr(self._local, "sites", ())
        self._local.sites = sites
        try:
            yield
        finally:
            self._local.sites = before

    def statement(self, sql: Any, dialect: str) -> None:
        frame: FrameType | None = sys._getframe(1)
        run: Site | None = None
        callee, through = "", ""
        inner = frame
        stack: set[Site] = set()
        while frame is not None:
            path = self.path(frame.f_code.co_filename)
            if path is None and run is None:
                module = frame.f_globals.get("__name__", "")
                if module.startswith(TEMPLATES):
                    through = "template"
                elif module.startswith(DISPATCH) and not through:
                    through = "dispatch"
            elif path:
                if run is None:
                    run = (path, frame.f_lineno)
                    name = getattr(inner.f_code, "co_qualname", inner.f_code.co_name)
                    callee = f"{inner.f_globals.get('__name__', '')}.{name}"
                stack.add((path, frame.f_lineno))
            elif path == "" and run is None:
                break
            inner = frame
            frame = frame.f_back
        built = getattr(self._local, "sites", ())
        if run is None and not built:
            return
        text = _LISTS.sub("(NULL)", str(sql))
        key = (text, dialect, run, callee, through, tuple(sorted(built)))
        self.statements.setdefault(key, set()).update(stack)

    def query_made(self, site: Site | None, tables: set[str]) -> None:
        if site:
            self.made.setdefault(site, set()).update(tables)

    def dump(self, lines: dict[str, list[int]]) -> dict[str, Any]:
        return {
            "statements": [
                {"sql": sql, "dialect": dialect, "run": run, "callee": callee,
                 "through": through, "built": built, "stack": sorted(stack)}
                for (sql, dialect, run, callee, through, built), stack in self.statements.items()
            ],
            "touched": [{"site": site, "table": table} for site, table in sorted(self.touched)],
            "made": [{"site": s, "tables": sorted(t)} for s, t in sorted(self.made.items())],
            "lines": lines,
        }  # fmt: skip


def run(root: Path, out: Path, program: list[str]) -> int:
    """Run `program`, write what was recorded to `out`; gives the program's exit status."""
    sys.path.insert(0, str(Path.cwd()))
    import coverage

    recorder = Recorder(root)
    covered = coverage.Coverage(
        data_file=None, config_file=False, include=[f"{recorder.root}*"], messages=False
    )
    covered.start()
    for hooks in ("django_hooks", "sqlalchemy_hooks"):
        with contextlib.suppress(ImportError):
            module = __import__(hooks)
            module.install(recorder)
    status = 0
    name, sys.argv = program[0], list(program)
    try:
        if name.endswith(".py"):
            runpy.run_path(name, run_name="__main__")
        else:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        covered.stop()
        data = covered.get_data()
        lines = {
            os.path.realpath(f)[len(recorder.root) :]: sorted(data.lines(f) or ())
            for f in data.measured_files()
        }
        out.write_text(json.dumps(recorder.dump(lines)), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:]))
