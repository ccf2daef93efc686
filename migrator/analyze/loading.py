"""From files to the project: which are read, and what each module is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from migrator.analyze.discover import SourceFile, prefixes_of
from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.source import read_file
from migrator.analyze.frameworks.django.fixtures import rows_in
from migrator.analyze.migrations import with_roles
from migrator.analyze.project.modules import Module, absolute_module
from migrator.analyze.project.project import Project
from migrator.analyze.project.roots import name_files
from migrator.analyze.schema import Schema
from migrator.analyze.settings import Settings
from migrator.analyze.test_files import is_test
from migrator.model.graph import Unresolved

# A larger one is a dump of rows.
_LARGEST_SCRIPT = 2_000_000
_ENOUGH_ROWS = 500_000


def read_scripts(scripts: Iterable[SourceFile], schema: Schema) -> None:
    """Add the files of SQL to the schema."""
    for script in scripts:
        source = read_file(script.file, _LARGEST_SCRIPT)
        if isinstance(source, str):
            schema.unresolved.append(Unresolved(script.path, 1, "file of SQL", source))
        else:
            schema.sql_files[script.path] = source.decode("utf-8-sig", "replace")


def read_rows(files: Iterable[SourceFile], schema: Schema) -> None:
    """Add what the files of rows hold; of a larger one its beginning tells enough."""
    for file in files:
        try:
            with file.file.open("rb") as opened:
                schema.row_files[file.path] = rows_in(opened.read(_ENOUGH_ROWS))
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
            schema.unresolved.append(Unresolved(file.path, 1, "file of rows", why))


def load(
    root: Path, files: Sequence[SourceFile], every: Sequence[Facts], settings: Settings
) -> tuple[Project, list[Unresolved]]:
    """All modules by name, and the files that could not be read."""
    unresolved = [
        Unresolved(file.path, facts.trouble[0], "module", facts.trouble[1])
        for file, facts in zip(files, every, strict=True)
        if facts.trouble is not None
    ]
    sound = [(f, x) for f, x in zip(files, every, strict=True) if x.trouble is None]
    readable = [(f, x) for f, x in with_roles(sound) if _is_read(f, x, settings)]
    names = name_files(
        [f.path for f, _ in readable], _imported(readable),
        prefixes=prefixes_of(root), roots=settings.roots,
    )  # fmt: skip
    modules = [Module(names[f.path], f.path, x, f.role) for f, x in readable]
    return Project(modules), unresolved


def _is_read(file: SourceFile, facts: Facts, settings: Settings) -> bool:
    """Generated code is left out, but for revisions: they tell tables, whoever wrote them."""
    if is_test(file.path, facts.interface):
        return False
    return settings.generated or file.role != "code" or not facts.interface.generated


def _imported(files: Iterable[tuple[SourceFile, Facts]]) -> Iterator[str]:
    """The absolute names that the files import, for the vote on their own names."""
    for _, facts in files:
        for _, _, _, level, module, names in facts.interface.imports:
            if level == -1:
                yield from (name for name, _ in names)
            elif level == 0:
                for name, _ in names:
                    yield f"{absolute_module('', False, module, 0)}.{name}"
