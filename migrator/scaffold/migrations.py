"""A service's first Alembic revision, rendered from the Graph's tables."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import networkx as nx
import sqlalchemy

from migrator.model.graph import Column, Constraint, ForeignKey, Graph, Table
from migrator.scaffold.templates import render

REPLICA_VERSION = "replica_version"


def initial_revision(
    service: str, owned: Iterable[str], replicas: Mapping[str, str], graph: Graph
) -> str:
    """The text of ``0001_initial.py``: owned tables with the foreign keys among them, replica
    tables without any, and the chassis' own tables."""
    tables = {table.id: table for table in graph.tables}
    owned_ids = [name for name in _creation_order(owned, graph) if name in tables]
    replica_ids = sorted(name for name in replicas if name in tables)
    writer = _Writer(set(owned_ids), graph)
    blocks = [writer.table(tables[name]) for name in owned_ids]
    blocks += [writer.table(tables[name], owner=replicas[name]) for name in replica_ids]
    return render(
        "service/initial_revision.py.jinja",
        service=service,
        tables=blocks,
        late_foreign_keys=writer.late_foreign_keys,
        drops=[*reversed(replica_ids), *reversed(owned_ids)],
        dropped=[_quoted_table(tables[n]) for n in [*reversed(replica_ids), *reversed(owned_ids)]],
        enums=sorted(writer.enums),
        schemas=sorted({t.schema for n, t in tables.items() if t.schema and n in writer.created}),
        uses_postgresql=any("postgresql." in block for block in blocks),
    )


def _creation_order(owned: Iterable[str], graph: Graph) -> list[str]:
    """Referred tables first; tables in a cycle by name, their keys are added afterwards."""
    names = sorted(set(owned))
    needs: nx.DiGraph[str] = nx.DiGraph()
    needs.add_nodes_from(names)
    needs.add_edges_from(
        (fk.target, fk.source)
        for fk in graph.foreign_keys
        if fk.source in names and fk.target in names and fk.source != fk.target
    )
    condensed = nx.condensation(needs)
    order = nx.lexicographical_topological_sort(
        condensed, key=lambda node: min(condensed.nodes[node]["members"])
    )
    return [name for node in order for name in sorted(condensed.nodes[node]["members"])]


