"""How `up` shows itself in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrator.run.checks import Result
from migrator.run.processes import Process


class TerminalScreen:
    """Prints progress, the table of processes and the results of the checks."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def step(self, text: str) -> None:
        """Something begins."""
        self._console.print(f"{text} ...")

    def running(self, table: Sequence[Process], logs: Path) -> None:
        """Everything is ready."""
        shown = Table("service", "role", "URL", box=None, pad_edge=False)
        for process in table:
            shown.add_row(process.service, process.role, process.url or "")
        self._console.print(shown)
        self._console.print(f"logs: {logs}", soft_wrap=True)

    def died(self, name: str, reason: str, lines: Sequence[str], log: Path) -> None:
        """A process ended by itself."""
        self._console.print(f"[red]{escape(name)} {reason}[/red]; the end of {log}:")
        for line in lines:
            self._console.print(f"  {escape(line)}", soft_wrap=True)

    def results(self, results: Sequence[Result]) -> None:
        """The checks are done."""
        shown = Table("check", "result", "seconds", "what is wrong", box=None, pad_edge=False)
        for result in results:
            verdict = "[green]pass[/green]" if result.passed else "[red]FAIL[/red]"
            detail = escape("; ".join(result.problems))
            shown.add_row(escape(result.name), verdict, f"{result.seconds:.2f}", detail)
        self._console.print(shown)
        failed = sum(not result.passed for result in results)
        self._console.print(f"{len(results) - failed} passed, {failed} failed")
