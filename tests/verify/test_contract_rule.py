"""Each way to break a contract is told, and what breaks nobody is not."""

from __future__ import annotations

import ast
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from migrator.contracts.documents import contract_files
from migrator.contracts.messages import message_types
from migrator.model.contract import Contract
from migrator.model.errors import MigratorError
from migrator.model.finding import Finding
from migrator.model.graph import Column, Graph, Module, Table
from migrator.model.manifest import RemoteFunction, ServiceManifest
from migrator.verify.agreed import agreed_contracts, present_versions
from migrator.verify.rules.contract_broken import RULE
from migrator.verify.subject import CarvedService, Subject

NOTIFY = "shop.notices:notify"
USERS = (
    Column("id", "Integer()", nullable=False, primary_key=True),
    Column("email", "String(10)", nullable=False),
    Column("phone", "String(10)"),
    Column("role", "Enum('admin', 'user', name='role')", nullable=False),
)
CODE = "def notify(user: int, kind: str, body: str = ''): ...\n"
ACCOUNTS = ServiceManifest(
    "accounts", "shop", "shop:create_app",
    owned=("users",), published=("users",), serves_events=(NOTIFY,),
)  # fmt: skip
JOBS = ServiceManifest(
    "jobs", "shop", "shop:create_app",
    replicas=(("users", "accounts"),), emits=(RemoteFunction(NOTIFY, "accounts"),),
)  # fmt: skip


def service(
    manifest: ServiceManifest, columns: tuple[Column, ...] = USERS, code: str = CODE
) -> CarvedService:
    graph = Graph(
        root=".",
        modules=(Module("shop.notices", "shop/notices.py", 1),),
        tables=(Table("users", None, columns, "shop/models.py", 1, "orm"),),
    )
    sources = {"shop/notices.py": ast.parse(code)}
    return CarvedService(f"workspace/services/{manifest.name}", manifest, graph, sources)


def agreed() -> tuple[Contract, ...]:
    owner = service(ACCOUNTS)
    modules = {"shop.notices": owner.sources["shop/notices.py"]}
    types = message_types(ACCOUNTS, [ACCOUNTS, JOBS], owner.graph, modules)
    files = contract_files(types, ["accounts"], {})
    return tuple(
        Contract(f"workspace/contracts/{path}", text, json.loads(text))
        for path, text in files.items()
        if "x-service" in json.loads(text)
    )


def findings(owner: CarvedService, reader: CarvedService | None = None) -> list[Finding]:
    services = (owner, reader or service(JOBS))
    return list(RULE.check(Subject(services=services, contracts=agreed())))


def changed(column_name: str, /, **values: object) -> tuple[Column, ...]:
    return tuple(
        replace(column, **values) if column.name == column_name else column  # type: ignore[arg-type]
        for column in USERS
    )


def without(name: str) -> tuple[Column, ...]:
    return tuple(column for column in USERS if column.name != name)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (without("email"), "email is gone"),
        (without("phone"), "phone is gone"),
        (changed("email", name="mail"), "email is gone"),
        (changed("email", type="String(5)"), "email has maxLength 5, before 10"),
        (changed("id", type="String(5)"), "id was integer and is now string"),
        (changed("phone", nullable=False), "phone may no longer be null"),
        (changed("role", type="Enum('user', name='role')"), "role no longer allows 'admin'"),
        ((*USERS, Column("city", "Text()", nullable=False)), "city is now required"),
    ],
)
def test_row_that_breaks_its_readers(columns: tuple[Column, ...], told: str) -> None:
    found = findings(service(ACCOUNTS, columns), service(JOBS, columns))
    errors = [f for f in found if f.severity == "error"]
    assert any(told in f.message for f in errors)
    assert {f.rule for f in found} == {"contract-broken"}
    assert all(f.path.startswith("workspace/contracts/accounts/users.") for f in errors)


