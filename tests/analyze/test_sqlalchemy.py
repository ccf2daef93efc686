"""What SQLAlchemy's constructs mean, one by one: tables, and who touches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analyze.sqlalchemy import graph_of, touched


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("s.scalars(select(User).where(User.busy)).all()", {"users read", "posts read"}),
        ("s.bulk_insert_mappings(User, [{}])", {"users insert"}),
        (
            "s.execute(select(post_tags.c.tag_id))\n    s.execute(post_tags.insert())",
            {"post_tags read", "post_tags insert"},
        ),
        (
            "s.execute(post_tags.delete().where(post_tags.c.tag_id == 1))",
            {"post_tags delete"},
        ),
        ("s.bulk_save_objects([Tag()])", {"tags insert"}),
        ("s.execute(insert(Post), [{}])", {"posts insert"}),
        (
            "s.execute(update(User).where(User.id.in_(select(Post.user_id))))",
            {"users update", "posts read"},
        ),
        (
            "s.query(User).filter(Post.id == 1).update({})",
            {"users update", "posts read"},
        ),
        ("s.merge(User())", {"users insert"}),
        (
            "for u in s.query(User):\n        s.delete(u)",
            {"users read", "users delete", "posts read", "posts delete", "post_tags read",
             "post_tags delete", "tags read"},
        ),
        ("for k in d:\n        setattr(s.get(User, 1), k, 1)", {"users read", "users update"}),
        ("p = s.get(Post, 1)\n    p.tags.append(Tag())", {
            "posts read", "tags read", "tags insert", "post_tags read", "post_tags insert",
        }),
        ("s.query(Post).join(Post.author).all()", {"posts read", "users read"}),
        ("s.query(Post).join(Post.tags).all()", {"posts read", "tags read", "post_tags read"}),
        ("clauses = [Tag.id == 1]\n    s.query(Post).filter(*clauses).all()", {
            "posts read", "tags read",
        }),
    ],
)  # fmt: skip
def test_what_a_session_is_told(tmp_path: Path, body: str, expected: set[str]) -> None:
    graph = graph_of(tmp_path, f"def work(s: Session, d):\n    {body}\n")
    assert {f"{table} {mode}" for table, mode in touched(graph, "work")} == expected
    assert not graph.unresolved


def test_a_clause_is_read_by_who_runs_it(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def clause(name):
            return [Tag.id == name]

        def work(s: Session):
            return s.query(Post).filter(*clause(1)).all()
        """,
    )
    assert touched(graph, "clause") == set()
    assert touched(graph, "work") == {("posts", "read"), ("tags", "read")}


def test_what_only_sounds_like_a_session_is_no_proof(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def sets(session_ids, db_users, seen, user: User):
            session_ids.add(user)
            db_users.add(user)
            seen.add(user)

        def named(session, user: User):
            session.add(user)

        def known(it: Session, user: User):
            it.add(user)
        """,
    )
    found = {(a.definition[4:], a.table, a.mode, a.confidence) for a in graph.accesses}
    assert {f for f in found if f[0] in ("sets", "named", "known")} == {
        ("named", "users", "insert", "likely"),
        ("known", "users", "insert", "certain"),
    }


def test_text_that_nobody_runs_is_no_statement(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        '''
        def work(log):
            """Delete from users."""
            log.info("delete from users")
            raise ValueError("select id from users failed")
        ''',
    )
    assert touched(graph, "work") == set()
    assert not graph.unresolved


def test_inheritance(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        class Manager(User):
            __tablename__ = "managers"
            __mapper_args__ = {"concrete": True}
            id: Mapped[int] = mapped_column(primary_key=True)
            level: Mapped[int]

        class Boss(User):
            __tablename__ = "bosses"
            id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)

        class Guest(User):
            shoe: Mapped[int]

        def concrete(s: Session):
            return s.get(Manager, 1)

        def joined(s: Session):
            return s.get(Boss, 1)

        def single(s: Session):
            return s.get(Guest, 1)
        """,
    )
    columns = {t.id: {c.name for c in t.columns} for t in graph.tables}
    assert columns["managers"] == {"id", "name", "level"}
    assert columns["bosses"] == {"id"}
    assert columns["users"] == {"id", "name", "shoe"}
    assert touched(graph, "concrete") == {("managers", "read")}
    assert touched(graph, "joined") == {("bosses", "read"), ("users", "read")}
    assert touched(graph, "single") == {("users", "read")}


def test_imperative_mapping(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        reg = registry()

        class Thing: ...

        things = Table(
            "things", reg.metadata,
            Column("id", Integer, primary_key=True), Column("u", ForeignKey("users.id")),
        )
        reg.map_imperatively(Thing, things, properties={"user": relationship(User)})

        def work(s: Session):
            s.add(Thing())
            return s.query(Thing).join(Thing.user).all()
        """,
    )
    assert touched(graph, "work") == {
        ("things", "insert"), ("things", "read"), ("users", "read"),
    }  # fmt: skip


def test_events_do_what_they_do(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        @event.listens_for(Session, "before_flush")
        def audit(session, context, instances):
            session.add(Tag())

        @event.listens_for(User, "after_insert")
        def made(mapper, connection, target):
            connection.execute(post_tags.insert())
        """,
    )
    assert touched(graph, "audit") == {("tags", "insert")}
    assert touched(graph, "made") == {("post_tags", "insert")}


def test_nested_functions_that_call_themselves_and_one_another(tmp_path: Path) -> None:
    calls = "\n".join(f"        walk(node.c{i}); jump(node.c{i})" for i in range(9))
    graph = graph_of(
        tmp_path,
        f"def work(s: Session):\n"
        f"    def walk(node):\n        s.add(Tag())\n{calls}\n"
        f"    def jump(node):\n        s.add(User())\n{calls}\n"
        f"    walk(None)\n",
    )
    assert touched(graph, "work") == {("tags", "insert"), ("users", "insert")}


def test_a_prefix_that_grows_as_a_function_calls_itself(tmp_path: Path) -> None:
    calls = "\n".join(
        f'    walk(s, node.c{i}, prefix=f"{{prefix}}{i}", other=f"{{other}}_{i}")' for i in range(6)
    )
    graph = graph_of(
        tmp_path,
        f"def walk(s: Session, node, prefix, other):\n    s.add(Tag())\n{calls}\n"
        f"def work(s: Session, name):\n    walk(s, None, name, name)\n",
    )
    assert touched(graph, "walk") == {("tags", "insert")}
