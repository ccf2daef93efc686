"""Where the templates lie, and how one is rendered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2

_SKIPPED_DIRECTORIES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "tests"}


@cache
def templates_root() -> Path:
    """The folder of templates: inside the installed wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def runbooks_root() -> Path:
    """The folder of runbooks: inside the installed wheel, or ``docs/runbooks`` of a checkout."""
    installed = templates_root() / "runbooks"
    return installed if installed.is_dir() else templates_root().parent / "docs" / "runbooks"


def plain_tree(root: Path, target: str) -> Iterator[tuple[str, str]]:
    """Every file below `root` as (path below `target`, text), copied as it is."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"{target}/{path.relative_to(root).as_posix()}", path.read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_root()),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **context: object) -> str:
    """Render the template of that path below the templates' root."""
    return _environment().get_template(template).render(**context)


def rendered_tree(folder: str, target: str, **context: object) -> Iterator[tuple[str, str]]:
    """Every file below `folder` as (path below `target`, text); ``.j2`` files are rendered,
    others copied as they are."""
    root = templates_root() / folder
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if not path.is_file() or _SKIPPED_DIRECTORIES.intersection(relative.parts):
            continue
        if path.suffix == ".pyc" or any(part.endswith(".egg-info") for part in relative.parts):
            continue
        name = relative.as_posix()
        if name.endswith(".j2"):
            text = render(f"{folder}/{name}", **context)
            name = name.removesuffix(".j2")
        else:
            text = path.read_text(encoding="utf-8")
        yield f"{target}/{name}" if target else name, text
