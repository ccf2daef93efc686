"""Progress of long work: a bar on a terminal, nothing where the output is piped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

_COUNTED = re.compile(r"(?P<done>\d+) of (?P<total>\d+)")


@contextmanager
def telling(console: Console) -> Iterator[Callable[[str], None]]:
    """What to call with a message; one with ``12 of 40`` in it fills the bar so far."""
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("starting", total=None)

        def tell(message: str) -> None:
            counted = _COUNTED.search(message)
            done, total = (int(counted[k]) for k in ("done", "total")) if counted else (0, None)
            shown.update(task, description=f"{message:<28}", completed=done, total=total)

        yield tell
