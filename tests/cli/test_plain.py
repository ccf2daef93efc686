"""What the command line converts by itself is what Typer makes of it."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from migrator.cli._plain import PlainCommand


class Shade(StrEnum):
    dark = "dark"
    light = "light"


def told(
    path: Annotated[Path, typer.Argument()],
    other: Annotated[Path, typer.Option()] = Path("there"),
    shade: Annotated[Shade, typer.Option()] = Shade.dark,
    name: Annotated[str | None, typer.Option()] = None,
    count: Annotated[int, typer.Option()] = 3,
    flag: Annotated[bool, typer.Option("--flag")] = False,
    many: Annotated[list[str] | None, typer.Option()] = None,
    present: Annotated[Path | None, typer.Option(exists=True)] = None,
) -> None:
    typer.echo(repr((path, other, shade, name, count, flag, many, present)))


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["."], ["missing"], [".", "--other", "."], [".", "--other", "nowhere"],
        [".", "--shade", "light"], [".", "--shade", "lime"], [".", "--name", ""],
        [".", "--name", "x"], [".", "--count", "7"], [".", "--count", "seven"], [".", "--flag"],
        [".", "--many", "a", "--many", "b"], [".", "--present", "."], [".", "--present", "no"],
        ["--help"], [".", "--unknown"],
    ],
)  # fmt: skip
def test_plain_values_are_what_typer_makes_of_them(arguments: list[str]) -> None:
    results = []
    for kind in ({}, {"cls": PlainCommand}):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command("told", **kind)(told)
        results.append(CliRunner().invoke(app, arguments))
    usual, ours = results
    assert (ours.exit_code, ours.output) == (usual.exit_code, usual.output)


def test_commands_without_options_do_not_import_what_converts(tmp_path: Path) -> None:
    code = "import sys; from migrator.cli import main\ntry: main()\nfinally: print([*sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code, "verify"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "'typer'" in ran.stdout and "'pydantic'" not in ran.stdout
