"""Whether a string may be SQL, or name a file of it: asked of every string, so it looks at its ends
only."""

from __future__ import annotations

_VERBS = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "TRUNCATE", "MERGE", "REPLACE", "CREATE",
     "ALTER", "DROP", "COPY", "LOCK", "CALL", "REFRESH"}
)  # fmt: skip


def may_be_sql(text: str) -> bool:
    """A verb of SQL first (after blanks and comments) and at least one word more, or the name of a
    file of SQL."""
    if text.endswith(".sql"):
        return names_sql_file(text)
    head = text.lstrip(" \t\r\n(;")
    if head.startswith(("--", "/*")):
        head = _without_comments(head)
    word = head[:9].split(None, 1)
    return bool(word) and word[0].upper() in _VERBS and len(head) > len(word[0]) + 1


def _without_comments(text: str) -> str:
    while text.startswith(("--", "/*")):
        end = "\n" if text.startswith("--") else "*/"
        _, found, text = text.partition(end)
        if not found:
            return ""
        text = text.lstrip(" \t\r\n(;")
    return text


def names_sql_file(text: str) -> bool:
    """Whether the text is a path that ends in ``.sql``."""
    return text.endswith(".sql") and "\n" not in text and len(text) > 4