@pytest.mark.parametrize(
    "columns",
    [
        USERS,
        (*USERS, Column("city", "Text()")),
        (*USERS, Column("active", "Boolean()", nullable=False, server_default="true")),
    ],
)
def test_row_that_breaks_nobody(columns: tuple[Column, ...]) -> None:
    assert findings(service(ACCOUNTS, columns)) == []


@pytest.mark.parametrize(
    "columns",
    [
        changed("email", type="String(20)"),
        changed("email", nullable=True),
        changed("role", type="Enum('admin', 'guest', 'user', name='role')"),
    ],
)
def test_row_that_may_carry_more_waits_for_its_readers(columns: tuple[Column, ...]) -> None:
    [refused] = findings(service(ACCOUNTS, columns))
    assert (refused.severity, "jobs cannot hold" in refused.message) == ("error", True)
    [ready] = findings(service(ACCOUNTS, columns), service(JOBS, columns))
    assert (ready.severity, ready.fix) == ("warning", "deploy jobs before accounts")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def notify(user: int, sort: str, body: str = ''): ...", "kind is gone"),
        ("def notify(user: int, kind: str, body: str, to: str): ...", "to is now required"),
        ("def notify(user: str, kind: str, body: str = ''): ...", "user was integer"),
        ("def notify(kind: str, user: int, body: str = ''): ...", "another order"),
        ("def notify(user: int, kind: str): ...", "body is gone"),
    ],
)
def test_function_that_breaks_its_senders(code: str, told: str) -> None:
    found = findings(service(ACCOUNTS, code=code))
    assert any(told in f.message and f.severity == "error" for f in found)
    assert "beside shop.notices:notify" in found[0].fix


def test_function_that_takes_more() -> None:
    code = "def notify(user: int | None, kind: str, body: str = '', to: str = ''): ...\n"
    assert findings(service(ACCOUNTS, code=code)) == []


def test_message_that_is_gone() -> None:
    silent = service(replace(ACCOUNTS, published=(), serves_events=()))
    told = {f.message.partition(":")[0] for f in findings(silent)}
    assert told == {"users.upserted", "users.deleted", "shop.notices"}
    alone = service(replace(JOBS, replicas=(), emits=()))
    assert findings(silent, alone) == []


def test_line_of_the_field() -> None:
    [finding] = [
        f for f in findings(service(ACCOUNTS, without("email"))) if "email is gone" in f.message
    ]
    [contract] = [c for c in agreed() if c.name == "users.upserted"]
    assert '"email":' in contract.text.splitlines()[finding.line - 1]


def test_new_version_is_a_warning() -> None:
    contracts = agreed()
    subject = Subject(
        services=(service(ACCOUNTS, without("email")), service(JOBS)),
        contracts=contracts,
        contract_versions={c.path: 2 for c in contracts},
    )
    found = list(RULE.check(subject))
    assert found and {f.severity for f in found} == {"warning"}


def test_contracts_of_a_revision(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    workspace = tmp_path / "workspace"
    [contract] = [c for c in agreed() if c.name == "users.upserted"]
    file = workspace / "contracts/accounts/users.upserted.json"
    file.parent.mkdir(parents=True)
    file.write_text(contract.text, "utf-8")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "agreed")
    file.write_text(contract.text.replace('"x-version": 1', '"x-version": 2'), "utf-8")
    assert [c.version for c in agreed_contracts(workspace, "HEAD")] == [1]
    assert [c.version for c in agreed_contracts(workspace, None)] == [2]
    assert list(present_versions(workspace).values()) == [2]
    with pytest.raises(MigratorError, match="no-such"):
        agreed_contracts(workspace, "no-such")
    base = workspace / ".migrator/base/contracts/accounts"
    base.mkdir(parents=True)
    (base / file.name).write_text(contract.text, "utf-8")
    assert [c.version for c in agreed_contracts(workspace, None)] == [1]
    (base / file.name).write_text("{", "utf-8")
    with pytest.raises(MigratorError, match="not a contract"):
        agreed_contracts(workspace, None)
