"""What each cut costs, and what could be done instead."""

from __future__ import annotations

from dataclasses import replace

from migrator.model.plan import Cut

_LATER = "seconds behind the owner"


def priced(cut: Cut) -> Cut:
    """The cut with its `cost` (work, latency, consistency that is lost) and `alternatives`."""
    work, latency, consistency = _cost(cut)
    cost = f"work: {work}; latency: {latency}; consistency: {consistency}"
    return replace(cut, cost=cost, alternatives=_alternatives(cut))


def _cost(cut: Cut) -> tuple[str, str, str]:
    places = max(1, len(cut.places))
    told = f"{places} place{'s' * (places != 1)}"
    if cut.kind == "foreign_key" and cut.decision != "keep":
        return "none, generated", "none", "the database no longer refuses rows that point nowhere"
    if cut.decision == "replicate" and cut.kind == "read":
        return "none, a replica is generated", "none, read here", f"{_LATER} where it is read"
    if cut.decision == "replicate" and cut.kind == "write":
        return "none while nothing here runs them", "none", "nothing, a replica is only read"
    if cut.decision in ("replicate", "share"):
        return "none, the code is copied", "none", "nothing, it keeps no state"
    if cut.decision == "call":
        return (
            "none, a client is generated",
            f"one request from {told}; fails when {cut.target} is down",
            f"{cut.target} commits on its own, before this transaction does",
        )
    if cut.decision == "event":
        return "none, generated", "none, nobody waits", f"the effect comes later, {_LATER}"
    if cut.decision == "keep":
        return "none", "none", "nothing; the two are one service"
    return f"{told} to be changed by hand", "one request each once changed", "no common rollback"


def _alternatives(cut: Cut) -> tuple[str, ...]:
    together = f"keep: join {cut.source} and {cut.target}"
    if cut.kind == "foreign_key":
        return (f"call: ask {cut.target} before a row is written", together)
    if cut.decision == "replicate" and cut.kind == "read":
        return (f"call: ask {cut.target} for each read, always fresh", f"pin: own {cut.what} here")
    if cut.decision == "replicate" and cut.kind == "write":
        return (f"call: move the write into a function of {cut.target} and call that", together)
    if cut.decision in ("replicate", "share"):
        other = "share: one copy in the shared library" if cut.decision == "replicate" else ""
        return tuple(a for a in (other, f"call: run it at {cut.target}") if a)
    if cut.decision == "call":
        return (
            f"event: where the answer is not needed, tell {cut.target} and go on",
            "replicate: copy it, over replicas of what it reads",
            together,
        )
    if cut.decision == "event":
        return (f"call: wait until {cut.target} has done it", together)
    return (f"call: move the write into a function of {cut.target} and call that", together)
