"""The tables that a service's Alembic revisions make, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from migrator.model.graph import Column, Table


def migrated_tables(revisions: Mapping[str, ast.Module]) -> tuple[Table, ...]:
    """Replay ``upgrade()`` of each revision in the order of their ``down_revision``."""
    tables: dict[str, Table] = {}
    for path in _in_order(revisions):
        for call in _operations(revisions[path]):
            _replay(call, tables, path)
    return tuple(sorted(tables.values(), key=lambda table: table.id))


def _in_order(revisions: Mapping[str, ast.Module]) -> list[str]:
    names = {path: _assigned(tree) for path, tree in revisions.items()}
    order: list[str] = []
    reached: set[object] = {None}
    waiting = sorted(revisions)
    while waiting:
        ready = [p for p in waiting if names[p].get("down_revision") in reached] or waiting[:1]
        order += ready
        reached |= {names[path].get("revision") for path in ready}
        waiting = [path for path in waiting if path not in ready]
    return order


def _assigned(tree: ast.Module) -> dict[str, object]:
    found: dict[str, object] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            found[target.id] = value.value
    return found


def _operations(tree: ast.Module) -> Iterator[ast.Call]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _attribute_of(inner, "op"):
                    yield inner


def _attribute_of(call: ast.Call, name: str) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == name
    )


def _replay(call: ast.Call, tables: dict[str, Table], path: str) -> None:
    operation = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = _text(call.args[0]) if call.args else None
    if name is None:
        return
    schema = _text(_keyword(call, "schema"))
    key = f"{schema}.{name}" if schema else name
    if operation == "create_table":
        columns = tuple(_column(arg) for arg in call.args[1:] if _called(arg) == "Column")
        tables[key] = Table(name, schema, columns, path, call.lineno, "migration")
    elif operation == "drop_table":
        tables.pop(key, None)
    elif operation == "rename_table" and key in tables and (new := _text(call.args[1])):
        table = tables.pop(key)
        tables[f"{schema}.{new}" if schema else new] = replace(table, name=new)
    elif key in tables:
        tables[key] = replace(tables[key], columns=_altered(operation, call, tables[key].columns))


def _altered(operation: str, call: ast.Call, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    if operation == "add_column" and len(call.args) > 1:
        return (*columns, _column(call.args[1]))
    name = _text(call.args[1]) if len(call.args) > 1 else None
    if operation == "drop_column":
        return tuple(column for column in columns if column.name != name)
    if operation == "alter_column":
        return tuple(_changed(c, call) if c.name == name else c for c in columns)
    return columns


def _changed(column: Column, call: ast.Call) -> Column:
    nullable = _keyword(call, "nullable")
    new_name = _text(_keyword(call, "new_column_name"))
    if isinstance(nullable, ast.Constant):
        column = replace(column, nullable=bool(nullable.value))
    return replace(column, name=new_name) if new_name else column


def _column(node: ast.expr) -> Column:
    assert isinstance(node, ast.Call)
    nullable, primary = _keyword(node, "nullable"), _keyword(node, "primary_key")
    return Column(
        name=_text(node.args[0]) or "",
        type=ast.unparse(node.args[1]) if len(node.args) > 1 else "",
        nullable=bool(nullable.value) if isinstance(nullable, ast.Constant) else True,
        primary_key=bool(primary.value) if isinstance(primary, ast.Constant) else False,
    )


def _called(node: ast.expr) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
