"""What operators may set, all from the environment."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, fields

DAY = 86_400.0


class SettingsError(ValueError):
    """A setting is missing or contradicts another."""


@dataclass(frozen=True)
class Settings:
    """Times are in seconds. Each but the first two is ``CHASSIS_<NAME>`` in the environment."""

    # DATABASE_URL and BROKER_URL; the scheme of the latter (nats, amqp, kafka, http) chooses.
    database_url: str
    broker_url: str
    # Prefix of subjects and name of the stream: lets systems share one broker.
    namespace: str = ""
    # Where DATABASE_URL leads to a pooler (PgBouncer): the database itself, to LISTEN there, or
    # "none" to poll only. No session state is used over DATABASE_URL then.
    direct_url: str = ""
    # The most messages that are claimed, fetched or applied in one go.
    batch: int = 500
    # The longest wait before the outbox is looked at without having been woken.
    poll: float = 1.0
    # For how long a process owns its partitions without a sign of life.
    lease: float = 10.0
    publish_timeout: float = 5.0
    # The wait before attempt n + 1 is drawn from 0 .. min(cap, base * 2**n).
    backoff_base: float = 0.2
    backoff_cap: float = 30.0
    # Refusals by the broker, and failures of the handler, before a message is a dead letter.
    relay_attempts: int = 20
    inbox_attempts: int = 6
    # How long published messages stay in the outbox, for people.
    outbox_retention: float = DAY
    # How long the inbox knows a message that it has seen.
    inbox_retention: float = 16 * DAY
    # How long the broker keeps messages, and for how long a dead letter may be replayed.
    stream_age: float = 7 * DAY
    dead_letter_age: float = 7 * DAY
    # On how many brokers of a cluster a message is kept, where the broker can (NATS: 1, 3 or 5).
    stream_replicas: int = 1

    def __post_init__(self) -> None:
        for field in fields(self)[4:]:
            if getattr(self, field.name) <= 0:
                raise SettingsError(f"CHASSIS_{field.name.upper()} must be greater than 0")
        if self.inbox_retention < self.longest_return:
            raise SettingsError(
                f"CHASSIS_INBOX_RETENTION is {self.inbox_retention:g} s, but a message can come "
                f"again after {self.longest_return:g} s (CHASSIS_STREAM_AGE + "
                "CHASSIS_DEAD_LETTER_AGE + the longest retries): raise it, or lower those"
            )

    @property
    def longest_return(self) -> float:
        """How long after its first delivery a message can be delivered again."""
        retries = (self.relay_attempts + self.inbox_attempts) * self.backoff_cap
        return self.stream_age + self.dead_letter_age + retries

    def backoff(self, attempt: int) -> float:
        """The wait after failed attempt number `attempt`: exponential, with full jitter."""
        return random.uniform(0, min(self.backoff_cap, self.backoff_base * 2 ** min(attempt, 30)))


def load() -> Settings:
    """The settings of this process."""
    given: dict[str, float | int] = {}
    for field in fields(Settings)[4:]:
        variable = f"CHASSIS_{field.name.upper()}"
        if text := os.environ.get(variable):
            try:
                given[field.name] = int(text) if field.type == "int" else float(text)
            except ValueError as error:
                raise SettingsError(f"{variable} is no number: {text!r}") from error
    return Settings(
        database_url=_required("DATABASE_URL"),
        broker_url=os.environ.get("BROKER_URL", "nats://127.0.0.1:4222"),
        namespace=os.environ.get("CHASSIS_NAMESPACE", ""),
        direct_url=os.environ.get("CHASSIS_DIRECT_URL", ""),
        **given,  # type: ignore[arg-type]
    )


def carried_by_debezium() -> bool:
    """``CHASSIS_OUTBOX=debezium``: messages are only inserted in `outbox`, not in the queue.

    Asked wherever a message is appended, also in processes that need no other setting.
    """
    value = os.environ.get("CHASSIS_OUTBOX", "relay")
    if value not in ("relay", "debezium"):
        raise SettingsError(f"CHASSIS_OUTBOX is {value!r}; it is 'relay' or 'debezium'")
    return value == "debezium"


def _required(variable: str) -> str:
    if value := os.environ.get(variable):
        return value
    raise SettingsError(f"{variable} is not set")
