"""What of Django's, or of a package beside it, a class is: by its bases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Sort = Literal[
    "form", "formset", "serializer", "view", "filter", "table", "feed", "admin", "inline"
]


def sort_of(foreign: tuple[str, ...]) -> Sort | None:
    """What a class is by the bases that the monolith does not define."""
    for wanted, test in _TESTS:
        if any(test(f, f.rpartition(".")[2]) for f in foreign):
            return wanted
    return None


_FEEDS = ("django.contrib.syndication", "django.contrib.sitemaps")
_VIEWS = ("View", "ViewSet", "Mixin")
_VIEW_HOMES = ("django.views", "django.contrib", "rest_framework")
_TESTS: tuple[tuple[Sort, Callable[[str, str], bool]], ...] = (
    ("formset", lambda dotted, last: ":" in dotted and last.lower().endswith("formset")),
    ("inline", lambda _, last: last.endswith(("Inline", "InlineModelAdmin"))),
    ("admin", lambda dotted, last: last.endswith("Admin") and ".admin" in dotted),
    ("serializer", lambda _, last: last.endswith("Serializer")),
    ("form", lambda dotted, last: last.endswith("Form") and "form" in dotted.rpartition(".")[0]),
    ("filter", lambda _, last: last.endswith("FilterSet")),
    ("table", lambda dotted, last: dotted.startswith("django_tables2") and last.endswith("Table")),
    ("feed", lambda dotted, _: dotted.startswith(_FEEDS)),
    ("view", lambda dotted, last: last.endswith(_VIEWS) and dotted.startswith(_VIEW_HOMES)),
)
