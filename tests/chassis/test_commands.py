"""``python -m chassis``: people look at what waits or is dead, and have it done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from chassis import delivery
from support.delivery import Side, emit, messages, settings

from .test_metrics import processor

MANIFESTS = {
    "accounts": """
[service]
name = "accounts"
package = "bank"
models = ["bank.models", "bank.ledger"]
[tables]
owned = ["accounts"]
published = ["accounts"]
""",
    "ledger": """
[service]
name = "ledger"
package = "bank"
models = ["bank.models", "bank.ledger"]
[tables]
owned = ["entries"]
[tables.replicas]
accounts = "accounts"
[serves]
events = ["bank.ledger:record", "bank.ledger:record_then_fail"]
""",
}
# Binds the session that the package's modules share, as the carved service's own module does.
RUN = """
import os, sys
import sqlalchemy as sa
from bank.db import session
session.configure(bind=sa.create_engine(os.environ["DATABASE_URL"] or "sqlite://"))
from chassis.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


_COMMAND = [sys.executable, "-W", "ignore", "-c", RUN]


class Shell:
    """Runs the command for one side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, side: Side, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_COMMAND, *arguments],
            env=self._environment(side) | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, side: Side, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """The same, until it is told to end."""
        given = self._environment(side) | environment
        return subprocess.Popen([*_COMMAND, *arguments], env=given)

    def _environment(self, side: Side) -> dict[str, str]:
        manifest = self._folder / f"{side.manifest.name}.toml"
        manifest.write_text(MANIFESTS[side.manifest.name], "utf-8")
        return {
            **os.environ,
            "DATABASE_URL": side.engine.url.render_as_string(hide_password=False),
            "CHASSIS_MANIFEST": str(manifest),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OTEL_SDK_DISABLED": "true",
            "LOG_LEVEL": "CRITICAL",
        }

    def rows(self, side: Side, *arguments: str) -> list[dict[str, Any]]:
        done = self(side, *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def bury(accounts: Side, reason: str) -> str:
    """Make a dead letter of the first message of the queue; its id."""
    with accounts.engine.begin() as connection:
        [entry, *_] = delivery.page(connection, dict.fromkeys(range(16), 0), 1)
        delivery.bury(connection, entry, reason)
    return str(entry.id)


def test_outbox_show_and_replay(accounts: Side, shell: Shell) -> None:
    assert shell.rows(accounts, "outbox", "show") == []
    emit(accounts, [(1, 1), (2, 1), (3, 1)])
    dead, other = bury(accounts, "too large"), bury(accounts, "no")
    shown = shell.rows(accounts, "outbox", "show")
    assert sorted(row["state"] for row in shown) == ["dead", "dead", "pending"]
    [letter] = [row for row in shown if row["id"] == dead]
    assert (letter["reason"], letter["attempts"]) == ("too large", 1)
    assert letter["subject"] == "requests.ledger.call"

    assert shell(accounts, "outbox", "replay", dead).stdout == "1 pending again\n"
    states = {row["id"]: row["state"] for row in shell.rows(accounts, "outbox", "show")}
    assert (states[dead], states[other]) == ("pending", "dead")
    assert shell(accounts, "outbox", "replay").stdout == "1 pending again\n"
    assert shell(accounts, "outbox", "replay").stdout == "0 pending again\n"


def test_inbox_show_and_replay(accounts: Side, ledger: Side, shell: Shell) -> None:
    emit(accounts, [(1, 1)], "record_then_fail")
    emit(accounts, [(2, 1)], "record_then_fail")
    work = processor(ledger)
    with ledger.working():
        work.process(messages(accounts)[:1])
        while ledger.rows("SELECT 1 FROM inbox_retry"):
            work.retry()
        work.process(messages(accounts)[1:])
    shown = shell.rows(ledger, "inbox", "show")
    assert [row["state"] for row in shown] == ["waiting", "dead"]
    assert {row["reason"] for row in shown} == {"Refused: after the commit"}
    dead = shown[1]["message_id"]
    # A handler that fails again changes nothing: the letter stays.
    again = shell(ledger, "inbox", "replay", dead)
    assert (again.returncode, again.stdout) == (1, "0 applied\n")
    assert again.stderr.endswith(f"{dead} failed again: Refused: after the commit\n")
    assert ledger.rows("SELECT message_id FROM inbox_dead_letter") == [(dead,)]
    assert ledger.rows("SELECT 1 FROM entries") == []

    mended = "UPDATE inbox_dead_letter SET payload = jsonb_set(payload, '{data,function}', :f)"
    with ledger.engine.begin() as connection:
        connection.execute(sa.text(mended), {"f": '"bank.ledger:record"'})
    assert shell(ledger, "inbox", "replay", "no-such-id").stdout == "0 applied\n"
    done = shell(ledger, "inbox", "replay", dead)
    assert (done.returncode, done.stdout) == (0, "1 applied\n"), done.stderr
    assert ledger.rows("SELECT account_id, number FROM entries") == [(1, 1)]
    assert [row["state"] for row in shell.rows(ledger, "inbox", "show")] == ["waiting"]


@pytest.mark.parametrize("role", ["relay", "inbox"])
def test_window_that_is_too_short_is_refused(accounts: Side, shell: Shell, role: str) -> None:
    """With a window shorter than a message's longest way back, it might be applied twice."""
    done = shell(accounts, role, CHASSIS_INBOX_RETENTION="86400")
    assert done.returncode == 2
    assert done.stderr.startswith("chassis: CHASSIS_INBOX_RETENTION is 86400 s, but a message can")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["outbox", "replay", "17"], {}, "an id of a message is a UUID"),
        (["publish-all", "nothing"], {}, "nothing: not among the published tables"),
        (["relay"], {"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        (["relay"], {"CHASSIS_BATCH": "many"}, "CHASSIS_BATCH is no number: 'many'"),
        (["relay"], {"BROKER_URL": "smtp://x"}, "it begins with one of"),
        (["relay"], {"CHASSIS_MANIFEST": "/nowhere"}, "/nowhere does not exist"),
    ],
)
def test_bad_input_is_told_in_one_line(
    accounts: Side, shell: Shell, arguments: list[str], environment: dict[str, str], told: str
) -> None:
    done = shell(accounts, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_window_covers_the_longest_way_back() -> None:
    given = settings("", "nats://unused", "")
    waits = [given.backoff(attempt) for attempt in range(given.relay_attempts)]
    assert given.inbox_retention > given.stream_age + given.dead_letter_age + sum(waits)


def test_backoff_doubles_up_to_its_cap_with_full_jitter() -> None:
    given = settings("", "nats://unused", "", backoff_base=1.0, backoff_cap=60.0)
    for attempt in range(1, 12):
        most = min(60.0, 2.0**attempt)
        waits = [given.backoff(attempt) for _ in range(400)]
        assert 0 <= min(waits) < 0.2 * most
        assert 0.8 * most < max(waits) <= most
    assert given.backoff(10_000) <= 60.0
