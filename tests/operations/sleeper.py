"""A database that scales to zero, as clients of Neon see it: a stand-in, made of a TCP proxy.

A suspend closes every connection. Afterwards connections are still accepted at once, and the first one wakes the
server: whatever is sent on any of them arrives when it is up again.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


class Sleeper:
    """``run`` is for a thread of its own; ``suspend`` and ``end`` for the others."""

    def __init__(self, connect: Connect, wake_seconds: float) -> None:
        self.port = 0
        self.connections = 0  # that anybody has opened so far
        self.wakes = 0
        self._connect = connect
        self._wake_seconds = wake_seconds
        self._writers: set[asyncio.StreamWriter] = set()
        self._waking: asyncio.Task[None] | None = None

    async def run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._awake, self._ended = asyncio.Event(), asyncio.Event()
        self._awake.set()
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._ended.wait()
            await self._close_all()

    def suspend(self) -> None:
        """Returns once every connection is closed."""
        asyncio.run_coroutine_threadsafe(self._suspend(), self._loop).result(10)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _suspend(self) -> None:
        self._awake.clear()
        await self._close_all()

    async def _close_all(self) -> None:
        for writer in list(self._writers):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with self._known(writer), suppress(OSError):
            await self._wake()
            theirs, to_them = await self._connect()
            with self._known(to_them):
                await asyncio.gather(_pump(reader, to_them), _pump(theirs, writer))

    async def _wake(self) -> None:
        if not self._awake.is_set() and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake_up())
        await self._awake.wait()

    async def _wake_up(self) -> None:
        self.wakes += 1
        await asyncio.sleep(self._wake_seconds)
        self._awake.set()

    @contextmanager
    def _known(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def sleeper(connect: Connect, wake_seconds: float) -> Iterator[Sleeper]:
    ready, made = threading.Event(), Sleeper(connect, wake_seconds)
    thread = threading.Thread(target=lambda: asyncio.run(made.run(ready)), name="sleeper")
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        made.end()
        thread.join(10)
