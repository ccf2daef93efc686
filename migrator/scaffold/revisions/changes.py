"""From one schema of a service to the next, as the statements of a revision.

A downgrade is the same difference the other way round.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.model.graph import Column, Constraint, Table
from migrator.scaffold.revisions.schema import ServiceSchema
from migrator.scaffold.revisions.tables import (
    REPLICA_VERSION,
    VERSION_COLUMN,
    TableWriter,
    constraints_of,
    create_index,
    indexes_of,
    late_foreign_key,
    literal,
    names,
    schema_option,
    split,
    table_arguments,
)


@dataclass(slots=True)
class Changes:
    """`statements` are indented as they stand in the revision; `topics` say in a word each what
    changes; `problems` are what a person must look at; `enums` are the types that are made."""

    statements: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    enums: set[str] = field(default_factory=set)

    def add(self, statement: str) -> None:
        self.statements.append(f"    {statement}\n")


def changes_between(before: ServiceSchema, after: ServiceSchema) -> Changes:
    """What turns `before` into `after`, in an order that a database accepts."""
    changes = Changes()
    old, new = before.by_id, after.by_id
    kept = sorted(set(old) & set(new))
    writer = TableWriter(after, kept)
    writer.enums |= _enums_of(before)
    known = set(writer.enums)
    for key in sorted(set(before.local) - set(after.local), key=lambda k: (k.source, k.columns)):
        schema, name = split(key.source)
        changes.add(f"drop_keys({literal(name)}, [{names(key.columns)}]{_schema(schema)})")
    for name in kept:
        changes.statements += _dropped_constraints(old[name], new[name], changes)
    for name in after.creation_order():
        if name not in old:
            changes.statements.append(writer.table(new[name]))
            changes.topics.append(f"add_{new[name].name}")
    for name in kept:
        count = len(changes.statements)
        _change_owner(name, before, after, changes)
        _change_columns(old[name], new[name], writer, changes)
        _add_constraints(old[name], new[name], changes)
        if len(changes.statements) > count:
            changes.topics.append(f"alter_{new[name].name}")
    standing = [k for k in after.local if k.source in old and k not in set(before.local)]
    for create, _ in [*writer.late_foreign_keys, *map(late_foreign_key, standing)]:
        changes.add(create)
    for name in reversed(before.creation_order()):
        if name not in new:
            _drop(old[name], name not in before.replicas, changes)
    changes.enums = writer.enums - known
    return changes


def _drop(table: Table, owned: bool, changes: Changes) -> None:
    if owned:
        changes.add(f"refuse_to_lose_rows({table_arguments(table)})")
    changes.add(f"op.drop_table({table_arguments(table)})")
    changes.topics.append(f"drop_{table.name}")


def _change_owner(name: str, before: ServiceSchema, after: ServiceSchema, changes: Changes) -> None:
    """A replica becomes the service's own, or what it owned becomes a replica."""
    table = after.by_id[name]
    was, now = before.replicas.get(name), after.replicas.get(name)
    if was and not now:
        changes.add(
            f"op.drop_column({literal(table.name)}, {literal(REPLICA_VERSION)}"
            f"{schema_option(table)})"
        )
        keys = [c for c in table.columns if c.primary_key]
        if len(keys) == 1 and _counts(keys[0]):
            changes.add(
                f"number_rows({literal(table.name)}, {literal(keys[0].name)}{schema_option(table)})"
            )
        changes.problems.append(
            f"{name} was a replica of {was}'s and becomes this service's own: move its last rows "
            "before the revision runs"
        )
    elif now and not was:
        changes.add(f"op.add_column({literal(table.name)}, {VERSION_COLUMN}{schema_option(table)})")


def _counts(column: Column) -> bool:
    return column.autoincrement is not False and "Integer" in column.type


def _change_columns(old: Table, new: Table, writer: TableWriter, changes: Changes) -> None:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    where = literal(new.name)
    for name in [c for c in after if c not in before]:
        column = writer.added_column(new, after[name])
        changes.add(f"op.add_column({where}, {column}{schema_option(new)})")
        if not after[name].nullable and after[name].server_default is None:
            changes.problems.append(
                f"{new.id}.{name} is new, may not be null and has no default: the revision fails "
                "on a table with rows until it fills the column"
            )
    for name in [c for c in after if c in before]:
        _alter(new, before[name], after[name], writer, changes)
    for name in [c for c in before if c not in after]:
        changes.add(f"op.drop_column({where}, {literal(name)}{schema_option(new)})")
        changes.problems.append(
            f"{new.id}.{name} goes, with what it holds: if it was renamed, edit the revision"
        )
    if [c.name for c in old.columns if c.primary_key] != [
        c.name for c in new.columns if c.primary_key
    ]:
        changes.problems.append(f"the primary key of {new.id} changes: write that by hand")


