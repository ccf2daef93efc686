"""What goes wrong, and when: drawn from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Action = Literal[
    "kill", "stop", "slow", "refuse", "swallow", "cut",
    "broker_restart", "broker_crash", "database_restart", "database_crash", "duplicate",
]  # fmt: skip
PROCESSES = (
    "producer-1", "producer-2", "relay-1", "relay-2", "inbox-1", "inbox-2",
)  # fmt: skip
NETWORKS = ("producer-database", "consumer-database", "relay-broker", "inbox-broker")
_WEIGHTS: dict[Action, int] = {
    "kill": 8, "stop": 5, "slow": 3, "refuse": 3, "swallow": 4, "cut": 4,
    "broker_restart": 1, "broker_crash": 1, "database_restart": 1, "database_crash": 1,
    "duplicate": 4,
}  # fmt: skip


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


def draw(seed: int, seconds: float = 3.0, lease: float = 1.0) -> Schedule:
    """The schedule of `seed`: six to twelve faults in `seconds`; some outlast a `lease`."""
    chance = random.Random(seed)
    actions = list(_WEIGHTS)
    faults = []
    for _ in range(chance.randint(6, 12)):
        at = chance.uniform(0.2, seconds)
        [action] = chance.choices(actions, [_WEIGHTS[name] for name in actions])
        faults.append(_fault(at, action, chance, lease))
    return Schedule(seed, seconds, tuple(sorted(faults, key=lambda fault: fault.at)))


def _fault(at: float, action: Action, chance: random.Random, lease: float) -> Fault:
    if action == "kill":
        return Fault(at, action, chance.choice(PROCESSES))
    if action == "stop":
        return Fault(at, action, chance.choice(PROCESSES), chance.uniform(0.2, 2.2) * lease)
    if action == "duplicate":
        places = tuple(chance.random() for _ in range(chance.randint(1, 8)))
        return Fault(at, action, places=places)
    if action in ("slow", "refuse", "swallow", "cut"):
        lasting = 0.0 if action == "cut" else chance.uniform(0.2, 1.5)
        return Fault(at, action, chance.choice(NETWORKS), lasting)
    return Fault(at, action)
