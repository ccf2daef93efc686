"""What Python's own ways of importing, naming and typing mean to the graph."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrator.analyze.pipeline import analyze
from migrator.analyze.settings import Settings
from migrator.model.graph import Graph

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def graph_of(root: Path, files: dict[str, str], **settings: tuple[str, ...]) -> Graph:
    for path, source in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(source))
    return analyze(root, settings=Settings(**settings))


def imports(graph: Graph) -> set[tuple[str, str, str]]:
    return {(i.source, i.target, i.kind) for i in graph.imports}


def touched(graph: Graph) -> set[tuple[str, str, str]]:
    return {(a.definition, a.table, a.mode) for a in graph.accesses}


def test_computed_imports(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/a.py": "",
            "shop/b.py": "",
            "shop/c.py": "",
            "shop/work.py": """
            import importlib
            from importlib import import_module

            PLUGINS = ["shop.b"]
            one = importlib.import_module("shop.a")
            two = import_module(".c", __package__)

            def load(name):
                for plugin in PLUGINS:
                    __import__(plugin)
                return importlib.import_module(f"shop.{name}")
            """,
        },
    )
    assert imports(graph) == {
        ("shop.work", "shop.a", "dynamic"), ("shop.work", "shop.b", "dynamic"),
        ("shop.work", "shop.c", "dynamic"),
    }  # fmt: skip
    assert [(u.path, u.line, u.why) for u in graph.unresolved] == [
        ("shop/work.py", 12, "the imported name is computed")
    ]


def test_a_star_gives_what_all_names(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "shop/__init__.py": "from shop.models import *\n__all__ = ['User', '_Hidden']\n",
            "shop/models.py": MODELS + "_Hidden = Post\n__all__ = ['User', '_Hidden']\n",
            "shop/work.py": """
            from shop import *

            def named(session):
                session.get(User, 1)
                session.get(_Hidden, 1)

            def not_exported(session):
                session.get(Post, 1)
            """,
        },
    )
    assert touched(graph) == {
        ("shop.work:named", "users", "read"), ("shop.work:named", "posts", "read"),
    }  # fmt: skip


def test_of_several_stars_the_last_one_that_has_a_name_gives_it(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/models.py": MODELS,
            "shop/all.py": """
            from shop.users import *
            from shop.posts import *
            from shop.more import *
            """,
            "shop/users.py": "from shop.models import User as Row\n",
            "shop/posts.py": "from shop.models import Post as Row\n",
            # It can only have what an earlier star has bound.
            "shop/more.py": "from shop.all import Row\n",
            "shop/work.py": """
            from shop.all import Row

            def read(session):
                session.get(Row, 1)
            """,
        },
    )
    assert touched(graph) == {("shop.work:read", "posts", "read")}


def test_imports_for_types_only_are_an_edge_of_their_own_kind(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/models.py": MODELS,
            "shop/work.py": """
            from __future__ import annotations
            import typing
            if typing.TYPE_CHECKING:
                from shop.models import User

            def rename(user: User):
                user.id = 2
            """,
        },
    )
    assert imports(graph) == {("shop.work", "shop.models", "type_checking")}
    assert touched(graph) == {("shop.work:rename", "users", "update")}


def test_namespace_packages_and_several_roots(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "src/acme/shop/models.py": MODELS,
            "libs/acme/tools/work.py": """
            from acme.shop.models import User

            def one(session):
                return session.get(User, 1)
            """,
            "main.py": "import acme.tools.work\n",
        },
    )
    assert {m.name for m in graph.modules} == {"acme.shop.models", "acme.tools.work", "main"}
    assert touched(graph) == {("acme.tools.work:one", "users", "read")}
    assert ("main", "acme.tools.work", "static") in {(s, t, "static") for s, t, _ in imports(graph)}


def test_roots_that_the_settings_name(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path, {"one/a.py": "", "two/inner/b.py": "import a\n"}, roots=("one", "two")
    )
    assert {m.name for m in graph.modules} == {"a", "inner.b"}
    assert {(s, t) for s, t, _ in imports(graph)} == {("inner.b", "a")}


def test_repositories_by_type_parameter_and_by_attribute(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "models.py": MODELS,
            "dao.py": """
            from typing import Generic, TypeVar
            from sqlalchemy import select
            from sqlalchemy.orm import Session
            from models import Base, User, Post

            T = TypeVar("T", bound=Base)

            class BaseDAO(Generic[T]):
                model: type[T]

                def __init__(self, session: Session) -> None:
                    self.session = session

                def __init_subclass__(cls):
                    cls.model = cls.__orig_bases__[0].__args__[0]

                def find(self, id_: int) -> T:
                    return self.session.scalars(select(self.model)).one()

                def remove(self, row: T) -> None:
                    self.session.delete(row)

            class UserDAO(BaseDAO[User]): ...

            class PostDAO(BaseDAO[Post]):
                model = Post

            def work(session: Session):
                users = UserDAO(session)
                users.remove(users.find(1))

            def other(session: Session):
                PostDAO(session).find(1).id = 2
            """,
        },
    )
    assert touched(graph) >= {
        ("dao:work", "users", "delete"), ("dao:other", "posts", "update"),
    }  # fmt: skip
    assert {(d, t) for d, t, m in touched(graph) if m == "read"} <= {
        ("dao:UserDAO", "users"), ("dao:PostDAO", "posts"), ("dao:work", "users"),
        ("dao:other", "posts"),
    }  # fmt: skip
    assert {t for _, t, m in touched(graph) if m == "read"} == {"users", "posts"}


def test_a_model_that_is_found_as_the_class_is_made(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "models.py": MODELS,
            "dao.py": """
            from typing import Any, ClassVar, Generic, TypeVar, get_args
            from models import User, Post

            T = TypeVar("T")

            def timed(function, *args):
                return function(*args)

            class BaseDAO(Generic[T]):
                model_cls: ClassVar[type[Any] | None] = None

                def __init_subclass__(cls) -> None:
                    cls.model_cls = get_args(cls.__orig_bases__[0])[0]

                @classmethod
                def find(cls, session, id_) -> T:
                    return session.query(cls.model_cls).get(id_)

                @classmethod
                def create(cls, session):
                    session.add(cls.model_cls())

            class UserDAO(BaseDAO[User]): ...
            class PostDAO(BaseDAO[Post]): ...

            class Service(Generic[T]):
                def __init__(self, session):
                    self.model = get_args(type(self).__orig_bases__[0])[0]
                    self.session = session
                def all(self):
                    return self.session.query(self.model).all()

            class Posts(Service[Post]): ...

            def work(session):
                UserDAO.find(session, 1).id = 2
                UserDAO.create(session)
                PostDAO.find(session, 1)

            def others(session):
                return Posts(session).all()
            """,
        },
    )
    assert {(d, t, m) for d, t, m in touched(graph) if d == "dao:work"} == {
        ("dao:work", "users", "read"), ("dao:work", "users", "update"),
        ("dao:work", "users", "insert"), ("dao:work", "posts", "read"),
    }  # fmt: skip
    # Of one table only: the access stays with the code that names no other.
    assert ("dao:Service", "posts", "read") in touched(graph) or (
        "dao:Posts",
        "posts",
        "read",
    ) in touched(graph)
    assert ("dao:PostDAO", "users", "read") not in touched(graph)


PROJECT = {
    "core/__init__.py": "",
    "core/models.py": """
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        class Base(DeclarativeBase): ...
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
    """,
    "users/__init__.py": "",
    "users/work.py": """
        from core.models import User
        from celery.schedules import crontab
        from site_.celery.own import mine

        def make(session):
            session.add(User())
    """,
    "celery/__init__.py": "",
    "celery/own.py": "def mine(): ...",
    "silent.py": "",
    "__init__.py": "",
}


@pytest.mark.parametrize("at", ["", "site_"])
def test_a_package_whose_folder_is_a_root_itself(tmp_path: Path, at: str) -> None:
    graph_of(tmp_path, {f"site_/{name}": source for name, source in PROJECT.items()})
    graph = analyze(tmp_path / at)
    names = {m.name for m in graph.modules}
    assert {"core.models", "users.work", "silent", "site_.celery.own"} <= names
    assert ("users.work:make", "users", "insert") in touched(graph)


def test_an_object_that_is_its_own_iterator_gives_what_next_gives(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "models.py": MODELS,
            "work.py": """
            from models import Post, User

            class Users:
                def __iter__(self):
                    return self
                def __next__(self):
                    return User()

            class Posts:
                def __iter__(self):
                    return Users()

            def add(session):
                for user in Users():
                    session.add(user)

            def also(session):
                for user in Posts():
                    session.add(user)
            """,
        },
    )
    assert {("work:add", "users", "insert"), ("work:also", "users", "insert")} <= touched(graph)
    assert not graph.unresolved


@pytest.mark.parametrize(("written", "named"), [("shop.core", "shop.core"), ("core", "core")])
def test_a_folder_inside_a_namespace_package_has_its_whole_name(
    tmp_path: Path, written: str, named: str
) -> None:
    root = tmp_path / "shop" / "core"
    root.mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text("def f(): pass\n")
    (root / "b.py").write_text(f"from {written}.a import f\n\ndef g(): f()\n")
    graph = analyze(root)
    assert {m.name for m in graph.modules} == {named, f"{named}.a", f"{named}.b"}
    assert (f"{named}.b:g", f"{named}.a:f") in {(d.source, d.target) for d in graph.dependencies}
