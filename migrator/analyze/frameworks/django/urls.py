"""A regular expression as a URL, its groups as placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any


def plain(regex: str) -> str:
    """``^(?P<pk>\\d+)/$`` as ``<pk>/``; what may hold a slash as ``<path:name>``. A pattern that
    Python cannot read stays as it is."""
    try:
        parsed = _parser.parse(regex)
    except (re.error, OverflowError, RecursionError):
        return regex
    names = {number: name for name, number in parsed.state.groupdict.items()}
    return "".join(_parts(parsed, names))


def _parts(pattern: Any, names: dict[int, str]) -> Iterator[str]:
    for kind, value in pattern:
        if kind is kinds.LITERAL:
            yield chr(value)
        elif kind is kinds.ANY:
            yield "."  # meant as one, as in `robots.txt`
        elif kind is kinds.AT or kind in (kinds.ASSERT, kinds.ASSERT_NOT):
            continue
        elif kind is kinds.SUBPATTERN:
            yield from _group(value, names)
        elif kind is kinds.MAX_REPEAT and _is_slash(value):
            yield "/"
        else:
            yield _placeholder("any", [(kind, value)])


def _group(value: Any, names: dict[int, str]) -> Iterator[str]:
    number, _, _, inside = value
    if number in names:
        yield _placeholder(names[number], inside)
    elif number is not None:
        yield _placeholder("any", inside)
    else:
        yield from _parts(inside, names)


def _placeholder(name: str, inside: Any) -> str:
    return f"<path:{name}>" if _crosses(inside) else f"<{name}>"


def _is_slash(value: Any) -> bool:
    least, most, inside = value
    return (least, most) == (0, 1) and list(inside) == [(kinds.LITERAL, ord("/"))]


def _crosses(pattern: Any) -> bool:
    """Whether it may match text with a slash in it."""
    for kind, value in pattern:
        if kind is kinds.ANY or (kind is kinds.LITERAL and value == ord("/")):
            return True
        if kind is kinds.NOT_LITERAL:
            return bool(value != ord("/"))
        if kind is kinds.IN and _set_crosses(value):
            return True
        if kind is kinds.SUBPATTERN and _crosses(value[3]):
            return True
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT) and _crosses(value[2]):
            return True
        if kind is kinds.BRANCH and any(_crosses(one) for one in value[1]):
            return True
    return False


def _set_crosses(members: Any) -> bool:
    negated = any(kind is kinds.NEGATE for kind, _ in members)
    slash = ord("/")
    outside = (kinds.CATEGORY_NOT_WORD, kinds.CATEGORY_NOT_SPACE, kinds.CATEGORY_NOT_DIGIT)
    has = any(
        (kind is kinds.LITERAL and value == slash)
        or (kind is kinds.RANGE and value[0] <= slash <= value[1])
        or (kind is kinds.CATEGORY and value in outside)
        for kind, value in members
    )
    return has != negated
