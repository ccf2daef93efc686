"""Write files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from migrator.model.errors import MigratorError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Text goes as UTF-8. Raises MigratorError where the folder cannot be written; nothing is left
    half-written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise MigratorError(f"cannot be written: {error.strerror}", where=str(path)) from error
