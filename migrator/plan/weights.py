"""What a tie weighs when boundaries are searched: one table, with reasons."""

from __future__ import annotations

from migrator.model.graph import DependencyKind

TRANSACTION = 6.0  # Cut it and a rollback becomes a saga; shared out over the tables it writes.
CASCADE = 4.0  # The database itself deletes one with the other: one life cycle, one aggregate.
FOREIGN_KEY = 1.5  # Integrity that is lost; a plain column does, if the rest agrees.
# Only the owner may write, so a foreign write is a command to be sent. Who makes rows owns them
# more than who changes them; deletes are often somebody else's clearing up.
WRITES = {"insert": 6.0, "update": 4.0, "delete": 2.0}
READ = 1.0  # A replica serves it.
CALLS: dict[DependencyKind, float] = {
    "inherits": 3.0,  # A class without its base is nothing.
    "calls": 1.0,
    "decorates": 0.2,  # Decorators are mostly the framework's or security's.
    "references": 0.5,
    "signals": 0.3,  # A signal is loose already: its sender knows no handler.
    "imports": 0.2,
}
PACKAGE = 4.0  # What people put together, they meant to be together; weaker than two writes.
MODULE = 0.7  # A module below no package may be a drawer for everything.
