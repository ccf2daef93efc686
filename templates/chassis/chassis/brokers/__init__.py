"""Brokers behind one small port; ``BROKER_URL`` chooses which."""

from __future__ import annotations

from importlib import import_module

from chassis.brokers.port import (
    PARTITIONS,
    Broker,
    BrokerUnavailable,
    DestinationUnavailable,
    Incoming,
    Outgoing,
    Reader,
    Rejected,
    begin,
    partition_of,
)
from chassis.settings import Settings, SettingsError

__all__ = [
    "PARTITIONS",
    "Broker",
    "BrokerUnavailable",
    "DestinationUnavailable",
    "Incoming",
    "Outgoing",
    "Reader",
    "Rejected",
    "begin",
    "connect",
    "partition_of",
]

_MODULES = {
    "nats": "nats",
    "tls": "nats",
    "amqp": "rabbit",
    "amqps": "rabbit",
    "kafka": "kafka",
    "http": "http",
    "https": "http",
}


async def connect(settings: Settings) -> Broker:
    """The broker of `settings`; raises `BrokerUnavailable` while it does not answer."""
    scheme = settings.broker_url.partition(":")[0]
    if scheme not in _MODULES:
        known = ", ".join(f"{name}://" for name in _MODULES)
        raise SettingsError(f"BROKER_URL is {settings.broker_url!r}; it begins with one of {known}")
    try:
        module = import_module(f"chassis.brokers.{_MODULES[scheme]}")
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"BROKER_URL is {settings.broker_url!r}, and the package {error.name} is not "
            f"installed: pip install 'chassis[{_MODULES[scheme]}]'"
        ) from error
    broker: Broker = await module.connect(settings)
    return broker
