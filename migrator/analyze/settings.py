"""``[analyze]`` of `migrator.toml` (or ``[tool.migrator.analyze]``): what of a tree is read.

```toml
[analyze]
roots = ["src", "libs"]        # source roots; by default the files' own imports decide
exclude = ["scripts/*"]        # globs of paths that are left out
frameworks = ["sqlalchemy"]    # plug-ins by name; by default all
generated = true               # read also files that say a program wrote them
dialect = "mysql"              # of SQL text; by default what the drivers tell

[analyze.prefixes]             # what the code computes of URLs: their parts `${…}`
"settings.BASE_PATH" = "app/"
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migrator.model.config import Section, nearest_config

_KEYS = ("roots", "exclude", "frameworks", "generated", "dialect", "prefixes")


@dataclass(frozen=True, slots=True)
class Settings:
    """Empty tuples and None mean the default."""

    roots: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    dialect: str | None = None
    generated: bool = False
    prefixes: tuple[tuple[str, str], ...] = ()


def settings_for(root: Path) -> Settings:
    """The settings in the folder `root`, or in the nearest one above it inside its repository.

    Raises MigratorError with file and line where a setting is wrong.
    """
    return _read(nearest_config(root).section("analyze"))


def _read(section: Section) -> Settings:
    section.known(_KEYS)
    dialect = section.values.get("dialect")
    if dialect is not None:
        from sqlglot.dialects.dialect import Dialect

        if not isinstance(dialect, str) or Dialect.get(dialect) is None:
            section.fail("dialect", f"dialect: no SQL dialect {dialect!r}", "for example postgres")
    return Settings(
        _strings(section, "roots"),
        _strings(section, "exclude"),
        _strings(section, "frameworks"),
        dialect,
        _flag(section, "generated"),
        _prefixes(section.section("prefixes")),
    )


def _prefixes(section: Section) -> tuple[tuple[str, str], ...]:
    for key, value in section.values.items():
        if not isinstance(value, str):
            section.fail(key, f"{key}: a text expected, {value!r} found")
    return tuple(sorted(section.values.items()))


def _flag(section: Section, key: str) -> bool:
    value = section.values.get(key, False)
    if not isinstance(value, bool):
        section.fail(key, f"{key}: true or false expected, {value!r} found")
    return bool(value)


def _strings(section: Section, key: str) -> tuple[str, ...]:
    value = section.values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        section.fail(key, f"{key}: a list of strings expected, {value!r} found")
    return tuple(value)
