"""How far a migration is: what has left the monolith, service by service and in all."""

from __future__ import annotations

from dataclasses import dataclass

# Routes of the application's factory, which every service has, and what no service of the plan has.
EVERYWHERE, UNASSIGNED = "(every service)", "(no service)"


@dataclass(frozen=True, slots=True)
class Share:
    """`moved` of `total` things."""

    moved: int
    total: int

    @property
    def ratio(self) -> float | None:
        """From 0 to 1; None where there is nothing to move."""
        return self.moved / self.total if self.total else None

    def __add__(self, other: Share) -> Share:
        return Share(self.moved + other.moved, self.total + other.total)


@dataclass(frozen=True, slots=True)
class ServiceProgress:
    """One service of the plan: a route has moved when the gateway sends it there, a table when the
    carved service owns it. `manual_cuts` are dependencies of it that a person must solve."""

    name: str
    carved: bool
    routes: Share
    tables: Share
    manual_cuts: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The services in the plan's order; last ``EVERYWHERE`` and ``UNASSIGNED``, where they have
    something."""

    services: tuple[ServiceProgress, ...]

    @property
    def routes(self) -> Share:
        """Of all services."""
        return sum((s.routes for s in self.services), Share(0, 0))

    @property
    def tables(self) -> Share:
        """Of all services."""
        return sum((s.tables for s in self.services), Share(0, 0))

    @property
    def carved(self) -> Share:
        """Services of the plan that are in the workspace."""
        planned = [s for s in self.services if s.name not in (EVERYWHERE, UNASSIGNED)]
        return Share(sum(s.carved for s in planned), len(planned))

    @property
    def manual_cuts(self) -> int:
        """Of all services."""
        return sum(s.manual_cuts for s in self.services)
