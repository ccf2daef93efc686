"""Glue without what a service lacks."""

from __future__ import annotations

import libcst as cst
import pytest

from migrator.scaffold.carve.prune import Pruner


def pruned(text: str) -> str:
    return cst.parse_module(text).visit(Pruner({"Gone"}, frozenset().__contains__)).code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if has(Gone.table):\n    a()\nb()\n", "b()\n"),
        ("if has(Gone.table):\n    a()\nelse:\n    c()\n    d()\nb()\n", "c()\nd()\nb()\n"),
        ("if Gone: a()\nelse: c()\n", "c()\n"),
        ("if Gone:\n a()\nelif x:\n c()\nelse:\n d()\n", "if x:\n c()\nelse:\n d()\n"),
        ("if x:\n a()\nelif Gone:\n c()\nelse:\n d()\n", "if x:\n a()\nelse:\n d()\n"),
        ("if x:\n    a()\nelif Gone:\n    c()\n", "if x:\n    a()\n"),
        ("if x:\n a()\nelif Gone:\n c()\nelif y:\n d()\n", "if x:\n a()\nelif y:\n d()\n"),
        ("if x:\n    Gone()\n", "if x:\n    pass\n"),
        ("while Gone.more():\n    a()\nb()\n", "b()\n"),
        ("with Gone() as g:\n    a(g)\nb()\n", "b()\n"),
        ("for g in Gone.all():\n    a(g)\nb()\n", "b()\n"),
        ("for g in [x, Gone]:\n    a(g)\n", "for g in [x, ]:\n    a(g)\n"),
        ("def f():\n    if Gone:\n        a()\n", "def f():\n    pass\n"),
        ("def f():\n    g = Gone()\n    h = g.h\n    h(1)\n    b()\n", "def f():\n    b()\n"),
        ("def f(g=1):\n    g = Gone()\n    a(g)\n", "def f(g=1):\n    a(g)\n"),
        ("def f():\n    g = 1\n    g = Gone()\n    a(g)\n", "def f():\n    g = 1\n    a(g)\n"),
        ("def f():\n    g = Gone()\n    return g\n", "def f():\n    return g\n"),
    ],
)  # fmt: skip
def test_what_is_asked_of_the_missing_is_not_so(before: str, after: str) -> None:
    assert pruned(before) == after
