"""Which revisions a service has, and which one comes next."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from migrator.model.errors import MigratorError
from migrator.scaffold.revisions.changes import Changes, changes_between
from migrator.scaffold.revisions.schema import ServiceSchema
from migrator.scaffold.revisions.tables import TableWriter, table_arguments
from migrator.scaffold.templates import render

FIRST = "0001_initial.py"
_SLUG_LENGTH = 40


@dataclass(frozen=True, slots=True)
class History:
    """What stands on disk before this run: the schema that the revisions make; the text of each
    revision that migrator wrote, as it wrote it, by file name; and, of every revision of the
    folder, what it is called and what it follows, those of people among them."""

    schema: ServiceSchema
    written: Mapping[str, str]
    followed: Mapping[str, tuple[str, ...]]

    def head(self, where: str) -> str:
        """The revision that none follows. Raises MigratorError where there are several."""
        follows = {name for names in self.followed.values() for name in names}
        heads = sorted(set(self.followed) - follows)
        if len(heads) != 1:
            raise MigratorError(
                f"one last revision expected, {len(heads)} found: {', '.join(heads)}",
                where=where,
                hint="join them with `alembic merge heads`; nothing was written",
            )
        return heads[0]


@dataclass(frozen=True, slots=True)
class Revisions:
    """`files` by name; `problems` are what a person must look at in the newest of them."""

    files: Mapping[str, str]
    problems: tuple[str, ...] = ()


def revisions_for(
    service: str, schema: ServiceSchema, history: History | None, where: str
) -> Revisions:
    """The revisions that make `schema`: those of `history` as they are, and one more where the
    schema changed since. `where` names the folder in messages."""
    if history is None:
        return Revisions({FIRST: _initial(service, schema)})
    up = changes_between(history.schema, schema)
    if not up.statements:
        return Revisions(history.written)
    down = changes_between(schema, history.schema)
    number = f"{len(history.followed) + 1:04d}"
    name = f"{number}_{_slug(up.topics)}.py"
    text = _next(service, number, history.head(where), up, down)
    return Revisions(
        {**history.written, name: text}, tuple(f"{name}: {problem}" for problem in up.problems)
    )


def identity_of(text: str) -> tuple[str, tuple[str, ...]] | None:
    """(revision, what it follows) of a revision file's text; None where it names none."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    found: dict[str, object] = {}
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None:
            found[target.id] = _constant(value)
    down = found.get("down_revision")
    follows = (down,) if isinstance(down, str) else down if isinstance(down, tuple) else ()
    revision = found.get("revision")
    return (revision, follows) if isinstance(revision, str) else None


def _constant(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _initial(service: str, schema: ServiceSchema) -> str:
    writer = TableWriter(schema)
    tables = schema.by_id
    order = schema.creation_order()
    blocks = [writer.table(tables[name]) for name in order]
    return render(
        "service/initial_revision.py.jinja",
        service=service,
        tables=blocks,
        late_foreign_keys=writer.late_foreign_keys,
        dropped=[table_arguments(tables[name]) for name in reversed(order)],
        enums=sorted(writer.enums),
        schemas=sorted({table.schema for table in schema.tables if table.schema}),
        uses_postgresql=any("postgresql." in block for block in blocks),
    )


def _next(service: str, number: str, head: str, up: Changes, down: Changes) -> str:
    statements = [*up.statements, *down.statements]
    text = "".join(statements)
    return render(
        "service/next_revision.py.jinja",
        service=service,
        number=number,
        head=head,
        topics=up.topics,
        problems=up.problems,
        up=up.statements,
        # Only the way forward is guarded: going back drops what going forward has made.
        down=[line for line in down.statements if "refuse_to_lose_rows" not in line],
        enums=sorted(up.enums),
        uses_postgresql="postgresql." in text,
        helpers=[name for name in _HELPERS if f"{name}(" in text],
    )


_HELPERS = ("drop_keys", "drop_unique", "number_rows", "refuse_to_lose_rows")


def _slug(topics: list[str]) -> str:
    slug = "_".join(topics) or "change"
    return slug if len(slug) <= _SLUG_LENGTH else f"{topics[0]}_and_{len(topics) - 1}_more"
