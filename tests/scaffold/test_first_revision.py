"""The first revision, executed on real PostgreSQL without the chassis' own tables."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from migrator.model.graph import Column, Constraint, ForeignKey, Graph, Table
from migrator.scaffold.revisions import revisions_for, schema_of


def table(name: str, *columns: Column, constraints: tuple[Constraint, ...] = ()) -> Table:
    return Table(name, None, columns, "models.py", 1, "orm", f"m:{name}", constraints)


def key(source: str, column: str, target: str, on_delete: str | None = None) -> ForeignKey:
    return ForeignKey(source, target, (column,), ("id",), "models.py", 1, on_delete)


ID = Column("id", "Integer()", nullable=False, primary_key=True)
STATE = "Enum('new', 'done', name='state')"
GRAPH = Graph(
    root="m",
    tables=(
        table("users", ID, Column("email", "String(255)", nullable=False, unique=True)),
        table(
            "orders",
            ID,
            Column("user_id", "Integer()", nullable=False, index=True),
            Column("first_line_id", "Integer()"),
            Column("state", STATE, nullable=False, server_default="'new'"),
            Column("tags", "ARRAY(String(20))"),
            constraints=(
                Constraint("unique", ("user_id", "first_line_id"), "uq_order"),
                Constraint("check", (), "ck_id", "id > 0"),
            ),
        ),
        table(
            "lines",
            ID,
            Column("order_id", "Integer()", nullable=False),
            Column("state", STATE),
            Column("extra", "postgresql.JSONB()"),
            constraints=(Constraint("index", ("order_id", "state"), "ix_two"),),
        ),
    ),
    foreign_keys=(
        key("orders", "user_id", "users"),
        key("orders", "first_line_id", "lines"),
        key("lines", "order_id", "orders", "CASCADE"),
    ),
)


def initial_revision(owned: list[str], replicas: dict[str, str]) -> str:
    [text] = revisions_for("orders", schema_of(owned, replicas, GRAPH), None, "").files.values()
    return text


@pytest.mark.usefixtures("bare_chassis")
def test_upgrade_and_downgrade_on_postgresql(postgres_url: str) -> None:
    text = initial_revision(["orders", "lines"], {"users": "accounts"})
    revision: dict[str, object] = {}
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            exec(compile(text, "0001_initial.py", "exec"), revision)
            revision["upgrade"]()  # type: ignore[operator]
        inspector = sa.inspect(connection)
        assert sorted(inspector.get_table_names()) == ["lines", "orders", "users"]
        keys = {
            (name, fk["constrained_columns"][0], fk["referred_table"])
            for name in ("lines", "orders", "users")
            for fk in inspector.get_foreign_keys(name)
        }
        assert keys == {("orders", "first_line_id", "lines"), ("lines", "order_id", "orders")}
        users = {column["name"] for column in inspector.get_columns("users")}
        assert users == {"id", "email", "replica_version"}
        assert [i["name"] for i in inspector.get_indexes("lines")] == ["ix_two"]
        with Operations.context(MigrationContext.configure(connection)):
            revision["downgrade"]()  # type: ignore[operator]
        assert sa.inspect(connection).get_table_names() == []
        assert connection.scalar(sa.text("select count(*) from pg_type where typname='state'")) == 0
    engine.dispose()


def test_a_crossing_key_becomes_a_plain_column_that_says_where_it_points() -> None:
    text = initial_revision(["orders", "lines"], {})
    assert "# points to users.id" in text
    assert '"users"' not in text
