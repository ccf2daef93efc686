"""A service's Alembic revisions, as text: the first, and those that a changed plan or monolith
asks for. A revision that was written once is never written over."""

from migrator.scaffold.revisions.history import History, Revisions, revisions_for
from migrator.scaffold.revisions.schema import ServiceSchema, dump_schema, load_schema, schema_of

__all__ = [
    "History",
    "Revisions",
    "ServiceSchema",
    "dump_schema",
    "load_schema",
    "revisions_for",
    "schema_of",
]
