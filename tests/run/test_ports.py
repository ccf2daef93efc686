from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from migrator.run.ports import HOST, free_port, free_ports

_LENT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_ports_differ_and_can_be_taken() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as server:
            server.bind((HOST, port))


@pytest.mark.skipif(not _LENT.exists(), reason="needs Linux' /proc")
def test_outgoing_connections_are_never_lent_one() -> None:
    first, last = (int(number) for number in _LENT.read_text("ascii").split())
    assert not any(first <= port <= last for port in free_ports(50))


def test_seed_of_a_neighbour_gives_other_ports() -> None:
    random.seed(0)
    first = free_ports(5)
    random.seed(0)
    assert free_ports(5) != first


def test_port_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        taken = server.getsockname()[1]
        monkeypatch.setattr("migrator.run.ports._FIRST", taken)
        monkeypatch.setattr("migrator.run.ports._LAST", taken)
        with pytest.raises(OSError, match="no free port"):
            free_port()
