"""Each rule finds its bad example in a carved workspace, and nothing in the untouched one."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.analyze.pipeline import analyze
from migrator.model.graph_file import dump_graph
from migrator.model.plan_file import dump_plan
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import build
from migrator.verify.load import load
from migrator.verify.rule import all_rules, verify

SAMPLE = Path(__file__).parents[2] / "sample_monolith"
MODELS = "services/billing/jobmarket/billing/models.py"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Every file of a project: graph, plan and the workspace's services."""
    graph = analyze(SAMPLE)
    plan = propose(graph)
    made = build(plan, assign(plan, graph), graph, read_source(SAMPLE, graph))
    services = {
        f"workspace/{p}": t
        for p, t in made.files.items()
        if p.startswith(("services/", "contracts/"))
    }
    return {
        ".migrator/graph.json": dump_graph(graph),
        "migration.yaml": dump_plan(plan),
        **services,
    }


@pytest.fixture
def project(tmp_path: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def errors(project: Path) -> set[str]:
    subject = load(
        project / ".migrator/graph.json", project / "migration.yaml", project / "workspace"
    )
    return {f.rule for f in verify(subject) if f.severity == "error"}


def edit(project: Path, path: str, old: str, new: str) -> None:
    file = project / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def append(project: Path, path: str, text: str) -> None:
    file = project / path
    file.write_text(file.read_text("utf-8") + text, "utf-8")


def test_carved_workspace_has_no_errors(project: Path) -> None:
    assert errors(project) == set()


def test_foreign_key_across_services(project: Path) -> None:
    edit(
        project,
        f"workspace/{MODELS}",
        "changed_by_id: Mapped[int | None] = mapped_column(",
        "changed_by_id: Mapped[int | None] = mapped_column(ForeignKey('users.id'), ",
    )
    assert "foreign-key-across" in errors(project)


def test_write_to_a_replica(project: Path) -> None:
    append(
        project,
        "workspace/services/billing/jobmarket/billing/plans.py",
        "\n\ndef rename(session, ident):\n    from jobmarket.models import User\n\n"
        "    user = session.get(User, ident)\n    user.name = 'x'\n",
    )
    assert "replica-write" in errors(project)


def test_a_method_of_a_copy_is_an_error_where_something_calls_the_class(project: Path) -> None:
    edit(
        project,
        "workspace/services/billing/jobmarket/models.py",
        '    __tablename__ = "users"\n',
        '    __tablename__ = "users"\n\n    def rename(self, name: str) -> None:\n'
        "        self.name = name\n",
    )

    def severities() -> set[str]:
        subject = load(
            project / ".migrator/graph.json", project / "migration.yaml", project / "workspace"
        )
        found = [f for f in verify(subject) if f.rule == "replica-write"]
        return {f.severity for f in found if f.path.endswith("billing/jobmarket/models.py")}

    assert severities() == {"warning"}
    append(
        project,
        "workspace/services/billing/jobmarket/billing/plans.py",
        "\n\ndef rename(ident):\n    from jobmarket.models import User\n\n"
        "    User.rename(ident, 'x')\n",
    )
    assert severities() == {"error"}


def test_table_that_is_neither_owned_nor_copied(project: Path) -> None:
    append(
        project,
        "workspace/services/search/jobmarket/search/service.py",
        "\n\ndef paid(s):\n    from sqlalchemy import text\n\n"
        "    return s.execute(text('SELECT * FROM invoices'))\n",
    )
    assert "table-not-owned" in errors(project)


def test_import_of_what_the_service_lacks(project: Path) -> None:
    append(
        project,
        "workspace/services/search/jobmarket/search/service.py",
        "\nfrom jobmarket.billing.invoices import issue_invoice\n",
    )
    assert "import-across-services" in errors(project)


def test_import_from_a_module_that_makes_its_names_when_it_runs(project: Path) -> None:
    home = "workspace/services/search/jobmarket/search"
    append(project, f"{home}/service.py", "\nfrom jobmarket.search.words_pb2 import Hello\n")
    assert "import-across-services" in errors(project)
    (project / f"{home}/words_pb2.py").write_text("globals().update(Hello=1)\n")
    assert "import-across-services" not in errors(project)


def test_plan_that_names_what_is_gone(project: Path) -> None:
    edit(project, "migration.yaml", "- quotas", "- quotas\n      - gone_table")
    assert "plan-names" in errors(project)


def test_migration_out_of_step(project: Path) -> None:
    edit(
        project,
        f"workspace/{MODELS}",
        "class Quota(",
        "class Extra(Base):\n    __tablename__ = 'extras'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n\n\nclass Quota(",
    )
    assert "migration-drift" in errors(project)


def test_missing_outbox(project: Path) -> None:
    path = "workspace/services/billing/migrations/versions/0001_initial.py"
    edit(project, path, "schema.upgrade(op)", "pass")
    assert "messaging-missing" in errors(project)


def test_message_that_its_readers_no_longer_understand(project: Path) -> None:
    path = "workspace/services/applications/jobmarket/models.py"
    edit(project, path, "cover_letter: Mapped[str]", "letter: Mapped[str]")
    assert "contract-broken" in errors(project)


def test_every_rule_has_a_reason_and_examples() -> None:
    rules = all_rules()
    assert len(rules) == 8
    assert all(rule.why and rule.good and rule.bad for rule in rules)
