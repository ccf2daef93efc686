"""An application in a virtual environment of its own, and what is recorded of it there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIMIT_SECONDS = 1500


@dataclass(frozen=True, slots=True)
class Application:
    """Read from ``applications/NAME.toml``.

    `requirements` are what pip installs; `package` is the importable package that is analysed;
    `sdist` is set where its tests are only in the source archive, which then stands before the
    installed package; `path` are further folders to import from; `modules` are imported to declare
    the tables (SQLAlchemy); `routes` are the arguments of `inside/routes.py`, empty where they are
    not measured; `session` is the module with arguments that is recorded, empty for
    tables only. `environment` values, `path` and `session` may hold ``{work}`` (a folder to write
    in), ``{root}`` (the folder of the package), ``{here}`` (this folder) and, where `extensions` is
    set (a list of PostgreSQL's, perhaps empty),
    ``{postgres}``: the URL of a database of an embedded server that lives as long as the program.
    """

    name: str
    folder: Path
    framework: str
    package: str
    requirements: tuple[str, ...]
    session: tuple[str, ...]
    modules: tuple[str, ...] = ()
    sdist: str | None = None
    extensions: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()

    @classmethod
    def read(cls, name: str, data: dict[str, Any], cache: Path) -> Application:
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(name=name, folder=cache.resolve() / name, **plain)

    @property
    def python(self) -> Path:
        return self.folder / "venv/bin/python"

    @property
    def root(self) -> Path:
        """The folder of the package that is analysed."""
        if self.sdist:
            return next((self.folder / "source").glob("*")) / self.package.replace(".", "/")
        found = self.folder.glob(f"venv/lib/python3*/site-packages/{self.package}")
        return next(found)

    @property
    def work(self) -> Path:
        (self.folder / "work").mkdir(exist_ok=True)
        return self.folder / "work"

    def version(self) -> str:
        code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
        name = self.requirements[0].partition("==")[0].partition("[")[0]
        done = subprocess.run(
            [self.python, "-c", code, name], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def declared(self, again: bool = False) -> list[dict[str, Any]]:
        """The tables as `inside/declared.py` prints them; kept in the cache."""
        kept = self.folder / "declared.json"
        if again or not kept.exists():
            arguments = [str(HERE / "inside/declared.py"), str(self.root), self.framework]
            done = self._run([*arguments, *self.modules])
            (self.folder / "declared.log").write_text(done.stderr, "utf-8")
            done.check_returncode()
            kept.write_text(
                done.stdout[done.stdout.rindex("\n") + 1 if "\n" in done.stdout else 0 :]
            )
        return list(json.loads(kept.read_text("utf-8")))

    def answered(self, again: bool = False) -> list[dict[str, Any]]:
        """The routes as `inside/routes.py` prints them; kept in the cache."""
        kept = self.folder / "routes.json"
        if again or not kept.exists():
            done = self._run([str(HERE / "inside/routes.py"), str(self.root), *self.routes])
            (self.folder / "routes.log").write_text(done.stderr, "utf-8")
            done.check_returncode()
            kept.write_text(done.stdout.rpartition("\n")[2], "utf-8")
        return list(json.loads(kept.read_text("utf-8")))

    def trace(self, again: bool = False) -> dict[str, Any]:
        """The recorded session (see `inside/recorder.py`); kept in the cache. An application
        without one is measured by its tables only."""
        if not self.session:
            return {"statements": [], "touched": [], "made": [], "lines": {}}
        kept = self.folder / "trace.json"
        if again:
            kept.unlink(missing_ok=True)
        if not kept.exists():
            arguments = [str(HERE / "inside/recorder.py"), str(self.root), str(kept), "--"]
            print(f"recording {self.name}", file=sys.stderr, flush=True)
            done = self._run([*arguments, *self.session])
            (self.folder / "session.log").write_text(done.stdout + done.stderr, "utf-8")
            if not kept.exists():
                done.check_returncode()
        return dict(json.loads(kept.read_text("utf-8")))

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        with self._database() as url:
            return self._run_with(arguments, url)

    @contextlib.contextmanager
    def _database(self) -> Iterator[str]:
        """The URL of an empty database, "" where none is wanted."""
        if self.extensions is None:
            yield ""
            return
        from migrator.run.servers import EmbeddedPostgres

        with EmbeddedPostgres(self.folder / "postgres", durable=False) as server:
            server.drop_database(self.name)
            url = server.create_database(self.name).replace("+psycopg", "", 1)
            import psycopg

            with psycopg.connect(url, autocommit=True) as connection:
                for extension in self.extensions:
                    connection.execute(f'CREATE EXTENSION "{extension}"'.encode())
            yield url

    def _run_with(self, arguments: list[str], url: str) -> subprocess.CompletedProcess[str]:
        holes = {
            "{work}": str(self.work), "{root}": str(self.root), "{here}": str(HERE),
            "{postgres}": url,
        }  # fmt: skip

        def filled(text: str) -> str:
            for hole, value in holes.items():
                text = text.replace(hole, value)
            return text

        path = [str(HERE / "inside"), str(HERE / "sessions")]
        path += [str(self.root.parent)] if self.sdist else []
        path += map(filled, self.path)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            "PYTHONHASHSEED": "0",
            **{k: filled(v) for k, v in self.environment.items()},
            "PYTHONPATH": os.pathsep.join(path),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
        }
        return subprocess.run(
            [str(self.python), *map(filled, arguments)],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            stdin=subprocess.DEVNULL,
        )


def installed(app: Application) -> None:
    """Make the virtual environment unless it is there. Raises CalledProcessError."""
    done = app.folder / "installed"
    wanted = "\n".join([*app.requirements, app.sdist or ""])
    if done.exists() and done.read_text("utf-8") == wanted:
        return
    app.folder.mkdir(parents=True, exist_ok=True)
    print(f"installing {app.name}", file=sys.stderr, flush=True)
    run = {"check": True, "capture_output": True, "text": True}
    subprocess.run([sys.executable, "-m", "venv", str(app.folder / "venv")], **run)  # type: ignore[call-overload]
    pip = [str(app.python), "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *quiet, *app.requirements, "coverage>=7"], **run)  # type: ignore[call-overload]
    if app.sdist:
        archives = app.folder / "sdist"
        command = ["download", *quiet, "--no-deps", "--no-binary", ":all:", "-d", str(archives)]
        subprocess.run([*pip, *command, app.sdist], **run)  # type: ignore[call-overload]
        with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
            archive.extractall(app.folder / "source", filter="data")
    done.write_text(wanted, "utf-8")
