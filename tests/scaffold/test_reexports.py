"""Names that come through other modules, and methods of copies that need what is not there."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst

from migrator.analyze.pipeline import analyze
from migrator.model.plan import Cut, Plan, Service
from migrator.plan.closure import close
from migrator.plan.resolve import assign
from migrator.scaffold.carve import carve_services
from migrator.scaffold.carve.copies import Refusal, called, told
from migrator.scaffold.carve.used import asked_of_module, uses
from migrator.scaffold.source import read_source

FILES = {
    "shop/__init__.py": "",
    "shop/base.py": "from sqlalchemy.orm import DeclarativeBase\n\n\n"
    "class Base(DeclarativeBase):\n    pass\n",
    "shop/models/__init__.py": "",
    "shop/models/audit.py": """
from sqlalchemy.orm import Mapped, mapped_column, object_session

from shop.base import Base
from shop.mail import Letter


class Audit(Base):
    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]

    def short(self, Letter: str = "") -> str:
        return self.text[:10] + Letter

    def shorten(self, text: str = "") -> None:
        self.text = text

    def hide(self) -> None:
        self.text = ""

    def note(self, other) -> None:
        self.noted, other.text = True, ""

    def send(self) -> None:
        \"\"\"Tell somebody.\"\"\"
        object_session(self).add(Letter(text=self.text))
""",
    "shop/mail.py": """
from sqlalchemy.orm import Mapped, mapped_column

from shop.base import Base


class Letter(Base):
    __tablename__ = "letters"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
""",
    # Hands a name on that it needs itself, for code that goes elsewhere.
    "shop/trail.py": """
from urllib.parse import quote as escape

from shop.base import Base
from shop.models.audit import Audit as LogEntry


def write(session, text):
    session.add(LogEntry(text=escape(text)))
""",
    "shop/report.py": """
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from shop.base import Base
from shop.trail import LogEntry, escape


class Report(Base):
    __tablename__ = "reports"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


def make(session):
    rows = session.scalars(select(LogEntry)).all()
    for row in rows:
        row.shorten()
        row.send()
    session.add(Report(body=escape("".join(row.text for row in rows))))
""",
}


def carved(folder: Path) -> tuple[dict[str, str], list[str]]:
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    graph = analyze(folder)
    owned = {
        "audit": (("audit",), ("shop.models.audit:*", "shop.trail:*")),
        "mail": (("letters",), ("shop.mail:*",)),
        "reports": (("reports",), ("shop.report:*",)),
    }
    plan = Plan(
        glue=("shop.base:*",),
        services=tuple(Service(name, "", *about) for name, about in owned.items()),
        cuts=(Cut("reports", "audit", "audit", "read", "replicate", ""),),
    )
    needs = {"reports": close("reports", plan, assign(plan, graph), graph)}
    assert dict(needs["reports"].replicas) == {"audit": "audit"}
    made = carve_services(read_source(folder, graph).texts, needs, graph)["reports"]
    return made.files, made.problems


def test_a_name_is_imported_from_where_it_is_defined(tmp_path: Path) -> None:
    files, _ = carved(tmp_path)
    assert "shop/trail.py" not in files
    lines = files["shop/report.py"].splitlines()
    assert "from shop.models.audit import Audit as LogEntry" in lines
    assert "from urllib.parse import quote as escape" in lines
    assert not any("shop.trail" in line for line in lines)


def test_a_copy_refuses_what_only_its_owner_can_do(tmp_path: Path) -> None:
    files, problems = carved(tmp_path)
    told = "Audit.send needs Letter, which audit has"
    [audit] = [
        n for n in ast.parse(files["shop/models/audit.py"]).body if isinstance(n, ast.ClassDef)
    ]
    methods = {f.name: ast.unparse(f) for f in audit.body if isinstance(f, ast.FunctionDef)}
    assert f"raise remote.ManualDecisionRequired({told!r})" in methods["send"]
    assert "Tell somebody." in methods["send"]
    # A parameter of that name is another thing.
    assert "raise" not in methods["short"]
    assert [p for p in problems if told in p]
    assert not [p for p in problems if "is not defined" in p]
    # Nor can its columns be changed here; what nothing calls is of no interest to anybody.
    set_ = "sets text, which only audit may"
    assert f"raise remote.ManualDecisionRequired('Audit.shorten {set_}')" in methods["shorten"]
    assert f"raise remote.ManualDecisionRequired('Audit.hide {set_}')" in methods["hide"]
    assert "raise" not in methods["note"]
    assert [p for p in problems if f"Audit.shorten {set_}" in p]
    assert not [p for p in problems if f"Audit.hide {set_}" in p]


def test_text_that_a_function_is_given_is_no_name() -> None:
    found = uses(cst.parse_statement('x = [f for f in files("shop") if f][0]'))
    assert found == {"x", "f", "files"}
    assert "User" in uses(cst.parse_statement('x: Mapped["User"] = y'))
    assert "User" in uses(cst.parse_statement('kind = Mapped["User"]'))


def test_names_that_a_method_has_of_its_module() -> None:
    method = cst.parse_statement(
        "def f(self, a):\n    from x import b\n    c = a\n    return [d for e in b(c)]\n"
    )
    assert asked_of_module(method) == {"b", "d"}
    assert asked_of_module(cst.parse_statement("x = y")) == set()


def test_a_constructor_is_called_by_the_name_of_its_class() -> None:
    refusals = [Refusal("shop.models", "Audit", m, f"Audit.{m} no") for m in ("__init__", "send")]
    inner = "class Audit(Base):\n    def __init__(self): raise No('Audit.__init__ no')\n"
    assert called(refusals, [inner, "def f(x: Audit): super().__init__()\n"]) == []
    assert called(refusals, [inner, "x = models.Audit(1)\n"]) == refusals[:1]
    assert called(refusals, ["    def send(self): raise No('Audit.send no')\n"]) == []
    assert called(refusals, ["getattr(x, 'send')()\n"]) == refusals[1:]


def test_setters_of_a_class_are_one_line() -> None:
    lacks = Refusal("m", "A", "f", "A.f needs B, which x has", frozenset({"B"}))
    setters = [Refusal("m", "A", name, f"A.{name} sets c, which only x may") for name in "ghi"]
    assert told([lacks, *setters[:1]]) == [
        "m: A.f needs B, which x has; it raises ManualDecisionRequired",
        "m: A.g sets c, which only x may; it raises ManualDecisionRequired",
    ]
    assert told(setters) == [
        "m: A.g sets c, which only x may; it and h, i of A raise ManualDecisionRequired"
    ]
