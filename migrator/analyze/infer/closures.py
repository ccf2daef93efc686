"""What a nested function can see of the frame around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrator.analyze.infer.values import Closure, Value

# By the identity of a body, which is kept beside so that no other can take its place.
Mentioned = dict[int, tuple[object, tuple[str, ...]]]


def names_seen(closure: Closure, env: Mapping[str, Value | None], memo: Mentioned) -> Iterable[str]:
    """The names of the frame `env` that `closure` may read, those of nested functions that it may
    call included; in the same order for the same closure and the same functions."""
    found = dict.fromkeys(_mentioned(closure.body, memo))
    waiting = list(found)
    while waiting:
        value = env.get(waiting.pop())
        if type(value) is Closure:
            more = [name for name in _mentioned(value.body, memo) if name not in found]
            found.update(dict.fromkeys(more))
            waiting += more
    return found


def _mentioned(body: object, memo: Mentioned) -> tuple[str, ...]:
    """Every string in a body that may be a name, with what stands before each of its dots."""
    known = memo.get(id(body))
    if known is None:
        found: dict[str, None] = {}
        waiting = [body]
        while waiting:
            part = waiting.pop()
            if type(part) is tuple:
                waiting += part
            elif type(part) is str and " " not in part:
                parts = part.split(".")
                found.update(dict.fromkeys(".".join(parts[:n]) for n in range(1, len(parts) + 1)))
        known = memo[id(body)] = body, tuple(found)
    return known[1]
