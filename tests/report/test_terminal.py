"""The summary fits one screen; progress shows on terminals alone."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from support.graphs import big, sample

from migrator.model.graph import CoChange, Discrepancy, Graph
from migrator.report.progress import telling
from migrator.report.terminal import summary


def screen(graph: Graph, width: int = 80) -> list[str]:
    out = StringIO()
    Console(file=out, width=width, highlight=False).print(summary(graph, ".migrator/graph.json"))
    return out.getvalue().splitlines()


def with_evidence() -> Graph:
    told = tuple(Discrepancy("table_without_code", f"t{n}", "x") for n in range(50))
    return replace(big(300, 80), discrepancies=told, co_changes=(CoChange("a", "b", 2, 1.0),))


@pytest.mark.parametrize("graph", [sample, lambda: big(300, 80), with_evidence])
def test_the_summary_fits_a_screen_of_80_by_24(graph) -> None:  # type: ignore[no-untyped-def]
    lines = screen(graph())
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_the_summary_names_counts_shared_tables_and_what_was_not_resolved() -> None:
    text = "\n".join(screen(sample(), 160))
    stats = sample().stats
    assert f"{stats['tables']} tables" in text
    assert f"{stats['unresolved']} unresolved" in text
    assert " accounts.privacy:erase_user" in f" {text}".replace("\n", " ")
    first = sample().unresolved[0]
    assert f"{first.path}:{first.line}" in text


def test_progress_is_a_bar_on_a_terminal_and_nothing_elsewhere() -> None:
    for terminal in (True, False):
        out = StringIO()
        with telling(Console(file=out, force_terminal=terminal, width=80)) as tell:
            tell("reading 20 of 40 files")
        assert ("reading 20 of 40 files" in out.getvalue()) is terminal
        assert bool(out.getvalue()) is terminal
