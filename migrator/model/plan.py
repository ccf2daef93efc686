"""The Plan: who owns what, and what becomes of every dependency that crosses a boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from migrator.model.slo import Slo

PLAN_VERSION = 2

Decision = Literal["replicate", "call", "event", "share", "keep", "manual"]
CutKind = Literal["code", "read", "write", "foreign_key", "signal"]


@dataclass(frozen=True, slots=True)
class Service:
    """A bounded context: definitions (ids, or globs over ids) and the tables it alone owns.

    Empty `slos` stand for ``slo.DEFAULT_SLOS``.
    """

    name: str
    purpose: str
    tables: tuple[str, ...]
    definitions: tuple[str, ...]
    slos: tuple[Slo, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """Service `source` needs `what` of service `target`: one decision for each such pair.

    `what` is a definition id for kinds ``code`` and ``signal``, a table id for ``read`` and
    ``write``, and ``table.column -> table`` for ``foreign_key``. `places` are ``path:line``.
    """

    source: str
    target: str
    what: str
    kind: CutKind
    decision: Decision
    reason: str
    places: tuple[str, ...] = ()
    cost: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SagaStep:
    """What `service` does of a parted transaction: `by` are definitions, `writes` tables."""

    service: str
    by: tuple[str, ...]
    writes: tuple[str, ...]
    compensation: str


@dataclass(frozen=True, slots=True)
class Saga:
    """A transaction that the boundaries cut: begun by definition `transaction` of `service`.

    `advice` is ``saga`` (the steps, each with what undoes it) or ``keep`` (the tables had better
    stay together), with the `reason`.
    """

    transaction: str
    service: str
    entry_points: tuple[str, ...]
    advice: Literal["saga", "keep"]
    reason: str
    steps: tuple[SagaStep, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the migration: take `service` out, and why now.

    `after` names the services that must be out before; `leaves` says how the rest works meanwhile.
    """

    service: str
    reason: str
    after: tuple[str, ...] = ()
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """A person's word: `what` (table, definition or glob) belongs to `service`."""

    what: str
    service: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`shared`: pure code copied to the shared library. `glue`: the application factory, session
    and settings, of which each service gets its own pruned copy. Both hold ids or globs."""

    services: tuple[Service, ...]
    shared: tuple[str, ...] = ()
    glue: tuple[str, ...] = ()
    cuts: tuple[Cut, ...] = ()
    order: tuple[Step, ...] = ()
    sagas: tuple[Saga, ...] = ()
    pins: tuple[Pin, ...] = ()
    version: int = PLAN_VERSION


@dataclass(frozen=True, slots=True)
class Assignment:
    """A Plan with every glob resolved against a Graph.

    `owner_of` maps each definition id to a service name, ``SHARED`` or ``GLUE``;
    `table_owner` maps each table id to a service name.
    """

    owner_of: dict[str, str]
    table_owner: dict[str, str]


SHARED = "(shared)"
GLUE = "(glue)"


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one partition, never read alone; formulas in `migrator.plan.figures`.

    `sm`, `cohesion` and `one_writer` (the share of written tables that one part alone writes) are
    better higher, all others lower. Counts are counts, the rest ratios.
    """

    name: str
    services: int
    sm: float
    icp: float
    ifn: float
    ned: float
    transactions_cut: int
    foreign_keys_cut: int
    transaction_entropy: float
    bcp: float
    coupling: float
    cohesion: float
    one_writer: float
    sync_hops: int
