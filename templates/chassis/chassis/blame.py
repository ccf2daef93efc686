"""Who is to blame for an error while a message is applied."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.leases import LeaseLost

# Lost against another transaction; MySQL has undone the whole of ours then.
_CONFLICTS = ("40001", "40P01", 1213, 1205)


def is_ours(error: Exception) -> bool:
    """Whether the message is not to blame: the database is down, or the partition was taken."""
    if isinstance(error, sa.exc.TimeoutError | LeaseLost):
        return True
    if isinstance(error, sa.exc.IntegrityError):
        # A deferred constraint fails at the commit, which is no statement.
        return False
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or error.statement is None
    )


def is_conflict(error: Exception) -> bool:
    """Whether another transaction won against ours."""
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlstate", None) or (getattr(original, "args", None) or (0,))[0]
    return code in _CONFLICTS
