"""Which files are migrations: told by what is in them, and for their helpers by where they are.

A folder's name alone proves nothing: an application about versions has a folder ``versions``.
"""

from __future__ import annotations

from collections.abc import Sequence

from migrator.analyze.discover import SourceFile
from migrator.analyze.facts.read import Facts
from migrator.analyze.facts.shape import CALL, CLASS, DEF, LIST, SET, Interface

FOLDERS = frozenset({"migrations", "alembic", "versions", "migration"})


def with_roles(
    files: Sequence[tuple[SourceFile, Facts]],
) -> list[tuple[SourceFile, Facts]]:
    """The same files, `role` ``migration`` for migrations and all that lies in their folders (a
    helper, Alembic's ``env.py``), ``code`` for the rest."""
    itself = {f.path for f, x in files if is_migration(x.interface)}
    homes = {home for path in itself for home in _homes(path)}

    def role(path: str) -> str:
        inside = path in itself or any(_above(path, home) for home in homes)
        return "migration" if inside else "code"

    return [(f._replace(role=role(f.path)), x) for f, x in files]


def is_migration(interface: Interface) -> bool:
    """A revision of Alembic, a migration of Django, of SQLAlchemy-migrate or of yoyo."""
    names: set[str] = set()
    for statement in interface.body:
        if statement[0] == SET:
            names |= {t for t in statement[2] if type(t) is str}
            if "steps" in statement[2] and _are_steps(statement[3]):
                return True
        elif statement[0] == DEF:
            names.add(f"{statement[3]}()")
            if statement[3] == "upgrade" and [p[0] for p in statement[4]] == ["migrate_engine"]:
                return True
        elif statement[0] == CLASS and statement[3] == "Migration":
            bases = {str(b).rpartition(".")[2] for b in statement[4]}
            if "Migration" in bases:
                return True
    return {"revision", "down_revision", "upgrade()"} <= names


def _are_steps(expr: object) -> bool:
    """yoyo's ``steps = [step("CREATE TABLE …"), …]``."""
    return (
        type(expr) is tuple
        and expr[0] == LIST
        and bool(expr[1])
        and all(type(e) is tuple and e[0] == CALL and e[2] == "step" for e in expr[1])
    )


def _homes(path: str) -> list[str]:
    """The nearest folder of a migration that is called like one, and for ``versions`` the one
    around it: Alembic keeps its ``env.py`` there."""
    parts = path.split("/")[:-1]
    while parts and parts[-1] not in FOLDERS:
        parts.pop()
    if not parts:
        return []
    found = ["/".join(parts)]
    if parts[-1] == "versions" and len(parts) > 1 and parts[-2] in FOLDERS:
        found.append("/".join(parts[:-1]))
    return found


def _above(path: str, home: str) -> bool:
    return path.startswith(f"{home}/")
