"""A read is told where a function chooses the table, not again where it runs the query."""

from __future__ import annotations

from pathlib import Path

from tests.analyze.test_sqlalchemy import graph_of


def lines(graph: object, name: str) -> list[tuple[str, int]]:
    found = graph.accesses  # type: ignore[attr-defined]
    return sorted((a.table, a.line) for a in found if a.definition == f"app:{name}")


def test_a_query_is_told_where_it_is_made(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """
        def page(query, size):
            return query.limit(size).all()
        def made(s: Session):
            return s.query(User)
        def tags(s: Session):
            return s.query(Tag)
        def both(s: Session, flag):
            query = s.query(Post)
            if flag:
                query = query.join(User)
            return page(query, 9)
        def one(s: Session):
            return page(s.query(Tag), 9)
        def here(s: Session):
            return made(s).all()
        """,
    )
    source = (tmp_path / "app.py").read_text().split("\n")
    wanted = ("query(Post)", "join(User)")
    first = {t: i for i, line in enumerate(source, 1) for t in wanted if t in line}
    assert lines(graph, "both") == [("posts", first["query(Post)"]), ("users", first["join(User)"])]
    assert [t for t, _ in lines(graph, "here")] == ["users"]
    assert {t for t, _ in lines(graph, "one")} == {"tags"}
