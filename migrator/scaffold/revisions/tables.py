"""Tables, columns, keys and indexes as the Python of an Alembic revision."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import sqlalchemy

from migrator.model.graph import Column, Constraint, ForeignKey, Table
from migrator.scaffold.revisions.schema import ServiceSchema

REPLICA_VERSION = "replica_version"
VERSION_COLUMN = (
    f'sa.Column("{REPLICA_VERSION}", sa.BigInteger(), server_default="0", nullable=False)'
)


class TableWriter:
    """Renders tables in order and remembers what came before: enums and created tables.

    `created` are the tables that stand already; a foreign key to one that does not yet is put
    off to `late_foreign_keys`.
    """

    def __init__(self, schema: ServiceSchema, created: Iterable[str] = ()) -> None:
        self.schema = schema
        self.created = set(created)
        self.enums: set[str] = set()
        self.late_foreign_keys: list[tuple[str, str]] = []

    def table(self, table: Table) -> str:
        self.created.add(table.id)
        owner = self.schema.replicas.get(table.id)
        local = [key for key in self.schema.local if key.source == table.id]
        pointing = self._pointing(table)
        items = [self.column(c, pointing.get(c.name), bool(owner)) for c in table.columns]
        items += [VERSION_COLUMN] if owner else []
        items += _keys(table)
        items += [_foreign_key(fk) for fk in local if fk.target in self.created]
        self.late_foreign_keys += [
            late_foreign_key(fk) for fk in local if fk.target not in self.created
        ]
        if table.schema:
            items.append(f"schema={table.schema!r}")
        comment = f"    # Replica: owned by {owner}, filled by the inbox.\n" if owner else ""
        body = ",\n        ".join(items)
        head = f"{comment}    op.create_table(\n        {literal(table.name)},\n"
        indexes = "".join(f"    {create_index(table, c)}\n" for c in indexes_of(table))
        return f"{head}        {body},\n    )\n{indexes}"

    def added_column(self, table: Table, column: Column) -> str:
        """The column as an argument of ``op.add_column``."""
        return self.column(column, None, table.id in self.schema.replicas)

    def _pointing(self, table: Table) -> Mapping[str, ForeignKey]:
        """The columns whose key crosses, and so becomes none."""
        local = set(self.schema.local)
        return {
            key.columns[0]: key
            for key in self.schema.foreign_keys
            if key.source == table.id and key not in local and len(key.columns) == 1
        }

    def column(self, column: Column, target: ForeignKey | None, replica: bool) -> str:
        parts = [literal(column.name), self.type(column.type)]
        if column.server_default is not None:
            parts.append(f"server_default=sa.text({literal(column.server_default)})")
        if column.primary_key and (replica or target is not None or column.autoincrement is False):
            parts.append("autoincrement=False")
        parts.append(f"nullable={column.nullable and not column.primary_key}")
        text = f"sa.Column({', '.join(parts)})"
        if target is None:
            return text
        where = f"{target.target}.{', '.join(target.referred_columns)}"
        return f"# points to {where}\n        {text}"

    def type(self, expression: str) -> str:
        tree = ast.parse(expression, mode="eval")
        return ast.unparse(_Qualify(self.enums).visit(tree))


def _keys(table: Table) -> list[str]:
    primary = [c.name for c in table.columns if c.primary_key]
    keys = [f"sa.PrimaryKeyConstraint({names(primary)})"] if primary else []
    return keys + [_constraint(c) for c in constraints_of(table)]


def constraints_of(table: Table) -> tuple[Constraint, ...]:
    """Unique and check constraints, those that a column declares among them."""
    singles = tuple(
        Constraint("unique", (c.name,))
        for c in table.columns
        if c.unique and not c.index and not c.primary_key
    )
    return singles + tuple(c for c in table.constraints if c.kind in ("unique", "check"))


def indexes_of(table: Table) -> tuple[Constraint, ...]:
    """Indexes with their names, those that a column declares among them."""
    singles = tuple(
        Constraint("index", (c.name,), f"ix_{table.name}_{c.name}", unique=c.unique)
        for c in table.columns
        if c.index
    )
    several = tuple(
        Constraint(
            "index", c.columns, c.name or f"ix_{table.name}_{'_'.join(c.columns)}", unique=c.unique
        )
        for c in table.constraints
        if c.kind == "index" and c.columns
    )
    return singles + several


def create_index(table: Table, index: Constraint) -> str:
    return (
        f"op.create_index({literal(index.name or '')}, {literal(table.name)}, "
        f"[{names(index.columns)}], unique={index.unique}{schema_option(table)})"
    )


class _Qualify(ast.NodeTransformer):
    """``String(5)`` becomes ``sa.String(5)``; an enum of a name already made makes no type."""

    def __init__(self, enums: set[str]) -> None:
        self.enums = enums

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if hasattr(sqlalchemy, node.id) and node.id[0].isupper():
            return ast.Attribute(ast.Name("sa", ast.Load()), node.id, ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = next((k.value for k in node.keywords if k.arg == "name"), None)
        is_enum = isinstance(node.func, ast.Name) and node.func.id == "Enum"
        if not is_enum or not isinstance(name, ast.Constant):
            return self.generic_visit(node)
        label = str(name.value)
        if label in self.enums:
            node.func = ast.Attribute(ast.Name("postgresql", ast.Load()), "ENUM", ast.Load())
            node.keywords = [k for k in node.keywords if k.arg in ("name", "schema")]
            node.keywords.append(ast.keyword("create_type", ast.Constant(False)))
        self.enums.add(label)
        return self.generic_visit(node)


def _constraint(constraint: Constraint) -> str:
    name = f", name={literal(constraint.name)}" if constraint.name else ""
    if constraint.kind == "check":
        return f"sa.CheckConstraint({literal(constraint.expression or 'true')}{name})"
    return f"sa.UniqueConstraint({names(constraint.columns)}{name})"


def _foreign_key(key: ForeignKey) -> str:
    referred = names(f"{key.target}.{column}" for column in key.referred_columns)
    return f"sa.ForeignKeyConstraint([{names(key.columns)}], [{referred}]{_options(key)})"


def late_foreign_key(key: ForeignKey) -> tuple[str, str]:
    """A key of a cycle of tables: how it is added when both stand, and how it is dropped."""
    name = key.name or f"fk_{key.source}_{'_'.join(key.columns)}".replace(".", "_")
    source_schema, source = split(key.source)
    target_schema, target = split(key.target)
    schemas = f", source_schema={source_schema!r}" if source_schema else ""
    schemas += f", referent_schema={target_schema!r}" if target_schema else ""
    on_delete = f", ondelete={literal(key.on_delete)}" if key.on_delete else ""
    create = (
        f"op.create_foreign_key({literal(name)}, {literal(source)}, {literal(target)}, "
        f"[{names(key.columns)}], [{names(key.referred_columns)}]{on_delete}{schemas})"
    )
    schema = f", schema={source_schema!r}" if source_schema else ""
    drop = f'op.drop_constraint({literal(name)}, {literal(source)}, type_="foreignkey"{schema})'
    return create, drop


def _options(key: ForeignKey) -> str:
    on_delete = f", ondelete={literal(key.on_delete)}" if key.on_delete else ""
    return on_delete + (f", name={literal(key.name)}" if key.name else "")


def split(table: str) -> tuple[str | None, str]:
    schema, _, name = table.rpartition(".")
    return schema or None, name


def names(names: Iterable[str]) -> str:
    return ", ".join(literal(name) for name in names)


def schema_option(table: Table) -> str:
    return f", schema={table.schema!r}" if table.schema else ""


def table_arguments(table: Table) -> str:
    """The name of the table, and its schema, as arguments of an operation."""
    return f"{literal(table.name)}{schema_option(table)}"


def literal(text: str) -> str:
    """A Python string literal in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and not set('"\\') & set(text) else repr(text)
