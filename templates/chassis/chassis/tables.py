"""The tables that the service's modules declare, and their rows as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import RowMapping, Table

from chassis import codec
from chassis.manifest import Manifest


def declared(manifest: Manifest) -> Mapping[str, Table]:
    """Every table that the models declare, by its id (``schema.name`` or ``name``)."""
    for module in manifest.models:
        importlib.import_module(module)
    return _scan(manifest.package, len(sys.modules))


@cache
def _scan(package: str, _modules: int) -> dict[str, Table]:
    return {table.fullname: table for _, table in _holders(package)}


def model(manifest: Manifest, table: str) -> type | None:
    """The mapped class of `table`."""
    declared(manifest)
    for holder, found in _holders(manifest.package):
        if isinstance(holder, type) and found.fullname == table:
            return holder
    return None


def _holders(package: str) -> list[tuple[object, Table]]:
    found: list[tuple[object, Table]] = []
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            for value in list(vars(module).values()):
                table = value if isinstance(value, Table) else _table_of(value)
                if table is not None:
                    found.append((value, table))
    return found


def _table_of(value: object) -> Table | None:
    if not isinstance(value, type):
        return None
    # Not inherited: a single-table subclass must not stand for its base.
    table = vars(value).get("__table__")
    return table if isinstance(table, Table) else None


def encode_row(table: Table, row: RowMapping) -> dict[str, Any]:
    """The row's columns as JSON."""
    return {column.name: codec.encode(row[column]) for column in table.columns}


def row_key(table: Table, row: Mapping[str, Any] | RowMapping) -> str:
    """The primary key of a row of encoded columns, as text."""
    return key_text([row[column.name] for column in table.primary_key])


def key_text(parts: list[Any]) -> str:
    """A primary key as text: the same for equal keys, whatever the number of columns."""
    if len(parts) == 1 and isinstance(parts[0], str | int):
        return str(parts[0])
    return json.dumps(parts, separators=(",", ":"), sort_keys=True)
