"""TCP ports of this machine that stay free until a server that is being started takes them."""

from __future__ import annotations

import socket
from random import SystemRandom

HOST = "127.0.0.1"
# Below those that systems lend to outgoing connections (Linux: from 32768, IANA's from 49152): a
# port of theirs may be lent to anybody between the look and the server's own bind, which a JVM
# takes seconds to reach, and while a server is restarted.
_FIRST, _LAST = 15_000, 32_000
_TRIES = 10_000
# A random number that no seed repeats: processes side by side must not try the same.
_random = SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nothing listens on now, and that this process was not given before.

    Raises OSError where there is none.
    """
    for _ in range(_TRIES):
        port = _random.randint(_FIRST, _LAST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def free_ports(count: int) -> list[int]:
    """`count` different ports that nothing listens on now."""
    return [free_port() for _ in range(count)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
