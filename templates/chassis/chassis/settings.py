"""What operators may set, all from the environment."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

DAY = 86_400.0


class SettingsError(ValueError):
    """A setting is missing or contradicts another."""


@dataclass(frozen=True)
class Settings:
    """Times are in seconds."""

    database_url: str
    broker_url: str
    # Prefix of subjects and name of the stream: lets systems share one broker.
    namespace: str = ""
    batch: int = 200
    poll: float = 1.0
    publish_timeout: float = 5.0
    backoff_base: float = 0.2
    backoff_cap: float = 30.0
    relay_attempts: int = 20
    inbox_attempts: int = 6
    outbox_retention: float = DAY
    inbox_retention: float = 14 * DAY
    # How long the broker keeps messages: nothing older can be delivered again.
    stream_age: float = 7 * DAY

    def __post_init__(self) -> None:
        longest = self.stream_age + self.inbox_attempts * self.backoff_cap
        if self.inbox_retention < longest:
            raise SettingsError(
                f"CHASSIS_INBOX_RETENTION is {self.inbox_retention:g} s, but a message can arrive "
                f"again for {longest:g} s: it would be applied twice"
            )

    def backoff(self, attempt: int) -> float:
        """The wait before attempt number `attempt` + 1: exponential, with full jitter."""
        return random.uniform(0, min(self.backoff_cap, self.backoff_base * 2 ** min(attempt, 30)))


def load() -> Settings:
    """The settings of this process."""
    numbers = {
        "batch": int,
        "poll": float,
        "publish_timeout": float,
        "backoff_base": float,
        "backoff_cap": float,
        "relay_attempts": int,
        "inbox_attempts": int,
        "outbox_retention": float,
        "inbox_retention": float,
        "stream_age": float,
    }
    given: dict[str, float | int] = {}
    for name, kind in numbers.items():
        variable = f"CHASSIS_{name.upper()}"
        if text := os.environ.get(variable):
            try:
                given[name] = kind(text)
            except ValueError as error:
                raise SettingsError(f"{variable} is no number: {text!r}") from error
    return Settings(
        database_url=_required("DATABASE_URL"),
        broker_url=os.environ.get("BROKER_URL", "nats://127.0.0.1:4222"),
        namespace=os.environ.get("CHASSIS_NAMESPACE", ""),
        **given,  # type: ignore[arg-type]
    )


def _required(variable: str) -> str:
    if value := os.environ.get(variable):
        return value
    raise SettingsError(f"{variable} is not set")
