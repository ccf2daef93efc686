"""Files of the monolith that the graph does not know: which of them a carved service needs.

Of what lies below its packages a service takes the data files that its code names, the modules
that a program wrote (``*_pb2.py``) where its code or another of them names them, and the templates
that its code, or a template which it takes, names: all of them where it renders one whose name is
computed. What browsers fetch (``static``) stays with the monolith, behind the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migrator.model.graph import Module
from migrator.scaffold.carve.paths import carved_folders, carved_path

_TEMPLATES = (".html", ".htm", ".j2", ".jinja", ".jinja2", ".mako", ".mjml", ".txt", ".xml")
_COMPUTED = re.compile(r"\b(?:render_template|get_template)\(\s*(?!['\")])")


@dataclass(frozen=True, slots=True)
class Assets:
    """`texts` by path as the monolith has it; `left` are those that are too large or no text."""

    texts: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def assets_of(
    carved: Mapping[str, str], modules: Iterable[Module], assets: Assets
) -> tuple[dict[str, str], list[str]]:
    """Path in the service -> text, and what a person must look at, for modules as `carved`."""
    folders = carved_folders(m for m in modules if carved_path(m) in carved)
    reachable = {path: to for path in assets.texts if (to := _moved(path, folders)) is not None}
    spoken = "\n".join(carved.values())
    every = _COMPUTED.search(spoken) is not None
    templates = {path for path in reachable if _is_template(path)}
    taken = {p for p in reachable if _named(p, spoken) and (p in templates or not _is_static(p))}
    taken |= {path for path in templates if every and "templates" in path.split("/")}
    naming = templates | {path for path in reachable if _is_code(path)}
    waiting = sorted(taken & naming)
    while waiting:
        text = assets.texts[waiting.pop()]
        found = {path for path in naming - taken if _named(path, text)}
        taken |= found
        waiting += sorted(found)
    problems = [
        f"{path} is named but is no text, or too large: copy it"
        for path in assets.left
        if not _is_static(path) and _named(path, spoken) and _moved(path, folders) is not None
    ]
    return {reachable[path]: assets.texts[path] for path in sorted(taken)}, problems


def _named(path: str, text: str) -> bool:
    file = PurePosixPath(path)
    if _is_code(path):
        return re.search(rf"\b{re.escape(file.stem)}\b", text) is not None
    return file.name in text


def _is_code(path: str) -> bool:
    return path.endswith(".py")


def _is_static(path: str) -> bool:
    return any(part.startswith("static") for part in path.split("/"))


def _moved(path: str, folders: Mapping[PurePosixPath, PurePosixPath]) -> str | None:
    """Where `path` lies in the service: beside the modules of the nearest folder that has some."""
    for parent in PurePosixPath(path).parents:
        if parent in folders:
            return str(folders[parent] / PurePosixPath(path).relative_to(parent))
    return None


def _is_template(path: str) -> bool:
    return path.endswith(_TEMPLATES)
