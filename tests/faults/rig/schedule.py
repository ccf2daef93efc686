"""What goes wrong, and when: drawn from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Action = Literal[
    "kill", "stop", "slow", "refuse", "swallow", "cut",
    "broker_restart", "broker_crash", "database_restart", "database_crash",
    "duplicate", "reorder",
]  # fmt: skip
Kind = Literal["nats", "rabbit", "kafka", "http"]
PROCESSES = (
    "producer-1", "producer-2", "relay-1", "relay-2", "inbox-1", "inbox-2",
)  # fmt: skip
# Without a broker the relays post to web processes, and the inboxes only try again.
WEB = ("web-1", "web-2")
NETWORKS = ("producer-database", "consumer-database", "relay-broker", "inbox-broker")
_WEIGHTS: dict[Action, int] = {
    "kill": 8, "stop": 5, "slow": 3, "refuse": 3, "swallow": 4, "cut": 4,
    "broker_restart": 1, "broker_crash": 1, "database_restart": 1, "database_crash": 1,
    "duplicate": 4, "reorder": 2,
}  # fmt: skip
_OF_A_NETWORK: tuple[Action, ...] = ("slow", "refuse", "swallow", "cut")
_LONGEST = {"slow": 1.5, "refuse": 1.5, "swallow": 1.5, "cut": 0.0}


@dataclass(frozen=True)
class Fault:
    """`at` seconds after the start; `target` is a process or a network; lasts `seconds`."""

    at: float
    action: Action
    target: str = ""
    seconds: float = 0.0
    places: tuple[float, ...] = ()

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        target = f" {self.target}" if self.target else ""
        return f"{self.at:4.1f} s: {self.action}{target}{lasting}"


@dataclass(frozen=True)
class Schedule:
    seed: int
    seconds: float
    faults: tuple[Fault, ...]


def processes(kind: Kind) -> tuple[str, ...]:
    """The names of the processes that run with this kind of broker."""
    return PROCESSES + WEB if kind == "http" else PROCESSES


def networks(kind: Kind) -> tuple[str, ...]:
    """The names of the connections that a proxy is in."""
    return NETWORKS[:-1] if kind == "http" else NETWORKS


def actions(kind: Kind) -> tuple[Action, ...]:
    """What can go wrong with this kind of broker."""
    return tuple(a for a in _WEIGHTS if not (kind == "http" and a.startswith("broker")))


def draw(seed: int, seconds: float = 3.0, lease: float = 1.0, kind: Kind = "nats") -> Schedule:
    """The schedule of `seed`: six to twelve faults in `seconds`; some outlast a `lease`."""
    chance = random.Random(seed)
    among = actions(kind)
    faults = []
    for _ in range(chance.randint(6, 12)):
        at = chance.uniform(0.2, seconds)
        [action] = chance.choices(among, [_WEIGHTS[name] for name in among])
        faults.append(_fault(at, action, chance, lease, kind))
    return Schedule(seed, seconds, tuple(sorted(faults, key=lambda fault: fault.at)))


def everything(kind: Kind = "nats") -> Schedule:
    """Each kind of fault at least once, networks' and processes' on each of them."""
    places = tuple(number / 10 for number in range(1, 10))
    wanted = [("kill", name, 0.0) for name in processes(kind)]
    wanted += [("stop", name, 0.3) for name in processes(kind)]
    wanted += [(a, name, 0.4 * _LONGEST[a]) for a in _OF_A_NETWORK for name in networks(kind)]
    wanted += [(a, "", 0.0) for a in actions(kind) if a.startswith(("broker", "database"))]
    wanted += [("duplicate", "", 0.0), ("reorder", "", 0.0)]
    random.Random(0).shuffle(wanted)
    faults = [
        Fault(0.3 * (number + 1), action, target, seconds, () if target else places)  # type: ignore[arg-type]
        for number, (action, target, seconds) in enumerate(wanted)
    ]
    return Schedule(0, faults[-1].at + 1.0, tuple(faults))


def _fault(at: float, action: Action, chance: random.Random, lease: float, kind: Kind) -> Fault:
    if action == "kill":
        return Fault(at, action, chance.choice(processes(kind)))
    if action == "stop":
        lasting = chance.uniform(0.2, 2.2) * lease
        return Fault(at, action, chance.choice(processes(kind)), lasting)
    if action in ("duplicate", "reorder"):
        places = tuple(chance.random() for _ in range(chance.randint(1, 8)))
        return Fault(at, action, places=places)
    if action in _OF_A_NETWORK:
        lasting = chance.uniform(0.2, _LONGEST[action]) if _LONGEST[action] else 0.0
        return Fault(at, action, chance.choice(networks(kind)), lasting)
    return Fault(at, action)
