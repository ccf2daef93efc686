"""What happens where migrator itself fails on somebody's code: it is told with its place, and the
rest goes on."""

from __future__ import annotations

import traceback

# Tests set it: a mistake of ours is to be seen there.
raised = False


def told(error: Exception) -> str:
    """The reason to tell for `error`; raises it instead where mistakes are to be seen."""
    if raised:
        raise error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rpartition('migrator/')[2]}:{frame.lineno}"
    return f"migrator failed here, please report it: {type(error).__name__}: {error} ({place})"
