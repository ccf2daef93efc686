"""Takes credentials, tokens, cookies and mail addresses out of text that leaves the process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"authorization|cookie|passw(or)?d|passwd|pwd|secret|token|api[_-]?key|private[_-]?key"
    r"|credential|session[_-]?id|signature",
    re.IGNORECASE,
)
_SECRET_WORD = r"(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|signature)"
# Text without any of these, in lower case, holds nothing that the patterns below would find. Words
# within a text are found ten times as fast as by a pattern, and nearly every text has none.
_SUSPICIOUS = (
    "@", "%40", "://", "eyj", "bearer", "basic", "cookie", "authorization", "passw", "pwd",
    "secret", "token", "key", "signature", "session", "[parameters", "failing row",
    "invalid input",
)  # fmt: skip
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # SQLAlchemy's errors quote the statement's parameters, PostgreSQL's the row.
    (re.compile(r"\[parameters: .*?\](?=\n|\Z)", re.DOTALL), f"[parameters: {REDACTED}]"),
    (
        re.compile(r"(Key \([^)\n]*\)=\().*?(\) (?:already|is not|is still|conflicts))", re.DOTALL),
        rf"\1{REDACTED}\2",
    ),
    (re.compile(r"(Failing row contains \().*\)", re.DOTALL), rf"\1{REDACTED})"),
    (re.compile(r"(invalid input (?:syntax|value) for [^:\n]*: \").*\"", re.DOTALL), r'\1…"'),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"\b((?:set-)?cookie|authorization)(['\"]?\s*[:=]\s*)[^\r\n'\"]+", re.IGNORECASE
        ),
        rf"\1\2{REDACTED}",
    ),
    (
        re.compile(
            rf"([\w-]*(?:{_SECRET_WORD}|session[_-]?id)[\w-]*)"
            r"(['\"]?\s*(?:[:=]|%3D)\s*)(\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;&'\"}\])]+)",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}",
    ),
    # The password of a URL, postgresql://user:password@host, even one with a slash that
    # should have been escaped.
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@"), rf"\1{REDACTED}@"),
    # A JSON Web Token, wherever it stands.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"[\w.+!#$&*/=?^`{|}~%'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE), REDACTED),
)
_SQL = re.compile(
    r"(?P<kept>--[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z))"
    r"|[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)",
    re.DOTALL,
)


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a field of that name holds a secret, whatever its value looks like."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """`text` without credentials, tokens and mail addresses."""
    lowered = text.lower()
    for word in _SUSPICIOUS:
        if word in lowered:
            break
    else:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


# Longer text (a stack trace, say) seldom comes twice.
LONGEST_KEPT = 512


def redact_kept(name: str, value: object) -> object:
    """As `redact_value`, looked up where the same short text came before."""
    if type(value) is str and len(value) <= LONGEST_KEPT:
        return _kept(name, value)
    return redact_value(name, value)


def redact_value(name: str, value: object) -> object:
    """`value` of the field `name`, redacted by its name or, within, by its content."""
    if value is None or isinstance(value, bool | int | float):
        return REDACTED if value is not None and is_secret(name) else value
    if is_secret(name):
        return REDACTED
    if isinstance(value, str):
        return _SQL_BY_NAME.get(name, redact)(value)
    if isinstance(value, Mapping):
        return {str(key): redact_value(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value("", item) for item in value]
    return redact(str(value))


@lru_cache(maxsize=1024)
def sanitize_sql(statement: str) -> str:
    """`statement` with a ``?`` for every text literal, as the database convention advises.

    Placeholders, names and numbers stay. Comments are redacted as other text is.
    """
    return redact(_SQL.sub(lambda found: found["kept"] or "?", statement))


_SQL_BY_NAME = {"db.query.text": sanitize_sql, "db.statement": sanitize_sql}
_kept = lru_cache(maxsize=4096)(redact_value)
