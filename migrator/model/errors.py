"""Errors that reach a person: they carry data, the command line's edge turns them into words."""

from __future__ import annotations


class MigratorError(Exception):
    """Bad input: ends the command with exit code 2 and one message, no traceback.

    `what` says what is wrong, `where` names the path (with ``:line`` where there is one),
    `hint` says what to do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.hint}" if self.hint else head
