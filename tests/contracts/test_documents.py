"""The contracts of the carved sample: whole, stable, and kept by the messages really written."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bank.ledger import Entry
from bank.models import Account
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from support.delivery import ACCOUNTS, emit, side

from migrator.analyze.pipeline import analyze
from migrator.contracts.documents import contract_files
from migrator.contracts.messages import message_types
from migrator.model.manifest import RemoteFunction, ServiceManifest
from migrator.plan.propose import propose
from migrator.plan.resolve import assign
from migrator.scaffold.source import read_source
from migrator.scaffold.workspace import build

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_monolith"
BANK = ROOT / "tests/support/bank"
PARSER = Path(__file__).with_name("asyncapi.mjs")
MODULES = Path(os.environ.get("ASYNCAPI_MODULES", ROOT / ".venv/asyncapi"))


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return sample_contracts()


def sample_contracts(wanted: tuple[str, ...] = ()) -> dict[str, str]:
    graph = analyze(SAMPLE)
    plan = propose(graph)
    made = build(plan, assign(plan, graph), graph, read_source(SAMPLE, graph), wanted)
    return {path: text for path, text in made.files.items() if path.startswith("contracts/")}


def validator(files: dict[str, str], path: str) -> Draft7Validator:
    schemas = {p: json.loads(text) for p, text in files.items() if not p.endswith("/asyncapi.json")}
    resources = [(p, Resource.from_contents(schema)) for p, schema in schemas.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    schema = {"$ref": path}
    return Draft7Validator(schema, registry=registry)


def test_every_message_of_every_service_has_a_schema(files: dict[str, str]) -> None:
    for text in files.values():
        document = json.loads(text)
        if "asyncapi" not in document:
            Draft7Validator.check_schema(document)
    for path in (
        "contracts/accounts/users.upserted.json",
        "contracts/accounts/users.deleted.json",
        "contracts/notifications/notifications.insert.json",
        "contracts/notifications/jobmarket.notifications.service.notify.call.json",
    ):
        assert path in files
    notify = json.loads(
        files["contracts/notifications/jobmarket.notifications.service.notify.call.json"]
    )
    data = notify["properties"]["data"]
    assert data["x-places"][:2] == ["user_id", "kind"]
    assert data["properties"]["kwargs"]["properties"]["user_id"] == {"type": "integer"}


def test_same_input_gives_the_same_files(files: dict[str, str]) -> None:
    assert sample_contracts() == files
    alone = sample_contracts(("jobs",))
    assert alone and alone.items() <= files.items()


def test_both_ends_of_a_channel_name_it(files: dict[str, str]) -> None:
    owner = json.loads(files["contracts/accounts/asyncapi.json"])
    reader = json.loads(files["contracts/jobs/asyncapi.json"])
    place = "events.accounts.users"
    assert owner["operations"][f"send-{place}"]["action"] == "send"
    assert reader["operations"][f"receive-{place}"]["action"] == "receive"
    assert owner["channels"][place] == reader["channels"][place]


def test_official_parser_reads_the_documents(tmp_path: Path, files: dict[str, str]) -> None:
    node = shutil.which("node")
    if node is None or not (MODULES / "node_modules/@asyncapi/parser").is_dir():
        pytest.skip(f"needs node, and `npm install --prefix {MODULES} @asyncapi/parser`")
    found = []
    for path, text in files.items():
        if path.endswith("/asyncapi.json"):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            found.append(file)
    assert len(found) == 9
    command = [node, PARSER, MODULES, *found]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    broken = json.loads(found[0].read_text("utf-8"))
    broken["operations"] = {"x": {"action": "shout", "channel": {"$ref": "#/channels/none"}}}
    found[0].write_text(json.dumps(broken), "utf-8")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1, "the parser must be able to refuse"


def bank_contracts(root: Path) -> dict[str, str]:
    """The contracts of the two services of the tests, which share one package."""
    shutil.copytree(BANK, root / "bank", ignore=shutil.ignore_patterns("__pycache__"))
    graph = analyze(root)
    common = {"package": "bank", "factory": "bank:create_app"}
    accounts = ServiceManifest(
        name="accounts", owned=("accounts",), published=("accounts",),
        emits=(RemoteFunction("bank.ledger:record", "ledger"),),
        remote_inserts=(("entries", "ledger"),), **common,
    )  # fmt: skip
    ledger = ServiceManifest(
        name="ledger", owned=("entries",), replicas=(("accounts", "accounts"),),
        serves_events=("bank.ledger:record",), **common,
    )  # fmt: skip
    modules = {m.name: ast.parse((root / m.path).read_text("utf-8")) for m in graph.modules}
    both = (accounts, ledger)
    types = [t for manifest in both for t in message_types(manifest, both, graph, modules)]
    found = contract_files(types, ["accounts", "ledger"], {})
    return {f"contracts/{path}": text for path, text in found.items()}


def test_what_the_chassis_writes_keeps_its_contract(
    tmp_path: Path, make_database: Callable[[], str]
) -> None:
    files = bank_contracts(tmp_path)
    producer = side(ACCOUNTS, make_database(), replica=False)
    with producer.working() as session:
        account = Account(id=1, owner="ada", balance=5)
        session.add(account)
        session.commit()
        account.balance = 6
        session.commit()
        session.add(Entry(account_id=1, number=1))
        session.delete(account)
        session.commit()
    emit(producer, [(1, 1)])
    with producer.engine.connect() as connection:
        payloads = connection.execute(sa.text("SELECT payload FROM outbox")).scalars().all()
    kinds = set()
    for payload in payloads:
        kinds.add(payload["kind"])
        owner = "accounts" if payload["kind"] in ("upserted", "deleted") else "ledger"
        path = f"contracts/{owner}/{payload['type'].replace(':', '.')}.json"
        judge = validator(files, path)
        assert [error.message for error in judge.iter_errors(payload)] == []
        broken = {**payload, "data": {**payload["data"], "table": 1, "function": 1}}
        assert not judge.is_valid(broken)
        assert not judge.is_valid({**payload, "specversion": "0.3"})
    assert kinds == {"upserted", "deleted", "insert", "call"}
    producer.engine.dispose()
