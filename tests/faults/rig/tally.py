"""How many faults of each kind there were, and how many of them hurt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# So often at least must a kind have been injected before it must have hurt.
_ENOUGH = 5


@dataclass
class Tally:
    """Counts by action: `injected`; `bitten`, those that hurt; `amount`, what they hurt.

    The amount counts pieces held back, connections refused or reset, answers swallowed, processes
    and servers killed or stopped, copies stored. `results` counts what inboxes made of deliveries.
    """

    injected: Counter[str] = field(default_factory=Counter)
    bitten: Counter[str] = field(default_factory=Counter)
    amount: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)

    def note(self, action: str, hurt: int) -> None:
        """A fault of this kind is over and did `hurt`."""
        self.injected[action] += 1
        self.bitten[action] += hurt > 0
        self.amount[action] += hurt

    def add(self, other: Tally) -> None:
        """Take in what another schedule counted."""
        for name in ("injected", "bitten", "amount", "results"):
            getattr(self, name).update(getattr(other, name))

    def toothless(self, enough: int = _ENOUGH) -> list[str]:
        """Kinds that were injected `enough` times and never hurt: the rig is broken."""
        found = [a for a, times in self.injected.items() if times >= enough and not self.bitten[a]]
        for action, result in (("duplicate", "duplicate"), ("reorder", "stale")):
            if self.bitten[action] >= enough and not self.results[result]:
                found.append(action)
        return sorted(set(found))

    def __str__(self) -> str:
        faults = [
            f"  {action}: {times}, {self.bitten[action]} hurt ({self.amount[action]})"
            for action, times in sorted(self.injected.items())
        ]
        results = ", ".join(f"{name} {times}" for name, times in sorted(self.results.items()))
        return "\n".join([*faults, f"  deliveries: {results}"])


class Logs:
    """What the processes of one schedule log."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._begins = {path: path.stat().st_size if path.exists() else 0 for path in paths}

    def results(self) -> Counter[str]:
        """What became of the deliveries, from the inboxes' log lines."""
        found: Counter[str] = Counter()
        for path, begin in self._begins.items():
            if not path.exists():
                continue
            with path.open("rb") as stream:
                stream.seek(begin)
                for line in stream:
                    if line.startswith(b"{") and b'"message processed"' in line:
                        found[_result(line)] += 1
        return found


def _result(line: bytes) -> str:
    try:
        return str(json.loads(line)["result"])
    except (ValueError, KeyError):
        # Two processes wrote at once.
        return "unreadable"
