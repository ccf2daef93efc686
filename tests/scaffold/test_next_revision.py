"""A revision that follows a changed plan or monolith, executed on real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.model.errors import MigratorError
from migrator.model.graph import Column, Constraint, ForeignKey, Graph, Table
from migrator.scaffold.revisions import (
    History,
    ServiceSchema,
    dump_schema,
    load_schema,
    revisions_for,
    schema_of,
)

ID = Column("id", "Integer()", nullable=False, primary_key=True)


def table(name: str, *columns: Column, constraints: tuple[Constraint, ...] = ()) -> Table:
    return Table(name, None, (ID, *columns), "models.py", 7, "orm", f"m:{name}", constraints)


def key(source: str, column: str, target: str, on_delete: str | None = None) -> ForeignKey:
    return ForeignKey(source, target, (column,), ("id",), "models.py", 7, on_delete)


def graph(*tables: Table, keys: tuple[ForeignKey, ...] = ()) -> Graph:
    return Graph(root="m", tables=tables, foreign_keys=keys)


def first(schema: ServiceSchema) -> str:
    return revisions_for("shop", schema, None, "").files["0001_initial.py"]


def after_first(schema: ServiceSchema) -> History:
    return History(schema, {"0001_initial.py": first(schema)}, {"0001": ()})


def second(before: ServiceSchema, after: ServiceSchema) -> str | None:
    files = dict(revisions_for("shop", after, after_first(before), "versions").files)
    assert files.pop("0001_initial.py") == first(before)
    return next(iter(files.values()), None)


def run(connection: sa.Connection, text: str, direction: str) -> None:
    revision: dict[str, object] = {}
    with Operations.context(MigrationContext.configure(connection)):
        exec(compile(text, "revision.py", "exec"), revision)
        revision[direction]()  # type: ignore[operator]


def described(connection: sa.Connection) -> dict[str, object]:
    """What the database holds, but for names that it chose and how a key is numbered."""
    look = sa.inspect(connection)
    return {
        name: (
            {
                c["name"]: (str(c["type"]), c["nullable"], c["name"] == "id" or c["default"])
                for c in look.get_columns(name)
            },
            sorted(
                (tuple(k["constrained_columns"]), k["referred_table"], str(k["options"]))
                for k in look.get_foreign_keys(name)
            ),
            sorted(tuple(u["column_names"]) for u in look.get_unique_constraints(name)),
            sorted(c["sqltext"] for c in look.get_check_constraints(name)),
            sorted(
                (tuple(str(c) for c in i["column_names"]), bool(i["unique"]))
                for i in look.get_indexes(name)
                if not i.get("duplicates_constraint")
            ),
        )
        for name in sorted(look.get_table_names())
    }


def fresh(connection: sa.Connection) -> None:
    connection.rollback()
    connection.execute(sa.text("DROP SCHEMA public CASCADE"))
    connection.execute(sa.text("CREATE SCHEMA public"))


@pytest.fixture
def connection(postgres_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


pytestmark = pytest.mark.usefixtures("bare_chassis")

NAMES = ("users", "orders", "lines")
COLUMNS = st.builds(
    Column,
    name=st.sampled_from(["size", "state", "mark"]),
    type=st.sampled_from(["Integer()", "String(20)", "Text()"]),
    nullable=st.booleans(),
    unique=st.booleans(),
    index=st.booleans(),
    server_default=st.sampled_from([None, "'5'"]),
)


@st.composite
def schemas(draw: st.DrawFn) -> ServiceSchema:
    tables, keys = [], []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        columns = draw(st.lists(COLUMNS, max_size=3, unique_by=lambda column: column.name))
        targets = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
        links = [Column(f"{target}_id", "Integer()") for target in targets]
        keys += [
            key(name, f"{target}_id", target, draw(st.sampled_from([None, "CASCADE"])))
            for target in targets
        ]
        checked = draw(st.booleans())
        constraints = (Constraint("check", (), f"ck_{name}", "id > 0"),) if checked else ()
        tables.append(table(name, *columns, *links, constraints=constraints))
    names = [t.name for t in tables]
    replicas = draw(st.lists(st.sampled_from(names), unique=True))
    owned = [name for name in names if name not in replicas]
    keys = [k for k in keys if k.target in names]
    return schema_of(owned, dict.fromkeys(replicas, "others"), graph(*tables, keys=tuple(keys)))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=schemas(), after=schemas())
def test_the_next_revision_makes_what_a_first_one_would(
    connection: sa.Connection, before: ServiceSchema, after: ServiceSchema
) -> None:
    """There and back again: upgrade equals a fresh database of `after`, downgrade of `before`."""
    expected = []
    for schema in (before, after):
        fresh(connection)
        run(connection, first(schema), "upgrade")
        expected.append(described(connection))
    text = second(before, after)
    fresh(connection)
    run(connection, first(before), "upgrade")
    if text is None:
        assert expected[0] == expected[1]
        return
    run(connection, _converting(text), "upgrade")
    assert described(connection) == expected[1]
    run(connection, _converting(text), "downgrade")
    assert described(connection) == expected[0]


def _converting(text: str) -> str:
    """PostgreSQL wants to be told how text becomes a number, which a person decides."""
    return text.replace("type_=sa.Integer()", "type_=sa.Integer(), postgresql_using='5'")


def test_nothing_changed_makes_no_revision() -> None:
    schema = schema_of(["users"], {}, graph(table("users")))
    assert second(schema, schema) is None
    moved = graph(replace(table("users"), path="elsewhere.py", line=70))
    assert second(schema, schema_of(["users"], {}, moved)) is None


def test_a_table_with_rows_is_not_dropped(connection: sa.Connection) -> None:
    both = schema_of(["users", "orders"], {}, graph(table("users"), table("orders")))
    text = second(both, schema_of(["users"], {}, graph(table("users"))))
    assert text is not None
    run(connection, first(both), "upgrade")
    connection.execute(sa.text("INSERT INTO orders (id) VALUES (1)"))
    with pytest.raises(RuntimeError, match="orders"):
        run(connection, text, "upgrade")
    connection.execute(sa.text("DELETE FROM orders"))
    run(connection, text, "upgrade")
    assert sa.inspect(connection).get_table_names() == ["users"]


def test_a_replica_that_becomes_owned_numbers_its_rows(connection: sa.Connection) -> None:
    tables = graph(table("users"))
    before, after = schema_of([], {"users": "accounts"}, tables), schema_of(["users"], {}, tables)
    text = second(before, after)
    assert text is not None
    assert "was a replica of accounts" in text
    run(connection, first(before), "upgrade")
    connection.execute(sa.text("INSERT INTO users (id) VALUES (41)"))
    run(connection, text, "upgrade")
    connection.execute(sa.text("INSERT INTO users DEFAULT VALUES"))
    ids = connection.scalars(sa.text("SELECT id FROM users ORDER BY id")).all()
    assert ids == [41, 42]


def test_an_enum_gains_a_value(connection: sa.Connection) -> None:
    def states(*values: str) -> ServiceSchema:
        text = ", ".join(repr(value) for value in values)
        column = Column("state", f"Enum({text}, name='state')")
        return schema_of(["users"], {}, graph(table("users", column)))

    text = second(states("new", "done"), states("new", "it's", "done"))
    assert text is not None
    run(connection, first(states("new", "done")), "upgrade")
    run(connection, text, "upgrade")
    connection.commit()
    connection.execute(sa.text("INSERT INTO users (state) VALUES ('it''s')"))


def test_what_a_person_must_look_at_is_told() -> None:
    before = schema_of(["users"], {}, graph(table("users", Column("name", "Text()"))))
    new = table("users", Column("full_name", "Text()", nullable=False))
    found = revisions_for("shop", schema_of(["users"], {}, graph(new)), after_first(before), "")
    assert [p.partition(":")[0] for p in found.problems] == ["0002_alter_users.py"] * 2
    assert "may not be null and has no default" in found.problems[0]
    assert "if it was renamed" in found.problems[1]


def test_a_revision_of_a_person_is_followed_and_two_heads_are_refused() -> None:
    before = schema_of(["users"], {}, graph(table("users")))
    after = schema_of(["users"], {}, graph(table("users", Column("name", "Text()"))))
    theirs = replace(after_first(before), followed={"0001": (), "abc": ("0001",)})
    text = revisions_for("shop", after, theirs, "").files["0003_alter_users.py"]
    assert 'down_revision = "abc"' in text
    split = replace(theirs, followed={**theirs.followed, "xyz": ("0001",)})
    with pytest.raises(MigratorError, match="2 found: abc, xyz"):
        revisions_for("shop", after, split, "services/shop/migrations/versions")


def test_a_schema_survives_its_file() -> None:
    schema = schema_of(
        ["users"],
        {"orders": "sales"},
        graph(table("users"), table("orders", Column("x", "Text()"))),
    )
    text = dump_schema(schema)
    assert load_schema(text, "") == schema
    assert "models.py" not in text
    with pytest.raises(MigratorError, match=r"schema\.json"):
        load_schema(json.dumps({"tables": 5}), "services/shop/migrations/schema.json")
