"""Cuts as people review them: one entry for all of one kind between two services.

What is decided alike for the same reason stands in one entry, its things in a list, the
definitions of one file in braces: ``shop.billing.api:{charge, refund}``. An entry that names fewer
things wins over one that names more, so a decision about one thing is changed by an entry of its
own. Places, alternatives and the cost of each are on demand: `--explain`, `--format json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ruamel.yaml.comments import CommentedMap

from migrator.model.plan import Cut

_BRACES = re.compile(r"(?P<module>[^:{}]+):\{(?P<names>[^{}]*)\}")
_COSTLY = {"call", "manual"}
# Why code is copied differs in words only: in the file it is one entry for each pair of services.
COPIED = "keeps no state, or only reads: copied"


def grouped(cuts: Iterable[Cut]) -> list[CommentedMap]:
    """Entries in the order of their first cuts."""
    groups: dict[tuple[str, ...], list[Cut]] = {}
    for cut in cuts:
        copied = (cut.kind, cut.decision) == ("code", "replicate") and "copied" in cut.reason
        reason = COPIED if copied else cut.reason
        key = (cut.source, cut.target, cut.kind, cut.decision, reason)
        cut = replace(cut, reason=reason)
        groups.setdefault(key, []).append(cut)
    order = sorted(groups, key=lambda key: key[:2])
    return [_entry(groups[key]) for key in order]


def _entry(cuts: Sequence[Cut]) -> CommentedMap:
    first, found = cuts[0], CommentedMap()
    whats = braced([cut.what for cut in cuts])
    found["from"], found["to"] = first.source, first.target
    found["what"] = whats[0] if len(whats) == 1 else whats
    found["kind"], found["decision"], found["reason"] = first.kind, first.decision, first.reason
    if first.decision in _COSTLY and first.cost:
        found["cost"] = first.cost if len(cuts) == 1 else f"of each: {_cheapest(cuts)}"
    return found


def _cheapest(cuts: Sequence[Cut]) -> str:
    """What one of several costs, from the one used in the fewest places up."""
    least = min(cuts, key=lambda c: (len(c.places), c.what))
    return least.cost if len({c.cost for c in cuts}) == 1 else f"{least.cost}, or more places"


def braced(whats: Iterable[str]) -> list[str]:
    """``module:A`` and ``module:B`` as ``module:{A, B}``; all else as it is."""
    modules: dict[str, list[str]] = {}
    for what in whats:
        module, mark, name = what.partition(":")
        modules.setdefault(module if mark and " " not in what else what, []).append(name)
    return [
        f"{module}:{{{', '.join(sorted(names))}}}" if len(names) > 1
        else f"{module}:{names[0]}" if names[0] else module
        for module, names in modules.items()
    ]  # fmt: skip


def unbraced(what: str) -> list[str]:
    """The things that one item of an entry names."""
    found = _BRACES.fullmatch(what.strip())
    if found is None:
        return [what]
    names = (name.strip() for name in found["names"].split(","))
    return [f"{found['module']}:{name}" for name in names if name]


def expanded(entry: Cut, whats: Sequence[str]) -> list[Cut]:
    """One cut for each thing of an entry."""
    return [replace(entry, what=name) for what in whats for name in unbraced(what)]


def chosen(entries: Iterable[Sequence[Cut]]) -> tuple[Cut, ...]:
    """Of several entries about one thing the one that names fewest, of these the last."""
    found: dict[tuple[str, str, str], tuple[int, Cut]] = {}
    for entry in entries:
        for cut in entry:
            key = (cut.source, cut.what, cut.kind)
            if key not in found or len(entry) <= found[key][0]:
                found[key] = (len(entry), cut)
    return tuple(cut for _, cut in found.values())


def upgraded(document: Any) -> None:
    """A document of version 1, in place: its cuts as entries of version 2 say them, comments kept
    where the entry stays."""
    known: set[tuple[str, ...]] = set()
    cuts = document.get("cuts") or []
    for index in range(len(cuts) - 1, -1, -1):
        key = identity(cuts[index])
        if key in known:
            del cuts[index]
        known.add(key)


def identity(entry: Any) -> tuple[str, ...]:
    """What makes an entry the same one, whatever it lists."""
    return tuple(str(entry.get(k, "")) for k in ("from", "to", "kind", "decision", "reason"))
