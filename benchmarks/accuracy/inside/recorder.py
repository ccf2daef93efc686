"""Run a program of the application's own interpreter and record the SQL that it sends.

Standard library only, beside what the application brings: this runs in the application's virtual
environment. ``python recorder.py ROOT OUT -- MODULE ARGS…`` runs ``python -m MODULE ARGS…``
(``python SCRIPT ARGS…`` where MODULE ends in ``.py``) and writes OUT, JSON:

``statements[]`` {sql, dialect, run, callee, through, built[], stack[], chains[]}: `run` is the
innermost frame of the application, ``[path, line]`` relative to ROOT; `callee` the function that
it called; `through` is ``template`` or ``dispatch`` where the frame only leads to a template engine
or to the next request handler; `built` the places that made the query or changed the row before;
`stack` every frame of the application, `chains` the innermost ones in order, from `run` outwards
(over the border of a thread as well). ``touched[]`` {site, table}: related rows that were served
from memory. ``refreshed`` counts rows read anew after a commit. ``made[]`` {site, tables[]}:
queries made, run or not. ``lines`` {path: [line, …]}.
``skipped[]`` [path, first line, last line]: operands that were never evaluated (`operands.py`).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import re
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from operands import Operands

LEFT_OUT = (
    "tests",
    "test",
    "testing",
    "testutils",
    "migrations",
    "alembic",
    "conftest.py",
    "tests.py",
)
TEMPLATES = ("django.template", "jinja2", "mako", "chameleon")
DISPATCH = ("django.core.handlers", "flask.app", "werkzeug", "starlette", "gunicorn")
_OTHERS = (*TEMPLATES, *DISPATCH)
_LISTS = re.compile(r"\((%s|\?|:\w+|%\(\w+\)s)(, ?(%s|\?|:\w+|%\(\w+\)s))+\)")
Site = tuple[str, int]
TEST: Site = ("", 0)
MOST_CHAINS, LONGEST_CHAIN = 60, 12


class Recorder:
    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root) + os.sep
        self._kept: dict[str, str | None] = {}
        self.statements: dict[tuple[Any, ...], tuple[set[Site], set[tuple[Site, ...]]]] = {}
        self.touched: set[tuple[Site, str]] = set()
        self.refreshed = 0
        self.made: dict[Site, set[str]] = {}
        self._classes: dict[type, Site | None] = {}
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
        """The innermost frame of the application; `TEST` where a test's own comes first."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            path = self.path(frame.f_code.co_filename)
            if path is not None:
                return (path, frame.f_lineno) if path else TEST
            if frame.f_globals.get("__name__", "").startswith(_OTHERS):
                return None  # what is further out only handed the request on, or a template over
            frame = frame.f_back
        return None

    def chain(self, depth: int = 2) -> tuple[Site, ...]:
        """The frames of the application, innermost first; empty where a test's own comes first."""
        frame: FrameType | None = sys._getframe(depth)
        found: list[Site] = []
        while frame is not None and len(found) < LONGEST_CHAIN:
            path = self.path(frame.f_code.co_filename)
            if path:
                found.append((path, frame.f_lineno))
            elif path == "" and not found:
                return ()
            frame = frame.f_back
        return tuple(found)

    def declaring(self, depth: int) -> str | None:
        """The file of the application that declares something now; None where another package's
        module does as it is imported."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            path = self.path(frame.f_code.co_filename)
            if path is not None or frame.f_code.co_name == "<module>":
                return path or None
            if frame.f_globals.get("__name__", "").startswith("alembic."):
                return None  # the table of its own versions
            frame = frame.f_back
        return None

    @contextlib.contextmanager
    def building(
        self,
        sites: tuple[Site, ...],
        chains: tuple[tuple[Site, ...], ...] = (),
        *,
        within: bool = False,
    ) -> Iterator[None]:
        """Statements sent inside were made at `sites`, by the callers in `chains`; `within` where
        a query may run another one, which was then made there as well."""
        local = self._local
        before = (
            getattr(local, "sites", ()),
            getattr(local, "chains", ()),
            getattr(local, "refreshing", False),
            getattr(local, "outermost", ()),
        )
        outer = before[3]
        local.sites = tuple(dict.fromkeys((*outer, *sites))) if within else sites
        local.chains, local.refreshing = chains, False
        local.outermost = outer if within else sites
        try:
            yield
        finally:
            local.sites, local.chains, local.refreshing, local.outermost = before

    @contextlib.contextmanager
    def refreshing(self) -> Iterator[None]:
        """Statements sent inside read a row anew that was known before."""
        before = getattr(self._local, "refreshing", False)
        self._local.refreshing = True
        try:
            yield
        finally:
            self._local.refreshing = before

    @contextlib.contextmanager
    def flushing(self) -> Iterator[None]:
        """A flush begins here: the application's own code further in (a default of a column, a
        listener) does what it does itself."""
        before = getattr(self._local, "border", None)
        self._local.border = sys._getframe(2)
        try:
            yield
        finally:
            self._local.border = before

    def _within_flush(self) -> bool:
        """Whether the application's own code runs inside the flush."""
        border = getattr(self._local, "border", None)
        frame: FrameType | None = sys._getframe(2) if border is not None else None
        while frame is not None and frame is not border:
            if self.path(frame.f_code.co_filename):
                return True
            frame = frame.f_back
        return False

    @property
    def is_refreshing(self) -> bool:
        return bool(getattr(self._local, "refreshing", False))

    def statement(self, sql: Any, dialect: str) -> None:
        own = self._within_flush()
        if getattr(self._local, "refreshing", False) and not own:
            self.refreshed += 1
            return
        built = () if own else getattr(self._local, "sites", ())
        if built and set(built) == {TEST}:
            return  # a row or a query of the test's own, which the application only sends on
        built = tuple(site for site in built if site != TEST)
        frame: FrameType | None = sys._getframe(1)
        run: Site | None = None
        callee, through = "", ""
        inner = frame
        stack: list[Site] = []
        classes: list[Site] = []
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
                stack.append((path, frame.f_lineno))
                place = self._class_of(frame)
                if place:
                    classes.append(place)
            elif path == "" and run is None:
                break
            inner = frame
            frame = frame.f_back
        if run is None and not built:
            return
        text = _LISTS.sub("(NULL)", str(sql))
        key = (text, dialect, run, callee, through, tuple(sorted(built)))
        stack += getattr(self._local, "outer", ())
        stack[1:1] = [c for c in classes[:1] if c]
        frames, chains = self.statements.setdefault(key, (set(), set()))
        frames.update(stack)
        frames.update(classes)
        if len(chains) < MOST_CHAINS:
            chains.add(tuple(stack[:LONGEST_CHAIN]))
        for chain in () if own else getattr(self._local, "chains", ()):
            frames.update(chain)
            if len(chains) < MOST_CHAINS:
                chains.add(chain)

    def _class_of(self, frame: FrameType) -> Site | None:
        """Where the class of ``self`` is, for a method that it inherits from another file or
        class."""
        own = type(frame.f_locals.get("self"))
        if own not in self._classes:
            file = getattr(sys.modules.get(own.__module__), "__file__", None)
            place = self.path(file) if file else None
            try:
                self._classes[own] = (
                    (place, inspect.getsourcelines(own)[1]) if place else None
                )  # fmt: skip
            except (OSError, TypeError):
                self._classes[own] = None
        place = self._classes[own]
        return place if place and frame.f_code.co_name not in own.__dict__ else None

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` as it runs in another thread, for who hands it over here."""
        outer: list[Site] = []
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            path = self.path(frame.f_code.co_filename)
            if path:
                outer.append((path, frame.f_lineno))
            frame = frame.f_back
        outer += getattr(self._local, "outer", ())

        @functools.wraps(function)
        def run(*rest: Any, **named: Any) -> Any:
            before = getattr(self._local, "outer", ())
            self._local.outer = outer
            try:
                return function(*rest, **named)
            finally:
                self._local.outer = before

        return run

    def query_made(self, site: Site | None, tables: set[str]) -> None:
        """As with statements, whoever called the function that made it answers as well."""
        if site and site != TEST and tables:
            for one in (site, *self.chain(3)):
                self.made.setdefault(one, set()).update(tables)

    def was_there(self, site: Site | None, tables: set[str]) -> None:
        """Rows of `tables` were served from memory, or none had to be asked for."""
        if site and site != TEST:
            for one in {site, *self.chain(3)}:
                self.touched |= {(one, table) for table in tables}

    def dump(self, lines: dict[str, list[int]]) -> dict[str, Any]:
        return {
            "statements": [
                {"sql": sql, "dialect": dialect, "run": run, "callee": callee,
                 "through": through, "built": built, "stack": sorted(stack),
                 "chains": sorted(chains)}
                for (sql, dialect, run, callee, through, built), (stack, chains)
                in self.statements.items()
            ],
            "touched": [{"site": site, "table": table} for site, table in sorted(self.touched)],
            "made": [{"site": s, "tables": sorted(t)} for s, t in sorted(self.made.items())],
            "refreshed": self.refreshed,
            "lines": lines,
        }  # fmt: skip


def carry_over_threads(recorder: Recorder) -> None:
    """Let what a pool of threads runs know who handed it over."""
    from concurrent.futures import ThreadPoolExecutor

    submit = ThreadPoolExecutor.submit

    def submitted(self: Any, fn: Any, /, *rest: Any, **named: Any) -> Any:
        return submit(self, recorder.carried(fn), *rest, **named)

    ThreadPoolExecutor.submit = submitted  # type: ignore[method-assign,assignment]
    with contextlib.suppress(ImportError):
        from twisted.python.threadpool import ThreadPool

        call = ThreadPool.callInThreadWithCallback

        def called(self: Any, back: Any, func: Any, *rest: Any, **named: Any) -> Any:
            return call(self, back, recorder.carried(func), *rest, **named)

        ThreadPool.callInThreadWithCallback = called


def run(root: Path, out: Path, program: list[str]) -> int:
    """Run `program`, write what was recorded to `out`; gives the program's exit status."""
    sys.path.insert(0, str(Path.cwd()))
    import coverage

    recorder = Recorder(root)
    covered = coverage.Coverage(
        data_file=None, config_file=False, include=[f"{recorder.root}*"], messages=False
    )
    covered.start()
    carry_over_threads(recorder)
    operands = Operands(recorder.path)
    operands.install()
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
        found = recorder.dump(lines) | {"skipped": operands.skipped()}
        out.write_text(json.dumps(found), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:]))
