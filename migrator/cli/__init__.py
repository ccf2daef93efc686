"""The command line: one file a command, each reads its arguments and calls one function.

Nothing heavy is imported here: `migrator --help` must answer in less than 0.2 s.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import pkgutil
import sys

import typer

from migrator import __version__
from migrator.cli._plain import PlainGroup
from migrator.model.errors import MigratorError

app = typer.Typer(
    name="migrator",
    cls=PlainGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Take a Python monolith to services that own their tables. "
    "The usual way: analyze, plan, edit migration.yaml, scaffold, up --check, verify.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"migrator {__version__}{' (compiled)' if _is_compiled() else ''}")
        raise typer.Exit


def _is_compiled() -> bool:
    """Whether the wheel was built so: docs/compiled.md."""
    found = importlib.util.find_spec("migrator.analyze.infer.interpreter")
    return found is not None and not (found.origin or "").endswith(".py")


@app.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
) -> None:
    del version


def _register_commands() -> None:
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            module.register(app)


def main() -> None:
    """Run the command line; the one place where errors become messages and exit codes."""
    _register_commands()
    try:
        app()
    except MigratorError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    finally:
        # Python's last act is a collection of all that was ever made; the system takes it anyway.
        gc.freeze()
