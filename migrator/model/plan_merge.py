"""New values put into a document that people have edited: their order and comments stay."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from migrator.model.plan_cuts import identity

_KEYS = ("from", "what", "kind", "transaction", "service", "name")
_GROUP = ("from", "to")


def merged(old: CommentedMap, new: CommentedMap) -> None:
    """Change `old` to say what `new` says, touching only what differs."""
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        mine = old.get(key)
        if isinstance(value, CommentedMap) and isinstance(mine, CommentedMap):
            merged(mine, value)
        elif isinstance(value, list) and isinstance(mine, CommentedSeq) and mine and value:
            _items(mine, value)
        elif key not in old or mine != value:
            old[key] = value


def _items(old: CommentedSeq, new: list[Any]) -> None:
    """By what items are about, not by position; new ones beside those of their kind."""
    wanted = {_identity(item): item for item in new}
    for index in range(len(old) - 1, -1, -1):
        if _identity(old[index]) not in wanted:
            del old[index]
    known = {_identity(item) for item in old}
    for item in old:
        if isinstance(item, CommentedMap):
            merged(item, wanted[_identity(item)])
    for item in new:
        if _identity(item) not in known:
            old.insert(_place(old, item), item)


def _place(old: CommentedSeq, item: Any) -> int:
    group = _values(item, _GROUP)
    alike = [i for i, other in enumerate(old) if group and _values(other, _GROUP) == group]
    return alike[-1] + 1 if alike else len(old)


def _identity(item: Any) -> tuple[str, ...]:
    if isinstance(item, dict) and "decision" in item:
        return identity(item)
    return _values(item, _KEYS) or (repr(item),)


def _values(item: Any, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(item[k]) for k in keys if k in item) if isinstance(item, dict) else ()


def with_lost_comments(text: str, previous: str) -> str:
    """`text` with every whole-line comment of `previous` that it lacks, before the line that it
    stood before; where that line is gone too, at the end."""
    lines, kept = text.splitlines(), {line.strip() for line in text.splitlines()}
    before = previous.splitlines()
    for index, line in enumerate(before):
        if not line.lstrip().startswith("#") or line.strip() in kept:
            continue
        after = (x.strip() for x in before[index + 1 :] if x.strip() and x.strip()[0] != "#")
        anchor = next((x for x in after if x in kept), None)
        found = [i for i, x in enumerate(lines) if x.strip() == anchor]
        # Of several lines alike, the one that stands about as far down.
        share = index / len(before) * len(lines)
        at = min(found, key=lambda i: abs(i - share), default=len(lines))
        lines.insert(at, line)
    return "".join(f"{line}\n" for line in lines)
