"""The real server, in a thread of the test process: uvicorn as `make run` has it, on a port of its own."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvicorn

START_SECONDS = 30
CALL_SECONDS = 60

T = TypeVar("T")


class Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.is_up.set()


@dataclass(frozen=True)
class LiveServer:
    host: str
    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the server's event loop, where its pool is."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(CALL_SECONDS)

    def connect(self) -> socket.socket:
        """A plain connection, for what no HTTP client would send."""
        return socket.create_connection((self.host, self.port), timeout=10)


@contextmanager
def serving(application: Any) -> Iterator[LiveServer]:
    """Serve ``application``, lifespan included, until the block ends."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="todoproject.protocol:BoundedProtocol",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = Uvicorn(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn", daemon=True)
    thread.start()
    assert server.is_up.wait(START_SECONDS), "the server did not start: its log says why"
    assert server.loop is not None
    try:
        host, port = listener.getsockname()
        yield LiveServer(host, port, server.loop)
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()