def _alter(table: Table, old: Column, new: Column, writer: TableWriter, changes: Changes) -> None:
    default = old.server_default
    if old.type != new.type:
        grown = _new_enum_values(old.type, new.type)
        for label, value in grown or ():
            text = f'ALTER TYPE "{label}" ADD VALUE IF NOT EXISTS ' + _sql_text(value)
            changes.add(f"op.execute({literal(text)})")
        if grown is None:
            # A default is of the column's type: it stands in the way of a change.
            if default is not None:
                changes.add(_altered(table, new, "server_default=None"))
                default = None
            changes.add(_altered(table, new, f"type_={writer.type(new.type)}"))
            changes.problems.append(
                f"{table.id}.{new.name} becomes {new.type}, was {old.type}: see that the "
                "database can convert what it holds"
            )
    if default != new.server_default:
        given = new.server_default
        text = "None" if given is None else f"sa.text({literal(given)})"
        changes.add(_altered(table, new, f"server_default={text}"))
    if old.nullable != new.nullable and not new.primary_key:
        changes.add(_altered(table, new, f"nullable={new.nullable}"))


def _altered(table: Table, column: Column, option: str) -> str:
    where = f"{literal(table.name)}, {literal(column.name)}"
    return f"op.alter_column({where}, {option}{schema_option(table)})"


def _sql_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _new_enum_values(old: str, new: str) -> list[tuple[str, str]] | None:
    """(type, value) of each value that an enum gains; None where that is not all that changed."""
    before, after = _enum(old), _enum(new)
    if before is None or after is None or before[0] != after[0]:
        return None
    if not set(before[1]) <= set(after[1]):
        return None
    return [(after[0], value) for value in after[1] if value not in before[1]]


def _enum(expression: str) -> tuple[str, tuple[str, ...]] | None:
    """The name and the values of a named enum type."""
    call = ast.parse(expression, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
        return None
    called = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
    label = next((k.value for k in call.keywords if k.arg == "name"), None)
    if called not in ("Enum", "ENUM") or not isinstance(label, ast.Constant):
        return None
    values = tuple(str(a.value) for a in call.args if isinstance(a, ast.Constant))
    return str(label.value), values


def _enums_of(schema: ServiceSchema) -> set[str]:
    types = {column.type for table in schema.tables for column in table.columns}
    return {found[0] for found in map(_enum, types) if found}


def _dropped_constraints(old: Table, new: Table, changes: Changes) -> Iterator[str]:
    for index in indexes_of(old):
        if index not in indexes_of(new):
            name = literal(index.name or "")
            yield f"    op.drop_index({name}, {literal(old.name)}{schema_option(old)})\n"
    for constraint in constraints_of(old):
        if constraint in constraints_of(new):
            continue
        if constraint.name:
            yield (
                f"    op.drop_constraint({literal(constraint.name)}, {literal(old.name)}"
                f"{schema_option(old)})\n"
            )
        elif constraint.kind == "unique":
            columns = f"[{names(constraint.columns)}]{schema_option(old)}"
            yield f"    drop_unique({literal(old.name)}, {columns})\n"
        else:
            changes.problems.append(f"{old.id} loses a check without a name: drop it by hand")


def _add_constraints(old: Table, new: Table, changes: Changes) -> None:
    for constraint in constraints_of(new):
        if constraint not in constraints_of(old):
            changes.add(_create_constraint(new, constraint))
    for index in indexes_of(new):
        if index not in indexes_of(old):
            changes.add(create_index(new, index))


def _create_constraint(table: Table, constraint: Constraint) -> str:
    options = schema_option(table)
    name = literal(constraint.name) if constraint.name else "None"
    if constraint.kind == "check":
        condition = literal(constraint.expression or "true")
        return f"op.create_check_constraint({name}, {literal(table.name)}, {condition}{options})"
    columns = names(constraint.columns)
    return f"op.create_unique_constraint({name}, {literal(table.name)}, [{columns}]{options})"


def _schema(name: str | None) -> str:
    return f", schema={name!r}" if name else ""
