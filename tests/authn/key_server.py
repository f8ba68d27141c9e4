"""A JWKS endpoint that can misbehave in every way, on a real socket."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class KeyServer:
    """Answers every request with ``keys`` unless ``behaviour`` says otherwise, and counts."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys: list[Any] = list(keys)
        self.behaviour: Behaviour | None = None
        self.requests: list[str] = []
        self.asked = asyncio.Condition()
        self.open = asyncio.Event()
        self.open.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/auth/jwks"

    async def asked_times(self, count: int) -> None:
        """Wait until ``count`` requests have arrived."""
        async with asyncio.timeout(20), self.asked:
            await self.asked.wait_for(lambda: len(self.requests) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            async with self.asked:
                self.requests.append(request.split(b" ")[1].decode())
                self.asked.notify_all()
            await self.open.wait()
            if self.behaviour is None:
                answer(writer, json.dumps({"keys": self.keys}).encode())
            else:
                await self.behaviour(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test has
        finally:
            writer.close()


def answer(writer: asyncio.StreamWriter, body: bytes, status: str = "200 OK", *headers: str) -> None:
    head = "\r\n".join(["HTTP/1.1 " + status, f"Content-Length: {len(body)}", "Connection: close", *headers])
    writer.write(head.encode() + b"\r\n\r\n" + body)


def answering(body: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer(writer, body, status, *headers)

    return behave


@asynccontextmanager
async def key_server(*keys: dict[str, Any]) -> AsyncIterator[KeyServer]:
    server = KeyServer(*keys)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.open.set()
        listener.close()
        await listener.wait_closed()


@contextmanager
def serving_thread() -> Iterator[Callable[..., str]]:
    """For synchronous tests: a function that publishes keys from another thread's event loop and returns the origin."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()

    def publish(*keys: dict[str, Any]) -> str:
        entered = asyncio.run_coroutine_threadsafe(stack.enter_async_context(key_server(*keys)), loop)
        return f"http://127.0.0.1:{entered.result(10).port}"

    try:
        yield publish
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
