"""The monolith's own telemetry: the services' instrumentation, in a folder beside its package."""

from __future__ import annotations

from pathlib import Path

from migrator.scaffold.templates import plain_tree, render, templates_root

_STARTERS = ("wsgi.py", "asgi.py", "manage.py", "app.py", "main.py")


def telemetry_folder(package: str) -> str:
    """The folder's name, an importable package."""
    return f"{package}_telemetry"


def monolith_files(package: str) -> dict[str, str]:
    """The files of the folder, paths below it."""
    root = templates_root()
    files = {
        path.removeprefix("x/"): text
        for path, text in plain_tree(root / "chassis/chassis/telemetry", "x")
        if path.endswith(".py")
    }
    folder = telemetry_folder(package)
    files["start.py"] = render("monolith/start.py.j2", folder=folder, service=package)
    files["requirements.txt"] = (root / "monolith/requirements.txt").read_text("utf-8")
    return files


def starter(root: Path) -> str | None:
    """The file that starts the application, where one of the usual names is there."""
    return next((name for name in _STARTERS if (root / name).is_file()), None)
