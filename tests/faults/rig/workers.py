"""What the processes of the rig run. Each is forked from a server that has imported all this."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import chassis.__main__ as command
import sqlalchemy as sa
from bank import faulty, models
from bank.db import session
from chassis import capture, grouping, remote
from chassis.manifest import load

from . import mutants

ACCOUNTS = 12
_BEHAVIOURS = ("plain", "slow", faulty.POISON, faulty.FLAKY)
_WEIGHTS = (80, 12, 3, 5)


def work(role: str, environment: dict[str, str], log: Path, seed: int, mutant: str | None) -> None:
    """Be a producer, a relay, an inbox or a web process, until killed."""
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # So that the log can tell what a process that does nothing is at.
    faulthandler.register(signal.SIGUSR1)
    os.environ.update(environment)
    session.configure(bind=sa.create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True))
    # Else nothing here would ever go without a savepoint: too much fails.
    grouping._TRUSTED_AFTER = 2
    if mutant:
        mutants.install(mutant)
    if role == "producer":
        produce(random.Random(seed))
    elif role == "web":
        serve(os.environ["RIG_SOCKET"])
    else:
        sys.exit(command.main([role]))


def produce(chance: random.Random) -> None:
    """Business transactions without end, each with its messages and its line in `produced`."""
    capture.install(load())
    while True:
        try:
            _transaction(chance)
        except sa.exc.SQLAlchemyError as error:
            # Perhaps it was committed: then its row in `produced` says so.
            print(f"producer: {type(error).__name__}: {error}", flush=True)
            with suppress(sa.exc.SQLAlchemyError):
                session.rollback()
            session.remove()
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 0.04))


def serve(socket: str) -> None:
    """The service's application, where the relays of others post to its inbox."""
    from chassis.web import create_app
    from werkzeug.serving import make_server

    inner = create_app()

    def application(environ: dict[str, Any], start: Any) -> Any:
        # A socket file has no port, and those who look for one stumble.
        return inner({**environ, "SERVER_PORT": "80"}, start)

    make_server(f"unix://{socket}", 0, application, threaded=True).serve_forever()


def _transaction(chance: random.Random) -> None:
    accounts = sorted(chance.sample(range(1, ACCOUNTS + 1), chance.choice((1, 1, 1, 2, 3))))
    for account in accounts:
        behaviour = chance.choices(_BEHAVIOURS, _WEIGHTS)[0]
        # The row lock makes numbers follow commits.
        number = session.execute(
            sa.text("UPDATE numbers SET last = last + 1 WHERE account = :a RETURNING last"),
            {"a": account},
        ).scalar_one()
        session.execute(
            sa.text("INSERT INTO produced VALUES (:a, :n, :b)"),
            {"a": account, "n": number, "b": behaviour},
        )
        row = session.get(models.Account, account)
        if row is None:
            session.add(models.Account(id=account, owner="ada", balance=number))
        else:
            row.balance = number
        remote.emit("bank.faulty:record", account, number, behaviour)
    if chance.random() < 0.1:
        # Commits late: others' messages, written after, are long published.
        time.sleep(0.25)
    if chance.random() < 0.05:
        session.rollback()
    else:
        session.commit()
