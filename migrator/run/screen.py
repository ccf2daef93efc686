"""How `up` shows itself in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from migrator.run.checks import Result
from migrator.run.journey import Span, services, tree
from migrator.run.live import WINDOW_SECONDS, Row
from migrator.run.processes import Process


class TerminalScreen:
    """Prints progress, the table of processes and the results of the checks."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live: Live | None = None

    @property
    def watches(self) -> bool:
        """Whether a person looks on: figures that change are for terminals alone."""
        return self._console.is_terminal

    def figures(self, rows: Sequence[Row]) -> None:
        """The figures of now, in place of those before."""
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(_figures(rows), refresh=True)

    def journey(self, spans: Sequence[Span]) -> None:
        """One request's way through the services, as a tree."""
        if not spans:
            self._console.print("no request was traced")
            return
        lines = tree(spans)
        names = ", ".join(services(spans))
        width = max(len(line.span.place) for line in lines)
        said = [f"\ntrace {spans[0].trace}: {len(spans)} spans in {names}"]
        said.append(f"[dim]{'since start':>12} {'took':>11}[/dim]")
        for line in lines:
            failed = " [red]failed[/red]" if line.span.failed else ""
            count = f" ×{line.repeated}" if line.repeated > 1 else ""
            figures = f"{line.offset * 1000:9.1f} ms {line.seconds * 1000:8.1f} ms"
            what = escape(f"{line.indent}{line.text}{count}")
            said.append(f"{figures}  {line.span.place:<{width}}  {what}{failed}")
        # At once: the live table below is drawn anew after each print.
        self._console.print("\n".join(said), soft_wrap=True)

    def step(self, text: str) -> None:
        """Something begins."""
        if self._live is not None:
            self._live.stop()
            self._live = None
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


def _figures(rows: Sequence[Row]) -> Table:
    caption = f"the last {WINDOW_SECONDS:.0f} seconds; Ctrl-C stops"
    shown = Table(box=None, pad_edge=False, caption=caption, caption_justify="left")
    shown.add_column("service")
    for heading in ("up", "requests/s", "errors", "p95 ms", "outbox", "last message"):
        shown.add_column(heading, justify="right")
    for row in rows:
        errors = "" if row.errors is None else f"{row.errors:.1%}"
        up, _, all_of_them = row.processes.partition("/")
        shown.add_row(
            row.service,
            row.processes if up == all_of_them else f"[red]{row.processes}[/red]",
            f"{row.rate:.1f}",
            f"[red]{errors}[/red]" if row.errors else errors,
            "" if row.p95 is None else f"{row.p95 * 1000:.0f}",
            "" if row.pending is None else str(row.pending),
            "" if row.last_message is None else f"{row.last_message:.0f} s ago",
        )
    return shown
