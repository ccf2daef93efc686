"""What a tie weighs when boundaries are searched: one table, with reasons.

A weight is the cost of cutting one such tie, against 1 for a call. `[plan.weights]` in
`migrator.toml` overrides any of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrator.model.config import Config

Weights = Mapping[str, float]

TABLE: tuple[tuple[str, float, str], ...] = (
    ("transaction", 4.0, "cut it and a rollback becomes a saga with compensations"),
    ("cascade", 3.0, "the database deletes one with the other: one life cycle, one aggregate"),
    ("insert", 2.5, "who makes rows owns them; elsewhere the row is sent as a message"),
    ("update", 2.0, "only the owner may write: elsewhere a command must be sent and answered"),
    ("delete", 1.0, "as an update, but often somebody else's clearing up, down a cascade"),
    ("foreign_key", 1.25, "integrity that is lost; a plain column does, if the rest agrees"),
    ("inherits", 1.0, "a class without its base is nothing"),
    ("read", 1.1, "a replica serves it, a little late"),
    ("calls", 1.0, "a request to the owner, or a copy where it is pure"),
    ("references", 1.0, "a name that is handed on; a copy mostly does, but whose word it is tells"),
    ("imports", 1.5, "two files that know each other; carries what no call shows, as registries"),
    ("signals", 0.15, "loose already: the sender knows no handler"),
    ("decorates", 0.05, "decorators are mostly the framework's or security's"),
    ("module", 1.0, "written in one file by someone; a file may be a drawer for everything"),
    ("package", 1.5, "people put it together and named it; they meant something"),
    ("observed_calls", 0.25, "per e-fold of calls seen at run time: each would be a request"),
    ("co_change", 0.25, "changed in the same commits: two teams would wait for each other"),
)

DEFAULT: Weights = {name: value for name, value, _ in TABLE}
REASONS = {name: reason for name, _, reason in TABLE}


def weights_of(config: Config) -> Weights:
    """The table with what `[plan.weights]` says; raises MigratorError for an unknown name or a
    value that is no number from 0 up, with its line."""
    section = config.section("plan").section("weights")
    section.known(tuple(DEFAULT))
    return {name: section.number(name, value) for name, value in DEFAULT.items()}
