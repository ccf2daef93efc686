"""`migrator.toml`, or `[tool.migrator]` of `pyproject.toml`: what people set; all has a default."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from migrator.model.errors import MigratorError


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file, by its dotted `name`; empty where the file has none."""

    name: str
    values: Mapping[str, Any]
    path: Path | None = None
    text: str = ""
    prefix: str = ""

    def known(self, keys: tuple[str, ...]) -> None:
        """Raises MigratorError where the section has a key that is none of `keys`."""
        for key in self.values:
            if key not in keys:
                hint = f"[{self.name}] knows {', '.join(keys)}"
                self.fail(key, f"unknown setting {key!r} in [{self.name}]", hint)

    def section(self, name: str) -> Section:
        """The table `name` within this one; raises MigratorError where it is no table."""
        found = self.values.get(name, {})
        if not isinstance(found, Mapping):
            self.fail(name, f"{name}: a table expected, {found!r} found")
        whole = f"{self.name}.{name}" if self.name else name
        return Section(whole, found, self.path, self.text, self.prefix)

    def number(self, key: str, default: float) -> float:
        """A number from 0 up; raises MigratorError for anything else."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
            self.fail(key, f"{key}: a number from 0 up expected, {value!r} found")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty by default; raises MigratorError for anything else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(key, f"{key}: a list of texts expected, {value!r} found")
        return tuple(value)

    def fail(self, key: str, what: str, hint: str | None = None) -> NoReturn:
        """Raises MigratorError at the line of `key` in this section."""
        raise MigratorError(what, where=f"{self.path}:{self._line(key)}", hint=hint)

    def _line(self, key: str) -> int:
        head = re.escape(self.prefix + self.name)
        inside = False
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.lstrip().startswith("["):
                inside = re.match(rf"\s*\[\s*{head}\s*\]", line) is not None
                if re.match(rf"\s*\[\s*{head}\.{re.escape(key)}\b", line):
                    return number
            elif inside and re.match(rf"\s*['\"]?{re.escape(key)}['\"]?\s*=", line):
                return number
        return 1


@dataclass(frozen=True, slots=True)
class Config:
    """All of the file; `path` is None where there is none."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    prefix: str = ""

    def section(self, name: str) -> Section:
        """The table ``[name]``; raises MigratorError where it is no table."""
        return Section("", self.values, self.path, self.text, self.prefix).section(name)


def read_config(folder: Path) -> Config:
    """The settings in `folder`: `migrator.toml`, else `[tool.migrator]`, else nothing.

    Raises MigratorError with the line where the file cannot be read or is no TOML.
    """
    own = folder / "migrator.toml"
    if own.exists():
        text = _text(own)
        return Config(own, _parsed(own, text), text)
    project = folder / "pyproject.toml"
    if project.exists():
        text = _text(project)
        if "tool.migrator" in text:
            values = _parsed(project, text).get("tool", {}).get("migrator", {})
            return Config(project, values, text, "tool.migrator.")
    return Config()


def nearest_config(root: Path) -> Config:
    """The settings in the folder `root`, or in the nearest one above it inside its repository."""
    folder = root.resolve() if root.is_dir() else root.resolve().parent
    for above in (folder, *folder.parents):
        config = read_config(above)
        if config.path is not None:
            return config
        if (above / ".git").exists():
            break
    return Config()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MigratorError(f"cannot be read: {error}", where=str(path)) from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f"{path}:{found[1]}:{found[2]}" if found else str(path)
        what = re.sub(r" \(at .*\)", "", str(error))
        raise MigratorError(f"broken TOML: {what}", where=where) from error
