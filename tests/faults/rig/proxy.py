"""A TCP proxy that delays, refuses, swallows answers and cuts connections on command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

HOST = "127.0.0.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Mode = Literal["pass", "slow", "refuse", "swallow"]
_CHUNK = 65_536


class Network:
    """The event loop, in a thread of its own, in which all proxies of a run live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class Proxy:
    """Listens on `port` and passes connections on to where `upstream` connects.

    ``slow`` holds back each piece for `delay` seconds, ``refuse`` takes no connection and cuts
    those that are open, ``swallow`` keeps answers back: the server did it, the client cannot know.
    `hurt` counts the pieces, connections and answers that this was done to.
    """

    def __init__(self, network: Network, upstream: Callable[[], Awaitable[Streams]]) -> None:
        self._network = network
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._mode: Mode = "pass"
        self._delay = 0.0
        self.hurt = 0
        self._server: asyncio.Server = network.run(asyncio.start_server(self._serve, HOST, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def become(self, mode: Mode, delay: float = 0.0) -> None:
        """Change how connections are treated, those that are open too."""
        swallowed = self._mode == "swallow" and mode != "swallow"
        self._mode, self._delay = mode, delay
        if mode == "refuse" or swallowed:
            self._reset()

    def cut(self) -> None:
        """Reset every connection; what is on the way is lost."""
        self.hurt += self._reset()

    def close(self) -> None:
        self._mode = "refuse"
        self._network.run(self._stop())

    def _reset(self) -> int:
        return int(self._network.run(self._abort()))

    async def _stop(self) -> None:
        # Not from another thread: a connection that ends meanwhile would close the server too.
        self._server.close()
        await self._abort()

    async def _abort(self) -> int:
        for writer in list(self._open):
            writer.transport.abort()
        # Both ends of each.
        return len(self._open) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "refuse":
            self.hurt += 1
            writer.transport.abort()
            return
        try:
            above, below = await self._upstream()
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, below}
        self._open |= ends
        pumps = [
            asyncio.ensure_future(self._pump(reader, below, answers=False)),
            asyncio.ensure_future(self._pump(above, writer, answers=True)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in ends:
            end.transport.abort()
        self._open -= ends

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self._mode == "slow":
                    self.hurt += 1
                    await asyncio.sleep(self._delay)
                if self._mode == "swallow" and answers:
                    self.hurt += 1
                    continue
                writer.write(data)
                await writer.drain()
