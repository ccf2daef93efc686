"""The chassis' own tables, made and dropped on real PostgreSQL; every module can be imported."""

from __future__ import annotations

import importlib
import pkgutil

import chassis
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from chassis import schema

MODULES = [info.name for info in pkgutil.iter_modules(chassis.__path__) if info.name != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(f"chassis.{name}").__doc__


def test_upgrade_makes_the_declared_tables_and_downgrade_drops_them(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        schema.upgrade(operations)
        assert set(sa.inspect(connection).get_table_names()) == set(schema.metadata.tables)
        schema.downgrade(operations)
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()