class _Writer:
    """Renders tables in order and remembers what came before: enums and created tables."""

    def __init__(self, owned: set[str], graph: Graph) -> None:
        self.owned = owned
        self.graph = graph
        self.created: set[str] = set()
        self.enums: set[str] = set()
        self.late_foreign_keys: list[tuple[str, str]] = []

    def table(self, table: Table, owner: str | None = None) -> str:
        self.created.add(table.id)
        keys = [fk for fk in self.graph.foreign_keys if fk.source == table.id]
        local = [] if owner else [fk for fk in keys if fk.target in self.owned]
        pointing = {fk.columns: fk for fk in keys if fk not in local}
        items = [self._column(c, pointing, replica=bool(owner)) for c in table.columns]
        if owner:
            items.append(
                f'sa.Column("{REPLICA_VERSION}", sa.BigInteger(), '
                'server_default="0", nullable=False)'
            )
        items += self._keys(table)
        items += [_foreign_key(fk) for fk in local if self._is_created(fk)]
        self.late_foreign_keys += [
            _late_foreign_key(fk) for fk in local if not self._is_created(fk)
        ]
        if table.schema:
            items.append(f"schema={table.schema!r}")
        comment = f"    # Replica: owned by {owner}, filled by the inbox.\n" if owner else ""
        body = ",\n        ".join(items)
        head = f"{comment}    op.create_table(\n        {_literal(table.name)},\n"
        return f"{head}        {body},\n    )\n" + "".join(self._indexes(table))

    def _is_created(self, key: ForeignKey) -> bool:
        return key.target in self.created

    def _column(
        self, column: Column, pointing: Mapping[tuple[str, ...], ForeignKey], *, replica: bool
    ) -> str:
        target = pointing.get((column.name,))
        parts = [_literal(column.name), self._type(column.type)]
        if column.server_default is not None:
            parts.append(f"server_default=sa.text({_literal(column.server_default)})")
        if column.primary_key and (replica or target is not None or column.autoincrement is False):
            parts.append("autoincrement=False")
        parts.append(f"nullable={column.nullable and not column.primary_key}")
        text = f"sa.Column({', '.join(parts)})"
        if target is None:
            return text
        where = f"{target.target}.{', '.join(target.referred_columns)}"
        return f"# points to {where}\n        {text}"

    def _type(self, expression: str) -> str:
        tree = ast.parse(expression, mode="eval")
        visitor = _Qualify(self.enums)
        return ast.unparse(visitor.visit(tree))

    def _keys(self, table: Table) -> list[str]:
        primary = [c.name for c in table.columns if c.primary_key]
        keys = [f"sa.PrimaryKeyConstraint({_names(primary)})"] if primary else []
        keys += [
            f"sa.UniqueConstraint({_names([c.name])})"
            for c in table.columns
            if c.unique and not c.index and not c.primary_key
        ]
        return keys + [_constraint(c) for c in table.constraints if c.kind in ("unique", "check")]

    def _indexes(self, table: Table) -> list[str]:
        schema = f", schema={table.schema!r}" if table.schema else ""
        name = _literal(table.name)
        singles = [
            f"    op.create_index({_literal(f'ix_{table.name}_{c.name}')}, {name}, "
            f"[{_literal(c.name)}], unique={c.unique}{schema})\n"
            for c in table.columns
            if c.index
        ]
        several = [
            f"    op.create_index({_literal(c.name or _index_name(table, c))}, {name}, "
            f"[{_names(c.columns)}], unique={c.unique}{schema})\n"
            for c in table.constraints
            if c.kind == "index" and c.columns
        ]
        return singles + several


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
    name = f", name={_literal(constraint.name)}" if constraint.name else ""
    if constraint.kind == "check":
        return f"sa.CheckConstraint({_literal(constraint.expression or 'true')}{name})"
    return f"sa.UniqueConstraint({_names(constraint.columns)}{name})"


def _foreign_key(key: ForeignKey) -> str:
    referred = _names(f"{key.target}.{column}" for column in key.referred_columns)
    return f"sa.ForeignKeyConstraint([{_names(key.columns)}], [{referred}]{_options(key)})"


def _late_foreign_key(key: ForeignKey) -> tuple[str, str]:
    """A key of a cycle of tables: how it is added when both stand, and how it is dropped."""
    name = key.name or f"fk_{key.source}_{'_'.join(key.columns)}".replace(".", "_")
    source_schema, source = _split(key.source)
    target_schema, target = _split(key.target)
    schemas = f", source_schema={source_schema!r}" if source_schema else ""
    schemas += f", referent_schema={target_schema!r}" if target_schema else ""
    on_delete = f", ondelete={_literal(key.on_delete)}" if key.on_delete else ""
    create = (
        f"op.create_foreign_key({_literal(name)}, {_literal(source)}, {_literal(target)}, "
        f"[{_names(key.columns)}], [{_names(key.referred_columns)}]{on_delete}{schemas})"
    )
    schema = f", schema={source_schema!r}" if source_schema else ""
    drop = f'op.drop_constraint({_literal(name)}, {_literal(source)}, type_="foreignkey"{schema})'
    return create, drop


def _options(key: ForeignKey) -> str:
    on_delete = f", ondelete={_literal(key.on_delete)}" if key.on_delete else ""
    return on_delete + (f", name={_literal(key.name)}" if key.name else "")


def _split(table: str) -> tuple[str | None, str]:
    schema, _, name = table.rpartition(".")
    return schema or None, name


def _index_name(table: Table, constraint: Constraint) -> str:
    return f"ix_{table.name}_{'_'.join(constraint.columns)}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(_literal(name) for name in names)


def _quoted_table(table: Table) -> str:
    schema = f", schema={table.schema!r}" if table.schema else ""
    return f"{_literal(table.name)}{schema}"


def _literal(text: str) -> str:
    """A Python string literal in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and not set('"\\') & set(text) else repr(text)
